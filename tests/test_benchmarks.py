"""The benchmarks run, and their asserted answers hold. Nothing here depends on how fast."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.__main__ import COLUMNS, HERE, machine, main
from benchmarks.cases import CASES, SCENARIOS
from benchmarks.phases import PHASES


def test_smallest_case_once(tmp_path, capsys):
    """Every phase of tiny runs, is shown, and is kept as a row with machine, versions and commit."""
    assert main(["--cases", "tiny", "--runs", "1", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    with open(tmp_path / "benchmarks.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["phase"] for row in rows] == list(PHASES)
    assert all(phase in out for phase in PHASES)
    assert all(row[column] for row in rows for column in COLUMNS)
    assert all(float(row["wall_median"]) > 0 for row in rows)
    assert str(HERE.parent) not in out + (tmp_path / "benchmarks.csv").read_text(encoding="utf-8")


def test_rows_are_added(tmp_path, capsys):
    """Later runs are added below earlier ones, under one header."""
    for _ in range(2):
        main(["--cases", "tiny", "--phases", "check", "--runs", "1", "--results", str(tmp_path)])
    assert len((tmp_path / "benchmarks.csv").read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.parametrize(("phase", "wrong"), [
    ("read", {"lines": 5}), ("read", {"figures": 3}), ("build", {"limits": 4}), ("build", {"value": 1_800.0}),
    ("first-solve", {"value": 1_924.9}), ("first-solve", {"spent": 999_999}),
    ("solve-again", {"changed_value": 1_880.0}),
])  # fmt: skip
def test_a_wrong_answer_is_noticed(phase, wrong):
    """Each phase fails where the answer is not the one expected: a fast wrong answer is no result."""
    with pytest.raises(AssertionError):
        PHASES[phase](replace(CASES["tiny"], **wrong))


def test_cases_are_scenarios():
    """Every case is a shipped scenario, named as its folder, and its what-if changes one envelope."""
    for name, case in CASES.items():
        assert (SCENARIOS / name / "scenario.toml").is_file()
        assert case.name == name
        assert len(case.changes) == 1


def test_machine_names_no_folder():
    """What is kept about the machine names neither the checkout's folder nor its user's."""
    facts = " ".join(str(fact) for fact in machine().values())
    assert str(HERE.parent) not in facts
    assert str(Path.home()) not in facts


@pytest.mark.parametrize("name", ["tiny", "participatory-budget", "health-benefits-package", "coventry-warwickshire"])
def test_expected_values_come_from_elsewhere(name):
    """The expected values are those of a separate program that shares no code with the package."""
    pytest.importorskip("scipy")
    from benchmarks.independent import best_value

    case = CASES[name]
    assert best_value(SCENARIOS / name) == pytest.approx(case.value, rel=1e-8)
    assert best_value(SCENARIOS / name, {case.envelope: case.amount}) == pytest.approx(case.changed_value, rel=1e-8)
