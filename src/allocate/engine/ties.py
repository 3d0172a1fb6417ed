"""Breaking ties: among all equally good plans, the one nearest today.

The tie-break, published here and in the README: least change from the baseline (sum of pounds moved); among those, the
smallest largest percentage change; among those, the least moved along routes and the order of lines by size: their
baselines, then the most and the least they may get, and only between lines that are alike in those their ids (never
display names). It runs on the optimal face: whatever has a price stays where it is, and by complementary slackness what
remains is exactly the set of equally good plans. With yes/no choices, where there are no prices, a row keeps the value
instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allocate.compiler import Arrays
from allocate.engine.highs import DUAL, PRIMAL, Impossible, Simplex
from allocate.engine.problem import Problem
from allocate.engine.session import FREE, Reached, Session
from allocate.engine.watch import Watch
from allocate.errors import EngineError

Array = np.ndarray
Narrow = Callable[[Arrays, Reached], Arrays]
SAME = 1e-8
"""Values closer than this, as a share, count as equally good when yes/no choices are compared."""


def nearest_today(measured: Session, problem: Problem, answer: Reached, watch: Watch) -> tuple[int, Reached]:
    """The equally good answer nearest today, and how many lines could have differed. `answer` has prices, and is the
    last of a session that measures distance."""
    return _walk(measured, problem, measured.solver.arrays, answer, _face, watch, PRIMAL)


def nearest_choices(
    measured: Session, problem: Problem, grids: list[Array], answer: Reached, watch: Watch
) -> tuple[int, Reached]:
    """The same for an answer with yes/no choices, which has no prices."""
    arrays = measured.arrays(problem, grids)
    rows, columns = measured.matrix.rows, measured.matrix.columns
    constant = arrays.offset

    def narrowed(arrays: Arrays, answer: Reached) -> Arrays:
        lower, row_upper, upper = arrays.row_lower.copy(), arrays.row_upper.copy(), arrays.upper.copy()
        reached = SAME * max(1.0, abs(answer.value))
        if np.isneginf(lower[rows["keep"]]).all():
            lower[rows["keep"]] = answer.value - constant - reached
        elif np.isposinf(row_upper[rows["steady"]]).all():
            row_upper[rows["steady"]] = -answer.value + reached
        else:
            upper[columns["widest"]] = -answer.value + reached
        return replace(arrays, row_lower=lower, row_upper=row_upper, upper=upper)

    return _walk(measured, problem, arrays, answer, narrowed, watch, DUAL)


def _walk(
    measured: Session,
    problem: Problem,
    arrays: Arrays,
    answer: Reached,
    narrowed: Narrow,
    watch: Watch,
    simplex: Simplex,
) -> tuple[int, Reached]:
    """Whether anything ties, and if so the tie-break stage by stage, each on what the one before left."""
    change, uneven, name = _stages(measured, problem)
    seen, face = [answer.spend], narrowed(arrays, answer)
    watch.enter("breaking ties")

    def best(face: Arrays, cost: Array) -> Reached:
        aimed = replace(face, cost=cost, offset=0.0)
        return measured.run(aimed, watch.left(), watch=watch, simplex=simplex)

    try:
        # The two plans on the face that lie furthest apart by name: if they are one, so are all.
        seen += [best(face, cost).spend for cost in (name, -name)]
        routes = len(problem.route_high) > 0
        for cost in (change, uneven, name) if _differing(problem, seen) else (name,) if routes else ():
            arrays = narrowed(arrays, answer)
            answer = best(arrays, cost)
        seen.append(answer.spend)
    except (Impossible, EngineError):
        # A face a rounding error too narrow, or no time left: the last answer found is as good as any.
        pass
    return _differing(problem, seen), answer


def _differing(problem: Problem, seen: list[Array]) -> int:
    """Lines that these plans spend differently on."""
    return int((np.ptp(seen, axis=0) * problem.units.money > 1.0).sum())


def _stages(measured: Session, problem: Problem) -> tuple[Array, Array, Array]:
    """What to maximise in turn: least change, then least uneven, then in order."""
    size, columns = len(measured.solver.arrays.cost), measured.matrix.columns
    change, uneven, name = np.zeros(size), np.zeros(size), np.zeros(size)
    change[columns["up"]] = change[columns["down"]] = -1.0
    uneven[columns["widest"]] = -1.0
    # Roots of whole numbers hardly ever add up to one another: no two plans weigh the same.
    count = len(problem.low)
    place = np.empty(count)
    place[np.lexsort((-problem.low, -problem.high, -problem.baseline))] = np.arange(count)
    name[columns["paid"]] = -np.sqrt(1.0 + place / max(1, count))
    # Money moves no more than it must: a pound moved weighs more than any pound's name. Aids weigh nothing.
    routes = len(problem.scenario._tables["routes"])
    weight = -10.0 - np.sqrt(1.0 + np.arange(routes) / max(1, routes))
    name[columns["moved"]][:routes] = weight
    return change, uneven, name


def _face(arrays: Arrays, answer: Reached) -> Arrays:
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
