"""A seat: every page told from one partner's or one place's side, while the system's own sentence stays above.

For the page of the plan, all without Streamlit's state and quick enough for every move of a lever:

    seen(view, plan) -> SeatView | None                        the seat that is taken, against the plan as agreed
    seat_tiles(mine, plan, called) -> list[Tile]               four figures: money, outcome, need, fallback
    seat_cards(mine, plan, against, called) -> list[Card]      what changes for you, why, what would change that
    seat_pictures(mine, plan) -> list[Shown]                   your lines, your programmes or places, your rules

and `summary(view, plan, mine)` draws what those leave: whose seat it is and, in a fold, its lines one by one and what
each rule costs it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from allocate.plan import explaining, seat_telling, telling
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.margins import view_of
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.plan.seats import SeatView, costs_me, from_seat
from allocate.plan.words import title
from allocate.ui import parts, pictures, solving
from allocate.ui.desk import View
from allocate.ui.parts import Card, Column, Shown, Tile, figure
from allocate.ui.words import AGREED, line_name, money


def seen(view: View, plan: Plan) -> SeatView | None:
    """The plan from the seat that is taken, against the plan as agreed (where assumptions were changed, the same
    re-solved under them); None for the whole system."""
    return from_seat(plan, view.draft.seat, view.yardstick if view.changed else None) if view.draft.seat else None


def banner(mine: SeatView, text: str) -> None:
    """Whose seat the page is told from, in a sentence or two."""
    parts.draw(parts.verdict(text, "note", f"{mine.name}."), key="seat")


def summary(view: View, plan: Plan, mine: SeatView) -> None:
    """On the page of the plan: whose seat it is, and each of its lines for whoever asks."""
    what = "place's" if mine.place else "partner's"
    banner(mine, f"Told from this {what} side; the sentence above speaks for the whole system.")
    if mine.lines.empty:
        return
    fold = st.expander("Your lines one by one, and what each rule costs you", key="seat-more", on_change="rerun")
    if fold.open:
        with fold:
            st.html(lines(mine, plan))
            costs(view, plan)


# --- four figures ----------------------------------------------------------------------------------------------------


def seat_tiles(mine: SeatView, plan: Plan, called: str = AGREED) -> list[Tile]:
    """Four figures to be seen from afar: the seat's money, what that buys, its part of need beside its part of the
    money, and what it falls back on. `called` names the plan that `mine` is compared with, if any."""
    return [_money(mine, plan, called), _buys(mine, plan, called), _need(mine, plan), _fallback(mine, plan)]


def _money(mine: SeatView, plan: Plan, called: str) -> Tile:
    currency = plan.scenario.heading.currency
    share = f" ({per_cent(mine.share, signed=True)})" if mine.baseline > 0 else ""
    below = f"{pounds(mine.change, currency, signed=True)}{share} on last year"
    if not mine.baseline:
        below = "nothing was spent before" if mine.spend else "no money is spent by you or on you here"
    tone = _tone(mine.change if mine.baseline else 0.0)
    if mine.more is not None and abs(mine.more) >= POUND:
        below, tone = f"{below}; {pounds(mine.more, currency, signed=True)} on {called}", _tone(mine.more)
    return Tile("Your money", pounds(mine.spend, currency), below, tone)


def _buys(mine: SeatView, plan: Plan, called: str) -> Tile:
    name = "Your outcome on last year" if mine.baseline else "Your outcome"
    below, tone = explaining.aim_unit(plan), ""
    if mine.buys_more is not None:
        same = abs(mine.buys_more) <= 1e-9 * abs(plan.value)
        below = f"the same as in {called}" if same else f"{number(mine.buys_more, signed=True)} on {called}"
        tone = "" if same else _tone(mine.buys_more)
    return Tile(name, number(mine.buys, signed=bool(mine.baseline)), below, tone)


def _tone(change: float) -> str:
    return "up" if change >= POUND else "down" if change <= -POUND else ""


def _need(mine: SeatView, plan: Plan) -> Tile:
    """The seat's part of need beside its part of the money; of all money, where nothing of it goes by need."""
    distance = mine.from_need
    if distance is None or mine.need_share is None or mine.money_after is None:
        return _part(mine, plan)
    name = "Your part of all need" if mine.place else "The need that you meet"
    was, now = (_away(each) for each in distance)
    before = "as last year" if was == now else f"{was} last year"
    below = f"{per_cent(mine.money_after)} of the money that goes by need: {now}, {before}"
    return Tile(name, per_cent(mine.need_share), below)


def _away(distance: float) -> str:
    """'3.7% below', '0.6% above', 'level'."""
    size = per_cent(abs(distance))
    return "level" if not size.strip("0.%") else f"{size} {'above' if distance > 0 else 'below'}"


