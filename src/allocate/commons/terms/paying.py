"""A partner's own problem with payments in it: rates for pounds spent, matching, a share of all.

A payment for pounds spent is a curve of its own, fed by the lines that are paid for, so the engine solves and certifies
it as any other: a rate is straight; bands are straight pieces. Where a rate rises again (after a dead-band, say) the
engine decides itself which pieces are full, and still proves its answer.

Rates are what would make each partner count what its spending does for others (Pigou 1920): a pound's marginal worth to
all but the partner that decides it, at the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.apart.alone import Apart
from allocate.commons.apart.benefits import Benefits
from allocate.commons.apart.equilibrium import Reply
from allocate.engine.certificate import Flows
from allocate.engine.optimum import Options
from allocate.engine.piece import Clash, best, itself, solved_whole
from allocate.engine.problem import Problem, Terms
from allocate.engine.watch import Watch
from allocate.rules.binding import INFINITY
from allocate.rules.tally import NOTHING, Limit, Row, Tally, Total
from allocate.scenario.curves import Curves
from allocate.scenario.scenario import Scenario

Array = np.ndarray
Points = tuple[Array, Array]
OWN = "~paid"
"""What names of added curves and totals begin with: no id does."""


@dataclass(frozen=True, eq=False)
class Activity:
    """What can be paid for: the lines by which a player spends on a programme in a place and a year. They feed the same
    curves."""

    player: int
    place: str
    programme: str
    year: str
    lines: Array


def activities(scenario: Scenario, benefits: Benefits) -> list[Activity]:
    """Everything that each player spends on, in the order of players, then of lines."""
    lines = scenario.table("lines")[["place", "programme", "year"]].assign(player=benefits.decides)
    groups = lines.groupby(["player", "place", "programme", "year"], sort=False).indices
    found = [Activity(int(k), place, programme, year, rows) for (k, place, programme, year), rows in groups.items()]
    return sorted(found, key=lambda each: each.player)


def pound(problem: Problem, benefits: Benefits, flows: Flows, prices: Array | None = None) -> Array:
    """What one pound more on each line (a column) is worth to each player (a row) where everybody spends so.

    At a corner of a curve given by points the last pound is worth more than the next: `prices`, what a pound of effort
    under each curve is worth in units of the aim at a best plan, say what lies between them.
    """
    curves = problem.curves
    effort = curves.effort(flows.spend)
    each = curves.marginal(effort)
    if prices is not None:
        last = curves.marginal(effort * (1 - 1e-9))
        asked = np.divide(prices, problem.weight, out=np.array(each), where=problem.weight > 0)
        each = np.where(curves.shape == "points", np.clip(asked, np.minimum(each, last), np.maximum(each, last)), each)
    worth, (curve, line) = benefits.worth * each, curves.feeds
    found = np.zeros((len(worth), len(problem.low)))
    np.add.at(found.T, line, worth.T[curve])
    return found


def on_others(worth: Array, decides: Array) -> Array:
    """Per unit of each activity (a column of `worth`), what it does for all players (rows) but the one that decides it:
    the rate at which its own best is that of all. Below nothing it is damage, and the levy that charges it."""
    return worth.sum(axis=0) - worth[decides, np.arange(len(decides))]


def with_curves(apart: Apart, paid: Sequence[Activity], points: Sequence[Points | None]) -> Apart:
    """Everybody's own problem with a curve for each of these activities, last, that counts nothing yet: its pounds, or
    the payment for them that these points give."""
    problem, count = apart.problem, len(paid)
    scenario, one = _scenario(problem.scenario, paid), np.ones(count)
    curves = problem.curves
    own = {
        "shape": np.array(["linear" if each is None else "points" for each in points]), "slope": one, "reference": one,
        "exponent": one, "offset": 0.0 * one, "ceiling": 0.0 * one,
    }  # fmt: skip
    figures = {name: np.concatenate([getattr(curves, name), values]) for name, values in own.items()}
    fed = tuple(each.lines for each in paid)
    curves = Curves(**figures, points=(*curves.points, *points), lines=(*curves.lines, *fed))
    sizes = len(problem.low), len(curves), len(problem.route_high)
    terms = Terms.of(problem.limits, problem.tally, *sizes)
    weight = np.concatenate([problem.weight, 0.0 * one])
    problem = replace(problem, scenario=scenario, curves=curves, weight=weight, terms=terms)
    mine = np.arange(len(apart.benefits.players))[:, None] == [each.player for each in paid]
    benefits = replace(apart.benefits, worth=np.hstack([apart.benefits.worth, 0.0 * mine]))
    return replace(apart, problem=problem, benefits=benefits, fed=np.hstack([apart.fed, mine]), _prices={})


def at_rates(apart: Apart, rates: Array) -> Apart:
    """The same, of `with_curves`, at these rates: pounds for a unit of each curve added, to whoever decides it."""
    worth = apart.benefits.worth.copy()
    added = slice(worth.shape[1] - len(rates), None)
    worth[:, added] = np.where(apart.fed[:, added], rates, 0.0)
    return counting(apart, worth)


def counting(apart: Apart, worth: Array) -> Apart:
    """The same where each player (a row) counts these pounds for one unit of every curve (a column)."""
    return replace(apart, benefits=replace(apart.benefits, worth=worth), _prices={})


def matched(apart: Apart, problem: Problem, player: int, flows: Flows, own: Array) -> Problem:
    """A player's own problem where a pool pays all of each pound but its own part (`own`, an entry a line): it has what
    its parts come to at these flows, in each envelope, and may spend that as it likes, whatever the pool then pays.
    `problem` is the system, where nobody is kept to its own money."""
    free = replace(apart, problem=problem, money={}, _prices={})
    left = free.left_to(apart.benefits.players[player], flows)
    mine, of = apart.benefits.decides == player, problem.envelope_of_line
    parts = np.where(mine, own, 0.0)
    has = np.bincount(of, parts * flows.spend, len(problem.amount))
    most = np.divide(has[of], parts, out=np.array(problem.high), where=parts > 0)
    high = np.where(mine, np.maximum(np.minimum(problem.high, most), flows.spend), left.high)
    # Over all lines of every envelope, so that everybody's problem has the same shape.
    lines = [np.flatnonzero(of == e) for e in range(len(has))]
    totals = {f"{OWN} {e}": Total(rows, parts[rows], NOTHING, "spend") for e, rows in enumerate(lines)}
    limits = [Limit("matching", "its own part of what it spends", Row({name: 1.0}), -INFINITY, most, "spend", name)
              for name, most in zip(totals, has, strict=True)]  # fmt: skip
    tally = Tally(problem.scenario, totals={**left.tally.totals, **totals})
    sizes = len(left.low), len(left.curves), len(left.route_high)
    terms = Terms.of((*left.limits, *limits), tally, *sizes)
    ends = np.hstack([left.terms.ends, terms.ends[:, len(left.limits) :]])
    amount = left.amount + np.bincount(of, high - flows.spend, len(problem.amount))
    return replace(left, high=high, amount=amount, limits=(*left.limits, *limits), tally=tally,
                   terms=replace(terms, ends=ends))  # fmt: skip


def answer(apart: Apart, player: str, flows: Flows) -> Reply[Flows]:
    """A player's best reply, moved to even where it gains next to nothing by it: what it would spend, not whether it
    would stay."""
    problem = apart.left_to(player, flows)
    if not problem.weight.any():
        return Reply(flows, 0.0, 0.0, 0.0)
    try:
        found = solved_whole(problem, apart.options, Watch())
    except Clash:
        return apart.reply(player, flows)
    now, value, bound = problem.value(flows.spend), found.certificate.value, found.certificate.bound
    return Reply(Flows(found.flows.spend, flows.moved), value - now, max(bound, value) - now, problem.at_stake)


def regret(problem: Problem, flows: Flows, options: Options) -> float:
    """The most that a player's own problem could gain beyond these flows: certified, never too little. Raises Clash."""
    found = best(problem, options, Watch(), itself, settle=False)
    return max(0.0, found.certificate.bound - problem.value(flows.spend))


def _scenario(scenario: Scenario, paid: Sequence[Activity]) -> Scenario:
    """The scenario with a curve for each of these, of an outcome of their own. They are named by what feeds them, for
    models are known by their names."""
    tables = dict(scenario._tables)
    names = [f"{OWN} {' '.join(str(line) for line in each.lines)}" for each in paid]
    added: dict[str, dict[str, Any]] = {
        "curves": {"place": names, "programme": OWN, "outcome": OWN, "year": scenario.years[-1], "shape": "linear"},
        "outcomes": {"id": [OWN], "name": OWN, "unit": OWN, "weight": 1.0},
    }  # fmt: skip
    for table, more in added.items():
        rows = pd.DataFrame(more).reindex(columns=tables[table].columns)
        rows = rows.astype({name: kind for name, kind in tables[table].dtypes.items() if kind == "float64"})
        tables[table] = pd.concat([tables[table], rows], ignore_index=True)
    tables["routes"] = tables["routes"].assign(high=scenario.route_high)
    return Scenario(scenario.heading, scenario.rules, tables)


__all__ = [
    "Activity",
    "activities",
    "answer",
    "at_rates",
    "counting",
    "matched",
    "on_others",
    "pound",
    "regret",
    "with_curves",
]
