"""A plan at the margin: what one pound more buys on each line, what stands in its way, and when money would turn.

Everything here is computed from one solution, without solving again. What £1 more on a line buys is the slope of its
curve; what its money buys elsewhere is the price of its envelope; what stands between the two is a rule at its end,
the line's own least or most, or money that may go nowhere else. The reasoning is local: it holds for the last pounds,
all else held.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from allocate.compiler import Arrays
from allocate.engine.certificate import Flows, bodies, slips
from allocate.engine.highs import Impossible, Solver
from allocate.engine.problem import Problem
from allocate.engine.solving import Solved
from allocate.engine.sparse import Sparse
from allocate.errors import EngineError
from allocate.plan.aim import a_little, aim_unit
from allocate.plan.figures import number, round_sum
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan, worth_of_a_pound
from allocate.plan.words import quoted, title
from allocate.rules.kinds import aim_of, binding_rules
from allocate.scenario.curves import Curves
from allocate.scenario.rulebook import Rule

Array = np.ndarray
ROOM = 10.0
"""Pounds within which an amount stands at its bound: whole pounds are a few off the exact plan."""
SAME = 2e-3
"""Worths that differ by less than this share are said to be the same."""
NEAR = 1e-6
"""Prices agree to this share of the dearest."""
BIG, MOST = 1e4, 1e3
"""Prices are sought up to this many times the dearest, effects up to this many times the evidence."""
TOLD = 0.2
"""By how much weaker or stronger an effect is told to be."""

_views: WeakKeyDictionary[Plan, View] = WeakKeyDictionary()


def view_of(plan: Plan) -> View:
    """The plan at the margin, worked out once."""
    found = _views.get(plan)
    if found is None:
        found = _views[plan] = View(plan._solved, plan.has_prices, a_little(plan), aim_unit(plan))
    return found


class View:
    """A plan at the margin: arrays with an entry per line (limit, envelope), worked out when first asked for. It does
    not hold the plan itself, which may be let go of."""

    def __init__(self, solved: Solved, priced: bool, little: float, unit: str) -> None:
        self.solved, self.priced, self.little, self.unit = solved, priced, little, unit
        self.problem, self.spend = solved.problem, solved.flows.spend
        self.scenario = self.problem.scenario
        self.currency = self.scenario.heading.currency
        self.change = self.spend - self.problem.baseline
        self.unspent = solved.flows.unspent(self.problem)
        self.closed = self.problem.choices & (self.spend < POUND)
        self.ceiling = np.minimum(self.problem.high, self.problem.reach[self.problem.envelope_of_line])

    # --- worths and prices ---

    @cached_property
    def marginal(self) -> Array:
        """Per curve, its outcome for one pound more."""
        return self.problem.curves.marginal(self.problem.curves.effort(self.spend))

    @cached_property
    def worth(self) -> Array:
        """Per line, what one pound more buys, in units of the aim."""
        return (self.problem.weight * self.marginal) @ self.problem.feeds

    @cached_property
    def limit_price(self) -> Array:
        """Per limit, what easing it is worth: above 0 where its upper end holds, below where its lower one does. 0 for
        what is next to nothing, and where there are no prices."""
        prices, units = self.solved.optimum.prices.limit, self.problem.units
        weighed = np.abs(prices) * self.problem.limit_units
        return np.where(self.priced & (weighed > 1e-6 * units.value), prices, 0.0)

    @cached_property
    def price(self) -> Array:
        """Per envelope, what one pound more is worth; 0 without prices."""
        return np.maximum(self.solved.optimum.prices.envelope, 0.0) * self.priced

    @cached_property
    def elsewhere(self) -> Array:
        """Per line, what one pound of its envelope buys where it buys most."""
        return self.price[self.problem.envelope_of_line]

    @cached_property
    def valued(self) -> Array:
        """Per line, what one pound more is worth once limits on gains have taken theirs."""
        weight = self.problem.weight - self.limit_price @ self.problem.gain_rows
        return (weight * self.marginal) @ self.problem.feeds

    @cached_property
    def rent(self) -> Array:
        """Per line, what one pound more is worth beyond its money's and its rules' prices: above 0 at its own most,
        below at its own least, 0 between."""
        left = self.valued - self.elsewhere - self.limit_price @ self.problem.line_rows
        return np.where(np.abs(left) > SAME * np.maximum(self.elsewhere, np.abs(self.valued)), left, 0.0)

    # --- what stands in the way ---

    @cached_property
    def body(self) -> Array:
        """Per limit, what its lines add up to."""
        return bodies(self.problem, self.solved.flows)

    @cached_property
    def effects(self) -> Sparse:
        """What one pound more on each line adds to each limit."""
        gains = self.problem.gain_rows
        return self.problem.line_rows + gains.scaled(self.marginal).through(self.problem.feeds)

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """Per limit, whether it stands at its lower end, and at its upper one."""
        room = np.where(self.limit_price != 0, 8.0, 1.0) * worth_of_a_pound(self.problem, self.spend)
        room = np.maximum(room, 1e-7 * np.abs(self.body))
        return self.body - self.problem.limit_low <= room, self.problem.limit_high - self.body <= room

    @cached_property
    def rise_stop(self) -> Array:
        """Per line, the limit that stops it rising (the dearest, where several do), or -1."""
        low, high = self.ends
        up, entry = self.effects.values > 0, self.effects.rows
        return self.dearest_stop(np.where(up, high[entry], low[entry]))

    @cached_property
    def fall_stop(self) -> Array:
        """Per line, the limit that stops it falling (the dearest, where several do), or -1."""
        low, high = self.ends
        up, entry = self.effects.values > 0, self.effects.rows
        return self.dearest_stop(np.where(up, low[entry], high[entry]))

    def dearest_stop(self, stops: Array) -> Array:
        """Per line, of the limits that stop it (booleans, one for each entry of `effects`) the dearest, or -1."""
        rows, columns = self.effects.rows[stops], self.effects.columns[stops]
        dear = np.abs(self.limit_price[rows] * self.effects.values[stops])
        order = np.lexsort((rows, -dear, columns))
        found = np.full(len(self.spend), -1)
        lines, first = np.unique(columns[order], return_index=True)
        found[lines] = rows[order][first]
        return found

    def priced_stop(self, stops: Array) -> Array:
        """Which lines' stops have a price."""
        # A line without a stop (-1) takes the nought at the end, which also stands where no rule is in force.
        return np.append(self.limit_price, 0.0)[stops] != 0

    @cached_property
    def at_most(self) -> Array:
        """Which lines stand at their own most, and (where there are prices) would rise beyond it."""
        full = self.spend >= self.problem.high - ROOM
        return full & (self.rent > 0) if self.priced else full

    @cached_property
    def at_least(self) -> Array:
        """Which lines stand at their own least, and (where there are prices) would fall below it."""
        empty = self.spend <= self.problem.low + POUND
        return empty & (self.rent < 0) if self.priced else empty

    # --- groups of lines under one effect ---

    @cached_property
    def groups(self) -> dict[tuple[str, str, str], tuple[Array, Array]]:
        """Lines and curves by (place, programme, year), where there is a curve: those that stand or fall together."""
        table = self.scenario.table("curves")
        curves: dict[tuple[str, str, str], list[int]] = {}
        for q, key in enumerate(zip(table["place"], table["programme"], table["year"], strict=True)):
            curves.setdefault(key, []).append(q)
        lines = self.scenario.curve_of_line
        return {key: (lines[key], np.array(mine)) for key, mine in curves.items() if key in lines}

    @cached_property
    def keys(self) -> list[tuple[str, str, str]]:
        """Per line, its (place, programme, year)."""
        lines = self.scenario.table("lines")
        return list(zip(lines["place"], lines["programme"], lines["year"], strict=True))

    # --- words ---

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """The rules in force that hold the plan, by id: an aim does too, by the floors that it puts under places."""
        aim = aim_of(self.scenario)
        return {rule.id: rule for rule in (*binding_rules(self.scenario), *([] if aim is None else [aim]))}

    @cached_property
    def sentences(self) -> dict[str, str]:
        """Every rule in its own words, and every resource's limit in its."""
        told = {limit.owner: limit.label for limit in reversed(self.problem.limits)}
        return told | {name: rule.sentence(self.scenario) for name, rule in self.rules.items()}

    def sentence(self, owner: str) -> str:
        """A rule in its own words, or a resource's limit in its."""
        return self.sentences[owner]

    def named(self, limit: int) -> str:
        """The rule that a limit belongs to, by its title, or the resource: “Movement other NHS”, “Nurses”."""
        owner = self.problem.limits[limit].owner
        if owner in self.rules:
            return quoted(title(owner))
        return quoted(self.scenario.name_of("resources", owner.removeprefix("resource ")))

    def kind(self, limit: int) -> str:
        """'rule', or 'limit' for a resource's."""
        return "rule" if self.problem.limits[limit].owner in self.rules else "limit"

    def short(self, limit: int) -> str:
        """The rule that a limit belongs to, by its title: the rule “Movement other NHS”, the limit “Nurses”."""
        return f"the {self.kind(limit)} {self.named(limit)}"

    def quoted(self, limit: int) -> str:
        """The rule that a limit belongs to, in full."""
        return f"the {self.kind(limit)} {quoted(self.sentence(self.problem.limits[limit].owner))}"

    def envelope(self, e: int) -> str:
        """An envelope's name, with its year where there are several."""
        table = self.scenario.table("envelopes")
        name, year = table["name"].iloc[e], table["year"].iloc[e]
        return f"{name} {year}" if len(self.scenario.years) > 1 else name

    def envelope_of(self, line: int) -> str:
        """The name of the envelope that pays a line."""
        return self.envelope(int(self.problem.envelope_of_line[line]))

    def group_name(self, line: int) -> str:
        """What a line is for and where: 'Prevention in Coventry'."""
        place, programme, year = self.keys[line]
        name = f"{self.scenario.name_of('programmes', programme)} in {self.scenario.name_of('places', place)}"
        return f"{name} in {year}" if len(self.scenario.years) > 1 else name

    @property
    def asked(self) -> str:
        """The round sum that worths are said for: '£1m'."""
        return round_sum(self.little, self.currency)

    @property
    def points(self) -> str:
        """The unit of the aim, briefly."""
        return "points" if self.unit.startswith("points") else self.unit

    def buys(self, worth: float) -> str:
        """What the round sum buys at this worth per pound, to three digits."""
        return number(float(f"{worth * self.little:.3g}"))

    def even(self, line: int) -> bool:
        """Whether a pound buys as much here as elsewhere."""
        here, there = self.worth[line], self.elsewhere[line]
        return bool(abs(here - there) <= SAME * max(abs(here), abs(there)))


