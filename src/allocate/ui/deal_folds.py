"""What stands behind the deal, each in a fold: who leaves, other ways of sharing, consent, shortfalls, the law, and
exactly how. What takes long is worked out when its fold is opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from allocate.commons.apart.regimes import Regimes
from allocate.commons.sharing.deal import EQUAL, NUCLEOLUS, SHADOW, SHAPLEY
from allocate.commons.sharing.shortage import Shortage, shortage
from allocate.plan.figures import number, pounds
from allocate.plan.plan import Plan
from allocate.plan.words import title
from allocate.ui import deal_more, deal_terms, parts, solving
from allocate.ui.address import reproduce
from allocate.ui.asking import asked
from allocate.ui.deal_work import EVERY, Offer
from allocate.ui.desk import View
from allocate.ui.parts import Column, figure
from allocate.ui.sharing import folder_of
from allocate.ui.tasks import Task

WAYS = {
    EQUAL: "Equal gain", SHADOW: "By what each brings, at its price", SHAPLEY: "By what each adds on average",
    NUCLEOLUS: "The least content group first",
}  # fmt: skip
PART = 0.01
"""The part of all that is spent that is first taken to fall short."""


def show(view: View, plan: Plan, found: Regimes, made: Offer | None) -> None:
    """Every fold that has something to say."""
    if made is not None and made.deal is not None:
        own = view.draft.seat.removeprefix("partners.")
        _fold("If one leaves, partner by partner", "deal-leaving", leaving, made, own)
        _fold("Other ways of sharing the gain", "deal-sharing", sharing, made, own)
        _fold("Without payments: what each one's consent costs", "deal-consent", consent, made, own)
    if made is not None:
        deal_more.questions(view, plan, made)
        deal_terms.questions(view, made)
    _fold("If money falls short: who goes without", "deal-short", short, view)
    deal_more.law_costs(view)
    _fold("Exactly how", "deal-how", how, view, found, made)


def _fold(name: str, key: str, fill: Callable[..., None], *what: Any) -> None:
    with st.expander(name, key=key, on_change="rerun") as fold:
        if fold.open:
            fill(*what)


def mine_in(rows: pd.DataFrame, own: str) -> list[int]:
    """Where in a table the partner stands whose seat is taken."""
    return np.flatnonzero(rows["partner"] == own).tolist()


# --- groups ----------------------------------------------------------------------------------------------------------


def leaving(made: Offer, own: str = "") -> None:
    """What each partner's leaving does to the others and to itself."""
    assert made.deal is not None
    table = made.deal.leaving
    if table.empty:
        st.html(parts.paragraph("Not known: it was stopped before.", "text"))
        return
    has = made.partners.set_index("partner")["amount"]
    rows = table.assign(
        others=-table["less"], own=table["acts"] - table["partner"].map(has), gone=table["acts"] - table["fallback"]
    )
    say = partial(made.say, signed=True)
    columns = [
        Column("name", "If it leaves"), figure("others", "The others, against the deal", say),
        figure("own", "It, against the deal", say), figure("gone", "It, against no deal at all", say),
        figure("shifts", "Money it then spends otherwise", made.say),
    ]  # fmt: skip
    note = (
        "The others then share only their own money and go for what lands on them; the one that leaves does what is "
        "then best for itself."
    )
    st.html(parts.paragraph(note) + parts.table(rows, columns, "What each partner's leaving does", mine_in(rows, own)))


def sharing(made: Offer, own: str = "") -> None:
    """Payments by partner under each way of sharing, and whether a group would do better by itself."""
    deal = made.deal
    assert deal is not None
    ways = list(dict.fromkeys(deal.sharing["method"]))
    names = {way: WAYS.get(way, title(way)) for way in ways}
    wide = deal.sharing.pivot_table(index="partner", columns="method", values="payment", sort=False)
    rows = made.partners[["partner", "name"]].merge(wide.reset_index(), on="partner")
    say = partial(made.say, signed=True)
    columns = [Column("name", "Partner"), *(figure(way, names[way], say) for way in ways)]
    said = [f"{names[way]}: {_content(made, way)}" for way in ways]
    if len(made.partners) > EVERY:
        said.append(
            f"Ways that go through every group are worked out for up to {EVERY} partners; the command line has them "
            "for more: allocate deal --all-groups."
        )
    st.html(
        parts.lines(said)
        + parts.table(rows, columns, "Payments under each way of sharing; below nought: paid", mine_in(rows, own))
    )


def _content(made: Offer, way: str) -> str:
    """How the least content group fares under a way of sharing."""
    deal = made.deal
    assert deal is not None
    amounts = deal.sharing[deal.sharing["method"] == way].set_index("partner")["amount"]
    slack = np.array([amounts[list(row.group)].sum() - row.value for row in deal.groups.itertuples()])
    down = made.partners.set_index("partner")["fallback"] - amounts.reindex(made.partners["partner"])
    below = int((down > made.noise).sum())
    short = f" {below} would have less than without a deal." if below else ""
    if not len(slack):
        return f"no group was asked.{short}"
    worst = int(slack.argmin())
    who = made.names(deal.groups["group"].iloc[worst])
    if slack[worst] < -made.noise:
        return f"{who} would have {made.say(-slack[worst])} more by themselves.{short}"
    return f"no group that was asked would do better by itself; nearest is {who}.{short}"


