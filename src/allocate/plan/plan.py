"""A plan: a solved answer as tidy tables, everything recomputed from spend."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from allocate.engine.bends import MILLION, Stand
from allocate.engine.certificate import Certificate, bodies
from allocate.engine.highs import MIP_GAP, SEED
from allocate.engine.optimum import Options
from allocate.engine.piece import Aimed
from allocate.engine.problem import Problem
from allocate.engine.solving import Solved, solve_scenario
from allocate.engine.starts import take_starts
from allocate.engine.watch import Watch
from allocate.rules.limits import chosen
from allocate.scenario.curves import Curves
from allocate.scenario.scenario import Scenario

Array = np.ndarray
START = "start.json"
"""What a plan's folder holds for other solves to begin at."""


def solve(
    scenario: Scenario,
    *,
    seconds: float = 60.0,
    tolerance: float = 1e-4,
    watch: Watch | None = None,
    choices: Plan | None = None,
    start: str | Path | None = None,
    explain: bool = True,
) -> Plan:
    """The plan that buys the most of the agreed outcomes within the money and the rules, in whole pounds.

    `seconds` bounds the time spent; `tolerance` is the certified gap to the best possible plan, as a share of the
    outcome at stake (what the most spending would buy over the least). Another thread may look at how far it is
    through `watch`, and stop it: the best plan so far is returned.

    With `choices`, an earlier plan over the same lines, what it opens is opened and nothing else: quick, and the
    certificate says how far from the best that may be (where they cannot be kept, or curves must fill in order, choices
    are searched all the same). `start`, the folder of a plan of this scenario or of a change of it, saves a new process
    the search for where to begin; the plan is the same.

    Raises NoPlan where the rules cannot all hold, with what clashes and the ways out (to find them takes longer than to
    solve: unless it is to `explain`, it says no more than that there is no plan), Stopped where it was stopped before
    it had a plan, EngineError where no answer passes its checks, and ValueError where `choices` has other lines or
    `start` holds no such file.
    """
    started = time.perf_counter()
    if start is not None:
        _begin_at(scenario, Path(start) / START)
    options = Options(seconds, tolerance)
    if choices is not None:
        options = replace(options, opened=_opened(scenario, choices), picked=_picked(scenario, choices))
    solved = solve_scenario(scenario, options, watch, explain)
    return Plan(scenario, solved, time.perf_counter() - started, options)


def _begin_at(scenario: Scenario, file: Path) -> None:
    try:
        take_starts(Problem.of(scenario.base or scenario), file.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file.name} in {file.parent.name} cannot be read: it is not what `write_plan` writes"
        ) from error


def _opened(scenario: Scenario, choices: Plan) -> Array:
    """The lines that a plan funds."""
    if choices.scenario.line_ids != scenario.line_ids:
        raise ValueError("choices must be a plan over the same lines")
    return choices._solved.flows.spend > 0.5


def _picked(scenario: Scenario, choices: Plan) -> dict[str, bool]:
    """What the rules of a scenario say that a plan chose; routes that it does not have move nothing."""
    flows, curves = choices._solved.flows, Curves.of(scenario)
    known = dict(zip(zip(*choices.scenario.key_texts("routes"), strict=True), flows.moved, strict=True))
    moved = np.array([known.get(key, 0.0) for key in zip(*scenario.key_texts("routes"), strict=True)])
    return chosen(scenario, flows.spend, curves.gain(curves.effort(flows.spend)), moved)


