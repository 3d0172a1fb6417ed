"""What is timed. Each phase does its work and then, off the clock, asserts that the work was right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import allocate as al
from allocate.engine.highs import Solver
from allocate.engine.model import Sets, compiled, figures
from allocate.engine.optimum import must_order
from allocate.engine.pool import POOL
from allocate.engine.problem import Problem
from allocate.plan import trying
from allocate.plan.prices import NEEDED
from allocate.rules.kinds import binding_rules
from allocate.scenario.checks import problems
from benchmarks.cases import RELATIVE, SCENARIOS, Case
from benchmarks.timing import Seconds, timed

POINTS = 21
ONLY = {"clash": ("coventry-warwickshire", "greater-manchester")}
"""Phases that are not for every case."""


def read(case: Case) -> Seconds:
    """A folder to a checked scenario."""
    scenario, seconds = timed(lambda: al.read(SCENARIOS / case.name))
    assert len(scenario.lines) == case.lines
    assert len(al.evidence(scenario)) == case.figures
    return seconds


def check(case: Case) -> Seconds:
    """Every check across the tables of a scenario."""
    scenario = al.read(SCENARIOS / case.name)
    found, seconds = timed(lambda: problems(scenario))
    assert found == []
    tables = {name: scenario.table(name) for name in scenario._tables}
    tables["lines"] = tables["lines"].assign(partner="nobody")
    spoiled = al.Scenario(scenario.heading, scenario.rules, tables)
    assert len(problems(spoiled)) >= case.lines, "the checks would pass anything"
    return seconds


def build(case: Case) -> Seconds:
    """A scenario to the arrays a solver takes: limits, index sets, the compiled Pyomo model."""
    scenario = al.read(SCENARIOS / case.name)

    def work():
        problem = Problem.of(scenario)
        grids = problem.grids
        first = figures(problem, grids)
        matrix = compiled(Sets.of(problem, grids, must_order(problem)))
        return problem, matrix, matrix.arrays(first)

    (problem, matrix, arrays), seconds = timed(work)
    assert len(problem.limits) == case.limits
    assert matrix.rows["limit"].stop - matrix.rows["limit"].start == case.limits
    # Straight slices lie below their curves, so the model's best is just short of the curves' best.
    best = Solver(arrays).run(60.0, presolve=bool(arrays.integer.any())).value * problem.units.value
    assert case.value - 0.01 * problem.at_stake <= best <= case.value * (1 + RELATIVE)
    return seconds


def first_solve(case: Case) -> Seconds:
    """A scenario to a certified plan in whole pounds, on a model declared for it."""
    scenario = al.read(SCENARIOS / case.name)
    POOL.clear()
    plan, seconds = timed(lambda: al.solve(scenario))
    _is_right(plan, case.value, case.spent)
    return seconds


def solve_again(case: Case) -> Seconds:
    """A what-if on one envelope to its certified plan, on the model that solved the scenario before."""
    scenario = al.read(SCENARIOS / case.name)
    al.solve(scenario)
    plan, seconds = timed(lambda: al.solve(scenario.change(case.changes)))
    _is_right(plan, case.changed_value, case.changed_spent)
    return seconds


def price_list(case: Case) -> Seconds:
    """A plan to what every rule costs: solved without each that binds."""
    plan = al.solve(al.read(SCENARIOS / case.name))
    table, seconds = timed(lambda: al.prices(plan).table)
    assert {rule.id for rule in binding_rules(plan.scenario)} <= set(table["id"])
    assert (table["cost"].notna() | (table["how"] == NEEDED)).all()
    return seconds


def price_list_all(case: Case) -> Seconds:
    """A plan to the plan without each rule, solved for every one, whether it binds or not."""
    plan = al.solve(al.read(SCENARIOS / case.name))
    found, seconds = timed(lambda: {rule.id: _without(plan, rule.id) for rule in binding_rules(plan.scenario)})
    assert all(each.value >= plan.value * (1 - RELATIVE) for each in found.values() if each)
    table = al.prices(plan).table
    assert {rule for rule, each in found.items() if each is None} == set(table.loc[table["how"] == NEEDED, "id"])
    return seconds


def _without(plan: al.Plan, rule: str) -> al.Plan | None:
    """The plan without a rule; None where there is none without it."""
    try:
        return trying.without(plan, rule, trying.solve_only).plan
    except al.NoPlan:
        return None


def frontier(case: Case) -> Seconds:
    """Certified plans for 21 amounts of an envelope, from what it is to the case's what-if."""
    scenario = al.read(SCENARIOS / case.name)
    al.solve(scenario)
    money = scenario.envelopes.set_index("id")["amount"]
    amounts = np.round(np.linspace(money[case.envelope], case.amount, POINTS)).tolist()
    plans, seconds = timed(
        lambda: [al.solve(scenario.change({f"envelopes.{case.envelope}": each})) for each in amounts]
    )
    _is_right(plans[0], case.value, case.spent)
    _is_right(plans[-1], case.changed_value, case.changed_spent)
    return seconds


def clash(case: Case) -> Seconds:
    """An envelope that is cut by a tenth, below what rules ask of it, to what clashes and the ways out."""
    scenario = al.read(SCENARIOS / case.name)
    amount = scenario.envelopes.set_index("id")["amount"][case.envelope]
    poor = scenario.change({f"envelopes.{case.envelope}": round(0.9 * amount)})

    def work() -> al.NoPlan | None:
        try:
            al.solve(poor)
        except al.NoPlan as error:
            return error
        return None

    found, seconds = timed(work)
    assert found is not None
    assert found.ways
    return seconds


def _is_right(plan: al.Plan, value: float, spent: float) -> None:
    """The plan is certified, its value and bound agree with the value expected, and its money adds up."""
    found = plan.certificate
    assert plan.certified
    assert not found.breaches
    assert abs(found.value - value) <= RELATIVE * value, f"{found.value} instead of {value}"
    assert value * (1 - RELATIVE) <= found.bound <= value * (1 + 1e-4)
    assert plan.spend["spend"].sum() == spent
    money = plan.money
    assert np.array_equal(money["spent"] + money["unspent"] + money["moved_out"] - money["moved_in"], money["amount"])


PHASES: dict[str, Callable[[Case], Seconds]] = {
    phase.__name__.replace("_", "-"): phase
    for phase in (read, check, build, first_solve, solve_again, price_list, price_list_all, frontier, clash)
}
"""Every phase by its name, in the order of the work."""
