"""When the rules cannot all hold: a page, not an error."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from allocate.errors import GiveWay, NoPlan
from allocate.ui import parts, state
from allocate.ui.desk import View
from allocate.ui.knobs import label_of, words


def clash(view: View) -> None:
    """Why there is no plan, and the ways out, each to be tried with one click."""
    found = view.clash
    if found is None:
        parts.draw(parts.verdict(view.broken, "bad", "No answer can be given."), key="verdict")
        return
    lead = "These rules cannot all be met."
    proof = (
        "Proved apart from the solver."
        if found.proved
        else "That is the solver's word; it is not proved apart from it."
    )
    parts.draw(parts.verdict(f"No plan keeps every rule within the money. {proof}", "bad", lead), key="verdict")
    parts.announce(lead)
    _ways(view, found.ways, _needed(found), "way")
    _ways(view, found.instead, "Or one of these, on its own", "instead")
    st.html(parts.paragraph("Prices and charts are not shown while the rules clash: they would mean nothing."))


def _needed(found: NoPlan) -> str:
    return "The smallest way out, in pounds" + (": all of these together" if len(found.ways) > 1 else "")


def _ways(view: View, ways: Sequence[GiveWay], heading: str, key: str) -> None:
    if not ways:
        return
    with st.container(border=True, key=f"card-{key}"):
        st.html(parts.title(heading))
        for number, way in enumerate(ways):
            with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-{number}"):
                st.html(_told(view, way))
                if key == "instead" or len(ways) == 1:
                    _try(way, f"try-{key}-{number}")
        if key == "way" and len(ways) > 1:
            every = {path: value for way in ways for path, value in way.change.items()}
            st.button("Try all of them", type="primary", key="try-all", on_click=state.lay, args=(every,))


def _try(way: GiveWay, key: str) -> None:
    st.button("Try this", type="primary", key=key, on_click=state.lay, args=(dict(way.change),))


def _told(view: View, way: GiveWay) -> str:
    firm = " <span class='al-tag al-tag-flat'>In law</span>" if way.standing == "statutory" else ""
    asks = "; ".join(
        f"{label_of(view.agreed, path)} to {words(view.agreed, path, value)}" for path, value in way.change.items()
    )
    return f"<p class='al-text al-grow'>{parts.plain(way.sentence)}{firm}<br><strong>{parts.plain(asks)}</strong></p>"
