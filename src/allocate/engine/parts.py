"""Problems that fall apart: parts that share no money, no curve and no limit are problems of their own.

Systems seldom share a rule. Solved apart they take much less time (the simplex method more than twice as long for
twice as much), and as many at once as there are processors. Where limits over many envelopes tie them together, each
part can be given a quota of those limits (Kornai and Liptak 1965, "Two-level planning", Econometrica 33): then it is a
problem of its own again, and plans that keep their quotas together keep the limits.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass, replace

import numpy as np

from allocate.engine.certificate import Flows, Prices
from allocate.engine.problem import Problem, Terms
from allocate.rules.tally import Limit, Row, Tally, Total
from allocate.scenario.curves import Curves
from allocate.scenario.scenario import Scenario

Array = np.ndarray
LEAST = 2_000
"""Lines from which a problem is looked at for parts."""
MANY = 20
"""Envelopes (with what else hangs together but for limits) from which a limit over them is everybody's."""


@dataclass(frozen=True, eq=False)
class Part:
    """A problem of its own, and which lines, curves, envelopes, routes and limits of the whole it is: their numbers."""

    problem: Problem
    lines: Array
    curves: Array
    envelopes: Array
    routes: Array
    limits: Array


def parts(problem: Problem) -> tuple[list[Part], Array]:
    """What a problem falls into, in the order of their first lines, and the numbers of the limits that then are left
    between them (in no part). No parts where that is one piece, too few lines to be worth it, or rules have aids, which
    may be anybody's."""
    if len(problem.low) < LEAST or len(problem.terms.spoken):
        return [], np.array([], dtype=int)
    everybodys = _everybodys(problem)
    owner = _components(problem, ~everybodys)
    counts = np.cumsum([len(problem.low), len(problem.curves), len(problem.amount), len(problem.limits)])
    lines, curves, envelopes, limits = np.split(owner, counts[:-1])
    limits[everybodys] = -1
    routes = envelopes[problem.source]
    of = [_by_owner(each) for each in (lines, curves, envelopes, routes, limits)]
    # Money that no line can spend is in no part: nothing is to be decided about it.
    found, none = list(dict.fromkeys(lines.tolist())), np.array([], dtype=int)
    if len(found) < 2:
        return [], none
    return [_part(problem, *(each.get(key, none) for each in of)) for key in found], np.flatnonzero(everybodys)


def with_quotas(problem: Problem, part: Part, shared: Array, low: Array, high: Array) -> Part:
    """A part that must keep its quotas of the limits that are shared: the least and the most of each limit's body."""
    line_at, curve_at = _places(part.lines, problem.low), _places(part.curves, problem.curves.shape)
    asked, route_at = [problem.limits[row] for row in shared.tolist()], _places(part.routes, problem.route_high)
    totals = {name: _own(total, line_at, curve_at, route_at) for name, total in _named(problem, asked).items()}
    quotas = zip(asked, low.tolist(), high.tolist(), strict=True)
    limits = (*part.problem.limits, *(replace(limit, low=least, high=most) for limit, least, most in quotas))
    tally = Tally(part.problem.scenario, totals=totals | part.problem.tally.totals)
    terms = Terms.of(limits, tally, len(part.lines), len(part.curves), len(part.routes))
    numbers = np.concatenate([part.limits, shared])
    return replace(part, problem=replace(part.problem, limits=limits, tally=tally, terms=terms), limits=numbers)


def _everybodys(problem: Problem) -> Array:
    """Limits over many envelopes, with what else hangs together but for limits: booleans."""
    owner = _components(problem, np.zeros(len(problem.limits), dtype=bool))
    homes = owner[: len(problem.low)]
    pairs = np.unique(np.array([problem.line_rows.rows, homes[problem.line_rows.columns]]), axis=1)
    curves = owner[len(problem.low) :][problem.gain_rows.columns]
    more = np.unique(np.array([problem.gain_rows.rows, curves]), axis=1)
    moving = _envelope_nodes(problem, owner)[problem.source[problem.route_rows.columns]]
    moves = np.unique(np.array([problem.route_rows.rows, moving]), axis=1)
    counts = [np.bincount(found[0], minlength=len(problem.limits)) for found in (pairs, more, moves)]
    return np.max(counts, axis=0) >= MANY


def _envelope_nodes(problem: Problem, owner: Array) -> Array:
    """The part of what belongs to nodes (`_components`) that belongs to envelopes."""
    first = len(problem.low) + len(problem.curves)
    return owner[first : first + len(problem.amount)]


def _by_owner(owner: Array) -> dict[int, Array]:
    order = np.argsort(owner, kind="stable")
    keys, first = np.unique(owner[order], return_index=True)
    return dict(zip(keys.tolist(), np.split(order, first[1:]), strict=False))


