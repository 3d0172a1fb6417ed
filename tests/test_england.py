"""England at national scale: the scenarios are sound, and what makes them fast gives the same as what was slow."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocate as al
from allocate.engine.certificate import Flows, breaches
from allocate.engine.problem import Problem
from allocate.rules.tally import Tally
from allocate.scenario.curves import Curves

GROWTH = 0.044
ROUNDED = 20_000.0
"""Pounds by which whole pounds a line may miss a limit over thousands of lines."""


@pytest.fixture(scope="module")
def england():
    """`benchmarks.england.england`, where there are data to make England of."""
    if not os.environ.get("ALLOCATE_DATA"):
        pytest.skip("ALLOCATE_DATA names no folder with NHS England's practice-level data")
    from benchmarks import england

    return england.england


@pytest.fixture(scope="module")
def districts(england) -> al.Scenario:
    """Two systems by district."""
    return england("district", systems=2)


@pytest.fixture(scope="module")
def surgeries(england) -> al.Scenario:
    """One system by practice, three years."""
    return england("practice", years=3, systems=1)


# --- the scenarios -------------------------------------------------------------------------------------------------


def test_it_is_a_scenario_as_any_other(districts, surgeries, tmp_path):
    """Written as a folder and read again, both levels come back the same, so every check of a reader has passed."""
    for scenario in (districts, surgeries):
        al.write(scenario, tmp_path / scenario.id)
        assert al.read(tmp_path / scenario.id) == scenario


def test_sizes(england):
    """By district England has 42 systems, 341 places under them, a line for nearly all they might have, and curves."""
    whole = england("district")
    assert len(whole.partners) == 42
    assert whole.lines["place"].nunique() == 341
    assert len(whole.lines) == 13_635
    assert len(whole.curves) == (whole.lines["programme"] != "maternity").sum()


def test_some_systems_are_as_they_are_in_all(england, districts):
    """The first systems alone have the very money and curves that they have in the whole of England."""
    whole = england("district")
    for table, column in (("lines", "partner"), ("envelopes", "holder")):
        mine = whole.table(table)[lambda rows, column=column: rows[column].isin(districts.partners["id"])]
        assert mine.reset_index(drop=True).equals(getattr(districts, table))


def test_practices_add_up_to_districts(england, surgeries):
    """By practice, a district's money is what it is by district, but for rounding and lines next to nothing."""
    parent = dict(zip(surgeries.places["id"], surgeries.places["parent"], strict=True))
    fine = surgeries.lines.groupby([surgeries.lines["place"].map(parent), "programme", "year"])["baseline"].sum()
    coarse = england("district", years=3, systems=1).lines.set_index(["place", "programme", "year"])["baseline"]
    np.testing.assert_allclose(fine.sort_index(), coarse.sort_index(), rtol=1e-3)


@pytest.mark.parametrize(("level", "shared"), [("district", True), ("practice", True)])
def test_last_years_plan_grown_keeps_every_rule(england, level, shared):
    """Every line a little larger than the year before breaks no bound, envelope, rule or shared rule."""
    problem = Problem.of(england(level, systems=2, shared=shared))
    grown = Flows(np.round(problem.baseline * (1 + GROWTH)), np.zeros(0))
    assert breaches(problem, grown, ROUNDED) == []
    assert breaches(problem, replace(grown, spend=problem.baseline), ROUNDED)


def test_shared_rules_bind(england):
    """Of the rules over all systems together each costs something; without them nothing ties systems together."""
    prices = al.solve(england("district", systems=2, shared=True)).limits.groupby("rule")["price"].max()
    assert prices["england-mental-health"] > 0
    assert prices["england-community"] > 0
    scenario = england("district", systems=2)
    problem, partner = Problem.of(scenario), scenario.lines["partner"].to_numpy()
    rows = problem.line_rows
    assert all(len(set(partner[rows.columns[rows.rows == row]])) == 1 for row in range(len(problem.limits)))


