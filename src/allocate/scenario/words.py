"""Wording for what people type: likely meanings, look-alike characters, unusual numbers."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

AMOUNTS = ("population", "need", "amount", "high", "low", "baseline", "scale", "reference", "ceiling", "spend")
"""Fields that no per cent can be meant for."""
POSITIVE = (*AMOUNTS, "weight", "slope", "exponent", "rate", "down", "up", "at_most")
"""Fields that cannot be below zero."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?\d{1,3}([,_]\d{3})+(\.\d*)?", re.ASCII)
MINUSES = str.maketrans("−–", "--")
LETTERS = frozenset({"nhs", "icb", "gp", "gps", "bcf", "vcse", "pcn"})
"""Parts of ids that are said letter by letter."""
INVISIBLE = {"Cf", "Cc", "Co", "Cn", "Zl", "Zp"}


def suggestion(value: str, known: Iterable[str]) -> str:
    """'did you mean rugby?', or what is near, or nothing."""
    known = [str(name) for name in known]
    plain = slug(value)
    if plain in known:
        return f"did you mean {plain}?"
    near = difflib.get_close_matches(plain, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(known)}" if 0 < len(known) <= 8 else ""


def title(name: str) -> str:
    """An id as a title: 'mental-health-standard' as 'Mental health standard', 'movement-other-nhs' as 'Movement other
    NHS'."""
    text = " ".join(word.upper() if word in LETTERS else word for word in name.split("-"))
    return text[:1].upper() + text[1:]


def slug(text: str) -> str:
    """The id that somebody who typed this text most likely meant."""
    plain = unicodedata.normalize("NFKD", "".join(LOOKALIKES.get(letter, letter) for letter in text))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def id_advice(text: str) -> str:
    """Why this text is not an id, and the id to use instead."""
    if text != text.strip():
        return f"remove the space around it: {text.strip()}"
    for letter in text:
        if not letter.isascii():
            plain = LOOKALIKES.get(letter, "")
            alike = f", which looks like {plain!r}" if plain else ""
            return f"{letter!r} is {unicodedata.name(letter, 'an unnamed character').lower()}{alike}"
    return f"did you mean {slug(text)}?" if slug(text) else ""


def year_advice(text: str) -> str:
    """The year that somebody who typed this text most likely meant."""
    halves = re.fullmatch(r"(\d{4})[-/](?:\d\d)?(\d\d)", re.sub(r"\s", "", text.translate(MINUSES)), re.ASCII)
    return f"did you mean {halves[1]}/{halves[2]}?" if halves else ""


def date_advice(text: str) -> str:
    """The date that somebody who typed this text most likely meant, days before months."""
    plain = re.sub(r"[\s,]+", " ", text.translate(MINUSES)).strip().partition("T")[0]
    for form in ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %B %Y", "%d %b %Y", "%Y/%m/%d", "%Y-%m-%d"):
        with suppress(ValueError):
            return f"did you mean {datetime.strptime(plain, form).date().isoformat()}?"
    return ""


def number_advice(text: str, field: str = "") -> str:
    """How to write a number that was typed for people into this field."""
    bare = re.sub(r"[£$€\s]", "", text.translate(MINUSES))
    if text.strip().startswith(("=", "#")):
        return "a formula or its error: paste the values before saving as CSV"
    if bare.startswith(("x", "X", "×", "*")):
        return "write the figure itself; in a change it may be a factor, such as x0.8"
    if bare.strip("-") == "":
        return "write 0, or leave the cell blank where that is allowed"
    if bare.startswith("(") and bare.endswith(")"):
        if field in POSITIVE:
            return "brackets stand for a negative number, and this cannot be negative"
        return f"brackets for a negative amount are not read: write -{_plain(bare[1:-1])}"
    if re.fullmatch(r"[+-]?\d+,\d+", bare) and not THOUSANDS.fullmatch(bare):
        return f"write a point for decimals: {bare.replace(',', '.')}"
    bare = _plain(bare)
    if bare.startswith("-") and field in POSITIVE:
        return "this cannot be negative"
    if bare.endswith("%") and field in AMOUNTS:
        return "write the amount itself, not a per cent"
    if bare.endswith("%") and NUMBER.fullmatch(bare[:-1]):
        return f"write the fraction: {float(bare[:-1]) / 100:g}"
    scale = {"m": 1e6, "k": 1e3, "bn": 1e9}.get(bare.lstrip("+-.0123456789").lower())
    head = re.match(r"[+-]?[\d.]+", bare)
    if scale and head and NUMBER.fullmatch(head.group()):
        return f"write it in full: {float(head.group()) * scale:.0f}"
    if NUMBER.fullmatch(bare):
        return f"write it without signs and commas: {bare}"
    return ""


def _plain(bare: str) -> str:
    """A number without the marks that part its thousands."""
    return re.sub(r"(?<=\d)[,_'’](?=\d{3})", "", bare)


def invisible(text: str) -> str:
    """The name of the first character nobody can see in a text, or ''."""
    for letter in text:
        if unicodedata.category(letter) in INVISIBLE:
            return unicodedata.name(letter, f"U+{ord(letter):04X}").lower()
    return ""


def skeleton(text: str) -> str:
    """What a reader sees: two names with one skeleton look the same on a page."""
    folded = "".join(LOOKALIKES.get(letter, letter) for letter in unicodedata.normalize("NFKC", text))
    seen = "".join(letter for letter in folded if unicodedata.category(letter) not in INVISIBLE)
    return re.sub(r"\s+", " ", seen).strip().casefold()


# Letters of other alphabets that print like Latin ones; after Unicode's table of confusables (UTS 39).
LOOKALIKES = dict(
    zip(
        "АВЕЅЗІЈКМНОРСТУХаеорсухіјѕԁһӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧαονυρι‐‑‒–—−",
        "ABES3IJKMHOPCTYXaeopcyxijsdhlABEZHIKMNOPTYXaovupi------",
        strict=True,
    )
)
