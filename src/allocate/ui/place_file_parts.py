"""The files of places: bringing them, changing a drawing by hand, and taking everything away again."""

from __future__ import annotations

from shlex import quote
from typing import Literal
from urllib.parse import urlencode

import streamlit as st

from allocate.errors import ScenarioError
from allocate.places import Drawing, writing
from allocate.scenario.words import slug
from allocate.ui import asked as places_asked
from allocate.ui import desk, parts, sharing, state
from allocate.ui.address import to_query
from allocate.ui.asked import SPLIT
from allocate.ui.place_work import LIMITS, Work, given_file, reasons

LARGEST = 50
"""Megabytes of a file."""
Kind = Literal["file", "places", "opening", "before"]
FIND = (
    "The place-based allocation tool has it as a sheet of general practices with their weighted populations: "
    f"{writing.LINK}. Give the workbook (.xlsx) or the sheet saved as CSV."
)


def bring(field: Kind, label: str, kinds: list[str]) -> None:
    """A box for a file. It is kept in memory, and stands in the address by its fingerprint."""
    key = f"bring-{field}"
    st.file_uploader(label, type=kinds, key=key, on_change=_brought, args=(field, key), max_upload_size=LARGEST)


def _brought(field: Kind, key: str) -> None:
    given = st.session_state[key]
    if given is None:
        return
    changed = {field: desk.tray().put(given.name, given.getvalue())}
    # Another file may have other systems, and practices; what was drawn by hand was drawn on the one before.
    state.ask(**changed, **({"put": (), "look": ""} if field in ("file", "places") else {}))


def bring_practices(open: bool = False, drawn: Drawing | None = None) -> None:
    """The box for NHS England's practice file."""
    if open:
        with st.container(border=True, key="card-bring"):
            st.html(parts.title("NHS England's practice file", FIND))
            bring("file", "Practice-level weighted populations", ["csv", "xlsx", "xlsm"])
        return
    with st.expander("Another file", key="other-file"):
        if drawn is not None:
            st.html(parts.paragraph(f"Open now: {drawn.practices.file}."))
            bring_places()
        bring("file", "Another practice file", ["csv", "xlsx", "xlsm"])
        given = given_file()
        if state.asked().file and given is not None:
            st.button(f"Back to {parts.safe(given.name)}", on_click=state.ask, kwargs={"file": ""}, key="file-given")


def bring_places() -> None:
    """The box for a file that draws places, and a name for what it leaves out."""
    if state.asked().by != "file":
        return
    bring("places", "Places: a table of practice and place, a list, or a saved session", ["csv", "toml", "json"])
    key = state.seed("place-rest", state.asked().rest)
    st.text_input(
        "A place for practices that it leaves out", key=key, on_change=state.ask_as, args=("rest", key), max_chars=60,
        placeholder="None: they are refused by name",
    )  # fmt: skip


# --- by hand ---------------------------------------------------------------------------------------------------------


def by_hand(found: Work, drawing: Drawing) -> None:
    """Put districts, PCNs and practices together in a place of any name."""
    puts = state.asked().put
    with st.expander("Change the drawing by hand", key="by-hand", on_change="rerun") as fold:
        if not fold.open:
            return
        st.html(parts.paragraph("What you move leaves the place that it was in, so every practice stays in one place."))
        options = entries(drawing)
        with st.form("put", border=False, clear_on_submit=True):
            chosen = st.multiselect(
                "Districts, PCNs and practices", list(options), format_func=options.get, key="put-what",
                placeholder="Choose what to move",
            )  # fmt: skip
            into = st.text_input("Into the place called", key="put-into", max_chars=60, placeholder="North")
            if st.form_submit_button("Move them", type="primary"):
                _put(drawing, into, chosen)
        for position, put in enumerate(puts):
            place, *held = put.split(SPLIT)
            with st.container(horizontal=True, vertical_alignment="center", key=f"put-{position}"):
                told = ", ".join(options.get(each, each) for each in held)
                st.html(f"<p class='al-text al-grow'>{parts.plain(told)} → <strong>{parts.plain(place)}</strong></p>")
                rest = (*puts[:position], *puts[position + 1 :])
                st.button(
                    "Undo", key=f"unput-{position}", on_click=state.ask, kwargs={"put": rest, "look": ""},
                    help=f"Put back what was moved into {parts.safe(place)}",
                )  # fmt: skip


