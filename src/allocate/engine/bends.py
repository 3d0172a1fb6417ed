"""How far limits bend, and what that costs: agreed rules give way along bands of a published, rising price.

A limit that bends is a convex cost of its body, straight from corner to corner: nothing between its ends, the first
band's price beyond them, the next band's beyond that, until the last band ends. So it needs no integers, and near any
plan it is a limit as any other: held between two corners, with a price for every unit in between (`toll`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from allocate.rules.tally import Limit
from allocate.scenario.rulebook import Bend, Rule

Array = np.ndarray
MILLION = 1e6
"""Pounds that a published price is for."""
CLOSE = 1e-7
"""The share of a breach, or of a band, that counts as nothing."""
ROUNDED = 1e-12
"""The share of an end that a sum of money may miss it by, for it is rounded."""


@dataclass(frozen=True, eq=False)
class Bands:
    """The bands on one side of limits: the limit's number, the band's, where it begins (units of breach), how wide it
    is, and what a unit costs, in units of the aim. In the order of limits, then bands."""

    limit: Array
    band: Array
    begin: Array
    width: Array
    price: Array

    @classmethod
    def of(cls, found: Sequence[tuple[int, Sequence[Bend], float]]) -> Bands:
        """From limits by number, each with its bands and the units that a published price is for."""
        rows = [
            (number, k, bend.width, bend.price / unit) for number, bends, unit in found for k, bend in enumerate(bends)
        ]
        limit, band, width, price = np.array(rows, dtype=float).reshape(-1, 4).T
        before = np.concatenate([[0.0], width[:-1]])[: len(width)]
        begin = np.zeros(len(width))
        for k in range(1, len(width)):
            begin[k] = begin[k - 1] + before[k] if band[k] > 0 else 0.0
        return cls(limit.astype(int), band.astype(int), begin, width, price)

    def __len__(self) -> int:
        return len(self.limit)

    def cost(self, breach: Array) -> float:
        """What these breaches, one a limit, cost."""
        return float(self.price @ np.clip(breach[self.limit] - self.begin, 0.0, self.width))

    def room(self, count: int) -> Array:
        """The most by which each of so many limits may be broken."""
        return np.bincount(self.limit, self.width, minlength=count)

    def worth(self, price: Array) -> float:
        """The most that bending can be worth where a unit of each limit has this price."""
        over = np.maximum(price[self.limit] - self.price, 0.0)
        return float(np.multiply(over, self.width, out=np.zeros(len(over)), where=over > 0).sum())

    def ceiling(self, count: int) -> Array:
        """The price beyond which no limit's can be, for its last band has no end; infinite for others."""
        most = np.full(count, np.inf)
        endless = np.isinf(self.width)
        most[self.limit[endless]] = self.price[endless]
        return most

    def up_to(self, breach: Array) -> Bands:
        """The same no wider than these breaches, one a limit."""
        return replace(self, width=np.clip(breach[self.limit] - self.begin, 0.0, self.width))

    def some(self, place: Array) -> Bands:
        """Those of some limits, whose numbers become these places (-1 for limits that are left out)."""
        mine = place[self.limit] >= 0
        own = {name: getattr(self, name)[mine] for name in ("band", "begin", "width", "price")}
        return Bands(place[self.limit[mine]], **own)


