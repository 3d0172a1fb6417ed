"""HiGHS held live: load once, change figures, run again. One thread a solve, no output, every status checked.

Every run says where it starts: from nothing, from a basis, or from where the last run ended. HiGHS does not scale
(figures come in solver units already), for it would keep the factors of the first figures it saw: so an answer follows
from the figures and the start alone, to the last bit, whatever was solved before.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import highspy
import numpy as np

from allocate.compiler import Arrays, Touched
from allocate.compiler.arrays import SMALL, some
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
FEW = 50
"""Coefficients, and one in so many of them, up to which they are passed on one by one."""
LISTED = 100
"""Numbers up to which Python's lists are quicker than numpy's arrays, so soon after HiGHS has run."""
FINITE = sys.float_info.max
NOT_FINITE = "a figure that is not finite reached the solver"
CACHED = 20_000
"""Numbers that stay in a processor's caches."""
NOTHING = np.array([])
AT_ONCE, FEW_WHOLE = 0.05, 1_000
"""Seconds for which a search over integers is let run before anybody may stop it, in a model of so many columns."""
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
        return read(self.solution.col_value)

    @cached_property
    def rows(self) -> Array:
        return read(self.solution.row_value)

    @cached_property
    def column_duals(self) -> Array:
        return read(self.solution.col_dual)

    @cached_property
    def row_duals(self) -> Array:
        return read(self.solution.row_dual)


def read(values: list[float] | Array) -> Array:
    """What HiGHS gives as a list, as an array."""
    return np.fromiter(values, float, len(values))


class Impossible(Exception):
    """HiGHS finds no solution."""


