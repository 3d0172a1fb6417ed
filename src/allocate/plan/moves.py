"""What a plan moves, in pounds and outcomes, against today or against another plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocate.plan.plan import Plan

Array = np.ndarray
POUND = 1.0
"""Changes smaller than this are none."""
NOISE = 1e-6
"""Outcomes that differ by less than this share of themselves are the same."""


@dataclass(frozen=True, eq=False)
class Moves:
    """What a plan moves, against today or against another plan: pounds per line before and after."""

    plan: Plan
    before: Array
    after: Array
    had: dict[str, float]
    """per outcome (its id), what is gained of it before"""
    has: dict[str, float]
    """the same after"""
    than: str
    """'today', or what the other plan is called"""

    @classmethod
    def of(cls, plan: Plan, against: Plan | None = None, name: str = "the other plan") -> Moves:
        after, today = plan._solved.flows.spend, plan._solved.problem.baseline
        has = _by_outcome(plan, after)
        if against is None:
            return cls(plan, today, after, _by_outcome(plan, today), has, "today")
        return cls(plan, _aligned(plan, against), after, _by_outcome(against, against._solved.flows.spend), has, name)

    @property
    def outcome(self) -> dict[str, float]:
        """Per outcome (its id), its change."""
        return {key: gain - self.had.get(key, 0.0) for key, gain in self.has.items()}

    @property
    def told(self) -> dict[str, float]:
        """Per outcome that changes, its change; what rounding to whole pounds may leave is none."""
        return {
            key: change
            for key, change in self.outcome.items()
            if abs(change) > NOISE * max(abs(self.has[key]), abs(self.had.get(key, 0.0)))
        }

    @property
    def change(self) -> Array:
        """Pounds more on each line."""
        return self.after - self.before

    @property
    def rises(self) -> float:
        """All that lines gain, in pounds."""
        return float(np.maximum(self.change, 0.0).sum())

    @property
    def falls(self) -> float:
        """All that lines lose, in pounds."""
        return float(np.maximum(-self.change, 0.0).sum())

    @property
    def moved(self) -> float:
        """Pounds that lie elsewhere than before: new money and money moved, or money moved and money gone."""
        return max(self.rises, self.falls)

    @property
    def any(self) -> bool:
        """Whether any line gets another sum."""
        return bool((np.abs(self.change) >= POUND).any())

    def place(self, key: str) -> str:
        """A place's name; where money is spent on it besides the places inside it: 'Westshire as a whole'."""
        places = self.plan.scenario.table("places")
        name = self.plan.scenario.name_of("places", key)
        return f"{name} as a whole" if key in set(places["parent"].dropna()) else name

    def sums(self, column: str) -> list[tuple[str, float, float]]:
        """Pounds before and after by a column of lines, in order of the rise: (id, before, after)."""
        keys, place = self.plan.scenario.groups("lines", column)
        before, after = np.bincount(place, self.before), np.bincount(place, self.after)
        order = np.argsort(before - after, kind="stable")
        return [(str(keys[k]), float(before[k]), float(after[k])) for k in order]


def _by_outcome(plan: Plan, spend: Array) -> dict[str, float]:
    """What so many pounds a line gain of each outcome, in the order of the scenario's outcomes."""
    curves = plan._solved.problem.curves
    gains = curves.gain(curves.effort(spend))
    names, of = plan.scenario.groups("curves", "outcome")
    sums = dict(zip(names.tolist(), np.bincount(of, gains, len(names)).tolist(), strict=True))
    return {key: sums[key] for key in plan.scenario._tables["outcomes"]["id"] if key in sums}


def _aligned(plan: Plan, against: Plan) -> Array:
    """The other plan's pounds on this plan's lines; lines that it does not have got nothing."""
    mine, theirs = plan.scenario.line_ids, against.scenario.line_ids
    if mine == theirs:
        return against._solved.flows.spend
    spent = dict(zip(theirs, against._solved.flows.spend, strict=True))
    return np.array([spent.get(line, 0.0) for line in mine])
