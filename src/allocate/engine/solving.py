"""Solving scenarios: sessions kept live by structure, lent to one thread at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from allocate.compiler import Compiled
from allocate.engine.certificate import Certificate, Flows, certify
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
    optimum,
    wide_grids,
)
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
    problem, ordered = Problem.of(scenario), frozenset[int]()
    while True:
        session = _pool.borrow(problem, ordered := ordered | must_order(problem))
        try:
            found = optimum(session, problem, options, watch, _starts(session, problem, ordered))
            solved = _in_whole_pounds(session, problem, found, options, watch)
        except Phantom as phantom:
            ordered = ordered | phantom.curves
            continue
        except Impossible:
            if options.opened is not None:
                options = replace(options, opened=None)
                continue
            if problem.gain_rows and problem.slices is None:
                problem = replace(problem, slices=SLICES_WHEN_TIGHT)
                continue
            if watch.stopped:
                raise Stopped from None
            grids = wide_grids(problem)
            raise no_plan(_pool.fresh(problem, grids, ordered), problem, grids, options.seconds) from None
        finally:
            _pool.give_back(session)
        watch.settle(solved.certificate.value, solved.certificate.bound)
        return solved if not watch.stopped else replace(solved, optimum=replace(solved.optimum, status="stopped"))


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


def _starts(session: Session, problem: Problem, ordered: frozenset[int]) -> Starts:
    """Where the solves of a what-if begin: where those of the scenario before any change end, whatever was solved
    meanwhile. The scenario itself, and models with choices, begin from nothing."""
    scenario = problem.scenario.base
    if scenario is None or session.has_integers:
        return FROM_NOTHING
    bases = scenario.shared(("bases", ordered), lambda: _bases(Problem.of(scenario), ordered))
    if bases is None:
        return FROM_NOTHING
    return bases[0].start(session), bases[1].start(session.distance(problem, problem.grids))


def _bases(problem: Problem, ordered: frozenset[int]) -> tuple[Base, Base] | None:
    """Where the solves of a scenario before any change end, over its straight slices and measured."""
    session = _pool.borrow(problem, ordered)
    try:
        return Base.of(session, problem), Base.of(session.distance(problem, problem.grids), problem)
    except (Impossible, EngineError):
        return None
    finally:
        _pool.give_back(session)
