"""The fairest plan: what an aim between places asks for, within what may be given up for it.

1. The most benefit for the money, as if there were no aim: what is given up is held against it, and no agreed rule
   bends further for fairness than it did for that.
2. The aim's own best (`welfare`), its price certified by weak duality as any plan's is: stage by stage where it is
   lexicographic. A ladder (leximin) holds a place at its level only where a positive price proves that no plan that
   raises the lowest could give it more; what merely stands there stays free (Nace and Pioro 2008, IEEE Communications
   Surveys 10, on lexicographic optimization). With choices there are no such prices: then the worst-off place, the two
   worst-off together, and so on (Ogryczak and Sliwinski 2006, "On direct methods for lexicographic min-max").
3. Of the plans that are as fair, the one that buys most; of those the nearest to today.

What it ends in is an ordinary plan: the best of the problem with a floor under each place that the aim holds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from allocate.engine.certificate import PENNY, Flows, Prices, certify, upper_bound
from allocate.engine.optimum import Optimum, Options, must_order
from allocate.engine.piece import Aimed, Clash, Solved, best, itself
from allocate.engine.problem import Problem, Terms
from allocate.engine.rounding import whole_pounds
from allocate.engine.watch import Watch
from allocate.engine.welfare import Laid, Welfare, firm, no_further
from allocate.errors import EngineError, ScenarioError
from allocate.errors import Problem as Wrong
from allocate.rules.aims import tail
from allocate.rules.binding import INFINITY
from allocate.rules.kinds import Fair
from allocate.rules.tally import POINTS, Limit, Row, Tally
from allocate.rules.views import Seen, amounts
from allocate.scenario.scenario import Scenario

Array = np.ndarray
SLACK = 1e-8
"""The part of a level that is left to rounding where later stages must keep it."""
ERROR = 1e-10
"""Units of value by which rounding may miss a level that is held."""
NOUGHT = 1e-12
"""A constant of a value that rounding left of nothing."""
LEAST_GIVEN = 1e-5
"""The part of the gain that may always be given up: nearer to the most benefit than that, an aim would be worth more
than the solver can weigh."""
PROVED = 1e-6
"""The part of all prices of a ladder's rungs above which one proves its place to be held."""
NEAREST, STEPS = 0.1, 8
"""Where the curves of worths begin, as a part of the lowest value of the best plan, and how often that is lowered."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What an aim sees in a problem: places as rows, and their values for given flows.

    A value is (amount - less) / over; `unit` of it is 1 for the welfare, from `floor` units on.
    """

    aim: Fair
    problem: Problem
    rows: Seen
    totals: dict
    unit: float = 1.0
    floor: float = 0.0
    drawn: dict[tuple, Scenario] = field(default_factory=dict)

    @classmethod
    def of(cls, aim: Fair, problem: Problem) -> Sight:
        tally = Tally(problem.scenario)
        return cls(aim, problem, aim.seen(tally), tally.totals)

    def values(self, spend: Array, effort: Array | None = None) -> Array:
        """Each place's value for pounds on lines (and under curves, where those are said apart)."""
        curves = self.problem.curves
        gain = curves.gain(curves.effort(spend) if effort is None else effort)
        told = amounts(self.aim.view, self.rows.places, Tally(self.problem.scenario, spend, gain))
        return replace(self.rows, amounts=told).values

    def score(self, values: Array) -> float:
        """The aim's score of values; nothing where it means nothing for them."""
        if self.aim.positive and (values <= 0).any():
            return 0.0
        return self.aim.score(values, self.rows, self.problem.scenario)

    def scored(self, worth: float) -> float:
        """The score of what the welfare is worth."""
        return (self.aim.score_of(worth) + self.floor) * self.unit

    def welfare(self, most: float, least: float) -> Welfare:
        """The welfare over these places, without what its shape asks for."""
        own = 1.0 / (self.rows.over * self.unit)
        constant = -self.rows.less * own - self.floor
        constant[np.abs(constant) < NOUGHT] = 0.0
        rows = [
            factor * amount + Row({"~0": float(by)})
            for factor, amount, by in zip(own.tolist(), self.rows.amounts, constant, strict=True)
        ]
        return Welfare(rows, self.rows.parts, most, least)


