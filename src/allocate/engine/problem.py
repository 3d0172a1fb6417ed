"""A scenario made ready for the engine: its limits as rows, its curves as arrays, and the units it is solved in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from allocate.engine.sparse import Sparse
from allocate.rules.limits import limits as all_limits
from allocate.rules.tally import Limit, Tally, Total
from allocate.scenario.curves import Curves
from allocate.scenario.scenario import Scenario

Array = np.ndarray
BIGGEST = 1e6
"""No bound the solver sees exceeds this: yes/no models in pounds came back 'optimal' up to 7.4% short."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything about a scenario that the model, the certificate and the rounding need, in pounds.

    One entry per row of `scenario.lines`, `curves`, `envelopes` and `routes`, in their order.
    """

    scenario: Scenario
    curves: Curves
    tally: Tally
    limits: tuple[Limit, ...]
    weight: Array
    """per curve: what one unit of its outcome counts for"""
    low: Array
    high: Array
    scale: Array
    baseline: Array
    envelope_of_line: Array
    amount: Array
    source: Array
    target: Array
    route_high: Array
    slices: int | None = None
    """how many slices a curve gets, where not the usual number"""

    @classmethod
    def of(cls, scenario: Scenario) -> Problem:
        tally = Tally(scenario)
        limits = tuple(all_limits(scenario, tally))
        lines, envelopes, routes = (scenario.table(name) for name in ("lines", "envelopes", "routes"))
        ceiling = scenario.reach[scenario.envelope_of_line]
        high = lines["high"].to_numpy()
        weights = dict(zip(scenario.table("outcomes")["id"], scenario.table("outcomes")["weight"], strict=True))
        return cls(
            scenario=scenario,
            curves=Curves.of(scenario),
            tally=tally,
            limits=limits,
            weight=np.array([weights[name] for name in scenario.table("curves")["outcome"]]),
            low=lines["low"].to_numpy(),
            high=_ceilings(lines, high, ceiling),
            scale=lines["scale"].to_numpy(),
            baseline=lines["baseline"].to_numpy(),
            envelope_of_line=scenario.envelope_of_line,
            amount=envelopes["amount"].to_numpy(),
            source=scenario.envelope_rows(routes["source"], routes["year"]),
            target=scenario.envelope_rows(routes["target"], routes["year"]),
            route_high=routes["high"].to_numpy(),
        )

    @cached_property
    def effort_low(self) -> Array:
        return self.curves.effort(np.where(self.choices, 0.0, self.bounds[0]))

    @cached_property
    def effort_high(self) -> Array:
        return self.curves.effort(self.bounds[1])

    @cached_property
    def choices(self) -> Array:
        """Lines that are nothing, or at least their minimum viable scale: booleans."""
        return (self.scale > 0) & (self.scale > self.low)

    @property
    def reach(self) -> Array:
        """Per envelope, the most money that could ever be in it."""
        return self.scenario.reach

    @cached_property
    def feeds(self) -> Sparse:
        """1 where a line's spend counts under a curve: one row per curve, one column per line."""
        curves, lines = self.curves.feeds
        return Sparse(curves, lines, np.ones(len(lines)), (len(self.curves), len(self.low)))

    @cached_property
    def line_rows(self) -> Sparse:
        """Limits over lines: coefficients, one row per limit, one column per line, in pounds."""
        return self._expanded(lambda total: (total.lines, total.line_factors), len(self.low))

    @cached_property
    def gain_rows(self) -> Sparse:
        """Limits over curves: coefficients on each curve's gain, one row per limit."""
        return self._expanded(lambda total: (total.curves, np.ones(len(total.curves))), len(self.curves))

    def _expanded(self, part: Callable[[Total], tuple[Array, Array]], width: int) -> Sparse:
        none = np.array([], dtype=int)
        rows, columns, values = [none], [none], [np.array([])]
        for number, limit in enumerate(self.limits):
            for name, coefficient in limit.body.terms.items():
                places, factors = part(self.tally.totals[name])
                rows.append(np.full(len(places), number))
                columns.append(places)
                values.append(coefficient * factors)
        shape = (len(self.limits), width)
        return Sparse.summed(np.concatenate(rows), np.concatenate(columns), np.concatenate(values), shape)

    @cached_property
    def lone(self) -> Array:
        """Per limit, the one line that it is about, or -1: such limits are bounds in other words."""
        counts = np.bincount(self.line_rows.rows, minlength=len(self.limits))
        single = (counts == 1) & (np.bincount(self.gain_rows.rows, minlength=len(self.limits)) == 0)
        lone = np.full(len(self.limits), -1)
        mine = single[self.line_rows.rows] & (self.line_rows.values != 0)
        lone[self.line_rows.rows[mine]] = self.line_rows.columns[mine]
        return lone

    @cached_property
    def lone_factor(self) -> Array:
        """Per limit about one line alone, the line's coefficient; 1 for others."""
        factor = np.ones(len(self.limits))
        mine = self.lone[self.line_rows.rows] >= 0
        factor[self.line_rows.rows[mine]] = self.line_rows.values[mine]
        return factor

    @cached_property
    def joint(self) -> Array:
        """The limits that are about more than one line: their numbers."""
        return np.flatnonzero(self.lone < 0)

    @cached_property
    def flow_rows(self) -> Array:
        """Money drawn from each envelope, then each joint limit, per pound on each line and route (gains left out)."""
        lines, envelopes = len(self.low), len(self.amount)
        routes = lines + np.arange(len(self.route_high))
        rows = np.zeros((envelopes + len(self.joint), lines + len(self.route_high)))
        rows[self.envelope_of_line, np.arange(lines)] = 1.0
        rows[self.source, routes] += 1.0
        rows[self.target, routes] -= 1.0
        rows[envelopes:, :lines] = self.line_rows.dense(self.joint)
        return rows

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """The least and most on each line, limits about one line alone included; choices taken as made."""
        low, high = np.where(self.choices, self.scale, self.low), self.high.copy()
        limits = np.flatnonzero(self.lone >= 0)
        lines, factor = self.lone[limits], self.lone_factor[limits]
        ends = np.sort([self.limit_low[limits] / factor, self.limit_high[limits] / factor], axis=0)
        np.maximum.at(low, lines, ends[0])
        np.minimum.at(high, lines, ends[1])
        return low, np.maximum(low, high)

    @cached_property
    def limit_low(self) -> Array:
        return np.array([limit.low for limit in self.limits])

    @cached_property
    def limit_high(self) -> Array:
        return np.array([limit.high for limit in self.limits])

    def value(self, spend: Array) -> float:
        """The agreed outcome that this spend buys, weights applied: what the plan maximises."""
        return float(self.weight @ self.curves.gain(self.curves.effort(spend)))

    @cached_property
    def at_stake(self) -> float:
        """What all the outcome could be at most, less what the least spend buys: the yardstick for gaps."""
        curves = self.curves
        lawful = np.maximum(self.low, np.minimum(self.bounds[1], self.reach[self.envelope_of_line]))
        most, least = curves.gain(curves.effort(lawful)), curves.gain(self.effort_low)
        return float(self.weight @ (most - least))

    @cached_property
    def units(self) -> Units:
        return Units.of(self)

    @cached_property
    def curve_units(self) -> Array:
        """What one solver unit of each curve's outcome is worth."""
        return np.array([self.units.outcome[name] for name in self.scenario.table("curves")["outcome"]])

    @cached_property
    def limit_units(self) -> Array:
        """What one solver unit of each limit's body is worth."""
        return np.array([self.units.of_measure(limit.measure) for limit in self.limits])


