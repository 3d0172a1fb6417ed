"""Pace of change: how places come to their fair share over years, under the policies that are published.

Every policy is a function of three things, and gives one table:

    opening     pounds by place before the first year (Series)
    shares      fair shares by place, summing to one (Series); or by year and place (DataFrame) where need changes
    envelopes   year to the pounds there are that year, in order

In each year t, with x the amounts of the year before, E the envelope and T = share x E the targets, a policy sets a
least and a most for every place, and shares the envelope by `filled`, which raises whoever stands lowest against its
target first: amount = clip(r T, least, most), with the one level r at which the amounts add up to E. That is the most
even standing that the limits allow. So every year's amounts are the envelope, or the policy cannot be kept and NoPlan
says in which year, and by how much.

Columns: year, place, before, amount, growth (pounds), rate (growth as a part of before), target, distance (amount less
target), distance_rate (as a part of the target), loses (fewer pounds than before).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from allocate.errors import NoPlan, Problem, ScenarioError

CLOSE = 1e-9
"""What binary arithmetic may leave, as a part of the envelope."""
NOTHING = 1e-12
"""A target that is less than this part of the largest is none."""
PENNY = 0.005
"""A fall of fewer pounds is no loss."""

Step = Callable[[np.ndarray, np.ndarray, float, int], tuple[np.ndarray, np.ndarray]]
"""(amounts before, targets, envelope, years left with this one) to the least and the most of every place."""


def bands(
    opening: pd.Series, shares: pd.Series | pd.DataFrame, envelopes: Mapping[str, float],
    floor: float | None = None, ceiling: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Every place grows by at least `floor` and at most `ceiling` a year (fractions; None for no limit), and within
    that comes as near to its share as it can. Where limits hold others back, a place may pass its target."""

    def limits(before: np.ndarray, target: np.ndarray, envelope: float, left: int) -> tuple[np.ndarray, np.ndarray]:
        return _band(before, floor, ceiling)

    return _walk(opening, shares, envelopes, limits, _band_words(floor, ceiling))


