"""Equal gain and top-ups: nearest, stable, least, and asked for no more than it takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from allocate.commons.sharing.games import Game, core, rows
from allocate.commons.sharing.nucleolus import least_core
from allocate.commons.sharing.stability import equal_gain, top_up
from tests.commons.making_games import GLOVES, MAJORITY, NAMES, games, listed, production


def test_gloves():
    """The only stable split of two right gloves is all for the left one, however far that is from equal gain."""
    found = equal_gain(GLOVES)
    assert found.stable
    assert found.partners["equal"].tolist() == pytest.approx([1 / 3] * 3)
    assert found.amounts.tolist() == pytest.approx([1, 0, 0], abs=1e-12)
    assert set(found.asked.loc[found.asked["binds"], "group"]) == {("left", "right"), ("left", "other")}
    assert top_up(GLOVES).amount == 0.0
    assert top_up(GLOVES).groups.empty


def test_nobody_objects():
    """Where no group objects, everybody gains the same over its fallback, and nothing is moved."""
    found = equal_gain(listed(1, 2, 3, 4, 5, 6, 12))
    assert found.amounts.to_dict() == {"a": 3, "b": 4, "c": 5}
    assert not found.partners["moved"].any()
    assert not found.asked["binds"].any()


def test_moved_by_hand():
    """Two that have 8 of 9 together get 8, and as each moves as little as can be they gain alike."""
    found = equal_gain(listed(0, 0, 0, 8, 0, 0, 9))
    assert found.amounts.tolist() == pytest.approx([4, 4, 1])
    assert found.partners["moved"].tolist() == pytest.approx([1, 1, -2])


def test_majority():
    """Any two of three take all: half as much again would keep them, as three pairs at half their time show."""
    found, more = equal_gain(MAJORITY), top_up(MAJORITY)
    assert not found.stable
    assert more.amount == pytest.approx(0.5)
    for proof in (found.proof, more.groups):
        assert dict(zip(proof["group"], proof["part"], strict=True)) == pytest.approx(
            {("a", "b"): 0.5, ("a", "c"): 0.5, ("b", "c"): 0.5}
        )
    assert found.amounts.tolist() == pytest.approx([1 / 3] * 3)
    assert equal_gain(MAJORITY.topped_up(more.amount)).amounts.tolist() == pytest.approx([0.5] * 3)


@settings(max_examples=30)
@given(games(most=5))
def test_one_answer_to_whether_it_can_be_stable(game):
    """Equal gain finds a stable split exactly where the least core says there is one and no top-up is needed; else its
    proof is of balanced groups that make more than all together."""
    found, more, short = equal_gain(game), top_up(game), least_core(game).short
    assert found.stable == (more.amount == 0) == (short <= 0)
    assert found.amounts.sum() == pytest.approx(game.value(game.everybody), abs=1e-9)
    if found.stable:
        assert core(game, found.amounts).stable
        assert found.proof.empty
    else:
        _proves(game, found.proof)
        assert _proves(game, more.groups) == pytest.approx(more.amount)


def _proves(game: Game, proof) -> float:
    """What balanced groups make beyond all together; more than nothing."""
    for name in game.partners:
        assert sum(part for group, part, _ in proof.itertuples(index=False) if name in group) == pytest.approx(1)
    made = (proof["part"] * proof["value"]).sum() - game.value(game.everybody)
    assert made > 1e-9
    return float(made)


@settings(max_examples=30)
@given(games(most=5))
def test_the_least_top_up(game):
    """With the top-up a stable split exists, and with a little less there is none."""
    amount = top_up(game).amount
    assert equal_gain(game.topped_up(amount)).stable
    assert least_core(game.topped_up(amount)).short <= 0
    assert not amount or not equal_gain(game.topped_up(amount * 0.999)).stable


@given(games(most=5, never_hinders=True), st.lists(st.integers(-2, 3), min_size=5, max_size=5))
def test_nearest(game, more):
    """No stable split above the fallbacks is nearer to equal gain: the move makes a right angle or wider with every way
    on (a linear program of scipy's says so)."""
    fallback = game.alone() + np.maximum(more[: len(game.partners)], 0)
    found, members = equal_gain(game, fallback), rows(np.arange(game.everybody + 1), len(game.partners))
    moved = found.partners["moved"].to_numpy()
    best = linprog(
        moved, A_ub=-members, b_ub=-game.table(), A_eq=members[-1:], b_eq=[game.value(game.everybody)],
        bounds=[(low, None) for low in fallback],
    )  # fmt: skip
    assert found.stable == (best.status == 0)
    if found.stable:
        assert core(game, found.amounts).stable
        assert (found.amounts >= fallback - 1e-9).all()
        assert best.fun == pytest.approx(moved @ found.amounts.to_numpy(), abs=1e-8)
    else:
        assert (found.proof["part"] * found.proof["value"]).sum() > game.value(game.everybody) + 1e-9


@settings(max_examples=20)
@given(games(most=5, never_hinders=True), st.integers(0, 5))
def test_asking_less(game, loose):
    """What is known beforehand spares questions and changes no answer."""
    blind = Game(game.partners, game.values)
    told = Game(game.partners, game.values, game.table() + loose * (np.arange(game.everybody + 1) % 3), True)
    all_ = equal_gain(blind)
    for each in (Game(game.partners, game.values, never_hinders=True), told):
        found = equal_gain(each)
        assert found.stable == all_.stable
        assert found.amounts.to_dict() == pytest.approx(all_.amounts.to_dict(), abs=1e-8)
        assert len(found.asked) <= len(all_.asked)
        assert top_up(each).amount == pytest.approx(top_up(blind).amount, abs=1e-9)


@settings(max_examples=50)
@given(games(most=5))
def test_bounds_that_grow_tighter(game):
    """A bound that is looked at again once more is known spares a question, and changes no answer."""
    table, looks = game.table(), np.zeros(game.everybody + 1)

    def bound(group: int) -> float:
        looks[group] += 1
        return float(table[group]) + (1e6 if looks[group] == 1 else 0.0)

    found, all_ = equal_gain(Game(game.partners, game.values, bound)), equal_gain(Game(game.partners, game.values))
    assert found.stable == all_.stable
    assert found.amounts.to_dict() == pytest.approx(all_.amounts.to_dict(), abs=1e-8)
    if not all_.partners["moved"].any() and all_.stable:
        # Those alone and all together are asked anyhow.
        assert len(found.asked) == min(len(game.partners) + 1, game.everybody)


def test_nine_partners_and_few_questions():
    """Nine partners that pool resources: with what prices say, few of 511 groups are asked, and the answer is that of
    asking all."""
    random = np.random.default_rng(3)
    factory = random.integers(1, 9, 4), random.integers(1, 9, (3, 4)), random.integers(0, 20, (9, 3))
    game, _ = production(*factory)
    found = equal_gain(game)
    assert found.stable
    assert len(found.asked) < 60
    assert found.asked["group"].tolist() == [game.members(group) for group in game.asked]
    assert set(top_up(Game(game.partners, game.values, game.at_most, True)).asked) < set(
        game.members(g) for g in range(512)
    )
    assert core(game, found.amounts).stable
    assert equal_gain(Game(game.partners, game.value)).amounts.to_dict() == pytest.approx(found.amounts.to_dict())


@pytest.mark.parametrize("told", [{"never_hinders": True}, {"at_most": [0, 0, 0, 0, 0, 2.5, 0, 2]}])
def test_a_bound_that_does_not_hold(told):
    """A value that is not what it was said to be is refused, naming the group."""
    with pytest.raises(
        ValueError, match=r"a \+ .*: has .* at least and .* at most: at_most or never_hinders is untrue"
    ):
        equal_gain(Game(NAMES[:3], [0, 0, 0, 0, 0, 3, 0, 2], **told))


def test_a_bound_that_is_no_number():
    """A bound that is not a number is refused, instead of sparing its group for ever; an infinite one says nothing."""
    with pytest.raises(ValueError, match=r"a \+ b: has at most nan"):
        equal_gain(Game(NAMES[:3], GLOVES.values, lambda group: np.nan if group == 3 else 1.0))
    found = equal_gain(Game(NAMES[:3], GLOVES.values, lambda group: np.inf))
    assert found.amounts.tolist() == pytest.approx([1, 0, 0], abs=1e-12)


def test_millions_of_pounds():
    """In pounds, on top of budgets of a billion, answers hold to the penny."""
    budgets = np.array([1.2e9, 3.4e8, 8.1e8])
    gains = 1e6 * np.array([0, 0, 0, 8, 0, 0, 0, 9])
    game = Game(NAMES[:3], rows(np.arange(8), 3) @ budgets + gains)
    assert (equal_gain(game).amounts - budgets).tolist() == pytest.approx([4e6, 4e6, 1e6], abs=0.01)
    assert top_up(game).amount == 0
