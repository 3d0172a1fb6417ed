"""A plan told to one seat in sentences: what changes, what it falls back on, why, and what it would take."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.plan.seat_telling import (
    against_other,
    change_of_mind,
    fallback,
    moves_of,
    what_changes,
    what_it_takes,
    why,
)
from allocate.plan.seats import from_seat, seats
from tests.conftest import SCENARIOS


@pytest.fixture(scope="module")
def ballot() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "participatory-budget"))


def test_moves_are_those_of_my_lines(plan):
    """Only what is on the seat's lines moves: the council's £15,000 up and £5,000 down."""
    moves = moves_of(plan, "partners.council")
    assert (moves.rises, moves.falls, moves.than) == (15e3, 5e3, "today")
    assert moves_of(plan, "places.north").outcome["health"] == pytest.approx(from_seat(plan, "places.north").buys)


def test_what_changes_for_a_place_by_hand(plan):
    """North gets a third more of each programme, from each partner; its people are told so in the second person."""
    assert what_changes(from_seat(plan, "places.north"), plan) == (
        "You get £460,000, £115,000 (+33.3%) more than last year. "
        "By programme, Care (£100,000, +33.3%) gains most, then Prevention (£15,000, +33.3%). "
        "By partner, The Trust (£100,000, +33.3%) gains most, then The Council (£15,000, +33.3%). "
        "Against today it buys +117.7 years (Years of good health)."
    )


def test_a_loss_is_told_as_one(plan):
    """South has less money and less outcome, and nothing is said to be bought with that."""
    said = what_changes(from_seat(plan, "places.south"), plan)
    assert said.startswith("You get £540,000, £5,000 (−0.9%) less than last year. You have less than today of what is")
    assert "4.28 years (Years of good health)." in said
    assert "it buys" not in said


def test_a_partner_is_told_how_gains_and_need_are_divided(system):
    """A partner hears by place, how shared gains are counted, and what the need that it meets is; a council, none of
    whose money goes by need, hears nothing of need."""
    said = what_changes(from_seat(system, "partners.swft"), system)
    assert "By place, South Warwickshire" in said
    assert "in proportion to what each spends" in said
    assert "The need that you meet is each place's need" in said
    assert "need" not in what_changes(from_seat(system, "partners.coventry-council"), system)


def test_the_fallback_is_named(plan, ballot):
    """What a seat has without a plan is named, and set against the plan, for those who gain and those who lose."""
    assert fallback(from_seat(plan, "places.north"), plan) == (
        "You fall back on last year's spending, £345,000: £115,000 less than in this plan. It buys 117.7 years less."
    )
    assert "£5,000 more than in this plan. It buys 4.28 years more." in fallback(from_seat(plan, "places.south"), plan)
    assert fallback(from_seat(ballot, "places.east"), ballot) == "You fall back on last year's spending: nothing."


def test_against_another_plan(plan, tiny):
    """Against another plan the seat's own difference is told; where nothing of its own moves, that."""
    free = al.solve(tiny.change({"rules.prevention-north": None}))
    said = against_other(from_seat(plan, "places.north", free), plan, free, "the plan as agreed")
    assert said.startswith("You get £10,000 more than in the plan as agreed.")
    still = against_other(from_seat(plan, "partners.trust", free), plan, free, "the plan as agreed")
    assert still == "Every pound of yours is as in the plan as agreed, held by the amount of Core money."
    moved = against_other(from_seat(plan, "partners.council", free), plan, free, "the plan as agreed")
    assert "You get as much as in the plan as agreed, and £10,000 of it lies elsewhere." in moved


def test_why_names_each_rule_with_its_worth(plan, system):
    """The rules that bind a seat stand in one sentence with what easing each buys; where none binds, that is said."""
    said = why(from_seat(plan, "places.north"), plan)
    assert said.startswith(
        "One rule binds you: easing by £1,000 would buy, in years, “Prevention north” 0.296. "
        "Your largest rise is Care in North (£100,000): £1,000 more here buys"
    )
    assert why(from_seat(plan, "places.south"), plan).startswith("No rule binds you")
    many = why(from_seat(system, "places.rugby"), system)
    assert "7 rules bind you" in many
    assert "easing “Running costs cap” would buy nothing more." in why(from_seat(system, "partners.icb"), system)


def test_what_would_change_it_is_about_mine(plan, system):
    """The evidence that matters is that of the seat's largest moves; what it would take is a rule of its own."""
    assert change_of_mind(from_seat(plan, "places.south"), plan).startswith("Of yours, Prevention in South falls most")
    assert "Rugby rises most" in change_of_mind(from_seat(system, "places.rugby"), system)
    assert change_of_mind(from_seat(system, "partners.uhcw"), system).startswith("Of what you take part in, ")
    assert what_it_takes(from_seat(system, "places.rugby"), system) == (
        "Community services in Rugby would buy 194 points for £1m, against 145 elsewhere. "
        "Easing the rule “Movement other NHS” would let it rise."
    )
    assert what_it_takes(from_seat(plan, "places.north"), plan).startswith("No rule keeps more from you")


def test_without_prices_what_is_left_out_is_told(ballot):
    """With yes/no choices a seat hears what of its own is left out, or that nothing is, and no price."""
    said = what_it_takes(from_seat(ballot, "places.west"), ballot)
    assert said.startswith("Playground in West is left out. £125,000 short")
    for key, _ in seats(ballot.scenario):
        mine = from_seat(ballot, key)
        assert "would buy, in" not in why(mine, ballot)
        assert "where nothing was spent before" in what_changes(mine, ballot)


def test_a_seat_without_lines_is_told_so(plan):
    """Who spends nothing hears that, and no figures of anybody else."""
    board = from_seat(plan, "partners.board")
    assert what_changes(board, plan) == "No money is spent by you or on you here."
    assert what_it_takes(board, plan) == "Nothing here is yours to gain."
