"""Rounding as NHS England's tool does it, so that our figures can be laid beside its own."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import pandas as pd

Rounding = Literal["exact", "nhse"]
ROUNDINGS = ("exact", "nhse")
PEOPLE, INDEX, HEADLINE = Decimal("1"), Decimal("0.001"), Decimal("0.01")
"""What populations, indices and the tool's headline numbers are rounded to. A headline number is an index that was
rounded before: Stratford-on-Avon's 1.0246 becomes 1.025 and then 1.03, where 1.02 would be right."""


def half_up(value: float, step: Decimal) -> float:
    """A number to the nearest step, halves away from zero, taken as it prints in the shortest way; NaN stays."""
    if not math.isfinite(value):
        return value
    return float(Decimal(str(float(value))).quantize(step, rounding=ROUND_HALF_UP))


def rounded(table: pd.DataFrame, step: Decimal) -> pd.DataFrame:
    """Every figure of a table rounded half up."""
    return table.map(lambda value: half_up(value, step))


def headlines(indices: pd.DataFrame) -> pd.DataFrame:
    """The indices that the tool puts at the top of its page, rounded twice: to 0.001 and then to 0.01."""
    return rounded(rounded(indices, INDEX), HEADLINE)
