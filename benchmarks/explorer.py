"""Time the explorer in a browser, against an empty page: `python -m benchmarks.explorer [--cases NAME ...] [--runs N]`.

From a key that is pressed on a lever to the frame after the verdict has changed (or, where it says the same of the new
plan, what differs from the plan as agreed); to the frame after the last of the words has (tiles, cards and tables); and
to the frame after the last chart was redrawn. Every press asks for a plan that nobody has asked for before; what the
explorer solved ahead in the half-second between presses, it may use, as it would for a visitor who stops to read. After
the last press the sentence on the page must be the one that `allocate.solve` gives for the same changes. The empty page
is the least that Streamlit can do: one slider, and a sentence that repeats its value; once as Streamlit ships, and
once, for the stricter comparison, under the explorer's own settings and with its garbage frozen as the explorer's is.
Needs Chromium and the dev extra.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Browser, Locator, Page, sync_playwright

import allocate as al
from allocate.plan.explaining import headline
from allocate.scenario.values import parse_value
from allocate.ui import serving
from allocate.ui.knobs import Knob, knobs
from allocate.ui.parts import safe
from benchmarks import marks
from benchmarks.cases import SCENARIOS
from benchmarks.machine import machine

HERE = Path(__file__).resolve().parent
CASES = ("coventry-warwickshire", "greater-manchester")
WORDS, CHARTS = 3.0, 4.0
"""What is aimed at: so many times the empty page's median."""
WARM, MOST, ENOUGH = 3, 80, 10
"""Presses that come first and are not counted; all presses of a lever, counted or not; and the fewest that will do
where a lever cannot make as many plans as are asked for."""
BEGIN, END = marks.marks("explorer")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

PLAIN = """
import streamlit as st

figure = st.slider("A figure", 0, 1000, 100)
with st.container(key="verdict"):
    st.html(f"<p class='al-verdict'>The figure is {figure}.</p>")
"""
EMPTY = """
import gc
import streamlit as st

@st.cache_resource(show_spinner=False)
def tidy():
    gc.collect()
    gc.freeze()

tidy()
figure = st.slider("A figure", 0, 1000, 100)
with st.container(key="verdict"):
    st.html(f"<p class='al-verdict'>The figure is {figure}.</p>")
"""

