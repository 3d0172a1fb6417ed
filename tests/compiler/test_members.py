from __future__ import annotations

import numpy as np
import pytest

from allocate.compiler import CompileError, Positions
from allocate.compiler.arrays import SMALL
from allocate.compiler.members import ALL, Family, Label, Rows, Tuples, labelled, mapped, placed, reckoned


def every(table):
    return [Label(table, part, ALL) for part in range(table.width)]


def test_places_are_found_by_labels_from_any_other_set():
    """A member is found by labels that come from its own set, from a parent, or from a set that only looks alike."""
    places, steps = labelled("P", ["a", "b", "c"], 1), labelled("K", [0, 1], 1)
    pairs = placed("S", Positions(np.array([[2, 0], [0, 1], [2, 1]]), ("P", "K")), {"P": places, "K": steps})
    alike = labelled("A", [("c", 1), ("c", 0)], 2)
    assert pairs.place(every(pairs)) is ALL
    assert places.place(every(pairs)[:1]).tolist() == [2, 0, 2]
    assert pairs.place(every(alike)).tolist() == [2, 0]
    assert pairs.labels() == [("c", 0), ("a", 1), ("c", 1)]
    with pytest.raises(CompileError, match="A: a member for every index"):
        alike.place(every(pairs))
    with pytest.raises(CompileError, match="S: a member for every index"):
        pairs.place([reckoned("a"), reckoned(0)])
    with pytest.raises(CompileError, match="S: 2 labels to find a member by, not 1"):
        pairs.place(every(places))


@pytest.mark.parametrize("asked", ["of some owners", "some of each owner", "the last of each owner", "in any order"])
def test_members_of_large_sets_are_found(asked):
    """However many members are asked for, and in whatever order, each is found where it is."""
    owners, items = labelled("P", range(100), 1), labelled("K", range(90), 1)
    tables, rng = {"P": owners, "K": items}, np.random.default_rng(1)
    rows = np.argwhere(rng.random((100, 90)) < 0.8)
    kept = {
        "of some owners": rows[:, 0] % 3 > 0, "some of each owner": rng.random(len(rows)) < 0.6,
        "the last of each owner": rows[:, 1] > 30, "in any order": rng.random(len(rows)) < 0.6,
    }[asked].nonzero()[0]  # fmt: skip
    kept = rng.permutation(kept) if asked == "in any order" else kept
    assert len(kept) > SMALL
    table, other = (
        placed("S", Positions(rows, ("P", "K")), tables),
        placed("T", Positions(rows[kept], ("P", "K")), tables),
    )
    assert table.place(every(other)).tolist() == kept.tolist()
    with pytest.raises(CompileError, match="T: a member for every index"):
        other.place(every(table))


def test_products_are_never_listed():
    """A product's places are reckoned from those of its parts, and a part's labels from the place."""
    parts = [labelled("P", ["a", "b"], 1), labelled("Q", [("u", 1), ("v", 2)], 2)]
    product = Tuples("PQ", parts, None)
    assert (product.count, product.width) == (4, 3)
    assert product.place([reckoned("b"), *every(parts[1])]).tolist() == [2, 3]
    assert product.labels() == [("a", "u", 1), ("a", "v", 2), ("b", "u", 1), ("b", "v", 2)]


def test_families_keep_the_order_in_which_members_are_given():
    """A mapping, pairs in any order and positions make the same indexed set."""
    index, lines = labelled("E", ["x", "y", "z"], 1), labelled("L", ["a", "b", "c"], 1)
    positions = Positions(np.array([[0, 2], [2, 1], [0, 0]]), ("E", "L"))
    for table in (
        mapped("F", index, {"z": ["b"], "x": ["c", "a"]}, 1),
        labelled("F", [("x", "c"), ("z", "b"), ("x", "a")], 2),
        placed("F", positions, {"E": index, "L": lines}),
    ):
        family = Family(index, table)
        assert family.labels() == {"x": ["c", "a"], "y": [], "z": ["b"]}
        places, rows = family.of(np.array([2, 0, 0]))
        assert [table.column(1)[place] for place in places] == ["b", "c", "a", "c", "a"]
        assert rows.of.tolist() == [0, 1, 1, 2, 2]
    with pytest.raises(CompileError, match="F: indices that are in E"):
        mapped("F", index, {"w": ["a"]}, 1)


def test_sets_too_large_to_number_are_refused():
    """Members are numbered by 64 bits, and where they cannot be it is said: nothing is found in a wrong place."""
    labels = list(range(2**16))
    with pytest.raises(CompileError, match="S: parts that make fewer"):
        labelled("S", list(zip(*[labels] * 4, strict=True)), 4)


@pytest.mark.parametrize("lengths", [[2, 0, 3, 1], [0, 0], [1, 1, 1], [], [4, 4]])
def test_rows_are_taken_in_any_order_and_any_number_of_times(lengths):
    """Entries of some rows, and rows of rows, are those that lists of lists give."""
    rows, ends = Rows.long(np.array(lengths, dtype=np.intp)), np.cumsum([0, *lengths]).tolist()
    each = [list(range(first, first + length)) for first, length in zip(ends, lengths, strict=False)]
    assert rows.of.tolist() == [k for k, entries in enumerate(each) for _ in entries]
    assert Rows.sorted(rows.of, len(lengths)).starts.tolist() == rows.starts.tolist()
    random = np.random.default_rng(1)
    for size in (0, 1, 5):
        asked = random.integers(len(lengths), size=size) if lengths else np.array([], dtype=int)
        places, taken = rows.taken(asked)
        assert np.arange(rows.size)[places].tolist() == [entry for k in asked for entry in each[k]]
        assert taken.lengths.tolist() == [lengths[k] for k in asked]
    assert rows.taken(np.arange(len(lengths)))[0] is ALL or not rows.size
    full_first = np.argsort(np.equal(lengths, 0), kind="stable")
    assert rows.taken(full_first)[0] is ALL or not rows.size
    assert rows.taken(full_first)[1].lengths.tolist() == [lengths[k] for k in full_first]
    pairs = Rows.long(np.full(rows.size, 2))
    assert pairs.within(rows).lengths.tolist() == [2 * length for length in lengths]
