"""The engine's model written out by hand in numpy, family of rows by family of rows, and bare highspy."""

from __future__ import annotations

from typing import NamedTuple

import highspy
import numpy as np

from allocate.compiler import Arrays
from allocate.engine.highs import DUAL, MIP_GAP, SEED
from benchmarks.made import Data

Array = np.ndarray
LIMIT = 900.0
"""Seconds that a solve may take."""
OPTIONS = {
    "output_flag": False, "log_to_console": False, "threads": 1, "random_seed": SEED, "mip_rel_gap": MIP_GAP,
    "mip_abs_gap": 1e-9, "simplex_scale_strategy": 0, "time_limit": LIMIT, "presolve": "off",
    "simplex_strategy": DUAL,
}  # fmt: skip
"""What every way sets in HiGHS."""


class Rows(NamedTuple):
    """Rows one after another: how many entries each has, columns and values."""

    lengths: Array
    index: Array
    value: Array


class Entries(NamedTuple):
    """Entries of rows: rows, columns and values."""

    row: Array
    column: Array
    value: Array | float

    def by_row(self) -> Entries:
        """The same in the order of rows."""
        if (self.row[1:] >= self.row[:-1]).all():
            return self
        order = np.argsort(self.row, kind="stable")
        value = self.value[order] if isinstance(self.value, np.ndarray) else self.value
        return Entries(self.row[order], self.column[order], value)

    def merged(self, columns: int) -> Entries:
        """Sorted by row and column, with what meets summed."""
        key = self.row * columns + self.column
        order = np.argsort(key, kind="stable")
        key, value = key[order], self.value[order]
        first = np.flatnonzero(np.diff(key, prepend=-1))
        if len(first) < len(key):
            key, value = key[first], np.add.reduceat(value, first)
        return Entries(key // columns, key % columns, value)


class Columns:
    """Where each family of columns begins, and which columns a line's spend is: its own one, or its curve's slices."""

    def __init__(self, data: Data, counted: Array) -> None:
        size, places = data.sizes, data.places
        self.counted, self.place = counted, np.full(size["TOTALS"], -1)
        self.place[counted] = np.arange(len(counted))
        counts = {
            "paid": len(places["OWN"]), "moved": size["ROUTES"], "unspent": size["ENVELOPES"], "slice": data.slices,
            "counted": len(counted), "opened": len(places["CHOICES"]),
        }  # fmt: skip
        ends = np.cumsum([0, *counts.values()]).tolist()
        self.at, self.width = dict(zip(counts, ends, strict=False)), ends[-1]
        owner = places["SLICES"][:, 0]
        self.curve_first = self.at["slice"] + np.searchsorted(owner, np.arange(size["CURVES"]))
        self.curve_count = np.bincount(owner, minlength=size["CURVES"])
        self.first, self.count = np.zeros(size["LINES"], dtype=int), np.ones(size["LINES"], dtype=int)
        self.constant = np.zeros(size["LINES"])
        self.first[places["OWN_OF"][:, 0]] = places["OWN_OF"][:, 1]
        line, curve = places["SOLE_OF"].T
        self.first[line], self.count[line] = self.curve_first[curve], self.curve_count[curve]
        self.constant[line] = data.figures["start"][curve]

    def of_lines(self, row: Array, line: Array, value: Array | float) -> Entries:
        """Entries over lines' spend as entries over columns."""
        count = self.count[line]
        return Entries(np.repeat(row, count), _runs(self.first[line], count), _spread(value, count))

    def constants(self, data: Data, lines: Entries, gains: Entries, count: int) -> Array:
        """What rows over spend and gains hold without any column."""
        constant = np.bincount(lines.row, lines.value * self.constant[lines.column], minlength=count)
        return constant + np.bincount(
            gains.row, gains.value * data.figures["start_gain"][gains.column], minlength=count
        )

    def of_curves(self, row: Array, curve: Array, value: Array, slope: Array) -> Entries:
        """Entries over curves' gains as entries over columns."""
        count = self.curve_count[curve]
        column = _runs(self.curve_first[curve], count)
        return Entries(np.repeat(row, count), column, np.repeat(value, count) * slope[column - self.at["slice"]])


def _runs(first: Array, count: Array) -> Array:
    """first, first + 1, ... for each, so many as it counts."""
    ends = np.cumsum(count)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + count, count)


