"""A plan told to people who decide: what changes, why, what would change our mind, who gains and who loses.

Everything is said by template, each sentence so that it can stand alone, the most useful first. Where money comes
from and goes to is in `moves`; what it buys at the margin and what stands in its way is in `margins`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.margins import ROOM, SAME, TOLD, Turn, View, broken_by, eased, turn_of, view_of
from allocate.plan.moves import POUND, Moves
from allocate.plan.plan import Plan
from allocate.plan.still import held_by, holds
from allocate.plan.words import capital, count, some

Array = np.ndarray
LINE_COLUMNS = [
    "line", "partner", "place", "programme", "envelope", "year", "baseline", "spend", "change", "least", "worth",
    "elsewhere", "reason",
]  # fmt: skip
SHAPING_COLUMNS = ["kind", "id", "sentence", "worth", "asks", "where", "count", "standing"]


# --- what changes ----------------------------------------------------------------------------------------------------


def what_changes(plan: Plan, against: Plan | None = None, name: str = "the other plan") -> str:
    """What got worse than today (or than in another plan of the same lines, called `name`), how much more is spent and
    how much moves, what is left unspent and why, which places and partners gain and lose most, in pounds and per cent
    of what they had, and what that buys."""
    moves = Moves.of(plan, against, name)
    gained = any(change > 0 for change in moves.told.values())
    parts = [worse(moves), total(moves), *left_over(plan)]
    parts += [by(moves, "place", "places"), by(moves, "partner", "partners")] if moves.any else []
    parts += [bought(moves)] if gained or (moves.any and not moves.told) else []
    return " ".join(part for part in parts if part)


def worse(moves: Moves) -> str:
    """What got worse, if anything: outcomes, places, partners; where many lose, how many and which most."""
    scenario, unit = moves.plan.scenario, _units(moves.plan)
    fell = [
        f"{scenario.name_of('outcomes', key)} ({number(value, signed=True)} {unit[key]})"
        for key, value in moves.told.items()
        if value < 0
    ]
    for column, table in (("place", "places"), ("partner", "partners")):
        rows = [row for row in reversed(moves.sums(column)) if row[1] > row[2] and _shows(row)]
        most = [_one(moves, table, row) for row in rows[:1]]
        fell += most if len(rows) < 2 else [f"{count(len(rows), column)}, most of all {most[0]}"]
    return f"Less than {_in(moves)}: {'; '.join(fell)}." if fell else ""


def total(moves: Moves) -> str:
    """How much more (or less) is spent, and how much moves between lines."""
    currency, new = moves.plan.scenario.heading.currency, moves.rises - moves.falls
    if not moves.any:
        return f"Nothing is placed differently: every line is as {_in(moves)}, {held_by(view_of(moves.plan))}."
    if not moves.before.any():
        return f"{pounds(moves.rises, currency)} is placed, where nothing was before."
    if abs(new) < POUND:
        compared = f"Compared with {moves.than}, {pounds(moves.moved, currency)} moves between lines"
        return f"{compared}, with as much money in all."
    more, others = ("more", "less") if new > 0 else ("less", "more")
    first = f"Spending is {pounds(abs(new), currency)} {more} than {_in(moves)}"
    least = min(moves.rises, moves.falls)
    if least < POUND:
        return f"{first}, and no line gets {others}."
    return f"{first}, and {pounds(least, currency)} moves between lines."


def left_over(plan: Plan) -> list[str]:
    """A sentence for every envelope with money left: how much, and what stops its use."""
    view = view_of(plan)
    return [
        f"{capital(view.envelope(int(e)))} has {pounds(view.unspent[e], view.currency)} left: {_idle(view, int(e))}."
        for e in np.flatnonzero(view.unspent >= POUND)
    ]


def by(moves: Moves, column: str, table: str) -> str:
    """The places (or partners) that gain most and lose most; '' where there is only one."""
    rows = moves.sums(column)
    if len(rows) < 2:
        return ""
    gain = [_one(moves, table, row) for row in rows if row[2] > row[1] and _shows(row)]
    lose = [_one(moves, table, row) for row in reversed(rows) if row[1] > row[2] and _shows(row)]
    verb = "gains" if moves.before.any() else "gets"
    if gain and lose:
        return f"By {column}, {gain[0]} {verb} most and {lose[0]} loses most."
    if not gain and not lose:
        none = all(abs(after - before) < POUND for _, before, after in rows)
        return f"No {column}'s total changes{'' if none else ' by as much as 0.1%'}."
    verb = verb if gain else "loses"
    first, *others = gain or lose
    if others:
        return f"By {column}, {first} {verb} most, then {others[0]}."
    return f"By {column}, only {first} {verb}{' any' if verb == 'gets' else ''}."


def bought(moves: Moves) -> str:
    """What each outcome that changes gains."""
    unit, outcome = _units(moves.plan), moves.told
    first = f"Against {moves.than}{',' * (',' in moves.than)} it" if moves.before.any() else "It"
    said = [
        f"{number(value, signed=True)} {unit[key]} ({moves.plan.scenario.name_of('outcomes', key)})"
        for key, value in outcome.items()
    ]
    return f"{first} buys {', '.join(said)}." if said else f"{first} buys as much of every outcome."


def _shows(row: tuple[str, float, float]) -> bool:
    """Whether a change is worth a word: at least a pound, and more than 0.0% of what there was."""
    _, before, after = row
    change = abs(after - before)
    return change >= POUND and (before <= 0 or float(per_cent(change / before).rstrip("%")) > 0)


def _one(moves: Moves, table: str, row: tuple[str, float, float]) -> str:
    """One place or partner and its change: 'South (£5,000, −0.9%)'. No sign before the pounds: the sentence says which
    way, and a line may break after a sign."""
    key, before, after = row
    share = f", {per_cent((after - before) / before, signed=True)}" if before > 0 else ""
    currency = moves.plan.scenario.heading.currency
    name = moves.place(key) if table == "places" else moves.plan.scenario.name_of(table, key)
    return f"{name} ({pounds(abs(after - before), currency)}{share})"


def _in(moves: Moves) -> str:
    return moves.than if moves.than == "today" else f"in {moves.than}"


def _units(plan: Plan) -> dict[str, str]:
    outcomes = plan.scenario.table("outcomes")
    return dict(zip(outcomes["id"], outcomes["unit"], strict=True))


def _idle(view: View, e: int) -> str:
    """Why nothing more of an envelope is used."""
    lines = np.flatnonzero(view.problem.envelope_of_line == e)
    waiting = lines[view.closed[lines]]
    short = view.problem.scale[waiting] - view.unspent[e]
    if len(waiting) and (short > 0).any():
        nearest = waiting[np.argmin(np.where(short > 0, short, np.inf))]
        gap = pounds(view.problem.scale[nearest] - view.unspent[e], view.currency)
        return f"the nearest use, {view.group_name(nearest)}, is {gap} short of its minimum start"
    stops = view.rise_stop[lines]
    if (stops >= 0).any():
        limit = np.bincount(stops[stops >= 0]).argmax()
        return f"{view.short(int(limit))} stops its use"
    if len(lines) and (view.spend[lines] >= view.problem.high[lines] - ROOM).all():
        return "every line it may pay is at its own most"
    return "nothing more that it may pay for is counted"


# --- why -------------------------------------------------------------------------------------------------------------


def why(plan: Plan) -> str:
    """What buys most at the margin and what stops it, what a rule holds back, and what is kept although its money
    would buy more elsewhere. Where yes/no choices leave no prices: what is chosen, and what instead is not."""
    view = view_of(plan)
    if not plan.has_prices:
        return _chosen(view)
    return " ".join(part for part in (_dearest(view), _held_back(view), _held_up(view), _uncounted(view)) if part)


def _dearest(view: View) -> str:
    """What buys most at the margin, and what stops it."""
    line = _first(view, view.worth, (view.worth > 0) & ~view.closed)
    if line < 0:
        return "Nothing that the money may buy is counted."
    worth = f"{view.buys(view.worth[line])} {view.unit}"
    return f"The next {view.asked} would buy most in {view.group_name(line)} ({worth}){_but(view, line)}."


def _first(view: View, score: Array, among: Array) -> int:
    """The line with the highest score (to six digits; the most money where several have it), or -1."""
    rows = np.flatnonzero(among)
    if not len(rows):
        return -1
    rounded = [float(f"{value:.6g}") for value in score[rows]]
    return int(rows[np.lexsort((rows, -view.spend[rows], -np.array(rounded)))[0]])


def _but(view: View, line: int) -> str:
    """What stops a line at the margin."""
    if view.at_most[line]:
        return f", but that is at its own most ({pounds(view.spend[line], view.currency)})"
    if view.priced_stop(view.rise_stop)[line]:
        return f", but {view.short(view.rise_stop[line])} stops it"
    if view.unspent[view.problem.envelope_of_line[line]] < POUND:
        return f", but {view.envelope_of(line)} is all spent"
    return f", but {view.short(view.rise_stop[line])} stops it" if view.rise_stop[line] >= 0 else ""


def _against(view: View, line: int) -> str:
    """What the last round sum buys here and elsewhere."""
    here, there = view.buys(view.worth[line]), view.buys(view.elsewhere[line])
    return f"{here} {view.points} for {view.asked}, against {there} elsewhere"


def _held_back(view: View) -> str:
    """The line that a rule holds back most, unless it is what buys most anyway."""
    stopped = view.priced_stop(view.rise_stop) & (view.worth > view.elsewhere * (1 + SAME)) & ~view.closed
    line = _first(view, view.worth - view.elsewhere, stopped)
    top = _first(view, view.worth, (view.worth > 0) & ~view.closed)
    if line < 0 or view.keys[line] == view.keys[top]:
        return ""
    return f"{view.group_name(line)} would buy {_against(view, line)}, but {view.short(view.rise_stop[line])} stops it."


def _held_up(view: View) -> str:
    """The counted line whose money would gain most elsewhere, and what keeps it there."""
    kept = (view.worth > 0) & (view.worth < view.elsewhere * (1 - SAME)) & (view.spend >= POUND)
    line = _first(view, view.elsewhere - view.worth, kept)
    if line < 0:
        return ""
    several = len(set(view.problem.envelope_of_line[view.scenario.curve_of_line[view.keys[line]]])) > 1
    payer = f", from {view.envelope_of(line)}," if several else ""
    first = f"{view.group_name(line)}{payer} buys {_against(view, line)}"
    if view.fall_stop[line] >= 0:
        return f"{first}, but {view.short(view.fall_stop[line])} keeps it there."
    return f"{first}, but is at its own least." if view.at_least[line] else f"{first}."


def _uncounted(view: View) -> str:
    """What is funded although nothing that it buys is counted, and the rules that keep it."""
    kept = (view.worth <= 0) & (view.spend >= POUND) & view.priced_stop(view.fall_stop)
    rows = np.flatnonzero(kept)
    if not len(rows):
        return ""
    names = list(dict.fromkeys(view.scenario.name_of("programmes", view.keys[row][1]) for row in rows))
    rules = list(dict.fromkeys(view.short(view.fall_stop[row]) for row in rows))
    keep = f"{len(rules)} rules keep" if len(rules) > 1 else f"{rules[0]} keeps"
    return f"What {some(names, 4)} {'buys' if len(names) == 1 else 'buy'} is not counted: {keep} the money there."


def _chosen(view: View) -> str:
    """Where there are no prices: what is chosen, what buys most, and what comes nearest to being chosen."""
    choices, told = view.problem.choices, []
    if choices.any():
        told.append(f"Of {int(choices.sum())} choices, {int((choices & ~view.closed).sum())} are taken.")
    gains = view.problem.weight * view.problem.curves.gain(view.problem.curves.effort(view.spend))
    sums = sorted(((float(gains[mine].sum()), int(rows[0])) for rows, mine in view.groups.values()), reverse=True)
    best = [f"{view.group_name(row)} ({number(gain)})" for gain, row in sums[:3] if gain > 0]
    told += [f"Most is bought by {some(best)}, in {view.unit}."] if best else []
    out = np.flatnonzero(view.closed)
    if len(out):
        nearest = int(out[np.argmin((view.problem.scale - view.unspent[view.problem.envelope_of_line])[out])])
        told.append(f"The nearest left out is {view.group_name(nearest)}: {_lower(why_less(view, nearest))}")
        told.append(f"Left out: {some([view.group_name(int(row)) for row in out])}.")
    told.append("Yes/no choices, or a cap on an outcome, leave no prices.")
    return " ".join(told)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def ties(plan: Plan) -> str:
    """Where other plans are as good, how much of this one they share; '' where none is."""
    if not plan.ties:
        return ""
    return (
        f"At least {count(plan.ties, 'line')} could be spent otherwise for the same outcome; this plan changes least "
        "from today."
    )


# --- what would change our mind --------------------------------------------------------------------------------------


def change_of_mind(plan: Plan) -> str:
    """For the largest rise and the largest fall among what is counted: by how much its effect could be weaker
    (stronger) than the evidence says before money would leave it (come back), holding all else."""
    view = view_of(plan)
    if not plan.has_prices:
        return (
            "With yes/no choices nothing moves until a choice turns: ask of one line what would bring it in, "
            "and it is solved again."
        )
    turns = [turn for rising in (True, False) if (turn := _largest(view, rising)) is not None]
    if not turns:
        return f"Nothing whose effect is counted rises or falls. {holds(view)[0]}"
    told = [turned(view, turn) for turn in turns] + [told for turn in turns if (told := _beyond(view, turn))]
    sure = all(turn.because for turn in turns)
    return " ".join([*told, *([] if sure else ["This holds only while nothing else changes."])])


def turned(view: View, turn: Turn) -> str:
    """How far an effect may change before money moves, in a sentence."""
    name, change = view.group_name(int(turn.lines[0])), pounds(abs(turn.change), view.currency)
    first = f"{name} {'rises' if turn.rising else 'falls'} most ({change})"
    if turn.because:
        return f"{first}, and {turn.because}."
    if turn.at_once:
        return f"{first}, and responds at once: {_moved(view, turn)}."
    way = "and keeps it all unless its effect is" if turn.rising else "and gets none back unless its effect is"
    word = "weaker" if turn.rising else "stronger"
    return f"{first}, {way} {per_cent(abs(1.0 - turn.factor))} {word} than the evidence says."


def _moved(view: View, turn: Turn, whose: str = "its effect") -> str:
    effect, goes = ("weaker", "leave it") if turn.rising else ("stronger", "come back")
    first = f"were {whose} {TOLD:.0%} {effect}"
    if turn.pounds > abs(turn.change) - ROOM:
        # What is true of the last pounds alone is no sum to name beyond what rose or fell.
        return f"{first}, it would {'lose all of its rise' if turn.rising else 'recover all of it'}"
    return f"{first}, about {pounds(turn.pounds, view.currency)} would {goes}"


def _beyond(view: View, turn: Turn) -> str:
    """What a larger change of the effect would move, where it moves anything and that is not said yet."""
    if turn.because or turn.at_once or abs(1.0 - turn.factor) >= TOLD or turn.pounds < POUND:
        return ""
    return capital(_moved(view, turn, f"the effect of {view.group_name(int(turn.lines[0]))}")) + "."


def _largest(view: View, rising: bool) -> Turn | None:
    """The largest rise (or fall) among what is counted, and how sure it is."""
    sign = 1.0 if rising else -1.0
    moved = {key: sign * float(view.change[rows].sum()) for key, (rows, _) in view.groups.items() if len(rows)}
    counted = {key: more for key, more in moved.items() if more >= POUND and view.worth[view.groups[key][0][0]] > 0}
    return turn_of(view, max(counted, key=lambda key: counted[key]), rising) if counted else None


# --- who gains and who loses -----------------------------------------------------------------------------------------


def losers(plan: Plan) -> pd.DataFrame:
    """Every line that gets at least £1 less than today, or nothing though it could, the largest fall first.

    Columns: line (its id), partner, place, programme, envelope, year (ids), baseline, spend, change (£), least (£ it
    needs to be funded at all: its minimum start, or its own least), worth (what £1m more here buys, in units of the
    aim), elsewhere (what £1m buys where its money could go instead: its envelope's price), reason (a sentence). Worth
    and elsewhere are blank where yes/no choices leave no prices."""
    view = view_of(plan)
    fell = (view.change <= -POUND) | ((view.spend < POUND) & (view.ceiling >= POUND))
    rows = np.flatnonzero(fell)
    return _lines(view, rows[np.lexsort((rows, view.change[rows]))], why_less)


def winners(plan: Plan) -> pd.DataFrame:
    """Every line that gets at least £1 more than today, the largest rise first, with what stops it there. Columns as
    in `losers`."""
    view = view_of(plan)
    rows = np.flatnonzero(view.change >= POUND)
    return _lines(view, rows[np.lexsort((rows, -view.change[rows]))], why_no_more)


def _lines(view: View, rows: Array, reason: Callable[[View, int], str]) -> pd.DataFrame:
    """The table of some lines with a reason each."""
    scenario = view.scenario
    table = scenario.table("lines").iloc[rows][["partner", "place", "programme", "envelope", "year", "baseline"]]
    table.insert(0, "line", [scenario.line_ids[row] for row in rows])
    per_million = 1e6 if view.priced else np.nan
    table["spend"], table["change"] = view.spend[rows], view.change[rows]
    table["least"] = np.where(view.problem.choices, view.problem.scale, view.problem.low)[rows]
    table["worth"], table["elsewhere"] = view.worth[rows] * per_million, view.elsewhere[rows] * per_million
    table["reason"] = [reason(view, int(row)) for row in rows]
    return table[LINE_COLUMNS].reset_index(drop=True)


def _trade(view: View, line: int, more: str = "") -> str:
    """What a round sum buys here and elsewhere."""
    elsewhere = view.buys(view.elsewhere[line])
    if view.worth[line] <= 0:
        return f"What {view.asked}{more} buys here is not counted, and it buys {elsewhere} {view.points} elsewhere"
    here = f"{view.asked}{more} here buys {view.buys(view.worth[line])} {view.points}"
    return f"{here}, as much as its money buys elsewhere" if view.even(line) else f"{here}, {elsewhere} elsewhere"


def why_less(view: View, line: int) -> str:
    """Why a line gets less than today, or nothing, in a sentence."""
    if view.closed[line]:
        return _not_started(view, line)
    first = _trade(view, line) if view.priced else f"Other uses of {view.envelope_of(line)} buy more"
    more = view.priced and view.worth[line] > view.elsewhere[line] and not view.even(line)
    if more and view.at_most[line]:
        return f"{first}; it is at its own most ({pounds(view.spend[line], view.currency)})."
    if more and view.priced_stop(view.rise_stop)[line]:
        return f"{first}; {view.short(view.rise_stop[line])} stops it getting more."
    if view.fall_stop[line] >= 0 and view.priced and view.even(line):
        return f"{first}; stopped at {view.short(view.fall_stop[line])}."
    if view.fall_stop[line] >= 0:
        return f"{first}; {view.short(view.fall_stop[line])} stops it falling further."
    if view.spend[line] < POUND:
        return f"{first}."
    if view.at_least[line]:
        return f"{first}; it is at its own least ({pounds(view.problem.low[line], view.currency)})."
    return f"{first}."


def _not_started(view: View, line: int) -> str:
    """Why something that is nothing or at least its minimum start gets nothing."""
    e, scale = int(view.problem.envelope_of_line[line]), float(view.problem.scale[line])
    short, start = scale - view.unspent[e], pounds(scale, view.currency)
    if short > 0:
        gap = pounds(short, view.currency)
        return f"{gap} short of its minimum start ({start}); the rest of {view.envelope(e)} buys more elsewhere."
    broken = broken_by(view, line, scale)
    if broken >= 0:
        return f"Its minimum start ({start}) would break {view.short(broken)}."
    return f"Its minimum start ({start}) would buy nothing that is counted."


def why_no_more(view: View, line: int) -> str:
    """What stops a line that rises, in a sentence."""
    if not view.priced:
        return _stop(view, line)
    first = _trade(view, line, " more")
    if view.even(line):
        return f"{first}: {view.envelope_of(line)} is all spent."
    if view.worth[line] > view.elsewhere[line]:
        if view.at_most[line]:
            return f"{first}; it is at its own most ({pounds(view.spend[line], view.currency)})."
        if view.priced_stop(view.rise_stop)[line]:
            return f"{first}; {view.short(view.rise_stop[line])} stops it rising further."
    elif view.fall_stop[line] >= 0:
        return f"{first}; {view.short(view.fall_stop[line])} asks for it."
    return f"{first}."


def _stop(view: View, line: int) -> str:
    """What stops a line rising where there are no prices."""
    if view.at_most[line]:
        start, whole = view.problem.scale[line], view.problem.high[line]
        return "Funded whole." if start >= whole else f"At its own most ({pounds(whole, view.currency)})."
    if view.rise_stop[line] >= 0:
        return f"{capital(view.short(view.rise_stop[line]))} stops it rising further."
    if view.unspent[view.problem.envelope_of_line[line]] < POUND:
        return f"{view.envelope_of(line)} is all spent."
    return "More of it would buy nothing that is counted."


# --- what shapes the plan --------------------------------------------------------------------------------------------


def shaping(plan: Plan) -> pd.DataFrame:
    """What shapes the answer: one row a rule, resource or envelope that would buy more if it were eased, by worth.

    Columns: kind ('rule', 'resource' or 'envelope'), id, sentence (an envelope's name), worth (units of the aim if
    eased by what it `asks`), asks ('£1m', as `a_little`; '1%' for what is not measured in pounds), where (the dearest
    part, '' for the whole), count (parts that shape the answer), standing ('' unless a rule). No rows where yes/no
    choices leave no prices."""
    if not plan.has_prices:
        return pd.DataFrame(columns=SHAPING_COLUMNS)
    view = view_of(plan)
    rows = [*_shaping_limits(view), *_shaping_envelopes(view)]
    table = pd.DataFrame(rows, columns=SHAPING_COLUMNS)
    order = sorted(range(len(rows)), key=lambda k: (-float(f"{rows[k][3]:.6g}"), rows[k][1]))
    return table.iloc[order].reset_index(drop=True)


def _shaping_limits(view: View) -> Iterator[list]:
    for owner, (worth, i, parts) in eased(view).items():
        limit, rule = view.problem.limits[i], view.rules.get(owner)
        asks = view.asked if limit.measure == "spend" else "1%"
        sentence = view.sentence(owner)
        where = limit.label.removeprefix(sentence).removeprefix(": ")
        if rule is None:
            yield ["resource", owner.removeprefix("resource "), sentence, worth, asks, limit.part, parts, ""]
        else:
            yield ["rule", owner, sentence, worth, asks, where, parts, rule.standing]


def _shaping_envelopes(view: View) -> Iterator[list]:
    """A row for each envelope whose money is worth something, for the year in which it is worth most."""
    table = view.scenario.table("envelopes")
    names, years = table["id"].to_numpy(dtype=str), table["year"].to_numpy(dtype=str)
    priced = view.price > 1e-6 * view.problem.units.value / view.problem.units.money
    for name in dict.fromkeys(names[priced]):
        mine = np.flatnonzero(priced & (names == name))
        top = int(mine[np.argmax(view.price[mine])])
        where = str(years[top]) if len(view.scenario.years) > 1 else ""
        worth = float(view.price[top]) * view.little
        yield ["envelope", str(name), view.scenario.name_of("envelopes", name), worth, view.asked, where, len(mine), ""]
