"""The pictures drawn as HTML: true to their figures, readable, and made of our own tags only."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocate.plan.figures import MINUS, number, per_cent, pounds
from allocate.ui import pictures
from allocate.ui.parts import LOOK
from allocate.ui.pictures import Picture, contrast, shade

NASTY = "<b onclick=\"x()\">North</b> *and* [South](http://x.test) `y` 'q' & £-0.0"
CHANGES = [
    {"name": "North", "change": 11.5e6, "share": 0.045},
    {"name": "University Hospitals Coventry and Warwickshire", "change": -3.2e6, "share": -0.012},
    {"name": "South", "change": -0.0, "share": math.nan},
]
WORTHS = [{"name": "Floor", "worth": 77.3}, {"name": "Cap", "worth": 0.0}]
DISTANCES = [{"name": "North", "before": 0.031, "after": 0.024}, {"name": "South", "before": -0.04, "after": -0.0}]
START, END = {"name": "Last year", "amount": 2404.4e6}, {"name": "Your plan", "amount": 2412.8e6}
HEAT = [
    {"place": place, "programme": programme, "change": change}
    for place, programme, change in [("North", "Acute", 3e6), ("North", "Community", -0.02e6), ("South", "Acute", -1e6)]
]
DRAWN = {
    "change_bars": pictures.change_bars(CHANGES),
    "worth_bars": pictures.worth_bars(WORTHS, "QALYs"),
    "dumbbell": pictures.dumbbell(DISTANCES),
    "waterfall": pictures.waterfall(START, CHANGES, END),
    "heatmap": pictures.heatmap(HEAT),
}
SLACK = 0.011
"""Places are given to a hundredth of the track."""


@dataclass
class Mark:
    """Something drawn on a track: its class, the styles it has as numbers, and its text."""

    kind: str
    style: dict[str, float]
    text: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """From where to where it reaches, in hundredths of the track."""
        width = self.style.get("width", 0.0)
        left = self.style["left"] if "left" in self.style else 100 - self.style["right"] - width
        return left, left + width


@dataclass
class Row:
    """A row of a picture: its name, its figure, and what is drawn."""

    name: str = ""
    figure: str = ""
    marks: list[Mark] = field(default_factory=list)

    def mark(self, *kinds: str) -> Mark | None:
        """What is drawn of some class, if anything."""
        return next((mark for mark in self.marks if mark.kind.split()[0] in kinds), None)


class Read(HTMLParser):
    """A picture as a browser reads it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.cells: list[list[tuple[str, str]]] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self._into = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and where the text after it goes."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        have = {name: value or "" for name, value in attrs}
        self._into = kind = have.get("class", "")
        if kind.startswith("al-bar") and tag == "div" and kind != "al-bars":
            self.rows.append(Row())
        elif tag == "tr":
            self.cells.append([])
        elif tag in ("th", "td"):
            self.cells[-1].append((have.get("style", ""), ""))
            self._into = "cell"
        elif tag == "i" and "style" in have:
            style = dict(part.split(":") for part in have["style"].split(";"))
            assert all(value.endswith("%") for value in style.values())
            self.rows[-1].marks.append(Mark(kind, {key: float(value[:-1]) for key, value in style.items()}))

    def handle_endtag(self, tag: str) -> None:
        """Text after a tag ends belongs to nothing."""
        self._into = ""

    def handle_data(self, data: str) -> None:
        """Put a text where it belongs."""
        self.text.append(data)
        if self._into == "al-bar-name":
            self.rows[-1].name += data
        elif self._into == "al-bar-figure":
            self.rows[-1].figure += data
        elif self._into == "al-tick":
            self.rows[-1].marks[-1].text += data
        elif self._into == "cell":
            style, text = self.cells[-1][-1]
            self.cells[-1][-1] = style, text + data


