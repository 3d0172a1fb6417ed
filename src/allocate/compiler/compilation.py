"""One pass over a declaration: every rule read, every array laid out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.relational_expr import (
    EqualityExpression,
    InequalityExpression,
    RangedExpression,
    tuple_to_relational_expr,
)

from allocate.compiler.algebra import EMPTY, MINUS, ZERO, Formula, Polynomial, Term, applied, constant
from allocate.compiler.arrays import Arrays, Hessian
from allocate.compiler.errors import CompileError, Unreadable
from allocate.compiler.expansion import LOCK, Expansion
from allocate.compiler.layout import by_columns, merged, slices, triangle
from allocate.compiler.members import ALL, Places, Table
from allocate.compiler.outline import Outline
from allocate.compiler.reading import Frame, Reader
from allocate.compiler.sets import Sets
from allocate.compiler.templates import Rules

Array = np.ndarray
Expanded = TypeVar("Expanded")
LOWEST, HIGHEST = constant(-np.inf), constant(np.inf)


@dataclass(eq=False, slots=True)
class Piece:
    """The numbers in some places of one of the arrays."""

    target: str
    places: Places
    formula: Formula


Block = tuple[Formula, Formula, int, Polynomial]
"""The rows of a component: their sides without the constants of their bodies, how many they are, and the bodies."""


class Compilation:
    """A declaration being compiled: what `Compiled` keeps is here when it is made. Not for two threads at once.

    `pieces` make up the arrays of numbers, of which `sizes` says how long they are; `blank` has all the rest. Where
    there is an `order`, coefficients are in it only when they are gathered by it. `counts` says how many values each
    Param has.
    """

    def __init__(self, declaration: pyo.AbstractModel, members: Mapping[str, Any]) -> None:
        self.declaration = declaration
        self._outline = outline = Outline.of(declaration)
        self.sets = Sets(outline.sets, members)
        self.notes: dict[str, str] = {}
        self.pieces: list[Piece] = []
        widths = {name: members.width for name, members in self.sets.named.items()}
        self._rules = Rules.of(declaration, outline, widths)
        self._expansion: Expansion | None = None
        self._index_sets = {name: self.sets.table(found) for name, found in outline.index_sets.items()}
        self.counts = {name: self._index_sets[name].count for name in outline.params}
        self.columns = _slices({name: self._index_sets[name].count for name in outline.variables})
        self._width = max((place.stop for place in self.columns.values()), default=0)
        self._firsts = {name: place.start for name, place in self.columns.items()}
        rules = self._rules
        # Nothing in the reader may lead back here: all this is to be let go of as soon as it is read.
        self._reader = Reader(
            self._index_sets, self.sets.named, self._firsts,
            lambda name, width: rules.tree(declaration.component(name)._rule, width),
        )  # fmt: skip
        integer = self._read_columns()
        start, index = self._read_rows()
        sense, hessian = self._read_objective()
        none = np.array([])
        self.blank = Arrays(none, none, none, none, none, start, index, none, integer, sense, 0.0, hessian)

    def _put(self, target: str, places: Places, formula: Formula) -> None:
        self.pieces.append(Piece(target, places, formula))

    def _read_columns(self) -> Array:
        integer = np.zeros(self._width, dtype=bool)
        for name, variable in self._outline.variables.items():
            place = self.columns[name]
            if place.stop > place.start:
                lower, upper, integer[place] = self._bounds(name, variable)
                self._put("lower", place, lower)
                self._put("upper", place, upper)
        return _kept(integer)

    def _bounds(self, name: str, variable: Any) -> tuple[Formula, Formula, Any]:
        try:
            low, high, whole = self._outline.domain(name)
            lower, upper = self._sides(variable._rule_bounds, self._index_sets[name])
        except Unreadable as reason:
            return self._expanded(variable, reason, Expansion.bounds)
        lower = applied(np.maximum, lower, constant(low)) if math.isfinite(low) else lower
        return lower, applied(np.minimum, upper, constant(high)) if math.isfinite(high) else upper, whole

    def _sides(self, rule: Any, table: Table) -> tuple[Formula, Formula]:
        if rule is None:
            return LOWEST, HIGHEST
        rule = rule._initializer
        if rule.constant() and hasattr(rule, "val"):
            frame, given = Frame(table.count), rule.val
        else:
            frame, given = self._called(rule, table)
        low, high = given if isinstance(given, (tuple, list)) else (given, given)
        return self._side(low, LOWEST, frame), self._side(high, HIGHEST, frame)

    def _side(self, tree: Any, nothing: Formula, frame: Frame) -> Formula:
        return nothing if tree is None else self._reader.formula(tree, frame)

    def _called(self, rule: Any, table: Table) -> tuple[Frame, Any]:
        """What a rule returns for templates, and the frame of its index set."""
        indices, tree = self._rules.tree(rule, table.width)
        return Frame.over(table, indices), tree

    def _read_rows(self) -> tuple[Array, Array]:
        blocks = {name: self._block(name, found) for name, found in _active(self._outline.constraints).items()}
        self.rows = _slices({name: count for name, (_, _, count, _) in blocks.items()})
        height = max((place.stop for place in self.rows.values()), default=0)
        terms: list[tuple[slice, Term]] = []
        for name, (lower, upper, count, body) in blocks.items():
            if not count:
                continue
            place = self.rows[name]
            low = _less(lower, body.constant)
            self._put("row_lower", place, low)
            self._put("row_upper", place, low if upper is lower else _less(upper, body.constant))
            if any(len(term.columns) > 1 for term in body.terms):
                raise CompileError(name, "linear rows: HiGHS takes products of variables in the objective only")
            terms += [(place, term) for term in body.terms]
        columns = by_columns(terms, height, self._width)
        for places, formula in columns.laid:
            self._put("value", places, formula)
        self.sizes = {"cost": self._width, "lower": self._width, "upper": self._width}
        self.sizes |= {"row_lower": height, "row_upper": height, "value": len(columns.index), "offset": 1, "hessian": 0}
        self.order = columns.order
        return _kept(columns.start), _kept(columns.index)

    def _block(self, name: str, constraint: Any) -> Block:
        table = self._index_sets[name]
        if not table.count:
            return (LOWEST, HIGHEST, 0, EMPTY)
        try:
            return self._related(*self._called(constraint.rule, table))
        except Unreadable as reason:
            return self._expanded(constraint, reason, Expansion.rows)

    def _related(self, frame: Frame, tree: Any) -> Block:
        """A relation as sides and a body, which are on the side that Pyomo has them on."""
        if isinstance(tree, tuple):
            tree = tuple_to_relational_expr(tree)
        if isinstance(tree, RangedExpression):
            low, body, high = tree.args
            sides = self._side(low, LOWEST, frame), self._side(high, HIGHEST, frame)
            return (*sides, frame.count, self._reader.polynomial(body, frame))
        if not isinstance(tree, (EqualityExpression, InequalityExpression)) or getattr(tree, "_strict", False):
            raise Unreadable("its rule does not return an equation or an inequality")
        left, right = (self._reader.polynomial(side, frame) for side in tree.args)
        equal = isinstance(tree, EqualityExpression)
        if not _varies(tree.args[1]):
            side = right.constant
            return (side if equal else LOWEST, side, frame.count, left)
        if not _varies(tree.args[0]):
            side = left.constant
            return (side, side if equal else HIGHEST, frame.count, right)
        return (ZERO if equal else LOWEST, ZERO, frame.count, left.plus(right.scaled(np.multiply, MINUS)))

    def _read_objective(self) -> tuple[int, Hessian | None]:
        found = list(_active(self._outline.objectives).values())
        if len(found) != 1 or found[0].is_indexed():
            raise CompileError(found[1].local_name if len(found) > 1 else "objective", "exactly one, without an index")
        try:
            frame, tree = self._called(found[0].rule, self._index_sets[found[0].local_name])
            body = self._reader.polynomial(tree, frame)
        except Unreadable as reason:
            body = self._expanded(found[0], reason, Expansion.objective)
        for columns, formula in merged([term for term in body.terms if len(term.columns) == 1]):
            self._put("cost", _compact(columns), formula)
        self._put("offset", ALL, body.constant)
        sense = 1 if found[0]._init_sense(None, None) == pyo.minimize else -1
        return sense, self._hessian([term for term in body.terms if len(term.columns) == 2])

    def _hessian(self, terms: list[Term]) -> Hessian | None:
        if not terms:
            return None
        start, index, formula = triangle(terms, self._width)
        self.sizes["hessian"] = len(index)
        self._put("hessian", ALL, formula)
        return Hessian(_kept(start.astype(np.int32)), _kept(index.astype(np.int32)), np.array([]))

    def _expanded(self, component: Any, reason: Unreadable, read: Callable[[Expansion, str], Expanded]) -> Expanded:
        """Pyomo's own expansion, for a component that cannot be read; it is noted why."""
        name = component.local_name
        self.notes[name] = f"{name} is expanded row by row: {reason}"
        with LOCK:
            try:
                if self._expansion is None:
                    self._expansion = Expansion(self.declaration, self.sets.data(), self._firsts)
                return read(self._expansion, name)
            except CompileError:
                raise
            except Exception as error:  # whatever Pyomo says of a rule that is wrong, or that needs figures
                raise CompileError(name, f"a rule that Pyomo can expand before figures are known: {error}") from error


def _active(components: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found for name, found in components.items() if found.active}


def _less(side: Formula, constant: Formula) -> Formula:
    """A side less the constant of the body."""
    same = constant.always == 0.0 or (side.always is not None and np.isinf(side.always))
    return side if same else applied(np.subtract, side, constant)


def _compact(places: Array) -> Places:
    """Places as a slice, if each is one more than the one before."""
    first, last = places[0], places[-1]
    one_by_one = last - first + 1 == len(places) and (places[1:] - places[:-1] == 1).all()
    return slice(int(first), int(last) + 1) if one_by_one else places


def _slices(counts: Mapping[str, int]) -> dict[str, slice]:
    return dict(zip(counts, slices(counts.values()), strict=True))


def _varies(tree: Any) -> bool:
    return hasattr(tree, "is_potentially_variable") and tree.is_potentially_variable()


def _kept(array: Array) -> Array:
    array.flags.writeable = False
    return array
