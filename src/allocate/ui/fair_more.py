"""What of fair shares takes a row of solves, worked out while the rest of the page is read: the price of fairness from
end to end, and the same system under several ideas of fairness."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from allocate.errors import AllocateError
from allocate.plan.frontier import CHOSEN, POINTS, Frontier, frontier
from allocate.rules.aims import aim_of
from allocate.ui import parts, solving, tasks
from allocate.ui.desk import View
from allocate.ui.fair_charts import price_of_fairness
from allocate.ui.fair_work import AIMS, Sides, told, without
from allocate.ui.tasks import Task

HEADING = "The price of fairness"


def price(view: View, found: Sides) -> bool:
    """The frontier in a card: how fair a plan can be for what is given up. Whether there is nothing left to work out.

    It is one for all positions of the dial: what may be given up only moves the point of the plan on it."""
    aim = aim_of(view.wanted)
    asked = told(aim) if aim is not None else {**AIMS["fifth"][1], "view": found.seen}
    asked.pop("give_up", None)
    scenario = without(view)

    def work(task: Task) -> Frontier | AllocateError:
        try:
            return frontier(scenario, asked, points=POINTS, solve=solving.answer, watch=task.watch, tick=task.tick)
        except AllocateError as error:
            return error

    with st.container(border=True, key="card-frontier"):
        key = (scenario.digest, repr(asked))
        drawn, whole = tasks.ask("frontier", key, work, "Solving from the most benefit to the fairest")
        if isinstance(drawn, Frontier):
            _drawn(drawn, found, aim is None)
        else:
            text = "Worked out while you read." if drawn is None else f"It cannot be drawn: {drawn}"
            st.html(parts.title(HEADING, text))
        if drawn is not None and not whole:
            st.button("Go on", key="frontier-again", on_click=tasks.again, args=("frontier",))
    return drawn is not None


def _drawn(drawn: Frontier, found: Sides, unasked: bool) -> None:
    """The curve, what it says in words, and its figures."""
    chart = price_of_fairness(drawn, found.plan)
    lead = "Were the worst-off fifth of people lifted: how" if unasked else "How"
    note = f"{lead} fair a plan can be for each part of the best plan's gain that is given up."
    st.html(parts.title(HEADING, note))
    spec = {name: part for name, part in chart.spec.items() if name != "description"}
    st.vega_lite_chart(spec, width="stretch", theme=None, key="chart-frontier", alt=chart.alt)
    said = replace(drawn, named=drawn.named[drawn.named["name"] != CHOSEN]).sentences
    with st.expander("In words, and the figures", key="figures-frontier"):
        st.html(parts.lines(said) + parts.figures(chart.table, HEADING))


__all__ = ["price"]
