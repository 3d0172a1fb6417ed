"""One problem solved in one piece: the best plan, in whole pounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from allocate.engine.certificate import Certificate, Flows, certify
from allocate.engine.highs import Impossible
from allocate.engine.optimum import Optimum, Options, Phantom, must_order, optimum
from allocate.engine.pool import POOL
from allocate.engine.problem import SLICES_WHEN_TIGHT, Problem
from allocate.engine.rounding import whole_pounds
from allocate.engine.session import Session
from allocate.engine.starts import start_of
from allocate.engine.watch import Watch
from allocate.errors import EngineError
from allocate.rules.kinds import Fair

Array = np.ndarray
T = TypeVar("T")
CLEAR = 2.0
"""Pounds by which a plan keeps clear of its limits where no rounding nearer to them will do."""


@dataclass(frozen=True, eq=False)
class Solved:
    """A scenario's best plan: in whole pounds where `whole`, with the certificate of exactly these flows; `parts` are
    the problems that were solved apart."""

    problem: Problem
    flows: Flows
    optimum: Optimum
    certificate: Certificate
    whole: bool
    parts: int = 1
    aimed: Aimed | None = None

    @property
    def plain(self) -> Solved:
        """The same without aids: everything in terms of the scenario's own routes, and of limits that have an owner."""
        if self.problem.owned.all():
            return self
        own, prices, found = self.problem.own_moves, self.optimum.prices, self.optimum
        flows, exact = (replace(each, moved=own(each.moved)) for each in (self.flows, found.flows))
        owned = replace(prices, limit=prices.limit[self.problem.owned])
        return replace(
            self, problem=self.problem.plain(prices.limit), flows=flows,
            optimum=replace(found, flows=exact, prices=owned),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Aimed:
    """What came of an aim between places (`allocate.rules.aims`).

    reached   its score in the plan, in the unit of its view; no plan's is above `bound`, and `gap` is how far that is,
              as a part of what there was to reach from the least spending on
    value     the most of the agreed outcome that any plan buys; `gain` is that less what today's spending buys, of
              which the aim says how much may be given up; `otherwise` is the score of that plan
    """

    rule: Fair
    reached: float
    bound: float
    gap: float
    value: float
    gain: float
    otherwise: float


class Clash(Exception):
    """No plan keeps every rule."""


def solved_whole(problem: Problem, options: Options, watch: Watch) -> Solved:
    """The best plan of a problem in one piece; as it was found where nothing beats what `options` want. Raises Clash,
    and what `allocate.engine.solving` does."""

    def rounded(session: Session, problem: Problem, found: Optimum) -> Solved:
        if found.certificate.bound <= options.wanted:
            return Solved(problem, found.flows, found, found.certificate, whole=False)
        return _in_whole_pounds(session, problem, found, options, watch)

    return best(problem, options, watch, rounded)


def itself(session: Session, problem: Problem, found: Optimum) -> Optimum:
    """The best plan as it is, for `best`."""
    return found


def best(
    problem: Problem,
    options: Options,
    watch: Watch,
    use: Callable[[Session, Problem, Optimum], T],
    based: bool = True,
    settle: bool = True,
) -> T:
    """What `use` makes of the best plan of a problem, with the session that found it and the problem as it was solved
    in the end. Its first solve begins where that of its scenario before any change ends, unless it is not `based` on
    one. Raises as `solved_whole`."""
    ordered = must_order(problem)
    while True:
        session = POOL.borrow(problem, ordered)
        try:
            start = start_of(session, problem, ordered, options, watch) if based else "nothing"
            return use(session, problem, optimum(session, problem, options, watch, start, settle))
        except Phantom as phantom:
            ordered = ordered | phantom.curves
        except Impossible:
            if options.opened is not None:
                options = replace(options, opened=None)
            elif problem.gain_rows and problem.slices is None:
                problem = replace(problem, slices=SLICES_WHEN_TIGHT)
            else:
                raise Clash from None
        finally:
            POOL.give_back(session)


def _in_whole_pounds(session: Session, problem: Problem, found: Optimum, options: Options, watch: Watch) -> Solved:
    """The plan in whole pounds; where no rounding near it keeps every rule, the best plan that keeps a little clear of
    them is rounded instead. As it is where that fails too."""
    for flows in _roundings(session, problem, found, options, watch):
        certificate = certify(problem, flows, found.certificate.bound, 1e-6, found.certificate.branches)
        if not certificate.breaches:
            return Solved(problem, flows, found, certificate, whole=True)
    if found.certificate.breaches:
        raise EngineError("the plan breaks the scenario's own limits: " + "; ".join(found.certificate.breaches[:3]))
    return Solved(problem, found.flows, found, found.certificate, whole=False)


def _roundings(session: Session, problem: Problem, found: Optimum, options: Options, watch: Watch) -> Iterator[Flows]:
    if (flows := whole_pounds(problem, found.flows, watch)) is not None:
        yield flows
    if watch.stopped:
        return
    with suppress(Impossible, Phantom, EngineError):
        clear = optimum(session, _clear(problem), options, watch)
        if (flows := whole_pounds(problem, clear.flows, watch)) is not None:
            yield flows


def _clear(problem: Problem) -> Problem:
    """The same with limits on money that end in parts of a pound a little tighter, where there is room for it."""
    ends = problem.terms.ends
    money = np.array([name == "spend" for name in problem.terms.measures], dtype=bool)[problem.terms.measure]
    finite = np.where(np.isfinite(ends), ends, 0.0)
    parts = (np.abs(finite - np.round(finite)) > 1e-6) & money & (ends[0] + 2 * CLEAR < ends[1])
    return replace(problem, terms=replace(problem.terms, ends=ends + np.where(parts, [[CLEAR], [-CLEAR]], 0.0)))
