"""The parts that pages are made of. Every name that comes from a scenario passes `safe` or `plain` here, so that it can
never become an image, a link or a heading."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from allocate.plan.figures import IN_MILLIONS
from allocate.plan.plan import Plan
from allocate.ui.flows import Chart
from allocate.ui.pictures import Picture

LOOK = Path(__file__).with_name("look.css")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z£(])")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>$~|#&]|:(?=\S)|(?<=www)\.|(?<=^\d)[.)]|(?<=^\d\d)[.)]|^[-+](?=\s))")


def safe(text: str) -> str:
    """A text for where Streamlit reads Markdown: labels, captions, expanders."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def plain(text: Any) -> str:
    """A text for inside HTML."""
    return html.escape(str(text))


def look() -> None:
    """The style sheet."""
    st.html(LOOK)


_live = st.components.v2.component(
    "allocate_announcer",
    html="<div class='said' role='status' aria-live='polite'></div>",
    css="""
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
""",
    js="""
export default function ({ data, parentElement }) {
  const said = parentElement.querySelector(".said")
  if (said.textContent !== data.text) {
    said.textContent = data.text
  }
}
""",
)


def announce(text: str) -> None:
    """Say a new result to screen readers: one live node that is kept, since one that is replaced may go unread."""
    _live(data={"text": text}, key="announcer", height="content")


@dataclass(frozen=True)
class Tile:
    """A figure to be seen from afar: its name, the figure, a line below; `tone` is '', 'up' or 'down'."""

    name: str
    figure: str
    below: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Card:
    """A question and its answer in words; `more` are further answers under headings of their own."""

    question: str
    answer: str
    more: Mapping[str, str] = field(default_factory=dict)


def verdict(text: str, tone: str = "good", lead: str = "", more: Sequence[str] = ()) -> str:
    """HTML of the sentence a page opens with: 'good', 'bad' or 'note'."""
    strong = f"<strong>{plain(lead)}</strong> " if lead else ""
    rest = "".join(f"<li>{plain(line)}</li>" for line in more)
    return f"<div class='al-verdict al-{tone}'><p>{strong}{plain(text)}</p>{f'<ul>{rest}</ul>' if rest else ''}</div>"


def tiles(items: Iterable[Tile]) -> str:
    """HTML of a row of tiles."""
    made = (
        f"<div class='al-tile'><p class='al-name'>{plain(tile.name)}</p><p class='al-figure'>{plain(tile.figure)}</p>"
        f"<p class='al-below al-{tile.tone or 'flat'}'>{plain(tile.below)}</p></div>"
        for tile in items
    )
    return f"<div class='al-tiles'>{''.join(made)}</div>"


def cards(items: Iterable[Card]) -> str:
    """HTML of a row of cards in words."""
    made = (
        f"<section class='al-card'><h2>{plain(card.question)}</h2>{sentences(card.answer)}"
        f"{''.join(f'<h3>{plain(name)}</h3>{sentences(text)}' for name, text in card.more.items())}</section>"
        for card in items
    )
    return f"<div class='al-cards'>{''.join(made)}</div>"


def sentences(text: str, most: int = 3) -> str:
    """HTML of an answer, a sentence a line; what comes after the first few is in a fold."""
    said = [f"<p>{plain(sentence)}</p>" for sentence in _SENTENCE.split(text)]
    rest = (
        f"<details class='al-figures'><summary>More</summary>{''.join(said[most:])}</details>"
        if len(said) > most
        else ""
    )
    return "".join(said[:most]) + rest


def draw(*pieces: str, key: str) -> None:
    """Put HTML made by this module on the page, as one element."""
    with st.container(key=key):
        st.html("".join(pieces))


def let_go() -> None:
    """Let what was drawn be sent before anything else is: a browser draws all that has come by then at one go, and
    would keep these words until the pictures are there."""
    time.sleep(0.004)


@dataclass(frozen=True)
class Column:
    """A column of a table: where its values come from, its heading, how a value is said, and whether it is a figure."""

    name: str
    heading: str
    say: Callable[[Any], str] = str
    figure: bool = False


def figure(name: str, heading: str, say: Callable[[Any], str] = str) -> Column:
    """A column of figures."""
    return Column(name, heading, say, figure=True)


