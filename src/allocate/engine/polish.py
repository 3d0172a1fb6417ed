"""From a nearly best plan to the best one: Newton's method on the limits that bind.

Straight slices find which lines are free and which limits bind; on those, the conditions for the best plan (every
free pound worth the same, once prices are paid) are smooth equations, and Newton's method solves them to the penny.
The active-set safeguard drops lines onto their bounds and picks up limits as they are reached (Nocedal and Wright,
Numerical Optimization, 2nd ed., chapter 16). The certificate judges the result, so this step need not be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocate.engine.certificate import Flows, Prices, bodies
from allocate.engine.problem import Problem

Array = np.ndarray
ROUNDS = 30


@dataclass
class _Active:
    """Which lines and routes are free, and which limits and envelopes bind; booleans."""

    lines: Array
    routes: Array
    limits: Array
    envelopes: Array


def polish(problem: Problem, flows: Flows, prices: Prices) -> tuple[Flows, Prices]:
    """The best plan near this one, and its exact prices; whatever it reaches if it does not converge."""
    active = _active(problem, flows, prices)
    spend, moved = flows.spend.copy(), flows.moved.copy()
    corner = _corners(problem, spend)
    for _ in range(ROUNDS):
        step, multipliers = _newton_step(problem, spend, moved, active, prices, corner)
        d_spend, d_moved = step
        share, blocker = _longest_step(problem, spend, moved, d_spend, d_moved, active)
        spend, moved = spend + share * d_spend, moved + share * d_moved
        prices = multipliers
        if blocker is not None:
            _block(active, blocker, problem, spend, moved)
        elif np.abs(d_spend).max(initial=0.0) < 1e-4 and np.abs(d_moved).max(initial=0.0) < 1e-4:
            break
    return Flows(spend, moved), prices


def _active(problem: Problem, flows: Flows, prices: Prices) -> _Active:
    low = np.where(problem.choices & (flows.spend > 1.0), problem.scale, problem.low)
    top = np.where(problem.choices & (flows.spend <= 1.0), 0.0, problem.high)
    near = 1e-9 * problem.units.money * 1e6
    inside = (flows.spend > low + near) & (flows.spend < top - near)
    free_routes = (flows.moved > near) & (flows.moved < problem.route_high - near)
    scale = np.abs(prices.envelope).max(initial=1e-300)
    return _Active(
        inside, free_routes, np.abs(_weighed(problem, prices)) > 1e-7, np.abs(prices.envelope) > 1e-7 * scale
    )


def _weighed(problem: Problem, prices: Prices) -> Array:
    """Limit prices in solver units, where those of limits that do not bind are noise near zero."""
    size = np.array([problem.units.of_measure(limit.measure) for limit in problem.limits])
    return prices.limit * size / problem.units.value


def _corners(problem: Problem, spend: Array) -> list[int]:
    """Curves given by points that sit at a corner: their effort stays."""
    effort = problem.curves.effort(spend)
    near = 1e-6 * problem.units.money
    return [
        q for q, points in enumerate(problem.curves.points)
        if points is not None and np.abs(points[0] - effort[q]).min() < near
    ]  # fmt: skip


def _newton_step(problem: Problem, spend: Array, moved: Array, active: _Active, prices: Prices, corner: list[int]):
    """One Newton step on the conditions for the best plan: (spend, moved) changes, and new prices."""
    curves = problem.curves
    effort = curves.effort(spend)
    marginal = curves.marginal(effort)
    weight = problem.weight - prices.limit @ problem.gain_rows
    bend = np.where([curves.bends(q) for q in range(len(curves))], _second(problem, effort), 0.0)
    lines, routes = np.flatnonzero(active.lines), np.flatnonzero(active.routes)
    feeds = np.zeros((len(curves), len(spend)))
    for q, rows in enumerate(curves.lines):
        feeds[q, rows] = 1.0
    rows, gaps = _binding_rows(problem, spend, moved, active, marginal, feeds, corner)
    a = rows[:, np.concatenate([lines, len(spend) + routes]).astype(int)]
    n = len(lines) + len(routes)
    hessian = np.zeros((n, n))
    hessian[: len(lines), : len(lines)] = feeds[:, lines].T @ ((weight * bend)[:, None] * feeds[:, lines])
    gradient = np.concatenate([(problem.weight * marginal) @ feeds[:, lines], np.zeros(len(routes))])
    # Scale pounds and values so that the system's entries are near 1.
    money, value = problem.units.money, problem.units.value
    h = hessian * money * money / value
    a = a * money
    size = np.maximum(np.abs(a).max(axis=1, initial=0.0), 1e-12)
    a, gaps = a / size[:, None], gaps / size
    system = np.block([[h, -a.T], [a, np.zeros((len(a), len(a)))]])
    answer = np.linalg.lstsq(system, np.concatenate([-gradient * money / value, gaps]), rcond=1e-13)[0]
    d_spend, d_moved = np.zeros(len(spend)), np.zeros(len(moved))
    d_spend[lines], d_moved[routes] = answer[: len(lines)] * money, answer[len(lines) : n] * money
    return (d_spend, d_moved), _prices(problem, answer[n:] * value / size, active, corner, marginal, prices)


def _second(problem: Problem, effort: Array) -> Array:
    """Second derivatives of the smooth curves."""
    curves = problem.curves
    safe = np.maximum(effort, 1e-9)
    marginal = curves.marginal(safe)
    curved = -marginal / np.where(curves.shape == "saturation", np.maximum(curves.reference, 1e-12), safe)
    return np.where(curves.shape == "saturation", curved, (1.0 - curves.exponent) * curved)


def _binding_rows(problem, spend, moved, active, marginal, feeds, corner) -> tuple[Array, Array]:
    """Gradients of what binds (over lines, then routes), and how far each is from holding exactly."""
    width = len(spend) + len(moved)
    flows = Flows(spend, moved)
    envelopes = np.flatnonzero(active.envelopes)
    money = np.zeros((len(problem.amount), width))
    money[problem.envelope_of_line, np.arange(len(spend))] = 1.0
    columns = len(spend) + np.arange(len(moved))
    money[problem.source, columns] += 1.0
    money[problem.target, columns] -= 1.0
    limits = np.flatnonzero(active.limits)
    rows = np.zeros((len(limits), width))
    rows[:, : len(spend)] = problem.line_rows[limits] + (problem.gain_rows[limits] * marginal) @ feeds
    body = bodies(problem, spend)[limits]
    low, high = problem.limit_low[limits], problem.limit_high[limits]
    nearer = np.where(np.abs(body - low) < np.abs(high - body), low, high)
    still = np.zeros((len(corner), width))
    still[:, : len(spend)] = feeds[corner]
    gaps = np.concatenate([flows.unspent(problem)[envelopes], nearer - body, np.zeros(len(corner))])
    return np.vstack([money[envelopes], rows, still]), gaps


def _prices(problem, multipliers, active, corner, marginal, old: Prices) -> Prices:
    envelopes, limits = np.flatnonzero(active.envelopes), np.flatnonzero(active.limits)
    envelope, limit = np.zeros(len(problem.amount)), np.zeros(len(problem.limits))
    envelope[envelopes] = multipliers[: len(envelopes)]
    limit[limits] = multipliers[len(envelopes) : len(envelopes) + len(limits)]
    effort = (problem.weight - limit @ problem.gain_rows) * marginal
    effort[corner] = old.effort[corner]
    return Prices(envelope, limit, effort)


def _longest_step(problem: Problem, spend, moved, d_spend, d_moved, active: _Active):
    """How much of a step keeps every bound and every limit that did not bind: (share, what stops it)."""
    low = np.where(problem.choices, problem.scale, problem.low)
    share, blocker = 1.0, None
    candidates = (
        ("line", spend, d_spend, low, problem.high, active.lines),
        ("route", moved, d_moved, np.zeros(len(moved)), problem.route_high, active.routes),
    )
    for name, now, step, least, most, free in candidates:
        for row in np.flatnonzero(free & (step != 0)):
            room = (most[row] - now[row]) if step[row] > 0 else (least[row] - now[row])
            if step[row] * share / room > 1.0 if room != 0 else True:
                share, blocker = max(0.0, room / step[row]), (name, row)
    body, after = bodies(problem, spend), bodies(problem, spend + d_spend)
    for row in np.flatnonzero(~active.limits):
        change = after[row] - body[row]
        bound = problem.limit_high[row] if change > 0 else problem.limit_low[row]
        if np.isfinite(bound) and abs(change) * share > abs(bound - body[row]) + 1e-9 and (after[row] - bound) * change > 0:
            share, blocker = max(0.0, (bound - body[row]) / change), ("limit", row)
    unspent = Flows(spend, moved).unspent(problem)
    left = Flows(spend + d_spend, moved + d_moved).unspent(problem)
    for row in np.flatnonzero(~active.envelopes):
        if left[row] < 0 and (left[row] - unspent[row]) * share < -unspent[row]:
            share, blocker = max(0.0, unspent[row] / (unspent[row] - left[row])), ("envelope", row)
    return share, blocker


def _block(active: _Active, blocker: tuple[str, int], problem: Problem, spend: Array, moved: Array) -> None:
    name, row = blocker
    if name == "line":
        active.lines[row] = False
        low = problem.scale[row] if problem.choices[row] else problem.low[row]
        spend[row] = problem.high[row] if problem.high[row] - spend[row] < spend[row] - low else low
    elif name == "route":
        active.routes[row] = False
        moved[row] = problem.route_high[row] if moved[row] > problem.route_high[row] / 2 else 0.0
    elif name == "limit":
        active.limits[row] = True
    else:
        active.envelopes[row] = True
