"""The record of a rule: who proposed and agreed, since when, at what price it bends, and every refusal by name."""

from __future__ import annotations

import tomllib
from datetime import date, datetime

import pytest

import allocate as al
from allocate import cli
from allocate.scenario.rulebook import KINDS, record
from allocate.scenario.values import parse_value, value_text
from tests.conftest import SCENARIOS
from tests.scenario.breaking import add

FLOOR = {"kind": "floor", "owner": "board", "where": {"programmes": ["care"]}, "amount": 5.0}
FULL = FLOOR | {
    "source": "made-up", "text": "Care in the North: £5 = ‘five’", "level": "constitutional", "proposer": "trust",
    "support": ["board", "council"], "objections": [{"by": "trust", "reason": "Too little"}], "since": "2025-04-01",
    "review": "2026-03-31", "when": "if it snows", "or_else": "a meeting",
    "bends": [{"by": 1e6, "price": 20.0}, {"price": 60.0}],
}  # fmt: skip
BY_HAND = """
[example]
kind = "floor"
owner = "board"
amount = 5
since = 2025-04-01
review = "2026-03-31"
bends = [{ by = 1000000, price = 20 }, { price = 60 }]
"""


def example(scenario: al.Scenario):
    return next(rule for rule in scenario.rules if rule.id == "example")


def test_a_full_record_comes_back(tiny, tmp_path):
    """Every field is written to rules.toml, dates as TOML's own, and read back as the same scenario."""
    scenario = tiny.change({"rules.example": FULL})
    al.write(scenario, tmp_path)
    again = al.read(tmp_path)
    assert again.digest == scenario.digest
    assert record(example(again)) == record(example(scenario)) == FULL
    written = tomllib.loads((tmp_path / "rules.toml").read_text(encoding="utf-8"))["example"]
    assert (written["since"], written["review"]) == (date(2025, 4, 1), date(2026, 3, 31))


def test_dates_may_be_toml_or_text(folder):
    """A date reads the same with quotes and without."""
    add("rules.toml", BY_HAND)(folder)
    add("evidence.csv", "rules.example.amount,assumed,made-up,\nrules.example.bends,assumed,made-up,\n")(folder)
    rule = example(al.read(folder))
    assert (rule.since, rule.review) == (date(2025, 4, 1), date(2026, 3, 31))
    assert [(bend.width, bend.price) for bend in rule.bends] == [(1e6, 20), (float("inf"), 60)]


def test_bends_need_evidence(folder):
    """The price of bending is a figure, and is refused without evidence."""
    add("rules.toml", BY_HAND)(folder)
    add("evidence.csv", "rules.example.amount,assumed,made-up,\n")(folder)
    with pytest.raises(al.ScenarioError, match=r"'rules\.example\.bends' has no evidence") as refused:
        al.read(folder)
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("bends", [
    [{"by": 1e6, "price": 20}, {"price": 61}], [{"by": 2e6, "price": 20}, {"price": 60}], [{"by": 1e6, "price": 21}],
])  # fmt: skip
def test_changed_bends_are_assumed(bends, tiny):
    """What was found for one price list does not speak for another, whichever of its figures changed."""
    found = {"evidence": al.evidence(tiny)[["figure", "status", "source", "note"]]}
    base = tiny.change({"rules.example": FULL})
    base = al.Scenario(base.heading, base.rules, dict(base._tables) | found)
    row = al.evidence(base.change({"rules.example.bends": bends})).set_index("figure").loc["rules.example.bends"]
    assert (row["status"], row["source"], row["note"]) == ("assumed", "change", "was 20 up to 1000000; 60")


@pytest.mark.parametrize("name", [path.parent.name for path in sorted(SCENARIOS.glob("*/scenario.toml"))])
def test_what_is_not_said_is_not_recorded(name):
    """A rule's record, and so its scenario's digest, holds what its file says and nothing besides."""
    told = tomllib.loads((SCENARIOS / name / "rules.toml").read_text(encoding="utf-8"))
    for rule in al.read(SCENARIOS / name).rules:
        assert set(record(rule)) <= set(told[rule.id])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_schema_has_the_record(kind):
    """The schema of every kind has the fields of the record, dates as dates."""
    fields = al.schema()["rules.toml"][kind]["properties"]
    assert {"proposer", "support", "objections", "source", "text", "level", "when", "or_else", "bends"} <= set(fields)
    for name in ("since", "review"):
        assert {"type": "string", "format": "date"} in fields[name]["anyOf"]


