"""Solves for visitors: answers shared by fingerprint, each solve in a thread of its own, so that nobody waits for
another's and anybody can stop his own."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from allocate.engine.watch import Watch
from allocate.errors import AllocateError, EngineError
from allocate.plan.plan import Plan, solve
from allocate.scenario.scenario import Scenario

PATIENCE = 0.8
"""Seconds a page waits for an answer before it shows how far the search is."""
REST = 0.05
"""Seconds that a visitor is left alone before what he may ask next is solved."""
KEPT = 256
T = TypeVar("T")


class Shared(Generic[T]):
    """The last results by key, for all visitors. Holds nothing that belongs to one of them."""

    def __init__(self, most: int = KEPT) -> None:
        self._lock, self._most = threading.Lock(), most
        self._kept: OrderedDict[Any, T] = OrderedDict()

    def get(self, key: Any) -> T | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Any, value: T) -> T:
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value

    def made(self, key: Any, make: Callable[[], T]) -> T:
        """What is kept under a key, or what `make` makes. Two may make it at once; neither waits for the other."""
        kept = self.get(key)
        return self.put(key, make()) if kept is None else kept


Answer = Plan | AllocateError
_answers: Shared[Answer] = Shared()
_changed: Shared[Scenario | AllocateError] = Shared()


@dataclass(eq=False)
class Run:
    """A solve under way: `watch` says how far it is and stops it."""

    scenario: Scenario
    watch: Watch = field(default_factory=Watch)
    done: Future[Answer] = field(default_factory=Future)
    began: float = field(default_factory=time.monotonic)

    def start(self) -> Run:
        """Begin, in a thread of its own."""
        threading.Thread(target=self.work, daemon=True).start()
        return self

    def work(self) -> None:
        """Solve, here and now."""
        try:
            self.done.set_result(_solved(self.scenario, self.watch))
        except BaseException as error:
            self.done.set_exception(error)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began


def _solved(scenario: Scenario, watch: Watch) -> Answer:
    try:
        answer: Answer = solve(scenario, watch=watch)
    except AllocateError as error:
        # What it was raised from holds whole models.
        answer = error.with_traceback(None)
        answer.__cause__ = answer.__context__ = None
    if not watch.stopped and not isinstance(answer, EngineError):
        _answers.put(scenario.digest, answer)
    return answer


def answer(scenario: Scenario) -> Plan:
    """The plan, waiting for it. Raises what `allocate.solve` raises. For the small re-solves that explain a plan."""
    found = _answers.get(scenario.digest)
    if found is None:
        found = _solved(scenario, Watch())
    if isinstance(found, AllocateError):
        raise found
    return found


def known(scenario: Scenario) -> Answer | None:
    """The answer, if somebody has asked before."""
    return _answers.get(scenario.digest)


def change(base: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """`base.change(changes)`, remembered. Raises ScenarioError."""
    if not changes:
        return base

    def make() -> Scenario | AllocateError:
        try:
            return base.change(changes)
        except AllocateError as error:
            return error

    found = _changed.made((base.digest, repr(list(changes.items()))), make)
    if isinstance(found, AllocateError):
        raise found
    return found


class Ahead:
    """Solves what a visitor is likely to ask next, one after the other, once he has rested for a moment."""

    def __init__(self, likely: Callable[[], Iterable[Scenario]]) -> None:
        self._likely, self._off = likely, threading.Event()
        self.run: Run | None = None
        threading.Thread(target=self._work, daemon=True).start()

    def stop(self) -> None:
        """Leave off."""
        self._off.set()
        if self.run is not None:
            self.run.watch.abandon()

    def _work(self) -> None:
        if self._off.wait(REST):
            return
        for scenario in self._likely():
            if self._off.is_set():
                return
            if known(scenario) is None:
                self.run = Run(scenario)
                self.run.work()
                if self._off.is_set():
                    return


class Runs:
    """One visitor's solves under way, and the answers that he stopped early."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._stopped: dict[str, Plan] = {}
        self._ahead: Ahead | None = None

    def ask(self, scenario: Scenario, patience: float = PATIENCE) -> Answer | Run:
        """The answer for a scenario, or the run that is looking for it once patience has run out."""
        digest = scenario.digest
        found = _answers.get(digest) or self._stopped.get(digest)
        if found is not None:
            return found
        run = self._runs.get(digest) or self._runs.setdefault(digest, self._begun(scenario))
        try:
            run.done.exception(timeout=max(0.0, patience - run.seconds))
        except TimeoutError:
            return run
        # A run of the page that a newer one has overtaken may be here at the same time: it may have gone already.
        self._runs.pop(digest, None)
        found = run.done.result()
        if run.watch.stopped and isinstance(found, Plan):
            self._stopped = {digest: found}
        return found

    def _begun(self, scenario: Scenario) -> Run:
        """The run for a scenario: the one that was begun ahead, or a new one."""
        ahead = self._ahead.run if self._ahead else None
        if ahead is not None and not ahead.done.done() and ahead.scenario.digest == scenario.digest:
            self._ahead = None
            return ahead
        self.rest()
        return Run(scenario).start()

    def ahead(self, likely: Callable[[], Iterable[Scenario]]) -> None:
        """Solve these while the visitor looks at the page, so that his next move finds its answer there."""
        self.rest()
        self._ahead = Ahead(likely)

    def rest(self) -> None:
        """Leave off solving ahead."""
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None

    def only(self, scenarios: Iterable[Scenario]) -> None:
        """Stop every run but those for these scenarios, and what is solved ahead, which would be in their way."""
        wanted = {scenario.digest for scenario in scenarios}
        begun = self._ahead.run if self._ahead else None
        if begun is None or begun.done.done() or begun.scenario.digest not in wanted:
            self.rest()
        for digest in [digest for digest in list(self._runs) if digest not in wanted]:
            if (run := self._runs.pop(digest, None)) is not None:
                run.watch.stop()
