"""The split whose least content group is as content as can be, then the next, and so on: nucleolus and least core.

Every linear program here is solved from its dual side, where a group has a part of the work and parts balance: it has
as many rows as there are partners, and a part above nothing is a proof that holds for all its solutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocate.commons.sharing.games import Game, rows
from allocate.compiler import Arrays
from allocate.engine.highs import Solver

Array = np.ndarray
UNIT = 1e5
"""Values are given to the solver as parts of this, so that its tolerances are small beside them."""
PROOF = 1e-7
"""A part of the work above this is above nothing: parts are ratios of small whole numbers."""
APART = 1e-6
"""A group further than this from those that are settled is none of their sums and differences."""
SECONDS = 60.0
PROOF_COLUMNS = ["group", "part", "value"]


@dataclass(frozen=True, eq=False)
class LeastCore:
    """How content every group can be made at once.

    short   what the least content group lacks at best to be content; 0 or less exactly where a stable split exists
    groups  why it cannot be less: group, part, value. Each partner's parts add up to 1: were all to give these parts of
            their time to these groups, they would make more than they do together by `short` for every part
    """

    short: float
    groups: pd.DataFrame


def least_core(game: Game) -> LeastCore:
    """The least that every group's shortfall can be kept to (Maschler, Peleg and Shapley 1979), and which groups prove
    that (Bondareva 1963, Shapley 1967). Asks for every group."""
    gains = _gains(game)
    groups = np.arange(1, game.everybody)
    found = _worst_off(gains, groups, np.ones((1, len(game.partners))), gains[-1:], floors=False)
    used, of = np.flatnonzero(found.parts > PROOF), -found.prices[0]
    short = found.short if abs(found.short) > game.trace() else 0.0
    return LeastCore(short, proof(game, {int(groups[at]): float(found.parts[at] / of) for at in used}))


def nucleolus(game: Game, floors: bool = True) -> pd.Series:
    """The nucleolus (Schmeidler, The nucleolus of a characteristic function game, SIAM Journal on Applied Mathematics
    17, 1969): an amount a partner, by id. Where a stable split exists it is one.

    With `floors` nobody gets less than it has alone; without, that is left out (the prenucleolus, the same wherever a
    stable split exists). Asks for every group.

    One linear program settles groups after another. What it settles is every group with a positive price, and no other:
    a group may happen to be at its limit in one solution and not in the next (Guajardo and Jornsten, Common mistakes in
    computing the nucleolus, European Journal of Operational Research 241, 2015). Groups that are sums and differences
    of settled ones are settled with them; so each program settles one more at least, and there are fewer programs than
    partners.

    Raises ValueError with `floors` where partners have less together than they have alone: nobody can be given that.
    """
    gains, count = _gains(game), len(game.partners)
    if floors and gains[-1] < -game.trace():
        alone, all_ = game.alone().sum(), game.value(game.everybody)
        raise ValueError(f"all together have {all_:g}, less than the {alone:g} that they have alone")
    settled, totals = np.ones((1, count)), gains[-1:]
    groups = np.arange(1, game.everybody)
    while len(settled) < count:
        groups = groups[_beyond(settled, rows(groups, count))]
        found = _worst_off(gains, groups, settled, totals, floors)
        for group in groups[found.parts > PROOF]:
            row = rows(np.array([group]), count)
            if _beyond(settled, row)[0]:
                settled, totals = np.vstack([settled, row]), np.append(totals, gains[group] - found.short)
    return game.alone() + np.linalg.solve(settled, totals)


def _gains(game: Game) -> Array:
    """What every group has beyond what its partners have alone."""
    values = game.table()
    return values - rows(np.arange(len(values)), len(game.partners)) @ game.alone().to_numpy()


def _beyond(settled: Array, groups: Array) -> Array:
    """Which groups are no sums and differences of those settled, which are independent of one another."""
    basis, _ = np.linalg.qr(settled.T)
    return np.linalg.norm(groups - groups @ basis @ basis.T, axis=1) > APART


@dataclass(frozen=True, eq=False)
class _WorstOff:
    """What the least content group lacks at best; by group its part in the proof, by settled total its price."""

    short: float
    parts: Array
    prices: Array


def _worst_off(gains: Array, groups: Array, settled: Array, totals: Array, floors: bool) -> _WorstOff:
    """Keep the greatest of these groups' shortfalls as small as can be while `settled` groups get their `totals`: the
    least e so that x(S) + e >= v(S), x(T) = total of T (and x >= 0), from its dual."""
    count, many = settled.shape[1], len(groups)
    parts = np.vstack([rows(groups, count).T, np.ones(many)])
    prices = np.vstack([settled.T, np.zeros(len(settled))])
    slack = np.eye(count + 1, count if floors else 0)
    matrix = np.hstack([parts, prices, slack])
    cost = np.concatenate([gains[groups], totals, np.zeros(slack.shape[1])])
    free = np.zeros(len(cost), dtype=bool)
    free[many : many + len(settled)] = True
    best = balanced(cost, matrix, np.append(np.zeros(count), 1.0), free)
    return _WorstOff(float(cost @ best.at), best.at[:many], best.at[many : many + len(settled)])


@dataclass(frozen=True, eq=False)
class Balance:
    """A solved program: where its columns are, and what a unit of each row is worth."""

    at: Array
    worth: Array


def balanced(cost: Array, matrix: Array, right: Array, free: Array) -> Balance:
    """Maximise cost @ y where matrix @ y = right and y is 0 or more, but for what is free."""
    row, column = matrix.nonzero()
    unit = np.abs(cost).max() / UNIT or 1.0
    lower, upper = np.where(free, -np.inf, 0.0), np.full(len(cost), np.inf)
    arrays = Arrays.of(cost / unit, lower, upper, right, right, (row, column, matrix[row, column]))
    answer = Solver(arrays, once=True).run(SECONDS)
    return Balance(answer.columns, answer.row_duals * unit)


def proof(game: Game, parts: Mapping[int, float], values: Mapping[int, float] | None = None) -> pd.DataFrame:
    """group, part, value of the groups that prove something, the weightiest first."""
    known = {group: game.value(group) for group in parts} if values is None else values
    told = [(game.members(group), part, known[group]) for group, part in sorted(parts.items())]
    return pd.DataFrame(told, columns=PROOF_COLUMNS).sort_values(
        "part", ascending=False, ignore_index=True, kind="stable"
    )


__all__ = ["LeastCore", "least_core", "nucleolus"]
