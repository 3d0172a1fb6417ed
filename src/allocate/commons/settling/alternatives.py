"""Near-best plans that nobody would veto, as unlike one another as can be: what there is to choose from.

Many plans buy nearly as much as the best. Modelling to generate alternatives looks for those that differ most, for what
a model leaves out may decide among them (Brill 1979, doi 10.1287/mnsc.25.5.413; Brill, Chang and Hopkins 1982, doi
10.1287/mnsc.28.3.221; DeCarolis 2011, doi 10.1016/j.eneco.2010.05.002). Here every plan also leaves each partner what
it has without a deal, and no agreed rule bends further than in the best such plan
(`allocate.commons.settling.near_best`).

The most different plan of all is at some far end, and ends are found exactly: the most and the least for each
programme, partner and place, the best for each partner, and then away from the middle of the plans shown. Of these the
next plan is always the one with the most pounds spent otherwise than in the nearest so far (farthest first: Gonzalez
1985, doi 10.1016/0304-3975(85)90224-5).

How near is said as a part of what the best plan gains on today's spending, as it is for what an aim may give up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import counted_in_words
from allocate.commons.apart.equilibrium import LEAST, TOLERANCE, still_in_words
from allocate.commons.apart.fallbacks import ALONE, APART, FALLBACKS
from allocate.commons.apart.ground import Ground
from allocate.commons.settling.near_best import End, Region
from allocate.commons.sharing.consent import with_floors
from allocate.engine.certificate import Flows
from allocate.engine.piece import Clash, solved_whole
from allocate.engine.watch import Watch
from allocate.errors import EngineError
from allocate.plan.aim import aim_unit
from allocate.plan.figures import at_most, number, pounds
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve, Tick
from allocate.plan.words import capital, count, some
from allocate.scenario.scenario import Scenario

Array = np.ndarray
MANY = 50
ALIKE = 1e-4
"""The part of all money that two plans must spend otherwise to count as two."""
FIXED = 1e-3
"""The part of what the agreed plan spends on a programme below which there is next to no choice."""
KINDS = {"programme": "programmes", "partner": "partners", "place": "places"}
"""What ranges are told for, and the table that names it."""
HOW = {"programme": "on", "partner": "through", "place": "in"}
PLANS = ["plan", "found_as", "value", "below", "moved", "nearest", "prefer", "against"]
PARTNERS = ["plan", "partner", "name", "fallback", "agreed", "payoff", "change", "prefers"]
RANGE = ["kind", "id", "name", "least", "agreed", "most", "today"]
KEYS = ["partner", "place", "programme", "envelope", "year"]


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Plans near the best that nobody would veto. Tables are tidy; money in pounds, parts as fractions.

    plans     one row a plan, those that most partners prefer first, then those that buy most: plan (1, 2 ...),
              found_as (what it has the most or least of), value (the agreed outcome, what bending rules costs taken
              off), below (the part of the best plan's gain that it gives up), moved (pounds spent otherwise than in the
              agreed plan), nearest (the part of all money spent otherwise than in the plan nearest to it, the agreed
              one among them), prefer, against (how many partners have more, or less, than in the agreed plan)
    partners  one row a plan and partner that decides: plan, partner, name, fallback (its payoff without a deal), agreed
              (in the agreed plan), payoff, change (payoff - agreed), prefers (1 the plan, -1 the agreed one, 0 neither)
    spend     one row a plan and line: plan, partner, place, programme, envelope, year, baseline, agreed, spend, change
              (spend - agreed); whole pounds
    range     one row a programme, a partner that runs lines, and a place: kind, id, name, least, agreed, most, today
              (pounds in all years; least and most of all plans this near, not only of those shown; blank where it was
              stopped before). A place counts those inside it

    Nobody would veto a plan that leaves it no less than its fallback. The agreed plan itself is not among the plans.
    """

    scenario: Scenario
    agreed: Plan
    fallback: str
    regret: float
    """The most that a partner could gain by moving alone apart, as a share of what it has at stake; blank otherwise."""
    within: float
    gain: float
    """What the best plan gains on today's spending, in units of the aim: what `within` is a part of."""
    best: float
    """What the best plan is worth, without an aim between places, in units of the aim."""
    reachable: float
    """What the best plan that nobody would veto is worth; blank where none was found."""
    vetoed: tuple[str, ...]
    """The partners with less in the agreed plan than without a deal, the one that lacks most first."""
    plans: pd.DataFrame
    partners: pd.DataFrame
    spend: pd.DataFrame
    range: pd.DataFrame
    shared: float
    """The most that any plan this near lands on partners together beyond the agreed plan, with none below it; blank
    where no such plan was found."""
    noise: float
    """Pounds up to which that is nothing."""
    gap: float
    """The most by which an end of a range could be further out, as a part of all money."""
    whole: bool
    """False where it was stopped before all was found."""

    @property
    def certified(self) -> bool:
        """Whether ranges are proved to within the tolerance, and nobody moves where partners are apart, if that is the
        fallback."""
        return not self.regret > TOLERANCE and not self.gap > TOLERANCE

    @property
    def unit(self) -> str:
        """The unit of the agreed outcome."""
        return aim_unit(self.agreed)

    @property
    def least_within(self) -> float:
        """The least part of the gain that must be given up for a plan that nobody would veto; blank where no such plan
        was found."""
        return max(0.0, (self.best - self.reachable) / self.gain)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {name: getattr(self, name) for name in ("plans", "partners", "spend", "range")}

    @property
    def sentences(self) -> list[str]:
        """The answer in words: how near, who would veto the agreed plan, what there is to choose, which plan most
        prefer, what was proved."""
        said = [self._near(), self._vetoes(), *self._ranges(), self._fixed(), self._shown(), self._liked()]
        said += [self._unanimous(), counted_in_words(self.scenario), self._assurance()]
        return [sentence for sentence in said if sentence]

    def _said(self, amount: float, signed: bool = False) -> str:
        return pounds(amount, self.scenario.heading.currency, signed)

    def _part(self, part: float) -> str:
        return f"{100 * part:.3g}%"

    def _near(self) -> str:
        gain = f"{number(self.gain)} {self.unit} that the best plan gains on today's spending"
        near = f"Near the best means giving up at most {self._part(self.within)} of the {gain}"
        if np.isnan(self.reachable):
            return f"{near}. No plan was found that leaves everybody with what it has without a deal."
        if not len(self.range):
            least = at_most(100 * self.least_within)
            without = "leaves everybody with what it has without a deal"
            return f"{near}. No plan so near was found that {without}: that takes {least}%."
        return f"{near}, {number(self.within * self.gain)} {self.unit}."

    def _vetoes(self) -> str:
        without = f"without a deal, where {FALLBACKS[self.fallback]}"
        if not self.vetoed:
            return f"Nobody has less in the agreed plan than {without}."
        names = some([self.scenario.name_of("partners", each) for each in self.vetoed])
        has = "has" if len(self.vetoed) == 1 else "have"
        said = f"{names} {has} less in the agreed plan than {without}, and could veto it"
        if np.isnan(self.reachable):
            return f"{said}."
        return f"{said}. The best plan that nobody could veto gives up {self._part(self.least_within)} of the gain."

    def _ranges(self) -> Iterator[str]:
        """The widest ranges of each kind."""
        table = self.range.dropna(subset=["least", "most"])
        table = table[table["most"] - table["least"] > ALIKE * self._money]
        table = table.assign(wide=table["most"] - table["least"]).sort_values("wide", ascending=False, kind="stable")
        for kind, most in (("programme", 3), ("partner", 2), ("place", 2)):
            told = [
                f"{self._said(row.least)} and {self._said(row.most)} {HOW[kind]} {row.name_} (agreed: "
                f"{self._said(row.agreed)}, today: {self._said(row.today)})"
                for row in _named(table[table["kind"] == kind].head(most))
            ]
            if told:
                yield f"Such a plan may spend anything between {', between '.join(told)}."

    def _fixed(self) -> str:
        table = self.range[self.range["kind"] == "programme"].dropna(subset=["least", "most"])
        held = table[table["most"] - table["least"] <= FIXED * table["agreed"]]
        if not len(held) or len(held) == len(table):
            return "" if not len(held) else "What each programme gets is all but settled."
        return f"There is next to no choice over {some(held['name'].tolist(), 5)}."

    def _shown(self) -> str:
        if not len(self.range):
            return ""
        if not len(self.plans):
            return "" if not self.whole else "No plan so near that nobody would veto differs from the agreed one."
        nearest = self._part(float(self.plans["nearest"].min()))
        if len(self.plans) == 1:
            return f"One plan is shown. It spends {nearest} of all money otherwise than the agreed one."
        differ = "Any two of them, or one and the agreed plan, differ in"
        return f"{count(len(self.plans), 'plan')} are shown. {differ} at least {nearest} of all money."

    def _liked(self) -> str:
        if not len(self.plans):
            return ""
        row, everybody = self.plans.iloc[0], self.partners["partner"].nunique()
        if not row["prefer"]:
            return "No partner has more in any of them than in the agreed plan."
        mine = self.partners[self.partners["plan"] == row["plan"]]
        less = mine[mine["prefers"] < 0].sort_values("change", kind="stable")
        lose = some([f"{each.name_} ({self._said(each.change, signed=True)})" for each in _named(less)]) if len(
            less
        ) else "nobody"  # fmt: skip
        return (
            f"Plan {row['plan']} ({row['found_as']}) has the most support: {row['prefer']} of {everybody} have more in "
            f"it than in the agreed plan, {lose} less. It spends {self._said(row['moved'])} otherwise and gives up "
            f"{self._part(row['below'])} of the gain."
        )

    def _unanimous(self) -> str:
        if not len(self.range) or not self.whole:
            return ""
        if np.isnan(self.shared) and self.vetoed:
            return (
                "No plan so near was found that nobody could veto and that leaves none worse off than the agreed one."
            )
        if np.isnan(self.shared):
            return "Whether a plan so near gives some more than the agreed one and nobody less is not known."
        if self.shared > self.noise:
            more = f"lands {self._said(self.shared)} more on partners together and leaves none of them with less"
            return f"The agreed plan is not the best that partners could do for themselves: a plan so near {more}."
        return "No plan so near gives some partners more than the agreed one without giving another less."

    def _assurance(self) -> str:
        said = [] if self.whole else ["It was stopped before all ends were found"]
        if len(self.range) and np.isfinite(self.gap):
            said.append(f"no range reaches further by over {at_most(100 * max(self.gap, 1e-6))}% of all money")
        elif len(self.range):
            said.append("not every end of a range is proved")
        still = still_in_words(self.regret) if np.isfinite(self.regret) else ""
        return " ".join(filter(None, (f"{capital('; '.join(said))}." if said else "", still)))

    @property
    def _money(self) -> float:
        return float(self.scenario.table("envelopes")["amount"].sum())


