"""A watch: a solve says how far it is, and stops when told with what it has."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import allocate as al
from allocate.engine import highs
from allocate.engine.certificate import PENNY, Flows, breaches
from allocate.engine.model import missed
from allocate.engine.problem import Problem
from allocate.engine.watch import Stopped, Watch
from tests.conftest import SCENARIOS
from tests.engine.making import make

SOON = 5.0
"""Seconds within which a stop must have been heard: generous, for machines under load."""


def hard(shape: dict[str, Any], projects: int = 60) -> al.Scenario:
    """Projects, whole or not at all, all but equally good, under fifteen caps: minutes of search."""
    rng = np.random.default_rng(1)
    costs = rng.integers(100_000, 999_999, projects).astype(float)
    lines = [{"place": f"p{k:02d}", "programme": "hall", "high": c, "scale": c} for k, c in enumerate(costs)]
    slopes = 1 + rng.uniform(0, 1e-6, len(lines))
    curves = [
        {"place": line["place"], "programme": "hall", "slope": float(slope)} | shape
        for line, slope in zip(lines, slopes, strict=True)
    ]
    rules = {
        f"r{k}": {
            "kind": "cap",
            "where": {"places": [line["place"] for line in lines if rng.random() < 0.5]},
            "amount": float(round(costs.sum() / 4)),
        }
        for k in range(15)
    }
    return make(lines, curves, float(round(costs.sum() / 2.1)), rules)


STRAIGHT = {"shape": "linear"}
BENT = {"shape": "power", "exponent": 0.6, "reference": 500_000.0}


def clashing(projects: int) -> al.Scenario:
    """The same with two floors that ask for more than the money: the smallest way out takes minutes of search too."""
    scenario = hard(STRAIGHT, projects)
    places, amount = scenario.lines["place"].tolist(), float(round(scenario.lines["high"].sum() * 0.26))
    floors = [{"kind": "floor", "owner": "body", "amount": amount, "where": {"places": places[k::2]}} for k in (0, 1)]
    return scenario.change({f"rules.half{k}": floor for k, floor in enumerate(floors)})


def until(true, seconds: float = 60.0) -> None:
    """Wait until something is true; fail if it never is."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.005)


@pytest.mark.parametrize("shape", [STRAIGHT, BENT])
def test_a_stop_ends_a_search_with_the_best_plan_so_far(shape):
    """Stopped from another thread, a long search gives a lawful plan with its honest gap, long before its time."""
    scenario, watch = hard(shape), Watch()
    with ThreadPoolExecutor(1) as other:
        running = other.submit(al.solve, scenario, seconds=300, watch=watch)
        until(lambda: math.isfinite(watch.value))
        seen = watch.value
        watch.stop()
        plan = running.result(timeout=SOON)
    facts = plan.facts.set_index("fact")["value"]
    assert facts["status"] == "stopped"
    assert plan.certificate.breaches == ()
    assert seen <= plan.value * (1 + 1e-6) <= plan.certificate.bound * (1 + 2e-6)
    assert plan.certified == (plan.certificate.gap <= 1e-4)
    assert (watch.value, watch.bound) == (plan.value, plan.certificate.bound)


def in_order(plan: al.Plan, *statuses: str) -> None:
    """A plan that was cut short is lawful, says so, and does not claim to be better than it is."""
    assert plan.facts.set_index("fact")["value"]["status"] in statuses
    assert plan.certificate.breaches == ()
    assert plan.value <= plan.certificate.bound * (1 + 1e-6)
    assert plan.certified == (plan.certificate.gap <= 1e-4)


@pytest.mark.parametrize(("shape", "projects"), [(STRAIGHT, 210), (BENT, 220), (BENT, 610)])
@pytest.mark.parametrize("after", [0.3, 1.2])
def test_a_stop_is_heard_early_and_late_in_a_large_search(shape, projects, after):
    """Whether its search has just begun or is deep in it, a large problem stops soon, with a lawful plan or none."""
    scenario, watch = hard(shape, projects), Watch()
    with ThreadPoolExecutor(1) as other:
        running = other.submit(al.solve, scenario, seconds=300, watch=watch)
        until(lambda: watch.stage == "searching yes/no choices")
        time.sleep(after)
        watch.stop()
        try:
            in_order(running.result(timeout=SOON), "stopped")
        except Stopped:
            assert math.isnan(watch.value)


@pytest.mark.parametrize(("shape", "projects"), [(STRAIGHT, 230), (BENT, 240), (BENT, 1030)])
def test_the_time_limit_bounds_all_that_a_solve_does(shape, projects):
    """A search that would take minutes ends soon after its second, with the best plan so far and an honest gap."""
    scenario = hard(shape, projects)
    began = time.monotonic()
    plan = al.solve(scenario, seconds=1.0)
    assert time.monotonic() - began < 1.0 + SOON
    # A fast machine may end the search over slices in time, though not the proof.
    in_order(plan, "time limit", "optimal")


