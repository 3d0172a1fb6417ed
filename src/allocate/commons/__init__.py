"""Deciding together, room by room: what each has apart, proposals, sharing, settling, terms, and whether a deal holds."""
