"""What the page of fair shares is made of: the dial, its price, who would feel it, and what stands behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from allocate.errors import AllocateError
from allocate.plan.aim import aim_unit
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.plan.words import count
from allocate.rules import wording
from allocate.rules.aims import aim_of
from allocate.ui import fair_folds, fair_more, panels, parts, pictures, seating, solving, state, tasks
from allocate.ui.desk import View
from allocate.ui.fair_work import (
    AIMS,
    FIRST,
    GIVEN,
    MOST,
    OWN,
    SEEN,
    Sides,
    chosen,
    lay,
    obstacles,
    rule_for,
    sides,
    sights,
    without,
)
from allocate.ui.parts import Shown, Tile
from allocate.ui.tasks import Task

AIM, VIEW, GIVE = "fair-aim", "fair-view", "fair-give"
WISHED = "fair-wished"
"""Where a visitor's state says what he last chose to see, and to give up, while no aim is in force."""
NOW, BEST, FAIR = "Today", "The most benefit", "This plan"


def show(view: View, plan: Plan) -> None:
    """The whole page, for a draft that has a plan."""
    if reasons := obstacles(view):
        text = "Places cannot be set against one another here."
        parts.draw(
            parts.verdict(text, "note", more=[wording.capital(f"the system {each}") for each in reasons]), key="verdict"
        )
        panels.strip(view)
        return
    most = _most(view, plan)
    if most is None:
        controls(view)
        panels.strip(view)
        return
    found = sides(plan, most, seen(view))
    lead, text, tone, more = verdict(found)
    parts.draw(parts.verdict(text, tone, lead, more), key="verdict")
    if (mine := seating.seen(view, plan)) is not None:
        seating.banner(mine, told_to(found, view.draft.seat))
    controls(view)
    parts.draw(parts.tiles(tiles(found)), key="story")
    panels.strip(view)
    parts.let_go()
    first, *others = shown(found)
    tables = parts.tables_wanted()
    left, right = st.columns(2, gap="medium")
    with left:
        parts.draw(parts.gallery([first], tables), key="pictures")
    with right:
        ready = fair_more.price(view, found)
    if others:
        parts.draw(parts.gallery(others, tables), key="felt")
    parts.announce(f"{lead} {text}")
    fair_more.ideas(view, plan, ready)
    fair_folds.measures(found)
    fair_folds.next_pound(plan)
    fair_folds.yardstick(view)
    fair_folds.experts(view, found)


def _most(view: View, plan: Plan) -> Plan | None:
    """The plan of the most benefit; None while it is looked for, or where none was found in time."""
    scenario = without(view)
    if scenario is view.wanted:
        return plan

    def work(task: Task) -> Plan | AllocateError:
        try:
            return solving.answer(scenario, task.watch)
        except AllocateError as error:
            return error

    found, _ = tasks.ask("most", scenario.digest, work, "Solving for the most benefit, to set this plan against")
    if isinstance(found, AllocateError):
        parts.draw(parts.verdict(str(found), "note", "There is no plan to set this one against."), key="verdict")
    return found if isinstance(found, Plan) else None


# --- the dial --------------------------------------------------------------------------------------------------------


def seen(view: View) -> str:
    """What places are seen to have: what the aim sees, or what was last chosen."""
    aim, may = aim_of(view.wanted), sights(view.agreed)
    wished = aim.view if aim is not None else st.session_state.get(WISHED, {}).get("view", may[0])
    return wished if wished in may else may[0]


def controls(view: View) -> None:
    """What fairer means, what places are seen to have, and what may be given up for it."""
    aim, now = aim_of(view.wanted), chosen(aim_of(view.wanted))
    keys = [*AIMS, *([OWN] if now == OWN else [])]
    give = aim.give_up if aim is not None else st.session_state.get(WISHED, {}).get("give", FIRST)
    with st.container(horizontal=True, vertical_alignment="bottom", key="fair-controls"):
        key = state.seed(AIM, now)
        st.selectbox("Fairer means", keys, format_func=_aim_said, key=key, on_change=_turn, args=(view,))
        key, said = state.seed(VIEW, seen(view)), _seen_said(view)
        st.selectbox("Looking at", list(said), format_func=said.get, key=key, on_change=_turn, args=(view,))
        if aim is None:
            # A slider that is shut cannot be read by everybody.
            return
        stops = stops_with(give)
        key = state.seed(GIVE, stops.index(give))
        st.select_slider(
            "Give up at most, of the best plan's gain", range(len(stops)), format_func=lambda k: given_said(stops[k]),
            key=key, on_change=_turn, args=(view,),
        )  # fmt: skip


def _aim_said(key: str) -> str:
    return AIMS[key][0] if key in AIMS else "An aim of your own"


