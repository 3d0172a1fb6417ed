"""A second opinion on plans: SciPy's mixed-integer programs over fine chords of the curves, for tests to set against
the engine. It shares the rows of limits with it, and nothing of how a plan is found, proved or rounded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

import allocate as al
from allocate.engine.problem import Problem

Array = np.ndarray
STEPS = 160
THOUSAND = 1e3


def bought(scenario: al.Scenario, spend: Array) -> Array:
    """What every curve gains of this spending, in the order of `scenario.curves`, by the formulas of its documentation
    alone."""
    lines = scenario.lines
    pounds = lines.assign(pounds=np.asarray(spend, dtype=float))
    found = []
    for curve in scenario.curves.to_dict("records"):
        key = ["place", "programme", "year"]
        mine = pounds[(pounds[key] == [curve[name] for name in key]).all(axis=1)]
        x, reference = mine["pounds"].sum(), curve["reference"]
        if reference != reference:
            reference = mine["baseline"].sum()
        found.append(_gain(scenario, curve, x, reference))
    return np.array(found)


def _gain(scenario: al.Scenario, curve: dict, x: float, reference: float) -> float:
    slope, exponent = curve["slope"], curve["exponent"]
    if curve["shape"] == "linear":
        return slope * x
    if curve["shape"] == "saturation":
        return curve["ceiling"] * (1 - np.exp(-x / reference))
    if curve["shape"] == "points":
        points, key = scenario.curve_points, ["place", "programme", "outcome", "year"]
        mine = points[(points[key] == [curve[name] for name in key]).all(axis=1)].sort_values("spend")
        return float(np.interp(x, mine["spend"], mine["gain"]))
    counted = (x / reference) ** exponent - (1.0 if curve["shape"] == "isoelastic" else 0.0)
    return slope * reference / exponent * counted


@dataclass(frozen=True, eq=False)
class Second:
    """A problem whose curves all flatten, and whose rules neither bend nor choose, as SciPy takes it: in thousands of
    pounds, its columns spend on lines, moves along routes, gain of curves, which lines are opened, and how far each
    limit is eased at its lower end and at its upper one."""

    problem: Problem

    @property
    def fits(self) -> bool:
        """Whether it is such a problem."""
        p = self.problem
        return not p.terms.picks and not len(p.soft) and all(p.curves.concave(q) for q in range(len(p.curves)))

    def best(self, weight: Array) -> Array | None:
        """What it would spend for the most of a sum of outcomes, one weight a curve; None where it finds no plan."""
        first = self._first["gain"]
        cost = np.zeros(self._width)
        cost[first : first + len(weight)] = -weight / (np.abs(weight).max(initial=0.0) or 1.0)
        found = self._solved(cost, self.problem.terms.ends, self._give(0.0))
        return None if found is None else np.maximum(found[: len(self.problem.low)] * THOUSAND, 0.0)

    def holds(self, rules: Collection[str]) -> bool:
        """Whether a plan keeps these rules, others aside."""
        kept = np.array([not limit.owner or limit.owner in rules for limit in self.problem.limits], dtype=bool)
        ends = np.where(kept, self.problem.terms.ends, [[-np.inf], [np.inf]])
        return self._solved(np.zeros(self._width), ends, self._give(0.0)) is not None

    def easing(self, prices: Mapping[str, float]) -> float:
        """The least that it costs to ease limits on money so far that a plan keeps them all: a price a rule by the
        pound; other rules hold. Infinite where that does not do."""
        price = np.array([prices.get(limit.owner, np.inf) for limit in self.problem.limits])
        give = np.tile(np.where(np.isfinite(price), np.inf, 0.0), 2)
        cost = np.zeros(self._width)
        cost[self._first["eased"] :] = np.tile(np.where(np.isfinite(price), price, 0.0), 2)
        found = self._solved(cost, self.problem.terms.ends, give)
        return np.inf if found is None else float(cost @ found) * THOUSAND

    def _give(self, most: float) -> Array:
        return np.full(2 * len(self.problem.limits), most)

    @cached_property
    def _first(self) -> dict[str, int]:
        """Where each kind of column begins."""
        p = self.problem
        sizes = [len(p.low), len(p.route_high), len(p.curves), len(p.low), 2 * len(p.limits)]
        names = ("spend", "moved", "gain", "opened", "eased", "end")
        return dict(zip(names, np.cumsum([0, *sizes]).tolist(), strict=True))

    @property
    def _width(self) -> int:
        return self._first["end"]

    def _solved(self, cost: Array, ends: Array, give: Array) -> Array | None:
        p, lines = self.problem, len(self.problem.low)
        least = [
            np.where(p.choices, 0.0, p.low) / THOUSAND,
            np.zeros(len(p.route_high)),
            np.full(len(p.curves), -np.inf),
        ]
        most = [p.high / THOUSAND, p.route_high / THOUSAND, np.full(len(p.curves), np.inf), np.ones(lines), give]
        bounds = Bounds(np.concatenate([*least, np.zeros(lines + len(give))]), np.concatenate(most))
        whole = np.zeros(self._width)
        whole[self._first["opened"] : self._first["eased"]] = p.choices
        rows, low, high = self._rows
        unit = self._unit
        told = LinearConstraint(rows, np.append(low, ends[0] / unit), np.append(high, ends[1] / unit))
        found = milp(cost, integrality=whole, bounds=bounds, constraints=told)
        assert found.status in (0, 2), found.message
        return found.x

    @property
    def _unit(self) -> Array:
        """What each limit is counted in: a thousand pounds, or one of an outcome."""
        return np.array([THOUSAND if limit.measure == "spend" else 1.0 for limit in self.problem.limits])

    @cached_property
    def _rows(self) -> tuple[Array, Array, Array]:
        """All rows, and the ends of all but limits, which come last: envelopes; lines that are nothing or enough; gain
        under every chord; limits."""
        p, (curve, slope, start) = self.problem, self._chords
        line, route, every = np.arange(len(p.low)), np.arange(len(p.route_high)), np.arange(len(p.limits))
        paid, below, above, gain, limits = (
            np.zeros((count, self._width)) for count in (len(p.amount), len(line), len(line), len(curve), len(every))
        )
        at = {name: slice(a, b) for (name, a), b in zip(self._first.items(), [*self._first.values()][1:], strict=False)}
        paid[p.envelope_of_line, line] = 1.0
        np.add.at(paid, (p.source, at["moved"].start + route), 1.0)
        np.add.at(paid, (p.target, at["moved"].start + route), -1.0)
        for rows, much in ((below, p.scale), (above, p.high)):
            rows[line, line] = 1.0
            rows[line, at["opened"].start + line] = -np.where(p.choices, much, 0.0) / THOUSAND
        gain[np.arange(len(curve)), at["gain"].start + curve] = 1.0
        gain[:, at["spend"]] = -slope[:, None] * p.feeds.dense(np.arange(len(p.curves)))[curve]
        unit = self._unit[:, None]
        limits[:, at["spend"]], limits[:, at["moved"]] = (
            rows.dense(every) * THOUSAND / unit for rows in (p.line_rows, p.route_rows)
        )
        limits[:, at["gain"]] = p.gain_rows.dense(every) / unit
        limits[:, at["eased"]] = np.hstack([np.eye(len(every)), -np.eye(len(every))])
        low = [np.full(len(paid), -np.inf), np.where(p.choices, 0.0, -np.inf), np.full(len(line) + len(curve), -np.inf)]
        high = [p.amount / THOUSAND, np.full(len(line), np.inf), np.where(p.choices, 0.0, np.inf), start]
        return np.vstack([paid, below, above, gain, limits]), np.concatenate(low), np.concatenate(high)

    @cached_property
    def _chords(self) -> tuple[Array, Array, Array]:
        """Of every chord: its curve, what it gains by the thousand pounds, and where it begins at nothing spent."""
        p, found = self.problem, []
        steps = np.unique([0.0, *np.geomspace(1e-4, 1.0, STEPS), *np.linspace(0.0, 1.0, STEPS)])
        for q, top in enumerate(np.maximum(p.curves.effort(p.high), 1.0).tolist()):
            points = p.curves.points[q]
            corners = steps * top if points is None else np.unique([0.0, top, *points[0][points[0] < top]])
            gains = np.array([p.curves.gain(np.full(len(p.curves), pounds))[q] for pounds in corners])
            slope = np.diff(gains) / np.diff(corners)
            found.append([np.full(len(slope), q), slope * THOUSAND, gains[:-1] - slope * corners[:-1]])
        curve, slope, start = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return curve.astype(int), slope, start
