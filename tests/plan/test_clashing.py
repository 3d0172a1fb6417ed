"""Clashes and ways out as tables and sentences."""

from __future__ import annotations

import pandas as pd
import pytest

import allocate as al
from allocate.engine.watch import Watch
from allocate.plan.clashing import CLASH_COLUMNS, HOLD, RAISE_COLUMNS, WAY_COLUMNS
from tests.conftest import SCENARIOS
from tests.engine.making import make


def wards(beds: float = 48_000.0, cap: float = 45_000.0, **more) -> al.Scenario:
    """A ward that one partner wants larger and another smaller, and a clinic."""
    lines = [{"place": "town", "programme": name, "partner": "trust"} for name in ("ward", "clinic")]
    curves = [{"place": "town", "programme": name, "shape": "linear", "slope": 0.01} for name in ("ward", "clinic")]
    ward = {"programmes": ["ward"]}
    rules = {
        "beds-least": {"kind": "floor", "where": ward, "amount": beds, "owner": "trust"},
        "beds-most": {"kind": "cap", "where": ward, "amount": cap, "owner": "body"},
        "clinic": {"kind": "floor", "where": {"programmes": ["clinic"]}, "amount": 10_000.0, "owner": "body"},
    }
    return make(lines, curves, 100_000.0, rules | more)


def test_a_book_that_holds():
    """Where a plan exists nothing is told but that, and every table has its columns and no row."""
    found = al.clash(wards(cap=50_000.0))
    assert (found.possible, found.complete, found.sentences, found.minima) == (True, True, [HOLD], [])
    assert [list(table.columns) for table in found.tables().values()] == [CLASH_COLUMNS, WAY_COLUMNS, RAISE_COLUMNS]
    assert all(table.empty for table in found.tables().values())
    assert found.change == {}


def test_no_way_out_is_looked_for_unless_it_is_to_be_explained(monkeypatch):
    """Without `explain` a solve says no more than that there is no plan, and does not look for more."""
    with pytest.raises(al.NoPlan) as told:
        al.solve(wards())
    assert told.value.easings
    assert told.value.together
    monkeypatch.setattr("allocate.engine.solving.no_plan", None)
    with pytest.raises(al.NoPlan) as bare:
        al.solve(wards(), explain=False)
    assert str(bare.value) == "No plan keeps every rule."
    assert (bare.value.easings, bare.value.ways, bare.value.together) == ([], (), ())


def test_two_rules_in_words():
    """Which two cannot both be kept, the cheapest way out with whom to ask, what it buys, and what else would do."""
    found = al.clash(wards())
    assert not found.possible
    asked, fair = found.sentences[1:3]
    assert found.sentences[0] == (
        "These two rules cannot both be kept: Beds least (“Spending on Ward must be at least £48,000”); "
        "Beds most (“Spending on Ward must be at most £45,000”)."
    )
    assert asked == (
        "Cheapest way out: ask Trust to ease Beds least by £3,000 (amount from £48,000 to £45,000). "
        "The plan then buys 1,000 units. It also has the fewest concessions."
    )
    assert fair == (
        "The way that asks least of any one partner: ask Trust to ease Beds least by £1,500 (amount from £48,000 to "
        "£46,500); ask Body to ease Beds most by £1,500 (amount from £45,000 to £46,500). "
        "The plan then buys 1,000 units."
    )
    assert found.sentences[-1] == "Or drop whole rules: Beds least; or Beds most."


def test_the_tables():
    """A row a rule: numbers, owners, standings, sentences; amounts in their own unit and in pounds, prices, changes
    that make a plan, and what it buys."""
    found = al.clash(wards())
    clashes, ways = found.clashes, found.ways
    assert clashes[["clash", "rule", "owner", "standing"]].values.tolist() == [
        [1, "beds-least", "trust", "agreed"], [1, "beds-most", "body", "agreed"],
    ]  # fmt: skip
    assert list(ways["kind"].unique()) == ["cheapest", "fewest", "fairest", "drop"]
    assert ways["way"].is_monotonic_increasing
    eased = ways[ways["kind"].isin(["cheapest", "fewest"])]
    assert eased[["amount", "pounds", "price"]].to_numpy() == pytest.approx(3000.0)
    assert ways[ways["kind"] == "fairest"]["amount"].to_numpy() == pytest.approx(1500.0)
    assert set(ways["unit"]) == {"£"}
    assert ways["least"].all()
    for _, way in ways.groupby("way"):
        change = {path: value for each in way["change"] for path, value in each.items()}
        plan = al.solve(wards().change(change))
        assert (way["outcome"] - way["bending"]).to_numpy() == pytest.approx(plan.value)
    assert found.price_unit == "£"


