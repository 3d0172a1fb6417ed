"""Names, counts and values in words, as sentences and labels say them."""

from __future__ import annotations

import math
from typing import Any

from allocate.scenario.words import title

__all__ = ["blank", "capital", "count", "quoted", "some", "title", "told"]


def capital(text: str) -> str:
    """A text with its first letter in capitals."""
    return text[:1].upper() + text[1:]


def quoted(text: str) -> str:
    """A text in typographic quotes."""
    return f"“{text}”"


def some(names: list[str], most: int = 3) -> str:
    """The first few of these names, and how many others."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def count(number: int, word: str) -> str:
    """So many of a thing: '1 line', '2 lines'."""
    return f"{number} {word}" + ("" if number == 1 else "s")


def blank(value: Any) -> bool:
    """Whether a value is a blank: nothing, an empty text, or not a number."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def told(value: Any) -> str:
    """A value as a person would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(told(part) for part in value)
    if isinstance(value, dict):
        return "; ".join(f"{key} {told(part)}" for key, part in value.items())
    return "blank" if blank(value) else value if isinstance(value, str) else f"{value:,.12g}"
