"""What each partner counts when it acts for itself: the worth to it of every curve's outcome.

    payoff of a partner = sum over curves of worth[partner, curve] x gain[curve]

where a curve's worth is, by the rows of benefits.csv, worth x (own x part + share x (1 - part)) pounds for one unit of
its outcome, and `part` is the partner's own part of what is spent under that curve, by the baseline. A partner without
a row counts what its own lines buy at the agreed weights, in points of the aim. Side payments come on top of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allocate.scenario.checks import benefits_from
from allocate.scenario.evidence import evidence
from allocate.scenario.scenario import Scenario

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Benefits:
    """What partners count.

    players   the ids of the partners that decide some line, in the scenario's order
    decides   per row of `lines`, the number of the player that decides it
    worth     a row a player, a column a curve: what one unit of the curve's outcome counts for it
    in_money  per player, whether that is pounds; points of the agreed aim otherwise
    single    the same before partners that go together were made one player (`merged`)
    bloc      per player of `single`, its player here
    """

    players: tuple[str, ...]
    decides: Array
    worth: Array
    in_money: Array
    single: Benefits | None = None
    bloc: Array | None = None

    @classmethod
    def of(cls, scenario: Scenario, holders: bool = False) -> Benefits:
        """Of a scenario whose lines each partner decides that runs them; or, with `holders`, the one that holds the
        envelope that pays."""
        lines, table = scenario.table("lines"), scenario.table("benefits")
        by = lines["partner"].to_numpy(dtype=object)
        if holders:
            by = scenario.table("envelopes")["holder"].to_numpy(dtype=object)[scenario.envelope_of_line]
        players = tuple(key for key in scenario.table("partners")["id"] if (by == key).any())
        number = {key: k for k, key in enumerate(players)}
        decides = np.array([number[key] for key in by], dtype=int)
        part = _parts(scenario, decides, len(players))
        weight = dict(zip(scenario.table("outcomes")["id"], scenario.table("outcomes")["weight"], strict=True))
        worth = part * np.array([weight[key] for key in scenario.table("curves")["outcome"]], dtype=float)
        in_money = np.isin(np.array(players, dtype=object), table["partner"].to_numpy(dtype=object))
        worth[in_money] = 0.0
        for row in table.itertuples():
            if (k := number.get(row.partner)) is not None:
                counted = row.worth * (row.own * part[k] + row.share * (1.0 - part[k]))
                worth[k] += np.where(benefits_from(scenario, row), counted, 0.0)
        return cls(players, decides, worth, in_money)

    def merged(self, blocs: Mapping[str, Sequence[str]]) -> Benefits:
        """The same with partners of a bloc as one player, which decides their lines and counts what they count
        together. `blocs`: a name to its partners (ids), each a player of its own here; others stay alone. The first
        partner says where among players its bloc stands."""
        of = {partner: name for name, partners in blocs.items() for partner in partners}
        named = [of.get(player, player) for player in self.players]
        players = tuple(dict.fromkeys(named))
        bloc = np.array([players.index(name) for name in named], dtype=int)
        worth, in_money = np.zeros((len(players), self.worth.shape[1])), np.ones(len(players), dtype=bool)
        np.add.at(worth, bloc, self.worth)
        np.logical_and.at(in_money, bloc, self.in_money)
        return Benefits(players, bloc[self.decides], worth, in_money, self, bloc)

    def numbers(self, partners: Sequence[str]) -> Array:
        """The number of the player that each of these partners is, or belongs to; -1 for none."""
        if self.single is None or self.bloc is None:
            number = {player: k for k, player in enumerate(self.players)}
            return np.array([number.get(partner, -1) for partner in partners], dtype=int)
        return np.append(self.bloc, -1)[self.single.numbers(partners)]

    def payoffs(self, gain: Array) -> Array:
        """Each player's payoff for the gain of every curve."""
        return self.worth @ gain

    def pounds(self, gain: Array) -> float:
        """What lands on all partners together, in pounds; blank (NaN) where any counts in points."""
        return float(self.payoffs(gain).sum()) if self.in_money.all() else np.nan


def _parts(scenario: Scenario, decides: Array, players: int) -> Array:
    """Each player's part of what is spent under each curve by the baseline, a row a player; equally a line where
    nothing is."""
    curve, line = scenario.feeding
    count = len(scenario.table("curves"))
    baseline = scenario.table("lines")["baseline"].to_numpy()[line]
    before = np.bincount(curve, baseline, minlength=count)
    spent = np.where(before[curve] > 0, baseline, 1.0)
    parts = np.zeros((players, count))
    np.add.at(parts, (decides[line], curve), spent)
    total = parts.sum(axis=0)
    return np.divide(parts, total, out=parts, where=total > 0)


def fed_by(scenario: Scenario, benefits: Benefits) -> Array:
    """Which player decides a line under which curve: booleans, a row a player, a column a curve."""
    curve, line = scenario.feeding
    fed = np.zeros(benefits.worth.shape, dtype=bool)
    fed[benefits.decides[line], curve] = True
    return fed


def potential(worth: Array, fed: Array) -> Array | None:
    """One weight a curve whose sum everybody's own payoff follows, where there is one: then the plan that is best for
    that sum is one where nobody moves (a weighted potential, Monderer and Shapley 1996, doi 10.1006/game.1996.0044).

    There is one where each player's worths, over the curves that it feeds, are those weights times a factor above 0 of
    its own: always where no two players feed the same curve, and where all want of shared ones what stands in one
    proportion. `worth` and `fed` as in `Benefits` and `fed_by`. None where there is none.
    """
    players, curves = fed.shape
    factor, weight = np.full(players, np.nan), np.full(curves, np.nan)
    weight[~fed.any(axis=0)] = 0.0
    for first in range(players):
        waiting = [] if np.isfinite(factor[first]) else [first]
        if waiting:
            factor[first] = 1.0
        while waiting:
            k = waiting.pop()
            new = fed[k] & np.isnan(weight)
            weight[new] = worth[k, new] / factor[k]
            for j in np.flatnonzero(np.isnan(factor) & fed[:, new].any(axis=1)):
                seen = fed[j] & np.isfinite(weight) & (weight > 0) & (worth[j] > 0)
                if seen.any():
                    q = int(np.argmax(seen))
                    factor[j] = worth[j, q] / weight[q]
                    waiting.append(int(j))
    if np.isnan(weight).any() or np.isnan(factor).any():
        return None
    same = np.isclose(worth, factor[:, None] * weight, rtol=1e-9, atol=0.0)
    return weight if (same | ~fed).all() else None


def counted_in_words(scenario: Scenario) -> str:
    """What partners are taken to count, and how much of that is assumed."""
    figures = evidence(scenario)
    mine = figures[figures["figure"].str.startswith("benefits.")]
    if not len(mine):
        return "Each partner is taken to count what its own lines buy: say in benefits.csv where that is wrong."
    assumed = int((mine["status"] == "assumed").sum())
    part = "all" if assumed == len(mine) else f"{assumed} of {len(mine)}"
    return f"What each counts is as benefits.csv has it, where {part} figures are assumed."


__all__ = ["Benefits", "counted_in_words", "fed_by", "potential"]
