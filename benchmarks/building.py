"""Time the way from data to a model in HiGHS, and to its solution: `python -m benchmarks.building [--systems N ...]`.

The model is the engine's own `DECLARATION`, on made-up, seeded data: systems of places, programmes and years, money by
system and year, a concave curve in slices for every line, a dozen rules a system. The same data go several ways, which
take turns in one process: compiled, from positions and from labels; `by_hand`, which is the same model written out in
numpy; and, at the smaller sizes, Pyomo's own expansion with its persistent interface to HiGHS. The arrays of all but
Pyomo must be equal entry for entry, and all ways must find the same optimum.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import highspy
import numpy as np
from pyomo.contrib.solver.solvers.highs import Highs as Persistent

from allocate.compiler import Arrays, Compiled, Positions
from allocate.engine.highs import MIP_GAP, SEED, Solver
from allocate.engine.model import DECLARATION, Figures, Sets, compiled
from benchmarks import marks
from benchmarks.__main__ import HERE, machine
from benchmarks.phases import Seconds, timed

Array = np.ndarray
Part = tuple[Array, Array, Array | float]
"""Entries of rows, sorted by row: their rows, columns and values."""
Rows = tuple[Array, Array, Array]
"""Rows one after another: how many entries each has, columns and values."""
SYSTEMS = (1, 5, 42)
PLACES, PROGRAMMES, YEARS, SLICES, GROUPS = 8, 16, 3, 6, 3
LIMIT = 900.0
"""Seconds that a solve may take."""
RELATIVE = 1e-9
"""How near the optima of all ways must be."""
OVER = {
    "SLICES": ("CURVES", "STEPS"), "LINE_FACTORS": ("TOTALS", "LINES"), "GAIN_FACTORS": ("TOTALS", "CURVES"),
    "TERMS": ("LIMITS", "TOTALS"), "LINES_OF": ("ENVELOPES", "LINES"), "LEAVING": ("ENVELOPES", "ROUTES"),
    "ENTERING": ("ENVELOPES", "ROUTES"), "LINES_UNDER": ("CURVES", "LINES"), "SLICES_OF": ("CURVES", "STEPS"),
    "LINES_IN": ("TOTALS", "LINES"), "CURVES_IN": ("TOTALS", "CURVES"), "TOTALS_IN": ("LIMITS", "TOTALS"),
}  # fmt: skip
"""The declaration's sets of pairs, and the sets that they are pairs of."""


@dataclass(frozen=True, eq=False)
class Data:
    """How many members the plain sets have, the pairs of the others by position (two arrays each), and the figures."""

    systems: int
    sizes: dict[str, int]
    pairs: dict[str, tuple[Array, Array]]
    figures: Figures


def made(systems: int, places: int = PLACES) -> Data:
    """Made-up data of so many systems, in which today's spend keeps every rule."""
    rng = np.random.default_rng(20_261_122)
    count = systems * places * PROGRAMMES * YEARS
    lines = np.arange(count)
    system, place, programme, year = np.unravel_index(lines, (systems, places, PROGRAMMES, YEARS))
    baseline = rng.uniform(1.0, 10.0, count)
    figures = _money(rng, baseline, system * YEARS + year, systems) | _curves(rng, baseline)
    totals, limits = places + GROUPS + 2, places + GROUPS + 1
    pairs, more = _rules(rng, system, place, programme, figures, (systems, places))
    sources = np.ravel(np.arange(systems)[:, None] * YEARS + np.arange(YEARS - 1))
    routes = np.arange(len(sources))
    order = np.argsort(system * YEARS + year, kind="stable")
    slices = np.repeat(lines, SLICES), np.tile(np.arange(SLICES), count)
    pairs |= {
        "SLICES": slices, "SLICES_OF": slices, "LINES_OF": ((system * YEARS + year)[order], lines[order]),
        "LEAVING": (sources, routes), "ENTERING": (sources + 1, routes), "LINES_UNDER": (lines, lines),
    }  # fmt: skip
    sizes = {
        "LINES": count, "CURVES": count, "ENVELOPES": systems * YEARS, "ROUTES": len(routes),
        "TOTALS": systems * totals, "LIMITS": systems * limits, "CHOICES": 0, "AIM": 1, "STEPS": SLICES,
    }  # fmt: skip
    return Data(systems, sizes, pairs, figures | more)