def eased(view: View) -> dict[str, tuple[float, int, int]]:
    """By rule or resource that shapes the answer: what easing it is worth, its dearest limit, and how many do."""
    found: dict[str, tuple[float, int, int]] = {}
    for i in np.flatnonzero((view.limit_price != 0) & (view.ends[0] | view.ends[1])):
        limit = view.problem.limits[i]
        end = limit.high if view.limit_price[i] > 0 else limit.low
        step = view.little if limit.measure == "spend" else 0.01 * abs(end)
        worth = abs(view.limit_price[i]) * step
        best, dearest, parts = found.get(limit.owner, (0.0, int(i), 0))
        ahead = parts == 0 or float(f"{worth:.6g}") > float(f"{best:.6g}")
        found[limit.owner] = (worth, int(i), parts + 1) if ahead else (best, dearest, parts + 1)
    return {owner: row for owner, row in found.items() if row[0] > 0}


def broken_by(view: View, line: int, more: float) -> int:
    """A limit that so many pounds more on one line would break, or -1."""
    spend = view.spend.copy()
    spend[line] += more
    after, slip = bodies(view.problem, Flows(spend, view.solved.flows.moved)), slips(view.problem, spend, POUND)
    broken = (after > view.problem.limit_high + slip) | (after < view.problem.limit_low - slip)
    return int(np.argmax(broken)) if broken.any() else -1