def solved_fairly(problem: Problem, aim: Fair, options: Options, watch: Watch) -> Solved:
    """The best plan of a problem by an aim, in whole pounds. Raises Clash, what `allocate.engine.solving` does, and
    ScenarioError where the aim means nothing for any plan."""
    watch.begin(options.seconds)
    most = best(problem, options, watch, itself, settle=False)
    sight = sighted(aim, problem, most, options, watch)
    kept, gain = what_is_kept(sight, most)
    try:
        staged = stages(sight, firm(problem, most.flows), kept, most, options, watch)
        final, found = most_of_the_fair(sight, no_further(problem, most.flows), staged, options, watch)
    except EngineError:
        if not (watch.stopped or watch.late):
            raise
        return _short_of_it(sight, problem, most, gain, watch)
    otherwise = sight.score(sight.values(most.flows.spend))
    told = sight.scored(staged.bound), most.certificate.value, gain, otherwise
    return _in_whole_pounds(sight, problem, final, found, told, watch)


def _short_of_it(sight: Sight, problem: Problem, most: Optimum, gain: float, watch: Watch) -> Solved:
    """The plan of most benefit, where there was no time for the aim: how far from it, nobody knows."""
    flows = whole_pounds(problem, most.flows, watch)
    whole, flows = flows is not None, most.flows if flows is None else flows
    certificate = certify(problem, flows, most.certificate.bound, 1e-6 if whole else PENNY)
    reached = sight.score(sight.values(flows.spend))
    aimed = Aimed(sight.aim, reached, np.inf, np.inf, most.certificate.value, gain, reached)
    found = replace(most, status="stopped" if watch.stopped else "time limit")
    return Solved(problem, flows, found, certificate, whole, aimed=aimed)


def sighted(aim: Fair, problem: Problem, most: Optimum, options: Options, watch: Watch) -> Sight:
    """What the aim sees, in units that suit the solver."""
    sight = Sight.of(aim, problem)
    if aim.view == "own-best":
        sight = replace(sight, rows=sight.rows.against(_own_best(sight, problem, options, watch)))
    if aim.view == "fair-share":
        # Of the money that the plan of most benefit spends by need: then their shares are 1 on average.
        sight = replace(sight, rows=sight.rows.against(sight.rows.parts @ sight.values(most.flows.spend)))
    values = sight.values(most.flows.spend)
    unit = max(abs(float(sight.rows.parts @ values)), 1e-3 * float(np.abs(values).max(initial=0.0))) or 1.0
    low = np.where(problem.choices, 0.0, problem.low)
    lowest = float(sight.values(low).min()) / unit
    return replace(sight, unit=unit, floor=0.0 if aim.positive else min(0.0, lowest))


def _own_best(sight: Sight, problem: Problem, options: Options, watch: Watch) -> Array:
    """The most that each place's value could be, under the same rules."""
    found: list[float] = []
    for place in sight.rows.places:
        curves = np.isin(np.arange(len(problem.curves)), problem.feeds.rows[np.isin(problem.feeds.columns, place.rows)])
        alone = replace(problem, weight=np.where(curves, problem.weight, 0.0))
        optimum = best(alone, options, watch, itself, settle=False)
        found.append(sight.values(optimum.flows.spend)[len(found)])
    values = np.array(found)
    if (nothing := values <= 1e-9 * values.max()).any():
        names = [place.name for place, none in zip(sight.rows.places, nothing, strict=True) if none]
        raise _senseless(sight.aim, f"means nothing for {', '.join(names)}: no plan gains anything there")
    return values


def _senseless(aim: Fair, expected: str) -> ScenarioError:
    return ScenarioError("rules.toml", [Wrong("rules.toml", expected, field=f"{aim.id}.view", value=aim.view)])


def what_is_kept(sight: Sight, most: Optimum) -> tuple[list[Limit], float]:
    """The limit on what may be given up, and the gain that it is a part of: since today, or where there is none, over
    the least spending."""
    aim, problem = sight.aim, sight.problem
    curves = problem.curves
    bought = float(problem.weight @ curves.gain(curves.effort(most.flows.spend)))
    gain = bought - float(problem.weight @ curves.gain(curves.effort(problem.baseline)))
    gain = gain if gain > 1e-9 * problem.at_stake else problem.at_stake
    if aim.give_up is None:
        return [], gain
    outcomes = problem.scenario.table("outcomes")
    everything, tally = np.ones(len(problem.low), dtype=bool), Tally(problem.scenario)
    counted = [(name, weight) for name, weight in zip(outcomes["id"], outcomes["weight"], strict=True) if weight]
    body = sum((weight * tally.gain(everything, name) for name, weight in counted), Row({}))
    sight.totals.update(tally.totals)
    low = bought - max(aim.give_up, LEAST_GIVEN) * gain
    return [Limit(aim.id, "what may be given up", body, low, INFINITY, counted[0][0])], gain


