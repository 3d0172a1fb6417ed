"""A rule called once, with Pyomo's index templates for its indices.

What Pyomo's `templatize_rule` does by replacing `builtins.sum` and the iteration of every Set of the process while a
rule runs, is done here without touching either: the rule sees a `Stage` in place of the model, whose sets yield
templates, and runs as a twin of itself that has another `sum` among its builtins. So other threads notice nothing, and
the declaration is not even looked at twice. The trees are Pyomo's: IndexTemplate, GetItemExpression,
TemplateSumExpression and Pyomo's own arithmetic.

A template that is asked for its label (compared, hashed, counted with) says so: such a rule cannot be read by one call.
"""

from __future__ import annotations

import builtins
import dis
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import CellType, FunctionType
from typing import Any

import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import ARG_TYPE, Numeric_NPV_Mixin, register_arg_type
from pyomo.core.expr.template_expr import (
    IndexTemplate,
    NPV_Numeric_GetItemExpression,
    Numeric_GetItemExpression,
    TemplateSumExpression,
)

from allocate.compiler.errors import Unreadable
from allocate.compiler.members import Family, Table

_SUM = builtins.sum
"""The real one, whatever Pyomo puts in its place in another thread."""


class Index(IndexTemplate):
    """One label of the members that a rule, or a sum in it, runs over: part `_index` of group `_group`."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise Unreadable("it branches on an index, or filters by one")

    __ne__ = __eq__

    def __hash__(self) -> int:
        raise Unreadable("it looks something up by an index outside the model")

    def __bool__(self) -> bool:
        raise Unreadable("it branches on an index")

    def __str__(self) -> str:
        # Pyomo asks too, for its message, where a rule branches on how an index compares.
        raise Unreadable("it branches on an index, or turns one into text")


register_arg_type(Index, ARG_TYPE.NPV)


class VariableItem(Numeric_GetItemExpression):
    """A Var by its indices: args are its stand-in and them."""

    __slots__ = ()


class ExpressionItem(Numeric_GetItemExpression):
    """A named Expression by its indices."""

    __slots__ = ()


class ParameterItem(NPV_Numeric_GetItemExpression):
    """A Param by its indices."""

    __slots__ = ()

    def __eq__(self, other: object) -> Any:
        if isinstance(other, (str, tuple)):
            raise Unreadable("it branches on a figure")
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


class Total(TemplateSumExpression):
    """A sum over members, with a variable in it."""

    __slots__ = ()


class FixedTotal(Numeric_NPV_Mixin, TemplateSumExpression):
    """A sum over members of nothing but figures."""

    __slots__ = ()


class Stand:
    """What stands for a component while a rule is read. What is not defined here, a rule cannot ask of it."""

    def __init__(self, stage: Stage, name: str, item: type | None = None) -> None:
        self.stage, self.name, self.item = stage, name, item

    def __getitem__(self, index: Any) -> Any:
        assert self.item is not None
        return self.item((self, *_indices(index)))

    def __iter__(self) -> Iterator:
        raise Unreadable(f"it loops over {self.name}")

    def __contains__(self, member: object) -> bool:
        raise Unreadable(f"it asks whether something is in {self.name}")

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        raise Unreadable(f"it asks {self.name} for {attribute}")

    # What Pyomo's arithmetic asks of a leaf.
    def is_expression_type(self, *_: object) -> bool:
        return False

    def is_constant(self) -> bool:
        return False

    def is_potentially_variable(self) -> bool:
        return self.item is not ParameterItem

    def __str__(self) -> str:
        return self.name


class SetStand(Stand):
    """What stands for a set: `members` is its table, or the family of an indexed set; `at` picks one of a family."""

    def __init__(self, stage: Stage, name: str, members: Table | Family, at: tuple | None = None) -> None:
        super().__init__(stage, name)
        self.members, self.at = members, at

    def __getitem__(self, index: Any) -> SetStand:
        if isinstance(self.members, Table) or self.at is not None:
            raise Unreadable(f"it asks for one member of {self.name}")
        return SetStand(self.stage, self.name, self.members, _indices(index))

    def __iter__(self) -> Iterator:
        if isinstance(self.members, Family) and self.at is None:
            raise Unreadable(f"it loops over the indices of {self.name}")
        # zip, enumerate, sorted and the like take the members elsewhere than a `for` does, and would not see them all.
        caller = sys._getframe(1)
        if dis.opname[caller.f_code.co_code[caller.f_lasti]] != "GET_ITER":
            raise Unreadable(f"it takes the members of {self.name} other than by `for ... in`")
        return self.stage.run_over(self, self.members.width)

    def __len__(self) -> int:
        if isinstance(self.members, Family):
            raise Unreadable(f"it asks how many members {self.name} has")
        return self.members.count


class Stage:
    """What a rule sees in place of the model. Make one for each compilation; not for two threads at once."""

    def __init__(self, model: pyo.AbstractModel, sets: dict[str, Table | Family]) -> None:
        self._model, self._sets = model, sets
        self._open: list[tuple[Index, ...]] = []
        self._count = 0
        self._twins: dict[int, Any] = {}

    def __getattr__(self, name: str) -> Any:
        component = self._model.component(name)
        if component is None:
            if name in vars(self._model) and not name.startswith("_"):
                return vars(self._model)[name]
            raise Unreadable(f"it asks the model for {name}")
        if name in self._sets:
            return SetStand(self, name, self._sets[name])
        item = {pyo.Var: VariableItem, pyo.Param: ParameterItem, pyo.Expression: ExpressionItem}.get(component.ctype)
        if item is None:
            raise Unreadable(f"it uses {name}, a {component.ctype.__name__}")
        stand = Stand(self, name, item)
        return stand if component.is_indexed() else item((stand,))

    def indices(self, widths: Iterable[int]) -> tuple[Index, ...]:
        """Templates for the indices of a rule, a group for each width; groups are numbered from the one returned."""
        return tuple(index for width in widths for index in self._group(width, None))

    def run_over(self, source: SetStand, width: int) -> Iterator:
        """What iteration over a set yields: one template, or a tuple of them, once."""
        group = self._group(width, source)
        self._open.append(group)
        yield group[0] if width == 1 else group

    def call(self, rule: Any, indices: tuple) -> Any:
        """What a rule returns for these indices. Raises Unreadable where one call does not tell all."""
        function = getattr(rule, "_fcn", None)
        if not isinstance(function, FunctionType):
            raise Unreadable("its rule is not a plain function")
        before = len(self._open)
        try:
            found = self._twin(function)(self, *indices)
        except Unreadable:
            raise
        except Exception as error:  # whatever a rule does with what it does not expect
            said = next(iter(str(error).strip().splitlines()), "")
            raise Unreadable(f"its rule, called with templates, raised {type(error).__name__}: {said}") from error
        finally:
            opened, self._open[before:] = self._open[before:], []
        if opened:
            raise Unreadable(f"it loops over {opened[0][0]._set.name} other than in a sum over a generator")
        return found

    def _group(self, width: int, source: SetStand | None) -> tuple[Index, ...]:
        self._count += 1
        return tuple(Index(source, part, self._count * 100 + part, self._count) for part in range(width))

    def _sum(self, terms: Iterable, /, start: Any = 0) -> Any:
        """`sum` as a rule sees it: over a generator that runs over sets, their templated sum."""
        before = len(self._open)
        found = list(terms)
        runs, self._open[before:] = self._open[before:], []
        if not runs or not found:
            return _SUM(found, start)
        if len(found) > 1:
            raise Unreadable("it sums over a set and over something else at once")
        term = found[0]
        varies = hasattr(term, "is_potentially_variable") and term.is_potentially_variable()
        total = (Total if varies else FixedTotal)((term,), runs)
        return total if type(start) is int and start == 0 else start + total

    def _twin(self, function: FunctionType) -> FunctionType:
        """The same function with this stage's `sum` for the builtin, in the functions that it calls by name too."""
        if id(function) in self._twins:
            return self._twins[id(function)]
        cells = tuple(CellType() for _ in function.__closure__ or ())
        scope = self._scope(function.__globals__)
        twin = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
        twin.__kwdefaults__ = function.__kwdefaults__
        self._twins[id(function)] = twin
        for cell, original in zip(cells, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # one that is not bound yet
                cell.cell_contents = self._own(original.cell_contents)
        return twin

    def _scope(self, names: dict[str, Any]) -> dict[str, Any]:
        if id(names) not in self._twins:
            scope = self._twins[id(names)] = dict(names)
            scope["__builtins__"] = {**vars(builtins), "sum": self._sum}
            scope.update({name: self._own(value) for name, value in names.items() if _is_ours(value, names)})
        return self._twins[id(names)]

    def _own(self, value: Any) -> Any:
        return self._sum if value is _SUM else self._twin(value) if isinstance(value, FunctionType) else value


def _is_ours(value: Any, names: dict[str, Any]) -> bool:
    return value is _SUM or (isinstance(value, FunctionType) and value.__globals__ is names)


def _indices(index: Any) -> tuple:
    """An index as a tuple of single ones. Raises Unreadable for slices."""
    found: list = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, (slice, type(...))):
            raise Unreadable("it uses a slice")
        found += _indices(part) if isinstance(part, tuple) else [part]
    return tuple(found)
