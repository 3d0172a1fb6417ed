"""A linear or quadratic model as HiGHS takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
SMALL = 2_500
"""Numbers below which it is the calls that cost, and from which the copies do."""
NOWHERE = np.array([], dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Hessian:
    """The lower triangle of Q in 1/2 x'Qx + c'x by columns, as HiGHS' passHessian takes it."""

    start: Array
    index: Array
    value: Array


@dataclass(frozen=True, eq=False)
class Arrays:
    """A model of n columns and m rows.

    Costs, bounds (infinite where open), columns in compressed form (`start` (n + 1,) and `index`, the row of each entry
    of `value`, rising within a column; both int32, read-only), which columns are whole, Pyomo's sense (1 minimise,
    -1 maximise), and the constant of the objective.
    """

    cost: Array
    lower: Array
    upper: Array
    row_lower: Array
    row_upper: Array
    start: Array
    index: Array
    value: Array
    integer: Array
    sense: int = 1
    offset: float = 0.0
    hessian: Hessian | None = None

    @classmethod
    def of(
        cls, cost: Array, lower: Array, upper: Array, row_lower: Array, row_upper: Array,
        entries: tuple[Array, Array, Array], integer: Array | None = None,
    ) -> Arrays:  # fmt: skip
        """A model from entries in any order: the row, the column and the value of each, no two in the same place."""
        row, column, value = entries
        order = np.lexsort((row, column))
        start = np.searchsorted(column, np.arange(len(cost) + 1), sorter=order).astype(np.int32)
        whole = np.zeros(len(cost), dtype=bool) if integer is None else integer
        index = row[order].astype(np.int32)
        return cls(cost, lower, upper, row_lower, row_upper, start, index, value[order], whole)

    def compact(self) -> Arrays:
        """The same without entries that are 0."""
        if not some(self.value == 0):
            return self
        kept = self.value.nonzero()[0]
        start = kept.searchsorted(self.start).astype(np.int32)
        return self.but({"start": start, "index": self.index.take(kept), "value": self.value.take(kept)})

    def but(self, parts: dict[str, Any]) -> Arrays:
        """The same but for these parts. What `dataclasses.replace` would do, ten times as fast."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.__dict__.update(parts)
        return other


def some(values: Array) -> bool:
    """Whether any is not 0: what `any` says, but several times as fast where few numbers are, or few are not 0."""
    return values.nonzero()[0].size > 0


def alike(one: Array, other: Array) -> bool:
    """Whether arrays of one size and kind hold the same, as bytes where few numbers are: 0 is then not -0."""
    # To compare as numbers takes three times as long.
    return one.tobytes() == other.tobytes() if one.size < SMALL else not some(one != other)


def differ(one: Array, other: Array) -> bool:
    """Whether numbers differ anywhere in arrays of one size and kind."""
    return not alike(one, other) and some(one != other)


class Touched(NamedTuple):
    """Places, in increasing order: costs and `columns` (bounds) by column, `rows` (bounds) by row, `entries` in
    `value`, and whether the Hessian and the constant of the objective are among them."""

    costs: Array
    columns: Array
    rows: Array
    entries: Array
    hessian: bool = False
    offset: bool = False

    @classmethod
    def of(cls, places: Mapping[str, Array]) -> Touched:
        """From places in arrays, in increasing order, by the names of the arrays."""
        get = places.get
        return cls(
            get("cost", NOWHERE), _either(get("lower"), get("upper")), _either(get("row_lower"), get("row_upper")),
            get("value", NOWHERE), "hessian" in places, "offset" in places,
        )  # fmt: skip


def _either(one: Array | None, other: Array | None) -> Array:
    """The places in one array or another."""
    if one is None or other is None:
        found = one if other is None else other
        return NOWHERE if found is None else found
    # Both sides of an equation differ in the same places.
    return one if one.size == other.size and alike(one, other) else np.union1d(one, other)
