"""The README stays true: its script runs, and its commands answer."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from allocate import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EVERY = [
    shlex.split(line, comments=True)[3:]
    for line in re.findall(r"^\$ (python3 run\.py allocate .*)$", README, flags=re.MULTILINE)
]
COMMANDS = [command for command in EVERY if command[0] != "explore"]
"""Those that end by themselves: the explorer is started for real in tests/ui/test_serving.py."""


@pytest.mark.parametrize("script", re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
def test_each_script_of_the_readme_runs(script, monkeypatch, capsys):
    """What a newcomer copies from the README works as it stands."""
    monkeypatch.chdir(ROOT)
    exec(compile(script, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "Every rule is met" in said or "Cheapest way out" in said


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_of_the_readme_answers(command, monkeypatch, tmp_path, capsys):
    """Every allocate command of the README exits 0 and says something; the one that makes rules clash exits 3."""
    monkeypatch.chdir(ROOT)
    if "--out" in command:
        command = [*command[:-1], str(tmp_path / "plan")]
    assert cli.main(command) == (3 if command[0] == "clash" else 0)
    assert capsys.readouterr().out


def test_the_readme_names_the_two_commands_that_matter():
    """One command runs the main job and one passes the tests; CI calls the same one."""
    assert ["explore"] in EVERY
    assert ["solve", "scenarios/coventry-warwickshire"] in COMMANDS
    assert "$ python3 run.py pytest" in README
    assert "python3 run.py pytest" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_links_of_the_readme_lead_somewhere():
    """Every relative link names a file of the project."""
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
