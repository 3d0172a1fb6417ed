"""Solving scenarios: sessions kept live by structure, lent to one thread at a time."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from allocate.compiler import Compiled
from allocate.engine.branches import Search
from allocate.engine.certificate import Certificate, Flows, certify, upper_bound
from allocate.engine.clash import no_plan
from allocate.engine.highs import Impossible
from allocate.engine.model import Sets, Structure, compiled
from allocate.engine.optimum import (
    FROM_NOTHING,
    Optimum,
    Options,
    Phantom,
    Starts,
    must_order,
    nearly,
    optimum,
    wide_grids,
)
from allocate.engine.parts import Part, joined_flows, joined_prices, parts, with_quotas
from allocate.engine.problem import SLICES_WHEN_TIGHT, Problem
from allocate.engine.rounding import whole_pounds
from allocate.engine.session import Base, Session
from allocate.engine.watch import Stopped, Watch
from allocate.errors import EngineError
from allocate.scenario.scenario import Scenario

Array = np.ndarray
KEPT = 16
"""Idle sessions kept live, and compiled models, over all scenarios."""
CLEAR = 2.0
"""Pounds by which a plan keeps clear of its limits where no rounding nearer to them will do."""


@dataclass(frozen=True, eq=False)
class Solved:
    """A scenario's best plan: in whole pounds where `whole`, with the certificate of exactly these flows."""

    problem: Problem
    flows: Flows
    optimum: Optimum
    certificate: Certificate
    whole: bool


class _Pool:
    """Idle sessions by the structure of their model. Borrowed sessions belong to one thread until given back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[tuple[Structure, int], Session] = OrderedDict()
        self._compiled: OrderedDict[Structure, Compiled] = OrderedDict()
        self._count = 0

    def borrow(self, problem: Problem, ordered: frozenset[int]) -> Session:
        grids = problem.grids
        wanted = Structure.of(problem, grids, ordered)
        with self._lock:
            for key in self._idle:
                if key[0] == wanted:
                    return self._idle.pop(key)
        return self.fresh(problem, grids, ordered)

    def fresh(self, problem: Problem, grids: list[Array], ordered: frozenset[int]) -> Session:
        """A session over these breakpoints that nobody else has."""
        return Session(problem, grids, ordered, compile_=self._compile)

    def _compile(self, key: Structure, sets: Sets) -> Compiled:
        """The compiled model. Two threads may compile the same one at once; neither waits for the other."""
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
                return self._compiled[key]
        made = compiled(sets)
        with self._lock:
            self._compiled[key] = made
            while len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        return made

    def give_back(self, session: Session) -> None:
        with self._lock:
            self._count += 1
            self._idle[session.structure, self._count] = session
            while len(self._idle) > KEPT:
                self._idle.popitem(last=False)


_pool = _Pool()


def solve_scenario(scenario: Scenario, options: Options, watch: Watch | None = None) -> Solved:
    """The best plan of a scenario. Raises NoPlan where its rules cannot all hold, Stopped where `watch` was stopped
    before there was a plan, and EngineError where no answer passes its checks. Safe from several threads at once."""
    watch = watch or Watch()
    watch.enter("reading the rules")
    problem = Problem.of(scenario)
    try:
        pieces, shared = parts(problem)
        if not pieces or (len(shared) and problem.choices.any()):
            solved = _solved(problem, options, watch)
        else:
            solved = _solved_apart(problem, pieces, shared, options, watch)
    except _Clash as clash:
        if watch.stopped:
            raise Stopped from None
        problem = replace(problem, slices=clash.slices)
        grids = wide_grids(problem)
        raise no_plan(_pool.fresh(problem, grids, clash.ordered), problem, grids, options.seconds) from None
    watch.settle(solved.certificate.value, solved.certificate.bound)
    return solved if not watch.stopped else replace(solved, optimum=replace(solved.optimum, status="stopped"))


class _Clash(Exception):
    """No plan keeps every rule: found with these curves made to fill in order, and so many slices."""

    def __init__(self, ordered: frozenset[int], slices: int | None) -> None:
        self.ordered, self.slices = ordered, slices


def _solved(problem: Problem, options: Options, watch: Watch) -> Solved:
    """The best plan of a problem in one piece. Raises _Clash."""
    ordered = must_order(problem)
    while True:
        session = _pool.borrow(problem, ordered)
        try:
            found = optimum(session, problem, options, watch, _starts(session, problem, ordered, options, watch))
            return _in_whole_pounds(session, problem, found, options, watch)
        except Phantom as phantom:
            ordered = ordered | phantom.curves
        except Impossible:
            if options.opened is not None:
                options = replace(options, opened=None)
            elif problem.gain_rows and problem.slices is None:
                problem = replace(problem, slices=SLICES_WHEN_TIGHT)
            else:
                raise _Clash(ordered, problem.slices) from None
        finally:
            _pool.give_back(session)


def _solved_apart(problem: Problem, pieces: list[Part], shared: Array, options: Options, watch: Watch) -> Solved:
    """The best plan of a problem that falls apart: its parts' plans, as many at once as there are processors."""
    over = _over_all(problem, options, watch) if len(shared) else None
    if over is not None:
        pieces = _with_quotas(problem, pieces, shared, over.flows)
    watch.enter("solving")
    found = _each(pieces, options, watch)
    optima = [each.optimum for each in found]
    flows = joined_flows(problem, [(part, each.flows) for part, each in zip(pieces, found, strict=True)])
    prices = joined_prices(problem, [(part, each.prices) for part, each in zip(pieces, optima, strict=True)])
    discrete = any(each.discrete for each in optima)
    if over is not None:
        prices, bound = over.prices, over.bound
    else:
        # Prices prove the bound anew over the whole; but choices have none.
        bound = sum(each.certificate.bound for each in found) if discrete else upper_bound(problem, prices)
    certificate = certify(problem, flows, bound, 1e-6, sum(each.certificate.branches for each in found))
    if certificate.breaches:
        raise EngineError("the plan breaks the scenario's own limits: " + "; ".join(certificate.breaches[:3]))
    status = next((each.status for each in optima if each.status != "optimal"), "optimal")
    joined = Optimum(flows, prices, certificate, sum(each.ties for each in optima), status, discrete)
    return Solved(problem, flows, joined, certificate, all(each.whole for each in found))


