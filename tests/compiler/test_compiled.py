from __future__ import annotations

import gc
import weakref
from dataclasses import fields

import numpy as np
import pyomo.environ as pyo
import pytest

from allocate.compiler import Arrays, Compiled, CompileError, Positions
from allocate.compiler.compilation import Compilation
from tests.compiler.declarations import CASES, awkward, expressions, positions, products, ragged
from tests.compiler.reference import assert_same, assert_same_standard_form, solved


def jittered(figures: dict, seed: int) -> dict:
    random = np.random.default_rng(seed)
    return {name: np.asarray(values) * random.uniform(0.5, 1.5, np.shape(values)) for name, values in figures.items()}


@pytest.mark.parametrize("case", CASES)
def test_compiled_arrays_are_those_of_pyomo(case):
    """Matrix, sides, bounds, costs, senses, whole columns and Hessian equal Pyomo's, before and after other figures."""
    declaration, members, figures = case()
    compiled = Compiled.of(declaration, members)
    assert_same(compiled, figures)
    for seed in range(3):
        assert_same(compiled, jittered(figures, seed))
    if case is not awkward:
        assert compiled.notes == {}
    if case in (ragged, positions, products):
        assert_same_standard_form(compiled, jittered(figures, 9))


@pytest.mark.parametrize("case", CASES)
def test_change_touches_exactly_what_differs(case):
    """After a change of any Param the arrays are those made afresh, what is said to differ does and nothing else, and
    all of it is among what the Param touches."""
    declaration, members, figures = case()
    compiled = Compiled.of(declaration, members)
    old = compiled.arrays(figures)
    for name in figures:
        new_figures = {**figures, name: jittered(figures, 4)[name]}
        new, differs = compiled.change(old, new_figures, [name])
        fresh = compiled.arrays(new_figures)
        for field in fields(Arrays):
            if field.name != "hessian":
                np.testing.assert_array_equal(getattr(new, field.name), getattr(fresh, field.name))
        touched = compiled.touched(name)
        for found, may, pairs in (
            (differs.costs, touched.costs, ["cost"]),
            (differs.columns, touched.columns, ["lower", "upper"]),
            (differs.rows, touched.rows, ["row_lower", "row_upper"]),
            (differs.entries, touched.entries, ["value"]),
        ):
            really = np.zeros(len(getattr(old, pairs[0])), dtype=bool)
            for each in pairs:
                really |= getattr(old, each) != getattr(new, each)
            np.testing.assert_array_equal(found, np.flatnonzero(really))
            assert found.dtype == np.intp
            assert np.isin(found, may).all()
        if old.hessian is not None:
            assert differs.hessian == (old.hessian.value != new.hessian.value).any()
            np.testing.assert_array_equal(new.hessian.value, fresh.hessian.value)
        assert differs.offset == (old.offset != new.offset)


def test_a_change_shares_what_it_does_not_touch():
    """Arrays in which nothing differs are the same objects, and those in which something does are new."""
    declaration, members, figures = ragged()
    compiled = Compiled.of(declaration, members)
    old = compiled.arrays(figures)
    new, _ = compiled.change(old, {**figures, "start": [1, 1, 1]}, ["start"])
    assert new.value is old.value
    assert new.upper is old.upper
    assert new.row_lower is not old.row_lower
    assert old.row_lower[0] == 0


@pytest.mark.parametrize("case", [ragged, positions, products])
def test_a_coefficient_of_nothing_stays(case):
    """The structure does not depend on figures: with all of them 0 there are as many entries."""
    declaration, members, figures = case()
    compiled = Compiled.of(declaration, members)
    nothing = {name: np.zeros(np.shape(values)) for name, values in figures.items() if name != "flat"}
    nothing |= {"flat": 1.0} if case is products else {}
    assert len(compiled.arrays(nothing).value) == len(compiled.arrays(figures).value)


