"""Each partner's own problem: its lines to decide, its own payoff to gain, everybody else as they stand.

It is the system's problem with the others' lines held where they are, so the same engine solves it, in the same live
session, with the same certificate. What a partner may spend is its own money: of what is in each envelope once today's
moves are made, the part that its lines take in today's plan. Where nobody spends from an envelope today, who comes first
takes what it can. Rules in force hold for each as far as it is up to it alone: nobody may break, or bend further, what the
others have left standing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from allocate.commons.benefits import Benefits, fed_by, potential
from allocate.commons.equilibrium import LEAST, Reply, Settled, settle
from allocate.engine.bends import FIRM
from allocate.engine.certificate import Flows, Prices, upper_bound
from allocate.engine.optimum import Options
from allocate.engine.piece import Clash, solved_whole
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.scenario.scenario import Scenario

Array = np.ndarray
CONTRACT = "own-money"
"""What the ids of the caps begin with that keep each partner to its own money."""


def today(problem: Problem, options: Options) -> Flows:
    """Today's spending made lawful: of all plans that bend rules least, the one nearest the baseline, in whole pounds.
    Raises Clash where there is none."""
    return solved_whole(replace(problem, weight=np.zeros(len(problem.weight))), options, Watch()).flows


def own_money(scenario: Scenario, problem: Problem, flows: Flows, benefits: Benefits) -> dict[str, Any]:
    """The changes that keep each player to its own money: a cap for each that shares an envelope with others."""
    lines, envelopes = scenario.table("lines"), scenario.table("envelopes")
    count = len(envelopes)
    spent = np.zeros((len(benefits.players), count))
    np.add.at(spent, (benefits.decides, problem.envelope_of_line), flows.spend)
    shares = np.zeros(spent.shape, dtype=bool)
    shares[benefits.decides, problem.envelope_of_line] = True
    drawn = spent.sum(axis=0)
    there = drawn + flows.unspent(problem)
    caps: dict[str, Any] = {}
    for k, e in np.argwhere(shares & (shares.sum(axis=0) > 1) & (drawn > 0)).tolist():
        amount = max(spent[k, e], np.floor(there[e] * spent[k, e] / drawn[e]))
        where = {"envelopes": [envelopes["id"].iloc[e]], "years": [envelopes["year"].iloc[e]]}
        mine = (benefits.decides == k) & (problem.envelope_of_line == e)
        where["partners"] = sorted(set(lines["partner"][mine]))
        rule = {"kind": "cap", "owner": benefits.players[k], "where": where, "amount": amount}
        caps[f"rules.{CONTRACT}-{k}-{e}"] = rule
    return caps


@dataclass(frozen=True, eq=False)
class Apart:
    """A system whose partners each decide for themselves.

    scenario   the system, each partner kept to its own money
    problem    the same, ready for the engine
    today      today's spending made lawful, from where replies begin
    benefits   what each counts
    fed        who decides a line under which curve (`fed_by`)
    """

    scenario: Scenario
    problem: Problem
    today: Flows
    benefits: Benefits
    fed: Array
    options: Options
    _prices: dict[str, Prices] = field(default_factory=dict, repr=False)
    """The prices of each player's last reply."""

    @classmethod
    def of(cls, scenario: Scenario, benefits: Benefits, options: Options) -> Apart:
        """Of a scenario for which there is a plan."""
        whole = Problem.of(scenario)
        start = today(whole, options)
        caps = own_money(scenario, whole, start, benefits)
        own = scenario.change(caps) if caps else scenario
        problem = Problem.of(own) if caps else whole
        return cls(own, problem, start, benefits, fed_by(scenario, benefits), options)

    def settled(self, start: Flows, *, backwards: bool = False) -> Settled[Flows]:
        """Where partners' best replies in turn, in their order or against it, end from a lawful plan."""
        players = self.benefits.players
        return settle(start, players[::-1] if backwards else players, self.reply)

    def reply(self, player: str, flows: Flows) -> Reply[Flows]:
        """A partner's best reply to what stands. `most` is certified: no spending of its own money gains it more."""
        k = self.benefits.players.index(player)
        weight = np.where(self.fed[k], self.benefits.worth[k], 0.0)
        if not weight.any():
            return Reply(flows, 0.0, 0.0, 0.0)
        problem = replace(self._left_to(k, flows), weight=weight)
        now, stake = problem.value(flows.spend), problem.at_stake
        if player in self._prices:
            # Any prices bound what a reply could gain: where the last ones still leave nothing, it need not be found.
            most = upper_bound(problem, self._prices[player]) - now
            if most <= LEAST * stake:
                return Reply(flows, 0.0, most, stake)
        try:
            solved = solved_whole(problem, self.options, Watch())
        except Clash:
            # Slices lie below their curves, and may miss an outcome that only just is reached: without such limits
            # nobody can gain less.
            found = solved_whole(_without_reaches(problem), self.options, Watch())
            return Reply(flows, 0.0, found.certificate.bound - now, stake)
        self._prices[player] = solved.optimum.prices
        gain = solved.certificate.value - now
        return Reply(solved.flows, gain, max(solved.certificate.bound - now, gain), stake)

    def best_for(self, weight: Array) -> Flows:
        """The plan that is best for a sum of outcomes, one weight a curve, with each partner's own money."""
        return solved_whole(replace(self._held(self.today), weight=weight), self.options, Watch()).flows

    @cached_property
    def potential(self) -> Array | None:
        """See `allocate.commons.benefits.potential`."""
        return potential(self.benefits.worth, self.fed)

    def _left_to(self, player: int, flows: Flows) -> Problem:
        """What stands, with one player's lines to decide."""
        mine, problem = self.benefits.decides == player, self._held(flows)
        return replace(
            problem,
            low=np.where(mine, problem.low, flows.spend),
            high=np.where(mine, np.minimum(problem.high, self._reach), flows.spend),
            scale=np.where(mine, problem.scale, 0.0),
            baseline=flows.spend,
        )

    @cached_property
    def _reach(self) -> Array:
        """Per line, twice the most that its player has of its envelope: a bound at the money itself would take the price
        that is the money's."""
        most = self.problem.reach[self.problem.envelope_of_line]
        for limit, high in zip(self.problem.limits, self.problem.limit_high, strict=True):
            if limit.owner.startswith(CONTRACT):
                _, k, e = limit.owner.rsplit("-", 2)
                most[(self.benefits.decides == int(k)) & (self.problem.envelope_of_line == int(e))] = high
        return np.maximum(2.0 * most, self.problem.low)

    def _held(self, flows: Flows) -> Problem:
        """The problem with nothing bent further than these flows bend it."""
        problem = self.problem
        body = problem.bodies(flows.spend, flows.moved)
        ends = np.array([np.minimum(problem.limit_low, body), np.maximum(problem.limit_high, body)])
        return replace(problem, bends=FIRM, soft=FIRM.soft, terms=replace(problem.terms, ends=ends))


def _without_reaches(problem: Problem) -> Problem:
    """The same with limits on outcomes opened."""
    ends, counted = problem.terms.ends.copy(), problem.gain_rows.rows
    ends[0, counted], ends[1, counted] = -np.inf, np.inf
    return replace(problem, terms=replace(problem.terms, ends=ends))


__all__ = ["Apart", "own_money", "today"]
