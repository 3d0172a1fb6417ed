"""Versions of the rule book: they chain, restore to the last digit, and nothing done to their files goes unnoticed."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

import allocate as al
from tests.commons.proposing.test_proposals import NORTH, SOUTH, SWAP

DAY = date(2026, 11, 22)
EVERYBODY = ["board", "council", "trust"]
RULE = SOUTH["rules.south"] | {"amount": 20_000.0}


@pytest.fixture
def book(tiny, tmp_path) -> Path:
    """Three versions: a floor raised against the trust's vote, a rule added and money moved, a rule gone."""
    folder = tmp_path / "versions"
    first = al.propose(tiny, {NORTH: 65_000.0}, by="council", reason="Children first")
    al.accept(first, ["board", "council"], {"trust": 'It says "no"'}, DAY, folder)
    second = al.propose(al.restore(tiny, folder), {"rules.south": RULE} | SWAP, by="trust")
    al.accept(second, EVERYBODY, {}, DAY, folder)
    third = al.propose(al.restore(tiny, folder), {"rules.steady-care": None, "envelopes.core": "x1.02"}, by="board")
    al.accept(third, ["board"], {}, date(2026, 12, 1), folder)
    return folder


def test_what_is_kept(book):
    """A version holds who proposed it and why, who agreed, who dissented and why, the day and how it was decided."""
    one, two, three = al.versions(book)
    assert (one.number, one.by, one.reason, one.on) == (1, "council", "Children first", DAY)
    assert (one.agreed, one.dissented) == (("board", "council"), {"trust": 'It says "no"'})
    assert [each.decided_by for each in (one, two, three)] == ["weighted", "unanimity", "consent"]
    assert sorted(path.name for path in book.iterdir()) == [
        "0001-prevention-north", "0002-south", "0003-steady-care",
    ]  # fmt: skip


def test_the_vote_is_put_on_record(tiny, book):
    """Rules that a version touches say who supports and who objects, a new one who proposed it; the others stay."""
    rules = {rule.id: rule for rule in al.restore(tiny, book, 2).rules}
    north, south = rules["prevention-north"], rules["south"]
    assert north.support == ("board", "council")
    assert [(each.by, each.reason) for each in north.objections] == [("trust", 'It says "no"')]
    assert south.support == tuple(EVERYBODY)
    assert south.proposer == "trust"
    assert rules["steady-care"].support == ()


def test_they_chain_and_restore(tiny, book):
    """Each version holds the fingerprint of the one before, and laid over the first scenario gives its own exactly."""
    found = al.versions(book)
    assert found[0].previous == ""
    assert [each.previous for each in found[1:]] == [each.digest for each in found[:-1]]
    assert found[0].before == tiny.digest
    assert al.restore(tiny, book, 0) is tiny
    for version in found:
        assert al.restore(tiny, book, version.number).digest == version.after
    assert al.restore(tiny, book).digest == found[-1].after
    assert al.restore(tiny, book).envelopes["amount"].tolist() == [918_000, 90_000]


def test_comparing(tiny, book):
    """Two versions, in either order, differ in the rules added, taken out and changed, with sentences before and after,
    and in figures outside the rules."""
    one, two, three = al.versions(book)
    table = al.compare_versions(one, three)
    told = {(row.rule, row.what, row.field): (row.before, row.after) for row in table.itertuples()}
    assert told == {
        ("south", "added", ""): ("", ""),
        ("steady-care", "taken out", ""): ("", ""),
        ("", "changed", "envelopes.core.2026/27.amount"): (900_000, 918_000),
        ("", "changed", "envelopes.grant.2026/27.amount"): (100_000, 90_000),
    }
    assert table.set_index("rule").loc["south", "sentence_after"].endswith("must be at least £20,000")
    back = al.compare_versions(three, one)
    assert {(row.rule, row.what) for row in back.itertuples() if row.rule} == {
        ("south", "taken out"), ("steady-care", "added"),
    }  # fmt: skip
    assert al.compare_versions(two, two).empty
    from_start = al.compare_versions(tiny, one).set_index("field")
    assert from_start.loc["amount", ["before", "after"]].tolist() == [60_000, 65_000]
    assert from_start.loc["amount", "sentence_before"] != from_start.loc["amount", "sentence_after"]
    assert al.compare_versions(al.restore(tiny, book, 2), two).empty


