"""Terms of a deal: rates, matching, open books and untruths, worked out by hand and on any system."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.commons.apart.equilibrium import TOLERANCE, Reply, settle
from allocate.commons.terms.gaming import BEFORE, BENEFITS
from allocate.commons.terms.paying import on_others
from allocate.commons.terms.terms import LEVELLED, MATCHING, NONE, OPEN, RATES, TODAY
from tests.commons.games import benefit, common_purse, line, shared_good, straight, systems, workshop
from tests.engine.making import make


def first_only(done: int, total: int) -> bool:
    """Two partners' choices, and no untruths."""
    return done < 2


def scheme(found: al.Terms, name: str) -> pd.DataFrame:
    """The rows of one scheme, by partner."""
    return found.alignment[found.alignment["scheme"] == name].set_index("partner")


def by_programme(table: pd.DataFrame, partner: str, column: str) -> dict[str, float]:
    rows = table[table["partner"] == partner]
    return dict(zip(rows["programme"], rows[column], strict=True))


def test_a_shared_good_by_hand():
    """Of £2m £1.6m goes to prevention, of whose last pound each has 50p: unpaid each alone would spend nothing on it
    and gain 400,000 sqrt 8 - 800,000; at 50p a pound, half matched, or by open books, it stays."""
    found = al.terms(shared_good(), tick=first_only)
    rates = found.rates
    assert by_programme(rates, "a", "plan") == pytest.approx({"prevention": 8e5, "service-a": 2e5}, abs=20)
    assert by_programme(rates, "a", "alone") == pytest.approx({"prevention": 0, "service-a": 1e6}, abs=2)
    assert by_programme(rates, "b", "rate") == pytest.approx({"prevention": 0.5, "service-b": 0}, abs=1e-5)
    assert rates["reply"].to_numpy() == pytest.approx(rates["plan"].to_numpy(), abs=2000)
    assert rates["matches"].all()
    assert scheme(found, TODAY)["regret"].to_numpy() == pytest.approx(4e5 * np.sqrt(8) - 8e5, abs=30)
    for name in (RATES, MATCHING, OPEN):
        assert scheme(found, name)["share"].max() <= 1e-6
    assert by_programme(found.matching, "a", "match") == pytest.approx({"prevention": 0.5, "service-a": 0}, abs=1e-6)
    # As a levy: what a pound of the service costs against one of prevention, nothing on the plan as a whole.
    levy = by_programme(found.matching, "a", "levy")
    assert levy == pytest.approx({"prevention": -0.1, "service-a": 0.4}, abs=1e-4)
    partners = found.partners
    assert partners["least"].to_numpy() == pytest.approx(-2e5, abs=30)
    assert partners["most"].to_numpy() == pytest.approx(2e5, abs=30)
    assert partners["matched"].to_numpy() == pytest.approx(4e5, abs=10)
    payment = found.payment("a", "prevention")
    assert payment.pays(payment.plan) == 0
    assert payment.pays(payment.plan + 1000) == pytest.approx(500, abs=0.1)


def test_unlike_parts_by_hand():
    """Where three quarters of prevention lands on one and a quarter on the other, a pool pays the first a quarter of
    each pound and the second three: then both want the £1.6m that all want."""
    rows = [benefit(name, "service") for name in ("a", "b")]
    rows += [benefit("a", "health", own=0.75, share=0.75), benefit("b", "health", own=0.25, share=0.25)]
    found = al.terms(shared_good(benefits=rows), tick=first_only)
    match = found.matching.set_index(["partner", "programme"])["match"]
    assert match["a", "prevention"] == pytest.approx(0.25, abs=1e-6)
    assert match["b", "prevention"] == pytest.approx(0.75, abs=1e-6)
    assert found.rates.query("programme == 'prevention'")["plan"].sum() == pytest.approx(1.6e6, abs=40)
    assert scheme(found, MATCHING)["share"].max() <= 1e-6
    assert scheme(found, TODAY)["regret"].min() > 5e4
    # Paid in fixed sums, what is matched comes back, and payments add up to nothing.
    assert found.partners["contributes"].sum() == pytest.approx(found.partners["matched"].sum())
    assert found.partners["payment"].sum() == pytest.approx(0, abs=1e-6)


