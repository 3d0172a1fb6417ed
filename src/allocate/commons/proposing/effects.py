"""What a proposal does: the plan before it beside the plan with it, in all, by outcome, partner, place and rule."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from allocate.commons.proposing import payoffs
from allocate.commons.proposing.easing import easier
from allocate.commons.proposing.payoffs import MONEY, OUTCOME, Payoff, outcome_in_all, weights_of
from allocate.errors import NoPlan
from allocate.plan.explaining import aim_unit
from allocate.plan.moves import NOISE
from allocate.plan.plan import Plan
from allocate.rules.kinds import Binding
from allocate.scenario.rulebook import Rule, record
from allocate.scenario.scenario import Scenario

TOTAL_COLUMNS = ["measure", "unit", "before", "after", "difference"]
RULE_COLUMNS = ["rule", "standing", "sentence", "before", "after", "effect", "price_before", "price_after"]
BINDS, ROOM, BENDS, STANDS, OFF, ABSENT = "binds", "has room", "bends", "in force", "not in force", "not there"
UNKNOWN = ""
NO_PLAN = np.nan
EFFECTS = {
    (ROOM, BINDS): "newly binds", (BINDS, ROOM): "goes slack", (BENDS, ROOM): "goes slack", (BENDS, BINDS): "eases",
}  # fmt: skip


def total_table(before: Plan, after: Plan | None) -> pd.DataFrame:
    """measure, unit, before, after, difference: the money shared; the agreed aim at the weights that stand; where the
    proposal changes those, at the weights proposed too; where rules bend, the aim less what that costs."""
    rows = [["Money shared", before.scenario.heading.currency, *_both(before, after, _spent)]]
    stands = weights_of(before)
    rows.append(["The agreed aim", aim_unit(before), *_both(before, after, lambda p: outcome_in_all(p, stands))])
    if after is not None and (proposed := weights_of(after)) != stands:
        found = _both(before, after, lambda p: outcome_in_all(p, proposed))
        rows.append(["The aim at the weights proposed", aim_unit(after), *found])
    if any(plan is not None and _bending_costs(plan) for plan in (before, after)):
        rows.append(["The aim less what bending costs", aim_unit(before), *_both(before, after, lambda p: p.value)])
    table = pd.DataFrame(rows, columns=TOTAL_COLUMNS[:-1])
    return _with_difference(table, lambda was, now: NOISE * max(abs(was), abs(now), 1e-9))


def outcome_table(before: Plan, after: Plan | None) -> pd.DataFrame:
    """id, name, unit, before, after, difference: every outcome, in its own unit."""
    table = before.scenario.outcomes[["id", "name", "unit"]]
    for column, plan in (("before", before), ("after", after)):
        sums = {} if plan is None else plan._gains.groupby("outcome")["gain"].sum().to_dict()
        table[column] = [sums.get(key, 0.0) if plan is not None else NO_PLAN for key in table["id"]]
    return _with_difference(table, lambda was, now: NOISE * max(abs(was), abs(now), 1e-9))


def partner_table(before: Plan, after: Plan | None, payoff: Payoff) -> pd.DataFrame:
    """id, name; before, after, difference (the payoff); then the same of money (£) and of outcome (points at the
    weights that stand), with money_ and outcome_ in front. One row a partner, in the scenario's order."""
    weights = weights_of(before)
    table = before.scenario.partners[["id", "name"]]
    for head, each in (("", payoff), ("money_", MONEY), ("outcome_", OUTCOME)):
        _put(table, head, each.of(before, weights), None if after is None else each.of(after, weights), each)
    return table


def place_table(before: Plan, after: Plan | None) -> pd.DataFrame:
    """id, name; money_before, money_after, money_difference (£); the same of outcome (points at the weights that
    stand). One row a place, with what lies in the places inside it."""
    table = before.scenario.places[["id", "name"]]
    outcome = partial(payoffs.outcome_by_place, weights=weights_of(before))
    for head, of, each in (("money_", payoffs.money_by_place, MONEY), ("outcome_", outcome, OUTCOME)):
        _put(table, head, of(before), None if after is None else of(after), each)
    return table


def _put(table: pd.DataFrame, head: str, was: Mapping[str, float], now: Mapping[str, float] | None, by: Payoff) -> None:
    table[f"{head}before"] = [was[key] for key in table["id"]]
    table[f"{head}after"] = [NO_PLAN if now is None else now[key] for key in table["id"]]
    changes = [NO_PLAN if now is None else by.change(was[key], now[key]) for key in table["id"]]
    table[f"{head}difference"] = changes


def _both(before: Plan, after: Plan | None, of) -> list[float]:
    return [of(before), NO_PLAN if after is None else of(after)]


def _spent(plan: Plan) -> float:
    return float(plan._solved.flows.spend.sum())


