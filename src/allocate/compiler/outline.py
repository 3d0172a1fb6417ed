"""What a declaration says by itself, before there are members or figures: asked of Pyomo once."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from allocate.compiler.errors import CompileError

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
        self.components = components
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
        components = list(declaration.component_map().values())
        with _GUARD:
            kept = _KEPT.get(declaration)
            if kept is None or list(map(id, kept.components)) != list(map(id, components)):
                kept = _KEPT[declaration] = cls(components)
            return kept


_KEPT: weakref.WeakKeyDictionary[pyo.AbstractModel, Outline] = weakref.WeakKeyDictionary()
_GUARD = threading.Lock()


def dimen(found: Any) -> int:
    """How many labels a member of a Set has, as far as the declaration says; 1 otherwise."""
    initial = getattr(found, "_init_dimen", None)
    value = initial.val if initial is not None and hasattr(initial, "val") else None
    return value if isinstance(value, int) else 1
