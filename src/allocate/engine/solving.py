"""Solving scenarios: sessions kept live by structure, lent to one thread at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from allocate.compiler import Compiled
from allocate.engine.certificate import Certificate, Flows, certify
from allocate.engine.clash import no_plan
from allocate.engine.highs import Impossible
from allocate.engine.model import Sets, compiled, structure
from allocate.engine.optimum import (
    Optimum,
    Options,
    Phantom,
    must_order,
    optimum,
    wide_grids,
)
from allocate.engine.problem import SLICES_WHEN_TIGHT, Problem
from allocate.engine.rounding import whole_pounds
from allocate.engine.session import Session
from allocate.engine.watch import Stopped, Watch
from allocate.errors import EngineError
from allocate.scenario.scenario import Scenario

Array = np.ndarray
KEPT = 16
"""Idle sessions kept live, and compiled models, over all scenarios."""


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
        self._idle: OrderedDict[tuple[Hashable, int], Session] = OrderedDict()
        self._compiled: OrderedDict[Hashable, Compiled] = OrderedDict()
        self._count = 0

    def borrow(self, problem: Problem, ordered: frozenset[int]) -> Session:
        grids = problem.grids
        wanted = structure(problem, grids, ordered)
        with self._lock:
            for key in self._idle:
                if key[0] == wanted:
                    return self._idle.pop(key)
        return self.fresh(problem, grids, ordered)

    def fresh(self, problem: Problem, grids: list[Array], ordered: frozenset[int]) -> Session:
        """A session over these breakpoints that nobody else has."""
        return Session(problem, grids, ordered, self._matrix(problem, grids, ordered))

    def _matrix(self, problem: Problem, grids: list[Array], ordered: frozenset[int]) -> Compiled:
        """The compiled model. Two threads may compile the same one at once; neither waits for the other."""
        key = structure(problem, grids, ordered)
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
                return self._compiled[key]
        made = compiled(Sets.of(problem, grids, ordered))
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
    ordered = must_order(problem)
    while True:
        session = _pool.borrow(problem, ordered)
        try:
            found = optimum(session, problem, options, watch)
        except Phantom as phantom:
            ordered = ordered | phantom.curves
            continue
        except Impossible:
            if problem.gain_rows and problem.slices is None:
                problem = replace(problem, slices=SLICES_WHEN_TIGHT)
                continue
            if watch.stopped:
                raise Stopped from None
            grids = wide_grids(problem)
            raise no_plan(_pool.fresh(problem, grids, ordered), problem, grids, options.seconds) from None
        finally:
            _pool.give_back(session)
        solved = _in_whole_pounds(problem, found, watch)
        watch.settle(solved.certificate.value, solved.certificate.bound)
        return solved if not watch.stopped else replace(solved, optimum=replace(found, status="stopped"))


def _in_whole_pounds(problem: Problem, found: Optimum, watch: Watch) -> Solved:
    flows = whole_pounds(problem, found.flows, watch)
    exact = found.certificate
    if flows is not None:
        certificate = certify(problem, flows, exact.bound, 1e-6, exact.branches)
        if not certificate.breaches:
            return Solved(problem, flows, found, certificate, whole=True)
    if exact.breaches:
        raise EngineError("the plan breaks the scenario's own limits: " + "; ".join(exact.breaches[:3]))
    return Solved(problem, found.flows, found, exact, whole=False)
