"""Routes: what may lawfully move where, and what stops more."""
