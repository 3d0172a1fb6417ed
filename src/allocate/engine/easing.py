"""How little must give way: the easing of rules' limits that costs least, names fewest rules, or asks least of anyone.

Every limit that may give way gets a column for each end by which it is eased, at a price. A rule bends within its own
bands at what they publish; further it must be eased, and that somebody has to be asked for. Asking costs, by the pound,

- twice what the dearest band published in the book costs: what bends need not be asked for. Where none is published a
  pound costs a pound;
- for limits in other units as much as if a limit's whole size were all the money (where it has none, as money buys of
  its unit on average);
- ten times as much where the rule is statutory.

Which rules may be asked, and whether resources may, is the caller's to say (`allocate.engine.clash`).

The least sums come from linear programmes (mixed-integer ones where a plan needs whole numbers). Among easings that
come to the same, one that names the fewest rules is found with a yes/no column for each rule: what a rule is asked
costs no more than the whole, so the whole is all that its column needs to open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from allocate.compiler import Arrays
from allocate.engine.highs import Answer, Impossible, Solver
from allocate.engine.oracle import Oracle, Over
from allocate.engine.problem import Problem
from allocate.errors import EngineError
from allocate.rules.tally import CHOICE, Limit
from allocate.scenario.rulebook import Rule
from allocate.scenario.scenario import Scenario

Array = np.ndarray
STATUTORY = 10.0
"""How many times dearer it is to ease a statutory rule."""
ASKED = 2.0
"""How many times dearer asking is than the dearest bending."""
SAME = 1e-6
"""As a share: sums that differ by less come to the same."""
LEAST = 1e-6
"""In solver units: an easing of no more is none."""
COSTS = (1e-6, 1e6)
"""The least and the most that easing by one solver unit costs, where a pound of the solver's costs one."""
Aim = Literal["total", "most", "names"]
Entries = tuple[Array, Array, Array]
"""Rows, columns and values."""


@dataclass(frozen=True)
class Easing:
    """One limit to ease: its number, by how much in its own unit, which end, and what that costs."""

    limit: int
    amount: float
    end: Literal["low", "high"]
    price: float = 0.0


@dataclass(frozen=True, eq=False)
class Eased:
    """Easings that let a plan exist, what the plan spends on each line (pounds), and what they cost together; `least`
    where no other easings do better."""

    easings: tuple[Easing, ...]
    spend: Array
    price: float
    least: bool = True


@dataclass(frozen=True, eq=False)
class Columns:
    """A column for each way in which a limit gives way: the limit, 1 where its low end goes down and -1 where its high
    end goes up, at most by how much (own unit), its price by the unit, and whether somebody must be asked."""

    limit: Array
    sign: Array
    width: Array
    price: Array
    asked: Array