def test_a_stop_reaches_the_search_for_a_way_out():
    """Told to stop while it looks for the smallest way out of a clash, a solve says soon what it knows: what is proved
    to clash, and no way that it has not tried."""
    watch = Watch()
    with ThreadPoolExecutor(1) as other:
        running = other.submit(al.solve, clashing(200), seconds=300, watch=watch)
        until(lambda: watch.stage == "looking for a way out")
        time.sleep(1.0)
        watch.stop()
        error = running.exception(timeout=SOON)
    assert isinstance(error, al.NoPlan)
    assert error.proved
    assert {"rules.half0", "rules.half1"} <= set(error.together)
    assert error.ways == error.instead == ()
    assert "before" in error.message


def test_who_abandons_a_clash_hears_no_more_of_it():
    """Abandoned while it looks for a way out, a solve ends soon and says nothing."""
    watch = Watch()
    with ThreadPoolExecutor(1) as other:
        running = other.submit(al.solve, clashing(200), seconds=300, watch=watch)
        until(lambda: watch.stage == "looking for a way out")
        time.sleep(0.5)
        watch.abandon()
        assert isinstance(running.exception(timeout=SOON), Stopped)


def test_the_time_limit_bounds_the_search_for_a_way_out():
    """A clash whose way out would take minutes is told soon after its second."""
    began = time.monotonic()
    with pytest.raises(al.NoPlan) as caught:
        al.solve(clashing(200), seconds=1.0)
    assert time.monotonic() - began < 1.0 + SOON
    assert caught.value.proved


