"""The explorer's charts: valid, honest and readable."""

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

from allocate.plan.figures import MINUS, per_cent, pounds
from allocate.ui import charts

altair = pytest.importorskip("altair")

NASTY = "<b onclick=\"x()\">North</b> *and* [South](http://x.test) `y` datum.z 'q' {{ }} £-0.0"
CHANGES = [
    {"name": "North", "change": 11.5e6, "share": 0.045},
    {"name": "University Hospitals Coventry and Warwickshire and All Around", "change": -3.2e6, "share": -0.012},
    {"name": "South", "change": -0.0, "share": math.nan},
]
DISTANCES = [
    {"name": "North", "before": 0.031, "after": 0.024},
    {"name": "South", "before": -0.04, "after": -0.0},
    {"name": "East", "before": None, "after": 0.01},
]
LINKS = [
    {"level": 0, "source": "Acute", "target": "North", "amount": 300e6},
    {"level": 0, "source": "Acute", "target": "South", "amount": 200e6},
    {"level": 0, "source": "Community", "target": "North", "amount": 50e6},
    {"level": 1, "source": "North", "target": "The Trust", "amount": 350e6},
    {"level": 1, "source": "South", "target": "The Council", "amount": 200e6},
]
HEAT = [
    {"place": place, "programme": programme, "change": change}
    for place, programme, change in [("North", "Acute", 3e6), ("North", "Community", -0.02e6), ("South", "Acute", -1e6)]
]
THREE = [
    {"name": "North", "base": 100e6, "resolved": 101e6, "yours": 99e6},
    {"name": "South", "base": 50e6, "resolved": 50e6, "yours": 55e6},
    {"name": "North", "measure": "Health", "base": 9.0, "resolved": 9.5, "yours": 11.0, "unit": "QALYs"},
]
START, END = {"name": "Last year", "amount": 2404.4e6}, {"name": "Your plan", "amount": 2412.8e6}


def drawn() -> dict[str, charts.Chart]:
    """One chart of every kind."""
    return {
        "change_bars": charts.change_bars(CHANGES),
        "worth_bars": charts.worth_bars([{"name": "Floor", "worth": 77.3}, {"name": "Cap", "worth": 0.0}], "QALYs"),
        "dumbbell": charts.dumbbell(DISTANCES),
        "columns3": charts.columns3(THREE),
        "waterfall": charts.waterfall(START, CHANGES, END),
        "heatmap": charts.heatmap(HEAT),
        "flows": charts.flows(LINKS, ["Programme", "Place", "Partner"]),
    }


def empty() -> dict[str, charts.Chart]:
    """The same with nothing in them."""
    same = {"name": "Last year", "amount": 5.0}
    return {
        "change_bars": charts.change_bars([]),
        "worth_bars": charts.worth_bars([], "QALYs"),
        "dumbbell": charts.dumbbell(pd.DataFrame({"name": ["North"], "before": [math.nan], "after": [0.1]})),
        "columns3": charts.columns3([]),
        "waterfall": charts.waterfall(same, [], same),
        "heatmap": charts.heatmap([]),
        "flows": charts.flows([], ["Programme", "Place"]),
    }


KINDS = tuple(kind.__name__ for kind in charts.ALL)


def values(spec: Any) -> Iterator[dict[str, Any]]:
    """Every row of data in a specification."""
    if isinstance(spec, dict):
        yield from spec.get("data", {}).get("values", [])
        for value in spec.values():
            yield from values(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from values(value)


def figures(chart: charts.Chart) -> set[str]:
    """Every figure in words: labels in the picture and cells of the table, without names."""
    keys = ("label", "amount", "per_cent", "was", "first", "second", "third", "share")
    labels = {str(row[key]) for row in values(chart.spec) for key in keys if key in row}
    named = {"Name", "Place", "Programme", "Partner", "From", "To", "Step", "Measure"}
    cells = {str(cell) for column in chart.table.columns if column not in named for cell in chart.table[column]}
    return labels | cells


def without_data(spec: Any) -> Any:
    """A specification without its data and its description."""
    if isinstance(spec, dict):
        return {key: without_data(value) for key, value in spec.items() if key not in ("values", "description")}
    return [without_data(value) for value in spec] if isinstance(spec, list) else spec


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [drawn, empty])
def test_specification_is_valid(kind, make):
    """Every chart passes the Vega-Lite schema, is plain JSON, fills its page and carries its own look."""
    chart = make()[kind]
    altair.Chart.from_dict(chart.spec, validate=True)
    json.dumps(chart.spec, allow_nan=False)
    assert chart.spec["width"] == "container"
    assert chart.spec["config"] == charts.CONFIG
    assert chart.spec["description"] == chart.alt


