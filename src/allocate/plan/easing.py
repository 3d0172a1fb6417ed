"""What easing one limit by one unit is worth, whatever else stands at its end.

Where several limits hold the same lines, the price of easing them is divided between them as the solver happened to:
easing one alone may be worth less, or nothing. What it is worth is the best change of the plan that one unit more of
room lets happen: a linear program in pounds more and less on each line, with every other limit, bound and envelope
that is at its end kept.
"""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np

from allocate.compiler import Arrays
from allocate.engine.highs import Impossible, Solver
from allocate.errors import EngineError
from allocate.plan.margins import ROOM, View
from allocate.plan.moves import POUND

Array = np.ndarray
FAR = 100.0
"""How many times the eased pounds may move on a line: beyond, what arithmetic leaves of a difference would add up."""
NOTHING, SAME_PRICE = 1e-3, 1e-2
"""A worth below this share of the price is none; one that is short of it by no more than this share is the price."""


def worth_of_easing(view: View, limit: int) -> float:
    """What one unit more room in a limit is worth, in units of the aim: at most its price, and 0 where it has none."""
    price = abs(float(view.limit_price[limit]))
    if not price or _unit(view)[limit] <= 0:
        return price
    room = np.zeros((2, len(view.problem.limits)))
    room[1 if view.limit_price[limit] > 0 else 0, limit] = 1.0
    try:
        gain = _best(view, room) - _best(view, None)
    except (Impossible, EngineError):
        return price
    worth = min(gain * _scale(view) / _unit(view)[limit], price)
    if worth > (1.0 - SAME_PRICE) * price:
        return price
    return worth if worth > NOTHING * price else 0.0


def dearest(view: View, limits: Array) -> tuple[float, int]:
    """Of these limits, the worth of easing the one that it is worth most, by `step_of`, and which that is."""
    steps = np.array([abs(view.limit_price[i]) * step_of(view, int(i)) for i in limits])
    best, found = 0.0, int(limits[0])
    for k in np.argsort(-steps, kind="stable"):
        # A worth is at most the price: once the next price is less than what is found, nothing is left to find.
        if steps[k] <= best:
            break
        worth = worth_of_easing(view, int(limits[k])) * step_of(view, int(limits[k]))
        best, found = (worth, int(limits[k])) if worth > best else (best, found)
    return best, found


def priced_limits(view: View, owner: str) -> Array:
    """The limits of a rule or resource that have a price: their numbers."""
    mine = np.array([limit.owner == owner for limit in view.problem.limits], dtype=bool)
    return np.flatnonzero(mine & (view.limit_price != 0) & (view.ends[0] | view.ends[1]))


def step_of(view: View, limit: int) -> float:
    """By how much a limit is told to be eased: a round sum of pounds, or 1% of what is measured otherwise."""
    told = view.problem.limits[limit]
    end = told.high if view.limit_price[limit] > 0 else told.low
    return view.little if told.measure == "spend" else 0.01 * abs(end)


def worth_of_all(view: View, owner: str) -> float:
    """What easing every limit of a rule that stands at an end, by what each is told to be eased, is worth together: for
    a rule whose parts hold one another, so that easing one alone is worth nothing."""
    mine = np.array([limit.owner == owner for limit in view.problem.limits], dtype=bool)
    unit, ends = _unit(view), np.array([view.ends[0] & mine, view.ends[1] & mine])
    steps = np.zeros(ends.shape)
    for limit in np.flatnonzero(ends.any(axis=0) & (unit > 0)):
        told = view.problem.limits[limit]
        for end, figure in enumerate((told.low, told.high)):
            steps[end, limit] = ends[end, limit] * (view.little if told.measure == "spend" else 0.01 * abs(figure))
        steps[:, limit] /= unit[limit]
    most = float(steps.max(initial=0.0))
    if not most:
        return 0.0
    try:
        gain = _best(view, steps / most) - _best(view, None)
    except (Impossible, EngineError):
        return 0.0
    return gain * most * _scale(view) if gain > NOTHING else 0.0


def _unit(view: View) -> Array:
    """Per limit, its largest effect of a pound: what one pound on a line, or along a route, is of its unit."""
    return np.maximum(view.effects.largest(), view.problem.route_rows.largest())


def _scale(view: View) -> float:
    return float(max(view.worth.max(initial=0.0), view.price.max(initial=0.0), 1e-300))


def _best(view: View, room: Array | None) -> float:
    """The best change of the plan by small sums, with so much more room at the lower and the upper end of each limit
    (in what a pound is of it; None for none); in units of the dearest pound."""
    arrays = _local_of(view)
    if room is not None:
        more = np.zeros((2, len(arrays.row_lower)))
        more[:, : room.shape[1]] = room
        # What bends has no firm end: where it stands among its bands moves as its ends do.
        soft = np.isin(np.arange(len(arrays.row_lower)), view.problem.soft)
        lower, upper = -more[0] + soft * more[1], more[1] - soft * more[0]
        arrays = replace(arrays, row_lower=arrays.row_lower + lower, row_upper=arrays.row_upper + upper)
    return float(arrays.cost @ Solver(arrays).run(10.0).columns)


