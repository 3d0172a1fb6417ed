"""Goal-seek: the least money that reaches a target is what closed forms say, is proved, and a little less clashes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from tests.conftest import SCENARIOS

CARE = {"where": {"programmes": ["care"]}}
GRANT = {"where": {"programmes": ["prevention"]}}


def target(amount: float, **more: Any) -> dict[str, Any]:
    return {"rules.goal": {"kind": "reach", "outcome": "health", "amount": amount, **more}}


def with_less(scenario: al.Scenario, found: al.Goal, less: float) -> al.Scenario:
    """The scenario under the answer, with so many pounds less among the envelopes that got more."""
    part = 1 - less / found.amount
    money = {
        f"envelopes.{row.envelope}.amount": row.amount + round(row.more * part)
        for row in found.money.itertuples() if row.more
    }  # fmt: skip
    return scenario.change({**found.change, **money})


def test_two_thousand_years_of_care(tiny):
    """North is at its band's most (£450,000), so South must buy the rest: 1,000 √(x / 500,000) = 2,000 − 400 √4.5."""
    found = al.reach(tiny, target(2000, **CARE), envelopes="core")
    least = 500_000 * (2 - 0.4 * np.sqrt(4.5)) ** 2 + 450_000 - 900_000
    assert found.bound == pytest.approx(least, abs=0.1)
    assert least <= found.amount <= least + 50
    assert found.plan.gains.set_index("programme").loc["care", "gain"].sum() >= 2000
    assert found.plan.scenario == tiny.change(found.change)
    with pytest.raises(al.NoPlan):
        al.solve(with_less(tiny, found, 100))


def test_prevention_from_the_grant(tiny):
    """Two alike saturating curves share evenly: 180 of 200 years take 2 × 50,000 ln 10 pounds."""
    found = al.reach(tiny, target(180, **GRANT), envelopes="grant")
    assert found.bound == pytest.approx(100_000 * np.log(10) - 100_000, abs=0.1)
    assert found.amount == pytest.approx(found.bound, abs=50)
    assert found.money.to_dict("records") == [
        {"envelope": "grant", "year": "2026/27", "holder": "council", "amount": 100_000, "more": found.amount}
    ]
    assert found.sentence == (
        "Years of good health gained on Prevention must reach at least 180: that takes "
        f"£{found.amount:,.0f} more in Prevention grant. It is proved that less than £130,258 would not do."
    )


def test_where_least_does_it_or_in_proportion(tiny):
    """Free to choose, money goes where a pound buys most until both buy the same; in proportion it takes more."""
    free = al.reach(tiny, target(2100))
    even = al.reach(tiny, target(2100), in_proportion=True)
    more = even.money.set_index("envelope")["more"]
    assert more["core"] / more["grant"] == pytest.approx(9, rel=1e-3)
    assert free.amount < even.bound < even.amount
    marginal = al.next_pound(free.plan, 1).set_index(["place", "programme"])["worth"]
    assert marginal["south", "care"] == pytest.approx(marginal["south", "prevention"], rel=1e-3)
    for found in (free, even):
        with pytest.raises(al.NoPlan):
            al.solve(with_less(tiny, found, 200))


def test_nothing_more_is_needed(tiny):
    """What the money there is reaches already takes none, and the plan is the one that does it."""
    found = al.reach(tiny, target(1_900))
    assert (found.amount, found.bound, found.money["more"].sum()) == (0, 0, 0)
    assert found.sentence == "Years of good health gained must reach at least 1,900: no more money is needed."
    assert found.plan.value == pytest.approx(1924.9477, abs=1e-3)


def test_no_money_does_it(tiny):
    """What no curve reaches, or money of another purpose, is no plan; the error says up to what was looked."""
    for amount, purse in ((210, "grant"), (180, "core")):
        with pytest.raises(al.NoPlan, match=r"No money in .* would reach this, up to £") as refused:
            al.reach(tiny, target(amount, **GRANT), envelopes=purse)
        assert "rules.goal" in str(refused.value)


def test_spending_for_each_person(tiny):
    """£137.50 for each of 4,000 people in North is £550,000. South keeps £475,000 of core money at least, which leaves
    North £425,000 of it and the whole grant: £525,000, and £25,000 short."""
    found = al.reach(tiny, {"rules.goal": {"kind": "per-head", "at_least": 137.5, "where": {"places": ["north"]}}})
    assert found.amount == pytest.approx(25_000, abs=2)
    assert found.plan.places.set_index("place").loc["north", "per_head"] >= 137.5 - 1e-3


