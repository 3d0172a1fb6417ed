"""A thousand variations of Coventry and Warwickshire in one process, and many solves of one model.

A variation moves seven figures at once, drawn by a seed: an envelope, a floor, a share, the weight of an outcome, what
money buys in a place, the shape of a programme's curves, and whether a rule is in force. `live` is the engine's `Live`,
given the figures, and solves all in two orders; `Pyomo, rebuilt` makes an ordinary Pyomo model of the same figures each
time and solves that; `allocate.solve` takes the variation as changes of the scenario to a certified plan.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import allocate as al
from allocate.compiler import Compiled
from allocate.engine.highs import Impossible
from allocate.engine.live import Live
from allocate.engine.model import DECLARATION, Figures, figures
from allocate.engine.problem import Problem
from allocate.scenario.scenario import Scenario
from benchmarks.building import RELATIVE, turn
from benchmarks.cases import SCENARIOS
from benchmarks.machine import megabytes
from benchmarks.made import Data, of_scenario, plain
from benchmarks.registry import Row, row
from benchmarks.timing import Seconds, timed
from benchmarks.ways import WAYS

SEED = 20_261_122
CASE = "coventry-warwickshire"
SWITCHED = "greatest-need-first"
Changes = dict[str, Any]


def variation(scenario: Scenario, rng: np.random.Generator) -> Changes:
    """Changes of the scenario, as `Scenario.change` takes them."""
    rules, money = {rule.id: rule for rule in scenario.rules}, scenario.envelopes.set_index("id")["amount"]
    curves = scenario.curves
    paths = "curves." + curves[["place", "programme", "outcome", "year"]].agg(".".join, axis=1)
    need, shape = rng.uniform(0.9, 1.1), rng.uniform(0.95, 1.05)
    of_place, of_shape = curves["place"] == "coventry", curves["programme"] == "elective"
    return {
        "envelopes.core": float(money["core"] * rng.uniform(1.0, 1.02)),
        "rules.pool-minimum-coventry.amount": round(rules["pool-minimum-coventry"].amount * rng.uniform(0.98, 1.0)),
        "rules.out-of-hospital-share.at_least": float(rules["out-of-hospital-share"].at_least * rng.uniform(0.98, 1)),
        "outcomes.prevention.weight": float(rng.uniform(0.8, 1.25)),
        **dict(zip(paths[of_place] + ".slope", (curves["slope"][of_place] * need).tolist(), strict=True)),
        **dict(zip(paths[of_shape] + ".exponent", (curves["exponent"][of_shape] * shape).tolist(), strict=True)),
        f"rules.{SWITCHED}.in_force": bool(rng.random() < 0.5),
    }  # fmt: skip


def varied(scenario: Scenario, changes: Changes) -> Figures:
    """The model's figures for a variation; a rule that is off has no sides."""
    switch = f"rules.{SWITCHED}.in_force"
    problem = Problem.of(scenario.change({path: value for path, value in changes.items() if path != switch}))
    found = figures(problem, problem.grids)
    if not changes[switch]:
        off = [k for k, limit in enumerate(problem.limits) if limit.owner == SWITCHED]
        found["limit_low"][off], found["limit_high"][off] = -np.inf, np.inf
    return found


def variations(scenario: Scenario, data: Data, count: int) -> list[tuple[Changes, Figures]]:
    """So many variations that have a plan, and their figures."""
    rng, live, found = np.random.default_rng(SEED), Live(Compiled.of(DECLARATION, data.members), data.figures), []
    while len(found) < count:
        changes = variation(scenario, rng)
        given = varied(scenario, changes)
        try:
            live.change(given)
            live.solve()
        except Impossible:
            continue
        found.append((changes, given))
    return found


def batch(count: int, sample: int) -> Iterator[Row]:
    """Rows for every way; `sample` variations are rebuilt in Pyomo."""
    scenario = plain(al.read(SCENARIOS / CASE))
    data = of_scenario(scenario)
    drawn = variations(scenario, data, count)
    given = [each for _, each in drawn]
    phase, about = f"batch of {count:,}", (CASE, data.slices)
    values, digests, times = through(data, given, list(range(count)))
    other = np.random.default_rng(SEED).permutation(count).tolist()
    _, again, _ = through(data, given, other)
    assert digests == again, "answers depend on the order"
    yield _row(phase, "live", about, times, count, "answers bit-identical in two orders")
    yield _row(phase, "Pyomo, rebuilt", about, rebuilt(data, given[:sample], values), count, "")
    yield _row(
        phase, "allocate.solve", about, certified(scenario, [each for each, _ in drawn]), count, "certified plans"
    )


def _row(phase: str, way: str, about: tuple[str, int], times: Sequence[Seconds], count: int, note: str) -> Row:
    wall, cpu = (sum(each) * count / len(times) for each in zip(*times, strict=True))
    scaled = f", scaled from {len(times)}" if len(times) < count else ""
    told = f"{cpu:.1f} CPU s and {wall:.1f} s in all{scaled}"
    return row(about[0], phase, way, about[1], times, note=f"{told}; {note}" if note else told)


def through(
    data: Data, given: Sequence[Figures], order: Sequence[int]
) -> tuple[list[float], list[bytes], list[Seconds]]:
    """All figures in some order through one live model: values and digests of every answer, by number, and times."""
    live = Live(Compiled.of(DECLARATION, data.members), data.figures)
    live.solve()
    gc.collect()
    values, digests, times = [0.0] * len(given), [b""] * len(given), []
    for k in order:
        (value, columns), seconds = timed(lambda k=k: _live(live, given[k]))
        values[k], digests[k] = value, hashlib.sha256(columns.tobytes()).digest()
        times.append(seconds)
    return values, digests, times


def _live(live: Live, given: Figures) -> tuple[float, np.ndarray]:
    live.change(given)
    answer = live.solve()
    return answer.value, answer.columns


def rebuilt(data: Data, given: Sequence[Figures], values: Sequence[float]) -> list[Seconds]:
    """How long an ordinary Pyomo model of each takes, from its figures in dicts to its value."""
    way, times = WAYS["Pyomo, persistent"], []
    turn(way, way.take(data))
    for each, value in zip(given, values, strict=False):
        tables = way.take(Data(data.sizes, data.places, each))
        found, seconds = turn(way, tables)
        assert found is not None
        assert abs(found - value) <= RELATIVE * abs(value)
        times.append(seconds["to solution"])
    return times


def certified(scenario: Scenario, changes: Sequence[Changes]) -> list[Seconds]:
    """How long a certified plan in whole pounds takes for each."""
    al.solve(scenario)
    times = []
    for each in changes:
        plan, seconds = timed(lambda each=each: al.solve(scenario.change(each)))
        assert plan.certified
        times.append(seconds)
    return times


def resolved(count: int) -> Iterator[Row]:
    """What the memory of a process grows by over so many solves of one live model."""
    scenario = plain(al.read(SCENARIOS / CASE))
    data = of_scenario(scenario)
    given = [each for _, each in variations(scenario, data, 50)]
    live, times = Live(Compiled.of(DECLARATION, data.members), data.figures), []
    for k in range(count // 10):
        _live(live, given[k % len(given)])
    gc.collect()
    before = megabytes("VmRSS")
    for k in range(count):
        _, seconds = timed(lambda k=k: _live(live, given[k % len(given)]))
        times.append(seconds)
    gc.collect()
    after = megabytes("VmRSS")
    grown = (
        "not told by this system" if before is None or after is None else f"{after - before:+.1f} MB, from {before:.0f}"
    )
    yield row(CASE, f"{count:,} solves", "live", data.slices, times, note=grown)
