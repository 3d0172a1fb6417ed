"""HiGHS held live: load once, change figures, run again. One thread a solve, no output, every status checked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import highspy
import numpy as np

from allocate.compiler import Arrays
from allocate.engine.watch import Stopped, Watch
from allocate.errors import EngineError

Array = np.ndarray
Status = highspy.HighsModelStatus
Asked = highspy.cb.HighsCallbackType
Tell = Callable[[float, float], None]
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
    """A live HiGHS model. Not for two threads at once; make one for each."""

    def __init__(self, arrays: Arrays) -> None:
        self._highs = highspy.Highs()
        for option, value in (
            ("output_flag", False), ("log_to_console", False), ("threads", 1), ("random_seed", SEED),
            ("mip_rel_gap", MIP_GAP), ("mip_abs_gap", 1e-9),
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
            int(highspy.ObjSense.kMaximize), 0.0, arrays.cost, arrays.lower, arrays.upper, arrays.row_lower,
            arrays.row_upper, start, index, value, arrays.integer.astype(np.int32),
        )  # fmt: skip
        self._ok(status, "the model")
        self.arrays = arrays

    def update(self, arrays: Arrays) -> None:
        """Change to other figures of the same model: only what differs is touched."""
        old = self.arrays
        if len(old.value) != len(arrays.value):
            raise EngineError("figures of another model")
        if ((old.value == 0) != (arrays.value == 0)).any() or np.count_nonzero(old.value != arrays.value) > 20_000:
            # A coefficient that comes or goes would change the order of entries, and so the path of the simplex method.
            self.load(arrays)
            return
        _check_finite(arrays)
        highs = self._highs
        changed = _where(old.cost != arrays.cost)
        if len(changed):
            self._ok(highs.changeColsCost(len(changed), changed, arrays.cost[changed]), "costs")
        changed = _where((old.lower != arrays.lower) | (old.upper != arrays.upper))
        if len(changed):
            bounds = arrays.lower[changed], arrays.upper[changed]
            self._ok(highs.changeColsBounds(len(changed), changed, *bounds), "column bounds")
        changed = _where((old.row_lower != arrays.row_lower) | (old.row_upper != arrays.row_upper))
        if len(changed):
            bounds = arrays.row_lower[changed], arrays.row_upper[changed]
            self._ok(highs.changeRowsBounds(len(changed), changed, *bounds), "row bounds")
        changed = _where(old.value != arrays.value)
        rows = np.searchsorted(arrays.start, changed, side="right") - 1
        for row, column, value in zip(rows, arrays.index[changed], arrays.value[changed], strict=True):
            self._ok(highs.changeCoeff(int(row), int(column), float(value)), "a coefficient")
        self.arrays = arrays

    def run(
        self, seconds: float, presolve: bool = False, watch: Watch | None = None, tell: Tell | None = None
    ) -> Answer:
        """Solve, in at most so many seconds or until `watch` says stop; `tell` hears value and bound, in solver units,
        while integers are searched. Raises Impossible where there is no solution, Stopped where none was found before
        the stop, and EngineError for anything else without one."""
        if watch is not None and watch.stopped:
            raise Stopped
        highs = self._highs
        # HiGHS counts its time limit over the life of the object.
        highs.setOptionValue("time_limit", highs.getRunTime() + seconds)
        highs.setOptionValue("presolve", "on" if presolve else "off")
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


def _where(differs: Array) -> Array:
    return np.flatnonzero(differs).astype(np.int32)


def _check_finite(arrays: Arrays) -> None:
    """No NaN may reach HiGHS, which calls such models optimal, nor a coefficient so small that it drops it."""
    bounds = (arrays.lower, arrays.upper, arrays.row_lower, arrays.row_upper)
    finite = np.isfinite(arrays.cost).all() and np.isfinite(arrays.value).all()
    if not finite or any(np.isnan(bound).any() for bound in bounds):
        raise EngineError("a figure that is not finite reached the solver")
    sizes = np.abs(arrays.value[arrays.value != 0])
    if len(sizes) and not COEFFICIENTS[0] <= sizes.min() <= sizes.max() <= COEFFICIENTS[1]:
        raise EngineError(f"coefficients from {sizes.min():g} to {sizes.max():g}: too far apart to solve safely")
