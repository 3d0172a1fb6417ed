"""The same model as Pyomo's documentation would have it, in an ordinary ConcreteModel, and Pyomo's ways to HiGHS.

Spend and totals are variables with rows of their own: as Expressions, written out wherever they stand, they take Pyomo
several times as long. What a rule asks of the data is grouped before the clock starts.
"""

from __future__ import annotations

import math
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pyomo.environ as pyo
from pyomo.contrib.appsi.solvers.highs import Highs as Appsi
from pyomo.contrib.solver.solvers.highs import Highs as Persistent

from allocate.engine.highs import DUAL, MIP_GAP, SEED
from benchmarks.bare import LIMIT, OPTIONS
from benchmarks.made import Data

Tables = dict[str, Any]
"""Sets as lists, groups as dicts of lists, figures as dicts: what a rule reads."""


def tables(data: Data) -> Tables:
    """The data as a modeller has them."""
    size, places = data.sizes, data.places
    pairs = {
        name: list(map(tuple, places[name].tolist())) for name in ("SLICES", "LINE_FACTORS", "GAIN_FACTORS", "TERMS")
    }
    keys = {
        "amount": "ENVELOPES", "low": "LINES", "high": "LINES", "route_high": "ROUTES", "start": "CURVES",
        "start_gain": "CURVES", "weight": "CURVES", "limit_low": "LIMITS", "limit_high": "LIMITS",
    }  # fmt: skip
    found: Tables = {name: list(range(count)) for name, count in size.items()}
    found |= {name: dict(enumerate(data.figures[name].tolist())) for name in keys}
    of_pairs = {
        "width": "SLICES",
        "slope": "SLICES",
        "line_factor": "LINE_FACTORS",
        "gain_factor": "GAIN_FACTORS",
        "term": "TERMS",
    }
    found |= {name: dict(zip(pairs[of], data.figures[name].tolist(), strict=True)) for name, of in of_pairs.items()}
    choices = places["CHOICES"].tolist()
    found |= {name: dict(zip(choices, data.figures[name].tolist(), strict=True)) for name in ("scale", "ceiling")}
    groups = {
        "lines_of": "LINES_OF", "leaving": "LEAVING", "entering": "ENTERING", "lines_under": "LINES_UNDER",
        "steps_of": "SLICES", "lines_in": "LINE_FACTORS", "curves_in": "GAIN_FACTORS", "totals_in": "TERMS",
    }  # fmt: skip
    return found | pairs | {"CHOICES": choices} | {name: _grouped(places[of]) for name, of in groups.items()}


def _grouped(pairs: np.ndarray) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for owner, member in pairs.tolist():
        found[owner].append(member)
    return found


def model(given: Tables, mutable: bool = False) -> pyo.ConcreteModel:
    """The model; its figures can be changed where they are `mutable`."""
    m = pyo.ConcreteModel()
    for name in ("LINES", "CURVES", "ENVELOPES", "ROUTES", "TOTALS", "LIMITS", "CHOICES"):
        m.add_component(name, pyo.Set(initialize=given[name]))
    for name in ("SLICES", "LINE_FACTORS", "GAIN_FACTORS", "TERMS"):
        m.add_component(name, pyo.Set(initialize=given[name], dimen=2))
    for name, over in {
        "amount": m.ENVELOPES, "low": m.LINES, "high": m.LINES, "route_high": m.ROUTES, "start": m.CURVES,
        "start_gain": m.CURVES, "weight": m.CURVES, "width": m.SLICES, "slope": m.SLICES, "scale": m.CHOICES,
        "ceiling": m.CHOICES, "line_factor": m.LINE_FACTORS, "gain_factor": m.GAIN_FACTORS, "term": m.TERMS,
        "limit_low": m.LIMITS, "limit_high": m.LIMITS,
    }.items():  # fmt: skip
        m.add_component(name, pyo.Param(over, initialize=given[name], mutable=mutable))
    _decisions_and_money(m, given)
    _rules(m, given, mutable)
    return m


