"""The kinds of rule: each a small class that says itself in a sentence and yields limits from a tally.

To add a kind: write the class with `@kind` above it. Reading it from rules.toml, `--set`, the audit, its price and the
contract tests follow from that alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from allocate.errors import Problem
from allocate.rules.tally import Limit, Part, Tally
from allocate.scenario.rulebook import KINDS, Rule, Scope, covers, kind
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import Id, Money

INFINITY = math.inf
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Growth = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]


class Binding(Rule):
    """A rule that becomes limits."""

    reads: ClassVar[tuple[str, ...]] = ()
    """Tables that its limits follow from, of those that most rules' do not (`allocate.rules.limits.UNASKED`)."""

    def limits(self, tally: Tally) -> Iterator[Limit]:
        """The inequalities this rule asks for."""
        raise NotImplementedError

    def _limit(self, tally: Tally, part: Part, body, low: float, high: float, measure: str = "spend", year: str = ""):
        about = " in ".join(word for word in (part.name, year) if word)
        label = tally.said(self, self.sentence) + (f": {about}" if about else "")
        return Limit(self.id, label, body, low, high, measure, ".".join(word for word in (part.id, year) if word))

    def _counted(self, scenario: Scenario) -> str:
        return "spending"

    def _subject(self, scenario: Scenario) -> str:
        """What the rule is about: 'Spending on Care in North', 'For each place, spending on Care'."""
        counted = self._counted(scenario) + named(self.where, scenario)
        return f"For each {self.each}, {counted}" if self.each else counted[0].upper() + counted[1:]


class Measured(Binding):
    """A rule on an amount: pounds spent, or units of an outcome gained."""

    figures: ClassVar = ("amount",)
    amount: Money = Field(description="pounds, or units of the outcome measured")
    measure: Id = Field("spend", description="'spend', or the id of the outcome that is counted instead")

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        known = ["spend", *scenario.table("outcomes")["id"]]
        if self.measure not in known:
            expected = "is neither 'spend' nor in outcomes.csv"
            yield Problem("rules.toml", expected, field=f"{self.id}.measure", value=self.measure)

    def _body(self, tally: Tally, part: Part):
        return tally.spend(part.rows) if self.measure == "spend" else tally.gain(part.rows, self.measure)

    def _amount(self, scenario: Scenario) -> str:
        if self.measure == "spend":
            return f"{scenario.heading.currency}{self.amount:,.0f}"
        outcomes = scenario.table("outcomes").set_index("id")
        return f"{self.amount:,.12g} {outcomes.loc[self.measure, 'unit']}"

    def _counted(self, scenario: Scenario) -> str:
        return (
            "spending" if self.measure == "spend" else f"gain of {scenario.name_of('outcomes', self.measure).lower()}"
        )


@kind
class Floor(Measured):
    """At least an amount on these lines."""

    kind: ClassVar = "floor"

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            yield self._limit(tally, part, self._body(tally, part), self.amount, INFINITY, self.measure)

    def sentence(self, scenario: Scenario) -> str:
        return f"{self._subject(scenario)} must be at least {self._amount(scenario)}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        if self.measure == "spend":
            yield from _beyond_reach(self, self.amount, scenario)
        elif self.amount > 0:
            for part in (tally := Tally(scenario)).parts(self):
                if not tally.gain(part.rows, self.measure).terms:
                    expected = f"cannot be reached: no curve of {self.measure} leads there {part.name}".strip()
                    yield Problem("rules.toml", expected, field=f"{self.id}.amount", value=f"{self.amount:.15g}")


@kind
class Cap(Measured):
    """At most an amount on these lines."""

    kind: ClassVar = "cap"

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for part in tally.parts(self):
            yield self._limit(tally, part, self._body(tally, part), -INFINITY, self.amount, self.measure)

    def sentence(self, scenario: Scenario) -> str:
        return f"{self._subject(scenario)} must be at most {self._amount(scenario)}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        if self.measure == "spend":
            yield from _below_minima(self, self.amount, scenario)


@kind
class Keep(Binding):
    """These lines are kept at an amount: a lock that somebody asked for."""

    kind: ClassVar = "keep"
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
        return f"{self._subject(scenario)} is kept at {scenario.heading.currency}{self.kept:,.0f}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from _beyond_reach(self, self.kept, scenario)
        yield from _below_minima(self, self.kept, scenario)


