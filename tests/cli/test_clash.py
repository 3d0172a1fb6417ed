"""`allocate clash`: what cannot hold together and every way out, for people and for programs."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

import allocate as al
from allocate import cli, screen
from allocate.cli.clash import ways
from tests.cli.test_main import TINY
from tests.conftest import SCENARIOS

CAP = '{kind = "cap", owner = "board", where = {programmes = ["prevention"], places = ["north"]}, amount = 45000}'
STANDARD = "rules.mental-health-standard.at_least=0.3"


def told(capsys, *arguments: str, code: int) -> tuple[str, str]:
    """What `allocate clash` writes to stdout and to stderr."""
    assert cli.main(["clash", *arguments]) == code
    return capsys.readouterr()


def test_nothing_clashes(capsys):
    """Rules that can all hold are said to, with no table."""
    assert told(capsys, TINY, code=0) == ("", "These rules can all hold: nothing clashes.\n")


def test_words_and_tables(capsys):
    """What clashes and what to ask of whom goes to stderr, with changes to type; both as tables to stdout."""
    out, words = told(capsys, TINY, "--set", f"rules.small={CAP}", code=3)
    assert "As changes: --set rules." in words
    assert [line for line in out.splitlines() if line.startswith(("What", "Ways"))] == [
        "What cannot hold together", "Ways out (prices in £)"
    ]  # fmt: skip
    assert "£15,000" in out
    assert "ask The" in out


def test_typing_the_changes_makes_a_plan(capsys):
    """The changes that are said are enough."""
    clashing = ["--set", f"rules.small={CAP}"]
    _, words = told(capsys, TINY, *clashing, code=3)
    (line,) = [line for line in words.splitlines() if line.startswith("As changes: ")]
    changes = cli.read_sets(clashing[1::2]) | cli.read_sets(line.split()[3::2])
    assert al.solve(al.read(TINY).change(changes)).certified


@pytest.mark.parametrize("form", ["json", "csv"])
def test_programs_get_every_figure(capsys, form):
    """JSON and CSV hold the library's tables, unrounded."""
    found = al.clash(al.read(TINY).change(cli.read_sets([f"rules.small={CAP}"])))
    out, _ = told(capsys, TINY, "--set", f"rules.small={CAP}", "--format", form, code=3)
    if form == "csv":
        table = pd.read_csv(io.StringIO(out))
        assert list(table) == list(found.table)
        assert len(table) == len(found.table)
    else:
        read = json.loads(out)
        assert not read["possible"]
        assert [row["pounds"] for row in read["ways"]] == pytest.approx(found.ways["pounds"].tolist(), nan_ok=True)


def test_ways_that_ask_the_same_are_one():
    """The cheapest way that is also the fewest concessions stands once, as both; dropping the rule is another way."""
    table = pd.DataFrame({
        "way": [1, 2, 3, 3, 4], "kind": ["cheapest", "fewest", "fairest", "fairest", "drop"],
        "rule": ["a", "a", "a", "b", "a"], "amount": [5.0, 5.0, 2.0, 3.0, 5.0],
    })  # fmt: skip
    assert [(kinds, len(rows)) for kinds, rows in ways(table)] == [
        (["cheapest", "fewest concessions"], 1), (["least asked of any one partner"], 2), (["whole rules dropped"], 1),
    ]  # fmt: skip


def test_eighty_columns_are_enough(capsys, monkeypatch):
    """On a narrow screen the ways out of a real clash are whole: no amount is cut."""
    monkeypatch.setattr(screen, "_console", lambda: screen._Console(width=80))
    out, _ = told(capsys, str(SCENARIOS / "coventry-warwickshire"), "--set", STANDARD, code=3)
    assert "\N{HORIZONTAL ELLIPSIS}" not in out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