def _named(table: pd.DataFrame):
    return table.rename(columns={"name": "name_"}).itertuples()


def alternatives(
    scenario: Scenario,
    *,
    within: float = 0.01,
    count: int = 6,
    fallback: str = APART,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
) -> Alternatives:
    """Plans that nobody would veto and that give up at most a part `within` of what the best plan gains on today's
    spending; at most `count` of them, as unlike one another and the agreed plan as can be. See `Alternatives`.

    `fallback`: 'apart', 'last year' or 'alone', as `allocate.commons.apart.fallbacks` has them. `seconds` bounds each
    solve. `tick(done, total)` is told how far it is, in solves; once it returns False, or `watch` is stopped, what is
    left is left out. `solve` may be one that remembers what it has solved.

    Raises ValueError for `within` outside 0 to 1, `count` outside 1 to 50 or another fallback, and what
    `Ground.of` does: ScenarioError where benefits.csv does not say what an outcome is worth to every partner that
    decides, or where fewer than two do; NoPlan where the rules cannot all hold.
    """
    if not 0 <= within <= 1:
        raise ValueError(f"within must be from 0 to 1 (0.01 for 1%), not {within!r}")
    if not 1 <= count <= MANY:
        raise ValueError(f"count must be from 1 to {MANY}, not {count!r}")
    ground = Ground.of(scenario, fallback=fallback, seconds=seconds, solve=solve)
    return _Finding(ground, within, count, watch, tick).found()


