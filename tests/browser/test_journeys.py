"""What people come to do, from the first look to the shared link: each journey in a real browser, start to end."""

from __future__ import annotations

import io
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

import allocate as al
from allocate.plan.explaining import headline
from allocate.scenario.writing import write as write_scenario
from tests.browser import test_still, visiting
from tests.browser.conftest import Served, start
from tests.conftest import SCENARIOS
from tests.engine.making import make
from tests.engine.test_watch import STRAIGHT, hard
from tests.places import making

CLASH = {"scenario": "coventry-warwickshire", "rules.mental-health-standard.at_least": 0.3}
"""More for mental health than the limits on movement allow."""
FAR = {"scenario": "coventry-warwickshire", "rules.greatest-need-first.at_least": 0.09}
"""More than every partner would agree to."""
SOON = 60_000
"""Milliseconds that a long search may take to say where it is, or to end once stopped, on a busy machine."""


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Iterator[Served]:
    """An explorer for the tests of this module that keep plans and bring scenarios."""
    served = start(tmp_path_factory.mktemp("library"))
    yield served
    served.stop()


# --- helpers ---------------------------------------------------------------------------------------------------------


def strip(page: Page) -> str:
    """What differs from the plan as agreed, as the page says it."""
    return " ".join(page.locator(".st-key-changed").inner_text().split())


def tiles(page: Page) -> list[str]:
    """The figures to be seen from afar."""
    return page.locator(".al-tile .al-figure").all_inner_texts()


def fold(page: Page, name: str) -> Locator:
    """Open a folded part of the page, by the words on it, and return it."""
    part = page.get_by_test_id("stExpander").filter(has=page.locator("summary", has_text=name)).first
    if part.locator("details:not([open])").count():
        part.locator("summary").first.click()
        expect(part.locator("details[open]").first).to_be_visible(timeout=visiting.PATIENCE)
        visiting.settle(page)
    return part


def go(page: Page, title: str) -> None:
    """Go to a page by the navigation."""
    with visiting.answered(page):
        page.get_by_test_id("stTopNavLink").filter(has_text=title).click()
    expect(page).to_have_title(f"{title} – allocate")


def keep(page: Page, name: str, author: str, note: str = "") -> None:
    """Keep the plan on the page under a name."""
    opener = page.get_by_test_id("stPopoverButton").filter(has_text="Keep this plan")
    if opener.get_attribute("aria-expanded") != "true":
        opener.click()
    form = page.get_by_test_id("stForm").filter(has=page.get_by_role("textbox", name="Note", exact=True))
    expect(form).to_be_visible(timeout=visiting.PATIENCE)
    for label, text in (("Name", name), ("Your name", author), ("Note", note)):
        form.get_by_role("textbox", name=label, exact=True).fill(text)
    with visiting.answered(page):
        form.get_by_role("button", name="Keep", exact=True).click()


def link(page: Page) -> str:
    """The link to the view, as the page gives it."""
    return fold(page, "Share, reproduce and download").get_by_test_id("stCode").first.inner_text().strip()


def download(page: Page, name: str, to: Path) -> Path:
    """Download a file by its button."""
    with page.expect_download() as coming:
        fold(page, "Share, reproduce and download").get_by_role("button", name=name).click()
    path = to / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def said_by(plan: al.Plan) -> str:
    """The headline of a plan, as a page shows it."""
    return " ".join(headline(plan).split())


def bring(page: Page, name: str, data: bytes) -> Locator:
    """Upload a zip of a scenario, and return what the page says of it."""
    part = fold(page, "Open a scenario of your own")
    with visiting.answered(page):
        part.locator('input[type="file"]').set_input_files(
            {"name": name, "mimeType": "application/zip", "buffer": data}
        )
    return part


