"""Measures of inequality: known answers in exact fractions, and what any of them must keep."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.rules.inequality import (
    Senseless,
    atkinson,
    best_to_worst,
    equally_distributed,
    gini,
    hoover,
    mcloone,
    median,
    palma,
    tail_mean,
)  # fmt: skip

INDICES = {
    "gini": gini, "hoover": hoover, "atkinson 0.5": lambda v, p: atkinson(v, p, 0.5), "atkinson 1": atkinson,
    "atkinson 2": lambda v, p: atkinson(v, p, 2.0), "atkinson 11": lambda v, p: atkinson(v, p, 11.0),
}  # fmt: skip
"""Nothing where all have the same."""
RATIOS = {"palma": palma, "mcloone": mcloone, "best to worst": best_to_worst}
MEANS = {"worst-off fifth": tail_mean, "equally distributed": lambda v, p: equally_distributed(v, p, 1.5)}
EVERY = INDICES | RATIOS | MEANS

# Two places: 1 and 3 for each of as many people. Three places: 1, 2 and 6 for each of 5, 3 and 2 people, mean 2.3.
TWO, THREE = ([1, 3], [1, 1]), ([6, 1, 2], [2, 5, 3])
KNOWN = [
    (gini, TWO, F(1, 4)),
    (gini, THREE, F(5 * 3 * 1 + 5 * 2 * 5 + 3 * 2 * 4, 100) / F(23, 10)),
    (hoover, TWO, F(1, 4)),
    (hoover, THREE, F(2, 10) * (6 - F(23, 10)) / F(23, 10)),
    (palma, TWO, F(1, 10) * 3 / (F(4, 10) * 1)),
    (palma, THREE, F(1, 10) * 6 / (F(4, 10) * 1)),
    (lambda v, p: palma(v, p, 0.3, 0.7), THREE, (F(2, 10) * 6 + F(1, 10) * 2) / (F(5, 10) * 1 + F(2, 10) * 2)),
    (mcloone, TWO, F(1, 2)),  # the halves part between them: the median is 2
    (mcloone, THREE, F(1) / F(3, 2)),
    (mcloone, ([4, 1, 2], [2, 2, 3]), F(5, 7)),  # 2 of 7 people at 1 and 1.5 at 2, over 3.5 at 2
    (best_to_worst, TWO, F(3)),
    (best_to_worst, THREE, F(6)),
    (tail_mean, TWO, F(1)),
    (lambda v, p: tail_mean(v, p, 0.75), TWO, (F(1, 2) * 1 + F(1, 4) * 3) / F(3, 4)),
    (lambda v, p: tail_mean(v, p, 0.6), THREE, (F(1, 2) * 1 + F(1, 10) * 2) / F(6, 10)),
    (lambda v, p: tail_mean(v, p, 1.0), THREE, F(23, 10)),
    (median, TWO, F(2)),
    (median, ([4, 1, 2], [2, 2, 3]), F(2)),
    (lambda v, p: equally_distributed(v, p, 2.0), TWO, 1 / (F(1, 2) + F(1, 6))),
    (lambda v, p: atkinson(v, p, 2.0), TWO, 1 - F(3, 2) / 2),
    (lambda v, p: equally_distributed(v, p, 2.0), THREE, 1 / (F(5, 10) + F(3, 20) + F(2, 60))),
    (lambda v, p: equally_distributed(v, p, 0.5), ([1, 9, 16], [1, 2, 1]), F(1 + 2 * 3 + 4, 4) ** 2),
    (lambda v, p: atkinson(v, p, 0.5), ([1, 9, 16], [1, 2, 1]), 1 - F(11, 4) ** 2 / F(35, 4)),
    (lambda v, p: equally_distributed(v, p, 1.0), ([1, 4], [1, 1]), F(2)),
    (atkinson, ([1, 4], [1, 1]), 1 - 2 / F(5, 2)),
    (lambda v, p: equally_distributed(v, p, 1.0), ([1, 8], [2, 1]), F(2)),
    (lambda v, p: atkinson(v, p, 0.0), THREE, F(0)),
]


@pytest.mark.parametrize(("measure", "case", "expected"), KNOWN)
def test_known_answers(measure, case, expected):
    """Each measure of two and three places is the fraction worked out by hand."""
    assert measure(*case) == pytest.approx(float(expected), rel=1e-14, abs=1e-15)


@st.composite
def places(draw, least: int = 1, most: int = 7) -> tuple[list[float], list[int]]:
    """Values above nothing and people of a few places."""
    count = draw(st.integers(least, most))
    values = draw(st.lists(st.floats(0.01, 1000), min_size=count, max_size=count))
    return values, draw(st.lists(st.integers(1, 10**6), min_size=count, max_size=count))


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("name", EVERY)
@given(case=places(), where=st.integers(0, 6), part=st.sampled_from([F(1, 2), F(1, 3), F(9, 10)]))
def test_splitting_a_place_changes_nothing(name, case, where, part):
    """Two halves of a place, each with its value, count as the place did."""
    values, people = case
    k = where % len(values)
    split = [*people[:k], people[k] * float(part), *people[k + 1 :], people[k] * float(1 - part)]
    assert EVERY[name]([*values, values[k]], split) == near(EVERY[name](values, people))


@pytest.mark.parametrize("name", EVERY)
@given(case=places(), data=st.data())
def test_order_and_size_of_the_whole_change_nothing(name, case, data):
    """Places in another order, or a system with three times as many people throughout, give the same measure."""
    values, people = case
    order = data.draw(st.permutations(range(len(values))))
    shuffled = EVERY[name]([values[k] for k in order], [3 * people[k] for k in order])
    assert shuffled == near(EVERY[name](values, people))


@pytest.mark.parametrize("name", EVERY)
@given(case=places(), factor=st.floats(1e-3, 1e6))
def test_scale_changes_no_relative_measure(name, case, factor):
    """In pence or in millions an index is the same, and a mean is so many times larger."""
    values, people = case
    scaled = EVERY[name](np.array(values) * factor, people)
    assert scaled == near(EVERY[name](values, people) * (factor if name in MEANS else 1.0))


@pytest.mark.parametrize("name", [name for name in INDICES if name != "hoover"])
@given(case=places(least=2), data=st.data(), part=st.floats(0, 1))
def test_giving_to_the_poorer_never_adds_inequality(name, case, data, part):
    """A transfer from a better-off place to a worse-off one that does not turn them about never raises the index."""
    values, people = case
    rich, poor = data.draw(st.permutations(range(len(values))))[:2]
    rich, poor = (rich, poor) if values[rich] >= values[poor] else (poor, rich)
    level = (values[rich] * people[rich] + values[poor] * people[poor]) / (people[rich] + people[poor])
    after = list(values)
    after[rich] += part * (level - values[rich])
    after[poor] += part * (level - values[poor])
    assert INDICES[name](after, people) <= INDICES[name](values, people) + 1e-11


@given(case=places())
def test_ranges(case):
    """Every measure stays in its range, Hoover's never above the Gini, and Atkinson's rises with the aversion."""
    values, people = case
    mean = np.average(values, weights=people)
    smallest = min(people) / sum(people)
    assert 0 <= gini(values, people) <= 1 - smallest + 1e-12
    assert 0 <= hoover(values, people) <= gini(values, people) + 1e-12
    assert palma(values, people) >= 0.25 - 1e-12
    assert 0 < mcloone(values, people) <= 1 + 1e-12
    assert best_to_worst(values, people) >= 1
    tails = [tail_mean(values, people, part) for part in (0.01, 0.2, 0.5, 1.0)]
    assert all(a <= b + 1e-9 * mean for a, b in itertools.pairwise([min(values), *tails, mean]))
    indices = [atkinson(values, people, epsilon) for epsilon in (0, 0.5, 1, 2, 11, 500)]
    assert all(a <= b + 1e-11 for a, b in itertools.pairwise([0, *indices, 1]))
    assert min(values) * (1 - 1e-12) <= equally_distributed(values, people, 500)


@given(value=st.floats(1e-6, 1e6), people=st.lists(st.integers(1, 10**6), min_size=1, max_size=7))
def test_equal_values_are_equal(value, people):
    """Where all have the same, indices are nothing, ratios 1 (Palma's a quarter) and means the value."""
    values = [value] * len(people)
    assert [INDICES[name](values, people) for name in ("gini", "hoover")] == [0, 0]
    assert [index(values, people) for index in INDICES.values()] == pytest.approx([0] * len(INDICES), abs=1e-15)
    assert palma(values, people) == pytest.approx(0.25)
    assert mcloone(values, people) == pytest.approx(1)
    assert best_to_worst(values, people) == 1
    assert [mean(values, people) for mean in MEANS.values()] == pytest.approx([value, value], rel=1e-14)


@given(case=places(least=2), step=st.floats(1e-9, 1e-4))
def test_near_one_epsilon_is_smooth(case, step):
    """On either side of ε = 1 the equally distributed amount runs into the one at 1, without losing digits."""
    values, people = case
    below, here, above = (equally_distributed(values, people, 1 + way * step) for way in (-1, 0, 1))
    assert above <= here * (1 + 1e-13) <= below * (1 + 2e-13)
    spread = math.log(max(values) / min(values))
    assert below / above - 1 <= step * spread**2 + 1e-12


@given(case=places(least=2, most=4), epsilon=st.sampled_from([0.25, 0.5, 1, 1.5, 3]))
def test_against_the_definitions(case, epsilon):
    """The Gini is the sum over pairs, and the equally distributed amount the mean of powers, as their formulas say."""
    values, people = case
    part, mean = np.array(people) / sum(people), np.average(values, weights=people)
    pairs = sum(part[i] * part[j] * abs(values[i] - values[j]) for i, j in itertools.combinations(range(len(part)), 2))
    assert gini(values, people) == near(pairs / mean)
    power = 1 - epsilon
    said = math.exp(part @ np.log(values)) if power == 0 else (part @ np.array(values) ** power) ** (1 / power)
    assert equally_distributed(values, people, epsilon) == near(said)


@given(case=places(), part=st.floats(0.01, 1))
def test_the_tail_is_the_least_mean_of_so_many(case, part):
    """The worst-off part's mean is what no other choice of so many people has less than (Rockafellar and Uryasev)."""
    values, people = case
    parts = np.array(people) / sum(people)
    best = max(t - parts @ np.maximum(t - np.array(values), 0.0) / part for t in values)
    assert tail_mean(values, people, part) == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize(("measure", "values", "people", "why"), [
    (gini, [1, -1], [1, 1], "below nothing"),
    (gini, [0, 0], [1, 1], "all values are nothing"),
    (hoover, [0, -2], [1, 1], "below nothing"),
    (palma, [0, 1], [1, 1], "worst-off hold nothing"),
    (mcloone, [0, 0, 1], [1, 1, 1], "median is nothing"),
    (atkinson, [0, 1], [1, 1], "nothing or below"),
    (best_to_worst, [0, 1], [1, 1], "nothing or below"),
    (tail_mean, [1, math.nan], [1, 1], "not known"),
    (tail_mean, [1, 2], [1, 0], "no people"),
    (gini, [1, 2], [1, math.nan], "no people"),
    (gini, [], [], "no place"),
])  # fmt: skip
def test_what_means_nothing_is_refused_in_words(measure, values, people, why):
    """Where a measure would mean nothing, it says why instead of giving a number."""
    with pytest.raises(Senseless, match=why):
        measure(values, people)


def test_nothing_in_some_places_is_no_hindrance():
    """Where some have nothing and others not, shares of all still mean something; so do means of losses."""
    assert (gini([0, 1], [1, 1]), hoover([0, 1], [1, 1])) == (0.5, 0.5)
    assert mcloone([0, 1, 1], [1, 1, 1]) == pytest.approx(1 / 3)
    assert tail_mean([-3, -1], [1, 4]) == pytest.approx(-3)


@pytest.mark.parametrize("call", [
    lambda: gini([1, 2], [1]), lambda: gini([[1, 2]], [[1, 1]]), lambda: palma([1, 2], [1, 1], 0.6, 0.5),
    lambda: palma([1, 2], [1, 1], 0.0), lambda: tail_mean([1, 2], [1, 1], 0.0), lambda: tail_mean([1], [1], 1.5),
    lambda: atkinson([1, 2], [1, 1], -1), lambda: atkinson([1, 2], [1, 1], math.inf),
])  # fmt: skip
def test_misuse_is_refused(call):
    """Lengths that differ, tails that are none and aversions below nothing are mistakes of the caller."""
    with pytest.raises(ValueError) as refused:
        call()
    assert not isinstance(refused.value, Senseless)


def test_the_published_aversion():
    """Life in good health of 62 and 74 years weighs six to seven times at the aversion that Robson et al. (2017) report
    for England, 10.95, and the amount that equals both lies near the lower."""
    assert 6 < (74 / 62) ** 10.95 < 7
    assert 62 < equally_distributed([62, 74], [1, 1], 10.95) < 66
