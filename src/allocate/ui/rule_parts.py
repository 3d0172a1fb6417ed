"""What the page of the rules is made of."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from allocate.errors import AllocateError
from allocate.plan import explaining, telling
from allocate.plan.figures import number, pounds
from allocate.plan.plan import Plan
from allocate.plan.prices import prices
from allocate.plan.seats import SeatView, rows_of
from allocate.plan.trying import without
from allocate.plan.words import capital, some, title
from allocate.rules.kinds import Binding, Keep
from allocate.scenario.rulebook import Rule, covers
from allocate.ui import panels, parts, seating, solving, state
from allocate.ui.desk import View
from allocate.ui.knobs import Knob, figures, switch
from allocate.ui.parts import Column, figure
from allocate.ui.words import line_name

GROUPS = {
    "mine": (
        "Rules that bind you",
        "Each stands at its end over some of your lines. What costs you most is worked out above.",
    ),
    "shaping": ("Shaping the plan", "Ease one of these and the plan buys more."),
    "met": ("Kept at no cost", "Easing one of these a little would buy nothing more."),
    "off": ("Switched off", "Proposals, and rules you have switched off."),
    "recorded": ("In the book only", "Recorded, and binding nothing."),
}
ANYWHERE = ", as much as anywhere"
"""Said where a rule is worth as much over a seat's lines as where it is dearest."""
KEY = ["partner", "place", "programme", "envelope", "year"]
"""Of a line."""


def show(view: View) -> None:
    """The book of rules in groups, those that bind the seat first, and a way to keep a line as it is."""
    groups, mine = grouped(view), None
    if view.plan is not None:
        _verdict(view, groups)
        mine = seating.seen(view, view.plan)
        if mine is not None:
            groups = from_seat(groups, mine)
            seating.banner(mine, told_to(view, view.plan, mine))
    panels.strip(view)
    if view.plan is not None and mine is not None and len(mine.rules):
        _my_costs(view, view.plan)
    for key, rules in groups.items():
        if rules:
            _group(view, key, rules, mine)
    _lock(view)
    if view.plan is not None:
        _everything(view, view.plan)


def from_seat(groups: dict[str, list[Rule]], mine: SeatView) -> dict[str, list[Rule]]:
    """The groups with the rules that bind a seat first, the dearest to ease over its lines first of all, and no
    more where they were."""
    order = {rule: place for place, rule in enumerate(mine.rules["rule"])}
    yours = [rule for rules in groups.values() for rule in rules if rule.id in order]
    others = {key: [rule for rule in rules if rule.id not in order] for key, rules in groups.items()}
    return others | {"mine": sorted(yours, key=lambda rule: order[rule.id])}


def told_to(view: View, plan: Plan, mine: SeatView) -> str:
    """How many rules bind a seat, how many more reach it, and which is dearest, in a sentence or two."""
    binds = [rule for rule in view.wanted.rules if isinstance(rule, Binding) and rule.in_force and rule.binds]
    reach = sum(reaches(rule, mine, plan) for rule in binds)
    if mine.rules.empty:
        left = f"{reach} reach you, with room left" if reach else "none reaches you"
        return f"No rule binds you; {left}."
    count, more = len(mine.rules), reach - len(mine.rules)
    first = f"{count} rule{' binds' if count == 1 else 's bind'} you"
    first += f", and {more} more reach{'es' * (more == 1)} you with room left" if more > 0 else ""
    top = mine.rules.iloc[0]
    if not top["worth"] > 0:
        return f"{first}."
    unit = explaining.aim_unit(plan)
    worth = f"easing it by {top['asks']} is worth {_worthy(top['worth'])} {unit}"
    return f"{first}. {'It is' if count == 1 else 'The dearest is'} “{title(top['rule'])}”: {worth}."


def reaches(rule: Rule, mine: SeatView, plan: Plan) -> bool:
    """Whether a rule covers any of a seat's lines."""
    return bool(covers(rule.where, plan.scenario)[rows_of(plan.scenario, mine.seat)].any())


def _worthy(worth: float) -> str:
    return number(float(f"{worth:.3g}"))


