"""From what must give way to what-ifs that do it: a rule's figure eased just enough, a rule switched off, or an
envelope raised instead.

A limit is affine in each figure of its rule, so two values of the figure say how far it must go; the eased plan's
spending stands for what a share is taken of. Where one figure holds many limits, easing it eases them all, so less of
it may do: how much is found by halving. Figures are rounded outwards to what a person would write, and every what-if is
tried: accepted as a change, and possible in the model. Where rounding was not enough it is eased a little more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allocate.engine.easing import Easing, More, extended
from allocate.engine.highs import Impossible, Solver
from allocate.engine.oracle import Oracle, Over, firm
from allocate.engine.problem import Problem
from allocate.errors import EngineError, GiveWay, ScenarioError
from allocate.rules.kinds import Binding
from allocate.rules.tally import Limit, Row, Tally
from allocate.scenario.paths import Path, named, parse
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import is_money

Array = np.ndarray
MORE = (0, 1, 10, 100, 1000)
"""Steps beyond the nearest figure that are tried in turn."""
HALVINGS = 7
"""How often the way to a figure that holds many limits is halved."""
MOST = 3
"""How many envelopes are offered at most."""
PART = 1e-4
"""The step of fractions."""


@dataclass(frozen=True)
class Figure:
    """A figure to move: its path, where it stands, how far it must go, and the step in which people would write it."""

    path: str
    at: float
    to: float
    step: float

    def eased(self, more: int = 0, part: float = 1.0) -> float:
        """The figure, moved this part of its way, rounded outwards to a step, and so many steps further."""
        steps, slip = (self.at + part * (self.to - self.at)) / self.step, 0.01 if self.step >= 1 else 1e-6
        count = math.floor(steps + slip) - more if self.to < self.at else math.ceil(steps - slip) + more
        return round(count * self.step, max(0, -math.floor(math.log10(self.step)))) + 0.0


class Trial:
    """Tries what-ifs of one scenario that has no plan, until the time of its oracle is up, which raises Over."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle, self.problem = oracle, oracle.problem
        self._shape = _shape(oracle.problem)

    def accepted(self, changes: dict[str, Any]) -> Scenario | None:
        """The scenario under these changes, None where they are refused."""
        try:
            return self.oracle.scenario.change(changes)
        except ScenarioError:
            return None

    def works(self, changes: dict[str, Any]) -> bool | None:
        """Whether these changes, of figures and switches, make a plan possible; None where they are refused."""
        changed = self.accepted(changes)
        if changed is None:
            return None
        moved = {path: value for path, value in changes.items() if not path.endswith(".in_force")}
        off = {path.split(".")[1] for path in changes.keys() - moved.keys()}
        # Rules switched off stay in the model, which keeps its shape, with their ends open.
        scenario = self.accepted(moved) if off else changed
        problem = firm(scenario) if scenario is not None else None
        if problem is None or _shape(problem) != self._shape:
            other = Oracle(changed, self.oracle.left, self.oracle.watch)
            return other.ask(other.every).possible
        gone = sum(1 << k for k, name in enumerate(self.oracle.rules) if name in off)
        return self.oracle.possible(self.oracle.figures(problem, gone))


def _shape(problem: Problem) -> tuple[Any, ...]:
    """What two problems must share for one model to serve both."""
    limits = tuple((limit.name, tuple(limit.body.terms)) for limit in problem.limits)
    return limits, tuple(problem.tally.totals), problem.choices.tobytes()


def give_ways(trial: Trial, easings: Sequence[Easing], spend: Array) -> tuple[GiveWay, ...]:
    """One way for each easing, with what-ifs that together make a plan possible; `spend` is the eased plan's, pounds a
    line. () where there was no time to try them."""
    problem = trial.problem
    if not easings:
        return ()
    limits = [problem.limits[easing.limit] for easing in easings]
    found = [_figure(problem, easing, spend) for easing in easings]
    moves = {figure.path: _farthest([f for f in found if f and f.path == figure.path]) for figure in found if figure}
    paths = [
        figure.path if figure and moves[figure.path] else f"rules.{limit.owner}.in_force"
        for figure, limit in zip(found, limits, strict=True)
    ]
    # A rule that is switched off need not be eased too.
    off = {path.split(".")[1] for path in paths if path.endswith(".in_force")}
    paths = [
        f"rules.{limit.owner}.in_force" if limit.owner in off else path
        for path, limit in zip(paths, limits, strict=True)
    ]
    try:
        changes = _enough(trial, {path: moves.get(path) for path in paths})
    except Over:
        return ()
    standing = {rule.id: rule.standing for rule in problem.scenario.rules}
    return tuple(
        GiveWay(
            limit.owner, limit.part, easing.end, easing.amount, limit.measure, standing.get(limit.owner, ""),
            limit.label, _pick(changes, path),
        )
        for easing, limit, path in zip(easings, limits, paths, strict=True)
    )  # fmt: skip


