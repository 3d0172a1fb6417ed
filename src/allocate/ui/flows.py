"""Where money goes, as ribbons: plain Vega-Lite, with a text alternative and the table of the same figures.

Every layer is laid out in pixels from the width of the page: on a wide one names stand beside the ribbons, on a narrow
one (`narrow`) over them, so that nothing is ever cut.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from allocate.plan.figures import per_cent
from allocate.ui.pictures import Rows, extremes, figured, saying, tabled

Spec = dict[str, Any]
TEXT, BLUE, DARK_BLUE, PINK, GREY = "#212b32", "#005eb8", "#003087", "#ae2573", "#768692"
CATEGORIES = (BLUE, "#00a499", PINK, "#ed8b00", "#330072", "#78be20", GREY, "#425563")

FONT = "Inter, Arial, sans-serif"
CONFIG: Spec = {
    "aria": False,
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "mark": {"aria": False},
    "text": {"font": FONT, "fontSize": 14, "fill": TEXT, "baseline": "middle", "lineHeight": 16},
}
"""How the picture looks, whole, so that no theme is needed."""

KEY = 28
"""Pixels above the ribbons for the names of the columns."""
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


def flows(links: Rows, columns: Sequence[str], unit: str = "£m") -> Chart:
    """Where money goes, as ribbons between two or three columns of names. Links: level (0 from the first column to the
    second, 1 from the second to the third), source, target, amount. The smallest names of a long column share one."""
    told, say = figured(links, "amount", name="source"), saying(unit)
    for row in told:
        row["level"], row["source"], row["target"] = int(row.get("level") or 0), row["name"], str(row["target"])
        row["label"] = say(row["amount"])
        row["step"] = f"{columns[row['level']]} to {columns[row['level'] + 1]}"
    steps = {"step": "Step"} if len(columns) > 2 else {}
    table = tabled(told, {**steps, "source": "From", "target": "To", "label": "Amount"})
    drawn = [row for row in told if row["amount"] > 0]
    if not drawn:
        return Chart({}, "There are no flows of money to show.", table.head(0))
    named = [{**row, "name": f"{row['source']} to {row['target']}"} for row in drawn]
    total = say(math.fsum(row["amount"] for row in drawn if row["level"] == 0))
    alt = f"Money from {', to '.join(columns)}: {total} in all. {extremes(named, 'amount')}"
    nodes, ribbons, height = ribbons_of(drawn, len(columns))
    return Chart(_flows(nodes, ribbons, height, columns, say, alt), alt, table)


# Pixels ------------------------------------------------------------------------------------------------------------


def _px(text: str, size: float = 14) -> float:
    """About how many pixels a text takes, rather too many than too few."""
    wide = {**dict.fromkeys(" .,:;'|!()[]ijlI", 0.34), **dict.fromkeys("mwMW@%", 0.95), **dict.fromkeys("frt-", 0.45)}
    return size * sum(wide.get(letter, 0.72 if letter.isupper() or not letter.isascii() else 0.63) for letter in text)


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


# Parts of a picture ------------------------------------------------------------------------------------------------


def _frame(height: float, layers: list[Spec], alt: str, params: Mapping[str, str], narrow: float) -> Spec:
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


def _own(field: str) -> Spec:
    """A colour or a shape as the data have it."""
    return {"field": field, "type": "nominal", "scale": None, "legend": None}


def _mark(kind: str, **options: Any) -> Spec:
    return {"type": kind, "aria": False, "tooltip": None, **options}


# Ribbons -----------------------------------------------------------------------------------------------------------


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
    nodes: list[Node],
    ribbons: list[Ribbon],
    height: float,
    columns: Sequence[str],
    say: Callable[[float], str],
    alt: str,
) -> Spec:
    last = len(columns) - 1
    label = {node: say(node.amount) for node in nodes}
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
    layers = [_ribbon_layer(ribbons, say), _node_layer(nodes, label), *_node_labels(nodes, label, last),
              _column_titles(columns)]  # fmt: skip
    return _frame(math.ceil(height) + KEY + 2, layers, alt, edges, narrow)


def _ribbon_layer(ribbons: list[Ribbon], say: Callable[[float], str]) -> Spec:
    points, links = [], []
    for k, ribbon in enumerate(sorted(ribbons, key=lambda ribbon: -ribbon.amount)):
        points += ribbon_points(k, ribbon)
        links.append({"k": k, "from": ribbon.source.name, "to": ribbon.target.name, "colour": ribbon.colour,
                      "amount": say(ribbon.amount),
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
