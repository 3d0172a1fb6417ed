"""`allocate lenses`: words to stderr, tables to stdout, files where they are asked for."""

from __future__ import annotations

import csv
import io
import json

import pytest

import allocate as al
from allocate import cli
from tests.cli.test_main import TINY


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["lenses", TINY, *arguments]) == code
    out, words = capsys.readouterr()
    return out, words


@pytest.fixture(scope="module")
def found() -> al.Lenses:
    return al.lenses(al.read(TINY))


def test_words_and_tables(capsys, found, tmp_path):
    """Every sentence and the caveat on stderr; lenses and places on stdout; every table in the folder of --out."""
    out, words = told(capsys, "--out", str(tmp_path / "told"))
    written = f"Written to {tmp_path / 'told'}"
    assert words.splitlines() == [*found.sentences, found.scenario.heading.caveat, written, ""]
    assert "Towards equal spending" in out
    assert "Spending against today" in out
    names = {file.name for file in (tmp_path / "told").iterdir()}
    assert names >= {"summary.csv", "places.csv", "partners.csv", "agreed.csv"}


def test_as_csv_and_json(capsys, found):
    """As CSV one row a lens; as JSON every table and what all agree on."""
    rows = list(csv.DictReader(io.StringIO(told(capsys, "--format", "csv")[0])))
    assert [row["lens"] for row in rows] == list(found.plans)
    told_all = json.loads(told(capsys, "--format", "json")[0])
    assert told_all["agreed_pounds"] == found.agreed_pounds
    assert len(told_all["places"]) == len(found.places)


def test_give_up(capsys):
    """--give-up holds every lens to it."""
    rows = csv.DictReader(io.StringIO(told(capsys, "--give-up", "0.01", "--format", "csv")[0]))
    assert max(float(row["given_up"]) for row in rows) == pytest.approx(0.01, rel=1e-3)
