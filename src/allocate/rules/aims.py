"""Aims: what the plan is best for, where partners agreed on more than the most benefit for the money.

An aim is a view (what each place is seen to have), a shape (how much more a gain counts to those who have less) and
what may be given up for it. It stands in the rule book as any rule does, with who proposed it, who agreed and until
when; its price is what it is of any rule. One at most is in force. Every aim weighs places by their people.

A shape says itself to a kit in a few lines, on one primitive: a concave worth of an amount. The words for it follow
Chen and Hooker 2023 ("A guide to formulating fairness in an optimization model", Annals of Operations Research 326).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from allocate.errors import Problem
from allocate.rules import inequality, wording
from allocate.rules.binding import SHARE, Fraction
from allocate.rules.places import Counted, people
from allocate.rules.tally import Row, Tally
from allocate.rules.views import Seen, View, apart, seen
from allocate.scenario.rulebook import Rule, kind
from allocate.scenario.scenario import Scenario

Array = np.ndarray
Strength = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
STRENGTHS = {0.5: "a little", 1.0: "in proportion", 2.0: "strongly"}
SUBJECTS: dict[View, str] = {
    "gain": "what each person gains since today", "level": "what each person has of the agreed outcome",
    "spend": "spending for each person", "fair-share": "each place's part of its fair share",
    "own-best": "each place's part of the most that it could gain",
}  # fmt: skip


class Kit(Protocol):
    """What a shape is built of. Rows add, subtract and scale; amounts are at or above nothing."""

    @property
    def values(self) -> Sequence[Row]:
        """What each place has in the view, from the least that any could have."""
        ...

    @property
    def parts(self) -> Array:
        """Each place's part of all people."""
        ...

    def amount(self) -> Row:
        """A new amount, for the shape to choose."""
        ...

    def at_least(self, row: Row) -> None:
        """The row is at or above nothing."""
        ...

    def worth(self, row: Row, weight: float = 1.0, aversion: float = 0.0) -> None:
        """The row, u, is worth its weight times (u^(1 - aversion) - 1) / (1 - aversion), ln u where aversion is 1."""
        ...

    def ladder(self) -> None:
        """The lowest value is worth the most, then the next, and so on."""
        ...


class Fair(Rule):
    """An aim: see the top of this file."""

    each: Literal["place"] = Field("place", description="always each place")
    view: View = Field(
        "gain", description="what each place is seen to have: gain, level, spend, fair-share or own-best"
    )
    by: Counted = Field("population", description="'population', or 'need' to count people by need")
    give_up: Fraction | None = Field(
        None, description="the most of the best plan's gain that may be given up for it: 0.02 for 2%; any if left out"
    )

    def shape(self, kit: Kit, seen: Seen, scenario: Scenario) -> None:
        """Say what is worth most."""
        raise NotImplementedError

    def score(self, values: Array, seen: Seen, scenario: Scenario) -> float:
        """How good values are, in their own unit: what the shape says, in numbers."""
        raise NotImplementedError

    def score_of(self, worth: float) -> float:
        """The score of what is worth so much."""
        return worth

    @property
    def positive(self) -> bool:
        """Whether it means nothing unless every place has something."""
        return False

    def least(self, score: float, parts: Array) -> float:
        """What every place has at least wherever the score is as high; nothing where that says nothing of it."""
        return 0.0

    def seen(self, tally: Tally) -> Seen:
        """What places have in the aim's view."""
        return seen(self, self.view, self.by, tally)

    def subject(self, scenario: Scenario) -> str:
        """What the aim looks at, in words: 'spending for each person on Care'."""
        need = " counted by need" if self.by == "need" and "person" in SUBJECTS[self.view] else ""
        return SUBJECTS[self.view] + need + wording.named(self.where, scenario)

    def _said(self, wish: str, scenario: Scenario) -> str:
        given = "" if self.give_up is None else f", giving up at most {wording.per_cent(self.give_up)} of the best gain"
        return f"{wording.capital(self.subject(scenario))} must be {wish}{given}"

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().problems(scenario)
        if self.bends:
            yield Problem("rules.toml", "belongs to rules with limits: an aim has none", field=f"{self.id}.bends")

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        file, where = "rules.toml", f"{self.id}.where"
        others = [rule.id for rule in scenario.rules if isinstance(rule, Fair) and rule.binds and rule.id < self.id]
        if others:
            expected = f"is a second aim beside {others[0]}: set in_force = false for one of them"
            yield Problem(file, expected, field=self.id)
        parts = apart(Tally(scenario).parts(self), scenario)
        if len(parts) < 2:
            yield Problem(file, "covers one place only: there is no other to hold it against", field=where)
        counted: Counted = "need" if self.view == "fair-share" else self.by
        for part, heads in zip(parts, people(parts, counted, scenario), strict=True):
            if not heads > 0:
                expected = f"has no {counted} in places.csv, by which the aim counts"
                yield Problem(file, expected, field=where, value=part.id)
        yield from self._view_problems(scenario)

    def _view_problems(self, scenario: Scenario) -> Iterator[Problem]:
        field = f"{self.id}.view"
        if self.view == "fair-share" and not (scenario._tables["envelopes"]["by_need"] == "yes").any():
            expected = "needs money that goes by need: no envelope in envelopes.csv has by_need = yes"
            yield Problem("rules.toml", expected, field=field, value=self.view)
        if self.view == "fair-share" and not self.seen(Tally(scenario)).over.all():
            expected = "needs money that goes by need today: those lines have no baseline"
            yield Problem("rules.toml", expected, field=field, value=self.view)
        if self.view == "level" and (scenario._tables["curves"]["shape"] == "isoelastic").any():
            expected = "means nothing where curves count from a reference (isoelastic)"
            yield Problem("rules.toml", expected, field=field, value=self.view, fix="use gain, since today")


