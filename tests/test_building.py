"""The benchmark of building a model: what is compared is the same model. Nothing here depends on how fast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks import marks
from benchmarks.building import (
    BARE,
    RELATIVE,
    WAYS,
    Data,
    Size,
    Timed,
    assert_equal,
    by_hand,
    made,
    main,
    slope,
    times_bare,
    to_solution,
)

COMPILED = [name for name in WAYS if name.startswith("compiled")]


@pytest.fixture(scope="module")
def data() -> Data:
    """One system of two places."""
    return made(1, places=2)


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_is_what_numpy_by_hand_makes(data, name):
    """The compiled declaration gives the arrays that were written out by hand, entry for entry."""
    assert_equal(WAYS[name].build(WAYS[name].take(data)), by_hand(data))


def test_a_difference_is_noticed(data):
    """Arrays that differ in a single entry are not called equal."""
    other = by_hand(data)
    other.value[7] += 1e-9
    with pytest.raises(AssertionError):
        assert_equal(other, by_hand(data))


@pytest.mark.parametrize("name", [name for name in WAYS if name != BARE])
def test_every_way_finds_the_same_optimum(data, name):
    """Compiled, by hand or expanded by Pyomo, the model has one optimum, better than what is spent today."""
    values = [to_solution(WAYS[way], WAYS[way].take(data))[0] for way in (BARE, name)]
    assert values[0] == pytest.approx(values[1], rel=RELATIVE)
    assert values[0] > data.figures["weight"] @ data.figures["start_gain"]


def test_rules_bind(data):
    """The made-up rules are not idle: without them the optimum is better."""
    free = Data(data.systems, data.sizes, data.pairs, data.figures | {
        "limit_low": np.full(data.sizes["LIMITS"], -np.inf), "limit_high": np.full(data.sizes["LIMITS"], np.inf),
    })  # fmt: skip
    assert to_solution(WAYS[BARE], free)[0] > to_solution(WAYS[BARE], data)[0] * (1 + 1e-6)


def test_the_table_takes_its_own_place(tmp_path, capsys):
    """A run puts its table between its own marks, replaces it when run again, and leaves everything else alone."""
    file = tmp_path / "RESULTS.md"
    file.write_text("# Measured\n\n<!-- explorer -->\nold\n<!-- /explorer -->\n")
    short = ["--systems", "1", "--places", "1", "--runs", "1", "--solves", "1", "--results", str(file)]
    begin, end = marks.marks("building")
    for more in ("\n## More\n", ""):
        assert main(short) == 0
        file.write_text(file.read_text() + more)
    text = file.read_text()
    assert text.startswith("# Measured\n\n<!-- explorer -->\nold\n<!-- /explorer -->\n")
    assert text.endswith(f"{end}\n\n## More\n")
    assert text.count(begin) == text.count(end) == text.count("## Building a model") == 1
    assert all(name in text for name in WAYS)
    assert str(Path.home()) not in text
    assert capsys.readouterr().out.split("| systems |")[-1].strip() in text


def test_slope_and_ratio():
    """Cost in proportion to slices has a slope of 1, and ratios are of medians of CPU time."""

    def size(systems: int, seconds: float) -> Size:
        row = Timed([(9.0, seconds)], [], [(9.0, seconds), (9.0, seconds), (9.0, 100.0)], [], None)
        twice = Timed([], [], [(1.0, 2 * seconds)], [], None)
        return Size(made(systems, places=1), (1, 1, 1), {BARE: row, "Pyomo": twice})

    assert slope([size(1, 0.1), size(2, 0.2), size(4, 0.4)], BARE) == pytest.approx(1.0)
    assert times_bare(size(1, 0.1), "Pyomo", "both") == pytest.approx(2.0)
