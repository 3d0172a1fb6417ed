"""Values of changes as text: what is typed after `--set path=` or into a box, and back.

`parse_value` reads a text as a person means it; `value_text` writes a value so that `parse_value` gives it back. A
text such as `x0.8` is a factor: the figure as it was read, times 0.8.
"""

from __future__ import annotations

import math
import re
import tomllib
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import numpy as np

from allocate.scenario.words import NUMBER
from allocate.scenario.writing import toml_value

WHOLE = 1e15
"""Whole numbers below this are written without a point or an exponent."""
FACTOR = re.compile(rf"[xX×*]\s*({NUMBER.pattern})", re.ASCII)
EXACT = Context(prec=40)


def parse_value(text: str) -> Any:
    """The value that a text stands for. '' is None (take out, or blank), numbers are floats, `true` and `false` are
    booleans; TOML's quoted texts, lists and inline tables are read. Anything else is the text itself. Never raises."""
    if not text:
        return None
    if NUMBER.fullmatch(text):
        return float(text)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
    # What TOML knows besides is left as it was typed: a date to be read as one, nan and inf to be refused as they are.
    if isinstance(value, float):
        return value if math.isfinite(value) else text
    return dates_told(value) if isinstance(value, bool | int | str | list | dict) else text


def dates_told(value: Any) -> Any:
    """A value with its dates as text (2026-03-31), also inside lists and dicts: what JSON and a link can hold."""
    if isinstance(value, dict):
        return {key: dates_told(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(dates_told(inner) for inner in value)
    return value.isoformat() if isinstance(value, date) else value


def value_text(value: Any) -> str:
    """One line that `parse_value` reads as this value: `1850000000`, `0.1`, `true`, `north`, `["north", "south"]`.

    None is ''. Numbers are the shortest text that is exact. A text stands as it is unless it would be read as something
    else. A rule's dict is an inline table of TOML; its fields that are None are left out, and a tuple becomes a list.
    """
    value = _simple(dates_told(value))
    if value is None:
        return ""
    if isinstance(value, str) and value.isprintable() and value == value.strip() and parse_value(value) == value:
        return value
    return number_text(value) if _is_number(value) else toml_value(value)


def number_text(number: float) -> str:
    """The shortest text that is exactly this number: no point where it is whole, no thousands marks."""
    return str(int(number)) if float(number).is_integer() and abs(number) < WHOLE else repr(number)


def factor(value: Any) -> float | None:
    """The number in a text such as `x0.8`, `×0.8` or `*0.8`: times what was read. None for any other value."""
    found = FACTOR.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(found[1]) if found else None


def factor_text(number: float) -> str:
    """How a factor is kept: `x0.8`."""
    return f"x{number_text(number)}"


def times(figure: float, by: float, whole: bool) -> float:
    """A figure times a factor, worked out in decimals so that 0.05 times 1.5 is 0.075; in whole units, halves up, where
    `whole`. A factor of 1 leaves the figure exactly as it is."""
    if by == 1:
        return figure
    product = EXACT.multiply(Decimal(repr(float(figure))), Decimal(repr(by)))
    if whole and product < WHOLE:
        product = product.quantize(Decimal(1), ROUND_HALF_UP, EXACT)
    return float(product) + 0.0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _simple(value: Any) -> Any:
    """The value in plain types: no NumPy, no tuples, whole numbers as int, nothing that is None inside a dict."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {str(key): _simple(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_simple(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE:
        return int(value)
    return value


__all__ = ["dates_told", "factor", "factor_text", "number_text", "parse_value", "times", "value_text"]
