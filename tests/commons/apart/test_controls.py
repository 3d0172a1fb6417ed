"""Control from above as changes: what is prescribed, what is a floor, and what is the same for all."""

from __future__ import annotations

import pytest

import allocate as al
from allocate import controls
from tests.commons.games import common_purse, shared_good


def spent(scenario: al.Scenario, *columns: str) -> dict:
    return al.solve(scenario).by(*columns).set_index(list(columns))["spend"].to_dict()


def test_three_different_things():
    """A prescription holds exactly, a floor leaves freedom above it, and a uniform rate holds for every partner."""
    scenario = shared_good()
    exact = spent(
        scenario.change(controls.prescription(scenario, "prevention", 0.5, "partner")), "partner", "programme"
    )
    assert [exact[name, "prevention"] for name in ("a", "b")] == [150_000, 150_000]
    floor = spent(scenario.change(controls.target(scenario, "prevention", 0.5)), "programme")
    assert floor["prevention"] == pytest.approx(1_600_000, abs=10)
    alike = scenario.change(controls.uniform(scenario, -0.1))
    assert spent(alike, "partner") == {"a": 900_000, "b": 900_000}


def test_a_rule_for_each_part_with_a_baseline():
    """Each place with a baseline gets a rule of its own, in whole pounds, that stands in law."""
    scenario = common_purse()
    changes = controls.prescription(scenario, "care", 0.00001)
    rules = {rule.id: rule for rule in scenario.change(changes).rules}
    assert [rule.sentence(scenario) for rule in rules.values()] == [
        "Spending on Care in North is kept at £300,003", "Spending on Care in South is kept at £500,005",
    ]  # fmt: skip
    assert {rule.standing for rule in rules.values()} == {"statutory"}


def test_unknown_names():
    """A programme that there is not, or a column that nothing is held for, is refused."""
    with pytest.raises(KeyError, match="cure"):
        controls.prescription(common_purse(), "cure", 0.1)
    with pytest.raises(KeyError, match="year"):
        controls.uniform(common_purse(), 0.1, "year")


def test_the_standard_three():
    """A centre that knows the best total asks it of all alike: exactly, at least, and one rate for every partner."""
    together = al.solve(common_purse())
    found = controls.standard(together)
    assert list(found) == [
        "Spending on Care grows by exactly 12.5% in each place",
        "Spending on Care grows by at least 12.5% in each place",
        "Every partner grows by exactly 12.5%",
    ]
    for changes in found.values():
        assert al.solve(together.scenario.change(changes)).value < together.value


def test_what_a_control_asks_in_words():
    """Each of the three says what it asks, a saving as a fall; another kind is refused."""
    scenario = common_purse()
    asked = {kind: controls.in_words(scenario, kind, -0.05, "care") for kind in ("exactly", "at least", "alike")}
    assert [list(each) for each in asked.values()] == [
        ["Spending on Care falls by exactly 5.0% in each place"],
        ["Spending on Care falls by at most 5.0% in each place"],
        ["Every partner falls by exactly 5.0%"],
    ]
    kinds = {kind: {rule["kind"] for rule in next(iter(each.values())).values()} for kind, each in asked.items()}
    assert kinds == {"exactly": {"keep"}, "at least": {"floor"}, "alike": {"keep"}}
    with pytest.raises(ValueError, match="kind must be one of"):
        controls.in_words(scenario, "nearly", 0.1, "care")
