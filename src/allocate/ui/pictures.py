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
BLUE, PINK, PALE = (0, 94, 184), (174, 37, 115), (247, 249, 250)
INKS = (0, 0, 0), (255, 255, 255)
BARS = 12
"""Bars in a picture: what is smaller shares one."""
CLOSE = 0.025
"""A place within this share of its fair share is close to it."""


@dataclass(frozen=True)
class Picture:
    """HTML of a picture, what it shows in words, and the table of the same figures. Nothing to show: an empty table."""

    html: str
    alt: str
    table: pd.DataFrame


def change_bars(rows: Rows, unit: str = "£m") -> Picture:
    """Who gains and who gives, as bars either side of nought, in the order given. Rows: name, change, share (the change
    as a fraction of what it was; blank where there was nothing)."""
    told, say = figured(rows, "change"), saying(unit, signed=True)
    for row in told:
        share = per_cent(_figure(row.get("share")), signed=True)
        row["amount"], row["share"] = say(row["change"]), share
        row["label"] = f"{row['amount']} ({share})" if share else row["amount"]
    table = tabled(told, {"name": "Name", "amount": "Change", "share": "Per cent"})
    if not told:
        return _nothing("changes", table)
    total = say(math.fsum(row["change"] for row in told))
    alt = f"{_count(told, 'change')}, {total} in all. {extremes(told, 'change')}"
    return Picture(framed(_bars(told, "change"), alt), alt, table)


def largest(rows: list[dict], most: int = BARS) -> list[dict]:
    """The largest changes either way, in their order; what is left over as one row."""
    if len(rows) <= most:
        return rows
    shown = sorted(rows, key=lambda row: -abs(row["change"]))[: most - 1]
    rest = [row for row in rows if row not in shown]
    return [row for row in rows if row in shown] + [
        {"name": f"All {len(rest)} others", "change": sum(row["change"] for row in rest)}
    ]


def worth_bars(rows: Rows, unit: str) -> Picture:
    """What easing each of some rules buys, or anything else with a name and a worth, in the order given. Rows: name,
    worth."""
    told = figured(rows, "worth")
    dust = 1e-6 * max((abs(row["worth"]) for row in told), default=0.0)
    for row in told:
        row["worth"] = row["worth"] if abs(row["worth"]) > dust else 0.0
        row["label"] = number(row["worth"])
    table = tabled(told, {"name": "Name", "label": unit[:1].upper() + unit[1:]})
    if not told:
        return _nothing("figures", table)
    alt = f"{_count(told, 'bar')}, in {unit}. {extremes(told, 'worth')}"
    return Picture(framed(_bars(told, "worth"), alt), alt, table)


def dumbbell(rows: Rows, band: float = 0.025, before: str = "Now", after: str = "Proposed") -> Picture:
    """How far each place is from its fair share, before and after; blank rows are left out. Rows: name, before, after
    (fractions above or below)."""
    told = figured(rows, "before", "after")
    for row in told:
        row["label"], row["was"] = per_cent(row["after"], signed=True), per_cent(row["before"], signed=True)
    table = tabled(told, {"name": "Name", "was": before, "label": after})
    if not told:
        return _nothing("distances from a fair share", table)
    near = sum(abs(row["after"]) <= band for row in told)
    alt = f"{near} of {len(told)} within {band:.1%} of fair share ({after}). {extremes(told, 'after')}"
    ends = [-1.2 * band, 1.2 * band, *(row[key] for row in told for key in ("before", "after"))]
    scale = scaled(min(ends), max(ends), margin=0.04)
    key = legend({"before": before, "after": after, "band": f"Within {band:.1%}"})
    body = "".join(lined(row["name"], row["label"], _distance(row, band, scale)) for row in told)
    ticks = "".join(mark("al-tick", scale(at), text) for at, text in ticks_of(min(ends), max(ends)))
    return Picture(framed(body + lined("", "", ticks, " al-ticks"), alt, key), alt, table)