def test_the_price_of_a_corner():
    """At a corner of a curve the last pound is worth 1.5 to all and the next 0.5, and elsewhere a pound is worth 1: the
    rate is the other's half of that 1, at which each stays; its half of either slope would do no more than tie."""
    clinic = {"place": "town", "programme": "clinic", "outcome": "health"}
    corners = ((0, 0), (1e5, 1.5e5), (2e5, 2e5))
    points = [clinic | {"year": "2026", "spend": spend, "gain": gain} for spend, gain in corners]
    lines = [line(name, what, 5e4, f"pot-{name}") for name in "ab" for what in (f"service-{name}", "clinic")]
    curves = [straight(f"service-{name}", "service", 1.0) for name in "ab"]
    curves.append(clinic | {"shape": "points"})
    rows = [benefit(name, "service") for name in "ab"] + [benefit(name, "health", 0.5, 0.5) for name in "ab"]
    scenario = make(lines, curves, {"pot-a": 1e5, "pot-b": 1e5}, None, {"service": 1.0, "health": 1.0},
                    benefits=rows, curve_points=points)  # fmt: skip
    found = al.terms(scenario, tick=first_only)
    assert by_programme(found.rates, "a", "rate") == pytest.approx({"clinic": 0.5, "service-a": 0})
    assert by_programme(found.rates, "a", "alone")["clinic"] == 0
    assert found.rates["matches"].all()


@pytest.mark.parametrize(("a", "w", "n", "levy"), [(23.0, 5.0, 8, 7.875), (10.0, 2.0, 2, 2.0), (13.0, 1.0, 3, 4.0)])
def test_the_levy_of_a_commons(a, w, n, levy):
    """In a commons that returns a X - b X^2 in proportion, each unit's damage to others at the optimum is
    (a - w)(n - 1) / 2n; charged that, players who reply in turn end at what is best for all: 36 tokens in the
    laboratory (Ostrom, Gardner and Walker 1994)."""
    b = 0.25
    best = (a - w) / (2 * b)
    each = best / n
    # What a unit more by one does to every player: its return falls for all by b a unit; its own is one unit more.
    marginal = np.full((n, n), -b * each) + np.eye(n) * (a - b * best - w)
    found = -on_others(marginal, np.arange(n))
    assert found == pytest.approx(np.full(n, (a - w) * (n - 1) / (2 * n)))
    assert found == pytest.approx(np.full(n, levy))

    def reply(player: str, taken: np.ndarray) -> Reply[np.ndarray]:
        k = int(player)
        others = taken.sum() - taken[k]
        most = max(0.0, (a - w - levy - b * others) / (2 * b))
        gain = b * (most - taken[k]) ** 2
        return Reply(np.where(np.arange(n) == k, most, taken), gain, gain, 1.0)

    end = settle(np.zeros(n), [str(k) for k in range(n)], reply, least=1e-9)
    assert end.still
    assert end.profile.sum() == pytest.approx(best, abs=1e-3)


def test_effort_that_nobody_sees():
    """With a share s of its fruit a partner that pays for its effort with the square of it makes s of the best effort,
    and (1 - s)^2 of what that would add is lost (Holmstrom 1982): three quarters of the gain are left to equal two."""
    found = al.terms(shared_good(), share={"a": 0.25, "b": 0.75}, tick=first_only)
    tried = np.linspace(0, 1, 100_001)
    for row, s in zip(found.effort.itertuples(), (0.25, 0.75), strict=True):
        made = tried[np.argmax(s * tried - tried**2 / 2)]
        assert row.effort == pytest.approx(made, abs=1e-5)
        assert row.kept == pytest.approx((made - made**2 / 2) / 0.5 * found.gain / 2, abs=1)
    equal = al.terms(shared_good(), tick=first_only)
    assert equal.effort["kept"].sum() == pytest.approx(0.75 * equal.gain)
    # Unlike shares do worse still.
    assert found.effort["lost"].sum() > equal.effort["lost"].sum()


def test_untruths_by_hand():
    """Each has £200,000 more by the plan: by saying a tenth less of its benefits it seems to have £20,000 less to
    share, of which the other bears half; what one gains another loses, and saying more costs it the same."""
    found = al.terms(shared_good())
    said = found.gaming[found.gaming["stated"] == BENEFITS].set_index(["partner", "by"])
    assert said.loc[("a", -0.1), "gains"] == pytest.approx(1e4, abs=2)
    assert said.loc[("a", 0.1), "gains"] == pytest.approx(-1e4, abs=2)
    assert said.loc[("a", -0.1), "notices"] == "b"
    assert said.loc[("a", 0.1), "notices"] == ""
    assert (said["gains"] + said["others"]).to_numpy() == pytest.approx(0, abs=1e-6)
    assert found.whole
    assert any("A would gain £10,000 by saying less, and others lose £10,000" in each for each in found.sentences)


def test_what_it_spent_before():
    """Who says that its lines spent more before has more of a shared purse where everybody is apart, at the expense of
    the others; where rules then leave no plan that is told, and not what it would gain."""
    rows = [benefit(name, "health", worth=1000.0) for name in ("northern", "southern")]
    found = al.terms(common_purse(benefits=rows))
    said = found.gaming[found.gaming["stated"] == BEFORE]
    assert (said["gains"] > 1000).all()
    assert (said["others"] < 0).all()
    band = {"held": {"kind": "band", "each": "line", "down": 0.0, "where": {"programmes": ["care"]}}}
    tight = al.terms(common_purse(band, benefits=rows), overstate=0.9)
    assert tight.gaming[tight.gaming["stated"] == BEFORE]["gains"].isna().all()


