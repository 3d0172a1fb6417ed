"""Claims that add up to more than there is: four rules for who goes short by how much.

Each takes what there is and a claim a partner, and gives an award a partner, none less than 0 and none more than its
claim, that add up to what there is. A survey: Thomson, Axiomatic and game-theoretic analysis of bankruptcy and taxation
problems, Mathematical Social Sciences 45, 2003.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd

Array = np.ndarray
Claims: TypeAlias = Mapping[str, float] | pd.Series
"""By partner's id, what it claims: 0 or more."""


def proportional(amount: float, claims: Claims) -> pd.Series:
    """The same part of every claim. Awards by id, in the unit of the claims. Raises ValueError with every fault: nobody
    claims, a claim that is below 0 or not finite, an amount below 0 or above all claims together."""
    told = _checked(amount, claims)
    total = told.sum()
    return _awards(claims, told * (amount / total if total else 0.0))


def equal_awards(amount: float, claims: Claims) -> pd.Series:
    """The same award for everybody, but for nobody more than its claim (constrained equal awards; Maimonides, after
    Aumann and Maschler 1985). Arguments and errors as for `proportional`."""
    return _awards(claims, _level(amount, _checked(amount, claims)))


def equal_losses(amount: float, claims: Claims) -> pd.Series:
    """The same loss for everybody, but for nobody more than its claim (constrained equal losses; Maimonides, after
    Aumann and Maschler 1985). Arguments and errors as for `proportional`."""
    told = _checked(amount, claims)
    return _awards(claims, told - _level(told.sum() - amount, told))


def talmud(amount: float, claims: Claims) -> pd.Series:
    """Nobody gets more than half of its claim while somebody gets less than half of its own: equal awards up to half of
    each claim, from there equal losses (Aumann and Maschler, Game theoretic analysis of a bankruptcy problem from the
    Talmud, Journal of Economic Theory 36, 1985). It is the nucleolus of the game in which a group has what is left once
    everybody else is paid in full. Arguments and errors as for `proportional`."""
    told = _checked(amount, claims)
    half, total = told / 2, told.sum()
    if amount <= total / 2:
        return _awards(claims, _level(amount, half))
    return _awards(claims, told - _level(total - amount, half))


RULES: Mapping[str, Callable[[float, Claims], pd.Series]] = {
    "in proportion": proportional, "equal awards": equal_awards, "equal losses": equal_losses,
    "half before anybody has more": talmud,
}  # fmt: skip
"""Every rule, by what it is called in words."""


def _level(amount: float, most: Array) -> Array:
    """The same for everybody, up to its most, so that it adds up to an amount."""
    order = np.argsort(most, kind="stable")
    left, found = amount, np.empty_like(most)
    for place, who in enumerate(order):
        found[who] = min(most[who], max(left, 0.0) / (len(order) - place))
        left -= found[who]
    return found


def _checked(amount: float, claims: Claims) -> Array:
    told = {name: float(claim) for name, claim in dict(claims).items()}
    faults = [] if told else ["nobody claims"]
    faults += [f"{name}: claims {claim}, expected a finite number, 0 or more" for name, claim in told.items()
               if not 0 <= claim < math.inf]  # fmt: skip
    total = sum(told.values())
    if not faults and not 0 <= amount <= total:
        faults.append(f"the amount is {amount}, expected 0 to {total}, all claims together")
    if faults:
        raise ValueError("; ".join(faults))
    return np.array(list(told.values()))


def _awards(claims: Claims, amounts: Array) -> pd.Series:
    return pd.Series(amounts, pd.Index(list(dict(claims)), name="partner"), dtype=float, name="amount")


__all__ = ["RULES", "equal_awards", "equal_losses", "proportional", "talmud"]
