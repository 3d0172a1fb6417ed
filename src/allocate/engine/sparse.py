"""A matrix that is mostly nothing, with the few operations that limits and curves need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Sparse:
    """Entries by row, column and value; each place at most once. `m @ x` and `y @ m` are the products with vectors."""

    rows: Array
    columns: Array
    values: Array
    shape: tuple[int, int]

    # Numpy arrays on the left leave `@` to this class.
    __array_ufunc__ = None

    def __matmul__(self, x: Array) -> Array:
        return np.bincount(self.rows, self.values * x[self.columns], minlength=self.shape[0])

    def __rmatmul__(self, y: Array) -> Array:
        return np.bincount(self.columns, self.values * y[self.rows], minlength=self.shape[1])

    def __abs__(self) -> Sparse:
        return replace(self, values=np.abs(self.values))

    def __add__(self, other: Sparse) -> Sparse:
        return Sparse.summed(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.columns, other.columns]),
            np.concatenate([self.values, other.values]),
            self.shape,
        )

    def through(self, other: Sparse) -> Sparse:
        """The product of two such matrices."""
        order = np.argsort(other.rows, kind="stable")
        starts = np.searchsorted(other.rows[order], np.arange(other.shape[0] + 1))
        counts = np.diff(starts)[self.columns]
        mine = np.repeat(np.arange(len(self.rows)), counts)
        step = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts)
        theirs = order[starts[self.columns[mine]] + step]
        values = self.values[mine] * other.values[theirs]
        return Sparse.summed(self.rows[mine], other.columns[theirs], values, (self.shape[0], other.shape[1]))

    def scaled(self, by_column: Array) -> Sparse:
        """The same with each column times a number."""
        return replace(self, values=self.values * by_column[self.columns])

    def largest(self) -> Array:
        """The largest entry of each row in size; 0 for empty rows."""
        most = np.zeros(self.shape[0])
        np.maximum.at(most, self.rows, np.abs(self.values))
        return most

    def dense(self, rows: Array) -> Array:
        """Some of its rows, written out."""
        place = np.full(self.shape[0], -1)
        place[rows] = np.arange(len(rows))
        wanted = place[self.rows] >= 0
        out = np.zeros((len(rows), self.shape[1]))
        out[place[self.rows[wanted]], self.columns[wanted]] = self.values[wanted]
        return out

    def __bool__(self) -> bool:
        return self._any

    @cached_property
    def _any(self) -> bool:
        return bool(np.any(self.values != 0))

    @classmethod
    def summed(cls, rows: Array, columns: Array, values: Array, shape: tuple[int, int]) -> Sparse:
        """From entries that may name a place several times: those are added up."""
        key = rows * max(shape[1], 1) + columns
        # Entries mostly come in runs that are in order already, which a stable sort is quick to join.
        order = np.argsort(key, kind="stable")
        first = np.diff(key[order], prepend=-1) > 0
        number = np.empty(len(key), dtype=int)
        number[order] = np.cumsum(first) - 1
        kept = order[first]
        total = np.bincount(number, values, minlength=len(kept)) if len(kept) else np.zeros(0)
        return cls(rows[kept], columns[kept], total, shape)
