"""What is asked of Places in an address: whole, within bounds, and refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocate.ui import address
from allocate.ui.asked import CHOICES, RANGES, Asked, from_query, to_query

TEXTS = st.text("abc |=&é'<", max_size=8)
SUMS = st.none() | st.integers(0, 10**12).map(float)
ASKED = st.builds(
    Asked, file=TEXTS, system=TEXTS, by=st.sampled_from(CHOICES["by"]), places=TEXTS, rest=TEXTS,
    put=st.lists(TEXTS.map("A|{}".format), max_size=3).map(tuple), look=TEXTS, core=SUMS, primary=SUMS,
    population=SUMS, opening=TEXTS, before=TEXTS, base=st.sampled_from(CHOICES["base"]), nhse=st.booleans(),
    pace=st.sampled_from(CHOICES["pace"]), years=st.integers(1, 15), growth=st.sampled_from([0.0, 0.03, -0.025]),
    floor=st.sampled_from([None, 0.0, 0.01]), ceiling=st.sampled_from([None, 0.0, 0.065]),
)  # fmt: skip


def listed(asked: Asked) -> list[tuple[str, list[str]]]:
    """A query as a browser gives it back: several values under each name."""
    return [(name, [value] if isinstance(value, str) else value) for name, value in to_query(asked).items()]


@settings(max_examples=30)
@given(ASKED)
def test_an_address_says_all_that_is_asked(asked):
    """What is written into an address is read from it again, and is no word of the draft's."""
    assert from_query(listed(asked)) == (asked, [])
    assert address.from_query(listed(asked), "tiny") == (address.Draft("tiny"), [])


def test_what_is_at_its_default_is_left_out():
    """An address has only what was asked for."""
    assert to_query(Asked()) == {}
    assert to_query(Asked(system="QWU", core=1.8747e9)) == {"drawn.system": "QWU", "drawn.core": "1874700000"}


@pytest.mark.parametrize("field", RANGES)
@pytest.mark.parametrize("text", ["-1e30", "1e30"])
def test_numbers_stay_within_bounds(field, text):
    """No address asks for more years, money or growth than the page would."""
    asked, told = from_query([(f"drawn.{field}", [text])])
    low, high = RANGES[field]
    assert low <= getattr(asked, field) <= high
    assert told == []


@pytest.mark.parametrize(("name", "text"), [
    ("drawn.core", "lots"), ("drawn.core", "nan"), ("drawn.years", "inf"), ("drawn.by", "ward"),
    ("drawn.pace", "soon"), ("drawn.colour", "blue"), ("drawn.base", ""),
])  # fmt: skip
def test_what_means_nothing_is_told(name, text):
    """What an address asks for in vain is left out, and said."""
    asked, told = from_query([("scenario", ["tiny"]), (name, [text])])
    assert asked == Asked()
    assert len(told) == 1
    assert name in told[0]
