"""`allocate reach`: the least money for a target, in words, as changes to type, and by envelope."""

from __future__ import annotations

import json
import shlex

import allocate as al
from allocate import cli
from tests.cli.test_main import TINY, refused

GOAL = 'rules.goal={kind = "reach", outcome = "health", amount = 2000}'


def told(capsys, *arguments: str) -> tuple[str, str]:
    """What `allocate reach` writes to stdout and to stderr."""
    assert cli.main(["reach", *arguments]) == 0
    return capsys.readouterr()


def test_what_it_takes_can_be_typed(capsys, tmp_path):
    """The sum is said and shown, and the changes that are told, typed after `solve`, reach the target."""
    out, words = told(capsys, TINY, "--target", GOAL, "--envelope", "core", "--out", str(tmp_path / "plan"))
    assert out.splitlines()[0] == "By envelope"
    assert "Years of good health gained must reach at least 2,000: that takes £76,6" in words
    typed = next(line for line in words.splitlines() if line.startswith("As changes: ")).removeprefix("As changes: ")
    assert cli.main(["solve", TINY, *shlex.split(typed), "--format", "json"]) == 0
    assert sum(row["gain"] for row in json.loads(capsys.readouterr().out)["gains"]) >= 2000
    assert (tmp_path / "plan" / "plan.json").exists()


def test_programs_read_json(capsys, tiny):
    """JSON has what the answer has."""
    found = json.loads(told(capsys, TINY, "--target", GOAL, "--in-proportion", "--format", "json")[0])
    assert set(found) == {"scenario", "amount", "bound", "sentence", "change", "money", "spend"}
    target = {"rules.goal": {"kind": "reach", "outcome": "health", "amount": 2000}}
    assert found["amount"] == al.reach(tiny, target, in_proportion=True).amount


def test_what_is_refused(capsys):
    """No target, an unknown envelope and a target that no money reaches are told apart by their exit codes."""
    assert "nothing is to be reached" in refused(capsys, "reach", TINY)
    assert "did you mean core?" in refused(capsys, "reach", TINY, "--target", GOAL, "--envelope", "cor")
    far = GOAL.replace("amount", 'where = {programmes = ["prevention"]}, amount')
    assert "No money in" in refused(capsys, "reach", TINY, "--target", far, code=3)