def journey(rows: Rows, say: Callable[[float], str], names: Sequence[str], nought: bool = False) -> Picture:
    """What each place has, in three plans: where it is, where it would be, and where it comes to be. Rows: name, today,
    most, fair (blank rows are left out); `names` are the words for those three. With `nought` the scale begins there,
    where all stand today; a plan that is another's twin is not drawn apart."""
    told = figured(rows, "today", "most", "fair")
    for row in told:
        row["label"], row["said"], row["was"] = (say(row[key]) for key in ("fair", "most", "today"))
    today, most, fair = names
    table = tabled(told, {"name": "Name", "was": today, "said": most, "label": fair})
    if not told:
        return _nothing("places", table)
    twins = all(math.isclose(row["most"], row["fair"], rel_tol=1e-9) for row in told)
    ends = [row[key] for row in told for key in ("today", "most", "fair")] + [0.0] * nought
    scale = scaled(min(ends), max(ends), margin=0.04)
    words = ({} if nought else {"before": today}) | ({} if twins else {"most": most}) | {"after": fair}
    body = "".join(lined(row["name"], row["label"], _journey(row, scale, nought, twins)) for row in told)
    ticks = "".join(mark("al-tick", scale(at), text) for at, text in ticks_of(min(ends), max(ends), say))
    alt = f"{_count(told, 'place')}, {fair.lower()}. {extremes(told, 'fair')}"
    return Picture(framed(body + lined("", "", ticks, " al-ticks"), alt, legend(words)), alt, table)


def waterfall(start: Mapping[str, Any], steps: Rows, end: Mapping[str, Any], unit: str = "£m") -> Picture:
    """From one plan's total to another's. Start and end: name, amount; steps: name, change. What the steps leave
    unexplained gets a row of its own, so that the picture adds up."""
    told, say, signed = figured(steps, "change"), saying(unit), saying(unit, signed=True)
    first, last = _figure(start["amount"]), _figure(end["amount"])
    rest = last - first - math.fsum(row["change"] for row in told)
    if set(say(rest)) & set("123456789"):
        told.append({"name": "All other changes", "change": rest})
    if not told or not math.isfinite(rest):
        return _nothing("steps", pd.DataFrame(columns=["Name", "Amount or change"], dtype=object))
    at = first
    for row in told:
        row["start"], at = at, at + row["change"]
        row["end"], row["label"] = at, signed(row["change"])
    one = {"name": str(start["name"]), "end": first, "label": say(first)}
    other = {"name": str(end["name"]), "end": last, "label": say(last)}
    shown = [one, *told, other]
    table = tabled(shown, {"name": "Name", "label": "Amount or change"})
    alt = (
        f"From {one['name']}, {one['label']}, to {other['name']}, {other['label']}: "
        f"{signed(last - first)} in {_count(told, 'step')}. {extremes(told, 'change')}"
    )
    ends = [row["end"] for row in shown]
    cut = min(ends) > 0 and max(ends) - min(ends) < max(ends) / 2
    scale = scaled(min(ends), max(ends), margin=0.15) if cut else scaled(min(0.0, *ends), max(0.0, *ends))
    note = "<p class='al-note'>The bars do not begin at nought.</p>" if cut else ""
    body = "".join(lined(row["name"], row["label"], _step(row, scale, cut)) for row in shown)
    return Picture(framed(body, alt, note), alt, table)


