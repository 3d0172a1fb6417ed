"""What stands behind the dial of fair shares: every measure, the next pound, who chose the yardstick, and for experts
any aim and how good the answer is."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from allocate.plan import next_pound as next_pounds
from allocate.plan.aim import a_little, aim_unit
from allocate.plan.fairness import fairness, in_unit
from allocate.plan.figures import at_most, number, pounds, round_sum
from allocate.plan.plan import Plan
from allocate.rules import wording
from allocate.rules.aims import Fair, aim_of
from allocate.ui import parts, rule_minutes
from allocate.ui.desk import View
from allocate.ui.fair_work import FIRST, SEEN, Sides, lay, rule_for, sights
from allocate.ui.parts import Column, figure
from allocate.ui.words import money

LONG = 12
"""Rows of the next pound that are shown at once."""
KINDS = {
    "worst-off": "Lift those who have least", "bottom-up": "Raise places from the bottom up",
    "balanced": "Balance places", "weighted": "Count people with more need more, as a test",
    "tails": "Count several parts of people who have least",
}  # fmt: skip
FIGURES: Mapping[str, tuple[str, str, float, float, float]] = {
    "worst-off": ("part", "Part of people who have least; 0 for one place alone", 0.2, 1.0, 0.05),
    "balanced": ("strength", "How strongly: 0 not at all, 1 in proportion", 1.0, 10.0, 0.25),
    "weighted": ("aversion", "How much need counts: 0 not at all, 1 in proportion", 1.0, 10.0, 0.25),
}
"""The figure that each kind has: its field, what it is called, what it begins at, its most, and a step."""
TAILS = [{"part": 0.1, "weight": 1.0}, {"part": 0.3, "weight": 1.0}, {"part": 1.0, "weight": 1.0}]
"""What counting several parts begins with."""
CAUTION = "NICE's guidance counts a gain the same whoever has it: weights by need are for seeing what would change."


# --- measures --------------------------------------------------------------------------------------------------------


def measures(found: Sides) -> None:
    """How far apart places are, in every measure of what they are seen to have; the other views in a fold."""
    table = fairness(found.plan, against=found.most) if found.most is not found.plan else fairness(found.plan)
    if table.empty:
        return
    mine = table[table["title"] == found.title]
    note = "No measure is right by itself. 0 is all alike for Gini, Hoover and Atkinson; 1 for ratios and McLoone."
    with st.container(border=True, key="card-measures"):
        st.html(parts.title("How far apart places are", f"{found.title}. {note}") + _measured(found, mine))
    with st.expander("The same measures of everything else places have", key="measures", on_change="rerun") as fold:
        if fold.open:
            for name, rows in table[table["title"] != found.title].groupby("title", sort=False):
                st.html(parts.title(str(name), str(rows["moved"].iloc[0]), level=3) + _measured(found, rows))


def _measured(found: Sides, rows: pd.DataFrame) -> str:
    """HTML of the measures of one view, in three plans."""
    sides = {"today": "Today", "against": "The most benefit", "value": "This plan"}
    if "against" not in rows:
        sides = {"today": "Today", "value": "The most benefit"}
    if rows["value"].isna().all():
        return parts.paragraph(f"No measure: {rows['reason'].iloc[0]}.", "text")
    told = pd.DataFrame({"name": rows["name"]})
    for side in sides:
        told[side] = [_value(value, unit) for value, unit in zip(rows[side], rows["unit"], strict=True)]
    told["verdict"] = [
        said or (f"No figure: {why}" if why else "") for said, why in zip(rows["verdict"], rows["reason"], strict=True)
    ]
    last = "Against today" if "against" not in rows else "Against the most benefit"
    columns = [
        Column("name", "Measure"),
        *(figure(side, text) for side, text in sides.items()),
        Column("verdict", last),
    ]
    return parts.table(told, columns, f"Measures of {rows['title'].iloc[0].lower()}")


def _value(value: float, unit: str) -> str:
    if value != value:
        return ""
    if unit == "index":
        return f"{value:.4f}"
    return f"{value:.2f} times" if unit == "times" else in_unit(value, unit)


# --- the next pound --------------------------------------------------------------------------------------------------


def next_pound(plan: Plan) -> None:
    """What a round sum more would buy in each place and programme, the best first."""
    little, sign = a_little(plan), plan.scenario.heading.currency
    with st.expander(
        f"What {round_sum(little, sign)} more would buy, place by place", key="next-pound", on_change="rerun"
    ) as fold:
        if not fold.open:
            return
        unit = aim_unit(plan)
        rows = next_pounds.next_pound(plan, little).sort_values("buys", ascending=False, kind="stable")
        note = f"The best first, in {unit}, money from outside. What buys much is held by what stands beside it."
        st.html(parts.title("The next pound", note) + _pound_table(plan, rows.head(LONG), little))
        if len(rows) > LONG:
            rest = _pound_table(plan, rows.iloc[LONG:], little)
            st.html(f"<details class='al-figures'><summary>The other {len(rows) - LONG}</summary>{rest}</details>")


def _pound_table(plan: Plan, rows: pd.DataFrame, little: float) -> str:
    name, unit = plan.scenario.name_of, aim_unit(plan)
    told = rows.assign(
        where=[f"{name('programmes', row.programme)}, {name('places', row.place)}" for row in rows.itertuples()],
        who=[name("partners", each) for each in rows["partner"]],
        because=[wording.capital(each) if each else "Nothing" for each in rows["because"]],
    )
    columns = [
        Column("where", "Where"), Column("who", "Whose line"), figure("spend", "Proposed", money(plan)),
        figure("buys", f"It buys ({unit})", number), figure("price", f"It costs where it comes from ({unit})", number),
        figure("room", "May go there", functools.partial(pounds, currency=plan.scenario.heading.currency)),
        Column("because", "What holds it"),
    ]  # fmt: skip
    return parts.table(told, columns, f"What {round_sum(little, plan.scenario.heading.currency)} more would buy")


# --- the yardstick ---------------------------------------------------------------------------------------------------


def yardstick(view: View) -> None:
    """Who chose what fairer means, when, and from what."""
    with st.expander("Who chose this yardstick, and from what", key="yardstick", on_change="rerun") as fold:
        if not fold.open:
            return
        aim = aim_of(view.wanted)
        if aim is None:
            st.html(
                parts.paragraph("Nobody has: without an aim every gain counts the same, wherever it falls.", "text")
            )
        else:
            mine = all(rule.id != aim.id for rule in view.agreed.rules)
            said = f"{aim.sentence(view.wanted)}."
            drafted = "Laid by you in this draft; nobody has agreed to it." if mine else ""
            st.html(parts.paragraph(said, "text") + (parts.paragraph(drafted) if drafted else ""))
            st.html(rule_minutes.minutes(aim, view.wanted))
        others = [each for each in view.wanted.rules if isinstance(each, Fair) and each is not aim]
        if others:
            st.html(
                parts.title("Also proposed", level=3) + parts.lines(f"{each.sentence(view.wanted)}." for each in others)
            )
        st.html(parts.paragraph("Keep this plan, or put the change as a proposal on The rules, to have it on record."))


# --- experts ---------------------------------------------------------------------------------------------------------


def experts(view: View, found: Sides) -> None:
    """Any aim there is, and how good the answer is."""
    with st.expander("For experts: any other aim, and exactly how", key="fair-experts", on_change="rerun") as fold:
        if fold.open:
            _any_aim(view)
            if found.aim is not None:
                st.html(exactly(found))


def fields_of(aim: Fair | None) -> dict[str, Any]:
    """The fields that say an aim's shape."""
    if aim is None:
        return {"kind": "worst-off", "part": 0.2}
    own = [name for name in ("part", "strength", "aversion", "tails") if name in type(aim).model_fields]
    return {"kind": aim.kind} | {name: aim.model_dump()[name] for name in own}


