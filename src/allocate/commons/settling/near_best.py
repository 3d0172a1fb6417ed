"""Every plan that buys nearly as much as the best and that nobody would veto, as one region to look round in.

The region is the system itself with a floor under the agreed outcome and one under each partner's payoff
(`allocate.commons.sharing.consent`), so the engine finds its far ends and bounds them as it does the best plan. What is
spent on a group of lines is made an amount of its own, once as it is and once as what it falls short of all the money
(`allocate.engine.welfare`): then the most and the least of any of them, and any weighing of them, is an aim like any
other, and only its weights change from one end to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allocate.commons.apart.benefits import Benefits
from allocate.commons.sharing.consent import SLIP, with_floors
from allocate.engine.certificate import Flows, breaches
from allocate.engine.optimum import Options
from allocate.engine.piece import best, itself
from allocate.engine.problem import Problem, Terms
from allocate.engine.rounding import whole_pounds
from allocate.engine.watch import Watch
from allocate.engine.welfare import PER_VALUE, Laid, Welfare, firm
from allocate.plan.plan import worth_of_a_pound
from allocate.rules.binding import INFINITY
from allocate.rules.tally import Limit, Row, Tally

Array = np.ndarray
FINE = 1e-6
"""The gap that ends are refined to, as a part of what is at stake for them."""
TOUCH = 1e-5
"""The part of what is asked for that may be given up for plans there to buy more: no money is left where nobody needs
it to be."""
POUNDS = 2.0
"""How many pounds' worth a plan in whole pounds may be below a floor."""
NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class End:
    """A far end of the region: everything decided, what was reached there and what no plan in the region exceeds (in
    the unit of what was asked for)."""

    flows: Flows
    reached: float
    bound: float


@dataclass(frozen=True, eq=False)
class Region:
    """Plans near the best that nobody vetoes.

    problem    the system with its floors; the last limits are the consents of `who`, then the agreed outcome
    who        the numbers of the players that have a floor
    groups     lines whose spending can be aimed at: booleans, a row a group, a column a line
    laid       the same with an amount for each group, and for what each falls short
    """

    problem: Problem
    benefits: Benefits
    who: tuple[int, ...]
    groups: Array
    laid: Laid
    known: Flows
    options: Options

    @classmethod
    def of(
        cls, problem: Problem, benefits: Benefits, least: Array, floor: float, known: Flows, groups: Array,
        options: Options,
    ) -> Region:  # fmt: skip
        """The plans of a problem that buy no less than `floor` (units of the aim, what bending costs taken off), leave
        each player no less than `least` pounds and bend no rule further than `known` does, a plan that is one of
        them."""
        who = tuple(k for k in range(len(benefits.players)) if benefits.worth[k].any())
        low = floor + problem.bent_cost(known.spend, known.moved)
        floored = firm(_with_outcome(with_floors(problem, benefits, least, who), low), known)
        tally = Tally(problem.scenario)
        spends = [tally.spend(group) for group in groups]
        laid = Laid.over(floored, _amounts(floored, spends), tally.totals)
        # Limits alone do not say how far they are bent.
        ends = laid.problem.terms.ends.copy()
        ends[:, : len(floored.limits)] = floored.terms.ends
        laid = replace(laid, problem=replace(laid.problem, terms=replace(laid.problem.terms, ends=ends)))
        return cls(floored, benefits, who, groups, laid, known, options)

    @property
    def money(self) -> float:
        """All the money there is, in pounds."""
        return float(self.problem.amount.sum())

    def spent(self, spend: Array) -> Array:
        """Pounds on each group."""
        return self.groups @ spend

    def furthest(self, more: Array, less: Array) -> End:
        """The plan with the most of what each group has times its weight in `more`, and of what it falls short of all
        money times its weight in `less`; in pounds. Raises what `best` does."""
        unit = _unit(self.problem, len(self.groups))
        found, bound = self._best(np.concatenate([np.zeros(len(self.problem.weight)), more, less]), self.money / unit)
        spent = self.spent(found.spend)
        return End(found, float(more @ spent + less @ (self.money - spent)), bound * unit)

    def best_for(self, player: int) -> End:
        """The plan with the highest payoff of one player, in pounds."""
        return self._best_for(self.benefits.worth[player])

    def best_for_all(self, least: Array) -> End:
        """The plan that lands most on all together and leaves each no less than this many pounds."""
        ends, first = self.laid.problem.terms.ends.copy(), len(self.problem.limits) - len(self.who) - 1
        for row, k in enumerate(self.who, first):
            ends[0, row] = max(ends[0, row], (1 - SLIP) * least[k] / float(self.benefits.worth[k].max()))
        return self._best_for(self.benefits.worth.sum(axis=0), ends)

    def _best_for(self, worth: Array, ends: Array | None = None) -> End:
        """The plan of most gains times their worth."""
        unit, curves = float(worth.max()), self.problem.curves
        weight = np.where(worth >= NOTHING * unit, worth / unit, 0.0)
        now = float(weight @ curves.gain(curves.effort(self.known.spend)))
        found, bound = self._best(np.append(weight, np.zeros(2 * len(self.groups))), abs(now), ends)
        return End(found, float(worth @ curves.gain(curves.effort(found.spend))), bound * unit)

    def in_whole_pounds(self, flows: Flows) -> Flows | None:
        """The plan in whole pounds, lawful and within `POUNDS` pounds' worth of its floors; None where there is no such
        rounding."""
        ends, mine = self.problem.terms.ends.copy(), np.arange(-len(self.who) - 1, 0)
        ends[0, mine] -= POUNDS * worth_of_a_pound(self.problem, flows.spend)[mine]
        eased = replace(self.problem, terms=replace(self.problem.terms, ends=ends))
        found = whole_pounds(eased, flows, Watch())
        return None if found is None or breaches(eased, found, 1e-6) else found

    def _best(self, weight: Array, much: float, ends: Array | None = None) -> tuple[Flows, float]:
        """The best plan for weights on curves, of which the plans of the region have about so much, and what no plan of
        the region has more than."""
        problem, own = self.laid.problem, np.zeros(2 * len(self.groups))
        around = np.append(self.problem.curves.effort(self.known.spend), own)
        touch = TOUCH * much / max(self.spare, TOUCH * self.problem.at_stake)
        terms = problem.terms if ends is None else replace(problem.terms, ends=ends)
        weight = weight + touch * np.append(self.problem.weight, own)
        aimed = replace(problem, weight=weight, around=around, terms=terms)
        found = best(aimed, replace(self.options, fine=FINE), Watch(), itself, based=False, settle=False)
        return self.laid.flows(found.flows), found.certificate.bound - touch * float(self.problem.limit_low[-1])

    @property
    def spare(self) -> float:
        """By how much plans may buy less than the one that is known, in units of the aim."""
        curves = self.problem.curves
        bought = float(self.problem.weight @ curves.gain(curves.effort(self.known.spend)))
        return max(0.0, bought - float(self.problem.limit_low[-1]))


