"""Whole pounds: envelopes to the pound, every rule kept, nothing moved further than it must."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
from allocate.engine.certificate import Flows, breaches
from allocate.engine.optimum import Options
from allocate.engine.problem import Problem
from allocate.engine.rounding import whole_pounds
from allocate.engine.solving import solve_scenario
from allocate.engine.watch import Watch
from tests.engine.making import make


def test_naive_rounding_would_break_what_controlled_rounding_keeps():
    """Three equal parts of £100 cannot each be rounded alone; together they make exactly £100."""
    curve = {"programme": "care", "shape": "saturation", "ceiling": 50.0, "reference": 100.0}
    lines = [{"place": place, "programme": "care"} for place in "abc"]
    plan = al.solve(make(lines, [curve | {"place": place} for place in "abc"], 100.0))
    assert sorted(plan.spend["spend"]) == [33.0, 33.0, 34.0]
    assert plan.money["unspent"].tolist() == [0.0]


@pytest.mark.parametrize("seed", range(25))
def test_random_plans_round_to_whole_pounds_within_every_rule(seed):
    """Over shares, floors, caps and bands that bind at odd amounts, the rounded plan keeps all and moves under £3."""
    rng = np.random.default_rng(seed)
    places = "abcdef"
    lines = [{"place": p, "programme": "care", "baseline": float(rng.integers(1000, 9000))} for p in places]
    curves = [
        {"place": p, "programme": "care", "shape": "power", "slope": float(rng.uniform(0.5, 2)), "exponent": 0.5}
        for p in places
    ]
    rules = {
        "share": {"kind": "share", "where": {"places": ["a", "b"]}, "at_least": float(rng.uniform(0.2, 0.45))},
        "band": {
            "kind": "band",
            "each": "line",
            "down": float(rng.uniform(0.1, 0.5)),
            "up": float(rng.uniform(0.1, 0.5)),
        },
    }
    money = float(round(sum(line["baseline"] for line in lines) * 1.03))
    try:
        solved = solve_scenario(make(lines, curves, money, rules), Options())
    except al.NoPlan:
        return
    assert solved.whole
    assert np.all(solved.flows.spend == np.round(solved.flows.spend))
    assert breaches(solved.problem, solved.flows, 1e-6) == []
    assert np.abs(solved.flows.spend - solved.optimum.flows.spend).max() < 3
    left = solved.flows.unspent(solved.problem)
    assert np.all((left >= 0) & (left == np.round(left)))


def test_rounding_says_so_when_no_whole_plan_exists():
    """A rule that asks for half a pound exactly cannot be kept in whole pounds: there is no rounding."""
    rules = {name: {"kind": name, "amount": 10.5, "where": {"places": ["a"]}} for name in ("floor", "cap")}
    scenario = make(
        [{"place": place, "programme": "care"} for place in "ab"],
        [{"place": place, "programme": "care", "shape": "linear", "slope": 1.0} for place in "ab"], 30.0, rules,
    )  # fmt: skip
    problem = Problem.of(scenario)
    assert whole_pounds(problem, Flows(np.array([10.5, 19.5]), np.zeros(0)), Watch()) is None
    plan = al.solve(scenario)
    assert dict(zip(plan.facts["fact"], plan.facts["value"], strict=True))["whole_pounds"] == "False"
    assert plan.certified
