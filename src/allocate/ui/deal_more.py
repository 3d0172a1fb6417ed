"""Further questions about the deal, each worked out when a visitor asks: whether it holds rule by rule, other plans as
good, partners that go together, and what the law costs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from allocate.commons.apart.blocs import by_kind
from allocate.commons.apart.regimes import Regimes, regimes
from allocate.commons.keeping.holding import NO_RULE, Holds, holds
from allocate.commons.settling.alternatives import Alternatives, alternatives
from allocate.commons.sharing.deal import Deal, deal
from allocate.commons.sharing.games import MOST
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.plan import Plan
from allocate.plan.words import title
from allocate.rules.wording import capital
from allocate.ui import asking, parts, solving
from allocate.ui.asking import Question
from allocate.ui.deal_pictures import payment_said, room
from allocate.ui.deal_work import Offer, offer_of
from allocate.ui.desk import View
from allocate.ui.parts import Column, figure
from allocate.ui.tasks import Task

NEAR = 0.02
"""How much of the best plan's gain another plan as good may give up."""
TEMPTING = 12
"""Rules that tempt somebody, which are listed."""
LONG = 8
"""Ranges of each kind that are drawn, those with the most room."""


def questions(view: View, plan: Plan, made: Offer) -> None:
    """Every further question that a deal in pounds raises."""
    scenario, fallback, own = view.wanted, made.fallback, view.draft.seat.removeprefix("partners.")
    kept: dict[str, Any] = {"fallback": fallback, "solve": solving.answer}
    of = (scenario.digest, fallback)
    if made.deal is None:
        asking.put(Question(
            "blocs", "Would it hold if partners of a kind go together?",
            f"More than {MOST} partners are too many to go through every group of them. Counted as one by kind they "
            "are few enough: each kind then decides as one, and divides what it pays or receives.",
            "Asking what groups of kinds could do by themselves", of,
            lambda task: deal(scenario, blocs=by_kind(scenario), watch=task.watch, tick=task.tick, **kept),
            partial(go_together, made=made, own=own),
        ))  # fmt: skip
    asking.put(Question(
        "holds", "Will it hold, rule by rule? Six questions",
        "What each partner would gain by leaving the plan or breaking a rule, how patient it must be for keeping to it "
        "to pay, and how often somebody must look.",
        "Asking what each would gain by breaking each rule", of,
        lambda task: holds(scenario, watch=task.watch, tick=task.tick, **kept), partial(kept_to, own=own),
    ))  # fmt: skip
    asking.put(Question(
        "alternatives", "Other plans nearly as good, that nobody would veto",
        f"Plans that give up at most {per_cent(NEAR, places=0)} of what the best gains and leave nobody below what it "
        "has without a deal, as unlike one another as can be; and how far each programme, partner and place could go.",
        "Looking for plans unlike one another", of,
        lambda task: alternatives(scenario, within=NEAR, watch=task.watch, tick=task.tick, **kept),
        partial(choices, unit=parts.unit(plan)),
    ))  # fmt: skip


def law_costs(view: View) -> None:
    """What together would gain without each statutory rule."""

    def work(task: Task) -> Regimes:
        return regimes(view.wanted, told={}, others=0, solve=solving.answer, tick=task.tick)

    about = (
        "What together would buy more without each rule in law, all else as it is: a solve for each that may matter."
    )
    asking.put(Question(
        "law", "What each rule in law costs", about, "Solving without each rule in law", view.wanted.digest, work, law
    ))  # fmt: skip


# --- the law ---------------------------------------------------------------------------------------------------------


def law(found: Regimes) -> None:
    """What each statutory rule costs, the dearest first."""
    if found.law.empty:
        st.html(parts.paragraph("No statutory rule is in force.", "text"))
        return
    sign = found.scenario.heading.currency
    columns = [
        Column("sentence", "Rule"), figure("cost", f"Without it ({found.unit})", partial(number, signed=True)),
        figure("pounds", "On partners", partial(pounds, currency=sign, signed=True)),
        Column("how", "How that is known"),
    ]  # fmt: skip
    columns = [each for each in columns if each.name != "pounds" or found.law["pounds"].notna().any()]
    st.html(parts.table(found.law, columns, "What together would buy more without each rule in law, all else as it is"))


# --- partners of a kind ----------------------------------------------------------------------------------------------


