"""Rival rule sets, each against each: who prefers which, the one that beats all others, and cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from allocate.commons.proposing.payoffs import PAYOFFS, Payoff, weights_of
from allocate.commons.proposing.proposals import held_in_law
from allocate.errors import NoPlan, Problem, ScenarioError
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve
from allocate.plan.words import quoted, some
from allocate.scenario.scenario import Scenario

STANDS = "as it stands"
COLUMNS = ["one", "other", "prefer_one", "prefer_other", "neither", "weight_one", "weight_other", "winner"]


@dataclass(frozen=True, eq=False)
class Rivals:
    """Rule sets by name, compared two by two. What stands is one of them.

    plans      the plan under each that has one
    clashes    the NoPlan of each that has none: it takes part in no comparison
    payoffs    id, name, and a column a rival: what each partner gets, in the unit of the payoff
    table      a row a pair: one, other, prefer_one, prefer_other, neither (how many partners), weight_one,
               weight_other (of those who prefer it), winner (whom more prefer; '' for a tie)
    winner     the rival that more partners prefer to every other (a Condorcet winner), None where there is none
    cycles     lists of rivals, each of which beats the next, and the last the first
    """

    plans: Mapping[str, Plan]
    clashes: Mapping[str, NoPlan]
    payoffs: pd.DataFrame
    table: pd.DataFrame
    winner: str | None
    cycles: list[list[str]]

    @property
    def warning(self) -> str:
        """That votes two by two go round in a circle, and what follows; '' where they do not."""
        if not self.cycles:
            return ""
        said = [" beats ".join(quoted(name) for name in (*cycle, cycle[0])) for cycle in self.cycles]
        first = "; ".join(said)
        return f"Going round in a circle: {first}. Whichever is voted on last wins, so the order of votes decides."

    @property
    def sentences(self) -> list[str]:
        """Who beats all others or that nobody does, cycles, and what cannot hold."""
        said = []
        if self.winner is not None:
            said.append(f"{quoted(self.winner)} is preferred to every other by more partners than prefer the other.")
        elif len(self.plans) > 1:
            said.append("None is preferred to every other.")
        said += [self.warning] if self.warning else []
        if self.clashes:
            names = [quoted(name) for name in self.clashes]
            said.append(f"No plan keeps the rules of {some(names, len(names))}: left out.")
        return said


def pairwise(
    rivals: Mapping[str, Mapping[str, Any] | Scenario | Plan], base: Plan | Scenario, *, tolerance: float = 0.0,
    payoff: str | Payoff = "money", weights: Mapping[str, float] | None = None, solve: Solve = solve_now,
) -> Rivals:  # fmt: skip
    """Rival rule sets, each a change of `base` (or a scenario, or its plan), against each other and against what
    stands. A partner prefers one to another where its payoff is more by more than rounding and `tolerance` (a part of
    what it has as things stand). `payoff` and `weights` as for `propose`.

    Raises ScenarioError with every problem where a change is not sound or an argument is wrong, ValueError for a rival
    that has the name of what stands, and NoPlan where that has no plan."""
    if STANDS in rivals:
        raise ValueError(f"a rival cannot be called {STANDS!r}: that is what it is compared with")
    measure = payoff if isinstance(payoff, Payoff) else PAYOFFS.get(payoff)
    if measure is None:
        problem = Problem("rivals", f"is not one of {', '.join(PAYOFFS)}", field="payoff", value=str(payoff))
        raise ScenarioError("rivals", [problem])
    stands = base if isinstance(base, Plan) else solve(base)
    plans, clashes = _solved(rivals, stands, solve)
    payoffs = stands.scenario.partners[["id", "name"]]
    for name, plan in plans.items():
        found = measure.of(plan, weights_of(stands))
        payoffs[name] = [found[key] for key in payoffs["id"]]
    votes = held_in_law(stands.scenario) if weights is None else weights
    pairs = [_pair(payoffs, pair, measure, tolerance, votes) for pair in combinations(plans, 2)]
    table = pd.DataFrame(pairs, columns=COLUMNS)
    beats = _beats(table, list(plans))
    winner = next((name for name in plans if len(plans) > 1 and len(beats[name]) == len(plans) - 1), None)
    return Rivals(plans, clashes, payoffs, table, winner, _cycles(beats))


def _solved(
    rivals: Mapping[str, Mapping[str, Any] | Scenario | Plan], stands: Plan, solve: Solve
) -> tuple[dict[str, Plan], dict[str, NoPlan]]:
    """The plan of each rival, what stands first; every problem with their changes at once."""
    plans, clashes, wrong = {STANDS: stands}, {}, []
    for name, rival in rivals.items():
        try:
            if not isinstance(rival, Plan):
                rival = solve(rival if isinstance(rival, Scenario) else stands.scenario.change(rival))
            plans[name] = rival
        except ScenarioError as error:
            wrong += [Problem(f"{name}: {each.where}", each.expected, each.row, each.field, each.value, each.fix)
                      for each in error.problems]  # fmt: skip
        except NoPlan as clash:
            clashes[name] = clash
    if wrong:
        raise ScenarioError("rivals", wrong)
    return plans, clashes


def _pair(
    payoffs: pd.DataFrame, pair: tuple[str, str], measure: Payoff, tolerance: float, weights: Mapping[str, float]
) -> list[Any]:
    """One row of the table."""
    one, other = pair
    groups: dict[int, list[str]] = {1: [], -1: [], 0: []}
    for key, stands, first, second in zip(*(payoffs[name] for name in ("id", STANDS, *pair)), strict=True):
        change = measure.change(second, first)
        prefers = 0 if abs(change) <= tolerance * abs(stands) else 1 if change > 0 else -1
        groups[prefers].append(key)
    counts = [len(groups[sign]) for sign in (1, -1, 0)]
    held = [float(sum(weights.get(key, 0.0) for key in groups[sign])) for sign in (1, -1)]
    winner = one if counts[0] > counts[1] else other if counts[1] > counts[0] else ""
    return [one, other, *counts, *held, winner]


def _beats(table: pd.DataFrame, names: list[str]) -> dict[str, list[str]]:
    """For each rival, those that it beats."""
    beats: dict[str, list[str]] = {name: [] for name in names}
    for row in table.itertuples():
        if row.winner:
            beats[row.winner].append(row.other if row.winner == row.one else row.one)
    return beats


def _cycles(beats: Mapping[str, list[str]]) -> list[list[str]]:
    """A shortest cycle through each rival that is on one, each cycle once."""
    found: dict[frozenset[str], list[str]] = {}
    for start in beats:
        cycle = _back_to(start, beats)
        if cycle:
            found.setdefault(frozenset(cycle), cycle)
    return list(found.values())


def _back_to(start: str, beats: Mapping[str, list[str]]) -> list[str]:
    """A shortest way along who beats whom from a rival back to itself; [] where there is none."""
    ways, seen = [[start]], {start}
    while ways:
        longer = []
        for way in ways:
            for name in beats[way[-1]]:
                if name == start:
                    return way
                if name not in seen:
                    seen.add(name)
                    longer.append([*way, name])
        ways = longer
    return []


__all__ = ["STANDS", "Rivals", "pairwise"]
