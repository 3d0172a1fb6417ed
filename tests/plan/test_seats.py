"""A plan from one seat: what a partner or a place gets, and what holds it."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
from allocate.plan.seats import COST_COLUMNS, RULE_COLUMNS, bought_at, costs_me, from_seat, rows_of, seats
from tests.conftest import SCENARIOS
from tests.rules.examples import two_years


def test_seats_are_those_with_lines(tiny, system):
    """Partners that hold lines and places with lines in them, by name; the board of tiny has none."""
    assert seats(tiny) == [
        ("partners.council", "The Council"), ("partners.trust", "The Trust"), ("places.north", "North"),
        ("places.south", "South"), ("places.system", "The System"),
    ]  # fmt: skip
    assert "places.warwickshire" in dict(seats(system.scenario))


def test_north_by_hand(plan):
    """North of tiny: £345,000 to £460,000, 117.7 years more, from 16.7% below its fair share of care to 1.2% below."""
    mine = from_seat(plan, "places.north")
    assert (mine.name, mine.baseline, mine.spend, mine.change) == ("North", 345e3, 460e3, 115e3)
    assert mine.share == pytest.approx(1 / 3)
    gained = 800 + 69.8806 - 692.8203 - 59.3430
    assert mine.outcomes["change"].tolist() == pytest.approx([gained], abs=1e-3)
    assert mine.distance_before == pytest.approx(300 / (0.45 * 800) - 1)
    assert mine.distance_after == pytest.approx(400 / (0.45 * 900) - 1)
    assert mine.need_share == pytest.approx(0.45)
    assert (mine.fallback, mine.fallback_name, mine.note, mine.more) == (345e3, "last year's spending", "", None)
    assert list(mine.rules.columns) == RULE_COLUMNS
    assert list(mine.rules["rule"]) == ["prevention-north"]
    assert mine.rules["worth"].tolist() == pytest.approx([0.29627], abs=1e-4)
    assert mine.summary == (
        "You get £460,000, £115,000 (+33.3%) more than last year. It buys +117.7 years against last year; against your "
        "fair share you go from 16.7% below to 1.2% below; 1 rule holds some of your lines, "
        "“Prevention north”."
    )


def test_need_is_set_beside_money_by_hand(plan):
    """North has 45% of need: 3/8 of the money that goes by need last year, 4/9 now; the trust has all of that money."""
    north, trust, council = (from_seat(plan, seat) for seat in ("places.north", "partners.trust", "partners.council"))
    assert (north.need_share, north.money_before, north.money_after) == pytest.approx((0.45, 3 / 8, 4 / 9))
    assert north.from_need == pytest.approx((north.distance_before, north.distance_after))
    assert (trust.need_share, trust.money_before, trust.money_after) == (1.0, 1.0, 1.0)
    assert (council.need_share, council.money_after, council.from_need) == (None, None, None)
    assert (north.place, north.key, trust.place) == (True, "north", False)


def test_partners_parts_of_need_and_money_add_up(system):
    """What partners meet of need is all of it, and their parts of the money that goes by need are all of that."""
    views = [from_seat(system, key) for key, _ in seats(system.scenario) if key.startswith("partners.")]
    known = [view for view in views if view.need_share is not None]
    assert {view.key for view in views} - {view.key for view in known} == {"coventry-council", "warwickshire-council"}
    for figure in ("need_share", "money_before", "money_after"):
        assert sum(getattr(view, figure) for view in known) == pytest.approx(1.0)


def test_a_seat_that_only_holds_money_has_no_lines(plan):
    """The board of tiny spends nothing: it has no lines, no outcomes, no need and no rule."""
    board = from_seat(plan, "partners.board")
    assert (board.spend, board.baseline, board.buys, board.need_share) == (0.0, 0.0, 0.0, None)
    assert board.lines.empty
    assert board.rules.empty
    assert board.outcomes.empty


def test_what_a_seat_buys_is_told_by_outcome_and_in_all(plan):
    """A seat's outcomes before and after, by id, add up to what it buys in units of the aim."""
    before, after = bought_at(plan, "places.north")
    assert after["health"] - before["health"] == pytest.approx(from_seat(plan, "places.north").buys)
    assert rows_of(plan.scenario, "places.north").tolist() == [0, 2]


