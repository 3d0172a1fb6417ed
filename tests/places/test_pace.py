"""Pace of change: each policy spends the envelope, keeps its promise, or says by how much it cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import allocate as al
from allocate.places import pace
from tests.places.making import problems

OPENING = pd.Series({"a": 60.0, "b": 40.0, "c": 100.0})
SHARES = pd.Series({"a": 0.5, "b": 0.2, "c": 0.3})
"""At 200: a is 40 below its share, b on it, c 40 above."""


def amounts(path: pd.DataFrame, year: str) -> list[float]:
    return [round(amount, 6) for amount in path.loc[path["year"] == year, "amount"]]


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_bands_by_hand():
    """Within 0 and 20% growth of 200 to 220: c keeps its 100, a grows to its ceiling of 72, b has what is left."""
    path = pace.bands(OPENING, SHARES, {"1": 220.0}, floor=0.0, ceiling=0.2)
    assert amounts(path, "1") == [72.0, 48.0, 100.0]
    assert list(path["loses"]) == [False] * 3
    assert list(path["target"]) == [110.0, 44.0, 66.0]
    np.testing.assert_allclose(path["distance_rate"], [72 / 110 - 1, 48 / 44 - 1, 100 / 66 - 1])


def test_without_limits_targets_are_met_at_once():
    """With no band every place has its fair share in the first year, and who loses is told."""
    path = pace.bands(OPENING, SHARES, {"1": 220.0, "2": 231.0})
    assert amounts(path, "1") == [110.0, 44.0, 66.0]
    assert pace.closed(path) == "1"
    assert pace.losers(path)[["year", "place", "growth"]].to_numpy().tolist() == [["1", "c", -34.0]]


def test_no_overshoot_by_hand():
    """c must come to between its 110 (as all grow) and its target of 66, but to no less than 0.95 of its 100; b stays
    on its target of 44; a has the rest. Where a may grow by 5% and no more, the money cannot be spent."""
    path = pace.no_overshoot(OPENING, SHARES, {"1": 220.0}, floor=-0.05)
    assert amounts(path, "1") == [81.0, 44.0, 95.0]
    with pytest.raises(al.NoPlan, match=r"adds to £210, and the envelope is £220: £10 could not be spent"):
        pace.no_overshoot(OPENING, SHARES, {"1": 220.0}, floor=0.0, ceiling=0.05)
    with pytest.raises(al.NoPlan, match=r"adds to £224, and the envelope is £220: £4 too little"):
        pace.no_overshoot(OPENING, SHARES, {"1": 220.0}, floor=0.12)
    with pytest.raises(al.NoPlan, match="too little"):
        pace.bands(OPENING, SHARES, {"1": 220.0}, floor=0.2, ceiling=0.1)


def test_no_cash_loser_by_hand():
    """All 20 of growth go to a, which stands lowest, until it reaches b's standing; c keeps its cash."""
    path = pace.no_cash_loser(OPENING, SHARES, {"1": 220.0, "2": 280.0})
    assert amounts(path, "1") == [80.0, 40.0, 100.0]
    assert amounts(path, "2") == [pytest.approx(180 / 0.7 * 0.5), pytest.approx(180 / 0.7 * 0.2), 100.0]
    with pytest.raises(al.NoPlan, match=r"In 2 the least .* adds to £220, and the envelope is £210: £10 too little"):
        pace.no_cash_loser(OPENING, SHARES, {"1": 220.0, "2": 210.0})


def test_shortfall_by_hand():
    """Growth of 20 goes by shortfalls of 50 and 4; a cut of 20 falls on c alone, which has more than its share."""
    path = pace.by_shortfall(OPENING, SHARES, {"1": 220.0})
    assert amounts(path, "1") == [round(60 + 20 * 50 / 54, 6), round(40 + 20 * 4 / 54, 6), 100.0]
    cut = pace.by_shortfall(OPENING, SHARES, {"1": 180.0})
    assert amounts(cut, "1") == [60.0, round(40 - 20 * 4 / 50, 6), round(100 - 20 * 46 / 50, 6)]


def test_close_by_hand():
    """Distances of -40%, 0 and +66.7% shrink by equal parts and are gone in the year named; then all grow alike."""
    path = pace.close_by(OPENING, SHARES, {"1": 200.0, "2": 200.0, "3": 220.0}, year="2")
    assert amounts(path, "1") == [80.0, 40.0, 80.0]
    assert amounts(path, "2") == [100.0, 40.0, 60.0]
    assert amounts(path, "3") == [110.0, 44.0, 66.0]
    assert pace.closed(path) == "2"
    assert list(pace.losers(path)["year"]) == ["1", "2"]


