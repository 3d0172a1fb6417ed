"""Pictures drawn as HTML: bars, distances, steps from one total to another, and a map of differences. Each has a text
alternative and the table of the same figures.

They need no drawing library in the browser, so they are there as soon as the words are, print as they look, and can be
read by whatever reads text. Names stand beside their bars where there is room, and above them where there is not (see
look.css).
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from allocate.plan.figures import number, per_cent, pounds

Rows: TypeAlias = pd.DataFrame | Iterable[Mapping[str, Any]]
BLUE, PINK, WHITE, INK = (0, 94, 184), (174, 37, 115), (247, 249, 250), (33, 43, 50)


@dataclass(frozen=True)
class Picture:
    """HTML of a picture, what it shows in words, and the table of the same figures. Nothing to show: an empty table."""

    html: str
    alt: str
    table: pd.DataFrame


def change_bars(rows: Rows, unit: str = "£m") -> Picture:
    """Who gains and who gives, as bars either side of nought, in the order given. Rows: name, change, share (the change
    as a fraction of what it was; blank where there was nothing)."""
    told, say = _told(rows, "change"), amount(unit, signed=True)
    for row in told:
        share = per_cent(_figure(row.get("share")), signed=True)
        row["amount"], row["share"] = say(row["change"]), share
        row["label"] = f"{row['amount']} ({share})" if share else row["amount"]
    table = _table(told, {"name": "Name", "amount": "Change", "share": "Per cent"})
    if not told:
        return _nothing("changes", table)
    total = say(math.fsum(row["change"] for row in told))
    alt = f"{_count(told, 'change')}, {total} in all. {_extremes(told, 'change')}"
    return Picture(_framed(_bars(told, "change"), alt), alt, table)


def worth_bars(rows: Rows, unit: str) -> Picture:
    """What easing each of some rules buys, or anything else with a name and a worth, in the order given. Rows: name,
    worth."""
    told = _told(rows, "worth")
    for row in told:
        row["label"] = number(row["worth"])
    table = _table(told, {"name": "Name", "label": unit[:1].upper() + unit[1:]})
    if not told:
        return _nothing("figures", table)
    alt = f"{_count(told, 'bar')}, in {unit}. {_extremes(told, 'worth')}"
    return Picture(_framed(_bars(told, "worth"), alt), alt, table)


def dumbbell(rows: Rows, band: float = 0.025, before: str = "Now", after: str = "Proposed") -> Picture:
    """How far each place is from its fair share, before and after; blank rows are left out. Rows: name, before, after
    (fractions above or below)."""
    told = _told(rows, "before", "after")
    for row in told:
        row["label"], row["was"] = per_cent(row["after"], signed=True), per_cent(row["before"], signed=True)
    table = _table(told, {"name": "Name", "was": before, "label": after})
    if not told:
        return _nothing("distances from a fair share", table)
    near = sum(abs(row["after"]) <= band for row in told)
    alt = f"{near} of {len(told)} within {band:.1%} of fair share ({after}). {_extremes(told, 'after')}"
    ends = [row[key] for row in told for key in ("before", "after")]
    scale = _scale(min(-1.2 * band, *ends), max(1.2 * band, *ends), margin=0.04)
    key = _key({"before": before, "after": after, "band": f"Within {band:.1%}"})
    ticks = "".join(_at("b", scale(at), per_cent(at, signed=True)) for at in (-band, 0.0, band))
    body = "".join(_row(row["name"], row["label"], _distance(row, band, scale)) for row in told)
    return Picture(_framed(f"{key}{body}{_row('', '', ticks, 'al-ticks')}", alt), alt, table)


def waterfall(start: Mapping[str, Any], steps: Rows, end: Mapping[str, Any], unit: str = "£m") -> Picture:
    """From one plan's total to another's. Start and end: name, amount; steps: name, change. What the steps leave
    unexplained gets a row of its own, so that the picture adds up."""
    told, say = _told(steps, "change"), amount(unit)
    first, last = float(start["amount"]), float(end["amount"])
    rest = last - first - math.fsum(row["change"] for row in told)
    if abs(rest) >= 1:
        told.append({"name": "All other changes", "change": rest})
    shown = [_Step(str(start["name"]), None, first, say(first))]
    at, signed = first, amount(unit, signed=True)
    for row in told:
        shown.append(_Step(row["name"], at, at + row["change"], signed(row["change"])))
        at += row["change"]
    shown.append(_Step(str(end["name"]), None, last, say(last)))
    table = pd.DataFrame({"Name": [each.name for each in shown], "Amount or change": [each.label for each in shown]})
    if not told:
        return _nothing("steps", table.head(0))
    ends = [end for each in shown for end in (each.start, each.end) if end is not None]
    scale = _scale(min(ends), max(ends), margin=0.15)
    body = "".join(_row(each.name, each.label, _step(each, scale)) for each in shown)
    moved = amount(unit, signed=True)(last - first)
    alt = f"From {start['name']}, {say(first)}, to {end['name']}, {say(last)}: {moved} in {_count(told, 'step')}."
    return Picture(_framed(body, alt), alt, table)


def heatmap(rows: Rows, unit: str = "£m") -> Picture:
    """Where money moves, place by programme: a table whose cells are shaded by their figures. Rows: place, programme,
    change."""
    told, say = _told(rows, "change", name="place"), amount(unit, signed=True)
    columns = list(dict.fromkeys(str(row["programme"]) for row in told))
    cells = {(row["name"], str(row["programme"])): row["change"] for row in told}
    places = list(dict.fromkeys(row["name"] for row in told))
    said = [[place, *(_said(cells.get((place, each)), say) for each in columns)] for place in places]
    table = pd.DataFrame(said, columns=["Place", *columns], dtype=object)
    if not told:
        return _nothing("changes", table)
    reach = max(abs(change) for change in cells.values()) or 1.0
    alt = f"Differences by place and programme, the largest {say(max(cells.values(), key=abs))}."
    head = "".join(f"<th scope='col'>{html.escape(each)}</th>" for each in columns)
    body = ""
    for place in places:
        row = "".join(_cell(cells.get((place, each)), reach, say) for each in columns)
        body += f"<tr><th scope='row'>{html.escape(place)}</th>{row}</tr>"
    whole = f"<caption class='al-hidden'>{alt}</caption><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>"
    scroll = f"<div class='al-scroll' role='region' tabindex='0' aria-label='{html.escape(alt)}'>"
    return Picture(f"{scroll}<table class='al-heat'>{whole}</table></div>", alt, table)


def _said(change: float | None, say: Callable[[float], str]) -> str:
    return "" if change is None else say(change)


def amount(unit: str, signed: bool = False) -> Callable[[float], str]:
    """How sums are said where the unit is £m, or £."""
    return lambda value: pounds(value, unit.removesuffix("m"), signed, millions=unit.endswith("m"))


# Parts of pictures --------------------------------------------------------------------------------------------------


def _told(rows: Rows, *figures: str, name: str = "name") -> list[dict[str, Any]]:
    """The rows whose figures are all there."""
    listed = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    told = [{str(key): value for key, value in row.items()} | {"name": str(row[name])} for row in listed]
    for row in told:
        row.update({key: _figure(row.get(key)) for key in figures})
    return [row for row in told if all(math.isfinite(row[key]) for key in figures)]


def _figure(value: Any) -> float:
    """A float, never a signed nought; NaN for a blank."""
    return math.nan if value is None or value is pd.NA else float(value) + 0.0


def _table(told: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame({words: [row[key] for row in told] for key, words in columns.items()}, dtype=object)


def _count(things: Sequence[Any], what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def _extremes(told: Sequence[Mapping[str, Any]], key: str) -> str:
    most, least = max(told, key=lambda row: row[key]), min(told, key=lambda row: row[key])
    if most is least:
        return f"It is {most['name']}, {most['label']}."
    return f"The largest is {most['name']}, {most['label']}; the smallest is {least['name']}, {least['label']}."


def _nothing(what: str, table: pd.DataFrame) -> Picture:
    return Picture("", f"There are no {what} to show.", table)


def _framed(body: str, alt: str) -> str:
    return f"<div class='al-picture' role='img' aria-label='{html.escape(alt)}'>{body}</div>"


def _row(name: str, label: str, track: str, kind: str = "") -> str:
    first = (
        f"<span class='al-bar-name'>{html.escape(name)}</span><span class='al-bar-figure'>{html.escape(label)}</span>"
    )
    return f"<div class='al-bar {kind}'>{first}<span class='al-track'>{track}</span></div>"


def _scale(low: float, high: float, margin: float = 0.0) -> Callable[[float], float]:
    """Where a figure stands across the track, from 0 to 100."""
    wide = (high - low) or 1.0
    low, wide = low - margin * wide, wide * (1 + 2 * margin)
    return lambda value: 100.0 * (value - low) / wide


def _at(tag: str, left: float, text: str = "") -> str:
    """Something that stands at one point of the track."""
    return f"<{tag} style='left:{left:.2f}%'>{html.escape(text)}</{tag}>"


def _from(kind: str, left: float, right: float) -> str:
    """Something that reaches from one point of the track to another."""
    return f"<i class='{kind}' style='left:{left:.2f}%;width:{max(right - left, 0.3):.2f}%'></i>"


def _bars(told: Sequence[Mapping[str, Any]], key: str) -> str:
    values = [0.0, *(row[key] for row in told)]
    scale = _scale(min(values), max(values))
    zero = scale(0.0)
    made = []
    for row in told:
        left, right = sorted((zero, scale(row[key])))
        bar = _from("al-fell" if row[key] < 0 else "al-rose", left, right) if row[key] else ""
        made.append(_row(row["name"], row["label"], bar + _at("u", zero)))
    return "".join(made)


def _distance(row: Mapping[str, Any], band: float, scale: Callable[[float], float]) -> str:
    before, after = scale(row["before"]), scale(row["after"])
    line = _from("al-line", *sorted((before, after)))
    return (
        _from("al-band", scale(-band), scale(band)) + _at("u", scale(0.0)) + line + _at("s", before) + _at("b", after)
    )


@dataclass(frozen=True)
class _Step:
    """A row of a waterfall: from where to where; from the left edge where `start` is None."""

    name: str
    start: float | None
    end: float
    label: str


def _step(step: _Step, scale: Callable[[float], float]) -> str:
    if step.start is None:
        return _from("al-whole", 0.0, scale(step.end))
    return _from("al-fell" if step.end < step.start else "al-rose", *sorted((scale(step.start), scale(step.end))))


def _key(words: Mapping[str, str]) -> str:
    said = "".join(f"<span><i class='al-key-{kind}'></i>{html.escape(text)}</span>" for kind, text in words.items())
    return f"<div class='al-key'>{said}</div>"


def _cell(change: float | None, reach: float, say: Callable[[float], str]) -> str:
    if change is None:
        return "<td></td>"
    ground = shade(change / reach)
    ink = INK if luminance(ground) > 0.3 else (255, 255, 255)
    style = f"background:rgb{tuple(map(round, ground))};color:rgb{ink}"
    return f"<td style='{style}'>{html.escape(say(change))}</td>"


def shade(share: float) -> tuple[float, ...]:
    """The colour of a share from -1 (all pink) to 1 (all blue), through almost white, as red, green and blue to 255."""
    end, size = (PINK if share < 0 else BLUE), min(abs(share), 1.0)
    return tuple(a + (b - a) * size for a, b in zip(WHITE, end, strict=True))


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, from red, green and blue to 255)."""
    linear = [c / 12.92 if (c := each / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for each in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
