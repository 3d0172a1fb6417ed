"""What the page that compares plans is made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from allocate.errors import AllocateError
from allocate.plan import seat_telling
from allocate.plan.comparing import TAKEN, Comparison, Unlike, compare, difference_in_words
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.moves import Moves
from allocate.plan.plan import Plan
from allocate.plan.seats import SeatView, from_seat, rows_of
from allocate.plan.words import some
from allocate.ui import panels, parts, pictures, seating, solving, state
from allocate.ui.address import Draft
from allocate.ui.desk import View, shelf, store
from allocate.ui.knobs import as_read, label_of, words
from allocate.ui.parts import Column, Shown, figure
from allocate.ui.plan_parts import nearness
from allocate.ui.store import Kept, StoreError
from allocate.ui.words import line_name, money

AGREED, DRAFT = "agreed", "draft"
AGREED_NAME, DRAFT_NAME = "As agreed", "Your draft"
ANSWERING = "answering"
"""Set in the session once a counter-offer was begun, so that the visitor is led to where levers and figures are."""
OWN = frozenset({"what"})
"""Columns that the tables here have besides those of a comparison."""
TWO = "What each plan means for you stands here, first of all, once two are chosen."
MOST = 4
COUNTS = ("places", "lines", "rules")
"""Units that the name of the measure says already."""
GAINED = ", against today"
"""How measures end that are a gain."""
PLAN = Path(__file__).with_name("pages") / "plan.py"


def lead_on() -> None:
    """Go on to the plan where a counter-offer was just begun. To be called before anything is drawn."""
    if st.session_state.pop(ANSWERING, False):
        st.switch_page(PLAN)


def show(view: View) -> None:
    """Which plans to lay side by side, what differs, and the plans that were kept."""
    kept = _kept()
    panels.strip(view)
    chosen = _choose(view, kept)
    plans = _plans(view, kept, chosen)
    if len(plans) >= 2:
        _side_by_side(view, _paired(plans))
    else:
        text = "Choose two to four plans. Keep a plan on any page with “Keep this plan”, and it can be chosen here."
        parts.draw(parts.verdict(text, "note"), key=_key(view))
        _waiting(view)
    _library(view, kept)


def _waiting(view: View, text: str = TWO) -> None:
    """Whose seat the page is told from, where there is nothing to compare."""
    mine = seating.seen(view, view.plan) if view.plan is not None else None
    if mine is not None:
        seating.banner(mine, text)


def _key(view: View) -> str:
    """The key of the verdict: where the rules of the draft clash, the page has that verdict above this one."""
    return "verdict" if view.plan is not None else "compared"


def _kept() -> dict[str, Kept]:
    """Every kept plan by id, the newest first."""
    library = store()
    try:
        return {each.id: each for each in library.all()} if library else {}
    except StoreError as error:
        state.tell(str(error))
        return {}


def _choose(view: View, kept: Mapping[str, Kept]) -> list[str]:
    """The plans to compare, as the address has them. Those that are not here are told."""
    draft = view.draft
    names = {AGREED: f"{AGREED_NAME}: {view.book.name}"} | ({DRAFT: DRAFT_NAME} if view.changed else {})
    names |= {key: _named(each, view) for key, each in kept.items()}
    asked = [each for each in draft.plans if each.strip()]
    if missing := [each for each in asked if each not in names and each != DRAFT]:
        st.html(
            parts.verdict(
                f"Not kept on this computer: {', '.join(missing)}. Ask who sent the link for its changes.", "note"
            )
        )
    wanted = [each for each in asked if each in names] or _first(draft, names)
    if more := wanted[MOST:]:
        text = f"{some([names[each] for each in more], len(more))} {'was' if len(more) == 1 else 'were'} left out."
        st.html(parts.verdict(text, "note", "Four plans at most can be compared."))
        wanted = wanted[:MOST]
    key = state.seed("plans-compared", wanted)
    st.multiselect(
        "Plans to compare", list(names), format_func=lambda each: names[each], key=key, max_selections=MOST,
        on_change=_chosen, args=(key,), placeholder="Choose two to four",
    )  # fmt: skip
    return wanted


def _chosen(key: str) -> None:
    state.put(replace(state.draft(), plans=tuple(st.session_state[key])))


def _first(draft: Draft, names: Mapping[str, str]) -> list[str]:
    """What is compared before anybody chooses: a counter-offer with what it answers, else the draft with the agreed."""
    if draft.answers in names and DRAFT in names:
        return [draft.answers, DRAFT]
    return [AGREED, DRAFT] if DRAFT in names else [AGREED]


def _named(kept: Kept, view: View) -> str:
    other = "" if kept.scenario == view.book.key else f" – {kept.scenario}"
    return f"{kept.name} ({kept.author}){other}"


def _plans(view: View, kept: Mapping[str, Kept], chosen: list[str]) -> dict[str, Plan]:
    """The chosen plans by name, solved again where they must be. Those that cannot be had are told."""
    found: dict[str, Plan] = {}
    for key in chosen:
        try:
            name, plan = _plan(view, kept, key)
        except AllocateError as error:
            st.html(parts.verdict(str(error), "bad", f"{kept[key].name if key in kept else key} cannot be shown."))
            continue
        if plan is not None:
            found[_heading(name, kept[key].author if key in kept else "", found)] = plan
    return found


def _paired(plans: dict[str, Plan]) -> dict[str, Plan]:
    """The plans in their order, but first and last the two that words and pictures compare: of more than two, whichever
    the visitor says."""
    names = list(plans)
    if len(names) < 3:
        return plans
    pairs = list(itertools.combinations(names, 2))
    first, last = st.selectbox(
        "Words and pictures compare", pairs, index=pairs.index((names[0], names[-1])), key="pair",
        format_func=lambda pair: f"“{pair[1]}” against “{pair[0]}”", help="The tables have every plan.",
    )  # fmt: skip
    return {name: plans[name] for name in (first, *(each for each in names if each not in (first, last)), last)}


def _heading(name: str, author: str, others: Container[str]) -> str:
    """What heads a plan's column: its name, with its author where another plan or a table's own column has it."""
    own = {AGREED_NAME, DRAFT_NAME} if author else set()
    tries = (name, f"{name} ({author})", *(f"{name} ({author}, {number})" for number in range(2, 9)))
    return next(each for each in tries if each not in others and each not in TAKEN | OWN | own)


def _plan(view: View, kept: Mapping[str, Kept], key: str) -> tuple[str, Plan | None]:
    if key == AGREED:
        return AGREED_NAME, view.base
    if key == DRAFT:
        return DRAFT_NAME, view.plan
    each = kept[key]
    book = shelf().get(each.scenario, each.base)
    return each.name, solving.answer(solving.change(book.scenario, each.changes))


def _side_by_side(view: View, plans: Mapping[str, Plan]) -> None:
    try:
        found = compare(plans)
    except Unlike as error:
        text = "They would be unlike for unlike."
        parts.draw(parts.verdict(text, "bad", "These plans cannot be compared.", error.reasons), key=_key(view))
        return
    names = found.names
    one, other = plans[names[0]], plans[names[-1]]
    if _same(found):
        _told_same(view, names)
        return
    said = difference_in_words(one, other, (f"“{names[0]}”", f"“{names[-1]}”"))
    lead = f"<h2>{parts.plain(names[-1])} against {parts.plain(names[0])}</h2>"
    notes = "".join(parts.paragraph(note, "text") for note in found.notes)
    parts.draw(f"<div class='al-verdict al-note'>{lead}{parts.sentences(said)}{notes}</div>", key=_key(view))
    if view.plan is not None:  # else the clash was announced
        parts.announce(said)
    seat = _seat(view, found)
    if seat:
        _for_me(view, found, one, other)
    with st.container(border=True, key="card-changes"):
        st.html(_changes(view, found))
    with st.container(border=True, key="card-headline"):
        st.html(_headline(found))
    _pictures(found, one, other)
    with st.container(border=True, key="card-partners"):
        st.html(_by(found, "partner", "Partner by partner", one))
    with st.expander("Line by line", key="lines-differ", on_change="rerun") as fold:
        if fold.open:
            st.html(_lines(found, one))


def _for_me(view: View, found: Comparison, one: Plan, other: Plan) -> None:
    """What the plans mean for the seat that is taken, before what they mean for all."""
    seats = {name: from_seat(plan, view.draft.seat) for name, plan in found.plans.items()}
    first, last = found.names[0], found.names[-1]
    seating.banner(seats[last], seat_telling.against_other(seats[last], other, one, f"“{first}”"))
    columns = [
        Column("measure", "Measure"), *(figure(name, name) for name in found.names), figure("difference", "Difference"),
    ]  # fmt: skip
    heading = parts.title(f"For {seats[last].name}", f"The difference is “{last}” less “{first}”.")
    rows = parts.table(my_measures(found.plans, seats), columns, f"What each plan means for {seats[last].name}")
    with st.container(border=True, key="card-for-me"):
        st.html(heading + rows)
    if told := my_lines(seats[last], one, other):
        bars = pictures.change_bars(pictures.largest(told), parts.unit(other))
        heading = parts.title("What changes for you between the two", f"“{last}” less “{first}”, line by line")
        parts.draw(parts.framed(heading + bars.html), key="my-lines")


def _seat(view: View, found: Comparison) -> str:
    """The seat that is taken, where these plans have it; they may be of another scenario than the one that is open."""
    table, _, key = view.draft.seat.partition(".")
    one = next(iter(found.plans.values())).scenario
    return view.draft.seat if table and key in set(one.table(table)["id"]) else ""


def my_measures(plans: Mapping[str, Plan], seats: Mapping[str, SeatView]) -> pd.DataFrame:
    """What plans mean for a seat, in words: measure, a column a plan, difference (the last less the first)."""
    columns = {name: _my_figures(seat, plans[name]) for name, seat in seats.items()}
    (first, *_, last), rows = columns.values(), []
    for measure, (_, say) in first.items():
        said = {name: say(found[measure][0], signed=False) for name, found in columns.items() if measure in found}
        change = last[measure][0] - first[measure][0] if measure in last else float("nan")
        rows.append({"measure": measure, **said, "difference": say(change, signed=True)})
    return pd.DataFrame(rows)


def _my_figures(mine: SeatView, plan: Plan) -> dict[str, tuple[float, Callable[..., str]]]:
    """What a plan means for a seat: measure to its figure and how that is said."""
    in_pounds = partial(_in_pounds, plan)
    found: dict[str, tuple[float, Callable[..., str]]] = {"Your money": (mine.spend, in_pounds)}
    found[f"If no plan is agreed: {mine.fallback_name}"] = (mine.fallback, in_pounds)
    found |= {
        f"{name} ({unit}){GAINED}": (change, _signed(number))
        for name, unit, change in mine.outcomes[["name", "unit", "change"]].itertuples(index=False, name=None)
    }
    if mine.from_need is not None:
        found["Your money above or below your part of need"] = (mine.from_need[1], _signed(per_cent))
    return found | {"Rules that bind you": (float(len(mine.rules)), number)}


def _signed(say: Callable[..., str]) -> Callable[..., str]:
    """How a figure is said that always has its sign."""
    return lambda value, signed=True: say(value, signed=True)


def _in_pounds(plan: Plan, amount: float, signed: bool = False) -> str:
    return money(plan, signed)(amount)


def my_lines(mine: SeatView, one: Plan, other: Plan) -> list[dict]:
    """Rows for bars of what differs on a seat's lines between two plans, the largest rise first."""
    moves, rows = seat_telling.moves_of(other, mine.seat, one), rows_of(other.scenario, mine.seat)
    lines, before, after = other.scenario.table("lines").iloc[rows], moves.before[rows], moves.after[rows]
    told = seating.summed(other, lines, seating.kinds_of(mine), before.tolist(), after.tolist())
    return [row for row in told if abs(row["change"]) >= 1]


