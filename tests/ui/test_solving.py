"""Solves for visitors: answers are shared, a stop is one's own, and nobody waits for another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import allocate as al
from allocate.engine.watch import Watch
from allocate.errors import EngineError
from allocate.ui import solving
from allocate.ui.solving import Run, Runs, Shared
from tests.engine.test_watch import STRAIGHT, hard, until

LONG = 60.0
"""Seconds that a solve of a small scenario never takes."""


@pytest.fixture(autouse=True)
def _fresh(monkeypatch) -> None:
    """No answers from other tests."""
    monkeypatch.setattr(solving, "_answers", Shared())
    monkeypatch.setattr(solving, "_changed", Shared())


@pytest.fixture
def counted(monkeypatch) -> list[str]:
    """The fingerprints of what is solved, in order."""
    solved, real = [], solving.solve
    # A page of an earlier test may still be solving ahead.
    others = set(threading.enumerate()) - {threading.current_thread()}

    def solve(scenario: al.Scenario, **more) -> al.Plan:
        if threading.current_thread() not in others:
            solved.append(scenario.digest)
        return real(scenario, **more)

    monkeypatch.setattr(solving, "solve", solve)
    return solved


@pytest.fixture
def held(monkeypatch) -> Iterator[threading.Event]:
    """No solve ends before the event is set, or it is stopped."""
    go, real = threading.Event(), solving.solve

    def solve(scenario: al.Scenario, watch: Watch, **more) -> al.Plan:
        until(lambda: go.is_set() or watch.stopped)
        return real(scenario, **more)

    monkeypatch.setattr(solving, "solve", solve)
    yield go
    go.set()


def test_an_answer_is_shared_by_all_visitors(tiny, counted):
    """What one visitor has asked is there for the next, and for the small re-solves."""
    plan = Runs().ask(tiny, LONG)
    assert isinstance(plan, al.Plan)
    assert Runs().ask(tiny, 0.0) is plan
    assert solving.answer(tiny) is plan
    assert solving.known(tiny) is plan
    assert counted == [tiny.digest]


def test_the_answer_is_by_content_not_by_the_object(tiny, counted):
    """Two visitors who change the same thing, each for himself, share one answer."""
    one, other = (tiny.change({"envelopes.core.amount": 9.1e5}) for _ in range(2))
    assert solving.answer(one) is solving.answer(other)
    assert len(counted) == 1


def test_a_clash_is_an_answer_too(tiny, counted):
    """That there is no plan is remembered as well, and raised to whoever asks again."""
    none = tiny.change({"envelopes.core.amount": 7e5})
    found = Runs().ask(none, LONG)
    assert isinstance(found, al.NoPlan)
    assert found.__traceback__ is None
    assert found.__cause__ is None
    for _ in range(2):
        with pytest.raises(al.NoPlan):
            solving.answer(none)
    assert counted == [none.digest]


def test_our_own_failure_is_not_remembered(tiny, monkeypatch):
    """Where the solver failed it is asked again the next time."""
    real = solving.solve
    monkeypatch.setattr(solving, "solve", lambda *_, **__: (_ for _ in ()).throw(EngineError("failed")))
    assert isinstance(Runs().ask(tiny, LONG), EngineError)
    with pytest.raises(EngineError):
        solving.answer(tiny)
    monkeypatch.setattr(solving, "solve", real)
    assert isinstance(solving.answer(tiny), al.Plan)


def test_an_unforeseen_error_is_not_swallowed(tiny, monkeypatch):
    """A mistake of ours in the thread of a solve comes out where the answer is asked for, and leaves no run behind."""
    runs, real = Runs(), solving.solve
    monkeypatch.setattr(solving, "solve", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        runs.ask(tiny, LONG)
    monkeypatch.setattr(solving, "solve", real)
    assert isinstance(runs.ask(tiny, LONG), al.Plan)


def test_a_visitor_waits_no_longer_than_his_patience(tiny, held):
    """A solve that takes longer is handed back as a run; asked again it is the same one, until it has its answer."""
    runs = Runs()
    run = runs.ask(tiny, 0.0)
    assert isinstance(run, Run)
    assert runs.ask(tiny, 0.0) is run
    held.set()
    assert isinstance(run.done.result(LONG), al.Plan)
    assert isinstance(runs.ask(tiny, 0.0), al.Plan)


def test_a_second_visitor_is_not_blocked(tiny, held):
    """While one solve is held up another goes on beside it."""
    waiting = Runs().ask(tiny, 0.0)
    other = tiny.change({"envelopes.core.amount": 9.1e5})
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(Runs().ask, other, LONG)
        held.set()
        assert isinstance(second.result(LONG), al.Plan)
    assert isinstance(waiting.done.result(LONG), al.Plan)


def test_moving_on_stops_what_is_no_longer_wanted(tiny, held):
    """A visitor who asks for something else stops his own run for what he no longer wants, and no other."""
    mine, others = Runs(), Runs()
    run, other = mine.ask(tiny, 0.0), others.ask(tiny, 0.0)
    mine.only([tiny.change({"envelopes.core.amount": 9.1e5})])
    assert run.watch.stopped
    assert not other.watch.stopped
    others.only([tiny])
    assert not other.watch.stopped


def test_a_stopped_run_is_its_visitors_alone():
    """The best plan at a stop is for the visitor who stopped it; others get no such answer, and he keeps it until he
    stops something else."""
    scenario, mine = hard(STRAIGHT), Runs()
    run = mine.ask(scenario, 0.0)
    until(lambda: run.watch.value == run.watch.value)
    run.watch.stop()
    plan = run.done.result(LONG)
    assert mine.ask(scenario, LONG) is plan
    assert mine.ask(scenario, 0.0) is plan
    assert solving.known(scenario) is None
    others = Runs()
    again = others.ask(scenario, 0.0)
    assert isinstance(again, Run)
    others.only([])
    assert again.watch.stopped
    again.done.exception(LONG)


def test_a_clash_whose_search_was_stopped_is_its_visitors_alone(tiny, monkeypatch):
    """What was known of a clash at a stop is for the visitor who stopped it, and is not looked for again."""

    def solve(scenario: al.Scenario, watch: Watch, **_) -> al.Plan:
        until(lambda: watch.stopped)
        raise al.NoPlan("No plan keeps every rule.", [])

    monkeypatch.setattr(solving, "solve", solve)
    mine = Runs()
    run = mine.ask(tiny, 0.0)
    assert isinstance(run, Run)
    run.watch.stop()
    found = run.done.result(LONG)
    assert mine.ask(tiny, LONG) is found
    assert mine.ask(tiny, 0.0) is found
    assert solving.known(tiny) is None


def test_a_change_is_made_once(tiny):
    """The same changes of the same scenario are one object; none at all is the scenario itself; order counts, since
    later changes are laid over earlier ones."""
    changes = {"envelopes.core.amount": 9.1e5, "rules.steady-care.up": 0.4}
    assert solving.change(tiny, changes) is solving.change(tiny, dict(changes))
    assert solving.change(tiny, {}) is tiny
    turned = dict(reversed(changes.items()))
    assert solving.change(tiny, turned) is not solving.change(tiny, changes)


def test_a_change_that_is_refused_is_refused_again(tiny):
    """A change that cannot be made raises the same problems each time it is asked for."""
    said = []
    for _ in range(2):
        with pytest.raises(al.ScenarioError) as error:
            solving.change(tiny, {"envelopes.core.amount": -1.0})
        said.append([str(each) for each in error.value.problems])
    assert said[0] == said[1] != []


def test_what_is_kept_is_bounded():
    """The oldest that nobody asks for goes first."""
    kept: Shared[int] = Shared(2)
    for number in range(2):
        kept.put(number, number)
    assert kept.get(0) == 0
    kept.put(2, 2)
    assert (kept.get(0), kept.get(1), kept.get(2)) == (0, None, 2)
    assert kept.made(3, lambda: 3) == 3


def test_many_threads_get_the_same_answers(tiny):
    """Eight visitors who ask for four plans at once each get the plan of what he asked for."""
    amounts = [9.0e5 + 5e3 * (number % 4) for number in range(16)]

    def asked(amount: float) -> float:
        plan = Runs().ask(solving.change(tiny, {"envelopes.core.amount": amount}), LONG)
        assert isinstance(plan, al.Plan)
        return float(plan.money.loc[plan.money["envelope"] == "core", "amount"].sum())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(asked, amounts)) == amounts
