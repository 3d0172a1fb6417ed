"""Everything that can go wrong, as a tree.

AllocateError
├── ScenarioError    the scenario is wrong: every problem found, at once      (exit 2)
├── NoPlan           the rules cannot all hold: no plan is possible           (exit 3)
└── EngineError      our fault: the solver failed, or a check on it did       (exit 1)
"""

from __future__ import annotations

from dataclasses import dataclass


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


class NoPlan(AllocateError):
    """No plan keeps every rule. `easings` is the smallest give-way found: one sentence each."""

    def __init__(self, message: str, easings: list[str]) -> None:
        self.easings = easings
        super().__init__(message + "".join(f"\n- {easing}" for easing in easings))


class EngineError(AllocateError):
    """The solver did not do what it was asked, or its answer failed our own check."""
