"""What the rows kept say, as tables between marks in RESULTS.md and docs/speed.md, and as a chart.

Ways are compared within one run: for every case and phase, the last run that has the way to compare with.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import chart, marks
from benchmarks.cases import CASES
from benchmarks.phases import PHASES
from benchmarks.ways import BARE, COMPILED, WAYS, WRITTEN
from benchmarks.whatif import LIVE, PURE, PYOMO

Kept = dict[str, str]
Run = dict[str, Kept]
"""Rows of one run, case and phase, by way."""
BOTH, WHOLE, BUILD = "build + hand over", "to solution", "build"
SYSTEM, LARGEST = "coventry-warwickshire model", "shares-42"
CURVE = "shares-1", "shares-5", LARGEST
LINOPY, PYOMO_BUILT = "linopy", "Pyomo, persistent"


class Rows:
    """The rows kept."""

    def __init__(self, rows: Iterable[Kept]) -> None:
        self.runs: dict[tuple[str, str], list[Run]] = {}
        by_run: dict[tuple[str, str, str], Run] = {}
        for row in rows:
            run = by_run.setdefault((row["when"], row["case"], row["phase"]), {})
            if not run:
                self.runs.setdefault((row["case"], row["phase"]), []).append(run)
            run[row["way"]] = row

    def run(self, case: str, phase: str, *ways: str) -> Run:
        """The last run that has all these ways; nothing where there is none."""
        found = [run for run in self.runs.get((case, phase), []) if all(way in run for way in ways)]
        return found[-1] if found else {}

    def figure(self, case: str, phase: str, way: str, name: str = "cpu_median", beside: str = "") -> float:
        """A figure of the last run that has the way, and the one beside it; not a number where there is none."""
        row = self.run(case, phase, way, *filter(None, [beside])).get(way, {})
        return float(row[name]) if row.get(name) else math.nan

    def ratio(self, case: str, phase: str, way: str, other: str, name: str = "cpu_median") -> float:
        """How many times the other's figure the way's is."""
        return self.figure(case, phase, way, name, other) / self.figure(case, phase, other, name, way)

    def slope(self, way: str, phase: str = BUILD) -> float:
        """Of log CPU seconds against log slices, by least squares over the sizes of one shape."""
        points = [point for point in self.points(way, phase) if not math.isnan(point[1])]
        return float(np.polyfit(*np.log(np.array(points).T), 1)[0]) if len(points) > 1 else math.nan

    def points(self, way: str, phase: str) -> list[tuple[float, float]]:
        """Slices and CPU milliseconds at each size."""
        return [
            (self.figure(case, phase, way, "slices"), 1e3 * self.figure(case, phase, way)) for case in CURVE
            if self.run(case, phase, way)
        ]  # fmt: skip


def write(rows: Path, results: Path, docs: Path) -> None:
    """Put every table in its place, and draw the chart."""
    with open(rows, newline="", encoding="utf-8") as file:
        kept = list(csv.DictReader(file))
    found = Rows(kept)
    about = measured_with(kept)
    for name, (heading, table) in TABLES.items():
        marks.keep(f"{table(found)}\n\n{about}", results, name, heading)
    marks.keep(f"{targets(found)}\n\n{about}", docs / "speed.md", "speed", "## Asked and measured")
    curves = {way: found.points(way, BOTH) for way in WAYS}
    slopes = {way: found.slope(way, BOTH) for way in WAYS}
    (docs / "speed.svg").write_text(chart.drawn(curves, slopes), encoding="utf-8")


def measured_with(kept: Sequence[Kept]) -> str:
    """Machine, versions and commits of the rows."""
    last, commits = kept[-1], ", ".join(dict.fromkeys(row["commit"] for row in kept))
    versions = ", ".join(f"{name} {last[name]}" for name in ("pyomo", "highspy", "numpy", "linopy", "cvxpy", "scipy"))
    return (
        f"CPU milliseconds, medians, until {last['when']} UTC: {last['machine']}, {last['cores']} cores, Python "
        f"{last['python']}, {versions}; commit {commits}."
    )


def building(found: Rows) -> str:
    """Every way at every size and shape."""
    lines = [
        "| model | slices | way | runs | build | hand over | both | wall | × bare | to solution | × bare | peak MB |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for case, phase in found.runs:
        if phase != BOTH:
            continue
        for way in found.run(case, BOTH, BARE):
            row = found.run(case, BOTH, BARE)[way]
            if row["runs"] == "0":
                lines.append(f"| {case} | {row['slices']} | {way} | | {row['note']} | | | | | | | |")
                continue
            cells = [found.figure(case, part, way, beside=BARE) for part in (BUILD, "hand over", BOTH)]
            cells += [found.figure(case, BOTH, way, "wall_median", BARE)]
            told = [case, row["slices"], way, row["runs"], *map(_ms, cells), _times(found.ratio(case, BOTH, way, BARE))]
            told += [_ms(found.figure(case, WHOLE, way, beside=BARE)), _times(found.ratio(case, WHOLE, way, BARE))]
            lines.append(_line([*told, _number(found.figure(case, "memory", way, "peak_mb"), 0)]))
    return "\n".join(lines)


def whatifs(found: Rows) -> str:
    """Every kind of figure on every model held live."""
    lines = [
        "| model | figure moved | runs | live | p95 | pure HiGHS | p95 | × pure | p95 | Pyomo | × live |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for case, phase in found.runs:
        if phase.startswith("what-if") and found.run(case, phase, LIVE, PURE):
            row = found.run(case, phase, LIVE, PURE)[LIVE]
            times = [
                found.figure(case, phase, way, f"cpu_{part}") for way in (LIVE, PURE) for part in ("median", "p95")
            ]
            ratios = [found.ratio(case, phase, LIVE, PURE, f"cpu_{part}") for part in ("median", "p95")]
            pyomo = _ms(found.figure(case, phase, PYOMO)), _times(found.ratio(case, phase, PYOMO, LIVE))
            kind = phase.removeprefix("what-if: ")
            lines.append(_line([case, kind, row["runs"], *map(_ms, times), *map(_times, ratios), *pyomo]))
    return "\n".join(lines)


def batches(found: Rows) -> str:
    """Thousands of variations, and what memory they take."""
    lines = ["| what | way | runs | each | p95 | in all |", "|---|---|---:|---:|---:|---|"]
    for case, phase in found.runs:
        if phase.startswith("batch") or phase.endswith("solves"):
            for way, row in found.run(case, phase).items():
                each = [_ms(found.figure(case, phase, way, f"cpu_{part}")) for part in ("median", "p95")]
                lines.append(_line([phase, way, row["runs"], *each, row["note"]]))
    return "\n".join(lines)


def phases(found: Rows) -> str:
    """What the package does with each scenario, from reading it to many plans: a column a phase."""
    shown = [phase for phase in PHASES if any(key[1] == phase for key in found.runs)]
    lines = [_line(["case", *shown]), _line(["---", *["---:"] * len(shown)])]
    for case in dict.fromkeys(case for case, phase in found.runs if phase in PHASES and case in CASES):
        cells = [
            [found.figure(case, phase, "allocate", f"wall_{part}") for part in ("median", "least")] for phase in shown
        ]
        lines.append(_line([case, *("" if math.isnan(m) else f"{1e3 * m:,.0f} ({1e3 * n:,.0f})" for m, n in cells)]))
    return "\n".join([*lines, "", "Wall milliseconds, medians, with the least in brackets."])


class Target(NamedTuple):
    """What is asked, and how to know: `most` or `least` a number."""

    asked: str
    measured: Callable[[Rows], float]
    most: float = math.inf
    least: float = -math.inf
    unit: str = "×"


def _of(case: str, phase: str, way: str, other: str, name: str = "cpu_median") -> Callable[[Rows], float]:
    return lambda found: found.ratio(case, phase, way, other, name)


def _seconds(case: str, phase: str, way: str, scale: float = 1.0) -> Callable[[Rows], float]:
    return lambda found: scale * found.figure(case, phase, way)


def _pairs(phase: str, way: str) -> Callable[[Rows], float]:
    """Fairness by pairs, compiled, against a row for each place."""
    return lambda found: found.figure("pairs-1x100", phase, COMPILED) / found.figure("fairness-1x100", phase, way)


TABLES = {
    "phases": ("## Phases of scenarios", phases), "building": ("## Building a model", building),
    "what-if": ("## What-ifs", whatifs), "batch": ("## Batches", batches),
}  # fmt: skip
"""The tables of RESULTS.md by their marks, with what stands above where a table is new."""
ALL_KINDS = "what-if: all kinds"
REAL = "coventry-warwickshire"
TARGETS = (
    Target("42 systems: build and hand over, × bare highspy", _of(LARGEST, BOTH, COMPILED, BARE), most=1.3),
    Target("42 systems: linopy, × compiled", _of(LARGEST, BOTH, LINOPY, COMPILED), least=15),
    Target("42 systems: idiomatic Pyomo, × compiled", _of(LARGEST, BOTH, PYOMO_BUILT, COMPILED), least=150),
    Target("42 systems: data to solution, × bare", _of(LARGEST, WHOLE, COMPILED, BARE), most=1.3),
    Target("42 systems: peak memory, × bare", _of(LARGEST, "memory", COMPILED, BARE, "peak_mb"), most=1.15),
    Target("Coventry and Warwickshire: build and hand over, × bare", _of(SYSTEM, BOTH, COMPILED, BARE), most=5),
    Target("the same", _seconds(SYSTEM, BOTH, COMPILED, 1e3), most=25, unit="ms"),
    Target("the same: data to solution, × bare", _of(SYSTEM, WHOLE, COMPILED, BARE), most=1.3),
    Target("build, log-log slope against slices", lambda found: found.slope(COMPILED), most=1.1, unit=""),
    *(
        Target(f"{case}: what-if, {word}", _of(case, ALL_KINDS, way, other, name), most, least)
        for case in (SYSTEM, "greater-manchester model", LARGEST)
        for word, way, other, name, most, least in (
            ("median × pure HiGHS", LIVE, PURE, "cpu_median", 1.3, -math.inf),
            ("95th percentile × pure HiGHS", LIVE, PURE, "cpu_p95", 1.6, -math.inf),
            ("Pyomo persistent × live", PYOMO, LIVE, "cpu_median", math.inf, 15),
        )
    ),
    Target("fairness, 100 places: to HiGHS, a row a pair × a row a place", _pairs(BOTH, COMPILED), least=1),
    Target("the same to solution", _pairs(WHOLE, COMPILED), least=1),
    Target("the same to HiGHS, against a row a place with the mean written out", _pairs(BOTH, WRITTEN)),
    Target("1,000 variations: Pyomo rebuilt × live", _of(REAL, "batch of 1,000", "Pyomo, rebuilt", "live"), least=40),
    Target("price list of Coventry and Warwickshire", _seconds(REAL, "price-list", "allocate"), unit="s"),
    Target("the same, every removal solved", _seconds(REAL, "price-list-all", "allocate"), most=1.0, unit="s"),
    Target("21 plans along an envelope", _seconds(REAL, "frontier", "allocate"), most=1.0, unit="s"),
)  # fmt: skip
"""What is asked of speed. Where nothing is asked the figure stands alone."""


def targets(found: Rows) -> str:
    """Every target, what was measured, and whether that meets it."""
    lines = ["| what | asked | measured | |", "|---|---:|---:|---|"]
    for target in TARGETS:
        value, asked = target.measured(found), math.isfinite(target.most) or math.isfinite(target.least)
        bound = f"≤ {target.most:g}" if math.isfinite(target.most) else f"≥ {target.least:g}" if asked else ""
        met = "" if math.isnan(value) or not asked else "met" if target.least <= value <= target.most else "**missed**"
        shown = "not measured" if math.isnan(value) else f"{value:,.2f} {target.unit}"
        lines.append(_line([target.asked, bound, shown, met]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ms(seconds: float) -> str:
    return _number(1e3 * seconds, 2 if seconds < 0.1 else 0)


def _times(ratio: float) -> str:
    return _number(ratio, 2)


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:,.{digits}f}"