def go_together(found: Deal, made: Offer, own: str = "") -> None:
    """Whether a deal between kinds holds, what each pays or receives, and how a kind divides it."""
    kinds = offer_of(found.partners, found.scenario, found.fallback, found.noise, found)
    said = [each for each in found.sentences if each]
    rows = kinds.partners.assign(pay=[payment_said(kinds, each) for each in kinds.partners["payment"]])
    say = made.say
    columns = [
        Column("name", "Going together"), figure("fallback", "Without a deal", say),
        figure("together", "Together, as it stands", say), figure("amount", "With the deal", say), Column("pay", "It"),
    ]  # fmt: skip
    html = asking.sentences(said) + parts.table(rows, columns, "What each kind of partner pays or receives")
    if len(found.blocs):
        inside = found.blocs.assign(kind=[title(str(each)) for each in found.blocs["bloc"]])
        columns = [
            Column("name", "Partner"), Column("kind", "Of"), figure("fallback", "Without a deal", say),
            figure("together", "Together, as it stands", say), figure("payment", "Receives (pays below nought)", say),
        ]  # fmt: skip
        mark = np.flatnonzero(inside["partner"] == own).tolist()
        html += parts.table(inside, columns, "How each kind could divide it, all in it gaining the same", mark)
    st.html(html)


# --- does it hold ----------------------------------------------------------------------------------------------------


def kept_to(found: Holds, own: str = "") -> None:
    """The six questions, who would leave, and which rules tempt."""
    works = {True: "Self-organising works here, as far as these questions go.", False: found.sentences[0],
             None: "Whether self-organising works here is not known in full."}[found.works]  # fmt: skip
    check = found.check.assign(answer=found.check["answer"].map(capital))
    columns = [Column("question", "Question"), Column("answer", "Answer"), Column("fact", "Because")]
    html = parts.verdict(works.partition(". ")[0].rstrip(".") + ".", "good" if found.works else "note")
    html += parts.table(check, columns, "Six questions on whether self-organising works here")
    html += asking.sentences(found.sentences[1:])
    html += _tempted(found, own)
    st.html(html)


def _tempted(found: Holds, own: str) -> str:
    """HTML of what leaving the plan, and breaking agreed rules, would gain, most first; a seat's own before others'."""
    say = partial(pounds, currency=found.unit)
    leave = found.leaving[(found.leaving["breaks"] == NO_RULE) & (found.leaving["temptation"] > 1.0)]
    rules = found.rules[(found.rules["standing"] == "agreed") & (found.rules["temptation"] > 1.0)]
    mine = (rules["partner"] == own).to_numpy()
    rules = pd.concat([rules[mine], rules[~mine]]).head(TEMPTING)
    columns = [
        figure("temptation", "It would gain a year", say), figure("patience", "Least patience, 0 to 1", _patience),
        Column("verdict", "So it"),
    ]  # fmt: skip
    html = ""
    if len(leave):
        rows = leave.sort_values("temptation", ascending=False, ignore_index=True)
        mark = np.flatnonzero(rows["partner"] == own).tolist()
        html += parts.table(rows, [Column("name", "Partner"), *columns], "Leaving the plan with every rule kept", mark)
    if len(rules):
        rows = rules.assign(called=[title(str(each)) for each in rules["rule"]]).reset_index(drop=True)
        mark = np.flatnonzero(rows["partner"] == own).tolist()
        first = [Column("called", "Rule"), Column("name", "Broken by")]
        html += parts.table(rows, [*first, *columns], "Agreed rules that tempt most", mark)
    return html


def _patience(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "none is enough"


# --- other plans -----------------------------------------------------------------------------------------------------


def choices(found: Alternatives, unit: str) -> None:
    """Plans nearly as good, by how many partners prefer them; who has more or less in each; and where there is room."""
    sign = found.scenario.heading.currency
    plans = found.plans.assign(
        name=[f"{row.plan}: {row.found_as}" for row in found.plans.itertuples()],
        like=[f"{row.prefer} for, {row.against} against" for row in found.plans.itertuples()],
    )
    columns = [
        Column("name", "Plan"), figure("value", f"Buys ({found.unit})", number),
        figure("below", "Gives up", partial(per_cent, places=2)),
        figure("moved", "Spent otherwise", partial(pounds, currency=sign)), Column("like", "Partners"),
    ]  # fmt: skip
    html = asking.sentences(found.sentences)
    if len(plans):
        html += parts.table(plans, columns, "Plans nearly as good as the agreed one")
        wide = found.partners.pivot_table(index="name", columns="plan", values="change", sort=False).reset_index()
        wide.columns = wide.columns.map(str)
        say = partial(pounds, currency=sign, signed=True)
        columns = [Column("name", "Partner"), *(figure(str(each), f"Plan {each}", say) for each in plans["plan"])]
        html += parts.table(wide, columns, "What partners have more or less than in the agreed plan")
    for kind, rows in found.range.dropna(subset=["least", "most"]).groupby("kind", sort=False):
        wider = rows.assign(room=rows["most"] - rows["least"]).nlargest(LONG, "room")
        drawn = room(wider.to_dict("records"), unit)
        html += parts.title(f"How far each {kind} could go", "Against the agreed plan, nought.", level=3) + drawn.html
    st.html(html)


__all__ = ["choices", "go_together", "kept_to", "law", "law_costs", "questions"]
