"""Small rule books that cannot hold, and a second opinion on them: every subset of rules tried with SciPy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

import allocate as al
from allocate.engine.oracle import firm
from tests.engine.making import YEAR, make

PARTNERS = ("ann", "ben", "cat")
CELLS = tuple((place, programme) for place in ("north", "south", "west") for programme in ("care", "hall"))


def book(seed: int, choices: bool = False, statutory: float = 0.2) -> al.Scenario:
    """Five to fourteen rules over four to six lines and two pots that a route joins, each rule asking for more than it
    could be sure of; with `choices`, lines that are nothing or at least so much."""
    rng = np.random.default_rng(seed)
    cells = CELLS[: int(rng.integers(4, 7))]
    lines: list[dict[str, Any]] = []
    for k, (place, programme) in enumerate(cells):
        line = dict(place=place, programme=programme, partner=PARTNERS[k % 3], envelope="pot" if k % 2 else "jar")
        line |= dict(baseline=_sum(rng, 100, 400), high=900_000.0)
        if choices and rng.random() < 0.6:
            line["scale"] = _sum(rng, 250, 600)
        lines.append(line)
    curves = [dict(place=p, programme=g, shape="linear", slope=1e-3) for p, g in cells]
    money = {"jar": _sum(rng, 500, 900), "pot": _sum(rng, 500, 900)}
    route = dict(id="path", year=YEAR, source="jar", target="pot", high=_sum(rng, 50, 300), authority="made up")
    rules = {f"r{k:02d}": _rule(rng, cells, statutory) for k in range(int(rng.integers(5, 15)))}
    return make(lines, curves, money, rules, routes=[route])


def _sum(rng, low: int, high: int) -> float:
    """A sum of money that no other is likely to equal."""
    return float(rng.integers(low * 1000, high * 1000))


def _rule(rng, cells, statutory: float) -> dict[str, Any]:
    kind = str(rng.choice(["floor", "floor", "cap", "keep", "share", "band", "growth"]))
    place, programme = cells[int(rng.integers(len(cells)))]
    wide: list[dict[str, Any]] = [{"places": [place]}, {"programmes": [programme]}]
    where: dict[str, Any] = [wide[0] | wide[1], *wide][int(rng.integers(3))]
    standing = "statutory" if rng.random() < statutory and kind in ("floor", "cap") else "agreed"
    gentle = standing == "statutory" and statutory < 0.5
    rule = {"kind": kind, "where": where, "owner": str(rng.choice(PARTNERS)), "standing": standing}
    if kind == "floor":
        return rule | {"amount": _sum(rng, 100, 150 if gentle else 450)}
    if kind == "cap":
        return rule | {"amount": _sum(rng, 600 if gentle else 150, 700)}
    if kind == "keep":
        return rule | {"amount": _sum(rng, 150, 400)}
    if kind == "share":
        return rule | {"at_least": float(rng.uniform(0.1, 0.6))}
    if kind == "band":
        return rule | {"down": float(rng.uniform(0, 0.3)), "up": float(rng.uniform(0, 0.5)), "each": "line"}
    return rule | {"at_least": float(rng.uniform(-0.2, 0.6))}


@dataclass(frozen=True, eq=False)
class Brute:
    """A scenario without bends or limits on gains, in thousands of pounds, as SciPy takes it: spend on lines, money
    moved, which lines are opened, and an easing for each end of each limit."""

    scenario: al.Scenario

    @cached_property
    def problem(self):
        return firm(self.scenario)

    @cached_property
    def rules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(limit.owner for limit in self.problem.limits))

    @cached_property
    def agreed(self) -> frozenset[str]:
        firmly = {rule.id for rule in self.scenario.rules if rule.standing == "statutory"}
        return frozenset(self.rules) - firmly

    @cached_property
    def _limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
        problem = self.problem
        ends = np.array([[limit.low for limit in problem.limits], [limit.high for limit in problem.limits]]) / 1e3
        return problem.line_rows.dense(np.arange(len(problem.limits))), *ends, [x.owner for x in problem.limits]

    @cached_property
    def _rows(self) -> tuple[csr_array, np.ndarray, np.ndarray]:
        """All rows but for the ends of limits: money, choices, limits, what each partner and all are asked."""
        p, (body, _, _, owner) = self.problem, self._limits
        n, r, m = len(p.low), len(p.route_high), len(p.limits)
        answers = {rule.id: rule.owner for rule in self.scenario.rules}
        width, each = 2 * n + r + 2 * m + 1, np.arange(n)
        paid, limits, asked = (np.zeros((rows, width)) for rows in (len(p.amount), m, len(PARTNERS) + 1))
        paid[p.envelope_of_line, each] = 1
        paid[p.source, n + np.arange(r)] += 1
        paid[p.target, n + np.arange(r)] -= 1
        least, most = (np.zeros((n, width)) for _ in range(2))
        for opened, factor in ((least, np.where(p.choices, p.scale, 0.0)), (most, p.high)):
            opened[:, :n] = np.eye(n)
            opened[each, n + r + each] = -factor / 1e3
        limits[:, :n] = body
        limits[:, 2 * n + r : -1] = np.hstack([np.eye(m), -np.eye(m)])
        for k, name in enumerate(owner):
            for column in (2 * n + r + k, 2 * n + r + m + k):
                asked[PARTNERS.index(answers[name]), column] = asked[-1, column] = 1
        asked[:-1, -1] = -1
        low = np.repeat([-np.inf, 0.0, -np.inf], [len(paid), n, n])
        high = np.concatenate([p.amount / 1e3, np.full(n, np.inf), np.where(p.choices, 0.0, np.inf)])
        return csr_array(np.vstack([paid, least, most, limits, asked])), low, high

    def solved(self, kept, eased=frozenset(), most: float = np.inf, fair: bool = False) -> float | None:
        """The least that these rules must be eased by in all, or (`fair`) the most that one partner is asked, while
        those `kept` hold but for it; None where that cannot be."""
        p, (_, low, high, owner), (rows, row_low, row_high) = self.problem, self._limits, self._rows
        n, r, m, asked = len(p.low), len(p.route_high), len(p.limits), len(PARTNERS) + 1
        mine = np.array([name in kept for name in owner])
        ends = (
            [row_low, np.where(mine, low, -np.inf), np.full(asked, -np.inf)],
            [row_high, np.where(mine, high, np.inf), np.append(np.zeros(asked - 1), np.inf)],
        )
        cost = np.repeat([0.0, float(not fair), float(fair)], [2 * n + r, 2 * m, 1])
        give = np.array([np.inf if name in eased else 0.0 for name in owner])
        least = np.concatenate([np.where(p.choices, 0.0, p.low) / 1e3, np.zeros(n + r + 2 * m + 1)])
        greatest = np.concatenate([p.high / 1e3, p.route_high / 1e3, np.ones(n), give, give, [most]])
        whole = np.concatenate([np.zeros(n + r), p.choices, np.zeros(2 * m + 1)])
        constraint = LinearConstraint(rows, *map(np.concatenate, ends))
        found = milp(cost, integrality=whole, bounds=Bounds(least, greatest), constraints=constraint)
        assert found.status in (0, 2), found.message
        return None if found.status == 2 else 1e3 * float(found.fun)

    def holds(self, kept) -> bool:
        """Whether these rules can all hold."""
        return self.solved(frozenset(kept)) is not None

    def sets(self, free: frozenset[str], fixed: frozenset[str]) -> tuple[set[frozenset], set[frozenset]]:
        """Every minimal clash and every minimal way out among rules that are free, by trying all subsets."""
        clashes: list[frozenset[str]] = []
        can: list[frozenset[str]] = []
        for number in range(len(free) + 1):
            for some in map(frozenset, itertools.combinations(sorted(free), number)):
                if any(clash <= some for clash in clashes):
                    continue
                (can if self.holds(fixed | some) else clashes).append(some)
        largest = [some for some in can if not any(some < other for other in can)]
        return set(clashes), {free - some for some in largest}

    def fewer(self, number: int, free: frozenset[str], price: float, **bounds: float) -> bool:
        """Whether fewer than so many rules can be eased for no more than this."""
        found = [
            self.solved(frozenset(self.rules), frozenset(some), **bounds)
            for some in itertools.combinations(sorted(free), number - 1)
        ]
        return any(each is not None and each <= price * (1 + 1e-5) + 1 for each in found)
