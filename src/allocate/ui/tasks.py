"""Long work of a page in a thread of its own: how far it is, a way to stop it, and what it found.

Unlike a solve, which every page waits for, a task fills one part of a page; the rest stands meanwhile. A visitor has at
most one of each name: asked for with another key, the one before is stopped, and so is one that a page no longer asks
for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import streamlit as st

from allocate.engine.watch import Watch
from allocate.ui import parts, solving

PATIENCE = 0.8
"""Seconds that a page waits for a task before it shows how far it is."""
TASKS, ASKED = "tasks", "tasks-asked"
T = TypeVar("T")


@dataclass(eq=False)
class Task(Generic[T]):
    """Work under way: `work` is called with the task, which it tells how far it is (`tick`), and whose `watch` it may
    hand to a solver. `key` says what it is about."""

    key: Any
    work: Callable[[Task[T]], T]
    watch: Watch = field(default_factory=Watch)
    done: Future[T] = field(default_factory=Future)
    at: tuple[int, int] = (0, 0)
    began: float = field(default_factory=time.monotonic)

    def start(self) -> Task[T]:
        """Begin."""
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def _run(self) -> None:
        try:
            self.done.set_result(self.work(self))
        except BaseException as error:
            self.done.set_exception(error)

    def tick(self, done: int, total: int) -> bool:
        """So many of so many are done; whether to go on."""
        self.at = (done, total)
        return not self.watch.stopped

    def ready(self, patience: float = PATIENCE) -> bool:
        """Whether it is done, waiting until so many seconds after it began."""
        return bool(wait([self.done], max(0.0, patience - (time.monotonic() - self.began))).done)


_found: solving.Shared[Any] = solving.Shared(64)


def running() -> dict[str, Task]:
    """The visitor's tasks by name."""
    return st.session_state.setdefault(TASKS, {})


def begin() -> None:
    """At the start of a page's run: what the run before did not ask for is stopped, and forgotten."""
    asked = st.session_state.get(ASKED, set())
    for name in [name for name in running() if name not in asked]:
        running().pop(name).watch.stop()
    st.session_state[ASKED] = set()


def again(name: str) -> None:
    """Let a task that was stopped begin anew where it is next asked for."""
    running().pop(name, None)


def known(name: str, key: Any) -> Any:
    """What a task of this name and key found to its end, for anybody; None where none has."""
    return _found.get((name, key))


def ask(name: str, key: Any, work: Callable[[Task[Any]], T], text: str) -> tuple[T | None, bool]:
    """What the work finds, and whether that is all: not where it was stopped before its end. None while it is under
    way, which is then shown where this is called, with these words and a way to stop it. Raises what the work raises.
    """
    st.session_state.setdefault(ASKED, set()).add(name)
    if (kept := known(name, key)) is not None:
        return kept, True
    task = running().get(name)
    if task is None or task.key != key:
        if task is not None:
            task.watch.stop()
        task = running()[name] = Task(key, work).start()
    if not task.ready():
        _show(name, task, text)
        return None, False
    found = task.done.result()
    if not task.watch.stopped:
        running().pop(name, None)
        _found.put((name, key), found)
    return found, not task.watch.stopped


def _show(name: str, task: Task, text: str) -> None:
    """How far a task is, looked at twice a second."""

    @st.fragment(run_every=0.5)
    def progress() -> None:
        if task.done.done():
            st.rerun()
        done, total = task.at
        far = f"{done} of {total}" if total else f"{time.monotonic() - task.began:.0f} seconds so far"
        with st.container(key=f"wait-{name}", horizontal=True, vertical_alignment="center"):
            st.html(parts.paragraph(f"{text}: {far}.", "text al-grow"))
            key = f"stop-solve-{name}"
            st.button("Stop here", on_click=task.watch.stop, key=key, disabled=task.watch.stopped)

    progress()
