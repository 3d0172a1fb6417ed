"""What the page of places is made of: which practices and places, what the drawing says, a map and its table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from allocate.places import COMPONENTS, Drawing, Practices
from allocate.places.practices import short
from allocate.places.rounding import Rounding
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.place_telling import apart, beyond_equal, in_millions, shared
from allocate.plan.words import count
from allocate.scenario.scenario import Scenario
from allocate.ui import desk, parts, pictures, place_file_parts, place_money_parts, place_seat, state
from allocate.ui.maps import MOST, marks, place_map, practice_table
from allocate.ui.parts import Column, Tile, figure
from allocate.ui.place_work import ROUND, Work, reasons, work

WAYS = {
    "district": "Local authority districts", "pcn": "Primary care networks", "practice": "Each practice by itself",
    "file": "A file of my own",
}  # fmt: skip
LONG = 40
"""Places that fit a table in the page; more are listed in a grid that scrolls."""
NEAR = 0.025
"""A place this near its fair share is near it."""
WHOLE = ("target", "beyond", "population", "practices")
"""Columns of whole numbers."""
CAVEAT = (
    "Fair shares are as good as the formula. Places are lists of patients, not residents; unmet need, ambulances and "
    "specialised services are not in it; and the smaller the place, the shakier its share. Social care and public "
    "health money follow other formulas."
)
LICENCE = "Contains public sector information licensed under the Open Government Licence v3.0."


def show(scenario: Scenario, seat: str = "") -> None:
    """Which practices and places; their map and table; distance and pace of change; and folds for the rest. From a seat
    (`partners.<id>` or `places.<id>`), what of that is about it first."""
    found = work(state.asked(), desk.tray(), _names(scenario))
    lead, text, tone, more = verdict(found)
    parts.draw(parts.verdict(text, tone, lead), _more(more), key="verdict")
    parts.announce(f"{lead} {text}".strip())
    if seat:
        name, told = place_seat.told(scenario, seat, found, own_places(scenario))
        parts.draw(parts.verdict(told, "note", f"{name}."), key="seat")
    if found.practices is None:
        place_file_parts.bring_practices(open=True)
        _own_places(scenario)
    else:
        _controls(found)
        if found.drawing is None:
            _undrawn(found)
        else:
            _drawn(found, found.drawing)
    credit = f" {LICENCE}" if found.practices is not None else ""
    st.html(parts.paragraph(f"{CAVEAT} Worked out on this computer; no figure leaves it.{credit}"))


def _names(scenario: Scenario) -> list[str]:
    """What the system that is open is called."""
    tops = scenario.places.loc[scenario.places["parent"].isna() | (scenario.places["parent"] == ""), "name"]
    return [scenario.heading.name, *map(str, tops)]


# --- what is said first ----------------------------------------------------------------------------------------------


def verdict(found: Work) -> tuple[str, str, str, list[str]]:
    """What the page opens with: a lead, a sentence, its tone, and lines below it."""
    practices, drawing = found.practices, found.drawing
    if practices is None:
        if "file" in found.faults:
            return (
                "This practice file cannot be used.",
                "Put this right and bring it again.",
                "bad",
                _told(found, "file"),
            )
        text = (
            "Bring NHS England's practice-level file, draw your places from general practices, and see what is fair "
            "for each. The file is read on this computer and not kept."
        )
        return "No practice file is open.", text, "note", []
    if "drawing" in found.faults:
        wrong = _told(found, "drawing")
        lead = "This drawing is refused." if len(wrong) < 2 else f"This drawing is refused, for {len(wrong)} reasons."
        return lead, "No money is shared before every practice is in one place, and in one alone.", "bad", wrong
    if drawing is None:
        if state.asked().by == "file":
            text = "It says which practice, PCN or district is in which place."
            return "Bring a file that draws your places.", text, "note", []
        text = f"{practices.file} has {count(len(practices.systems), 'system')} and {len(practices.table):,} practices."
        return "Choose a system.", text, "note", list(practices.notes)
    lead = f"{drawing.system_name}: every practice is in one place."
    said = _sentence(found, drawing)
    return lead, said, "good", [*practices.notes, *drawing.notes]


def _more(lines: list[str], most: int = 3) -> str:
    """HTML of what is said below a verdict; what comes after the first few is in a fold."""
    first, rest = (lines, []) if len(lines) <= most + 1 else (lines[:most], lines[most:])
    fold = f"<details class='al-figures'><summary>{len(rest)} more</summary>{parts.lines(rest)}</details>"
    return (parts.lines(first) if first else "") + (fold if rest else "")


def _told(found: Work, stage: str) -> list[str]:
    """What is wrong at a stage, a line each."""
    return reasons(found.faults[stage])


def _sentence(found: Work, drawing: Drawing) -> str:
    year = f" in {drawing.practices.year}" if drawing.practices.year else ""
    size = f"{count(len(drawing.places), 'practice')}{year}, {count(len(drawing.within), 'place')}."
    if "money" in found.faults:
        return f"{size} {reasons(found.faults['money'])[0]}"
    return f"{size} {shared(drawing, found.targets) if found.distances is None else apart(drawing, found.distances)}"


# --- what is chosen --------------------------------------------------------------------------------------------------


def _controls(found: Work) -> None:
    """Which system, how its places are drawn, and what is shared; where a file draws them and has not, that file."""
    asked, practices = state.asked(), found.practices
    assert practices is not None
    names = {str(code): short(str(name)) for code, name in practices.systems["name"].sort_values().items()}
    drawn, system = found.drawing, found.system if found.system in names else None
    ways = {
        key: text for key, text in WAYS.items() if key != "pcn" or asked.by == "pcn" or _has_pcns(practices, system)
    }
    with st.container(horizontal=True, vertical_alignment="bottom", key="place-controls"):
        key = state.seed("place-system", system)
        st.selectbox(
            "System", list(names), format_func=lambda each: names.get(each, each), key=key, on_change=_system,
            args=(key,), placeholder="Choose a system",
        )  # fmt: skip
        key = state.seed("place-by", asked.by)
        st.selectbox("Places are", list(ways), format_func=ways.get, key=key, on_change=_by, args=(key,))
        if drawn is not None:
            place_money_parts.money_box("core", "Money to share by core need (£m)", _placeholder(found))
    if drawn is None and asked.by == "file":
        place_file_parts.bring_places()
    if drawn is None and asked.put:
        st.button("Undo the changes by hand", on_click=state.ask, kwargs={"put": ()}, key="put-anew")


def _placeholder(found: Work) -> str:
    return f"{ROUND / 1e6:.0f}" if found.opening is None else "all that places open with"


def _has_pcns(practices: Practices, system: str | None) -> bool:
    return bool((practices.practices(system)["pcn"] != "").any())


def _system(key: str) -> None:
    """Another system: what was drawn by hand, and looked at, was of the one before."""
    if st.session_state[key]:
        state.ask(system=st.session_state[key], put=(), look="", opening="")


def _by(key: str) -> None:
    state.ask(by=st.session_state[key], put=(), look="")


# --- where there is no drawing ---------------------------------------------------------------------------------------


def _own_places(scenario: Scenario) -> None:
    """The places of the scenario that is open, so that the page shows some before any file is brought."""
    told = own_places(scenario)
    if told.empty:
        return
    columns = [
        Column("name", "Place"), figure("people", "People", lambda each: f"{each:,.0f}"),
        figure("share", "Fair share of each £100m", lambda each: pounds(each * ROUND)),
        figure("index", "Need a head, system = 1", "{:.3f}".format),
    ]  # fmt: skip
    note = "As its scenario has them, by weighted people. A practice file lets you draw others."
    with st.container(border=True, key="card-own-places"):
        heading = f"The places of {scenario.heading.name}"
        st.html(parts.title(heading, note) + parts.table(told, columns, heading))


def own_places(scenario: Scenario) -> pd.DataFrame:
    """The places of a scenario at the foot of its tree: id, name, people, share (of weighted people) and index (need a
    head against all); empty where it has no need to go by."""
    table = scenario.places
    rows = table[~table["id"].isin(table["parent"].dropna())]
    if rows.empty or rows["need"].isna().any() or rows["need"].sum() <= 0 or (rows["population"] <= 0).any():
        return pd.DataFrame()
    share = rows["need"] / rows["need"].sum()
    people = rows["population"] / rows["population"].sum()
    return pd.DataFrame(
        {"id": rows["id"], "name": rows["name"], "people": rows["population"], "share": share, "index": share / people}
    ).reset_index(drop=True)


def _undrawn(found: Work) -> None:
    """The systems to choose from, or ways to put a drawing right."""
    practices = found.practices
    assert practices is not None
    if "drawing" not in found.faults and state.asked().by != "file":
        rows = practices.systems.sort_values("name").reset_index()
        rows["name"] = rows["name"].map(lambda each: short(str(each)))
        columns = [
            Column("name", "System"), figure("practices", "Practices", "{:,}".format),
            figure("population", "People", "{:,.0f}".format),
            *(figure(each, f"{COMPONENTS[each]}, England = 1", "{:.3f}".format)
              for each in ("core", "primary") if each in rows),
        ]  # fmt: skip
        with st.container(border=True, key="card-systems"):
            heading = parts.title("The systems of this file", "Need a head. Choose one above.")
            st.html(heading + parts.table(rows, columns, f"Systems in {practices.file}"))
    place_file_parts.bring_practices()


# --- a drawing -------------------------------------------------------------------------------------------------------


def _drawn(found: Work, drawing: Drawing) -> None:
    """A drawing: figures from afar, the map and the table beside it, distance and pace, and the folds."""
    if not found.targets.empty:
        parts.draw(parts.tiles(tiles(found, drawing)), key="story")
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(border=True, key="card-map"):
        _map(found, drawing)
    with right, st.container(border=True, key="card-places"):
        _table(found, drawing)
    place_money_parts.distance(found, drawing)
    place_money_parts.pace_of_change(found, drawing)
    place_file_parts.by_hand(found, drawing)
    _need(drawing)
    _practices(drawing)
    place_money_parts.steadiness(found, drawing)
    place_file_parts.saving(found, drawing)
    place_file_parts.bring_practices(drawn=drawing)


def tiles(found: Work, drawing: Drawing) -> list[Tile]:
    """Four figures: the money, who is furthest above and below, and the system's own need."""
    total = float(found.targets["target"].sum())
    millions = in_millions(found.targets["target"])
    below = "as you gave it" if state.asked().amounts else "a round sum: give your own above"
    if found.opening is not None and not state.asked().amounts:
        below = "all that places open with"
    own = drawing.system_indices()["core"]
    need = Tile("Core need a head", f"{own:.3f}", "of England's")
    money = Tile("Money to share", pounds(total), below)
    if found.distances is None:
        away = beyond_equal(drawing, found.targets)
        said = {place: (_pounds(away[place], millions), drawing.names[place]) for place in away.index}
        name = "an equal sum a head"
    else:
        away, name = found.distances["rate"].fillna(0.0), "fair share"
        said = {
            place: (
                per_cent(away[place], signed=True),
                f"{_pounds(found.distances.at[place, 'distance'], millions)}, {drawing.names[place]}",
            )
            for place in away.index
        }
        near = int((found.distances["rate"].abs() <= NEAR).sum())
        need = Tile(f"Within {per_cent(NEAR)} of fair share", f"{near} of {len(away)}", "places, as they open")
    ends = [
        Tile(f"Furthest {word} {name}", *said[place])
        for word, place in (("above", away.idxmax()), ("below", away.idxmin()))
    ]
    return [money, *ends, need]


