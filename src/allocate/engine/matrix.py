"""A Pyomo model taken apart once into arrays, each entry knowing which parameter it is.

Pyomo walks the model a single time. After that a change of figures is a gather: every coefficient and bound is
factor x parameter, so new parameters give new arrays with no Pyomo in the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import NPV_NegationExpression, NPV_ProductExpression
from pyomo.core.expr.numvalue import NumericConstant
from pyomo.repn import generate_standard_repn

from allocate.errors import EngineError

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Arrays:
    """A linear model as HiGHS takes it: rows in compressed form, bounds (infinite where open), costs to maximise."""

    cost: Array
    lower: Array
    upper: Array
    row_lower: Array
    row_upper: Array
    start: Array
    index: Array
    value: Array
    integer: Array


class Entries:
    """Numbers that are each a factor times a parameter, or a constant (the parameter with number 0, which is 1)."""

    def __init__(self) -> None:
        self._factor: list[float] = []
        self._parameter: list[int] = []

    def add(self, factor: float, parameter: int) -> None:
        self._factor.append(factor)
        self._parameter.append(parameter)

    def freeze(self) -> Entries:
        self.factor, self.parameter = np.array(self._factor, dtype=float), np.array(self._parameter, dtype=int)
        return self

    def at(self, parameters: Array) -> Array:
        return self.factor * parameters[self.parameter]


class Matrix:
    """The compiled form of a model: `columns` and `rows` map component names to their positions."""

    def __init__(self, model: pyo.ConcreteModel) -> None:
        self._parameters = list(model.component_objects(pyo.Param))
        self._number = {
            id(data): number
            for number, data in enumerate((d for param in self._parameters for d in param.values()), start=1)
        }
        self.columns, variables = _positions(model, pyo.Var)
        self.rows, constraints = _positions(model, pyo.Constraint)
        column = {id(data): k for k, data in enumerate(variables)}
        self._read_columns(variables)
        self._read_rows(constraints, column)
        objective = generate_standard_repn(next(model.component_data_objects(pyo.Objective)).expr, compute_values=False)
        self._cost_columns = np.array([column[id(variable)] for variable in objective.linear_vars], dtype=int)
        self._cost = self._entries(objective.linear_coefs)

    def arrays(self, figures: dict[str, Array]) -> Arrays:
        """The model's arrays with these figures for its parameters."""
        parameters = np.concatenate([[1.0], *(figures[param.name] for param in self._parameters)])
        cost = np.zeros(len(self._integer))
        cost[self._cost_columns] = self._cost.at(parameters)
        return Arrays(
            cost, self._lower.at(parameters), self._upper.at(parameters), self._row_lower.at(parameters),
            self._row_upper.at(parameters), self._start, self._index, self._value.at(parameters), self._integer,
        )  # fmt: skip

    def _read_columns(self, variables: list) -> None:
        self._lower = self._entries([-np.inf if v.lower is None else v.lower for v in variables])
        self._upper = self._entries([np.inf if v.upper is None else v.upper for v in variables])
        self._integer = np.array([not v.is_continuous() for v in variables])

    def _read_rows(self, constraints: list, column: dict[int, int]) -> None:
        starts, indices, coefficients = [0], [], []
        for constraint in constraints:
            body = generate_standard_repn(constraint.body, compute_values=False, quadratic=False)
            if not body.is_linear() or not _is_zero(body.constant):
                raise EngineError(f"{constraint.name} is not linear with its figures on the right")
            indices += [column[id(variable)] for variable in body.linear_vars]
            coefficients += body.linear_coefs
            starts.append(len(indices))
        self._start, self._index = np.array(starts, dtype=np.int32), np.array(indices, dtype=np.int32)
        self._value = self._entries(coefficients)
        self._row_lower = self._entries([-np.inf if c.lower is None else c.lower for c in constraints])
        self._row_upper = self._entries([np.inf if c.upper is None else c.upper for c in constraints])

    def _entries(self, expressions) -> Entries:
        entries = Entries()
        for expression in expressions:
            entries.add(*self._scaled(expression))
        return entries.freeze()

    def _scaled(self, expression) -> tuple[float, int]:
        """An expression as (factor, parameter number)."""
        if type(expression) in (int, float, NumericConstant):
            return float(pyo.value(expression)), 0
        if id(expression) in self._number:
            return 1.0, self._number[id(expression)]
        if isinstance(expression, NPV_NegationExpression):
            factor, parameter = self._scaled(expression.arg(0))
            return -factor, parameter
        if isinstance(expression, NPV_ProductExpression):
            (a, p), (b, q) = map(self._scaled, expression.args)
            if p == 0 or q == 0:
                return a * b, p or q
        raise EngineError(f"{expression} ({type(expression).__name__}) is not a number times one parameter")


def _positions(model: pyo.ConcreteModel, kind) -> tuple[dict[str, slice], list]:
    found: list = []
    positions = {}
    for component in model.component_objects(kind):
        data = list(component.values())
        positions[component.local_name] = slice(len(found), len(found) + len(data))
        found += data
    return positions, found


def _is_zero(constant) -> bool:
    return type(constant) in (int, float) and constant == 0
