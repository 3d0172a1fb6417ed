"""What verbs share: pairs, numbers and changes as they are typed, every slip told at once."""

from __future__ import annotations

import argparse

import pytest

import allocate as al
from allocate.cli import options


def test_pairs():
    """Pairs are read in order, without the space around them; a second equals sign is part of the text."""
    read = options.read_pairs("--dissented", ["trust = too much", "council=a=b"], "PARTNER=REASON")
    assert list(read.items()) == [("trust", "too much"), ("council", "a=b")]


def test_every_slip_of_pairs_at_once():
    """All that are no pair, and each name told twice, once, are said together."""
    with pytest.raises(al.ScenarioError) as refused:
        options.read_pairs("--weight", ["trust", "council=", "a=1", "a=2", "a=3"], "PARTNER=NUMBER")
    assert [str(problem) for problem in refused.value.problems] == [
        "--weight: 'trust' is not PARTNER=NUMBER", "--weight: 'council=' is not PARTNER=NUMBER",
        "--weight: 'a' is told twice: leave one",
    ]  # fmt: skip


def test_numbers_of_pairs():
    """Numbers are read, and all that are none are said with how to write them."""
    assert options.read_numbers("--envelope", {"core": "2e6"}, "a number of pounds") == {"core": 2e6}
    with pytest.raises(al.ScenarioError, match="write it in full: 1200000") as refused:
        options.read_numbers("--envelope", {"core": "£1.2m", "acute": "lots"}, "a number of pounds")
    assert len(refused.value.problems) == 2


def test_changes_are_refused_by_the_option_that_was_typed():
    """A slip in --change is not said of --set."""
    with pytest.raises(al.ScenarioError, match=r"--change: 'rules\.small' is not PATH=VALUE"):
        options.read_sets(["rules.small"], "--change")


@pytest.mark.parametrize(("read", "good", "bad"), [
    (options.above_nothing, "2.5", ["0", "-1", "1e999", "nan", "two"]),
    (options.a_fraction, "0.5", ["1.1", "-0.1", "half"]),
    (options.a_rate, "-0.5", ["1", "5", "-1", "x"]),
    (options.a_count, "50", ["0", "51", "2.0", "²"]),
])  # fmt: skip
def test_values(read, good, bad):
    """Values within their range are read; all others are refused in words."""
    assert read(good) == float(good)
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match="is not a"):
            read(text)