def _money(rng: np.random.Generator, baseline: Array, envelope: Array, systems: int) -> Figures:
    amount = 1.03 * np.bincount(envelope, baseline)
    return {
        "amount": amount, "low": 0.8 * baseline, "high": 1.5 * baseline, "baseline": baseline, "breadth": baseline,
        "route_high": 0.05 * amount.reshape(systems, YEARS)[:, :-1].ravel(), "scale": np.array([]),
        "ceiling": np.array([]), "kept": np.array([-np.inf]), "moving": np.array([np.inf]),
    }  # fmt: skip


def _curves(rng: np.random.Generator, baseline: Array) -> Figures:
    share = rng.uniform(0.5, 1.5, (len(baseline), SLICES))
    width = 0.7 * baseline[:, None] * share / share.sum(axis=1, keepdims=True)
    return {
        "width": width.ravel(), "slope": -np.sort(-rng.uniform(0.2, 2.0, width.shape)).ravel(),
        "start": 0.8 * baseline, "start_gain": rng.uniform(1.0, 5.0, len(baseline)),
        "weight": rng.uniform(0.5, 2.0, len(baseline)),
    }  # fmt: skip


def _rules(
    rng: np.random.Generator, system: Array, place: Array, programme: Array, figures: Figures, counts: tuple[int, int]
) -> tuple[dict, Figures]:
    """A system's totals: everything, its places, groups of programmes, all gains; and its limits: a share for each
    place, a band for each group, a floor under gains."""
    systems, places = counts
    lines, size = np.arange(len(system)), places + GROUPS + 2
    totals = np.concatenate([size * system + kind for kind in (0, 1 + place, 1 + places + programme % GROUPS)])
    order = np.argsort(totals, kind="stable")
    factor = np.concatenate([np.ones(2 * len(lines)), rng.uniform(0.5, 1.5, len(lines))])[order]
    totals, member = totals[order], np.tile(lines, 3)[order]
    today = np.bincount(totals, factor * figures["baseline"][member], minlength=systems * size).reshape(systems, size)
    rows = np.concatenate([np.repeat(np.arange(places), 2), np.arange(places, size - 1)])
    of = np.concatenate([np.ravel([(0, 1 + p) for p in range(places)]), np.arange(places + 1, size)])
    base = np.arange(systems)[:, None]
    found = {
        "LINE_FACTORS": (totals, member), "GAIN_FACTORS": (size * system + size - 1, lines),
        "TERMS": (np.ravel(base * (size - 1) + rows), np.ravel(base * size + of)),
    }  # fmt: skip
    again = {"LINES_IN": "LINE_FACTORS", "CURVES_IN": "GAIN_FACTORS", "TOTALS_IN": "TERMS"}
    factors = {"line_factor": factor, "gain_factor": np.ones(len(lines))}
    limits = _limits(today, np.bincount(system, _gains_today(figures)), places)
    return found | {name: found[same] for name, same in again.items()}, factors | limits


def _limits(today: Array, gains: Array, places: int) -> Figures:
    """Coefficients and sides of the limits, a little looser than today's totals and gains."""
    share, band = 0.95 * today[:, 1 : places + 1] / today[:, :1], today[:, places + 1 : -1]
    shares, ones = np.stack([-share, np.ones_like(share)], axis=2), np.ones((len(today), GROUPS + 1))
    none = np.full((len(today), 1), np.inf)
    return {
        "term": np.concatenate([shares.reshape(len(today), -1), ones], axis=1).ravel(),
        "limit_low": np.concatenate([np.zeros_like(share), 0.9 * band, 0.97 * gains[:, None]], axis=1).ravel(),
        "limit_high": np.concatenate([np.full_like(share, np.inf), 1.02 * band, none], axis=1).ravel(),
    }


