"""Welfare: a problem with an aim between places laid over it, as an ordinary problem again.

A shape (`allocate.rules.aims`) asks for amounts and for worths of rows. Both become what the engine has already: an
amount is a line without money of its own, a worth is such a line that feeds a curve, and a limit holds the line at most
at the row that it stands for. So slices, exact polishing, choices, bends and the certificate serve aims as they serve
outcomes, and an aim's curve is certified as any other.

Values are taken in units of their mean, and lines without money in pounds like any other: `PER_VALUE` for one unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from allocate.engine.bends import FIRM
from allocate.engine.certificate import Flows
from allocate.engine.problem import Problem, Terms
from allocate.rules.binding import INFINITY
from allocate.rules.tally import NOTHING, Limit, Row, Tally, Total
from allocate.scenario.curves import Curves
from allocate.scenario.scenario import Scenario

Array = np.ndarray
PER_VALUE = 1e3
"""Solver units of money that a line without money has for one unit of value."""
OWN = "~"
"""What the names of lines, curves and totals that an aim adds begin with: no id does."""


@dataclass(frozen=True, eq=False)
class Worth:
    """A row's worth: `weight` times the row, or a curve of it; and its line without money."""

    line: int
    weight: float
    aversion: float


@dataclass(eq=False)
class Welfare:
    """What a shape asked for, over rows of values (`Kit`): see `allocate.rules.aims`.

    values  each place's value, in units of the mean, from the least that any could have
    parts   each place's part of all people
    most    the highest that any value could be, so that no amount need be above it
    least   where the curves of worths that bend begin

    The first amount is always one, for what values have of constants.
    """

    values: Sequence[Row]
    parts: Array
    most: float
    least: float = 0.0
    count: int = 1
    rows: list[Row] = field(default_factory=list)
    worths: list[Worth] = field(default_factory=list)
    rungs: bool = False
    """whether the shape is a ladder: its rows are a rung under each value, then what each is held at"""
    in_turn: bool = False
    """whether worths are wanted one after another, the first before all others"""

    def amount(self) -> Row:
        self.count += 1
        return Row({f"{OWN}{self.count - 1}": 1.0})

    def at_least(self, row: Row) -> None:
        self.rows.append(row)

    def worth(self, row: Row, weight: float = 1.0, aversion: float = 0.0) -> None:
        mine = self.amount()
        self.worths.append(Worth(self.count - 1, weight, aversion))
        self.at_least(row - mine)

    def ladder(self) -> None:
        lowest, self.rungs = self.amount(), True
        self.worths.append(Worth(self.count - 1, 1.0, 0.0))
        for value in self.values:
            self.at_least(value - lowest)
        for value in self.values:
            self.at_least(value)

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The least and the most of each amount, in units of value."""
        low, high = np.zeros(self.count), np.full(self.count, self.most)
        low[[worth.line for worth in self.worths if worth.aversion > 0]] = self.least
        low[0] = high[0] = 1.0
        return low, high


@dataclass(frozen=True, eq=False)
class Laid:
    """A problem with an aim laid over it: `problem`, whose first lines, curves, envelopes and limits are those of
    `under`; and pounds of a line for one unit of value."""

    under: Problem
    welfare: Welfare
    problem: Problem
    scale: float

    @classmethod
    def over(
        cls,
        under: Problem,
        welfare: Welfare,
        totals: dict[str, Total],
        more: Sequence[Limit] = (),
        drawn: dict[tuple, Scenario] | None = None,
    ) -> Laid:
        """Lay an aim over a problem; `totals` are those that its values name, `more` limits that it must keep too.
        `drawn` are scenarios drawn before for welfares over the same one, to be used again."""
        scale, low, high = PER_VALUE * under.units.money, *welfare.bounds
        amount, drawn = scale * float(high.sum()), {} if drawn is None else drawn
        key = (welfare.count, tuple(worth.line for worth in welfare.worths), amount)
        if key not in drawn:
            drawn[key] = _scenario(under.scenario, welfare, amount)
        scenario = drawn[key]
        own = {f"{OWN}{k}": Total(np.array([len(under.low) + k]), np.ones(1), NOTHING, "spend")
               for k in range(welfare.count)}  # fmt: skip
        asked = [Limit("aim", "what the aim asks", _in_pounds(row, scale), 0.0, INFINITY, "spend", str(k))
                 for k, row in enumerate(welfare.rows)]  # fmt: skip
        limits = (*under.limits, *more, *asked)
        named = {name for limit in limits if isinstance(limit.body, Row) for name in limit.body.terms}
        known = {**under.tally.totals, **totals, **own}
        tally = Tally(scenario, totals={name: known[name] for name in known if name in named})
        curves = _curves(under.curves, welfare, len(under.low), scale)
        none = np.zeros(welfare.count)
        terms = Terms.of(limits, tally, len(under.low) + welfare.count, len(curves), len(under.route_high))
        # How far limits under it are bent already, they do not say themselves.
        terms.ends[:, : len(under.limits)] = under.terms.ends
        problem = replace(
            under, under=under, scenario=scenario, curves=curves, tally=tally, limits=limits,
            weight=np.concatenate([np.zeros(len(under.weight)), [worth.weight for worth in welfare.worths]]),
            low=np.concatenate([under.low, low * scale]), high=np.concatenate([under.high, high * scale]),
            scale=np.concatenate([under.scale, none]), baseline=np.concatenate([under.baseline, none]),
            envelope_of_line=np.concatenate([under.envelope_of_line, none.astype(int) + len(under.amount)]),
            amount=np.concatenate([under.amount, [amount]]),
            terms=terms,
        )  # fmt: skip
        return cls(under, welfare, problem, scale)

    def ends(self, problem: Problem, low: Array) -> Problem:
        """The same with other least values of the rows that the shape asked for, in units of value."""
        ends = problem.terms.ends.copy()
        ends[0, -len(low) :] = low * self.scale
        return replace(problem, terms=replace(problem.terms, ends=ends))

    def amounts(self, flows: Flows) -> Array:
        """What the shape's amounts are, in units of value."""
        return flows.spend[len(self.under.low) :] / self.scale

    def flows(self, flows: Flows) -> Flows:
        """The flows of the problem under it."""
        return Flows(flows.spend[: len(self.under.low)], flows.moved)


