"""The explorer as Streamlit's AppTest runs it: pages without a browser, for what they say and do."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element, Node

import allocate as al
from allocate.ui import desk, fair_more, state
from allocate.ui.knobs import knobs
from allocate.ui.solving import Runs
from allocate.ui.tasks import TASKS
from tests.conftest import SCENARIOS

APP = SCENARIOS.parent / "app.py"
PAGES = ("plan", "money", "rules", "fair", "deal", "compare", "evidence")
PATIENCE = 60.0
"""Seconds that one run of a page may take, and one solve."""

Start = Callable[..., None]


@pytest.fixture
def explorer(tmp_path, monkeypatch) -> Iterator[Start]:
    """The explorer with a store of its own, on the examples; `explorer(folder, ...)` starts it again, the store as it
    was, on other folders."""

    def begin(*folders: Path) -> None:
        monkeypatch.setenv("ALLOCATE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv(desk.SCENARIOS, ":".join(str(each) for each in folders or (SCENARIOS,)))
        for made in (desk.store, desk.shelf):
            made.clear()

    # Curves of few points are as true, and are found sooner.
    monkeypatch.setattr(fair_more, "POINTS", 4)
    monkeypatch.setattr(fair_more, "FEW", 3)
    begin()
    yield begin
    for made in (desk.store, desk.shelf):
        made.clear()


def visit(page: str = "plan", **query: Any) -> AppTest:
    """A new visitor who opens a page by its address."""
    app = AppTest.from_file(APP, default_timeout=PATIENCE)
    for name, value in query.items():
        app.query_params[name] = value if isinstance(value, list) else str(value)
    settle(app)
    return app if page == "plan" else go(app, page)


def go(app: AppTest, page: str) -> AppTest:
    """Move to another page of the same visit."""
    return settle(app.switch_page(f"src/allocate/ui/pages/{page}.py"))


def settle(app: AppTest) -> AppTest:
    """Run the page, and again once whatever it waits for is solved. Fails where the page raises an exception."""
    app.run()
    waiting = app.session_state[state.RUNS] if state.RUNS in app.session_state else Runs()
    for _ in range(5):
        tasks = app.session_state[TASKS].values() if TASKS in app.session_state else ()
        running = [task for task in tasks if not task.watch.stopped]
        if not (waiting._runs or running) or app.exception:
            break
        for run in [*waiting._runs.values(), *running]:
            run.done.result(PATIENCE)
        app.run()
    assert not app.exception, [each.value for each in app.exception]
    return app


def unfold(app: AppTest) -> AppTest:
    """Open every fold that is only filled once it is open, and show the figures of pictures as tables."""
    tables = [each for each in app.toggle if each.key == "figures"]
    if tables and not tables[0].value:
        tables[0].set_value(True)
        settle(app)
    for _ in range(3):
        closed = [each for each in folds(app) if each.proto.id and not app.session_state[each.key]]
        if not closed:
            return app
        for each in closed:
            app.session_state[each.key] = True
        settle(app)
    return app


def folds(app: AppTest) -> list[Block]:
    """Every expander of the page."""
    return [node for node in nodes(app) if isinstance(node, Block) and node.type == "expander"]


def nodes(app: AppTest) -> list[Node]:
    """Everything on the page and at its side, in order."""
    found: list[Node] = []

    def walk(node: Node) -> None:
        found.append(node)
        for child in getattr(node, "children", {}).values():
            walk(child)

    walk(app.main)
    walk(app.sidebar)
    return found


def bodies(app: AppTest) -> list[str]:
    """The HTML of every piece of the page, but for the style sheet."""
    return [each.value for each in app.get("html") if "<style" not in each.value]


def words(body: str) -> str:
    """The text of a piece of HTML, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def heads(table: str, scope: str = "col") -> list[str]:
    """What heads the columns, or the rows, of a table."""
    return [words(each) for each in re.findall(rf"<th [^>]*scope='{scope}'[^>]*>(.*?)</th>", table)]


def said(app: AppTest) -> str:
    """All that the page says in HTML, with single spaces."""
    return " ".join(words(each) for each in bodies(app))


def verdict(app: AppTest) -> str:
    """The sentence that the page opens with."""
    return words(next(each for each in bodies(app) if "al-verdict" in each))


def changed(app: AppTest) -> str:
    """The strip of what differs from the plan as agreed."""
    shown = [words(each) for each in bodies(app) if "al-change" in each or "Changed from base" in each]
    return " ".join(shown)


def draft(app: AppTest):
    """What the visitor has drafted."""
    return app.session_state[state.DRAFT]


def move(app: AppTest, path: str, value: Any) -> AppTest:
    """Move a slider of the side to a figure, told in the scenario's own unit."""
    knob = knobs(al.read(SCENARIOS / draft(app).scenario))[path]
    if not [each for each in app.slider if each.key == f"side:{path}"]:
        app.selectbox(key=f"more-{knob.panel}").set_value(path)
        settle(app)
    app.slider(key=f"side:{path}").set_value(knob.shown(value))
    return settle(app)


def keep(app: AppTest, name: str, author: str = "A. Director", note: str = "") -> AppTest:
    """Keep the plan on the page."""
    form = {each.label: each for each in app.text_input if each.form_id.startswith("keep-form")}
    form["Name"].set_value(name)
    form["Your name"].set_value(author)
    app.text_area[0].set_value(note)
    return press(app, "Keep")


def press(app: AppTest, label: str) -> AppTest:
    """Press the only button of this name."""
    found = [each for each in app.button if each.label == label]
    assert len(found) == 1, f"{len(found)} buttons are called {label!r}"
    found[0].click()
    return settle(app)


__all__ = ["APP", "PAGES", "Element"]
