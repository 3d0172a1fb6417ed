"""Rules about money itself: what moves, what is left, what a route is opened for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine.certificate import Flows, Prices, bodies, breaches, upper_bound
from allocate.engine.problem import Problem
from allocate.plan.margins import turn
from tests.engine.making import YEAR, make


def two_pots(rules, high=500.0, shape=None, money=(1_000.0, 200.0), lows=(0.0, 0.0)):
    """Two envelopes with a line each, the second's worth twice as much a pound, and a route from first to second."""
    shapes = shape or [{"shape": "linear", "slope": 1.0}, {"shape": "linear", "slope": 2.0}]
    return make(
        [
            {"place": "a", "programme": "care", "envelope": "one", "low": lows[0]},
            {"place": "b", "programme": "care", "envelope": "two", "low": lows[1]},
        ],
        [{"place": place, "programme": "care"} | each for place, each in zip("ab", shapes, strict=True)],
        dict(zip(("one", "two"), money, strict=True)),
        rules,
        routes=[{"id": "across", "year": YEAR, "source": "one", "target": "two", "high": high, "authority": "agreed"}],
    )


@pytest.mark.parametrize(("rules", "spend", "moved", "price"), [
    ({}, (500.0, 700.0), 500.0, None),
    ({"few": {"kind": "virement", "amount": 120.0}}, (880.0, 320.0), 120.0, 1.0),
    ({"few": {"kind": "virement", "where": {"envelopes": ["two"]}, "amount": 120.0}}, (880.0, 320.0), 120.0, 1.0),
    ({"rest": {"kind": "reserve", "amount": 100.0}}, (400.0, 700.0), 500.0, 1.0),
    ({"rest": {"kind": "reserve", "where": {"envelopes": ["two"]}, "amount": 100.0}}, (500.0, 600.0), 500.0, 2.0),
    ({"rest": {"kind": "reserve", "each": "envelope", "amount": 50.0}}, (450.0, 650.0), 500.0, 1.0),
    ({"more": {"kind": "open", "route": "across", "amount": 600.0}}, (400.0, 800.0), 600.0, None),
    ({"less": {"kind": "open", "route": "across", "amount": 300.0}}, (500.0, 700.0), 500.0, None),
])  # fmt: skip
def test_known_answers(rules, spend, moved, price):
    """A pound moved gains one: rules on moving and on reserves hold to the pound, at the price that is worked by
    hand; what a rule opens is used, and never lessens what a route allows already."""
    plan = al.solve(two_pots(rules))
    assert tuple(plan.spend["spend"]) == spend
    assert plan.routes["moved"].tolist() == [moved]
    assert plan.certificate.gap < 1e-9
    if price is not None:
        assert plan.limits["price"].iloc[0] == pytest.approx(price)
        assert plan.limits["binding"].all()


def test_a_closed_route_is_opened_by_a_rule_alone():
    """A route that allows nothing moves nothing, until a rule in force opens it, and then up to the amount."""
    opened = {"kind": "open", "route": "across", "amount": 300.0}
    for rules, moved in (({}, 0.0), ({"way": opened}, 300.0), ({"way": opened | {"in_force": False}}, 0.0)):
        plan = al.solve(two_pots(rules, high=0.0))
        assert plan.routes[["high", "moved"]].to_numpy().tolist() == [[moved, moved]]
        assert plan.scenario.route_high.tolist() == [moved]
        assert plan.scenario.reach.tolist() == [1_000.0, 200.0 + moved]


def test_may_never_forces():
    """What may move stays where it buys more: an opened route that nobody wants changes no pound."""
    shapes = [{"shape": "linear", "slope": 2.0}, {"shape": "linear", "slope": 1.0}]
    plain, opened = (two_pots(rules, 0.0, shapes) for rules in ({}, {"way": {
        "kind": "open", "route": "across", "amount": 300.0}}))  # fmt: skip
    assert al.solve(plain).spend["spend"].tolist() == al.solve(opened).spend["spend"].tolist() == [1_000.0, 200.0]


def test_minima_may_lean_on_what_a_rule_opens():
    """A scenario whose minima need money that only an opened route brings is sound, and refused without the rule."""
    way = {"kind": "open", "route": "across", "amount": 300.0}
    scenario = two_pots({"way": way}, 0.0, lows=(0.0, 400.0))
    assert al.solve(scenario).spend["spend"].tolist() == [700.0, 500.0]
    with pytest.raises(al.ScenarioError, match="minima"):
        two_pots({}, 0.0, lows=(0.0, 400.0))


