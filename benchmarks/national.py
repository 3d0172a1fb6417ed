"""Solve England by district and by practice, each in a process of its own: `python -m benchmarks.national`.

Needs ALLOCATE_DATA (see `benchmarks.england`). The table goes between its marks in docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import allocate as al
from allocate.engine.problem import Problem
from benchmarks import marks
from benchmarks.england import england
from benchmarks.machine import machine

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "speed.md"
CASES = [("district", False), ("district", True), ("practice", False), ("practice", True)]
SECONDS = 3600.0


def solved(level: str, shared: bool) -> dict[str, Any]:
    """One case solved here and now, and asserted to be certified and in whole pounds."""
    scenario = england(level, shared=shared)  # type: ignore[arg-type]
    problem = Problem.of(scenario)
    wall, cpu = time.perf_counter(), time.process_time()
    plan = al.solve(scenario, seconds=SECONDS)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    facts = plan.facts.set_index("fact")["value"]
    assert plan.certified
    assert not plan.certificate.breaches
    assert facts["whole_pounds"] == "True"
    return {
        "level": level, "shared": shared, "lines": len(problem.low), "limits": len(problem.limits),
        "slices": sum(len(grid) - 1 for grid in problem.grids), "parts": int(facts["parts"]), "wall": wall, "cpu": cpu,
        "gap": plan.certificate.gap, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
    }  # fmt: skip


def apart(level: str, shared: bool) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.national", "--here", level, str(int(shared))]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def told(rows: Sequence[dict[str, Any]]) -> str:
    """The table, in Markdown."""
    lines = [
        "| England by | rules over all | lines | limits | slices | parts | wall s | CPU s | certified gap | peak GB |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        shared = "two" if row["shared"] else "none"
        lines.append(
            f"| {row['level']} | {shared} | {row['lines']:,} | {row['limits']:,} | {row['slices']:,} "
            f"| {row['parts']} | {row['wall']:.1f} | {row['cpu']:.1f} | {row['gap']:.1e} | {row['peak']:.1f} |"
        )
    about = machine()
    lines += ["", (
        f"From a scenario to a certified plan in whole pounds, once, each in a process of its own; all measured, "
        f"{about['when']} UTC: {about['machine']}, {about['cores']} cores, Python {about['python']}, highspy "
        f"{about['highspy']}; commit {about['commit']}."
    )]  # fmt: skip
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the cases asked for, print the table, and put it in the page."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.national", description=(__doc__ or "").splitlines()[0])
    top.add_argument("--levels", nargs="+", choices=["district", "practice"], default=["district", "practice"])
    top.add_argument("--dry", action="store_true", help="write nothing")
    top.add_argument("--here", nargs=2, help=argparse.SUPPRESS)
    options = top.parse_args(arguments)
    if options.here:
        print(json.dumps(solved(options.here[0], options.here[1] == "1")))
        return 0
    text = told([apart(level, shared) for level, shared in CASES if level in options.levels])
    print(text)
    if not options.dry:
        marks.keep(text, PAGE, "national", "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
