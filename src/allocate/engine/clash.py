"""When no plan keeps every rule: a proof that none can, and the smallest give-way that would let one.

Every limit is given a way out and the cheapest is found by HiGHS: a pound costs a pound, ten times as much where a
rule is statutory; limits in other units cost in proportion to their size. Its prices also prove the clash: with nothing
to gain, they show that any plan would have to be worth less than nothing (Farkas' lemma), which is checked by the
certificate's arithmetic, not the solver's word. `allocate.engine.ways` turns each easing into a what-if.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from allocate.compiler import Arrays
from allocate.engine.certificate import Prices, upper_bound
from allocate.engine.highs import Impossible, Solver
from allocate.engine.problem import Problem
from allocate.engine.session import Session
from allocate.engine.watch import Watch
from allocate.engine.ways import Easing, Over, Trial, give_ways, raised_instead
from allocate.errors import NoPlan

Array = np.ndarray
SHARE = 0.5
"""The part of the time in which the smallest way out is looked for; the rest is for trying it."""
STATUTORY = 10.0
"""How many times dearer it is to ease a statutory rule."""


def no_plan(
    session: Session, problem: Problem, grids: list[Array], seconds: float, watch: Watch | None = None
) -> NoPlan:
    """The error to raise, with the easings that would make a plan possible, and what-ifs that do it: as much as is
    known once time is up or `watch` is stopped. Raises Stopped where the solve was abandoned."""
    watch = watch or Watch()
    watch.enter("looking for a way out")
    found = _told(Trial(session, problem, grids, seconds, watch))
    watch.enter("looking for a way out")
    return found


def _told(trial: Trial) -> NoPlan:
    """All that there is time to find."""
    problem, session = trial.problem, trial.session
    arrays = session.arrays(problem, trial.grids)
    eased = _with_ways_out(arrays, session.matrix.rows["limit"], _reluctance(problem))
    together = _proved(trial, eased)
    word = "proved independently of the solver" if together else "the solver's word, not proved independently"
    try:
        easings, spend, least = _cheapest(trial, eased)
    except Impossible:
        message = "No plan is possible: the least that lines must spend and the money cannot be reconciled."
        return NoPlan(message, [], instead=raised_instead(trial))
    except Over:
        message = f"No plan keeps every rule ({word}). The search for a way out ended before it had found one."
        return NoPlan(message, [], together=together)
    sentences = [_sentence(problem, easing) for easing in easings]
    asks = "is to ease" if len(sentences) == 1 else "takes all of these"
    smallest = "smallest way out" if least else "smallest way out found before the search ended"
    way = f"There may be other ways. The {smallest}, in pounds, {asks}:"
    message = f"No plan keeps every rule ({word}). {way}"
    return NoPlan(message, sentences, give_ways(trial, easings, spend), raised_instead(trial), together)


def _cheapest(trial: Trial, eased: Arrays) -> tuple[list[Easing], Array, bool]:
    """The least that gives way, what the plan it allows spends on each line, and whether it is the least indeed."""
    session, problem = trial.session, trial.problem
    count = len(problem.limits)
    size = len(eased.cost) - 2 * count
    answer = session.reached(trial.run(Solver(eased), presolve=bool(eased.integer.any()), share=SHARE))
    up, down = answer.columns[size : size + count], answer.columns[size + count :]
    easings = [
        Easing(int(i), float(amount[i] * problem.limit_units[i]), end)
        for end, amount in (("low", up), ("high", down))
        for i in np.flatnonzero(amount > 1e-7 * max(1.0, float(np.max(answer.columns, initial=0.0))))
    ]
    return easings, session.flows(problem, answer).spend, answer.status == "optimal"


def _reluctance(problem: Problem) -> Array:
    """What easing each limit by one solver unit costs, in solver units of money."""
    standing = {rule.id: rule.standing for rule in problem.scenario.rules}
    money = problem.amount.sum() / problem.units.money
    price = []
    for limit in problem.limits:
        size = max(abs(end) for end in (limit.low, limit.high) if np.isfinite(end))
        own = 1.0 if limit.measure == "spend" else money / max(size / problem.units.of_measure(limit.measure), 1e-6)
        price.append(own * (STATUTORY if standing.get(limit.owner) == "statutory" else 1.0))
    return np.array(price)


def _with_ways_out(arrays: Arrays, rows: slice, price: Array) -> Arrays:
    """The same rows with two columns more for each limit: up helps a lower end, down an upper end. Costs are all that
    is left of the aim."""
    count = rows.stop - rows.start
    size = len(arrays.cost)
    start, index, value = [0], [], []
    for row in range(len(arrays.row_lower)):
        entries = slice(arrays.start[row], arrays.start[row + 1])
        index += arrays.index[entries].tolist()
        value += arrays.value[entries].tolist()
        if rows.start <= row < rows.stop:
            index += [size + row - rows.start, size + count + row - rows.start]
            value += [1.0, -1.0]
        start.append(len(index))
    more = np.zeros(2 * count)
    return Arrays(
        np.concatenate([np.zeros(size), -price, -price]),
        np.concatenate([arrays.lower, more]),
        np.concatenate([arrays.upper, np.full(2 * count, np.inf)]),
        arrays.row_lower, arrays.row_upper, np.array(start, dtype=np.int32), np.array(index, dtype=np.int32),
        np.array(value), np.concatenate([arrays.integer, np.zeros(2 * count, dtype=bool)]),
    )  # fmt: skip


def _proved(trial: Trial, eased: Arrays) -> tuple[str, ...]:
    """The rules (and resources) and envelopes that are proved not to hold together, as paths, the weightiest first:
    those with a price at which even the best plan for no aim at all would be worth less than nothing. () where there is
    no proof, or no time for it."""
    session, problem = trial.session, trial.problem
    relaxed = replace(eased, integer=np.zeros(len(eased.integer), dtype=bool))
    try:
        answer = session.reached(trial.run(Solver(relaxed)))
    except (Impossible, Over):
        return ()
    prices = session.prices(problem, answer)
    aimless = problem.aimless
    total = np.abs(prices.limit).sum() + np.abs(prices.envelope).sum()
    if total <= 0 or upper_bound(aimless, prices) >= -1e-9 * total:
        return ()
    return _named(problem, prices)


def _named(problem: Problem, prices: Prices) -> tuple[str, ...]:
    """Paths of what has a price, by how much of the clash it carries: its price times what it asks or holds."""
    ends = np.array([max(abs(end) for end in (limit.low, limit.high) if np.isfinite(end)) for limit in problem.limits])
    carried: dict[str, float] = {}
    for limit, weight in zip(problem.limits, np.abs(prices.limit) * np.maximum(ends, 1.0), strict=True):
        path = limit.owner.replace(" ", "s.") if limit.owner.startswith("resource ") else f"rules.{limit.owner}"
        carried[path] = carried.get(path, 0.0) + float(weight)
    for name, weight in zip(
        problem.scenario.table("envelopes")["id"], np.abs(prices.envelope) * problem.amount, strict=True
    ):
        carried[f"envelopes.{name}"] = carried.get(f"envelopes.{name}", 0.0) + float(weight)
    least = 1e-9 * max(carried.values())
    return tuple(sorted((path for path in carried if carried[path] > least), key=lambda path: -carried[path]))


def _sentence(problem: Problem, easing: Easing) -> str:
    """Which end of which rule to ease, by how much: 'elective (statutory), its minimum by £5m: Spending on ...'."""
    limit, currency = problem.limits[easing.limit], problem.scenario.heading.currency
    amount = f"{currency}{math.ceil(easing.amount - 1e-6):,}" if limit.measure == "spend" else f"{easing.amount:,.6g}"
    standing = {rule.id: rule.standing for rule in problem.scenario.rules}.get(limit.owner, "agreed")
    firm = " (statutory)" if standing == "statutory" else ""
    name = limit.owner if limit.owner.startswith("resource ") else f"rules.{limit.owner}"
    end = "lower its minimum" if easing.end == "low" else "raise its maximum"
    return f"{name}{firm}: {end} by {amount}. {limit.label}"
