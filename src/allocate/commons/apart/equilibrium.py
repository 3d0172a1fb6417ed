"""Where nobody moves: each player in turn makes its best reply to the others, until none would gain by another.

The search knows nothing of money or plans: a player's best reply comes from outside, with the most that any reply could
have gained. So an equilibrium (Nash 1950, doi 10.1073/pnas.36.1.48) is never shown without its certificate, the largest
regret of any player. There may be many, or none that replies in turn lead to; where replies end depends on where they
begin and on who moves first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from allocate.plan.figures import at_most

Profile = TypeVar("Profile")
LEAST = 5e-5
"""The part of what a player has at stake for which it moves."""
PASSES = 40
TOLERANCE = 1e-4
"""The largest regret, as a share of what a player has at stake, with which nobody counts as moving."""
FINEST = 1e-6
"""Regrets below this share are told as this."""


@dataclass(frozen=True)
class Reply(Generic[Profile]):
    """A player's best reply to what stands: what stands after it, what it gains by it, the most that any reply could
    gain (no less), and what it has at stake, all in its own payoff."""

    profile: Profile
    gain: float
    most: float
    stake: float


@dataclass(frozen=True)
class Settled(Generic[Profile]):
    """Where replies ended: what stands; the regret of each player and what it has at stake, in its own payoff; how many
    replies it took; and whether nobody moves any more (if not, regrets are those of what stands)."""

    profile: Profile
    regrets: dict[str, float]
    stakes: dict[str, float]
    replies: int
    still: bool

    @property
    def shares(self) -> dict[str, float]:
        """Each player's regret as a share of what it has at stake; nothing where that is nothing."""
        return {player: _share(regret, self.stakes[player]) for player, regret in self.regrets.items()}

    @property
    def regret(self) -> float:
        """The largest regret of any player, as a share of what it has at stake."""
        return max(self.shares.values(), default=0.0)


def settle(
    start: Profile,
    players: Sequence[str],
    reply: Callable[[str, Profile], Reply[Profile]],
    *,
    least: float = LEAST,
    passes: int = PASSES,
) -> Settled[Profile]:
    """Replies in turn, from `start`, until nobody gains more than `least` of what it has at stake by another; at most
    so many passes over all players. A player that would gain less stays where it is, so a tie moves nobody."""
    profile, tried, replies = start, dict[str, Reply[Profile]](), 0
    for player in [each for _ in range(passes) for each in players]:
        if len(tried) == len(players):
            break
        found, replies = reply(player, profile), replies + 1
        if found.gain > least * found.stake:
            # It is where it would be: what it may still regret is what its reply was short of the most.
            profile, tried = found.profile, {player: _after(found)}
        else:
            tried[player] = found
    still = len(tried) == len(players)
    for player in players:
        if player not in tried:
            tried[player], replies = reply(player, profile), replies + 1
    regrets = {player: max(0.0, tried[player].most) for player in players}
    return Settled(profile, regrets, {player: tried[player].stake for player in players}, replies, still)


def _after(found: Reply[Profile]) -> Reply[Profile]:
    """The reply of a player that has just made its best one."""
    return Reply(found.profile, 0.0, found.most - found.gain, found.stake)


def _share(regret: float, stake: float) -> float:
    return regret / stake if stake > 0 else 0.0


def still_in_words(regret: float) -> str:
    """What is said of partners apart where the largest regret is this share of what a partner has at stake."""
    few = at_most(100 * max(regret, FINEST))
    if regret > TOLERANCE:
        return f"But partners still move apart: one could gain {few}% of what it has at stake by doing so."
    return f"Apart nobody could gain more than {few}% of what it has at stake by spending its own money otherwise."


__all__ = ["FINEST", "TOLERANCE", "Reply", "Settled", "settle", "still_in_words"]