def zipped(folder: Path) -> bytes:
    """A folder as a zip."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{folder.name}/{path.name}")
    return whole.getvalue()


# --- reading ---------------------------------------------------------------------------------------------------------


def test_open_and_read_the_plan(visitor):
    """The first page of a real system opens on a solved plan: a headline, four tiles, three cards, and pictures, each
    with a text in its place and a table of its figures."""
    page = visiting.open(visitor())
    assert visiting.words(page) == said_by(al.solve(al.read(SCENARIOS / "coventry-warwickshire")))
    assert len(tiles(page)) == 4
    cards = page.locator(".al-cards .al-card > h2")
    assert cards.all_inner_texts() == ["What changes?", "Why?", "What would change our mind?"]
    pictures = page.locator(".al-picture")
    assert pictures.count() >= 4
    for picture in pictures.all():
        assert len(picture.get_attribute("aria-label") or "") > 20
    visiting.toggle(page, "Show the figures as tables")
    for picture in pictures.all():
        card = picture.locator("xpath=ancestor::section[1]")
        expect(card.locator("table tbody tr").first).to_be_visible()


def test_guardrails_and_what_would_bring_a_line_back(visitor):
    """The fold of looser limits opens with three rows, and asking what would bring a line back is answered."""
    page = visiting.open(visitor(), scenario="coventry-warwickshire")
    rows = fold(page, "If movement limits were looser").locator("tbody tr")
    expect(rows).to_have_count(3, timeout=visiting.PATIENCE)
    visiting.open(page, scenario="tiny")
    part = fold(page, "would bring one back")
    visiting.choose(page, "What would bring one back?", "Prevention, South (The Council)", part)
    expect(part.locator(".al-verdict")).to_contain_text("Prevention, South (The Council).")


# --- changing --------------------------------------------------------------------------------------------------------


def test_move_an_envelope_and_undo(visitor):
    """Moving the envelope by keyboard changes the words, the tiles, the strip and the address; one click undoes it."""
    page = visiting.open(visitor(), scenario="coventry-warwickshire")
    before = (visiting.words(page), tiles(page), page.url)
    visiting.move_slider(page, "Core services", 3)
    assert visiting.words(page) != before[0]
    assert tiles(page) != before[1]
    assert strip(page).startswith("Changed from base: 1 change")
    assert "Core services: £1,874.7m →" in strip(page)
    amount = float(re.search(r"envelopes\.core\.amount=(\d+)", page.url)[1])
    assert amount > 1_874_742_000
    scenario = al.read(SCENARIOS / "coventry-warwickshire").change({"envelopes.core.amount": amount})
    assert visiting.words(page) == said_by(al.solve(scenario))
    visiting.press(page, "Undo")
    assert (visiting.words(page), tiles(page)) == before[:2]
    assert "envelopes" not in page.url
    assert "nothing. This is the plan as agreed." in strip(page)


def test_a_whole_journey_by_keyboard_alone(visitor):
    """Without a mouse: tab to a slider, move it, give a reason, tab on to Undo and press it."""
    page = visiting.open(visitor(), scenario="tiny")
    before = visiting.words(page)

    def tab_to(target: Locator) -> None:
        for _ in range(80):
            if target.count() and target.evaluate("element => element === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError("tabbing never comes there")

    tab_to(visiting.slider(page, "Core money"))
    with visiting.answered(page):
        page.keyboard.press("ArrowLeft")
    assert visiting.words(page) != before
    tab_to(visiting.named(page, "input", "Why change Core money?"))
    page.keyboard.type("Less comes in")
    with visiting.answered(page):
        page.keyboard.press("Enter")
    assert "Less comes in" in strip(page)
    tab_to(page.get_by_role("button", name="Undo", exact=True))
    with visiting.answered(page):
        page.keyboard.press("Enter")
    assert visiting.words(page) == before
    assert "nothing. This is the plan as agreed." in strip(page)


def test_switch_off_a_rule_and_its_price_goes(visitor):
    """A rule that is switched off on the page of rules loses its price, and the plan buys more without it."""
    page = visiting.open(visitor(), "rules", scenario="tiny")
    rule = page.locator(".st-key-card-rule-prevention-north")
    expect(rule).to_contain_text("0.296 years if eased by £1,000")
    visiting.toggle(page, "In force: Prevention north", rule)
    expect(rule).not_to_contain_text("if eased by")
    assert "Prevention north: in force → switched off" in strip(page)
    go(page, "The plan")
    free = al.solve(al.read(SCENARIOS / "tiny").change({"rules.prevention-north.in_force": False}))
    assert visiting.words(page) == said_by(free)
    expect(page.locator(".al-tile").nth(1)).to_contain_text("+1.48 on the plan as agreed")


def test_a_figure_of_a_sentence_is_edited_in_place(visitor):
    """Beside its sentence a rule's figure is typed: the sentence says the new one, its price changes, a reason can be
    given, and one press says what every rule costs in all and to whom."""
    page = visiting.open(visitor(), "rules", scenario="tiny")
    rule = page.locator(".st-key-card-rule-prevention-north")
    before = rule.locator(".al-price").inner_text()
    enter(page, rule.get_by_role("spinbutton"), "58")
    expect(rule.locator("h3")).to_have_text("Spending on Prevention in North must be at least £58,000")
    assert rule.locator(".al-price").inner_text() != before
    visiting.write(page, "Why change Prevention north: amount?", "Two posts are vacant", rule)
    assert "Prevention north: amount: £60,000 → £58,000 Two posts are vacant" in strip(page)
    visiting.press(page, "Work out what every rule costs")
    expect(rule).to_contain_text("In all it costs")
    expect(rule).to_contain_text("Helps North")
    minutes = fold(page, "Prevention north: minutes")
    expect(minutes.locator("dl")).to_contain_text("agreed for this example")
    minutes.locator("summary", has_text="Exactly how").click()
    expect(minutes).to_contain_text("A(The Council) D(must) I(spend or gain at least)")


def test_propose_see_who_loses_and_try_the_nearest_version(visitor, tmp_path):
    """A change is proposed: who loses and who would agree is told seat by seat; the nearest version that nobody objects
    to is tried with a press, and then nobody objects; the minutes can be taken away."""
    page = visiting.open(visitor(), "rules", **FAR)
    part = fold(page, "Propose this")
    expect(part).to_contain_text("Passing this")
    expect(part).to_contain_text("Against, and objects")
    visiting.write(page, "Why", "The need is greatest there", part)
    near = part.locator(".st-key-card-nearest")
    expect(near).to_contain_text("of the way from what stands")
    with page.expect_download() as coming:
        part.get_by_role("button", name="For the minutes (text)").click()
    coming.value.save_as(tmp_path / "minutes.txt")
    text = (tmp_path / "minutes.txt").read_text(encoding="utf-8")
    assert "Why: The need is greatest there" in text
    assert "Consent: no" in text
    visiting.press(page, "Try this version", near)
    expect(part).to_contain_text("Nobody objects.")
    expect(near).to_have_count(0)
    assert strip(page).startswith("Changed from base: 1 change")


def test_rules_and_proposals_by_keyboard_alone(visitor):
    """Without a mouse: tab to a rule's switch and turn it, tab back to the proposal and open it, and read it."""
    page = visiting.open(visitor(), "rules", scenario="tiny")

    def tab_to(target: Locator, key: str = "Tab") -> None:
        for _ in range(120):
            if target.count() and target.first.evaluate("element => element === document.activeElement"):
                return
            page.keyboard.press(key)
        raise AssertionError("tabbing never comes there")

    tab_to(visiting.named(page, 'input[type="checkbox"]', "In force: Prevention north"))
    with visiting.answered(page):
        page.keyboard.press("Space")
    assert "Prevention north: in force → switched off" in strip(page)
    part = page.get_by_test_id("stExpander").filter(has=page.locator("summary", has_text="Propose this"))
    tab_to(part.locator("summary").first, "Shift+Tab")
    with visiting.answered(page):
        page.keyboard.press("Enter")
    expect(part).to_contain_text("Would it pass?")