def _components(problem: Problem, counted: Array) -> Array:
    """For every line, curve, envelope and limit, the least number of any that it hangs together with; of the limits
    only those `counted` tie anything together."""
    sizes = len(problem.low), len(problem.curves), len(problem.amount), len(problem.limits)
    first = dict(zip(("line", "curve", "envelope", "limit"), np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
    feeds, lines, gains, moves = problem.feeds, problem.line_rows, problem.gain_rows, problem.route_rows
    mine, ours, theirs = counted[lines.rows], counted[gains.rows], counted[moves.rows]
    edges = [
        (np.arange(sizes[0]), first["envelope"] + problem.envelope_of_line),
        (first["curve"] + feeds.rows, feeds.columns),
        (first["limit"] + lines.rows[mine], lines.columns[mine]),
        (first["limit"] + gains.rows[ours], first["curve"] + gains.columns[ours]),
        (first["limit"] + moves.rows[theirs], first["envelope"] + problem.source[moves.columns[theirs]]),
        (first["envelope"] + problem.source, first["envelope"] + problem.target),
    ]
    one, other = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    return _least_connected(sum(sizes), one, other)


def _least_connected(count: int, one: Array, other: Array) -> Array:
    """For each of `count` nodes the least that edges lead to (Shiloach and Vishkin 1982, hooking and jumping)."""
    label = np.arange(count)
    while True:
        least = np.minimum(label[one], label[other])
        new = label.copy()
        np.minimum.at(new, label[one], least)
        np.minimum.at(new, label[other], least)
        while not np.array_equal(new, jumped := new[new]):
            new = jumped
        if np.array_equal(new, label):
            return label
        label = new


def _part(problem: Problem, lines: Array, curves: Array, envelopes: Array, routes: Array, limits: Array) -> Part:
    line_at, curve_at, envelope_at, route_at = (
        _places(chosen, size)
        for chosen, size in (
            (lines, problem.low), (curves, problem.curves.shape), (envelopes, problem.amount),
            (routes, problem.route_high),
        )
    )  # fmt: skip
    scenario = _scenario(problem, lines=lines, curves=curves, envelopes=envelopes, routes=routes)
    mine = tuple(problem.limits[row] for row in limits.tolist())
    totals = {name: _own(total, line_at, curve_at, route_at) for name, total in _named(problem, mine).items()}
    tally = Tally(scenario, totals=totals)
    return Part(
        Problem(
            scenario=scenario, curves=_curves(problem.curves, curves, line_at), tally=tally, limits=mine,
            weight=problem.weight[curves], low=problem.low[lines], high=problem.high[lines],
            scale=problem.scale[lines], baseline=problem.baseline[lines],
            envelope_of_line=envelope_at[problem.envelope_of_line[lines]], amount=problem.amount[envelopes],
            source=envelope_at[problem.source[routes]], target=envelope_at[problem.target[routes]],
            route_high=problem.route_high[routes], terms=Terms.of(mine, tally, len(lines), len(curves), len(routes)),
            slices=problem.slices, bends=(bends := problem.bends.some(_places(limits, problem.limits))),
            soft=bends.soft,
        ),
        lines, curves, envelopes, routes, limits,
    )  # fmt: skip


def _places(chosen: Array, whole: Sized) -> Array:
    """Where each of the whole is among those chosen, -1 for others."""
    places = np.full(len(whole), -1)
    places[chosen] = np.arange(len(chosen))
    return places


def _scenario(problem: Problem, **rows: Array) -> Scenario:
    """The scenario with these rows of some tables, and no rules: the limits that came of them are at hand, and routes
    are as far open as they make them."""
    scenario = problem.scenario
    tables = {name: scenario._tables[name] for name in scenario._tables}
    tables["routes"] = tables["routes"].assign(high=problem.route_high)
    tables |= {name: tables[name].iloc[chosen] for name, chosen in rows.items()}
    return Scenario(scenario.heading, (), tables)


def _named(problem: Problem, limits: Sequence[Limit]) -> dict[str, Total]:
    """The totals that these limits name."""
    bodies = [limit.body for limit in limits if isinstance(limit.body, Row)]
    return {name: problem.tally.totals[name] for body in bodies for name in body.terms}


def _own(total: Total, line_at: Array, curve_at: Array, route_at: Array) -> Total:
    """A total over a part's own lines, curves and routes alone."""
    lines, curves, routes = line_at[total.lines], curve_at[total.curves], route_at[total.routes]
    return replace(
        total, lines=lines[lines >= 0], line_factors=total.line_factors[lines >= 0], curves=curves[curves >= 0],
        routes=routes[routes >= 0],
    )  # fmt: skip


def _curves(curves: Curves, chosen: Array, line_at: Array) -> Curves:
    names = "shape", "slope", "reference", "exponent", "offset", "ceiling"
    figures = {name: getattr(curves, name)[chosen] for name in names}
    points = tuple(curves.points[q] for q in chosen.tolist())
    return Curves(**figures, points=points, lines=tuple(line_at[curves.lines[q]] for q in chosen.tolist()))


def joined_flows(problem: Problem, each: Sequence[tuple[Part, Flows]]) -> Flows:
    """The flows of all parts as those of the whole. What is in no part stays where it is."""
    spend, moved = np.zeros(len(problem.low)), np.zeros(len(problem.route_high))
    for part, flows in each:
        spend[part.lines], moved[part.routes] = flows.spend, flows.moved
    return Flows(spend, moved)


def joined_prices(problem: Problem, each: Sequence[tuple[Part, Prices]]) -> Prices:
    """The prices of all parts as those of the whole."""
    whole = Prices(np.zeros(len(problem.amount)), np.zeros(len(problem.limits)), np.zeros(len(problem.curves)))
    for part, prices in each:
        whole.envelope[part.envelopes] = prices.envelope
        whole.limit[part.limits], whole.effort[part.curves] = prices.limit, prices.effort
    return whole
