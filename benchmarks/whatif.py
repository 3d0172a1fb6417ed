"""What-ifs on a model held live: one figure moved, solved again from the same reference, and the values read.

`live` is the engine's own `Live`: told which figures differ, it works out the rest. `pure HiGHS` is given the changed
entries, worked out before the clock starts, and does nothing but pass them on, set the same basis and the same simplex
method, run, and read the values. Both must give the same values. `Pyomo, persistent` is told the changed figures as
values of mutable Params and looks for no other change; it goes on from where it was.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from allocate.compiler import Arrays, Compiled
from allocate.engine.highs import FEW, Simplex, read
from allocate.engine.live import Live, Reference
from allocate.engine.model import DECLARATION, Figures
from benchmarks import bare
from benchmarks.building import RELATIVE
from benchmarks.made import Data
from benchmarks.registry import MODELS, Row, row
from benchmarks.timing import Seconds, timed

Array = np.ndarray
KINDS = "envelope", "floor", "share", "weight", "need", "curve", "switch"
LIVE, PURE, PYOMO = "live", "pure HiGHS", "Pyomo, persistent"
TRIES = 20
"""Changes drawn at most for one that has a plan."""


def moved(data: Data, kind: str, rng: np.random.Generator) -> Figures | None:
    """The figures that a lever of this kind moves, a few per cent off what they are; None where there is no such."""
    f, some, terms = data.figures, data.some, data.places["TERMS"]
    several = np.bincount(terms[:, 0], minlength=data.sizes["LIMITS"]) > 1
    floors = np.isfinite(f["limit_low"]) & (f["limit_low"] > 0) & ~several
    if kind == "envelope":
        return _times(f, "amount", [int(np.argmax(f["amount"]))], rng.uniform(0.99, 1.03))
    if kind == "floor":
        # The last such: with made-up data the one under gains.
        return _times(f, "limit_low", np.flatnonzero(floors)[-1:], rng.uniform(0.97, 1.003)) if floors.any() else None
    if kind == "share":
        return (
            _times(f, "term", np.flatnonzero(several[terms[:, 0]])[:1], rng.uniform(0.97, 1.003))
            if several.any()
            else None
        )
    if kind == "switch":
        off = rng.random() < 0.5
        sides = {name: f[name].copy() for name in ("limit_low", "limit_high")}
        if off and len(sides["limit_low"]):
            sides["limit_low"][some["switch"]], sides["limit_high"][some["switch"]] = -np.inf, np.inf
        return sides if len(f["limit_low"]) else None
    if kind == "weight":
        return _times(f, "weight", some["weight"], rng.uniform(0.8, 1.25))
    slices = np.flatnonzero(np.isin(data.places["SLICES"][:, 0], some[kind]))
    slopes = _times(f, "slope", slices, rng.uniform(0.9, 1.1))
    return slopes if kind == "need" else slopes | _times(f, "width", slices, rng.uniform(0.95, 1.0))


def _times(figures: Figures, name: str, at: Sequence[int] | Array, factor: float) -> Figures:
    values = figures[name].copy()
    values[at] *= factor
    return {name: values}


def steps(data: Data, kind: str, count: int, seed: int = 1) -> list[Figures]:
    """Changes of this kind one after another, all of which have a plan; none where the data have no such figure."""
    rng, model, found = np.random.default_rng([seed, KINDS.index(kind)]), Compiled.of(DECLARATION, data.members), []
    while len(found) < count:
        for _ in range(TRIES):
            figures = moved(data, kind, rng)
            if figures is None:
                return []
            if bare.solved(bare.handed_over(model.arrays({**data.figures, **figures}).compact())) is not None:
                break
        else:
            raise AssertionError(f"no {kind} that has a plan")
        # A switch goes off and on in turn.
        if kind != "switch" or not found or any((figures[n] != found[-1][n]).any() for n in figures):
            found.append(figures)
    return found


@dataclass(frozen=True, eq=False)
class Change:
    """What differs from one model to the next, as HiGHS takes it, and by which method to go on from the reference."""

    costs: tuple[Array, Array]
    columns: tuple[Array, Array, Array]
    rows: tuple[Array, Array, Array]
    entries: list[tuple[int, int, float]]
    offset: float
    whole: Arrays | None
    simplex: Simplex

    @classmethod
    def of(cls, old: Arrays, new: Arrays, reference: Reference) -> Change:
        """Worked out by comparing every number."""

        def where(*names: str) -> Array:
            differs = np.logical_or.reduce([getattr(old, n) != getattr(new, n) for n in names])
            return np.flatnonzero(differs).astype(np.int32)

        costs, columns, rows, at = (
            where("cost"),
            where("lower", "upper"),
            where("row_lower", "row_upper"),
            where("value"),
        )
        column = (np.searchsorted(new.start, at, side="right") - 1).tolist()
        entries = list(zip(new.index[at].tolist(), column, new.value[at].tolist(), strict=True))
        whole = len(at) > FEW + len(new.value) // FEW or ((old.value[at] == 0) != (new.value[at] == 0)).any()
        return cls(
            (costs, new.cost[costs]), (columns, new.lower[columns], new.upper[columns]),
            (rows, new.row_lower[rows], new.row_upper[rows]), entries, new.offset, new.compact() if whole else None,
            reference.simplex(new),
        )  # fmt: skip


class Pure:
    """HiGHS held live, with nothing around it."""

    def __init__(self, arrays: Arrays) -> None:
        self.highs = bare.handed_over(arrays.compact())
        self.highs.setOptionValue("simplex_strategy", 1)
        assert bare.solved(self.highs) is not None
        self.basis = self.highs.getBasis()

    def step(self, change: Change) -> tuple[Array, float]:
        """Pass on what differs, solve from the reference, see that it was solved, read the values and the aim."""
        highs = self.highs
        if change.whole is not None:
            bare.load(highs, change.whole)
        else:
            if len(change.costs[0]):
                highs.changeColsCost(len(change.costs[0]), *change.costs)
            if len(change.columns[0]):
                highs.changeColsBounds(len(change.columns[0]), *change.columns)
            if len(change.rows[0]):
                highs.changeRowsBounds(len(change.rows[0]), *change.rows)
            for row, column, value in change.entries:
                highs.changeCoeff(row, column, value)
            highs.changeObjectiveOffset(change.offset)
        highs.setOptionValue("simplex_strategy", change.simplex)
        highs.clearSolver()
        highs.setBasis(self.basis)
        highs.run()
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return read(highs.getSolution().col_value), highs.getObjectiveValue()


class Mutable:
    """An ordinary Pyomo model with mutable Params in Pyomo's persistent interface."""

    def __init__(self, data: Data) -> None:
        from benchmarks import with_pyomo

        tables = with_pyomo.tables(data)
        self.solver, self.model = with_pyomo.persistent(with_pyomo.model(tables, mutable=True))
        self.keys = {"slope": tables["SLICES"], "width": tables["SLICES"], "term": tables["TERMS"]}
        self.figures = dict(data.figures)

    def told(self, figures: Figures) -> list[tuple[Any, float]]:
        """The Params that differ, and their values."""
        found = []
        for name, values in figures.items():
            keys, param = self.keys.get(name), getattr(self.model, name)
            for k in np.flatnonzero(values != self.figures[name]).tolist():
                found.append((param[k if keys is None else keys[k]], float(values[k])))
        self.figures.update(figures)
        return found

    def step(self, told: list[tuple[Any, float]]) -> tuple[float, Any]:
        """Set the Params, solve, read the values."""
        for param, value in told:
            param.set_value(value)
        self.solver.update_parameters()
        results = self.solver.solve(self.model)
        return float(results.incumbent_objective), results.solution_loader.get_vars()


