"""The explorer's charts, as plain Vega-Lite: each with a text alternative and the table of the same figures.

Every layer is laid out in pixels from the width of the page. On a wide one a name stands to the left of its bar and the
figure at the bar's end; on a narrow one (`narrow`) both stand on a line above the bar, so that nothing is ever cut.
"""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from allocate.plan.figures import MINUS, number, per_cent, pounds

Spec = dict[str, Any]
Rows: TypeAlias = pd.DataFrame | Iterable[Mapping[str, Any]]

TEXT, MUTED, GRID = "#212b32", "#4c6272", "#d8dde0"
BLUE, DARK_BLUE, PINK = "#005eb8", "#003087", "#ae2573"
GREEN, PALE_GREEN, GREY, ALMOST_WHITE = "#007f3b", "#e3f2e8", "#768692", "#f7f9fa"
CATEGORIES = (BLUE, "#00a499", PINK, "#ed8b00", "#330072", "#78be20", GREY, "#425563")

FONT = "Inter, Arial, sans-serif"
CONFIG: Spec = {
    "aria": False,
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "mark": {"aria": False},
    "text": {"font": FONT, "fontSize": 14, "fill": TEXT, "baseline": "middle", "lineHeight": 16},
    "axis": {
        "domain": False, "ticks": False, "grid": False, "labelColor": TEXT, "labelFontSize": 14, "labelLimit": 320,
        "labelFlush": False, "labelBound": False, "titleColor": MUTED, "titleFontSize": 14, "titleFontWeight": "normal",
    },
    "legend": {"labelColor": TEXT, "labelFontSize": 14, "labelLimit": 320, "title": None},
    "range": {"category": list(CATEGORIES)},
}  # fmt: skip
"""How every chart looks, whole, so that no theme is needed."""

