"""A Pyomo model taken apart once into arrays, each entry knowing which parameter it is.

Pyomo walks the model a single time. After that a change of figures is a gather: every coefficient and bound is
factor x parameter, so new parameters give new arrays with no Pyomo in the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import NPV_NegationExpression, NPV_ProductExpression
from pyomo.core.expr.numvalue import NumericConstant
from pyomo.repn import generate_standard_repn

from allocate.errors import EngineError

Array = np.ndarray
Parts = Mapping[str, Array]


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

    def part(self, entries: Array | slice, parameter: Array) -> Entries:
        """Some of the entries, their parameters renumbered."""
        part = copy(self)
        part.factor, part.parameter = self.factor[entries], parameter[self.parameter[entries]]
        return part


class Matrix:
    """The compiled form of a model: `columns` and `rows` map component names to their positions."""

    def __init__(self, model: pyo.ConcreteModel) -> None:
        self._parameters, parameters = _positions(model, pyo.Param)
        self._number = {id(data): number for number, data in enumerate(parameters, start=1)}
        self.columns, variables = _positions(model, pyo.Var)
        self.rows, constraints = _positions(model, pyo.Constraint)
        column = {id(data): k for k, data in enumerate(variables)}
        self._read_columns(variables)
        self._read_rows(constraints, column)
        objective = generate_standard_repn(next(model.component_data_objects(pyo.Objective)).expr, compute_values=False)
        self._cost_columns = np.array([column[id(variable)] for variable in objective.linear_vars], dtype=int)
        self._cost = self._entries(objective.linear_coefs)
        del self._number

    def arrays(self, figures: dict[str, Array]) -> Arrays:
        """The model's arrays with these figures for its parameters."""
        parameters = np.concatenate([[1.0], *(figures[name] for name in self._parameters)])
        cost = np.zeros(len(self._integer))
        cost[self._cost_columns] = self._cost.at(parameters)
        return Arrays(
            cost, self._lower.at(parameters), self._upper.at(parameters), self._row_lower.at(parameters),
            self._row_upper.at(parameters), self._start, self._index, self._value.at(parameters), self._integer,
        )  # fmt: skip

    def part(self, columns: Parts, rows: Parts, parameters: Parts) -> Matrix:
        """The compiled form of a model that leaves out, or orders otherwise, some of what is in this one.

        Each of the three maps a component's name to the positions that stay, in their new order; components not named
        stay whole. No row that stays may use a column or a parameter that goes.
        """
        (kept_columns, new_columns), (kept_rows, new_rows), (kept_parameters, new_parameters) = (
            _selected(*each) for each in ((self.columns, columns), (self.rows, rows), (self._parameters, parameters))
        )
        part = copy(self)
        part.columns, part.rows, part._parameters = new_columns, new_rows, new_parameters
        column, parameter = _inverse(kept_columns), _inverse(np.concatenate([[0], kept_parameters + 1]))
        lengths = np.diff(self._start)[kept_rows]
        part._start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        entries = np.repeat(self._start[kept_rows] - part._start[:-1], lengths) + np.arange(part._start[-1])
        part._index, part._integer = column[self._index[entries]].astype(np.int32), self._integer[kept_columns]
        part._value, part._cost = self._value.part(entries, parameter), self._cost.part(slice(None), parameter)
        part._lower, part._upper = (each.part(kept_columns, parameter) for each in (self._lower, self._upper))
        part._row_lower, part._row_upper = (
            each.part(kept_rows, parameter) for each in (self._row_lower, self._row_upper)
        )
        part._cost_columns = column[self._cost_columns]
        return part

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


def _selected(positions: dict[str, slice], wanted: Parts) -> tuple[Array, dict[str, slice]]:
    """The positions that stay, and where each component's then are."""
    stays, places, count = [np.array([], dtype=int)], {}, 0
    for name, place in positions.items():
        mine = np.arange(place.start, place.stop)
        stays.append(mine[wanted[name]] if name in wanted else mine)
        places[name] = slice(count, count + len(stays[-1]))
        count += len(stays[-1])
    return np.concatenate(stays), places


def _inverse(kept: Array) -> Array:
    """For each old position its new one; -1 for those that went."""
    new = np.full(int(kept.max(initial=-1)) + 1, -1)
    new[kept] = np.arange(len(kept))
    return new


def _is_zero(constant) -> bool:
    return type(constant) in (int, float) and constant == 0
