"""Which agreed rules a plan bends, by how much, and what that costs at their published prices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from allocate.engine.bends import MILLION
from allocate.plan.aim import aim_unit
from allocate.plan.figures import number
from allocate.plan.plan import Plan
from allocate.plan.words import title
from allocate.rules import wording
from allocate.scenario.rulebook import Bend

COLUMNS = ["rule", "part", "label", "measure", "bent", "price", "cost"]


def bent(plan: Plan) -> pd.DataFrame:
    """Every limit that a plan bends.

    Columns: rule, part, label, measure, bent (by how much, in the measure's own unit), price (of the band that it
    stands in: points for each £1m, or for each unit of an outcome), cost (points in all).
    """
    limits, bends = plan.limits, {rule.id: rule.bends for rule in plan.scenario.rules}
    table = limits[limits["bent"] > 0].drop(columns="price").rename(columns={"bend_price": "price"})
    each = np.where(table["measure"] == "spend", MILLION, 1.0)
    table["cost"] = [
        _cost(bends[rule], breach, unit) for rule, breach, unit in zip(table["rule"], table["bent"], each, strict=True)
    ]
    return table[COLUMNS].reset_index(drop=True)


def bent_cost(plan: Plan) -> float:
    """What bending rules costs a plan in all, in units of the aim."""
    flows = plan._solved.flows
    return plan._solved.problem.bent_cost(flows.spend, flows.moved)


def _cost(bands: Sequence[Bend], breach: float, unit: float) -> float:
    """What a breach costs, band by band."""
    total = 0.0
    for band in bands:
        total += band.price * min(breach, band.width) / unit
        breach = max(0.0, breach - band.width)
    return total


def bent_in_words(plan: Plan) -> list[str]:
    """The same in sentences, a rule each, the dearest first."""
    table, scenario = bent(plan), plan.scenario
    short = {rule.id: rule.breach for rule in scenario.rules}
    said = []
    for rule, rows in table.groupby("rule", sort=False):
        measure = str(rows["measure"].iloc[0])
        breach = float(rows["bent"].sum())
        amount = wording.measured(round(breach) if measure == "spend" else float(f"{breach:.4g}"), measure, scenario)
        where = f" in {len(rows)} parts" if len(rows) > 1 else ""
        cost = rows["cost"].sum()
        text = f"“{title(str(rule))}” bends by {amount} {short[str(rule)]}{where}, which costs {number(cost)}"
        said.append((cost, f"{text} {aim_unit(plan)}."))
    return [text for _, text in sorted(said, key=lambda each: -each[0])]


__all__ = ["bent", "bent_cost", "bent_in_words"]
