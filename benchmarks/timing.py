"""Wall and processor seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

Seconds = tuple[float, float]
"""Wall and processor seconds."""


def timed(work: Callable[[], Any]) -> tuple[Any, Seconds]:
    """What some work gives, and how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, (time.perf_counter() - wall, time.process_time() - cpu)


def spread(times: Sequence[Seconds]) -> dict[str, float]:
    """Medians and 95th percentiles, and the least wall time."""
    if not times:
        return {}
    found = {}
    for name, values in zip(("wall", "cpu"), zip(*times, strict=True), strict=True):
        found |= {f"{name}_median": statistics.median(values), f"{name}_p95": centile(values, 0.95)}
    return found | {"wall_least": min(wall for wall, _ in times)}


def centile(values: Sequence[float], part: float) -> float:
    """The least value that so great a part of them do not exceed."""
    return sorted(values)[max(0, -int(-part * len(values) // 1) - 1)]
