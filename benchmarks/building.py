"""From data to a model in HiGHS, and to its solution: every way in turn, in one process, beside bare highspy.

The arrays of the compiled declaration must be those written out by hand, and all ways must find the same optimum, or
all must find none.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from allocate.compiler import Arrays
from benchmarks.bare import ByRows, by_hand
from benchmarks.machine import HERE, megabytes
from benchmarks.registry import MODELS, Row, row
from benchmarks.timing import Seconds, timed
from benchmarks.ways import BARE, COMPILED, WAYS, Way

RELATIVE = 1e-9
"""How near the optima of all ways must be."""
SLOW = 2.0
"""A way that takes more CPU seconds than this to HiGHS is solved once only, to compare what it finds."""
SMALLEST = "shares-1x1"
PARTS = "build", "hand over", "build + hand over", "to solution"


def building(case: str, ways: Sequence[str], runs: int, slow: int | None = None) -> Iterator[Row]:
    """Rows for every part and way of a case, and why a way is not gone. Ways that are slow take `slow` turns."""
    data = MODELS[case].data()
    reasons = {name: WAYS[name].why_not(data) for name in dict.fromkeys([BARE, *ways])}
    taken = {name: WAYS[name].take(data) for name, reason in reasons.items() if reason is None}
    assert_equal(WAYS[COMPILED].build(WAYS[COMPILED].take(data)), by_hand(data))
    best, found = None, {name: {part: [] for part in PARTS} for name in taken}
    turns = dict.fromkeys(taken, runs)
    small = MODELS[SMALLEST].data()
    # A first turn of each is not counted: it compares what is found, after a small model that warms up.
    for name, given in taken.items():
        turn(WAYS[name], WAYS[name].take(small))
        value, seconds = turn(WAYS[name], given)
        best = value if name == BARE else best
        assert_same(name, value, best)
        if slow is not None and seconds["build + hand over"][1] > SLOW:
            turns[name] = slow
    for number in range(runs):
        for name, given in taken.items():
            if number < turns[name]:
                value, seconds = turn(WAYS[name], given, solve=turns[name] == runs)
                assert value is None or abs(value - best) <= RELATIVE * abs(best)
                for part, time in seconds.items():
                    found[name][part].append(time)
    for name, reason in reasons.items():
        if reason is not None:
            yield row(case, PARTS[2], name, data.slices, [], note=f"skipped: {reason}")
            continue
        for part, times in found[name].items():
            if times:
                yield row(case, part, name, data.slices, times, note="no solution" if best is None else "")


def turn(way: Way, given: Any, solve: bool = True) -> tuple[float | None, dict[str, Seconds]]:
    """The optimum, and how long each part of the way took."""
    gc.collect()
    model, build = timed(lambda: way.build(given))
    handed, over = timed(lambda: way.hand_over(model))
    both = (build[0] + over[0], build[1] + over[1])
    found = dict(zip(PARTS, (build, over, both), strict=False))
    if not solve:
        return None, found
    value, seconds = timed(lambda: way.solve(handed))
    return value, found | {PARTS[3]: (both[0] + seconds[0], both[1] + seconds[1])}


def assert_same(name: str, value: float | None, best: float | None) -> None:
    """The same optimum, or none for both."""
    same = value is None if best is None else value is not None and abs(value - best) <= RELATIVE * abs(best)
    assert same, f"{name}: {value} instead of {best}"


def assert_equal(one: Arrays, other: Arrays) -> None:
    """The same model, by rows or columns: entries may be in any order, and sums may be rounded in any order."""
    for name in ("cost", "lower", "upper", "row_lower", "row_upper", "integer"):
        _assert_near(name, getattr(one, name), getattr(other, name))
    for name, mine, its in zip(("row", "column", "value"), _entries(one), _entries(other), strict=True):
        _assert_near(name, mine, its)
    assert one.sense == other.sense
    assert np.isclose(one.offset, other.offset, rtol=1e-12)


def _entries(arrays: Arrays) -> tuple[np.ndarray, ...]:
    owner = np.arange(len(arrays.start) - 1).repeat(np.diff(arrays.start))
    row, column = (owner, arrays.index) if isinstance(arrays, ByRows) else (arrays.index, owner)
    order = np.lexsort((row, column))
    return row[order], column[order], arrays.value[order]


def _assert_near(name: str, one: np.ndarray, other: np.ndarray) -> None:
    assert one.shape == other.shape, name
    assert np.allclose(one, other, rtol=1e-12, atol=1e-11), name


# --- memory ----------------------------------------------------------------------------------------------------------


def memory(case: str, ways: Sequence[str]) -> Iterator[Row]:
    """What each way takes of memory up to and with the handing over, in a process of its own."""
    data = MODELS[case].data()
    for name in dict.fromkeys([BARE, *ways]):
        if WAYS[name].why_not(data) is None:
            command = [sys.executable, "-m", "benchmarks.building", case, name]
            done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=True)
            peak, before = json.loads(done.stdout.splitlines()[-1])
            if peak is not None:
                added = f"{peak - before:.1f} MB more than with imports and data"
                yield row(case, "memory", name, data.slices, [], peak_mb=peak, note=added)


def memory_here(case: str, name: str) -> tuple[float | None, float | None]:
    """Megabytes at most in this process, and before it began; what a way takes to begin with is there before."""
    way, small = WAYS[name], MODELS[SMALLEST].data()
    # A small model first: what is imported late is not the model's.
    turn(way, way.take(small), solve=False)
    given = way.take(MODELS[case].data())
    gc.collect()
    before = megabytes("VmRSS")
    turn(way, given, solve=False)
    return megabytes("VmHWM"), before


if __name__ == "__main__":
    print(json.dumps(memory_here(sys.argv[1], sys.argv[2])))
