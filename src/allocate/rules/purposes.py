"""Kinds of rule on what money is for: ring-fenced, an outcome reached, a share matched, a report made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from allocate.errors import Problem
from allocate.rules import wording
from allocate.rules.binding import INFINITY, SHARE, Binding, Fraction, gainless, unknown_outcome, year_word
from allocate.rules.tally import Limit, Part, Tally
from allocate.scenario.curves import Curves
from allocate.scenario.rulebook import Day, Rule, Scope, covers, kind
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import Count, Id


@kind
class RingFence(Binding):
    """Money of these lines goes to a purpose only, all of it or at least a part."""

    kind: ClassVar = "ring-fence"
    aim: ClassVar = "spend only on"
    breach: ClassVar = "spent elsewhere"
    figures: ClassVar = ("at_least",)
    only: Scope = Field(description="the purpose: what the money is for")
    at_least: Fraction = Field(1.0, description="the part of the money that goes there; all of it if left out")

    def limits(self, tally: Tally) -> Iterator[Limit]:
        meant = tally.covers(self.only)
        for part in tally.parts(self):
            for year, now in tally.years(part.rows):
                body = tally.spend(now[meant[now]]) - self.at_least * tally.spend(now)
                yield self._limit(tally, part, body, 0.0, INFINITY, year=year_word(tally.scenario, year))

    def sentence(self, scenario: Scenario) -> str:
        part = "all" if self.at_least == 1 else f"at least {wording.per_cent(self.at_least)} of"
        if self.where.model_copy(update={"envelopes": (), "years": ()}):
            whole, verb = f"{part} spending{wording.named(self.where, scenario)}", "must be"
        else:
            whole, verb = self._money(part, scenario), "must be spent"
        said = self._for_each(whole, scenario)
        return f"{said} {verb}{wording.named(self.only, scenario)}"

    def _money(self, part: str, scenario: Scenario) -> str:
        """The money of envelopes: 'all money from the Coventry pool', 'at least 90% of Core money in 2026/27'."""
        purses, year = wording.purses(self.where, scenario), wording.named(Scope(years=self.where.years), scenario)
        own = purses and not wording.names_money(self.where, scenario)
        if own or not purses:
            words = "all money" if part == "all" else f"{part} the money" if purses else f"{part} all money"
            return words + (f" from {purses}" if purses else "") + year
        return (f"{part} of " if part == "all" else f"{part} ") + purses + year

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        if not self.only:
            expected = "must say what the money is for"
            yield Problem("rules.toml", expected, field=f"{self.id}.only", fix='such as { programmes = ["care"] }')

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        if self.at_least > 0 and not (covers(self.where, scenario) & covers(self.only, scenario)).any():
            expected = "covers none of the lines of where, so the money could not be spent"
            yield Problem("rules.toml", expected, field=f"{self.id}.only")


@kind
class Reach(Binding):
    """An outcome reaches a level, or so much more than today's spending buys."""

    kind: ClassVar = "reach"
    aim: ClassVar = "reach an outcome of"
    breach: ClassVar = "short"
    reads: ClassVar = ("curves", "curve_points")
    figures: ClassVar = ("amount", "more")
    outcome: Id = Field(description="the id of the outcome")
    amount: Count | None = Field(None, description="the level to reach, in units of the outcome")
    more: Count | None = Field(None, description="how much more than the baseline's spending buys, in the same units")

    @model_validator(mode="after")
    def _one_figure(self) -> Self:
        if (self.amount is None) == (self.more is None):
            raise ValueError("needs amount or more, one of the two")
        return self

    @property
    def measure(self) -> str:
        """The outcome, as limits and prices name it."""
        return self.outcome

    def thing(self, scenario: Scenario) -> str:
        return scenario.name_of("outcomes", self.outcome)

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            least = self.amount if self.amount is not None else _bought(tally, part, self.outcome) + (self.more or 0.0)
            yield self._limit(tally, part, tally.gain(part.rows, self.outcome), least, INFINITY, self.outcome)

    def _counted(self, scenario: Scenario) -> str:
        return wording.counted(self.outcome, scenario)

    def sentence(self, scenario: Scenario) -> str:
        if self.amount is not None:
            amount = wording.measured(self.amount, self.outcome, scenario, unit=False)
            return f"{self._subject(scenario)} must reach at least {amount}"
        if not self.more:
            return f"{self._subject(scenario)} must be no less than today's spending buys"
        more = wording.measured(self.more, self.outcome, scenario, unit=False)
        return f"{self._subject(scenario)} must be at least {more} more than today's spending buys"

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        yield from unknown_outcome(self, "outcome", self.outcome, scenario, or_spend=False)

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        for field in self.figures:
            if amount := getattr(self, field):
                yield from gainless(self, field, amount, self.outcome, scenario)


