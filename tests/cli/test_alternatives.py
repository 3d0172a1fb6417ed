"""`allocate settle --within`: near-best plans, words to stderr, tables to stdout."""

from __future__ import annotations

import csv
import io
import json

import pytest

import allocate as al
from allocate import cli
from tests.commons.settling.test_alternatives import two


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("two")
    al.write(two(), path / "made")
    return str(path / "made")


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["settle", *arguments, "--fallback", "last-year"]) == code
    out, words = capsys.readouterr()
    return out, words


def test_words_and_tables(capsys, folder):
    """Every sentence on stderr; ranges, plans and who gains what on stdout."""
    out, words = told(capsys, folder, "--within", "5", "--plans", "2")
    found = al.alternatives(two(), within=0.05, count=2, fallback="last year")
    assert words.splitlines()[:-1] == found.sentences
    for title in ("What plans near the best may spend", "Plans that nobody would veto", "than in the agreed plan"):
        assert title in out


def test_as_csv_and_json(capsys, folder):
    """As CSV one row a range; as JSON every table and how near the best."""
    rows = list(csv.DictReader(io.StringIO(told(capsys, folder, "--within", "5", "--format", "csv")[0])))
    assert [row["id"] for row in rows] == ["service-a", "service-b", "a", "b"]
    found = json.loads(told(capsys, folder, "--within", "5", "--format", "json")[0])
    assert found["within"] == pytest.approx(0.05)
    assert found["certified"] is True
    assert {"plans", "partners", "spend", "range"} <= set(found)


def test_what_is_refused(capsys, folder):
    """More than all of the gain is no part of it, and what belongs to settlements alone is refused beside it."""
    for arguments in (["--within", "101"], ["--within", "x"]):
        with pytest.raises(SystemExit):
            cli.main(["settle", folder, *arguments])
    assert "--weight" in told(capsys, folder, "--within", "5", "--weight", "a=2", code=2)[1]