@dataclass(frozen=True, eq=False)
class _Group:
    """Lines that a range is told for, as booleans."""

    kind: str
    id: str
    name: str
    lines: Array


def _groups(scenario: Scenario) -> list[_Group]:
    """The programmes, partners and places that lines are about, but for those that all lines are about."""
    lines, found = scenario.table("lines"), []
    for kind, table in KINDS.items():
        at = lines[kind].to_numpy(dtype=str)
        for key in scenario.table(table)["id"].tolist():
            mine = np.isin(at, sorted(scenario.within(key))) if kind == "place" else at == key
            if mine.any() and not mine.all():
                found.append(_Group(kind, key, scenario.name_of(table, key), mine))
    return found


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A plan in the region, before rounding, and what it is the end of."""

    flows: Flows
    found_as: str


class _Enough(Exception):
    """Nobody waits for more."""


@dataclass(eq=False)
class _Finding:
    """One answer in the making."""

    ground: Ground
    within: float
    count: int
    watch: Watch | None
    tick: Tick | None
    candidates: list[_Candidate] = field(default_factory=list, init=False)
    gap: float = field(default=0.0, init=False)
    """The most pounds by which an end could be further out."""
    shared: float = field(default=np.nan, init=False)
    done: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        ground = self.ground
        problem, flows = ground.problem, ground.flows(ground.together)
        curves = problem.curves
        self.groups = _groups(ground.scenario)
        bought, before = (
            float(problem.weight @ curves.gain(curves.effort(spend)))
            for spend in (ground.flows(ground.best).spend, problem.baseline)
        )
        self.gain = bought - before if bought - before > 1e-9 * problem.at_stake else max(problem.at_stake, 1e-12)
        self.agreed, self.lands = flows, ground.lands
        self.least = ground.fallback.payoffs
        self.noise = np.maximum(LEAST * np.abs(self.lands), 1.0)
        self.money = float(problem.amount.sum())
        self.ends = np.full((2, len(self.groups)), np.nan)
        self.known = np.zeros(len(self.groups), dtype=bool)

    def found(self) -> Alternatives:
        ground, scenario = self.ground, self.ground.scenario
        lacks = self.least - self.lands
        order = np.argsort(-lacks, kind="stable")
        vetoed = tuple(ground.players[k] for k in order.tolist() if lacks[k] > self.noise[k])
        floor = ground.best.value - self.within * self.gain
        first = self._first(bool(vetoed))
        reachable = np.nan if first is None else ground.problem.value(first.spend, first.moved)
        chosen, whole, ranges = list[_Candidate](), True, pd.DataFrame(columns=RANGE)
        # What rounding to whole pounds took is no reason to call the best plan too far from the best.
        if first is not None and reachable >= floor - 1e-9 * self.gain:
            floor = min(floor, reachable)
            whole, chosen = self._look_round(first, floor)
            ranges = self._ranges()
        plans, partners, spend = self._tables(chosen)
        return Alternatives(
            scenario, ground.together, ground.fallback.kind, ground.fallback.regret, self.within, self.gain,
            ground.best.value, reachable, vetoed, plans, partners, spend, ranges, self.shared,
            float(self.noise.sum()), self.gap / max(self.money, 1.0), whole,
        )  # fmt: skip

    def _first(self, vetoed: bool) -> Flows | None:
        """The best plan that nobody would veto: the agreed one, where that is it."""
        ground = self.ground
        if not vetoed and ground.together is ground.best:
            return self.agreed
        floored = with_floors(ground.problem, ground.benefits, self.least, self._insist)
        stands = None if ground.fallback.kind == ALONE else ground.fallback.stands
        try:
            found = solved_whole(floored, ground.options, Watch()).flows
        except (Clash, EngineError):
            return stands
        value = ground.problem.value
        if stands is not None and value(stands.spend, stands.moved) > value(found.spend, found.moved):
            return stands
        return found

    @property
    def _insist(self) -> list[int]:
        """The numbers of those who count anything."""
        return [k for k in range(len(self.ground.players)) if self.ground.benefits.worth[k].any()]

    def _look_round(self, first: Flows, floor: float) -> tuple[bool, list[_Candidate]]:
        """Whether all ends were found, and the plans to show, in whole pounds."""
        ground = self.ground
        lines = np.array([group.lines for group in self.groups])
        region = Region.of(ground.problem, ground.benefits, self.least, floor, first, lines, ground.options)
        self._saw(region, first)
        forced, whole = self._apart([_Candidate(first, "the most of the agreed outcome")], [self.agreed]), True
        try:
            self._go_through_ends(region)
            if (better := self._better_for_all(region)) is not None:
                forced += self._apart([better], [self.agreed, *(each.flows for each in forced)])
            for _ in range(self.count):
                plans = [self.agreed, *(each.flows for each in self._choose(forced))]
                middle = np.mean([region.spent(each.spend) for each in plans], axis=0)
                self._asked("away from the others", partial(region.furthest, *self._away(middle)), region)
        except _Enough:
            whole = False
        return whole, self._in_whole_pounds(region, forced)

    def _go_through_ends(self, region: Region) -> None:
        """The most and the least for every group, and the best for every player."""
        only, none = np.eye(len(self.groups)), np.zeros(len(self.groups))
        for k, group in enumerate(self.groups):
            how = HOW[group.kind]
            most = self._asked(f"the most {how} {group.name}", partial(region.furthest, only[k], none), region)
            least = self._asked(f"the least {how} {group.name}", partial(region.furthest, none, only[k]), region)
            for end in (most, least):
                self.gap = max(self.gap, np.inf if end is None else end.bound - end.reached)
            self.known[k] = True
        for k in self._insist:
            found_as = f"the best for {self.ground.name(self.ground.players[k])}"
            self._asked(found_as, partial(region.best_for, k), region)

    def _better_for_all(self, region: Region) -> _Candidate | None:
        """The plan that lands most on all while none has less than in the agreed one, where it is any better."""
        if not self._insist:
            return None
        found = self._asked("the most for all, nobody with less", partial(region.best_for_all, self.lands), region)
        if found is None:
            return None
        self.shared = max(0.0, found.bound - float(self.lands.sum()))
        if found.reached - self.lands.sum() <= self.noise.sum():
            return None
        self.shared = float(found.reached - self.lands.sum())
        return self.candidates[-1]

    def _asked(self, found_as: str, ask: Callable[[], End], region: Region) -> End | None:
        """A far end, kept as a candidate; None where the solver did not come to one."""
        total = 2 * len(self.groups) + len(self._insist) + bool(self._insist) + self.count
        stopped = self.watch is not None and self.watch.stopped
        if stopped or (self.tick is not None and self.tick(self.done, total) is False):
            raise _Enough
        self.done += 1
        try:
            end = ask()
        except (Clash, EngineError):
            return None
        self.candidates.append(_Candidate(end.flows, found_as))
        self._saw(region, end.flows)
        return end

    def _saw(self, region: Region, flows: Flows) -> None:
        """What a plan in the region says of how far it reaches."""
        spent = region.spent(flows.spend)
        self.ends = np.array([np.fmin(self.ends[0], spent), np.fmax(self.ends[1], spent)])

    def _away(self, middle: Array) -> tuple[Array, Array]:
        """More of what plans so far have little of, and less of what they have much of, each as a part of its range."""
        least, most = self.ends
        wide = most - least
        weight = np.divide(self.money, wide, out=np.zeros(len(wide)), where=wide > ALIKE * self.money)
        weight = weight / max(float(weight.max(initial=0.0)), 1.0)
        up = middle < (least + most) / 2
        return np.where(up, weight, 0.0), np.where(up, 0.0, weight)

    # --- choosing -----------------------------------------------------------------------------------------------------

    def _apart(self, candidates: list[_Candidate], others: list[Flows]) -> list[_Candidate]:
        """Those that are not the same as any of the others."""
        return [each for each in candidates if self._distance(each.flows, others) > ALIKE * self.money]

    def _distance(self, flows: Flows, others: list[Flows]) -> float:
        """Pounds spent otherwise than in the nearest of others."""
        return min(_moved(flows, other) for other in others)

    def _choose(self, forced: list[_Candidate], left_out: frozenset[int] = frozenset()) -> list[_Candidate]:
        """Plans far from one another and from the agreed one: each next is the furthest from the nearest so far."""
        chosen = list(forced[: self.count])
        pool = [each for k, each in enumerate(self.candidates) if k not in left_out]
        near = np.array([self._distance(each.flows, [self.agreed, *(c.flows for c in chosen)]) for each in pool])
        while len(chosen) < self.count and len(pool) and near.max() > ALIKE * self.money:
            chosen.append(pool[int(near.argmax())])
            near = np.minimum(near, [_moved(each.flows, chosen[-1].flows) for each in pool])
        return chosen

    def _in_whole_pounds(self, region: Region, forced: list[_Candidate]) -> list[_Candidate]:
        """The chosen plans in whole pounds; one that has no such rounding gives way to another."""
        left_out, known = frozenset[int](), dict[int, _Candidate | None]()
        while True:
            chosen = self._choose(forced, left_out)
            for each in chosen:
                if id(each) not in known:
                    flows = region.in_whole_pounds(each.flows)
                    known[id(each)] = None if flows is None else _Candidate(flows, each.found_as)
            failed = {id(each) for each in chosen if known[id(each)] is None}
            if not failed:
                return [found for each in chosen if (found := known[id(each)]) is not None]
            forced = [each for each in forced if id(each) not in failed]
            left_out |= {k for k, each in enumerate(self.candidates) if id(each) in failed}

    # --- tables -------------------------------------------------------------------------------------------------------

    def _ranges(self) -> pd.DataFrame:
        baseline, agreed = self.ground.problem.baseline, self.agreed.spend
        rows = [
            [group.kind, group.id, group.name, least, agreed[group.lines].sum(), most, baseline[group.lines].sum()]
            for group, least, most in zip(self.groups, *np.where(self.known, self.ends, np.nan), strict=True)
        ]
        return pd.DataFrame(rows, columns=RANGE)

    def _tables(self, chosen: list[_Candidate]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Plans, partners and spend, as `Alternatives` has them."""
        ground, rows = self.ground, list[tuple]()
        for each in chosen:
            payoffs = ground.payoffs(each.flows)
            change = payoffs - self.lands
            prefers = np.where(change > self.noise, 1, np.where(change < -self.noise, -1, 0))
            value = ground.problem.value(each.flows.spend, each.flows.moved)
            others = [self.agreed, *(other.flows for other in chosen if other is not each)]
            rows.append((each, payoffs, prefers, value, self._distance(each.flows, others)))
        rows.sort(key=lambda row: (-(row[2] > 0).sum(), -row[3]))
        plans, partners, spends = [], [], []
        for plan, (each, payoffs, prefers, value, near) in enumerate(rows, 1):
            below = max(0.0, (ground.best.value - value) / self.gain)
            moved = _moved(each.flows, self.agreed)
            plans.append([
                plan, each.found_as, value, below, moved, near / self.money, int((prefers > 0).sum()),
                int((prefers < 0).sum()),
            ])  # fmt: skip
            partners += [
                [plan, player, ground.name(player), self.least[k], self.lands[k], payoffs[k],
                 payoffs[k] - self.lands[k], prefers[k]]
                for k, player in enumerate(ground.players)
            ]  # fmt: skip
            spends.append(self._lines(plan, each.flows.spend))
        spend = pd.concat(spends, ignore_index=True) if spends else self._lines(0, self.agreed.spend).iloc[:0]
        return pd.DataFrame(plans, columns=PLANS), pd.DataFrame(partners, columns=PARTNERS), spend

    def _lines(self, plan: int, spend: Array) -> pd.DataFrame:
        lines, agreed = self.ground.scenario.table("lines"), self.agreed.spend
        told = {"plan": plan, **{key: lines[key] for key in KEYS}, "baseline": lines["baseline"]}
        return pd.DataFrame(told | {"agreed": agreed, "spend": spend, "change": spend - agreed})


def _moved(flows: Flows, other: Flows) -> float:
    """Pounds that two plans spend otherwise: half of what lines differ by in all."""
    return float(np.abs(flows.spend - other.spend).sum()) / 2


__all__ = ["Alternatives", "alternatives"]
