"""Ties: the plan nearest today, the same every time, and said."""

from __future__ import annotations

import pytest

import allocate as al
from tests.engine.making import make, spent


def straight(places: str, programme: str = "care"):
    return [{"place": place, "programme": programme, "shape": "linear", "slope": 1.0} for place in places]


def test_of_equal_plans_the_one_that_changes_least_is_chosen():
    """With one slope everywhere, money stays where it was."""
    lines = [{"place": p, "programme": "care", "baseline": b} for p, b in (("a", 100.0), ("b", 300.0), ("c", 200.0))]
    plan = al.solve(make(lines, straight("abc"), 600.0))
    assert spent(plan) == {"a care": 100.0, "b care": 300.0, "c care": 200.0}
    assert plan.ties == 3


def test_new_money_that_could_go_anywhere_is_spread_in_proportion():
    """Of plans that move equally many pounds, the one whose largest percentage change is smallest is chosen."""
    lines = [{"place": p, "programme": "care", "baseline": b} for p, b in (("a", 1000.0), ("b", 3000.0))]
    plan = al.solve(make(lines, straight("ab"), 4400.0))
    assert spent(plan) == {"a care": 1100.0, "b care": 3300.0}


def test_partners_that_share_a_curve_keep_their_parts():
    """Two providers of the same thing: which of them is paid makes no difference to the outcome, so neither loses."""
    lines = [
        {"place": "a", "programme": "care", "partner": partner, "baseline": baseline}
        for partner, baseline in (("one", 3000.0), ("two", 1000.0))
    ]
    curve = {"place": "a", "programme": "care", "shape": "saturation", "ceiling": 10.0, "reference": 4000.0}
    plan = al.solve(make(lines, [curve], 4400.0))
    assert spent(plan) == {"a care one": 3300.0, "a care two": 1100.0}
    assert plan.ties == 2


def test_equal_projects_are_chosen_by_id_and_the_tie_is_said():
    """Of two projects that are alike, the first by id is funded, and the plan says that others are as good."""
    lines = [{"place": place, "programme": "hall", "high": 100.0, "scale": 100.0} for place in "ba"]
    plan = al.solve(make(lines, straight("ab", "hall"), 150.0))
    assert spent(plan) == {"a hall": 100.0, "b hall": 0.0}
    assert plan.ties == 2


def test_display_names_do_not_break_ties(tmp_path):
    """Renaming on paper changes nothing in the plan."""
    lines = [{"place": place, "programme": "hall", "high": 100.0, "scale": 100.0} for place in "ab"]
    scenario = make(lines, straight("ab", "hall"), 150.0)
    renamed = scenario.change({"places.a.name": "Zebra", "places.b.name": "Aardvark"})
    assert spent(al.solve(renamed)) == spent(al.solve(scenario))


def test_a_plan_without_equals_says_no_ties(tiny):
    """Tiny has one best plan."""
    assert al.solve(tiny).ties == 0


@pytest.mark.parametrize("amount", [600.0, 617.0, 650.0])
def test_the_tie_break_never_costs_outcome(amount):
    """What the tie-break picks is worth as much as the certificate's bound."""
    lines = [{"place": p, "programme": "care", "baseline": b} for p, b in (("a", 100.0), ("b", 300.0), ("c", 200.0))]
    plan = al.solve(make(lines, straight("abc"), amount))
    assert plan.value == pytest.approx(plan.certificate.bound, rel=1e-12)


def test_equal_projects_prefer_those_already_funded():
    """Of two equal choices of projects, the one that changes least from today is made, whatever the ids."""
    lines = [
        {"place": place, "programme": "hall", "high": 100.0, "scale": 100.0, "baseline": baseline}
        for place, baseline in (("a", 0.0), ("b", 100.0), ("c", 0.0))
    ]
    plan = al.solve(make(lines, straight("abc", "hall"), 150.0))
    assert spent(plan) == {"a hall": 0.0, "b hall": 100.0, "c hall": 0.0}
