"""What each group of partners has if it works together: the game, its fair averages, and who would walk from a split.

A group is a bit mask over the partners: the first is 1, the second 2, the third 4. A split is an amount a partner.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

Array = np.ndarray
ByGroup = Sequence[float] | Array | Callable[[int], float]
"""A figure a group: by bit mask, or something that is asked for it."""
MOST = 16
"""Partners at most: values double with each."""
TRACE = 1e-9
"""What counts as nothing, as a part of what groups gain."""
DIGITS = 1e-13
"""And as a part of what they have: differences of large amounts are no finer."""
GROUP_COLUMNS = ["group", "size", "value", "given", "slack"]


@dataclass(frozen=True, eq=False)
class Game:
    """A game in characteristic form (von Neumann and Morgenstern 1944), in any one unit.

    partners       ids, in the order of bits; 2 to MOST of them
    values         what each group has by itself: 2 ** len(partners) figures, the first of them 0; or a callable, asked
                   once at most for each group, and only for those that a method needs
    at_most        if known: what each group cannot have more than, cheaper than its value (a bound at prices, say)
    never_hinders  whether two groups without a common partner have together what they have apart, or more
                   (superadditive). Together with `at_most` it spares asking groups that cannot object

    Say beside any result what those outside a group are assumed to do: the values decide that, not this.

    Raises ValueError with every fault of the partners and of the number of figures; and, once a value or a bound is
    looked at, where it is not a finite number (a bound may be infinite), naming the group.
    """

    partners: tuple[str, ...]
    values: ByGroup
    at_most: ByGroup | None = None
    never_hinders: bool = False
    _known: dict[int, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if faults := [*_faults_of_partners(self.partners), *self._faults_of_figures()]:
            raise ValueError("; ".join(faults))

    def _faults_of_figures(self) -> Iterable[str]:
        count = 2 ** len(self.partners)
        for name, figures in (("values", self.values), ("at_most", self.at_most)):
            if figures is not None and not callable(figures) and len(figures) != count:
                yield f"{name}: {len(figures)} figures, expected {count}, one a group"
        if not callable(self.values) and len(self.values) and self.values[0] != 0:
            yield f"values: nobody has {self.values[0]:g}, expected 0"

    @property
    def everybody(self) -> int:
        """The group of all partners."""
        return 2 ** len(self.partners) - 1

    @property
    def asked(self) -> tuple[int, ...]:
        """The groups whose values were asked for, in that order."""
        return tuple(self._known)

    def value(self, group: int) -> float:
        """What a group has by itself."""
        if not group:
            return 0.0
        if group not in self._known:
            found = float(figure(self.values, group))
            if not math.isfinite(found):
                raise ValueError(f"{' + '.join(self.members(group))}: has {found}, expected a finite number")
            self._known[group] = found
        return self._known[group]

    def bound(self, group: int) -> float:
        """What a group cannot have more than; infinite where nothing is known. Not checked against its value."""
        if not group:
            return 0.0
        bound = math.inf if self.at_most is None else float(figure(self.at_most, group))
        if math.isnan(bound):
            raise ValueError(f"{' + '.join(self.members(group))}: has at most {bound}, expected a number")
        return bound

    def table(self) -> Array:
        """What every group has: (2 ** partners,), by bit mask. Asks for all of them."""
        return np.array([self.value(group) for group in range(self.everybody + 1)])

    def alone(self) -> pd.Series:
        """What each partner has by itself, by id."""
        return self.split(self.value(1 << bit) for bit in range(len(self.partners)))

    def split(self, amounts: Iterable[float]) -> pd.Series:
        """Amounts in the order of the partners, by id."""
        return pd.Series(list(amounts), pd.Index(self.partners, name="partner"), dtype=float, name="amount")

    def amounts(self, split: Mapping[str, float] | pd.Series) -> Array:
        """The amounts of a split in the order of the partners. Raises ValueError naming everyone missing, strange or
        without a finite amount."""
        told = dict(split)
        faults = [f"{name}: no amount" for name in self.partners if name not in told]
        faults += [f"{name}: not a partner" for name in told if name not in self.partners]
        faults += [f"{name}: {amount}, expected a finite number" for name, amount in told.items()
                   if not math.isfinite(amount)]  # fmt: skip
        if faults:
            raise ValueError("; ".join(faults))
        return np.array([float(told[name]) for name in self.partners])

    def members(self, group: int) -> tuple[str, ...]:
        """The ids of a group's partners."""
        return tuple(name for bit, name in enumerate(self.partners) if group >> bit & 1)

    def group(self, members: Iterable[str]) -> int:
        """The bit mask of some partners."""
        return sum(1 << self.partners.index(name) for name in set(members))

    def topped_up(self, amount: float) -> Game:
        """The same game with so much more, from outside, for all partners together and for no other group."""

        def more(figures: ByGroup) -> Callable[[int], float]:
            return lambda group: figure(figures, group) + (amount if group == self.everybody else 0.0)

        at_most = None if self.at_most is None else more(self.at_most)
        return Game(self.partners, more(self.value), at_most, self.never_hinders)

    def trace(self) -> float:
        """What counts as nothing beside the values asked for so far."""
        groups = np.fromiter(self._known, int, len(self._known))
        values = np.fromiter(self._known.values(), float, len(groups))
        alone = rows(groups, len(self.partners)) @ self.alone().to_numpy()
        sizes = [np.abs(each).max(initial=0.0) for each in (values - alone, values, alone)]
        return max(TRACE * sizes[0], DIGITS * sizes[1], DIGITS * sizes[2])


