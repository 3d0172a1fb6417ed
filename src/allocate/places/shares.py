"""Need indices, fair shares in pounds and distances from them, out of sums over practices.

With P a place, S its system and E England, G registered people and W weighted people for a component:

    index against the system    (W_P / G_P) / (W_S / G_S)
    index against England       (W_P / G_P) / (W_E / G_E)
    fair share                  W_P / W_S
    target                      envelope x fair share
    distance from target        opening - target, and opening / target - 1

The first line is the formula of NHS England's place-based allocation tool; the others follow from it, since
index x share of people = share of weighted people. The weight of health inequalities is inside `core` and `primary`
already: it is never added again, nor are components weighed together here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from allocate.errors import Problem, ScenarioError
from allocate.scenario.words import suggestion

Amounts = float | Mapping[str, float]
"""Pounds to share by core need, or component (or `population`, for an equal sum a head) to the pounds it shares."""


def indices(sums: pd.DataFrame, base: pd.Series) -> pd.DataFrame:
    """Need per head of each place relative to the base's, component by component; NaN where nobody is registered.

    sums    one row a place: population, and weighted people by component
    base    the same columns summed over what the index is relative to
    """
    components = [name for name in sums if name != "population"]
    per_head = sums[components].div(sums["population"].where(sums["population"] > 0), axis=0)
    average = base[components] / base["population"] if base["population"] > 0 else base[components] * math.nan
    return per_head.div(average.where(average > 0))


def fair_shares(sums: pd.DataFrame) -> pd.DataFrame:
    """Each place's part of the whole, column by column; every column with people in it sums to one."""
    total = sums.sum()
    return sums.div(total.where(total > 0))


def amounts_of(amount: Amounts, columns: list[str]) -> dict[str, float]:
    """Pounds by the column that shares them. Raises ScenarioError for unknown components and amounts that are none."""
    told = dict(amount) if isinstance(amount, Mapping) else {"core": amount}
    found, problems = {}, []
    for name, value in told.items():
        column = str(name).strip().replace("-", "_")
        if column not in columns:
            fix = suggestion(column.replace("_", "-"), [c.replace("_", "-") for c in columns])
            fix = fix or f"known: {', '.join(columns)}"
            problems.append(Problem("envelope", "is not a component of need in this file", value=str(name), fix=fix))
        elif column in found:
            problems.append(Problem("envelope", "is told twice", value=str(name), fix="add the amounts up"))
        elif not 0 <= value < math.inf:
            problems.append(Problem("envelope", "must be pounds, 0 or more", field=column, value=str(value)))
        else:
            found[column] = float(value)
    if not told:
        problems.append(Problem("envelope", "holds no amount"))
    if problems:
        raise ScenarioError("envelope", problems)
    return found


def targets(sums: pd.DataFrame, amount: Amounts) -> pd.DataFrame:
    """What each place's fair share comes to: a column of pounds for each envelope, `target` (their sum, pounds),
    `share` (target as a part of all) and `per_head` (pounds for each registered person)."""
    amounts = amounts_of(amount, list(sums))
    total = sums[list(amounts)].sum()
    if empty := [name for name, people in total.items() if not people > 0]:
        where = [Problem("envelope", "no place has need of this kind to share it by", value=str(n)) for n in empty]
        raise ScenarioError("envelope", where)
    table = sums[list(amounts)] / total * pd.Series(amounts)
    table["target"] = table.sum(axis=1)
    whole = sum(amounts.values())
    table["share"] = table["target"] / whole if whole else math.nan
    table["per_head"] = table["target"] / sums["population"].where(sums["population"] > 0)
    return table


def distances(opening: pd.Series, target: pd.Series, population: pd.Series) -> pd.DataFrame:
    """How far each place opens from its target: opening, target, distance (pounds; above 0 it has more than its
    share), rate (distance as a part of the target), and distance, opening and target for each head."""
    people = population.where(population > 0)
    distance = opening - target
    return pd.DataFrame(
        {
            "opening": opening,
            "target": target,
            "distance": distance,
            "rate": distance / target.where(target > 0),
            "distance_per_head": distance / people,
            "opening_per_head": opening / people,
            "target_per_head": target / people,
        }
    )
