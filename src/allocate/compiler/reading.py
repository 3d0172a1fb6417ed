"""A rule's tree evaluated over its whole index set at once.

A `Frame` is the rows over which a tree is read: the members of the rule's index set, or, inside a sum, every pair of
an outer row and a member summed over. It knows which members each group of templates stands for in its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pyomo.core.expr import numeric_expr
from pyomo.core.expr.numvalue import native_numeric_types

from allocate.compiler.algebra import ONE, Constant, Formula, Polynomial, Read, Term, applied
from allocate.compiler.errors import Unreadable
from allocate.compiler.members import Codes, Family, Group, Label, Reckoned, Related, Table
from allocate.compiler.templates import (
    ExpressionItem,
    FixedTotal,
    Index,
    ParameterItem,
    SetStand,
    Stage,
    Total,
    VariableItem,
)

Array = np.ndarray
FUNCTIONS = {
    "exp": np.exp, "log": np.log, "log10": np.log10, "sqrt": np.sqrt, "ceil": np.ceil, "floor": np.floor,
    "sin": np.sin, "cos": np.cos, "tan": np.tan,
}  # fmt: skip


@dataclass(eq=False)
class Frame:
    """`count` rows; `bound` has, for each group of templates, its members row by row and the part that is first."""

    count: int
    bound: dict[int, tuple[Group, int]]
    outer: Frame | None = None
    rows: Array | None = None
    places: dict = field(default_factory=dict)

    @classmethod
    def over(cls, table: Table, stage: Stage) -> tuple[Frame, tuple[Index, ...]]:
        """The frame of a rule over a set, and the templates to call the rule with."""
        factors = _factors(table)
        indices = stage.indices([factor.width for factor in factors])
        groups = list(dict.fromkeys(index._group for index in indices))
        if not factors:
            return cls(1, {}), ()
        if len(factors) == 1:
            return cls(table.count, {groups[0]: (factors[0].every, 0)}), indices
        places = np.indices([factor.count for factor in factors], dtype=np.intp).reshape(len(factors), -1)
        members = [(Group(factor, place), 0) for factor, place in zip(factors, places, strict=True)]
        return cls(table.count, dict(zip(groups, members, strict=True))), indices

    def inner(self, rows: Array, group: int, members: Group, offset: int) -> Frame:
        return Frame(len(rows), {group: (members, offset)}, self, rows)

    def label(self, index: Index) -> Label:
        """The labels that a template stands for, row by row."""
        group, offset = self._members(index._group)
        return Label(group, offset + index._index)

    def _members(self, group: int) -> tuple[Group, int]:
        if group not in self.bound:
            if self.outer is None or self.rows is None:
                raise Unreadable("it uses an index outside of the sum that it belongs to")
            members, offset = self.outer._members(group)
            self.bound[group] = members.lifted(self.rows), offset
        return self.bound[group]


def _factors(table: Table) -> list[Table]:
    if isinstance(table, Related) and table.product:
        return [factor for parent in table.parents for factor in _factors(parent)]
    return [table]


class Reader:
    """Reads trees into polynomials. `sets` has the index set of each component, `columns` the first column of each Var;
    `expressions` gives the tree of a named Expression for some indices."""

    def __init__(
        self,
        sets: Mapping[str, Table],
        columns: Mapping[str, int],
        expressions: Callable[[str, tuple], Any],
        codes: Codes,
    ) -> None:
        self._sets, self._columns, self._expressions, self._codes = sets, columns, expressions, codes

    def polynomial(self, tree: Any, frame: Frame) -> Polynomial:
        """A tree over the rows of a frame. Raises Unreadable for what cannot be read, CompileError for an index that
        is not in the set of what it indexes."""
        if tree.__class__ in native_numeric_types:
            return Polynomial(Constant(float(tree)))
        read = _READ.get(type(tree)) or next((way for kind, way in _READ.items() if isinstance(tree, kind)), None)
        if read is None:
            raise Unreadable(f"it uses {type(tree).__name__}")
        return read(self, tree, frame)

    def formula(self, tree: Any, frame: Frame) -> Formula:
        """A tree without variables."""
        read = self.polynomial(tree, frame)
        if read.terms:
            raise Unreadable("it has a variable where only figures can be")
        return read.constant

    def _index(self, tree: Index, frame: Frame) -> Polynomial:
        return Polynomial(Constant(frame.label(tree).numbers()))

    def _variable(self, tree: VariableItem, frame: Frame) -> Polynomial:
        name, places = self._place(tree, frame)
        columns = places + self._columns[name]
        if columns.shape != (frame.count,):
            columns = np.broadcast_to(columns, (frame.count,))
        return Polynomial(terms=(Term(None, (columns,), ONE),))

    def _parameter(self, tree: ParameterItem, frame: Frame) -> Polynomial:
        name, places = self._place(tree, frame)
        return Polynomial(Read(name, places, self._sets[name].is_every(places)))

    def _expression(self, tree: ExpressionItem, frame: Frame) -> Polynomial:
        name, _ = self._place(tree, frame)
        return self.polynomial(self._expressions(name, tuple(tree.args[1:])), frame)

    def _place(self, tree: Any, frame: Frame) -> tuple[str, Array]:
        """The name of a component and, row by row, the places in it that its indices say."""
        stand, *indices = tree.args
        table = self._sets[stand.name]
        key = id(table), *(id(index) for index in indices)
        if key not in frame.places:
            places = table.place([self._label(index, frame) for index in indices]) if indices else np.array(0)
            # The indices are kept too, so that no other object comes to have the same id.
            frame.places[key] = places, indices
        return stand.name, frame.places[key][0]

    def _label(self, index: Any, frame: Frame) -> Label | Reckoned:
        if isinstance(index, Index):
            return frame.label(index)
        if not hasattr(index, "is_expression_type"):
            return Reckoned(index, self._codes)
        reckoned = self.formula(index, frame)
        if reckoned.reads or isinstance(index, ParameterItem):
            raise Unreadable("it uses a figure as an index")
        return Reckoned(np.asarray(reckoned.at({})), self._codes)

    def _total(self, tree: Any, frame: Frame) -> Polynomial:
        frames = [frame]
        for run in tree.template_iters():
            frames.append(self._run(run[0], frames[-1]))
        total = self.polynomial(tree.template_args()[0], frames[-1])
        for inner, outer in zip(frames[:0:-1], frames[-2::-1], strict=True):
            assert inner.rows is not None
            total = total.summed(inner.rows, outer.count)
        return total

    def _run(self, index: Index, frame: Frame) -> Frame:
        """The frame inside a sum over a set."""
        source: SetStand = index._set
        members = source.members
        if isinstance(members, Family):
            assert source.at is not None
            owners = members.index.place([self._label(part, frame) for part in source.at])
            owners = owners if owners.ndim else np.broadcast_to(owners, (frame.count,))
            group, rows = members.of(owners)
            return frame.inner(rows, index._group, group, members.offset)
        if frame.count == 1:
            return frame.inner(np.zeros(members.count, dtype=np.intp), index._group, members.every, 0)
        rows = np.repeat(np.arange(frame.count), members.count)
        return frame.inner(rows, index._group, Group(members, np.tile(members.every.places, frame.count)), 0)

    def _sum(self, tree: Any, frame: Frame) -> Polynomial:
        total = Polynomial()
        for part in tree.args:
            total = total.plus(self.polynomial(part, frame))
        return total

    def _product(self, tree: Any, frame: Frame) -> Polynomial:
        a, b = (self.polynomial(part, frame) for part in tree.args)
        return a.times(b, frame.count)

    def _quotient(self, tree: Any, frame: Frame) -> Polynomial:
        over, under = tree.args
        return self.polynomial(over, frame).scaled(np.divide, self.formula(under, frame))

    def _negation(self, tree: Any, frame: Frame) -> Polynomial:
        return self.polynomial(tree.args[0], frame).scaled(np.multiply, Constant(-1.0))

    def _power(self, tree: Any, frame: Frame) -> Polynomial:
        base, exponent = tree.args
        return self.polynomial(base, frame).to_the(self.formula(exponent, frame), frame.count)

    def _function(self, tree: Any, frame: Frame) -> Polynomial:
        name = "abs" if isinstance(tree, numeric_expr.AbsExpression) else tree.getname()
        function = np.abs if name == "abs" else FUNCTIONS.get(name)
        if function is None:
            raise Unreadable(f"it uses {name}")
        return Polynomial(applied(function, self.formula(tree.args[0], frame)))

    def _extreme(self, tree: Any, frame: Frame) -> Polynomial:
        function = np.maximum if isinstance(tree, numeric_expr.MaxExpression) else np.minimum
        return Polynomial(applied(function, *(self.formula(part, frame) for part in tree.args)))


_READ: dict[type, Callable[[Reader, Any, Frame], Polynomial]] = {
    VariableItem: Reader._variable,
    ParameterItem: Reader._parameter,
    ExpressionItem: Reader._expression,
    Index: Reader._index,
    Total: Reader._total,
    FixedTotal: Reader._total,
    numeric_expr.SumExpression: Reader._sum,
    numeric_expr.ProductExpression: Reader._product,
    numeric_expr.DivisionExpression: Reader._quotient,
    numeric_expr.NegationExpression: Reader._negation,
    numeric_expr.PowExpression: Reader._power,
    numeric_expr.UnaryFunctionExpression: Reader._function,
    numeric_expr.MaxExpression: Reader._extreme,
    numeric_expr.MinExpression: Reader._extreme,
}
