"""Equal gain, moved only as far as it takes for no group to do better by itself; and what it takes where none can hold.

Groups' values are asked for lazily: only a group that could object, as far as is known, is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocate.commons.sharing.games import Game, group_table, rows
from allocate.commons.sharing.nucleolus import PROOF, balanced, proof
from allocate.errors import EngineError

Array = np.ndarray
FLAT = 1e-12
"""A direction whose square is less is none: groups are rows of noughts and ones."""
AGAINST = 1e-9
"""A group that gives way by less, for each step another takes, does not give way."""


class _Objections:
    """What each group can have at least and at most, as far as is known: what it has where that was asked, else what
    `at_most` and the values of other groups leave it. Begins by asking for all together and for each partner alone."""

    def __init__(self, game: Game) -> None:
        self.game, self.groups, self.asked = game, np.arange(game.everybody + 1), [0]
        self.rows = rows(self.groups, len(game.partners))
        self.low = np.where(self.groups, -np.inf, 0.0)
        self.high = np.array([game.bound(int(group)) for group in self.groups])
        for group in (game.everybody, *(1 << bit for bit in range(len(game.partners)))):
            self.ask(group)

    def ask(self, group: int) -> None:
        """Ask for a group's value. Raises ValueError where what is known of some group no longer fits together."""
        value = self.game.value(group)
        self.asked.append(group)
        self.low[group], self.high[group] = max(self.low[group], value), min(self.high[group], value)
        if self.game.never_hinders:
            self._infer(group)
        wrong = self.low > self.high
        if wrong.any() and (self.low[wrong] - self.high[wrong]).max() > self.game.trace():
            odd = int(np.where(wrong, self.low, -np.inf).argmax())
            name, least, most = " + ".join(self.game.members(odd)), self.low[odd], self.high[odd]
            raise ValueError(f"{name}: has {least:g} at least and {most:g} at most: at_most or never_hinders is untrue")

    def _infer(self, group: int) -> None:
        """What the rest of larger groups have at least leaves so much at most for their parts."""
        larger = self.groups[self.groups & group == group]
        self.low[larger] = np.maximum(self.low[larger], self.low[group] + self.low[larger ^ group])
        self.high[larger ^ group] = np.minimum(self.high[larger ^ group], self.high[larger] - self.low[group])
        for whole in (group, self.game.everybody):
            inside = self.groups[self.groups & ~whole == 0]
            self.high[inside] = np.minimum(self.high[inside], self.high[whole] - self.low[whole ^ inside])

    def needs(self, floor: Array | float = -np.inf) -> Array:
        """What each group must have not to object, at most; `floor` is what it must have whatever its value."""
        return np.maximum(self.high, floor)

    def first(self, amounts: Array, floor: Array | float = -np.inf) -> int | None:
        """A group that objects to these amounts: of those asked the one that lacks most, else those are asked that
        could lack most; None where nobody can object."""
        given = self.rows @ amounts
        while True:
            trace, lacks = self.game.trace(), self.needs(floor) - given
            worst = int(lacks[self.asked].argmax())
            if lacks[self.asked[worst]] > trace:
                return self.asked[worst]
            lacks[self.asked] = -np.inf
            if lacks.max() <= trace:
                return None
            # None can be spared of which nothing is known.
            for group in np.flatnonzero(lacks == lacks.max()) if np.isinf(lacks.max()) else [lacks.argmax()]:
                if not self._bounded(int(group)):
                    self.ask(int(group))

    def _bounded(self, group: int) -> bool:
        """Whether less is known now for what a group has at most than when it was looked at last."""
        bound, was = self.game.bound(group), self.high[group]
        self.high[group] = min(was, bound)
        return bound < was


# --- where no split is stable -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TopUp:
    """The least money from outside, paid only to all together, with which a stable split exists.

    amount  0 where one exists without
    groups  why it cannot be less: group, part, value; none where the amount is 0. Each partner's parts add up to 1, and
            values times parts add up to what all have together and the amount
    asked   the groups whose values this took, in that order
    """

    amount: float
    groups: pd.DataFrame
    asked: tuple[tuple[str, ...], ...]


def top_up(game: Game) -> TopUp:
    """The smallest top-up that makes a stable deal (the cost of stability: Bachrach and others, The cost of stability
    in coalitional games, SAGT 2009), from a linear program to which groups are added as they object. The deal itself is
    that of `game.topped_up(amount)`. Raises ValueError where a value is not what it was said to be."""
    objections, count = _Objections(game), len(game.partners)
    alone = game.alone().to_numpy()
    groups = [game.everybody, *(1 << bit for bit in range(count))]
    while True:
        members = objections.rows[groups]
        gains = objections.high[groups] - members @ alone
        best = balanced(gains, members.T, np.ones(count), np.zeros(len(groups), dtype=bool))
        group = objections.first(alone + best.worth)
        if group is None:
            break
        if group in groups:
            raise EngineError("a group objects to what it was given")
        groups.append(group)
    amount = float(gains @ best.at - gains[0])
    needed = amount > game.trace()
    parts = {each: float(part) for each, part in zip(groups, best.at, strict=True) if needed and part > PROOF}
    return TopUp(amount if needed else 0.0, proof(game, parts), tuple(map(game.members, objections.asked[1:])))


