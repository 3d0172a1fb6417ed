"""A session: one model held live in HiGHS, asked for problems that share its sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import highspy
import numpy as np

from allocate.compiler import Arrays, Compiled
from allocate.engine.certificate import Flows, Prices
from allocate.engine.highs import DUAL, Answer, Simplex, Solver, Start, Tell
from allocate.engine.live import Live, Reference
from allocate.engine.model import Figures, Sets, Slices, Structure, compiled, figures, missed, weights
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch

Array = np.ndarray
BASIC, LOWER, UPPER = (getattr(highspy.HighsBasisStatus, name) for name in ("kBasic", "kLower", "kUpper"))
FREE = 1e-7
"""Prices below this, in solver units, are noise."""


@dataclass(frozen=True, eq=False)
class Held:
    """Yes/no choices fixed: bounds on the columns `opened`, `filled` and `picked`; on `slice` too where efforts are
    bounded."""

    opened: tuple[Array, Array]
    filled: tuple[Array | float, Array | float] = (0.0, 1.0)
    slices: tuple[Array, Array] | None = None
    picked: tuple[Array | float, Array | float] = (0.0, 1.0)

    def fix(self, arrays: Arrays, columns: dict[str, slice]) -> Arrays:
        """The same model without integers: choices within these bounds."""
        lower, upper = arrays.lower.copy(), arrays.upper.copy()
        for name, (low, high) in (("opened", self.opened), ("filled", self.filled), ("picked", self.picked)):
            lower[columns[name]], upper[columns[name]] = low, high
        if self.slices is not None:
            lower[columns["slice"]], upper[columns["slice"]] = self.slices
        return replace(arrays, lower=lower, upper=upper, integer=np.zeros(len(lower), dtype=bool))


@dataclass(frozen=True, eq=False)
class Reached(Answer):
    """An answer, with what its columns mean: where each family of them is, the sets, and the figures it is for."""

    places: dict[str, slice]
    sets: Sets
    figures: Figures

    def column(self, name: str) -> Array:
        """The values of one family of variables."""
        return self.columns[self.places[name]]

    @cached_property
    def spend(self) -> Array:
        """Spend on each line, in solver units."""
        sets, spend = self.sets, np.zeros(len(self.figures["low"]))
        spend[sets.own] = self.column("paid")
        effort = self.figures["start"] + self._over_slices(self.column("slice"))
        spend[sets.sole] = effort[sets.sole_curve]
        return spend

    @cached_property
    def gain(self) -> Array:
        """The gain that the model claims for each curve, in solver units."""
        return self.figures["start_gain"] + self._over_slices(self.figures["slope"] * self.column("slice"))

    def _over_slices(self, values: Array) -> Array:
        return np.bincount(self.sets.owner, values, minlength=len(self.figures["start"]))


class Session:
    """One live model. Not for two threads at once: `allocate.engine.solve` lends each thread its own.

    `measured` where the distance from the baseline is a part of the model: for breaking ties. `compile_` makes the
    model of some sets, or has it already.
    """

    def __init__(
        self,
        problem: Problem,
        grids: list[Array],
        ordered: frozenset[int] = frozenset(),
        measured: bool = False,
        compile_: Callable[[Structure, Sets], Compiled] = lambda _, sets: compiled(sets),
    ) -> None:
        self.structure = Structure.of(problem, grids, ordered, measured)
        self.sets = Sets.of(problem, grids, ordered, measured)
        self.matrix = compile_(self.structure, self.sets)
        self.live = Live(self.matrix, figures(problem, grids, measured))
        self._ordered, self._measured, self._compile = ordered, measured, compile_
        self._distance: Session | None = None

    def distance(self, problem: Problem, grids: list[Array]) -> Session:
        """The session over the same sets that measures the distance from the baseline."""
        if self._distance is None:
            self._distance = Session(problem, grids, self._ordered, True, self._compile)
        return self._distance

    def distance_start(self, problem: Problem, grids: list[Array], flows: Flows) -> Start:
        """Where the measured model can begin once this one was solved: its last basis, with a column that measures
        basic in each of the rows that are new, and slices taken where these flows end among `grids`."""
        sets, basis = self.sets, self.solver.basis
        of_columns, of_rows = (np.array(each, dtype=object) for each in (basis.col_status, basis.row_status))
        columns = {name: of_columns[part] for name, part in self.matrix.columns.items()}
        rows = {name: of_rows[part] for name, part in self.matrix.rows.items()}
        paid, effort = _full(len(problem.low), BASIC), _full(len(problem.curves), LOWER)
        paid[sets.own], effort[sets.joined] = columns["paid"], rows["effort"]
        columns |= {"paid": paid, "slice": _slice_status(sets.owner, columns["slice"], problem, grids, flows)}
        change = flows.spend - problem.baseline
        columns["up"] = np.where(change > 0, BASIC, LOWER)
        columns["down"] = np.where(change > 0, LOWER, BASIC)
        columns["widest"] = _full(1, BASIC)
        spread = _full(len(change), BASIC)
        spread[int(np.argmax(np.abs(change) / problem.breadth))] = UPPER
        rows |= {
            "effort": effort, "keep": _full(1, BASIC), "steady": _full(1, BASIC),
            "change": _full(len(change), LOWER), "spread": spread,
        }  # fmt: skip
        measured = self.distance(problem, grids).matrix
        start = highspy.HighsBasis()
        start.col_status = [each for name in measured.columns for each in columns[name].tolist()]
        start.row_status = [each for name in measured.rows for each in rows[name].tolist()]
        # HiGHS makes up for what does not quite fit.
        start.valid = start.alien = True
        return start

    @property
    def columns(self) -> int:
        """How many columns its models have."""
        own = len(self.solver.arrays.cost)
        return own + (self._distance.columns if self._distance is not None else 0)

    @property
    def has_integers(self) -> bool:
        return len(self.sets.choices) + len(self.sets.ordered) + len(self.sets.names["PICKS"]) > 0

    @property
    def solver(self) -> Solver:
        return self.live.solver

    def arrays(self, problem: Problem, grids: list[Array]) -> Arrays:
        """The model for a problem over these slices."""
        return self.live.change(figures(problem, grids, self._measured))

    def solve(
        self,
        problem: Problem,
        grids: list[Array],
        held: Held | None,
        seconds: float,
        start: Start | Reference = "last",
        watch: Watch | None = None,
    ) -> Reached:
        """The best over these slices; with `held`, its choices are fixed and the answer has prices. `watch` is told of
        plans and bounds on the way, and may stop it."""
        arrays = self.arrays(problem, grids)
        if held is not None:
            arrays = held.fix(arrays, self.matrix.columns)
        told = watch if arrays.integer.any() and not problem.gain_rows else None
        tell = partial(_tell, told, problem.units.value, missed(problem, grids)) if told is not None else None
        return self.run(arrays, seconds, start, watch, tell)

    def run(
        self,
        arrays: Arrays,
        seconds: float,
        start: Start | Reference = "last",
        watch: Watch | None = None,
        tell: Tell | None = None,
        simplex: Simplex = DUAL,
    ) -> Reached:
        """Solve the model with these arrays, whose shape is the session's; the rest as in `solve`. A reference knows
        itself by which method to go on."""
        whole = bool(arrays.integer.any())
        if whole or self.solver.arrays.integer.any():
            # The search over integers is not the same twice on a model that was changed, only on one that is new.
            self.solver.load(arrays)
        elif arrays is not self.solver.arrays:
            self.solver.update(arrays)
        if isinstance(start, Reference):
            simplex, start = start.simplex(arrays), start.basis
        return self.reached(self.solver.run(seconds, whole, watch, tell, start, simplex))

    def reached(self, answer: Answer) -> Reached:
        """An answer for the figures that were asked for last; columns beyond the model's are no harm."""
        said = answer.status, answer.value, answer.bound, answer.solution
        return Reached(*said, self.matrix.columns, self.sets, self.live.figures)

    def held(self, answer: Reached) -> Held:
        """The choices of an answer, fixed."""
        opened, filled, picked = (np.round(answer.column(name)) for name in ("opened", "filled", "picked"))
        return Held((opened, opened), (filled, filled), picked=(picked, picked))

    def held_at(self, problem: Problem, flows: Flows) -> Held:
        """The choices that these flows make; slices are left free."""
        opened = (flows.spend[self.sets.choices] > 0.5).astype(float)
        picked = problem.picks(flows.spend, flows.moved)
        return Held((opened, opened), picked=(picked, picked))

    def flows(self, problem: Problem, answer: Reached) -> Flows:
        """Spend and moves of an answer, in pounds."""
        money = problem.units.money
        return Flows(answer.spend * money, answer.column("moved") * money)

    def prices(self, problem: Problem, answer: Reached) -> Prices:
        """Prices of an answer, per pound and per unit of a limit's body."""
        units, rows, duals, sets = problem.units, self.matrix.rows, answer.row_duals, self.sets
        per_pound = units.value / units.money
        envelope = duals[rows["money"]] * per_pound
        limit = duals[rows["limit"]] * units.value / problem.limit_units
        effort = np.zeros(len(problem.curves))
        effort[sets.joined] = -duals[rows["effort"]] * per_pound
        # Where a line alone feeds a curve, effort costs what the line's money and limits do, less what else it feeds.
        costs = envelope[problem.envelope_of_line] + limit @ problem.line_rows - effort @ problem.feeds
        effort[sets.sole_curve] = costs[sets.sole]
        return Prices(envelope, limit, effort)

    def phantoms(self, problem: Problem, grids: list[Array], answer: Reached) -> frozenset[int]:
        """Curves whose gain is less than their own slices buy when filled in order: something holds it down."""
        slices = Slices.of(problem, grids)
        filled = np.zeros(slices.width.shape)
        filled[slices.real] = answer.column("slice") * problem.units.money
        # A gain that nothing holds down is never less than what its spend buys where that matters; one that something
        # does must be.
        counts = weights(problem) > 0
        rows = problem.gain_rows
        capped = np.where(rows.values > 0, problem.limit_high[rows.rows], -problem.limit_low[rows.rows])
        counts[rows.columns[np.isfinite(capped)]] = True
        counts[self.sets.ordered] = False
        # The same effort poured into the slices in order.
        poured = np.clip(filled.sum(axis=1)[:, None] - (slices.begin - slices.start[:, None]), 0.0, slices.width)
        short = slices.start_gain + (slices.slope * poured).sum(axis=1) - answer.gain * problem.curve_units
        most = (slices.slope * slices.width).sum(axis=1)
        found = np.flatnonzero(counts & (short > 1e-6 * most + 1e-9 * most.sum()))
        return frozenset(found.tolist())


def _full(count: int, status: highspy.HighsBasisStatus) -> Array:
    return np.full(count, status, dtype=object)


def _slice_status(owner: Array, before: Array, problem: Problem, grids: list[Array], flows: Flows) -> Array:
    """The status of each slice where curves are filled up to these flows: as many of a curve's slices basic as were,
    the last that is filled first."""
    ends = np.concatenate([grid[1:] for grid in grids]) if grids else np.zeros(0)
    full = ends <= problem.curves.effort(flows.spend)[owner] * (1 + 1e-12)
    first = np.searchsorted(owner, owner)
    reached = np.bincount(owner, full, minlength=len(grids))[owner]
    place = np.arange(len(owner)) - first
    basics = np.bincount(owner, before == BASIC, minlength=len(grids))[owner]
    begin = np.clip(reached - 1, 0, None)
    basic = (place >= begin) & (place < begin + basics)
    return np.where(basic, BASIC, np.where(full, UPPER, LOWER))


def _tell(watch: Watch, unit: float, missed: float, value: float, bound: float) -> None:
    """What a search over slices says of plans: slices lie below their curves, by `missed` at most."""
    watch.tell(value * unit, bound * unit + missed)
