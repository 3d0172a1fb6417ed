"""The terms of a deal: rates, matching and open books under which the plan together is what each would choose itself.

Everything is in pounds as benefits.csv has it, and every claim is checked by solving each partner's own problem again,
others staying with the plan: what it could still gain is its regret, certified never to be told too small.

    rates       a pound of its spending earns what one pound more there is worth to all others at the plan
    matching    a pool pays all of every pound but the partner's own part of the benefit, and it pays that part
    open books  everybody has a fixed sum and a share of what lands on all

Rates and open books make the plan that lands the most on all the best for each (Pigou 1920; with shares of the total
everybody wants it largest). Matching weighs programmes as all do, but not the price of a rule that ties programmes
together. A share of the gain alone does neither where effort is unseen (Holmstrom 1982, doi 10.2307/3003457).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import counted_in_words
from allocate.commons.apart.equilibrium import LEAST, TOLERANCE, Reply
from allocate.commons.apart.fallbacks import APART
from allocate.commons.apart.ground import Ground
from allocate.commons.sharing.groups import Groups
from allocate.commons.terms import gaming
from allocate.commons.terms.gaming import equal_gain
from allocate.commons.terms.paying import (
    activities,
    answer,
    at_rates,
    counting,
    matched,
    on_others,
    pound,
    regret,
    with_curves,
)
from allocate.commons.terms.payment import Payment
from allocate.engine.certificate import Flows
from allocate.engine.piece import Clash
from allocate.engine.watch import Watch
from allocate.plan.figures import at_most, per_cent, pounds
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve, Tick
from allocate.plan.words import count, some
from allocate.scenario.scenario import Scenario

Array = np.ndarray
TODAY, RATES, MATCHING, OPEN = "as things are", "rates", "matching", "open books"
ALIGNMENT = ["scheme", "partner", "name", "regret", "share", "still"]
WHERE = ["partner", "name", "place", "programme", "year"]
RATE = [*WHERE, "alone", "plan", "rate", "reply", "matches", "why"]
MATCH = [*WHERE, "plan", "own", "match", "levy"]
PARTNERS = ["partner", "name", "fallback", "together", "least", "most", "payment", "amount", "gain", "matched",
            "contributes", "share", "fixed"]  # fmt: skip
EFFORT = ["partner", "name", "share", "effort", "kept", "lost"]
SAME = 1e-3
"""The part of a partner's spending by which a reply may differ from the plan and still be it."""
ROUNDING = 2.0
LEVELLED = "what lands on others does not do it: this makes every pound worth the same to it"
TIED = "other spending is as good for it"
NONE = "no rate was found: other spending that it may choose gains it more"


