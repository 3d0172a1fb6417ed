"""A session: one model held live in HiGHS, asked for problems that share its sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from allocate.compiler import Arrays, Compiled
from allocate.engine.certificate import Flows, Prices
from allocate.engine.highs import Answer, Solver, Tell
from allocate.engine.model import Sets, Slices, compiled, figures, missed, structure, weights
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch

Array = np.ndarray
FREE = 1e-7
"""Prices below this, in solver units, are noise."""


@dataclass(frozen=True, eq=False)
class Held:
    """Yes/no choices fixed: bounds on the columns `opened` and `filled`; on `slice` too where efforts are bounded."""

    opened: tuple[Array, Array]
    filled: tuple[Array | float, Array | float] = (0.0, 1.0)
    slices: tuple[Array, Array] | None = None

    def fix(self, arrays: Arrays, columns: dict[str, slice]) -> Arrays:
        """The same model without integers: choices within these bounds."""
        lower, upper = arrays.lower.copy(), arrays.upper.copy()
        for name, (low, high) in (("opened", self.opened), ("filled", self.filled)):
            lower[columns[name]], upper[columns[name]] = low, high
        if self.slices is not None:
            lower[columns["slice"]], upper[columns["slice"]] = self.slices
        return replace(arrays, lower=lower, upper=upper, integer=np.zeros(len(lower), dtype=bool))


class Session:
    """One live model. Not for two threads at once: `allocate.engine.solve` lends each thread its own."""

    def __init__(
        self, problem: Problem, grids: list[Array], ordered: frozenset[int], matrix: Compiled | None = None
    ) -> None:
        self.structure = structure(problem, grids, ordered)
        self.sets = Sets.of(problem, grids, ordered)
        first = figures(problem, grids)
        self.matrix = matrix or compiled(self.sets)
        self.solver = Solver(self.matrix.arrays(first))
        number = {line: k for k, line in enumerate(self.sets.lines)}
        self.choice_rows = np.array([number[line] for line in self.sets.choices], dtype=int)
        self.ordered_rows = [q for q, curve in enumerate(self.sets.curves) if curve in set(self.sets.ordered)]

    @property
    def has_integers(self) -> bool:
        return bool(self.sets.choices or self.sets.ordered)

    def solve(
        self,
        problem: Problem,
        grids: list[Array],
        held: Held | None,
        seconds: float,
        fresh: bool = False,
        watch: Watch | None = None,
    ) -> Answer:
        """The best over these slices; with `held`, its choices are fixed and the answer has prices. With `fresh`,
        nothing of what was solved before is used: not the basis, nor the scaling that HiGHS keeps. `watch` is told of
        plans and bounds on the way, and may stop it."""
        arrays = self.matrix.arrays(figures(problem, grids))
        if held is not None:
            arrays = held.fix(arrays, self.matrix.columns)
        told = watch if arrays.integer.any() and not problem.gain_rows else None
        tell = partial(_tell, told, problem.units.value, missed(problem, grids)) if told is not None else None
        return self.run(arrays, seconds, fresh, watch, tell)

    def run(
        self, arrays: Arrays, seconds: float, fresh: bool = False, watch: Watch | None = None, tell: Tell | None = None
    ) -> Answer:
        """Solve the model with these arrays, whose shape is the session's; the rest as in `solve`."""
        if fresh or arrays.integer.any() != self.solver.arrays.integer.any():
            self.solver.load(arrays)
        else:
            self.solver.update(arrays)
        return self.solver.run(seconds, bool(arrays.integer.any()), watch, tell)

    def column(self, answer: Answer, name: str) -> Array:
        """The values of one family of variables."""
        return answer.columns[self.matrix.columns[name]]

    def held(self, answer: Answer) -> Held:
        """The choices of an answer, fixed."""
        opened, filled = (np.round(self.column(answer, name)) for name in ("opened", "filled"))
        return Held((opened, opened), (filled, filled))

    def held_at(self, flows: Flows) -> Held:
        """The choices that these flows make; slices are left free."""
        opened = (flows.spend[self.choice_rows] > 0.5).astype(float)
        return Held((opened, opened))

    def flows(self, problem: Problem, answer: Answer) -> Flows:
        """Spend and moves of an answer, in pounds."""
        money = problem.units.money
        return Flows(self.column(answer, "spend") * money, self.column(answer, "moved") * money)

    def prices(self, problem: Problem, answer: Answer) -> Prices:
        """Prices of an answer, per pound and per unit of a limit's body."""
        units, rows, duals = problem.units, self.matrix.rows, answer.row_duals
        per_pound = units.value / units.money
        limit = duals[rows["limit"]] * units.value / problem.limit_units
        return Prices(duals[rows["money"]] * per_pound, limit, -duals[rows["effort"]] * per_pound)

    def gains(self, problem: Problem, answer: Answer) -> Array:
        """The gains that the model claims, in units of each outcome."""
        return self.column(answer, "gain") * problem.curve_units

    def phantoms(self, problem: Problem, grids: list[Array], answer: Answer) -> frozenset[int]:
        """Curves whose gain is less than their own slices buy when filled in order: something holds it down."""
        slices = Slices.of(problem, grids)
        filled = np.zeros(slices.width.shape)
        filled[slices.real] = self.column(answer, "slice") * problem.units.money
        # A gain that nothing counts may be anything; one that counts must be what its spend buys.
        counts = weights(problem) > 0
        counts[problem.gain_rows.columns] = True
        counts[self.ordered_rows] = False
        # The same effort poured into the slices in order.
        poured = np.clip(filled.sum(axis=1)[:, None] - (slices.begin - slices.start[:, None]), 0.0, slices.width)
        short = slices.start_gain + (slices.slope * poured).sum(axis=1) - self.gains(problem, answer)
        most = (slices.slope * slices.width).sum(axis=1)
        found = np.flatnonzero(counts & (short > 1e-6 * most + 1e-9 * most.sum()))
        return frozenset(found.tolist())


def _tell(watch: Watch, unit: float, missed: float, value: float, bound: float) -> None:
    """What a search over slices says of plans: slices lie below their curves, by `missed` at most."""
    watch.tell(value * unit, bound * unit + missed)
