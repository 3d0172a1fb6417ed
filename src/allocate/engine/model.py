"""The model: the only file with algebra. A scenario's figures in, a Pyomo model out.

Sets
    LINES l         partner x place x programme x envelope x year     ENVELOPES e   money held, by year
    CURVES q        what spend buys, per place, programme, outcome    ROUTES r      lawful ways to move money
    SLICES (q, k)   straight pieces of a curve, flattest last         TOTALS t, LIMITS i   what rules count and ask
    UNDER, OVER (i, b)   bands by which limits may bend, dearest last       PICKS p         choices that rules own

Decided
    paid[l]         pounds on a line                   low[l] <= paid[l] <= high[l]
    moved[r]        pounds moved along a route         0 <= moved[r] <= route_high[r]; or an aid of a rule, along which
                    no money moves
    unspent[e]      pounds left in an envelope         >= 0
    slice[q,k]      pounds on a slice                  0 <= slice[q,k] <= width[q,k]
    opened[l]       1 if a line with a minimum viable scale is funded; filled[q,k] 1 if a slice must be full
    picked[p]       1 if a rule's own choice is yes
    under[i,b]      how far a limit bends below its lower end in a band       0 <= under[i,b] <= under_width[i,b]
    over[i,b]       and above its upper one                                   0 <= over[i,b] <= over_width[i,b]

Named, and written out wherever they stand
    spend[l] = paid[l], or start[q] + sum over k of slice[q,k] where line l alone feeds curve q
    gain[q]  = start_gain[q] + sum over k of slope[q,k] slice[q,k]
    total[t] = sum of line_factor[t,l] spend[l] + sum of gain_factor[t,q] gain[q], or counted[t], a column that is that
               sum, where many limits name a large total: written out in each they would fill the rows; or the sum of
               some moved[r]; or one picked[p]

Maximise   sum over q of  weight[q] gain[q]                                                   the agreed outcomes
           - sum over bands of under_price under + over_price over                            less what bending costs

money[e]   sum of spend out of e  + moved out - moved in + unspent[e] = amount[e]             no money lost or made
effort[q]  sum of spend under q   - sum over k of slice[q,k]          = start[q]              efforts add up
tally[t]   sum of line_factor spend + sum of gain_factor gain - counted[t] = 0                named once, used often
limit[i]   limit_low[i] <= sum over t of term[i,t] total[t] + sum of under[i,b] - sum of over[i,b] <= limit_high[i]
                                                                                              the rules, rows of data
least[l]   spend[l] >= scale[l] opened[l];   most[l]  spend[l] <= high[l] opened[l]           nothing, or enough
fill[q,k]  slice[q,k] >= width[q,k] filled[q,k];   next[q,k]  slice[q,k+1] <= width[q,k+1] filled[q,k]

and only while ties are broken, up[l], down[l] and widest being the distance from the baseline:
keep       what is maximised >= kept;                 steady   sum of up and down <= moving
change[l]  spend[l] - up[l] + down[l] = baseline[l];   spread[l]  up[l] + down[l] <= breadth[l] widest

What is written out has neither columns nor rows of its own: that alone solves several times faster (docs/speed.md). A
line that alone feeds a curve needs none either, but for choices and slices that must fill in order, where rows tell
more.
Slices fill in order by themselves while more gain helps; where something caps a gain they must be made to
(fill, next), or the model would report a gain that the same spend does not buy.

All figures are in solver units (`Units`); every number is a Param, so a change of figures is a change of parameters
and nothing else. `DECLARATION` is this page in Pyomo: rules alone, without a member or a figure. `allocate.compiler`
calls each of its rules once and has numpy do the rest; `Compiled.concrete` makes an ordinary Pyomo model of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from allocate.compiler import Compiled, Positions
from allocate.engine.bends import FIRM, Bands
from allocate.engine.problem import Problem
from allocate.rules.limits import kept
from allocate.rules.tally import Limit, Row

Array = np.ndarray
NEXT_TO_NOTHING, DEAREST = 1e-8, 1e6
LEAST_COUNTED = 1e-4
DENSE = 1_000
"""A total gets a column where naming it in place would bring more entries than this beyond the first time."""
Figures = dict[str, Array]
"""Parameter name to values, in the order of the parameter's index set."""


