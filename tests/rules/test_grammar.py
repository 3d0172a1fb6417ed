"""The grammar of rules, their minutes and the book."""

from __future__ import annotations

import re

import pytest

import allocate as al
from allocate.rules import book, encoded, grammar, minute
from allocate.rules.grammar import COLUMNS, SYMBOLS
from allocate.scenario.rulebook import KINDS, Rule
from tests.conftest import SCENARIOS

AGREED = {
    "kind": "floor", "owner": "council", "where": {"programmes": ["care"], "places": ["north"]}, "amount": 450_000,
    "proposer": "council", "support": ["board", "trust"], "objections": [{"by": "council", "reason": "It is too much"}],
    "since": "2025-04-01", "review": "2026-03-31", "when": "while the grant (of 2025) lasts",
    "or_else": "the board meets in public", "bends": [{"by": 1e6, "price": 20}, {"price": 60}],
    "authority": "Board paper 12", "source": "made-up", "level": "collective-choice",
}  # fmt: skip


@pytest.fixture
def agreed(tiny) -> tuple[Rule, al.Scenario]:
    """A rule with every part of the record, and its scenario."""
    scenario = tiny.change({"rules.example": AGREED})
    return next(rule for rule in scenario.rules if rule.id == "example"), scenario


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_declares_its_aim(name):
    """A kind says in its class what it asks for, in words no other kind uses, and whether it must, must not or may."""
    aims = [each.aim for each in KINDS.values()]
    assert KINDS[name].aim
    assert aims.count(KINDS[name].aim) == 1
    assert KINDS[name].deontic in ("must", "must not", "may")


def test_every_part_has_its_symbol(agreed):
    """A rule with everything is taken apart into all the symbols of IG 2.0, in their order."""
    assert grammar(*agreed) == {
        "A": "The Council",
        "D": "must",
        "I": "spend or gain at least",
        "Bdir": "spending on Care",
        "Bind": "in North",
        "Cac": "from 1 April 2025; while the grant (of 2025) lasts",
        "Cex": "£450,000",
        "O": "the board meets in public; each £1m short costs 20 points, beyond £1m 60",
    }
    assert tuple(grammar(*agreed)) == SYMBOLS


def test_ig_script(agreed):
    """IG Script has its components in parentheses, an or else as a whole statement in braces, and no stray marks."""
    text = encoded(*agreed)
    assert text == (
        "A(The Council) D(must) I(spend or gain at least) Bdir(spending on Care) Bind(in North) "
        "Cac(from 1 April 2025; while the grant of 2025 lasts) Cex(£450,000) O{E(breach) F(brings) "
        "P(the board meets in public; each £1m short costs 20 points, beyond £1m 60)}"
    )


@pytest.mark.parametrize("name", ["coventry-warwickshire", "greater-manchester"])
def test_real_books_are_ig_script(name):
    """Every rule of the real systems has who, must and what, and its script is components and nothing else."""
    scenario = al.read(SCENARIOS / name)
    for rule in scenario.rules:
        assert {"A", "D", "I", "Bdir", "Cex"} <= set(grammar(rule, scenario))
        components = r"(?:A|D|I|Bdir|Bind|Cac|Cex)\([^(){}\[\]]+\)"
        assert re.fullmatch(rf"{components}(?: {components})*(?: O\{{.*\}})?", encoded(rule, scenario))


def test_who_is_named_before_the_owner(tiny):
    """The attributes are the partners that the rule is about; the owner stands for them where it names none."""
    rules = {"kind": "cap", "owner": "board", "amount": 800_000}
    scenario = tiny.change({
        "rules.a": rules | {"where": {"partners": ["trust"]}}, "rules.b": rules | {"where": {"kinds": ["acute"]}},
        "rules.c": rules,
    })  # fmt: skip
    said = {rule.id: grammar(rule, scenario)["A"] for rule in scenario.rules}
    assert (said["a"], said["b"], said["c"]) == ("The Trust", "acute bodies", "The Board")


def test_a_full_minute(agreed):
    """A minute says who agreed and when, the sentence, and everything that was agreed with it."""
    assert minute(*agreed) == (
        "Agreed by The Board and The Trust on a proposal of The Council, in force from 1 April 2025, "
        "to be reviewed by 31 March 2026: Spending on Care in North must be at least £450,000. Condition: while the "
        "grant (of 2025) lasts. Bends "
        "at 20 points for each £1m short up to £1m, 60 beyond. Or else: the board meets in public. The Council "
        "objects: It is too much. Authority: Board paper 12."
    )


@pytest.mark.parametrize(("fields", "words"), [
    ({}, "Agreed: Spending must be at least £5."),
    ({"support": ["board"]}, "Agreed by The Board: Spending"),
    ({"standing": "statutory", "since": "2025-04-01"}, "Required by law, in force from 1 April 2025: Spending"),
    ({"standing": "recorded"}, "Recorded, and binding nothing: Spending"),
    ({"in_force": False}, "must be at least £5. Not in force."),
])  # fmt: skip
def test_a_minute_leaves_out_what_is_not_given(fields, words, tiny):
    """Nothing is said of what nobody told."""
    scenario = tiny.change({"rules.a": {"kind": "floor", "owner": "board", "amount": 5} | fields})
    said = minute(scenario.rules[0], scenario)
    assert words in said
    assert fields or said == words


def test_the_book(agreed, tiny):
    """The book has a row a rule with its words, standing, grammar and record, names for ids; it may be empty."""
    _, scenario = agreed
    table = book(scenario)
    assert list(table) == COLUMNS
    assert table["id"].tolist() == ["example", "prevention-north", "steady-care"]
    row = table.iloc[0]
    assert row[["title", "kind", "standing", "level", "in_force"]].tolist() == [
        "Example", "floor", "agreed", "collective-choice", True,
    ]  # fmt: skip
    assert row["owner":].tolist() == [
        "The Council", "The Council", "The Board; The Trust", "The Council: It is too much", "2025-04-01",
        "2026-03-31", "Board paper 12", "made-up", True,
    ]  # fmt: skip
    none = tiny.change({"rules.prevention-north": None, "rules.steady-care": None})
    assert list(book(none)) == COLUMNS
    assert book(none).empty


@pytest.mark.parametrize("name", ["coventry-warwickshire", "greater-manchester"])
def test_real_sentences_read_aloud(name):
    """No sentence of a real book doubles a word, keeps a hyphened id, or names an envelope without its noun."""
    scenario = al.read(SCENARIOS / name)
    for sentence in book(scenario)["sentence"]:
        assert not re.search(r"\b(\w+) \1\b|  |,,|\.$", sentence), sentence
        assert not re.search(r"from (?!the |its |Core money)", sentence), sentence
        assert re.search(r" (must|may|is kept at) ", sentence), sentence
