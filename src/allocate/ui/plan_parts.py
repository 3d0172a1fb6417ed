"""What the page of the plan is made of."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import pandas as pd
import streamlit as st

from allocate.errors import AllocateError
from allocate.plan import explaining, telling
from allocate.plan.aim import aim_in_words
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.margins import view_of
from allocate.plan.moves import POUND, Moves
from allocate.plan.plan import Plan
from allocate.plan.seats import SeatView, rows_of
from allocate.plan.still import held, held_by, stays
from allocate.plan.trying import guardrails, what_brings_in
from allocate.scenario.scenario import Scenario
from allocate.ui import afresh, panels, parts, pictures, seating, solving
from allocate.ui.afresh import AS_THEY_WERE
from allocate.ui.desk import View
from allocate.ui.parts import Card, Column, Shown, Tile, figure
from allocate.ui.words import AGREED, line_name, money

LOSERS = 8
"""Lines that get less, shown at once."""
RESOLVED = f"{AGREED}, re-solved"
LATER = "Said once the choices are made afresh."
OTHERS = 4
"""Rules told in words below the bars that they cannot be compared with."""


@dataclass(frozen=True)
class Drawing:
    """What a move of a lever waits for, as HTML: the sentence, the tiles and cards, and what the pictures show; `mine`
    is the plan from the seat that is taken, if any."""

    mine: SeatView | None
    said: str
    verdict: str
    story: str
    pictures: tuple[Shown, ...]


_drawings: WeakKeyDictionary[Plan, dict[tuple, Drawing]] = WeakKeyDictionary()


def drawing(view: View, plan: Plan) -> Drawing:
    """The drawing of a plan, remembered: undoing a move finds it, and `ahead` has it made before it is asked for."""
    against, called = yardstick(view)
    key = (against.scenario.digest if against else "", against is plan, called, view.changed, view.draft.seat)
    made = _drawings.setdefault(plan, {})
    if key not in made:
        made[key] = _drawn(view, plan)
    return made[key]


def _drawn(view: View, plan: Plan) -> Drawing:
    mine, said = seating.seen(view, plan), explaining.headline(plan)
    lead, _, rest = said.partition(". ")
    if view.run is not None:
        return _early(view, plan, mine, said, parts.verdict(rest, "note", f"{lead}."))
    doubt = [] if plan.certified else [explaining.assurance(plan)]
    aimed = [said for said in [aim_in_words(plan)] if said]
    verdict = parts.verdict(rest, "note" if doubt else "good", f"{lead}.", [*aimed, *doubt])
    told, asked, seen = (tiles(view, plan), cards(view, plan), shown(plan)) if mine is None else _from(mine, view, plan)
    return Drawing(mine, said, verdict, parts.tiles(told) + parts.cards(asked), tuple(seen))


def _early(view: View, plan: Plan, mine: SeatView | None, said: str, verdict: str) -> Drawing:
    """The drawing of a plan whose choices are still to be made afresh: who gets what, and not yet why."""
    told = tiles(view, plan) if mine is None else seating.seat_tiles(mine, plan, yardstick(view)[1])
    asked = [Card("What changes?", telling.what_changes(plan)), Card("Why?", LATER)]
    pictures_ = [*shown(plan)[:-1], Shown("What shapes the answer", "", LATER)]
    return Drawing(mine, f"{AS_THEY_WERE} {said}", verdict, parts.tiles(told) + parts.cards(asked), tuple(pictures_))


def _from(mine: SeatView, view: View, plan: Plan) -> tuple[list[Tile], list[Card], list[Shown]]:
    """Tiles, cards and pictures from a seat's side."""
    against, called = yardstick(view)
    other = against if view.changed and against is not plan else None
    return (
        seating.seat_tiles(mine, plan, called), seating.seat_cards(mine, plan, other, called),
        seating.seat_pictures(mine, plan),
    )  # fmt: skip


