"""The deal: payments, groups that would walk, consent and leaving, worked out by hand and on any system."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import allocate as al
from allocate.commons.sharing.deal import EQUAL, NUCLEOLUS, SHADOW, SHAPLEY
from tests.commons.games import benefit, common_purse, line, majority, rooted, shared_good, systems, workshop
from tests.engine.making import make


def by_partner(table, column: str) -> dict[str, float]:
    return dict(zip(table["partner"], table[column], strict=True))


def test_a_shared_good_by_hand():
    """Together adds £400,000 to what two have apart: each gets half, neither has a reason to leave, and who leaves
    takes the other back to its fallback."""
    found = al.deal(shared_good())
    assert found.gain == pytest.approx(4e5, abs=60)
    assert found.stable is True
    assert found.certified
    assert found.top_up == 0
    assert found.largest == ()
    table = found.partners
    assert table["fallback"].sum() == pytest.approx(3.2e6, abs=30)
    assert table["gain"].to_numpy() == pytest.approx([2e5, 2e5], abs=30)
    assert table["payment"].sum() == pytest.approx(0, abs=1e-6)
    assert found.leaving["less"].to_numpy() == pytest.approx([2e5, 2e5], abs=60)
    assert found.leaving["acts"].to_numpy() == pytest.approx(table["fallback"].to_numpy(), abs=200)
    assert any("It holds" in said for said in found.sentences)


def test_gloves():
    """Of three, the one with the workshop gets all that the three gain: either of the others can be left out, so equal
    gain is moved as far as that, and no group asked lacks anything."""
    found = al.deal(workshop())
    assert found.gain == pytest.approx(2e5, abs=30)
    assert by_partner(found.partners, "fallback") == pytest.approx({"a": 1e5, "b": 1e5, "c": 3e5}, abs=30)
    assert by_partner(found.partners, "gain") == pytest.approx({"a": 0, "b": 0, "c": 2e5}, abs=60)
    assert found.stable is True
    assert found.groups["slack"].min() >= -found.noise
    assert by_partner(found.leaving, "more") == pytest.approx({"a": 2e5, "b": 2e5, "c": 0}, abs=60)
    assert set(found.largest) in ({"a", "c"}, {"b", "c"})
    assert any("moved as far as stability needs" in said for said in found.sentences)


def test_a_majority_that_nothing_holds():
    """Any two of three gain as much as all: no sharing holds, three pairs prove it, and half as much again from outside
    makes one that does."""
    found = al.deal(majority())
    assert found.gain == pytest.approx(4e5, abs=60)
    assert found.stable is False
    assert found.top_up == pytest.approx(2e5, abs=60)
    assert len(found.proof)
    assert (found.proof["part"] * found.proof["value"]).sum() > found.partners["together"].sum()
    assert found.partners["moved"].to_numpy() == pytest.approx([0, 0, 0])
    assert any("No sharing holds" in said for said in found.sentences)


def test_other_ways_to_share():
    """Asked for all groups, the average contribution gives the left glove four parts in six and the right ones one
    each, which does not hold; the other way gives it all, which does."""
    found = al.deal(workshop(), all_groups=True)
    ways = {name: rows for name, rows in found.sharing.groupby("method")}
    assert by_partner(ways[SHAPLEY], "gain") == pytest.approx({"a": 2e5 / 6, "b": 2e5 / 6, "c": 8e5 / 6}, abs=60)
    assert by_partner(ways[NUCLEOLUS], "gain") == pytest.approx({"a": 0, "b": 0, "c": 2e5}, abs=60)
    assert {name: bool(rows["stable"].all()) for name, rows in ways.items()} == {
        EQUAL: True, SHADOW: True, SHAPLEY: False, NUCLEOLUS: True,
    }  # fmt: skip
    assert len(found.groups) == 6
    for rows in ways.values():
        assert rows["payment"].sum() == pytest.approx(0, abs=1e-6)


def test_consent_without_payments():
    """The plan together leaves both right gloves with nothing for themselves: without payments they keep their own
    money, and nothing is gained; each alone insisting costs what its own money would buy more in the workshop."""
    found = al.deal(workshop(3e5))
    assert found.gain == pytest.approx(4e5, abs=30)
    assert found.consent_cost == pytest.approx(4e5, abs=30)
    assert by_partner(found.consent, "cost") == pytest.approx({"a": 2e5, "b": 2e5, "c": 0}, abs=60)
    assert by_partner(found.consent, "short") == pytest.approx({"a": 1e5, "b": 1e5, "c": 0}, abs=30)
    assert by_partner(found.consent, "price") == pytest.approx({"a": 2.0, "b": 2.0, "c": 0}, abs=1e-3)


def test_other_fallbacks():
    """As last year counts today's spending; alone counts each one's best reply to it, so nobody has less by that."""
    apart, before, alone = (al.deal(shared_good(), fallback=name) for name in ("apart", "last year", "alone"))
    assert before.partners["fallback"].to_numpy() == pytest.approx(9e5 + 4e5 * np.sqrt(2), abs=30)
    assert (alone.partners["fallback"] >= before.partners["fallback"] - 1).all()
    assert (alone.partners["fallback"] < apart.partners["fallback"] + 1).all()
    assert before.certified
    assert np.isnan(before.regret)
    assert any("last year" in said for said in before.sentences)


def test_an_aim_between_places_is_what_is_dealt_over():
    """Where partners follow an aim, the deal is over the plan that does, and another plan lands more on them."""
    rows = [{"partner": name, "outcome": "health", "own": 1.0, "share": 0.0, "worth": 1000.0}
            for name in ("northern", "southern")]  # fmt: skip
    aim = {"kind": "bottom-up", "view": "spend", "where": {"programmes": ["care"]}}
    found = al.deal(common_purse({"fair": aim}, benefits=rows))
    assert found.most > found.partners["together"].sum() + found.noise
    assert any("more on partners than the agreed one" in said for said in found.sentences)
    assert found.best == pytest.approx(1800.0)


def test_what_the_tolerance_leaves_is_no_reason_to_walk():
    """Where everybody has its own money for its own ends there is nothing to share but rounding, over which nobody
    walks."""
    names = ("a", "b", "c")
    lines = [line(name, f"{what}-{name}", 5e4, f"pot-{name}") for name in names for what in ("one", "two")]
    curves = [
        rooted(f"{what}-{name}", "health", slope * k, 1e4)
        for k, name in enumerate(names, 3) for what, slope in (("one", 1.1), ("two", 0.7))
    ]  # fmt: skip
    rows = [benefit(name, "health") for name in names]
    found = al.deal(make(lines, curves, {f"pot-{name}": 1e5 + 1 / 3 for name in names}, benefits=rows))
    assert abs(found.gain) <= found.noise
    assert found.stable is True
    assert found.groups["slack"].min() >= -found.noise
    assert found.partners["payment"].sum() == pytest.approx(0, abs=1e-6)
    assert any("nothing to share" in said for said in found.sentences)


def test_nobody_waits():
    """Once nobody wants more groups, equal gain stands with whether it holds unknown."""
    found = al.deal(workshop(), tick=lambda done, total: done < 2, all_groups=True)
    assert found.stable is None
    assert len(found.groups) == 2
    assert not len(found.leaving)
    assert list(found.sharing["method"].unique()) == [EQUAL, SHADOW]
    assert found.partners["gain"].to_numpy() == pytest.approx([2e5 / 3] * 3, abs=30)
    watch = al.Watch()
    watch.stop()
    assert al.deal(workshop(), watch=watch).stable is None
    told = []
    al.deal(workshop(), tick=lambda done, total: told.append((done, total)))
    assert told == [(done, 6) for done in range(len(told))]


def test_what_is_refused():
    """A deal needs pounds for everybody who decides, and a fallback that there is; all that is wrong is told."""
    with pytest.raises(ValueError, match="'apart', 'last year', 'alone'"):
        al.deal(shared_good(), fallback="none")
    with pytest.raises(al.ScenarioError) as refused:
        al.deal(common_purse())
    assert [problem.value for problem in refused.value.problems] == ["northern", "southern"]


@settings(max_examples=8)
@given(systems(players=(2, 3), everybody=True))
def test_what_holds_on_any_system(scenario):
    """Payments add up to nothing; a stable deal leaves nobody, and no group asked, below what it has by itself, and
    where there is none money is short; a plan that all consent to never buys less than apart."""
    found = al.deal(scenario)
    table = found.partners
    assert table["payment"].sum() == pytest.approx(0, abs=1e-6 * abs(table["together"]).sum() + 1e-9)
    assert table["moved"].sum() == pytest.approx(0, abs=1e-6 * abs(table["together"]).sum() + 1e-9)
    if found.stable:
        assert (table["gain"] >= -found.noise).all()
        assert found.groups["slack"].min() >= -found.noise
        assert found.top_up == 0
        assert not len(found.proof)
    else:
        assert found.top_up > found.noise
        assert (found.proof["part"] * found.proof["value"]).sum() > table["together"].sum()
    apart = al.regimes(scenario, told={}, law=False, others=0).table.set_index("regime")["value"]
    assert found.insisting >= apart["apart"] - 1e-6 * abs(apart["apart"])
    assert found.insisting <= found.best + 1e-4 * abs(found.best)