@dataclass(frozen=True, eq=False)
class Turn:
    """How far the effect of what is bought under one curve may change before money moves.

    `lines` are the rows of lines that the curve adds up, `change` their pounds more than today. `factor` is what its
    effect may be multiplied by before money leaves (rising) or comes back (falling): 1 where it moves at once, 0 or
    infinity where it never does, and then `because` says why. `pounds` move at 20% weaker (stronger)."""

    lines: Array
    rising: bool
    change: float
    factor: float
    pounds: float
    because: str = ""

    @property
    def at_once(self) -> bool:
        """Whether money moves with the least change of the effect."""
        return abs(self.factor - 1.0) < 5e-3


def turn(plan: Plan, place: str, programme: str, year: str, rising: bool = True) -> Turn:
    """How much weaker (or, unless `rising`, stronger) the effect of a programme in a place could be before money
    leaves it (comes to it), at today's prices. Raises KeyError where nothing is counted there, and ValueError where
    yes/no choices leave no prices."""
    if not plan.has_prices:
        raise ValueError("yes/no choices leave no prices to reason from")
    view = view_of(plan)
    return turn_of(view, (place, programme, year), rising)


def turn_of(view: View, key: tuple[str, str, str], rising: bool) -> Turn:
    """The smallest (largest) factor at which today's plan is still the best one, and what moves beyond it, for the
    effect in a (place, programme, year)."""
    lines, curves = view.groups[key]
    change, never = float(view.change[lines].sum()), 0.0 if rising else math.inf
    low, high = view.problem.bounds
    room = np.maximum(view.spend - low if rising else high - view.spend, 0.0)[lines]
    factor = _threshold(view, lines, curves, rising)
    if factor < 1e-6 or factor > MOST - 1e-6:
        return Turn(lines, rising, change, never, 0.0, _because(view, lines, room, rising))
    return Turn(lines, rising, change, factor, _moves(view, curves, float(room.sum()), factor, rising))


