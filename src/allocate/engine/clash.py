"""When no plan keeps every rule: which rules cannot hold together, the ways out, and a proof.

`clash` finds all that there is time for: minima against money (`minima`), every minimal clash and every minimal set of
whole rules to drop (`clashes`), and the easings that cost least, name fewest rules, and ask least of any one partner
(`easing`), each as what-ifs that were tried (`ways`). Statutory rules hold throughout: only where they clash among
themselves are they looked into, the agreed ones aside, and may be eased, at ten times the price; then resources may
too.

`no_plan` is the error that a solve raises: the minima, the easings that cost least, and the proof. A clash is proved by
the prices of what must give way: with nothing to gain, they show that any plan would have to be worth less than nothing
(Farkas' lemma), which is checked by the certificate's arithmetic, not the solver's word.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from allocate.engine.certificate import Prices, upper_bound
from allocate.engine.clashes import Map, search
from allocate.engine.easing import SAME, Eased, Easing, Easings, Rates, partners
from allocate.engine.highs import Impossible
from allocate.engine.minima import Minima, minima
from allocate.engine.oracle import Oracle, Over
from allocate.engine.problem import Problem
from allocate.engine.watch import Stopped, Watch
from allocate.engine.ways import Trial, give_ways, raised_instead
from allocate.errors import EngineError, GiveWay, NoPlan
from allocate.scenario.scenario import Scenario

Array = np.ndarray
SHARE = 0.5
"""The part of the time in which ways out are looked for; the rest is for trying them."""
Kind = Literal["cheapest", "fewest", "fairest", "drop"]
NONE_TO_EASE = "No plan is possible: the least that lines must spend and the money cannot be reconciled."

NEARLY = "No plan that keeps every rule was found, though the rules are within a hair of holding together."


@dataclass(frozen=True, eq=False)
class Way:
    """A way out. `rules` are ids of the rules it touches (a resource is 'resource ' and its id); `easings` the least
    they must give way by, limit by limit, what that costs in all at `Found.rates`, and what the plan then spends on
    each line; `least` where it was proved that no other does better. `change` is the what-if, all paths together, None
    where there was no time to try one; `ways` the same limit by limit, () where rules are dropped."""

    kind: Kind
    rules: tuple[str, ...]
    easings: tuple[Easing, ...] = ()
    spend: Array = field(default_factory=lambda: np.array([]))
    price: float = math.nan
    least: bool = True
    ways: tuple[GiveWay, ...] = ()
    change: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """All that is known of why a scenario has no plan.

    possible   there is one: nothing else is said
    law        the statutory rules cannot hold together: `clashes` are among them alone, agreed rules aside
    bare       no plan is possible even without any rule
    clashes    ids of the rules of each minimal clash, small ones first
    ways       the cheapest, the one with fewest concessions, the fairest, and every minimal set of rules to drop
    minima     minima beyond the money
    complete   whether these are all clashes and all sets to drop
    calls      how often HiGHS was asked whether a plan exists
    instead    single envelopes that would do it alone if raised, the least money first
    """

    possible: bool
    problem: Problem
    rates: Rates
    law: bool = False
    bare: bool = False
    clashes: tuple[tuple[str, ...], ...] = ()
    ways: tuple[Way, ...] = ()
    minima: tuple[Minima, ...] = ()
    complete: bool = True
    calls: int = 0
    instead: tuple[GiveWay, ...] = ()


def clash(scenario: Scenario, seconds: float, watch: Watch | None = None) -> Found:
    """Why a scenario has no plan, and the ways out: as much as is known once time is up or `watch` is stopped. Raises
    EngineError where there was no time even to say whether there is a plan, Stopped where that was told to stop."""
    oracle = Oracle(scenario, seconds, watch)
    oracle.watch.enter("looking for a way out")
    found = Found(True, oracle.problem, Rates.of(scenario))
    try:
        if oracle.ask(oracle.every).possible:
            return replace(found, calls=oracle.calls)
        bare, law = _firm_ground(oracle)
    except Over:
        if oracle.watch.stopped:
            raise Stopped from None
        raise EngineError("out of time before it was known whether there is a plan") from None
    found = replace(found, possible=False, bare=bare, law=law, minima=tuple(minima(oracle.problem, oracle.bent)))
    with oracle.within(SHARE):
        eased = _least_asked(oracle, law)
        clashes, drops = _searched(oracle, bare, law)
    drop = _dropped(oracle, drops, law)
    ways = [*_told_apart(oracle, eased, _fewest(drops, drop)), *drop]
    tried = _tried(Trial(oracle), ways)
    instead = raised_instead(Trial(oracle))
    return replace(
        found, clashes=tuple(oracle.names(each) for each in clashes.clashes), ways=tuple(tried), instead=instead,
        complete=clashes.complete and drops.complete, calls=oracle.calls,
    )  # fmt: skip


def _firm_ground(oracle: Oracle) -> tuple[bool, bool]:
    """Whether no plan is possible without any rule, and whether none is under the statutory rules alone."""
    bare = not oracle.ask(0).possible
    return bare, not bare and not oracle.ask(oracle.statutory).possible


def _easings(oracle: Oracle, law: bool) -> Easings:
    """What may give way: agreed rules; where the law clashes, statutory ones and resources too."""
    return Easings(oracle, oracle.every if law else oracle.agreed, resources=law)


def _least_asked(oracle: Oracle, law: bool) -> dict[Kind, Eased]:
    """The cheapest easings and the fairest, those of them that there was time for."""
    found: dict[Kind, Eased] = {}
    with suppress(Over, Impossible):
        easings = _easings(oracle, law)
        found["cheapest"] = easings.cheapest()
        found["fairest"] = easings.fairest()
    return found


def _searched(oracle: Oracle, bare: bool, law: bool) -> tuple[Map, Map]:
    """All clashes, and all minimal sets to drop: among the agreed rules; where the law clashes, clashes among the
    statutory rules alone and sets to drop among all."""
    if bare:
        return Map(0, complete=True), Map(0, complete=True)
    if law:
        return search(oracle, 0, oracle.statutory), search(oracle, 0, oracle.every)
    known = search(oracle, oracle.statutory, oracle.agreed)
    return known, known


def _way(kind: Kind, eased: Eased, oracle: Oracle) -> Way:
    rules = tuple(dict.fromkeys(oracle.problem.limits[easing.limit].owner for easing in eased.easings))
    return Way(kind, rules, eased.easings, eased.spend, eased.price, eased.least)


def _dropped(oracle: Oracle, drops: Map, law: bool) -> list[Way]:
    """Every minimal set of rules to drop, with the least that these would have to be eased instead."""
    easings, found = _easings(oracle, law), []
    for rules in drops.drops:
        names = oracle.names(rules)
        way = Way("drop", names, change={f"rules.{name}.in_force": False for name in names})
        with suppress(Over, Impossible):
            eased = easings.only(rules)
            way = replace(way, easings=eased.easings, spend=eased.spend, price=eased.price, least=eased.least)
        found.append(way)
    return found


def _fewest(drops: Map, dropped: Sequence[Way]) -> Way | None:
    """Of the smallest sets to drop the one that is eased most cheaply; None where none was eased."""
    smallest = [way for way in dropped if len(way.rules) == len(dropped[0].rules)]
    fewest = min((way for way in smallest if way.easings), key=lambda way: way.price, default=None)
    if fewest is None:
        return None
    least = drops.knows_all_of(len(fewest.rules)) and all(way.easings and way.least for way in smallest)
    return replace(fewest, kind="fewest", change=None, least=least)


def _told_apart(oracle: Oracle, eased: Mapping[Kind, Eased], fewest: Way | None) -> list[Way]:
    """The cheapest way, the one of fewest rules and the fairest. Where one of them is as good as another in what the
    other is best at, it stands for both, so that nobody is asked to choose between ways that come to the same."""
    ways = {kind: _way(kind, each, oracle) for kind, each in eased.items()}
    cheapest, fairest = ways.get("cheapest"), ways.get("fairest")
    if cheapest and fewest and len(cheapest.rules) == len(fewest.rules) and _same(cheapest.price, fewest.price):
        cheapest = replace(fewest, kind="cheapest", least=cheapest.least)
    if cheapest and fairest and _same(cheapest.price, fairest.price) and len(cheapest.rules) <= len(fairest.rules):
        one, other = (_most_asked(oracle, way) for way in (cheapest, fairest))
        fairest = replace(cheapest, kind="fairest", least=fairest.least) if _same(one, other) else fairest
    return [way for way in (cheapest, fewest, fairest) if way is not None]


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=10 * SAME, abs_tol=1e-9)


def _most_asked(oracle: Oracle, way: Way) -> float:
    """What is asked of the partner of whom most is asked."""
    asked: dict[str, float] = {}
    for easing in way.easings:
        who = str(partners(oracle)[easing.limit])
        asked[who] = asked.get(who, 0.0) + easing.price
    return max(asked.values(), default=0.0)


def _tried(trial: Trial, ways: Sequence[Way]) -> list[Way]:
    """The same with what-ifs for those that ease rules, as many as there is time for."""
    found, known = [], {}
    for way in ways:
        if way.kind != "drop":
            key = tuple((easing.limit, easing.end, round(easing.amount, 2)) for easing in way.easings)
            if key not in known:
                known[key] = give_ways(trial, way.easings, way.spend)
            change = {path: value for part in known[key] for path, value in part.change.items()}
            way = replace(way, ways=known[key], change=change or None)
        found.append(way)
    return found


def no_plan(scenario: Scenario, seconds: float, watch: Watch | None = None) -> NoPlan:
    """The error to raise, with the easings that would make a plan possible, and what-ifs that do it: as much as is
    known once time is up or `watch` is stopped. Raises Stopped where the solve was abandoned."""
    watch = watch or Watch()
    watch.enter("looking for a way out")
    found = _told(Oracle(scenario, seconds, watch))
    watch.enter("looking for a way out")
    return found


def _told(oracle: Oracle) -> NoPlan:
    """All that there is time to find."""
    trial, problem = Trial(oracle), oracle.problem
    together: tuple[str, ...] = ()
    added = tuple(each.sentence(oracle.scenario) for each in minima(problem, oracle.bent))
    first = " ".join([*added[:1], ""])
    try:
        _, law = _firm_ground(oracle)
        easings = _easings(oracle, law)
        together = _proved(oracle, easings)
        with oracle.within(SHARE):
            eased = easings.cheapest()
    except Impossible:
        return NoPlan(first + NONE_TO_EASE, [], instead=raised_instead(trial), together=together, minima=added)
    except Over:
        word = _word(together)
        message = f"{first}No plan keeps every rule ({word}). The search for a way out ended before it had found one."
        return NoPlan(message, [], together=together, minima=added)
    if not eased.easings:
        return NoPlan(first + NEARLY, [], together=together, minima=added)
    sentences = [_sentence(problem, easing) for easing in eased.easings]
    asks = "is to ease" if len(sentences) == 1 else "takes all of these"
    smallest = "smallest way out" if eased.least else "smallest way out found before the search ended"
    way = f"There may be other ways. The {smallest}, in pounds, {asks}:"
    message = f"{first}No plan keeps every rule ({_word(together)}). {way}"
    ways = give_ways(trial, eased.easings, eased.spend)
    return NoPlan(message, sentences, ways, raised_instead(trial), together, added)


def _word(together: tuple[str, ...]) -> str:
    return "proved independently of the solver" if together else "the solver's word, not proved independently"


def _proved(oracle: Oracle, easings: Easings) -> tuple[str, ...]:
    """The rules (and resources) and envelopes that are proved not to hold together, as paths, the weightiest first:
    those with a price at which even the best plan for no aim at all would be worth less than nothing. () where there is
    no proof, or no time for it."""
    problem = oracle.problem
    try:
        prices = oracle.session.prices(problem, oracle.reached(easings.relaxed()))
    except (Impossible, Over):
        return ()
    wide = replace(problem.terms, ends=problem.terms.ends + oracle.bent * [[-1.0], [1.0]])
    total = np.abs(prices.limit).sum() + np.abs(prices.envelope).sum()
    aimless = replace(problem.aimless, terms=wide)
    if total <= 0 or upper_bound(aimless, prices) >= -1e-9 * total:
        return ()
    return _named(problem, prices)


def _named(problem: Problem, prices: Prices) -> tuple[str, ...]:
    """Paths of what has a price, by how much of the clash it carries: its price times what it asks or holds."""
    ends = np.array([max(abs(end) for end in (limit.low, limit.high) if np.isfinite(end)) for limit in problem.limits])
    carried: dict[str, float] = {}
    told = np.abs(prices.limit) * np.maximum(ends, 1.0) * problem.owned
    for limit, weight in zip(problem.limits, told, strict=True):
        path = limit.owner.replace(" ", "s.") if limit.owner.startswith("resource ") else f"rules.{limit.owner}"
        carried[path] = carried.get(path, 0.0) + float(weight)
    for name, weight in zip(
        problem.scenario.table("envelopes")["id"], np.abs(prices.envelope) * problem.amount, strict=True
    ):
        carried[f"envelopes.{name}"] = carried.get(f"envelopes.{name}", 0.0) + float(weight)
    least = 1e-9 * max(carried.values())
    return tuple(sorted((path for path in carried if carried[path] > least), key=lambda path: -carried[path]))


def _sentence(problem: Problem, easing: Easing) -> str:
    """Which end of which rule to ease, by how much: 'elective (statutory), its minimum by £5m: Spending on ...'."""
    limit, currency = problem.limits[easing.limit], problem.scenario.heading.currency
    amount = f"{currency}{math.ceil(easing.amount - 1e-6):,}" if limit.measure == "spend" else f"{easing.amount:,.6g}"
    standing = {rule.id: rule.standing for rule in problem.scenario.rules}.get(limit.owner, "agreed")
    firm = " (statutory)" if standing == "statutory" else ""
    name = limit.owner if limit.owner.startswith("resource ") else f"rules.{limit.owner}"
    end = "lower its minimum" if easing.end == "low" else "raise its maximum"
    return f"{name}{firm}: {end} by {amount}. {limit.label}"