def inside(picture: Picture) -> None:
    """Assert that all that is drawn lies on its track and that no figure has a hyphen or is less than nothing."""
    read = Read(picture.html)
    for mark in (mark for row in read.rows for mark in row.marks):
        assert all(0 <= value <= 100 for value in mark.style.values()), mark
        assert -SLACK <= mark.ends[0] <= mark.ends[1] <= 100 + SLACK, mark
    figures = [row.figure for row in read.rows] + [mark.text for row in read.rows for mark in row.marks]
    figures += [text for row in read.cells[1:] for _, text in row[1:]]
    figures += [cell for column in picture.table.columns[1:] for cell in picture.table[column]]
    for text in figures:
        assert "-" not in text, text
        assert not (text[:1] in (MINUS, "+") and not set(text) & set("123456789")), text
    assert "-0" not in picture.html.replace(NASTY, "")


def read_all(html: str) -> tuple[list[tuple[str, Mark | None, float]], float]:
    """Rows of bars with their nought lines, and the one place where all of those stand."""
    made = [(row.figure, row.mark("al-rose", "al-fell"), row.mark("al-zero").style["left"]) for row in Read(html).rows]
    zeros = {zero for _, _, zero in made}
    assert len(zeros) == 1
    return made, zeros.pop()


@pytest.mark.parametrize("kind", DRAWN)
def test_pictures_are_sound(kind):
    """What is drawn lies on its track, figures have true minus signs, and nothing is less than nothing."""
    inside(DRAWN[kind])


@pytest.mark.parametrize("kind", DRAWN)
def test_words_are_on_the_picture(kind):
    """The words for a picture are its accessible name, or the caption of its table."""
    shown = DRAWN[kind]
    if kind == "heatmap":
        assert f"<caption class='al-hidden'>{shown.alt}</caption>" in shown.html
    else:
        assert shown.html.startswith(f"<div class='al-picture' role='img' aria-label='{shown.alt}'>")


@pytest.mark.parametrize(
    ("kind", "largest", "smallest", "whole"),
    [
        ("change_bars", "North, +£11.5m (+4.5%)", f"Coventry and Warwickshire, {MINUS}£3.2m ({MINUS}1.2%)", "+£8.3m"),
        ("worth_bars", "Floor, 77.3", "Cap, 0", "2 bars, in QALYs"),
        ("dumbbell", "North, +2.4%", "South, 0.0%", "2 of 2 within 2.5% of fair share"),
        ("waterfall", "North, +£11.5m", f"Coventry and Warwickshire, {MINUS}£3.2m", "+£8.4m in 4 steps"),
        ("heatmap", "North, Acute, +£3.0m", f"South, Acute, {MINUS}£1.0m", "2 places and 2 programmes"),
    ],
)
def test_words_name_the_extremes(kind, largest, smallest, whole):
    """The words for a picture name the largest, the smallest and the whole."""
    alt = DRAWN[kind].alt
    assert f"The largest is {largest}" in alt
    assert smallest in alt.split("the smallest is ")[1]
    assert whole in alt


def test_words_of_one_and_of_equals():
    """One row is said to be itself, and rows that are all alike are not told apart."""
    assert pictures.change_bars(CHANGES[:1]).alt == "1 change, +£11.5m in all. It is North, +£11.5m (+4.5%)."
    alike = [{"name": name, "worth": 5.0} for name in ("Floor", "Cap")]
    assert pictures.worth_bars(alike, "QALYs").alt == "2 bars, in QALYs. Each is 5."


def test_tables_have_every_row():
    """Tables hold every row that has figures, under headings in words."""
    tables = {kind: shown.table.to_dict("list") for kind, shown in DRAWN.items()}
    assert tables["change_bars"] == {
        "Name": [row["name"] for row in CHANGES], "Change": ["+£11.5m", f"{MINUS}£3.2m", "£0.0m"],
        "Per cent": ["+4.5%", f"{MINUS}1.2%", ""],
    }  # fmt: skip
    assert tables["worth_bars"] == {"Name": ["Floor", "Cap"], "QALYs": ["77.3", "0"]}
    assert tables["dumbbell"] == {
        "Name": ["North", "South"], "Now": ["+3.1%", f"{MINUS}4.0%"], "Proposed": ["+2.4%", "0.0%"]
    }  # fmt: skip
    assert tables["waterfall"] == {
        "Name": ["Last year", *(row["name"] for row in CHANGES), "All other changes", "Your plan"],
        "Amount or change": ["£2,404.4m", "+£11.5m", f"{MINUS}£3.2m", "£0.0m", "+£0.1m", "£2,412.8m"],
    }
    assert tables["heatmap"] == {
        "Place": ["North", "South"], "Acute": ["+£3.0m", f"{MINUS}£1.0m"], "Community": ["£0.0m", ""]
    }  # fmt: skip


