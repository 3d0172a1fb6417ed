"""`allocate fairness`: views and measures in words, tables and files, against today and another plan."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

import allocate as al
from allocate import cli
from allocate.plan.fairness import views
from tests.cli.test_main import TINY, refused
from tests.conftest import SCENARIOS


def told(capsys, *arguments: str) -> tuple[str, str]:
    """What `allocate fairness` writes to stdout and to stderr."""
    assert cli.main(["fairness", *arguments]) == 0
    return capsys.readouterr()


def test_people_read_words_and_tables(capsys):
    """Each view is a sentence on stderr; what places get and every measure are tables; blanks say why."""
    out, words = told(capsys, TINY)
    assert "Spending per head: the best-off place has 1.28 times the worst-off" in words
    assert out.startswith("What places get")
    assert "Spending per head (£ a head)" in out
    assert next(line.split()[-2:] for line in out.splitlines() if line.startswith("  North")) == ["86.2", "115"]
    assert "in this plan some values are below nothing" in out
    assert "less equal" in out


def test_programs_read_json_and_csv(capsys, plan):
    """JSON has both tables whole, CSV the measures."""
    found = json.loads(told(capsys, TINY, "--format", "json")[0])
    assert (found["scenario"], found["year"]) == ("tiny", "2026/27")
    assert len(found["views"]) == len(views(plan))
    table = pd.read_csv(io.StringIO(told(capsys, TINY, "--format", "csv")[0]))
    pd.testing.assert_series_equal(table["value"], al.fairness(plan)["value"])


def test_against_another_plan(capsys, tmp_path):
    """Another folder, or a file of changes, stands beside the plan; the aversion is the one that was asked for."""
    file = tmp_path / "other.toml"
    file.write_text('"rules.prevention-north.in_force" = false\n', encoding="utf-8")
    for other in (TINY, str(file)):
        out = told(capsys, TINY, "--against", other, "--aversion", "2", "--format", "json")[0]
        found = json.loads(out)
        assert {"today", "against", "value"} <= set(found["fairness"][0]) & set(found["views"][0])
        assert any(row["name"] == "Atkinson, aversion 2" for row in found["fairness"])
    north = next(row for row in found["views"] if (row["view"], row["place"]) == ("spend", "north"))
    assert (north["against"], north["value"]) == (pytest.approx(450_000 / 4000), 115)
    assert "Other plan" in told(capsys, TINY, "--against", TINY)[0]


def test_files(capsys, tmp_path):
    """--out writes both tables, again over its own, and into no folder that holds anything else."""
    folder = tmp_path / "out"
    for _ in range(2):
        assert "Written to" in told(capsys, TINY, "--out", str(folder))[1]
    assert sorted(path.name for path in folder.iterdir()) == ["fairness.csv", "views.csv"]
    (folder / "mine.txt").write_text("mine", encoding="utf-8")
    assert "mine.txt" in refused(capsys, "fairness", TINY, "--out", str(folder))


def test_what_is_refused(capsys):
    """A year that is not the scenario's, and a plan of other places, are refused with the reason."""
    assert "is not one of the years 2026/27" in refused(capsys, "fairness", TINY, "--year", "2030/31")
    said = refused(capsys, "fairness", TINY, "--against", str(SCENARIOS / "participatory-budget"))
    assert "--against" in said
    assert "places differ" in said
