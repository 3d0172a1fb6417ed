"""`allocate deal`: words to stderr, tables to stdout."""

from __future__ import annotations

import csv
import io
import json

import pytest

import allocate as al
from allocate import cli
from tests.cli.test_main import TINY
from tests.commons.games import workshop


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("workshop")
    al.write(workshop(), path / "made")
    return str(path / "made")


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["deal", *arguments]) == code
    out, words = capsys.readouterr()
    return out, words


def test_words_and_tables(capsys, folder):
    """Every sentence on stderr; payments, groups, consent, leaving and, if asked, other ways to share on stdout."""
    out, words = told(capsys, folder, "--all-groups")
    assert words.splitlines()[:-1] == al.deal(workshop(), all_groups=True).sentences
    for title in ("The deal (fallback: apart)", "Groups by themselves", "Consent without payments", "If one leaves"):
        assert title in out
    assert "Other ways to share" in out
    assert "least unhappy group first" in out
    assert "least unhappy group first" not in told(capsys, folder)[0]


def test_as_csv_and_json(capsys, folder):
    """As CSV one row a partner; as JSON every table and what it would take."""
    rows = list(csv.DictReader(io.StringIO(told(capsys, folder, "--format", "csv")[0])))
    assert [row["partner"] for row in rows] == ["a", "b", "c"]
    found = json.loads(told(capsys, folder, "--format", "json", "--fallback", "last-year")[0])
    assert found["fallback"] == "last year"
    assert found["stable"] is True
    assert {"partners", "groups", "proof", "consent", "leaving", "sharing"} <= set(found)


def test_who_goes_short(capsys, folder):
    """Four rules side by side, and what buys most, for so much less to spend; all that is planned cannot be missing."""
    out = " ".join(told(capsys, folder, "--short", "50000")[0].split())
    assert all(rule in out for rule in ("Who goes short", "in proportion", "equal awards", "equal losses", "buys most"))
    rows = json.loads(told(capsys, folder, "--short", "50000", "--format", "json")[0])["short"]
    assert sum(row["less"] for row in rows if row["rule"] == "equal losses") == pytest.approx(50_000)
    assert "planned" in told(capsys, folder, "--short", "9e9", code=2)[1]


def test_blocs(capsys, folder):
    """Partners that go together count as one, named or by kind, and what each of them has is shown."""
    out, words = told(capsys, folder, "--bloc", "rights=a, b")
    assert "Rights (2)" in out
    assert "Blocs, where all in one gain the same" in out
    assert "These decide and are counted as one" in words
    assert "between two partners" in told(capsys, folder, "--blocs-by-kind", code=2)[1]
    assert "NAME=PARTNER" in told(capsys, folder, "--bloc", "rights", code=2)[1]


def test_without_benefits(capsys):
    """A scenario that does not say what outcomes are worth to partners is refused, with everyone it lacks."""
    assert "benefits.csv" in told(capsys, TINY, code=2)[1]