def _part(mine: SeatView, plan: Plan) -> Tile:
    problem = plan._solved.problem
    before, after = float(problem.baseline.sum()), float(plan._solved.flows.spend.sum())
    was = f"; {per_cent(mine.baseline / before)} last year" if before else ""
    share = per_cent(mine.spend / after) if after else ""
    any_by_need = (plan.scenario.table("envelopes")["by_need"] == "yes").any()
    whose = "none of yours" if any_by_need else "nothing here"
    return Tile("Your part of all the money", share, f"{whose} goes by need{was}")


def _fallback(mine: SeatView, plan: Plan) -> Tile:
    currency, more = plan.scenario.heading.currency, mine.spend - mine.fallback
    word = "better" if more > 0 else "worse"
    than = (
        "this plan gives you as much"
        if abs(more) < POUND
        else f"this plan is {pounds(abs(more), currency)} {word} for you"
    )
    told = f"{mine.fallback_name}; {than}"
    return Tile("If no plan is agreed", pounds(mine.fallback, currency), told, _tone(more))


# --- three answers ---------------------------------------------------------------------------------------------------


def seat_cards(mine: SeatView, plan: Plan, against: Plan | None = None, called: str = AGREED) -> list[Card]:
    """What changes for the seat, why, and what would change that, in words; against another plan where one is given
    that is not this one."""
    more = {}
    if against is not None and against is not plan:
        more[f"Against {called}"] = seat_telling.against_other(mine, plan, against, called)
    takes = {
        "What would it take?": seat_telling.what_it_takes(mine, plan),
        "If no plan is agreed": seat_telling.fallback(mine, plan),
    }
    return [
        Card("What changes for you?", seat_telling.what_changes(mine, plan), more),
        Card("Why?", seat_telling.why(mine, plan)),
        Card("What would change our mind?", seat_telling.change_of_mind(mine, plan), takes),
    ]


# --- pictures --------------------------------------------------------------------------------------------------------


def seat_pictures(mine: SeatView, plan: Plan) -> list[Shown]:
    """Change by the seat's lines, by its programmes or places, how far it is from its fair share where that is known,
    and the rules that bind it."""
    heading, near = "What changes for you", _nearby(mine, plan)
    kinds = kinds_of(mine)
    shown = [_gains(mine, plan, kinds, f"{heading}: line by line" if len(kinds) > 1 else heading)]
    for kind in kinds if len(kinds) > 1 else []:
        if near is None or kind == "place" or "place" not in kinds:
            shown.append(_gains(mine, plan, [kind], f"{heading}: {kind}s"))
    if near is not None:
        shown.append(near)
    return [*(each for each in shown if each.title != f"{heading}: partners"), binding(mine, plan)]


def kinds_of(mine: SeatView) -> list[str]:
    """What tells the seat's lines apart: programmes, and places or (in one place) partners, where there are several."""
    inside = mine.lines["place"].nunique() > 1 or not mine.place
    found = [each for each in ("programme", "place" if inside else "partner") if mine.lines[each].nunique() > 1]
    return found or ["programme"]


def _gains(mine: SeatView, plan: Plan, columns: list[str], heading: str) -> Shown:
    """Change of the seat's money by these columns of its lines: the largest as bars, all in the table."""
    rows, unit = changes(mine, plan, columns), parts.unit(plan)
    moved = [row for row in rows if abs(row["change"]) >= POUND]
    note = "Change on last year, the largest rise first" if mine.baseline else "Amount, the largest first"
    if not moved:
        held = seat_telling.as_it_was(mine, plan)
        same = f"Nothing changes for you. {held}" if held else "Only how your money is divided within these changes."
        return Shown(heading, note, same if len(mine.lines) else "You have no lines here.")
    every = pictures.change_bars(rows, unit).table
    return Shown(heading, note, replace(pictures.change_bars(pictures.largest(moved), unit), table=every))


def changes(mine: SeatView, plan: Plan, columns: list[str]) -> list[dict]:
    """Rows for bars of change: name, change (£), share of last year, the largest rise first."""
    return summed(plan, mine.lines, columns, mine.lines["baseline"].tolist(), mine.lines["spend"].tolist())


def summed(plan: Plan, rows: pd.DataFrame, columns: list[str], before: list[float], after: list[float]) -> list[dict]:
    """Rows for bars of change between two sums of money on some lines, added up by these columns of them."""
    sums: dict[tuple, list[float]] = {}
    keys = zip(*(rows[column].tolist() for column in columns), strict=True)
    for key, old, new in zip(keys, before, after, strict=True):
        had = sums.setdefault(key, [0.0, 0.0])
        had[0], had[1] = had[0] + old, had[1] + new
    name = plan.scenario.name_of
    told = [
        {
            "name": ", ".join(name(f"{column}s", part) for column, part in zip(columns, key, strict=True)),
            "change": new - old,
            "share": new / old - 1 if old else None,
        }
        for key, (old, new) in sums.items()
    ]
    return sorted(told, key=lambda row: -row["change"])