def _bending_costs(plan: Plan) -> bool:
    """Whether the plan's value is not simply what it buys."""
    bought = outcome_in_all(plan, weights_of(plan))
    return abs(bought - plan.value) > NOISE * max(abs(bought), 1e-9)


def _with_difference(table: pd.DataFrame, least) -> pd.DataFrame:
    pairs = list(zip(table["before"], table["after"], strict=True))
    table["difference"] = [0.0 if abs(now - was) < least(was, now) else now - was for was, now in pairs]
    return table


# --- rules ------------------------------------------------------------------------------------------------------------


def rule_table(before: Plan, after: Plan | None, proposed: Scenario, clash: NoPlan | None) -> pd.DataFrame:
    """Every rule and resource of either book: rule, standing, sentence (as proposed), before and after ('binds', 'has
    room', 'bends', 'in force' for a rule without limits, 'not in force', 'not there'; '' where there is no plan),
    effect ('' for none), price_before and price_after (the dearest of its limits; blank where unknown)."""
    books = [{rule.id: rule for rule in scenario.rules} for scenario in (before.scenario, proposed)]
    found = [_states(before), {} if after is None else _states(after)]
    resources = [key for key in found[0] if key.startswith("resource ")]
    clashing = {path.partition(".")[2] for path in clash.together if path.startswith("rules.")} if clash else set()
    rows = []
    for key in [*sorted({*books[0], *books[1]}), *resources]:
        was, now = (_state(book.get(key), states.get(key)) for book, states in zip(books, found, strict=True))
        if after is None:
            now = (now[0] if now[0] in (OFF, ABSENT) else UNKNOWN, NO_PLAN)
        rule = books[1].get(key) or books[0].get(key)
        changed = key in books[0] and key in books[1] and record(books[0][key]) != record(books[1][key])
        effect = "clashes" if key in clashing else _effect(was, now, changed)
        said = rule.sentence(proposed) if rule else key.capitalize()
        rows.append([key, rule.standing if rule else "", said, was[0], now[0], effect, was[1], now[1]])
    return pd.DataFrame(rows, columns=RULE_COLUMNS)


State = tuple[str, float]


def _states(plan: Plan) -> dict[str, State]:
    """What each owner of limits does in a plan, and the dearest price of its limits."""
    limits = plan._limits
    # What arithmetic leaves is no price.
    priced = limits["price"] > 1e-9 * limits["price"].max()
    held = limits["binding"] & (priced | limits["price"].isna())
    bent = limits["bent"] > 0 if "bent" in limits else held & False
    found: dict[str, State] = {}
    for owner, mine in limits.groupby("rule", sort=False):
        state = BENDS if bent[mine.index].any() else BINDS if held[mine.index].any() else ROOM
        found[str(owner)] = (state, float(mine["price"].max()))
    return found


def _state(rule: Rule | None, found: State | None) -> State:
    """What a rule does: what its limits do, and where it has none, whether it is there at all."""
    if found is not None:
        return found
    if rule is None:
        return ABSENT, NO_PLAN
    if not rule.binds:
        return OFF, NO_PLAN
    return (ROOM, 0.0) if isinstance(rule, Binding) and rule.deontic != "may" else (STANDS, NO_PLAN)


def _effect(was: State, now: State, changed: bool) -> str:
    """What becomes of a rule, in two words."""
    gone = (OFF, ABSENT)
    if was[0] in gone and now[0] not in (*gone, UNKNOWN):
        return "comes in" if now[0] == STANDS else f"comes in and {now[0]}"
    if was[0] not in gone and now[0] in gone:
        return "goes out"
    if now[0] == BENDS and was[0] != BENDS:
        return "bends"
    if was[0] == now[0] == BINDS and abs(now[1] - was[1]) > 0.001 * max(was[1], now[1]):
        return "tightens" if now[1] > was[1] else "eases"
    return EFFECTS.get((was[0], now[0]), "is changed" if changed else "")


# --- the law ----------------------------------------------------------------------------------------------------------


def eased_by_law(stands: Scenario, proposed: Scenario, plan: Plan) -> dict[str, str]:
    """The statutory rules that a proposal eases, switches off or takes out: their ids, and which of these it does."""
    found = {}
    after = {rule.id: rule for rule in proposed.rules}
    for rule in stands.rules:
        if rule.standing != "statutory" or not rule.binds:
            continue
        new = after.get(rule.id)
        if new is None:
            found[rule.id] = "takes out"
        elif not new.binds:
            found[rule.id] = "switches off"
        elif new.standing != "statutory":
            found[rule.id] = "makes a matter of agreement of"
        elif record(new) != record(rule) and easier(rule, new, stands, proposed, plan):
            found[rule.id] = "eases"
    return found