@pytest.mark.parametrize("kind", KINDS)
def test_marks_stay_out_of_the_accessibility_tree(kind):
    """The text alternative speaks for the whole picture, so that no mark speaks for itself."""

    def marks(spec: Any) -> Iterator[Any]:
        if isinstance(spec, dict):
            yield from [spec["mark"]] if "mark" in spec and "type" in spec["mark"] else []
            yield from (mark for key, value in spec.items() if key != "config" for mark in marks(value))
        elif isinstance(spec, list):
            yield from (mark for value in spec for mark in marks(value))

    found = list(marks(drawn()[kind].spec))
    assert found
    assert all(mark["aria"] is False for mark in found)


@pytest.mark.parametrize("kind", KINDS)
def test_figures_have_true_minus_signs(kind):
    """No figure has a hyphen for a minus sign, and nothing is less than nothing."""
    for text in figures(drawn()[kind]):
        assert "-" not in text
        assert not (text.startswith(MINUS) and not set(text) & set("123456789")), text


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_show(kind):
    """A chart of nothing says so politely and has a table without rows."""
    chart = empty()[kind]
    assert chart.alt.startswith("There are no ")
    assert len(chart.table) == 0


@pytest.mark.parametrize(
    ("kind", "largest", "smallest", "total"),
    [
        ("change_bars", "North, +£11.5m (+4.5%)", f"and All Around, {MINUS}£3.2m ({MINUS}1.2%)", "+£8.3m"),
        ("worth_bars", "Floor, 77.3", "Cap, 0", "2 bars, in QALYs"),
        ("dumbbell", "North, +2.4%", "South, 0.0%", "2 of 2 within 2.5%, against 0 (Now)"),
        ("columns3", "South, +£5.0m", f"North, {MINUS}£1.0m", "Base plan solved again"),
        ("waterfall", "North, +£11.5m", f"All Around, {MINUS}£3.2m", "+£8.4m in 4 steps"),
        ("heatmap", "North, Acute, +£3.0m", f"South, Acute, {MINUS}£1.0m", "+£2.0m"),
        ("flows", "North to The Trust, £350.0m", "Community to North, £50.0m", "£550.0m in all"),
    ],
)
def test_text_alternative(kind, largest, smallest, total):
    """The words for the picture name the largest, the smallest and the whole."""
    alt = drawn()[kind].alt
    assert f"largest is {largest}" in alt
    assert smallest in alt.split("smallest is ")[1]
    assert total in alt


def test_waterfall_of_an_unknown_total():
    """A waterfall from or to an unknown total shows nothing rather than something wrong."""
    assert charts.waterfall({"name": "Base", "amount": None}, CHANGES, END).alt == "There are no steps to show."


def test_tables():
    """Tables hold every row that has figures, under names in words."""
    tables = {kind: chart.table for kind, chart in drawn().items()}
    assert list(tables["change_bars"].columns) == ["Name", "Change", "Per cent"]
    assert tables["change_bars"]["Change"].tolist() == ["+£11.5m", f"{MINUS}£3.2m", "£0.0m"]
    assert tables["dumbbell"]["Name"].tolist() == ["North", "South"]
    assert tables["waterfall"]["Name"].tolist()[-2:] == ["All other changes", "Your plan"]
    assert tables["heatmap"].to_dict("list") == {
        "Place": ["North", "South"], "Acute": ["+£3.0m", f"{MINUS}£1.0m"], "Community": ["£0.0m", ""]
    }  # fmt: skip
    assert tables["flows"]["Amount"].tolist() == ["£300.0m", "£200.0m", "£50.0m", "£350.0m", "£200.0m"]
    assert list(tables["columns3"].columns)[:3] == ["Name", "Measure", "Base plan"]
    assert tables["columns3"]["Your plan"].tolist() == ["£99.0m", "£55.0m", "11 QALYs"]


