"""Which rules bend, by how much and at what price, in tables and words."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.plan.bending import bent, bent_in_words
from tests.conftest import SCENARIOS

TIGHT = {"envelopes.core": 1_790e6}


@pytest.fixture(scope="module")
def tight() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "coventry-warwickshire").change(TIGHT))


def test_nothing_bends_where_there_is_room():
    """The book as agreed is kept to the letter, and nothing is said of bending."""
    plan = al.solve(al.read(SCENARIOS / "coventry-warwickshire"))
    assert bent(plan).empty
    assert bent_in_words(plan) == []
    assert al.explain(plan).startswith("Every rule is met. ")


def test_costs_add_up_to_what_the_aim_loses(tight):
    """The value is the outcomes' worth less what bending costs, band by band."""
    scenario = tight.scenario
    weights = scenario.outcomes.set_index("id")["weight"]
    gains = tight.gains
    worth = (gains["gain"] * gains["outcome"].map(weights)).sum()
    assert bent(tight)["cost"].sum() > 0
    assert worth - bent(tight)["cost"].sum() == pytest.approx(tight.value, rel=1e-9)


def test_only_agreed_rules_with_a_price_bend(tight):
    """What bends is agreed, has bands, stands beyond its end by as much as is said, and is named in words."""
    rules = {rule.id: rule for rule in tight.scenario.rules}
    limits = tight.limits.set_index(["rule", "part"])
    for row in bent(tight).itertuples():
        assert rules[row.rule].standing == "agreed"
        assert row.price in [band.price for band in rules[row.rule].bends]
        assert limits.loc[(row.rule, row.part), "slack"] == pytest.approx(-row.bent)
    assert len(bent_in_words(tight)) == bent(tight)["rule"].nunique() > 1
    assert al.explain(tight).startswith("Every rule is met but 4 that bend at their prices. ")
    assert "“Elective recovery” bends by £15,7" in al.explain(tight)
