"""The same model in cvxpy: a few matrix expressions over scipy's sparse matrices, solved by HiGHS.

Spend and totals are matrices times slices and variables; totals are variables with rows of their own.
"""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
import scipy.sparse as sp

from allocate.engine.highs import DUAL, MIP_GAP, SEED
from benchmarks.bare import LIMIT
from benchmarks.made import Data

OPTIONS = {
    "presolve": "off", "threads": 1, "random_seed": SEED, "mip_rel_gap": MIP_GAP, "time_limit": LIMIT,
    "simplex_scale_strategy": 0, "simplex_strategy": DUAL,
}  # fmt: skip


def model(data: Data) -> cp.Problem:
    """The model, of any shape."""
    f, size, places = data.figures, data.sizes, data.places
    lines, curves, envelopes = (size[name] for name in ("LINES", "CURVES", "ENVELOPES"))
    slices = cp.Variable(data.slices, bounds=[0, f["width"]])
    unspent = cp.Variable(envelopes, nonneg=True)
    moved = cp.Variable(size["ROUTES"], bounds=[0, f["route_high"]])
    owner, own = places["SLICES"][:, 0], places["OWN"]
    of_curve = _incidence(owner, np.arange(data.slices), (curves, data.slices))
    alone = _incidence(*places["SOLE_OF"].T, (lines, curves))
    spend, rules = (alone @ of_curve) @ slices + alone @ f["start"], []
    if len(own):
        paid = cp.Variable(len(own), bounds=[f["low"][own], f["high"][own]])
        spend = spend + _incidence(*places["OWN_OF"].T, (lines, len(own))) @ paid
        joined = places["JOINED"]
        under = _incidence(*places["LINES_UNDER"].T, (curves, lines))[joined]
        rules.append(under @ spend == of_curve[joined] @ slices + f["start"][joined])
    leaving, entering = (_incidence(*places[name].T, (envelopes, size["ROUTES"])) for name in ("LEAVING", "ENTERING"))
    spent = _incidence(*places["LINES_OF"].T, (envelopes, lines)) @ spend
    rules.append(spent + (leaving - entering) @ moved + unspent == f["amount"])
    if len(places["CHOICES"]):
        opened = cp.Variable(len(places["CHOICES"]), boolean=True)
        chosen = spend[places["CHOICES"]]
        rules += [chosen >= cp.multiply(f["scale"], opened), chosen <= cp.multiply(f["ceiling"], opened)]
    gain = sp.diags_array(f["slope"])
    if size["LIMITS"]:
        rules += _limits(data, spend, (of_curve @ gain) @ slices + f["start_gain"])
    return cp.Problem(cp.Maximize((f["weight"][owner] * f["slope"]) @ slices + f["weight"] @ f["start_gain"]), rules)


def _incidence(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], values: np.ndarray | None = None) -> Any:
    given = np.ones(len(rows)) if values is None else values
    return sp.csr_array((given, (rows, columns)), shape=shape)


def _limits(data: Data, spend: cp.Expression, gain: cp.Expression) -> list[cp.Constraint]:
    f, size, places = data.figures, data.sizes, data.places
    total = cp.Variable(size["TOTALS"])
    counts, gains, terms = (
        _incidence(*places[name].T, (size[rows], size[columns]), f[figure])
        for name, rows, columns, figure in (
            ("LINE_FACTORS", "TOTALS", "LINES", "line_factor"), ("GAIN_FACTORS", "TOTALS", "CURVES", "gain_factor"),
            ("TERMS", "LIMITS", "TOTALS", "term"),
        )
    )  # fmt: skip
    low, high = np.flatnonzero(f["limit_low"] > -np.inf), np.flatnonzero(f["limit_high"] < np.inf)
    rules = [total == counts @ spend + gains @ gain]
    rules += [terms[low] @ total >= f["limit_low"][low]] if len(low) else []
    return rules + ([terms[high] @ total <= f["limit_high"][high]] if len(high) else [])


def handed_over(problem: cp.Problem) -> tuple:
    """What cvxpy makes of it for HiGHS, which it passes on as it solves."""
    return (problem, *problem.get_problem_data(cp.HIGHS))


def solved(given: tuple) -> float | None:
    """The optimum; None where there is none."""
    problem, data, chain, inverse = given
    answer = chain.solve_via_data(problem, data, warm_start=False, verbose=False, solver_opts=dict(OPTIONS))
    problem.unpack_results(answer, chain, inverse)
    if problem.status in (cp.INFEASIBLE, "infeasible_or_unbounded"):
        return None
    assert problem.status == cp.OPTIMAL, problem.status
    return float(problem.value)
