"""Figures as people read them: one place for pounds, shares and signs."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal

MINUS = "\N{MINUS SIGN}"


IN_MILLIONS = 50e6
"""Plans whose money reaches this are shown in millions, all their tables alike."""


def pounds(amount: float, currency: str = "£", signed: bool = False, millions: bool | None = None) -> str:
    """£412.0m, £94,500, −£3.2m; with `signed`, +£3.2m too; '' for blanks. `millions` fixes the unit, so that the
    figures of one table share it."""
    if math.isnan(amount):
        return ""
    size = abs(amount)
    millions = size >= 1e6 if millions is None else millions
    text = f"{size / 1e6:,.1f}m" if millions else f"{size:,.0f}"
    nothing = not text.strip("0.,m")
    return ("" if nothing else _sign(amount, signed)) + currency + text


def round_sum(amount: float, currency: str = "£") -> str:
    """£1m, £10,000: a round sum without decimals."""
    return f"{currency}{amount / 1e6:,.6g}m" if amount >= 1e6 else f"{currency}{amount:,.6g}"


def per_cent(share: float, signed: bool = False, places: int = 1) -> str:
    """4.2%, −1.5%; '' for blanks."""
    if math.isnan(share):
        return ""
    text = f"{abs(share):.{places}%}"
    nothing = float(text.rstrip("%")) == 0
    return ("" if nothing else _sign(share, signed)) + text


def number(amount: float, signed: bool = False) -> str:
    """1,924.9, 0.0012; enough digits to tell apart, no more."""
    if math.isnan(amount):
        return ""
    size = abs(amount)
    if size >= 10:
        text = f"{size:,.0f}" if size >= 1e4 or size == int(size) else f"{size:,.1f}"
    else:
        text = f"{size:.3g}".replace("-", MINUS)
    nothing = not text.strip("0.,")
    return ("" if nothing else _sign(amount, signed)) + text


def at_most(amount: float) -> str:
    """0.00062, 1,300: two digits, rounded up so that what is called the most is."""
    if amount <= 0:
        return "0"
    exact = Decimal(f"{amount:.12e}")
    return f"{exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1), ROUND_CEILING):,f}"


def _sign(amount: float, signed: bool) -> str:
    return MINUS if amount < 0 else "+" if signed else ""