def test_a_published_example():
    """Minimum growth above the envelope is told with the sum: 205 against 200 is 5 too little."""
    with pytest.raises(al.NoPlan) as caught:
        pace.bands(OPENING * 1e6, SHARES, {"2026/27": 200e6}, floor=0.025)
    assert "In 2026/27 the least that the policy promises (growth of at least 2.5%) adds to £205.00m" in str(
        caught.value
    )
    assert "£5.00m too little" in str(caught.value)
    assert "Raise the envelope of 2026/27 by £5.00m" in str(caught.value)
    with pytest.raises(al.NoPlan, match=r"£20\.00m could not be spent"):
        pace.bands(OPENING * 1e6, SHARES, {"2026/27": 230e6}, ceiling=0.05)


def test_money_that_grows():
    """The first year has the total; years are named after the first, or counted."""
    assert pace.growing(100.0, 3, 0.1, "2025/26") == pytest.approx({"2025/26": 100, "2026/27": 110, "2027/28": 121})
    assert list(pace.growing(1.0, 2, first="2098/99")) == ["2098/99", "2099/00"]
    assert pace.growing(5.0, 2) == {"year 1": 5.0, "year 2": 5.0}


def test_shares_that_change():
    """Targets follow need that changes from year to year."""
    shares = pd.DataFrame({"1": SHARES, "2": pd.Series({"a": 0.4, "b": 0.3, "c": 0.3})}).T
    path = pace.close_by(OPENING, shares, {"1": 200.0, "2": 200.0})
    assert amounts(path, "2") == [80.0, 60.0, 60.0]


@pytest.mark.parametrize(
    ("opening", "shares", "envelopes", "said"),
    [
        (OPENING, SHARES, {}, "has no year"),
        (OPENING, SHARES, {"1": -1.0}, "must be pounds, 0 or more"),
        (-OPENING, SHARES, {"1": 1.0}, "must be pounds, 0 or more, for every place"),
        (OPENING, SHARES * 2, {"1": 1.0}, "sum to one"),
        (OPENING, SHARES[:2], {"1": 1.0}, "speak of different places or years"),
        (OPENING[:2], SHARES, {"1": 1.0}, "speak of different places or years"),
    ],
)
def test_figures_that_make_no_path(opening, shares, envelopes, said):
    """Openings, shares and envelopes that do not fit are refused in words."""
    assert any(said in text for text in problems(pace.bands, opening, shares, envelopes))


def test_a_year_that_is_none():
    """To close by a year that is not planned is refused with those that are."""
    assert "is none of 1" in problems(pace.close_by, OPENING, SHARES, {"1": 1.0}, "2030/31")[0]


# --- properties ------------------------------------------------------------------------------------------------------

NUMBERS = st.lists(st.tuples(st.floats(1, 1e3), st.floats(0.5, 2.0)), min_size=2, max_size=7)
YEARS = st.lists(st.floats(0.98, 1.08), min_size=1, max_size=5)


def made(places, growth):
    """Openings, shares and envelopes out of drawn numbers: needs, and how each place stands against its need."""
    need = np.array([need for need, _ in places])
    opening = pd.Series(need * [standing for _, standing in places] * 1e6, index=[f"p{k}" for k in range(len(places))])
    shares = pd.Series(need / need.sum(), index=opening.index)
    envelopes = {str(2026 + k): opening.sum() * float(np.prod(growth[: k + 1])) for k in range(len(growth))}
    return opening, shares, envelopes


def spends(path: pd.DataFrame, envelopes) -> None:
    """Every year's amounts are the envelope, none is below nothing, and each year begins where the last ended."""
    sums = path.groupby("year")["amount"].sum()
    np.testing.assert_allclose(sums, [envelopes[year] for year in sums.index], rtol=1e-9)
    assert (path["amount"] >= 0).all()
    wide = path.pivot(index="year", columns="place", values=["before", "amount"])
    np.testing.assert_allclose(wide["before"].iloc[1:], wide["amount"].iloc[:-1])


def stays(path: pd.DataFrame) -> None:
    """No place passes its target or moves away from it: between growing as all do and its target, every year."""
    rate = path.groupby("year")["amount"].transform("sum") / path.groupby("year")["before"].transform("sum")
    alike = path["before"] * rate
    slack = 1e-7 * path["target"]
    assert (path["amount"] >= np.minimum(alike, path["target"]) - slack).all()
    assert (path["amount"] <= np.maximum(alike, path["target"]) + slack).all()