def consent(made: Offer, own: str = "") -> None:
    """What leaving nobody below its fallback costs, partner by partner, where nothing is paid."""
    deal = made.deal
    assert deal is not None
    unit = deal.unit
    columns = [
        Column("name", "Partner"), figure("short", "What it lacks together", made.say),
        figure("cost", f"Its insisting alone costs ({unit})", number),
        figure("insisting", "What it has if all insist", made.say),
        figure("eased", f"{made.say(1e6)} less asked by it buys ({unit})", number),
    ]  # fmt: skip
    rows = deal.consent.assign(eased=deal.consent["price"].clip(lower=0.0) * 1e6)
    note = "Where nothing may be paid, a plan has to leave everybody with what it has without a deal."
    st.html(parts.paragraph(note) + parts.table(rows, columns, "What each partner's consent costs", mine_in(rows, own)))


# --- shortfalls ------------------------------------------------------------------------------------------------------


def short(view: View) -> None:
    """Who goes short if money does: a sum that is chosen, by four rules of claims and as would buy most."""
    assert view.plan is not None
    money = float(view.plan.by("partner")["spend"].sum()) / 1e6
    missing = st.number_input(
        "Money that falls short (£m)", 0.0, money, round(PART * money, 3), key="deal-missing", width=320,
        help="What partners together could spend less than in this plan; each claims what it spends in it.",
    )  # fmt: skip
    if not 0.0 < missing < money:
        return

    def work(_: Task[Any]) -> Shortage:
        return shortage(view.wanted, missing * 1e6, solve=solving.answer)

    found, _ = asked("short", (view.wanted.digest, missing), work, "Solving within each rule's awards")
    if found is None:
        return
    if not isinstance(found, Shortage):
        st.html(parts.paragraph(f"It cannot be said: {found}", "text"))
        return
    rules = list(found.rules["rule"])
    wide = found.table.pivot_table(index=["partner", "name", "claim"], columns="rule", values="less").reset_index()
    sign, own = view.wanted.heading.currency, view.draft.seat.removeprefix("partners.")
    wide, say = wide.sort_values("claim", ascending=False, ignore_index=True), partial(pounds, currency=sign)
    columns = [Column("name", "Partner"), figure("claim", "Was to spend", say)]
    columns += [figure(rule, f"Less: {rule}", say) for rule in rules if rule in wide]
    lost = [Column("rule", "Shared out"), figure("lost", f"The system loses ({found.unit})", number), Column("why", "")]
    st.html(
        parts.lines(found.sentences)
        + parts.table(wide, columns, "What each partner would do without, by each rule", mine_in(wide, own))
        + parts.table(found.rules, lost if found.rules["why"].any() else lost[:2], "What each rule costs the system")
    )


# --- how -------------------------------------------------------------------------------------------------------------


def how(view: View, found: Regimes, made: Offer | None) -> None:
    """Methods by their proper names, with their sources, where apart was found to end, and the same by command."""
    columns = [
        Column("start", "Where replies began"), figure("value", f"Where they ended ({found.unit})", number),
        figure("regret", "Largest regret, part of what is at stake", lambda value: f"{value:.2e}"),
        figure("replies", "Replies"),
    ]  # fmt: skip
    said = [*HOW, f"The plan apart was found by: {found.how}."]
    if made is not None and made.deal is not None:
        said.append(f"{len(made.deal.groups)} groups were asked what they would have by themselves.")
        said += made.deal.sentences[-2:]
    st.html(parts.lines(said) + parts.table(found.starts, columns, "Starts from which apart was looked for"))
    folder = folder_of(view)
    commands = [reproduce(view.draft, folder, "regimes")]
    if made is not None:
        back = f" --fallback {made.fallback.replace(' ', '-')}" if view.draft.fallback else ""
        commands.append(reproduce(view.draft, folder, "deal") + back)
    st.html(parts.paragraph("The same from a command line:"))
    st.code("\n".join(commands), language=None, wrap_lines=True)


HOW = (
    "Apart is a Nash equilibrium by best replies in turn; where what everybody wants follows one sum (a weighted "
    "potential: Monderer and Shapley, Games and Economic Behavior 14, 1996) by one solve. Its regret is what one "
    "partner could still gain by moving alone. Other equilibria may exist: the range is of those that were found.",
    "Equal gain is each partner's fallback and an equal part of what is left, moved by least squares only as far as it "
    "takes for no group to have more by itself (the core); groups are asked as they object (Goldfarb and Idnani, "
    "Mathematical Programming 27, 1983). Where the core is empty, the least from outside is the cost of stability "
    "(Bachrach and others, SAGT 2009).",
    "By what each brings, at its price is Owen's set of linear production games (Mathematical Programming 9, 1975), by "
    "the shadow prices of the plan that lands most on all. By what each adds on average is Shapley's value (1953). The "
    "least content group first is Schmeidler's nucleolus (1969), a group being settled only where a positive part in "
    "the dual proves it.",
    "Going short: proportional; constrained equal awards and losses; and Aumann and Maschler's rule of the Talmud "
    "(Journal of Economic Theory 36, 1985).",
    "What a group could do by itself takes those outside to stay where they are without a deal.",
)


__all__ = ["consent", "how", "leaving", "sharing", "short", "show"]
