"""What spending buys: every curve of a scenario, evaluated together.

Three families cover the five shapes. With x pounds spent, s the slope at the reference b, e the exponent, c the
ceiling:

    power        s b / e ((x/b)^e - offset)     linear: e = 1, offset 0; power: offset 0; isoelastic: offset 1 (and
                                                then s b ln(x/b) at e = 0)
    saturation   c (1 - exp(-x / b))
    points       straight lines between the given points, level beyond the last

The isoelastic form is the constant-elasticity response used for programme spending (Claxton et al. 2015,
doi 10.3310/hta19140, use its slope at the baseline); gains are counted from today, so it is zero at the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allocate.scenario.scenario import Scenario

Array = np.ndarray
NONE = np.array([])
LEAST = 1e-12
"""The part of its reference below which a power curve is not followed."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Arrays of equal length, one entry per curve, in the order of `scenario.curves`. All money in pounds.

    `lines` holds, for each curve, the rows of `scenario.lines` whose spend it adds up.
    """

    shape: Array
    slope: Array
    reference: Array
    exponent: Array
    offset: Array
    ceiling: Array
    points: tuple[tuple[Array, Array] | None, ...]
    lines: tuple[Array, ...]

    @classmethod
    def of(cls, scenario: Scenario) -> Curves:
        """The curves of a scenario; a reference left blank becomes the baseline of the lines it covers."""
        table, baseline = scenario.table("curves"), scenario.table("lines")["baseline"].to_numpy()
        shape = table["shape"].to_numpy(dtype=str)
        covered = _summed(baseline, *scenario.feeding, len(table))
        reference = table["reference"].to_numpy()
        return cls(
            shape=shape,
            slope=np.nan_to_num(table["slope"].to_numpy()),
            reference=np.where(np.isnan(reference), np.where(shape == "linear", 1.0, covered), reference),
            exponent=np.where(shape == "linear", 1.0, np.nan_to_num(table["exponent"].to_numpy(), nan=1.0)),
            offset=np.where(shape == "isoelastic", 1.0, 0.0),
            ceiling=np.nan_to_num(table["ceiling"].to_numpy()),
            points=tuple(_points(scenario)),
            lines=scenario.fed,
        )

    def __len__(self) -> int:
        return len(self.shape)

    @cached_property
    def feeds(self) -> tuple[Array, Array]:
        """Which line feeds which curve: two equally long arrays of numbers, (curve, line)."""
        lengths = [len(rows) for rows in self.lines]
        lines = np.concatenate(self.lines) if self.lines else np.array([])
        return np.repeat(np.arange(len(self)), lengths), lines.astype(int)

    def effort(self, spend: Array) -> Array:
        """Pounds spent under each curve, given pounds on each line."""
        curve, line = self.feeds
        return np.bincount(curve, spend[line], minlength=len(self))

    def gain(self, effort: Array) -> Array:
        """Outcome of each curve at these pounds."""
        return self._by_family(effort, _power_gain, _saturation_gain, _points_gain)

    def marginal(self, effort: Array) -> Array:
        """Outcome per pound at these pounds; to the right of a corner for curves given by points."""
        return self._by_family(effort, _power_marginal, _saturation_marginal, _points_marginal)

    def bend(self, effort: Array) -> Array:
        """How the outcome per pound changes with a pound more: second derivatives; 0 for straight pieces."""
        safe = np.maximum(effort, 1e-9)
        power = (1.0 - self.exponent) / safe
        falls = np.where(self.shape == "saturation", 1.0 / np.maximum(self.reference, 1e-12), power)
        return np.where(self.shape == "points", 0.0, -falls * self.marginal(safe))

    def best(self, price: Array, low: Array, high: Array) -> Array:
        """The pounds in [low, high] where gain less price times pounds is greatest (first such, where several are)."""
        free = self._by_family(price, _power_best, _saturation_best, None)
        best = np.clip(free, low, high)
        for q in self.given:
            points = self.points[q]
            corners = np.unique(np.clip(np.append(points[0], [low[q], high[q]]), low[q], high[q]))
            best[q] = corners[np.argmax(np.interp(corners, *points) - price[q] * corners)]
        return best

    def grid(self, q: int, low: float, high: float, slices: int) -> Array:
        """Breakpoints for curve q from low to high with equal chord error in every slice: even steps in the integral of
        sqrt(|f''|), which is x^(e/2) for the power family and exp(-x/2b) for saturation; the corners for points."""
        points = self.points[q]
        if points is not None:
            inside = points[0][(points[0] > low) & (points[0] < high)]
            return np.concatenate([[low], inside, [high]])
        return self._smooth(np.array([q]), np.array([low], dtype=float), np.array([high], dtype=float), slices)[0]

    def grids(self, low: Array, high: Array, slices: int) -> list[Array]:
        """`grid` of every curve, with so many slices for those that bend and one for those that are straight."""
        grids: list[Array] = [NONE] * len(self)
        bent = self._curved | (self.exponent < 1.0)
        for rows, count in ((bent & ~self._pointed, slices), (~bent & ~self._pointed, 1)):
            numbers = np.flatnonzero(rows)
            for q, grid in zip(numbers.tolist(), self._smooth(numbers, low[rows], high[rows], count), strict=True):
                grids[q] = grid
        for q in self.given:
            grids[q] = self.grid(q, low[q], high[q], slices)
        return grids

    def _smooth(self, rows: Array, low: Array, high: Array, slices: int) -> Array:
        """Breakpoints of some curves that are not given by points, a row each."""
        step = np.linspace(0.0, 1.0, slices + 1)
        grid = np.empty((len(rows), slices + 1))
        curved = self._curved[rows]
        grid[curved] = _saturation_grid(low[curved], high[curved], step, self.reference[rows[curved]])
        for exponent in np.unique(self.exponent[rows[~curved]]):
            mine = ~curved & (self.exponent[rows] == exponent)
            grid[mine] = _power_grid(low[mine], high[mine], step, exponent)
        grid[:, 0], grid[:, -1] = low, high
        least, most = low[:, None], high[:, None]
        # Near nothing a power curve is so steep that even steps would be narrower than arithmetic can tell apart.
        apart = least + (most - least) * 1e-5 * np.arange(slices + 1)
        return np.maximum.accumulate(np.clip(np.maximum(grid, apart), least, most), axis=1)

    def concave(self, q: int) -> bool:
        """Whether curve q flattens throughout; only curves given by points may not."""
        points = self.points[q]
        if points is None:
            return True
        slopes = np.diff(points[1]) / np.diff(points[0])
        return bool(np.all(np.diff(slopes) <= 1e-12 * np.abs(slopes).max(initial=1e-300)))

    def bends(self, q: int) -> bool:
        """Whether curve q is smoothly curved, so that straight slices only approximate it."""
        return self.points[q] is None and (self.shape[q] == "saturation" or self.exponent[q] < 1.0)

    def _by_family(self, x: Array, power, saturation, points) -> Array:
        result = np.zeros(len(self))
        for function, (rows, columns) in zip((power, saturation), self._families, strict=True):
            if len(rows) == len(self):
                return function(x, *columns)
            if len(rows):
                result[rows] = function(x[rows], *columns)
        if points is not None:
            for q in self.given:
                result[q] = points(x[q], self.points[q])
        return result

    @cached_property
    def _families(self) -> list[tuple[Array, list[Array]]]:
        """The curves of powers and those that saturate: their numbers, and their figures."""
        figures = self.slope, self.reference, self.exponent, self.offset, self.ceiling
        return [(rows, [each[rows] for each in figures]) for rows in map(np.flatnonzero, (self._power, self._curved))]

    @cached_property
    def given(self) -> Array:
        """The numbers of the curves given by points."""
        return np.flatnonzero(self._pointed)

    @cached_property
    def _pointed(self) -> Array:
        return self.shape == "points"

    @cached_property
    def _curved(self) -> Array:
        return self.shape == "saturation"

    @cached_property
    def _power(self) -> Array:
        return ~self._curved & ~self._pointed


def _power_gain(x, s, b, e, o, c):
    if (e > 0).all():
        return s * b / e * ((np.maximum(x, 0.0) / b) ** e - o)
    # Aversions to inequality of 1 and more: the logarithm, and what falls without end towards nothing.
    part = np.maximum(x / b, np.where(e > 0, 0.0, LEAST))
    return s * b * np.where(e == 0, np.log(np.maximum(part, LEAST)), (part**e - o) / np.where(e == 0, 1.0, e))


def _power_grid(low: Array, high: Array, step: Array, exponent: float) -> Array:
    """Even steps in x^(e/2), a row for each pair of ends."""
    if exponent == 0:
        return np.exp(np.log(low)[:, None] + step * np.log(high / low)[:, None])
    half, root = exponent / 2.0, float(exponent / 2.0)
    # Python's own power: numpy's may differ in the last place with the length of the array.
    first, last = (np.array([x**root for x in end.tolist()])[:, None] for end in (low, high))
    between = first + step * (last - first)
    # Of a power below nothing the last is the least, and rounding may leave less.
    return (np.maximum(between, last) if exponent < 0 else between) ** (1.0 / half)


def _saturation_grid(low: Array, high: Array, step: Array, reference: Array) -> Array:
    """Even steps in exp(-x/2b), a row for each pair of ends."""
    scale = -2.0 * reference[:, None]
    first, last = (np.exp(end[:, None] / scale) for end in (low, high))
    return scale * np.log(np.maximum(first + step * (last - first), 1e-300))


def _power_marginal(x, s, b, e, o, c):
    return s * (np.maximum(x, b * LEAST) / b) ** (e - 1.0)


def _power_best(price, s, b, e, o, c):
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        bent = b * (np.maximum(price, 0.0) / s) ** (1.0 / (e - 1.0))
    straight = np.where(s > price, np.inf, 0.0)
    best = np.where(e < 1.0, bent, straight)
    return np.where(s > 0, np.where(price <= 0, np.inf, best), np.where(price < 0, np.inf, 0.0))


def _saturation_gain(x, s, b, e, o, c):
    return -c * np.expm1(-np.maximum(x, 0.0) / b)


def _saturation_marginal(x, s, b, e, o, c):
    return c / b * np.exp(-x / b)


def _saturation_best(price, s, b, e, o, c):
    with np.errstate(divide="ignore", invalid="ignore"):
        best = -b * np.log(np.maximum(price, 0.0) * b / c)
    priced = np.where(c > 0, np.maximum(best, 0.0), 0.0)
    return np.where(price > 0, priced, np.where((c > 0) | (price < 0), np.inf, 0.0))


def _points_gain(x, points):
    return np.interp(x, *points)


def _points_marginal(x, points):
    spend, gain = points
    k = int(np.searchsorted(spend, x, side="right")) - 1
    if k < 0 or k >= len(spend) - 1:
        return 0.0
    return (gain[k + 1] - gain[k]) / (spend[k + 1] - spend[k])


def _points(scenario: Scenario) -> list[tuple[Array, Array] | None]:
    """Per curve, its given points as (spend, gain) arrays, or None."""
    table = scenario.table("curves")
    key = ["place", "programme", "outcome", "year"]
    found: list[tuple[Array, Array] | None] = [None] * len(table)
    given = {name: group for name, group in scenario.table("curve_points").groupby(key)}
    if given:
        pointed = np.flatnonzero(table["shape"] == "points")
        for q, name in zip(pointed, table[key].iloc[pointed].itertuples(index=False, name=None), strict=True):
            if (group := given.get(name)) is not None:
                found[q] = (group["spend"].to_numpy(), group["gain"].to_numpy())
    return found


def _summed(values: Array, group: Array, rows: Array, count: int) -> Array:
    """For each group, the sum of the values of its rows, added in numpy's order: those of a kind together."""
    sizes = np.bincount(group, minlength=count)
    first = np.cumsum(sizes) - sizes
    sums = np.zeros(count)
    for size in np.unique(sizes):
        mine = np.flatnonzero(sizes == size)
        sums[mine] = values[rows[first[mine][:, None] + np.arange(size)]].sum(axis=1)
    return sums
