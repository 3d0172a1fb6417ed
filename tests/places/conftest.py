"""The made-up practices and NHS England's, read once."""

from __future__ import annotations

import pytest

import allocate as al
from tests.places.making import real, saved


@pytest.fixture(scope="session")
def practices(tmp_path_factory) -> al.places.Practices:
    """Eight made-up practices in two systems."""
    return al.places.read(saved(tmp_path_factory.mktemp("practices")))


@pytest.fixture(scope="session")
def england() -> al.places.Practices:
    """NHS England's practices of 2025/26."""
    return al.places.read(real())
