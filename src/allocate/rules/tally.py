"""The tally: how much is spent, moved, or gained, where; and what was chosen.

A rule only ever asks a tally. While a model is being built the tally answers with a `Row`, coefficients over named
totals; while a plan is being checked it answers with a number. So a rule is written once and used twice, and can be
tested without a solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from allocate.scenario.curves import Curves
from allocate.scenario.rulebook import Rule, Scope, covers
from allocate.scenario.scenario import Scenario

Array = np.ndarray
TELLS_APART: dict[str | None, tuple[str, ...]] = {
    None: (), "year": (), "line": ("partner", "place", "programme", "envelope"),
}  # fmt: skip
"""The columns, year aside, by which the parts of a rule with this `each` differ; of any other `each` it is its own."""


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


NOTHING = np.array([], dtype=int)
CHOICE = "choice"
"""The measure of limits that count choices, which have no unit."""

POINTS = "points of the agreed aim"
"""The measure of what counts several outcomes, each by its weight."""

Amount = Any
"""A Row while a model is built, a float while a plan is checked: both add, subtract and scale alike."""


@dataclass(frozen=True, eq=False)
class Total:
    """A named total: of pounds on lines, each times a factor, of pounds moved along routes, of outcome under curves, or
    one choice, or one aid, at least `floor`. All but one of these are empty."""

    lines: Array
    line_factors: Array
    curves: Array
    measure: str
    """'spend', 'resource', 'choice', or the outcome it counts."""
    routes: Array = field(default_factory=lambda: NOTHING)
    choice: str = ""
    aid: str = ""
    floor: Row | None = None


@dataclass(frozen=True)
class Limit:
    """One inequality that a rule (or a resource) becomes: low <= body <= high. Only what an aid is has no owner.

    `owner` is the rule's or resource's id and `label` says it in English; `measure` is the unit of body, low and high:
    'spend' for pounds, 'resource', 'choice' where choices are counted, or an outcome's id.
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
    """The lines (their rows, of `count` in all) that one limit of a rule covers, and the word for them."""

    id: str
    name: str
    rows: Array
    count: int

    @property
    def mask(self) -> Array:
        """The same lines as booleans."""
        return _mask(self.rows, self.count)


