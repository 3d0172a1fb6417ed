"""Values of changes as text, and whose a path is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocate as al
from allocate.scenario.paths import panel
from allocate.scenario.rulebook import record
from allocate.scenario.values import factor, factor_text, parse_value, times, value_text
from tests.conftest import SCENARIOS

NUMBERS = st.floats(-1e13, 1e13, allow_nan=False) | st.integers(-(10**13), 10**13)
SCALARS = st.booleans() | NUMBERS | st.text() | st.sampled_from(["1e3", "true", "x0.8", "2026/27", "[", "a = 1", " "])
KEYS = st.text(min_size=1)
VALUES = st.none() | st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@given(VALUES)
def test_a_value_comes_back_from_its_text(value):
    """Whatever a change may hold is written on one line and read back as an equal value of the same sort."""
    text = value_text(value)
    again = parse_value(text)
    assert len(text.splitlines()) <= 1
    assert again == value
    assert isinstance(again, bool) == isinstance(value, bool)


@pytest.mark.parametrize(("value", "text"), [
    (None, ""),
    ("", '""'),
    (1_850_000_000.0, "1850000000"),
    (np.float64(0.1), "0.1"),
    (np.int64(3), "3"),
    (1e-7, "1e-07"),
    (True, "true"),
    ("north", "north"),
    ("x0.8", "x0.8"),
    ("850000", '"850000"'),
    (" north", '" north"'),
    ("two\nlines", r'"two\nlines"'),
    (["north", "south"], '["north", "south"]'),
    (("north",), '["north"]'),
    ({"kind": "cap", "amount": 5e5, "each": None}, '{ kind = "cap", amount = 500000 }'),
    ({"a b": {}}, '{ "a b" = {} }'),
])  # fmt: skip
def test_text_of_a_value(value, text):
    """Texts are as short as a person would write them."""
    assert value_text(value) == text


@pytest.mark.parametrize("text", ["[" * 5000, "1_" * 5000 + "1", "nan", "inf", "2026-01-01", "£5", "850,000"])
def test_what_is_no_value_is_text(text):
    """What cannot be read as a value is left as it was typed, to be refused in those words."""
    assert parse_value(text) == text


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.toml")))
def test_every_shipped_rule_comes_back_from_its_text(name):
    """A whole rule fits on a line, and the line read back is the same rule."""
    for rule in al.read(SCENARIOS / name).rules:
        assert parse_value(value_text(record(rule))) == record(rule)


@pytest.mark.parametrize(("path", "whose"), [
    ("rules.steady-care.down", "rule"),
    ("rules.*.in_force", "rule"),
    ("rules.new", "rule"),
    ("envelopes.core", "decision"),
    ("envelopes.core.2026/27.amount", "decision"),
    ("envelopes.core.holder", "decision"),
    ("routes.pooled.high", "decision"),
    ("outcomes.*.weight", "decision"),
    ("outcomes.health", "decision"),
    ("outcomes.health.name", "assumption"),
    ("lines.*.baseline", "assumption"),
    ("curves.*.slope", "assumption"),
    ("needs.north.care", "assumption"),
    ("nonsense", "assumption"),
    ("", "assumption"),
])  # fmt: skip
def test_whose_a_path_is(path, whose):
    """Envelopes, routes and weights are decided, rules are rules, and everything else is assumed."""
    assert panel(path) == whose


@pytest.mark.parametrize(("text", "number"), [
    ("x0.8", 0.8), ("X0.8", 0.8), ("\u00d70.8", 0.8), ("*0.8", 0.8), ("x 0.8", 0.8), (" x.8 ", 0.8), ("x8e-1", 0.8),
    ("x1", 1.0), ("x-1", -1.0), ("x", None), ("x0,8", None), ("0.8", None), ("xtrust", None), ("0.8x", None),
    (0.8, None), (None, None), (["x0.8"], None),
])  # fmt: skip
def test_what_is_a_factor(text, number):
    """A factor is a cross and a number, and nothing else is; it is kept in one spelling that reads the same."""
    assert factor(text) == number
    if number is not None:
        assert factor(factor_text(number)) == number


@pytest.mark.parametrize(("figure", "by", "whole", "product"), [
    (0.05, 1.5, False, 0.075),
    (0.1, 3.0, False, 0.3),
    (1.0, 0.5, True, 1.0),
    (3.0, 0.5, True, 2.0),
    (1001.0, 0.8, True, 801.0),
    (1000.5, 1.0, True, 1000.5),
    (45_000.0, 0.0, True, 0.0),
    (1e13, 1e300, True, float("inf")),
])  # fmt: skip
def test_figures_times_factors(figure, by, whole, product):
    """Products are those of decimal arithmetic; money comes out whole, halves up; a factor of 1 touches nothing."""
    assert times(figure, by, whole) == product