class Easings:
    """The ways in which the rules of an oracle may give way: `rules` as a set, and resources where `resources`."""

    def __init__(self, oracle: Oracle, rules: int, resources: bool = False) -> None:
        self.oracle = oracle
        self.rates = Rates.of(oracle.scenario)
        self.columns = columns = _columns(oracle, self.rates, rules, resources)
        problem = oracle.problem
        self._units = problem.limit_units[columns.limit]
        # A pound of the solver's costs one, whatever a pound is worth.
        cost = columns.price * self._units / (self.rates.pound * problem.units.money)
        self._cost = np.clip(cost, *COSTS)
        self._rule, self._resources = oracle.owner[columns.limit], 1 << len(oracle.rules)
        names, self._partner = np.unique(partners(oracle)[columns.limit], return_inverse=True)
        self._partners = len(names)
        # Ends as the model has them: less what the least spending counts already, and no wider for bends.
        arrays = oracle.session.arrays(problem, oracle.grids)
        self._arrays = replace(arrays, cost=np.zeros(len(arrays.cost)))

    def cheapest(self) -> Eased:
        """The easings that cost least, those among them that name fewest rules. Raises Impossible where none do, and
        Over where there was no time to find any."""
        total, columns, answer = self._solve("total")
        return self._briefest(columns, answer, total, np.inf)

    def fairest(self) -> Eased:
        """The easings that ask least of the partner of whom most is asked; of these the cheapest, and of those again
        what names fewest rules. Raises as `cheapest` does."""
        most, _, _ = self._solve("most")
        total, columns, answer = self._solve("total", most=_or_little_more(most))
        return self._briefest(columns, answer, total, _or_little_more(most))

    def only(self, rules: int) -> Eased:
        """The easings of these rules alone that cost least. Raises as `cheapest` does."""
        _, columns, answer = self._solve("total", rules=rules)
        return self._eased(columns, answer)

    def relaxed(self) -> Answer:
        """The least that must be asked where nothing need be whole and bending costs nothing: an answer with prices,
        which prove a clash. Raises as `cheapest` does."""
        arrays, size = self._programme("total", np.inf, np.inf, -1), len(self._arrays.cost)
        cost = arrays.cost.copy()
        cost[size : size + len(self._cost)][~self.columns.asked] = 0.0
        whole = np.zeros(len(cost), dtype=bool)
        return self.oracle.run(Solver(replace(arrays, cost=cost, integer=whole)))

    def _briefest(self, columns: Array, answer: Answer, total: float, most: float) -> Eased:
        """Of easings that come to this total, one with fewest rules; the one that was found where time is short."""
        found = self._named(columns)
        best = self._eased(columns, answer)
        if found.bit_count() <= 1 or not best.least:
            return best
        try:
            total = _or_little_more(total)
            _, columns, _ = self._solve("names", most=most, total=total)
            fewer = self._named(columns)
            if fewer.bit_count() < found.bit_count():
                _, columns, answer = self._solve(
                    "total", most=most, total=total, rules=fewer | 1 << len(self.oracle.rules)
                )
                best = self._eased(columns, answer)
        except (Impossible, Over, EngineError):
            return replace(best, least=False)
        return best

    # --- programmes ---------------------------------------------------------------------------------------------------

    def _solve(
        self, aim: Aim, most: float = np.inf, total: float = np.inf, rules: int = -1
    ) -> tuple[float, Array, Answer]:
        """The least of an aim: all that is asked, the most that one partner is, or how many rules are named. `most` and
        `total` bound the others; only `rules` are asked, and resources by the bit after theirs. Returns it, the columns
        of easing, and the answer."""
        arrays = self._programme(aim, most, total, rules)
        answer = self.oracle.run(Solver(arrays))
        size = len(self._arrays.cost)
        return -answer.value, answer.columns[size : size + len(self._cost)], answer

    def _programme(self, aim: Aim, most: float, total: float, rules: int) -> Arrays:
        """The model with a column for each easing, one for the most that a partner is asked and, to count rules, one
        for each; with rows for what each partner is asked, within the most, for all, and for what each rule is."""
        cost, asked, none = self._cost, self.columns.asked, np.zeros(len(self._cost))
        aims = {"total": (-cost, 0.0), "most": (none, -1.0), "names": (none, 0.0)}[aim]
        bits = [1 << rule if rule >= 0 else self._resources for rule in self._rule.tolist()]
        open_ = ~asked | np.array([bool(rules & bit) for bit in bits], dtype=bool)
        width = np.where(open_, self.columns.width / self._units, 0.0)
        named, entries = self._flags(total) if aim == "names" else (0, [])
        more = More(
            cost=np.concatenate([aims[0], [aims[1]], np.full(named, -1.0)]),
            upper=np.concatenate([width, [most], np.ones(named)]),
            integer=np.repeat([False, True], [len(cost) + 1, named]),
            row_upper=np.concatenate([np.zeros(self._partners), [total], np.zeros(named)]),
        )
        return extended(self._arrays, more, [*self._sums(), *entries])

    def _sums(self) -> list[Entries]:
        """Entries of easings in the rows of their limits, of their partners, and of all."""
        rows, size, count = len(self._arrays.row_lower), len(self._arrays.cost), len(self._cost)
        easing, asked = size + np.arange(count), self.columns.asked
        of_limit = np.arange(rows)[self.oracle.rows][self.columns.limit]
        return [
            (of_limit, easing, self.columns.sign),
            (rows + self._partner[asked], easing[asked], self._cost[asked]),
            (rows + np.arange(self._partners), np.full(self._partners, size + count), np.full(self._partners, -1.0)),
            (np.full(count, rows + self._partners), easing, self._cost),
        ]

    def _flags(self, total: float) -> tuple[int, list[Entries]]:
        """How many rules are counted, and the entries of their rows: a rule is asked as much as all are, or nothing."""
        rows, size = len(self._arrays.row_lower) + self._partners + 1, len(self._arrays.cost)
        asked = np.flatnonzero(self.columns.asked & (self._rule >= 0))
        rules, row = np.unique(self._rule[asked], return_inverse=True)
        flag = np.arange(len(rules))
        scale = min(1.0 / total, 1e6 / float(self._cost.max()))
        return len(rules), [
            (rows + row, size + asked, scale * self._cost[asked]),
            (rows + flag, size + len(self._cost) + 1 + flag, np.full(len(rules), -scale * total)),
        ]

    # --- what they mean -----------------------------------------------------------------------------------------------

    def _named(self, columns: Array) -> int:
        """The rules that are asked for anything."""
        rules = np.unique(self._rule[self.columns.asked & (columns > LEAST) & (self._rule >= 0)])
        return sum(1 << int(k) for k in rules)

    def _eased(self, columns: Array, answer: Answer) -> Eased:
        """What must be asked, of which limits. What bends within its published bands is no matter."""
        amount, problem = columns * self._units, self.oracle.problem
        easings = tuple(
            Easing(int(self.columns.limit[k]), float(amount[k]), "low" if self.columns.sign[k] > 0 else "high",
                   float(amount[k] * self.columns.price[k]))
            for k in np.flatnonzero(self.columns.asked & (columns > LEAST)).tolist()
        )  # fmt: skip
        spend = self.oracle.session.flows(problem, self.oracle.reached(answer)).spend
        return Eased(easings, spend, float(amount @ self.columns.price), answer.status == "optimal")


