"""Settlements, terms and switch points, each worked out when a visitor asks: plans that all could sign without paying,
payments that make the plan each one's own best choice, and how far a judgement would have to move to turn an answer."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from allocate.commons.apart.judgements import TIMES
from allocate.commons.apart.switching import SwitchPoints, switch_points
from allocate.commons.settling.settlements import MEANS, Settlements, settle
from allocate.commons.terms.terms import MATCHING, OPEN, RATES, TODAY, Terms, terms
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.moves import POUND
from allocate.plan.words import some
from allocate.rules.wording import capital
from allocate.ui import asking, parts, solving
from allocate.ui.asking import Question
from allocate.ui.deal_pictures import settled
from allocate.ui.deal_work import Offer
from allocate.ui.desk import View
from allocate.ui.parts import Column, figure

SCHEMES = {
    TODAY: "As things are", RATES: "Paid by rates", MATCHING: "Matched from a pool", OPEN: "Open books",
}  # fmt: skip
RATES_SHOWN, UNLIKE, POINTS = 15, 8, 12
"""Rates, lines on which settlements differ, and switch points that are listed."""


def questions(view: View, made: Offer) -> None:
    """The three questions, for a deal in pounds."""
    own = view.draft.seat.removeprefix("partners.")
    kept: dict[str, Any] = {"fallback": made.fallback, "solve": solving.answer}
    of = (view.wanted.digest, made.fallback)
    asking.put(Question(
        "settle", "Settle without payments: a mediator's short list",
        "The plan that each partner would like best, what all of these agree on already, and a few compromises "
        "between them that leave nobody below what it has without a deal.",
        "Looking for what each would like best, and settlements between", of,
        lambda task: settle(view.wanted, watch=task.watch, tick=task.tick, **kept), partial(short_list, own=own),
    ))  # fmt: skip
    asking.put(Question(
        "terms", "Terms: rates, matching or open books that make the plan everyone's own choice",
        "Which terms would make each partner choose the plan together itself, what each would pay or be paid by "
        "them, and what anybody would gain by saying that it needs more.",
        "Asking what each would choose under which terms", of,
        lambda task: terms(view.wanted, watch=task.watch, tick=task.tick, **kept), partial(agreed, own=own),
    ))  # fmt: skip
    asking.put(Question(
        "switch", "How far would a judgement have to move to change this?",
        "How far each partner's part of what is bought would have to move before another would sign, control from "
        "above would win, or there were nothing to gain. This takes longest of all: some minutes for a large system.",
        "Moving one judgement after the other", of,
        lambda task: switch_points(view.wanted, watch=task.watch, tick=task.tick, **kept), turning,
    ))  # fmt: skip


# --- settlements -----------------------------------------------------------------------------------------------------


def short_list(found: Settlements, own: str = "") -> None:
    """What all agree on, the short list with what each costs and for whom it is best, what it lands on each partner,
    and the lines on which they differ most."""
    sign, name = found.scenario.heading.currency, found.scenario.name_of
    listed = found.summary[found.summary["why"] == ""]

    def who(ids: tuple[str, ...]) -> str:
        return some([name("partners", each) for each in ids], 2) if ids else ""

    rows = listed.assign(
        called=[capital(each) for each in listed["settlement"]],
        best=[who(each) for each in listed["best_for"]], worst=[who(each) for each in listed["worst_for"]],
    )  # fmt: skip
    columns = [
        Column("called", "Settlement"),
        figure("difference", f"Against together ({found.unit})", partial(number, signed=True)),
        figure("moved", "Moves since today", partial(pounds, currency=sign)), Column("best", "Best for"),
        Column("worst", "Worst for"),
    ]  # fmt: skip
    html = asking.sentences(found.sentences)
    if len(rows):
        html += parts.table(rows, columns, "A short list of settlements")
        html += parts.lines(f"{capital(each)}: {MEANS[each]}." for each in listed["settlement"])
        gains = found.settlements.assign(settlement=[capital(each) for each in found.settlements["settlement"]])
        drawn = settled(gains, found.scenario.heading.currency, own)
        html += parts.title("What each settlement lands on partners", "Beyond what each has without a deal.", level=3)
        html += drawn.html
    html += _unlike(found)
    st.html(html)


def _unlike(found: Settlements) -> str:
    """HTML of the lines on which preferred plans and settlements differ most."""
    apart = found.agreed[found.agreed["most"] - found.agreed["least"] > POUND].head(UNLIKE)
    if apart.empty:
        return ""
    name, sign = found.scenario.name_of, found.scenario.heading.currency
    say = partial(pounds, currency=sign)
    rows = apart.assign(
        line=[f"{name('programmes', row.programme)}, {name('places', row.place)} ({name('partners', row.partner)})"
              for row in apart.itertuples()]
    )  # fmt: skip
    columns = [
        Column("line", "Line"), figure("least", "All spend at least", say), figure("most", "And at most", say),
        figure("together", "Together", say),
    ]  # fmt: skip
    return parts.table(rows, columns, "Where the plans differ most; the rest of the money is as good as agreed")


# --- terms -----------------------------------------------------------------------------------------------------------


def agreed(found: Terms, own: str = "") -> None:
    """Under which terms each would choose the plan itself; what each pays or is paid; rates; and what untruth gains."""
    say = partial(pounds, currency=found.scenario.heading.currency)
    wide = found.alignment.pivot_table(index=["partner", "name"], columns="scheme", values="regret", sort=False)
    wide = wide.reset_index()
    schemes = [each for each in SCHEMES if each in wide]
    mark = np.flatnonzero(wide["partner"] == own).tolist()
    columns = [Column("name", "Partner"), *(figure(each, SCHEMES[each], say) for each in schemes)]
    html = asking.sentences(found.sentences)
    html += parts.table(wide, columns, "What each could gain by leaving the plan alone, under which terms", mark)
    mine = found.partners
    columns = [
        Column("name", "Partner"), figure("payment", "Equal gain: it receives", partial(say, signed=True)),
        figure("matched", "Matching: a pool pays it", say), figure("contributes", "It pays in", say),
        figure("share", "Open books: its share", per_cent), figure("fixed", "Its fixed sum", partial(say, signed=True)),
    ]  # fmt: skip
    mark = np.flatnonzero(mine["partner"] == own).tolist()
    html += parts.table(mine, columns, "What each pays or receives by which terms", mark)
    html += _rates(found, own) + _untruths(found)
    st.html(html)


def _rates(found: Terms, own: str) -> str:
    """HTML of the rates that move most money; a seat's own first."""
    rates = found.rates.dropna(subset=["rate"])
    rates = rates.assign(moved=(rates["plan"] - rates["alone"]).abs() * rates["rate"].abs())
    rates = rates[rates["moved"] >= POUND].sort_values("moved", ascending=False)
    mine = (rates["partner"] == own).to_numpy()
    rates = pd.concat([rates[mine], rates[~mine]]).head(RATES_SHOWN).reset_index(drop=True)
    if rates.empty:
        return ""
    name, say = found.scenario.name_of, partial(pounds, currency=found.scenario.heading.currency)
    rows = rates.assign(
        line=[f"{name('programmes', row.programme)}, {name('places', row.place)}" for row in rates.itertuples()],
        pence=[f"{100 * rate:+,.1f}p".replace("-", "\N{MINUS SIGN}") for rate in rates["rate"]],
    )
    columns = [
        Column("name", "Partner"), Column("line", "For"), figure("alone", "It alone would spend", say),
        figure("plan", "The plan", say), figure("pence", "Paid for each pound more"),
    ]  # fmt: skip
    mark = np.flatnonzero(rows["partner"] == own).tolist()
    return parts.table(rows, columns, "Rates that matter most", mark)


