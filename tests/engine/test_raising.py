"""The least money that lets a plan exist, from several sources, with the proof that less would not do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocate.engine.highs import Impossible
from allocate.engine.oracle import Oracle
from allocate.engine.raising import Raised, Sources, least_money

RICH = np.array([2_400_000.0, 270_000.0])
HELD = np.array([900_000.0, 100_000.0])


def least(tiny, years: float, mix: list[list[float]], most: float = 1.5e6) -> Raised:
    """The least money for so many years of good health, from sources that share their pounds between envelopes so."""
    goal = {"kind": "reach", "owner": "board", "outcome": "health", "amount": years}
    rich = {"rules.goal": goal, "envelopes.core": RICH[0], "envelopes.grant": RICH[1]}
    oracle = Oracle(tiny.change(rich), 60.0)
    slope = np.zeros((2, len(oracle.problem.limits), len(mix)))
    sources = Sources(np.array(mix), np.full(len(mix), most), slope)
    return least_money(oracle, replace(oracle.problem, amount=HELD), sources)


def test_one_source(tiny):
    """From the care envelope alone: 1,800 √(x / 900,000) years are what prevention leaves of 2,000, and that is proved
    to the penny."""
    prevention = 200 - 100 * (np.exp(-1.2) + np.exp(-0.8))
    exact = 900_000 * ((2_000 - prevention) / 1_800) ** 2 - 900_000
    found = least(tiny, 2_000, [[1.0, 0.0]])
    assert found.bound == pytest.approx(exact, abs=0.5)
    assert found.pounds == pytest.approx([exact], abs=0.5)
    assert found.bound <= found.pounds.sum() + 1e-3


def test_more_sources_never_cost_more(tiny):
    """With a second source the sum is no greater, and what it is divided into buys as much at either margin."""
    one, both = least(tiny, 2_000, [[1.0, 0.0]]), least(tiny, 2_000, [[1.0, 0.0], [0.0, 1.0]])
    shared = least(tiny, 2_000, [[0.9, 0.1]])
    assert both.pounds.sum() <= min(one.pounds.sum(), shared.pounds.sum()) + 0.5
    assert both.bound == pytest.approx(both.pounds.sum(), abs=0.5)
    assert shared.bound == pytest.approx(shared.pounds.sum(), abs=0.5)


def test_nothing_is_needed_and_nothing_does(tiny):
    """What is possible already takes nothing; what the most from every source does not reach is impossible."""
    assert least(tiny, 1_900, [[1.0, 0.0]]).pounds == pytest.approx([0.0], abs=1e-6)
    with pytest.raises(Impossible):
        least(tiny, 2_000, [[1.0, 0.0]], most=1_000.0)
