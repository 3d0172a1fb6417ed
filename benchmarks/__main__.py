"""Time the phases of the cases: `python -m benchmarks [--cases NAME ...] [--phases NAME ...] [--runs N]`."""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.phases import PHASES

HERE = Path(__file__).resolve().parent
COLUMNS = (
    "when", "commit", "case", "phase", "runs", "wall_median", "wall_least", "cpu_median", "machine", "cores", "python",
    "allocate", "pyomo", "highspy", "numpy", "pandas",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the phases asked for, print a table, and add the rows to results/benchmarks.csv."""
    options = parser().parse_args(arguments)
    about = machine()
    print(f"{about['machine']}, {about['cores']} cores, Python {about['python']}, commit {about['commit']}")
    print(f"\n{'case':26}{'phase':14}{'wall s':>10}{'least':>10}{'cpu s':>10}")
    rows = []
    for row in measured(options.cases, options.phases, options.runs):
        rows.append(about | row)
        figures = "".join(f"{row[name]:10.3f}" for name in ("wall_median", "wall_least", "cpu_median"))
        print(f"{row['case']:26}{row['phase']:14}{figures}", flush=True)
    print(
        f"\nMedian and least wall seconds and median processor seconds of {options.runs} runs; every answer asserted."
    )
    if not options.dry:
        keep(rows, options.results)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse describes it."""
    top = argparse.ArgumentParser(prog="python -m benchmarks", description="Time the phases of the cases.")
    top.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES), metavar="NAME")
    top.add_argument("--phases", nargs="+", choices=list(PHASES), default=list(PHASES), metavar="NAME")
    top.add_argument("--runs", type=int, default=5, metavar="N", help="runs of each; medians are shown (5)")
    top.add_argument("--results", type=Path, default=HERE / "results", metavar="DIR", help="where rows are kept")
    top.add_argument("--dry", action="store_true", help="keep no rows")
    return top


def measured(cases: Sequence[str], phases: Sequence[str], runs: int) -> Iterator[dict]:
    """A row for every case and phase. One run more than asked for comes first and is not counted: it warms up."""
    for case in cases:
        for phase in phases:
            PHASES[phase](CASES[case])
            walls, cpus = zip(*(PHASES[phase](CASES[case]) for _ in range(runs)), strict=True)
            yield {
                "case": case, "phase": phase, "runs": runs, "wall_median": statistics.median(walls),
                "wall_least": min(walls), "cpu_median": statistics.median(cpus),
            }  # fmt: skip


def machine() -> dict[str, str | int]:
    """What the figures depend on: machine, versions, commit. Nothing that names a person, a host or a folder."""
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "commit": commit(),
        "machine": f"{processor()} {platform.machine()} {platform.system()}",
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        **{name: version(name) for name in ("allocate", "pyomo", "highspy", "numpy", "pandas")},
    }


def processor() -> str:
    """The processor's model, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def commit() -> str:
    """The commit measured, with a plus sign where files differ from it."""
    try:
        asked = (["git", "rev-parse", "--short", "HEAD"], ["git", "status", "--porcelain", "--untracked-files=no"])
        name, differ = (
            subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()
            for command in asked
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + ("+" if differ else "")


def keep(rows: Sequence[dict], folder: Path) -> None:
    """Add rows to the folder's benchmarks.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "benchmarks.csv"
    new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            out.writeheader()
        for row in rows:
            out.writerow({name: f"{cell:.6f}" if isinstance(cell := row[name], float) else cell for name in COLUMNS})


if __name__ == "__main__":
    sys.exit(main())
