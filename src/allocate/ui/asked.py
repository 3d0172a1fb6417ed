"""What a visitor asks of Places, as part of the page's address.

An address reads `?scenario=tiny&drawn.system=QWU&drawn.by=pcn&drawn.core=1875000000&drawn.pace=bands`: the same words
and units as `allocate places`, so that a link draws the same places again. Files stand in it by the start of their
fingerprints.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from allocate.places.pace import POLICIES
from allocate.ui.address import DRAWN

SPLIT = "|"
"""Between the name of a place and what is put into it by hand."""
MOST = 1e12
"""Pounds that may be shared."""
LONGEST, MOST_PUTS = 20_000, 200
"""Letters of one value of an address, and changes by hand, that are taken."""
RANGES = {
    "core": (0.0, MOST), "primary": (0.0, MOST), "population": (0.0, MOST), "years": (1, 15), "growth": (-0.2, 0.5),
    "floor": (-0.5, 0.5), "ceiling": (-0.5, 1.0), "error": (0.001, 0.2),
}  # fmt: skip
"""The least and the most of every number."""
CHOICES = {"by": ("district", "pcn", "practice", "file"), "pace": tuple(POLICIES), "base": ("system", "england")}


@dataclass(frozen=True)
class Asked:
    """What is asked of Places; everything else follows from it and the files.

    file, places, opening, before   the practice file ('' for the one that the explorer was given), a drawing, opening
            positions and an earlier practice file, by the start of their fingerprints
    system, by, rest   the system's code, how its places are drawn, and a place for practices that a file puts in none
    put     what was moved by hand, in order: the name of a place and what it holds, `|` between
    core, primary, population   pounds to share by that need; None where no sum was given
    look    the place to look at on the map
    base, nhse    what need is shown against, and whether to round as NHS England's tool does
    pace, years, growth, floor, ceiling    the pace of change; rates are fractions
    error   the error in need whose sway is shown
    """

    file: str = ""
    system: str = ""
    by: str = "district"
    places: str = ""
    rest: str = ""
    put: tuple[str, ...] = ()
    look: str = ""
    core: float | None = None
    primary: float | None = None
    population: float | None = None
    opening: str = ""
    before: str = ""
    base: str = "system"
    nhse: bool = False
    pace: str = "close"
    years: int = 5
    growth: float = 0.0
    floor: float | None = None
    ceiling: float | None = None
    error: float = 0.01

    @property
    def amounts(self) -> dict[str, float]:
        """The sums that were given, by the need that shares them."""
        given = {"core": self.core, "primary": self.primary, "population": self.population}
        return {name: value for name, value in given.items() if value}


def clamped(name: str, value: float) -> float:
    """A number within what its field may be."""
    low, high = RANGES[name]
    return min(max(value, low), high)


def to_query(asked: Asked) -> dict[str, str | list[str]]:
    """What is asked as an address's parameters; what is at its default is left out."""
    query: dict[str, str | list[str]] = {}
    for field in fields(Asked):
        value = getattr(asked, field.name)
        if value != field.default:
            said = list(value) if isinstance(value, tuple) else f"{value:.12g}" if _is_number(value) else str(value)
            query[DRAWN + field.name] = said
    return query


def from_query(query: Iterable[tuple[str, Sequence[str]]]) -> tuple[Asked, list[str]]:
    """What an address asks of Places, and what in it means nothing, in words."""
    asked, told = Asked(), []
    for name, values in query:
        if name.startswith(DRAWN):
            field, last = name.removeprefix(DRAWN), values[-1][:LONGEST] if values else ""
            try:
                changed: dict[str, Any] = {field: _value(field, last, values)}
                asked = replace(asked, **changed)
            except (TypeError, ValueError):
                told.append(f"This link says “{name}” is “{last[:60]}”, which means nothing here. It was left out.")
    return asked, told


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(field: str, text: str, values: Sequence[str]) -> object:
    """A value of a field. Raises ValueError where it is none."""
    if field == "put":
        return tuple(each[:LONGEST] for each in values[:MOST_PUTS] if SPLIT in each)
    if field == "nhse":
        return text == "True"
    if field in CHOICES and text not in CHOICES[field]:
        raise ValueError(text)
    if field not in RANGES:
        return text
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(clamped(field, number)) if field == "years" else clamped(field, number)
