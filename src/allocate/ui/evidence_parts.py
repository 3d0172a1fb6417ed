"""What the page of the evidence is made of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from allocate.errors import ScenarioError
from allocate.plan.seats import SeatView, rows_of
from allocate.scenario.evidence import evidence
from allocate.scenario.paths import panel as panel_of
from allocate.scenario.rulebook import covers
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES
from allocate.ui import panels, parts, seating, solving, state
from allocate.ui.address import LONGEST
from allocate.ui.desk import View
from allocate.ui.knobs import PANELS, label_of
from allocate.ui.parts import Column, Tile

STATUSES = ("found", "derived", "assumed")
MOST = 400
"""Figures in the list to choose from: narrower filters bring the others."""


def show(view: View) -> None:
    """How much is found, derived and assumed; every figure and its source; a form to change one. From a seat, figures
    about it first."""
    table, mine = figures(view), None
    text = told_of(table, "figures")
    # Where the rules of the draft clash, the page has that verdict above this one.
    parts.draw(parts.verdict(text, "note"), key="verdict" if view.plan is not None else "figures-told")
    if view.plan is not None:
        parts.announce(text)
        mine = seating.seen(view, view.plan)
    about = about_me(view.wanted, table, view.draft.seat) if mine is not None else np.zeros(len(table), dtype=bool)
    if mine is not None:
        seating.banner(mine, told_of(table[about], "figures about you"))
    panels.strip(view)
    parts.draw(parts.tiles(_tiles(table[about] if mine is not None else table)), key="story")
    _chosen(view, table, about, mine)
    _sources(view)


def _chosen(view: View, table: pd.DataFrame, about: np.ndarray, mine: SeatView | None) -> None:
    """The figures that the filters leave, a seat's own first, and a form to change one of them."""
    chosen = _filtered(table)
    own = about[table.index.get_indexer(chosen.index)]
    with st.container(border=True, key="card-change-figure"):
        _edit(view, pd.concat([chosen[own], chosen[~own]]) if own.any() else chosen)
    if mine is None:
        _listed(chosen, f"{len(chosen):,} figures")
        return
    own_words = "Your people and your need, your" if mine.place else "Your"
    note = f"{own_words} lines and what they buy, the envelopes that pay them, and the rules that reach you."
    yours = chosen[own]
    # Whose they are is said above: what tells them apart comes first.
    yours = yours.assign(what=yours["what"].str.removeprefix(f"{mine.name}, "))
    _listed(yours, f"{own.sum():,} figures about {mine.name}", note, "evidence-mine")
    _listed(chosen[~own], f"The other {(~own).sum():,} figures")


def told_of(table: pd.DataFrame, what: str) -> str:
    """How many figures there are, and how many are found, derived and assumed, in a sentence."""
    if table.empty:
        return f"There are no {what}."
    counts = table["status"].value_counts()
    share = counts.get("assumed", 0) / len(table)
    found, derived, assumed = (f"{counts.get(each, 0):,} {each}" for each in STATUSES)
    return f"Of {len(table):,} {what}, {found}, {derived} and {assumed}: {share:.0%} rest on judgement."


def about_me(scenario: Scenario, table: pd.DataFrame, seat: str) -> np.ndarray:
    """Which figures are about a seat: those of its lines, of what is bought with them, of the envelopes that it holds
    or is paid from, of the rules that cover its lines, and a place's own."""
    kind, _, key = seat.partition(".")
    lines = scenario.table("lines").iloc[rows_of(scenario, seat)]
    envelopes = scenario.table("envelopes")
    held = set(envelopes.loc[envelopes["holder"] == key, "id"]) if kind == "partners" else set()
    places = set(scenario.within(key)) if kind == "places" else set()
    groups = set(zip(lines["place"], lines["programme"], strict=True))
    rules = {rule.id for rule in scenario.rules if covers(rule.where, scenario)[rows_of(scenario, seat)].any()}
    known = {"envelopes": held | set(lines["envelope"]), "places": places, "partners": {key}, "rules": rules}
    return np.array([_about(path.split("."), known, groups) for path in table["figure"]], dtype=bool)


def _about(path: list[str], known: Mapping[str, set[str]], groups: set[tuple[str, str]]) -> bool:
    """Whether the figure at a path is one of a seat's."""
    name, keys = path[0], TABLES[path[0]].key if path[0] in TABLES else ()
    part = dict(zip(keys, path[1:], strict=False))
    if name == "rules":
        return path[1] in known["rules"]
    if name in ("envelopes", "places"):
        return part.get("id") in known[name]
    if "partner" in part and not known["places"]:
        return part["partner"] in known["partners"]
    if "place" in part and known["places"]:
        return part["place"] in known["places"]
    return (part.get("place"), part.get("programme")) in groups


