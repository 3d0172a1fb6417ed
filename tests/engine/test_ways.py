"""What-ifs that let rules give way: each tried on the scenario that had no plan."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import allocate as al
from allocate.errors import GiveWay
from tests.conftest import SCENARIOS
from tests.engine.making import make
from tests.rules.examples import two_years

NORTH = {"programmes": ["prevention"], "places": ["north"]}
CARE = {"programmes": ["care"]}
BOARD = {"owner": "board"}
SMALL = BOARD | {"kind": "cap", "where": NORTH, "amount": 45_000}
LOCK = BOARD | {"kind": "keep", "where": CARE | {"places": ["north"]}, "amount": 200_000}

CLASHES: list[tuple[str, dict[str, Any]]] = [
    ("tiny", {"rules.small": SMALL}),
    ("tiny", {"envelopes.core": 700_000}),
    ("tiny", {"rules.lock": LOCK}),
    ("tiny", {"rules.lock": LOCK, "rules.steady-care.standing": "statutory", "envelopes.core": 700_000}),
    ("tiny", {"rules.most": BOARD | {"kind": "floor", "measure": "health", "amount": 3_000}}),
    ("tiny", {"rules.part": BOARD | {"kind": "share", "where": NORTH, "of": CARE, "at_least": 0.4}}),
    ("tiny", {"rules.part": BOARD | {"kind": "share", "where": NORTH, "at_least": 0.01, "at_most": 0.02}}),
    ("tiny", {"rules.fast": BOARD | {"kind": "growth", "where": CARE, "at_least": 0.2}}),
    ("coventry-warwickshire", {"envelopes.core": 1_780e6}),
    ("coventry-warwickshire", {"rules.mental-health-standard.at_least": 0.3}),
    ("coventry-warwickshire", {"rules.out-of-hospital-share.at_least": 0.5, "rules.out-of-hospital-share.bends": []}),
    ("coventry-warwickshire", {"rules.*.up": 0.0, "envelopes.core": 1_780e6}),
    ("health-benefits-package", {"resources.nurse-minutes": 1e6}),
    (
        "participatory-budget",
        {
            "envelopes.ballot": 997_000,
            "rules.all": {"kind": "floor", "owner": "council", "amount": 996_000},
        },
    ),
]


def clash(scenario: al.Scenario) -> al.NoPlan:
    """Why this scenario has no plan."""
    with pytest.raises(al.NoPlan) as caught:
        al.solve(scenario)
    return caught.value


def together(ways: tuple[GiveWay, ...]) -> dict[str, Any]:
    """The changes of all of these."""
    return {path: value for way in ways for path, value in way.change.items()}


@pytest.mark.parametrize(("name", "told"), CLASHES)
def test_all_ways_together_make_a_plan_and_so_does_each_instead(name, told):
    """Laid over the scenario that had no plan, all what-ifs together give one; so does each single envelope raised."""
    scenario = al.read(SCENARIOS / name).change(told)
    error = clash(scenario)
    assert error.ways
    assert len(error.ways) == len(error.easings)
    for changes in (together(error.ways), *(way.change for way in error.instead)):
        plan = al.solve(scenario.change(changes))
        assert plan.certified
        assert plan._solved.whole
    for way in error.ways:
        rule = next((rule for rule in scenario.rules if rule.id == way.rule), None)
        assert way.standing == ("" if rule is None else rule.standing)
        assert way.amount > 0
        assert way.sentence in error.easings[error.ways.index(way)]


def test_the_ways_of_tiny_are_exact(tiny):
    """One limit gives way by exactly what the sentence says: a floor, a cap and a lock in pounds, a share in a figure
    of four decimals."""
    assert clash(tiny.change({"rules.small": SMALL, "rules.small.standing": "statutory"})).ways == (
        GiveWay(
            "prevention-north", "", "low", 15_000.0, "spend", "agreed",
            "Spending on Prevention in North must be at least \u00a360,000", {"rules.prevention-north.amount": 45_000},
        ),
    )  # fmt: skip
    firm = tiny.change({"rules.*.standing": "statutory"})
    (way,) = clash(firm.change({"rules.small": SMALL})).ways
    assert (way.rule, way.end, way.change) == ("small", "high", {"rules.small.amount": 60_000})
    (way,) = clash(firm.change({"rules.lock": LOCK})).ways
    assert (way.rule, way.change) == ("lock", {"rules.lock.amount": 285_000})
    share = BOARD | {"kind": "share", "where": NORTH, "of": {"programmes": ["prevention"]}, "at_most": 0.5}
    (way,) = clash(firm.change({"rules.share": share})).ways
    assert (way.rule, way.change) == ("share", {"rules.share.at_most": 0.6})


def test_one_figure_for_many_limits_goes_only_as_far_as_it_must(tiny):
    """A fall of 12.5% on each line would do, though the least money in all is to take it from one line alone."""
    error = clash(tiny.change({"envelopes.core": 700_000}))
    assert error.proved
    (change,) = {tuple(way.change.items()) for way in error.ways}
    assert change[0][0] == "rules.steady-care.down"
    assert 0.125 <= change[0][1] <= 0.127


def test_the_envelope_to_raise_instead_is_named_as_the_change_named_it(tiny):
    """The smallest rise, in the path that the what-if used already, or else in the shortest that is clear."""
    (way,) = clash(tiny.change({"envelopes.core.2026/27": 700_000})).instead
    assert (way.rule, way.part, way.end, way.amount) == ("", "core", "high", 60_000)
    assert way.change == {"envelopes.core.2026/27": 760_000}
    assert way.sentence == "Core money is raised by \u00a360,000, to \u00a3760,000"


def test_the_envelope_to_raise_is_named_with_its_year_where_it_has_several(folder):
    """Only the first year clashes, so only that year's money is raised."""
    care = {"programmes": ["care"], "years": ["2026/27"]}
    error = clash(two_years(folder).change({"rules.steady-care.where": care, "envelopes.core.*.amount": 700_000}))
    (way,) = error.instead
    assert (way.part, way.change) == ("core.2026/27", {"envelopes.core.2026/27.amount": 760_000})
    assert way.sentence == "Core money 2026/27 is raised by \u00a360,000, to \u00a3760,000"


