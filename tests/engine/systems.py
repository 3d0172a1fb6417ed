"""Made-up scenarios of several systems that share nothing unless a rule, a route or a curve says so."""

from __future__ import annotations

from typing import Any

import numpy as np

import allocate as al
from tests.engine.making import make

PROGRAMMES = ("care", "halls")


def systems(
    count: int, places: int = 2, seed: int = 0, scale: float = 0.0, rules: dict[str, dict[str, Any]] | None = None
) -> al.Scenario:
    """So many systems `s00`, `s01` ..., each with an envelope of its own name, places `s00-0` ..., two programmes, a
    floor and a band; with `scale`, halls are opened with so many pounds or not at all. `rules` are laid over that."""
    rng = np.random.default_rng(seed)
    lines, curves, money, book = [], [], {}, {}
    for name in (f"s{k:02d}" for k in range(count)):
        money[name] = float(places * rng.integers(1_500_000, 2_200_000))
        for place in (f"{name}-{k}" for k in range(places)):
            lines += [
                {"place": place, "programme": programme, "envelope": name, "high": 2_500_000.0,
                 "baseline": float(rng.integers(700_000, 900_000)), "scale": scale if programme == "halls" else 0.0}
                for programme in PROGRAMMES
            ]  # fmt: skip
            reference = float(rng.integers(400_000, 900_000))
            curves += [
                {"place": place, "programme": "care", "shape": "power", "exponent": 0.5, "reference": reference,
                 "slope": float(rng.uniform(1e-5, 4e-5))},
                {"place": place, "programme": "halls", "shape": "saturation", "reference": reference,
                 "ceiling": float(rng.uniform(5.0, 25.0))},
            ]  # fmt: skip
        where = {"places": [f"{name}-{k}" for k in range(places)]}
        book[f"floor-{name}"] = {
            "kind": "floor",
            "amount": 600_000.0 * places,
            "where": where | {"programmes": ["halls"]},
        }
        band = {"kind": "band", "down": 0.4, "where": where | {"programmes": ["care"]}}
        book[f"steady-{name}"] = band | {"each": "place"}
    return make(lines, curves, money, book | (rules or {}))


HALLS = {"halls": {"kind": "cap", "amount": 12_000_000.0, "where": {"programmes": ["halls"]}}}
"""A rule over the halls of all systems."""
