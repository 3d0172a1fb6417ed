"""What a declaration says by itself, before there are members or figures: asked of Pyomo once."""

from __future__ import annotations

import math
import threading
import weakref
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from allocate.compiler.errors import CompileError, Unreadable

KNOWN = {"Set", "RangeSet", "Param", "Var", "Expression", "Constraint", "Objective", "Suffix"}


@dataclass(frozen=True, eq=False, slots=True)
class SetOutline:
    """A Set: its component, the set that it is indexed by (None if by none), and how many labels a member has, 1 where
    it is not said."""

    found: Any
    index: Any
    dimen: int


class Outline:
    """The components of a declaration, in its order; what indexes them; and what is said of its sets.

    Raises CompileError for a kind of component that is not known.
    """

    def __init__(self, components: list[Any]) -> None:
        self._domains: dict[str, tuple[float, float, bool]] = {}
        kinds: dict[type, dict[str, Any]] = {}
        for component in components:
            kinds.setdefault(component.ctype, {})[component.local_name] = component
        for kind, found in kinds.items():
            if kind.__name__ not in KNOWN:
                raise CompileError(next(iter(found)), f"no {kind.__name__} in the declaration")
        self.variables, self.params, self.expressions, self.constraints, self.objectives = (
            kinds.get(kind, {}) for kind in (pyo.Var, pyo.Param, pyo.Expression, pyo.Constraint, pyo.Objective)
        )
        self.sets = {
            each.local_name: SetOutline(each, each.index_set() if each.is_indexed() else None, dimen(each))
            for each in components if each.ctype in (pyo.Set, pyo.RangeSet)
        }  # fmt: skip
        indexed = self.variables, self.params, self.expressions, self.constraints, self.objectives
        self.index_sets = {name: each.index_set() for found in indexed for name, each in found.items()}

    @classmethod
    def of(cls, declaration: pyo.AbstractModel) -> Outline:
        """That of a declaration, which is made anew where its components have changed."""
        # To look at every component takes as long as to read a small model. Pyomo adds to the one whatever is added,
        # and takes from the other what is deleted: where both are as long as they were, neither has been done.
        state = len(declaration._decl_order), len(declaration._decl)
        with _GUARD:
            had, kept = _KEPT.get(declaration, (state, None))
            if kept is None or had != state:
                kept = cls(list(declaration.component_map().values()))
                _KEPT[declaration] = state, kept
            return kept

    def domain(self, name: str) -> tuple[float, float, bool]:
        """The lowest and highest value in the domain of a Var, and whether it is of whole numbers. Raises Unreadable
        where that differs by index, CompileError for another domain."""
        if name not in self._domains:
            self._domains[name] = _domain(name, self.variables[name])
        return self._domains[name]


_KEPT: weakref.WeakKeyDictionary[pyo.AbstractModel, tuple[tuple[int, int], Outline]] = weakref.WeakKeyDictionary()
_GUARD = threading.Lock()


def _domain(name: str, variable: Any) -> tuple[float, float, bool]:
    rule = variable._rule_domain
    if rule is None:
        return -math.inf, math.inf, False
    if not rule.constant():
        raise Unreadable("its domain differs by index")
    low, high, step = rule(None, None, variable).get_interval()
    if step not in (0, 1):
        raise CompileError(name, "a domain of reals or of whole numbers")
    return -math.inf if low is None else float(low), math.inf if high is None else float(high), step == 1


def dimen(found: Any) -> int:
    """How many labels a member of a Set has, as far as the declaration says; 1 otherwise."""
    initial = getattr(found, "_init_dimen", None)
    value = initial.val if initial is not None and hasattr(initial, "val") else None
    return value if isinstance(value, int) else 1
