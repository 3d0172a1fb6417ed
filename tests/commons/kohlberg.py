"""Whether a split is the nucleolus, told without computing one: Kohlberg's criterion by scipy's linear programs.

A split that gives what there is is the prenucleolus if and only if, for every level, no side payments (adding up to
nothing) leave every group that lacks at least that much no worse off and one of them better off; the nucleolus where
the same holds of side payments that also take nothing from those who get no more than they have alone (Kohlberg, On the
nucleolus of a characteristic function game, SIAM Journal on Applied Mathematics 20, 1971).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog


def lacking(values: np.ndarray, amounts: np.ndarray, floors: bool, near: float = 1e-7) -> list[int]:
    """The groups, by bit mask, that could be made better off without harm to those that lack as much; [] proves that
    this is the nucleolus (without floors: the prenucleolus)."""
    count = len(amounts)
    members = np.array([[group >> bit & 1 for bit in range(count)] for group in range(len(values))], dtype=float)
    lacks = (values - members @ amounts)[1:-1]
    alone = values[1 << np.arange(count)]
    low = np.where(floors & (amounts < alone + near), 0.0, -1.0)
    order, met = 1 + np.argsort(-lacks, kind="stable"), members[-1:]
    for last in np.flatnonzero(np.append(np.diff(-np.sort(-lacks)) < -near, True)):
        level = order[: last + 1]
        better = linprog(
            -members[level].sum(axis=0), A_ub=-members[level], b_ub=np.zeros(len(level)), A_eq=members[-1:], b_eq=[0.0],
            bounds=np.column_stack([low, np.ones(count)]),
        )  # fmt: skip
        assert better.status == 0
        if -better.fun > near:
            return [int(group) for group in level if members[group] @ better.x > near]
        met = np.vstack([met, members[level]])
        if np.linalg.matrix_rank(met) == count:
            break
    return []
