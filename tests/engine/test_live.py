"""A live model: changes touch what differs and nothing else, and the path of changes leaves no trace."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.compiler import CompileError
from allocate.engine.highs import DUAL, PRIMAL, Impossible, Solver
from allocate.engine.live import Live, Reference
from allocate.engine.model import Figures, figures
from allocate.engine.problem import Problem
from allocate.engine.session import Session
from allocate.engine.watch import Stopped, Watch
from tests.conftest import SCENARIOS
from tests.engine.systems import systems

CHANGES = (
    {},
    {"envelopes.*.amount": "x1.03"},
    {"envelopes.*.amount": "x0.985"},
    {"outcomes.*.weight": "x2.5"},
    {"curves.*.slope": "x1.2"},
    {"curves.*.slope": "x0.9", "lines.*.baseline": "x1.005"},
    {"lines.*.baseline": "x0.99"},
    {"rules.*.amount": "x0.97"},
)
"""What-ifs that leave the sets of a model as they are."""


@cache
def scenario(name: str) -> al.Scenario:
    """A scenario without integers: a real one, or one made up."""
    return al.read(SCENARIOS / name) if name != "made" else systems(3, seed=5)


@cache
def session(name: str) -> Session:
    """A session whose model tests make live again; its own is left alone."""
    problem = Problem.of(scenario(name))
    return Session(problem, problem.grids)


@cache
def asked(name: str, number: int) -> Figures:
    """The figures of one of the changes."""
    problem = Problem.of(scenario(name).change(CHANGES[number]))
    return figures(problem, problem.grids)


def solved(live: Live) -> bytes:
    """The columns to the last bit; none where there is no solution."""
    try:
        return live.solve().columns.tobytes()
    except Impossible:
        return b""


@cache
def alone(name: str, number: int) -> bytes:
    """The columns where this change is the only one."""
    live = Live(session(name).matrix, asked(name, 0))
    live.change(asked(name, number))
    return solved(live)


NAMES = ("coventry-warwickshire", "tiny", "made")
paths = st.lists(st.integers(0, len(CHANGES) - 1), min_size=1, max_size=6)


@pytest.mark.parametrize("name", NAMES)
@given(path=paths)
@settings(max_examples=12)
def test_answers_do_not_depend_on_the_path(name, path):
    """After any changes in any order, the columns are bit for bit those of the change solved alone."""
    live = Live(session(name).matrix, asked(name, 0))
    for number in path:
        live.change(asked(name, number))
        assert solved(live) == alone(name, number)


def test_most_of_the_changes_have_answers():
    """What the paths above are compared by is mostly plans, and they differ."""
    for name in NAMES:
        answers = [alone(name, number) for number in range(len(CHANGES))]
        assert len({*answers} - {b""}) >= 3
        assert answers.count(b"") <= 3


@pytest.mark.parametrize("name", NAMES)
@given(path=paths)
@settings(max_examples=12)
def test_a_change_gives_the_arrays_that_would_be_made_afresh(name, path):
    """Changed step by step, the arrays are equal to those made of the last figures alone."""
    model = session(name).matrix
    live = Live(model, asked(name, 0))
    for number in path:
        changed, afresh = live.change(asked(name, number)), model.arrays(asked(name, number))
        for field in fields(afresh):
            np.testing.assert_array_equal(getattr(changed, field.name), getattr(afresh, field.name))


def test_a_change_touches_only_what_differs(monkeypatch):
    """Where the weights alone change nothing but costs are passed on, and where nothing changes nothing is."""
    live, seen = Live(session("made").matrix, asked("made", 0)), []
    update = Solver.update
    monkeypatch.setattr(Solver, "update", lambda self, arrays, touched: seen.append(touched) or update(
        self, arrays, touched))  # fmt: skip
    before = live.arrays
    assert live.change(asked("made", 0)) is before
    assert seen == []
    weight = asked("made", 0)["weight"] * np.where(np.arange(len(asked("made", 0)["weight"])) == 3, 2.0, 1.0)
    after = live.change({"weight": weight})
    assert [len(part) for part in (seen[0].columns, seen[0].rows, seen[0].entries)] == [0, 0, 0]
    assert np.array_equal(seen[0].costs, np.flatnonzero(before.cost != after.cost))
    assert len(seen[0].costs) == 12
    assert all(getattr(after, name) is getattr(before, name) for name in ("lower", "upper", "row_upper", "value"))


@pytest.mark.parametrize(
    "wrong", [{"wieght": np.ones(3)}, {"weight": np.ones(3)}, {"baseline": np.ones(1)}, {"amount": np.array([])}],
    ids=str,
)  # fmt: skip
def test_figures_that_are_not_the_models_are_refused(wrong):
    """Figures of another name or size, of Params that the model reads or not, raise CompileError by name, and the live
    model stays as it was."""
    live = Live(session("made").matrix, asked("made", 0))
    before, first = live.arrays, live.solve().columns.tobytes()
    good = {"weight": asked("made", 3)["weight"]}
    with pytest.raises(CompileError, match=next(iter(wrong))):
        live.change(good | wrong)
    assert live.arrays is before
    assert live.figures.keys() == asked("made", 0).keys()
    assert live.solve().columns.tobytes() == first


@pytest.mark.parametrize(
    ("changes", "simplex"),
    [
        ({}, PRIMAL), ({"outcomes.*.weight": "x2.5"}, PRIMAL), ({"envelopes.s01": 3_500_000}, DUAL),
        ({"rules.floor-s00.amount": 1_100_000}, DUAL), ({"rules.steady-s00.down": 0.3}, DUAL),
    ],
)  # fmt: skip
def test_the_primal_method_goes_on_where_costs_alone_differ(changes, simplex, monkeypatch):
    """The basis of the first figures is still a plan where only costs differ; for any other change the dual goes on."""
    live, used = Live(session("made").matrix, asked("made", 0)), []
    problem = Problem.of(scenario("made").change(changes))
    live.change(figures(problem, problem.grids))
    run = Solver.run
    monkeypatch.setattr(Solver, "run", lambda *args, **more: used.append(more.get("simplex", DUAL)) or run(
        *args, **more))  # fmt: skip
    live.solve()
    # From nothing for the reference, then from there.
    assert used == [DUAL, simplex]


def test_the_reference_is_where_the_first_figures_end():
    """Changed before it is ever solved, a live model begins at the basis of its first figures all the same."""
    first, live = (Live(session("made").matrix, asked("made", 0)) for _ in range(2))
    first.solve()
    live.change(asked("made", 2))
    live.solve()
    assert isinstance(live._reference, Reference)
    assert live._reference.basis.col_status == first._reference.basis.col_status
    assert live._reference.basis.row_status == first._reference.basis.row_status
    assert live._reference.arrays.row_upper.tobytes() == first.arrays.row_upper.tobytes()


def too_little(name: str) -> Figures:
    """Figures that nothing can keep: no money, and limits as they were."""
    return {"amount": asked(name, 0)["amount"] * 0.01}


def test_what_is_impossible_in_between_spoils_nothing():
    """An Impossible before the first answer or between two leaves later answers as they are alone."""
    live = Live(session("made").matrix, asked("made", 0))
    for number in (1, 4):
        live.change(too_little("made"))
        with pytest.raises(Impossible):
            live.solve()
        live.change(asked("made", number))
        assert live.solve().columns.tobytes() == alone("made", number)


def test_first_figures_that_are_impossible_leave_answers_without_a_path():
    """Where the first figures have no solution every solve begins from nothing, whatever came before it."""
    impossible = asked("made", 0) | too_little("made")
    both = []
    for path in ((1, 2, 4), (4, 2, 1)):
        live, found = Live(session("made").matrix, impossible), {}
        with pytest.raises(Impossible):
            live.solve()
        for number in path:
            live.change(asked("made", number))
            found[number] = live.solve().columns.tobytes()
        both.append(found)
    assert both[0] == both[1]


def test_a_stop_before_the_reference_is_known_spoils_nothing():
    """Stopped, a live model has no answer; asked again without a stop, it has the one it always has."""
    live, watch = Live(session("made").matrix, asked("made", 0)), Watch()
    live.change(asked("made", 1))
    watch.stop()
    with pytest.raises(Stopped):
        live.solve(watch=watch)
    assert live.solve().columns.tobytes() == alone("made", 1)


def test_whole_columns_leave_no_trace_either(monkeypatch):
    """With yes/no choices too, the columns are bit for bit those of the change solved alone: HiGHS is given the model
    anew each time, for its search is not the same twice on one that was changed."""
    loads, load = [], Solver.load
    monkeypatch.setattr(Solver, "load", lambda self, arrays: loads.append(arrays) or load(self, arrays))
    made = systems(2, seed=3, scale=900_000.0)
    problem = Problem.of(made)
    model = Session(problem, problem.grids).matrix
    each = [Problem.of(made.change(changes)) for changes in CHANGES[:5]]
    told = [figures(problem, problem.grids) for problem in each]
    found: dict[int, set[bytes]] = {}
    for path in ((0, 1, 2, 3, 4), (4, 2, 0, 3, 1), (3,), (1,)):
        live = Live(model, told[0])
        for number in path:
            live.change(told[number])
            loads.clear()
            found.setdefault(number, set()).add(live.solve().columns.tobytes())
            assert loads == [live.arrays]
    assert [len(found[number]) for number in range(5)] == [1] * 5
