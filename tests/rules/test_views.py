"""Views: what each place is seen to have, by hand on tiny, in rows and in numbers alike."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
from allocate.rules.aims import aim_of
from allocate.rules.tally import Row, Tally
from allocate.rules.views import VIEWS, seen
from allocate.scenario.curves import Curves
from tests.rules.examples import two_years

PREVENTED = 100 * (1 - np.exp(-0.9))


def told(scenario: al.Scenario, view: str, spend: np.ndarray, by: str = "population", **fields) -> np.ndarray:
    """What places have in a view, for pounds on lines."""
    aimed = scenario.change({"rules.aim": {"kind": "bottom-up", "owner": "board"} | fields})
    rule, curves = aim_of(aimed), Curves.of(aimed)
    assert rule is not None
    return seen(rule, view, by, Tally(aimed, spend, curves.gain(curves.effort(spend)))).values


@pytest.mark.parametrize(("view", "by", "north", "south"), [
    ("spend", "population", 460_000 / 4000, 540_000 / 6000),
    ("spend", "need", 460_000 / 4500, 540_000 / 5500),
    ("level", "population", (800 + 100 * (1 - np.exp(-1.2))) / 4000, (1000 + 100 * (1 - np.exp(-0.8))) / 6000),
    ("gain", "population", (800 - 400 * 3**0.5 + 100 * (np.exp(-0.9) - np.exp(-1.2))) / 4000,
     100 * (np.exp(-0.9) - np.exp(-0.8)) / 6000),
    # Core money goes by need: £800,000 of it today, of which North's fair share is 45%.
    ("fair-share", "population", 400_000 / 360_000, 500_000 / 440_000),
])  # fmt: skip
def test_two_places_by_hand(view, by, north, south, tiny):
    """What the plan of tiny gives its places, in every view."""
    pounds = {
        ("north", "care"): 4e5,
        ("north", "prevention"): 6e4,
        ("south", "care"): 5e5,
        ("south", "prevention"): 4e4,
    }
    spend = np.array([pounds[key] for key in zip(tiny.lines["place"], tiny.lines["programme"], strict=True)])
    assert told(tiny, view, spend, by) == pytest.approx([north, south])


def test_today_is_where_gains_begin(tiny):
    """Nobody has gained anything with today's spending, in gain or against the own best; levels are what it buys."""
    today = tiny.lines["baseline"].to_numpy()
    assert told(tiny, "gain", today) == pytest.approx([0, 0], abs=1e-12)
    assert told(tiny, "own-best", today) == pytest.approx([0, 0], abs=1e-12)
    level = [(400 * 3**0.5 + PREVENTED) / 4000, (1000 + PREVENTED) / 6000]
    assert told(tiny, "level", today) == pytest.approx(level)


@pytest.mark.parametrize("view", VIEWS)
def test_rows_say_what_numbers_say(view, tiny):
    """A row over named totals comes to what the tally answers in numbers, for any spending."""
    scenario = tiny.change({"rules.aim": {"kind": "bottom-up", "owner": "board"}})
    rule, curves = aim_of(scenario), Curves.of(scenario)
    spend = np.array([310_000.0, 50_500, 420_000, 49_000])
    gain, asked = curves.gain(curves.effort(spend)), Tally(scenario)
    rows, numbers = (seen(rule, view, "population", tally) for tally in (asked, Tally(scenario, spend, gain)))
    totals = {name: t.line_factors @ spend[t.lines] + gain[t.curves].sum() for name, t in asked.totals.items()}
    for row, number in zip(rows.amounts, numbers.amounts, strict=True):
        assert isinstance(row, Row)
        assert sum(factor * totals[name] for name, factor in row.terms.items()) == pytest.approx(number)
    np.testing.assert_array_equal(rows.over, numbers.over)
    np.testing.assert_array_equal(rows.less, numbers.less)


def test_years_are_counted_together(folder):
    """Over two years a view is for each person and year: the same spending again leaves it as it is."""
    longer = two_years(folder)
    one = longer.change({"rules.aim": {"kind": "bottom-up", "owner": "board"}})
    today = one.lines["baseline"].to_numpy()
    heads = one.places.set_index("id").loc[["north", "south"], "population"].to_numpy()
    spend = one.lines.assign(spend=today).groupby("place")["spend"].sum().loc[["north", "south"]].to_numpy()
    assert told(longer, "spend", today) == pytest.approx(spend / heads / 2)
    assert told(longer, "fair-share", today) == pytest.approx([3 / 8 / 0.45, 5 / 8 / 0.55])


def test_only_what_the_aim_covers_is_seen(tiny):
    """An aim over care alone sees care alone."""
    today = tiny.lines["baseline"].to_numpy()
    seen_ = told(tiny, "spend", today, where={"programmes": ["care"]})
    assert seen_ == pytest.approx([300_000 / 4000, 500_000 / 6000])


def test_outcomes_count_by_their_weights(tiny):
    """An outcome of twice the weight is seen as twice as much."""
    today = tiny.lines["baseline"].to_numpy()
    once, twice = (told(each, "level", today) for each in (tiny, tiny.change({"outcomes.health.weight": 2.0})))
    assert twice == pytest.approx(2 * once)


def test_against_the_best_of_each(tiny):
    """Values against the most that each could have are parts of it."""
    scenario = tiny.change({"rules.aim": {"kind": "bottom-up", "owner": "board", "view": "own-best"}})
    curves, spend = Curves.of(scenario), scenario.lines["baseline"].to_numpy() * 1.1
    view = aim_of(scenario).seen(Tally(scenario, spend, curves.gain(curves.effort(spend))))
    assert view.against(view.values).values == pytest.approx([1, 1])
    assert view.parts == pytest.approx([0.4, 0.6])
