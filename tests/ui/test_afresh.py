"""Yes/no choices made afresh: the plan with the choices as they were is looked at meanwhile, and is nobody's answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

import allocate as al
from allocate.engine.watch import Stopped, Watch
from allocate.ui import afresh, solving, state
from allocate.ui.solving import Run, Runs, Shared
from tests.conftest import SCENARIOS
from tests.engine.making import make
from tests.engine.test_watch import until
from tests.ui.apping import PATIENCE, draft, explorer, said, settle, verdict, visit

POT = "envelopes.ballot.amount"
MORE = {POT: 1.1e6}
"""What the choices of the plan as agreed are kept under, though better ones buy more."""
MOVES = "Playground in West and Street trees in West, out goes Community kitchen in Centre."
TOLD = f"Choosing afresh buys 310 more supporters: in come {MOVES}"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch) -> None:
    """No answers from other tests."""
    monkeypatch.setattr(solving, "_answers", Shared())
    monkeypatch.setattr(solving, "_changed", Shared())


@pytest.fixture(scope="module")
def agreed() -> al.Plan:
    """The ballot's plan as agreed."""
    return al.solve(al.read(SCENARIOS / "participatory-budget"))


@pytest.fixture
def searching(monkeypatch) -> Iterator[threading.Event]:
    """No search under a changed scenario ends before the event is set, or it is stopped with nothing found; solves that
    keep choices go on."""
    found, over, real = threading.Event(), threading.Event(), solving.solve

    def solve(scenario: al.Scenario, watch: Watch, choices: al.Plan | None = None) -> al.Plan:
        if choices is None and scenario.changes:
            until(lambda: found.is_set() or watch.stopped or over.is_set(), PATIENCE)
            if watch.stopped or over.is_set():
                raise Stopped
        return real(scenario, watch=watch, choices=choices)

    monkeypatch.setattr(solving, "solve", solve)
    yield found
    over.set()


def begun(runs: Runs, scenario: al.Scenario, like: al.Plan) -> Run:
    """The run that looks for better choices than a plan's."""
    run = runs.ask(scenario, PATIENCE, like)
    assert isinstance(run, Run)
    return run


# --- the solves ------------------------------------------------------------------------------------------------------


def test_the_choices_as_they_were_are_there_before_the_answer(agreed, searching):
    """Until the search is over its run holds a plan with the earlier choices; then the answer is there, and that plan
    beside it until the visitor asks for something else."""
    runs, wanted = Runs(), agreed.scenario.change(MORE)
    run = begun(runs, wanted, agreed)
    held = run.held
    assert held is not None
    assert solving.taken(held) == solving.taken(agreed)
    assert held.certificate.breaches == ()
    assert runs.ask(wanted, 0.0, agreed) is run
    searching.set()
    run.done.result(PATIENCE)
    plan = runs.ask(wanted, 0.0, agreed)
    assert isinstance(plan, al.Plan)
    assert held.value < plan.value <= held.certificate.bound
    assert runs.held(wanted) is held
    runs.only([agreed.scenario])
    assert runs.held(wanted) is None


def test_what_keeps_choices_is_nobodys_answer(agreed, searching):
    """A plan with the choices as they were is known to nobody else, and explains nothing."""
    wanted = agreed.scenario.change(MORE)
    run = begun(Runs(), wanted, agreed)
    assert run.held is not None
    assert solving.known(wanted) is None
    searching.set()
    assert solving.answer(wanted) is not run.held
    assert isinstance(run.done.result(PATIENCE), al.Plan)
    assert solving.known(wanted).value > run.held.value


def test_choices_that_cannot_be_kept_are_not_searched_twice(agreed, searching):
    """With too little money for the choices as they were nothing is held, and only the run itself searches."""
    run = Runs().ask(agreed.scenario.change({POT: 8e5}), 0.5, agreed)
    assert isinstance(run, Run)
    assert run.aside is not None
    assert isinstance(run.aside.done.result(PATIENCE), Stopped)
    assert run.held is None