def _because(view: View, lines: Array, room: Array, rising: bool) -> str:
    """Why no money moves, whatever the effect."""
    way = "keeps all of it however weak its effect" if rising else "gets no more however strong its effect"
    stops = (view.fall_stop if rising else view.rise_stop)[lines]
    full = (view.at_least if rising else view.at_most)[lines].all()
    if full or (not (room > ROOM).any() and (stops < 0).any()):
        return f"{way}: it is at its own {'least' if rising else 'most'}"
    if (stops >= 0).all():
        return f"{way}: {view.short(int(stops[0]))} holds it"
    return f"{way}: its money has no better use" if rising else f"{way}: no money may come to it"


def _threshold(view: View, lines: Array, curves: Array, rising: bool) -> float:
    """How far an effect may weaken (strengthen) with the plan as it is still the best: the least (greatest) factor k
    for which prices exist that keep every line where it is.

    A linear program in k, the envelopes' prices p and those of the rules at their ends y: a line that could fall must
    be worth its money, k w f' >= p + y a, and one that could rise must not be worth more. 1 where arithmetic leaves
    no such prices."""
    problem, spend = view.problem, view.solved.optimum.flows.spend
    low, high = problem.bounds
    weight = problem.weight - view.limit_price @ problem.gain_rows
    effort, mine = problem.curves.effort(spend), np.isin(np.arange(len(spend)), lines)
    scale = max(float(view.price.max(initial=0.0)), float(weight[curves] @ view.marginal[curves]), 1e-300)
    rows = _Rows()
    bounds, paid = _tolls(view, scale)
    for step, able in ((-POUND, spend > low + POUND), (POUND, spend < high - POUND)):
        # A pound less or more: at a corner of a curve the two differ.
        slope = weight * problem.curves.marginal(np.maximum(effort + step, 0.0))
        worth = (slope @ problem.feeds) / scale
        known = np.where(mine, 0.0, worth)
        entries = [np.concatenate(both) for both in zip(paid, (lines, np.zeros_like(lines), worth[lines]), strict=True)]
        least, most = (-known - NEAR, np.inf) if step < 0 else (-np.inf, NEAR - known)
        rows.add(able, entries, *np.broadcast_arrays(least, most))
    rows.add(*_along_routes(view))
    return _extreme(rows, bounds, rising)


