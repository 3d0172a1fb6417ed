"""`allocate places`: tables a finance director can read, and every slip told in words."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

import allocate as al
from allocate import cli
from allocate.places.writing import index_table
from tests.places.making import real, saved, table


@pytest.fixture
def file(tmp_path) -> str:
    return str(saved(tmp_path))


@pytest.fixture
def practices(file) -> al.places.Practices:
    return al.places.read(file)


@pytest.fixture
def opening(tmp_path) -> str:
    path = tmp_path / "opening.csv"
    path.write_text("place,amount\nUpton,60e6\nDale,40e6\n")
    return str(path)


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["places", *arguments]) == code
    out, words = capsys.readouterr()
    assert "Traceback" not in words
    return out, words


def test_systems(file, capsys):
    """Without a system the systems of the file are listed."""
    out, words = told(capsys, file)
    row = next(line for line in out.splitlines() if line.startswith("Hills and Vale"))
    assert row.split()[3:6] == ["QAA", "5", "8,000"]
    assert words == ""


def test_need(file, capsys, practices):
    """A system's places, need against the system and against England, to three decimals, the system below."""
    out, words = told(capsys, file, "--system", "Hills and Vale")
    core = al.places.draw(practices, "QAA").indices().at["upton", "core"]
    row = next(line for line in out.splitlines() if line.startswith("Upton"))
    assert row.split()[:4] == ["Upton", "3", "5,500", f"{core:.3f}"]
    assert "Need a head, England = 1" in out
    assert "Every practice is in one place." in words
    assert "cannot be compared" in words


def test_money(file, opening, capsys):
    """With envelopes and opening positions: fair shares in pounds and distances, and who stands furthest."""
    out, words = told(
        capsys, file, "--system", "QAA", "--envelope", "100e6", "--envelope", "population=10e6", "--opening", opening
    )
    row = [line for line in out.splitlines() if line.startswith("Hills and Vale")][-1]
    assert row.split()[3:8] == ["100.00%", "100.00%", "£110.0m", "£13,750", "£100.0m"]
    assert "below its fair share" in words
    assert "The opening positions add to £100.0m and the money to share is £110.0m" in words


def test_pace(file, opening, capsys):
    """A policy's years stand beside each other; who loses when is said; what cannot be kept exits 3 with the sum."""
    common = [file, "--system", "QAA", "--opening", opening, "--envelope", "100e6", "--years", "3"]
    out, words = told(capsys, *common, "--pace", "close", "--growth", "0.01")
    assert "2025/26" in out
    assert "2027/28" in out
    assert "Places that lose cash: " in words
    assert "All places are within 1% of their fair share from 2027/28." in words
    out, words = told(capsys, *common, "--pace", "bands", "--floor", "0.02", code=3)
    assert out == ""
    assert "£2.00m too little" in words


def test_stability(file, opening, capsys, tmp_path):
    """What an error of need would move, and what an earlier file's need would have given."""
    rows = table(need=[1.0, 0.8, 1.1, 1.5, 0.9, 1.0, 1.04, 0.8])
    before = str(saved(tmp_path, rows, "practices_2024_25.csv"))
    out, _ = told(capsys, file, "--system", "QAA", "--envelope", "100e6", "--sway", "0.01", "--against", before)
    assert "What an error of 1.0% in need would move" in out
    assert "2024/25" in out


def test_csv_and_json(file, opening, capsys, practices):
    """CSV is the last table that was asked for, JSON all of them, and the figures are the library's."""
    drawing = al.places.draw(practices, "QAA")
    out, _ = told(capsys, file, "--system", "QAA", "--format", "csv")
    got = pd.read_csv(io.StringIO(out))
    assert list(got) == list(index_table(drawing))
    assert got.at[0, "system_core"] == drawing.indices().at["dale", "core"]
    arguments = [file, "--system", "QAA", "--opening", opening, "--pace", "no-cash-loser", "--growth", "0.02"]
    out, _ = told(capsys, *arguments, "--format", "json")
    tables = json.loads(out)
    assert list(tables) == ["places", "targets", "pace"]
    assert sum(row["amount"] for row in tables["pace"] if row["year"] == "2025/26") == pytest.approx(102e6)
    out, _ = told(capsys, *arguments, "--format", "csv")
    assert len(pd.read_csv(io.StringIO(out))) == 10


def test_own_places_saved_and_taken_back(file, capsys, tmp_path):
    """Places of one's own are drawn, saved with a scenario's tables, and drawn again from what was saved."""
    mine = tmp_path / "mine.toml"
    mine.write_text('North = ["Upton", "not A10005"]\nSouth = ["Dale"]\n')
    out, words = told(capsys, file, "--system", "QAA", "--places", str(mine), code=2)
    assert out == ""
    assert "'A10005 RIVERSIDE' a practice is in no place" in words
    drawn = str(tmp_path / "drawn")
    first, words = told(
        capsys,
        file,
        "--system",
        "QAA",
        "--places",
        str(mine),
        "--rest",
        "River",
        "--save",
        drawn,
        "--need",
        "urgent=acute",
    )
    assert f"Written to {drawn}" in words
    again, _ = told(capsys, file, "--places", drawn)
    assert again == first
    assert set(pd.read_csv(tmp_path / "drawn" / "needs.csv")["programme"]) == {"urgent"}


def test_notes_are_said_beside_data(file, capsys):
    """What a reader should know goes to stderr also where data go to stdout."""
    _, words = told(capsys, file, "--system", "QBB", "--format", "csv")
    assert words == "Dale: 1 of its 3 practices is in this system, and counted here.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--system", "QAB"], "is not a system of this file"),
        (["--system", "QAA", "--pace", "bands"], "--pace: needs --opening"),
        (["--system", "QAA", "--floor", "0.1"], "--floor: needs --pace bands or no-overshoot"),
        (["--system", "QAA", "--sway", "0.01"], "--sway: needs --envelope or --opening"),
        (["--envelope", "1e6"], "--envelope: needs --system or --places"),
        (["--by", "pcn"], "--by: needs --system"),
        (["--system", "QAA", "--envelope", "£1.2m"], "write it in full: 1200000"),
        (["--system", "QAA", "--envelope", "1", "--envelope", "core=2"], "is told twice"),
        (["--system", "QAA", "--envelope", "cores=2"], "did you mean core?"),
        (["--system", "QAA", "--need", "urgent", "--save", "x"], "is not PROGRAMME=NEED"),
    ],
)
def test_commands_that_are_none(file, capsys, arguments, said):
    """Options that want others, amounts that are none and names that are unknown exit 2 with a repair."""
    out, words = told(capsys, file, *arguments, code=2)
    assert out == ""
    assert said in words


def test_a_rate_is_a_fraction(file):
    """Five for five per cent is refused by the command line itself."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["places", file, "--system", "QAA", "--sway", "5"])
    assert stop.value.code == 2


def test_england(capsys):
    """NHS England's file by the command of its acceptance: both systems, indices as the tool gives them."""
    out, _ = told(capsys, str(real()), "--system", "QWU", "--by", "district", "--round", "nhse")
    row = next(line for line in out.splitlines() if line.startswith("Stratford-on-Avon"))
    assert row.split()[:4] == ["Stratford-on-Avon", "17", "162,976", "1.025"]
    assert "1.03" in row.split()
    out, _ = told(capsys, str(real()), "--system", "Greater Manchester", "--envelope", "6119e6")
    assert next(line for line in out.splitlines() if line.startswith("Tameside")).split()[3] == "1.063"
