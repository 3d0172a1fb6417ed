"""Votes: what decides under each rule for deciding, and how much a weighted vote is worth.

Power is counted exactly. Up to FEW voters every coalition is looked at; more are counted by the coefficients of the
generating function, the product of (1 + x y^w) over voters (Mann and Shapley 1962), in whole numbers of any size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

Array = np.ndarray
FEW = 18
"""Up to so many voters with a weight, every coalition is looked at."""
FINE = 100_000
"""Above FEW voters, weights whose whole numbers add up to more are taken to the nearest hundred-thousandth of all."""


def shapley_shubik(weights: Mapping[str, float], quota: float | None = None) -> dict[str, float]:
    """How often each voter is the one that turns a losing coalition into a winning one, over all orders of joining
    (Shapley and Shubik 1954). `weights` are 0 or more; a coalition wins with `quota` or more, and where none is given
    with more than half of all. Adds up to 1, or to 0 where even all together do not win.

    Raises ValueError for a weight below 0 or not finite, for nobody, and for a quota of 0 or less. Exact for weights of
    up to twelve digits; above FEW voters see FINE."""
    swings, count = _swings(weights, quota)
    orders = math.factorial(count)
    ahead = [math.factorial(k) * math.factorial(count - 1 - k) for k in range(count)]
    return {
        name: float(Fraction(sum(times * found for times, found in zip(ahead, by_size, strict=True)), orders))
        for name, by_size in swings.items()
    }


def banzhaf(weights: Mapping[str, float], quota: float | None = None, absolute: bool = False) -> dict[str, float]:
    """Each voter's part of all swings: coalitions that win with it and lose without it (Banzhaf 1965). Adds up to 1, or
    to 0 where nobody ever swings. With `absolute`, its swings as a part of all coalitions of the others. Arguments and
    errors as for `shapley_shubik`."""
    swings, count = _swings(weights, quota)
    totals = {name: sum(by_size) for name, by_size in swings.items()}
    of = 2 ** (count - 1) if absolute else sum(totals.values())
    return {name: float(Fraction(total, of)) if of else 0.0 for name, total in totals.items()}


def _swings(weights: Mapping[str, float], quota: float | None) -> tuple[dict[str, list[int]], int]:
    """For each voter, how many coalitions of each size (of the others) it makes win; and the number of voters that have
    a weight. Those without one never swing, and the others' power is the same without them."""
    whole, needed = _in_whole_numbers(weights, quota)
    voters = {name: weight for name, weight in whole.items() if weight > 0}
    count = max(len(voters), 1)
    if len(voters) > FEW:
        found = _by_generating_function(list(voters.values()), needed)
    else:
        found = _by_looking(list(voters.values()), needed)
    known = dict(zip(voters, found, strict=True))
    return {name: known.get(name, [0] * count) for name in weights}, count


def _in_whole_numbers(weights: Mapping[str, float], quota: float | None) -> tuple[dict[str, int], int]:
    """The same vote in whole numbers, and the least sum that wins."""
    if not weights:
        raise ValueError("nobody votes")
    if bad := [name for name, weight in weights.items() if not 0 <= weight < math.inf]:
        raise ValueError(f"the weight of {bad[0]} is {weights[bad[0]]}: expected a number, 0 or more")
    if quota is not None and not 0 < quota < math.inf:
        raise ValueError(f"the quota is {quota}: expected a number above 0")
    exact = {name: _as_typed(weight) for name, weight in weights.items()}
    total = sum(exact.values(), Fraction(0))
    scale = math.lcm(*(weight.denominator for weight in exact.values()))
    common = math.gcd(*(int(weight * scale) for weight in exact.values())) or 1
    by = Fraction(scale, common)
    if sum(weight > 0 for weight in exact.values()) > FEW and total * by > FINE:
        by = FINE / total
    whole = {name: round(weight * by) for name, weight in exact.items()}
    if quota is None:
        return whole, sum(whole.values()) // 2 + 1
    return whole, max(1, math.ceil(_as_typed(quota) * by))


def _as_typed(number: float) -> Fraction:
    """A number to twelve digits, as somebody would type it, not what binary makes of it: three times 0.1 is 0.3."""
    return Fraction(f"{float(number):.12g}")


def _by_looking(weights: Sequence[int], quota: int) -> list[list[int]]:
    """Swings by voter and size of the coalition that it joins, from a look at every coalition."""
    sums, sizes = [0], np.zeros(1, dtype=int)
    for weight in weights:
        sums += [each + weight for each in sums]
        sizes = np.concatenate([sizes, sizes + 1])
    wins = np.array([each >= quota for each in sums])
    number, count = np.arange(len(sums)), len(weights)
    found = []
    for voter in range(count):
        without = (number >> voter) & 1 == 0
        turned = without & ~wins & wins[number | (1 << voter)]
        found.append([int(each) for each in np.bincount(sizes[turned], minlength=max(count, 1))[: max(count, 1)]])
    return found


def _by_generating_function(weights: Sequence[int], quota: int) -> list[list[int]]:
    """The same from the number of coalitions of each size and sum: all voters' first, then each taken out again."""
    total, count = sum(weights), len(weights)
    # Python's whole numbers where counts of coalitions outgrow the machine's.
    kind: type = np.int64 if count < 62 else object
    ways: list[Array] = [np.zeros(total + 1, dtype=kind) for _ in range(count + 1)]
    ways[0][0] = 1
    for weight in weights:
        for size in range(count, 0, -1):
            ways[size][weight:] += ways[size - 1][: total + 1 - weight]
    return [_taken_out(ways, weight, quota) for weight in weights]


def _taken_out(ways: Sequence[Array], weight: int, quota: int) -> list[int]:
    """Coalitions of the others, by size, that lose and would win with so much more."""
    found, smaller = [], np.zeros_like(ways[0])
    for size in range(len(ways) - 1):
        others = ways[size].copy()
        others[weight:] -= smaller[: len(others) - weight]
        found.append(int(others[max(0, quota - weight) : quota].sum()))
        smaller = others
    return found


# --- rules for deciding -----------------------------------------------------------------------------------------------

UNANIMITY, CONSENT, MAJORITY, WEIGHTED, LAW = "unanimity", "consent", "majority", "weighted", "law"
DECIDING = {
    UNANIMITY: "unanimity", CONSENT: "consent", MAJORITY: "a simple majority", WEIGHTED: "a weighted majority",
    LAW: "the law",
}  # fmt: skip
"""The rules for deciding, the strictest first, and the law, which stands above them all: id and name in a sentence."""


def more_than_half(yes: Sequence[str], no: Sequence[str], weight: Callable[[str], float] = lambda _: 1.0) -> bool:
    """Whether those for have more than half of the weight of those who vote; who does not vote, does not count."""
    ayes, noes = sum(map(weight, yes)), sum(map(weight, no))
    return ayes > noes


__all__ = ["DECIDING", "banzhaf", "more_than_half", "shapley_shubik"]