def _faults_of_partners(partners: Sequence[str]) -> Iterable[str]:
    if not 2 <= len(partners) <= MOST:
        yield f"partners: {len(partners)}, expected 2 to {MOST} (let partners that go together be one)"
    yield from (f"partners: {name!r} comes twice" for name in dict.fromkeys(partners) if partners.count(name) > 1)


def figure(figures: ByGroup, group: int) -> float:
    """A group's figure, looked up or asked for."""
    return figures(group) if callable(figures) else figures[group]


def rows(groups: Array, partners: int) -> Array:
    """Groups as rows of noughts and ones: (groups, partners)."""
    return (groups[:, None] >> np.arange(partners) & 1).astype(float)


# --- fair averages ----------------------------------------------------------------------------------------------------


def shapley(game: Game) -> pd.Series:
    """What each partner adds on average over all orders of joining (Shapley 1953): an amount a partner, by id. They add
    up to what all have together, whether or not every group is content with them. Asks for every group."""
    count, values = len(game.partners), game.table()
    groups = np.arange(len(values))
    size = np.bitwise_count(groups)
    share = np.array([1 / (count * math.comb(count - 1, others)) for others in range(count)])
    found = []
    for bit in range(count):
        without = groups[groups >> bit & 1 == 0]
        found.append(share[size[without]] @ (values[without | 1 << bit] - values[without]))
    return game.split(found)


def owen(resources: pd.DataFrame, prices: Mapping[str, float] | pd.Series) -> pd.Series:
    """Each partner paid for what it brings at the shadow prices of the plan for all together (Owen 1975), by id.

    `resources` has a row a partner (its index) and a column a resource; `prices` a price a resource, that of easing its
    limit in the common linear program. Where all that the common program is limited by is pooled resources and it has
    no yes/no choices, no group does better alone; else ask `core`. A partner that brings only what is plentiful is paid
    nothing, and where prices are not unique neither is this. Raises ValueError naming each resource without a price,
    each price without a resource, and figures that are not finite.
    """
    told = {name: float(price) for name, price in dict(prices).items()}
    names = list(resources.columns)
    faults = [f"{name}: no price" for name in names if name not in told]
    faults += [f"{name}: no such resource" for name in told if name not in names]
    faults += [f"{name}: price {price}, expected a finite number" for name, price in told.items()
               if not math.isfinite(price)]  # fmt: skip
    brought = resources.to_numpy(dtype=float)
    faults += [f"{resources.index[row]}: {names[column]}: {brought[row, column]}, expected a finite number"
               for row, column in np.argwhere(~np.isfinite(brought))]  # fmt: skip
    if faults:
        raise ValueError("; ".join(faults))
    paid = brought @ np.array([told[name] for name in names])
    return pd.Series(paid, resources.index.rename("partner"), dtype=float, name="amount")


# --- who would walk ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Core:
    """Whether a split holds against every group.

    groups  group (its partners' ids), size, value (what it has by itself), given (what the split gives it), slack
            (given - value; less than 0: it would do better by itself); every group but all together, least slack first
    left    what all have together less what the split gives them
    stable  whether the split gives what there is, and every group what it has by itself: whether it is in the core
    """

    groups: pd.DataFrame
    left: float
    stable: bool


def core(game: Game, split: Mapping[str, float] | pd.Series) -> Core:
    """Every group's slack under a split, and whether it is in the core (Gillies 1959). Asks for every group. Raises
    ValueError as `Game.amounts` does."""
    amounts = game.amounts(split)
    game.table()
    groups = np.arange(1, game.everybody)
    found = group_table(game, groups, amounts).sort_values("slack", kind="stable", ignore_index=True)
    left, trace = game.value(game.everybody) - float(amounts.sum()), game.trace()
    return Core(found, left, bool(abs(left) <= trace and found["slack"].iloc[0] >= -trace))


def group_table(game: Game, groups: Iterable[int], amounts: Array) -> pd.DataFrame:
    """group, size, value, given, slack of some groups under amounts in the order of the partners."""
    masks = np.array(list(groups), dtype=int)
    value, given = np.array([game.value(int(mask)) for mask in masks]), rows(masks, len(amounts)) @ amounts
    named = [game.members(int(mask)) for mask in masks]
    columns = named, np.bitwise_count(masks).astype(int), value, given, given - value
    return pd.DataFrame(dict(zip(GROUP_COLUMNS, columns, strict=True)))


__all__ = ["Core", "Game", "core", "owen", "shapley"]
