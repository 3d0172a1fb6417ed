"""What stands behind a rule: its minutes, what it does to everyone, and its grammar."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd
import streamlit as st

from allocate.errors import AllocateError
from allocate.plan import explaining
from allocate.plan.figures import number, pounds
from allocate.plan.plan import Plan
from allocate.plan.trying import ROUNDING, Without, without
from allocate.plan.words import capital, title
from allocate.rules import wording
from allocate.rules.grammar import encoded, grammar
from allocate.scenario.rulebook import Rule
from allocate.scenario.scenario import Scenario
from allocate.ui import parts, solving
from allocate.ui.desk import View
from allocate.ui.parts import Column, figure
from allocate.ui.words import money

SYMBOLS = {
    "A": "Who", "D": "Must, must not or may", "I": "Does what", "Bdir": "To what",
    "Bind": "For whom, where, out of what", "Cac": "When", "Cex": "How much, and how", "O": "Or else",
}  # fmt: skip
"""What the symbols of the grammar stand for."""
_tried: solving.Shared[Without] = solving.Shared(512)


def fold(view: View, rule: Rule) -> None:
    """All that stands behind a rule, for whoever asks: nothing is solved before."""
    what = "minutes, whole cost and whom it helps" if view.plan is not None and rule.binds else "minutes and grammar"
    label = f"{parts.safe(title(rule.id))}: {what}"
    part = st.expander(label, key=f"cost-{rule.id}", on_change="rerun")
    if not part.open:
        return
    with part:
        st.html(minutes(rule, view.wanted))
        if view.plan is not None and rule.binds:
            _effects(view.plan, rule)
        st.html(exactly(rule, view.wanted))


# --- minutes ---------------------------------------------------------------------------------------------------------


def minutes(rule: Rule, scenario: Scenario) -> str:
    """HTML of what is on record of a rule, and of what is not."""
    facts = list(_facts(rule, scenario))
    rows = "".join(f"<div><dt>{parts.plain(name)}</dt><dd>{text}</dd></div>" for name, text in facts)
    missing = [word for word, given in _records(rule) if not given]
    gap = parts.paragraph(f"Not on record: {wording.listed(missing)}.") if missing else ""
    return f"<dl class='al-facts'>{rows}</dl>{gap}"


def _facts(rule: Rule, scenario: Scenario) -> Iterator[tuple[str, str]]:
    """What the record says, each with its name; texts are HTML."""
    name = partial(scenario.name_of, "partners")
    yield "Answers for it", parts.plain(name(rule.owner))
    if rule.proposer:
        yield "Proposed by", parts.plain(name(rule.proposer))
    if rule.support:
        yield "Agreed by", parts.plain(wording.several([name(key) for key in rule.support]))
    for each in rule.objections:
        yield f"{name(each.by)} objects", parts.plain(each.reason)
    if rule.since:
        yield "In force since", wording.day(rule.since)
    if rule.review:
        yield "To be reviewed by", wording.day(rule.review)
    if rule.when:
        yield "Holds", parts.plain(rule.when)
    if rule.or_else:
        yield "Or else", parts.plain(rule.or_else)
    if rule.bends:
        said = wording.bends_at(rule.bends, wording.measure_of(rule), rule.breach, scenario)
        yield "What bending it costs", parts.plain(f"{said}.")
    elif rule.binds:
        law = rule.standing == "statutory"
        yield "What bending it costs", "It cannot be bent: it is law." if law else "It is firm: no price is agreed."
    if rule.text:
        yield "As it was agreed", f"<q>{parts.plain(rule.text)}</q>"
    if rule.authority:
        yield "Authority", parts.plain(rule.authority)
    if rule.source:
        yield "Source", _source(rule.source, scenario)
    if rule.level != "operational":
        yield "Level", parts.plain(f"{capital(rule.level)}: about who decides, or how rules are made")


def _records(rule: Rule) -> list[tuple[str, bool]]:
    """What minutes ought to hold, and whether they do."""
    agreed = rule.standing == "agreed"
    return [
        ("who proposed it", bool(rule.proposer) or not agreed), ("who agreed to it", bool(rule.support) or not agreed),
        ("since when it holds", rule.since is not None), ("when it is looked at again", rule.review is not None),
    ]  # fmt: skip


def _source(key: str, scenario: Scenario) -> str:
    """HTML of a source, with its address as a link where it is one of the web."""
    sources = scenario.table("sources")
    row = sources[sources["id"] == key].iloc[0]
    name, link = parts.plain(row["title"]), str(row["link"])
    if not link.startswith(("https://", "http://")):
        return name
    return f"<a href='{parts.plain(link)}' rel='noopener noreferrer' target='_blank'>{name}</a>"


# --- effects ---------------------------------------------------------------------------------------------------------


def _effects(plan: Plan, rule: Rule) -> None:
    """What a rule does to everyone: the plan solved without it."""
    st.html(parts.title("What it does", "Against the same plan solved without it.", level=4))
    try:
        key = (plan.scenario.digest, plan.value, rule.id)
        found = _tried.made(key, lambda: without(plan, rule.id, solve=solving.answer))
    except AllocateError as error:
        st.html(parts.verdict(str(error), "bad"))
        return
    st.html(parts.lines(found.sentences[:3] if found.changes else found.sentences) + effects(found, plan))


def effects(found: Without, plan: Plan) -> str:
    """HTML of whom a rule helps and whom it costs: partners, then places."""
    unit = explaining.aim_unit(plan)
    made = []
    sign = plan.scenario.heading.currency
    for name, table in (("Partner", found.partners), ("Place", found.places)):
        rows = table[table["difference"].abs() >= ROUNDING]
        rows = rows.sort_values("difference", ascending=False, kind="stable")
        if len(rows):
            columns = [
                Column("name", name), figure("without_rule", "Without it", money(plan)),
                figure("with_rule", "With it", money(plan)),
                figure("difference", "Because of it", partial(pounds, currency=sign, signed=True)),
                figure("outcome", f"What that buys ({unit})", partial(number, signed=True)),
            ]  # fmt: skip
            caption = f"{name}s that have more or less because of it, and what their lines buy"
            made.append(parts.table(pd.DataFrame(rows), columns, caption))
    return "".join(made)


# --- exactly how -----------------------------------------------------------------------------------------------------


def exactly(rule: Rule, scenario: Scenario) -> str:
    """HTML of a rule's grammar, folded."""
    found = grammar(rule, scenario).items()
    rows = pd.DataFrame([{"symbol": symbol, "means": SYMBOLS[symbol], "said": words} for symbol, words in found])
    columns = [Column("symbol", "Symbol"), Column("means", "Stands for"), Column("said", "In this rule")]
    caption = "The rule in the grammar of institutions (Crawford and Ostrom; Institutional Grammar 2.0)"
    kind = f"Of the kind “{rule.kind}”, id {rule.id}. In IG Script:"
    script = parts.plain(encoded(rule, scenario))
    return (
        "<details class='al-figures'><summary>Exactly how</summary>"
        + parts.table(rows, columns, caption)
        + f"<p class='al-note'>{parts.plain(kind)} <code>{script}</code></p></details>"
    )
