"""Time the phases of the cases: `python -m benchmarks` or `allocate bench`, with --help for what there is.

Cases are scenarios (`cases`) and models (`registry`: size x shape). A scenario goes through the phases of the package,
a model goes several `ways` side by side. Every answer is asserted. Rows are kept in results/rows.csv, and --tables puts
what they say into RESULTS.md and docs/speed.md.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import tables
from benchmarks.batch import CASE, batch, resolved
from benchmarks.building import building, memory
from benchmarks.cases import CASES
from benchmarks.machine import HERE, PACKAGES, machine, one_thread
from benchmarks.phases import ONLY, PHASES
from benchmarks.registry import FIGURES, MODELS, Row, row
from benchmarks.ways import WAYS
from benchmarks.whatif import whatif

COLUMNS = ("when", "commit", *FIGURES, "machine", "cores", "load", "python", *PACKAGES)
OF_MODELS: dict[str, Callable[[str, argparse.Namespace], Iterator[Row]]] = {
    "building": lambda case, told: building(case, told.ways, told.runs, told.slow),
    "memory": lambda case, told: memory(case, told.ways),
    "what-if": lambda case, told: whatif(case, told.runs, told.slow),
}
"""What is measured of models, way beside way."""
ONCE: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "batch": lambda told: batch(told.variations, min(told.variations, 20)),
    "solves": lambda told: resolved(10 * told.variations),
}
"""What is measured of one case alone."""
ALL_PHASES = *PHASES, *OF_MODELS, *ONCE
ALL_CASES = *CASES, *MODELS
DEFAULTS = {"cases": None, "runs": 7, "slow": 3, "variations": 1000}
QUICK = {"cases": ["tiny", "shares-1x1"], "runs": 1, "slow": 1, "variations": 5}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the phases asked for, print a line for each row, and add the rows to results/rows.csv."""
    told = parser().parse_args(arguments)
    if told.quick:
        vars(told).update(
            {name: value for name, value in QUICK.items() if getattr(told, name) in (None, DEFAULTS[name])}
        )
    if told.tables:
        tables.write(told.results / "rows.csv", HERE / "RESULTS.md", HERE.parent / "docs")
        return 0
    about = machine()
    print(f"{about['machine']}, {about['cores']} cores, Python {about['python']}, commit {about['commit']}\n")
    print(f"{'case':28}{'phase':20}{'way':24}{'runs':>6}{'cpu ms':>12}{'p95':>12}{'wall ms':>12}  note")
    with one_thread():
        for measured in rows_of(told):
            print(line(measured), flush=True)
            if not told.dry:
                keep(about | measured, told.results)
    print("\nMedians, 95th percentiles of processor time, and medians of wall time; every answer is asserted.")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse describes it."""
    top = argparse.ArgumentParser(prog="allocate bench", description="Time the phases of the cases.")
    top.add_argument("--cases", nargs="+", choices=ALL_CASES, metavar="NAME", help=f"of: {', '.join(ALL_CASES)}")
    top.add_argument(
        "--phases", nargs="+", choices=ALL_PHASES, default=list(ALL_PHASES), metavar="NAME",
        help=f"of: {', '.join(ALL_PHASES)}",
    )  # fmt: skip
    top.add_argument(
        "--ways", nargs="+", choices=list(WAYS), default=list(WAYS), metavar="NAME", help=f"of: {', '.join(WAYS)}"
    )
    top.add_argument("--runs", type=int, default=DEFAULTS["runs"], metavar="N", help="runs of each (7)")
    top.add_argument("--slow", type=int, default=DEFAULTS["slow"], metavar="N", help="runs of what is slow (3)")
    top.add_argument(
        "--variations",
        type=int,
        default=DEFAULTS["variations"],
        metavar="N",
        help="of a batch; solves are ten times that (1000)",
    )
    top.add_argument("--quick", action="store_true", help="the smallest cases, once")
    top.add_argument("--results", type=Path, default=HERE / "results", metavar="DIR", help="where rows are kept")
    top.add_argument("--dry", action="store_true", help="keep no rows")
    top.add_argument("--tables", action="store_true", help="measure nothing: write tables and chart from the rows kept")
    return top


def rows_of(told: argparse.Namespace) -> Iterator[Row]:
    """The rows of every case and phase asked for."""
    named = told.cases or [*CASES, *(name for name in MODELS if not MODELS[name].large)]
    for case in named:
        for phase in told.phases:
            if case in CASES and phase in PHASES and case in ONLY.get(phase, (case,)):
                yield scenario_row(case, phase, told.runs)
            elif case in MODELS and phase in OF_MODELS:
                yield from OF_MODELS[phase](case, told)
    if told.cases is None or CASE in told.cases or told.quick:
        for phase in told.phases:
            if phase in ONCE:
                yield from ONCE[phase](told)


def scenario_row(case: str, phase: str, runs: int) -> Row:
    """A row for a scenario's phase. One run more than asked for comes first and is not counted: it warms up."""
    PHASES[phase](CASES[case])
    return row(case, phase, "allocate", 0, [PHASES[phase](CASES[case]) for _ in range(runs)])


def line(measured: Row) -> str:
    """A row on the screen."""
    said = [
        f"{1e3 * measured[name]:12,.2f}" if measured[name] != "" else f"{'':12}"
        for name in ("cpu_median", "cpu_p95", "wall_median")
    ]
    note = f"{measured['peak_mb']:.0f} MB; {measured['note']}" if measured["peak_mb"] else measured["note"]
    return f"{measured['case']:28}{measured['phase']:20}{measured['way']:24}{measured['runs']:6}{''.join(said)}  {note}"


def keep(measured: Row, folder: Path) -> None:
    """Add a row to the folder's rows.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rows.csv"
    new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            out.writeheader()
        out.writerow({name: f"{cell:.6f}" if isinstance(cell := measured[name], float) else cell for name in COLUMNS})


if __name__ == "__main__":
    sys.exit(main())