def _same(found: Comparison) -> bool:
    """Whether nothing at all differs between the plans."""
    if not (found.changes.empty and found.lines.empty):
        return False
    figures = found.headline[found.names]
    near = (figures.max(axis=1) - figures.min(axis=1)).fillna(0.0) <= 1e-9 * figures.abs().max(axis=1).clip(lower=1.0)
    return bool(near.all())


def _told_same(view: View, names: list[str]) -> None:
    """One sentence, in place of pictures and tables of nothing."""
    said = some([f"“{each}”" for each in names], len(names))
    text = f"{said} are the same plan: move a lever, here or on The plan, and what differs stands here."
    parts.draw(parts.verdict(text, "note"), key=_key(view))
    if view.plan is not None:
        parts.announce(text)
        _waiting(view, "The same for you under each.")


def _stood(plan: Plan, path: str) -> str:
    """What stands at a path of a plan that does not change it: '£1,874.7m, as agreed'."""
    agreed = plan.scenario.base or plan.scenario
    now = as_read(agreed, path)
    if now is None:
        return "No such rule" if path.startswith("rules.") and path.count(".") == 1 else AGREED_NAME
    return f"{words(agreed, path, now)}, as agreed"


def _changes(view: View, found: Comparison) -> str:
    """HTML of what was changed, where the plans differ."""
    heading = parts.title("What was changed", "Only what differs between them.")
    table = found.changes
    if table.empty:
        return heading + parts.paragraph("Nothing: they are the same plan.")
    table["what"] = [label_of(view.agreed, path) for path in table["path"]]
    for name, plan in found.plans.items():
        told = plan.scenario.changes
        table[name] = [
            words(view.agreed, path, told[path]) if path in told else _stood(plan, path) for path in table["path"]
        ]
    table["panel"] = table["panel"].str.capitalize()
    columns = [Column("panel", "Panel"), Column("what", "What"), *(Column(name, name) for name in found.names)]
    return heading + parts.table(table[[c.name for c in columns]], columns, "Changes that differ")


