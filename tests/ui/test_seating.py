"""What the page of the plan says from a seat: figures, answers and pictures, made without a page to stand on."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.plan.seats import costs_me, from_seat, seats
from allocate.ui.parts import cards, gallery, tiles
from allocate.ui.pictures import BARS, largest
from allocate.ui.seating import costs_table, kinds_of, lines, seat_cards, seat_pictures, seat_tiles
from tests.conftest import SCENARIOS
from tests.ui.apping import words


def test_four_figures_by_hand(plan):
    """North's money, outcome, need beside money, and its fallback by name with how much better the plan is."""
    told = [
        (tile.name, tile.figure, tile.below, tile.tone) for tile in seat_tiles(from_seat(plan, "places.north"), plan)
    ]
    need = "44.4% of the money that goes by need: 1.2% below, 16.7% below last year"
    assert told == [
        ("Your money", "£460,000", "+£115,000 (+33.3%) on last year", "up"),
        ("Your outcome on last year", "+117.7", "years", ""),
        ("Your part of all need", "45.0%", need, ""),
        ("If no plan is agreed", "£345,000", "last year's spending; this plan is £115,000 better for you", "up"),
    ]


def test_a_loser_sees_that_the_plan_is_worse(plan):
    """South is told in figures that last year's spending would leave it better off."""
    money, *_, fallback = seat_tiles(from_seat(plan, "places.south"), plan)
    assert (money.below, money.tone) == ("−£5,000 (−0.9%) on last year", "down")
    assert (fallback.below, fallback.tone) == ("last year's spending; this plan is £5,000 worse for you", "down")


def test_figures_against_another_plan(plan, tiny):
    """Against the plan as agreed, money and outcome say how they differ, under the name that it is given."""
    free = al.solve(tiny.change({"rules.prevention-north": None}))
    money, buys, *_ = seat_tiles(from_seat(plan, "places.north", free), plan, "the other")
    assert money.below.endswith("on last year; +£10,000 on the other")
    assert buys.below.endswith("on the other")
    assert (money.tone, buys.tone) == ("up", "up")


def test_a_partner_s_need_is_what_it_meets(plan, system):
    """A partner's figure is the need that it meets; one without money that goes by need sees its part of all money."""
    assert seat_tiles(from_seat(system, "partners.swft"), system)[2].name == "The need that you meet"
    council = seat_tiles(from_seat(plan, "partners.council"), plan)[2]
    assert (council.name, council.figure) == ("Your part of all the money", "10.0%")
    assert council.below == "none of yours goes by need; 10.1% last year"


def test_three_answers_and_what_no_plan_means(plan):
    """The cards ask the three questions of the seat, and name what it falls back on; another plan has its own part."""
    first, second, third = seat_cards(from_seat(plan, "places.north"), plan)
    assert [first.question, second.question] == ["What changes for you?", "Why?"]
    assert first.more == {}
    assert list(third.more) == ["What would it take?", "If no plan is agreed"]
    assert "last year's spending" in third.more["If no plan is agreed"]
    other = al.solve(plan.scenario.change({"rules.prevention-north": None}))
    more = seat_cards(from_seat(plan, "places.north", other), plan, other, "the plan as agreed")[0].more
    assert list(more) == ["Against the plan as agreed"]
    assert list(seat_cards(from_seat(plan, "places.north"), plan, plan, "itself")[0].more) == []


def test_pictures_are_of_my_lines(system):
    """A place sees its lines, programmes, distance and rules, with itself first; a partner sees its places too."""
    rugby = seat_pictures(from_seat(system, "places.rugby"), system)
    assert [each.title for each in rugby] == [
        "What changes for you: line by line", "What changes for you: programmes",
        "How far you are from your fair share", "Rules that bind you",
    ]  # fmt: skip
    assert rugby[2].what.table.iloc[0].tolist()[0] == "Rugby (you)"
    assert len(rugby[2].what.table) == 4
    assert rugby[0].what.html.count("al-bar-name") == BARS
    kinds = from_seat(system, "places.rugby").lines[["programme", "partner"]].drop_duplicates()
    assert len(rugby[0].what.table) == len(kinds)
    swft = [each.title for each in seat_pictures(from_seat(system, "partners.swft"), system)]
    assert swft[1:] == ["What changes for you: programmes", "What changes for you: places", "Rules that bind you"]


def test_a_place_with_others_inside_sees_them(system):
    """Warwickshire's lines are told by place, and its distance stands above those of the three inside it."""
    county = from_seat(system, "places.warwickshire")
    assert kinds_of(county) == ["programme", "place"]
    pictures = seat_pictures(county, system)
    assert pictures[1].title == "What changes for you: places"
    assert pictures[2].what.table["Name"].tolist() == [
        "Warwickshire (you)", "Rugby", "South Warwickshire", "Warwickshire North",
    ]  # fmt: skip


def test_rules_that_bind_are_bars_of_their_worth(plan, system):
    """Each rule that binds has a bar; those that buy nothing if eased have none; none binding is said."""
    [shown] = [each for each in seat_pictures(from_seat(plan, "places.north"), plan) if each.title.startswith("Rules")]
    assert shown.what.table.iloc[0].tolist() == ["Spending on Prevention in North must be at least £60,000", "0.296"]
    assert seat_pictures(from_seat(plan, "places.south"), plan)[-1].what == "No rule stands at its end over your lines."
    assert len(seat_pictures(from_seat(system, "places.rugby"), system)[-1].what.table) == 7


@pytest.mark.parametrize("name", ["tiny", "coventry-warwickshire", "participatory-budget", "health-benefits-package"])
def test_every_seat_of_every_scenario_can_be_drawn(name):
    """From every partner's and place's seat, even one without a line, everything is said and nothing is blank."""
    solved = al.solve(al.read(SCENARIOS / name))
    scenario = solved.scenario
    every = [f"{table}.{key}" for table in ("partners", "places") for key in scenario.table(table)["id"]]
    assert set(every) >= {key for key, _ in seats(scenario)}
    for seat in every:
        mine = from_seat(solved, seat)
        figures = seat_tiles(mine, solved)
        assert len(figures) == 4
        assert all(tile.name and tile.figure and tile.below for tile in figures), seat
        assert figures[-1].below.startswith("last year's spending")
        assert all(card.answer for card in seat_cards(mine, solved))
        told = words(
            tiles(figures) + cards(seat_cards(mine, solved)) + gallery(seat_pictures(mine, solved), tables=True)
        )
        assert "nan" not in told.split()


def test_what_is_small_shares_a_row():
    """Beyond so many changes the smallest are one row, at the end, and nothing is lost."""
    rows = [{"name": str(size), "change": float(size)} for size in (9, 5, 1, 0.5, -3)]
    short = largest(rows, 4)
    assert [row["name"] for row in short] == ["9", "5", "-3", "All 2 others"]
    assert sum(row["change"] for row in short) == sum(row["change"] for row in rows)
    assert largest(rows, 5) == rows


def test_lines_one_by_one_have_a_reason(plan):
    """The fold's table has every line of the seat with last year's sum, its own, and why."""
    told = words(lines(from_seat(plan, "partners.council"), plan))
    assert "Prevention, North (The Council) £45,000 £60,000 +£15,000 +33.3%" in told
    assert "the rule “Prevention north” asks for it." in told


def test_what_rules_cost_is_a_table(plan):
    """What each rule costs a seat stands with whom it helps."""
    told = words(costs_table(costs_me(plan, "places.north"), plan))
    assert "Your money without it" in told
    assert "−£10,000 +1.48 North" in told
