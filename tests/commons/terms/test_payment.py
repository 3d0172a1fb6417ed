"""Payments by contract, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.commons.terms.payment import Payment

BLENDED = Payment(plan=1000, fixed=5e5, rate=300.0, bands=((100, 200.0), (-100, 100.0)), dead_band=20)
"""£500,000 for 1,000 cases; nothing for the first 20 either way, then £300 each up to 100 off plan, then £200 each
above and £100 each below."""


def test_a_single_rate():
    """A fixed part and one rate: so much for each case above plan, so much off for each below."""
    payment = Payment(plan=100, fixed=1000, rate=5)
    assert [payment.pays(each) for each in (0, 90, 100, 120)] == [500, 950, 1000, 1100]
    assert payment.breakpoints() == []
    assert payment.concave(200)


def test_bands_and_a_dead_band():
    """Within the dead-band the fixed part alone; beyond it each band at its own rate, counted from where it begins."""
    expected = {1000: 5e5, 1020: 5e5, 980: 5e5, 1050: 5e5 + 9_000, 1100: 5e5 + 24_000, 1150: 5e5 + 34_000,
                900: 5e5 - 24_000, 800: 5e5 - 34_000}  # fmt: skip
    assert {each: BLENDED.pays(each) for each in expected} == expected
    assert BLENDED.breakpoints() == [900, 980, 1020, 1100]
    assert not BLENDED.concave(2000)


def test_a_band_from_the_edge_of_the_dead_band():
    """A band that begins where the dead-band ends takes the place of the rate on that side."""
    payment = Payment(plan=100, rate=1, bands=((10, 4), (30, 2)), dead_band=10)
    assert [payment.pays(each) for each in (110, 120, 130, 140, 80)] == [0, 40, 80, 100, -10]


def test_cap_and_floor():
    """The payment stops at its cap and its floor, where it meets them, in or beyond the last band."""
    payment = Payment(plan=100, fixed=1000, rate=10, bands=((50, 5),), cap=1600, floor=400)
    assert payment.breakpoints() == [40, 150, 170]
    assert [payment.pays(each) for each in (0, 40, 150, 170, 1e6)] == [400, 400, 1500, 1600, 1600]
    activity, paid = payment.points(200)
    assert list(activity) == [0, 40, 150, 170, 200]
    assert list(paid) == [400, 400, 1500, 1600, 1600]
    assert not payment.concave(200)
    assert Payment(plan=100, fixed=1000, rate=10, bands=((50, 5),), cap=1600).concave(200)


def test_gain_and_loss_share():
    """By open books half of a saving is paid and a fifth of an overrun taken off, within the cap; a cost that is left
    out is as planned."""
    payment = Payment(plan=10, fixed=100, cost=80, gain=0.5, loss=0.2, cap=115)
    assert [payment.pays(10, cost) for cost in (80, 60, 40, 130)] == [100, 110, 115, 90]
    assert payment.pays(10) == 100


def test_all_that_is_wrong_at_once():
    """Every fault of a payment is told with its field, what it is and what was expected."""
    with pytest.raises(ValueError, match="plan: nan") as refused:
        Payment(plan=math.nan, dead_band=5, bands=((3, 1), (9, math.inf), (9, 1), (0, 1)), cap=1, floor=2, gain=1.5)
    said = str(refused.value)
    for part in ("bands[0]: begins at 3", "bands[1], rate: inf", "bands[2]: begins at 9", "bands[3]: begins at 0",
                 "floor: 2", "gain: 1.5", "cost: blank"):  # fmt: skip
        assert part in said
    with pytest.raises(ValueError, match=r"plan: -1, expected 0 or more; dead_band: -2"):
        Payment(plan=-1, dead_band=-2)


figures = st.floats(-50, 50).map(lambda x: round(x, 2))


@st.composite
def payments(draw) -> Payment:
    """Payments of every kind, with at most two bands a side."""
    dead = draw(st.sampled_from([0.0, 5.0]))
    distances = draw(st.lists(st.sampled_from([-60.0, -20.0, 10.0, 40.0]), unique=True))
    floor = draw(st.sampled_from([-math.inf, -100.0]))
    bands = tuple((distance, draw(figures)) for distance in distances)
    return Payment(100.0, draw(figures), draw(figures), bands, dead, draw(st.sampled_from([math.inf, 300.0])), floor)


@given(payments(), st.floats(0, 250))
def test_straight_between_breakpoints(payment, activity):
    """Between its breakpoints a payment is straight, so its points tell all of it."""
    assert payment.pays(activity) == pytest.approx(np.interp(activity, *payment.points(300.0)), abs=1e-6)
    assert payment.floor <= payment.pays(activity) <= payment.cap
