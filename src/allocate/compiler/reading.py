"""A rule's tree evaluated over its whole index set at once.

A `Frame` is the rows over which a tree is read: the members of the rule's index set, or, inside a sum, every pair of
an outer row and a member summed over. It knows which labels each template stands for in its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pyomo.core.expr import numeric_expr
from pyomo.core.expr.numvalue import native_numeric_types

from allocate.compiler.algebra import EMPTY, MINUS, ONE, Formula, Polynomial, Term, applied, constant, read
from allocate.compiler.errors import Unreadable
from allocate.compiler.members import ALL, Family, Label, Places, Rows, Table, reckoned
from allocate.compiler.templates import ExpressionItem, FixedTotal, Index, ParameterItem, Total, VariableItem

Array = np.ndarray
FUNCTIONS = {"abs", "exp", "log", "log10", "sqrt", "sin", "cos", "tan"}
"""Those that numpy has by the same name."""


class Frame:
    """`count` rows: those of a rule, or inside a sum those for which `rows` says to which of `outer` each belongs."""

    def __init__(self, count: int, outer: Frame | None = None, rows: Rows | None = None) -> None:
        self.count, self.rows = count, rows
        self._outer = outer
        self._labels: dict[tuple[int, int], Label] = {}
        # By identity: places that are the same object say that labels are of the same members.
        self._lifted: dict[int, Places] = {}

    @classmethod
    def over(cls, table: Table, indices: Sequence[Index]) -> Frame:
        """The frame of a rule over a set, called with these templates."""
        frame = cls(table.count)
        frame.bind(indices, table, ALL)
        return frame

    def bind(self, indices: Sequence[Any], table: Table, places: Places, offset: int = 0) -> None:
        """Have templates stand for the parts of these members, from the part `offset` on."""
        for part, index in enumerate(indices, start=offset):
            if isinstance(index, Index):
                self._labels[index._group, index._index] = Label(table, part, places)

    def label(self, index: Index) -> Label:
        """The labels that a template stands for, row by row."""
        key = index._group, index._index
        if key not in self._labels:
            if self._outer is None or self.rows is None:
                raise Unreadable("it uses an index outside of the sum that it belongs to")
            label = self._outer.label(index)
            if id(label.places) not in self._lifted:
                self._lifted[id(label.places)] = self.rows.lifted(label.places)
            self._labels[key] = Label(label.table, label.part, self._lifted[id(label.places)])
        return self._labels[key]


NOWHERE = Frame(0)
"""Inside a sum over nothing."""


class Reader:
    """Reads trees into polynomials. `sets` has the index set of each component, `named` each Set, `columns` the first
    column of each Var; `tree` gives what the rule of an Expression returns for templates of so many indices."""

    def __init__(
        self, sets: Mapping[str, Table], named: Mapping[str, Table | Family], columns: Mapping[str, int],
        tree: Callable[[str, int], tuple[tuple[Index, ...], Any]],
    ) -> None:  # fmt: skip
        self._sets, self._named, self._columns, self._tree = sets, named, columns, tree
        self._expressions: dict[str, Polynomial | None] = {}

    def polynomial(self, tree: Any, frame: Frame) -> Polynomial:
        """A tree over the rows of a frame. Raises Unreadable for what cannot be read, CompileError for an index that
        is not in the set of what it indexes."""
        if tree.__class__ in native_numeric_types:
            return Polynomial(constant(float(tree)))
        kind = tree.__class__
        way = _READ.get(kind) or next((_READ[base] for base in kind.__mro__ if base in _READ), None)
        if way is None:
            raise Unreadable(f"it uses {type(tree).__name__}")
        return way(self, tree, frame)

    def formula(self, tree: Any, frame: Frame) -> Formula:
        """A tree without variables."""
        found = self.polynomial(tree, frame)
        if found.terms:
            raise Unreadable("it has a variable where only figures can be")
        return found.constant

    def _index(self, tree: Index, frame: Frame) -> Polynomial:
        return Polynomial(constant(frame.label(tree).numbers()))

    def _variable(self, tree: VariableItem, frame: Frame) -> Polynomial:
        name, places = self._place(tree, frame)
        first = self._columns[name]
        if isinstance(places, slice):
            columns = np.arange(first, first + frame.count, dtype=np.int32)
        else:
            columns = _each(places, frame) + first
        return Polynomial(terms=(Term(None, (columns,), ONE, (name,)),))

    def _parameter(self, tree: ParameterItem, frame: Frame) -> Polynomial:
        return Polynomial(read(*self._place(tree, frame)))

    def _expression(self, tree: ExpressionItem, frame: Frame) -> Polynomial:
        name, places = self._place(tree, frame)
        whole = self._whole(name)
        return whole if isinstance(places, slice) else whole.taken(_each(places, frame))

    def _whole(self, name: str) -> Polynomial:
        """A named Expression over its index set: read once, however often it is named."""
        if name not in self._expressions:
            table, self._expressions[name] = self._sets[name], None
            try:
                indices, tree = self._tree(name, table.width)
                self._expressions[name] = self.polynomial(tree, Frame.over(table, indices))
            except Unreadable:
                del self._expressions[name]
                raise
        whole = self._expressions[name]
        if whole is None:
            raise Unreadable(f"it uses {name}, which is a part of itself")
        return whole

    def _place(self, tree: Any, frame: Frame) -> tuple[str, Places]:
        """The name of a component and, row by row, the places in it that its indices say."""
        stand, *indices = tree.args
        if not indices:
            return stand.name, np.array(0)
        return stand.name, self._sets[stand.name].place([self._label(index, frame) for index in indices])

    def _label(self, index: Any, frame: Frame) -> Label:
        if isinstance(index, Index):
            return frame.label(index)
        if not hasattr(index, "is_expression_type"):
            return reckoned(index)
        found = self.formula(index, frame)
        if found.reads or isinstance(index, ParameterItem):
            raise Unreadable("it uses a figure as an index")
        return reckoned(np.asarray(found.at({})))

    def _total(self, tree: Any, frame: Frame) -> Polynomial:
        frames = [frame]
        for run in tree.template_iters():
            frames.append(self._inner(run, frames[-1]))
            if not frames[-1].count:
                return EMPTY
        total = self.polynomial(tree.template_args()[0], frames[-1])
        for inner in frames[:0:-1]:
            assert inner.rows is not None
            total = total.summed(inner.rows)
        return total

    def _inner(self, run: Sequence[Index], frame: Frame) -> Frame:
        """The frame inside a sum over a set."""
        source = run[0]._set
        members = self._named[source.name]
        if isinstance(members, Family):
            if not members.table.count:
                return NOWHERE
            owners = members.index.place([self._label(part, frame) for part in source.at])
            places, rows = members.of(owners if isinstance(owners, slice) else _each(owners, frame))
            inner = Frame(rows.size, frame, rows)
            # The index of each member is its owner: so labels of both are seen to be of the same member.
            inner.bind(source.at, members.table, places)
            inner.bind(run, members.table, places, members.index.width)
            return inner
        rows = Rows(np.arange(frame.count + 1) * members.count)
        inner = Frame(rows.size, frame, rows)
        inner.bind(run, members, ALL if frame.count == 1 else np.tile(np.arange(members.count), frame.count))
        return inner

    def _sum(self, tree: Any, frame: Frame) -> Polynomial:
        total = EMPTY
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
        return self.polynomial(tree.args[0], frame).scaled(np.multiply, MINUS)

    def _power(self, tree: Any, frame: Frame) -> Polynomial:
        base, exponent = tree.args
        return self.polynomial(base, frame).to_the(self.formula(exponent, frame), frame.count)

    def _function(self, tree: Any, frame: Frame) -> Polynomial:
        if tree.getname() not in FUNCTIONS:
            raise Unreadable(f"it uses {tree.getname()}")
        return Polynomial(applied(getattr(np, tree.getname()), self.formula(tree.args[0], frame)))


def _each(places: Array, frame: Frame) -> Array:
    """Places as one for each row."""
    return places if places.ndim else np.full(frame.count, places)


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
}
