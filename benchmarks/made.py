"""Made-up, seeded data for the engine's own declaration: a size (systems of places) and a shape (what rules there are).

plain      money by system and year, money moved from a year to the next, a concave curve in slices for every line
joined     the same, where the last two programmes of a place feed one curve together
shares     plain, with a share of the system's money for every place and programme group, and a floor under gains
fairness   plain, with every place's spending per head near its system's: a row for each place
pairs      plain, with every two places' spending per head near one another: a row for each pair
integers   plain, with a minimum viable scale on an eighth of the lines: nothing, or enough
clash      plain, with floors under every place beyond the money: there is no solution
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from allocate.compiler import Positions
from allocate.engine.model import DENSE, Figures, Sets, figures, rule_places
from allocate.engine.optimum import must_order
from allocate.engine.problem import Problem
from allocate.rules.kinds import Reserve, Virement
from allocate.scenario.scenario import Scenario

Array = np.ndarray
PLACES, PROGRAMMES, YEARS, SLICES, GROUPS = 8, 16, 3, 6, 3
OVER = {
    "OWN": ("LINES",), "CHOICES": ("LINES",), "JOINED": ("CURVES",), "MEASURED": ("LINES",),
    "OWN_OF": ("LINES", "OWN"), "SOLE_OF": ("LINES", "CURVES"), "LINES_OF": ("ENVELOPES", "LINES"),
    "LEAVING": ("ENVELOPES", "ROUTES"), "ENTERING": ("ENVELOPES", "ROUTES"), "LINES_UNDER": ("CURVES", "LINES"),
    "SLICES": ("CURVES", "STEPS"), "TO_FILL": ("CURVES", "STEPS"), "LINE_FACTORS": ("TOTALS", "LINES"),
    "GAIN_FACTORS": ("TOTALS", "CURVES"), "TERMS": ("LIMITS", "TOTALS"), "SLICES_OF": ("CURVES", "STEPS"),
    "LINES_IN": ("TOTALS", "LINES"), "CURVES_IN": ("TOTALS", "CURVES"), "TOTALS_IN": ("LIMITS", "TOTALS"),
    "COUNTED": ("TOTALS",), "COLUMN_OF": ("TOTALS", "COUNTED"), "LINES_COUNTED": ("COUNTED", "LINES"),
    "CURVES_COUNTED": ("COUNTED", "CURVES"), "ROUTES_IN": ("TOTALS", "ROUTES"), "PICKS_IN": ("TOTALS", "PICKS"),
    "UNDER": ("LIMITS", "BANDS"), "UNDER_OF": ("LIMITS", "BANDS"), "OVER": ("LIMITS", "BANDS"),
    "OVER_OF": ("LIMITS", "BANDS"),
}  # fmt: skip
"""The declaration's sets whose members are positions in others, and in which."""
FAIR = 0.05
"""How far spending per head may be from the system's."""


@dataclass(frozen=True, eq=False)
class Data:
    """How many members the declaration's plain sets have, positions of the members of others, and the figures."""

    sizes: dict[str, int]
    places: dict[str, Array]
    figures: Figures
    shape: str = "a scenario"
    grid: tuple[int, ...] = ()
    """systems, places, programmes and years, of which every line has one each"""
    some: dict[str, Array] = field(default_factory=dict)
    """what a lever moves: the curves of an aim ('weight'), of a place ('need') and of a programme ('curve'); the limits
    of a rule ('switch')"""

    @property
    def slices(self) -> int:
        return len(self.places["SLICES"])

    @property
    def members(self) -> dict[str, Any]:
        """The members of the declaration's sets. What two sets have in common is given once."""
        once = {id(self.places[name]): Positions(self.places[name], over) for name, over in OVER.items()}
        plain = {name: range(size) for name, size in self.sizes.items()}
        return plain | {name: once[id(self.places[name])] for name in OVER}


class Limits(NamedTuple):
    """The limits of each system: for each term its row, its total and its coefficients; and the sides of each row.
    Rows and totals count within a system; a row of an array is a system."""

    row: Array
    total: Array
    term: Array
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Today:
    """What a system spends and gains today: everything, its places, groups of programmes, all gains; a row a system."""

    total: Array
    places: int

    @property
    def by_place(self) -> Array:
        return self.total[:, 1 : self.places + 1]

    @property
    def by_group(self) -> Array:
        return self.total[:, self.places + 1 : -1]


