"""A rigorous bound where prices alone give none: a small branch and bound of our own.

Yes/no choices, curves that do not flatten and caps on gains leave a gap between the best plan and what any prices
can prove. So the possible is split into cases (a line opened or closed, effort under a curve below or above a point);
HiGHS suggests prices for each, and its bound is the certificate's, computed from the scenario at those prices, so that
a wrong 'optimal' from the solver cannot pass. Cases are split until none can beat the plan, or until time runs out;
what is then open is the honest remaining gap. A better plan met on the way is kept. After Land and Doig 1960, with
Lagrangian bounds as in Geoffrion 1974.
"""

from __future__ import annotations

import heapq
import itertools
import time
from dataclasses import dataclass, replace

import numpy as np

from allocate.engine.certificate import PENNY, Case, Flows, Prices, breaches, curve_worth, upper_bound
from allocate.engine.highs import Impossible
from allocate.engine.polish import polish
from allocate.engine.problem import Problem
from allocate.engine.session import Held, Reached, Session
from allocate.engine.watch import Watch

Array = np.ndarray
CASES = 4000


@dataclass
class Search:
    """The best plan found, what no plan can exceed, and how many cases that took."""

    flows: Flows
    prices: Prices
    value: float
    bound: float
    cases: int = 1


@dataclass(frozen=True, eq=False)
class _Node:
    """A case, and which way it is to be split: on a line's choice, on a rule's, or on a curve's effort at a
    breakpoint."""

    case: Case
    line: int | None = None
    pick: int | None = None
    curve: int | None = None
    at: float = 0.0

    def halves(self, problem: Problem) -> list[Case]:
        """The two cases that together are this one."""
        if self.pick is not None:
            least, most = (end.copy() for end in self.case.picks)
            least[self.pick], most[self.pick] = 1.0, 0.0
            yes, no = (least, self.case.picks[1]), (self.case.picks[0], most)
            return [replace(self.case, picks=yes), replace(self.case, picks=no)]
        if self.line is None:
            high, low = self.case.high.copy(), self.case.low.copy()
            high[self.curve] = low[self.curve] = self.at
            return [replace(self.case, high=high), replace(self.case, low=low)]
        opened, closed = self.case.opened.copy(), self.case.closed.copy()
        opened[self.line] = closed[self.line] = True
        only = np.zeros(len(problem.low))
        only[self.line] = 1.0
        fed, (least, most) = problem.feeds @ only, problem.bounds
        # Effort under a curve is at least what its open lines need, at most what lines not closed may spend.
        low = np.maximum(self.case.low, fed * (problem.feeds @ np.where(opened | ~problem.choices, least, 0.0)))
        room = problem.feeds @ np.where(closed, 0.0, most)
        high = np.where(fed > 0, np.minimum(self.case.high, room), self.case.high)
        return [replace(self.case, opened=opened, low=low), replace(self.case, closed=closed, high=high)]


def search(
    session: Session,
    problem: Problem,
    grids: list[Array],
    found: Search,
    tolerance: float,
    seconds: float,
    watch: Watch,
) -> Search:
    """Bound what is possible, from a plan already found, until no case exceeds it by more than `tolerance` of the
    outcome at stake, time is up or `watch` is stopped. `grids` are the session's slices; cases split at their
    breakpoints."""
    ends, number = time.monotonic() + seconds, itertools.count()
    best = replace(found, cases=1)
    settled = -np.inf
    bound, node = _look(session, problem, grids, Case.whole(problem), best)
    heap = [(-bound, next(number), node)]
    while heap:
        bound, _, node = heapq.heappop(heap)
        bound, enough = -bound, best.value + tolerance * problem.at_stake
        watch.tell(best.value, max(bound, settled))
        if node is None:
            settled = max(settled, bound)
            continue
        if bound <= enough or best.cases >= CASES or time.monotonic() > ends or watch.stopped:
            settled = max(settled, bound)
            break
        for half in node.halves(problem):
            best.cases += 1
            inner, child = _look(session, problem, grids, half, best)
            heapq.heappush(heap, (-min(inner, bound), next(number), child))
    best.bound = max(settled, best.value, *(-rest[0] for rest in heap[:1]))
    return best