def show(view: View, plan: Plan) -> None:
    """The whole page. Words are drawn first and then pictures, whatever stands between: they are what a move waits
    for."""
    drawn = drawing(view, plan)
    afresh.draw(view)
    parts.draw(drawn.verdict, key="verdict")
    between = st.container(key="between")
    parts.draw(drawn.story, key="story")
    under = st.container(key="under")
    parts.let_go()
    parts.draw(parts.gallery(drawn.pictures, parts.tables_wanted()), key="pictures")
    with between:
        if drawn.mine is not None and view.run is None:
            seating.summary(view, plan, drawn.mine)
        panels.strip(view)
    if view.rebased is not None:
        with under:
            three_columns(view, plan)
    if view.run is None:
        losers(view, plan)
        looser(plan)
        exactly(plan)
    parts.announce(drawn.said)


def tiles(view: View, plan: Plan) -> list[Tile]:
    """Four figures to be seen from afar."""
    moves = Moves.of(plan)
    return [_shared(plan, moves), _aim(view, plan, moves), *_nearness(plan, moves)]


def _shared(plan: Plan, moves: Moves) -> Tile:
    """The money; what of it is left, if any."""
    currency, envelopes = plan.scenario.heading.currency, plan.money
    unspent = float(envelopes.loc[envelopes["unspent"] >= POUND, "unspent"].sum())
    left = f"{pounds(unspent, currency)} left" if unspent else ""
    if not moves.before.any():
        return Tile("Money to share", pounds(float(envelopes["amount"].sum()), currency), left or "all of it placed")
    change = f"{pounds(float(moves.change.sum()), currency, signed=True)} on last year"
    return Tile("Money to share", pounds(float(moves.after.sum()), currency), f"{change}; {left}" if left else change)


def _aim(view: View, plan: Plan, moves: Moves) -> Tile:
    unit, before = explaining.aim_unit(plan), bool(moves.before.any())
    weights = dict(plan.scenario.table("outcomes")[["id", "weight"]].itertuples(index=False, name=None))
    bought = sum(weights[key] * gain for key, gain in (moves.outcome if before else moves.has).items())
    name = "Outcome, against last year" if before else "Outcome"
    below, tone = unit, ""
    against, called = yardstick(view)
    if view.changed and against is not None:
        more = plan.value - against.value
        same = abs(more) <= 1e-9 * abs(plan.value)
        below = f"the same as {called}" if same else f"{number(more, signed=True)} on {called}"
        tone = "" if same else "up" if more > 0 else "down"
    return Tile(name, number(bought, signed=before), below, tone)


def yardstick(view: View) -> tuple[Plan | None, str]:
    """The plan that this one is compared with, and what it is called: the plan as agreed; where assumptions were
    changed, the same re-solved under them."""
    return view.yardstick, AGREED if view.rebased is None else RESOLVED


def _nearness(plan: Plan, moves: Moves) -> list[Tile]:
    near = nearness(plan)
    if not near:
        total = len(moves.change)
        if not moves.before.any():
            out = len(telling.losers(plan))
            return [
                Tile("Lines funded", str(int((moves.after >= POUND).sum())), f"of {total}"),
                Tile("Lines left out", str(out), f"of {total}"),
            ]
        fell, rose = (int((moves.change * sign >= 1).sum()) for sign in (-1, 1))
        return [
            Tile("Lines that get more", str(rose), f"of {total}"),
            Tile("Lines that get less", str(fell), f"of {total}"),
        ]
    now, then = (sum(abs(place[when]) <= pictures.CLOSE for place in near) for when in ("after", "before"))
    worst = min(near, key=lambda place: place["after"])
    return [
        Tile("Places close to fair share", f"{now} of {len(near)}", f"{then} last year; within {pictures.CLOSE:.1%}"),
        Tile("Furthest below fair share", per_cent(worst["after"], signed=True),
             f"{worst['name']}, was {per_cent(worst['before'], signed=True)}"),
    ]  # fmt: skip


def nearness(plan: Plan) -> list[dict]:
    """How far places without smaller ones are from their fair share in the last year: name, before, after (fractions).
    [] where nothing goes by need."""
    table, scenario = plan.places, plan.scenario
    above = set(scenario.table("places")["parent"].dropna())
    columns = ["place", "year", "distance_before", "distance_after"]
    return [
        {"id": place, "name": scenario.name_of("places", place), "before": before, "after": after}
        for place, year, before, after in table[columns].itertuples(index=False, name=None)
        if place not in above and year == scenario.years[-1] and after == after
    ]


