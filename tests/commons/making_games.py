"""Games that several tests play."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import linprog

from allocate.commons.sharing.games import Game, rows

NAMES = tuple("abcdefghijkl")
GLOVES = Game(("left", "right", "other"), [0, 0, 0, 1, 0, 1, 0, 1])
"""A left glove and two right ones; a pair is worth 1."""
MAJORITY = Game(NAMES[:3], [0, 0, 0, 1, 0, 1, 1, 1])
"""Any two of three take everything: no split is stable."""


def listed(*values: float) -> Game:
    """A game whose values are listed as textbooks do: groups of one, of two, and so on."""
    count = len(values).bit_length()
    groups = [sum(1 << bit for bit in group) for size in range(count) for group in combinations(range(count), size + 1)]
    found = np.zeros(len(values) + 1)
    found[groups] = values
    return Game(NAMES[:count], found)


def bankruptcy(amount: float, claims: list[float]) -> Game:
    """A group has what is left once everybody else is paid in full."""
    members = rows(np.arange(2 ** len(claims)), len(claims))
    return Game(NAMES[: len(claims)], np.maximum(0.0, amount - (1 - members) @ claims))


def production(aims, uses, resources) -> tuple[Game, dict[int, float]]:
    """The linear production game: a group makes what is worth most of its resources (partners by resource), of which
    products use so much (resources by product). Bounded by its resources at the prices of all; those prices too."""
    aims, uses, resources = (np.asarray(each, dtype=float) for each in (aims, uses, resources))

    def made(group: int) -> float:
        return float(-solved(rows(np.array([group]), len(resources))[0] @ resources).fun)

    def solved(held):
        return linprog(-aims, A_ub=uses, b_ub=held)

    prices = -solved(resources.sum(axis=0)).ineqlin.marginals
    bound = rows(np.arange(2 ** len(resources)), len(resources)) @ resources @ prices
    return Game(NAMES[: len(resources)], made, bound, never_hinders=True), dict(enumerate(prices))


@st.composite
def games(draw, least: int = 2, most: int = 4, never_hinders: bool = False) -> Game:
    """Games in whole numbers, full of ties; where groups never hinder one another, said or not."""
    count = draw(st.integers(least, most))
    values = [0, *draw(st.lists(st.integers(-3, 9), min_size=2**count - 1, max_size=2**count - 1))]
    if not never_hinders:
        return Game(NAMES[:count], values)
    for group in range(1, len(values)):
        part = (group - 1) & group
        while part:
            values[group] = max(values[group], values[part] + values[group ^ part])
            part = (part - 1) & group
    return Game(NAMES[:count], values, never_hinders=True)
