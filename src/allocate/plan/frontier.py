"""The price of fairness: how high an aim's score can be for each part of the best plan's gain that is given up for it.

Where today, equal growth and the plan that partners chose lie against that says what they cost, and what they leave
undone. Which aim to go by is a judgement; what it costs is arithmetic, and this shows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from allocate.engine.certificate import Flows, breaches
from allocate.engine.frontier import Tick, Traced, trace
from allocate.engine.optimum import Options
from allocate.engine.piece import Clash, best
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.errors import EngineError, ScenarioError
from allocate.plan.aim import aim_unit, part_in_words, score_in_words, with_aim
from allocate.plan.figures import at_most, number, per_cent
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan, worth_of_a_pound
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve
from allocate.plan.words import capital, count, some, title
from allocate.rules.aims import BottomUp, WorstOff
from allocate.rules.kinds import Fair, aim_of
from allocate.scenario.scenario import Scenario

Array = np.ndarray
TODAY, EQUAL, MOST, FAIREST, CHOSEN = "today", "equal growth", "most benefit", "fairest", "chosen plan"
TARGET = "fair shares"
ON, BELOW, OUTSIDE = "on", "below", "outside"
NEAR = 0.005
"""The part of what fairness can add within which a plan is on the frontier: between two points it is drawn straight,
and a plan in whole pounds is a little off it."""
FINEST = 1e-8
"""Gaps below this part are told as this."""
HALVINGS = 60
POINTS, MANY = 21, 201
COLUMNS = ["point", "name", "given_up", "value", "score", "bound", "gap", "price"]
NAMED = ["name", "given_up", "value", "score", "best", "short", "where", "breaks"]


@dataclass(frozen=True, eq=False)
class Frontier:
    """What fairness costs by one aim. Tables are tidy.

    table  one row a point, the most benefit first and the fairest last: point (from 0), name ('most benefit',
           'fairest', '' between), given_up (the part of the best plan's gain), value (the agreed outcome), score (of
           the aim, in units of its view for one person), bound (what no plan scores more than that gives up no more,
           certified), gap (how far that is, as a part of all that there is to reach), price (the score gained for each
           unit of the agreed outcome given up, since the point before; blank for the first)
    named  one row a plan to hold against it: name ('today', 'equal growth', 'most benefit', 'fairest', 'chosen plan',
           'fair shares' where money goes by need, and any others that were given), given_up, value, score, best (the
           score of the frontier for what it buys; blank where it buys more than any plan that keeps the rules), short
           (how far it is below that; blank outside), where ('on' the frontier, 'below' it, or 'outside' where it breaks
           rules), breaks (which, in words; '' where it keeps them all)
    plans  the plans among those that were solved, by name, in whole pounds

    Of an aim that raises places from the bottom up the score is what the lowest place has; the fairest plan then goes
    on to raise the next, and may buy less than the last point. Points are before rounding to whole pounds. The first
    point's bound is that of giving up one part in a hundred thousand, for less cannot be weighed.
    """

    scenario: Scenario
    """The scenario with the aim in force."""
    aim: Fair
    table: pd.DataFrame
    named: pd.DataFrame
    plans: Mapping[str, Plan]
    growth: float
    """By what part every line rises under equal growth, which is not there where nothing is spent today."""
    discrete: bool
    """Whether there are yes/no choices: then nothing between two points need be possible."""
    whole: bool
    """False where it was stopped before all points were found."""

    @property
    def unit(self) -> str:
        """The unit of value: that of the agreed aim."""
        return aim_unit(self.plans[MOST])

    def said(self, score: float) -> str:
        """A score in words, with its unit: '£2,185.00 a head'."""
        return score_in_words(self.plans[FAIREST], score)

    def best(self, given_up: float) -> float:
        """The score of the frontier where this part of the best gain is given up: between points the straight line,
        which some plan is on or above; with choices that of the point before."""
        given, score = (self.table[name].to_numpy(dtype=float) for name in ("given_up", "score"))
        return _best(given, score, given_up, self.discrete)

    @cached_property
    def rise(self) -> float:
        """What fairness can add to the score of the most benefit."""
        score = self.table["score"]
        return float(score.iloc[-1] - score.iloc[0])

    @property
    def sentences(self) -> list[str]:
        """What fairness costs, then where today, equal growth and the chosen plan lie."""
        said = [self._ends(), self._steps(), *map(self._place, self.named.to_dict("records")), self._assurance()]
        return [sentence for sentence in said if sentence]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {"table": self.table, "named": self.named}

    @property
    def _whose(self) -> str:
        """Whose the score is, in words: 'the worst-off 20% of people'; '' where it is everybody's, balanced."""
        if isinstance(self.aim, WorstOff) and self.aim.part:
            return f"the worst-off {per_cent(self.aim.part, places=0)} of people"
        return "the worst-off place" if isinstance(self.aim, WorstOff | BottomUp) else ""

    @property
    def _flat(self) -> bool:
        """Whether the plan that buys most is the fairest."""
        return len(self.table) < 2 or self.rise <= 1e-6 * abs(float(self.table["score"].iloc[-1]))

    def _ends(self) -> str:
        first, last = self.table.iloc[0], self.table.iloc[-1]
        asked, reached = capital(self.aim.subject(self.scenario)), self.said(last["score"])
        if self._flat:
            return f"{asked}: the plan that buys most is already the fairest by this aim, at {reached}."
        whose = f" for {self._whose}" if self._whose else ""
        given = f"{part_in_words(last['given_up'])} of the best gain"
        least = f"{self.said(first['score'])}{whose}"
        if self.aim.positive and not first["score"]:
            least = "some place with nothing"
        return (
            f"{asked}: {least} in the plan that buys most, {reached} at most, where {given} "
            f"({number(first['value'] - last['value'])} {self.unit}) is given up."
        )

    def _steps(self) -> str:
        """What round parts given up lift the score by."""
        if self._flat:
            return ""
        first, last = self.table.iloc[0], self.table.iloc[-1]
        lifts = [(part, self.best(part) - first["score"]) for part in _round_parts(last["given_up"])]
        lifts = [(part, lift) for part, lift in lifts if lift > 1e-3 * self.rise]
        (part, lift), *others = [*lifts, (last["given_up"], self.rise)]
        told = [f"{part_in_words(part)} by {self.said(lift).split(' ')[0]}" for part, lift in others]
        lead = f"{part_in_words(part)} given up lifts {self._whose or 'that'} by {self.said(lift)}"
        return "; ".join([lead, *told]) + "."

    def _place(self, row: dict[str, Any]) -> str:
        """Where a named plan lies."""
        if row["name"] in (MOST, FAIREST):
            return ""
        grown = f" ({per_cent(self.growth, signed=True)} on every line)" if row["name"] == EQUAL else ""
        known = {TODAY: "Today's spending", EQUAL: "Equal growth", TARGET: "The plan nearest to fair shares"}
        name = (
            known.get(row["name"], f"The plan “{row['name']}”" if row["name"] != CHOSEN else "The chosen plan") + grown
        )
        score, given = self.said(row["score"]), "giving up nothing"
        if row["where"] == OUTSIDE:
            return f"{name} comes to {score}, but is no plan: it breaks {row['breaks']}."
        if row["given_up"] > 1e-6:
            given = f"giving up {part_in_words(row['given_up'])}"
        if row["where"] == ON:
            return f"{name} is on the frontier, at {score}, {given}: no plan that buys as much is fairer."
        best = f"{self.said(row['best'])} can be had without giving up more"
        return f"{name} is below the frontier, at {score}, {given}: {best}."

    def _assurance(self) -> str:
        told = "" if self.whole else "It was stopped before all points were found. "
        gap = float(self.table["gap"].iloc[1:].max()) if len(self.table) > 1 else 0.0
        few = at_most(100 * max(gap, FINEST))
        return f"{told}No plan that gives up as little as a point is fairer by over {few}% of what there is to reach."