@dataclass(frozen=True, eq=False)
class Staged:
    """Where the stages of an aim end: the problem with the aim laid over it, whatever must be kept held, flows of all
    of it, and what no plan's worth exceeds.

    `spent` are the prices where all that may be given up was, in units of what is maximised without an aim: those of
    the first stage, over that of the total. Curves that bend then are where they must be, for no other plan would be as
    fair and give up no more; without a price there, None.
    """

    laid: Laid
    problem: Problem
    flows: Flows
    bound: float
    spent: Prices | None = None


def stages(sight: Sight, problem: Problem, more: list[Limit], most: Optimum, options: Options, watch: Watch) -> Staged:
    """The fairest plan, before what is left open is decided."""
    values = sight.values(most.flows.spend) / sight.unit - sight.floor
    highest = _highest(sight, problem) / sight.unit - sight.floor
    lowest, score = float(values.min()), sight.score(values)
    if sight.aim.positive and lowest <= 0:
        lowest = score = _lowest_of_all(sight, problem, more, highest, most, options, watch)
    least = max(NEAREST * lowest, _sure(sight, score))
    for _ in range(STEPS if sight.aim.positive else 1):
        laid = _laid(sight, problem, more, highest, least)
        try:
            found = _climbed(laid, most, options, watch)
        except Clash:
            if not sight.aim.positive:
                raise
        else:
            if not sight.aim.positive:
                return found
            worth = laid.amounts(found.flows)[[each.line for each in laid.welfare.worths]]
            score = sight.score(worth)
            sure = _sure(sight, score)
            if sure > 2 * least and sight.aim.score_of(found.bound) > score * (1 + 1e-6):
                # So far down, a worth falls so steeply that the solver cannot weigh the rest.
                least = sure
                continue
            if worth.min() > least * (1 + 1e-6):
                return found
        least *= NEAREST
    raise _senseless(sight.aim, "cannot be balanced: no plan leaves every place above nothing in this view")


def _sure(sight: Sight, score: float) -> float:
    """What every place has at least in the best plan, where one has this score; nothing where that is open."""
    return (1 - 1e-3) * sight.aim.least(score, sight.rows.parts)


def _laid(sight: Sight, problem: Problem, more: list[Limit], highest: float, least: float, whole: bool = False) -> Laid:
    welfare = sight.welfare(highest, least)
    if whole:
        welfare.worth(tail(welfare, 0.0))
    elif not discrete(problem):
        sight.aim.shape(welfare, sight.rows, problem.scenario)
    else:
        shaped = sight.welfare(highest, least)
        sight.aim.shape(shaped, sight.rows, problem.scenario)
        if not shaped.rungs:
            welfare = shaped
        else:
            # The worst-off place, the two worst-off together, and so on: places, not people, for choices are whole.
            count, welfare.in_turn = len(welfare.values), True
            for k in range(1, count + 1):
                welfare.worth(tail(welfare, k / count, np.full(count, 1 / count)))
    return Laid.over(problem, welfare, sight.totals, more, sight.drawn)


def _lowest_of_all(
    sight: Sight, problem: Problem, more: list[Limit], highest: float, most: Optimum, options: Options, watch: Watch
) -> float:
    """The most that the lowest value could be."""
    laid = _laid(sight, problem, more, highest, 0.0, whole=True)
    lowest = _climbed(laid, most, options, watch).bound
    if not lowest > 0:
        raise _senseless(sight.aim, "cannot be balanced: no plan leaves every place above nothing in this view")
    return lowest


def discrete(problem: Problem) -> bool:
    """Whether a problem has yes/no choices, of lines, of rules or of slices that must fill in order."""
    return bool(problem.choices.any() or problem.terms.picks or must_order(problem))


def _climbed(laid: Laid, most: Optimum, options: Options, watch: Watch) -> Staged:
    """The best by a welfare, stage by stage."""
    around = laid.under.curves.effort(most.flows.spend)
    if laid.welfare.rungs:
        return _up_the_ladder(laid, around, options, watch)
    problem, worths, own = replace(laid.problem, around=_with_own(laid, around)), laid.welfare.worths, len(around)
    bounds, whole = [], problem.weight
    turns = [np.array([k]) for k in range(len(worths))] if laid.welfare.in_turn else [np.arange(len(worths))]
    for mine in turns:
        weight = np.zeros(len(whole))
        weight[own + mine] = whole[own + mine]
        found = _best(replace(problem, weight=weight), laid, options, watch)
        bounds.append(found.certificate.bound)
        problem = _held(laid, problem, found.flows, [worths[k].line for k in mine])
    spent = _spent(laid, problem, found)
    return Staged(laid, _pinned(laid, problem, found.flows, spent), found.flows, bounds[0], spent)