@dataclass(frozen=True, eq=False)
class Sets:
    """The index sets: what the model is about, without any figure. Two scenarios with equal `Structure` share a model.

    `names` has the labels of each set that has its own; `places` the members of each other one, as positions in those
    (arrays of whole numbers); `own` are the lines that are paid by themselves and `sole` the lines that alone feed a
    curve, with those curves in `sole_curve`.
    """

    names: dict[str, Sequence]
    places: dict[str, Positions]
    own: Array
    sole: Array
    sole_curve: Array
    joined: Array
    """the curves whose efforts have rows"""
    choices: Array
    ordered: Array
    owner: Array
    """the curve of each slice"""

    @classmethod
    def of(cls, problem: Problem, grids: list[Array], ordered: frozenset[int], measured: bool = False) -> Sets:
        """The sets of a problem; `ordered` are the curves whose slices must be made to fill in order; `measured` where
        the distance from the baseline is a part of the model."""
        names = _names(problem, max((len(grid) - 1 for grid in grids), default=0), measured)
        choices, fill = np.flatnonzero(problem.choices), np.array(sorted(ordered), dtype=int)
        owner = np.repeat(np.arange(len(grids)), [len(grid) - 1 for grid in grids])
        sole, curve = _sole(problem, fill)
        entries = np.ones(len(problem.low))
        entries[sole] = np.bincount(owner, minlength=len(grids))[curve]
        if measured:
            sole = curve = np.array([], dtype=int)
        own, joined = np.setdiff1d(np.arange(len(problem.low)), sole), np.setdiff1d(np.arange(len(grids)), curve)
        places = _money_places(problem) | _slice_places(owner, fill) | _rule_places(problem, entries)
        own_of, sole_of = np.array([own, np.arange(len(own))]).T, np.array([sole, curve]).T
        places |= {
            "OWN": Positions(own, ("LINES",)), "OWN_OF": Positions(own_of, ("LINES", "OWN")),
            "SOLE_OF": Positions(sole_of, ("LINES", "CURVES")), "CHOICES": Positions(choices, ("LINES",)),
            "JOINED": Positions(joined, ("CURVES",)),
            "MEASURED": Positions(np.arange(len(problem.low) if measured else 0), ("LINES",)),
        }  # fmt: skip
        return cls(names, places, own, sole, curve, joined, choices, fill, owner)

    @property
    def members(self) -> dict[str, Any]:
        """The members of the declaration's sets."""
        return {**self.names, **self.places}


@dataclass(frozen=True)
class Structure:
    """What two problems have in common whose sets are equal: much less work to compare than the sets."""

    labels: Hashable
    limits: Hashable
    slices: tuple[int, ...]
    choices: bytes
    ordered: frozenset[int]
    measured: bool
    bends: Hashable = FIRM.structure

    @classmethod
    def of(cls, problem: Problem, grids: list[Array], ordered: frozenset[int], measured: bool = False) -> Structure:
        """The structure of the sets that `Sets.of` makes of the same."""
        names = kept(problem.scenario, "names of limits", problem.limits, lambda: _limit_names(problem.limits))
        labels = problem.scenario.shared("labels", lambda: _labels(problem))
        bends = problem.bends.structure
        return cls(labels, names, tuple(map(len, grids)), problem.choices.tobytes(), ordered, measured, bends)

    def but_for_limits(self, other: Structure) -> bool:
        """Whether these two differ in their limits at most."""
        return replace(self, limits=None, bends=None) == replace(other, limits=None, bends=None)


def _limit_names(limits: tuple[Limit, ...]) -> tuple:
    """The limits, each with the totals it names; a total's name says what it counts."""
    return tuple((limit.name, *_row(limit).terms) for limit in limits)


def _row(limit: Limit) -> Row:
    assert isinstance(limit.body, Row)
    return limit.body


