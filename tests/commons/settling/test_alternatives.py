"""Near-best plans: ranges by hand, and what holds of them on any system."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.commons.apart.ground import Ground
from allocate.commons.settling.alternatives import ALIKE, Alternatives, alternatives
from allocate.engine.certificate import Flows, breaches
from tests.commons.games import benefit, common_purse, line, majority, rooted, shared_good, straight, systems, workshop
from tests.engine.making import make

MONEY = 1e6


def two(before: tuple[float, float] = (2e5, 2e5), swapped: bool = False, worth: float = 1.0) -> al.Scenario:
    """A purse of £1m for two partners with a service each that buys 2,000 sqrt(x): the best is half for each."""
    names = ("a", "b")
    lines = [line(name, f"service-{name}", spent) for name, spent in zip(names, before, strict=True)]
    curves = [rooted(f"service-{name}", "service", 1.0, 1e6) for name in names]
    rows = [benefit(name, "service", worth=worth) for name in names]
    if swapped:
        lines, curves, rows = lines[::-1], curves[::-1], rows[::-1]
    return make(lines, curves, MONEY, outcomes={"service": 1.0}, benefits=rows)


def furthest(within: float, before: tuple[float, float] = (2e5, 2e5)) -> float:
    """How far from the half, in pounds, either of `two` may go: where sqrt(1 + u) + sqrt(1 - u) is 2 (1 - d)."""
    lost = within * (1 - np.sqrt(before).sum() / (2 * np.sqrt(MONEY / 2)))
    return MONEY / 2 * np.sqrt(1 - (2 * (1 - lost) ** 2 - 1) ** 2)


def ranges(found: Alternatives, kind: str) -> dict[str, tuple[float, float]]:
    rows = found.range[found.range["kind"] == kind]
    return {row.id: (row.least, row.most) for row in rows.itertuples()}


def test_ranges_by_hand():
    """Of two equal services either may have what the arithmetic says above half, and as much below it; the two
    plans at these ends are shown, each of which one prefers."""
    found = alternatives(two(), within=0.05, fallback="last year")
    far = furthest(0.05)
    for least, most in ranges(found, "programme").values():
        assert least == pytest.approx(MONEY / 2 - far, abs=5)
        assert most == pytest.approx(MONEY / 2 + far, abs=5)
    assert found.certified
    assert found.vetoed == ()
    ends = found.plans[found.plans["moved"] > far - 5]
    assert len(ends) == 2
    assert ends["below"].to_numpy() == pytest.approx(0.05, abs=1e-4)
    assert (ends[["prefer", "against"]] == 1).all(axis=None)
    assert found.shared <= found.noise
    assert any("without giving another less" in said for said in found.sentences)


def test_a_veto_ends_a_range():
    """A partner that had £450,000 before lets nobody take it below that, whatever the whole could bear."""
    before = (4.5e5, 2e5)
    found = alternatives(two(before), within=0.2, fallback="last year")
    least, most = ranges(found, "partner")["a"]
    assert least == pytest.approx(4.5e5, abs=5)
    assert most == pytest.approx(MONEY / 2 + furthest(0.2, before), abs=5)


def test_nothing_given_up_leaves_the_agreed_plan():
    """Where nothing may be given up and no other plan is as good, there is none to show, and ranges are next to
    points."""
    found = alternatives(two(), within=0.0, fallback="last year")
    assert not len(found.plans)
    assert (found.range["most"] - found.range["least"]).max() < ALIKE * MONEY
    assert any("No plan so near that nobody would veto differs" in said for said in found.sentences)


def test_ties_are_alternatives():
    """Two straight services of the same worth tie: with nothing given up one may have all that the other need not
    have."""
    lines = [line(name, f"service-{name}", 2e5) for name in "ab"]
    curves = [straight(f"service-{name}", "service", 1.0) for name in "ab"]
    rows = [benefit(name, "service") for name in "ab"]
    tied = make(lines, curves, MONEY, outcomes={"service": 1.0}, benefits=rows)
    found = alternatives(tied, within=0.0, fallback="last year")
    for least, most in ranges(found, "partner").values():
        assert (least, most) == pytest.approx((2e5, 8e5), abs=5)
    assert len(found.plans) == 2
    assert found.plans["below"].max() == pytest.approx(0, abs=1e-6)


def test_what_all_prefer():
    """Where partners count what the agreed outcome hardly does, a plan near the best gives all of them more: it comes
    first, and the agreed plan is said not to be their best."""
    lines = [line(name, what, spent) for name in "ab" for what, spent in (("care", 2e5), ("comfort", 5e2))]
    curves = [rooted("care", "health", 1.0, 1e6), rooted("comfort", "ease", 10.0, 1e4)]
    rows = [benefit(name, "ease", share=1.0, worth=10.0) for name in "ab"]
    made = make(lines, curves, MONEY, outcomes={"health": 1.0, "ease": 0.05}, benefits=rows)
    found = alternatives(made, within=0.1, fallback="last year")
    assert found.shared > found.noise
    assert found.plans["prefer"].iloc[0] == 2
    assert found.plans["against"].iloc[0] == 0
    assert any("not the best that partners could do" in said for said in found.sentences)


def test_nobody_agrees_so_near():
    """Both right gloves keep their own money, which costs far more than a hundredth: no plan is shown, and what it
    takes is said."""
    found = alternatives(workshop(3e5), within=0.01)
    assert set(found.vetoed) == {"a", "b"}
    assert not len(found.plans)
    assert not len(found.range)
    assert found.best - found.reachable == pytest.approx(4e5, abs=30)
    assert any("No plan so near was found" in said for said in found.sentences)
    enough = alternatives(workshop(3e5), within=min(1.0, found.least_within + 0.01))
    assert len(enough.range)


def test_an_aim_between_places_is_left_out():
    """Plans are held against the one that buys most, whatever aim the agreed plan follows."""
    rows = [{"partner": name, "outcome": "health", "own": 1.0, "share": 0.0, "worth": 1000.0}
            for name in ("northern", "southern")]  # fmt: skip
    aim = {"kind": "bottom-up", "view": "spend", "where": {"programmes": ["care"]}}
    found = alternatives(common_purse({"fair": aim}, benefits=rows), within=0.2, fallback="last year")
    assert found.best == pytest.approx(1800.0)
    assert found.agreed.value < found.best - 1
    assert len(found.plans)


def test_choices():
    """With yes/no choices plans are found as well, and keep them."""
    found = alternatives(majority(), within=0.5, fallback="last year")
    shop = found.spend[found.spend["programme"].str.startswith("workshop")]
    assert ((shop["spend"] == 0) | (shop["spend"] >= 1.5e5)).all()
    assert (shop.groupby("plan")["spend"].sum() <= 2e5).all()


def lawful(found: Alternatives, ground: Ground) -> None:
    """Every plan keeps every rule and floor in whole pounds, and tables say what its spending does."""
    problem, noise = ground.problem, ground.best.value * 1e-5
    for plan, rows in found.spend.groupby("plan"):
        spend = rows["spend"].to_numpy()
        assert (spend == np.round(spend)).all()
        flows = Flows(spend, np.zeros(len(problem.route_high)))
        assert not breaches(problem, flows, 1e-6)
        told = found.plans.set_index("plan").loc[plan]
        assert told["value"] == pytest.approx(problem.value(spend))
        assert told["value"] >= found.best - found.within * found.gain - noise
        mine = found.partners[found.partners["plan"] == plan]
        payoffs = ground.payoffs(flows)
        assert mine["payoff"].to_numpy() == pytest.approx(payoffs)
        assert (payoffs >= mine["fallback"] - 1e-4 * np.abs(mine["fallback"]) - 1).all()
        assert told["prefer"] == (mine["prefers"] > 0).sum()
        assert told["against"] == (mine["prefers"] < 0).sum()
        for kind in ("programme", "partner"):
            spent = rows.groupby(kind)["spend"].sum()
            for key, (least, most) in ranges(found, kind).items():
                assert least - 10 <= spent[key] <= most + 10


@given(systems((2, 3), everybody=True), st.sampled_from(["apart", "last year", "alone"]))
@settings(max_examples=5)
def test_every_plan_is_lawful_and_nobody_below(scenario, fallback):
    """On any system every plan is lawful in whole pounds, near the best, and leaves nobody below its fallback."""
    found = alternatives(scenario, within=0.05, count=3, fallback=fallback)
    lawful(found, Ground.of(scenario, fallback=fallback))
    assert found.sentences
    order = found.plans[["prefer", "value"]].to_numpy()
    assert (np.lexsort((-order[:, 1], -order[:, 0])) == np.arange(len(order))).all() if len(order) else True


@given(systems((2, 3), everybody=True))
@settings(max_examples=3)
def test_more_to_give_up_narrows_nothing(scenario):
    """What may be given up is wider: no range is narrower."""
    near, wide = (alternatives(scenario, within=within, count=1, fallback="last year") for within in (0.02, 0.1))
    slip = 2 * max(near.gap, wide.gap, 1e-5) * scenario.envelopes["amount"].sum()
    for kind in ("programme", "partner"):
        for key, (least, most) in ranges(near, kind).items():
            assert ranges(wide, kind)[key][0] <= least + slip
            assert ranges(wide, kind)[key][1] >= most - slip


def test_names_and_order_do_not_matter():
    """In another order, ranges and who prefers what stay as they are."""
    found, other = (alternatives(two((3e5, 2e5), swapped), fallback="last year") for swapped in (False, True))
    for kind in ("programme", "partner"):
        told = ranges(other, kind)
        assert {key: told[key] == pytest.approx(ends, abs=20) for key, ends in ranges(found, kind).items()}
    assert len(found.plans) == len(other.plans)


def test_nobody_waits():
    """Once nobody wants more, what was found stands, the rest is blank, and that is said."""
    found = alternatives(shared_good(), tick=lambda done, total: done < 3)
    assert not found.whole
    assert found.range["least"].isna().sum() == len(found.range) - 1
    assert any("stopped" in said for said in found.sentences)
    watch = al.Watch()
    watch.stop()
    assert alternatives(shared_good(), watch=watch).range["least"].isna().all()
    told = []
    alternatives(shared_good(), tick=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == list(range(len(told)))
    assert {total for _, total in told} == {len(told)}


def test_what_is_refused():
    """A part beyond nothing and all, no plans or too many, another fallback, and partners without benefits."""
    for wrong in ({"within": -0.1}, {"within": 1.5}, {"count": 0}, {"count": 51}, {"fallback": "none"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            alternatives(two(), **wrong)
    with pytest.raises(al.ScenarioError):
        alternatives(shared_good(benefits=[benefit("a", "service")]))


def test_coventry_and_warwickshire():
    """On a real system plans near the best are found and proved, and leave nobody below its fallback."""
    scenario = al.read("scenarios/coventry-warwickshire")
    found = alternatives(scenario, within=0.03, count=3)
    assert found.certified
    assert found.whole
    assert len(found.plans) == 3
    assert found.vetoed
    for row in found.partners.itertuples():
        assert row.payoff >= row.fallback - 100
    assert not {"dual", "nash", "leximin", "equilibrium"} & set(" ".join(found.sentences).lower().split())
