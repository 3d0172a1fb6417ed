"""Switch points: how far what partners are taken to count would have to move before an answer turns over.

Who gains from what is a judgement. Where an answer stands whatever the judgement, nobody need argue about it; where it
turns over close by, that is the figure to look into. So each figure of benefits.csv, alone or with its like, is moved
down and up as far as it lawfully goes, the system is solved apart again there, and where an answer differs the nearest
place at which it does is closed in upon.

The plan together follows the agreed outcome alone and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.apart.alone import Apart
from allocate.commons.apart.benefits import Benefits
from allocate.commons.apart.controls import standard
from allocate.commons.apart.equilibrium import LEAST, TOLERANCE, Settled
from allocate.commons.apart.fallbacks import ALONE, APART, Fallback
from allocate.commons.apart.ground import Ground
from allocate.commons.apart.judgements import (
    EVERY_WORTH,
    NOTHING,
    TIMES,
    Figure,
    counted,
    covered,
    figures_of,
    laid,
    said_otherwise,
)
from allocate.engine.certificate import Flows
from allocate.engine.piece import Clash
from allocate.engine.watch import Watch
from allocate.plan.aim import aim_unit
from allocate.plan.figures import number, pounds
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve, Tick
from allocate.plan.words import count, quoted
from allocate.scenario.scenario import Scenario

Array = np.ndarray
TOGETHER, CONTROL, SIGNS, GAIN = "together", "told", "signs", "gain"
"""Kinds of answer: whether together adds anything worth having, a rule from above beats leaving partners alone, a
partner would sign without payments, and there is a gain to share."""
WORTH_HAVING = 1e-3
"""The part of what together buys that is worth having, where nobody says otherwise."""
CLOSE = 0.01
"""How near a switch point is closed in upon, as a part of the figure, or of its range where the figure is nothing."""
CHOSEN = 4
"""How many rows of benefits.csv are looked at unless every row is asked for."""
SCALE = "what is worth so many times as much to everybody compares as before"
NOWHERE, NO_ROOM = "no other answer found from {} to {}", "there is no room {}"
NOT_ASKED, NO_REST = "not looked at", "partners come to no rest as figures are"
WAYS = "down", "up"
HEADLINES = ["kind", "of", "headline", "answer", "margin", "least", "unit", "sentence"]
POINTS = [
    "figure", "name", "field", "unit", "now", "status", "kind", "of", "headline", "answer", "down", "up", "factor_down",
    "factor_up", "lowest", "highest", "regret", "why",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class SwitchPoints:
    """How far figures would have to move to turn an answer over. Tables are tidy.

    headlines  one row an answer: kind ('together', 'told', 'signs' or 'gain'), of (the rule, or the partner's id),
               headline (what is asked), answer (whether it is so), margin (by how much it is; below 0 where it is not),
               least (what the margin must exceed to count), unit (of both), sentence
    points     one row a figure and answer: figure (its path, or several in words), name, field, unit ('part', the
               currency, or 'times' where several move together by so many times what each is), now, status (found,
               derived or assumed), kind, of, headline, answer (now), down and up (the nearest value found below and
               above at which the answer is the other one; blank where none is), factor_down and factor_up (the same, in
               times what it is; blank where that is nothing), lowest and highest (the range looked in), regret (the
               most that a partner could still gain at those values by moving alone apart, as a share of what it has at
               stake), why (where one is blank)

    A share moves from 0 to where it would leave a buyer less than nothing of what it buys, or to 1; an own part from 0
    to where all that is bought lands just once; a worth, and what moves together, from a quarter of what it is. None
    goes further up than four times, unless it is nothing. Apart is taken to stay as it is for as long as nobody gains
    by moving; at each point, though, the answer differs where partners start from today's spending, as
    `allocate.regimes` has them do. Between the values tried an answer may change and change back: a point is the
    nearest found, and closed in upon to a hundredth of the figure.
    """

    ground: Ground
    figures: dict[str, Figure]
    headlines: pd.DataFrame
    points: pd.DataFrame
    regret: float
    """The most that a partner could gain by moving alone apart as figures are, as a share of what it has at stake."""
    complete: bool
    """Whether every figure was looked at."""

    @property
    def scenario(self) -> Scenario:
        """The scenario with the figures as they are."""
        return self.ground.scenario

    @property
    def fallback(self) -> str:
        """What partners have without a deal."""
        return self.ground.fallback.kind

    @property
    def unit(self) -> str:
        """The unit of the agreed outcome."""
        return aim_unit(self.ground.together)

    @property
    def certified(self) -> bool:
        """Whether nobody moves apart, within the tolerance, as figures are."""
        return self.regret <= TOLERANCE

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {"headlines": self.headlines, "points": self.points}

    def at(self, figure: str, value: float) -> Scenario:
        """The scenario where a figure of the points has another value, and what others count goes with it."""
        mine = self.figures[figure]
        return said_otherwise(self.scenario, laid(self.scenario, mine, value, covered(self.scenario)))

    @property
    def sentences(self) -> list[str]:
        """The answer in words: what turns over nearest, for each kind of answer, and how that was found."""
        said = [self._signs(), self._kind(GAIN), self._kind(TOGETHER)]
        said += [self._kind(CONTROL, of) for of in self.headlines.loc[self.headlines["kind"] == CONTROL, "of"]]
        return [sentence for sentence in (*said, self._how(), self._rest()) if sentence]

    @cached_property
    def nearest(self) -> pd.DataFrame:
        """The points in either direction, those that are least far from what their figure is first: the columns of
        `points`, and value and factor for the one in question."""
        ways = pd.concat([self.points.assign(value=self.points[w], factor=self.points[f"factor_{w}"]) for w in WAYS])
        ways = ways[ways["value"].notna()]
        far = (ways["factor"] - 1).abs().fillna(np.inf).to_numpy()
        return ways.iloc[np.argsort(far, kind="stable")].reset_index(drop=True)

    def _where(self, row: pd.Series) -> str:
        figure = self.figures[row["figure"]]
        now = "" if figure.unit == TIMES else f" instead of {figure.said(figure.now)}"
        return f"at {figure.said(row['value'])}{now} ({row['status']})"

    def _signs(self) -> str:
        points = self.nearest[self.nearest["kind"] == SIGNS]
        if not len(points):
            return "None of the figures looked at, moved by itself, changes who would sign without payments."
        row = points.iloc[0]
        verb = "would no longer sign" if row["answer"] else "would sign"
        who, where = self.ground.name(row["of"]), self._where(row)
        return f"The nearest figure that would change who signs is {row['name']}: {where} {who} {verb}."

    def _kind(self, kind: str, of: str = "") -> str:
        headline, points = (
            table[(table["kind"] == kind) & (table["of"] == of)] for table in (self.headlines, self.nearest)
        )
        said = headline["sentence"].iloc[0].rstrip(".")
        if not len(points):
            return f"{said}, and none of the figures looked at, moved by itself, changes that."
        row = points.iloc[0]
        return f"{said}. The nearest figure that would change that is {row['name']}, {self._where(row)}."

    def _how(self) -> str:
        looked = self.points.loc[self.points["why"] != NOT_ASKED, "figure"].nunique()
        some = "" if self.complete else f" of the {len(self.figures)} that were to be"
        return (
            f"{count(looked, 'figure')}{some} were looked at, alone or with its like. What one counts more of what "
            "others buy, those who buy it count less. These are the nearest found: between the values tried an answer "
            "may change and change back."
        )

    def _rest(self) -> str:
        return "" if self.certified else "But partners still move apart, so what they have there is no resting place."


def switch_points(
    scenario: Scenario,
    *,
    fallback: str = APART,
    told: Mapping[str, Mapping[str, Any]] | None = None,
    worth: float = WORTH_HAVING,
    rows: bool = False,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
) -> SwitchPoints:
    """How far each figure of benefits.csv would have to move to turn an answer over, as `SwitchPoints` has it.

    `fallback` is what each has without a deal (`allocate.commons.apart.fallbacks`). `told` are rules from above as in
    `allocate.regimes`, three made from the plan together where left out; those under which there is no plan are left
    out. `worth` is the part of what together buys from which what it adds counts as worth having. Looked at are the
    shares of each kind of partner, every share, every own part and every worth, each group together, and the few rows
    of benefits.csv by which an answer would turn over soonest if plans stayed; with `rows`, every figure of every row.
    `seconds` bounds each solve. `tick(done, total)` is told how many figures were looked at; once it returns False, or
    `watch` is stopped, the rest are not. `solve` may be one that remembers what it has solved.

    Raises as `allocate.deal` but for the number of partners, and ScenarioError where `told` is no change.
    """
    for changes in (told or {}).values():
        scenario.change(changes)
    ground = Ground.of(scenario, fallback=fallback, seconds=seconds, solve=solve)
    rules = standard(ground.best) if told is None else told
    return _Finding(ground, rules, worth, watch, tick).found(rows)


# --- one place to look ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Standing:
    """Partners apart, perhaps under a rule from above (`told`), and where that ends as figures are."""

    apart: Apart
    told: bool
    now: Settled[Flows]

    @classmethod
    def of(cls, apart: Apart, told: bool = False) -> Standing:
        return cls(apart, told, _settled(apart, told))

    def stays(self, benefits: Benefits) -> Settled[Flows] | None:
        """The end as figures are, with the regrets that other benefits give, where nobody moves from it by them."""
        apart, before = self._with(benefits), self.apart.benefits.worth
        regrets, stakes = dict(self.now.regrets), dict(self.now.stakes)
        for player, was, now in zip(benefits.players, before, benefits.worth, strict=True):
            if np.array_equal(was, now):
                continue
            reply = apart.reply(player, self.now.profile)
            if reply.gain > LEAST * reply.stake:
                return None
            regrets[player], stakes[player] = max(reply.most, 0.0), reply.stake
        return Settled(self.now.profile, regrets, stakes, 0, True)

    def afresh(self, benefits: Benefits) -> Settled[Flows]:
        """Where partners end with other benefits from today's spending."""
        return _settled(self._with(benefits), self.told)

    def _with(self, benefits: Benefits) -> Apart:
        """The same with other benefits. Prices of the last replies are at hand: any bound what a reply could gain."""
        return replace(self.apart, benefits=benefits)


def _settled(apart: Apart, told: bool) -> Settled[Flows]:
    """As `allocate.regimes` finds it: one solve where that is enough, but not under a rule from above."""
    weight = None if told else apart.potential
    return apart.settled(apart.today if weight is None else apart.best_for(weight))


@dataclass(frozen=True, eq=False)
class Probe:
    """The answers where partners count so; each is worked out when it is asked for."""

    asked: _Finding
    benefits: Benefits
    _ends: dict[tuple[str, bool], Settled[Flows]] = field(default_factory=dict)

    def end(self, afresh: bool, rule: str = "") -> Settled[Flows]:
        """Where partners end apart, or under a rule from above: `afresh`, or else as now if nobody moves from there."""
        standing = self.asked.told[rule] if rule else self.asked.standing
        if self.benefits is standing.apart.benefits:
            return standing.now
        if (rule, afresh) not in self._ends:
            stays = None if afresh else standing.stays(self.benefits)
            self._ends[rule, afresh] = stays or self._ends.get((rule, True)) or standing.afresh(self.benefits)
            if stays is None:
                self._ends[rule, True] = self._ends[rule, afresh]
        return self._ends[rule, afresh]

    def gains(self, afresh: bool) -> Array:
        """What the plan together lands on each beyond its fallback, in pounds."""
        ground, lands = self.asked.ground, partial(self.asked.lands, self.benefits)
        kind = ground.fallback.kind
        if kind == ALONE:
            least = Fallback.of(kind, replace(ground.apart, benefits=self.benefits)).payoffs
        else:
            least = lands(self.end(afresh).profile if kind == APART else ground.apart.today)
        return lands(ground.flows(ground.together)) - least

    def margin(self, headline: Headline, afresh: bool = False) -> float:
        """By how much the answer is yes; blank where partners come to no rest."""
        if self.regret(headline, afresh) > TOLERANCE:
            return np.nan
        if headline.kind in (SIGNS, GAIN):
            gains = self.gains(afresh)
            return float(gains[headline.player] if headline.kind == SIGNS else gains.sum())
        value, apart = self.asked.value, self.asked.value(self.end(afresh).profile)
        if headline.kind == TOGETHER:
            return self.asked.ground.best.value - apart
        return value(self.end(afresh, headline.of).profile) - apart

    def regret(self, headline: Headline, afresh: bool = False) -> float:
        """The largest regret of any partner where this answer comes from; blank where nobody is apart."""
        if headline.kind in (SIGNS, GAIN) and self.asked.ground.fallback.kind != APART:
            return np.nan
        found = self.end(afresh).regret
        return max(found, self.end(afresh, headline.of).regret) if headline.kind == CONTROL else found


@dataclass(frozen=True)
class Headline:
    """What is asked: `least` is what the margin must exceed for a yes."""

    kind: str
    of: str
    text: str
    least: float
    unit: str
    player: int = -1

    def answer(self, margin: float) -> bool:
        return margin > self.least


# --- finding ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Way:
    """What was found of one figure and answer in one direction: the value, blank where there is none, its regret, and
    why it is blank."""

    value: float = np.nan
    regret: float = np.nan
    why: str = ""


@dataclass(eq=False)
class _Along:
    """The probes of one figure, by value."""

    asked: _Finding
    figure: Figure
    probes: dict[float, Probe] = field(default_factory=dict)

    def probe(self, value: float) -> Probe:
        """The answers at a value."""
        if value == self.figure.now:
            return self.asked.now
        if value not in self.probes:
            scenario = self.asked.ground.scenario
            table = laid(scenario, self.figure, value, self.asked.cover)
            self.probes[value] = Probe(self.asked, counted(scenario, table))
        return self.probes[value]

    def nearest(self, headline: Headline, end: float) -> _Way:
        """The nearest value towards an end at which the answer is the other one."""
        now = self.figure.now
        if np.isnan(self.asked.now.margin(headline)):
            return _Way(why=NO_REST)
        if abs(end - now) <= NOTHING * max(1.0, abs(now)):
            return _Way(why=NO_ROOM.format("below" if end <= now else "above"))
        for afresh in (False, True):
            found = self._bracket(headline, end, afresh)
            if found is None:
                break
            here, there = self._closed(headline, *found, afresh)
            if afresh or (self._turned(headline, there, True) and not self._turned(headline, here, True)):
                return _Way(there, self.probe(there).regret(headline, True))
        return _Way(why=NOWHERE.format(self.figure.said(now), self.figure.said(end)))

    def _turned(self, headline: Headline, value: float, afresh: bool) -> bool:
        """Whether the answer at a value is the other one."""
        margin = self.probe(value).margin(headline, afresh)
        return not np.isnan(margin) and headline.answer(margin) != headline.answer(self.asked.now.margin(headline))

    def _bracket(self, headline: Headline, end: float, afresh: bool) -> tuple[float, float] | None:
        """The first neighbours, of the values looked at so far and the end, between which the answer turns over."""
        now = self.figure.now
        between = [value for value in self.probes if min(now, end) <= value <= max(now, end)]
        if headline.kind != CONTROL and self.figure.unit == TIMES:
            between.append((now + end) / 2)
        elif headline.kind == CONTROL and not self._turned(headline, end, afresh):
            # Partners under rules from above are asked in between only where the answer has turned over at the end.
            return None
        values = sorted({now, *between, end}, reverse=bool(end < now))
        turned = (pair for pair in pairwise(values) if self._turned(headline, pair[1], afresh))
        return next(turned, None)

    def _closed(self, headline: Headline, here: float, there: float, afresh: bool) -> tuple[float, float]:
        """Two values close together, with the answer as it is at the first and the other one at the second: by the
        chord, kept off the ends (regula falsi), and every third time by halves."""
        near = CLOSE * (abs(self.figure.now) or self.figure.highest - self.figure.lowest)
        at = {value: self.probe(value).margin(headline, afresh) - headline.least for value in (here, there)}
        answer = headline.answer(at[here] + headline.least)
        tries = 0
        while abs(there - here) > near:
            tries += 1
            span = at[there] - at[here]
            share = 0.5 if tries % 3 == 0 or not span or np.isnan(span) else -at[here] / span
            edge = min(0.5, 0.45 * near / abs(there - here))
            value = here + (there - here) * min(max(share, edge), 1.0 - edge)
            at[value] = margin = self.probe(value).margin(headline, afresh) - headline.least
            if np.isnan(margin) or (margin > 0) == answer:
                here = value
            else:
                there = value
        return here, there


class _Finding:
    """One answer in the making."""

    def __init__(
        self,
        ground: Ground,
        rules: Mapping[str, Mapping[str, Any]],
        worth: float,
        watch: Watch | None,
        tick: Tick | None,
    ) -> None:
        self.ground, self.watch, self.tick = ground, watch, tick
        self.standing = Standing.of(ground.apart)
        self.told = dict(_under(ground, rules))
        self.now = Probe(self, ground.benefits)
        self.headlines = list(self._headlines(worth))
        self.cover = covered(ground.scenario)

    def value(self, flows: Flows) -> float:
        """The agreed outcome less what bending rules costs."""
        return self.ground.problem.value(flows.spend, flows.moved)

    def lands(self, benefits: Benefits, flows: Flows) -> Array:
        """Pounds that land on each where everybody spends so."""
        curves = self.ground.problem.curves
        return benefits.payoffs(curves.gain(curves.effort(flows.spend)))

    def found(self, rows: bool) -> SwitchPoints:
        """Every figure, those that move together first."""
        many, alone = figures_of(self.ground.scenario, self.ground.benefits, self.ground.apart.fed)
        figures = [*many, *(alone if rows else self._nearest_rows(alone))]
        told, going = list[dict[str, Any]](), True
        for done, figure in enumerate(figures):
            going = going and self._goes_on(done, len(figures))
            told += self._points(figure, going)
        by_key = {figure.key: figure for figure in figures}
        points = pd.DataFrame(told, columns=POINTS)
        return SwitchPoints(self.ground, by_key, self._table(), points, self.standing.now.regret, going)

    def _goes_on(self, done: int, total: int) -> bool:
        stopped = self.watch is not None and self.watch.stopped
        return not stopped and (self.tick is None or self.tick(done, total) is not False)

    def _headlines(self, worth: float) -> Iterator[Headline]:
        ground, unit = self.ground, aim_unit(self.ground.together)
        currency = ground.scenario.heading.currency
        stake = replace(ground.problem, weight=ground.benefits.worth.sum(axis=0)).at_stake
        pence, proof = max(LEAST * stake, 1.0), ground.best.certificate
        noise = max(proof.bound - proof.value, 1e-7 * ground.problem.at_stake)
        more = "together adds something worth having"
        yield Headline(TOGETHER, "", more, max(noise, worth * abs(ground.best.value)), unit)
        for rule in self.told:
            yield Headline(CONTROL, rule, f"told {quoted(rule)} beats leaving partners alone", noise, unit)
        yield Headline(GAIN, "", "there is a gain to share", pence, currency)
        for k, player in enumerate(ground.players):
            text = f"{ground.name(player)} would sign without payments"
            yield Headline(SIGNS, player, text, -pence, currency, k)

    def _table(self) -> pd.DataFrame:
        rows = []
        for each in self.headlines:
            margin = self.now.margin(each)
            said = _sentence(each, margin, self.ground)
            rows.append([each.kind, each.of, each.text, each.answer(margin), margin, each.least, each.unit, said])
        return pd.DataFrame(rows, columns=HEADLINES)

    def _nearest_rows(self, alone: list[Figure]) -> list[Figure]:
        """The figures of single rows by which an answer in pounds would turn over soonest if all plans stayed."""
        far = np.array([self._predicted(figure) for figure in alone])
        order = np.argsort(far, kind="stable")[:CHOSEN]
        return [alone[k] for k in order.tolist() if np.isfinite(far[k])]

    def _predicted(self, figure: Figure) -> float:
        """How far a figure would have to go, in times what it is, while plans stay; infinite where no distance does."""
        plans = self.ground.flows(self.ground.together), self.ground.fallback.stands
        before = self._if_plans_stay(self.ground.benefits, *plans)
        far = [np.inf]
        for end in (figure.lowest, figure.highest):
            scenario = self.ground.scenario
            benefits = counted(scenario, laid(scenario, figure, end, self.cover))
            after = self._if_plans_stay(benefits, *plans)
            turned = (before > 0) != (after > 0)
            size = abs(end - figure.now) / (figure.now or 1.0)
            far += (size * before[turned] / (before - after)[turned]).tolist()
        return float(np.min(far))

    def _if_plans_stay(self, benefits: Benefits, together: Flows, stands: Flows) -> Array:
        """By how much each partner would sign, and there is a gain to share, beyond what counts."""
        gains = self.lands(benefits, together) - self.lands(benefits, stands)
        least = [each.least for kind in (SIGNS, GAIN) for each in self.headlines if each.kind == kind]
        return np.append(gains, gains.sum()) - np.array(least)

    def _points(self, figure: Figure, asked: bool) -> Iterator[dict[str, Any]]:
        """A row an answer."""
        along = _Along(self, figure)
        of_figure = {
            "figure": figure.key, "name": figure.name, "field": figure.field, "unit": figure.unit, "now": figure.now,
            "status": figure.status, "lowest": figure.lowest, "highest": figure.highest,
        }  # fmt: skip
        for each in self.headlines:
            if not asked:
                down = up = _Way(why=NOT_ASKED)
            elif figure.key == EVERY_WORTH:
                down = up = _Way(why=SCALE)
            else:
                down, up = along.nearest(each, figure.lowest), along.nearest(each, figure.highest)
            yield of_figure | {
                "kind": each.kind, "of": each.of, "headline": each.text,
                "answer": each.answer(self.now.margin(each)), "down": down.value, "up": up.value,
                "factor_down": _factor(down.value, figure.now), "factor_up": _factor(up.value, figure.now),
                "regret": np.fmax(down.regret, up.regret), "why": _both(down.why, up.why),
            }  # fmt: skip


def _under(ground: Ground, rules: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Standing]]:
    """Partners apart under each rule from above under which there is a plan."""
    for rule, changes in rules.items():
        with suppress(Clash):
            yield rule, Standing.of(Apart.of(ground.plain.change(changes), ground.benefits, ground.options), told=True)


def _sentence(headline: Headline, margin: float, ground: Ground) -> str:
    """An answer as figures are, in words."""
    if headline.unit == ground.scenario.heading.currency:
        much = pounds(abs(margin), headline.unit)
    else:
        much = f"{number(abs(margin))} {headline.unit}"
    yes = headline.answer(margin)
    if np.isnan(margin):
        return f"Whether {headline.text} is not known, for partners come to no rest."
    if headline.kind == TOGETHER:
        return f"Together adds {much} to apart, which is {'' if yes else 'not '}worth having."
    if headline.kind == CONTROL:
        beats = f"beats leaving partners alone, by {much}" if yes else "does not beat leaving partners alone"
        return f"Told {quoted(headline.of)} {beats}."
    if headline.kind == GAIN:
        return f"There is {much} to share." if yes else "There is no gain to share."
    name, verb = ground.name(headline.of), "would" if yes else "would not"
    return f"{name} {verb} sign without payments: it has {much} {'more' if margin >= 0 else 'less'} together."


def _factor(value: float, now: float) -> float:
    return value / now if now > 0 else np.nan


def _both(down: str, up: str) -> str:
    return down if down == up else "; ".join(why for why in (down, up) if why)


__all__ = ["SwitchPoints", "switch_points"]
