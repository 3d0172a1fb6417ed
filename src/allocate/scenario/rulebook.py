"""What every rule says about itself, whatever its kind: whose it is, what it covers, how firm it stands.

The kinds themselves (floor, cap, share ...) live in `allocate.rules` and enter `KINDS` with `@kind`, so that the
scenario can be read and checked without this layer knowing any of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from allocate.errors import Problem
from allocate.scenario.tables import Id, Year
from allocate.scenario.words import suggestion

if TYPE_CHECKING:
    from allocate.scenario.scenario import Scenario

Each = Literal["line", "partner", "place", "programme", "envelope", "year"]


def _day(value: Any) -> date:
    """A date, or a text such as 2026-03-31: nothing else, so that no number passes for seconds since 1970."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("is not a date")


Day = Annotated[date, BeforeValidator(_day)]


class Scope(BaseModel):
    """Which lines: those that fit every field given. A place covers the places within it; a field left out fits any."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    partners: tuple[Id, ...] = ()
    kinds: tuple[Id, ...] = Field((), description="kinds of partner")
    places: tuple[Id, ...] = ()
    programmes: tuple[Id, ...] = ()
    groups: tuple[Id, ...] = Field((), description="groups of programmes")
    envelopes: tuple[Id, ...] = ()
    years: tuple[Year, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, field) for field in type(self).model_fields)


SCOPE_TABLE = {
    "partners": ("partners", "id"),
    "kinds": ("partners", "kind"),
    "places": ("places", "id"),
    "programmes": ("programmes", "id"),
    "groups": ("programmes", "group"),
    "envelopes": ("envelopes", "id"),
}


class Objection(BaseModel):
    """A partner's reasoned objection to a rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    by: Id = Field(description="the partner that objects")
    reason: str = Field(min_length=1, max_length=500, description="why, in its own words: shown, never read")


