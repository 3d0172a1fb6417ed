"""Names and sums in words, as several pages say them."""

from __future__ import annotations

from collections.abc import Callable

from allocate.plan.figures import pounds
from allocate.scenario.scenario import Scenario


def line_name(scenario: Scenario, row) -> str:
    """A line in words: Elective and planned care, Rugby (University Hospitals). `row` has a line's key."""
    programme, place = scenario.name_of("programmes", row.programme), scenario.name_of("places", row.place)
    year = f", {row.year}" if len(scenario.years) > 1 else ""
    return f"{programme}, {place} ({scenario.name_of('partners', row.partner)}){year}"


def money(scenario: Scenario, signed: bool = False) -> Callable[[float], str]:
    """How sums of a scenario are said."""
    return lambda value: pounds(value, scenario.heading.currency, signed=signed)
