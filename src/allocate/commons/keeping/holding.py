"""Will the deal hold? What each partner would gain by breaking each rule, and what makes that not worth while.

A partner breaks a rule alone: it spends its own money as is best for itself, all other rules kept as far as they are up
to it, and everybody else keeps to the plan (`allocate.commons.apart.alone`). It has its payment all the same. A breach
that comes to light costs it the deal for some years, in which it has its fallback, and the fine if there is one; one
that nobody sees costs it nothing. From that follow the patience at which keeping the rule pays, and how often somebody
must look (`allocate.commons.keeping.patience`). What keeping their word is worth to people themselves (the delta of
Crawford and Ostrom 1995, doi 10.2307/2082975) is taken off what tempts them, where somebody says how much; it is never
estimated.

Six questions then say whether self-organising works here. It does not in all circumstances.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import counted_in_words
from allocate.commons.apart.equilibrium import LEAST, TOLERANCE, still_in_words
from allocate.commons.apart.fallbacks import APART, FALLBACKS
from allocate.commons.apart.ground import Ground
from allocate.commons.keeping.patience import critical, discounted, effective, looking
from allocate.commons.keeping.questions import ADVICE, NO, UNKNOWN, Kept, Offer, check, check_of_clash
from allocate.commons.keeping.temptation import Tempted, tempted
from allocate.commons.sharing.deal import deal
from allocate.commons.sharing.games import MOST
from allocate.engine.watch import Watch
from allocate.errors import NoPlan
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve, Tick
from allocate.plan.words import capital, count, quoted, some, title
from allocate.scenario.scenario import Scenario

Array = np.ndarray
DISCOUNT = 1 / 1.035
"""A pound next year beside one today: the social time preference rate of HM Treasury's Green Book, 3.5% a year."""
TOGETHER = 0.9
"""Assumed: the chance that the same partners still work together a year later."""
PATIENCE = effective(DISCOUNT, TOGETHER)
YEARS = 3
"""Assumed: how long whoever breaks its word goes without the deal."""
UNSOUGHT = 0.1
"""A rule holds on trust where a breach does not pay even if only one in ten comes to light."""
TRUST, LOOK, BROKEN, LAW = "holds on trust", "holds if someone looks", "does not hold", "the law keeps it"
NO_RULE, AGREED = "no rule", "every agreed rule"
STAKES = ["reward", "fallback", "patience", "forgiving", "look", "verdict"]
RULES = ["rule", "sentence", "standing", "partner", "name", "temptation", "adds", "bound", *STAKES]
LEAVING = ["partner", "name", "breaks", "temptation", "bound", *STAKES]


