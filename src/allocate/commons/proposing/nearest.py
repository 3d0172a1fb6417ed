"""The nearest version of a proposal that nobody objects to: on the line from what stands to what is proposed.

All figures that a proposal moves go the same part of the way. A rule that is put in or switched on comes in with its
figures eased to where they ask nothing of the plan that stands; one that is taken out or switched off stays, its
figures eased to where they ask nothing of the plan without it. Everything else stays as proposed throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocate.commons.proposing.easing import at_rest
from allocate.errors import AllocateError
from allocate.plan.figures import number
from allocate.plan.plan import Plan
from allocate.plan.trying import Solve
from allocate.scenario.paths import Path, key_text, named, parse
from allocate.scenario.rulebook import Rule, record
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES, is_money, is_number

FINENESS = 100
"""A proposal's way is divided into at least so many steps."""
LOOKS = 8
"""Looks along the way, from the proposal's end, before what lies between two of them is halved."""


@dataclass(frozen=True)
class Figure:
    """A figure that moves, and where to; both ends are finite."""

    path: str
    stands: float
    proposed: float
    pounds: bool
    share: bool
    whole: bool

    def said(self, value: float, currency: str) -> str:
        """A value of this figure: '£412,000', '4.5%', '12'."""
        if self.pounds:
            return f"{currency}{value:,.0f}"
        return f"{100 * value:.6g}%" if self.share else number(value)


@dataclass(frozen=True)
class Way:
    """The way from what stands to what is proposed, in `steps`: at 0 figures stand, at `steps` they are as proposed."""

    kept: Mapping[str, Any]
    """What stays as proposed all along: path to value."""
    figures: tuple[Figure, ...]
    steps: int
    step: float
    """By how much one figure moves a step; 0 where several move, each its own part of the way."""
    first: int
    """The first step that is a version of its own: 0 where a rule comes in asking nothing, else 1."""

    def at(self, k: int) -> dict[str, Any]:
        """The change so many steps along the way."""
        told = dict(self.kept)
        for figure in self.figures:
            rule, _, name = figure.path.rpartition(".")
            if isinstance(told.get(rule), dict):
                told[rule] = told[rule] | {name: self.value(figure, k)}
            else:
                told[figure.path] = self.value(figure, k)
        return told

    def value(self, figure: Figure, k: int) -> float:
        """A figure so many steps along: one alone at a multiple of the step, several at the same part of their way."""
        if k >= self.steps:
            return figure.proposed
        if k < self.first:
            return figure.stands
        if self.step:
            up = figure.proposed > figure.stands
            first = math.floor(figure.stands / self.step + 1e-9) if up else math.ceil(figure.stands / self.step - 1e-9)
            return round((first + k if up else first - k) * self.step, 12) + 0.0
        value = figure.stands + (figure.proposed - figure.stands) * k / self.steps
        return float(round(value)) if figure.pounds or figure.whole else round(value, 12)


@dataclass(frozen=True, eq=False)
class Nearest:
    """The version closest to a proposal that nobody objects to.

    change    path to value, for `Scenario.change` on what stands
    values    the figures that move, path to value
    part      how far along the way from what stands to what is proposed (0 to 1); 1 is the proposal itself
    plan      the plan under it
    beyond    the next step towards the proposal, at which somebody objects (or no plan is possible); None for the
              proposal itself
    solves    how many plans were worked out to find it
    said      its figures in words: '4.5%'
    """

    change: Mapping[str, Any]
    values: Mapping[str, float]
    part: float
    plan: Plan
    beyond: Mapping[str, Any] | None
    solves: int
    said: str


def nearest(
    before: Plan, proposed: Scenario, change: Mapping[str, Any], after: Plan | None, fine: Callable[[Plan], bool],
    solve: Solve,
) -> Nearest | None:  # fmt: skip
    """The version furthest along the way at which `fine(plan)` holds, found by looking from the proposal's end and then
    halving; every version told was solved. None where there is none, or nothing to move. What lies beyond the step next
    to it was looked at only in LOOKS places: where people's gains turn more than once along the way, a still nearer
    version may exist."""
    way = way_to(before, proposed, change, after)
    seen: dict[int, Plan | None] = {}

    def holds(k: int) -> bool:
        if k not in seen:
            seen[k] = _solved(before.scenario, way.at(k), solve) if way is not None and k < way.steps else after
        found = seen[k]
        return found is not None and fine(found)

    if way is None:
        return _told(before, None, change, 1, 1, after, 0) if after is not None and fine(after) else None
    best = _furthest(way, holds)
    plan = None if best is None else seen[best]
    if best is None or plan is None:
        return None
    version = dict(change) if best == way.steps else way.at(best)
    return _told(before, way, version, best, way.steps, plan, len(seen) - (way.steps in seen))