def _gains_today(figures: Figures) -> Array:
    """What each curve gives for today's spend."""
    width, slope = (figures[name].reshape(-1, SLICES) for name in ("width", "slope"))
    spent = (figures["baseline"] - figures["start"])[:, None]
    return figures["start_gain"] + (slope * np.clip(spent - np.cumsum(width, axis=1) + width, 0.0, width)).sum(axis=1)


def positions(data: Data) -> dict[str, Any]:
    """The members of the declaration's sets as whole numbers."""
    plain = {name: range(size) for name, size in data.sizes.items()}
    # What two sets have in common is given once: sums run over the same pairs that figures are given for.
    once = {id(pair): Positions(np.array(pair).T, OVER[name]) for name, pair in data.pairs.items()}
    return {**plain, **{name: once[id(pair)] for name, pair in data.pairs.items()}, "TO_FILL": ()}


def labels(data: Data) -> Sets:
    """The members as the engine has them: names."""
    names = {name: [f"{name.lower()}.{k}" for k in range(size)] for name, size in data.sizes.items()}
    names["STEPS"] = list(range(SLICES))  # type: ignore[arg-type]

    def named(name: str) -> tuple:
        first, second = (names[of] for of in OVER[name])
        one, other = data.pairs[name]
        return tuple((first[a], second[b]) for a, b in zip(one.tolist(), other.tolist(), strict=True))

    envelopes = names["ENVELOPES"]
    ends = zip(data.pairs["LEAVING"][0].tolist(), data.pairs["ENTERING"][0].tolist(), strict=True)
    return Sets(
        lines=tuple(names["LINES"]), curves=tuple(names["CURVES"]), envelopes=tuple(envelopes),
        routes=tuple(names["ROUTES"]), pays=named("LINES_OF"), efforts=named("LINES_UNDER"),
        moves=tuple((route, envelopes[a], envelopes[b]) for route, (a, b) in zip(names["ROUTES"], ends, strict=True)),
        totals=tuple(names["TOTALS"]), limits=tuple(names["LIMITS"]), slices=named("SLICES"),
        line_factors=named("LINE_FACTORS"), total_gains=named("GAIN_FACTORS"), terms=named("TERMS"), choices=(),
        ordered=(),
    )  # fmt: skip


def by_hand(data: Data) -> Arrays:
    """The same model without a declaration: its columns, costs and sides written out, its rows in compressed form."""
    size, f = data.sizes, data.figures
    lines, slices = size["LINES"], len(data.pairs["SLICES"][0])
    counts = {
        "spend": lines, "moved": size["ROUTES"], "unspent": size["ENVELOPES"], "slice": slices,
        "gain": size["CURVES"], "total": size["TOTALS"], "up": lines, "down": lines, "widest": 1,
    }  # fmt: skip
    width = sum(counts.values())
    at = dict(zip(counts, np.cumsum([0, *counts.values()]).tolist(), strict=False))
    cost, lower, upper = np.zeros(width), np.zeros(width), np.full(width, np.inf)
    cost[at["gain"] : at["total"]] = f["weight"]
    lower[: at["moved"]], upper[: at["moved"]] = f["low"], f["high"]
    upper[at["moved"] : at["unspent"]], upper[at["slice"] : at["gain"]] = f["route_high"], f["width"]
    lower[at["gain"] : at["up"]] = -np.inf
    rows = [*rows_of_money_and_gains(data, at), *rows_of_rules_and_distance(data, at)]
    lengths, index, value = map(np.concatenate, zip(*rows, strict=True))
    equal = f["amount"], f["start"], f["start_gain"], np.zeros(size["TOTALS"])
    none, some = np.array([-np.inf]), np.array([np.inf])
    return Arrays(
        cost, lower, upper,
        np.concatenate([*equal, f["limit_low"], f["kept"], none, f["baseline"], np.full(lines, -np.inf)]),
        np.concatenate([*equal, f["limit_high"], some, f["moving"], f["baseline"], np.zeros(lines)]),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), index.astype(np.int32, copy=False), value,
        np.zeros(width, dtype=bool), -1,
    )  # fmt: skip


