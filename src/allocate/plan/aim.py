"""The agreed aim: its unit, the round sum that worths are said for, and what an aim between places came to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from allocate.plan.figures import number, per_cent
from allocate.plan.plan import Plan
from allocate.rules.kinds import aim_of
from allocate.scenario.scenario import Scenario

PEOPLE = 1000.0
"""Outcomes are told for so many people."""


def a_little(plan: Plan) -> float:
    """A round sum, about a thousandth of all the money: prices speak for the last pounds only."""
    money = plan.scenario.table("envelopes")["amount"].sum()
    return 10.0 ** max(0, math.floor(math.log10(max(money, 1.0) / 1000.0)))


def aim_unit(plan: Plan) -> str:
    """The unit of the aim: the outcomes' own where they agree and count one each, else points."""
    outcomes = plan.scenario.table("outcomes")
    same = outcomes["unit"].nunique() == 1 and (outcomes["weight"] == 1).all()
    return str(outcomes["unit"].iloc[0]) if same else "points of the agreed aim"


def score_in_words(plan: Plan, score: float) -> str:
    """A score of the plan's aim with its unit: '£2,185 a head', '10.8 QALY for 1,000 people'."""
    assert plan.aim is not None
    view = plan.aim.rule.view
    if view == "spend":
        return f"{plan.scenario.heading.currency}{score:,.2f} a head"
    if view == "fair-share":
        return f"{score:.1%} of fair share"
    if view == "own-best":
        return f"{score:.1%} of what each could gain at most"
    return f"{number(score * PEOPLE)} {aim_unit(plan)} for {PEOPLE:,.0f} people"


def aim_in_words(plan: Plan) -> str:
    """What the aim between places came to and what was given up for it; nothing without one."""
    if plan.aim is None:
        return ""
    aim, scenario = plan.aim, plan.scenario
    sentence = aim.rule.sentence(scenario)
    if math.isinf(aim.gap):
        return f"{sentence}. There was no time to follow it: this is the plan of most benefit."
    reached, otherwise = (score_in_words(plan, score) for score in (aim.reached, aim.otherwise))
    given = aim.value - plan.value
    if given < 1e-6 * aim.gain:
        return f"{sentence}. The plan of most benefit is as fair: {reached}."
    said = f"{number(given)} {aim_unit(plan)} ({part_in_words(plan.given_up)} of the best plan's gain)"
    has = "leaves some place with nothing" if aim.rule.positive and not aim.otherwise else f"has {otherwise}"
    return f"{sentence}. That is {reached}, where the plan of most benefit {has}; it gives up {said}."


def part_in_words(part: float) -> str:
    """A small part as a per cent with figures enough to see it."""
    return per_cent(part, places=0) if abs(part) >= 0.095 else f"{100 * part:.2g}%"


def with_aim(scenario: Scenario, aim: Mapping[str, Any] | None) -> Scenario:
    """The scenario with another aim in force, a rule's fields (the owner may be left out), or with none: the most
    benefit. Raises ScenarioError where they are no aim of it."""
    mine = aim_of(scenario)
    changes: dict[str, Any] = {} if mine is None else {f"rules.{mine.id}.in_force": False}
    if aim is not None:
        ids, number = {rule.id for rule in scenario.rules}, 1
        while (name := f"aim-{number}") in ids:
            number += 1
        owner = scenario.table("partners")["id"].iloc[0] if mine is None else mine.owner
        changes[f"rules.{name}"] = {"owner": owner} | dict(aim)
    return scenario.change(changes) if changes else scenario
