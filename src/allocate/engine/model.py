"""The model: the only file with algebra. A scenario's figures in, a Pyomo model out.

Sets
    LINES l         partner x place x programme x envelope x year     ENVELOPES e   money held, by year
    CURVES q        what spend buys, per place, programme, outcome    ROUTES r      lawful ways to move money
    SLICES (q, k)   straight pieces of a curve, flattest last         TOTALS t, LIMITS i   what rules count and ask

Decided
    spend[l]        pounds on a line                   low[l] <= spend[l] <= high[l]
    moved[r]        pounds moved along a route         0 <= moved[r] <= route_high[r]
    unspent[e]      pounds left in an envelope         >= 0
    slice[q,k]      pounds on a slice                  0 <= slice[q,k] <= width[q,k]
    gain[q]         units of outcome; total[t] its sums; up[l], down[l], widest: distance from the baseline
    opened[l]       1 if a line with a minimum viable scale is funded; filled[q,k] 1 if a slice must be full

Maximise   sum over q of  weight[q] gain[q]                                                   the agreed outcomes

money[e]   sum of spend out of e  + moved out - moved in + unspent[e] = amount[e]             no money lost or made
effort[q]  sum of spend under q   - sum over k of slice[q,k]          = start[q]              efforts add up
effect[q]  gain[q] - sum over k of slope[q,k] slice[q,k]              = start_gain[q]         what they buy
tally[t]   total[t] - sum of line_factor[t,l] spend[l] - sum of gain[q] in t = 0              named once, used often
limit[i]   limit_low[i] <= sum over t of term[i,t] total[t] <= limit_high[i]                  the rules, rows of data
least[l]   spend[l] >= scale[l] opened[l];   most[l]  spend[l] <= high[l] opened[l]           nothing, or enough
fill[q,k]  slice[q,k] >= width[q,k] filled[q,k];   next[q,k]  slice[q,k+1] <= width[q,k+1] filled[q,k]
keep       sum over q of weight[q] gain[q] >= kept;   steady   sum of up and down <= moving   while breaking ties
change[l]  spend[l] - up[l] + down[l] = baseline[l];   spread[l]  up[l] + down[l] <= breadth[l] widest

Slices fill in order by themselves while more gain helps; where something caps a gain they must be made to
(fill, next), or the model would report a gain that the same spend does not buy. `change` and `spread` bind nothing:
they measure how far a plan is from today, for breaking ties.

All figures are in solver units (`Units`); every number is a Param, so a change of figures is a change of parameters
and nothing else. `DECLARATION` is this page in Pyomo: rules alone, without a member or a figure. `allocate.compiler`
calls each of its rules once and has numpy do the rest; `Compiled.concrete` makes an ordinary Pyomo model of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from allocate.compiler import Compiled
from allocate.engine.problem import Problem
from allocate.rules.limits import kept
from allocate.rules.tally import Limit, Row

Array = np.ndarray
NEXT_TO_NOTHING = 1e-8
Figures = dict[str, Array]
"""Parameter name to values, in the order of the parameter's index set."""


@dataclass(frozen=True)
class Frame:
    """The index sets that follow from names and keys alone: whatever the figures and the rules, they are these."""

    lines: tuple[str, ...]
    curves: tuple[str, ...]
    envelopes: tuple[str, ...]
    routes: tuple[str, ...]
    pays: tuple[tuple[str, str], ...]
    moves: tuple[tuple[str, str, str], ...]
    efforts: tuple[tuple[str, str], ...]


def _frame(problem: Problem) -> Frame:
    """The frame of a problem; worked out once for a scenario and its changes."""
    return problem.scenario.shared("frame", lambda: _made_frame(problem))


def _made_frame(problem: Problem) -> Frame:
    scenario = problem.scenario
    lines = scenario.line_ids
    curves = _joined(scenario.table("curves"), "place", "programme", "outcome", "year")
    envelopes = _joined(scenario.table("envelopes"), "id", "year")
    routes = _joined(scenario.table("routes"), "id", "year")
    ends = zip(routes, problem.source, problem.target, strict=True)
    return Frame(
        lines=lines,
        curves=curves,
        envelopes=envelopes,
        routes=routes,
        pays=tuple((envelopes[e], line) for e, line in zip(problem.envelope_of_line, lines, strict=True)),
        moves=tuple((route, envelopes[a], envelopes[b]) for route, a, b in ends),
        efforts=tuple((curves[q], lines[row]) for q, rows in enumerate(problem.curves.lines) for row in rows),
    )


def _joined(table: pd.DataFrame, *columns: str) -> tuple[str, ...]:
    return tuple(map(".".join, zip(*(table[column] for column in columns), strict=True)))


