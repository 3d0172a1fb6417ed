"""An independent check of a plan, in plain numpy: it uses neither the model nor the solver's word.

Three questions. Does the plan keep every bound, envelope and limit? Is any money lost or made? Could another plan be
better? The last is answered by weak duality (Lagrange): for whatever prices, nobody can do better than

    bound = sum over curves of the most of  w f(E) - r E              E between the least and most effort
          + sum over lines of the most of  (r - p - y a) x            x allowed on that line, nothing-or-enough included
          + sum over routes of the most of (t - p - y b) m          m pounds moved along it, from p's envelope to t's
          + what the envelopes and limits are worth at these prices
          + for every band that a limit may bend by, what its price y is worth beyond the band's own, if anything

with f the exact curves, r the price of effort, p of an envelope's money, y of a limit and w the weight of the outcome
less what limits on gains take. Prices may come from anywhere, so the solver need not be trusted; the better they
are, the tighter the bound.
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
    """What easing would be worth, in units of the aim: per pound of each envelope, per unit of each limit's body
    (positive where its upper end binds, negative where its lower end does), per pound of effort under each curve."""

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
    """What the check found. `breaches` are sentences; `value` and `bound` are in units of the aim; `gap` is what a
    better plan could add at most, as a share of the outcome at stake; `branches` counts the cases the bound needed."""

    breaches: tuple[str, ...]
    value: float
    bound: float
    gap: float
    branches: int = 1


def certify(problem: Problem, flows: Flows, bound: float, tolerance: float = PENNY, branches: int = 1) -> Certificate:
    """Check a plan against the scenario, and its value against a bound found by `upper_bound`."""
    value = problem.value(flows.spend, flows.moved)
    gap = max(0.0, bound - value) / max(problem.at_stake, 1e-12)
    return Certificate(tuple(breaches(problem, flows, tolerance)), value, bound, gap, branches)


def breaches(problem: Problem, flows: Flows, tolerance: float) -> list[str]:
    """Every bound, envelope and limit that a plan breaks by more than `tolerance` pounds, in words."""
    found = []
    closed = problem.choices & (flows.spend <= tolerance)
    low = np.where(problem.choices, problem.scale, problem.low)
    short = (flows.spend < low - tolerance) & ~closed
    over = flows.spend > problem.high + tolerance
    for row in np.flatnonzero(short | over):
        line = problem.scenario.line_ids[row]
        allowed = f"{low[row]:,.2f} to {problem.high[row]:,.2f}"
        found.append(f"{line} spends {flows.spend[row]:,.2f}, outside {allowed}")
    for row in np.flatnonzero((flows.moved < -tolerance) | (flows.moved > problem.route_high + tolerance)):
        found.append(f"route {row} moves {flows.moved[row]:,.2f}, more than {problem.route_high[row]:,.2f}")
    left = flows.unspent(problem)
    for row in np.flatnonzero(left < -tolerance):
        name = problem.scenario.table("envelopes")["id"].iloc[row]
        found.append(f"envelope {name} is overspent by {-left[row]:,.2f}")
    body = bodies(problem, flows)
    slip = slips(problem, flows.spend, tolerance)
    under, over = problem.room
    kept = (problem.limit_low - under - slip <= body) & (body <= problem.limit_high + over + slip)
    for row in np.flatnonzero(~kept):
        limit = problem.limits[row]
        found.append(f"{limit.label}: {body[row]:,.6f} is outside {limit.low:,.2f} to {limit.high:,.2f}")
    return found


def bodies(problem: Problem, flows: Flows) -> Array:
    """Each limit's body under these flows, gains recomputed through the curves and choices through their rules."""
    return problem.bodies(flows.spend, flows.moved)


def slips(problem: Problem, spend: Array, tolerance: float) -> Array:
    """How much each limit's body moves for `tolerance` pounds less on the lines and routes and under the curves it
    counts."""
    curves = problem.curves
    effort = curves.effort(spend)
    by_gain = curves.gain(effort) - curves.gain(np.maximum(effort - tolerance, 0.0))
    by_line = np.maximum(problem.line_rows.largest(), problem.route_rows.largest()) * tolerance
    return np.maximum(by_line, abs(problem.gain_rows) @ by_gain)


