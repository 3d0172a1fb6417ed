"""How patient a partner must be for keeping its word to pay, and how often somebody must look: arithmetic alone.

A partner has the reward each year that all keep their word, the temptation in the year that it breaks its own, and the
fallback in each year after that, for good (Friedman 1971, doi 10.2307/2296617) or until it is forgiven. Patience is
what a pound a year from now is worth today, from 0 to 1: the discount factor, times the chance that all still work
together then. All amounts are of one unit, and nothing here depends on which.
"""

from __future__ import annotations

import math

NEVER = math.inf
"""The patience, or the looking, that is asked for where none is enough."""


def effective(discount: float, together: float) -> float:
    """Patience: what a pound next year is worth today, where all still work together then with this chance."""
    return discount * together


def critical(
    reward: float, temptation: float, fallback: float, years: int | None = None, chance: float = 0.0, fine: float = 0.0
) -> float:
    """The least patience at which keeping one's word pays, where whoever breaks it has its fallback for so many years
    from the next on, for good if left out, and pays a fine with this chance.

    For good it is (T - R - qf) / (T - P - qf); for K years the only root of d + ... + d^K = (T - R - qf) / (R - P). The
    left side rises without a break from 0 at d = 0 to K at d = 1, so there is one from 0 to 1 exactly where the right
    side is K at most. 0 where there is nothing to gain; NEVER where no patience is enough, as where the reward is no
    more than the fallback.
    """
    gain, loss = temptation - reward - chance * fine, reward - fallback
    if gain <= 0.0:
        return 0.0
    if loss <= 0.0 or (years is not None and gain > years * loss):
        return NEVER
    for_good = gain / (gain + loss)
    return for_good if years is None else _root(gain / loss, years, for_good)


def _root(total: float, years: int, low: float) -> float:
    """Where d + ... + d^years is `total`, which is no more than `years`: it is never below `low`, for years without end
    ask for less patience."""
    high = 1.0
    while low < (middle := (low + high) / 2.0) < high:
        low, high = (middle, high) if discounted(middle, years) < total else (low, middle)
    return high


def discounted(patience: float, years: int | None = None) -> float:
    """What a pound a year is worth today, from next year on for so many years; for good if left out."""
    if years is None:
        return patience / (1.0 - patience) if patience < 1.0 else math.inf
    return math.fsum(patience**year for year in range(1, years + 1))


def looking(temptation: float, lost: float, stake: float) -> float:
    """The least chance with which a breach must be found for it not to pay: (temptation - lost) / stake, where
    `temptation` is what it gains, `lost` what follows it even if nobody finds it, and `stake` what finding it costs.

    0 where it does not pay anyhow; above 1 where no looking is enough, and NEVER where nothing is at stake.
    """
    if temptation <= lost:
        return 0.0
    return (temptation - lost) / stake if stake > 0.0 else NEVER


__all__ = ["NEVER", "critical", "discounted", "effective", "looking"]
