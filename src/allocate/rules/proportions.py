"""Kinds of rule on a proportion: of other spending, of the baseline, of the year before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

from pydantic import Field, model_validator

from allocate.errors import Problem
from allocate.rules import wording
from allocate.rules.binding import INFINITY, Binding, Fraction, Growth, Ratio, least_and_most, renamed, year_word
from allocate.rules.tally import Limit, Tally
from allocate.rules.wording import per_cent
from allocate.scenario.rulebook import Scope, covers, kind
from allocate.scenario.scenario import Scenario


@kind
class Share(Binding):
    """At least, or at most, a share of what is spent on a base."""

    kind: ClassVar = "share"
    aim: ClassVar = "hold a share of"
    figures: ClassVar = ("at_least", "at_most")
    at_least: Ratio | None = Field(None, description="as a fraction of the base")
    at_most: Ratio | None = Field(None, description="as a fraction of the base")
    of: Scope = Field(Scope(), description="the base; every line if left out, always in the part's own place, year ...")

    @model_validator(mode="after")
    def _one_figure(self) -> Self:
        least_and_most(self.at_least, self.at_most)
        return self

    def limits(self, tally: Tally) -> Iterator[Limit]:
        alike = None if self.each == "line" else self.each
        for part in tally.parts(self):
            for year, now in tally.years(part.rows):
                over = tally.matching(int(now[0]), self.of, alike, tally.scenario.years.index(year))
                for figure, low, high in ((self.at_least, 0.0, INFINITY), (self.at_most, -INFINITY, 0.0)):
                    if figure is not None:
                        body = tally.spend(now) - figure * tally.spend(over)
                        limit = self._limit(tally, part, body, low, high, year=year_word(tally.scenario, year))
                        yield limit if self._single else renamed(limit, "least" if low == 0.0 else "most")

    @property
    def _single(self) -> bool:
        return self.at_least is None or self.at_most is None

    def sentence(self, scenario: Scenario) -> str:
        bounds = [
            f"at {word} {per_cent(figure) if figure <= 1 else f'{wording.number(figure)} times'}"
            for word, figure in (("least", self.at_least), ("most", self.at_most))
            if figure is not None
        ]
        base = f"spending{wording.named(self.of, scenario)}" if self.of else "all spending"
        joined = " and ".join(bounds)
        return f"{self._subject(scenario)} must be {joined}{'' if 'times' in joined else ' of'} {base}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        over = [name for name in self.figures if (getattr(self, name) or 0.0) > 1]
        if over and not (covers(self.where, scenario) & ~covers(self.of, scenario)).any():
            for name in over:
                figure = getattr(self, name)
                fix = f"for {figure:g} per cent write {figure / 100:g}" if figure <= 100 else ""
                expected = "must be a fraction, at most 1: its lines are part of the base"
                yield Problem("rules.toml", expected, field=f"{self.id}.{name}", value=f"{figure:g}", fix=fix)


@kind
class Band(Binding):
    """Change from the baseline stays within so much down and up."""

    kind: ClassVar = "band"
    deontic: ClassVar = "must not"
    aim: ClassVar = "move from the baseline by more than"
    figures: ClassVar = ("down", "up")
    down: Fraction | None = Field(None, description="the largest fall, as a fraction of baseline")
    up: Ratio | None = Field(None, description="the largest rise, as a fraction of baseline")

    @model_validator(mode="after")
    def _one_figure(self) -> Self:
        if self.down is None and self.up is None:
            raise ValueError("needs down, up, or both")
        return self

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            baseline = tally.baseline(part.rows)
            low = -INFINITY if self.down is None else (1 - self.down) * baseline
            high = INFINITY if self.up is None else (1 + self.up) * baseline
            yield self._limit(tally, part, tally.spend(part.rows), low, high)

    def sentence(self, scenario: Scenario) -> str:
        bounds = [
            f"{verb} by more than {per_cent(figure)}" if figure else f"{verb} at all"
            for verb, figure in (("fall", self.down), ("rise", self.up))
            if figure is not None
        ]
        return f"{self._subject(scenario)} must not {' or '.join(bounds)} from the baseline"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        if self.up is not None and self.up > 1:
            fix = f"for {self.up:g} per cent write {self.up / 100:g}"
            expected = "would allow more than doubling: expected a fraction"
            yield Problem("rules.toml", expected, field=f"{self.id}.up", value=f"{self.up:g}", fix=fix)


@kind
class GrowthFloor(Binding):
    """Spending grows at least so fast: on the year before, or on the baseline in the first year."""

    kind: ClassVar = "growth"
    aim: ClassVar = "grow by at least"
    breach: ClassVar = "short"
    figures: ClassVar = ("at_least",)
    at_least: Growth = Field(description="growth as a fraction, 0.044 for 4.4 per cent; negative allows a fall")

    def limits(self, tally: Tally) -> Iterator[Limit]:
        any_year = self.where.model_copy(update={"years": ()})
        for part in tally.parts(self):
            for year, now in tally.years(part.rows):
                then = tally.year_before(now, any_year, self.each)
                label = year_word(tally.scenario, year)
                factor = 1 + self.at_least
                if then is None:
                    low = factor * tally.baseline(now)
                    yield self._limit(tally, part, tally.spend(now), low, INFINITY, year=label)
                else:
                    body = tally.spend(now) - factor * tally.spend(then)
                    yield self._limit(tally, part, body, 0.0, INFINITY, year=label)

    def sentence(self, scenario: Scenario) -> str:
        if self.at_least == 0:
            return f"{self._subject(scenario)} must not fall"
        verb = "grow by at least" if self.at_least > 0 else "not fall by more than"
        return f"{self._subject(scenario)} must {verb} {per_cent(abs(self.at_least))} a year"
