"""A compiled model held live in HiGHS: change some figures, solve again from a reference.

Only what depends on the figures that differ is worked out and passed on. Every solve starts at the same reference, the
basis of the first figures, so that an answer does not depend on the changes made before it (from nothing where the
first figures have no solution, or columns must be whole). Where nothing but costs differs from the reference's model
its basis is still a plan, and the primal simplex method goes on from there; otherwise the dual one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import highspy
import numpy as np

from allocate.compiler import Arrays, Checked, Compiled, CompileError
from allocate.compiler.arrays import alike, differ
from allocate.engine.highs import DUAL, PRIMAL, Answer, Impossible, Simplex, Solver, Start
from allocate.engine.watch import Watch

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Reference:
    """Where a solve ended: the basis, and the model that it was of."""

    basis: highspy.HighsBasis
    arrays: Arrays

    def simplex(self, arrays: Arrays) -> Simplex:
        """The method that goes on from here for other figures of the same model."""
        mine = self.arrays
        for one, other in (
            (mine.row_lower, arrays.row_lower), (mine.row_upper, arrays.row_upper), (mine.upper, arrays.upper),
            (mine.lower, arrays.lower), (mine.value, arrays.value),
        ):  # fmt: skip
            if one is not other and differ(one, other):
                return DUAL
        return PRIMAL


class Live:
    """A model and its figures, none of which may be written into. Not for two threads at once."""

    def __init__(self, model: Compiled, figures: Mapping[str, Array]) -> None:
        self.model = model
        self.figures = model.checked({name: _own(values) for name, values in figures.items()})
        self.arrays = model.arrays(self.figures)
        self.solver = Solver(self.arrays)
        self._first = self.arrays
        self._reference: Reference | Start | None = None

    def change(self, figures: Mapping[str, Array]) -> Arrays:
        """The model with these figures, by the names of their Params; others stay. Raises CompileError for figures that
        are not the model's."""
        changed = {}
        for name, values in figures.items():
            had = self.figures.get(name)
            if values is not had:
                now = _own(values)
                if had is None or len(now) != len(had):
                    raise CompileError(name, "a Param of the model, with as many values as it had")
                if not alike(now, had):
                    changed[name] = now
        if changed:
            before, all_ = self.arrays, Checked(self.figures)
            all_.update(changed)
            self.arrays, touched = self.model.change(before, all_, changed)
            self.figures = all_
            if self.solver.arrays is before:
                self.solver.update(self.arrays, touched)
        return self.arrays

    def run(
        self, seconds: float, start: Start | Reference, watch: Watch | None = None, presolve: bool = False
    ) -> Answer:
        """Solve with the figures as they are, from a start of the caller's own; see `Solver.run`."""
        if self.solver.arrays is not self.arrays:
            self.solver.update(self.arrays)
        simplex = start.simplex(self.arrays) if isinstance(start, Reference) else DUAL
        basis = start.basis if isinstance(start, Reference) else start
        return self.solver.run(seconds, presolve, watch, start=basis, simplex=simplex)

    def solve(self, seconds: float = 60.0, watch: Watch | None = None) -> Answer:
        """The best for the figures as they are, from the reference. Raises Impossible, Stopped and EngineError as
        `Solver.run` does."""
        if self.solver.whole:
            # The search over integers is not the same twice on a model that was changed, only on one that is new.
            self.solver.load(self.arrays)
            return self.run(seconds, "nothing", watch, presolve=True)
        if self._reference is None:
            self._reference = self._found_reference(seconds, watch)
        return self.run(seconds, self._reference or "nothing", watch)

    def _found_reference(self, seconds: float, watch: Watch | None) -> Reference | Start | None:
        """Where the first figures solved end, whatever the figures are now; None where there was no time to find it."""
        self.solver.update(self._first)
        try:
            ended = self.solver.run(seconds, watch=watch).status
        except Impossible:
            return "nothing"
        return Reference(self.solver.basis, self._first) if ended == "optimal" else None


def _own(values: Array) -> Array:
    """Figures that nobody can write into: what was summed of them may then be used again."""
    own = np.array(values, dtype=float)
    own = own if own.ndim == 1 else own.reshape(-1)
    own.setflags(write=False)
    return own
