"""Wording: likely meanings, look-alikes and unusual numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.scenario.words import NUMBER, id_advice, invisible, number_advice, skeleton, slug, suggestion, year_advice


@pytest.mark.parametrize(
    ("typed", "known", "said"),
    [
        ("nroth", ["north", "south"], "did you mean north?"),
        ("North ", ["north", "south"], "did you mean north?"),
        ("n\u043erth", ["north", "south"], "did you mean north?"),
        ("The Trust", ["the-trust", "trust"], "did you mean the-trust?"),
        ("xyz", ["north", "south"], "known: north, south"),
        ("xyz", [f"place-{k}" for k in range(9)], ""),
        ("xyz", [], ""),
    ],
)
def test_suggestion(typed, known, said):
    """A near name is suggested; else a short list of those known; else nothing."""
    assert suggestion(typed, known) == said


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("£1,200", "write it without signs and commas: 1200"),
        ("1 200 000", "write it without signs and commas: 1200000"),
        ("1_000", "write it without signs and commas: 1000"),
        ("£1.2m", "write it in full: 1200000"),
        ("2bn", "write it in full: 2000000000"),
        ("1,250k", "write it in full: 1250000"),
        ("12.5%", "write the fraction: 0.125"),
        ("12,5", "write a point for decimals: 12.5"),
        ("(1,500)", "brackets for a negative amount are not read: write -1500"),
        ("-", "write 0, or leave the cell blank where that is allowed"),
        ("#N/A", "a formula or its error: paste the values before saving as CSV"),
        ("soon", ""),
    ],
)
def test_number_advice(typed, said):
    """Each common way to write an amount for people has its repair."""
    assert number_advice(typed) == said


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ("(2100000)", "amount", "brackets stand for a negative number, and this cannot be negative"),
        ("(2)", "gain", "brackets for a negative amount are not read: write -2"),
        ("+1%", "amount", "write the amount itself, not a per cent"),
        ("5%", "down", "write the fraction: 0.05"),
        ("−5", "high", "this cannot be negative"),
    ],
)
def test_number_advice_for_a_field(typed, field, said):
    """No repair is offered that the field would refuse."""
    assert number_advice(typed, field) == said


@pytest.mark.parametrize(
    ("typed", "said"),
    [("2026-27", "did you mean 2026/27?"), ("2026/2027", "did you mean 2026/27?"), ("26/27", ""), ("next", "")],
)
def test_year_advice(typed, said):
    """A year with another mark between its halves has its repair."""
    assert year_advice(typed) == said


@given(st.text(max_size=20))
def test_advice_never_fails(text):
    """Whatever was typed, advice is a text, and what it offers as a number or an id is one."""
    assert isinstance(number_advice(text), str)
    assert isinstance(number_advice(text, "amount"), str)
    assert isinstance(year_advice(text), str)
    assert isinstance(id_advice(text), str)
    assert slug(slug(text)) == slug(text)
    assert not invisible(skeleton(text))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_a_number_as_python_writes_it(value):
    """What we write, we read."""
    assert NUMBER.fullmatch(repr(value))


@pytest.mark.parametrize("typed", ["nan", "inf", "1_0", "0x1", "1e", "", " ", "1,0", "٣", "1 0", "--1", "."])
def test_not_a_number(typed):
    """Texts that other readers take for numbers are not."""
    assert not NUMBER.fullmatch(typed)


def test_advice_for_an_id():
    """A space, a capital and a foreign letter each have their own."""
    assert id_advice("north ") == "remove the space around it: north"
    assert id_advice("North East") == "did you mean north-east?"
    assert id_advice("n\u043erth") == "'\u043e' is cyrillic small letter o, which looks like 'o'"


def test_what_looks_the_same():
    """Letters of another alphabet, capitals, spaces and hidden characters do not make a name another."""
    for other in ("NORTH", "N\u043erth", " North", "Nor\u200bth", "Ｎorth"):
        assert skeleton(other) == skeleton("North")
    assert skeleton("Nörth") != skeleton("North")
