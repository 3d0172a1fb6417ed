"""The nucleolus and the least core, against published answers, Kohlberg's criterion and what holds in every game."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.commons.sharing.games import Game, core
from allocate.commons.sharing.nucleolus import least_core, nucleolus
from allocate.commons.sharing.shortfalls import talmud
from tests.commons.kohlberg import lacking
from tests.commons.making_games import GLOVES, MAJORITY, NAMES, bankruptcy, games, listed, production
from tests.commons.sharing.test_games import FACTORY

FOUR = listed(0, 0, 0, 0, 5, 5, 8, 9, 10, 8, 13, 15, 16, 17, 21)


@pytest.mark.parametrize(
    ("game", "known"),
    [
        (FOUR, [3.5, 4.5, 5.5, 7.5]),
        (GLOVES, [1, 0, 0]),
        (MAJORITY, [1 / 3, 1 / 3, 1 / 3]),
        (production(*FACTORY)[0], [149, 192, 651]),
        (bankruptcy(100, [100, 200, 300]), [100 / 3, 100 / 3, 100 / 3]),
        (bankruptcy(200, [100, 200, 300]), [50, 75, 75]),
        (bankruptcy(300, [100, 200, 300]), [50, 100, 150]),
    ],
)
def test_known_answers(game, known):
    """What is published: a game of four, gloves, a majority, linear production, and the Talmud's three estates."""
    assert nucleolus(game).tolist() == pytest.approx(known)


def test_the_criterion_has_teeth():
    """Kohlberg's criterion accepts the published answer and refuses stable splits beside it."""
    values = bankruptcy(200, [100, 200, 300]).table()
    assert not lacking(values, np.array([50.0, 75, 75]), floors=True)
    assert lacking(values, np.array([50.0, 70, 80]), floors=True)
    assert lacking(FOUR.table(), np.array([3.5, 4.5, 5.6, 7.4]), floors=True)


@pytest.mark.parametrize(("partners", "games_"), [(4, 300), (6, 50)])
def test_kohlberg(partners, games_):
    """Random games, most of them degenerate: each split is proved to be the nucleolus, by turns with and without
    floors."""
    for seed in range(games_):
        random, floors = np.random.default_rng([partners, seed]), seed % 2 == 0
        values = random.integers(0, 11, 2**partners).astype(float)
        alone = 1 << np.arange(partners)
        values[0], values[alone] = 0, random.integers(0, 3, partners)
        values[-1] = values[alone].sum() + random.integers(0, 11)
        found = nucleolus(Game(NAMES[:partners], values), floors).to_numpy()
        assert found.sum() == pytest.approx(values[-1], abs=1e-9)
        assert not floors or (found >= values[alone] - 1e-9).all()
        assert not lacking(values, found, floors), seed


@given(st.lists(st.integers(0, 30), min_size=2, max_size=6), st.floats(0, 1))
def test_talmud_is_a_nucleolus(claims, part):
    """What is left once all others are paid in full makes a game whose nucleolus is the Talmud's division (Aumann and
    Maschler 1985)."""
    amount = float(np.floor(part * sum(claims)))
    known = talmud(amount, dict(zip(NAMES, claims, strict=False)))
    assert nucleolus(bankruptcy(amount, claims)).to_dict() == pytest.approx(known.to_dict(), abs=1e-9)


@given(games())
def test_in_a_core_that_is_not_empty(game):
    """The nucleolus adds up; its greatest shortfall is the least there can be; where that is none it is stable, with
    floors as without."""
    found, short = nucleolus(game, floors=False), least_core(game).short
    assert found.sum() == pytest.approx(game.value(game.everybody), abs=1e-9)
    checked = core(game, found)
    assert -checked.groups["slack"][0] == pytest.approx(short, abs=1e-9)
    assert checked.stable == (short <= 0)
    if checked.stable:
        assert nucleolus(game).to_dict() == pytest.approx(found.to_dict(), abs=1e-9)


@given(games())
def test_why_no_more(game):
    """The groups that prove the least core are balanced, and make more by the shortfall for each of their parts."""
    found = least_core(game)
    for name in game.partners:
        assert sum(part for group, part, _ in found.groups.itertuples(index=False) if name in group) == pytest.approx(1)
    made = (found.groups["part"] * found.groups["value"]).sum() - game.value(game.everybody)
    assert made == pytest.approx(found.short * found.groups["part"].sum(), abs=1e-9)


@given(games(least=3), st.booleans())
def test_alike(game, floors):
    """Partners that are interchangeable get the same, and one that adds to every group what it has alone gets that."""
    values, groups = game.table(), np.arange(game.everybody + 1)
    swapped = groups & ~3 | (groups & 1) << 1 | (groups & 2) >> 1
    even = Game(game.partners, values + values[swapped])
    for each, twins in ((even, even.partners[:2]), (_with_dummy(game, 2.5), ())):
        if floors and each.value(each.everybody) < each.alone().sum():
            continue
        found = nucleolus(each, floors)
        assert found[list(twins)].tolist() == pytest.approx([found[twins[0]]] * 2 if twins else [], abs=1e-9)
        assert twins or found["dummy"] == pytest.approx(2.5)


def _with_dummy(game: Game, alone: float) -> Game:
    values = game.table()
    return Game((*game.partners, "dummy"), np.concatenate([values, values + alone]))


@given(games(), st.permutations(range(4)), st.sampled_from([0.001, 1000.0, 1e7]), st.integers(-50, 50))
def test_names_and_units(game, order, unit, own):
    """Another order of the partners, another unit, and what everybody has anyway change the answer in kind only."""
    order = [bit for bit in order if bit < len(game.partners)]
    names = tuple(game.partners[bit] for bit in order)

    def value(group: int) -> float:
        return unit * (game.value(sum(1 << order[bit] for bit in range(len(order)) if group >> bit & 1))
                       + own * group.bit_count())  # fmt: skip

    expected = (nucleolus(game, floors=False) + own) * unit
    found = nucleolus(Game(names, value), floors=False)
    assert found.to_dict() == pytest.approx(expected.to_dict(), rel=1e-9, abs=1e-9 * unit)


def test_nobody_can_be_given_what_it_has_alone():
    """Where partners have less together than alone, the nucleolus is refused, and the prenucleolus shares the loss."""
    game = listed(3, 3, 4)
    with pytest.raises(ValueError, match="have 4, less than the 6"):
        nucleolus(game)
    assert nucleolus(game, floors=False).tolist() == [2, 2]


def test_twelve_partners():
    """A game of twelve with many ties: the greatest shortfall is the least there can be."""
    random = np.random.default_rng(5)
    values = random.integers(0, 9, 4096) * np.bitwise_count(np.arange(4096)).astype(float)
    values[-1] = 70
    game = Game(NAMES, values)
    found = core(game, nucleolus(game, floors=False))
    assert found.left == pytest.approx(0, abs=1e-9)
    assert -found.groups["slack"][0] == pytest.approx(least_core(game).short)
