"""The benchmarks run, and their asserted answers hold. Nothing here depends on how fast."""

from __future__ import annotations

import csv
import math
import os
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
import threadpoolctl
from benchmarks import chart, marks, tables
from benchmarks.__main__ import ALL_CASES, ALL_PHASES, COLUMNS, main
from benchmarks.building import SMALLEST
from benchmarks.cases import CASES, SCENARIOS
from benchmarks.machine import BLAS, HERE, machine, one_thread
from benchmarks.phases import ONLY, PHASES
from benchmarks.timing import centile, spread
from benchmarks.ways import BARE, COMPILED

import allocate.cli

QUICK = "--quick", "--phases", "check", "building", "--ways", COMPILED


def kept(folder: Path) -> list[dict[str, str]]:
    with open(folder / "rows.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", CASES)
def test_the_registry_says_what_the_scenarios_are(name):
    """Every scenario is read and built with as many lines, figures and limits as its case says."""
    for phase in ("read", "build"):
        PHASES[phase](CASES[name])


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase not in ("read", "build", "clash")])
def test_answers_for_a_real_system(phase):
    """What is timed of a real system comes out as its case says."""
    (wall, _) = PHASES[phase](CASES["coventry-warwickshire"])
    assert wall > 0


def test_smallest_case_once(tmp_path, capsys):
    """Every phase of tiny runs, is shown, and is kept as a row with machine, versions and commit."""
    assert main(["--cases", "tiny", "--runs", "1", "--results", str(tmp_path)]) == 0
    out, rows = capsys.readouterr().out, kept(tmp_path)
    phases = [phase for phase in PHASES if phase not in ONLY]
    assert [row["phase"] for row in rows] == phases
    assert all(phase in out for phase in phases)
    about = [name for name in COLUMNS if name not in ("peak_mb", "note", "load")]
    assert all(row[column] for row in rows for column in about)
    assert all(float(row["wall_median"]) > 0 for row in rows)
    assert str(HERE.parent) not in out + (tmp_path / "rows.csv").read_text(encoding="utf-8")


def test_quick(tmp_path):
    """A quick run takes the smallest scenario and model once, and keeps what is asked for."""
    assert main([*QUICK, "--results", str(tmp_path)]) == 0
    rows = kept(tmp_path)
    assert {row["case"] for row in rows} == {"tiny", SMALLEST}
    assert {row["runs"] for row in rows} <= {"0", "1"}


def test_nothing_is_kept_of_a_dry_run(tmp_path):
    """A dry run keeps nothing."""
    assert main(["--cases", "tiny", "--phases", "check", "--runs", "1", "--dry", "--results", str(tmp_path)]) == 0
    assert list(tmp_path.iterdir()) == []


