"""Plans that partners could settle on without payments, found one by one and each proved.

A partner's payoff is a sum of gains, so it is a row as any that an aim between places looks at. What raises the lowest
gain, or balances gains, between places therefore does so between partners too: the same engine finds it, and proves it
(`allocate.engine.fairest`). The plan that moves fewest pounds from several others is the one that bends least where
every line is asked for what stands in the middle of them, at a price for each partner that it moves away from: a convex
cost in straight pieces, which the engine has for rules that bend.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from allocate.commons.apart.ground import Ground
from allocate.commons.sharing.consent import SLIP, with_floors
from allocate.engine.bends import FIRM, Bands, Bends
from allocate.engine.certificate import Flows
from allocate.engine.fairest import Sight, most_of_the_fair, stages
from allocate.engine.model import LEAST_COUNTED
from allocate.engine.optimum import Optimum
from allocate.engine.piece import Clash, best, itself
from allocate.engine.problem import Problem, Terms
from allocate.engine.rounding import whole_pounds
from allocate.engine.watch import Watch
from allocate.engine.welfare import PER_VALUE
from allocate.errors import EngineError
from allocate.rules.kinds import Balanced, BottomUp, Fair
from allocate.rules.tally import NOTHING, Limit, Row, Tally, Total
from allocate.rules.views import Seen

Array = np.ndarray
HELD = 1e-8
"""The part of a payoff by which it may be less where a later stage holds it: what arithmetic leaves."""
DEAR = (10.0, 1e4)
"""What moving a pound costs where the fewest must move, in what a pound buys at most: one that is enough is taken."""
FINE = 1e-9
"""The gap at which the fewest pounds to move need no more polish: curves have no part in them but for floors."""
CLOSE = 1e-6
"""The part of all money within which as few pounds move."""
WIDEST = 100.0
"""How many units of value the largest fallback may be."""
UNITS = (1.0, 0.1, 10.0)
"""How many times the usual unit of value is tried."""
HALF = 1e-9
"""Parts of all weights nearer to one half than this are one half."""
Piece = tuple[float, float, float]
"""Where a band begins, how wide it is, and what a pound costs in it."""


class Pull(NamedTuple):
    """The least and the most of a middle, and the bands below and above it."""

    low: float
    high: float
    below: list[Piece]
    above: list[Piece]


BOTTOM_UP = BottomUp.model_construct(id="settlement", owner="")
BALANCED = Balanced.model_construct(id="settlement", owner="")


@dataclass(frozen=True, eq=False)
class Found:
    """A plan in whole pounds, and what it was found for: it `reached` so much, and none does better than `bound`, both
    counted from `least`."""

    flows: Flows
    reached: float
    bound: float
    least: float = 0.0

    @property
    def gap(self) -> float:
        """How far it may be from the bound, as a part of that."""
        return max(0.0, self.bound - self.reached) / max(abs(self.bound - self.least), 1.0)


@dataclass(frozen=True, eq=False)
class Payoffs(Sight):
    """What an aim sees where partners stand in the place of places: (payoff - less) / over, an entry a partner."""

    counts: Array = field(default_factory=lambda: NOTHING)
    """a row a partner: what one unit of each curve's outcome counts for it"""

    def values(self, spend: Array, effort: Array | None = None) -> Array:
        curves = self.problem.curves
        payoffs = self.counts @ curves.gain(curves.effort(spend) if effort is None else effort)
        return (payoffs - self.rows.less) / self.rows.over


