"""The page of the money from a seat: what it holds and spends comes first, the whole system stays within reach."""

from __future__ import annotations

import pytest

from allocate.plan.seats import from_seat
from allocate.ui.money_parts import links, my_envelopes, told_to, touching
from tests.ui.apping import bodies, explorer, heads, said, unfold, verdict, visit, words

pytestmark = pytest.mark.usefixtures("explorer")


def test_what_a_seat_holds_and_spends_by_hand(plan):
    """Holders, spenders and places of tiny are each told whose money it is."""
    told = {seat: told_to(from_seat(plan, seat), plan) for seat in ("partners.board", "partners.trust", "places.north")}
    board = "You hold £900,000 in law in 1 envelope; others spend £900,000 from it. You spend none yourself."
    assert told == {
        "partners.board": board,
        "partners.trust": "You hold no envelope in law. You spend £900,000, all of it from what The Board holds.",
        "places.north": "£460,000 is spent on you, held in law by 2 bodies; The Board holds £400,000 of it.",
    }


def test_envelopes_of_mine_add_up_and_name_the_fallback(system):
    """A seat's envelopes end with totals of its own: what is spent, what it falls back on by name, and the change."""
    mine = from_seat(system, "places.rugby")
    table = my_envelopes(mine, system)
    assert "If no plan is agreed: last year's spending" in heads(table)
    total = words(table).split("All of these")[1]
    assert "£267.1m 11.9% £255.9m +£11.2m" in total
    held = my_envelopes(from_seat(system, "partners.coventry-council"), system)
    assert held.count("al-mark") == 3


def test_flows_are_those_that_touch_a_seat(plan, system):
    """A holder sees by whom its money is spent; a spender and a place see only what is theirs."""
    for seat, whose, by_whom in (("partners.icb", "icb", True), ("partners.swft", "swft", False)):
        mine = from_seat(system, seat)
        touched, told_by = touching(mine, system)
        assert told_by == by_whom
        assert (system.spend["partner"][touched] == whose).any()
    rugby = from_seat(system, "places.rugby")
    touched, _ = touching(rugby, system)
    first = [row["amount"] for row in links(system, touched, "partner") if row["level"] == 0]
    assert sum(first) == pytest.approx(rugby.spend)
    assert {row["target"] for row in links(plan) if row["level"] == 1} == {"North", "South"}


def test_the_page_tells_the_seat_first_and_keeps_the_system():
    """The system's sentence stays at the top; mine come before the fold that holds the whole."""
    app = visit("money", scenario="tiny", seat="partners.council")
    assert verdict(app).startswith("In law 2 bodies hold £1.0m")
    assert "The Council. You hold £100,000 in law in 1 envelope." in said(app)
    assert "What you hold, and what pays you" in said(app)
    assert "Who holds what" not in said(app)
    assert "Who holds what" in said(unfold(app))
    whole = visit("money", scenario="tiny")
    assert "Who holds what" in said(whole)
    assert not [each for each in bodies(whole) if "What you hold" in each]


def test_a_holder_without_lines_sees_its_envelope():
    """The board of tiny, which spends nothing, sees what it holds and who spends it."""
    told = said(visit("money", scenario="tiny", seat="partners.board"))
    assert "You spend none yourself." in told
    assert "Core money The Board £900,000" in told


__all__ = ["explorer"]
