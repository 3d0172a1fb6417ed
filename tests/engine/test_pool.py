"""The pool: sessions by the structure of their models, and no more of them than it should keep."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import allocate as al
from allocate.engine import pool as module
from allocate.engine.pool import POOL, Pool
from allocate.engine.problem import Problem
from allocate.engine.session import Session
from tests.engine.systems import systems

NONE: frozenset[int] = frozenset()


def problem(count: int = 1, **changes) -> Problem:
    return Problem.of(systems(count).change(changes))


def idle(pool: Pool) -> list[Session]:
    return list(pool._idle.values())


def test_what_is_given_back_is_lent_again():
    """A session given back is lent for any figures of the same structure, of any scenario; and to one at a time."""
    pool = Pool()
    first = pool.borrow(problem(), NONE)
    assert pool.borrow(problem(), NONE) is not first
    pool.give_back(first)
    assert pool.borrow(problem(**{"envelopes.s00": 3_300_000}), NONE) is first
    assert idle(pool) == []


def test_other_structures_get_other_sessions():
    """Other sets, other limits, other choices and other curves to fill in order have sessions of their own."""
    pool = Pool()
    plain = problem()
    pool.give_back(pool.borrow(plain, NONE))
    others = [
        (problem(2), NONE), (plain, frozenset({1})), (problem(**{"rules.floor-s00.in_force": False}), NONE),
        (problem(**{"lines.*.*.halls.*.*.scale": 800_000}), NONE), (replace(plain, slices=24), NONE),
    ]  # fmt: skip
    for other, ordered in others:
        assert pool.borrow(other, ordered) not in [None, *idle(pool)]
        assert len(idle(pool)) == 1


def test_those_idle_longest_are_forgotten(monkeypatch):
    """Beyond KEPT sessions, or COLUMNS in all, the ones given back first go."""
    pool = Pool()
    sessions = [pool.borrow(problem(count), NONE) for count in (1, 2, 3, 4)]
    monkeypatch.setattr(module, "KEPT", 3)
    for session in sessions:
        pool.give_back(session)
    assert idle(pool) == sessions[1:]
    monkeypatch.setattr(module, "COLUMNS", sessions[0].columns + sessions[3].columns)
    pool.give_back(sessions[0])
    assert idle(pool) == [sessions[3], sessions[0]]


def test_one_too_large_drives_out_no_other(monkeypatch):
    """A session with more columns than may be kept in all is not kept, and those that are stay."""
    pool = Pool()
    small, large = (pool.borrow(problem(count), NONE) for count in (1, 4))
    monkeypatch.setattr(module, "COLUMNS", large.columns - 1)
    pool.give_back(small)
    pool.give_back(large)
    assert idle(pool) == [small]


def test_a_session_counts_the_columns_of_its_measured_one():
    """What measures the distance from today is a model of its own, and counts."""
    session = Pool().borrow(problem(), NONE)
    alone = session.columns
    measured = session.distance(problem(), problem().grids)
    assert session.columns == alone + measured.columns > alone


def test_models_are_compiled_once(monkeypatch):
    """A second session of a structure is made from the compiled model of the first, until KEPT others came."""
    pool, made = Pool(), []
    compiled = module.compiled
    monkeypatch.setattr(module, "compiled", lambda sets: made.append(sets) or compiled(sets))
    monkeypatch.setattr(module, "KEPT", 2)
    one, other = pool.borrow(problem(), NONE), pool.borrow(problem(), NONE)
    assert one.matrix is other.matrix
    assert len(made) == 1
    for count in (2, 3):
        pool.borrow(problem(count), NONE)
    pool.borrow(problem(), NONE)
    assert len(made) == 4


def test_clear_forgets():
    """After clear neither sessions nor models are known, and what is lent can still be given back."""
    pool = Pool()
    lent, kept = pool.borrow(problem(), NONE), pool.borrow(problem(), NONE)
    pool.give_back(kept)
    pool.clear()
    fresh = pool.borrow(problem(), NONE)
    assert fresh not in (lent, kept)
    assert fresh.matrix is not lent.matrix
    pool.give_back(lent)
    assert idle(pool) == [lent]


def test_threads_never_share_a_session():
    """Four threads that borrow and give back in a hurry never hold the same session at once."""
    pool, held, asked = Pool(), set(), problem()
    pool.give_back(pool.borrow(asked, NONE))

    def turn(_: int) -> bool:
        session = pool.borrow(asked, NONE)
        alone = id(session) not in held
        held.add(id(session))
        held.discard(id(session))
        pool.give_back(session)
        return alone

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(turn, range(200)))
    assert 1 <= len(idle(pool)) <= 4


@pytest.mark.parametrize("changes", [{"rules.floor-s00.amount": 3_400_000}, {}], ids=["clash", "plan"])
def test_a_solve_gives_back_what_it_borrows(changes):
    """Whether it ends in a plan or in a clash, a solve leaves its session with the pool."""
    POOL.clear()
    try:
        al.solve(systems(1).change(changes))
    except al.NoPlan:
        assert changes
    assert len(idle(POOL)) > 0
