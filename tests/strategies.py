"""Hypothesis strategies that several tests draw from."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from allocate.scenario.curves import Curves
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES, Curve, CurvePoint, Heading, Line


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Finite numbers between two bounds, spread evenly over the orders of magnitude where both are above nought."""
    if low <= 0:
        return st.floats(low, high, allow_nan=False)
    return st.floats(math.log(low), math.log(high)).map(lambda x: min(max(math.exp(x), low), high))


@st.composite
def curve_rows(draw) -> tuple[Curve, list[CurvePoint]]:
    """A curve of any shape with plausible figures, and its points if it is given by points (always flattening)."""
    key = {"place": "north", "programme": "care", "outcome": "health", "year": "2026"}
    shape = draw(st.sampled_from(["linear", "power", "isoelastic", "saturation", "points"]))
    slope, reference = draw(numbers(1e-6, 10)), draw(numbers(1e3, 1e9))
    if shape == "linear":
        return Curve(**key, shape=shape, slope=slope), []
    if shape == "saturation":
        return Curve(**key, shape=shape, ceiling=slope * reference, reference=reference), []
    if shape == "points":
        return Curve(**key, shape=shape), draw(flattening_points(key, slope, reference))
    exponent = draw(st.floats(0.05, 0.95))
    return Curve(**key, shape=shape, slope=slope, reference=reference, exponent=exponent), []


@st.composite
def flattening_points(draw, key: dict, slope: float, reference: float) -> list[CurvePoint]:
    """Points from nothing upwards, each step steeper than the next."""
    steps = draw(st.lists(st.tuples(st.floats(0.1, 1), st.floats(0.2, 0.9)), min_size=1, max_size=5))
    spend, gain, rows = 0.0, 0.0, [CurvePoint(**key, spend=0, gain=0)]
    for width, factor in steps:
        slope *= factor
        spend, gain = spend + width * reference, gain + width * reference * slope
        rows.append(CurvePoint(**key, spend=spend, gain=gain))
    return rows


def one_curve(curve: Curve, points: list[CurvePoint], baseline: float = 1e6) -> Curves:
    """The curves of a scenario that has this curve only, over one line."""
    from allocate.scenario.reading import frame

    line = Line(partner="a", place="north", programme="care", envelope="core", year="2026", baseline=baseline)
    rows = {"curves": [curve], "curve_points": points, "lines": [line]}
    tables = {name: frame(row, dict(enumerate(rows.get(name, []), 2))) for name, row in TABLES.items()}
    return Curves.of(Scenario(Heading(id="one", name="One", years=("2026",)), (), tables))