@pytest.mark.parametrize("case", [positions, expressions])
def test_duals_are_those_of_the_concrete_model(case):
    """HiGHS gives the same value and the same price of every row for compiled arrays as for those of Pyomo's rows."""
    declaration, members, figures = case()
    compiled = Compiled.of(declaration, members)
    value, columns, duals = solved(compiled.arrays(figures))
    slow = Compiled.of(_in_loops(declaration), members)
    other_value, other_columns, other_duals = solved(slow.arrays(figures))
    assert slow.notes.keys() >= slow.rows.keys()
    np.testing.assert_allclose(value, other_value, rtol=1e-9)
    np.testing.assert_allclose(columns, other_columns, atol=1e-6)
    np.testing.assert_allclose(duals, other_duals, atol=1e-6)


def _in_loops(declaration: pyo.AbstractModel) -> pyo.AbstractModel:
    """The same declaration with rules that cannot be read by one call."""
    clone = declaration.clone()
    for constraint in clone.component_objects(pyo.Constraint):
        constraint.rule._fcn = _branching(constraint.rule._fcn)
    return clone


def _branching(rule):
    def branching(m, *index):
        return rule(m, *index) if hash(index) is not None else None

    return branching


def test_notes_say_which_component_and_why():
    """Everything that one call does not tell is expanded, and said in words; nothing else is."""
    declaration, members, _ = awkward()
    notes = Compiled.of(declaration, members).notes
    rules = {"branch", "looked", "got", "filtered", "quick", "zipped", "sorted", "mixed", "member", "named", "among"}
    assert set(notes) == rules | {"x", "y", "looped", "aim"}
    assert "branches on an index" in notes["branch"]
    assert "looks something up" in notes["looked"]
    assert "loops over T" in notes["looped"]
    assert all(note.startswith(f"{name} is expanded row by row: ") for name, note in notes.items())


def test_an_expression_that_is_a_part_of_itself_is_expanded():
    """Running totals, each made of the one before, are what Pyomo makes of them, and it is said why they were left."""
    m = pyo.AbstractModel()
    m.T = pyo.Set()
    m.BEFORE = pyo.Set(m.T)
    m.p = pyo.Param(m.T, mutable=True)
    m.x = pyo.Var(m.T)
    m.run = pyo.Expression(m.T, rule=lambda m, t: m.p[t] * m.x[t] + sum(m.run[s] for s in m.BEFORE[t]))
    m.aim = pyo.Objective(rule=lambda m: sum(m.x[t] for t in m.T))
    m.least = pyo.Constraint(m.T, rule=lambda m, t: m.run[t] >= 1)
    m.most = pyo.Constraint(m.T, rule=lambda m, t: m.run[t] <= 9)
    compiled = Compiled.of(m, {"T": [1, 2, 3], "BEFORE": {2: [1], 3: [2]}})
    assert_same(compiled, {"p": [1.0, 2.0, 3.0]})
    assert set(compiled.notes) == {"least", "most"}
    assert all("run, which is a part of itself" in note for note in compiled.notes.values())


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_a_compilation_waits_to_be_collected(case):
    """What was read is let go of at once: it is as large as the model."""
    declaration, members, _ = case()
    gc.collect()
    gc.disable()
    try:
        compilation = Compilation(declaration, members)
        read = [weakref.ref(compilation), weakref.ref(compilation._reader)]
        del compilation
        assert [each() for each in read] == [None, None]
    finally:
        gc.enable()


def test_columns_and_rows_are_in_the_order_of_declaration():
    """Slices follow one another in the order of declaration, each as long as its component."""
    declaration, members, figures = products()
    compiled = Compiled.of(declaration, members)
    model = compiled.concrete(figures)
    for kind, slices in ((pyo.Var, compiled.columns), (pyo.Constraint, compiled.rows)):
        stop = 0
        for component in model.component_objects(kind):
            assert slices[component.local_name] == slice(stop, stop + len(component))
            stop += len(component)


def test_the_declaration_is_left_alone():
    """Compiling, changing and making a concrete model leave the declaration as it was: abstract, empty, the same."""
    declaration, members, figures = awkward()
    before = {c.name: (id(c), c.is_constructed(), len(vars(c))) for c in declaration.component_objects()}
    compiled = Compiled.of(declaration, members)
    compiled.change(compiled.arrays(figures), figures, list(figures))
    compiled.concrete(figures)
    assert before == {c.name: (id(c), c.is_constructed(), len(vars(c))) for c in declaration.component_objects()}
    assert not declaration.is_constructed()


