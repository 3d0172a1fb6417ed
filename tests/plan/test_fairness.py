"""How fairly a plan treats places: views and measures, against today and against another plan."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
import pandas as pd
import pytest

import allocate as al
from allocate.plan.fairness import fairness_in_words, views
from allocate.rules.inequality import gini
from allocate.scenario.curves import Curves
from tests.conftest import SCENARIOS
from tests.rules.examples import two_years
from tests.scenario.breaking import put

# Tiny: North 4,000 people (4,500 by need) spends £460,000, was £345,000; South 6,000 (5,500) £540,000, was £545,000.
NORTH, SOUTH = F(460_000, 4500), F(540_000, 5500)
NORTH_WAS, SOUTH_WAS = F(345_000, 4500), F(545_000, 5500)


def row(table: pd.DataFrame, view: str, measure: str) -> pd.Series:
    return table.set_index(["view", "measure"]).loc[(view, measure)]


def two(north: F, south: F) -> F:
    """The Gini of two places that hold £1m together (less £0.11m today) by people by need."""
    parts = F(45, 100), F(55, 100)
    return parts[0] * parts[1] * abs(north - south) / (parts[0] * north + parts[1] * south)


def test_views_by_hand(plan):
    """Every view of tiny is what its tables say: pounds and years over people, and money by need over fair share."""
    table = views(plan).set_index(["view", "place"])
    assert list(views(plan).columns) == ["view", "title", "place", "people", "today", "value", "unit", "reason"]
    assert table.loc[("spend", "north"), ["people", "today", "value"]].tolist() == [4000, 86.25, 115]
    found = table.loc[("weighted-spend", "south"), ["people", "today", "value"]].tolist()
    assert found == pytest.approx([5500, float(SOUTH_WAS), float(SOUTH)])
    found = table.loc[("fair-share", "north"), ["people", "today", "value"]].tolist()
    assert found == pytest.approx([4500, 300 / (0.45 * 800), 400 / (0.45 * 900)])
    gains = plan.gains.groupby("place")[["baseline_gain", "gain"]].sum()
    for place, people in (("north", 4.0), ("south", 6.0)):
        level, gain = table.loc[("level", place)], table.loc[("gain", place)]
        assert (level["today"], level["value"]) == pytest.approx(tuple(gains.loc[place] / people))
        assert (gain["today"], gain["value"]) == (0, pytest.approx(level["value"] - level["today"]))
    assert set(table["unit"]) == {"£ a head", "of fair share", "years for 1,000 people"}
    assert set(table["reason"]) == {""}


def test_measures_by_hand(plan):
    """Spending per weighted head in tiny comes nearer together: the Gini and the ratio are exact fractions."""
    table = al.fairness(plan)
    found = row(table, "weighted-spend", "gini")
    assert (found["today"], found["value"]) == pytest.approx(
        (float(two(NORTH_WAS, SOUTH_WAS)), float(two(NORTH, SOUTH)))
    )
    assert found["change"] == found["value"] - found["today"]
    assert (found["verdict"], found["unit"], found["reason"]) == ("more equal", "index", "")
    assert found["moved"] == "North gains most (+£25.56 a head) and South loses most (−£0.91 a head)"
    ratio = row(table, "weighted-spend", "best-to-worst")
    assert (ratio["today"], ratio["value"]) == pytest.approx((float(SOUTH_WAS / NORTH_WAS), float(NORTH / SOUTH)))
    worst = row(table, "weighted-spend", "worst-fifth")
    assert (worst["today"], worst["value"]) == pytest.approx((float(NORTH_WAS), float(SOUTH)))
    assert (worst["verdict"], worst["unit"]) == ("higher", "£ a head")
    assert row(table, "spend", "gini")["verdict"] == "less equal"
    assert row(table, "level", "mcloone")["verdict"] == "the same"


def test_words(plan):
    """Each view is told in a sentence, with what it was, and a view without an index says why."""
    said = fairness_in_words(plan)
    assert said[1] == (
        "Spending per weighted head: the best-off place has 1.04 times the worst-off; Gini 0.01, was 0.0624. North "
        "gains most (+£25.56 a head) and South loses most (−£0.91 a head)."
    )
    assert said[-1] == (
        "Agreed outcome for 1,000 people, gain since today: no index, because in this plan some values are below "
        "nothing, of which nobody can hold a part; the worst-off fifth of people have −0.713 years for 1,000 people. "
        "North gains most (+29.4 years for 1,000 people) and South loses most (−0.713 years for 1,000 people)."
    )


def test_blanks_have_their_reason(plan):
    """An index of gains is blank where a place loses, with the reason; the mean of the worst-off is told."""
    table = al.fairness(plan)
    mine = table[table["view"] == "gain"].set_index("measure")
    means = ["worst-fifth"]
    assert mine.drop(index=means)["value"].isna().all()
    assert mine.drop(index=means)["reason"].str.contains("below").all()
    assert (mine["verdict"] == "").tolist() == [name not in means for name in mine.index]
    assert mine.loc["worst-fifth", "value"] == pytest.approx(views(plan).query("view == 'gain'")["value"].min())
    others = table[table["view"] != "gain"]
    assert others["value"].notna().all()
    assert set(others["reason"]) == {""}


def test_a_real_system(system):
    """Of four places with curves that count from a reference no level is told; gains are, outcome by outcome; and what
    is spent for the system as a whole is said to be in no view."""
    table = al.fairness(system)
    levels = table["view"].str.startswith("level")
    assert table.loc[levels, "value"].isna().all()
    assert table.loc[levels, "reason"].str.startswith("some curves count from a reference").all()
    assert table.loc[~levels, "value"].notna().all()
    assert {"gain", "gain.health", "gain.prevention", "gain.care"} <= set(table["view"])
    said = fairness_in_words(system)
    assert not [sentence for sentence in said if "reference" in sentence]
    assert said[-1] == "£20.9m is spent for Coventry and Warwickshire as a whole, and stands in no view."
    mine = views(system).query("view == 'weighted-spend'")
    assert set(mine["place"]) == {"coventry", "rugby", "south-warwickshire", "warwickshire-north"}
    assert row(table, "weighted-spend", "gini")["value"] == gini(mine["value"], mine["people"])
    gained = views(system).query("view == 'gain'")
    assert (gained["value"] * gained["people"]).sum() / 1000 == pytest.approx(
        system.gains["change"].sum(), rel=1e-9
    )  # every weight is 1, and no curve leads outside these places


def test_recomputed_from_spending(plan):
    """Outcomes for 1,000 people are what the exact curves say of the plan's spending, not what a solver said."""
    scenario, curves = plan.scenario, Curves.of(plan.scenario)
    gain = curves.gain(curves.effort(plan.spend["spend"].to_numpy()))
    north = gain[(scenario.curves["place"] == "north").to_numpy()].sum()
    mine = views(plan).set_index(["view", "place"])
    assert mine.loc[("level", "north"), "value"] == pytest.approx(1000 * north / 4000, rel=1e-12)