def test_an_answer_that_is_there_at_once_is_all(agreed):
    """Where the answer was known nothing is solved beside it."""
    runs, wanted = Runs(), agreed.scenario.change(MORE)
    plan = solving.answer(wanted)
    assert runs.ask(wanted, PATIENCE, agreed) is plan
    assert runs.held(wanted) is None


def test_moving_on_ends_both(agreed, searching):
    """Who asks for something else stops the search and whatever is solved beside it."""
    runs = Runs()
    run = begun(runs, agreed.scenario.change(MORE), agreed)
    runs.only([agreed.scenario])
    assert run.watch.stopped
    assert run.aside is not None
    assert run.aside.watch.stopped


def test_a_stop_with_nothing_better_keeps_the_choices_as_they_were(agreed, searching):
    """Stopped before anything better was found, the run stays the answer for who can look at it, until he has it look
    again; who cannot is told why there is no plan."""
    runs, wanted = Runs(), agreed.scenario.change(MORE)
    run = begun(runs, wanted, agreed)
    run.watch.stop()
    run.done.result(PATIENCE)
    assert run.in_vain
    assert runs.ask(wanted, 0.0, agreed) is run
    assert runs.ask(wanted, 0.0, agreed) is run
    runs.forget(wanted)
    again = begun(runs, wanted, agreed)
    assert again is not run
    again.watch.stop()
    again.done.result(PATIENCE)
    assert isinstance(runs.ask(wanted, PATIENCE), Stopped)


# --- what is said ----------------------------------------------------------------------------------------------------


def test_the_difference_is_said_in_one_sentence(agreed):
    """What comes in and goes out, and what that buys; that nothing changes; or that none better was found in time."""
    wanted = agreed.scenario.change(MORE)
    held, plan = al.solve(wanted, choices=agreed), al.solve(wanted)
    assert afresh.difference(held, plan) == TOLD
    assert afresh.difference(plan, plan) == (
        "Choosing afresh changes nothing: no other choices were found to buy more."
    )
    assert afresh.difference(plan, held) == (
        "The choices as they were buy 310 more supporters than the best found in the time: "
        "in comes Community kitchen in Centre, out go Playground in West and Street trees in West."
    )


def test_lines_of_one_name_are_told_apart():
    """Where two partners spend on the same, and one stops while the other begins, both are named."""
    halls = [{"place": "north", "programme": "hall", "partner": name, "high": 60.0, "scale": 60.0} for name in "ab"]
    scenario = make(halls, [{"place": "north", "programme": "hall", "shape": "linear", "slope": 1.0}], 100.0)
    rule = {"kind": "floor", "owner": "body", "amount": 60.0}
    one, other = (al.solve(scenario.change({"rules.one": rule | {"where": {"partners": [name]}}})) for name in "ab")
    assert afresh.difference(one, other) == (
        "Choosing afresh buys as much, nearer to today: in comes Hall, North (B), out goes Hall, North (A)."
    )


def test_progress_says_what_better_choices_could_buy(agreed, searching):
    """Beside the choices as they were stands how much is still to be had, and how much of it was found."""
    run = begun(Runs(), agreed.scenario.change(MORE), agreed)
    assert run.held is not None
    run.began -= 3
    most = run.held.certificate.bound - run.held.value
    assert afresh.progress_said(run).startswith("Looking for better ones: at most ")
    run.watch.tell(run.held.value + 120.0, run.held.value + 310.0)
    assert most > 310
    assert (
        afresh.progress_said(run)
        == "Looking for better ones: at most 310 more supporters, 120 found; 3 seconds so far."
    )


# --- the pages -------------------------------------------------------------------------------------------------------


def moved() -> AppTest:
    """A visitor of the ballot who has just moved a lever, while the search for better choices is under way."""
    app = visit("plan", scenario="participatory-budget")
    app.slider(key=f"side:{POT}").set_value(1.1)
    app.run()
    assert not app.exception, [each.value for each in app.exception]
    return app