def _each(pieces: list[Part], options: Options, watch: Watch) -> list[Solved]:
    def solved(part: Part) -> Solved:
        opened = None if options.opened is None else options.opened[part.lines]
        return _solved(part.problem, replace(options, opened=opened), Under(watch))

    with ThreadPoolExecutor(os.cpu_count()) as several:
        try:
            return list(several.map(solved, pieces))
        except BaseException:
            several.shutdown(cancel_futures=True)
            raise


def _over_all(problem: Problem, options: Options, watch: Watch) -> Search:
    """A plan within the tolerance of the best over all parts at once, and what no plan can exceed."""
    session = _pool.fresh(problem, problem.grids, must_order(problem))
    try:
        return nearly(session, problem, options, watch)
    except Impossible:
        raise _Clash(must_order(problem), problem.slices) from None


def _with_quotas(problem: Problem, pieces: list[Part], shared: Array, flows: Flows) -> list[Part]:
    """The parts with quotas of the limits that they share: what this plan has them take, and an equal part of what it
    leaves."""
    low, high = problem.limit_low[shared], problem.limit_high[shared]
    taken = np.array([_taken(problem, part, shared, flows) for part in pieces])
    spare = (taken.sum(axis=0) - low) / len(pieces), (high - taken.sum(axis=0)) / len(pieces)
    least, most = taken - spare[0], taken + spare[1]
    return [with_quotas(problem, part, shared, *ends) for part, *ends in zip(pieces, least, most, strict=True)]


def _taken(problem: Problem, part: Part, shared: Array, flows: Flows) -> Array:
    """What a part of a plan adds to each of these limits' bodies."""
    spend = np.zeros(len(problem.low))
    spend[part.lines] = flows.spend[part.lines]
    effort = np.zeros(len(problem.curves))
    effort[part.curves] = problem.curves.effort(spend)[part.curves]
    gain = np.zeros(len(problem.curves))
    gain[part.curves] = problem.curves.gain(effort)[part.curves]
    return (problem.line_rows @ spend + problem.gain_rows @ gain)[shared]


class Under(Watch):
    """The watch of a part: it is stopped with the whole, and tells nobody of its own plans."""

    def __init__(self, whole: Watch) -> None:
        super().__init__()
        self._whole = whole

    @property
    def stopped(self) -> bool:
        return self._whole.stopped

    def _go_on(self) -> None:
        self._whole._go_on()


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


def _starts(session: Session, problem: Problem, ordered: frozenset[int], options: Options, watch: Watch) -> Starts:
    """Where solves begin: where those of the scenario before any change end, whatever was solved meanwhile. Models with
    choices begin from nothing."""
    if session.has_integers:
        return FROM_NOTHING
    scenario = problem.scenario.base or problem.scenario
    book: dict[frozenset[int], tuple[Base, Base]] = scenario.shared("bases", dict)
    if ordered not in book:
        found = _bases(problem if scenario is problem.scenario else Problem.of(scenario), ordered, options, watch)
        if found is None:
            return FROM_NOTHING
        book[ordered] = found
    return book[ordered][0].start(session), book[ordered][1].start(session.distance(problem, problem.grids))


def _bases(problem: Problem, ordered: frozenset[int], options: Options, watch: Watch) -> tuple[Base, Base] | None:
    """Where the solves of a scenario before any change end, over its straight slices and measured. None where they do
    not come to an end."""
    session = _pool.borrow(problem, ordered)
    try:
        each = (session, session.distance(problem, problem.grids))
        return Base.of(each[0], problem, options.seconds, watch), Base.of(each[1], problem, options.seconds, watch)
    except (Impossible, EngineError):
        return None
    finally:
        _pool.give_back(session)