@dataclass(frozen=True)
class Response:
    """What follows a breach that comes to light, and what is said to keep partners from one.

    patience  what a pound next year is worth today, 0 to 1, chance of still working together included
    years     for how many years the partner then goes without the deal
    fine      pounds that it pays besides
    word      pounds a year that keeping its word is worth to it
    """

    patience: float = PATIENCE
    years: int = YEARS
    fine: float = 0.0
    word: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError with everything that is wrong."""
        faults = [
            f"{name}: {value!r}, expected a finite amount of pounds, 0 or above"
            for name, value in (("fine", self.fine), ("word", self.word)) if not 0.0 <= value < math.inf
        ]  # fmt: skip
        if not 0.0 <= self.patience <= 1.0:
            faults.append(f"patience: {self.patience!r}, expected a number from 0 to 1")
        if type(self.years) is not int or not 1 <= self.years <= 100:
            faults.append(f"years: {self.years!r}, expected a whole number from 1 to 100")
        if faults:
            raise ValueError("; ".join(faults))

    def to(self, gain: float, reward: float, fallback: float) -> list[Any]:
        """What STAKES names for a breach that gains so many pounds, those that word is worth not yet taken off."""
        tempts = max(0.0, gain - self.word)
        broken, stake = reward + tempts, self.fine + max(0.0, reward - fallback) * discounted(self.patience, self.years)
        needed, forgiving = (critical(reward, broken, fallback, k, 1.0, self.fine) for k in (None, self.years))
        look = looking(tempts, 0.0, stake)
        return [reward, fallback, needed, forgiving, look, verdict(look)]


def verdict(look: float) -> str:
    """What it takes for a rule to hold, for how often a breach must come to light."""
    if look < UNSOUGHT:
        return TRUST
    if look > 1.0:
        return BROKEN
    return f"{LOOK} {_often(look)}"


def _often(look: float) -> str:
    """A chance as people say it, rounded up; what is a tenth but for arithmetic is one."""
    return f"at least {count(math.ceil(10.0 * look - 1e-9), 'time')} out of ten"


@dataclass(frozen=True, eq=False)
class Holds:
    """Whether the deal holds. Tables are tidy; pounds are those of one year, an average where a plan has several.

    rules    one row a rule in force and partner whose spending it covers, agreed rules before the law's and then the
             most tempting first: rule, sentence, standing, partner, name; temptation (pounds that the partner would
             gain over its payoff in the deal by breaking the rule alone; 0 where breaking it adds nothing to what it
             could have by keeping every rule), adds (how much of that the breach adds), bound (certified: breaking the
             rule gains no more; where it adds nothing, adds no more); reward (its payoff in the deal), fallback;
             patience (the least at which keeping the rule pays if the deal then ends for good; infinite where none
             does), forgiving (if it ends for `years` years), look (how often a breach must come to light, 0 to 1; above
             1 where no looking is enough, infinite where nothing is at stake), verdict
    leaving  two rows a partner: partner, name, breaks ('no rule': it spends its own money as it likes and keeps every
             rule; or 'every agreed rule': it keeps the law's alone), temptation, bound, and the rest as in `rules`
    check    line (1 to 6), question, answer ('yes', 'no' or 'not known'), fact (a sentence)

    `rules` and `leaving` are empty where rules clash, for then there is no plan to keep.
    """

    scenario: Scenario
    fallback: str
    response: Response
    rules: pd.DataFrame
    leaving: pd.DataFrame
    check: pd.DataFrame
    regret: float = np.nan
    """The most that a partner could gain by moving alone apart, as a share of what it has at stake; blank otherwise."""
    clash: NoPlan | None = None
    """Why there is no plan, where there is none."""
    assumed_patience: bool = True
    """Whether `response.patience` is our own assumption."""

    @property
    def certified(self) -> bool:
        """Whether nobody moves within the tolerance where partners are apart, if that is the fallback."""
        return not self.regret > TOLERANCE

    @property
    def unit(self) -> str:
        """The unit of every amount."""
        return self.scenario.heading.currency

    @property
    def works(self) -> bool | None:
        """Whether self-organising works here as far as the questions go: None where that is not known. The last is
        advice and does not count."""
        answers = set(self.check.loc[self.check["line"] != ADVICE, "answer"])
        return False if NO in answers else None if UNKNOWN in answers else True

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {name: getattr(self, name) for name in ("rules", "leaving", "check")}

    @property
    def sentences(self) -> list[str]:
        """The answer in words: whether it works here, who would leave, which rules hold and how, what is assumed."""
        if self.clash is not None:
            return [self._headline()]
        said = [self._headline(), self._leaves(), self._rules(), self._law(), self._judged(), self._word()]
        said += [_CAUTION if self._not_on_trust else "", self._measured(), _UNCOUNTED, counted_in_words(self.scenario)]
        return [sentence for sentence in (*said, self._assurance()) if sentence]

    def _said(self, amount: float) -> str:
        return pounds(amount, self.scenario.heading.currency)

    def _headline(self) -> str:
        of = {answer: self.check.loc[self.check["answer"] == answer] for answer in (NO, UNKNOWN)}
        if self.works:
            return f"Self-organising works here, as far as six questions can tell. {self._fact(4)}"
        if self.works is None:
            return f"Whether self-organising works here is not known. {' '.join(of[UNKNOWN]['fact'])}"
        facts = " ".join(fact for line, fact in zip(of[NO]["line"], of[NO]["fact"], strict=True) if line != ADVICE)
        return f"Self-organising does not work in all circumstances, and as it stands not here. {facts}"

    def _fact(self, line: int) -> str:
        return str(self.check.loc[self.check["line"] == line, "fact"].iloc[0])

    def _leaves(self) -> str:
        rows = self.leaving[(self.leaving["breaks"] == NO_RULE) & (self.leaving["temptation"] > 0)]
        if not len(rows):
            return "" if not len(self.leaving) else "Nobody would gain by leaving the plan with every rule kept."
        first = rows.sort_values("temptation", ascending=False).iloc[0]
        others = f", the most of {len(rows)} that would gain by it" if len(rows) > 1 else ""
        return (
            f"By leaving the plan with every rule kept {first['name']} would gain {self._said(first['temptation'])} a "
            f"year{others}: {_told(first, 'the plan')}."
        )

    @cached_property
    def _agreed(self) -> pd.DataFrame:
        return self.rules[self.rules["standing"] == "agreed"]

    @property
    def _not_on_trust(self) -> bool:
        return bool((pd.concat([self._agreed["verdict"], self.leaving["verdict"]]) != TRUST).any())

    def _rules(self) -> str:
        table = self._agreed
        if not len(table):
            return "No agreed rule covers anybody's spending."
        trust, broken = (int((table["verdict"] == kind).sum()) for kind in (TRUST, BROKEN))
        looked = len(table) - trust - broken
        ways = (trust, "hold", "on trust"), (looked, "hold", "if someone looks"), (broken, "do", "not hold")
        told = [f"{each} {verb if each > 1 else _ONE[verb]} {how}" for each, verb, how in ways if each]
        said = f"Agreed rules, each with each partner that it covers: {', '.join(told)}"
        first = table.iloc[0]
        if not first["temptation"] > 0:
            return f"{said}: breaking one would gain nobody anything."
        return (
            f"{said}. The most tempting is “{first['sentence']}”: by breaking it {first['name']} would gain "
            f"{self._said(first['temptation'])} a year; {_told(first)}."
        )

    def _law(self) -> str:
        table = self.rules[(self.rules["standing"] == "statutory") & (self.rules["temptation"] > 0)]
        if not len(table):
            return ""
        rules = table["rule"].nunique()
        return (
            f"{capital(count(rules, 'rule'))} of the law would tempt somebody, {table.iloc[0]['name']} by "
            f"{self._said(table.iloc[0]['temptation'])} the most: it is the law that keeps "
            f"{'it' if rules == 1 else 'them'}, not trust."
        )

    def _judged(self) -> str:
        response = self.response
        patience = f"with money next year counting {number(response.patience)} of what it does today"
        if self.assumed_patience:
            patience += (
                f" (3.5% a year less, as in HM Treasury's Green Book, times a chance of still working together that is "
                f"assumed to be {per_cent(TOGETHER, places=0)})"
            )
        fine = f" and a fine of {self._said(response.fine)}" if response.fine else ""
        return (
            f"Judged {patience}, where a breach that comes to light costs the deal for {count(response.years, 'year')}"
            f"{fine}, and one that does not costs nothing."
        )

    def _word(self) -> str:
        if not self.response.word:
            return ""
        return f"Keeping its word is taken to be worth {self._said(self.response.word)} a year to each: an assumption."

    def _measured(self) -> str:
        free = [rule for rule in self.scenario.rules if rule.binds and rule.id not in set(self.rules["rule"])]
        said = (
            "What breaking a rule could gain is counted with it broken outright, all other rules kept, everybody else "
            "spending as planned and payments made all the same; without the deal the rules still hold."
        )
        if not free:
            return said
        ask = "asks" if len(free) == 1 else "ask"
        return f"{said} {capital(count(len(free), 'rule'))} in force {ask} nothing of any one partner's spending."

    def _assurance(self) -> str:
        return f"The fallback: {FALLBACKS[self.fallback]}." if np.isnan(self.regret) else still_in_words(self.regret)


_ONE = {"hold": "holds", "do": "does"}
_CAUTION = (
    "A caution: money taken for a breach can drive out the goodwill that keeps rules for nothing "
    "(Gneezy and Rustichini 2000), so help first."
)
_UNCOUNTED = "Relationships, contact and standing among peers are not counted."


def _told(row: Any, what: str = "it") -> str:
    """A verdict with the patience that it would take."""
    if row["verdict"] != BROKEN:
        return f"{what} {row['verdict']}"
    if not np.isfinite(row["patience"]):
        return "with nothing at stake in the deal, nothing makes keeping to it pay"
    needed = math.ceil(1000.0 * row["patience"]) / 1000.0
    much = number(needed) if needed < 1.0 else "more than 0.999"
    return f"even if the deal then ended for good, money next year would have to count {much} of what it does today"


# --- finding ----------------------------------------------------------------------------------------------------------


def holds(
    scenario: Scenario,
    *,
    fallback: str = APART,
    patience: float | None = None,
    years: int = YEARS,
    fine: float | None = None,
    word: float = 0.0,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
) -> Holds:
    """Whether the deal holds, rule by rule and partner by partner, and whether self-organising works here, as `Holds`
    has it.

    `fallback`: 'apart', 'last year' or 'alone', as `allocate.commons.apart.fallbacks` has them. `patience`: what a
    pound next year is worth today, from 0 to 1; `PATIENCE` if left out, which is assumed in part. A breach that comes
    to light costs the deal for `years` years, and `fine` pounds; keeping its word is worth `word` pounds a year to each
    partner. `seconds` bounds each solve. `tick(done, total)` is told how far it is, in partners and then groups; once
    it returns False, or `watch` is stopped, what is not known by then is said to be so. `solve` may be one that
    remembers what it has solved. Where rules clash the check says so, and there is nothing else to say.

    Raises ScenarioError where benefits.csv does not say what an outcome is worth to every partner that decides, or
    where fewer than two do; ValueError for another fallback, and for figures that cannot be.
    """
    assumed = patience is None
    response = Response(PATIENCE if patience is None else patience, years, fine or 0.0, word)
    try:
        ground = Ground.of(scenario, fallback=fallback, seconds=seconds, solve=solve)
    except NoPlan as clash:
        return _clashing(scenario, fallback, response, clash, assumed)
    return _Finding(ground, response, watch, tick, solve).found(assumed)


def _clashing(scenario: Scenario, fallback: str, response: Response, clash: NoPlan, assumed: bool) -> Holds:
    """What can be said where there is no plan."""
    names = [_name(scenario, each) for each in clash.together]
    clashing = f": {some(names)} cannot hold{' together' if len(names) > 1 else ''}" if names else ""
    rules, leaving = (pd.DataFrame(columns=columns) for columns in (RULES, LEAVING))
    questions = check_of_clash(scenario, f"No plan keeps every rule{clashing}.")
    return Holds(scenario, fallback, response, rules, leaving, questions, clash=clash, assumed_patience=assumed)


def _name(scenario: Scenario, path: str) -> str:
    """What a part of a clash is called: a rule, a resource, or an envelope's money."""
    table, _, key = path.partition(".")
    return quoted(title(key)) if table == "rules" else scenario.name_of(table, key)


class _Finding:
    """One answer in the making."""

    def __init__(
        self, ground: Ground, response: Response, watch: Watch | None, tick: Tick | None, solve: Solve
    ) -> None:
        self.ground, self.response, self.watch, self.tick, self.solve = ground, response, watch, tick, solve
        self.scenario, self.years = ground.scenario, len(ground.scenario.years)
        self.book = {rule.id: rule for rule in ground.scenario.rules}
        self.least = ground.fallback.payoffs

    def found(self, assumed: bool) -> Holds:
        """Everything."""
        each, falls = list(self._tempted()), self.ground.fallback
        offer = self._offer()
        rules, leaving = self._rules(each, offer.amounts), self._leaving(each, offer.amounts)
        kept = _kept(rules, leaving, len(each) == len(self.ground.players))
        questions = check(self.scenario, offer, kept)
        return Holds(
            self.scenario, falls.kind, self.response, rules, leaving, questions, falls.regret, assumed_patience=assumed
        )

    def _tempted(self) -> Iterator[Tempted]:
        """What tempts each partner, until nobody waits for more."""
        flows, players = self.ground.flows(self.ground.together), self.ground.players
        for done, player in enumerate(players):
            if (self.watch is not None and self.watch.stopped) or (
                self.tick is not None and self.tick(done, len(players) + self._groups) is False
            ):
                return
            yield tempted(self.ground, player, flows)

    @property
    def _groups(self) -> int:
        """How many groups the deal may have to ask."""
        players = len(self.ground.players)
        return 2**players - 2 if players <= MOST else 0

    def _offer(self) -> Offer:
        """The deal of `allocate.commons.sharing.deal`; equal gain where there are too many groups to go through."""
        ground, tick, players = self.ground, self.tick, len(self.ground.players)
        names, known = tuple(map(ground.name, ground.players)), not ground.fallback.regret > TOLERANCE
        if players > MOST:
            equal = self.least + float(ground.lands.sum() - self.least.sum()) / players
            noise = LEAST * float(np.abs(ground.lands).sum())
            return Offer(names, self.least, ground.lands, equal, known, None, np.nan, noise)
        found = deal(
            self.scenario, fallback=ground.fallback.kind, seconds=ground.options.seconds, solve=self.solve,
            watch=self.watch,
            tick=None if tick is None else lambda done, total: tick(players + done, players + total),
        )  # fmt: skip
        amounts = found.partners["amount"].to_numpy()
        return Offer(names, self.least, ground.lands, amounts, known, found.stable, found.top_up, found.noise)

    # --- tables -------------------------------------------------------------------------------------------------------

    def _stakes(self, player: str, gain: float, amounts: Array) -> list[Any]:
        k = self.ground.players.index(player)
        return self.response.to(gain / self.years, amounts[k] / self.years, self.least[k] / self.years)

    def _rules(self, each: list[Tempted], amounts: Array) -> pd.DataFrame:
        rows = []
        for player, rule, found in ((of.player, self.book[rule], by) for of in each for rule, by in of.rules.items()):
            stakes = self._stakes(player, found.gain, amounts)
            if rule.standing == "statutory":
                stakes[-1] = LAW
            about = [rule.id, rule.sentence(self.scenario), rule.standing, player, self.ground.name(player)]
            rows.append([*about, *(pound / self.years for pound in (found.gain, found.adds, found.bound)), *stakes])
        table = pd.DataFrame(rows, columns=RULES)
        order = ["standing", "temptation", "rule", "partner"]
        return table.sort_values(order, ascending=[True, False, True, True], ignore_index=True)

    def _leaving(self, each: list[Tempted], amounts: Array) -> pd.DataFrame:
        rows = [
            [of.player, self.ground.name(of.player), breaks, found.gain / self.years, found.bound / self.years,
             *self._stakes(of.player, found.gain, amounts)]
            for of in each for breaks, found in ((NO_RULE, of.leaving), (AGREED, of.everything))
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=LEAVING)


def _kept(rules: pd.DataFrame, leaving: pd.DataFrame, asked: bool) -> Kept:
    """Whom nothing keeps to the plan and to the agreed rules, and how often somebody must look for all else."""
    agreed = rules[rules["standing"] == "agreed"]
    gone = leaving[leaving["verdict"] == BROKEN]
    leave, at_once = (gone.loc[gone["breaks"] == breaks, "name"].tolist() for breaks in (NO_RULE, AGREED))
    broken = list(agreed.loc[agreed["verdict"] == BROKEN, ["rule", "name"]].itertuples(index=False, name=None))
    most = max([0.0, *agreed["look"], *leaving["look"]])
    return Kept(leave, broken, at_once, _often(most) if UNSOUGHT <= most <= 1.0 else "", asked)


__all__ = ["PATIENCE", "Holds", "Response", "holds"]