REFUSED = {
    "proposer": ({"proposer": "bord"}, "example.proposer: 'bord' is not in partners.csv (did you mean board?)"),
    "a name for an id": ({"proposer": "The Board"}, "example.proposer: 'The Board' is not an id", "mean board?"),
    "support": ({"support": ["trsut"]}, "example.support: 'trsut' is not in partners.csv (did you mean trust?)"),
    "objector": (
        {"objections": [{"by": "cuncil", "reason": "x"}]},
        "example.objections.by: 'cuncil' is not in partners.csv (did you mean council?)",
    ),
    "no reason": ({"objections": [{"by": "trust"}]}, "example.objections.reason: is required"),
    "source": ({"source": "made"}, "example.source: 'made' is not in sources.csv (did you mean made-up?)"),
    "both sides": (
        {"support": ["trust"], "objections": [{"by": "trust", "reason": "x"}]},
        "example.support: 'trust' both supports the rule and objects to it",
    ),
    "bends fall": (
        {"bends": [{"by": 1, "price": 2}, {"price": 2}]},
        "example.bends: must rise in price from band to band: 2 follows 2",
    ),
    "endless band": (
        {"bends": [{"price": 2}, {"price": 3}]}, "example.bends: has a band after one without an end",
    ),
    "bends in law": (
        {"standing": "statutory", "bends": [{"price": 2}]},
        "example.bends: belongs to agreed rules: a statutory rule has no price",
    ),
    "no price": ({"bends": [{"by": 2}]}, "example.bends.price: is required"),
    "review first": (
        {"since": "2026-04-01", "review": "2026-03-31"}, "example.review: '2026-03-31' is not after since, 2026-04-01",
    ),
    "since too late": (
        {"since": "2027-04-01"},
        "example.since: '2027-04-01' is after 2026/27, which the rule covers: name later years in where, or set",
    ),
    "a date of people": (
        {"since": "31/03/2026"}, "example.since: '31/03/2026' is not a date: expected such as 2026-03-31",
        "did you mean 2026-03-31?",
    ),
    "a date in words": ({"review": "1 April 2026"}, "not a date", "did you mean 2026-04-01?"),
    "a date with a time": ({"since": datetime(2026, 3, 31, 9)}, "not a date", "did you mean 2026-03-31?"),
    "seconds": ({"since": 1_775_001_600}, "example.since: '1775001600' is not a date"),
    "no such day": ({"since": "2026-02-30"}, "example.since: '2026-02-30' is not a date"),
    "level": ({"level": "local"}, "example.level: 'local' should be 'operational', 'collective-choice' or"),
    "a rule as a whole": (
        {"kind": "band", "amount": None}, "rules.example: needs down, up, or both",
    ),
    "one of two figures": (
        {"kind": "share", "amount": None, "at_least": 0.5, "at_most": 0.4},
        "example.at_least: 0.5 is above at_most 0.4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_every_refusal_is_named(name, tiny):
    """What is wrong with a record is told once, with the rule, the field, and where there is one the repair."""
    fields, *words = REFUSED[name]
    told = {key: value for key, value in (FLOOR | fields).items() if value is not None}
    with pytest.raises(al.ScenarioError) as refused:
        tiny.change({"rules.example": told})
    said = str(refused.value)
    assert all(word in said for word in words), said
    assert ".:" not in said
    assert len(refused.value.problems) == 1


def test_all_problems_come_at_once(folder):
    """Several wrong names, prices and dates of one record are all told."""
    text = BY_HAND.replace("price = 60", "price = 2").replace("2026-03-31", "2024-03-31")
    add("rules.toml", text + 'proposer = "x"\nsupport = ["y"]\nsource = "z"\n')(folder)
    with pytest.raises(al.ScenarioError) as refused:
        al.read(folder)
    fields = {problem.field for problem in refused.value.problems}
    assert fields == {f"example.{name}" for name in ("proposer", "support", "source", "bends", "review")}


def test_a_rule_of_the_past_may_be_recorded(tiny):
    """A start after the years covered is fine for a rule that is off, or only recorded."""
    for off in ({"in_force": False}, {"standing": "recorded"}):
        tiny.change({"rules.example": FLOOR | {"since": "2030-01-01"} | off})


def test_a_date_is_changed_like_any_field(tiny, folder, capsys):
    """A date is set by a text, a date or `--set`, taken out again, and kept as text that a link can hold."""
    base = tiny.change({"rules.example": FULL})
    for value in ("2025-05-01", date(2025, 5, 1)):
        later = base.change({"rules.example.since": value})
        assert example(later).since == date(2025, 5, 1)
        assert later.changes["rules.example.since"] == "2025-05-01"
    assert example(base.change({"rules.example.since": None})).since is None
    assert tiny.change({"rules.example": FULL | {"since": date(2025, 4, 1)}}).changes == base.changes
    assert cli.main(["solve", str(folder), "--set", "rules.steady-care.since=2026-04-01"]) == 0
    capsys.readouterr()
    assert cli.main(["solve", str(folder), "--set", "rules.steady-care.since=soon"]) == 2
    assert "rules.steady-care.since: 'soon' is not a date: expected such as 2026-03-31" in capsys.readouterr().err


def test_dates_as_text():
    """Dates are typed and told in one form, also inside a rule's fields, and TOML's own dates are read as such."""
    assert parse_value("2026-03-31") == "2026-03-31"
    assert value_text(date(2026, 3, 31)) == "2026-03-31"
    told = {"since": date(2026, 3, 31), "inner": [date(2026, 3, 31)]}
    assert parse_value(value_text(told)) == {"since": "2026-03-31", "inner": ["2026-03-31"]}
    assert parse_value("{ since = 2026-03-31 }") == {"since": "2026-03-31"}
