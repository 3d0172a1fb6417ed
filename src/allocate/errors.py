"""Everything that can go wrong, as a tree.

AllocateError
├── ScenarioError    the scenario is wrong: every problem found, at once      (exit 2)
├── NoPlan           the rules cannot all hold: no plan is possible           (exit 3)
└── EngineError      our fault: the solver failed, or a check on it did       (exit 1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a scenario, in words a colleague could act on.

    `where` is the file (or the path of a change), `row` its line in that file, `field` the column or key,
    `value` what was written there, `expected` what should be, `fix` the likeliest repair ("did you mean rugby?").
    """

    where: str
    expected: str
    row: int | None = None
    field: str = ""
    value: str = ""
    fix: str = ""

    def __str__(self) -> str:
        place = self.where + (f" row {self.row}" if self.row else "") + (f", {self.field}" if self.field else "")
        found = f": {self.value!r}" if self.value else ":"
        return f"{place}{found} {self.expected}" + (f" ({self.fix})" if self.fix else "")


class AllocateError(Exception):
    """The base of every error this package raises on purpose."""


class ScenarioError(AllocateError):
    """A scenario, or a change to one, that cannot be accepted. `problems` holds all of them."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.name = name
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{name}: {count}\n" + "\n".join(f"- {problem}" for problem in problems))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.problems)


@dataclass(frozen=True, slots=True)
class GiveWay:
    """One limit that gives way so that a plan becomes possible, or one envelope that is raised instead.

    rule      the rule's id, or "resource " and a resource's id; "" for an envelope
    part      which of the rule's limits: the place, partner ... where it has one for each; for a resource its year, for
              an envelope its id, with its year where it has several
    end       "low": its minimum is lowered; "high": its maximum (or the envelope's amount) is raised
    amount    by how much, in the limit's own unit, above 0: for a share the pounds it asks too much
    measure   that unit: "spend" for pounds, "resource", or an outcome's id
    standing  the rule's standing; "" for a resource or an envelope
    sentence  the rule as minutes would put it, or what to raise
    change    the what-if that gives this way, path to value, for `Scenario.change`. A figure is rounded outwards to one
              that a person would write. Where a rule has several limits, one figure eases them all, so less of it may
              do than `amount` says; where no figure does it, the rule is switched off
    """

    rule: str
    part: str
    end: str
    amount: float
    measure: str
    standing: str
    sentence: str
    change: Mapping[str, Any] = field(default_factory=dict)


class NoPlan(AllocateError):
    """No plan keeps every rule.

    `easings` is the smallest give-way found, one sentence each, and `ways` is the same as data: all their changes
    together make a plan possible. `instead` are single envelopes that would do it alone if raised, the least money
    first; each its own alternative. `together` are the rules, resources and envelopes (`rules.x`, `envelopes.core`)
    that were proved, independently of the solver, not to hold together, the weightiest first; () where nothing was.
    `minima` are sentences: where minima alone add to more than envelopes hold. `allocate.clash` finds more.
    """

    def __init__(
        self,
        message: str,
        easings: Sequence[str],
        ways: Sequence[GiveWay] = (),
        instead: Sequence[GiveWay] = (),
        together: Sequence[str] = (),
        minima: Sequence[str] = (),
    ) -> None:
        self.message = message
        self.easings = list(easings)
        self.ways = tuple(ways)
        self.instead = tuple(instead)
        self.together = tuple(together)
        self.minima = tuple(minima)
        super().__init__(message + "".join(f"\n- {easing}" for easing in easings))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.easings, self.ways, self.instead, self.together, self.minima)

    @property
    def proved(self) -> bool:
        """Whether the clash was proved independently of the solver."""
        return bool(self.together)


class EngineError(AllocateError):
    """The solver did not do what it was asked, or its answer failed our own check."""
