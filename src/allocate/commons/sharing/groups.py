"""What a group of partners could do by itself: only it decides, and it shares only its own money.

Everybody outside is taken to stay as they are in the fallback, in spending and in money left over; the same rules hold
for the group as far as it is up to it, so nobody breaks, or bends further, what the others have left standing. Money
moves between envelopes as in the fallback, but where a group of several holds both ends of a route: along those it may
move its own money. What a group has is the pounds that then land on its own members, and it stays where it is for less
than `LEAST` of what it decides. All together are the exception: what they have is the plan together.

The bounds on what a group could have come from prices of other plans, by weak duality (`allocate.engine.certificate`):
whatever the prices, no plan of the group is worth more, so they spare solving groups that could not object. Best are
those of groups that differ by one partner, so bounds grow tighter as groups are solved.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from allocate.commons.apart.alone import own_money
from allocate.commons.apart.benefits import Benefits, fed_by
from allocate.commons.apart.equilibrium import LEAST
from allocate.commons.sharing.games import rows
from allocate.engine.bends import FIRM
from allocate.engine.certificate import Flows, Prices, upper_bound
from allocate.engine.optimum import Optimum, Options
from allocate.engine.piece import Clash, best, itself
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch

Array = np.ndarray
NEAR = 1e-6
"""The gap, as a part of what a group decides, at which its plan is near enough to the best: far below `LEAST`."""
NEXT_TO_NOTHING = 1e-12
MARGIN = 2e-6
"""The part of what a group decides by which its bound is let be looser than arithmetic makes it."""


@dataclass(frozen=True, eq=False)
class Alone:
    """What a group does by itself: pounds that land on it, what everybody then spends, and each player's payoff."""

    value: float
    flows: Flows
    payoffs: Array


