"""What of fair shares takes a row of solves, worked out while the rest of the page is read: the price of fairness from
end to end, and the same system under several ideas of fairness."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from allocate.errors import AllocateError
from allocate.plan.aim import aim_unit, part_in_words
from allocate.plan.figures import number, pounds
from allocate.plan.frontier import CHOSEN, POINTS, Frontier, frontier
from allocate.plan.lenses import BALANCED, BOTTOM, MOST, OWN, SHARE, SPEND, WORST, Lenses, lenses
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.rules import wording
from allocate.rules.aims import aim_of
from allocate.ui import parts, solving, state, tasks
from allocate.ui.desk import View
from allocate.ui.fair_charts import price_of_fairness, upwards
from allocate.ui.fair_work import AIMS, Sides, told, without
from allocate.ui.parts import Column, figure
from allocate.ui.tasks import Task
from allocate.ui.words import line_name, money

HEADING, IDEAS = "The price of fairness", "Lenses: ideas of fairness side by side"
NAMES = {
    MOST: "The most benefit", BALANCED: "Balanced in proportion", WORST: "Worst-off fifth lifted",
    BOTTOM: "Raised from the bottom up", SHARE: "Towards fair shares", SPEND: "Towards equal spending",
    OWN: "This plan",
}  # fmt: skip
FEW = 9
"""Points of the curve where choices are yes or no, each of which takes a search of its own."""
SURE = 10
"""Changes that all ideas make, that are listed."""


def price(view: View, found: Sides) -> bool:
    """The frontier in a card: how fair a plan can be for what is given up. Whether there is nothing left to work out.

    It is one for all positions of the dial: what may be given up only moves the point of the plan on it."""
    aim = aim_of(view.wanted)
    asked = told(aim) if aim is not None else {**AIMS["fifth"][1], "view": found.seen}
    asked.pop("give_up", None)
    scenario = without(view)
    points = FEW if solving.choices(scenario).any() else POINTS

    def work(task: Task) -> Frontier | AllocateError:
        try:
            return frontier(scenario, asked, points=points, solve=solving.answer, watch=task.watch, tick=task.tick)
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
    lead = "Were the worst-off fifth of people lifted: the higher" if unasked else "The higher"
    note = f"{lead}, the fairer a plan can be for what it gives up. Upwards: {wording.lower(upwards(drawn))}."
    st.html(parts.title(HEADING, note))
    spec = {name: part for name, part in chart.spec.items() if name != "description"}
    st.vega_lite_chart(spec, width="stretch", theme=None, key="chart-frontier", alt=chart.alt)
    said = replace(drawn, named=drawn.named[drawn.named["name"] != CHOSEN]).sentences
    with st.expander("The figures", key="figures-frontier"):
        st.html(parts.lines(said) + parts.figures(chart.table, HEADING))


# --- ideas side by side ----------------------------------------------------------------------------------------------


def ideas(view: View, plan: Plan, ready: bool) -> None:
    """The same system under several ideas of fairness: what each costs, what each place and partner gets, and what all
    agree on. Worked out once the rest is (`ready`); the same for every aim and every position of the dial."""
    scenario = without(view)

    def work(task: Task) -> Lenses | AllocateError:
        try:
            return lenses(scenario, solve=solving.answer, watch=task.watch, tick=task.tick)
        except AllocateError as error:
            return error

    with st.container(border=True, key="card-ideas"):
        found, whole = None, False
        if ready:
            found, whole = tasks.ask("ideas", scenario.digest, work, "Solving for one idea of fairness after another")
        if not isinstance(found, Lenses):
            text = "Worked out while you read." if found is None else f"They cannot be shown: {found}"
            st.html(parts.title(IDEAS, text))
            return
        mine = f"{scenario.digest} {plan.scenario.digest} {whole}"
        shown = state.once("ideas", mine, lambda: _beside(found, plan))
        note = "Each is the fairest plan of its kind, whatever it gives up; in what people gain, unless said."
        st.html(parts.title(IDEAS, note) + parts.lines(shown.sentences) + summary(shown) + _each(shown, "places"))
        if not whole:
            st.button("Go on", key="ideas-again", on_click=tasks.again, args=("ideas",))
        with st.expander(
            "Partner by partner, and the changes that all make", key="ideas-more", on_change="rerun"
        ) as fold:
            if fold.open:
                st.html(_each(shown, "partners") + agreed(shown))


def _beside(found: Lenses, plan: Plan) -> Lenses:
    """The ideas with the plan that is looked at beside them, where it has an aim of its own."""
    plans = found.plans if plan.aim is None else {**found.plans, OWN: plan}
    named = {NAMES[name]: each for name, each in plans.items()}
    return replace(found, plans=named, why={NAMES[name]: text for name, text in found.why.items()})


def summary(shown: Lenses) -> str:
    """HTML of what each idea costs, and what those who have least then have: a row an idea."""
    rows, sign = shown.summary[shown.summary["why"] == ""], shown.scenario.heading.currency
    unit = aim_unit(next(iter(shown.plans.values())))
    columns = [
        Column("lens", "Fairer means"), figure("moved", "Placed elsewhere", partial(pounds, currency=sign)),
        figure("given_up", "Gain given up", part_in_words),
        figure("worst_spend", "Spent for each of the fifth with least", partial(pounds, currency=sign, millions=False)),
        figure("worst_gain", f"Gained by 1,000 of the worst-off fifth ({unit})", number),
        figure("lose", "Places worse off than today"),
    ]  # fmt: skip
    columns = [each for each in columns if each.name == "lens" or rows[each.name].notna().any()]
    return parts.table(rows, columns, "What each idea of fairness costs, and what those with least then have")


def _each(shown: Lenses, which: str) -> str:
    """HTML of what each place, or partner, gets under each idea: its change since today."""
    table, word = (shown.places, "Place") if which == "places" else (shown.partners, "Partner")
    key, say = word.lower(), money(next(iter(shown.plans.values())), signed=True)
    wide = table.pivot_table(index=key, columns="lens", values="change", sort=False)
    names = dict(zip(table[key], table["name"], strict=True))
    wide = wide[(wide.abs() >= POUND).any(axis=1)]
    rows = wide.assign(name=[names[each] for each in wide.index])
    columns = [Column("name", word), *(figure(lens, lens, say) for lens in shown.plans)]
    return parts.table(rows, columns, f"{word}s: change since today under each idea")


def agreed(shown: Lenses) -> str:
    """HTML of the lines that change the same way under every idea, and by how much at least."""
    rows = shown.agreed[shown.agreed["agreed"].abs() >= POUND]
    rows = rows.iloc[np.argsort(-rows["agreed"].abs().to_numpy(), kind="stable")]
    say = money(next(iter(shown.plans.values())), signed=True)
    top = rows.head(SURE)
    top = top.assign(name=[line_name(shown.scenario, row) for row in top.itertuples()])
    columns = [
        Column("name", "Line"), figure("agreed", "All agree on at least", say), figure("least", "Lowest change", say),
        figure("most", "Highest change", say),
    ]  # fmt: skip
    if top.empty:
        return parts.paragraph("There is no line that all of them would change the same way.", "text")
    more = f" (the largest {SURE} of {len(rows)})" if len(rows) > SURE else ""
    return parts.table(top, columns, f"Changes that every idea makes{more}")


__all__ = ["agreed", "ideas", "price", "summary"]
