"""`allocate propose`: words to stderr, tables to stdout, and the exit codes of every verb."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

import allocate as al
from allocate import cli
from tests.conftest import SCENARIOS

TINY = str(SCENARIOS / "tiny")
FLOOR = ["--change", "rules.prevention-north.amount=70000", "--by", "board"]
SWAP = ["--change", "envelopes.core=910000", "--change", "envelopes.grant=90000", "--by", "board"]


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What `allocate propose` on tiny says with these arguments: tables and words."""
    assert cli.main(["propose", TINY, *arguments]) == code
    out, words = capsys.readouterr()
    assert "Traceback" not in words
    return out, words


def test_tables_and_words(capsys, plan):
    """Tables of votes, money and rules go to stdout; the verdict is the first of the words on stderr."""
    out, words = told(capsys, *SWAP)
    found = al.propose(plan, {"envelopes.core": 910_000.0, "envelopes.grant": 90_000.0}, by="board")
    assert words.splitlines() == [*found.sentences, ""]
    for title in ("Who says yes", "In all", "By partner", "By place"):
        assert title in out
    lines = [line.split() for line in out.splitlines()]
    assert ["The", "Council", "£100,000", "£90,000", "−£10,000", "−9.95", "against,", "objects"] in lines
    assert ["Consent", "no", "2", "1"] in lines
    assert ["A", "simple", "majority", "yes", "2", "1"] in lines


def test_csv_and_json(capsys, plan):
    """CSV is the table of partners; JSON every table and the sentences."""
    found = al.propose(plan, {"rules.prevention-north.amount": 70_000.0}, by="board", payoff="outcome")
    out, _ = told(capsys, *FLOOR, "--payoff", "outcome", "--format", "csv")
    assert list(pd.read_csv(io.StringIO(out))["difference"]) == pytest.approx(list(found.partners["difference"]))
    out, _ = told(capsys, *FLOOR, "--payoff", "outcome", "--format", "json")
    tables = json.loads(out)
    assert tables["sentences"] == found.sentences
    assert {"passes", "total", "outcomes", "partners", "places", "rules", "power", "compensation"} <= set(tables)


def test_tolerance_and_weights(capsys):
    """The tolerance and the weights given are those that count."""
    out, _ = told(
        capsys, *SWAP, "--tolerance", "0.1", "--weight", "council=2", "--weight", "trust=1", "--format", "json"
    )
    passes = {row["rule"]: row["passes"] for row in json.loads(out)["passes"]}
    assert passes == {"unanimity": False, "consent": True, "majority": True, "weighted": False, "law": True}


def test_a_clash_is_exit_3(capsys):
    """A proposal that cannot hold is answered, and its exit code says so."""
    south = '{kind="floor",owner="council",where={programmes=["prevention"],places=["south"]},amount=50000}'
    out, words = told(capsys, "--change", f"rules.south={south}", "--by", "board", code=3)
    assert "This cannot hold" in words
    assert "clashes" in out


def test_rivals(capsys, tmp_path):
    """Rival changes from files are set beside the proposal and what stands, two by two."""
    (tmp_path / "lower.toml").write_text('"rules.prevention-north.amount" = 50000\n', encoding="utf-8")
    out, words = told(capsys, *FLOOR, "--payoff", "outcome", "--rivals", f"lower={tmp_path / 'lower.toml'}")
    assert "Each against each" in out
    assert "“lower” is preferred to every other" in words


def test_accepting(capsys, tmp_path, tiny):
    """A proposal is made a version with who agreed and dissented, and the next is made from that one."""
    book = tmp_path / "book"
    vote = ["--agreed", "board,trust", "--dissented", "council=Too much", "--accept", str(book), "--on", "2026-11-22"]
    _, words = told(capsys, *FLOOR, "--reason", "More in North", *vote)
    assert "This is version 1 of the rule book, decided by weighted." in words
    (version,) = al.versions(book)
    assert (version.reason, version.agreed, version.dissented) == (
        "More in North", ("board", "trust"), {"council": "Too much"},
    )  # fmt: skip
    out, _ = told(capsys, *FLOOR, "--book", str(book), "--format", "json")
    assert all(row["difference"] == 0 for row in json.loads(out)["total"])
    again = ["--change", "rules.steady-care.up=0.4", "--by", "trust", *vote]
    told(capsys, *again)
    assert al.restore(tiny, book).digest == al.versions(book)[1].after


def test_what_is_not_accepted(capsys, tmp_path):
    """A vote that passes nothing is refused before anything is shown; what cannot hold is shown, and is no version."""
    book = tmp_path / "book"
    vote = ["--accept", str(book), "--on", "2026-11-22"]
    out, words = told(capsys, *FLOOR, *vote, "--agreed", "board", "--decided-by", "unanimity", code=2)
    assert out == ""
    assert "the vote does not pass it" in words
    south = '{kind="floor",owner="council",where={programmes=["prevention"],places=["south"]},amount=50000}'
    clash = ["--change", f"rules.south={south}", "--by", "board"]
    _, words = told(capsys, *clash, *vote, "--agreed", "board", code=3)
    assert "It was not accepted" in words
    assert not book.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--by", "board"], "nothing is proposed"),
        ([*FLOOR[:2], "--by", "bord"], "did you mean board?"),
        (["--change", "rules.prevention.amount=1", "--by", "board"], "no such rule"),
        ([*FLOOR, "--agreed", "board"], "belongs to --accept"),
        ([*FLOOR, "--accept", "book"], "--on"),
        ([*FLOOR, "--accept", "book", "--on", "yesterday"], "is not a day"),
        ([*FLOOR, "--accept", "book", "--on", "2026-11-22", "--dissented", "trust"], "is not PARTNER=REASON"),
        ([*FLOOR, "--weight", "trust=much"], "is not a number"),
        ([*FLOOR, "--rivals", "other=none.toml"], "cannot be read"),
    ],
)
def test_refused(capsys, monkeypatch, tmp_path, arguments, said):
    """What is wrong with the command or the proposal is said, with exit code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    out, words = told(capsys, *arguments, code=2)
    assert said in words
    assert out == ""
    assert list(tmp_path.iterdir()) == []
