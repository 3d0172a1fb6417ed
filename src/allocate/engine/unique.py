"""Whether the best plan is the only one as good: then there are no ties to break.

By complementary slackness every best plan agrees with any prices that prove one best: an amount that has a price of its
own stays at its bound, a row that has one stays where it binds, and a curve that flattens without a break is worth most
at one effort alone. What remains is a system of linear equations over the amounts that may still move; where its
columns do not depend on one another the plan is unique (Mangasarian 1979, "Uniqueness of solution in linear
programming", Linear Algebra and its Applications 25).
"""

from __future__ import annotations

import numpy as np

from allocate.engine.certificate import Flows, Prices, useful
from allocate.engine.polish import costs, gradients
from allocate.engine.problem import Problem

Array = np.ndarray
PRICED = 1e-7
"""Solver units below which something counts as having no price."""
ALIKE = 1e-9
"""How nearly columns may depend on one another to count as doing so."""


def unique(problem: Problem, flows: Flows, prices: Prices) -> bool:
    """Whether a plan that these prices prove best is the only best one; false where that is not sure. Yes/no choices
    are taken as made."""
    limit = useful(problem, prices.limit)
    free = _may_move(problem, flows, Prices(prices.envelope, limit, prices.effort))
    curves = _settled_curves(problem, limit, prices.effort)
    rows = np.vstack([curves, _binding_rows(problem, flows, prices.envelope, limit)])[:, free]
    # A row with one amount left settles it; with that amount gone others may be left with one.
    while len(lone := np.flatnonzero((rows != 0).sum(axis=1) == 1)):
        rows = rows[:, ~(rows[lone] != 0).any(axis=0)]
    count = rows.shape[1]
    return count == 0 or (count <= len(rows) and int(np.linalg.matrix_rank(rows, rtol=ALIKE)) == count)


def _may_move(problem: Problem, flows: Flows, prices: Prices) -> Array:
    """Lines, then routes, inside their bounds or at one that has no price."""
    lines = len(flows.spend)
    worth = -np.append(
        costs(problem, prices.envelope, prices.limit),
        prices.envelope[problem.source] - prices.envelope[problem.target] + prices.limit @ problem.route_rows,
    )
    worth[:lines] += prices.effort @ problem.feeds
    low, high = (np.append(line, route) for line, route in zip(
        problem.bounds, (np.zeros(len(flows.moved)), problem.route_high), strict=True
    ))  # fmt: skip
    at, near = np.append(flows.spend, flows.moved), 1e-9 * np.maximum(high, problem.units.money)
    inside = (at > low + near) & (at < high - near)
    return (inside | (np.abs(worth) * problem.units.money <= PRICED * problem.units.value)) & (low < high)


def _settled_curves(problem: Problem, limit: Array, effort: Array) -> Array:
    """1 where an amount feeds a curve that is worth most at one effort alone, a row a curve."""
    weighs = (problem.weight > limit @ problem.gain_rows) & (
        effort * problem.units.money > PRICED * problem.units.value
    )
    settled = [q for q in np.flatnonzero(weighs).tolist() if problem.curves.bends(q)]
    rows = np.zeros((len(settled), len(problem.low) + len(problem.route_high)))
    rows[:, : len(problem.low)] = problem.feeds.dense(np.array(settled, dtype=int))
    return rows


def _binding_rows(problem: Problem, flows: Flows, envelope: Array, limit: Array) -> Array:
    """Envelopes and joint limits that have a price of their own, each at most 1 in size: one that bends at the price of
    a band may go anywhere in it."""
    own = np.abs(limit)
    for side, sign in ((problem.bends.under, -1.0), (problem.bends.over, 1.0)):
        np.minimum.at(own, side.limit, np.abs(limit[side.limit] - sign * side.price))
    price = np.append(np.abs(envelope) * problem.units.money, (own * problem.limit_units)[problem.joint])
    rows = gradients(problem, np.append(flows.spend, flows.moved))[price > PRICED * problem.units.value]
    return rows / np.maximum(np.abs(rows).max(axis=1, initial=0.0), 1e-12)[:, None]