def _round_parts(end: float, most: int = 2) -> list[float]:
    """The largest round parts well below an end: 0.01, 0.02 of 0.0242."""
    if not end > 0:
        return []
    low = math.floor(math.log10(end)) - 1
    parts = [factor * 10.0**power for power in (low, low + 1) for factor in (1, 2, 5)]
    return [round(part, 12) for part in parts if part < 0.95 * end][-most:]


def _best(given: Array, score: Array, at: float, discrete: bool) -> float:
    if not discrete:
        return float(np.interp(at, given, score))
    return float(score[max(int(np.searchsorted(given, at, side="right")) - 1, 0)])


def frontier(
    scenario: Scenario,
    aim: Mapping[str, Any] | None = None,
    *,
    points: int = POINTS,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
    others: Mapping[str, Plan] | None = None,
) -> Frontier:
    """What fairness costs, as `Frontier` has it: benefit against an aim's score at so many points.

    `aim` has a rule's fields, such as {"kind": "worst-off", "view": "spend", "part": 0.2}, and need not say whose it
    is; left out, it is the aim in force. What it says may be given up only counts for the chosen plan, which is the
    scenario's own. There are fewer points where so many could not be told apart, or where some would leave the aim
    without meaning. `seconds` bounds each named plan, and then all the points. `tick(done, total)` is told how far it
    is; once it returns False, or `watch` is stopped, what is left of the points is left out. `solve` may be one that
    remembers what it has solved. `others` are more plans over the same lines to hold against it, by name: one that is
    told from above, say.

    Raises ValueError where there is no aim, or for fewer than 2 points or more than 201; ScenarioError where the aim is
    none of this scenario; NoPlan where the rules cannot all hold; Stopped where it was stopped before the ends were
    found; EngineError where an answer does not pass its checks.
    """
    if not 2 <= points <= MANY:
        raise ValueError(f"points must be from 2 to {MANY}, not {points!r}")
    aimed = _aimed(scenario, aim)
    rule = aim_of(aimed)
    assert rule is not None
    plans = {MOST: solve(with_aim(scenario, None)), FAIREST: solve(aimed)}
    plans[CHOSEN] = plans[MOST] if aim_of(scenario) is None else solve(scenario)
    if (scenario.table("envelopes")["by_need"] == "yes").any():
        with suppress(ScenarioError):
            plans[TARGET] = solve(with_aim(scenario, {"kind": BottomUp.kind, "view": "fair-share"}))
    plans |= others or {}
    problem = Problem.of(aimed)
    traced = trace(problem, rule, points, Options(seconds), watch or Watch(), tick)
    growth, grown = _grown(problem)
    spends = {TODAY: problem.baseline} | ({EQUAL: grown} if problem.baseline.any() else {})
    table = _table(traced)
    named = _named(problem, traced, table, spends, plans)
    return Frontier(aimed, rule, table, named, plans, growth, traced.discrete, traced.whole)


