"""Sparse matrices do what dense ones do."""

from __future__ import annotations

import numpy as np
import pytest

from allocate.engine.sparse import Sparse


def random(rng, rows: int, columns: int) -> tuple[Sparse, np.ndarray]:
    """A sparse matrix, with repeated entries added up, and the same written out."""
    count = int(rng.integers(0, rows * columns + 1))
    at = rng.integers(0, rows, count), rng.integers(0, columns, count)
    values = rng.normal(size=count)
    dense = np.zeros((rows, columns))
    np.add.at(dense, at, values)
    return Sparse.summed(*at, values, (rows, columns)), dense


@pytest.mark.parametrize("seed", range(20))
def test_every_operation_equals_the_dense_one(seed):
    """Products with vectors from both sides, sums, products, sizes and extracts agree with numpy's."""
    rng = np.random.default_rng(seed)
    m, n, k = rng.integers(1, 7, 3)
    (a, a_dense), (b, b_dense), (c, c_dense) = random(rng, m, n), random(rng, m, n), random(rng, n, k)
    x, y = rng.normal(size=n), rng.normal(size=m)
    np.testing.assert_allclose(a @ x, a_dense @ x, atol=1e-12)
    np.testing.assert_allclose(y @ a, y @ a_dense, atol=1e-12)
    np.testing.assert_allclose((a + b).dense(np.arange(m)), a_dense + b_dense, atol=1e-12)
    np.testing.assert_allclose(a.through(c).dense(np.arange(m)), a_dense @ c_dense, atol=1e-12)
    np.testing.assert_allclose(a.scaled(x).dense(np.arange(m)), a_dense * x, atol=1e-12)
    np.testing.assert_allclose(abs(a).largest(), np.abs(a_dense).max(axis=1), atol=1e-12)
    some = np.flatnonzero(rng.random(m) < 0.5)
    np.testing.assert_allclose(a.dense(some), a_dense[some], atol=1e-12)
    assert bool(a) == bool(np.any(a_dense != 0))
