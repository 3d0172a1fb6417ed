"""Kinds of rule on what each person gets: at least or at most so much in every place, and no place far above another.

People are counted by head or by need. What is said of spending is linear in it and holds to the pound; of an outcome it
counts what the curves gain, from the nothing that they count from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from allocate.errors import Problem
from allocate.rules import wording
from allocate.rules.binding import HEAD, INFINITY, gainless, least_and_most, reach_of, year_word
from allocate.rules.places import POUND, Headed, people
from allocate.rules.tally import Limit, Part, Tally
from allocate.scenario.rulebook import kind
from allocate.scenario.scenario import Scenario

Times = Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)]
PerPerson = Annotated[float, Field(ge=0, le=1e13, allow_inf_nan=False), HEAD]
"""Pounds and pence, or units of an outcome, for one person. Not `Money`, which moves in whole pounds."""


@kind
class Spread(Headed):
    """No place gets more than so many times what any other gets for each person.

    It makes a limit for every ordered pair of places and year: n(n − 1) of them.
    """

    kind: ClassVar = "ratio"
    aim: ClassVar = "keep the best-off place within so many times the worst-off"
    breach: ClassVar = "over"
    figures: ClassVar = ("at_most",)
    at_most: Times = Field(description="how many times another place's amount for each person: 1.25 for a quarter more")

    def limits(self, tally: Tally) -> Iterator[Limit]:
        parts = tally.parts(self)
        heads = dict(zip((part.id for part in parts), people(parts, self.by, tally.scenario), strict=True))
        for year, everywhere in tally.years(np.sort(np.concatenate([part.rows for part in parts]))):
            label, before = year_word(tally.scenario, year), tally.baseline(everywhere) / sum(heads.values())
            here = [(part, now[year]) for part in parts if year in (now := dict(tally.years(part.rows)))]
            for (part, rows), (other, there) in permutations(here, 2):
                times = self.at_most * heads[part.id] / heads[other.id]
                body = self._body(tally, rows) - times * self._body(tally, there)
                slip = POUND * (1 + times) if self._narrow(before, heads[part.id], heads[other.id]) else 0.0
                against = replace(part, id=f"{part.id}.to-{other.id}", name=f"{part.name} against {other.name}")
                yield self._limit(tally, against, body, -INFINITY, slip, self.measure, label)

    def _narrow(self, average: float, here: float, there: float) -> bool:
        """Whether whole pounds might not fit between two places' limits on each other, at today's average a head."""
        room = (self.at_most - 1 / self.at_most) * average
        return self.measure == "spend" and room < 2 * POUND * (1 / here + 1 / there)

    def sentence(self, scenario: Scenario) -> str:
        subject = f"{self._everywhere(scenario)} {self._head}"
        if self.at_most == 1:
            return f"{subject} must be the same as in any other place covered"
        return f"{subject} must be at most {wording.number(self.at_most)} times that in any other place covered"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from self._place_problems(self.by, scenario)
        if self.measure != "spend":
            yield from gainless(self, "at_most", self.at_most, self.measure, scenario)
            if self.at_most == 1:
                expected = "must be above 1: whole pounds do not buy the very same outcome in two places"
                yield Problem("rules.toml", expected, field=f"{self.id}.at_most", value="1")


@kind
class PerHead(Headed):
    """At least, or at most, an amount for each person in every place."""

    kind: ClassVar = "per-head"
    aim: ClassVar = "spend or gain for each person"
    figures: ClassVar = ("at_least", "at_most")
    at_least: PerPerson | None = Field(None, description="pounds, or units of the outcome measured, for each person")
    at_most: PerPerson | None = Field(None, description="pounds, or units of the outcome measured, for each person")

    @model_validator(mode="after")
    def _one_figure(self) -> Self:
        least_and_most(self.at_least, self.at_most)
        return self

    def limits(self, tally: Tally) -> Iterator[Limit]:
        parts = tally.parts(self)
        for part, heads in zip(parts, people(parts, self.by, tally.scenario), strict=True):
            low, high = self._ends(heads)
            for year, now in tally.years(part.rows):
                body, label = self._body(tally, now), year_word(tally.scenario, year)
                yield self._limit(tally, part, body, low, high, self.measure, label)

    def _ends(self, heads: float) -> tuple[float, float]:
        """The least and the most in a place of so many people. Where whole pounds might not fit between, they are a
        pound further apart on either side."""
        low = -INFINITY if self.at_least is None else self.at_least * heads
        high = INFINITY if self.at_most is None else self.at_most * heads
        slip = POUND if self.measure == "spend" and high - low < 2 * POUND else 0.0
        return low - slip, high + slip

    def sentence(self, scenario: Scenario) -> str:
        bounds = [
            f"at {word} {wording.measured(figure, self.measure, scenario, unit=False)}"
            for word, figure in (("least", self.at_least), ("most", self.at_most))
            if figure is not None
        ]
        return f"{self._subject(scenario)} {self._head} must be {' and '.join(bounds)}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from self._people_problems(self.by, scenario)
        if self.measure != "spend":
            if self.at_least:
                yield from gainless(self, "at_least", self.at_least, self.measure, scenario)
            if self.at_least is not None and self.at_least == self.at_most:
                expected = "must be above at_least: whole pounds do not buy one exact outcome"
                yield Problem("rules.toml", expected, field=f"{self.id}.at_most", value=f"{self.at_most:g}")
            return
        parts = Tally(scenario).parts(self)
        for part, heads in zip(parts, people(parts, self.by, scenario), strict=True):
            if heads > 0:
                yield from self._out_of_reach(part, heads, scenario)

    def _out_of_reach(self, part: Part, heads: float, scenario: Scenario) -> Iterator[Problem]:
        """Pounds for each person that a place's lines could never get in a year, or that their minima exceed."""
        sign, minima = scenario.heading.currency, scenario._tables["lines"]["low"].to_numpy()
        for _, now in Tally(scenario).years(part.rows):
            most, least = reach_of(now, scenario), float(minima[now].sum())
            if self.at_least is not None and self.at_least * heads > most * (1 + 1e-12):
                expected = (
                    f"is more than {part.name}'s lines could ever get ({sign}{most / heads:,.2f} for each person)"
                )
                yield Problem("rules.toml", expected, field=f"{self.id}.at_least", value=f"{self.at_least:.15g}")
            if self.at_most is not None and self.at_most * heads < least * (1 - 1e-12):
                expected = (
                    f"is less than the minima of {part.name}'s lines ({sign}{least / heads:,.2f} for each person)"
                )
                yield Problem("rules.toml", expected, field=f"{self.id}.at_most", value=f"{self.at_most:.15g}")