class _Rows:
    """Rows of a linear program, taken block by block: entries by row, column and value, and the ends of each row."""

    def __init__(self) -> None:
        self.entries: list[list[Array]] = []
        self.ends: list[tuple[Array, Array]] = []
        self.count = 0

    def add(self, wanted: Array, entries: list[Array], least: Array, most: Array) -> None:
        """The rows that are wanted (booleans) of a block."""
        number = np.where(wanted, self.count + np.cumsum(wanted) - 1, -1)
        row, column, value = entries
        kept = number[row] >= 0
        self.entries.append([number[row[kept]], column[kept], value[kept]])
        self.ends.append((least[wanted], most[wanted]))
        self.count += int(wanted.sum())

    def arrays(self, cost: Array, lower: Array, upper: Array) -> Arrays:
        """The whole program, to be maximised."""
        row, column, value = (np.concatenate(parts) for parts in zip(*self.entries, strict=True))
        least, most = (np.concatenate(parts) for parts in zip(*self.ends, strict=True))
        entries = row, column, np.where(np.abs(value) < 1e-8, 0.0, value)
        return Arrays.of(cost, lower, upper, least, most, entries)


def _tolls(view: View, scale: float) -> tuple[tuple[Array, Array], tuple[Array, Array, Array]]:
    """The bounds of the unknowns (the factor, envelopes' prices, rules' prices), and what each line pays of them: line,
    unknown, value. A unit of a rule's price is what its greatest coefficient makes of the scale."""
    problem, size = view.problem, len(view.spend)
    envelopes, (low, high), kept = len(problem.amount), view.ends, _unknown_rules(view)
    least, most = _bent_prices(view, scale)
    least, most = np.where(low, -BIG, 0.0).clip(least, most)[kept], np.where(high, BIG, 0.0).clip(least, most)[kept]
    lower = np.concatenate([[0.0], np.zeros(envelopes), least])
    upper = np.concatenate([[MOST], np.where(view.unspent >= POUND, 0.0, BIG), most])
    row, column, value = _rules_paid(view, problem.line_rows)
    lines = np.concatenate([np.arange(size), row])
    unknowns = np.concatenate([1 + problem.envelope_of_line, column])
    return (lower, upper), (lines, unknowns, np.concatenate([-np.ones(size), value]))


def _bent_prices(view: View, scale: float) -> tuple[Array, Array]:
    """The least and the most that each limit's price can be where limits bend, in the units of `_tolls`."""
    problem = view.problem
    stand = problem.stand(view.spend, view.solved.flows.moved)
    (below, above), (least, most) = stand.marginal(), stand.between
    at_least, at_most = view.body - least <= POUND, most - view.body <= POUND
    unit = _largest(problem) / scale
    soft = np.isin(np.arange(len(problem.limits)), problem.soft)
    lower = np.where(soft, np.where(at_least, below, stand.toll) * unit, -np.inf)
    return lower, np.where(soft, np.where(at_most, above, stand.toll) * unit, np.inf)


