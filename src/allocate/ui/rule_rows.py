"""A rule as one entry of the minutes: its switch, its sentence, its figures to move, and what it is worth."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd
import streamlit as st

from allocate.plan import explaining, telling
from allocate.plan.aim import part_in_words
from allocate.plan.bending import bent
from allocate.plan.figures import number, pounds
from allocate.plan.plan import Plan
from allocate.plan.prices import ROOM, Prices, worth_of
from allocate.plan.room import room_of
from allocate.plan.seats import SeatView, rows_of
from allocate.plan.trying import ROUNDING
from allocate.plan.words import capital, some, title
from allocate.rules import wording
from allocate.rules.kinds import Fair, Report
from allocate.scenario.rulebook import Rule, covers
from allocate.scenario.scenario import Scenario
from allocate.ui import panels, parts, rule_minutes, state
from allocate.ui.desk import View
from allocate.ui.knobs import Knob, figures, moves, switch

STANDINGS = {"statutory": "In law", "agreed": "Agreed", "recorded": "In the book only"}
ANYWHERE = ", as much as anywhere"
"""Said where a rule is worth as much over a seat's lines as where it is dearest."""
NAMES = 3
"""Of whom a rule helps or costs, that are named at once."""


@dataclass(frozen=True)
class Worth:
    """What easing a rule a little is worth (units of the aim), by how much it is eased, and where it holds most."""

    worth: float
    asks: str
    where: str = ""


@dataclass(frozen=True)
class Bent:
    """By how much an agreed rule is breached, in its own unit, and the price of its dearest band that was used."""

    amount: float
    price: float
    measure: str


@dataclass(frozen=True, eq=False)
class Book:
    """What the rows of the page are drawn from: the view, the seat if one is taken, the price list once asked for."""

    view: View
    mine: SeatView | None = None
    costs: Prices | None = None
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def plan(self) -> Plan | None:
        """The plan; None where rules clash."""
        return self.view.plan

    @cached_property
    def worths(self) -> dict[str, Worth]:
        """By rule that is worth easing: the dearest first. Nothing where there are no prices."""
        return worths(self.plan) if self.plan is not None else {}

    @cached_property
    def most(self) -> dict[str, float]:
        """The dearest rule's worth, by how much rules are eased: bars are drawn against it."""
        found: dict[str, float] = {}
        for each in self.worths.values():
            found[each.asks] = max(found.get(each.asks, 0.0), each.worth)
        return found

    @cached_property
    def bends(self) -> dict[str, Bent]:
        """By rule that bends in the plan."""
        return bends(self.plan) if self.plan is not None else {}


def worths(plan: Plan) -> dict[str, Worth]:
    """What easing each rule a little is worth, the dearest first; what opening a route further is worth for rules that
    say 'may'."""
    if not plan.has_prices:
        return {}
    table = telling.shaping(plan)
    rows = table[table["kind"] == "rule"]
    found = {row.id: Worth(float(row.worth), str(row.asks), str(row.where)) for row in rows.itertuples()}
    for rule in plan.scenario.rules:
        if rule.binds and rule.id not in found and rule.openings(plan.scenario):
            worth, asks = worth_of(plan, rule)
            if worth > 0:
                found[rule.id] = Worth(worth, asks)
    return dict(sorted(found.items(), key=lambda item: -item[1].worth))


def bends(plan: Plan) -> dict[str, Bent]:
    """The rules that are breached at their published price, and how far."""
    return {
        str(rule): Bent(float(rows["bent"].sum()), float(rows["price"].max()), str(rows["measure"].iloc[0]))
        for rule, rows in bent(plan).groupby("rule", sort=False)
    }


# --- a row -----------------------------------------------------------------------------------------------------------