def _farthest(figures: list[Figure]) -> Figure | None:
    """Of several wishes for one figure the one that goes farthest; None where they pull it both ways."""
    if len({figure.to < figure.at for figure in figures}) > 1:
        return None
    return max(figures, key=lambda figure: abs(figure.to - figure.at))


def _enough(trial: Trial, moves: dict[str, Figure | None]) -> dict[str, Any]:
    """The change at each path that, all together, make a plan possible: figures eased as little as will do, and
    switches off where there are none. Where no figures do, those refused are switched off, and at last all."""
    refused = {path for path, figure in moves.items() if figure and trial.accepted({path: figure.eased()}) is None}
    kept = moves
    for gone in (set(), refused, set(moves)):
        ruled = {path for path in gone if path.startswith("rules.")}
        kept = {_switch(path) if path in ruled else path: None if path in ruled else moves[path] for path in moves}
        if (changes := _least(trial, kept)) is not None:
            return changes
    return _at(kept)


def _least(trial: Trial, moves: dict[str, Figure | None]) -> dict[str, Any] | None:
    """The least part of the way that works, or a little beyond its end; None where nothing does."""
    best, low, high, part = None, 0.0, 1.0, 1.0
    for _ in range(HALVINGS + 1):
        changes = _at(moves, 0, part)
        works = trial.works(changes)
        if works is False:
            low = part
        else:
            high, best = part, changes if works else best
        if low == 1.0 or (works and not _holds_many(trial.problem, moves)):
            break
        part = (low + high) / 2
    if best is not None and high == 1.0:
        return best
    # Halving ends with next to no room: a step more leaves some for whole pounds.
    tries = [_at(moves, more) for more in MORE[1:]] if low == 1.0 else [_at(moves, 1, high)]
    return next((changes for changes in tries if trial.works(changes)), best)


def _at(moves: dict[str, Figure | None], more: int = 0, part: float = 1.0) -> dict[str, Any]:
    return {path: figure.eased(more, part) if figure else False for path, figure in moves.items()}


def _holds_many(problem: Problem, moves: dict[str, Figure | None]) -> bool:
    """Whether a rule that moves has several limits, so that easing it eases more than what gave way."""
    owners = [limit.owner for limit in problem.limits]
    moving = [path.split(".")[1] for path, figure in moves.items() if figure and path.startswith("rules.")]
    return any(owners.count(owner) > 1 for owner in moving)


def _switch(path: str) -> str:
    return f"rules.{path.split('.')[1]}.in_force" if path.startswith("rules.") else path


def _pick(changes: dict[str, Any], path: str) -> dict[str, Any]:
    """The change at this path, or the switch that stands in for it."""
    path = path if path in changes else _switch(path)
    return {path: changes[path]}


def _figure(problem: Problem, easing: Easing, spend: Array) -> Figure | None:
    """The figure of a limit's rule, or the resource's amount, that eases it just enough; None where there is none."""
    limit, scenario = problem.limits[easing.limit], problem.scenario
    rule = next((rule for rule in scenario.rules if rule.id == limit.owner), None)
    if rule is None:
        name = limit.owner.removeprefix("resource ")
        path = path_of(scenario, "resources", name, limit.part, "amount")
        return Figure(path, limit.high, limit.high + easing.amount, min(1.0, _step(limit.high)))
    if not isinstance(rule, Binding):
        return None
    gain = problem.curves.gain(problem.curves.effort(spend))
    for name in rule.figures:
        at = getattr(rule, name)
        if at is None:
            continue
        other = at + max(1.0, abs(at))
        room = [_room(rule, name, x, limit, easing.end, Tally(scenario, spend, gain)) for x in (at, other)]
        slope = (room[1] - room[0]) / (other - at)
        # A figure that this end does not ask moves it by rounding errors alone.
        if math.isfinite(slope) and abs(slope) * max(1.0, abs(at)) > 1e-9 * easing.amount:
            to, money = at + easing.amount / slope, is_money(type(rule), name)
            step = PART if not money else 1.0 if limit.measure == "spend" else _step(to)
            return Figure(f"rules.{rule.id}.{name}", at, to, step)
    return None


