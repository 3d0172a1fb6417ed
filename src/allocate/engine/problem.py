"""A scenario made ready for the engine: its limits as rows, its curves as arrays, and the units it is solved in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from allocate.engine.bends import FIRM, Bends, Stand
from allocate.engine.sparse import Sparse
from allocate.rules.kinds import binding_rules
from allocate.rules.limits import chosen, definitions, kept, spoken
from allocate.rules.limits import limits as all_limits
from allocate.rules.tally import CHOICE, POINTS, Limit, Row, Tally
from allocate.scenario.curves import Curves
from allocate.scenario.scenario import Scenario

Array = np.ndarray
NONE = np.array([], dtype=int)
BIGGEST = 1e6
"""No bound the solver sees exceeds this: yes/no models in pounds came back 'optimal' up to 7.4% short."""
SLICES = 12
SLICES_WITH_CHOICES = 24
PIN = 1.0
"""Pounds by which a curve may be off where it is pinned: rounding needs that much."""
SLICES_WHEN_TIGHT = 240
"""Slices lie below their curve: a floor on gains that only just can be met needs many to see it."""


@dataclass(frozen=True, eq=False)
class Terms:
    """Limits and the totals they name, as arrays: one entry a limit, or a line or curve that a total counts, or a term
    of a limit. `ends` has two rows, the least and the most; `measure` and its like number `measures`. `picks` are the
    choices that rules own, by name, and the totals that are them."""

    ends: Array
    measures: tuple[str, ...]
    measure: Array
    line_factor: Array
    line_measure: Array
    curve: Array
    curve_measure: Array
    coefficient: Array
    term_limit: Array
    term_measure: Array
    picks: tuple[str, ...]
    line_rows: Sparse
    gain_rows: Sparse
    route_rows: Sparse
    pick_rows: Sparse
    spoken: Array
    """limits that count aids: their bodies are their rules' own word"""

    @classmethod
    def of(cls, limits: tuple[Limit, ...], tally: Tally, lines: int, curves: int, routes: int) -> Terms:
        """The terms of limits whose bodies are rows."""
        totals = list(tally.totals.values())
        measures = tuple(dict.fromkeys([limit.measure for limit in limits] + [total.measure for total in totals]))
        number = {name: k for k, name in enumerate(measures)}
        of_total = np.array([number[total.measure] for total in totals], dtype=int)
        terms = _terms(limits, {name: k for k, name in enumerate(tally.totals)})
        line, line_sizes = _joined([total.lines for total in totals])
        curve, curve_sizes = _joined([total.curves for total in totals])
        factor = np.concatenate([np.array([]), *(total.line_factors for total in totals)])
        route, route_sizes = _joined([total.routes for total in totals])
        aids = np.array([bool(total.aid) for total in totals], dtype=bool)
        owned = np.array([bool(limit.owner) for limit in limits], dtype=bool)
        picks = tuple(total.choice for total in totals if total.choice)
        pick, pick_sizes = np.arange(len(picks)), np.array([bool(total.choice) for total in totals], dtype=int)
        return cls(
            ends=np.array([[limit.low for limit in limits], [limit.high for limit in limits]]),
            measures=measures,
            measure=np.array([number[limit.measure] for limit in limits], dtype=int),
            line_factor=factor,
            line_measure=np.repeat(of_total, line_sizes),
            curve=curve,
            curve_measure=np.repeat(of_total, curve_sizes),
            coefficient=terms[2],
            term_limit=terms[0],
            term_measure=of_total[terms[1]],
            picks=picks,
            line_rows=_expanded(terms, line, factor, line_sizes, (len(limits), lines)),
            gain_rows=_expanded(terms, curve, np.ones(len(curve)), curve_sizes, (len(limits), curves)),
            route_rows=_expanded(terms, route, np.ones(len(route)), route_sizes, (len(limits), routes)),
            pick_rows=_expanded(terms, pick, np.ones(len(pick)), pick_sizes, (len(limits), len(picks))),
            spoken=np.unique(terms[0][aids[terms[1]] & owned[terms[0]]]),
        )


def _row(limit: Limit) -> Row:
    assert isinstance(limit.body, Row)
    return limit.body