def test_an_assumption_shows_three_columns(visitor):
    """When an assumption is moved the plan as agreed is solved again, and three plans stand side by side."""
    page = visiting.open(visitor(), scenario="tiny")
    expect(page.locator(".st-key-card-three")).to_have_count(0)
    visiting.move_slider(page, "Effect of care", -2)
    visiting.move_slider(page, "Core money", 1)
    heads = page.locator(".st-key-card-three thead th")
    expect(heads).to_have_text(["Measure", "Plan as agreed", "As agreed, new assumptions", "Your plan"])


def test_lock_a_line_with_a_reason(visitor):
    """A line that is kept becomes a rule with its reason, its name and its price, and stands in the strip."""
    page = visiting.open(visitor(), "rules", scenario="tiny")
    fold(page, "Keep a line as it is")
    visiting.choose(page, "Line", "Care, North (The Trust)")
    form = page.get_by_test_id("stForm").filter(has=page.get_by_role("button", name="Keep it so"))
    form.get_by_role("spinbutton").fill("350000")
    form.get_by_role("textbox", name="Why", exact=True).fill("The ward was promised")
    form.get_by_role("textbox", name="Your name", exact=True).fill("A. Director")
    visiting.press(page, "Keep it so")
    rule = page.locator(".st-key-card-rule-keep-1")
    expect(rule).to_contain_text("Why: The ward was promised Asked for by A. Director.")
    expect(rule).to_contain_text(re.compile(r"[\d.]+ years if eased by £1,000"))
    assert "is kept at £350,000 The ward was promised" in strip(page)
    go(page, "The plan")
    assert "The ward was promised" in strip(page)


# --- the impossible --------------------------------------------------------------------------------------------------


