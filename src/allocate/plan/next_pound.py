"""The next pound: what a round sum more would buy in each place and programme, what stops it, and what it costs.

One line rises at a time, all else held, with money from outside its envelope. What that buys is read off the exact
curves; it may rise until the first limit that counts it would break, or to its own most. What the same sum costs where
it would come from is the price of its envelope.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from allocate.engine.sparse import Sparse
from allocate.plan.figures import pounds
from allocate.plan.margins import ROOM, View, some_curves, view_of
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan, worth_of_a_pound

Array = np.ndarray
KEYS = ["place", "programme", "envelope", "year"]
COLUMNS = [*KEYS, "holder", "partner", "spend", "worth", "buys", "price", "room", "stop", "id", "because"]
PENNY = 0.01
HALVINGS = 50


def next_pound(plan: Plan, amount: float = 1e6) -> pd.DataFrame:
    """What `amount` pounds more would buy: a row for each place, programme, envelope and year that has a line.

    Columns: place, programme, envelope, year; holder of the envelope; partner whose line has most room (the first by id
    where several have); spend (£, of all partners there); in units of the agreed aim, all outcomes weighted: worth (at
    the margin, the slope of the curves times the amount), buys (what the exact curves buy for the whole amount,
    whatever rules say) and price (what the amount is worth in its envelope at the margin, and so costs where it comes
    from; blank where yes/no choices leave no prices); room (the pounds of the amount by which the line may rise, all
    else held); what stops it there: stop, which is 'rule', 'resource', 'most' (the line's own), 'start' (it takes more
    to start at all) or '' where all of the amount may go there; id, of the rule or resource; because, the same in
    words.

    A rule that bends at a published price stops nothing before its last band ends; what bending costs is not taken off.
    Raises ValueError for an amount that is not above 0.
    """
    if not 0 < amount < math.inf:
        raise ValueError(f"amount must be a finite number of pounds above 0, not {amount!r}")
    view, lines = view_of(plan), plan.scenario.lines
    rise = _Rise(view)
    room, stops = _room(view, rise, amount)
    table = lines[[*KEYS, "partner"]].assign(
        holder=plan.scenario.table("envelopes")["holder"].to_numpy()[view.problem.envelope_of_line],
        spend=view.spend, worth=view.worth * amount, buys=rise.buys(np.full(len(lines), amount)),
        price=view.elsewhere * amount if view.priced else np.nan, room=room,
    )  # fmt: skip
    said = [_said(view, row, amount, left, int(stops[row])) for row, left in enumerate(room)]
    for name, words in zip(("stop", "id", "because"), zip(*said, strict=True), strict=True):
        table[name] = words
    table["spend"] = table.groupby(KEYS)["spend"].transform("sum")
    best = table.sort_values(["room", "partner"], ascending=[False, True], kind="stable").drop_duplicates(KEYS)
    return best.sort_values(KEYS, ignore_index=True)[COLUMNS]


class _Rise:
    """More pounds on one line at a time, all else as it is: what they buy, and which limits they break."""

    def __init__(self, view: View) -> None:
        problem = self.problem = view.problem
        self.curve, self.line = problem.curves.feeds
        self.curves = some_curves(problem.curves, self.curve)
        self.effort = problem.curves.effort(view.spend)[self.curve]
        self.had, self.body = self.curves.gain(self.effort), view.body
        slip = PENNY * worth_of_a_pound(problem, view.spend)
        self.low, self.high = problem.limit_low - problem.room[0] - slip, problem.limit_high + problem.room[1] + slip

    def gained(self, more: Array) -> Array:
        """What so many pounds more on each line gain under each curve that it feeds: an entry for every such pair."""
        return self.curves.gain(self.effort + more[self.line]) - self.had

    def buys(self, more: Array) -> Array:
        """Per line, what so many pounds more on it buy, in units of the aim."""
        return np.bincount(self.line, self.problem.weight[self.curve] * self.gained(more), minlength=len(more))

    def broken(self, more: Array) -> tuple[Array, Array]:
        """Which limits so many pounds more on each line would break: booleans, one for each entry of `View.effects`,
        and the line of each."""
        bought = Sparse(self.curve, self.line, self.gained(more), self.problem.feeds.shape)
        added = self.problem.line_rows.scaled(more) + self.problem.gain_rows.through(bought)
        after = self.body[added.rows] + added.values
        over, under = after > self.high[added.rows], after < self.low[added.rows]
        return np.where(added.values > 0, over, under & (added.values < 0)), added.columns


def _room(view: View, rise: _Rise, amount: float) -> tuple[Array, Array]:
    """Per line, the pounds of an amount by which it may rise, and the limit that then stops it (the dearest, where
    several do), or -1."""
    most = np.clip(_own_most(view) - view.spend, 0.0, amount)
    low, high, tried = np.zeros(len(most)), most, most
    for _ in range(HALVINGS):
        entries, line = rise.broken(tried)
        stopped = np.bincount(line, entries, minlength=len(most)) > 0
        low, high = np.where(stopped, low, tried), np.where(stopped, tried, high)
        tried = (low + high) / 2
        if (high - low <= PENNY).all():
            break
    stops = view.dearest_stop(rise.broken(np.where(low < most, low + POUND, 0.0))[0])
    # A plan in whole pounds may stand a few off the end of a limit.
    low = np.where(low < min(ROOM, amount), 0.0, np.where(low < amount, np.floor(low), amount))
    return np.where(view.closed & (low < view.problem.scale), 0.0, low), stops


def _own_most(view: View) -> Array:
    """Per line, its own most; no end where it has none."""
    high = view.scenario._tables["lines"]["high"].to_numpy(dtype=float)
    return np.where(np.isnan(high), np.inf, high)


def _said(view: View, row: int, amount: float, room: float, stop: int) -> tuple[str, str, str]:
    """What stops a line from taking all of an amount: kind, id, and in words."""
    if room >= amount:
        return "", "", ""
    so_far = f" beyond {pounds(room, view.currency)}" if room else ""
    scale = float(view.problem.scale[row])
    if view.closed[row] and not room and (amount < scale or stop < 0):
        return "start", "", f"it takes {pounds(scale, view.currency)} to start"
    if stop < 0:
        return "most", "", f"it is at its own most{so_far}"
    owner = view.problem.limits[stop].owner
    kind = "rule" if owner in view.rules else "resource"
    return kind, owner.removeprefix("resource "), f"{view.short(stop)} holds it{so_far}"


__all__ = ["next_pound"]
