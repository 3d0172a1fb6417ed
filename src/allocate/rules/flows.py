"""Kinds of rule about money itself: what moves between envelopes, what is left in them, what a route is opened for.

They hold year by year, for money is voted by the year. `where` names envelopes, or partners that hold them; that such a
rule names a programme or a place would mean nothing, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from allocate.errors import Problem
from allocate.rules import wording
from allocate.rules.binding import INFINITY, Binding
from allocate.rules.tally import Limit, Part, Tally
from allocate.scenario.rulebook import Scope, kind
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import Id, Money
from allocate.scenario.words import suggestion

Array = np.ndarray


class Flow(Binding):
    """A rule on some envelopes, whose limits count pounds in, out of or between them."""

    figures: ClassVar = ("amount",)
    named: ClassVar[tuple[str, ...]] = ("envelopes", "partners", "years")
    """What its scope may name; partners are those that hold the envelopes."""
    things: ClassVar = "envelope of envelopes.csv"
    each: Literal["partner", "envelope"] | None = Field(
        None, description="holds for each envelope, or each partner that holds some, instead of for their sum"
    )
    amount: Money = Field(description="pounds a year")

    @model_validator(mode="after")
    def _scope_of_money(self) -> Self:
        wrong = [name for name, value in self.where if value and name not in self.named]
        if wrong:
            raise ValueError(f"where may name {wording.listed(list(self.named))} alone, not {wording.listed(wrong)}")
        return self

    def thing(self, scenario: Scenario) -> str:
        return "money"

    def _covers(self, scope: Scope, scenario: Scenario) -> bool:
        return bool(_envelopes(scope, scenario).any())

    def _parts(self, scenario: Scenario) -> Iterator[tuple[Part, str, Array]]:
        """Each part of the rule in each year: the part, the year where there are several, and its envelopes' rows."""
        covered, table = _envelopes(self.where, scenario), scenario._tables["envelopes"]
        owner = {None: np.full(len(table), ""), "envelope": table["id"], "partner": table["holder"]}[self.each]
        years = table["year"].to_numpy(dtype=str)
        for name in sorted(set(np.asarray(owner, dtype=str)[covered])):
            said = scenario.name_of(f"{self.each}s", name) if self.each else ""
            part = Part(name, said, np.array([], dtype=int), len(scenario._tables["lines"]))
            for year in scenario.years:
                rows = np.flatnonzero(covered & (years == year) & (np.asarray(owner, dtype=str) == name))
                if len(rows):
                    yield part, year if len(scenario.years) > 1 else "", rows

    def _money(self, scenario: Scenario) -> str:
        """The envelopes in words: 'the Core services envelope', 'Core money held by The Board in 2026/27'."""
        holders = [wording.partner(name, scenario) for name in self.where.partners]
        said = wording.purses(self.where, scenario) or "any envelope"
        said += f" held by {wording.listed(holders)}" if holders else ""
        return said + (f" in {wording.listed(self.where.years)}" if self.where.years else "")

    def _pounds(self, scenario: Scenario) -> str:
        yearly = " a year" if len(scenario.years) > 1 and len(self.where.years) != 1 else ""
        return wording.money(self.amount, scenario.heading.currency) + yearly

    def _said(self, scenario: Scenario, words: str) -> str:
        each = {None: "", "partner": "For each partner that holds money, "}.get(self.each, f"For each {self.each}, ")
        return f"{each}{words}" if each else wording.capital(words)


@kind
class Virement(Flow):
    """At most so much is moved between envelopes in a year: out of or into those covered."""

    kind: ClassVar = "virement"
    aim: ClassVar = "move at most"

    def limits(self, tally: Tally) -> Iterator[Limit]:
        source, target = _ends(tally.scenario)
        for part, year, rows in self._parts(tally.scenario):
            routes = np.flatnonzero(np.isin(source, rows) | np.isin(target, rows))
            if len(routes):
                yield self._limit(tally, part, tally.moved(routes), -INFINITY, self.amount, year=year)

    def sentence(self, scenario: Scenario) -> str:
        named = self.where.envelopes or self.where.partners or self.where.years
        between = f"out of or into {self._money(scenario)}" if named else "between envelopes"
        return self._said(scenario, f"money moved {between} must be at most {self._pounds(scenario)}")

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        covered = np.flatnonzero(_envelopes(self.where, scenario))
        if not np.isin(np.concatenate(_ends(scenario)), covered).any():
            yield Problem("rules.toml", "covers no route of routes.csv", field=f"{self.id}.where")


