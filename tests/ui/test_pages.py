"""Every page as Streamlit runs it: what it says of each scenario, to each seat, in a clash, and from a link."""

from __future__ import annotations

import csv
import html.parser
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import allocate as al
from allocate.errors import EngineError
from allocate.scenario.values import value_text
from allocate.ui import solving
from allocate.ui.knobs import knobs
from tests.conftest import SCENARIOS
from tests.ui.apping import (
    PAGES,
    bodies,
    changed,
    draft,
    explorer,
    folds,
    go,
    heads,
    keep,
    move,
    nodes,
    press,
    said,
    settle,
    unfold,
    verdict,
    visit,
    words,
)  # fmt: skip

EXAMPLES = ("tiny", "coventry-warwickshire", "participatory-budget", "health-benefits-package")
TINY_CLASH = {"scenario": "tiny", "envelopes.core.amount": 700_000}
"""Less than the band on care asks for."""
MADE = {"kind": "cap", "owner": "trust", "where": {"places": ["south"]}, "amount": 510_000, "authority": "A link"}
pytestmark = pytest.mark.usefixtures("explorer")


# --- what each page says ---------------------------------------------------------------------------------------------

OPENS = {
    "plan": r"Every rule is met\. [£$][\d,.]+m? is shared across",
    "money": r"In law (one body holds|\d+ bodies hold) [£$][\d,.]+m? in \d+ envelope",
    "rules": r"Every rule is met\. \d+ rules are in force",
    "fair": r"(No aim between places is in force|Places cannot be set against one another here)\.",
    "deal": r"(Together|Working together) (is worth|adds nothing)",
    "compare": r"Choose two to four plans\.",
    "evidence": r"Of [\d,]+ figures, [\d,]+ found, [\d,]+ derived and [\d,]+ assumed",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_page_opens_with_its_words(name):
    """On every kind of scenario each page opens with its sentence, fails nowhere, and every fold opens."""
    app = visit(scenario=name)
    for page in PAGES:
        assert re.match(OPENS[page], verdict(go(app, page))), page
        assert "Changed from base: nothing." in changed(app)
        before = len(bodies(app))
        unfold(app)
        assert len(bodies(app)) > before, page


def test_the_plan_has_three_cards_and_four_tiles():
    """The plan answers the three questions in words, and shows four figures, before any chart."""
    app = visit(scenario="coventry-warwickshire")
    story = next(each for each in bodies(app) if "al-tiles" in each)
    assert story.count("class='al-tile'") == 4
    questions = re.findall(r"<h2>(.*?)</h2>", story)
    assert questions == ["What changes?", "Why?", "What would change our mind?"]
    every = bodies(app)
    assert every.index(story) < next(place for place, each in enumerate(every) if "al-picture" in each)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_picture_has_words_and_figures(name):
    """Every picture on every page has a text in its place and, in the same card, its figures as a table."""
    app, count = visit(scenario=name), 0
    for page in PAGES:
        unfold(go(app, page))
        for body in (each for each in bodies(app) if "al-picture" in each):
            for card in re.findall(r"<section.*?</section>", body):
                if "al-picture" in card:
                    count += 1
                    assert len(re.findall("role='img' aria-label='(.*?)'", card)[0]) > 20
                    assert "<table" in card
        for block in [node for node in nodes(app) if hasattr(node, "children")]:
            children = list(block.children.values())
            for chart in (each for each in children if each.type == "vega_lite_chart"):
                count += 1
                assert len(chart.proto.alt) > 20
                figures = [each for each in children if each.type == "expander"]
                assert [each.label for each in figures] == ["The figures"]
                assert "al-table" in next(iter(figures[0].children.values())).value
    assert count >= 3


def test_yes_and_no_choices_show_no_prices():
    """Where projects are funded whole or not at all no page shows a price, and the rules page says what stands at its
    end."""
    app = visit(scenario="participatory-budget")
    assert "eased by" not in said(unfold(go(app, "rules")))
    assert "more buys" not in said(go(app, "money"))
    assert al.solve(al.read(SCENARIOS / "participatory-budget")).has_prices is False


def seats_of(name: str) -> list[str]:
    """A partner of each kind and a place of each sort: at the top of the tree and at its foot."""
    scenario = al.read(SCENARIOS / name)
    kinds = scenario.partners.drop_duplicates("kind")["id"]
    tops = scenario.places.drop_duplicates("parent")["id"]
    return [*(f"partners.{each}" for each in kinds), *(f"places.{each}" for each in tops)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_page_is_told_from_every_seat(name):
    """Each page is told from the side of a partner of each kind and of places at the top and the foot of the tree."""
    scenario = al.read(SCENARIOS / name)
    app = visit(scenario=name)
    for seat in seats_of(name):
        table, _, key = seat.partition(".")
        mine = scenario.name_of(table, key)
        app.selectbox(key="seat-taken").set_value(seat)
        settle(app)
        for page in PAGES:
            go(app, page)
            assert any(words(each).startswith(f"{mine}.") for each in bodies(app) if "al-verdict" in each), (page, seat)
            assert app.query_params["seat"] == seat
        go(app, "plan")


def test_a_seat_re_tells_every_page():
    """From a seat the plan's tiles, cards and pictures speak of its own money, the fold has its lines, and the rules
    say which bind it and, on demand, what each costs it."""
    app = unfold(visit("plan", scenario="tiny", seat="partners.council"))
    told = said(app)
    assert all(text in told for text in ("Your money", "If no plan is agreed", "What changes for you?", "£45,000"))
    assert "Prevention, North (The Council) £45,000 £60,000 +£15,000" in told
    assert "Money to share" not in told
    rules = go(app, "rules")
    assert "Binds you" in said(rules)
    rules.toggle(key="seat-costs").set_value(True)
    settle(rules)
    assert "What each rule costs you" in " ".join(bodies(rules))


# --- when there is no plan -------------------------------------------------------------------------------------------

CLASHES = [TINY_CLASH, {"scenario": "coventry-warwickshire", "rules.mental-health-standard.at_least": 0.3}]


@pytest.mark.parametrize("query", CLASHES, ids=["tiny", "coventry"])
@pytest.mark.parametrize("chapter", PAGES)
def test_a_clash_is_told_on_every_page(chapter, query):
    """Where nobody can keep every rule each page says so first, names a way out, and shows what was changed."""
    app = unfold(visit(chapter, **query))
    assert verdict(app).startswith("These rules cannot all be met.")
    assert "The cheapest way out" in said(app)
    assert "Changed from base: 1 change" in changed(app)
    assert any(each.label == "Try this" for each in app.button)
    assert chapter == "compare" or "al-picture" not in " ".join(bodies(app))


def test_a_clash_is_told_to_a_seat_too():
    """A clash is a page from a partner's side as well."""
    app = visit(**TINY_CLASH, seat="partners.trust")
    assert verdict(app).startswith("These rules cannot all be met.")


@pytest.mark.parametrize("query", CLASHES, ids=["tiny", "coventry"])
def test_trying_the_smallest_way_out_gives_a_plan(query):
    """The give-way that the page offers, tried with its button, makes a plan possible."""
    app = visit(**query)
    next(each for each in app.button if each.key == "try-way-0").click()
    settle(app)
    assert verdict(app).startswith("Every rule is met")
    assert len(draft(app).changes) >= 1


def test_raising_an_envelope_instead_gives_a_plan():
    """Each of the other ways out, tried on its own, makes a plan possible."""
    count = len([each for each in visit(**TINY_CLASH).button if each.key and each.key.startswith("try-instead")])
    assert count
    for number in range(count):
        app = visit(**TINY_CLASH)
        app.button(key=f"try-instead-{number}").click()
        assert verdict(settle(app)).startswith("Every rule is met.")


@pytest.mark.parametrize("chapter", PAGES)
def test_a_failing_solver_is_told_on_every_page(chapter, monkeypatch):
    """Where the solver gives no answer to a change every page says so in words instead of breaking."""
    real = solving.solve

    def fail(scenario, **more):
        if scenario.changes:
            raise EngineError("the solver gave up")
        return real(scenario, **more)

    monkeypatch.setattr(solving, "solve", fail)
    app = visit(chapter, **{"scenario": "tiny", "envelopes.core.amount": 901_234})
    assert verdict(app) == "No answer can be given. the solver gave up"


# --- links -----------------------------------------------------------------------------------------------------------

LINKS = {
    "money": ("tiny", "envelopes.core.amount", 920_000.0, "£920,000"),
    "money in millions": ("coventry-warwickshire", "envelopes.core.amount", 1_880_000_000.0, "£1,880.0m"),
    "share": ("coventry-warwickshire", "rules.mental-health-standard.at_least", 0.05, "5"),
    "factor": ("tiny", "curves.*.care.slope", "x0.9", "90% of what was read"),
    "number": ("tiny", "curves.*.care.exponent", 0.6, "0.6"),
    "switch": ("tiny", "rules.prevention-north.in_force", False, "switched off"),
    "weight": ("coventry-warwickshire", "outcomes.prevention.weight", 1.5, "1.5"),
    "rule's sum": ("tiny", "rules.prevention-north.amount", 55_000.0, "£55,000"),
    "rule added": ("tiny", "rules.south-cap", MADE, "Spending in South must be at most £510,000"),
    "without a knob": ("tiny", "lines.trust.north.care.high", 350_000.0, "£350,000"),
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_restores_every_kind_of_change(kind):
    """A link brings back a change of each kind: in the draft, on its lever, in the strip, and in the address."""
    name, path, value, told = LINKS[kind]
    asked = {"scenario": name, path: value_text(value), f"why.{path}": "Agreed on 3 March"}
    app = visit(**asked)
    assert dict(draft(app).changes) == {path: value}
    assert dict(draft(app).reasons) == {path: "Agreed on 3 March"}
    assert "Changed from base: 1 change" in changed(app)
    assert told in changed(app)
    assert "Agreed on 3 March" in changed(app)
    assert app.query_params[path] == value_text(value)
    fresh = visit(**dict(app.query_params.items()))
    assert draft(fresh) == draft(app)
    assert verdict(fresh) == verdict(app)


ODD = {
    "a factor of a sum": ("envelopes.core.amount", "x0.9", "90% of what was read"),
    "a factor of a number": ("curves.*.care.exponent", "x1.01", "101% of what was read"),
    "a figure where the lever is a factor": ("curves.*.care.slope", "0.0015", "0.0015"),
    "a figure taken out": ("rules.steady-care.up", "", "taken out"),
    "a rule taken out": ("rules.steady-care", "", "taken out"),
    "where a rule holds": ("rules.steady-care.where", '{places = ["north"]}', 'places = ["north"]'),
    "a word": ("rules.steady-care.each", "place", "line → place"),
    "a text": ("rules.prevention-north.authority", "xray", "xray"),
    "a mark": ("rules.prevention-north.authority", "*", "*"),
    "a name": ("partners.trust.name", "xTrust", "xTrust"),
    "a switch as a number": ("rules.prevention-north.in_force", "0", "switched off"),
    "every row": ("lines.*.*.*.*.*.baseline", "x1.01", "101% of what was read"),
    "a blank that is filled": ("lines.trust.north.care.high", "400000", "£400,000"),
}


@pytest.mark.parametrize(("turn", "kind"), list(enumerate(ODD)))
def test_a_change_that_no_lever_makes_is_shown_all_the_same(turn, kind):
    """Whatever the scenario accepts from a link is honoured and told on every page, lever or not: each kind on a third
    of the pages, each page with a third of the kinds."""
    path, text, told = ODD[kind]
    app = visit(**{"scenario": "tiny", path: text, f"why.{path}": "Because"})
    for page in PAGES[turn % 3 :: 3]:
        unfold(go(app, page))
        assert list(draft(app).changes) == [path], page
        assert told in changed(app), page
        assert "Because" in changed(app), page


@pytest.mark.parametrize("kind", [each for each in LINKS if each not in ("rule added", "without a knob")])
def test_a_link_moves_the_lever_too(kind):
    """The lever of a change that a link makes stands where the link says, with its reason below it."""
    name, path, value, _ = LINKS[kind]
    app = visit(**{"scenario": name, path: value_text(value), f"why.{path}": "Because"})
    knob = knobs(al.read(SCENARIOS / name))[path]
    assert app.session_state[f"side:{path}"] == knob.shown(value)
    assert app.text_input(key=f"why:side:{path}").value == "Because"


def test_a_link_restores_seat_pins_and_comparison():
    """A link also brings back the seat, the figures brought onto the panels, and the plans under comparison."""
    pinned = "lines.*.north.baseline"
    app = visit("compare", scenario="tiny", seat="places.north", pinned=pinned, plans=["agreed", "draft"],
                **{"curves.*.care.slope": "x0.9"})  # fmt: skip
    assert (draft(app).seat, draft(app).pinned, draft(app).plans) == ("places.north", (pinned,), ("agreed", "draft"))
    assert app.multiselect(key="plans-compared").value == ["agreed", "draft"]
    go(app, "plan")
    assert app.slider(key=f"side:{pinned}").value == 100.0


BAD_LINKS = {
    "refused": ({"envelopes.core.amount": -5}, "envelopes.core.amount", "left as agreed"),
    "not a number": ({"envelopes.core.amount": "lots"}, "envelopes.core.amount", "left as agreed"),
    "no such row": ({"envelopes.corn.amount": 5}, "envelopes.corn.amount", "left as agreed"),
    "no such rule": ({"rules.nothing.in_force": "false"}, "rules.nothing.in_force", "left as agreed"),
    "no such field": ({"envelopes.core.colour": 3}, "envelopes.core.colour", "left as agreed"),
    "unknown parameter": ({"colour": "blue"}, "colour", "means nothing here"),
    "unknown table": ({"budgets.core": 1}, "budgets.core", "means nothing here"),
    "unknown seat": ({"seat": "partners.nobody"}, "partners.nobody", "You see the whole system"),
    "no seat at all": ({"seat": "envelopes.core"}, "envelopes.core", "You see the whole system"),
}


@pytest.mark.parametrize("kind", BAD_LINKS)
def test_what_a_link_cannot_have_is_told(kind):
    """What a link asks for and cannot have is told in words, with the rest of the link kept."""
    asked, named, why = BAD_LINKS[kind]
    app = visit(**{"scenario": "tiny", "envelopes.grant.amount": 101_000, **asked})
    told = next(words(each) for each in bodies(app) if "al-note" in each and named in each)
    assert why in told
    assert dict(draft(app).changes) == {"envelopes.grant.amount": 101_000.0}
    assert draft(app).seat == ""
    assert named not in dict(app.query_params).get("seat", "")
    settle(app)
    assert why not in said(app), "told once"


def test_a_value_beyond_the_slider_is_honoured():
    """A figure that the scenario allows and the slider does not reach is honoured, and the slider widened."""
    app = visit(**{"scenario": "tiny", "envelopes.core.amount": 1_400_000})
    slider = app.slider(key="side:envelopes.core.amount")
    shown = knobs(al.read(SCENARIOS / "tiny"))["envelopes.core.amount"].shown(1_400_000)
    assert (slider.value, slider.max) == (shown, shown)
    assert dict(draft(app).changes) == {"envelopes.core.amount": 1_400_000.0}
    assert "£900,000 → £1.4m" in changed(app)
    settle(app)
    assert dict(draft(app).changes) == {"envelopes.core.amount": 1_400_000.0}


def test_an_unknown_scenario_is_told():
    """A link to a scenario that is not here says so, offers another, and never opens one in silence."""
    app = visit(scenario="tinny")
    assert verdict(app).startswith("This cannot be opened. No scenario 'tinny' is here: did you mean tiny?")
    press(app, "Open the first scenario instead")
    assert verdict(app).startswith("Every rule is met.")
    assert draft(app).scenario == "coventry-warwickshire"


@pytest.mark.parametrize("base", ["0123456789ab", "gibberish", "0123"])
def test_another_version_of_the_scenario_is_told(base):
    """A link made on another version of the scenario is refused in words: its figures would be others."""
    app = visit(scenario="tiny", base=base, **{"envelopes.core.amount": 910_000})
    assert verdict(app).startswith("This cannot be opened.")
    assert ("another version of Tiny" in verdict(app)) == (base == "0123456789ab")


def test_a_kept_plan_that_is_not_here_is_told():
    """A link that compares a plan which is kept elsewhere says that it is not here."""
    app = visit("compare", scenario="tiny", plans=["agreed", "abcd2345"])
    assert "Not kept on this computer: abcd2345." in said(app)
    assert app.multiselect(key="plans-compared").value == ["agreed"]


def test_a_broken_scenario_is_told(explorer, folder):
    """A folder whose tables are wrong is listed, and opening it says every problem with its file and row."""
    text = (folder / "lines.csv").read_text(encoding="utf-8")
    (folder / "lines.csv").write_text(text.replace("300000", "-300000"), encoding="utf-8")
    explorer(folder)
    app = visit(scenario="tiny")
    assert verdict(app).startswith("tiny has problems.")
    assert "lines.csv row 2, baseline" in said(app)


# --- changing and undoing --------------------------------------------------------------------------------------------


def test_moving_a_lever_changes_the_plan_and_undo_puts_it_back():
    """A moved lever changes words, strip and address; Undo puts all of them back, and the lever too."""
    app = visit(scenario="tiny")
    before = verdict(app)
    lever = app.slider(key="side:envelopes.core.amount")
    agreed = lever.value
    lever.set_value(lever.value + 5 * lever.step)
    settle(app)
    assert verdict(app) != before
    assert "Core money: £900,000 → £9" in changed(app)
    assert float(app.query_params["envelopes.core.amount"]) > 900_000
    press(app, "Undo")
    assert verdict(app) == before
    assert "Changed from base: nothing." in changed(app)
    assert dict(app.query_params.items()) == {"scenario": "tiny"}
    assert app.slider(key="side:envelopes.core.amount").value == agreed


def test_a_lever_back_at_its_figure_is_no_change():
    """A lever that is moved back to where it was leaves nothing changed."""
    app = visit(scenario="tiny")
    lever = app.slider(key="side:envelopes.core.amount")
    for value, count in ((lever.value + lever.step, 1), (lever.value, 0)):
        app.slider(key="side:envelopes.core.amount").set_value(value)
        settle(app)
        assert len(draft(app).changes) == count


def test_undo_all_takes_every_change_off():
    """With several changes there is one button for all of them, and one for each."""
    app = visit(**{"scenario": "tiny", "envelopes.core.amount": 910_000, "rules.steady-care.up": 0.4})
    app.button(key="undo:envelopes.core.amount").click()
    settle(app)
    assert list(draft(app).changes) == ["rules.steady-care.up"]
    app = visit(**{"scenario": "tiny", "envelopes.core.amount": 910_000, "rules.steady-care.up": 0.4})
    press(app, "Undo all")
    assert draft(app).changes == {}


def test_a_reason_is_kept_on_every_page():
    """A reason that was typed stands in the strip of every page and in the address, and goes with its change."""
    app = visit(**{"scenario": "tiny", "envelopes.core.amount": 910_000})
    app.text_input(key="why:side:envelopes.core.amount").set_value("  Grant\ncut & <b>more</b> ")
    settle(app)
    for page in PAGES:
        assert "Grant cut & <b>more</b>" in changed(go(app, page))
        assert app.query_params["why.envelopes.core.amount"] == "Grant cut & <b>more</b>"
    go(app, "plan")
    press(app, "Undo")
    assert "why.envelopes.core.amount" not in app.query_params


def test_a_change_survives_every_page():
    """Moving about changes nothing: each page shows the same draft."""
    app = visit(**{"scenario": "tiny", "envelopes.core.amount": 910_000, "rules.prevention-north.in_force": "false"})
    first = draft(app)
    for page in (*PAGES, *reversed(PAGES)):
        unfold(go(app, page))
        assert draft(app) == first


def test_levers_stand_where_they_are_on_every_page():
    """Moving about leaves every lever, the seat, the scenario and the reasons as they are on the page that comes."""
    app = visit(**{
        "scenario": "tiny", "seat": "partners.trust", "envelopes.core.amount": 920_000,
        "rules.prevention-north.in_force": "false", "why.envelopes.core.amount": "Growth",
    })  # fmt: skip
    for page in ("money", "plan", "rules", "money", "compare", "plan"):
        go(app, page)
        assert app.selectbox(key="scenario-chosen").value == "tiny", page
        assert app.selectbox(key="seat-taken").value == "partners.trust", page
        for path, value in draft(app).changes.items():
            for area in ("side", "rules"):
                for lever in (*app.slider, *app.number_input, *app.toggle):
                    if lever.key == f"{area}:{path}":
                        assert lever.value == knobs(al.read(SCENARIOS / "tiny"))[path].shown(value), (page, path)
        if page in ("money", "plan"):
            assert app.slider(key="side:envelopes.grant.amount").value == 100
            assert app.text_input(key="why:side:envelopes.core.amount").value == "Growth"


def test_switching_a_rule_off_takes_its_price_away():
    """The rules page prices a rule that shapes the plan; switched off it has no price, and the plan buys more."""
    app = visit("rules", scenario="tiny")
    assert "0.296 years if eased by £1,000" in said(app)
    app.toggle(key="rules:rules.prevention-north.in_force").set_value(False)
    settle(app)
    assert "if eased by" not in said(app)
    assert "Prevention north: in force → switched off" in changed(app)
    assert "on the plan as agreed" in said(go(app, "plan"))


def test_an_assumption_shows_three_plans():
    """When an assumption changes the plan as agreed is solved again under it, and three plans stand side by side."""
    app = visit(**{"scenario": "tiny", "curves.*.care.slope": "x0.8", "envelopes.core.amount": 910_000})
    table = next(each for each in bodies(app) if "Three plans side by side" in each)
    assert heads(table) == ["Measure", "Plan as agreed", "As agreed, new assumptions", "Your plan"]
    assert "on the plan as agreed, re-solved" in said(app)
    without = visit(**{"scenario": "tiny", "envelopes.core.amount": 910_000})
    assert "Three plans side by side" not in " ".join(bodies(without))
    assert "re-solved" not in said(without)


def test_an_assumption_alone_shows_two_plans():
    """When assumptions alone change, the plan is the plan as agreed under them: it says so, and stands there once."""
    app = visit(**{"scenario": "tiny", "curves.*.care.slope": "x0.8"})
    table = next(each for each in bodies(app) if "Two plans side by side" in each)
    assert heads(table) == ["Measure", "Plan as agreed", "As agreed, new assumptions"]
    assert "You changed assumptions only: the plan as agreed under them is this plan." in said(app)
    assert "the same as the plan as agreed, re-solved" in said(app)


def test_where_nothing_was_spent_before_nothing_is_compared_with_it():
    """A plan of new money says what there is, what is left of it, and who is left out, not who gets less."""
    app = visit(scenario="participatory-budget")
    story = words(next(each for each in bodies(app) if "al-tiles" in each))
    assert "Money to share £1.0m £25,000 left" in story
    assert "Lines funded 6 of 10" in story
    assert "Lines left out 4 of 10" in story
    page = " ".join(bodies(app))
    assert "Left out, and why" in page
    assert "4 of 10 lines get nothing though they could." in page
    table = next(each for each in bodies(app) if "Least it needs" in each)
    assert heads(table) == ["Line", "Least it needs", "Why"]
    assert "Change on last year" not in page


def test_unlike_worths_are_not_compared():
    """What easing by money buys stands in bars; what easing by 1% buys is told in words below."""
    page = " ".join(bodies(visit(scenario="health-benefits-package")))
    assert "DALYs averted gained if eased by $10,000." in page
    assert "Not to be compared with these, easing by 1% would buy: “Nurses: at most" in page
    assert "<span class='al-bar-name'>Nurses" not in page


def test_a_place_as_a_whole_that_does_not_change_has_no_bar():
    """A place's own money that stays as it is has no bar among the places that gain."""
    page = " ".join(bodies(visit(scenario="coventry-warwickshire")))
    assert "<span class='al-bar-name'>Coventry</span>" in page
    assert "as a whole" not in page


def test_looser_limits_stand_in_three_rows():
    """The guardrails show the plan with movement limits as agreed, half as loose again, and three times."""
    app = unfold(visit(scenario="coventry-warwickshire"))
    table = next(each for each in bodies(app) if "three times" in each and "<table" in each)
    assert heads(table, "row") == [
        "As in this plan", "Half as loose again", "Three times as loose",
    ]  # fmt: skip


def test_what_would_bring_a_line_back_is_answered():
    """Asking what would bring back a line that gets less is answered in words."""
    app = unfold(visit(scenario="tiny"))
    before = set(bodies(app))
    app.selectbox(key="bring-back").select_index(0)
    settle(app)
    [answer] = [words(each) for each in bodies(app) if each not in before and "al-verdict" in each]
    assert len(answer) > 40


def test_a_locked_line_is_a_rule():
    """Keeping a line asks for a line, a reason and a name; then it is a rule with its reason, to be taken out again."""
    app = unfold(visit("rules", scenario="tiny"))
    press(app, "Keep it so")
    assert "Not kept yet. Give a line, a reason and your name." in said(app)
    app.selectbox(key="lock-line").set_value("trust.north.care.core.2026/27")
    settle(app)
    form = {each.label: each for each in app.text_input if each.form_id == "lock-form"}
    form["Why"].set_value("The ward was promised")
    form["Your name"].set_value("A. Director")
    next(each for each in app.number_input if each.form_id == "lock-form").set_value(310_000.0)
    press(app, "Keep it so")
    assert "is kept at £310,000 The ward was promised" in changed(app)
    assert "Why: The ward was promised Asked for by A. Director." in said(app)
    [rule] = draft(app).changes.values()
    assert (rule["kind"], rule["amount"], rule["by"]) == ("keep", 310_000, "A. Director")
    form = {each.label: each for each in app.text_input if each.form_id == "lock-form"}
    form["Why"].set_value("Again")
    form["Your name"].set_value("B. Director")
    press(app, "Keep it so")
    assert "This line is already kept by A. Director, at £310,000." in said(app)
    assert len(draft(app).changes) == 1
    press(app, "Take it out")
    assert draft(app).changes == {}


def test_a_figure_is_changed_on_the_page_of_evidence():
    """Any figure can be changed with a reason; without one, or to what cannot be, it is refused in words."""
    app = visit("evidence", scenario="tiny")
    path = "lines.trust.north.care.core.2026/27.baseline"
    app.selectbox(key="figure-chosen").set_value(path)
    settle(app)
    press(app, "Change it")
    assert "Give a value and a reason." in said(app)

    def change(value: float) -> None:
        next(each for each in app.number_input if each.form_id == "figure-form").set_value(value)
        next(each for each in app.text_input if each.form_id == "figure-form").set_value("Audited")
        press(app, "Change it")

    change(-1.0)
    assert "That cannot be." in said(app)
    assert draft(app).changes == {}
    change(310_000.0)
    assert dict(draft(app).changes) == {path: 310_000.0}
    assert dict(draft(app).reasons) == {path: "Audited"}


# --- keeping and comparing -------------------------------------------------------------------------------------------


def test_plans_are_kept_and_compared():
    """Two kept plans stand side by side, differences first, each with its author and note in the list."""
    app = keep(visit(scenario="tiny"), "As it is", note="For the record")
    assert "Kept as “As it is”." in said(app)
    move(app, "envelopes.core.amount", 920_000)
    keep(app, "More care", "B. Director")
    told = said(go(app, "compare"))
    assert "More care against As it is" in told
    assert "For the record" in told
    assert "B. Director" in told
    changes = next(each for each in bodies(app) if "Changes that differ" in each)
    assert "Core money" in words(changes)


def test_a_duplicate_name_is_refused_in_words():
    """A name that another plan of the scenario has is refused, with whose it is and one that is free."""
    app = keep(keep(visit(scenario="tiny"), "Ask"), "ASK", "B. Director")
    assert "Not kept yet." in said(app)
    assert "is the name of a plan that A. Director kept already. “ASK 2” is free." in said(app)


def test_a_plan_needs_a_name_and_an_author():
    """A plan without a name, or without somebody to stand behind it, is refused in words."""
    assert said(keep(visit(scenario="tiny"), " ", " ")).count("Not kept yet.") == 1


@pytest.mark.parametrize("name", ["measure", "what", "panel", "path", "name", "difference", "As agreed", "Your draft"])
def test_any_name_of_a_plan_can_be_compared(name):
    """No name that a kept plan may have gets in the way of a comparison, nor hides another plan."""
    app = keep(visit(**{"scenario": "tiny", "envelopes.core.amount": 920_000}), name)
    move(app, "envelopes.core.amount", 930_000)
    [kept] = draft(app).plans
    shown = visit("compare", **dict(app.query_params.items()) | {"plans": ["agreed", kept, "draft"]})
    unfold(shown)
    table = next(each for each in bodies(shown) if "Headline measures" in each)
    assert len(heads(table)) == len(set(heads(table))) == 4, heads(table)


def test_unlike_plans_are_not_compared():
    """Plans of two scenarios are laid side by side only in words that say why they cannot be."""
    app = keep(visit(scenario="coventry-warwickshire"), "The system")
    [kept] = draft(app).plans
    told = said(visit("compare", scenario="tiny", plans=["agreed", kept]))
    assert "These plans cannot be compared. They would be unlike for unlike." in told


def test_a_counter_offer_shows_the_differences():
    """A counter-offer begins from what it answers, is compared with it, shows only what differs, and says so when
    kept."""
    app = keep(visit(**{"scenario": "tiny", "envelopes.core.amount": 920_000}), "Ask")
    press(go(app, "compare"), "Make a counter-offer")
    assert "A counter-offer to “Ask”" in said(app)
    move(go(app, "plan"), "rules.prevention-north.amount", 58_000)
    differ = next(words(each) for each in bodies(go(app, "compare")) if "Changes that differ" in each)
    assert "Prevention north" in differ
    assert "Core money" not in differ
    keep(app, "Answer", "B. Director")
    assert "A counter-offer to “Ask” (A. Director)." in said(go(app, "compare"))


def test_more_plans_than_fit_are_cut_and_told():
    """A link with five plans compares four and names the one left out; a blank one counts for nothing."""
    app = visit(**{"scenario": "tiny", "envelopes.core.amount": 920_000})
    for number in range(1, 5):
        keep(app, f"Plan {number}")
    kept = draft(app).plans
    query = dict(app.query_params.items())
    app = visit("compare", **query | {"plans": ["agreed", *kept, "", "zz"]})
    told = said(app)
    assert "Four plans at most can be compared. Plan 4 (A. Director) was left out." in told
    assert "Not kept on this computer: zz. Ask who" in told
    assert "Plan 3 against As agreed" in told


def test_of_several_plans_any_two_can_be_told_apart():
    """Of three plans words and pictures compare the first and the last, or whichever two are chosen."""
    app = visit(**{"scenario": "tiny", "envelopes.core.amount": 920_000})
    for name, amount in (("More", 920_000), ("Most", 940_000)):
        app.query_params["envelopes.core.amount"] = str(amount)
        keep(settle(app), name)
    app = visit("compare", **{"scenario": "tiny", "base": draft(app).base, "plans": ["agreed", *draft(app).plans]})
    assert verdict(app).startswith("Most against As agreed")
    app.selectbox(key="pair").set_value(("More", "Most"))
    settle(app)
    assert verdict(app).startswith("Most against More")


def test_a_counter_offer_leads_to_the_plan():
    """A counter-offer begins on the plan, where the levers are; until one is moved Compare says it is the same."""
    app = keep(visit(**{"scenario": "tiny", "envelopes.core.amount": 920_000}), "Ask")
    press(go(app, "compare"), "Make a counter-offer")
    assert "How should the money be shared?" in said(app)
    assert "“Ask” and “Your draft” are the same plan" in said(go(app, "compare"))
    assert "What was changed" not in said(app)
    table = next(words(each) for each in bodies(move(app, "rules.prevention-north.amount", 58_000))
                 if "Changes that differ" in each)  # fmt: skip
    assert "as agreed £58,000" in table


def test_kept_plans_are_opened_and_removed():
    """A kept plan opens as it was kept, and once removed it is gone, from the comparison too."""
    keep(visit(**{"scenario": "tiny", "envelopes.core.amount": 920_000, "why.envelopes.core.amount": "Ask"}), "Mine")
    app = press(visit("compare", scenario="tiny"), "Open")
    assert dict(draft(app).changes) == {"envelopes.core.amount": 920_000.0}
    assert dict(draft(app).reasons) == {"envelopes.core.amount": "Ask"}
    press(app, "Remove it for good")
    assert "Kept plans (0)" in said(app)


# --- names that would be markup --------------------------------------------------------------------------------------

HOSTILE = (
    "![x](http://evil.example/x.png) <img src=x onerror=alert(1)> :material/x: $x$ **bold** `c` # [l](http://e) </p>"
)
LIVE = re.compile(r"[*_`\[\]<>$~]|^#|:\w+/|:\w+:|://")
"""What Markdown, Streamlit's icons or a browser would act upon, once all that is escaped is taken out."""


@pytest.fixture
def hostile(tmp_path) -> Path:
    """Tiny, with every name and free text as hostile as it may be."""
    folder = Path(shutil.copytree(SCENARIOS / "tiny", tmp_path / "hostile"))
    for table, columns in {
        "partners": ["name"], "places": ["name"], "programmes": ["name"], "outcomes": ["name", "unit"],
        "envelopes": ["name"], "sources": ["title", "note", "link"],
    }.items():  # fmt: skip
        rows = pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False)
        for column in columns:
            rows[column] = [f"{HOSTILE} {number}" for number in range(len(rows))]
        rows.to_csv(folder / f"{table}.csv", index=False, quoting=csv.QUOTE_ALL)
    shutil.copy(SCENARIOS / "tiny" / "sources.csv", folder / "sources.csv")
    rules = (folder / "rules.toml").read_text(encoding="utf-8")
    rules = rules.replace('"agreed for this example"', json.dumps(HOSTILE))
    (folder / "rules.toml").write_text(rules, encoding="utf-8")
    heading = (folder / "scenario.toml").read_text(encoding="utf-8")
    heading = re.sub(r'(?m)^(name|about|caveat) = ".*"$', lambda found: f"{found[1]} = {json.dumps(HOSTILE)}", heading)
    (folder / "scenario.toml").write_text(heading, encoding="utf-8")
    return folder


class Tags(html.parser.HTMLParser):
    """The tags of a piece of HTML with their attributes, and its text."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def markdown_of(app: AppTest) -> list[tuple[str, str]]:
    """Every text of the page that Streamlit reads as Markdown: labels and helps of widgets and folds, and bodies."""
    found = []
    for node in nodes(app):
        proto: Any = getattr(node, "proto", None)
        for name in ("label", "help", "body", "caption", "text"):
            text = getattr(proto, name, "")
            if node.type not in ("html", "code") and isinstance(text, str) and text:
                found.append((f"{node.type} {name}", text))
    return found


@pytest.mark.parametrize("chapter", PAGES)
@pytest.mark.parametrize("more", [{}, TINY_CLASH, {"seat": "partners.council", "curves.*.care.slope": "x0.9"}])
def test_names_never_become_markup(explorer, hostile, chapter, more):
    """Names full of HTML, Markdown, icons and formulas are shown as they stand: no label has live Markdown, no HTML has
    a tag or an attribute that we did not write, and no chart has an expression made of a name."""
    explorer(hostile)
    reason = {f"why.{path}": HOSTILE for path in more if "." in path}
    app = unfold(visit(chapter, **{**more, **reason, "scenario": "tiny"}))
    shown = ""
    for body in bodies(app):
        found = Tags(body)
        shown += found.text
        allowed = {"p", "div", "h1", "h2", "h3", "h4", "strong", "em", "span", "ul", "li", "br", "i",
                   "section", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td",
                   "dl", "dt", "dd", "code", "q"}  # fmt: skip
        assert set(found.tags) <= allowed, body[:300]
        ours = {"class", "scope", "role", "tabindex", "aria-label", "data-label", "style"}
        assert {name for name, _ in found.attributes} <= ours
        styles = [text or "" for name, text in found.attributes if name == "style"]
        assert all(re.fullmatch(r"[-\w\s:;.,%#()]*", text) for text in styles), styles
    assert HOSTILE in shown, "the names are there, so the test is of something"
    labels = markdown_of(app)
    assert any("evil" in text for _, text in labels) or chapter in ("compare", "deal", "evidence", "fair", "rules")
    for where, text in labels:
        assert not LIVE.search(re.sub(r"\\.", " ", text)), (where, text[:200])
    for chart in (node for node in nodes(app) if node.type == "vega_lite_chart"):
        for expression in expressions(json.loads(chart.proto.spec)):
            assert "evil" not in expression


def expressions(spec: Any) -> list[str]:
    """What Vega would run, in a chart."""
    if isinstance(spec, list):
        return [each for part in spec for each in expressions(part)]
    if not isinstance(spec, dict):
        return []
    keys = ("expr", "calculate", "filter", "test", "labelExpr", "href", "url", "update", "signal")
    mine = [json.dumps(spec[key]) for key in keys if key in spec]
    return mine + [each for key, part in spec.items() if key not in ("data", "datasets") for each in expressions(part)]


def test_hostile_names_of_kept_plans_never_become_markup():
    """What a visitor types as name, author and note is shown to others as it stands."""
    keep(visit(scenario="tiny"), "<img src=x> **a**", "![x](http://evil)", "<script>x</script>")
    app = visit("compare", scenario="tiny")
    told = next(each for each in bodies(app) if "evil" in each)
    assert set(Tags(told).tags) <= {"h3", "p"}
    assert "<img src=x> **a**" in Tags(told).text


__all__ = ["explorer", "folds"]
