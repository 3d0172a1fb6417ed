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

All figures are in solver units (`Units`); every number is a mutable Param, so a change of figures is a change of
parameters and nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from allocate.engine.matrix import Matrix
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


PARTS = (
    {"total": "totals"},
    {"tally": "totals", "limit": "limits"},
    {"line_factor": "line_factors", "gain_factor": "total_gains", "term": "terms"}
    | {"limit_low": "limits", "limit_high": "limits"},
)
"""The columns, rows and parameters of the model that follow from the rules, by the set that each is over."""


def compiled(sets: Sets, figures: Figures) -> Matrix:
    """The model over these sets, taken apart."""
    return Matrix(declare(sets, figures))


def under_fewer_rules(matrix: Matrix, sets: Sets, fewer: Sets) -> Matrix:
    """What `compiled` gives for sets with some of the rules left out, without declaring a model."""
    names = {name for part in PARTS for name in part.values()}
    number = {name: {key: k for k, key in enumerate(getattr(sets, name))} for name in names}
    stays = {name: np.array([number[name][key] for key in getattr(fewer, name)], dtype=int) for name in names}
    return matrix.part(*({component: stays[name] for component, name in part.items()} for part in PARTS))


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


def declare(sets: Sets, figures: Figures) -> pyo.ConcreteModel:
    """The Pyomo model over these sets, with these figures as its parameters."""
    m = pyo.ConcreteModel()
    _declare_figures(m, sets, figures)
    pays, efforts = _by_first(sets.pays), _by_first(sets.efforts)
    leaves, enters = _by_first((a, r) for r, a, _ in sets.moves), _by_first((b, r) for r, _, b in sets.moves)
    slices = _by_first(sets.slices)
    m.spend = pyo.Var(sets.lines, bounds=lambda m, line: (m.low[line], m.high[line]))
    m.moved = pyo.Var(sets.routes, bounds=lambda m, r: (0, m.route_high[r]))
    m.unspent = pyo.Var(sets.envelopes, bounds=(0, None))
    m.slice = pyo.Var(sets.slices, bounds=lambda m, q, k: (0, m.width[q, k]))
    m.gain = pyo.Var(sets.curves)
    m.total = pyo.Var(sets.totals)

    m.value = pyo.Objective(expr=sum(m.weight[q] * m.gain[q] for q in sets.curves), sense=pyo.maximize)

    @m.Constraint(sets.envelopes)
    def money(m, e):
        spent = sum(m.spend[line] for line in pays.get(e, ()))
        out, into = sum(m.moved[r] for r in leaves.get(e, ())), sum(m.moved[r] for r in enters.get(e, ()))
        return spent + out - into + m.unspent[e] == m.amount[e]

    @m.Constraint(sets.curves)
    def effort(m, q):
        spent = sum(m.spend[line] for line in efforts[q])
        return spent - sum(m.slice[q, k] for k in slices[q]) == m.start[q]

    @m.Constraint(sets.curves)
    def effect(m, q):
        return m.gain[q] - sum(m.slope[q, k] * m.slice[q, k] for k in slices[q]) == m.start_gain[q]

    _declare_limits(m, sets)
    _declare_choices(m, sets, slices)
    _declare_distance(m, sets)
    return m


def _declare_figures(m: pyo.ConcreteModel, sets: Sets, figures: Figures) -> None:
    index = {
        "amount": sets.envelopes, "low": sets.lines, "high": sets.lines, "scale": sets.choices, "ceiling": sets.choices,
        "baseline": sets.lines, "breadth": sets.lines, "route_high": sets.routes, "width": sets.slices,
        "slope": sets.slices,
        "start": sets.curves, "start_gain": sets.curves, "weight": sets.curves, "line_factor": sets.line_factors,
        "gain_factor": sets.total_gains, "term": sets.terms, "limit_low": sets.limits, "limit_high": sets.limits,
        "kept": ("aim",), "moving": ("aim",),
    }  # fmt: skip
    for name, over in index.items():
        values = dict(zip(over, figures[name].tolist(), strict=True))
        m.add_component(name, pyo.Param(list(over), initialize=values, mutable=True))


def _declare_limits(m: pyo.ConcreteModel, sets: Sets) -> None:
    lines, curves, terms = _by_first(sets.line_factors), _by_first(sets.total_gains), _by_first(sets.terms)

    @m.Constraint(sets.totals)
    def tally(m, t):
        spent = sum(m.line_factor[t, line] * m.spend[line] for line in lines.get(t, ()))
        gained = sum(m.gain_factor[t, q] * m.gain[q] for q in curves.get(t, ()))
        return m.total[t] - spent - gained == 0

    @m.Constraint(sets.limits)
    def limit(m, i):
        return pyo.inequality(m.limit_low[i], sum(m.term[i, t] * m.total[t] for t in terms[i]), m.limit_high[i])


def _declare_choices(m: pyo.ConcreteModel, sets: Sets, slices: dict) -> None:
    pairs = [(q, k) for q in sets.ordered for k in slices[q][:-1]]
    m.opened = pyo.Var(sets.choices, domain=pyo.Binary)
    m.filled = pyo.Var(pairs, domain=pyo.Binary)
    m.least = pyo.Constraint(sets.choices, rule=lambda m, a: m.spend[a] - m.scale[a] * m.opened[a] >= 0)
    m.most = pyo.Constraint(sets.choices, rule=lambda m, a: m.spend[a] - m.ceiling[a] * m.opened[a] <= 0)
    m.fill = pyo.Constraint(pairs, rule=lambda m, q, k: m.slice[q, k] - m.width[q, k] * m.filled[q, k] >= 0)
    m.next = pyo.Constraint(pairs, rule=lambda m, q, k: m.slice[q, k + 1] - m.width[q, k + 1] * m.filled[q, k] <= 0)


def _declare_distance(m: pyo.ConcreteModel, sets: Sets) -> None:
    m.keep = pyo.Constraint(["aim"], rule=lambda m, a: sum(m.weight[q] * m.gain[q] for q in sets.curves) >= m.kept[a])
    m.up = pyo.Var(sets.lines, bounds=(0, None))
    m.down = pyo.Var(sets.lines, bounds=(0, None))
    m.widest = pyo.Var(bounds=(0, None))
    moved = sum(m.up[line] + m.down[line] for line in sets.lines)
    m.steady = pyo.Constraint(["aim"], rule=lambda m, a: moved <= m.moving[a])
    m.change = pyo.Constraint(sets.lines, rule=lambda m, a: m.spend[a] - m.up[a] + m.down[a] == m.baseline[a])
    m.spread = pyo.Constraint(sets.lines, rule=lambda m, a: m.up[a] + m.down[a] - m.breadth[a] * m.widest <= 0)


def _by_first(pairs) -> dict:
    groups: dict = {}
    for first, *rest in pairs:
        groups.setdefault(first, []).append(rest[0] if len(rest) == 1 else tuple(rest))
    return groups