@kind
class Reserve(Flow):
    """At least so much is left unspent at the end of the year."""

    kind: ClassVar = "reserve"
    aim: ClassVar = "keep a reserve of"
    reads: ClassVar = ("envelopes",)

    def limits(self, tally: Tally) -> Iterator[Limit]:
        scenario, (source, target) = tally.scenario, _ends(tally.scenario)
        held = scenario._tables["envelopes"]["amount"].to_numpy()
        for part, year, rows in self._parts(scenario):
            out, into = np.isin(source, rows), np.isin(target, rows)
            drawn = tally.spend(np.flatnonzero(np.isin(scenario.envelope_of_line, rows)))
            drawn = drawn + tally.moved(np.flatnonzero(out & ~into)) - tally.moved(np.flatnonzero(into & ~out))
            yield self._limit(tally, part, drawn, -INFINITY, float(held[rows].sum()) - self.amount, year=year)

    def sentence(self, scenario: Scenario) -> str:
        money = f"of {self._money(scenario)} " if self.where else ""
        return self._said(scenario, f"at least {self._pounds(scenario)} {money}must be left unspent")

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        for part, year, rows in self._parts(scenario):
            most = float(scenario.reach[rows].sum())
            if self.amount > most * (1 + 1e-12):
                about = " in ".join(word for word in (part.name, year) if word)
                expected = f"is more than could ever be there ({scenario.heading.currency}{most:,.0f}) {about}"
                yield Problem("rules.toml", expected.strip(), field=f"{self.id}.amount", value=f"{self.amount:.15g}")
                return


@kind
class Open(Flow):
    """Money may move along a route, up to an amount: it widens what routes.csv allows, and forces nothing."""

    kind: ClassVar = "open"
    deontic: ClassVar = "may"
    aim: ClassVar = "move up to"
    named: ClassVar = ("years",)
    each: None = Field(None, description="does not belong: one rule opens one route")
    route: Id = Field(description="the route of routes.csv that it opens")

    def limits(self, tally: Tally) -> Iterator[Limit]:
        yield from ()

    def openings(self, scenario: Scenario) -> Mapping[tuple[str, str], float]:
        years = self.where.years or scenario.years
        return {(self.route, year): self.amount for year in years}

    def _covers(self, scope: Scope, scenario: Scenario) -> bool:
        return True

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        routes = scenario.table("routes")
        fields = {"route": ("id", (self.route,)), "where.years": ("year", self.where.years)}
        for field, (column, asked) in fields.items():
            known = sorted(set(routes[column] if column == "id" else routes.loc[routes["id"] == self.route, column]))
            for name in asked if known or column == "id" else ():
                if name not in known:
                    expected = "is not in routes.csv" if column == "id" else "has no such route in routes.csv"
                    fix = suggestion(name, known)
                    yield Problem("rules.toml", expected, field=f"{self.id}.{field}", value=name, fix=fix)

    def sentence(self, scenario: Scenario) -> str:
        routes = scenario.table("routes")
        mine = routes[routes["id"] == self.route].head(1)
        source, target = (
            wording.purses(Scope(envelopes=tuple(mine[end])), scenario) or "another" for end in ("source", "target")
        )
        years = f" in {wording.listed(self.where.years)}" if self.where.years else ""
        return f"Up to {self._pounds(scenario)} may move from {source} to {target}{years}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        routes = scenario.table("routes")
        rows = np.flatnonzero((routes["id"] == self.route) & routes["year"].isin(self.where.years or scenario.years))
        most = scenario.reach[_ends(scenario)[0][rows]]
        if len(rows) and self.amount > most.max() * (1 + 1e-12):
            expected = f"is more than could ever leave there ({scenario.heading.currency}{most.max():,.0f})"
            yield Problem("rules.toml", expected, field=f"{self.id}.amount", value=f"{self.amount:.15g}")


def _envelopes(scope: Scope, scenario: Scenario) -> Array:
    """Which envelopes a scope covers: booleans, a row of the table each."""
    table = scenario._tables["envelopes"]
    mask = np.ones(len(table), dtype=bool)
    for column, wanted in (("id", scope.envelopes), ("holder", scope.partners), ("year", scope.years)):
        if wanted:
            mask &= table[column].isin(wanted).to_numpy()
    return mask


def _ends(scenario: Scenario) -> tuple[Array, Array]:
    """For each route, the rows of the envelopes that money leaves and comes to."""

    def found() -> tuple[Array, Array]:
        routes = scenario.table("routes")
        source, target = (scenario.envelope_rows(routes[column], routes["year"]) for column in ("source", "target"))
        return source, target

    return scenario.shared("ends of routes", found)


__all__ = ["Open", "Reserve", "Virement"]
