"""What the page of the rules is made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from allocate.plan import explaining
from allocate.plan.figures import number
from allocate.plan.plan import Plan
from allocate.plan.prices import Prices, prices
from allocate.plan.seats import SeatView, rows_of
from allocate.plan.words import title
from allocate.rules.aims import Fair
from allocate.scenario.rulebook import Rule, covers
from allocate.scenario.scenario import Scenario
from allocate.ui import clashes, locking, panels, parts, proposing, seating, solving, tasks
from allocate.ui.desk import View
from allocate.ui.parts import Column, figure
from allocate.ui.rule_rows import STANDINGS, Book, reaches, row, worths, worthy
from allocate.ui.tasks import Task

GROUPS = {
    "mine": (
        "Rules that bind you",
        "Each stands at its end over some of your lines. What costs you most is worked out above.",
    ),
    "clashing": ("Rules that clash", "Ease one here, and see whether a plan is possible."),
    "shaping": ("Shaping the plan", "Ease one of these and the plan buys more. The bar says by how much."),
    "met": ("Kept at no cost", "Easing one of these a little would buy nothing more."),
    "off": ("Switched off", "Proposals, and rules you have switched off."),
    "recorded": ("In the book only", "Recorded, or a report due by a date: none of these moves money."),
}
OPEN = ("mine", "clashing", "shaping")
"""Groups that stand open on the page."""
LONG = 12
"""A book with more rules has filters."""
COSTS = "costs-wanted"
EVERY = "Every rule"


def show(view: View) -> None:
    """The book of rules in groups, those that bind the seat first, and a way to keep a line as it is."""
    groups, mine = grouped(view), None
    if view.plan is not None:
        _verdict(view, view.plan, groups)
        mine = seating.seen(view, view.plan)
        if mine is not None:
            groups = from_seat(groups, mine)
            seating.banner(mine, told_to(view, view.plan, mine))
    panels.strip(view)
    proposing.fold(view)
    if view.plan is not None and mine is not None and len(mine.rules):
        _my_costs(view, view.plan)
    wanted = _controls(view)
    book = Book(view, mine, _costs(view))
    for key, rules in groups.items():
        chosen = [rule for rule in rules if wanted(rule)]
        if chosen:
            _group(book, key, chosen)
    if not any(wanted(rule) for rules in groups.values() for rule in rules):
        st.html(parts.paragraph("No rule of this standing covers them.", "text"))
    locking.lock(view)
    if book.costs is not None:
        with st.expander("The price list as a table", key="price-list", on_change="rerun") as fold:
            if fold.open:
                st.html(price_table(book.costs))


def from_seat(groups: dict[str, list[Rule]], mine: SeatView) -> dict[str, list[Rule]]:
    """The groups with the rules that bind a seat first, the dearest to ease over its lines first of all, and no
    more where they were."""
    order = {rule: place for place, rule in enumerate(mine.rules["rule"])}
    yours = [rule for rules in groups.values() for rule in rules if rule.id in order]
    others = {key: [rule for rule in rules if rule.id not in order] for key, rules in groups.items()}
    return others | {"mine": sorted(yours, key=lambda rule: order[rule.id])}


def told_to(view: View, plan: Plan, mine: SeatView) -> str:
    """How many rules bind a seat, how many more reach it, and which is dearest, in a sentence or two."""
    reach = sum(reaches(rule, mine, plan) for rule in view.wanted.rules if rule.binds)
    if mine.rules.empty:
        left = f"{reach} reach{'es' * (reach == 1)} you, with room left" if reach else "none reaches you"
        return f"No rule binds you; {left}."
    count, more = len(mine.rules), reach - len(mine.rules)
    first = f"{count} rule{' binds' if count == 1 else 's bind'} you"
    first += f", and {more} more reach{'es' * (more == 1)} you with room left" if more > 0 else ""
    top = mine.rules.iloc[0]
    if not top["worth"] > 0:
        return f"{first}."
    unit = explaining.aim_unit(plan)
    worth = f"easing it by {top['asks']} is worth {worthy(top['worth'])} {unit}"
    return f"{first}. {'It is' if count == 1 else 'The dearest is'} “{title(top['rule'])}”: {worth}."


def _my_costs(view: View, plan: Plan) -> None:
    """What each rule that binds the seat costs it: worked out when asked for."""
    with st.container(border=True, key="card-my-costs"):
        note = "Each rule that binds you is taken away in turn, and the plan is solved again without it."
        st.html(parts.title("What each rule costs you, and whom it helps", note))
        seating.costs(view, plan)


def grouped(view: View) -> dict[str, list[Rule]]:
    """The rules by how they stand in the plan; those that shape it by what easing them is worth, those that bend first,
    and before them the aim between places, if there is one.
    Where choices are yes or no and leave no prices, every rule in force stands with those that shape; where rules
    clash, with those that take part where that is known."""
    plan = view.plan
    worth = worths(plan) if plan is not None else {}
    bent = Book(view).bends
    clashing = clashes.clashing(view)
    groups: dict[str, list[Rule]] = {key: [] for key in GROUPS}
    for rule in view.wanted.rules:
        aimed = plan is not None and plan.aim is not None and rule.id == plan.aim.rule.id
        shaping = plan is None or not plan.has_prices or rule.id in worth or rule.id in bent or aimed
        key = "shaping" if shaping else "met"
        if rule.id in clashing and rule.binds:
            key = "clashing"
        elif rule.standing == "recorded" or (rule.in_force and not rule.binds):
            key = "recorded"
        elif not rule.in_force:
            key = "off"
        elif plan is None and clashing:
            key = "met"
        groups[key].append(rule)
    order = {rule: place for place, rule in enumerate(worth)}
    groups["shaping"].sort(
        key=lambda rule: (not isinstance(rule, Fair), rule.id not in bent, order.get(rule.id, len(order)))
    )
    return groups


def _verdict(view: View, plan: Plan, groups: dict[str, list[Rule]]) -> None:
    """How many rules are in force, shape the plan, and bend."""
    force, count = len(groups["shaping"]) + len(groups["met"]), len(groups["shaping"])
    stand = f"{force} {'rule is' if force == 1 else 'rules are'} in force"
    shape = f"{count} of them {'shapes' if count == 1 else 'shape'} the plan"
    text = f"{stand}; {shape}." if plan.has_prices else f"{stand}. Yes/no choices leave no prices."
    broken = [title(r.id) for r in groups["off"] if r.standing == "statutory"]
    more = [f"Switched off although it is law, to see what it costs: {', '.join(broken)}."] if broken else []
    bent = [title(rule) for rule in Book(view).bends]
    but = f" but {'one' if len(bent) == 1 else len(bent)}, which bend{'s' * (len(bent) == 1)}" if bent else ""
    lead = f"Every rule is met{but}."
    more += [f"Bent at the published price: {', '.join(bent)}."] if bent else []
    parts.draw(parts.verdict(text, "note" if broken or bent else "good", lead, more), key="verdict")
    parts.announce(text)


# --- controls --------------------------------------------------------------------------------------------------------


def _controls(view: View) -> Callable[[Rule], bool]:
    """Which rules to show, where the book is long, and the button for their whole cost: at most three controls. Returns
    whether a rule is to be shown."""
    with st.container(key="rule-controls", horizontal=True, vertical_alignment="bottom"):
        standing, about = (_standing(view), _about(view)) if len(view.wanted.rules) > LONG else (EVERY, "")
        if view.plan is not None and not _wanted(view):
            digest = view.wanted.digest
            st.button(
                "Work out what every rule costs", key="every-cost", icon=":material/calculate:",
                on_click=lambda: st.session_state.update({COSTS: digest}),
                help="Takes each rule away in turn and solves again: what it costs in all, whom it helps and whom not.",
            )  # fmt: skip
    return lambda rule: standing in (EVERY, STANDINGS[rule.standing]) and concerns(rule, about, view.wanted)


def _standing(view: View) -> str:
    found = [words for name, words in STANDINGS.items() if any(rule.standing == name for rule in view.wanted.rules)]
    return str(st.selectbox("Standing", [EVERY, *found], key="filter-standing", width=210))


def _about(view: View) -> str:
    scenario = view.wanted
    seats = {"": "Anybody"} | {f"partners.{row.id}": row.name for row in scenario.partners.itertuples()}
    seats |= {f"places.{row.id}": f"{row.name} (place)" for row in scenario.places.itertuples()}
    found = st.selectbox("Whom it covers", list(seats), format_func=seats.__getitem__, key="filter-about", width=330)
    return str(found or "")


def concerns(rule: Rule, seat: str, scenario: Scenario) -> bool:
    """Whether a rule covers lines of a partner or a place, or is a partner's to answer for; '' is everybody."""
    if not seat or f"partners.{rule.owner}" == seat:
        return True
    return bool(np.any(covers(rule.where, scenario)[rows_of(scenario, seat)]))


