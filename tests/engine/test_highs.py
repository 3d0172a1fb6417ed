"""HiGHS held live: what reaches it is finite, what changes is what differs, what it says is checked."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace

import numpy as np
import pytest

import allocate as al
from allocate.compiler import Arrays
from allocate.engine.highs import CACHED, Impossible, Solver
from allocate.engine.model import figures
from allocate.engine.problem import Problem
from allocate.engine.session import Session
from allocate.engine.watch import Watch
from tests.engine.making import make


@pytest.fixture
def session(tiny) -> Session:
    problem = Problem.of(tiny)
    return Session(problem, problem.grids, frozenset())


@pytest.mark.parametrize("field", ["cost", "lower", "upper", "row_lower", "row_upper", "value"])
def test_nothing_that_is_not_a_number_reaches_the_solver(session, field):
    """A NaN anywhere is refused before HiGHS, which would call the model optimal."""
    arrays = session.solver.arrays
    spoilt = getattr(arrays, field).copy()
    spoilt[0] = np.nan
    with pytest.raises(al.EngineError, match="not finite"):
        Solver(replace(arrays, **{field: spoilt}))
    with pytest.raises(al.EngineError, match="not finite"):
        session.solver.update(replace(arrays, **{field: spoilt}))


def test_coefficients_too_far_apart_are_refused(session):
    """A coefficient that HiGHS would silently drop is refused instead."""
    value = session.solver.arrays.value.copy()
    value[0] = 1e-10
    with pytest.raises(al.EngineError, match="too far apart"):
        Solver(replace(session.solver.arrays, value=value))


@pytest.mark.parametrize(("value", "said"), [(np.nan, "not finite"), (np.inf, "not finite"), (1e-10, "too far apart")])
@pytest.mark.parametrize("at", [0, CACHED, -1])
def test_a_long_array_is_looked_at_from_end_to_end(value, said, at):
    """Where an array is checked in stretches, a figure that may not pass is found in any of them."""
    many = 2 * CACHED + 1
    values, none = np.ones(many), np.zeros(many)
    values[at] = value
    entries = np.zeros(many, dtype=int), np.arange(many), values
    with pytest.raises(al.EngineError, match=said):
        Solver(Arrays.of(none, none, none + 1, np.zeros(1), np.ones(1), entries))
    with pytest.raises(al.EngineError, match="not finite"):
        Solver(Arrays.of(values * np.nan, none, none + 1, np.zeros(1), np.ones(1), (*entries[:2], none + 1)))


def test_coefficients_of_nothing_are_no_reason_to_refuse():
    """A 0 is left out, however long the array that it is in; so is a model of nothing else taken."""
    many = CACHED + 1
    none, entries = np.zeros(many), (np.zeros(many, dtype=int), np.arange(many))
    for values in (np.where(np.arange(many) % 2, 0.0, 2.0), none):
        solver = Solver(Arrays.of(none + 1, none, none + 1, np.full(1, -np.inf), np.ones(1), (*entries, values)))
        assert solver.run(60.0).value == pytest.approx(many - values.any() * (many // 2 + 0.5))


def test_updating_a_live_model_equals_loading_it_anew(session, tiny):
    """After a change of every kind of figure the live model gives the same answer as a fresh one."""
    changes = {"envelopes.core": 870_000, "rules.prevention-north.amount": 55_000, "curves.*.care.*.*.slope": 0.0015,
               "outcomes.health": 2, "lines.trust.north.care.high": 390_000}  # fmt: skip
    problem = Problem.of(tiny.change(changes))
    arrays = session.matrix.arrays(figures(problem, problem.grids))
    session.solver.run(10)
    session.solver.update(arrays)
    fresh = Solver(arrays).run(10)
    live = session.solver.run(10)
    assert live.value == pytest.approx(fresh.value, rel=1e-12)
    for family in ("paid", "slice", "moved"):
        columns = session.matrix.columns[family]
        np.testing.assert_allclose(live.columns[columns], fresh.columns[columns], rtol=1e-9, atol=1e-6)


def test_an_impossible_model_is_said_to_be(session):
    """Rows that cannot hold raise Impossible, not an answer."""
    arrays = session.solver.arrays
    row_lower, row_upper = arrays.row_lower.copy(), arrays.row_upper.copy()
    money = session.matrix.rows["money"]
    row_lower[money] = row_upper[money] = -1.0
    with pytest.raises(Impossible):
        Solver(replace(arrays, row_lower=row_lower, row_upper=row_upper)).run(10)


@pytest.mark.parametrize("money", [5e4, 9e5, 6e9, 2e11, 9e12])
def test_no_bound_exceeds_a_million_units_whatever_the_money(tiny, money):
    """Pounds never reach the solver: the unit grows with the money."""
    factor = money / 900_000
    changes = {"envelopes.*.amount": money, "lines.*.baseline": money / 2, "rules.prevention-north.amount": money / 100}
    changes |= {"curves.*.*.reference": max(1.0, 100_000 * factor)}
    problem = Problem.of(tiny.change(changes))
    arrays = Session(problem, problem.grids, frozenset()).solver.arrays
    for bounds in (arrays.lower, arrays.upper, arrays.row_lower, arrays.row_upper):
        assert np.abs(bounds[np.isfinite(bounds)]).max() <= 1e6


def test_a_search_that_does_not_end_at_once_is_begun_again(monkeypatch):
    """The answer over integers is the same whether its search ends before anybody listens, is cut short and begun
    again, or is listened to from the first; and a limit shorter than all that is kept."""
    rng = np.random.default_rng(3)
    count, rows = 16, 3
    sizes, none = rng.integers(10, 99, (rows, count)).astype(float), np.zeros(count)
    row, column = np.indices(sizes.shape).reshape(2, -1)
    most = sizes.sum(axis=1) / 3
    arrays = Arrays.of(
        sizes.sum(axis=0) + rng.uniform(0, 9, count), none, none + 1, np.full(rows, -np.inf), most,
        (row, column, sizes.ravel()), none == 0,
    )  # fmt: skip
    found = []
    for few, at_once in ((1_000, 60.0), (1_000, 0.0), (0, 0.0)):
        monkeypatch.setattr("allocate.engine.highs.FEW_WHOLE", few)
        monkeypatch.setattr("allocate.engine.highs.AT_ONCE", at_once)
        found.append(Solver(arrays, once=True).run(60, True, Watch()))
    assert [answer.status for answer in found] == ["optimal"] * 3
    assert found[0].value == found[1].value == found[2].value
    for answer in found:
        np.testing.assert_array_equal(answer.columns, found[0].columns)
    with pytest.raises(al.EngineError):
        Solver(arrays, once=True).run(0.0, True, Watch())


def test_ctrl_c_stops_a_search_over_choices():
    """An interrupt during a long search over yes/no choices ends it, instead of waiting for the time limit."""
    rng = np.random.default_rng(1)
    costs = rng.integers(100_000, 999_999, 60).astype(float)
    lines = [{"place": f"p{k:02d}", "programme": "hall", "high": c, "scale": c} for k, c in enumerate(costs)]
    slopes = 1 + rng.uniform(0, 1e-6, len(lines))
    curves = [
        {"place": line["place"], "programme": "hall", "shape": "linear", "slope": float(slope)}
        for line, slope in zip(lines, slopes, strict=True)
    ]
    rules = {
        f"r{k}": {
            "kind": "cap",
            "where": {"places": [line["place"] for line in lines if rng.random() < 0.5]},
            "amount": float(round(costs.sum() / 4)),
        }
        for k in range(15)
    }
    scenario = make(lines, curves, float(round(costs.sum() / 2.1)), rules)
    alarm = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    alarm.start()
    with pytest.raises(KeyboardInterrupt):
        al.solve(scenario, seconds=300)
