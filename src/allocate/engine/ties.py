"""Breaking ties: among all equally good plans, the one nearest today.

The tie-break, published here and in the README: least change from the baseline (sum of pounds moved); among those, the
smallest largest percentage change; among those, by the names' order (ids, not display names). It runs on the optimal
face: whatever has a price stays where it is, and by complementary slackness what remains is exactly the set of equally
good plans. With yes/no choices, where there are no prices, a row keeps the value instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from allocate.engine.highs import Answer, Impossible
from allocate.engine.matrix import Arrays
from allocate.engine.problem import Problem
from allocate.engine.session import FREE, Session
from allocate.errors import EngineError

Array = np.ndarray
SAME = 1e-8
"""Values closer than this, as a share, count as equally good when yes/no choices are compared."""


def nearest_today(session: Session, problem: Problem, answer: Answer, ends: float) -> tuple[int, Answer]:
    """The equally good answer nearest today, and how many lines could have differed. `answer` has prices."""
    arrays = session.solver.arrays
    if not _may_tie(session, arrays, answer):
        return 0, answer

    def narrowed(arrays: Arrays, answer: Answer) -> Arrays:
        return _face(arrays, answer)

    return _walk(session, problem, arrays, answer, narrowed, ends)


def nearest_choices(session: Session, problem: Problem, answer: Answer, ends: float) -> tuple[int, Answer]:
    """The same for an answer with yes/no choices, which has no prices."""
    arrays = session.solver.arrays
    keep = session.matrix.rows["keep"]

    def narrowed(arrays: Arrays, answer: Answer) -> Arrays:
        row_lower = arrays.row_lower.copy()
        if np.isneginf(row_lower[keep]).all():
            row_lower[keep] = answer.value - SAME * max(1.0, abs(answer.value))
            return replace(arrays, row_lower=row_lower)
        # The stage just solved becomes a limit on its own columns: no more change than the least there is.
        busy = np.flatnonzero(arrays.cost)
        upper = arrays.upper.copy()
        if len(busy) == 1:
            upper[busy] = answer.columns[busy] + SAME
        return replace(arrays, upper=upper)

    return _walk(session, problem, arrays, answer, narrowed, ends)


def _walk(session: Session, problem: Problem, arrays: Arrays, answer: Answer, narrowed, ends: float) -> tuple[int, Answer]:
    """Stage after stage of the tie-break, each on what the one before left."""
    seen = [session.column(answer, "spend")]
    try:
        for cost in _stages(session):
            arrays = replace(narrowed(arrays, answer), cost=cost)
            answer = session.run(arrays, _left(ends))
            seen.append(session.column(answer, "spend"))
        furthest = session.run(replace(arrays, cost=-arrays.cost), _left(ends))
        seen.append(session.column(furthest, "spend"))
    except (Impossible, EngineError):
        # A face a rounding error too narrow: the last answer found is as good as any.
        pass
    differ = np.ptp(seen, axis=0) * problem.units.money > 1.0
    return int(differ.sum()), answer


def _stages(session: Session) -> Iterator[Array]:
    """What to maximise in turn: least change, then least uneven, then by name."""
    size, columns = len(session.solver.arrays.cost), session.matrix.columns
    change, uneven, name = np.zeros(size), np.zeros(size), np.zeros(size)
    change[columns["up"]] = change[columns["down"]] = -1.0
    uneven[columns["widest"]] = -1.0
    # Roots of whole numbers hardly ever add up to one another: no two plans weigh the same.
    count = len(session.sets.lines)
    name[columns["spend"]] = -np.sqrt(1.0 + np.arange(count) / max(1, count))
    yield from (change, uneven, name)


def _may_tie(session: Session, arrays: Arrays, answer: Answer) -> bool:
    """Whether any column that decides something sits at a bound without a price: only then can plans tie."""
    for name in ("spend", "slice", "moved", "unspent"):
        columns = session.matrix.columns[name]
        value, low, high = answer.columns[columns], arrays.lower[columns], arrays.upper[columns]
        at_bound = (value <= low + 1e-9) | (value >= high - 1e-9)
        if np.any(at_bound & (np.abs(answer.column_duals[columns]) <= FREE) & (high - low > 1e-9)):
            return True
    return False


def _face(arrays: Arrays, answer: Answer) -> Arrays:
    """Every column and row that has a price held where it is."""
    lower, upper = arrays.lower.copy(), arrays.upper.copy()
    priced = np.abs(answer.column_duals) > FREE
    lower[priced] = upper[priced] = answer.columns[priced]
    row_lower, row_upper = arrays.row_lower.copy(), arrays.row_upper.copy()
    priced = np.abs(answer.row_duals) > FREE
    with np.errstate(invalid="ignore"):
        at_upper = np.abs(answer.rows - row_upper) <= np.abs(answer.rows - row_lower)
    row_lower[priced & at_upper] = row_upper[priced & at_upper]
    row_upper[priced & ~at_upper] = row_lower[priced & ~at_upper]
    return replace(arrays, lower=lower, upper=upper, row_lower=row_lower, row_upper=row_upper)


def _left(ends: float) -> float:
    return max(0.1, ends - time.monotonic())
