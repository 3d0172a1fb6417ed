"""Yes/no choices made afresh: the plan with the choices as they were while better ones are looked for, and what it made
of a difference once they are found."""

from __future__ import annotations

import streamlit as st

from allocate.plan.explaining import aim_unit
from allocate.plan.figures import at_most, number
from allocate.plan.plan import Plan
from allocate.plan.words import count, some
from allocate.scenario.scenario import Scenario
from allocate.ui import parts, solving, state
from allocate.ui.desk import View
from allocate.ui.words import line_name

AS_THEY_WERE = "With the choices as they were."
SAME = 1e-9
"""Values that differ by less than this share of themselves are the same."""


def draw(view: View) -> None:
    """How far the search for better choices is, with a way to stop it, or what it has changed; nothing where the answer
    was there at once."""
    run = view.run
    if run is not None and run.done.done():
        _given_up(view.wanted)
    elif run is not None:
        _seeking(run)
    elif view.held is not None and view.plan is not None:
        lead, colon, rest = difference(view.held, view.plan).partition(":")
        with st.container(key="afresh", horizontal=True, vertical_alignment="center"):
            _say(lead + colon, rest)


def go_on(view: View) -> None:
    """At the end of a page: begin it anew where better choices were found while it was drawn."""
    if view.run is not None and view.run.done.done() and not view.run.in_vain:
        st.rerun()


def _seeking(run: solving.Run) -> None:
    """Looked at four times a second: most searches are short."""

    @st.fragment(run_every=0.25)
    def progress() -> None:
        if run.done.done():
            st.rerun()
        with st.container(key="afresh", horizontal=True, vertical_alignment="center"):
            _say(AS_THEY_WERE, progress_said(run))
            stopped = run.watch.stopped
            st.button("Stop, and keep the best so far", on_click=run.watch.stop, key="stop-solve", disabled=stopped)

    progress()


def _given_up(scenario: Scenario) -> None:
    """Stopped before anything better was found: the choices as they were stay on the page."""
    with st.container(key="afresh", horizontal=True, vertical_alignment="center"):
        _say(AS_THEY_WERE, "Stopped before better ones were found.")
        st.button("Look again", on_click=state.runs().forget, args=(scenario,), key="look-again")


def _say(lead: str, text: str) -> None:
    st.html(f"<p class='al-text al-grow'><strong>{parts.plain(lead)}</strong> {parts.plain(text)}</p>")


def progress_said(run: solving.Run) -> str:
    """How much more better choices could buy, what was found of it, and since when they are looked for."""
    assert run.held is not None
    held, watch = run.held, run.watch
    near = SAME * abs(held.value)
    most = min(bound for bound in (held.certificate.bound, watch.bound) if bound == bound) - held.value
    found = watch.value - held.value
    could = f": at most {at_most(most)} more {aim_unit(held)}" if most > near else ""
    so_far = f", {number(found)} found" if could and found > near else ""
    since = f"; {count(int(run.seconds), 'second')} so far" if run.seconds >= 1 else ""
    return f"Looking for better ones{could}{so_far}{since}."


def difference(held: Plan, plan: Plan) -> str:
    """What choosing afresh has changed, in a sentence."""
    was, now = set(solving.taken(held)), set(solving.taken(plan))
    more = plan.value - held.value
    same = abs(more) <= SAME * max(abs(plan.value), abs(held.value))
    moves = _moves(plan.scenario, sorted(now - was), sorted(was - now))
    if not moves:
        return "Choosing afresh changes nothing: no other choices were found to buy more."
    unit = aim_unit(plan)
    if same:
        return f"Choosing afresh buys as much, nearer to today: {moves}."
    if more < 0:
        return f"The choices as they were buy {number(-more)} more {unit} than the best found in the time: {moves}."
    return f"Choosing afresh buys {number(more)} more {unit}: {moves}."


def _moves(scenario: Scenario, came: list[int], went: list[int]) -> str:
    """Which lines come in, and which go out; '' for none."""
    said = []
    for way, one, many, rows in (("in", "comes", "come", came), ("out", "goes", "go", went)):
        if rows:
            said.append(f"{way} {one if len(rows) == 1 else many} {some([_name(scenario, row) for row in rows])}")
    return ", ".join(said)


def _name(scenario: Scenario, row: int) -> str:
    """A line as briefly as tells it apart: by what it is for and where, or with who spends it too."""
    keys = ["programme", "place", "year"]
    lines = scenario.table("lines")
    line = lines.iloc[row]
    if (lines[keys] == line[keys]).all(axis=1).sum() > 1 or len(scenario.years) > 1:
        return line_name(scenario, line)
    return f"{scenario.name_of('programmes', line['programme'])} in {scenario.name_of('places', line['place'])}"
