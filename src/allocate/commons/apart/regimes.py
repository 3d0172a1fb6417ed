"""Apart, told, together: the same system under three answers to who decides, by which rules, for whose benefit.

Apart, each partner spends its own money for its own payoff, until nobody moves. Told, a rule from above stands beside
those in force; partners keep it and otherwise act for themselves, or, at best, plan together for all that it leaves
free. Together, everybody plans for the agreed outcome. All keep the same rules in force and have the same money, so
together can never buy less than a regime whose plan it could have chosen itself; told may well buy less than apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.apart.alone import Apart
from allocate.commons.apart.benefits import Benefits, counted_in_words
from allocate.commons.apart.controls import standard
from allocate.commons.apart.equilibrium import TOLERANCE, Settled, still_in_words
from allocate.engine.certificate import Flows
from allocate.engine.optimum import Options
from allocate.engine.piece import best, itself
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.errors import AllocateError, NoPlan
from allocate.plan.aim import aim_unit
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.prices import NEEDED, NO_MONEY, NOT_SOLVED, ROOM, SOLVED
from allocate.plan.room import asks_of_money, stands
from allocate.plan.trying import ROUNDING, Solve, in_force, noise_of, without
from allocate.plan.words import quoted, title
from allocate.rules.kinds import aim_of
from allocate.scenario.rulebook import Rule
from allocate.scenario.scenario import Scenario

Array = np.ndarray
TODAY, APART, WORST, BEST, ALONE, TOLD, AT_BEST, TOGETHER, AIMED = (
    "today", "apart", "apart, worst found", "apart, best found", "each balances", "told", "told, at best", "together",
    "together, by its aim",
)  # fmt: skip
IN_FORCE, STATUTORY = "in force", "statutory"
REPLIES, ONE_SOLVE = "best replies in turn, from today's plan", "one solve: what each wants follows one sum"
COLUMNS = ["regime", "rule", "decide", "value", "difference", "reached", "pounds", "regret", "still", "why"]
LAW_COLUMNS = ["rule", "sentence", "cost", "pounds", "how"]


@dataclass(frozen=True, eq=False)
class Regimes:
    """What a system buys apart, told and together. Tables are tidy.

    table     one row a regime: regime, rule (what is told, '' otherwise), decide ('each' or 'all'), value (the agreed
              outcome less what bending rules costs, in units of the aim), difference (from apart), reached (the part of
              what together adds to apart; blank where that is nothing), pounds (what lands on all partners together;
              blank unless benefits.csv says what an outcome is worth to every partner that decides), regret (the most
              that any partner could gain by moving alone, as a share of what it has at stake; blank where all decide),
              still (whether nobody moves within the tolerance; True where all decide), why (there is no plan; else '')
    partners  one row a regime and partner that decides: regime, rule, partner, name, payoff, difference (from apart),
              unit (of both: the currency, or that of the aim)
    outcomes  one row a regime and outcome: regime, rule, outcome, gain, difference (from apart), unit
    spend     one row a regime and line: regime, rule, partner, place, programme, envelope, year, spend (£)
    regrets   one row a partner that decides, of the plan apart: partner, name, regret, unit, stake (what all its own
              spending could decide), share
    starts    one row a start from which replies were made: start, value (where they ended), regret, still, replies
    law       one row a statutory rule, the dearest first: rule, sentence, cost (what together would gain without it, in
              units of the aim; below 0 where it would lose), pounds (the same as it lands on partners), how it is known

    Regimes: 'today' (today's spending made lawful), 'apart' (from there), 'apart, worst found' and 'apart, best found'
    (over all starts; there may be others), 'each balances' (all plan together, but nobody spends more than its own
    money), 'told' (each for itself under a rule from above), 'told, at best' (all plan together under it), 'together'.
    Together buys the most that it can, as the others are held against it; where an aim between places is in force, the
    plan that follows it is 'together, by its aim', and `scenario` is the one without it.
    """

    scenario: Scenario
    together: Plan
    how: str
    """How the plan apart was found: by best replies, or in one solve."""
    table: pd.DataFrame
    partners: pd.DataFrame
    outcomes: pd.DataFrame
    spend: pd.DataFrame
    regrets: pd.DataFrame
    starts: pd.DataFrame
    law: pd.DataFrame
    noise: float
    """Differences of value up to this are what the tolerance leaves."""

    @property
    def unit(self) -> str:
        """The unit of value, difference and cost: that of the aim."""
        return aim_unit(self.together)

    @cached_property
    def _first(self) -> pd.DataFrame:
        """The table by regime, of those that nobody is told."""
        return self.table[self.table["rule"] == ""].set_index("regime")

    @property
    def certified(self) -> bool:
        """Whether nobody moves in the plan apart, within the tolerance."""
        return bool(self._first.loc[APART, "still"])

    @property
    def gain(self) -> float:
        """What working together adds to apart, in units of the aim."""
        return float(self._first.loc[TOGETHER, "difference"])

    @property
    def sentences(self) -> list[str]:
        """The answer in words: apart and together, how sure that is, told, balancing alone, what the law costs."""
        still = still_in_words(float(self._first.loc[APART, "regret"]))
        said = [self._headline(), self._aimed(), counted_in_words(self.scenario), still, self._range(), *self._told()]
        return [sentence for sentence in (*said, self._balance(), self._dearest()) if sentence]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        names = ("table", "partners", "outcomes", "spend", "regrets", "starts", "law")
        return {name: getattr(self, name) for name in names}

    def _headline(self) -> str:
        apart, together = self._first.loc[APART], self._first.loc[TOGETHER]
        both = f"Apart the system buys {number(apart['value'])} {self.unit}, together {number(together['value'])}"
        if self.gain <= self.noise:
            return f"{both}: here working together adds nothing to what each does for itself."
        currency = self.scenario.heading.currency
        worth = together["pounds"] - apart["pounds"]
        lands = "" if np.isnan(worth) else f", which lands on partners as {pounds(worth, currency, signed=True)}"
        return f"{both}: working together is worth {number(self.gain)}{lands}."

    def _aimed(self) -> str:
        """What following the aim between places gives up of what together adds."""
        if AIMED not in self._first.index:
            return ""
        aimed = self._first.loc[AIMED]
        less = float(self._first.loc[TOGETHER, "value"] - aimed["value"])
        if less <= self.noise:
            return "By the aim in force together buys as much."
        said = f"{number(aimed['value'])}, {number(less)} less: what it gives up is for fairness."
        return f"By the aim in force together buys {said}"

    def _range(self) -> str:
        worst, best = (float(self._first.loc[name, "value"]) for name in (WORST, BEST))
        if best - worst <= self.noise or number(worst) == number(best):
            return ""
        return f"Where they end depends on where they begin: {number(worst)} to {number(best)} was found."

    def _told(self) -> list[str]:
        """What each rule from above does, against leaving partners alone and against what it could be at best."""
        said = []
        for rule, rows in self.table[self.table["rule"] != ""].groupby("rule", sort=False):
            told, best = (rows.set_index("regime").loc[name] for name in (TOLD, AT_BEST))
            if told["why"]:
                said.append(f"Told {quoted(rule)}: {told['why']}.")
                continue
            more = float(told["difference"])
            least, most = sorted(float(row["value"]) for row in (told, best))
            words = f"Told {quoted(rule)}: {number(least)} if each then acts for itself, {number(most)} at best. "
            if not told["still"]:
                words += "Partners still move under it, so the first is no resting place. "
            if more > self.noise:
                share = (
                    ""
                    if np.isnan(told["reached"])
                    else f", {per_cent(told['reached'], places=0)} of what together adds"
                )
                words += f"Control from above wins over leaving partners alone, by {number(more)}{share}."
            elif more < -self.noise:
                words += f"That is {number(-more)} worse than leaving partners alone."
            else:
                words += "That is no better than leaving partners alone."
            said.append(words)
        return said

    def _balance(self) -> str:
        cost = float(self._first.loc[TOGETHER, "value"] - self._first.loc[ALONE, "value"])
        told = "costs nothing here" if cost <= self.noise else f"costs {number(cost)} {self.unit}"
        return f"That each body balances alone, rather than the system, {told}, where all plan for the agreed outcome."

    def _dearest(self) -> str:
        costly = self.law[self.law["cost"] > self.noise]
        if not len(costly):
            return ""
        rule = costly.iloc[0]
        return f"Of the rules in law {quoted(title(rule['rule']))} costs most: {number(rule['cost'])} {self.unit}."


def regimes(
    scenario: Scenario,
    *,
    told: Mapping[str, Mapping[str, Any]] | None = None,
    rules: str = IN_FORCE,
    holders: bool = False,
    others: int = 1,
    law: bool = True,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    tick: Callable[[int, int], bool | None] | None = None,
) -> Regimes:
    """What a system buys apart, told and together, as `Regimes` has it.

    `told` are controls from above, what each asks in words to its changes (`allocate.controls` writes them); left out,
    three are made from the plan together. `rules`: 'in force', or 'statutory' where what was only agreed stands for
    nobody (powers to move money stay). With `holders` each envelope's money is spent by the partner that holds it in
    law, instead of by those that run its lines. `others` is how many further starts are drawn, besides today's plan
    taken in order and against it and the plan that is best with each partner's own money. Without `law` the cost of
    statutory rules is left out. `seconds` bounds each solve. `tick(done, total)` is told how far it is; once it returns
    False, further starts, controls and rules are left out. `solve` may be one that remembers what it has solved.

    Raises NoPlan where the rules cannot all hold, ScenarioError where a control is no change of this scenario,
    EngineError where an answer does not pass its checks, and ValueError for other `rules`.
    """
    if rules not in (IN_FORCE, STATUTORY):
        raise ValueError(f"rules must be {IN_FORCE!r} or {STATUTORY!r}, not {rules!r}")
    base = _statutory(scenario) if rules == STATUTORY else scenario
    for changes in (told or {}).values():
        base.change(changes)
    aim = aim_of(base)
    plain = base if aim is None else base.change({f"rules.{aim.id}.in_force": False})
    aimed = None if aim is None else solve(base)
    return _Finding(plain, holders, Options(seconds), solve, tick).found(told, others, law, aimed)


def _statutory(scenario: Scenario) -> Scenario:
    """The scenario without what was only agreed; what opens a route stays open."""
    agreed = [rule for rule in in_force(scenario) if rule.standing == "agreed" and rule.deontic != "may"]
    return scenario.change({f"rules.{rule.id}.in_force": False for rule in agreed}) if agreed else scenario


class _Finding:
    """One answer in the making: rows are added regime by regime."""

    def __init__(
        self,
        scenario: Scenario,
        holders: bool,
        options: Options,
        solve: Solve,
        tick: Callable[[int, int], bool | None] | None,
    ) -> None:
        self.scenario, self.options, self.solve, self.tick = scenario, options, solve, tick
        self.problem = Problem.of(scenario)
        self.benefits = Benefits.of(scenario, holders)
        self.together = solve(scenario)
        self.flows: dict[tuple[str, str], Flows] = {}
        self.rows: list[dict[str, Any]] = []
        self.done, self.total, self.stopped = 0, 1, False

    def found(
        self, told: Mapping[str, Mapping[str, Any]] | None, others: int, law: bool, aimed: Plan | None
    ) -> Regimes:
        """Every regime, the cheap and the needed first."""
        controls = standard(self.together) if told is None else dict(told)
        statutory = [rule for rule in in_force(self.scenario) if rule.standing == "statutory"] if law else []
        self.total = 4 + others + len(controls) + len(statutory)
        apart = Apart.of(self.scenario, self.benefits, self.options)
        self._add(TODAY, apart.today, decide="each")
        own = apart.best_for(apart.problem.weight)
        self._add(ALONE, own)
        ends = self._ends(apart, own, others)
        how, first = next(iter(ends.items()))
        self._add(APART, first.profile, settled=first)
        by_value = sorted((end for end in ends.values() if _still(end)), key=lambda end: self._value(end.profile))
        for name, end in ((WORST, by_value[0]), (BEST, by_value[-1])) if by_value else ((WORST, first), (BEST, first)):
            self._add(name, end.profile, settled=end)
        for said, changes in controls.items():
            if self._goes_on():
                self._tell(said, changes)
        self._add(TOGETHER, self.together._solved.flows)
        if aimed is not None:
            self._add(AIMED, aimed._solved.flows)
        prices = self._law(statutory)
        return Regimes(
            self.scenario, self.together, how, self._table(), self._partners(), self._outcomes(), self._spend(),
            self._regrets(apart, first), self._starts(ends), prices, self._noise,
        )  # fmt: skip

    def _goes_on(self) -> bool:
        """Tells how far it is, and whether anybody wants the rest."""
        if not self.stopped and self.tick is not None and self.tick(self.done, self.total) is False:
            self.stopped = True
        self.done += 1
        return not self.stopped

    # --- apart --------------------------------------------------------------------------------------------------------

    def _ends(self, apart: Apart, own: Flows, others: int) -> dict[str, Settled[Flows]]:
        """Where replies end, by where and how they begin; the plan to show first."""
        ends: dict[str, Settled[Flows]] = {}
        if (weight := apart.potential) is not None:
            ends[ONE_SOLVE] = apart.settled(apart.best_for(weight))
        ends[REPLIES] = apart.settled(apart.today)
        if self._goes_on():
            ends["today's plan, partners in the opposite order"] = apart.settled(apart.today, backwards=True)
        if self._goes_on():
            ends["the best plan with each partner's own money"] = apart.settled(own)
        drawn = np.random.default_rng(0)
        for k in range(others):
            weight = self.problem.weight * drawn.uniform(0.02, 1.0, len(self.problem.weight))
            if self._goes_on():
                ends[f"a plan for other ends, drawn by lot ({k + 1})"] = apart.settled(apart.best_for(weight))
        return ends

    def _tell(self, said: str, changes: Mapping[str, Any]) -> None:
        """Two rows for a rule from above: each for itself under it, and all together under it."""
        try:
            told = self.scenario.change(changes)
            at_best = self.solve(told)
            found = Apart.of(told, self.benefits, self.options)
        except NoPlan as error:
            why = " ".join(["no plan is possible under it.", *error.minima]).rstrip(".")
            for name, decide in ((TOLD, "each"), (AT_BEST, "all")):
                row = dict.fromkeys(COLUMNS, np.nan)
                self.rows.append(row | {"regime": name, "rule": said, "decide": decide, "still": False, "why": why})
            return
        settled = found.settled(found.today)
        self._add(TOLD, settled.profile, said, settled)
        self._add(AT_BEST, at_best._solved.flows, said)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _add(
        self, regime: str, flows: Flows, rule: str = "", settled: Settled[Flows] | None = None, decide: str = "all"
    ) -> None:
        self.flows[regime, rule] = flows
        regret = np.nan if settled is None else settled.regret
        self.rows.append({
            "regime": regime, "rule": rule, "decide": decide if settled is None else "each", "why": "",
            "value": self._value(flows), "pounds": self.benefits.pounds(self._gain(flows)), "regret": regret,
            "still": settled is None or _still(settled),
        })  # fmt: skip

    def _value(self, flows: Flows) -> float:
        return self.problem.value(flows.spend, flows.moved)

    def _gain(self, flows: Flows) -> Array:
        return self.problem.curves.gain(self.problem.curves.effort(flows.spend))

    @property
    def _noise(self) -> float:
        found = self.together.certificate
        return max(found.bound - found.value, 1e-7 * self.problem.at_stake)

    def _table(self) -> pd.DataFrame:
        table = pd.DataFrame(self.rows, columns=COLUMNS)
        value = {(row.regime, row.rule): row.value for row in table.itertuples()}
        apart, most = value[APART, ""], value[TOGETHER, ""] - value[APART, ""]
        table["difference"] = table["value"] - apart
        table["reached"] = table["difference"] / most if most > self._noise else np.nan
        return table

    def _partners(self) -> pd.DataFrame:
        columns = ["regime", "rule", "partner", "name", "payoff", "difference", "unit"]
        money, points = self.scenario.heading.currency, aim_unit(self.together)
        apart = self.benefits.payoffs(self._gain(self.flows[APART, ""]))
        rows = []
        for key, flows in self.flows.items():
            payoffs = self.benefits.payoffs(self._gain(flows))
            for k, player in enumerate(self.benefits.players):
                unit = money if self.benefits.in_money[k] else points
                name = self.scenario.name_of("partners", player)
                rows.append([*key, player, name, payoffs[k], payoffs[k] - apart[k], unit])
        return pd.DataFrame(rows, columns=columns)

    def _outcomes(self) -> pd.DataFrame:
        columns = ["regime", "rule", "outcome", "gain", "difference", "unit"]
        units = dict(zip(self.scenario.table("outcomes")["id"], self.scenario.table("outcomes")["unit"], strict=True))
        of = self.problem.outcomes
        apart, rows = self._gain(self.flows[APART, ""]), []
        for key, flows in self.flows.items():
            gain = self._gain(flows)
            for name, unit in units.items():
                now, before = gain[of == name].sum(), apart[of == name].sum()
                rows.append([*key, name, now, now - before, unit])
        return pd.DataFrame(rows, columns=columns)

    def _spend(self) -> pd.DataFrame:
        lines = self.scenario.lines[["partner", "place", "programme", "envelope", "year"]]
        parts = [lines.assign(regime=name, rule=rule, spend=each.spend) for (name, rule), each in self.flows.items()]
        return pd.concat(parts, ignore_index=True)[["regime", "rule", *lines.columns, "spend"]]

    def _regrets(self, apart: Apart, end: Settled[Flows]) -> pd.DataFrame:
        money, points = self.scenario.heading.currency, aim_unit(self.together)
        rows = [
            [player, self.scenario.name_of("partners", player), end.regrets[player], money if pounds_ else points,
             end.stakes[player], end.shares[player]]
            for player, pounds_ in zip(self.benefits.players, self.benefits.in_money, strict=True)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["partner", "name", "regret", "unit", "stake", "share"])

    def _starts(self, ends: Mapping[str, Settled[Flows]]) -> pd.DataFrame:
        rows = [[name, self._value(end.profile), end.regret, _still(end), end.replies] for name, end in ends.items()]
        return pd.DataFrame(rows, columns=["start", "value", "regret", "still", "replies"])

    # --- the law ------------------------------------------------------------------------------------------------------

    def _law(self, rules: Sequence[Rule]) -> pd.DataFrame:
        rows = [[rule.id, rule.sentence(self.scenario), *self._cost(rule)] for rule in rules]
        table = pd.DataFrame(rows, columns=LAW_COLUMNS)
        return table.sort_values(["cost", "rule"], ascending=[False, True], kind="stable", ignore_index=True)

    def _cost(self, rule: Rule) -> tuple[float, float, str]:
        """What together would gain without a rule, in units of the aim and in pounds, and how that is known."""
        known = not np.isnan(self.benefits.pounds(np.zeros(len(self.problem.curves))))
        nothing = 0.0 if known else np.nan
        if not asks_of_money(self.together, rule):
            return 0.0, nothing, NO_MONEY
        if self.together.has_prices and not stands(self.together, rule):
            return 0.0, nothing, ROOM
        if not self._goes_on():
            return np.nan, np.nan, NOT_SOLVED
        if rule.openings(self.scenario) or self.together._solved.parts > 1:
            try:
                found = without(self.together, rule.id, self.solve)
            except NoPlan:
                return np.nan, np.nan, NEEDED
            except AllocateError:
                return np.nan, np.nan, NOT_SOLVED
            cost, flows, changes = found.cost, found.plan._solved.flows, found.changes
        else:
            cost, flows, changes = self._lifted(rule)
        gained = self._gain(flows) - self._gain(self.together._solved.flows)
        return cost, self.benefits.pounds(gained) if changes else nothing, SOLVED

    def _lifted(self, rule: Rule) -> tuple[float, Flows, bool]:
        """What together gains where a rule's limits hold nothing, its plan then, and whether that is another. The model
        stays as it is, so this takes a fraction of a solve without the rule."""
        ends = self.problem.terms.ends.copy()
        mine = [limit.owner == rule.id for limit in self.problem.limits]
        ends[0, mine], ends[1, mine] = -np.inf, np.inf
        free = replace(self.problem, terms=replace(self.problem.terms, ends=ends))
        found = best(free, self.options, Watch(), itself)
        gain = found.certificate.value - self.together.value
        moved = found.flows.spend - self.together._solved.flows.spend
        changes = bool(np.abs(moved).max(initial=0.0) > ROUNDING)
        return gain if changes and gain > noise_of(self.together) else 0.0, found.flows, changes


def _still(end: Settled[Flows]) -> bool:
    return end.regret <= TOLERANCE


__all__ = ["Regimes", "regimes"]
