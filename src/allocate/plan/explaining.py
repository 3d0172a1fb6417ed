"""A plan in sentences: what it does, what holds it, how good it is."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from allocate.plan.aim import a_little, aim_in_words, aim_unit
from allocate.plan.bending import bent, bent_in_words
from allocate.plan.figures import at_most, number, per_cent, pounds, round_sum
from allocate.plan.freeing import held_still
from allocate.plan.margins import view_of
from allocate.plan.moves import POUND, Moves
from allocate.plan.plan import Plan
from allocate.plan.words import blank, count, some, told
from allocate.scenario.paths import Path, matches, parse
from allocate.scenario.rulebook import record
from allocate.scenario.scenario import Scenario
from allocate.scenario.values import factor

FINEST = 1e-9
"""Gaps up to this share of the outcome at stake are what arithmetic leaves of none."""
FAIREST = 1e-6
"""The same of what there was to reach by an aim, of which whole pounds leave more."""


def explain(plan: Plan) -> str:
    """The plan in a handful of sentences: the headline, what binds and what it costs, what more money would buy, ties,
    the certificate, the caveat. Where nothing moves, what holds it and what would be without that, which is solved."""
    parts = [
        headline(plan),
        aim_in_words(plan),
        *bent_in_words(plan),
        *held_still(plan),
        *binding(plan),
        next_pound(plan),
        unspent(plan),
        ties(plan),
        assurance(plan),
    ]
    return "\n".join(part for part in (*parts, plan.scenario.heading.caveat) if part)


def headline(plan: Plan) -> str:
    """Every rule is met. £x is shared across ...; it buys ..., against today's spending where there is any."""
    moves, scenario = Moves.of(plan), plan.scenario
    lines, currency = scenario.table("lines"), scenario.heading.currency
    places = set(lines["place"]) - set(scenario.table("places")["parent"].dropna())
    total, before = float(moves.after.sum()), float(moves.before.sum())
    first = (
        f"{_met(plan)} {pounds(total, currency)} is shared across {count(lines['partner'].nunique(), 'partner')} "
        f"and {count(len(places), 'place')}"
    )
    if not before:
        return f"{first}. It buys {_bought(plan, moves.has, signed=False)}."
    more = "more" if total >= before else "less"
    same = abs(total - before) < POUND
    change = "as much as before" if same else f"{pounds(abs(total - before), currency)} {more} than before"
    bought = _bought(plan, moves.outcome, signed=True) if moves.told or not same else "as much of every outcome"
    return f"{first}, {change}. Against today's spending it buys {bought}."


def _met(plan: Plan) -> str:
    """That every rule is met, but for those that bend."""
    bends = bent(plan)["rule"].nunique()
    but = (
        f" but {'one that bends at its price' if bends == 1 else f'{bends} that bend at their prices'}" if bends else ""
    )
    return f"Every rule is met{but}."


def _bought(plan: Plan, gains: dict[str, float], signed: bool) -> str:
    """So much of each outcome."""
    rows = plan.scenario.table("outcomes")[["id", "unit", "name"]].itertuples(index=False, name=None)
    return ", ".join(f"{number(gains[key], signed)} {unit} ({name})" for key, unit, name in rows if key in gains)


def binding(plan: Plan, most: int = 5) -> list[str]:
    """The rules that hold the plan, dearest first, with what easing them is worth: by a round sum (`a_little`) for
    limits in pounds, by 1% for others; at most so many, and then the ids of the others."""
    if not plan.has_prices:
        return [
            "Yes/no choices, or a cap on an outcome, leave no prices: what a rule costs is found by solving without it."
        ]
    limits = plan.limits
    # What is next to nothing is what arithmetic leaves.
    held = limits[limits["binding"] & (limits["price"] > 0) & (view_of(plan).limit_price != 0)]
    unit = aim_unit(plan)
    said = []
    for rule, group in held.groupby("rule"):
        top = group.sort_values("price", ascending=False, kind="stable", key=_told_apart).iloc[0]
        more = f" (dearest of {len(group)} where it binds)" if len(group) > 1 else ""
        pounds_asked = top["measure"] == "spend"
        little = a_little(plan)
        step = little if pounds_asked else 0.01 * abs(top["high"] if math.isfinite(top["high"]) else top["low"])
        by = round_sum(little, plan.scenario.heading.currency) if pounds_asked else "1%"
        worth = top["price"] * step
        said.append((worth, f"{top['label']}{more}. Easing it by {by} is worth {number(worth)} {unit}.", rule))
    table = pd.DataFrame(sorted(said, key=lambda row: row[1]), columns=["worth", "text", "rule"])
    table = table.sort_values("worth", ascending=False, kind="stable", key=_told_apart)
    return [*table["text"].head(most), *_others(table["rule"].tolist()[most:])]


def _others(rules: list[str]) -> list[str]:
    """That these rules bind too, if there are any."""
    if not rules:
        return []
    verb = "binds" if len(rules) == 1 else "bind"
    return [f"And {count(len(rules), 'more rule')} {verb} ({some(rules, 8)}): see the limits table."]


