"""HiGHS held live: load once, change figures, run again. One thread a solve, no output, every status checked."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import highspy
import numpy as np

from allocate.engine.matrix import Arrays
from allocate.errors import EngineError

Array = np.ndarray
Status = highspy.HighsModelStatus
SEED = 0
MIP_GAP = 1e-6
COEFFICIENTS = (5e-9, 1e7)
"""HiGHS drops what is below 1e-9."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What HiGHS returned: values and duals by column and row, in solver units; `bound` on the value for integers."""

    status: str
    value: float
    columns: Array
    rows: Array
    column_duals: Array
    row_duals: Array
    bound: float


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
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(arrays.cost), len(arrays.row_lower)
        lp.sense_ = highspy.ObjSense.kMaximize
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = arrays.cost, arrays.lower, arrays.upper
        lp.row_lower_, lp.row_upper_ = arrays.row_lower, arrays.row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        given = arrays.value != 0
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(given)])[arrays.start].astype(np.int32)
        lp.a_matrix_.index_, lp.a_matrix_.value_ = arrays.index[given], arrays.value[given]
        kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
        lp.integrality_ = [kinds[int(whole)] for whole in arrays.integer] if arrays.integer.any() else []
        self._ok(self._highs.passModel(lp), "the model")
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

    def run(self, seconds: float, presolve: bool = False) -> Answer:
        """Solve. Raises Impossible where there is no solution and EngineError for anything else without one."""
        highs = self._highs
        # HiGHS counts its time limit over the life of the object.
        highs.setOptionValue("time_limit", highs.getRunTime() + seconds)
        highs.setOptionValue("presolve", "on" if presolve else "off")
        if self._run() == highspy.HighsStatus.kError:
            raise EngineError("HiGHS failed")
        status = highs.getModelStatus()
        if status in (Status.kInfeasible, Status.kUnboundedOrInfeasible):
            raise Impossible
        info, solution = highs.getInfo(), highs.getSolution()
        timed_out = status == Status.kTimeLimit and info.primal_solution_status == 2
        if status != Status.kOptimal and not timed_out:
            raise EngineError(f"HiGHS ended with {highs.modelStatusToString(status)}")
        integer = bool(self.arrays.integer.any())
        return Answer(
            "time limit" if timed_out else "optimal", info.objective_function_value,
            np.array(solution.col_value), np.array(solution.row_value),
            np.array(solution.col_dual), np.array(solution.row_dual),
            info.mip_dual_bound if integer else info.objective_function_value,
        )  # fmt: skip

    def _run(self) -> highspy.HighsStatus:
        """Run, so that Ctrl-C stops a search over yes/no choices: HiGHS itself would not hear it before the end."""
        if not self.arrays.integer.any() or threading.current_thread() is not threading.main_thread():
            return self._highs.run()
        self._highs.HandleUserInterrupt = True
        with ThreadPoolExecutor(1) as other:
            running = other.submit(self._highs.run)
            try:
                while True:
                    try:
                        return running.result(timeout=0.1)
                    except TimeoutError:
                        continue
            except KeyboardInterrupt:
                self._highs.cancelSolve()
                raise

    def _ok(self, status: highspy.HighsStatus, what: str) -> None:
        # A warning counts as failure: HiGHS drops coefficients and rules with no more than that.
        if status != highspy.HighsStatus.kOk:
            raise EngineError(f"HiGHS did not take {what}: {status}")


def left(ends: float) -> float:
    """Seconds left until a time of the monotonic clock; never so few that nothing could be found."""
    return max(0.1, ends - time.monotonic())


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
