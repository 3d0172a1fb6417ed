"""What every rule says about itself, whatever its kind: whose it is, what it covers, how firm it stands.

The kinds themselves (floor, cap, share ...) live in `allocate.rules` and enter `KINDS` with `@kind`, so that the
scenario can be read and checked without this layer knowing any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from allocate.errors import Problem
from allocate.scenario.tables import Id, Year
from allocate.scenario.words import suggestion

if TYPE_CHECKING:
    from allocate.scenario.scenario import Scenario

Each = Literal["line", "partner", "place", "programme", "envelope", "year"]


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


class Rule(BaseModel):
    """A sentence partners agreed. A kind adds its figures, its limits and its wording."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str]
    figures: ClassVar[tuple[str, ...]] = ()
    """The fields that are figures, and so need evidence and may be moved by a slider."""

    id: Id
    owner: Id = Field(description="the partner that answers for the rule")
    standing: Literal["statutory", "agreed", "recorded"] = Field(
        "agreed", description="recorded rules are kept in the book and bind nothing"
    )
    in_force: bool = True
    where: Scope = Field(Scope(), description="the lines it covers; every line if left out")
    each: Each | None = Field(None, description="holds for each of these separately, instead of for their sum")
    authority: str = Field("", description="the law, guidance or meeting that it comes from")

    @property
    def binds(self) -> bool:
        return self.in_force and self.standing != "recorded"

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        """What is wrong with this rule in this scenario; kinds add their own."""
        file, partners = "rules.toml", list(scenario.table("partners")["id"])
        if self.owner not in partners:
            yield Problem(
                file, "is not in partners.csv", field=f"{self.id}.owner", value=self.owner,
                fix=suggestion(self.owner, partners),
            )  # fmt: skip
        for name in ("where", "of"):
            scope = getattr(self, name, None)
            if isinstance(scope, Scope):
                yield from scope_problems(scope, f"{self.id}.{name}", scenario)

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        """Figures of this rule that cannot be meant, in a scenario whose names are sound; kinds add theirs."""
        yield from ()


def scope_problems(scope: Scope, field: str, scenario: Scenario) -> Iterator[Problem]:
    """Names a scope uses that the scenario does not have, or a scope that covers no line."""
    unknown = False
    for part in type(scope).model_fields:
        if not getattr(scope, part):
            continue
        table, column = SCOPE_TABLE.get(part, ("", ""))
        known = list(scenario.years) if part == "years" else list(scenario.table(table)[column].dropna().unique())
        for value in getattr(scope, part):
            if value not in known:
                unknown = True
                expected = f"is not in {table}.csv" if table else "is not one of the scenario's years"
                yield Problem(
                    "rules.toml", expected, field=f"{field}.{part}", value=value, fix=suggestion(value, known)
                )
    if not unknown and not covers(scope, scenario).any():
        given = [f"{part} {', '.join(values)}" for part, values in scope if values]
        yield Problem("rules.toml", "covers no line of lines.csv", field=field, value="; ".join(given))


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