@given(NUMBERS, YEARS, st.none() | st.floats(-0.1, 0.02), st.none() | st.floats(0.03, 0.2))
def test_bands_keep_their_promise(places, growth, floor, ceiling):
    """Money is conserved and growth stays in the band; or the policy is refused, and rightly."""
    opening, shares, envelopes = made(places, growth)
    try:
        path = pace.bands(opening, shares, envelopes, floor, ceiling)
    except al.NoPlan as error:
        least = min(growth) < 1 + (floor if floor is not None else -1)
        most = max(growth) > 1 + (ceiling if ceiling is not None else 1)
        assert least or most, error
        return
    spends(path, envelopes)
    assert floor is None or (path["rate"] >= floor - 1e-9).all()
    assert ceiling is None or (path["rate"] <= ceiling + 1e-9).all()


@given(NUMBERS, YEARS, st.none() | st.floats(-0.2, -0.02), st.none() | st.floats(0.09, 0.3))
def test_no_overshoot_keeps_its_promise(places, growth, floor, ceiling):
    """Around the envelope's own growth there is always a way, and nobody passes a target or moves away from it."""
    opening, shares, envelopes = made(places, growth)
    path = pace.no_overshoot(opening, shares, envelopes, floor, ceiling)
    spends(path, envelopes)
    stays(path)
    assert floor is None or (path["rate"] >= floor - 1e-9).all()
    assert ceiling is None or (path["rate"] <= ceiling + 1e-9).all()


@given(NUMBERS, st.lists(st.floats(1.0, 1.08), min_size=1, max_size=5))
def test_no_cash_loser_keeps_its_promise(places, growth):
    """While the envelope does not shrink nobody loses, and the lowest standing never falls."""
    opening, shares, envelopes = made(places, growth)
    path = pace.no_cash_loser(opening, shares, envelopes)
    spends(path, envelopes)
    assert not path["loses"].any()
    assert pace.losers(path).empty


@given(NUMBERS, YEARS)
def test_shortfall_keeps_its_promise(places, growth):
    """Nobody passes a target; nobody loses in a year of growth, and nobody gains in a year of cuts."""
    opening, shares, envelopes = made(places, growth)
    path = pace.by_shortfall(opening, shares, envelopes)
    spends(path, envelopes)
    before, amount, target = path["before"], path["amount"], path["target"]
    slack = 1e-7 * target + 1e-6
    grew = path.groupby("year")["growth"].transform("sum") > 0
    assert (amount <= np.maximum(before, target) + slack).all()
    assert (amount >= np.minimum(before, target) - slack).all()
    assert (path["growth"][grew] >= -slack[grew]).all()
    assert (path["growth"][~grew] <= slack[~grew]).all()


@given(NUMBERS, YEARS)
def test_close_keeps_its_promise(places, growth):
    """Whatever the openings, all stand at their target in the last year, and none overshoots on the way."""
    opening, shares, envelopes = made(places, growth)
    path = pace.close_by(opening, shares, envelopes)
    spends(path, envelopes)
    stays(path)
    last = path[path["year"] == path["year"].iloc[-1]]
    np.testing.assert_allclose(last["amount"], last["target"], rtol=1e-9)
    assert pace.closed(path, 1e-6)


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10), st.none() | st.floats(0, 10)), min_size=1, max_size=6),
    st.floats(0, 1),
)
def test_filling_is_exact(rows, part):
    """Between the sum of the leasts and of the mosts, amounts add up to the total within their limits, and nobody
    stands lower than another who could give: at the least or at one level or at the most."""
    target = np.array([row[0] for row in rows])
    least = np.array([row[1] for row in rows])
    most = np.array([np.inf if row[2] is None else row[1] + row[2] for row in rows])
    assume(target.sum() > 1e-3)
    room = np.where(np.isfinite(most), most - least, 20.0).sum()
    total = least.sum() + part * room
    amounts = pace.filled(target, least, most, total)
    assert amounts.sum() == pytest.approx(total, rel=1e-9, abs=1e-9)
    assert (amounts >= least - 1e-9).all()
    assert (amounts <= most + 1e-9).all()
    moving = (amounts > least + 1e-6) & (amounts < most - 1e-6) & (target > 1e-6)
    if moving.any() and (target > 1e-6).all():
        level = amounts[moving] / target[moving]
        assert np.ptp(level) <= 1e-6 * level.max()