def structure(problem: Problem, grids: list[Array], ordered: frozenset[int]) -> Hashable:
    """What two problems have in common whose sets are equal: much less work to compare than the sets."""
    names = kept(problem.scenario, "names of limits", problem.limits, lambda: _names(problem.limits))
    return _frame(problem), names, tuple(map(len, grids)), problem.choices.tobytes(), ordered


def _names(limits: tuple[Limit, ...]) -> tuple:
    """The limits, each with the totals it names; a total's name says what it counts."""
    return tuple((limit.name, *_row(limit).terms) for limit in limits)


@dataclass(frozen=True)
class Sets(Frame):
    """The index sets: what the model is about, without any figure. Two scenarios with equal sets share a model."""

    totals: tuple[str, ...]
    limits: tuple[str, ...]
    slices: tuple[tuple[str, int], ...]
    line_factors: tuple[tuple[str, str], ...]
    total_gains: tuple[tuple[str, str], ...]
    terms: tuple[tuple[str, str], ...]
    choices: tuple[str, ...]
    ordered: tuple[str, ...]

    @classmethod
    def of(cls, problem: Problem, grids: list[Array], ordered: frozenset[int]) -> Sets:
        """The sets of a problem; `ordered` are the curves whose slices must be made to fill in order."""
        frame, totals = _frame(problem), problem.tally.totals
        lines, curves = frame.lines, frame.curves
        return cls(
            **vars(frame),
            totals=tuple(totals),
            limits=tuple(limit.name for limit in problem.limits),
            slices=tuple((curves[q], k) for q, grid in enumerate(grids) for k in range(len(grid) - 1)),
            line_factors=tuple((name, lines[row]) for name, total in totals.items() for row in total.lines),
            total_gains=tuple((name, curves[q]) for name, total in totals.items() for q in total.curves),
            terms=tuple((limit.name, name) for limit in problem.limits for name in _row(limit).terms),
            choices=tuple(lines[row] for row in np.flatnonzero(problem.choices)),
            ordered=tuple(curves[q] for q in sorted(ordered)),
        )


def _row(limit) -> Row:
    assert isinstance(limit.body, Row)
    return limit.body


def compiled(sets: Sets) -> Compiled:
    """The model over these sets, ready for any figures."""
    return Compiled.of(DECLARATION, members(sets))


def members(sets: Sets) -> dict[str, Sequence]:
    """The members of the declaration's sets; of those over another set, as pairs."""
    slices_of = _by_first(sets.slices)
    return {
        "LINES": sets.lines, "CURVES": sets.curves, "ENVELOPES": sets.envelopes, "ROUTES": sets.routes,
        "TOTALS": sets.totals, "LIMITS": sets.limits, "CHOICES": sets.choices, "AIM": ("aim",),
        "STEPS": tuple(range(max(map(len, slices_of.values()), default=0))),
        "SLICES": sets.slices, "LINE_FACTORS": sets.line_factors, "GAIN_FACTORS": sets.total_gains,
        "TERMS": sets.terms, "TO_FILL": [(q, k) for q in sets.ordered for k in slices_of[q][:-1]],
        "LINES_OF": sets.pays, "LEAVING": [(a, r) for r, a, _ in sets.moves],
        "ENTERING": [(b, r) for r, _, b in sets.moves], "LINES_UNDER": sets.efforts, "SLICES_OF": sets.slices,
        "LINES_IN": sets.line_factors, "CURVES_IN": sets.total_gains, "TOTALS_IN": sets.terms,
    }  # fmt: skip


def figures(problem: Problem, grids: list[Array]) -> Figures:
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
        # Change is measured against the baseline, or against the most for a line that starts from nothing.
        "breadth": np.where(problem.baseline > 0, problem.baseline, np.maximum(problem.high, 1.0)) / money,
        "route_high": problem.route_high / money,
        "width": slices.width[slices.real] / money,
        "slope": (slices.slope * money / outcome[:, None])[slices.real],
        "start": slices.start / money,
        "start_gain": slices.start_gain / outcome,
        "weight": weights(problem),
        "line_factor": terms.line_factor * money / measures[terms.line_measure],
        "gain_factor": outcome[terms.curve] / measures[terms.curve_measure],
        "term": terms.coefficient,
        "limit_low": problem.limit_low / problem.limit_units,
        "limit_high": problem.limit_high / problem.limit_units,
        "kept": np.array([-np.inf]),
        "moving": np.array([np.inf]),
    }


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
        least = NEXT_TO_NOTHING * problem.curve_units / problem.units.money
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
    m.spend = pyo.Var(m.LINES, bounds=lambda m, line: (m.low[line], m.high[line]))
    m.moved = pyo.Var(m.ROUTES, bounds=lambda m, r: (0, m.route_high[r]))
    m.unspent = pyo.Var(m.ENVELOPES, bounds=(0, None))
    m.slice = pyo.Var(m.SLICES, bounds=lambda m, q, k: (0, m.width[q, k]))
    m.gain = pyo.Var(m.CURVES)
    m.total = pyo.Var(m.TOTALS)

    m.value = pyo.Objective(rule=lambda m: sum(m.weight[q] * m.gain[q] for q in m.CURVES), sense=pyo.maximize)

    @m.Constraint(m.ENVELOPES)
    def money(m, e):
        spent = sum(m.spend[line] for line in m.LINES_OF[e])
        out, into = sum(m.moved[r] for r in m.LEAVING[e]), sum(m.moved[r] for r in m.ENTERING[e])
        return spent + out - into + m.unspent[e] == m.amount[e]

    @m.Constraint(m.CURVES)
    def effort(m, q):
        spent = sum(m.spend[line] for line in m.LINES_UNDER[q])
        return spent - sum(m.slice[q, k] for k in m.SLICES_OF[q]) == m.start[q]

    @m.Constraint(m.CURVES)
    def effect(m, q):
        return m.gain[q] - sum(m.slope[q, k] * m.slice[q, k] for k in m.SLICES_OF[q]) == m.start_gain[q]

    _declare_limits(m)
    _declare_choices(m)
    _declare_distance(m)
    return m


