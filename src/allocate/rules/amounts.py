"""Kinds of rule on an amount: at least, at most, exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from allocate.errors import Problem
from allocate.rules import wording
from allocate.rules.binding import INFINITY, Binding, below_minima, beyond_reach, gainless, unknown_outcome
from allocate.rules.tally import Amount, Limit, Part, Tally
from allocate.scenario.rulebook import kind
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import Id, Money


class Measured(Binding):
    """A rule on an amount: pounds spent, or units of an outcome gained."""

    figures: ClassVar = ("amount",)
    amount: Money = Field(description="pounds, or units of the outcome measured")
    measure: Id = Field("spend", description="'spend', or the id of the outcome that is counted instead")

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        yield from unknown_outcome(self, "measure", self.measure, scenario)

    def thing(self, scenario: Scenario) -> str:
        return "" if self.measure == "spend" else scenario.name_of("outcomes", self.measure)

    def _body(self, tally: Tally, part: Part) -> Amount:
        return tally.spend(part.rows) if self.measure == "spend" else tally.gain(part.rows, self.measure)

    def _amount(self, scenario: Scenario) -> str:
        return wording.measured(self.amount, self.measure, scenario, unit=False)

    def _counted(self, scenario: Scenario) -> str:
        return wording.counted(self.measure, scenario)


@kind
class Floor(Measured):
    """At least an amount on these lines."""

    kind: ClassVar = "floor"
    aim: ClassVar = "spend or gain at least"
    breach: ClassVar = "short"

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            yield self._limit(tally, part, self._body(tally, part), self.amount, INFINITY, self.measure)

    def sentence(self, scenario: Scenario) -> str:
        return f"{self._subject(scenario)} must be at least {self._amount(scenario)}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        if self.measure == "spend":
            yield from beyond_reach(self, self.amount, scenario)
        elif self.amount > 0:
            yield from gainless(self, "amount", self.amount, self.measure, scenario)


@kind
class Cap(Measured):
    """At most an amount on these lines."""

    kind: ClassVar = "cap"
    aim: ClassVar = "spend or gain at most"
    breach: ClassVar = "over"

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            yield self._limit(tally, part, self._body(tally, part), -INFINITY, self.amount, self.measure)

    def sentence(self, scenario: Scenario) -> str:
        return f"{self._subject(scenario)} must be at most {self._amount(scenario)}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        if self.measure == "spend":
            yield from below_minima(self, self.amount, scenario)


@kind
class Keep(Binding):
    """These lines are kept at an amount: a lock that somebody asked for."""

    kind: ClassVar = "keep"
    aim: ClassVar = "keep spending at"
    figures: ClassVar = ("amount",)
    amount: Money = Field(description="pounds; kept in whole pounds, halves rounded up")
    reason: str = Field("", max_length=500, description="why, in the words of those who asked: shown, never read")
    by: str = Field("", max_length=120, description="who asked for it: shown, never read")

    @property
    def kept(self) -> float:
        """The amount in whole pounds."""
        return math.floor(self.amount + 0.5)

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            yield self._limit(tally, part, tally.spend(part.rows), self.kept, self.kept)

    def sentence(self, scenario: Scenario) -> str:
        return f"{self._subject(scenario)} is kept at {wording.money(self.kept, scenario.heading.currency)}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from beyond_reach(self, self.kept, scenario)
        yield from below_minima(self, self.kept, scenario)
