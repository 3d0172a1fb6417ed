"""A Pyomo declaration compiled into the arrays that HiGHS takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pyomo.environ as pyo

from allocate.compiler.algebra import NOTHING, Figures, Formula
from allocate.compiler.arrays import Arrays, Touched
from allocate.compiler.compilation import Compilation, Piece
from allocate.compiler.errors import CompileError
from allocate.compiler.expansion import LOCK
from allocate.compiler.members import Places

Array = np.ndarray


class Checked(dict[str, Array]):
    """Figures that are known to be a model's: float arrays, 1-D, of the right size."""


class Compiled:
    """A declaration over given members, ready for any figures. Nothing in it that tells changes: any thread may use it.

    columns, rows  component name to its slice of the columns or rows, in the order of declaration, C order within
    notes          component name to why Pyomo had to expand it row by row; {} where everything was compiled
    """

    def __init__(self, compilation: Compilation) -> None:
        self.columns: dict[str, slice] = compilation.columns
        self.rows: dict[str, slice] = compilation.rows
        self.notes: dict[str, str] = compilation.notes
        self._declaration, self._sets = compilation.declaration, compilation.sets
        self._blank, self._pieces = compilation.blank, compilation.pieces
        self._sizes, self._counts, self._order = compilation.sizes, compilation.counts, compilation.order
        self._reads = _reads(self._pieces)
        self._asked: dict[frozenset[str], tuple[list[tuple[str, Places, Formula]], frozenset[str]]] = {}

    @classmethod
    def of(cls, declaration: pyo.AbstractModel, members: Mapping[str, Any]) -> Compiled:
        """Compile a declaration. `members` has the members of each Set: labels, Positions, or for an indexed set a
        mapping from index to members, or pairs. Raises CompileError."""
        return cls(Compilation(declaration, members))

    def checked(self, figures: Mapping[str, Any]) -> Checked:
        """Figures that need not be looked at again, however often they are used. Raises CompileError."""
        return Checked(self._checked(figures, figures))

    def arrays(self, figures: Mapping[str, Any]) -> Arrays:
        """The arrays for these figures: Param name to values in the order of its index set. Raises CompileError."""
        read = self._checked(figures, self._reads)
        # Pieces fill all but the costs of columns that the objective does not name.
        parts = {name: (np.zeros if name == "cost" else np.empty)(size) for name, size in self._sizes.items()}
        done, values = None, None
        for piece in self._pieces:
            # Both sides of an equation are one formula.
            if piece.formula is not done:
                done, values = piece.formula, piece.formula.at(read)
            parts[piece.target][piece.places] = values
        if self._order is not None:
            parts["value"] = parts["value"].take(self._order)
        return _whole(self._blank, parts)

    def change(self, old: Arrays, figures: Mapping[str, Any], names: Collection[str]) -> tuple[Arrays, Touched]:
        """The arrays where only the named Params differ from the figures that gave `old`, and what differs in them.

        An array in which nothing differs is that of `old`. `figures` needs the named Params, and those that are read
        in the same expressions. Raises CompileError.
        """
        pieces, reads = self._reading(frozenset(names))
        read = self._checked(figures, reads)
        before: dict[str, Array] = {}
        after: dict[str, Array] = {}
        done, new = None, None
        for target, where, formula in pieces:
            if formula is not done:
                done, new = formula, formula.at(read)
            if target not in after:
                before[target] = _part(old, target)
                after[target] = before[target].copy()
            after[target][where] = new
        places: dict[str, Array] = {}
        for target, values in before.items():
            differs = (after[target] != values).nonzero()[0]
            if differs.size:
                places[target] = differs
            else:
                del after[target]
        return _whole(old, after), Touched.of(places)

    def touched(self, *params: str) -> Touched:
        """Everything that these Params can touch, whatever their values."""
        found: dict[str, Array] = {}
        for target, where, _ in self._reading(frozenset(params))[0]:
            found.setdefault(target, np.zeros(self._sizes[target], dtype=bool))[where] = True
        return Touched.of({target: where.nonzero()[0] for target, where in found.items()})

    def concrete(self, figures: Mapping[str, Any]) -> pyo.ConcreteModel:
        """The same declaration as an ordinary Pyomo model, for export and other solvers. Raises CompileError."""
        read = self._checked(figures, figures)
        data: dict[str, Any] = self._sets.data()
        for name, values in read.items():
            table = self._sets.table(self._declaration.component(name).index_set())
            labels = table.labels() if table.width else [None]
            data[name] = dict(zip(labels, values.tolist(), strict=True))
        with LOCK:
            return self._declaration.create_instance({None: data})

    @cached_property
    def _turned(self) -> Array:
        """Where what was read is among the entries."""
        assert self._order is not None
        turned = np.empty(len(self._order), dtype=np.intp)
        turned[self._order] = np.arange(len(turned))
        return turned

    def _places(self, piece: Piece) -> Places:
        """The places of a piece's numbers in its array."""
        turned = piece.target == "value" and self._order is not None
        return self._turned[piece.places] if turned else piece.places

    def _reading(self, names: frozenset[str]) -> tuple[list[tuple[str, Places, Formula]], frozenset[str]]:
        """Where numbers are that read any of these Params, with their formulas; and all that those read."""
        if names not in self._asked:
            pieces = [piece for piece in self._pieces if not piece.formula.reads.isdisjoint(names)]
            found = [(piece.target, self._places(piece), piece.formula) for piece in pieces]
            self._asked[names] = found, _reads(pieces)
        return self._asked[names]

    def _checked(self, figures: Mapping[str, Any], names: Iterable[str]) -> Figures:
        """The named figures as 1-D arrays of the right size; all of them, where they are known to be."""
        if isinstance(figures, Checked):
            return dict(figures)
        read: Figures = {}
        for name in names:
            values, count = figures.get(name), self._counts.get(name)
            if values is None or count is None:
                raise CompileError(name, "a Param of the declaration, with its values among the figures")
            values = np.ascontiguousarray(values, dtype=float)
            read[name] = values if values.ndim == 1 else values.reshape(-1)
            if values.size != count:
                raise CompileError(name, f"{count} values, not {values.size}")
        return read


def _reads(pieces: Iterable[Piece]) -> frozenset[str]:
    return NOTHING.union(*[piece.formula.reads for piece in pieces])


def _part(arrays: Arrays, target: str) -> Array:
    if target == "offset":
        return np.array([arrays.offset])
    return arrays.hessian.value if target == "hessian" and arrays.hessian is not None else getattr(arrays, target)


def _whole(arrays: Arrays, parts: dict[str, Any]) -> Arrays:
    """The same arrays but for these parts."""
    if not parts:
        return arrays
    if "offset" in parts:
        parts["offset"] = float(parts["offset"][0])
    if "hessian" in parts:
        parts["hessian"] = arrays.hessian and replace(arrays.hessian, value=parts["hessian"])
    return arrays.but(parts)
