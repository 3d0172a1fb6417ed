"""The model: what is compiled from its declaration is what Pyomo itself makes of it."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
import allocate.engine.model as engine_model
from allocate.compiler import Compiled
from allocate.engine.model import Figures, Sets, compiled, figures
from allocate.engine.optimum import must_order
from allocate.engine.problem import Problem
from allocate.engine.solving import solve_scenario
from tests.compiler.reference import assert_same, assert_same_standard_form, solved
from tests.conftest import SCENARIOS

CASES = {
    "tiny": {
        "envelopes.core": 850_000,
        "rules.prevention-north.amount": 50_000,
        "curves.north.care.health.slope": 0.003,
    },
    "participatory-budget": {"envelopes.*.amount": 1_100_000},
    "health-benefits-package": {"outcomes.*.weight": 2, "resources.*.amount": 2e7},
    "coventry-warwickshire": {"envelopes.core.amount": "x1.01", "curves.*.urgent.slope": "x0.9"},
    "greater-manchester": {"rules.continuing-care-floor.at_least": 0.01, "envelopes.core.amount": "x0.999"},
}


def taken(scenario: al.Scenario, every_third: bool = False) -> tuple[Compiled, Figures]:
    """A scenario's model, with figures; with every third curve made to fill in order, where that is asked for."""
    problem = Problem.of(scenario)
    ordered = must_order(problem) | frozenset(range(0, len(problem.grids), 3) if every_third else ())
    return compiled(Sets.of(problem, problem.grids, ordered)), figures(problem, problem.grids)


@pytest.mark.parametrize("every_third", [False, True], ids=["straight", "in order"])
@pytest.mark.parametrize("name", CASES)
def test_arrays_are_pyomos_own_before_and_after_a_change(name, every_third):
    """Matrix, bounds, costs, sense and kinds of column are those of the ordinary Pyomo model, entry for entry, also
    after a change of figures for which nothing was compiled again."""
    scenario = al.read(SCENARIOS / name)
    model, first = taken(scenario, every_third)
    assert model.notes == {}
    assert_same(model, first)
    other = Problem.of(scenario.change(CASES[name]))
    assert_same(model, figures(other, other.grids))


@pytest.mark.parametrize("name", CASES)
def test_totals_with_columns_are_pyomos_own_too(name, monkeypatch):
    """The same where every total that is named twice has a column of its own."""
    monkeypatch.setattr(engine_model, "DENSE", 0)
    scenario = al.read(SCENARIOS / name)
    model, first = taken(scenario)
    assert_same(model, first)
    other = Problem.of(scenario.change(CASES[name]))
    assert_same(model, figures(other, other.grids))


@pytest.mark.parametrize("name", ["tiny", "health-benefits-package"])
def test_pyomos_standard_form_agrees(name):
    """Pyomo's own compiler to a standard form has the same rows and the same coefficients."""
    model, first = taken(al.read(SCENARIOS / name))
    apart = {key: np.clip(values, -1e15, 1e15) if key in ENDS else values for key, values in first.items()}
    assert_same_standard_form(model, apart)


ENDS = ("limit_low", "limit_high", "kept", "moving")
"""Figures that may be infinite: Pyomo's standard form leaves out a row without ends."""


def test_the_bare_model_solves_to_what_a_plan_is_worth():
    """The arrays handed to HiGHS by themselves give the plan's value, but for what straight slices miss."""
    scenario = al.read(SCENARIOS / "coventry-warwickshire")
    model, first = taken(scenario)
    value, _, _ = solved(model.arrays(first))
    best = solve_scenario(scenario, al.engine.optimum.Options()).certificate.value
    unit = Problem.of(scenario).units.value
    assert best * (1 - 1e-3) <= value * unit <= best * (1 + 1e-9)
