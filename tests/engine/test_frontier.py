"""The frontier of an aim: closed forms of two places, every subset where there are choices, and what always holds."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine.frontier import Traced, trace
from allocate.engine.optimum import Options
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.rules.kinds import aim_of
from tests.engine.making import make
from tests.strategies import numbers

MONEY, PEOPLE = 1e6, 1000.0
WORST = {"kind": "worst-off", "part": 0.0}


def roots(*factors: float, aim: dict | None = None) -> al.Scenario:
    """A place for each factor, where pounds buy that factor times their root, and nothing is spent today."""
    names = [chr(ord("a") + k) for k in range(len(factors))]
    return make(
        [{"place": name, "programme": "care"} for name in names],
        [
            {"place": name, "programme": "care", "shape": "power", "slope": factor / 2000, "reference": 1e6,
             "exponent": 0.5} for name, factor in zip(names, factors, strict=True)
        ],
        MONEY,
        {"aim": aim or WORST},
    )  # fmt: skip


def traced(scenario: al.Scenario, points: int = 9, **how) -> Traced:
    aim = aim_of(scenario)
    assert aim is not None
    return trace(Problem.of(scenario), aim, points, Options(), how.pop("watch", None) or Watch(), **how)


@pytest.mark.parametrize("aim", [WORST, {"kind": "bottom-up"}])
def test_two_places_in_closed_form(aim):
    """Where a place buys 2 and another 1 for each root of a pound, the worse-off one's s is what a plan of value
    2 √(M − s²) + s gives it; from one fifth of the money to four fifths."""
    found = traced(roots(2.0, 1.0, aim=aim), 21)
    score = np.array([point.score for point in found.points]) * PEOPLE
    value = np.array([point.value for point in found.points])
    assert value == pytest.approx(2 * np.sqrt(MONEY - score**2) + score, rel=1e-7)
    assert score[[0, -1]] == pytest.approx(np.sqrt([MONEY / 5, 4 * MONEY / 5]), rel=1e-6)
    given_up = [point.given_up for point in found.points]
    assert given_up == pytest.approx(np.linspace(0, given_up[-1], 21), abs=1e-6)
    assert found.value == pytest.approx(np.sqrt(5 * MONEY))


AIMS = [WORST, {"kind": "worst-off", "part": 0.4}, {"kind": "balanced", "strength": 2.0, "view": "spend"}]


@settings(max_examples=6, deadline=None)
@given(
    st.lists(numbers(0.5, 3.0), min_size=2, max_size=4),
    st.sampled_from(
        [WORST, {"kind": "worst-off", "part": 0.4}, {"kind": "balanced", "strength": 2.0, "view": "spend"}]
    ),
)
def test_what_always_holds(factors, aim):
    """Along a frontier value falls, the score rises, no point lies below the line between its neighbours, and no bound
    is below its score or above it by more than a hundred-thousandth."""
    found = traced(roots(*factors, aim=aim), 6)
    points, trace_of = found.points, 1e-7 * found.at_stake
    for before, after in pairwise(points):
        assert after.value < before.value
        assert after.score >= before.score - trace_of
    for left, middle, right in zip(points, points[1:], points[2:], strict=False):
        part = (middle.given_up - left.given_up) / (right.given_up - left.given_up)
        assert middle.score >= left.score + part * (right.score - left.score) - 1e-5 * found.at_stake
    for point in points:
        assert point.bound >= point.score - trace_of
    assert all(point.bound - point.score <= 1e-5 * found.at_stake for point in points[1:])


def test_choices_as_every_subset_has_them():
    """Where services are opened or not, each point is the fairest of all subsets that give up as little, and of those
    that are as fair it buys the most."""
    costs = {"a": (300_000, 200_000, 450_000), "b": (250_000, 350_000, 150_000)}
    worth = {"a": (90.0, 50.0, 120.0), "b": (40.0, 70.0, 20.0)}
    lines = [
        {"place": place, "programme": f"{place}{k}", "high": cost, "scale": cost}
        for place in costs for k, cost in enumerate(costs[place])
    ]  # fmt: skip
    curves = [
        {"place": place, "programme": f"{place}{k}", "shape": "linear", "slope": gain / costs[place][k]}
        for place in worth for k, gain in enumerate(worth[place])
    ]  # fmt: skip
    found = traced(make(lines, curves, 800_000, {"aim": WORST}), 6)
    assert found.discrete
    plans = []
    for opened in product((0, 1), repeat=6):
        if np.array([*costs["a"], *costs["b"]]) @ np.array(opened) <= 800_000:
            a, b = (np.array(worth["a"]) @ opened[:3], np.array(worth["b"]) @ opened[3:])
            plans.append((min(a, b) / PEOPLE, a + b))
    assert found.value == pytest.approx(max(value for _, value in plans))
    for point, asked in zip(found.points[1:-1], np.linspace(0, found.points[-1].given_up, 6)[1:-1], strict=True):
        kept = [plan for plan in plans if plan[1] >= found.value - asked * found.gain - 1e-3]
        assert (point.score, point.value) == pytest.approx(max(kept), rel=1e-5)
    assert (found.points[-1].score, found.points[-1].value) == pytest.approx(max(plans), rel=1e-5)


def test_alike():
    """Where the plan that buys most is the fairest there is one point."""
    found = traced(roots(1.0, 1.0))
    assert len(found.points) == 1
    assert found.whole
    assert found.points[0].score * PEOPLE == pytest.approx(np.sqrt(MONEY / 2), rel=1e-6)


def test_without_meaning():
    """Points that would leave a place with nothing are left out where the aim means nothing for them; the bound of the
    first says so."""
    aim = {"kind": "balanced", "view": "gain"}
    scenario = make(
        [{"place": "a", "programme": "care"}, {"place": "b", "programme": "care", "baseline": 810_000.0}],
        [
            {"place": name, "programme": "care", "shape": "power", "slope": 1e-3, "reference": 1e6, "exponent": 0.5}
            for name in "ab"
        ],
        MONEY, {"aim": aim},
    )  # fmt: skip
    found = traced(scenario, 9)
    assert found.points[0].score == found.points[0].bound == 0
    assert 2 <= len(found.points) < 9
    assert all(point.score > 0 for point in found.points[1:])
    assert found.whole


def test_stopping():
    """A tick that says False, and a watch that is stopped, leave out the points that are left: the ends are there."""
    told: list[tuple[int, int]] = []

    def tick(done: int, total: int) -> bool:
        told.append((done, total))
        return done < 4

    found = traced(roots(2.0, 1.0), 9, tick=tick)
    assert told == [(2, 9), (3, 9), (4, 9)]
    assert (len(found.points), found.whole) == (4, False)
    watch = Watch()

    def stop(done: int, total: int) -> bool:
        watch.stop()
        return True

    stopped = traced(roots(2.0, 1.0), 9, tick=stop, watch=watch)
    assert not stopped.whole
    assert stopped.points[-1].score == pytest.approx(found.points[-1].score)
