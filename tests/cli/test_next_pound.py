"""`allocate next`: what a round sum more would buy, the most first, in words and tables."""

from __future__ import annotations

import io
import json

import pandas as pd

import allocate as al
from allocate import cli
from tests.cli.test_main import TINY
from tests.conftest import SCENARIOS


def told(capsys, *arguments: str) -> tuple[str, str]:
    """What `allocate next` writes to stdout and to stderr."""
    assert cli.main(["next", *arguments]) == 0
    return capsys.readouterr()


def test_tiny(capsys):
    """The line where £10,000 buys most comes first, with what it costs; nothing stops it."""
    out, words = told(capsys, TINY, "--amount", "10000")
    assert out.splitlines()[0] == "What £10,000 more would buy, in years"
    assert " ".join(out.splitlines()[2].split()) == "Care in South Core money 9.95 10.0 all of it"
    assert words == "£10,000 more would buy most in Care in South: 9.95 years, and nothing stops it.\n\n"


def test_a_rule_in_the_way(capsys):
    """Where a rule stops the best line it is named, and the best that may take all of it is said too."""
    out, words = told(capsys, TINY, "--amount", "60000", "--set", "curves.north.care.slope=x1.2")
    assert "but the rule “Steady care” holds it" in words
    assert "Of what may take all of it, it would buy most in Care in South" in words
    assert "Steady care" in out


def test_whole_projects(capsys):
    """Without prices there is no cost to show, and lines that stand at their own most say so."""
    out, _ = told(capsys, str(SCENARIOS / "participatory-budget"), "--amount", "10000")
    assert "what it takes to start" in out
    assert "its own most" in out


def test_programs_read_json_and_csv(capsys, plan):
    """JSON has the sum, the unit and the table, CSV the table."""
    found = json.loads(told(capsys, TINY, "--format", "json")[0])
    assert (found["scenario"], found["amount"], found["unit"]) == ("tiny", 1e6, "years")
    table = pd.read_csv(io.StringIO(told(capsys, TINY, "--format", "csv")[0]), keep_default_na=False)
    assert table["buys"].tolist() == al.next_pound(plan)["buys"].tolist()
    assert len(found["next"]) == len(table) == 4