def _seen_said(view: View) -> dict[str, str]:
    return {key: SEEN[key] for key in sights(view.agreed)}


def stops_with(give: float | None) -> list[float | None]:
    """The stops of the dial, with one that lies between them."""
    more = [] if give is None or give in GIVEN else [give]
    return [*sorted([each for each in (*GIVEN, *more) if each is not None]), None]


def given_said(give: float | None) -> str:
    """A stop of the dial in words."""
    return "any of it" if give is None else "nothing" if not give else wording.per_cent(give)


def _turn(view: View) -> None:
    """The dial was moved: lay the aim that it says over the draft."""
    now = aim_of(view.wanted)
    before = now.give_up if now is not None else st.session_state.get(WISHED, {}).get("give", FIRST)
    key, sight = st.session_state[AIM], st.session_state[VIEW]
    give = before if now is None else stops_with(before)[st.session_state[GIVE]]
    st.session_state[WISHED] = {"view": sight, "give": give}
    if key == MOST:
        if now is not None:
            lay(view, None)
        return
    fields = AIMS[key][1] if key in AIMS else fair_folds.fields_of(now)
    lay(view, rule_for(view, fields, sight, give))


# --- what is said ----------------------------------------------------------------------------------------------------


def verdict(found: Sides) -> tuple[str, str, str, list[str]]:
    """What the page opens with: a lead, a sentence, its tone, and lines below it."""
    if found.aim is None:
        text = "The plan goes for the most benefit, wherever it falls. Choose what fairer means, and see what it costs."
        return "No aim between places is in force.", f"{text}", "note", _ends(found)
    plan, unit = found.plan, aim_unit(found.plan)
    if plan.aim is not None and np.isinf(plan.aim.gap):
        text = "There was no time to follow the aim: this is the plan of the most benefit."
        return "The search was ended early.", text, "note", _ends(found)
    doubt = [] if plan.aim is None or plan.aim.gap < 1e-3 else [_doubt(plan)]
    more = [*_ends(found), _spent(found), *doubt]
    if not found.cost:
        return (
            "Fairer costs nothing here.",
            f"It buys as much as the most benefit. {_felt(found)}".strip(),
            "good",
            more,
        )
    much = f"{number(found.cost)} {unit}, {share_said(plan.given_up)} of the gain"
    return (
        f"Fairer costs {worth}: {much}." if (worth := _in_pounds(found)) else f"Fairer costs {much}.",
        _felt(found),
        "good",
        more,
    )


def share_said(share: float) -> str:
    """A part of the gain, with as many decimals as it needs."""
    return per_cent(share, places=1 if share >= 0.01 else 2 if share >= 0.0005 else 3)


def _in_pounds(found: Sides) -> str:
    """What the price of fairness is in money."""
    if np.isnan(found.price):
        return ""
    return f"about what {_roughly(found)} more would buy"


def _roughly(found: Sides) -> str:
    """The price of fairness in pounds, to two digits."""
    return pounds(float(f"{found.price:.2g}"), found.plan.scenario.heading.currency)


def _felt(found: Sides) -> str:
    """Who would feel it: the place that gains most against the most benefit, and the one that gives most."""
    table, sign = found.moved("place"), found.plan.scenario.heading.currency
    up, down = table.iloc[0], table.iloc[-1]
    said = [f"{up['name']} gains most ({pounds(up['change'], sign, True)})"] if up["change"] >= POUND else []
    said += [f"{down['name']} gives most ({pounds(down['change'], sign, True)})"] if down["change"] <= -POUND else []
    if not said:
        return "No place gets more or less money than it would then."
    return f"Against the most benefit, {' and '.join(said)}."


def _ends(found: Sides) -> list[str]:
    """Who has least, and who most, and what that was."""
    if found.reason or found.table.empty:
        return []
    low, high = (found.table.loc[found.table["fair"].agg(end)] for end in ("idxmin", "idxmax"))
    said = f"{low['name']} has least, {found.say(low['fair'])}; {high['name']} most, {found.say(high['fair'])}."
    if found.aim is None:
        return [said]
    was = found.table.loc[found.table["most"].idxmin()]
    return [f"{said} Under the most benefit the least was {found.say(was['most'])}, in {was['name']}."]


def _spent(found: Sides) -> str:
    """Whether more fairness is to be had for more."""
    aim = found.aim
    assert aim is not None
    if aim.give_up is None:
        return "This is the fairest plan of this kind, whatever it takes."
    if found.plan.given_up >= 0.99 * aim.give_up:
        return f"All that may be given up, {given_said(aim.give_up)}, is given: with more, the plan could be fairer."
    return (
        f"The fairest plan of this kind takes no more than that: the {given_said(aim.give_up)} allowed is not used up."
    )


