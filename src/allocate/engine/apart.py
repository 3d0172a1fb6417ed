"""Problems that fall apart solved part by part, and put together again."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from allocate.engine.branches import Search
from allocate.engine.certificate import PENNY, Flows, certify, upper_bound
from allocate.engine.highs import Impossible
from allocate.engine.optimum import Optimum, Options, Phantom, nearly
from allocate.engine.parts import Part, joined_flows, joined_prices, with_quotas
from allocate.engine.piece import Clash, Solved, solved_whole
from allocate.engine.pool import POOL
from allocate.engine.problem import Problem
from allocate.engine.sparse import Sparse
from allocate.engine.watch import Watch
from allocate.errors import EngineError

Array = np.ndarray
SETS = 2
"""For how many plans of the whole the plans of parts are kept."""


def solved_apart(problem: Problem, pieces: list[Part], shared: Array, options: Options, watch: Watch) -> Solved:
    """The best plan of a problem that falls into these parts but for the limits that are shared; in one piece after all
    where quotas of those will not do. Raises Clash."""
    watch.begin(options.seconds)
    try:
        over = _over_all(problem, options, watch) if len(shared) else None
        if over is not None:
            pieces = _with_quotas(problem, pieces, shared, over.flows)
        watch.enter("solving")
        found = _each(problem, pieces, options, watch)
    except (Clash, Impossible, Phantom):
        if not len(shared):
            raise
        return solved_whole(problem, options, watch)
    optima = [each.optimum for each in found]
    flows = joined_flows(problem, [(part, each.flows) for part, each in zip(pieces, found, strict=True)])
    prices = joined_prices(problem, [(part, each.prices) for part, each in zip(pieces, optima, strict=True)])
    discrete = any(each.discrete for each in optima)
    # Prices prove the bound anew over the whole; but choices have none.
    bound = sum(each.certificate.bound for each in found) if discrete else upper_bound(problem, prices)
    if over is not None:
        # Each part has its own price of a quota: what the limit itself is worth, only the whole tells.
        prices.limit[shared] = over.prices.limit[shared]
        bound = min(over.bound, upper_bound(problem, prices))
    whole = all(each.whole for each in found)
    branches = sum(each.certificate.branches for each in found)
    certificate = certify(problem, flows, bound, 1e-6 if whole else PENNY, branches)
    if certificate.breaches:
        raise EngineError("the plan breaks the scenario's own limits: " + "; ".join(certificate.breaches[:3]))
    status = next((each.status for each in optima if each.status != "optimal"), "optimal")
    joined = Optimum(flows, prices, certificate, sum(each.ties for each in optima), status, discrete)
    return Solved(problem, flows, joined, certificate, whole, len(pieces))


def _each(problem: Problem, pieces: list[Part], options: Options, watch: Watch) -> list[Solved]:
    """Every part's plan, as many at once as there are processors. A part as it was before is not solved again, unless
    it had run out of time. Raises Clash, of the whole."""
    known: dict[str, Solved] = problem.scenario.shared("plans of parts", dict)
    under = Under(watch)

    def solved(part: Part) -> Solved:
        opened = None if options.opened is None else options.opened[part.lines]
        key = _fingerprint(part.problem, mine := replace(options, opened=opened))
        # Taken out and put in again: the last in are those last asked for.
        if (found := known.pop(key, None)) is None:
            one = Under(under)
            found = solved_whole(part.problem, replace(mine, seconds=one.left()), one)
            if one.hurried:
                return found
        known[key] = found
        return found

    with ThreadPoolExecutor(os.cpu_count()) as several:
        try:
            found = list(several.map(solved, pieces))
        except BaseException:
            under.stop()
            several.shutdown(cancel_futures=True)
            raise
    for key in list(known)[: max(0, len(known) - SETS * len(pieces))]:
        known.pop(key, None)
    return found


def _fingerprint(problem: Problem, options: Options) -> str:
    """The same for problems that are the same, figures and all."""
    curves, terms = problem.curves, problem.terms
    arrays = [
        problem.weight, problem.low, problem.high, problem.scale, problem.baseline, problem.amount, problem.route_high,
        curves.slope, curves.reference, curves.exponent, curves.offset, curves.ceiling, terms.ends, terms.line_factor,
        terms.coefficient, *_entries(terms.line_rows), *_entries(terms.gain_rows), *_entries(terms.route_rows),
        *(part for points in curves.points if points is not None for part in points),
        *(part for side in (problem.bends.under, problem.bends.over) for part in vars(side).values()),
    ]  # fmt: skip
    if options.opened is not None:
        arrays.append(options.opened)
    named = problem.scenario.line_ids, [limit.name for limit in problem.limits], problem.slices, options.tolerance
    found = blake2b(repr(named).encode(), digest_size=16)
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _entries(matrix: Sparse) -> tuple[Array, Array, Array]:
    return matrix.rows, matrix.columns, matrix.values


def _over_all(problem: Problem, options: Options, watch: Watch) -> Search:
    """A plan within the tolerance of the best over all parts at once, and what no plan can exceed. Raises Impossible
    and Phantom."""
    return nearly(POOL.fresh(problem, problem.grids, frozenset()), problem, options, watch)


def _with_quotas(problem: Problem, pieces: list[Part], shared: Array, flows: Flows) -> list[Part]:
    """The parts with quotas of the limits that they share: what this plan has them take, and of what it leaves an equal
    part for each that such a limit counts."""
    low, high = problem.limit_low[shared], problem.limit_high[shared]
    taken = np.array([_taken(problem, part, shared, flows) for part in pieces])
    # In whole pounds where pounds are counted, so that each part's plan can be in whole pounds too.
    pounds = _in_pounds(problem)[shared]
    taken[:, pounds] = np.diff(np.round(np.cumsum(taken[:, pounds], axis=0)), axis=0, prepend=0.0)
    counted = np.array([_counted(problem, part)[shared] for part in pieces])
    spare = np.array([taken.sum(axis=0) - low, high - taken.sum(axis=0)]) / counted.sum(axis=0)
    each = zip(pieces, counted, taken - spare[0], taken + spare[1], strict=True)
    return [with_quotas(problem, part, shared[mine], least[mine], most[mine]) for part, mine, least, most in each]


def _in_pounds(problem: Problem) -> Array:
    """Which limits count spending alone, pound by pound: booleans."""
    rows, gains, moves = problem.line_rows, problem.gain_rows, problem.route_rows
    plain = np.ones(len(problem.limits), dtype=bool)
    for matrix in (rows, moves):
        plain[matrix.rows[matrix.values != np.round(matrix.values)]] = False
    plain[gains.rows] = False
    return plain


def _counted(problem: Problem, part: Part) -> Array:
    """Which limits count any line, curve or route of a part: booleans."""
    found = np.zeros(len(problem.limits), dtype=bool)
    counted = (problem.line_rows, part.lines), (problem.gain_rows, part.curves), (problem.route_rows, part.routes)
    for rows, mine in counted:
        found[rows.rows[np.isin(rows.columns, mine)]] = True
    return found


def _taken(problem: Problem, part: Part, shared: Array, flows: Flows) -> Array:
    """What a part of a plan adds to each of these limits' bodies."""
    spend = np.zeros(len(problem.low))
    spend[part.lines] = flows.spend[part.lines]
    effort = np.zeros(len(problem.curves))
    effort[part.curves] = problem.curves.effort(spend)[part.curves]
    gain = np.zeros(len(problem.curves))
    gain[part.curves] = problem.curves.gain(effort)[part.curves]
    moved = np.zeros(len(problem.route_high))
    moved[part.routes] = flows.moved[part.routes]
    return (problem.line_rows @ spend + problem.gain_rows @ gain + problem.route_rows @ moved)[shared]


class Under(Watch):
    """The watch of a part: it is stopped with the whole, ends when that does, and tells nobody of its own plans."""

    def __init__(self, whole: Watch) -> None:
        super().__init__()
        self._whole = whole
        self._ends = whole._ends

    @property
    def stopped(self) -> bool:
        return super().stopped or self._whole.stopped

    @property
    def hurried(self) -> bool:
        """Whether what was solved might have been better with more time."""
        return self.stopped or time.monotonic() > self._ends

    def _go_on(self) -> None:
        self._whole._go_on()