QUIET = {"STREAMLIT_SERVER_ADDRESS": serving.HOST, "STREAMLIT_SERVER_HEADLESS": "true",
         "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}  # fmt: skip
"""What every page is served with, so that it opens no browser and tells nobody."""
STOPWATCH = """
window.clock = { pressed: 0, verdict: 0, words: 0, charts: 0 }
const begin = event => { window.clock = { pressed: event.timeStamp, verdict: 0, words: 0, charts: 0 } }
addEventListener('keydown', begin, true)
const pictures = '[data-testid="stVegaLiteChart"], :has(.al-picture)'
const within = (node, selector) => (node.nodeType === 1 ? node : node.parentElement)?.closest(selector)
new MutationObserver(changes => {
  for (const change of changes) {
    const target = change.target, clock = window.clock
    const kinds = [], part = within(target, '[data-testid="stHtml"], [data-testid="stVegaLiteChart"]')
    if (part && part.matches(pictures)) kinds.push('charts')
    if (change.type !== 'attributes' && within(target, '[data-testid="stMain"]')) kinds.push('words')
    if (kinds.includes('words') && within(target, '.st-key-verdict, .st-key-changed')) kinds.push('verdict')
    if (kinds.length) requestAnimationFrame(() => kinds.forEach(kind => {
      if (kind !== 'verdict' || !clock.verdict) clock[kind] = performance.now()
    }))
  }
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true,
                       attributeFilter: ['d', 'transform', 'width', 'height', 'x', 'y', 'aria-label'] })
window.quiet = started => {
  const { pressed, words, charts } = window.clock, app = document.querySelector('[data-testid="stApp"]')
  return pressed > started && window.clock.verdict > pressed && performance.now() - Math.max(words, charts) > 400
    && app.getAttribute('data-test-script-state') === 'notRunning' && !document.querySelector('.st-key-stop-solve')
}
"""


class Press(NamedTuple):
    """Milliseconds from a key to what it changed."""

    verdict: float
    words: float
    charts: float


@dataclass
class Timed:
    """Milliseconds of every counted press of a kind: to the verdict, to all words, and to all charts."""

    case: str
    kind: str
    verdict: list[float] = field(default_factory=list)
    words: list[float] = field(default_factory=list)
    charts: list[float] = field(default_factory=list)

    def add(self, press: Press) -> None:
        """Count a press."""
        self.verdict.append(press.verdict)
        self.words.append(press.words)
        self.charts.append(press.charts)

    def of(self, name: str) -> tuple[float, float]:
        """The median and the 95th percentile."""
        values = getattr(self, name)
        return statistics.median(values), statistics.quantiles(values, n=20, method="inclusive")[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Time every kind of lever of the cases, print a table, and put it in RESULTS.md."""
    options = parser().parse_args(arguments)
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        found = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        place = Path(folder)
        with (
            served(place, plain_page(place)) as plain, served(place, empty_page(place)) as empty,
            served(place, None) as explorer,
        ):  # fmt: skip
            pages = {plain: Timed("none", "as shipped"), empty: Timed("none", "same settings")}
            rows = []
            for case in (*options.cases, None):
                for address, least in pages.items():
                    time_empty(browser, address, options.runs, least)
                rows += time_case(browser, explorer, case, options.runs) if case else []
        browser.close()
    after = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    text = told(pages[plain], pages[empty], rows, options.runs, (before, after))
    print(text)
    if not options.dry:
        keep(text, options.results)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse describes it."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.explorer", description="Time the explorer in a browser.")
    top.add_argument("--cases", nargs="+", choices=CASES, default=CASES, metavar="NAME")
    top.add_argument("--runs", type=int, default=15, metavar="N", help="presses counted of each lever (15)")
    top.add_argument("--results", type=Path, default=HERE / "RESULTS.md", metavar="FILE", help="where the table goes")
    top.add_argument("--dry", action="store_true", help="write nothing")
    return top


def plain_page(folder: Path) -> Path:
    """The script of the empty page, with nothing set."""
    place = folder / "plain"
    place.mkdir()
    (place / "app.py").write_text(PLAIN, encoding="utf-8")
    return place / "app.py"


def empty_page(folder: Path) -> Path:
    """The script of the empty page, with the explorer's settings and font beside it."""
    place = folder / "empty"
    for name in (".streamlit", "static"):
        shutil.copytree(serving.script().parent / name, place / name)
    (place / "app.py").write_text(EMPTY, encoding="utf-8")
    return place / "app.py"


@contextmanager
def served(folder: Path, script: Path | None) -> Iterator[str]:
    """The address of a page that is served until the end; nothing is kept from or for other runs."""
    with socket.socket() as one:
        one.bind((serving.HOST, 0))
        port = one.getsockname()[1]
    environment = os.environ | {"ALLOCATE_HOME": str(folder / "home"), serving.SCENARIOS: str(SCENARIOS)} | QUIET
    with serving.child(port, environment, script) as server:
        serving.wait_until_healthy(server, f"http://{serving.HOST}:{port}")
        yield f"http://{serving.HOST}:{port}"


@contextmanager
def visited(browser: Browser, address: str) -> Iterator[Page]:
    """A new visitor's page, once it is there."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.add_init_script(STOPWATCH)
    page = context.new_page()
    page.goto(address)
    page.locator(".st-key-verdict").wait_for(timeout=60_000)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(
        state="attached", timeout=60_000
    )
    page.wait_for_timeout(2_000)
    yield page
    context.close()


def press(page: Page, lever: Locator, key: str) -> Press:
    """Press a key on a lever, wait until nothing changes any more, and read the page's own clock."""
    started = page.evaluate("performance.now()")
    lever.press(key)
    page.wait_for_function("started => window.quiet(started)", arg=started, timeout=60_000)
    clock = page.evaluate("window.clock")
    verdict, words, charts = (clock[name] - clock["pressed"] for name in ("verdict", "words", "charts"))
    return Press(verdict, max(verdict, words), max(verdict, charts))


def time_empty(browser: Browser, address: str, runs: int, into: Timed) -> None:
    """The empty page, once more."""
    with visited(browser, address) as page:
        lever = page.locator('input[type="range"]')
        for number in range(WARM + runs):
            took = press(page, lever, "ArrowRight")
            if number >= WARM:
                into.add(took)
        assert said(page) == f"The figure is {100 + WARM + runs}."


def time_case(browser: Browser, address: str, case: str, runs: int) -> list[Timed]:
    """Every kind of lever of one scenario, each for a visitor of its own."""
    scenario = al.read(SCENARIOS / case)
    found = []
    for kind, fits in KINDS.items():
        knob = next(each for each in knobs(scenario).values() if fits(each))
        with visited(browser, f"{address}/?scenario={case}&pinned={knob.path}") as page:
            timed = Timed(case, kind)
            (time_switch if knob.unit == "switch" else time_slider)(page, scenario, knob, runs, timed)
            assert_answer(page, scenario, knob)
        found.append(timed)
        medians = "".join(f"{timed.of(name)[0]:8.0f}" for name in Press._fields)
        print(f"{case:24}{kind:16}{medians} ms", file=sys.stderr)
    return found


KINDS: dict[str, Callable[[Knob], bool]] = {
    "money": lambda knob: knob.panel == "decision" and knob.unit == "money",
    "rule's figure": lambda knob: (
        knob.panel == "rule" and knob.unit != "switch" and knob.base - knob.low >= 20 * knob.step
    ),
    "rule's switch": lambda knob: knob.unit == "switch",
    "assumption": lambda knob: knob.unit == "factor",
}
"""The kinds of lever, and which of a scenario's is taken: the first such. It is brought onto its panel."""


def has_room(knob: Knob) -> bool:
    """Whether a lever can be moved often enough to where its rule is looser."""
    looser = knob.base - knob.low if knob.path.endswith("at_least") else knob.high - knob.base
    return looser >= 20 * knob.step


def handle(page: Page, knob: Knob) -> Locator:
    """A knob's lever on the page."""
    kind = "checkbox" if knob.unit == "switch" else "range"
    labels = (
        f'input[type="{kind}"][aria-label="{label}"]' for label in (knob.label, safe(knob.label).replace("\\", "\\\\"))
    )
    return page.get_by_test_id("stSidebar").locator(", ".join(labels)).first


def time_slider(page: Page, scenario: al.Scenario, knob: Knob, runs: int, into: Timed) -> None:
    """One step a press: money up, a rule's figure to where it is looser, an assumption from its lowest up; the other
    way where that changes nothing any more. Counted is what was not shown before and makes another plan."""
    lever, key = handle(page, knob), "ArrowRight"
    if knob.unit == "factor":
        press(page, lever, "Home")
    elif knob.panel == "rule" and knob.path.endswith("at_least"):
        key = "ArrowLeft"
    seen, warm, idle, turned = {knob.told(knob.base)}, WARM, 0, False
    for _ in range(MOST):
        took = press(page, lever, key)
        value = changes(page).get(knob.path, knob.told(knob.base))
        ends = knob.high if key == "ArrowRight" else knob.low
        idle = 0 if redrawn(page) else idle + 1
        if (idle > 1 and not turned) or abs(knob.shown(value) - ends) < knob.step / 2:
            key, turned = "ArrowLeft" if key == "ArrowRight" else "ArrowRight", True
        elif not idle and value not in seen:
            if warm:
                warm -= 1
            else:
                into.add(took)
        seen.add(value)
        if len(into.verdict) == runs:
            return
    assert len(into.verdict) >= min(runs, ENOUGH), f"{knob.label} makes another plan {len(into.verdict)} times only"


def time_switch(page: Page, scenario: al.Scenario, knob: Knob, runs: int, into: Timed) -> None:
    """Off and on again; before each press a sum of money is moved by one step, off the clock, so that both are new."""
    money = handle(page, next(each for each in knobs(scenario).values() if KINDS["money"](each)))
    lever = handle(page, knob)
    for number in range(WARM + runs):
        press(page, money, "ArrowRight")
        took = press(page, lever, "Space")
        assert redrawn(page), f"{knob.label} changes nothing"
        if number >= WARM:
            into.add(took)


def redrawn(page: Page) -> bool:
    """Whether the last press made another plan: some chart was drawn anew."""
    return page.evaluate("window.clock.charts > window.clock.pressed")


def changes(page: Page) -> dict[str, object]:
    """The changes that the page's address carries."""
    told = dict(parse_qsl(urlsplit(page.url).query))
    return {path: parse_value(value) for path, value in told.items() if path not in ("scenario", "base", "pinned")}


def said(page: Page) -> str:
    """The sentence on the page, with single spaces."""
    return " ".join(page.locator(".st-key-verdict .al-verdict").inner_text().split())


def assert_answer(page: Page, scenario: al.Scenario, knob: Knob) -> None:
    """The page must say what a plan of the same changes says: a fast wrong answer is no result."""
    asked = changes(page)
    assert asked, "nothing was changed"
    expected = headline(al.solve(scenario.change(asked)))
    assert said(page) == " ".join(expected.split()), (said(page), expected)


def told(plain: Timed, least: Timed, rows: Sequence[Timed], runs: int, load: tuple[float, float]) -> str:
    """The table, in Markdown, and what it was measured with."""
    about = machine()
    base, shipped = least.of("verdict")[0], plain.of("verdict")[0]
    lines = [
        "| scenario | lever | verdict p50 | p95 | × empty | all words p50 | p95 | all charts p50 | p95 | × empty |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        f"| the empty page | as Streamlit ships | {shipped:.0f} | {plain.of('verdict')[1]:.0f} | | | | | | |",
        f"| the empty page | same settings | {base:.0f} | {least.of('verdict')[1]:.0f} | 1.0 | | | | | |",
    ]
    for row in (*rows, *pooled(rows)):
        verdict, words, charts = (row.of(name) for name in Press._fields)
        lines.append(
            f"| {row.case} | {row.kind} | {verdict[0]:.0f} | {verdict[1]:.0f} | {verdict[0] / base:.1f} "
            f"| {words[0]:.0f} | {words[1]:.0f} | {charts[0]:.0f} | {charts[1]:.0f} | {charts[0] / base:.1f} |"
        )
    lines += [
        "",
        f"Milliseconds. Aimed at: medians of the verdict within {WORDS:g} times the empty page's and of the charts "
        f"within {CHARTS:g}. Over all levers of a system: {_times(pooled(rows), base)} times the empty page under the "
        f"same settings, {_times(pooled(rows), shipped)} times the one that Streamlit ships. The slowest lever: "
        f"{_slowest(rows, base)} and {_slowest(rows, shipped)} times.",
        f"{runs} presses of each lever (not under {min(runs, ENOUGH)} where it makes no more plans) "
        f"in headless Chromium, {about['when']} UTC: {about['machine']}, "
        f"{about['cores']} cores, Python {about['python']}; commit {about['commit']}; load {load[0]:.1f} before and "
        f"{load[1]:.1f} after. No press asks for a plan that anybody asked for before; but the explorer solves and "
        "draws up a lever's next steps, and the turn of each rule on the panel, while nothing else is asked of it, "
        "here in the half-second between presses.",
    ]
    return "\n".join(lines)


def pooled(rows: Sequence[Timed]) -> list[Timed]:
    """Every press of a system, whichever lever."""
    found = {row.case: Timed(row.case, "all levers") for row in rows}
    for row in rows:
        for name in Press._fields:
            getattr(found[row.case], name).extend(getattr(row, name))
    return list(found.values())


def _times(rows: Sequence[Timed], base: float) -> str:
    """'2.6 and 3.5, 2.9 and 3.7': verdict and charts of each row as so many times the base."""
    return ", ".join(" and ".join(f"{row.of(name)[0] / base:.1f}" for name in ("verdict", "charts")) for row in rows)


def _slowest(rows: Sequence[Timed], base: float) -> str:
    return " and ".join(f"{max(row.of(name)[0] for row in rows) / base:.1f}" for name in ("verdict", "charts"))


def keep(text: str, file: Path) -> None:
    """Put the table between its marks in the file, or below everything where there are none."""
    marks.keep(text, file, "explorer", f"## The explorer\n\n{ABOUT}")


ABOUT = """\
From a key pressed on a lever to the frame after the verdict has changed, after the last of all words has, and after
the last chart was redrawn, as `python -m benchmarks.explorer` measures them in the page.
After the last press the sentence on the page must be the one that `allocate.solve` gives for the same changes. The
empty page, one slider and a sentence that repeats it, is measured in the same run: as Streamlit ships, and under the
explorer's own settings."""


if __name__ == "__main__":
    sys.exit(main())
