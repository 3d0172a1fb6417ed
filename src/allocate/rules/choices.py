"""Kinds of rule that own choices: nothing or enough, one or the other, first this then that, few changes at once.

Each is a yes or no of the rule's own, tied to spending by the most that its lines could ever get: no figure of a model
hides in them. What was chosen follows from the spending, in words (`tally.choice`), so the audit needs no solver.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from allocate.errors import Problem
from allocate.rules import wording
from allocate.rules.binding import INFINITY, Binding, reach_of, renamed
from allocate.rules.tally import CHOICE, Amount, Limit, Part, Tally
from allocate.scenario.rulebook import Scope, covers, kind
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import Money

Array = np.ndarray
HALF = 0.5
"""Pounds: plans are whole in the end, so that less than half of one is nothing."""


class Choosing(Binding):
    """A rule that owns choices, and so does not bend: yes or no has no halves."""

    reads: ClassVar = ("envelopes", "routes")

    @model_validator(mode="after")
    def _firm(self) -> Self:
        if self.bends:
            raise ValueError("bends does not belong here: a choice of yes or no has no price by the pound")
        return self


class Pounds(Choosing):
    """A rule with one choice for each of its parts, tied to an amount."""

    figures: ClassVar[tuple[str, ...]] = ("amount",)
    amount: Money = Field(description="pounds, more than none")

    def _own(self, tally: Tally, part: Part, word: str, body: Amount, low: float, high: float) -> Limit:
        """One of several limits of a part, told apart by a word."""
        return renamed(self._limit(tally, part, body, low, high), word)

    def _name(self, part: Part) -> str:
        return f"{self.id}[{part.id}]"

    def _alongside(self, part: Part, scope: Scope, scenario: Scenario) -> Array:
        """The rows of another scope that belong with a part: in the same place, year ... or all of them; with a line
        those of its year."""
        rows = np.flatnonzero(covers(scope, scenario))
        if self.each is None:
            return rows
        codes, _ = scenario.codes("lines", "year" if self.each == "line" else self.each)
        return rows[codes[rows] == codes[part.rows[0]]]

    def _pounds(self, scenario: Scenario, amount: float) -> str:
        return wording.money(amount, scenario.heading.currency)

    def _sensible(self, scenario: Scenario, field: str, scope: Scope) -> Iterator[Problem]:
        """An amount of nothing, or one that these lines could never get."""
        amount, most = getattr(self, field), reach_of(np.flatnonzero(covers(scope, scenario)), scenario)
        expected = "" if amount > 0 else "asks for nothing: expected more than 0"
        if amount > most * (1 + 1e-12):
            expected = f"is more than its lines could ever get ({self._pounds(scenario, most)})"
        if expected:
            yield Problem("rules.toml", expected, field=f"{self.id}.{field}", value=f"{amount:.15g}")

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from self._sensible(scenario, "amount", self.where)


@kind
class Start(Pounds):
    """Nothing, or enough to be worth starting."""

    kind: ClassVar = "start"
    aim: ClassVar = "spend nothing or at least"

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            spend, most = tally.spend(part.rows), reach_of(part.rows, tally.scenario)
            started = tally.choice(self._name(part), partial(_any, tally, part.rows))
            yield self._own(tally, part, "least", spend - self.amount * started, 0.0, INFINITY)
            yield self._own(tally, part, "most", spend - most * started, -INFINITY, 0.0)

    def sentence(self, scenario: Scenario) -> str:
        return f"{self._subject(scenario)} must be nothing, or at least {self._pounds(scenario, self.amount)}"


@kind
class Either(Pounds):
    """One amount or another; where only one may be funded, the other gets nothing."""

    kind: ClassVar = "either"
    aim: ClassVar = "fund one of"
    figures: ClassVar = ("amount", "other_amount")
    other: Scope = Field(description="the lines that may get their amount instead, in the part's own place, year ...")
    other_amount: Money = Field(description="pounds, more than none, for those")
    only_one: bool = Field(False, description="whether whichever does not get its amount must get nothing")

    def limits(self, tally: Tally) -> Iterator[Limit]:
        scenario = tally.scenario
        for part in tally.parts(self):
            others = self._alongside(part, self.other, scenario)
            one, other = tally.spend(part.rows), tally.spend(others)
            first = tally.choice(self._name(part), partial(self._is_first, tally, part.rows, others))
            yield self._own(tally, part, "one", one - self.amount * first, 0.0, INFINITY)
            yield self._own(tally, part, "other", other + self.other_amount * first, self.other_amount, INFINITY)
            if self.only_one:
                most, most_other = reach_of(part.rows, scenario), reach_of(others, scenario)
                yield self._own(tally, part, "one-only", one - most * first, -INFINITY, 0.0)
                yield self._own(tally, part, "other-only", other + most_other * first, -INFINITY, most_other)

    def _is_first(self, tally: Tally, rows: Array, others: Array) -> bool:
        """Whether the first of the two is chosen: the one that is funded, or that falls less short of its amount."""
        one, other = tally.spend(rows), tally.spend(others)
        return one > other if self.only_one else self.amount - one <= self.other_amount - other

    def sentence(self, scenario: Scenario) -> str:
        amount, other = (self._pounds(scenario, each) for each in (self.amount, self.other_amount))
        one = f"either spending{wording.named(self.where, scenario)} must be at least {amount}"
        alone = ", and only one of the two may be funded" if self.only_one else ""
        said = f"{one}, or spending{wording.named(self.other, scenario)} at least {other}{alone}"
        return self._for_each(said, scenario)

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().sense(scenario)
        yield from self._sensible(scenario, "other_amount", self.other)
        if self.only_one and (covers(self.where, scenario) & covers(self.other, scenario)).any():
            expected = "shares lines with where, though only one of the two may be funded"
            yield Problem("rules.toml", expected, field=f"{self.id}.other")


@kind
class Prerequisite(Pounds):
    """Nothing is spent here before enough is spent there."""

    kind: ClassVar = "prerequisite"
    aim: ClassVar = "spend only once there is"
    needs: Scope = Field(description="the lines that must get the amount first, in the part's own place, year ...")

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            spend, most = tally.spend(part.rows), reach_of(part.rows, tally.scenario)
            needed = tally.spend(self._alongside(part, self.needs, tally.scenario))
            funded = tally.choice(self._name(part), partial(_any, tally, part.rows))
            yield self._own(tally, part, "only", spend - most * funded, -INFINITY, 0.0)
            yield self._own(tally, part, "needs", needed - self.amount * funded, 0.0, INFINITY)

    def sentence(self, scenario: Scenario) -> str:
        amount = self._pounds(scenario, self.amount)
        needed = f"spending{wording.named(self.needs, scenario)}"
        return f"{self._subject(scenario)} is allowed only once {needed} is at least {amount}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from self._sensible(scenario, "amount", self.needs)


@kind
class Moves(Choosing):
    """Few lines change at once: services can be turned round one by one only."""

    kind: ClassVar = "moves"
    aim: ClassVar = "change at most"
    figures: ClassVar = ("at_most", "beyond")
    at_most: Annotated[int, Field(ge=0, le=1_000_000)] = Field(description="how many lines may change")
    beyond: Money = Field(0.0, description="pounds, up or down, that count as no change")

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            changes = [self._change(tally, part, line) for line in self._lines(tally, part)]
            for limits, _ in changes:
                yield from limits
            counted = [choice for _, choice in changes if choice is not None]
            if counted:
                total = counted[0]
                for choice in counted[1:]:
                    total = total + choice
                yield self._limit(tally, part, total, -INFINITY, float(self.at_most), CHOICE)

    def _lines(self, tally: Tally, part: Part) -> Iterator[Part]:
        """The lines of a part, each as a part of its own."""
        mine = set(part.rows.tolist())
        for line in tally.parts(self.model_copy(update={"each": "line"})):
            if int(line.rows[0]) in mine:
                yield line

    def _change(self, tally: Tally, part: Part, line: Part) -> tuple[list[Limit], Amount | None]:
        """What holds a line where it was unless it is one of those that change, and the choice whether it is. No choice
        where it could not change by so much."""
        scenario = tally.scenario
        before, least = tally.baseline(line.rows), float(scenario._tables["lines"]["low"].to_numpy()[line.rows[0]])
        most = reach_of(line.rows, scenario)
        # In whole pounds outwards, so that a line that stays can be rounded.
        top, bottom = math.ceil(before + self.beyond - 1e-6), math.floor(before - self.beyond + 1e-6)
        if most <= top and least >= bottom:
            return [], None
        spend = tally.spend(line.rows)
        name = f"{self.id}[{part.id}/{line.id}]"
        changes = tally.choice(name, lambda: not bottom - HALF <= tally.spend(line.rows) <= top + HALF)
        limits = []
        if most > top:
            body = spend - (most - top) * changes
            limits.append(renamed(self._limit(tally, line, body, -INFINITY, float(top)), "up"))
        if least < bottom:
            body = spend + (bottom - least) * changes
            limits.append(renamed(self._limit(tally, line, body, float(bottom), INFINITY), "down"))
        return limits, changes

    def sentence(self, scenario: Scenario) -> str:
        lines = "1 line" if self.at_most == 1 else f"{self.at_most} lines"
        of = f" of spending{wording.named(self.where, scenario)}" if self.where else ""
        beyond = f" by more than {wording.money(self.beyond, scenario.heading.currency)}" if self.beyond else ""
        return self._for_each(f"at most {lines}{of} may change{beyond} from the baseline", scenario)


def _any(tally: Tally, rows: Array) -> bool:
    """Whether anything is spent on these lines."""
    return tally.spend(rows) > HALF


__all__ = ["Either", "Moves", "Prerequisite", "Start"]