def told_to(found: Sides, seat: str) -> str:
    """What it means for the seat that is taken, in a sentence or two."""
    table, _, key = seat.partition(".")
    said = [_change_of(found, "partner" if table == "partners" else "place", key)] if found.aim is not None else []
    if table == "places" and key in set(found.table.get("place", ())) and not found.reason:
        row = found.table[found.table["place"] == key].iloc[0]
        ranks = found.table["fair"].rank(method="min").astype(int)
        place = f"{ranks[row.name]} of {len(ranks)} from the least"
        said.append(f"It has {found.say(row['fair'])}, {place}; {found.say(row['today'])} today.")
    return " ".join(said) or "Choose what fairer means, and see what it does to you."


def _change_of(found: Sides, column: str, key: str) -> str:
    """How much more or less money one of them gets than under the most benefit."""
    rows, sign = found.moved(column).set_index("id"), found.plan.scenario.heading.currency
    change = float(rows.at[key, "change"]) if key in rows.index else 0.0
    if abs(change) < POUND:
        return "In all as much money as under the most benefit."
    return f"{pounds(abs(change), sign)} {'more' if change > 0 else 'less'} than under the most benefit."


def _doubt(plan: Plan) -> str:
    assert plan.aim is not None
    return f"A fairer plan may exist, by up to {per_cent(plan.aim.gap, places=2)} of what fairness has at stake."


def tiles(found: Sides) -> list[Tile]:
    """Four figures: what moves between places, its price, the worst-off, and how far apart the ends are."""
    plan, sign = found.plan, found.plan.scenario.heading.currency
    table = found.table
    made = []
    if found.aim is not None:
        change = found.moved("place")["change"]
        lost = (
            "" if np.isnan(found.price) or not found.cost else f"what {_roughly(found)} more buys, where it buys most"
        )
        made.append(
            Tile("Moves between places", pounds(float(change.abs().sum()) / 2, sign), "against the most benefit")
        )
        made.append(Tile("Outcome given up", number(found.cost), f"{aim_unit(plan)}; {lost}".strip("; ")))
    if found.reason or table.empty:
        return made
    low = table.loc[table["fair"].idxmin()]
    least = f"{low['name']}; the least was {found.short(table['most'].min())}" if found.aim is not None else low["name"]
    made.append(Tile("Worst-off place", found.short(low["fair"]), least))
    if found.aim is None:
        high = table.loc[table["fair"].idxmax()]
        made.append(Tile("Best-off place", found.short(high["fair"]), str(high["name"])))
    if table["fair"].min() > 0:
        far, was = (
            table[side].max() / table[side].min() if table[side].min() > 0 else np.nan for side in ("fair", "most")
        )
        below = f"was {was:.2f} under the most benefit" if found.aim is not None and was == was else "in what they have"
        made.append(Tile("Best-off against worst-off", f"{far:.2f} times", below))
    return made


# --- pictures --------------------------------------------------------------------------------------------------------


def shown(found: Sides) -> list[Shown]:
    """Place by place what each has; and, with an aim, which places and partners get more or less for it."""
    if found.reason or found.table.empty:
        first = Shown("Place by place", "", f"No picture: {found.reason}.")
    else:
        names, nought = (NOW, BEST, BEST if found.aim is None else FAIR), found.seen in ("gain", "own-best")
        note = f"{found.title}{_year(found)}. Those who have least under the most benefit come first."
        if found.seen == "own-best":
            note += " The aim looks at this as a part of the most that each place could gain."
        first = Shown("What each place has", note, pictures.journey(found.table, found.short, names, nought))
    if found.aim is None:
        return [first]
    return [first, _who(found, "place"), _who(found, "partner")]


def _year(found: Sides) -> str:
    years = found.plan.scenario.years
    return f", {years[-1]}" if len(years) > 1 else ""


def _who(found: Sides, column: str) -> Shown:
    """Who gets more, and who less, than under the most benefit."""
    rows, unit = found.moved(column), parts.unit(found.plan)
    heading = "Who would feel it: places" if column == "place" else "Who would feel it: partners"
    note = "Money, against the most benefit"
    moved = rows[rows["change"].abs() >= POUND].to_dict("records")
    if not moved:
        return Shown(heading, note, f"No {column}'s total changes.")
    still = len(rows) - len(moved)
    note += f"; {count(still, column)} as before" if still else ""
    picture = pictures.change_bars(pictures.largest(moved), unit)
    return Shown(heading, note, replace(picture, table=pictures.change_bars(rows, unit).table))


__all__ = ["controls", "given_said", "seen", "share_said", "show", "shown", "stops_with", "tiles", "told_to", "verdict"]
