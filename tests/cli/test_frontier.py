"""`allocate frontier`: words to stderr, tables to stdout, files where they are asked for."""

from __future__ import annotations

import csv
import io
import json

import pytest

import allocate as al
from allocate import cli
from tests.cli.test_main import TINY

AIM = ("--kind", "worst-off", "--view", "spend", "--points", "3")


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["frontier", TINY, *arguments]) == code
    out, words = capsys.readouterr()
    return out, words


@pytest.fixture(scope="module")
def found() -> al.Frontier:
    return al.frontier(al.read(TINY), {"kind": "worst-off", "view": "spend"}, points=3)


def test_words_and_tables(capsys, found):
    """Every sentence and the caveat on stderr; the points and the named plans on stdout."""
    out, words = told(capsys, *AIM)
    assert words.splitlines() == [*found.sentences, found.scenario.heading.caveat, ""]
    assert "What fairness costs (buys in years)" in out
    assert "£98" in out
    assert "no plan: breaks Prevention north" in out


def test_as_csv_and_json(capsys, found):
    """As CSV one row a point; as JSON both tables, blanks as null."""
    rows = list(csv.DictReader(io.StringIO(told(capsys, *AIM, "--format", "csv")[0])))
    assert [row["name"] for row in rows] == ["most benefit", "", "fairest"]
    both = json.loads(told(capsys, *AIM, "--format", "json")[0])
    assert both["sentences"] == found.sentences
    assert both["table"][0]["price"] is None
    assert len(both["named"]) == 6
    assert both["growth"] == pytest.approx(found.growth)


def test_files(capsys, tmp_path):
    """--out writes both tables."""
    folder = tmp_path / "told"
    told(capsys, *AIM, "--out", str(folder))
    assert {file.name for file in folder.iterdir()} >= {"frontier.csv", "named.csv"}


def test_what_is_refused(capsys):
    """No aim, half an aim and a single point are refused in words."""
    assert "there is no aim" in told(capsys, code=2)[1]
    assert "say which with --kind" in told(capsys, "--view", "spend", code=2)[1]
    assert "a frontier has two ends" in told(capsys, "--kind", "bottom-up", "--points", "1", code=2)[1]
    assert "No plan" in told(capsys, *AIM, "--set", "envelopes.core=700000", code=3)[1]