def _pounds(amount: float, millions: bool) -> str:
    return pounds(amount, signed=True, millions=millions)


def _map(found: Work, drawing: Drawing) -> None:
    """The map, and which place to look at; bars, where the file does not say where practices are."""
    look = state.asked().look if state.asked().look in drawing.within else ""
    chart = place_map(drawing, look)
    if not chart.spec:
        _without_map(found, drawing)
        return
    st.html(parts.title("Where they are", _map_note(drawing)))
    options = ["", *drawing.within]
    key = state.seed("place-look", look)
    st.selectbox(
        "Look at", options, format_func=lambda each: drawing.names[each] if each else "All places", key=key,
        on_change=_look, args=(key,),
    )  # fmt: skip
    spec = {name: part for name, part in chart.spec.items() if name != "description"}
    st.vega_lite_chart(spec, width="stretch", theme=None, key="chart-places", alt=chart.alt)


def _without_map(found: Work, drawing: Drawing) -> None:
    """What is drawn instead of a map: fair shares against an equal sum a head."""
    note = f"{drawing.practices.file} has no latitude and longitude of practices, so there is no map."
    heading = parts.title("Who gets more than an equal sum a head", note)
    if found.targets.empty:
        st.html(heading)
        return
    away, unit = beyond_equal(drawing, found.targets), "£m" if in_millions(found.targets["target"]) else "£"
    rows = [{"name": drawing.names[str(place)], "change": amount} for place, amount in away.items()]
    st.html(heading + pictures.change_bars(pictures.largest(rows), unit).html)