def _aimed(scenario: Scenario, aim: Mapping[str, Any] | None) -> Scenario:
    """The scenario with an aim, or its own, that says nothing of what may be given up."""
    if aim is not None:
        return with_aim(scenario, {name: value for name, value in aim.items() if name != "give_up"})
    own = aim_of(scenario)
    if own is None:
        raise ValueError("there is no aim: give one, or put one in force in the scenario")
    return scenario if own.give_up is None else scenario.change({f"rules.{own.id}.give_up": None})


def _table(traced: Traced) -> pd.DataFrame:
    """The points as a table; see `Frontier`."""
    table = pd.DataFrame(
        [
            {"point": k, "name": "", "given_up": point.given_up, "value": point.value, "score": point.score,
             "bound": point.bound, "gap": max(0.0, point.bound - point.score) / traced.at_stake}
            for k, point in enumerate(traced.points)
        ]
    )  # fmt: skip
    table.loc[len(table) - 1, "name"] = FAIREST
    table.loc[0, "name"] = MOST
    given, gained = -table["value"].diff(), table["score"].diff()
    table["price"] = gained / given.where(given > 1e-9 * traced.gain)
    return table[COLUMNS]


def _named(
    problem: Problem,
    traced: Traced,
    table: pd.DataFrame,
    spends: Mapping[str, Array],
    plans: Mapping[str, Plan],
) -> pd.DataFrame:
    """The plans to hold against the frontier; see `Frontier`."""
    rows = [_row(problem, name, spend) for name, spend in spends.items()]
    rows += [
        {"name": name, "value": plan.value, "spend": plan._solved.flows.spend, "breaks": ""}
        for name, plan in plans.items()
    ]
    given, score = (table[name].to_numpy(dtype=float) for name in ("given_up", "score"))
    near = max(NEAR * float(score[-1] - score[0]), 1e-6 * traced.at_stake)
    for row in rows:
        row["score"] = traced.score(row.pop("spend"))
        row["given_up"] = (traced.value - row["value"]) / traced.gain
        # A plan in whole pounds may buy a trace more than the best that no rounding has touched, or a trace less.
        row["best"] = _best(given, score, row["given_up"], traced.discrete) if row["given_up"] > -1e-6 else np.nan
        row["short"] = np.nan if row["breaks"] else max(0.0, row["best"] - row["score"])
        row["where"] = OUTSIDE if row["breaks"] else BELOW if row["short"] > near else ON
    return pd.DataFrame(rows)[NAMED]