@dataclass(frozen=True, eq=False)
class Groups:
    """What groups could do by themselves. A group is a bit mask over the players, as in
    `allocate.commons.sharing.games`.

    problem   the system
    benefits  what each player counts, in pounds
    stands    what everybody spends without a deal, and what money moves
    today     today's spending made lawful, by which shared envelopes are divided
    """

    problem: Problem
    benefits: Benefits
    stands: Flows
    today: Flows
    options: Options
    _prices: dict[int, Prices] = field(default_factory=dict, init=False, repr=False)
    _bounds: dict[int, tuple[float, frozenset[int]]] = field(default_factory=dict, init=False, repr=False)
    priced: list[tuple[Problem, Optimum]] = field(default_factory=list, init=False, repr=False)
    """The plans that land most on all together that were asked for, and the problems that they are the best of."""

    @property
    def everybody(self) -> int:
        """The group of all players."""
        return 2 ** len(self.benefits.players) - 1

    def payoffs(self, flows: Flows) -> Array:
        """Each player's payoff where everybody spends so."""
        curves = self.problem.curves
        return self.benefits.payoffs(curves.gain(curves.effort(flows.spend)))

    def alone(self, group: int) -> Alone:
        """The best that a group could do by itself."""
        members, now = self._members(group), Alone(self._has(group), self.stands, self._now)
        problem = self.left_to(group)
        if not problem.weight.any():
            return now
        found = self._best(problem)
        if found is not None:
            self._prices[group] = found.prices
        if found is None or found.certificate.value - problem.value(self.stands.spend) <= LEAST * problem.at_stake:
            return now
        moved = np.where(self._open(members), found.flows.moved, self.stands.moved)
        flows = Flows(np.maximum(found.flows.spend, 0.0), moved)
        counted = self.payoffs(flows)
        return Alone(max(now.value, float(counted[members].sum())), flows, counted)

    def at_most(self, group: int) -> float:
        """What a group could not have more than, by the prices that are known of all together and of groups that differ
        by one partner; infinite where none are."""
        bound, used = self._bounds.get(group, (np.inf, frozenset()))
        near = {self.everybody, *(group ^ 1 << bit for bit in range(len(self.benefits.players)))} & self._prices.keys()
        if near - used:
            problem = self.left_to(group)
            spare = self._has(group) - problem.value(self.stands.spend) + (LEAST + MARGIN) * problem.at_stake
            bound = min(bound, *(upper_bound(problem, self._prices[each]) + spare for each in near - used))
            self._bounds[group] = bound, frozenset(near)
        return bound

    def price(self, flows: Flows) -> Alone:
        """The plan that lands most on all together, no rule bent further than these flows bend it; its prices are kept
        for bounds."""
        problem = replace(_firm(self.problem, flows), weight=_weight(self.benefits.worth))
        found = self._best(problem)
        if found is None:
            return Alone(float(self.payoffs(flows).sum()), flows, self.payoffs(flows))
        self._prices[self.everybody] = found.prices
        self.priced.append((problem, found))
        counted = self.payoffs(found.flows)
        return Alone(float(counted.sum()), found.flows, counted)

    def left_to(self, group: int) -> Problem:
        """A group's own problem: its lines to decide, its money to share, its payoff to gain."""
        members, problem, stands = self._members(group), self.problem, self.stands
        mine, moves = members[self.benefits.decides], self._open(members)
        held = np.where(moves, 0.0, stands.moved)
        size, firm = len(problem.amount), _firm(problem, stands)
        entered, left = (np.bincount(ends, held, size) for ends in (problem.target, problem.source))
        amount = problem.amount + entered - left - (1.0 - members) @ self._kept
        route_high = np.where(moves, problem.route_high, 0.0)
        there = amount - np.bincount(problem.envelope_of_line, np.where(mine, 0.0, stands.spend), size)
        there += np.bincount(problem.target, route_high, size)
        most = np.maximum(np.minimum(problem.high, there[problem.envelope_of_line]), stands.spend)
        fed = self._fed[members].any(axis=0)
        return replace(
            firm,
            weight=np.where(fed, _weight(self.benefits.worth[members]), 0.0),
            low=np.where(mine, problem.low, stands.spend),
            high=np.where(mine, most, stands.spend),
            scale=np.where(mine, problem.scale, 0.0),
            baseline=np.round(stands.spend),
            amount=amount,
            route_high=route_high,
            terms=replace(firm.terms, ends=firm.terms.ends - problem.route_rows @ held),
        )

    def _members(self, group: int) -> Array:
        return rows(np.array([group]), len(self.benefits.players))[0] > 0

    def _has(self, group: int) -> float:
        """What a group has in the fallback's plan."""
        return float(self._now[self._members(group)].sum())

    def _open(self, members: Array) -> Array:
        """The routes, and aids of rules, that are for a group to decide: booleans."""
        problem = self.problem
        if members.sum() < 2:
            return problem.aids
        held = np.append(members, False)[self._holds]
        return (held[problem.source] & held[problem.target]) | problem.aids

    @cached_property
    def _now(self) -> Array:
        return self.payoffs(self.stands)

    @cached_property
    def _fed(self) -> Array:
        return fed_by(self.problem.scenario, self.benefits)

    @cached_property
    def _holds(self) -> Array:
        """The number of the player that holds each envelope, alone or with others; -1 where that is no player."""
        return self.benefits.numbers(self.problem.scenario.table("envelopes")["holder"].tolist())

    @property
    def own(self) -> Array:
        """Pounds that each player has of each envelope where everybody stands, spent or left, a row a player."""
        own = self._kept.copy()
        np.add.at(own, (self.benefits.decides, self.problem.envelope_of_line), self.stands.spend)
        return own

    @cached_property
    def _kept(self) -> Array:
        """Pounds of its own that each player leaves in each envelope where everybody stands, a row a player."""
        problem, benefits = self.problem, self.benefits
        spent = np.zeros((len(benefits.players), len(problem.amount)))
        np.add.at(spent, (benefits.decides, problem.envelope_of_line), self.stands.spend)
        draws = np.zeros(spent.shape, dtype=bool)
        draws[benefits.decides, problem.envelope_of_line] = True
        sole = draws & (draws.sum(axis=0) == 1)
        left = np.where(sole, np.maximum(self.stands.unspent(problem), 0.0), 0.0)
        for (k, e), amount in own_money(problem, self.today, benefits).items():
            left[k, e] = max(0.0, amount - spent[k, e])
        return left

    def _best(self, problem: Problem) -> Optimum | None:
        """The best plan before rounding. None where slices, which lie below their curves, miss an outcome that only
        just is reached: then what stands is the best that is known."""
        try:
            options = replace(self.options, fine=NEAR)
            return best(problem, options, Watch(), itself, settle=False)
        except Clash:
            return None


def _weight(worth: Array) -> Array:
    """What players count together, per curve; next to nothing is nothing."""
    weight = worth.sum(axis=0)
    return np.where(weight >= NEXT_TO_NOTHING * weight.max(initial=0.0), weight, 0.0)


def _firm(problem: Problem, flows: Flows) -> Problem:
    """The problem with no rule bent, or broken, further than these flows bend it."""
    body = problem.bodies(flows.spend, flows.moved)
    ends = np.array([np.minimum(problem.limit_low, body), np.maximum(problem.limit_high, body)])
    return replace(problem, bends=FIRM, soft=FIRM.soft, terms=replace(problem.terms, ends=ends))


__all__ = ["Alone", "Groups"]
