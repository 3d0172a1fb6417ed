"""What partners have if there is no deal: the fallback of each, in pounds, and where everybody then stands.

    apart      each spends its own money for its own payoff, until nobody moves (`allocate.commons.apart.regimes`)
    last year  everybody spends as before, made lawful
    alone      each spends its own money as is best for itself while all others spend as before; no single plan gives
               these to everybody at once

What a group would do by itself begins from where everybody stands: apart, or, for the others, as last year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocate.commons.apart.alone import Apart
from allocate.engine.certificate import Flows

Array = np.ndarray
APART, LAST_YEAR, ALONE = "apart", "last year", "alone"
FALLBACKS = {
    APART: "each spends its own money as is best for itself, until nobody moves",
    LAST_YEAR: "everybody spends as before, made lawful",
    ALONE: "each spends its own money as is best for itself, and all others as before",
}
"""Every kind of fallback, and what is said of it."""


@dataclass(frozen=True, eq=False)
class Fallback:
    """What each has without a deal.

    kind      a key of FALLBACKS
    stands    what everybody spends then, and what money moves
    payoffs   pounds, an entry a player
    regret    the most that any partner could still gain by moving alone, as a share of what it has at stake; blank but
              for 'apart'
    """

    kind: str
    stands: Flows
    payoffs: Array
    regret: float = np.nan

    @classmethod
    def of(cls, kind: str, apart: Apart) -> Fallback:
        """The fallback of this kind."""
        if kind == APART:
            weight = apart.potential
            settled = apart.settled(apart.today if weight is None else apart.best_for(weight))
            return cls(kind, settled.profile, payoffs(apart, settled.profile), settled.regret)
        today = payoffs(apart, apart.today)
        if kind == ALONE:
            replies = [apart.reply(player, apart.today).profile for player in apart.benefits.players]
            today = np.array([payoffs(apart, flows)[k] for k, flows in enumerate(replies)])
        return cls(kind, apart.today, today)


def payoffs(apart: Apart, flows: Flows) -> Array:
    """Each player's payoff where everybody spends so."""
    curves = apart.problem.curves
    return apart.benefits.payoffs(curves.gain(curves.effort(flows.spend)))


__all__ = ["FALLBACKS", "Fallback", "payoffs"]
