"""Long work of a page: shown as far as it is, stopped when asked, kept for whoever asks again."""

from __future__ import annotations

import threading

import pytest
from streamlit.testing.v1 import AppTest

from allocate.ui import tasks
from allocate.ui.tasks import Task


def test_a_task_says_how_far_it_is():
    """What it is told of its progress can be read, and whether to go on follows from its watch."""
    task = Task("key", lambda task: task.tick(1, 3))
    task.start().done.result(5)
    assert task.at == (1, 3)
    assert task.done.result() is True
    task.watch.stop()
    assert task.tick(2, 3) is False


def test_a_task_hands_on_what_its_work_raises():
    """An error of the work is raised where its result is asked for."""

    def fail(_: Task) -> None:
        raise ValueError("not so")

    with pytest.raises(ValueError, match="not so"):
        Task("key", fail).start().done.result(5)


def page() -> None:
    """A page that asks for what is under way until it is let go."""
    import streamlit as st

    from allocate.ui import tasks
    from tests.ui import test_tasks

    tasks.begin()
    if st.checkbox("ask", value=True):
        found, ended = tasks.ask("slow", test_tasks.KEY, test_tasks.slow, "Looking")
        st.write(f"{found} {ended}")


KEY = "a key of this test alone"
gate = threading.Event()


def slow(task: Task) -> str:
    """Until the gate is open, or it is stopped."""
    while not gate.wait(0.01):
        if not task.tick(1, 2):
            return "part"
    return "all"


@pytest.fixture
def visit(monkeypatch):
    """A visitor of the page, who waits for nothing."""
    monkeypatch.setattr(tasks, "PATIENCE", 0.0)
    monkeypatch.setattr(tasks.Task.ready, "__defaults__", (0.05,))
    monkeypatch.setattr(tasks, "_found", tasks.solving.Shared(4))
    gate.clear()
    yield AppTest.from_function(page, default_timeout=30).run()
    gate.set()


def test_a_long_task_is_shown_and_stopped(visit):
    """While it is under way the page says how far it is; stopped, it gives what it has by then, and says that it is not
    all."""
    assert not visit.exception
    assert visit.markdown[0].value == "None False"
    assert "Looking: 1 of 2." in visit.get("html")[0].value
    task = visit.session_state[tasks.TASKS]["slow"]
    visit.button[0].click().run()
    assert task.done.result(5) == "part"
    visit.run()
    assert visit.markdown[0].value == "part False"


def test_what_was_stopped_can_go_on(visit):
    """A task that was stopped begins anew once that is asked for."""
    task = visit.session_state[tasks.TASKS]["slow"]
    visit.button[0].click().run()
    task.done.result(5)
    visit.run()
    visit.session_state[tasks.TASKS].pop("slow")
    visit.run()
    assert visit.markdown[0].value == "None False"
    assert visit.session_state[tasks.TASKS]["slow"] is not task


def test_a_task_that_ends_is_kept(visit):
    """What it found to its end is there for everybody, and nothing is left running."""
    gate.set()
    visit.session_state[tasks.TASKS]["slow"].done.result(5)
    visit.run()
    assert visit.markdown[0].value == "all True"
    assert tasks.known("slow", KEY) == "all"
    assert "slow" not in visit.session_state[tasks.TASKS]


def test_what_nobody_asks_for_is_stopped(visit):
    """A task that the page no longer asks for is told to stop at the next run but one."""
    task = visit.session_state[tasks.TASKS]["slow"]
    visit.checkbox[0].set_value(False).run()
    visit.run()
    assert task.watch.stopped
    assert visit.session_state[tasks.TASKS] == {}
