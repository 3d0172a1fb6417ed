"""`allocate clash`: words to stderr, tables to stdout, and whether the rules can hold in the exit code."""

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

LESS = ("--set", "envelopes.core=700000")


def told(capsys, *arguments: str, code: int) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["clash", TINY, *arguments]) == code
    out, words = capsys.readouterr()
    return out, words


def test_rules_that_hold(capsys):
    """Where a plan exists one sentence says so, nothing else, and the exit is 0."""
    assert told(capsys, code=0) == ("", "These rules can all hold: nothing clashes.\n")


def test_rules_that_clash(capsys):
    """Where none does the exit is 3: the sentences and the changes to type on stderr, two tables on stdout."""
    out, words = told(capsys, *LESS, code=3)
    found = al.clash(al.read(TINY).change({"envelopes.core": 700_000}))
    assert words.splitlines() == [*found.sentences, "As changes: --set rules.steady-care.down=0.1251", ""]
    assert "What cannot hold together" in out
    assert "Ways out" in out
    assert "The Trust" in out


def test_as_json(capsys):
    """Everything, blanks as null."""
    out, _ = told(capsys, *LESS, "--format", "json", code=3)
    found = json.loads(out)
    assert (found["possible"], found["complete"], found["law"]) == (False, True, False)
    assert [row["rule"] for row in found["clashes"]] == ["steady-care"]
    assert found["ways"][0]["change"] == {"rules.steady-care.down": 0.1251}
    assert json.loads(told(capsys, "--format", "json", code=0)[0])["ways"] == []


def test_as_csv(capsys):
    """One table that a spreadsheet opens."""
    out, _ = told(capsys, *LESS, "--format", "csv", code=3)
    table = pd.read_csv(io.StringIO(out))
    assert table["kind"].tolist() == ["clash", "cheapest", "fewest", "fairest", "drop"]
    assert set(table["rule"]) == {"steady-care"}


def test_changes_from_a_file(capsys, tmp_path):
    """Changes come from a file too, as for solve."""
    file = tmp_path / "changes.toml"
    file.write_text('"envelopes.core" = 700000\n', encoding="utf-8")
    assert "The minima of Core money" in told(capsys, "--changes", str(file), code=3)[1]


@pytest.mark.parametrize(("arguments", "word"), [
    (("--set", "envelopes.cor=1"), "did you mean core?"), (("--set", "envelopes.core"), "PATH=VALUE"),
])  # fmt: skip
def test_a_wrong_command(arguments, word, capsys):
    """What is wrong with the scenario or the command is said, with exit 2."""
    out, words = told(capsys, *arguments, code=2)
    assert out == ""
    assert word in words


def test_typing_the_changes_makes_a_plan(capsys):
    """The changes that are said are enough."""
    (line,) = [line for line in told(capsys, *LESS, code=3)[1].splitlines() if line.startswith("As changes: ")]
    changes = cli.read_sets(LESS[1::2]) | cli.read_sets(line.split()[3::2])
    assert al.solve(al.read(TINY).change(changes)).certified


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
    folder = str(SCENARIOS / "coventry-warwickshire")
    assert cli.main(["clash", folder, "--set", "rules.mental-health-standard.at_least=0.3"]) == 3
    out = capsys.readouterr().out
    assert "\N{HORIZONTAL ELLIPSIS}" not in out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