def figures(view: View) -> pd.DataFrame:
    """Every figure: figure (its path), what (in words), value, status, panel, source (its title), note."""
    table = evidence(view.wanted)
    titles = dict(zip(view.wanted.sources["id"], view.wanted.sources["title"], strict=True))
    table["source"] = [titles.get(each, each) for each in table["source"]]
    table["what"] = [label_of(view.agreed, path) for path in table["figure"]]
    table["panel"] = [panel_of(path) for path in table["figure"]]
    return table


def _tiles(table: pd.DataFrame) -> list[Tile]:
    about = {
        "decision": "What you may decide", "rule": "What you have agreed", "assumption": "What nobody knows for sure",
    }  # fmt: skip
    made = []
    for panel in PANELS:
        mine = table.loc[table["panel"] == panel, "status"].value_counts()
        said = ", ".join(f"{mine[each]:,} {each}" for each in STATUSES if each in mine)
        made.append(Tile(about[panel], f"{int(mine.sum()):,}", said))
    return made


def _filtered(table: pd.DataFrame) -> pd.DataFrame:
    """The figures that the visitor's filters leave."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        statuses = st.multiselect("Status", STATUSES, key="evidence-status", placeholder="Found, derived and assumed")
        tables = st.multiselect(
            "Table",
            sorted({path.split(".")[0] for path in table["figure"]}),
            key="evidence-table",
            placeholder="Every table",
        )
        text = st.text_input("Search", key="evidence-search", placeholder="coventry community")
    if statuses:
        table = table[table["status"].isin(statuses)]
    if tables:
        table = table[table["figure"].str.split(".").str[0].isin(tables)]
    for word in text.lower().split():
        everything = table["figure"] + " " + table["what"] + " " + table["source"] + " " + table["note"]
        table = table[everything.str.lower().str.contains(word, regex=False)]
    return table


def _edit(view: View, table: pd.DataFrame) -> None:
    """Change one figure, with a reason."""
    note = "Choose one of the figures that the filters leave. The plan is solved again, and the reason goes with it."
    st.html(parts.title("Change a figure", note))
    paths = list(table["figure"].head(MOST))
    names = dict(zip(table["figure"], table["what"], strict=True))
    path = st.selectbox(
        "Figure", paths, index=None, key="figure-chosen", placeholder="Choose a figure",
        format_func=lambda each: f"{names[each]} ({each})",
    )  # fmt: skip
    if path not in paths:
        return
    now = float(table.loc[table["figure"] == path, "value"].iloc[0])
    with st.form("figure-form", border=False):
        value = st.number_input(f"New value of {parts.safe(label_of(view.agreed, path))}", value=now, format="%.10g")
        reason = st.text_input("Why", max_chars=LONGEST)
        if st.form_submit_button("Change it", type="primary"):
            _change(view, path, value, reason)


def _change(view: View, path: str, value: float | None, reason: str) -> None:
    if value is None or not reason.strip():
        st.html(parts.verdict("Give a value and a reason.", "bad", "Not changed yet."))
        return
    try:
        solving.change(view.agreed, {**view.draft.changes, path: value})
    except ScenarioError as error:
        st.html(parts.verdict("", "bad", "That cannot be.", [str(each) for each in error.problems]))
        return
    state.lay({path: value}, reason)
    st.rerun()


def _listed(table: pd.DataFrame, heading: str, note: str = "", key: str = "evidence-figures") -> None:
    st.html(parts.title(heading, note))
    st.dataframe(
        table[["what", "value", "status", "source", "note", "figure"]], hide_index=True, key=key,
        height=420,
        column_config={
            "what": st.column_config.TextColumn("What", width="large"),
            "value": st.column_config.NumberColumn("Value", format="localized"),
            "status": st.column_config.TextColumn("Status", width="small"),
            "source": st.column_config.TextColumn("Source", width="medium"),
            "note": st.column_config.TextColumn("Note", width="medium"),
            "figure": st.column_config.TextColumn("Path", width="medium"),
        },
    )  # fmt: skip
    st.download_button(
        "These figures (CSV)", lambda: table.to_csv(index=False), "evidence.csv", "text/csv", on_click="ignore",
        icon=":material/download:", key=f"{key}-csv",
    )  # fmt: skip


def _sources(view: View) -> None:
    """Where the figures come from. Addresses are text: nothing is fetched from here."""
    with st.expander("The sources", key="sources"):
        columns = [Column("title", "Source"), Column("link", "Address"), Column("note", "Note")]
        st.html(parts.table(view.wanted.sources, columns, "Sources"))