def test_a_figure_pulled_both_ways_is_switched_off(tiny):
    """A lock for each place that one place needs lower and the other higher can only go."""
    lock = BOARD | {"kind": "keep", "where": CARE, "each": "place", "amount": 460_000}
    error = clash(tiny.change({"rules.lock": lock, "rules.steady-care.standing": "statutory"}))
    assert {(way.rule, way.end) for way in error.ways} == {("lock", "low"), ("lock", "high")}
    assert together(error.ways) == {"rules.lock.in_force": False}


def test_a_rule_that_no_figure_eases_enough_is_switched_off():
    """A band that would have to let spending grow fivefold is refused as a slip, so the rule itself goes."""
    lines = [{"place": "north", "programme": "care", "baseline": 100.0}]
    curves = [{"place": "north", "programme": "care", "shape": "linear", "slope": 1.0}]
    rules = {
        "floor": {"kind": "floor", "amount": 250.0, "standing": "statutory"},
        "band": {"kind": "band", "up": 0.1},
    }
    error = clash(make(lines, curves, 300.0, rules))
    assert together(error.ways) == {"rules.band.in_force": False}
    assert error.instead == ()


def test_a_clash_goes_to_another_process(tiny):
    """The error is pickled whole, as are the problems of a scenario."""
    error = clash(tiny.change({"envelopes.core": 700_000}))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.ways, again.instead, again.proved) == (
        str(error), error.ways, error.instead, error.proved,
    )  # fmt: skip
    with pytest.raises(al.ScenarioError) as caught:
        tiny.change({"envelopes.cor": 1})
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
