"""Plans to files: whole or not at all, safe to open, and enough to solve the same plan again."""

from __future__ import annotations

import csv
import json
import math
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import allocate as al
from allocate import cli
from allocate.plan import writing
from allocate.plan.writing import changes_text, safe
from tests.conftest import SCENARIOS
from tests.scenario.breaking import put

FILES = {f"{name}.csv" for name in ("spend", "gains", "limits", "money", "routes", "places", "facts")}
FILES |= {"plan.json", "changes.toml", "start.json"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_every_table_is_written(plan, tmp_path):
    """A plan's folder holds every table as CSV, all of them as JSON, and the changes; the CSVs read back equal."""
    al.write_plan(plan, tmp_path / "deep" / "out")
    assert names(tmp_path / "deep" / "out") == FILES
    for name, table in plan.tables().items():
        texts = {column: str for column in table if not pd.api.types.is_numeric_dtype(table[column])}
        again = pd.read_csv(
            tmp_path / "deep" / "out" / f"{name}.csv", dtype=texts, keep_default_na=False, na_values=[""]
        )
        wanted = table.replace([math.inf, -math.inf], math.nan)
        for column in table:
            if column in texts:
                assert again[column].fillna("").tolist() == wanted[column].fillna("").tolist()
            else:
                told, kept = again[column].astype(float), wanted[column].astype(float)
                np.testing.assert_allclose(told, kept, rtol=0, atol=5e-7 if name == "limits" else 0)


def test_bytes_are_the_same_twice(tiny, tmp_path):
    """Solved and written twice, every file but the facts (which hold the seconds) is the same bytes, in UTF-8."""
    for name in ("one", "two"):
        al.write_plan(al.solve(tiny), tmp_path / name)
    for name in sorted(FILES - {"facts.csv", "plan.json"}):
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert one == two
        assert b"\r" not in one
        assert one.decode("utf-8").isprintable() or b"\n" in one


def test_json_is_json(plan, tmp_path):
    """plan.json parses strictly, holds every row of every table in full, and null for blanks and open ends."""
    al.write_plan(plan, tmp_path / "out")
    text = (tmp_path / "out" / "plan.json").read_text(encoding="utf-8")
    assert text == al.to_json(plan)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    tables = json.loads(text, parse_constant=refuse)
    assert {name: len(rows) for name, rows in tables.items()} == {k: len(t) for k, t in plan.tables().items()}
    assert [row["gain"] for row in tables["gains"]] == plan.gains["gain"].tolist()
    assert [row["price"] for row in tables["limits"]] == plan.limits["price"].tolist()
    floor = next(row for row in tables["limits"] if row["rule"] == "prevention-north")
    assert floor["high"] is None
    assert floor["low"] == 60_000
    assert floor["binding"] is True


def test_whole_numbers_have_no_decimal_point():
    """Whole numbers are written as such and other figures in full, blanks and open ends as nothing."""
    table = pd.DataFrame({"a": [900_000.0, -0.0, 0.1], "b": [math.nan, math.inf, 1e300], "c": [1, 2, 3]})
    assert writing.to_csv(table) == "a,b,c\n900000,,1\n0,,2\n0.1,1e+300,3\n"


def test_limits_on_money_have_no_dust(tmp_path):
    """No limit on money is written with more than six decimals."""
    al.write_plan(al.solve(al.read(SCENARIOS / "coventry-warwickshire")), tmp_path / "out")
    limits = pd.read_csv(tmp_path / "out" / "limits.csv", dtype=str, keep_default_na=False)
    cells = limits.loc[limits["measure"] == "spend", ["amount", "low", "high", "slack"]].to_numpy().ravel()
    assert [cell for cell in cells if "e" in cell or len(cell.partition(".")[2]) > 6] == []


def test_small_prices_keep_their_digits(tiny):
    """A price of a millionth is not rounded to ten places on the way to JSON."""
    plan = al.solve(tiny.change({"outcomes.health": 1e-7}))
    told = {row["envelope"]: row["price"] for row in json.loads(al.to_json(plan))["money"]}
    assert told == dict(zip(plan.money["envelope"], plan.money["price"], strict=True))
    assert told["core"] == pytest.approx(1e-10, rel=1e-6)


# --- whole or not at all --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["facts.csv", "plan.json", "changes.toml"])
def test_failing_half_way_leaves_nothing(plan, tmp_path, monkeypatch, broken):
    """When a file cannot be written, no folder appears and nothing lies about."""
    _break_writing_of(monkeypatch, broken)
    with pytest.raises(OSError, match="disk full"):
        al.write_plan(plan, tmp_path / "out")
    assert names(tmp_path) == set()


def test_failing_half_way_leaves_the_older_plan(plan, tiny, tmp_path, monkeypatch):
    """When a new plan cannot be written or put in place, the older one stands untouched."""
    al.write_plan(plan, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    newer = al.solve(tiny.change({"envelopes.core": 850_000.0}))
    for spoil in (_break_writing_of, _break_renaming):
        with monkeypatch.context() as patch:
            spoil(patch, "plan.json")
            with pytest.raises(OSError, match="disk full"):
                al.write_plan(newer, tmp_path / "out")
        assert names(tmp_path) == {"out"}
        assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def _break_writing_of(monkeypatch, name: str) -> None:
    write = Path.write_text

    def failing(self, *told, **named):
        if self.name == name:
            raise OSError(28, "disk full", str(self))
        return write(self, *told, **named)

    monkeypatch.setattr(Path, "write_text", failing)


def _break_renaming(monkeypatch, _) -> None:
    """Renaming a made folder to its place fails, after the older plan was moved aside."""
    rename = Path.rename

    def failing(self, target):
        if self.name.startswith(".allocate-") and not self.name.endswith(".old"):
            raise OSError(28, "disk full", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)


def test_an_older_plan_is_replaced(plan, tiny, tmp_path):
    """Written again to the same folder, the newer plan is there whole and nothing of the older."""
    al.write_plan(plan, tmp_path / "out")
    newer = al.solve(tiny.change({"envelopes.core": 850_000.0}))
    al.write_plan(newer, tmp_path / "out")
    assert names(tmp_path) == {"out"}
    assert names(tmp_path / "out") == FILES
    assert pd.read_csv(tmp_path / "out" / "spend.csv")["spend"].sum() == 950_000


@pytest.mark.parametrize(
    "beside", [(), ("plan.json",), tuple(sorted(FILES))], ids=["alone", "plan.json", "a whole plan"]
)
@pytest.mark.parametrize("mine", ["notes.docx", ".git/HEAD"])
def test_what_is_not_a_plan_is_never_touched(plan, tmp_path, mine, beside):
    """A folder that holds anything else is refused, even where a plan stands in it too."""
    out = tmp_path / "out"
    (out / mine).parent.mkdir(parents=True)
    (out / mine).write_text("mine")
    for name in beside:
        (out / name).write_text("older")
    with pytest.raises(FileExistsError, match=mine.split("/")[0]):
        al.write_plan(plan, out)
    assert (out / mine).read_text() == "mine"
    assert all((out / name).read_text() == "older" for name in beside)
    assert names(tmp_path) == {"out"}


def test_an_empty_folder_is_filled(plan, tmp_path):
    """An empty folder that is already there will do."""
    (tmp_path / "out").mkdir()
    al.write_plan(plan, tmp_path / "out")
    assert names(tmp_path / "out") == FILES


def test_a_file_in_the_way_is_refused(plan, tmp_path):
    """A file of that name is not replaced by a folder."""
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OSError):
        al.write_plan(plan, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"
    assert names(tmp_path) == {"out"}


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links and modes are POSIX")
def test_links_and_modes(plan, tmp_path):
    """A link to a plan's folder stays a link, and a plan is as open to read as any new file."""
    al.write_plan(plan, tmp_path / "real")
    (tmp_path / "latest").symlink_to(tmp_path / "real")
    al.write_plan(plan, tmp_path / "latest")
    assert (tmp_path / "latest").is_symlink()
    assert names(tmp_path / "real") == FILES
    (tmp_path / "plain").mkdir()
    mode = stat.S_IMODE(os.stat(tmp_path / "plain").st_mode)
    assert stat.S_IMODE(os.stat(tmp_path / "real").st_mode) == mode


# --- safe to open ---------------------------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "\n=1", '=HYPERLINK("http://x")']


@pytest.mark.parametrize("dtype", [object, "str"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_are_made_plain(formula, dtype):
    """No text that a spreadsheet would run survives as such, whatever the column's type."""
    table = safe(pd.DataFrame({"text": pd.Series([formula, "plain", ""], dtype=dtype), "number": [-1.5, 2, 3]}))
    assert table["text"].tolist() == ["'" + formula, "plain", ""]
    assert table["number"].tolist() == [-1.5, 2, 3]


def test_numbers_in_text_stay_numbers():
    """A negative figure told as text is no formula and can be read back; an open end is blank."""
    table = safe(pd.DataFrame({"value": ["-12.5", "-1e-07", "+3"], "low": [-math.inf, 0.0, math.inf]}))
    assert table["value"].tolist() == ["-12.5", "-1e-07", "+3"]
    assert table["low"].isna().tolist() == [True, False, True]


def test_formulas_in_a_scenario_reach_no_file(folder, tmp_path):
    """Names and a caveat that are formulas are plain in every cell of every CSV that is written."""
    put("scenario.toml", '"Made-up figures for learning and for tests."', '"=cmd|calc"')(folder)
    put("places.csv", "north,North", "north,@North")(folder)
    put("programmes.csv", "care,Care", "care,=Care()")(folder)
    al.write_plan(al.solve(al.read(folder)), tmp_path / "out")
    cells = []
    for path in (tmp_path / "out").glob("*.csv"):
        with open(path, newline="", encoding="utf-8") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    assert "'=cmd|calc" in cells
    dangerous = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not _is_number(cell)]
    assert dangerous == []


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


# --- changes --------------------------------------------------------------------------------------------------------

PATHS = {
    "a figure": {"envelopes.core": 850_000.25},
    "a number of NumPy's": {"envelopes.core": np.int64(850_000), "rules.steady-care.up": np.float32(0.25)},
    "a wildcard": {"lines.*.high": 600_000},
    "one that is cleared": {"rules.steady-care.down": None},
    "a rule out of force": {"rules.prevention-north.in_force": False},
    "a rule taken out": {"rules.prevention-north": None},
    "a new rule": {"rules.new": {"kind": "share", "owner": "board", "where": {"kinds": ["acute"]}, "at_most": 0.89}},
    "a scope replaced": {"rules.prevention-north.where": {"places": ["south"]}},
    "a list": {"rules.prevention-north.where.places": ["south"]},
    "a text": {"places.north.name": 'North "east" \\ £'},
    "several": {"envelopes.core": 850_000, "rules.prevention-north.amount": 40_000.0, "rules.steady-care.up": 0.3},
}


@pytest.mark.parametrize("changes", PATHS.values(), ids=PATHS)
def test_changes_reproduce_the_plan(changes, tiny, folder, tmp_path, capsys):
    """Given the scenario and changes.toml, the command line finds the very same plan again."""
    plan = al.solve(tiny.change(changes))
    al.write_plan(plan, tmp_path / "one")
    told = ["--changes", str(tmp_path / "one" / "changes.toml"), "--out", str(tmp_path / "two"), "--format", "csv"]
    assert cli.main(["solve", str(folder), *told]) == 0
    for name in sorted(FILES - {"facts.csv", "plan.json"}):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name
    digests = [pd.read_csv(tmp_path / out / "facts.csv").set_index("fact")["value"]["digest"] for out in ("one", "two")]
    assert digests[0] == digests[1] == plan.scenario.digest


def test_changes_as_text():
    """Changes are one path a line, quoted, and what was taken out is blank."""
    text = changes_text({"envelopes.core": 1.5, "rules.a": None, "rules.b.in_force": False})
    assert text == '"envelopes.core" = 1.5\n"rules.a" = ""\n"rules.b.in_force" = false\n'
    assert changes_text({}) == ""


def test_nothing_is_half_named(plan, tmp_path):
    """`write_plan` writes exactly what `plan_files` lists."""
    al.write_plan(plan, tmp_path / "out")
    assert names(tmp_path / "out") == set(writing.plan_files(plan)) == FILES
