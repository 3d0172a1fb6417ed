"""Proposing: what a change does to everyone, how it is decided, what stands against it, and what was decided."""
