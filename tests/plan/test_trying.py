"""Trying things out: without a rule, with looser limits, with what would bring a line in."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
from allocate.plan.trying import (
    TRIES,
    guardrails,
    looser,
    scaled,
    what_brings_in,
    without,
)
from tests.conftest import SCENARIOS
from tests.engine.making import make

YEAR = "2026/27"


class Counted:
    """A solver that counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, scenario: al.Scenario) -> al.Plan:
        self.times += 1
        return al.solve(scenario)


@pytest.fixture(scope="module")
def package() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "health-benefits-package"))


@pytest.fixture(scope="module")
def ballot() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "participatory-budget"))


def test_the_whole_cost_of_the_floor(plan):
    """By hand the floor costs 1.4764 years and moves £10,000 from South to North, and no partner gains or loses."""
    found = without(plan, "prevention-north")
    assert found.cost == pytest.approx(1.4764, abs=1e-4)
    assert found.moved == 10e3
    assert dict(zip(found.places["id"], found.places["difference"], strict=True)) == {"north": 10e3, "south": -10e3}
    assert (found.partners["difference"] == 0).all()
    assert found.outcomes["difference"].tolist() == pytest.approx([-1.4764], abs=1e-4)
    assert (found.helps, found.costs) == (["North"], ["South"])
    assert found.sentences == [
        "Without it the plan would buy 1.48 years more.",
        "It moves £10,000.",
        "It helps North (£10,000).",
        "It costs South (£10,000).",
    ]


def test_a_slack_rule_changes_nothing(plan):
    """A rule with room everywhere is said to change nothing; one that is not in force is refused."""
    found = without(plan, "steady-care")
    assert not found.changes
    assert found.cost == 0
    assert found.sentences == ["Without this rule the plan would be the same: it leaves room (£25,000)."]
    with pytest.raises(KeyError):
        without(plan, "no-such-rule")
    switched = al.solve(plan.scenario.change({"rules.steady-care.in_force": False}))
    with pytest.raises(KeyError):
        without(switched, "steady-care")


def test_looser_loosens_movement_only(tiny):
    """Bands get factor times the room, at most all of it; other rules stay; nothing to loosen gives the scenario."""
    wider = looser(tiny, 1.5)
    rules = {rule.id: rule for rule in wider.rules}
    assert (rules["steady-care"].down, rules["steady-care"].up) == (0.075, 0.75)
    assert rules["prevention-north"] == {rule.id: rule for rule in tiny.rules}["prevention-north"]
    most = {rule.id: rule for rule in looser(tiny, 30.0).rules}["steady-care"]
    assert (most.down, most.up) == (1.0, 1.0)
    assert looser(tiny, 1.0) is tiny
    free = tiny.change({"rules.steady-care": None})
    assert looser(free, 3.0) is free


def test_guardrails_never_lose(package, plan):
    """Looser limits never buy less; the first row is the plan itself; a plan that no limit holds is the same thrice."""
    for each in (package, plan):
        table = guardrails(each)
        assert list(table["looser"]) == [1.0, 1.5, 3.0]
        assert table["aim"].is_monotonic_increasing
        assert table["aim"][0] == each.value
        assert set(each.scenario.outcomes["id"]) <= set(table.columns)
    assert guardrails(plan)["moved"].nunique() == 1
    ballot = Counted()
    assert guardrails(al.solve(make(
        [{"place": "a", "programme": "x"}], [{"place": "a", "programme": "x", "shape": "linear", "slope": 1.0}], 10.0,
    )), ballot)["faller"].tolist() == ["", "", ""]  # fmt: skip
    assert ballot.times == 0


def test_guardrails_name_the_partner_where_no_place_loses():
    """Where every place gains, the partner that loses most is named."""
    table = guardrails(al.solve(al.read(SCENARIOS / "coventry-warwickshire")))
    assert table["faller"].tolist() == ["", "", "University Hospitals Coventry and Warwickshire"]


def test_what_brings_prevention_back(plan):
    """North's floor takes the first £60,000 of the grant, so South gets its £45,000 back with £5,000 more, and no
    stronger effect helps, as the money may come from nowhere."""
    solver = Counted()
    found = what_brings_in(plan, "council.south.prevention.grant.2026/27", solver)
    assert found.target == 45e3
    assert found.money == pytest.approx(5e3, rel=0.01)
    assert found.stronger is None
    assert found.sentence == "Gets £45,000 if Prevention grant rises by £5,000."
    assert solver.times <= TRIES + 1
    assert what_brings_in(plan, "trust.north.care.core.2026/27").money == 0.0
    with pytest.raises(KeyError):
        what_brings_in(plan, "nobody")


def test_what_brings_in_a_start(ballot):
    """A library £105,000 short of its start enters with about that: the answer gives it, a little less does not."""
    line = "council.centre.library.ballot.2026/27"
    solver = Counted()
    found = what_brings_in(ballot, line, solver)
    assert solver.times <= TRIES
    assert found.target == 130e3
    assert found.sentence.startswith("Enters if Ballot money rises by £")
    row = ballot.scenario.line_ids.index(line)
    enough = al.solve(ballot.scenario.change({"envelopes.ballot": 1e6 + found.money}))
    assert enough.spend["spend"][row] == 130e3


def test_a_stronger_effect_is_checked(package):
    """Straight curves: treatment comes back at once when its effect is as much stronger as is said, and not below."""
    line = "ministry.highlands.hiv-treatment.grant.2026"
    found = what_brings_in(package, line)
    assert found.sure
    assert f"{found.stronger:.1%} stronger" in found.sentence
    row, key = package.scenario.line_ids.index(line), ("highlands", "hiv-treatment", "2026")
    for factor, gets in ((1.002, True), (0.998, False)):
        tried = al.solve(package.scenario.change(scaled(package.scenario, key, factor * (1 + found.stronger))))
        assert (tried.spend["spend"][row] >= found.target - 10) == gets


def test_scaled_multiplies_any_curve(small):
    """Whatever a curve's shape, its gain is multiplied (about what isoelastic and other curves count from)."""
    for key in list(small.curve_of_line)[:4]:
        changes = scaled(small, key, 1.25)
        if not changes:
            continue
        before, after = al.solve(small), small.change(changes)
        problem, other = before._solved.problem, type(before._solved.problem).of(after)
        spend = before._solved.flows.spend
        curves = [q for q, rows in enumerate(problem.curves.lines) if np.array_equal(rows, small.curve_of_line[key])]
        gains = [each.curves.gain(each.curves.effort(spend))[curves] for each in (problem, other)]
        np.testing.assert_allclose(gains[1], 1.25 * gains[0], rtol=1e-9)
