"""A plan in sentences: what it does, what holds it, how good it is."""

from __future__ import annotations

import math

import pandas as pd

from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.plan import Plan


def explain(plan: Plan) -> str:
    """The plan in a handful of sentences: the headline, what binds and what it costs, what more money would buy, ties,
    the certificate, the caveat."""
    parts = [headline(plan), *binding(plan), next_pound(plan), unspent(plan), ties(plan), assurance(plan)]
    return "\n".join(part for part in (*parts, plan.scenario.heading.caveat) if part)


def headline(plan: Plan) -> str:
    """Every rule is met. £x is shared across ...; it buys ... more than today's spending."""
    spend, currency = plan.spend, plan.scenario.heading.currency
    places, partners = spend["place"].nunique(), spend["partner"].nunique()
    total, change = spend["spend"].sum(), spend["change"].sum()
    first = (
        f"Every rule is met. {pounds(total, currency)} is shared across {_count(partners, 'partner')} "
        f"and {_count(places, 'place')}"
    )
    if spend["baseline"].sum() == 0:
        return first + "."
    more = "more" if change >= 0 else "less"
    return f"{first}, {pounds(abs(change), currency)} {more} than before. {_bought(plan)}"


def _bought(plan: Plan) -> str:
    """What the plan gains of each outcome against the baseline."""
    outcomes = plan.scenario.outcomes.set_index("id")
    change = plan.gains.groupby("outcome")["change"].sum()
    said = [f"{number(change[key], signed=True)} {row.unit} ({row.name_})" for key, row in _rows(outcomes) if key in change]
    return "Against today's spending it buys " + ", ".join(said) + "."


def _rows(outcomes: pd.DataFrame):
    for row in outcomes.rename(columns={"name": "name_"}).itertuples():
        yield row.Index, row


def binding(plan: Plan, most: int = 5) -> list[str]:
    """The rules that hold the plan, dearest first, with what easing them by £1m (or by one unit) is worth."""
    if not plan.has_prices:
        return ["Yes/no choices leave no prices: what a rule costs is found by solving without it."]
    limits = plan.limits
    held = limits[limits["binding"] & (limits["price"] > 0)]
    unit = _aim_unit(plan)
    said = []
    for _, group in held.groupby("owner"):
        top = group.sort_values("price", ascending=False, kind="stable").iloc[0]
        more = f" (dearest of {len(group)} where it binds)" if len(group) > 1 else ""
        pounds_asked = top["measure"] == "spend"
        step = 1e6 if pounds_asked else 0.01 * abs(top["high"] if math.isfinite(top["high"]) else top["low"])
        by = f"{plan.scenario.heading.currency}1m" if pounds_asked else "1%"
        worth = top["price"] * step
        said.append((worth, f"{top['label']}{more}. Easing it by {by} is worth {number(worth)} {unit}."))
    return [text for _, text in sorted(said, reverse=True)[:most]]


def next_pound(plan: Plan) -> str:
    """What £1m more would buy, envelope by envelope."""
    if not plan.has_prices:
        return ""
    money, currency, unit = plan.money, plan.scenario.heading.currency, _aim_unit(plan)
    names = [plan.scenario.name_of("envelopes", key) for key in money["envelope"]]
    worth = [f"{name} {number(price * 1e6)}" for name, price in zip(names, money["price"], strict=True) if price > 0]
    return f"{currency}1m more would buy, in {unit}: " + "; ".join(worth) + "." if worth else ""


def unspent(plan: Plan) -> str:
    left = plan.money[plan.money["unspent"] >= 1.0]
    names = [
        f"{pounds(row.unspent, plan.scenario.heading.currency)} of {plan.scenario.name_of('envelopes', row.envelope)}"
        for row in left.itertuples()
    ]
    return f"Left unspent: {', '.join(names)}." if names else ""


def ties(plan: Plan) -> str:
    """Whether other plans are as good, and how this one was picked."""
    if not plan.ties:
        return ""
    return (
        f"Other plans are as good: {_count(plan.ties, 'line')} could be spent otherwise for the same outcome. "
        "This one changes least from today."
    )


def assurance(plan: Plan) -> str:
    """The certificate in a sentence."""
    found = plan.certificate
    checked = "Checked independently of the solver: every rule and envelope holds, to the pound; "
    if found.gap <= 1e-9:
        return checked + "no plan is better."
    gap = f"{found.gap:.1e} of the outcome at stake"
    if plan.certified:
        return checked + f"no plan is better by more than {gap}."
    return checked + f"a better plan is not ruled out: the remaining gap is {per_cent(found.gap, places=2)} of what is at stake."


def _aim_unit(plan: Plan) -> str:
    """The unit of the aim: the outcomes' own where they agree and count one each, else points."""
    outcomes = plan.scenario.outcomes
    same = outcomes["unit"].nunique() == 1 and (outcomes["weight"] == 1).all()
    return str(outcomes["unit"].iloc[0]) if same else "points of the agreed aim"


def _count(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")
