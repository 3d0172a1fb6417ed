"""Deciding together, a room a question: what each has apart, proposals, sharing, settling, terms, whether it holds."""
