"""What a visitor does, in Chromium. Every helper comes back when the page is at rest, and none waits for the clock.

`visitor` (see conftest.py) gives the pages that these helpers take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from weakref import WeakKeyDictionary

from playwright.sync_api import BrowserContext, Locator, Page, expect

PATIENCE = 120_000
"""Milliseconds that a page may take to come to rest on a busy machine."""
MOST_LAYERS = 20
"""Folded parts within folded parts, and some to spare: a run that was still under way may draw a part anew, closed."""
UNFOLD = """() => {
  const closed = [...document.querySelectorAll('[data-testid="stMain"] details:not([open])')]
  closed.forEach(each => each.querySelector('summary').click())
  return closed.length
}"""
WATCHER = """
window.visitedRuns = 0
window.visitedChange = Date.now()
let was = null
new MutationObserver(records => {
  window.visitedChange = Date.now()
  const app = document.querySelector('[data-testid="stApp"]')
  const now = app && app.getAttribute('data-test-script-state')
  const began = records.some(each => each.attributeName === 'data-test-script-state' && each.oldValue !== 'notRunning')
  if ((now !== was || began) && now === 'notRunning') window.visitedRuns += 1
  was = now
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeOldValue: true,
                       attributeFilter: ['data-test-script-state', 'data-stale', 'open', 'aria-expanded'] })
window.visitedAnswer = ([runs, began]) => window.visitedRuns > runs
  || (Date.now() - Math.max(began, window.visitedChange) > 1500 && window.visitedRest(false))
window.visitedRest = solved => {
  const app = document.querySelector('[data-testid="stApp"]')
  return Date.now() - window.visitedChange > 120 && app
    && app.getAttribute('data-test-script-state') === 'notRunning'
    && !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')
    && !(solved && document.querySelector('[class*="st-key-stop-solve"]'))
}
"""
"""Runs in every page before anything else: counts how often the page's script has come to its end, and knows when the
page is at rest: no run under way, nothing old on it, and nothing changed for a moment. A run may be too short to be
seen; it is over where a page has long been at rest."""

_troubles: WeakKeyDictionary[BrowserContext, list[str]] = WeakKeyDictionary()
_logs: WeakKeyDictionary[BrowserContext, Path] = WeakKeyDictionary()


def watch(context: BrowserContext, address: str, log: Path) -> list[str]:
    """Note everything that must never happen in this context, and return the list that fills: a request to anywhere but
    the server, an error in the page, or an error on its console. `log` is what the server prints."""
    host = urlsplit(address).netloc
    troubles = _troubles.setdefault(context, [])
    _logs[context] = log

    def leaves(url: str) -> bool:
        return urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).netloc != host

    def console(message: Any) -> None:
        if message.type == "error" and not _known(message.text, (message.location or {}).get("url", "")):
            troubles.append(f"console: {message.text}")

    def sockets(page: Page) -> None:
        page.on("websocket", lambda socket: leaves(socket.url) and troubles.append(f"asked of elsewhere: {socket.url}"))

    context.on("request", lambda request: leaves(request.url) and troubles.append(f"asked of elsewhere: {request.url}"))
    context.on("weberror", lambda error: troubles.append(f"error in the page: {error.error}"))
    context.on("console", console)
    context.on("page", sockets)
    return troubles


def _known(text: str, url: str) -> bool:
    """Whether an error is Streamlit's own: on a page below the first it looks for its server there too, at first."""
    path = urlsplit(url).path
    looked = path.endswith(("/_stcore/health", "/_stcore/host-config")) and not path.startswith("/_stcore/")
    return looked and "404" in text


def troubles(page: Page) -> list[str]:
    """What has happened so far that must not."""
    return _troubles.get(page.context, [])


def open(page: Page, path: str = "", **query: Any) -> Page:
    """Go to a page by its address, such as `open(page, "rules", scenario="tiny")`. Paths of changes have full stops:
    `open(page, **{"scenario": "tiny", "envelopes.core.amount": 950000})`. A list gives several values."""
    asked = urlencode(query, doseq=True, quote_via=quote)
    page.goto(f"/{path}" + (f"?{asked}" if asked else ""))
    page.wait_for_function("window.visitedRuns > 0", timeout=PATIENCE)
    return settle(page)


def settle(page: Page, solved: bool = True) -> Page:
    """Wait until the page is at rest; with `solved` also until no solve is under way. Fails where the page shows an
    exception, or anything else has happened that must not."""
    page.wait_for_function("solved => window.visitedRest(solved)", arg=solved, timeout=PATIENCE)
    if page.get_by_test_id("stException").count():
        raise AssertionError(f"{page.url} failed:\n{_logs[page.context].read_text()[-3000:]}")
    assert not troubles(page), troubles(page)
    return page


