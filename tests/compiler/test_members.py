from __future__ import annotations

import numpy as np
import pytest

from allocate.compiler import CompileError, Positions
from allocate.compiler.members import Codes, Inverse, Label, Labelled, Related, family, related


def test_places_are_found_by_labels_from_any_other_set():
    """A member is found by labels that come from its own set, from a parent, or from a set that only looks alike."""
    codes = Codes()
    places, steps = Labelled("P", ["a", "b", "c"], codes), Labelled("K", [0, 1], codes)
    pairs = related("S", Positions(np.array([[2, 0], [0, 1], [2, 1]]), ("P", "K")), {"P": places, "K": steps})
    alike = Labelled("A", [("c", 0), ("c", 1)], codes)
    own = [Label(pairs.every, 0), Label(pairs.every, 1)]
    assert pairs.place(own) is pairs.every.places
    assert places.place(own[:1]).tolist() == [2, 0, 2]
    assert pairs.place([Label(alike.every, 0), Label(alike.every, 1)]).tolist() == [0, 2]
    assert pairs.labels() == [("c", 0), ("a", 1), ("c", 1)]
    with pytest.raises(CompileError, match="A: a member for every index"):
        alike.place(own)


def test_products_are_never_listed():
    """A product's places are reckoned from those of its parts, and a part's labels from the place."""
    codes = Codes()
    parts = [Labelled("P", ["a", "b"], codes), Labelled("Q", [("u", 1), ("v", 2)], codes)]
    product = Related("PQ", parts, None)
    run = [Label(parts[0].every, 0), Label(parts[1].every, 0), Label(parts[1].every, 1)]
    assert (product.count, product.width) == (4, 3)
    assert product.place(run).tolist() == [0, 3]
    assert product.labels() == [("a", "u", 1), ("a", "v", 2), ("b", "u", 1), ("b", "v", 2)]


def test_families_keep_the_order_in_which_members_are_given():
    """A mapping, pairs in any order and positions make the same indexed set."""
    codes = Codes()
    index, lines = Labelled("E", ["x", "y", "z"], codes), Labelled("L", ["a", "b", "c"], codes)
    wanted = {"x": ["c", "a"], "y": [], "z": ["b"]}
    for given in (
        {"z": ["b"], "x": ["c", "a"]},
        [("x", "c"), ("z", "b"), ("x", "a")],
        Positions(np.array([[0, 2], [2, 1], [0, 0]]), ("E", "L")),
    ):
        assert family("F", index, given, {"E": index, "L": lines}, codes).labels() == wanted
    with pytest.raises(CompileError, match="F: indices that are in E"):
        family("F", index, {"w": ["a"]}, {}, codes)


@pytest.mark.parametrize("scale", [1, 10**9])
def test_inverse_by_array_and_by_bisection(scale):
    """Positions of values, dense or far apart, and -1 for others."""
    inverse = Inverse(np.array([5, 0, 3]) * scale)
    assert inverse.distinct
    assert inverse[np.array([3, 4, 5, 9, 0]) * scale].tolist() == [2, -1, 0, -1, 1]
    assert not Inverse(np.array([1, 2, 1]) * scale).distinct
