"""The money of places: distance from fair share, the pace of change, and how steady it all is."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from allocate.places import Drawing, stability, writing
from allocate.plan.figures import per_cent, pounds
from allocate.plan.place_telling import in_millions, lost
from allocate.ui import parts, pictures, place_file_parts, state
from allocate.ui.parts import Column, Shown, figure
from allocate.ui.pictures import CLOSE
from allocate.ui.place_work import LIMITS, Work, reasons

POLICIES = {
    "close": "All at their fair share by the last year",
    "no-cash-loser": "No place loses cash",
    "bands": "Growth between a least and a most",
    "no-overshoot": "The same, and none past its fair share",
    "shortfall": "Growth to those short of their share",
}
MOST = 40
"""Places that a table in the page holds; the downloads have all."""


def money_box(field: str, label: str, placeholder: str = "none") -> None:
    """A box for a sum in millions of pounds."""
    now = getattr(state.asked(), field)
    key = state.seed(f"place-{field}", None if now is None else now / 1e6)
    st.number_input(
        label, min_value=0.0, max_value=1e6, value=None, step=1.0, format="%.6g", key=key, placeholder=placeholder,
        on_change=state.ask_as, args=(field, key, 1e6),
    )  # fmt: skip


def _rate_box(field: str, label: str, low: float, high: float, placeholder: str = "none") -> None:
    """A box for a rate in per cent."""
    now = getattr(state.asked(), field)
    key = state.seed(f"place-{field}", None if now is None else round(now * 100, 6))
    st.number_input(
        label, min_value=low, max_value=high, value=None, step=0.5, format="%.6g", key=key, placeholder=placeholder,
        on_change=_rate, args=(field, key),
    )  # fmt: skip


def _rate(field: str, key: str) -> None:
    said = st.session_state[key]
    if said is None and field == "growth":
        state.ask(growth=0.0)
    else:
        state.ask_as(field, key, 0.01)


# --- distance --------------------------------------------------------------------------------------------------------


def distance(found: Work, drawing: Drawing) -> None:
    """How far places open from their fair share; where no opening positions are given, a way to give them."""
    with st.container(border=True, key="card-distance"):
        note = "What each place has today, beside its fair share of the money."
        st.html(parts.title("How far is each from its fair share?", note))
        if "opening" in found.faults:
            lead = "These opening positions are refused."
            st.html(parts.verdict("", "bad", lead, reasons(found.faults["opening"])))
        if found.distances is not None:
            st.html(_distances(drawing, found.distances))
        with st.expander(
            "Other opening positions" if found.distances is not None else "Give opening positions",
            key=f"opening-{found.distances is not None}", expanded=found.distances is None,
        ):  # fmt: skip
            words = "A table of two columns, place and amount (pounds): what each place has today."
            st.html(parts.paragraph(words))
            place_file_parts.bring("opening", "Opening positions", ["csv"])
            with st.container(horizontal=True):
                blank = pd.DataFrame({"place": [drawing.names[each] for each in drawing.within], "amount": None})
                st.download_button(
                    "A table to fill in (CSV)", writing.to_csv(blank), "opening.csv", "text/csv", on_click="ignore",
                    icon=":material/download:", key="opening-blank",
                )  # fmt: skip
                if state.asked().opening:
                    st.button("Do without them", on_click=state.ask, kwargs={"opening": ""}, key="opening-none")
        with st.expander("Money shared by other needs", key="more-money"):
            words = "Each sum is shared by its own need, and the fair shares added up."
            st.html(parts.paragraph(words))
            with st.container(horizontal=True, vertical_alignment="bottom"):
                money_box("primary", "Primary medical care (£m)")
                money_box("population", "An equal sum a head (£m)")


def _distances(drawing: Drawing, table: pd.DataFrame) -> str:
    """HTML of distances as bars, and as a table."""
    names = [drawing.names[str(place)] for place in table.index]
    rows = [{"name": name, "change": row.distance, "share": row.rate}
            for name, row in zip(names, table.itertuples(), strict=True)]  # fmt: skip
    millions = in_millions(table["target"])
    bars = pictures.change_bars(pictures.largest(rows), "£m" if millions else "£")
    columns = [
        Column("name", "Place"), figure("opening", "Opening", _say(millions)),
        figure("target", "Fair share", _say(millions)), figure("distance", "Distance", _say(millions, signed=True)),
        figure("rate", "Per cent", _signed), figure("distance_per_head", "A head", _say(False, signed=True)),
    ]  # fmt: skip
    shown = table.assign(name=names)
    caption = "Opening positions beside fair shares"
    if len(shown) > MOST:
        shown = shown.loc[shown["distance"].abs().nlargest(MOST).index]
        caption += f": the {MOST} furthest from theirs"
    return bars.html + parts.table(shown, columns, caption)


def _say(millions: bool, signed: bool = False) -> Callable[[float], str]:
    return lambda value: pounds(value, signed=signed, millions=millions)


def _signed(share: float) -> str:
    return per_cent(share, signed=True)


# --- pace ------------------------------------------------------------------------------------------------------------


def pace_of_change(found: Work, drawing: Drawing) -> None:
    """Year by year to fair shares under a policy: who loses cash, and when."""
    if found.opening is None:
        return
    asked = state.asked()
    with st.container(border=True, key="card-pace"):
        st.html(parts.title("How fast could they get there?", "A policy, and who has fewer pounds in which year."))
        with st.container(horizontal=True, vertical_alignment="bottom", key="pace-controls"):
            key = state.seed("place-pace", asked.pace)
            st.selectbox(
                "Policy", list(POLICIES), format_func=POLICIES.get, key=key, on_change=state.ask_as, args=("pace", key)
            )
            key = state.seed("place-years", asked.years)
            st.number_input(
                "Years", min_value=1, max_value=15, key=key, step=1, on_change=state.ask_as, args=("years", key)
            )
            _rate_box("growth", "Growth of the money a year (%)", -20.0, 50.0, "0")
        limits = LIMITS.get(asked.pace, ())
        if limits:
            with (
                st.expander("Limits on growth", key="limits", expanded=True),
                st.container(horizontal=True, vertical_alignment="bottom"),
            ):
                if "floor" in limits:
                    _rate_box("floor", "Each place at least (%)", -50.0, 50.0)
                _rate_box("ceiling", "Each place at most (%)", -50.0, 100.0)
        if "pace" in found.faults:
            st.html(parts.verdict("", "bad", "This pace cannot be kept.", reasons(found.faults["pace"])))
        elif found.path is not None:
            _path(drawing, found.path, asked.pace)


def _path(drawing: Drawing, path: pd.DataFrame, policy: str) -> None:
    years = list(dict.fromkeys(path["year"]))
    text = lost(drawing, path)
    tone = "note" if path["loses"].any() else "good"
    st.html(parts.verdict(text, tone))
    first, last = (path[path["year"] == year].set_index("place") for year in (years[0], years[-1]))
    opened = first["before"] / first["before"].sum() / (first["target"] / first["target"].sum()) - 1
    rows = [
        {"name": drawing.names[str(place)], "before": opened[place], "after": last.at[place, "distance_rate"]}
        for place in last.index
    ]
    rows = sorted(rows, key=lambda row: -abs(row["before"]))[: pictures.BARS]
    shown = pictures.dumbbell(rows, CLOSE, "Opens", f"In {years[-1]}")
    note = f"Distance from fair share, the furthest first. The green band is within {per_cent(CLOSE)}."
    st.html(parts.gallery([Shown(f"From opening to {years[-1]}", note, shown)]))
    st.html(path_table(drawing, path))
    st.download_button(
        "Every year (CSV)", writing.to_csv(path.assign(name=path["place"].map(drawing.names))), f"pace-{policy}.csv",
        "text/csv", on_click="ignore", icon=":material/download:", key="pace-csv",
    )  # fmt: skip


def path_table(drawing: Drawing, path: pd.DataFrame) -> str:
    """HTML of a pace of change, a row a place: pounds and growth each year, where it ends, and when it loses cash."""
    millions = in_millions(path.loc[path["year"] == path["year"].iloc[-1], "amount"])
    years = list(dict.fromkeys(path["year"]))
    tables = {str(place): rows for place, rows in path.groupby("place", sort=False)}
    losing = sorted(tables, key=lambda each: not tables[each]["loses"].any())
    rows = []
    for place in losing[:MOST]:
        told = tables[place]
        row = {"name": drawing.names[place], "loses": ", ".join(told.loc[told["loses"], "year"]) or "None"}
        row["ends"] = per_cent(told["distance_rate"].iloc[-1], signed=True)
        for year in told.itertuples():
            row[str(year.year)] = f"{pounds(float(year.amount), millions=millions)} ({_signed(float(year.rate))})"
        rows.append(row)
    loses = [Column("loses", "Loses cash in")] if path["loses"].any() else []
    columns = [
        Column("name", "Place"), *loses, figure("ends", "Ends from fair share"), 
        *(figure(year, year) for year in years),
    ]  # fmt: skip
    caption = "Pounds and growth by year" + (f", the first {MOST} places" if len(tables) > MOST else "")
    return parts.table(pd.DataFrame(rows), columns, caption)


# --- steadiness ------------------------------------------------------------------------------------------------------


def steadiness(found: Work, drawing: Drawing) -> None:
    """What an error in need would move, and what has moved since an earlier file."""
    asked = state.asked()
    with st.expander("How steady is it?", key="steady", on_change="rerun") as fold:
        if not fold.open or found.targets.empty:
            return
        key = state.seed("place-error", round(asked.error * 100, 6))
        st.slider(
            "An error in need of (%)", 0.5, 10.0, step=0.5, format="%.1f%%", key=key, on_change=state.ask_as,
            args=("error", key, 0.01),
        )  # fmt: skip
        st.html(_swayed(found, drawing, asked.error))
        st.html(parts.title("Since an earlier file", "The same places drawn on last year's file, the money held.", 3))
        place_file_parts.bring("before", "An earlier practice file", ["csv", "xlsx"])
        if "before" in found.faults:
            lead = "The same places cannot be drawn on it."
            st.html(parts.verdict("", "bad", lead, reasons(found.faults["before"])))
        if found.moved is not None:
            st.html(_moved(found.moved, drawing))


def _swayed(found: Work, drawing: Drawing, error: float) -> str:
    table = stability.sway(drawing, dict(found.amounts), error)
    millions = in_millions(table["target"])
    table["name"] = [drawing.names[str(place)] for place in table.index]
    table["lost"] = -table["others"]
    columns = [
        Column("name", "Place"), figure("target", "Fair share", _say(millions)),
        figure("own", "If its own need is higher", _say(millions, signed=True)),
        figure("lost", "If everybody else's is", _say(millions, signed=True)),
        figure("noise", "If each practice is off", lambda each: f"±{pounds(each, millions=millions)}"),
        figure("noise_rate", "As a part", lambda each: f"±{per_cent(each, places=2)}"),
    ]  # fmt: skip
    shown = table.loc[table["noise_rate"].nlargest(MOST).index] if len(table) > MOST else table
    return parts.table(shown, columns, f"What an error of {per_cent(error)} in need would move")


def _moved(table: pd.DataFrame, drawing: Drawing) -> str:
    millions = in_millions(table["after"])
    table = table.assign(name=[drawing.names[str(place)] for place in table.index])
    columns = [
        Column("name", "Place"), figure("before", "Before", _say(millions)), figure("after", "Now", _say(millions)),
        figure("change", "Change", _say(millions, signed=True)), figure("rate", "Per cent", _signed),
        figure("population_rate", "By people", _signed), figure("need_rate", "By need", _signed),
    ]  # fmt: skip
    shown = table.loc[table["change"].abs().nlargest(MOST).index] if len(table) > MOST else table
    return parts.table(shown, columns, "Fair shares from one file to the next, the money held")
