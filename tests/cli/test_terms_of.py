"""`allocate deal --terms`: words to stderr, tables to stdout."""

from __future__ import annotations

import csv
import io
import json

import pytest

import allocate as al
from allocate import cli
from tests.cli.test_main import TINY
from tests.commons.games import shared_good


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("shared")
    al.write(shared_good(), path / "made")
    return str(path / "made")


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["deal", *arguments]) == code
    out, words = capsys.readouterr()
    return out, words


def test_words_and_tables(capsys, folder):
    """Every sentence on stderr; who would leave, payments, rates and untruths on stdout."""
    out, words = told(capsys, folder, "--terms")
    assert words.splitlines()[:-1] == al.terms(shared_good()).sentences
    for title in ("What each could gain by leaving the plan", "Payments that keep everybody in", "Rates for a pound",
                  "If one misstates its figures"):  # fmt: skip
        assert title in out
    assert "£0.50" in out


def test_as_csv_and_json(capsys, folder):
    """As CSV one row a rate; as JSON every table, its sentences, and which fallback."""
    rows = list(csv.DictReader(io.StringIO(told(capsys, folder, "--terms", "--format", "csv")[0])))
    assert [(row["partner"], row["programme"]) for row in rows] == [
        ("a", "prevention"), ("a", "service-a"), ("b", "prevention"), ("b", "service-b"),
    ]  # fmt: skip
    found = json.loads(told(capsys, folder, "--terms", "--format", "json", "--fallback", "last-year")[0])
    assert found["fallback"] == "last year"
    assert found["whole"] is True
    assert {"alignment", "rates", "matching", "partners", "effort", "gaming"} <= set(found)


def test_what_is_refused(capsys, folder):
    """A scenario without benefits is refused with everyone it lacks, and so is asking for two answers at once."""
    assert "benefits.csv" in told(capsys, TINY, "--terms", code=2)[1]
    with pytest.raises(SystemExit):
        cli.main(["deal", folder, "--terms", "--all-groups"])
    words = told(capsys, folder, "--terms", "--short", "1e5", "--blocs-by-kind", code=2)[1]
    assert "--short: cannot go with --terms" in words
    assert "--blocs-by-kind: cannot go with --terms" in words


def test_one_contract(capsys, folder):
    """What a partner spends at every rate for one thing: words, a table, CSV and JSON; other texts are refused."""
    out, words = told(capsys, folder, "--paid", "a.prevention.town")
    assert "What it spends" in out
    assert "It spends as planned at £0.50" in words
    rows = list(csv.DictReader(io.StringIO(told(capsys, folder, "--paid", "a.prevention", "--format", "csv")[0])))
    assert {"rate", "activity", "pays"} <= set(rows[0])
    found = json.loads(told(capsys, folder, "--paid", "a.prevention", "--format", "json")[0])
    assert found["at"] == pytest.approx(0.5, abs=1e-3)
    assert "PARTNER.PROGRAMME" in told(capsys, folder, "--paid", "a", code=2)[1]
    assert "no line has it" in told(capsys, folder, "--paid", "a.preventing", code=2)[1]