@kind
class Balanced(Fair):
    """Gains count the more the less a place has: by Atkinson's measure, or alpha-fairness, which is the same.

    At strength 1 no change of plan would raise places by more per cent, people counted, than it lowers others (on gains
    since today that is Nash's bargain, weighted by people); as it grows, only the worst-off place counts. Atkinson 1970
    (Journal of Economic Theory 2); Mo and Walrand 2000 (IEEE/ACM Transactions on Networking 8).
    """

    kind: ClassVar = "balanced"
    aim: ClassVar = "be balanced between places in"
    figures: ClassVar = ("strength", "give_up")
    strength: Strength = Field(1.0, description="aversion to inequality: 0.5 a little, 1 in proportion, 2 strongly")

    def shape(self, kit: Kit, seen: Seen, scenario: Scenario) -> None:
        for value, part in zip(kit.values, kit.parts, strict=True):
            kit.worth(value, part, self.strength)

    @property
    def positive(self) -> bool:
        return self.strength > 0

    def score(self, values: Array, seen: Seen, scenario: Scenario) -> float:
        if not self.positive:
            return float(seen.parts @ values)
        return inequality.equally_distributed(values, seen.people, self.strength)

    def least(self, score: float, parts: Array) -> float:
        # No term of the sum that its score is a power of is above all of it.
        return score * float(parts.min()) ** (1 / (self.strength - 1)) if self.strength > 1 else 0.0

    def score_of(self, worth: float) -> float:
        if not self.positive:
            return worth
        power = 1 - self.strength
        if power == 0:
            return float(np.exp(worth))
        # What all amounts together are worth is below -1 / power where the strength is above 1: a bound need not be.
        base = 1 + power * worth
        return base ** (1 / power) if base > 0 else 0.0 if power > 0 else np.inf

    def sentence(self, scenario: Scenario) -> str:
        strength = f"strength {wording.number(self.strength)}"
        words = STRENGTHS.get(self.strength)
        return self._said(f"balanced between places{f', {words}' if words else ''} ({strength})", scenario)


@kind
class WorstOff(Fair):
    """Those who have least have as much as can be: on average over a part of people, or in the worst-off place.

    The average over the worst-off part is Rockafellar and Uryasev's conditional value at risk (Journal of Risk 2,
    2000), linear at any size; in the worst-off place alone it is Rawls' maximin.
    """

    kind: ClassVar = "worst-off"
    aim: ClassVar = "lift the worst-off in"
    figures: ClassVar = ("part", "give_up")
    part: Fraction = Field(0.2, description="the part of people who have least: 0.2 for a fifth, 0 for one place alone")

    def shape(self, kit: Kit, seen: Seen, scenario: Scenario) -> None:
        kit.worth(tail(kit, self.part))

    def score(self, values: Array, seen: Seen, scenario: Scenario) -> float:
        return _tail_mean(values, seen.people, self.part)

    def sentence(self, scenario: Scenario) -> str:
        who = f"for the worst-off {wording.per_cent(self.part)} of people" if self.part else "in the worst-off place"
        return self._said(f"as high as it can be {who}", scenario)