def _decisions_and_money(m: pyo.ConcreteModel, given: Tables) -> None:
    m.spend = pyo.Var(m.LINES, bounds=lambda m, line: (m.low[line], m.high[line]))
    m.moved = pyo.Var(m.ROUTES, bounds=lambda m, r: (0, m.route_high[r]))
    m.unspent = pyo.Var(m.ENVELOPES, domain=pyo.NonNegativeReals)
    m.slice = pyo.Var(m.SLICES, bounds=lambda m, q, k: (0, m.width[q, k]))
    m.total = pyo.Var(m.TOTALS)
    m.opened = pyo.Var(m.CHOICES, domain=pyo.Binary)

    @m.Expression(m.CURVES)
    def gain(m, q):
        return m.start_gain[q] + sum(m.slope[q, k] * m.slice[q, k] for k in given["steps_of"][q])

    @m.Objective(sense=pyo.maximize)
    def value(m):
        return sum(m.weight[q] * m.gain[q] for q in m.CURVES)

    @m.Constraint(m.ENVELOPES)
    def money(m, e):
        spent = sum(m.spend[line] for line in given["lines_of"][e])
        out, into = (sum(m.moved[r] for r in given[name][e]) for name in ("leaving", "entering"))
        return spent + out - into + m.unspent[e] == m.amount[e]

    @m.Constraint(m.CURVES)
    def effort(m, q):
        spent = sum(m.spend[line] for line in given["lines_under"][q])
        return spent == m.start[q] + sum(m.slice[q, k] for k in given["steps_of"][q])


def _rules(m: pyo.ConcreteModel, given: Tables, mutable: bool) -> None:
    @m.Constraint(m.TOTALS)
    def totals(m, t):
        spent = sum(m.line_factor[t, line] * m.spend[line] for line in given["lines_in"][t])
        return m.total[t] == spent + sum(m.gain_factor[t, q] * m.gain[q] for q in given["curves_in"][t])

    @m.Constraint(m.LIMITS)
    def limit(m, i):
        body = sum(m.term[i, t] * m.total[t] for t in given["totals_in"][i])
        return pyo.inequality(m.limit_low[i], body, m.limit_high[i])

    m.least = pyo.Constraint(m.CHOICES, rule=lambda m, a: m.spend[a] >= m.scale[a] * m.opened[a])
    m.most = pyo.Constraint(m.CHOICES, rule=lambda m, a: m.spend[a] <= m.ceiling[a] * m.opened[a])


# --- ways to HiGHS ---------------------------------------------------------------------------------------------------


def persistent(instance: pyo.ConcreteModel) -> tuple[Persistent, pyo.ConcreteModel]:
    """The model in Pyomo's persistent interface (`contrib.solver`), which looks for no changes by itself."""
    solver = Persistent()
    solver.config.threads, solver.config.time_limit, solver.config.load_solutions = 1, LIMIT, False
    solver.config.raise_exception_on_nonoptimal_result = False
    solver.config.rel_gap, solver.config.abs_gap = MIP_GAP, 1e-9
    solver.config.solver_options.update({"presolve": "off", "random_seed": SEED, "simplex_strategy": DUAL})
    for name in solver.config.auto_updates:
        solver.config.auto_updates[name] = False
    solver.set_instance(instance)
    return solver, instance


def solved_persistent(both: tuple[Persistent, pyo.ConcreteModel]) -> float | None:
    solver, instance = both
    results = solver.solve(instance)
    value = results.incumbent_objective
    return None if value is None or not math.isfinite(value) else float(value)


def appsi(instance: pyo.ConcreteModel) -> tuple[Appsi, pyo.ConcreteModel]:
    """The model in Pyomo's older persistent interface."""
    solver = Appsi()
    solver.config.load_solution = False
    solver.config.mip_gap = MIP_GAP
    solver.highs_options = {"presolve": "off", "threads": 1, "simplex_strategy": DUAL}
    for name in solver.update_config:
        setattr(solver.update_config, name, False)
    solver.set_instance(instance)
    return solver, instance


def solved_appsi(both: tuple[Appsi, pyo.ConcreteModel]) -> float | None:
    solver, instance = both
    value = solver.solve(instance).best_feasible_objective
    return None if value is None or not math.isfinite(value) else float(value)


def by_file(instance: pyo.ConcreteModel) -> highspy.Highs:
    """The model written as an LP file, and read by HiGHS."""
    highs = highspy.Highs()
    for option, value in OPTIONS.items():
        highs.setOptionValue(option, value)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.lp")
        instance.write(path)
        assert highs.readModel(path) == highspy.HighsStatus.kOk
    return highs
