"""Choices of an earlier plan held: quick, lawful, and honest about how far from the best that may be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine.certificate import breaches
from tests.conftest import SCENARIOS
from tests.engine.making import make
from tests.engine.systems import systems


@pytest.fixture(scope="module")
def ballot() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "participatory-budget"))


@pytest.fixture(scope="module")
def made() -> al.Plan:
    return al.solve(systems(2, seed=2, scale=900_000.0))


def opened(plan: al.Plan) -> list[bool]:
    """Which of the lines that are choices a plan funds."""
    return (plan._solved.flows.spend > 0.5)[plan._solved.problem.choices].tolist()


def status(plan: al.Plan) -> str:
    return plan.facts.set_index("fact")["value"]["status"]


def lawful(plan: al.Plan) -> bool:
    """Whether a plan keeps every rule, in whole pounds."""
    solved = plan._solved
    return solved.whole and breaches(solved.problem, solved.flows, 1e-6) == []


@given(factor=st.floats(0.97, 1.1), weight=st.floats(0.5, 2.0))
@settings(max_examples=6)
def test_what_was_opened_is_opened_and_nothing_else(made, factor, weight):
    """Held, a what-if opens exactly what the earlier plan did, keeps every rule, and its bound is never below what the
    full answer is worth."""
    changes = {"envelopes.*.amount": f"x{factor:.4f}", "outcomes.*.weight": round(weight, 3)}
    scenario = made.scenario.change(changes)
    held, full = al.solve(scenario, choices=made), al.solve(scenario)
    assert status(held) == "choices held"
    assert opened(held) == opened(made)
    assert lawful(held)
    scale = 1e-9 * abs(full.value)
    assert held.value <= full.value + 1e-6 * abs(full.value)
    assert held.certificate.bound >= full.value - scale
    assert held.certificate.bound >= held.value - scale


def test_projects_that_were_funded_are_funded(ballot):
    """Fund or not, of a real ballot: with more money the same projects, and a bound above what more would buy."""
    scenario = ballot.scenario.change({"envelopes.*.amount": "x1.1"})
    held, full = al.solve(scenario, choices=ballot), al.solve(scenario)
    assert opened(held) == opened(ballot)
    assert lawful(held)
    assert full.value > held.value
    assert held.certificate.bound >= full.value
    assert not held.certified


def test_the_plan_itself_held_is_the_plan(ballot, made):
    """With nothing changed, holding a plan's own choices gives its value."""
    for plan in (ballot, made):
        held = al.solve(plan.scenario, choices=plan)
        assert held.value == pytest.approx(plan.value, rel=1e-9)
        assert opened(held) == opened(plan)


def test_choices_that_cannot_be_kept_are_searched(ballot):
    """With less money than the funded projects need, choices are made anew: the plan is the full answer."""
    scenario = ballot.scenario.change({"envelopes.*.amount": "x0.8"})
    held, full = al.solve(scenario, choices=ballot), al.solve(scenario)
    assert status(held) == "optimal"
    assert held.spend.equals(full.spend)
    assert opened(held) != opened(ballot)


def test_a_clash_is_a_clash_however_choices_are_held(ballot):
    """Where no choices keep the rules, holding some raises NoPlan."""
    rule = {"kind": "floor", "owner": ballot.scenario.rules[0].owner if ballot.scenario.rules else
            ballot.scenario.partners["id"][0], "amount": float(ballot.scenario.envelopes["amount"].sum())}  # fmt: skip
    scenario = ballot.scenario.change({"rules.all": rule})
    try:
        full = al.solve(scenario)
    except al.NoPlan as told:
        with pytest.raises(al.NoPlan) as held:
            al.solve(scenario, choices=ballot)
        assert str(held.value) == str(told)
    else:
        pytest.fail(f"this was meant to clash, and is worth {full.value}")


def test_without_choices_nothing_is_held(plan):
    """A scenario without yes/no choices has the plan that it has, whatever earlier plan is given."""
    scenario = plan.scenario.change({"envelopes.core": 905_000})
    held, full = al.solve(scenario, choices=plan), al.solve(scenario)
    assert held.spend.equals(full.spend)
    assert status(held) == "optimal"


def test_curves_that_must_fill_in_order_are_searched():
    """With a curve that does not flatten, choices are searched all the same, and the plan is the full answer."""
    key = {"place": "a", "programme": "care", "outcome": "health", "year": "2026"}
    points = [key | {"spend": spend, "gain": gain} for spend, gain in ((0.0, 0.0), (40.0, 2.0), (80.0, 50.0))]
    scenario = make(
        [{"place": place, "programme": "care", "high": 80.0, "scale": 30.0} for place in "ab"],
        [{"place": "a", "programme": "care", "shape": "points"},
         {"place": "b", "programme": "care", "shape": "linear", "slope": 0.6}],
        70.0, curve_points=points,
    )  # fmt: skip
    first = al.solve(scenario)
    more = scenario.change({"envelopes.pot": 90})
    held, full = al.solve(more, choices=first), al.solve(more)
    assert opened(first) != opened(full)
    assert held.spend.equals(full.spend)


def test_a_plan_over_other_lines_is_refused(plan, ballot):
    """Choices of a plan over other lines are refused in words."""
    with pytest.raises(ValueError, match="choices must be a plan over the same lines"):
        al.solve(plan.scenario, choices=ballot)