def test_rows_are_added(tmp_path):
    """Later runs are added below earlier ones, under one header."""
    for _ in range(2):
        main(["--cases", "tiny", "--phases", "check", "--runs", "1", "--results", str(tmp_path)])
    assert len((tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.parametrize(("phase", "wrong"), [
    ("read", {"lines": 5}), ("read", {"figures": 3}), ("build", {"limits": 4}), ("build", {"value": 1_800.0}),
    ("first-solve", {"value": 1_924.9}), ("first-solve", {"spent": 999_999}),
    ("solve-again", {"changed_value": 1_880.0}), ("frontier", {"changed_value": 1_880.0}),
])  # fmt: skip
def test_a_wrong_answer_is_noticed(phase, wrong):
    """Each phase fails where the answer is not the one expected: a fast wrong answer is no result."""
    with pytest.raises(AssertionError):
        PHASES[phase](replace(CASES["tiny"], **wrong))


def test_a_clash_of_a_real_system():
    """An envelope below what rules ask of it is told as a clash, with ways out."""
    (wall, cpu) = PHASES["clash"](CASES["coventry-warwickshire"])
    assert wall > 0
    assert cpu > 0


def test_cases_are_scenarios():
    """Every case is a shipped scenario, named as its folder, and its what-if changes one envelope."""
    for name, case in CASES.items():
        assert (SCENARIOS / name / "scenario.toml").is_file()
        assert case.name == name
        assert len(case.changes) == 1
    assert len(set(ALL_CASES)) == len(ALL_CASES)
    assert len(set(ALL_PHASES)) == len(ALL_PHASES)


def test_machine_names_no_folder():
    """What is kept about the machine names neither the checkout's folder nor its user's."""
    facts = " ".join(str(fact) for fact in machine().values())
    assert str(HERE.parent) not in facts
    assert str(Path.home()) not in facts


def test_one_thread_while_measuring(monkeypatch):
    """While it is measured linear algebra has one thread, here and in processes started meanwhile; then what it had."""
    monkeypatch.setenv(BLAS[0], "7")
    monkeypatch.delenv(BLAS[1], raising=False)
    before = threadpoolctl.threadpool_info()
    with one_thread():
        assert {pool["num_threads"] for pool in threadpoolctl.threadpool_info()} == {1}
        assert {os.environ[name] for name in BLAS} == {"1"}
    assert threadpoolctl.threadpool_info() == before
    assert (os.environ[BLAS[0]], os.environ.get(BLAS[1])) == ("7", None)


def test_spread():
    """Medians, 95th percentiles and the least are of what was measured."""
    times = [(float(k), 2.0 * k) for k in range(1, 101)]
    assert spread(times) == {
        "wall_median": 50.5, "wall_p95": 95.0, "cpu_median": 101.0, "cpu_p95": 190.0, "wall_least": 1.0
    }  # fmt: skip
    assert centile([3.0], 0.95) == 3.0
    assert spread([]) == {}


@pytest.mark.parametrize("name", ["tiny", "participatory-budget", "health-benefits-package", "coventry-warwickshire"])
def test_expected_values_come_from_elsewhere(name):
    """The expected values are those of a separate program that shares no code with the package."""
    pytest.importorskip("scipy")
    from benchmarks.independent import best_value

    case = CASES[name]
    assert best_value(SCENARIOS / name) == pytest.approx(case.value, rel=1e-8)
    assert best_value(SCENARIOS / name, {case.envelope: case.amount}) == pytest.approx(case.changed_value, rel=1e-8)


# --- tables and chart -----------------------------------------------------------------------------------------------


def row(case: str, phase: str, way: str, cpu: float, slices: int = 1, when: str = "1") -> dict[str, str]:
    cells = {"case": case, "phase": phase, "way": way, "when": when, "slices": str(slices), "runs": "7"}
    return dict.fromkeys(COLUMNS, "") | cells | {"cpu_median": str(cpu), "cpu_p95": str(cpu), "wall_median": str(cpu)}


def test_ratios_are_of_one_run():
    """Ways are compared within the last run that has both, not across runs."""
    found = tables.Rows([
        row("a", "p", "x", 1.0), row("a", "p", "y", 3.0), row("a", "p", "x", 9.0, when="2"),
    ])  # fmt: skip
    assert found.ratio("a", "p", "y", "x") == 3.0
    assert found.figure("a", "p", "x") == 9.0
    assert math.isnan(found.ratio("a", "p", "z", "x"))


def test_slope():
    """Cost in proportion to slices has a slope of 1."""
    sizes = zip(tables.CURVE, (10, 50, 420), strict=True)
    found = tables.Rows([row(case, tables.BUILD, COMPILED, 0.001 * n, n) for case, n in sizes])
    assert found.slope(COMPILED) == pytest.approx(1.0)
    assert math.isnan(found.slope(BARE))


def test_targets_say_what_is_met():
    """What was asked and measured stands side by side: met, missed, or not measured."""
    found = tables.Rows([
        row(tables.LARGEST, tables.BOTH, BARE, 1.0), row(tables.LARGEST, tables.BOTH, COMPILED, 1.2),
        row(tables.LARGEST, tables.BOTH, "linopy", 2.4),
    ])  # fmt: skip
    lines = tables.targets(found).splitlines()
    assert [line.split("|")[-2].strip() for line in lines[2:5]] == ["met", "**missed**", ""]
    assert "not measured" in lines[4]


def test_tables_take_their_own_places(tmp_path):
    """Tables go between their own marks, are replaced when written again, and leave everything else alone."""
    results, docs = tmp_path / "RESULTS.md", tmp_path / "docs"
    docs.mkdir()
    results.write_text("# Measured\n\n<!-- explorer -->\nold\n<!-- /explorer -->\n")
    main([*QUICK, "--results", str(tmp_path)])
    for _ in range(2):
        tables.write(tmp_path / "rows.csv", results, docs)
    text = results.read_text()
    assert text.startswith("# Measured\n\n<!-- explorer -->\nold\n<!-- /explorer -->\n")
    for name in ("building", "what-if", "batch", "phases"):
        assert [text.count(mark) for mark in marks.marks(name)] == [1, 1]
    assert COMPILED in text
    assert str(Path.home()) not in text
    ElementTree.fromstring((docs / "speed.svg").read_text())


def test_chart():
    """The chart has a line for each way that was measured at two sizes, with its slope, and is well-formed."""
    drawn = chart.drawn({"a": [(10, 1.0), (1000, 50.0)], "b": [(10, 2.0)]}, {"a": 0.85, "b": math.nan})
    root = ElementTree.fromstring(drawn)
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 1
    assert "a, slope 0.85" in drawn


# --- allocate bench -------------------------------------------------------------------------------------------------


def test_allocate_bench(tmp_path, capsys):
    """`allocate bench` is the benchmarks' own command line."""
    given = ["--cases", "tiny", "--phases", "check", "--runs", "1", "--results", str(tmp_path)]
    assert allocate.cli.main(["bench", *given]) == 0
    assert "check" in capsys.readouterr().out
    assert len(kept(tmp_path)) == 1


def test_allocate_bench_without_a_clone(monkeypatch, tmp_path, capsys):
    """An installed package, which has no benchmarks, says in a sentence where they are."""
    monkeypatch.setattr(allocate.cli.bench, "__file__", str(tmp_path / "lib" / "allocate" / "cli" / "bench.py"))
    assert allocate.cli.main(["bench", "--quick"]) == 2
    out, words = capsys.readouterr()
    assert out == ""
    assert words.count("\n") == 1
    assert "clone of the repository" in words