def _spent(laid: Laid, problem: Problem, found: Optimum) -> Prices | None:
    """See `Staged.spent`."""
    count = len(laid.under.limits)
    if found.discrete or len(problem.limits) == count + len(laid.welfare.rows):
        return None
    prices, price = found.prices, -found.prices.limit[count]
    if price * laid.under.at_stake < PROVED * problem.at_stake:
        return None
    return Prices(prices.envelope / price, prices.limit / price, prices.effort / price)


def _pinned(laid: Laid, problem: Problem, flows: Flows, spent: Prices | None) -> Problem:
    """The problem with curves that bend where they are, if all that may be given up is spent."""
    around = problem.curves.effort(flows.spend)
    if spent is None:
        return replace(problem, around=around)
    stays = [under.curves.bends(q) and under.weight[q] > 0 for under in [laid.under] for q in range(len(under.curves))]
    return replace(problem, around=around, pinned=np.append(stays, np.zeros(len(laid.welfare.worths), dtype=bool)))


def _best(problem: Problem, laid: Laid, options: Options, watch: Watch) -> Optimum:
    return best(problem, _with_opened(laid, options), watch, itself, based=False, settle=False)


def _with_opened(laid: Laid, options: Options) -> Options:
    """The options for a problem with an aim laid over it, whose own lines are never choices."""
    if options.opened is None:
        return options
    return replace(options, opened=np.append(options.opened, np.zeros(laid.welfare.count, dtype=bool)))


def _with_own(laid: Laid, effort: Array) -> Array:
    """Efforts of the curves under an aim, with those of its own curves where they begin."""
    return np.append(effort[: len(laid.under.curves)], np.zeros(len(laid.welfare.worths)))


def _held(laid: Laid, problem: Problem, flows: Flows, lines: Sequence[int]) -> Problem:
    """The problem with these amounts of the aim no lower than in these flows, which it is sure to hold."""
    low, at = problem.low.copy(), len(laid.under.low) + np.array(lines)
    low[at] = np.maximum(low[at], flows.spend[at] * (1 - SLACK) - SLACK * laid.scale)
    return replace(problem, low=low, around=problem.curves.effort(flows.spend))


def _up_the_ladder(laid: Laid, around: Array, options: Options, watch: Watch) -> Staged:
    """Level by level: the lowest value as high as can be, and so on among the places that no price holds there."""
    count, lowest = len(laid.welfare.values), len(laid.under.low) + laid.welfare.worths[0].line
    level, free = np.zeros(count), np.ones(count, dtype=bool)
    problem, first, spent = replace(laid.problem, around=_with_own(laid, around)), None, None
    while free.any():
        ends = np.concatenate([np.where(free, 0.0, -INFINITY), np.where(free, 0.0, level)])
        problem = laid.ends(problem, ends)
        found = _best(problem, laid, options, watch)
        if first is None:
            first, spent = found.certificate.bound, _spent(laid, problem, found)
        price = np.maximum(-found.prices.limit[len(problem.limits) - 2 * count :][:count], 0.0) * free
        now = free & (price > PROVED * price.sum()) if price.sum() > 0 else free
        # What is held already may be where it is held, and a rounding error below: the next step must not be in want.
        has = problem.bodies(found.flows.spend, found.flows.moved)[-count:] / laid.scale
        level = np.where(free, level, np.minimum(level, has - ERROR))
        level = np.where(now, found.flows.spend[lowest] / laid.scale * (1 - SLACK) - SLACK, level)
        free &= ~now
        problem = _pinned(laid, problem, found.flows, spent)
    ends = np.concatenate([np.full(count, -INFINITY), level])
    return Staged(laid, laid.ends(problem, ends), found.flows, first or 0.0, spent)


def _highest(sight: Sight, problem: Problem) -> float:
    """More than any place's value could be."""
    reach = problem.reach
    high = np.minimum(problem.high, reach[problem.envelope_of_line])
    effort = np.maximum(problem.effort_low, np.minimum(problem.curves.effort(high), reach.sum()))
    values = sight.values(np.maximum(problem.low, high), effort)
    if sight.aim.view in ("spend", "fair-share"):
        values = np.minimum(values, reach.sum() / sight.rows.over)
    return float(values.max()) + sight.unit