def _any_aim(view: View) -> None:
    """A form for the shape of an aim, its figure, and by what people are counted; it begins with the draft's own."""
    aim, mine = aim_of(view.wanted), view.wanted.digest[:8]
    fields, counts = fields_of(aim), {"population": "One each", "need": "By need"}
    kinds, shape = list(KINDS), dict[str, Any]()
    with st.container(horizontal=True, vertical_alignment="bottom", key="expert-controls"):
        kind = st.selectbox(
            "Kind of aim", kinds, kinds.index(fields["kind"]), format_func=KINDS.__getitem__, key=f"expert-kind-{mine}"
        )
        by = st.selectbox(
            "People count", list(counts), list(counts).index(aim.by if aim is not None else "population"),
            format_func=counts.__getitem__, key=f"expert-by-{mine}",
        )  # fmt: skip
        shape = {"kind": kind}
        if kind in FIGURES:
            name, label, first, most, step = FIGURES[kind]
            now = float(fields.get(name, first))
            shape[name] = st.number_input(label, 0.0, most, now, step, key=f"expert-{name}-{mine}")
    if kind == "weighted":
        st.html(parts.paragraph(CAUTION))
    if kind == "tails":
        shape["tails"] = [dict(each) for each in fields.get("tails", TAILS)]
        st.html(parts.paragraph(_tails_said(shape["tails"])))
    st.button("Aim for this", key="expert-lay", on_click=_lay, args=(view, shape, str(by)))


def _tails_said(tails: list[dict[str, float]]) -> str:
    said = [
        f"the worst-off {wording.per_cent(each['part'])} of people count {wording.number(each['weight'])}"
        for each in tails
    ]
    return f"{wording.capital(wording.listed(said))}. Other parts can be given in rules.toml."


def _lay(view: View, shape: dict[str, Any], by: str) -> None:
    aim = aim_of(view.wanted)
    seen = aim.view if aim is not None else sights(view.agreed)[0]
    rule = rule_for(view, shape, seen, aim.give_up if aim is not None else FIRST)
    lay(view, {name: value for name, value in rule.items() if name != "by"} | ({"by": by} if by == "need" else {}))


def exactly(found: Sides) -> str:
    """HTML of how an aim is solved, and how good the answer is."""
    aimed = found.plan.aim
    assert aimed is not None
    said = [
        "First the most benefit for the money, as if there were no aim. Then the fairest plan that gives up no more "
        "than it may. Of those that are as fair the one that buys most, and of those the nearest to today.",
        f"This plan's score is {number(aimed.reached)}; by weak duality no plan within what may be given up can score "
        f"more than {number(aimed.bound)}: at most {at_most(aimed.gap)} of what is at stake.",
        "Balanced is alpha-fairness, or Atkinson's measure; in proportion it is Nash's bargain, weighted by people. "
        "The worst-off part is a conditional mean (CVaR); one place alone is maximin; from the bottom up is leximin, "
        "which holds a place only where a positive dual proves it; the most that each could gain is Kalai and "
        "Smorodinsky's.",
    ]  # fmt: skip
    facts = found.plan.facts
    table = parts.table(facts, [Column("fact", "Fact"), Column("value", "Value")], "How it was solved")
    seen = parts.paragraph(f"It looks at: {SEEN[found.seen].lower()}. Places count by their people.")
    return f"<details class='al-figures'><summary>Exactly how</summary>{seen}{parts.lines(said)}{table}</details>"


__all__ = ["exactly", "experts", "fields_of", "measures", "next_pound", "yardstick"]
