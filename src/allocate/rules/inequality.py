"""Measures of how unequally something is held, every one of them weighted by people.

`values` holds what each place has for each of its people, `people` how many those are (by head, or by need): two arrays
of the same length. A place counts by its people, so that to split one in two, or to list places in another order,
changes nothing. Every measure but the means is relative: to scale all values changes nothing.

Each refuses, with Senseless, what it would mean nothing for: no values at all, blanks, places without people, and
values below nothing, or nothing itself, where it divides by them.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray
EDGE = 1e-12
"""Parts of all people that are nearer than this are the same."""


class Senseless(ValueError):
    """Why a measure means nothing for these values, in words that follow 'because'."""


def gini(values: ArrayLike, people: ArrayLike) -> float:
    """Half the mean difference between any two people, over the mean: Σ_{i<j} pᵢ pⱼ |vᵢ − vⱼ| / m.

    p are parts of all people and m is the mean. 0 where all have the same; below 1, at most 1 less the part of the
    people of the smallest place. Refuses values below nothing, and nothing everywhere. Gini, Variabilità e mutabilità,
    1912.
    """
    held, part = _sorted(values, people, "some")
    ranks = 2 * np.cumsum(part) - part - 1  # of those below, less those above
    return float(part @ ((held - held[0]) * ranks) / (part @ held))


def hoover(values: ArrayLike, people: ArrayLike) -> float:
    """The part of everything that would have to change hands for all to have the same: Σ pᵢ (vᵢ − m)⁺ / m.

    0 where all have the same, below 1, and never above the Gini. It does not see who has what on one side of the mean.
    Refuses what the Gini refuses. Hoover, Interstate redistribution of population, Journal of Economic History 1, 1941.
    """
    held, part = _sorted(values, people, "some")
    above = held - held[0] - part @ (held - held[0])
    return float(part @ np.maximum(above, 0.0) / (part @ held))


def palma(values: ArrayLike, people: ArrayLike, top: float = 0.1, bottom: float = 0.4) -> float:
    """What the best-off tenth of people hold over what the worst-off two fifths hold, or other tails.

    A place at the edge of a tail counts with as many people as belong to it. `top` / `bottom` (a quarter) where all
    have the same, and more otherwise. It does not see the middle. Refuses values below nothing, worst-off who hold
    nothing, and tails that are not between 0 and 1 or overlap. Palma, Homogeneous middles vs. heterogeneous tails,
    Development and Change 42, 2011.
    """
    if not (0 < top < 1 and 0 < bottom < 1 and top + bottom <= 1 + EDGE):
        raise ValueError(f"tails of {top:g} and {bottom:g} of people: each must be between 0 and 1, and both at most 1")
    held, part = _sorted(values, people, "some")
    low = _lowest(held, part, bottom)
    if not low > 0:
        raise Senseless("the worst-off hold nothing, which cannot be divided by")
    return -_lowest(-held, part, top) / low


def mcloone(values: ArrayLike, people: ArrayLike) -> float:
    """The mean of the lower half of people over the median: what they hold over what they would with the median each.

    A place at the middle counts with as many people as make up the half; where the halves part between two places the
    median is midway. 1 where the lower half has the same throughout, above 0 otherwise. It does not see the upper half.
    Refuses values below nothing and a median of nothing. Harrison and McLoone, Profiles in School Support, 1965.
    """
    held, part = _sorted(values, people, "some")
    middle = median(held, part)
    if not middle > 0:
        raise Senseless("the median is nothing, which cannot be divided by")
    return tail_mean(held, part, 0.5) / middle


def equally_distributed(values: ArrayLike, people: ArrayLike, epsilon: float) -> float:
    """The amount that would be as good, if all had it, as what they have: (Σ pᵢ vᵢ^(1−ε))^(1/(1−ε)).

    At ε = 1 it is exp Σ pᵢ ln vᵢ.
    In the unit of the values: their mean at ε = 0, near the lowest of them as ε, the aversion to inequality, grows.
    Refuses values that are not above nothing, and an ε below 0. Atkinson, On the measurement of inequality, Journal of
    Economic Theory 2, 1970.
    """
    if not (math.isfinite(epsilon) and epsilon >= 0):
        raise ValueError(f"epsilon {epsilon:g}: the aversion to inequality is a number, 0 or more")
    held, part = _sorted(values, people, "all")
    # From an end where no power overflows; expm1 and log1p keep the digits near ε = 1.
    end = held[0] if epsilon >= 1 else held[-1]
    logs, power = np.log(held / end), 1 - epsilon
    mean = part @ logs if power == 0 else np.log1p(part @ np.expm1(power * logs)) / power
    return float(end * np.exp(mean))


def atkinson(values: ArrayLike, people: ArrayLike, epsilon: float = 1.0) -> float:
    """The part of the mean that people averse to inequality by ε would give up for all to have the same.

    1 less the equally distributed amount over the mean: 0 where all have the same, below 1. Refuses what
    `equally_distributed` refuses; source there.
    """
    held, part = _sorted(values, people, "all")
    return max(0.0, 1 - equally_distributed(held, part, epsilon) / float(held[0] + part @ (held - held[0])))


def best_to_worst(values: ArrayLike, people: ArrayLike) -> float:
    """How many times the lowest value the highest is: 1 where all have the same, no end above.

    One place at either end sets it, however few its people. Refuses values that are not above nothing.
    """
    held, _ = _sorted(values, people, "all")
    return float(held[-1] / held[0])


def tail_mean(values: ArrayLike, people: ArrayLike, part: float = 0.2) -> float:
    """The mean of the worst-off fifth of people, or another part: between the lowest value and the mean of all.

    The place at the edge counts with as many people as belong to the part. Any values will do. Refuses a part that is
    not above 0 and at most 1. The conditional value at risk of Rockafellar and Uryasev, Journal of Risk 2, 2000.
    """
    if not 0 < part <= 1:
        raise ValueError(f"a part of {part:g} of people: it must be above 0 and at most 1")
    held, parts = _sorted(values, people, "any")
    return float(held[0] + _lowest(held - held[0], parts, part) / part)


def median(values: ArrayLike, people: ArrayLike) -> float:
    """What the person in the middle has; midway between two where the halves part between them. Any values will do."""
    held, part = _sorted(values, people, "any")
    reached = np.cumsum(part)
    first = int(np.searchsorted(reached, 0.5 - EDGE))
    last = first + 1 if abs(reached[first] - 0.5) <= EDGE and first + 1 < len(held) else first
    return float((held[first] + held[last]) / 2)


def _lowest(values: Array, part: Array, size: float) -> float:
    """What the lowest `size` of people hold, as a part of all people times value; the place at the edge is split."""
    order = np.argsort(values, kind="stable")
    before = np.cumsum(part[order]) - part[order]
    return float(np.clip(size - before, 0.0, part[order]) @ values[order])


def _sorted(values: ArrayLike, people: ArrayLike, above: Literal["any", "some", "all"]) -> tuple[Array, Array]:
    """Values in order, lowest first, and each one's part of all people; `above` says what must be above nothing: all
    values, or some of them and none below it, or none need be."""
    held, heads = np.asarray(values, dtype=float), np.asarray(people, dtype=float)
    if held.ndim != 1 or held.shape != heads.shape:
        raise ValueError(f"values of shape {held.shape} and people of shape {heads.shape}: one of each for every place")
    if not len(held):
        raise Senseless("there is no place")
    if not np.isfinite(held).all():
        raise Senseless("some values are not known")
    if not (np.isfinite(heads) & (heads > 0)).all():
        raise Senseless("some places have no people")
    if above == "all" and not (held > 0).all():
        raise Senseless("some values are nothing or below, and it divides by them")
    if above == "some" and (held < 0).any():
        raise Senseless("some values are below nothing, of which nobody can hold a part")
    if above == "some" and not held.any():
        raise Senseless("all values are nothing, which cannot be divided by")
    order = np.argsort(held, kind="stable")
    return held[order], heads[order] / heads.sum()


__all__ = [
    "Senseless", "atkinson", "best_to_worst", "equally_distributed", "gini", "hoover", "mcloone", "median", "palma",
    "tail_mean",
]  # fmt: skip
