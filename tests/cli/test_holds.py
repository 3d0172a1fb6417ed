"""`allocate holds`: words to stderr, tables to stdout, and an honest no is an answer."""

from __future__ import annotations

import csv
import io
import json

import pytest

import allocate as al
from allocate import cli
from tests.cli.test_main import TINY
from tests.commons.games import shared_good
from tests.commons.keeping.test_holding import OWN


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("good")
    al.write(shared_good({"own": OWN}), path / "made")
    return str(path / "made")


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["holds", *arguments]) == code
    out, words = capsys.readouterr()
    return out, words


def test_words_and_tables(capsys, folder):
    """Every sentence on stderr, the questions, the rules and who would leave on stdout; and no is an answer."""
    out, words = told(capsys, folder)
    assert words.splitlines()[:-1] == al.holds(shared_good({"own": OWN})).sentences
    for title in ("Does self-organising work here?", "Who would break which rule (fallback: apart)", "Who would leave"):
        assert title in out
    assert "does not hold" in out


def test_as_csv_and_json(capsys, folder):
    """As CSV a row a rule and partner; as JSON what it was judged by and every table."""
    rows = list(csv.DictReader(io.StringIO(told(capsys, folder, "--format", "csv")[0])))
    assert [(row["rule"], row["partner"]) for row in rows] == [("own", "a"), ("own", "b")]
    judged = ("--patience", "0.9", "--years", "8", "--fine", "1000", "--word", "5000", "--fallback", "last-year")
    found = json.loads(told(capsys, folder, "--format", "json", *judged)[0])
    assert [found[name] for name in ("patience", "years", "fine", "word")] == [0.9, 8, 1000.0, 5000.0]
    assert found["fallback"] == "last year"
    assert found["works"] is True
    assert [row["answer"] for row in found["check"]] == ["yes"] * 6
    assert {"rules", "leaving", "sentences"} <= set(found)


def test_rules_that_clash(capsys, folder):
    """Where rules clash the questions say so, and no plan is possible."""
    out, words = told(capsys, folder, "--set", "rules.own.amount=1.2e6", "--set", "lines.*.high=1e6", code=3)
    assert "No plan keeps every rule" in words
    assert "Not known" in out
    assert "Who would leave" not in out


def test_what_is_refused(capsys):
    """A scenario that does not say what outcomes are worth to partners is refused, and so is a patience above 1."""
    assert "benefits.csv" in told(capsys, TINY, code=2)[1]
    with pytest.raises(SystemExit):
        cli.main(["holds", TINY, "--patience", "1.5"])
    assert "from 0 to 1" in capsys.readouterr().err
