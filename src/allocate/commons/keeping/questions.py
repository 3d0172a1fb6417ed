"""Six questions that say whether self-organising works here, each answered yes, no or not known with a fact.

It does not in all circumstances: people organise themselves where what they gain by it outweighs what it costs them
(Ostrom 2009, doi 10.1126/science.1172133). Groups of moderate size do so more easily, and what is moderate depends on
the rest, so that the last question is advice and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import Benefits
from allocate.commons.sharing.games import MOST
from allocate.plan.figures import pounds
from allocate.plan.words import count, quoted, some, title
from allocate.scenario.scenario import Scenario

Array = np.ndarray
Answer = tuple[str, str]
"""Yes, no or not known; and the fact in a sentence."""
YES, NO, UNKNOWN = "yes", "no", "not known"
CHECK = ["line", "question", "answer", "fact"]
QUESTIONS = (
    "Is there anything to gain by working together?",
    "Has every partner at least its fallback in the deal?",
    "Is there a deal that no group would leave?",
    "Does it pay every partner to keep to the plan, and to each agreed rule?",
    "Do the rules fit together, with nobody objecting?",
    "Are partners and places few enough to agree among themselves?",
)
ADVICE = 6
"""The question whose answer decides nothing."""


@dataclass(frozen=True, eq=False)
class Offer:
    """The deal that is on offer, in pounds of all years, an entry a partner.

    names     what partners are called
    least     what each has without a deal
    lands     what the plan together lands on each
    amounts   what each has in the deal, payments included
    settled   whether what each has without a deal is known: nobody still moves
    stable    whether some sharing leaves no group that would do better by itself; None where that is not known
    top_up    the least from outside with which one does
    noise     pounds that count as nothing
    """

    names: tuple[str, ...]
    least: Array
    lands: Array
    amounts: Array
    settled: bool
    stable: bool | None
    top_up: float
    noise: float


@dataclass(frozen=True)
class Kept:
    """Whom nothing keeps to what was agreed, however well it is watched, and how well it must be.

    leave     names of those that would leave the plan with every rule kept
    broken    rules, by id, and the names of those that would break them alone
    at_once   names of those that would break every agreed rule at once
    often     how often somebody must look, in words, for all else to hold; '' where all holds on trust
    asked     whether every partner was asked
    """

    leave: list[str]
    broken: list[tuple[str, str]]
    at_once: list[str]
    often: str
    asked: bool


def check(scenario: Scenario, offer: Offer, kept: Kept) -> pd.DataFrame:
    """The six answers where there is a plan: line, question, answer, fact."""
    said = _Said(scenario)
    answers = _gain(offer, said), _floors(offer), _stable(offer, said), _kept(kept), _fits(scenario), _few(scenario)
    return _table(answers)


def check_of_clash(scenario: Scenario, why: str) -> pd.DataFrame:
    """The same where no plan keeps every rule; `why` is a sentence."""
    no_plan = UNKNOWN, "While the rules clash there is no plan to ask this of."
    return _table((no_plan, no_plan, no_plan, no_plan, (NO, why), _few(scenario)))


def _table(answers: tuple[Answer, ...]) -> pd.DataFrame:
    rows = [(line, question, *told) for line, (question, told) in enumerate(zip(QUESTIONS, answers, strict=True), 1)]
    return pd.DataFrame(rows, columns=CHECK)


@dataclass(frozen=True)
class _Said:
    """Amounts of all years as sentences say them."""

    scenario: Scenario

    def __call__(self, amount: float) -> str:
        return pounds(amount / len(self.scenario.years), self.scenario.heading.currency) + " a year"


def _gain(offer: Offer, said: _Said) -> Answer:
    if not offer.settled:
        return UNKNOWN, "Apart partners still move, so what they would have without a deal is not known."
    gain = float(offer.lands.sum() - offer.least.sum())
    if gain > offer.noise:
        return YES, f"Together partners have {said(gain)} more than without a deal."
    if gain < -offer.noise:
        return NO, f"The plan together lands {said(-gain)} less on partners than they have without a deal."
    return NO, "Together partners have as much as without a deal, and no more."


def _floors(offer: Offer) -> Answer:
    if not offer.settled:
        return UNKNOWN, "Apart partners still move, so what each would have without a deal is not known."
    short = [name for name, lack in zip(offer.names, offer.least - offer.amounts, strict=True) if lack > offer.noise]
    if short:
        return NO, f"There is not enough to leave everybody its fallback: {some(short)} would have less."
    if (offer.least - offer.lands > offer.noise).any():
        return YES, "With payments among partners nobody has less than without a deal."
    return YES, "Nobody has less than without a deal, payments or not."


def _stable(offer: Offer, said: _Said) -> Answer:
    if offer.stable is None and len(offer.names) > MOST:
        return UNKNOWN, f"Groups are gone through one by one, which is done for {MOST} partners at most."
    if offer.stable is None:
        return UNKNOWN, "Not every group that could do better by itself was asked."
    if offer.stable:
        return YES, "With the right payments no group would do better by itself."
    return NO, (
        f"Whatever the payments, some group would do better by itself; {said(offer.top_up)} from outside, paid only to "
        f"all together, is the least that would change that."
    )


def _kept(kept: Kept) -> Answer:
    told = [f"leaving the plan would gain {some(kept.leave)} more than it costs"] if kept.leave else []
    if kept.broken:
        cases = some([f"{quoted(title(rule))} ({name})" for rule, name in kept.broken])
        told.append(
            f"breaking an agreed rule would gain more than it costs in {count(len(kept.broken), 'case')}: {cases}"
        )
    elif kept.at_once and not kept.leave:
        told.append(f"breaking every agreed rule at once would gain {some(kept.at_once)} more than it costs")
    if told:
        return NO, f"However well it is watched, {'; '.join(told)}."
    if not kept.asked:
        return UNKNOWN, "Not every partner was asked."
    return (
        YES,
        f"What was agreed holds if someone looks {kept.often}." if kept.often else "What was agreed holds on trust.",
    )


def _fits(scenario: Scenario) -> Answer:
    against = [
        f"{scenario.name_of('partners', objection.by)} to {quoted(title(rule.id))}"
        for rule in scenario.rules if rule.binds and rule.standing == "agreed" for objection in rule.objections
    ]  # fmt: skip
    if against:
        return NO, f"One plan can keep every rule, but objections are on record: {some(against)}."
    return YES, "One plan can keep every rule, and no objection is on record."


def _few(scenario: Scenario) -> Answer:
    """Few enough for groups of partners to be gone through one by one; and for places the same number."""
    players, places = len(Benefits.of(scenario).players), scenario.table("lines")["place"].nunique()
    who = f"{count(players, 'partner')} {'decides' if players == 1 else 'decide'} over {count(places, 'place')}"
    if max(players, places) <= MOST:
        return YES, f"{who}; up to {MOST} of each is taken as few enough, which is advice."
    return NO, f"{who}, more than {MOST}: it is advised, no more, to agree within groups first and then between them."


__all__ = ["ADVICE", "NO", "UNKNOWN", "YES", "Kept", "Offer", "check", "check_of_clash"]
