"""A map that needs nothing from elsewhere: practices as points, each with its place's mark. Plain Vega-Lite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from allocate.places import Drawing
from allocate.plan.words import count
from allocate.ui.flows import CONFIG, TEXT, Chart, Spec
from allocate.ui.pictures import shade

COLOURS = ("#005eb8", "#b34a00", "#00786c", "#ae2573", "#5b6b78", "#330072", "#4a7c10", "#8a1a10")
"""Each at least 4.5 to 1 on white."""
SHAPES = ("circle", "square", "diamond", "triangle-up")
MOST = len(COLOURS) * len(SHAPES)
"""Places that have a mark of their own; more are told apart by hovering, and shaded by need."""
NAMED = 12
"""Places whose names stand on the map."""
REACH = 0.3
"""Need this far above or below the system's has the full shade."""
WIDE, LOW, HIGH = 380, 260, 500
"""Pixels that a map is taken to be wide, and its least and most height."""


@dataclass(frozen=True)
class Mark:
    """What a place's practices are drawn as."""

    colour: str
    shape: str

    @property
    def html(self) -> str:
        """The mark, for before a name."""
        return f"<i class='al-dot al-dot-{self.shape}' style='background:{self.colour}'></i>"


def marks(drawing: Drawing) -> dict[str, Mark]:
    """Each place's mark, by id: no two share one, and neighbours in the list differ in colour and in shape. Shades of
    need, where there are more places than marks."""
    places = list(drawing.within)
    if len(places) > MOST:
        need = drawing.indices()["core"].fillna(1.0)
        return {place: Mark("#{:02x}{:02x}{:02x}".format(*shade((need[place] - 1) / REACH)), "circle")
                for place in places}  # fmt: skip
    return {
        place: Mark(COLOURS[k % len(COLOURS)], SHAPES[(k + k // len(COLOURS)) % len(SHAPES)])
        for k, place in enumerate(places)
    }


def place_map(drawing: Drawing, look: str = "") -> Chart:
    """Practices where they are, as large as their lists, marked by place; those of one place alone with `look`. Nothing
    to show: an empty specification, where no practice says where it is."""
    table = practice_table(drawing)
    if "latitude" not in table or table["latitude"].isna().all():
        return Chart({}, "The file does not say where practices are.", table)
    drawn, shown = marks(drawing), table.dropna(subset=["latitude"])
    named = f"{drawing.system_name}: {count(len(shown), 'practice')} by place. "
    missing = len(table) - len(shown)
    alt = named + (f"{count(missing, 'practice')} without coordinates: not on the map. " if missing else "")
    alt += f"{drawing.names[look]} stands out." if look else "The table beside it has the figures."
    return Chart(_spec(drawing, shown, drawn, look, alt), alt, table)


def practice_table(drawing: Drawing) -> pd.DataFrame:
    """The practices of a drawing: practice (code), name, place (id), place_name, district, pcn (names), population,
    need (core, against the system's), and latitude and longitude where the file has them."""
    table = drawing.practices.table.loc[drawing.places.index]
    people, sums = table["population"].where(table["population"] > 0), drawing.sums().sum()
    made = pd.DataFrame({"practice": table.index, "name": table["name"].to_numpy()})
    made["place"] = drawing.places.to_numpy()
    made["place_name"] = made["place"].map(drawing.names)
    for name in ("district", "pcn"):
        made[name] = table[f"{name}_name"].to_numpy()
    made["population"] = table["population"].to_numpy()
    made["need"] = (table["core"] / people / (sums["core"] / sums["population"])).to_numpy()
    for name in ("latitude", "longitude"):
        if name in table:
            made[name] = table[name].to_numpy()
    return made


def _spec(drawing: Drawing, shown: pd.DataFrame, drawn: Mapping[str, Mark], look: str, alt: str) -> Spec:
    many = len(drawn) > MOST
    rows = [
        {
            "lat": row.latitude, "lon": row.longitude, "size": row.population, "colour": drawn[row.place].colour,
            "shape": drawn[row.place].shape, "faint": 0.12 if look and row.place != look else 0.9,
            "Practice": f"{row.name} ({row.practice})", "Place": row.place_name, "People": f"{row.population:,.0f}",
            "Need a head": "" if row.need != row.need else f"{row.need:.2f} of the system's",
        }
        for row in shown.sort_values("population", ascending=False).itertuples(index=False)
    ]  # fmt: skip
    points: Spec = {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "aria": False, "strokeWidth": 0.8,
                 "stroke": "#5b6b78" if many else "#ffffff"},
        "encoding": {
            "longitude": {"field": "lon", "type": "quantitative"},
            "latitude": {"field": "lat", "type": "quantitative"},
            "size": {"field": "size", "type": "quantitative", "legend": None,
                     "scale": {"type": "linear", "zero": True, "range": [14, 240]}},
            "fill": {"field": "colour", "type": "nominal", "scale": None, "legend": None},
            "shape": {"field": "shape", "type": "nominal", "scale": None, "legend": None},
            "opacity": {"field": "faint", "type": "quantitative", "scale": None, "legend": None},
            "tooltip": [{"field": each, "type": "nominal"} for each in ("Practice", "Place", "People", "Need a head")],
        },
    }  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": alt,
        "width": "container",
        "height": _height(shown),
        "padding": {"left": 12, "right": 12, "top": 12, "bottom": 12},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "projection": {"type": "mercator"},
        "config": CONFIG,
        "layer": [points, *_names(drawing, shown, look)],
    }


def _height(shown: pd.DataFrame) -> int:
    """Pixels in which practices stand as they lie, on a map as wide as it mostly is."""
    tall = float(shown["latitude"].max() - shown["latitude"].min())
    broad = float(shown["longitude"].max() - shown["longitude"].min()) * math.cos(
        math.radians(shown["latitude"].mean())
    )
    return round(min(max(WIDE * tall / broad if broad else LOW, LOW), HIGH))


def _names(drawing: Drawing, shown: pd.DataFrame, look: str) -> list[Spec]:
    """The names of places amid their people: a white ground, then the letters."""
    places = [look] if look else list(drawing.within)
    if len(places) > NAMED:
        return []
    rows = []
    for place, inside in shown[shown["place"].isin(places)].groupby("place", sort=False):
        weight = inside["population"].clip(lower=1.0)
        at = {axis: float((inside[axis] * weight).sum() / weight.sum()) for axis in ("latitude", "longitude")}
        rows.append({"name": drawing.names[str(place)], "lat": at["latitude"], "lon": at["longitude"]})
    encoding = {
        "longitude": {"field": "lon", "type": "quantitative"},
        "latitude": {"field": "lat", "type": "quantitative"},
        "text": {"field": "name", "type": "nominal"},
    }
    letters = {"type": "text", "aria": False, "tooltip": None, "fontWeight": 600, "fontSize": 13}
    ground = {**letters, "stroke": "#ffffff", "strokeWidth": 4, "strokeJoin": "round", "fill": "#ffffff"}
    data = {"values": rows}
    return [
        {"data": data, "mark": ground, "encoding": encoding},
        {"data": data, "mark": {**letters, "fill": TEXT}, "encoding": encoding},
    ]
