"""Settlements: partners each prefer another plan; a mediator's short list of plans that all of them could sign.

Every plan here keeps the rules and leaves nobody below its fallback without any payment. Each partner's preferred plan
is the one of them that lands most on it; between these stand a few compromises, each the best by a sense of fairness of
its own and proved to be (`allocate.commons.settling.bargaining`). Beside them stands what all these plans agree on
already. With payments more is possible: see `allocate.commons.sharing.deal`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import Benefits, counted_in_words
from allocate.commons.apart.equilibrium import TOLERANCE, still_in_words
from allocate.commons.apart.fallbacks import APART, FALLBACKS
from allocate.commons.apart.ground import Ground
from allocate.commons.settling.bargaining import CLOSE, Found, Table, middle
from allocate.engine.piece import Clash
from allocate.engine.watch import Watch
from allocate.errors import EngineError, ScenarioError
from allocate.errors import Problem as Wrong
from allocate.plan.aim import aim_unit
from allocate.plan.figures import at_most, number, per_cent, pounds
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve, Tick
from allocate.plan.words import capital, some
from allocate.scenario.scenario import Scenario

Array = np.ndarray
AGREED, LEAST_CHANGE, MIDDLE = "most of the agreed outcome", "least change", "middle of every line"
EVEN, PART, BALANCED = "most even gains", "equal part of what each could hope for", "balanced gains"
MEANS = {
    AGREED: "as much of it as can be with nobody below its fallback",
    LEAST_CHANGE: "as few pounds as can be move from what partners prefer",
    MIDDLE: "as near as can be to the middle of what partners prefer on each line",
    EVEN: "whoever gains least gains as much as can be, then the next",
    PART: "whoever gets the least part of it gets as much as can be, then the next",
    BALANCED: "no change would raise gains by more per cent, added up, than it lowers others",
}
"""Every settlement, and what it means in a few words."""
HOW = {
    AGREED: "the most of the agreed outcome under consent floors",
    LEAST_CHANGE: "least sum of weighted distances to preferred plans; then most of the agreed outcome",
    MIDDLE: "nearest lawful plan to the line-wise weighted median of preferred plans",
    EVEN: "leximin of gains over fallback, each over its weight (Kalai 1977, proportional; doi 10.2307/1913954)",
    PART: "leximin of shares of ideal gains, each over its weight (Kalai and Smorodinsky 1975, doi 10.2307/1914280)",
    BALANCED: "largest product of gains, each to the power of its weight (Nash 1950, doi 10.2307/1907266)",
}
"""By which method each is found; what is left open goes to the agreed outcome, then to the least change from today."""
NO_PLAN = "no plan keeps the rules and leaves nobody below its fallback"
NOBODY_GAINS = "no plan lands more on anybody than its fallback and leaves nobody below"
NOT_ALL_GAIN = "every plan leaves somebody without a gain that could have one"
SAME = f"it is no other plan than {LEAST_CHANGE}"
STOPPED, FAILED = "nobody waited for it", "it was not found: the solver failed, or ran out of time"
KEYS = ["partner", "place", "programme", "envelope", "year"]
PREFERRED = ["partner", "name", "payoff", "fallback", "gain", "value", "difference", "moved", "gap", "why"]
SETTLEMENTS = ["settlement", "partner", "name", "payoff", "fallback", "gain", "ideal", "share", "away"]
SUMMARY = ["settlement", "value", "difference", "moved", "best_for", "worst_for", "gap", "why", "how"]
HOPE = 10.0, 1e-5
"""A gain to hope for is more than so many pounds, and than this part of the fallback: less is what rounding leaves."""
POUNDS = 3.0
"""How many pounds, where they are worth most to a partner, whole pounds may move its payoff by."""
TOLD = 3
"""Lines of most difference that are told in words."""


@dataclass(frozen=True, eq=False)
class Settlements:
    """What each partner would like best, what all agree on already, and settlements between. Tables are tidy; pounds
    but where said. Partners are those that decide; values are of the agreed outcome, in units of the aim.

    preferred    one row a partner: partner, name, payoff (in the plan that it prefers: the most that it could hope for
                 with nobody below its fallback), fallback, gain (payoff - fallback), value, difference (value less that
                 of the plan together), moved (pounds between lines since today), gap (by how much of its gain a plan
                 could land more on it at most), why (it is missing; '' where it is not)
    settlements  one row a settlement that there is and partner: settlement, partner, name, payoff, fallback, gain,
                 ideal (the payoff in its preferred plan), share (gain over the gain that it could hope for; blank where
                 it could hope for none), away (pounds that move from its preferred plan)
    summary      one row a settlement: settlement, value, difference, moved, best_for and worst_for (ids of the partners
                 on which no other settlement lands more, and less; where all land the same they are in neither), gap
                 (by how much of what it is found for another plan could do better at most), why (it is missing, or ''),
                 how (by which method it is found)
    spend        one row a plan and line: settlement ('preferred' for a preferred plan), prefers (the partner that
                 prefers it, or ''), partner, place, programme, envelope, year, spend
    agreed       one row a line, those on which plans differ most first: partner, place, programme, envelope, year,
                 least and most (that any preferred plan or settlement spends), together

    `surplus` is what the plan together lands on all beyond their fallbacks: what payments could share. `weights` are
    those of partners, by id.
    """

    scenario: Scenario
    together: Plan
    fallback: str
    regret: float
    """The most that a partner could gain by moving alone apart, as a share of what it has at stake; blank otherwise."""
    weights: Mapping[str, float]
    preferred: pd.DataFrame
    settlements: pd.DataFrame
    summary: pd.DataFrame
    spend: pd.DataFrame
    agreed: pd.DataFrame
    surplus: float
    below: tuple[str, ...]
    """The partners that the plan together leaves below their fallbacks, by id."""
    noise: float
    """Pounds up to which payoffs are the same."""

    @property
    def certified(self) -> bool:
        """Whether nobody moves within the tolerance where partners are apart, if that is the fallback."""
        return not self.regret > TOLERANCE

    @property
    def unit(self) -> str:
        """The unit of the agreed outcome."""
        return aim_unit(self.together)

    @property
    def alike(self) -> float:
        """The part of the money that every preferred plan and settlement spends alike; blank where there is none."""
        spent = self.spend.groupby(["settlement", "prefers"])["spend"].sum()
        return float(self.agreed["least"].sum() / spent.max()) if len(spent) and spent.max() > 0 else np.nan

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {name: getattr(self, name) for name in ("preferred", "settlements", "summary", "spend", "agreed")}

    # --- in words -----------------------------------------------------------------------------------------------------

    @property
    def sentences(self) -> list[str]:
        """The answer in words: what each could hope for, what all agree on, each settlement, what payments could do."""
        said = [self._hopes(), self._common(), self._apart(), *self._each(), self._alike(), self._missing()]
        said += [self._payments(), self._proved(), counted_in_words(self.scenario), self._assurance()]
        return [sentence for sentence in said if sentence]

    def _said(self, amount: float) -> str:
        return pounds(amount, self.scenario.heading.currency)

    def _named(self, partners: Sequence[str]) -> str:
        return some([self.scenario.name_of("partners", each) for each in partners])

    def _hopes(self) -> str:
        first = f"Without a deal {FALLBACKS[self.fallback]}"
        if self.below:
            first += f"; the plan together would leave {self._named(self.below)} with less than that"
        there = self.preferred[self.preferred["why"] == ""].sort_values("gain")
        if not len(there) or (self.summary["why"] == NOBODY_GAINS).any():
            reason = NOBODY_GAINS if len(there) else self.preferred["why"].iloc[0]
            return f"{first}. Without payments there is nothing to settle: {reason}."
        least, most = there.iloc[0], there.iloc[-1]
        low, high = (f"{self._said(max(row['gain'], 0.0))} ({row['name']})" for row in (least, most))
        where = "in the plan that it prefers, of those that leave nobody below its fallback"
        return f"{first}. Each could hope for a gain of {low} to {high}, {where}."

    def _common(self) -> str:
        if np.isnan(self.alike):
            return ""
        total = float(self.agreed["least"].sum())
        # Never rounded up to all of it where something is at odds.
        part = per_cent(np.floor(1000 * self.alike) / 1000)
        return f"You already agree on {part} of the money: all these plans spend {self._said(total)} alike."

    def _apart(self) -> str:
        at_odds = self.agreed[self.agreed["most"] - self.agreed["least"] > self.noise].head(TOLD)
        if not len(at_odds):
            return ""
        names = self.scenario.name_of
        told = [
            f"{names('programmes', row.programme)} in {names('places', row.place)} by {names('partners', row.partner)} "
            f"({self._said(row.least)} to {self._said(row.most)})"
            for row in at_odds.itertuples()
        ]
        return f"They differ most on {some(told)}."

    def _each(self) -> Iterator[str]:
        for row in self.summary[self.summary["why"] == ""].itertuples():
            less = f"{number(abs(row.difference))} {self.unit} {'less' if row.difference < 0 else 'more'}"
            buys = f"it buys {less} than the plan together" if abs(row.difference) > 0 else "it buys as much"
            best = f", and is the best of these for {self._named(row.best_for)}" if row.best_for else ""
            yield f"{capital(row.settlement)} ({MEANS[row.settlement]}): {self._reached(row.settlement)}{buys}{best}."

    def _reached(self, settlement: str) -> str:
        mine = self.settlements[self.settlements["settlement"] == settlement]
        if settlement in (LEAST_CHANGE, MIDDLE):
            return f"{self._said(mine['away'].mean())} moves from what each prefers on average; "
        if settlement == PART:
            return f"nobody gets less than {per_cent(mine['share'].min())} of what it could hope for; "
        return f"nobody gains less than {self._said(max(mine['gain'].min(), 0.0))}; "

    def _alike(self) -> str:
        """Which settlements land the same on everybody."""
        wide = self.settlements.pivot(index="settlement", columns="partner", values="payoff")
        names = [name for name in MEANS if name in wide.index]
        groups: list[list[str]] = []
        for name in names:
            for group in groups:
                if np.abs(wide.loc[name] - wide.loc[group[0]]).max() <= self.noise:
                    group.append(name)
                    break
            else:
                groups.append([name])
        told = [f"{some(group, len(group))} land the same on everybody" for group in groups if len(group) > 1]
        return capital("; ".join(told)) + "." if told else ""

    def _missing(self) -> str:
        missing = self.summary[self.summary["why"] != ""]
        if not len(missing) or (self.preferred["why"] != "").all():
            return ""
        told = []
        for why, rows in missing.groupby("why", sort=False):
            names = some(rows["settlement"].tolist(), len(rows))
            told.append(f"{names} {'is' if len(rows) == 1 else 'are'} not here, for {why}")
        return capital("; ".join(told)) + "."

    def _payments(self) -> str:
        if self.surplus <= self.noise:
            return "Payments would not help: the plan together lands no more on partners than their fallbacks."
        equal = "an equal part" if len(set(self.weights.values())) == 1 else "a part by weight"
        return (
            f"With payments each could have its fallback and {equal} of the {self._said(self.surplus)} that the plan "
            "together adds: that deal is what allocate deal works out."
        )

    def _proved(self) -> str:
        gaps = self.summary.loc[self.summary["why"] == "", "gap"]
        if not len(gaps):
            return ""
        return (
            f"No plan does better than any of these in what it is found for by more than {_few(gaps.max())}%, rounding "
            "to whole pounds included."
        )

    def _assurance(self) -> str:
        return "" if np.isnan(self.regret) else still_in_words(self.regret)


def _few(part: float) -> str:
    """A part in per cent, never said to be nothing."""
    return at_most(100 * max(part, 1e-6))


def settle(
    scenario: Scenario,
    *,
    fallback: str = APART,
    weights: Mapping[str, float] | None = None,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
) -> Settlements:
    """What each partner would like best, what all agree on already, and settlements between, as `Settlements` has it.

    Plans are those that keep the rules, no agreed rule bent further than in the plan together or without a deal, and
    leave nobody below its fallback. `fallback`: 'apart', 'last year' or 'alone', as `allocate.commons.apart.fallbacks`
    has them. `weights` say by how much more each partner counts, by id (1 where it is left out). `seconds` bounds each
    solve. `tick(done, total)` is told how many plans are found; once it returns False, or `watch` is stopped, no more
    are looked for. `solve` may be one that remembers what it has solved.

    Raises ScenarioError where benefits.csv does not say what an outcome is worth to every partner that decides, where
    fewer than two do, and where weights are not numbers above nothing of partners that decide; NoPlan where the rules
    cannot all hold; ValueError for another fallback.
    """
    if problems := list(_wrong(scenario, weights or {})):
        raise ScenarioError(scenario.id, problems)
    ground = Ground.of(scenario, fallback=fallback, seconds=seconds, solve=solve)
    return _Finding(ground, weights or {}, watch, tick).found()


def _wrong(scenario: Scenario, weights: Mapping[str, float]) -> Iterator[Wrong]:
    players = Benefits.of(scenario).players if weights else ()
    for name, weight in weights.items():
        if name not in players:
            expected = f"expected a partner that decides: {', '.join(players)}"
            yield Wrong("settle", expected, field="weights", value=name)
        if not 0 < weight < np.inf:
            yield Wrong("settle", "expected a number above 0", field=f"weights.{name}", value=f"{weight:g}")


class _Finding:
    """One answer in the making."""

    def __init__(
        self, ground: Ground, weights: Mapping[str, float], watch: Watch | None, tick: Tick | None
    ) -> None:  # fmt: skip
        self.ground, self.watch, self.tick, self.table = ground, watch, tick, Table.of(ground)
        self.weights = np.array([float(weights.get(player, 1.0)) for player in ground.players])
        self.least, self.done = ground.fallback.payoffs, 0
        self.noise = max(1.0, 1e-6 * float(np.abs(ground.lands).max(initial=0.0)), POUNDS * _worth_of_a_pound(ground))
        self.least_hope = np.maximum(HOPE[0], HOPE[1] * np.abs(self.least))
        self.prefer: list[Found | str] = []
        self.settled: dict[str, Found | str] = {}

    def found(self) -> Settlements:
        """Everything, the needed first."""
        self.settled[AGREED] = self._ask(self.table.agreed)
        self.prefer = [self._ask(partial(self.table.preferred, k)) for k in range(len(self.least))]
        self._between()
        ground, spend = self.ground, self._spend()
        return Settlements(
            ground.scenario, ground.together, ground.fallback.kind, ground.fallback.regret,
            dict(zip(ground.players, self.weights.tolist(), strict=True)), self._preferred(), self._settlements(),
            self._summary(), spend, self._agreed(spend), float((ground.lands - self.least).sum()),
            _below(ground, self.noise), self.noise,
        )  # fmt: skip

    def _ask(self, find: Callable[[], Found]) -> Found | str:
        """A plan, or why there is none."""
        total = len(self.least) + len(MEANS)
        if (self.watch is not None and self.watch.stopped) or (
            self.tick is not None and self.tick(self.done, total) is False
        ):
            self.tick = lambda done, total: False
            return STOPPED
        self.done += 1
        try:
            return find() if self.table.most is not None else NO_PLAN
        except ScenarioError:
            return NOT_ALL_GAIN
        except (Clash, EngineError):
            return FAILED

    # --- settlements --------------------------------------------------------------------------------------------------

    def _between(self) -> None:
        """The settlements between preferred plans."""
        if reasons := [each for each in self.prefer if isinstance(each, str)]:
            self.settled |= dict.fromkeys([name for name in MEANS if name != AGREED], reasons[0])
            return
        wanted, weights, table = self._wanted(), self.weights, self.table
        self.settled[LEAST_CHANGE] = self._ask(lambda: table.nearest(wanted, weights))
        self.settled[MIDDLE] = self._other_than_least_change(self._ask(lambda: self._middle(wanted)), wanted)
        hopes = self._ideals - self.least
        gain = np.flatnonzero(hopes > self.least_hope)
        if not len(gain):
            self.settled |= dict.fromkeys([EVEN, PART, BALANCED], NOBODY_GAINS)
            return
        counts = weights[gain] / weights[gain].max()
        parts = hopes[gain] * counts / (hopes[gain] * counts).max()
        self.settled[EVEN] = self._ask(lambda: table.bottom_up(gain.tolist(), counts))
        self.settled[PART] = self._ask(lambda: table.bottom_up(gain.tolist(), parts))
        self.settled[BALANCED] = self._ask(lambda: table.balanced(gain.tolist(), counts))

    def _wanted(self) -> Array:
        """What each preferred plan spends, a row a partner."""
        return np.array([each.flows.spend for each in self.prefer if isinstance(each, Found)])

    @property
    def _ideals(self) -> Array:
        """The payoff of each partner in its preferred plan; blank where that is missing."""
        found = [self.ground.payoffs(each.flows) if isinstance(each, Found) else None for each in self.prefer]
        return np.array([np.nan if payoffs is None else payoffs[k] for k, payoffs in enumerate(found)])

    def _middle(self, wanted: Array) -> Found:
        """The nearest plan to the middle of each line; where any amount between two is, the nearest to the plan
        together is taken."""
        parts = self.weights / self.weights.sum()
        low, high = np.array([middle(amounts, parts) for amounts in wanted.T]).T
        together = self.ground.flows(self.ground.together).spend
        return self.table.nearest(np.clip(together, low, high)[None], np.ones(1))

    def _other_than_least_change(self, found: Found | str, wanted: Array) -> Found | str:
        """The plan, unless it moves as few pounds from what partners prefer as the least change does."""
        least = self.settled[LEAST_CHANGE]
        if isinstance(found, str) or isinstance(least, str):
            return found
        far, near = (self.weights @ np.abs(each.flows.spend - wanted).sum(axis=1) for each in (found, least))
        close = CLOSE * self.weights.sum() * self.ground.problem.amount.sum()
        return SAME if far <= near + close else found

    # --- tables -------------------------------------------------------------------------------------------------------

    def _value(self, found: Found) -> tuple[float, float, float]:
        """Value, difference from the plan together, and pounds moved since today."""
        problem, flows = self.ground.problem, found.flows
        value = problem.value(flows.spend, flows.moved)
        return value, value - self.ground.together.value, _moved(flows.spend - problem.baseline)

    def _preferred(self) -> pd.DataFrame:
        rows = []
        for k, (player, each) in enumerate(zip(self.ground.players, self.prefer, strict=True)):
            about, least = [player, self.ground.name(player)], self.least[k]
            if isinstance(each, str):
                rows.append([*about, np.nan, least, np.nan, np.nan, np.nan, np.nan, np.nan, each])
                continue
            payoff = self.ground.payoffs(each.flows)[k]
            rows.append([*about, payoff, least, payoff - least, *self._value(each), self._gap(each), ""])
        return pd.DataFrame(rows, columns=PREFERRED)

    def _gap(self, found: Found) -> float:
        """The gap of a preferred plan, as a part of its gain, or of what is noise beside it."""
        short = max(0.0, found.bound - found.reached)
        return short / max(found.bound - found.least, self.noise)

    def _there(self) -> dict[str, Found]:
        """The settlements that there are."""
        return {name: found for name in MEANS if isinstance(found := self.settled[name], Found)}

    def _settlements(self) -> pd.DataFrame:
        rows, ideals = [], self._ideals
        for name, found in self._there().items():
            payoffs = self.ground.payoffs(found.flows)
            for k, player in enumerate(self.ground.players):
                gain, hope = payoffs[k] - self.least[k], ideals[k] - self.least[k]
                prefer = self.prefer[k]
                away = _moved(found.flows.spend - prefer.flows.spend) if isinstance(prefer, Found) else np.nan
                share = gain / hope if hope > self.least_hope[k] else np.nan
                about = [name, player, self.ground.name(player)]
                rows.append([*about, payoffs[k], self.least[k], gain, ideals[k], share, away])
        return pd.DataFrame(rows, columns=SETTLEMENTS)

    def _summary(self) -> pd.DataFrame:
        there = self._there()
        payoffs = np.array([self.ground.payoffs(found.flows) for found in there.values()])
        rows = []
        for name in MEANS:
            found = self.settled[name]
            if isinstance(found, str):
                rows.append([name, np.nan, np.nan, np.nan, (), (), np.nan, found, HOW[name]])
                continue
            mine = payoffs[list(there).index(name)]
            best, worst = (self._for(mine, payoffs, sign) for sign in (1.0, -1.0))
            rows.append([name, *self._value(found), best, worst, found.gap, "", HOW[name]])
        return pd.DataFrame(rows, columns=SUMMARY)

    def _for(self, mine: Array, payoffs: Array, sign: float) -> tuple[str, ...]:
        """The partners for whom none of these payoffs is better (or worse, where the sign is below nothing), but for
        those for whom all are the same."""
        end = (sign * payoffs).max(axis=0)
        differ = np.ptp(payoffs, axis=0) > self.noise
        return tuple(np.array(self.ground.players)[differ & (sign * mine >= end - self.noise)].tolist())

    def _spend(self) -> pd.DataFrame:
        named = {(name, ""): found for name, found in self._there().items()}
        named |= {
            ("preferred", player): each
            for player, each in zip(self.ground.players, self.prefer, strict=True) if isinstance(each, Found)
        }  # fmt: skip
        lines = self.ground.scenario.lines[KEYS]
        tables = [
            lines.assign(spend=found.flows.spend, settlement=name, prefers=player)
            for (name, player), found in named.items()
        ]
        columns = ["settlement", "prefers", *KEYS, "spend"]
        return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)

    def _agreed(self, spend: pd.DataFrame) -> pd.DataFrame:
        """What every plan spends on each line at least and at most."""
        lines, size = self.ground.scenario.lines[KEYS], len(self.ground.problem.low)
        plans = spend["spend"].to_numpy(dtype=float).reshape(-1, size)
        if not len(plans):
            return pd.DataFrame(columns=[*KEYS, "least", "most", "together"])
        together = self.ground.flows(self.ground.together).spend
        table = lines.assign(least=plans.min(axis=0), most=plans.max(axis=0), together=together)
        order = np.argsort(-np.ptp(plans, axis=0), kind="stable")
        return table.iloc[order].reset_index(drop=True)


def _below(ground: Ground, noise: float) -> tuple[str, ...]:
    """The partners that the plan together leaves below their fallbacks, those that lack most first."""
    change = ground.lands - ground.fallback.payoffs
    return tuple(ground.players[k] for k in np.argsort(change) if change[k] < -noise)


def _worth_of_a_pound(ground: Ground) -> float:
    """What a pound more in the plan together is worth at most, on any line and to any partner."""
    problem = ground.problem
    effort = np.maximum(problem.curves.effort(ground.flows(ground.together).spend), 1e-3 * problem.effort_high)
    worth = ground.benefits.worth * problem.curves.marginal(effort)
    return max((float((each @ problem.feeds).max(initial=0.0)) for each in worth), default=0.0)


def _moved(change: Array) -> float:
    """Pounds that move between lines: what some have more, or others less, whichever is more."""
    return float(max(change[change > 0].sum(), -change[change < 0].sum()))


__all__ = ["Settlements", "settle"]
