"""What a partner gains and loses: the named measures that a proposal is judged by.

A partner's payoff is its own money by default: the pounds spent on the lines that it runs, all years together. That
needs no figure that somebody would have to make up, and it is what a finance director looks for first. `outcome` is
what those lines buy, at the weights that stand; what several partners buy together is shared in proportion to what each
spends on it. Another measure is one function and one entry in PAYOFFS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from allocate.plan.explaining import aim_unit
from allocate.plan.figures import number, pounds
from allocate.plan.plan import Plan
from allocate.plan.trying import ROUNDING

Array = np.ndarray
TRACE = 1e-5
"""Outcomes bought by a partner that differ by less than this share of themselves are the same: plans that are as good
as each other, each in whole pounds, differ by as much."""
Amounts = dict[str, float]
Weights = Mapping[str, float]
"""What one unit of each outcome counts, by its id."""


@dataclass(frozen=True)
class Payoff:
    """A measure of what a plan gives each partner.

    name      as `payoff=` takes it
    words     what it counts, to follow 'Counted for each partner:'
    of        a plan and the weights that stand -> the payoff of each partner, by its id
    least     a payoff before and after -> the smallest difference that is not mere rounding
    in_money  whether it is pounds, so that a loss can be paid back in full
    """

    name: str
    words: str
    of: Callable[[Plan, Weights], Amounts]
    least: Callable[[float, float], float]
    in_money: bool

    def said(self, amount: float, plan: Plan, signed: bool = False) -> str:
        """An amount with its unit: '£7.0m', '5.1 QALYs'."""
        if self.in_money:
            return pounds(amount, plan.scenario.heading.currency, signed)
        return f"{number(amount, signed)} {aim_unit(plan)}"

    def change(self, before: float, after: float) -> float:
        """The difference, nought where it is mere rounding."""
        return after - before if abs(after - before) >= self.least(before, after) else 0.0


def weights_of(plan: Plan) -> Weights:
    """What each outcome counts in a plan's scenario, by its id."""
    outcomes = plan.scenario.table("outcomes")
    return dict(zip(outcomes["id"], outcomes["weight"].astype(float), strict=True))


def money_by_partner(plan: Plan, weights: Weights) -> Amounts:
    """Pounds spent on each partner's lines, whatever outcomes count for; 0 for a partner without any."""
    spend = plan._solved.flows.spend
    return {key: float(spend[mine].sum()) for key, mine in _lines_of(plan).items()}


def outcome_by_partner(plan: Plan, weights: Weights) -> Amounts:
    """What each partner's lines buy, in points of the aim at these weights; shared by spending where several buy it."""
    curves, spend = plan._solved.problem.curves, plan._solved.flows.spend
    effort = curves.effort(spend)
    worth = _weighed(plan, weights)
    per_pound = np.divide(worth, effort, out=np.zeros(len(effort)), where=effort > 0)
    return {key: float(per_pound @ curves.effort(spend * mine)) for key, mine in _lines_of(plan).items()}


def money_by_place(plan: Plan) -> Amounts:
    """Pounds spent in each place and the places inside it."""
    spend = plan._solved.flows.spend
    return {key: float(spend[mine].sum()) for key, mine in _inside(plan, "lines").items()}


def outcome_by_place(plan: Plan, weights: Weights) -> Amounts:
    """What is bought in each place and the places inside it, in points of the aim at these weights."""
    worth = _weighed(plan, weights)
    return {key: float(worth[mine].sum()) for key, mine in _inside(plan, "curves").items()}


def outcome_in_all(plan: Plan, weights: Weights) -> float:
    """All that a plan buys, in points of the aim at these weights; what bending rules costs is not taken off."""
    return float(_weighed(plan, weights).sum())


def _weighed(plan: Plan, weights: Weights) -> Array:
    """Each curve's gain, in points of the aim."""
    gains = plan._gains
    return gains["gain"].to_numpy(dtype=float) * np.array([weights[key] for key in gains["outcome"]], dtype=float)


def _lines_of(plan: Plan) -> dict[str, Array]:
    """For each partner, which rows of `lines` it runs: booleans."""
    owner = plan.scenario.table("lines")["partner"].to_numpy(dtype=object)
    return {key: owner == key for key in plan.scenario.table("partners")["id"]}


def _inside(plan: Plan, table: str) -> dict[str, Array]:
    """For each place, which rows of a table lie in it or inside it: booleans."""
    where = plan.scenario.table(table)["place"]
    places = plan.scenario.table("places")["id"]
    return {key: where.isin(plan.scenario.within(key)).to_numpy() for key in places}


def _a_few_pounds(before: float, after: float) -> float:
    return ROUNDING


def _a_trace(before: float, after: float) -> float:
    return max(TRACE * max(abs(before), abs(after)), 1e-12)


MONEY = Payoff(
    "money", "its own money, the pounds spent on the lines that it runs", money_by_partner, _a_few_pounds, True
)
OUTCOME = Payoff(
    "outcome",
    "the agreed outcome that its own lines buy, at the weights that stand",
    outcome_by_partner,
    _a_trace,
    False,
)
PAYOFFS: dict[str, Payoff] = {each.name: each for each in (MONEY, OUTCOME)}
"""Every measure by the name that `payoff=` takes."""
