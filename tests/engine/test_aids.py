"""Amounts that rules own: set by the solver, bounded by the certificate, and gone from the answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine.certificate import Flows, Prices, breaches, upper_bound
from allocate.engine.optimum import Options
from allocate.engine.piece import Solved, solved_whole
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch

CAPS = {"gini": 0.02, "hoover": 0.02, "palma": 0.27}


def capped(tiny: al.Scenario, kind: str, measure: str, at_most: float | None = None) -> al.Scenario:
    rule = {"kind": kind, "owner": "board", "where": {"programmes": ["care"]}, "measure": measure}
    return tiny.change({"rules.example": rule | {"at_most": CAPS[kind] if at_most is None else at_most}})


def solved(scenario: al.Scenario) -> Solved:
    """The answer with its aids."""
    return solved_whole(Problem.of(scenario), Options(), Watch())


every_cap = pytest.mark.parametrize(
    ("kind", "measure"), [(kind, name) for kind in CAPS for name in ("spend", "health")]
)


@every_cap
def test_no_aid_is_left_in_the_answer(kind, measure, tiny):
    """Told without aids an answer has the same spending, the limits that have owners, their bodies and their prices;
    what stands for the aids is worth as much: at these prices nothing better is possible either way."""
    full = solved(capped(tiny, kind, measure))
    plain, owned = full.plain, full.problem.owned
    assert all(limit.owner for limit in plain.problem.limits)
    assert len(plain.problem.limits) == owned.sum() < len(full.problem.limits)
    assert len(plain.flows.moved) == len(plain.optimum.flows.moved) == len(plain.problem.route_high) == 0
    np.testing.assert_array_equal(plain.flows.spend, full.flows.spend)
    np.testing.assert_array_equal(plain.optimum.prices.limit, full.optimum.prices.limit[owned])
    ends = (each.problem.bodies(each.flows.spend, each.flows.moved) for each in (plain, full))
    np.testing.assert_array_equal(next(ends), next(ends)[owned])
    exact, linear = plain.optimum.flows, plain.problem.levels(plain.optimum.flows.spend, np.zeros(0))
    bodies = plain.problem.bodies(exact.spend, exact.moved)
    np.testing.assert_allclose(linear, bodies, rtol=1e-6, atol=1e-6 * np.abs(bodies).max())
    assert upper_bound(plain.problem, plain.optimum.prices) == pytest.approx(full.optimum.certificate.bound, rel=1e-9)
    assert plain.plain is plain


@every_cap
@given(st.lists(st.floats(0, 3), min_size=20, max_size=20))
@settings(max_examples=15)
def test_no_prices_prove_too_little(tiny, kind, measure, factors):
    """Whatever the prices, aids and all, the bound is finite and never below the best plan."""
    full = solved(capped(tiny, kind, measure))
    prices, parts = full.optimum.prices, np.array(factors)
    sizes = np.cumsum([len(prices.envelope), len(prices.limit)])
    envelope, limit, effort = np.split(parts[: sizes[-1] + len(prices.effort)], sizes)
    told = Prices(prices.envelope * envelope, prices.limit * limit, prices.effort * effort)
    bound = upper_bound(full.problem, told)
    assert np.isfinite(bound)
    assert bound >= full.certificate.value - 1e-9 * full.problem.at_stake


@every_cap
def test_an_audit_takes_no_word_for_aids(kind, measure, tiny):
    """Whatever aids are set to, a plan that breaks the cap is found out, and one that keeps it is not."""
    full = solved(capped(tiny, kind, measure))
    generous = np.full(len(full.flows.moved), 1e5)
    assert breaches(full.problem, Flows(full.flows.spend, generous), 1e-6) == []
    uneven = full.flows.spend + np.array([0.0, 0.0, 10_000.0, -10_000.0])
    for moved in (generous, np.zeros(len(generous))):
        (found,) = breaches(full.problem, Flows(uneven, moved), 1e-6)
        assert "on Care" in found


def test_a_rule_with_aids_comes_and_goes(tiny):
    """What-ifs with and without aids, in any order, have the plans that each has alone."""
    plans = {
        at_most: al.solve(capped(tiny, "gini", "spend", at_most)).spend["spend"].tolist() for at_most in (0.01, 0.03)
    }
    base = al.solve(tiny).spend["spend"].tolist()
    for at_most in (0.03, None, 0.01, 0.03, None):
        scenario = tiny if at_most is None else capped(tiny, "gini", "spend", at_most)
        assert al.solve(scenario).spend["spend"].tolist() == (base if at_most is None else plans[at_most])
