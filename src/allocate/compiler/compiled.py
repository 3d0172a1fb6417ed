"""A Pyomo declaration compiled into the arrays that HiGHS takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo

from allocate.compiler.arrays import Arrays, Touched
from allocate.compiler.compilation import Compilation, Piece
from allocate.compiler.errors import CompileError
from allocate.compiler.expansion import LOCK

Array = np.ndarray
TARGETS = ("cost", "lower", "upper", "row_lower", "row_upper", "value", "hessian", "offset")


class Compiled:
    """A declaration over given members, ready for any figures. Nothing in it changes: any thread may use it.

    columns, rows  component name to its slice of the columns or rows, in the order of declaration, C order within
    notes          component name to why Pyomo had to expand it row by row; {} where everything was compiled
    """

    def __init__(self, compilation: Compilation) -> None:
        self.columns: dict[str, slice] = compilation.columns
        self.rows: dict[str, slice] = compilation.rows
        self.notes: dict[str, str] = compilation.notes
        self._declaration, self._sets = compilation.declaration, compilation.sets
        self._fixed, self._pieces, self._sizes = compilation.fixed, compilation.pieces, compilation.sizes
        self._reads = frozenset().union(*(piece.formula.reads for piece in self._pieces))

    @classmethod
    def of(cls, declaration: pyo.AbstractModel, members: Mapping[str, Any]) -> Compiled:
        """Compile a declaration. `members` has the members of each Set: labels, Positions, or for an indexed set a
        mapping from index to members, or pairs. Raises CompileError."""
        return cls(Compilation(declaration, members))

    def arrays(self, figures: Mapping[str, Any]) -> Arrays:
        """The arrays for these figures: Param name to values in the order of its index set. Raises CompileError."""
        read = self._checked(figures, self._reads)
        parts = _parts(self._fixed)
        parts |= {name: parts[name].copy() for name in {piece.target for piece in self._pieces}}
        for piece in self._pieces:
            parts[piece.target][piece.places] = piece.formula.at(read)
        return _whole(self._fixed, parts)

    def change(self, old: Arrays, figures: Mapping[str, Any], names: Collection[str]) -> tuple[Arrays, Touched]:
        """The arrays where only the named Params differ from the figures that gave `old`, and what differs in them.

        An array in which nothing differs is that of `old`. `figures` needs the named Params, and those that are read
        in the same expressions. Raises CompileError.
        """
        pieces = [piece for piece in self._pieces if not piece.formula.reads.isdisjoint(names)]
        read = self._checked(figures, frozenset().union(*(piece.formula.reads for piece in pieces)))
        before = _parts(old)
        after, differing = dict(before), []
        for piece in pieces:
            current = before[piece.target][piece.places]
            new = np.broadcast_to(piece.formula.at(read), current.shape)
            differs = current != new
            if differs.any():
                if after[piece.target] is before[piece.target]:
                    after[piece.target] = before[piece.target].copy()
                after[piece.target][piece.places] = new
                differing.append((piece.target, _numbers(piece, current)[differs]))
        return _whole(old, after), _touched(differing)

    def touched(self, *params: str) -> Touched:
        """Everything that these Params can touch, whatever their values."""
        parts = _parts(self._fixed)
        pieces = [piece for piece in self._pieces if not piece.formula.reads.isdisjoint(params)]
        return _touched((piece.target, _numbers(piece, parts[piece.target][piece.places])) for piece in pieces)

    def concrete(self, figures: Mapping[str, Any]) -> pyo.ConcreteModel:
        """The same declaration as an ordinary Pyomo model, for export and other solvers. Raises CompileError."""
        read = self._checked(figures, frozenset(figures))
        data: dict[str, Any] = self._sets.data()
        for name, values in read.items():
            labels = self._sets.table(self._declaration.component(name).index_set()).labels()
            data[name] = dict(zip(labels or [None], values.tolist(), strict=True)) if len(values) else {}
        with LOCK:
            return self._declaration.create_instance({None: data})

    def _checked(self, figures: Mapping[str, Any], names: Iterable[str]) -> dict[str, Array]:
        """The named figures as 1-D arrays of the right size."""
        read = {}
        for name in names:
            if name not in figures or name not in self._sizes:
                raise CompileError(name, "a Param of the declaration, with its values among the figures")
            read[name] = np.ascontiguousarray(figures[name], dtype=float).reshape(-1)
            if len(read[name]) != self._sizes[name]:
                raise CompileError(name, f"{self._sizes[name]} values, not {len(read[name])}")
        return read


def _parts(arrays: Arrays) -> dict[str, Array]:
    parts = {name: getattr(arrays, name) for name in TARGETS[:6]}
    parts["hessian"] = arrays.hessian.value if arrays.hessian is not None else np.array([])
    parts["offset"] = np.array([arrays.offset])
    return parts


def _whole(arrays: Arrays, parts: Mapping[str, Array]) -> Arrays:
    hessian = arrays.hessian and replace(arrays.hessian, value=parts["hessian"])
    numbers: dict[str, Any] = {name: parts[name] for name in TARGETS[:6]}
    return replace(arrays, **numbers, hessian=hessian, offset=float(parts["offset"][0]))


def _numbers(piece: Piece, values: Array) -> Array:
    """The places of a piece, as numbers."""
    places = piece.places
    if not isinstance(places, slice):
        return places
    step = places.step or 1
    return np.arange(places.start, places.start + len(values) * step, step)


def _touched(found: Iterable[tuple[str, Array]]) -> Touched:
    each: dict[str, list[Array]] = {name: [] for name in TARGETS}
    for target, places in found:
        each[target].append(places)

    def of(*names: str) -> Array:
        together = [np.array([], dtype=np.intp), *(places for name in names for places in each[name])]
        ordered = np.sort(np.concatenate(together), kind="stable")
        return ordered[np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]].astype(np.int32)

    return Touched(
        of("cost"), of("lower", "upper"), of("row_lower", "row_upper"), of("value"),
        hessian=len(of("hessian")) > 0, offset=len(of("offset")) > 0,
    )  # fmt: skip
