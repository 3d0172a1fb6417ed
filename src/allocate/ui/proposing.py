"""What stands in the draft as a proposal: what it does to everyone, who would agree, what nobody would object to."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from allocate.commons.proposing.payoffs import PAYOFFS, outcome_in_all, weights_of
from allocate.commons.proposing.proposals import Proposal, propose
from allocate.engine.watch import Stopped
from allocate.plan import explaining
from allocate.plan.figures import IN_MILLIONS, number, per_cent, pounds
from allocate.plan.moves import NOISE
from allocate.plan.plan import Plan
from allocate.plan.words import capital, some, title
from allocate.plan.writing import to_csv
from allocate.scenario.paths import panel as panel_of
from allocate.scenario.scenario import Scenario
from allocate.scenario.values import value_text
from allocate.ui import parts, pictures, sharing, solving, state, tasks
from allocate.ui.desk import View
from allocate.ui.knobs import as_read, label_of, words
from allocate.ui.parts import Column, Shown, figure
from allocate.ui.tasks import Task
from allocate.ui.words import money

COUNTED = {"money": "Money on their own lines", "outcome": "What their own lines buy"}
VOTES = {"for": "For", "against": "Against", "neither": "Not affected"}
RULES = 6
"""Of rules with one effect, that are named."""
NOTHING = "Change a rule, a weight or an envelope, and see here who gains, who loses and who would agree."
ASSUMED = "Only assumptions were changed: a vote decides what is done, not what is so."
ASSUMING = " It takes the assumptions as they were read, not as you changed them."
_made: solving.Shared[Proposal] = solving.Shared(64)


def fold(view: View) -> None:
    """The proposal that the draft makes, for whoever asks; a hint where it makes none."""
    change = proposed(view)
    if not change or view.yardstick is None:
        said = ASSUMED if view.changed and not change else NOTHING
        if view.yardstick is not None:
            st.html(f"<p class='al-note al-hint'><strong>Propose a change.</strong> {parts.plain(said)}</p>")
        return
    label = "Propose this: who gains, who loses, and who would agree"
    part = st.expander(label, key="propose", on_change="rerun", icon=":material/how_to_vote:")
    if part.open:
        with part:
            _proposal(view, view.yardstick, change)


def proposed(view: View) -> dict[str, Any]:
    """What the draft proposes: its changes but for assumptions, where the plan that it is set against makes those."""
    if view.rebased is None:
        return dict(view.draft.changes)
    return {path: value for path, value in view.draft.changes.items() if panel_of(path) != "assumption"}


def _proposal(view: View, stands: Plan, change: Mapping[str, Any]) -> None:
    """The proposal on the page: who makes it and why, and all that follows."""
    by, why, payoff = _asked(view, change)
    key = (stands.scenario.digest, repr(list(change.items())), by, payoff)
    found = _made.made(key, lambda: propose(stands, change, by=by, payoff=payoff, solve=solving.answer))
    found = replace(found, reason=why)
    parts.draw(parts.verdict(found.answer, _tone(found), "If this is proposed:"), key="proposal")
    if found.after is not None:
        st.html(parts.gallery(_pictures(found)))
    st.html((seats(found, view.draft.seat) if found.after is not None else "") + decisions(found))
    whole = _nearest(view, stands, found, key)
    _others(found)
    st.html(how(found))
    _to_keep(view, whole or found)


def _asked(view: View, change: Mapping[str, Any]) -> tuple[str, str, str]:
    """By whom, why, and what gains and losses are counted in."""
    names = {row.id: row.name for row in view.wanted.partners.itertuples()}
    with st.container(horizontal=True, vertical_alignment="bottom", key="proposal-asks"):
        first = _first(view, change, list(names))
        by = st.selectbox(
            "Proposed by", list(names), index=list(names).index(first), format_func=names.__getitem__,
            key=f"proposal-by-{view.draft.seat}", width=310,
        )  # fmt: skip
        why = st.text_input("Why", max_chars=300, key="proposal-why", placeholder="Goes into the minutes", width=290)
        payoff = st.selectbox(
            "Gains and losses are counted in", list(PAYOFFS), format_func=lambda each: COUNTED.get(each, each),
            key="proposal-payoff", width=270,
        )  # fmt: skip
    return str(by), why.strip(), str(payoff)


def _first(view: View, change: Mapping[str, Any], partners: list[str]) -> str:
    """Who proposes it unless somebody else is named: the seat, or else who answers for the first rule changed."""
    table, _, seat = view.draft.seat.partition(".")
    if table == "partners" and seat in partners:
        return seat
    rules = {rule.id: rule.owner for rule in (*view.agreed.rules, *view.wanted.rules)}
    owners = (rules.get(path.split(".")[1]) for path in change if path.startswith("rules."))
    return next((owner for owner in owners if owner in partners), partners[0])


def _tone(found: Proposal) -> str:
    if found.clash is not None or found.barred:
        return "bad"
    return "good" if found.decided_by("consent") else "note"


# --- seat by seat ----------------------------------------------------------------------------------------------------


def _pictures(found: Proposal) -> list[Shown]:
    """Whose money changes, partner by partner and place by place."""
    shown: list[Shown] = []
    largest = max(found.partners["money_difference"].abs().max(), found.places["money_difference"].abs().max())
    # Small changes of a large system say nothing in millions.
    unit = parts.unit(found.before) if largest >= IN_MILLIONS / 50 else found.before.scenario.heading.currency
    for name, table in (("By partner", found.partners), ("By place", _leaves(found))):
        rows = table[table["money_difference"] != 0].sort_values("money_difference", ascending=False, kind="stable")
        told = [
            {"name": row.called, "change": row.money_difference,
             "share": row.money_difference / row.money_before if row.money_before else None}
            for row in rows.rename(columns={"name": "called"}).itertuples()
        ]  # fmt: skip
        none = "No partner's money changes." if name == "By partner" else "No place's money changes."
        what = pictures.change_bars(pictures.largest(told), unit) if told else none
        shown.append(Shown(name, "Money against the plan as it stands", what))
    return shown


def _leaves(found: Proposal) -> pd.DataFrame:
    """Places without places inside them."""
    above = set(found.before.scenario.table("places")["parent"].dropna())
    return found.places[~found.places["id"].isin(above)]


def seats(found: Proposal, seat: str = "") -> str:
    """HTML of what becomes of every partner and how it would vote, and in a fold of every place."""
    unit, sign = explaining.aim_unit(found.before), found.before.scenario.heading.currency
    sums, signed = money(found.before), partial(pounds, currency=sign, signed=True)
    figures = [
        figure("money_before", "As it stands", sums), figure("money_after", "If it passes", sums),
        figure("money_difference", "Difference", signed),
        figure("outcome_difference", f"What it buys ({unit})", partial(number, signed=True)),
    ]  # fmt: skip
    partners = found.partners.assign(
        said=[_vote(row) for row in found.partners.itertuples()],
    )  # fmt: skip
    mine = [place for place, key in enumerate(partners["id"]) if seat == f"partners.{key}"]
    here = [place for place, key in enumerate(found.places["id"]) if seat == f"places.{key}"]
    first = parts.table(
        partners, [Column("name", "Partner"), *figures, Column("said", "Vote")],
        "Every partner: its money, what its lines buy, and its vote", mine,
    )  # fmt: skip
    second = parts.table(found.places, [Column("name", "Place"), *figures], "Every place: money and what it buys", here)
    return (
        parts.title("Seat by seat", level=3) + first
        + f"<details class='al-figures'><summary>Place by place</summary>{second}</details>"
    )  # fmt: skip


def _vote(row: Any) -> str:
    """How a partner votes, and whether it said so: 'Against, and objects'."""
    said = VOTES[row.vote]
    if row.objects:
        return f"{said}, and objects" + (" (on record)" if row.basis == "said" else "")
    return said + (" (proposes it)" if row.basis == "said" and row.vote == "for" else "")


def decisions(found: Proposal) -> str:
    """HTML of whether it passes under each rule for deciding, and why."""
    rows = found.passes.assign(
        name=[capital(name) for name in found.passes["name"]],
        answer=["Yes" if passes else "No" for passes in found.passes["passes"]],
        why=[f"{capital(why)}." for why in found.passes["why"]],
    )  # fmt: skip
    columns = [Column("name", "Decided by"), Column("answer", "Passes"), Column("why", "Why")]
    return parts.title("Would it pass?", level=3) + parts.table(
        rows, columns, "Under each rule for deciding; votes are presumed from what each gains or loses, not asked"
    )


def _others(found: Proposal) -> None:
    """What becomes of other rules, and what it would take to leave no loser."""
    said = rule_effects(found)
    if said:
        st.html(parts.title("Other rules", level=3) + parts.lines(said))
    if found.compensation is None or not found.compensation.losses:
        return
    table = found.compensation.payments
    say = partial(found.payoff.said, plan=found.before, signed=True)
    columns = [
        Column("name", "Partner"), figure("difference", "Gains or loses", say),
        figure("receives", "Is paid, or pays", say), figure("left", "Is left with", say),
    ]  # fmt: skip
    st.html(
        parts.title("If nobody is to lose", level=3)
        + parts.paragraph(found.compensation.sentence, "text")
        + "<details class='al-figures'><summary>Who pays whom</summary>"
        + parts.table(table, columns, "The smallest payments that leave no loser") + "</details>"
    )  # fmt: skip


def rule_effects(found: Proposal) -> list[str]:
    """What becomes of the other rules, an effect a line: 'Tightens: “Elective recovery” and “Pool social care”.'"""
    table, said = found.rules[~found.rules["effect"].isin(("", "is changed"))], []
    for effect, rows in table.groupby("effect", sort=False):
        names = [f"“{title(key.removeprefix('resource '))}”" for key in rows["rule"]]
        said.append(f"{capital(str(effect))}: {some(names, RULES)}.")
    return said


# --- the nearest version ---------------------------------------------------------------------------------------------


def _nearest(view: View, stands: Plan, found: Proposal, key: tuple) -> Proposal | None:
    """The version nearest to it to which nobody objects, with a button that tries it; the proposal with that version
    known, None until it is."""

    def work(task: Task) -> Proposal:
        def solve(scenario: Scenario) -> Plan:
            if task.watch.stopped:
                raise Stopped
            task.tick(task.at[0] + 1, 0)
            return solving.answer(scenario)

        tried = propose(stands, found.change, by=found.by, payoff=found.payoff, solve=solve)
        _ = tried.nearest
        return tried

    if found.decided_by("consent") or not found.changes_anything:
        return found
    with st.container(border=True, key="card-nearest"):
        st.html(parts.title("The nearest version nobody objects to", level=3))
        if found.barred:
            said = "There is none while the proposal eases the law: that is not the partners' to agree."
            st.html(parts.paragraph(said, "text"))
            return found
        whole, ended = tasks.ask("nearest", key, work, "Looking for a version that nobody objects to")
        if whole is None:
            return None
        _told_nearest(view, whole, ended)
    return replace(whole, reason=found.reason) if ended else None


def _told_nearest(view: View, found: Proposal, ended: bool) -> None:
    near = found.nearest
    if near is None:
        none = "None was found between what stands and what is proposed."
        st.html(parts.paragraph(none if ended else "Stopped before one was found.", "text"))
        return
    recorded = [each.name for each in found.objections if each.recorded]
    if near.part >= 1:
        said = f"As it is, nobody loses too much; {some(recorded)} objects on record." if recorded else "This one."
        st.html(parts.paragraph(said, "text"))
        return
    asks = [f"{label_of(view.agreed, path)}: {words(view.agreed, path, value)}" for path, value in near.values.items()]
    weights = weights_of(found.before)
    worth = outcome_in_all(near.plan, weights) - outcome_in_all(found.before, weights)
    worth = 0.0 if abs(worth) < NOISE * abs(found.before.value) else worth
    unit = explaining.aim_unit(found.before)
    more = "more" if worth > 0 else "less"
    buys = f"buys {number(abs(worth))} {unit} {more} than what stands" if worth else "buys as much"
    still = f" {some(recorded)} objects on record all the same." if recorded else ""
    text = f"{per_cent(near.part, places=0)} of the way from what stands. It {buys}.{still}"
    with st.container(horizontal=True, vertical_alignment="center", key="nearest-way"):
        strong = "".join(f"<strong>{parts.plain(each)}</strong><br>" for each in asks[:RULES])
        st.html(f"<p class='al-text al-grow'>{strong}{parts.plain(text)}</p>")
        st.button(
            "Try this version", type="primary", key="try-nearest", on_click=state.instead,
            args=(dict(near.change), tuple(found.change), found.reason),
        )  # fmt: skip


# --- exactly how, and to keep ----------------------------------------------------------------------------------------


def how(found: Proposal) -> str:
    """HTML of how votes are counted, folded."""
    power = found.power
    columns = [
        Column("name", "Partner"), figure("share", "Part of the weight", per_cent),
        figure("shapley_shubik", "Decides in", per_cent), figure("banzhaf", "Part of all swings", per_cent),
    ]  # fmt: skip
    said = (
        f"Counted for each partner: {found.payoff.words}. A partner is for what it gains by and against what it loses "
        "by; who proposes is for, and an objection on the record of a rule that comes in stands. In a weighted "
        "majority each has the pounds that it holds in law. “Decides in” is the part of all orders of joining in which "
        "it turns a losing side into a winning one (Shapley and Shubik 1954); swings are Banzhaf's (1965)."
    )
    table = parts.table(power, columns, "What a weighted vote is worth, where more than half of all weight decides")
    return f"<details class='al-figures'><summary>Exactly how</summary>{parts.paragraph(said)}{table}</details>"


def _to_keep(view: View, found: Proposal) -> None:
    """The proposal as a text for the minutes and as a table; and how it becomes a version of the rule book."""
    with st.container(horizontal=True, key="proposal-files"):
        name = f"{view.draft.scenario}-proposal"
        st.download_button(
            "For the minutes (text)", lambda: text_of(view, found), f"{name}.txt", "text/plain", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "Seat by seat (CSV)", lambda: to_csv(found.partners), f"{name}.csv", "text/csv", on_click="ignore",
            icon=":material/download:",
        )  # fmt: skip
    said = "The command line says the same. Once it is agreed, add --accept FOLDER --on DATE --agreed PARTNERS there: "
    said += "it becomes the next version of the rule book."
    st.html(parts.paragraph(said + ASSUMING * (view.rebased is not None)))
    st.code(command(view, found), language=None, wrap_lines=True)


def command(view: View, found: Proposal) -> str:
    """The command that proposes the same."""
    told = [f"--change {shlex.quote(f'{path}={value_text(value)}')}" for path, value in found.change.items()]
    reason = [f"--reason {shlex.quote(found.reason)}"] if found.reason else []
    folder = shlex.quote(sharing.folder_of(view))
    counted = [f"--payoff {found.payoff.name}"] if found.payoff.name != "money" else []
    return " ".join(["allocate propose", folder, *told, f"--by {found.by}", *reason, *counted])


def text_of(view: View, found: Proposal) -> str:
    """The proposal as minutes would have it: what, by whom, why, what follows, who says what."""
    agreed, by = view.agreed, view.wanted.name_of("partners", found.by)
    said = [f"Proposal to {view.book.name}", "", f"Proposed by: {by}"]
    said += [f"Why: {found.reason}"] if found.reason else []
    said += ["", "What would change:"]
    for path, value in found.change.items():
        was = as_read(agreed, path)
        before = f"{words(agreed, path, was)} to " if was is not None else ""
        said.append(f"- {label_of(agreed, path)}: {before}{words(agreed, path, value)}")
    said += ["", "What would follow:", *(f"- {sentence}" for sentence in found.sentences)]
    said += ["", "Seat by seat:"]
    sign = agreed.heading.currency
    for row in found.partners.rename(columns={"name": "called"}).itertuples():
        change = pounds(row.money_difference, sign, signed=True) or "not known"
        said.append(f"- {row.called}: {change}; {_vote(row).lower()}")
    said += ["", "Would it pass?"]
    said += [f"- {capital(row.called)}: {'yes' if row.passes else 'no'}; {row.why}"
             for row in found.passes.rename(columns={"name": "called"}).itertuples()]  # fmt: skip
    return "\n".join(said) + "\n"


__all__ = ["command", "decisions", "fold", "how", "proposed", "rule_effects", "seats", "text_of"]
