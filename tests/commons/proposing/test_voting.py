"""Power in weighted votes, against answers known from the literature and what must hold for any weights."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.commons.proposing import voting
from allocate.commons.proposing.voting import banzhaf, more_than_half, shapley_shubik

COUNCIL = {"permanent-" + str(k): 7 for k in range(5)} | {"elected-" + str(k): 1 for k in range(10)}
"""The United Nations Security Council: 39 of these is all five permanent members and four of the others."""
SIX = {"france": 4, "germany": 4, "italy": 4, "belgium": 2, "netherlands": 2, "luxembourg": 1}
"""The Council of the European Economic Community in 1958: 12 of 17 votes."""
FOUR = {"a": 4, "b": 3, "c": 2, "d": 1}
weights = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 12), min_size=1).filter(lambda w: any(w.values()))


@pytest.mark.parametrize(
    ("votes", "quota", "index", "known"),
    [
        (FOUR, 6, shapley_shubik, {"a": (5, 12), "b": (3, 12), "c": (3, 12), "d": (1, 12)}),
        (FOUR, 6, banzhaf, {"a": (5, 12), "b": (3, 12), "c": (3, 12), "d": (1, 12)}),
        ({"a": 50, "b": 49, "c": 1}, 51, shapley_shubik, {"a": (2, 3), "b": (1, 6), "c": (1, 6)}),
        ({"a": 50, "b": 49, "c": 1}, 51, banzhaf, {"a": (3, 5), "b": (1, 5), "c": (1, 5)}),
        (COUNCIL, 39, shapley_shubik, {"permanent-0": (421, 2145), "elected-0": (4, 2145)}),
        (COUNCIL, 39, banzhaf, {"permanent-0": (106, 635), "elected-0": (21, 1270)}),
        (SIX, 12, shapley_shubik, {"france": (14, 60), "belgium": (9, 60), "luxembourg": (0, 1)}),
        (SIX, 12, banzhaf, {"france": (10, 42), "belgium": (6, 42), "luxembourg": (0, 1)}),
    ],
)
def test_known_answers(votes, quota, index, known):
    """Both indices give what textbooks print."""
    found = index(votes, quota)
    assert {name: found[name] for name in known} == pytest.approx({n: float(Fraction(*f)) for n, f in known.items()})


def test_absolute_banzhaf():
    """The absolute index is a voter's swings over all coalitions of the others."""
    assert banzhaf(FOUR, 6, absolute=True) == pytest.approx({"a": 5 / 8, "b": 3 / 8, "c": 3 / 8, "d": 1 / 8})


@given(votes=weights)
@pytest.mark.parametrize("index", [shapley_shubik, banzhaf])
def test_what_must_hold(index, votes):
    """Power adds up to one, who has no weight has none, and equal weights have equal power."""
    power = index(votes)
    assert sum(power.values()) == pytest.approx(1.0)
    assert all(power[name] == 0 for name, weight in votes.items() if weight == 0)
    for one in votes:
        for other in votes:
            assert votes[one] != votes[other] or power[one] == power[other]
            assert votes[one] < votes[other] or power[one] >= power[other]


@given(votes=weights, quota=st.integers(1, 40))
@pytest.mark.parametrize("index", [shapley_shubik, banzhaf])
def test_two_ways_of_counting(index, votes, quota, monkeypatch):
    """Looking at every coalition and the generating function agree."""
    looked = index(votes, quota)
    monkeypatch.setattr(voting, "FEW", 0)
    counted = index(votes, quota)
    monkeypatch.undo()
    assert counted == looked


@given(weights, st.sampled_from([0.1, 0.25, 1e7]))
def test_the_unit_is_no_matter(votes, unit):
    """Weights in tenths or in millions give the same power, to the last digit."""
    assert shapley_shubik({name: weight * unit for name, weight in votes.items()}) == shapley_shubik(votes)


def test_dozens_of_voters():
    """Forty voters with weights in millions of pounds are counted; more money never means less power."""
    votes = {f"v{k}": 1e6 * (k + 1.37) for k in range(40)}
    power = shapley_shubik(votes)
    assert sum(power.values()) == pytest.approx(1.0)
    assert list(power.values()) == sorted(power.values())
    assert sum(shapley_shubik(dict.fromkeys(votes, 1)).values()) == pytest.approx(1.0)


def test_many_equal_voters():
    """Where all weigh the same, each has the same part, even where counts outgrow the machine's whole numbers."""
    assert shapley_shubik({f"v{k}": 1 for k in range(70)})["v0"] == pytest.approx(1 / 70)


def test_nobody_wins():
    """Where not even all together reach the quota, nobody has power."""
    assert shapley_shubik(FOUR, 11) == banzhaf(FOUR, 11) == dict.fromkeys(FOUR, 0.0)


@pytest.mark.parametrize(
    ("votes", "quota"), [({}, 1), ({"a": -1}, 1), ({"a": float("nan")}, 1), ({"a": 1}, 0), ({"a": 1}, float("inf"))]
)
def test_refused(votes, quota):
    """Nobody, weights that are none, and a quota that nobody need reach are refused."""
    with pytest.raises(ValueError, match=r"nobody|weight|quota"):
        shapley_shubik(votes, quota)


def test_exactly_half_is_no_majority():
    """A majority is more than half of those who vote."""
    assert not more_than_half(["a"], ["b"])
    assert more_than_half(["a"], [])
    assert not more_than_half([], [])
    assert not more_than_half(["a"], ["b"], {"a": 1.0, "b": 2.0}.__getitem__)