def rows_of_money_and_gains(data: Data, at: dict[str, int]) -> list[Rows]:
    """money, effort and effect."""
    envelopes, curves = np.arange(data.sizes["ENVELOPES"]), np.arange(data.sizes["CURVES"])
    (e, paid), (a, out), (b, into) = (data.pairs[name] for name in ("LINES_OF", "LEAVING", "ENTERING"))
    (q, under), owner = data.pairs["LINES_UNDER"], data.pairs["SLICES"][0]
    piece = at["slice"] + np.arange(len(owner), dtype=np.int32)
    return [
        ragged(
            len(envelopes), (e, at["spend"] + paid, 1.0), (a, at["moved"] + out, 1.0), (b, at["moved"] + into, -1.0),
            (envelopes, at["unspent"] + envelopes, 1.0),
        ),
        ragged(len(curves), (q, at["spend"] + under, 1.0), (owner, piece, -1.0)),
        ragged(len(curves), (curves, at["gain"] + curves, 1.0), (owner, piece, -data.figures["slope"])),
    ]  # fmt: skip


def rows_of_rules_and_distance(data: Data, at: dict[str, int]) -> list[Rows]:
    """tally, limit, keep, steady, change and spread."""
    f, lines, totals = data.figures, np.arange(data.sizes["LINES"]), np.arange(data.sizes["TOTALS"])
    (t, counted), (g, gained), (i, term) = (data.pairs[name] for name in ("LINES_IN", "CURVES_IN", "TOTALS_IN"))
    gains, moves = np.arange(at["gain"], at["total"]), np.arange(at["up"], at["widest"])
    up, down = at["up"] + lines, at["down"] + lines
    return [
        ragged(
            len(totals), (totals, at["total"] + totals, 1.0), (t, at["spend"] + counted, -f["line_factor"]),
            (g, at["gain"] + gained, -f["gain_factor"]),
        ),
        (np.bincount(i, minlength=data.sizes["LIMITS"]), at["total"] + term, f["term"]),
        (np.array([len(gains)]), gains, f["weight"]),
        (np.array([len(moves)]), moves, np.ones(len(moves))),
        even((at["spend"] + lines, 1.0), (up, -1.0), (down, 1.0)),
        even((up, 1.0), (down, 1.0), (np.full(len(lines), at["widest"]), -f["breadth"])),
    ]  # fmt: skip


def ragged(count: int, *parts: Part) -> Rows:
    """Rows that have any number of entries of each part, part after part."""
    each = [np.bincount(rows, minlength=count) for rows, _, _ in parts]
    lengths = np.sum(each, axis=0)
    free = np.cumsum(lengths) - lengths
    index, value = np.empty(lengths.sum(), dtype=np.int32), np.empty(lengths.sum())
    for (rows, columns, values), length in zip(parts, each, strict=True):
        places = (free - np.cumsum(length) + length)[rows]
        places += np.arange(len(rows))
        index[places], value[places] = columns, values
        free += length
    return lengths, index, value


def even(*parts: tuple[Array, Array | float]) -> Rows:
    """Rows that have one entry of each part."""
    count = len(parts[0][0])
    index, value = np.empty((count, len(parts)), dtype=np.int32), np.empty((count, len(parts)))
    for k, (columns, values) in enumerate(parts):
        index[:, k], value[:, k] = columns, values
    return np.full(count, len(parts)), index.ravel(), value.ravel()


