"""`allocate lawful`: words to stderr, tables to stdout."""

from __future__ import annotations

import csv
import io
import json

import pytest

import allocate as al
from allocate import cli
from tests.cli.test_main import TINY
from tests.commons.routes.test_lawful import two_pots


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("pots")
    al.write(two_pots(), path / "made")
    return str(path / "made")


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["lawful", *arguments]) == code
    out, words = capsys.readouterr()
    return out, words


def test_words_and_tables(capsys, folder):
    """Every sentence on stderr; what can reach what, and the routes, on stdout."""
    out, words = told(capsys, folder, "--to", "prevention")
    assert words.splitlines()[:-1] == al.lawful(two_pots(), to="prevention").sentences
    assert "The most that can lawfully be spent" in out
    assert "Routes (worth in units)" in out
    assert "£800,000" in out


def test_as_csv_and_json(capsys, folder):
    """As CSV one row a programme and envelope; as JSON every table."""
    rows = list(csv.DictReader(io.StringIO(told(capsys, folder, "--format", "csv")[0])))
    assert [row["id"] for row in rows] == ["care", "prevention", "core", "grant"]
    found = json.loads(told(capsys, folder, "--format", "json", "--openings", "1")[0])
    assert {"reach", "stops", "routes", "openings"} <= set(found)
    assert found["routes"][0]["consent"] == ["acute", "council"]


def test_routes_that_do_not_exist(capsys):
    """A system without routes says so, and shows what one would be worth."""
    out, words = told(capsys, TINY)
    assert "There is no route" in words
    assert "Routes that do not exist" in out


def test_no_such_programme(capsys, folder):
    """What is no programme is refused, with the likely one."""
    assert "did you mean" in told(capsys, folder, "--to", "preventoin", code=2)[1]
