"""The models that are measured: every way has the same one, and finds the same. Nothing here depends on how fast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.bare import by_hand, handed_over, solved
from benchmarks.building import PARTS, RELATIVE, SMALLEST, assert_equal, assert_same, building, memory, turn
from benchmarks.made import SHAPES, Data, made, of_scenario
from benchmarks.registry import FIGURES, MODELS, Model
from benchmarks.ways import BARE, COMPILED, WAYS, WRITTEN

import allocate as al
from tests.conftest import SCENARIOS

KNOWN = [
    (name, shape) for name, way in WAYS.items() for shape in SHAPES
    if name != BARE and (not way.shapes or shape in way.shapes)
]  # fmt: skip
"""Every other way, with every shape that it knows."""


def small(shape: str) -> Data:
    """Two systems of two places."""
    return made(shape, 2, 2)


def found(name: str, data: Data) -> float | None:
    """The optimum by one way."""
    return turn(WAYS[name], WAYS[name].take(data))[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_compiled_is_what_numpy_by_hand_makes(shape):
    """The compiled declaration gives the model that was written out by hand, in every shape."""
    data = small(shape)
    assert_equal(WAYS[COMPILED].build(WAYS[COMPILED].take(data)), by_hand(data))


@pytest.mark.parametrize("shape", ["shares", "fairness"])
def test_large_totals_have_columns(shape):
    """Totals that are large and often named have columns, in compiled as by hand; written out they buy as much."""
    data = made(shape, 1)
    assert len(data.places["COUNTED"]) > 0
    assert_equal(WAYS[COMPILED].build(WAYS[COMPILED].take(data)), by_hand(data))
    assert_same(WRITTEN, found(WRITTEN, data), found(BARE, data))


@pytest.mark.parametrize("name", ["tiny", "participatory-budget", "coventry-warwickshire"])
def test_scenarios_are_written_out_too(name):
    """The model of a real scenario, with several lines under a curve or yes/no lines, is the one written by hand."""
    data = of_scenario(al.read(SCENARIOS / name))
    assert_equal(WAYS[COMPILED].build(WAYS[COMPILED].take(data)), by_hand(data))


def test_a_difference_is_noticed():
    """Models that differ in a single number are not called equal."""
    data = small("shares")
    other = by_hand(data)
    other.value[7] += 1e-9
    with pytest.raises(AssertionError):
        assert_equal(other, by_hand(data))


@pytest.mark.parametrize(("name", "shape"), KNOWN)
def test_every_way_finds_the_same_optimum(name, shape):
    """Every way that is installed finds what bare highspy finds: an optimum, or that there is none."""
    data = small(shape)
    if reason := WAYS[name].why_not(data):
        pytest.skip(reason)
    best = found(BARE, data)
    assert_same(name, found(name, data), best)
    assert (best is None) == (shape == "clash")


def test_rules_bind():
    """The made-up rules are not idle: without them more is bought."""
    data = small("shares")
    sides = {"limit_low": data.figures["limit_low"] - np.inf, "limit_high": data.figures["limit_high"] + np.inf}
    free = replace(data, figures=data.figures | sides)
    assert found(BARE, free) > found(BARE, data) * (1 + 1e-7)


def test_pairs_ask_no_more_than_the_mean():
    """Every place near the system's mean is also near every other, so that pairs buy as much or more."""
    best = {shape: solved(handed_over(by_hand(made(shape, 1, 6)))) for shape in ("plain", "fairness", "pairs")}
    assert best["fairness"] <= best["pairs"] * (1 + RELATIVE) <= best["plain"] * (1 + 2 * RELATIVE)


def test_data_are_seeded():
    """The same size and shape has the same data, whenever it is asked for."""
    one, other = small("shares"), small("shares")
    assert all(np.array_equal(one.figures[name], other.figures[name]) for name in one.figures)


def test_a_wrong_optimum_is_noticed():
    """A way that finds another optimum, or one where there is none, is no result."""
    for value, best in ((1.0, 1.0 + 1e-6), (1.0, None), (None, 1.0)):
        with pytest.raises(AssertionError):
            assert_same("a way", value, best)


def test_rows_for_every_way_and_part():
    """The smallest model gives rows for every way and part, or says why a way is not gone."""
    rows = list(building(SMALLEST, [COMPILED, "cvxpy", "Pyomo, persistent"], 1))
    assert {row["way"] for row in rows} == {BARE, COMPILED, "cvxpy", "Pyomo, persistent"}
    for name in (BARE, COMPILED, "Pyomo, persistent"):
        assert [row["phase"] for row in rows if row["way"] == name] == list(PARTS)
    assert all(row["cpu_median"] >= 0 if row["runs"] else row["note"].startswith("skipped: ") for row in rows)
    assert all(set(row) == set(FIGURES) for row in rows)


def test_a_way_that_is_not_installed_is_skipped(monkeypatch):
    """A way whose package is missing is left out and says how to get it."""
    monkeypatch.setattr("benchmarks.ways.find_spec", lambda name: None)
    rows = [row for row in building(SMALLEST, ["linopy"], 1) if row["way"] == "linopy"]
    assert [row["note"] for row in rows] == [
        "skipped: not installed: linopy, xarray (pip install 'allocate[bench]')"
    ]  # fmt: skip


def test_a_way_that_is_slow_takes_fewer_turns(monkeypatch):
    """A way that is slow to HiGHS takes fewer turns, and is solved only to compare what it finds."""
    monkeypatch.setattr("benchmarks.building.SLOW", 0.0)
    rows = list(building(SMALLEST, [COMPILED], 3, slow=1))
    assert {row["runs"] for row in rows} == {1}
    assert {row["phase"] for row in rows} == set(PARTS[:3])


def test_a_clash_is_a_result(monkeypatch):
    """Where no way finds a solution, the rows say so."""
    monkeypatch.setitem(MODELS, "clash-2x2", Model("clash-2x2", lambda: small("clash")))
    assert {row["note"] for row in building("clash-2x2", [COMPILED], 1)} == {"no solution"}


def test_memory_is_told_of_a_process_of_its_own():
    """Peak memory is measured in another process, as far as the system tells."""
    rows = list(memory(SMALLEST, [BARE]))
    assert all(row["peak_mb"] > 10 and "more than with imports" in row["note"] for row in rows)