def row(book: Book, rule: Rule) -> None:
    """One rule: its switch, its sentence, its figures, its price, the reasons for what was changed, and a fold."""
    view = book.view
    first = {each.id: each for each in view.agreed.rules}.get(rule.id)
    with st.container(key=f"card-rule-{rule.id}"):
        with st.container(key=f"row-{rule.id}"):
            st.html(entry(book, rule))
            with st.container(key=f"levers-{rule.id}", gap="xsmall"):
                _levers(view, rule, first)
            if price := _price(book, rule):
                st.html(price)
        if told := whole_cost(book, rule):
            lead, stop, rest = told.partition(". ")
            st.html(f"<p class='al-told'><strong>{parts.plain(lead + stop)}</strong>{parts.plain(rest)}</p>")
        _reasons(view, rule, first)
        rule_minutes.fold(view, rule)


def _levers(view: View, rule: Rule, first: Rule | None) -> None:
    """The switch of a rule and its figures; for one that the visitor made, a way to take it out."""
    if first is None:
        st.button("Take it out", key=f"out-{rule.id}", on_click=state.undo, args=_told_of(view, rule.id))
    elif moves(first):
        name = f"In force: {title(rule.id)}"
        panels.lever(view.draft, switch(first, view.agreed), "rules", name, wanted=view.wanted, bare=True)
        with st.container(key=f"boxes-{rule.id}", horizontal=True, gap="xsmall"):
            for knob in figures(first, view.agreed):
                label = figure_label(first, knob)
                panels.lever(view.draft, knob, "rules", label, typed=True, wanted=view.wanted, bare=True)


def _reasons(view: View, rule: Rule, first: Rule | None) -> None:
    """A box for the reason of each change of a rule."""
    if first is None or not moves(first):
        return
    for knob in (switch(first, view.agreed), *figures(first, view.agreed)):
        if knob.path in view.draft.changes:
            panels.reason(view.draft, knob.path, "rules", knob.label)


def figure_label(rule: Rule, knob: Knob) -> str:
    """What the box for a rule's figure is called, beside the rule itself: 'Change by at least (%)'."""
    said = "Change by at least" if rule.kind == "growth" else capital(knob.label.partition(": ")[2])
    return f"{said} ({knob.measured})" if knob.measured else said


def _told_of(view: View, rule: str) -> tuple[str, ...]:
    return tuple(path for path in view.draft.changes if path.split(".")[:2] == ["rules", rule])


# --- its words -------------------------------------------------------------------------------------------------------


def entry(book: Book, rule: Rule) -> str:
    """HTML of a rule as minutes would put it: its sentence, its standing, whose it is and by what authority; and
    whether it binds the seat."""
    view, told = book.view, ""
    tags = [("flat", STANDINGS[rule.standing]), *_more_tags(book, rule)]
    if book.plan is not None and book.mine is not None:
        tag, told = _to_me(book, rule, book.mine)
        tags += [tag] if tag else []
    marks = " ".join(f"<span class='al-tag al-tag-{tone}'>{parts.plain(text)}</span>" for tone, text in tags)
    notes = parts.plain(" ".join(filter(None, _notes(view, rule))))
    more = f"<p class='al-told'>{parts.plain(told)}</p>" if told else ""
    return f"<h3 class='al-title al-say'>{marked(rule, view.wanted)}</h3><p class='al-meta'>{marks} {notes}</p>{more}"


def marked(rule: Rule, scenario: Scenario) -> str:
    """HTML of a rule's sentence with its figures set off, where they are found once each."""
    said = html.escape(rule.sentence(scenario))
    for name in rule.figures:
        for text in _spellings(rule, name, scenario):
            if text and said.count(text) == 1:
                said = said.replace(text, f"<strong class='al-fig'>{text}</strong>")
                break
    return said


def _spellings(rule: Rule, name: str, scenario: Scenario) -> list[str]:
    """How a sentence may say a figure: '4.4%', '£105.392m', '£60,000', '3'."""
    value = getattr(rule, name)
    if value is None or isinstance(value, bool):
        return []
    measured = wording.measured(float(value), wording.measure_of(rule), scenario, unit=False)
    plain = pounds(float(value), scenario.heading.currency, millions=False)
    return [html.escape(text) for text in (wording.per_cent(abs(value)), measured, plain)]