@kind
class BottomUp(Fair):
    """The place that has least has as much as can be, then the next, and so on: leximin (Sen 1970)."""

    kind: ClassVar = "bottom-up"
    aim: ClassVar = "be raised from the bottom up in"
    figures: ClassVar = ("give_up",)

    def shape(self, kit: Kit, seen: Seen, scenario: Scenario) -> None:
        kit.ladder()

    def score(self, values: Array, seen: Seen, scenario: Scenario) -> float:
        return float(values.min())

    def sentence(self, scenario: Scenario) -> str:
        return self._said("raised from the bottom up: the lowest first, then the next", scenario)


@kind
class Weighted(Fair):
    """The mean is as high as can be, counting places where people need more the more: for testing, not for deciding.

    Each person counts by need a head to the power of `aversion`. NICE's guidance (PMG36, 2025) applies no such weights
    to outcomes: this is off by default, and meant to show what would change.
    """

    kind: ClassVar = "weighted"
    aim: ClassVar = "count places by need in"
    figures: ClassVar = ("aversion", "give_up")
    aversion: Strength = Field(1.0, description="how much more need counts: 0 not at all, 1 in proportion")

    def weights(self, seen: Seen, scenario: Scenario) -> Array:
        """What each place's value counts for: its people, times what need makes them count."""
        need, heads = (people(seen.places, column, scenario) for column in ("need", "population"))
        counted = seen.parts * (need / heads) ** self.aversion
        return counted / counted.sum()

    def shape(self, kit: Kit, seen: Seen, scenario: Scenario) -> None:
        weights = self.weights(seen, scenario)
        for value, weight in zip(kit.values, weights, strict=True):
            kit.worth(value, weight)

    def score(self, values: Array, seen: Seen, scenario: Scenario) -> float:
        return float(self.weights(seen, scenario) @ values)

    def sense(self, scenario: Scenario) -> Iterator[Problem]:
        yield from super().sense(scenario)
        parts = apart(Tally(scenario).parts(self), scenario)
        for column in ("need", "population"):
            for part, count in zip(parts, people(parts, column, scenario), strict=True):
                if not count > 0:
                    expected = f"has no {column} in places.csv, by which the aim weighs"
                    yield Problem("rules.toml", expected, field=f"{self.id}.where", value=part.id)

    def sentence(self, scenario: Scenario) -> str:
        wish = f"as high as it can be on average, counting need to the power of {wording.number(self.aversion)}"
        return self._said(wish, scenario)


class Tail(BaseModel):
    """A part of people, and what their average counts for."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    part: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), SHARE]
    weight: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]


@kind
class Tails(Fair):
    """Several averages together, each over those who have least: ordered weights (Yager 1988, IEEE Transactions on
    Systems, Man, and Cybernetics 18), falling by steps."""

    kind: ClassVar = "tails"
    aim: ClassVar = "count the worst-off by steps in"
    figures: ClassVar = ("give_up",)
    tails: tuple[Tail, ...] = Field(min_length=1, description="parts of people and weights: [{ part, weight }, ...]")

    def shape(self, kit: Kit, seen: Seen, scenario: Scenario) -> None:
        total = sum(each.weight for each in self.tails)
        kit.worth(sum((each.weight / total * tail(kit, each.part) for each in self.tails), Row({})))

    def score(self, values: Array, seen: Seen, scenario: Scenario) -> float:
        total = sum(each.weight for each in self.tails)
        means = (each.weight * _tail_mean(values, seen.people, each.part) for each in self.tails)
        return sum(means) / total

    def sentence(self, scenario: Scenario) -> str:
        said = [
            f"the worst-off {wording.per_cent(each.part)} of people {wording.number(each.weight)}"
            for each in self.tails
        ]
        return self._said(f"as high as it can be, counting {wording.listed(said)}", scenario)


def tail(kit: Kit, part: float, parts: Array | None = None) -> Row:
    """The mean over the worst-off part of people, or the lowest value where that is nothing."""
    edge = kit.amount()
    mean = edge
    for value, people_ in zip(kit.values, kit.parts if parts is None else parts, strict=True):
        if part == 0:
            kit.at_least(value - edge)
            continue
        short = kit.amount()
        kit.at_least(value + short - edge)
        mean = mean - people_ / part * short
    return mean


def _tail_mean(values: Array, heads: Array, part: float) -> float:
    return float(values.min()) if part == 0 else inequality.tail_mean(values, heads, part)


def aim_of(scenario: Scenario) -> Fair | None:
    """The aim in force; None where that is the most benefit for the money."""
    return next((rule for rule in scenario.rules if isinstance(rule, Fair) and rule.binds), None)


__all__ = ["Balanced", "BottomUp", "Fair", "Kit", "Tails", "Weighted", "WorstOff", "aim_of", "tail"]
