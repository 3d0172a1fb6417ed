"""How answers are written: words that fit a screen, changes that can be copied, tables as JSON."""

from __future__ import annotations

import json
import shlex
import sys

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from allocate.cli import output, read_sets

LONG = "- rules.steady-care: lower its minimum. Spending on Care must not fall by more than 5% from the baseline"


def test_words_fold_on_a_screen(capsys, monkeypatch):
    """On a screen no word is cut and an item of a list is set in; in a pipe a sentence is one line."""
    monkeypatch.setenv("COLUMNS", "40")
    output.say(LONG)
    assert capsys.readouterr().err == LONG + "\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    output.say("Tiny\n" + LONG)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Tiny"
    assert max(map(len, lines)) <= 40
    assert all(line.startswith("  ") for line in lines[2:])
    assert " ".join(line.strip() for line in lines[1:]) == LONG


def test_changes_stay_on_one_line(capsys, monkeypatch):
    """Changes to type are one line however narrow the screen, so that they can be copied."""
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    output.say_changes("As changes", {"rules.a.amount": 5.0, "rules.b.in_force": False})
    assert capsys.readouterr().err == "As changes: --set rules.a.amount=5 --set rules.b.in_force=false\n"


@given(st.dictionaries(st.sampled_from(["rules.a.text", "rules.b.text"]), st.text(max_size=8).map(str.strip)))
def test_changes_are_read_as_they_were(changes):
    """Whatever a shell makes of the options that are said is read as the same changes."""
    typed = shlex.split(output.as_sets(changes))[1::2]
    assert read_sets(typed) == changes


def test_json():
    """Tables are lists of rows, null for blanks and open ends; facts stay as they are."""
    table = pd.DataFrame({"name": ["é", None], "amount": [np.inf, 1.5], "many": [1, 2], "so": [True, False]})
    assert json.loads(output.to_json({"unit": "£", "rows": table})) == {
        "unit": "£",
        "rows": [
            {"name": "é", "amount": None, "many": 1, "so": True},
            {"name": None, "amount": 1.5, "many": 2, "so": False},
        ],
    }
