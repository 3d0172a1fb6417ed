"""An entry of the rule book: its sentence with its figures set off, its price, whether it bends, and its whole cost."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.plan.prices import prices
from allocate.ui.address import Draft
from allocate.ui.desk import View
from allocate.ui.rule_rows import Book, bends, marked, whole_cost, worths
from allocate.ui.shelf import Book as Shelved
from tests.conftest import SCENARIOS
from tests.rules.examples import EXAMPLES
from tests.ui.apping import bodies, explorer, said, settle, unfold, verdict, visit, words
from tests.ui.book import booked

pytestmark = pytest.mark.usefixtures("explorer")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The plan of a book of every sort."""
    return al.solve(al.read(booked(tmp_path_factory.mktemp("book"))))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.kind)
def test_every_kind_has_an_entry(tiny, example):
    """A rule of any kind has a sentence with its figures set off, and words lose nothing by that."""
    scenario = example.scenario(tiny)
    rule = next(rule for rule in scenario.rules if rule.id == "example")
    assert words(marked(rule, scenario)).replace(" ", "") == rule.sentence(scenario).replace(" ", "")


def test_figures_are_set_off(tiny):
    """Both figures of a band stand out in its sentence."""
    rule = next(rule for rule in tiny.rules if rule.id == "steady-care")
    assert marked(rule, tiny).count("al-fig") == 2


def test_what_bends_and_what_may(book):
    """A rule that bends says by how much, and a permission that is used to its end has a price too."""
    assert bends(book)["prevention-north"].amount == 9_270
    assert bends(book)["prevention-north"].price == 100
    assert list(worths(book)) == ["grant-to-care", "prevention-north"]
    assert worths(book)["grant-to-care"].worth > 0


def test_no_prices_no_worths():
    """Where yes/no choices leave no prices nothing is worth easing."""
    assert worths(al.solve(al.read(SCENARIOS / "participatory-budget"))) == {}


def test_a_book_of_every_sort_reads_right(explorer, tmp_path):
    """Standing, permission, report, objection and bending are said at a glance; reports and what is recorded stand in
    the book only; the fold has the minutes and what is not on record."""
    explorer(booked(tmp_path))
    app = visit("rules", scenario="tiny")
    told = said(app)
    first = "Every rule is met but one, which bends. 3 rules are in force; 2 of them shape the plan."
    assert verdict(app).startswith(first)
    assert "Bent by £9,270, at 100 points for each £1m." in told
    assert "Agreed Bends in this plan 1 objection The Council answers for it." in told
    assert "Agreed A permission The Board answers for it." in told
    assert "0.172 years if opened further by £1,000" in told
    assert "At most 3 lines may change from the baseline" in told
    unfolded = said(unfold(app))
    assert "The Board must report by 30 September 2026 what was spent on prevention in each place" in unfolded
    assert "Due 30 September 2026" in unfolded
    for minute in (
        "Proposed by The Council", "Agreed by The Council and The Board", "The Trust objects Wards would have to close",
        "In force since 1 April 2026", "To be reviewed by 31 March 2027", "Holds the grant is paid in full",
        "Bends at 100 points for each £1m short up to £20,000, 5,000 beyond.", "It cannot be bent: it is law.",
        "Source Chosen so that the answer can be found by hand",
        "Not on record: since when it holds and when it is looked at again.",
    ):  # fmt: skip
        assert minute in unfolded, minute
    assert not [each for each in app.toggle if each.key == "rules:rules.quarterly.in_force"]
    assert not [each for each in app.toggle if each.key == "rules:rules.old-promise.in_force"]
    assert app.number_input(key="rules:rules.few-moves.at_most").value == 3


def test_a_whole_number_moves_by_one(explorer, tmp_path):
    """A figure that counts things is typed as a whole number, and stays one."""
    explorer(booked(tmp_path))
    app = visit("rules", scenario="tiny")
    app.number_input(key="rules:rules.few-moves.at_most").set_value(2)
    settle(app)
    assert app.query_params["rules.few-moves.at_most"] == "2"
    assert "At most 2 lines may change from the baseline" in said(app)


def test_the_whole_cost_names_whom_it_helps(plan):
    """Once the price list is there a rule says what it costs in all, and who has more and less because of it."""
    view = _view(plan)
    known = Book(view, costs=prices(plan))
    said_of = {rule.id: whole_cost(known, rule) for rule in plan.scenario.rules}
    assert said_of["prevention-north"].startswith("In all it costs 1.48 years.")
    assert "Helps North (£10,000)." in said_of["prevention-north"]
    assert "Costs South (£10,000)." in said_of["prevention-north"]
    assert said_of["steady-care"] == "In all it costs nothing: without it the plan would be the same."
    assert whole_cost(Book(view), plan.scenario.rules[0]) == ""


def test_every_rule_costs_at_a_press():
    """One press works out every rule's whole cost, beside each; nothing is solved for it before."""
    app = visit("rules", scenario="tiny")
    assert "In all it costs" not in said(app)
    app.button(key="every-cost").click()
    settle(app)
    assert "In all it costs 1.48 years. Helps North (£10,000). Costs South (£10,000)." in said(app)
    table = next(words(each) for each in bodies(unfold(app)) if "one at a time" in each)
    assert "How it is known" in table


def _view(plan):
    """What a page shows of a plan as agreed."""
    shelved = Shelved("tiny", plan.scenario.digest, "Tiny", "folder", plan.scenario, {})
    return View(Draft("tiny"), shelved, plan.scenario, plan, None, plan)


__all__ = ["explorer"]
