"""Patience and looking: published answers, edges, and what must hold whatever the amounts."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.commons.keeping.patience import NEVER, critical, discounted, effective, looking

amounts = st.integers(-1000, 1000).map(lambda x: x / 8)
positive = st.integers(1, 1000).map(lambda x: x / 8)
chances = st.integers(0, 8).map(lambda x: x / 8)
years = st.none() | st.integers(1, 12)


def test_the_linear_duopoly():
    """Two sellers at price 1 - a - b and no cost keep to half the monopoly's amount each from a patience of 9/17 on."""
    one = Fraction(1)

    def profit(mine: Fraction, theirs: Fraction) -> Fraction:
        return mine * (one - mine - theirs)

    def reply(theirs: Fraction) -> Fraction:
        return (one - theirs) / 2

    alone, agreed = one / 3, reply(Fraction(0)) / 2
    assert reply(alone) == alone
    reward, fallback = profit(agreed, agreed), profit(alone, alone)
    temptation = profit(reply(agreed), agreed)
    assert float(reward) == 1 / 8
    needed = critical(float(reward), float(temptation), float(fallback))
    assert needed == pytest.approx(9 / 17, abs=1e-15)
    # For one year: the gain of 1/64 over the loss of 1/72.
    assert critical(float(reward), float(temptation), float(fallback), years=1) == NEVER
    assert critical(float(reward), float(temptation), float(fallback), years=2) > needed


def test_a_prisoners_dilemma():
    """With 3 for both keeping, 5 for breaking and 1 without: a half for good, all of it for one year, and the golden
    ratio's inverse for two."""
    assert critical(3, 5, 1) == 0.5
    assert critical(3, 5, 1, years=1) == pytest.approx(1.0)
    assert critical(3, 5, 1, years=2) == pytest.approx((math.sqrt(5) - 1) / 2, abs=1e-15)
    assert critical(3, 5, 1, chance=0.5, fine=2) == pytest.approx(1 / 3)


def test_the_edges():
    """What tempts nobody holds by itself, without a reward nothing holds, and nothing is ever divided by nothing."""
    assert critical(3, 3, 1) == critical(3, 2, 5) == critical(1, 1, 1, years=3) == 0.0
    assert critical(1, 2, 1) == critical(1, 2, 3) == critical(1, 2, 1, years=3) == NEVER
    assert critical(3, 5, 1, chance=1.0, fine=2.0) == 0.0
    assert looking(0.0, 0.0, 0.0) == looking(5.0, 5.0, 0.0) == 0.0
    assert looking(5.0, 4.0, 0.0) == NEVER
    assert looking(5.0, 1.0, 2.0) == 2.0
    assert discounted(1.0) == math.inf
    assert discounted(0.0) == discounted(0.0, 5) == 0.0
    assert effective(0.9, 0.5) == 0.45


@given(amounts, amounts, amounts, years, chances, amounts.map(abs), positive)
def test_more_makes_it_easier_or_harder(reward, temptation, fallback, for_years, chance, fine, more):
    """More reward, more fine and more years ask for less patience, more temptation and more fallback for more; what is
    asked for is from 0 to 1, or never enough."""
    needed = critical(reward, temptation, fallback, for_years, chance, fine)
    assert 0.0 <= needed <= 1.0 or needed == NEVER
    less = 1e-12
    assert critical(reward + more, temptation, fallback, for_years, chance, fine) <= needed + less
    assert critical(reward, temptation, fallback, for_years, chance, fine + more) <= needed + less
    assert critical(reward, temptation, fallback, None, chance, fine) <= needed + less
    assert critical(reward, temptation + more, fallback, for_years, chance, fine) >= needed - less
    assert critical(reward, temptation, fallback + more, for_years, chance, fine) >= needed - less
    if for_years is not None:
        assert critical(reward, temptation, fallback, for_years + 1, chance, fine) <= needed + less


@given(amounts, amounts, amounts, years, chances, amounts.map(abs), st.integers(-60, 60))
def test_the_unit_does_not_matter(reward, temptation, fallback, for_years, chance, fine, power):
    """Pounds or thousands: the same patience and the same looking."""
    unit = 2.0**power
    same = critical(reward * unit, temptation * unit, fallback * unit, for_years, chance, fine * unit)
    assert same == pytest.approx(critical(reward, temptation, fallback, for_years, chance, fine), abs=1e-9)
    same = looking(temptation * unit, reward * unit, fine * unit)
    assert same == pytest.approx(looking(temptation, reward, fine), rel=1e-12)


@given(amounts, positive, positive, years)
def test_the_least_patience_is_where_it_breaks_even(fallback, loss, gain, for_years):
    """At the least patience what is lost later is exactly what is gained now, and a breach must always be found; where
    none is enough, all of what there is to lose is less than the gain."""
    needed = critical(fallback + loss, fallback + loss + gain, fallback, for_years)
    lost = loss * discounted(min(needed, 1.0), for_years)
    if needed == NEVER:
        assert lost < gain
    else:
        assert lost == pytest.approx(gain, rel=1e-9)
        assert looking(gain, 0.0, lost) == pytest.approx(1.0)


@given(amounts.map(abs), amounts.map(abs), amounts.map(abs), positive)
def test_looking(temptation, lost, stake, more):
    """The more there is to gain the more somebody must look; the more is at stake or lost anyhow the less."""
    asked = looking(temptation, lost, stake)
    assert asked >= 0.0
    assert looking(temptation + more, lost, stake) >= asked
    assert looking(temptation, lost + more, stake) <= asked
    assert looking(temptation, lost, stake + more) <= asked