@dataclass(frozen=True)
class Rates:
    """What easing costs: `pound` for a pound of a rule that publishes nothing; `money` is all there is, in pounds.
    `published` where bands are, and prices are then in points of the aim; else in pounds."""

    pound: float
    money: float
    published: bool

    @classmethod
    def of(cls, scenario: Scenario) -> Rates:
        """The rates of a scenario."""
        money = float(scenario.table("envelopes")["amount"].sum())
        dearest = [_by_pound(rule, rule.bends[-1].price, money) for rule in scenario.rules if rule.binds and rule.bends]
        return cls(ASKED * max(dearest) if dearest else 1.0, money, bool(dearest))

    def unit(self, measure: str, size: float) -> float:
        """What one unit of a limit of this size costs where nothing is published."""
        return self.pound * (1.0 if measure == "spend" else self.money / size)

    def band(self, rule: Rule, price: float) -> float:
        """What one unit costs at a published price."""
        return price / 1e6 if getattr(rule, "measure", "spend") == "spend" else price


def _by_pound(rule: Rule, price: float, money: float) -> float:
    """A published price by the pound; of a rule in other units as if its whole amount were all the money."""
    if getattr(rule, "measure", "spend") == "spend":
        return price / 1e6
    return price * float(getattr(rule, "amount", 1.0) or 1.0) / max(money, 1.0)


def _columns(oracle: Oracle, rates: Rates, rules: int, resources: bool) -> Columns:
    """The columns of easing: for each end of each limit its rule's bands, and one beyond where it may be eased."""
    problem, book = oracle.problem, {rule.id: rule for rule in oracle.scenario.rules}
    found: list[tuple[int, float, float, float, bool]] = []
    for i in np.flatnonzero(problem.owned).tolist():
        limit = problem.limits[i]
        rule, number = book.get(limit.owner), int(oracle.owner[i])
        bends = rule.bends if rule is not None else ()
        bands = [(bend.width, rates.band(rule, bend.price), False) for bend in bends] if rule is not None else []
        if (rules >> number & 1 if number >= 0 else resources) and not (bends and bends[-1].by is None):
            price = rates.unit(limit.measure, _size(problem, limit))
            if rule is not None and rule.standing == "statutory":
                price *= STATUTORY
            bands.append((np.inf, max([price, *(price for _, price, _ in bands)]), True))
        for end, sign in ((limit.low, 1.0), (limit.high, -1.0)):
            found += [(i, sign, *band) for band in bands if np.isfinite(end)]
    table = np.array(found, dtype=float).reshape(-1, 5).T
    return Columns(table[0].astype(int), table[1], table[2], table[3], table[4] > 0)


def _size(problem: Problem, limit: Limit) -> float:
    """The size of a limit: its greater end; where that is nothing, what all the money buys of its measure on average,
    or one choice."""
    size = max([abs(end) for end in (limit.low, limit.high) if np.isfinite(end)], default=0.0)
    unit = problem.units.of_measure(limit.measure)
    if size > 1e-6 * unit:
        return size
    return 1.0 if limit.measure == CHOICE else unit * float(problem.amount.sum()) / problem.units.money


def partners(oracle: Oracle) -> Array:
    """Who is asked to ease each limit: the partner that answers for its rule, or else the resource itself."""
    answers = {rule.id: rule.owner for rule in oracle.scenario.rules}
    return np.array([answers.get(limit.owner, limit.owner) for limit in oracle.problem.limits], dtype=str)


def _or_little_more(total: float) -> float:
    return total * (1 + SAME) + LEAST


@dataclass(frozen=True, eq=False)
class More:
    """Columns to add to a model, none below nothing, and the upper ends of rows to add."""

    cost: Array
    upper: Array
    integer: Array
    row_upper: Array


def extended(arrays: Arrays, more: More, entries: list[Entries]) -> Arrays:
    """A model with more columns and rows, and these entries in any of them."""
    own = arrays.index, np.arange(len(arrays.cost)).repeat(np.diff(arrays.start)), arrays.value
    row, column, value = (np.concatenate(parts) for parts in zip(own, *entries, strict=True))
    added = len(more.row_upper)
    return Arrays.of(
        np.concatenate([arrays.cost, more.cost]),
        np.concatenate([arrays.lower, np.zeros(len(more.cost))]),
        np.concatenate([arrays.upper, more.upper]),
        np.concatenate([arrays.row_lower, np.full(added, -np.inf)]),
        np.concatenate([arrays.row_upper, more.row_upper]),
        (row, column, value),
        np.concatenate([arrays.integer, more.integer]),
    )  # fmt: skip
