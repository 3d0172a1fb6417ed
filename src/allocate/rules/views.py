"""Views: what each place is seen to have, the amount that an aim or a measure of fairness holds against its people.

A view asks the tally, so it is written once: while a model is built it answers with rows, of a plan with numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from allocate.rules.places import Counted, people
from allocate.rules.tally import Amount, Part, Row, Tally
from allocate.scenario.curves import Curves
from allocate.scenario.rulebook import Rule
from allocate.scenario.scenario import Scenario

Array = np.ndarray
View = Literal["gain", "level", "spend", "fair-share", "own-best"]


@dataclass(frozen=True, eq=False)
class Seen:
    """What each place has, in a view: (amount - less) / over, an entry a place; `people` are those it counts for."""

    places: tuple[Part, ...]
    amounts: tuple[Amount, ...]
    less: Array
    over: Array
    people: Array

    @property
    def parts(self) -> Array:
        """Each place's part of all people."""
        return self.people / self.people.sum()

    @property
    def values(self) -> Array:
        """What each place has, where the tally answered in numbers."""
        return (np.array(self.amounts, dtype=float) - self.less) / self.over

    def against(self, best: Array | float) -> Seen:
        """The same as a part of so much, for each place: of the most that it could have, say."""
        return replace(self, over=self.over * best)


def seen(rule: Rule, view: View, by: Counted, tally: Tally) -> Seen:
    """What the places that a rule covers have in a view, all years together and for each person and year.

    gain        the agreed outcome, each counted by its weight, more than today's spending buys
    level       the agreed outcome, from nothing
    spend       pounds
    fair-share  the money that goes by need, over the place's part of all such money today by need, which the engine
                takes against that of the plan of most benefit
    own-best    gain, for `Seen.against` to divide by the most that the place could gain
    """
    scenario = tally.scenario
    places = apart(tally.parts(rule), scenario)
    counted: Counted = "need" if view == "fair-share" else by
    heads = people(places, counted, scenario)
    found = amounts(view, places, tally)
    years = len(scenario.years)
    if view == "fair-share":
        today = Tally(scenario, tally.baselines, np.zeros(len(scenario._tables["curves"])))
        money = sum(_by_need(today)(place) for place in places)
        return Seen(places, found, np.zeros(len(places)), money * heads / heads.sum(), heads)
    less = np.zeros(len(places))
    if view in ("gain", "own-best"):
        bought = _outcome(_today(scenario))
        less = np.array([bought(place) for place in places], dtype=float)
    return Seen(places, found, less, heads * years, heads)


def amounts(view: View, places: tuple[Part, ...], tally: Tally) -> tuple[Amount, ...]:
    """What these places have in a view, before anything is taken off or divided."""
    ask = VIEWS[view](tally)
    return tuple(ask(place) for place in places)


def apart(parts: tuple[Part, ...], scenario: Scenario) -> tuple[Part, ...]:
    """The places without others of them inside: what is spent for wider ones is nobody's."""
    names = {part.id for part in parts}
    return tuple(part for part in parts if not names & scenario.within(part.id) - {part.id})


def _today(scenario: Scenario) -> Tally:
    """The tally of today's spending."""
    baselines, curves = scenario._tables["lines"]["baseline"].to_numpy(), Curves.of(scenario)
    return Tally(scenario, baselines, curves.gain(curves.effort(baselines)))


def _spent(tally: Tally) -> Callable[[Part], Amount]:
    return lambda place: tally.spend(place.rows)


def _by_need(tally: Tally) -> Callable[[Part], Amount]:
    """The money that goes by need in a place."""
    table = tally.scenario._tables["envelopes"]
    goes = (table["by_need"] == "yes").to_numpy()[tally.scenario.envelope_of_line]
    return lambda place: tally.spend(place.rows[goes[place.rows]])


def _outcome(tally: Tally) -> Callable[[Part], Amount]:
    """The agreed outcome in a place, weights applied."""
    outcomes = tally.scenario._tables["outcomes"]
    weights = dict(zip(outcomes["id"], outcomes["weight"].astype(float), strict=True))
    nothing: Amount = Row({}) if tally.spend_by_line is None else 0.0

    def bought(place: Part) -> Amount:
        return sum((weight * tally.gain(place.rows, name) for name, weight in weights.items() if weight), nothing)

    return bought


VIEWS: Mapping[str, Callable[[Tally], Callable[[Part], Amount]]] = {
    "gain": _outcome, "level": _outcome, "spend": _spent, "fair-share": _by_need, "own-best": _outcome,
}  # fmt: skip

__all__ = ["VIEWS", "Seen", "View", "amounts", "apart", "seen"]
