"""Words of rules: no figure is rounded, and lists are read one way only."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocate as al
from allocate.rules import wording
from allocate.scenario.rulebook import Bend, Scope
from tests.conftest import SCENARIOS


@pytest.mark.parametrize(("amount", "words"), [
    (0, "£0"), (0.5, "£0.50"), (450_000, "£450,000"), (999_999, "£999,999"), (1e6, "£1m"), (105_392_000, "£105.392m"),
    (105_392_001, "£105,392,001"), (1_850e6, "£1,850m"), (12.345, "£12.345"), (2_500_000.5, "£2,500,000.50"),
])  # fmt: skip
def test_money(amount, words):
    """Millions where whole thousands say it all, else every pound and penny."""
    assert wording.money(amount) == words


@given(st.integers(0, 10**13) | st.floats(0, 1e10).map(lambda x: round(x, 2)))
def test_money_is_never_rounded(amount):
    """What is said reads back as the very amount."""
    text = wording.money(float(amount), "$").removeprefix("$").replace(",", "")
    assert float(text.removesuffix("m")) * (1e6 if text.endswith("m") else 1) == pytest.approx(amount, rel=1e-15)


@pytest.mark.parametrize(("amount", "sign", "words"), [
    (0.5, "£", "50p"), (0.125, "£", "12.5p"), (1.5, "£", "£1.50"), (2, "£", "£2"), (0.25, "$", "$0.25"),
])  # fmt: skip
def test_coins(amount, sign, words):
    """Less than a pound is said in pence."""
    assert wording.coin(amount, sign) == words


def test_lists_with_an_and_inside_are_read_one_way():
    """Where a name holds an 'and', the word before is said again, or semicolons part the names."""
    names = ["Health", "Law and order", "Parks"]
    assert wording.listed(names, "on") == "Health, on Law and order and on Parks"
    assert wording.several(names) == "Health; Law and order; Parks"
    assert wording.listed(["A", "B", "C"], "on") == wording.several(["A", "B", "C"]) == "A, B and C"


@pytest.mark.parametrize(("envelopes", "words"), [
    (["pool-coventry"], "the Coventry Better Care Fund pool"),
    (["pool-coventry", "pool-warwickshire"], "the Coventry and Warwickshire Better Care Fund pools"),
    (["social-care-coventry", "social-care-warwickshire"], "the Coventry and Warwickshire adult social care envelopes"),
    (["core"], "the Core services envelope"),
    (["core", "running-costs"], "the Core services and Running costs envelopes"),
    (["core", "pool-coventry"], "the Core services envelope and the Coventry Better Care Fund pool"),
])  # fmt: skip
def test_envelopes(envelopes, words):
    """Envelopes take the article and the noun that they need, and what they have in common is said once."""
    scenario = al.read(SCENARIOS / "coventry-warwickshire")
    known = set(scenario.envelopes["id"])
    assert set(envelopes) <= known, sorted(known)
    assert wording.purses(Scope(envelopes=tuple(envelopes)), scenario) == words


BANDS = [Bend(by=1e6, price=20), Bend(by=2e6, price=40), Bend(price=60)]


def test_bends(tiny):
    """Bands of price are said in order, each with where it begins; a last band that ends says that nothing goes
    further."""
    assert wording.bent(BANDS, "spend", "short", tiny) == "each £1m short costs 20 points, beyond £1m 40, beyond £3m 60"
    assert wording.bends_at(BANDS, "spend", "over", tiny) == (
        "Bends at 20 points for each £1m over up to £1m, 40 up to £3m, 60 beyond"
    )
    assert wording.bends_at(BANDS[:1], "health", "short", tiny) == (
        "Bends at 20 points for each 1 year short, and no further than 1,000,000 years"
    )
    assert wording.bent([Bend(price=1)], "spend", "short", tiny) == "each £1m short costs 1 point"
    assert wording.bent([], "spend", "short", tiny) == wording.bends_at([], "spend", "short", tiny) == ""


def test_dates_and_names(tiny):
    """Dates are said in full; a sector takes its article, a name in capitals keeps them."""
    system = al.read(SCENARIOS / "coventry-warwickshire")
    assert wording.day(date(2025, 4, 1)) == "1 April 2025"
    assert wording.partner("voluntary-sector", system) == "the voluntary and community sector"
    assert wording.partner("board", tiny) == "The Board"
    assert [wording.lower(name) for name in ("Years", "QALYs")] == ["years", "QALYs"]
    assert wording.counted("health", tiny) == "years of good health gained"
    package = al.read(SCENARIOS / "health-benefits-package")
    assert wording.counted("health", package) == "ill health averted"
