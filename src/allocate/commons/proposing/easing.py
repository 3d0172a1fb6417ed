"""Easier or stricter: one rule against another by what each asks of given spending, without a solve.

A rule's figure may pull either way (a floor's amount, a cap's amount), and a kind that is not written yet may have
figures of any sense. So nothing here knows a kind: limits are asked what room they leave. An aim has none: another
always asks less of something, and it never leaves a plan as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from allocate.engine.certificate import Flows, bodies
from allocate.engine.problem import Problem
from allocate.errors import ScenarioError
from allocate.plan.plan import Plan, worth_of_a_pound
from allocate.rules.kinds import Fair
from allocate.rules.tally import CHOICE
from allocate.scenario.rulebook import Rule, record
from allocate.scenario.scenario import Scenario

Array = np.ndarray
Room = dict[tuple[str, str], float]
"""By limit (its part) and end, how much room it leaves; less than nothing where it is broken."""
TRACE = 1e-9
A_FEW_POUNDS = 2.0
DOUBLINGS = 60
HALVINGS = 26


def easier(old: Rule, new: Rule, stands: Scenario, proposed: Scenario, plan: Plan) -> bool:
    """Whether the new rule asks less than the old one anywhere: it has not all of its limits, leaves one of them more
    room, or opens more of a route. Judged by what stands, by every line getting something, and by today."""
    if isinstance(old, Fair):
        return True
    problems = [Problem.of(scenario) for scenario in (stands, proposed)]
    for flows in _samples(plan):
        was, now = (room(problem, old.id, flows) for problem in problems)
        if was.keys() - now.keys():
            return True
        if _chosen(problems[0], old.id, flows) != _chosen(problems[1], old.id, flows):
            # Where the two choose otherwise, what a choice lets a line do compares nothing; how many there are does.
            was = {key: was[key] for key in was.keys() - _let_by_choice(problems[0], old.id)}
        if any(now[key] > was[key] + TRACE * max(1.0, abs(was[key])) for key in was):
            return True
    opened, opens = old.openings(stands), new.openings(proposed)
    return any(amount > opened.get(key, 0.0) for key, amount in opens.items())


def _samples(plan: Plan) -> list[Flows]:
    """Flows to judge by: the plan's, and a little on every line and route besides, no two alike, so that any
    coefficient that differs shows."""
    spend, moved = plan._solved.flows.spend, plan._solved.flows.moved
    every, more = (each + 1e4 * (1.0 + np.arange(len(each)) / max(len(each), 1)) for each in (spend, moved))
    return [Flows(spend, moved), Flows(every, more), Flows(plan._solved.problem.baseline + every, 2 * more)]


def room(problem: Problem, owner: str, flows: Flows) -> Room:
    """The room that each limit of a rule leaves under these flows, by its part and its end ('low' or 'high')."""
    body = bodies(problem, flows)
    found: Room = {}
    for row, limit in enumerate(problem.limits):
        if limit.owner == owner:
            ends = (("low", body[row] - limit.low), ("high", limit.high - body[row]))
            found |= {(limit.part, end): float(left) for end, left in ends if np.isfinite(left)}
    return found


def _chosen(problem: Problem, owner: str, flows: Flows) -> dict[str, float]:
    """What the choices of a rule are under these flows."""
    picks = dict(zip(problem.terms.picks, problem.picks(flows.spend, flows.moved), strict=True))
    return {name: value for name, value in picks.items() if name.startswith(f"{owner}[")}


def _let_by_choice(problem: Problem, owner: str) -> set[tuple[str, str]]:
    """The limits of a rule whose ends a choice moves, each at both ends."""
    rows = set(problem.pick_rows.rows.tolist())
    moved = [
        limit.part for row, limit in enumerate(problem.limits)
        if row in rows and limit.owner == owner and limit.measure != CHOICE
    ]  # fmt: skip
    return {(part, end) for part in moved for end in ("low", "high")}


def at_rest(plan: Plan, scenario: Scenario, rule: Rule, figure: str) -> float | None:
    """The value of a rule's figure nearest to its own at which the rule, alone with that figure, leaves a plan as it
    is. None where no value does."""
    if isinstance(rule, Fair):
        return None
    alone = _only(rule, figure)
    value = float(alone[figure])

    def rests(tried: float) -> bool:
        return _kept(plan, scenario, rule.id, alone | {figure: tried})

    if rests(value):
        return value
    first = max(abs(value), 0.01) * 0.01
    tried = {0.0, -1.0, 1.0, *(value + sign * first * 2.0**k for k in range(DOUBLINGS) for sign in (-1.0, 1.0))}
    for far in sorted(tried, key=lambda each: abs(each - value)):
        if rests(far):
            return _last(rests, far, value)
    return None


def _last(rests, far: float, near: float) -> float:
    """The value furthest from one that rests, towards one that does not, at which the rule still rests."""
    for _ in range(HALVINGS):
        middle = (far + near) / 2
        far, near = (middle, near) if rests(middle) else (far, middle)
    return far


def _only(rule: Rule, figure: str) -> dict[str, Any]:
    """A rule's record with this figure, in force, and without the other figures that it may lack."""
    fields = type(rule).model_fields
    others = [name for name in rule.figures if name != figure and fields[name].default is None]
    return {key: value for key, value in record(rule).items() if key not in (*others, "in_force")}


def _kept(plan: Plan, scenario: Scenario, rule: str, fields: Mapping[str, Any]) -> bool:
    """Whether a plan keeps a rule with these fields, to a few pounds."""
    try:
        changed = scenario.change({f"rules.{rule}": dict(fields)})
    except ScenarioError:
        return False
    problem, flows = Problem.of(changed), plan._solved.flows
    body, slip = bodies(problem, flows), A_FEW_POUNDS * worth_of_a_pound(problem, flows.spend)
    mine = np.array([limit.owner == rule for limit in problem.limits], dtype=bool)
    kept = (problem.limit_low - slip <= body) & (body <= problem.limit_high + slip)
    return bool(kept[mine].all())


__all__ = ["at_rest", "easier", "room"]