ROW, NARROW, AXIS, KEY = 40, 480, 44, 28
"""Pixels: a row; the width under which a page is narrow; what an axis takes below; what a key takes above."""
TALL, WIDEST = 58, 10_000
"""The same for rows that are named by whole sentences."""
MOST_NODES = 8
"""A level of a flow shows this many names; the smallest share one."""
NODE, GAP, RIBBON_POINTS, MONEY_HEIGHT = 10, 8, 13, 300
WRAP, WRAP_NARROW = 26, 12


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification with its data, what it shows in words, and the table of the same figures."""

    spec: Spec
    alt: str
    table: pd.DataFrame


def change_bars(rows: Rows, unit: str = "£m") -> Chart:
    """Who gains and who gives, as bars either side of nought, in the order given. Rows: name, change, share (the
    change as a fraction of what it was; blank where there was nothing)."""
    told = _told(rows, "change")
    for row in told:
        share = per_cent(_figure(row.get("share")), signed=True)
        row["per_cent"], row["amount"] = share, _amount(row["change"], unit, signed=True)
        row["label"] = f"{row['amount']} ({share})" if share else row["amount"]
    table = _table(told, {"name": "Name", "amount": "Change", "per_cent": "Per cent"})
    if not told:
        return _nothing("changes", table)
    total = _amount(math.fsum(row["change"] for row in told), unit, signed=True)
    alt = f"{_count(told, 'change')}, {total} in all. {_extremes(told, 'change', 'label')}"
    return Chart(_bars(told, "change", alt, {"amount": "Change", "per_cent": "Per cent"}), alt, table)


def worth_bars(rows: Rows, unit: str) -> Chart:
    """What easing each rule by £1m buys, or anything else with a name and a worth, the largest first. Rows: name,
    worth."""
    told = sorted(_told(rows, "worth"), key=lambda row: -row["worth"])
    least = 1e-6 * max((abs(row["worth"]) for row in told), default=0.0)
    for row in told:
        row["worth"] = row["worth"] if abs(row["worth"]) > least else 0.0
        row["label"] = _amount(row["worth"], unit if _is_money(unit) else "")
    table = _table(told, {"name": "Name", "label": unit[:1].upper() + unit[1:]})
    if not told:
        return _nothing("figures", table)
    alt = f"{_count(told, 'bar')}, in {unit}. {_extremes(told, 'worth', 'label')}"
    spec = _bars(told, "worth", alt, {"label": unit})
    if not _is_money(unit):
        spec["layer"].append(_caption(unit[:1].upper() + unit[1:], spec["height"] + 14, "left"))
        spec["height"] += 24
    return Chart(spec, alt, table)


def dumbbell(rows: Rows, band: float = 0.025, before: str = "Now", after: str = "Proposed") -> Chart:
    """How far each place is from its fair share, before and after; blank rows are left out. Rows: name, before, after
    (fractions above or below)."""
    told = _told(rows, "before", "after")
    for row in told:
        row["label"], row["was"] = per_cent(row["after"], signed=True), per_cent(row["before"], signed=True)
    table = _table(told, {"name": "Name", "was": before, "label": after})
    if not told:
        return _nothing("distances from a fair share", table)
    alt = _dumbbell_alt(told, band, before, after)
    reach = max(band * 1.15, *(abs(row[key]) for row in told for key in ("before", "after")))
    low = min(-band * 1.15, *(row[key] for row in told for key in ("before", "after")))
    high = max(band * 1.15, *(row[key] for row in told for key in ("before", "after")))
    low, high = low - 0.02 * reach, high + 0.02 * reach
    ticks = [(at, per_cent(at, signed=True, places=_places(step, 100))) for at, step in _ticks(low, high)]
    bottom = KEY + len(told) * ROW
    names = _names_width(told)
    layers = [
        *_axis(ticks, KEY, bottom, "Above or below fair share", grid=False),
        *_dots(told, KEY, "before", "after", band),
        _hover(told, KEY, {"was": before, "label": after}),
        *_key([("diamond", GREY, before), ("circle", BLUE, after),
               ("square", "#a9d8b8", f"Within {per_cent(band).replace('.0%', '%')}")]),
    ]  # fmt: skip
    edges = _edges(names, 12, _px_of(told, "label") + 20)
    return Chart(_frame(bottom + AXIS, [_scaled(low, high, layers)], alt, edges), alt, table)


def columns3(
    rows: Rows,
    unit: str = "£m",
    titles: tuple[str, str, str] = ("Base plan", "Base plan solved again", "Your plan"),
) -> Chart:
    """Three plans side by side, as distances from the first: what new assumptions moved (the diamond) and what your
    changes moved (from diamond to dot). Rows: name, base, resolved, yours, and if need be measure (a heading) and unit.
    """
    told = _told(rows, "base", "resolved", "yours")
    for row in told:
        its = row["unit"] = str(row.get("unit") or unit)
        row["measure"] = str(row.get("measure") or "")
        row["texts"] = [_amount(row[key], its) for key in ("base", "resolved", "yours")]
        row["first"], row["second"], row["third"] = row["texts"]
        row["to_resolved"], row["to_yours"] = row["resolved"] - row["base"], row["yours"] - row["base"]
        row["label"] = _amount(row["to_yours"], its, signed=True)
    words = dict(zip(("first", "second", "third"), titles, strict=True))
    headings = {"measure": "Measure"} if any(row["measure"] for row in told) else {}
    table = _table(told, {"name": "Name", **headings, **words, "label": "Change"})
    if not told:
        return _nothing("figures to compare", table)
    alt = (
        f"{_count(told, 'figure')} in three plans: {titles[0]}, {titles[1]} and {titles[2]}. "
        f"From the first to the last: {_extremes(told, 'to_yours', 'label', small=True)}"
    )
    layers, bottom = _sections(told, {**words, "label": "Change"})
    layers += _key([("stroke", MUTED, titles[0]), ("diamond", GREY, titles[1]), ("circle", BLUE, titles[2])], rows=2)
    edges = _edges(_names_width(told), 12, _px_of(told, "label") + 20)
    return Chart(_frame(bottom, [_scaled(-1.04, 1.04, layers)], alt, edges), alt, table)


def waterfall(start: Mapping[str, Any], steps: Rows, end: Mapping[str, Any], unit: str = "£m") -> Chart:
    """From one plan's total to another's. Start and end: name, amount; steps: name, change. What the steps leave
    unexplained gets a row of its own, so that the picture adds up."""
    first, last = _figure(start["amount"]), _figure(end["amount"])
    told, columns = _told(steps, "change"), {"name": "Name", "label": "Amount or change"}
    known = math.isfinite(first + last)
    told = _falls(str(start["name"]), first, told, str(end["name"]), last, unit) if known else []
    if len(told) < 3:
        return _nothing("steps", _table([], columns))
    steps_only = told[1:-1]
    alt = (
        f"From {told[0]['name']}, {told[0]['label']}, to {told[-1]['name']}, {told[-1]['label']}: "
        f"{_amount(last - first, unit, signed=True)} in {_count(steps_only, 'step')}. "
        f"{_extremes(steps_only, 'change', 'label')}"
    )
    spec = _waterfall(told, alt, unit)
    return Chart(spec, alt, _table(told, columns))


def heatmap(rows: Rows, unit: str = "£m") -> Chart:
    """Where money moves, place by programme, each cell with its figure. Rows: place, programme, change."""
    told = _told(rows, "change", name="place")
    for row in told:
        row["programme"] = str(row["programme"])
        row["amount"] = _amount(row["change"], unit, signed=True)
        row["label"] = _bare(row["change"], unit)
        row["both"] = f"{row['name']}, {row['programme']}"
    places = list(dict.fromkeys(row["name"] for row in told))
    programmes = list(dict.fromkeys(row["programme"] for row in told))
    table = _crossed(told, places, programmes)
    if not told:
        return _nothing("changes", table)
    total = _amount(math.fsum(row["change"] for row in told), unit, signed=True)
    named = [{**row, "name": row["both"]} for row in told]
    alt = (
        f"Changes for {_count(places, 'place')} and {_count(programmes, 'programme')}, {total} in all. "
        f"{_extremes(named, 'change', 'amount')}"
    )
    return Chart(_heatmap(told, places, programmes, unit, alt), alt, table)


def flows(links: Rows, columns: Sequence[str], unit: str = "£m") -> Chart:
    """Where money goes, as ribbons between two or three columns of names. Links: level (0 from the first column to the
    second, 1 from the second to the third), source, target, amount. The smallest names of a long column share one."""
    told = _told(links, "amount", name="source")
    for row in told:
        row["level"], row["source"], row["target"] = int(row.get("level") or 0), row["name"], str(row["target"])
        row["label"] = _amount(row["amount"], unit)
        row["step"] = f"{columns[row['level']]} to {columns[row['level'] + 1]}"
    steps = {"step": "Step"} if len(columns) > 2 else {}
    table = _table(told, {**steps, "source": "From", "target": "To", "label": "Amount"})
    drawn = [row for row in told if row["amount"] > 0]
    if not drawn:
        return _nothing("flows of money", table)
    named = [{**row, "name": f"{row['source']} to {row['target']}"} for row in drawn]
    total = _amount(math.fsum(row["amount"] for row in drawn if row["level"] == 0), unit)
    alt = f"Money from {', to '.join(columns)}: {total} in all. {_extremes(named, 'amount', 'label')}"
    nodes, ribbons, height = ribbons_of(drawn, len(columns))
    return Chart(_flows(nodes, ribbons, height, columns, unit, alt), alt, table)


# Words and figures -------------------------------------------------------------------------------------------------


def _told(rows: Rows, *figures: str, name: str = "name") -> list[dict[str, Any]]:
    """The rows whose figures are all there, each with its name as plain text."""
    listed = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    told = [{str(key): value for key, value in row.items()} for row in listed]
    for row in told:
        row["name"] = str(row[name])
        row.update({key: _figure(row.get(key)) for key in figures})
    return [row for row in told if all(math.isfinite(row[key]) for key in figures)]


def _figure(value: Any) -> float:
    """A float, never a signed nought; NaN for a blank."""
    return math.nan if value is None or value is pd.NA else float(value) + 0.0


def _is_money(unit: str) -> bool:
    """A currency sign, or letters and an m: £, £m, USDm."""
    signed = any(unicodedata.category(letter) == "Sc" for letter in unit)
    return signed or (unit.endswith("m") and unit[:-1].isupper())


def _amount(value: float, unit: str, signed: bool = False) -> str:
    """£11.5m where the unit is £m, £11,500,000 where it is £, 3.2% where it is %, 77 QALYs otherwise."""
    if _is_money(unit):
        return pounds(value, unit.removesuffix("m"), signed, millions=unit.endswith("m"))
    if unit == "%":
        return per_cent(value, signed)
    return f"{number(value, signed).replace('-', MINUS)} {unit}".strip()


def _bare(value: float, unit: str) -> str:
    """The figure with its sign and without its unit: +11.5."""
    text = _amount(value, unit, signed=True)
    return text.replace(unit.removesuffix("m"), "", 1).removesuffix("m") if _is_money(unit) else text.split(" ")[0]


def _table(told: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """The named columns of the rows, under names in words."""
    return pd.DataFrame({words: [row[key] for row in told] for key, words in columns.items()}, dtype=object)


def _crossed(told: Sequence[Mapping[str, Any]], places: list[str], programmes: list[str]) -> pd.DataFrame:
    """Places down, programmes across."""
    cells = {(row["name"], row["programme"]): row["amount"] for row in told}
    across = [[place, *(cells.get((place, programme), "") for programme in programmes)] for place in places]
    return pd.DataFrame(across, columns=["Place", *programmes], dtype=object)


def _count(things: Sequence[Any], what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def _extremes(told: Sequence[Mapping[str, Any]], key: str, label: str, small: bool = False) -> str:
    """The largest is North, +£4.0m; the smallest is South, −£1.2m."""
    most, least = max(told, key=lambda row: row[key]), min(told, key=lambda row: row[key])
    if most is least:
        return f"{'it' if small else 'It'} is {most['name']}, {most[label]}."
    the = "the" if small else "The"
    return f"{the} largest is {most['name']}, {most[label]}; the smallest is {least['name']}, {least[label]}."


def _dumbbell_alt(told: Sequence[Mapping[str, Any]], band: float, before: str, after: str) -> str:
    inside = [sum(abs(row[key]) <= band for row in told) for key in ("after", "before")]
    return (
        f"Distance from fair share, {before} and {after}: {inside[0]} of {len(told)} within {per_cent(band)}, "
        f"against {inside[1]} ({before}). {_extremes(told, 'after', 'label')}"
    )


def _nothing(what: str, table: pd.DataFrame) -> Chart:
    """A picture that says there is nothing to show."""
    alt = f"There are no {what} to show."
    return Chart(_frame(ROW, [_caption(alt, ROW / 2, "left")], alt, {"left": "0"}), alt, table)


# Pixels ------------------------------------------------------------------------------------------------------------


def _px(text: str, size: float = 14) -> float:
    """About how many pixels a text takes, rather too many than too few."""
    wide = {**dict.fromkeys(" .,:;'|!()[]ijlI", 0.34), **dict.fromkeys("mwMW@%", 0.95), **dict.fromkeys("frt-", 0.45)}
    return size * sum(wide.get(letter, 0.72 if letter.isupper() or not letter.isascii() else 0.63) for letter in text)


def _px_of(told: Sequence[Mapping[str, Any]], key: str) -> float:
    return round(max((_px(row[key]) for row in told), default=0.0))


def _lines(name: str, letters: int = WRAP) -> list[str]:
    """A name on at most two lines, about as long as each other, cut short with an ellipsis where two will not do."""
    plain = " ".join(name.split())
    for most in range((len(plain) + 1) // 2, letters + 1) if len(plain) > letters else (letters,):
        lines = textwrap.wrap(plain, most, break_long_words=False)
        if len(lines) <= 2 and all(len(line) <= letters for line in lines):
            return lines or [""]
    first = textwrap.wrap(plain, letters)[0]
    rest = plain[len(first) :].strip()
    return [first, rest if len(rest) <= letters else rest[: letters - 1].rstrip() + "…"]


def _names_width(told: Sequence[Mapping[str, Any]]) -> float:
    return round(max(_px(line) for row in told for line in _lines(row["name"])) + 12)


def _edges(names: float, before: float, after: float, narrow: float = 12) -> dict[str, str]:
    """Where names end and where the scale begins and ends, on wide pages and on narrow ones."""
    return {
        "names": f"narrow ? 0 : {names:g}",
        "left": f"narrow ? {narrow:g} : {names + before:g}",
        "right": f"narrow ? width - {narrow:g} : width - {after:g}",
    }


def _ticks(low: float, high: float, most: int = 5) -> list[tuple[float, float]]:
    """Round figures between two bounds, each with the step between them."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * by for by in (1, 2, 5, 10) if power * by >= rough * 0.999)
    return [(k * step + 0.0, step) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _places(step: float, times: float = 1.0) -> int:
    """How many decimals tell the ticks apart."""
    return max(0, -math.floor(math.log10(step * times) + 1e-9))


# Parts of a picture ------------------------------------------------------------------------------------------------


def _frame(height: float, layers: list[Spec], alt: str, params: Mapping[str, str], narrow: float = NARROW) -> Spec:
    """A whole specification, laid out for narrow pages under that width."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": alt,
        "width": "container",
        "height": height,
        "padding": {"left": 1, "right": 1, "top": 2, "bottom": 2},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [{"name": "narrow", "expr": f"width < {narrow:g}"}]
        + [{"name": name, "expr": text} for name, text in params.items()],
        "config": CONFIG,
        "layer": layers,
    }


def _expr(text: str) -> Spec:
    return {"expr": text}


def _at(text: str | float) -> Spec:
    """A place on the page in pixels."""
    return {"value": text if isinstance(text, int | float) else _expr(text)}


def _y(field: str) -> Spec:
    return {"field": field, "type": "quantitative", "scale": None, "axis": None}


def _x(field: str) -> Spec:
    return {"field": field, "type": "quantitative", "axis": None}


def _own(field: str) -> Spec:
    """A colour or a shape as the data have it."""
    return {"field": field, "type": "nominal", "scale": None, "legend": None}


def _scaled(low: float, high: float, layers: list[Spec]) -> Spec:
    """Layers that share one scale from left to right."""
    scale = {"domain": [low, high], "range": [_expr("left"), _expr("right")], "nice": False, "zero": False}
    pin: Spec = {
        "data": {"values": [{"low": low, "high": high}]},
        "mark": {"type": "rule", "opacity": 0, "aria": False, "tooltip": None},
        "encoding": {"x": {**_x("low"), "scale": scale}, "x2": {"field": "high"}, "y": _at(0)},
    }
    return {"layer": [pin, *layers]}


def _mark(kind: str, **options: Any) -> Spec:
    return {"type": kind, "aria": False, "tooltip": None, **options}


def _placed(told: Sequence[Mapping[str, Any]], top: float, *fields: str, row: int = ROW) -> Spec:
    """The rows, each with where it stands: `middle` of the bar, and `line`, where its name stands."""
    values = []
    for k, each in enumerate(told):
        lines = {"lines": _lines(each["name"])} if row == ROW else _sentence(each["name"])
        values.append({"row": top + k * row, **lines, **{key: each[key] for key in ("name", *fields)}})
    return {
        "data": {"values": values},
        "transform": [
            {"calculate": f"datum.row + (narrow ? {row - 13} : {row / 2:g})", "as": "middle"},
            {"calculate": f"datum.row + (narrow ? {row - 30} : {row / 2:g})", "as": "line"},
            {"calculate": "datum.middle - (narrow ? 5 : 10)", "as": "from"},
            {"calculate": "datum.middle + (narrow ? 5 : 10)", "as": "to"},
        ],
    }


def _sentence(text: str) -> dict[str, list[str]]:
    """A sentence on two lines of a phone or of a wider page."""
    return {"lines": _lines(text, 34), "long": _lines(text, 56)}


def _name_layer(limit: float, row: int = ROW) -> Spec:
    """Names to the left of their rows, or above them where the page is narrow; sentences above them always."""
    sentence = f"(width < {NARROW} ? datum.lines : datum.long)"
    text, dy = ("narrow ? datum.name : datum.lines", "narrow ? 0 : -8 * (length(datum.lines) - 1)")
    if row == TALL:
        text, dy = sentence, f"-16 * (length({sentence}) - 1)"
    align, limits = "narrow ? 'left' : 'right'", f"narrow ? width - {0.94 * limit + 8:g} : names"
    return {
        "mark": _mark("text", align=_expr(align), dy=_expr(dy), limit=_expr(limits), text=_expr(text)),
        "encoding": {"y": _y("line"), "x": _at("narrow ? 0 : names - 10")},
    }


def _edge_labels(colour: str = TEXT, wide: bool = True) -> Spec:
    """Figures in a column at the right edge: always, or on narrow pages only."""
    text = "datum.label" if wide else "narrow ? datum.label : ''"
    mark = _mark("text", align="right", fontWeight="bold", text=_expr(text), fill=colour)
    return {"mark": mark, "encoding": {"y": _y("line"), "x": _at("width")}}


def _end_labels(field: str) -> Spec:
    """Figures at the ends of bars, on wide pages: left of the bar where it runs left."""
    mark = _mark(
        "text", fontWeight="bold", text=_expr("narrow ? '' : datum.label"),
        align=_expr("datum.falls ? 'right' : 'left'"), dx=_expr("narrow ? 0 : datum.falls ? -6 : 6"),
    )  # fmt: skip
    return {"mark": mark, "encoding": {"y": _y("middle"), "x": _x(field)}}


def _hover(told: Sequence[Mapping[str, Any]], top: float, words: Mapping[str, str], row: int = ROW) -> Spec:
    """An unseen layer over whole rows that tells their figures."""
    placed = _placed(told, top, *words, row=row)
    tips = [{"field": key, "type": "nominal", "title": title} for key, title in {"name": "Name", **words}.items()]
    return {
        "data": placed["data"],
        "transform": [{"calculate": f"datum.row + {row}", "as": "under"}],
        "mark": {"type": "rect", "aria": False, "fillOpacity": 0},
        "encoding": {"x": _at(0), "x2": _at("width"), "y": _y("row"), "y2": {"field": "under"}, "tooltip": tips},
    }


def _strips(low: float, high: float) -> Spec:
    """A band behind the dots, row by row, so that it leaves names alone."""
    return {
        "transform": [
            {"calculate": f"{low:g}", "as": "low"},
            {"calculate": f"{high:g}", "as": "high"},
            *_row_ends(4),
        ],
        "mark": _mark("rect", fill=PALE_GREEN),
        "encoding": {"x": _x("low"), "x2": {"field": "high"}, "y": _y("over"), "y2": {"field": "under"}},
    }


def _row_ends(beyond: int) -> list[Spec]:
    """Where a row begins and ends; on narrow pages only the part below its name."""
    return [
        {"calculate": f"narrow ? datum.from - {beyond} : datum.row", "as": "over"},
        {"calculate": f"narrow ? datum.to + {beyond} : datum.row + {ROW + 0.5}", "as": "under"},
    ]


def _caption(text: str, y: float, align: str) -> Spec:
    """A muted line under a picture."""
    at = "left" if align == "left" else "(left + right) / 2"
    return {
        "data": {"values": [{"text": text}]},
        "mark": _mark("text", fill=MUTED, align=align, limit=_expr("width")),
        "encoding": {"x": _at(at), "y": _at(y), "text": {"field": "text", "type": "nominal"}},
    }


def _axis(ticks: Sequence[tuple[float, str]], top: float, bottom: float, title: str, grid: bool = True) -> list[Spec]:
    """Figures below and what they are, with faint lines above them where a wide page has room."""
    values = [{"at": at, "text": text} for at, text in ticks]
    return [
        {
            "data": {"values": values},
            "layer": [
                {
                    "mark": _mark("rule", stroke=GRID, opacity=_expr("narrow ? 0 : 1") if grid else 0),
                    "encoding": {"x": _x("at"), "y": _at(top), "y2": _at(bottom)},
                },
                {
                    "mark": _mark("text", fontSize=13, fill=MUTED),
                    "encoding": {"x": _x("at"), "y": _at(bottom + 13), "text": {"field": "text", "type": "nominal"}},
                },
            ],
        },
        _caption(title, bottom + 33, "center"),
    ]


def _key(items: Sequence[tuple[str, str, str]], rows: int = 1) -> list[Spec]:
    """A small key above: mark, colour and words. Two rows where one is too long for a phone: only on narrow pages."""
    values, at, narrow_at, row = [], 0.0, 0.0, 0
    for k, (shape, colour, text) in enumerate(items):
        if rows > 1 and k == rows:
            row, narrow_at = row + 1, 0.0
        values.append({"shape": shape, "colour": colour, "text": text, "at": at, "narrow": narrow_at, "row": row})
        at, narrow_at = at + _px(text) + 34, narrow_at + _px(text) + 34
    start = "(narrow ? datum.narrow : names + datum.at)"
    y = _at("10 + (narrow ? 20 * datum.row : 0)")
    line = "datum.shape == 'stroke'"
    mark = _mark(
        "point", filled=True, opacity=1, size=_expr(f"{line} ? 160 : 100"), strokeWidth=_expr(f"{line} ? 2 : 0"),
        angle=_expr(f"{line} ? 90 : 0"),
    )  # fmt: skip
    return [
        {
            "data": {"values": values},
            "layer": [
                {
                    "mark": mark,
                    "encoding": {"x": _at(f"{start} + 7"), "y": y, "shape": _own("shape"), "color": _own("colour"),
                                 "stroke": _own("colour")},
                },
                {
                    "mark": _mark("text", align="left"),
                    "encoding": {"x": _at(f"{start} + 19"), "y": y, "text": {"field": "text", "type": "nominal"}},
                },
            ],
        }
    ]  # fmt: skip


# Bars --------------------------------------------------------------------------------------------------------------


def _bars(told: list[dict[str, Any]], field: str, alt: str, words: Mapping[str, str]) -> Spec:
    """Bars either side of nought."""
    for row in told:
        row["falls"] = row[field] < 0
        row["colour"] = PINK if row["falls"] else BLUE
    low, high = min(0.0, *(row[field] for row in told)), max(0.0, *(row[field] for row in told))
    low, high = (low, high) if high > low else (0.0, 1.0)
    room = [
        max((_px(row["label"]) for row in told if row["falls"] is side), default=-10) + 12 for side in (True, False)
    ]
    row_height, narrow = _row_height(told)
    layers = {
        **_placed(told, 0, field, "label", "colour", "falls", row=row_height),
        "layer": [_bar("zero", field), _zero_line(), _name_layer(_px_of(told, "label"), row_height),
                  _end_labels(field), _edge_labels(wide=False)],
    }  # fmt: skip
    edges = _edges(_names_width(told), round(room[0]), round(room[1]), narrow=1)
    parts = [layers, _hover(told, 0, words, row_height)]
    return _frame(len(told) * row_height, [_scaled(low, high, parts)], alt, edges, narrow)


def _row_height(told: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Pixels for a row, and the width under which a page is narrow. Whole sentences would be cut on two short lines
    beside their bars: they stand above them on any page."""
    return (ROW, NARROW) if max(len(row["name"]) for row in told) <= 2 * WRAP else (TALL, WIDEST)


def _bar(start: str, end: str) -> Spec:
    """Bars from one figure to another; `zero` is nought."""
    return {
        "transform": [{"calculate": "0", "as": "zero"}],
        "mark": _mark("rect"),
        "encoding": {
            "x": _x(start), "x2": {"field": end}, "y": _y("from"), "y2": {"field": "to"}, "color": _own("colour"),
        },
    }  # fmt: skip


def _zero_line(beyond: int = 2) -> Spec:
    """A line at nought, row by row, so that it leaves names alone."""
    return {
        "transform": [{"calculate": "0", "as": "zero"}, *_row_ends(beyond)],
        "mark": _mark("rule", stroke=MUTED),
        "encoding": {"x": _x("zero"), "y": _y("over"), "y2": {"field": "under"}},
    }


# Dots --------------------------------------------------------------------------------------------------------------


def _dots(
    told: Sequence[Mapping[str, Any]], top: float, before: str, after: str, band: float | None = None
) -> list[Spec]:
    """A diamond and a dot in each row, joined, with the figure at the right edge."""
    join = {"x": _x(before), "x2": {"field": after}, "y": _y("middle")}
    return [
        {
            **_placed(told, top, before, after, "label"),
            "layer": [
                *([] if band is None else [_strips(-band, band)]),
                _zero_line(4),
                {"mark": _mark("rule", stroke="#aeb7bd", strokeWidth=3), "encoding": join},
                _point("diamond", GREY, 110, before),
                _point("circle", BLUE, 120, after),
                _name_layer(_px_of(told, "label")),
                _edge_labels(BLUE),
            ],
        }
    ]


def _point(shape: str, colour: str, size: int, field: str) -> Spec:
    mark = _mark("point", shape=shape, fill=colour, stroke="white", strokeWidth=1, size=size, opacity=1)
    return {"mark": mark, "encoding": {"x": _x(field), "y": _y("middle")}}


def _sections(told: list[dict[str, Any]], words: Mapping[str, str]) -> tuple[list[Spec], float]:
    """A block of dots for each measure, under its heading, each with its own scale; and where the last one ends."""
    layers: list[Spec] = []
    top = 20 + KEY
    for measure in dict.fromkeys(row["measure"] for row in told):
        block = [row for row in told if row["measure"] == measure]
        reach = max(max(abs(row["to_resolved"]), abs(row["to_yours"])) for row in block) or 1.0
        for row in block:
            row["before"], row["after"] = row["to_resolved"] / reach, row["to_yours"] / reach
        if measure:
            layers.append(_heading(measure, top + 12))
            top += 28
        layers += [*_dots(block, top, "before", "after"), _hover(block, top, words)]
        top += len(block) * ROW + 8
    return layers, top


def _heading(text: str, y: float) -> Spec:
    return {
        "data": {"values": [{"text": text}]},
        "mark": _mark("text", fontWeight="bold", align="left", limit=_expr("width")),
        "encoding": {"x": _at(0), "y": _at(y), "text": {"field": "text", "type": "nominal"}},
    }


# Waterfall ---------------------------------------------------------------------------------------------------------


def _falls(
    begin: str, first: float, steps: list[dict[str, Any]], finish: str, last: float, unit: str
) -> list[dict[str, Any]]:
    """The rows of a waterfall: the start, each step from where the one before ended, what is left, and the end."""
    left = last - first - math.fsum(row["change"] for row in steps)
    if set(_amount(left, unit)) & set("123456789"):
        steps = [*steps, {"name": "All other changes", "change": left}]
    rows = [_fall(begin, first, first, _amount(first, unit), DARK_BLUE)]
    at = first
    for row in steps:
        till, text = at + row["change"], _amount(row["change"], unit, signed=True)
        rows.append(_fall(row["name"], at, till, text, PINK if row["change"] < 0 else BLUE))
        at = till
    return [*rows, _fall(finish, last, last, _amount(last, unit), DARK_BLUE)]


def _fall(name: str, start: float, end: float, label: str, colour: str) -> dict[str, Any]:
    return {"name": name, "start": start, "end": end, "change": end - start, "label": label, "colour": colour,
            "falls": end < start}  # fmt: skip


def _waterfall(told: list[dict[str, Any]], alt: str, unit: str) -> Spec:
    values = [row[key] for row in told for key in ("start", "end")]
    low, high = min(values), max(values)
    cut = low > 0 and (high - low) < 0.5 * high
    low, high = (low - 0.12 * (high - low or 0.01 * high), high) if cut else (min(0.0, low), max(0.0, high))
    size = 1e6 if _is_money(unit) and unit.endswith("m") else 1.0
    ticks = [(at, _tick(at / size, step / size)) for at, step in _ticks(low, high or 1.0)]
    room = max((_px(row["label"]) for row in told if row["falls"]), default=-12) + 16
    bottom = len(told) * ROW
    layers = [
        *_axis(ticks, 0, bottom, f"{unit} (the axis does not start at zero)" if cut else unit),
        {**_placed(told, 0, "start", "end", "label", "colour", "falls"), "layer": [
            _total_bar(cut, len(told)), _bar("start", "end"), _joins(len(told)), _name_layer(_px_of(told, "label")),
            _end_labels("end"), _edge_labels(wide=False)]},
        _hover(told, 0, {"label": "Amount or change"}),
    ]  # fmt: skip
    edges = _edges(_names_width(told), round(room), round(_px_of(told, "label") + 12))
    return _frame(bottom + AXIS, [_scaled(low, high or 1.0, layers)], alt, edges)


def _tick(at: float, step: float) -> str:
    text = f"{abs(at):,.{_places(step)}f}"
    return (MINUS if at < 0 and text.strip("0.,") else "") + text


def _total_bar(cut: bool, rows: int) -> Spec:
    """The bars of the start and the end: from the names where the axis is cut, else from nought."""
    start = _at("narrow ? 0 : names") if cut else {"datum": 0, "type": "quantitative", "axis": None}
    end = _at("scale('x', datum.end)") if cut else {"field": "end"}
    encoding = {"x": start, "x2": end, "y": _y("from"), "y2": {"field": "to"}, "color": _own("colour")}
    keep = f"datum.row == 0 || datum.row == {(rows - 1) * ROW}"
    return {"transform": [{"filter": keep}], "mark": _mark("rect"), "encoding": encoding}


def _joins(rows: int) -> Spec:
    """Thin lines from where one bar ends to where the next begins."""
    return {
        "transform": [
            {"filter": f"datum.row < {(rows - 1) * ROW}"},
            {"calculate": f"datum.from + {ROW}", "as": "next"},
        ],
        "mark": _mark("rule", stroke=GREY, strokeDash=[2, 2], opacity=_expr("narrow ? 0 : 1")),
        "encoding": {"x": _x("end"), "y": _y("to"), "y2": {"field": "next"}},
    }


# Heat map ----------------------------------------------------------------------------------------------------------

HEAD = 94
"""Pixels above a heat map for the names of its columns."""


def _heatmap(told: list[dict[str, Any]], places: list[str], programmes: list[str], unit: str, alt: str) -> Spec:
    reach = max(abs(row["change"]) for row in told) or 1.0
    cells = [_cell(row, places, programmes, reach) for row in told]
    words = {"name": "Place", "programme": "Programme", "amount": "Change"}
    scale = {"type": "linear", "domain": [-reach, 0, reach], "range": [PINK, ALMOST_WHITE, BLUE], "interpolate": "rgb"}
    rect: Spec = {
        "mark": {"type": "rect", "aria": False, "stroke": "white", "strokeWidth": 2},
        "encoding": {
            "x": _at("left + datum.column * cell"), "x2": _at("left + (datum.column + 1) * cell"),
            "y": _y("row"), "y2": {"field": "under"},
            "color": {"field": "change", "type": "quantitative", "scale": scale, "legend": None},
            "tooltip": [{"field": key, "type": "nominal", "title": title} for key, title in words.items()],
        },
    }  # fmt: skip
    figure = {
        "mark": _mark("text", fontSize=13, text=_expr("cell < figures ? '' : datum.label"), fill=_expr("datum.ink")),
        "encoding": {"x": _at("left + (datum.column + 0.5) * cell"), "y": _y("middle")},
    }
    word = max(_px(word, 13) for name in programmes for word in name.split() or [""])
    names = [{"name": place} for place in places]
    edges = {
        "names": f"{min(_names_width(names), 215):g} * (narrow ? 0.5 : 1)",
        "left": "names", "cell": f"(width - left) / {len(programmes)}", "tight": f"cell < {round(word)}",
        "figures": f"{round(max(_px(row['label'], 13) for row in told))}",
    }  # fmt: skip
    layers = [{"data": {"values": cells}, "layer": [rect, figure]}, _places_down(names), *_heads(programmes)]
    return _frame(HEAD + len(places) * 32, layers, alt, edges)


def _cell(row: Mapping[str, Any], places: list[str], programmes: list[str], reach: float) -> dict[str, Any]:
    top = HEAD + places.index(row["name"]) * 32
    nought = not row["label"].strip("0.,+")
    return {
        "row": top, "under": top + 32, "middle": top + 16, "column": programmes.index(row["programme"]),
        "ink": MUTED if nought else _ink(row["change"] / reach),
        **{key: row[key] for key in ("name", "programme", "change", "label", "amount")},
    }  # fmt: skip


def _places_down(names: list[dict[str, str]]) -> Spec:
    values = [
        {"lines": _lines(row["name"]), "name": row["name"], "y": HEAD + k * 32 + 16} for k, row in enumerate(names)
    ]
    mark = _mark(
        "text", align="right", text=_expr("narrow ? datum.name : datum.lines"), limit=_expr("names - 10"), fontSize=13,
        lineHeight=14, dy=_expr("narrow ? 0 : -7 * (length(datum.lines) - 1)"),
    )  # fmt: skip
    return {"data": {"values": values}, "mark": mark, "encoding": {"x": _at("names - 8"), "y": _y("y")}}


def _heads(programmes: list[str]) -> list[Spec]:
    """Names above columns: on up to four lines, or on their sides where columns are narrow."""
    values = []
    for k, name in enumerate(programmes):
        lines = textwrap.wrap(
            name, max(10, *(len(word) for word in name.split() or [""])), max_lines=4, placeholder="…"
        )
        values.append({"name": name, "lines": lines or [""], "column": k, "bottom": HEAD - 12})
    upright = _mark("text", fontSize=13, text=_expr("tight ? '' : datum.lines"),
                    dy=_expr("-16 * (length(datum.lines) - 1)"), limit=_expr("cell"))  # fmt: skip
    sideways = _mark(
        "text", fontSize=13, text=_expr("tight ? datum.name : ''"), angle=270, align="left", limit=HEAD - 8
    )
    middle = {"x": _at("left + (datum.column + 0.5) * cell")}
    return [
        {"data": {"values": values}, "layer": [
            {"mark": upright, "encoding": {**middle, "y": _y("bottom")}},
            {"mark": sideways, "encoding": {**middle, "y": _at(HEAD - 4)}},
        ]}
    ]  # fmt: skip


def _ink(share: float) -> str:
    """Black or white, whichever reads better on the cell."""
    return "white" if 1.05 / (luminance(shade(share)) + 0.05) > (luminance(shade(share)) + 0.05) / 0.05 else "black"


def shade(share: float) -> tuple[float, ...]:
    """The cell's colour for a share of the largest change, from −1 to 1, as red, green and blue from 0 to 1."""
    end, start = PINK if share < 0 else BLUE, ALMOST_WHITE
    by = min(1.0, abs(share))
    return tuple(((1 - by) * int(start[k : k + 2], 16) + by * int(end[k : k + 2], 16)) / 255 for k in (1, 3, 5))


def luminance(colour: Sequence[float]) -> float:
    """How bright a colour is, as WCAG reckons it."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# Flows -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A name in a column of a flow: what it holds, and where it stands in pixels."""

    level: int
    name: str
    amount: float
    top: float
    bottom: float
    middle: float


@dataclass(frozen=True)
class Ribbon:
    """Money from one name to another: its edges in pixels where it leaves and where it arrives."""

    source: Node
    target: Node
    amount: float
    leaves: tuple[float, float]
    arrives: tuple[float, float]
    colour: str


def ribbons_of(links: Sequence[Mapping[str, Any]], levels: int) -> tuple[list[Node], list[Ribbon], float]:
    """The names and ribbons of a flow and its height, small names sharing one, all on one scale of pixels a pound."""
    merged = _merged(links, levels)
    sums = [_sums(merged, level) for level in range(levels)]
    scale = MONEY_HEIGHT / max(sum(each.values()) for each in sums)
    slots = [[max(scale * amount, _label_height(name)) for name, amount in each.items()] for each in sums]
    height = max(sum(each) + GAP * (len(each) - 1) for each in slots)
    columns = [_column(level, sums[level], slots[level], scale, height) for level in range(levels)]
    nodes = {(node.level, node.name): node for column in columns for node in column}
    return list(nodes.values()), _ribbons(merged, nodes, scale), height


def _merged(links: Sequence[Mapping[str, Any]], levels: int) -> dict[tuple[int, str, str], float]:
    """Links by level, source and target, the smallest names of long columns put together."""
    plain: dict[tuple[int, str, str], float] = {}
    for link in links:
        key = link["level"], link["source"], link["target"]
        plain[key] = plain.get(key, 0.0) + link["amount"]
    called = [_called(_sums(plain, level)) for level in range(levels)]
    merged: dict[tuple[int, str, str], float] = {}
    for (level, source, target), amount in plain.items():
        key = level, called[level][source], called[level + 1][target]
        merged[key] = merged.get(key, 0.0) + amount
    return merged


def _sums(links: Mapping[tuple[int, str, str], float], level: int) -> dict[str, float]:
    """What each name of a column holds: what comes in or what goes out, whichever is more; the largest first."""
    out: dict[str, float] = {}
    into: dict[str, float] = {}
    for (at, source, target), amount in links.items():
        if at == level:
            out[source] = out.get(source, 0.0) + amount
        if at + 1 == level:
            into[target] = into.get(target, 0.0) + amount
    held = {name: max(out.get(name, 0.0), into.get(name, 0.0)) for name in {**into, **out}}
    return dict(sorted(held.items(), key=lambda item: (item[0].startswith("All others ("), -item[1], item[0])))


def _called(held: Mapping[str, float]) -> dict[str, str]:
    """What to call each name: itself, or All others (n) for the smallest of more than fit."""
    kept = list(held) if len(held) <= MOST_NODES else list(held)[: MOST_NODES - 1]
    return {name: name if name in kept else f"All others ({len(held) - len(kept)})" for name in held}


def _label_height(name: str) -> float:
    return 15 * (len(_lines(name, WRAP_NARROW)) + 1) + 2


def _column(level: int, held: Mapping[str, float], slots: list[float], scale: float, height: float) -> list[Node]:
    """Names one below the other over the whole height, each in a slot that its label fits."""
    spare = height - sum(slots)
    gap, top = (spare / (len(slots) - 1), 0.0) if len(slots) > 1 else (0.0, spare / 2)
    nodes = []
    for (name, amount), slot in zip(held.items(), slots, strict=True):
        middle, half = top + slot / 2, scale * amount / 2
        nodes.append(Node(level, name, amount, middle - half, middle + half, middle))
        top += slot + gap
    return nodes


def _ribbons(
    links: Mapping[tuple[int, str, str], float], nodes: Mapping[tuple[int, str], Node], scale: float
) -> list[Ribbon]:
    """Each link's edges: at both ends stacked in the order of the names at the other end."""
    order = {key: k for k, key in enumerate(nodes)}
    colours = {key: CATEGORIES[k % len(CATEGORIES)] for k, key in enumerate(key for key in nodes if key[0] == 0)}
    used: dict[tuple[str, int, str], float] = {}

    def edges(side: str, node: Node, thickness: float) -> tuple[float, float]:
        top = used.get((side, node.level, node.name), node.top)
        used[side, node.level, node.name] = top + thickness
        return top, top + thickness

    ribbons = []
    for (level, source, target), amount in sorted(
        links.items(), key=lambda link: (order[link[0][0], link[0][1]], order[link[0][0] + 1, link[0][2]])
    ):
        one, other = nodes[level, source], nodes[level + 1, target]
        colour = colours.get((level, source), GREY)
        leaves, arrives = edges("out", one, scale * amount), edges("in", other, scale * amount)
        ribbons.append(Ribbon(one, other, amount, leaves, arrives, colour))
    return ribbons


def _flows(
    nodes: list[Node], ribbons: list[Ribbon], height: float, columns: Sequence[str], unit: str, alt: str
) -> Spec:
    last = len(columns) - 1
    label = {node: _amount(node.amount, unit) for node in nodes}
    sides = [
        round(max(max(map(_px, [*_lines(node.name), label[node]])) for node in nodes if node.level == level) + 12)
        for level in range(len(columns))
    ]
    edges = {
        "left": f"narrow ? 0 : {sides[0]}",
        "right": f"narrow ? width : width - {sides[-1]}",
        "apart": f"(right - left - {NODE}) / {last}",
        "third": f"width / {len(columns)} - {NODE + 6}",
        "roomy": "third > 170",
    }
    narrow = sides[0] + sides[-1] + 140 * last + sum(sides[1:-1])
    layers = [_ribbon_layer(ribbons, unit), _node_layer(nodes, label), *_node_labels(nodes, label, last),
              _column_titles(columns)]  # fmt: skip
    return _frame(math.ceil(height) + KEY + 2, layers, alt, edges, narrow)


def _ribbon_layer(ribbons: list[Ribbon], unit: str) -> Spec:
    points, links = [], []
    for k, ribbon in enumerate(sorted(ribbons, key=lambda ribbon: -ribbon.amount)):
        points += ribbon_points(k, ribbon)
        links.append({"k": k, "from": ribbon.source.name, "to": ribbon.target.name, "colour": ribbon.colour,
                      "amount": _amount(ribbon.amount, unit),
                      "share": per_cent(ribbon.amount / ribbon.source.amount)})  # fmt: skip
    words = {"from": "From", "to": "To", "amount": "Amount", "share": "Share of what it comes from"}
    return {
        "data": {"values": points},
        "transform": [
            {"lookup": "k", "from": {"data": {"values": links}, "key": "k", "fields": [*words, "colour"]}},
            {"calculate": f"left + {NODE} * (1 - datum.t) + (datum.level + datum.t) * apart", "as": "x"},
        ],
        "mark": {"type": "area", "aria": False, "orient": "vertical", "interpolate": "monotone", "fillOpacity": 0.35},
        "encoding": {
            "x": _y("x"), "y": _y("a"), "y2": {"field": "b"}, "detail": {"field": "k", "type": "nominal"},
            "color": _own("colour"),
            "tooltip": [{"field": key, "type": "nominal", "title": title} for key, title in words.items()],
        },
    }  # fmt: skip


def ribbon_points(k: int, ribbon: Ribbon) -> list[dict[str, float]]:
    """A ribbon's edges at points along its way, eased in and out, in pixels."""
    points = []
    for i in range(RIBBON_POINTS):
        t = i / (RIBBON_POINTS - 1)
        ease = (1 - math.cos(math.pi * t)) / 2
        a, b = (KEY + (1 - ease) * one + ease * other for one, other in zip(ribbon.leaves, ribbon.arrives, strict=True))
        points.append({"k": k, "level": ribbon.source.level, "t": round(t, 4), "a": round(a, 3), "b": round(b, 3)})
    return points


def _node_layer(nodes: list[Node], label: Mapping[Node, str]) -> Spec:
    values = [
        {"level": node.level, "a": KEY + node.top, "b": KEY + node.bottom, "name": node.name, "amount": label[node]}
        for node in nodes
    ]
    x = "left + datum.level * apart"
    return {
        "data": {"values": values},
        "mark": {"type": "rect", "aria": False, "fill": DARK_BLUE},
        "encoding": {
            "x": _at(x), "x2": _at(f"{x} + {NODE}"), "y": _y("a"), "y2": {"field": "b"},
            "tooltip": [{"field": "name", "type": "nominal", "title": "Name"},
                        {"field": "amount", "type": "nominal", "title": "Amount"}],
        },
    }  # fmt: skip


def _node_labels(nodes: list[Node], label: Mapping[Node, str], last: int) -> list[Spec]:
    """Names with what they hold: beside the picture on wide pages, over the ribbons (in white outline) on narrow."""
    values = [
        {"level": node.level, "y": KEY + node.middle, "side": "first" if node.level == 0 else
         "last" if node.level == last else "middle", "wide": [*_lines(node.name), label[node]],
         "thin": [*_lines(node.name, WRAP_NARROW), label[node]]}
        for node in nodes
    ]  # fmt: skip
    x = (
        f"left + datum.level * apart + (datum.side == 'first' ? (narrow ? {NODE + 5} : -8) : "
        f"datum.side == 'last' ? (narrow ? -5 : {NODE + 8}) : narrow ? {NODE / 2:g} : {NODE + 6})"
    )
    align = (
        "datum.side == 'middle' ? (narrow ? 'center' : 'left') : (datum.side == 'first') == narrow ? 'left' : 'right'"
    )
    text = {
        "align": _expr(align), "text": _expr("narrow && !roomy ? datum.thin : datum.wide"),
        "limit": _expr("narrow ? third : 260"), "fontSize": _expr("narrow ? 13 : 14"), "lineHeight": 15,
        "dy": _expr("-7.5 * (length(narrow && !roomy ? datum.thin : datum.wide) - 1)"),
    }  # fmt: skip
    encoding = {"x": _at(x), "y": _y("y")}
    halo = _mark("text", **text, stroke="white", strokeWidth=4, strokeJoin="round", fill="white")
    return [
        {"data": {"values": values}, "layer": [{"mark": halo, "encoding": encoding},
                                               {"mark": _mark("text", **text), "encoding": encoding}]}
    ]  # fmt: skip


def _column_titles(columns: Sequence[str]) -> Spec:
    last = len(columns) - 1
    values = [{"text": title, "level": k, "align": "left" if k == 0 else "right" if k == last else "center"}
              for k, title in enumerate(columns)]  # fmt: skip
    x = f"left + datum.level * apart + (datum.align == 'right' ? {NODE} : datum.align == 'center' ? {NODE / 2:g} : 0)"
    mark = _mark("text", fontWeight="bold", align=_expr("datum.align"), limit=_expr("third + 10"))
    return {
        "data": {"values": values},
        "mark": mark,
        "encoding": {"x": _at(x), "y": _at(9), "text": {"field": "text", "type": "nominal"}},
    }


ALL: tuple[Callable[..., Chart], ...] = (change_bars, worth_bars, dumbbell, columns3, waterfall, heatmap, flows)
"""Every kind of chart."""
