"""Paths of what-ifs leave no trace: each plan is to the pound what it is when it is solved alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine.pool import POOL
from tests.conftest import SCENARIOS

OFF, BASE = False, {}
CHANGES: dict[str, tuple[dict, ...]] = {
    "tiny": (
        BASE,
        {"envelopes.core": 905_000},
        {"rules.prevention-north.amount": 52_000},
        {"rules.steady-care.up": 0.2},
        {"outcomes.health.weight": 2.5},
        {"curves.north.care.*.slope": "x0.7"},
        {"rules.prevention-north.in_force": OFF},
        {"rules.steady-care.in_force": OFF, "envelopes.grant": 120_000},
        {"rules.prevention-north.amount": 95_000},
        {"rules.share": {"kind": "share", "owner": "council", "at_least": 0.12, "where": {"programmes": [
            "prevention"]}}},
        {"rules.prevention-north.amount": 200_000_000},
    ),
    "coventry-warwickshire": (
        BASE,
        {"envelopes.core": "x1.01"},
        {"rules.community-transfer.amount": "x0.9"},
        {"rules.out-of-hospital-share.in_force": OFF},
        {"rules.left-shift.at_least": "x0.95"},
        {"outcomes.*.weight": "x1.5"},
        {"curves.*.slope": "x1.2"},
        {"rules.running-costs-floor.in_force": OFF},
        {"rules.trust-stability.down": "x0.8", "envelopes.core": "x1.02"},
        {"envelopes.*.amount": "x0.97"},
    ),
}  # fmt: skip
REFUSED = (al.NoPlan, al.ScenarioError)
"""What a change may end in instead of a plan."""


@cache
def base(name: str) -> al.Scenario:
    return al.read(SCENARIOS / name)


def told(scenario: al.Scenario, number: int, name: str) -> list[float] | str:
    """What a plan spends by line; or by what error there is none."""
    try:
        return al.solve(scenario.change(CHANGES[name][number])).spend["spend"].tolist()
    except REFUSED as error:
        return type(error).__name__


@cache
def alone(name: str, number: int) -> list[float] | str:
    """The same for a scenario that nobody has seen, with nothing in the pool."""
    POOL.clear()
    return told(replace(base(name), _shared={}), number, name)


@pytest.mark.parametrize(("name", "examples"), [("tiny", 20), ("coventry-warwickshire", 8)])
def test_every_path_ends_in_the_same_plans(name, examples):
    """Changes of every kind in any order, some twice and back to the base, on a pool that is cleared or full: each ends
    in the very plan, or error, that it ends in alone."""

    @given(
        path=st.lists(st.integers(0, len(CHANGES[name]) - 1), min_size=2, max_size=6), cleared=st.integers(-1, 5),
        fresh=st.booleans(),
    )  # fmt: skip
    @settings(max_examples=examples)
    def walked(path: list[int], cleared: int, fresh: bool) -> None:
        scenario = replace(base(name), _shared={}) if fresh else base(name)
        for step, number in enumerate([*path, 0]):
            if step == cleared:
                POOL.clear()
            assert told(scenario, number, name) == alone(name, number)

    walked()


@pytest.mark.parametrize("name", CHANGES)
def test_the_changes_differ(name):
    """What the paths are compared by is mostly plans, and not the same ones."""
    found = [alone(name, number) for number in range(len(CHANGES[name]))]
    plans = [each for each in found if isinstance(each, list)]
    assert len(plans) >= len(found) - 2
    assert len({tuple(each) for each in plans}) >= 4


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_a_change_is_the_change(name):
    """Laid one over another and put back, changes end where the base is: a rule switched off and on again too."""
    scenario = replace(base(name), _shared={})
    rule = next(rule.id for rule in scenario.rules if rule.binds)
    for number in (1, 4, 5):
        told(scenario, number, name)
    there = scenario.change(CHANGES[name][1]).change({f"rules.{rule}.in_force": False})
    al.solve(there)
    envelope = next(iter(CHANGES[name][1])).split(".")[1]
    amount = float(scenario.envelopes.set_index("id")["amount"][envelope])
    back = there.change({f"rules.{rule}.in_force": True}).change({f"envelopes.{envelope}": amount})
    assert back.changes == {}
    assert al.solve(back).spend["spend"].tolist() == alone(name, 0)
