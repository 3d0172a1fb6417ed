"""An independent check of a plan, in plain numpy: it uses neither the model nor the solver's word.

Three questions. Does the plan keep every bound, envelope and limit? Is any money lost or made? Could any plan be better?
The last is answered by weak duality (Lagrange): for whatever prices, nobody can do better than

    bound = sum over curves of the most of  w f(E) - r E              E between the least and most effort
          + sum over lines of the most of  (r - p - y a) x            x allowed on that line, nothing-or-enough included
          + what the envelopes and limits are worth at these prices

with f the exact curves, r the price of effort, p of an envelope's money, y of a limit and w the weight of the outcome
less what limits on gains take. Prices may come from anywhere, so the solver need not be trusted; the better they are,
the tighter the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocate.engine.problem import Problem

Array = np.ndarray
PENNY = 0.01
"""Pounds by which a bound may be missed before rounding; rounded plans are held to a millionth of a pound."""


@dataclass(frozen=True, eq=False)
class Prices:
    """What easing would be worth, in units of the aim: per pound of each envelope, per unit of each limit's body (positive
    where its upper end binds, negative where its lower end does), per pound of effort under each curve."""

    envelope: Array
    limit: Array
    effort: Array


@dataclass(frozen=True, eq=False)
class Flows:
    """Everything decided, in pounds: spend per line, moved per route."""

    spend: Array
    moved: Array

    def unspent(self, problem: Problem) -> Array:
        """What is left in each envelope."""
        size = len(problem.amount)
        return (
            problem.amount
            + np.bincount(problem.target, self.moved, size)
            - np.bincount(problem.source, self.moved, size)
            - np.bincount(problem.envelope_of_line, self.spend, size)
        )


@dataclass(frozen=True, eq=False)
class Certificate:
    """What the check found. `breaches` are sentences; `value` and `bound` are in units of the aim; `gap` is what a better
    plan could add at most, as a share of the outcome at stake; `branches` counts the cases a yes/no bound needed."""

    breaches: tuple[str, ...]
    value: float
    bound: float
    gap: float
    branches: int = 1


def certify(problem: Problem, flows: Flows, bound: float, tolerance: float = PENNY, branches: int = 1) -> Certificate:
    """Check a plan against the scenario, and its value against a bound found by `upper_bound`."""
    value = problem.value(flows.spend)
    gap = max(0.0, bound - value) / max(problem.at_stake, 1e-12)
    return Certificate(tuple(breaches(problem, flows, tolerance)), value, bound, gap, branches)


def breaches(problem: Problem, flows: Flows, tolerance: float) -> list[str]:
    """Every bound, envelope and limit that a plan breaks by more than `tolerance` pounds, in words."""
    found = []
    lines = problem.scenario.line_ids
    closed = problem.choices & (flows.spend <= tolerance)
    low = np.where(problem.choices, problem.scale, problem.low)
    short = (flows.spend < low - tolerance) & ~closed
    over = flows.spend > problem.high + tolerance
    for row in np.flatnonzero(short | over):
        found.append(f"{lines[row]} spends {flows.spend[row]:,.2f}, outside {low[row]:,.2f} to {problem.high[row]:,.2f}")
    for row in np.flatnonzero((flows.moved < -tolerance) | (flows.moved > problem.route_high + tolerance)):
        found.append(f"route {row} moves {flows.moved[row]:,.2f}, more than {problem.route_high[row]:,.2f}")
    for row, left in enumerate(flows.unspent(problem)):
        if left < -tolerance:
            found.append(f"envelope {problem.scenario.envelopes['id'][row]} is overspent by {-left:,.2f}")
    body = bodies(problem, flows.spend)
    slip = tolerance * _steepness(problem, flows.spend)
    for limit, amount, allowed in zip(problem.limits, body, slip, strict=True):
        if not limit.low - allowed <= amount <= limit.high + allowed:
            found.append(f"{limit.label}: {amount:,.6f} is outside {limit.low:,.2f} to {limit.high:,.2f}")
    return found


def bodies(problem: Problem, spend: Array) -> Array:
    """Each limit's body at this spend, gains recomputed through the curves."""
    gain = problem.curves.gain(problem.curves.effort(spend))
    return problem.line_rows @ spend + problem.gain_rows @ gain


def _steepness(problem: Problem, spend: Array) -> Array:
    """How much each limit's body can move for a pound's change on one line; at least 1 for limits in pounds."""
    marginal = problem.curves.marginal(problem.curves.effort(spend))
    by_line = np.abs(problem.line_rows).max(axis=1, initial=0.0)
    by_gain = (np.abs(problem.gain_rows) * marginal).sum(axis=1)
    return np.maximum(by_line, by_gain)


def upper_bound(problem: Problem, prices: Prices, opened: Array | None = None, closed: Array | None = None) -> float:
    """What no plan can exceed, by weak duality; see the top of this file.

    `opened` and `closed` (booleans per line) fix some choices, for the branches of a yes/no bound.
    """
    curves = problem.curves
    y = _useful(problem, prices.limit)
    weight = problem.weight - y @ problem.gain_rows
    low, high = problem.effort_low, problem.effort_high
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.where(weight > 0, curves.best(prices.effort / np.where(weight > 0, weight, 1.0), low, high), low)
    worth = [weight * curves.gain(at) - prices.effort * at]
    # A negative weight (a cap on gains) makes a curve's part convex: its most is at one of the ends.
    worth += [weight * curves.gain(end) - prices.effort * end for end in (low, high)]
    total = float(np.max(worth, axis=0).sum())
    total += float(_line_worth(problem, prices, y, opened, closed).sum())
    total += float(np.maximum(0.0, -prices.envelope * problem.reach).sum())
    total += float(np.maximum(0.0, (prices.envelope[problem.target] - prices.envelope[problem.source]) * problem.route_high).sum())
    total += float(prices.envelope @ problem.amount)
    return total + float(np.sum(_times(y > 0, y, problem.limit_high)) + np.sum(_times(y < 0, y, problem.limit_low)))


def _line_worth(problem: Problem, prices: Prices, y: Array, opened: Array | None, closed: Array | None) -> Array:
    """The most that each line can be worth at these prices, over the spends allowed on it."""
    price = -prices.envelope[problem.envelope_of_line] - y @ problem.line_rows
    for q, rows in enumerate(problem.curves.lines):
        price[rows] += prices.effort[q]
    low = np.where(problem.choices, problem.scale, problem.low)
    worth = np.maximum(price * low, price * problem.high)
    free = problem.choices if opened is None else problem.choices & ~opened
    worth = np.where(free, np.maximum(worth, 0.0), worth)
    return worth if closed is None else np.where(closed, 0.0, worth)


def _useful(problem: Problem, limit: Array) -> Array:
    """Prices of limits without those that point at an open end, where the bound would be infinite."""
    open_end = ((limit > 0) & ~np.isfinite(problem.limit_high)) | ((limit < 0) & ~np.isfinite(problem.limit_low))
    return np.where(open_end, 0.0, limit)


def _times(mask: Array, a: Array, b: Array) -> Array:
    return np.multiply(a, b, out=np.zeros(len(a)), where=mask)
