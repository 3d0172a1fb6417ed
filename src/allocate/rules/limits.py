"""All the limits of a scenario: what its rules become, and what its resources allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from operator import is_not
from typing import Any, TypeVar

import numpy as np

from allocate.rules.kinds import INFINITY, Binding, binding_rules
from allocate.rules.tally import Limit, Row, Tally, Total
from allocate.scenario.checks import fits
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES

Array = np.ndarray
T = TypeVar("T")
UNASKED = frozenset(
    {
        "envelopes",
        "routes",
        "outcomes",
        "curves",
        "curve_points",
        "resources",
        "uses",
        "benefits",
        "evidence",
        "sources",
    }
)
"""Tables whose figures the limits of most rules do not follow from. A kind of rule that reads one says so (`reads`)."""
ASKED = tuple(name for name in TABLES if name not in UNASKED)


def limits(scenario: Scenario, tally: Tally) -> list[Limit]:
    """Every limit, rules first. Bodies are rows or numbers, as the tally answers. Names are unique."""
    found = [limit for rule in binding_rules(scenario) for limit in _limits_of(rule, tally)]
    return [limit for limit in found if not _idle(limit)] + list(resource_limits(scenario, tally))


def kept(scenario: Scenario, name: str, asked: tuple[Any, ...], make: Callable[[], T]) -> T:
    """What `make` gives, kept for a scenario and its changes until one of the objects asked for is another one.

    Only the last is kept under each name, so that what-ifs without end fill no memory. Nobody may write into it.
    """
    book: dict[str, tuple[tuple[Any, ...], T]] = scenario.shared("kept", dict)
    found = book.get(name)
    if found is None or len(found[0]) != len(asked) or any(map(is_not, found[0], asked)):
        found = book[name] = (asked, make())
    return found[1]


def _limits_of(rule: Binding, tally: Tally) -> Sequence[Limit]:
    """The limits of one rule: those made before, while it and the figures that limits ask for stay as they are."""
    scenario = tally.scenario
    tables = (scenario._tables[name] for name in (*ASKED, *rule.reads))
    # How much may move along a route is a rule's word too.
    openers = (other for other in scenario.rules if other.deontic == "may" and other.binds) if rule.reads else ()
    return _made_once(f"limits of rule {rule.id}", (rule, *tables, *openers), tally, rule.limits)


def _made_once(
    name: str, asked: tuple[Any, ...], tally: Tally, make: Callable[[Tally], Iterable[Limit]]
) -> Sequence[Limit]:
    """Limits as rows, kept with the totals that they name; limits in numbers are made anew."""
    if tally.spend_by_line is not None:
        return tuple(make(tally))

    def made() -> tuple[Sequence[Limit], dict[str, Total]]:
        alone = Tally(tally.scenario)
        return tuple(make(alone)), alone.totals

    limits, totals = kept(tally.scenario, name, asked, made)
    tally.totals |= totals
    return limits


def _idle(limit: Limit) -> bool:
    """Whether a limit counts nothing, as a cap on gains where no curve leads, and so holds by itself."""
    return isinstance(limit.body, Row) and not limit.body.terms and limit.low <= 0.0 <= limit.high


def definitions(scenario: Scenario, tally: Tally) -> tuple[Limit, ...]:
    """What the aids asked for so far are, as limits that nobody owns. Each aid becomes a route of its own, after the
    scenario's: a model may set it as it sets what moves, and no money moves along it."""
    aids = {name: total for name, total in tally.totals.items() if total.aid}

    def made() -> tuple[tuple[Limit, ...], dict[str, Total]]:
        first = len(scenario._tables["routes"])
        asked = ((name, total.aid, total.floor) for name, total in aids.items())
        limits = tuple(
            Limit("", "", Row({name: 1.0}) - floor, 0.0, INFINITY, part=aid) for name, aid, floor in asked if floor
        )
        return limits, {
            name: replace(total, routes=np.array([first + k])) for k, (name, total) in enumerate(aids.items())
        }

    limits, routed = kept(scenario, "definitions", tuple(aids.values()), made)
    tally.totals |= routed
    return limits


def chosen(scenario: Scenario, spend: Array, gain: Array, moved: Array) -> dict[str, bool]:
    """What every choice that a rule owns is under a plan: pounds per line, gain per curve, pounds per route."""
    numbers = Tally(scenario, spend, gain, moved_by_route=moved)
    for rule in _asking(scenario, lambda total: total.choice):
        list(rule.limits(numbers))
    return numbers.chosen


def spoken(scenario: Scenario, spend: Array, gain: Array, moved: Array) -> dict[str, float]:
    """The bodies, by name, of the limits of rules that own aids, by the rules' own word. Of a plan, as `chosen`."""
    numbers = Tally(scenario, spend, gain, moved_by_route=moved)
    asking = _asking(scenario, lambda total: total.aid)
    return {limit.name: limit.body for rule in asking for limit in rule.limits(numbers)}


def _asking(scenario: Scenario, wanted: Callable[[Total], str]) -> Iterator[Binding]:
    """The rules that ask for any total that is wanted."""
    for rule in binding_rules(scenario):
        asked = Tally(scenario)
        _limits_of(rule, asked)
        if any(map(wanted, asked.totals.values())):
            yield rule


def resource_limits(scenario: Scenario, tally: Tally) -> Sequence[Limit]:
    """A limit for every resource and year that any line uses."""
    tables = tuple(scenario._tables[name] for name in ("resources", "uses"))
    return _made_once("limits of resources", tables, tally, lambda asking: _resource_limits(scenario, asking))


def _resource_limits(scenario: Scenario, tally: Tally) -> list[Limit]:
    lines, uses = scenario.table("lines"), scenario.table("uses")
    found = []
    for row in scenario.table("resources").itertuples():
        rates = np.zeros(len(lines))
        for use in uses[uses["resource"] == row.id].itertuples():
            rates += use.rate * fits(use, lines)
        rates *= (lines["year"] == row.year).to_numpy()
        if rates.any():
            label = f"{row.name}: at most {row.amount:,.12g} {row.unit} in {row.year}"
            name = f"resource {row.id}"
            found.append(Limit(name, label, tally.use(rates), -INFINITY, row.amount, "resource", row.year))
    return found