TAMPERING = [
    ("0001-prevention-north/version.toml", "Children first", "Children last", "edited"),
    ("0001-prevention-north/version.toml", "65000", "64000", "edited"),
    ("0003-steady-care/version.toml", '"board"]', '"board", "trust"]', "edited"),
    ("0002-south/rules.toml", "20000", "10000", "edited"),
    ("0002-south/version.toml", "[change]", "[change", "not TOML"),
    ("0002-south/version.toml", "agreed = [", "agree = [", "is missing"),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), TAMPERING)
def test_tampering(tiny, book, file, old, new, said):
    """An edit to any file of a version is found out, in words that name it."""
    path = book / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(al.ScenarioError, match=said) as error:
        al.restore(tiny, book)
    assert file.split("/")[0] in str(error.value)


def test_a_whole_version_put_in(tiny, book, tmp_path):
    """A version made elsewhere, sound by itself, does not fit the chain; neither does a chain with one left out."""
    other = tmp_path / "other"
    al.accept(al.propose(tiny, {NORTH: 61_000.0}, by="board"), EVERYBODY, {}, DAY, other)
    shutil.rmtree(book / "0001-prevention-north")
    with pytest.raises(al.ScenarioError, match="one is missing"):
        al.versions(book)
    shutil.copytree(other / "0001-prevention-north", book / "0001-prevention-north")
    with pytest.raises(al.ScenarioError, match="version before it") as error:
        al.versions(book)
    assert "rule book that version 1 left" in str(error.value)


def test_other_line_ends(tiny, book):
    """Line ends that a version control system turns round are no tampering."""
    for path in book.rglob("*.toml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(al.versions(book)) == 3


def test_another_scenario(tiny, book):
    """Versions are not laid over a scenario that they were not made from."""
    with pytest.raises(al.ScenarioError, match="another scenario"):
        al.restore(tiny.change({"envelopes.core": 905_000.0}), book)
    with pytest.raises(al.ScenarioError, match="expected 0 to 3"):
        al.restore(tiny, book, 4)


def test_nothing_is_written_where_refused(tiny, book):
    """A proposal from an older rule book, a day before the last version, and votes that pass nothing are refused, all
    at once, and no file changes."""
    before = {path: path.read_bytes() for path in book.rglob("*.toml")}
    stale = al.propose(tiny, {NORTH: 70_000.0}, by="board")
    with pytest.raises(al.ScenarioError) as error:
        al.accept(stale, ["council"], {"board": "No", "truss": " ", "council": "Yes"}, date(2026, 1, 1), book)
    said = str(error.value)
    for words in ("another rule book", "did you mean trust?", "a reason", "both agreed", "no rule for deciding",
                  "before version 3"):  # fmt: skip
        assert words in said
    assert {path: path.read_bytes() for path in book.rglob("*") if path.is_file()} == before


def test_how_it_is_decided(tiny, tmp_path):
    """The rule for deciding that partners go by must be one, and be passed by the vote."""
    found = al.propose(tiny, {NORTH: 70_000.0}, by="board")
    dissent = {"council": "Too much"}
    with pytest.raises(al.ScenarioError, match="does not pass"):
        al.accept(found, ["board", "trust"], dissent, DAY, tmp_path, "consent")
    with pytest.raises(al.ScenarioError, match="is not one of unanimity"):
        al.accept(found, ["board", "trust"], dissent, DAY, tmp_path, "lot")
    assert al.accept(found, ["board", "trust"], dissent, DAY, tmp_path, "majority").decided_by == "majority"


def test_the_law_and_clashes(tiny, tmp_path):
    """What the law bars is no version whoever agrees, and what cannot hold raises its own clash."""
    statutory = tiny.change({"rules.prevention-north.standing": "statutory"})
    with pytest.raises(al.ScenarioError, match="the law does not allow it: it eases a statutory rule"):
        al.accept(al.propose(statutory, {NORTH: 10.0}, by="board"), EVERYBODY, {}, DAY, tmp_path)
    with pytest.raises(al.NoPlan):
        al.accept(al.propose(tiny, SOUTH, by="board"), EVERYBODY, {}, DAY, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_accepted_objection_counts(tiny, book):
    """An objection that a version put on record counts when the rule is tightened again."""
    stands = al.restore(tiny, book)
    found = al.propose(stands, {NORTH: 70_000.0}, by="board")
    assert [(each.by, each.recorded) for each in found.objections] == [("trust", True)]


def test_no_folder(tmp_path, tiny):
    """A folder that is not there holds no version."""
    assert al.versions(tmp_path / "none") == []
    assert al.restore(tiny, tmp_path / "none") is tiny