@dataclass(frozen=True)
class Units:
    """What one solver unit is worth: pounds, value of the aim, each outcome, each resource limit. Powers of ten.

    The one place where pounds become something else.
    """

    money: float
    value: float
    outcome: dict[str, float]
    resource: float

    @classmethod
    def of(cls, problem: Problem) -> Units:
        bounds = [*problem.amount, *problem.high, *problem.baseline, *problem.route_high, *problem.effort_high]
        spends = [abs(b) for limit in problem.limits if limit.measure == "spend" for b in (limit.low, limit.high)]
        money = _unit(max([b for b in (*bounds, *spends) if math.isfinite(b)], default=1.0))
        low, high = problem.effort_low, problem.effort_high
        gained = problem.curves.gain(high) - problem.curves.gain(low)
        average = money * np.divide(gained, high - low, out=np.zeros(len(low)), where=high > low)
        names = problem.scenario.table("curves")["outcome"].to_numpy(dtype=str)
        outcome = {str(name): _near(average[names == name]) for name in np.unique(names)}
        used = [limit.high for limit in problem.limits if limit.measure == "resource"]
        return cls(money, _near(problem.weight * average), outcome, _unit(max(used, default=1.0)))

    def of_measure(self, measure: str) -> float:
        """What one unit of a limit of this measure is worth."""
        if measure == "spend":
            return self.money
        return self.resource if measure == "resource" else self.outcome[measure]


def _ceilings(lines: pd.DataFrame, high: Array, reach: Array) -> Array:
    """The most on each line: its own, or what its envelope could ever hold. Unless it is a choice's ceiling the latter
    is doubled, for a bound that moves with the money would take the price that is the money's."""
    choice = (lines["scale"] > lines["low"]).to_numpy()
    ceiling = np.maximum(np.where(choice, reach, 2.0 * reach), lines["low"].to_numpy())
    return np.where(np.isnan(high), ceiling, np.minimum(high, ceiling))


def _unit(largest: float) -> float:
    return 10.0 ** max(0, math.ceil(math.log10(max(largest, 1.0) / BIGGEST)))


def _near(values: Array) -> float:
    """The power of ten nearest the largest of these values; 1 where none is positive."""
    largest = float(np.max(values, initial=0.0))
    return 10.0 ** round(math.log10(largest)) if largest > 0 else 1.0
