"""Entries of rows laid out as compressed rows, without sorting: every term comes sorted by row already."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocate.compiler.algebra import Constant, Formula, Gathered, Term, applied

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Entries:
    """Entries (row, column) that are all different, sorted by row (None: one in each row), and their numbers."""

    rows: Array | None
    columns: Array
    formula: Formula


def merged(terms: Sequence[Term], count: int, width: int, families: Array) -> list[Entries]:
    """The linear terms of a component's `count` rows over `width` columns, entries of the same row and column summed.

    `families` has the first column of each Var: terms of different Vars cannot meet.
    """
    clusters: dict[int, list[Term]] = {}
    for term in terms:
        if len(term.columns[0]):
            clusters.setdefault(_family(term.columns[0], families), []).append(term)
    mixed = clusters.pop(-1, None)
    if mixed is not None:
        clusters = {-1: [*mixed, *(term for cluster in clusters.values() for term in cluster)]}
    return [entries for cluster in clusters.values() for entries in _cluster(cluster, count, width)]


def _family(columns: Array, families: Array) -> int:
    """The Var that columns belong to; -1 where they belong to several."""
    first, last = np.searchsorted(families, [columns.min(), columns.max()], side="right")
    return int(first) if first == last else -1


def _cluster(terms: list[Term], count: int, width: int) -> list[Entries]:
    """Terms that may meet."""
    plain = [Entries(term.rows, term.columns[0], term.coefficient) for term in terms]
    if len(terms) == 1 and _rises(terms[0]):
        return plain
    keys = [(np.arange(count) if term.rows is None else term.rows) * width + term.columns[0] for term in terms]
    distinct, places = distinct_of(np.concatenate(keys))
    if len(distinct) == len(places):
        return plain
    ends = np.cumsum([len(part) for part in keys])[:-1]
    parts = zip(np.split(places, ends), (term.coefficient for term in terms), strict=True)
    rows = distinct // width
    return [Entries(rows, distinct - rows * width, Gathered(list(parts), len(distinct)))]


def _rises(term: Term) -> bool:
    """Whether columns rise within every row, so that none comes twice."""
    if term.rows is None:
        return True
    rises = term.columns[0][1:] > term.columns[0][:-1]
    return bool(rises.all() or (rises | (term.rows[1:] != term.rows[:-1])).all())


def distinct_of(keys: Array) -> tuple[Array, Array]:
    """The distinct keys, sorted, and for each key its place among them. Fast for keys that come in sorted runs."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.concatenate([np.ones(min(1, len(keys)), dtype=bool), ordered[1:] != ordered[:-1]])
    places = np.empty(len(keys), dtype=np.intp)
    places[order] = np.cumsum(first) - 1
    return ordered[first], places


def laid_out(entries: Sequence[Entries], count: int, first: int) -> tuple[Array, list[Array | slice]]:
    """Where each of the rows ends, if the first starts at `first`, and for each of the lists of entries its places in
    row order."""
    if all(each.rows is None for each in entries):
        step = len(entries)
        last = first + count * step
        return np.arange(1, count + 1) * step + first, [slice(first + k, last, step) for k in range(step)]
    one_each = np.ones(count, dtype=np.intp)
    lengths = [one_each if each.rows is None else np.bincount(each.rows, minlength=count) for each in entries]
    total = lengths[0].copy()
    for length in lengths[1:]:
        total += length
    ends = np.cumsum(total)
    ends += first
    if len(entries) == 1 or count == 1:
        within = np.cumsum([first, *(len(each.columns) for each in entries)]).tolist()
        return ends, [slice(start, end, 1) for start, end in itertools.pairwise(within)]
    places: list[Array | slice] = []
    free = ends - total
    for each, length in zip(entries, lengths, strict=True):
        if each.rows is None:
            places.append(free.copy())
        else:
            place = (free - (np.cumsum(length) - length))[each.rows]
            place += np.arange(len(place))
            places.append(place)
        free += length
    return ends, places


def triangle(terms: Sequence[Term], width: int) -> tuple[Array, Array, Formula]:
    """Products of variables in a single row as the lower triangle of a Hessian by columns: start, index and numbers."""
    parts, keys = [], []
    for term in terms:
        first, second = term.columns
        column, row = np.minimum(first, second), np.maximum(first, second)
        keys.append(column * width + row)
        parts.append(applied(np.multiply, term.coefficient, Constant(np.where(column == row, 2.0, 1.0))))
    distinct, places = distinct_of(np.concatenate(keys))
    ends = np.cumsum([len(part) for part in keys])[:-1]
    start = np.searchsorted(distinct, np.arange(width + 1) * width)
    gathered = Gathered(list(zip(np.split(places, ends), parts, strict=True)), len(distinct))
    return start, distinct % width, gathered
