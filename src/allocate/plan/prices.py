"""The price list: every rule in force, the room it leaves, what easing it is worth, what it costs in all, and to whom.

The worth of easing a rule a little comes from the plan's own prices and holds for the last pounds. The whole cost is
found by solving again without the rule, and is a difference of two certified plans; where yes/no choices leave no
prices it is all there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocate.errors import AllocateError, NoPlan, ScenarioError
from allocate.plan.easing import dearest, priced_limits, worth_of_all
from allocate.plan.figures import number
from allocate.plan.margins import View, view_of
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.plan.room import asks_of_money, at_end, opened_by, room_of, stands
from allocate.plan.trying import (
    ROUNDING,
    Solve,
    Tick,
    Without,
    as_much,
    in_force,
    noise_of,
    solve_only,
    switched_off,
    without,
)
from allocate.plan.words import capital, quoted, some, title
from allocate.scenario.rulebook import Rule

Array = np.ndarray
TABLE_COLUMNS = [
    "id", "sentence", "owner", "standing", "slack", "room", "unit", "worth", "asks", "cost", "how", "helps", "costs",
    "together", "cost_together",
]  # fmt: skip
EFFECT_COLUMNS = ["rule", "who", "id", "name", "difference", "outcome"]
SOLVED = "re-solved"
CHOICES = "yes/no choices leave no price at the margin"
ROOM = "has room: the plan is the same without it"
NO_MONEY = "asks nothing of the money"
NOT_SOLVED = "not solved"
NEEDED = "no plan is possible without it"


@dataclass(frozen=True, eq=False)
class Prices:
    """What the rules of a plan cost. Tables are tidy.

    table    one row a rule in force, the dearest first: id, sentence, owner (a partner's id), standing; slack (in
             words), room (the least that any part leaves, blank where it counts nothing; below 0 where it is bent) and
             unit (of room: the currency, an outcome's unit); worth (of easing it by what it `asks`, in units of the
             aim, blank without prices); cost (what the aim would gain without it, what bending rules costs taken off;
             below 0 where it would lose, blank where it was not solved, or no plan is possible without it) and how that
             is known; helps and costs (names of those who get more and less money because of it, '' for nobody);
             together (ids of rules that hold the same lines at the same end, so that none of them does anything alone)
             and cost_together (what the aim would gain without all of them)
    effects  one row a rule and partner, or place, that has more or less because of it: rule, who ('partner' or
             'place'), id, name, difference (£ with the rule less without) and outcome (the same in units of the aim)
    """

    plan: Plan
    table: pd.DataFrame
    effects: pd.DataFrame

    @property
    def unit(self) -> str:
        """The unit of worth, cost and outcome: that of the aim."""
        return view_of(self.plan).unit

    @property
    def sentences(self) -> list[str]:
        """A few words a rule, the dearest first: what it asks, the room it leaves, what it is worth and costs."""
        return [self.sentence(rule) for rule in self.table["id"]]

    def sentence(self, rule: str) -> str:
        """What one rule (its id) asks, leaves, is worth and costs. Raises KeyError for a rule that is not in force."""
        row = self.table.set_index("id").loc[rule]
        said = [f"{row['sentence']}.", left(row["slack"])]
        if row["worth"] > 0:
            said.append(f"Easing it by {row['asks']} is worth {number(row['worth'])} {self.unit}.")
        said += [self._cost(row)]
        if row["together"]:
            names = [quoted(title(name)) for name in row["together"].split(", ")]
            more = as_much(row["cost_together"], self.unit)
            said.append(f"It holds together with {some(names)}: without all of them the plan would buy {more}.")
        return " ".join(part for part in said if part)

    def _cost(self, row: pd.Series) -> str:
        if row["how"] == NEEDED:
            return "Without it no plan is possible."
        if np.isnan(row["cost"]):
            return f"Its whole cost is {row['how']}."
        if row["how"] in (ROOM, NO_MONEY):
            return "Without it the plan would be the same."
        return f"Without it the plan would buy {as_much(row['cost'], self.unit)}."


def left(slack: str) -> str:
    """The room that a rule leaves, in a sentence."""
    if slack.startswith("none"):
        return f"No room is left{slack.removeprefix('none')}."
    return f"{capital(slack)}." if slack[:1].isalpha() else f"Room left: {slack}."


def prices(plan: Plan, *, solve: Solve = solve_only, tick: Tick | None = None, whole: bool = True) -> Prices:
    """Every rule in force and what it costs, as `Prices` has it.

    A rule with room everywhere, in a plan with prices, changes nothing and is not solved without. `tick(done, total)`
    is told how far it is; once it returns False, and where a solve fails, the costs of the rules not reached are left
    blank, as all are unless `whole`. `solve` may be one that remembers what it has solved."""
    rules, found = in_force(plan.scenario), dict[str, Without]()
    how, stopped = {rule.id: NOT_SOLVED for rule in rules}, not whole
    for done, rule in enumerate(rules):
        stopped = stopped or (tick is not None and tick(done, len(rules)) is False)
        if not asks_of_money(plan, rule):
            how[rule.id] = NO_MONEY
        elif plan.has_prices and not stands(plan, rule):
            how[rule.id] = ROOM
        elif not stopped:
            how[rule.id] = _tried(plan, rule, solve, found)
    if tick is not None and not stopped:
        tick(len(rules), len(rules))
    twins = {} if stopped else _together(plan, found, solve)
    rows = [_row(plan, rule, how[rule.id], found.get(rule.id), twins.get(rule.id)) for rule in rules]
    table = pd.DataFrame(rows, columns=TABLE_COLUMNS)
    order = ["cost", "cost_together", "worth", "id"]
    table = table.sort_values(order, ascending=[False, False, False, True], kind="stable", ignore_index=True)
    return Prices(plan, table, _effects(plan, found, table["id"].tolist()))


def _tried(plan: Plan, rule: Rule, solve: Solve, found: dict[str, Without]) -> str:
    """How the whole cost of a rule is known, once it was looked for."""
    try:
        found[rule.id] = without(plan, rule.id, solve)
    except (NoPlan, ScenarioError):
        return NEEDED
    except AllocateError:
        return NOT_SOLVED
    sure = "" if found[rule.id].certified else "; not certified to the tolerance"
    return f"{SOLVED}{'' if plan.has_prices else f': {CHOICES}'}{sure}"


def _row(plan: Plan, rule: Rule, how: str, found: Without | None, twins: tuple[list[str], float] | None) -> list:
    """One rule of the price list."""
    slack, room, unit = room_of(plan, rule)
    worth, asks = worth_of(plan, rule)
    cost, helps, costs = (0.0 if how in (ROOM, NO_MONEY) else np.nan), "", ""
    if found is not None:
        cost, helps, costs = found.cost, ", ".join(found.helps), ", ".join(found.costs)
    if found is not None and not rule.openings(plan.scenario):
        # Easing a rule can never buy more than taking it away does.
        worth = min(worth, cost) if worth == worth else worth
    others, more = twins or ([], np.nan)
    said = [rule.id, rule.sentence(plan.scenario), rule.owner, rule.standing]
    return [*said, slack, room, unit, worth, asks, cost, how, helps, costs, ", ".join(others), more]


def _effects(plan: Plan, found: dict[str, Without], order: list[str]) -> pd.DataFrame:
    """Who pays and who gains, rule by rule."""
    rows, noise = [], noise_of(plan)
    for rule in (rule for rule in order if rule in found):
        for who, table in (("partner", found[rule].partners), ("place", found[rule].places)):
            told = table[(table["difference"].abs() >= ROUNDING) | (table["outcome"].abs() > noise)]
            told = told.iloc[np.argsort(-told["difference"].to_numpy(), kind="stable")]
            columns = ["id", "name", "difference", "outcome"]
            rows += [(rule, who, *row) for row in told[columns].itertuples(index=False, name=None)]
    return pd.DataFrame(rows, columns=EFFECT_COLUMNS)


# --- worth -----------------------------------------------------------------------------------------------------------


def worth_of(plan: Plan, rule: Rule) -> tuple[float, str]:
    """What easing a rule a little is worth where it is dearest, in units of the aim, and by how much: `a_little`, or 1%
    of what is not measured in pounds; where its own parts hold one another, all eased together. Blank where yes/no
    choices leave no prices."""
    if not plan.has_prices:
        return np.nan, ""
    view = view_of(plan)
    limits = priced_limits(view, rule.id)
    worth, limit = dearest(view, limits) if len(limits) else (0.0, -1)
    asks = _asks(view, rule, limit)
    if not worth and len(limits) and (worth := worth_of_all(view, rule.id)):
        asks = f"{asks} in each part"
    routes = opened_by(view, rule)
    if len(routes):
        problem = view.problem
        full = problem.route_high[routes] - view.solved.flows.moved[routes] < POUND
        moving = view.price[problem.target] - view.price[problem.source] - view.limit_price @ problem.route_rows
        worth = max(worth, float((moving[routes] * full).max()) * view.little)
    return worth, asks


def _asks(view: View, rule: Rule, limit: int) -> str:
    """By how much a rule is told to be eased: as its dearest limit is, else as all of its limits are."""
    measures = {each.measure for each in view.problem.limits if each.owner == rule.id}
    if limit >= 0:
        measures = {view.problem.limits[limit].measure}
    return "1%" if measures and "spend" not in measures else view.asked


# --- rules that hold together ----------------------------------------------------------------------------------------


def _together(plan: Plan, found: dict[str, Without], solve: Solve) -> dict[str, tuple[list[str], float]]:
    """Rules that do nothing alone because another holds the same lines at the same end: per rule the others, and what
    the aim would gain without all of them. Found by solving once for each such group."""
    groups: dict[frozenset[str], float] = {}
    told: dict[str, tuple[list[str], float]] = {}
    same = _same_ends(plan)
    for rule in sorted(rule for rule in found if not found[rule].changes):
        others = {name for group in same for name in group if rule in group and name in found}
        group = frozenset(others | {rule})
        if len(group) < 2:
            continue
        if group not in groups:
            groups[group] = _without_all(plan, group, solve)
        alone = max(found[name].cost for name in group)
        if groups[group] > alone + noise_of(plan):
            told[rule] = (sorted(group - {rule}), groups[group])
    return told


def _without_all(plan: Plan, rules: frozenset[str], solve: Solve) -> float:
    """What the aim would gain without several rules; nothing where that cannot be solved."""
    try:
        return max(0.0, solve(switched_off(plan.scenario, sorted(rules))).value - plan.value)
    except AllocateError:
        return 0.0


def _same_ends(plan: Plan) -> list[set[str]]:
    """Groups of rules that stand at the same end of the same sum of lines, up to its scale."""
    view = view_of(plan)
    matrix, groups = view.effects, dict[tuple, set[str]]()
    for limit in np.flatnonzero(at_end(view)):
        entries = np.flatnonzero(matrix.rows == limit)
        values = matrix.values[entries]
        entries, values = entries[values != 0], values[values != 0]
        if not len(values):
            continue
        scaled = tuple(np.round(values / np.abs(values).max(), 9).tolist())
        owner = view.problem.limits[limit].owner
        for end in (0, 1):
            if view.ends[end][limit]:
                groups.setdefault((end, tuple(matrix.columns[entries].tolist()), scaled), set()).add(owner)
    return [group for group in groups.values() if len(group) > 1]


__all__ = ["CHOICES", "NEEDED", "NOT_SOLVED", "NO_MONEY", "ROOM", "SOLVED", "Prices", "prices", "worth_of"]