def _spread(value: Array | float, count: Array) -> Array:
    return np.repeat(value, count) if isinstance(value, np.ndarray) else np.full(count.sum(), value)


class ByRows(Arrays):
    """A model with compressed rows in the place of columns: `start` (m + 1,), and `index`, the column of each entry."""


def by_hand(data: Data, named: bool = True) -> ByRows:
    """The model without a declaration: its columns, costs and sides written out, its rows in compressed form.

    Where no total is `named` by a column all are written out in every limit: another model than the engine's.
    """
    f, columns = data.figures, Columns(data, data.places["COUNTED"] if named else np.array([], dtype=int))
    assert not len(data.places["TO_FILL"]), "slices that must fill in order are not written out here"
    at, own, owner = columns.at, data.places["OWN"], data.places["SLICES"][:, 0]
    cost, lower, upper = np.zeros(columns.width), np.zeros(columns.width), np.full(columns.width, np.inf)
    cost[at["slice"] : at["counted"]] = f["weight"][owner] * f["slope"]
    lower[: at["moved"]], upper[: at["moved"]] = f["low"][own], f["high"][own]
    upper[at["moved"] : at["unspent"]], upper[at["slice"] : at["counted"]] = f["route_high"], f["width"]
    upper[at["opened"] :], lower[at["counted"] : at["opened"]] = 1.0, -np.inf
    families = [family(data, columns) for family in (_money, _efforts, _tally, _limits)] + _choices(data, columns)
    integer = np.arange(columns.width) >= at["opened"]
    lengths, index, value = (np.concatenate([getattr(rows, part) for rows, *_ in families]) for part in Rows._fields)
    return ByRows(
        cost, lower, upper, np.concatenate([low for _, low, _ in families]),
        np.concatenate([high for *_, high in families]), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        index.astype(np.int32), value, integer, -1,
        offset=float(f["weight"] @ f["start_gain"]),
    )  # fmt: skip


Family = tuple[Rows, Array, Array]
"""Rows and their sides."""


def _money(data: Data, columns: Columns) -> Family:
    """What lines spend, less what came in, and what is left, is what an envelope has."""
    envelope, line = data.places["LINES_OF"].T
    (source, out), (target, into) = (data.places[name].T for name in ("LEAVING", "ENTERING"))
    each, moved, unspent = np.arange(data.sizes["ENVELOPES"]), columns.at["moved"], columns.at["unspent"]
    rows = ragged(
        len(each), columns.of_lines(envelope, line, 1.0), Entries(source, moved + out, 1.0),
        Entries(target, moved + into, -1.0), Entries(each, unspent + each, 1.0),
    )  # fmt: skip
    side = data.figures["amount"] - np.bincount(envelope, columns.constant[line], minlength=len(each))
    return rows, side, side


def _efforts(data: Data, columns: Columns) -> Family:
    """What several lines spend on one curve is what its slices hold."""
    joined, (curve, line) = data.places["JOINED"], data.places["LINES_UNDER"].T
    number = np.full(data.sizes["CURVES"], -1)
    number[joined] = np.arange(len(joined))
    row, line = number[curve[number[curve] >= 0]], line[number[curve] >= 0]
    count = columns.curve_count[joined]
    slices = Entries(np.repeat(np.arange(len(joined)), count), _runs(columns.curve_first[joined], count), -1.0)
    rows = ragged(len(joined), columns.of_lines(row, line, 1.0), slices)
    side = data.figures["start"][joined] - np.bincount(row, columns.constant[line], minlength=len(joined))
    return rows, side, side


def _tally(data: Data, columns: Columns) -> Family:
    """What the totals are that have columns."""
    f, count = data.figures, len(columns.counted)
    lines, gains = (
        Entries(columns.place[pairs[mine, 0]], pairs[mine, 1], f[figure][mine])
        for pairs, mine, figure in (
            (pairs, columns.place[pairs[:, 0]] >= 0, figure)
            for pairs, figure in (
                (data.places["LINE_FACTORS"], "line_factor"), (data.places["GAIN_FACTORS"], "gain_factor")
            )
        )
    )  # fmt: skip
    each = np.arange(count)
    parts = columns.of_lines(*lines), columns.of_curves(*gains, f["slope"])
    rows = ragged(count, *parts, Entries(each, columns.at["counted"] + each, -1.0))
    side = -columns.constants(data, lines, gains, count)
    return rows, side, side


