"""Kinds of rule on how evenly something is held between places: an index of inequality is at most so much.

Each says of a plan what `allocate.rules.inequality` measures, multiplied out so that it is linear in what places hold
but for excesses, which are aids (`Tally.excess`). Places count by their people, so that to split one in two changes
nothing. What places hold must be at or above nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from allocate.errors import Problem
from allocate.rules import wording
from allocate.rules.binding import INFINITY, Fraction, gainless, year_word
from allocate.rules.inequality import EDGE
from allocate.rules.places import NOTHING, POUND, Headed, people
from allocate.rules.tally import Amount, Limit, Part, Tally
from allocate.scenario.curves import Curves
from allocate.scenario.rulebook import kind
from allocate.scenario.scenario import Scenario

Array = np.ndarray
Index = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Times = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Tail = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class Even(Headed):
    """A rule on how evenly spending, or an outcome, is held between places: a limit a year."""

    breach: ClassVar = "too uneven"
    figures: ClassVar = ("at_most",)
    reads: ClassVar = ("envelopes", "routes", "curves", "curve_points")
    at_most: float

    def limits(self, tally: Tally) -> Iterator[Limit]:
        parts, unit = tally.parts(self), tally.pound(self.measure)
        counted = people(parts, self.by, tally.scenario)
        for year, everywhere in tally.years(np.sort(np.concatenate([part.rows for part in parts]))):
            mine = [(k, now[year]) for k, part in enumerate(parts) if year in (now := dict(tally.years(part.rows)))]
            heads = counted[[k for k, _ in mine]]
            names = [f"{self.id}[{parts[k].id}.{year}]" for k, _ in mine]
            held, part = [(1 / unit) * self._body(tally, rows) for _, rows in mine], heads / heads.sum()
            body, slip = unit * self._over(tally, names, held, part), self._slip(part)
            # Where there is next to no room, whole pounds need some.
            narrow = self.measure == "spend" and self._room() * tally.baseline(everywhere) < 2 * slip
            slip = slip if narrow else 0.0
            whole = Part("", "", everywhere, parts[0].count)
            yield self._limit(tally, whole, body, -INFINITY, slip, self.measure, year_word(tally.scenario, year))

    def _over(self, tally: Tally, names: Sequence[str], held: Sequence[Amount], part: Array) -> Amount:
        """By how much the index, times what it is divided by, is more than may be; from what each place holds, in
        pounds, and its part of the people. `names` are for aids."""
        raise NotImplementedError

    def _room(self) -> float:
        """What that is below nothing, as a part of all that is held, where everybody has the same."""
        return self.at_most

    def _slip(self, part: Array) -> float:
        """The most that it is where everybody has the same but for a pound a place."""
        return POUND * (len(part) - 1)

    def _counted_between(self, scenario: Scenario) -> str:
        return f"{self._counted(scenario)}{wording.named(self.where, scenario)}"

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from self._place_problems(self.by, scenario)
        if self.measure == "spend" and self._room() >= 0:
            return
        if self.measure != "spend":
            yield from gainless(self, "at_most", self.at_most, self.measure, scenario)
            yield from self._below_nothing(scenario)
        if self._room() <= 0:
            expected = "is less than where everybody has the same"
            if self._room() == 0:
                expected = "must be more than where everybody has the same: whole pounds do not buy that of an outcome"
            yield Problem("rules.toml", expected, field=f"{self.id}.at_most", value=f"{self.at_most:.15g}")

    def _below_nothing(self, scenario: Scenario) -> Iterator[Problem]:
        """Places that may come to hold less than nothing of an outcome, where it is counted from today."""
        curves, least = Curves.of(scenario), scenario._tables["lines"]["low"].to_numpy(dtype=float)
        tally = Tally(scenario, least, curves.gain(curves.effort(least)))
        for part in tally.parts(self):
            if any(self._body(tally, now) < 0 for _, now in tally.years(part.rows)):
                expected = f"may fall below nothing in {part.name}, where it counts from today: hold spending instead"
                yield Problem("rules.toml", expected, field=f"{self.id}.measure", value=self.measure)
                return


@kind
class Gini(Even):
    """The Gini index of what places get for each person is at most so much."""

    kind: ClassVar = "gini"
    aim: ClassVar = "keep the Gini index between places within"
    at_most: Index = Field(description="the Gini index: 0 where everybody has the same, less than 1 always")

    def _over(self, tally: Tally, names: Sequence[str], held: Sequence[Amount], part: Array) -> Amount:
        # Either way round, a gap is twice its excess less itself; of itself each place is in the gaps to all others.
        gaps = [
            _sum([
                2.0 * tally.excess(f"{names[k]} over {names[j]}", held[k] * part[j] - held[j] * part[k])
                for j in range(k + 1, len(names))
            ])
            for k in range(len(names) - 1)
        ]  # fmt: skip
        before = np.cumsum(part) - part
        counts = 1 - part - 2 * before + self.at_most
        counts[np.abs(counts) < NOTHING] = 0.0
        return _sum(gaps) - _sum([count * mine for count, mine in zip(counts.tolist(), held, strict=True)])

    def sentence(self, scenario: Scenario) -> str:
        index = f"The Gini index of {self._counted_between(scenario)} {self._head}, between the places covered,"
        return f"{index} must be at most {wording.number(self.at_most)}"


@kind
class Hoover(Even):
    """At most so much of what places get would have to move for everybody to have the same."""

    kind: ClassVar = "hoover"
    aim: ClassVar = "leave to be moved, for everybody to have the same, at most"
    at_most: Fraction = Field(description="the part that would have to move between places: 0.05 for a twentieth")

    def _over(self, tally: Tally, names: Sequence[str], held: Sequence[Amount], part: Array) -> Amount:
        total = _sum(held)
        above = [tally.excess(name, mine - p * total) for name, mine, p in zip(names, held, part.tolist(), strict=True)]
        return _sum(above) - self.at_most * total

    def sentence(self, scenario: Scenario) -> str:
        moved = f"at most {wording.per_cent(self.at_most)} of it would have to move between the places covered"
        counted = wording.capital(self._counted_between(scenario))
        return f"{counted} must be so even that {moved} to be the same {self._head}"


@kind
class Palma(Even):
    """What the best-off people hold is at most so many times what the worst-off hold: the Palma ratio, or another."""

    kind: ClassVar = "palma"
    aim: ClassVar = "keep what the best-off hold, against the worst-off, within"
    at_most: Times = Field(description="how many times what the worst-off hold: top / bottom where all have the same")
    top: Tail = Field(0.1, description="the part of all people who are the best-off: 0.1 for a tenth")
    bottom: Tail = Field(0.4, description="the part of all people who are the worst-off")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.top + self.bottom > 1 + EDGE:
            raise ValueError(f"top {self.top:g} and bottom {self.bottom:g} overlap: together they are at most 1")
        return self

    def _room(self) -> float:
        return self.at_most * self.bottom - self.top

    def _slip(self, part: Array) -> float:
        best, worst = (min(len(part) - 1, size / float(part.min())) for size in (self.top, self.bottom))
        return POUND * (best + self.at_most * worst)

    def _over(self, tally: Tally, names: Sequence[str], held: Sequence[Amount], part: Array) -> Amount:
        best = _best(tally, [f"{name} best" for name in names], held, part, self.top)
        others = _best(tally, [f"{name} others" for name in names], held, part, 1 - self.bottom)
        return best - self.at_most * (_sum(held) - others)

    def sentence(self, scenario: Scenario) -> str:
        best, worst = (wording.per_cent(part) for part in (self.top, self.bottom))
        same = wording.number(float(f"{self.top / self.bottom:.3g}"))
        counted = "" if self.by == "population" else " counted by need"
        return (
            f"Of {self._counted_between(scenario)}, the best-off {best} of people{counted} must hold at most "
            f"{wording.number(self.at_most)} times what the worst-off {worst} hold ({same} if all have the same)"
        )


def _best(tally: Tally, names: Sequence[str], held: Sequence[Amount], part: Array, size: float) -> Amount:
    """What the best-off `size` of people hold, a place at the edge counted with as many as belong to them: the least
    over t of t + Σ (heldᵢ − pᵢ t / size)⁺ (Rockafellar and Uryasev, Journal of Risk 2, 2000)."""
    edge = tally.aid(f"{names[0]} edge", partial(_edge, held, part, size))
    above = [
        tally.excess(name, mine - p / size * edge) for name, mine, p in zip(names, held, part.tolist(), strict=True)
    ]
    return edge + _sum(above)


def _edge(held: Sequence[float], part: Array, size: float) -> float:
    """What the place at the edge of the best-off `size` of people has, times their part of all people."""
    values = np.array(held) / part
    order = np.argsort(-values, kind="stable")
    at = int(np.searchsorted(np.cumsum(part[order]), size - EDGE))
    return float(size * values[order][min(at, len(order) - 1)])


def _sum(amounts: Sequence[Amount]) -> Amount:
    total = amounts[0]
    for amount in amounts[1:]:
        total = total + amount
    return total


__all__ = ["Gini", "Hoover", "Palma"]
