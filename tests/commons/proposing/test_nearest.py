"""The nearest version nobody objects to: it passes, the next step does not, and where it is known, it is that one."""

from __future__ import annotations

import math

import pytest

import allocate as al
from tests.commons.proposing.test_proposals import NORTH, SWAP, prevention


def floor_that_costs(part: float) -> float:
    """The floor in North, in hundreds of pounds, that costs the council this part of what the grant buys at £60,000."""
    low, high = 60_000.0, 90_000.0
    for _ in range(60):
        middle = (low + high) / 2
        enough = prevention(60_000) - prevention(middle) > part * prevention(60_000)
        low, high = (low, middle) if enough else (middle, high)
    return 100 * math.floor(low / 100)


@pytest.mark.parametrize("tolerance", [0.005, 0.01, 0.02])
def test_by_hand(plan, tolerance):
    """With a tolerance, the nearest floor is the one whose cost, from two exponentials, is just within it."""
    found = al.propose(plan, {NORTH: 75_000.0}, by="board", payoff="outcome", tolerance=tolerance)
    assert found.nearest.values == {NORTH: floor_that_costs(tolerance)}
    assert 0 < found.nearest.part < 1
    assert found.nearest.said == f"£{floor_that_costs(tolerance):,.0f}"


@pytest.fixture(scope="module")
def firm(system) -> al.Plan:
    """A real system's plan, with a rule firm that would otherwise bend before anybody loses by it."""
    return al.solve(system.scenario.change({"rules.out-of-hospital-share.bends": None}))


CASES = [
    ({"rules.out-of-hospital-share.at_least": 0.28}, "money", 0.0),
    ({"rules.out-of-hospital-share.at_least": 0.28}, "money", 0.001),
    ({"rules.left-shift.in_force": True, "rules.left-shift.at_least": 0.28}, "outcome", 0.01),
    ({"rules.elective-recovery.in_force": False}, "money", 0.002),
    ({"rules.elective-recovery": None, "rules.movement-hospital.up": 0.1}, "money", 0.002),
    ({"envelopes.core": 1_860_000_000.0}, "money", 0.005),
]


@pytest.mark.parametrize(("change", "payoff", "tolerance"), CASES)
def test_it_passes_and_a_step_further_does_not(firm, change, payoff, tolerance):
    """Proposed itself, the nearest version has no objection; the next step towards the proposal has one, or no plan."""
    asked = {"by": "voluntary-sector", "payoff": payoff, "tolerance": tolerance}
    found = al.propose(firm, change, **asked)
    near = found.nearest
    assert not found.decided_by("consent")
    assert near is not None
    assert near.beyond is not None
    assert al.propose(firm, near.change, **asked).decided_by("consent")
    assert not al.propose(firm, near.beyond, **asked).decided_by("consent")
    assert near.solves <= 30


def test_several_figures_go_the_same_part_of_the_way(plan):
    """Two envelopes that change together stay together: the council bears 5% with half of both."""
    near = al.propose(plan, SWAP, by="board", tolerance=0.05).nearest
    assert near.values == {"envelopes.core.2026/27.amount": 905_000, "envelopes.grant.2026/27.amount": 95_000}
    assert near.part == 0.5


def test_a_rule_that_comes_in(plan):
    """A new floor under North is eased to where it costs the council no more than it may; its other fields stay."""
    rule = {"kind": "floor", "owner": "council", "where": {"programmes": ["prevention"], "places": ["north"]},
            "amount": 80_000.0}  # fmt: skip
    found = al.propose(plan, {"rules.more-north": rule}, by="board", payoff="outcome", tolerance=0.01)
    assert found.nearest.change == {"rules.more-north": rule | {"amount": floor_that_costs(0.01)}}


def test_a_rule_that_goes(system):
    """A rule that somebody would lose by without is eased, not taken out: its figure lies between what it is and where
    it would ask nothing, and it stays in force."""
    found = al.propose(system, {"rules.elective-recovery": None}, by="voluntary-sector", tolerance=0.002)
    ((path, value),) = found.nearest.values.items()
    assert path == "rules.elective-recovery.at_least"
    assert -0.03 < value < 0.0215
    assert found.nearest.change == {path: value}


def test_nothing_to_move(plan):
    """What moves no figure is passed as it stands or not at all."""
    assert al.propose(plan, {"rules.steady-care.in_force": False}, by="board").nearest.part == 1
    assert al.propose(plan, {"rules.steady-care.text": "Steady"}, by="board").nearest.values == {}


def test_none(plan):
    """Where the first step is too much for somebody, there is no such version, and it is said."""
    found = al.propose(plan, SWAP, by="board")
    assert found.nearest is None
    assert "No version between what stands and this was found" in found.verdict