def test_nothing_dense_is_made(surgeries):
    """A problem with its slices and yardsticks is made without a matrix of limits times lines."""
    problem = Problem.of(surgeries)
    assert problem.at_stake > 0
    assert len(problem.grids) == len(problem.curves)
    assert "flow_rows" not in vars(problem)


# --- the same as one by one ----------------------------------------------------------------------------------------


def one_by_one(curves: Curves, q: int, low: float, high: float, slices: int) -> np.ndarray:
    """The breakpoints of a power or saturation curve by the formula, for one curve alone."""
    step = np.linspace(0.0, 1.0, slices + 1)
    if curves.shape[q] == "saturation":
        scale = -2.0 * curves.reference[q]
        ends = np.exp(np.array([low, high]) / scale)
        grid = scale * np.log(np.maximum(ends[0] + step * (ends[1] - ends[0]), 1e-300))
    else:
        half = curves.exponent[q] / 2.0
        grid = (low**half + step * (high**half - low**half)) ** (1.0 / half)
    grid[0], grid[-1] = low, high
    apart = low + (high - low) * 1e-5 * np.arange(slices + 1)
    return np.maximum.accumulate(np.clip(np.maximum(grid, apart), low, high))


curve = st.tuples(
    st.sampled_from(["linear", "power", "isoelastic", "saturation", "points"]), st.sampled_from([0.3, 0.5, 0.6, 1.0]),
    st.floats(1.0, 1e9), st.floats(0.0, 1e8), st.floats(0.0, 1e9),
)  # fmt: skip


@given(rows=st.lists(curve, min_size=1, max_size=30), slices=st.integers(1, 40))
def test_breakpoints_made_together_are_those_made_one_by_one(rows, slices):
    """All grids at once are, to the last bit, what the formula gives for each curve alone."""
    shapes, exponents, references, low, more = zip(*rows, strict=True)
    shape, low, high = np.array(shapes), np.array(low), np.array(low) + np.array(more)
    points = tuple((np.array([0.0, 5e7, 1e8]), np.arange(3.0)) if name == "points" else None for name in shapes)
    ones = np.ones(len(rows))
    exponent = np.where(np.isin(shape, ["power", "isoelastic"]), exponents, 1.0)
    curves = Curves(shape, ones, np.array(references), exponent, 0 * ones, ones, points, tuple([] for _ in rows))
    for q, grid in enumerate(curves.grids(low, high, slices)):
        if points[q] is None:
            expected = one_by_one(curves, q, low[q], high[q], slices if curves.bends(q) else 1)
            assert grid.tobytes() == expected.tobytes()
        assert grid.tobytes() == curves.grid(q, low[q], high[q], slices if curves.bends(q) else 1).tobytes()


@given(data=st.data())
def test_lines_by_row_count_as_lines_by_yes_and_no(small, data):
    """A tally asked for lines by their rows answers what it answers for the same lines as booleans."""
    count = len(small.lines)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    rows, tally = np.flatnonzero(mask), Tally(small)
    outcome = small.outcomes["id"][0]
    assert tally.spend(rows) == tally.spend(mask)
    assert tally.gain(rows, outcome) == tally.gain(mask, outcome)
    assert tally.baseline(rows) == tally.baseline(mask)
    by_row, by_mask = dict(tally.years(rows)), dict(tally.years(mask))
    assert by_row.keys() == by_mask.keys()
    assert all(np.array_equal(by_row[year], np.flatnonzero(by_mask[year])) for year in by_row)


def test_curves_find_their_lines(small):
    """Which lines feed a curve, worked out for all curves at once, is what the lines' names say."""
    key = ["place", "programme", "year"]
    names = list(small.lines[key].itertuples(index=False, name=None))
    for wanted, rows in zip(small.curves[key].itertuples(index=False, name=None), small.fed, strict=True):
        assert rows.tolist() == [row for row, name in enumerate(names) if name == wanted]
        assert np.array_equal(small.curve_of_line[wanted], rows)
