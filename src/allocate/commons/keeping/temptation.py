"""What a partner could gain by breaking its word alone: one rule, every agreed rule, or none but the plan itself.

It is the partner's own problem at the plan (`allocate.commons.apart.alone`) with the limits of what it breaks opened,
so the same engine solves it, with the same certificate. Prices of the answer that keeps every rule bound what any
breach could add (`allocate.engine.certificate`): a rule without a price tempts nobody, and takes no solve.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from allocate.commons.apart.equilibrium import LEAST
from allocate.commons.apart.ground import Ground
from allocate.engine.certificate import Flows, upper_bound
from allocate.engine.optimum import Optimum
from allocate.engine.piece import Clash, best, itself
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.plan.moves import POUND
from allocate.rules.kinds import Binding

Array = np.ndarray
NEAR = 1e-6
"""The gap, as a part of what a partner has at stake, at which its spending is near enough to the best."""


@dataclass(frozen=True)
class Temptation:
    """What a breach gains a partner over its payoff in the plan, in pounds.

    gain    0 where the breach adds less than `LEAST` of what it has at stake, or than a pound, to what it could have by
            keeping all rules
    adds    how much of it the breach adds to that
    bound   no spending with this breach gains more, certified; where it adds nothing, adds no more
    """

    gain: float
    adds: float
    bound: float


NOTHING = Temptation(0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Tempted:
    """A partner's temptations: to leave the plan with every rule kept; to leave it and break every agreed rule that
    covers its spending, where that adds anything; and to break each rule that covers it alone, by the rule's id."""

    player: str
    leaving: Temptation
    everything: Temptation
    rules: dict[str, Temptation]


def tempted(ground: Ground, player: str, flows: Flows) -> Tempted:
    """What tempts a partner where everybody spends as in these flows, one solve for each rule that could."""
    problem = ground.apart.left_to(player, flows)
    covering = list(_covering(ground, player, problem))
    if not problem.weight.any():
        return Tempted(player, NOTHING, NOTHING, {rule.id: NOTHING for rule in covering})
    now, least = problem.value(flows.spend), max(LEAST * problem.at_stake, POUND)
    kept = _Best.of(problem, ground, now)
    gain = kept.value - now
    leaving = Temptation(gain if gain > least else 0.0, 0.0, max(0.0, kept.bound - now))

    def breaking(owners: Collection[str]) -> Temptation:
        opened = without(problem, owners)
        most = np.inf if kept.found is None else upper_bound(opened, kept.found.prices) - kept.value
        if most <= least:
            return Temptation(0.0, 0.0, max(0.0, most))
        broken = _Best.of(opened, ground, kept.value)
        adds = broken.value - kept.value
        if adds <= least:
            return Temptation(0.0, 0.0, max(0.0, min(most, broken.bound - kept.value)))
        return Temptation(broken.value - now, adds, broken.bound - now)

    everything = breaking({rule.id for rule in covering if rule.standing == "agreed"})
    rules = {rule.id: breaking({rule.id}) for rule in covering}
    return Tempted(player, leaving, everything if everything.adds else leaving, rules)


@dataclass(frozen=True, eq=False)
class _Best:
    """The best of a partner's problem: what it is worth, what nothing can exceed, and the answer if one was found."""

    value: float
    bound: float
    found: Optimum | None

    @classmethod
    def of(cls, problem: Problem, ground: Ground, known: float) -> _Best:
        """`known` is what some spending is known to be worth there."""
        options = replace(ground.options, fine=NEAR)
        try:
            found = best(problem, options, Watch(), itself, settle=False)
        except Clash:
            # Slices lie below their curves, and may miss an outcome that only just is reached: without such limits
            # nobody can gain less.
            counted = {limit.owner for limit, row in zip(problem.limits, _counts_gains(problem), strict=True) if row}
            found = best(without(problem, counted), options, Watch(), itself, settle=False)
            return cls(known, found.certificate.bound, None)
        return cls(max(known, found.certificate.value), found.certificate.bound, found)


def without(problem: Problem, owners: Collection[str]) -> Problem:
    """The problem with the limits of these rules opened, whatever else they are."""
    ends = problem.terms.ends.copy()
    broken = np.array([limit.owner in owners for limit in problem.limits], dtype=bool)
    ends[0, broken], ends[1, broken] = -np.inf, np.inf
    return replace(problem, terms=replace(problem.terms, ends=ends))


def _counts_gains(problem: Problem) -> Array:
    """Which limits count gains: booleans."""
    return np.isin(np.arange(len(problem.limits)), problem.gain_rows.rows)


def _covering(ground: Ground, player: str, problem: Problem) -> Iterator[Binding]:
    """The rules in force whose limits count what a partner spends, or what it buys, in the order of the book."""
    k = ground.benefits.players.index(player)
    mine, fed = ground.benefits.decides == k, ground.apart.fed[k]
    touched = np.zeros(len(problem.limits), dtype=bool)
    for rows, own in ((problem.line_rows, mine), (problem.gain_rows, fed)):
        touched[rows.rows[own[rows.columns] & (rows.values != 0)]] = True
    # What a rule says through aids of its own may be about anybody.
    touched[problem.terms.spoken] = True
    owners = {limit.owner for limit, own in zip(problem.limits, touched, strict=True) if own}
    yield from (rule for rule in ground.plain.rules if isinstance(rule, Binding) and rule.binds and rule.id in owners)


__all__ = ["Temptation", "Tempted", "tempted", "without"]