@contextmanager
def answered(page: Page) -> Iterator[None]:
    """Whatever is done inside makes the page's script run; on leaving, the run is over and the page at rest."""
    before = page.evaluate("[window.visitedRuns, Date.now()]")
    yield
    page.wait_for_function("before => window.visitedAnswer(before)", arg=before, timeout=PATIENCE)
    settle(page)


def chapters(page: Page) -> dict[str, str]:
    """Every page's title and path, read off the navigation: {"The plan": "", "The money": "money", ...}."""
    links = page.get_by_test_id("stTopNavLink").or_(page.get_by_test_id("stSidebarNavLink"))
    expect(links.first).to_be_attached(timeout=PATIENCE)
    return {
        link.locator("p").first.inner_text(): urlsplit(link.get_attribute("href") or "").path.strip("/")
        for link in links.all()
    }


def words(page: Page) -> str:
    """The sentence that the page is about, with single spaces: what the plan says or why there is none, or else the
    first verdict on the page."""
    settle(page)
    plan = page.locator(".st-key-verdict .al-verdict")
    verdict = (plan if plan.count() else page.locator(".al-verdict")).first
    expect(verdict).to_be_visible(timeout=PATIENCE)
    return " ".join(verdict.inner_text().split())


def named(page: Page, selector: str, label: str, place: Locator | None = None) -> Locator:
    """What is called exactly so, on the page or within a part of it."""
    return (place or page).locator(f'{selector}[aria-label="{label}"], {selector}[aria-label="{_escaped(label)}"]')


def _escaped(label: str) -> str:
    """A label as CSS says it where Streamlit kept the backslashes that make it plain Markdown."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:&])", r"\\\\\1", label)


def slider(page: Page, label: str, place: Locator | None = None) -> Locator:
    """The handle of a slider, by its label."""
    return named(page, 'input[type="range"]', label, place)


def move_slider(page: Page, label: str, steps: int, place: Locator | None = None) -> None:
    """Move a slider by so many steps with the arrow keys, down where negative, each answered by a run."""
    handle = slider(page, label, place)
    expect(handle).to_have_count(1, timeout=PATIENCE)
    for _ in range(abs(steps)):
        with answered(page):
            handle.press("ArrowRight" if steps > 0 else "ArrowLeft")


def choose(page: Page, label: str, option: str, place: Locator | None = None) -> None:
    """Choose an option of a selectbox, by typing it. Several have one label: name the part of the page, such as
    `place=page.locator(".st-key-more-rule")`."""
    box = named(page, 'input[role="combobox"]', label, place)
    expect(box).to_have_count(1, timeout=PATIENCE)
    box.click()
    box.fill(option)
    with answered(page):
        page.get_by_role("option", name=option, exact=True).click()


def toggle(page: Page, label: str, place: Locator | None = None) -> None:
    """Turn a switch over, by its label, with the keyboard."""
    box = named(page, 'input[type="checkbox"]', label, place)
    expect(box).to_have_count(1, timeout=PATIENCE)
    with answered(page):
        box.press("Space")


def press(page: Page, name: str, place: Locator | None = None) -> None:
    """Press the button of this name, which is answered by a run."""
    button = (place or page).get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled(timeout=PATIENCE)
    with answered(page):
        button.click()


def write(page: Page, label: str, text: str, place: Locator | None = None) -> None:
    """Write into a box and leave it, which is answered by a run."""
    box = (place or page).get_by_role("textbox", name=label, exact=True)
    box.fill(text)
    with answered(page):
        box.press("Enter")


def unfold(page: Page) -> None:
    """Open every folded part of the page, all of them at once, then what is folded within them. A part that is filled
    only once it is open is answered by a run."""
    filled = page.locator('[data-testid="stMain"] [data-testid="stExpander"] > details:not([open])')
    for _ in range(MOST_LAYERS):
        with answered(page) if filled.count() else nullcontext():
            opened = page.evaluate(UNFOLD)
        if not opened:
            return
        settle(page)
    raise AssertionError(f"after {MOST_LAYERS} layers were opened there are still more")


def side(page: Page) -> Locator:
    """The side of the page with its levers, brought out where the page is too narrow to show it by itself."""
    bar = page.get_by_test_id("stSidebar")
    out = page.get_by_test_id("stExpandSidebarButton")
    if out.is_visible():
        out.click()
        expect(out).not_to_be_visible()
    expect(bar).to_be_visible()
    return bar