def _untruths(found: Terms) -> str:
    """HTML of what it would gain a partner to say that it needs more than it does."""
    if found.gaming.empty:
        return ""
    say = partial(pounds, currency=found.scenario.heading.currency, signed=True)
    rows = found.gaming.sort_values("gains", ascending=False).head(UNLIKE).reset_index(drop=True)
    rows = rows.assign(
        says=[f"{row.stated}: {per_cent(abs(row.by), places=0)} {'more' if row.by > 0 else 'less'}"
              for row in rows.itertuples()]
    )  # fmt: skip
    columns = [
        Column("name", "If it says"), Column("says", "Untruly"), figure("gains", "It truly gains", say),
        figure("others", "All others", say),
    ]  # fmt: skip
    return parts.table(rows, columns, "What an untruth would gain")


# --- switch points ---------------------------------------------------------------------------------------------------


def turning(found: SwitchPoints) -> None:
    """What would have to move how far for which answer to turn, the nearest first."""
    table = found.points
    rows = []
    for row in table.itertuples():
        for way, factor in (("down", row.factor_down), ("up", row.factor_up)):
            value = getattr(row, way)
            if value == value:
                far = abs(factor - 1.0) if factor == factor else np.inf
                rows.append({
                    "name": capital(str(row.name)), "status": row.status, "now": _valued(row.now, row.unit),
                    "at": _valued(value, row.unit), "headline": row.headline,
                    "answer": "no" if row.answer else "yes", "far": far,
                })  # fmt: skip
    html = asking.sentences(found.sentences)
    if rows:
        near = pd.DataFrame(rows).sort_values("far", kind="stable").head(POINTS)
        columns = [
            Column("name", "Judgement"), Column("status", "It is"), figure("now", "Now"), figure("at", "Turns at"),
            Column("headline", "Question"), Column("answer", "Whose answer is then"),
        ]  # fmt: skip
        html += parts.table(near, columns, "Switch points, the nearest first")
    st.html(html)


def _valued(value: float, unit: str) -> str:
    if unit == TIMES:
        return f"{number(value)} times"
    return number(value) if unit == "part" else pounds(value, unit)


__all__ = ["agreed", "questions", "short_list", "turning"]
