"""What may lawfully move where: the most that can reach each programme, what stops more, and whose consent opens it.

Money leaves who holds it only along a route, and is spent only on what its envelope is for. Two answers stand side by
side. What the law allows: the most that envelopes, purposes, routes and what lines must and may get let through, with
one set of them that stops more (`allocate.commons.routes.cut`). What the book allows: the most under every rule and
resource as well, by the engine, with what stops more by its prices (`allocate.engine.most`). Rules that bend are taken
as bent as they are in the plan and no further. A route that a rule opens counts as the law; so does what a power may
open.

A route is worth what the agreed outcome would lose without it, and would gain if more could move. Routes that do not
exist are judged by what a pound buys at either end, and the best of them solved with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.apart.alone import today
from allocate.commons.routes.cut import Cut, Network, most_through
from allocate.engine.certificate import Flows
from allocate.engine.most import Most, Spending
from allocate.engine.optimum import Optimum, Options
from allocate.engine.piece import Clash, best, itself
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.engine.welfare import firm
from allocate.errors import EngineError, ScenarioError
from allocate.errors import Problem as Wrong
from allocate.plan.aim import a_little, aim_unit
from allocate.plan.figures import number, pounds, round_sum
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve, Tick
from allocate.plan.words import count, quoted, some, title
from allocate.rules.kinds import aim_of
from allocate.rules.purposes import RingFence
from allocate.scenario.rulebook import covers
from allocate.scenario.scenario import Scenario
from allocate.scenario.words import suggestion

Array = np.ndarray
RULES, LAW = "rules", "law"
PROGRAMME, ENVELOPE = "programme", "envelope"
SIGNIFICANT = 1e-6
"""Pounds that a pound of easing lets through, up to which it stops nothing."""
CERTAIN = 1e-4
"""The part of the most, and pounds, by which it may be unproved and count as certified."""
NEAR, FEW = 10.0, 100.0
SAME = 0.02
"""Prices that differ by less than this share are the same."""
LEAST_GAIN = 1e-7
"""The part of the outcome at stake up to which two optima are the same."""
REACH = ["kind", "id", "place", "name", "today", "plan", "most", "bound", "flow", "stops", "stops_flow"]
STOPS = ["kind", "id", "by", "what", "stop", "name", "price", "amount"]
ROUTES = [
    "route", "year", "source", "target", "from_name", "to_name", "basis", "rule", "consent", "high", "today", "plan",
    "without", "why", "wider", "gain", "reach_without", "reach_wider",
]  # fmt: skip
OPENINGS = ["source", "target", "year", "from_name", "to_name", "consent", "first", "exactly", "gain", "moves", "reach"]


@dataclass(frozen=True, eq=False)
class Lawful:
    """What may lawfully move where. Tables are tidy; pounds, or units of the agreed outcome (`unit`) where said.

    reach     one row a programme (in the place that was asked for) and, unless one was asked for, one an envelope:
              kind ('programme' or 'envelope'), id, place, name, today, plan, most (that can be spent on it, or from it,
              under every rule; blank where none was found), bound (what no plan exceeds), flow (the most by envelopes,
              purposes and routes alone), stops (what stops more than `most`, in words), stops_flow (than `flow`)
    stops     one row a stop of each: kind, id, by ('rules' or 'law'), what ('envelope', 'route', 'rule', 'resource',
              'line', or 'least': what lines must get), stop (its id), name, price (pounds that one more, or less, of it
              lets through), amount (by law: the pounds that it lets through, below 0 for what lines must get; they add
              up to `flow` with what those asked for must get). One set that stops more; there may be others
    routes    one row a route and year: route, year, source, target, from_name, to_name, basis (the power), rule (that
              opens it), consent (who must agree: holders of both ends, and the owner of that rule), high (may move),
              today, plan (moves), without (what the outcome loses where it is shut; blank where no plan is possible
              then: `why`), wider (pounds to which it is opened more: twice as much, or all there is where it is shut),
              gain (what the outcome gains then), reach_without and reach_wider (the most that can reach the programme
              that was asked for then)
    openings  one row a route that does not exist and would gain most, best first; for the programme that was asked for,
              or else of the outcome: source, target, year, from_name, to_name, consent, first (what its first `step`
              pounds buy by prices), exactly (what they buy, solved), gain (what it buys open for all there is), moves
              (pounds that then move), reach (the most that can reach the programme that was asked for then). Money
              under a statutory ring-fence is left where it is

    Empty where nobody waited; no openings where yes/no choices leave no prices (`priced`).
    """

    scenario: Scenario
    together: Plan
    to: str | None
    place: str | None
    reach: pd.DataFrame
    stops: pd.DataFrame
    routes: pd.DataFrame
    openings: pd.DataFrame
    step: float
    """The round sum that openings are first judged by."""
    noise: float
    """What counts as nothing of the agreed outcome."""
    priced: bool

    @property
    def unit(self) -> str:
        """The unit of the agreed outcome."""
        return aim_unit(self.together)

    @property
    def certified(self) -> bool:
        """Whether the plan is, and nothing more than each most could be spent, by prices that prove it."""
        known = self.reach.dropna(subset=["most"])
        near = np.maximum(CERTAIN * known["most"], FEW)
        return self.together.certified and bool((known["bound"] - known["most"] <= near).all())

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {name: getattr(self, name) for name in ("reach", "stops", "routes", "openings")}

    @property
    def sentences(self) -> list[str]:
        """The answer in words: what can reach what, what stops more, whose consent is worth what."""
        first = self._one() if self.to is not None else self._all()
        return [said for said in (*first, self._widened(), *self._consents(), self._opening(), self._grounds()) if said]

    def _said(self, amount: float) -> str:
        return pounds(amount, self.scenario.heading.currency)

    def _one(self) -> Iterator[str]:
        for row in _named(self.reach[self.reach["kind"] == PROGRAMME]):
            now = f"the plan has {self._said(row.plan)}, today's spending is {self._said(row.today)}"
            if np.isnan(row.most):
                yield f"What can lawfully reach {row.name_} under the rules was not found; {now}."
            else:
                stops = f" What stops more: {row.stops}." if row.stops else ""
                yield f"At most {self._said(row.most)} can lawfully reach {row.name_} under the rules; {now}.{stops}"
            stops = f" There {row.stops_flow} would stop more." if row.stops_flow else ""
            yield f"Without the rule book, envelopes and routes alone would let {self._said(row.flow)} through.{stops}"

    def _all(self) -> Iterator[str]:
        table = self.reach[(self.reach["kind"] == PROGRAMME) & self.reach["most"].notna()]
        if not len(table):
            return
        room = table["most"] - table["plan"]
        full = int((room <= np.maximum(NEAR, SIGNIFICANT * table["most"])).sum())
        row = next(_named(table.loc[[room.idxmax()]]))
        if full < len(table):
            stops = f" What stops more: {row.stops}." if row.stops else ""
            yield (
                f"The rules leave {row.name_} the most room above the plan: at most {self._said(row.most)} can "
                f"lawfully reach it, {self._said(row.most - row.plan)} more.{stops}"
            )
        if full:
            yield f"{full} of {count(len(table), 'programme')} have in the plan all that can lawfully reach them."

    def _widened(self) -> str:
        """Whose consent would let most more reach the programme that was asked for."""
        table = self.routes.dropna(subset=["reach_wider"])
        if not len(table) or not len(self.reach):
            return ""
        row, most = next(table.loc[[table["reach_wider"].idxmax()]].itertuples()), self.reach["most"].iloc[0]
        if not row.reach_wider > most + FEW:
            return "No route that exists would let more reach it by being opened more."
        return (
            f"{self._route(row)}: if {self._said(row.wider)} may move, at most {self._said(row.reach_wider)} can. It "
            f"takes the consent of {self._names(row.consent)}."
        )

    def _consents(self) -> Iterator[str]:
        if not len(self.routes):
            yield "There is no route: money is spent by the rules of who holds it."
            return
        for row in self.routes[self.routes["why"] != ""].head(1).itertuples():
            yield f"{self._route(row)}: {row.why}. It takes the consent of {self._names(row.consent)}."
        for column, said in (("without", "less without it"), ("gain", "more if it may move {wider}")):
            known = self.routes[self.routes[column] > self.noise]
            if len(known):
                row = next(known.loc[[known[column].idxmax()]].itertuples())
                word = f"{number(getattr(row, column))} {self.unit} {said.format(wider=self._said(row.wider))}"
                yield (
                    f"{self._route(row)}: the plan would buy {word}. It takes the consent of "
                    f"{self._names(row.consent)}."
                )

    def _route(self, row: Any) -> str:
        when = f" in {row.year}" if len(self.scenario.years) > 1 else ""
        return f"The route from {row.from_name} to {row.to_name}{when}"

    def _names(self, partners: Sequence[str]) -> str:
        return some([self.scenario.name_of("partners", each) for each in partners])

    def _opening(self) -> str:
        if not self.priced:
            return "Yes/no choices leave no prices, so routes that do not exist were not judged."
        if self.to is not None:
            return self._opening_to()
        good = self.openings[self.openings["exactly"] > self.noise]
        if not len(good):
            return ""
        row = next(good.itertuples())
        return (
            f"Of routes that do not exist, one from {row.from_name} to {row.to_name} would be worth most: its first "
            f"{round_sum(self.step, self.scenario.heading.currency)} would buy {number(row.exactly)} {self.unit}. It "
            f"would take a power in law, and the consent of {self._names(row.consent)}."
        )

    def _opening_to(self) -> str:
        """The route that does not exist and would let most more reach the programme that was asked for."""
        if not len(self.reach) or not len(
            good := self.openings[self.openings["reach"] > self.reach["most"].iloc[0] + FEW]
        ):
            return ""
        row = next(good.itertuples())
        return (
            f"Of routes that do not exist, one from {row.from_name} to {row.to_name} would let most more reach it: "
            f"{self._said(row.reach)}. It would take a power in law, and the consent of {self._names(row.consent)}."
        )

    def _grounds(self) -> str:
        bent = "; rules that bend are taken as bent as in the plan" if self.together._solved.problem.bends else ""
        return (
            "What is lawful is as envelopes.csv, routes.csv and the rules say; other sets of limits may stop as "
            f"much{bent}."
        )


def _named(table: pd.DataFrame) -> Any:
    return table.rename(columns={"name": "name_"}).itertuples()


def lawful(
    scenario: Scenario,
    *,
    to: str | None = None,
    place: str | None = None,
    openings: int = 3,
    seconds: float = 60.0,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
) -> Lawful:
    """What may lawfully move where, as `Lawful` has it.

    `to`: a programme (its id); all of them, and every envelope, where it is left out. `place`: what is spent there
    (places inside it included); anywhere if left out. `openings`: how many routes that do not exist are solved with.
    `seconds` bounds each solve. `tick(done, total)` is told how far it is; once it returns False, or `watch` is
    stopped, the rest is left out. `solve` may be one that remembers what it has solved.

    Raises ScenarioError for a programme or a place that is none or has no line, NoPlan where the rules cannot all hold.
    """
    targets = _targets(scenario, to, place)
    together, aim = solve(scenario), aim_of(scenario)
    plain = scenario if aim is None else scenario.change({f"rules.{aim.id}.in_force": False})
    most = together if aim is None else solve(plain)
    return _Finding(plain, targets, together, most, Options(seconds), watch, tick).found(scenario, to, place, openings)


@dataclass(frozen=True, eq=False)
class _Target:
    """Some lines (their rows) and what they are."""

    kind: str
    id: str
    place: str
    name: str
    rows: Array


def _targets(scenario: Scenario, to: str | None, place: str | None) -> list[_Target]:
    """What is asked for. Raises ScenarioError."""
    lines = scenario.table("lines")
    wrong = []
    for table, name in (("programmes", to), ("places", place)):
        known = scenario.table(table)["id"].tolist()
        if name is not None and name not in known:
            wrong.append(Wrong("lawful", f"is not in {table}.csv", value=name, fix=suggestion(name, known)))
    here = np.ones(len(lines), dtype=bool)
    if place is not None and not wrong:
        here = lines["place"].isin(scenario.within(place)).to_numpy()
    there = f" in {scenario.name_of('places', place)}" if place is not None else ""
    found = []
    for kind in (PROGRAMME, ENVELOPE) if to is None and place is None else (PROGRAMME,):
        column = lines[kind].to_numpy(dtype=object)
        for key in dict.fromkeys(scenario.table(f"{kind}s")["id"]) if to is None else [to]:
            if len(rows := np.flatnonzero((column == key) & here)):
                found.append(_Target(kind, key, place or "", scenario.name_of(f"{kind}s", key) + there, rows))
    if not found and not wrong:
        wrong.append(Wrong("lawful", "has no line there", value=" in ".join(filter(None, (to, place)))))
    if wrong:
        raise ScenarioError(scenario.id, wrong)
    return found


class _Enough(Exception):
    """Nobody waits for more."""


class _Finding:
    """One answer in the making, over a scenario without an aim between places."""

    def __init__(
        self, scenario: Scenario, targets: Sequence[_Target], together: Plan, most: Plan, options: Options,
        watch: Watch | None, tick: Tick | None,
    ) -> None:  # fmt: skip
        self.scenario, self.targets, self.together, self.most = scenario, targets, together, most
        self.options, self.watch, self.tick = options, watch, tick
        self.problem, self.best = Problem.of(scenario), most._solved.optimum
        self.routes, self.envelopes = scenario.table("routes"), scenario.table("envelopes")
        self.noise = max(LEAST_GAIN * self.problem.at_stake, self.best.certificate.bound - self.best.certificate.value)
        self.done, self.total = 0, len(targets)
        self.reached: dict[int, Most] = {}

    def found(self, scenario: Scenario, to: str | None, place: str | None, openings: int) -> Lawful:
        """Everything, what is asked for first."""
        step = a_little(self.together)
        self.total += len(self.routes) + openings * self.most.has_prices
        reach: list[dict[str, Any]] = []
        stops: list[list[Any]] = []
        routes: list[dict[str, Any]] = []
        opened: list[list[Any]] = []
        asked = to is not None
        with suppress(_Enough):
            self._reach(reach, stops)
            self._routes(routes, asked)
            if self.most.has_prices and (not asked or 0 in self.reached):
                self._openings(opened, openings, step, asked)
        return Lawful(
            scenario, self.together, to, place, pd.DataFrame(reach, columns=REACH),
            pd.DataFrame(stops, columns=STOPS), pd.DataFrame(routes, columns=ROUTES),
            _ordered(pd.DataFrame(opened, columns=OPENINGS), "reach" if asked else "exactly"), step, self.noise,
            self.most.has_prices,
        )  # fmt: skip

    def _goes_on(self) -> None:
        """Tells how far it is; raises _Enough where nobody wants the rest."""
        if self.watch is not None and self.watch.stopped:
            raise _Enough
        if self.tick is not None and self.tick(self.done, self.total) is False:
            raise _Enough
        self.done += 1

    # --- what can reach what ------------------------------------------------------------------------------------------

    def _reach(self, reach: list[dict[str, Any]], stops: list[list[Any]]) -> None:
        """A row a target, and a row each of what stops more."""
        asked = self._asking(self.problem)
        spend, before = self.together._solved.flows.spend, self.problem.baseline
        for k, target in enumerate(self.targets):
            self._goes_on()
            most, cut = asked.most(k, self.options), most_through(self._network, self._mask(target))
            plan = float(spend[target.rows].sum())
            row = {"kind": target.kind, "id": target.id, "place": target.place, "name": target.name,
                   "today": float(before[target.rows].sum()), "plan": plan}  # fmt: skip
            row |= {"most": np.nan, "bound": np.nan, "stops": "", "flow": np.nan, "stops_flow": ""}
            if most is not None:
                self.reached[k] = most
                mine = list(self._stops(target, most)) if most.priced else []
                row |= {"most": max(most.amount, plan), "bound": max(most.bound, plan), "stops": _in_words(mine)}
                stops += mine
            if cut is not None:
                mine = list(self._stops_flow(target, cut))
                row |= {"flow": cut.amount, "stops_flow": _in_words(mine)}
                stops += mine
            reach.append(row)

    def _asking(self, problem: Problem) -> Spending:
        """A problem to ask for the most on each target, its rules bent as far as in the plan and no further."""
        flows = [_with_aids(plan._solved.flows, problem) for plan in (self.most, self.together)]
        for each in flows:
            problem = firm(problem, each)
        return Spending.of(problem, [target.rows for target in self.targets], flows[-1])

    def _mask(self, target: _Target) -> Array:
        return np.isin(np.arange(len(self.problem.low)), target.rows)

    @property
    def _network(self) -> Network:
        problem, own = self.problem, len(self.routes)
        return Network(
            problem.amount, problem.source[:own], problem.target[:own], problem.route_high[:own],
            problem.envelope_of_line, np.where(problem.choices, 0.0, problem.low), problem.high,
        )  # fmt: skip

    def _stops(self, target: _Target, most: Most) -> Iterator[list[Any]]:
        """What stops more than the most under the rules, the dearest first."""
        problem, prices = self.problem, most.prices
        found: dict[tuple[str, str, str], float] = {}
        weighed = prices.limit * problem.limit_units / problem.units.money
        for i in np.flatnonzero(np.abs(weighed) > SIGNIFICANT).tolist():
            owner = problem.limits[i].owner
            if not owner:
                continue
            resource = owner.startswith("resource ")
            name = self.scenario.name_of("resources", owner[9:]) if resource else title(owner)
            key = "resource" if resource else "rule", owner[9:] if resource else owner, quoted(name)
            found[key] = max(found.get(key, 0.0), abs(float(prices.limit[i])))
        for e in np.flatnonzero(prices.envelope > SIGNIFICANT).tolist():
            found["envelope", str(self.envelopes["id"].iloc[e]), self._envelope(e)] = float(prices.envelope[e])
        moving = prices.envelope[problem.target] - prices.envelope[problem.source] - prices.limit @ problem.route_rows
        for r in np.flatnonzero(moving[: len(self.routes)] > SIGNIFICANT).tolist():
            found["route", str(self.routes["id"].iloc[r]), self._way(r)] = float(moving[r])
        mine = self._mask(target)
        full, least = mine & (most.rent > SIGNIFICANT), (most.rent < -SIGNIFICANT) & (problem.low > 0)
        for what, lines, name in (("line", full, "the most of its own lines"), ("least", least, "what lines must get")):
            if lines.any():
                found[what, "", name] = float(np.abs(most.rent[lines]).max())
        for (what, stop, name), price in sorted(found.items(), key=lambda each: (-each[1], each[0])):
            yield [target.kind, target.id, RULES, what, stop, name, price, np.nan]

    def _stops_flow(self, target: _Target, cut: Cut) -> Iterator[list[Any]]:
        """What stops more than the most by envelopes and routes, the largest first."""
        ids = self.envelopes["id"].astype(str).tolist()
        found = [
            ("envelope", ids[e], self._envelope(e), cut.envelopes[e])
            for e in np.flatnonzero(cut.envelopes > 0).tolist()
        ]
        found += [("least", ids[e], f"what lines of {self._envelope(e)} must get", cut.envelopes[e])
                  for e in np.flatnonzero(cut.envelopes < 0).tolist()]  # fmt: skip
        found += [("route", str(self.routes["id"].iloc[r]), self._way(r), cut.routes[r])
                  for r in np.flatnonzero(cut.routes).tolist()]  # fmt: skip
        if cut.lines.any():
            found.append(("line", "", "the most of its own lines", cut.lines.sum()))
        for what, stop, name, amount in sorted(found, key=lambda each: (-each[3], each[:2])):
            yield [target.kind, target.id, LAW, what, stop, name, 1.0, float(amount)]

    def _envelope(self, e: int) -> str:
        name, year = self.envelopes["name"].iloc[e], self.envelopes["year"].iloc[e]
        return f"{name} {year}" if len(self.scenario.years) > 1 else str(name)

    def _way(self, r: int) -> str:
        return f"the route from {self._envelope(self.problem.source[r])} to {self._envelope(self.problem.target[r])}"

    # --- routes that exist --------------------------------------------------------------------------------------------

    def _routes(self, rows: list[dict[str, Any]], asked: bool) -> None:
        """A row a route, each shut and opened more."""
        moves = today(self.problem, self.options).moved
        held, high = self.scenario.reach, self.scenario.route_high
        for r, route in enumerate(self.routes.itertuples()):
            self._goes_on()
            source, target = self.problem.source[r], self.problem.target[r]
            rule = self._opener(str(route.id), str(route.year))
            consent = (self._holder(source), self._holder(target), *([rule.owner] if rule is not None else []))
            path, more = f"routes.{route.id}.{route.year}.high", 2 * high[r] if high[r] > 0 else held[source]
            more = min(more, held[source])
            unused, roomy = self._unmoved(r)
            shut = self._tried({path: 0.0} | self._shutting(rule, str(route.year)), asked, unused)
            wider = self._tried({path: float(np.floor(more))}, asked, roomy)
            rows.append({
                "route": route.id, "year": route.year, "source": route.source, "target": route.target,
                "from_name": self._envelope(source), "to_name": self._envelope(target), "basis": route.authority,
                "rule": "" if rule is None else rule.id, "consent": tuple(dict.fromkeys(consent)), "high": high[r],
                "today": moves[r], "plan": self.together._solved.flows.moved[r], "without": _clear(-shut[0]),
                "why": "without it the rules cannot all hold" if np.isnan(shut[0]) else "",
                "wider": more, "gain": _clear(wider[0]),
                "reach_without": shut[1], "reach_wider": wider[1],
            })  # fmt: skip

    def _holder(self, e: int) -> str:
        return str(self.envelopes["holder"].iloc[e])

    def _opener(self, route: str, year: str) -> Any:
        """The rule that opens a route for as much as it is open, if one does."""
        opened = {
            rule.id: (found[route, year], rule) for rule in self.scenario.rules
            if rule.binds and (route, year) in (found := rule.openings(self.scenario))
        }  # fmt: skip
        return max(opened.values(), key=lambda each: (each[0], each[1].id))[1] if opened else None

    def _shutting(self, rule: Any, year: str) -> dict[str, Any]:
        """The change that takes every rule's power to open a route away for a year."""
        changes: dict[str, Any] = {}
        for each in self.scenario.rules if rule is not None else ():
            if each.binds and (rule.route, year) in each.openings(self.scenario):
                others = [known for known in each.where.years or self.scenario.years if known != year]
                changes |= {f"rules.{each.id}.where.years": others} if others else {f"rules.{each.id}.in_force": False}
        return changes

    def _unmoved(self, r: int) -> tuple[Callable[[Flows, bool], bool], Callable[[Flows, bool], bool]]:
        """Whether a plan stays the best where a route is shut, as nothing moves along it; and where more may move, as
        there is room, and no choice to make otherwise."""
        room = self.problem.route_high[r] - NEAR
        return (lambda flows, _: bool(flows.moved[r] < SIGNIFICANT)), (
            lambda flows, priced: priced and bool(flows.moved[r] < room)
        )

    def _tried(
        self, changes: Mapping[str, Any], asked: bool, same: Callable[[Flows, bool], bool]
    ) -> tuple[float, float]:
        """What the outcome gains under a change of a route, and the most that can reach the first target; blank where
        no plan is possible. Where a plan is known to be the `same`, by its flows and whether prices prove it best, it
        is not solved again."""
        gain, most = 0.0, self.reached[0].amount if asked and 0 in self.reached else np.nan
        reached = self.reached.get(0)
        try:
            changed = Problem.of(self.scenario.change(changes))
            if not same(self.best.flows, not self.best.discrete):
                gain = self._best(changed).certificate.value - self.best.certificate.value
                gain = gain if abs(gain) > self.noise else 0.0
            if asked and (reached is None or not same(reached.flows, reached.priced)):
                found = self._asking(changed).most(0, self.options)
                most = np.nan if found is None else found.amount
        except (Clash, EngineError, ScenarioError):
            return np.nan, np.nan
        return gain, most

    def _best(self, problem: Problem) -> Optimum:
        return best(problem, self.options, Watch(), itself, settle=False)

    # --- routes that do not exist -------------------------------------------------------------------------------------

    def _openings(self, rows: list[list[Any]], most: int, step: float, asked: bool) -> None:
        """A row a route that does not exist and would gain most by prices, solved with: of the agreed outcome, or for
        the programme that is asked for."""
        price = self.reached[0].prices.envelope if asked else self.best.prices.envelope
        pairs = self._pairs(price)
        if not pairs:
            return
        laid, names = _with_routes(self.scenario, pairs)
        problem, first = Problem.of(laid), len(self.routes)
        found = self._best(problem)
        y, prices = found.prices.limit @ problem.route_rows, found.prices.envelope
        buys = (prices[problem.target] - prices[problem.source] - y)[first : first + len(pairs)]
        gap = np.array([price[target] - price[source] for source, target in pairs]) if asked else buys
        least = SIGNIFICANT if asked else self.noise / step
        order = np.argsort(-np.round(gap / max(float(np.abs(gap).max()), least), 6), kind="stable").tolist()
        for k in order[:most]:
            if gap[k] <= least:
                break
            self._goes_on()
            source, target = pairs[k]
            year, held = str(self.envelopes["year"].iloc[source]), float(np.floor(laid.reach[source]))
            path = f"routes.{names[k]}.{year}.high"
            little, opened = (Problem.of(laid.change({path: high})) for high in (min(step, held), held))
            some_, all_ = self._best(little), self._best(opened)
            reach = self._asking(opened).most(0, self.options) if asked else None
            ends = [str(self.envelopes["id"].iloc[e]) for e in (source, target)]
            rows.append([
                *ends, year, self._envelope(source), self._envelope(target),
                tuple(dict.fromkeys((self._holder(source), self._holder(target)))), _clear(float(buys[k]) * step),
                _clear(some_.certificate.value - found.certificate.value),
                _clear(all_.certificate.value - found.certificate.value), float(all_.flows.moved[first + k]),
                np.nan if reach is None else reach.amount,
            ])  # fmt: skip

    def _pairs(self, price: Array) -> list[tuple[int, int]]:
        """For each envelope, the one from which a route into it would gain most at these prices: no route leads there
        yet, in the same year, and no statutory ring-fence holds its money. One of the same holder comes first among
        those that gain as much. Envelopes from which money would only go on along a route that exists are left out."""
        known = set(zip(self.problem.source.tolist(), self.problem.target.tolist(), strict=True))
        year, holder = (self.envelopes[column].to_numpy() for column in ("year", "holder"))
        free, pairs = ~_fenced(self.scenario) & (self.problem.amount > 0), []
        for target in range(len(price)):
            if any(e == target and price[on] >= price[e] * (1 - SAME) for e, on in known):
                continue
            sources = [
                e for e in np.flatnonzero(free & (year == year[target]) & (price < price[target])).tolist()
                if (e, target) not in known
            ]  # fmt: skip
            if sources:
                dear = min(price[e] for e in sources) + SAME * price[target]
                near = [e for e in sources if price[e] <= dear]
                pairs.append((min(near, key=lambda e: (holder[e] != holder[target], price[e], e)), target))
        return pairs


