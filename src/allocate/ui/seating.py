"""A seat: any page told from one partner's or one place's side."""

from __future__ import annotations

from functools import partial

import streamlit as st

from allocate.plan import explaining
from allocate.plan.figures import number, per_cent
from allocate.plan.plan import Plan
from allocate.plan.seats import SeatView, costs_me, from_seat
from allocate.ui import parts, solving
from allocate.ui.desk import View
from allocate.ui.parts import Column, figure
from allocate.ui.words import line_name, money


def seen(view: View, plan: Plan) -> SeatView | None:
    """The plan from the seat that is taken; None for the whole system."""
    return from_seat(plan, view.draft.seat, view.base) if view.draft.seat else None


def summary(view: View, plan: Plan) -> None:
    """What the plan means for the seat, in words, at the top of a page; its lines and rules for whoever asks."""
    mine = seen(view, plan)
    if mine is None:
        return
    parts.draw(parts.verdict(mine.summary, "note", f"{mine.name}."), key="seat")
    fold = st.expander("Your lines, and the rules that bind you", key="seat-more", on_change="rerun")
    if fold.open:
        with fold:
            st.html(_outcomes(mine) + _lines(mine, plan) + _rules(mine, plan))
            _costs(view, plan)


def _outcomes(mine: SeatView) -> str:
    said = [
        f"{row['name']} {number(row['change'], signed=True)} {row['unit']}" for row in mine.outcomes.to_dict("records")
    ]
    facts = [f"What is bought here against last year: {', '.join(said)}."] if said else []
    if mine.need_share is not None:
        facts.append(f"You hold {per_cent(mine.need_share)} of the system's need.")
    return parts.lines([*facts, *([mine.note] if mine.note else [])])


def _lines(mine: SeatView, plan: Plan) -> str:
    say = money(plan)
    table = mine.lines.assign(name=[line_name(plan.scenario, row) for row in mine.lines.itertuples()])
    columns = [
        Column("name", "Line"), figure("baseline", "Last year", say),
        figure("spend", "Proposed", say), figure("change", "Change", money(plan, signed=True)),
        figure("share", "%", lambda value: per_cent(value, signed=True)),
    ]  # fmt: skip
    return parts.title("Your lines", level=3) + parts.table(table, columns, "Your lines, the largest rise first")


def _rules(mine: SeatView, plan: Plan) -> str:
    heading = parts.title("Rules that bind you", level=3)
    if mine.rules.empty:
        return heading + parts.paragraph("None stands at its end over your lines.")
    columns = [Column("sentence", "Rule"), Column("standing", "Standing"), Column("asks", "Eased by")]
    columns.append(figure("worth", f"Worth ({explaining.aim_unit(plan)})", number))
    return heading + parts.table(mine.rules, columns, "Rules that stand at their end over your lines")


def _costs(view: View, plan: Plan) -> None:
    """What each rule costs the seat: a re-solve a rule, when asked for."""
    if not st.toggle("Work out what each costs you, and whom it helps", key="seat-costs"):
        return
    bar = parts.Progress("Solving without each rule in turn")
    table = costs_me(plan, view.draft.seat, solve=solving.answer, tick=bar.tick)
    bar.end()
    signed = partial(number, signed=True)
    columns = [
        Column("sentence", "Rule"),
        figure("mine", "Your money without it", money(plan, signed=True)),
        figure("aim", f"The aim without it ({explaining.aim_unit(plan)})", signed),
        Column("helps", "Whom it helps"),
    ]  # fmt: skip
    st.html(parts.table(table, columns, "What each rule costs you, what costs most first"))