def _my_costs(view: View, plan: Plan) -> None:
    """What each rule that binds the seat costs it: worked out when asked for."""
    with st.container(border=True, key="card-my-costs"):
        note = "Each rule that binds you is taken away in turn, and the plan is solved again without it."
        st.html(parts.title("What each rule costs you, and whom it helps", note))
        seating.costs(view, plan)


def grouped(view: View) -> dict[str, list[Rule]]:
    """The rules by how they stand in the plan; those that shape it by what easing them is worth. Where the rules clash,
    or choices are yes or no and leave no prices, every rule in force stands with those that shape."""
    worth = _worth(view.plan)
    groups: dict[str, list[Rule]] = {key: [] for key in GROUPS}
    for rule in view.wanted.rules:
        shaping = view.plan is None or not view.plan.has_prices or worth.get(rule.id, 0.0) > 0
        key = (
            "recorded"
            if rule.standing == "recorded"
            else "off"
            if not rule.in_force
            else "shaping"
            if shaping
            else "met"
        )
        groups[key].append(rule)
    groups["shaping"].sort(key=lambda rule: -worth.get(rule.id, 0.0))
    return groups


def _worth(plan: Plan | None) -> dict[str, float]:
    """What easing each rule a little is worth; nothing where there are no prices."""
    if plan is None or not plan.has_prices:
        return {}
    table = telling.shaping(plan)
    rules = table[table["kind"] == "rule"]
    return dict(zip(rules["id"], rules["worth"], strict=True))


def _verdict(view: View, groups: dict[str, list[Rule]]) -> None:
    force, count = len(groups["shaping"]) + len(groups["met"]), len(groups["shaping"])
    stand = f"{force} {'rule is' if force == 1 else 'rules are'} in force"
    shape = f"{count} of them {'shapes' if count == 1 else 'shape'} the plan"
    priced = view.plan is not None and view.plan.has_prices
    text = f"{stand}; {shape}." if priced else f"{stand}. Yes/no choices leave no prices."
    broken = [title(r.id) for r in groups["off"] if r.standing == "statutory"]
    more = [f"Switched off although it is law, to see what it costs: {', '.join(broken)}."] if broken else []
    parts.draw(parts.verdict(text, "note" if broken else "good", "Every rule is met.", more), key="verdict")
    parts.announce(text)


def _heading(view: View, key: str, seated: bool) -> tuple[str, str]:
    """What a group is called, and a line about it."""
    if key != "shaping" or (view.plan is not None and view.plan.has_prices):
        return ("Others that shape the plan", GROUPS[key][1]) if key == "shaping" and seated else GROUPS[key]
    if view.plan is None:
        return "In force", ""
    return "Others in force" if seated else "In force", "What each costs is found by solving without it: open its fold."


def _group(view: View, key: str, rules: list[Rule], mine: SeatView | None) -> None:
    name, note = _heading(view, key, mine is not None)
    if key in ("mine", "shaping"):
        st.html(parts.title(f"{name} ({len(rules)})", note))
        for rule in rules:
            _rule(view, rule, mine)
        return
    fold = st.expander(f"{name} ({len(rules)})", key=f"group-{key}", on_change="rerun", expanded=key == "off")
    with fold:
        st.html(parts.paragraph(note))
        if fold.open:
            for rule in rules:
                _rule(view, rule, mine)


def _rule(view: View, rule: Rule, mine: SeatView | None) -> None:
    """One rule: its sentence, whose it is, its switch, its figures, what easing it is worth, and its whole cost."""
    agreed = {each.id: each for each in view.agreed.rules}
    with st.container(border=True, key=f"card-rule-{rule.id}"):
        st.html(sentence(view, rule, mine))
        first = agreed.get(rule.id)
        if not isinstance(rule, Binding) or rule.standing == "recorded":
            return
        with st.container(horizontal=True, vertical_alignment="bottom", key=f"levers-{rule.id}"):
            if isinstance(first, Binding):
                panels.lever(
                    view.draft, switch(first, view.agreed), "rules", f"In force: {title(rule.id)}", wanted=view.wanted
                )
                for knob in figures(first, view.agreed):
                    panels.lever(view.draft, knob, "rules", _figure_label(first, knob), typed=True, wanted=view.wanted)
            else:
                st.button("Take it out", key=f"out-{rule.id}", on_click=state.undo, args=_told_of(view, rule.id))
        if view.plan is not None and rule.in_force:
            _cost(view, view.plan, rule)


