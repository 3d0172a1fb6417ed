"""Breaking ties: among all equally good plans, the one nearest today.

The tie-break, published here and in the README: least change from the baseline (sum of pounds moved); among those, the
smallest largest percentage change; among those, the least moved along routes and the names' order (ids, not display
names). It runs on the optimal
face: whatever has a price stays where it is, and by complementary slackness what remains is exactly the set of equally
good plans. With yes/no choices, where there are no prices, a row keeps the value instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allocate.compiler import Arrays
from allocate.engine.highs import Answer, Impossible
from allocate.engine.problem import Problem
from allocate.engine.session import FREE, Session
from allocate.engine.watch import Watch
from allocate.errors import EngineError

Array = np.ndarray
Narrow = Callable[[Arrays, Answer], Arrays]
SAME = 1e-8
"""Values closer than this, as a share, count as equally good when yes/no choices are compared."""


def nearest_today(session: Session, problem: Problem, answer: Answer, watch: Watch) -> tuple[int, Answer]:
    """The equally good answer nearest today, and how many lines could have differed. `answer` has prices."""
    return _walk(session, problem, session.solver.arrays, answer, _face, watch)


def nearest_choices(session: Session, problem: Problem, answer: Answer, watch: Watch) -> tuple[int, Answer]:
    """The same for an answer with yes/no choices, which has no prices."""
    arrays, rows, columns = session.solver.arrays, session.matrix.rows, session.matrix.columns

    def narrowed(arrays: Arrays, answer: Answer) -> Arrays:
        lower, row_upper, upper = arrays.row_lower.copy(), arrays.row_upper.copy(), arrays.upper.copy()
        reached = SAME * max(1.0, abs(answer.value))
        if np.isneginf(lower[rows["keep"]]).all():
            lower[rows["keep"]] = answer.value - reached
        elif np.isposinf(row_upper[rows["steady"]]).all():
            row_upper[rows["steady"]] = -answer.value + reached
        else:
            upper[columns["widest"]] = -answer.value + reached
        return replace(arrays, row_lower=lower, row_upper=row_upper, upper=upper)

    return _walk(session, problem, arrays, answer, narrowed, watch)


def _walk(
    session: Session, problem: Problem, arrays: Arrays, answer: Answer, narrowed: Narrow, watch: Watch
) -> tuple[int, Answer]:
    """Whether anything ties, and if so the tie-break stage by stage, each on what the one before left."""
    change, uneven, name = _stages(session)
    seen, face = [session.column(answer, "spend")], narrowed(arrays, answer)
    watch.enter("breaking ties")
    try:
        # The two plans on the face that lie furthest apart by name: if they are one, so are all.
        for cost in (name, -name):
            seen.append(session.column(session.run(replace(face, cost=cost), watch.left(), watch=watch), "spend"))
        stages = (change, uneven, name) if _differing(problem, seen) else (name,) if session.sets.routes else ()
        for cost in stages:
            arrays = replace(narrowed(arrays, answer), cost=cost)
            answer = session.run(arrays, watch.left(), watch=watch)
        seen.append(session.column(answer, "spend"))
    except (Impossible, EngineError):
        # A face a rounding error too narrow, or no time left: the last answer found is as good as any.
        pass
    return _differing(problem, seen), answer


def _differing(problem: Problem, seen: list[Array]) -> int:
    """Lines that these plans spend differently on."""
    return int((np.ptp(seen, axis=0) * problem.units.money > 1.0).sum())


def _stages(session: Session) -> tuple[Array, Array, Array]:
    """What to maximise in turn: least change, then least uneven, then by name."""
    size, columns = len(session.solver.arrays.cost), session.matrix.columns
    change, uneven, name = np.zeros(size), np.zeros(size), np.zeros(size)
    change[columns["up"]] = change[columns["down"]] = -1.0
    uneven[columns["widest"]] = -1.0
    # Roots of whole numbers hardly ever add up to one another: no two plans weigh the same.
    count = len(session.sets.lines)
    name[columns["spend"]] = -np.sqrt(1.0 + np.arange(count) / max(1, count))
    # Money moves no more than it must: a pound moved weighs more than any pound's name.
    routes = len(session.sets.routes)
    name[columns["moved"]] = -10.0 - np.sqrt(1.0 + np.arange(routes) / max(1, routes))
    return change, uneven, name


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
