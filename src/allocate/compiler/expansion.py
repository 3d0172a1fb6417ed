"""What one call of a rule does not tell, Pyomo expands: rows one by one, with every Param mutable and without a value.

Without values, nothing in the rows can depend on them but through Pyomo's own expressions, so a later change of
figures still holds. A rule that reads a value to decide on its rows cannot be compiled, and says so.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.repn import generate_standard_repn

from allocate.compiler.algebra import ZERO, Formula, Polynomial, Term, listed, read
from allocate.compiler.errors import CompileError
from allocate.compiler.members import Rows
from allocate.compiler.reading import Frame, Reader

LOCK = threading.RLock()
"""Pyomo's construction of models is not meant for several threads."""


class Expansion:
    """A declaration over its members, constructed by Pyomo without rows; those are then expanded by component.

    `data` has the members of its sets, as Pyomo takes them; `columns` the first column of each Var.
    """

    def __init__(self, model: pyo.AbstractModel, data: Mapping[str, Any], columns: Mapping[str, int]) -> None:
        self._model = model.clone()
        for param in self._model.component_objects(pyo.Param):
            param._mutable, param._default_val, param._rule = True, pyo.Param.NoValue, None
        for component in self._model.component_objects():
            if component.ctype not in (pyo.Constraint, pyo.Objective):
                component.construct(data.get(component.local_name))
        self._column = {
            id(variable): columns[component.local_name] + place
            for component in self._model.component_objects(pyo.Var)
            for place, variable in enumerate(component.values())
        }
        self._leaves = _Leaves(self._model)

    def rows(self, name: str) -> tuple[Formula, Formula, int, Polynomial]:
        """The rows of a Constraint: their lower and upper sides, how many they are, and their bodies."""
        sides = [row.to_bounded_expression() for row in self._expanded(name)]
        lower, upper = (self._listed([side[end] for side in sides], open) for end, open in ((0, -np.inf), (2, np.inf)))
        return lower, upper, len(sides), self._bodies([side[1] for side in sides], name)

    def objective(self, name: str) -> Polynomial:
        """What an Objective comes to."""
        return self._bodies([self._expanded(name)[0].expr], name)

    def bounds(self, name: str) -> tuple[Formula, Formula, np.ndarray]:
        """The lower and upper bounds of a Var component, and which of its columns are whole."""
        found = list(self._model.component(name).values())
        lower, upper = self._listed([v.lower for v in found], -np.inf), self._listed([v.upper for v in found], np.inf)
        return lower, upper, np.array([not variable.is_continuous() for variable in found], dtype=bool)

    def _expanded(self, name: str) -> list[Any]:
        component = self._model.component(name)
        component.construct()
        return [row for row in component.values() if row.active]

    def _bodies(self, bodies: list[Any], name: str) -> Polynomial:
        found = [generate_standard_repn(body, compute_values=False, quadratic=True) for body in bodies]
        if any(body.nonlinear_expr is not None for body in found):
            raise CompileError(name, "a linear or quadratic expression")
        linear = self._term([[(v,) for v in body.linear_vars] for body in found], [body.linear_coefs for body in found])
        square = self._term([body.quadratic_vars for body in found], [body.quadratic_coefs for body in found])
        fixed = self._listed([body.constant for body in found], 0.0)
        return Polynomial(fixed if fixed.reads or np.any(fixed.at({})) else ZERO, (*linear, *square))

    def _term(self, variables: list, coefficients: list) -> list[Term]:
        rows = Rows.long(np.array([len(row) for row in variables], dtype=np.intp))
        if not rows.size:
            return []
        each = [[self._column[id(v)] for v in entry] for entry in itertools.chain.from_iterable(variables)]
        columns = tuple(np.array(each, dtype=np.intp).T)
        formula = self._listed(itertools.chain.from_iterable(coefficients), 0.0)
        return [Term(rows, columns, formula, ("",) * len(columns))]

    def _listed(self, trees: Iterable[Any], nothing: float) -> Formula:
        """Trees of figures, one number each, as a formula; `nothing` where there is None."""
        return listed([self._leaves.formula(nothing if tree is None else tree, Frame(1)) for tree in trees])


class _Leaves(Reader):
    """Reads trees whose leaves are a constructed model's Params."""

    def __init__(self, model: pyo.AbstractModel) -> None:
        self._found = {
            id(param[index]): read(param.local_name, np.array(place))
            for param in model.component_objects(pyo.Param)
            for place, index in enumerate(param.index_set())
        }

    def polynomial(self, tree: Any, frame: Frame) -> Polynomial:
        found = self._found.get(id(tree))
        return Polynomial(found) if found is not None else super().polynomial(tree, frame)
