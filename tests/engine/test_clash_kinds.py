"""Every kind of rule clashes, and gives way: nothing here names a kind."""

from __future__ import annotations

import pytest

import allocate as al
from tests.rules.examples import EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_rule_that_cannot_be_met_is_in_a_clash_with_a_way_out(example, tiny):
    """Where fields that no plan can meet are let in, what clashes is found and told, and each way out makes a plan."""
    try:
        scenario = example.ground(tiny).change({"rules.example": example.impossible})
    except al.ScenarioError:
        return
    found = al.clash(scenario, seconds=30.0)
    assert not found.possible
    assert found.complete
    assert "example" in set(found.clashes["rule"])
    assert set(found.ways["kind"]) == {"cheapest", "fewest", "fairest", "drop"}
    assert found.ways["outcome"].notna().all()
    assert found.ways["unit"].ne("").all()
    assert found.sentences


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_book_that_holds_does_not_clash(example, tiny):
    """The worked rule of every kind holds: nothing clashes."""
    assert al.clash(example.scenario(tiny)).possible
