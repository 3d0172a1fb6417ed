"""A rule called once, with Pyomo's index templates for its indices.

What Pyomo's `templatize_rule` does by replacing `builtins.sum` and the iteration of every Set of the process while a
rule runs, is done here without touching either: the rule sees a `Stage` in place of the model, whose sets yield
templates, and runs as a twin of itself that has another `sum` among its builtins. So other threads notice nothing, and
the declaration is not even looked at twice. The trees are Pyomo's: IndexTemplate, GetItemExpression,
TemplateSumExpression and Pyomo's own arithmetic.

A template that is asked for its label (compared, hashed, counted with) says so: such a rule cannot be read by one call.
The trees depend on the declaration alone, so `Rules` keeps them for as long as it lives.
"""

from __future__ import annotations

import builtins
import dis
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
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
from allocate.compiler.outline import Outline

_SUM = builtins.sum
"""The real one, whatever Pyomo puts in its place in another thread."""


class Index(IndexTemplate):
    """One label of the members that a rule, or a sum in it, runs over: part `_index` of group `_group`."""

    __slots__ = ()

    def _asked(self, *_: object) -> Any:
        raise Unreadable("it branches on an index, looks something up by one outside the model, or turns one into text")

    # Pyomo asks for text too, for its message, where a rule branches on how an index compares.
    __eq__ = __ne__ = __hash__ = __bool__ = __str__ = _asked


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
    """What stands for a component while a rule is read. What is not defined here, a rule cannot ask of it.

    `item` is what one of it is, None for a set; `at` says which of an indexed set it is.
    """

    def __init__(self, stage: Stage, name: str, item: type | None, at: tuple | None = None) -> None:
        self.stage, self.name, self.item, self.at = stage, name, item, at

    def __getitem__(self, index: Any) -> Any:
        if self.item is not None:
            return self.stage.item(self, _indices(index))
        if self.at is not None:
            raise Unreadable(f"it asks for one member of {self.name}")
        return Stand(self.stage, self.name, None, _indices(index))

    def __iter__(self) -> Iterator:
        # zip, enumerate, sorted and the like take the members elsewhere than a `for` does, and would not see them all.
        caller = sys._getframe(1)
        if self.item is not None or dis.opname[caller.f_code.co_code[caller.f_lasti]] != "GET_ITER":
            raise Unreadable(f"it takes the members of {self.name} other than by `for ... in`")
        return self.stage.run_over(self)

    def _asked(self, *_: object) -> Any:
        raise Unreadable(f"it asks {self.name} what only its members would tell")

    __contains__ = __len__ = _asked

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


class Rules:
    """The rules of a declaration over sets of given widths, each called once for good. Any thread may use it.

    What a rule takes from outside the model (globals, closures) is taken as it is at that time.
    """

    def __init__(self, model: pyo.AbstractModel, outline: Outline, widths: Mapping[str, int]) -> None:
        # Nothing here may keep the declaration alive: it is the key under which this is kept.
        self._model, self._outline, self._widths = weakref.ref(model), outline, dict(widths)
        self._plain: dict[str, Any] = {}
        self._trees: dict[tuple[FunctionType, int], tuple[tuple[Index, ...], Any] | str] = {}
        self._lock = threading.RLock()

    @classmethod
    def of(cls, model: pyo.AbstractModel, outline: Outline, widths: Mapping[str, int]) -> Rules:
        """Those of a declaration, which are made anew where components or plain attributes of it have changed."""
        with _GUARD:
            rules = _KEPT.get(model)
            if rules is None or not rules._hold(model, outline, widths):
                rules = _KEPT[model] = cls(model, outline, widths)
            return rules

    def tree(self, rule: Any, width: int) -> tuple[tuple[Index, ...], Any]:
        """Templates for so many indices, and what a rule returns for them. Raises Unreadable where one call does not
        tell all."""
        key = _function(rule), width
        with self._lock:
            if key not in self._trees:
                self._trees[key] = self._read(*key)
            found = self._trees[key]
        if isinstance(found, str):
            raise Unreadable(found)
        return found

    def _read(self, function: FunctionType, width: int) -> tuple[tuple[Index, ...], Any] | str:
        """The same, or why not."""
        stage = Stage(self._model, self._widths, self._plain)
        try:
            indices = stage.group(width)
            return indices, stage.call(function, indices)
        except Unreadable as reason:
            return str(reason)
        finally:
            stage.forget()

    def _hold(self, model: pyo.AbstractModel, outline: Outline, widths: Mapping[str, int]) -> bool:
        """Whether what was read is still so."""
        if outline is not self._outline or widths != self._widths:
            return False
        return all(vars(model).get(name) is value for name, value in list(self._plain.items()))


_KEPT: weakref.WeakKeyDictionary[pyo.AbstractModel, Rules] = weakref.WeakKeyDictionary()
_GUARD = threading.Lock()


class Stage:
    """What a rule sees in place of the model. Make one for each rule; not for two threads at once."""

    def __init__(self, model: Callable[[], Any], widths: Mapping[str, int], plain: dict[str, Any]) -> None:
        self._model, self._widths, self._plain = model, widths, plain
        self._open: list[tuple[Index, ...]] = []
        self._count = 0
        self._twins: dict[int, Any] = {}

    def __getattr__(self, name: str) -> Any:
        model = self._model()
        component = model.component(name)
        if component is None:
            if name in vars(model) and not name.startswith("_"):
                return self._plain.setdefault(name, vars(model)[name])
            raise Unreadable(f"it asks the model for {name}")
        if name in self._widths:
            # A set that is not indexed is the only one: () says which.
            return Stand(self, name, None, None if component.is_indexed() else ())
        item = {pyo.Var: VariableItem, pyo.Param: ParameterItem, pyo.Expression: ExpressionItem}.get(component.ctype)
        if item is None:
            raise Unreadable(f"it uses {name}, a {component.ctype.__name__}")
        stand = Stand(self, name, item)
        return stand if component.is_indexed() else self.item(stand, ())

    def item(self, stand: Stand, indices: tuple) -> Any:
        """A Var, Param or Expression by its indices."""
        assert stand.item is not None
        return stand.item((stand, *indices))

    def group(self, width: int, source: Stand | None = None) -> tuple[Index, ...]:
        """Templates for the labels of a member."""
        self._count += 1
        return tuple(Index(source, part, self._count * 100 + part, self._count) for part in range(width))

    def run_over(self, source: Stand) -> Iterator:
        """What iteration over a set yields: one template, or a tuple of them, once."""
        if source.at is None:
            raise Unreadable(f"it loops over the indices of {source.name}")
        group = self.group(self._widths[source.name], source)
        self._open.append(group)
        yield group[0] if len(group) == 1 else group

    def call(self, function: FunctionType, indices: tuple) -> Any:
        """What a rule returns for these indices. Raises Unreadable where one call does not tell all."""
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

    def forget(self) -> None:
        """Let go of the functions that were called, and of all that they refer to."""
        self._twins.clear()

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


def _function(rule: Any) -> FunctionType:
    function = getattr(rule, "_fcn", None)
    if not isinstance(function, FunctionType):
        raise Unreadable("a rule is not a plain function")
    return function


def _indices(index: Any) -> tuple:
    """An index as a tuple of single ones. Raises Unreadable for slices."""
    found: list = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, (slice, type(...))):
            raise Unreadable("it uses a slice")
        found += _indices(part) if isinstance(part, tuple) else [part]
    return tuple(found)