# --- the price list --------------------------------------------------------------------------------------------------


def _wanted(view: View) -> bool:
    """Whether the visitor asked for the price list: for this very plan, or for another where this one's is known."""
    asked, digest = st.session_state.get(COSTS), view.wanted.digest
    return asked == digest or (asked is not None and tasks.known("costs", digest) is not None)


def _costs(view: View) -> Prices | None:
    """The price list with whole costs, once it was asked for; until it is there, how far it is."""
    plan = view.plan
    if plan is None or not _wanted(view):
        return None

    def work(task: Task) -> Prices:
        return prices(plan, solve=solving.answer, tick=task.tick)

    found, whole = tasks.ask("costs", view.wanted.digest, work, "Solving without each rule in turn")
    if found is None:
        return None
    if not whole:
        with st.container(key="costs-stopped", horizontal=True, vertical_alignment="center"):
            st.html(parts.paragraph("Stopped: the rules not reached have no whole cost yet.", "text al-grow"))
            st.button("Go on", key="costs-again", on_click=tasks.again, args=("costs",))
    return found


def price_table(found: Prices) -> str:
    """HTML of the whole price list, the dearest rule first."""
    unit = found.unit
    rows = found.table.assign(how=found.table["how"].str.capitalize())
    columns = [
        Column("sentence", "Rule"), Column("slack", "Room left"),
        figure("worth", f"Worth of easing it a little ({unit})", number),
        figure("cost", f"Whole cost ({unit})", number), Column("helps", "Helps"), Column("costs", "Costs"),
        Column("how", "How it is known"),
    ]  # fmt: skip
    return parts.table(rows, columns, "What the plan would gain without each rule, one at a time")