@pytest.mark.parametrize(("fields", "said"), [
    ({"kind": "open", "route": "acros", "amount": 5.0}, "did you mean across"),
    ({"kind": "open", "route": "across", "amount": 5.0, "where": {"years": ["2031"]}}, "way.where.years"),
    ({"kind": "open", "route": "across", "amount": 5.0, "where": {"envelopes": ["one"]}}, "way.where: may name years"),
    ({"kind": "open", "route": "across", "amount": 1e6}, "more than could ever leave there"),
    ({"kind": "virement", "amount": 5.0, "where": {"programmes": ["care"]}}, "not programmes"),
    ({"kind": "virement", "amount": 5.0, "each": "line"}, "way.each"),
    ({"kind": "reserve", "amount": 2_000.0}, "more than could ever be there (£1,700)"),
    ({"kind": "reserve", "amount": 5.0, "where": {"envelopes": ["three"]}}, "way.where.envelopes"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(fields, said):
    """Routes, years and scopes that there are not, and amounts beyond the money, are refused by name."""
    with pytest.raises(al.ScenarioError) as caught:
        two_pots({"way": fields})
    assert said in str(caught.value)


def test_a_breach_of_a_reserve_is_named():
    """Money spent or moved that should have been kept is a breach, in the rule's words."""
    problem = Problem.of(two_pots({"rest": {"kind": "reserve", "where": {"envelopes": ["one"]}, "amount": 100.0}}))
    kept, broken = (Flows(np.array([500.0, 200.0]), np.array([moved])) for moved in (400.0, 400.5))
    assert bodies(problem, kept).tolist() == [900.0]
    assert breaches(problem, kept, 1e-6) == []
    [said] = breaches(problem, broken, 1e-6)
    assert said.startswith("At least £100 of the one envelope must be left unspent")


@given(st.lists(st.floats(-3, 3), min_size=5, max_size=5))
def test_no_prices_whatever_give_a_bound_below_the_best(numbers):
    """The bound holds for any prices of envelopes and of rules on moving, the reserve's included."""
    rules = {"few": {"kind": "virement", "amount": 120.0}, "rest": {"kind": "reserve", "amount": 100.0}}
    plan = al.solve(two_pots(rules))
    prices = Prices(np.array(numbers[:2]), np.array(numbers[2:4]), np.array(numbers[3:]))
    assert upper_bound(plan._solved.problem, prices) >= plan.value - 1e-9


amounts = st.integers(0, 500)


@settings(max_examples=25)
@given(st.lists(st.floats(0.2, 5.0), min_size=2, max_size=2), amounts, amounts, st.integers(0, 60))
def test_random_pots_are_solved_to_the_last_figure(slopes, virement, opened, reserve):
    """With curves that flatten, rules on moving, reserves and openings leave no gap, and the plan keeps them."""
    shapes = [{"shape": "isoelastic", "slope": s, "reference": 300.0, "exponent": 0.5} for s in slopes]
    rules = {
        "few": {"kind": "virement", "amount": float(virement)},
        "rest": {"kind": "reserve", "each": "envelope", "amount": float(reserve)},
        "way": {"kind": "open", "route": "across", "amount": float(opened)},
    }
    scenario = two_pots(rules, 200.0, shapes)
    plan = al.solve(scenario)
    # Whole pounds of a few hundred are coarse; the exact optimum is what has no gap.
    exact = plan._solved.optimum.certificate
    assert exact.gap < 1e-8
    assert exact.breaches == plan.certificate.breaches == ()
    moved = plan.routes["moved"].iloc[0]
    assert moved <= min(virement, max(200, opened))
    assert (plan.money["unspent"] >= reserve).all()


def test_what_money_would_turn_at_knows_rules_on_moving():
    """The margin reads rules on moving: care in the second place is at its turning point by what a pound moved pays."""
    shapes = [{"shape": "isoelastic", "slope": s, "reference": 300.0, "exponent": 0.5} for s in (1.0, 1.5)]
    plan = al.solve(two_pots({"few": {"kind": "virement", "amount": 20.0}}, 500.0, shapes, (600.0, 200.0)))
    assert plan.limits["price"].iloc[0] > 0
    found = turn(plan, "b", "care", YEAR)
    assert 0 < found.factor < 1