@pytest.mark.parametrize("blank", [None, math.nan, pd.NA])
def test_nothing_to_show(blank):
    """A picture of nothing, or of blanks only, is no picture, says so politely, and has a table without rows."""
    place = {"name": "North", "place": "North", "programme": "Acute", "before": 0.1, "share": 0.1}
    rows = pd.DataFrame([{**place, "change": blank, "worth": blank, "after": blank}], dtype=object)
    for given_rows in (rows, []):
        for empty in (
            pictures.change_bars(given_rows), pictures.worth_bars(given_rows, "QALYs"), pictures.dumbbell(given_rows),
            pictures.heatmap(given_rows), pictures.waterfall(START, given_rows, {**START, "name": "Your plan"}),
            pictures.waterfall({"name": "Base", "amount": blank}, CHANGES, END),
        ):  # fmt: skip
            assert empty.html == ""
            assert re.fullmatch(r"There are no [a-z ]+ to show\.", empty.alt)
            assert empty.table.empty


def test_blank_rows_are_left_out():
    """A row without its figure is in no picture and no table, and data frames and lists are alike."""
    rows = [*CHANGES, {"name": "West", "change": None}]
    assert pictures.change_bars(pd.DataFrame(rows)).html == DRAWN["change_bars"].html
    assert "West" not in pictures.change_bars(rows).table["Name"].tolist()


def test_units():
    """Figures follow their unit: millions or whole amounts, of any currency."""
    for unit, text in [("£m", "£1.5m"), ("£", "£1,500,000"), ("$m", "$1.5m"), ("USDm", "USD1.5m")]:
        table = pictures.change_bars([{"name": "North", "change": -1.5e6}], unit).table
        assert table["Change"].tolist() == [MINUS + text]


def test_dust_is_nothing():
    """What rounding leaves behind beside a real worth is nought, in words and as a bar."""
    shown = pictures.worth_bars([{"name": "Floor", "worth": 145.0}, {"name": "Dust", "worth": -1e-12}], "QALYs")
    assert shown.table["QALYs"].tolist() == ["145", "0"]
    assert read_all(shown.html)[0][1][1] is None


def test_names_stay_plain_text():
    """A name with HTML, quotes or Markdown in it is read as it stands: every tag and attribute is our own."""
    made = [
        pictures.change_bars([{"name": NASTY, "change": 1e6}], NASTY),
        pictures.worth_bars([{"name": NASTY, "worth": 1.0}], NASTY),
        pictures.dumbbell([{"name": NASTY, "before": 0.1, "after": 0.2}], before=NASTY, after=NASTY),
        pictures.waterfall({**START, "name": NASTY}, [{"name": NASTY, "change": 1e6}], {**END, "name": NASTY}, NASTY),
        pictures.heatmap([{"place": NASTY, "programme": NASTY, "change": 1e6}], NASTY),
    ]
    for shown in made:
        read = Read(shown.html)
        assert read.tags <= {"div", "span", "i", "p", "table", "caption", "thead", "tbody", "tr", "th", "td"}
        assert read.attributes <= {"class", "style", "role", "aria-label", "tabindex", "scope"}
        assert NASTY in read.text
        assert shown.html.count("<") == len(re.findall(r"</?[a-z]+[ >]", shown.html))


amounts = st.floats(-5e9, 5e9, allow_nan=False)
losses = st.floats(-5e9, 0, allow_nan=False)
many = st.one_of(st.lists(amounts, min_size=1, max_size=22), st.lists(losses, min_size=1, max_size=5))