def _headline(found: Comparison) -> str:
    """HTML of the measures that plans are judged by, the best marked."""
    table = found.headline
    rows = []
    for row in table.to_dict("records"):
        said = {
            name: _measured(row["measure"], row[name], row["unit"]) + (" (best)" if name in _best(row["best"]) else "")
            for name in found.names
        }
        rows.append({"measure": row["measure"]} | said)
    columns = [Column("measure", "Measure"), *(figure(name, name) for name in found.names)]
    note = "“Best” stands where one plan is better than another by that measure alone."
    return parts.title("Headlines", note) + parts.table(pd.DataFrame(rows), columns, "Headline measures of each plan")


def _best(text: str) -> list[str]:
    return [each.strip() for each in text.split(",")] if text else []


def _measured(measure: str, value: float, unit: str) -> str:
    """A measure in its unit: a currency's sign, a share, a count, or what is gained, with its sign."""
    if value != value:
        return ""
    if len(unit) == 1 and not unit.isalnum() and unit != "%":
        return pounds(value, unit)
    if unit == "of fair share":
        return per_cent(value, signed=True)
    if unit in COUNTS:
        return number(value)
    return f"{number(value, signed=measure.endswith(GAINED))} {unit.removesuffix(' of the agreed aim')}"


def _pictures(found: Comparison, one: Plan, other: Plan) -> None:
    unit, names = parts.unit(one), (found.names[0], found.names[-1])
    first, last = (
        {"name": name, "amount": Moves.of(plan).after.sum()} for name, plan in zip(names, (one, other), strict=True)
    )
    steps = [{"name": row.name, "change": row.difference} for row in found.by("place").itertuples()]
    waterfall = pictures.waterfall(first, [step for step in steps if abs(step["change"]) >= 1], last, unit)
    note = f"By place, from “{names[0]}” to “{names[1]}”"
    cards = [Shown("What changes between the two", note, waterfall)]
    before, after = ({place["id"]: place for place in nearness(each)} for each in (one, other))
    shared = [(place, after[key]) for key, place in before.items() if key in after]
    both = [{"name": a["name"], "before": a["after"], "after": b["after"]} for a, b in shared]
    if both:
        note = f"The green band is within {pictures.CLOSE:.1%}"
        cards.append(Shown("Distance from fair share", note, pictures.dumbbell(both, pictures.CLOSE, *names)))
    parts.draw(parts.gallery(cards, parts.tables_wanted()), key="pictures")
    heat = pictures.heatmap(_moves(found), unit)
    note = f"“{names[1]}” less “{names[0]}”, by place and programme"
    shown = parts.title("Where the money moves", note) + (heat.html or parts.paragraph(heat.alt))
    parts.draw(parts.framed(shown), key="heat")