def _look(
    session: Session, problem: Problem, grids: list[Array], case: Case, best: Search
) -> tuple[float, _Node | None]:
    """The bound of a case and the way to split it (None where there is none); a better plan met is kept in `best`."""
    try:
        answer = session.solve(problem, grids, _held(session, problem, case, grids), 10.0)
    except Impossible:
        return -np.inf, None
    flows, prices = session.flows(problem, answer), session.prices(problem, answer)
    bound = upper_bound(problem, prices, case)
    fraction = np.concatenate([answer.column("opened"), answer.column("picked")])
    decided = not len(fraction) or np.abs(fraction - np.round(fraction)).max() < 1e-6
    if decided:
        _keep(problem, flows, prices, best)
        if any(problem.curves.bends(q) for q in range(len(problem.curves))):
            exact, exact_prices = polish(problem, flows, prices, np.round(answer.column("picked")))
            _keep(problem, exact, exact_prices, best)
            if (tighter := upper_bound(problem, exact_prices, case)) < bound:
                bound, prices = tighter, exact_prices
    return bound, _split(session, problem, grids, case, answer, prices)


def _keep(problem: Problem, flows: Flows, prices: Prices, best: Search) -> None:
    value = problem.value(flows.spend, flows.moved)
    if value > best.value + 1e-9 * problem.at_stake and not breaches(problem, flows, PENNY):
        best.flows, best.prices, best.value = flows, prices, value


def _held(session: Session, problem: Problem, case: Case, grids: list[Array]) -> Held:
    """A case as bounds on the model's columns: choices made, slices full below the efforts allowed and empty above."""
    rows, money = session.sets.choices, problem.units.money
    full = np.concatenate([np.where(g[1:] <= low, np.diff(g), 0.0) for g, low in zip(grids, case.low, strict=True)])
    room = np.concatenate([np.where(g[:-1] < high, np.diff(g), 0.0) for g, high in zip(grids, case.high, strict=True)])
    choices = case.opened[rows].astype(float), 1.0 - case.closed[rows]
    return Held(choices, slices=(full / money, room / money), picked=case.picks)


def _split(
    session: Session, problem: Problem, grids: list[Array], case: Case, answer: Reached, prices: Prices
) -> _Node | None:
    """Split on the choice furthest from yes or no; else where a curve's prices promise most that its effort here does
    not give; else on any choice not made."""
    rows, fraction = session.sets.choices, np.concatenate([answer.column("opened"), answer.column("picked")])
    free = np.concatenate([~(case.opened | case.closed)[rows], case.picks[0] < case.picks[1]])
    away = np.where(free, np.abs(fraction - np.round(fraction)), -1.0)
    if len(away) and away.max() > 1e-6:
        return _choice(case, rows, int(np.argmax(away)))
    effort = problem.curves.effort(session.flows(problem, answer).spend)
    wanted, worth = curve_worth(problem, prices, case)
    weight = problem.weight - prices.limit @ problem.gain_rows
    gain = problem.curves.gain(effort)
    missed = worth - (weight * gain - prices.effort * effort)
    # A gain that the model pretends not to have misses what the caps on it take.
    missed += np.abs(prices.limit @ problem.gain_rows) * np.abs(gain - answer.gain * problem.curve_units)
    for q in np.argsort(-missed, kind="stable"):
        inside = grids[q][(grids[q] > case.low[q]) & (grids[q] < case.high[q])]
        if missed[q] > 1e-12 * problem.at_stake and len(inside):
            return _Node(case, curve=int(q), at=float(inside[np.argmin(np.abs(inside - (effort[q] + wanted[q]) / 2))]))
    return _choice(case, rows, int(np.argmax(free))) if free.any() else None


def _choice(case: Case, rows: Array, number: int) -> _Node:
    """A case to be split on one of its choices: those of lines come before those of rules."""
    return _Node(case, line=int(rows[number])) if number < len(rows) else _Node(case, pick=number - len(rows))