def _ordered(openings: pd.DataFrame, by: str) -> pd.DataFrame:
    return openings.sort_values(by, ascending=False, kind="stable", ignore_index=True)


def _clear(gain: float) -> float:
    """What easing gains, or hindering loses: never less than nothing, but for rounding."""
    return gain if np.isnan(gain) else max(0.0, gain)


def _with_aids(flows: Flows, problem: Problem) -> Flows:
    """A plan's flows as a problem has them: aids of rules, which no plan tells, at nothing."""
    return Flows(flows.spend, np.append(flows.moved, np.zeros(len(problem.route_high) - len(flows.moved))))


def _in_words(stops: Sequence[Sequence[Any]]) -> str:
    """The names of stops, rules together."""
    names = [f"the rule {name}" if what == "rule" else str(name) for *_, what, _, name, _, amount in stops
             if not amount < 0]  # fmt: skip
    return some(list(dict.fromkeys(names)), 4) if names else ""


def _fenced(scenario: Scenario) -> Array:
    """Per envelope, whether a statutory ring-fence holds all its money: booleans."""
    paid = scenario.envelope_of_line
    size = len(scenario.table("envelopes"))
    lines, fenced = np.bincount(paid, minlength=size), np.zeros(size, dtype=bool)
    for rule in scenario.rules:
        if isinstance(rule, RingFence) and rule.binds and rule.standing == "statutory":
            covered = np.bincount(paid[covers(rule.where, scenario)], minlength=size)
            fenced |= (covered == lines) & (lines > 0)
    return fenced


def _with_routes(scenario: Scenario, pairs: Sequence[tuple[int, int]]) -> tuple[Scenario, list[str]]:
    """The scenario with a route more for each pair of envelopes, all shut and after its own, and their names."""
    routes, envelopes = scenario._tables["routes"], scenario.table("envelopes")
    ids, known, names = envelopes["id"].tolist(), set(routes["id"]), []
    for source, target in pairs:
        name = f"opening-{source}-{target}"
        while name in known:
            name += "-more"
        names.append(name)
    more = pd.DataFrame({
        "id": names, "year": [envelopes["year"].iloc[source] for source, _ in pairs],
        "source": [ids[source] for source, _ in pairs], "target": [ids[target] for _, target in pairs],
        "high": 0.0, "authority": "none yet",
    })  # fmt: skip
    table = pd.concat([routes, more], ignore_index=True) if len(routes) else more
    table = table[routes.columns].astype(routes.dtypes.to_dict())
    return Scenario(scenario.heading, scenario.rules, {**scenario._tables, "routes": table}), names


__all__ = ["Lawful", "lawful"]
