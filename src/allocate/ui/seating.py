"""A seat: any page told from one partner's or one place's side."""

from __future__ import annotations

from allocate.plan.plan import Plan
from allocate.plan.seats import SeatView, from_seat
from allocate.ui import parts
from allocate.ui.desk import View


def seen(view: View, plan: Plan) -> SeatView | None:
    """The plan from the seat that is taken; None for the whole system."""
    return from_seat(plan, view.draft.seat, view.base) if view.draft.seat else None


def summary(view: View, plan: Plan) -> None:
    """What the plan means for the seat, in words, at the top of a page."""
    mine = seen(view, plan)
    if mine is not None:
        parts.draw(parts.verdict(mine.summary, "note", f"{mine.name}."), key="seat")
