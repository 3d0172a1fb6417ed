"""What is solved and drawn up before it is asked for."""

from __future__ import annotations

import time

import pytest

import allocate as al
from allocate.plan.plan import Plan
from allocate.ui import ahead, plan_parts, solving, state
from allocate.ui.address import Draft
from allocate.ui.desk import View
from allocate.ui.knobs import Knob, knobs
from allocate.ui.shelf import Book
from tests.conftest import SCENARIOS
from tests.ui.apping import PATIENCE, explorer, settle, visit

pytestmark = pytest.mark.usefixtures("explorer")


def lever(scenario: al.Scenario, unit: str) -> Knob:
    """The first lever of a kind."""
    return next(knob for knob in knobs(scenario).values() if knob.unit == unit)


def book(scenario: al.Scenario) -> Book:
    """A scenario as it lies on the shelf."""
    return Book("tiny", scenario.digest, "Tiny", "folder", scenario, {})


def awaited(scenario: al.Scenario) -> Plan:
    """The answer that somebody else is to find."""
    end = time.monotonic() + PATIENCE
    while (found := solving.known(scenario)) is None and time.monotonic() < end:
        time.sleep(0.01)
    assert isinstance(found, Plan)
    return found


def test_the_next_step_of_a_lever_and_the_turn_of_a_rule_are_solved_ahead():
    """After a lever was moved its next step either way, and the plan without a rule on the panel, are there unasked."""
    agreed = al.read(SCENARIOS / "coventry-warwickshire")
    app = visit("plan", scenario="coventry-warwickshire")
    slider, knob = next(
        (each, knob) for each in app.slider for knob in knobs(agreed).values() if each.key == f"side:{knob.path}"
    )
    slider.set_value(knob.base + 5 * knob.step)
    settle(app)
    told = {step: knob.told(knob.base + step * knob.step) for step in (5, 6, 4)}
    for step in (6, 4):
        awaited(agreed.change({knob.path: told[step]}))
    switch = next(each.key.removeprefix("side:") for each in app.toggle if each.key.startswith("side:rules."))
    awaited(agreed.change({knob.path: told[5], switch: False}))


def test_what_is_prepared_is_what_the_page_would_show():
    """The words and pictures made ready for a likely draft are those that the page makes of it afresh."""
    agreed = al.read(SCENARIOS / "tiny")
    base, knob = al.solve(agreed), lever(agreed, "money")
    likely = Draft("tiny").changed(knob.path, knob.told(knob.base + knob.step))
    view = View(Draft("tiny"), book(agreed), agreed, base, None, base)
    made: list[tuple[View, Plan]] = []
    for wanted in ahead._wanted(view, [likely], lambda *shown: made.append(shown)):
        solving.answer(wanted)
    ((then, plan),) = made
    assert (then.draft, then.base, then.plan) == (likely, base, plan)
    ready = plan_parts.drawing(then, plan)
    assert plan_parts.drawing(then, plan) is ready
    afresh = plan_parts._drawn(then, al.solve(agreed.change(likely.changes)))
    assert (ready.said, ready.verdict, ready.story) == (afresh.said, afresh.verdict, afresh.story)


def test_a_draft_that_cannot_be_is_passed_over():
    """A likely draft whose changes the scenario refuses is left out, and the next one is still solved."""
    agreed = al.read(SCENARIOS / "tiny")
    knob = lever(agreed, "money")
    good = Draft("tiny").changed(knob.path, knob.told(knob.base + knob.step))
    bad = Draft("tiny").changed(knob.path, -1.0)
    view = View(Draft("tiny"), book(agreed), agreed, None, None, None)
    assert [each.digest for each in ahead._wanted(view, [bad, good], None)] == [agreed.change(good.changes).digest]


def test_nothing_is_solved_ahead_before_anything_was_moved():
    """A page that was only opened asks for no more than it shows."""
    app = visit("plan", scenario="tiny")
    assert app.session_state[state.RUNS]._ahead is None


__all__ = ["explorer"]
