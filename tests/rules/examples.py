"""One or more worked rules of every kind, set in scenarios/tiny so that they bind: what the contract suite runs over.

A kind of rule without an example here fails the suite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import allocate as al
from allocate.rules.kinds import Binding
from allocate.scenario.rulebook import KINDS
from tests.scenario.breaking import add, put

Fields = dict[str, Any]
EACH = ("line", "partner", "place", "programme", "envelope", "year")
NORTH_PREVENTION = {"programmes": ["prevention"], "places": ["north"]}
NORTH_CARE = {"programmes": ["care"], "places": ["north"]}
SOUTH = {"places": ["south"]}
CORE = {"envelopes": ["core"]}
SOUTH_CARE = {"programmes": ["care"], "places": ["south"]}


@dataclass(frozen=True)
class Example:
    """A rule that binds, and how it moves.

    `fields` are as rules.toml holds them. `figure` is the field that moves, from `eased` over the value in `fields` to
    `tighter`: every step costs outcome. `words` are what its sentence must say. `impossible` are fields no plan can
    meet. `nonsense` is a value of the figure that nobody can mean. `base` is changed in tiny first.
    """

    kind: str
    fields: Fields
    figure: str
    eased: float
    tighter: float
    words: tuple[str, ...]
    impossible: Fields
    nonsense: float
    base: Mapping[str, Any] = field(default_factory=dict)
    everywhere: Fields = field(default_factory=lambda: {"where": {"programmes": ["care", "prevention"]}})
    """fields under which it covers every group of every `each`"""
    eaches: tuple[str, ...] = EACH
    """what it may hold for each of"""
    by_line: bool = False
    """whether it has limits for every line it covers, in whatever groups"""

    def scenario(self, tiny: al.Scenario, **moved: Any) -> al.Scenario:
        """Tiny with this rule, some of its fields moved."""
        return self.ground(tiny).change({"rules.example": self.fields | moved})

    def ground(self, tiny: al.Scenario) -> al.Scenario:
        """Tiny as the example wants it, without its rule."""
        return tiny.change(self.base) if self.base else tiny

    def longer(self, folder: Path) -> al.Scenario:
        """The same ground over two years, in a folder that holds a copy of tiny."""
        return two_years(folder)

    @property
    def aims(self) -> bool:
        """Whether it is an aim: it has no limits, asks for nothing that is out of reach, and its figures may be left
        out; the plan shows floors under places instead."""
        return not issubclass(KINDS[self.kind], Binding)

    @property
    def opens(self) -> bool:
        """Whether it says 'may': it has no limits, and what it opens only helps."""
        return KINDS[self.kind].deontic == "may"

    def between(self, part: float) -> float:
        """The figure part of the way from eased to tighter."""
        return self.eased + part * (self.tighter - self.eased)

    def __str__(self) -> str:
        return f"{self.kind}-{self.figure}-{self.fields.get('measure', self.fields.get('outcome', 'spend'))}"


def of(kind: str, figure: str, **told: Any) -> Example:
    fields, impossible = told.pop("fields"), told.pop("impossible")
    common = {"kind": kind, "owner": "board"}
    return Example(kind=kind, figure=figure, fields=common | fields, impossible=common | impossible, **told)


EXAMPLES: tuple[Example, ...] = (
    of(
        "floor", "amount", fields={"where": NORTH_PREVENTION, "amount": 70_000.0}, eased=62_000.0, tighter=90_000.0,
        words=("Prevention", "North", "at least £70,000"), nonsense=-1.0,
        impossible={"where": NORTH_PREVENTION, "amount": 100_001.0},
    ),
    of(
        "floor", "amount", fields={"where": SOUTH_CARE, "measure": "health", "amount": 1_010.0},
        eased=1_003.0, tighter=1_060.0, words=("Years of good health gained on Care in South", "at least 1,010"),
        nonsense=-5.0, impossible={"where": SOUTH_CARE, "measure": "health", "amount": 1_300.0},
    ),
    of(
        "cap", "amount", fields={"where": NORTH_CARE, "amount": 350_000.0}, eased=390_000.0, tighter=300_000.0,
        words=("Care", "North", "at most £350,000"), nonsense=-1.0,
        impossible={"where": NORTH_CARE, "amount": 284_999.0},
    ),
    of(
        "cap", "amount", fields={"where": NORTH_CARE, "measure": "health", "amount": 780.0}, eased=795.0, tighter=700.0,
        words=("Care", "North", "at most 780"), nonsense=-1.0,
        impossible={"where": NORTH_CARE, "measure": "health", "amount": 100.0},
    ),
    of(
        "keep", "amount", eased=390_000.0, tighter=300_000.0,
        fields={"where": NORTH_CARE, "amount": 350_000.0, "reason": "The new ward opens in May.", "by": "The Trust"},
        words=("Care", "North", "is kept at £350,000"), nonsense=-1.0,
        impossible={"where": NORTH_CARE, "amount": 284_999.0},
    ),
    of(
        "share", "at_most", fields={"where": SOUTH_CARE, "of": {"programmes": ["care"]}, "at_most": 0.54},
        eased=0.55, tighter=0.52, words=("Care in South", "at most 54% of spending on Care"), nonsense=54.0,
        impossible={"where": SOUTH_CARE, "of": {"programmes": ["care"]}, "at_most": 0.4},
    ),
    of(
        "share", "at_least", fields={"where": NORTH_CARE, "at_least": 0.42, "at_most": 0.9}, eased=0.405, tighter=0.44,
        words=("Care in North", "at least 42% and at most 90% of all spending"), nonsense=-0.1,
        impossible={"where": NORTH_CARE, "at_least": 0.6},
    ),
    of(
        "share", "at_least", fields={"where": NORTH_CARE, "of": NORTH_PREVENTION, "at_least": 7.0},
        eased=6.8, tighter=7.4,
        words=("Care in North", "at least 7 times spending on Prevention in North"), nonsense=-7.0,
        impossible={"where": NORTH_CARE, "of": NORTH_PREVENTION, "at_least": 8.0},
    ),
    of(
        "band", "up", fields={"where": NORTH_CARE, "each": "line", "up": 0.2}, eased=0.3, tighter=0.05,
        words=("Spending on Care in North", "must not rise by more than 20%", "baseline"), nonsense=20.0,
        impossible={"where": NORTH_PREVENTION, "up": 0.3},
    ),
    of(
        "band", "down", fields={"where": SOUTH_CARE, "down": 0.05, "up": 0.5}, eased=0.08, tighter=0.01,
        words=("Care in South", "must not fall by more than 5% or rise by more than 50%"), nonsense=5.0,
        impossible={"where": {"programmes": ["care"]}, "down": 0.01},
        base={"rules.steady-care": None, "envelopes.core": 780_000.0},
    ),
    of(
        "growth", "at_least", fields={"where": NORTH_PREVENTION, "at_least": 0.4}, eased=0.35, tighter=0.9,
        words=("Prevention in North", "grow by at least 40% a year"), nonsense=4.4,
        impossible={"where": {"programmes": ["prevention"]}, "at_least": 0.5},
    ),
    of(
        "ring-fence", "at_least", fields={"where": CORE, "only": {"places": ["south"]}, "at_least": 0.6},
        eased=0.57, tighter=0.66, words=("At least 60% of Core money must be spent in South",), nonsense=60.0,
        impossible={"where": CORE, "only": {"places": ["south"]}, "at_least": 0.7},
    ),
    of(
        "reach", "amount", fields={"where": SOUTH, "outcome": "health", "amount": 1_075.0},
        eased=1_065.0, tighter=1_100.0, words=("Years of good health gained in South must reach at least 1,075",),
        nonsense=-5.0, impossible={"where": SOUTH, "outcome": "health", "amount": 1_300.0},
    ),
    of(
        "reach", "more", fields={"where": SOUTH, "outcome": "health", "more": 15.0}, eased=5.0, tighter=40.0,
        words=("gained in South must be at least 15 more than today's spending buys",), nonsense=-5.0,
        impossible={"where": SOUTH, "outcome": "health", "more": 250.0},
    ),
    of(
        "match", "at_least", fields={"where": NORTH_CARE, "of": SOUTH_CARE, "at_least": 0.85},
        eased=0.82, tighter=0.93, nonsense=-0.5,
        words=("For every £1 spent on Care in South, at least 85p must be spent on Care in North",),
        impossible={"where": NORTH_CARE, "of": SOUTH_CARE, "at_least": 1.0},
        everywhere={"where": {"programmes": ["care"]}, "of": {"programmes": ["prevention"]}},
    ),
    of(
        "converge", "pace", fields={"where": {"programmes": ["care"]}, "pace": 0.5}, eased=0.45, tighter=0.54,
        words=("In each place, spending on Care", "close at least 50% of its opening distance", "fair share by need"),
        nonsense=25.0, impossible={"where": {"programmes": ["care"]}, "pace": 0.9},
        base={"places.north.need": 5500, "places.south.need": 4500}, eaches=(),
    ),
    of(
        "gap", "within", fields={"where": {"programmes": ["care"]}, "within": 0.07}, eased=0.1, tighter=0.03,
        words=("In each place, spending on Care for each person", "within 7% of the average"), nonsense=7.0,
        impossible={"where": {"programmes": ["prevention"]}, "within": 0.3}, eaches=(),
    ),
    of(
        "gap", "within", fields={"where": {"programmes": ["care"]}, "measure": "health", "by": "need", "within": 0.02},
        eased=0.03, tighter=0.01, nonsense=0.0, eaches=(), base={"places.north.need": 4300, "places.south.need": 5700},
        words=("In each place, years of good health gained on Care for each person counted by need", "within 2%"),
        impossible={"where": {"programmes": ["prevention"]}, "within": 0.3},
    ),
    of(
        "ratio", "at_most", fields={"where": {"programmes": ["care"]}, "at_most": 1.1}, eased=1.16, tighter=1.02,
        words=("In each place, spending on Care for each person", "at most 1.1 times that in any other place"),
        nonsense=0.9, impossible={"where": {"programmes": ["prevention"]}, "at_most": 1.3}, eaches=(),
    ),
    of(
        "ratio", "at_most", eased=1.16, tighter=1.02,
        fields={"where": {"programmes": ["care"]}, "measure": "health", "at_most": 1.1},
        words=("In each place, years of good health gained on Care for each person", "at most 1.1 times"),
        nonsense=1.0, impossible={"where": {"programmes": ["prevention"]}, "at_most": 1.3}, eaches=(),
    ),
    of(
        "gini", "at_most", fields={"where": {"programmes": ["care"]}, "at_most": 0.02}, eased=0.03, tighter=0.005,
        words=("The Gini index of spending on Care for each person", "must be at most 0.02"), nonsense=-0.1,
        impossible={"where": {"programmes": ["prevention"]}, "at_most": 0.15}, eaches=(),
    ),
    of(
        "gini", "at_most", eased=0.03, tighter=0.01, nonsense=0.0, eaches=(),
        fields={"where": {"programmes": ["care"]}, "measure": "health", "at_most": 0.02},
        words=("The Gini index of years of good health gained on Care for each person", "must be at most 0.02"),
        impossible={"where": {"programmes": ["prevention"]}, "measure": "health", "at_most": 0.1},
    ),
    of(
        "hoover", "at_most", fields={"where": {"programmes": ["care"]}, "at_most": 0.02}, eased=0.03, tighter=0.005,
        words=("Spending on Care must be so even that at most 2% of it would have to move", "same for each person"),
        nonsense=2.0, impossible={"where": {"programmes": ["prevention"]}, "at_most": 0.15}, eaches=(),
    ),
    of(
        "hoover", "at_most", eased=0.0135, tighter=0.003, nonsense=0.0, eaches=(),
        base={"places.north.need": 4300, "places.south.need": 5700},
        fields={"where": {"programmes": ["care"]}, "measure": "health", "by": "need", "at_most": 0.01},
        words=("Years of good health gained on Care must be so even that at most 1%", "person counted by need"),
        impossible={"where": {"programmes": ["prevention"]}, "measure": "health", "at_most": 0.1},
    ),
    of(
        "palma", "at_most", fields={"where": {"programmes": ["care"]}, "at_most": 0.27}, eased=0.285, tighter=0.255,
        words=("Of spending on Care, the best-off 10% of people must hold at most 0.27 times what the worst-off 40%",),
        nonsense=0.2, impossible={"where": {"programmes": ["prevention"]}, "at_most": 0.3}, eaches=(),
    ),
    of(
        "palma", "at_most", eased=0.58, tighter=0.52, nonsense=0.5, eaches=(),
        fields={"where": {"programmes": ["care"]}, "measure": "health", "at_most": 0.56, "top": 0.3, "bottom": 0.6},
        words=("Of years of good health gained on Care, the best-off 30% of people", "0.56 times", "worst-off 60%"),
        impossible={
            "where": {"programmes": ["prevention"]}, "measure": "health", "at_most": 0.6, "top": 0.3, "bottom": 0.6
        },
    ),
    of(
        "per-head", "at_least", fields={"where": {"programmes": ["care"]}, "at_least": 86.5}, eased=84.0, tighter=89.0,
        words=("In each place, spending on Care for each person must be at least £86.50",), nonsense=-1.0,
        impossible={"where": {"programmes": ["care"]}, "at_least": 91.0}, eaches=(),
    ),
    of(
        "per-head", "at_most", fields={"where": {"programmes": ["care"]}, "at_least": 80.0, "at_most": 95.0},
        eased=98.0, tighter=91.0, nonsense=-1.0, eaches=(),
        words=("In each place, spending on Care for each person must be at least £80 and at most £95",),
        impossible={"where": {"programmes": ["care"]}, "at_most": 70.0},
    ),
    of(
        "per-head", "at_least", eased=0.1765, tighter=0.181, nonsense=-1.0, eaches=(),
        base={"places.north.need": 4300, "places.south.need": 5700},
        fields={"where": {"programmes": ["care"]}, "measure": "health", "by": "need", "at_least": 0.178},
        words=("years of good health gained on Care for each person counted by need must be at least 0.178",),
        impossible={"where": {"programmes": ["care"]}, "measure": "health", "by": "need", "at_least": 0.2},
    ),
)  # fmt: skip


def two_years(folder: Path) -> al.Scenario:
    """Tiny over two years, the second with a twentieth more money, in a folder that holds a copy of tiny."""
    put("scenario.toml", '["2026/27"]', '["2026/27", "2027/28"]')(folder)
    for name in ("lines", "curves", "envelopes"):
        rows = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]
        again = "".join(row.replace("2026/27", "2027/28") + "\n" for row in rows)
        add(f"{name}.csv", again.replace("900000", "945000").replace("council,100000", "council,105000"))(folder)
    return al.read(folder)


ONE_PLACE: Fields = {"where": {"places": ["north"]}}
"""What no aim can mean."""
TAILS: Fields = {"tails": [{"part": 0.2, "weight": 3.0}, {"part": 1.0, "weight": 1.0}]}

AIMS: tuple[Example, ...] = (
    of(
        "balanced", "strength", fields={"strength": 2.0}, eased=0.5, tighter=5.0, nonsense=-1.0, eaches=(),
        words=("What each person gains since today must be balanced between places, strongly (strength 2)",),
        impossible=ONE_PLACE,
    ),
    of(
        "balanced", "give_up", fields={"strength": 2.0, "view": "spend", "give_up": 0.05}, eased=0.01, tighter=0.1,
        words=("Spending for each person must be balanced", "giving up at most 5% of the best gain"), nonsense=-0.1,
        impossible=ONE_PLACE, eaches=(),
    ),
    of(
        "worst-off", "part", fields={"view": "level", "part": 0.8}, eased=0.95, tighter=0.5, nonsense=-0.1, eaches=(),
        words=("as high as it can be for the worst-off 80% of people",),
        impossible=ONE_PLACE,
    ),
    of(
        "worst-off", "give_up", fields={"view": "level", "part": 0.0, "give_up": 0.05}, eased=0.01, tighter=0.1,
        words=("What each person has of the agreed outcome must be as high as it can be in the worst-off place",),
        nonsense=1.1, impossible=ONE_PLACE, eaches=(),
    ),
    of(
        "bottom-up", "give_up", fields={"view": "own-best", "give_up": 0.05}, eased=0.01, tighter=0.1, nonsense=-0.1,
        words=("Each place's part of the most that it could gain must be raised from the bottom up", "at most 5%"),
        impossible=ONE_PLACE, eaches=(),
    ),
    of(
        "weighted", "aversion", fields={"view": "level", "aversion": 2.0}, eased=1.0, tighter=4.0, nonsense=-1.0,
        words=("as high as it can be on average, counting need to the power of 2",), impossible=ONE_PLACE, eaches=(),
    ),
    of(
        "weighted", "give_up", fields={"view": "level", "aversion": 9.0, "give_up": 0.05}, eased=0.01, tighter=0.1,
        words=("counting need to the power of 9, giving up at most 5% of the best gain",), impossible=ONE_PLACE,
        nonsense=-0.1, eaches=(),
    ),
    of(
        "tails", "give_up", eased=0.01, tighter=0.1, nonsense=2.0, eaches=(), impossible=ONE_PLACE | TAILS,
        fields=TAILS | {"view": "spend", "give_up": 0.05},
        words=("counting the worst-off 20% of people 3 and the worst-off 100% of people 1, giving up at most 5%",),
    ),
)  # fmt: skip
"""Aims cost outcome as their figures ask for more, as limits do, but in whole steps where they end."""

# Made of the same class, and so not before it.
from tests.rules.examples_choices import MORE  # noqa: E402

EXAMPLES += MORE + AIMS
