"""Control from above, as changes of a scenario: three different things, to be kept apart.

A prescription leaves no freedom in what it covers; a floor (or target) leaves all freedom above it; a uniform rate asks
the same of everybody, whatever they need. Each becomes one statutory rule a place, partner or programme, so that it has
an owner, a sentence and a cost like any other rule.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from allocate.errors import ScenarioError
from allocate.plan.figures import per_cent
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.scenario.rulebook import Scope, covers
from allocate.scenario.scenario import Scenario

Changes = dict[str, Any]
EXACTLY, AT_LEAST, ALIKE = "exactly", "at least", "alike"
COLUMNS = {"partner": "partners", "place": "places", "programme": "programmes"}
"""What a control may hold for separately, and the field of a rule's `where` that names it."""


def prescription(scenario: Scenario, programme: str, rate: float, each: str = "place") -> Changes:
    """The changes by which, in each place (or for each partner), spending on a programme is exactly its baseline times
    1 + rate. Raises KeyError for an unknown programme, or `each`."""
    return _held(scenario, programme, rate, each, "keep")


def target(scenario: Scenario, programme: str, rate: float, each: str = "place") -> Changes:
    """The changes by which, in each place (or for each partner), spending on a programme is at least its baseline times
    1 + rate. Raises KeyError for an unknown programme, or `each`."""
    return _held(scenario, programme, rate, each, "floor")


def uniform(scenario: Scenario, rate: float, each: str = "partner") -> Changes:
    """The changes by which each partner (place, programme) spends exactly its baseline times 1 + rate: growth for all
    alike, or a saving where the rate is below 0. Raises KeyError for an unknown `each`."""
    return _held(scenario, "", rate, each, "keep")


def in_words(scenario: Scenario, kind: str, rate: float, programme: str = "") -> dict[str, Changes]:
    """What a control asks, in words, to its changes: 'exactly' or 'at least' so much more on a programme in each place,
    or 'alike', the same rate for every partner. Raises KeyError for an unknown programme, and ValueError for another
    kind."""
    if kind not in (EXACTLY, AT_LEAST, ALIKE):
        raise ValueError(f"kind must be one of {EXACTLY!r}, {AT_LEAST!r}, {ALIKE!r}, not {kind!r}")
    by = f"{'grows' if rate >= 0 else 'falls'} by"
    if kind == ALIKE:
        return {f"Every partner {by} exactly {per_cent(abs(rate))}": uniform(scenario, rate)}
    about = f"Spending on {scenario.name_of('programmes', programme)}"
    if kind == EXACTLY:
        return {f"{about} {by} exactly {per_cent(abs(rate))} in each place": prescription(scenario, programme, rate)}
    most = "at least" if rate >= 0 else "at most"
    return {f"{about} {by} {most} {per_cent(abs(rate))} in each place": target(scenario, programme, rate)}


def standard(together: Plan) -> dict[str, Changes]:
    """Three controls by a centre that knows what is best for the system as a whole, and asks it of all alike: a
    prescription and a floor on the programme to which the plan adds most, at the rate at which it adds to it; and one
    rate for every partner, that of all money. By what each asks, in words; what no scenario like it takes is left
    out."""
    scenario, money = together.scenario, together.by("programme")
    found: dict[str, Changes] = {}
    risen = money[(money["baseline"] > 0) & (money["change"] > POUND)]
    if len(risen):
        most = risen.loc[risen["change"].idxmax()]
        programme, rate = str(most["programme"]), _said(most["change"] / most["baseline"])
        found |= in_words(scenario, EXACTLY, rate, programme) | in_words(scenario, AT_LEAST, rate, programme)
    if (before := money["baseline"].sum()) > 0:
        found |= in_words(scenario, ALIKE, _said(money["change"].sum() / before))
    return {said: changes for said, changes in found.items() if changes and _taken(scenario, changes)}


def _said(rate: float) -> float:
    """A rate as it is said: in tenths of a per cent, rounded down so that the money is there."""
    return math.floor(rate * 1000 + 1e-9) / 1000


def _taken(scenario: Scenario, changes: Changes) -> bool:
    """Whether a scenario takes these changes at all."""
    try:
        scenario.change(changes)
    except ScenarioError:
        return False
    return True


def _held(scenario: Scenario, programme: str, rate: float, each: str, kind: str) -> Changes:
    """One rule of this kind for each part with a baseline, on its baseline times 1 + rate, in whole pounds."""
    field, lines = COLUMNS[each], scenario.table("lines")
    if programme and programme not in set(scenario.table("programmes")["id"]):
        raise KeyError(programme)
    where = {"programmes": [programme]} if programme else {}
    mine = covers(Scope.model_validate(where), scenario)
    owner = str(scenario.table("partners")["id"].iloc[0])
    changes: Changes = {}
    for k, part in enumerate(sorted(set(lines.loc[mine, each]))):
        scope = {**where, field: [part]}
        baseline = float(lines["baseline"].to_numpy()[covers(Scope.model_validate(scope), scenario)].sum())
        rule = {"kind": kind, "owner": owner, "standing": "statutory", "where": scope}
        if baseline > 0:
            changes[f"rules.told-{kind}-{k}"] = rule | {"amount": float(np.floor(baseline * (1 + rate) + 0.5))}
    return changes


__all__ = ["in_words", "prescription", "standard", "target", "uniform"]
