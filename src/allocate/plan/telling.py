"""A plan told to people who decide: what changes, why, what would change our mind, who gains and who loses.

Everything here is computed from one solution, without solving again, and said by template. What £1 more on a line
buys is the slope of its curve; what its money buys elsewhere is the price of its envelope; what stands between the
two is a rule at its end, the line's own least or most, or money that may go nowhere else. The reasoning is local:
it holds for the last pounds, all else held.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from allocate.engine.certificate import bodies
from allocate.engine.highs import Impossible, Solver
from allocate.engine.matrix import Arrays
from allocate.engine.solving import Solved
from allocate.engine.sparse import Sparse
from allocate.errors import EngineError
from allocate.plan.explaining import _aim_unit, _count, _some, a_little, headline
from allocate.plan.figures import number, per_cent, pounds, round_sum
from allocate.plan.plan import Plan, _worth_of_a_pound
from allocate.rules.kinds import Binding, binding_rules
from allocate.scenario.curves import Curves

Array = np.ndarray
POUND = 1.0
"""Changes smaller than this are none."""
ROOM = 10.0
"""Pounds within which an amount stands at its bound: whole pounds are a few off the exact plan."""
SAME = 2e-3
"""Worths that differ by less than this share are said to be the same."""
NEAR = 1e-6
"""Prices agree to this share of the dearest."""
BIG, MOST = 1e4, 1e3
"""Prices are sought up to this many times the dearest, effects up to this many times the evidence."""
LINE_COLUMNS = [
    "line", "partner", "place", "programme", "envelope", "year", "baseline", "spend", "change", "worth", "elsewhere",
    "reason",
]  # fmt: skip
SHAPING_COLUMNS = ["kind", "id", "sentence", "worth", "asks", "where", "count", "standing"]


# --- the three cards -------------------------------------------------------------------------------------------------


def what_changes(plan: Plan, against: Plan | None = None, name: str = "the other plan") -> str:
    """How much money lies elsewhere than today (or than in another plan of the same lines, called `name`), which
    places and partners gain and lose most, in pounds and per cent of what they had, what that does to each outcome,
    and what is left unspent and why. Anything that got worse is said first."""
    moves = Moves.of(plan, against, name)
    parts = [moves.worse(), moves.total()]
    if moves.any:
        parts += [moves.by("place", "places"), moves.by("partner", "partners")]
    parts += [moves.outcomes() if moves.any or against is not None else "", *left_over(plan)]
    return " ".join(part for part in parts if part)


def why(plan: Plan) -> str:
    """What buys most at the margin and what stops it, what a rule holds back, and what is kept although its money
    would buy more elsewhere. Where yes/no choices leave no prices: what is chosen, and what instead is not."""
    view = view_of(plan)
    if not plan.has_prices:
        return _chosen(view)
    return " ".join(part for part in (_dearest(view), _held_back(view), _held_up(view), _uncounted(view)) if part)


def change_of_mind(plan: Plan) -> str:
    """For the largest rise and the largest fall among what is counted: by how much its effect could be weaker
    (stronger) than the evidence says before money would leave it (come back), holding all else."""
    view = view_of(plan)
    if not plan.has_prices:
        return (
            "With yes/no choices nothing moves until a choice turns: ask of one line what would bring it in, "
            "and it is solved again."
        )
    turns = [turn for rising in (True, False) if (turn := _largest(view, rising)) is not None]
    if not turns:
        stays = _first_hold(view) or "The money buys as much in every use of it."
        return f"Nothing whose effect is counted rises or falls: {_lower(stays)}"
    return " ".join(turn.sentence(view) for turn in turns)


# --- tables ----------------------------------------------------------------------------------------------------------


def losers(plan: Plan) -> pd.DataFrame:
    """Every line that gets at least £1 less than today, or nothing though it could, the largest fall first.

    Columns: line (its id), partner, place, programme, envelope, year (ids), baseline, spend, change (£), worth (what
    £1m more here buys, in units of the aim), elsewhere (what £1m buys where its money could go instead: its
    envelope's price), reason (a sentence). Worth and elsewhere are blank where yes/no choices leave no prices."""
    view = view_of(plan)
    fell = (view.change <= -POUND) | ((view.spend < POUND) & (view.ceiling >= POUND))
    rows = np.flatnonzero(fell)
    return _lines(view, rows[np.lexsort((rows, view.change[rows]))], view.why_less)


def winners(plan: Plan) -> pd.DataFrame:
    """Every line that gets at least £1 more than today, the largest rise first, with what stops it there. Columns as
    in `losers`."""
    view = view_of(plan)
    rows = np.flatnonzero(view.change >= POUND)
    return _lines(view, rows[np.lexsort((rows, -view.change[rows]))], view.why_no_more)


def held(plan: Plan) -> list[str]:
    """Where nothing moves (every line at today's spending, to the pound): which limits hold it there, a sentence
    each, the dearest first. [] where anything moves."""
    view = view_of(plan)
    if (np.abs(view.change) >= POUND).any():
        return []
    said = [f"Every line stays at today's spending: {_no_more_money(view)}."]
    return said + (_holds(view) or ["No rule holds it there: no move within the money would buy more."])


def shaping(plan: Plan) -> pd.DataFrame:
    """What shapes the answer: one row a rule, resource or envelope that would buy more if it were eased, by worth.

    Columns: kind ('rule', 'resource' or 'envelope'), id, sentence (an envelope's name), worth (units of the aim if
    eased by what it `asks`), asks ('£1m', as `a_little`; '1%' for what is not measured in pounds), where (the dearest
    part, '' for the whole), count (parts that shape the answer), standing ('' unless a rule). No rows where yes/no
    choices leave no prices."""
    if not plan.has_prices:
        return pd.DataFrame(columns=SHAPING_COLUMNS)
    view = view_of(plan)
    rows = [*_shaping_limits(view), *_shaping_envelopes(view)]
    table = pd.DataFrame(rows, columns=SHAPING_COLUMNS)
    order = sorted(range(len(rows)), key=lambda k: (-float(f"{rows[k][3]:.6g}"), rows[k][1]))
    return table.iloc[order].reset_index(drop=True)


# --- what moves ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Moves:
    """What a plan moves, against today or against another plan: pounds per line before and after."""

    plan: Plan
    before: Array
    after: Array
    outcome: dict[str, float]
    """per outcome, its change"""
    than: str
    """'today', or what the other plan is called"""

    @classmethod
    def of(cls, plan: Plan, against: Plan | None = None, name: str = "the other plan") -> Moves:
        after = plan._solved.flows.spend
        if against is None:
            gains = _gains(plan, after) - _gains(plan, plan._solved.problem.baseline)
            return cls(plan, plan._solved.problem.baseline, after, _by_outcome(plan, gains), "today")
        mine, theirs = (_by_outcome(each, _gains(each, each._solved.flows.spend)) for each in (plan, against))
        change = {key: gain - theirs.get(key, 0.0) for key, gain in mine.items()}
        return cls(plan, _aligned(plan, against), after, change, name)

    @property
    def change(self) -> Array:
        """Pounds more on each line."""
        return self.after - self.before

    @property
    def rises(self) -> float:
        """All that lines gain, in pounds."""
        return float(np.maximum(self.change, 0.0).sum())

    @property
    def falls(self) -> float:
        """All that lines lose, in pounds."""
        return float(np.maximum(-self.change, 0.0).sum())

    @property
    def moved(self) -> float:
        """Pounds that lie elsewhere than before: new money and money moved, or money moved and money gone."""
        return max(self.rises, self.falls)

    @property
    def any(self) -> bool:
        return bool((np.abs(self.change) >= POUND).any())

    def sums(self, column: str) -> list[tuple[str, float, float]]:
        """Pounds before and after by a column of lines, in order of the rise: (id, before, after)."""
        keys, place = np.unique(self.plan.scenario.table("lines")[column].to_numpy(dtype=str), return_inverse=True)
        before, after = np.bincount(place, self.before), np.bincount(place, self.after)
        order = np.argsort(before - after, kind="stable")
        return [(str(keys[k]), float(before[k]), float(after[k])) for k in order]

    def worse(self) -> str:
        """What got worse, if anything: outcomes, places, partners."""
        scenario, unit = self.plan.scenario, _units(self.plan)
        scale = {key: max(abs(value), 1e-9) for key, value in self.outcome.items()}
        worse = [
            f"{scenario.name_of('outcomes', key)} {number(value, signed=True)} {unit[key]}"
            for key, value in self.outcome.items()
            if value < -1e-6 * max(1.0, scale[key])
        ]
        for column, table in (("place", "places"), ("partner", "partners")):
            fell = [row for row in reversed(self.sums(column)) if row[2] - row[1] <= -POUND]
            worse += [self._told(table, row) for row in fell[:2]]
            worse += [f"{len(fell) - 2} more {table}"] if len(fell) > 2 else []
        return f"Less than {self.than}: {_some(worse, len(worse))}." if worse else ""

    def total(self) -> str:
        """How much lies elsewhere."""
        currency, new = self.plan.scenario.heading.currency, self.rises - self.falls
        if not self.any:
            return f"Nothing is placed differently: every line is as {self._in()}."
        if not self.before.any():
            return f"{pounds(self.rises, currency)} is placed, where nothing was before."
        first = f"{pounds(self.moved, currency)} is placed differently from {self.than}"
        if abs(new) < POUND:
            return f"{first}, with as much money in all."
        if min(self.rises, self.falls) < POUND:
            return f"{first}, all of it {'new money' if new > 0 else 'money taken away'}."
        more = "more" if new > 0 else "less"
        return f"{first}: there is {pounds(abs(new), currency)} {more}, and {pounds(self._from_one(), currency)} moves."

    def _from_one(self) -> float:
        return min(self.rises, self.falls)

    def _in(self) -> str:
        return self.than if self.than == "today" else f"in {self.than}"

    def by(self, column: str, table: str) -> str:
        """The places (or partners) that gain most and lose most."""
        rows = self.sums(column)
        gain = [self._told(table, row) for row in rows if row[2] - row[1] >= POUND][:2]
        lose = [self._told(table, row) for row in reversed(rows) if row[1] - row[2] >= POUND][:2]
        said = [f"{words} {', '.join(them)}" for words, them in (("most to", gain), ("most from", lose)) if them]
        return f"By {column}: {'; '.join(said)}." if said else f"No {column}'s total changes."

    def outcomes(self) -> str:
        """What each outcome gains."""
        unit = _units(self.plan)
        said = [
            f"{number(value, signed=True)} {unit[key]} ({self.plan.scenario.name_of('outcomes', key)})"
            for key, value in self.outcome.items()
        ]
        first = f"Against {self.than} it" if self.before.any() else "It"
        return f"{first} buys {', '.join(said)}." if said else ""

    def _told(self, table: str, row: tuple[str, float, float]) -> str:
        key, before, after = row
        currency = self.plan.scenario.heading.currency
        share = f" ({per_cent((after - before) / before, signed=True)})" if before > 0 else ""
        return f"{self.plan.scenario.name_of(table, key)} {pounds(after - before, currency, signed=True)}{share}"


def _gains(plan: Plan, spend: Array) -> Array:
    curves = plan._solved.problem.curves
    return curves.gain(curves.effort(spend))


def _by_outcome(plan: Plan, gains: Array) -> dict[str, float]:
    """Gains per curve added up by outcome, in the order of the scenario's outcomes."""
    names = plan.scenario.table("curves")["outcome"].to_numpy(dtype=str)
    return {key: float(gains[names == key].sum()) for key in plan.scenario.table("outcomes")["id"] if key in names}


def _units(plan: Plan) -> dict[str, str]:
    outcomes = plan.scenario.table("outcomes")
    return dict(zip(outcomes["id"], outcomes["unit"], strict=True))


def _aligned(plan: Plan, against: Plan) -> Array:
    """The other plan's pounds on this plan's lines; lines that it does not have got nothing."""
    mine, theirs = plan.scenario.line_ids, against.scenario.line_ids
    if mine == theirs:
        return against._solved.flows.spend
    spent = dict(zip(theirs, against._solved.flows.spend, strict=True))
    return np.array([spent.get(line, 0.0) for line in mine])


def left_over(plan: Plan) -> list[str]:
    """A sentence for every envelope with money left: how much, and what stops its use."""
    view, currency = view_of(plan), plan.scenario.heading.currency
    return [
        f"{pounds(view.unspent[e], currency)} of {view.envelope(int(e))} is left unspent: {_idle(view, int(e))}."
        for e in np.flatnonzero(view.unspent >= POUND)
    ]


def _idle(view: View, e: int) -> str:
    """Why nothing more of an envelope is used."""
    lines = np.flatnonzero(view.problem.envelope_of_line == e)
    waiting = lines[view.closed[lines]]
    short = view.problem.scale[waiting] - view.unspent[e]
    if len(waiting) and (short > 0).any():
        nearest = waiting[np.argmin(np.where(short > 0, short, np.inf))]
        gap = pounds(view.problem.scale[nearest] - view.unspent[e], view.currency)
        return f"the nearest use, {view.group_name(nearest)}, is {gap} short of its minimum start"
    stops = view.rise_stop[lines]
    if (stops >= 0).any():
        limit = np.bincount(stops[stops >= 0]).argmax()
        return f"{view.quoted(int(limit))} stops its use"
    if len(lines) and (view.spend[lines] >= view.problem.high[lines] - ROOM).all():
        return "every line it may pay is at its own most"
    return "nothing more that it may pay for is counted"


# --- a plan at the margin --------------------------------------------------------------------------------------------

_views: WeakKeyDictionary[Plan, View] = WeakKeyDictionary()


def view_of(plan: Plan) -> View:
    """The plan at the margin, worked out once."""
    found = _views.get(plan)
    if found is None:
        found = _views[plan] = View(plan._solved, plan.has_prices, a_little(plan), _aim_unit(plan))
    return found


@dataclass(eq=False)
class View:
    """A plan at the margin: arrays with an entry per line (limit, envelope), worked out when first asked for. It does
    not hold the plan itself, which may be let go of."""

    solved: Solved
    priced: bool
    little: float
    unit: str

    def __post_init__(self) -> None:
        self.problem, self.spend = self.solved.problem, self.solved.flows.spend
        self.scenario = self.problem.scenario
        self.currency = self.scenario.heading.currency
        self.change = self.spend - self.problem.baseline
        self.unspent = self.solved.flows.unspent(self.problem)
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
        return bodies(self.problem, self.spend)

    @cached_property
    def effects(self) -> Sparse:
        """What one pound more on each line adds to each limit."""
        gains = self.problem.gain_rows
        return self.problem.line_rows + gains.scaled(self.marginal).through(self.problem.feeds)

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """Per limit, whether it stands at its lower end, and at its upper one."""
        room = np.where(self.limit_price != 0, 8.0, 1.0) * _worth_of_a_pound(self.problem, self.spend)
        room = np.maximum(room, 1e-7 * np.abs(self.body))
        return self.body - self.problem.limit_low <= room, self.problem.limit_high - self.body <= room

    @cached_property
    def rise_stop(self) -> Array:
        """Per line, the limit that stops it rising (the dearest, where several do), or -1."""
        low, high = self.ends
        up, entry = self.effects.values > 0, self.effects.rows
        return self._dearest_stop(np.where(up, high[entry], low[entry]))

    @cached_property
    def fall_stop(self) -> Array:
        """Per line, the limit that stops it falling (the dearest, where several do), or -1."""
        low, high = self.ends
        up, entry = self.effects.values > 0, self.effects.rows
        return self._dearest_stop(np.where(up, low[entry], high[entry]))

    def _dearest_stop(self, stops: Array) -> Array:
        rows, columns = self.effects.rows[stops], self.effects.columns[stops]
        dear = np.abs(self.limit_price[rows] * self.effects.values[stops])
        order = np.lexsort((rows, -dear, columns))
        found = np.full(len(self.spend), -1)
        lines, first = np.unique(columns[order], return_index=True)
        found[lines] = rows[order][first]
        return found

    def priced_stop(self, stops: Array) -> Array:
        """Which lines' stops have a price."""
        return (stops >= 0) & (self.limit_price[np.maximum(stops, 0)] != 0)

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
    def rules(self) -> dict[str, Binding]:
        return {rule.id: rule for rule in binding_rules(self.scenario)}

    @cached_property
    def _sentences(self) -> dict[str, str]:
        return {}

    def sentence(self, rule: str) -> str:
        """A rule in its own words, or a resource's limit in its."""
        if rule not in self._sentences:
            mine = self.rules.get(rule)
            labels = [limit.label for limit in self.problem.limits if limit.owner == rule] if mine is None else []
            self._sentences[rule] = mine.sentence(self.scenario) if mine is not None else labels[0]
        return self._sentences[rule]

    def quoted(self, limit: int) -> str:
        """The rule that a limit belongs to, in full."""
        owner = self.problem.limits[limit].owner
        return f"the {'rule' if owner in self.rules else 'limit'} '{self.sentence(owner)}'"

    def short(self, limit: int) -> str:
        """The rule that a limit belongs to, by its id; a resource by its name."""
        owner = self.problem.limits[limit].owner
        name = owner if owner in self.rules else self.scenario.name_of("resources", owner.removeprefix("resource "))
        return f"'{name}'"

    def envelope(self, e: int) -> str:
        """An envelope's name, with its year where there are several."""
        table = self.scenario.table("envelopes")
        name, year = table["name"].iloc[e], table["year"].iloc[e]
        return f"{name} {year}" if len(self.scenario.years) > 1 else name

    def envelope_of(self, line: int) -> str:
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

    def trade(self, line: int, more: str = "") -> str:
        """What a round sum buys here and elsewhere."""
        elsewhere = self.buys(self.elsewhere[line])
        if self.worth[line] <= 0:
            return f"What {self.asked}{more} buys here is not counted, and it buys {elsewhere} {self.points} elsewhere"
        here = f"{self.asked}{more} here buys {self.buys(self.worth[line])} {self.points}"
        return f"{here}, as much as its money buys elsewhere" if self.even(line) else f"{here}, {elsewhere} elsewhere"

    def even(self, line: int) -> bool:
        """Whether a pound buys as much here as elsewhere."""
        here, there = self.worth[line], self.elsewhere[line]
        return bool(abs(here - there) <= SAME * max(abs(here), abs(there)))

    def why_less(self, line: int) -> str:
        """Why a line gets less than today, or nothing, in a sentence."""
        if self.closed[line]:
            return self._not_started(line)
        first = self.trade(line) if self.priced else f"Other uses of {self.envelope_of(line)} buy more"
        more = self.priced and self.worth[line] > self.elsewhere[line] and not self.even(line)
        if more and self.at_most[line]:
            return f"{first}; it is at its own most ({pounds(self.spend[line], self.currency)})."
        if more and self.priced_stop(self.rise_stop)[line]:
            return f"{first}; {self.quoted(self.rise_stop[line])} stops it getting more."
        if self.fall_stop[line] >= 0 and not (self.priced and self.even(line)):
            return f"{first}; {self.quoted(self.fall_stop[line])} stops it falling further."
        if self.spend[line] < POUND:
            return f"{first}."
        if self.at_least[line]:
            return f"{first}; it is at its own least ({pounds(self.problem.low[line], self.currency)})."
        return f"{first}."

    def _not_started(self, line: int) -> str:
        """Why something that is nothing or at least its minimum start gets nothing."""
        e, scale = int(self.problem.envelope_of_line[line]), float(self.problem.scale[line])
        short, start = scale - self.unspent[e], pounds(scale, self.currency)
        if short > 0:
            gap = pounds(short, self.currency)
            return f"{gap} short of its minimum start ({start}): the rest of {self.envelope(e)} buys more elsewhere."
        broken = self._broken_by(line, scale)
        if broken >= 0:
            return f"Its minimum start ({start}) would break {self.quoted(broken)}."
        return f"Its minimum start ({start}) would buy nothing that is counted."

    def _broken_by(self, line: int, more: float) -> int:
        """A limit that so many pounds more on one line would break, or -1."""
        spend = self.spend.copy()
        spend[line] += more
        after = bodies(self.problem, spend)
        broken = (after > self.problem.limit_high + POUND) | (after < self.problem.limit_low - POUND)
        return int(np.argmax(broken)) if broken.any() else -1

    def why_no_more(self, line: int) -> str:
        """What stops a line that rises, in a sentence."""
        if not self.priced:
            return self._stop(line)
        first = self.trade(line, " more")
        if self.even(line):
            return f"{first}: {self.envelope_of(line)} is all spent."
        if self.worth[line] > self.elsewhere[line]:
            if self.at_most[line]:
                return f"{first}; it is at its own most ({pounds(self.spend[line], self.currency)})."
            if self.priced_stop(self.rise_stop)[line]:
                return f"{first}; {self.quoted(self.rise_stop[line])} stops it rising further."
        elif self.fall_stop[line] >= 0:
            return f"{first}; {self.quoted(self.fall_stop[line])} asks for it."
        return f"{first}."

    def _stop(self, line: int) -> str:
        """What stops a line rising where there are no prices."""
        if self.at_most[line]:
            start, whole = self.problem.scale[line], self.problem.high[line]
            return "Funded whole." if start >= whole else f"At its own most ({pounds(whole, self.currency)})."
        if self.rise_stop[line] >= 0:
            quoted = self.quoted(self.rise_stop[line])
            return f"{quoted[0].upper()}{quoted[1:]} stops it rising further."
        if self.unspent[self.problem.envelope_of_line[line]] < POUND:
            return f"{self.envelope_of(line)} is all spent."
        return "More of it would buy nothing that is counted."


def _lines(view: View, rows: Array, reason: Callable[[int], str]) -> pd.DataFrame:
    """The table of some lines with a reason each."""
    scenario = view.scenario
    table = scenario.table("lines").iloc[rows][["partner", "place", "programme", "envelope", "year", "baseline"]]
    table.insert(0, "line", [scenario.line_ids[row] for row in rows])
    per_million = 1e6 if view.priced else np.nan
    table["spend"], table["change"] = view.spend[rows], view.change[rows]
    table["worth"], table["elsewhere"] = view.worth[rows] * per_million, view.elsewhere[rows] * per_million
    table["reason"] = [reason(int(row)) for row in rows]
    return table[LINE_COLUMNS].reset_index(drop=True)


# --- why -------------------------------------------------------------------------------------------------------------


def _dearest(view: View) -> str:
    """What buys most at the margin, and what stops it."""
    line = _first(view, view.worth, (view.worth > 0) & ~view.closed)
    if line < 0:
        return "Nothing that the money may buy is counted."
    told = f"{view.buys(view.worth[line])} {view.unit} for {view.asked} more"
    return f"{view.group_name(line)} buys most at the margin: {told}{_and_stops(view, line)}."


def _first(view: View, score: Array, among: Array) -> int:
    """The line with the highest score (to six digits; the most money where several have it), or -1."""
    rows = np.flatnonzero(among)
    if not len(rows):
        return -1
    rounded = [float(f"{value:.6g}") for value in score[rows]]
    return int(rows[np.lexsort((rows, -view.spend[rows], -np.array(rounded)))[0]])


def _and_stops(view: View, line: int) -> str:
    if view.at_most[line]:
        return f", and stops at its own most ({pounds(view.spend[line], view.currency)})"
    if view.priced_stop(view.rise_stop)[line]:
        return f", and stops at {view.short(view.rise_stop[line])}"
    if view.unspent[view.problem.envelope_of_line[line]] < POUND:
        return f", and stops because {view.envelope_of(line)} is all spent"
    return f", and stops at {view.short(view.rise_stop[line])}" if view.rise_stop[line] >= 0 else ""


def _held_back(view: View) -> str:
    """The line that a rule holds back most, unless it is what buys most anyway."""
    stopped = view.priced_stop(view.rise_stop) & (view.worth > view.elsewhere * (1 + SAME)) & ~view.closed
    line = _first(view, view.worth - view.elsewhere, stopped)
    top = _first(view, view.worth, (view.worth > 0) & ~view.closed)
    if line < 0 or view.keys[line] == view.keys[top]:
        return ""
    told = f"would buy {view.buys(view.worth[line])}, against {view.buys(view.elsewhere[line])} elsewhere"
    return f"{view.group_name(line)} {told}, but stops at {view.short(view.rise_stop[line])}."


def _held_up(view: View) -> str:
    """The counted line whose money would gain most elsewhere, and what keeps it."""
    kept = (view.worth > 0) & (view.worth < view.elsewhere * (1 - SAME)) & (view.spend >= POUND)
    line = _first(view, view.elsewhere - view.worth, kept)
    if line < 0:
        return ""
    told = f"buys {view.buys(view.worth[line])}, against {view.buys(view.elsewhere[line])} elsewhere"
    name = f"{view.group_name(line)}, paid from {view.envelope_of(line)},"
    if view.fall_stop[line] >= 0:
        return f"{name} {told}, and cannot fall further: {view.short(view.fall_stop[line])}."
    return f"{name} {told}, and is at its own least." if view.at_least[line] else f"{name} {told}."


def _uncounted(view: View) -> str:
    """What is funded although nothing that it buys is counted, and the rules that keep it."""
    kept = (view.worth <= 0) & (view.spend >= POUND) & view.priced_stop(view.fall_stop)
    rows = np.flatnonzero(kept)
    if not len(rows):
        return ""
    names = dict.fromkeys(view.scenario.name_of("programmes", view.keys[row][1]) for row in rows)
    rules = dict.fromkeys(view.short(view.fall_stop[row]) for row in rows)
    return f"Nothing that {_some(list(names), 4)} buy is counted: kept by {_some(list(rules), 4)}."


def _chosen(view: View) -> str:
    """Where there are no prices: what is chosen, what buys most, and what comes nearest to being chosen."""
    choices, told = view.problem.choices, ["Yes/no choices, or a cap on an outcome, leave no prices."]
    if choices.any():
        told.append(f"{int((choices & ~view.closed).sum())} of {int(choices.sum())} choices are taken.")
    gains = view.problem.weight * view.problem.curves.gain(view.problem.curves.effort(view.spend))
    bought = sorted(((float(gains[mine].sum()), int(rows[0])) for rows, mine in view.groups.values()), reverse=True)
    best = [f"{view.group_name(row)} ({number(gain)})" for gain, row in bought[:3] if gain > 0]
    told += [f"Most is bought by {_some(best)}, in {view.unit}."] if best else []
    out = np.flatnonzero(view.closed)
    if len(out):
        nearest = int(out[np.argmin((view.problem.scale - view.unspent[view.problem.envelope_of_line])[out])])
        told.append(f"Left out: {_some([view.group_name(int(row)) for row in out])}.")
        told.append(f"The nearest is {view.group_name(nearest)}: {_lower(view.why_less(nearest))}")
    return " ".join(told)


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


# --- what would change our mind --------------------------------------------------------------------------------------


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
        return abs(self.factor - 1.0) < 5e-3

    def sentence(self, view: View) -> str:
        """The turn in a sentence or two."""
        name, change = view.group_name(int(self.lines[0])), pounds(abs(self.change), view.currency)
        first = f"{name} {'rises' if self.rising else 'falls'} most ({change})"
        effect, goes = ("weaker", "leave it") if self.rising else ("stronger", "come back")
        moved = f"at 20% {effect} about {pounds(self.pounds, view.currency)} would {goes}, holding all else."
        if self.because:
            return f"{first}, and {self.because}."
        if self.at_once:
            return f"{first}, and responds at once: {moved}"
        by = per_cent(abs(1.0 - self.factor))
        also = f"; {moved}" if abs(1.0 - self.factor) < 0.2 and self.pounds >= POUND else ", holding all else."
        if self.rising:
            return f"{first}, and keeps all of it until its effect is {by} weaker than the evidence says{also}"
        return f"{first}, and none would come back until its effect is {by} stronger than the evidence says{also}"


def turn(plan: Plan, place: str, programme: str, year: str, rising: bool = True) -> Turn:
    """How much weaker (or, unless `rising`, stronger) the effect of a programme in a place could be before money
    leaves it (comes to it), at today's prices. Raises KeyError where nothing is counted there, and ValueError where
    yes/no choices leave no prices."""
    if not plan.has_prices:
        raise ValueError("yes/no choices leave no prices to reason from")
    view = view_of(plan)
    return _turn(view, *view.groups[place, programme, year], rising)


def _largest(view: View, rising: bool) -> Turn | None:
    """The largest rise (or fall) among what is counted, and how sure it is."""
    sign = 1.0 if rising else -1.0
    moved = {key: sign * float(view.change[rows].sum()) for key, (rows, _) in view.groups.items() if len(rows)}
    counted = {key: by for key, by in moved.items() if by >= POUND and view.worth[view.groups[key][0][0]] > 0}
    if not counted:
        return None
    return _turn(view, *view.groups[max(counted, key=lambda key: counted[key])], rising)


def _turn(view: View, lines: Array, curves: Array, rising: bool) -> Turn:
    """The smallest (largest) factor at which today's plan is still the best one, and what moves beyond it."""
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
        return f"{way}: its lines are at their own {'least' if rising else 'most'}"
    if (stops >= 0).all():
        return f"{way}: {view.short(int(stops[0]))}"
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
    bounds, paid = _tolls(view)
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
        value = np.where(np.abs(value) < 1e-8, 0.0, value)
        order = np.argsort(row, kind="stable")
        start = np.searchsorted(row[order], np.arange(self.count + 1)).astype(np.int32)
        least, most = (np.concatenate(parts) for parts in zip(*self.ends, strict=True))
        whole = np.zeros(len(cost), dtype=bool)
        return Arrays(cost, lower, upper, least, most, start, column[order].astype(np.int32), value[order], whole)


def _tolls(view: View) -> tuple[tuple[Array, Array], tuple[Array, Array, Array]]:
    """The bounds of the unknowns (the factor, envelopes' prices, rules' prices), and what each line pays of them: line,
    unknown, value. A unit of a rule's price is what its greatest coefficient makes of the scale."""
    problem, size = view.problem, len(view.spend)
    envelopes, (low, high) = len(problem.amount), view.ends
    joint = (problem.lone < 0) & (np.bincount(problem.gain_rows.rows, minlength=len(low)) == 0)
    kept = np.flatnonzero(joint & (low | high))
    lower = np.concatenate([[0.0], np.zeros(envelopes), np.where(low[kept], -BIG, 0.0)])
    upper = np.concatenate([[MOST], np.where(view.unspent >= POUND, 0.0, BIG), np.where(high[kept], BIG, 0.0)])
    column = np.full(len(low), -1)
    column[kept] = 1 + envelopes + np.arange(len(kept))
    matrix = problem.line_rows
    used = column[matrix.rows] >= 0
    values = -(matrix.values / np.maximum(matrix.largest(), 1e-300)[matrix.rows])[used]
    lines = np.concatenate([np.arange(size), matrix.columns[used]])
    unknowns = np.concatenate([1 + problem.envelope_of_line, column[matrix.rows[used]]])
    return (lower, upper), (lines, unknowns, np.concatenate([-np.ones(size), values]))


def _along_routes(view: View) -> tuple[Array, list[Array], Array, Array]:
    """Money moves along a route until it is worth as much at both ends, or until the route is full: rows to add."""
    problem, moved = view.problem, view.solved.optimum.flows.moved
    routes, one = np.arange(len(moved)), np.ones(len(moved))
    entries = [np.tile(routes, 2), 1 + np.append(problem.target, problem.source), np.append(one, -one)]
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
    told = 0.8 if leaving else 1.2
    if (factor <= told) if leaving else (factor >= told):
        return 0.0
    some = _some_curves(view.problem.curves, curves)
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


def _some_curves(curves: Curves, few: Array) -> Curves:
    """Some of the curves alone."""
    arrays = {name: getattr(curves, name)[few] for name in ("shape", "slope", "reference", "exponent", "offset")}
    points, lines = (tuple(each[q] for q in few) for each in (curves.points, curves.lines))
    return replace(curves, **arrays, ceiling=curves.ceiling[few], points=points, lines=lines)


# --- what holds the plan ---------------------------------------------------------------------------------------------


def _no_more_money(view: View) -> str:
    left = view.unspent[view.unspent >= POUND].sum()
    return f"{pounds(float(left), view.currency)} is left" if left else "all the money is spent as it is now"


def _holds(view: View) -> list[str]:
    """What keeps lines from moving to where they would buy more, a sentence a rule, the dearest first."""
    said = []
    for _, (worth, limit, count) in sorted(_eased(view).items(), key=lambda row: (-row[1][0], row[0])):
        where = f" (in {count} parts)" if count > 1 else ""
        step = view.asked if view.problem.limits[limit].measure == "spend" else "1%"
        told = f"easing it by {step} would be worth {number(float(f'{worth:.3g}'))} {view.unit}"
        quoted = view.quoted(limit)
        said.append(f"{quoted[0].upper()}{quoted[1:]} holds it there{where}: {told}.")
    if said or view.priced:
        return said + _own_holds(view)
    stops = [stop for stop in dict.fromkeys([*view.rise_stop, *view.fall_stop]) if stop >= 0]
    owners = dict.fromkeys(view.quoted(int(stop)) for stop in stops)
    return [f"{quoted[0].upper()}{quoted[1:]} holds lines there." for quoted in owners] + _own_holds(view)


def _own_holds(view: View) -> list[str]:
    """Lines held by their own least or most."""
    if not view.priced:
        most, least = view.at_most, view.at_least & (view.problem.low > 0)
    else:
        most = view.at_most & (view.worth > view.elsewhere * (1 + SAME))
        least = view.at_least & (view.worth < view.elsewhere * (1 - SAME)) & (view.problem.low > 0)
    counts = ((int(most.sum()), "most"), (int(least.sum()), "least"))
    return [
        f"{_count(count, 'line')} {'is' if count == 1 else 'are'} at {'its' if count == 1 else 'their'} own {end}."
        for count, end in counts
        if count
    ]


def _first_hold(view: View) -> str:
    return next(iter(_holds(view)), "")


def _eased(view: View) -> dict[str, tuple[float, int, int]]:
    """By rule or resource that shapes the answer: what easing it is worth, its dearest limit, and how many do."""
    found: dict[str, tuple[float, int, int]] = {}
    for i in np.flatnonzero((view.limit_price != 0) & (view.ends[0] | view.ends[1])):
        limit = view.problem.limits[i]
        end = limit.high if view.limit_price[i] > 0 else limit.low
        step = view.little if limit.measure == "spend" else 0.01 * abs(end)
        worth = abs(view.limit_price[i]) * step
        best, dearest, count = found.get(limit.owner, (0.0, int(i), 0))
        ahead = count == 0 or float(f"{worth:.6g}") > float(f"{best:.6g}")
        found[limit.owner] = (worth, int(i), count + 1) if ahead else (best, dearest, count + 1)
    return {owner: row for owner, row in found.items() if row[0] > 0}


def _shaping_limits(view: View) -> Iterator[list]:
    for owner, (worth, i, count) in _eased(view).items():
        limit, rule = view.problem.limits[i], view.rules.get(owner)
        asks = view.asked if limit.measure == "spend" else "1%"
        sentence = view.sentence(owner)
        where = limit.label.removeprefix(sentence).removeprefix(": ")
        if rule is None:
            yield ["resource", owner.removeprefix("resource "), sentence, worth, asks, limit.part, count, ""]
        else:
            yield ["rule", owner, sentence, worth, asks, where, count, rule.standing]


def _shaping_envelopes(view: View) -> Iterator[list]:
    """A row for each envelope whose money is worth something, for the year in which it is worth most."""
    table = view.scenario.table("envelopes")
    names, years = table["id"].to_numpy(dtype=str), table["year"].to_numpy(dtype=str)
    priced = view.price > 1e-6 * view.problem.units.value / view.problem.units.money
    for name in dict.fromkeys(names[priced]):
        mine = np.flatnonzero(priced & (names == name))
        top = int(mine[np.argmax(view.price[mine])])
        where = str(years[top]) if len(view.scenario.years) > 1 else ""
        worth = float(view.price[top]) * view.little
        yield ["envelope", str(name), view.scenario.name_of("envelopes", name), worth, view.asked, where, len(mine), ""]


__all__ = [
    "Moves", "Turn", "change_of_mind", "headline", "held", "left_over", "losers", "shaping", "turn", "what_changes",
    "why", "winners",
]  # fmt: skip
