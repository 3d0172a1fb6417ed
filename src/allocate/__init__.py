"""allocate: share a system's money fairly, together.

import allocate as al

base = al.read("scenarios/coventry-warwickshire")
plan = al.solve(base)
plan.spend
"""

from allocate import places, rules
from allocate.commons.apart import controls
from allocate.commons.apart.regimes import Regimes, regimes
from allocate.commons.apart.switching import SwitchPoints, switch_points
from allocate.commons.keeping.holding import Holds, holds
from allocate.commons.proposing.proposals import Proposal, propose
from allocate.commons.proposing.rivals import Rivals, pairwise
from allocate.commons.proposing.versions import Version, accept, compare_versions, restore, versions
from allocate.commons.proposing.voting import banzhaf, shapley_shubik
from allocate.commons.routes.lawful import Lawful, lawful
from allocate.commons.settling.alternatives import Alternatives, alternatives
from allocate.commons.settling.settlements import Settlements, settle
from allocate.commons.sharing.deal import Deal, deal
from allocate.commons.sharing.shortage import Shortage, shortage
from allocate.commons.terms.payment import Payment
from allocate.commons.terms.replies import Replies, replies
from allocate.commons.terms.terms import Terms, terms
from allocate.engine.watch import Watch
from allocate.errors import AllocateError, EngineError, GiveWay, NoPlan, Problem, ScenarioError
from allocate.plan.clashing import Clashes, clash
from allocate.plan.comparing import Unlike, compare
from allocate.plan.explaining import explain
from allocate.plan.fairness import fairness
from allocate.plan.frontier import Frontier, frontier
from allocate.plan.lenses import Lenses, lenses
from allocate.plan.next_pound import next_pound
from allocate.plan.plan import Plan, solve
from allocate.plan.prices import Prices, prices
from allocate.plan.reaching import Goal, fair_share_rule, reach
from allocate.plan.writing import to_json, write_plan
from allocate.scenario.evidence import evidence
from allocate.scenario.reading import read
from allocate.scenario.scenario import Scenario
from allocate.scenario.writing import schema, write

__all__ = [
    "AllocateError", "Alternatives", "Clashes", "Deal", "EngineError", "Frontier", "GiveWay", "Goal", "Holds", "Lawful",
    "Lenses", "NoPlan", "Payment", "Plan", "Prices", "Problem", "Proposal", "Regimes", "Replies", "Rivals", "Scenario",
    "ScenarioError", "Settlements", "Shortage", "SwitchPoints", "Terms", "Unlike", "Version", "Watch", "accept",
    "alternatives", "banzhaf", "clash", "compare", "compare_versions", "controls", "deal", "evidence", "explain",
    "fair_share_rule", "fairness", "frontier", "holds", "lawful", "lenses", "next_pound", "pairwise", "places",
    "prices", "propose", "reach", "read", "regimes", "replies", "restore", "rules", "schema", "settle",
    "shapley_shubik", "shortage", "solve", "switch_points", "terms", "to_json", "versions", "write", "write_plan",
]  # fmt: skip
