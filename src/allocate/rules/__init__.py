"""The rules partners agreed: the tally they ask, and their kinds."""

from allocate.rules import flows, kinds

__all__ = ["flows", "kinds"]