def heatmap(rows: Rows, unit: str = "£m") -> Picture:
    """Where money moves, place by programme: a table whose cells are shaded by their figures. Rows: place, programme,
    change."""
    told, say = figured(rows, "change", name="place"), saying(unit, signed=True)
    columns = list(dict.fromkeys(str(row["programme"]) for row in told))
    cells = {(row["name"], str(row["programme"])): row["change"] for row in told}
    places = list(dict.fromkeys(row["name"] for row in told))
    said = [[place, *(_said(cells.get((place, each)), say) for each in columns)] for place in places]
    table = pd.DataFrame(said, columns=["Place", *columns], dtype=object)
    if not told:
        return _nothing("changes", table)
    named = [{**row, "name": f"{row['name']}, {row['programme']}", "label": say(row["change"])} for row in told]
    alt = f"Differences for {_count(places, 'place')} and {_count(columns, 'programme')}. {extremes(named, 'change')}"
    reach = max(abs(change) for change in cells.values()) or 1.0
    head = "".join(f"<th scope='col'>{html.escape(each)}</th>" for each in columns)
    body = ""
    for place in places:
        row = "".join(_cell(cells.get((place, each)), reach, say) for each in columns)
        body += f"<tr><th scope='row'>{html.escape(place)}</th>{row}</tr>"
    caption = f"<caption class='al-hidden'>{html.escape(alt)}</caption>"
    whole = f"{caption}<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>"
    scroll = "<div class='al-scroll' role='region' tabindex='0' aria-label='Differences by place and programme'>"
    return Picture(f"{scroll}<table class='al-heat'>{whole}</table></div>", alt, table)


def _said(change: float | None, say: Callable[[float], str]) -> str:
    return "" if change is None else say(change)


def saying(unit: str, signed: bool = False) -> Callable[[float], str]:
    """How sums are said where the unit is £m, or £."""
    return lambda value: pounds(value, unit.removesuffix("m"), signed, millions=unit.endswith("m"))


# Parts of pictures --------------------------------------------------------------------------------------------------


def figured(rows: Rows, *figures: str, name: str = "name") -> list[dict[str, Any]]:
    """The rows whose figures are all there, as floats."""
    listed = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    told = [{str(key): value for key, value in row.items()} | {"name": str(row[name])} for row in listed]
    for row in told:
        row.update({key: _figure(row.get(key)) for key in figures})
    return [row for row in told if all(math.isfinite(row[key]) for key in figures)]


def _figure(value: Any) -> float:
    """A float, never a signed nought; NaN for a blank."""
    return math.nan if value is None or value is pd.NA else float(value) + 0.0