@dataclass(frozen=True, eq=False)
class Table:
    """The plans on the table: all that keep the rules and leave nobody below its fallback.

    No agreed rule bends further than it does in the plan together, or without a deal. At the end of the limits of
    `problem` is one for each of `floored`, the numbers of the players that count anything, in that order.
    """

    ground: Ground
    lawful: Problem
    problem: Problem
    floored: tuple[int, ...]

    @classmethod
    def of(cls, ground: Ground) -> Table:
        """The table of a ground; there need be no plan on it."""
        stands = ground.fallback.stands
        problem = _bent_as(ground.problem, [ground.flows(ground.together), stands])
        floored = tuple(np.flatnonzero(ground.benefits.worth.any(axis=1)).tolist())
        held = with_floors(problem, ground.benefits, ground.fallback.payoffs, floored)
        # Slices lie below their curves, and what stands without a deal may be all that keeps every floor.
        return cls(ground, problem, replace(held, around=problem.curves.effort(stands.spend)), floored)

    @cached_property
    def most(self) -> Optimum | None:
        """The plan that buys the most of the agreed outcome; None where there is no plan at all."""
        try:
            return self._best(self.problem)
        except Clash:
            return None

    def agreed(self) -> Found:
        """The same in whole pounds. To be asked only where there is a plan, as all that follows."""
        assert self.most is not None
        flows, problem, bound = self._whole(self.most.flows), self.problem, self.most.certificate.bound
        return Found(flows, problem.value(flows.spend, flows.moved), bound, bound - problem.at_stake)

    def preferred(self, player: int) -> Found:
        """The plan that lands most on a player; of those, the one that buys most of the agreed outcome."""
        worth = self.ground.benefits.worth[player]
        if player not in self.floored:
            return Found(self.agreed().flows, 0.0, 0.0)
        found = self._best(replace(self.problem, weight=worth), settle=False)
        ends = self.problem.terms.ends.copy()
        row = len(self.problem.limits) - len(self.floored) + self.floored.index(player)
        ends[0, row] = found.certificate.value / worth.max() * (1 - HELD)
        terms, effort = replace(self.problem.terms, ends=ends), self.problem.curves.effort(found.flows.spend)
        flows = found.flows
        with suppress(Clash, EngineError):
            flows = self._best(replace(self.problem, terms=terms, around=effort)).flows
        flows = self._whole(flows)
        least = float(self.ground.fallback.payoffs[player])
        return Found(flows, float(self.ground.payoffs(flows)[player]), found.certificate.bound, least)

    def bottom_up(self, players: Sequence[int], over: Array) -> Found:
        """The plan whose least gain, each over what stands in `over`, is the most that it can be; then the next, and so
        on (leximin). What it reached is the least of them."""
        return self._fair(self._sight(BOTTOM_UP, players, over, np.ones(len(players)), SLIP))

    def balanced(self, players: Sequence[int], weights: Array) -> Found:
        """The plan with the largest product of gains, each to the power of its weight; what it reached is their
        geometric mean in pounds. Raises ScenarioError where every plan leaves one of these players without a gain."""
        return self._fair(self._sight(BALANCED, players, np.ones(len(players)), weights, 0.0))

    def nearest(self, wanted: Array, weights: Array) -> Found:
        """The plan from which the fewest pounds move to those wanted, a row each, weights applied; of those, the one
        that buys most of the agreed outcome. What it reached are pounds below nothing."""
        weights, total = weights / weights.sum(), weights.sum()
        problem, money = self.problem, self.problem.units.money

        def far(flows: Flows) -> float:
            return float(weights @ np.abs(flows.spend - wanted).sum(axis=1))

        pulled = _pulled(replace(problem, weight=np.zeros(len(problem.weight))), wanted, weights, 1.0 / money)
        found = self._best(pulled, settle=False, fine=FINE)
        flows, least = found.flows, far(found.flows) - (found.certificate.bound - found.certificate.value) * money
        effort = problem.curves.effort(flows.spend)
        bought = problem.weight * problem.curves.marginal(np.maximum(effort, 1e-3 * problem.effort_high))
        for dear in DEAR:
            price = dear * float(bought.max(initial=0.0))
            with_price = replace(_pulled(problem, wanted, weights, price), around=effort)
            with suppress(Clash, EngineError):
                nearer = self._best(with_price, fine=FINE).flows
                if far(nearer) <= far(flows) + CLOSE * problem.amount.sum():
                    flows = nearer
                    break
        flows = self._whole(flows)
        return Found(flows, -far(flows) * total, -least * total)

    # --- how ----------------------------------------------------------------------------------------------------------

    def _best(self, problem: Problem, settle: bool = True, fine: float = 0.0) -> Optimum:
        return best(problem, replace(self.ground.options, fine=fine), Watch(), itself, settle=settle)

    def _sight(self, aim: Fair, players: Sequence[int], over: Array, people: Array, slip: float) -> Payoffs:
        """The sight of these players' gains."""
        worth, limits = self.ground.benefits.worth, self.problem.limits[-len(self.floored) :]
        bodies: list[Row] = []
        for player in players:
            body = limits[self.floored.index(player)].body
            assert isinstance(body, Row)
            bodies.append(float(worth[player].max()) * body)
        least = self.ground.fallback.payoffs[list(players)]
        seen = Seen((), tuple(bodies), least, over, people)
        unit = self._unit(bodies, least, over)
        return Payoffs(aim, self.problem, seen, {}, unit, -2.0 * slip, counts=worth[list(players)])

    def _unit(self, bodies: Sequence[Row], least: Array, over: Array) -> float:
        """What one unit of value is. A payoff may be thousands of times its gain, so payoffs are the measure; but
        nothing that a small one counts may be too small for the solver beside a large one."""
        totals, units = self.problem.tally.totals, self.problem.curve_units
        counted = min(
            factor * float(units[totals[name].curves[0]]) / each
            for body, each in zip(bodies, over.tolist(), strict=True) for name, factor in body.terms.items()
        )  # fmt: skip
        largest = max(1.0, float(np.abs(least / over).max(initial=0.0)))
        return float(np.clip(counted * PER_VALUE / LEAST_COUNTED, largest / WIDEST, largest))

    def _fair(self, sight: Payoffs) -> Found:
        """The best by an aim between players; of those the plan that buys most, and of those the nearest to today.
        There is one: where the solver fails in one unit, others are tried."""
        for times in UNITS:
            try:
                return self._fairest(replace(sight, unit=sight.unit * times, drawn={}))
            except (Clash, EngineError):
                continue
        raise EngineError("the solver failed in every unit")

    def _fairest(self, sight: Payoffs) -> Found:
        assert self.most is not None
        options, watch = self.ground.options, Watch()
        watch.begin(options.seconds)
        staged = stages(sight, self.problem, [], self.most, options, watch)
        flows = staged.laid.flows(staged.flows)
        with suppress(Clash, EngineError):
            # Payoffs that are all held leave next to nothing open, and may leave too little to look for it.
            laid, found = most_of_the_fair(sight, self.problem, staged, options, watch)
            flows = laid.flows(found.flows)
        flows = self._whole(flows)
        return Found(flows, sight.score(sight.values(flows.spend)), sight.scored(staged.bound))

    def _whole(self, flows: Flows) -> Flows:
        """A plan in whole pounds; as it is where that cannot be. Pounds of payoff are left to them: to hold nine
        fallbacks to the penny would take longer than to find the plan."""
        found = whole_pounds(self.lawful, flows, Watch())
        return flows if found is None else found


