from __future__ import annotations

import numpy as np

from allocate.compiler import Arrays


def test_a_model_is_made_of_entries_in_any_order():
    """Entries in any order make compressed columns in which rows rise, and no column is whole unless it is said."""
    one, row, column = np.ones(3), np.array([1, 0, 1, 0]), np.array([2, 2, 0, 0])
    made = Arrays.of(one, 0 * one, one, one[:2], one[:2], (row, column, np.array([4.0, 3.0, 2.0, 1.0])))
    assert made.start.tolist() == [0, 2, 2, 4]
    assert made.index.tolist() == [0, 1, 0, 1]
    assert made.value.tolist() == [1, 2, 3, 4]
    assert not made.integer.any()
    assert Arrays.of(one, one, one, one[:2], one[:2], (row, column, row), one > 0).integer.all()


def test_entries_that_are_nothing_are_left_out():
    """Without entries that are 0 a model is the same; one that has none is itself."""
    one, row, column = np.ones(3), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 2])
    made = Arrays.of(one, 0 * one, one, one[:2], one[:2], (row, column, np.array([0.0, 2.0, 0.0, 4.0])))
    compact = made.compact()
    assert compact.start.tolist() == [0, 1, 1, 2]
    assert compact.index.tolist() == [1, 1]
    assert compact.value.tolist() == [2, 4]
    assert compact.cost is made.cost
    assert compact.compact() is compact