@dataclass(frozen=True, eq=False)
class Terms:
    """What each would choose under which terms. Tables are tidy; in pounds but where said. Partners are those that
    decide.

    alignment  one row a scheme and partner: scheme, partner, name, regret (the most it could gain by leaving the plan
               together alone), share (of what it has at stake), still (whether that is within the tolerance)
    rates      one row a partner, place, programme and year: ..., alone (what it would spend there unpaid, others
               staying with the plan), plan, rate (pounds for every pound above plan, and off for every pound below),
               reply (what it spends where it is paid so on everything), matches (whether that is the plan), why (not,
               or why the rate is not what lands on others)
    matching   the same rows: ..., plan, own (the partner's own part of what a pound more is worth to all), match (1 -
               own: the part a pool pays), levy (what it is charged a pound where it is charged and paid about its own
               average instead; below 0: paid)
    partners   one row a partner: partner, name, fallback, together, least (what it must receive to be in; below 0: the
               most it would pay), most (what all others could pay it and stay in), payment (received; equal gain over
               fallback), amount (together + payment), gain (amount - fallback), matched (what a pool pays it at the
               plan), contributes (what it pays into the pool, so that `payment` is what it nets), share (of what lands
               on all, by open books), fixed (its fixed sum then: amount less its share). Payments and fixed sums add up
               to nothing, contributions to what is matched
    effort     one row a partner: partner, name, share, effort (the part of the best effort that it makes where others
               see only the result and it has this share of it), kept (pounds of an equal part of the gain that are left
               if that came of such effort), lost
    gaming     one row a partner and untruth: partner, name, stated (what), by (how much more it says, as a part), gains
               (what it truly has more than by the truth), others (all others together), notices (who loses most; blank
               where nobody does), loses

    `short` is what the plan that lands the most on all under the same rules lands more than the plan together: open
    books and what lands on others keep everybody at the plan only where that is nothing.
    """

    scenario: Scenario
    together: Plan
    fallback: str
    alignment: pd.DataFrame
    rates: pd.DataFrame
    matching: pd.DataFrame
    partners: pd.DataFrame
    effort: pd.DataFrame
    gaming: pd.DataFrame
    short: float
    overstate: float
    whole: bool
    """Whether everything was asked; not where nobody waited."""
    noise: float
    """Pounds up to which differences are what the tolerance leaves."""
    certified: bool
    """Whether nobody moves within the tolerance where partners are apart, if that is the fallback."""

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {name: getattr(self, name)
                for name in ("alignment", "rates", "matching", "partners", "effort", "gaming")}  # fmt: skip

    def payment(self, partner: str, programme: str, place: str | None = None, year: str | None = None) -> Payment:
        """The contract that pays this partner for this programme: nothing at the plan, and its rate for every pound
        more or less. Raises ValueError where that is no row of `rates`, or several."""
        asked = {"partner": partner, "programme": programme, "place": place, "year": year}
        rows = self.rates
        for column, value in asked.items():
            rows = rows if value is None else rows[rows[column] == value]
        if len(rows) != 1:
            told = ", ".join(f"{column} {value!r}" for column, value in asked.items() if value is not None)
            raise ValueError(f"{told}: {count(len(rows), 'row')} of rates, expected 1")
        return Payment(float(rows["plan"].iloc[0]), rate=float(rows["rate"].iloc[0]))

    @property
    def gain(self) -> float:
        """Pounds that the plan together lands on partners beyond their fallbacks."""
        return float((self.partners["together"] - self.partners["fallback"]).sum())

    @property
    def sentences(self) -> list[str]:
        """The answer in words: who would leave the plan, and what rates, matching, open books and payments do about it;
        what nothing does about it."""
        said = [self._today(), self._rates(), self._matching(), self._open_books(), self._band(), self._effort()]
        return [sentence for sentence in (*said, *self._gaming(), self._stopped(), self._counted()) if sentence]

    def _said(self, amount: float) -> str:
        return pounds(amount, self.scenario.heading.currency)

    def _leave(self, scheme: str) -> pd.DataFrame:
        rows = self.alignment[(self.alignment["scheme"] == scheme) & ~self.alignment["still"]]
        return rows.sort_values("regret", ascending=False)

    def _today(self) -> str:
        rows = self._leave(TODAY)
        if not len(rows):
            return "As things are nobody could gain by leaving the plan together alone: it needs no terms to hold it."
        each = [f"{row['name']} {self._said(row['regret'])}" for _, row in rows.iterrows()]
        return f"As things are {count(len(rows), 'partner')} could gain by leaving the plan together: {some(each)}."

    def _rates(self) -> str:
        table = self.rates[self.rates["plan"] > 0]
        if not len(table) or table["rate"].max() <= 0:
            return ""
        currency, held = self.scenario.heading.currency, table["matches"]
        others = table[held & (table["why"] == LEVELLED)]["name"].unique().tolist()
        what = "what it does for others" + (f" (to {some(others)} what makes all of its pounds worth the same to it)"
                                            if others else "")  # fmt: skip
        first = (
            f"Paid for every pound off plan {what}, from {currency}{table['rate'].min():,.2f} to "
            f"{currency}{table['rate'].max():,.2f}, each partner's own best spending is the plan"
        )
        if held.all():
            return f"{first}: checked by solving each one's own problem again."
        other = table[~held].iloc[0]
        return f"{first} on {int(held.sum())} of {count(len(table), 'service')}. For {other['name']} {other['why']}."

    def _matching(self) -> str:
        table = self.matching[self.matching["plan"] > 0]
        if not table["match"].any():
            return ""
        part = float((table["match"] * table["plan"]).sum() / table["plan"].sum())
        first = (
            f"A pool that matches pays all of a pound but the partner's own part of the benefit, {per_cent(part)} of "
            "what is spent; fixed contributions refill it"
        )
        rows = self._leave(MATCHING)
        if not len(rows):
            return f"{first}. Then nobody gains by leaving the plan."
        dearest, why = rows.iloc[0], "it leaves out the price of rules that tie programmes together"
        if self.short > self.noise:
            why = f"another plan under the same rules lands {self._said(self.short)} more"
        return (
            f"{first}. That does not hold {some(rows['name'].tolist())}, as {why}: {dearest['name']} could still gain "
            f"{self._said(dearest['regret'])}."
        )

    def _open_books(self) -> str:
        rows = self._leave(OPEN)
        mine = self.alignment[self.alignment["scheme"] == OPEN]
        if not len(mine):
            return ""
        first = "With open books, where everybody has a fixed sum and a share of what lands on all,"
        if not len(rows):
            few = at_most(100 * max(float(mine["share"].max()), 1e-6))
            return f"{first} nobody gains more than {few}% of what it has at stake by leaving the plan."
        reason = f": another plan under the same rules lands {self._said(self.short)} more" * (self.short > self.noise)
        return f"{first} {some(rows['name'].tolist())} would still leave the plan{reason}."

    def _band(self) -> str:
        if self.gain < -self.noise:
            return (
                f"The plan lands {self._said(-self.gain)} less on partners than they have without a deal: no payments "
                "keep everybody in."
            )
        paid = self.partners.sort_values("payment")
        first, last = paid.iloc[0], paid.iloc[-1]
        if last["payment"] <= self.noise:
            return ""
        return (
            f"Payments that add up to nothing keep everybody in: {last['name']} needs {self._least(last)} and others "
            f"could give it {self._said(last['most'])}; equal gain gives it {self._said(last['payment'])}, and takes "
            f"{self._said(-first['payment'])} from {first['name']}."
        )

    def _least(self, row: pd.Series) -> str:
        return self._said(row["least"]) if row["least"] > 0 else "nothing"

    def _effort(self) -> str:
        if self.gain <= self.noise:
            return ""
        lost, shares = float(self.effort["lost"].sum()), self.effort["share"]
        least, most = per_cent(shares.min()), per_cent(shares.max())
        part = least if least == most else f"{least} to {most}"
        return (
            f"A share of the gain alone does not pay for effort that others cannot see: with {part} of its fruit a "
            f"partner makes that part of the effort that would be best, and if all of the gain came of such effort "
            f"{self._said(lost)} of {self._said(self.gain)} would be lost. Open the books, or match the effort."
        )

    def _gaming(self) -> Iterator[str]:
        if not len(self.gaming):
            return
        part = per_cent(self.overstate, places=0)
        yield (
            "No payments that add up to nothing and are taken freely make the truth always the best thing to say. "
            f"Misstated by {part}:"
        )
        for stated, rows in self.gaming.groupby("stated", sort=False):
            row = rows.sort_values("gains", ascending=False).iloc[0]
            if not row["gains"] > self.noise:
                yield f"- {stated}: nobody would gain by it."
                continue
            notices = f", {self.scenario.name_of('partners', row['notices'])} most" if row["notices"] else ""
            others = f"others {'lose' if row['others'] < 0 else 'gain'} {self._said(abs(row['others']))}{notices}"
            way = "more" if row["by"] > 0 else "less"
            yield f"- {stated}: {row['name']} would gain {self._said(row['gains'])} by saying {way}, and {others}."

    def _stopped(self) -> str:
        return "" if self.whole else "It was stopped: not every partner was asked everything."

    def _counted(self) -> str:
        counted = counted_in_words(self.scenario)
        return f"The fallback is {self.fallback}. {counted} A pound paid counts as a pound of benefit."