def _moves(found: Comparison) -> list[dict]:
    """Differences by place and programme."""
    first, last = (found.plans[name] for name in (found.names[0], found.names[-1]))
    sums = [each.by("place", "programme").set_index(["place", "programme"])["spend"] for each in (first, last)]
    change = sums[1].sub(sums[0], fill_value=0.0)
    least = 5e4 if parts.unit(first).endswith("m") else 1.0
    for level in ("place", "programme"):
        # What no plan moves only hides what one does.
        moved = change.abs().groupby(level=level).max()
        change = change[change.index.get_level_values(level).isin(moved.index[moved >= least])]
    name = first.scenario.name_of
    return [
        {"place": name("places", place), "programme": name("programmes", programme), "change": value}
        for (place, programme), value in change.items()
    ]


def _by(found: Comparison, column: str, heading: str, one: Plan) -> str:
    """HTML of pounds by partner or place, the largest difference first."""
    table, say = found.by(column), money(one)
    columns = [
        Column("name", column.capitalize()), *(figure(name, name, say) for name in found.names),
        figure("difference", "Difference", money(one, signed=True)),
    ]  # fmt: skip
    note = f"The difference is “{found.names[-1]}” less “{found.names[0]}”; the largest first."
    return parts.title(heading, note) + parts.table(table, columns, heading)


