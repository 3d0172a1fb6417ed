"""What every kind of rule that becomes limits shares: its figures' types, its subject in words, its checks of reach."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from allocate.errors import Problem
from allocate.rules import wording
from allocate.rules.tally import Amount, Limit, Part, Tally
from allocate.scenario.rulebook import Rule, covers
from allocate.scenario.scenario import Scenario
from allocate.scenario.words import suggestion

INFINITY = math.inf
SHARE = "share"
"""The mark of a figure that is a fraction of something, and is said as a per cent."""
HEAD = "head"
"""The mark of a figure that is for one person: pounds, or units of the outcome counted."""
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), SHARE]
Ratio = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False), SHARE]
Growth = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False), SHARE]


class Binding(Rule):
    """A rule that becomes limits."""

    def limits(self, tally: Tally) -> Iterator[Limit]:
        """The inequalities this rule asks for."""
        raise NotImplementedError

    def _limit(
        self, tally: Tally, part: Part, body: Amount, low: float, high: float, measure: str = "spend", year: str = ""
    ) -> Limit:
        about = " in ".join(word for word in (part.name, year) if word)
        label = tally.said(self, self.sentence) + (f": {about}" if about else "")
        return Limit(self.id, label, body, low, high, measure, ".".join(word for word in (part.id, year) if word))

    def _counted(self, scenario: Scenario) -> str:
        return "spending"

    def _subject(self, scenario: Scenario) -> str:
        """What the rule is about: 'Spending on Care in North', 'In each place, spending on Care'."""
        return self._for_each(self._counted(scenario) + wording.named(self.where, scenario), scenario)

    def _for_each(self, said: str, scenario: Scenario) -> str:
        """A sentence's beginning, with what it holds for separately; nothing of that where there is but one."""
        if self.each is None or len(Tally(scenario).parts(self)) == 1:
            return wording.capital(said)
        return f"{'In' if self.each in ('place', 'year') else 'For'} each {self.each}, {said}"


def binding_rules(scenario: Scenario) -> list[Binding]:
    """The rules of a scenario that become limits, in order of their ids."""
    return [rule for rule in scenario.rules if isinstance(rule, Binding) and rule.binds]


def least_and_most(at_least: float | None, at_most: float | None) -> None:
    """Raises ValueError where neither end is given, or the least is above the most."""
    if at_least is None and at_most is None:
        raise ValueError("needs at_least, at_most, or both")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise ValueError(f"at_least {at_least:g} is above at_most {at_most:g}")


def renamed(limit: Limit, word: str) -> Limit:
    """One of several limits of the same part, told apart by a word."""
    return replace(limit, part=f"{limit.part}.{word}" if limit.part else word)


def year_word(scenario: Scenario, year: str) -> str:
    """The year as limits of every year say it: nothing where there is only one."""
    return year if len(scenario.years) > 1 else ""


def unknown_outcome(rule: Rule, field: str, value: str, scenario: Scenario, or_spend: bool = True) -> Iterator[Problem]:
    """A measure that is neither spending, where that is one, nor an outcome of the scenario."""
    known = [*(["spend"] if or_spend else []), *scenario.table("outcomes")["id"]]
    if value not in known:
        expected = "is neither 'spend' nor in outcomes.csv" if or_spend else "is not in outcomes.csv"
        yield Problem("rules.toml", expected, field=f"{rule.id}.{field}", value=value, fix=suggestion(value, known))


def beyond_reach(rule: Rule, amount: float, scenario: Scenario) -> Iterator[Problem]:
    """An amount of pounds that the lines of a rule could never get."""
    most = reach_of(np.flatnonzero(covers(rule.where, scenario)), scenario)
    if amount > most * (1 + 1e-12):
        expected = f"is more than its lines could ever get ({scenario.heading.currency}{most:,.0f})"
        yield Problem("rules.toml", expected, field=f"{rule.id}.amount", value=f"{amount:.15g}")


def below_minima(rule: Rule, amount: float, scenario: Scenario) -> Iterator[Problem]:
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


def gainless(rule: Rule, field: str, amount: float, outcome: str, scenario: Scenario) -> Iterator[Problem]:
    """An amount of an outcome asked for where no curve of it leads."""
    for part in (tally := Tally(scenario)).parts(rule):
        if not tally.gain(part.rows, outcome).terms:
            where = f", in {part.name}" if part.name else ""
            expected = f"cannot be reached: no curve of {outcome} leads there{where}"
            yield Problem("rules.toml", expected, field=f"{rule.id}.{field}", value=f"{amount:.15g}")


def reach_of(rows: np.ndarray, scenario: Scenario) -> float:
    """The most that could be spent on these lines: their own limits, or their envelopes'."""
    high = scenario._tables["lines"]["high"].to_numpy(dtype=float)[rows]
    mine, paid = np.unique(scenario.envelope_of_line[rows], return_inverse=True)
    asked = np.bincount(paid, np.where(np.isnan(high), np.inf, high), minlength=len(mine))
    return float(np.minimum(asked, scenario.reach[mine]).sum())
