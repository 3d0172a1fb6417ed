"""The shadow-price share: each partner paid what it brings at the prices of the plan that lands most on all.

Owen (1975, "On the core of linear production games", doi 10.1007/BF01681356): in a plan for all together every pound,
every limit and every line's room has a price, and what a partner brings at those prices is what it could be paid for
it. One solve, no group is asked. What a partner brings:

    money   its own pounds of each envelope: what it spends without a deal and what is left of its own
    room    what its lines' most and least are worth, and what its curves buy above the price of the last pound; where
            several feed a curve, in proportion to what each spends there without a deal
    rules   a limit on its own lines alone is its own; of one over the lines of several, what each uses of it without a
            deal. A floor costs who carries it

What nobody brings so (room that rules leave unused without a deal, money of no partner) is left over, and so is what
the agreed plan lands less than the one that lands most: that remainder is shared equally, above nothing or below.

Where partners bring nothing but money and lines of their own, and nothing that one spends lands on another, no group
does better by itself than with this share before the remainder. Else it may: `why` says what stands in the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import Benefits, fed_by
from allocate.commons.sharing.games import owen
from allocate.engine.certificate import Case, Flows, curve_worth, line_worth, useful
from allocate.engine.optimum import Optimum
from allocate.engine.problem import Problem

Array = np.ndarray
TRACE = 1e-9
"""Worths up to this share of the dearest are nothing."""


@dataclass(frozen=True, eq=False)
class Shadow:
    """What each player is paid: pounds an entry a player for `money`, `room` and `rules`, and what is left over for
    each of them (`rest`, the same for all). `why` says in words what keeps it from being sure that no group does
    better; nothing where it is sure."""

    money: Array
    room: Array
    rules: Array
    rest: float
    why: tuple[str, ...]

    @property
    def amounts(self) -> Array:
        """What each has: pounds, an entry a player; they add up to what was to be shared."""
        return self.money + self.room + self.rules + self.rest


def shadow(
    problem: Problem, found: Optimum, benefits: Benefits, stands: Flows, own: Array, total: float, noise: float
) -> Shadow:
    """The share of `total` pounds at the prices of a plan. `problem` and `found` are that plan's, its weights pounds
    that land on all; `stands` is what everybody spends without a deal; `own` the pounds that each player has of each
    envelope, a row a player; differences up to `noise` pounds are nothing."""
    prices, players = found.prices, pd.Index(benefits.players)
    y, case = useful(problem, prices.limit), Case.whole(problem)
    curve, line = curve_worth(problem, prices, case)[1], line_worth(problem, prices, y, case)
    parts = _parts(problem, benefits, stands)
    decides = (benefits.decides == np.arange(len(players))[:, None]).astype(float)
    used = _used(problem, decides, parts, stands, y)

    def paid(resources: Array, at: Array) -> Array:
        columns = [str(k) for k in range(len(at))]
        return owen(pd.DataFrame(resources, players, columns), dict(zip(columns, at, strict=True))).to_numpy()

    money, rules = paid(own, prices.envelope), paid(used, y)
    room = paid(np.hstack([parts, decides]), np.concatenate([curve, line]))
    rest = total - float((money + room + rules).sum())
    why = tuple(_why(problem, found, benefits, stands, own, _among(problem, decides, parts), rest, noise))
    return Shadow(money, room, rules, rest / len(players), why)


def _parts(problem: Problem, benefits: Benefits, stands: Flows) -> Array:
    """Each player's part of what is spent under each curve without a deal; equally a line where nothing is."""
    curve, line = problem.curves.feeds
    spent = stands.spend[line]
    spent = np.where(problem.curves.effort(stands.spend)[curve] > 0, spent, 1.0)
    parts = np.zeros((len(benefits.players), len(problem.curves)))
    np.add.at(parts, (benefits.decides[line], curve), spent)
    total = parts.sum(axis=0)
    return np.divide(parts, total, out=parts, where=total > 0)


def _among(problem: Problem, decides: Array, parts: Array) -> Array:
    """Whose lines and curves each limit is over: booleans, a row a player."""
    lines, gains = abs(problem.line_rows), abs(problem.gain_rows)
    return np.array(
        [lines @ mine + gains @ (part > 0).astype(float) > 0 for mine, part in zip(decides, parts, strict=True)]
    )


def _used(problem: Problem, decides: Array, parts: Array, stands: Flows, y: Array) -> Array:
    """Of each limit, what is each player's: all of it where its lines and curves are one player's, else what each uses
    of it without a deal. A row a player."""
    gain, lines, gains = problem.curves.gain(problem.curves.effort(stands.spend)), problem.line_rows, problem.gain_rows
    used = np.array([lines @ (stands.spend * mine) + gains @ (gain * part)
                     for mine, part in zip(decides, parts, strict=True)])  # fmt: skip
    among, end = _among(problem, decides, parts), np.where(y > 0, problem.limit_high, problem.limit_low)
    alone = (among.sum(axis=0) == 1) & (y != 0)
    return np.where(alone, among * np.where(alone, end, 0.0), used)


def _why(
    problem: Problem, found: Optimum, benefits: Benefits, stands: Flows, own: Array, among: Array, rest: float,
    noise: float,
) -> Iterator[str]:  # fmt: skip
    """What keeps it from being sure that no group does better."""
    prices, y, moved = found.prices, useful(problem, found.prices.limit), stands.moved
    if found.discrete:
        yield "yes/no choices leave prices that hold for the choices made alone"
    fed, most = fed_by(problem.scenario, benefits), float(problem.weight.max(initial=0.0))
    if ((benefits.worth > TRACE * most) & ~fed).any() or (fed.sum(axis=0) > 1).any():
        yield "what some spend lands on others"
    priced = np.abs(y) * problem.limit_units > TRACE * problem.units.value
    if (priced & (among.sum(axis=0) != 1)).any():
        yield "rules over the lines of several have a price"
    size = len(problem.amount)
    there = problem.amount + np.bincount(problem.target, moved, size) - np.bincount(problem.source, moved, size)
    if float(np.maximum(prices.envelope, 0.0) @ np.maximum(there - own.sum(axis=0), 0.0)) > noise:
        yield "some money is no partner's own"
    moving = prices.envelope[problem.target] - prices.envelope[problem.source] - y @ problem.route_rows
    if float(np.maximum(moving, 0.0) @ (problem.route_high - moved)) > noise:
        yield "routes between partners have a price"
    if rest < -noise:
        yield "the agreed plan lands less on all than prices come to"


__all__ = ["Shadow", "shadow"]
