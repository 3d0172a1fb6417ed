"""The deal: who would sign the plan together, how its gain can be shared so that no group walks, what consent costs.

Everything is in pounds as benefits.csv has it. Each partner begins from its fallback; the plan together lands more on
some and less on others; side payments, which add up to nothing, share the gain equally, moved only as far as it takes
for no group to do better by itself (`allocate.commons.sharing.stability`). What a group could do by itself says who
decides and what those outside do: see `allocate.commons.sharing.groups`. Groups are solved only as they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import Benefits, counted_in_words
from allocate.commons.apart.blocs import Blocs, bloc_name, divided
from allocate.commons.apart.equilibrium import LEAST, TOLERANCE, still_in_words
from allocate.commons.apart.fallbacks import ALONE, APART, FALLBACKS
from allocate.commons.apart.ground import Ground, players_of
from allocate.commons.sharing.consent import Insisting, insisting
from allocate.commons.sharing.games import MOST, Game, group_table, shapley
from allocate.commons.sharing.groups import Alone, Groups
from allocate.commons.sharing.nucleolus import nucleolus
from allocate.commons.sharing.shadow import Shadow, shadow
from allocate.commons.sharing.stability import EqualGain, equal_gain, top_up
from allocate.engine.certificate import Flows
from allocate.engine.watch import Watch
from allocate.errors import Problem as Wrong
from allocate.errors import ScenarioError
from allocate.plan.aim import aim_unit
from allocate.plan.figures import number, pounds
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve, Tick
from allocate.plan.words import count, some
from allocate.scenario.scenario import Scenario

Array = np.ndarray
EQUAL, SHAPLEY, NUCLEOLUS = "equal gain, moved for stability", "average contribution", "least unhappy group first"
SHADOW = "shadow price"
OUTSIDE = "A group by itself decides and shares only its own money; those outside it are taken to stay as they are"
PARTNERS = ["partner", "name", "fallback", "together", "change", "equal", "moved", "amount", "gain", "payment"]
CONSENT = ["partner", "name", "fallback", "together", "short", "cost", "insisting", "price"]
LEAVING = ["partner", "name", "rest", "more", "less", "left", "acts", "fallback", "shifts"]
TABLES = ("partners", "groups", "proof", "consent", "leaving", "sharing", "priced", "blocs")
PRICED = ["partner", "name", "money", "room", "rules", "rest", "amount"]
SHARING = ["method", "partner", "name", "amount", "gain", "payment", "stable"]


@dataclass(frozen=True, eq=False)
class Deal:
    """Who would sign, and for what. Tables are tidy; all in pounds but where said. Partners are those that decide.

    partners  one row a partner: partner, name, fallback, together (its payoff in the plan together, without payments),
              change (together - fallback), equal (fallback and an equal part of the gain), moved (what stability moved
              it by), amount (equal + moved: what it has with the deal), gain (amount - fallback), payment (amount -
              together: received; below 0: paid). Payments add up to nothing
    groups    one row a group that was asked for, the least slack first: group (ids), size, value (what it has by
              itself), given (what the deal gives it), slack (given - value)
    proof     where no split is stable, why: group, part, value. Each partner's parts add up to 1, and values times
              parts to more than all have together
    consent   one row a partner: partner, name, fallback, together, short (what it lacks of its fallback in the plan
              together), cost (what the agreed outcome loses where it alone insists on its fallback without payments, in
              units of the aim; blank where no such plan was found), insisting (its payoff where all insist), price
              (units of the aim for every pound by which its floor is lowered then)
    leaving   one row a partner: partner, name, rest (what all others have by themselves), more (rest less their
              fallbacks), less (what the deal gives them beyond rest), left (the one that leaves: its payoff if it stays
              as in the fallback), acts (if it then does what is best for itself), fallback, shifts (pounds that it then
              spends otherwise than in the fallback)
    sharing   one row a method and partner: method, partner, name, amount, gain, payment, stable (whether no group does
              better by itself; blank where not every group is known)
    priced    what the shadow-price share pays each partner for: partner, name, money (its own), room (its lines' and
              curves'), rules (what it may use of them, or must carry), rest (an equal part of what is left over, or
              lacks), amount. See `allocate.commons.sharing.shadow`; `unsure` says why a group might do better all the
              same
    blocs     one row a partner that is one of a bloc: bloc, partner, name, fallback, together, amount, gain, payment,
              where the bloc divides what it pays or receives so that all in it gain the same

    Where partners go together as a bloc (`of_blocs`: a name to their ids) every other table has it in their place.
    `stable` is whether no group does better by itself than in the deal; None where nobody waited for the proof.
    `top_up` is the least money from outside with which a stable deal exists, 0 where one does without. `largest` is the
    largest group short of all that would still do better than its fallbacks, and by the most; nobody where none would.
    """

    scenario: Scenario
    together: Plan
    fallback: str
    regret: float
    """The most that a partner could gain by moving alone apart, as a share of what it has at stake; blank otherwise."""
    partners: pd.DataFrame
    groups: pd.DataFrame
    proof: pd.DataFrame
    consent: pd.DataFrame
    leaving: pd.DataFrame
    sharing: pd.DataFrame
    stable: bool | None
    top_up: float
    largest: tuple[str, ...]
    insisting: float
    """What the best plan that leaves nobody below its fallback is worth without payments, in units of the aim; blank
    where none was found."""
    best: float
    """What the most of the agreed outcome is worth, without an aim between places, in units of the aim."""
    most: float
    """Pounds that land on all partners in the plan that lands most on them under the same rules."""
    noise: float
    """Pounds up to which differences are what the tolerance leaves."""
    blocs: pd.DataFrame
    of_blocs: Blocs
    priced: pd.DataFrame
    unsure: tuple[str, ...]

    @property
    def certified(self) -> bool:
        """Whether nobody moves within the tolerance where partners are apart, if that is the fallback."""
        return not self.regret > TOLERANCE

    @property
    def unit(self) -> str:
        """The unit of the agreed outcome."""
        return aim_unit(self.together)

    @property
    def gain(self) -> float:
        """Pounds that the plan together lands on partners beyond their fallbacks."""
        return float(self.partners["change"].sum())

    @property
    def consent_cost(self) -> float:
        """What the agreed outcome loses where all insist on their fallbacks without payments; blank where no such plan
        was found."""
        return max(0.0, self.best - self.insisting) if np.isfinite(self.insisting) else np.nan

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {name: getattr(self, name) for name in TABLES}

    def name(self, player: str) -> str:
        """What a partner, or a bloc, is called."""
        return bloc_name(self.scenario, self.of_blocs, player)

    @property
    def sentences(self) -> list[str]:
        """The answer in words: what there is to share, payments, whether it holds, consent, who leaving hurts."""
        said = [self._headline(), self._most(), self._payments(), self._holds(), self._outside(), self._consents()]
        return [
            sentence
            for sentence in (
                *said,
                self._leaves(),
                self._prices(),
                self._together(),
                counted_in_words(self.scenario),
                self._assurance(),
            )
            if sentence
        ]

    def _said(self, amount: float, signed: bool = False) -> str:
        return pounds(amount, self.scenario.heading.currency, signed)

    def _names(self, group: Sequence[str]) -> str:
        names = [self.name(each) for each in group]
        return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]

    def _headline(self) -> str:
        before, after = self.partners["fallback"].sum(), self.partners["together"].sum()
        first = (
            f"Without a deal {FALLBACKS[self.fallback]}: partners have {self._said(before)}. "
            f"The plan together lands {self._said(after)} on them"
        )
        if abs(self.gain) <= self.noise:
            return f"{first}: there is nothing to share."
        if self.gain < 0:
            return f"{first}, {self._said(-self.gain)} less: no sharing of it leaves everybody as well off."
        down = self.partners[self.partners["change"] < -self.noise]
        lose = "nobody" if not len(down) else some(down.sort_values("change")["name"].tolist())
        return f"{first}: {self._said(self.gain)} to share. As it stands {lose} would have less than without a deal."

    def _most(self) -> str:
        more = self.most - float(self.partners["together"].sum())
        if more <= self.noise:
            return ""
        return f"Another plan under the same rules would land {self._said(more)} more on partners than the agreed one."

    def _payments(self) -> str:
        paid = self.partners[self.partners["payment"].abs() > self.noise]
        if not len(paid) or self.gain < -self.noise:
            return ""
        order = paid["payment"].abs().sort_values(ascending=False, kind="stable").index
        each = [
            f"{row.name_} {'pays' if row.payment < 0 else 'receives'} {self._said(abs(row.payment))}"
            for row in _named(paid.loc[order])
        ]
        how = "equal gain over fallback"
        if self.partners["moved"].abs().max() > self.noise:
            how += ", moved as far as stability needs"
        told = "; ".join(each[:6]) + (f"; and {count(len(each) - 6, 'smaller payment')}" if len(each) > 6 else "")
        return f"By {how}: {told}."

    def _holds(self) -> str:
        if self.stable is None:
            return f"Whether it holds is not known: it was stopped after {count(len(self.groups), 'group')}."
        if not self.stable:
            first = self.groups.iloc[0]
            return (
                f"No sharing holds against every group: with equal gain {self._names(first['group'])} would have "
                f"{self._said(-first['slack'])} more by themselves. The least from outside that makes a stable deal is "
                f"{self._said(self.top_up)}."
            )
        groups = self.groups[self.groups["size"] > 1]
        if not len(groups) or self.gain < -self.noise:
            return "It holds: nobody does better alone."
        first = groups.iloc[0]
        return (
            f"It holds: no group would do better by itself. The nearest to it is {self._names(first['group'])}, "
            f"with {self._said(max(first['slack'], 0.0))} more in the deal."
        )

    def _outside(self) -> str:
        where = "apart" if self.fallback == APART else "last year"
        return f"{OUTSIDE} {where}."

    def _consents(self) -> str:
        if not len(self.consent):
            return ""
        if np.isnan(self.insisting):
            return "Without payments no plan was found that leaves everybody with its fallback."
        noise = LEAST * abs(self.best)
        if self.consent_cost <= noise:
            return "Without payments the same could be bought with nobody below its fallback."
        dearest = self.consent.sort_values("cost", ascending=False).iloc[0]
        less = f"{number(self.consent_cost)} {self.unit} less"
        alone = f"{dearest['name']} alone insisting costs {number(dearest['cost'])}"
        instead = (
            f", where a payment of {self._said(dearest['short'])} would do" if dearest["short"] > self.noise else ""
        )
        return f"Without payments a plan that leaves nobody below its fallback buys {less}; {alone}{instead}."

    def _leaves(self) -> str:
        if not len(self.leaving):
            return ""
        row = self.leaving.sort_values("less", ascending=False).iloc[0]
        said = f"If {row['name']} leaves, the others have {self._said(row['rest'])} by themselves, "
        said += f"{self._said(abs(row['less']))} {'less' if row['less'] >= 0 else 'more'} than in the deal"
        if self.largest:
            without = some([row.name_ for row in _named(self.partners) if row.partner not in self.largest])
            return f"{said}. The largest group that would still do better than its fallbacks is all but {without}."
        return f"{said}. No smaller group would do better than its fallbacks."

    def _prices(self) -> str:
        if not len(self.priced):
            return ""
        rest, left = float(self.priced["rest"].sum()), "nothing is left over"
        if abs(rest) > self.noise:
            left = f"{self._said(abs(rest))} is {'left over, shared' if rest > 0 else 'lacking, borne'} equally"
        said = f"Paid instead for what each brings at the prices of the plan that lands most on them, {left}"
        stable = self.sharing.loc[self.sharing["method"] == SHADOW, "stable"].iloc[0]
        if stable:
            return f"{said}; no group would do better by itself."
        return (
            f"{said}; some group {'might' if stable is None else 'would'} do better by itself: {some([*self.unsure])}."
        )

    def _together(self) -> str:
        if not self.of_blocs:
            return ""
        told = [
            f"{self.name(name)}: {', '.join(self.scenario.name_of('partners', each) for each in partners)}"
            for name, partners in self.of_blocs.items()
        ]
        return (
            f"These decide and are counted as one, so gains are equal by bloc, not by partner: {'; '.join(told)}. What "
            "a bloc pays or receives is its own to divide; here all in it gain the same."
        )

    def _assurance(self) -> str:
        return "" if np.isnan(self.regret) else still_in_words(self.regret)


def _named(table: pd.DataFrame) -> Any:
    return table.rename(columns={"name": "name_"}).itertuples()


def deal(
    scenario: Scenario,
    *,
    fallback: str = APART,
    all_groups: bool = False,
    blocs: Blocs | None = None,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
) -> Deal:
    """Who would sign the plan together, and for what payments, as `Deal` has it.

    `fallback`: 'apart', 'last year' or 'alone', as `allocate.commons.apart.fallbacks` has them. Beside equal gain
    stands what each brings at the prices of the plan that lands most on all (the shadow-price share). With `all_groups`
    so do the average contribution (Shapley) and the split whose least content group is as content as can be (the
    nucleolus), for which every group is asked. Partners of a bloc (`blocs`: a name to their ids) decide and are counted
    as one; `allocate.commons.apart.blocs.by_kind` makes one of each kind of partner. `seconds` bounds each solve.
    `tick(done, total)` is told how far it is, in groups, `total` being all there are; once it returns False, or `watch`
    is stopped, no more groups are asked and `stable` is None where it was not known by then. `solve` may be one that
    remembers what it has solved.

    Raises ScenarioError where benefits.csv does not say what an outcome is worth to every partner that decides, or
    where fewer than 2 or more than 16 do, or blocs cannot be; NoPlan where the rules cannot all hold; ValueError for
    another fallback.
    """
    if problems := list(_too_many(players_of(scenario, blocs or {}))):
        raise ScenarioError(scenario.id, problems)
    ground = Ground.of(scenario, fallback=fallback, seconds=seconds, solve=solve, blocs=blocs)
    return _Finding(ground, watch, tick).found(all_groups)


def _too_many(benefits: Benefits) -> Iterator[Wrong]:
    """Why groups cannot be gone through."""
    if (players := len(benefits.players)) > MOST:
        expected = f"a deal is between {MOST} partners that decide at most, here are {players}"
        fix = "let some go together: --bloc NAME=PARTNER,PARTNER or --blocs-by-kind"
        yield Wrong("lines.csv", expected, field="partner", fix=fix)


class _Enough(Exception):
    """Nobody waits for more groups."""


class _Finding:
    """One answer in the making."""

    def __init__(self, ground: Ground, watch: Watch | None, tick: Tick | None) -> None:
        self.ground, self.watch, self.tick = ground, watch, tick
        self.fallback, self.payoffs = ground.fallback, ground.lands
        self.groups = Groups(ground.problem, ground.benefits, self.fallback.stands, ground.apart.today, ground.options)
        self.most = self.groups.price(ground.flows(ground.together))
        self.known: dict[int, Alone] = {}
        self.game = Game(ground.players, self._value, self._at_most)
        stake = self.groups.left_to(self.game.everybody).at_stake
        self.noise = max(LEAST * stake, 1.0)

    def found(self, all_groups: bool) -> Deal:
        """Everything, the needed first."""
        ground, least = self.ground, pd.Series(self.fallback.payoffs, pd.Index(self.game.partners))
        stable, lacking, proof, largest = None, 0.0, pd.DataFrame(columns=["group", "part", "value"]), 0
        equal = self._equal()
        leaving = pd.DataFrame(columns=LEAVING)
        try:
            shared = equal_gain(self.game, least)
            equal, stable, proof = _split(shared), shared.stable, shared.proof
            if not stable:
                lacking = top_up(_floored(self.game, least.to_numpy())).amount
                near = equal_gain(self.game.topped_up(self.noise), least)
                if lacking <= self.noise and near.stable:
                    # No group lacks more than what the tolerance leaves.
                    amounts = near.amounts.to_numpy() - self.noise / len(least)
                    equal, stable = (equal[0], amounts, amounts - equal[0]), True
                    lacking, proof = 0.0, proof.iloc[:0]
            leaving = self._leaving(equal[1])
            largest = self._largest()
            if all_groups:
                self.game.table()
        except _Enough:
            all_groups = False
        partners = self._partners(*equal)
        shadow, priced = self._shadow()
        consent, insisted = self._consent()
        return Deal(
            ground.scenario, ground.together, self.fallback.kind, self.fallback.regret, partners,
            self._asked(equal[1]), proof, consent, leaving, self._sharing(partners, stable, all_groups, shadow), stable,
            lacking, self.game.members(largest), insisted.value, ground.best.value,
            max(self.most.value, float(self.payoffs.sum())), self.noise, self._divided(partners), ground.blocs,
            priced, () if shadow is None else shadow.why,
        )  # fmt: skip

    # --- groups -------------------------------------------------------------------------------------------------------

    def _value(self, group: int) -> float:
        """What a group has by itself; all together, what the plan together lands on them."""
        return float(self.payoffs.sum()) if group == self.game.everybody else self._alone(group).value

    def _alone(self, group: int) -> Alone:
        if group not in self.known:
            if (self.watch is not None and self.watch.stopped) or (
                self.tick is not None and self.tick(len(self.known), self.game.everybody - 1) is False
            ):
                raise _Enough
            self.known[group] = self.groups.alone(group)
        return self.known[group]

    def _at_most(self, group: int) -> float:
        known = group == self.game.everybody or group in self.known
        return self._value(group) if known else self.groups.at_most(group)

    def _equal(self) -> tuple[Array, Array, Array]:
        least = self.fallback.payoffs
        equal = least + (self.payoffs.sum() - least.sum()) / len(least)
        return equal, equal, np.zeros(len(least))

    def _asked(self, amounts: Array) -> pd.DataFrame:
        groups = sorted(set(self.game.asked) - {self.game.everybody})
        table = group_table(self.game, groups, amounts)
        return table.sort_values(["slack", "size"], kind="stable", ignore_index=True)

    def _largest(self) -> int:
        """The largest group short of all that has more than its fallbacks, and the most; 0 where there is none."""
        count = len(self.game.partners)
        for size in range(count - 1, 1, -1):
            groups = [group for group in range(1, self.game.everybody) if group.bit_count() == size]
            more, group = max((self.game.value(group) - self._least(group), -group) for group in groups)
            if more > self.noise:
                return -group
        return 0

    def _least(self, group: int) -> float:
        """The fallbacks of a group's members."""
        return float(sum(each for k, each in enumerate(self.fallback.payoffs) if group >> k & 1))

    # --- tables -------------------------------------------------------------------------------------------------------

    def _partners(self, equal: Array, amount: Array, moved: Array) -> pd.DataFrame:
        players, least, now = self.game.partners, self.fallback.payoffs, self.payoffs
        columns = (
            players, [self.ground.name(each) for each in players], least, now, now - least, equal, moved, amount,
            amount - least, amount - now,
        )  # fmt: skip
        return pd.DataFrame(dict(zip(PARTNERS, columns, strict=True)))

    def _divided(self, partners: pd.DataFrame) -> pd.DataFrame:
        """What each partner of a bloc has."""
        ground, curves = self.ground, self.ground.problem.curves
        stands, lands = (
            curves.gain(curves.effort(flows.spend)) for flows in (self.fallback.stands, ground.flows(ground.together))
        )
        return divided(ground.scenario, ground.benefits, stands, lands, partners)

    def _leaving(self, amounts: Array) -> pd.DataFrame:
        rows = []
        for k, player in enumerate(self.game.partners):
            group = self.game.everybody & ~(1 << k)
            self.game.value(group)
            rest = self._alone(group)
            acts = self.ground.apart.reply(player, rest.flows).profile
            payoff = self.ground.payoffs(acts)[k]
            shifts = np.abs(acts.spend - self.fallback.stands.spend)[self.ground.benefits.decides == k].sum() / 2
            less = float(amounts.sum() - amounts[k]) - rest.value
            rows.append([
                player, self.ground.name(player), rest.value, rest.value - self._least(group), less, rest.payoffs[k],
                max(payoff, rest.payoffs[k]), self.fallback.payoffs[k], shifts,
            ])  # fmt: skip
        return pd.DataFrame(rows, columns=LEAVING)

    def _consent(self) -> tuple[pd.DataFrame, Insisting]:
        """What each partner's floor costs, and the plan where all insist."""
        least, players = self.fallback.payoffs, self.game.partners
        stands = None if self.fallback.kind == ALONE else self.fallback.stands
        everybody = self._insisting(range(len(players)), stands)
        plain = self.ground.payoffs(self.ground.flows(self.ground.best))
        rows = []
        for k, player in enumerate(players):
            cost = 0.0
            if least[k] - plain[k] > LEAST * max(abs(least[k]), 1.0):
                cost = max(0.0, self.ground.best.value - self._insisting([k], stands).value)
            rows.append([
                player, self.ground.name(player), least[k], self.payoffs[k], max(0.0, least[k] - self.payoffs[k]), cost,
                everybody.payoffs[k], everybody.prices[k],
            ])  # fmt: skip
        return pd.DataFrame(rows, columns=CONSENT), everybody

    def _insisting(self, who: Sequence[int], stands: Flows | None) -> Insisting:
        ground = self.ground
        return insisting(ground.problem, ground.benefits, self.fallback.payoffs, who, ground.options, stands)

    def _shadow(self) -> tuple[Shadow | None, pd.DataFrame]:
        """What each brings at the prices of the plan that lands most on all, as the share and as a table."""
        groups = self.groups
        if not groups.priced:
            return None, pd.DataFrame(columns=PRICED)
        total = float(self.payoffs.sum())
        found = shadow(*groups.priced[0], groups.benefits, groups.stands, groups.own, total, self.noise)
        players = self.game.partners
        names = [self.ground.name(each) for each in players]
        columns = (players, names, found.money, found.room, found.rules, found.rest, found.amounts)
        return found, pd.DataFrame(dict(zip(PRICED, columns, strict=True)))

    def _sharing(
        self, partners: pd.DataFrame, stable: bool | None, all_groups: bool, priced: Shadow | None
    ) -> pd.DataFrame:
        splits: dict[str, tuple[pd.Series, Any]] = {EQUAL: (partners.set_index("partner")["amount"], stable)}
        if priced is not None:
            split = self.game.split(priced.amounts)
            least = self._asked(priced.amounts)["slack"].min()
            sure = not priced.why or all_groups
            splits[SHADOW] = split, False if least < -self.noise else True if sure else None
        if all_groups:
            for name, split in ((SHAPLEY, shapley(self.game)), (NUCLEOLUS, nucleolus(self.game, floors=False))):
                slack = self._asked(split.to_numpy())["slack"]
                splits[name] = split, bool(slack.min() >= -self.noise)
        rows = [
            [name, row.partner, row.name_, split[row.partner], split[row.partner] - row.fallback,
             split[row.partner] - row.together, holds]
            for name, (split, holds) in splits.items() for row in _named(partners)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=SHARING)


def _split(found: EqualGain) -> tuple[Array, Array, Array]:
    table = found.partners
    return table["equal"].to_numpy(), table["amount"].to_numpy(), table["moved"].to_numpy()


def _floored(game: Game, least: Array) -> Game:
    """The same game where nobody alone has less than its fallback."""

    def value(group: int) -> float:
        found = game.value(group)
        return max(found, least[group.bit_length() - 1]) if group.bit_count() == 1 else found

    def bound(group: int) -> float:
        most = game.bound(group)
        return max(most, least[group.bit_length() - 1]) if group.bit_count() == 1 else most

    return Game(game.partners, value, bound)


__all__ = ["Deal", "deal"]
