"""allocate: share a system's money fairly, together.

import allocate as al

base = al.read("scenarios/coventry-warwickshire")
plan = al.solve(base)
plan.spend
"""

from allocate import places, rules
from allocate.engine.watch import Watch
from allocate.errors import AllocateError, EngineError, GiveWay, NoPlan, Problem, ScenarioError
from allocate.plan.comparing import Unlike, compare
from allocate.plan.explaining import explain
from allocate.plan.plan import Plan, solve
from allocate.plan.writing import to_json, write_plan
from allocate.scenario.evidence import evidence
from allocate.scenario.reading import read
from allocate.scenario.scenario import Scenario
from allocate.scenario.writing import schema, write

__all__ = [
    "AllocateError", "EngineError", "GiveWay", "NoPlan", "Plan", "Problem", "Scenario", "ScenarioError", "Unlike",
    "Watch", "compare", "evidence", "explain", "places", "read", "rules", "schema", "solve", "to_json", "write",
    "write_plan",
]  # fmt: skip
