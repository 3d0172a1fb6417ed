"""Sessions kept live by the structure of their models, lent to one thread at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from allocate.compiler import Compiled
from allocate.engine.model import Sets, Structure, compiled
from allocate.engine.problem import Problem
from allocate.engine.session import Session

Array = np.ndarray
KEPT = 64
"""Idle sessions kept live, and compiled models, over all scenarios: enough for a scenario without each of its rules in
turn."""
COLUMNS = 1_000_000
"""How many columns those sessions may have in all."""


class Pool:
    """Idle sessions. Borrowed ones belong to one thread until they are given back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[tuple[Structure, int], Session] = OrderedDict()
        self._compiled: OrderedDict[Structure, Compiled] = OrderedDict()
        self._count = self._columns = 0

    def borrow(self, problem: Problem, ordered: frozenset[int]) -> Session:
        """A session for a problem, with these curves made to fill in order: an idle one or a new one."""
        grids = problem.grids
        wanted = Structure.of(problem, grids, ordered)
        with self._lock:
            for key in self._idle:
                if key[0] == wanted:
                    return self._taken(key)
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
        """A session that is needed no more, as it is left. Those idle longest go where there are too many; one that
        alone is too large is not kept."""
        if session.columns > COLUMNS:
            return
        with self._lock:
            self._count += 1
            self._columns += session.columns
            self._idle[session.structure, self._count] = session
            while len(self._idle) > KEPT or self._columns > COLUMNS:
                self._taken(next(iter(self._idle)))

    def _taken(self, key: tuple[Structure, int]) -> Session:
        session = self._idle.pop(key)
        self._columns -= session.columns
        return session

    def clear(self) -> None:
        """Forget every session and model."""
        with self._lock:
            self._idle.clear()
            self._compiled.clear()
            self._columns = 0


POOL = Pool()