@dataclass(frozen=True, eq=False)
class Plan:
    """A solved answer. Tables are tidy, pounds and fractions, sorted by their keys; each access hands out a copy.

    spend     one row a line: partner, place, programme, envelope, year, baseline, low, high, spend, change (all £)
    gains     one row a curve: place, programme, outcome, year, spend, baseline_gain, gain, change (outcome units)
    limits    one row a limit: rule (or resource), owner (the partner that answers for it), standing, part, label,
              measure, amount, low, high, slack, binding, price, bent, bend_price; a share's amount is its lines'
              spending less the share times the base's, a reserve's what is drawn from its envelopes; bent is by how
              much an agreed rule gave way, beyond its end (slack is then below nothing), and bend_price the published
              price of the band it is in (of £1m, or of one unit of the outcome)
    money     one row an envelope: envelope, year, holder, amount, moved_in, moved_out, spent, unspent, price
    routes    one row a route: route, year, source, target, high (its own most, or what a rule opens), moved
    places    one row a place and year: place, year, population, need, baseline, spend, change, per_head (all money);
              by_need_before, by_need, target (the money that goes by need, and its fair share), distance_before,
              distance_after (by_need against fair share, less 1; blank where nothing goes by need)
    facts     what was solved, how, and how good it is: fact, value

    A price is what easing a limit by one unit, or adding a pound to an envelope, is worth in units of the aim. It is
    blank where yes/no choices leave none.
    """

    scenario: Scenario
    _solved: Solved
    seconds: float
    options: Options

    @property
    def certificate(self) -> Certificate:
        """The independent check of exactly this plan."""
        return self._solved.certificate

    @property
    def value(self) -> float:
        """The agreed outcome, weights applied."""
        return self._solved.certificate.value

    @property
    def aim(self) -> Aimed | None:
        """What came of the scenario's aim between places, where one is in force: `rule`, `reached`, `bound`, `gap`,
        `value` (the most that any plan buys) and `gain` (of which the aim says how much may be given up)."""
        return self._solved.aimed

    @property
    def given_up(self) -> float:
        """What the aim gave up of the best plan's gain, as a part of it; nothing without an aim."""
        return 0.0 if self.aim is None else (self.aim.value - self.value) / self.aim.gain

    @cached_property
    def _spend(self) -> pd.DataFrame:
        lines = self.scenario.lines.drop(columns=["scale"])
        reach = self.scenario.reach[self.scenario.envelope_of_line]
        lines["high"] = lines["high"].fillna(np.inf).clip(upper=np.maximum(reach, lines["low"]))
        lines["spend"] = self._solved.flows.spend
        lines["change"] = lines["spend"] - lines["baseline"]
        return lines

    @property
    def spend(self) -> pd.DataFrame:
        return self._spend.copy()

    def by(self, *columns: str) -> pd.DataFrame:
        """Baseline, spend and change (£) summed by any of partner, place, programme, envelope, year. Raises KeyError
        for any other column."""
        keys = ("partner", "place", "programme", "envelope", "year")
        if unknown := [column for column in columns if column not in keys]:
            raise KeyError(f"{unknown[0]!r} is not one of {', '.join(keys)}")
        return self._spend.groupby(list(columns), sort=True)[["baseline", "spend", "change"]].sum().reset_index()

    @property
    def gains(self) -> pd.DataFrame:
        return self._gains.copy()

    @cached_property
    def _gains(self) -> pd.DataFrame:
        curves, spend = self._solved.problem.curves, self._solved.flows.spend
        before = curves.effort(self._solved.problem.baseline)
        table = self.scenario.curves[["place", "programme", "outcome", "year"]]
        table["spend"] = curves.effort(spend)
        table["baseline_gain"] = curves.gain(before)
        table["gain"] = curves.gain(curves.effort(spend))
        table["change"] = table["gain"] - table["baseline_gain"]
        return table

    @property
    def limits(self) -> pd.DataFrame:
        return self._limits.copy()

    @cached_property
    def _limits(self) -> pd.DataFrame:
        problem = self._solved.problem
        amount, prices = bodies(problem, self._solved.flows), self._solved.optimum.prices.limit
        bent, bend_price = _bent(problem, amount)
        low, high = problem.limit_low, problem.limit_high
        owners = {rule.id: (rule.owner, rule.standing) for rule in self.scenario.rules}
        slack = np.minimum(amount - low, high - amount)
        # Rounding to whole pounds may leave a limit that binds a few pounds' worth of room.
        pound = worth_of_a_pound(problem, self._solved.flows.spend)
        room = np.maximum(np.where(np.abs(prices) > 0, 8.0, 1.0) * pound, 1e-7 * np.abs(amount))
        return pd.DataFrame(
            {
                "rule": [limit.owner for limit in problem.limits],
                "owner": [owners.get(limit.owner, ("", ""))[0] for limit in problem.limits],
                "standing": [owners.get(limit.owner, ("", ""))[1] for limit in problem.limits],
                "part": [limit.part for limit in problem.limits],
                "label": [limit.label for limit in problem.limits],
                "measure": [limit.measure for limit in problem.limits],
                "amount": amount, "low": low, "high": high, "slack": slack, "binding": slack <= room,
                "price": np.where(slack <= room, np.abs(prices), 0.0) if self.has_prices else np.nan,
                "bent": bent, "bend_price": bend_price,
            }
        )  # fmt: skip

    @property
    def has_prices(self) -> bool:
        """False where yes/no choices leave no prices."""
        return not self._solved.optimum.discrete

    @property
    def money(self) -> pd.DataFrame:
        return self._money.copy()

    @cached_property
    def _money(self) -> pd.DataFrame:
        problem, flows = self._solved.problem, self._solved.flows
        size = len(problem.amount)
        table = self.scenario.envelopes
        return pd.DataFrame(
            {
                "envelope": table["id"], "year": table["year"], "holder": table["holder"], "amount": table["amount"],
                "moved_in": np.bincount(problem.target, flows.moved, size),
                "moved_out": np.bincount(problem.source, flows.moved, size),
                "spent": np.bincount(problem.envelope_of_line, flows.spend, size),
                "unspent": flows.unspent(problem),
                "price": self._solved.optimum.prices.envelope if self.has_prices else np.nan,
            }
        )  # fmt: skip

    @property
    def routes(self) -> pd.DataFrame:
        table = self.scenario.routes[["id", "year", "source", "target", "high"]].rename(columns={"id": "route"})
        table["high"] = self.scenario.route_high
        table["moved"] = self._solved.flows.moved
        return table

    @cached_property
    def _places(self) -> pd.DataFrame:
        return place_table(self.scenario, self._spend)

    @property
    def places(self) -> pd.DataFrame:
        return self._places.copy()

    @property
    def ties(self) -> int:
        """At least how many lines could be spent otherwise for the same outcome; 0 where no other plan is as good."""
        return self._solved.optimum.ties

    @property
    def _aim_facts(self) -> dict[str, object]:
        """What came of the aim between places, where there is one; its score is in units of its view for one person."""
        if self.aim is None:
            return {}
        told = {"aim": self.aim.rule.id, "aim_reached": self.aim.reached, "aim_bound": self.aim.bound}
        return told | {"aim_gap": self.aim.gap, "most_benefit": self.aim.value, "given_up": self.given_up}

    @property
    def facts(self) -> pd.DataFrame:
        found, optimum = self.certificate, self._solved.optimum
        told = self.scenario.changes.items()
        changes = "; ".join(f"{path} = {'' if value is None else value}" for path, value in told)
        facts = {
            "scenario": self.scenario.id,
            "digest": self.scenario.digest,
            "changes": changes,
            "status": optimum.status,
            "method": "branch and cut" if optimum.discrete else "simplex",
            "parts": self._solved.parts,
            "value": found.value,
            "bound": found.bound,
            "gap": found.gap,
            "tolerance": self.options.tolerance,
            "certified": self.certified,
            "breaches": len(found.breaches),
            **self._aim_facts,
            "cases": found.branches,
            "ties": self.ties,
            "whole_pounds": self._solved.whole,
            "seconds": round(self.seconds, 4),
            "time_limit": self.options.seconds,
            "mip_gap": MIP_GAP,
            "seed": SEED,
            "threads": 1,
            "solver_unit": self._solved.problem.units.money,
            **{name: version(name) for name in ("allocate", "pyomo", "highspy", "numpy", "pandas")},
            "python": platform.python_version(),
            "caveat": self.scenario.heading.caveat,
        }
        return pd.DataFrame({"fact": list(facts), "value": [str(value) for value in facts.values()]})

    @property
    def certified(self) -> bool:
        """Whether the independent check holds and no plan can be better, or by the aim fairer, by more than the
        tolerance."""
        gap = max(self.certificate.gap, 0.0 if self.aim is None else self.aim.gap)
        return not self.certificate.breaches and gap <= self.options.tolerance

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        names = ("spend", "gains", "limits", "money", "routes", "places", "facts")
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        return f"Plan({self.scenario.id!r}, value {self.value:,.6g}, gap {self.certificate.gap:.2g})"