def _look(key: str) -> None:
    state.ask(look=st.session_state[key] or "")


def _map_note(drawing: Drawing) -> str:
    how = "marked by place" if len(drawing.within) <= MOST else "blue where need a head is above the system's"
    table = drawing.practices.table.loc[drawing.places.index]
    missing = int(table["latitude"].isna().sum()) if "latitude" in table else 0
    left_out = f" {count(missing, 'practice')} without coordinates left out." if missing else ""
    return f"Each point is a practice, as large as its list, {how}. Hover for its name.{left_out}"


def _table(found: Work, drawing: Drawing) -> None:
    """Fair shares in pounds and need a head, a row for each place."""
    table = figures(found, drawing)
    millions = "target" in table and in_millions(table["target"].iloc[:-1])
    columns = [Column("name", "Place")]
    if "target" in table:
        columns += [
            figure("target", "Fair share", lambda each: pounds(each, millions=millions)),
            figure("beyond", "Against an equal sum a head", lambda each: pounds(each, signed=True, millions=millions)),
        ]
    columns += [figure("system", "Need against system", _index), figure("england", "Need against England", _index)]
    note = "Core need a head; the average is 1. The two indices cannot be compared with each other."
    st.html(parts.title("What is fair for each", note))
    if len(drawing.within) > LONG:
        _grid(table, columns, "place-table")
        return
    lead = [mark.html for mark in marks(drawing).values()] if "latitude" in drawing.practices.table else []
    looked = state.asked().look
    mark = [list(drawing.within).index(looked)] if looked in drawing.within else []
    st.html(parts.table(table, columns, "Fair shares and need by place", mark, total=True, lead=lead))