# --- equal gain -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class EqualGain:
    """Equal gain over fallback, moved only as far as group stability needs.

    partners  partner, fallback, equal (fallback and an equal part of the gain), amount (after the move), moved
    asked     group, size, value, given, slack of every group asked for, in that order; binds (whether it is what the
              split was moved for). No other group can object
    stable    whether a stable split exists. Where not, nothing is moved
    proof     why none exists: group, part, value (no less than the fallback of one alone). Each partner's parts add up
              to 1, and values times parts to more than all have together; none where one exists
    """

    partners: pd.DataFrame
    asked: pd.DataFrame
    stable: bool
    proof: pd.DataFrame

    @property
    def amounts(self) -> pd.Series:
        """The split: an amount a partner, by id."""
        return self.partners.set_index("partner")["amount"]


def equal_gain(game: Game, fallback: Mapping[str, float] | pd.Series | None = None) -> EqualGain:
    """The stable split nearest (least squares) to equal gain over fallback, which is what each has alone unless told.

    Equal gain itself where no group objects to it. Nobody gets less than its fallback, and no group less than it has by
    itself. The quadratic program grows by a group at a time, by the method of Goldfarb and Idnani (A numerically stable
    dual method for solving strictly convex quadratic programs, Mathematical Programming 27, 1983). Without bounds known
    to the game every group is asked in the end. Raises ValueError as `Game.amounts` does for the fallback, and where a
    value is not what it was said to be.
    """
    objections, count = _Objections(game), len(game.partners)
    least = game.amounts(game.alone() if fallback is None else fallback)
    floor = np.full(game.everybody + 1, -np.inf)
    floor[1 << np.arange(count)] = least
    equal = least + (game.value(game.everybody) - least.sum()) / count
    nearest = _Nearest(count, game.everybody)
    proved: dict[int, float] | None = None
    while proved is None and (group := objections.first(equal + nearest.moved, floor)) is not None:
        row = objections.rows[group]
        proved = nearest.add(group, row, float(objections.needs(floor)[group] - row @ equal))
    moved = nearest.moved if proved is None else np.zeros(count)
    asked = group_table(game, objections.asked[1:], equal + moved)
    asked["binds"] = [proved is None and group in nearest.binding for group in objections.asked[1:]]
    table = pd.DataFrame(
        {"partner": game.partners, "fallback": least, "equal": equal, "amount": equal + moved, "moved": moved}
    )
    needs = dict(enumerate(objections.needs(floor).tolist()))
    return EqualGain(table, asked, proved is None, proof(game, proved or {}, needs))


class _Nearest:
    """The least move, which adds up to nothing, after which each group added so far has what it needs."""

    def __init__(self, count: int, everybody: int) -> None:
        self.moved = np.zeros(count)
        self._groups, self._rows, self._pull = [everybody], np.ones((1, count)), np.zeros(1)

    @property
    def binding(self) -> set[int]:
        """The groups that the move is for."""
        return set(self._groups[1:])

    def add(self, group: int, row: Array, needs: float) -> dict[int, float] | None:
        """Move on so that this group too has what it needs. Where no move can do that, the groups that prove it, each
        with its part."""
        pull = 0.0
        while True:
            gives = np.linalg.lstsq(self._rows.T, row, rcond=None)[0]
            step = row - gives @ self._rows
            flat = step @ step < FLAT
            far = np.inf if flat else (needs - row @ self.moved) / (step @ step)
            yields = np.where(gives > AGAINST, self._pull, np.inf) / np.where(gives > AGAINST, gives, 1.0)
            yields[0] = np.inf
            first = int(yields.argmin())
            if flat and np.isinf(yields[first]):
                parts = np.append(-gives[1:], 1.0) / gives[0]
                return {each: float(part) for each, part in zip([*self._groups[1:], group], parts, strict=True)
                        if part > PROOF}  # fmt: skip
            go = min(far, yields[first])
            self.moved = self.moved + (0.0 if flat else go) * step
            self._pull, pull = self._pull - go * gives, pull + go
            if far <= yields[first]:
                self._groups.append(group)
                self._rows, self._pull = np.vstack([self._rows, row]), np.append(self._pull, pull)
                return None
            self._groups.pop(first)
            self._rows, self._pull = np.delete(self._rows, first, axis=0), np.delete(self._pull, first)


__all__ = ["EqualGain", "TopUp", "equal_gain", "top_up"]
