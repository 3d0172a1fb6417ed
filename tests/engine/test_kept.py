"""What is kept between what-ifs: the same as worked out anew, whatever changed, and only the last of each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import allocate as al
from allocate.engine.problem import Problem
from allocate.rules.limits import ASKED, UNASKED, kept
from allocate.scenario.rulebook import KINDS
from allocate.scenario.tables import TABLES
from tests.conftest import SCENARIOS
from tests.rules.examples import EXAMPLES

CHANGES = (
    {},
    {"envelopes.*.amount": "x1.01"},
    {"lines.*.baseline": "x0.99"},
    {"outcomes.*.weight": 2},
    {"curves.*.slope": "x1.1"},
    {"places.*.population": "x1.1"},
    {"resources.*.amount": "x1.1"},
    {"uses.*.rate": "x1.1"},
    {"rules.*.in_force": True},
)


def told(scenario: al.Scenario) -> list:
    """Everything that a problem says about a scenario's limits, and its totals."""
    problem = Problem.of(scenario)
    limits = [(each.name, each.label, each.low, each.high, each.measure, each.body.terms) for each in problem.limits]
    totals = [(name, total.measure, total.lines.tolist(), total.line_factors.tolist(), total.curves.tolist())
              for name, total in problem.tally.totals.items()]  # fmt: skip
    terms = [vars(part) if hasattr(part, "rows") else part for part in vars(problem.terms).values()]
    return [
        limits,
        totals,
        repr(terms),
        problem.flow_rows.tolist(),
        [vars(problem.curves)[n].tolist() for n in ("slope", "reference")],
    ]


def anew(scenario: al.Scenario) -> al.Scenario:
    """The same scenario, with nothing kept from before."""
    return replace(scenario, _shared={})


@pytest.mark.parametrize("changes", CHANGES, ids=str)
@pytest.mark.parametrize("name", ["tiny", "health-benefits-package"])
def test_what_is_kept_is_what_would_be_made(name, changes):
    """After any change, and back again, the limits and their arrays are those of a scenario never seen before."""
    base = al.read(SCENARIOS / name)
    told(base)
    try:
        changed = base.change(changes)
    except al.ScenarioError:
        pytest.skip("this scenario has no such figure")
    assert told(changed) == told(anew(changed))
    assert told(base) == told(anew(base))


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_no_kind_of_rule_reads_what_limits_are_kept_through(example, tiny):
    """For every kind of rule: a figure of a table that is not asked for makes no difference to its limits."""
    scenario = example.scenario(tiny)
    before = told(anew(scenario))[:2]
    for path in ("envelopes.*.amount", "outcomes.*.weight", "curves.*.reference", "curves.*.ceiling"):
        assert (table := path.split(".")[0]) in UNASKED
        changed = scenario.change({path: "x1.0001"})
        limits = told(anew(changed))[:2]
        assert limits == told(changed)[:2]
        assert limits == before or table in KINDS[example.kind].reads


def test_every_table_is_asked_for_or_known_not_to_be():
    """A new table is asked for until somebody says otherwise."""
    assert set(ASKED) | UNASKED == set(TABLES)


def test_only_the_last_is_kept(tiny):
    """What was made for objects that are gone is not held on to."""
    one, other, made = object(), object(), iter(range(9))
    found = [kept(tiny, "test", (asked,), lambda: next(made)) for asked in (one, one, other, other, one)]
    assert found == [0, 0, 1, 1, 2]


def test_threads_that_differ_in_everything_kept_do_not_mix():
    """Four threads whose what-ifs push each other's limits out of what is kept get what each gets alone."""
    base = al.read(SCENARIOS / "coventry-warwickshire")
    rule = next(rule for rule in base.rules if rule.binds and getattr(rule, "up", None))
    cases = [base.change({f"rules.{rule.id}.up": rule.up * (1 - 0.01 * k), "lines.*.baseline": f"x{1 - 0.001 * k:.3f}"})
             for k in range(4)]  # fmt: skip
    alone = [al.solve(anew(case)) for case in cases]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(al.solve, cases * 4, timeout=300))
    for number, plan in enumerate(together):
        assert plan.spend.equals(alone[number % 4].spend)
        np.testing.assert_array_equal(plan.limits["price"], alone[number % 4].limits["price"])
