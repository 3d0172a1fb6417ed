"""The rules partners agreed: the tally they ask, and their kinds."""

from allocate.rules import choices, flows, kinds

__all__ = ["choices", "flows", "kinds"]
