"""Reading NHS England's file: whatever its columns are called, and every fault at once."""

from __future__ import annotations

import contextlib
import random
import zipfile

import numpy as np
import pandas as pd
import pytest

import allocate as al
from allocate.places.headings import COMPONENTS, known, meaning
from allocate.places.sheets import grids
from tests.places.making import FIGURES, LABELS, PEOPLE, located, problems, saved, table, workbook

BY_YEAR = {
    "2023/24": {"ICB": "ICS22", "ICBname": "ICS22name", "LAD": "LAD21", "LTLA": "LTLA21", "Population": "pop 2022/23"},
    "as revised": {"LTLA": "LADname", "Population": "Registered Patients", "Final WP": "Core WP"},
    "as the tool renames them": {
        "Practice_Code": "GP Practice code", "GP_Practice_Name": "GP Practice name", "ICB": "ICB code",
        "ICBname": "ICB name", "LAD": "LA District code", "LTLA": "LA District name", "Population": "GP pop",
        "G&A WP": "Weighted G&A pop", "CS WP": "Weighted Community pop", "MH WP": "Weighted Mental Health pop",
        "Mat WP": "Weighted Maternity pop", "Health Ineq WP": "Weighted Health Inequalities pop",
        "Prescr WP": "Weighted Prescribing pop", "Final WP": "Overall Weighted pop",
        "Primary Medical Care WP": "Weighted Primary Medical Care Need", "Final PMC WP": "Weighted Primary Care",
    },
}  # fmt: skip


def test_what_is_read(practices):
    """Codes, names, figures, systems and the year come out as they went in, and England is the sum of all rows."""
    assert list(practices.table.index) == list(table()["Practice_Code"])
    assert list(practices.table["population"]) == PEOPLE
    assert practices.components == tuple(COMPONENTS)
    assert (practices.year, practices.whole, practices.notes) == ("2025/26", True, ())
    assert practices.england["population"] == sum(PEOPLE)
    assert list(practices.systems["name"]) == ["NHS Hills and Vale ICB", "NHS Coast ICB"]
    assert list(practices.systems["practices"]) == [5, 3]
    assert practices.districts("QAA").to_numpy().tolist() == [["Upton", 3, 5500], ["Dale", 2, 2500]]
    assert list(practices.pcns().index) == ["U1", "U2", "U3"]
    assert list(practices.practices("Coast").index) == ["B20001", "B20002", "B20003"]
    assert list(practices.practices(["QAA", "qbb"]).index) == list(practices.table.index)


@pytest.mark.parametrize("names", BY_YEAR.values(), ids=BY_YEAR)
def test_columns_by_meaning(names, tmp_path, practices):
    """The same table under the column names of other years, in another order, is the same table."""
    other = table().rename(columns=names)
    read = al.places.read(saved(tmp_path, other[other.columns[::-1]]))
    assert read.table[practices.table.columns].equals(practices.table)


def test_headings_mean_one_thing():
    """Need columns are told from headcounts, and need for primary care from its whole formula."""
    assert [meaning(name) for name in FIGURES] == [
        "population", "acute", "community", "mental_health", "maternity", "inequalities", "prescribing", "core",
        "primary_need", "primary",
    ]  # fmt: skip
    assert meaning("Patients") == "population"
    assert [meaning(name) for name in ("Former CCG", "", "MFF_index", "Target_inc_remote_£k")] == [""] * 4
    assert [meaning(name) for name in ("Latitude", "LONG", "Practice_Longitude")] == ["latitude", *["longitude"] * 2]
    assert known(LABELS + FIGURES) == 9 + 10
    assert known(["Source: NHS England", "", ""]) == 0


def test_where_practices_are(tmp_path, practices):
    """Coordinates are kept where the file has both; where they are none in England, they are blank, and no figure
    changes for it."""
    rows = located().astype({"Latitude": object})
    rows.loc[2, "Latitude"], rows.loc[3, "Longitude"] = "north", 51.5
    read = al.places.read(saved(tmp_path, rows))
    assert read.table["latitude"].isna().tolist() == [False, False, True, True, *[False] * 4]
    assert read.table["longitude"].isna().equals(read.table["latitude"].isna())
    assert read.table.iloc[0][["latitude", "longitude"]].tolist() == [53.0, -1.5]
    assert read.table[practices.table.columns].equals(practices.table)
    assert (read.components, read.notes) == (practices.components, practices.notes)
    assert "latitude" not in al.places.read(saved(tmp_path, rows.drop(columns="Longitude"))).table


