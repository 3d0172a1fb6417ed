"""A plan in sentences: what it does, what holds it, how good it is."""

from __future__ import annotations

import math

import pandas as pd

from allocate.plan.figures import number, per_cent, pounds, round_sum
from allocate.plan.plan import Plan


def explain(plan: Plan) -> str:
    """The plan in a handful of sentences: the headline, what binds and what it costs, what more money would buy, ties,
    the certificate, the caveat."""
    parts = [headline(plan), *binding(plan), next_pound(plan), unspent(plan), ties(plan), assurance(plan)]
    return "\n".join(part for part in (*parts, plan.scenario.heading.caveat) if part)


def headline(plan: Plan) -> str:
    """Every rule is met. £x is shared across ...; it buys ... more than today's spending."""
    spend, currency = plan.spend, plan.scenario.heading.currency
    parents = set(plan.scenario.places["parent"].dropna())
    places, partners = len(set(spend["place"]) - parents), spend["partner"].nunique()
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
    said = [
        f"{number(change[key], signed=True)} {row.unit} ({row.name_})" for key, row in _rows(outcomes) if key in change
    ]
    return "Against today's spending it buys " + ", ".join(said) + "."


def _rows(outcomes: pd.DataFrame):
    for row in outcomes.rename(columns={"name": "name_"}).itertuples():
        yield row.Index, row


def binding(plan: Plan, most: int = 5) -> list[str]:
    """The rules that hold the plan, dearest first, with what easing them is worth: by a round sum (`a_little`) for
    limits in pounds, by 1% for others."""
    if not plan.has_prices:
        return ["Yes/no choices leave no prices: what a rule costs is found by solving without it."]
    limits = plan.limits
    held = limits[limits["binding"] & (limits["price"] > 0)]
    unit = _aim_unit(plan)
    said = []
    for _, group in held.groupby("rule"):
        top = group.sort_values("price", ascending=False, kind="stable", key=_told_apart).iloc[0]
        more = f" (dearest of {len(group)} where it binds)" if len(group) > 1 else ""
        pounds_asked = top["measure"] == "spend"
        little = a_little(plan)
        step = little if pounds_asked else 0.01 * abs(top["high"] if math.isfinite(top["high"]) else top["low"])
        by = round_sum(little, plan.scenario.heading.currency) if pounds_asked else "1%"
        worth = top["price"] * step
        said.append((worth, f"{top['label']}{more}. Easing it by {by} is worth {number(worth)} {unit}."))
    table = pd.DataFrame(sorted(said, key=lambda pair: pair[1]), columns=["worth", "text"])
    return table.sort_values("worth", ascending=False, kind="stable", key=_told_apart)["text"].tolist()[:most]


def _told_apart(prices: pd.Series) -> pd.Series:
    """Prices to six digits: those that differ by a rounding error only are the same, and keep their order."""
    return prices.map(lambda price: float(f"{price:.6g}"))


def a_little(plan: Plan) -> float:
    """A round sum, about a thousandth of all the money: prices speak for the last pounds only."""
    return 10.0 ** max(0, math.floor(math.log10(max(plan.money["amount"].sum(), 1.0) / 1000.0)))


def next_pound(plan: Plan) -> str:
    """What a little more money would buy, by envelope, the best first; envelopes with one answer are named together."""
    if not plan.has_prices:
        return ""
    little, unit = a_little(plan), _aim_unit(plan)
    names: dict[str, list[str]] = {}
    for row in plan.money.sort_values("price", ascending=False, kind="stable", key=_told_apart).itertuples():
        if row.price > 0:
            names.setdefault(number(row.price * little), []).append(_envelope(plan, row))
    said = "; ".join(f"{_some(group)} {worth}" for worth, group in names.items())
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


def _some(names: list[str], most: int = 3) -> str:
    """The first few of these names, and how many others."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


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
    return (
        checked
        + f"a better plan is not ruled out: the remaining gap is {per_cent(found.gap, places=2)} of what is at stake."
    )


def _aim_unit(plan: Plan) -> str:
    """The unit of the aim: the outcomes' own where they agree and count one each, else points."""
    outcomes = plan.scenario.outcomes
    same = outcomes["unit"].nunique() == 1 and (outcomes["weight"] == 1).all()
    return str(outcomes["unit"].iloc[0]) if same else "points of the agreed aim"


def _count(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")
