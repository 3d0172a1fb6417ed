"""Numbers that depend on figures, and sums of variables with such numbers for coefficients.

A `Formula` gives numbers for any figures: it is built once, then evaluated with numpy. A `Polynomial` is what a rule's
tree comes to over all rows at once: a constant for each row, and terms, each a list of entries (row, columns,
coefficient) sorted by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import attrgetter, is_, itemgetter
from typing import Any

import numpy as np

from allocate.compiler.errors import Unreadable
from allocate.compiler.members import Places, Rows

Array = np.ndarray
Figures = dict[Any, Array]
"""Param name to its values, in the order of its index set, 1-D. What takes long to work out is kept here too, by the
function that did: make one for each evaluation."""
Number = Array | float
NOTHING: frozenset[str] = frozenset()
SUM = partial(np.add.reduce, keepdims=True)
WRITEABLE = attrgetter("flags.writeable")
NEUTRAL: dict[Callable, float] = {np.multiply: 1.0, np.add: 0.0}


@dataclass(eq=False, slots=True)
class Formula:
    """Numbers that follow from figures: one for `each` row, or one for all. `reads` names the Params in it; `always` is
    the one number that it is for all rows and any figures, if it is."""

    at: Callable[[Figures], Number]
    reads: frozenset[str]
    each: bool
    always: float | None = None

    def spread(self, rows: Rows) -> Formula:
        """The same for the entries of these rows."""
        if not self.each or rows.single:
            return self
        return applied(lambda value: value.repeat(rows.lengths), self)

    def taken(self, places: Places) -> Formula:
        """The same at these places."""
        if not self.each or isinstance(places, slice):
            return self
        return applied(lambda value: value.take(places), self)


def constant(value: Number) -> Formula:
    """The same numbers for all figures."""
    each = isinstance(value, np.ndarray) and value.ndim > 0
    return Formula(lambda _: value, NOTHING, each, None if each else float(value))


def read(name: str, places: Places) -> Formula:
    """A Param at these places in it."""
    if isinstance(places, slice):
        return Formula(itemgetter(name), frozenset([name]), True)
    return Formula(lambda figures: figures[name][places], frozenset([name]), places.ndim > 0)


def applied(function: Callable, *arguments: Formula) -> Formula:
    """A numpy function of one or two formulas; what is constant is worked out at once, and nothing is done to multiply
    by 1 or add 0."""
    neutral = NEUTRAL.get(function)
    if neutral is not None and len(arguments) == 2:
        one, other = arguments
        if one.always == neutral or other.always == neutral:
            return other if one.always == neutral else one
    each = any([formula.each for formula in arguments])
    if len(arguments) == 1:
        only = arguments[0].at
        return _joined(lambda figures: function(only(figures)), arguments, each)
    first, second = (formula.at for formula in arguments)
    return _joined(lambda figures: function(first(figures), second(figures)), arguments, each)


def gathered(parts: Sequence[tuple[Array, Formula]], count: int) -> Formula:
    """Sums of the entries of formulas, each entry into its own of `count` places. The last sums are kept for as long as
    the figures are the same arrays, and those cannot be written into."""
    if count == 1:
        return reduce(partial(applied, np.add), [_added_up(formula, len(places)) for places, formula in parts], ZERO)
    names = NOTHING.union(*[formula.reads for _, formula in parts])
    last: list[tuple[list[Array], Array]] = []

    def total(figures: Figures) -> Number:
        if total in figures:
            return figures[total]
        asked = [figures[name] for name in names]
        kept = last[-1:]
        if kept and all(map(is_, kept[0][0], asked)):
            return kept[0][1]
        sums = []
        for places, formula in parts:
            value = formula.at(figures)
            value = value if formula.each else np.full(len(places), value)
            sums.append(np.bincount(places, value, minlength=count))
        found = figures[total] = sums[0] if sums else np.zeros(count)
        for further in sums[1:]:
            found += further
        if asked and not any(map(WRITEABLE, asked)):
            last[:] = [(asked, found)]
        return found

    return _joined(total, [formula for _, formula in parts], True)


def _added_up(formula: Formula, count: int) -> Formula:
    """The sum of `count` entries."""
    return applied(SUM, formula) if formula.each else applied(np.multiply, formula, constant(count))


def listed(formulas: Sequence[Formula]) -> Formula:
    """Formulas of one number each, side by side."""
    return _joined(lambda figures: np.array([each.at(figures) for each in formulas], dtype=float), formulas, True)


def _joined(at: Callable[[Figures], Number], formulas: Sequence[Formula], each: bool) -> Formula:
    reads = NOTHING.union(*[formula.reads for formula in formulas])
    return Formula(at, reads, each) if reads else constant(at({}))


ZERO, ONE, MINUS = constant(0.0), constant(1.0), constant(-1.0)


@dataclass(eq=False, slots=True)
class Term:
    """Entries of a polynomial: their rows (None: one entry for each row), the column or two columns that each
    multiplies, and their coefficients. `variables` names the Vars of the columns: "" where they may be of several."""

    rows: Rows | None
    columns: tuple[Array, ...]
    coefficient: Formula
    variables: tuple[str, ...]

    def at(self, entries: Places, rows: Rows | None) -> Term:
        """Some of the entries of a term, with their rows."""
        columns = self.columns if isinstance(entries, slice) else tuple(each.take(entries) for each in self.columns)
        return Term(rows, columns, self.coefficient.taken(entries), self.variables)

    def taken(self, rows: Array) -> Term:
        """Some of the rows of a term, in any order and any number of times."""
        return self.at(rows, None) if self.rows is None else self.at(*self.rows.taken(rows))

    def scaled(self, function: Callable, factor: Formula) -> Term:
        """Multiplied or divided by a formula, one number for each row."""
        factor = factor if self.rows is None else factor.spread(self.rows)
        return Term(self.rows, self.columns, applied(function, self.coefficient, factor), self.variables)


@dataclass(eq=False, slots=True)
class Polynomial:
    """A constant and terms, over some number of rows."""

    constant: Formula = ZERO
    terms: tuple[Term, ...] = ()

    def plus(self, other: Polynomial) -> Polynomial:
        """The sum of both."""
        if self is EMPTY or other is EMPTY:
            return self if other is EMPTY else other
        return Polynomial(applied(np.add, self.constant, other.constant), self.terms + other.terms)

    def scaled(self, function: Callable, factor: Formula) -> Polynomial:
        """Multiplied or divided by a formula."""
        if self is EMPTY:
            return self
        terms = tuple(term.scaled(function, factor) for term in self.terms)
        return Polynomial(ZERO if self.constant.always == 0.0 else applied(function, self.constant, factor), terms)

    def times(self, other: Polynomial, count: int) -> Polynomial:
        """The product of both, over `count` rows. Raises Unreadable for more than two variables in one."""
        if not other.terms:
            return self.scaled(np.multiply, other.constant)
        if not self.terms:
            return other.scaled(np.multiply, self.constant)
        found = Polynomial(ZERO, tuple(_paired(a, b, count) for a in self.terms for b in other.terms))
        for one, factor in ((self, other.constant), (Polynomial(ZERO, other.terms), self.constant)):
            if factor.always != 0.0:
                found = found.plus(one.scaled(np.multiply, factor))
        return found

    def to_the(self, exponent: Formula, count: int) -> Polynomial:
        """Its power, over `count` rows. Raises Unreadable for variables to a power other than 1 or 2."""
        if not self.terms:
            return Polynomial(applied(np.power, self.constant, exponent))
        if exponent.always == 1.0:
            return self
        if exponent.always != 2.0:
            raise Unreadable("it raises a variable to a power other than 1 or 2")
        return self.times(self, count)

    def taken(self, rows: Array) -> Polynomial:
        """Some of the rows, in any order and any number of times."""
        return Polynomial(self.constant.taken(rows), tuple(term.taken(rows) for term in self.terms))

    def summed(self, rows: Rows) -> Polynomial:
        """The sum of rows into others; `rows` says into which each goes."""
        terms = tuple(_summed(term, rows) for term in self.terms)
        if self.constant.always == 0.0 or rows.single:
            return Polynomial(self.constant, terms)
        return Polynomial(gathered([(rows.of, self.constant)], rows.count), terms)


EMPTY = Polynomial()
"""Nothing, over any rows."""


def _summed(term: Term, rows: Rows) -> Term:
    within = rows if term.rows is None else term.rows.within(rows)
    return Term(within, term.columns, term.coefficient, term.variables)


def _paired(a: Term, b: Term, count: int) -> Term:
    """Every entry of one term times every entry of the other in the same row."""
    if len(a.columns) + len(b.columns) > 2:
        raise Unreadable("it multiplies more than two variables")
    if a.rows is not None or b.rows is not None:
        one, other = (Rows(np.arange(count + 1)) if term.rows is None else term.rows for term in (a, b))
        second, partners = other.taken(one.of)
        rows = partners.within(one)
        a, b = a.at(partners.of, rows), b.at(second, rows)
    return Term(
        a.rows, a.columns + b.columns, applied(np.multiply, a.coefficient, b.coefficient), a.variables + b.variables
    )
