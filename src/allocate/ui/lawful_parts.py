"""What may lawfully reach what, as a question on the page of the money: the most, what stops more, whose consent would
open it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from allocate.commons.routes.lawful import Lawful, lawful
from allocate.plan.figures import number, pounds, round_sum
from allocate.plan.plan import Plan
from allocate.plan.words import some
from allocate.scenario.scenario import Scenario
from allocate.ui import asking, parts, solving
from allocate.ui.asking import Question
from allocate.ui.desk import View
from allocate.ui.parts import Column, figure
from allocate.ui.tasks import Task
from allocate.ui.words import money

KINDS = {"programme": "The most that can lawfully reach each programme", "envelope": "And be spent from each envelope"}


def reach(view: View, plan: Plan) -> None:
    """The fold of what may lawfully move where."""

    def work(task: Task) -> Lawful:
        return lawful(view.wanted, solve=solving.answer, watch=task.watch, tick=task.tick)

    about = (
        "The most that can lawfully reach each programme, what stops more, what each route is worth, and whose consent "
        "would open one that does not exist."
    )
    asking.put(Question(
        "lawful", "How much more could lawfully reach each programme, and whose consent would open it?", about,
        "Asking what may lawfully move", view.wanted.digest, work, partial(show, say=money(plan)),
    ))  # fmt: skip


def show(found: Lawful, say: Callable[[float], str]) -> None:
    """In words; then programme by programme and envelope by envelope, the routes there are, and those worth opening."""
    html = asking.sentences(found.sentences)
    for kind, caption in KINDS.items():
        rows = found.reach[found.reach["kind"] == kind].reset_index(drop=True)
        if len(rows):
            html += parts.table(rows, _reached(say), caption)
    if len(found.routes):
        html += _routes(found, say)
    if len(found.openings):
        html += _openings(found)
    st.html(html)


def _reached(say: Callable[[float], str]) -> list[Column]:
    return [
        Column("name", "To"), figure("plan", "This plan", say), figure("most", "Most by every rule", say),
        figure("flow", "Most by purposes and routes alone", say), Column("stops", "What stops more"),
    ]  # fmt: skip


def _routes(found: Lawful, say: Callable[[float], str]) -> str:
    """HTML of the routes there are: whose consent, what moves, what the outcome loses without, and gains by more."""
    rows = found.routes.assign(
        way=_way(found.routes), who=_consent(found.scenario, found.routes),
        loss=[row.why or number(row.without) for row in found.routes.itertuples()],
    )  # fmt: skip
    columns = [
        Column("way", "Route"), Column("who", "Takes the consent of"), figure("high", "May move", say),
        figure("plan", "Moves", say), Column("loss", f"Lost without it ({found.unit})"),
        figure("gain", "Gained if more could", number),
    ]  # fmt: skip
    return parts.table(rows, columns, "Routes that there are")


def _openings(found: Lawful) -> str:
    """HTML of routes that do not exist and would gain most."""
    sign = found.scenario.heading.currency
    rows = found.openings.assign(way=_way(found.openings), who=_consent(found.scenario, found.openings))
    columns = [
        Column("way", "Route"), Column("who", "Would take the consent of"),
        figure("exactly", f"The first {round_sum(found.step, sign)} buys ({found.unit})", number),
        figure("gain", "All of it buys", number), figure("moves", "Then moves", partial(pounds, currency=sign)),
    ]  # fmt: skip
    return parts.table(rows, columns, "Routes that do not exist and would gain most: each would take a power in law")


def _way(rows: pd.DataFrame) -> list[str]:
    return [f"{row.from_name} to {row.to_name}" for row in rows.itertuples()]


def _consent(scenario: Scenario, rows: pd.DataFrame) -> list[str]:
    return [some([scenario.name_of("partners", each) for each in who]) for who in rows["consent"]]


__all__ = ["reach", "show"]
