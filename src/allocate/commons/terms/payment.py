"""A payment by contract, as a pure description: what is paid for how much activity, and who bears what it costs.

    payment = fixed + sum of rates over the distance from plan + part of a saving - part of an overrun

no less than a floor and no more than a cap. Rates may change with the distance from plan (bands), and within a
dead-band nothing is paid for being off it. This is the aligned payment of English contracts (a fixed part and a
variable one either side of what was planned), with figures left to those who agree on them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Payment:
    """What is paid for an activity, which is counted in whatever `plan` is: pounds spent, or treatments.

    plan       the planned activity, at which the payment is `fixed`
    fixed      pounds, whatever is done
    rate       pounds for each unit above plan, and off for each below it
    bands      (distance, rate): from so far from plan on, outwards, another rate; distances below 0 are below plan
    dead_band  the distance from plan, on either side, within which nothing is paid or taken off; beyond it rates count
               from its edge
    cap        the most that is ever paid
    floor      the least that is ever paid
    cost       what the plan should cost by open books; None where costs are not shared
    gain       the part of a saving on that cost which is paid
    loss       the part of an overrun which is taken off

    Raises ValueError with every fault: figures that are not finite, a negative plan or dead-band, a distance of 0,
    given twice or inside the dead-band, a floor above the cap, a part outside 0 to 1, or one without a cost.
    """

    plan: float
    fixed: float = 0.0
    rate: float = 0.0
    bands: tuple[tuple[float, float], ...] = ()
    dead_band: float = 0.0
    cap: float = math.inf
    floor: float = -math.inf
    cost: float | None = None
    gain: float = 0.0
    loss: float = 0.0

    def __post_init__(self) -> None:
        if faults := list(_faults(self)):
            raise ValueError("; ".join(faults))

    def pays(self, activity: float, cost: float | None = None) -> float:
        """Pounds for so much activity, and, where costs are shared, for what it cost (as planned, if left out)."""
        return min(max(self._free(activity, cost), self.floor), self.cap)

    def breakpoints(self, cost: float | None = None) -> list[float]:
        """Every activity above 0 at which the rate changes, in order: edges of bands and of the dead-band, and where
        the cap or the floor begins to hold or ends to."""
        edges = sorted({self.plan + edge for edge in self._rates[0] if self.plan + edge > 0})
        bound = [0.0, *edges, max([2 * self.plan, 1.0, *(2 * edge for edge in edges)])]
        for first, last in pairwise(bound):
            before = self._free(first, cost)
            slope = (self._free(last, cost) - before) / (last - first)
            # Beyond the last edge the same rate holds without end.
            end = math.inf if last == bound[-1] else last
            held = [first + (level - before) / slope for level in (self.cap, self.floor)
                    if slope and math.isfinite(level)]  # fmt: skip
            edges += [at for at in held if first < at < end]
        edges = sorted(set(edges))
        return [at for k, at in enumerate(edges) if self._bends(at, edges[k - 1 : k], edges[k + 1 : k + 2], cost)]

    def points(self, most: float, cost: float | None = None) -> tuple[Array, Array]:
        """The payment for 0 to `most` units as straight lines: activities, and what is paid for each."""
        activity = np.array([0.0, *[at for at in self.breakpoints(cost) if at < most], most])
        return activity, np.array([self.pays(at, cost) for at in activity])

    def concave(self, most: float, cost: float | None = None) -> bool:
        """Whether a unit more never pays more than the one before it, up to `most` units."""
        activity, paid = self.points(most, cost)
        slopes = np.diff(paid) / np.diff(activity)
        return bool((np.diff(slopes) <= 1e-9 * np.abs(slopes).max(initial=1e-300)).all())

    @property
    def _rates(self) -> tuple[list[float], list[float]]:
        """The distances from plan at which rates change, in order, and the rates between them, one more."""
        edges, rates = [self.dead_band], [0.0, self.rate]
        for distance, rate in sorted(band for band in self.bands if band[0] > 0):
            edges, rates = [*edges, distance], [*rates, rate]
        edges, rates = [-self.dead_band, *edges], [self.rate, *rates]
        for distance, rate in sorted((band for band in self.bands if band[0] < 0), reverse=True):
            edges, rates = [distance, *edges], [rate, *rates]
        return edges, rates

    def _free(self, activity: float, cost: float | None) -> float:
        """The payment without its cap and floor."""
        distance, (edges, rates) = activity - self.plan, self._rates
        low, high = min(distance, 0.0), max(distance, 0.0)
        parts = zip(rates, [-math.inf, *edges], [*edges, math.inf], strict=True)
        paid = sum(rate * max(0.0, min(high, end) - max(low, start)) for rate, start, end in parts)
        return self.fixed + (paid if distance > 0 else -paid) + self._shared(cost)

    def _shared(self, cost: float | None) -> float:
        """What a saving on the planned cost earns, or an overrun takes off."""
        saved = 0.0 if self.cost is None or cost is None else self.cost - cost
        return (self.gain if saved > 0 else self.loss) * saved

    def _bends(self, at: float, before: list[float], after: list[float], cost: float | None) -> bool:
        """Whether the rate does change at an edge, given those next to it."""
        near = min(at - (before or [0.0])[0], (after or [2 * at])[0] - at) / 2
        below, here, above = (self.pays(at + step, cost) for step in (-near, 0.0, near))
        return abs(above - 2 * here + below) > 1e-9 * max(1.0, abs(here), abs(above), abs(below))


def _faults(payment: Payment) -> Iterator[str]:
    """Everything wrong with a payment, field, value and what was expected."""
    names = ("plan", "fixed", "rate", "dead_band", "cost", "gain", "loss")
    figures = {name: getattr(payment, name) or 0.0 for name in names}
    for k, (distance, rate) in enumerate(payment.bands):
        figures |= {f"bands[{k}], distance": distance, f"bands[{k}], rate": rate}
    for name, figure in figures.items():
        if not math.isfinite(figure):
            yield f"{name}: {figure}, expected a finite number"
    for name in ("plan", "dead_band", "cost"):
        if figures[name] < 0:
            yield f"{name}: {figures[name]}, expected 0 or more"
    distances = [distance for distance, _ in payment.bands]
    for k, distance in enumerate(distances):
        if abs(distance) < payment.dead_band or distance == 0:
            expected = f"a distance from plan beyond the dead-band of {payment.dead_band}"
            yield f"bands[{k}]: begins at {distance}, expected {expected}"
        if distance in distances[:k]:
            yield f"bands[{k}]: begins at {distance}, where another begins"
    if math.isnan(payment.cap) or math.isnan(payment.floor) or payment.floor > payment.cap:
        yield f"floor: {payment.floor}, expected no more than the cap of {payment.cap}"
    for name in ("gain", "loss"):
        if math.isfinite(figures[name]) and not 0 <= figures[name] <= 1:
            yield f"{name}: {figures[name]}, expected a part, 0 to 1"
        if figures[name] and payment.cost is None:
            yield f"cost: blank, expected what the plan should cost, of which {name} is a part"


__all__ = ["Payment"]