def cards(view: View, plan: Plan) -> list[Card]:
    """What changes, why, and what would change our mind, in words."""
    against, called = yardstick(view)
    more = {}
    if view.changed and against is plan and view.rebased is plan:
        more["Against the plan as agreed"] = "You changed assumptions only: the plan as agreed under them is this plan."
    elif view.changed and against is not None and against is not plan:
        more["Against the plan as agreed"] = telling.what_changes(plan, against, called)
    still, ties = held(plan), telling.ties(plan)
    why = " ".join(still) if still else telling.why(plan)
    return [
        Card("What changes?", telling.what_changes(plan), more),
        Card("Why?", f"{why} {ties}" if ties else why),
        Card("What would change our mind?", telling.change_of_mind(plan)),
    ]


def three_columns(view: View, plan: Plan) -> None:
    """The plan as agreed, the same re-solved under the draft's assumptions, and the draft's own plan where that is
    another."""
    held = {"Plan as agreed": view.base, "As agreed, new assumptions": view.rebased}
    if view.rebased is not plan:
        held["Your plan"] = plan
    known = {name: each for name, each in held.items() if each is not None}
    rows = measures(known)
    note = "An assumption was changed, so the plan as agreed was solved again under it: "
    note += (
        "you changed nothing else, so that is your plan." if view.rebased is plan else "compare yours with that one."
    )
    caption = "Three plans side by side" if len(known) > 2 else "Two plans side by side"
    with st.container(border=True, key="card-three"):
        columns = [Column("measure", "Measure"), *(figure(name, name) for name in known)]
        st.html(parts.title("Under your assumptions", note) + parts.table(rows, columns, caption))


