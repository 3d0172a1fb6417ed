"""Small declarations, one for each thing that a rule may do: (declaration, members, figures)."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo

from allocate.compiler import Positions

Case = tuple[pyo.AbstractModel, dict, dict]


def ragged() -> Case:
    """Sums over indexed sets by the rule's own index, sparse sets, string labels, bounds from Params."""
    m = pyo.AbstractModel()
    m.LINES, m.CURVES, m.SLICES = pyo.Set(), pyo.Set(), pyo.Set(dimen=2)
    m.LINES_OF, m.SLICES_OF, m.PAIRS_OF = pyo.Set(m.CURVES), pyo.Set(m.CURVES), pyo.Set(m.CURVES, dimen=2)
    m.low, m.high, m.width, m.slope = (
        pyo.Param(index, mutable=True) for index in (m.LINES, m.LINES, m.SLICES, m.SLICES)
    )
    m.start = pyo.Param(m.CURVES, mutable=True)
    m.spend = pyo.Var(m.LINES, bounds=lambda m, line: (m.low[line], m.high[line]))
    m.slice = pyo.Var(m.SLICES, bounds=lambda m, q, k: (0, m.width[q, k]))
    m.gain = pyo.Var(m.CURVES)
    m.aim = pyo.Objective(rule=lambda m: sum(m.gain[q] for q in m.CURVES) + 2, sense=pyo.maximize)

    @m.Constraint(m.CURVES)
    def effort(m, q):
        return sum(m.spend[line] for line in m.LINES_OF[q]) - sum(m.slice[q, k] for k in m.SLICES_OF[q]) == m.start[q]

    @m.Constraint(m.CURVES)
    def effect(m, q):
        return m.gain[q] == sum(m.slope[q, k] * m.slice[q, k] for k in m.SLICES_OF[q])

    @m.Constraint(m.CURVES)
    def pairs(m, q):
        return sum(m.width[a, k] * m.slice[a, k] for a, k in m.PAIRS_OF[q]) <= 100 + m.start[q]

    members = {
        "LINES": ["a", "b", "c", "d"], "CURVES": ["p", "q", "r"],
        "SLICES": [("p", 0), ("p", 1), ("r", 0), ("q", 0), ("p", 2)],
        "LINES_OF": {"p": ["c", "a"], "r": ["b"]},
        "SLICES_OF": [("p", 0), ("r", 0), ("p", 1), ("q", 0), ("p", 2)],
        "PAIRS_OF": {"p": [("p", 1), ("r", 0)], "q": [], "r": [("q", 0)]},
    }  # fmt: skip
    figures = {"low": np.zeros(4), "high": [9, 8, 7, 6], "width": [1, 2, 3, 4, 5], "slope": [5, 4, 3, 2, 1]}
    return m, members, {**figures, "start": [0, 0.5, 0.25]}


