"""The tables of a scenario: one class a table, one field a column. The schema, the checks and the documentation
all come from here.

Money is in whole units of the scenario's currency (pounds, never £m or pence). A share or a rate is a fraction
(0.05, never 5 for per cent). An id is lower-case letters, digits and hyphens; a name is for people, and never matched.
"""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Year = Annotated[str, Field(pattern=r"^\d{4}(/\d{2})?$")]
Name = Annotated[str, Field(min_length=1, max_length=120)]
POUNDS = "pounds"
Money = Annotated[float, Field(ge=0, le=1e13, allow_inf_nan=False), POUNDS]
Count = Annotated[float, Field(ge=0, le=1e13, allow_inf_nan=False)]
Real = Annotated[float, Field(ge=-1e13, le=1e13, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Shape = Literal["linear", "power", "isoelastic", "saturation", "points"]
Status = Literal["found", "derived", "assumed"]


class Row(BaseModel):
    """One row of a table. Frozen; unknown columns are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)
    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    optional: ClassVar[bool] = False
    """Whether the scenario may leave the whole file out."""
    default: ClassVar[str] = ""
    """The field that a path means when it names only the row, as `envelopes.core` means its amount."""


class Partner(Row):
    """A body that holds money in law, or brings other resources."""

    table, key = "partners", ("id",)
    id: Id
    name: Name
    kind: Id = Field(description="what sort of body it is, such as acute, icb, council, voluntary")


class Place(Row):
    """A node of the tree of places: neighbourhood, place, system, region."""

    table, key = "places", ("id",)
    id: Id
    name: Name
    parent: Id | None = Field(None, description="the place that this one lies in; blank for the top of the tree")
    population: Count = Field(description="people served; for a place with places inside it, their sum")
    need: Count | None = Field(None, description="weighted population: people counted by need")


class Programme(Row):
    """What money is spent on."""

    table, key = "programmes", ("id",)
    id: Id
    name: Name
    group: Id | None = Field(None, description="a wider family that rules may name")


class Outcome(Row):
    """Something agreed to be worth having, and what one unit of it counts for in the aim."""

    table, key, default = "outcomes", ("id",), "weight"
    id: Id
    name: Name
    unit: Name = Field(description="what one unit is called, such as QALY")
    weight: Count = Field(description="what one unit counts for in the agreed aim")


class Envelope(Row):
    """Money that one partner holds in law for a year, and what it may be spent on."""

    table, key, default = "envelopes", ("id", "year"), "amount"
    id: Id
    year: Year
    name: Name
    holder: Id = Field(description="the partner that holds it in law")
    amount: Money = Field(description="pounds available")
    purpose: str = Field("", description="programmes it may be spent on, separated by spaces; blank for any")
    recurrent: Literal["yes", "no"] = Field("yes", description="no for money that does not come again")
    by_need: Literal["yes", "no"] = Field("no", description="yes where each place's fair share goes by its need")


class Route(Row):
    """A lawful way to move money from one envelope to another in the same year."""

    table, key, optional, default = "routes", ("id", "year"), True, "high"
    id: Id
    year: Year
    source: Id = Field(description="the envelope it leaves")
    target: Id = Field(description="the envelope it enters")
    high: Money = Field(description="the most that may move, in pounds")
    authority: str = Field(description="the power or agreement that opens it")


class Line(Row):
    """One thing that can be funded: a partner's spending on a programme for a place, out of an envelope."""

    table, key = "lines", ("partner", "place", "programme", "envelope", "year")
    partner: Id
    place: Id
    programme: Id
    envelope: Id = Field(description="the envelope that pays")
    year: Year
    baseline: Money = Field(description="pounds before")
    low: Money = Field(0.0, description="the least, in pounds")
    high: Money | None = Field(None, description="the most, in pounds; blank for all the money it could lawfully get")
    scale: Money = Field(
        0.0, description="minimum viable scale: nothing, or at least this; equal to high for fund-or-not"
    )


class Curve(Row):
    """What spending on a programme in a place buys of one outcome, all partners' efforts added up.

    With s = slope, b = reference, e = exponent, c = ceiling and x the pounds spent:
    linear s x; power (s b / e) (x/b)^e; isoelastic (s b / e) ((x/b)^e - 1); saturation c (1 - exp(-x/b));
    points straight lines through the rows of curve_points.csv.
    """

    table, key = "curves", ("place", "programme", "outcome", "year")
    place: Id
    programme: Id
    outcome: Id
    year: Year
    shape: Shape
    slope: Count | None = Field(None, description="outcome per pound at the reference")
    reference: Money | None = Field(None, description="pounds; blank for the baseline of the lines it covers")
    exponent: Annotated[float, Field(gt=0, le=1)] | None = Field(None, description="1 is a straight line")
    ceiling: Count | None = Field(None, description="the outcome that no spend exceeds (saturation)")


class CurvePoint(Row):
    """A point of a curve given by points: so much spent buys so much."""

    table, key, optional, default = "curve_points", ("place", "programme", "outcome", "year", "spend"), True, "gain"
    place: Id
    programme: Id
    outcome: Id
    year: Year
    spend: Money
    gain: Real


class Need(Row):
    """How much need for one programme a place has: its weighted population for that programme."""

    table, key, optional, default = "needs", ("place", "programme"), True, "need"
    place: Id
    programme: Id
    need: Count


class Resource(Row):
    """Something other than money that runs out: staff hours, rooms, people in need."""

    table, key, optional, default = "resources", ("id", "year"), True, "amount"
    id: Id
    year: Year
    name: Name
    unit: Name
    amount: Count


class Use(Row):
    """How much of a resource one pound on a line uses. Blank partner, place or programme means any."""

    table, key, optional, default = "uses", ("resource", "partner", "place", "programme"), True, "rate"
    resource: Id
    partner: Id | None = None
    place: Id | None = None
    programme: Id | None = None
    rate: Count = Field(description="units of the resource for each pound")


class Benefit(Row):
    """What an outcome is to one partner: the part of it that lands on that partner, and what that is worth to it.

    A partner with any row counts what its rows say and nothing else; see `allocate.commons.apart.benefits`.
    """

    table, key, optional, default = "benefits", ("partner", "outcome", "place"), True, "share"
    partner: Id
    outcome: Id
    place: Id | None = Field(None, description="where it is gained, places inside it included; blank for anywhere")
    own: Part = Field(1.0, description="the part of what its own lines buy that lands on it")
    share: Part = Field(0.0, description="the part of what others' lines buy that lands on it")
    worth: Money = Field(description="pounds that one unit of the outcome is worth to it")


class Source(Row):
    """Where figures come from."""

    table, key = "sources", ("id",)
    id: Id
    title: Name
    link: str = ""
    note: str = ""


class Evidence(Row):
    """Where one figure, or a pattern of them, comes from. The most exact pattern that fits a figure speaks for it."""

    table, key = "evidence", ("figure",)
    figure: Annotated[str, Field(min_length=3)] = Field(
        description="a path as changes use it, with * for any, as lines.*.high"
    )
    status: Status
    source: Id
    note: str = ""


TABLES: dict[str, type[Row]] = {
    row.table: row
    for row in (
        Partner, Place, Programme, Outcome, Envelope, Route, Line, Curve, CurvePoint, Need, Resource, Use, Benefit,
        Source, Evidence,
    )
}  # fmt: skip


class Heading(BaseModel):
    """The file scenario.toml: what this scenario is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Id
    name: Name
    years: tuple[Year, ...] = Field(min_length=1, description="in order; amounts are per year")
    currency: Annotated[str, Field(min_length=1, max_length=4)] = "£"
    about: str = ""
    caveat: str = Field("", description="one line that every output repeats: what this is not")


@cache
def is_number(row: type[Row], column: str) -> bool:
    """Whether a column holds figures."""
    field = row.model_fields.get(column)
    return field is not None and float in parts(field.annotation)


def is_money(model: type[BaseModel], column: str) -> bool:
    """Whether a column of a table, or a field of a rule, holds amounts of money."""
    return POUNDS in marks(model, column)


def marks(model: type[BaseModel], column: str) -> list[Any]:
    """What the type of a column or field is marked with, as `Money` with `POUNDS`."""
    field = model.model_fields.get(column)
    if field is None:
        return []
    inner = [getattr(part, "__metadata__", ()) for part in typing.get_args(field.annotation)]
    return [mark for found in (field.metadata, *inner) for mark in found]


def parts(annotation: Any) -> tuple[Any, ...]:
    """The types that an annotation allows."""
    if typing.get_origin(annotation) is typing.Annotated:
        return parts(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return tuple(part for option in typing.get_args(annotation) for part in parts(option))
    return (annotation,)