def _names(problem: Problem, steps: int, measured: bool) -> dict[str, Sequence]:
    labels = problem.scenario.shared("labels", lambda: _labels(problem)).sets
    aids = (total.aid for total in problem.tally.totals.values() if total.aid)
    return {
        **labels, "ROUTES": (*labels["ROUTES"], *aids),
        "TOTALS": tuple(problem.tally.totals), "LIMITS": tuple(limit.name for limit in problem.limits),
        "STEPS": range(steps), "AIM": ("aim",) if measured else (), "PICKS": problem.terms.picks,
        "BANDS": range(max(side.band.max(initial=-1) + 1 for side in (problem.bends.under, problem.bends.over))),
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Labels:
    """Labels that follow from a scenario's keys. Two are equal where they are one, or where their labels are."""

    sets: dict[str, tuple[str, ...]]

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, _Labels) and self.sets == other.sets)

    def __hash__(self) -> int:
        return hash(tuple(map(len, self.sets.values())))


def _labels(problem: Problem) -> _Labels:
    scenario = problem.scenario
    return _Labels({
        "LINES": tuple(scenario.line_ids),
        "CURVES": _joined(scenario.table("curves"), "place", "programme", "outcome", "year"),
        "ENVELOPES": _joined(scenario.table("envelopes"), "id", "year"),
        "ROUTES": _joined(scenario.table("routes"), "id", "year"),
    })  # fmt: skip


def _joined(table: pd.DataFrame, *columns: str) -> tuple[str, ...]:
    return tuple(map(".".join, zip(*(table[column] for column in columns), strict=True)))


def _sole(problem: Problem, ordered: Array) -> tuple[Array, Array]:
    """Lines that alone feed a curve (the first such of each), but for choices and curves that must fill in order, and
    those curves."""
    feeds = problem.feeds
    alone = np.bincount(feeds.rows, minlength=len(problem.curves)) == 1
    alone[ordered] = False
    mine = alone[feeds.rows] & ~problem.choices[feeds.columns]
    lines, first = np.unique(feeds.columns[mine], return_index=True)
    return lines, feeds.rows[mine][first]


def _money_places(problem: Problem) -> dict[str, Positions]:
    lines, routes = np.arange(len(problem.low)), np.arange(len(problem.scenario._tables["routes"]))
    return {
        "LINES_OF": Positions(np.array([problem.envelope_of_line, lines]).T, ("ENVELOPES", "LINES")),
        "LEAVING": Positions(np.array([problem.source[routes], routes]).T, ("ENVELOPES", "ROUTES")),
        "ENTERING": Positions(np.array([problem.target[routes], routes]).T, ("ENVELOPES", "ROUTES")),
        "LINES_UNDER": Positions(np.array([problem.feeds.rows, problem.feeds.columns]).T, ("CURVES", "LINES")),
    }


def _slice_places(owner: Array, fill: Array) -> dict[str, Positions]:
    step = np.arange(len(owner)) - np.searchsorted(owner, owner)
    slices = Positions(np.array([owner, step]).T, ("CURVES", "STEPS"))
    followed = np.append(owner[1:] == owner[:-1], False)[: len(owner)] & np.isin(owner, fill)
    to_fill = Positions(slices.rows[followed], ("CURVES", "STEPS"))
    return {"SLICES": slices, "SLICES_OF": slices, "TO_FILL": to_fill}


def _rule_places(problem: Problem, entries: Array) -> dict[str, Positions]:
    """Totals and limits; `entries` is how many each line brings to a row."""
    totals = problem.tally.totals
    number = {name: k for k, name in enumerate(totals)}
    terms = [(i, number[name]) for i, limit in enumerate(problem.limits) for name in _row(limit).terms]
    lines, curves, routes = (
        _pairs([getattr(each, name) for each in totals.values()]) for name in ("lines", "curves", "routes")
    )
    asked = np.array(terms, dtype=int).reshape(-1, 2)
    names = np.bincount(asked[:, 1], minlength=len(totals))
    size = np.bincount(lines[:, 0], entries[lines[:, 1]], minlength=len(totals))
    found = rule_places(lines, curves, asked, (names - 1) * size > DENSE)
    picks = np.flatnonzero([bool(each.choice) for each in totals.values()])
    found |= {
        "ROUTES_IN": Positions(routes, ("TOTALS", "ROUTES")),
        "PICKS_IN": Positions(np.array([picks, np.arange(len(picks))]).T, ("TOTALS", "PICKS")),
    }
    for name, side in (("UNDER", problem.bends.under), ("OVER", problem.bends.over)):
        bands = Positions(np.array([side.limit, side.band]).T, ("LIMITS", "BANDS"))
        found |= {name: bands, f"{name}_OF": bands}
    return found


