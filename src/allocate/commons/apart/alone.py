"""Each partner's own problem: its lines to decide, its own payoff to gain, everybody else as they stand.

It is the system's problem with the others' lines held where they are, so the same engine solves it, in the same live
session, with the same certificate. What a partner may spend is its own money: of what is in each envelope once today's
moves are made, the part that its lines take in today's plan. Where nobody spends from an envelope today, whoever comes
first takes what it can. Rules in force hold for each as far as it is up to it alone: nobody may break, or bend further,
what the others have left standing, and money moves between envelopes as it does today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from allocate.commons.apart.benefits import Benefits, fed_by, potential
from allocate.commons.apart.equilibrium import LEAST, Reply, Settled, settle
from allocate.engine.bends import FIRM
from allocate.engine.certificate import Flows, Prices, upper_bound
from allocate.engine.optimum import Options
from allocate.engine.piece import Clash, solved_whole
from allocate.engine.polish import polish
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.scenario.scenario import Scenario

Array = np.ndarray
Money = Mapping[tuple[int, int], float]
"""What each player has of an envelope that it shares with others: pounds by the numbers of both."""


def today(problem: Problem, options: Options) -> Flows:
    """Today's spending made lawful: of all plans that bend rules least, the one nearest the baseline, in whole pounds.
    Raises Clash where there is none."""
    return solved_whole(replace(problem, weight=np.zeros(len(problem.weight))), options, Watch()).flows


def own_money(problem: Problem, flows: Flows, benefits: Benefits) -> Money:
    """What each player has of every envelope from which others spend too, in whole pounds."""
    shape = len(benefits.players), len(problem.amount)
    spent, among = np.zeros(shape), np.zeros(shape, dtype=bool)
    np.add.at(spent, (benefits.decides, problem.envelope_of_line), flows.spend)
    among[benefits.decides, problem.envelope_of_line] = True
    drawn = spent.sum(axis=0)
    there = drawn + flows.unspent(problem)
    shared = among & (among.sum(axis=0) > 1) & (drawn > 0)
    return {
        (k, e): max(spent[k, e], float(np.floor(there[e] * spent[k, e] / drawn[e]))) for k, e in np.argwhere(shared)
    }


def kept_to(scenario: Scenario, money: Money, problem: Problem, benefits: Benefits) -> Scenario:
    """The scenario with a cap on what each player spends of each envelope that it shares."""
    lines, envelopes = scenario.table("lines"), scenario.table("envelopes")
    caps: dict[str, Any] = {}
    for (k, e), amount in money.items():
        mine = (benefits.decides == k) & (problem.envelope_of_line == e)
        where = {
            "partners": sorted(set(lines["partner"][mine])),
            "envelopes": [envelopes["id"].iloc[e]],
            "years": [envelopes["year"].iloc[e]],
        }
        cap = {"kind": "cap", "owner": where["partners"][0], "where": where, "amount": amount}
        caps[f"rules.own-money-{k}-{e}"] = cap
    return scenario.change(caps) if caps else scenario


@dataclass(frozen=True, eq=False)
class Apart:
    """A system whose partners each decide for themselves.

    problem    the system, each partner kept to its own money
    today      today's spending made lawful, from where replies begin
    benefits   what each counts
    money      what each has of the envelopes that it shares
    fed        who decides a line under which curve (`fed_by`)
    """

    problem: Problem
    today: Flows
    benefits: Benefits
    money: Money
    fed: Array
    options: Options
    _prices: dict[str, Prices] = field(default_factory=dict, repr=False)
    """The prices of each player's last reply."""

    @classmethod
    def of(cls, scenario: Scenario, benefits: Benefits, options: Options) -> Apart:
        """Of a scenario for which there is a plan."""
        whole = Problem.of(scenario)
        start = today(whole, options)
        money = own_money(whole, start, benefits)
        problem = Problem.of(kept_to(scenario, money, whole, benefits)) if money else whole
        return cls(problem, start, benefits, money, fed_by(scenario, benefits), options)

    def settled(self, start: Flows, *, backwards: bool = False) -> Settled[Flows]:
        """Where partners' best replies in turn end from a lawful plan: the one that spends most today goes first, or
        last."""
        players, spent = self.benefits.players, np.bincount(self.benefits.decides, self.problem.baseline)
        turns = [players[k] for k in np.argsort(-spent, kind="stable")]
        return settle(start, turns[::-1] if backwards else turns, self.reply)

    def reply(self, player: str, flows: Flows) -> Reply[Flows]:
        """A partner's best reply to what stands. `most` is certified: no spending of its own money gains it more."""
        problem = self.left_to(player, flows)
        if not problem.weight.any():
            return Reply(flows, 0.0, 0.0, 0.0)
        now, stake = problem.value(flows.spend), problem.at_stake
        if player in self._prices:
            # Any prices bound what a reply could gain: where the last ones, or those that fit what stands, leave next
            # to nothing, none is looked for.
            prices = self._prices[player]
            most = upper_bound(problem, prices) - now
            if most > LEAST * stake:
                prices = polish(problem, flows, prices)[1]
                most = upper_bound(problem, prices) - now
            if most <= LEAST * stake:
                self._prices[player] = prices
                return Reply(flows, 0.0, most, stake)
        try:
            solved = solved_whole(problem, replace(self.options, wanted=now + LEAST * stake), Watch())
        except Clash:
            # Slices lie below their curves, and may miss an outcome that only just is reached: without such limits
            # nobody can gain less.
            found = solved_whole(_without_reaches(problem), self.options, Watch())
            return Reply(flows, 0.0, found.certificate.bound - now, stake)
        self._prices[player] = solved.optimum.prices
        if solved.certificate.bound - now <= LEAST * stake:
            return Reply(flows, 0.0, solved.certificate.bound - now, stake)
        gain = solved.certificate.value - now
        moved = Flows(solved.flows.spend, flows.moved)
        return Reply(moved, gain, max(solved.certificate.bound - now, gain), stake)

    def left_to(self, player: str, flows: Flows) -> Problem:
        """A partner's own problem: what stands, with its lines to decide and its payoff to gain."""
        k = self.benefits.players.index(player)
        mine, problem = self.benefits.decides == k, self._held(flows)
        return replace(
            problem,
            weight=np.where(self.fed[k], self.benefits.worth[k], 0.0),
            low=np.where(mine, problem.low, flows.spend),
            high=np.where(mine, self._most(k, problem, flows), flows.spend),
            scale=np.where(mine, problem.scale, 0.0),
            baseline=np.round(flows.spend),
        )

    def best_for(self, weight: Array) -> Flows:
        """The plan that is best for a sum of outcomes, one weight a curve, with each partner's own money."""
        solved = solved_whole(replace(self._held(self.today), weight=weight), self.options, Watch())
        return Flows(solved.flows.spend, self.today.moved)

    @cached_property
    def potential(self) -> Array | None:
        """See `allocate.commons.apart.benefits.potential`."""
        return potential(self.benefits.worth, self.fed)

    def _most(self, player: int, problem: Problem, flows: Flows) -> Array:
        """Per line, the most that a player could spend there: all that it has of the envelope, or what others leave."""
        theirs = np.where(self.benefits.decides == player, 0.0, flows.spend)
        left = problem.amount - np.bincount(problem.envelope_of_line, theirs, len(problem.amount))
        for (k, e), amount in self.money.items():
            if k == player:
                left[e] = amount
        return np.maximum(np.minimum(problem.high, left[problem.envelope_of_line]), flows.spend)

    def _held(self, flows: Flows) -> Problem:
        """The problem with money moved as it is, and nothing bent further than these flows bend it. What aids of rules
        are is for them to say, whoever spends."""
        problem = self.problem
        moved = np.where(problem.aids, 0.0, flows.moved)
        body = problem.bodies(flows.spend, moved)
        ends = np.array([np.minimum(problem.limit_low, body), np.maximum(problem.limit_high, body)])
        # What a solve is off by, a millionth of a pound, must not make what stands unlawful.
        there = np.maximum(flows.unspent(problem), 0.0)
        return replace(
            problem,
            amount=np.bincount(problem.envelope_of_line, flows.spend, len(problem.amount)) + there,
            route_high=np.where(problem.aids, problem.route_high, 0.0),
            bends=FIRM,
            soft=FIRM.soft,
            terms=replace(problem.terms, ends=ends - problem.route_rows @ moved),
        )


def _without_reaches(problem: Problem) -> Problem:
    """The same with limits on outcomes opened."""
    ends, counted = problem.terms.ends.copy(), problem.gain_rows.rows
    ends[0, counted], ends[1, counted] = -np.inf, np.inf
    return replace(problem, terms=replace(problem.terms, ends=ends))


__all__ = ["Apart", "kept_to", "own_money", "today"]
