"""What a plan that moves nothing would be without what holds it: solved again, with the rules that hold it eased."""

from __future__ import annotations

from functools import partial

from allocate.errors import AllocateError
from allocate.plan.figures import number, pounds
from allocate.plan.margins import view_of
from allocate.plan.moves import Moves
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.still import also_at_ends, held, held_by, held_lines, stays
from allocate.plan.trying import Solve, in_force, looser, switched_off
from allocate.plan.words import quoted, some, title
from allocate.rules.kinds import Band


def held_still(plan: Plan, solve: Solve | None = None) -> list[str]:
    """The same as `held`, and what would be without what holds it: with limits on movement three times as loose where
    they are what holds it, and without the rules that are named. [] where anything moves."""
    said = held(plan)
    if not said:
        return []
    again = solve or partial(solve_now, seconds=plan.options.seconds, tolerance=plan.options.tolerance, explain=False)
    return said + _loosened(plan, again) + _freed(plan, again)


def _loosened(plan: Plan, solve: Solve) -> list[str]:
    """What would be with limits on movement looser, where they are among what holds the plan."""
    named = _rules_that_hold(plan)
    if not any(isinstance(rule, Band) and rule.id in named for rule in in_force(plan.scenario)):
        return []
    wider = looser(plan.scenario, 3.0)
    if wider is plan.scenario:
        return []
    try:
        return [f"With limits on movement three times as loose, {_would(plan, solve(wider))}."]
    except AllocateError:
        return []


def _would(plan: Plan, other: Plan) -> str:
    """What another plan moves and buys, against one that moves nothing."""
    moves = Moves.of(other)
    if not moves.any:
        return "nothing would move either"
    gain = other.value - plan.value
    more = f"buy {number(gain)} {view_of(plan).unit} more" if gain > 0 else "buy as much"
    return f"{pounds(moves.moved, view_of(plan).currency)} would move and the plan would {more}"


def _rules_that_hold(plan: Plan) -> list[str]:
    """The ids of the rules that hold lines where they are, and of those that would if they were eased alone."""
    table = held_lines(plan)
    named = [*table[["kind", "id"]].itertuples(index=False, name=None), *also_at_ends(plan)]
    return list(dict.fromkeys(key for kind, key in named if kind == "rule"))


def _freed(plan: Plan, solve: Solve) -> list[str]:
    """What would be without the rules that hold the plan; where others then hold it, without those as well, until
    something moves or no rule is left that does."""
    gone: list[str] = []
    there = plan
    while new := [rule for rule in _rules_that_hold(there) if rule not in gone]:
        gone += new
        try:
            there = solve(switched_off(plan.scenario, gone))
        except AllocateError:
            return []
        if not stays(view_of(there)):
            break
    if not gone:
        return []
    names = some([quoted(title(rule)) for rule in gone], 4)
    said = f"Without {names}, {_would(plan, there)}"
    return [f"{said}: it would be {held_by(view_of(there))}." if stays(view_of(there)) else f"{said}."]


__all__ = ["held_still"]