def positions() -> Case:
    """The same kind of sets given as positions in their parents."""
    _, members, figures = ragged()
    slices = np.array([[0, 0], [0, 1], [2, 0], [1, 0], [0, 2]])
    m = pyo.AbstractModel()
    m.LINES, m.CURVES, m.STEPS = pyo.Set(), pyo.Set(), pyo.Set()
    m.SLICES = pyo.Set(dimen=2)
    m.SLICES_OF, m.LINES_OF, m.KEPT_OF = pyo.Set(m.CURVES), pyo.Set(m.CURVES), pyo.Set(m.CURVES, dimen=2)
    m.slope, m.weight, m.high = (
        pyo.Param(m.SLICES, mutable=True),
        pyo.Param(m.CURVES, mutable=True),
        pyo.Param(m.LINES, mutable=True),
    )
    m.slice = pyo.Var(m.SLICES, bounds=(0, 3))
    m.spend = pyo.Var(m.LINES, bounds=lambda m, line: (0, m.high[line]))

    @m.Objective(sense=pyo.maximize)
    def aim(m):
        return sum(m.weight[q] * m.slope[q, k] * m.slice[q, k] for q, k in m.SLICES)

    @m.Constraint(m.CURVES)
    def effort(m, q):
        spent = sum(m.spend[line] for line in m.LINES_OF[q])
        return spent - sum(m.slope[q, k] * m.slice[q, k] for k in m.SLICES_OF[q]) >= -1

    @m.Constraint(m.SLICES)
    def each(m, q, k):
        return m.slice[q, k] <= m.weight[q]

    @m.Constraint(m.CURVES)
    def kept(m, q):
        return sum(m.slope[a, k] * m.slice[a, k] for a, k in m.KEPT_OF[q]) <= 5 * m.weight[q]

    return m, {
        "LINES": members["LINES"], "CURVES": members["CURVES"], "STEPS": (0, 1, 2),
        "SLICES": Positions(slices, ("CURVES", "STEPS")),
        "SLICES_OF": Positions(slices, ("CURVES", "STEPS")),
        "LINES_OF": Positions(np.array([[0, 2], [2, 1], [0, 0]]), ("CURVES", "LINES")),
        "KEPT_OF": Positions(np.array([[2, 1], [2, 4], [0, 3]]), ("CURVES", "SLICES")),
    }, {"slope": figures["slope"], "weight": [1.0, 2.0, 3.0], "high": figures["high"]}  # fmt: skip


def products() -> Case:
    """Dense products, lags and leads, ranged rows, a scalar row, constants, a Param in bounds and coefficients."""
    m = pyo.AbstractModel()
    m.I, m.T, m.LATER, m.EARLIER = pyo.Set(), pyo.RangeSet(1, 4), pyo.Set(), pyo.Set()
    m.cap, m.ramp, m.rate, m.flat = (
        pyo.Param(m.I, m.T, mutable=True),
        pyo.Param(m.I, mutable=True),
        pyo.Param(m.T, mutable=True),
        pyo.Param(mutable=True),
    )
    m.x = pyo.Var(m.I, m.T, within=pyo.NonNegativeReals, bounds=lambda m, i, t: (None, m.cap[i, t]))
    m.n = pyo.Var(m.T, domain=pyo.Integers, bounds=(-2, 5))
    m.on = pyo.Var(m.I, domain=pyo.Binary)
    m.free = pyo.Var()
    m.aim = pyo.Objective(rule=lambda m: sum(m.rate[t] * m.x[i, t] for i in m.I for t in m.T) - m.free / m.flat)

    @m.Constraint(m.I, m.LATER)
    def ramps(m, i, t):
        return pyo.inequality(-m.ramp[i], m.x[i, t] - m.x[i, t - 1], 2 * m.ramp[i] + t)

    @m.Constraint(m.EARLIER)
    def leads(m, t):
        return m.n[t + 1] >= m.n[t] - m.flat

    @m.Constraint()
    def whole(m):
        return (None, sum(m.x[i, 1] for i in m.I) + m.n[2] + m.x["u", 3] - 3, m.flat)

    @m.Constraint(m.I, m.T)
    def opened(m, i, t):
        return m.x[i, t] <= m.cap[i, t] * m.on[i]

    @m.Constraint(["only"], m.I)
    def share(m, one, i):
        mine = sum(m.x[i, t] for t in m.T)
        return mine >= m.flat**2 / 100 * sum(m.x[j, t] * (1 - m.rate[t]) for j in m.I for t in m.T)

    @m.Constraint(m.T)
    def fixed(m, t):
        return sum(m.cap[i, t] for i in m.I) + t >= -(m.x["u", t] - m.x["v", t]) * pyo.exp(m.rate[t])

    @m.Constraint(m.I)
    def greater(m, i):
        return m.free >= m.ramp[i]

    figures = {"cap": np.arange(8.0).reshape(2, 4) + 1, "ramp": [1.0, 2.0], "rate": [0.5, 0.25, 0.0, 1.0], "flat": 3.0}
    return m, {"I": ("u", "v"), "LATER": [2, 3, 4], "EARLIER": [1, 2, 3]}, figures


