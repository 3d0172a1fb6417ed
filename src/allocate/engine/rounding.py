"""Whole pounds by controlled rounding: every amount to the pound below or above, envelopes exact, every rule kept.

Rounding each amount on its own breaks rules and totals; here the choice of up or down is itself a small yes/no problem
(Cox 1987, "A constructive procedure for unbiased controlled rounding", JASA 82), as near to the plan as can be. The
answer is then held against the scenario in whole pounds by the certificate.
"""

from __future__ import annotations

import numpy as np

from allocate.compiler import Arrays
from allocate.engine.certificate import Flows
from allocate.engine.highs import Impossible, Solver
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.errors import EngineError

Array = np.ndarray
NEARLY = 5e-3
"""Pounds within which an amount counts as whole already."""
STEPS = (1, 2, 8)
"""How many pounds away an amount may go: further only where no nearer rounding keeps the rules."""
FAR = 1e4
"""Pounds by which an aid may change at most."""
SECONDS, BRIEF = 20.0, 0.05
"""Seconds at most for one attempt, and after a stop or once time is up."""


def whole_pounds(problem: Problem, flows: Flows, watch: Watch) -> Flows | None:
    """The plan in whole pounds, or None where no rounding near it keeps every rule and envelope. Rules that bend stay
    in the band that they are in, or bend as far as they may where that will not do.

    Once `watch` is stopped, or time is up, attempts are brief.
    """
    watch.enter("rounding to whole pounds")
    picks = problem.picks(flows.spend, flows.moved)
    stand = problem.stand(flows.spend, flows.moved) if problem.bends else None
    for wide in (False, True) if problem.bends else (False,):
        decided = problem.decided(stand, picks, wide)
        for step in STEPS:
            brief, left = watch.stopped, watch.left()
            try:
                seconds = BRIEF if brief else min(SECONDS, max(BRIEF, left))
                return _rounded(decided, flows, step, seconds, None if brief else watch)
            except (Impossible, EngineError):
                continue
    return None


def _rounded(problem: Problem, flows: Flows, step: int, seconds: float, watch: Watch | None) -> Flows:
    own, aids = problem.own_moves(flows.moved), flows.moved[len(problem.own_moves(flows.moved)) :]
    exact = np.concatenate([flows.spend, own])
    exact = np.where(np.abs(exact - np.round(exact)) < NEARLY, np.round(exact), exact)
    least, most = _ends(problem, flows)
    if np.any(least > most):
        raise Impossible
    below = np.clip(np.floor(exact), least, most)
    rows, row_lower, row_upper = _rows(problem, flows, below)
    # One yes/no for each pound up or down, at the distance from the plan that it adds; nearer pounds cost less.
    part = exact - below
    columns = [(1.0, k) for k in range(1, step + 1)] + [(-1.0, k) for k in range(1, step)]
    cost = np.concatenate([np.abs(part - sign * (k - 1)) - np.abs(part - sign * k) for sign, k in columns])
    open_ = np.concatenate([_allowed(sign * k, part, below, least, most, step) for sign, k in columns])
    # Aids need not be whole: each goes as far as it must.
    wide = np.hstack([*(sign * rows[:, : len(below)] for sign, _ in columns), rows[:, len(below) :]])
    whole = np.repeat([True, False], [len(cost), len(aids)])
    cost, lower = np.append(cost, np.zeros(len(aids))), np.append(np.zeros(len(cost)), -np.minimum(aids, FAR))
    open_ = np.append(open_, np.full(len(aids), FAR))
    touched = _could_bind(wide, row_lower, row_upper, lower, open_)
    wide, row_lower, row_upper = wide[touched], row_lower[touched], row_upper[touched]
    row, column = wide.nonzero()
    arrays = Arrays.of(cost, lower, open_, row_lower, row_upper, (row, column, wide[row, column]), whole)
    chosen = np.round(Solver(arrays, once=True).run(seconds, True, watch).columns[whole]).reshape(len(columns), -1)
    found = below + np.array([sign for sign, _ in columns]) @ chosen
    return Flows(found[: len(flows.spend)], np.append(found[len(flows.spend) :], np.zeros(len(aids))))


def _allowed(pounds: float, part: Array, below: Array, least: Array, most: Array, step: int) -> Array:
    """1 where an amount may go so many pounds from `below`; whole amounts stay, unless wider steps are needed."""
    inside = (below + pounds <= most) if pounds > 0 else (below + pounds >= least)
    stays = (part == 0) & (step == 1)
    return (inside & ~stays).astype(float)


def _ends(problem: Problem, flows: Flows) -> tuple[Array, Array]:
    """The least and most whole pounds on each line and route, limits about one line alone included; lines not opened
    stay at nothing."""
    closed = problem.choices & (flows.spend < 0.5)
    low, high = (np.where(closed, 0.0, bound) for bound in problem.bounds)
    most = np.concatenate([high, problem.own_moves(problem.route_high)])
    least = np.concatenate([low, np.zeros(len(most) - len(low))])
    return np.ceil(least - 1e-6), np.floor(most + 1e-6)


def _rows(problem: Problem, flows: Flows, below: Array) -> tuple[Array, Array, Array]:
    """Envelopes and joint limits over the pounds added to `below`, each row at most 1; gains by their slope at the
    plan."""
    envelopes, lines, joint = len(problem.amount), len(flows.spend), problem.joint
    moved = np.append(below[lines:], flows.moved[len(below) - lines :])
    exact = np.floor(Flows(below[:lines], moved).unspent(problem) + 1e-6)
    used_up = flows.unspent(problem) < 0.5
    effort = problem.curves.effort(flows.spend)
    # A curve with no effort stays there, however steep it would be.
    marginal = np.where(effort > 0.5, problem.curves.marginal(np.maximum(effort, 0.5)), 0.0)
    rows = problem.flow_rows.copy()
    rows[envelopes:, :lines] += problem.gain_rows.scaled(marginal).through(problem.feeds).dense(joint)
    size = np.maximum(np.abs(rows[envelopes:]).max(axis=1, initial=0.0), 1e-12)
    rows[envelopes:] /= size[:, None]
    body = problem.levels(below[:lines], moved)[joint]
    lower, upper = (problem.limit_low[joint] - body) / size - 1e-7, (problem.limit_high[joint] - body) / size + 1e-7
    return (
        rows,
        np.concatenate([np.where(used_up, exact, -np.inf), lower]),
        np.concatenate([exact, upper]),
    )


def _could_bind(rows: Array, row_lower: Array, row_upper: Array, lower: Array, upper: Array) -> Array:
    """Rows that some choice of pounds could break; the rest only slow the search."""
    up, down = np.maximum(rows, 0.0), np.minimum(rows, 0.0)
    most, least = up @ upper + down @ lower, down @ upper + up @ lower
    return (most > row_upper) | (least < row_lower)