def _told_apart(prices: pd.Series) -> pd.Series:
    """Prices to six digits: those that differ by a rounding error only are the same, and keep their order."""
    return prices.map(lambda price: float(f"{price:.6g}"))


def next_pound(plan: Plan) -> str:
    """What a little more money would buy, by envelope, the best first; envelopes with one answer are named together."""
    if not plan.has_prices:
        return ""
    little, unit = a_little(plan), aim_unit(plan)
    names: dict[str, list[str]] = {}
    for row in plan.money.sort_values("price", ascending=False, kind="stable", key=_told_apart).itertuples():
        if row.price > 0:
            names.setdefault(number(row.price * little), []).append(_envelope(plan, row))
    said = "; ".join(f"{some(group)} {worth}" for worth, group in names.items())
    return f"{round_sum(little, plan.scenario.heading.currency)} more would buy, in {unit}: {said}." if said else ""


def unspent(plan: Plan) -> str:
    """What is left in which envelopes, if anything."""
    left = plan.money[plan.money["unspent"] >= 1.0]
    currency = plan.scenario.heading.currency
    names = [f"{pounds(row.unspent, currency)} of {_envelope(plan, row)}" for row in left.itertuples()]
    return f"Left unspent: {', '.join(names)}." if names else ""


def _envelope(plan: Plan, row) -> str:
    """An envelope's name, with its year where there are several."""
    name = plan.scenario.name_of("envelopes", row.envelope)
    return f"{name} {row.year}" if len(plan.scenario.years) > 1 else name


def ties(plan: Plan) -> str:
    """Whether other plans are as good, and how this one was picked."""
    if not plan.ties:
        return ""
    return (
        f"Other plans are as good: at least {count(plan.ties, 'line')} could be spent otherwise for the same outcome. "
        "This one changes least from today."
    )


def assurance(plan: Plan) -> str:
    """The certificate in a sentence."""
    found, tolerance = plan.certificate, plan.options.tolerance
    unit = "pound" if plan.scenario.heading.currency == "£" else "last whole amount"
    checked = f"Checked independently of the solver: every rule and envelope holds, to the {unit}; "
    if plan.aim is not None and plan.certified:
        near = "" if plan.aim.gap <= FAIREST else f" by more than {plan.aim.gap:.1g} of what there was to reach"
        less = f" by more than {at_most(found.gap * plan._solved.problem.at_stake)} {aim_unit(plan)}"
        return f"{checked}no plan is fairer by the aim{near}, and none as fair buys more{less * (found.gap > FINEST)}."
    if plan.certified and found.gap <= FINEST:
        return checked + "no plan is better."
    gap = f"{at_most(found.gap * plan._solved.problem.at_stake)} {aim_unit(plan)}"
    if plan.certified:
        return checked + f"no plan is better by more than {gap}."
    share = per_cent(found.gap, places=2) if found.gap >= 1e-4 else f"{found.gap:.1e}"
    return (
        f"{checked}a better plan is not ruled out: it could add up to {gap}, which is {share} of what is at stake and "
        f"more than the tolerance of {tolerance:g}."
    )


def changes(scenario: Scenario, most: int = 10) -> str:
    """What a what-if changes, a path at a time with what stood there before; '' for a scenario as it was read."""
    said = [_change(scenario.base or scenario, path, value) for path, value in scenario.changes.items()]
    more = [f"and {len(said) - most} more"] if len(said) > most else []
    return f"Changed: {'; '.join([*said[:most], *more])}" if said else ""


def _change(base: Scenario, text: str, value: Any) -> str:
    path = parse(text)
    now = "taken out" if blank(value) else told(value)
    if not isinstance(path, Path):
        return f"{text}: {now}"
    if path.table == "rules" and not path.field:
        stood = any(rule.id == path.keys[0] for rule in base.rules)
        return f"{text}: {now if blank(value) else 'another rule' if stood else 'a new rule'}"
    was = before(base, path)
    if (by := factor(value)) is not None:
        return f"{text}: {'' if was is None else f'{told(was)} '}\N{MULTIPLICATION SIGN} {told(by)}"
    return f"{text}: {now}" if was is None else f"{text}: {told(was)} \N{RIGHTWARDS ARROW} {now}"


def before(base: Scenario, path: Path) -> Any:
    """What stood at this path in the scenario as it was read: '' for a blank, None where it names no single value."""
    if path.table != "rules":
        rows = base.table(path.table)[matches(path, base.table(path.table))]
        return None if len(rows) != 1 else "" if blank(rows[path.field].iloc[0]) else rows[path.field].iloc[0]
    value: Any = next((record(rule) for rule in base.rules if rule.id == path.keys[0]), None)
    for part in path.field.split(".") if value is not None else []:
        value = value.get(part, "") if isinstance(value, dict) else None
    if value == "" and path.field == "in_force":
        return True
    return value