def table(
    rows: pd.DataFrame, columns: Sequence[Column], caption: str, mark: Sequence[int] = (), total: bool = False,
    lead: Sequence[str] = (),
) -> str:  # fmt: skip
    """HTML of a table. The first column heads its rows; rows whose position is in `mark` stand out; with `total` the
    last row is a sum. `lead` is HTML of our own before the first rows' names, such as the marks they have on a map."""
    head = "".join(
        f"<th role='columnheader' scope='col'{_right(column)}>{plain(column.heading)}</th>" for column in columns
    )
    body = []
    for position, row in enumerate(rows.to_dict("records")):
        names = ["al-mark"] * (position in mark) + ["al-total"] * (total and position == len(rows) - 1)
        before = lead[position] if position < len(lead) else ""
        cells = [_cell(column, row[column.name], place == 0, before) for place, column in enumerate(columns)]
        body.append(f"<tr role='row' class='{' '.join(names)}'>{''.join(cells)}</tr>")
    # On a phone rows become blocks (see look.css); the roles keep it a table for screen readers all the same.
    stack = " al-stack" if len(columns) > 3 else ""
    return (
        f"<div class='al-scroll' role='region' tabindex='0' aria-label='{plain(caption)}'>"
        f"<table role='table' class='al-table{stack}'><caption>{plain(caption)}</caption><thead role='rowgroup'>"
        f"<tr role='row'>{head}</tr></thead><tbody role='rowgroup'>{''.join(body)}</tbody></table></div>"
    )


def _cell(column: Column, value: Any, heads: bool, before: str = "") -> str:
    tag, role = ("th scope='row'", "rowheader") if heads else ("td", "cell")
    label = f" data-label='{plain(column.heading)}'"
    before = before if heads else ""
    return f"<{tag} role='{role}'{_right(column)}{label}>{before}{plain(_said(column, value))}</{tag.split()[0]}>"


def _said(column: Column, value: Any) -> str:
    blank = value is None or value is pd.NaT or (isinstance(value, float) and value != value)
    return "" if blank else column.say(value)


def _right(column: Column) -> str:
    return " class='al-number'" if column.figure else ""


@dataclass(frozen=True)
class Shown:
    """A picture with its title and what it shows; or words in its place."""

    title: str
    note: str
    what: Picture | str


def gallery(items: Sequence[Shown], tables: bool = False) -> str:
    """HTML of pictures in cards, two abreast where there is room: one element, since a lever's move waits for it. With
    `tables` the figures of each are under it."""
    made = "".join(f"<section class='al-card'>{_shown(each, tables)}</section>" for each in items)
    return f"<div class='al-gallery'>{made}</div>"


def tables_wanted() -> bool:
    """The switch that lays the figures under every picture of a page as a table; it stays as it is left."""
    return st.toggle("Show the figures as tables", key="figures", persist_state="session")


def _shown(each: Shown, tables: bool) -> str:
    heading = title(each.title, each.note)
    if isinstance(each.what, str):
        return heading + paragraph(each.what, "text")
    if each.what.table.empty:
        return heading + paragraph(each.what.alt)
    return heading + each.what.html + (figures(each.what.table, each.title) if tables else "")


def figures(rows: pd.DataFrame, caption: str) -> str:
    """HTML of the figures behind a picture."""
    columns = [Column(name, str(name), figure=place > 0) for place, name in enumerate(rows.columns)]
    return table(rows, columns, caption)


def chart(shown: Chart, heading: str, note: str, key: str) -> None:
    """A chart in a card of its own, with its title, what it shows, and its figures as a table."""
    with st.container(border=True, key=f"card-{key}"):
        st.html(title(heading, note))
        if shown.table.empty:
            st.html(paragraph(shown.alt))
            return
        spec = {name: part for name, part in shown.spec.items() if name != "description"}
        st.vega_lite_chart(spec, width="stretch", theme=None, key=f"chart-{key}", alt=shown.alt)
        with st.expander("The figures", key=f"figures-{key}"):
            st.html(figures(shown.table, heading))


def unit(plan: Plan) -> str:
    """The unit that all the pictures of a plan share: £m, or £ where sums are small."""
    currency = plan.scenario.heading.currency
    return f"{currency}m" if plan.money["amount"].sum() >= IN_MILLIONS else currency


def lines(items: Iterable[str]) -> str:
    """HTML of a list of sentences."""
    return f"<ul class='al-lines'>{''.join(f'<li>{plain(item)}</li>' for item in items)}</ul>"


def title(text: str, note: str = "", level: int = 2) -> str:
    """HTML of a heading and a line below it."""
    return f"<h{level} class='al-title'>{plain(text)}</h{level}>" + (
        f"<p class='al-note'>{plain(note)}</p>" if note else ""
    )


def framed(inside: str) -> str:
    """HTML of a card."""
    return f"<section class='al-card'>{inside}</section>"


def paragraph(text: str, tone: str = "note") -> str:
    """HTML of a paragraph."""
    return f"<p class='al-{tone}'>{plain(text)}</p>"


class Progress:
    """How far a row of small solves is."""

    def __init__(self, text: str) -> None:
        self._bar, self._text = st.progress(0.0, text), text

    def tick(self, done: int, total: int) -> bool:
        """So many of so many are done; always True, to go on. Streamlit ends the run here if the visitor moves on."""
        self._bar.progress(done / max(total, 1), self._text)
        return True

    def end(self) -> None:
        """All are done."""
        self._bar.empty()
