"""Worked rules of the kinds about money itself and of those that own choices, as `tests.rules.examples` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import allocate as al
from tests.rules.examples import Example, Fields
from tests.scenario.breaking import add

ROUTE = {"id": "pooled", "source": "core", "target": "grant", "high": 80_000.0, "authority": "agreed"}


def routed(tiny: al.Scenario, high: float = 80_000.0) -> al.Scenario:
    """Tiny with a route from Core money to the Prevention grant."""
    routes = pd.DataFrame([ROUTE | {"year": year, "high": high} for year in tiny.years])
    told = pd.DataFrame([{"figure": "routes.*.high", "status": "assumed", "source": "made-up", "note": ""}])
    evidence = pd.concat([tiny._tables["evidence"], told.set_axis([99])]).sort_values("figure")
    rows = routes.set_axis(range(2, 2 + len(routes)))[list(tiny._tables["routes"].columns)]
    return al.Scenario(tiny.heading, tiny.rules, dict(tiny._tables) | {"routes": rows, "evidence": evidence})


@dataclass(frozen=True)
class Routed(Example):
    """An example over tiny with a route from Core money to the Prevention grant, as far open as `high` says."""

    high: float = 80_000.0

    def ground(self, tiny: al.Scenario) -> al.Scenario:
        scenario = routed(tiny, self.high)
        return scenario.change(self.base) if self.base else scenario

    def longer(self, folder: Path) -> al.Scenario:
        add("evidence.csv", "routes.*.high,assumed,made-up,\n")(folder)
        rows = "".join(f"pooled,{year},core,grant,{self.high},agreed\n" for year in ("2026/27", "2027/28"))
        (folder / "routes.csv").write_text("id,year,source,target,high,authority\n" + rows, encoding="utf-8")
        return super().longer(folder)


def of(kind: str, figure: str, make: type[Example] = Example, **told: Any) -> Example:
    fields, impossible = told.pop("fields"), told.pop("impossible")
    common: Mapping[str, Any] = {"kind": kind, "owner": "board"}
    return make(kind=kind, figure=figure, fields=common | fields, impossible=common | impossible, **told)


CORE: Fields = {"where": {"envelopes": ["core"]}}

FLOWS: tuple[Example, ...] = (
    of(
        "virement", "amount", Routed, fields=CORE | {"amount": 20_000.0}, eased=30_000.0, tighter=5_000.0,
        words=("Money moved out of or into Core money", "at most £20,000"), nonsense=-1.0,
        impossible={"amount": 2_000.0}, everywhere={"where": {"envelopes": ["core", "grant"]}},
        eaches=("partner", "envelope"), base={"rules.prevention-north.amount": 103_000.0},
    ),
    of(
        "reserve", "amount", Routed, fields=CORE | {"amount": 50_000.0}, eased=20_000.0, tighter=120_000.0,
        words=("At least £50,000 of Core money", "left unspent"), nonsense=-1.0,
        impossible=CORE | {"amount": 900_001.0},
        everywhere={"where": {"partners": ["board", "council"]}}, eaches=("partner", "envelope"),
    ),
    of(
        "open", "amount", Routed, fields={"route": "pooled", "amount": 10_000.0},
        eased=15_000.0, tighter=2_000.0,
        words=("Up to £10,000 may move from Core money to the Prevention grant",), nonsense=-1.0,
        impossible={"route": "pooled", "amount": 900_001.0}, everywhere={}, eaches=(), high=0.0,
        base={"rules.prevention-north.amount": 80_000.0},
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Whole(Example):
    """An example whose figure counts: it moves from whole number to whole number."""

    def between(self, part: float) -> float:
        return round(super().between(part))


NORTH: Fields = {"programmes": ["prevention"], "places": ["north"]}
SOUTH: Fields = {"programmes": ["prevention"], "places": ["south"]}
LOW_FLOOR = {"rules.prevention-north.amount": 30_000.0}
LOWER_FLOOR = {"rules.prevention-north.amount": 48_000.0}

CHOICES: tuple[Example, ...] = (
    of(
        "start", "amount", fields={"where": SOUTH, "amount": 62_000.0}, eased=55_000.0, tighter=69_000.0,
        words=("Prevention in South", "must be nothing, or at least £62,000"), nonsense=0.0, base=LOW_FLOOR,
        impossible={"where": SOUTH, "amount": 100_001.0},
    ),
    of(
        "either", "amount", eased=55_000.0, tighter=75_000.0, nonsense=0.0, base=LOW_FLOOR,
        fields={"where": NORTH, "amount": 65_000.0, "other": SOUTH, "other_amount": 90_000.0},
        words=("Either spending on Prevention in North", "at least £65,000", "or spending", "at least £90,000"),
        impossible={"where": NORTH, "amount": 100_001.0, "other": SOUTH, "other_amount": 90_000.0},
    ),
    of(
        "either", "other_amount", eased=55_000.0, tighter=69_000.0, nonsense=0.0, base=LOW_FLOOR,
        fields={"where": NORTH, "amount": 95_000.0, "other": SOUTH, "other_amount": 65_000.0, "only_one": False},
        words=("Either spending on Prevention in North", "at least £95,000", "or spending", "at least £65,000"),
        impossible={"where": NORTH, "amount": 95_000.0, "other": SOUTH, "other_amount": 1e6},
    ),
    of(
        "prerequisite", "amount", eased=55_000.0, tighter=80_000.0, nonsense=0.0, base=LOW_FLOOR,
        fields={"where": {"programmes": ["care"], "places": ["south"]}, "needs": NORTH, "amount": 65_000.0},
        words=("Care in South is allowed only once spending on Prevention in North is at least £65,000",),
        impossible={"where": {"programmes": ["care"]}, "needs": NORTH, "amount": 100_001.0},
    ),
    of(
        "moves", "at_most", Whole, fields={"at_most": 2}, eased=3, tighter=1, nonsense=-1, base=LOWER_FLOOR,
        words=("At most 2 lines may change from the baseline",), by_line=True,
        impossible={"at_most": 0, "beyond": 1_000.0},
    ),
    of(
        "moves", "beyond", fields={"at_most": 1, "beyond": 3_500.0}, eased=4_500.0, tighter=0.0, nonsense=-1.0,
        words=("At most 1 line may change by more than £3,500 from the baseline",), by_line=True, base=LOWER_FLOOR,
        impossible={"at_most": 0, "beyond": 1_000.0},
    ),
)  # fmt: skip

MORE = FLOWS + CHOICES