def plain(scenario: Scenario) -> Scenario:
    """The scenario with every rule firm and none on what moves: neither is written out by hand."""
    firm = {f"rules.{rule.id}.bends": None for rule in scenario.rules if rule.bends}
    still = {f"rules.{rule.id}.in_force": False for rule in scenario.rules if isinstance(rule, Virement | Reserve)}
    return scenario.change(firm | still)


def of_scenario(scenario: Scenario) -> Data:
    """The data that the engine makes its model of, for the scenario made `plain`."""
    problem = Problem.of(plain(scenario))
    sets = Sets.of(problem, problem.grids, must_order(problem))
    sizes = {name: len(labels) for name, labels in sets.names.items()}
    table, owners = scenario.curves, np.array([limit.owner for limit in problem.limits])
    some = {
        name: np.flatnonzero(table[column] == table[column].iloc[0])
        for name, column in (("weight", "outcome"), ("need", "place"), ("curve", "programme"))
    }
    names, counts = np.unique(owners, return_counts=True)
    some["switch"] = np.flatnonzero(owners == names[np.argmax(counts)])
    places = {name: sets.places[name].rows for name in OVER}
    return Data(sizes, places, figures(problem, problem.grids), some=some)


def made(shape: str, systems: int, places: int = PLACES) -> Data:
    """Made-up data of so many systems, in which today's spend keeps every rule but those that clash."""
    rng = np.random.default_rng(20_261_122)
    grid = systems, places, PROGRAMMES, YEARS
    system, place, programme, year = np.unravel_index(np.arange(int(np.prod(grid))), grid)
    baseline = rng.uniform(1.0, 10.0, len(system))
    feeds = programme.clip(max=PROGRAMMES - 2) if shape == "joined" else programme
    curve = np.unique(np.ravel_multi_index((system, place, feeds, year), grid), return_inverse=True)[1]
    choice = np.flatnonzero(programme % 8 == 3) if shape == "integers" else np.array([], dtype=int)
    figures = _money(rng, baseline, system * YEARS + year, choice) | _curves(rng, np.bincount(curve, baseline))
    _from_nothing(figures, baseline, choice, curve)
    sets = _money_sets(system * YEARS + year, systems) | _curve_sets(curve, choice)
    sizes = {
        "LINES": len(system), "CURVES": int(curve.max()) + 1, "ENVELOPES": systems * YEARS,
        "ROUTES": len(sets["LEAVING"]), "TOTALS": 0, "LIMITS": 0, "AIM": 0, "STEPS": SLICES,
        "PICKS": 0, "BANDS": 0,
    }  # fmt: skip
    totals, factor, today = _totals(rng, (system, place, programme), (systems, places), figures)
    limits = SHAPES[shape](today, rng)
    if limits is not None:
        sizes |= {"TOTALS": today.total.size, "LIMITS": limits.low.size}
        terms = _everywhere(limits, today.total.shape[1])
        sets |= _rule_sets(totals["LINE_FACTORS"], totals["GAIN_FACTORS"], terms, sets["SOLE_OF"][:, 0])
        figures |= factor | {"term": limits.term.ravel(), "limit_low": limits.low.ravel()}
        figures["limit_high"] = limits.high.ravel()
    first = programme == 0
    some = {"weight": first, "need": (system == 0) & (place == 0), "curve": first & (system == 0)}
    some = {name: np.unique(curve[mine]) for name, mine in some.items()} | {"switch": np.arange(places)}
    return Data(sizes, sets, figures, shape, grid, some)


def _money(rng: np.random.Generator, baseline: Array, envelope: Array, choice: Array) -> Figures:
    amount = 1.03 * np.bincount(envelope, baseline)
    leaving = amount.reshape(-1, YEARS)[:, :-1].ravel()
    low = 0.8 * baseline
    low[choice] = 0.0
    none = np.array([])
    return {
        "amount": amount, "low": low, "high": 1.5 * baseline, "baseline": baseline, "breadth": baseline,
        "route_high": 0.05 * leaving, "scale": 0.9 * baseline[choice], "ceiling": 1.5 * baseline[choice],
        "kept": none, "moving": none, "line_factor": none, "gain_factor": none, "term": none, "limit_low": none,
        "limit_high": none, "under_width": none, "under_price": none, "over_width": none, "over_price": none,
    }  # fmt: skip


