"""From a problem to the best plan: solved, refined, certified, ties broken.

The way is the same whatever was solved before, so that the answer does not depend on the path of what-ifs:

1. solve over straight slices, from a basis that follows from the scenario before any change (`solving`), or from none;
   yes/no choices first, ties among them broken, then with choices held;
2. polish to the exact optimum of the curves, and certify; place finer slices round it and repeat until the gap closes;
3. where another plan may be as good (`unique`), break ties (`ties`), with the optimum on a breakpoint.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from allocate.engine.branches import Search, search
from allocate.engine.certificate import PENNY, Case, Certificate, Flows, Prices, breaches, certify, upper_bound
from allocate.engine.highs import Impossible, Start
from allocate.engine.live import Reference
from allocate.engine.polish import attributed, polish
from allocate.engine.problem import Problem, through
from allocate.engine.session import Held, Reached, Session
from allocate.engine.ties import nearest_choices, nearest_today
from allocate.engine.unique import unique
from allocate.engine.watch import Stopped, Watch
from allocate.errors import EngineError

Array = np.ndarray
AIMED = 1e-9
"""The gap that refinement aims at; plans are accepted up to the tolerance, which is what the certificate promises."""
TIED = 1e-7
"""Plans closer than this, as a share of the outcome at stake, count as equally good: a floor under gains asks for a
little more of slices, which lie below their curves."""
ROUNDS = 8
ONCE = (1,)
"""The round to polish in where that is done but once: by then slices have found what binds."""
BRIEF = 10.0
"""Seconds at most, however late it is, for what makes the first plan of a search exact: on a slow machine it may take
one, and without it there is no plan."""
PROVING = 10.0
"""Seconds at most for proving that no other choices are better."""


@dataclass(frozen=True)
class Options:
    """How to solve: seconds allowed, and the certified gap to accept, as a share of the outcome at stake; `opened`,
    where yes/no choices are not to be searched but taken as these, a boolean a line, and `picked`, those that rules own
    by name (no, where not said); `fine`, where above nothing, a gap that is near enough: polished once alone; `wanted`,
    a value that must be beaten: where nothing beats it, ties are not broken, and pounds stay as they are."""

    seconds: float = 60.0
    tolerance: float = 1e-4
    opened: Array | None = None
    picked: Mapping[str, bool] = field(default_factory=dict)
    fine: float = 0.0
    wanted: float = -math.inf


@dataclass(frozen=True, eq=False)
class Optimum:
    """The answer in pounds, before rounding. `ties` counts the lines that could differ for the same outcome; `status`
    is 'optimal', 'time limit', 'stopped' or 'choices held'. With yes/no choices (`discrete`) the prices hold only for
    the choices made."""

    flows: Flows
    prices: Prices
    certificate: Certificate
    ties: int
    status: str
    discrete: bool


class Phantom(Exception):
    """An answer claimed less gain than its spend buys, to stay under a limit: these curves must fill in order."""

    def __init__(self, curves: frozenset[int]) -> None:
        self.curves = curves
        super().__init__(f"{len(curves)} curves")


def wide_grids(problem: Problem) -> list[Array]:
    """Breakpoints over all that lines could spend if no rule held them: for finding which rules clash."""
    low = np.where(problem.choices, 0.0, problem.low)
    return problem.grids_over(problem.curves.effort(low), problem.curves.effort(problem.high))


def must_order(problem: Problem) -> frozenset[int]:
    """Curves that do not flatten throughout, whose slices will not fill in order by themselves."""
    return frozenset(q for q in range(len(problem.curves)) if not problem.curves.concave(q))


def optimum(
    session: Session,
    problem: Problem,
    options: Options,
    watch: Watch,
    start: Start | Reference = "nothing",
    settle: bool = True,
) -> Optimum:
    """The best plan of a problem whose sets are the session's; its first solve begins at `start`. Among plans as good
    it is the nearest to today, unless `settle` is false. Raises Impossible where no plan exists, Stopped where `watch`
    was stopped before one was found, and Phantom where curves must be made to fill in order."""
    watch.begin(options.seconds)
    search_choices = session.has_integers and (options.opened is None or len(session.sets.ordered) > 0)
    watch.enter("searching yes/no choices" if search_choices else "solving")
    grids, ties, held = problem.grids, 0, None
    if session.has_integers and not search_choices:
        assert options.opened is not None
        picked = np.array([options.picked.get(name, False) for name in problem.terms.picks], dtype=float)
        held = Held((opened := options.opened[session.sets.choices].astype(float), opened), picked=(picked, picked))
    answer = session.solve(problem, grids, held, watch.left(), start, watch)
    status = answer.status if held is None else "choices held"
    if search_choices:
        if status == "optimal":
            ties, answer = nearest_choices(session.distance(problem, grids), problem, grids, answer, watch)
        held = session.held(answer)
        # Once there is a plan, what makes it exact and bounds it is brief, and runs even after a stop.
        answer = session.solve(problem, grids, held, max(BRIEF, watch.left()))
    exact = ONCE if options.fine else range(ROUNDS)
    best = _refined(session, problem, grids, answer, held, watch, options.fine, exact)
    if status == "choices held":
        # What is proved for these choices is not proved for others.
        best.bound = upper_bound(problem, best.prices)
    if search_choices:
        watch.enter("searching yes/no choices")
        seconds = min(PROVING, watch.left())
        best = search(session, problem, problem.grids, best, options.tolerance / 10, seconds, watch)
        held = session.held_at(problem, best.flows)
    settle = settle and best.bound > options.wanted and not _alone(session, problem, best)
    more, flows = _settled(session, problem, best.flows, held, watch) if settle else (0, best.flows)
    certificate = certify(problem, flows, best.bound, branches=best.cases)
    prices = best.prices if problem.pinned is not None else attributed(problem, flows, best.prices)
    if upper_bound(problem, prices) - best.value > max(1e-6 * problem.at_stake, 2 * (best.bound - best.value)):
        prices = best.prices
    return Optimum(flows, prices, certificate, max(ties, more), status, session.has_integers)


def nearly(session: Session, problem: Problem, options: Options, watch: Watch) -> Search:
    """A plan within the tolerance of the best, over straight slices alone: for a problem without choices that is too
    large for anything else. Raises as `optimum` does."""
    watch.begin(options.seconds)
    watch.enter("solving")
    answer = session.solve(problem, problem.grids, None, options.seconds, "nothing", watch)
    return _refined(session, problem, problem.grids, answer, None, watch, options.tolerance / 10, ())


def _refined(
    session: Session,
    problem: Problem,
    grids: list[Array],
    answer: Reached,
    held: Held | None,
    watch: Watch,
    enough: float = 0.0,
    polished: Collection[int] = range(ROUNDS),
) -> Search:
    """Certify on ever finer slices until no better plan can exist (with these choices), or none that is better by more
    than `enough` of the outcome at stake; polished in the rounds that say so."""
    watch.enter("refining")
    best: Search | None = None
    case = _case(session, problem, held)
    for number in range(ROUNDS):
        if phantoms := session.phantoms(problem, grids, answer):
            raise Phantom(phantoms)
        rough, prices = session.flows(problem, answer), session.prices(problem, answer)
        picks = np.round(answer.column("picked"))
        exact = [polish(problem, rough, prices, picks)] if number in polished and problem.pinned is None else []
        for flows, at in ((rough, prices), *exact):
            best = _better(best, problem, flows, at, case)
        if best is not None:
            watch.tell(best.value, best.bound if held is None else math.nan)
        done = best is not None and best.bound - best.value <= max(AIMED, enough) * problem.at_stake
        if done or (best is not None and problem.pinned is not None):
            break
        finer = zoomed(problem, grids, rough, prices)
        if problem.around is not None and best is not None:
            # What only just holds must be sure to hold between finer breakpoints too.
            finer = through(problem.curves, finer, problem.curves.effort(best.flows.spend))
        if all(np.array_equal(a, b) for a, b in zip(finer, grids, strict=True)):
            break
        grids = finer
        try:
            if len(session.sets.ordered):
                # Which slices must be full depends on where they lie: those choices are made afresh.
                held = session.held(session.solve(problem, grids, None, watch.left(), watch=watch))
            answer = session.solve(problem, grids, held, watch.left(), "last" if held is None else "nothing", watch)
        except (EngineError, Impossible):
            # Stopped or out of time on finer slices, or what only just holds is between them: the plan already found
            # stands, with its honest gap.
            break
    if best is None and watch.stopped:
        raise Stopped
    if best is None:
        raise EngineError("the solver's plan breaks the scenario's own limits")
    return best


def _better(best: Search | None, problem: Problem, flows: Flows, prices: Prices, case: Case) -> Search | None:
    """The better of a plan seen before and this one; bounds from both."""
    found = certify(problem, flows, upper_bound(problem, prices, case))
    if best is None:
        return None if found.breaches else Search(flows, prices, found.value, found.bound)
    if found.bound < best.bound:
        best.prices, best.bound = prices, found.bound
    if not found.breaches and found.value > best.value:
        best.flows, best.value = flows, found.value
    return best


def _case(session: Session, problem: Problem, held: Held | None) -> Case:
    """What is possible with the choices of lines and rules held."""
    whole = Case.whole(problem)
    if held is None or not (len(session.sets.choices) or problem.terms.picks):
        return whole
    opened, closed = whole.opened.copy(), whole.closed.copy()
    opened[session.sets.choices], closed[session.sets.choices] = held.opened[0] > 0.5, held.opened[1] < 0.5
    least, most = (np.broadcast_to(end, len(problem.terms.picks)) for end in held.picked)
    return replace(whole, opened=opened, closed=closed, picks=(least, most))


def _alone(session: Session, problem: Problem, best: Search) -> bool:
    """Whether it is sure that no other plan is as good."""
    proved = best.bound - best.value <= AIMED * problem.at_stake
    return proved and not session.has_integers and unique(problem, best.flows, best.prices)


def _settled(session: Session, problem: Problem, flows: Flows, held: Held | None, watch: Watch) -> tuple[int, Flows]:
    """Among plans as good as this one, the nearest to today: (lines that could differ, its flows)."""
    if len(session.sets.ordered):
        return 0, flows
    grids = through(problem.curves, problem.grids, problem.curves.effort(flows.spend))
    try:
        measured = session.distance(problem, grids)
        start = session.distance_start(problem, grids, flows)
        answer = measured.solve(problem, grids, held, watch.left(), start, watch)
    except (EngineError, Impossible):
        # No time left, or limits that only just hold where this plan is: it stands, as near to today as it was found.
        return 0, flows
    ties, answer = nearest_today(measured, problem, answer, watch)
    settled = session.flows(problem, answer)
    value, reached = (problem.value(each.spend, each.moved) for each in (flows, settled))
    # Where nothing is wanted but that no rule bends, nothing is at stake, and the solver's own unit says what is noise.
    as_good = reached >= value - TIED * max(problem.at_stake, problem.units.value)
    # Slices say less than curves do, and a cap on gains may need exactly what they leave out.
    return (ties, settled) if as_good and not breaches(problem, settled, PENNY) else (0, flows)


def zoomed(problem: Problem, grids: list[Array], flows: Flows, prices: Prices) -> list[Array]:
    """Breakpoints drawn together round the plan and round what the prices ask for, as many as before."""
    curves = problem.curves
    effort = curves.effort(flows.spend)
    weight = np.maximum(problem.weight - prices.limit @ problem.gain_rows, 1e-150)
    wanted = curves.best(prices.effort / weight, problem.effort_low, problem.effort_high)
    finer = []
    for q, grid in enumerate(grids):
        # Four breakpoints stay outside: a curve with no more than them is not looked at closely.
        if not curves.bends(q) or len(grid) < 6:
            finer.append(grid)
            continue
        first, last = np.searchsorted(grid, sorted((effort[q], wanted[q])))
        low, high = grid[max(first - 2, 0)], grid[min(last + 1, len(grid) - 1)]
        if high - low < 1e-6 * (grid[-1] - grid[0]):
            finer.append(grid)
            continue
        middle = np.linspace(low, high, len(grid) - 4)
        outside = [grid[0], (grid[0] + low) / 2, (high + grid[-1]) / 2, grid[-1]]
        fine = np.sort(np.concatenate([middle, outside]))
        # Nearer than this to nothing, a power curve is steeper than the solver can take.
        apart = grid[0] + (grid[-1] - grid[0]) * 1e-7 * np.arange(len(grid))
        finer.append(np.minimum(np.maximum(fine, apart), grid[-1]))
    return finer
