"""`allocate clash`: words to stderr, tables to stdout, and whether the rules can hold in the exit code."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

import allocate as al
from allocate import cli
from tests.conftest import SCENARIOS

TINY = str(SCENARIOS / "tiny")
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
    assert words.splitlines()[:-1] == found.sentences
    assert words.splitlines()[-1] == "As changes: --set rules.steady-care.down=0.1251"
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