def tabled(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """The named columns of the rows, under headings in words."""
    return pd.DataFrame({words: [row[key] for row in rows] for key, words in columns.items()}, dtype=object)


def _count(things: Sequence[Any], what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def extremes(told: Sequence[Mapping[str, Any]], key: str) -> str:
    """The largest is North, +£4.0m; the smallest is South, −£1.2m."""
    most, least = max(told, key=lambda row: row[key]), min(told, key=lambda row: row[key])
    if len(told) == 1:
        return f"It is {most['name']}, {most['label']}."
    if most["label"] == least["label"]:
        return f"Each is {most['label']}."
    return f"The largest is {most['name']}, {most['label']}; the smallest is {least['name']}, {least['label']}."


def _nothing(what: str, table: pd.DataFrame) -> Picture:
    return Picture("", f"There are no {what} to show.", table)


def framed(body: str, alt: str, above: str = "") -> str:
    bars = f"<div class='al-bars'>{body}</div>"
    return f"<div class='al-picture' role='img' aria-label='{html.escape(alt)}'>{above}{bars}</div>"


def lined(name: str, label: str, track: str, kind: str = "") -> str:
    first = (
        f"<span class='al-bar-name'>{html.escape(name)}</span><span class='al-bar-figure'>{html.escape(label)}</span>"
    )
    return f"<div class='al-bar{kind}'>{first}<span class='al-track'>{track}</span></div>"


def scaled(low: float, high: float, margin: float = 0.0) -> Callable[[float], float]:
    """Where a figure stands across the track, from 0 to 100."""
    wide = (high - low) or 1.0
    low, wide = low - margin * wide, wide * (1 + 2 * margin)
    return lambda value: min(max(0.0, 100.0 * (value - low) / wide), 100.0)


def ticks_of(low: float, high: float, say: Callable[[float], str] | None = None) -> list[tuple[float, str]]:
    """Round shares between two others, three to five of them, and how they are said; or round figures, by `say`."""
    least = max(high - low, 1e-6) / (4.5 if say is None else 4)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * by for by in (1, 2, 2.5, 5, 10) if power * by >= least)
    places = next((k for k in range(6) if math.isclose(round(step * 100, k), step * 100)), 6)
    every = range(math.ceil(low / step), math.floor(high / step) + 1)
    return [(k * step, say(k * step) if say else per_cent(k * step, signed=True, places=places)) for k in every]


def mark(kind: str, place: float, text: str = "") -> str:
    """Something that stands at one point of the track."""
    return f"<i class='{kind}' style='left:{place:.2f}%'>{html.escape(text)}</i>"


def span(kind: str, start: float, end: float) -> str:
    """Something that reaches from one point of the track to another; however thin, it stands on its own side."""
    side, begin = ("left", start) if end >= start else ("right", 100.0 - start)
    return f"<i class='{kind}' style='{side}:{begin:.2f}%;width:{abs(end - start):.2f}%'></i>"


def _bar(change: float, start: float, end: float) -> str:
    return span("al-fell" if change < 0 else "al-rose", start, end) if change else ""


def _bars(told: Sequence[Mapping[str, Any]], key: str) -> str:
    values = [0.0, *(row[key] for row in told)]
    scale = scaled(min(values), max(values))
    zero = scale(0.0)
    made = []
    for row in told:
        bar = _bar(row[key], zero, scale(row[key]))
        made.append(lined(row["name"], row["label"], bar + mark("al-zero", zero)))
    return "".join(made)


def _distance(row: Mapping[str, Any], band: float, scale: Callable[[float], float]) -> str:
    before, after = scale(row["before"]), scale(row["after"])
    near, line = span("al-band", scale(-band), scale(band)), span("al-line", before, after)
    return near + mark("al-zero", scale(0.0)) + line + mark("al-before", before) + mark("al-after", after)


def _journey(row: Mapping[str, Any], scale: Callable[[float], float], nought: bool, twins: bool) -> str:
    today, most, fair = (scale(row[key]) for key in ("today", "most", "fair"))
    first = mark("al-zero", scale(0.0)) if nought else mark("al-before", today)
    way = span("al-line", min(today, most, fair), max(today, most, fair))
    return way + first + ("" if twins else mark("al-most", most)) + mark("al-after", fair)


def _step(row: Mapping[str, Any], scale: Callable[[float], float], cut: bool) -> str:
    """A row of a waterfall: a step from where the one before ended, or a whole sum, whose bar is cut off at the left
    edge where it does not begin at nought."""
    zero, end = scale(0.0), scale(row["end"])
    if "start" in row:
        bar = _bar(row["change"], scale(row["start"]), end)
    else:
        bar = span("al-whole al-cut", 0.0, end) if cut else span("al-whole", zero, end)
    return bar if cut else bar + mark("al-zero", zero)


def legend(words: Mapping[str, str]) -> str:
    said = "".join(f"<span><i class='al-key-{kind}'></i>{html.escape(text)}</span>" for kind, text in words.items())
    return f"<div class='al-key'>{said}</div>"


def _cell(change: float | None, reach: float, say: Callable[[float], str]) -> str:
    if change is None:
        return "<td></td>"
    ground = shade(change / reach)
    ink = max(INKS, key=lambda each: contrast(each, ground))
    style = f"background:rgb{ground};color:rgb{ink}"
    return f"<td style='{style}'>{html.escape(say(change))}</td>"


def shade(share: float) -> tuple[int, ...]:
    """The colour of a share from -1 (all pink) to 1 (all blue), through almost white, as red, green and blue to 255."""
    end, size = (PINK if share < 0 else BLUE), min(abs(share), 1.0)
    return tuple(round(a + (b - a) * size) for a, b in zip(PALE, end, strict=True))


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """How far apart two colours are, from 1 to 21 (WCAG 2.2, from red, green and blue to 255)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Sequence[float]) -> float:
    linear = [c / 12.92 if (c := each / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for each in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