@dataclass(eq=False)
class Tally:
    """Answers for one scenario. With `spend` (pounds per line), `gain` (per curve) and `moved` (pounds per route,
    nothing if left out) it answers in numbers.

    Lines are asked for as booleans, one per line, or as their rows in order, and answered in kind; routes likewise.
    """

    scenario: Scenario
    spend_by_line: Array | None = None
    gain_by_curve: Array | None = None
    totals: dict[str, Total] = field(default_factory=dict)
    """Every total asked for so far, by name: what a model must declare."""
    moved_by_route: Array | None = None
    chosen: dict[str, bool] = field(default_factory=dict)
    """In numbers, what every choice asked for so far was."""

    def __post_init__(self) -> None:
        self.baselines = self.scenario._tables["lines"]["baseline"].to_numpy()
        self._year, self._outcome = self.scenario.shared("tally", lambda: _columns(self.scenario))
        self._said: dict[str, tuple[Rule, str]] = {}

    def covers(self, scope: Scope) -> Array:
        """Which lines a scope covers: booleans."""
        return covers(scope, self.scenario)

    def parts(self, rule: Rule) -> tuple[Part, ...]:
        """The parts of a rule's scope: all of it, or one for each place, partner ... that the rule names."""
        where, each = rule.where, rule.each
        return self.scenario.shared(("parts", where, each), lambda: tuple(_parts(where, each, self.scenario)))

    def said(self, rule: Rule, sentence: Callable[[Scenario], str]) -> str:
        """What a rule says in words, worked out once for all its limits."""
        said = self._said.get(rule.id)
        if said is None or said[0] is not rule:
            said = self._said[rule.id] = (rule, sentence(self.scenario))
        return said[1]

    def spend(self, lines: Array) -> Amount:
        """Pounds spent on these lines."""
        rows = _rows(lines)
        if self.spend_by_line is not None:
            return float(self.spend_by_line[rows].sum())
        return self._total(Total(rows, np.ones(len(rows)), np.array([], int), "spend"))

    def use(self, rates: Array) -> Amount:
        """Units of a resource used, given each line's units per pound."""
        rows = np.flatnonzero(rates)
        if self.spend_by_line is not None:
            return float(self.spend_by_line[rows] @ rates[rows])
        return self._total(Total(rows, rates[rows], np.array([], int), "resource"))

    def gain(self, lines: Array, outcome: str) -> Amount:
        """Units of an outcome gained under the curves that any of these lines feeds."""
        curve, line = self.scenario.feeding
        wanted = np.zeros(len(self._outcome), dtype=bool)
        wanted[curve[_mask(lines, len(self._year))[line]]] = True
        curves = np.flatnonzero((self._outcome == outcome) & wanted)
        if self.gain_by_curve is not None:
            return float(self.gain_by_curve[curves].sum())
        return self._total(Total(np.array([], int), np.array([]), curves, outcome))

    def moved(self, routes: Array) -> Amount:
        """Pounds moved along these routes (rows of the routes' table)."""
        rows = _rows(routes)
        if self.spend_by_line is not None:
            return 0.0 if self.moved_by_route is None else float(self.moved_by_route[rows].sum())
        return self._total(Total(NOTHING, np.array([]), NOTHING, "spend", rows))

    def choice(self, name: str, yes: Callable[[], bool]) -> Amount:
        """A yes or no that a rule owns: worth 1, or 0. No two in a book share a name.

        `yes` says in numbers what was chosen, from what this tally answers: where the rule's limits can hold with
        either, they must hold with what it says. So an audit needs nobody's word for it.
        """
        if self.spend_by_line is not None:
            self.chosen[name] = bool(yes())
            return float(self.chosen[name])
        return self._total(Total(NOTHING, np.array([]), NOTHING, CHOICE, choice=name))

    def aid(self, name: str, amount: Callable[[], float], floor: Row | None = None) -> Amount:
        """An amount in pounds, at or above nothing, that a rule owns and is free to set to whatever helps it most; at
        least `floor`, if one is given. No two in a book share a name.

        `amount` says in numbers what it is, so that an audit needs nobody's word for it: what helps the rule most.
        """
        if self.spend_by_line is not None:
            return max(0.0, float(amount()))
        return self._total(Total(NOTHING, np.array([]), NOTHING, "spend", aid=name, floor=floor))

    def excess(self, name: str, amount: Amount) -> Amount:
        """What an amount in pounds has above nothing, or nothing: for limits from above, where less of it helps."""
        return self.aid(name, lambda: amount, amount)

    def pound(self, measure: str) -> float:
        """How much of a measure counts as a pound of an aid: what all the money buys at most, over the money. In
        numbers, where it makes no difference, 1."""
        if measure == "spend" or self.spend_by_line is not None:
            return 1.0
        curves, tables = Curves.of(self.scenario), self.scenario._tables
        reach = self.scenario.reach[self.scenario.envelope_of_line]
        most = curves.gain(curves.effort(np.fmin(tables["lines"]["high"].to_numpy(dtype=float), reach)))
        money = max(float(tables["envelopes"]["amount"].sum()), 1.0)
        return float(np.maximum(most[self._outcome == measure], 0.0).sum()) / money or 1.0

    def baseline(self, lines: Array) -> float:
        """Pounds these lines held before."""
        return float(self.baselines[lines].sum())

    def years(self, lines: Array) -> Iterator[tuple[str, Array]]:
        """Each year in which these lines spend, and its lines."""
        rows = _rows(lines)
        of_row = self._year[rows]
        for number, year in enumerate(self.scenario.years):
            now = rows[of_row == number]
            if len(now):
                yield year, _like(lines, now)

    def matching(self, first: int, scope: Scope, each: str | None, year: int) -> Array:
        """The rows of a scope in the year of this number that share with one line the part of `each`."""
        group, years = self._groups(each), len(self.scenario.years)

        def ordered() -> tuple[Array, Array]:
            rows = np.flatnonzero(self.covers(scope))
            key = group[rows] * years + self._year[rows]
            order = np.argsort(key, kind="stable")
            return rows[order], key[order]

        rows, keys = self.scenario.shared(("matching", scope, each), ordered)
        start, end = np.searchsorted(keys, group[first] * years + year + np.arange(2))
        return rows[start:end]

    def _groups(self, each: str | None) -> Array:
        """A number for each line: the same where lines differ in nothing that `each` tells apart but the year."""
        return self.scenario.shared(("alike", each), lambda: _alike(self.scenario, each))

    def year_before(self, now: Array, scope: Scope, each: str | None) -> Array | None:
        """The lines of the year before that lines of one year are held against: those of the scope (which names no
        year) that share the part of `each`. None where there are none, as in the first year."""
        first = int(_rows(now)[0])
        number = self._year[first]
        if number == 0:
            return None
        then = self.matching(first, scope, each, number - 1)
        return _like(now, then) if len(then) else None

    def _total(self, total: Total) -> Row:
        if not (len(total.lines) or len(total.curves) or len(total.routes) or total.choice or total.aid):
            return Row({})
        # The name says what is counted, so that the same total has the same name in every scenario of a kind.
        counted: tuple = (total.measure, total.lines.tobytes(), total.curves.tobytes())
        if len(total.routes) or total.choice or total.aid:
            counted += total.routes.tobytes(), total.choice, total.aid
        name = blake2b(repr(counted).encode(), digest_size=8).hexdigest()
        while not np.array_equal(self.totals.setdefault(name, total).line_factors, total.line_factors):
            name += "+"
        return Row({name: 1.0})


