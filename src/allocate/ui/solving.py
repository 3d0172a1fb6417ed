"""Solves for visitors: answers shared by fingerprint, each solve in a thread of its own, so that nobody waits for
another's and anybody can stop his own."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from allocate.engine.watch import Stopped, Watch
from allocate.errors import AllocateError, EngineError, NoPlan
from allocate.plan.plan import Plan, solve
from allocate.scenario.scenario import Scenario

PATIENCE = 0.8
"""Seconds a page waits for an answer before it shows how far the search is."""
AT_ONCE = 0.06
"""Seconds after which an answer is no longer there at once, and one with an earlier plan's choices is looked for."""
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
    """A solve under way: `watch` says how far it is and stops it. With `choices` it keeps those of an earlier plan;
    `aside` is one that does, while this one looks for better."""

    scenario: Scenario
    watch: Watch = field(default_factory=Watch)
    done: Future[Answer] = field(default_factory=Future)
    began: float = field(default_factory=time.monotonic)
    choices: Plan | None = None
    aside: Run | None = None

    def start(self) -> Run:
        """Begin, in a thread of its own."""
        threading.Thread(target=self.work, daemon=True).start()
        return self

    def work(self) -> None:
        """Solve, here and now."""
        try:
            self.done.set_result(_solved(self.scenario, self.watch, self.choices))
        except BaseException as error:
            self.done.set_exception(error)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    def ready(self, patience: float) -> bool:
        """Whether it is done, waiting until so many seconds after it began."""
        return bool(wait([self.done], max(0.0, patience - self.seconds)).done)

    def keep(self, choices: Plan, patience: float) -> None:
        """Solve beside it with these choices kept, and wait for either."""
        self.aside = Run(self.scenario, Keeping(), choices=choices).start()
        wait([self.done, self.aside.done], max(0.0, patience - self.seconds), FIRST_COMPLETED)

    @property
    def held(self) -> Plan | None:
        """The plan with an earlier one's choices, where there is one by now. It is nobody's answer: what is kept,
        shared and compared is what the run finds."""
        if self.aside is None or self.aside.choices is None or not self.aside.done.done():
            return None
        found = self.aside.done.result()
        return found if isinstance(found, Plan) and taken(found) == taken(self.aside.choices) else None

    @property
    def in_vain(self) -> bool:
        """Whether it was stopped with nothing better than the plan with an earlier one's choices."""
        if self.held is None or not self.watch.stopped or not self.done.done():
            return False
        found = self.done.result()
        return isinstance(found, Stopped) or (isinstance(found, Plan) and found.value < self.held.value)

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self.watch.stop()
        if self.aside is not None:
            self.aside.watch.abandon()


class Keeping(Watch):
    """The watch of a solve that is to keep its choices: where they cannot be kept it ends, and searches for none."""

    def enter(self, stage: str) -> None:
        if stage == "searching yes/no choices":
            self.abandon()
        super().enter(stage)


def choices(scenario: Scenario) -> np.ndarray:
    """Which lines get nothing, or at least their minimum viable scale."""
    scale, low = (scenario.table("lines")[name].to_numpy() for name in ("scale", "low"))
    return (scale > 0) & (scale > low)


def taken(plan: Plan) -> list[int]:
    """The rows of the lines that a plan says yes to."""
    return np.flatnonzero(choices(plan.scenario) & (plan.spend["spend"].to_numpy() > 0.5)).tolist()


def _solved(scenario: Scenario, watch: Watch, choices: Plan | None = None) -> Answer:
    try:
        answer: Answer = solve(scenario, watch=watch, choices=choices)
    except AllocateError as error:
        # What it was raised from holds whole models.
        answer = error.with_traceback(None)
        answer.__cause__ = answer.__context__ = None
    if choices is None and not watch.stopped and not isinstance(answer, EngineError):
        _answers.put(scenario.digest, answer)
    return answer


def answer(scenario: Scenario, watch: Watch | None = None) -> Plan:
    """The plan, waiting for it. Raises what `allocate.solve` raises. For the small re-solves that explain a plan."""
    found = _answers.get(scenario.digest)
    if found is None:
        found = _solved(scenario, watch or Watch())
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
    """One visitor's solves under way, and the answers that he stopped early; `last` is the plan that he saw last."""

    def __init__(self) -> None:
        self.last: Plan | None = None
        self._runs: dict[str, Run] = {}
        self._stopped: dict[str, Plan | NoPlan] = {}
        self._ahead: Ahead | None = None
        self._held: dict[str, Plan] = {}

    def ask(self, scenario: Scenario, patience: float = PATIENCE, like: Plan | None = None) -> Answer | Run:
        """The answer for a scenario, or the run that is looking for it once patience has run out. With `like`, an
        earlier plan over the same lines, that is the sooner: as soon as there is a plan with its choices, which the run
        holds; and where nothing better was found before a stop the run stays the answer."""
        digest = scenario.digest
        found = _answers.get(digest) or self._stopped.get(digest)
        if found is not None:
            self._end(digest)
            return found
        run = self._runs.get(digest) or self._runs.setdefault(digest, self._begun(scenario))
        if like is not None and run.aside is None and not run.ready(min(AT_ONCE, patience)):
            run.keep(like, patience)
        if run.held is None:
            run.ready(patience)
        if not run.done.done() or (like is not None and run.in_vain):
            return run
        self._end(digest)
        found = run.done.result()
        if run.watch.stopped and isinstance(found, Plan | NoPlan):
            self._stopped = {digest: found}
        return found

    def _end(self, digest: str) -> None:
        """There is an answer: the run for it, if any, is over."""
        # A run of the page that a newer one has overtaken may be here at the same time: it may have gone already.
        run = self._runs.pop(digest, None)
        if run is not None and run.held is not None:
            self._held = {digest: run.held}

    def held(self, scenario: Scenario) -> Plan | None:
        """The plan with an earlier one's choices that was there before the answer for a scenario, if any, until the
        visitor asks for something else."""
        return self._held.get(scenario.digest)

    def forget(self, scenario: Scenario) -> None:
        """Let the next to ask for this look for an answer again."""
        self._runs.pop(scenario.digest, None)

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
                run.stop()
        self._held = {digest: plan for digest, plan in self._held.items() if digest in wanted}