class Bend(BaseModel):
    """One band of the published price of bending a rule: the next `by` of a breach, at `price`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    by: Annotated[float, Field(gt=0, le=1e13, allow_inf_nan=False)] | None = Field(
        None, description="how wide the band is, in pounds or units of the outcome measured; no end if left out"
    )
    price: Annotated[float, Field(gt=0, le=1e13, allow_inf_nan=False)] = Field(
        description="points of the agreed aim that £1m of breach costs, or one unit of the outcome measured"
    )

    @property
    def width(self) -> float:
        """How wide the band is; infinite where it has no end."""
        return math.inf if self.by is None else self.by

    def __str__(self) -> str:
        return f"{self.price:.15g}" + (f" up to {self.by:.15g}" if self.by is not None else "")


class Rule(BaseModel):
    """A sentence partners agreed, in Crawford and Ostrom's grammar of institutions (APSR 89, 1995): who must, must not
    or may do what, when and where, or else. A kind adds its figures, its limits and its wording."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str]
    figures: ClassVar[tuple[str, ...]] = ()
    """The fields that are figures, and so need evidence and may be moved by a slider."""
    deontic: ClassVar[Literal["must", "must not", "may"]] = "must"
    aim: ClassVar[str] = ""
    """What the rule asks for, of the closed list that the kinds make: 'spend at least', 'keep a reserve of' ..."""
    reads: ClassVar[tuple[str, ...]] = ()
    """Tables whose figures its limits follow from, beyond those that any rule's may (see `allocate.rules.limits`)."""
    breach: ClassVar[str] = "of breach"
    """What comes after the amount of a breach in words: £1m 'short', £1m 'over'."""
    things: ClassVar[str] = "line of lines.csv"
    """What its scopes cover."""

    id: Id
    owner: Id = Field(description="the partner that answers for the rule")
    standing: Literal["statutory", "agreed", "recorded"] = Field(
        "agreed", description="recorded rules are kept in the book and bind nothing"
    )
    in_force: bool = True
    where: Scope = Field(Scope(), description="the lines it covers; every line if left out")
    each: Each | None = Field(None, description="holds for each of these separately, instead of for their sum")
    authority: str = Field("", description="the law, guidance or meeting that it comes from")
    source: Id | None = Field(None, description="a row of sources.csv: where its wording stands")
    text: str = Field("", max_length=1000, description="the wording as it was agreed: shown, never read")
    level: Literal["operational", "collective-choice", "constitutional"] = Field(
        "operational", description="about what is done, about who decides that, or about how rules are made"
    )
    proposer: Id | None = Field(None, description="the partner that proposed it")
    support: tuple[Id, ...] = Field((), description="the partners that agreed to it")
    objections: tuple[Objection, ...] = Field((), description="partners that object, each with its reason")
    since: Day | None = Field(None, description="the day it came into force")
    review: Day | None = Field(None, description="the day by which it is to be looked at again")
    when: str = Field("", max_length=300, description="the condition under which it holds, in words: shown, never read")
    or_else: str = Field("", max_length=300, description="what follows a breach, in words: shown, never read")
    bends: tuple[Bend, ...] = Field(
        (), description="what bending it costs, in bands of rising price; firm if left out, and always where statutory"
    )

    def sentence(self, scenario: Scenario) -> str:
        """The rule as minutes would put it, figures included."""
        raise NotImplementedError

    def thing(self, scenario: Scenario) -> str:
        """The direct object of the rule, in words, where it is not spending on programmes: an outcome, a report ..."""
        return ""

    def openings(self, scenario: Scenario) -> Mapping[tuple[str, str], float]:
        """What a rule that says 'may' opens: by route and year, the pounds that may move along it at least."""
        return {}

    def _covers(self, scope: Scope, scenario: Scenario) -> bool:
        """Whether a scope of this rule, whose names are all known, covers anything."""
        return bool(covers(scope, scenario).any())

    @property
    def binds(self) -> bool:
        return self.in_force and self.standing != "recorded"

    @property
    def scopes(self) -> list[tuple[str, Scope]]:
        """Each scope the rule names, with its field: `where`, and what its kind adds."""
        fields = ((name, getattr(self, name)) for name in type(self).model_fields)
        return [(name, value) for name, value in fields if isinstance(value, Scope)]

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        """What is wrong with this rule in this scenario; kinds add their own."""
        file, partners = "rules.toml", scenario.codes("partners", "id")[1].tolist()
        if self.owner not in partners:
            yield Problem(
                file, "is not in partners.csv", field=f"{self.id}.owner", value=self.owner,
                fix=suggestion(self.owner, partners),
            )  # fmt: skip
        yield from self._people(partners, scenario)
        yield from self._prices()
        yield from self._days(scenario)
        for name, scope in self.scopes:
            yield from scope_problems(scope, f"{self.id}.{name}", scenario, self._covers, self.things)

    def _people(self, partners: list[str], scenario: Scenario) -> Iterator[Problem]:
        """Names of partners, and of a source, that the scenario does not have; partners on both sides."""
        named = [("proposer", self.proposer), *(("support", name) for name in self.support)]
        named += [("objections.by", objection.by) for objection in self.objections]
        for field, name in named:
            if name is not None and name not in partners:
                fix = suggestion(name, partners)
                yield Problem("rules.toml", "is not in partners.csv", field=f"{self.id}.{field}", value=name, fix=fix)
        for name in sorted({objection.by for objection in self.objections} & set(self.support)):
            expected = "both supports the rule and objects to it"
            yield Problem("rules.toml", expected, field=f"{self.id}.support", value=name)
        sources = list(scenario._tables["sources"]["id"])
        if self.source is not None and self.source not in sources:
            fix = suggestion(self.source, sources)
            yield Problem("rules.toml", "is not in sources.csv", field=f"{self.id}.source", value=self.source, fix=fix)

    def _prices(self) -> Iterator[Problem]:
        """Bands of price that cannot be: in law, falling, or behind one without an end."""
        field = f"{self.id}.bends"
        if self.bends and self.standing != "agreed":
            expected = f"belongs to agreed rules: a {self.standing} rule has no price"
            yield Problem("rules.toml", expected, field=field)
        for before, after in pairwise(self.bends):
            if after.price <= before.price:
                expected = f"must rise in price from band to band: {after.price:.15g} follows {before.price:.15g}"
                yield Problem("rules.toml", expected, field=field)
            if before.by is None:
                expected = "has a band after one without an end, which would never be reached: give that a by"
                yield Problem("rules.toml", expected, field=field)

    def _days(self, scenario: Scenario) -> Iterator[Problem]:
        """A review that is not after the start, and a start after a year that the rule covers."""
        if self.since and self.review and self.review <= self.since:
            expected = f"is not after since, {self.since}"
            yield Problem("rules.toml", expected, field=f"{self.id}.review", value=str(self.review))
        early = [year for year in self.where.years or scenario.years if self.since and self.since > _last_day(year)]
        if self.binds and early:
            expected = f"is after {early[0]}, which the rule covers: name later years in where, or set in_force = false"
            yield Problem("rules.toml", expected, field=f"{self.id}.since", value=str(self.since))

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        """Figures of this rule that cannot be meant, in a scenario whose names are sound; kinds add theirs."""
        yield from ()


