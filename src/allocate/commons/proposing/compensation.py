"""The smallest compensation that leaves no loser: who pays whom, and whether there is enough to pay with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocate.commons.proposing.payoffs import Payoff
from allocate.plan.plan import Plan
from allocate.plan.words import some


@dataclass(frozen=True, eq=False)
class Compensation:
    """Payments from those who gain to those who lose, in the unit of the payoff.

    losses     the sum of all losses: the least that must be paid for nobody to lose
    gains      the sum of all gains: the most that can be paid before somebody else loses
    shortfall  what is missing, 0 where gains suffice
    payments   id, name, difference (gain or loss), receives (less than 0: pays), left (gain or loss that remains); one
               row a partner that gains or loses. Those who gain pay in proportion to what they gain. Payments add up to
               nothing
    sentence   the same in words, with what it would undo
    """

    losses: float
    gains: float
    shortfall: float
    payments: pd.DataFrame
    sentence: str

    @property
    def feasible(self) -> bool:
        """Whether those who gain can repay those who lose in full."""
        return self.shortfall <= 0.0


def compensation(partners: pd.DataFrame, payoff: Payoff, plan: Plan) -> Compensation:
    """The smallest payments that leave no loser, from a table of partners with a difference each."""
    table = partners.loc[partners["difference"] != 0, ["id", "name", "difference"]].reset_index(drop=True)
    change = table["difference"].to_numpy(dtype=float)
    gains, losses = float(np.maximum(change, 0.0).sum()), float(np.maximum(-change, 0.0).sum())
    short = max(0.0, losses - gains)
    if short <= payoff.least(losses, gains):
        # Whole pounds: what rounding leaves is not missing.
        short = 0.0
    paid = min(losses, gains)
    table["receives"] = np.where(
        change < 0, -change * _part(paid, losses), -np.maximum(change, 0.0) * _part(paid, gains)
    )
    table["left"] = table["difference"] + table["receives"]
    return Compensation(losses, gains, short, table, _sentence(table, payoff, plan, losses, gains, short))


def _part(paid: float, of: float) -> float:
    return paid / of if of > 0 else 0.0


def _sentence(table: pd.DataFrame, payoff: Payoff, plan: Plan, losses: float, gains: float, short: float) -> str:
    """What it takes, in words."""
    if not losses:
        return "Nobody loses, so nobody needs to be paid."
    total = payoff.said(losses, plan)
    payers = [
        f"{row.name_} ({payoff.said(-row.receives, plan)})"
        for row in table.rename(columns={"name": "name_"}).sort_values("receives", kind="stable").itertuples()
        if row.receives < 0
    ]
    own = "" if payoff.in_money else " It is counted in outcome, not in pounds: it would have to be bought for them."
    if short:
        has = f"all that others gain is {payoff.said(gains, plan)}" if gains else "nobody gains"
        return f"Leaving no loser takes {total}, but {has}: that is {payoff.said(short, plan)} short.{own}"
    said = f"Leaving no loser takes {total}, paid by {some(payers)}."
    if gains - losses <= payoff.least(gains, losses):
        undone = "partners would end with the money they had" if payoff.in_money else "nobody would keep any gain"
        return f"{said} That is all they gain: {undone}.{own}"
    return f"{said} They keep {payoff.said(gains - losses, plan)} of what they gain.{own}"


__all__ = ["Compensation", "compensation"]