def expressions() -> Case:
    """Indexed and scalar Expressions, a helper function, duplicates that add up, a quadratic aim."""
    m = pyo.AbstractModel()
    m.I, m.J = pyo.Set(initialize=["a", "b", "c"]), pyo.Set(dimen=2)
    m.p, m.q = pyo.Param(m.I, mutable=True), pyo.Param(m.J, mutable=True)
    m.x, m.y = pyo.Var(m.I, bounds=(0, 9)), pyo.Var(m.J, bounds=(-1, 4))
    m.twice = pyo.Expression(m.I, rule=lambda m, i: 2 * m.x[i] + m.p[i])
    m.all = pyo.Expression(rule=lambda m: sum(m.twice[i] for i in m.I))

    def spread(m, i):
        return sum(m.q[a, b] * m.y[a, b] for a, b in m.J) - m.x[i]

    m.first = pyo.Constraint(m.I, rule=lambda m, i: m.twice[i] + m.all - m.x[i] <= 40 + m.p[i])
    m.second = pyo.Constraint(m.I, rule=lambda m, i: spread(m, i) + m.x[i] - 3 * m.x[i] <= 7)
    m.third = pyo.Constraint(m.I, rule=lambda m, i: sum(m.x[a] for a, b in m.J) + m.x[i] == 3 + m.x[i])
    m.fourth = pyo.Constraint(m.I, rule=lambda m, i: m.twice[i] >= m.p[i])

    def aim(m):
        return (
            sum(m.p[i] * (m.x[i] - m.p[i]) ** 2 for i in m.I)
            + sum(m.y[a, b] * m.y[a, b] + m.x[a] * m.y[a, b] / 4 for a, b in m.J)
            + (sum(m.x[i] for i in m.I)) ** 2
            + m.all
        )

    m.aim = pyo.Objective(rule=aim)
    return m, {"J": [("a", 1), ("c", 2), ("a", 3)]}, {"p": [1.0, 2.0, 3.0], "q": [4.0, 0.0, 6.0]}


def named() -> Case:
    """Named sums within named sums, over sets given as positions in one other set, in any order and with repeats."""
    m = pyo.AbstractModel()
    m.LINES, m.OWN, m.STEPS, m.TOTALS = pyo.Set(), pyo.Set(), pyo.Set(), pyo.Set()
    m.SLICES = pyo.Set(dimen=2)
    m.OWN_OF, m.SLICES_OF, m.LINES_IN = pyo.Set(m.LINES), pyo.Set(m.LINES), pyo.Set(m.TOTALS)
    m.start, m.slope = pyo.Param(m.LINES, mutable=True), pyo.Param(m.SLICES, mutable=True)
    m.factor = pyo.Param(m.TOTALS, m.LINES, mutable=True)
    m.paid = pyo.Var(m.OWN, bounds=lambda m, n: (0, m.start[n]))
    m.slice = pyo.Var(m.SLICES, bounds=(0, 2))

    @m.Expression(m.LINES)
    def spend(m, n):
        return m.start[n] + sum(m.paid[own] for own in m.OWN_OF[n]) + sum(m.slice[n, k] for k in m.SLICES_OF[n])

    @m.Expression(m.TOTALS)
    def total(m, t):
        gains = sum(m.slope[n, k] * m.slice[n, k] / m.start[n] for n in m.LINES_IN[t] for k in m.SLICES_OF[n])
        return gains - sum(m.factor[t, n] * m.spend[n] for n in m.LINES_IN[t])

    m.aim = pyo.Objective(rule=lambda m: sum(m.total[t] + m.total["t"] for t in m.TOTALS))
    m.within = pyo.Constraint(m.TOTALS, rule=lambda m, t: pyo.inequality(-1, m.total[t], 9))
    m.first = pyo.Constraint(m.TOTALS, rule=lambda m, t: sum(m.slice["c", k] for k in m.SLICES_OF["c"]) <= m.total[t])
    m.next = pyo.Constraint(
        m.STEPS, rule=lambda m, k: sum(m.slope[n, j] * m.spend[n] for n, j in m.SLICES) * k >= m.slice["a", k + 1]
    )
    lines, own = ("LINES",), np.array([[3, 0], [0, 1]])
    members = {
        "LINES": ["a", "b", "c", "d"], "STEPS": [0], "TOTALS": ["t", "u"],
        "OWN": Positions(np.array([3, 0]), lines), "OWN_OF": Positions(own, ("LINES", "OWN")),
        "SLICES": [("c", 1), ("a", 0), ("c", 0), ("a", 1)], "SLICES_OF": {"c": [0, 1], "a": [1, 0]},
        "LINES_IN": [("u", "c"), ("t", "a"), ("u", "a"), ("t", "d"), ("u", "b")],
    }  # fmt: skip
    figures = {"start": [1.0, 2.0, 3.0, 4.0], "slope": [0.5, 2.0, 3.0, 0.25], "factor": np.arange(8.0)}
    return m, members, figures