@settings(max_examples=80, deadline=None)
@given(many, st.floats(-3, 3, allow_nan=False))
def test_bars_are_as_long_as_their_figures(changes, share):
    """Any changes: gains stand right of the nought line and losses left, in another colour, all on one scale that fills
    the track, each with its figure; nought has no bar."""
    rows = [{"name": f"Place {k}", "change": change, "share": share} for k, change in enumerate(changes)]
    shown = pictures.change_bars([*rows, {"name": "Blank", "change": math.nan}])
    inside(shown)
    made, zero = read_all(shown.html)
    reach = max(0.0, *changes) - min(0.0, *changes)
    assert len(made) == len(shown.table) == len(changes)
    for change, (figure, bar, _) in zip(changes, made, strict=True):
        said = pounds(change, signed=True, millions=True)
        assert figure == f"{said} ({per_cent(share, signed=True)})"
        if change == 0:
            assert bar is None
            continue
        left, right = bar.ends
        assert bar.kind == ("al-rose" if change > 0 else "al-fell")
        assert (left if change > 0 else right) == pytest.approx(zero, abs=SLACK)
        assert right - left == pytest.approx(100 * abs(change) / reach, abs=SLACK)
    if reach:
        assert zero == pytest.approx(100 * -min(0.0, *changes) / reach, abs=SLACK)
    if len({figure for figure, _, _ in made}) > 1:
        for extreme in (max, min):
            assert f"{rows[changes.index(extreme(changes))]['name']}, " in shown.alt


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1e6), st.floats(-1e6, -0.01)), min_size=1, max_size=22))
def test_any_worths(worths):
    """Any worths make a row each, in the order given, with their figures."""
    shown = pictures.worth_bars([{"name": f"Rule {k}", "worth": worth} for k, worth in enumerate(worths)], "QALYs")
    inside(shown)
    made, zero = read_all(shown.html)
    dust = 1e-6 * max(map(abs, worths))
    assert shown.table["QALYs"].tolist() == [number(worth if abs(worth) > dust else 0.0) for worth in worths]
    for worth, (_, bar, _) in zip(worths, made, strict=True):
        if bar is not None:
            assert (bar.ends[0] - zero if worth > 0 else zero - bar.ends[1]) == pytest.approx(0, abs=SLACK)


distances = st.integers(-20_000, 20_000).map(lambda count: count / 10_000)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(distances, distances), min_size=1, max_size=22), st.sampled_from([0.0, 0.005, 0.025, 0.1]))
def test_distances_stand_where_they_are(pairs, band):
    """Any distances: both marks, the line between them, the band and the ticks stand on one scale, in every row."""
    rows = [{"name": f"Place {k}", "before": before, "after": after} for k, (before, after) in enumerate(pairs)]
    shown = pictures.dumbbell([*rows, {"name": "Blank", "before": 0.1, "after": None}], band)
    inside(shown)
    *drawn, ticks = Read(shown.html).rows
    ends = [-1.2 * band, 1.2 * band, *(end for pair in pairs for end in pair)]
    wide = (max(ends) - min(ends)) or 1.0
    zero = drawn[0].mark("al-zero").style["left"]

    def at(value):
        return pytest.approx(zero + 100 * value / (1.08 * wide), abs=3 * SLACK)

    assert len(drawn) == len(shown.table) == len(pairs)
    for (before, after), row in zip(pairs, drawn, strict=True):
        assert row.mark("al-before").style["left"] == at(before)
        assert row.mark("al-after").style["left"] == at(after)
        assert row.mark("al-line").ends == (at(min(before, after)), at(max(before, after)))
        assert row.mark("al-band").ends == (at(-band), at(band))
        assert row.figure == per_cent(after, signed=True)
    for tick in ticks.marks:
        assert tick.style["left"] == at(float(tick.text.replace(MINUS, "-").rstrip("%")) / 100)
    assert 1 <= len(ticks.marks) <= 5
    assert all(other.style["left"] - one.style["left"] > 18 for one, other in pairwise(ticks.marks))
    near = sum(abs(after) <= band for _, after in pairs)
    assert shown.alt.startswith(f"{near} of {len(pairs)} within")


