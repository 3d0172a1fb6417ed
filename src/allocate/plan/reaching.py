"""Goal-seek: the least more money that lets targets be reached, and the plan with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from allocate.engine.clash import no_plan
from allocate.engine.highs import Impossible
from allocate.engine.optimum import Options
from allocate.engine.oracle import Oracle, Over, firm
from allocate.engine.piece import Clash, solved_whole
from allocate.engine.problem import Problem
from allocate.engine.raising import Sources, least_money
from allocate.engine.watch import Stopped, Watch
from allocate.engine.ways import path_of
from allocate.errors import EngineError, NoPlan, ScenarioError
from allocate.errors import Problem as Wrong
from allocate.plan.figures import pounds
from allocate.plan.plan import Plan, solve
from allocate.plan.words import some
from allocate.rules.kinds import binding_rules
from allocate.scenario.checks import FAR
from allocate.scenario.scenario import Scenario
from allocate.scenario.words import suggestion

Array = np.ndarray
MOST = 1e13
"""Pounds that an envelope may hold."""
FINE = 1e-8
"""The part of all the money to which the last pounds are settled: plans are in whole pounds, and are found over slices
that lie below their curves, so that a little more than the least may be needed."""
DOUBLINGS = 24
PENNY, LITTLE = 0.01, 0.01


@dataclass(frozen=True, eq=False)
class Goal:
    """What it takes to reach targets.

    amount    the pounds more, in all; nothing where the targets can be reached as it is
    bound     the pounds more below which it is proved, independently of the solver, that nothing reaches them
    plan      the plan with so much more money: the best that reaches the targets
    money     one row an envelope that may get more: envelope, year, holder, amount (before), more (both £)
    change    the what-if, targets and envelopes, path to value, for `Scenario.change`
    sentence  the answer in words
    """

    amount: float
    bound: float
    plan: Plan
    money: pd.DataFrame
    change: Mapping[str, Any]
    sentence: str

    def __repr__(self) -> str:
        return f"Goal({self.sentence!r})"


def reach(
    scenario: Scenario,
    targets: Mapping[str, Any],
    *,
    envelopes: str | Sequence[str] | None = None,
    in_proportion: bool = False,
    seconds: float = 60.0,
    watch: Watch | None = None,
) -> Goal:
    """The least more money that lets a plan reach these targets, every rule kept.

    `targets` is a change (`Scenario.change`) of rules: those to keep besides the book's, as `{"rules.goal": {"kind":
    "reach", "outcome": "health", "amount": 2_000, "where": {"places": ["north"]}}}`, or figures of the book's own, as
    `{"rules.left-shift.at_least": 0.3}`. Any kind does: `per-head` for spending (or an outcome) for each person,
    `fair_share_rule` for a place's part of its fair share. A rule without an owner gets the holder of the first
    envelope, as nobody has agreed to it yet.

    The money is added to `envelopes` (an id, several, or `core.2026/27` for one year of it; all of them if left out):
    wherever the least does it, or `in_proportion` to what they hold. The least sum is found by linear programming
    (yes/no choices: with branch and bound), drawn together until it is exact, then raised to the least for which
    `solve` has a plan, to the pound or a hundred-millionth of all the money.

    An envelope may come to three times what its lines spend today, as in any scenario. Raises NoPlan where not even
    that much does, ScenarioError where the targets or envelopes cannot be accepted even so, Stopped where it was
    stopped, and EngineError where there was no time.
    """
    watch, rows = watch or Watch(), _rows(scenario, envelopes)
    watch.begin(seconds)
    search = _Search(scenario, _owned(scenario, targets, rows), rows, in_proportion, watch)
    try:
        return search.goal(*search.least())
    except Over:
        if watch.stopped:
            raise Stopped from None
        raise EngineError("out of time before it was known what the targets take") from None


def fair_share_rule(scenario: Scenario, place: str, at_least: float = 1.0) -> dict[str, Any]:
    """A rule for `reach`, or for the book (which wants an owner): that a place gets at least so much of its fair share,
    1 for all of it. Its fair share is its part by need of the money that goes by need in places without places inside
    them, as `Plan.places` has it. Raises ValueError for a place or a part of which there is none."""
    places, lines, envelopes = (scenario.table(name) for name in ("places", "lines", "envelopes"))
    leaves = places[~places["id"].isin(places["parent"].dropna())]
    need = dict(zip(leaves["id"], leaves["need"], strict=True))
    purses = sorted(set(envelopes.loc[envelopes["by_need"] == "yes", "id"]) & set(lines["envelope"]))
    if not need.get(place, math.nan) > 0 or not purses:
        raise ValueError(
            f"{place!r} has no fair share: it takes need, no places inside it, and money that goes by need"
        )
    base = sorted(set(leaves["id"]) & set(lines.loc[lines["envelope"].isin(purses), "place"]))
    share = at_least * need[place] / float(np.nansum(list(need.values())))
    if not 0 <= share <= 1:
        raise ValueError(f"{at_least!r} of its fair share would be {share:.6g} of the money, which is no part of it")
    return {
        "kind": "share", "where": {"places": [place], "envelopes": purses}, "at_least": share,
        "of": {"places": base, "envelopes": purses},
    }  # fmt: skip


def _rows(scenario: Scenario, asked: str | Sequence[str] | None) -> Array:
    """The rows of the envelopes that are asked for. Raises ScenarioError with all names that are none."""
    table = scenario.table("envelopes")
    ids, years = table["id"].to_numpy(dtype=object), table["year"].to_numpy(dtype=object)
    names = ids if asked is None else [asked] if isinstance(asked, str) else list(asked)
    both = ids + "." + years
    known = {*ids, *both}
    wrong = [
        Wrong("envelopes", "is no envelope of the scenario", value=str(name), fix=suggestion(str(name), known))
        for name in names if name not in known
    ]  # fmt: skip
    if wrong or not len(names):
        raise ScenarioError("reach", wrong or [Wrong("envelopes", "names none: there is nowhere to add money")])
    return np.flatnonzero(np.isin(ids, names) | np.isin(both, names))


def _owned(scenario: Scenario, targets: Mapping[str, Any], rows: Array) -> dict[str, Any]:
    """The targets, rules without an owner given to the holder of the first envelope. Raises ScenarioError where there
    are none, or other things among them."""
    wrong = [
        Wrong("targets", "is no rule to keep: a target is one, as rules.goal", value=str(path))
        for path in targets if not str(path).startswith("rules.")
    ]  # fmt: skip
    if wrong or not targets:
        raise ScenarioError("reach", wrong or [Wrong("targets", "names none: there is nothing to reach")])
    holder = scenario.table("envelopes")["holder"].iloc[int(rows[0])]
    return {
        path: {"owner": holder, **value} if isinstance(value, Mapping) else value for path, value in targets.items()
    }


class _Search:
    """A search for the least money: the scenario, the targets as a change, and the rows of the envelopes that may get
    more; pounds come from one source for each of them, or from one for all `in_proportion` to what they hold."""

    def __init__(
        self, scenario: Scenario, targets: dict[str, Any], rows: Array, in_proportion: bool, watch: Watch
    ) -> None:
        self.scenario, self.targets, self.rows, self.watch = scenario, targets, rows, watch
        self.table = scenario.table("envelopes")
        self.held = self.table["amount"].to_numpy(dtype=float)
        mine = self.held[rows]
        if in_proportion and mine.sum() > 0:
            self.mix = np.zeros((1, len(self.held)))
            self.mix[0, rows] = mine / mine.sum()
        else:
            self.mix = np.zeros((len(rows), len(self.held)))
            self.mix[np.arange(len(rows)), rows] = 1.0

    @cached_property
    def most(self) -> Array:
        """The most pounds from each source: what a scenario takes for an envelope, by its lines' baseline."""
        lines = self.scenario.table("lines")
        before = np.bincount(self.scenario.envelope_of_line, lines["baseline"].to_numpy(), len(self.held))
        room = np.maximum(np.floor(np.where(before > 0, FAR * before, MOST)) - self.held, 0.0)
        return np.array([np.floor((room[part > 0] / part[part > 0]).min()) for part in self.mix])

    def least(self) -> tuple[Array, float]:
        """The least pounds more in each envelope, and those in all below which it is proved that nothing does. Raises
        NoPlan, ScenarioError and Over."""
        rich = self._with(self.most @ self.mix)
        oracle = Oracle(rich, self.watch.left(), self.watch)
        try:
            problem, slope = self._poor(oracle.problem)
            found = least_money(oracle, problem, Sources(self.mix, self.most, slope))
        except Impossible:
            raise self._never(no_plan(rich, self.watch.left(), self.watch)) from None
        return found.pounds @ self.mix, found.bound

    def _with(self, extra: Array) -> Scenario:
        return self.scenario.change(self.change(extra))

    def change(self, extra: Array) -> dict[str, Any]:
        """The targets, and what envelopes hold with so much more, in whole pounds."""
        change = dict(self.targets)
        for row in self.rows[extra[self.rows] > PENNY]:
            name, year = self.table["id"].iloc[row], self.table["year"].iloc[row]
            path = path_of(self.scenario, "envelopes", name, year, "amount")
            change[path] = float(math.ceil(self.held[row] + extra[row] - PENNY))
        return change

    def _poor(self, rich: Problem) -> tuple[Problem, Array]:
        """The problem before any money is added, in the shape of the one with all of it, and by how much a pound of
        each source moves the two ends of each limit."""
        ends, slope = rich.terms.ends, np.zeros((*rich.terms.ends.shape, len(self.held)))
        if any("envelopes" in rule.reads for rule in binding_rules(rich.scenario)):
            finite = np.where(np.isfinite(ends), ends, 0.0)
            for row in np.flatnonzero(rich.amount > self.held):
                # A little less only: far less might be refused.
                less = max(1.0, math.floor(LITTLE * (rich.amount[row] - self.held[row])))
                there = rich.amount - self.held - np.where(np.arange(len(self.held)) == row, less, 0.0)
                moved = np.where(np.isfinite(ends), firm(self._with(there)).terms.ends, 0.0)
                slope[:, :, row] = (finite - moved) / less
        poor = replace(rich.terms, ends=ends - slope @ (rich.amount - self.held))
        return replace(rich, amount=self.held, terms=poor), slope @ self.mix.T

    def _never(self, error: NoPlan) -> NoPlan:
        """The error to raise where no money does it."""
        currency, most = self.scenario.heading.currency, float(self.most.sum())
        first = f"No money in {self._named()} would reach this, up to {pounds(most, currency)} more."
        return NoPlan(f"{first} {error.message}", error.easings, error.ways, (), error.together, error.minima)

    def goal(self, extra: Array, bound: float) -> Goal:
        """The plan with the least money that there is one for: a little beyond the least where need be, doubled until
        it does and then halved back. Raises EngineError where there is none."""
        total = float(extra.sum())
        shares = extra / total if total >= 1.0 else self.mix.mean(axis=0)
        step = max(1, round(FINE * float(self.held.sum())))

        def change(steps: int) -> dict[str, Any]:
            return self.change(extra + steps * step * shares)

        short, enough = -1, 0
        while not self._possible(change(enough)):
            short, enough = enough, max(1, 2 * enough)
            if enough > 2**DOUBLINGS:
                raise EngineError("the least money was found, but no plan with it")
        while enough - short > 1:
            middle = (short + enough) // 2
            short, enough = (short, middle) if self._possible(change(middle)) else (middle, enough)
        scenario = self.scenario.change(change(enough))
        return self._goal(solve(scenario, seconds=self.watch.left(), watch=self.watch), bound, change(enough))

    def _possible(self, change: dict[str, Any]) -> bool:
        """Whether there is a plan under a change, without a word on why there is none."""
        try:
            solved_whole(Problem.of(self.scenario.change(change)), Options(self.watch.left()), self.watch)
        except Clash:
            if self.watch.stopped:
                raise Stopped from None
            return False
        return True

    def _goal(self, plan: Plan, bound: float, change: dict[str, Any]) -> Goal:
        """What is answered with this plan."""
        more = plan.scenario.table("envelopes")["amount"].to_numpy(dtype=float) - self.held
        money = self.table[["id", "year", "holder", "amount"]].rename(columns={"id": "envelope"}).assign(more=more)
        money = money.iloc[self.rows].reset_index(drop=True)
        amount = float(more.sum())
        return Goal(amount, min(bound, amount), plan, money, change, self._sentence(plan, more, bound))

    def _sentence(self, plan: Plan, more: Array, bound: float) -> str:
        """For what, what it takes, where, and how sure that is."""
        currency, total = self.scenario.heading.currency, float(more.sum())
        mine = {path.split(".")[1] for path in self.targets}
        rules = [rule.sentence(plan.scenario) for rule in plan.scenario.rules if rule.id in mine and rule.binds]
        asked = "; ".join(rules) or "What is asked"
        if not total:
            return f"{asked}: no more money is needed."
        parts = [f"{_exact(more[row], currency)} in {self._name(row)}" for row in self.rows if more[row] > 0]
        where = f" in {self._name(int(np.argmax(more)))}" if len(parts) == 1 else f" ({some(parts, 4)})"
        proof = f" It is proved that less than {_exact(math.floor(bound), currency)} would not do."
        return f"{asked}: that takes {_exact(total, currency)} more{where}." + (proof if bound >= 1 else "")

    def _named(self) -> str:
        return some(list(dict.fromkeys(self._name(row) for row in self.rows)), 4)

    def _name(self, row: int) -> str:
        """An envelope's name, with its year where there are several."""
        name, year = self.table["name"].iloc[row], self.table["year"].iloc[row]
        return f"{name} {year}" if len(self.scenario.years) > 1 else str(name)


def _exact(amount: float, currency: str) -> str:
    """An amount to the pound, however large."""
    return pounds(amount, currency, millions=False)


__all__ = ["Goal", "fair_share_rule", "reach"]