def _row(problem: Problem, name: str, spend: Array) -> dict[str, Any]:
    """What pounds on lines buy, and whether they keep the rules."""
    flows = _moved(problem, spend)
    moved = np.zeros(len(problem.route_high)) if flows is None else flows.moved
    bought = problem.weight @ problem.curves.gain(problem.curves.effort(spend))
    value = float(bought) if flows is None else problem.value(spend, moved)
    return {"name": name, "value": value, "spend": spend, "breaks": _breaks(problem, spend) if flows is None else ""}


def _grown(problem: Problem) -> tuple[float, Array]:
    """Equal growth: by what part every line rises where all the money is spent, each line within its own least and
    most, and what is then spent on it."""
    started = problem.baseline > 0
    least = np.where(problem.choices, np.where(started, problem.scale, 0.0), problem.low)
    money = float(problem.amount.sum())

    def spent(factor: float) -> Array:
        return np.clip(problem.baseline * factor, least, problem.high)

    # Beyond this every line is at its own most.
    low, high = 0.0, float((problem.high[started] / problem.baseline[started]).max(initial=1.0))
    if spent(high).sum() <= money:
        low = high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if spent(middle).sum() <= money else (low, middle)
    return low - 1.0, spent(low)


def _moved(problem: Problem, spend: Array) -> Flows | None:
    """These pounds on lines, with the money moved to where it is spent; None where no moves let every rule hold."""
    held = replace(
        problem, low=spend, high=spend, scale=np.zeros(len(spend)), weight=np.zeros(len(problem.weight)), around=None
    )
    try:
        flows = best(held, Options(), Watch(), lambda session, within, found: found.flows, based=False, settle=False)
    except (Clash, EngineError):
        return None
    return None if breaches(problem, flows, POUND) else flows


def _breaks(problem: Problem, spend: Array) -> str:
    """What pounds on lines break, in words: rules by name, lines beyond their own least or most; or else, money that
    cannot be moved to where it would be spent."""
    closed = problem.choices & (spend <= POUND)
    low = np.where(problem.choices, problem.scale, problem.low)
    lines = int((((spend < low - POUND) & ~closed) | (spend > problem.high + POUND)).sum())
    found = [f"the bounds of {count(lines, 'line')}"] if lines else []
    body, (under, over) = problem.bodies(spend, np.zeros(len(problem.route_high))), problem.room
    slip = POUND * worth_of_a_pound(problem, spend) + 1e-9 * np.abs(body)
    kept = (problem.limit_low - under - slip <= body) & (body <= problem.limit_high + over + slip)
    # What counts money moved is not known before it is.
    spoken = problem.owned & (problem.route_rows.largest() == 0)
    owners = dict.fromkeys(problem.limits[row].owner for row in np.flatnonzero(~kept & spoken))
    found += [title(owner.removeprefix("resource ")) for owner in owners]
    return some(found) if found else "the envelopes: no moves bring the money to where it would be spent"


__all__ = ["CHOSEN", "EQUAL", "FAIREST", "MOST", "TODAY", "Frontier", "frontier"]
