"""Entries of rows laid out as compressed rows, without sorting: every term comes sorted by row already."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from allocate.compiler.algebra import Formula, Term, applied, constant, gathered
from allocate.compiler.members import Places, Rows, runs

Array = np.ndarray


def merged(terms: Sequence[Term], count: int, width: int) -> list[Term]:
    """The linear terms of a component's rows over `width` columns, entries of the same row and column summed."""
    clusters: dict[str, list[Term]] = {}
    mixed = any(term.variables == ("",) for term in terms)
    for term in terms:
        if len(term.columns[0]):
            clusters.setdefault("" if mixed else term.variables[0], []).append(term)
    return [term for cluster in clusters.values() for term in _cluster(cluster, count, width)]


def _cluster(terms: list[Term], count: int, width: int) -> list[Term]:
    """Terms that may meet, for they have columns of the same Var."""
    if _apart(terms) and all(map(_rises, terms)):
        return terms
    rows = [np.arange(count) if term.rows is None else term.rows.of for term in terms]
    keys = [each * width + term.columns[0] for each, term in zip(rows, terms, strict=True)]
    distinct, places = _distinct(keys)
    if len(distinct) == sum(map(len, keys)):
        return terms
    formula = gathered([(at, term.coefficient) for at, term in zip(places, terms, strict=True)], len(distinct))
    return [Term(Rows.sorted(distinct // width, count), (distinct % width,), formula, terms[0].variables)]


def _apart(terms: list[Term]) -> bool:
    """Whether no row has entries of two of the terms."""
    if len(terms) == 1:
        return True
    lengths = [term.rows.lengths for term in terms if term.rows is not None]
    if len(lengths) < len(terms):
        return False
    taken = lengths[0] > 0
    for length in lengths[1:]:
        if (taken & (length > 0)).any():
            return False
        taken |= length > 0
    return True


def _rises(term: Term) -> bool:
    """Whether columns rise within every row, so that none comes twice."""
    if term.rows is None:
        return True
    rises = term.columns[0][1:] > term.columns[0][:-1]
    if not rises.all():
        inner = term.rows.starts[(term.rows.starts > 0) & (term.rows.starts <= len(rises))]
        rises[inner - 1] = True
    return bool(rises.all())


def _distinct(keys: Sequence[Array]) -> tuple[Array, list[Array]]:
    """The distinct keys, sorted, and for each part of the keys the places of its own among them."""
    together = np.concatenate(keys)
    # np.unique does not make use of keys that come in sorted runs.
    order = together.argsort(kind="stable")
    ordered = together.take(order)
    first = np.empty(len(ordered), dtype=bool)
    first[:1], first[1:] = True, ordered[1:] != ordered[:-1]
    places = np.empty(len(together), dtype=np.intp)
    places[order] = first.cumsum() - 1
    ends = list(itertools.accumulate(map(len, keys), initial=0))
    return ordered[first], [places[start:end] for start, end in itertools.pairwise(ends)]


def laid_out(terms: Sequence[Term], count: int, first: int) -> tuple[Array, list[Places]]:
    """Where each of the rows ends, if the first starts at `first`, and for each of the terms the places of its entries
    in row order."""
    step = len(terms)
    if all(term.rows is None for term in terms):
        last = first + count * step
        return np.arange(1, count + 1) * step + first, [slice(first + k, last, step) for k in range(step)]
    lengths = [1 if term.rows is None else term.rows.lengths for term in terms]
    each = sum(lengths)
    ends = np.cumsum(each) + first
    if step == 1 or count == 1:
        within = itertools.accumulate((len(term.columns[0]) for term in terms), initial=first)
        return ends, [slice(start, end, 1) for start, end in itertools.pairwise(within)]
    places: list[Places] = []
    free = ends - each
    for term, length in zip(terms, lengths, strict=True):
        if term.rows is None:
            places.append(free)
        else:
            places.append(runs(free, term.rows))
        free = free + length
    return ends, places


def triangle(terms: Sequence[Term], width: int) -> tuple[Array, Array, Formula]:
    """Products of variables in a single row as the lower triangle of a Hessian by columns: start, index and numbers."""
    pairs = [(np.minimum(*term.columns), np.maximum(*term.columns)) for term in terms]
    distinct, places = _distinct([column * width + row for column, row in pairs])
    doubled = [
        applied(np.multiply, term.coefficient, constant(np.where(column == row, 2.0, 1.0)))
        for term, (column, row) in zip(terms, pairs, strict=True)
    ]
    start = np.searchsorted(distinct, np.arange(width + 1) * width)
    return start, distinct % width, gathered(list(zip(places, doubled, strict=True)), len(distinct))