def _with_outcome(problem: Problem, low: float) -> Problem:
    """The problem with a limit that keeps the agreed outcome at or above `low`."""
    outcomes, tally = problem.scenario.table("outcomes"), Tally(problem.scenario)
    everything = np.ones(len(problem.low), dtype=bool)
    counted = [(name, weight) for name, weight in zip(outcomes["id"], outcomes["weight"], strict=True) if weight]
    body = sum((float(weight) * tally.gain(everything, name) for name, weight in counted), Row({}))
    # In the unit of an outcome: that of the aim is another's once spending is aimed at.
    nearly = Limit("near-best", "nearly as much as the best plan", body, low, INFINITY, str(counted[0][0]))
    limits = (*problem.limits, nearly)
    tally = Tally(problem.scenario, totals={**problem.tally.totals, **tally.totals})
    sizes = len(problem.low), len(problem.curves), len(problem.route_high)
    return replace(problem, limits=limits, tally=tally, terms=Terms.of(limits, tally, *sizes))


def _unit(problem: Problem, groups: int) -> float:
    """Pounds of a group's spending for one unit of value: so many that all amounts together are no more than all the
    money, and the solver's unit of money stays what it is."""
    return PER_VALUE * problem.units.money * 2 * groups


def _amounts(problem: Problem, spends: Sequence[Row]) -> Welfare:
    """An amount for each of these sums of pounds, and for what each falls short of all the money."""
    unit, money = _unit(problem, len(spends)), float(problem.amount.sum())
    # The first amount is always one.
    all_money = Row({"~0": money / unit})
    welfare = Welfare([], np.zeros(0), max(money / unit, 1.0))
    for spend in spends:
        welfare.worth(1.0 / unit * spend)
    for spend in spends:
        welfare.worth(all_money - 1.0 / unit * spend)
    return welfare


__all__ = ["End", "Region"]
