"""Games: fair averages and the core, against published answers and what must hold in every game."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocate.commons.proposing.voting import shapley_shubik
from allocate.commons.sharing.games import Game, core, owen, shapley
from tests.commons.making_games import GLOVES, MAJORITY, NAMES, games, listed, production

SEEN = {"rate": 3.0, "hours": 0.5}
USED = pd.DataFrame({"rate": [1.0, 2.0], "hours": [4.0, 0.0]}, index=["a", "b"])
FACTORY = (68, 52), [[4, 5], [6, 2]], [(4, 33), (6, 39), (60, 0)]
"""A published linear production game of three partners with two resources each."""


def test_gloves():
    """Two right gloves: the left one gets two thirds on average, and all of it where nobody may object."""
    assert shapley(GLOVES).to_dict() == pytest.approx({"left": 2 / 3, "right": 1 / 6, "other": 1 / 6})
    assert core(GLOVES, {"left": 1, "right": 0, "other": 0}).stable
    found = core(GLOVES, shapley(GLOVES))
    assert not found.stable
    assert set(found.groups["group"][:2]) == {("left", "right"), ("left", "other")}
    assert found.groups["slack"][0] == pytest.approx(-1 / 6)


def test_votes_are_a_game():
    """In a weighted vote the average contribution is the Shapley-Shubik index: 4-3-2-1 with quota 6."""
    votes = {"a": 4, "b": 3, "c": 2, "d": 1}
    won = Game(NAMES[:4], lambda group: float(sum(w for bit, w in enumerate(votes.values()) if group >> bit & 1) >= 6))
    assert shapley(won).to_dict() == pytest.approx({"a": 5 / 12, "b": 3 / 12, "c": 3 / 12, "d": 1 / 12})
    assert shapley(won).to_dict() == pytest.approx(shapley_shubik(votes, 6))


def test_linear_production():
    """Resources paid at the shadow prices of the common plan: the published (230, 282, 480)."""
    game, prices = production(*FACTORY)
    found = owen(pd.DataFrame(FACTORY[2], index=list(game.partners)), prices)
    assert found.tolist() == pytest.approx([230, 282, 480])
    assert core(game, found).stable


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_shadow_prices_are_stable(seed):
    """Wherever only pooled resources limit a linear program, no group does better than its resources at the prices of
    all."""
    random = np.random.default_rng(seed)
    resources = random.integers(0, 20, (4, 2))
    game, prices = production(random.integers(1, 9, 3), random.integers(1, 9, (2, 3)), resources)
    found = owen(pd.DataFrame(resources, index=list(game.partners)), prices)
    checked = core(game, found)
    assert checked.stable
    assert found.sum() == pytest.approx(game.value(game.everybody))


@given(games(), games(least=4))
def test_shapley(game, other):
    """Averages add up to what all have, and those of two games added are the sum of their averages."""
    assert shapley(game).sum() == pytest.approx(game.value(game.everybody), abs=1e-9)
    if len(game.partners) == len(other.partners):
        both = Game(game.partners, game.table() + other.table())
        assert shapley(both).tolist() == pytest.approx((shapley(game) + shapley(other)).tolist())


@given(games(), st.data())
def test_core(game, data):
    """A split is stable if and only if it gives all there is and every group what it has; slack is told by group."""
    amounts = data.draw(st.lists(st.integers(0, 9), min_size=len(game.partners), max_size=len(game.partners)))
    split = dict(zip(game.partners, amounts, strict=True))
    found = core(game, split)
    given_to = {group: sum(split[name] for name in group) for group in found.groups["group"]}
    assert found.groups["given"].tolist() == list(given_to.values())
    assert found.groups["value"].tolist() == [game.value(game.group(group)) for group in given_to]
    assert found.groups["slack"].is_monotonic_increasing
    whole = sum(amounts) == game.value(game.everybody)
    assert found.stable == (whole and all(game.value(game.group(g)) <= amount for g, amount in given_to.items()))


def test_values_are_asked_once():
    """A callable is asked once a group, and only when its value is needed."""
    seen: list[int] = []
    game = Game(NAMES[:3], lambda group: seen.append(group) or float(group))
    assert game.asked == ()
    assert game.alone().tolist() == [1, 2, 4]
    shapley(game)
    core(game, shapley(game))
    assert sorted(seen) == [1, 2, 3, 4, 5, 6, 7]
    assert game.asked[:3] == (1, 2, 4)


def test_top_up_is_for_all_together():
    """Money from outside raises what all together have, and no other group's value."""
    more = MAJORITY.topped_up(0.5)
    assert (more.table() - MAJORITY.table()).tolist() == [0] * 7 + [0.5]


@pytest.mark.parametrize(
    ("partners", "values", "faults"),
    [
        ("a", [0, 1], ["1, expected 2 to 16"]),
        ("aba", [0, 1], ["'a' comes twice", "2 figures, expected 8"]),
        ("ab", [2, 1, 1, 1], ["nobody has 2"]),
    ],
)
def test_no_game(partners, values, faults):
    """Every fault of a game is told at once."""
    with pytest.raises(ValueError, match=faults[0]) as told:
        Game(tuple(partners), values)
    assert all(fault in str(told.value) for fault in faults)


def test_a_value_that_is_no_number():
    """A value that is not finite is refused once it is asked for, naming the group."""
    with pytest.raises(ValueError, match=r"a \+ b: has nan"):
        shapley(Game(("a", "b"), lambda group: np.nan if group == 3 else 0.0))


def test_no_split():
    """A split must have a finite amount for each partner, and for nobody else; all faults are told at once."""
    with pytest.raises(ValueError, match="b: no amount; x: not a partner; a: inf"):
        core(listed(0, 0, 1), {"a": np.inf, "x": 1.0})


def test_no_prices():
    """Prices and resources must match, in finite figures; all faults are told at once."""
    assert owen(USED, SEEN).to_dict() == {"a": 5.0, "b": 6.0}
    with pytest.raises(ValueError, match="hours: no price; room: no such resource; rate: price nan"):
        owen(USED, {"rate": np.nan, "room": 1.0})
    with pytest.raises(ValueError, match="b: hours: inf"):
        owen(USED.replace(0.0, np.inf), SEEN)
