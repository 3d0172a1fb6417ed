"""Drawings on disk: a scenario's tables, a drawing that reads back, and nothing overwritten."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

import allocate as al
from allocate.places.writing import files, index_table, records, target_table, to_csv
from tests.places.making import problems, saved, table

COUNTY = {"North": {"districts": ["Upton"], "within": "County"}, "South": {"districts": ["Dale"], "within": "County"}}


@pytest.fixture
def hills(practices) -> al.places.Drawing:
    return al.places.draw(practices, "QAA", COUNTY)


def test_a_scenario_takes_the_tables(hills, tmp_path):
    """With the tables written into a scenario of these places and programmes, it is sound: tree, sums and evidence."""
    from tests.conftest import SCENARIOS

    tables = hills.scenario_tables({"care": "acute", "prevention": "inequalities"})
    folder = shutil.copytree(SCENARIOS / "tiny", tmp_path / "tiny")
    kept = {
        name: pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False) for name in ("evidence", "sources")
    }
    old = kept["evidence"]
    kept["evidence"] = old[~old["figure"].str.startswith(("places.", "needs."))]
    for name in ("places", "needs"):
        (folder / f"{name}.csv").write_text(to_csv(tables[name]), encoding="utf-8")
    for name, rows in kept.items():
        joined = pd.concat([rows, tables[name].astype(object)], ignore_index=True)
        (folder / f"{name}.csv").write_text(joined.to_csv(index=False), encoding="utf-8")
    heads = hills.sums("nhse")["population"]
    scenario = al.read(folder)
    assert list(scenario.places["id"]) == ["county", "hills-and-vale", "north", "south"]
    assert scenario.places.set_index("id").at["county", "population"] == heads.sum()
    evidence = al.evidence(scenario).set_index("figure")
    assert evidence.at["needs.north.care.need", "status"] == "found"
    assert evidence.at["places.north.need", "source"] == "nhse-practices"


def test_programmes_that_follow_no_need(hills):
    """An unknown component for a programme is refused with the likeliest."""
    assert "did you mean acute?" in problems(hills.scenario_tables, {"urgent": "acutes"})[0]
    assert set(hills.scenario_tables()["needs"]["programme"]) >= {"elective", "mental-health", "primary-medical"}


def test_saved_and_read_again(practices, hills, tmp_path):
    """A saved drawing draws the same places, names and tree, with the same figures to the last bit."""
    folder = tmp_path / "drawn"
    al.places.write(hills, folder, {"core": 10e6}, {"North": 6e6, "South": 5e6})
    assert sorted(path.name for path in folder.iterdir()) == [
        "drawing.csv", "evidence.csv", "indices.csv", "needs.csv", "places.csv", "sources.csv", "targets.csv",
    ]  # fmt: skip
    for by in (folder, folder / "drawing.csv"):
        again = al.places.draw(practices, None, by)
        assert dict(again.within) == dict(hills.within)
        assert dict(again.names) == dict(hills.names)
        assert again.notes == ()
        pd.testing.assert_frame_equal(again.indices(), hills.indices())
    wrote = pd.read_csv(folder / "indices.csv").set_index("place")
    np.testing.assert_array_equal(wrote.loc["north", "system_core"], hills.indices().at["north", "core"])
    assert "2025/26" in (folder / "sources.csv").read_text()


def test_files_as_texts(hills, tmp_path):
    """What is written to a folder is what is given as texts."""
    al.places.write(hills, tmp_path / "drawn", 1e6)
    texts = files(hills, 1e6)
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "drawn").iterdir()} == texts
    assert "targets.csv" not in files(hills)


def test_read_again_a_year_later(hills, tmp_path):
    """On another year's file the renamed are told, the closed refused with a likeness, the new ones listed."""
    al.places.write(hills, tmp_path / "drawn")
    rows = table()
    rows.loc[0, "GP_Practice_Name"] = "MILL HOUSE"
    later = al.places.read(saved(tmp_path, rows, "practices_2026_27.csv"))
    assert "A10001 is MILL HOUSE" in al.places.draw(later, None, tmp_path / "drawn").notes[0]
    rows.loc[4, ["Practice_Code", "GP_Practice_Name"]] = ["A10009", "RIVERSIDE"]
    later = al.places.read(saved(tmp_path, rows, "practices_2026_27.csv"))
    told = problems(al.places.draw, later, None, tmp_path / "drawn")
    assert "did you mean A10009, RIVERSIDE?" in told[0]


def test_nothing_else_is_overwritten(hills, tmp_path):
    """A folder that holds anything but a drawing is refused; an older drawing is replaced."""
    al.places.write(hills, tmp_path / "drawn", 1e6)
    al.places.write(hills, tmp_path / "drawn")
    assert not (tmp_path / "drawn" / "targets.csv").exists()
    (tmp_path / "drawn" / "scenario.toml").write_text("")
    assert (
        "holds scenario.toml, which is no part of a drawing" in problems(al.places.write, hills, tmp_path / "drawn")[0]
    )
    (tmp_path / "file").write_text("")
    assert "is a file" in problems(al.places.write, hills, tmp_path / "file")[0]


def test_tables(hills):
    """The system has a row of its own: sums, ones against itself, and its indices against England."""
    rows = index_table(hills)
    assert list(rows["place"]) == ["north", "south", ""]
    assert rows["population"].iloc[-1] == 8000
    assert rows["system_core"].iloc[-1] == rows["share_core"].iloc[-1] == 1
    assert rows["england_core"].iloc[-1] == hills.system_indices()["core"]
    assert index_table(hills, "nhse")["system_headline_core"].iloc[-1] == 1
    assert {"people", "population"} <= set(target_table(hills, {"population": 1e6}))
    targets = target_table(hills, 10e6, {"North": 6e6, "South": 5e6})
    assert {"target", "share", "per_head", "opening", "distance", "rate"} <= set(targets)
    assert not targets.columns.duplicated().any()


def test_texts_and_blanks():
    """Formulas are made plain, whole numbers have no point, and what is not there is blank or null."""
    rows = pd.DataFrame({"name": ["=1+1", "b, c"], "x": [2.0, float("nan")]})
    assert to_csv(rows) == 'name,x\n\'=1+1,2\n"b, c",\n'
    assert records(rows)[1] == {"name": "b, c", "x": None}
