"""A brute-force oracle: every plan on a coarse grid, judged by the scenario's own rules and curves, no solver."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import allocate as al
from allocate.engine.certificate import Flows, breaches
from allocate.engine.problem import Problem
from tests.engine.making import make

STEPS = 7


def random_scenario(seed: int) -> al.Scenario:
    """Two to four lines with curves of every shape, some yes/no, under one to three rules of every kind."""
    rng = np.random.default_rng(seed)
    places, programmes = ("a", "b"), ("care", "help")
    cells = [(p, g) for p in places for g in programmes][: rng.integers(2, 5)]
    lines, curves, points = [], [], []
    for place, programme in cells:
        high = float(rng.integers(4, 11)) * 100_000
        line = dict(place=place, programme=programme, baseline=float(rng.integers(2, 6)) * 100_000, high=high)
        if rng.random() < 0.3:
            line["scale"] = high if rng.random() < 0.5 else float(rng.integers(1, 5)) * 100_000
        lines.append(line)
        curve, extra = random_curve(rng, place, programme, high)
        curves.append(curve)
        points += extra
    money = round(float(sum(line["baseline"] for line in lines) * rng.uniform(0.6, 2.5)))
    return make(lines, curves, money, random_rules(rng, cells), curve_points=points)


def random_curve(rng, place: str, programme: str, high: float):
    """A curve of a random shape, and its points where it is given by points (not always flattening)."""
    shape = str(rng.choice(["linear", "power", "isoelastic", "saturation", "points"]))
    curve: dict = dict(place=place, programme=programme, shape=shape)
    slope = float(rng.uniform(0.2, 2.0)) * 1e-3
    if shape == "linear":
        return curve | {"slope": slope}, []
    if shape == "saturation":
        return curve | {"ceiling": slope * 4e5, "reference": 4e5}, []
    if shape == "points":
        spends = np.linspace(0, high, int(rng.integers(3, 6)))
        gains = np.concatenate([[0.0], np.cumsum(rng.uniform(0, 1, len(spends) - 1))]) * slope * high
        key = dict(place=place, programme=programme, outcome="health", year="2026")
        return curve, [key | {"spend": float(s), "gain": float(g)} for s, g in zip(spends, gains, strict=True)]
    return curve | {"slope": slope, "reference": 4e5, "exponent": float(rng.uniform(0.2, 0.9))}, []


def random_rules(rng, cells) -> dict:
    """Up to three rules, gentle enough that most books allow a plan."""
    where = {"places": ["a"]} if rng.random() < 0.5 else {"programmes": ["care"]}
    book = {
        "floor": dict(kind="floor", where=where, amount=float(rng.integers(1, 4)) * 50_000),
        "cap": dict(kind="cap", where=where, amount=float(rng.integers(4, 9)) * 100_000),
        "share": dict(kind="share", where=where, at_least=float(rng.uniform(0.05, 0.4))),
        "band": dict(kind="band", each="line", up=float(rng.uniform(0.3, 1.0)), down=1.0),
        "growth": dict(kind="growth", where=where, at_least=float(rng.uniform(-0.6, -0.1))),
        "gain-cap": dict(kind="cap", where=where, measure="health", amount=float(rng.uniform(300, 900))),
    }
    names = rng.choice(list(book), size=int(rng.integers(1, 4)), replace=False)
    return {name: book[name] for name in names}


def best_on_grid(problem: Problem) -> float | None:
    """The best value of any plan on the grid that the scenario allows, or None: the first allowed, from the best on."""
    axes = [np.unique(np.append(np.linspace(0, high, STEPS), [low, s])) for low, high, s in
            zip(problem.bounds[0], problem.high, problem.scale, strict=True)]  # fmt: skip
    plans = np.array(list(itertools.product(*axes)))
    plans = plans[plans.sum(axis=1) <= problem.amount.sum() + 1e-6]
    # Each line has a curve of its own here, so that a plan is worth what its lines are.
    worth = [dict(zip(axis, worths(problem, line, axis), strict=True)) for line, axis in enumerate(axes)]
    values = np.array([sum(worth[line][pounds] for line, pounds in enumerate(plan)) for plan in plans.tolist()])
    for k in np.argsort(-values):
        if not breaches(problem, Flows(plans[k], np.zeros(0)), 1e-6):
            assert problem.value(plans[k]) == pytest.approx(values[k])
            return float(values[k])
    return None


def worths(problem: Problem, line: int, axis: np.ndarray) -> list[float]:
    """What amounts on one line are worth."""
    only = np.eye(len(problem.low))[line]
    curve = problem.curves.effort(only) > 0
    return [float(problem.weight[curve] @ problem.curves.gain(problem.curves.effort(x * only))[curve]) for x in axis]


@pytest.mark.parametrize("seed", range(120))
def test_no_plan_on_a_grid_beats_the_solver(seed):
    """A plan found by trying everything is never better than the solver's, nor allowed where the solver finds none."""
    scenario = random_scenario(seed)
    problem = Problem.of(scenario)
    best = best_on_grid(problem)
    try:
        plan = al.solve(scenario)
    except al.NoPlan:
        assert best is None
        return
    assert not plan.certificate.breaches
    assert plan.certificate.bound >= plan.value - 1e-9 * problem.at_stake
    if best is not None:
        # A pound of rounding on each line is all that the grid may be ahead by.
        a_pound = problem.weight @ (problem.curves.marginal(np.maximum(problem.effort_low, 1.0)))
        assert plan.value >= best - max(1e-6, a_pound * len(problem.low))
        assert plan.certificate.bound >= best - 1e-9 * abs(best)
    gains = plan.gains
    effort = problem.curves.effort(plan.spend["spend"].to_numpy())
    np.testing.assert_allclose(gains["gain"], problem.curves.gain(effort), rtol=0, atol=0)