def _declare_sets(m: pyo.AbstractModel) -> None:
    for name in ("LINES", "CURVES", "ENVELOPES", "ROUTES", "TOTALS", "LIMITS", "CHOICES", "AIM", "STEPS"):
        m.add_component(name, pyo.Set())
    for name in ("SLICES", "TO_FILL", "LINE_FACTORS", "GAIN_FACTORS", "TERMS"):
        m.add_component(name, pyo.Set(dimen=2))
    for name, over in {
        "LINES_OF": m.ENVELOPES, "LEAVING": m.ENVELOPES, "ENTERING": m.ENVELOPES, "LINES_UNDER": m.CURVES,
        "SLICES_OF": m.CURVES, "LINES_IN": m.TOTALS, "CURVES_IN": m.TOTALS, "TOTALS_IN": m.LIMITS,
    }.items():  # fmt: skip
        m.add_component(name, pyo.Set(over))


def _declare_figures(m: pyo.AbstractModel) -> None:
    for name, over in {
        "amount": m.ENVELOPES, "low": m.LINES, "high": m.LINES, "scale": m.CHOICES, "ceiling": m.CHOICES,
        "baseline": m.LINES, "breadth": m.LINES, "route_high": m.ROUTES, "width": m.SLICES, "slope": m.SLICES,
        "start": m.CURVES, "start_gain": m.CURVES, "weight": m.CURVES, "line_factor": m.LINE_FACTORS,
        "gain_factor": m.GAIN_FACTORS, "term": m.TERMS, "limit_low": m.LIMITS, "limit_high": m.LIMITS,
        "kept": m.AIM, "moving": m.AIM,
    }.items():  # fmt: skip
        m.add_component(name, pyo.Param(over, mutable=True))


def _declare_limits(m: pyo.AbstractModel) -> None:
    @m.Constraint(m.TOTALS)
    def tally(m, t):
        spent = sum(m.line_factor[t, line] * m.spend[line] for line in m.LINES_IN[t])
        gained = sum(m.gain_factor[t, q] * m.gain[q] for q in m.CURVES_IN[t])
        return m.total[t] - spent - gained == 0

    @m.Constraint(m.LIMITS)
    def limit(m, i):
        return pyo.inequality(m.limit_low[i], sum(m.term[i, t] * m.total[t] for t in m.TOTALS_IN[i]), m.limit_high[i])


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
    m.keep = pyo.Constraint(m.AIM, rule=lambda m, a: sum(m.weight[q] * m.gain[q] for q in m.CURVES) >= m.kept[a])
    m.up = pyo.Var(m.LINES, bounds=(0, None))
    m.down = pyo.Var(m.LINES, bounds=(0, None))
    m.widest = pyo.Var(bounds=(0, None))
    m.steady = pyo.Constraint(m.AIM, rule=lambda m, a: sum(m.up[n] + m.down[n] for n in m.LINES) <= m.moving[a])
    m.change = pyo.Constraint(m.LINES, rule=lambda m, n: m.spend[n] - m.up[n] + m.down[n] == m.baseline[n])
    m.spread = pyo.Constraint(m.LINES, rule=lambda m, n: m.up[n] + m.down[n] - m.breadth[n] * m.widest <= 0)


DECLARATION = declaration()


def _by_first(pairs) -> dict:
    groups: dict = {}
    for first, *rest in pairs:
        groups.setdefault(first, []).append(rest[0] if len(rest) == 1 else tuple(rest))
    return groups