@kind
class Share(Binding):
    """At least, or at most, a share of what is spent on a base."""

    kind: ClassVar = "share"
    figures: ClassVar = ("at_least", "at_most")
    at_least: Ratio | None = Field(None, description="as a fraction of the base")
    at_most: Ratio | None = Field(None, description="as a fraction of the base")
    of: Scope = Field(Scope(), description="the base; every line if left out, always in the part's own place, year ...")

    @model_validator(mode="after")
    def _one_figure(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least, at_most, or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is above at_most {self.at_most:g}")
        return self

    def limits(self, tally: Tally) -> Iterator[Limit]:
        alike = None if self.each == "line" else self.each
        for part in tally.parts(self):
            for year, now in tally.years(part.rows):
                over = tally.matching(int(now[0]), self.of, alike, tally.scenario.years.index(year))
                for figure, low, high in ((self.at_least, 0.0, INFINITY), (self.at_most, -INFINITY, 0.0)):
                    if figure is not None:
                        body = tally.spend(now) - figure * tally.spend(over)
                        label = year if len(tally.scenario.years) > 1 else ""
                        limit = self._limit(tally, part, body, low, high, year=label)
                        yield limit if self._single else renamed(limit, "least" if low == 0.0 else "most")

    @property
    def _single(self) -> bool:
        return self.at_least is None or self.at_most is None

    def sentence(self, scenario: Scenario) -> str:
        bounds = [
            f"at {word} {_percent(figure) if figure <= 1 else f'{figure:g} times'}"
            for word, figure in (("least", self.at_least), ("most", self.at_most))
            if figure is not None
        ]
        base = f"spending{named(self.of, scenario)}" if self.of else "all spending"
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
            f"{verb} by at most {_percent(figure)}"
            for verb, figure in (("fall", self.down), ("rise", self.up))
            if figure is not None
        ]
        return f"{self._subject(scenario)} must {' and '.join(bounds)} from the baseline"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        if self.up is not None and self.up > 1:
            fix = f"for {self.up:g} per cent write {self.up / 100:g}"
            expected = "would allow more than doubling: expected a fraction"
            yield Problem("rules.toml", expected, field=f"{self.id}.up", value=f"{self.up:g}", fix=fix)


@kind
class GrowthFloor(Binding):
    """Spending grows at least so fast: on the year before, or on the baseline in the first year."""

    kind: ClassVar = "growth"
    figures: ClassVar = ("at_least",)
    at_least: Growth = Field(description="growth as a fraction, 0.044 for 4.4 per cent; negative allows a fall")

    def limits(self, tally: Tally) -> Iterator[Limit]:
        several = len(tally.scenario.years) > 1
        any_year = self.where.model_copy(update={"years": ()})
        for part in tally.parts(self):
            for year, now in tally.years(part.rows):
                then = tally.year_before(now, any_year, self.each)
                label = year if several else ""
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
        verb = "grow by at least" if self.at_least > 0 else "fall by at most"
        return f"{self._subject(scenario)} must {verb} {_percent(abs(self.at_least))} a year"


def binding_rules(scenario: Scenario) -> list[Binding]:
    """The rules of a scenario that become limits, in order of their ids."""
    return [rule for rule in scenario.rules if isinstance(rule, Binding) and rule.binds]


def renamed(limit: Limit, word: str) -> Limit:
    """A limit told apart from others of its part by a word."""
    part = f"{limit.part}.{word}" if limit.part else word
    return Limit(limit.owner, limit.label, limit.body, limit.low, limit.high, limit.measure, part)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.6g}%"


def _beyond_reach(rule: Rule, amount: float, scenario: Scenario) -> Iterator[Problem]:
    """An amount of pounds that the lines of a rule could never get."""
    most = _reach(rule, scenario)
    if amount > most * (1 + 1e-12):
        expected = f"is more than its lines could ever get ({scenario.heading.currency}{most:,.0f})"
        yield Problem("rules.toml", expected, field=f"{rule.id}.amount", value=f"{amount:.15g}")


def _below_minima(rule: Rule, amount: float, scenario: Scenario) -> Iterator[Problem]:
    """An amount of pounds less than what the lines of a rule, or of one of its parts, must spend: the first part."""
    low = scenario._tables["lines"]["low"].to_numpy()
    if amount >= low[covers(rule.where, scenario)].sum():
        return
    for part in Tally(scenario).parts(rule):
        least = low[part.rows].sum()
        if amount < least * (1 - 1e-12):
            expected = f"is less than its lines' minima ({scenario.heading.currency}{least:,.0f}) {part.name}"
            yield Problem("rules.toml", expected.strip(), field=f"{rule.id}.amount", value=f"{amount:.15g}")
            return


def _reach(rule: Rule, scenario: Scenario) -> float:
    """The most that could be spent on the lines a rule covers."""
    return reach_of(np.flatnonzero(covers(rule.where, scenario)), scenario)


def reach_of(rows: np.ndarray, scenario: Scenario) -> float:
    """The most that could be spent on these lines: their own limits, or their envelopes'."""
    high = scenario._tables["lines"]["high"].to_numpy(dtype=float)[rows]
    mine, paid = np.unique(scenario.envelope_of_line[rows], return_inverse=True)
    asked = np.bincount(paid, np.where(np.isnan(high), np.inf, high), minlength=len(mine))
    return float(np.minimum(asked, scenario.reach[mine]).sum())


def named(scope: Scope, scenario: Scenario) -> str:
    """A scope in words that follow 'spending': ' on Care by The Trust in North from Core money'."""

    def names(part: str, table: str) -> list[str]:
        return [scenario.name_of(table, value) for value in getattr(scope, part)]

    groups = [value.replace("-", " ") for value in scope.groups]
    kinds = [f"{value.replace('-', ' ')} bodies" for value in scope.kinds]
    phrases = (
        ("on", names("programmes", "programmes") + groups),
        ("by", names("partners", "partners") + kinds),
        ("in", names("places", "places")),
        ("from", names("envelopes", "envelopes")),
        ("in", list(scope.years)),
    )
    return "".join(f" {word} {listed(said)}" for word, said in phrases if said)


def listed(names: list[str]) -> str:
    """Names in words: 'North', 'North and South', 'North, South and West'."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


__all__ = ["KINDS", "Band", "Binding", "Cap", "Floor", "GrowthFloor", "Keep", "Share", "binding_rules"]
