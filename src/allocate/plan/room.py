"""The room that a rule leaves: how far its limits, or the routes that it opens, are from their ends."""

from __future__ import annotations

import numpy as np

from allocate.plan.figures import number, pounds
from allocate.plan.margins import View, view_of
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.scenario.rulebook import Rule

Array = np.ndarray


def asks_of_money(plan: Plan, rule: Rule) -> bool:
    """Whether a rule has any limit, or opens any route: one that asks for a report has neither."""
    return bool(rule.openings(plan.scenario)) or bool(_mine(view_of(plan), rule).any())


def stands(plan: Plan, rule: Rule) -> bool:
    """Whether a rule does anything at the margin: it stands at an end somewhere, or money moves along what it opens."""
    view = view_of(plan)
    return bool((at_end(view) & _mine(view, rule)).any()) or bool(view.solved.flows.moved[opened_by(view, rule)].any())


def at_end(view: View) -> Array:
    return view.ends[0] | view.ends[1]


def _mine(view: View, rule: Rule) -> Array:
    """Which limits are a rule's: booleans."""
    return np.array([limit.owner == rule.id for limit in view.problem.limits], dtype=bool)


def opened_by(view: View, rule: Rule) -> Array:
    """The rows of the routes that a rule opens."""
    opened = rule.openings(view.scenario)
    if not opened:
        return np.zeros(0, dtype=int)
    routes = view.scenario.table("routes")
    keys = zip(routes["id"], routes["year"], strict=True)
    return np.flatnonzero([key in opened for key in keys])


def room_of(plan: Plan, rule: Rule) -> tuple[str, float, str]:
    """The least room that a rule leaves: in words, as a number, and its unit ('' and blank where it counts nothing)."""
    view = view_of(plan)
    mine = _mine(view, rule)
    if not mine.any():
        return _room_of_routes(view, rule)
    slack = np.minimum(view.body - view.problem.limit_low, view.problem.limit_high - view.body)
    least = int(np.flatnonzero(mine)[np.argmin(slack[mine])])
    measure, left = view.problem.limits[least].measure, float(slack[least])
    units = dict(zip(plan.scenario.outcomes["id"], plan.scenario.outcomes["unit"], strict=True))
    unit = view.currency if measure == "spend" else units.get(measure, "")
    size = pounds(abs(left), view.currency) if measure == "spend" else f"{number(abs(left))} {unit}".strip()
    ends = at_end(view) & mine
    if rule.bends and left < 0 and not _rounding(view, least, -left):
        return f"bent by {size}", left, unit
    if ends.any():
        words = "none" if mine.sum() == 1 else f"none in {int(ends.sum())} of {int(mine.sum())} parts"
        return words, max(left, 0.0), unit
    return size, left, unit


def _rounding(view: View, limit: int, less: float) -> bool:
    """Whether an amount beyond an end is what whole pounds leave."""
    pound = float(np.abs(view.effects.dense(np.array([limit]))).max(initial=0.0))
    return less <= 8.0 * max(pound, 1e-7 * abs(float(view.body[limit])))


def _room_of_routes(view: View, rule: Rule) -> tuple[str, float, str]:
    """The room of a rule without limits: what is left of the routes that it opens."""
    routes = opened_by(view, rule)
    if not len(routes):
        return "counts nothing", np.nan, ""
    left = view.problem.route_high[routes] - view.solved.flows.moved[routes]
    least = max(float(left.min()), 0.0)
    if least >= POUND:
        return f"{pounds(least, view.currency)} not used", least, view.currency
    full = int((left < POUND).sum())
    return "none" if len(routes) == 1 else f"none in {full} of {len(routes)} parts", least, view.currency


__all__ = ["asks_of_money", "at_end", "opened_by", "room_of", "stands"]