def passed(arrays: Arrays) -> highspy.Highs:
    """Arrays handed over to HiGHS, with the options that the engine sets and nothing checked."""
    highs = highspy.Highs()
    for option, value in (
        ("output_flag", False), ("log_to_console", False), ("threads", 1), ("random_seed", SEED),
        ("mip_rel_gap", MIP_GAP), ("mip_abs_gap", 1e-9), ("presolve", "on"), ("time_limit", LIMIT),
    ):  # fmt: skip
        highs.setOptionValue(option, value)
    status = highs.passModel(
        len(arrays.cost), len(arrays.row_lower), len(arrays.value), int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMaximize), 0.0, arrays.cost, arrays.lower, arrays.upper, arrays.row_lower,
        arrays.row_upper, arrays.start, arrays.index, arrays.value, arrays.integer.astype(np.int32),
    )  # fmt: skip
    assert status == highspy.HighsStatus.kOk
    return highs


def solved(highs: highspy.Highs) -> float:
    """The optimum of what was handed over."""
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return highs.getInfo().objective_function_value


def solved_by_engine(solver: Solver) -> float:
    """The same, as the engine asks for it."""
    answer = solver.run(LIMIT, presolve=True)
    assert answer.status == "optimal"
    return answer.value


def held(model: Any) -> tuple[Persistent, Any]:
    """A Pyomo model in Pyomo's persistent interface to HiGHS."""
    solver = Persistent()
    solver.config.threads, solver.config.time_limit, solver.config.load_solutions = 1, LIMIT, False
    solver.config.solver_options.update({"presolve": "on", "random_seed": SEED})
    for name in solver.config.auto_updates:
        solver.config.auto_updates[name] = False
    solver.set_instance(model)
    return solver, model


def solved_by_pyomo(both: tuple[Persistent, Any]) -> float:
    """The optimum that Pyomo's interface finds. Nothing is looked through for changes."""
    solver, model = both
    return float(solver.solve(model).incumbent_objective)


class Way(NamedTuple):
    """A way from data to a solution: what it takes, off the clock, and then what is built, handed over and solved.
    `most` systems it is tried with."""

    take: Callable[[Data], Any]
    build: Callable[[Any], Any]
    hand_over: Callable[[Any], Any]
    solve: Callable[[Any], float]
    most: int = 1_000_000


def _from_positions(given: tuple[dict, Figures]) -> Arrays:
    return Compiled.of(DECLARATION, given[0]).arrays(given[1])


def _from_labels(given: tuple[Sets, Figures]) -> Arrays:
    return compiled(given[0]).arrays(given[1])


def _expanded(given: tuple[Compiled, Figures]) -> Any:
    return given[0].concrete(given[1])


WAYS = {
    "bare highspy": Way(lambda data: data, by_hand, passed, solved),
    "compiled, positions": Way(lambda d: (positions(d), d.figures), _from_positions, Solver, solved_by_engine),
    "compiled, labels": Way(lambda d: (labels(d), d.figures), _from_labels, Solver, solved_by_engine),
    "Pyomo": Way(lambda d: (compiled(labels(d)), d.figures), _expanded, held, solved_by_pyomo, 5),
}
"""Every way by its name; the first is what others are compared with."""
BARE = next(iter(WAYS))


@dataclass(frozen=True)
class Timed:
    """What a way took, run by run: to build, to hand over, and both; and from data to solution."""

    build: list[Seconds]
    over: list[Seconds]
    both: list[Seconds]
    whole: list[Seconds]
    peak: tuple[float, float] | None


