"""How steady fair shares are: against moving the data by hand, and against chance itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import allocate as al
from tests.places.making import PEOPLE, problems, saved, table


@pytest.fixture
def hills(practices) -> al.places.Drawing:
    return al.places.draw(practices, "QAA")


def moved_by_hand(drawing, factors) -> al.places.Drawing:
    """The drawing on practices whose core need is multiplied."""
    rows = drawing.practices.table.copy()
    rows["core"] = rows["core"] * factors
    return replace(drawing, practices=replace(drawing.practices, table=rows))


def test_own_and_others_are_finite_differences(hills):
    """What a place gains by its own need one per cent up, and loses by everybody else's, is what moving them does."""
    table = al.places.sway(hills, 10e6, 0.01)
    for place in hills.within:
        inside = (hills.places == place).reindex(hills.practices.table.index, fill_value=False).to_numpy()
        own = moved_by_hand(hills, np.where(inside, 1.01, 1.0)).targets(10e6).at[place, "target"]
        others = moved_by_hand(hills, np.where(inside, 1.0, 1.01)).targets(10e6).at[place, "target"]
        assert table.at[place, "own"] == pytest.approx(own - table.at[place, "target"])
        assert table.at[place, "others"] == pytest.approx(table.at[place, "target"] - others)


def test_noise_is_a_standard_deviation(hills):
    """With every practice off by its own error, targets scatter as the formula says."""
    chance = np.random.default_rng(5)
    rows = len(hills.practices.table)
    draws = [moved_by_hand(hills, 1 + 0.01 * chance.standard_normal(rows)).targets(10e6)["target"] for _ in range(400)]
    table = al.places.sway(hills, 10e6, 0.01)
    np.testing.assert_allclose(np.std(draws, axis=0), table["noise"], rtol=0.15)


def test_a_year_of_new_data(practices, hills, tmp_path):
    """From one file to the next the money held moves by people and by need, and what moves adds up to nothing."""
    people = [p * (1.1 if k == 2 else 1) for k, p in enumerate(PEOPLE)]
    later = al.places.draw(al.places.read(saved(tmp_path, table(people=people))), "QAA")
    change = al.places.moved(hills, later, 10e6)
    assert change["change"].sum() == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose((1 + change["population_rate"]) * (1 + change["need_rate"]), 1 + change["rate"])
    assert change.at["dale", "change"] > 0
    assert change.at["dale", "population_rate"] == pytest.approx((2700 / 8200) / (2500 / 8000) - 1)
    other = al.places.draw(practices, "QAA", "pcn")
    assert "must have the same places" in problems(al.places.moved, hills, other, 1.0)[0]


def test_errors_that_are_none(hills):
    """An error of need must be a fraction."""
    assert problems(al.places.sway, hills, 1e6, 5.0)