_programs: WeakKeyDictionary[View, Arrays] = WeakKeyDictionary()


def _local_of(view: View) -> Arrays:
    """The program of a plan, made once."""
    found = _programs.get(view)
    if found is None:
        found = _programs[view] = _local(view)
    return found


def _local(view: View) -> Arrays:
    """The program: columns are pounds more on each line, pounds less, and pounds more and less along each route; rows
    are limits (in what a pound is of each), then envelopes."""
    problem, flows = view.problem, view.solved.optimum.flows
    lines, routes, limits = len(flows.spend), len(flows.moved), len(problem.limits)
    effort = problem.curves.effort(flows.spend)
    worth = [
        (problem.weight * problem.curves.marginal(np.maximum(effort + step, 0.0))) @ problem.feeds
        for step in (POUND, -POUND)
    ]
    cost = np.concatenate([worth[0], -worth[1], np.zeros(2 * routes)]) / _scale(view)
    able = [
        flows.spend < problem.high - ROOM, flows.spend > problem.low + ROOM,
        flows.moved < problem.route_high - ROOM, flows.moved > ROOM,
    ]  # fmt: skip
    upper = np.where(np.concatenate(able), FAR, 0.0)
    low, high = view.ends
    firm = ~np.isin(np.arange(limits), problem.soft)
    ends_low = np.concatenate([np.where(low | ~firm, 0.0, -np.inf), np.full(len(problem.amount), -np.inf)])
    spent = view.unspent < POUND
    ends_high = np.concatenate([np.where(high | ~firm, 0.0, np.inf), np.where(spent, 0.0, np.inf)])
    entries = _entries(view, lines, routes, limits)
    bent_cost, bent_upper, bent = _bending(view, len(cost))
    both = [np.concatenate(each) for each in zip(entries, bent, strict=True)]
    return _compressed(
        np.append(cost, bent_cost), np.append(upper, bent_upper), ends_low, ends_high, (both[0], both[1], both[2])
    )


def _bending(view: View, first: int) -> tuple[Array, Array, tuple[Array, Array, Array]]:
    """Columns from `first` on for limits that bend: what a little more, then a little less, of each costs at the price
    of the band that it is in or comes to; costs, upper bounds and entries."""
    problem, flows = view.problem, view.solved.flows
    soft, stand = np.asarray(problem.soft, dtype=int), problem.stand(flows.spend, flows.moved)
    (below, above), (least, most) = stand.marginal(), stand.between
    # Inside a band a unit either way costs the band's own price; at a corner, that of the next.
    below = np.where(view.body - least <= POUND, below, stand.toll)[soft]
    above = np.where(most - view.body <= POUND, above, stand.toll)[soft]
    unit = _unit(view)[soft] / _scale(view)
    can = np.concatenate([np.isfinite(above), np.isfinite(below)])
    cost = np.where(can, np.concatenate([-above, below]), 0.0) * np.tile(unit, 2)
    columns = first + np.arange(2 * len(soft))
    sign = np.concatenate([-np.ones(len(soft)), np.ones(len(soft))])
    return cost, np.where(can, FAR, 0.0), (np.tile(soft, 2), columns, sign)


def _entries(view: View, lines: int, routes: int, limits: int) -> tuple[Array, Array, Array]:
    """Row, column and value of every entry."""
    problem, matrix, moving = view.problem, view.effects, view.problem.route_rows
    unit = np.maximum(_unit(view), 1e-300)
    value, toll = matrix.values / unit[matrix.rows], moving.values / unit[moving.rows]
    each, route = np.arange(lines), np.arange(routes)
    more, less = 2 * lines + route, 2 * lines + routes + route
    one, along = np.ones(lines), np.ones(routes)
    payer, source, target = limits + problem.envelope_of_line, limits + problem.source, limits + problem.target
    parts = (
        (moving.rows, 2 * lines + moving.columns, toll), (moving.rows, 2 * lines + routes + moving.columns, -toll),
        (matrix.rows, matrix.columns, value), (matrix.rows, lines + matrix.columns, -value),
        (payer, each, one), (payer, lines + each, -one),
        (source, more, along), (source, less, -along), (target, more, -along), (target, less, along),
    )  # fmt: skip
    row, column, entry = (np.concatenate(each) for each in zip(*parts, strict=True))
    return row, column, entry


def _compressed(
    cost: Array, upper: Array, low: Array, high: Array, entries: tuple[Array, Array, Array]
) -> Arrays:  # fmt: skip
    row, column, value = entries
    entries = row, column, np.where(np.abs(value) < 1e-8, 0.0, value)
    return Arrays.of(cost, np.zeros(len(cost)), upper, low, high, entries)


__all__ = ["dearest", "priced_limits", "step_of", "worth_of_all", "worth_of_easing"]
