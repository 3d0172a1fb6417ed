"""A plan told to one partner or place: what changes for it, why, and what it would take to change that.

Like `telling`, by template, each sentence so that it can stand alone; in the second person, which is right for a body
and for the people of a place.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocate.plan import telling
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.margins import SAME, Turn, View, turn_of, view_of
from allocate.plan.moves import NOISE, POUND, Moves
from allocate.plan.plan import Plan
from allocate.plan.seats import SeatView, bought_at, rows_of
from allocate.plan.still import held_by, holds, stays
from allocate.plan.words import quoted, some, title

Array = np.ndarray
NEED = (
    "The need that you meet is each place's need, divided between partners as last year's money there was; it is set "
    "beside the money that goes by need."
)
RULES = 6
"""Rules told one by one."""


def moves_of(plan: Plan, seat: str, against: Plan | None = None, name: str = "the other plan") -> Moves:
    """What a plan moves on a seat's lines, against today or another plan; outcomes are those that the seat buys."""
    every, rows = Moves.of(plan, against, name), rows_of(plan.scenario, seat)
    own = np.zeros(len(every.after))
    own[rows] = 1.0
    today, has = bought_at(plan, seat)
    had = today if against is None else bought_at(against, seat)[1]
    return Moves(plan, every.before * own, every.after * own, had, has, every.than)


# --- what changes for a seat -----------------------------------------------------------------------------------------


def money_now(mine: SeatView, currency: str) -> str:
    """What a seat gets, and how much more or less than last year."""
    if mine.lines.empty:
        return "No money is spent by you or on you here."
    if not mine.baseline:
        return f"You get {pounds(mine.spend, currency)}, where nothing was spent before."
    if abs(mine.change) < POUND:
        return f"You get {pounds(mine.spend, currency)}, the same as last year."
    word, share = "more" if mine.change > 0 else "less", per_cent(mine.share, signed=True)
    return (
        f"You get {pounds(mine.spend, currency)}, {pounds(abs(mine.change), currency)} ({share}) {word} than last year."
    )


def what_changes(mine: SeatView, plan: Plan) -> str:
    """What changes for a seat against today: outcomes that fall, money, programmes and places or partners that gain and
    lose most, outcomes."""
    moves = moves_of(plan, mine.seat)
    other = ("partner", "partners") if mine.place and mine.lines["place"].nunique() < 2 else ("place", "places")
    said = [money_now(mine, plan.scenario.heading.currency), as_it_was(mine, plan), fallen(moves)]
    said += _by(moves, mine, "programme", "programmes") + _by(moves, mine, *other) + gained(moves)
    said += [mine.note] if len(mine.lines) else []
    said += [NEED] if mine.from_need and not mine.place else []
    return " ".join(sentence for sentence in said if sentence)


def as_it_was(mine: SeatView, plan: Plan) -> str:
    """What holds a seat's lines where none of them changes; '' where any does, or where it has none."""
    view, rows = view_of(plan), rows_of(plan.scenario, mine.seat)
    return f"Each of your lines is as last year, {held_by(view, rows)}." if len(rows) and stays(view, rows) else ""


def fallen(moves: Moves) -> str:
    """Outcomes that the seat has less of, if any."""
    units = moves.plan.scenario.table("outcomes").set_index("id")["unit"]
    fell = [
        f"{number(-change)} {units[key]} ({moves.plan.scenario.name_of('outcomes', key)})"
        for key, change in moves.told.items()
        if change < 0
    ]
    than = moves.than if moves.than == "today" else f"in {moves.than}"
    return f"You have less than {than} of what is counted: {some(fell, len(fell))}." if fell else ""


def gained(moves: Moves) -> list[str]:
    """What the seat's money buys, where it buys more of anything."""
    return [telling.bought(moves)] if any(change > 0 for change in moves.told.values()) else []


def _by(moves: Moves, mine: SeatView, column: str, table: str) -> list[str]:
    """Which of a seat's programmes (places, partners) gain and lose most; nothing where it has only one."""
    return [telling.by(moves, column, table)] if mine.lines[column].nunique() > 1 and moves.any else []