@dataclass(frozen=True)
class Size:
    """The ways at one size: of the data, and of their model."""

    data: Data
    shape: tuple[int, int, int]
    rows: dict[str, Timed]


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the ways at the sizes asked for, print a table, and put it in RESULTS.md."""
    options = parser().parse_args(arguments)
    if options.peak:
        print(json.dumps(peak_here(options.peak, made(options.systems[0], options.places))))
        return 0
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    sizes = [measured(made(systems, options.places), options.runs, options.solves) for systems in options.systems]
    text = told(sizes, options.runs, before)
    print(text)
    if not options.dry:
        marks.keep(text, options.results, "building", f"## Building a model\n\n{ABOUT}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse describes it."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.building", description="Time the building of a model.")
    top.add_argument("--systems", nargs="+", type=int, default=list(SYSTEMS), metavar="N", help="sizes (1 5 42)")
    top.add_argument("--places", type=int, default=PLACES, metavar="N", help=f"places of a system ({PLACES})")
    top.add_argument("--runs", type=int, default=9, metavar="N", help="runs of each way to HiGHS (9)")
    top.add_argument("--solves", type=int, default=3, metavar="N", help="runs of each way to the solution (3)")
    top.add_argument("--results", type=Path, default=HERE / "RESULTS.md", metavar="FILE", help="where the table goes")
    top.add_argument("--dry", action="store_true", help="write nothing")
    top.add_argument("--peak", choices=list(WAYS), help=argparse.SUPPRESS)
    return top


def measured(data: Data, runs: int, solves: int) -> Size:
    """The ways in turn: first once each, not counted, to compare what they give; then on the clock."""
    taken = {name: way.take(data) for name, way in WAYS.items() if data.systems <= way.most}
    arrays = by_hand(data)
    for name in taken:
        if name.startswith("compiled"):
            assert_equal(WAYS[name].build(taken[name]), arrays)
    found = {name: Timed([], [], [], [], peak(name, data)) for name in taken}
    for _ in range(runs):
        for name, given in taken.items():
            build, over = to_highs(WAYS[name], given)
            for kept, seconds in zip((found[name].build, found[name].over), (build, over), strict=True):
                kept.append(seconds)
            found[name].both.append((build[0] + over[0], build[1] + over[1]))
    best = solved(passed(arrays))
    for _ in range(solves):
        for name, given in taken.items():
            value, seconds = to_solution(WAYS[name], given)
            assert abs(value - best) <= RELATIVE * abs(best), f"{name}: {value} instead of {best}"
            found[name].whole.append(seconds)
    return Size(data, (len(arrays.cost), len(arrays.row_lower), len(arrays.value)), found)


def to_highs(way: Way, given: Any) -> tuple[Seconds, Seconds]:
    """How long building and handing over took."""
    gc.collect()
    model, build = timed(lambda: way.build(given))
    _, over = timed(lambda: way.hand_over(model))
    return build, over


def to_solution(way: Way, given: Any) -> tuple[float, Seconds]:
    """The optimum, and how long the whole way to it took."""
    gc.collect()
    return timed(lambda: way.solve(way.hand_over(way.build(given))))


def assert_equal(one: Arrays, other: Arrays) -> None:
    """Arrays that are equal entry for entry, in the same order."""
    for name in Arrays.__dataclass_fields__:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def peak(name: str, data: Data) -> tuple[float, float] | None:
    """What a way takes of memory in a process of its own: megabytes at most, and before it began; None where the system
    does not tell."""
    places = data.sizes["LINES"] // (data.systems * PROGRAMMES * YEARS)
    command = [sys.executable, "-m", "benchmarks.building", "--peak", name, "--systems", str(data.systems)]
    done = subprocess.run(
        [*command, "--places", str(places)], cwd=HERE.parent, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    return (told[0], told[1]) if told else None


def peak_here(name: str, data: Data) -> tuple[float, float] | None:
    """The same of this process, up to and with the handing over; what a way takes to begin with is there before."""
    given = WAYS[name].take(data)
    gc.collect()
    before = _megabytes("VmRSS")
    to_highs(WAYS[name], given)
    after = _megabytes("VmHWM")
    return None if before is None or after is None else (after, before)


def _megabytes(name: str) -> float | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), None)


def told(sizes: Sequence[Size], runs: int, load: float) -> str:
    """The table, in Markdown, what follows from it, and what it was measured with."""
    lines = [
        "| systems | way | build | hand over | both CPU | wall | × bare | to solution CPU | wall | × bare | peak MB |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for size in sizes:
        for name, row in size.rows.items():
            build, over, both = (1e3 * cpu(times) for times in (row.build, row.over, row.both))
            memory = f"{row.peak[0]:.0f} ({row.peak[0] - row.peak[1]:.0f})" if row.peak else ""
            lines.append(
                f"| {size.data.systems} | {name} | {build:.1f} | {over:.1f} | {both:.1f} | {1e3 * wall(row.both):.1f} "
                f"| {times_bare(size, name, 'both'):.2f} | {1e3 * cpu(row.whole):,.0f} | {1e3 * wall(row.whole):,.0f} "
                f"| {times_bare(size, name, 'whole'):.2f} | {memory} |"
            )
    shapes = "; ".join(
        f"{size.data.systems} with {size.shape[0]:,} columns, {size.shape[1]:,} rows and {size.shape[2]:,} entries"
        for size in sizes
    )
    lines += ["", f"Milliseconds. Systems: {shapes}. {_slopes(sizes)}{_measured_with(sizes, runs, load)}"]
    return "\n".join(lines)


def _slopes(sizes: Sequence[Size]) -> str:
    """How the CPU time to build grows with slices, on log-log scales: all sizes, and the two largest."""
    if len(sizes) < 2:
        return ""
    by_size = sorted(sizes, key=lambda size: size.data.systems)
    names = [name for name in WAYS if all(name in size.rows for size in sizes)]
    each = "; ".join(f"{name} {slope(by_size, name):.2f} and {slope(by_size[-2:], name):.2f}" for name in names)
    return f"Log-log slope of building against slices, over all sizes and over the two largest: {each}. "


def slope(sizes: Sequence[Size], name: str) -> float:
    """Of log CPU seconds to build against log slices, by least squares."""
    slices = [len(size.data.pairs["SLICES"][0]) for size in sizes]
    return float(np.polyfit(np.log(slices), np.log([cpu(size.rows[name].build) for size in sizes]), 1)[0])


def _measured_with(sizes: Sequence[Size], runs: int, load: float) -> str:
    about = machine()
    solves = len(sizes[0].rows[BARE].whole)
    return (
        f"Medians of {runs} runs to HiGHS and of {solves} to the solution, the ways in turn, the garbage collected "
        f"before each; × bare is the ratio of the medians of CPU time. Peak memory is of a process that builds and "
        f"hands over, once, with what that added to imports and data in brackets. linopy is not measured here. "
        f"{about['when']} UTC: {about['machine']}, {about['cores']} cores, Python {about['python']}, Pyomo "
        f"{about['pyomo']}, highspy {about['highspy']}, NumPy {about['numpy']}; commit {about['commit']}; load "
        f"{load:.1f} before."
    )


def cpu(times: Sequence[Seconds]) -> float:
    """The median of CPU seconds."""
    return statistics.median(seconds for _, seconds in times)


def wall(times: Sequence[Seconds]) -> float:
    """The median of wall seconds."""
    return statistics.median(seconds for seconds, _ in times)


def times_bare(size: Size, name: str, part: str) -> float:
    """A way's median as so many times that of `BARE`."""
    return cpu(getattr(size.rows[name], part)) / cpu(getattr(size.rows[BARE], part))


ABOUT = """\
From made-up data to arrays (build), from arrays to a live HiGHS (hand over), and from data to the optimum, with
presolve on, as `python -m benchmarks.building` measures them. "Bare highspy" is the same model written by hand in
numpy, row family by row family, straight into compressed rows and handed over unchecked. "Compiled" is the engine's
declaration through `allocate.compiler` and the engine's own, checked, hand-over: from integer positions, and from
names as the engine has them. "Pyomo" is an ordinary model of the same declaration (its Params mutable, as declared) in
Pyomo's persistent HiGHS interface (`contrib.solver`), with the looking for changes switched off; at the smaller sizes
only. Arrays are asserted to be equal entry for entry, and all optima to within 1e-9."""


if __name__ == "__main__":
    sys.exit(main())
