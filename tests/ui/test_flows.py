"""Where money goes, as ribbons: valid, honest and readable."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocate.ui import flows
from allocate.ui.flows import Chart

altair = pytest.importorskip("altair")

NASTY = "<b onclick=\"x()\">North</b> *and* [South](http://x.test) `y` datum.z 'q' {{ }} £-0.0"
LINKS = [
    {"level": 0, "source": "Acute", "target": "North", "amount": 300e6},
    {"level": 0, "source": "Acute", "target": "South", "amount": 200e6},
    {"level": 0, "source": "Community", "target": "North", "amount": 50e6},
    {"level": 1, "source": "North", "target": "The Trust", "amount": 350e6},
    {"level": 1, "source": "South", "target": "The Council", "amount": 200e6},
]


def drawn() -> Chart:
    """Ribbons between three columns."""
    return flows.flows(LINKS, ["Programme", "Place", "Partner"])


def values(spec: Any) -> Iterator[dict[str, Any]]:
    """Every row of data in a specification."""
    if isinstance(spec, dict):
        yield from spec.get("data", {}).get("values", [])
        for value in spec.values():
            yield from values(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from values(value)


def without_data(spec: Any) -> Any:
    """A specification without its data and its description."""
    if isinstance(spec, dict):
        return {key: without_data(value) for key, value in spec.items() if key not in ("values", "description")}
    return [without_data(value) for value in spec] if isinstance(spec, list) else spec


def test_specification_is_valid():
    """The picture passes the Vega-Lite schema, is plain JSON, fills its page and carries its own look."""
    chart = drawn()
    altair.Chart.from_dict(chart.spec, validate=True)
    json.dumps(chart.spec, allow_nan=False)
    assert chart.spec["width"] == "container"
    assert chart.spec["config"] == flows.CONFIG
    assert chart.spec["description"] == chart.alt


def test_marks_stay_out_of_the_accessibility_tree():
    """The text alternative speaks for the whole picture, so that no mark speaks for itself."""

    def marks(spec: Any) -> Iterator[Any]:
        if isinstance(spec, dict):
            yield from [spec["mark"]] if "mark" in spec and "type" in spec["mark"] else []
            yield from (mark for key, value in spec.items() if key != "config" for mark in marks(value))
        elif isinstance(spec, list):
            yield from (mark for value in spec for mark in marks(value))

    found = list(marks(drawn().spec))
    assert found
    assert all(mark["aria"] is False for mark in found)


@pytest.mark.parametrize("amount", [None, math.nan, 0.0, -0.0, -5e6])
def test_nothing_to_show(amount):
    """Without money that flows the words say so politely and the table has no rows."""
    for rows in ([], [{"source": "Acute", "target": "North", "amount": amount}]):
        chart = flows.flows(rows, ["Programme", "Place"])
        assert chart.alt == "There are no flows of money to show."
        assert chart.table.empty


def test_words_and_table():
    """The words name the whole, the largest and the smallest; the table has every ribbon."""
    chart = drawn()
    assert chart.alt == (
        "Money from Programme, to Place, to Partner: £550.0m in all. The largest is North to The Trust, £350.0m; the "
        "smallest is Community to North, £50.0m."
    )
    assert list(chart.table.columns) == ["Step", "From", "To", "Amount"]
    assert chart.table["Amount"].tolist() == ["£300.0m", "£200.0m", "£50.0m", "£350.0m", "£200.0m"]
    assert chart.table["Step"].tolist() == ["Programme to Place"] * 3 + ["Place to Partner"] * 2


def test_names_stay_plain_text():
    """A name with Markdown, HTML or an expression in it reaches the picture as it is, and only as data."""
    chart = flows.flows([{"source": NASTY, "target": NASTY, "amount": 1e6}], [NASTY, NASTY])
    altair.Chart.from_dict(chart.spec, validate=True)
    assert any(NASTY in row.values() for row in values(chart.spec))
    assert "onclick" not in json.dumps(without_data(chart.spec))


def test_data_frames_and_lists_alike():
    """A data frame makes the same picture as its rows, with blanks left out."""
    blank = {"level": 0, "source": "Acute", "target": "West", "amount": math.nan}
    columns = ["Programme", "Place", "Partner"]
    assert flows.flows(pd.DataFrame([*LINKS, blank]), columns).spec == drawn().spec
    assert "West" not in flows.flows([*LINKS, blank], columns).table["To"].tolist()


def test_long_names_take_two_lines():
    """Long names are broken between words, evenly, and cut short only where two lines will not do."""
    assert flows._lines("Rugby") == ["Rugby"]
    assert flows._lines("Voluntary and community sector") == ["Voluntary and", "community sector"]
    assert flows._lines("South Warwickshire University NHS Foundation Trust") == [
        "South Warwickshire", "University NHS Foundation…"
    ]  # fmt: skip
    assert flows._lines("") == [""]


@given(st.text(max_size=120), st.integers(8, 30))
def test_lines_fit(name, letters):
    """Whatever a name is, its lines are at most two and never longer than told."""
    lines = flows._lines(name, letters)
    assert 1 <= len(lines) <= 2
    assert all(len(line) <= letters for line in lines)


links = st.dictionaries(
    st.tuples(st.integers(0, 1), st.integers(0, 11), st.integers(0, 11)), st.floats(1.0, 1e9), min_size=1, max_size=60
)


@settings(max_examples=60, deadline=None)
@given(links)
def test_ribbons_keep_the_money(drawn):
    """Ribbons are as thick where they leave as where they arrive, a pound the same everywhere, nothing lost or added,
    and stay within their names."""
    rows = [
        {"level": level, "source": f"{'AB'[level]}{one}", "target": f"{'BC'[level]}{other}", "amount": amount}
        for (level, one, other), amount in drawn.items()
    ]
    nodes, ribbons, height = flows.ribbons_of(rows, 3)
    scale = (ribbons[0].leaves[1] - ribbons[0].leaves[0]) / ribbons[0].amount
    for ribbon in ribbons:
        points = flows.ribbon_points(0, ribbon)
        for point in (points[0], points[-1]):
            assert point["b"] - point["a"] == pytest.approx(scale * ribbon.amount, abs=2e-3, rel=1e-6)
        assert ribbon.source.top - 1e-6 <= ribbon.leaves[0] <= ribbon.leaves[1] <= ribbon.source.bottom + 1e-6
        assert ribbon.target.top - 1e-6 <= ribbon.arrives[0] <= ribbon.arrives[1] <= ribbon.target.bottom + 1e-6
    for level in (0, 1):
        moved = math.fsum(ribbon.amount for ribbon in ribbons if ribbon.source.level == level)
        assert moved == pytest.approx(math.fsum(row["amount"] for row in rows if row["level"] == level))
    assert all(node.top >= -1e-6 and node.bottom <= height + 1e-6 for node in nodes)


@settings(max_examples=60, deadline=None)
@given(links)
def test_names_of_flows_keep_apart(drawn):
    """A column has at most eight names, the rest in one, and no label stands on another."""
    rows = [
        {"level": level, "source": f"{'AB'[level]}{one}", "target": f"{'BC'[level]}{other}", "amount": amount}
        for (level, one, other), amount in drawn.items()
    ]
    columns = defaultdict(list)
    for node in flows.ribbons_of(rows, 3)[0]:
        columns[node.level].append(node)
    for column in columns.values():
        assert len(column) <= flows.MOST_NODES
        for one, other in pairwise(column):
            least = (flows._label_height(one.name) + flows._label_height(other.name)) / 2
            assert other.middle - one.middle >= least - 1e-6
            assert other.top >= one.bottom - 1e-6


def test_small_names_share_one():
    """Of eleven names in a column the seven largest stay and the others share one, at the end, with their money."""
    rows = [{"source": f"P{k:02}", "target": "North", "amount": (k + 1) * 1e6} for k in range(11)]
    chart = flows.flows(rows, ["Programme", "Place"])
    names = [row["name"] for row in values(chart.spec) if row.get("level") == 0 and "name" in row]
    assert names == ["P10", "P09", "P08", "P07", "P06", "P05", "P04", "All others (4)"]
    others = next(row for row in values(chart.spec) if row.get("name") == "All others (4)")
    assert others["amount"] == "£10.0m"
    assert len(chart.table) == 11
