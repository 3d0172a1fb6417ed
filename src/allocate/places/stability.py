"""How steady fair shares are: what moves a place's target when the need data change."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from allocate.errors import Problem, ScenarioError
from allocate.places.drawing import Drawing
from allocate.places.shares import Amounts, amounts_of


def moved(before: Drawing, after: Drawing, amount: Amounts) -> pd.DataFrame:
    """How far each target moves, with the money held, when one file of need data gives way to another.

    Both drawings have the same places. Columns: before, after, change (pounds), rate (part of before), population_rate
    and need_rate (how far the place's people and its need a head moved against the system's).
    """
    if list(before.within) != list(after.within):
        odd = sorted(set(before.within) ^ set(after.within))
        value = odd[0] if odd else ""
        problem = Problem("places", "both drawings must have the same places in the same order", value=value)
        raise ScenarioError("places", [problem])
    was, now = before.targets(amount), after.targets(amount)
    people = after.shares()["population"] / before.shares()["population"]
    ratio = now["target"] / was["target"]
    return pd.DataFrame(
        {
            "before": was["target"],
            "after": now["target"],
            "change": now["target"] - was["target"],
            "rate": ratio - 1,
            "population_rate": people - 1,
            "need_rate": ratio / people - 1,
        }
    )


def sway(drawing: Drawing, amount: Amounts, by: float = 0.01) -> pd.DataFrame:
    """How far each target moves when need is measured a little differently.

    by  the relative error, 0.01 for one per cent
    own     pounds that the place's target gains if all its own weighted population were higher by this
    others  pounds that it loses if everybody else's were
    noise   standard deviation in pounds if every practice's weighted population is off by this, each by itself: small
            places of few practices are the shakiest
    noise_rate  noise as a part of the target

    With w the practices' weights and W their sum, s = W_P / W and A the amount:
    own = A (s (1 + e) / (1 + s e) - s), others = A (s - s / (1 + (1 - s) e)),
    noise = A e sqrt((1 - s)^2 sum_P w^2 + s^2 sum_rest w^2) / W, to first order.
    """
    if not (math.isfinite(by) and 0 < by < 1):
        raise ScenarioError("stability", [Problem("by", "must be a fraction above 0 and below 1", value=str(by))])
    sums = drawing.sums()
    rows = drawing.practices.table.loc[drawing.places.index]
    own, others, noise = (pd.Series(0.0, index=sums.index) for _ in range(3))
    for column, money in amounts_of(amount, list(sums)).items():
        share = sums[column] / sums[column].sum()
        squares = (rows[column] ** 2).groupby(drawing.places.to_numpy()).sum().loc[sums.index]
        spread = (1 - share) ** 2 * squares + share**2 * (squares.sum() - squares)
        own += money * (share * (1 + by) / (1 + share * by) - share)
        others += money * (share - share / (1 + (1 - share) * by))
        # The same practice's errors in two envelopes are taken to go together, so their deviations add up.
        noise += money * by * np.sqrt(spread) / sums[column].sum()
    target = drawing.targets(amount)["target"]
    return pd.DataFrame({"target": target, "own": own, "others": others, "noise": noise, "noise_rate": noise / target})
