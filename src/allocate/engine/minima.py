"""Minima against money, added up before anything is solved.

What an envelope must pay at least: each of its lines has a least, and rules ask at least so much of several together.
Rules whose lines overlap cannot be added up, so some that do not are chosen, those that ask most beyond what their
lines must get anyway: among rules that overlap the best choice is found by trying (branch and bound); where that takes
too long, the best that was found, beginning with whatever asks most. Any choice tells the truth: if it adds up to more
than can be in the envelope there is no plan. Limits that are counted: sums of spending, each line at least nought
times, with a low end above nought. Choices of nothing-or-enough count as nothing.

It is asked of each envelope, where routes may bring all they can, and of all envelopes that routes join.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from allocate.engine.problem import Problem
from allocate.scenario.scenario import Scenario

Array = np.ndarray
TRIES = 2_000
"""Choices tried at most among rules that overlap."""
CLEAR = 1e-8
"""As a share of the money: minima beyond it by less say nothing."""
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True)
class Least:
    """What one rule asks for at least: pounds, and how many of them lie beyond its lines' own minima."""

    rule: str
    standing: str
    sentence: str
    asked: float
    beyond: float


@dataclass(frozen=True)
class Minima:
    """Minima that add to more than envelopes can hold, in pounds. `floors` are the rules that ask them, in the order in
    which easing does least harm: agreed before statutory, then what asks most; `lines` is what the lines must get that
    none of these covers."""

    envelopes: tuple[str, ...]
    year: str
    held: float
    added: float
    lines: float
    floors: tuple[Least, ...]

    @property
    def short(self) -> float:
        """By how much the minima are beyond what is held."""
        return self.added - self.held

    def sentence(self, scenario: Scenario, named: Callable[[str], str] = str) -> str:
        """The minima against the money, and what could give way, in words; `named` says a rule's id."""
        added, held, short = _pounds([self.added, self.held, self.short], scenario.heading.currency)
        whose = "" if len(scenario.envelopes) == len(self.envelopes) else f" of {self._named(scenario)}"
        when = f" in {self.year}" if self.year and len(scenario.years) > 1 else ""
        said = f"The minima{whose}{when} add to {added}, the budget is {held}."
        if not self.floors:
            return f"{said} Raise it by {short} or lower the least that its lines must get."
        floors = "; ".join(
            f"{named(floor.rule)}{' (statutory)' if floor.standing == 'statutory' else ''}: "
            f"{_pounds([floor.asked], scenario.heading.currency)[0]}"
            for floor in self.floors
        )
        return f"{said} Raise it by {short} or ease {self._these()}: {floors}."

    def _these(self) -> str:
        """The floors as a choice: each would do alone, or it takes some of them together."""
        count = len(self.floors)
        number = WORDS[count] if count < len(WORDS) else str(count)
        if count == 1:
            return "this floor"
        alone = all(floor.beyond >= self.short for floor in self.floors)
        return f"{'one' if alone else 'some'} of these {number} floors"

    def _named(self, scenario: Scenario) -> str:
        names = [scenario.name_of("envelopes", name) for name in self.envelopes]
        return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


@dataclass(frozen=True, eq=False)
class _Ask:
    """A limit that asks for a sum of its lines: its number, the rows of the lines, pounds, and pounds beyond theirs."""

    limit: int
    lines: frozenset[int]
    asked: float
    beyond: float


def minima(problem: Problem, bent: Array) -> list[Minima]:
    """Where minima alone are beyond the money, the most first. `bent` is how much lower each limit's low end (and
    higher its high one) bends at a published price."""
    low = np.where(problem.choices, 0.0, problem.low)
    asks = _asks(problem, low, bent)
    found = []
    for envelopes, held in _pots(problem):
        lines = np.isin(problem.envelope_of_line, envelopes)
        inside = frozenset(np.flatnonzero(lines).tolist())
        chosen = _chosen([ask for ask in asks if ask.lines <= inside])
        added = float(low[lines].sum()) + sum(ask.beyond for ask in chosen)
        if added - held > max(0.01, CLEAR * added):
            found.append(_told(problem, envelopes, held, added, chosen))
    return sorted(found, key=lambda each: -each.short)