def _terms(limits: tuple[Limit, ...], place: Mapping[str, int]) -> tuple[Array, Array, Array]:
    """Every term of every limit: the limit, the place of the total, the coefficient."""
    named = [_row(limit).terms for limit in limits]
    limit = np.repeat(np.arange(len(limits)), np.array([len(terms) for terms in named], dtype=int))
    total = np.array([place[name] for terms in named for name in terms], dtype=int)
    return limit, total, np.array([factor for terms in named for factor in terms.values()])


def _joined(parts: list[Array]) -> tuple[Array, Array]:
    """Arrays of numbers one after another, and how long each is."""
    return np.concatenate([np.array([], dtype=int), *parts]), np.array([len(part) for part in parts], dtype=int)


def _expanded(
    terms: tuple[Array, Array, Array], column: Array, factor: Array, sizes: Array, shape: tuple[int, int]
) -> Sparse:
    """A matrix from the terms of limits, and from the columns and factors of totals one after another."""
    limit, total, coefficient = terms
    size = sizes[total]
    entry = np.repeat((np.cumsum(sizes) - sizes)[total] - np.cumsum(size) + size, size) + np.arange(size.sum())
    return Sparse.summed(np.repeat(limit, size), column[entry], np.repeat(coefficient, size) * factor[entry], shape)


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything about a scenario that the model, the certificate and the rounding need, in pounds.

    One entry per row of `scenario.lines`, `curves`, `envelopes` and `routes`, in their order. After the routes come the
    aids of rules, as routes from an envelope to itself.
    """

    scenario: Scenario
    curves: Curves
    tally: Tally
    limits: tuple[Limit, ...]
    weight: Array
    """per curve: what one unit of its outcome counts for"""
    low: Array
    high: Array
    scale: Array
    baseline: Array
    envelope_of_line: Array
    amount: Array
    source: Array
    target: Array
    route_high: Array
    terms: Terms
    """the limits as arrays"""
    slices: int | None = None
    """how many slices a curve gets, where not the usual number"""
    bends: Bends = FIRM
    """what bending limits costs, where they bend"""
    soft: Array = field(default_factory=lambda: NONE)
    """limits that are never bounds in other words, for they bend"""
    toll: Array | float = 0.0
    """per line, then route: what a pound costs beyond its envelope's money, where limits bend (`decided`)"""
    around: Array | None = None
    """pounds under each curve that must be a breakpoint, where limits only just hold there"""
    under: Problem | None = None
    """the problem that an aim is laid over in this one, which knows the rules"""
    pinned: Array | None = None
    """curves that stay at those pounds, booleans: every one that bends, so that what is left to decide is straight"""

    @classmethod
    def of(cls, scenario: Scenario) -> Problem:
        tally = Tally(scenario)
        limits = (*all_limits(scenario, tally), *definitions(scenario, tally))
        aids = np.zeros(sum(bool(total.aid) for total in tally.totals.values()), dtype=int)
        bending = [rule for rule in binding_rules(scenario) if rule.bends]
        bends = kept(scenario, "bends", (*limits, *bending), lambda: Bends.of(limits, bending)) if bending else FIRM
        tables = tuple(scenario._tables[name] for name in ("curves", "curve_points", "lines"))
        curves = kept(scenario, "curves", tables, lambda: Curves.of(scenario))
        lines, envelopes, outcomes = (scenario._tables[name] for name in ("lines", "envelopes", "outcomes"))
        low, high, scale, baseline = (lines[name].to_numpy() for name in ("low", "high", "scale", "baseline"))
        weights = dict(zip(outcomes["id"], outcomes["weight"], strict=True))
        source, target = scenario.route_ends
        return cls(
            scenario=scenario,
            curves=curves,
            tally=tally,
            limits=limits,
            weight=_named(weights, *scenario.codes("curves", "outcome")),
            low=low,
            high=_ceilings(low, high, scale, scenario.reach[scenario.envelope_of_line]),
            scale=scale,
            baseline=baseline,
            envelope_of_line=scenario.envelope_of_line,
            amount=(amount := envelopes["amount"].to_numpy()),
            source=np.append(source, aids),
            target=np.append(target, aids),
            # No aid is ever more than all the money.
            route_high=np.append(scenario.route_high, np.full(len(aids), amount.sum())),
            terms=kept(
                scenario,
                "terms",
                limits,
                lambda: Terms.of(limits, tally, len(lines), len(curves), len(source) + len(aids)),
            ),
            bends=bends,
            soft=bends.soft,
        )

    @cached_property
    def effort_low(self) -> Array:
        return self._pinned(self.curves.effort(np.where(self.choices, 0.0, self.bounds[0])), -PIN)

    @cached_property
    def effort_high(self) -> Array:
        return self._pinned(self.curves.effort(self.bounds[1]), PIN)

    def _pinned(self, effort: Array, slip: float) -> Array:
        """The efforts, but for curves that are pinned."""
        if self.pinned is None or self.around is None:
            return effort
        pins = np.maximum(self.around + slip, 0.0)
        return np.where(self.pinned, np.maximum(effort, pins) if slip < 0 else np.minimum(effort, pins), effort)

    @cached_property
    def choices(self) -> Array:
        """Lines that are nothing, or at least their minimum viable scale: booleans."""
        return (self.scale > 0) & (self.scale > self.low)

    @cached_property
    def breadth(self) -> Array:
        """What change on each line is measured against: its baseline, or the most for one that starts from nothing."""
        return np.where(self.baseline > 0, self.baseline, np.maximum(self.high, 1.0))

    @property
    def reach(self) -> Array:
        """Per envelope, the most money that could ever be in it."""
        return self.scenario.reach

    @cached_property
    def feeds(self) -> Sparse:
        """1 where a line's spend counts under a curve: one row per curve, one column per line."""
        curves, lines = self.curves.feeds
        return Sparse(curves, lines, np.ones(len(lines)), (len(self.curves), len(self.low)))

    @property
    def alike(self) -> tuple[Array, Array]:
        """Blocks of lines that feed the same curves: the block of each line, then of each route (its own), and of each
        curve (one beyond the last where no line feeds it)."""
        return self.scenario.shared(("lines alike", len(self.route_high)), self._alike)

    def _alike(self) -> tuple[Array, Array]:
        feeds, count = self.feeds, len(self.low) + len(self.route_high)
        of_curve = np.full(len(self.curves), count)
        np.minimum.at(of_curve, feeds.rows, feeds.columns)
        of_amount = np.arange(count)
        of_amount[feeds.columns] = of_curve[feeds.rows]
        return of_amount, of_curve

    @property
    def line_rows(self) -> Sparse:
        """Limits over lines: coefficients, one row per limit, one column per line, in pounds."""
        return self.terms.line_rows

    @property
    def gain_rows(self) -> Sparse:
        """Limits over curves: coefficients on each curve's gain, one row per limit."""
        return self.terms.gain_rows

    @cached_property
    def room(self) -> tuple[Array, Array]:
        """The most by which each limit may bend below its lower end, and above its upper one."""
        return self.bends.room(len(self.limits))

    def stand(self, spend: Array, moved: Array, picks: Array | None = None) -> Stand:
        """Where the limits that bend stand for these pounds, and the choices of rules (recomputed if left out)."""
        return Stand.of(self.bends, self.terms.ends, self.bodies(spend, moved, picks))

    def decided(self, stand: Stand | None, picks: Array, wide: bool = False) -> Problem:
        """The same with what rules leave open taken as decided: limits that bend held between the corners that they
        stand between, at its price (or, if `wide`, as far as they bend at all), and the choices of rules as picked. An
        ordinary problem, near the plan that decides so."""
        problem = self
        if stand is not None and self.bends:
            below, above = self.room
            ends = np.array([self.limit_low - below, self.limit_high + above] if wide else stand.between)
            toll = np.concatenate([stand.toll @ self.line_rows, stand.toll @ self.route_rows])
            weight = self.weight - stand.toll @ self.gain_rows
            problem = replace(self, bends=FIRM, toll=toll, weight=weight, terms=replace(self.terms, ends=ends))
        if self.terms.picks:
            none = Sparse(NONE, NONE, np.array([]), (len(self.limits), 0))
            terms = problem.terms
            terms = replace(terms, ends=terms.ends - self.pick_rows @ picks, pick_rows=none, picks=())
            problem = replace(problem, terms=terms)
        return problem

    @property
    def aimless(self) -> Problem:
        """The same with nothing to gain, where bending costs nothing: what it allows is all that matters."""
        return replace(self, weight=np.zeros(len(self.weight)), bends=self.bends.free())

    @property
    def route_rows(self) -> Sparse:
        """Limits over routes: coefficients, one row per limit, one column per route, in pounds."""
        return self.terms.route_rows

    @property
    def pick_rows(self) -> Sparse:
        """Limits over the choices that rules own: coefficients, one row per limit, one column per choice."""
        return self.terms.pick_rows

    def bodies(self, spend: Array, moved: Array, picks: Array | None = None) -> Array:
        """Each limit's body for pounds per line and route, gains recomputed through the curves; and so are choices,
        unless they are given. Where rules have aids it is what the rules say, if they are at hand, whatever the aids
        are set to."""
        own = self.own_moves(moved)
        body = self.levels(spend, np.append(moved, np.zeros(len(self.route_high) - len(moved))))
        if self.terms.picks:
            body = body + self.pick_rows @ (self.picks(spend, own) if picks is None else picks)
        if len(self.terms.spoken) and self.scenario.rules:
            said = spoken(self.scenario, spend, self.curves.gain(self.curves.effort(spend)), own)
            body[~self.owned] = 0.0
            body[self.terms.spoken] = [said[self.limits[row].name] for row in self.terms.spoken.tolist()]
        return body

    def levels(self, spend: Array, moved: Array) -> Array:
        """Each limit's body with aids as they are set, and without choices."""
        gain = self.curves.gain(self.curves.effort(spend))
        return self.line_rows @ spend + self.gain_rows @ gain + self.route_rows @ moved

    @cached_property
    def aids(self) -> Array:
        """Which of the routes are aids of rules, along which no money moves: booleans."""
        return np.arange(len(self.route_high)) >= len(self.scenario._tables["routes"])

    def own_moves(self, moved: Array) -> Array:
        """Pounds along the scenario's own routes, aids left out."""
        return moved[: len(self.scenario._tables["routes"])]

    def plain(self, limit: Array) -> Problem:
        """The same with only the limits that somebody owns, and no aids, at a plan that has these prices of limits: for
        the aids that a limit counts stand what holds them up, as much of it as prices say."""
        own, mine = len(self.scenario._tables["routes"]), np.flatnonzero(self.owned)
        place = np.full(len(self.limits), -1)
        place[mine] = np.arange(len(mine))
        stands = self._standing_for(limit, place)
        moves = stands.through(self.route_rows)
        kept = moves.columns < own
        terms = replace(
            self.terms, ends=self.terms.ends[:, mine], measure=self.terms.measure[mine],
            line_rows=stands.through(self.line_rows), gain_rows=stands.through(self.gain_rows),
            route_rows=Sparse(moves.rows[kept], moves.columns[kept], moves.values[kept], (len(mine), own)),
            pick_rows=stands.through(self.pick_rows), spoken=place[self.terms.spoken],
        )  # fmt: skip
        return replace(
            self, limits=tuple(self.limits[row] for row in mine.tolist()), bends=(bends := self.bends.some(place)),
            source=self.source[:own], target=self.target[:own], route_high=self.route_high[:own], soft=bends.soft,
            terms=terms,
        )  # fmt: skip

    def _standing_for(self, limit: Array, place: Array) -> Sparse:
        """How much of each limit (a column) stands for each that somebody owns (a row): all of itself and, for each aid
        that it counts, as much of what the aid is as their prices say; where it has none, as much as the aid counts."""
        moves, mine = self.route_rows, np.flatnonzero(place >= 0)
        owned = place[moves.rows] >= 0
        at = {c: (row, value) for c, row, value, is_owned in zip(
            moves.columns.tolist(), moves.rows.tolist(), moves.values.tolist(), owned.tolist(), strict=True
        ) if is_owned}  # fmt: skip
        entries = [(row, row, 1.0) for row in mine.tolist()]
        for each in np.flatnonzero(place < 0).tolist():
            aid = self.tally.totals[next(iter(_row(self.limits[each]).terms))]
            row, counts = at[int(aid.routes[0])]
            part = -limit[each] / (limit[row] * counts) if limit[row] * counts else 1.0
            entries.append((row, each, -counts * min(max(part, 0.0), 1.0)))
        rows, columns, values = (np.array(each) for each in zip(*entries, strict=True))
        return Sparse.summed(place[rows], columns, values, (len(mine), len(place)))

    @cached_property
    def owned(self) -> Array:
        """The limits that somebody owns, which are all but what aids are: booleans."""
        return np.array([bool(limit.owner) for limit in self.limits], dtype=bool)

    def picks(self, spend: Array, moved: Array) -> Array:
        """What each choice that a rule owns is for these pounds, 1 or 0, by the rules' own word."""
        if not self.terms.picks:
            return np.zeros(0)
        if self.under is not None:
            return self.under.picks(spend[: len(self.under.low)], moved)
        found = chosen(self.scenario, spend, self.curves.gain(self.curves.effort(spend)), self.own_moves(moved))
        return np.array([found[name] for name in self.terms.picks], dtype=float)

    @cached_property
    def lone(self) -> Array:
        """Per limit, the one line that it is about, or -1: such limits are bounds in other words."""
        counts = np.bincount(self.line_rows.rows, minlength=len(self.limits))
        others = np.concatenate([self.gain_rows.rows, self.route_rows.rows, self.pick_rows.rows])
        single = (counts == 1) & (np.bincount(others, minlength=len(self.limits)) == 0)
        single[self.soft] = False
        lone = np.full(len(self.limits), -1)
        mine = single[self.line_rows.rows] & (self.line_rows.values != 0)
        lone[self.line_rows.rows[mine]] = self.line_rows.columns[mine]
        return lone

    @cached_property
    def lone_factor(self) -> Array:
        """Per limit about one line alone, the line's coefficient; 1 for others."""
        factor = np.ones(len(self.limits))
        mine = self.lone[self.line_rows.rows] >= 0
        factor[self.line_rows.rows[mine]] = self.line_rows.values[mine]
        return factor

    @cached_property
    def joint(self) -> Array:
        """The limits that are about more than one line: their numbers."""
        return np.flatnonzero(self.lone < 0)

    @cached_property
    def flow_rows(self) -> Array:
        """Money drawn from each envelope, then each joint limit, per pound on each line and route (gains left out).
        Not to be written into."""
        terms = self.terms
        asked = terms.line_rows, terms.gain_rows, terms.route_rows, terms.pick_rows, self.soft
        return kept(self.scenario, "flow rows", asked, self._flow_rows)

    def _flow_rows(self) -> Array:
        lines, envelopes = len(self.low), len(self.amount)
        routes = lines + np.arange(len(self.route_high))
        rows = np.zeros((envelopes + len(self.joint), lines + len(self.route_high)))
        rows[self.envelope_of_line, np.arange(lines)] = 1.0
        rows[self.source, routes] += 1.0
        rows[self.target, routes] -= 1.0
        rows[envelopes:, :lines] = self.line_rows.dense(self.joint)
        rows[envelopes:, lines:] = self.route_rows.dense(self.joint)
        return rows

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """The least and most on each line, limits about one line alone included; choices taken as made."""
        low, high = np.where(self.choices, self.scale, self.low), self.high.copy()
        limits = np.flatnonzero(self.lone >= 0)
        lines, factor = self.lone[limits], self.lone_factor[limits]
        ends = np.sort([self.limit_low[limits] / factor, self.limit_high[limits] / factor], axis=0)
        np.maximum.at(low, lines, ends[0])
        np.minimum.at(high, lines, ends[1])
        return low, np.maximum(low, high)

    @property
    def limit_low(self) -> Array:
        return self.terms.ends[0]

    @property
    def limit_high(self) -> Array:
        return self.terms.ends[1]

    def value(self, spend: Array, moved: Array | None = None) -> float:
        """The agreed outcome that this spend buys, weights applied, less what bending rules costs: what the plan
        maximises. `moved` may be left out where no limit on moves bends."""
        bought = float(self.weight @ self.curves.gain(self.curves.effort(spend)))
        return bought - self.bent_cost(spend, np.zeros(len(self.route_high)) if moved is None else moved)

    def bent_cost(self, spend: Array, moved: Array) -> float:
        """What bending rules costs for these pounds, in units of the aim."""
        return self.bends.cost(self.terms.ends, self.bodies(spend, moved)) if self.bends else 0.0

    @cached_property
    def at_stake(self) -> float:
        """What all the outcome could be at most, less what the least spend buys: the yardstick for gaps."""
        curves = self.curves
        lawful = np.maximum(self.low, np.minimum(self.bounds[1], self.reach[self.envelope_of_line]))
        most, least = curves.gain(curves.effort(lawful)), curves.gain(self.effort_low)
        return float(self.weight @ (most - least))

    @cached_property
    def units(self) -> Units:
        return Units.of(self)

    @cached_property
    def curve_units(self) -> Array:
        """What one solver unit of each curve's outcome is worth."""
        return _named(self.units.outcome, *self.scenario.codes("curves", "outcome"))

    @property
    def outcomes(self) -> Array:
        """The outcome of each curve."""
        return self.scenario.shared("outcome of each curve", self._outcomes)

    def _outcomes(self) -> Array:
        return self.scenario.table("curves")["outcome"].to_numpy(dtype=str)

    @cached_property
    def limit_units(self) -> Array:
        """What one solver unit of each limit's body is worth."""
        return self.measure_units[self.terms.measure]

    @cached_property
    def measure_units(self) -> Array:
        """What one solver unit is worth in each of the measures of `terms`."""
        return np.array([self.units.of_measure(name) for name in self.terms.measures])

    @cached_property
    def grids(self) -> list[Array]:
        """First breakpoints of every curve, by the curves alone, so that the same problem always starts the same way.
        Not to be written into."""
        return self.grids_over(self.effort_low, self.effort_high)

    def grids_over(self, low: Array, high: Array) -> list[Array]:
        """Breakpoints of every curve between these efforts, in pounds."""
        slices = self.slices or (SLICES_WITH_CHOICES if self.choices.any() else SLICES)
        grids = self.curves.grids(low, high, slices)
        return grids if self.around is None else through(self.curves, grids, self.around)