def awkward() -> Case:
    """What one call does not tell: branches, look-ups, Skip, loops, filters, other sums, domains by index."""
    m = pyo.AbstractModel()
    m.I, m.T = pyo.Set(), pyo.Set()
    m.p, m.r = pyo.Param(m.I, mutable=True), pyo.Param(m.T, mutable=True)
    table = {"a": 3.0, "b": 4.0}
    m.x = pyo.Var(m.I, m.T, bounds=lambda m, i, t: (0, m.p[i] if t > 1 else 5))
    m.y = pyo.Var(m.I, domain=lambda m, i: pyo.Binary if i == "a" else pyo.NonNegativeReals)

    @m.Constraint(m.I, m.T)
    def branch(m, i, t):
        if t == 1:
            return pyo.Constraint.Skip
        return m.x[i, t] - m.x[i, t - 1] <= m.p[i] * m.r[t] + 1

    m.looked = pyo.Constraint(m.I, rule=lambda m, i: table[i] * m.y[i] <= m.p[i])
    m.got = pyo.Constraint(m.I, rule=lambda m, i: table.get(i, 0) * m.y[i] <= m.p[i])
    m.filtered = pyo.Constraint(m.I, rule=lambda m, i: sum(m.x[j, 1] for j in m.I if j != i) >= -m.p[i] * 2)
    m.quick = pyo.Constraint(m.I, rule=lambda m, i: pyo.quicksum(m.p[i] * m.x[i, t] for t in m.T) <= 9)
    m.zipped = pyo.Constraint(m.I, rule=lambda m, i: sum(k * m.x[i, t] for k, t in enumerate(m.T)) <= 9)
    m.sorted = pyo.Constraint(m.I, rule=lambda m, i: sum(m.x[i, t] for t in sorted(m.T)) <= 9)
    m.mixed = pyo.Constraint(m.I, rule=lambda m, i: sum(n * m.x[i, t] for t in m.T for n in (1, 2)) <= 9)
    m.member = pyo.Constraint(m.I, rule=lambda m, i: m.y[i] <= (1 if i in m.I else 2))
    m.named = pyo.Constraint(m.I, rule=lambda m, i: m.y[i] <= (1 if i == "a" else 2))
    m.among = pyo.Constraint(m.I, rule=lambda m, i: m.y[i] <= (1 if i in ("a", "z") else 2))

    @m.Constraint(m.I)
    def looped(m, i):
        total = 0
        for t in m.T:
            total += m.r[t] * m.x[i, t]
        return total <= 12

    @m.Objective(sense=pyo.maximize)
    def aim(m):
        return sum(m.x[i, t] * m.r[t] for i in m.I for t in m.T if t > 1) + sum(m.y[i] ** 2 for i in m.I)

    return m, {"I": ["a", "b"], "T": [1, 2, 3]}, {"p": [2.0, 3.0], "r": [0.5, 1.5, 2.5]}


CASES = [ragged, positions, products, expressions, named, awkward]