def test_lines_around_the_table(tmp_path, practices):
    """Lines above the column names, a row of totals and footnotes are not practices; the year above is read."""
    rows = table()
    total = ["", "England", *[""] * 7, *rows[FIGURES].sum()]
    text = "PLEASE READ: need indices for 2024/25\n\n" + rows.to_csv(index=False)
    text += ",".join(map(str, total)) + "\nSource: NHS England. Open Government Licence\n"
    path = tmp_path / "sheet.csv"
    path.write_text(text, encoding="utf-8")
    read = al.places.read(path)
    assert read.table.equals(practices.table)
    assert read.year == "2024/25"


def test_workbook(tmp_path, practices):
    """A workbook is read at the sheet that holds practices, and gives the same table."""
    rows = table().astype(object)
    sheet = [["Weighted populations 2025/26"], [], list(rows.columns), *rows.to_numpy().tolist()]
    read = al.places.read(workbook(tmp_path, {"Notes": [["About", "ICB", "Region"]], "GP & practice": sheet}))
    assert read.table.equals(practices.table)
    assert read.year == "2025/26"


def test_workbook_cells(tmp_path):
    """Cells keep their column where others are blank, and rows their number."""
    path = workbook(tmp_path, {"One": [["a", None, "c"], [], [None, 2.5]]})
    found: list = []
    sheets, _ = grids(path, found)
    assert found == []
    assert sheets[0].rows == [(1, ["a", "", "c"]), (3, ["", "2.5"])]


def test_damaged_workbook(tmp_path):
    """A file that only calls itself a workbook, one that declares a document type, and .xls are refused in words."""
    (tmp_path / "not.xlsx").write_text("practice,place", encoding="utf-8")
    assert "is not a workbook that can be read" in problems(al.places.read, tmp_path / "not.xlsx")[0]
    path = workbook(tmp_path, {"One": [["a"]]})
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/sharedStrings.xml", '<!DOCTYPE x [<!ENTITY a "b">]><sst/>')
    assert "declares a document type" in problems(al.places.read, path)[0]
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf")
    assert "save it as .xlsx" in problems(al.places.read, tmp_path / "old.xls")[0]


@pytest.mark.parametrize("seed", range(40))
def test_damage_is_told_in_words(seed, tmp_path, practices):
    """A workbook, a CSV, a drawing or an opening position with bytes changed reads, or is refused; nothing else."""
    chance = random.Random(seed)
    rows = table().astype(object)
    files = {
        "a.xlsx": workbook(tmp_path, {"One": [list(rows.columns), *rows.to_numpy().tolist()]}).read_bytes(),
        "a.csv": saved(tmp_path, rows).read_bytes(),
        "d.toml": b'North = ["Upton", "not A10005"]\n[South]\ndistricts = ["E02"]\npractices = ["A10005"]\n',
        "d.csv": b'practice,name,place,within\nE01,,North,\nE02,,South,X\n"A10002: b",,North,\n',
        "d.json": b'{"places": ["N"], "N": {"gps": ["A10001: x", "A10002: y"], "icb": "z"}}',
        "o.csv": b"place,amount\nUpton,5\nDale,6\n",
    }
    drawing = al.places.draw(practices, "QAA")
    for name, sound in files.items():
        damaged = bytearray(sound)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.choice(b'",;[]{}=\x00\xff5x')
        path = tmp_path / name
        path.write_bytes(damaged)
        with contextlib.suppress(al.ScenarioError):
            if name[0] == "a":
                al.places.read(path)
            elif name[0] == "d":
                al.places.draw(practices, "QAA", path, rest="Elsewhere")
            else:
                drawing.opening(path)


