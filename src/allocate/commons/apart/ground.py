"""The common ground of every question about a deal: the plan together, what it lands on each, what each has without.

Sharing the gain, settlements, terms and whether a deal holds all begin from here, so that they speak of the same plan
and the same fallback. Everything of a partner's is in pounds, as benefits.csv has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from allocate.commons.apart.alone import Apart
from allocate.commons.apart.benefits import Benefits
from allocate.commons.apart.blocs import bloc_faults, bloc_name
from allocate.commons.apart.fallbacks import APART, FALLBACKS, Fallback
from allocate.engine.certificate import Flows
from allocate.engine.optimum import Options
from allocate.engine.problem import Problem
from allocate.errors import Problem as Wrong
from allocate.errors import ScenarioError
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve
from allocate.rules.kinds import aim_of
from allocate.scenario.scenario import Scenario

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Ground:
    """What there is to agree on.

    scenario   as it was asked
    plain      the same without an aim between places
    benefits   what each partner that decides, or bloc of partners, counts, in pounds
    together   the agreed plan
    best       the plan that buys the most of the agreed outcome, without an aim
    problem    the system of `plain`
    apart      each partner kept to its own money
    fallback   what each has without a deal
    """

    scenario: Scenario
    plain: Scenario
    benefits: Benefits
    together: Plan
    best: Plan
    problem: Problem
    apart: Apart
    fallback: Fallback
    options: Options = field(repr=False)
    blocs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Partners that count and decide as one: a name to their ids."""

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        *,
        fallback: str = APART,
        seconds: float = 60.0,
        solve: Solve = solve_now,
        blocs: Mapping[str, Sequence[str]] | None = None,
    ) -> Ground:
        """Of a scenario. `fallback` is a key of `FALLBACKS`; `seconds` bounds each solve; `solve` may be one that
        remembers what it has solved. Partners of a bloc (`blocs`: a name to their ids) are one player.

        Raises ScenarioError where benefits.csv does not say what an outcome is worth to every partner that decides,
        where fewer than two do, or blocs cannot be; NoPlan where the rules cannot all hold; ValueError for another
        fallback.
        """
        if fallback not in FALLBACKS:
            raise ValueError(f"fallback must be one of {', '.join(map(repr, FALLBACKS))}, not {fallback!r}")
        blocs, benefits = blocs or {}, players_of(scenario, blocs or {})
        if problems := list(faults(benefits)):
            raise ScenarioError(scenario.id, problems)
        together, aim, options = solve(scenario), aim_of(scenario), Options(seconds)
        plain = scenario if aim is None else scenario.change({f"rules.{aim.id}.in_force": False})
        best = together if aim is None else solve(plain)
        apart = Apart.of(plain, benefits, options)
        falls = Fallback.of(fallback, apart)
        return cls(scenario, plain, benefits, together, best, Problem.of(plain), apart, falls, options, blocs)

    @property
    def players(self) -> tuple[str, ...]:
        """The partners that decide, by id."""
        return self.benefits.players

    def name(self, player: str) -> str:
        """What a partner, or a bloc, is called."""
        return bloc_name(self.scenario, self.blocs, player)

    def flows(self, plan: Plan) -> Flows:
        """The flows of a plan as the plain problem has them: aids of rules, which no plan tells, at nothing."""
        flows = plan._solved.flows
        aids = len(self.problem.route_high) - len(flows.moved)
        return Flows(flows.spend, np.append(flows.moved, np.zeros(aids)))

    def payoffs(self, flows: Flows) -> Array:
        """Pounds that land on each player where everybody spends so."""
        curves = self.problem.curves
        return self.benefits.payoffs(curves.gain(curves.effort(flows.spend)))

    @cached_property
    def lands(self) -> Array:
        """Pounds that the plan together lands on each player, before any payment."""
        return self.payoffs(self.flows(self.together))


def players_of(scenario: Scenario, blocs: Mapping[str, Sequence[str]]) -> Benefits:
    """What each partner that decides counts, partners of a bloc as one. Raises ScenarioError where blocs cannot be."""
    benefits = Benefits.of(scenario)
    if problems := list(bloc_faults(scenario, benefits.players, blocs)):
        raise ScenarioError(scenario.id, problems)
    return benefits.merged(blocs) if blocs else benefits


def faults(benefits: Benefits) -> Iterator[Wrong]:
    """Why there can be no deal in pounds."""
    single = benefits.single or benefits
    for player, known in zip(single.players, single.in_money, strict=True):
        if not known:
            fault = "has no row: say what an outcome is worth to it in £"
            yield Wrong("benefits.csv", fault, field="partner", value=player)
    if (players := len(benefits.players)) < 2:
        fault = "a deal is between two partners that decide, or more"
        yield Wrong("lines.csv", fault, field="partner", value=str(players))


__all__ = ["Ground", "players_of"]
