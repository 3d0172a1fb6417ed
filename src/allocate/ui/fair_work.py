"""What the page of fair shares works with: the aim as a choice of few words, and three plans laid side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocate.errors import ScenarioError
from allocate.plan.fairness import OF_SHARE, in_unit, views
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.moves import Moves
from allocate.plan.plan import Plan
from allocate.rules.aims import Fair, aim_of
from allocate.scenario.rulebook import Rule
from allocate.scenario.scenario import Scenario
from allocate.ui import solving, state
from allocate.ui.desk import View

MOST, OWN = "most", "own"
AIMS: Mapping[str, tuple[str, dict[str, Any]]] = {
    MOST: ("The most benefit, wherever it falls", {}),
    "fifth": ("Lift the worst-off fifth of people", {"kind": "worst-off", "part": 0.2}),
    "place": ("Lift the worst-off place", {"kind": "worst-off", "part": 0.0}),
    "bottom-up": ("Raise places from the bottom up", {"kind": "bottom-up"}),
    "little": ("Balance places a little", {"kind": "balanced", "strength": 0.5}),
    "proportion": ("Balance places in proportion", {"kind": "balanced", "strength": 1.0}),
    "strongly": ("Balance places strongly", {"kind": "balanced", "strength": 2.0}),
}
"""What fairer may mean, each with the fields of its rule."""
SEEN = {
    "gain": "What each person gains since today", "spend": "Spending for each person",
    "fair-share": "Each place's part of its fair share", "level": "What each person has of the outcome",
    "own-best": "Each place's part of the most it could gain",
}  # fmt: skip
"""What places are seen to have."""
GIVEN: tuple[float | None, ...] = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, None)
"""Stops of the dial: parts of the gain that may be given up; None for any."""
FIRST = 0.01
"""What may be given up until the visitor says."""
NAME = "aim"


@dataclass(frozen=True, eq=False)
class Sides:
    """A plan with an aim, or none, beside the plan of the most benefit (itself, without an aim); `seen` is what places
    are seen to have, of `SEEN`, and `table` has a row a place, the worst-off first: place, name, today, most, fair in
    `unit`."""

    plan: Plan
    most: Plan
    seen: str
    title: str
    unit: str
    table: pd.DataFrame
    reason: str = ""

    @property
    def aim(self) -> Fair | None:
        """The aim that the plan follows."""
        return None if self.plan.aim is None else self.plan.aim.rule

    @property
    def cost(self) -> float:
        """What the aim gives up, in units of the outcome."""
        lost = 0.0 if self.plan.aim is None else self.plan.aim.value - self.plan.value
        return lost if self.plan.aim is not None and lost > 1e-6 * self.plan.aim.gain else 0.0

    @property
    def price(self) -> float:
        """Pounds that would buy as much as the aim gives up, where money buys most, beside the plan of the most benefit
        and at the margin; blank where there are no prices."""
        worth = float(self.most.money["price"].max()) if self.most.has_prices else np.nan
        return self.cost / worth if worth > 0 else np.nan

    def moved(self, column: str) -> pd.DataFrame:
        """What places, or partners, get more or less than in the plan of the most benefit: id, name, before, after,
        change (£), share; the largest gain first."""
        moves = Moves.of(self.plan, self.most)
        named = moves.place if column == "place" else lambda key: self.plan.scenario.name_of("partners", key)
        rows = [
            {"id": key, "name": named(key), "before": before, "after": after, "change": after - before,
             "share": after / before - 1 if before else None}
            for key, before, after in moves.sums(column)
        ]  # fmt: skip
        columns = ["id", "name", "before", "after", "change", "share"]
        return pd.DataFrame(rows, columns=columns).sort_values("change", ascending=False, kind="stable")

    def say(self, value: float, signed: bool = False) -> str:
        """A value of the view in full: '£1,532 a head'."""
        return in_unit(value, self.unit, signed)

    def short(self, value: float) -> str:
        """A value of the view as a picture has it: '£1,532'."""
        if self.unit == OF_SHARE:
            return per_cent(value)
        currency = self.plan.scenario.heading.currency
        return pounds(value, currency, millions=False) if self.unit.startswith(currency) else number(value)


def sides(plan: Plan, most: Plan, seen: str) -> Sides:
    """Two plans side by side in what places are seen to have."""
    aim = None if plan.aim is None else plan.aim.rule
    key = "gain" if seen == "own-best" else seen
    if seen == "spend" and aim is not None and aim.by == "need":
        key = "weighted-spend"
    table, other = views(plan), views(most)
    mine, theirs = table[table["view"] == key], other[other["view"] == key].set_index("place")["value"]
    if mine.empty:
        return Sides(plan, most, seen, "", "", pd.DataFrame(), "places have nothing to be set against one another by")
    rows = pd.DataFrame(
        {
            "place": mine["place"], "name": [plan.scenario.name_of("places", each) for each in mine["place"]],
            "today": mine["today"], "most": mine["place"].map(theirs), "fair": mine["value"],
        }
    ).sort_values(["most", "place"], ignore_index=True)  # fmt: skip
    first = mine.iloc[0]
    return Sides(plan, most, seen, str(first["title"]), str(first["unit"]), rows, str(first["reason"]))


# --- the aim as a choice ---------------------------------------------------------------------------------------------


def chosen(aim: Fair | None) -> str:
    """Which of `AIMS` an aim is; OWN where it is none of them."""
    if aim is None:
        return MOST
    for key, (_, fields) in AIMS.items():
        if fields.get("kind") == aim.kind and all(
            getattr(aim, name) == fields[name] for name in fields if name != "kind"
        ):
            return key
    return OWN


def sights(scenario: Scenario) -> list[str]:
    """What places may be seen to have in a scenario, of `SEEN`."""
    without = set() if (scenario.envelopes["by_need"] == "yes").any() else {"fair-share"}
    if (scenario.curves["shape"] == "isoelastic").any():
        without.add("level")
    return [key for key in SEEN if key not in without]


def obstacles(view: View) -> list[str]:
    """Why places cannot be set against one another at all; [] where they can."""
    if aim_of(view.wanted) is not None:
        return []
    try:
        solving.change(view.agreed, {f"rules.{_free(view.agreed)}": {"owner": _owner(view), **AIMS["fifth"][1]}})
    except ScenarioError as error:
        return [problem.expected for problem in error.problems]
    return []


def name_of(view: View) -> str:
    """The id of the aim: of the one in force, or of the one as agreed; a free one where there is none."""
    here = aim_of(view.wanted) or aim_of(view.agreed)
    return here.id if here is not None else _free(view.agreed)


def _free(scenario: Scenario) -> str:
    taken = {rule.id for rule in scenario.rules}
    return next(name for name in (NAME, *(f"{NAME}-{n}" for n in range(2, 1000))) if name not in taken)


def _owner(view: View) -> str:
    """Who answers for an aim that a visitor lays: the partner whose seat he has, or who holds most."""
    table, _, key = view.draft.seat.partition(".")
    if table == "partners":
        return key
    held = view.agreed.envelopes.groupby("holder")["amount"].sum()
    return str(held.idxmax()) if len(held) else str(view.agreed.partners["id"].iloc[0])


def told(rule: Rule) -> dict[str, Any]:
    """A rule as a change would tell it whole."""
    return {"kind": rule.kind, **rule.model_dump(exclude={"id"}, exclude_defaults=True)}


def rule_for(view: View, fields: Mapping[str, Any], seen: str, give_up: float | None) -> dict[str, Any]:
    """The rule of an aim with these fields, as a change; whose it is, and what it covers, as it was."""
    now = aim_of(view.wanted)
    kept = told(now) if now is not None else {"authority": "Chosen on the page of fair shares"}
    rule = {"owner": _owner(view)} | {
        name: kept[name] for name in ("owner", "where", "by", "authority") if name in kept
    }
    rule |= {**fields} | ({"view": seen} if seen != "gain" else {})
    rule |= {} if give_up is None else {"give_up": give_up}
    table, _, key = view.draft.seat.partition(".")
    return rule | ({"proposer": key} if table == "partners" else {})


def lay(view: View, rule: Mapping[str, Any] | None) -> None:
    """Lay an aim over the draft, or none; nothing of it is left where that is as agreed."""
    name = name_of(view)
    path, agreed = f"rules.{name}", next((each for each in view.agreed.rules if each.id == name), None)
    mine = [each for each in view.draft.changes if each == path or each.startswith(f"{path}.")]
    if agreed is not None and rule is not None and _same(agreed, rule):
        state.undo(*mine)
    elif rule is not None:
        state.lay({path: dict(rule)})
    elif agreed is not None and agreed.binds:
        state.instead({f"{path}.in_force": False}, of=mine)
    else:
        state.undo(*mine)


def _same(agreed: Rule, rule: Mapping[str, Any]) -> bool:
    """Whether a rule says what the agreed one says; whose it is aside."""
    asks = ("kind", "where", "by", "view", "give_up", "part", "strength", "aversion", "tails")
    one, other = told(agreed), {"part": 0.2, "strength": 1.0, **rule}
    one = {"part": 0.2, "strength": 1.0, **one}
    return agreed.binds and all(one.get(name) == other.get(name) for name in asks)


def without(view: View) -> Scenario:
    """The draft's scenario without its aim: the most benefit for the money."""
    aim = aim_of(view.wanted)
    if aim is None:
        return view.wanted
    if all(rule.id != aim.id for rule in view.agreed.rules):
        path = f"rules.{aim.id}"
        rest = {
            each: value
            for each, value in view.draft.changes.items()
            if each != path and not each.startswith(f"{path}.")
        }
        return solving.change(view.agreed, rest)
    return solving.change(view.wanted, {f"rules.{aim.id}.in_force": False})


__all__ = [
    "AIMS", "FIRST", "GIVEN", "MOST", "OWN", "SEEN", "Sides", "chosen", "lay", "name_of", "obstacles", "rule_for",
    "sides", "sights", "told", "without",
]  # fmt: skip