# --- groups ----------------------------------------------------------------------------------------------------------


def _heading(view: View, key: str, seated: bool) -> tuple[str, str]:
    """What a group is called, and a line about it."""
    if view.plan is None and key == "met":
        return "Others in force", "These take no part in what clashes."
    if key != "shaping" or (view.plan is not None and view.plan.has_prices):
        return ("Others that shape the plan", GROUPS[key][1]) if key == "shaping" and seated else GROUPS[key]
    if view.plan is None:
        return "In force", ""
    return "Others in force" if seated else "In force", "What each costs is found by solving without it: open its fold."


def _group(book: Book, key: str, rules: list[Rule]) -> None:
    name, note = _heading(book.view, key, book.mine is not None)
    label = f"{name} ({len(rules)})"
    if key in OPEN:
        with st.container(border=True, key=f"card-group-{key}", gap="xsmall"):
            st.html(parts.title(label, note))
            for rule in rules:
                row(book, rule)
        return
    fold = st.expander(label, key=f"group-{key}", on_change="rerun", expanded=key == "off" and len(rules) <= LONG)
    with fold:
        st.html(f"<h2 class='al-hidden'>{parts.plain(name)}</h2>" + parts.paragraph(note))
        if fold.open:
            for rule in rules:
                row(book, rule)


__all__ = ["concerns", "from_seat", "grouped", "price_table", "show", "told_to"]