def _figure_label(rule: Binding, knob: Knob) -> str:
    """What the box for a rule's figure is called, below the rule itself: 'Must change by at least (%)'."""
    if not knob.measured:
        return knob.label
    said = "Must change by at least" if rule.kind == "growth" else knob.label.partition(": ")[2].capitalize()
    return f"{said} ({knob.measured})"


def _told_of(view: View, rule: str) -> tuple[str, ...]:
    return tuple(path for path in view.draft.changes if path.split(".")[:2] == ["rules", rule])


def sentence(view: View, rule: Rule, mine: SeatView | None = None) -> str:
    """HTML of a rule as minutes would put it, with where it comes from and what easing it is worth; and, from a seat,
    whether it binds it."""
    said = rule.sentence(view.wanted) if isinstance(rule, Binding) else rule.authority
    tags = [("flat", "In law" if rule.standing == "statutory" else rule.standing.capitalize())]
    tag, told = _to_me(view.plan, rule, mine) if view.plan is not None and mine is not None else (None, "")
    tags += [tag] if tag else []
    marks = " ".join(f"<span class='al-tag al-tag-{tone}'>{parts.plain(text)}</span>" for tone, text in tags)
    owner = view.wanted.name_of("partners", rule.owner)
    why, by = getattr(rule, "reason", ""), getattr(rule, "by", "")
    notes = [
        f"{owner} answers for it.",
        capital(rule.authority),
        f"Why: {why}" if why else "",
        f"Asked for by {by}." if by else "",
    ]
    price = _price(view.plan, rule) if view.plan is not None and rule.binds else ""
    if told and price:
        price = "" if ANYWHERE in told else f"For all: {price[:1].lower()}{price[1:]}"
    return (
        f"{parts.title(said, level=3)}<p class='al-note'>{marks}</p>"
        + parts.paragraph(" ".join(filter(None, notes)))
        + "".join(parts.paragraph(text, "text") for text in (told, price) if text)
    )


def _to_me(plan: Plan, rule: Rule, mine: SeatView) -> tuple[tuple[str, str] | None, str]:
    """A rule's tag for a seat, and whether it binds it and what easing it there is worth, in a sentence."""
    if not (isinstance(rule, Binding) and rule.in_force and rule.binds):
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
    told = f"It binds you: easing it over your lines by {asks} is worth {_worthy(worth)} {explaining.aim_unit(plan)}"
    return ("shape", "Binds you"), f"{told}{ANYWHERE * _dearest_here(plan, rule, worth)}."


def _dearest_here(plan: Plan, rule: Rule, worth: float) -> bool:
    """Whether a rule is worth as much over a seat's lines as where it is dearest."""
    row = _shaping_row(plan, rule.id)
    return row is not None and _worthy(row["worth"]) == _worthy(worth)


def _price(plan: Plan, rule: Rule) -> str:
    """What easing a rule a little is worth, or how much room it leaves."""
    limits = plan.limits
    own = limits[limits["rule"] == rule.id]
    if own.empty:
        return ""
    worth = _shaping_row(plan, rule.id)
    if worth is not None:
        where = f" It holds most in: {worth['where']}." if worth["where"] else ""
        return f"Easing it by {worth['asks']} is worth {number(worth['worth'])} {explaining.aim_unit(plan)}.{where}"
    if own["binding"].any():
        return (
            "Stands at its end; easing it a little would buy nothing more."
            if plan.has_prices
            else "The plan stands at its end."
        )
    least = own["slack"].min()
    room = pounds(least, plan.scenario.heading.currency) if own["measure"].iloc[0] == "spend" else number(least)
    return f"Room left: {room}{' where it is tightest' if len(own) > 1 else ''}."


def _shaping_row(plan: Plan, rule: str) -> pd.Series | None:
    table = telling.shaping(plan)
    rows = table[(table["kind"] == "rule") & (table["id"] == rule)]
    return None if rows.empty else rows.iloc[0]


