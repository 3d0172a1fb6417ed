"""The rules partners agreed: the tally they ask, their kinds, and the book they stand in."""

from allocate.rules import kinds
from allocate.rules.grammar import book, encoded, grammar, minute

__all__ = ["book", "encoded", "grammar", "kinds", "minute"]
