"""Questions that take a while, each in a fold with a button: worked out once a visitor asks, with how far it is and a
way to stop, and remembered for everybody."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from allocate.errors import AllocateError
from allocate.ui import parts, tasks
from allocate.ui.tasks import Task

ASK, FIRST = "Work it out", 4
"""What the button says; sentences of an answer that are shown before the rest is unfolded."""


@dataclass(frozen=True)
class Question:
    """`title` heads the fold, `about` says what would be found, `doing` what is done meanwhile. `of` is all that the
    answer rests on; `work` finds it, and `draw` puts it on the page."""

    key: str
    title: str
    about: str
    doing: str
    of: Hashable
    work: Callable[[Task[Any]], Any]
    draw: Callable[[Any], None]


def put(question: Question) -> None:
    """The fold of a question."""
    with st.expander(question.title, key=f"fold-{question.key}", on_change="rerun") as fold:
        if not fold.open:
            return
        wanted = f"wanted-{question.key}"
        if tasks.known(question.key, question.of) is None and st.session_state.get(wanted) != question.of:
            st.html(parts.paragraph(question.about, "text"))
            st.button(ASK, key=f"ask-{question.key}", on_click=_want, args=(wanted, question.of))
            return
        found, whole = asked(question.key, question.of, question.work, question.doing)
        if found is None:
            return
        if isinstance(found, AllocateError):
            st.html(parts.paragraph(f"It cannot be said: {found}", "text"))
            return
        question.draw(found)
        if not whole:
            st.html(parts.paragraph("It was stopped before its end: this is what was known by then."))
            st.button("Go on", key=f"again-{question.key}", on_click=tasks.again, args=(question.key,))


def _want(wanted: str, of: Hashable) -> None:
    st.session_state[wanted] = of


def asked(name: str, key: Any, work: Callable[[Task[Any]], Any], text: str) -> tuple[Any, bool]:
    """As `tasks.ask`; an error of ours is an answer."""

    def caught(task: Task[Any]) -> Any:
        try:
            return work(task)
        except AllocateError as error:
            return error

    return tasks.ask(name, key, caught, text)


def sentences(said: Iterable[str], most: int = FIRST) -> str:
    """HTML of an answer in words; what comes after the first few is folded away."""
    every = list(said)
    rest = parts.lines(every[most:])
    more = f"<details class='al-figures'><summary>More</summary>{rest}</details>" if len(every) > most else ""
    return parts.lines(every[:most]) + more


__all__ = ["Question", "asked", "put", "sentences"]
