"""allocate: share a system's money fairly, together.

    import allocate as al

    base = al.read("scenarios/coventry-warwickshire")
    plan = al.solve(base)
    plan.spend
"""

from allocate import rules
from allocate.errors import AllocateError, EngineError, NoPlan, Problem, ScenarioError
from allocate.scenario.evidence import evidence
from allocate.scenario.reading import read
from allocate.scenario.scenario import Scenario
from allocate.scenario.writing import schema, write

__all__ = [
    "AllocateError", "EngineError", "NoPlan", "Problem", "Scenario", "ScenarioError",
    "evidence", "read", "rules", "schema", "write",
]  # fmt: skip
