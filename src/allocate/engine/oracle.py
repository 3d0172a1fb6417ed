"""Does a plan exist with exactly these rules in force? Asked of one model held live in HiGHS.

A rule is whole: all its limits, or none of them. One that is left out has its rows' ends opened, so that nothing is
built again. What lines may spend, envelopes, routes and resources always hold; no aim is pursued. What an agreed rule
bends at its published price (`Rule.bends`) is no breach: its ends are that much wider.

Sets of rules are whole numbers, rule k being bit k, in the order of `Oracle.rules`. Each answer is kept, and so is what
it teaches: a plan keeps other rules too, and where there is none the multipliers that prove it (a ray of the dual;
Farkas) name a few rules that cannot hold together.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from allocate.compiler import Arrays
from allocate.engine.highs import Answer, Impossible, Solver, Start
from allocate.engine.optimum import must_order, wide_grids
from allocate.engine.pool import POOL
from allocate.engine.problem import SLICES, SLICES_WHEN_TIGHT, SLICES_WITH_CHOICES, Problem
from allocate.engine.session import Reached
from allocate.engine.watch import Watch
from allocate.errors import EngineError
from allocate.scenario.rulebook import Rule
from allocate.scenario.scenario import Scenario

Array = np.ndarray
KEPT = 1e-7
"""By how much, in solver units, a plan may miss a limit and keep it: as HiGHS has it."""


FEW = 2
"""Curves that must fill in order, up to which they have as many slices among them as others have each."""


class Over(Exception):
    """Time is up, or the search was stopped: what is known by now is all."""


@dataclass(frozen=True)
class Reply:
    """Whether these rules can all hold, and what else that says. `rules`: where they can, all that a plan keeps which
    keeps them; where they cannot, those among them that cannot hold together already."""

    possible: bool
    rules: int


class Oracle:
    """One scenario's rules, asked about in any number. Not for two threads at once; its time begins when it is made.

    rules      ids of the rules that have limits, in the order of the limits
    every      all of them, as a set; `statutory` and `agreed` are its parts
    owner      for each limit, the number of its rule; -1 for a resource
    problem    the problem without bends; `bent` is how much further each limit's two ends bend, in its own unit
    calls      how often HiGHS was asked
    """

    def __init__(self, scenario: Scenario, seconds: float, watch: Watch | None = None) -> None:
        self.watch = watch or Watch()
        self._ends = time.monotonic() + min(seconds, self.watch.left())
        self.scenario = scenario
        self.problem = problem = firm(scenario)
        book = {rule.id: rule for rule in scenario.rules}
        self.rules = tuple(dict.fromkeys(limit.owner for limit in problem.limits if limit.owner in book))
        number = {name: k for k, name in enumerate(self.rules)}
        self.owner = np.array([number.get(limit.owner, -1) for limit in problem.limits], dtype=int)
        self.every = (1 << len(self.rules)) - 1
        self.statutory = sum(1 << k for k, name in enumerate(self.rules) if book[name].standing == "statutory")
        self.agreed = self.every & ~self.statutory
        self.bent = np.array([bending(book.get(limit.owner)) for limit in problem.limits])
        ordered, self.grids = _grids(problem)
        self.session = POOL.fresh(problem, self.grids, ordered)
        self.rows = self.session.matrix.rows["limit"]
        self.arrays = self.figures(problem)
        self._relaxed = Solver(replace(self.arrays, integer=np.zeros(len(self.arrays.cost), dtype=bool)))
        self._whole = Solver(self.arrays) if self.has_integers else self._relaxed
        self._known: dict[int, Reply] = {}
        self._can: list[int] = []
        self._cannot: list[int] = []
        self.calls = 0

    @property
    def has_integers(self) -> bool:
        return bool(self.arrays.integer.any())

    def names(self, rules: int) -> tuple[str, ...]:
        """The ids of a set of rules."""
        return tuple(name for k, name in enumerate(self.rules) if rules >> k & 1)

    def figures(self, problem: Problem, off: int = 0) -> Arrays:
        """The model of a problem of the same shape, without an aim, ends as wide as they bend; the rules `off` open."""
        arrays = self.session.arrays(problem, self.grids)
        wide = self.bent / problem.limit_units
        lower, upper = arrays.row_lower.copy(), arrays.row_upper.copy()
        lower[self.rows] -= wide
        upper[self.rows] += wide
        return self._opened(replace(arrays, cost=np.zeros(len(arrays.cost)), row_lower=lower, row_upper=upper), off)

    def _opened(self, arrays: Arrays, off: int) -> Arrays:
        """The same with the ends of these rules' limits open."""
        if not off:
            return arrays
        gone = np.append([bool(off >> k & 1) for k in range(len(self.rules))], False)[self.owner]
        at = np.arange(len(arrays.row_lower))[self.rows][gone]
        lower, upper = arrays.row_lower.copy(), arrays.row_upper.copy()
        lower[at], upper[at] = -np.inf, np.inf
        return replace(arrays, row_lower=lower, row_upper=upper)

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self, rules: int) -> Reply:
        """Whether a plan keeps these rules, whatever it does to others. Raises Over where there is no time to say."""
        if (reply := self._known.get(rules)) is not None:
            return reply
        reply = self._recalled(rules) or self._found(rules)
        self._known[rules] = reply
        return reply

    def _recalled(self, rules: int) -> Reply | None:
        """What follows from earlier answers: fewer rules than some that can hold, or more than some that cannot."""
        for can in self._can:
            if not rules & ~can:
                return Reply(True, can)
        for cannot in self._cannot:
            if not cannot & ~rules:
                return Reply(False, cannot)
        return None

    def _found(self, rules: int) -> Reply:
        possible, taught = self._solved(rules)
        if not possible and taught != rules and self._solved(taught)[0]:
            # The multipliers were too rough to name rules by.
            taught = rules
        (self._can if possible else self._cannot).append(taught)
        return Reply(possible, taught)

    def _solved(self, rules: int) -> tuple[bool, int]:
        """The reply of HiGHS: without whole numbers first, which often settles it."""
        arrays = self._opened(self.arrays, self.every & ~rules)
        self.calls += 1
        try:
            answer = self.run(self._relaxed, replace(arrays, integer=self._relaxed.arrays.integer), "last")
        except Impossible:
            return False, rules & self._blamed()
        if self.has_integers and not _is_whole(answer, arrays):
            try:
                answer = self.run(self._whole, arrays)
            except Impossible:
                return False, rules
        return True, rules | self._keeps(answer)

    def _blamed(self) -> int:
        """The rules that the last proof without whole numbers needs; all where there is none."""
        ray = self._relaxed.ray
        if ray is None:
            return self.every
        weight = np.abs(ray[self.rows])
        return self._set(self.owner[weight > 1e-9 * np.abs(ray).max(initial=0.0)])

    def _keeps(self, answer: Answer) -> int:
        """All rules that this answer keeps."""
        body = answer.rows[self.rows]
        low, high = self.arrays.row_lower[self.rows], self.arrays.row_upper[self.rows]
        return self.every & ~self._set(self.owner[(body < low - KEPT) | (body > high + KEPT)])

    def _set(self, owners: Array) -> int:
        return sum(1 << k for k in np.unique(owners).tolist() if k >= 0)

    def possible(self, arrays: Arrays) -> bool:
        """Whether other figures of the same model have a plan. Raises Over."""
        self.calls += 1
        whole = bool(arrays.integer.any())
        try:
            self.run(self._whole if whole else self._relaxed, arrays, "nothing" if whole else "last")
        except (Impossible, EngineError):
            return False
        return True

    # --- time ---------------------------------------------------------------------------------------------------------

    def run(self, solver: Solver, arrays: Arrays | None = None, start: Start = "nothing") -> Answer:
        """What HiGHS answers in the time left. Raises Impossible, and Over where time was too short."""
        self.tick()
        if arrays is not None and arrays is not solver.arrays:
            (solver.load if arrays.integer.any() else solver.update)(arrays)
        left, whole = self.left, bool(solver.arrays.integer.any())
        try:
            if not whole:
                return solver.run(left, False, self.watch, start=start)
            return self.watch.heed(lambda: solver.run(left, True, self.watch), left)
        except EngineError:
            if self.watch.stopped or self.left <= 0:
                raise Over from None
            raise

    def reached(self, answer: Answer) -> Reached:
        """An answer to the problem as it is, whatever figures were tried since."""
        self.session.arrays(self.problem, self.grids)
        return self.session.reached(answer)

    @property
    def left(self) -> float:
        """Seconds left."""
        return self._ends - time.monotonic()

    def tick(self) -> None:
        """Raise Over where time is up, and Stopped where nobody waits any more."""
        self.watch.left()
        if self.watch.stopped or self.left <= 0:
            raise Over

    @contextmanager
    def within(self, share: float, most: float = np.inf) -> Iterator[None]:
        """A part of the time left, or so many seconds, for what is done within."""
        ends = self._ends
        self._ends = min(ends, time.monotonic() + min(most, share * max(self.left, 0.0)))
        try:
            yield
        finally:
            self._ends = ends


