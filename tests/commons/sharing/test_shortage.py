"""Who goes short: awards by hand, and what sharing a shortage out costs the system."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import allocate as al
from tests.commons.games import systems


def by_rule(found: al.Shortage, rule: str, column: str) -> dict[str, float]:
    rows = found.table[found.table["rule"] == rule]
    return dict(zip(rows["partner"], rows[column], strict=True))


def test_tiny_by_hand(tiny):
    """Of £50,000 the trust, with nine tenths of the money, bears nine tenths in proportion, half by equal losses and
    all by equal awards, for what is left is more than the council claims."""
    found = al.shortage(tiny, 50_000)
    assert by_rule(found, "in proportion", "less") == pytest.approx({"council": 5e3, "trust": 45e3})
    assert by_rule(found, "equal losses", "less") == pytest.approx({"council": 25e3, "trust": 25e3})
    assert by_rule(found, "equal awards", "less") == pytest.approx({"council": 0, "trust": 50e3})
    assert sum(by_rule(found, "what buys most", "less").values()) == pytest.approx(50e3, abs=2)
    rules = found.rules.set_index("rule")
    assert rules.loc["what buys most", "beyond"] == 0
    assert (rules["beyond"] >= 0).all()
    assert rules.loc["in proportion", "value"] == pytest.approx(
        al.solve(tiny.change({"envelopes.core.amount": 855_000.0, "envelopes.grant.amount": 95_000.0})).value
    )
    assert "50.3 years at least" in found.sentences[0]


def test_rules_in_force_may_not_bear_it(tiny):
    """Where floors in force take more than an award leaves, that is said with the smallest way out, and no plan."""
    found = al.shortage(tiny.change({"rules.prevention-north.amount": 80_000.0}), 50_000)
    row = found.rules.set_index("rule").loc["equal losses"]
    assert np.isnan(row["value"])
    assert row["why"]
    assert "No plan keeps all rules in force by equal losses" in " ".join(found.sentences)


def test_only_what_is_planned_can_be_missing(tiny):
    """Nothing, less than nothing, and all that is planned or more are refused."""
    for short in (0.0, -1.0, 1e6, 2e6):
        with pytest.raises(ValueError, match="planned"):
            al.shortage(tiny, short)


@settings(max_examples=8)
@given(systems())
def test_on_any_system(scenario):
    """Losses of every rule add up to the shortage, none is below nothing or above its claim, and none of the four rules
    buys more than what buys most, but for what a pound that is left in rounding would have bought."""
    planned = al.solve(scenario).spend["spend"].sum()
    found = al.shortage(scenario, planned / 4)
    for rule, rows in found.table.groupby("rule"):
        if rule != "what buys most":
            assert rows["less"].sum() == pytest.approx(planned / 4, abs=1)
            assert rows["less"].between(-1e-6, rows["claim"] + 1e-6).all()
    best = found.rules["value"].iloc[-1]
    assert not (found.rules["value"] > best + 1e-5 * abs(best)).any()
