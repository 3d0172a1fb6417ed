"""Rival rule sets two by two: who is preferred, and votes that go round in a circle."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.commons.proposing.rivals import STANDS
from tests.commons.proposing.test_proposals import NORTH, SOUTH, SWAP
from tests.scenario.breaking import add

SPLITS = {"first": (3, 2, 1), "second": (1, 3, 2), "third": (2, 1, 3)}
"""Thousands of pounds that each rival gives the trust, the council and the board."""


@pytest.fixture
def three(folder) -> al.Scenario:
    """Tiny with a line that the board runs, so that three partners have money of their own; without its rules."""
    add("envelopes.csv", "office,2026/27,Office,board,100000,care,yes,no\n")(folder)
    add("lines.csv", "board,north,care,office,2026/27,100000,0,,\n")(folder)
    return al.read(folder).change({"rules.steady-care": None, "rules.prevention-north": None})


def gives(thousands: tuple[int, int, int]) -> dict[str, float]:
    """A rival that gives each partner so many thousands of pounds more."""
    amounts = {"core": 900_000, "grant": 100_000, "office": 100_000}
    return {
        f"envelopes.{name}": amount + 1000.0 * more
        for (name, amount), more in zip(amounts.items(), thousands, strict=True)
    }


def test_a_cycle_is_named(three):
    """Three rivals of which each beats another go round in a circle, and it is said; none beats all."""
    found = al.pairwise({name: gives(split) for name, split in SPLITS.items()}, three)
    assert found.winner is None
    assert found.cycles == [["first", "third", "second"]]
    assert "“first” beats “third” beats “second” beats “first”" in found.warning
    assert "Whichever is voted on last wins" in found.warning
    winners = {(row.one, row.other): row.winner for row in found.table.itertuples()}
    assert winners == {
        (STANDS, "first"): "first", (STANDS, "second"): "second", (STANDS, "third"): "third",
        ("first", "second"): "second", ("first", "third"): "first", ("second", "third"): "third",
    }  # fmt: skip


def test_counts_and_weights(three):
    """Each pair counts the partners that prefer one, the other and neither, and the pounds that they hold in law."""
    found = al.pairwise({"swap": {"envelopes.core": 905_000.0, "envelopes.grant": 95_000.0}}, three)
    (row,) = found.table.to_dict("records")
    assert row == {
        "one": STANDS, "other": "swap", "prefer_one": 1, "prefer_other": 1, "neither": 1,
        "weight_one": 100_000.0, "weight_other": 0.0, "winner": "",
    }  # fmt: skip
    assert found.winner is None
    assert found.cycles == []
    assert found.warning == ""


def test_a_winner(three):
    """The rival that beats every other and what stands is named."""
    found = al.pairwise({"more": gives((2, 2, 2)), "some": gives((1, 1, 1))}, three)
    assert found.winner == "more"
    assert "“more” is preferred to every other" in found.sentences[0]


def test_tolerance(three):
    """Differences within the tolerance make nobody prefer anything."""
    found = al.pairwise({"more": gives((2, 2, 2))}, three, tolerance=0.05)
    assert list(found.table["neither"]) == [3]


def test_a_rival_that_cannot_hold(plan):
    """A rival under which no plan is possible is left out and said to be."""
    found = al.pairwise({"both": SOUTH, "swap": SWAP}, plan)
    assert set(found.plans) == {STANDS, "swap"}
    assert set(found.clashes) == {"both"}
    assert "“both”" in found.sentences[-1]


def test_rivals_may_be_scenarios_or_plans(tiny, plan):
    """A rival is a change, a scenario or a plan; all come to the same."""
    as_change = al.pairwise({"more": {NORTH: 70_000.0}}, plan, payoff="outcome")
    as_scenario = al.pairwise({"more": tiny.change({NORTH: 70_000.0})}, tiny, payoff="outcome")
    as_plan = al.pairwise({"more": as_change.plans["more"]}, plan, payoff="outcome")
    assert as_change.table.equals(as_scenario.table)
    assert as_change.table.equals(as_plan.table)
    assert as_change.winner == STANDS


def test_refused(plan):
    """Every rival that is not sound is told, by name; so are an unknown payoff and the name of what stands."""
    with pytest.raises(al.ScenarioError) as error:
        al.pairwise({"a": {"rules.x.amount": 1.0}, "b": {"envelopes.corr": 1.0}}, plan)
    assert [problem.where.partition(":")[0] for problem in error.value.problems] == ["a", "b"]
    with pytest.raises(al.ScenarioError, match="payoff"):
        al.pairwise({}, plan, payoff="joy")
    with pytest.raises(ValueError, match="cannot be called"):
        al.pairwise({STANDS: {}}, plan)