def firm(scenario: Scenario) -> Problem:
    """The problem of a scenario whose rules do not bend."""
    rules = tuple(rule.model_copy(update={"bends": ()}) if rule.bends else rule for rule in scenario.rules)
    return Problem.of(scenario if rules == scenario.rules else replace(scenario, rules=rules))


def bending(rule: Rule | None) -> float:
    """By how much each limit of a rule bends at its published price."""
    return sum(bend.width for bend in rule.bends) if rule is not None else 0.0


def _grids(problem: Problem) -> tuple[frozenset[int], list[Array]]:
    """Curves that must fill in order, and breakpoints over all that lines could spend: many for curves whose gains have
    limits, none inside for others, whose gains say nothing about what is possible. Where
    more than a few must fill in order they have the usual number, for each slice is a yes/no choice: what is called
    possible then is so but for a hair."""
    gains = problem.gain_rows
    below = np.isfinite(np.where(gains.values > 0, problem.limit_high[gains.rows], problem.limit_low[gains.rows]))
    counted = frozenset(gains.columns.tolist())
    # A plan must not keep a limit by pretending to gain less than its spend buys.
    ordered = (must_order(problem) & counted) | frozenset(gains.columns[below].tolist())
    least = SLICES_WITH_CHOICES if problem.choices.any() else SLICES
    few = SLICES_WHEN_TIGHT // len(ordered) if 0 < len(ordered) <= FEW else least
    many, some, ends = (wide_grids(replace(problem, slices=n)) for n in (SLICES_WHEN_TIGHT, few, least))
    grids = [some[q] if q in ordered else many[q] if q in counted else end[[0, -1]] for q, end in enumerate(ends)]
    return ordered, grids


def _is_whole(answer: Answer, arrays: Arrays) -> bool:
    """Whether the columns that must be whole are, to the last digits."""
    values = answer.columns[arrays.integer]
    return bool((np.abs(values - np.round(values)) <= 1e-9).all())
