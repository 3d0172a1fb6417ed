"""A rigorous bound where there are yes/no choices: a small branch and bound of our own.

HiGHS suggests prices for every case (some lines opened, some closed); the bound of a case is the certificate's, computed
from the scenario at those prices, so that a wrong 'optimal' from the solver cannot pass. Cases are split until none can
beat the plan, or until time runs out; what is then still open is the honest remaining gap. After Land and Doig 1960,
with Lagrangian bounds as in Geoffrion 1974.
"""

from __future__ import annotations

import heapq
import itertools
import time

import numpy as np

from allocate.engine.certificate import upper_bound
from allocate.engine.highs import Impossible
from allocate.engine.polish import polish
from allocate.engine.problem import Problem
from allocate.engine.session import Held, Session

Array = np.ndarray
CASES = 4000


def choices_bound(
    session: Session, problem: Problem, grids: list[Array], value: float, tolerance: float, seconds: float
) -> tuple[float, int]:
    """What no plan can exceed, whatever is opened, and how many cases it took. Stops once no open case exceeds
    `value` by more than `tolerance` of the outcome at stake."""
    ends = time.monotonic() + seconds
    size = len(session.sets.choices)
    enough = value + tolerance * problem.at_stake
    number = itertools.count()
    closed_best, cases = value, 0
    heap = [(-np.inf, next(number), np.full(size, -1))]
    while heap:
        bound, _, case = heapq.heappop(heap)
        if -bound <= enough:
            return max(closed_best, -bound), cases
        if cases >= CASES or time.monotonic() > ends:
            return max(closed_best, -bound), cases
        for found, child, leaf in _split(session, problem, grids, case, -bound):
            cases += 1
            if leaf or found <= enough:
                closed_best = max(closed_best, found)
            else:
                heapq.heappush(heap, (-found, next(number), child))
    return closed_best, cases


def _split(session: Session, problem: Problem, grids: list[Array], case: Array, above: float):
    """Bound a case (first seen, or its two halves): (bound, the case with its next choice marked, nothing left to split)."""
    undecided = np.flatnonzero(case == -2)
    halves = [case] if not len(undecided) else [np.where(case == -2, way, case) for way in (0, 1)]
    for half in halves:
        bound, mark = _bound(session, problem, grids, half)
        child = half.copy()
        if mark is not None:
            child[mark] = -2
        yield min(bound, above), child, mark is None


def _bound(session: Session, problem: Problem, grids: list[Array], case: Array) -> tuple[float, int | None]:
    """The bound of a case and the choice to split next (None where every choice is made)."""
    held = Held((np.where(case > 0, 1.0, 0.0), np.where(case == 0, 0.0, 1.0)), (0.0, 1.0))
    opened, closed = (np.zeros(len(problem.low), dtype=bool) for _ in range(2))
    opened[session.choice_rows[case == 1]], closed[session.choice_rows[case == 0]] = True, True
    try:
        answer = session.solve(problem, grids, held, 10.0)
    except Impossible:
        return -np.inf, None
    prices = session.prices(problem, answer)
    bound = upper_bound(problem, prices, opened, closed)
    bound = min(bound, upper_bound(problem, polish(problem, session.flows(problem, answer), prices)[1], opened, closed))
    share = session.column(answer, "opened")
    fraction = np.where(case < 0, np.abs(share - np.round(share)), -1.0)
    free = np.flatnonzero(case < 0)
    if not len(free):
        return bound, None
    return bound, int(np.argmax(fraction)) if fraction.max() > 1e-6 else int(free[0])