def rule_places(lines: Array, curves: Array, terms: Array, counted: Array) -> dict[str, Positions]:
    """The sets of rules, from pairs of a total and its lines, a total and its curves, a limit and its totals, and which
    totals have a column (booleans). No total counts routes or choices, and no limit bends."""
    none = np.empty((0, 2), dtype=int)
    bands = Positions(none, ("LIMITS", "BANDS"))
    columns, place = np.flatnonzero(counted), np.cumsum(counted) - 1
    over_lines, over_curves = Positions(lines, ("TOTALS", "LINES")), Positions(curves, ("TOTALS", "CURVES"))
    over_totals = Positions(terms, ("LIMITS", "TOTALS"))
    out_of_line, out_of_curve = counted[lines[:, 0]], counted[curves[:, 0]]
    found = {
        "LINE_FACTORS": over_lines, "GAIN_FACTORS": over_curves, "TERMS": over_totals, "TOTALS_IN": over_totals,
        "LINES_IN": over_lines, "CURVES_IN": over_curves, "COUNTED": Positions(columns, ("TOTALS",)),
        "COLUMN_OF": Positions(np.array([columns, place[columns]]).T, ("TOTALS", "COUNTED")),
        "ROUTES_IN": Positions(none, ("TOTALS", "ROUTES")), "PICKS_IN": Positions(none, ("TOTALS", "PICKS")),
        "UNDER": bands, "UNDER_OF": bands, "OVER": bands, "OVER_OF": bands,
        "LINES_COUNTED": _renamed(lines[out_of_line], place, "LINES"),
        "CURVES_COUNTED": _renamed(curves[out_of_curve], place, "CURVES"),
    }  # fmt: skip
    if len(columns):
        # In memory a column after the other, as all others are.
        found["LINES_IN"] = Positions(lines.T[:, ~out_of_line].T, ("TOTALS", "LINES"))
        found["CURVES_IN"] = Positions(curves.T[:, ~out_of_curve].T, ("TOTALS", "CURVES"))
    return found


def _renamed(pairs: Array, place: Array, members: str) -> Positions:
    return Positions(np.array([place[pairs[:, 0]], pairs[:, 1]]).T, ("COUNTED", members))


def _pairs(members: list[Array]) -> Array:
    """Pairs of an owner and each of its members."""
    owners = np.repeat(np.arange(len(members)), [len(each) for each in members])
    return np.array([owners, np.concatenate([np.array([], dtype=int), *members])], dtype=int).T


def compiled(sets: Sets) -> Compiled:
    """The model over these sets, ready for any figures."""
    return Compiled.of(DECLARATION, sets.members)


def figures(problem: Problem, grids: list[Array], measured: bool = False) -> Figures:
    """Every figure of the model, in solver units, from a problem in pounds and breakpoints per curve in pounds."""
    units, terms, measures = problem.units, problem.terms, problem.measure_units
    money, outcome = units.money, problem.curve_units
    slices = Slices.of(problem, grids)
    low = np.where(problem.choices, 0.0, problem.low)
    return {
        "amount": problem.amount / money,
        "low": low / money,
        "high": problem.high / money,
        "scale": problem.scale[problem.choices] / money,
        "ceiling": problem.high[problem.choices] / money,
        "baseline": problem.baseline / money,
        "breadth": problem.breadth / money,
        "route_high": problem.route_high / money,
        "width": slices.width[slices.real] / money,
        "slope": (slices.slope * money / outcome[:, None])[slices.real],
        "start": slices.start / money,
        "start_gain": slices.start_gain / outcome,
        "weight": weights(problem),
        "line_factor": terms.line_factor * money / measures[terms.line_measure],
        "gain_factor": outcome[terms.curve] / measures[terms.curve_measure],
        "term": terms.coefficient * (measures[terms.term_measure] / problem.limit_units[terms.term_limit]),
        "limit_low": problem.limit_low / problem.limit_units,
        "limit_high": problem.limit_high / problem.limit_units,
        "kept": np.full(int(measured), -np.inf),
        "moving": np.full(int(measured), np.inf),
        **_bands(problem, "under", problem.bends.under),
        **_bands(problem, "over", problem.bends.over),
    }


