"""Entries of rows laid out as compressed columns, as HiGHS keeps them: to make them of rows takes it longer."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from allocate.compiler.algebra import Formula, Term, applied, constant, gathered
from allocate.compiler.arrays import some
from allocate.compiler.members import Places

Array = np.ndarray
Laid = tuple[Array, Formula]
"""Places, and their numbers."""


@dataclass(frozen=True, eq=False, slots=True)
class Columns:
    """Compressed columns: where they start, the row of each entry, rising within a column, and the numbers.

    Where no two entries meet in one place, the numbers are laid as they were read, and `order` says for each entry
    which of those it is: to gather is twice as fast as to scatter.
    """

    start: Array
    index: Array
    laid: Sequence[tuple[Places, Formula]]
    order: Array | None


def by_columns(terms: Sequence[tuple[slice, Term]], height: int, width: int) -> Columns:
    """Linear terms, each of some of `height` rows, as `width` columns; what meets in a place is summed."""
    terms = [(rows, term) for rows, term in terms if len(term.columns[0])]
    if not terms:
        none = np.zeros(width + 1, dtype=np.int32)
        return Columns(none, none[:0], [], None)
    bits, places = height.bit_length(), slices([len(term.columns[0]) for _, term in terms])
    # Memory that was not touched before takes longer than sorting: so keys are short, and written in place.
    kind = np.int32 if width << bits < 2**31 else np.int64
    keys: Array = np.empty(places[-1].stop, dtype=kind)
    every = np.arange(height, dtype=kind)
    for at, (rows, term) in zip(places, terms, strict=True):
        np.left_shift(term.columns[0], bits, out=keys[at], dtype=kind, casting="same_kind")
        keys[at] += every[rows] if term.rows is None else every[rows].repeat(term.rows.lengths)
    order, keys, first = _sorted(keys)
    alone = not some(~first)
    keys = keys if alone else keys[first]
    index = (keys & ((1 << bits) - 1)).astype(np.int32, copy=False)
    keys >>= bits
    start = _starts(keys, width)
    numbers = [term.coefficient for _, term in terms]
    if alone:
        return Columns(start, index, list(zip(places, numbers, strict=True)), order)
    found = _places(order, first)
    laid = [(found[at], formula) for at, formula in zip(places, numbers, strict=True)]
    return Columns(start, index, _summed(laid, [rows.start for rows, _ in terms], np.bincount(found)), None)


def merged(terms: Sequence[Term]) -> list[Laid]:
    """The linear terms of a single row: columns and their numbers, summed where several are of one column."""
    laid = [(term.columns[0], term.coefficient) for term in terms if len(term.columns[0])]
    if not laid:
        return []
    # Mostly it is one term, in the order of its columns.
    if len(laid) == 1 and not some(laid[0][0][1:] <= laid[0][0][:-1]):
        return laid
    return _summed(laid, [0] * len(laid), np.bincount(np.concatenate([places for places, _ in laid])))


def _summed(laid: list[Laid], owners: Sequence[int], many: Array) -> list[Laid]:
    """The same with what meets in a place summed; only numbers of the same owner do. `many` says how many there are in
    each place."""
    found: list[Laid] = []
    met: dict[int, list[Laid]] = {}
    several = many > 1
    for (places, formula), owner in zip(laid, owners, strict=True):
        if some(several.take(places)):
            met.setdefault(owner, []).append((places, formula))
        else:
            found.append((places, formula))
    return found + [_met(parts, len(many)) for parts in met.values()]


def _met(laid: list[Laid], count: int) -> Laid:
    """One for all: distinct places, of `count`, and the sums of what is in them."""
    there = np.zeros(count, dtype=bool)
    for places, _ in laid:
        there[places] = True
    distinct, number = there.nonzero()[0], there.cumsum() - 1
    return distinct, gathered([(number.take(places), formula) for places, formula in laid], len(distinct))


def slices(lengths: Iterable[int]) -> list[slice]:
    """Where parts of these lengths are, one after another."""
    return list(itertools.starmap(slice, itertools.pairwise(itertools.accumulate(lengths, initial=0))))


def _sorted(keys: Array) -> tuple[Array, Array, Array]:
    """The order of keys, the keys in it, and which of those are not the same as the one before."""
    # np.unique does not make use of keys that come in sorted runs.
    order = keys.argsort(kind="stable")
    ordered = keys.take(order)
    first = np.empty(len(ordered), dtype=bool)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return order, ordered, first


def _starts(column: Array, width: int) -> Array:
    """Where each of so many columns starts, and where the last ends, from the column of each entry, in order."""
    # Several times as fast as to count them: columns have several entries, and few have none.
    first = (column[1:] != column[:-1]).nonzero()[0]
    first += 1
    start = np.zeros(len(first) + 2, dtype=np.int32)
    start[1:-1], start[-1] = first, len(column)
    if len(start) > width:
        return start
    there = np.concatenate([[-1], column.take(start[:-1]), [width]])
    return start.repeat(there[1:] - there[:-1])


def _places(order: Array, first: Array) -> Array:
    """The place of every key among the distinct ones."""
    places = np.empty(len(order), dtype=np.intp)
    places[order] = first.cumsum() - 1
    return places


def triangle(terms: Sequence[Term], width: int) -> tuple[Array, Array, Formula]:
    """Products of variables in a single row as the lower triangle of a Hessian by columns: start, index and numbers."""
    pairs = [(np.minimum(*term.columns), np.maximum(*term.columns)) for term in terms]
    keys = [column * width + row for column, row in pairs]
    order, ordered, first = _sorted(np.concatenate(keys))
    distinct, places = ordered[first], _places(order, first)
    doubled = [
        applied(np.multiply, term.coefficient, constant(np.where(column == row, 2.0, 1.0)))
        for term, (column, row) in zip(terms, pairs, strict=True)
    ]
    parts = [(places[at], formula) for at, formula in zip(slices(map(len, keys)), doubled, strict=True)]
    start = np.searchsorted(distinct, np.arange(width + 1) * width)
    return start, distinct % width, gathered(parts, len(distinct))