def _cost(view: View, plan: Plan, rule: Rule) -> None:
    """What the rule costs in full, and whom it helps: solved without it when asked for."""
    fold = st.expander("What it costs in full, and whom it helps", key=f"cost-{rule.id}", on_change="rerun")
    if not fold.open:
        return
    with fold:
        try:
            found = without(plan, rule.id, solve=solving.answer)
        except AllocateError as error:
            st.html(parts.verdict(str(error), "bad"))
            return
        st.html(parts.lines(found.sentences))


def _lock(view: View) -> None:
    """Keep one line as it is, with a reason and a name: a rule like any other, that everybody sees."""
    plan = view.plan or view.base
    if plan is None:
        return
    with st.expander("Keep a line as it is", key="lock"):
        st.html(
            parts.paragraph(
                "It becomes a rule in the book, with its price. Where it clashes with another, both are named."
            )
        )
        lines = plan.spend
        names = {
            line: line_name(plan.scenario, row)
            for line, row in zip(plan.scenario.line_ids, lines.itertuples(), strict=True)
        }
        line = st.selectbox(
            "Line",
            list(names),
            index=None,
            format_func=lambda each: names[each],
            key="lock-line",
            placeholder="Choose a line",
        )
        row = lines.iloc[plan.scenario.line_ids.index(line)] if line in names else None
        with st.form("lock-form", border=False):
            now = float(row["spend"]) if row is not None else 0.0
            amount = st.number_input(
                f"Keep it at ({plan.scenario.heading.currency})", 0.0, value=now, step=1000.0, format="%.0f"
            )
            reason = st.text_input("Why", max_chars=300)
            by = st.text_input("Your name", max_chars=80)
            if st.form_submit_button("Keep it so", type="primary"):
                _keep_line(view, row, amount, reason, by)


def _keep_line(view: View, row: pd.Series | None, amount: float, reason: str, by: str) -> None:
    missing = [
        word
        for word, given in (("a line", row is not None), ("a reason", reason.strip()), ("your name", by.strip()))
        if not given
    ]
    if missing or row is None:
        st.html(parts.verdict(f"Give {some(missing)}.", "bad", "Not kept yet."))
        return
    if (twin := _kept_already(view, row)) is not None:
        by = twin.by or view.wanted.name_of("partners", twin.owner)
        now = pounds(twin.kept, view.wanted.heading.currency)
        text = f"This line is already kept by {by}, at {now}. Change that rule's figure, or take it out first."
        st.html(parts.verdict(text, "bad", "Not kept again."))
        return
    taken = {rule.id for rule in view.wanted.rules}
    name = next(f"keep-{n}" for n in range(1, 1000) if f"keep-{n}" not in taken)
    where = {f"{column}s": [row[column]] for column in KEY}
    rule = {
        "kind": "keep", "owner": row["partner"], "where": where, "amount": round(amount), "reason": reason.strip(),
        "by": by.strip(), "authority": "Kept in the explorer",
    }  # fmt: skip
    state.lay({f"rules.{name}": rule}, reason)
    st.rerun()


def _kept_already(view: View, row: pd.Series) -> Keep | None:
    """The rule that keeps this very line, and no other, as it is."""
    here = (view.wanted.lines[KEY] == row[KEY]).all(axis=1).to_numpy()
    rules = (rule for rule in view.wanted.rules if isinstance(rule, Keep) and rule.binds)
    return next((rule for rule in rules if (covers(rule.where, view.wanted) == here).all()), None)


def _everything(view: View, plan: Plan) -> None:
    """The whole price list, worked out when asked for: a re-solve a rule."""
    with st.expander("Every rule's whole cost", key="price-list", on_change="rerun") as fold:
        if not fold.open:
            return
        bar = parts.Progress("Solving without each rule in turn")
        table = prices(plan, solve=solving.answer, tick=bar.tick).table
        bar.end()
        unit = explaining.aim_unit(plan)
        columns = [
            Column("sentence", "Rule"), Column("slack", "Room left"),
            figure("worth", "Worth of easing it a little", number),
            figure("cost", f"Whole cost ({unit})", number), Column("helps", "Helps"), Column("costs", "Costs"),
        ]  # fmt: skip
        st.html(parts.table(table, columns, "What the plan would gain without each rule, one at a time"))