def no_further(problem: Problem, flows: Flows) -> Problem:
    """The problem with its limits bending no further than these flows bend them, at their prices."""
    if not problem.bends:
        return problem
    body = problem.bodies(flows.spend, flows.moved)
    return replace(problem, bends=problem.bends.up_to(problem.terms.ends, body))


def firm(problem: Problem, flows: Flows) -> Problem:
    """The problem with its limits as far as these flows bend them, and no further, at no price."""
    if not problem.bends:
        return problem
    body, terms = problem.bodies(flows.spend, flows.moved), problem.terms
    ends = np.array([np.minimum(terms.ends[0], body), np.maximum(terms.ends[1], body)])
    soft = np.isin(np.arange(len(body)), problem.soft)
    return replace(problem, bends=FIRM, terms=replace(terms, ends=np.where(soft, ends, terms.ends)))


def _in_pounds(row: Row, scale: float) -> Row:
    """A row in units of value as one in pounds of lines without money."""
    return Row({name: factor if name.startswith(OWN) else factor * scale for name, factor in row.terms.items()})


def _scenario(scenario: Scenario, welfare: Welfare, amount: float) -> Scenario:
    """The scenario with the lines, curves and the envelope that an aim adds, and no rules: limits are at hand."""
    tables, year = dict(scenario._tables), scenario.years[-1]
    names = [f"{OWN}{k}" for k in range(welfare.count)]
    fed = [names[worth.line] for worth in welfare.worths]
    for table, more in {
        "lines": {"partner": OWN, "place": names, "programme": OWN, "envelope": OWN, "year": year, "baseline": 0.0,
                  "low": 0.0, "scale": 0.0},
        "curves": {"place": fed, "programme": OWN, "outcome": OWN, "year": year, "shape": "linear"},
        "envelopes": {"id": [OWN], "year": year, "name": OWN, "holder": OWN, "amount": amount, "by_need": "no"},
        "outcomes": {"id": [OWN], "name": OWN, "unit": OWN, "weight": 1.0},
    }.items():  # fmt: skip
        rows = pd.DataFrame(more).reindex(columns=tables[table].columns)
        rows = rows.astype({name: kind for name, kind in tables[table].dtypes.items() if kind == "float64"})
        tables[table] = pd.concat([tables[table], rows], ignore_index=True)
    tables["routes"] = tables["routes"].assign(high=scenario.route_high)
    return Scenario(scenario.heading, (), tables)


def _curves(curves: Curves, welfare: Welfare, lines: int, scale: float) -> Curves:
    """The curves with those of an aim's worths: straight, or isoelastic from one unit of value."""
    aversion = np.array([worth.aversion for worth in welfare.worths])
    bent = aversion > 0
    count = len(aversion)
    own = {
        "shape": np.where(bent, "isoelastic", "linear"), "slope": np.full(count, 1.0 / scale),
        "reference": np.where(bent, scale, 1.0), "exponent": 1.0 - aversion, "offset": np.where(bent, 1.0, 0.0),
        "ceiling": np.zeros(count),
    }  # fmt: skip
    figures = {name: np.concatenate([getattr(curves, name), values]) for name, values in own.items()}
    fed = tuple(np.array([lines + worth.line]) for worth in welfare.worths)
    return Curves(**figures, points=(*curves.points, *[None] * count), lines=(*curves.lines, *fed))


__all__ = ["Laid", "Welfare", "Worth", "firm", "no_further"]