def _furthest(way: Way, holds: Callable[[int], bool]) -> int | None:
    """The step furthest along that holds, as far as looking and halving tell; None for none."""
    looks = {max(way.first, round(way.steps * k / LOOKS)) for k in range(LOOKS + 1)}
    past = way.steps + 1
    for look in sorted(looks, reverse=True):
        if holds(look):
            low = look
            while past - low > 1:
                middle = (low + past) // 2
                low, past = (middle, past) if holds(middle) else (low, middle)
            return low
        past = look
    return None


def _told(
    before: Plan, way: Way | None, change: Mapping[str, Any], k: int, steps: int, plan: Plan, solves: int
) -> Nearest:
    figures = way.figures if way is not None else ()
    currency = before.scenario.heading.currency
    values = {figure.path: way.value(figure, k) for figure in figures} if way is not None else {}
    said = [figure.said(values[figure.path], currency) for figure in figures]
    names = [f"{figure.path} at " if len(figures) > 1 else "" for figure in figures]
    words = ", ".join(name + each for name, each in zip(names, said, strict=True))
    beyond = way.at(k + 1) if way is not None and k < steps else None
    return Nearest(dict(change), values, k / steps, plan, beyond, solves, words)


def _solved(scenario: Scenario, change: Mapping[str, Any], solve: Solve) -> Plan | None:
    """The plan under a version; None where it is not sound or has none."""
    try:
        return solve(scenario.change(change))
    except AllocateError:
        return None


# --- the way ----------------------------------------------------------------------------------------------------------


def way_to(before: Plan, proposed: Scenario, change: Mapping[str, Any], after: Plan | None) -> Way | None:
    """The way from what stands to a proposal; None where no figure moves, or a rule cannot be eased to where it asks
    nothing."""
    kept: dict[str, Any] = {}
    figures: dict[str, Figure] = {}
    for text, value in change.items():
        path = parse(text)
        assert isinstance(path, Path)
        found = _rows_that_move(before.scenario, proposed, path) if path.table != "rules" else {}
        if found:
            figures |= found
        elif path.table != "rules":
            kept[text] = value
    moved = _rules_that_move(before, proposed, after)
    if moved is None:
        return None
    kept |= moved[0]
    figures |= moved[1]
    comes = any(rule.binds and not _bound(before.scenario, rule.id) for rule in proposed.rules)
    return _divided(kept, tuple(figures.values()), 0 if comes else 1) if figures else None


def _bound(scenario: Scenario, rule: str) -> bool:
    return any(each.id == rule and each.binds for each in scenario.rules)


def _divided(kept: Mapping[str, Any], figures: tuple[Figure, ...], from_step: int) -> Way:
    """The way in steps that a person would write: multiples of 1, 2 or 5 times a power of ten for one figure."""
    if len(figures) > 1:
        return Way(kept, figures, FINENESS, 0.0, from_step)
    (figure,) = figures
    distance = abs(figure.proposed - figure.stands)
    step = max(_round_step(distance / FINENESS), 1.0 if figure.pounds or figure.whole else 0.0)
    up = figure.proposed > figure.stands
    ends = (figure.stands / step, figure.proposed / step)
    first = math.floor(ends[0] + 1e-9) if up else math.ceil(ends[0] - 1e-9)
    last = math.ceil(ends[1] - 1e-9) if up else math.floor(ends[1] + 1e-9)
    return Way(kept, figures, max(1, abs(last - first)), step, from_step)