def figures(found: Work, drawing: Drawing) -> pd.DataFrame:
    """A row a place, and last the system's: name, target and beyond (pounds against an equal sum a head) where money is
    shared, and core need against the system and England."""
    table = pd.DataFrame({"name": [drawing.names[place] for place in drawing.within]}, index=list(drawing.within))
    last: dict[str, Any] = {"name": drawing.system_name}
    if not found.targets.empty:
        table["target"], table["beyond"] = found.targets["target"], beyond_equal(drawing, found.targets)
        last |= {"target": table["target"].sum(), "beyond": np.nan}
    for base in ("system", "england"):
        table[base] = drawing.indices(base)["core"]
    last |= {"system": 1.0, "england": drawing.system_indices()["core"]}
    return pd.concat([table, pd.DataFrame([last])], ignore_index=True)


def _index(value: float) -> str:
    return f"{value:.3f}"


def _grid(table: pd.DataFrame, columns: list[Column], key: str) -> None:
    """A long table as a grid that scrolls and sorts; figures stay figures."""
    shown = table[[each.name for each in columns]]
    settings: dict[str, Any] = {
        each.name: st.column_config.NumberColumn(each.heading, format="localized" if each.name in WHOLE else "%.3f")
        if each.figure else st.column_config.TextColumn(each.heading)
        for each in columns
    }  # fmt: skip
    st.dataframe(shown.round({name: 0 for name in WHOLE}), hide_index=True, key=key, height=520, column_config=settings)


