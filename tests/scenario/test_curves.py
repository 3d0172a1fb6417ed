"""Curves: increasing, flattening, and truly best at the price asked."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import allocate as al
from allocate.scenario.curves import Curves
from allocate.scenario.tables import Curve, CurvePoint
from tests.conftest import SCENARIOS
from tests.strategies import curve_rows, numbers, one_curve

CURVES = curve_rows().map(lambda made: one_curve(*made))
SPENDS = numbers(1.0, 1e9)
KEY = {"place": "north", "programme": "care", "outcome": "health", "year": "2026"}


def gain(curves: Curves, x: np.ndarray) -> np.ndarray:
    """The gain of the only curve at each of these pounds."""
    return np.array([curves.gain(np.array([value]))[0] for value in x])


@given(CURVES, SPENDS, SPENDS)
def test_more_spend_never_buys_less(curves, a, b):
    """Gain rises, or stays level, with spend."""
    low, high = gain(curves, np.array(sorted((a, b))))
    assert high >= low - 1e-12 * abs(low)


@given(CURVES, SPENDS, SPENDS, st.floats(0, 1))
def test_gain_flattens(curves, a, b, part):
    """The gain between two spends lies on or above the straight line between their gains."""
    ends = gain(curves, np.array([a, b]))
    middle = gain(curves, np.array([a + part * (b - a)]))[0]
    assert middle >= ends[0] + part * (ends[1] - ends[0]) - 1e-9 * np.abs(ends).max()
    assert curves.concave(0)


@given(CURVES, SPENDS, st.floats(0.1, 1.9))
def test_marginal_is_the_slope_of_gain(curves, x, _):
    """The marginal matches a finite difference, away from corners."""
    step = x * 1e-5
    if curves.points[0] is not None:
        assume(np.abs(curves.points[0][0] - x).min() > step)
    before, after = gain(curves, np.array([x - step, x + step]))
    marginal = curves.marginal(np.array([x]))[0]
    noise = 1e-15 * max(abs(before), abs(after)) / step
    assert marginal == pytest.approx((after - before) / (2 * step), rel=1e-4, abs=10 * noise + 1e-300)


@given(CURVES, SPENDS, SPENDS, numbers(1e-3, 1e3))
def test_best_is_best(curves, a, b, factor):
    """No spend in the range, on a dense grid, beats the one that `best` names at a price."""
    low, high = sorted((a, b))
    price = factor * curves.marginal(np.array([(low + high) / 2]))
    best = curves.best(price, np.array([low]), np.array([high]))
    assert low <= best[0] <= high
    grid = np.linspace(low, high, 2001)
    values = gain(curves, grid) - price[0] * grid
    value = curves.gain(best)[0] - price[0] * best[0]
    assert value >= values.max() - 1e-9 * (np.abs(gain(curves, grid)).max() + price[0] * high)


@given(CURVES, SPENDS, SPENDS, st.sampled_from([0.0, -1.0]))
def test_best_of_what_is_free_is_all(curves, a, b, price):
    """At no price, or a negative one, the greatest gain is reached."""
    low, high = sorted((a, b))
    best = curves.best(np.array([price]), np.array([low]), np.array([high]))
    most = curves.gain(np.array([high]))[0]
    assert curves.gain(best)[0] >= most - 1e-12 * abs(most)
    assert price == 0 or best[0] == high


@given(CURVES, SPENDS, st.floats(1.001, 1e3), st.integers(1, 40))
def test_grid_spans_the_range(curves, low, ratio, slices):
    """Breakpoints increase strictly from low to high."""
    high = low * ratio
    for start in (0.0, low):
        grid = curves.grid(0, start, high, slices)
        assert grid[0] == start
        assert grid[-1] == high
        assert (np.diff(grid) > 0).all(), grid


@given(CURVES, st.integers(2, 20))
def test_slices_err_alike(curves, slices):
    """Where a curve bends, the straight slices miss it by nearly the same at the middle ones, and none by much more."""
    assume(curves.bends(0))
    low, high = 0.2 * curves.reference[0], 2 * curves.reference[0]
    grid = curves.grid(0, low, high, slices)
    parts = np.array([np.linspace(a, b, 33) for a, b in itertools.pairwise(grid)])
    ends = gain(curves, grid)
    chords = np.array([np.interp(x, grid, ends) for x in parts])
    errors = np.array([(gain(curves, x) - y).max() for x, y in zip(parts, chords, strict=True)])
    assert errors.max() <= 2.5 * errors.min() or errors.max() < 1e-9 * abs(ends).max()


def test_gains_of_tiny_are_those_worked_by_hand():
    """The four gains and margins of scenarios/tiny/README.md."""
    curves = Curves.of(al.read(SCENARIOS / "tiny"))
    spend = np.array([400_000, 60_000, 500_000, 40_000.0])
    assert curves.gain(spend) == pytest.approx([800, 100 * (1 - np.exp(-1.2)), 1000, 100 * (1 - np.exp(-0.8))])
    assert curves.marginal(spend) == pytest.approx([0.001, 0.002 * np.exp(-1.2), 0.001, 0.002 * np.exp(-0.8)])


def test_efforts_add_up():
    """A curve counts what all partners spend on its programme in its place."""
    tiny = al.read(SCENARIOS / "tiny")
    curves = Curves.of(tiny)
    assert curves.effort(tiny.lines["baseline"].to_numpy()).tolist() == [300_000, 45_000, 500_000, 45_000]


def test_a_blank_reference_is_the_baseline():
    """An isoelastic curve with no reference counts from today: no gain at the baseline, a loss below it."""
    curves = one_curve(Curve(**KEY, shape="isoelastic", slope=0.5, exponent=0.3), [], baseline=2e6)
    assert curves.gain(np.array([2e6]))[0] == 0
    assert curves.marginal(np.array([2e6]))[0] == 0.5
    assert curves.gain(np.array([0.0]))[0] == pytest.approx(-0.5 * 2e6 / 0.3)


def test_points_are_joined_and_then_level():
    """A curve by points is straight between them, and level beyond the last."""
    points = [CurvePoint(**KEY, spend=x, gain=y) for x, y in ((0, 0), (10, 6), (20, 8))]
    curves = one_curve(Curve(**KEY, shape="points"), points)
    assert gain(curves, np.array([0, 5, 10, 15, 20, 99])).tolist() == [0, 3, 6, 7, 8, 8]
    assert [curves.marginal(np.array([x]))[0] for x in (0, 10, 19, 20, 99)] == [0.6, 0.2, 0.2, 0, 0]
    assert curves.grid(0, 5, 15, 7).tolist() == [5, 10, 15]


def test_points_that_steepen_are_not_concave():
    """Fund-or-not and other thresholds are known to steepen."""
    points = [CurvePoint(**KEY, spend=x, gain=y) for x, y in ((0, 0), (10, 1), (20, 8))]
    assert not one_curve(Curve(**KEY, shape="points"), points).concave(0)


def test_a_curve_that_buys_nothing():
    """A slope or ceiling of nought gains nothing, and is worth no money at any price."""
    for row in (
        Curve(**KEY, shape="linear", slope=0),
        Curve(**KEY, shape="power", slope=0, reference=5, exponent=0.5),
        Curve(**KEY, shape="saturation", ceiling=0, reference=5),
    ):
        curves = one_curve(row, [])
        assert curves.gain(np.array([7.0]))[0] == 0
        assert curves.best(np.array([1e-9]), np.array([0.0]), np.array([9.0]))[0] == 0
        assert np.isfinite(curves.best(np.array([0.0]), np.array([0.0]), np.array([9.0]))).all()


# --- exponents of nothing and below: what an aim is worth, of no scenario's file -------------------------------------


def welfare(exponent: float, slope: float = 2.0, reference: float = 3e3) -> Curves:
    """The worth of an amount by an aversion to inequality of 1 - exponent, from the reference on."""
    return Curves(
        shape=np.array(["isoelastic"]), slope=np.array([slope]), reference=np.array([reference]),
        exponent=np.array([exponent]), offset=np.ones(1), ceiling=np.zeros(1), points=(None,), lines=(np.array([0]),),
    )  # fmt: skip


EXPONENTS = st.sampled_from([0.5, 0.0, -0.5, -1.0, -4.0, -9.0])


@given(EXPONENTS, numbers(1.0, 1e9))
def test_worths_have_their_closed_form(exponent, x):
    """s b ((x/b)^e - 1) / e, or s b ln(x/b) where e is 0; its slope s (x/b)^(e-1), and its bend from that."""
    curves, part = welfare(exponent), x / 3e3
    expected = 6e3 * (np.log(part) if exponent == 0 else (part**exponent - 1) / exponent)
    assert gain(curves, np.array([x]))[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    slope = 2 * part ** (exponent - 1)
    assert curves.marginal(np.array([x]))[0] == pytest.approx(slope, rel=1e-9)
    assert curves.bend(np.array([x]))[0] == pytest.approx((exponent - 1) * slope / x, rel=1e-9)
    assert curves.bends(0)
    assert curves.concave(0)


@given(EXPONENTS, numbers(1.0, 1e6), st.floats(1.01, 1e4), numbers(1e-3, 1e3))
def test_the_best_worth_at_a_price(exponent, low, ratio, factor):
    """No amount on a dense grid beats the one that `best` names; unconstrained it is b (price/s)^(1/(e-1))."""
    curves, high = welfare(exponent), low * ratio
    price = factor * curves.marginal(np.array([np.sqrt(low * high)]))
    best = curves.best(price, np.array([low]), np.array([high]))
    assert best[0] == pytest.approx(np.clip(3e3 * (price[0] / 2) ** (1 / (exponent - 1)), low, high))
    values = gain(curves, grid := np.geomspace(low, high, 501)) - price * grid
    assert curves.gain(best)[0] - price[0] * best[0] >= values.max() - 1e-9 * np.abs(values).max()


@given(EXPONENTS, numbers(1e-3, 1e6), st.floats(1.01, 1e9), st.integers(1, 40))
def test_grids_of_worths_rise(exponent, low, ratio, slices):
    """Breakpoints rise strictly from end to end, without a warning, however steep the curve."""
    curves, high = welfare(exponent), low * ratio
    grid = curves.grid(0, low, high, slices)
    assert (grid[0], grid[-1], len(grid)) == (low, high, slices + 1)
    assert (np.diff(grid) > 0).all()
    assert np.isfinite(gain(curves, grid)).all()


def test_a_logarithm_has_even_ratios():
    """Slices of a logarithm are as wide as they lie far out; those of a reciprocal even in the root of its inverse."""
    assert welfare(0.0).grid(0, 1.0, 16.0, 4) == pytest.approx([1, 2, 4, 8, 16])
    assert welfare(-2.0).grid(0, 1.0, 4.0, 3) == pytest.approx([1, 4 / 3, 2, 4])


def test_worths_of_nothing_are_finite():
    """Nothing is worth far less than anything, and a number still; a pound there is worth most."""
    for exponent in (0.0, -1.0, -4.0):
        curves = welfare(exponent)
        worth = gain(curves, np.array([0.0, 1e-3, 1.0]))
        assert np.isfinite(worth).all()
        assert (np.diff(worth) > 0).all()
        assert np.isfinite(curves.marginal(np.array([0.0]))).all()
