"""Kinds of rule between places: moving to fair shares, and staying near the average.

A place's fair share is its part of the need of all the places that the rule covers. Distance from target and the pace
at which it closes are how English allocations move places to their fair share; here the pace is a part of the opening
distance a year, so that the rule stays linear in what is spent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from allocate.errors import Problem
from allocate.rules import wording
from allocate.rules.binding import INFINITY, SHARE, Binding, Fraction, renamed, unknown_outcome, year_word
from allocate.rules.tally import Amount, Limit, Part, Tally
from allocate.scenario.rulebook import kind
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import Id, Year
from allocate.scenario.words import suggestion

Counted = Literal["population", "need"]
NOTHING = 1e-9
"""A coefficient below this is what rounding left of nothing."""
POUND = 1.0
"""How far a place may stand from an amount that whole pounds cannot meet exactly."""


class Between(Binding):
    """A rule on each place, held against what is spent (gained) in all the places it covers, year by year."""

    each: Literal["place"] = Field("place", description="always each place")

    def _years(self, tally: Tally, column: Counted) -> Iterator[tuple[str, Part, np.ndarray, np.ndarray, float]]:
        """Per place and year: the year, the place, its lines, those of all places, and its part of the people."""
        parts = tally.parts(self)
        heads = people(parts, column, tally.scenario)
        for year, everywhere in tally.years(np.sort(np.concatenate([part.rows for part in parts]))):
            for part, weight in zip(parts, heads / heads.sum(), strict=True):
                here = dict(tally.years(part.rows)).get(year, part.rows[:0])
                yield year, part, here, everywhere, float(weight)

    def _place_problems(self, column: Counted, scenario: Scenario) -> Iterator[Problem]:
        """Places that cannot be held against each other: one inside another, one alone, people not known."""
        if len(Tally(scenario).parts(self)) < 2:
            expected = "covers one place only: there is no other to hold it against"
            yield Problem("rules.toml", expected, field=f"{self.id}.where")
        yield from self._people_problems(column, scenario)

    def _people_problems(self, column: Counted, scenario: Scenario) -> Iterator[Problem]:
        """Places whose people cannot be counted apart: one inside another, people not known."""
        parts, field = Tally(scenario).parts(self), f"{self.id}.where"
        names, heads = {part.id for part in parts}, people(parts, column, scenario)
        for part, weight in zip(parts, heads, strict=True):
            if inside := sorted(names & scenario.within(part.id) - {part.id}):
                expected = f"covers lines there and in {inside[0]}, which lies inside it: name places of one level"
                yield Problem("rules.toml", expected, field=field, value=part.id)
            if not weight > 0:
                expected = f"has no {column} in places.csv, by which the rule counts"
                yield Problem("rules.toml", expected, field=field, value=part.id)

    def _everywhere(self, scenario: Scenario) -> str:
        return f"In each place, {self._counted(scenario)}{wording.named(self.where, scenario)}"


def people(parts: tuple[Part, ...], column: Counted, scenario: Scenario) -> np.ndarray:
    """The people of each place, counted by head or by need; nothing where they are not known."""
    known = scenario._tables["places"].set_index("id")[column]
    return np.nan_to_num(known.loc[[part.id for part in parts]].to_numpy(dtype=float))


def _less(asked: Callable[[np.ndarray], Amount], here: np.ndarray, everywhere: np.ndarray, part: float) -> Amount:
    """What is spent (gained) here less a part of what is everywhere.

    Where the part is all but nothing, or the two all but cancel, no rounding error is left as a coefficient.
    """
    if part < NOTHING:
        return asked(here)
    if abs(1 - part) < NOTHING:
        return -part * asked(np.setdiff1d(everywhere, here))
    return asked(here) - part * asked(everywhere)


@kind
class Converge(Between):
    """Each place moves towards its fair share of spending at least so fast."""

    kind: ClassVar = "converge"
    aim: ClassVar = "move to fair share by"
    breach: ClassVar = "off its path"
    figures: ClassVar = ("pace",)
    pace: Fraction | None = Field(None, description="the part of the opening distance from fair share closed each year")
    by: Year | None = Field(None, description="the year by whose end the distance is closed; the pace follows from it")
    no_overshoot: bool = Field(True, description="no place passes its fair share, to the pound")
    no_cash_loser: bool = Field(False, description="no place's spending falls below its baseline")

    @model_validator(mode="after")
    def _one_figure(self) -> Self:
        if self.pace is None and self.by is None:
            raise ValueError("needs pace, by, or both")
        return self

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for year, part, here, everywhere, share in self._years(tally, "need"):
            distance = self._opening(tally, part, share)
            left = distance * self._left(year, tally.scenario)
            spent = tally.spend(here)
            # Where the window is narrower than a pound or two, whole pounds need that much of it.
            slip = POUND if abs(left) * share * tally.baseline(everywhere) < 2 * POUND else 0.0
            path = _less(tally.spend, here, everywhere, share * (1 + left))
            target = _less(tally.spend, here, everywhere, share)
            label = year_word(tally.scenario, year)
            rows: list[tuple[str, Amount, float, float]] = [
                ("path", path, 0.0 - slip, INFINITY) if distance < 0 else ("path", path, -INFINITY, slip)
            ]
            if self.no_overshoot:
                ends = (-INFINITY, slip) if distance < 0 else (0.0 - slip, INFINITY)
                rows.append(("target", target, *ends))
            if self.no_cash_loser:
                rows.append(("cash", spent, tally.baseline(here), INFINITY))
            for word, body, low, high in rows:
                limit = self._limit(tally, part, body, low, high, year=label)
                yield limit if len(rows) == 1 else renamed(limit, word)

    def _opening(self, tally: Tally, part: Part, share: float) -> float:
        """How far a place stood from its fair share before: its baseline over its share of all baselines, less 1."""
        any_year = self.model_copy(update={"where": self.where.model_copy(update={"years": ()})})
        parts = tally.parts(any_year)
        first = [next(iter(tally.years(each.rows)))[1] for each in parts]
        before = dict(zip((each.id for each in parts), map(tally.baseline, first), strict=True))
        total = sum(before.values())
        return before[part.id] / (share * total) - 1 if total > 0 else 0.0

    def _left(self, year: str, scenario: Scenario) -> float:
        """The part of the opening distance that may be left at the end of a year."""
        number = scenario.years.index(year) + 1
        last = scenario.years.index(self.by) + 1 if self.by in scenario.years else 0
        if last and number >= last:
            return 0.0
        pace = self.pace if self.pace is not None else 1 / last
        return max(0.0, 1 - number * pace)

    def sentence(self, scenario: Scenario) -> str:
        asked = self._asked()
        asked += ["must not go past it"] if self.no_overshoot and self.pace != 1 else []
        asked += ["must not fall below the baseline"] if self.no_cash_loser else []
        return f"{self._everywhere(scenario)} {wording.listed(asked)}"

    def _asked(self) -> list[str]:
        """How fast places move, the first of it with fair share in full."""
        share, end = "its fair share by need", f"by the end of {self.by}"
        if self.pace is None:
            return [f"must, {end}, reach {share}"]
        if self.pace == 0:
            said = [f"must not move further from {share}"]
        elif self.pace == 1:
            return [f"must stand at {share}"]
        else:
            said = [f"must close at least {wording.per_cent(self.pace)} of its opening distance from {share} each year"]
        return said + ([f"must reach it {end}"] if self.by else [])

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        if self.by is not None and self.by not in scenario.years:
            expected, fix = "is not one of the scenario's years", suggestion(self.by, scenario.years)
            yield Problem("rules.toml", expected, field=f"{self.id}.by", value=self.by, fix=fix)

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from self._place_problems("need", scenario)


class Headed(Between):
    """A rule on spending, or on an outcome, for each person."""

    by: Counted = Field("population", description="'population', or 'need' to count people by need")
    measure: Id = Field("spend", description="'spend', or the id of the outcome that is counted instead")

    def _body(self, tally: Tally, rows: np.ndarray) -> Amount:
        return tally.spend(rows) if self.measure == "spend" else tally.gain(rows, self.measure)

    def thing(self, scenario: Scenario) -> str:
        return "" if self.measure == "spend" else scenario.name_of("outcomes", self.measure)

    def _counted(self, scenario: Scenario) -> str:
        return wording.counted(self.measure, scenario)

    @property
    def _head(self) -> str:
        return "for each person" if self.by == "population" else "for each person counted by need"

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        yield from unknown_outcome(self, "measure", self.measure, scenario)


@kind
class Gap(Headed):
    """Spending, or an outcome, for each person stays near the average in every place."""

    kind: ClassVar = "gap"
    aim: ClassVar = "keep each place near the average, within"
    breach: ClassVar = "out of step"
    figures: ClassVar = ("within",)
    within: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), SHARE] = Field(
        description="the largest gap from the average, as a fraction of it"
    )

    def limits(self, tally: Tally) -> Iterator[Limit]:
        for year, part, here, everywhere, share in self._years(tally, self.by):
            label = year_word(tally.scenario, year)
            for word, sign in (("least", -1.0), ("most", 1.0)):
                body = _less(partial(self._body, tally), here, everywhere, share * (1 + sign * self.within))
                ends = (0.0, INFINITY) if sign < 0 else (-INFINITY, 0.0)
                yield renamed(self._limit(tally, part, body, *ends, self.measure, label), word)

    def sentence(self, scenario: Scenario) -> str:
        within = wording.per_cent(self.within)
        return (
            f"{self._everywhere(scenario)} {self._head} must stay within {within} of the average of all places covered"
        )

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from self._place_problems(self.by, scenario)