def _bent_as(problem: Problem, plans: Sequence[Flows]) -> Problem:
    """The problem with no rule bent further than in one of these plans, at no price."""
    bodies = np.array([problem.bodies(flows.spend, flows.moved) for flows in plans])
    low, high = problem.terms.ends
    ends = np.array([np.minimum(low, bodies.min(axis=0)), np.maximum(high, bodies.max(axis=0))])
    return replace(problem, bends=FIRM, soft=FIRM.soft, terms=replace(problem.terms, ends=ends))


def _pulled(problem: Problem, wanted: Array, weights: Array, price: float) -> Problem:
    """The problem where every pound on a line that moves away from these plans costs: a limit a line, which asks for
    the middle and bends at `price` times what the weights of those it moves away from are more than of the others."""
    lines, number = len(problem.low), len(problem.limits)
    totals = {f"spend on {k}": Total(np.array([k]), np.ones(1), NOTHING, "spend") for k in range(lines)}
    found = [_pull(wanted[:, k], weights) for k in range(lines)]
    asked = [
        Limit("middle", "what partners want", Row({f"spend on {k}": 1.0}), each.low, each.high, "spend", str(k))
        for k, each in enumerate(found)
    ]
    sides = (
        _side(pieces, number, price) for pieces in ([each.below for each in found], [each.above for each in found])
    )
    bends, limits = Bends(*sides), (*problem.limits, *asked)
    tally = Tally(problem.scenario, totals={**problem.tally.totals, **totals})
    terms = Terms.of(limits, tally, lines, len(problem.curves), len(problem.route_high))
    terms = replace(terms, ends=np.concatenate([problem.terms.ends, terms.ends[:, number:]], axis=1))
    return replace(problem, limits=limits, tally=tally, terms=terms, bends=bends, soft=bends.soft)


def _side(found: Sequence[Sequence[Piece]], first: int, price: float) -> Bands:
    """The bands on one side of limits, of which this is the first number."""
    rows = [
        (first + k, band, begin, width, price * slope)
        for k, pieces in enumerate(found) for band, (begin, width, slope) in enumerate(pieces)
    ]  # fmt: skip
    limit, band, begin, width, cost = np.array(rows, dtype=float).reshape(-1, 5).T
    return Bands(limit.astype(int), band.astype(int), begin, width, cost)


def middle(amounts: Array, weights: Array) -> tuple[float, float]:
    """The weighted median of some amounts: its least and its most, for weights that add up to 1."""
    return _pull(amounts, weights)[:2]


def _pull(amounts: Array, weights: Array) -> Pull:
    """What the weighted distance from some amounts comes to: the least and the most of their median, and bands of
    rising price below and above."""
    at, number = np.unique(amounts, return_inverse=True)
    slopes = 2.0 * np.cumsum(np.bincount(number, weights)) - 1.0
    slopes[np.abs(slopes) < HALF] = 0.0
    first, last = int(np.argmax(slopes >= 0)), int(np.argmax(slopes > 0))
    below = [(at[k] - at[k - 1], -slopes[k - 1]) for k in range(first, 0, -1)] + [(np.inf, 1.0)]
    above = [(at[k + 1] - at[k], slopes[k]) for k in range(last, len(at) - 1)] + [(np.inf, 1.0)]
    return Pull(float(at[first]), float(at[last]), _bands(below), _bands(above))


def _bands(pieces: Sequence[tuple[float, float]]) -> list[Piece]:
    begin = np.cumsum([0.0, *(width for width, _ in pieces)])
    return [(float(start), float(width), float(slope)) for start, (width, slope) in zip(begin, pieces, strict=False)]


__all__ = ["Found", "Table", "middle"]
