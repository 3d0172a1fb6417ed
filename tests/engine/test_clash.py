"""When no plan is possible: said, proved where it can be, with the least give-way."""

from __future__ import annotations

import pytest

import allocate as al
from tests.engine.making import make


def two_floors(north: float, south: float) -> al.Scenario:
    lines = [{"place": place, "programme": "care"} for place in ("north", "south")]
    curves = [{"place": place, "programme": "care", "shape": "linear", "slope": 1.0} for place in ("north", "south")]
    rules = {
        f"{place}-floor": {"kind": "floor", "where": {"places": [place]}, "amount": amount}
        for place, amount in (("north", north), ("south", south))
    }
    return make(lines, curves, 1000.0, rules)


def test_floors_beyond_the_money_are_named_with_the_least_easing():
    """Floors of 700 and 500 on 1,000: one of them must come down by 200, and the clash is proved."""
    with pytest.raises(al.NoPlan, match="proved independently") as caught:
        al.solve(two_floors(700, 500))
    assert len(caught.value.easings) == 1
    assert "lower its minimum by £200" in caught.value.easings[0]
    assert "must be at least" in caught.value.easings[0]
    assert {"rules.north-floor", "rules.south-floor"} < set(caught.value.together)
    assert all(path.startswith(("rules.", "envelopes.")) for path in caught.value.together)


def test_easing_as_told_makes_a_plan_possible():
    """Doing what the message says is enough."""
    with pytest.raises(al.NoPlan) as caught:
        al.solve(two_floors(700, 500))
    name = "north" if "North" in caught.value.easings[0] else "south"
    amount = {"north": 700, "south": 500}[name] - 200
    assert al.solve(two_floors(700, 500).change({f"rules.{name}-floor.amount": amount})).certified


def test_a_clash_through_yes_or_no_choices_is_said_too():
    """A floor that only whole projects could meet, and cannot, is a clash."""
    lines = [{"place": place, "programme": "hall", "high": 60.0, "scale": 60.0} for place in "ab"]
    curves = [{"place": place, "programme": "hall", "shape": "linear", "slope": 1.0} for place in "ab"]
    with pytest.raises(al.NoPlan):
        al.solve(make(lines, curves, 100.0, {"floor": {"kind": "floor", "amount": 80.0}}))


def test_a_share_is_eased_in_pounds_like_any_other_rule():
    """A share that asks £100 too much beside a statutory floor is itself eased, by exactly £100."""
    share = {"kind": "share", "owner": "body", "where": {"places": ["north"]}, "at_least": 0.8}
    scenario = two_floors(400, 300).change({"rules.south-floor.standing": "statutory", "rules.share": share})
    with pytest.raises(al.NoPlan) as caught:
        al.solve(scenario)
    assert caught.value.easings == [
        "rules.share: lower its minimum by £100. Spending in North must be at least 80% of all spending"
    ]


def test_statutory_rules_are_firm():
    """Of two floors that clash alike, the agreed one gives way, whichever it is; where easing the statutory one by a
    twentieth as much would do, too."""
    for firm, soft in (("north", "south"), ("south", "north")):
        scenario = two_floors(700, 500).change({f"rules.{firm}-floor.standing": "statutory"})
        with pytest.raises(al.NoPlan) as caught:
            al.solve(scenario)
        assert len(caught.value.easings) == 1
        assert caught.value.easings[0].startswith(f"rules.{soft}-floor: lower its minimum by £200")
    share = {"kind": "share", "owner": "body", "where": {"places": ["north"]}, "at_most": 0.05}
    scenario = two_floors(51, 100).change({"rules.north-floor.standing": "statutory", "rules.south-floor": None})
    with pytest.raises(al.NoPlan) as caught:
        al.solve(scenario.change({"rules.share": share}))
    assert [way.rule for way in caught.value.ways] == ["share"]


def test_laws_that_clash_are_eased_all_the_same():
    """Where the statutory rules alone cannot hold, they are what gives way."""
    scenario = two_floors(700, 500).change({"rules.*.standing": "statutory"})
    with pytest.raises(al.NoPlan) as caught:
        al.solve(scenario)
    assert [way.standing for way in caught.value.ways] == ["statutory"]


def test_no_more_rules_are_named_than_needed():
    """Of easings that cost the same, one rule's is told and not several: three floors of 400 on 1,000 are 200 too much,
    which any two, or one, can give."""
    lines = [{"place": place, "programme": "care"} for place in "abc"]
    curves = [{"place": place, "programme": "care", "shape": "linear", "slope": 1.0} for place in "abc"]
    rules = {f"floor-{p}": {"kind": "floor", "where": {"places": [p]}, "amount": 400.0} for p in "abc"}
    rules["band"] = {"kind": "floor", "amount": 1000.0}
    with pytest.raises(al.NoPlan) as caught:
        al.solve(make(lines, curves, 1000.0, rules))
    assert [way.amount for way in caught.value.ways] == pytest.approx([200.0])


def test_minima_beyond_the_money_are_said_first():
    """The message begins with the sum, and carries it."""
    with pytest.raises(al.NoPlan) as caught:
        al.solve(two_floors(700, 500))
    (said,) = caught.value.minima
    assert said.startswith("The minima add to £1,200, the budget is £1,000. Raise it by £200 or ease one of these two")
    assert str(caught.value).startswith(said)
