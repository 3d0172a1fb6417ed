"""What the page of the deal works with: apart, told and together; who would sign, and for what; worked out in threads
of their own while the page is read, and remembered for everybody by what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import Benefits
from allocate.commons.apart.equilibrium import LEAST
from allocate.commons.apart.fallbacks import ALONE, APART, FALLBACKS, LAST_YEAR
from allocate.commons.apart.ground import Ground
from allocate.commons.apart.regimes import Regimes, regimes
from allocate.commons.sharing.deal import Deal, deal
from allocate.commons.sharing.games import MOST
from allocate.errors import AllocateError
from allocate.plan.figures import pounds
from allocate.plan.words import some
from allocate.scenario.scenario import Scenario
from allocate.ui import solving
from allocate.ui.asking import asked
from allocate.ui.tasks import Task

EVERY = 10
"""Partners that decide up to which every group is asked, for the ways of sharing that need them all."""
WITHOUT = {
    APART: "Apart: each for itself, until nobody moves", LAST_YEAR: "Last year: everybody spends as before",
    ALONE: "Alone: each for itself, all others as before",
}  # fmt: skip
"""What no deal is taken to mean, as the page's control has it."""
THAN = {APART: "apart", LAST_YEAR: "going on as last year", ALONE: "each alone"}


@dataclass(frozen=True, eq=False)
class Offer:
    """What each partner that decides has without a deal, together, and with payments that share the gain equally (moved
    for stability where groups were asked). In pounds as benefits.csv has it.

    partners  partner, name, fallback, together, change (together - fallback), amount (with the deal), gain (amount -
              fallback), payment (received; below 0: paid), least and most (payments between which the partner has its
              fallback, and what is left keeps all others at theirs; blank where there is nothing to share), the one
              that the plan costs most first
    deal      what groups could do; None where too many partners decide for that, which `MOST` bounds
    noise     pounds up to which differences are what the tolerance leaves
    """

    scenario: Scenario
    fallback: str
    partners: pd.DataFrame
    noise: float
    deal: Deal | None

    @property
    def gain(self) -> float:
        """Pounds that the plan together lands on partners beyond their fallbacks."""
        return float(self.partners["change"].sum())

    @property
    def losers(self) -> pd.DataFrame:
        """The partners that have less together than without a deal, as it stands; the largest loss first."""
        return self.partners[self.partners["change"] < -self.noise]

    @property
    def paid(self) -> float:
        """Pounds that change hands."""
        return float(self.partners["payment"].clip(lower=0.0).sum())

    @property
    def shares(self) -> bool:
        """Whether there is something to share."""
        return self.gain > self.noise

    def say(self, amount: float, signed: bool = False) -> str:
        """A sum in words, small ones to three digits: they rest on judgements."""
        said = amount if abs(amount) >= 1e6 else float(f"{amount:.3g}")
        return pounds(said, self.scenario.heading.currency, signed)

    def names(self, group: Sequence[str], most: int = 3) -> str:
        """Partners by their names, the first few of them."""
        return some([self.scenario.name_of("partners", each) for each in group], most)

    def row(self, partner: str) -> Any:
        """What is known of a partner; None where it decides nothing."""
        mine = self.partners[self.partners["partner"] == partner]
        return None if mine.empty else mine.iloc[0]


def offer_of(partners: pd.DataFrame, scenario: Scenario, fallback: str, noise: float, found: Deal | None) -> Offer:
    """An offer from partner, name, fallback, together and amount."""
    table = partners[["partner", "name", "fallback", "together", "amount"]].copy()
    table["change"], table["gain"] = table["together"] - table["fallback"], table["amount"] - table["fallback"]
    table["payment"] = table["amount"] - table["together"]
    whole = float(table["change"].sum())
    table["least"], table["most"] = -table["change"], whole - table["change"]
    if whole <= noise:
        table[["least", "most"]] = np.nan
    table = table.sort_values("change", kind="stable", ignore_index=True)
    return Offer(scenario, fallback, table, noise, found)


def _from_ground(scenario: Scenario, fallback: str) -> Offer:
    """Equal gain over the fallback, where groups cannot be gone through."""
    ground = Ground.of(scenario, fallback=fallback, solve=solving.answer)
    least, lands = ground.fallback.payoffs, ground.lands
    table = pd.DataFrame(
        {"partner": ground.players, "name": [ground.name(each) for each in ground.players], "fallback": least,
         "together": lands, "amount": least + (lands.sum() - least.sum()) / len(least)}
    )  # fmt: skip
    return offer_of(table, scenario, fallback, max(LEAST * float(np.abs(lands).sum()), 1.0), None)


# --- asking ----------------------------------------------------------------------------------------------------------


def regimes_of(scenario: Scenario) -> tuple[Regimes | AllocateError | None, bool]:
    """Apart, told and together, without what each law costs, and whether that is all; None while it is worked out."""

    def work(task: Task[Any]) -> Regimes:
        return regimes(scenario, law=False, solve=solving.answer, tick=task.tick)

    return asked("regimes", scenario.digest, work, "Working out what each would do for itself")


def offer(scenario: Scenario, fallback: str) -> tuple[Offer | AllocateError | None, bool]:
    """Who would sign, and for what, and whether every group was asked that had to be; None while it is worked out."""
    players = len(Benefits.of(scenario).players)

    def work(task: Task[Any]) -> Offer:
        if players > MOST:
            return _from_ground(scenario, fallback)
        found = deal(
            scenario, fallback=fallback, all_groups=players <= EVERY, solve=solving.answer, watch=task.watch,
            tick=task.tick,
        )  # fmt: skip
        return offer_of(found.partners, scenario, fallback, found.noise, found)

    text = "Working out who would sign, and what groups of partners could do by themselves"
    return asked("offer", (scenario.digest, fallback), work, text)


__all__ = ["EVERY", "FALLBACKS", "THAN", "WITHOUT", "Offer", "offer", "offer_of", "regimes_of"]