def test_ask_what_fairer_would_cost_and_follow_it(visitor):
    """What fairer means is chosen, its price read, less of it given up, and the plan follows; back on the dial it
    stands where it was, and the most benefit takes it off."""
    page = visiting.open(visitor(), "fair", scenario="tiny")
    assert visiting.words(page).startswith("No aim between places is in force.")
    visiting.choose(page, "Fairer means", "Lift the worst-off place")
    first = visiting.words(page)
    assert first.startswith("Fairer costs")
    assert "1.0% of the gain" in first
    visiting.move_slider(page, "Give up at most, of the best plan's gain", -1)
    assert "0.50% of the gain" in visiting.words(page)
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    assert "giving up at most 0.5% of the best gain" in strip(page)
    for chapter in ("The plan", "Fair shares"):
        with visiting.answered(page):
            page.get_by_test_id("stTopNavLink").filter(has_text=chapter).click()
        assert "0.5%" in visiting.words(page)
    visiting.choose(page, "Fairer means", "The most benefit, wherever it falls")
    assert visiting.words(page).startswith("No aim between places is in force.")


def test_ask_who_would_sign_from_a_seat_and_from_another_fallback(visitor):
    """Apart and together stand on one scale, each partner has its way to the deal, a partner reads its own band from
    its seat, and another fallback changes who would sign and stands in the link; on a phone nothing sticks out."""
    page = visiting.open(visitor(), "deal", scenario="coventry-warwickshire")
    first = visiting.words(page)
    assert "more to partners than apart. Apart you would buy" in first
    for key, rows in (("pictures", 6), ("signing", 9)):
        expect(page.locator(f".st-key-{key} .al-bar:not(.al-ticks)")).to_have_count(rows)
    visiting.choose(page, "Your seat", "George Eliot Hospital")
    seat = page.locator(".st-key-seat .al-verdict")
    expect(seat).to_contain_text("Nobody has less than without a deal as long as you")
    expect(page.locator(".st-key-signing")).to_contain_text("George Eliot Hospital (you)")
    visiting.choose(page, "Without a deal", "Alone: each for itself, all others as before")
    assert "each alone" in visiting.words(page)
    assert visiting.words(page) != first
    assert "fallback=alone" in page.url
    fresh = visitor(width=390)
    fresh.goto(page.url)
    fresh.wait_for_function("window.visitedRuns > 0", timeout=visiting.PATIENCE)
    assert visiting.words(fresh) == visiting.words(page)
    assert test_still.overflow(fresh)["by"] == 0


def test_ask_for_the_impossible_and_try_the_way_out(visitor):
    """What cannot be is told in words: which rules cannot hold together, and the ways out, the cheapest first, each
    with whom to ask; trying that one gives a plan, beside what was changed."""
    page = visiting.open(visitor(), "rules", **CLASH)
    assert visiting.words(page).startswith("These rules cannot all be met.")
    expect(page.locator(".st-key-clashes .al-card").first).to_contain_text("cannot")
    way = page.locator(".st-key-card-way-0")
    expect(way).to_contain_text("The cheapest way out")
    expect(way).to_contain_text("Ask NHS Coventry and Warwickshire ICB.")
    expect(page.locator(".al-picture, .al-pricebar")).to_have_count(0)
    visiting.press(page, "Try this", way)
    assert visiting.words(page).startswith("Every rule is met")
    assert strip(page).startswith("Changed from base: 2 changes")
    expect(page.locator(".al-pricebar").first).to_be_visible()


def test_take_back_what_led_to_a_clash(visitor):
    """The first way out of a clash is the way in: one press takes the last change back."""
    page = visiting.open(visitor(), **CLASH)
    visiting.press(page, "Undo the last change")
    assert visiting.words(page).startswith("Every rule is met")
    assert "nothing. This is the plan as agreed." in strip(page)


def test_a_lever_leads_to_the_impossible_and_back(visitor):
    """A figure that is set too high ends in words, not in an error, and Undo leads back to the plan; one that cannot be
    at all is refused in words and left as it was."""
    page = visiting.open(visitor(), "rules", scenario="coventry-warwickshire")
    before = visiting.words(page)
    rule = page.locator(".st-key-card-rule-mental-health-standard")
    if not rule.count():
        fold(page, "Kept at no cost")
    enter(page, rule.get_by_role("spinbutton").first, "30")
    assert visiting.words(page).startswith("These rules cannot all be met.")
    assert "Mental health standard" in strip(page)
    visiting.press(page, "Undo")
    assert visiting.words(page) == before
    visiting.open(page, "rules", scenario="tiny")
    enter(page, page.locator(".st-key-card-rule-prevention-north").get_by_role("spinbutton"), "900000")
    expect(page.locator(".al-verdict").first).to_contain_text("It was left as agreed.")
    assert "nothing. This is the plan as agreed." in strip(page)