def _limits(data: Data, columns: Columns) -> Family:
    """The rules: sums of totals, which are columns, or sums of lines' spend and of curves' gains."""
    f, count, totals = data.figures, data.sizes["LIMITS"], data.sizes["TOTALS"]
    limit, total = data.places["TERMS"].T
    named = columns.place[total] >= 0
    own = Entries(limit[named], columns.at["counted"] + columns.place[total[named]], f["term"][named])
    written = limit[~named], total[~named], f["term"][~named]
    lines, gains = (
        Entries(*_joined(*written, data.places[name], f[figure], totals)).merged(data.sizes[of])
        for name, figure, of in (("LINE_FACTORS", "line_factor", "LINES"), ("GAIN_FACTORS", "gain_factor", "CURVES"))
    )
    entries = [columns.of_lines(*lines), columns.of_curves(*gains, f["slope"])]
    if len(np.intersect1d(lines.row, gains.row)):
        entries = [Entries(*map(np.concatenate, zip(*entries, strict=True))).merged(columns.width)]
    constant = columns.constants(data, lines, gains, count)
    return ragged(count, *entries, own), f["limit_low"] - constant, f["limit_high"] - constant


def _joined(limit: Array, total: Array, term: Array, members: Array, factor: Array, totals: int) -> tuple:
    """(limit, member, coefficient) for every member of every total that a limit names."""
    many = np.bincount(members[:, 0], minlength=totals)
    count = many[total]
    at = _runs((np.cumsum(many) - many)[total], count)
    return np.repeat(limit, count), members[at, 1], np.repeat(term, count) * factor[at]


def _choices(data: Data, columns: Columns) -> list[Family]:
    """Nothing, or enough; and no more than the most."""
    line, f = data.places["CHOICES"], data.figures
    row, nothing, no = np.arange(len(line)), np.zeros(len(line)), np.full(len(line), np.inf)
    opened = columns.at["opened"] + row
    least, most = (
        ragged(len(line), columns.of_lines(row, line, 1.0), Entries(row, opened, -f[name]))
        for name in ("scale", "ceiling")
    )
    return [(least, nothing, no), (most, -no, nothing)]


def ragged(count: int, *parts: Entries) -> Rows:
    """Rows that have any number of entries of each part, part after part."""
    parts = tuple(part.by_row() for part in parts)
    each = [np.bincount(part.row, minlength=count) for part in parts]
    lengths = np.sum(each, axis=0)
    free = np.cumsum(lengths) - lengths
    index, value = np.empty(lengths.sum(), dtype=np.int32), np.empty(lengths.sum())
    for part, length in zip(parts, each, strict=True):
        places = (free - np.cumsum(length) + length)[part.row]
        places += np.arange(len(part.row))
        index[places], value[places] = part.column, part.value
        free = free + length
    return Rows(lengths, index, value)


def handed_over(arrays: Arrays) -> highspy.Highs:
    """Arrays in a live HiGHS, with the options that the engine sets and nothing checked."""
    highs = highspy.Highs()
    for option, value in OPTIONS.items():
        highs.setOptionValue(option, value)
    load(highs, arrays)
    return highs


def load(highs: highspy.Highs, arrays: Arrays) -> None:
    """Pass a whole model."""
    way = highspy.MatrixFormat.kRowwise if isinstance(arrays, ByRows) else highspy.MatrixFormat.kColwise
    status = highs.passModel(
        len(arrays.cost), len(arrays.row_lower), len(arrays.value), int(way),
        int(highspy.ObjSense.kMaximize), arrays.offset, arrays.cost, arrays.lower, arrays.upper, arrays.row_lower,
        arrays.row_upper, arrays.start, arrays.index, arrays.value, arrays.integer.astype(np.int32),
    )  # fmt: skip
    assert status == highspy.HighsStatus.kOk


def solved(highs: highspy.Highs) -> float | None:
    """The optimum of what was handed over; None where there is none."""
    highs.run()
    status = highs.getModelStatus()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return None
    assert status == highspy.HighsModelStatus.kOptimal, status
    return highs.getInfo().objective_function_value
