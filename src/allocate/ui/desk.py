"""The desk that every page is laid on: what is open, what was changed, the levers, keeping and sharing."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st

from allocate.errors import AllocateError, EngineError, NoPlan, ScenarioError
from allocate.plan.plan import Plan
from allocate.scenario.paths import panel as panel_of
from allocate.scenario.scenario import Scenario
from allocate.ui import parts, solving, state, tasks
from allocate.ui.address import Draft
from allocate.ui.serving import SCENARIOS
from allocate.ui.shelf import Book, Missing, Shelf
from allocate.ui.store import Store, StoreError
from allocate.ui.tray import Tray


@dataclass(frozen=True)
class View:
    """What a page shows. `base` is the plan as agreed; `rebased` the same re-solved under the draft's assumptions,
    where it has any; `plan` the draft's own. `clash` says why there is no plan, `broken` why the solver gave none.

    While yes/no choices are made afresh there is no plan yet, and `run` looks for it: what it holds, the plan with the
    choices as they were, may be looked at meanwhile. Once there is a plan `held` is that one, if it was shown."""

    draft: Draft
    book: Book
    wanted: Scenario
    base: Plan | None
    rebased: Plan | None
    plan: Plan | None
    clash: NoPlan | None = None
    broken: str = ""
    run: solving.Run | None = None
    held: Plan | None = None

    @property
    def agreed(self) -> Scenario:
        """The scenario as it was read."""
        return self.book.scenario

    @property
    def changed(self) -> bool:
        """Whether the draft changes anything."""
        return bool(self.draft.changes)

    @property
    def shown(self) -> Plan | None:
        """The plan to look at: the draft's own, or until there is one that with the choices as they were."""
        return self.plan if self.run is None else self.run.held

    @property
    def yardstick(self) -> Plan | None:
        """The plan that the draft's is compared with: the one as agreed, re-solved where assumptions were changed."""
        return self.base if self.rebased is None else self.rebased


@st.cache_resource(show_spinner=False)
def store() -> Store | None:
    """The store of kept plans; None where there can be none, which is said once."""
    try:
        return Store()
    except StoreError as error:
        print(error)
        return None


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """The scenarios on offer."""
    named = os.environ.get(SCENARIOS, "")
    folders = [Path(each) for each in named.split(os.pathsep) if each] or [home() / "scenarios"]
    return Shelf(folders, store())


@st.cache_resource(show_spinner=False)
def tray() -> Tray:
    """The files that visitors brought to be looked at."""
    return Tray()


def home() -> Path:
    """The folder of the script that Streamlit runs, where its settings and the examples lie."""
    import __main__

    script = Path(getattr(__main__, "__file__", "") or "app.py").resolve().parent
    return script if (script / "scenarios").is_dir() else Path.cwd()


@st.cache_resource(show_spinner=False)
def tidy() -> None:
    """Once a process: what is loaded by now is never garbage. Streamlit collects after every run, before the browser
    hears of its end, and would walk through all of it each time."""
    gc.collect()
    gc.freeze()
    # The thread that sends words to the browser waits this long for one that is still drawing what comes after them.
    sys.setswitchinterval(0.0005)


def open_view(question: str, meanwhile: bool = False) -> View:
    """Begin a page: read the address, find the scenario, solve. Draws the heading and whatever must be said first; ends
    the page where there is nothing to show. With `meanwhile` the page can show a view whose choices are still made."""
    return _solved(*open_page(question), meanwhile)


def open_page(question: str) -> tuple[Draft, Book, Scenario]:
    """As `open_view`, without a plan: the draft, the scenario that it is about, and the one that it makes of it."""
    tidy()
    state.arrive(question)
    tasks.begin()
    state.begin(_first)
    book = _book()
    state.on(book.digest)
    wanted = state.fitting(book.scenario)
    _check_seat(book.scenario)
    state.keep_address(version=book.origin != "folder")
    draft = state.draft()
    st.html(f"<p class='al-over'>{parts.plain(book.name)}</p>" + parts.title(question, level=1))
    for message in state.told():
        parts.draw(parts.verdict(message, "note"), key=f"told-{abs(hash(message))}")
    return draft, book, wanted


def _first() -> str:
    names = shelf().names()
    if not names:
        st.html(parts.verdict("There is no scenario here: name a folder that holds one.", "bad"))
        _stop()
    return names[0][0]


