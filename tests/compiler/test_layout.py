from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocate.compiler.algebra import Term, constant
from allocate.compiler.layout import Columns, by_columns, merged
from allocate.compiler.members import Rows


def term(lengths: list[int] | None, columns: list[int], value: float = 1.0) -> Term:
    """Entries of rows of these lengths, or one for each row."""
    rows = None if lengths is None else Rows.long(np.array(lengths))
    return Term(rows, (np.array(columns),), constant(value), ("x",))


def numbers(columns: Columns) -> np.ndarray:
    """The numbers as they are laid."""
    value = np.zeros(len(columns.index))
    for places, formula in columns.laid:
        value[places] = formula.at({})
    return value


@pytest.mark.parametrize("height", [4, 10**5], ids=["short keys", "long keys"])
def test_entries_of_rows_become_columns(height):
    """Whatever the order of terms, a column's rows rise, each number is in its place, and what meets there is summed;
    also where column and row together are more than 32 bits long."""
    wide = 10**5 if height > 4 else 3
    last, low = wide - 1, height - 2
    terms = [
        (slice(low, height), term([1, 2], [last, 0, last], 2.0)),
        (slice(0, 2), term(None, [last, 0], 3.0)),
        (slice(low, height), term([0, 1], [last], 5.0)),
    ]
    apart = by_columns(terms[:2], height, wide)
    assert apart.index.tolist() == [1, height - 1, 0, low, height - 1]
    assert numbers(apart)[apart.order].tolist() == [3, 2, 3, 2, 2]
    met = by_columns(terms, height, wide)
    assert met.start[[0, 1, -2, -1]].tolist() == apart.start[[0, 1, -2, -1]].tolist() == [0, 2, 2, 5]
    assert met.index.tolist() == apart.index.tolist()
    assert met.order is None
    assert numbers(met).tolist() == [3, 2, 3, 2, 7]
    assert met.index.dtype == met.start.dtype == np.int32


@given(st.data())
def test_columns_hold_what_the_rows_held(data):
    """Written out in full, the columns of any terms are the matrix that their entries add up to, and start where the
    entries before them end: also those without any, at either end and between."""
    height, width = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 8))
    terms, matrix = [], np.zeros((height, width))
    for _ in range(data.draw(st.integers(0, 4))):
        lengths = data.draw(st.lists(st.integers(0, 3), min_size=height, max_size=height))
        columns = data.draw(st.lists(st.integers(0, width - 1), min_size=sum(lengths), max_size=sum(lengths)))
        value = data.draw(st.sampled_from([1.0, 2.0, 0.5]))
        np.add.at(matrix, (np.repeat(range(height), lengths), columns), value)
        terms.append((slice(0, height), term(lengths, columns, value)))
    found = by_columns(terms, height, width)
    value = numbers(found) if found.order is None else numbers(found)[found.order]
    whole = np.zeros((height, width))
    whole[found.index, np.repeat(range(width), np.diff(found.start))] = value
    assert (whole == matrix).all()
    assert len(found.index) == (matrix > 0).sum()


def test_no_entries_are_columns_without_any():
    """Rows without entries make columns that have none."""
    found = by_columns([(slice(0, 2), term([0, 0], []))], 2, 3)
    assert (found.start.tolist(), found.index.tolist(), found.laid) == ([0, 0, 0, 0], [], [])


def test_a_single_row_is_summed_by_column():
    """Terms of one row stay as they are where none meets another, and are summed where they do."""
    apart, met = [term([2], [0, 4]), term([1], [2], 3.0)], [term([2], [4, 0]), term([2], [4, 4], 3.0)]
    assert [places.tolist() for places, _ in merged(apart)] == [[0, 4], [2]]
    ((places, formula),) = merged(met)
    assert (places.tolist(), np.asarray(formula.at({})).tolist()) == ([0, 4], [1, 7])
    assert merged([term([0], [])]) == []