def test_units():
    """Figures follow their unit: millions, whole amounts of any currency, shares, or counts of a thing."""
    for unit, text in [
        ("£m", f"{MINUS}£1.5m"), ("£", f"{MINUS}£1,500,000"), ("$m", f"{MINUS}$1.5m"), ("USDm", f"{MINUS}USD1.5m"),
        ("people", f"{MINUS}1,500,000 people"), ("", f"{MINUS}1,500,000"),
    ]:  # fmt: skip
        assert charts.change_bars([{"name": "North", "change": -1.5e6}], unit).table["Change"][0] == text
    three = charts.columns3([{"name": "North", "base": 0.1, "resolved": 0.1, "yours": 0.09}], unit="%")
    assert three.table["Change"].tolist() == [f"{MINUS}1.0%"]


def test_sorted_by_worth():
    """The rule whose easing buys the most comes first, and what rounding leaves behind is nothing."""
    rows = [{"name": "Cap", "worth": 1.0}, {"name": "Dust", "worth": 1e-12}, {"name": "Floor", "worth": 145.0}]
    assert charts.worth_bars(rows, "QALYs").table.to_dict("list") == {
        "Name": ["Floor", "Cap", "Dust"], "QALYs": ["145", "1", "0"]
    }  # fmt: skip


def test_sentences_stand_above_their_bars():
    """Names as long as sentences are laid out as on a narrow page however wide it is; short ones are not."""
    for name, threshold in [
        ("North", charts.NARROW),
        ("For each place, spending must grow by 2% at least. " * 2, 10_000),
    ]:
        spec = charts.worth_bars([{"name": name, "worth": 1.0}], "QALYs").spec
        assert spec["params"][0] == {"name": "narrow", "expr": f"width < {threshold}"}


def test_names_stay_plain_text():
    """A name with Markdown, HTML or an expression in it reaches the picture as it is, and only as data."""
    made = [
        charts.change_bars([{"name": NASTY, "change": 1e6}]),
        charts.worth_bars([{"name": NASTY, "worth": 1.0}], "QALYs"),
        charts.dumbbell([{"name": NASTY, "before": 0.1, "after": 0.2}]),
        charts.columns3([{"name": NASTY, "measure": NASTY, "base": 1.0, "resolved": 1.0, "yours": 2.0}]),
        charts.waterfall({**START, "name": NASTY}, [], END),
        charts.heatmap([{"place": NASTY, "programme": NASTY, "change": 1e6}]),
        charts.flows([{"source": NASTY, "target": NASTY, "amount": 1e6}], [NASTY, NASTY]),
    ]
    for chart in made:
        altair.Chart.from_dict(chart.spec, validate=True)
        assert any(NASTY in row.values() for row in values(chart.spec))
        assert "onclick" not in json.dumps(without_data(chart.spec))


def test_long_names_take_two_lines():
    """Long names are broken between words, evenly, and cut short only where two lines will not do."""
    assert charts._lines("Rugby") == ["Rugby"]
    assert charts._lines("Voluntary and community sector") == ["Voluntary and", "community sector"]
    assert charts._lines("South Warwickshire University NHS Foundation Trust") == [
        "South Warwickshire", "University NHS Foundation…"
    ]  # fmt: skip
    assert charts._lines("") == [""]


@given(st.text(max_size=120), st.integers(8, 30))
def test_lines_fit(name, letters):
    """Whatever a name is, its lines are at most two and never longer than told."""
    lines = charts._lines(name, letters)
    assert 1 <= len(lines) <= 2
    assert all(len(line) <= letters for line in lines)


