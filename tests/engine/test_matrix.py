"""Taking Pyomo's model apart: the arrays are Pyomo's own, before and after figures change."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

import allocate as al
from allocate.engine.matrix import Arrays, Matrix
from allocate.engine.model import Sets, compiled, declare, figures, under_fewer_rules
from allocate.engine.optimum import must_order
from allocate.engine.problem import Problem
from tests.conftest import SCENARIOS

CASES = {
    "tiny": {
        "envelopes.core": 850_000,
        "rules.prevention-north.amount": 50_000,
        "curves.north.care.health.slope": 0.003,
    },
    "participatory-budget": {"envelopes.*.amount": 1_100_000},
    "health-benefits-package": {"outcomes.*.weight": 2, "resources.*.amount": 2e7},
}


def dense(model) -> dict[str, dict[str, float]]:
    """Pyomo's own account of a model: row name to column name to coefficient."""
    form = LinearStandardFormCompiler().write(model, mixed_form=True)
    matrix = form.A.tocoo()
    names = [column.name for column in form.columns]
    rows: dict[str, dict[str, float]] = {}
    for row, column, value in zip(matrix.row, matrix.col, matrix.data, strict=True):
        if value:
            rows.setdefault(form.rows[row].constraint.name, {})[names[column]] = value
    return rows


def ours(matrix: Matrix, model, arrays) -> dict[str, dict[str, float]]:
    """The same from our arrays."""
    import pyomo.environ as pyo

    columns = [data.name for var in model.component_objects(pyo.Var) for data in var.values()]
    names = [data.name for con in model.component_objects(pyo.Constraint) for data in con.values()]
    rows: dict[str, dict[str, float]] = {}
    for row, name in enumerate(names):
        for entry in range(arrays.start[row], arrays.start[row + 1]):
            if arrays.value[entry]:
                rows.setdefault(name, {})[columns[arrays.index[entry]]] = arrays.value[entry]
    return rows


@pytest.mark.parametrize("name", CASES)
def test_arrays_equal_pyomos_own_before_and_after_a_change(name):
    """Coefficients from the compiled form equal Pyomo's standard form, also after new figures with no rebuild."""
    scenario = al.read(SCENARIOS / name)
    problem = Problem.of(scenario)
    grids, ordered = problem.grids, must_order(problem)
    sets = Sets.of(problem, grids, ordered)
    first = figures(problem, grids)
    model = declare(sets, first)
    matrix = Matrix(model)
    assert ours(matrix, model, matrix.arrays(first)) == dense(bounded(model))

    other = Problem.of(scenario.change(CASES[name]))
    later = figures(other, other.grids)
    rebuilt = declare(Sets.of(other, other.grids, ordered), later)
    assert ours(matrix, model, matrix.arrays(later)) == dense(bounded(rebuilt))
    fresh = Matrix(rebuilt).arrays(later)
    for ours_now, theirs in zip(vars(matrix.arrays(later)).values(), vars(fresh).values(), strict=True):
        np.testing.assert_array_equal(ours_now, theirs)


def bounded(model):
    """The model with every row kept: Pyomo leaves out rows without bounds, so open ends get a distant one."""
    for i in model.limit_low:
        model.limit_low[i] = max(model.limit_low[i].value, -1e15)
        model.limit_high[i] = min(model.limit_high[i].value, 1e15)
    model.moving["aim"] = min(model.moving["aim"].value, 1e15)
    model.kept["aim"] = max(model.kept["aim"].value, -1e15)
    return model


@pytest.mark.parametrize("name", ["tiny", "health-benefits-package", "coventry-warwickshire"])
def test_a_model_under_fewer_rules_is_what_declaring_it_gives(name):
    """Leaving a switched-off rule out of a compiled model gives, entry for entry, what declaring it anew gives."""
    scenario = al.read(SCENARIOS / name)
    for rule in scenario.rules[:12]:
        problem = Problem.of(scenario.change({f"rules.{rule.id}.in_force": False}))
        every, grids, ordered = problem.with_every_rule(), problem.grids, must_order(problem)
        sets, wide = Sets.of(problem, grids, ordered), Sets.of(every, grids, ordered)
        first = figures(problem, grids)
        matrix = under_fewer_rules(compiled(wide, figures(every, grids)), wide, sets)
        declared = compiled(sets, first)
        assert (matrix.columns, matrix.rows) == (declared.columns, declared.rows)
        for field in fields(Arrays):
            np.testing.assert_array_equal(
                getattr(matrix.arrays(first), field.name), getattr(declared.arrays(first), field.name)
            )