def enter(page: Page, box: Locator, text: str) -> None:
    """Type a figure into a box, which is answered by a run."""
    box.fill(text)
    with visiting.answered(page):
        box.press("Enter")


# --- keeping and comparing -------------------------------------------------------------------------------------------


def test_keep_two_plans_and_compare_them(library, visitor):
    """Two plans with names and authors stand side by side, differences first; a name that is taken is refused in
    words; a counter-offer shows only what differs from what it answers."""
    page = visiting.open(visitor(served=library), **{"scenario": "tiny", "envelopes.core.amount": 920_000})
    keep(page, "Council ask", "A. Director", "For the board")
    expect(page.locator(".al-verdict", has_text="Kept as “Council ask”.")).to_be_visible()
    visiting.move_slider(page, "Prevention grant", 2)
    keep(page, "Council ask", "B. Director")
    expect(page.locator(".al-verdict", has_text="Not kept yet.")).to_contain_text(
        "“Council ask” is the name of a plan that A. Director kept already."
    )
    page.keyboard.press("Escape")
    visiting.open(page, **dict_of(page.url))
    keep(page, "Trust ask", "B. Director")
    go(page, "Compare")
    assert "Trust ask against Council ask" in visiting.words(page)
    cards = [each.get_attribute("class") or "" for each in page.locator('[class*="st-key-card-"]').all()]
    order = [re.search(r"st-key-(card-[a-z]+)", each)[1] for each in cards]
    assert order.index("card-changes") < order.index("card-headline")
    differ = page.locator(".st-key-card-changes tbody")
    expect(differ).to_contain_text("Prevention grant")
    expect(differ).not_to_contain_text("Core money")
    for words in ("Council ask", "A. Director", "For the board", "Trust ask", "B. Director"):
        expect(page.locator('[class*="st-key-card-kept-"]').filter(has_text=words).first).to_be_visible()

    asked = page.locator('[class*="st-key-card-kept-"]').filter(has_text="For the board")
    visiting.press(page, "Make a counter-offer", asked)
    go(page, "The rules")
    enter(page, page.locator(".st-key-card-rule-prevention-north").get_by_role("spinbutton"), "58")
    go(page, "Compare")
    expect(differ).to_contain_text("Prevention north")
    expect(differ).not_to_contain_text("Core money")
    keep(page, "Our answer", "C. Director")
    expect(page.locator('[class*="st-key-card-kept-"]').first).to_contain_text(
        "A counter-offer to “Council ask” (A. Director)."
    )


def dict_of(url: str) -> dict[str, list[str]]:
    """What an address asks for."""
    return parse_qs(urlsplit(url).query)


def test_leaving_an_open_form_leads_where_it_should(visitor):
    """Going to another page while the form for keeping a plan is open leads there, with every lever where it was."""
    page = visiting.open(visitor(), **{"scenario": "tiny", "envelopes.core.amount": 920_000})
    page.get_by_test_id("stPopoverButton").filter(has_text="Keep this plan").click()
    expect(page.get_by_role("textbox", name="Your name", exact=True)).to_be_visible()
    go(page, "The money")
    assert "Core money: £900,000 → £920,000" in strip(page)
    expect(visiting.slider(page, "Core money")).to_have_attribute("aria-valuetext", "£920.0k")
    expect(page.locator(".st-key-scenarios")).to_contain_text("Tiny")


def test_unlike_plans_are_not_compared(library, visitor):
    """A plan of one system beside a plan of another is refused, with the reasons in words."""
    page = visiting.open(visitor(served=library), scenario="tiny")
    keep(page, "Small plan", "A. Director")
    kept = dict_of(page.url)["plans"][-1]
    visiting.open(page, "compare", scenario="coventry-warwickshire", plans=["agreed", kept])
    assert visiting.words(page).startswith("These plans cannot be compared.")
    assert page.locator(".al-verdict li").count() >= 1