def _last_day(year: str) -> date:
    """The last day of a year: of 2025/26, which begins in April, 31 March 2026."""
    first, slash, _ = year.partition("/")
    return date(int(first) + 1, 3, 31) if slash else date(int(first), 12, 31)


def scope_problems(
    scope: Scope, field: str, scenario: Scenario, covered: Callable[[Scope, Scenario], bool], things: str
) -> Iterator[Problem]:
    """Names a scope uses that the scenario does not have, or a scope that covers nothing."""
    unknown = False
    for part in type(scope).model_fields:
        if not getattr(scope, part):
            continue
        table, column = SCOPE_TABLE.get(part, ("", ""))
        known = list(scenario.years) if part == "years" else scenario.codes(table, column)[1].tolist()
        for value in getattr(scope, part):
            if value not in known:
                unknown = True
                expected = f"is not in {table}.csv" if table else "is not one of the scenario's years"
                yield Problem(
                    "rules.toml", expected, field=f"{field}.{part}", value=value, fix=suggestion(value, known)
                )
    if not unknown and not covered(scope, scenario):
        given = [f"{part} {', '.join(values)}" for part, values in scope if values]
        yield Problem("rules.toml", f"covers no {things}", field=field, value="; ".join(given))


def covers(scope: Scope, scenario: Scenario) -> np.ndarray:
    """Which lines a scope covers: booleans, one per row of `scenario.lines`. Not to be written into."""
    return scenario.shared(("covers", scope), lambda: _covers(scope, scenario))


def _covers(scope: Scope, scenario: Scenario) -> np.ndarray:
    mask = np.ones(len(scenario._tables["lines"]), dtype=bool)
    for part, column in (
        ("partners", "partner"), ("programmes", "programme"), ("envelopes", "envelope"), ("years", "year"),
    ):  # fmt: skip
        if getattr(scope, part):
            mask &= _among(scenario, column, getattr(scope, part))
    if scope.places:
        mask &= _among(scenario, "place", set().union(*(scenario.within(place) for place in scope.places)))
    if scope.kinds:
        partners = scenario.table("partners")
        mask &= _among(scenario, "partner", partners.loc[partners["kind"].isin(scope.kinds), "id"])
    if scope.groups:
        programmes = scenario.table("programmes")
        mask &= _among(scenario, "programme", programmes.loc[programmes["group"].isin(scope.groups), "id"])
    mask.flags.writeable = False
    return mask


def _among(scenario: Scenario, column: str, wanted: Iterable[str]) -> np.ndarray:
    """Which lines have one of these names in a column."""
    codes, names = scenario.codes("lines", column)
    numbers = scenario.shared(("numbers", column), lambda: {name: number for number, name in enumerate(names)})
    among = np.zeros(len(names), dtype=bool)
    among[[numbers[name] for name in wanted if name in numbers]] = True
    return among[codes]


KINDS: dict[str, type[Rule]] = {}
"""Every kind of rule by its name in rules.toml."""


def kind(cls: type[Rule]) -> type[Rule]:
    """Enter a kind of rule in the list of kinds: the one registration that a new kind needs."""
    KINDS[cls.kind] = cls
    return cls


def record(rule: Rule) -> dict[str, Any]:
    """A rule as rules.toml holds it: plain values, defaults left out."""
    return {"kind": rule.kind} | rule.model_dump(mode="json", exclude_defaults=True, exclude={"id"})