def _book() -> Book:
    """The scenario that the draft is about. One that cannot be had is said in words, and the page ends."""
    draft = state.draft()
    try:
        return _version(draft)
    except ScenarioError as error:
        st.html(parts.verdict("Nothing can be planned before this is put right.", "bad", f"{error.name} has problems."))
        st.html(parts.lines(map(str, error.problems)))
    except AllocateError as error:
        st.html(parts.verdict(str(error), "bad", "This cannot be opened."))
        if draft.base and draft.scenario in dict(shelf().names()):
            newer = replace(draft, base="")
            st.button("Open today's version with these changes", on_click=state.put, args=(newer,), type="primary")
    first = _first()
    st.button("Open the first scenario instead", on_click=state.put, args=(Draft(first),))
    return _stop()


def _version(draft: Draft) -> Book:
    """The version of the scenario that a draft is about; today's, where nothing was changed and the folder was."""
    try:
        return shelf().get(draft.scenario, draft.base)
    except Missing:
        if draft.changes or draft.plans:
            raise
        return shelf().get(draft.scenario)


def _check_seat(scenario: Scenario) -> None:
    """A seat that the scenario does not have is told, and left."""
    draft = state.draft()
    table, _, key = draft.seat.partition(".")
    if draft.seat and (table not in ("partners", "places") or key not in set(scenario.table(table)["id"])):
        state.tell(f"This link takes the seat of “{draft.seat}”, who is not here. You see the whole system.")
        state.sit("")


def _solved(draft: Draft, book: Book, wanted: Scenario, meanwhile: bool) -> View:
    """The plans of a draft. While the solver is still at it the page says how far it is, and ends there; or goes on,
    `meanwhile`, with the choices as they were."""
    runs = state.runs()
    changed = assumed(draft)
    scenarios = {"base": book.scenario, "plan": wanted}
    if changed:
        try:
            scenarios["rebased"] = solving.change(book.scenario, changed)
        except ScenarioError:
            text = "The agreed plan cannot be solved under these assumptions: they hold only with your other changes."
            parts.draw(parts.verdict(text, "note"), key="told-rebased")
    runs.only(scenarios.values())
    answers: dict[str, solving.Answer] = {}
    for name in ("plan", "base", "rebased"):
        if name in scenarios:
            like = _like(book, wanted) if meanwhile and name == "plan" else None
            found = runs.ask(scenarios[name], like=like)
            if isinstance(found, solving.Run):
                if like is None or found.held is None:
                    _wait(View(draft, book, wanted, None, None, None), found)
                base = None if changed else solving.known(book.scenario)
                return View(draft, book, wanted, base if isinstance(base, Plan) else None, None, None, run=found)
            answers[name] = found
    plans = {name: found if isinstance(found, Plan) else None for name, found in answers.items()}
    failed = answers["plan"]
    runs.last = plans["plan"] or runs.last
    return View(
        draft, book, wanted, plans["base"], plans.get("rebased"), plans["plan"],
        failed if isinstance(failed, NoPlan) else None,
        str(failed) if isinstance(failed, EngineError) else "", held=runs.held(wanted),
    )  # fmt: skip


def _like(book: Book, wanted: Scenario) -> Plan | None:
    """The plan whose yes/no choices to keep while better ones are looked for: the visitor's last, or the one as agreed;
    None where there are none to keep."""
    if not solving.choices(wanted).any():
        return None
    plans = (state.runs().last, solving.known(book.scenario))
    return next((p for p in plans if isinstance(p, Plan) and p.scenario.line_ids == wanted.line_ids), None)


def assumed(draft: Draft) -> dict[str, Any]:
    """The draft's changes of assumptions."""
    return {path: value for path, value in draft.changes.items() if panel_of(path) == "assumption"}


def _wait(view: View, run: solving.Run) -> NoReturn:
    """Say how far a long solve is, with a way to stop it; look again twice a second. Ends the page."""
    from allocate.ui.panels import PANELS, aside, strip

    @st.fragment(run_every=0.5)
    def progress() -> None:
        if run.done.done():
            st.rerun()
        watch = run.watch
        best = f" The best plan so far is worth {watch.value:,.6g}" if watch.value == watch.value else ""
        bound = f"; no plan can be worth more than {watch.bound:,.6g}." if best and watch.bound == watch.bound else ""
        stage = (watch.stage or "starting").capitalize()
        text = f"{stage}, {run.seconds:.0f} seconds so far.{best}{bound or '.' * bool(best)}"
        st.html(parts.verdict(text, "note", "Still solving."))
        st.button("Stop, and keep the best plan so far", on_click=watch.stop, key="stop-solve", disabled=watch.stopped)

    progress()
    strip(view)
    aside(view.draft, PANELS, view)
    _stop()


def _stop() -> NoReturn:
    """End the page here."""
    st.stop()
    raise AssertionError