def test_against_another_plan(tiny, plan):
    """With another plan, both are shown beside today, and change, verdict and who gains are measured from it."""
    even = al.solve(tiny.change({"rules.even": {
        "kind": "ratio", "owner": "board", "where": {"programmes": ["care"]}, "by": "need", "at_most": 1,
    }}))  # fmt: skip
    table = al.fairness(even, against=plan)
    found = row(table, "fair-share", "gini")
    assert list(table.columns)[5:8] == ["today", "against", "value"]
    assert found["against"] == row(al.fairness(plan), "fair-share", "gini")["value"]
    assert found["value"] == pytest.approx(0, abs=1e-5)
    assert found["change"] == found["value"] - found["against"]
    assert found["verdict"] == "more equal"
    assert found["moved"] == "North gains most (+1.2% of fair share) and South loses most (−1.0% of fair share)"
    assert "was 0.075 (0.00556 in the other plan)" in fairness_in_words(even, against=plan)[2]
    same = al.fairness(plan, against=plan)
    assert set(same["verdict"]) <= {"the same", ""}
    assert set(same["moved"]) == {"No place gains or loses"}


def test_unlike_plans_are_refused(plan, system):
    """Plans of other places are not set against each other."""
    with pytest.raises(al.Unlike):
        al.fairness(plan, against=system)


def test_years(folder):
    """The last year is told unless another is asked for, and a year that is none is refused."""
    plan = al.solve(two_years(folder))
    pd.testing.assert_frame_equal(al.fairness(plan), al.fairness(plan, year="2027/28"))
    spend = plan.by("place", "year").set_index(["place", "year"])["spend"]
    for year in plan.scenario.years:
        mine = views(plan, year=year).set_index(["view", "place"])
        assert mine.loc[("spend", "north"), "value"] == spend["north", year] / 4000
    with pytest.raises(ValueError, match="'2030' is not one of the years"):
        al.fairness(plan, year="2030")


def test_without_need(tiny):
    """Where no need is known, the views by need are left out; where one place's is not, they are blank with the reason,
    and so is the view that the other plan lacks."""
    none = al.solve(tiny.change({"envelopes.core.by_need": "no", "places.*.need": None}))
    assert set(al.fairness(none)["view"]) == {"spend", "level", "gain"}
    one = al.solve(tiny.change({"envelopes.core.by_need": "no", "places.north.need": None}))
    table = al.fairness(one, against=none)
    mine = table[table["view"] == "weighted-spend"]
    assert mine[["today", "against", "value"]].isna().all(axis=None)
    assert mine["reason"].str.contains("in this plan some values are not known").all()
    assert mine["reason"].str.contains("in the other plan it has no such view").all()


def test_names_and_order_change_nothing(plan, folder):
    """Places under other names give the same numbers."""
    put("places.csv", "north,North", "north,Zennor")(folder)
    other = al.fairness(al.solve(al.read(folder)))
    numbers = ["today", "value", "change"]
    pd.testing.assert_frame_equal(other[numbers], al.fairness(plan)[numbers])
    assert "Zennor gains most" in other["moved"][0]


def test_aversion(plan):
    """More aversion to inequality never lowers Atkinson's index nor raises the amount as good; below 0 is refused."""
    found = [al.fairness(plan, epsilon=epsilon) for epsilon in (0, 0.5, 1, 2, 11)]
    index = [row(table, "weighted-spend", "atkinson")["value"] for table in found]
    amount = [row(table, "weighted-spend", "equally-distributed")["value"] for table in found]
    assert index[0] == pytest.approx(0, abs=1e-15)
    assert index == sorted(index)
    assert amount == sorted(amount, reverse=True)
    np.testing.assert_allclose(np.array(amount) / amount[0], 1 - np.array(index), rtol=1e-12)
    with pytest.raises(ValueError, match="aversion"):
        al.fairness(plan, epsilon=-1)


@pytest.mark.parametrize("name", ["participatory-budget", "health-benefits-package"])
def test_other_worlds(name):
    """Scenarios of another kind are measured too: every row has a number or a reason, and words are written."""
    plan = al.solve(al.read(SCENARIOS / name))
    table = al.fairness(plan)
    assert (table["value"].notna() | (table["reason"] != "")).all()
    assert all(sentence.endswith(".") for sentence in fairness_in_words(plan))
    assert plan.scenario.heading.currency in views(plan)["unit"].iloc[0]
