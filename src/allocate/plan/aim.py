"""The agreed aim: its unit, and the round sum that worths are said for."""

from __future__ import annotations

import math

from allocate.plan.plan import Plan


def a_little(plan: Plan) -> float:
    """A round sum, about a thousandth of all the money: prices speak for the last pounds only."""
    return 10.0 ** max(0, math.floor(math.log10(max(plan.money["amount"].sum(), 1.0) / 1000.0)))


def aim_unit(plan: Plan) -> str:
    """The unit of the aim: the outcomes' own where they agree and count one each, else points."""
    outcomes = plan.scenario.outcomes
    same = outcomes["unit"].nunique() == 1 and (outcomes["weight"] == 1).all()
    return str(outcomes["unit"].iloc[0]) if same else "points of the agreed aim"