def _nearby(mine: SeatView, plan: Plan) -> Shown | None:
    """A place's distance from its fair share, and those of the places inside it, or else beside it."""
    if mine.distance_after is None:
        return None
    names = _beside(mine, plan)
    table = plan.places
    last = table[table["year"] == plan.scenario.years[-1]].set_index("place")
    rows = [
        {"name": name, "before": last.at[key, "distance_before"], "after": last.at[key, "distance_after"]}
        for key, name in names.items()
    ]
    others = "the places inside you" if len(plan.scenario.within(mine.key)) > 1 else "the other places"
    note = f"You and {others}: above or below the share that need gives; the green band is within {pictures.CLOSE:.1%}"
    return Shown(
        "How far you are from your fair share", note, pictures.dumbbell(rows, pictures.CLOSE, "Last year", "Proposed")
    )


def _beside(mine: SeatView, plan: Plan) -> dict[str, str]:
    """A place first, then the places just inside it, or where there are none those without smaller ones: id to name."""
    places = plan.scenario.table("places")
    inside = places.loc[(places["parent"] == mine.key).fillna(False).to_numpy(dtype=bool), "id"].tolist()
    above = set(places["parent"].dropna())
    others = inside or [key for key in places["id"].tolist() if key not in above and key != mine.key]
    return {mine.key: f"{mine.name} (you)"} | {key: plan.scenario.name_of("places", key) for key in others}


def binding(mine: SeatView, plan: Plan) -> Shown:
    """The rules that bind the seat, as bars of what easing each is worth; in words where that cannot be compared."""
    heading, rules, unit = "Rules that bind you", mine.rules, explaining.aim_unit(plan)
    if rules.empty:
        return Shown(heading, "", "No rule stands at its end over your lines.")
    dear = rules[rules["worth"] > 0]
    if dear.empty:
        names = ", ".join(title(rule) for rule in rules["rule"])
        none = "Easing them would buy nothing more" if plan.has_prices else "What each costs you is found on The rules"
        return Shown(heading, none, f"{names}.")
    asks = dear["asks"].mode().iloc[0]
    bars, others = dear[dear["asks"] == asks], dear[dear["asks"] != asks]
    note = f"{unit[:1].upper() + unit[1:]} that all gain if one is eased by {asks} over your lines"
    picture = pictures.worth_bars([{"name": row.sentence, "worth": row.worth} for row in bars.itertuples()], unit)
    said = [f"“{title(row.rule)}” eased by {row.asks}: {number(row.worth)} {unit}." for row in others.itertuples()]
    return Shown(heading, note, replace(picture, html=picture.html + "".join(map(parts.paragraph, said))))


# --- tables for whoever asks -----------------------------------------------------------------------------------------


def lines(mine: SeatView, plan: Plan) -> str:
    """HTML of the seat's lines, the largest rise first, with what stops each."""
    view, say = view_of(plan), money(plan)
    place = {line: row for row, line in enumerate(plan.scenario.line_ids)}
    rows = [place[line] for line in mine.lines["line"]]
    reasons = [
        telling.why_no_more(view, row) if view.change[row] >= POUND
        else telling.why_less(view, row) if view.change[row] <= -POUND or view.closed[row]
        else "As last year."
        for row in rows
    ]  # fmt: skip
    names = [line_name(plan.scenario, row) for row in mine.lines.itertuples()]
    columns = [
        Column("name", "Line"), figure("baseline", "Last year", say),
        figure("spend", "Proposed", say), figure("change", "Change", money(plan, signed=True)),
        figure("share", "Per cent", partial(per_cent, signed=True)), Column("reason", "Why"),
    ]  # fmt: skip
    table = mine.lines.assign(name=names, reason=reasons)
    return parts.title("Your lines", level=3) + parts.table(table, columns, "Your lines, the largest rise first")


def costs(view: View, plan: Plan) -> None:
    """What each rule that binds the seat costs it, and whom it helps: a re-solve a rule, when asked for."""
    if not st.toggle("Work out what each costs you, and whom it helps", key="seat-costs"):
        return
    bar = parts.Progress("Solving without each rule in turn")
    table = costs_me(plan, view.draft.seat, solve=solving.answer, tick=bar.tick)
    bar.end()
    st.html(costs_table(table, plan))


def costs_table(table: pd.DataFrame, plan: Plan) -> str:
    """HTML of what each rule costs the seat."""
    columns = [
        Column("sentence", "Rule"),
        figure("mine", "Your money without it", money(plan, signed=True)),
        figure("aim", f"The aim without it ({explaining.aim_unit(plan)})", partial(number, signed=True)),
        Column("helps", "Whom it helps"),
    ]  # fmt: skip
    return parts.table(table, columns, "What each rule costs you, what costs most first")
