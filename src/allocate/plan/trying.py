"""Trying things out: the same plan solved again with one thing changed, and the difference told.

Every function takes `solve`, so that a caller may hand in one that remembers what it has solved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from allocate.errors import AllocateError
from allocate.plan.bending import bent_cost
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.margins import View, view_of
from allocate.plan.moves import POUND, Moves
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.room import room_of, stands
from allocate.plan.still import held_by
from allocate.plan.words import some
from allocate.rules.kinds import Band
from allocate.rules.limits import kept
from allocate.scenario.rulebook import Rule, covers
from allocate.scenario.scenario import Scenario

Array = np.ndarray
Solve = Callable[[Scenario], Plan]
Tick = Callable[[int, int], bool | None]
ROUNDING = 10.0
"""Pounds that two plans may differ by on one line because each is rounded to whole pounds."""
TRIES = 12
"""Solves at most in looking for the money that brings a line in."""
STEPS = (1.0, 1.5, 3.0)


# --- without a rule --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Without:
    """What a rule does: the plan with it against the plan without it.

    `cost` is what the aim would gain without it; below nothing where it would lose, as it may without a rule that opens
    a route. `outcomes` (id, name, unit, difference), `partners` and `places` (id, name, with_rule, without_rule in
    pounds, difference, outcome in units of the aim) hold the plan with the rule less the one without; `helps` and
    `costs` name who gets more and less because of it, most first. What several partners buy together is shared in
    proportion to what each spends on it. `certified` says whether both plans are."""

    rule: str
    sentence: str
    plan: Plan
    """The plan without the rule."""
    cost: float
    unit: str
    outcomes: pd.DataFrame
    partners: pd.DataFrame
    places: pd.DataFrame
    moved: float
    """Pounds that lie elsewhere because of the rule."""
    certified: bool
    because: str
    """Why the plan would be the same without it, where it would; '' where it would not."""
    bending: float
    """What bending rules costs without it, less what it costs with it, in units of the aim: `cost` is net of it."""

    @property
    def changes(self) -> bool:
        """Whether the plan would be any other without the rule."""
        return not self.because

    @property
    def helps(self) -> list[str]:
        """Names of the partners and places that get more because of the rule."""
        return self._names(1.0)

    @property
    def costs(self) -> list[str]:
        """Names of the partners and places that get less because of the rule."""
        return self._names(-1.0)

    def _names(self, sign: float) -> list[str]:
        names: dict[str, None] = {}
        for table in (self.partners, self.places):
            rows = table[sign * table["difference"] >= ROUNDING]
            names |= dict.fromkeys(rows["name"].iloc[np.argsort(-sign * rows["difference"].to_numpy(), kind="stable")])
        return list(names)

    @property
    def sentences(self) -> list[str]:
        """The same in words: what it costs, what it moves, whom it helps, whom it costs."""
        if not self.changes:
            return [f"Without this rule the plan would be the same: {self.because}."]
        currency = self.plan.scenario.heading.currency
        said = [f"Without it the plan would buy {as_much(self.cost, self.unit)}."]
        if self.bending:
            more = "more" if self.bending > 0 else "less"
            said.append(f"That counts {number(abs(self.bending))} {more} for rules that bend.")
        several = self.outcomes[self.outcomes["difference"] != 0] if len(self.outcomes) > 1 else self.outcomes.head(0)
        changes = [f"{row.name_} {number(row.difference, signed=True)} {row.unit}" for row in _rows(several)]
        said += [f"Because of it: {', '.join(changes)}."] if changes else []
        said += [f"It moves {pounds(self.moved, currency)}."] if self.moved else ["It moves no money."]
        for word, sign in (("helps", 1.0), ("costs", -1.0)):
            told = [part for table in (self.partners, self.places) if (part := _gainers(table, sign, currency))]
            said += [f"It {word} {' and, by place, '.join(told)}."] if told else []
        return said


def as_much(gain: float, unit: str) -> str:
    """So many units more, or less, or 'as much'."""
    return f"{number(abs(gain))} {unit} {'more' if gain > 0 else 'less'}" if gain else "as much"


def _rows(table: pd.DataFrame):
    return table.rename(columns={"name": "name_"}).itertuples()


def _gainers(table: pd.DataFrame, sign: float, currency: str) -> str:
    """The three whose money a rule raises (lowers) most, with pounds; '' for nobody."""
    rows = table[sign * table["difference"] >= ROUNDING]
    rows = rows.iloc[np.argsort(-sign * rows["difference"].to_numpy(), kind="stable")]
    said = [f"{row.name_} ({pounds(abs(row.difference), currency)})" for row in _rows(rows)]
    return some(said) if said else ""


def in_force(scenario: Scenario) -> list[Rule]:
    """The rules of a scenario that are in force, of whatever kind, in order of their ids; not those only recorded."""
    return [rule for rule in scenario.rules if rule.in_force and rule.standing != "recorded"]


def solve_only(scenario: Scenario) -> Plan:
    """The plan of a scenario; where there is none that is all that is said."""
    return solve_now(scenario, explain=False)


def without(plan: Plan, rule_id: str, solve: Solve = solve_now) -> Without:
    """The same scenario with this rule switched off, solved, and what the rule therefore does. Raises KeyError where
    no such rule is in force, and whatever `solve` raises."""
    rules = {rule.id: rule for rule in in_force(plan.scenario)}
    if rule_id not in rules:
        raise KeyError(f"no rule {rule_id!r} is in force")
    return _difference(plan, solve(switched_off(plan.scenario, [rule_id])), rules[rule_id])


def switched_off(scenario: Scenario, rules: Iterable[str]) -> Scenario:
    """The same scenario with these rules (ids) out of force."""
    return scenario.change({f"rules.{rule}.in_force": False for rule in rules})


def _difference(plan: Plan, free: Plan, rule: Rule) -> Without:
    """What a rule does, given the plan without it."""
    moves, unit = Moves.of(plan, free), view_of(plan).unit
    moved = moves.moved if np.abs(moves.change).max(initial=0.0) > ROUNDING else 0.0
    gain, noise = free.value - plan.value, noise_of(plan)
    if not rule.openings(plan.scenario):
        # Taking a limit away can lose nothing: less is what the tolerance of two plans leaves.
        gain = max(0.0, gain)
    outcomes = _outcomes(plan.scenario).copy()
    changed = moves.outcome if moved else {}
    changes = np.array([changed.get(key, 0.0) for key in outcomes["id"]])
    outcomes["difference"] = changes = np.where(np.abs(changes) > noise, changes, 0.0)
    sums = [_sums(moves, free, column, table) for column, table in (("partner", "partners"), ("place", "places"))]
    # A rule that is bent costs its price even where it moves nothing.
    cost = gain if (moved or rule.bends) and abs(gain) > noise else 0.0
    sure, sentence = plan.certified and free.certified, rule.sentence(plan.scenario)
    because = "" if moved > 0 or cost != 0 or changes.any() else _because(plan, free, rule)
    bending = bent_cost(free) - bent_cost(plan)
    bending = bending if abs(bending) > noise else 0.0
    return Without(rule.id, sentence, free, cost, unit, outcomes, sums[0], sums[1], moved, sure, because, bending)


def _because(plan: Plan, free: Plan, rule: Rule) -> str:
    """Why a plan would be the same without a rule: it leaves room, or its lines would be held there all the same."""
    words, room, _ = room_of(plan, rule)
    if np.isnan(room) or not stands(plan, rule):
        return f"it leaves room ({words})" if room > 0 else "it holds no money back"
    rows = np.flatnonzero(covers(rule.where, plan.scenario))
    return f"its lines would be {held_by(view_of(free), rows)}"


def _outcomes(scenario: Scenario) -> pd.DataFrame:
    """The outcomes of a scenario: id, name, unit. Not to be written into."""
    table = scenario._tables["outcomes"]
    return kept(scenario, "outcomes by name", (table,), lambda: table[["id", "name", "unit"]])


def noise_of(plan: Plan) -> float:
    """What whole pounds do to the aim: the dearest ten pounds on a line, a few lines over."""
    finite = view_of(plan).worth[np.isfinite(view_of(plan).worth)]
    usual = float(np.quantile(finite, 0.9)) if len(finite) else 0.0
    return max(1e-9 * abs(plan.value), ROUNDING * usual)


def _sums(moves: Moves, free: Plan, column: str, table: str) -> pd.DataFrame:
    """Pounds with and without, and what they buy, by partner or place."""
    buys, would = bought_by(moves.plan, column), bought_by(free, column)
    sums, name_of = moves.sums(column), moves.plan.scenario.name_of
    ids, before, after = [key for key, _, _ in sums], *np.array([pounds for _, *pounds in sums]).reshape(-1, 2).T
    outcome = [buys.get(key, 0.0) - would.get(key, 0.0) for key in ids]
    return pd.DataFrame({
        "id": ids, "name": [name_of(table, key) for key in ids], "with_rule": after, "without_rule": before,
        "difference": after - before, "outcome": outcome,
    })  # fmt: skip


def bought_by(plan: Plan, column: str) -> dict[str, float]:
    """What is bought in each place, or by each partner, in units of the aim: what several partners buy together in
    proportion to what each spends on it."""
    view, scenario = view_of(plan), plan.scenario
    problem, effort = view.problem, view.problem.curves.effort(view.spend)
    value = problem.weight * problem.curves.gain(effort)
    if column == "place":
        names, where = scenario.groups("curves", "place")
    else:
        each = np.divide(value, effort, out=np.zeros(len(effort)), where=effort > 0)
        value = view.spend * (each @ problem.feeds)
        names, where = scenario.groups("lines", column)
    return dict(zip(names.tolist(), np.bincount(where, value, len(names)).tolist(), strict=True))


# --- looser limits on movement ---------------------------------------------------------------------------------------


def looser(scenario: Scenario, factor: float) -> Scenario:
    """The same scenario with every limit on movement (rules of kind band in force) `factor` times as loose: down and up
    multiplied, to at most 1. The scenario itself where it has none, or where nothing changes."""
    changes: dict[str, Any] = {}
    for rule in scenario.rules:
        if isinstance(rule, Band) and rule.binds:
            for field in ("down", "up"):
                figure = getattr(rule, field)
                if figure is not None and (eased := max(figure, min(1.0, round(figure * factor, 12)))) != figure:
                    changes[f"rules.{rule.id}.{field}"] = eased
    return scenario.change(changes) if changes else scenario


def guardrails(plan: Plan, solve: Solve = solve_now) -> pd.DataFrame:
    """How much of the answer is the limits on movement: the plan with them as agreed, half as loose again, and three
    times as loose. Columns: looser (1, 1.5, 3), moved (£ that lie elsewhere than today), aim (the agreed aim), one an
    outcome (its id; gain against today), riser, faller (the place that gains, loses most; where no place does, the
    partner; '' for none), reduced (lines that get less than today)."""
    rows = []
    for step in STEPS:
        wider = looser(plan.scenario, step)
        each = plan if wider is plan.scenario else solve(wider)
        moves = Moves.of(each)
        rows.append({
            "looser": step, "moved": moves.moved, "aim": each.value, **moves.outcome,
            "riser": _most(moves, 1.0), "faller": _most(moves, -1.0),
            "reduced": int((moves.change <= -POUND).sum()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _most(moves: Moves, sign: float) -> str:
    """The place that gains (loses) most, or where no place does the partner; '' for nobody."""
    for column in ("place", "partner"):
        key, before, after = moves.sums(column)[0 if sign > 0 else -1]
        if sign * (after - before) >= POUND:
            return moves.place(key) if column == "place" else moves.plan.scenario.name_of("partners", key)
    return ""


# --- what would bring a line in --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Entry:
    """What would bring a line in. `target` is what it would then get (its minimum start, or today's spending); `money`
    the smallest rise of its envelope found to give it that, `stronger` by how much more its effect would have to be (as
    a fraction). Blank (None) where neither does, or where there are no prices to reason from; `sure` says whether
    solving with that effect gave the target."""

    line: str
    target: float
    money: float | None
    stronger: float | None
    sure: bool
    sentence: str


def what_brings_in(plan: Plan, line: str, solve: Solve = solve_only) -> Entry:
    """For a line (its id) that gets nothing, or less than today: the smallest rise of its envelope's money that gives
    it its minimum start or today's spending, by bisection on at most 12 solves; and by how much stronger its effect
    would have to be, from the margins, checked by one. Raises KeyError for an unknown line."""
    if line not in plan.scenario.line_ids:
        raise KeyError(f"no line {line!r}")
    row, view = plan.scenario.line_ids.index(line), view_of(plan)
    target = _target(view, row)
    if view.spend[row] >= target - ROUNDING:
        return Entry(line, target, 0.0, 0.0, True, "It already gets that.")
    money = _enough_money(plan, row, target, solve)
    stronger, sure = _enough_effect(plan, row, target, solve) if plan.has_prices else (None, False)
    entry = Entry(line, target, money, stronger, sure, "")
    return replace(entry, sentence=_entry(view, row, entry))


def _target(view: View, row: int) -> float:
    """What it means for a line to come in: its minimum start, or today's spending, or anything at all."""
    if view.closed[row]:
        return float(view.problem.scale[row])
    return float(max(view.problem.baseline[row], view.problem.low[row], 1000.0 if view.spend[row] < POUND else 0.0))


def _entry(view: View, row: int, entry: Entry) -> str:
    """An entry in a sentence."""
    name, currency = view.envelope_of(row), view.currency
    given = f"Gets {pounds(entry.target, currency)}" if not view.closed[row] else "Enters"
    ways = [] if entry.money is None else [f"{name} rises by {pounds(entry.money, currency)}"]
    if entry.stronger is not None:
        more = "" if entry.sure else "more than "
        ways.append(f"its effect were {more}{per_cent(entry.stronger)} stronger")
    if not ways:
        stop = view.rise_stop[row]
        because = f": {view.quoted(int(stop))} stands in the way" if stop >= 0 else ""
        return f"Neither more of {name} nor a stronger effect brings it in{because}."
    missing = f" More of {name} alone does not bring it in." if entry.money is None else ""
    return f"{given} if {', or if '.join(ways)}.{missing}"


def _enough_money(plan: Plan, row: int, target: float, solve: Solve) -> float | None:
    """The smallest rise of a line's envelope found to give it the target (rounded up to three digits), or None."""
    view = view_of(plan)
    e = int(view.problem.envelope_of_line[row])
    table = plan.scenario.table("envelopes")
    path = f"envelopes.{table['id'].iloc[e]}.{table['year'].iloc[e]}.amount"
    amount = float(table["amount"].iloc[e])

    def gives(more: float) -> bool:
        try:
            spend = solve(plan.scenario.change({path: amount + more}))._solved.flows.spend
        except AllocateError:
            return False
        return bool(spend[row] >= target - ROUNDING)

    low, high = 0.0, float(np.ceil(max(target - view.spend[row] - view.unspent[e], 1.0)))
    tries = TRIES
    while tries > TRIES // 2 and not gives(high):
        low, high, tries = high, high * 4.0, tries - 1
    if tries <= TRIES // 2:
        return None
    tries -= 1
    while tries > 0 and high - low > 0.01 * high:
        middle = float(np.ceil((low + high) / 2))
        low, high = (low, middle) if gives(middle) else (middle, high)
        tries -= 1
    return high


def _enough_effect(plan: Plan, row: int, target: float, solve: Solve) -> tuple[float | None, bool]:
    """By how much stronger a line's effect would have to be for it to get the target: what its money and rules ask for
    at today's prices over what it would buy at the target, checked by solving once with that."""
    view = view_of(plan)
    if view.keys[row] not in view.groups:
        return None, False
    _, curves = view.groups[view.keys[row]]
    problem, effort = view.problem, view.problem.curves.effort(view.spend)
    weight = problem.weight - view.limit_price @ problem.gain_rows
    marginal = problem.curves.marginal(effort + np.isin(np.arange(len(effort)), curves) * (target - view.spend[row]))
    worth = float((weight * marginal)[curves].sum())
    lower_end = problem.lone >= 0
    toll = float((np.where(lower_end, 0.0, view.limit_price) @ problem.line_rows)[row])
    asked = float(view.elsewhere[row]) + toll
    if worth <= 0 or asked <= 0 or target > problem.bounds[1][row] + ROUNDING:
        return None, False
    stronger = max(asked / worth - 1.0, 0.0)
    try:
        tried = solve(plan.scenario.change(scaled(plan.scenario, view.keys[row], 1.005 * (1.0 + stronger))))
    except AllocateError:
        return None, False
    now = tried._solved.flows.spend[row]
    if now <= view.spend[row] + ROUNDING:
        return None, False
    return stronger, bool(now >= target * 0.99 - ROUNDING)


def scaled(scenario: Scenario, key: tuple[str, str, str], factor: float) -> dict[str, float]:
    """The changes that multiply the effect of a (place, programme, year) by a factor, whatever its curves' shape."""
    place, programme, year = key
    curves = scenario.curves
    mine = curves[(curves["place"] == place) & (curves["programme"] == programme) & (curves["year"] == year)]
    changes: dict[str, float] = {}
    for curve in mine.itertuples():
        path = f"{place}.{programme}.{curve.outcome}.{year}"
        if curve.shape == "points":
            points = scenario.curve_points
            at = points[
                (points[["place", "programme", "outcome", "year"]] == [place, programme, curve.outcome, year]).all(
                    axis=1
                )
            ]
            changes |= {f"curve_points.{path}.{p.spend:.15g}.gain": p.gain * factor for p in at.itertuples()}
        elif curve.shape == "saturation":
            changes[f"curves.{path}.ceiling"] = curve.ceiling * factor
        else:
            changes[f"curves.{path}.slope"] = curve.slope * factor
    return changes


__all__ = [
    "Entry", "Without", "as_much", "bought_by", "guardrails", "in_force", "looser", "noise_of", "scaled",
    "switched_off", "what_brings_in", "without",
]  # fmt: skip