def _round_step(size: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above a size."""
    power = 10.0 ** math.floor(math.log10(size))
    return max(times * power for times in (1, 2, 5) if times * power <= size * (1 + 1e-9))


def _rows_that_move(stands: Scenario, proposed: Scenario, path: Path) -> dict[str, Figure]:
    """The figures of a table's rows that a path moves, by their own paths."""
    if not is_number(path.row, path.field):
        return {}
    rows = np.flatnonzero(named(path, stands))
    was, now = (scenario._tables[path.table][path.field].to_numpy(dtype=float)[rows] for scenario in (stands, proposed))
    if np.isnan(was).any() or np.isnan(now).any():
        return {}
    keys = [key_text(stands._tables[path.table][part]) for part in TABLES[path.table].key]
    is_pounds, found = is_money(path.row, path.field), {}
    for row, old, new in zip(rows, was, now, strict=True):
        if old != new:
            name = ".".join((path.table, *(str(key[row]) for key in keys), path.field))
            found[name] = Figure(name, float(old), float(new), is_pounds, False, False)
    return found


def _rules_that_move(
    before: Plan, proposed: Scenario, after: Plan | None
) -> tuple[dict[str, Any], dict[str, Figure]] | None:
    """What a proposal does to rules: what stays as proposed, and the figures that move. None where a rule comes or goes
    whose figures cannot be eased to where they ask nothing."""
    stands = before.scenario
    old, new = ({rule.id: rule for rule in scenario.rules} for scenario in (stands, proposed))
    kept: dict[str, Any] = {}
    figures: dict[str, Figure] = {}
    for key in sorted({*old, *new}):
        was, now = old.get(key), new.get(key)
        if was is not None and now is not None and record(was) == record(now):
            continue
        came, went = not (was and was.binds), not (now and now.binds)
        found: dict[str, Figure] | None = {}
        if was and now and type(was) is type(now) and not came and not went:
            found = _both_stand(was, now)
        elif now and came and not went:
            found = _comes(before, proposed, now, True)
        elif was and went and not came:
            found = _comes(after, stands, was, False)
        stays = went and not came and found
        kept |= {} if stays else _but_figures(key, was, now, found or {})
        if found is None:
            return None
        figures |= found
    return kept, figures


def _but_figures(key: str, was: Rule | None, now: Rule | None, moving: Mapping[str, Figure]) -> dict[str, Any]:
    """A rule's change but for the figures that move: the rule where it is new or gone, else the fields that differ."""
    if was is None or now is None or type(was) is not type(now):
        return {f"rules.{key}": None if now is None else record(now)}
    old, new = record(was), record(now)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return {path: new.get(name, _default(now, name)) for name in names if (path := f"rules.{key}.{name}") not in moving}


def _default(rule: Rule, name: str) -> Any:
    """What a field is that a record leaves out."""
    return True if name == "in_force" else None


def _both_stand(was: Rule, now: Rule) -> dict[str, Figure]:
    """The figures of a rule that are others than they were."""
    found = {}
    for name in now.figures:
        old, new = getattr(was, name), getattr(now, name)
        if old is not None and new is not None and old != new:
            figure = _figure(now, name, float(old), float(new))
            found[figure.path] = figure
    return found


def _comes(plan: Plan | None, scenario: Scenario, rule: Rule, comes: bool) -> dict[str, Figure] | None:
    """The figures of a rule that comes in (or goes), from where they ask nothing of a plan to what they are (or back);
    None where one cannot be eased so far, or there is none."""
    if plan is None:
        return None
    found = {}
    for name in rule.figures:
        value = getattr(rule, name)
        if value is None:
            continue
        rest = at_rest(plan, scenario, rule, name)
        if rest is None:
            return None
        ends = (rest, float(value)) if comes else (float(value), rest)
        figure = _figure(rule, name, *ends)
        if figure.stands != figure.proposed:
            found[figure.path] = figure
    return found


def _figure(rule: Rule, name: str, stands: float, proposed: float) -> Figure:
    money = is_money(type(rule), name) and getattr(rule, "measure", "spend") == "spend"
    fraction = not is_money(type(rule), name) and max(abs(stands), abs(proposed)) <= 1.5
    whole = type(rule).model_fields[name].annotation is int
    ends = (float(round(stands)), float(round(proposed))) if money else (stands, proposed)
    return Figure(f"rules.{rule.id}.{name}", *ends, money, fraction and not whole, whole)
