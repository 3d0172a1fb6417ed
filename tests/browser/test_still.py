"""Every page as it stands: nothing from elsewhere, a title of its own, fit for a phone, and fit for everybody."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import visiting
from tests.conftest import SCENARIOS

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, NARROW = 1440, 360
CLASH = {"scenario": "tiny", "envelopes.core.amount": 740_000}
"""What nobody can keep: care alone may fall no lower than £760,000."""
PROPOSED = {"scenario": "tiny", "envelopes.core.amount": 880_000}
"""What not every partner would agree to."""
CHANGED = {"scenario": "tiny", "envelopes.core.amount": 950_000, "curves.*.care.slope": "x0.8"}
"""A decision and an assumption, so that every part of a page has something to show."""


def pages() -> list[str]:
    """The paths of the pages, from the script itself; the first test reads them off the screen."""
    names = re.findall(r'Chapter\(\s*"(\w+)"', (SCENARIOS.parent / "app.py").read_text(encoding="utf-8"))
    return ["", *names[1:]]


def overflow(page: Page) -> dict:
    """By how many pixels the page is wider than its window, and what sticks out, for whoever must find it."""
    return page.evaluate(
        """() => {
          const main = document.querySelector('[data-testid="stMain"]'), width = document.documentElement.clientWidth
          const inScroll = e => e.closest('.al-scroll, [data-testid="stDataFrame"], pre, [data-testid="stSidebar"]')
          const out = [...main.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > width + 1
            && !inScroll(e))
          return { by: Math.max(main.scrollWidth - main.clientWidth, document.documentElement.scrollWidth - width, 0),
                   what: out.slice(-3).map(e => e.outerHTML.slice(0, 160)) }
        }"""
    )


def violations(page: Page) -> list[str]:
    """What axe finds serious or critical, each with the first places where it is."""
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{each['impact']} {each['id']}: {each['help']}; {len(each['nodes'])} times, at "
        + " and ".join(str(node["target"]) + " " + node["html"][:160] for node in each["nodes"][:3])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def names_with_backslashes(page: Page) -> list[str]:
    """What a screen reader would call something, where it still has the marks that keep names from being Markdown."""
    return page.evaluate(
        r"""() => ['aria-label', 'title', 'placeholder', 'alt'].flatMap(name =>
          [...document.querySelectorAll(`[${name}*="\\\\"]`)].map(e => e.getAttribute(name)))"""
    )


def fails_where(found: list[str]) -> None:
    """Fail with everything that was found, in full."""
    assert not found, "\n".join(found)


def test_every_page_is_here_with_a_title_and_a_heading_of_its_own(reader):
    """The navigation leads to exactly the pages that are tested here, each link to its own. No two pages share a title
    or an h1, no page has two, and headings never skip a level."""
    page = visiting.open(reader(), scenario="tiny")
    listed = visiting.chapters(page)
    assert list(listed.values()) == pages()
    titles, headings = [], []
    for number, title in enumerate(listed):
        if number:
            with visiting.answered(page):
                page.get_by_test_id("stTopNavLink").filter(has_text=title).click()
            expect(page).to_have_title(f"{title} – allocate")
        titles.append(page.title())
        expect(page.locator("h1")).to_have_count(1)
        headings.append(page.locator("h1").inner_text())
        found = page.locator('[data-testid="stMain"]').locator("h1, h2, h3, h4, h5, h6")
        levels = found.evaluate_all("all => all.map(each => Number(each.tagName[1]))")
        assert levels[0] == 1, title
        assert all(after - before <= 1 for before, after in pairwise(levels)), (title, levels)
    assert len(set(titles)) == len(set(headings)) == len(pages())


def test_a_first_visit_fetches_nothing_from_elsewhere(visitor):
    """Pages of the largest scenario fetch nothing from outside and err nowhere (`visitor` fails where they do), and say
    something. At 360 pixels, all unfolded, they are no wider than their window: only tables scroll, in themselves."""
    page = visitor(width=NARROW, height=740)
    for path in pages():
        visiting.open(page, path)
        assert visiting.words(page), path
        fonts = page.evaluate("[...document.fonts].filter(font => font.status === 'error').map(font => font.family)")
        assert fonts == [], path
        visiting.unfold(page)
        assert overflow(page)["by"] == 0, (path, overflow(page)["what"])


@pytest.mark.parametrize("path", pages())
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("query", [{}, CHANGED, CLASH], ids=["agreed", "changed", "clash"])
def test_everybody_can_use_it(reader, path, width, query):
    """axe finds nothing serious or critical (WCAG 2.2 A and AA, best practice), as it stands and all unfolded, no name
    has a backslash in it, and nothing sticks out."""
    page = visiting.open(reader(width=width), path, **({"scenario": "tiny"} | query))
    fails_where(violations(page))
    visiting.unfold(page)
    assert overflow(page)["by"] == 0, overflow(page)["what"]
    if width == NARROW:
        visiting.side(page)
        # A button half under the panel would count as a small one: where the page stands is chance.
        page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    fails_where([*violations(page), *names_with_backslashes(page)])


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_everybody_can_use_a_proposal_and_a_price_list(reader, width):
    """axe finds nothing serious or critical on a proposal that some object to, with every rule's whole cost beside it,
    all unfolded; and nothing sticks out."""
    page = visiting.open(reader(width=width), "rules", **PROPOSED)
    visiting.press(page, "Work out what every rule costs")
    visiting.unfold(page)
    page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    fails_where([*violations(page), *names_with_backslashes(page)])
    assert overflow(page)["by"] == 0, overflow(page)["what"]


def test_a_clash_is_a_page(reader):
    """What cannot be kept is told in words on every page, and no chart pretends otherwise on the first."""
    page = visiting.open(reader(), **CLASH)
    assert visiting.words(page).startswith("These rules cannot all be met.")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(0)
