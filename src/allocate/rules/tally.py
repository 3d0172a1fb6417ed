"""The tally: how much is spent, or gained, where.

A rule only ever asks a tally. While a model is being built the tally answers with a `Row`, coefficients over named
totals; while a plan is being checked it answers with a number. So a rule is written once and used twice, and can be
tested without a solver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from allocate.scenario.rulebook import Rule, Scope, covers
from allocate.scenario.scenario import Scenario

Array = np.ndarray


@dataclass(frozen=True)
class Row:
    """A sum of named totals, each times a coefficient. Adds, subtracts and scales; nothing else is linear."""

    terms: dict[str, float]

    def __add__(self, other: Row) -> Row:
        terms = dict(self.terms)
        for name, coefficient in other.terms.items():
            terms[name] = terms.get(name, 0.0) + coefficient
        return Row(terms)

    def __mul__(self, factor: float) -> Row:
        return Row({name: factor * coefficient for name, coefficient in self.terms.items()})

    __rmul__ = __mul__

    def __neg__(self) -> Row:
        return self * -1.0

    def __sub__(self, other: Row) -> Row:
        return self + -other


Amount = Any
"""A Row while a model is built, a float while a plan is checked: both add, subtract and scale alike."""


@dataclass(frozen=True, eq=False)
class Total:
    """A named total: coefficients over lines (pounds) and curves (outcome). One of the two is empty."""

    lines: Array
    line_factors: Array
    curves: Array
    measure: str
    """'spend', 'resource', or the outcome it counts."""


@dataclass(frozen=True)
class Limit:
    """One inequality that a rule (or a resource) becomes: low <= body <= high.

    `owner` is the rule's or resource's id and `label` says it in English; `measure` is the unit of body, low and high:
    'spend' for pounds, 'resource', or an outcome's id.
    """

    owner: str
    label: str
    body: Amount
    low: float
    high: float
    measure: str = "spend"
    part: str = ""
    """Which of the owner's limits this is, where it has one for each of several places, partners ..."""

    @property
    def name(self) -> str:
        return f"{self.owner}[{self.part}]" if self.part else self.owner


@dataclass(frozen=True, eq=False)
class Part:
    """The lines (booleans) that one limit of a rule covers, and the word for them."""

    id: str
    name: str
    mask: Array


@dataclass(eq=False)
class Tally:
    """Answers for one scenario. With `spend` (pounds per line) and `gain` (per curve) it answers in numbers."""

    scenario: Scenario
    spend_by_line: Array | None = None
    gain_by_curve: Array | None = None
    totals: dict[str, Total] = field(default_factory=dict)
    """Every total asked for so far, by name: what a model must declare."""

    def __post_init__(self) -> None:
        self.baselines = self.scenario.table("lines")["baseline"].to_numpy()
        self._year, self._outcome, self._curve_lines = self.scenario.shared("tally", lambda: _columns(self.scenario))

    def covers(self, scope: Scope) -> Array:
        """Which lines a scope covers: booleans."""
        return covers(scope, self.scenario)

    def parts(self, rule: Rule) -> tuple[Part, ...]:
        """The parts of a rule's scope: all of it, or one for each place, partner ... that the rule names."""
        where, each = rule.where, rule.each
        return self.scenario.shared(("parts", where, each), lambda: tuple(_parts(where, each, self.scenario)))

    def spend(self, mask: Array) -> Amount:
        """Pounds spent on these lines."""
        rows = np.flatnonzero(mask)
        if self.spend_by_line is not None:
            return float(self.spend_by_line[rows].sum())
        return self._total(Total(rows, np.ones(len(rows)), np.array([], int), "spend"))

    def use(self, rates: Array) -> Amount:
        """Units of a resource used, given each line's units per pound."""
        rows = np.flatnonzero(rates)
        if self.spend_by_line is not None:
            return float(self.spend_by_line[rows] @ rates[rows])
        return self._total(Total(rows, rates[rows], np.array([], int), "resource"))

    def gain(self, mask: Array, outcome: str) -> Amount:
        """Units of an outcome gained under the curves that any of these lines feeds."""
        wanted = [mask[rows].any() for rows in self._curve_lines]
        curves = np.flatnonzero((self._outcome == outcome) & wanted)
        if self.gain_by_curve is not None:
            return float(self.gain_by_curve[curves].sum())
        return self._total(Total(np.array([], int), np.array([]), curves, outcome))

    def baseline(self, mask: Array) -> float:
        """Pounds these lines held before."""
        return float(self.baselines[mask].sum())

    def years(self, mask: Array) -> Iterator[tuple[str, Array]]:
        """Each year in which these lines spend, and its lines."""
        for year in self.scenario.years:
            now = mask & (self._year == year)
            if now.any():
                yield year, now

    def year_before(self, now: Array, scope: Scope, each: str | None) -> Array | None:
        """The lines of the year before that lines of one year are held against: those of the scope (which names no
        year) that share the part of `each`. None where there are none, as in the first year."""
        years, lines = self.scenario.years, self.scenario.table("lines")
        first = int(np.argmax(now))
        number = years.index(self._year[first])
        if number == 0:
            return None
        then = self.covers(scope) & (self._year == years[number - 1])
        shared = {None: (), "year": (), "line": ("partner", "place", "programme", "envelope")}
        for column in shared.get(each, (each,)):
            names = lines[column].to_numpy(dtype=str)
            then &= names == names[first]
        return then if then.any() else None

    def _total(self, total: Total) -> Row:
        if not len(total.lines) and not len(total.curves):
            return Row({})
        # The name says what is counted, so that the same total has the same name in every scenario of a kind.
        counted = (total.measure, total.lines.tobytes(), total.curves.tobytes())
        name = blake2b(repr(counted).encode(), digest_size=8).hexdigest()
        while not np.array_equal(self.totals.setdefault(name, total).line_factors, total.line_factors):
            name += "+"
        return Row({name: 1.0})


def _columns(scenario: Scenario) -> tuple[Array, Array, list[Array]]:
    """The year of each line, the outcome of each curve, and the lines that each curve adds up."""
    lines, curves = scenario.table("lines"), scenario.table("curves")
    keys = zip(curves["place"], curves["programme"], curves["year"], strict=True)
    fed = [scenario.curve_of_line.get(key, np.array([], int)) for key in keys]
    return lines["year"].to_numpy(dtype=str), curves["outcome"].to_numpy(dtype=str), fed


def _parts(where: Scope, each: str | None, scenario: Scenario) -> Iterator[Part]:
    """See `Tally.parts`."""
    mask = covers(where, scenario)
    if each is None:
        yield Part("", "", mask)
    elif each == "line":
        names = _line_names(scenario)
        for row in np.flatnonzero(mask):
            only = np.zeros_like(mask)
            only[row] = True
            yield Part(scenario.line_ids[row], names[row], only)
    else:
        column = scenario.table("lines")[each].to_numpy(dtype=str)
        for value in sorted(set(column[mask])):
            name = value if each == "year" else scenario.name_of(f"{each}s", value)
            yield Part(value, name, mask & (column == value))


def _line_names(scenario: Scenario) -> list[str]:
    """Each line in words: who, what for, where; when too, where there are several years."""
    lines = scenario.table("lines")
    columns = (("partners", "partner"), ("programmes", "programme"), ("places", "place"))
    names = [[scenario.name_of(table, key) for key in lines[column]] for table, column in columns]
    if len(scenario.years) > 1:
        names.append(list(lines["year"]))
    return [", ".join(words) for words in zip(*names, strict=True)]
