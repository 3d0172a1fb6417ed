"""All minimal clashes and ways out of rules that a toy oracle knows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.engine.clashes import bits, search
from allocate.engine.oracle import Over, Reply

RULES = 8


@dataclass
class Toy:
    """Rules that cannot hold together where they include one of these sets, and answers so many times."""

    cannot: list[int]
    patience: int = 10_000
    asked: list[int] = field(default_factory=list)

    def ask(self, rules: int) -> Reply:
        self.asked.append(rules)
        if len(self.asked) > self.patience:
            raise Over
        broken = any(not each & ~rules for each in self.cannot)
        return Reply(not broken, rules)

    def tick(self) -> None:
        if len(self.asked) > self.patience:
            raise Over


@st.composite
def books(draw) -> list[int]:
    """Sets of rules that cannot hold together."""
    return draw(st.lists(st.integers(1, (1 << RULES) - 1), min_size=0, max_size=7))


def minimal(sets) -> set[int]:
    return {one for one in sets if not any(other != one and not other & ~one for other in sets)}


def every_drop(cannot: list[int], free: int) -> set[int]:
    """All minimal sets that meet every clash, by trying all."""
    some = [sum(each) for k in range(RULES + 1) for each in itertools.combinations(list(bits(free)), k)]
    return minimal({out for out in some if all(each & out for each in cannot)})


@given(books())
def test_all_are_found(cannot):
    """Every minimal clash and every minimal way out, small ones first, and nothing else."""
    every = (1 << RULES) - 1
    known = search(Toy(cannot), 0, every)
    assert known.complete
    assert set(known.clashes) == minimal(set(cannot))
    assert set(known.drops) == every_drop(cannot, every)
    for found in (known.clashes, known.drops):
        assert len(found) == len(set(found))
        assert [each.bit_count() for each in found] == sorted(each.bit_count() for each in found)


@given(books(), st.integers(0, (1 << RULES) - 1))
def test_rules_that_are_fixed_are_in_no_clash(cannot, fixed):
    """Where some rules are fixed, clashes and ways out are told of the others alone."""
    cannot = [each for each in cannot if each & ~fixed]
    free = (1 << RULES) - 1 & ~fixed
    known = search(Toy(cannot), fixed, free)
    assert set(known.clashes) == minimal({each & free for each in cannot})
    assert set(known.drops) == every_drop([each & free for each in cannot], free)


@given(books(), st.integers(1, 30))
def test_what_is_found_in_time_is_true(cannot, patience):
    """Ended early, what there is are minimal clashes and ways out; and it is complete only where they are all."""
    every = (1 << RULES) - 1
    known = search(Toy(cannot, patience), 0, every)
    assert set(known.clashes) <= minimal(set(cannot))
    assert set(known.drops) <= every_drop(cannot, every)
    if known.complete:
        assert (set(known.clashes), set(known.drops)) == (minimal(set(cannot)), every_drop(cannot, every))


@given(books(), st.integers(1, 30))
def test_the_first_way_out_is_as_small_as_any(cannot, patience):
    """However early it ends, where a way out is known one of the smallest is; and all of a size once it says so."""
    every = (1 << RULES) - 1
    known, drops = search(Toy(cannot, patience), 0, every), every_drop(cannot, every)
    if known.drops:
        assert known.drops[0].bit_count() == min(each.bit_count() for each in drops)
    for size in range(RULES):
        if known.knows_all_of(size):
            assert {each for each in drops if each.bit_count() <= size} <= set(known.drops)


@pytest.mark.parametrize("size", [12, 20])
def test_few_questions_are_asked(size):
    """Of a pair that clashes among many rules, three sets are known after fewer questions than twice the rules."""
    toy = Toy([0b11])
    known = search(toy, 0, (1 << size) - 1)
    assert (known.clashes, known.drops) == ([0b11], [0b01, 0b10])
    assert len(toy.asked) < 2 * size
