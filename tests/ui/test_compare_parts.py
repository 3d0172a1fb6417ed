"""The page that compares plans from a seat: what each means for it, before what it means for all."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.plan.seats import from_seat
from allocate.ui.compare_parts import my_lines, my_measures
from tests.ui.apping import bodies, explorer, heads, said, visit, words

pytestmark = pytest.mark.usefixtures("explorer")
FREE = {"scenario": "tiny", "rules.prevention-north.in_force": "false"}


@pytest.fixture(scope="module")
def plans(tiny) -> dict[str, al.Plan]:
    return {"A": al.solve(tiny), "B": al.solve(tiny.change({"rules.prevention-north": None}))}


def test_my_measures_by_hand(plans):
    """North's money, fallback by name, outcome, distance and rules under two plans, and the differences, with signs."""
    seats = {name: from_seat(plan, "places.north") for name, plan in plans.items()}
    table = my_measures(plans, seats).set_index("measure")
    assert table.loc["Your money"].tolist() == ["£460,000", "£450,000", "−£10,000"]
    assert table.loc["If no plan is agreed: last year's spending"].tolist() == ["£345,000", "£345,000", "£0"]
    assert table.loc["Years of good health (years), against today", "A"] == "+117.7"
    assert table.loc["Your money above or below your part of need"].tolist() == ["−1.2%", "−1.2%", "0.0%"]
    assert table.loc["Rules that bind you"].tolist() == ["1", "0", "−1"]


def test_my_lines_that_differ(plans):
    """Only the seat's lines that differ have bars, and a partner's are told by place."""
    one, other = plans.values()
    assert my_lines(from_seat(other, "places.north"), one, other) == [
        {"name": "Prevention, The Council", "change": -10e3, "share": pytest.approx(-1 / 6)}
    ]
    assert [row["name"] for row in my_lines(from_seat(other, "partners.council"), one, other)] == ["South", "North"]
    assert my_lines(from_seat(other, "partners.trust"), one, other) == []


def test_the_page_tells_the_seat_before_all_else():
    """What the plans mean for the seat stands right below the sentence about all, before what was changed."""
    app = visit("compare", **FREE, seat="places.north")
    told = said(app)
    assert "North. You get £10,000 less than in “As agreed”." in told
    assert told.index("Your draft against As agreed") < told.index("For North") < told.index("What was changed")
    [table] = [each for each in bodies(app) if "What each plan means for North" in each]
    assert heads(table) == ["Measure", "As agreed", "Your draft", "Difference"]
    assert "What changes for you between the two" in " ".join(words(each) for each in bodies(app))
    assert "For North" not in said(visit("compare", **FREE))


def test_a_seat_waits_for_two_plans():
    """With nothing to compare the page says whose seat it is and what will stand there."""
    told = said(visit("compare", scenario="tiny", seat="partners.trust"))
    assert "The Trust. What each plan means for you stands here, first of all, once two are chosen." in told


__all__ = ["explorer"]
