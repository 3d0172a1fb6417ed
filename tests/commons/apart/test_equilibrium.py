"""Where nobody moves, whatever payoffs are: known games, and what is said of those without a resting place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.commons.apart.equilibrium import Reply, settle

PLAYERS = tuple(f"p{k}" for k in range(8))
TOKENS = 25.0
"""What each player of the laboratory commons has; no reply takes all of it."""


def rent(taken: float) -> float:
    """What the laboratory commons (Ostrom, Gardner and Walker 1994) returns on so many tokens over what they would earn
    elsewhere: 23 X - X^2 / 4, less 5 each."""
    return 23 * taken - taken**2 / 4 - 5 * taken


def own(taken: np.ndarray, k: int) -> float:
    """A player's payoff: 5 for each token kept, and its part of what the commons returns by what it put in."""
    total = taken.sum()
    return 5 * (TOKENS - taken[k]) + (taken[k] / total * (23 * total - total**2 / 4) if total else 0.0)


def commons_reply(player: str, taken: np.ndarray) -> Reply[np.ndarray]:
    """The best that a player can put in: where a token more would return what it does elsewhere."""
    k = PLAYERS.index(player)
    most = np.clip(36 - (taken.sum() - taken[k]) / 2, 0.0, TOKENS)
    moved = np.where(np.arange(len(taken)) == k, most, taken)
    gain = max(0.0, own(moved, k) - own(taken, k))
    return Reply(moved, gain, gain, 5 * TOKENS)


def test_the_laboratory_commons_apart_and_together():
    """Eight players apart put in 64 tokens and keep 128 of 324 of the rent; together they put in 36 and keep it all."""
    apart = settle(np.zeros(8), PLAYERS, commons_reply, least=1e-9)
    assert apart.still
    assert apart.regret <= 1e-9
    assert apart.profile == pytest.approx(np.full(8, 8.0), abs=1e-2)
    assert apart.profile.sum() == pytest.approx(64, abs=1e-2)
    assert rent(apart.profile.sum()) == pytest.approx(128, abs=0.5)

    def everybody(_: str, taken: np.ndarray) -> Reply[np.ndarray]:
        tried = np.linspace(0.0, 8 * TOKENS, 2001)
        most = float(tried[np.argmax(rent(tried))])
        gain = rent(most) - rent(taken.sum())
        return Reply(np.full(8, most / 8), gain, gain, 1.0)

    together = settle(apart.profile, ("all",), everybody)
    assert together.profile.sum() == pytest.approx(36)
    assert rent(together.profile.sum()) == pytest.approx(324)


@given(st.lists(st.floats(0.0, TOKENS), min_size=8, max_size=8), st.permutations(PLAYERS))
def test_the_commons_ends_at_one_place(start, order):
    """From wherever the commons begins, and whoever moves first, it ends within a token of 64, and nobody regrets."""
    found = settle(np.array(start), order, commons_reply)
    assert found.still
    assert found.profile.sum() == pytest.approx(64, abs=1.0)
    assert found.regret <= 5e-5
    assert set(found.regrets) == set(PLAYERS)


def test_who_moves_first_may_matter():
    """Of two resting places of a game of meeting somewhere, the order of moves and the start choose one."""

    def meet(player: str, where: tuple[int, int]) -> Reply[tuple[int, int]]:
        other = where[1] if player == "a" else where[0]
        gain = 1.0 if where[0] != where[1] else 0.0
        return Reply((other, other), gain, gain, 1.0)

    assert settle((0, 1), ("a", "b"), meet).profile == (1, 1)
    assert settle((0, 1), ("b", "a"), meet).profile == (0, 0)
    assert settle((0, 0), ("a", "b"), meet).replies == 2


def test_a_game_without_a_resting_place():
    """Where somebody would always move, that is said, with the regret of what was left standing."""

    def chase(player: str, coins: tuple[int, int]) -> Reply[tuple[int, int]]:
        wins = coins[0] == coins[1] if player == "same" else coins[0] != coins[1]
        moved = (1 - coins[0], coins[1]) if player == "same" else (coins[0], 1 - coins[1])
        return Reply(coins if wins else moved, 0.0 if wins else 1.0, 0.0 if wins else 1.0, 1.0)

    found = settle((0, 0), ("same", "other"), chase, passes=3)
    assert not found.still
    assert found.regret == 1.0
    assert sorted(found.regrets.values()) == [0.0, 1.0]


def test_a_tie_moves_nobody():
    """A player that would gain no more than the least share of its stake stays, and regrets at most that."""

    def hardly(player: str, at: int) -> Reply[int]:
        return Reply(at + 1, 4e-3, 4e-3, 100.0)

    found = settle(0, ("a",), hardly)
    assert (found.profile, found.still) == (0, True)
    assert found.regret == pytest.approx(4e-5)


def test_nothing_at_stake():
    """A player without anything at stake never moves and regrets nothing."""
    found = settle(7, ("a",), lambda player, at: Reply(at, 0.0, 0.0, 0.0))
    assert (found.profile, found.still, found.shares) == (7, True, {"a": 0.0})
