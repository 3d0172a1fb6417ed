"""The rules partners agreed: the tally they ask, and their kinds."""

from allocate.rules import kinds

__all__ = ["kinds"]