def _bands(problem: Problem, name: str, side: Bands) -> Figures:
    """Bands in solver units; a price next to nothing is nothing, and none is dearer than the solver can take."""
    unit = problem.limit_units[side.limit]
    price = np.minimum(side.price * unit / problem.units.value, DEAREST)
    return {f"{name}_width": side.width / unit, f"{name}_price": np.where(price < NEXT_TO_NOTHING, 0.0, price)}


def weights(problem: Problem) -> Array:
    """What each curve's gain counts for, in solver units; next to nothing is nothing."""
    scaled = problem.weight * problem.curve_units / problem.units.value
    return np.where(scaled < NEXT_TO_NOTHING, 0.0, scaled)


@dataclass(frozen=True, eq=False)
class Slices:
    """Straight slices of every curve, a row a curve: where each begins and how wide it is (pounds), its outcome per
    pound, and which are `real`, for a curve with fewer than others has its row filled up with nothing.

    `start` and `start_gain` are each curve's first breakpoint and its gain there.
    """

    start: Array
    start_gain: Array
    begin: Array
    width: Array
    slope: Array
    real: Array

    @classmethod
    def of(cls, problem: Problem, grids: list[Array]) -> Slices:
        """The slices between breakpoints. A slope that is next to nothing in solver units is taken as nothing: HiGHS
        would drop it without a word."""
        least = NEXT_TO_NOTHING / _least_counted(problem) * problem.curve_units / problem.units.money
        points = _padded(grids)
        gains = np.array([problem.curves.gain(column) for column in points.T]).T.reshape(points.shape)
        width = np.diff(points)
        slope = np.divide(np.diff(gains), width, out=np.zeros(width.shape), where=width > 0)
        slope[slope < least[:, None]] = 0.0
        # A slice of no width has its neighbour's slope, so that no coefficient comes or goes as breakpoints move.
        for k in range(1, slope.shape[1]):
            slope[:, k] = np.where(width[:, k] > 0, slope[:, k], slope[:, k - 1])
        for k in range(slope.shape[1] - 1, 0, -1):
            slope[:, k - 1] = np.where(width[:, k - 1] > 0, slope[:, k - 1], slope[:, k])
        real = np.arange(width.shape[1]) < np.array([len(grid) - 1 for grid in grids], dtype=int)[:, None]
        return cls(points[:, 0], gains[:, 0], points[:, :-1], width, slope, real)


def _least_counted(problem: Problem) -> float:
    """The least that a limit counts of a gain, in solver units, if that is less than all: so much smaller are slopes
    in its row."""
    gains = problem.gain_rows
    counted = np.abs(gains.values) * problem.curve_units[gains.columns] / problem.limit_units[gains.rows]
    return max(float(counted[counted > 0].min(initial=1.0)), LEAST_COUNTED)


def _padded(grids: list[Array]) -> Array:
    """Breakpoints as one array, a row a curve; where a curve has fewer than others its last is repeated."""
    padded = np.empty((len(grids), max((len(grid) for grid in grids), default=1)))
    for row, grid in zip(padded, grids, strict=True):
        row[: len(grid)], row[len(grid) :] = grid, grid[-1]
    return padded


def missed(problem: Problem, grids: list[Array]) -> float:
    """The most by which straight slices understate the aim, in its units: where each curve is furthest above them."""
    worst = np.zeros(len(grids))
    for left, right in itertools.pairwise(_padded(grids).T):
        first, width = problem.curves.gain(left), right - left
        rise = problem.curves.gain(right) - first
        slope = np.divide(rise, width, out=np.zeros(len(width)), where=width > 0)
        furthest = problem.curves.best(slope, left, right)
        worst = np.maximum(worst, problem.curves.gain(furthest) - first - slope * (furthest - left))
    return float(np.abs(problem.weight) @ worst)