def _largest(problem: Problem) -> Array:
    """The largest coefficient of each limit over lines and routes."""
    return np.maximum(np.maximum(problem.line_rows.largest(), problem.route_rows.largest()), 1e-300)


def _unknown_rules(view: View) -> Array:
    """The limits whose prices are unknowns: those at an end, about several lines, and about no gain."""
    problem, (low, high) = view.problem, view.ends
    joint = (problem.lone < 0) & (np.bincount(problem.gain_rows.rows, minlength=len(low)) == 0)
    return np.flatnonzero(joint & (low | high))


def _rules_paid(view: View, matrix: Sparse) -> tuple[Array, Array, Array]:
    """What each column of a matrix of limits (a line, a route) pays of the rules' unknown prices."""
    problem, kept = view.problem, _unknown_rules(view)
    column = np.full(len(problem.limits), -1)
    column[kept] = 1 + len(problem.amount) + np.arange(len(kept))
    used = column[matrix.rows] >= 0
    return matrix.columns[used], column[matrix.rows[used]], -(matrix.values / _largest(problem)[matrix.rows])[used]


def _along_routes(view: View) -> tuple[Array, list[Array], Array, Array]:
    """Money moves along a route until it is worth as much at both ends, what rules on moving take aside, or until the
    route is full: rows to add."""
    problem, moved = view.problem, view.solved.optimum.flows.moved
    routes, one = np.arange(len(moved)), np.ones(len(moved))
    paid = _rules_paid(view, problem.route_rows)
    worth = np.tile(routes, 2), 1 + np.append(problem.target, problem.source), np.append(one, -one)
    entries = [np.concatenate(both) for both in zip(worth, paid, strict=True)]
    least = np.where(moved < POUND, -np.inf, -NEAR)
    most = np.where(moved > problem.route_high - POUND, np.inf, NEAR)
    return one > 0, entries, least, most


def _extreme(rows: _Rows, bounds: tuple[Array, Array], least: bool) -> float:
    """The least (greatest) first unknown that these rows allow; 1 where arithmetic leaves none."""
    cost = np.zeros(len(bounds[0]))
    cost[0] = -1.0 if least else 1.0
    try:
        factor = float(Solver(rows.arrays(cost, *bounds)).run(10.0).columns[0])
    except (Impossible, EngineError):
        return 1.0
    return min(factor, 1.0) if least else max(factor, 1.0)


def _moves(view: View, curves: Array, room: float, factor: float, leaving: bool) -> float:
    """Pounds that leave (come) at 20% weaker (stronger), from the curve: the spend at which a pound is again worth
    what it was when the first one moved, or as far as the lines' limits allow."""
    told = 1 - TOLD if leaving else 1 + TOLD
    if (factor <= told) if leaving else (factor >= told):
        return 0.0
    some = some_curves(view.problem.curves, curves)
    weight = (view.problem.weight - view.limit_price @ view.problem.gain_rows)[curves]
    now = float(view.problem.curves.effort(view.spend)[curves[0]])

    def worth(effort: float) -> float:
        return float(weight @ some.marginal(np.full(len(some), effort)))

    asked, end = factor * worth(now) / told, now - room if leaving else now + room
    if (worth(end) < asked) == leaving:
        return room
    inner, outer = now, end
    for _ in range(40):
        middle = (inner + outer) / 2
        inner, outer = (middle, outer) if (worth(middle) < asked) == leaving else (inner, middle)
    return abs(inner - now)


def some_curves(curves: Curves, few: Array) -> Curves:
    """Some of the curves alone."""
    arrays = {name: getattr(curves, name)[few] for name in ("shape", "slope", "reference", "exponent", "offset")}
    points, lines = (tuple(each[q] for q in few) for each in (curves.points, curves.lines))
    return replace(curves, **arrays, ceiling=curves.ceiling[few], points=points, lines=lines)