def _bent(problem: Problem, amount: Array) -> tuple[Array, Array]:
    """By how much each limit is bent, and the published price of the band that it is in; nothing where it is not."""
    bent = np.zeros(len(amount))
    soft = problem.soft
    bent[soft] = np.maximum(0.0, np.maximum(problem.limit_low - amount, amount - problem.limit_high))[soft]
    toll = np.abs(Stand.of(problem.bends, problem.terms.ends, amount).toll)
    pounds = np.array([limit.measure == "spend" for limit in problem.limits], dtype=bool)
    # Divided the way it was multiplied, so that it reads as it was published.
    return np.where(toll > 0, bent, 0.0), np.round(toll * np.where(pounds, MILLION, 1.0), 12)


def worth_of_a_pound(problem: Problem, spend: Array) -> Array:
    """By how much each limit's body moves at most when a pound goes to, or leaves, one line or route."""
    marginal = problem.curves.marginal(problem.curves.effort(spend))
    gains = abs(problem.gain_rows).scaled(marginal).through(problem.feeds)
    return np.maximum((abs(problem.line_rows) + gains).largest(), problem.route_rows.largest())


def place_table(scenario: Scenario, spend: pd.DataFrame) -> pd.DataFrame:
    """What each place gets, per head and against its fair share by need; see `Plan` for the columns.

    The fair share of a place is its part of all need, of the money that goes by need and is spent in places without
    smaller places inside them. A place with places inside it counts theirs.
    """
    places, envelopes = scenario.table("places"), scenario.table("envelopes")
    names, years = places["id"].to_numpy(dtype=str), np.array(scenario.years)
    number = {name: row for row, name in enumerate(names.tolist())}
    inside = [(row, number[other]) for name, row in number.items() for other in scenario.within(name)]
    around, within = np.array(inside, dtype=int).reshape(-1, 2).T
    is_leaf = ~np.isin(names, places["parent"].dropna().to_numpy(dtype=str))
    where = _positions(names, spend["place"].to_numpy(dtype=str))
    when = _positions(years, spend["year"].to_numpy(dtype=str))
    by_need = envelopes.loc[envelopes["by_need"] == "yes", "id"].to_numpy(dtype=str)
    shared = np.isin(spend["envelope"].to_numpy(dtype=str), by_need) & is_leaf[where]

    def summed(column: str, weight: Array) -> Array:
        """Pounds by place (places inside it included) and year."""
        sums = np.zeros((len(names), len(years)))
        np.add.at(sums, (where, when), spend[column].to_numpy() * weight)
        added = np.zeros_like(sums)
        np.add.at(added, around, sums[within])
        return added

    everything = np.ones(len(spend))
    baseline, total = (summed(column, everything) for column in ("baseline", "spend"))
    needed_before, needed = (summed(column, shared) for column in ("baseline", "spend"))
    need = places["need"].to_numpy(dtype=float)
    all_need = np.nansum(need[is_leaf])
    share = (need / all_need if all_need > 0 else np.full(len(need), np.nan))[:, None]
    pots_before, pots = (each[is_leaf].sum(axis=0) for each in (needed_before, needed))
    population = places["population"].to_numpy(dtype=float)[:, None]
    shape = (len(names), len(years))
    columns = {
        "place": np.repeat(names, len(years)).reshape(shape), "year": np.tile(years, (len(names), 1)),
        "population": np.broadcast_to(population, shape), "need": np.broadcast_to(need[:, None], shape),
        "baseline": baseline, "spend": total, "change": total - baseline,
        "per_head": _ratio(total, population), "by_need_before": needed_before, "by_need": needed,
        "target": np.where(pots > 0, share * pots, np.nan),
        "distance_before": _ratio(needed_before, share * pots_before) - 1.0,
        "distance_after": _ratio(needed, share * pots) - 1.0,
    }  # fmt: skip
    # A row a year and place, years apart, as the files have them.
    return pd.DataFrame({name: values.T.ravel() for name, values in columns.items()})


def _positions(names: Array, values: Array) -> Array:
    """Where each value stands among names, which all hold it."""
    order = np.argsort(names)
    return order[np.searchsorted(names, values, sorter=order)]


def _ratio(amount: Array, base: Array) -> Array:
    """Amount over base; blank where the base is nothing."""
    return np.divide(amount, base, out=np.full(np.broadcast(amount, base).shape, np.nan), where=base > 0)
