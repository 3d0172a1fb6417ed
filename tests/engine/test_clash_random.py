"""On random books that cannot hold, whatever is found is what trying every subset finds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache

import pytest

import allocate as al
from allocate.engine.clash import clash
from tests.engine.clashing import PARTNERS, Brute, book

SEEDS = [(seed, seed >= 100) for seed in (*range(7), 8, *range(101, 106), 107, 108, 109)]


@cache
def stuck(seed: int, choices: bool) -> al.Scenario:
    """The first book from a seed on whose rules cannot hold, though the statutory ones alone can."""
    return next(
        brute.scenario for brute in books(1000 * seed, choices)
        if not brute.holds(brute.rules) and brute.holds(set(brute.rules) - brute.agreed)
    )  # fmt: skip


def books(seed: int, choices: bool, statutory: float = 0.2) -> Iterator[Brute]:
    """Sound books, one after another."""
    for k in range(200):
        with contextlib.suppress(al.ScenarioError):
            yield Brute(book(seed + k, choices, statutory))


@pytest.mark.parametrize(("seed", "choices"), SEEDS)
def test_every_clash_and_way_out_is_found(seed, choices):
    """All minimal clashes and all minimal sets to drop are those of brute force; each clash cannot hold, and can when
    any one of its rules is dropped."""
    scenario = stuck(seed, choices)
    found, brute = clash(scenario, 60.0), Brute(scenario)
    firm = frozenset(brute.rules) - brute.agreed
    clashes, drops = brute.sets(brute.agreed, firm)
    assert found.complete
    assert {frozenset(each) for each in found.clashes} == clashes
    assert {frozenset(way.rules) for way in found.ways if way.kind == "drop"} == drops
    for each in map(frozenset, found.clashes):
        assert not brute.holds(firm | each)
        assert all(brute.holds(firm | each - {rule}) for rule in each)


@pytest.mark.parametrize(("seed", "choices"), SEEDS)
def test_the_easings_are_the_least_there_are(seed, choices):
    """The cheapest easing, the one of fewest rules and the one that asks least of any one partner cost what SciPy finds
    by itself, and name no more rules than brute force needs for the price."""
    scenario = stuck(seed, choices)
    brute = Brute(scenario)
    ways = {way.kind: way for way in clash(scenario, 60.0).ways if way.kind != "drop"}
    every, free = frozenset(brute.rules), brute.agreed
    cheapest, fewest, fairest = (ways[kind] for kind in ("cheapest", "fewest", "fairest"))
    least = brute.solved(every, free)
    assert cheapest.price == pytest.approx(least, rel=1e-5, abs=1)
    assert not brute.fewer(len(cheapest.rules), free, least)
    drops = brute.sets(free, every - free)[1]
    size = min(map(len, drops))
    prices = [brute.solved(every, some) for some in drops if len(some) == size]
    assert (len(fewest.rules), fewest.price) == (size, pytest.approx(min(prices), rel=1e-5, abs=1))
    most = brute.solved(every, free, fair=True)
    asked = [sum(x.price for x in fairest.easings if answers(brute, x) == name) for name in PARTNERS]
    assert max(asked) == pytest.approx(most, rel=1e-5, abs=1)
    room = {"most": (most * (1 + 1e-5) + 1) / 1e3}
    assert fairest.price == pytest.approx(total := brute.solved(every, free, **room), rel=1e-4, abs=10)
    assert not brute.fewer(len(fairest.rules), free, total, **room)
    assert all(way.least for way in ways.values())


def answers(brute: Brute, easing) -> str:
    """The partner that answers for an easing's rule."""
    name = brute.problem.limits[easing.limit].owner
    return next(rule.owner for rule in brute.scenario.rules if rule.id == name)


@pytest.mark.parametrize(("seed", "choices"), SEEDS[::4])
def test_each_what_if_makes_a_plan(seed, choices):
    """Laid over the scenario, the change of every way out gives a plan."""
    scenario = stuck(seed, choices)
    for way in clash(scenario, 60.0).ways:
        assert way.change
        assert al.solve(scenario.change(way.change)).certificate.breaches == ()


@pytest.mark.parametrize("seed", range(4))
def test_laws_that_clash_are_looked_into_alone(seed):
    """Where the statutory rules clash among themselves, the clashes are all theirs, the agreed ones aside; the sets to
    drop are those of the whole book."""
    several = books(50_000 + 1000 * seed, bool(seed % 2), statutory=1.0)
    brute = next(
        brute for brute in several
        if len(brute.rules) < 10 and not brute.holds(frozenset(brute.rules) - brute.agreed)
    )  # fmt: skip
    firm, found = frozenset(brute.rules) - brute.agreed, clash(brute.scenario, 60.0)
    assert found.law
    assert {frozenset(each) for each in found.clashes} == brute.sets(firm, frozenset())[0]
    drops = brute.sets(frozenset(brute.rules), frozenset())[1]
    assert {frozenset(way.rules) for way in found.ways if way.kind == "drop"} == drops
    assert [way.kind for way in found.ways[:3]] == ["cheapest", "fewest", "fairest"]