# --- folds -----------------------------------------------------------------------------------------------------------


def _need(drawing: Drawing) -> None:
    """Need a head by component, against the system or England, rounded as the tool does where asked."""
    asked = state.asked()
    with st.expander("Need, part by part", key="need", on_change="rerun") as fold:
        if not fold.open:
            return
        bases = {"system": f"{drawing.system_name} = 1", "england": "England = 1"}
        with st.container(horizontal=True, vertical_alignment="bottom", key="need-controls"):
            key = state.seed("place-base", asked.base)
            st.selectbox(
                "Against", list(bases), format_func=bases.get, key=key, on_change=state.ask_as, args=("base", key)
            )
            key = state.seed("place-nhse", asked.nhse)
            st.toggle("Round as NHS England's tool does", key=key, on_change=state.ask_as, args=("nhse", key))
        rows = need_table(drawing, asked.base, asked.nhse)
        columns = [
            Column("name", "Place"), figure("practices", "Practices", number), figure("population", "People", _whole),
            *(figure(each, text, _index) for each, text in COMPONENTS.items() if each in rows),
            *(figure(f"headline_{each}", f"{COMPONENTS[each].split(',')[0]} as the tool's page has it", "{:.2f}".format)
              for each in ("core", "primary") if f"headline_{each}" in rows),
        ]  # fmt: skip
        note = "Core and primary care are the whole formulas; the other columns are parts of core, never added again."
        caption = f"Need a head, {bases[asked.base]}"
        if len(rows) > LONG:
            _grid(rows, columns, "need-table")
        else:
            st.html(parts.table(rows, columns, caption, total=True))
        st.html(parts.paragraph(note))


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def need_table(drawing: Drawing, base: str, nhse: bool) -> pd.DataFrame:
    """A row a place, and last the system's: name, practices, population and the index of every component."""
    rounding: Rounding = "nhse" if nhse else "exact"
    indices = drawing.indices(base, rounding)
    if base == "england":
        indices = indices.drop(columns=[name for name in indices if name.startswith("headline_")])
    table = pd.DataFrame({"name": [drawing.names[place] for place in drawing.within]}, index=list(drawing.within))
    table["practices"], table["population"] = drawing.counts(), drawing.sums(rounding)["population"]
    own = drawing.system_indices(rounding)
    last = {"name": drawing.system_name, "practices": len(drawing.places), "population": table["population"].sum()}
    ends = {name: 1.0 if base == "system" else own[name] for name in indices}
    return pd.concat([table.join(indices), pd.DataFrame([last | ends])], ignore_index=True)


def _practices(drawing: Drawing) -> None:
    """The practices, of the place that is looked at or of all."""
    look, table = state.asked().look, practice_table(drawing)
    with st.expander("The practices", key="practices", on_change="rerun") as fold:
        if not fold.open:
            return
        if look in drawing.within:
            table = table[table["place"] == look]
        whose = f"The practices of {drawing.names[look]}" if look in drawing.within else "The practices of all places"
        st.html(parts.title(f"{whose} ({len(table):,})", "Choose a place beside the map to see its own alone."))
        heads = {"name": "Practice", "practice": "Code", "place_name": "Place", "pcn": "PCN", "district": "District"}
        heads = {name: text for name, text in heads.items() if name != "pcn" or (table["pcn"] != "").any()}
        st.dataframe(
            table[[*heads, "population", "need"]].assign(population=np.round(table["population"])), hide_index=True,
            key="practice-table", height=420,
            column_config={
                **{name: st.column_config.TextColumn(text) for name, text in heads.items()},
                "population": st.column_config.NumberColumn("People", format="localized"),
                "need": st.column_config.NumberColumn("Need a head, system = 1", format="%.3f"),
            },
        )  # fmt: skip