def test_kept_plans_outlive_a_refresh_and_a_restart(serve, visitor):
    """What was kept is there after the page is loaded again, and after the explorer is started again."""
    served = serve()
    page = visiting.open(visitor(served=served), **{"scenario": "tiny", "envelopes.core.amount": 920_000})
    before = visiting.words(page)
    keep(page, "To last", "A. Director")
    page.reload()
    page.wait_for_function("window.visitedRuns > 0", timeout=visiting.PATIENCE)
    assert visiting.words(page) == before
    visiting.open(page, "compare", scenario="tiny")
    expect(page.locator('[class*="st-key-card-kept-"]')).to_contain_text("To last")
    page.context.close()
    served.stop()
    page = visiting.open(visitor(served=serve(home=served.home)), "compare", scenario="tiny")
    expect(page.locator('[class*="st-key-card-kept-"]')).to_contain_text("To last")
    visiting.press(page, "Open", page.locator('[class*="st-key-card-kept-"]'))
    go(page, "The plan")
    assert visiting.words(page) == before


# --- sharing ---------------------------------------------------------------------------------------------------------


def test_a_link_opens_the_same_view_in_a_fresh_browser(visitor):
    """The link that the page gives opens, for somebody who was never here, the same headline, levers and strip."""
    page = visiting.open(visitor(), scenario="tiny")
    visiting.move_slider(page, "Core money", 2)
    visiting.write(page, "Why change Core money?", "Growth & more")
    visiting.toggle(page, "Prevention north", visiting.side(page))
    visiting.choose(page, "Your seat", "The Council")
    shared = link(page)
    fresh = visitor()
    fresh.goto(shared)
    fresh.wait_for_function("window.visitedRuns > 0", timeout=visiting.PATIENCE)
    assert visiting.words(fresh) == visiting.words(page)
    assert strip(fresh) == strip(page)
    for label in ("Core money", "Prevention grant"):
        value = visiting.slider(page, label).get_attribute("aria-valuetext")
        expect(visiting.slider(fresh, label)).to_have_attribute("aria-valuetext", value or "")
    expect(visiting.named(fresh, 'input[type="checkbox"]', "Prevention north")).not_to_be_checked()
    expect(visiting.named(fresh, "input", "Your seat")).to_have_value("The Council")
    expect(visiting.named(fresh, "input", "Why change Core money?")).to_have_value("Growth & more")


def test_a_seat_retells_the_pages(visitor):
    """From a partner's chair and from a place's, every page is told from there."""
    page = visiting.open(visitor(), scenario="coventry-warwickshire")
    for option, name in (("Warwickshire County Council", "Warwickshire County Council"), ("Rugby (place)", "Rugby")):
        visiting.choose(page, "Your seat", option)
        for title in ("The plan", "The money", "The rules", "Places", "The deal", "Evidence"):
            go(page, title)
            expect(page.locator(".st-key-seat .al-verdict")).to_contain_text(f"{name}.")
        go(page, "The plan")


