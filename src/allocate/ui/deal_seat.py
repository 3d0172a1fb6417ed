"""The deal from one seat: what a partner has apart, together and with the deal, what it pays or receives and within
which band, which groups it would walk with, and what its leaving does; what is spent on a place apart and together."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from allocate.commons.apart.regimes import APART, TOGETHER, Regimes
from allocate.plan.figures import number, pounds
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.plan.seats import SeatView
from allocate.plan.words import count
from allocate.ui import parts, seating
from allocate.ui.deal_pictures import band_said
from allocate.ui.deal_work import THAN, Offer
from allocate.ui.desk import View
from allocate.ui.parts import Tile

NEAREST = 2
"""Groups that a partner might walk with, which are named."""


def told(view: View, plan: Plan, found: Regimes, made: Offer | None) -> None:
    """Whose seat the page is told from, if any, and what the deal means for it."""
    mine = seating.seen(view, plan)
    if mine is None:
        return
    first, *more = place_told(mine, found) if mine.place else partner_told(mine, found, made)
    parts.draw(parts.verdict(first, "note", f"{mine.name}.", more), key="seat")


def partner_told(mine: SeatView, found: Regimes, made: Offer | None) -> list[str]:
    """What the deal means for a partner, a line a thing."""
    row = None if made is None else made.row(mine.key)
    if row is not None and made is not None:
        return [_has(made, row), *_band(made, row), *_walks(made, mine.key), *_leaving(made, mine.key)]
    own = found.partners[(found.partners["partner"] == mine.key) & (found.partners["rule"] == "")].set_index("regime")
    if own.empty:
        return ["You decide no money here, so there is nothing for you to sign."]
    unit, more = own.loc[TOGETHER, "unit"], float(own.loc[TOGETHER, "difference"])
    say = _saying(str(unit), found)
    less = f"{say(abs(more))} {'more' if more > 0 else 'less'}" if abs(more) > 1e-9 else "as much"
    return [f"Apart you would have {say(own.loc[APART, 'payoff'])}, together {less}, as you count it."]


def tiles_of(view: View, made: Offer) -> list[Tile] | None:
    """Four figures for a partner's seat: what it has without a deal, together as it stands, what it pays or receives,
    and with the deal; None where no such seat is taken."""
    table, _, key = view.draft.seat.partition(".")
    row = made.row(key) if table == "partners" else None
    if row is None:
        return None
    change, payment, gain = (float(row[each]) for each in ("change", "payment", "gain"))
    without = Tile("Without a deal you have", made.say(row["fallback"]), THAN[made.fallback])
    tone = "down" if change < -made.noise else "up" if change > made.noise else ""
    stands = Tile("Together, as it stands", made.say(row["together"]), f"{made.say(change, True)} on no deal", tone)
    if not made.shares:
        return [without, stands, Tile("Payments", "None", "they cannot bring everybody in")]
    band = band_said(made, float(row["least"]), float(row["most"]))
    paid = Tile("You receive" if payment >= 0 else "You pay", made.say(abs(payment)), f"the band: {band}")
    return [without, stands, paid, Tile("With the deal", made.say(row["amount"]), f"{made.say(gain, True)} on no deal")]


def _saying(unit: str, found: Regimes) -> Callable[[float], str]:
    sign = found.scenario.heading.currency
    return lambda value: pounds(value, sign) if unit == sign else f"{number(value)} {unit}"


def _has(made: Offer, row: pd.Series) -> str:
    """What it has without a deal, together and with the deal."""
    change = float(row["change"])
    how = f"{made.say(abs(change))} {'more' if change > 0 else 'less'}" if abs(change) > made.noise else "as much"
    said = f"Without a deal you have {made.say(row['fallback'])}; together, as it stands, {how}."
    if not made.shares:
        return said
    payment = float(row["payment"])
    if abs(payment) <= made.noise:
        return f"{said} With the deal you have {made.say(row['amount'])}, and no payment is due."
    verb = "receive" if payment > 0 else "pay"
    return f"{said} In the deal you {verb} {made.say(abs(payment))} and have {made.say(row['amount'])}."


def _band(made: Offer, row: pd.Series) -> list[str]:
    """Within which payments it and all others have no less than without a deal."""
    if not made.shares:
        return []
    band = band_said(made, float(row["least"]), float(row["most"]))
    told = band.replace("receives", "receive").replace("pays", "pay")
    return [
        f"Nobody has less than without a deal as long as you {told}, where what is left is shared among the others."
    ]


def _walks(made: Offer, partner: str) -> list[str]:
    """Which groups that would do better by themselves it would be in."""
    if made.deal is None or made.deal.groups.empty:
        return []
    groups = made.deal.groups
    walking = groups[groups["slack"] < -made.noise]
    mine = walking[[partner in group for group in walking["group"]]]
    if mine.empty:
        return ["No group that you could be in would do better by itself."]
    named = [
        f"{made.names([each for each in row.group if each != partner])} ({made.say(-row.slack)} more in all)"
        if len(row.group) > 1 else f"you by yourself ({made.say(-row.slack)} more)"
        for row in mine.head(NEAREST).itertuples()
    ]  # fmt: skip
    return [
        f"You would be in {count(len(mine), 'group')}, of {len(walking)} found, that would do better by themselves; "
        f"the nearest to walking: with {'; or with '.join(named)}."
    ]


def _leaving(made: Offer, partner: str) -> list[str]:
    """What its leaving does to the others and to itself."""
    if made.deal is None:
        return []
    table = made.deal.leaving.set_index("partner")
    if partner not in table.index:
        return []
    row, amount = table.loc[partner], float(made.row(partner)["amount"])
    others, own = float(row["less"]), amount - float(row["acts"])
    theirs = f"the others have {made.say(abs(others))} {'less' if others > 0 else 'more'} than in the deal"
    if abs(others) <= made.noise:
        theirs = "the others have as much as in the deal"
    yours = (
        f"and you {made.say(abs(own))} {'less' if own > 0 else 'more'}" if abs(own) > made.noise else "and so do you"
    )
    return [f"If you leave, {theirs}, {yours}, doing what is then best for you."]


def place_told(mine: SeatView, found: Regimes) -> list[str]:
    """What is spent on a place apart and together."""
    within = found.scenario.within(mine.key)
    table = found.spend[found.spend["place"].isin(within) & (found.spend["rule"] == "")]
    sums, sign = table.groupby("regime")["spend"].sum(), found.scenario.heading.currency
    if APART not in sums:
        return ["Nothing is spent on you here."]
    more = float(sums[TOGETHER] - sums[APART])
    less = f"{pounds(abs(more), sign)} {'more' if more > 0 else 'less'}" if abs(more) >= POUND else "as much"
    said = f"Apart {pounds(float(sums[APART]), sign)} would be spent on you, together {less}."
    whose = table[table["regime"].isin([APART, TOGETHER])].pivot_table(
        index="partner", columns="regime", values="spend", aggfunc="sum"
    )
    moved = (whose[TOGETHER] - whose[APART]).sort_values()
    lines = ["Places do not sign: the partners that spend on you do."]
    if len(moved) and max(-moved.iloc[0], moved.iloc[-1]) >= POUND:
        key = moved.index[0] if -moved.iloc[0] > moved.iloc[-1] else moved.index[-1]
        name, change = found.scenario.name_of("partners", str(key)), float(moved[key])
        less = f"{pounds(abs(change), sign)} {'more' if change > 0 else 'less'}"
        lines.append(f"The largest difference: {name} spends {less} on you once it signs.")
    return [said, *lines]


__all__ = ["partner_told", "place_told", "tiles_of", "told"]