def _columns(scenario: Scenario) -> tuple[Array, Array]:
    """The number of each line's year, and the outcome of each curve."""
    codes, names = scenario.codes("lines", "year")
    number = np.array([scenario.years.index(year) if year in scenario.years else -1 for year in names], dtype=int)
    return number[codes], scenario._tables["curves"]["outcome"].to_numpy(dtype=str)


def _alike(scenario: Scenario, each: str | None) -> Array:
    """See `Tally._groups`."""
    number = np.zeros(len(scenario._tables["lines"]), dtype=int)
    for column in TELLS_APART.get(each, (str(each),)):
        codes, names = scenario.codes("lines", column)
        number = number * len(names) + codes
    return number


def _rows(lines: Array) -> Array:
    """Lines given as booleans or as rows, as rows."""
    return np.flatnonzero(lines) if lines.dtype == bool else lines


def _mask(lines: Array, count: int) -> Array:
    """Lines given as booleans or as rows, as booleans."""
    if lines.dtype == bool:
        return lines
    mask = np.zeros(count, dtype=bool)
    mask[lines] = True
    return mask


def _like(lines: Array, rows: Array) -> Array:
    """Rows in the way that these lines are given: as booleans, or as rows."""
    return _mask(rows, len(lines)) if lines.dtype == bool else rows


def _parts(where: Scope, each: str | None, scenario: Scenario) -> Iterator[Part]:
    """See `Tally.parts`."""
    mask = covers(where, scenario)
    rows, count = np.flatnonzero(mask), len(mask)
    if each is None:
        yield Part("", "", rows, count)
    elif each == "line":
        ids, names = scenario.line_ids, scenario.shared("line names", lambda: _line_names(scenario))
        for k, row in enumerate(rows.tolist()):
            yield Part(ids[row], names[row], rows[k : k + 1], count)
    else:
        codes, values = scenario.codes("lines", each)
        order = np.argsort(codes[rows], kind="stable")
        present, starts = np.unique(codes[rows][order], return_index=True)
        for value, mine in zip(values[present], np.split(rows[order], starts[1:]), strict=False):
            name = value if each == "year" else scenario.name_of(f"{each}s", value)
            yield Part(value, name, mine, count)


def _line_names(scenario: Scenario) -> list[str]:
    """Each line in words: who, what for, where; when too, where there are several years."""
    lines = scenario.table("lines")
    columns = (("partners", "partner"), ("programmes", "programme"), ("places", "place"))
    names = [[scenario.name_of(table, key) for key in lines[column]] for table, column in columns]
    if len(scenario.years) > 1:
        names.append(list(lines["year"]))
    return [", ".join(words) for words in zip(*names, strict=True)]