def _notes(view: View, rule: Rule) -> list[str]:
    """Whose a rule is, by what authority, and why it was asked for."""
    why, by = getattr(rule, "reason", ""), getattr(rule, "by", "")
    return [
        f"{view.wanted.name_of('partners', rule.owner)} answers for it.",
        _ended(capital(rule.authority)),
        f"Why: {why}" if why else "",
        f"Asked for by {by}." if by and why else "",
    ]


def _ended(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _more_tags(book: Book, rule: Rule) -> list[tuple[str, str]]:
    """What else should be seen at a glance: that a rule is a permission, a report, bent, or objected to."""
    found = []
    if rule.deontic == "may":
        found.append(("good", "A permission"))
    if isinstance(rule, Report):
        found.append(("good", f"Due {wording.day(rule.due)}"))
    if rule.id in book.bends:
        found.append(("assumption", "Bends in this plan"))
    if rule.objections:
        count = len(rule.objections)
        found.append(("assumption", f"{count} objection{'s' * (count > 1)}"))
    return found


def whole_cost(book: Book, rule: Rule) -> str:
    """What a rule costs in all, whom it helps and whom it costs, in a sentence or two; '' until it was asked for."""
    table = book.costs.table if book.costs is not None else pd.DataFrame({"id": []})
    rows = table[table["id"] == rule.id]
    if book.costs is None or rows.empty:
        return ""
    one, unit = rows.iloc[0], book.costs.unit
    if one["how"] == ROOM:
        return "In all it costs nothing: without it the plan would be the same."
    if math.isnan(one["cost"]):
        return f"Its whole cost is {one['how']}."
    said = [_cost_said(float(one["cost"]), unit)]
    if one["helps"] or one["costs"]:
        effects = book.costs.effects[book.costs.effects["rule"] == rule.id]
        partners = effects[effects["who"] == "partner"]
        said += _whom(
            partners if (partners["difference"].abs() >= ROUNDING).any() else effects, book.view.wanted.heading.currency
        )
    if one["together"]:
        others = [title(name) for name in one["together"].split(", ")]
        said.append(f"It holds together with {some(others)}: without all of them {number(one['cost_together'])} more.")
    return " ".join(said)


def _cost_said(cost: float, unit: str) -> str:
    if not cost:
        return "In all it costs no outcome."
    return f"In all it costs {number(cost)} {unit}." if cost > 0 else f"In all it buys {number(-cost)} {unit}."


def _whom(effects: pd.DataFrame, currency: str) -> list[str]:
    """Whom a rule helps and whom it costs, with their pounds, the most first."""
    said = []
    for word, sign in (("Helps", 1.0), ("Costs", -1.0)):
        rows = effects[sign * effects["difference"] >= ROUNDING]
        pairs = sorted(zip(-sign * rows["difference"], rows["name"], strict=True))
        names = [f"{name} ({pounds(abs(change), currency)})" for change, name in pairs]
        said += [f"{word} {some(names, NAMES)}."] if names else []
    return said


def reaches(rule: Rule, mine: SeatView, plan: Plan) -> bool:
    """Whether a rule covers any of a seat's lines."""
    return bool(covers(rule.where, plan.scenario)[rows_of(plan.scenario, mine.seat)].any())


def worthy(worth: float) -> str:
    """A worth in three digits."""
    return number(float(f"{worth:.3g}"))


def _to_me(book: Book, rule: Rule, mine: SeatView) -> tuple[tuple[str, str] | None, str]:
    """A rule's tag for a seat, and whether it binds it and what easing it there is worth, in a sentence."""
    plan = book.plan
    if plan is None or not rule.binds:
        return None, ""
    rows = mine.rules[mine.rules["rule"] == rule.id]
    if rows.empty and reaches(rule, mine, plan):
        return ("flat", "Reaches you"), "It reaches you, with room left over your lines."
    if rows.empty:
        return ("flat", "Does not reach you"), ""
    worth, asks = rows[["worth", "asks"]].iloc[0]
    if not plan.has_prices:
        return ("shape", "Binds you"), "It binds you: what that costs you is worked out above."
    if not worth > 0:
        return ("shape", "Binds you"), "It binds you, and easing it over your lines would buy nothing more."
    told = f"It binds you: easing it over your lines by {asks} is worth {worthy(worth)} {explaining.aim_unit(plan)}"
    dearest = book.worths.get(rule.id)
    here = dearest is not None and worthy(dearest.worth) == worthy(worth)
    return ("shape", "Binds you"), f"{told}{ANYWHERE * here}."


# --- its price -------------------------------------------------------------------------------------------------------


def _price(book: Book, rule: Rule) -> str:
    """HTML of what easing a rule a little is worth, as a bar and a figure, or of the room that it leaves."""
    plan = book.plan
    if plan is None or not rule.binds:
        return ""
    bent = _bent_said(book, rule)
    if isinstance(rule, Fair):
        return _given_up(plan)
    worth = book.worths.get(rule.id) or _listed(book, rule)
    if worth is None:
        return f"<div class='al-price'>{bent}<p>{parts.plain(_room(plan, rule))}</p></div>"
    share = worth.worth / max(book.most.get(worth.asks, 0.0), worth.worth)
    verb = "opened further" if rule.deontic == "may" else "eased"
    return (
        f"<div class='al-price'>{bent}<span class='al-pricebar'><i style='width:{100 * share:.1f}%'></i></span>"
        f"<p><strong>{parts.plain(number(worth.worth))}</strong> {parts.plain(explaining.aim_unit(plan))} "
        f"if {verb} by {parts.plain(worth.asks)}{', for all' * (book.mine is not None)}</p></div>"
    )


def _given_up(plan: Plan) -> str:
    """HTML of what the plan gives up for its aim between places."""
    if plan.aim is None:
        return ""
    lost, unit = plan.aim.value - plan.value, explaining.aim_unit(plan)
    if lost <= 1e-6 * plan.aim.gain:
        return "<div class='al-price'><p>It gives up nothing: the plan that buys most is as fair.</p></div>"
    share = f"given up for it, {part_in_words(plan.given_up)} of the best plan's gain"
    return f"<div class='al-price'><p><strong>{number(lost)}</strong> {parts.plain(f'{unit} {share}')}</p></div>"


def _listed(book: Book, rule: Rule) -> Worth | None:
    """What the price list says easing a rule is worth: it also looks at rules whose own parts hold one another."""
    if book.costs is None:
        return None
    table = book.costs.table
    rows = table[(table["id"] == rule.id) & (table["worth"] > 0)]
    return Worth(float(rows["worth"].iloc[0]), str(rows["asks"].iloc[0])) if len(rows) else None


def _room(plan: Plan, rule: Rule) -> str:
    """What a rule that nobody would pay to ease leaves."""
    slack, _, _ = room_of(plan, rule)
    if slack.startswith("none"):
        return "At its end; easing it a little buys nothing more." if plan.has_prices else "The plan stands at its end."
    if slack.startswith(("bent", "counts")) or slack.endswith("not used"):
        return f"{capital(slack)}."
    several = len(plan.limits[plan.limits["rule"] == rule.id]) > 1
    return f"Room left: {slack}{' where it is tightest' if several else ''}."


def _bent_said(book: Book, rule: Rule) -> str:
    """HTML of by how much a rule bends and at what price; '' where it does not."""
    breach = book.bends.get(rule.id)
    if breach is None:
        return ""
    scenario = book.view.wanted
    money = breach.measure == "spend"
    amount = pounds(breach.amount, scenario.heading.currency) if money else wording.measured(
        breach.amount, breach.measure, scenario
    )  # fmt: skip
    each = f"{scenario.heading.currency}1m" if money else "unit"
    price = f", at {number(breach.price)} points for each {each}"
    return f"<p class='al-bent'>Bent by {parts.plain(amount + price)}.</p>"
