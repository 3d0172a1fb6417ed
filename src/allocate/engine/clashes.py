"""All minimal sets of rules that cannot hold together, and all minimal sets whose going lets the rest hold.

The method is MARCO's (Liffiton, Previti, Malik and Marques-Silva, Fast, flexible MUS enumeration, Constraints 21,
2016). A map keeps what is known of all sets of rules. Each turn takes the largest sets it says nothing of: they leave
out one rule at least of every clash found, and are no part of a set found to hold. The oracle is asked about one. If
it can hold it grows until no other rule fits, and what is left out is a way out; if not it shrinks until every rule in
it is needed, and is a clash. When the map has nothing left, all are found; and since sets that leave out fewest come
first, the first way out is as small as any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from allocate.engine.oracle import Over, Reply


class Asked(Protocol):
    """Who knows whether rules can hold together."""

    def ask(self, rules: int) -> Reply:
        """Whether these rules can all hold; see `Reply`."""

    def tick(self) -> None:
        """Raise Over where time is up."""


@dataclass
class Map:
    """What is known of the sets of some rules: those in `clashes` cannot hold together, nor can what holds them; those
    without one of `drops` can, and so can parts of them. `complete` once that is all there is to know."""

    rules: int
    clashes: list[int] = field(default_factory=list)
    drops: list[int] = field(default_factory=list)
    complete: bool = False
    _size: int = 0
    """How many rules must be left out at least of any set that nothing is known of."""

    def knows_all_of(self, size: int) -> bool:
        """Whether all ways out are known that drop no more rules than this."""
        return self.complete or self._size > size

    def unknown(self, tick: Callable[[], None]) -> int | None:
        """What to leave out so that nothing is known of the rest, as few rules as can be; None where all is known."""
        while self._size <= len(self.clashes):
            if (out := self._hits(0, 0, self._size, tick)) is not None:
                return out
            self._size += 1
        return None

    def _hits(self, out: int, kept: int, more: int, tick: Callable[[], None]) -> int | None:
        """`out` and up to so many `more` rules, none of those `kept`, that meet every clash and hold no way out."""
        tick()
        if any(not drop & ~out for drop in self.drops):
            return None
        missed = [clash & ~kept for clash in self.clashes if not clash & out]
        if not missed:
            return out
        if not more:
            return None
        for rule in bits(min(missed, key=int.bit_count)):
            if (found := self._hits(out | rule, kept, more - 1, tick)) is not None:
                return found
            kept |= rule
        return None


def search(oracle: Asked, fixed: int, rules: int) -> Map:
    """All clashes and ways out among `rules` while those `fixed` hold, which must be able to; as many as there was time
    for."""
    known = Map(rules)
    try:
        while (out := known.unknown(oracle.tick)) is not None:
            reply = oracle.ask(fixed | rules & ~out)
            if reply.possible:
                known.drops.append(rules & ~grown(oracle, reply.rules, fixed, rules))
            else:
                known.clashes.append(shrunk(oracle, reply.rules & rules, fixed))
        known.complete = True
    except Over:
        pass
    known.clashes.sort(key=_in_order)
    known.drops.sort(key=_in_order)
    return known


def grown(oracle: Asked, held: int, fixed: int, rules: int) -> int:
    """Rules that hold together, to which none of `rules` can be added."""
    held = held & rules | fixed
    for rule in bits(rules & ~held):
        if not held & rule and (reply := oracle.ask(held | rule)).possible:
            held |= reply.rules & rules
    return held


def shrunk(oracle: Asked, clash: int, fixed: int) -> int:
    """Rules of a clash, each of which it needs."""
    for rule in bits(clash):
        if clash & rule and not (reply := oracle.ask(fixed | clash & ~rule)).possible:
            clash &= reply.rules & ~rule
    return clash


def bits(rules: int) -> Iterator[int]:
    """Each rule of a set, as a set of one."""
    while rules:
        yield rules & -rules
        rules &= rules - 1


def _in_order(rules: int) -> tuple[int, list[int]]:
    """Small sets first, then by the order of their rules."""
    return rules.bit_count(), list(bits(rules))
