"""Claims rules, against the Talmud's own table and their axioms."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocate.commons.sharing.shortfalls import equal_awards, equal_losses, proportional, talmud

RULES = [proportional, equal_awards, equal_losses, talmud]
WIVES = {"first": 100, "second": 200, "third": 300}
DUALS = [(proportional, proportional), (equal_awards, equal_losses), (talmud, talmud)]


@st.composite
def shortfalls(draw) -> tuple[float, pd.Series]:
    """An amount and claims, many of them alike or nothing."""
    claims = draw(st.lists(st.integers(0, 8) | st.floats(0, 1e9), min_size=1, max_size=6))
    told = pd.Series(claims, list("abcdef")[: len(claims)], dtype=float)
    return draw(st.just(0.0) | st.just(1.0) | st.floats(0, 1)) * sum(told.to_dict().values()), told


def near(claims: pd.Series) -> float:
    return 1e-12 * max(claims.sum(), 1.0)


@pytest.mark.parametrize(
    ("amount", "known"), [(100, [100 / 3] * 3), (200, [50, 75, 75]), (300, [50, 100, 150]), (450, [50, 150, 250])]
)
def test_the_three_wives(amount, known):
    """The Talmud's table for claims of 100, 200 and 300, and one estate beyond half of them."""
    assert talmud(amount, WIVES).tolist() == pytest.approx(known)


@pytest.mark.parametrize(
    ("rule", "known"),
    [(proportional, [50, 100, 150]), (equal_awards, [100, 100, 100]), (equal_losses, [0, 100, 200])],
)
def test_three_hundred(rule, known):
    """The same estate of 300 under the other rules, by hand."""
    assert rule(300, WIVES).to_dict() == dict(zip(WIVES, known, strict=True))


def test_the_contested_garment():
    """One claims all, one half: only what both claim is halved (three quarters and a quarter)."""
    assert talmud(1, {"all": 1, "half": 0.5}).to_dict() == {"all": 0.75, "half": 0.25}


@given(shortfalls())
@pytest.mark.parametrize("rule", RULES)
def test_awards(rule, shortfall):
    """Awards add up to what there is, lie between nothing and the claim, and follow the order of claims and of
    losses."""
    amount, claims = shortfall
    found = rule(amount, claims)
    assert found.sum() == pytest.approx(amount, abs=near(claims))
    assert (found >= 0).all()
    assert (found <= claims + near(claims)).all()
    order = np.argsort(claims, kind="stable")
    for each in (found, claims - found):
        assert (np.diff(each.iloc[order]) >= -near(claims)).all()


@given(shortfalls())
@pytest.mark.parametrize(("rule", "other"), DUALS)
def test_gains_and_losses(rule, other, shortfall):
    """Sharing what there is by one rule is sharing what is missing by its mirror: proportional and Talmud are their
    own, equal awards and equal losses each other's."""
    amount, claims = shortfall
    missing = max(0.0, min(claims.sum(), sum(claims.to_dict().values())) - amount)
    mirrored = claims - other(missing, claims)
    assert rule(amount, claims).to_dict() == pytest.approx(mirrored.to_dict(), abs=4 * near(claims))


@settings(max_examples=20)
@given(shortfalls())
@pytest.mark.parametrize("rule", RULES)
def test_consistency(rule, shortfall):
    """Where some go home with their awards, the rule shares the rest among the others as before."""
    amount, claims = shortfall
    found = rule(amount, claims)
    for size in (1, 2):
        for some in map(list, combinations(claims.index, size)):
            held = min(found[some].sum(), sum(claims[some].to_dict().values()))
            again = rule(held, claims[some])
            assert again.to_dict() == pytest.approx(found[some].to_dict(), abs=4 * near(claims))


@given(shortfalls(), st.floats(0, 1))
@pytest.mark.parametrize("rule", RULES)
def test_more_money(rule, shortfall, part):
    """Nobody gets less because there is more."""
    amount, claims = shortfall
    assert (rule(amount * part, claims) <= rule(amount, claims) + near(claims)).all()


@pytest.mark.parametrize("rule", RULES)
def test_refused(rule):
    """Every fault of the claims is told at once; so is an amount that is no shortfall."""
    with pytest.raises(ValueError, match=r"a: claims -1.*b: claims nan"):
        rule(1, {"a": -1, "b": np.nan, "c": 2})
    with pytest.raises(ValueError, match="nobody claims"):
        rule(0, {})
    for amount in (-1, 601, np.nan):
        with pytest.raises(ValueError, match="expected 0 to 600"):
            rule(amount, WIVES)