def terms(
    scenario: Scenario,
    *,
    fallback: str = APART,
    share: Mapping[str, float] | None = None,
    overstate: float = 0.10,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
) -> Terms:
    """Under which terms the plan together is what each partner would choose itself, as `Terms` has it.

    `fallback` as for `deal`. `share` is each partner's share of what lands on all by open books, above 0 and 1 in all;
    equal ones, if left out. `overstate` is the part by which each misstates its figures in turn, above 0 and below 1.
    `seconds` bounds each solve. `tick(done, total)` is told how far it is; once it returns False, or `watch` is
    stopped, nothing more is asked and `whole` is False. `solve` may be one that remembers what it has solved.

    Raises ScenarioError where benefits.csv does not say what an outcome is worth to every partner that decides, or
    where fewer than two do; NoPlan where the rules cannot all hold; ValueError for another fallback, wrong shares, and
    what cannot be overstated.
    """
    ground = Ground.of(scenario, fallback=fallback, seconds=seconds, solve=solve)
    if faults := list(_faults(ground, share, overstate)):
        raise ValueError("; ".join(faults))
    shares = np.array([1 / len(ground.players) if share is None else share[each] for each in ground.players])
    return _Finding(ground, shares, overstate, seconds, solve, watch, tick).found()


def _faults(ground: Ground, share: Mapping[str, float] | None, overstate: float) -> Iterator[str]:
    """Everything wrong with what was asked."""
    if not 0 < overstate < 1:
        yield f"overstate: {overstate}, expected a part above 0 and below 1"
    told = dict.fromkeys(ground.players, 1.0) if share is None else dict(share)
    for player in ground.players:
        if player not in told:
            yield f"share: {player} has none"
    for player, part in told.items():
        if player not in ground.players:
            yield f"share: {player!r} is no partner that decides, expected {', '.join(ground.players)}"
        if not 0 < part < math.inf:
            yield f"share of {player}: {part}, expected above 0"
    if share is not None and not math.isclose(sum(told.values()), 1.0, abs_tol=1e-6):
        yield f"share: {sum(told.values()):.6g} in all, expected 1"