def test_when_there_is_nothing_to_hold():
    """Where nobody would leave the plan that is said, and no rates are."""
    found = al.terms(workshop(), tick=lambda done, total: done < 3)
    assert scheme(found, TODAY)["still"].all()
    assert "needs no terms" in found.sentences[0]
    assert not any("Paid for every pound" in each for each in found.sentences)


def test_nobody_waits():
    """Once nobody wants more, what was asked stands and the rest is said to be missing."""
    told = []
    al.terms(shared_good(), tick=lambda done, total: told.append((done, total)))
    assert told == [(done, 4) for done in range(4)]
    watch = al.Watch()
    watch.stop()
    for found in (al.terms(shared_good(), watch=watch), al.terms(shared_good(), tick=lambda done, total: False)):
        assert not found.whole
        assert not len(found.alignment)
        assert "It was stopped: not every partner was asked everything." in found.sentences
    assert set(found.tables()) == {"alignment", "rates", "matching", "partners", "effort", "gaming"}


def test_what_is_refused():
    """Everything wrong with what was asked is told at once."""
    with pytest.raises(ValueError, match=r"overstate: 1\.5") as refused:
        al.terms(shared_good(), share={"a": 0.0, "c": 0.5}, overstate=1.5)
    for part in ("share: b has none", "share: 'c' is no partner", "share of a: 0.0", "share: 0.5 in all"):
        assert part in str(refused.value)
    with pytest.raises(ValueError, match="fallback must be one of"):
        al.terms(shared_good(), fallback="none")
    with pytest.raises(al.ScenarioError):
        al.terms(common_purse())
    found = al.terms(shared_good(), tick=first_only)
    with pytest.raises(ValueError, match="programme 'care': 0 rows of rates, expected 1"):
        found.payment("a", "care")


def test_a_plan_that_no_rate_holds():
    """Where a reply is not the plan the sentence says for whom, and why."""
    found = al.terms(shared_good(), tick=first_only)
    rates = found.rates.assign(matches=found.rates["partner"] == "a", why=NONE)
    said = " ".join(replace(found, rates=rates).sentences)
    assert f"on 2 of 4 services. For B {NONE}." in said


@st.composite
def agreed(draw) -> al.Scenario:
    """Systems whose agreed outcome counts what lands on all: shares of each outcome that add up, and the same worth."""
    scenario = draw(systems(players=(2, 3), everybody=True))
    count = len(scenario.table("benefits")) // 2
    part = st.floats(0.0, 1.0)
    changes = {}
    for outcome in ("service", "health"):
        own, worth = round(0.1 + draw(part) * 0.4, 3), round(draw(st.floats(0.1, 10.0)), 3)
        shares = [round(draw(part) * 0.5 / count, 3) for _ in range(count)]
        for k, share in enumerate(shares):
            row = f"benefits.p{k}.{outcome}."
            changes |= {f"{row}.own": round(share + own, 3), f"{row}.share": share, f"{row}.worth": worth}
        changes[f"outcomes.{outcome}.weight"] = worth * (sum(shares) + own)
    return scenario.change(changes)


@settings(max_examples=4)
@given(agreed())
def test_open_books_hold_the_plan(scenario):
    """Where the agreed outcome is what lands on all, nobody leaves the plan with open books, nor where it is paid what
    its spending does for others; both checked by solving each one's own problem again."""
    found = al.terms(scenario, tick=lambda done, total: done < total // 2)
    assert found.short <= found.noise
    assert scheme(found, OPEN)["share"].max() <= TOLERANCE
    assert scheme(found, RATES)["share"].max() <= TOLERANCE


@settings(max_examples=3)
@given(systems(players=(2, 3), everybody=True))
def test_what_holds_on_any_system(scenario):
    """With open books nobody gains more by leaving than its share of what another plan lands more; payments and fixed
    sums add up to nothing; rates that match hold the plan."""
    found = al.terms(scenario, tick=lambda done, total: done < total // 2)
    partners, players = found.partners, len(found.partners)
    size = abs(partners["together"]).sum() + 1.0
    assert (scheme(found, OPEN)["regret"] <= found.short / players + found.noise).all()
    assert partners["payment"].sum() == pytest.approx(0, abs=1e-6 * size)
    assert partners["fixed"].sum() == pytest.approx(0, abs=1e-6 * size)
    if found.gain >= 0:
        assert (partners["payment"] >= partners["least"] - 1e-6 * size).all()
        assert (partners["payment"] <= partners["most"] + 1e-6 * size).all()
    held = found.rates.groupby("partner")["matches"].all()
    assert scheme(found, RATES).loc[held[held].index, "still"].all()
    assert found.rates["rate"].min() >= 0
    assert set(found.rates["why"]) <= {"", LEVELLED, NONE, "other spending is as good for it"}
