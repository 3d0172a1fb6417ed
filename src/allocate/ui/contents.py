"""The book of chapters: a page each, with a title of its own, under one look."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from allocate.ui import parts

PAGES = Path(__file__).with_name("pages")
NAME = "allocate"
CONFIGURED = "_configured"
"""Where a visitor's state says which chapter his tab is named after."""


@dataclass(frozen=True)
class Chapter:
    """A page: the name of its file and its address, its title, the one question it answers, and its icon."""

    name: str
    title: str
    question: str
    icon: str


def open_book(*chapters: Chapter) -> None:
    """Show the chapter that the address names; the first where it names none."""
    first = CONFIGURED not in st.session_state
    if first:
        # Before the chapters are listed, whose icons would else become the tab's, and be fetched from elsewhere.
        st.set_page_config(page_title=NAME, page_icon=ICON, layout="wide")
    pages = [
        st.Page(
            PAGES / f"{each.name}.py", title=each.title, icon=each.icon, url_path=each.name, help=each.question,
            default=each is chapters[0],
        )
        for each in chapters
    ]  # fmt: skip
    page = st.navigation(pages, position="top")
    if st.session_state.get(CONFIGURED) != page.title:
        # Once a chapter: a browser takes several milliseconds over its own title and icon.
        st.set_page_config(page_title=f"{page.title} – {NAME}", page_icon=ICON, layout="wide")
        st.session_state[CONFIGURED] = page.title
    parts.look()
    st.logo(LOGO, icon_image=ICON, size="large")
    page.run()


LOGO = str(Path(__file__).with_name("logo.svg"))
ICON = str(Path(__file__).with_name("icon.svg"))