def entries(drawing: Drawing) -> dict[str, str]:
    """What can be moved, by its code, and what it is called."""
    table = drawing.practices.practices(drawing.systems)
    found: dict[str, str] = {}
    for kind, word in (("district", "district"), ("pcn", "PCN")):
        names = table[table[kind] != ""].groupby(kind)[f"{kind}_name"].first().sort_values()
        found |= {str(code): f"{name} ({word})" for code, name in names.items() if SPLIT not in str(code)}
    return found | {str(code): f"{code} {name}" for code, name in table["name"].items()}


def _put(drawing: Drawing, into: str, chosen: list[str]) -> None:
    """Move things by hand, or say why they cannot be."""
    name = " ".join(into.replace(SPLIT, " ").split())
    if not name or not chosen:
        st.html(parts.verdict("Choose what to move, and name the place that it moves into.", "bad", "Not moved yet."))
        return
    try:
        drawing.putting(name, chosen)
    except ScenarioError as error:
        st.html(parts.verdict("", "bad", "Not moved.", reasons(error)))
        return
    state.ask(put=(*state.asked().put, SPLIT.join([name, *chosen])))
    st.rerun()


# --- saving ----------------------------------------------------------------------------------------------------------


def saving(found: Work, drawing: Drawing) -> None:
    """The drawing and its figures as files, the link, and the command that gives the same."""
    with st.expander("Save, reload and export", key="save-places", on_change="rerun") as fold:
        if not fold.open:
            return
        words = (
            "To open the drawing again, choose “A file of my own” above and give drawing.csv: it also works on next "
        )
        st.html(parts.paragraph(words + "year's practice file, and says who was renamed, closed or is new."))
        stem = slug(drawing.system_name)[:60]
        drawn, figures = writing.drawing_table(drawing), writing.to_csv
        with st.container(horizontal=True):
            _download("The drawing (CSV)", figures(drawn), "drawing.csv")
            _download("Need (CSV)", figures(writing.index_table(drawing)), f"{stem}-indices.csv")
            if not found.targets.empty:
                opening = found.opening
                targets = writing.target_table(drawing, dict(found.amounts), opening)
                _download("Fair shares (CSV)", figures(targets), f"{stem}-targets.csv")
            st.download_button(
                "Everything, with a scenario's tables (zip)", lambda: everything(found, drawing), f"{stem}-places.zip",
                "application/zip", on_click="ignore", icon=":material/download:", key="places-zip",
            )  # fmt: skip
        note = "Files that you brought are not in it: whoever opens it on another computer brings them again."
        st.html(parts.title("A link to this view", note, level=3))
        st.code(_link(), language=None, wrap_lines=True)
        st.html(parts.title("Reproduce", "The same from a command line, with the drawing saved beside it.", level=3))
        st.code(reproduce(found, drawing), language=None, wrap_lines=True)


def _download(label: str, text: str, name: str) -> None:
    st.download_button(
        label, text, name, "text/csv", on_click="ignore", icon=":material/download:", key=f"save-{slug(label)}"
    )


def everything(found: Work, drawing: Drawing) -> bytes:
    """Every file of a drawing, zipped."""
    amounts = dict(found.amounts) if not found.targets.empty else None
    return sharing.zipped(writing.files(drawing, amounts, found.opening))


def _link() -> str:
    query = to_query(state.draft()) | places_asked.to_query(state.asked())
    return f"{(st.context.url or '').split('?')[0]}?{urlencode(query, doseq=True)}"


def reproduce(found: Work, drawing: Drawing) -> str:
    """The command line that gives the same figures."""
    asked = state.asked()
    said = ["allocate places", quote(drawing.practices.file), f"--system {drawing.systems[0]}"]
    by_file = asked.by == "file" or asked.put
    said.append("--places drawing.csv" if by_file else f"--by {asked.by}")
    said += [
        f"--envelope {name}={value:.12g}"
        for name, value in found.amounts.items()
        if asked.amounts or found.opening is None
    ]
    if found.opening is not None:
        said.append(f"--opening opening.csv --pace {asked.pace} --years {asked.years}")
        rates = {name: getattr(asked, name) for name in ("growth", *LIMITS.get(asked.pace, ()))}
        rates["growth"] = rates["growth"] or None
        said += [f"--{name} {value:.12g}" for name, value in rates.items() if value is not None]
    return " ".join(said + (["--round nhse"] if asked.nhse else []))
