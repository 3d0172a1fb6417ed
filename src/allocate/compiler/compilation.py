"""One pass over a declaration: every rule called once, every array laid out."""

from __future__ import annotations

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

from allocate.compiler.algebra import Constant, Formula, Polynomial, applied
from allocate.compiler.arrays import Arrays, Hessian
from allocate.compiler.errors import CompileError, Unreadable
from allocate.compiler.expansion import LOCK, Expansion
from allocate.compiler.layout import Entries, laid_out, merged, triangle
from allocate.compiler.reading import Frame, Reader
from allocate.compiler.sets import Sets
from allocate.compiler.templates import Stage

Array = np.ndarray
KNOWN = {"Set", "RangeSet", "Param", "Var", "Expression", "Constraint", "Objective", "Suffix"}
Expanded = TypeVar("Expanded")
LOWEST, HIGHEST = Constant(-np.inf), Constant(np.inf)


@dataclass(frozen=True, eq=False)
class Piece:
    """Numbers of one of the arrays that depend on figures."""

    target: str
    places: Array | slice
    formula: Formula


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a component: their sides without the constants of their bodies, and the bodies."""

    lower: Formula
    upper: Formula
    count: int
    body: Polynomial


class Compilation:
    """A declaration being compiled; what `Compiled` keeps is here when it is made. Not for two threads at once."""

    def __init__(self, declaration: pyo.AbstractModel, members: Mapping[str, Any]) -> None:
        self.declaration = declaration
        _check_kinds(declaration)
        self.sets = Sets(declaration, members)
        self.notes: dict[str, str] = {}
        self.pieces: list[Piece] = []
        self._stage = Stage(declaration, self.sets.named)
        self._expansion: Expansion | None = None
        self._index_sets = {
            found.local_name: self.sets.table(found.index_set())
            for found in declaration.component_objects([pyo.Var, pyo.Param, pyo.Expression])
        }
        self.sizes = {found.local_name: self._index_sets[found.local_name].count for found in self._each(pyo.Param)}
        self._read_columns()
        self._read_rows()
        self._read_objective()
        self.fixed = Arrays(
            self._cost, self._lower, self._upper, self._row_lower, self._row_upper,
            self._start, self._index, self._value, self._integer, self._sense, self._offset, self._hessian,
        )  # fmt: skip

    def _each(self, kind: type) -> list[Any]:
        return list(self.declaration.component_map(kind, active=True).values())

    def _read_columns(self) -> None:
        self.columns = _slices({v.local_name: self._index_sets[v.local_name].count for v in self._each(pyo.Var)})
        self._width = max((place.stop for place in self.columns.values()), default=0)
        self._firsts = {name: place.start for name, place in self.columns.items()}
        self._reader = Reader(self._index_sets, self._firsts, self._inlined, self.sets.codes)
        self._lower, self._upper = np.full(self._width, -np.inf), np.full(self._width, np.inf)
        self._integer = np.zeros(self._width, dtype=bool)
        for variable in self._each(pyo.Var):
            place = self.columns[variable.local_name]
            lower, upper, self._integer[place] = self._bounds(variable)
            self._put("lower", self._lower, place, lower)
            self._put("upper", self._upper, place, upper)

    def _bounds(self, variable: Any) -> tuple[Formula, Formula, Any]:
        try:
            low, high, whole = _domain(variable)
            lower, upper = self._sides(variable)
            return _tighter(np.maximum, lower, Constant(low)), _tighter(np.minimum, upper, Constant(high)), whole
        except Unreadable as reason:
            return self._expanded(variable, reason, Expansion.bounds)

    def _sides(self, variable: Any) -> tuple[Formula, Formula]:
        rule = variable._rule_bounds
        if rule is None:
            return LOWEST, HIGHEST
        rule = rule._initializer
        frame, indices = Frame.over(self._index_sets[variable.local_name], self._stage)
        given = rule.val if rule.constant() and hasattr(rule, "val") else self._stage.call(rule, indices)
        low, high = given if isinstance(given, (tuple, list)) else (given, given)
        return (
            LOWEST if low is None else self._reader.formula(low, frame),
            HIGHEST if high is None else self._reader.formula(high, frame),
        )

    def _read_rows(self) -> None:
        found = {constraint.local_name: self._rows(constraint) for constraint in self._each(pyo.Constraint)}
        self.rows = _slices({name: rows.count for name, rows in found.items()})
        height = max((place.stop for place in self.rows.values()), default=0)
        self._row_lower, self._row_upper = np.full(height, -np.inf), np.full(height, np.inf)
        starts, filled = [np.zeros(1, dtype=np.intp)], 0
        families = np.array(sorted(self._firsts.values()), dtype=np.intp)
        waiting: list[tuple[Array | slice, Entries]] = []
        for name, rows in found.items():
            constant = rows.body.constant
            self._put("row_lower", self._row_lower, self.rows[name], _less(rows.lower, constant))
            self._put("row_upper", self._row_upper, self.rows[name], _less(rows.upper, constant))
            if any(len(term.columns) > 1 for term in rows.body.terms):
                raise CompileError(name, "linear rows: HiGHS takes products of variables in the objective only")
            entries = merged(rows.body.terms, rows.count, self._width, families)
            ends, places = laid_out(entries, rows.count, filled)
            waiting += zip(places, entries, strict=True)
            starts.append(ends)
            filled = int(ends[-1]) if len(ends) else filled
        self._start = _kept(np.concatenate(starts).astype(np.int32))
        index, self._value = np.empty(filled, dtype=np.int32), np.empty(filled)
        for place, entries_there in waiting:
            index[place] = entries_there.columns
            self._put("value", self._value, place, entries_there.formula)
        self._index = _kept(index)

    def _rows(self, constraint: Any) -> Rows:
        try:
            frame, tree = self._called(constraint)
            return self._related(tree, frame)
        except Unreadable as reason:
            return Rows(*self._expanded(constraint, reason, Expansion.rows))

    def _called(self, component: Any) -> tuple[Frame, Any]:
        """A rule called once: the frame of its index set, and the tree."""
        if not hasattr(component.rule, "_fcn"):
            raise Unreadable("its rule is not a plain function")
        frame, indices = Frame.over(self.sets.table(component.index_set()), self._stage)
        return frame, self._stage.call(component.rule, indices)

    def _related(self, tree: Any, frame: Frame) -> Rows:
        """A relation as sides and a body, which are on the side that Pyomo has them on."""
        read, formula = self._reader.polynomial, self._reader.formula
        if isinstance(tree, tuple):
            tree = tuple_to_relational_expr(tree)
        if isinstance(tree, RangedExpression):
            low, body, high = tree.args
            sides = [LOWEST if low is None else formula(low, frame), HIGHEST if high is None else formula(high, frame)]
            return Rows(sides[0], sides[1], frame.count, read(body, frame))
        if not isinstance(tree, (EqualityExpression, InequalityExpression)) or getattr(tree, "_strict", False):
            raise Unreadable("its rule does not return an equation or an inequality")
        left, right = tree.args
        equal = isinstance(tree, EqualityExpression)
        if not _varies(right):
            side = formula(right, frame)
            return Rows(side if equal else LOWEST, side, frame.count, read(left, frame))
        if not _varies(left):
            side = formula(left, frame)
            return Rows(side, side if equal else HIGHEST, frame.count, read(right, frame))
        minus = read(right, frame).scaled(np.multiply, Constant(-1.0))
        return Rows(Constant(0.0) if equal else LOWEST, Constant(0.0), frame.count, read(left, frame).plus(minus))

    def _read_objective(self) -> None:
        found = self._each(pyo.Objective)
        if len(found) != 1 or found[0].is_indexed():
            raise CompileError(found[1].local_name if len(found) > 1 else "objective", "exactly one, without an index")
        self._sense = 1 if found[0]._init_sense(None, None) == pyo.minimize else -1
        try:
            frame, tree = self._called(found[0])
            body = self._reader.polynomial(tree, frame)
        except Unreadable as reason:
            body = self._expanded(found[0], reason, Expansion.objective)
        self._cost, offset, self._hessian = np.zeros(self._width), np.zeros(1), None
        families = np.array(sorted(self._firsts.values()), dtype=np.intp)
        for entries in merged([t for t in body.terms if len(t.columns) == 1], 1, self._width, families):
            self._put("cost", self._cost, entries.columns, entries.formula)
        self._put("offset", offset, slice(0, 1), body.constant)
        self._offset = float(offset[0])
        squares = [term for term in body.terms if len(term.columns) == 2]
        if squares:
            start, index, formula = triangle(squares, self._width)
            value = np.empty(len(index))
            self._put("hessian", value, slice(0, len(index)), formula)
            self._hessian = Hessian(_kept(start.astype(np.int32)), _kept(index.astype(np.int32)), value)

    def _inlined(self, name: str, indices: tuple) -> Any:
        """A named Expression for some indices, as the tree that its rule returns."""
        rule = self.declaration.component(name)._rule
        if rule is None or not hasattr(rule, "_fcn"):
            raise Unreadable(f"it uses {name}, whose rule is not a plain function")
        return self._stage.call(rule, indices)

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

    def _put(self, target: str, array: Array, place: Array | slice, formula: Formula) -> None:
        """Numbers into an array: now, or, where they depend on figures, as a piece that is kept."""
        if formula.reads:
            self.pieces.append(Piece(target, place, formula))
        else:
            array[place] = formula.at({})


def _check_kinds(declaration: pyo.AbstractModel) -> None:
    for component in declaration.component_objects(descend_into=False):
        if component.ctype.__name__ not in KNOWN:
            raise CompileError(component.local_name, f"no {component.ctype.__name__} in the declaration")


def _domain(variable: Any) -> tuple[float, float, bool]:
    """The lowest and highest value in the domain of a Var, and whether it is of whole numbers."""
    rule = variable._rule_domain
    if rule is None:
        return -np.inf, np.inf, False
    if not rule.constant():
        raise Unreadable("its domain differs by index")
    low, high, step = rule(None, None, variable).get_interval()
    if step not in (0, 1):
        raise CompileError(variable.local_name, "a domain of reals or of whole numbers")
    return -np.inf if low is None else float(low), np.inf if high is None else float(high), step == 1


def _tighter(function: Any, given: Formula, domain: Constant) -> Formula:
    return applied(function, given, domain) if np.isfinite(domain.value) else given


def _less(side: Formula, constant: Formula) -> Formula:
    """A side less the constant of the body."""
    if isinstance(constant, Constant) and not np.any(constant.value):
        return side
    infinite = isinstance(side, Constant) and np.ndim(side.value) == 0 and np.isinf(side.value)
    return side if infinite else applied(np.subtract, side, constant)


def _slices(counts: Mapping[str, int]) -> dict[str, slice]:
    found, first = {}, 0
    for name, count in counts.items():
        found[name] = slice(first, first + count)
        first += count
    return found


def _varies(tree: Any) -> bool:
    return hasattr(tree, "is_potentially_variable") and tree.is_potentially_variable()


def _kept(array: Array) -> Array:
    array.flags.writeable = False
    return array
