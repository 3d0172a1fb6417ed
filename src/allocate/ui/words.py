"""Names and sums in words, as several pages say them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from allocate.plan.figures import IN_MILLIONS, pounds
from allocate.plan.plan import Plan
from allocate.scenario.scenario import Scenario

AGREED = "the plan as agreed"


def line_name(scenario: Scenario, row) -> str:
    """A line in words: Elective and planned care, Rugby (University Hospitals). `row` has a line's key. The envelope is
    named where it alone tells lines apart."""
    programme, place = scenario.name_of("programmes", row.programme), scenario.name_of("places", row.place)
    year = f", {row.year}" if len(scenario.years) > 1 else ""
    shared = (row.partner, row.place, row.programme, row.year) in _shared(scenario)
    envelope = f", from {scenario.name_of('envelopes', row.envelope)}" if shared else ""
    return f"{programme}, {place} ({scenario.name_of('partners', row.partner)}{envelope}){year}"


@lru_cache(maxsize=32)
def _shared(scenario: Scenario) -> frozenset[tuple[str, str, str, str]]:
    """Partner, place, programme and year where several envelopes pay."""
    keys = scenario.lines[["partner", "place", "programme", "year"]]
    return frozenset(keys[keys.duplicated()].itertuples(index=False, name=None))


def money(plan: Plan, signed: bool = False) -> Callable[[float], str]:
    """How the sums of a plan are said, all in one unit."""
    millions = bool(plan.money["amount"].sum() >= IN_MILLIONS)
    return lambda value: pounds(value, plan.scenario.heading.currency, signed, millions)