def declaration() -> pyo.AbstractModel:
    """The model's sets, parameters, variables, aim and rules."""
    m = pyo.AbstractModel()
    _declare_sets(m)
    _declare_figures(m)
    m.paid = pyo.Var(m.OWN, bounds=lambda m, line: (m.low[line], m.high[line]))
    m.moved = pyo.Var(m.ROUTES, bounds=lambda m, r: (0, m.route_high[r]))
    m.unspent = pyo.Var(m.ENVELOPES, bounds=(0, None))
    m.slice = pyo.Var(m.SLICES, bounds=lambda m, q, k: (0, m.width[q, k]))
    m.counted = pyo.Var(m.COUNTED)
    m.picked = pyo.Var(m.PICKS, domain=pyo.Binary)
    m.under = pyo.Var(m.UNDER, bounds=lambda m, i, b: (0, m.under_width[i, b]))
    m.over = pyo.Var(m.OVER, bounds=lambda m, i, b: (0, m.over_width[i, b]))
    _name_sums(m)

    m.value = pyo.Objective(rule=_worth, sense=pyo.maximize)

    @m.Constraint(m.ENVELOPES)
    def money(m, e):
        spent = sum(m.spend[line] for line in m.LINES_OF[e])
        out, into = sum(m.moved[r] for r in m.LEAVING[e]), sum(m.moved[r] for r in m.ENTERING[e])
        return spent + out - into + m.unspent[e] == m.amount[e]

    @m.Constraint(m.JOINED)
    def effort(m, q):
        spent = sum(m.spend[line] for line in m.LINES_UNDER[q])
        return spent - sum(m.slice[q, k] for k in m.SLICES_OF[q]) == m.start[q]

    @m.Constraint(m.COUNTED)
    def tally(m, t):
        spent = sum(m.line_factor[t, line] * m.spend[line] for line in m.LINES_COUNTED[t])
        return spent + sum(m.gain_factor[t, q] * m.gain[q] for q in m.CURVES_COUNTED[t]) - m.counted[t] == 0

    @m.Constraint(m.LIMITS)
    def limit(m, i):
        bent = sum(m.under[i, b] for b in m.UNDER_OF[i]) - sum(m.over[i, b] for b in m.OVER_OF[i])
        body = sum(m.term[i, t] * m.total[t] for t in m.TOTALS_IN[i]) + bent
        return pyo.inequality(m.limit_low[i], body, m.limit_high[i])

    _declare_choices(m)
    _declare_distance(m)
    return m


def _worth(m):
    bought = sum(m.weight[q] * m.gain[q] for q in m.CURVES)
    under = sum(m.under_price[i, b] * m.under[i, b] for i, b in m.UNDER)
    return bought - under - sum(m.over_price[i, b] * m.over[i, b] for i, b in m.OVER)


def _declare_sets(m: pyo.AbstractModel) -> None:
    for name in (
        "LINES", "CURVES", "ENVELOPES", "ROUTES", "TOTALS", "LIMITS", "AIM", "STEPS", "OWN", "JOINED", "CHOICES",
        "MEASURED", "COUNTED", "PICKS", "BANDS",
    ):  # fmt: skip
        m.add_component(name, pyo.Set())
    for name in ("SLICES", "TO_FILL", "LINE_FACTORS", "GAIN_FACTORS", "TERMS", "UNDER", "OVER"):
        m.add_component(name, pyo.Set(dimen=2))
    for name, over in {
        "LINES_OF": m.ENVELOPES, "LEAVING": m.ENVELOPES, "ENTERING": m.ENVELOPES, "LINES_UNDER": m.CURVES,
        "SLICES_OF": m.CURVES, "LINES_IN": m.TOTALS, "CURVES_IN": m.TOTALS, "ROUTES_IN": m.TOTALS,
        "TOTALS_IN": m.LIMITS, "OWN_OF": m.LINES, "SOLE_OF": m.LINES, "COLUMN_OF": m.TOTALS, "LINES_COUNTED": m.COUNTED,
        "CURVES_COUNTED": m.COUNTED, "PICKS_IN": m.TOTALS, "UNDER_OF": m.LIMITS, "OVER_OF": m.LIMITS,
    }.items():  # fmt: skip
        m.add_component(name, pyo.Set(over))