class Solver:
    """A live HiGHS model. Not for two threads at once; make one for each. One that is solved `once` may be scaled."""

    def __init__(self, arrays: Arrays, once: bool = False) -> None:
        self._once = once
        self._best: tuple[float, Array] | None = None
        self._fresh(arrays)

    def _fresh(self, arrays: Arrays) -> None:
        self._highs, once = highspy.Highs(), self._once
        self._how: tuple[bool, Simplex] | None = None
        for option, value in (
            ("output_flag", False), ("log_to_console", False), ("threads", 1), ("random_seed", SEED),
            ("mip_rel_gap", MIP_GAP), ("mip_abs_gap", 1e-9), ("simplex_scale_strategy", SCALES if once else 0),
            # Two thirds of the time of a small search: what is solved once is the rounding of a plan.
            ("mip_heuristic_run_feasibility_jump", not once),
        ):  # fmt: skip
            self._ok(self._highs.setOptionValue(option, value), f"option {option}")
        self.load(arrays)

    def load(self, arrays: Arrays) -> None:
        """Pass a whole model."""
        bounds = arrays.lower, arrays.upper, arrays.row_lower, arrays.row_upper
        # What is 0 is looked for only where something is not as it should be: seldom anything is.
        wrong = _beyond(arrays.value, *COEFFICIENTS)
        given = arrays.compact() if wrong else arrays
        _check_finite(arrays.offset, arrays.cost, bounds, given.value if wrong else NOTHING)
        # All arrays in one call: set one by one on a HighsLp they would be copied number by number.
        status = self._highs.passModel(
            len(arrays.cost), len(arrays.row_lower), len(given.value), int(highspy.MatrixFormat.kColwise),
            int(highspy.ObjSense.kMaximize), arrays.offset, arrays.cost, arrays.lower, arrays.upper, arrays.row_lower,
            arrays.row_upper, given.start, given.index, given.value, arrays.integer.astype(np.int32),
        )  # fmt: skip
        self._ok(status, "the model")
        self.arrays, self.whole = arrays, bool(arrays.integer.any())

    def update(self, arrays: Arrays, touched: Touched | None = None) -> None:
        """Change to other figures of the same model: only what differs is passed on. `touched` says what that is,
        where it is known."""
        old = self.arrays
        if len(old.value) != len(arrays.value):
            raise EngineError("figures of another model")
        costs, columns, rows, entries, *_ = touched or _differing(old, arrays)
        value = arrays.value.take(entries) if len(entries) else NOTHING
        cost = arrays.cost.take(costs) if len(costs) else NOTHING
        of_columns = (arrays.lower.take(columns), arrays.upper.take(columns)) if len(columns) else ()
        of_rows = (arrays.row_lower.take(rows), arrays.row_upper.take(rows)) if len(rows) else ()
        if len(entries) and (
            len(entries) > FEW + len(arrays.value) // FEW
            or not (all(value.tolist()) and all(old.value.take(entries).tolist()))
        ):
            # A coefficient that comes or goes would change the order of entries, and so the path of the simplex method;
            # and many take longer one by one than the whole.
            self.load(arrays)
            return
        _check_finite(arrays.offset, cost, of_columns + of_rows, value)
        highs = self._highs
        if len(costs):
            self._ok(highs.changeColsCost(len(costs), costs.astype(np.int32), cost), "costs")
        if of_columns:
            self._ok(highs.changeColsBounds(len(columns), columns.astype(np.int32), *of_columns), "column bounds")
        if of_rows:
            self._ok(highs.changeRowsBounds(len(rows), rows.astype(np.int32), *of_rows), "row bounds")
        if old.offset != arrays.offset:
            self._ok(highs.changeObjectiveOffset(arrays.offset), "the constant of the aim")
        if len(entries):
            column = arrays.start[1:].searchsorted(entries, side="right")
            each = arrays.index.take(entries).tolist(), column.tolist(), value.tolist()
            # As whole numbers statuses compare several times faster; kOk is 0.
            if any(map(int, map(highs.changeCoeff, *each))):
                raise EngineError("HiGHS did not take a coefficient")
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
        # HiGHS counts its time limit over the life of the object, but a search over integers from its own beginning.
        highs.setOptionValue("time_limit", seconds if self.whole else highs.getRunTime() + seconds)
        if self._how != (presolve, simplex):
            self._how = presolve, simplex
            highs.setOptionValue("presolve", "on" if presolve else "off")
            highs.setOptionValue("simplex_strategy", simplex)
        if start != "last":
            self._ok(highs.clearSolver(), "a fresh start")
        if isinstance(start, highspy.HighsBasis):
            self._ok(highs.setBasis(start), "a basis")
        self._best = None
        try:
            ran = self._at_once(seconds) if self.whole and tell is None and start == "nothing" else None
            ran = self._run(watch, tell, seconds) if ran is None else ran
        except EngineError as error:
            return self._left_behind("stopped" if isinstance(error, Stopped) else "time limit", error)
        if ran == highspy.HighsStatus.kError:
            raise EngineError("HiGHS failed")
        status = highs.getModelStatus()
        if status == Status.kUnknown and not presolve:
            # The simplex method lost its way among rounding errors: another road, once.
            return self.run(seconds, True, watch, tell, "nothing", simplex)
        if status == Status.kOptimal and not self.whole:
            value = highs.getObjectiveValue()
            return Answer("optimal", value, value, highs.getSolution())
        if status in (Status.kInfeasible, Status.kUnboundedOrInfeasible):
            raise Impossible
        info = highs.getInfo()
        ended = {Status.kOptimal: "optimal", Status.kTimeLimit: "time limit", Status.kInterrupt: "stopped"}.get(status)
        if ended is None or (ended != "optimal" and info.primal_solution_status != FEASIBLE):
            if ended == "stopped":
                raise Stopped
            raise EngineError(f"HiGHS ended with {highs.modelStatusToString(status)}")
        bound = info.mip_dual_bound if self.whole else info.objective_function_value
        return Answer(ended, info.objective_function_value, bound, highs.getSolution())

    @property
    def basis(self) -> highspy.HighsBasis:
        """Where the last run ended, for another one to start from."""
        return self._highs.getBasis()

    @property
    def ray(self) -> Array | None:
        """Multipliers of the rows that prove the last run's model to have no solution (Farkas); None without whole
        proof."""
        _, has_ray, values = self._highs.getDualRay()
        return np.array(values) if has_ray else None

    def _left_behind(self, ended: str, error: EngineError) -> Answer:
        """The best that was found by a search which does not hear: it ends by itself later, and another model is made.
        Raises the error where nothing was found."""
        best, arrays = self._best, self.arrays
        self._fresh(arrays)
        if best is None:
            raise error
        value, columns = best
        solution = highspy.HighsSolution()
        solution.col_value = columns
        return Answer(ended, value, float(np.inf), solution)

    def _at_once(self, seconds: float) -> highspy.HighsStatus | None:
        """Search a small model over integers with nobody listening: most end before anybody could say stop, and a
        thread and its questions take as long as they do. None, with nothing left of it, where it does not end."""
        highs = self._highs
        if len(self.arrays.cost) > FEW_WHOLE:
            return None
        highs.setOptionValue("time_limit", min(seconds, AT_ONCE))
        ran = highs.run()
        if highs.getModelStatus() != Status.kTimeLimit or seconds <= AT_ONCE:
            return ran
        highs.clearSolver()
        highs.setOptionValue("time_limit", seconds)
        return None

    def _run(self, watch: Watch | None, tell: Tell | None, seconds: float) -> highspy.HighsStatus:
        """Run, so that a stop is heard, and Ctrl-C during a search over yes/no choices: HiGHS itself would not hear it
        before the end."""
        if not self.whole and (watch is None or len(self.arrays.cost) < LONG):
            return self._highs.run()
        pressed = threading.Event()
        highs = self._highs
        self._listen(lambda: pressed.is_set() or (watch is not None and watch.stopped), tell)
        if watch is not None and self.whole:
            try:
                ran = watch.heed(highs.run, seconds)
            except (KeyboardInterrupt, EngineError):
                # Left behind, it hears this later.
                pressed.set()
                raise
            highs.setCallback(None, None)
            return ran
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
            if kind == Asked.kCallbackMipImprovingSolution:
                self._best = found.objective_function_value, np.array(found.mip_solution)

        self._ok(self._highs.setCallback(asked, None), "a callback")
        for kind in (
            Asked.kCallbackMipInterrupt, Asked.kCallbackSimplexInterrupt, Asked.kCallbackMipImprovingSolution
        ):  # fmt: skip
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


