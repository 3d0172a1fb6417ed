"""Small systems of places for tests of aims, and what an aim says of a plan, worked out apart from the engine."""

from __future__ import annotations

from typing import Any

import numpy as np

import allocate as al
from tests.engine.making import YEAR, make

Array = np.ndarray
PLACES = "abcdefghijklmnopqrstuvwxyz"
STRAIGHT = {"shape": "linear"}


def places(
    curves: list[dict[str, Any]],
    people: list[float],
    money: float,
    rules: dict[str, dict[str, Any]] | None = None,
    need: list[float] | None = None,
    lines: list[dict[str, Any]] | None = None,
    names: str = PLACES,
) -> al.Scenario:
    """A place for each curve, called a, b ... or otherwise, with so many people and one line, as `lines` says further;
    all money is in one pot, which goes by need."""
    names = names[: len(curves)]
    return make(
        [{"place": name, "programme": "care"} | more
         for name, more in zip(names, lines or [{}] * len(names), strict=True)],
        [{"place": name, "programme": "care"} | curve for name, curve in zip(names, curves, strict=True)],
        money, rules,
        places=[{"id": name, "name": name.upper(), "population": heads, "need": wants, "parent": None}
                for name, heads, wants in zip(names, people, need or people, strict=True)],
        envelopes=[{"id": "pot", "year": YEAR, "name": "Pot", "holder": "body", "amount": money, "by_need": "yes"}],
    )  # fmt: skip


def straight(*slopes: float) -> list[dict[str, Any]]:
    """Curves that buy so much a pound."""
    return [STRAIGHT | {"slope": slope} for slope in slopes]


def aim(kind: str, **fields: Any) -> dict[str, dict[str, Any]]:
    """A rule book with one aim."""
    return {"aim": {"kind": kind, "owner": "body"} | fields}


def spent(plan: al.Plan) -> Array:
    """Pounds in each place, in order."""
    return plan.by("place").set_index("place")["spend"].to_numpy()


def mixed(
    seed: int, count: int, money: float, rules: dict[str, dict[str, Any]], names: str = PLACES, split: bool = False
) -> al.Scenario:
    """Places with power curves, saturation and straight lines in turn, at random, of 20,000 people and more, each of
    which may have up to four times its baseline. The last is in two halves where `split`."""
    rng = np.random.default_rng(seed)
    people, base = rng.integers(2, 9, count) * 1e4, rng.dirichlet(np.full(count, 9.0)) * 0.9
    need, slope, scale = np.round(people * rng.uniform(0.8, 1.3, count)), *rng.uniform([1, 0.5], [4, 1.5], (count, 2)).T
    share = np.ones(count)
    if split:
        people, base, need, slope, scale, share = (
            np.append(each, each[-1]) for each in (people, base, need, slope, scale, share)
        )
        share[-2:] = 0.5
    shapes = [*range(count), count - 1]
    reference, unit = scale * money / count, 1e4 / money
    curves = [
        [{"shape": "power", "exponent": 0.5, "reference": part * b, "slope": unit * s},
         {"shape": "saturation", "reference": part * 2 * b, "ceiling": part * 2 * unit * s * b},
         {"shape": "linear", "slope": unit * s}][shape % 3]
        for shape, part, b, s in zip(shapes, share.tolist(), reference.tolist(), slope.tolist(), strict=False)
    ]  # fmt: skip
    lines = [{"baseline": part * round(b * money), "high": part * 4 * round(b * money)}
             for part, b in zip(share.tolist(), base.tolist(), strict=True)]  # fmt: skip
    heads, wants = (people * share).tolist(), (need * share).tolist()
    return places(curves, heads, money, rules, wants, lines, names)


def tail(values: Array, people: Array, part: float) -> float:
    """The mean of the worst-off part of people, one person-sized step at a time."""
    order = np.argsort(values)
    share = (people / people.sum())[order]
    taken = np.minimum(np.cumsum(share), part) - np.minimum(np.cumsum(share) - share, part)
    return float(taken @ values[order]) / part


__all__ = ["PLACES", "aim", "mixed", "places", "spent", "straight", "tail"]
