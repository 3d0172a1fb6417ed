"""The page of the rules from a seat: whether each binds it, its own first, and what each costs it in the open."""

from __future__ import annotations

import re

import pytest

from allocate.plan.seats import from_seat
from allocate.ui import solving
from allocate.ui.rule_rows import worthy
from tests.ui.apping import bodies, explorer, folds, said, settle, verdict, visit, words

pytestmark = pytest.mark.usefixtures("explorer")


def test_rules_that_bind_me_stand_first(system):
    """The rules that bind Rugby stand first, each with its worth over Rugby's lines, before those that shape the plan
    of others."""
    app, mine = visit("rules", scenario="coventry-warwickshire", seat="places.rugby"), from_seat(system, "places.rugby")
    told, count = said(app), len(mine.rules)
    assert verdict(app).startswith("Every rule is met")
    assert re.search(rf"Rugby\. {count} rules bind you, and \d+ more reach you with room left\.", told)
    assert told.index(f"Rules that bind you ({count})") < told.index("Others that shape the plan")
    assert told.count("It binds you") == count
    dearest = mine.rules.iloc[0]
    unit = "points of the agreed aim"
    worth = f"easing it over your lines by {dearest['asks']} is worth {worthy(dearest['worth'])} {unit}"
    assert worth in told
    assert "as much as anywhere." in told
    assert f"{unit} if eased by £1m, for all" in told


def test_what_rules_cost_me_is_in_the_open():
    """What each rule costs the seat is asked for outside every fold, and worked out in a table."""
    app = visit("rules", scenario="tiny", seat="places.north")
    assert "What each rule costs you, and whom it helps" in said(app)
    assert not [fold for fold in folds(app) for each in fold.children.values() if each.type == "toggle"]
    app.toggle(key="seat-costs").set_value(True)
    settle(app)
    [table] = [words(each) for each in bodies(app) if "what costs most first" in each and "<table" in each]
    assert "−£10,000 +1.48 North" in table


def test_a_seat_that_no_rule_binds_is_told_so():
    """South hears that none binds it, each rule says whether it reaches it, and no cost is offered."""
    app = visit("rules", scenario="tiny", seat="places.south")
    told = said(app)
    assert "South. No rule binds you" in told
    assert "Does not reach you" in told
    assert "Rules that bind you" not in told
    assert not [each for each in app.toggle if each.key == "seat-costs"]


def test_without_a_seat_no_rule_speaks_of_you():
    """The whole system sees the book as it was: no tags of a seat, no costs to one."""
    told = said(visit("rules", scenario="coventry-warwickshire"))
    assert "Shaping the plan" in told
    assert "bind you" not in told
    assert "reach you" not in told


def test_without_prices_the_cost_is_found_by_solving():
    """Where yes/no choices leave no prices, a seat's rules have none, and the page says where the cost is found."""
    told = said(visit("rules", scenario="participatory-budget", seat="places.east"))
    assert "East. No rule binds you" in told
    assert "worth" not in told


def test_a_long_book_is_filtered():
    """A long book can be asked for one standing, and for the rules that cover somebody; a short one has no filters."""
    app = visit("rules", scenario="coventry-warwickshire")
    whole = said(app)
    assert "Agreed" in whole
    assert "In law" in whole
    app.selectbox(key="filter-standing").set_value("In law")
    law = said(settle(app))
    assert "class='al-tag al-tag-flat'>Agreed" not in " ".join(bodies(app))
    assert "In law" in law
    app.selectbox(key="filter-standing").set_value("Every rule")
    app.selectbox(key="filter-about").set_value("partners.voluntary-sector")
    assert len(said(settle(app))) < len(whole)
    short = visit("rules", scenario="tiny")
    assert not [each for each in short.selectbox if str(each.key).startswith("filter-")]


def test_nothing_is_solved_beyond_the_plan(monkeypatch):
    """Opening the page asks for the plan alone: prices beside the rules come with it, and no rule is taken away."""
    asked = []
    monkeypatch.setattr(solving, "answer", lambda scenario: asked.append(scenario))
    said(visit("rules", **{"scenario": "tiny", "envelopes.core.amount": 912_345}))
    assert asked == []


__all__ = ["explorer"]