def most_of_the_fair(
    sight: Sight, problem: Problem, staged: Staged, options: Options, watch: Watch
) -> tuple[Laid, Optimum]:
    """Of the plans that are as fair, the one that buys most and then the nearest to today."""
    laid, held = staged.laid, staged.problem
    if problem.bends and staged.spent is None:
        # What rules cost to bend is weighed afresh against what they buy.
        laid = Laid.over(problem, laid.welfare, sight.totals)
        ends, count = laid.problem.terms.ends.copy(), len(laid.welfare.rows)
        ends[:, -count:] = held.terms.ends[:, -count:]
        held = replace(laid.problem, terms=replace(laid.problem.terms, ends=ends), low=held.low, around=held.around)
    held = replace(held, weight=np.append(problem.weight, np.zeros(len(laid.welfare.worths))))
    found = best(held, _with_opened(laid, options), watch, itself, based=False)
    if staged.spent is None:
        return laid, found
    return laid, replace(found, prices=staged.spent, certificate=replace(found.certificate, bound=np.nan))


def _in_whole_pounds(
    sight: Sight, problem: Problem, laid: Laid, found: Optimum, told: tuple[float, float, float, float], watch: Watch
) -> Solved:
    exact = laid.flows(found.flows)
    flows = whole_pounds(problem, exact, watch)
    whole = flows is not None
    flows = exact if flows is None else flows
    floored, prices = _floored(sight, problem, laid, found.prices, flows)
    most = found.certificate.bound
    if np.isnan(most):
        most = upper_bound(firm(floored, flows), prices) - problem.bent_cost(flows.spend, flows.moved)
    certificate = certify(floored, flows, most, 1e-6 if whole else PENNY, found.certificate.branches)
    bound, value, gain, otherwise = told
    values = sight.values(flows.spend)
    reached = sight.score(values)
    low = np.where(problem.choices, 0.0, problem.low)
    stake = max(bound - sight.score(sight.values(low)), 1e-12)
    gap = max(0.0, bound - reached) / stake if np.isfinite(bound) else np.inf
    aimed = Aimed(sight.aim, reached, bound, gap, value, gain, otherwise)
    optimum = replace(found, flows=exact, prices=prices)
    return Solved(floored, flows, optimum, certificate, whole, aimed=aimed)


def _floored(sight: Sight, problem: Problem, laid: Laid, prices: Prices, flows: Flows) -> tuple[Problem, Prices]:
    """The problem with a floor under each place that the aim holds up, at what the plan gives it, and its prices."""
    asked = prices.limit[-len(laid.welfare.rows) :]
    scenario, held = problem.scenario, []
    places, tally = (
        sight.rows.places,
        Tally(scenario, flows.spend, problem.curves.gain(problem.curves.effort(flows.spend))),
    )
    told = amounts(sight.aim.view, places, tally)
    for place, amount, now in zip(places, sight.rows.amounts, told, strict=True):
        name = next(iter(amount.terms), None)
        if name is None:
            continue
        # What the rows that this value is in are worth, for a unit of its amount.
        worth = sum(
            price * row.terms[name] for price, row in zip(asked.tolist(), laid.welfare.rows, strict=True)
            if name in row.terms
        ) * laid.scale / amount.terms[name]  # fmt: skip
        if -worth * now > 1e-7 * problem.at_stake:
            measures = {sight.totals[each].measure for each in amount.terms}
            measure = measures.pop() if len(measures) == 1 else POINTS
            label = f"{sight.aim.sentence(scenario)}: {place.name}"
            held.append((Limit(sight.aim.id, label, amount, now, INFINITY, measure, place.id), worth))
    limits = (*problem.limits, *(limit for limit, _ in held))
    tally = Tally(scenario, totals={**problem.tally.totals, **sight.totals})
    counts = len(problem.low), len(problem.curves), len(problem.route_high)
    floored = replace(problem, limits=limits, tally=tally, terms=Terms.of(limits, tally, *counts))
    limit = np.concatenate([prices.limit[: len(problem.limits)], [worth for _, worth in held]])
    own = Prices(prices.envelope[: len(problem.amount)], limit, prices.effort[: len(problem.curves)])
    return floored, own


__all__ = [
    "LEAST_GIVEN", "Sight", "Staged", "discrete", "most_of_the_fair", "sighted", "solved_fairly", "stages",
    "what_is_kept",
]  # fmt: skip
