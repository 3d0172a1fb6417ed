"""Places in sentences."""

from __future__ import annotations

import pandas as pd
import pytest

import allocate as al
from allocate.places import pace
from allocate.plan.place_telling import apart, beyond_equal, in_millions, lost, shared
from tests.places.making import saved


@pytest.fixture
def drawing(tmp_path) -> al.places.Drawing:
    return al.places.draw(al.places.read(saved(tmp_path)), "QAA")


def test_a_fair_share_beside_an_equal_sum(drawing):
    """The places furthest above and below an equal sum a head are named, in pounds that add up to nothing."""
    targets = drawing.targets(100e6)
    more = beyond_equal(drawing, targets)
    assert more.sum() == pytest.approx(0, abs=1e-6)
    dale, upton = (f"is £{each / 1e6:.1f}m" for each in targets["target"][["dale", "upton"]])
    assert shared(drawing, targets) == (
        f"Of £100.0m, the fair share of Dale {dale}, £{more['dale'] / 1e6:.1f}m more than an equal sum a head, and the "
        f"fair share of Upton {upton}, £{-more['upton'] / 1e6:.1f}m less than an equal sum a head."
    )
    assert shared(drawing, drawing.targets({"population": 1e6})) == (
        "Of £1.0m, every place's fair share is an equal sum a head."
    )


def test_small_places_are_told_in_pounds():
    """Millions are for places that have several."""
    assert in_millions(pd.Series([40e6, 60e6]))
    assert not in_millions(pd.Series([1e6] * 100))
    assert not in_millions(pd.Series([20e6, 10e6]))


def test_who_opens_furthest_and_who_loses(drawing):
    """The furthest above and below are named with pounds and per cent; who loses cash, and when, is told."""
    target = drawing.targets(100e6)["target"]
    opening = target.add(pd.Series({"dale": 5e6, "upton": -5e6}))
    said = apart(drawing, drawing.distance(opening))
    assert said.startswith("Dale is £5.0m")
    assert "no place is further" in said
    assert apart(drawing, drawing.distance(target)) == "Every place opens at its fair share."
    path = pace.close_by(opening, target / target.sum(), {"1": 100e6, "2": 100e6})
    assert lost(drawing, path).startswith("Places that lose cash: ")
    assert "in 1, 2 (−£5.0m)" in lost(drawing, path)
    assert lost(drawing, path).endswith("All places are within 1% of their fair share from 2.")
