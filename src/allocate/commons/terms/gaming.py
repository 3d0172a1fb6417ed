"""What a partner would gain by misstating its figures: the plan and its payments made again, counted truly.

No payments that add up to nothing, and that everybody takes freely, can make the truth always the best thing to say
(Myerson and Satterthwaite 1983, doi 10.1016/0022-0531(83)90048-0; Green and Laffont 1979): so this asks how much an
untruth is worth, to whom, and who would lose by it. Payments share the gain equally over fallbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from allocate.commons.apart.ground import Ground
from allocate.errors import NoPlan
from allocate.plan.trying import Solve

Array = np.ndarray
BENEFITS, BEFORE = "what outcomes are worth to it", "what its lines spent before"
GAMING = ["partner", "name", "stated", "by", "gains", "others", "notices", "loses"]


def equal_gain(fallback: Array, lands: Array) -> Array:
    """Payments that give everybody an equal part of the gain over its fallback; they add up to nothing."""
    return fallback + (lands.sum() - fallback.sum()) / len(lands) - lands


def by_benefits(ground: Ground, player: int, by: float) -> Array:
    """What each would truly have more than by the true deal if this player said that everything is worth so much more
    to it. What is best for it alone stays so, and the agreed plan does not ask; only payments change."""
    said = np.where(np.arange(len(ground.players)) == player, 1.0 + by, 1.0)
    fallback, lands = ground.fallback.payoffs, ground.lands
    return equal_gain(fallback * said, lands * said) - equal_gain(fallback, lands)


def by_last_year(ground: Ground, player: int, by: float, seconds: float, solve: Solve) -> Array:
    """The same if it said that its lines spent so much more before: curves, rules and its own part of shared money
    begin from there, so plan, fallbacks and payments are made again. Raises NoPlan where there is none then."""
    told = ground.scenario.change({f"lines.{ground.players[player]}.*.baseline": f"x{1.0 + by:.6g}"})
    stated = Ground.of(told, fallback=ground.fallback.kind, seconds=seconds, solve=solve)
    truly = ground.payoffs(stated.flows(stated.together)) + equal_gain(stated.fallback.payoffs, stated.lands)
    return truly - (ground.lands + equal_gain(ground.fallback.payoffs, ground.lands))


def gaming(
    ground: Ground, by: float, noise: float, seconds: float, solve: Solve, go_on: Callable[[], bool]
) -> Iterator[list]:
    """Rows of `GAMING`, three a player: saying more and less of its benefits, and more of what it spent. Changes are
    blank where no plan is possible by what it says. No more are asked once `go_on` says so."""
    spent = ground.scenario.table("lines").groupby("partner")["baseline"].sum()
    for k, player in enumerate(ground.players):
        if not go_on():
            return
        yield _row(ground, k, BENEFITS, by, by_benefits(ground, k, by), noise)
        yield _row(ground, k, BENEFITS, -by, by_benefits(ground, k, -by), noise)
        if spent[player] > 0:
            try:
                more = by_last_year(ground, k, by, seconds, solve)
            except NoPlan:
                more = np.full(len(ground.players), np.nan)
            yield _row(ground, k, BEFORE, by, more, noise)


def _row(ground: Ground, player: int, stated: str, by: float, more: Array, noise: float) -> list:
    others = np.delete(more, player)
    worst = int(np.argmin(np.where(np.arange(len(more)) == player, np.inf, more)))
    loses = bool(more[worst] < -noise)
    return [
        ground.players[player], ground.name(ground.players[player]), stated, by, more[player], others.sum(),
        ground.players[worst] if loses else "", -more[worst] if loses else 0.0,
    ]  # fmt: skip


def table(rows: list[list]) -> pd.DataFrame:
    """The rows as a table."""
    return pd.DataFrame(rows, columns=GAMING)


__all__ = ["gaming", "table"]
