"""The arrays of an ordinary Pyomo model as Pyomo itself reads them, and what it takes to call arrays equal."""

import highspy
import numpy as np
import pyomo.environ as pyo
from pyomo.common.errors import InfeasibleConstraintException
from pyomo.repn import generate_standard_repn
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from allocate.compiler import Arrays, Compiled


def read(model: pyo.ConcreteModel) -> dict:
    """Dense arrays: rows in Pyomo's order, constants of bodies moved to the sides."""
    variables = [v for c in model.component_objects(pyo.Var) for v in c.values()]
    rows = [r for c in model.component_objects(pyo.Constraint, active=True) for r in c.values()]
    column = {id(v): k for k, v in enumerate(variables)}
    matrix = np.zeros((len(rows), len(variables)))
    low, high = np.full(len(rows), -np.inf), np.full(len(rows), np.inf)
    for k, row in enumerate(rows):
        lower, body, upper = row.to_bounded_expression(evaluate_bounds=True)
        body = generate_standard_repn(body, quadratic=False)
        assert body.is_linear()
        for coefficient, variable in zip(body.linear_coefs, body.linear_vars, strict=True):
            matrix[k, column[id(variable)]] += coefficient
        low[k] = -np.inf if lower is None else lower - body.constant
        high[k] = np.inf if upper is None else upper - body.constant
    objective = next(model.component_data_objects(pyo.Objective, active=True))
    aim = generate_standard_repn(objective.expr, quadratic=True)
    cost, hessian = np.zeros(len(variables)), np.zeros((len(variables), len(variables)))
    for coefficient, variable in zip(aim.linear_coefs, aim.linear_vars, strict=True):
        cost[column[id(variable)]] += coefficient
    for coefficient, (a, b) in zip(aim.quadratic_coefs, aim.quadratic_vars, strict=True):
        hessian[column[id(a)], column[id(b)]] += coefficient
        hessian[column[id(b)], column[id(a)]] += coefficient
    open_low = [-np.inf if v.lb is None else v.lb for v in variables]
    open_high = [np.inf if v.ub is None else v.ub for v in variables]
    return {
        "matrix": matrix, "row_lower": low, "row_upper": high, "cost": cost, "hessian": hessian,
        "lower": np.array(open_low), "upper": np.array(open_high), "offset": aim.constant,
        "integer": np.array([not v.is_continuous() for v in variables]), "sense": int(objective.sense),
    }  # fmt: skip


def dense(arrays: Arrays) -> dict:
    """Compiled arrays in the same form."""
    count, width = len(arrays.row_lower), len(arrays.cost)
    matrix, hessian = np.zeros((count, width)), np.zeros((width, width))
    columns = np.repeat(np.arange(width), np.diff(arrays.start))
    assert (np.diff(columns * count + arrays.index) > 0).all(), "rows that do not rise within a column"
    matrix[arrays.index, columns] = arrays.value
    if arrays.hessian is not None:
        columns = np.repeat(np.arange(width), np.diff(arrays.hessian.start))
        assert (arrays.hessian.index >= columns).all()
        hessian[arrays.hessian.index, columns] = arrays.hessian.value
        hessian[columns, arrays.hessian.index] = arrays.hessian.value
    assert arrays.start.dtype == arrays.index.dtype == np.int32
    names = "row_lower", "row_upper", "cost", "lower", "upper", "offset", "integer", "sense"
    return {"matrix": matrix, "hessian": hessian, **{name: getattr(arrays, name) for name in names}}


def assert_same(compiled: Compiled, figures: dict, arrays: Arrays | None = None) -> Arrays:
    """Compiled arrays equal what Pyomo makes of the same declaration."""
    arrays = arrays or compiled.arrays(figures)
    ours, theirs = dense(arrays), read(compiled.concrete(figures))
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-12, atol=1e-12, err_msg=name)
    return arrays


def assert_same_standard_form(compiled: Compiled, figures: dict) -> None:
    """The matrix equals that of Pyomo's own compiler of standard forms, which takes no row that cannot be kept because
    its coefficients come to nothing."""
    model = compiled.concrete(figures)
    try:
        form = LinearStandardFormCompiler().write(model, mixed_form=True)
    except InfeasibleConstraintException:
        return
    constraints = [r for c in model.component_objects(pyo.Constraint, active=True) for r in c.values()]
    variables = [v for c in model.component_objects(pyo.Var) for v in c.values()]
    row = {id(constraint): k for k, constraint in enumerate(constraints)}
    column = {id(variable): k for k, variable in enumerate(variables)}
    rows = [row[id(each.constraint)] for each in form.rows]
    columns = [column[id(each)] for each in form.columns]
    ours = dense(compiled.arrays(figures))["matrix"]
    np.testing.assert_allclose(ours[np.ix_(rows, columns)], form.A.toarray(), rtol=1e-12, atol=1e-12)


def solved(arrays: Arrays) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, columns and row duals by HiGHS."""
    highs, lp = highspy.Highs(), highspy.HighsLp()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    lp.num_col_, lp.num_row_ = len(arrays.cost), len(arrays.row_lower)
    lp.sense_ = highspy.ObjSense.kMinimize if arrays.sense == 1 else highspy.ObjSense.kMaximize
    lp.offset_ = arrays.offset
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = arrays.cost, arrays.lower, arrays.upper
    lp.row_lower_, lp.row_upper_ = arrays.row_lower, arrays.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = arrays.start, arrays.index, arrays.value
    assert highs.passModel(lp) == highspy.HighsStatus.kOk
    if arrays.hessian is not None:
        hessian = highspy.HighsHessian()
        hessian.dim_ = len(arrays.cost)
        hessian.format_ = highspy.HessianFormat.kTriangular
        hessian.start_, hessian.index_ = arrays.hessian.start, arrays.hessian.index
        hessian.value_ = arrays.hessian.value
        assert highs.passHessian(hessian) == highspy.HighsStatus.kOk
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    found = highs.getSolution()
    return highs.getInfo().objective_function_value, np.array(found.col_value), np.array(found.row_dual)