@dataclass(frozen=True, eq=False)
class Case:
    """Part of what is possible: lines taken as opened or closed (booleans), pounds of effort under each curve, and the
    least and most of each choice that a rule owns (0 and 1 where it is not made)."""

    opened: Array
    closed: Array
    low: Array
    high: Array
    picks: tuple[Array, Array]

    @classmethod
    def whole(cls, problem: Problem) -> Case:
        """Everything that is possible."""
        none = np.zeros(len(problem.low), dtype=bool)
        count = len(problem.terms.picks)
        return cls(none, none, problem.effort_low, problem.effort_high, (np.zeros(count), np.ones(count)))


def upper_bound(problem: Problem, prices: Prices, case: Case | None = None) -> float:
    """What no plan can exceed (in this case, if one is given), by weak duality; see the top of this file."""
    case = case or Case.whole(problem)
    y = useful(problem, prices.limit)
    total = float(curve_worth(problem, prices, case)[1].sum() + line_worth(problem, prices, y, case).sum())
    total += float(np.maximum(0.0, -prices.envelope * problem.reach).sum())
    moving = prices.envelope[problem.target] - prices.envelope[problem.source] - y @ problem.route_rows
    total += float(np.maximum(0.0, moving * problem.route_high).sum())
    total += problem.bends.worth(y) + _picks_worth(y @ problem.pick_rows, case)
    total += float(prices.envelope @ problem.amount)
    return total + float(np.sum(_times(y > 0, y, problem.limit_high)) + np.sum(_times(y < 0, y, problem.limit_low)))


def _picks_worth(price: Array, case: Case) -> float:
    """The most that the choices of rules can be worth where a yes costs this much."""
    least, most = case.picks
    return float(np.maximum(-price * least, -price * most).sum())


def curve_worth(problem: Problem, prices: Prices, case: Case) -> tuple[Array, Array]:
    """Where each curve is worth most at these prices, and how much: (effort, value)."""
    curves = problem.curves
    weight = problem.weight - useful(problem, prices.limit) @ problem.gain_rows
    low, high = case.low, np.maximum(case.low, case.high)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(weight > 0, curves.best(prices.effort / np.where(weight > 0, weight, 1.0), low, high), low)
    # A negative weight (a cap on gains) bends a curve's part the other way: its most is at a corner or an end.
    tried = [inside, low, high]
    if len(curves.given):
        corners = np.array(low)
        for q in curves.given:
            corners[q] = _best_corner(curves.points[q], low[q], high[q], weight[q], prices.effort[q])
        tried.append(corners)
    worth = np.array([weight * curves.gain(at) - prices.effort * at for at in tried])
    best = np.argmax(worth, axis=0)
    at = np.arange(len(curves))
    return np.array(tried)[best, at], worth[best, at]


def _best_corner(points, low: float, high: float, weight: float, price: float) -> float:
    """For a curve given by points, the corner where weight times gain less price times effort is greatest."""
    corners = np.append(points[0][(points[0] > low) & (points[0] < high)], low)
    return float(corners[np.argmax(weight * np.interp(corners, *points) - price * corners)])


def line_worth(problem: Problem, prices: Prices, y: Array, case: Case) -> Array:
    """The most that each line can be worth at these prices, over the spends allowed on it."""
    price = prices.effort @ problem.feeds - prices.envelope[problem.envelope_of_line] - y @ problem.line_rows
    low = np.where(problem.choices, problem.scale, problem.low)
    worth = np.maximum(price * low, price * problem.high)
    worth = np.where(problem.choices & ~case.opened, np.maximum(worth, 0.0), worth)
    return np.where(case.closed, 0.0, worth)


def useful(problem: Problem, limit: Array) -> Array:
    """Prices of limits without those that point at an open end, or beyond an endless band's, where the bound would be
    infinite."""
    limit = problem.bends.capped(limit)
    open_end = ((limit > 0) & ~np.isfinite(problem.limit_high)) | ((limit < 0) & ~np.isfinite(problem.limit_low))
    return np.where(open_end, 0.0, limit)


def _times(mask: Array, a: Array, b: Array) -> Array:
    return np.multiply(a, b, out=np.zeros(len(a)), where=mask)
