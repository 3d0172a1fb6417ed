"""Several criteria side by side: each as solving it alone finds it, and what all agree on counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
from allocate.plan.aim import with_aim
from allocate.plan.lenses import SUMMARY
from tests.engine.test_frontier import WORST, roots

SPEND = {"kind": "bottom-up", "view": "spend"}
USUAL = ["most benefit", "balanced", "worst-off fifth", "bottom up", "towards fair share", "towards equal spending"]


@pytest.fixture(scope="module")
def found(tiny) -> al.Lenses:
    return al.lenses(tiny)


def test_the_usual_lenses(tiny, found):
    """Six lenses where money goes by need, each the plan that its aim solves to, and a row of measures for each."""
    assert list(found.plans) == list(found.summary["lens"]) == USUAL
    assert list(found.summary.columns) == SUMMARY
    alone = al.solve(with_aim(tiny, SPEND))
    mine = found.plans["towards equal spending"]
    assert mine.spend["spend"].tolist() == alone.spend["spend"].tolist()
    row = found.summary.set_index("lens").loc["towards equal spending"]
    assert (row["value"], row["given_up"], row["score"]) == (alone.value, alone.given_up, alone.aim.reached)
    assert (row["said"], row["gini_spend"], row["moved"], row["why"]) == ("£100.00 a head", 0.0, 60_000, "")
    first = found.summary.iloc[0]
    assert (first["given_up"], first["moved"], first["sentence"], first["lose"]) == (0, 0, "", 1)
    assert np.isnan(first["score"])


def test_places_and_partners_by_hand(found):
    """Where spending for each person is equal, North has four tenths of the million; the Trust has all care money."""
    places = found.places.set_index(["lens", "place"]).loc["towards equal spending"]
    assert places["spend"].to_dict() == {"north": 400_000, "south": 600_000}
    assert places["change"].to_dict() == {"north": 55_000, "south": 55_000}
    assert places["per_head"].tolist() == [100, 100]
    gained = found.plans["towards equal spending"].gains.groupby("place")["change"].sum()
    assert places["gain"].to_numpy() == pytest.approx(gained.to_numpy() * 1000 / np.array([4000, 6000]))
    partners = found.partners[found.partners["partner"] == "trust"]
    assert partners["spend"].tolist() == [900_000] * 6
    assert set(partners["name"]) == {"The Trust"}


def test_what_all_agree_on(found):
    """Of each line the part of the change that every lens makes: the least rise, the least fall, or nothing."""
    changes = np.array([plan.spend["change"] for plan in found.plans.values()])
    table = found.agreed
    assert table["least"].tolist() == changes.min(axis=0).tolist()
    assert table["most"].tolist() == changes.max(axis=0).tolist()
    assert table["agreed"].tolist() == [15_000, -5_000, changes[:, 2].min(), 0]
    assert table["share"].iloc[0] == 1
    assert found.agreed_pounds == 20_000 + changes[:, 2].min()
    assert found.agreed_share == pytest.approx(found.agreed_pounds / np.abs(changes).sum(axis=1).mean())


def test_sentences(found):
    """What all agree on, where they part, and what each gives up."""
    agreed, parting, prices = found.sentences
    assert agreed.startswith("All 6 lenses make £")
    assert "Prevention in North +£15,000 and Prevention in South −£5,000." in agreed
    assert parting.startswith("They part most over North: £")
    assert "“towards equal spending” 3.6%" in prices


def test_ones_own(tiny):
    """The scenario's aim in force is the last lens, and its view that of the others; none gives up more than said."""
    own = with_aim(tiny, SPEND | {"give_up": 0.01})
    found = al.lenses(own, give_up=0.02)
    assert list(found.plans) == [*USUAL, "as agreed"]
    assert found.plans["as agreed"].given_up == pytest.approx(0.01, rel=1e-3)
    assert found.plans["balanced"].aim.rule.view == "spend"
    assert (found.summary["given_up"] <= 0.02 + 1e-5).all()


def test_lenses_of_ones_own(tiny):
    """Other lenses go by the names they are given, after the most benefit; one that is no aim is refused."""
    found = al.lenses(tiny, {"spending": SPEND})
    assert list(found.plans) == ["most benefit", "spending"]
    with pytest.raises(al.ScenarioError):
        al.lenses(tiny, {"spending": {"kind": "floor"}})


def test_a_lens_that_means_nothing():
    """Where some place can gain nothing, to balance gains means nothing: the lens has a reason in place of a plan."""
    base = roots(2.0, 1.0).change({"lines.body.b.care.pot.2026.high": 0})
    found = al.lenses(base, {"gains": {"kind": "balanced", "view": "gain"}, "worst": WORST})
    assert list(found.plans) == ["most benefit", "worst"]
    assert "leaves every place above nothing" in found.why["gains"]
    row = found.summary.set_index("lens").loc["gains"]
    assert row["why"] == found.why["gains"]
    assert any("“gains” has no plan" in sentence for sentence in found.sentences)


def test_stopping_and_what_cannot_hold(tiny):
    """Once the tick says False the lenses left are left out; rules that clash raise."""
    found = al.lenses(tiny, tick=lambda done, total: done < 2)
    assert list(found.plans) == USUAL[:2]
    with pytest.raises(al.NoPlan):
        al.lenses(tiny.change({"envelopes.core": 700_000}))