def _asks(problem: Problem, low: Array, bent: Array) -> list[_Ask]:
    """The limits that ask for a sum of lines, and for more than these get anyway."""
    rows, totals, found = problem.line_rows, problem.tally.totals, []
    for i, limit in enumerate(problem.limits):
        named = [totals[name] for name in limit.body.terms]
        least = limit.low - bent[i]
        if not least > 0 or limit.measure != "spend" or not all(len(total.lines) for total in named):
            continue
        mine = (rows.rows == i) & (rows.values != 0)
        lines, factors = rows.columns[mine], rows.values[mine]
        if len(lines) and (factors > 0).all():
            # A line that counts twice need get only half as much.
            asked, sure = least / factors.max(), float(low[lines].sum())
            if asked > sure:
                found.append(_Ask(i, frozenset(lines.tolist()), float(asked), float(asked - sure)))
    return found


def _pots(problem: Problem) -> Iterator[tuple[Array, float]]:
    """Envelopes that are looked at together, and the most that can be in them: each alone, then those that routes
    join."""
    for envelope, reach in enumerate(problem.reach):
        yield np.array([envelope]), float(reach)
    group = np.arange(len(problem.amount))
    for source, target in zip(problem.source.tolist(), problem.target.tolist(), strict=True):
        group[group == group[target]] = group[source]
    for each in np.unique(group):
        envelopes = np.flatnonzero(group == each)
        if len(envelopes) > 1:
            yield envelopes, float(problem.amount[envelopes].sum())


def _chosen(asks: list[_Ask]) -> list[_Ask]:
    """Of these, some that share no line, and ask together as much beyond their lines' own as any do (see the top)."""
    return [ask for group in _overlapping(asks) for ask in _best(group)]


def _overlapping(asks: list[_Ask]) -> list[list[_Ask]]:
    """Groups of limits that share no line with one of another group."""
    groups: list[tuple[set[int], list[_Ask]]] = []
    for ask in asks:
        near = [group for group in groups if group[0] & ask.lines]
        groups = [group for group in groups if not group[0] & ask.lines]
        merged = set(ask.lines).union(*(lines for lines, _ in near))
        groups.append((merged, [ask, *(each for _, members in near for each in members)]))
    return [members for _, members in groups]


def _best(asks: list[_Ask]) -> list[_Ask]:
    """The best choice in one group, by branch and bound, or the best of so many tries."""
    asks = sorted(asks, key=lambda ask: (-ask.beyond, ask.limit))
    ahead = np.append(np.cumsum([ask.beyond for ask in asks][::-1])[::-1], 0.0)
    best: tuple[float, list[_Ask]] = (0.0, [])
    waiting: list[tuple[int, float, list[_Ask], frozenset[int]]] = [(0, 0.0, [], frozenset())]
    for _ in range(TRIES):
        if not waiting:
            break
        k, total, chosen, taken = waiting.pop()
        if total > best[0]:
            best = total, chosen
        if k == len(asks) or total + ahead[k] <= best[0]:
            continue
        waiting.append((k + 1, total, chosen, taken))
        if not taken & asks[k].lines:
            waiting.append((k + 1, total + asks[k].beyond, [*chosen, asks[k]], taken | asks[k].lines))
    return best[1]


def _told(problem: Problem, envelopes: Array, held: float, added: float, chosen: list[_Ask]) -> Minima:
    """These limits by the rules that they are of."""
    table, book = problem.scenario.table("envelopes"), {rule.id: rule for rule in problem.scenario.rules}
    floors: dict[str, Least] = {}
    for ask in chosen:
        owner = problem.limits[ask.limit].owner
        rule, before = book[owner], floors.get(owner)
        floors[owner] = Least(
            owner, rule.standing, rule.sentence(problem.scenario), ask.asked + (before.asked if before else 0.0),
            ask.beyond + (before.beyond if before else 0.0),
        )  # fmt: skip
    order = sorted(floors.values(), key=lambda least: (least.standing == "statutory", -least.asked, least.rule))
    names = tuple(dict.fromkeys(table["id"].to_numpy(dtype=str)[envelopes].tolist()))
    year = str(table["year"].iloc[int(envelopes[0])])
    return Minima(names, year, held, added, added - sum(floor.asked for floor in order), tuple(order))


def _pounds(amounts: list[float], currency: str) -> list[str]:
    """Amounts in millions with one digit where that tells them apart, else in whole pounds."""
    millions = min(amounts) >= 1e5 and max(amounts) >= 1e6
    return [f"{currency}{amount / 1e6:,.1f}m" if millions else f"{currency}{amount:,.0f}" for amount in amounts]