def test_usual_distances_have_usual_ticks():
    """Distances of some per cent have ticks of whole per cents, nought among them."""
    ticks = Read(DRAWN["dumbbell"].html).rows[-1].marks
    assert [tick.text for tick in ticks] == [f"{MINUS}4%", f"{MINUS}2%", "0%", "+2%"]


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(st.just(0.0), st.floats(1e3, 5e9)),
    st.lists(st.one_of(st.floats(-1e7, 1e7, allow_nan=False), losses), max_size=22),
    st.one_of(st.just(0.0), st.floats(-1e7, 1e7)),
)
def test_waterfalls_add_up(first, changes, missing):
    """Each step begins where the one before ended, the rest has a row where it shows, and the last row ends at the last
    total; steps are as long as their figures."""
    last = math.fsum([first, *changes, missing])
    steps = [{"name": f"Step {k}", "change": change} for k, change in enumerate(changes)]
    shown = pictures.waterfall({"name": "Base", "amount": first}, steps, {"name": "Plan", "amount": last})
    rest = last - first - math.fsum(changes)
    rests = [rest] if set(pounds(rest, millions=True)) & set("123456789") else []
    if not changes and not rests:
        assert shown.html == ""
        return
    inside(shown)
    rows = Read(shown.html).rows
    assert [row.name for row in rows] == shown.table["Name"].tolist()
    assert (rows[-2].name == "All other changes") is bool(rests)
    assert len(rows) == len(changes) + len(rests) + 2

    whole = (rows[0].mark("al-whole"), rows[-1].mark("al-whole"))
    cut = "al-cut" in whole[0].kind
    assert cut is ("do not begin at nought" in shown.html) is (rows[0].mark("al-zero") is None)
    if not cut:
        zero = rows[0].mark("al-zero").style["left"]
        for bar, total in zip(whole, (first, last), strict=True):
            assert bar.ends[0 if total >= 0 else 1] == pytest.approx(zero, abs=SLACK)
    totals = [first]
    for change in [*changes, *rests]:
        totals.append(totals[-1] + change)
    ends = [*totals, last]
    span = (max(ends) - min(ends)) * 1.3 if cut else max(0.0, *ends) - min(0.0, *ends)
    at = whole[0].ends[1 if first >= 0 else 0]
    for change, row in zip([*changes, *rests], rows[1:-1], strict=True):
        bar = row.mark("al-rose", "al-fell")
        if bar is None:
            assert change == 0
            continue
        start, end = bar.ends if change > 0 else bar.ends[::-1]
        assert bar.kind == ("al-rose" if change > 0 else "al-fell")
        assert start == pytest.approx(at, abs=3 * SLACK)
        assert abs(end - start) == pytest.approx(100 * abs(change) / (span or 1.0), abs=3 * SLACK)
        at = end
    # A rest too small to be said (under £50,000) may part the last step from the last total.
    unsaid = 0.0 if rests else 100 * abs(rest) / (span or 1.0)
    assert whole[1].ends[1 if last >= 0 else 0] == pytest.approx(at, abs=unsaid + 3 * SLACK)


def test_totals_of_a_waterfall_begin_at_nought_where_they_can():
    """Between large totals the bars are cut and the picture says so; between small ones they begin at nought."""
    assert "The bars do not begin at nought." in DRAWN["waterfall"].html
    small = pictures.waterfall({"name": "Base", "amount": 0}, CHANGES[:2], {"name": "Plan", "amount": 8.3e6}).html
    assert "nought" not in small
    rows = Read(small).rows
    assert rows[0].mark("al-whole").ends == (0, 0)
    assert rows[-1].mark("al-whole").ends == pytest.approx((0, 100 * 8.3 / 11.5), abs=SLACK)