def through(curves: Curves, grids: list[Array], effort: Array) -> list[Array]:
    """Breakpoints with the nearest inner one of each curve moved to these efforts, pounds under each curve."""
    grids = list(grids)
    for q, grid in enumerate(grids):
        near = 1e-6 * (grid[-1] - grid[0])
        if curves.bends(q) and grid[0] + near < effort[q] < grid[-1] - near:
            grids[q] = grid = grid.copy()
            grid[1 + int(np.argmin(np.abs(grid[1:-1] - effort[q])))] = effort[q]
    return grids


@dataclass(frozen=True)
class Units:
    """What one solver unit is worth: pounds, value of the aim, each outcome, each resource limit. Powers of ten.

    The one place where pounds become something else.
    """

    money: float
    value: float
    outcome: dict[str, float]
    resource: float

    @classmethod
    def of(cls, problem: Problem) -> Units:
        terms = problem.terms
        ends = {name: terms.ends[:, terms.measure == k] for k, name in enumerate(terms.measures)}
        none = np.zeros((2, 0))
        spends = np.abs(ends.get("spend", none)).ravel()
        bounds = (problem.amount, problem.high, problem.baseline, problem.route_high, problem.effort_high, spends)
        money = _unit(_largest(np.concatenate(bounds)))
        low, high = problem.effort_low, problem.effort_high
        gained = problem.curves.gain(high) - problem.curves.gain(low)
        average = money * np.divide(gained, high - low, out=np.zeros(len(low)), where=high > low)
        names = problem.outcomes
        outcome = {str(name): _near(average[names == name]) for name in np.unique(names)}
        resource = _unit(_largest(ends.get("resource", none)[1]))
        return cls(money, _near(problem.weight * average), outcome, resource)

    def of_measure(self, measure: str) -> float:
        """What one unit of a limit of this measure is worth."""
        if measure == CHOICE:
            return 1.0
        if measure == "spend":
            return self.money
        if measure == POINTS:
            return self.value
        return self.resource if measure == "resource" else self.outcome[measure]


def _named(figures: Mapping[str, float], codes: Array, names: Array) -> Array:
    """For each entry of a column, given as `Scenario.codes` gives it, the figure of its name."""
    return np.array([figures[name] for name in names])[codes]


def _ceilings(low: Array, high: Array, scale: Array, reach: Array) -> Array:
    """The most on each line: its own, or what its envelope could ever hold. Unless it is a choice's ceiling the latter
    is doubled, for a bound that moves with the money would take the price that is the money's."""
    ceiling = np.maximum(np.where(scale > low, reach, 2.0 * reach), low)
    return np.where(np.isnan(high), ceiling, np.minimum(high, ceiling))


def _unit(largest: float) -> float:
    return 10.0 ** max(0, math.ceil(math.log10(max(largest, 1.0) / BIGGEST)))


def _largest(values: Array) -> float:
    """The largest of these values that is finite; 1 where there is none."""
    return float(np.max(values[np.isfinite(values)], initial=1.0))


def _near(values: Array) -> float:
    """The power of ten nearest the largest of these values; 1 where none is positive."""
    largest = float(np.max(values, initial=0.0))
    return 10.0 ** round(math.log10(largest)) if largest > 0 else 1.0
