"""HiGHS held live: load once, change figures, run again. One thread a solve, no output, every status checked.

Every run says where it starts: from nothing, from a basis, or from where the last run ended. HiGHS does not scale
(figures come in solver units already), for it would keep the factors of the first figures it saw: so an answer follows
from the figures and the start alone, to the last bit, whatever was solved before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import highspy
import numpy as np

from allocate.compiler import Arrays, Touched
from allocate.engine.watch import Stopped, Watch
from allocate.errors import EngineError

Array = np.ndarray
Status = highspy.HighsModelStatus
Asked = highspy.cb.HighsCallbackType
Tell = Callable[[float, float], None]
Start = Literal["nothing", "last"] | highspy.HighsBasis
"""Where a run starts."""
SCALES = 2
"""HiGHS' own choice of scaling."""
Simplex = Literal[1, 4]
DUAL: Simplex = 1
PRIMAL: Simplex = 4
"""The simplex method: dual where sides and bounds changed, primal where nothing but costs did."""
SEED = 0
MIP_GAP = 1e-6
COEFFICIENTS = (5e-9, 1e7)
"""HiGHS drops what is below 1e-9."""
FEASIBLE = 2
"""What HiGHS calls a plan that keeps every row."""
LONG = 10_000
"""Columns from which a model without integers may take long enough to be stopped: asking costs at every step."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What HiGHS returned: values and duals by column and row, in solver units; `bound` on the value for integers.
    `status` is 'optimal', 'time limit' or 'stopped'."""

    status: str
    value: float
    bound: float
    solution: highspy.HighsSolution

    # Each is taken out of HiGHS only where it is asked for: whole lists are copied.
    @cached_property
    def columns(self) -> Array:
        return np.array(self.solution.col_value)

    @cached_property
    def rows(self) -> Array:
        return np.array(self.solution.row_value)

    @cached_property
    def column_duals(self) -> Array:
        return np.array(self.solution.col_dual)

    @cached_property
    def row_duals(self) -> Array:
        return np.array(self.solution.row_dual)


class Impossible(Exception):
    """HiGHS finds no solution."""


class Solver:
    """A live HiGHS model. Not for two threads at once; make one for each. One that is solved `once` may be scaled."""

    def __init__(self, arrays: Arrays, once: bool = False) -> None:
        self._highs = highspy.Highs()
        for option, value in (
            ("output_flag", False), ("log_to_console", False), ("threads", 1), ("random_seed", SEED),
            ("mip_rel_gap", MIP_GAP), ("mip_abs_gap", 1e-9), ("simplex_scale_strategy", SCALES if once else 0),
        ):  # fmt: skip
            self._ok(self._highs.setOptionValue(option, value), f"option {option}")
        self.load(arrays)

    def load(self, arrays: Arrays) -> None:
        """Pass a whole model."""
        _check_finite(arrays)
        given = arrays.value != 0
        start, index, value = arrays.start, arrays.index, arrays.value
        if not given.all():
            start = np.concatenate([[0], np.cumsum(given)])[start].astype(np.int32)
            index, value = index[given], value[given]
        # All arrays in one call: set one by one on a HighsLp they would be copied number by number.
        status = self._highs.passModel(
            len(arrays.cost), len(arrays.row_lower), len(value), int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMaximize), arrays.offset, arrays.cost, arrays.lower, arrays.upper, arrays.row_lower,
            arrays.row_upper, start, index, value, arrays.integer.astype(np.int32),
        )  # fmt: skip
        self._ok(status, "the model")
        self.arrays = arrays

    def update(self, arrays: Arrays, touched: Touched | None = None) -> None:
        """Change to other figures of the same model: only what differs is passed on. `touched` says where that may be,
        where it is known."""
        old = self.arrays
        if len(old.value) != len(arrays.value):
            raise EngineError("figures of another model")
        costs, columns, rows, entries = _differing(old, arrays, touched)
        gone = ((old.value[entries] == 0) != (arrays.value[entries] == 0)).any()
        if gone or len(entries) > 20_000:
            # A coefficient that comes or goes would change the order of entries, and so the path of the simplex method.
            self.load(arrays)
            return
        _check_finite(arrays, costs, columns, rows, entries)
        highs = self._highs
        if len(costs):
            self._ok(highs.changeColsCost(len(costs), costs, arrays.cost[costs]), "costs")
        if len(columns):
            bounds = arrays.lower[columns], arrays.upper[columns]
            self._ok(highs.changeColsBounds(len(columns), columns, *bounds), "column bounds")
        if len(rows):
            bounds = arrays.row_lower[rows], arrays.row_upper[rows]
            self._ok(highs.changeRowsBounds(len(rows), rows, *bounds), "row bounds")
        if old.offset != arrays.offset:
            self._ok(highs.changeObjectiveOffset(arrays.offset), "the constant of the aim")
        of_entry = np.searchsorted(arrays.start, entries, side="right") - 1
        each = zip(of_entry.tolist(), arrays.index[entries].tolist(), arrays.value[entries].tolist(), strict=True)
        for row, column, value in each:
            self._ok(highs.changeCoeff(row, column, value), "a coefficient")
        self.arrays = arrays

    def run(
        self,
        seconds: float,
        presolve: bool = False,
        watch: Watch | None = None,
        tell: Tell | None = None,
        start: Start = "nothing",
        simplex: Simplex = DUAL,
    ) -> Answer:
        """Solve, in at most so many seconds or until `watch` says stop; `tell` hears value and bound, in solver units,
        while integers are searched. A basis to start from must be of this model. Raises Impossible where there is no
        solution, Stopped where none was found before the stop, and EngineError for anything else without one."""
        if watch is not None and watch.stopped:
            raise Stopped
        highs = self._highs
        # HiGHS counts its time limit over the life of the object.
        highs.setOptionValue("time_limit", highs.getRunTime() + seconds)
        highs.setOptionValue("presolve", "on" if presolve else "off")
        highs.setOptionValue("simplex_strategy", simplex)
        if start != "last":
            self._ok(highs.clearSolver(), "a fresh start")
        if isinstance(start, highspy.HighsBasis):
            self._ok(highs.setBasis(start), "a basis")
        if self._run(watch, tell) == highspy.HighsStatus.kError:
            raise EngineError("HiGHS failed")
        status = highs.getModelStatus()
        if status in (Status.kInfeasible, Status.kUnboundedOrInfeasible):
            raise Impossible
        info = highs.getInfo()
        ended = {Status.kOptimal: "optimal", Status.kTimeLimit: "time limit", Status.kInterrupt: "stopped"}.get(status)
        if ended is None or (ended != "optimal" and info.primal_solution_status != FEASIBLE):
            if ended == "stopped":
                raise Stopped
            raise EngineError(f"HiGHS ended with {highs.modelStatusToString(status)}")
        integer = bool(self.arrays.integer.any())
        bound = info.mip_dual_bound if integer else info.objective_function_value
        return Answer(ended, info.objective_function_value, bound, highs.getSolution())

    @property
    def basis(self) -> highspy.HighsBasis:
        """Where the last run ended, for another one to start from."""
        return self._highs.getBasis()

    def _run(self, watch: Watch | None, tell: Tell | None) -> highspy.HighsStatus:
        """Run, so that a stop is heard, and Ctrl-C during a search over yes/no choices: HiGHS itself would not hear it
        before the end."""
        if not self.arrays.integer.any() and (watch is None or len(self.arrays.cost) < LONG):
            return self._highs.run()
        pressed = threading.Event()
        self._listen(lambda: pressed.is_set() or (watch is not None and watch.stopped), tell)
        try:
            if threading.current_thread() is not threading.main_thread():
                return self._highs.run()
            with ThreadPoolExecutor(1) as other:
                try:
                    return _awaited(other.submit(self._highs.run))
                except KeyboardInterrupt:
                    pressed.set()
                    raise
        finally:
            self._highs.setCallback(None, None)

    def _listen(self, stopped: Callable[[], bool], tell: Tell | None) -> None:
        """Have HiGHS ask, all through its next run, whether it is stopped, and tell what it has found by then."""

        def asked(kind, message, found, answer, data) -> None:
            answer.user_interrupt = stopped()
            if tell is not None and kind == Asked.kCallbackMipInterrupt:
                tell(found.mip_primal_bound, found.mip_dual_bound)

        self._ok(self._highs.setCallback(asked, None), "a callback")
        for kind in (Asked.kCallbackMipInterrupt, Asked.kCallbackSimplexInterrupt):
            self._ok(self._highs.startCallback(kind), "a callback")

    def _ok(self, status: highspy.HighsStatus, what: str) -> None:
        # A warning counts as failure: HiGHS drops coefficients and rules with no more than that.
        if status != highspy.HighsStatus.kOk:
            raise EngineError(f"HiGHS did not take {what}: {status}")


