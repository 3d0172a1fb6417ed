"""The map of practices: valid, offline, told apart without colour alone, and honest where there is none."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pandas as pd
import pytest

import allocate as al
from allocate.ui.maps import COLOURS, MOST, marks, place_map, practice_table
from allocate.ui.pictures import contrast
from tests.places.making import located, saved, table

altair = pytest.importorskip("altair")


@pytest.fixture
def drawing(tmp_path) -> al.places.Drawing:
    """Districts of a small system whose practices say where they are."""
    return al.places.draw(al.places.read(saved(tmp_path, located())), "QAA")


def crowded(tmp_path, count: int) -> al.places.Drawing:
    """A system of so many districts of one practice each."""
    one = located().iloc[[0] * count].reset_index(drop=True)
    one["Practice_Code"] = [f"A{10000 + k}" for k in range(count)]
    one["LAD"], one["LTLA"] = [f"E{k}" for k in range(count)], [f"Place {k}" for k in range(count)]
    return al.places.draw(al.places.read(saved(tmp_path, one)), "QAA")


@pytest.mark.parametrize("look", ["", "upton"])
def test_a_map_is_valid_and_whole(drawing, look):
    """The specification passes the Vega-Lite schema, fetches nothing, and has a point for each practice."""
    chart = place_map(drawing, look)
    altair.Chart.from_dict(chart.spec, validate=True)
    assert "url" not in re.findall(r'"(\w+)":', json.dumps(chart.spec, allow_nan=False).replace("$schema", ""))
    points = chart.spec["layer"][0]["data"]["values"]
    assert len(points) == len(drawing.places)
    assert {each["Place"] for each in points} == {"Upton", "Dale"}
    faint = {each["Place"] for each in points if each["faint"] < 0.5}
    assert faint == ({"Dale"} if look else set())
    names = chart.spec["layer"][-1]["data"]["values"]
    assert [each["name"] for each in names] == (["Upton"] if look else ["Upton", "Dale"])


def test_what_is_nowhere_is_left_out_and_told(tmp_path):
    """A practice without coordinates is not on the map, and the words say so; without any there is no map."""
    rows = located()
    rows.loc[0, "Latitude"] = None
    chart = place_map(al.places.draw(al.places.read(saved(tmp_path, rows)), "QAA"))
    assert len(chart.spec["layer"][0]["data"]["values"]) == 4
    assert "1 practice without coordinates" in chart.alt
    assert place_map(al.places.draw(al.places.read(saved(tmp_path, table())), "QAA")).spec == {}


@pytest.mark.parametrize("count", [2, 9, MOST])
def test_no_two_places_share_a_mark(tmp_path, count):
    """Places differ by colour or shape, those next to each other by both, and each colour stands out on white."""
    drawn = list(marks(crowded(tmp_path, count)).values())
    assert len(set(drawn)) == count
    assert all(a.colour != b.colour and a.shape != b.shape for a, b in pairwise(drawn))
    for colour in COLOURS:
        assert contrast([int(colour[k : k + 2], 16) for k in (1, 3, 5)], (255, 255, 255)) >= 4.5


def test_more_places_than_marks_are_shaded_by_need(tmp_path):
    """Where there are more places than marks, shades of need stand for them, and no names crowd the map."""
    chart = place_map(crowded(tmp_path, MOST + 1))
    assert {each["shape"] for each in chart.spec["layer"][0]["data"]["values"]} == {"circle"}
    assert len(chart.spec["layer"]) == 1
    altair.Chart.from_dict(chart.spec, validate=True)


def test_practices_in_a_table(drawing):
    """Every practice with its place, people, and need a head against the system's, which averages one."""
    rows = practice_table(drawing)
    assert isinstance(rows, pd.DataFrame)
    assert (rows["need"] * rows["population"]).sum() / rows["population"].sum() == pytest.approx(1)
    assert rows["place_name"].tolist() == ["Upton", "Upton", "Dale", "Dale", "Upton"]