@dataclass(frozen=True, eq=False)
class Bends:
    """The bands of limits that bend: below their lower ends, and above their upper ones."""

    under: Bands
    over: Bands

    @classmethod
    def of(cls, limits: Sequence[Limit], rules: Sequence[Rule]) -> Bends:
        """The bands of these limits, as the rules that own them say."""
        bends: Mapping[str, tuple[Bend, ...]] = {rule.id: rule.bends for rule in rules if rule.bends}
        if not bends:
            return FIRM
        mine = [(number, limit) for number, limit in enumerate(limits) if limit.owner in bends]
        found = [(n, bends[limit.owner], MILLION if limit.measure == "spend" else 1.0, limit) for n, limit in mine]
        return cls(
            Bands.of([each[:3] for each in found if np.isfinite(each[3].low)]),
            Bands.of([each[:3] for each in found if np.isfinite(each[3].high)]),
        )

    def __bool__(self) -> bool:
        return len(self.under) + len(self.over) > 0

    @cached_property
    def structure(self) -> tuple[bytes, ...]:
        """The same for bends with as many bands of the same limits."""
        return tuple(part.tobytes() for side in (self.under, self.over) for part in (side.limit, side.band))

    @cached_property
    def soft(self) -> Array:
        """The numbers of the limits that bend."""
        return np.union1d(self.under.limit, self.over.limit)

    def cost(self, ends: Array, body: Array) -> float:
        """What bodies beyond these ends cost."""
        return self.under.cost(ends[0] - body) + self.over.cost(body - ends[1])

    def room(self, count: int) -> tuple[Array, Array]:
        """The most by which each limit may fall short of its lower end, and exceed its upper one."""
        return self.under.room(count), self.over.room(count)

    def worth(self, price: Array) -> float:
        """The most that bending can be worth at these prices, above nothing for upper ends and below for lower ones."""
        return self.under.worth(-price) + self.over.worth(price)

    def capped(self, price: Array) -> Array:
        """Prices without what is beyond that of a band without an end."""
        if not self:
            return price
        return np.clip(price, -self.under.ceiling(len(price)), self.over.ceiling(len(price)))

    def up_to(self, ends: Array, body: Array) -> Bends:
        """The same where limits bend no further than these bodies beyond these ends."""
        return Bends(self.under.up_to(ends[0] - body), self.over.up_to(body - ends[1]))

    def free(self) -> Bends:
        """The same where bending costs nothing."""
        under, over = (replace(side, price=np.zeros(len(side))) for side in (self.under, self.over))
        return Bends(under, over)

    def some(self, place: Array) -> Bends:
        """See `Bands.some`."""
        return Bends(self.under.some(place), self.over.some(place)) if self else self


FIRM = Bends(Bands.of(()), Bands.of(()))
"""Where nothing bends."""


@dataclass(frozen=True, eq=False)
class Stand:
    """Where limits that bend stand: each in a band of its own, by number: 0 between its ends, 1 in the first band above
    its upper end, -1 in the first below its lower one ..."""

    bends: Bends
    ends: Array
    band: Array

    @classmethod
    def of(cls, bends: Bends, ends: Array, body: Array) -> Stand:
        """Where these bodies stand; at a corner, in the cheaper band."""
        band = np.zeros(len(body), dtype=int)
        for side, end, sign in ((bends.under, ends[0], -1), (bends.over, ends[1], 1)):
            end = end[side.limit]
            breach = sign * (body[side.limit] - end)
            near = CLOSE * np.maximum(1.0, np.minimum(np.abs(breach), side.begin + 1.0)) + ROUNDED * np.abs(end)
            inside = breach > side.begin + near
            np.add.at(band, side.limit[inside], sign)
        return cls(bends, ends, band)

    def _band(self, band: Array) -> tuple[Array, Array, Array, Array]:
        """Of each limit's band: least, most, and what a unit costs; and whether there is such a band."""
        least, most = self.ends[0].copy(), self.ends[1].copy()
        toll, there = np.zeros(len(band)), band == 0
        for side, sign in ((self.bends.under, -1), (self.bends.over, 1)):
            mine = band[side.limit] == sign * (side.band + 1)
            rows, begin, width = side.limit[mine], side.begin[mine], side.width[mine]
            if sign > 0:
                least[rows], most[rows] = self.ends[1][rows] + begin, self.ends[1][rows] + begin + width
            else:
                least[rows], most[rows] = self.ends[0][rows] - begin - width, self.ends[0][rows] - begin
            toll[rows], there[rows] = sign * side.price[mine], True
        return least, most, toll, there

    @cached_property
    def between(self) -> tuple[Array, Array]:
        """The least and the most of each limit's body in its band."""
        least, most, *_ = self._band(self.band)
        return least, most

    @cached_property
    def toll(self) -> Array:
        """What a unit more of each limit's body costs in its band: below nothing where it lies below a lower end."""
        return self._band(self.band)[2]

    def marginal(self) -> tuple[Array, Array]:
        """What a unit costs in the bands below and above each limit's: infinite where there is none."""
        below, above = (self._band(self.band + step) for step in (-1, 1))
        return np.where(below[3], below[2], -np.inf), np.where(above[3], above[2], np.inf)

    def moved(self, price: Array) -> Stand | None:
        """Where limits stand once those whose prices are beyond their next band's have gone there; None where none
        has."""
        below, above = self.marginal()
        slip = 1e-9 * np.abs(price)
        step = np.where(price > above + slip, 1, np.where(price < below - slip, -1, 0))
        return Stand(self.bends, self.ends, self.band + step) if step.any() else None
