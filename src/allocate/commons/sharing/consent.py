"""What it costs to leave nobody worse off than its fallback where no money changes hands.

A consent floor keeps a partner's payoff, which is a sum of gains, no lower than its fallback. It is a limit as any
other, so the same engine finds the best plan under it and proves it. What consent costs is no waste: it is what side
payments can be made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allocate.commons.apart.benefits import Benefits
from allocate.engine.certificate import Flows
from allocate.engine.optimum import Optimum, Options
from allocate.engine.piece import Clash, best, itself
from allocate.engine.problem import Problem, Terms
from allocate.engine.watch import Watch
from allocate.errors import EngineError
from allocate.rules.binding import INFINITY
from allocate.rules.tally import NOTHING, Limit, Row, Tally, Total

Array = np.ndarray
SLIP = 1e-7
"""The part of a fallback by which its floor is lower: slices lie below their curves."""
TRACE = 1e-9
"""The part of a payoff's largest gain at most below which another is left out of its floor."""


@dataclass(frozen=True, eq=False)
class Insisting:
    """The best plan that leaves none of some partners below its fallback.

    value     the agreed outcome less what bending rules costs; NaN where no such plan was found
    payoffs   pounds, an entry a player
    prices    for each player, what the agreed outcome gains for every pound its floor is lowered by; 0 without a floor
    """

    value: float
    payoffs: Array
    prices: Array


def insisting(
    problem: Problem, benefits: Benefits, least: Array, who: Sequence[int], options: Options, stands: Flows | None
) -> Insisting:
    """The best plan with consent floors under these players. `least` is everybody's fallback in pounds; `stands` a plan
    that is known to give it, if one is."""
    who = [k for k in who if benefits.worth[k].any()]
    floored = with_floors(problem, benefits, least, who)
    curves, prices = problem.curves, np.zeros(len(benefits.players))
    found = _best(floored, options)
    value = np.nan if found is None else found.certificate.value
    flows = None if found is None else found.flows
    if found is not None:
        for row, k in zip(found.prices.limit[-len(who) :] if len(who) else [], who, strict=True):
            prices[k] = -row / benefits.worth[k].max()
    if stands is not None and not value >= (known := problem.value(stands.spend, stands.moved)):
        value, flows = known, stands
    if flows is None:
        return Insisting(np.nan, np.full(len(benefits.players), np.nan), prices)
    return Insisting(value, benefits.payoffs(curves.gain(curves.effort(flows.spend))), prices)


def with_floors(problem: Problem, benefits: Benefits, least: Array, who: Sequence[int]) -> Problem:
    """The problem with a limit that keeps each of these players' payoffs at its fallback; in the unit of an outcome, so
    that the solver's numbers stay small."""
    outcomes, none = problem.outcomes, np.zeros(0)
    # A curve that counts from a reference may gain less than nothing, at the least effort or even at the most.
    ends = [np.abs(problem.curves.gain(effort)) for effort in (problem.effort_low, problem.effort_high)]
    most = benefits.worth * np.maximum(*ends)
    counts = (benefits.worth > 0) & (most >= TRACE * most.max(axis=1, keepdims=True))
    counted = np.flatnonzero(counts[list(who)].any(axis=0))
    totals = {f"gain of curve {q}": Total(NOTHING, none, np.array([q]), str(outcomes[q])) for q in counted}
    floors = []
    for k in who:
        worth, unit = benefits.worth[k], float(benefits.worth[k].max())
        body = Row({f"gain of curve {q}": float(worth[q] / unit) for q in np.flatnonzero(counts[k])})
        low = (least[k] - SLIP * abs(least[k])) / unit
        measure, player = str(outcomes[int(most[k].argmax())]), benefits.players[k]
        floors.append(Limit("consent", f"the consent of {player}", body, low, INFINITY, measure, player))
    limits = (*problem.limits, *floors)
    tally = Tally(problem.scenario, totals={**problem.tally.totals, **totals})
    sizes = len(problem.low), len(problem.curves), len(problem.route_high)
    return replace(problem, limits=limits, tally=tally, terms=Terms.of(limits, tally, *sizes))


def _best(problem: Problem, options: Options) -> Optimum | None:
    try:
        return best(problem, options, Watch(), itself, settle=False)
    except (Clash, EngineError):
        return None


__all__ = ["Insisting", "insisting"]