def test_a_rule_that_reads_a_figure_to_decide_is_refused():
    """A rule whose rows depend on values in Python cannot be held for other figures, and is refused by name."""
    m = pyo.AbstractModel()
    m.I = pyo.Set()
    m.p, m.x = pyo.Param(m.I), pyo.Var(m.I)
    m.aim = pyo.Objective(rule=lambda m: sum(m.x[i] for i in m.I))
    m.decides = pyo.Constraint(m.I, rule=lambda m, i: m.x[i] <= 3 if pyo.value(m.p[i]) > 0 else m.x[i] >= 3)
    with pytest.raises(CompileError, match="decides") as error:
        Compiled.of(m, {"I": [1, 2]})
    assert error.value.component == "decides"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"J": [("a", 1), ("a", 1)]}, "J: members that are all different"),
        ({"J": Positions(np.zeros((2, 3)), ("I", "I"))}, "J: positions with 2 columns"),
        ({"J": Positions(np.array([[0, 7]]), ("I", "I"))}, "J: positions from 0 to 2"),
        ({"J": Positions(np.array([[0, 1]]), ("I", "Z"))}, "J: positions in sets declared before it"),
        ({"Z": [1]}, "Z: members of a Set"),
        ({"J": [("a", 1), ("z", 2)]}, "I: a member for every index"),
    ],
)
def test_wrong_members_are_refused(change, message):
    """Members that make no set, or no model, are refused in words."""
    declaration, members, _ = expressions()
    with pytest.raises(CompileError, match=message):
        Compiled.of(declaration, {**members, **change})


def test_wrong_figures_and_missing_members_are_refused():
    """Figures of the wrong length or none, and sets without members, are refused by name."""
    declaration, members, figures = products()
    compiled = Compiled.of(declaration, members)
    with pytest.raises(CompileError, match="ramp: 2 values, not 3"):
        compiled.arrays({**figures, "ramp": [1, 2, 3]})
    with pytest.raises(CompileError, match="ramp: a Param"):
        compiled.arrays({name: value for name, value in figures.items() if name != "ramp"})
    with pytest.raises(CompileError, match="LATER: its members"):
        Compiled.of(declaration, {"I": ["u"], "EARLIER": [1]})


def test_figures_are_looked_at_once():
    """Figures that were checked give the same arrays as before, and what would be refused is when they are."""
    declaration, members, figures = products()
    compiled = Compiled.of(declaration, members)
    checked = compiled.checked(figures)
    assert all(values.ndim == 1 and values.dtype == float for values in checked.values())
    np.testing.assert_array_equal(compiled.arrays(checked).value, compiled.arrays(figures).value)
    assert set(checked) == set(figures)
    with pytest.raises(CompileError, match="ramp: 2 values, not 3"):
        compiled.checked({**figures, "ramp": [1, 2, 3]})


def test_what_highs_cannot_take_is_refused():
    """Products of variables in rows, several objectives and blocks are refused by name."""
    for extra, name in (
        (lambda m: m.add_component("c", pyo.Constraint(rule=lambda m: m.x * m.x <= 1)), "c"),
        (lambda m: m.add_component("second", pyo.Objective(rule=lambda m: m.x)), "second"),
        (lambda m: m.add_component("b", pyo.Block()), "b"),
        (lambda m: m.add_component("r", pyo.Constraint(rule=lambda m: pyo.inequality(m.x, m.x, 3))), "r"),
        (lambda m: m.add_component("e", pyo.Constraint(rule=lambda m: pyo.exp(m.x) <= 3)), "e"),
    ):
        m = pyo.AbstractModel()
        m.x = pyo.Var()
        m.aim = pyo.Objective(rule=lambda m: m.x)
        extra(m)
        with pytest.raises(CompileError) as error:
            Compiled.of(m, {})
        assert error.value.component == name


def test_empty_sets_make_no_rows():
    """Sets without members, sparse and indexed too, make no columns, no rows and no entries."""
    declaration, members, figures = ragged()
    compiled = Compiled.of(declaration, {**members, "SLICES": [], "SLICES_OF": [], "PAIRS_OF": {}, "LINES_OF": {}})
    assert_same(compiled, {**figures, "width": [], "slope": [], "start": [0, 0, 0]})
    assert compiled.columns["slice"] == slice(4, 4)