def test_tables_are_copies():
    """Writing into a table changes nothing."""
    found = al.clash(wards())
    table = found.clashes
    table["rule"] = "mine"
    assert "mine" not in set(found.clashes["rule"])


def test_a_rule_against_the_law_alone():
    """One rule that the law leaves no room for is a clash by itself, and is said so."""
    law = wards(**{"beds-most": {
        "kind": "cap", "where": {"programmes": ["ward"]}, "amount": 45_000.0, "standing": "statutory"
    }})  # fmt: skip
    found = al.clash(law)
    assert found.sentences[0].startswith(
        "This rule cannot be kept within the money and the statutory rules: Beds least"
    )
    assert set(found.ways["rule"]) == {"beds-least"}
    assert not found.law


def test_laws_that_clash_are_labelled():
    """Where the statutory rules clash among themselves it is said, and they are told as statutory."""
    found = al.clash(
        wards().change({"rules.beds-least.standing": "statutory", "rules.beds-most.standing": "statutory"})
    )
    assert found.law
    assert found.sentences[0] == "The statutory rules clash among themselves, whatever partners agree."
    assert found.sentences[1].startswith("These two statutory rules cannot both be kept: Beds least")
    assert "(statutory) by £3,000" in found.sentences[2]
    assert found.ways["price"].iloc[0] == pytest.approx(30_000.0)


def test_other_units_have_no_pounds():
    """An outcome that is out of reach gives way in its own unit; pounds are blank, and its whole size costs all the
    money."""
    health = {"kind": "floor", "measure": "health", "amount": 1_250.0, "owner": "trust"}
    found = al.clash(wards(**{"beds-most": {"kind": "cap", "amount": 99_000.0}, "health": health}))
    way = found.ways.iloc[0]
    assert found.ways["pounds"].isna().equals(found.ways["unit"] != "£")
    eased = found.ways[found.ways["rule"] == "health"].iloc[0]
    assert (eased["unit"], eased["amount"]) == ("units", pytest.approx(260.0, abs=1))
    assert eased["price"] == pytest.approx(eased["amount"] * 100_000 / 1_250)
    assert way["price"] <= eased["price"]


def test_what_had_no_time_is_blank():
    """A search that was stopped says what it knows and leaves the rest blank; out of time before anything is known it
    raises."""
    with pytest.raises(al.EngineError):
        al.clash(wards(), seconds=1e-9)
    found = al.clash(wards(), seconds=0.05)
    assert not found.possible
    assert found.complete or "time was up" in " ".join(found.sentences)


def test_a_watch_hears_of_it():
    """Whoever looks sees what it is at."""
    watch = Watch()
    al.clash(wards(), watch=watch)
    assert watch.stage == "looking for a way out"


def test_one_table_for_a_spreadsheet():
    """Clashes and ways one under the other, changes as `--set` takes them."""
    found = al.clash(wards())
    table = found.table
    assert len(table) == len(found.clashes) + len(found.ways)
    assert list(table["kind"].unique()) == ["clash", "cheapest", "fewest", "fairest", "drop"]
    assert table[table["kind"] == "drop"]["change"].str.endswith(".in_force=false").all()
    assert table["sentence"].str.startswith("Spending on Ward").all()
    assert isinstance(table, pd.DataFrame)


def test_the_real_book():
    """Coventry and Warwickshire with £95m less: all is found; no rule that bends without end is in a clash; the change
    makes a plan, and so does each envelope that is raised."""
    scenario = al.read(SCENARIOS / "coventry-warwickshire").change({"envelopes.core": 1_780e6})
    found = al.clash(scenario)
    assert found.complete
    endless = {rule.id for rule in scenario.rules if rule.bends and rule.bends[-1].by is None}
    assert endless
    assert len(found.clashes)
    assert not endless & {*found.clashes["rule"], *found.ways["rule"]}
    assert found.ways["outcome"].notna().all()
    assert al.solve(scenario.change(found.change)).certified
    for raised in found.raises["change"]:
        assert al.solve(scenario.change(raised)).certified