def _curves(rng: np.random.Generator, today: Array) -> Figures:
    share = rng.uniform(0.5, 1.5, (len(today), SLICES))
    width = 0.7 * today[:, None] * share / share.sum(axis=1, keepdims=True)
    return {
        "width": width.ravel(), "slope": -np.sort(-rng.uniform(0.2, 2.0, width.shape)).ravel(),
        "start": 0.8 * today, "start_gain": rng.uniform(1.0, 5.0, len(today)),
        "weight": rng.uniform(0.5, 2.0, len(today)),
    }  # fmt: skip


def _from_nothing(figures: Figures, baseline: Array, choice: Array, curve: Array) -> None:
    """Curves of yes/no lines begin at nothing; so their slices are wider."""
    figures["width"].reshape(-1, SLICES)[curve[choice]] *= 1.5 / 0.7
    figures["start"][curve[choice]] = figures["start_gain"][curve[choice]] = 0.0


def _money_sets(envelope: Array, systems: int) -> dict[str, Array]:
    order = np.argsort(envelope, kind="stable")
    source = np.ravel(np.arange(systems)[:, None] * YEARS + np.arange(YEARS - 1))
    route = np.arange(len(source))
    return {
        "LINES_OF": _pairs(envelope[order], order),
        "LEAVING": _pairs(source, route),
        "ENTERING": _pairs(source + 1, route),
    }


def _curve_sets(curve: Array, choice: Array) -> dict[str, Array]:
    """What the engine makes of which line feeds which curve (`Sets.of`)."""
    lines, curves = np.arange(len(curve)), np.arange(curve.max() + 1)
    alone = (np.bincount(curve) == 1)[curve]
    alone[choice] = False
    own, order, none = lines[~alone], np.argsort(curve, kind="stable"), np.empty((0, 2), dtype=int)
    slices = _pairs(np.repeat(curves, SLICES), np.tile(np.arange(SLICES), len(curves)))
    return _rule_sets(none, none, none, none[:, 0]) | {
        "OWN": own, "OWN_OF": _pairs(own, np.arange(len(own))), "SOLE_OF": _pairs(lines[alone], curve[alone]),
        "CHOICES": choice, "JOINED": np.setdiff1d(curves, curve[alone]), "MEASURED": np.array([], dtype=int),
        "LINES_UNDER": _pairs(curve[order], lines[order]),
        "SLICES": slices, "SLICES_OF": slices, "TO_FILL": none,
    }  # fmt: skip


def _rule_sets(lines: Array, curves: Array, terms: Array, sole: Array) -> dict[str, Array]:
    """What the engine makes of totals and limits; large totals that many limits name have columns."""
    count, entries = int(terms[:, 1].max(initial=-1)) + 1, np.ones(int(lines[:, 1].max(initial=-1)) + 1)
    entries[sole[sole < len(entries)]] = SLICES
    count = max(count, int(lines[:, 0].max(initial=-1)) + 1, int(curves[:, 0].max(initial=-1)) + 1)
    size = np.bincount(lines[:, 0], entries[lines[:, 1]], minlength=count)
    counted = (np.bincount(terms[:, 1], minlength=count) - 1) * size > DENSE
    return {name: each.rows for name, each in rule_places(lines, curves, terms, counted).items()}


def _pairs(one: Array, other: Array) -> Array:
    """A row a pair; in memory a column after the other, as the engine makes them."""
    return np.array([one, other]).T