def _awaited(running: Future) -> highspy.HighsStatus:
    """The result of another thread's work; Ctrl-C is heard meanwhile."""
    while True:
        try:
            return running.result(timeout=0.1)
        except TimeoutError:
            continue


def _differing(old: Arrays, new: Arrays, touched: Touched | None) -> tuple[Array, Array, Array, Array]:
    """Places of costs, columns' bounds, rows' bounds and coefficients that differ."""
    every: list[Array | slice] = [slice(None)] * 4
    asked = every if touched is None else [touched.costs, touched.columns, touched.rows, touched.entries]
    pairs = [
        (("cost",), asked[0]), (("lower", "upper"), asked[1]),
        (("row_lower", "row_upper"), asked[2]), (("value",), asked[3]),
    ]  # fmt: skip
    found = [
        np.logical_or.reduce([getattr(old, name)[at] != getattr(new, name)[at] for name in names])
        for names, at in pairs
    ]
    costs, columns, rows, entries = (
        np.flatnonzero(differs).astype(np.int32) if isinstance(at, slice) else at[differs]
        for differs, (_, at) in zip(found, pairs, strict=True)
    )
    return costs, columns, rows, entries


def _check_finite(arrays: Arrays, *places: Array) -> None:
    """No NaN may reach HiGHS, which calls such models optimal, nor a coefficient so small that it drops it. `places`
    are those of costs, columns, rows and coefficients; all of them if left out."""
    costs, columns, rows, entries = places or (slice(None),) * 4
    bounds = arrays.lower[columns], arrays.upper[columns], arrays.row_lower[rows], arrays.row_upper[rows]
    values = arrays.value[entries]
    # The least and the most tell of NaN too, and take no array as long as the matrix.
    low, high = values.min(initial=0.0), values.max(initial=0.0)
    finite = np.isfinite([low, high, arrays.offset]).all() and np.isfinite(arrays.cost[costs]).all()
    if not finite or any(np.isnan(bound.min(initial=0.0)) for bound in bounds):
        raise EngineError("a figure that is not finite reached the solver")
    least, most = COEFFICIENTS
    if max(-low, high) > most or ((values < least) & (values > -least) & (values != 0)).any():
        sizes = np.abs(values[values != 0])
        raise EngineError(f"coefficients from {sizes.min():g} to {sizes.max():g}: too far apart to solve safely")