def test_a_rule_elsewhere_does_not_bind_me(plan):
    """South has no part in the floor of the North, though it pays for it."""
    assert from_seat(plan, "places.south").rules.empty


def test_partners_share_a_gain_by_spending(system):
    """Over all partners the attributed gains add up to the plan's, and so they do over places."""
    total = system.gains.groupby("outcome")["change"].sum()
    partners = [key for key, _ in seats(system.scenario) if key.startswith("partners.")]
    views = [from_seat(system, key) for key in partners]
    assert all("in proportion" in view.note for view in views)
    for outcome, gained in total.items():
        found = sum(float(view.outcomes.set_index("id")["change"].get(outcome, 0.0)) for view in views)
        assert found == pytest.approx(gained)
    assert sum(view.spend for view in views) == pytest.approx(system.spend["spend"].sum())
    top = from_seat(system, "places.coventry-warwickshire")
    assert top.outcomes.set_index("id")["change"].to_dict() == pytest.approx(total.to_dict())


def test_places_count_those_inside(system):
    """Warwickshire's lines are those of its three places; its lines stand by change."""
    county = from_seat(system, "places.warwickshire")
    inside = [from_seat(system, f"places.{name}") for name in ("rugby", "south-warwickshire", "warwickshire-north")]
    assert county.spend == pytest.approx(sum(view.spend for view in inside))
    assert len(county.lines) == sum(len(view.lines) for view in inside)
    assert county.lines["change"].is_monotonic_decreasing
    assert county.distance_after == pytest.approx(
        system.places.set_index("place").loc["warwickshire", "distance_after"]
    )
    assert from_seat(system, "partners.uhcw").summary.startswith("You get £592.4m, £11.4m (+2.0%) more than last year.")


def test_against_another_plan(plan, tiny):
    """Against another plan the difference in pounds is told; against itself nothing is."""
    free = al.solve(tiny.change({"rules.prevention-north": None}))
    mine = from_seat(plan, "places.north", free)
    assert mine.more == 10e3
    assert mine.buys_more == pytest.approx(mine.buys - from_seat(free, "places.north").buys)
    assert ", and £10,000 more than in the plan as agreed." in mine.summary
    assert from_seat(plan, "places.north", plan).more is None


def test_what_a_rule_costs_me(plan):
    """Without the floor North would get £10,000 less and the system 1.4764 years more; it helps North."""
    north, council = costs_me(plan, "places.north"), costs_me(plan, "partners.council")
    assert list(north.columns) == COST_COLUMNS
    assert north["mine"].tolist() == [-10e3]
    assert north["aim"].tolist() == pytest.approx([1.4764], abs=1e-4)
    assert north["helps"].tolist() == ["North"]
    assert council["mine"].tolist() == [0.0]
    assert costs_me(plan, "places.south").empty


def test_asking_can_be_stopped(plan):
    """Once told to stop nothing more is solved, and what was not is blank."""
    table = costs_me(plan, "places.north", tick=lambda done, total: False)
    assert np.isnan(table["mine"]).all()
    assert np.isnan(table["aim"]).all()


@pytest.mark.parametrize("seat", ["places.nowhere", "partners.", "north", "lines.north", ""])
def test_unknown_seats_are_refused(plan, seat):
    """A seat that the scenario does not have is a KeyError, not an empty page."""
    with pytest.raises(KeyError):
        from_seat(plan, seat)
    with pytest.raises(KeyError):
        costs_me(plan, seat)


def test_without_prices_nothing_is_worth_anything():
    """With yes/no choices a seat's rules have no worth, and its words no price."""
    ballot = al.solve(al.read(SCENARIOS / "participatory-budget"))
    for key, _ in seats(ballot.scenario):
        mine = from_seat(ballot, key)
        assert mine.rules["worth"].isna().all()
        assert "dearest" not in mine.summary
        assert mine.distance_after is None
        assert mine.summary.startswith("You get £")
        assert "last year" not in mine.summary


def test_years_are_counted_together(folder):
    """Over several years a seat's pounds are all of theirs, its fair share the last one's."""
    plan = al.solve(two_years(folder))
    mine = from_seat(plan, "places.north")
    assert mine.baseline == 2 * 345e3
    last = plan.places.query("place == 'north' and year == '2027/28'")["distance_after"].iloc[0]
    assert mine.distance_after == pytest.approx(last)