def whatif(case: str, runs: int, slow: int) -> Iterator[Row]:
    """Rows for every kind of figure and way. Pyomo takes `slow` steps of each kind, and none if that is 0."""
    data = MODELS[case].data()
    model = Compiled.of(DECLARATION, data.members)
    live, mutable = Live(model, data.figures), Mutable(data) if slow else None
    base, pure = live.arrays, Pure(live.arrays)
    live.solve()
    if mutable is not None:
        mutable.step([])
    # The same basis for both, from the same solve.
    reference = live._reference
    assert reference is not None
    pure.basis = reference.basis
    everything: dict[str, list[Seconds]] = {LIVE: [], PURE: [], PYOMO: []}
    for kind in KINDS:
        changes = steps(data, kind, runs + 1)
        found = _kind(data, model, live, pure, mutable, changes, slow, (base, reference))
        for name, times in found.items():
            everything[name] += times
            if times or not changes:
                note = "" if changes else "skipped: the model has no such figure"
                yield row(case, f"what-if: {kind}", name, data.slices, times, note=note)
    for name, times in everything.items():
        if times:
            yield row(case, "what-if: all kinds", name, data.slices, times)


def _kind(
    data: Data, model: Compiled, live: Live, pure: Pure, mutable: Mutable | None, changes: list[Figures], slow: int,
    known: tuple[Arrays, Reference],
) -> dict[str, list[Seconds]]:  # fmt: skip
    """Steps of one kind; the first is not counted. All ways end where they began."""
    (old, reference), found = known, {LIVE: [], PURE: [], PYOMO: []}
    back = [{name: data.figures[name] for name in figures} for figures in changes[:1]]
    told = []
    for figures in (*changes, *back):
        new = model.arrays({**data.figures, **figures})
        told.append((figures, Change.of(old, new, reference)))
        old = new
    gc.collect()
    best = []
    for k, (figures, change) in enumerate(told):
        both = {LIVE: lambda figures=figures: _live_step(live, figures), PURE: lambda change=change: pure.step(change)}
        # In turns of two, for a switch goes off and on by turns: the second finds HiGHS at hand in the caches.
        done = {name: timed(both[name]) for name in (list(both) if k // 2 % 2 else list(both)[::-1])}
        ((values, value), seconds), ((its, pure_value), pure_seconds) = done[LIVE], done[PURE]
        assert np.array_equal(values, its), "other values than pure HiGHS"
        assert abs(value - pure_value) <= RELATIVE * abs(pure_value)
        best.append(value)
        if 0 < k < len(changes):
            found[LIVE].append(seconds)
            found[PURE].append(pure_seconds)
    if mutable is not None and changes:
        found[PYOMO] = _pyomo_steps(mutable, [*changes[: slow + 1], *back], [*best[:-1][: slow + 1], best[-1]])
    return found


def _pyomo_steps(mutable: Mutable, changes: list[Figures], best: list[float]) -> list[Seconds]:
    """The same steps by Pyomo, after the others: it would leave nothing of them in the processor's caches. The first,
    and the way back, are not counted."""
    found = []
    for figures, expected in zip(changes, best, strict=True):
        told = mutable.told(figures)
        (value, _), seconds = timed(lambda told=told: mutable.step(told))
        assert abs(value - expected) <= 1e-7 * abs(expected), f"Pyomo: {value} instead of {expected}"
        found.append(seconds)
    return found[1:-1]


def _live_step(live: Live, figures: Figures) -> tuple[Array, float]:
    live.change(figures)
    answer = live.solve(bare.LIMIT)
    return answer.columns, answer.value
