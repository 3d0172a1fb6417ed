"""What-ifs and batches that are measured: every way gives the same answers. Nothing here depends on how fast."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.batch import SWITCHED, batch, resolved, varied
from benchmarks.building import SMALLEST
from benchmarks.made import made
from benchmarks.registry import MODELS, Model
from benchmarks.whatif import KINDS, LIVE, PURE, PYOMO, Change, moved, steps, whatif


@pytest.mark.parametrize("case", [SMALLEST, "coventry-warwickshire model"])
def test_live_gives_what_pure_highs_gives(case):
    """Every kind of figure is moved; live and pure HiGHS give the same values to the bit, Pyomo the same optimum."""
    rows = list(whatif(case, 1, 1))
    for kind in (*KINDS, "all kinds"):
        assert [row["way"] for row in rows if row["phase"] == f"what-if: {kind}"] == [LIVE, PURE, PYOMO]
    assert all(row["runs"] > 0 for row in rows)


def test_a_kind_that_is_not_there_is_skipped(monkeypatch):
    """Where a model has no rules, no rule is moved, and Pyomo is left out where it is given no steps."""
    monkeypatch.setitem(MODELS, "plain-1x1", Model("plain-1x1", lambda: made("plain", 1, 1)))
    rows = {(row["phase"], row["way"]): row for row in whatif("plain-1x1", 1, 0)}
    assert rows["what-if: floor", LIVE]["note"] == "skipped: the model has no such figure"
    assert rows["what-if: need", LIVE]["runs"] == 1
    assert not any(way == PYOMO and row["runs"] for (_, way), row in rows.items())


@pytest.mark.parametrize("kind", KINDS)
def test_a_lever_moves_what_it_says(kind):
    """A lever moves the figures of its own kind alone, and every step has a plan."""
    data = MODELS[SMALLEST].data()
    names = {
        "envelope": {"amount"}, "floor": {"limit_low"}, "share": {"term"}, "weight": {"weight"}, "need": {"slope"},
        "curve": {"slope", "width"}, "switch": {"limit_low", "limit_high"},
    }  # fmt: skip
    assert set(moved(data, kind, np.random.default_rng(1))) == names[kind]
    first, second = steps(data, kind, 2)
    assert any((first[name] != second[name]).any() for name in first)


def test_a_coefficient_that_goes_is_a_whole_model():
    """Where a coefficient comes or goes, a whole model is passed, without the ones that are 0."""
    from allocate.compiler import Compiled
    from allocate.engine.live import Live
    from allocate.engine.model import DECLARATION

    data = MODELS[SMALLEST].data()
    live = Live(Compiled.of(DECLARATION, data.members), data.figures)
    live.solve()
    gone = live.change({"term": np.zeros_like(data.figures["term"])})
    change = Change.of(live.model.arrays(data.figures), gone, live._reference)
    assert change.whole is not None
    assert (change.whole.value != 0).all()
    assert change.whole.compact() is change.whole


def test_a_batch_by_every_way():
    """Variations have one answer each: live in two orders, rebuilt in Pyomo, and as certified plans."""
    rows = list(batch(2, 1))
    assert [row["way"] for row in rows] == ["live", "Pyomo, rebuilt", "allocate.solve"]
    assert [row["runs"] for row in rows] == [2, 1, 2]
    assert "scaled from 1" in rows[1]["note"]


def test_a_rule_that_is_off_has_no_sides(system):
    """A variation in which the switched rule is off leaves its limits open, and keeps them where it is on."""
    path = f"rules.{SWITCHED}.in_force"
    off, on = (varied(system.scenario, {path: value}) for value in (False, True))
    gone = np.isinf(off["limit_low"]) & ~np.isinf(on["limit_low"])
    assert gone.any()
    assert np.isposinf(off["limit_high"][gone]).all()


def test_memory_of_many_solves():
    """Solving again and again is counted, with what memory it took."""
    (row,) = resolved(10)
    assert row["runs"] == 10
    assert "MB" in row["note"] or "not told" in row["note"]