def runs_of(app: AppTest) -> Runs:
    return app.session_state[state.RUNS]


@pytest.mark.usefixtures("explorer")
def test_the_page_shows_the_choices_as_they_were_and_then_says_the_difference(searching):
    """Right after a move the page has a plan, plainly labelled, and looks for better choices; once these are found it
    has the full plan and one sentence on what that changed, until the next move."""
    app = moved()
    assert draft(app).changes == MORE
    told = said(app)
    assert afresh.AS_THEY_WERE in told
    assert "Looking for better ones" in told
    assert verdict(app).startswith("Every rule is met.")
    assert "3,525 supporters" in verdict(app)
    assert app.button(key="stop-solve").label == "Stop, and keep the best so far"
    searching.set()
    settle(app)
    assert TOLD in said(app)
    assert "3,835 supporters" in verdict(app)
    assert afresh.AS_THEY_WERE not in said(app)
    app.slider(key=f"side:{POT}").set_value(1.0)
    assert "hoosing afresh" not in said(settle(app))


@pytest.mark.usefixtures("explorer")
def test_the_choices_as_they_were_are_not_kept_shared_or_compared(searching):
    """While better choices are looked for there is nothing to keep or download, no fold that solves on, and the other
    pages wait for the full plan."""
    app = moved()
    app.session_state["share"] = True
    app.run()
    labels = [each.label for each in (*app.button, *app.get("download_button"))]
    assert "Keep" not in labels
    assert "Every table (zip)" not in labels
    assert "Changes (TOML)" in labels
    assert not [each for each in app.expander if "looser" in each.label or each.label == "Exactly how"]
    for page in ("money", "rules", "compare", "evidence"):
        app.switch_page(f"src/allocate/ui/pages/{page}.py").run()
        assert verdict(app).startswith("Still solving."), page
    searching.set()
    app.switch_page("src/allocate/ui/pages/plan.py")
    settle(app)
    assert "Keep" in [each.label for each in app.button]


@pytest.mark.usefixtures("explorer")
def test_a_stop_on_the_page_keeps_the_choices_as_they_were(searching):
    """Stopped with nothing better found the page keeps what it shows, still not as the plan, and can look again."""
    app = moved()
    (run,) = runs_of(app)._runs.values()
    app.button(key="stop-solve").click()
    app.run()
    run.done.result(PATIENCE)
    app.run()
    assert "Stopped before better ones were found." in said(app)
    assert "3,525 supporters" in verdict(app)
    assert "Keep" not in [each.label for each in app.button]
    searching.set()
    app.button(key="look-again").click()
    assert TOLD in said(settle(app)) or "3,835 supporters" in verdict(app)


@pytest.mark.usefixtures("explorer")
def test_a_seat_sees_the_choices_as_they_were_too(searching):
    """From a partner's side the page is told with the choices as they were as well."""
    app = visit("plan", scenario="participatory-budget", seat="partners.council")
    app.slider(key=f"side:{POT}").set_value(1.1)
    app.run()
    assert not app.exception
    assert "Your money" in said(app)
    assert afresh.AS_THEY_WERE in said(app)
    searching.set()
    assert TOLD in said(settle(app))


@pytest.mark.usefixtures("explorer")
def test_without_choices_nothing_is_held(monkeypatch):
    """A scenario without yes/no choices is solved once, and never with anything kept."""
    asked, real = [], solving.solve

    def solve(scenario: al.Scenario, **more) -> al.Plan:
        asked.append(more["choices"])
        return real(scenario, **more)

    monkeypatch.setattr(solving, "solve", solve)
    monkeypatch.setattr(solving, "AT_ONCE", 0.0)
    settle(visit("plan", scenario="tiny", **{"envelopes.core.amount": 950_000}))
    assert set(asked) == {None}


__all__ = ["explorer"]
