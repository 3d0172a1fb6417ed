"""The least money that lets a plan exist: what is added to envelopes is a column of the model, and all that costs.

Slices lie below their curves, so what they call enough is enough; they are drawn together round the answer until it is
exact. That less would not do is proved by weak duality on the exact curves: at the answer's prices a plan for no aim
at all would be worth less than nothing with any less money (`certificate`), which is arithmetic, not the solver's word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocate.compiler import Arrays
from allocate.engine.certificate import Prices, upper_bound
from allocate.engine.easing import More, extended
from allocate.engine.highs import Solver
from allocate.engine.optimum import zoomed
from allocate.engine.oracle import Oracle
from allocate.engine.problem import Problem

Array = np.ndarray
ROUNDS = 8
EXACT = 0.5
"""Pounds within which what is proved and what was found are the same."""


@dataclass(frozen=True, eq=False)
class Sources:
    """Where more money may come from, an entry a source: `mix`, a row each, is the part of its pounds that goes to each
    envelope; `most` is its most; `slope` is by how much a pound of it moves each limit's ends (2, limits, sources)."""

    mix: Array
    most: Array
    slope: Array


@dataclass(frozen=True, eq=False)
class Raised:
    """The least pounds from each source, and the pounds in all below which it is proved that no plan exists."""

    pounds: Array
    bound: float


def least_money(oracle: Oracle, problem: Problem, sources: Sources) -> Raised:
    """The least money in all from these sources that lets a plan exist. `problem` is the oracle's, before any is added.
    Raises Impossible where no such sum does, and Over where there was no time."""
    best: Raised | None = None
    for _ in range(ROUNDS):
        arrays = _arrays(oracle, problem, sources)
        size, none = len(arrays.cost) - len(sources.most), np.zeros(len(arrays.cost), dtype=bool)
        answer = oracle.run(Solver(arrays))
        pounds = answer.columns[size:] * problem.units.money
        whole = bool(arrays.integer.any())
        priced = oracle.run(Solver(replace(arrays, integer=none))) if whole else answer
        reached = oracle.reached(priced)
        prices = oracle.session.prices(problem, reached)
        bound = max(_bound(oracle, problem, sources, prices), best.bound if best else 0.0)
        best = Raised(pounds if best is None or pounds.sum() < best.pounds.sum() else best.pounds, bound)
        finer = zoomed(problem.aimless, oracle.grids, oracle.session.flows(problem, reached), prices)
        if whole or best.pounds.sum() - bound <= EXACT or all(map(np.array_equal, finer, oracle.grids)):
            break
        oracle.grids = finer
    assert best is not None
    return best


def _arrays(oracle: Oracle, problem: Problem, sources: Sources) -> Arrays:
    """The model without an aim, with a column for each source, in the rows of envelopes and of limits that it moves."""
    arrays, unit, count = oracle.figures(problem), problem.units.money, len(sources.most)
    rows = oracle.session.matrix.rows
    money, limits = (np.arange(len(arrays.row_lower))[rows[name]] for name in ("money", "limit"))
    source, envelope = np.nonzero(sources.mix)
    ends = np.where(np.isfinite(problem.limit_high)[:, None], sources.slope[1], sources.slope[0])
    limit, mover = np.nonzero(ends)
    column, moved = len(arrays.cost) + np.arange(count), -ends[limit, mover] * unit / problem.limit_units[limit]
    more = More(-np.ones(count), sources.most / unit, np.zeros(count, dtype=bool), np.zeros(0))
    return extended(
        arrays, more,
        [(money[envelope], column[source], -sources.mix[source, envelope]), (limits[limit], column[mover], moved)],
    )  # fmt: skip


def _bound(oracle: Oracle, problem: Problem, sources: Sources, prices: Prices) -> float:
    """Pounds in all that it takes at least: what a plan for no aim falls short of nothing, over the most that a pound
    from any source makes up for."""
    wide = replace(problem.terms, ends=problem.terms.ends + oracle.bent * [[-1.0], [1.0]])
    short = -upper_bound(replace(problem.aimless, terms=wide), prices)
    low, high = np.minimum(prices.limit, 0.0), np.maximum(prices.limit, 0.0)
    rate = sources.mix @ prices.envelope + low @ sources.slope[0] + high @ sources.slope[1]
    return max(0.0, short / best) if (best := float(rate.max(initial=0.0))) > 0 else 0.0


__all__ = ["Raised", "Sources", "least_money"]