def no_overshoot(
    opening: pd.Series, shares: pd.Series | pd.DataFrame, envelopes: Mapping[str, float],
    floor: float | None = None, ceiling: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """As `bands`, and no place passes its target or moves away from it: each ends between where it would stand if all
    grew alike and its target."""

    def limits(before: np.ndarray, target: np.ndarray, envelope: float, left: int) -> tuple[np.ndarray, np.ndarray]:
        alike = _alike(before, target, envelope)
        least, most = _band(before, floor, ceiling)
        return np.maximum(least, np.minimum(alike, target)), np.minimum(most, np.maximum(alike, target))

    return _walk(opening, shares, envelopes, limits, f"no place past its target, {_band_words(floor, ceiling)}")


def no_cash_loser(
    opening: pd.Series, shares: pd.Series | pd.DataFrame, envelopes: Mapping[str, float], ceiling: float | None = None
) -> pd.DataFrame:  # fmt: skip
    """No place has fewer pounds than the year before: the growth goes first to whoever stands lowest."""

    def limits(before: np.ndarray, target: np.ndarray, envelope: float, left: int) -> tuple[np.ndarray, np.ndarray]:
        return _band(before, 0.0, ceiling)

    return _walk(opening, shares, envelopes, limits, "no place with less cash than before")


def by_shortfall(opening: pd.Series, shares: pd.Series | pd.DataFrame, envelopes: Mapping[str, float]) -> pd.DataFrame:
    """Growth goes to places in proportion to what they are short of their target; where the envelope shrinks, cuts fall
    in proportion to what places have beyond it. Nobody passes its target, and nobody loses while the envelope grows:
    all shortfalls together are at least the growth."""

    def limits(before: np.ndarray, target: np.ndarray, envelope: float, left: int) -> tuple[np.ndarray, np.ndarray]:
        growth = envelope - before.sum()
        gap = np.maximum(0.0, target - before) if growth >= 0 else np.maximum(0.0, before - target)
        amounts = before + (growth * gap / gap.sum() if gap.sum() > 0 else 0.0)
        return amounts, amounts

    return _walk(opening, shares, envelopes, limits, "growth by shortfall")


def close_by(
    opening: pd.Series, shares: pd.Series | pd.DataFrame, envelopes: Mapping[str, float], year: str | None = None
) -> pd.DataFrame:
    """Every place is at its target in `year` (None: the last), in equal steps: with n years to go, each closes an n-th
    part of its distance. Who loses cash on the way is in the table; `bands` says what a floor would delay."""
    years = [str(each) for each in envelopes]
    if year is not None and str(year) not in years:
        raise ScenarioError("pace", [Problem("pace", f"is none of {', '.join(years)}", value=str(year))])
    after = len(years) - 1 - years.index(str(year)) if year is not None else 0

    def limits(before: np.ndarray, target: np.ndarray, envelope: float, left: int) -> tuple[np.ndarray, np.ndarray]:
        alike = _alike(before, target, envelope)
        amounts = target + (alike - target) * (1 - 1 / max(left - after, 1))
        return amounts, amounts

    return _walk(opening, shares, envelopes, limits, f"all at their target by {year or years[-1]}")


POLICIES: dict[str, Callable[..., pd.DataFrame]] = {
    "bands": bands,
    "no-overshoot": no_overshoot,
    "no-cash-loser": no_cash_loser,
    "shortfall": by_shortfall,
    "close": close_by,
}
"""The policies by the names that the command line knows."""


def growing(total: float, years: int, growth: float = 0.0, first: str = "") -> dict[str, float]:
    """Money that grows alike each year, by year: the total in the first. `first` is that year, such as 2025/26; ''
    where the years are only counted."""
    start = int(first[:4]) if first else 0
    labels = [f"{start + k}/{(start + k + 1) % 100:02d}" if first else f"year {k + 1}" for k in range(years)]
    return {label: total * (1 + growth) ** k for k, label in enumerate(labels)}


def losers(path: pd.DataFrame) -> pd.DataFrame:
    """Who has less cash than the year before, and when: year, place, before, amount, growth, rate."""
    rows = path[path["loses"]]
    return rows[["year", "place", "before", "amount", "growth", "rate"]].reset_index(drop=True)


def closed(path: pd.DataFrame, within: float = 0.01) -> str:
    """The first year from which every place stays within this part of its target; '' where none does."""
    furthest = path["distance_rate"].abs().groupby(path["year"], sort=False).max()
    far = np.flatnonzero(furthest.to_numpy() > within + CLOSE)
    first = far[-1] + 1 if len(far) else 0
    return str(furthest.index[first]) if first < len(furthest) else ""


def filled(target: np.ndarray, least: np.ndarray, most: np.ndarray, total: float) -> np.ndarray:
    """clip(r target, least, most) with the level r at which it adds up to `total`. Every amount is straight in r
    between two corners, where somebody leaves the least or reaches the most; the corners around the total are found by
    halving. Needs sum least <= total <= sum most. A place without a target has its least, unless all others have their
    most."""
    some = target > NOTHING * target.max()
    if not some.any():
        return _spread(least, most, total)
    amounts = np.where(some, most, least)
    rest = total - least[~some].sum()
    goal, low, high = target[some], least[some], most[some]
    if rest > high.sum():
        amounts[~some] = _spread(least[~some], most[~some], total - high.sum())
        return amounts
    corners = np.unique(np.concatenate([low / goal, (high / goal)[np.isfinite(high)]]))

    def at(corner: int) -> np.ndarray:
        return np.clip(corners[corner] * goal, low, high)

    first, last = 0, len(corners) - 1
    if at(last).sum() <= rest:
        open_ended = np.where(np.isinf(high), goal, 0.0)
        beyond = rest - at(last).sum()
        amounts[some] = at(last) + (open_ended * (beyond / open_ended.sum()) if open_ended.any() else 0.0)
        return amounts
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (middle, last) if at(middle).sum() <= rest else (first, middle)
    start, end = at(first), at(last)
    width = (end - start).sum()
    part = (rest - start.sum()) / width if width > 0 else 0.0
    amounts[some] = start + (end - start) * min(max(part, 0.0), 1.0)
    return amounts


def _spread(least: np.ndarray, most: np.ndarray, total: float) -> np.ndarray:
    """Between least and most, all the same part of the way, so that it adds up; beyond the least alike if unbounded."""
    room = np.where(np.isfinite(most), most - least, 1.0)
    missing = total - least.sum()
    return least + (room * missing / room.sum() if room.sum() > 0 else 0.0)


def _band(before: np.ndarray, floor: float | None, ceiling: float | None) -> tuple[np.ndarray, np.ndarray]:
    least = np.zeros_like(before) if floor is None else before * (1 + floor)
    most = np.full_like(before, math.inf) if ceiling is None else before * (1 + ceiling)
    return least, most


def _band_words(floor: float | None, ceiling: float | None) -> str:
    words = [f"growth of at least {floor:.1%}"] if floor is not None else []
    words += [f"growth of at most {ceiling:.1%}"] if ceiling is not None else []
    return " and ".join(words) or "no limit on growth"


def _alike(before: np.ndarray, target: np.ndarray, envelope: float) -> np.ndarray:
    """What every place would have if all grew at the envelope's own rate."""
    return before * (envelope / before.sum()) if before.sum() > 0 else target


def _walk(
    opening: pd.Series, shares: pd.Series | pd.DataFrame, envelopes: Mapping[str, float], limits: Step, promise: str
) -> pd.DataFrame:
    """Year upon year: limits from the amounts before, the envelope shared within them, and the rows that tell it."""
    by_year = _checked(opening, shares, envelopes)
    places = list(opening.index)
    before = opening.to_numpy(dtype=float)
    tables = []
    for k, (year, envelope) in enumerate(envelopes.items()):
        target = by_year[str(year)] * envelope
        least, most = limits(before, target, envelope, len(envelopes) - k)
        _possible(least, most, envelope, str(year), promise)
        amounts = filled(target, least, most, envelope)
        tables.append(_year(str(year), places, before, amounts, target))
        before = amounts
    return pd.concat(tables, ignore_index=True)


def _year(year: str, places: list[str], before: np.ndarray, amounts: np.ndarray, target: np.ndarray) -> pd.DataFrame:
    growth, distance = amounts - before, amounts - target
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame(
            {
                "year": year, "place": places, "before": before, "amount": amounts, "growth": growth,
                "rate": np.where(before > 0, growth / before, np.nan), "target": target, "distance": distance,
                "distance_rate": np.where(target > 0, distance / target, np.nan), "loses": growth < -PENNY,
            }
        )  # fmt: skip


def _checked(
    opening: pd.Series, shares: pd.Series | pd.DataFrame, envelopes: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """Shares by year, in the order of the opening. Raises ScenarioError for figures that cannot be a path."""
    found: list[Problem] = []
    years = [str(year) for year in envelopes]
    if not years:
        found.append(Problem("pace", "has no year: expected an envelope for each"))
    for year, envelope in envelopes.items():
        if not (math.isfinite(envelope) and envelope >= 0):
            found.append(Problem("pace", "must be pounds, 0 or more", field=str(year), value=str(envelope)))
    if not ((opening >= 0).all() and np.isfinite(opening.to_numpy(dtype=float)).all()):
        found.append(Problem("pace", "must be pounds, 0 or more, for every place", field="opening"))
    table = shares if isinstance(shares, pd.DataFrame) else pd.DataFrame({year: shares for year in years}).T
    table = table.set_axis([str(year) for year in table.index])
    missing = [*(year for year in years if year not in table.index), *set(opening.index).difference(table.columns)]
    if missing or set(table.columns) != set(opening.index):
        odd = missing or sorted(set(table.columns).difference(opening.index))
        found.append(
            Problem("pace", "shares and opening positions speak of different places or years", value=str(odd[0]))
        )
    elif not found:
        table = table.loc[years, list(opening.index)]
        if not ((table >= 0).all(axis=None) and np.allclose(table.sum(axis=1), 1.0, atol=1e-9)):
            found.append(Problem("pace", "fair shares must be 0 or more and sum to one", field="shares"))
    if found:
        raise ScenarioError("pace", found)
    return {year: table.loc[year].to_numpy(dtype=float) for year in years}


def _possible(least: np.ndarray, most: np.ndarray, envelope: float, year: str, promise: str) -> None:
    """Raises NoPlan where the policy cannot be kept with this year's money, and says by how much. Where both sums are
    right, no place's least is above its most: growing as the envelope does lies between them."""
    slack = CLOSE * max(envelope, 1.0)
    if least.sum() > envelope + slack:
        raise NoPlan(
            f"In {year} the least that the policy promises ({promise}) adds to {_pounds(least.sum())}, and the "
            f"envelope is {_pounds(envelope)}: {_pounds(least.sum() - envelope)} too little.",
            [f"Raise the envelope of {year} by {_pounds(least.sum() - envelope)}, or promise less."],
        )
    if most.sum() < envelope - slack:
        raise NoPlan(
            f"In {year} the most that the policy allows ({promise}) adds to {_pounds(most.sum())}, and the envelope is "
            f"{_pounds(envelope)}: {_pounds(envelope - most.sum())} could not be spent.",
            [f"Raise the ceiling on growth, or hold {_pounds(envelope - most.sum())} in reserve in {year}."],
        )


def _pounds(amount: float) -> str:
    return f"£{amount / 1e6:,.2f}m" if amount >= 1e5 else f"£{amount:,.0f}"
