"""The most through envelopes and routes, against an independent maximum flow and against its own cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from allocate.commons.routes.cut import Network, most_through

pounds = st.integers(0, 1000)


@st.composite
def networks(draw) -> tuple[Network, np.ndarray]:
    """Envelopes, routes and lines, and some of the lines."""
    count, routes, lines = draw(st.integers(1, 6)), draw(st.integers(0, 10)), draw(st.integers(1, 12))
    envelope = st.integers(0, count - 1)

    def drawn(each, size: int) -> np.ndarray:
        return np.array(draw(st.lists(each, min_size=size, max_size=size)))

    source, target = drawn(envelope, routes).astype(int), drawn(envelope, routes).astype(int)
    low = drawn(st.integers(0, 60), lines).astype(float)
    network = Network(
        drawn(pounds, count).astype(float), source, target, np.where(source == target, 0, drawn(pounds, routes)) * 1.0,
        drawn(envelope, lines), low, low + drawn(pounds, lines),
    )  # fmt: skip
    return network, drawn(st.booleans(), lines).astype(bool)


def flow(network: Network, asked: np.ndarray, more: bool) -> int:
    """The maximum flow into what lines must get and, with `more`, into what the asked ones may get beyond it."""
    count = len(network.held)
    room = np.zeros((count + 2, count + 2), dtype=np.int32)
    room[count, :count] = network.held
    np.add.at(room, (network.source, network.target), network.route_high.astype(np.int32))
    into = network.low + np.where(asked & more, network.high - network.low, 0.0)
    np.add.at(room, (network.envelope_of_line, count + 1), into.astype(np.int32))
    return maximum_flow(csr_array(room), count, count + 1).flow_value


@settings(max_examples=40, deadline=None)
@given(networks())
def test_against_an_independent_flow(drawn):
    """The most is what an independent maximum flow finds, each line given its least; none where that cannot be."""
    network, asked = drawn
    found, owed = most_through(network, asked), network.low.sum()
    if flow(network, asked, more=False) < owed:
        assert found is None
        return
    assert found is not None
    assert found.amount == pytest.approx(flow(network, asked, more=True) - owed + network.low[asked].sum())


@settings(max_examples=40, deadline=None)
@given(networks())
def test_the_cut_adds_up(drawn):
    """What stops more adds up to the most, so that flow and cut are equal; only lines that were asked for are in it."""
    network, asked = drawn
    found = most_through(network, asked)
    if found is None:
        return
    parts = (found.envelopes, found.routes, found.lines)
    assert found.amount == pytest.approx(found.least + sum(part.sum() for part in parts))
    assert (found.routes >= 0).all()
    assert (found.lines >= 0).all()
    assert not found.lines[~asked].any()


def test_by_hand():
    """£100 in one pot and £50 in another, of which £10 must stay: £30 may move, so £70 gets there."""
    network = Network(
        np.array([100.0, 50.0]), np.array([0]), np.array([1]), np.array([30.0]), np.array([0, 1, 1]),
        np.array([0.0, 0.0, 10.0]), np.full(3, 1e6),
    )  # fmt: skip
    found = most_through(network, np.array([False, True, False]))
    assert found is not None
    assert (found.amount, found.envelopes.tolist(), found.routes.tolist()) == (70.0, [0.0, 40.0], [30.0])