def _totals(
    rng: np.random.Generator, of: tuple[Array, Array, Array], counts: tuple[int, int], figures: Figures
) -> tuple[dict[str, Array], Figures, Today]:
    """The totals of every system, what they count, and what they are today."""
    (system, place, programme), (systems, places) = of, counts
    size, lines, gains = places + GROUPS + 2, np.arange(len(system)), _gains_today(figures)
    total = np.concatenate([size * system + kind for kind in (0, 1 + place, 1 + places + programme % GROUPS)])
    factor = np.concatenate([np.ones(2 * len(lines)), rng.uniform(0.5, 1.5, len(lines))])
    order = np.argsort(total, kind="stable")
    total, factor, line = total[order], factor[order], np.tile(lines, 3)[order]
    today = np.bincount(total, factor * figures["baseline"][line], minlength=systems * size).reshape(systems, size)
    each = np.repeat(np.arange(systems), len(gains) // systems)
    today[:, -1] = np.bincount(each, gains)
    sets = {"LINE_FACTORS": _pairs(total, line), "GAIN_FACTORS": _pairs(size * each + size - 1, np.arange(len(gains)))}
    return sets, {"line_factor": factor, "gain_factor": np.ones(len(gains))}, Today(today, places)


def _gains_today(figures: Figures) -> Array:
    """What each curve gives for today's spend, which is what its slices leave of 1.5 times that."""
    width, slope = (figures[name].reshape(-1, SLICES) for name in ("width", "slope"))
    most = figures["start"] + width.sum(axis=1)
    spent = (most / 1.5 - figures["start"])[:, None]
    return figures["start_gain"] + (slope * np.clip(spent - np.cumsum(width, axis=1) + width, 0.0, width)).sum(axis=1)


def _everywhere(limits: Limits, totals: int) -> Array:
    """The terms of the limits of every system."""
    systems, rows = limits.low.shape
    base = np.arange(systems)[:, None]
    return _pairs(np.ravel(base * rows + limits.row), np.ravel(base * totals + limits.total))


def _shares(today: Today, rng: np.random.Generator) -> Limits:
    """At least a share of the system's money for each place, at most one for each group, and a floor under gains."""
    parts = today.places + GROUPS
    share = today.total[:, 1:-1] / today.total[:, :1]
    share *= np.where(np.arange(parts) < today.places, 0.95, 1.02)
    low, high = np.zeros_like(share), np.full_like(share, np.inf)
    low[:, today.places :], high[:, today.places :] = -np.inf, 0.0
    floor, none, one = 0.97 * today.total[:, -1:], np.full((len(share), 1), np.inf), np.ones((len(share), 1))
    term = np.concatenate([np.stack([-share, np.ones_like(share)], axis=2).reshape(len(share), -1), one], axis=1)
    return Limits(
        np.append(np.repeat(np.arange(parts), 2), parts),
        np.append(np.ravel([(0, 1 + part) for part in range(parts)]), parts + 1),
        term, np.concatenate([low, floor], axis=1), np.concatenate([high, none], axis=1),
    )  # fmt: skip


def _heads(today: Today, rng: np.random.Generator) -> Array:
    return today.by_place * rng.uniform(0.97, 1.03, today.by_place.shape)


def _fairness(today: Today, rng: np.random.Generator) -> Limits:
    heads = _heads(today, rng)
    everyone = np.broadcast_to(heads.sum(axis=1, keepdims=True), heads.shape)
    room = FAIR * today.total[:, :1] / everyone
    rows = np.repeat(np.arange(today.places), 2)
    total = np.ravel([(0, 1 + place) for place in range(today.places)])
    return Limits(rows, total, np.stack([-1 / everyone, 1 / heads], axis=2).reshape(len(heads), -1), -room, room)


def _fair_pairs(today: Today, rng: np.random.Generator) -> Limits:
    heads = _heads(today, rng)
    pairs = np.array(list(combinations(range(today.places), 2)))
    term = (np.array([1.0, -1.0]) / heads[:, pairs]).reshape(len(heads), -1)
    room = np.repeat(2 * FAIR * today.total[:, :1] / heads.sum(axis=1, keepdims=True), len(pairs), axis=1)
    return Limits(np.repeat(np.arange(len(pairs)), 2), 1 + pairs.ravel(), term, -room, room)


def _clash(today: Today, rng: np.random.Generator) -> Limits:
    rows, ones = np.arange(today.places), np.ones_like(today.by_place)
    return Limits(rows, 1 + rows, ones, 1.2 * today.by_place, np.inf * ones)


def _none(today: Today, rng: np.random.Generator) -> None:
    return None


SHAPES: dict[str, Callable[[Today, np.random.Generator], Limits | None]] = {
    "plain": _none, "joined": _none, "shares": _shares, "fairness": _fairness, "pairs": _fair_pairs,
    "integers": _none, "clash": _clash,
}  # fmt: skip
"""The limits of each shape."""
