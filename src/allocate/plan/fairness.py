"""How fairly a plan treats places: what each gets in several views, and measures of how far apart that is.

Which view and which measure to go by is a judgement for those who share the money: a plan may bring places nearer in
what they spend and further apart in what they gain. So all are shown, for the plan and for today, and none is hidden in
another. Nothing here comes from a solver: it is counted from spending, through the exact curves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from allocate.plan.aim import PEOPLE, aim_unit
from allocate.plan.comparing import Unlike, unlike
from allocate.plan.figures import MINUS, number, pounds
from allocate.plan.moves import NOISE, POUND
from allocate.plan.plan import Plan
from allocate.plan.words import some
from allocate.rules import inequality
from allocate.rules.inequality import Senseless

Array = np.ndarray
A_HEAD, OF_SHARE = " a head", "of fair share"
OUTCOME = f"for {PEOPLE:,.0f} people"
UNLEVEL = "some curves count from a reference, not from nothing, so that what they say is no level"
SAME = 1e-9
"""Measures nearer than this, as a part of themselves, are the same."""


@dataclass(frozen=True, eq=False)
class View:
    """One way to say what each place gets for each of its people, today and planned: an entry a place."""

    key: str
    title: str
    unit: str
    places: Array
    people: Array
    """by whom it is divided, and weighted in measures: heads, or heads by need"""
    today: Array
    value: Array
    reason: str = ""
    """Why its amounts cannot be set against each other at all; '' where they can."""


@dataclass(frozen=True, eq=False)
class Measure:
    """One number for how far apart places are, or for those worst off."""

    key: str
    title: str
    unit: str
    """'' where it is in the unit of the view."""
    of: Callable[[Array, Array], float]
    higher: str
    lower: str
    """What it says of a plan when it rises, and when it falls."""


def _measures(epsilon: float) -> tuple[Measure, ...]:
    apart, averse = ("less equal", "more equal"), f"aversion {number(epsilon)}"
    return (
        Measure("gini", "Gini", "index", inequality.gini, *apart),
        Measure("hoover", "Hoover", "index", inequality.hoover, *apart),
        Measure("palma", "Best-off tenth against worst-off two fifths (Palma)", "times", inequality.palma, *apart),
        Measure("mcloone", "Lower half against the median (McLoone)", "index", inequality.mcloone, *apart[::-1]),
        Measure("atkinson", f"Atkinson, {averse}", "index", partial(inequality.atkinson, epsilon=epsilon), *apart),
        Measure(
            "equally-distributed", f"As good if all had it ({averse})", "",
            partial(inequality.equally_distributed, epsilon=epsilon), "higher", "lower",
        ),
        Measure("best-to-worst", "Best-off place against worst-off", "times", inequality.best_to_worst, *apart),
        Measure("worst-fifth", "Mean of the worst-off fifth of people", "", inequality.tail_mean, "higher", "lower"),
    )  # fmt: skip


def views(plan: Plan, *, year: str | None = None) -> pd.DataFrame:
    """What each place gets in a year (the last if left out), in every view: a row a view and place.

    Columns: view, title, place, people (those it is divided by, and weighted by in measures: heads, or heads by need),
    today, value (the plan's), unit, reason ('' unless the amounts cannot be set against each other).

    The views: `spend` and `weighted-spend` for each person, by population and by need; `fair-share`, the money that
    goes by need over the place's fair share of it; `level` and `gain`, the agreed outcome and its change since today
    for 1,000 people; the same of every outcome, as `level.health`, where there are several. Places are those without
    places inside them that any line is in; what is spent for wider ones is nobody's. A view that needs people by need,
    or money that goes by need, is left out where there is none. Raises ValueError for a year that is not the
    scenario's.
    """
    columns = ["view", "title", "place", "people", "today", "value", "unit", "reason"]
    rows = [
        (view.key, view.title, *row, view.unit, view.reason)
        for view in _views(plan, _year(plan, year))
        for row in zip(view.places, view.people, view.today, view.value, strict=True)
    ]
    return pd.DataFrame(rows, columns=columns)


def fairness(plan: Plan, *, against: Plan | None = None, year: str | None = None, epsilon: float = 1.0) -> pd.DataFrame:
    """Every measure of every view (see `views`) in a year, the last if left out: a row a view and measure.

    Columns: view, title, measure, name, unit, today, against (with another plan only), value (the plan's), change
    (against that plan, or today), verdict ('more equal', 'less equal', 'higher', 'lower', 'the same', '' where one is
    blank), moved (who gains and who loses most in this view, in words), reason (why a measure is blank: of values below
    nothing, say, nobody holds a part). Indices are 0 where all places have the same, McLoone's and the best-off over
    the worst-off 1, Palma's 0.25. `epsilon` is the aversion to inequality that Atkinson's measures go by.

    Raises Unlike where the plans must not be compared, and ValueError for a year that is not the scenario's or an
    epsilon below 0.
    """
    if against is not None and (reasons := unlike(against, plan)):
        raise Unlike(reasons)
    when, measures = _year(plan, year), _measures(epsilon)
    theirs = None if against is None else {view.key: view for view in _views(against, when)}
    rows = [
        {"view": view.key, "title": view.title, **_row(measure, view, theirs), "moved": moved}
        for view in _views(plan, when)
        for moved in [_moved(plan, view, theirs)]
        for measure in measures
    ]
    sides = ["today", "value"] if against is None else ["today", "against", "value"]
    columns = ["view", "title", "measure", "name", "unit", *sides, "change", "verdict", "moved", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _row(measure: Measure, view: View, theirs: dict[str, View] | None) -> dict[str, object]:
    """What a measure says of a view today, of another plan's where there is one, and of the plan's."""
    today, why = _measured(measure, view, view.today)
    # Where there is nothing today, as in what is gained since, that needs no word.
    found = {"today": (today, why if view.reason or view.today.any() else "")}
    if theirs is not None:
        there = theirs.get(view.key)
        found["against"] = (np.nan, "it has no such view") if there is None else _measured(measure, there, there.value)
    found["value"] = _measured(measure, view, view.value)
    amounts = {side: amount for side, (amount, _) in found.items()}
    was, now = amounts["today" if theirs is None else "against"], amounts["value"]
    said = {"measure": measure.key, "name": measure.title, "unit": measure.unit or view.unit}
    reason = _reason({side: why for side, (_, why) in found.items()})
    return {**said, **amounts, "change": now - was, "verdict": _verdict(measure, was, now), "reason": reason}


def fairness_in_words(plan: Plan, *, against: Plan | None = None, year: str | None = None) -> list[str]:
    """How far apart places are in each view, what that was, and who gains and loses most; then what is spent for wider
    places, and so in no view. Levels that are none are passed over. Raises what `fairness` raises."""
    table = fairness(plan, against=against, year=year)
    table = table[~table["reason"].str.contains(UNLEVEL, regex=False)]
    said = [_sentence(rows.set_index("measure")) for _, rows in table.groupby("view", sort=False)]
    return [*said, *_wider(plan, _year(plan, year))]


def _sentence(rows: pd.DataFrame) -> str:
    title, moved, worst = rows["title"].iloc[0], rows["moved"].iloc[0], rows.loc["worst-fifth"]
    known = [part for part in (_best(rows.loc["best-to-worst"]), _index(rows.loc["gini"])) if part]
    if not known:
        known = [f"no index, because {rows.loc['gini', 'reason']}"]
        if not np.isnan(worst["value"]):
            known += [f"the worst-off fifth of people have {in_unit(worst['value'], worst['unit'])}"]
    return f"{title}: {'; '.join(known)}." + (f" {moved}." if moved else "")


def _best(row: pd.Series) -> str:
    return "" if np.isnan(row["value"]) else f"the best-off place has {row['value']:.2f} times the worst-off"


def _index(row: pd.Series) -> str:
    if np.isnan(row["value"]):
        return ""
    was = f", was {number(row['today'])}" if not np.isnan(row["today"]) else ""
    other = row.get("against", np.nan)
    return f"Gini {number(row['value'])}{was}" + (f" ({number(other)} in the other plan)" if other == other else "")


def _wider(plan: Plan, year: str) -> list[str]:
    """A sentence on what is spent for places with places inside them; none where nothing is."""
    parents = set(plan.scenario.table("places")["parent"].dropna())
    mine = plan.spend[plan.spend["place"].isin(parents) & (plan.spend["year"] == year)]
    if (total := mine["spend"].sum()) < POUND:
        return []
    names = some([plan.scenario.name_of("places", place) for place in sorted(set(mine["place"]))])
    return [f"{pounds(total, plan.scenario.heading.currency)} is spent for {names} as a whole, and stands in no view."]


def _year(plan: Plan, year: str | None) -> str:
    if year is not None and year not in plan.scenario.years:
        raise ValueError(f"{year!r} is not one of the years {', '.join(plan.scenario.years)}")
    return plan.scenario.years[-1] if year is None else year


def _leaves(plan: Plan, year: str) -> pd.DataFrame:
    """The rows of `Plan.places` of one year, for the places without places inside them that any line is in."""
    places, scenario = plan.places, plan.scenario
    parents, funded = set(scenario.table("places")["parent"].dropna()), set(scenario.table("lines")["place"])
    mine = (places["year"] == year) & places["place"].isin(funded - parents)
    return places[mine].sort_values("place", ignore_index=True)


def _views(plan: Plan, year: str) -> Iterator[View]:
    """Every view of a plan in a year, of the places in the order of their ids."""
    table, currency = _leaves(plan, year), plan.scenario.heading.currency
    places, before, after = (table[column].to_numpy() for column in ("place", "baseline", "spend"))
    for key, title, by in (
        ("spend", "Spending per head", "population"), ("weighted-spend", "Spending per weighted head", "need"),
    ):  # fmt: skip
        heads = table[by].to_numpy(dtype=float)
        if (heads > 0).any():
            unit = f"{currency}{A_HEAD}"
            yield View(key, title, unit, places, heads, _over(before, heads), _over(after, heads))
    if table["distance_after"].notna().any():
        need, was, now = (table[name].to_numpy(dtype=float) for name in ("need", "distance_before", "distance_after"))
        yield View("fair-share", "Money by need against fair share", OF_SHARE, places, need, 1 + was, 1 + now)
    yield from _outcome_views(plan, year, places, table["population"].to_numpy(dtype=float))


def _outcome_views(plan: Plan, year: str, places: Array, heads: Array) -> Iterator[View]:
    """Level and gain of what was agreed, and of each outcome where there are several."""
    outcomes, gains = plan.scenario.outcomes, plan.gains
    gains["shape"] = plan.scenario.curves["shape"].to_numpy()
    gains = gains[(gains["year"] == year) & gains["place"].isin(places)]
    weights = dict(zip(outcomes["id"], outcomes["weight"], strict=True))
    asked: list[tuple[str, str, str, dict[str, float]]] = [("", "Agreed outcome", aim_unit(plan), weights)]
    if len(outcomes) > 1:
        asked += [(f".{row.id}", row.name, row.unit, {row.id: 1.0}) for row in outcomes.itertuples(index=False)]
    for key, title, unit, weight in asked:
        factor = gains["outcome"].map(weight).fillna(0.0)
        told, still = f"{unit} {OUTCOME}", np.zeros(len(places))
        sums = ((gains[side] * factor).groupby(gains["place"]).sum() for side in ("baseline_gain", "gain"))
        was, now = (_over(side.reindex(places, fill_value=0.0).to_numpy() * PEOPLE, heads) for side in sums)
        reason = UNLEVEL if (gains.loc[factor > 0, "shape"] == "isoelastic").any() else ""
        yield View(f"level{key}", f"{title} {OUTCOME}", told, places, heads, was, now, reason)
        yield View(f"gain{key}", f"{title} {OUTCOME}, gain since today", told, places, heads, still, now - was)


def _over(amount: Array, heads: Array) -> Array:
    """Amounts for each of so many people; blank where there are none."""
    return np.divide(amount, heads, out=np.full(len(amount), np.nan), where=heads > 0)


def _measured(measure: Measure, view: View, values: Array) -> tuple[float, str]:
    """What a measure says of a view, or a blank and the reason."""
    if view.reason:
        return np.nan, view.reason
    try:
        return measure.of(values, view.people), ""
    except Senseless as error:
        return np.nan, str(error)


def _verdict(measure: Measure, was: float, now: float) -> str:
    if np.isnan(was) or np.isnan(now):
        return ""
    if abs(now - was) <= SAME * max(1.0, abs(was)):
        return "the same"
    return measure.higher if now > was else measure.lower


def _reason(whys: dict[str, str]) -> str:
    """Why some of the amounts are blank; which of them, where others are not."""
    blank = {name: why for name, why in whys.items() if why}
    if len(set(whys.values())) == 1:
        return next(iter(whys.values()))
    names = {"today": "today", "against": "in the other plan", "value": "in this plan"}
    return "; ".join(f"{names[name]} {why}" for name, why in blank.items())


def _moved(plan: Plan, view: View, theirs: dict[str, View] | None) -> str:
    """Which places gain most and lose most in a view, since today or against another plan's."""
    was = view.today
    if theirs is not None:
        if (there := theirs.get(view.key)) is None:
            return ""
        was = pd.Series(there.value, index=there.places).reindex(view.places).to_numpy()
    change = np.where(np.isnan(view.value - was), 0.0, view.value - was)
    change[np.abs(change) <= NOISE * np.maximum(np.abs(view.value), np.abs(was))] = 0.0
    up, down = int(np.argmax(change)), int(np.argmin(change))
    names = [plan.scenario.name_of("places", place) for place in view.places]
    said = [f"{names[up]} gains most ({in_unit(change[up], view.unit, True)})"] if change[up] > 0 else []
    said += [f"{names[down]} loses most ({in_unit(change[down], view.unit, True)})"] if change[down] < 0 else []
    if not said:
        return "No place gains or loses"
    return " and ".join(said) + ("" if len(said) > 1 else ", no place loses" if change[up] > 0 else ", no place gains")


def in_unit(amount: float, unit: str, signed: bool = False) -> str:
    """An amount of a view: '+£12.50 a head', '−0.3 years for 1,000 people', '1.2% of fair share'."""
    sign = MINUS if amount < 0 else "+" if signed else ""
    if unit.endswith(A_HEAD):
        size = f"{abs(amount):,.0f}" if abs(amount) >= 100 else f"{abs(amount):,.2f}"
        return f"{sign}{unit.removesuffix(A_HEAD)}{size}{A_HEAD}"
    if unit == OF_SHARE:
        return f"{sign}{abs(amount):.1%} {unit}"
    return f"{number(amount, signed=signed)} {unit}"


__all__ = ["OF_SHARE", "Measure", "View", "fairness", "fairness_in_words", "in_unit", "views"]
