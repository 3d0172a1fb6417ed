"""A watch: through it a solve tells whoever waits how far it is, and hears that it should stop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from allocate.errors import EngineError

T = TypeVar("T")
FIRST, LATE = 1.0, 0.01
"""Seconds that a solve is given however late it is: to make the first plan exact, and to better it."""
GRACE = 0.05
"""Seconds after a stop, or the end of the time, that HiGHS is given to hear it: deep in its search it may take more."""


class Stopped(EngineError):
    """A solve was told to stop before it had found any plan."""

    def __init__(self) -> None:
        super().__init__("stopped before a plan was found")


class Watch:
    """One solve, looked at and stopped from any thread; make a new one for each solve.

    stage    what the solve is at, in plain words: "reading the rules", "solving", "searching yes/no choices",
             "refining", "breaking ties", "rounding to whole pounds" or, where the rules clash, "looking for a way out";
             empty before it begins
    value    the best plan so far, in units of the aim; nan until there is one
    bound    what no plan can exceed, in units of the aim; nan until known, and only the certificate's word is proof
    stopped  whether it was told to stop
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._abandoned = False
        self._stage = ""
        self._exact = False
        self._seen = (math.nan, math.nan)
        self._ends = math.inf

    @property
    def stage(self) -> str:
        return self._stage

    @property
    def value(self) -> float:
        return self._seen[0]

    @property
    def bound(self) -> float:
        return self._seen[1]

    @property
    def stopped(self) -> bool:
        return self._told.is_set()

    def stop(self) -> None:
        """Ask the solve to end with the best plan it has; it raises `Stopped` where it has none yet."""
        self._told.set()

    def abandon(self) -> None:
        """Ask the solve to end as soon as may be: nobody wants its plan any more, and it raises `Stopped`."""
        self._abandoned = True
        self._told.set()

    def _go_on(self) -> None:
        if self._abandoned:
            raise Stopped

    def begin(self, seconds: float) -> None:
        """For the solve: it has so many seconds from now. Asked again, as where it begins anew, nothing is added."""
        if math.isinf(self._ends):
            self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """For the solve: seconds left, never so few that a plan once found could not be made exact. A stop does not
        shorten them. Raises Stopped where the solve was abandoned, as `enter` does."""
        self._go_on()
        owed = FIRST if self._stage == "searching yes/no choices" and not self._exact else LATE
        return max(owed, self._ends - time.monotonic())

    @property
    def late(self) -> bool:
        """For the solve: whether its time is up."""
        return time.monotonic() >= self._ends

    def enter(self, stage: str) -> None:
        """For the solve: what it is at from now on."""
        self._go_on()
        self._stage = stage
        self._exact = self._exact or stage == "refining"

    def heed(self, run: Callable[[], T], seconds: float) -> T:
        """For the solve: what `run` returns, in a thread of its own. It is left behind where it has not ended a moment
        after a stop, which raises Stopped, or after so many seconds, which raises EngineError; the process waits for
        it at its own end."""
        done: Future[T] = Future()
        threading.Thread(target=_told, args=(run, done)).start()
        ends, told = time.monotonic() + seconds + GRACE, math.inf
        while True:
            try:
                return done.result(timeout=GRACE / 4)
            except TimeoutError:
                now = time.monotonic()
                told = min(told, now) if self.stopped else math.inf
                if now > told + GRACE:
                    raise Stopped from None
                if now > ends:
                    raise EngineError("out of time") from None

    def tell(self, value: float = math.nan, bound: float = math.nan) -> None:
        """For the solve: a plan's value and a bound on all, in units of the aim. What is worse than what was told
        before, or not finite, says nothing."""
        with self._lock:
            seen = self._seen
            self._seen = (
                value if math.isfinite(value) and not value <= seen[0] else seen[0],
                bound if math.isfinite(bound) and not bound >= seen[1] else seen[1],
            )

    def settle(self, value: float, bound: float) -> None:
        """For the solve: the certificate's last word on both, in units of the aim."""
        with self._lock:
            self._seen = (value, bound)


def _told(run: Callable[[], T], done: Future[T]) -> None:
    """Run, and tell what came of it."""
    try:
        done.set_result(run())
    except BaseException as error:
        done.set_exception(error)
