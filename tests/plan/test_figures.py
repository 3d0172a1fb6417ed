"""Figures as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.plan.figures import MINUS, at_most, number, per_cent, pounds, round_sum


@pytest.mark.parametrize(("amount", "told", "text"), [
    (412e6, {}, "£412.0m"),
    (94_500, {}, "£94,500"),
    (999_999.4, {}, "£999,999"),
    (1e6, {}, "£1.0m"),
    (-3.2e6, {}, f"{MINUS}£3.2m"),
    (3.2e6, {"signed": True}, "+£3.2m"),
    (0, {"signed": True}, "£0"),
    (-0.2, {}, "£0"),
    (-0.2, {"signed": True}, "£0"),
    (40_000, {"millions": True}, "£0.0m"),
    (-40_000, {"millions": True, "signed": True}, "£0.0m"),
    (2_513.8e6, {}, "£2,513.8m"),
    (2e6, {"millions": False}, "£2,000,000"),
    (5, {"currency": "$"}, "$5"),
    (math.nan, {}, ""),
])  # fmt: skip
def test_pounds(amount, told, text):
    """Pounds are shown whole or in millions, with a real minus, never a signed nought and never NaN."""
    assert pounds(amount, **told) == text


@pytest.mark.parametrize(("share", "told", "text"), [
    (0.042, {}, "4.2%"),
    (-0.015, {}, f"{MINUS}1.5%"),
    (0.015, {"signed": True}, "+1.5%"),
    (-0.0004, {"signed": True}, "0.0%"),
    (0.12345, {"places": 2}, "12.35%"),
    (12.5, {}, "1250.0%"),
    (math.nan, {}, ""),
])  # fmt: skip
def test_per_cent(share, told, text):
    """Shares are shown in per cent, with a real minus, never a signed nought and never NaN."""
    assert per_cent(share, **told) == text


@pytest.mark.parametrize(("amount", "told", "text"), [
    (1924.9477, {}, "1,924.9"),
    (0.0012, {}, "0.0012"),
    (0.000296269504, {}, "0.000296"),
    (12_345.6, {}, "12,346"),
    (3_525.0, {}, "3,525"),
    (144.97, {}, "145.0"),
    (9.996, {}, "10"),
    (-113.44, {"signed": True}, f"{MINUS}113.4"),
    (113.44, {"signed": True}, "+113.4"),
    (0.0, {"signed": True}, "0"),
    (math.nan, {}, ""),
])  # fmt: skip
def test_number(amount, told, text):
    """Outcomes are shown with enough digits to tell apart and no more."""
    assert number(amount, **told) == text


@pytest.mark.parametrize(
    ("amount", "text"), [(1, "£1"), (1_000, "£1,000"), (100_000, "£100,000"), (1e6, "£1m"), (1e7, "£10m")]
)
def test_round_sum(amount, text):
    """Round sums have no decimals."""
    assert round_sum(amount) == text


@pytest.mark.parametrize(("amount", "text"), [
    (0.0, "0"), (0.000611, "0.00062"), (0.2, "0.20"), (1.0, "1.0"), (12.1, "13"), (1_234.0, "1,300"), (9.99, "10.0"),
    (123_456.7, "130,000"),
])  # fmt: skip
def test_at_most(amount, text):
    """What is called the most has two digits and is never less than the amount."""
    assert at_most(amount) == text
    assert float(text.replace(",", "")) >= amount


@given(st.floats(-1e13, 1e13))
def test_figures_read_back(amount):
    """What is shown is within half of its last digit of the amount, sign included."""

    def back(text: str) -> float:
        return float(text.translate({ord(MINUS): "-", ord("£"): "", ord(","): ""}).rstrip("m%"))

    assert back(pounds(amount, millions=False)) == pytest.approx(amount, abs=0.5000001)
    assert back(pounds(amount, millions=True)) * 1e6 == pytest.approx(amount, abs=50_000.1)
    assert back(number(amount)) == pytest.approx(amount, rel=6e-3)
