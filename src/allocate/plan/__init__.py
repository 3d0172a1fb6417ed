"""A solved answer as tidy tables."""
