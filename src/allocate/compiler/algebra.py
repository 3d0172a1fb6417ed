"""Numbers that depend on figures, and sums of variables with such numbers for coefficients.

A `Formula` gives an array for any figures: it is built once, then evaluated with numpy. A `Polynomial` is what a rule's
tree comes to over all rows at once: a constant for each row, and terms, each a list of entries (row, columns,
coefficient) sorted by row. Shapes: a formula is a number for all rows, or one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allocate.compiler.errors import Unreadable

Array = np.ndarray
Figures = Mapping[str, Array]
"""Param name to its values, in the order of its index set, 1-D."""
Number = Array | float


class Formula:
    """Numbers that follow from figures. `reads` names the Params in it."""

    reads: frozenset[str] = frozenset()

    def at(self, figures: Figures) -> Number:
        raise NotImplementedError

    def spread(self, rows: Array) -> Formula:
        """The same for entries, each of which belongs to one of the rows."""
        return Spread(self, rows)


@dataclass(frozen=True, eq=False)
class Constant(Formula):
    """Numbers that are the same for all figures."""

    value: Number

    def at(self, figures: Figures) -> Number:
        return self.value

    def spread(self, rows: Array) -> Formula:
        return Constant(self.value[rows]) if isinstance(self.value, np.ndarray) and self.value.ndim else self


class Read(Formula):
    """A Param at these places in it; `whole` if they are all of its places in turn."""

    def __init__(self, name: str, places: Array, whole: bool = False) -> None:
        self.name, self.places, self.whole, self.reads = name, places, whole, frozenset([name])

    def at(self, figures: Figures) -> Number:
        values = figures[self.name]
        return values if self.whole else values[self.places]

    def spread(self, rows: Array) -> Formula:
        return Read(self.name, self.places[rows]) if self.places.ndim else self


class Apply(Formula):
    """A numpy function of formulas, element by element."""

    def __init__(self, function: Callable, arguments: Sequence[Formula]) -> None:
        self.function, self.arguments = function, tuple(arguments)
        self.reads = _reads(arguments)

    def at(self, figures: Figures) -> Number:
        return self.function(*(argument.at(figures) for argument in self.arguments))

    def spread(self, rows: Array) -> Formula:
        return Apply(self.function, [argument.spread(rows) for argument in self.arguments])


class Spread(Formula):
    """A formula with one number for each row, repeated for the entries of the rows."""

    def __init__(self, formula: Formula, rows: Array) -> None:
        self.formula, self.rows, self.reads = formula, rows, formula.reads

    def at(self, figures: Figures) -> Number:
        value = self.formula.at(figures)
        return value[self.rows] if np.ndim(value) else value  # type: ignore[index]


class Gathered(Formula):
    """Sums of the entries of formulas, each entry into its own of `count` places."""

    def __init__(self, parts: Sequence[tuple[Array, Formula]], count: int) -> None:
        self.parts, self.count, self.reads = tuple(parts), count, _reads([formula for _, formula in parts])

    def at(self, figures: Figures) -> Number:
        total = np.zeros(self.count)
        for places, formula in self.parts:
            weights = np.broadcast_to(formula.at(figures), places.shape)
            total += np.bincount(places, weights, minlength=self.count)
        return total


class Listed(Formula):
    """Formulas of one number each, side by side; Params and constants among them are read all at once."""

    def __init__(self, formulas: Sequence[Formula]) -> None:
        self.reads, self.count = _reads(formulas), len(formulas)
        self._fixed = np.array([f.value if isinstance(f, Constant) else 0.0 for f in formulas], dtype=float)
        reads: dict[str, list[int]] = {}
        for place, formula in enumerate(formulas):
            if isinstance(formula, Read):
                reads.setdefault(formula.name, []).append(place)
        self._read = [(np.array(at), Read(name, np.array([int(formulas[k].places) for k in at])))  # type: ignore
                      for name, at in reads.items()]  # fmt: skip
        self._rest = [(k, f) for k, f in enumerate(formulas) if not isinstance(f, (Constant, Read))]

    def at(self, figures: Figures) -> Number:
        values = self._fixed.copy()
        for places, read in self._read:
            values[places] = read.at(figures)
        for place, formula in self._rest:
            values[place] = formula.at(figures)
        return values


def applied(function: Callable, *arguments: Formula) -> Formula:
    """A function of formulas; what is constant is worked out at once, and nothing is done to multiply by 1 or add 0."""
    if all(isinstance(argument, Constant) for argument in arguments):
        return Constant(function(*(argument.at({}) for argument in arguments)))
    neutral = 1.0 if function is np.multiply else 0.0 if function is np.add else None
    if neutral is not None:
        kept = [argument for argument in arguments if not _is(argument, neutral)]
        if len(kept) == 1:
            return kept[0]
    return Apply(function, arguments)


def _is(formula: Formula, value: float) -> bool:
    return isinstance(formula, Constant) and np.ndim(formula.value) == 0 and formula.value == value


def _reads(formulas: Iterable[Formula]) -> frozenset[str]:
    return frozenset().union(*(formula.reads for formula in formulas))


ZERO, ONE = Constant(0.0), Constant(1.0)


@dataclass(frozen=True, eq=False)
class Term:
    """Entries of a polynomial: their rows, sorted (None: one entry for each row), the column or two columns that each
    multiplies, and their coefficients."""

    rows: Array | None
    columns: tuple[Array, ...]
    coefficient: Formula

    def with_rows(self, rows: Array) -> Term:
        return Term(rows, self.columns, self.coefficient)

    def taken(self, entries: Array) -> Term:
        rows = entries if self.rows is None else self.rows[entries]
        return Term(rows, tuple(column[entries] for column in self.columns), self.coefficient.spread(entries))

    def scaled(self, function: Callable, factor: Formula) -> Term:
        spread = factor if self.rows is None else factor.spread(self.rows)
        return Term(self.rows, self.columns, applied(function, self.coefficient, spread))


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A constant and terms, over some number of rows."""

    constant: Formula = ZERO
    terms: tuple[Term, ...] = ()

    def plus(self, other: Polynomial) -> Polynomial:
        return Polynomial(applied(np.add, self.constant, other.constant), self.terms + other.terms)

    def scaled(self, function: Callable, factor: Formula) -> Polynomial:
        """Multiplied or divided by a formula."""
        terms = tuple(term.scaled(function, factor) for term in self.terms)
        return Polynomial(ZERO if _is(self.constant, 0.0) else applied(function, self.constant, factor), terms)

    def times(self, other: Polynomial, count: int) -> Polynomial:
        if not other.terms:
            return self.scaled(np.multiply, other.constant)
        if not self.terms:
            return other.scaled(np.multiply, self.constant)
        mixed = [term.scaled(np.multiply, other.constant) for term in self.terms if not _is(other.constant, 0.0)]
        mixed += [term.scaled(np.multiply, self.constant) for term in other.terms if not _is(self.constant, 0.0)]
        pairs = [_paired(a, b, count) for a in self.terms for b in other.terms]
        return Polynomial(self.scaled(np.multiply, other.constant).constant, tuple(mixed + pairs))

    def to_the(self, exponent: Formula, count: int) -> Polynomial:
        if not self.terms:
            return Polynomial(applied(np.power, self.constant, exponent))
        if _is(exponent, 1.0):
            return self
        if not _is(exponent, 2.0):
            raise Unreadable("it raises a variable to a power other than 1 or 2")
        return self.times(self, count)

    def summed(self, rows: Array, count: int) -> Polynomial:
        """The sum of rows into `count` others; `rows` (sorted) says into which each goes."""
        terms = tuple(term.with_rows(rows if term.rows is None else rows[term.rows]) for term in self.terms)
        if _is(self.constant, 0.0):
            return Polynomial(ZERO, terms)
        constant: Formula = Gathered([(rows, self.constant)], count)
        return Polynomial(constant if constant.reads else Constant(constant.at({})), terms)


def _paired(a: Term, b: Term, count: int) -> Term:
    """Every entry of one term times every entry of the other in the same row."""
    if len(a.columns) + len(b.columns) > 2:
        raise Unreadable("it multiplies more than two variables")
    if a.rows is not None or b.rows is not None:
        rows_a = np.arange(count) if a.rows is None else a.rows
        rows_b = np.arange(count) if b.rows is None else b.rows
        lengths = np.bincount(rows_b, minlength=count)
        partners = lengths[rows_a]
        first = np.repeat(np.arange(len(rows_a)), partners)
        within = np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
        second = np.repeat((np.cumsum(lengths) - lengths)[rows_a], partners) + within
        a, b = a.taken(first), b.taken(second)
    return Term(a.rows, a.columns + b.columns, applied(np.multiply, a.coefficient, b.coefficient))
