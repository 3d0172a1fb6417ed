"""The explorer's benchmark: its table says what was measured, and takes only its own place in the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.explorer import BEGIN, END, Press, Timed, keep, told

from tests.conftest import SCENARIOS


@pytest.fixture
def table() -> str:
    """A table of made-up presses: twice and four times the empty page, and as slow as the one that Streamlit ships."""
    plain, least = Timed("none", "as shipped"), Timed("none", "same settings")
    row, other = Timed("tiny", "money"), Timed("tiny", "assumption")
    for _ in range(3):
        plain.add(Press(100, 100, 100))
        least.add(Press(50, 50, 50))
        row.add(Press(100, 150, 200))
        other.add(Press(75, 150, 150))
    return told(plain, least, [row, other], 3, (0.5, 1.0))


def test_medians_are_set_against_the_empty_page(table):
    """Each row gives medians, 95th percentiles, and how many times the empty page's median they are."""
    assert "| the empty page | as Streamlit ships | 100 | 100 | | | | | | |" in table
    assert "| the empty page | same settings | 50 | 50 | 1.0 | | | | | |" in table
    assert "| tiny | money | 100 | 100 | 2.0 | 150 | 150 | 200 | 200 | 4.0 |" in table
    assert "| tiny | all levers | 88 | 100 | 1.8 | 150 | 150 | 175 | 200 | 3.5 |" in table
    assert "under the same settings, 0.9 and 1.8 times the one that Streamlit ships" in table
    assert "The slowest lever: 2.0 and 4.0 and 1.0 and 2.0 times" in table


def test_nothing_of_the_machine_but_its_kind_is_told(table):
    """The table names neither the checkout's folder nor its user's."""
    assert str(SCENARIOS.parent) not in table
    assert str(Path.home()) not in table


def test_the_table_takes_its_own_place(table, tmp_path):
    """Written again it replaces itself, and leaves everything else in the file as it is."""
    file = tmp_path / "RESULTS.md"
    file.write_text("# Measured\n\nSomething.\n")
    keep("old", file)
    below = file.read_text() + "\n## More\n"
    file.write_text(below)
    keep(table, file)
    assert file.read_text() == below.replace(f"{BEGIN}\nold\n{END}", f"{BEGIN}\n{table}\n{END}")
