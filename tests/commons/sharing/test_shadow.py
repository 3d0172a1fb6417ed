"""The shadow-price share of a deal: by hand, and where no group can object to it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.commons.sharing.deal import SHADOW
from tests.commons.games import benefit, common_purse, line, majority, rooted, shared_good, straight, systems, workshop
from tests.engine.making import make


def shares(found: al.Deal) -> list[float]:
    return found.sharing.loc[found.sharing["method"] == SHADOW, "amount"].tolist()


@st.composite
def producers(draw) -> al.Scenario:
    """Partners with money of one purse and services of their own, worth what they buy to them alone, as much as the
    agreed aim says: nothing that one spends lands on another, and no rule is over several."""
    names = [f"p{k}" for k in range(draw(st.integers(2, 3)))]
    amount = st.integers(2, 30).map(lambda x: x * 1e4)
    lines, curves = [], []
    for name in names:
        before, other = draw(amount), draw(amount)
        lines += [line(name, f"one-{name}", before), line(name, f"two-{name}", other) | {"low": other / 2}]
        lines[-2]["high"] = draw(st.none() | st.just(1.5 * before))
        curves += [straight(f"one-{name}", "service", draw(st.floats(0.2, 4.0)))]
        curves += [rooted(f"two-{name}", "service", draw(st.floats(0.2, 4.0)), draw(amount))]
    money = float(sum(each["baseline"] for each in lines))
    rows = [benefit(name, "service") for name in names]
    return make(lines, curves, money, {}, {"service": 1.0}, benefits=rows)


def test_gloves():
    """Each £100,000 is worth £1 a pound; the workshop's room for £200,000 at £3 a pound is worth £400,000 to who has
    it: (100, 100, 500), in the core, and sure to be before any group is asked."""
    found = al.deal(workshop())
    assert shares(found) == pytest.approx([1e5, 1e5, 5e5], abs=30)
    assert found.priced["money"].to_numpy() == pytest.approx([1e5] * 3, abs=30)
    assert found.priced["room"].to_numpy() == pytest.approx([0, 0, 4e5], abs=30)
    assert found.unsure == ()
    assert found.sharing.loc[found.sharing["method"] == SHADOW, "stable"].tolist() == [True] * 3
    assert any("at the prices of the plan that lands most on them, nothing is left over" in s for s in found.sentences)


def test_a_rule_of_ones_own():
    """A cap on the workshop alone belongs to its partner, as its own most did: half the room, half its worth."""
    cap = {"half": {"kind": "cap", "amount": 1e5, "where": {"programmes": ["workshop-c"]}}}
    found = al.deal(workshop(rules=cap))
    assert shares(found) == pytest.approx([1e5, 1e5, 3e5], abs=30)
    assert found.priced["rules"].to_numpy() == pytest.approx([0, 0, 2e5], abs=30)
    assert found.unsure == ()


def test_a_rule_over_several():
    """Of a cap over both services of a purse each has what it uses without a deal, and it is said that a group might
    do better."""
    cap = {"both": {"kind": "cap", "amount": 8.5e5, "where": {"programmes": ["care"]}}}
    rows = [benefit("northern", "health"), benefit("southern", "health")]
    found = al.deal(common_purse(cap, benefits=rows))
    assert found.priced["rules"].gt(0).all()
    assert any("rules over the lines of several" in why for why in found.unsure)


def test_what_keeps_it_from_being_sure():
    """What lands on others, and yes/no choices, are named as what a group might object for."""
    assert al.deal(shared_good()).unsure == ("what some spend lands on others",)
    assert any("yes/no" in why for why in al.deal(majority()).unsure)


def test_a_plan_that_lands_less():
    """Where the agreed plan lands less on partners than another would, what is lacking is borne equally."""
    rows = [benefit("northern", "health", worth=10.0), benefit("southern", "health", worth=1.0)]
    found = al.deal(common_purse(benefits=rows))
    lacking = found.most - found.partners["together"].sum()
    assert lacking > found.noise
    assert found.priced["rest"].tolist() == pytest.approx([-lacking / 2] * 2, abs=2)
    assert any("is lacking, borne equally" in said for said in found.sentences)


@settings(max_examples=8, deadline=None)
@given(producers())
def test_no_group_objects_where_partners_bring_only_their_own(scenario):
    """Where nothing that one spends lands on another and no rule is over several, no group does better by itself than
    with what it brings at prices."""
    found = al.deal(scenario, all_groups=True)
    assert found.unsure == ()
    amount = dict(zip(found.partners["partner"], shares(found), strict=True))
    for group in found.groups.itertuples():
        assert sum(amount[name] for name in group.group) >= group.value - found.noise


@settings(max_examples=6, deadline=None)
@given(systems(players=(2, 3), everybody=True))
def test_it_shares_what_there_is(scenario):
    """It adds up to what the plan together lands on all, whatever is left over or lacking; payments add up to
    nothing."""
    found = al.deal(scenario)
    total = found.partners["together"].sum()
    assert sum(shares(found)) == pytest.approx(total, rel=1e-9)
    parts = found.priced[["money", "room", "rules", "rest"]].sum(axis=1)
    assert parts.tolist() == pytest.approx(found.priced["amount"].tolist())
    rows = found.sharing[found.sharing["method"] == SHADOW]
    assert rows["payment"].sum() == pytest.approx(0, abs=1e-9 * abs(total) + 1e-6)