def test_the_file_of_changes_and_the_command_give_the_same_plan(visitor, tmp_path):
    """The downloaded changes, solved by `allocate solve --changes`, and the command that the page shows, give the plan
    on the page."""
    page = visiting.open(visitor(), **{
        "scenario": "tiny", "envelopes.core.amount": 920_000, "rules.prevention-north.in_force": "false",
        "curves.*.care.slope": "x0.9", "why.envelopes.core.amount": "Growth",
    })  # fmt: skip
    shown = visiting.words(page)
    file = download(page, "Changes (TOML)", tmp_path)
    assert "# Growth" in file.read_text(encoding="utf-8")
    command = fold(page, "Share, reproduce and download").get_by_test_id("stCode").nth(1).inner_text()
    program, verb, folder, *sets = shlex.split(command)
    assert (program, verb, folder) == ("allocate", "solve", "scenarios/tiny")
    for options in (["--changes", str(file)], sets):
        done = subprocess.run(
            [sys.executable, "-m", "allocate.cli", "solve", folder, *options, "--out", str(tmp_path / options[0][2:])],
            cwd=SCENARIOS.parent, capture_output=True, text=True, env=os.environ | {"COLUMNS": "400"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert shown in " ".join((done.stdout + done.stderr).split())


def test_the_zips_that_are_downloaded_are_whole(visitor, tmp_path):
    """The zip of tables holds the plan and its changes; the zip of the scenario is read, and solves to the plan."""
    page = visiting.open(visitor(), **{"scenario": "tiny", "envelopes.core.amount": 920_000})
    with zipfile.ZipFile(download(page, "Every table (zip)", tmp_path)) as tables:
        assert {"changes.toml", "plan.json", "spend.csv"} <= set(tables.namelist())
    with zipfile.ZipFile(download(page, "The scenario (zip)", tmp_path)) as scenario:
        scenario.extractall(tmp_path / "unpacked")
    assert visiting.words(page) == said_by(al.solve(al.read(tmp_path / "unpacked")))


def test_upload_a_broken_scenario_then_a_sound_one(library, visitor, folder):
    """A broken scenario is refused with every problem in words, each with its file and row; put right, it opens."""
    lines = folder / "lines.csv"
    sound = lines.read_text(encoding="utf-8")
    lines.write_text(sound.replace("300000", "-300000").replace("council,south", "nobody,south"), encoding="utf-8")
    page = visiting.open(visitor(served=library), scenario="coventry-warwickshire")
    before = visiting.words(page)
    said = bring(page, "tiny.zip", zipped(folder))
    expect(said).to_contain_text("lines.csv row 2, baseline")
    expect(said).to_contain_text("lines.csv row 5, partner")
    expect(said).not_to_contain_text("Traceback")
    assert visiting.words(page) == before

    lines.write_text(sound, encoding="utf-8")
    heading = (folder / "scenario.toml").read_text(encoding="utf-8")
    heading = heading.replace('"tiny"', '"brought"').replace('"Tiny"', '"Brought along"')
    (folder / "scenario.toml").write_text(heading, encoding="utf-8")
    said = bring(page, "brought.zip", zipped(folder))
    expect(said).to_contain_text("Brought along is sound.")
    visiting.press(page, "Open it")
    assert visiting.words(page) == said_by(al.solve(al.read(SCENARIOS / "tiny")))
    expect(page.locator(".al-over")).to_have_text("Brought along")
    visiting.move_slider(page, "Core money", 1)
    fresh = visitor(served=library)
    fresh.goto(page.url)
    fresh.wait_for_function("window.visitedRuns > 0", timeout=visiting.PATIENCE)
    assert visiting.words(fresh) == visiting.words(page)


# --- places ----------------------------------------------------------------------------------------------------------


def test_draw_places_share_money_and_take_the_drawing_away(visitor, tmp_path):
    """A practice file is brought and a system chosen; its places are on a map that needs nothing from elsewhere and in
    a table; a drawing with a practice in two places is refused by name; by hand one is moved, money is shared, opening
    positions are brought, and a refresh loses nothing; the drawing is downloaded. Everybody can use it all."""
    page = visiting.open(visitor(), "places", scenario="tiny")
    hand_in(page, "file", making.saved(tmp_path, making.located()))
    visiting.choose(page, "System", "Hills and Vale")
    assert visiting.words(page).startswith("Hills and Vale: every practice is in one place.")
    expect(page.locator('.st-key-card-map [role="graphics-document"], .st-key-card-map canvas').first).to_be_visible()

    mine = tmp_path / "mine.csv"
    mine.write_text("practice,place\nUpton,North\nDale,South\nA10003,North\n", encoding="utf-8")
    visiting.choose(page, "Places are", "A file of my own")
    hand_in(page, "places", mine)
    expect(page.locator(".st-key-verdict")).to_contain_text("'A10003 CHURCH LANE' is in two places")
    visiting.choose(page, "Places are", "Local authority districts")

    part = fold(page, "Change the drawing by hand")
    visiting.named(page, 'input[role="combobox"]', "Districts, PCNs and practices", part).fill("A10003")
    page.get_by_role("option", name="A10003 CHURCH LANE", exact=True).click()
    page.keyboard.press("Tab")
    part.get_by_role("textbox", name="Into the place called").fill("North")
    visiting.press(page, "Move them", part)
    expect(part).to_contain_text("A10003 CHURCH LANE → North")
    enter(page, page.get_by_role("spinbutton", name="Money to share by core need (£m)"), "80")
    opening = tmp_path / "opening.csv"
    opening.write_text("place,amount\nUpton,45e6\nDale,10e6\nNorth,25e6\n", encoding="utf-8")
    hand_in(page, "opening", opening)
    expect(page.locator(".st-key-card-pace")).to_contain_text("Places that lose cash")

    before = visiting.words(page)
    page.reload()
    page.wait_for_function("window.visitedRuns > 0", timeout=visiting.PATIENCE)
    assert visiting.words(page) == before
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        visiting.unfold(visiting.settle(page))
        assert test_still.violations(page) == []
        assert test_still.overflow(page)["by"] == 0
    with page.expect_download() as coming:
        page.get_by_role("button", name="The drawing (CSV)").click()
    coming.value.save_as(tmp_path / "drawing.csv")
    drawn = al.places.draw(al.places.read(tmp_path / "practices_2025_26.csv"), by=tmp_path / "drawing.csv")
    assert drawn.places["A10003"] == "north"


def hand_in(page: Page, field: str, path: Path) -> None:
    """Bring a file into its box, which is answered by a run."""
    with visiting.answered(page):
        page.locator(f'.st-key-bring-{field} input[type="file"]').set_input_files(path)


# --- several at once -------------------------------------------------------------------------------------------------


def test_two_visitors_never_see_each_others_changes(visitor):
    """Two people at one explorer change different things at the same time, and each sees only his own."""
    one, other = visiting.open(visitor(), scenario="tiny"), visiting.open(visitor(), scenario="tiny")
    agreed = visiting.words(one)
    visiting.move_slider(one, "Core money", 2)
    assert visiting.words(other) == agreed
    visiting.toggle(other, "Prevention north", visiting.side(other))
    assert "Core money" in strip(one)
    assert "Prevention north" not in strip(one)
    assert "Prevention north" in strip(other)
    assert "Core money" not in strip(other)
    visiting.press(other, "Undo")
    go(one, "The money")
    assert "Core money" in strip(one)
    assert "nothing. This is the plan as agreed." in strip(other)


def test_a_long_run_is_watched_and_stopped_and_blocks_nobody(serve, visitor, tmp_path):
    """A long search says its stage and bound; another visitor gets his answer meanwhile; Stop keeps the best plan so
    far, and says that it is not proved best."""
    write_scenario(hard(STRAIGHT), tmp_path / "hard")
    shutil.copytree(SCENARIOS / "tiny", tmp_path / "tiny")
    served = serve(tmp_path / "hard", tmp_path / "tiny")
    page = visitor(served=served)
    page.goto("/?scenario=made")
    still = page.locator(".al-verdict").filter(has_text="Still solving.")
    expect(still).to_contain_text("seconds so far", timeout=SOON)
    expect(still).to_contain_text(re.compile("no plan can be worth more than [\\d,.]+"), timeout=SOON)
    expect(still).to_contain_text("earching yes/no choices", timeout=SOON)

    other = visiting.open(visitor(served=served), scenario="tiny")
    assert visiting.words(other).startswith("Every rule is met.")
    visiting.move_slider(other, "Core money", 1)
    assert "Core money" in strip(other)
    expect(still).to_be_visible()

    page.get_by_role("button", name="Stop, and keep the best plan so far").click()
    expect(still).to_have_count(0, timeout=SOON)
    visiting.settle(page)
    assert "is shared across" in visiting.words(page)
    expect(fold(page, "Exactly how")).to_contain_text("stopped")


def ballot() -> al.Scenario:
    """Sixty-four projects in eight districts, whole or not at all: some seconds of search."""
    rng, places = random.Random(3), [f"district {letter}" for letter in "abcdefgh"]
    ids = [place.replace(" ", "-") for place in places]
    lines = [{"place": place, "programme": f"project-{k}", "scale": 1000.0 * rng.randint(100, 999)}
             for place in ids for k in range(8)]  # fmt: skip
    for line in lines:
        line["high"] = line["scale"]
    curves = [{"place": line["place"], "programme": line["programme"], "shape": "linear",
               "slope": (1 + 0.3 * rng.random()) / 1000} for line in lines]  # fmt: skip
    sums = {place: sum(line["high"] for line in lines if line["place"] == place) for place in ids}
    rules = {f"cap-{place}": {"kind": "cap", "where": {"places": [place]}, "amount": float(round(total / 1.7))}
             for place, total in sums.items()}  # fmt: skip
    return make(lines, curves, float(round(sum(sums.values()) / 2.3)), rules)


@pytest.mark.parametrize("width", [390])
def test_a_move_shows_the_choices_as_they_were_until_better_ones_are_found(width, serve, visitor, tmp_path):
    """Where projects are funded whole or not at all, a move of a lever is answered before the search for better choices
    is over, and fits the page; then the page says what choosing afresh has changed."""
    write_scenario(ballot(), tmp_path / "ballot")
    page = visiting.open(visitor(width=width, served=serve(tmp_path / "ballot")), scenario="made")
    visiting.slider(page, "pot", visiting.side(page)).press("ArrowRight")
    told = page.locator(".st-key-afresh")
    expect(told).to_contain_text("With the choices as they were.", timeout=SOON)
    expect(page.locator(".st-key-verdict .al-verdict")).to_contain_text("is shared across")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    visiting.settle(page)
    expect(told).to_contain_text("Choosing afresh", timeout=SOON)