def test_every_fault_at_once(tmp_path):
    """A code that stands twice, one that is none, a figure that is none, a negative one and a system left out."""
    rows = table().astype(object)
    rows.loc[1, "Practice_Code"] = "A10001"
    rows.loc[2, "Practice_Code"] = "??"
    rows.loc[3, "MH WP"] = "£12"
    rows.loc[4, "Population"] = -5
    rows.loc[5, "ICB"] = None
    told = problems(al.places.read, saved(tmp_path, rows))
    assert len(told) == 5
    assert "row 3, code: 'A10001' stands twice, first in row 2" in "\n".join(told)
    assert "row 4, code: '??' is not a practice's code (a letter and five digits" in "\n".join(told)
    assert "row 5, mental health: '£12' is not a number (write it without signs and commas: 12)" in "\n".join(told)
    assert "row 6, population: '-5' must be a number of people, 0 or more" in "\n".join(told)
    assert "row 7, system: 'B20001 HARBOUR MEDICAL CENTRE' has no system" in "\n".join(told)


def test_columns_that_are_missing(tmp_path):
    """Every column that is needed and not there is named, with the headings that were not understood."""
    told = problems(
        al.places.read, saved(tmp_path, table().rename(columns={"Final WP": "Sum", "Practice_Code": "Key"}))
    )
    assert len(told) == 2
    assert "has no column for the practice's code, such as Practice_Code (not understood: Key, Sum)" in told[0]
    assert "the overall core weighted population" in told[1]


def test_columns_told_twice(tmp_path):
    """Two filled columns of one meaning are refused by name; a blank one beside a filled one is passed over."""
    rows = table()
    told = problems(al.places.read, saved(tmp_path, rows.assign(**{"Core WP": rows["Final WP"]})))
    assert "'Final WP and Core WP' two columns mean the same" in told[0]
    read = al.places.read(saved(tmp_path, rows.assign(**{"Core WP": None, "Patients": None})))
    assert read.table["core"].equals(rows.set_index("Practice_Code")["Final WP"].rename_axis("practice"))


def test_not_such_a_file(tmp_path):
    """A file without such columns, an empty one, one that is missing and one with semicolons are refused in words."""
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    assert "has no row of column names" in problems(al.places.read, other)[0]
    other.write_text("", encoding="utf-8")
    assert "has no row of column names" in problems(al.places.read, other)[0]
    assert "is missing" in problems(al.places.read, tmp_path / "nowhere.csv")[0]
    other.write_text(table().to_csv(index=False, sep=";"), encoding="utf-8")
    assert "save it with commas" in problems(al.places.read, other)[0]


def test_blanks_count_as_nothing_and_that_is_told(tmp_path):
    """A blank figure is 0, as in NHS England's tool, and the note names the practice; figures with commas are read."""
    rows = table().astype(object)
    rows.loc[0, "Mat WP"] = None
    rows.loc[1, "Population"] = "3,000"
    read = al.places.read(saved(tmp_path, rows))
    assert read.table.at["A10001", "maternity"] == 0
    assert read.table.at["A10002", "population"] == 3000
    assert "Maternity is blank, and counted as 0, for A10001." in read.notes


def test_part_of_england(tmp_path, practices):
    """From an extract, indices against England rest on how the formula is scaled, and it is said."""
    read = al.places.read(saved(tmp_path, table().iloc[:5]))
    assert not read.whole
    assert "does not hold all of England" in read.notes[0]
    pd.testing.assert_series_equal(read.systems.loc["QAA"], practices.systems.loc["QAA"])


def test_without_some_components(tmp_path):
    """A file of a year without primary medical care is read, and what is missing is told."""
    read = al.places.read(saved(tmp_path, table().drop(columns=["Primary Medical Care WP", "Final PMC WP"])))
    assert "primary" not in read.components
    assert "no weighted population for Primary medical care, need; Primary medical care, overall" in read.notes[0]


def test_a_system_that_is_not_there(practices):
    """An unknown system is refused with the likeliest one meant."""
    assert "did you mean QBB, Coast?" in problems(practices.codes, "Coasst")[0]
    assert "did you mean QAA, Hills and Vale?" in problems(practices.codes, ["QBB", "vale"])[0]
    assert "did you mean QBB, Coast?" in problems(practices.codes, "QBX")[0]
    assert "name at least one system" in problems(practices.codes, [])[0]


def test_england_2025_26(england):
    """NHS England's file: 6,348 practices, 42 systems, and every component adds up to the registered people."""
    assert len(england.table) == 6348
    assert len(england.systems) == 42
    assert (england.year, england.whole, england.notes) == ("2025/26", True, ())
    np.testing.assert_allclose(england.england, 63_849_324, atol=1)