def _differing(old: Arrays, new: Arrays) -> Touched:
    """What differs; arrays that are the same object are not looked at."""
    names = "cost", "lower", "upper", "row_lower", "row_upper", "value"
    pairs = {name: (getattr(old, name), getattr(new, name)) for name in names}
    return Touched.of({name: (one != other).nonzero()[0] for name, (one, other) in pairs.items() if one is not other})


def _check_finite(offset: float, costs: Array, bounds: Sequence[Array], values: Array) -> None:
    """No NaN may reach HiGHS, which calls such models optimal, nor a coefficient so small that it drops it."""
    infinite = not math.isfinite(offset) or (len(costs) and _infinite(costs))
    if infinite or any(map(_no_number, bounds)):
        raise EngineError(NOT_FINITE)
    if len(values) and _beyond(values, *COEFFICIENTS):
        sizes = np.abs(values)
        least, most = sizes.min(), sizes.max()
        if not math.isfinite(most):
            raise EngineError(NOT_FINITE)
        raise EngineError(f"coefficients from {least:g} to {most:g}: too far apart to solve safely")


def _beyond(values: Array, least: float, most: float) -> bool:
    """Whether one of them is smaller or larger than these in size, or no number."""
    if values.size <= LISTED:
        sizes = [*map(abs, values.tolist())]
        # Of what is no number min and max say nothing, but a sum does.
        within = least <= min(sizes, default=least) and max(sizes, default=most) <= most
        return not within or math.isnan(sum(sizes))
    if values.size > CACHED:
        return any(_beyond(values[at : at + CACHED], least, most) for at in range(0, values.size, CACHED))
    sizes = np.abs(values)
    if values.size < SMALL:
        return some(~((sizes >= least) & (sizes <= most)))
    return not (sizes.min() >= least and sizes.max() <= most)


def _infinite(values: Array) -> bool:
    """Whether one of them is not finite."""
    # No number makes squares add up to a number if one of them is none; so they need not be looked at each.
    fine = values.size < SMALL and math.isfinite(values.dot(values))
    return not fine and _beyond(values, 0.0, FINITE)


def _no_number(values: Array) -> bool:
    """Whether one of them is no number."""
    if values.size <= LISTED:
        return any(map(math.isnan, values.tolist()))
    return some(values != values) if values.size < SMALL else math.isnan(values.max())