def test_a_place_at_its_fair_share(tiny):
    """South at 105% of its fair share by need: the rule says it, and the plan's own table agrees."""
    goal = {"rules.goal": al.fair_share_rule(tiny, "south", 1.05)}
    found = al.reach(tiny, goal, envelopes="core")
    assert found.plan.places.set_index("place").loc["south", "distance_after"] >= 0.05 - 1e-5
    assert goal["rules.goal"]["at_least"] == pytest.approx(1.05 * 0.55)


@pytest.mark.parametrize(("place", "part"), [("system", 1.0), ("nowhere", 1.0), ("south", 2.0), ("south", -0.1)])
def test_a_fair_share_that_is_none(tiny, place, part):
    """A place with places inside it, an unknown one, and more than all the money have no fair share to ask for."""
    with pytest.raises(ValueError, match=r"fair share|of the money"):
        al.fair_share_rule(tiny, place, part)


def test_targets_that_are_none(tiny):
    """Only rules are targets: anything else, or nothing at all, is refused; a rule of the book may ask for more."""
    with pytest.raises(al.ScenarioError, match=r"envelopes\.core"):
        al.reach(tiny, {"envelopes.core": 1e6, **target(2000)})
    with pytest.raises(al.ScenarioError, match="nothing to reach"):
        al.reach(tiny, {})
    more = al.reach(tiny, {"rules.prevention-north.amount": 130_000}, envelopes="grant")
    assert (more.amount, more.bound) == (30_000, pytest.approx(30_000, abs=1e-3))
    assert more.sentence.startswith("Spending on Prevention in North must be at least £130,000: that takes £30,000")


def test_envelopes_that_are_none(tiny):
    """Every envelope that is not there is named, with what was likely meant; none at all is refused too."""
    with pytest.raises(al.ScenarioError) as refused:
        al.reach(tiny, target(2000), envelopes=["cor", "grants"])
    assert [problem.value for problem in refused.value.problems] == ["cor", "grants"]
    assert "did you mean core?" in str(refused.value)
    with pytest.raises(al.ScenarioError, match="nowhere"):
        al.reach(tiny, target(2000), envelopes=[])


def test_a_reserve_moves_with_its_envelope(tiny):
    """A rule that speaks of an envelope's amount still holds with more in it: what is kept unspent comes on top."""
    kept = {"rules.kept": {"kind": "reserve", "owner": "board", "amount": 50_000, "where": {"envelopes": ["core"]}}}
    asked = target(2000, **CARE)
    for how, times in (({"envelopes": "core"}, 1), ({"in_proportion": True}, 10 / 9)):
        plain, found = al.reach(tiny, asked, **how), al.reach(tiny.change(kept), asked, **how)
        assert found.bound == pytest.approx(plain.bound + 50_000 * times, abs=0.5)
        assert found.plan.money.set_index("envelope").loc["core", "unspent"] >= 50_000


def test_whole_projects():
    """Where projects are funded whole, the least sum is what the cheapest set costs, and a pound less clashes."""
    ballot = al.read(SCENARIOS / "participatory-budget")
    found = al.reach(ballot, {"rules.goal": {"kind": "reach", "outcome": "support", "amount": 4_054}})
    assert found.amount == 170_000
    assert 0 < found.bound < found.amount
    with pytest.raises(al.NoPlan):
        al.solve(with_less(ballot, found, 1))


@settings(max_examples=5)
@given(st.floats(1.01, 1.2), st.sampled_from(["core", "grant", None]))
def test_a_little_less_clashes(tiny, plan, times, purse):
    """Whatever is asked of an envelope that can bring it, the plan reaches it, less than is proved clashes, and so does
    a little less than what was found."""
    asked = plan.value + (times - 1) * (300 if purse == "grant" else 1900)
    found = al.reach(tiny, target(asked), envelopes=purse)
    assert found.plan.gains["gain"].sum() >= asked - 1e-6
    assert found.bound <= found.amount <= found.bound + 60
    if found.amount:
        with pytest.raises(al.NoPlan):
            al.solve(with_less(tiny, found, 120))


def test_a_real_system(system):
    """In a real system the sum that was found lies within a few dozen pounds of what is proved to be needed."""
    scenario = system.scenario
    found = al.reach(scenario, target(13_500), envelopes="core")
    assert 9e6 < found.bound <= found.amount <= found.bound + 100
    assert found.plan.certified
    gains = found.plan.gains
    assert gains.loc[gains["outcome"] == "health", "gain"].sum() >= 13_500