def _declare_figures(m: pyo.AbstractModel) -> None:
    for name, over in {
        "amount": m.ENVELOPES, "low": m.LINES, "high": m.LINES, "scale": m.CHOICES, "ceiling": m.CHOICES,
        "baseline": m.LINES, "breadth": m.LINES, "route_high": m.ROUTES, "width": m.SLICES, "slope": m.SLICES,
        "start": m.CURVES, "start_gain": m.CURVES, "weight": m.CURVES, "line_factor": m.LINE_FACTORS,
        "gain_factor": m.GAIN_FACTORS, "term": m.TERMS, "limit_low": m.LIMITS, "limit_high": m.LIMITS,
        "kept": m.AIM, "moving": m.AIM, "under_width": m.UNDER, "under_price": m.UNDER, "over_width": m.OVER,
        "over_price": m.OVER,
    }.items():  # fmt: skip
        m.add_component(name, pyo.Param(over, mutable=True))


def _name_sums(m: pyo.AbstractModel) -> None:
    @m.Expression(m.LINES)
    def spend(m, line):
        alone = sum(m.start[q] + sum(m.slice[q, k] for k in m.SLICES_OF[q]) for q in m.SOLE_OF[line])
        return sum(m.paid[own] for own in m.OWN_OF[line]) + alone

    @m.Expression(m.CURVES)
    def gain(m, q):
        return m.start_gain[q] + sum(m.slope[q, k] * m.slice[q, k] for k in m.SLICES_OF[q])

    @m.Expression(m.TOTALS)
    def total(m, t):
        spent = sum(m.line_factor[t, line] * m.spend[line] for line in m.LINES_IN[t])
        gained = sum(m.gain_factor[t, q] * m.gain[q] for q in m.CURVES_IN[t])
        others = sum(m.moved[r] for r in m.ROUTES_IN[t]) + sum(m.picked[p] for p in m.PICKS_IN[t])
        return spent + gained + others + sum(m.counted[column] for column in m.COLUMN_OF[t])


def _declare_choices(m: pyo.AbstractModel) -> None:
    m.opened = pyo.Var(m.CHOICES, domain=pyo.Binary)
    m.filled = pyo.Var(m.TO_FILL, domain=pyo.Binary)
    m.least = pyo.Constraint(m.CHOICES, rule=lambda m, a: m.spend[a] - m.scale[a] * m.opened[a] >= 0)
    m.most = pyo.Constraint(m.CHOICES, rule=lambda m, a: m.spend[a] - m.ceiling[a] * m.opened[a] <= 0)

    @m.Constraint(m.TO_FILL)
    def fill(m, q, k):
        return m.slice[q, k] - m.width[q, k] * m.filled[q, k] >= 0

    @m.Constraint(m.TO_FILL)
    def next(m, q, k):
        return m.slice[q, k + 1] - m.width[q, k + 1] * m.filled[q, k] <= 0


def _declare_distance(m: pyo.AbstractModel) -> None:
    m.up = pyo.Var(m.MEASURED, bounds=(0, None))
    m.down = pyo.Var(m.MEASURED, bounds=(0, None))
    m.widest = pyo.Var(m.AIM, bounds=(0, None))
    m.keep = pyo.Constraint(m.AIM, rule=lambda m, a: _worth(m) >= m.kept[a])
    m.steady = pyo.Constraint(m.AIM, rule=lambda m, a: sum(m.up[n] + m.down[n] for n in m.MEASURED) <= m.moving[a])
    m.change = pyo.Constraint(m.MEASURED, rule=lambda m, n: m.spend[n] - m.up[n] + m.down[n] == m.baseline[n])

    @m.Constraint(m.MEASURED)
    def spread(m, n):
        return m.up[n] + m.down[n] - sum(m.breadth[n] * m.widest[a] for a in m.AIM) <= 0


DECLARATION = declaration()
