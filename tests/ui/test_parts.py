"""The parts that pages are made of: nothing from a scenario becomes markup, and no word is lost."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from allocate.ui import parts
from allocate.ui.parts import Card, Column, Tile, figure

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
HOSTILE = "<img src=x onerror='alert(1)'> & \"quoted\" ![x](http://evil/x.png)"


class Read(HTMLParser):
    """What a browser would make of a piece of HTML: its tags, its attributes and its text."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS)
def test_safe_text_has_no_live_markdown(text):
    """What Markdown would act upon is escaped, and taking the escapes out gives the text with single spaces."""
    said = parts.safe(text)
    assert not re.search(r"[*_`\[\]<>$#|~&]|:(?=\S)", re.sub(r"\\.", " ", said))
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", said) == " ".join(text.split())


@given(TEXTS)
def test_plain_text_is_text_inside_html(text):
    """Inside an element or a quoted attribute a text comes out as it went in, and opens nothing."""
    read = Read(f"<p title='{parts.plain(text)}'>{parts.plain(text)}</p>")
    assert read.tags == ["p"]
    assert html.unescape(parts.plain(text)) == text
    assert read.text.split() == text.split()


def test_every_part_shows_hostile_text_as_text():
    """Verdicts, tiles, cards, tables, lists, headings and paragraphs all keep a hostile name as words."""
    rows = pd.DataFrame({"name": [HOSTILE], "sum": [HOSTILE]})
    made = [
        parts.verdict(HOSTILE, "bad", HOSTILE, [HOSTILE]),
        parts.tiles([Tile(HOSTILE, HOSTILE, HOSTILE)]),
        parts.cards([Card(HOSTILE, HOSTILE, {HOSTILE: HOSTILE})]),
        parts.table(rows, [Column("name", HOSTILE), figure("sum", HOSTILE)], HOSTILE),
        parts.lines([HOSTILE]),
        parts.title(HOSTILE, HOSTILE),
        parts.paragraph(HOSTILE),
    ]
    for body in made:
        read = Read(body)
        assert "img" not in read.tags
        assert "onerror" not in read.attributes
        assert HOSTILE in read.text


@given(st.lists(st.sampled_from(["One thing.", "£5m more!", "A (second) one?", "Is 3.5 of it.", "x"]), min_size=1))
def test_sentences_lose_no_word(said):
    """However long an answer is, every word of it is there; what comes after the first few is in a fold."""
    text = " ".join(said)
    read = Read(parts.sentences(text))
    assert read.text.replace(" ", "").replace("More", "", 1 if "summary" in read.tags else 0) == text.replace(" ", "")
    assert ("details" in read.tags) == (read.tags.count("p") > 3)


def test_a_table_has_a_caption_heads_and_figures():
    """A table says what it is, heads its columns and rows, leaves blanks blank, and marks the rows that stand out."""
    rows = pd.DataFrame({"name": ["North", "South"], "sum": [5.0, float("nan")]})
    body = parts.table(rows, [Column("name", "Place"), figure("sum", "Sum", lambda v: f"£{v:.0f}")], "Sums", [0], True)
    assert "<caption>Sums</caption>" in body
    assert [html.unescape(each) for each in re.findall(r"<th [^>]*scope='col'[^>]*>(.*?)</th>", body)] == [
        "Place",
        "Sum",
    ]
    assert re.findall(r"<th [^>]*scope='row'[^>]*>(.*?)</th>", body) == ["North", "South"]
    assert re.findall(r"<td[^>]*>(.*?)</td>", body) == ["£5", ""]
    assert body.count("al-mark") == body.count("al-total") == 1
    assert "aria-label='Sums'" in body


def test_tones_and_marks_are_only_where_they_are_meant():
    """A tile without a tone is flat, a verdict without a lead has none, and a title without a note stands alone."""
    assert "al-flat" in parts.tiles([Tile("a", "b", "c")])
    assert "al-up" in parts.tiles([Tile("a", "b", "c", "up")])
    assert "<strong>" not in parts.verdict("Said.")
    assert "<ul>" not in parts.verdict("Said.")
    assert parts.title("Said", level=3) == "<h3 class='al-title'>Said</h3>"