def _bought(tally: Tally, part: Part, outcome: str) -> float:
    """What the baseline's spending buys of an outcome under the curves that a part feeds."""
    curves = Curves.of(tally.scenario)
    today = Tally(tally.scenario, tally.baselines, curves.gain(curves.effort(tally.baselines)))
    return float(today.gain(part.rows, outcome))


@kind
class Match(Binding):
    """For every pound spent on one thing, so much is spent on another."""

    kind: ClassVar = "match"
    aim: ClassVar = "match each pound with"
    breach: ClassVar = "short"
    figures: ClassVar = ("at_least",)
    of: Scope = Field(description="the spending that is matched: in the part's own place, year ...")
    at_least: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False), SHARE] = Field(
        description="pounds for each pound: 0.5 for 50p"
    )

    def limits(self, tally: Tally) -> Iterator[Limit]:
        alike = None if self.each == "line" else self.each
        for part in tally.parts(self):
            for year, now in tally.years(part.rows):
                matched = tally.matching(int(now[0]), self.of, alike, tally.scenario.years.index(year))
                body = tally.spend(now) - self.at_least * tally.spend(matched)
                yield self._limit(tally, part, body, 0.0, INFINITY, year=year_word(tally.scenario, year))

    def sentence(self, scenario: Scenario) -> str:
        sign = scenario.heading.currency
        givers, payers = (wording.partners(scope, scenario) for scope in (self.of, self.where))
        verb = "spends" if len(givers) == 1 and not self.of.kinds else "spend"
        spent = f"that {wording.listed(givers)} {verb}" if givers else "spent"
        given = wording.named(self.of, scenario, by=False)
        first = self._for_each(f"for every {sign}1 {spent}{given}", scenario)
        amount, purpose = wording.coin(self.at_least, sign), wording.named(self.where, scenario, by=False)
        if payers:
            return f"{first}, {wording.listed(payers)} must spend at least {amount}{purpose}"
        return f"{first}, at least {amount} must be spent{purpose}"

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        found = list(super().problems(scenario))
        yield from found
        if not found and (covers(self.where, scenario) & covers(self.of, scenario)).any():
            lines = np.flatnonzero(covers(self.where, scenario) & covers(self.of, scenario))
            expected = "covers lines of where too: a pound cannot match itself"
            yield Problem("rules.toml", expected, field=f"{self.id}.of", value=scenario.line_ids[lines[0]])


@kind
class Report(Rule):
    """Something is reported by a date: it stands in the book and moves no money."""

    kind: ClassVar = "report"
    aim: ClassVar = "report"
    due: Day = Field(description="the day by which it is made")
    what: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        description="what is reported, in words that follow 'report': shown, never read"
    )

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.bends:
            raise ValueError("bends has no meaning here: a report moves no money that could be priced")
        if self.each is not None:
            raise ValueError("each has no meaning here: name the partners that report in where")
        if self.since and self.due < self.since:
            raise ValueError(f"due {self.due} is before since {self.since}")
        return self

    @property
    def binds(self) -> bool:
        """A report binds people, not pounds: it makes no limit."""
        return False

    def thing(self, scenario: Scenario) -> str:
        return self.what

    def sentence(self, scenario: Scenario) -> str:
        who = wording.partners(self.where, scenario) or [scenario.name_of("partners", self.owner)]
        who_must, by = f"{wording.capital(wording.listed(who))} must report", f"by {wording.day(self.due)}"
        # A long thing would part the day from what it belongs to.
        long = len(self.what.split()) > 6
        return f"{who_must} {by} {self.what}" if long else f"{who_must} {self.what} {by}"
