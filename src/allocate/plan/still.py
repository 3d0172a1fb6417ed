"""What holds lines where they are: rules at their ends, lines' own bounds, money that buys as much in every use of it.

A plan that changes nothing is an answer too, and must say why: no sentence that reports that nothing changes goes
without what is said here.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from allocate.plan.easing import dearest, priced_limits, worth_of_all
from allocate.plan.figures import number, pounds
from allocate.plan.margins import ROOM, SAME, View, broken_by, eased, view_of
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.plan.words import capital, count, some

Array = np.ndarray
HELD_COLUMNS = ["line", "kind", "id", "way"]
NAMED = 3
"""Holders named in a clause; the others are counted."""


def held_lines(plan: Plan) -> pd.DataFrame:
    """What holds each line where it is, one row a line.

    Columns: line (its id); kind: 'rule' or 'resource' (which stands at its end), 'most' or 'least' (the line's own),
    'fixed' (both), 'money' (of its envelope, which is all spent and buys no more elsewhere), 'start' (money short of
    its minimum start) or 'uncounted' (more of it buys nothing that is counted); id of the rule, resource or envelope
    ('' for others); way, in which it would go: 'up', 'down' or '' for neither."""
    view = view_of(plan)
    rows = [(plan.scenario.line_ids[row], *_holder(view, row)) for row in range(len(view.spend))]
    return pd.DataFrame(rows, columns=HELD_COLUMNS)


def held(plan: Plan) -> list[str]:
    """Where nothing moves (every line at today's spending, to the pound): what holds it there, a sentence each, the
    dearest first. [] where anything moves."""
    view = view_of(plan)
    if not stays(view):
        return []
    return [f"Every line stays at today's spending: {_no_more_money(view)}.", *holds(view)]


def stays(view: View, rows: Array | None = None) -> bool:
    """Whether these lines (all, if left out) are at today's spending, to the pound."""
    change = view.change if rows is None else view.change[rows]
    return not (np.abs(change) >= POUND).any()


def held_by(view: View, rows: Array | None = None) -> str:
    """What holds these lines (all, if left out) where they are, briefly: 'held by the rule “Steady care” and the amount
    of Core money'."""
    names = _names(view, _holders(view, rows))
    return f"held by {some(names, NAMED)}" if names else "as no curve rewards more"


def _names(view: View, found: Iterable[tuple[str, str]]) -> list[str]:
    """What holds lines, each by its name: 'the rule “Steady care”', 'lines' own most', 'the amount of Core money'."""
    keys = list(found)
    names = [view.short(_limit_of(view, kind, key)) for kind, key in keys if kind in ("rule", "resource")]
    own = [end for end in ("most", "least") if (end, "") in keys or ("fixed", "") in keys]
    names += [f"lines' own {' and '.join(own)}"] if own else []
    money = list(dict.fromkeys(key for kind, key in keys if kind in ("money", "start")))
    pots = [view.scenario.name_of("envelopes", key) for key in money]
    return names + ([f"the amount{'s' * (len(pots) > 1)} of {some(pots)}"] if pots else [])


def holds(view: View, rows: Array | None = None) -> list[str]:
    """What keeps these lines (all, if left out) where they are, a sentence each: rules by what easing them is worth,
    then lines' own bounds, then the money."""
    found, worths = _holders(view, rows), eased(view)
    limits = [(kind, key) for kind, key in found if kind in ("rule", "resource")]
    limits.sort(key=lambda each: (-worths.get(_owner(*each), (0.0, 0, 0))[0], each[1]))
    said = [_of_limit(view, kind, key, found[kind, key]) for kind, key in limits]
    said += [_of_own(view, kind, found[kind, ""]) for kind in ("fixed", "most", "least") if (kind, "") in found]
    said += [_of_start(view, key, lines) for (kind, key), lines in found.items() if kind == "start"]
    said += [_of_money(view, key, lines) for (kind, key), lines in found.items() if kind == "money"]
    if lines := found.get(("uncounted", "")):
        said.append(f"More of {_lines(view, lines)} would buy nothing that is counted.")
    if not any(kind in ("rule", "resource", "fixed", "most", "least", "start") for kind, _ in found):
        said.append("No rule holds it there: no move within the money would buy more.")
    if others := _names(view, _others(view, found)):
        said.append(f"Easing one thing alone may move nothing, for these are at their ends too: {some(others, 2)}.")
    return said


# --- line by line ----------------------------------------------------------------------------------------------------


def _holders(view: View, rows: Array | None) -> dict[tuple[str, str], list[int]]:
    """By kind and id of what holds them, the lines that it holds."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in range(len(view.spend)) if rows is None else rows.tolist():
        kind, key, _ = _holder(view, row)
        found.setdefault((kind, key), []).append(row)
    return found


def _holder(view: View, row: int) -> tuple[str, str, str]:
    """What holds one line, and the way it would go: kind, id, way, as in `held_lines`."""
    if view.problem.high[row] - view.problem.low[row] < POUND:
        return "fixed", "", ""
    return _priced(view, row) if view.priced else _unpriced(view, row)


def _priced(view: View, row: int) -> tuple[str, str, str]:
    """The same where there are prices: a line that would buy more than its money does elsewhere is stopped from rising,
    one that buys less is kept from falling, and one that buys as much is where it should be."""
    worth, elsewhere = view.worth[row], view.elsewhere[row]
    even = abs(worth - elsewhere) <= SAME * max(abs(worth), abs(elsewhere))
    if even:
        return ("uncounted", "", "") if worth <= 0 else ("money", _envelope(view, row), "")
    up = worth > elsewhere
    stop = (view.rise_stop if up else view.fall_stop)[row]
    if view.priced_stop(np.array([stop]))[0]:
        return (*_named(view, stop), "up" if up else "down")
    if up and _own_most(view, row):
        return "most", "", "up"
    if not up and view.spend[row] <= view.problem.low[row] + POUND:
        return ("least", "", "down") if view.problem.low[row] > 0 else ("money", _envelope(view, row), "")
    if stop >= 0:
        return (*_named(view, stop), "up" if up else "down")
    return "money", _envelope(view, row), ""


def _unpriced(view: View, row: int) -> tuple[str, str, str]:
    """The same where there are none: what stops a line rising, else the money it would take."""
    short = float(view.problem.scale[row]) - float(view.unspent[view.problem.envelope_of_line[row]])
    if view.closed[row] and short > 0:
        return "start", _envelope(view, row), "up"
    if view.closed[row] and (broken := broken_by(view, row, float(view.problem.scale[row]))) >= 0:
        return (*_named(view, broken), "up")
    if _own_most(view, row):
        return "most", "", "up"
    if view.rise_stop[row] >= 0:
        return (*_named(view, view.rise_stop[row]), "up")
    if view.unspent[view.problem.envelope_of_line[row]] < POUND:
        return "money", _envelope(view, row), ""
    return "uncounted", "", ""


def _own_most(view: View, row: int) -> bool:
    """Whether a line is at its own most, not at what its money could ever come to."""
    high = view.scenario._tables["lines"]["high"].to_numpy()[row]
    return bool(view.spend[row] >= high - ROOM)


def _named(view: View, limit: int) -> tuple[str, str]:
    """Kind and id of the rule or resource that a limit belongs to."""
    owner = view.problem.limits[limit].owner
    return ("rule", owner) if owner in view.rules else ("resource", owner.removeprefix("resource "))


def _envelope(view: View, row: int) -> str:
    return str(view.scenario._tables["envelopes"]["id"].iloc[int(view.problem.envelope_of_line[row])])


# --- what holds besides ---------------------------------------------------------------------------------------------


def also_at_ends(plan: Plan) -> list[tuple[str, str]]:
    """What stands at its end besides what `held_lines` names, and would hold a line if that were eased alone: kind and
    id, as there."""
    view = view_of(plan)
    return _others(view, _holders(view, None))


def _others(view: View, found: dict[tuple[str, str], list[int]]) -> list[tuple[str, str]]:
    others: dict[tuple[str, str], None] = {}
    for (kind, key), lines in found.items():
        if kind in ("rule", "resource", "most", "least"):
            others |= dict.fromkeys(each for row in lines for each in _besides(view, row, (kind, key)))
        elif kind == "money":
            stops = [_besides(view, row, (kind, key)) for row in _paid(view, key)]
            # Where any line that the money pays may rise, more of the money is all that it takes.
            others |= dict.fromkeys(each for stop in stops for each in stop) if all(stops) else {}
    return [each for each in others if each not in found]


def _paid(view: View, envelope: str) -> list[int]:
    """The lines of an envelope that would buy more with more."""
    mine = (view.scenario._tables["lines"]["envelope"] == envelope).to_numpy()
    return np.flatnonzero(mine & (view.worth > 0)).tolist()


def _besides(view: View, row: int, holder: tuple[str, str]) -> list[tuple[str, str]]:
    """What stops a line from going the way it would besides this holder: rules and resources at their ends, its own
    bound, and its money where that is all spent but has no price, for the price went to the holder."""
    down = holder[0] == "least" or _holder(view, row)[2] == "down"
    low, high = view.ends
    entries = np.flatnonzero((view.effects.columns == row) & (view.effects.values != 0))
    up = (view.effects.values[entries] > 0) != down
    limits = view.effects.rows[entries][np.where(up, high[view.effects.rows[entries]], low[view.effects.rows[entries]])]
    found = dict.fromkeys(_named(view, int(limit)) for limit in limits)
    if down:
        found |= {("least", ""): None} if view.spend[row] <= view.problem.low[row] + POUND else {}
        return [each for each in found if each != holder]
    found |= {("most", ""): None} if _own_most(view, row) else {}
    spent = view.unspent[view.problem.envelope_of_line[row]] < POUND
    free = view.priced and view.elsewhere[row] > 0
    found |= {("money", _envelope(view, row)): None} if spent and not free else {}
    return [each for each in found if each != holder]


# --- in words --------------------------------------------------------------------------------------------------------


def _no_more_money(view: View) -> str:
    left = view.unspent[view.unspent >= POUND].sum()
    return f"{pounds(float(left), view.currency)} is left" if left else "all the money is spent as it is now"


def _owner(kind: str, key: str) -> str:
    return key if kind == "rule" else f"resource {key}"


def _limit_of(view: View, kind: str, key: str) -> int:
    """A limit of this rule or resource: its dearest, else its first."""
    owner = _owner(kind, key)
    dearest = eased(view).get(owner)
    mine = (i for i, limit in enumerate(view.problem.limits) if limit.owner == owner)
    return dearest[1] if dearest else next(mine)


def _of_limit(view: View, kind: str, key: str, lines: list[int]) -> str:
    """What a rule or resource holds, and what easing it is worth."""
    first = f"{capital(view.short(_limit_of(view, kind, key)))} holds {_lines(view, lines)} there"
    limits = priced_limits(view, _owner(kind, key))
    worth, limit = dearest(view, limits) if len(limits) else (0.0, -1)
    step = view.asked if limit < 0 or view.problem.limits[limit].measure == "spend" else "1%"
    if not worth and len(limits):
        worth, step = worth_of_all(view, _owner(kind, key)), f"{step} in each part"
    if not worth:
        return f"{first}."
    return f"{first}: easing it by {step} would be worth {number(float(f'{worth:.3g}'))} {view.unit}."


def _of_own(view: View, kind: str, lines: list[int]) -> str:
    """Lines at their own most, least, or both."""
    verb, whose = ("is", "its") if len(lines) == 1 else ("are", "their")
    what = f"fixed, {whose} most being {whose} least" if kind == "fixed" else f"at {whose} own {kind}"
    return f"{capital(_lines(view, lines))} {verb} {what}."


def _of_start(view: View, envelope: str, lines: list[int]) -> str:
    """Lines that the money is too short to start."""
    rows = np.array(lines)
    nearest = int(rows[np.argmin((view.problem.scale - view.unspent[view.problem.envelope_of_line])[rows])])
    gap = float(view.problem.scale[nearest] - view.unspent[view.problem.envelope_of_line[nearest]])
    name = view.scenario.name_of("envelopes", envelope)
    more = f", the nearest of {count(len(lines), 'line')} that it could start" if len(lines) > 1 else ""
    return f"{name} is {pounds(gap, view.currency)} short of the minimum start of {view.group_name(nearest)}{more}."


def _of_money(view: View, envelope: str, lines: list[int]) -> str:
    """An envelope whose money buys no more in any other use of it."""
    table = view.scenario._tables["envelopes"]
    mine = np.flatnonzero((table["id"] == envelope).to_numpy())
    uses = int(np.isin(view.problem.envelope_of_line, mine).sum())
    spent = f"{capital(view.scenario.name_of('envelopes', envelope))} is all spent"
    if view.unspent[mine].max(initial=0.0) >= POUND:
        spent = f"{capital(view.scenario.name_of('envelopes', envelope))} has no better use"
    if uses == 1:
        return f"{spent}, and may be used for nothing else."
    if not view.priced:
        return f"{spent}, so that {_lines(view, lines)} could rise only where another falls."
    if len(lines) == 1:
        return f"{spent}, and buys no more in any use that is open to it."
    even = [row for row in lines if view.spend[row] >= POUND]
    less = [row for row in lines if view.spend[row] < POUND]
    told = [f"buys as much in {_lines(view, even)}"] if len(even) > 1 else ["buys no more elsewhere"]
    told += [f"would buy less in {_lines(view, less)}"] if less else []
    return f"{spent}, and {' and '.join(told)}."


def _lines(view: View, lines: list[int]) -> str:
    """Lines by what they are for where they are one or two, else how many."""
    names = list(dict.fromkeys(view.group_name(row) for row in lines))
    return some(names) if len(lines) < 3 and len(names) == len(lines) else count(len(lines), "line")