def measures(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Money, outcomes and places of several plans in words: measure, and a column a plan."""
    columns = {}
    for name, plan in plans.items():
        moves, say = Moves.of(plan), money(plan)
        said = {"Money shared": say(moves.after.sum())}
        said |= {f"{row.name} ({row.unit})": number(moves.has.get(row.id, 0.0)) for row in outcomes(plan.scenario)}
        said |= {moves.place(key): say(after) for key, _, after in sorted(moves.sums("place"))}
        columns[name] = said
    return pd.DataFrame(columns).rename_axis("measure").reset_index()


def outcomes(scenario: Scenario):
    """The outcomes, as rows."""
    return scenario.outcomes.itertuples()


def shown(plan: Plan) -> list[Shown]:
    """Change by place and by partner, distance from fair share (by programme where nothing goes by need), and what
    shapes the answer."""
    near = nearness(plan)
    gets = "Who gets more" if any_before(plan) else "Who gets what"
    second = _nearby(near) if near else _gains(plan, "programme", f"{gets}: programmes")
    first = _gains(plan, "place", f"{gets}: places")
    third = _gains(plan, "partner", "What it means for each partner")
    return [first, second, third, shape(plan)]


def _gains(plan: Plan, column: str, heading: str) -> Shown:
    """Who gains and who loses: the largest moves as bars, and everybody in the table, those too who stay as they
    are."""
    rows, unit = changes(plan, column), parts.unit(plan)
    moved = [row for row in rows if abs(row["change"]) >= POUND]
    note = "Change on last year" if any_before(plan) else "Amount"
    if not moved:
        view = view_of(plan)
        same = f"Nothing changes: every line is as it was, {held_by(view)}." if stays(view) else ""
        return Shown(heading, note, same or f"No {column}'s total changes.")
    return Shown(
        heading,
        note,
        replace(pictures.change_bars(pictures.largest(moved), unit), table=pictures.change_bars(rows, unit).table),
    )


def any_before(plan: Plan) -> bool:
    """Whether anything was spent before."""
    return bool(Moves.of(plan).before.any())


def _nearby(near: list[dict]) -> Shown:
    """How far places are from their fair share, last year and now."""
    note = f"Above or below the share that need gives; the green band is within {pictures.CLOSE:.1%}"
    picture = pictures.dumbbell(near, pictures.CLOSE, "Last year", "Proposed")
    return Shown("How far each place is from its fair share", note, picture)


def changes(plan: Plan, column: str) -> list[dict]:
    """Rows for bars of change: name, change (£), share of last year, the largest first."""
    names = {"place": "places", "partner": "partners", "programme": "programmes"}[column]
    moves = Moves.of(plan)
    return [
        {
            "name": moves.place(key) if column == "place" else plan.scenario.name_of(names, key),
            "change": after - before,
            "share": after / before - 1 if before else None,
        }
        for key, before, after in moves.sums(column)
    ]


def shape(plan: Plan) -> Shown:
    """What shapes the answer: what easing each rule a little would buy."""
    table, heading = telling.shaping(plan), "What shapes the answer"
    if table.empty:
        return Shown(heading, "", telling.why(plan))
    unit, rows = explaining.aim_unit(plan), {asks: _together(some) for asks, some in table.groupby("asks")}
    asks = max(rows, key=lambda each: (len(rows[each]), each != "1%"))
    note = f"{unit[:1].upper() + unit[1:]} gained if eased by {asks}. Holds for small changes only."
    picture = pictures.worth_bars(rows.pop(asks)[:8], unit)
    said = "".join(parts.paragraph(_by(each, others, unit)) for each, others in rows.items())
    return Shown(heading, note, replace(picture, html=picture.html + said))


def _by(asks: str, rows: list[dict], unit: str) -> str:
    """In words what easing by something else buys, which no bar can be compared with."""
    figures = [number(float(f"{row['worth']:.3g}")) for row in rows[:OTHERS]]
    first, *others = [f"“{row['name']}” {bought}" for row, bought in zip(rows, figures, strict=False)]
    said = "; ".join([f"{first} {unit}", *others])
    more = f"; and {len(rows) - OTHERS} more" if len(rows) > OTHERS else ""
    return f"Not to be compared with these, easing by {asks} would buy: {said}{more}."


def _together(table: pd.DataFrame) -> list[dict]:
    """What shapes the answer, name and worth; envelopes that are worth the same share a row, so that ten alike do not
    hide the rest."""
    groups: dict[str, list[tuple[str, float]]] = {}
    for kind, key, name, worth in table[["kind", "id", "sentence", "worth"]].itertuples(index=False, name=None):
        groups.setdefault(f"{worth:.4g}" if kind == "envelope" else f"{kind} {key}", []).append((name, worth))
    rows = []
    for (name, worth), *others in groups.values():
        more = f" and {len(others)} other{'s' if len(others) > 1 else ''}" if others else ""
        rows.append({"name": name + more, "worth": worth})
    return rows


def losers(view: View, plan: Plan) -> None:
    """Everything that gets less than last year, one by one, with what would bring it back; only a seat's own where one
    is taken."""
    table = telling.losers(plan)
    if view.draft.seat:
        ids, rows = plan.scenario.line_ids, rows_of(plan.scenario, view.draft.seat)
        table = table[table["line"].isin([ids[row] for row in rows])]
    # A few pounds less is what whole pounds leave, and would read as nothing.
    table = table[(table["spend"] < 1) | (table["change"] < -0.0005 * table["baseline"])]
    before = any_before(plan)
    heading = "Who gets less, and why" if before else "Left out, and why"
    yours = " of yours" if view.draft.seat else ""
    heading = f"{heading}: your lines" if yours else heading
    if table.empty:
        none = f"Nothing{yours} gets less than last year." if before else f"Every line{yours} that could be funded is."
        parts.draw(parts.framed(parts.title(heading, none)), key="losers")
        return
    cut, count = -table.loc[table["change"] < 0, "change"].sum(), len(table)
    said = f"{count} lines{yours} get" if count > 1 else f"One line{yours} gets"
    less = f"{money(plan)(cut)} less than last year" if cut >= 1 else "nothing though they could"
    note = f"{said} {less}, the largest fall first."
    if not before:
        gets = "get nothing though they could" if count > 1 else "gets nothing though it could"
        note = f"{count} of {len(plan.scenario.line_ids)} lines {gets}." if not yours else f"{count}{yours} {gets}."
    caption = "lines that get less" if before else "lines left out"
    rows = table.assign(name=[line_name(plan.scenario, row) for row in table.itertuples()])
    first = _listed(plan, rows.head(LOSERS), caption[:1].upper() + caption[1:])
    parts.draw(parts.framed(parts.title(heading, note) + first), key="losers")
    more = f"The other {count - LOSERS}, and what" if count > LOSERS else "What"
    with st.expander(
        f"{more} would bring one {'back' if before else 'in'}", key="other-losers", on_change="rerun"
    ) as fold:
        if fold.open:
            if count > LOSERS:
                st.html(_listed(plan, rows.iloc[LOSERS:], f"More {caption}"))
            _back(plan, rows)


def _listed(plan: Plan, rows: pd.DataFrame, caption: str) -> str:
    share = rows["change"] / rows["baseline"].where(rows["baseline"] > 0)
    columns = [
        Column("name", "Line"), figure("baseline", "Last year", money(plan)),
        figure("spend", "Proposed", money(plan)), figure("change", "Change", money(plan, signed=True)),
        figure("share", "Per cent", functools.partial(per_cent, signed=True)), Column("reason", "Why"),
    ]  # fmt: skip
    if not any_before(plan):
        columns = [Column("name", "Line"), figure("least", "Least it needs", money(plan)), Column("reason", "Why")]
    return parts.table(rows.assign(share=share), columns, caption)


def _back(plan: Plan, rows: pd.DataFrame) -> None:
    names = dict(zip(rows["line"], rows["name"], strict=True))
    asked = f"What would bring one {'back' if any_before(plan) else 'in'}?"
    chosen = st.selectbox(
        asked, list(names), index=None, format_func=lambda line: names[line], key="bring-back",
        placeholder="Choose a line",
    )  # fmt: skip
    if chosen in names:
        try:
            entry = what_brings_in(plan, chosen, solve=solving.answer)
        except AllocateError as error:
            st.html(parts.verdict(str(error), "bad"))
        else:
            st.html(parts.verdict(entry.sentence, "note", f"{names[chosen]}."))


def looser(plan: Plan) -> None:
    """The same plan with the limits on movement half as loose again, and three times: worked out when asked for."""
    fold = st.expander("If movement limits were looser", key="looser", on_change="rerun")
    if not fold.open:
        return
    with fold:
        table = guardrails(plan, solve=solving.answer)
        st.html(parts.paragraph("How much of the answer is the limits on movement, and how much the evidence."))
        if len(table) < 2:
            st.html(parts.paragraph("No rule here limits movement.", "text"))
            return
        signed = functools.partial(number, signed=True)
        table["looser"] = table["looser"].map(
            {1: "As in this plan", 1.5: "Half as loose again", 3: "Three times as loose"}
        )
        bought = [(row.id, f"{row.name} ({row.unit})") for row in outcomes(plan.scenario)]
        columns = [
            Column("looser", "Movement limits"), figure("moved", "Placed differently from last year", money(plan)),
            *(figure(key, name, signed) for key, name in bought),
            Column("riser", "Gains most"), Column("faller", "Loses most"), figure("reduced", "Lines that get less"),
        ]  # fmt: skip
        st.html(
            parts.table(
                table, columns, "The plan with movement limits as they are, half as loose again, and three times"
            )
        )


def exactly(plan: Plan) -> None:
    """How good the answer is, and how it was found."""
    fold = st.expander("Exactly how", key="exactly", on_change="rerun")
    if not fold.open:
        return
    with fold:
        said = [
            explaining.next_pound(plan),
            explaining.unspent(plan),
            explaining.ties(plan),
            explaining.assurance(plan),
        ]
        facts = parts.table(plan.facts, [Column("fact", "Fact"), Column("value", "Value")], "How it was solved")
        st.html(parts.lines(line for line in said if line) + facts)
