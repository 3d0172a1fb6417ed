"""Switch points: answers worked out by hand, and what must hold on any system."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import allocate as al
from allocate import controls
from allocate.commons.apart.ground import Ground
from allocate.commons.apart.switching import CLOSE, NOT_ASKED, SCALE
from tests.commons.games import benefit, common_purse, line, rooted, straight, systems
from tests.engine.making import make

RULE = "nine times as much"
OWN, SHARE, WORTH = (f"benefits.{key}" for key in ("a.health..own", "b.health..share", "b.health..worth"))


def neighbour(own: float = 0.5, share: float = 0.4, outside: str = "council") -> al.Scenario:
    """One partner with £2m for a service of its own at £1 a pound, or for prevention, of whose worth of 800,000
    sqrt(x / 100,000) half lands on it and two fifths on a neighbour, which buys a service of its own.

    Where w lands on the buyer it spends 1.6m w^2 on prevention, and together it is 1.6m: together adds 1.6m (1 - w)^2.
    Of that the neighbour, on whom v lands, gains 3.2m v (1 - w), and the buyer loses 1.6m (1 - w)^2.
    """
    lines = [
        line("a", "service-a", 1.9e6, "pot-a"), line("a", "prevention", 1e5, "pot-a"),
        line("b", "service-b", 1e6, "pot-b"),
    ]  # fmt: skip
    curves = [straight(f"service-{name}", "service", 1.0) for name in "ab"]
    curves.append(rooted("prevention", "health", 4.0, 1e5))
    rows = [
        benefit("a", "service"), benefit("b", "service"), benefit("a", "health", own), benefit("b", "health", 0, share)
    ]  # fmt: skip
    partners = [{"id": name, "name": name.upper(), "kind": kind} for name, kind in (("a", "trust"), ("b", outside))]
    return make(
        lines, curves, {"pot-a": 2e6, "pot-b": 1e6}, None, {"service": 1.0, "health": 1.0}, benefits=rows,
        partners=[*partners, {"id": "body", "name": "Body", "kind": "icb"}],
    )  # fmt: skip


@pytest.fixture(scope="module")
def found() -> al.SwitchPoints:
    scenario = neighbour()
    told = {RULE: controls.prescription(scenario, "prevention", 8.0)}
    return al.switch_points(scenario, told=told, worth=0.02, rows=True)


def point(found: al.SwitchPoints, figure: str, kind: str, of: str = "") -> pd.Series:
    """The one row of a figure and an answer."""
    table = found.points
    (row,) = table[(table["figure"] == figure) & (table["kind"] == kind) & (table["of"] == of)].to_dict("records")
    return pd.Series(row)


def near(value: float) -> object:
    """Within how near switch points are closed in upon."""
    return pytest.approx(value, rel=1.2 * CLOSE)


def test_headlines_by_hand(found):
    """What together adds, what there is to share and who would sign are as worked out, each with its margin."""
    margins = {(row.kind, row.of): (row.answer, row.margin) for row in found.headlines.itertuples()}
    assert margins["together", ""] == (True, pytest.approx(4e5, abs=60))
    assert margins["told", RULE] == (True, pytest.approx(3e5, abs=60))
    assert margins["gain", ""] == (True, pytest.approx(2.4e5, abs=60))
    assert margins["signs", "a"] == (False, pytest.approx(-4e5, abs=60))
    assert margins["signs", "b"] == (True, pytest.approx(6.4e5, abs=60))
    assert found.certified
    assert found.complete


def test_switch_points_by_hand(found):
    """The nearest values at which an answer turns over are where two lines worked out by hand cross."""
    # What lands on the neighbour no more lands on the buyer: w = 0.9 - v, and the gain to share is nothing at w = 0.8.
    share = point(found, SHARE, "gain")
    assert (share["down"], share["factor_down"]) == (near(0.1), near(0.25))
    # Where partners are alone what a prescription buys is reached at 1 - w = 0.25, and 92,000 is worth having.
    assert point(found, SHARE, "told", RULE)["down"] == near(0.15)
    assert point(found, SHARE, "together")["down"] == near(0.9 - (1 - np.sqrt(0.0575)))
    # With v = 0.4 there is nothing to share where w = 0.2; what the neighbour counts changes no plan.
    assert point(found, OWN, "gain")["down"] == near(0.2)
    assert point(found, WORTH, "gain")["down"] == near(0.625)
    assert point(found, "shares of council", "told", RULE)["down"] == near(0.375)
    # Where all counts so many times as much to whoever buys it, plans stay, and so does what the neighbour gains.
    assert np.isnan(point(found, "every own", "gain")["down"])


def test_what_no_figure_changes(found):
    """Where no value within the range turns an answer over, the point is blank and says in which range."""
    for figure in (SHARE, OWN, WORTH):
        row = point(found, figure, "signs", "a")
        assert np.isnan([row["down"], row["up"]]).all()
        assert "no other answer found" in row["why"]
    everything = found.points[found.points["figure"] == "every worth"]
    assert everything[["down", "up"]].isna().all(axis=None)
    assert set(everything["why"]) == {SCALE}


def test_ranges_that_add_up(found):
    """A share goes up to where nothing is left to the buyer, an own part to where all lands once, a worth to four
    times, and what moves together down to a quarter."""
    ends = found.points.groupby("figure")[["lowest", "highest"]].first()
    assert list(ends.loc[SHARE]) == pytest.approx([0.0, 0.9])
    assert list(ends.loc[OWN]) == pytest.approx([0.0, 0.6])
    assert list(ends.loc[WORTH]) == pytest.approx([0.25, 4.0])
    assert list(ends.loc["shares of council"]) == pytest.approx([0.25, 2.25])


def test_sentences(found):
    """Each answer is followed by the nearest figure that would change it, or by the word that none does."""
    said = " ".join(found.sentences)
    assert said.startswith("The nearest figure that would change who signs is what A counts of the “Service”")
    assert "There is £240,000 to share. The nearest figure that would change that is what" in said
    assert "(assumed)" in said
    assert "between the values tried an answer may change and change back" in said
    assert "16 figures were looked at" in said
    robust = al.switch_points(neighbour(), told={}, tick=lambda done, total: False)
    assert "worth having, and none of the figures looked at, moved by itself, changes that." in " ".join(
        robust.sentences
    )


def test_last_year_as_the_fallback():
    """Against last year what each gains is a straight line in every figure: the buyer would sign where w is 0.625."""
    found = al.switch_points(neighbour(), fallback="last year", told={}, rows=True)
    assert point(found, SHARE, "signs", "a")["down"] == near(0.275)
    assert np.isnan(point(found, SHARE, "signs", "a")["regret"])


def test_a_scenario_at_a_point(found):
    """The scenario with another value of a figure is a what-if whose shares add up to what they did."""
    there = found.at(SHARE, 0.1)
    assert there.changes == {SHARE: pytest.approx(0.1), OWN: pytest.approx(0.8)}
    assert al.regimes(there, told={}).gain == pytest.approx(1.6e6 * 0.2**2, abs=60)


def test_a_share_in_one_place_alone():
    """What one counts more of in one place others count less of there alone: their rows part by place."""
    lines = [line(name, "care", 1e5, name, place) for name, place in (("a", "north"), ("a", "south"), ("b", "north"))]
    curves = [rooted("care", "health", 1.0, 1e5, place) for place in ("north", "south")]
    rows = [benefit("a", "health", 0.7, 0.1), benefit("b", "health", 0.8, 0.2) | {"place": "north"}]
    scenario = make(lines, curves, {"a": 2e5, "b": 1e5}, benefits=rows)
    found = al.switch_points(scenario, told={}, rows=True, tick=lambda done, total: False)
    there = found.at("benefits.b.health.north.share", 0.3).table("benefits").set_index(["partner", "place"])
    assert there["own"].to_dict() == pytest.approx({("a", "north"): 0.6, ("a", "south"): 0.7, ("b", "north"): 0.8})
    assert there.loc["b", "share"].tolist() == [0.3]
    assert set(found.points["why"]) == {NOT_ASKED}
    assert not found.complete
    assert "0 figures of the 10 that were to be were looked at" in found.sentences[-1]


def test_what_is_refused():
    """Partners that count nothing in pounds, and rules from above that are no change, are refused."""
    with pytest.raises(al.ScenarioError, match="no row"):
        al.switch_points(common_purse())
    with pytest.raises(al.ScenarioError, match=r"envelopes\.nowhere"):
        al.switch_points(neighbour(), told={"more": {"envelopes.nowhere": 1.0}})


@settings(max_examples=3, deadline=None)
@given(systems(players=(2, 2), everybody=True))
def test_on_any_system_the_answer_differs_there(scenario):
    """At every point reported, solved afresh, the answer is the other one, and the figure is within its range."""
    found = al.switch_points(scenario, told={})
    checked = 0
    for row in found.points.itertuples():
        for value in (row.down, row.up):
            if np.isnan(value) or checked == 3:
                continue
            checked += 1
            assert row.lowest <= value <= row.highest
            assert afresh(found, row, value) != row.answer


def afresh(found: al.SwitchPoints, row, value: float) -> bool:
    """The answer at a value, by other means: regimes, or the payoffs of a scenario read anew."""
    there = found.at(row.figure, value)
    least = found.headlines.set_index(["kind", "of"]).loc[(row.kind, row.of), "least"]
    if row.kind in ("together", "told"):
        result = al.regimes(there, law=False, others=0)
        table = result.table.set_index(["regime", "rule"])["difference"]
        return bool(table["told" if row.of else "together", row.of] > least)
    ground = Ground.of(there)
    gains = pd.Series(ground.lands - ground.fallback.payoffs, ground.players)
    return bool((gains[row.of] if row.of else gains.sum()) > least)
