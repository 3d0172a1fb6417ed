"""Keeping: whom a deal tempts to break which rule, and what keeps them from it."""