def test_what_does_not_hear_is_left_behind():
    """What runs under a watch is waited for; where it hears neither a stop nor the end of its time it is left."""
    never, watch = threading.Event(), Watch()
    assert watch.heed(lambda: 7, 1.0) == 7
    with pytest.raises(ZeroDivisionError):
        watch.heed(lambda: 1 // 0, 1.0)
    began = time.monotonic()
    with pytest.raises(al.EngineError, match="out of time"):
        watch.heed(never.wait, 0.1)
    watch.stop()
    with pytest.raises(Stopped):
        watch.heed(never.wait, 300.0)
    assert time.monotonic() - began < SOON
    never.set()


def test_time_is_counted_once_and_a_first_plan_is_owed_some():
    """Beginning anew adds no time; once it is up a second is left for a first plan, and next to none for better."""
    watch = Watch()
    watch.enter("searching yes/no choices")
    watch.begin(0.0)
    watch.begin(300.0)
    assert watch.left() == 1.0
    for stage in ("refining", "searching yes/no choices", "breaking ties"):
        watch.enter(stage)
        assert watch.left() < 0.1
    watch.abandon()
    with pytest.raises(Stopped):
        watch.left()


def test_four_searches_at_once_stop_each_by_its_own_watch():
    """A stop reaches the solve it is for, and no other."""
    scenario, watches = hard(STRAIGHT), [Watch() for _ in range(4)]
    with ThreadPoolExecutor(4) as others:
        running = [others.submit(al.solve, scenario, seconds=300, watch=watch) for watch in watches]
        try:
            for watch, solve in zip(watches, running, strict=True):
                until(lambda watch=watch: math.isfinite(watch.value))
                assert not solve.done()
                watch.stop()
                assert solve.result(timeout=2 * SOON).certificate.breaches == ()
        finally:
            for watch in watches:
                watch.stop()


def test_a_stop_before_any_plan_is_said():
    """Where nothing was found before the stop, that is the error; a later solve is none the worse for it."""
    scenario, watch = al.read(SCENARIOS / "tiny"), Watch()
    watch.stop()
    with pytest.raises(Stopped, match="stopped before a plan was found"):
        al.solve(scenario, watch=watch)
    assert issubclass(Stopped, al.EngineError)
    assert math.isnan(watch.value)
    assert al.solve(scenario).certified


@pytest.mark.parametrize("stage", ["refining", "breaking ties", "rounding to whole pounds", "searching yes/no choices"])
@pytest.mark.parametrize("name", ["tiny", "health-benefits-package", "participatory-budget"])
def test_a_stop_at_any_stage_gives_a_lawful_plan_or_says_there_is_none(name, stage):
    """Whenever the stop comes, what comes out keeps every rule."""

    class Early(Watch):
        def enter(self, now: str) -> None:
            super().enter(now)
            if now == stage:
                self.stop()

    try:
        plan = al.solve(al.read(SCENARIOS / name), watch=Early())
    except Stopped:
        assert stage == "searching yes/no choices"
        return
    flows = Flows(plan.spend["spend"].to_numpy(), plan.routes["moved"].to_numpy())
    assert breaches(Problem.of(plan.scenario), flows, PENNY) == []
    assert plan.certificate.gap >= 0


@pytest.mark.parametrize("stage", ["solving", "refining", "breaking ties"])
def test_an_abandoned_solve_ends_at_once_and_leaves_no_trace(stage):
    """A solve that nobody wants any more gives no plan, and the next one of the same scenario is as if it had not
    been."""

    class Unwanted(Watch):
        def enter(self, now: str) -> None:
            super().enter(now)
            if now == stage:
                self.abandon()

    scenario = al.read(SCENARIOS / "coventry-warwickshire").change({"envelopes.core.amount": "x1.003"})
    before = al.solve(scenario)
    with pytest.raises(Stopped):
        al.solve(scenario, watch=Unwanted())
    assert al.solve(scenario).spend.equals(before.spend)


def test_a_watch_tells_the_stages_in_plain_words(small):
    """Every stage that a solve enters is one that is documented, from reading the rules to whole pounds."""
    stages: list[str] = []

    class Noting(Watch):
        def enter(self, stage: str) -> None:
            super().enter(stage)
            stages.append(stage)

    plan = al.solve(small, watch=(watch := Noting()))
    assert stages[0] == "reading the rules"
    assert stages[-1] == watch.stage == "rounding to whole pounds"
    assert all(f'"{stage}"' in (Watch.__doc__ or "") for stage in stages)
    assert (watch.value, watch.bound) == (plan.value, plan.certificate.bound)
    assert not watch.stopped


def test_what_a_search_tells_on_the_way_holds():
    """No value told is above the bound told with it, values never fall, bounds never rise, and both hold in the end."""
    told: list[tuple[float, float]] = []

    class Noting(Watch):
        def tell(self, value: float = math.nan, bound: float = math.nan) -> None:
            super().tell(value, bound)
            told.append((self.value, self.bound))

    plan = al.solve(al.read(SCENARIOS / "health-benefits-package"), watch=Noting())
    values, bounds = np.array(told).T
    near = 1e-6 * plan.value
    assert np.all(np.diff(values[np.isfinite(values)]) >= 0)
    assert np.all(np.diff(bounds[np.isfinite(bounds)]) <= 0)
    assert np.nanmax(values) <= plan.certificate.bound + near
    assert np.nanmin(bounds) >= plan.value - near


def test_watching_changes_no_answer(small):
    """A plan is the same whether anybody looks or not."""
    alone, watched = al.solve(small), al.solve(small, watch=Watch())
    assert watched.spend.equals(alone.spend)
    assert watched.limits.equals(alone.limits)


def test_a_watch_keeps_what_is_better():
    """A worse value, a looser bound and what is not finite say nothing."""
    watch = Watch()
    watch.tell(1.0, 9.0)
    watch.tell(-math.inf, math.inf)
    watch.tell(0.5, 10.0)
    assert (watch.value, watch.bound) == (1.0, 9.0)
    watch.tell(bound=8.0)
    assert (watch.value, watch.bound) == (1.0, 8.0)


def test_slices_miss_no_more_than_is_said(small):
    """Between breakpoints no curve rises above its slices by more than `missed` counts for it."""
    problem = Problem.of(small)
    grids = problem.grids
    rng, lost = np.random.default_rng(0), 0.0
    for share in rng.random(50):
        efforts = [grid[0] + share * (grid[-1] - grid[0]) for grid in grids]
        at = np.array(efforts)
        # Curves given by points are read off at their own corners, so their slices are exact.
        ends = [np.searchsorted(grid, x).clip(1, len(grid) - 1) for grid, x in zip(grids, efforts, strict=True)]
        left = np.array([grid[k - 1] for grid, k in zip(grids, ends, strict=True)])
        right = np.array([grid[k] for grid, k in zip(grids, ends, strict=True)])
        gain = problem.curves.gain
        part = np.divide(at - left, right - left, out=np.zeros(len(at)), where=right > left)
        chord = gain(left) + part * (gain(right) - gain(left))
        lost = max(lost, float(problem.weight @ (gain(at) - chord)))
    assert lost <= missed(problem, grids) + 1e-9 * problem.at_stake


def test_a_long_model_without_choices_is_stopped_too(monkeypatch):
    """A large linear model is asked at every step, and stops in the midst of it."""

    class Late(Watch):
        asked = 0

        @property
        def stopped(self) -> bool:
            self.asked += 1
            return self.asked > 20

    scenario = al.read(SCENARIOS / "coventry-warwickshire")
    monkeypatch.setattr(highs, "LONG", 0)
    plan, watched = al.solve(scenario), al.solve(scenario, watch=Watch())
    assert watched.spend.equals(plan.spend)
    with pytest.raises(Stopped):
        al.solve(al.read(SCENARIOS / "coventry-warwickshire"), watch=(late := Late()))
    assert late.asked > 20