GROUND = re.compile(r"background:rgb\((\d+), (\d+), (\d+)\);color:rgb\((\d+), (\d+), (\d+)\)")


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 5)), amounts, min_size=1, max_size=22))
def test_any_heat_map(cells):
    """Any changes make a table with a cell each, shaded by its figure, that can be read on its shade; pairs that are
    not there have empty cells."""
    rows = [{"place": f"P{a}", "programme": f"Q{b}", "change": change} for (a, b), change in cells.items()]
    shown = pictures.heatmap([*rows, {"place": "Blank", "programme": "Q1", "change": math.nan}])
    inside(shown)
    head, *body = Read(shown.html).cells
    said = [[text for _, text in row] for row in body]
    assert [text for _, text in head[1:]] == list(shown.table.columns[1:])
    assert said == shown.table.astype(str).to_numpy().tolist()
    reach = max(map(abs, cells.values())) or 1.0
    for name, *row in body:
        for (_, programme), (style, text) in zip(head[1:], row, strict=True):
            change = cells.get((int(name[1][1:]), int(programme[1:])))
            assert text == ("" if change is None else pounds(change, signed=True, millions=True))
            if change is not None:
                colours = tuple(map(int, GROUND.fullmatch(style).groups()))
                assert colours[:3] == shade(change / reach)
                assert contrast(colours[:3], colours[3:]) >= 4.5


@pytest.mark.parametrize("per_mille", range(-1000, 1001, 20))
def test_figures_read_on_every_shade(per_mille):
    """Figures in a heat map contrast with their cell by at least 4.5 to 1, on every shade there is."""
    for share in (per_mille / 1000, (per_mille + 7) / 1000, (per_mille + 13) / 1000):
        style = pictures._cell(share, 1.0, str)
        colours = tuple(map(int, GROUND.search(style).groups()))
        assert contrast(colours[:3], colours[3:]) >= 4.5


@given(st.floats(0, 1))
def test_shading_is_symmetric(share):
    """A loss is as far from white towards its colour as a gain of the same size is towards its own."""
    for sign, end in ((1, pictures.BLUE), (-1, pictures.PINK)):
        for pale, full, made in zip(pictures.PALE, end, shade(sign * share), strict=True):
            assert made == pytest.approx(pale + share * (full - pale), abs=0.5001)
    assert shade(0.0) == shade(-0.0) == pictures.PALE


def test_contrast_is_reckoned_as_wcag_does():
    """Black on white is 21 to 1, a colour on itself 1 to 1, and a grey known to just pass does."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast(pictures.BLUE, pictures.BLUE) == 1
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.005)


def style_of(name: str) -> str:
    """What the style sheet says of a class on its own or on a track, with its variables put in."""
    sheet = LOOK.read_text(encoding="utf-8")
    variables = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", sheet))
    sheet = re.sub(r"var\(--([a-z]+)\)", lambda found: variables[found[1]], sheet)
    rules = re.findall(
        rf"(?:^|[}}{{,;]) *(?:\.al-track |p)?\.{name}(?:, [^{{]*)? {{([^}}]*)}}", sheet, flags=re.MULTILINE
    )
    assert rules, name
    return ";".join(rules)


def hexes(style: str, what: str) -> list[tuple[int, ...]]:
    """The colours that a style gives to something."""
    found = re.findall(rf"(?:^|[; ]){what}:[^;]*", style)
    return [tuple(bytes.fromhex(each)) for part in found for each in re.findall(r"#([0-9a-f]{6})", part)]


@pytest.mark.parametrize(
    ("name", "what", "least"),
    [
        *((f"al-{kind}", "background", 3.0) for kind in (
            "rose", "fell", "whole", "zero", "line", "before", "after", "key-before", "key-after")),
        ("al-key-band", "box-shadow", 3.0), ("al-tick", "color", 4.5), ("al-note", "color", 4.5),
    ],
)  # fmt: skip
def test_colours_stand_out(name, what, least):
    """What is drawn contrasts with white by 3 to 1 and what is written by 4.5 to 1, as the style sheet has it."""
    found = hexes(style_of(name), what)
    assert found
    assert all(contrast(colour, (255, 255, 255)) >= least for colour in found), (name, found)


def test_style_sheet_knows_every_class():
    """Every class that a picture has is in the style sheet."""
    sheet = LOOK.read_text(encoding="utf-8")
    used = {each for shown in DRAWN.values() for names in re.findall(r"class='([^']*)'", shown.html)
            for each in names.split()}  # fmt: skip
    assert "al-bars" in used
    assert {each for each in used if not re.search(rf"\.{each}\b", sheet)} == set()