@dataclass(frozen=True, eq=False)
class _Paid:
    """A partner's reply to rates, an entry an activity: the rates, what it spends, its regret as `_told`, whether that
    is the plan, and whether the rates are others than what lands on others."""

    rate: Array
    spent: Array
    regret: tuple[float, float, bool]
    same: Array
    levelled: bool


class _Finding:
    """One answer in the making."""

    def __init__(
        self, ground: Ground, shares: Array, overstate: float, seconds: float, solve: Solve, watch: Watch | None,
        tick: Tick | None,
    ) -> None:  # fmt: skip
        self.ground, self.shares, self.overstate, self.seconds = ground, shares, overstate, seconds
        self.solve, self.watch, self.tick, self.done, self.whole = solve, watch, tick, 0, True
        self.flows, benefits, problem = ground.flows(ground.together), ground.benefits, ground.problem
        groups = Groups(problem, benefits, ground.fallback.stands, ground.apart.today, ground.options)
        self.most = groups.price(self.flows).value
        self.noise = max(LEAST * groups.left_to(groups.everybody).at_stake, 1.0)
        worth = pound(problem, benefits, self.flows, _prices(ground))
        self.all, others = worth.sum(axis=0), on_others(worth, benefits.decides)
        self.own = 1.0 - np.divide(others, self.all, out=np.zeros(len(others)), where=self.all > 0)
        fed = np.isin(np.arange(len(others)), problem.curves.feeds[1])
        self.paid = [each for each in activities(ground.scenario, benefits) if fed[each.lines[0]]]
        self.first = np.array([each.lines[0] for each in self.paid], dtype=int)
        self.of = np.array([each.player for each in self.paid], dtype=int)
        self.plan = self._spent(self.flows)
        # Where nobody spends anything the first pound may be worth more than any rate could say.
        self.rate = np.where(self._started()[self.first], others[self.first], 0.0)
        self.curved = with_curves(ground.apart, self.paid, [None] * len(self.paid))

    def found(self) -> Terms:
        """Everything: what each would choose, then what misstating pays."""
        ground, alignment, rates = self.ground, [], []
        for k, player in enumerate(ground.players):
            if not self._go_on():
                break
            schemes, replies = self._of(k)
            name = ground.name(player)
            alignment += [[scheme, player, name, *each] for scheme, each in schemes.items()]
            rates += replies
        untruths = gaming.gaming(ground, self.overstate, self.noise, self.seconds, self.solve, self._go_on)
        return Terms(
            ground.scenario, ground.together, ground.fallback.kind, pd.DataFrame(alignment, columns=ALIGNMENT),
            pd.DataFrame(rates, columns=RATE), self._matching(), self._partners(), self._effort(),
            gaming.table(list(untruths)), max(0.0, self.most - float(ground.lands.sum())), self.overstate, self.whole,
            self.noise, not ground.fallback.regret > TOLERANCE,
        )  # fmt: skip

    def _go_on(self) -> bool:
        """Whether to ask about another partner."""
        stopped = self.watch is not None and self.watch.stopped
        if stopped or (self.tick is not None and self.tick(self.done, 2 * len(self.ground.players)) is False):
            self.whole = False
        self.done += 1
        return self.whole

    # --- one partner --------------------------------------------------------------------------------------------------

    def _of(self, k: int) -> tuple[dict[str, tuple[float, float, bool]], list[list]]:
        """A partner's regret under each scheme, and its rows of `RATE`."""
        ground, player = self.ground, self.ground.players[k]
        today = answer(ground.apart, player, self.flows)
        paid = self._at_rates(k, today.stake)
        left = matched(ground.apart, ground.problem, k, self.flows, self.own)
        total = counting(ground.apart, self.shares[:, None] * ground.benefits.worth.sum(axis=0))
        opened = total.reply(player, self.flows)
        schemes = {
            TODAY: _told(today.most, today.stake),
            RATES: paid.regret,
            MATCHING: _told(self._regret(left, today), left.at_stake),
            OPEN: _told(opened.most, opened.stake),
        }
        return schemes, self._replies(k, self._spent(today.profile), paid)

    def _at_rates(self, k: int, stake: float) -> _Paid:
        """A partner's reply to rates of what lands on others; where that is not the plan, to those that make every
        pound of its own worth the same to it, if that is nearer."""
        first = self._paid(k, self.rate, stake, levelled=False)
        if first.same.all():
            return first
        mine, own = self.of == k, (self.own * self.all)[self.first]
        level = own[mine & ~self._full()].max(initial=0.0)
        second = self._paid(k, np.maximum(0.0, level - own), stake, levelled=True)
        return second if second.regret[2] and second.same.sum() > first.same.sum() else first

    def _paid(self, k: int, rate: Array, stake: float, levelled: bool) -> _Paid:
        reply = answer(at_rates(self.curved, rate), self.ground.players[k], self.flows)
        spent, mine = self._spent(reply.profile), self.of == k
        regret = _told(reply.most, min(stake, reply.stake) if stake > 0 else reply.stake)
        slip = SAME * self.plan[mine].sum() + ROUNDING
        return _Paid(rate, spent, regret, regret[2] & (abs(spent - self.plan) <= slip) | ~mine, levelled)

    def _regret(self, left: Any, today: Reply[Flows]) -> float:
        """Its regret with matching; nothing where nothing lands on it."""
        if not left.weight.any():
            return 0.0
        try:
            return regret(left, self.flows, self.ground.options)
        except Clash:
            return today.most

    def _replies(self, k: int, alone: Array, paid: _Paid) -> list[list]:
        why = TIED if paid.regret[2] else NONE
        held = LEVELLED if paid.levelled else ""
        return [
            [*self._where(j), alone[j], self.plan[j], paid.rate[j], paid.spent[j], bool(paid.same[j]),
             held if paid.same[j] else why]
            for j in np.flatnonzero(self.of == k).tolist()
        ]  # fmt: skip

    # --- tables -------------------------------------------------------------------------------------------------------

    def _where(self, j: int) -> list[str]:
        each = self.paid[j]
        player = self.ground.players[each.player]
        return [player, self.ground.name(player), each.place, each.programme, each.year]

    def _matching(self) -> pd.DataFrame:
        """The part of every pound that a pool pays, and the levy that asks for no pool."""
        spent = np.bincount(self.of, self.plan, len(self.ground.players))
        earned = np.bincount(self.of, self.plan * self.rate, len(self.ground.players))
        average = np.divide(earned, spent, out=np.zeros(len(spent)), where=spent > 0)
        own, levy = self.own[self.first], average[self.of] - self.rate
        rows = [[*self._where(j), self.plan[j], own[j], 1.0 - own[j], levy[j]] for j in range(len(self.paid))]
        return pd.DataFrame(rows, columns=MATCH)

    def _partners(self) -> pd.DataFrame:
        """What each must receive and could be paid, what it is paid, and the same by a pool and by open books."""
        ground, fallback, lands = self.ground, self.ground.fallback.payoffs, self.ground.lands
        gains, payment = lands - fallback, equal_gain(fallback, lands)
        amount, total = lands + payment, lands.sum()
        pooled = np.bincount(self.of, (1.0 - self.own[self.first]) * self.plan, len(lands))
        columns = (
            ground.players, [ground.name(each) for each in ground.players], fallback, lands, -gains,
            gains.sum() - gains, payment, amount, amount - fallback, pooled, pooled - payment, self.shares,
            amount - self.shares * total,
        )  # fmt: skip
        return pd.DataFrame(dict(zip(PARTNERS, columns, strict=True)))

    def _effort(self) -> pd.DataFrame:
        """What is left of an equal part of the gain where it comes of effort that costs its square: a share s of its
        fruit brings s of the best effort, and 1 - (1 - s)^2 of what that would add."""
        players, ground = self.ground.players, self.ground
        part = max(0.0, float(ground.lands.sum() - ground.fallback.payoffs.sum())) / len(players)
        lost = part * (1.0 - self.shares) ** 2
        names = [ground.name(each) for each in players]
        columns = (players, names, self.shares, self.shares, part - lost, lost)
        return pd.DataFrame(dict(zip(EFFORT, columns, strict=True)))

    # --- small things -------------------------------------------------------------------------------------------------

    def _spent(self, flows: Flows) -> Array:
        return np.array([flows.spend[each.lines].sum() for each in self.paid])

    def _started(self) -> Array:
        """Lines under whose curves something is spent: booleans."""
        curves = self.ground.problem.curves
        curve, line = curves.feeds
        nothing = curves.effort(self.flows.spend) <= 0
        return ~np.isin(np.arange(len(self.all)), line[nothing[curve]])

    def _full(self) -> Array:
        """Activities on which no more may be spent: booleans."""
        room = self.ground.problem.bounds[1] - self.flows.spend
        return np.array([room[each.lines].max() <= ROUNDING for each in self.paid])


def _prices(ground: Ground) -> Array | None:
    """What a pound of effort under each curve is worth at the agreed plan, in units of the aim."""
    prices = ground.together._solved.optimum.prices.effort
    return prices if len(prices) == len(ground.problem.curves) else None


def _told(most: float, stake: float) -> tuple[float, float, bool]:
    """A regret in pounds, as a share of what is at stake, and whether it is within the tolerance."""
    share = max(0.0, most) / stake if stake > 0 else 0.0
    return max(0.0, most), share, share <= TOLERANCE


__all__ = ["Terms", "terms"]