def _room(rule: Binding, name: str, value: float, limit: Limit, end: str, tally: Tally) -> float:
    """How far inside one end of a limit this tally is, with another value for a figure of its rule."""
    moved = rule.model_copy(update={name: value})
    mine = next((other for other in moved.limits(tally) if other.part == limit.part), None)
    if mine is None or isinstance(mine.body, Row):
        return math.nan
    return mine.body - mine.low if end == "low" else mine.high - mine.body


def _step(size: float, digits: int = 5) -> float:
    """The step in which people write an amount: so many digits of it, and never less than a millionth."""
    return 10.0 ** max(-6, math.floor(math.log10(max(abs(size), 1e-6))) + 1 - digits)


def path_of(scenario: Scenario, table: str, name: str, year: str, field: str) -> str:
    """The shortest path of a figure by id and year; as a change spells it, where one names it already."""
    several = (scenario.table(table)["id"] == name).sum() > 1
    path = f"{table}.{name}.{year}.{field}" if several else f"{table}.{name}.{field}"
    here = _rows(path, scenario)
    return next((told for told in scenario.changes if _rows(told, scenario) == here), path)


def _rows(text: str, scenario: Scenario) -> tuple[Any, ...] | None:
    """Which table, field and rows a path without * names; None for others."""
    path = parse(text)
    if not isinstance(path, Path) or path.table == "rules" or "*" in path.keys:
        return None
    return path.table, path.field, tuple(np.flatnonzero(named(path, scenario)))


def raised_instead(trial: Trial) -> tuple[GiveWay, ...]:
    """Single envelopes that would do it alone if raised, every rule as it is: the least money first, a few at most, of
    those that there was time to try."""
    ways: list[GiveWay] = []
    with suppress(Over):
        ways.extend(_raised(trial))
    return tuple(ways)


def _raised(trial: Trial) -> Iterator[GiveWay]:
    problem, offered = trial.problem, 0
    for row, rise in sorted(_rises(trial), key=lambda found: (round(found[1]), found[0])):
        table, currency = problem.scenario.table("envelopes"), problem.scenario.heading.currency
        name, year, at = (table[column].tolist()[row] for column in ("id", "year", "amount"))
        path = path_of(problem.scenario, "envelopes", name, year, "amount")
        # A rise of four digits leaves room for whole pounds, and is what people would ask for.
        figure = Figure(path, at, at + rise, max(1.0, _step(rise, 4)))
        amount = next((x for x in map(figure.eased, MORE) if trial.works({path: x})), None)
        if amount is not None:
            several = len(problem.scenario.years) > 1
            said = problem.scenario.name_of("envelopes", name) + (f" {year}" if several else "")
            sentence = f"{said} is raised by {currency}{amount - at:,.0f}, to {currency}{amount:,.0f}"
            part = f"{name}.{year}" if several else name
            yield GiveWay("", part, "high", amount - at, "spend", "", sentence, {path: amount})
            offered += 1
        if offered == MOST:
            break


def _rises(trial: Trial) -> Iterable[tuple[int, float]]:
    """Rows of envelopes that would do it alone, each with the least pounds it must be raised by."""
    problem, oracle = trial.problem, trial.oracle
    arrays = oracle.figures(problem)
    rows, size = oracle.session.matrix.rows["money"], len(arrays.cost)
    count = rows.stop - rows.start
    # A column for each envelope that adds to its money, shut; they are all that costs.
    more = More(-np.ones(count), np.zeros(count), np.zeros(count, dtype=bool), np.zeros(0))
    raised = extended(arrays, more, [(np.arange(rows.start, rows.stop), size + np.arange(count), -np.ones(count))])
    solver = Solver(raised)
    for row in range(count):
        upper = raised.upper.copy()
        upper[size + row] = np.inf
        try:
            answer = oracle.run(solver, replace(raised, upper=upper))
        except (Impossible, EngineError):
            continue
        rise = float(answer.columns[size + row]) * problem.units.money
        if rise >= 1e-3:
            yield row, rise