def fallback(mine: SeatView, plan: Plan) -> str:
    """What a seat has if no plan is agreed, by name, and how that compares with the plan."""
    currency, less = plan.scenario.heading.currency, mine.change
    if not mine.baseline:
        return f"You fall back on {mine.fallback_name}: nothing."
    first = f"You fall back on {mine.fallback_name}, {pounds(mine.fallback, currency)}"
    if abs(less) < POUND:
        return f"{first}: as much as in this plan."
    word = "less" if less > 0 else "more"
    bought = [f" It buys {said}." for said in _difference(mine)]
    return f"{first}: {pounds(abs(less), currency)} {word} than in this plan.{''.join(bought)}"


def _difference(mine: SeatView) -> list[str]:
    """What a seat's fallback buys less, and more, than the plan: '117.7 years less'."""
    rows = list(mine.outcomes[["name", "before", "after", "change", "unit"]].itertuples(index=False, name=None))
    told: dict[str, list[str]] = {"less": [], "more": []}
    for name, before, after, change, unit in rows:
        if abs(change) > NOISE * max(abs(before), abs(after)):
            which = f" ({name})" if len(rows) > 1 else ""
            told["less" if change > 0 else "more"].append(f"{number(abs(change))} {unit}{which}")
    return [f"{some(said, len(said))} {word}" for word, said in told.items() if said]


def against_other(mine: SeatView, plan: Plan, other: Plan, called: str) -> str:
    """What is otherwise for a seat than in another plan: outcomes that fall, money, programmes, outcomes."""
    moves, currency = moves_of(plan, mine.seat, other, called), plan.scenario.heading.currency
    more = float(moves.change.sum())
    if not moves.any:
        held = held_by(view_of(plan), rows_of(plan.scenario, mine.seat))
        same = f"Every pound of yours is as in {called}{f', {held}' if len(mine.lines) else ''}."
        return f"{same} {telling.bought(moves)}" if moves.told else same
    word = "more" if more > 0 else "less"
    first = f"You get {pounds(abs(more), currency)} {word} than in {called}."
    if abs(more) < POUND:
        first = f"You get as much as in {called}, and {pounds(moves.moved, currency)} of it lies elsewhere."
    said = [first, fallen(moves), *_by(moves, mine, "programme", "programmes"), *gained(moves)]
    return " ".join(sentence for sentence in said if sentence)


# --- why -------------------------------------------------------------------------------------------------------------


def why(mine: SeatView, plan: Plan) -> str:
    """Which rules bind a seat and what easing each is worth, and why its largest rise and fall are what they are."""
    return " ".join([*_binding(mine, plan), *_moved_most(mine, plan)])


def _binding(mine: SeatView, plan: Plan) -> list[str]:
    """How many rules bind a seat, and what easing each is worth, those together that are eased by as much."""
    rules, view = mine.rules, view_of(plan)
    if rules.empty:
        return ["No rule binds you: none stands at its end over your lines."]
    first = "One rule binds you" if len(rules) == 1 else f"{len(rules)} rules bind you"
    if not plan.has_prices:
        names = [quoted(title(rule)) for rule in rules["rule"]]
        return [f"{first}: {some(names, RULES)}. Yes/no choices leave no prices: The rules finds what each costs you."]
    worth = {asks: table for asks, table in rules[rules["worth"] > 0].groupby("asks", sort=False)}
    said = [f"easing by {asks} would buy, in {view.unit}, {_worths(table)}" for asks, table in worth.items()]
    free = [quoted(title(rule)) for rule in rules.loc[~(rules["worth"] > 0), "rule"]]
    said += [f"easing {some(free)} would buy nothing more"] if free else []
    return [f"{first}: {'; '.join(said)}."]


def _worths(table: pd.DataFrame) -> str:
    """What easing each of some rules buys: '“Maternity floor” 145, “Elective recovery” 81.4'."""
    rows = list(table[["rule", "worth"]].itertuples(index=False, name=None))
    said = [f"{quoted(title(rule))} {number(float(f'{worth:.3g}'))}" for rule, worth in rows]
    return some(said, RULES + (len(said) == RULES + 1))


