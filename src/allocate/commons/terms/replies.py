"""One contract looked at closely: what a partner spends on what it is paid for, at every rate, or for one payment.

Everybody else stays with the plan together, nothing else is paid for, and the partner's own problem is solved again at
each rate. What it spends never falls as the rate rises (of two best replies the one at the higher rate spends no less,
whatever the curves: add up the two inequalities that make them best), so between two rates it lies between the two
replies, and where these are the same nothing changes between. Rates are halved where least is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from allocate.commons.apart.alone import Apart
from allocate.commons.apart.equilibrium import TOLERANCE
from allocate.commons.apart.fallbacks import APART
from allocate.commons.apart.ground import Ground
from allocate.commons.terms.paying import Activity, activities, answer, at_rates, pound, with_curves
from allocate.commons.terms.payment import Payment
from allocate.engine.certificate import Flows
from allocate.engine.watch import Watch
from allocate.errors import Problem as Wrong
from allocate.errors import ScenarioError
from allocate.plan.figures import MINUS, pounds
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve, Tick
from allocate.scenario.scenario import Scenario
from allocate.scenario.words import suggestion

Array = np.ndarray
RATES = ["rate", "activity", "pays", "own", "others", "shift", "sure"]
BETWEEN = ["low", "high", "least", "most", "between"]
CONTRACT = ["activity", "plan", "pays", "own", "others", "payer", "left", "sure", "concave"]
STAYS, JUMPS, RISES, UNPROVED = "stays", "jumps", "rises", "not proved"
SAME = 1e-3
"""The part of what is planned by which an activity may differ and still be as planned."""
STILL = 1e-5
"""The same part below which nothing has changed."""
ROUNDING = 2.0
FINE = 1e-4
"""The part of all rates that are asked about within which a change counts as a jump."""


@dataclass(frozen=True, eq=False)
class Replies:
    """What a partner spends on what it is paid for. Tables are tidy; in pounds.

    rates     one row a rate that was tried, in order: rate (for every pound beyond plan, and off for every pound
              below), activity (what it spends there), pays (the payment), own (its payoff without it), others (what
              lands on all others), shift (of its money, what it then spends otherwise than in the plan), sure (what
              another reply could gain it at most)
    between   one row a pair of neighbours: low, high (rates), least, most (what it spends between them), between:
              'stays' (the same throughout), 'jumps' (rates next to each other: it leaps), 'rises' (somewhere between)
              or 'not proved' (a reply may be short of the best by more than the tolerance)
    contract  one row where a payment was given: activity, plan, pays, own, others, payer (who pays; blank for a pool),
              left (what lands on the payer less what it pays), sure, concave (whether a pound more never pays more than
              the one before: where not, which side of a step it chooses may change at a touch)

    `at` is a rate at which it spends as planned, blank where none was found up to the highest tried; `planned` what it
    spends in the plan.
    """

    scenario: Scenario
    together: Plan
    partner: str
    programme: str
    place: str | None
    planned: float
    at: float
    rates: pd.DataFrame
    between: pd.DataFrame
    contract: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {name: getattr(self, name) for name in ("rates", "between", "contract")}

    @property
    def breakpoints(self) -> pd.DataFrame:
        """The rows of `between` where something changes."""
        return self.between[self.between["between"] != STAYS].reset_index(drop=True)

    @property
    def sentences(self) -> list[str]:
        """In words: what is spent unpaid, at the highest rate, where it is as planned, and by the contract."""
        return [each for each in (self._range(), self._planned(), self._jumps(), self._contract()) if each]

    def _said(self, amount: float) -> str:
        return pounds(amount, self.scenario.heading.currency)

    def _rate(self, rate: float) -> str:
        return f"{MINUS if rate < 0 else ''}{self.scenario.heading.currency}{abs(rate):,.2f}"

    @property
    def _what(self) -> str:
        where = f" in {self.scenario.name_of('places', self.place)}" if self.place is not None else ""
        return f"{self.scenario.name_of('programmes', self.programme)}{where}"

    def _range(self) -> str:
        first, last = self.rates[self.rates["rate"] == 0].iloc[0], self.rates.iloc[-1]
        return (
            f"Unpaid, {self.scenario.name_of('partners', self.partner)} would spend {self._said(first['activity'])} on "
            f"{self._what}, where the plan has {self._said(self.planned)}; at {self._rate(last['rate'])} for every "
            f"pound {self._said(last['activity'])}."
        )

    def _planned(self) -> str:
        if math.isnan(self.at):
            low, high = self._rate(self.rates["rate"].min()), self._rate(self.rates["rate"].max())
            return f"No rate from {low} to {high} was found at which it spends as planned."
        shift = float(self.rates.loc[self.rates["rate"] == self.at, "shift"].iloc[0])
        other = "; nothing else changes" if shift <= ROUNDING + SAME * self.planned else (
            f", though {self._said(shift)} of its money would still be spent otherwise than in the plan"
        )  # fmt: skip
        return f"It spends as planned at {self._rate(self.at)}{other}."

    def _jumps(self) -> str:
        rows = self.between[self.between["between"] == JUMPS]
        each = [f"{self._rate(row.high)} (from {self._said(row.least)} to {self._said(row.most)})"
                for row in rows.head(3).itertuples()]  # fmt: skip
        return f"What it spends leaps at {', '.join(each)}." if each else ""

    def _contract(self) -> str:
        if not len(self.contract):
            return ""
        row = self.contract.iloc[0]
        payer = self.scenario.name_of("partners", row["payer"]) if row["payer"] else "The pool"
        said = f"By the contract it spends {self._said(row['activity'])}, and {payer} pays {self._said(row['pays'])}."
        if row["concave"]:
            return said
        return f"{said} It pays more for a pound further on than for one before, so that it spends much or little."


def replies(
    scenario: Scenario,
    partner: str,
    programme: str,
    *,
    place: str | None = None,
    year: str | None = None,
    payment: Payment | None = None,
    payer: str | None = None,
    highest: float | None = None,
    tries: int = 40,
    fallback: str = APART,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
) -> Replies:
    """What a partner spends on a programme (in a place, or all that it decides) at every rate up to `highest` pounds
    for a pound, by default twice what its dearest pound is worth to all, and for one `payment`, whose activity is
    pounds spent; `payer` is who pays it, a pool if left out. Where it would spend more than planned unpaid, rates begin
    below nothing, as a levy: where its own least pound is worth no more to it, for beyond that it would rather leave
    money unspent. So many `tries` at most, of which `tick(done, total)` is told; once it returns False, or `watch` is
    stopped, what is known is given. Others as for `terms`.

    Raises ScenarioError for a partner that decides no such line, a place or a payer that there is not; ValueError for a
    payment that falls as more is spent, or for too few tries; and as `terms`.
    """
    ground = Ground.of(scenario, fallback=fallback, seconds=seconds, solve=solve)
    named = {"partner": partner, "programme": programme, "place": place, "year": year}
    if faults := list(_unknown(ground, named, payer)):
        raise ScenarioError(scenario.id, faults)
    paid = [each for each in activities(ground.scenario, ground.benefits) if _is(ground, each, named)]
    if wrong := list(_faults(paid, payment, highest, tries)):
        raise ValueError("; ".join(wrong))
    asked = _Asked(ground, paid, watch, tick, tries)
    tried, at = asked.swept(highest)
    contract = asked.contract(payment, payer) if payment is not None else pd.DataFrame(columns=CONTRACT)
    return Replies(ground.scenario, ground.together, partner, programme, place, asked.planned, at,
                   _rates(tried, asked.planned), asked.between(), contract)  # fmt: skip


def _unknown(ground: Ground, named: Mapping[str, str | None], payer: str | None) -> Iterator[Wrong]:
    """Names that no line has, or that no line has together, and a payer that decides nothing."""
    lines, faults = ground.scenario.table("lines"), 0
    fits = np.ones(len(lines), dtype=bool)
    for column, value in named.items():
        known = sorted(set(lines[column]))
        if value is None:
            continue
        fits &= (lines[column] == value).to_numpy()
        if value not in known:
            faults += 1
            yield Wrong("lines.csv", "no line has it", field=column, value=value, fix=suggestion(value, known))
    if not faults and not fits.any():
        told = ", ".join(f"{column} {value}" for column, value in named.items() if value is not None)
        yield Wrong("lines.csv", "no line has all of these", value=told)
    if payer is not None and payer not in ground.players:
        fix = suggestion(payer, list(ground.players))
        yield Wrong("lines.csv", "is no partner that decides, so cannot pay", field="partner", value=payer, fix=fix)


def _is(ground: Ground, paid: Activity, named: Mapping[str, str | None]) -> bool:
    """Whether an activity is among those named."""
    told = {"partner": ground.players[paid.player], "programme": paid.programme, "place": paid.place, "year": paid.year}
    return all(value is None or told[column] == value for column, value in named.items())


def _faults(paid: Sequence[Activity], payment: Payment | None, highest: float | None, tries: int) -> Iterator[str]:
    """Everything wrong with how it is asked."""
    if tries < 3:
        yield f"tries: {tries}, expected 3 or more"
    if highest is not None and not 0 < highest < math.inf:
        yield f"highest: {highest}, expected a rate above 0"
    if payment is not None and len(paid) > 1:
        places = sorted({f"{each.place} {each.year}" for each in paid})
        yield f"payment: for {len(paid)} places and years, expected one of {', '.join(places)}"
    if payment is not None and len(paid) == 1 and (np.diff(payment.points(payment.plan * 100 + 1.0)[1]) < 0).any():
        yield "payment: falls as more is spent, expected one that never does"


class _Try(NamedTuple):
    """A reply at a rate."""

    rate: float
    activity: float
    own: float
    others: float
    shift: float
    sure: float


class _Asked:
    """One contract in the asking."""

    def __init__(
        self, ground: Ground, paid: list[Activity], watch: Watch | None, tick: Tick | None, tries: int
    ) -> None:
        self.player, self.lines = paid[0].player, np.concatenate([each.lines for each in paid])
        self.ground, self.paid, self.watch, self.tick, self.tries = ground, paid, watch, tick, tries
        self.flows = ground.flows(ground.together)
        self.planned = self._spent(self.flows)
        self.slip, self.still = ROUNDING + SAME * self.planned, ROUNDING + STILL * self.planned
        self.curved = with_curves(ground.apart, paid, [None] * len(paid))
        self.stake = ground.apart.left_to(ground.players[self.player], self.flows).at_stake
        self.fine = 0.0
        self.tried: dict[float, _Try] = {}

    def swept(self, highest: float | None) -> tuple[list[_Try], float]:
        """Replies at rates up to the highest, in order, and a rate at which it spends as planned (NaN if none)."""
        worth = self._worth()
        high = highest or 2.0 * float(worth.sum(axis=0).max(initial=0.0)) or 1.0
        low, first = 0.0, self._try(0.0)
        self._try(high)
        if first.activity > self.planned + self.slip:
            low = -float(worth[self.player].min(initial=high))
            self._try(low)
        self.fine = FINE * (high - low)
        at = self._as_planned(low, high)
        while len(self.tried) < self.tries and self._go_on():
            row = self._widest()
            if row is None:
                break
            self._try((row[0].rate + row[1].rate) / 2)
        return self.order, at

    @property
    def order(self) -> list[_Try]:
        """What was tried, by rate."""
        return [self.tried[rate] for rate in sorted(self.tried)]

    def contract(self, payment: Payment, payer: str | None) -> pd.DataFrame:
        """The reply to a payment, as the one row of `CONTRACT`."""
        most = float(self.ground.problem.bounds[1][self.lines].sum())
        activity, paid = payment.points(max(most, self.planned + 1.0))
        apart = at_rates(with_curves(self.ground.apart, self.paid, [(activity, paid - paid[0])]), np.ones(1))
        found, flows = self._replied(apart, math.nan)
        pays = payment.pays(found.activity)
        lands = pd.Series(self.ground.payoffs(flows), pd.Index(self.ground.players))
        left = math.nan if payer is None else float(lands[payer]) - pays
        row = [found.activity, self.planned, pays, found.own, found.others, payer or "", left, found.sure,
               payment.concave(float(activity[-1]))]  # fmt: skip
        return pd.DataFrame([row], columns=CONTRACT)

    def between(self) -> pd.DataFrame:
        """What is known between neighbours; rates between which nothing changes are one row."""
        rows: list[list] = []
        for low, high in pairwise(self.order):
            least, most = min(low.activity, high.activity), max(low.activity, high.activity)
            known = STAYS if most - least <= self.still else RISES if high.rate - low.rate > self.fine else JUMPS
            if max(low.sure, high.sure) > TOLERANCE * self.stake:
                known = UNPROVED
            if known == STAYS and rows and rows[-1][4] == STAYS and most - rows[-1][2] <= self.still:
                rows[-1][1] = high.rate
            else:
                rows.append([low.rate, high.rate, least, most, known])
        return pd.DataFrame(rows, columns=BETWEEN)

    def _as_planned(self, low: float, high: float) -> float:
        """A rate at which it spends as planned, by halving: NaN where it leaps over the plan, or never comes there."""
        for rate in sorted(self.tried, key=abs):
            if abs(self.tried[rate].activity - self.planned) <= self.slip:
                return rate
        if not self.tried[low].activity < self.planned < self.tried[high].activity:
            return math.nan
        while len(self.tried) < self.tries and high - low > self.fine / 10 and self._go_on():
            found = self._try((low + high) / 2)
            if abs(found.activity - self.planned) <= self.slip:
                return found.rate
            low, high = (found.rate, high) if found.activity < self.planned else (low, found.rate)
        return math.nan

    def _widest(self) -> tuple[_Try, _Try] | None:
        """The neighbours between which least is known; None where all is."""
        wide = [(high.rate - low.rate, high.activity - low.activity, low, high) for low, high in pairwise(self.order)]
        unknown = [row for row in wide if row[0] > self.fine and row[1] > self.still]
        return max(unknown, key=lambda row: row[0] * row[1])[2:] if unknown else None

    def _try(self, rate: float) -> _Try:
        self.tried[rate] = self._replied(at_rates(self.curved, np.full(len(self.paid), rate)), rate)[0]
        return self.tried[rate]

    def _replied(self, apart: Apart, rate: float) -> tuple[_Try, Flows]:
        """The best reply where a partner is paid so."""
        ground, k = self.ground, self.player
        reply = answer(apart, ground.players[k], self.flows)
        flows = Flows(reply.profile.spend, self.flows.moved)
        lands = ground.payoffs(flows)
        shift = float(np.abs(flows.spend - self.flows.spend).sum()) / 2
        own, sure = float(lands[k]), max(0.0, reply.most - reply.gain)
        return _Try(rate, self._spent(flows), own, float(lands.sum()) - own, shift, sure), flows

    def _spent(self, flows: Flows) -> float:
        return float(flows.spend[self.lines].sum())

    def _worth(self) -> Array:
        """What a pound more is worth to each, on every line where the partner spends."""
        ground = self.ground
        mine = (ground.benefits.decides == self.player) & (self.flows.spend > 0)
        worth = pound(ground.problem, ground.benefits, self.flows)
        return worth[:, mine & (worth.sum(axis=0) > 0)]

    def _go_on(self) -> bool:
        stopped = self.watch is not None and self.watch.stopped
        return not stopped and (self.tick is None or self.tick(len(self.tried), self.tries) is not False)


def _rates(tried: list[_Try], planned: float) -> pd.DataFrame:
    rows = [[each.rate, each.activity, each.rate * (each.activity - planned), *each[2:]] for each in tried]
    return pd.DataFrame(rows, columns=RATES)


__all__ = ["Replies", "replies"]
