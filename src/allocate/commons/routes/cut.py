"""The most that money held, routes and lines let through to some lines, and one set of limits that stops more.

Maximum flow and minimum cut (Ford and Fulkerson 1956, doi 10.4153/CJM-1956-045-5), along shortest paths (Edmonds and
Karp 1972, doi 10.1145/321694.321699). What every line must get at least is sent first and stays sent, so that what is
left over is what may be moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray
TRACE = 1e-6
"""Pounds that count as nothing."""


@dataclass(frozen=True, eq=False)
class Network:
    """Money held in envelopes, routes between them and lines that it may be spent on, all in pounds.

    held      an entry an envelope
    source, target, route_high   an entry a route: the numbers of both envelopes, and the most that may move
    envelope_of_line, low, high  an entry a line: the envelope that pays, the least and the most
    """

    held: Array
    source: Array
    target: Array
    route_high: Array
    envelope_of_line: Array
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Cut:
    """The most that can reach some lines, and what stops more: pounds that each element of one cut adds, which add up
    to `amount` with `least`, what those lines must get anyway.

    envelopes  what each holds beyond the least of its lines, where all of that gets there; below 0 where it holds less
               than that, and what comes along a route of the cut makes up for it
    routes     what may move along each, where it is full and leads on
    lines      what each of the lines asked for may get beyond its least, where it is full
    Entries are 0 for what is no part of the cut. Several cuts may be as small; the amount is the same for all.
    """

    amount: float
    least: float
    envelopes: Array
    routes: Array
    lines: Array


def most_through(network: Network, asked: Array) -> Cut | None:
    """The most that can reach the lines `asked` (booleans), each line getting its least; None where not all can."""
    count = len(network.held)
    money, others, there = count, count + 1, count + 2
    room = np.zeros((count + 3, count + 3))
    room[money, :count] = network.held
    np.add.at(room, (network.source, network.target), network.route_high)
    owed = np.bincount(network.envelope_of_line, network.low, count)
    spare = np.where(asked, network.high - network.low, 0.0)
    room[:count, others] = owed
    room[:count, there] = np.bincount(network.envelope_of_line, spare, count)
    if _send(room, money, others) < owed.sum() - max(TRACE, 1e-12 * owed.sum()):
        return None
    least = float(network.low[asked].sum())
    more = _send(room, money, there)
    reached = _found(room, money, there)[1][:count]
    return Cut(
        least + more, least, _clear(np.where(reached, 0.0, network.held - owed)),
        np.where(reached[network.source] & ~reached[network.target], network.route_high, 0.0),
        np.where(reached[network.envelope_of_line], spare, 0.0),
    )  # fmt: skip


def _send(room: Array, start: int, end: int) -> float:
    """Send as much as there is room for; `room` is left with what is still free, there and back."""
    sent = 0.0
    while path := _found(room, start, end)[0]:
        ahead, behind = np.array(path[:-1]), np.array(path[1:])
        step = float(room[ahead, behind].min())
        room[ahead, behind] -= step
        room[behind, ahead] += step
        sent += step
    return sent


def _found(room: Array, start: int, end: int) -> tuple[list[int], Array]:
    """A shortest way with room, none where there is none; and every node that was reached."""
    before, waiting = np.full(len(room), -1), [start]
    before[start] = start
    for node in waiting:
        new = np.flatnonzero((room[node] > TRACE) & (before < 0))
        before[new] = node
        waiting += new.tolist()
        if before[end] >= 0:
            path = [end]
            while path[-1] != start:
                path.append(int(before[path[-1]]))
            return path[::-1], before >= 0
    return [], before >= 0


def _clear(amounts: Array) -> Array:
    return np.where(np.abs(amounts) > TRACE, amounts, 0.0)


__all__ = ["Cut", "Network", "most_through"]
