"""The most that may be spent on some lines under every limit: the same problem with another aim, exact and certified.

What is spent on a group of lines is laid over the problem as a row's worth (`allocate.engine.welfare`), in units of all
the money; with weight on one of them alone, the engine's best plan is the one that spends most there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allocate.engine.certificate import Flows, Prices
from allocate.engine.optimum import Options
from allocate.engine.piece import Clash, best, itself
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.engine.welfare import Laid, Welfare
from allocate.errors import EngineError
from allocate.rules.tally import NOTHING, Row, Total

Array = np.ndarray
FINE = 1e-8
"""The gap, as a part of all the money, at which the most is near enough: less than whole pounds of a line mean."""


@dataclass(frozen=True, eq=False)
class Most:
    """The most that may be spent on some lines: pounds; the pounds that no plan exceeds, which prices prove; and what
    a pound more of each envelope, or a unit more of each limit, would let be spent there (`prices`, in pounds), with
    `rent`, per line, what a pound more of its most would. No prices where yes/no choices leave none (`priced`)."""

    amount: float
    bound: float
    flows: Flows
    prices: Prices
    rent: Array
    priced: bool


@dataclass(frozen=True, eq=False)
class Spending:
    """A problem that can be asked for the most spending on groups of lines, each given by its rows."""

    under: Problem
    groups: tuple[Array, ...]
    laid: Laid
    unit: float

    @classmethod
    def of(cls, problem: Problem, groups: Sequence[Array], near: Flows) -> Spending:
        """Of a problem for which `near` is a plan."""
        unit = max(float(problem.amount.sum()), 1.0)
        welfare = Welfare([], np.zeros(0), 1.0)
        totals = {}
        for k, rows in enumerate(groups):
            totals[f"spent on group {k}"] = Total(rows, np.ones(len(rows)), NOTHING, "spend")
            welfare.worth(Row({f"spent on group {k}": 1.0 / unit}))
        laid = Laid.over(problem, welfare, totals)
        effort = problem.curves.effort(near.spend)
        # What is known to be possible must stay so over slices.
        around = np.append(effort, np.zeros(len(laid.problem.curves) - len(effort)))
        return cls(problem, tuple(groups), replace(laid, problem=replace(laid.problem, around=around)), unit)

    def most(self, group: int, options: Options) -> Most | None:
        """The most for one group; None where no plan keeps every limit, or none was found in time."""
        problem, first = self.laid.problem, len(self.under.weight)
        weight = np.zeros(len(problem.weight))
        weight[first + group] = 1.0
        problem = replace(problem, weight=weight)
        try:
            found = best(problem, replace(options, fine=FINE), Watch(), itself, settle=False)
        except (Clash, EngineError):
            return None
        amount = float(found.flows.spend[self.groups[group]].sum())
        prices = found.prices
        told = Prices(*(self.unit * each for each in (
            prices.envelope[: len(self.under.amount)], prices.limit[: len(self.under.limits)], prices.effort[:first]
        )))  # fmt: skip
        rent = self.unit * _rent(problem, found.flows, prices)[: len(self.under.low)]
        bound = max(found.certificate.bound * self.unit, amount)
        return Most(amount, bound, self.laid.flows(found.flows), told, rent, not found.discrete)


def _rent(problem: Problem, flows: Flows, prices: Prices) -> Array:
    """Per line, what a pound more is worth beyond its money's and its limits' prices."""
    curves = problem.curves
    weight = problem.weight - prices.limit @ problem.gain_rows
    valued = (weight * curves.marginal(curves.effort(flows.spend))) @ problem.feeds
    return valued - prices.envelope[problem.envelope_of_line] - prices.limit @ problem.line_rows


__all__ = ["Most", "Spending"]