def _lines(found: Comparison, one: Plan) -> str:
    """HTML of every line that gets another sum."""
    table = found.lines
    if table.empty:
        return parts.paragraph("No line differs.")
    table["name"] = [line_name(one.scenario, row) for row in table.itertuples()]
    columns = [
        Column("name", "Line"), *(figure(name, name, money(one)) for name in found.names),
        figure("difference", "Difference", money(one, signed=True)),
    ]  # fmt: skip
    return parts.table(table, columns, "Lines that differ, the largest difference first")


def _library(view: View, kept: Mapping[str, Kept]) -> None:
    """The plans that were kept: open one, answer it, or take it away."""
    st.html(parts.title(f"Kept plans ({len(kept)})", "Kept on the computer that runs this explorer."))
    for each in kept.values():
        with st.container(border=True, key=f"card-kept-{each.id}"):
            st.html(_told(view, each, kept))
            with st.container(horizontal=True, key=f"kept-actions-{each.id}"):
                st.button("Open", key=f"open-{each.id}", on_click=_open, args=(each,))
                st.button("Make a counter-offer", key=f"answer-{each.id}", on_click=_answer, args=(each,))
                with st.popover("Remove", key=f"remove-{each.id}"):
                    st.html(parts.paragraph("It goes for everybody, and cannot be brought back."))
                    st.button("Remove it for good", key=f"gone-{each.id}", on_click=_remove, args=(each,))


def _told(view: View, kept: Kept, all_kept: Mapping[str, Kept]) -> str:
    """HTML of a kept plan: its name, whose, when, what it changes, and its note."""
    when = kept.kept_at.replace("T", " ")[:16]
    currency, total = view.agreed.heading.currency, kept.headline.get("spend")
    said = [f"{kept.author}, {when}."]
    if isinstance(total, int | float):
        said.append(f"{pounds(float(total), currency)} shared; {len(kept.changes)} changed from base.")
    if kept.answers in all_kept:
        answered = all_kept[kept.answers]
        said.append(f"A counter-offer to “{answered.name}” ({answered.author}).")
    if kept.scenario != view.book.key:
        said.append(f"Of another scenario: {kept.scenario}.")
    note = parts.paragraph(kept.note, "text") if kept.note else ""
    changes = ""
    if kept.scenario == view.book.key and kept.changes:
        told = kept.changes.items()
        changes = "".join(
            panels.change_said(view.agreed, path, value, kept.reasons.get(path, "")) for path, value in told
        )
    return parts.title(kept.name, " ".join(said), level=3) + note + changes


def _open(kept: Kept) -> None:
    state.put(
        Draft(kept.scenario, kept.base, kept.changes, kept.reasons, seat=state.draft().seat, plans=state.draft().plans)
    )
    state.tell(f"Opened “{kept.name}” by {kept.author}. What you change now is your own draft.")


def _answer(kept: Kept) -> None:
    state.put(Draft(kept.scenario, kept.base, kept.changes, kept.reasons, seat=state.draft().seat, answers=kept.id))
    st.session_state[ANSWERING] = True
    state.tell(f"A counter-offer to “{kept.name}” by {kept.author}: change what you would do otherwise, then keep it.")


def _remove(kept: Kept) -> None:
    library = store()
    if library is not None:
        state.attempt(lambda: library.remove(kept.id))
        state.put(replace(state.draft(), plans=tuple(each for each in state.draft().plans if each != kept.id)))
