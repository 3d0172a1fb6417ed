"""The certificate: right about good plans, and not fooled by bad ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocate as al
from allocate.engine.certificate import Case, Flows, Prices, breaches, certify, upper_bound
from allocate.engine.optimum import Options
from allocate.engine.problem import Problem
from allocate.engine.solving import solve_scenario
from tests.engine.making import make


@pytest.fixture(scope="module")
def solved(tiny):
    """Tiny, solved."""
    return solve_scenario(tiny, Options())


def test_the_best_plan_of_tiny_is_certified_without_a_gap(solved):
    """With exact prices the bound meets the plan's value to the last figures."""
    assert solved.certificate.breaches == ()
    assert solved.certificate.gap < 1e-9


@given(st.lists(st.floats(-1e-2, 1e-2), min_size=9, max_size=9))
def test_no_prices_whatever_give_a_bound_below_the_best_plan(solved, numbers):
    """The bound is valid for any prices, so nobody need trust where they came from."""
    problem = solved.problem
    prices = Prices(np.array(numbers[:2]), np.array(numbers[2:5]), np.array(numbers[5:]))
    assert upper_bound(problem, prices) >= solved.certificate.value - 1e-6


@pytest.mark.parametrize(
    ("row", "pounds", "word"),
    [
        (0, 59_999.0, "Spending on Prevention in North must be at least"),
        (1, 40_001.0, "envelope grant is overspent by 1.00"),
        (2, 284_999.0, "must not fall by more than 5%"),
        (3, -1.0, "outside"),
    ],
)
def test_a_plan_a_pound_out_of_bounds_is_named(solved, row, pounds, word):
    """Every kind of breach is said in words: a rule, an envelope, a band, a bound."""
    spend = solved.flows.spend.copy()
    spend[row] = pounds
    found = breaches(solved.problem, Flows(spend, solved.flows.moved), 1e-6)
    assert any(word in breach for breach in found), found


def test_a_worse_plan_keeps_its_gap(solved):
    """A plan that is allowed but not best is told how much better another could be."""
    spend = solved.flows.spend - np.array([0.0, 0.0, 50_000.0, 0.0])
    found = certify(solved.problem, Flows(spend, solved.flows.moved), solved.certificate.bound)
    assert found.breaches == ()
    lost = solved.certificate.value - found.value
    assert found.gap == pytest.approx(lost / solved.problem.at_stake, rel=1e-6)


def test_nothing_or_enough_is_checked():
    """Spending between nothing and the minimum viable scale is a breach."""
    scenario = make(
        [{"place": "a", "programme": "care", "high": 100.0, "scale": 60.0}],
        [{"place": "a", "programme": "care", "shape": "linear", "slope": 1.0}], 100.0,
    )  # fmt: skip
    problem = Problem.of(scenario)
    none = np.zeros(0)
    assert breaches(problem, Flows(np.array([30.0]), none), 1e-6)
    assert not breaches(problem, Flows(np.array([0.0]), none), 1e-6)
    assert not breaches(problem, Flows(np.array([60.0]), none), 1e-6)


def test_money_moved_along_a_route_is_neither_lost_nor_made():
    """What leaves one envelope enters the other: unspent money adds up to the amounts less the spending."""
    scenario = two_pots()
    problem = Problem.of(scenario)
    flows = Flows(np.array([300.0, 600.0]), np.array([400.0]))
    assert flows.unspent(problem).sum() == pytest.approx(problem.amount.sum() - flows.spend.sum())


def two_pots() -> al.Scenario:
    """One pot that may pass money to another."""
    saturation = {"programme": "care", "shape": "saturation", "reference": 1000.0}
    return make(
        [{"place": "a", "programme": "care"}, {"place": "b", "programme": "care", "envelope": "pool"}],
        [saturation | {"place": "a", "ceiling": 100.0}, saturation | {"place": "b", "ceiling": 300.0}],
        {"pot": 1000.0, "pool": 200.0},
        routes=[{"id": "r", "year": "2026", "source": "pot", "target": "pool", "high": 500.0, "authority": "s75"}],
    )


def test_a_route_carries_money_to_where_it_buys_more():
    """The plan uses the route up to its limit and says what moved; the certificate holds."""
    plan = al.solve(two_pots())
    assert plan.routes["moved"].tolist() == [500.0]
    assert plan.certified
    closed = al.solve(two_pots().change({"routes.r.high": 0}))
    assert closed.value < plan.value


def test_cases_cover_what_is_possible(solved):
    """The bound over the whole is never below the bound over a part of it."""
    problem = solved.problem
    whole = Case.whole(problem)
    half = replace(whole, high=(whole.low + whole.high) / 2)
    prices = solved.optimum.prices
    assert upper_bound(problem, prices, half) <= upper_bound(problem, prices) + 1e-9