def _moved_most(mine: SeatView, plan: Plan) -> list[str]:
    """Why a seat's largest rise and largest fall are what they are."""
    view, rows = view_of(plan), rows_of(plan.scenario, mine.seat)
    said = []
    for word, sign, reason in (("rise", 1.0, telling.why_no_more), ("fall", -1.0, telling.why_less)):
        if len(rows) and (most := sign * view.change[rows]).max() >= POUND:
            line = int(rows[np.argmax(most)])
            size = pounds(float(most.max()), view.currency)
            said.append(f"Your largest {word} is {view.group_name(line)} ({size}): {_small(reason(view, line))}")
    return said


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


# --- what would change it --------------------------------------------------------------------------------------------


def change_of_mind(mine: SeatView, plan: Plan) -> str:
    """How wrong the evidence on a seat's largest rise and largest fall would have to be before its money moved."""
    view, rows = view_of(plan), rows_of(plan.scenario, mine.seat)
    if not plan.has_prices:
        return telling.change_of_mind(plan)
    whose = "Of yours" if mine.place else "Of what you take part in"
    turns = [turn for sign in (1.0, -1.0) if (turn := _turn(view, rows, sign)) is not None]
    told = [f"{whose}, {telling.turned(view, turn)}" for turn in turns]
    if told or not len(rows):
        return " ".join(told) or "No money is spent by you or on you here."
    return f"Nothing of yours whose effect is counted rises or falls. {holds(view, rows)[0]}"


def _turn(view: View, rows: Array, sign: float) -> Turn | None:
    """The largest rise (fall) among what a seat's lines feed and is counted, and how sure it is."""
    keys = dict.fromkeys(view.keys[row] for row in rows if view.worth[row] > 0)
    moved = {key: sign * float(view.change[view.groups[key][0]].sum()) for key in keys if key in view.groups}
    top = max(moved, key=lambda key: moved[key], default=None)
    return turn_of(view, top, sign > 0) if top is not None and moved[top] >= POUND else None


def what_it_takes(mine: SeatView, plan: Plan) -> str:
    """What would bring a seat more: the rule that keeps most from it; else that only money or evidence would."""
    view, rows = view_of(plan), rows_of(plan.scenario, mine.seat)
    if not len(rows):
        return "Nothing here is yours to gain."
    if not plan.has_prices:
        return _left_out(view, rows)
    held = view.priced_stop(view.rise_stop) & (view.worth > view.elsewhere * (1 + SAME)) & ~view.closed
    mine_held = rows[held[rows]]
    if len(mine_held):
        line = int(mine_held[np.argmax((view.worth - view.elsewhere)[mine_held])])
        here, there = view.buys(view.worth[line]), view.buys(view.elsewhere[line])
        said = f"{view.group_name(line)} would buy {here} {view.points} for {view.asked}, against {there} elsewhere."
        return f"{said} Easing {view.short(int(view.rise_stop[line]))} would let it rise."
    return (
        "No rule keeps more from you: a pound here buys no more than its money buys elsewhere. Only more money in the "
        "envelopes that pay you, or a stronger effect than the evidence says, would bring you more."
    )


def _left_out(view: View, rows: Array) -> str:
    """What of a seat's is left out where choices are yes or no, and why."""
    out = rows[view.closed[rows]]
    if not len(out):
        return "Nothing of yours that could be funded is left out."
    said = [f"{view.group_name(int(line))} is left out. {telling.why_less(view, int(line))}" for line in out[:3]]
    more = [f"Left out too: {some([view.group_name(int(line)) for line in out[3:]])}."] if len(out) > 3 else []
    return " ".join(said + more)


__all__ = [
    "against_other", "as_it_was", "change_of_mind", "fallback", "fallen", "gained", "money_now", "moves_of",
    "what_changes", "what_it_takes", "why",
]  # fmt: skip
