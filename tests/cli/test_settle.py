"""`allocate settle`: words to stderr, tables to stdout."""

from __future__ import annotations

import csv
import io
import json

import pytest

import allocate as al
from allocate import cli
from tests.cli.test_main import TINY
from tests.commons.settling.test_settlements import LAST_YEAR, curved, purse


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("purse")
    al.write(purse(2.0, 1.0), path / "made")
    return str(path / "made")


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["settle", *arguments]) == code
    out, words = capsys.readouterr()
    return out, words


def test_words_and_tables(capsys, folder):
    """Every sentence on stderr; what each prefers, the settlements, who gains what and where plans differ on stdout."""
    out, words = told(capsys, folder, "--fallback", "last-year")
    assert words.splitlines()[:-1] == al.settle(purse(2.0, 1.0), fallback=LAST_YEAR).sentences
    for title in ("What each prefers (fallback: last year)", "Settlements", "Gain over fallback", "Where plans differ"):
        assert title in out


def test_as_csv_and_json(capsys, folder):
    """As CSV one row a settlement and partner; as JSON every table, the weights and what payments could share."""
    rows = list(csv.DictReader(io.StringIO(told(capsys, folder, "--format", "csv")[0])))
    assert {row["partner"] for row in rows} == {"a", "b"}
    arguments = ("--format", "json", "--fallback", "last-year", "--weight", "a=2")
    found = json.loads(told(capsys, folder, *arguments)[0])
    assert found["weights"] == {"a": 2.0, "b": 1.0}
    assert {"preferred", "settlements", "summary", "spend", "agreed", "alike", "surplus"} <= set(found)


def test_without_any_plan(capsys, tmp_path):
    """Where no plan leaves everybody its fallback the tables say so, and the answer is an answer."""
    al.write(curved(), tmp_path / "made")
    out, words = told(capsys, str(tmp_path / "made"), "--fallback", "alone")
    assert "no plan keeps the rules" in out
    assert "there is nothing to settle" in words


def test_what_is_refused(capsys, folder):
    """Weights that are no pairs, no numbers or of nobody are refused, and so is a scenario without benefits."""
    assert "PARTNER=NUMBER" in told(capsys, folder, "--weight", "a", code=2)[1]
    assert "is not a number" in told(capsys, folder, "--weight", "a=x", code=2)[1]
    assert "expected a partner that decides" in told(capsys, folder, "--weight", "nobody=2", code=2)[1]
    assert "benefits.csv" in told(capsys, TINY, code=2)[1]