amounts = st.floats(-5e9, 5e9, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(amounts, st.floats(-1, 1, allow_nan=False)), min_size=1, max_size=12))
def test_any_changes(drawn):
    """Any changes make a chart with a row and a figure each, that name their extremes and lie within the scale."""
    rows = [{"name": f"Place {k}", "change": change, "share": share} for k, (change, share) in enumerate(drawn)]
    chart = charts.change_bars(rows)
    assert chart.table["Change"].tolist() == [pounds(row["change"], signed=True, millions=True) for row in rows]
    assert chart.table["Per cent"].tolist() == [per_cent(row["share"], signed=True) for row in rows]
    assert max(rows, key=lambda row: row["change"])["name"] in chart.alt
    assert min(rows, key=lambda row: row["change"])["name"] in chart.alt
    low, high = chart.spec["layer"][0]["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert all(low <= row["change"] <= high for row in rows)
    assert not any("-" in text for text in figures(chart))


@settings(max_examples=60, deadline=None)
@given(st.floats(1e3, 5e9), st.lists(amounts, max_size=8), st.floats(-1e7, 1e7))
def test_waterfalls_add_up(first, changes, missing):
    """Each step begins where the one before ended, and the last ends at the last plan's total."""
    steps = [{"name": f"Step {k}", "change": change} for k, change in enumerate(changes)]
    last = math.fsum([first, *changes, missing])
    chart = charts.waterfall({"name": "Base", "amount": first}, steps, {"name": "Plan", "amount": last})
    bars = [row for row in values(chart.spec) if "start" in row]
    if not bars:
        assert not changes
        return
    assert bars[0]["end"] == pytest.approx(first)
    for one, other in pairwise(bars):
        assert other["start"] == pytest.approx(one["end"], abs=5.1e4, rel=1e-9)
    assert bars[-1]["end"] == pytest.approx(last)


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
    nodes, ribbons, height = charts.ribbons_of(rows, 3)
    scale = (ribbons[0].leaves[1] - ribbons[0].leaves[0]) / ribbons[0].amount
    for ribbon in ribbons:
        points = charts.ribbon_points(0, ribbon)
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
    for node in charts.ribbons_of(rows, 3)[0]:
        columns[node.level].append(node)
    for column in columns.values():
        assert len(column) <= charts.MOST_NODES
        for one, other in pairwise(column):
            least = (charts._label_height(one.name) + charts._label_height(other.name)) / 2
            assert other.middle - one.middle >= least - 1e-6
            assert other.top >= one.bottom - 1e-6


def test_small_names_share_one():
    """Of eleven names in a column the seven largest stay and the others share one, at the end, with their money."""
    rows = [{"source": f"P{k:02}", "target": "North", "amount": (k + 1) * 1e6} for k in range(11)]
    chart = charts.flows(rows, ["Programme", "Place"])
    names = [row["name"] for row in values(chart.spec) if row.get("level") == 0 and "name" in row]
    assert names == ["P10", "P09", "P08", "P07", "P06", "P05", "P04", "All others (4)"]
    others = next(row for row in values(chart.spec) if row.get("name") == "All others (4)")
    assert others["amount"] == "£10.0m"
    assert len(chart.table) == 11


@given(st.floats(-1, 1, allow_nan=False))
def test_figures_read_on_every_cell(share):
    """Figures in a heat map contrast with their cell by at least 4.5 to 1, as WCAG asks."""
    ink = {"white": 1.0, "black": 0.0}[charts._ink(share)]
    dark, light = sorted((charts.luminance(charts.shade(share)), ink))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_axis_that_does_not_start_at_zero_says_so():
    """A waterfall between large totals cuts its axis and says so; one between small totals does neither."""
    assert "does not start at zero" in json.dumps(charts.waterfall(START, CHANGES, END).spec)
    small = charts.waterfall({"name": "Base", "amount": 0}, CHANGES, {"name": "Plan", "amount": 8.3e6})
    assert "does not start at zero" not in json.dumps(small.spec)


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9))
def test_ticks_are_round_and_inside(low, width):
    """An axis has up to six figures, all within it."""
    ticks = charts._ticks(low, low + width)
    assert len(ticks) <= 6
    assert all(low - 1e-6 * width <= at <= low + width * (1 + 1e-6) for at, _ in ticks)


def test_data_frames_and_lists_alike():
    """A data frame makes the same chart as its rows, with blanks left out."""
    frame = pd.DataFrame(CHANGES)
    assert charts.change_bars(frame).spec == charts.change_bars(frame.to_dict("records")).spec
    blank = pd.DataFrame({"name": ["North", "South"], "change": [1e6, math.nan]})
    assert charts.change_bars(blank).table["Name"].tolist() == ["North"]
