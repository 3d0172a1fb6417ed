"""Why a scenario has no plan, and the ways out, as tidy tables and sentences."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from allocate.engine.clash import Found, Way
from allocate.engine.clash import clash as found_clash
from allocate.engine.watch import Watch
from allocate.errors import AllocateError
from allocate.plan.aim import aim_unit
from allocate.plan.bending import bent_cost
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.plan import Plan, solve
from allocate.plan.words import capital, quoted, title
from allocate.rules.tally import CHOICE
from allocate.scenario.rulebook import Rule
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import is_money
from allocate.scenario.values import value_text

CLASH_COLUMNS = ["clash", "rule", "owner", "standing", "sentence"]
WAY_COLUMNS = [
    "way", "kind", "rule", "owner", "standing", "amount", "unit", "pounds", "price", "change", "outcome",
    "bending", "least",
]  # fmt: skip
RAISE_COLUMNS = ["envelope", "amount", "change", "sentence"]
SAID = {"down": "fall allowed", "up": "rise allowed"}
"""Figures whose names read as verbs, in words."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MOST = 5
"""Clashes, and sets of rules to drop, that are said at most."""
HOLD = "These rules can all hold: nothing clashes."
KINDS = {
    "cheapest": "Cheapest way out", "fewest": "Fewest concessions",
    "fairest": "The way that asks least of any one partner",
}  # fmt: skip
ALSO = {"fewest": "has the fewest concessions", "fairest": "asks least of any one partner"}


def clash(scenario: Scenario, *, seconds: float = 10.0, watch: Watch | None = None) -> Clashes:
    """Which rules cannot hold together, and every way out: all minimal clashes and all minimal sets of whole rules to
    drop among the agreed rules, statutory ones holding; the easing that costs least at the published prices, the one
    that touches fewest rules, and the one that asks least of any one partner. Nothing of that where a plan exists.

    Where the statutory rules clash among themselves (`law`) the clashes are theirs alone, and every rule may give way.

    At most so many seconds are spent, the last of them on what each way out would buy; `complete` says whether all
    clashes and all sets were found by then. Another thread may stop it through `watch`. Raises Stopped, or EngineError,
    where it ended before it was known whether there is a plan.
    """
    started, watch = time.monotonic(), watch or Watch()
    found = found_clash(scenario, seconds, watch)
    plans: dict[int, Plan] = {}
    known: dict[str, Plan | None] = {}
    for k, way in enumerate(found.ways, 1):
        key = repr(way.change)
        if way.change and key not in known:
            known[key] = _bought(scenario.change(way.change), started + seconds - time.monotonic(), watch)
        if (plan := known.get(key)) is not None:
            plans[k] = plan
    return Clashes(scenario, found, plans, time.monotonic() - started)


def _bought(scenario: Scenario, seconds: float, watch: Watch) -> Plan | None:
    """The plan of a scenario, None where there is no time for one."""
    if seconds <= 0 or watch.stopped:
        return None
    try:
        return solve(scenario, seconds=seconds)
    except AllocateError:
        return None


@dataclass(frozen=True, eq=False)
class Clashes:
    """Why a scenario has no plan, and the ways out. Tables are tidy; each access hands out a copy.

    clashes   one row a rule of each clash: clash (its number), rule, owner (the partner that answers for it), standing,
              sentence. Small clashes come first
    ways      one row a rule of each way out: way (its number), kind (cheapest, fewest, fairest, drop), rule (or
              resource), owner (whom to ask), standing, amount (the least it must give way by, in its own unit), unit,
              pounds (blank where it is not of money), price (what that costs, in `price_unit`), change (the what-if,
              path to value, for `Scenario.change`; blank where there was no time to try one), outcome (what the plan of
              the whole way buys, in units of the aim), bending (what bending rules costs that plan, in the same units;
              both blank likewise), least (whether no other way does better)
    raises    one row an envelope that would do it alone if raised: envelope, amount (£), change, sentence
    minima    sentences: where minima alone add to more than the money, found before any solve

    A rule that has several limits is asked the sum over them. Its one figure eases them all, so the change may be of
    less, or more, than that. A price is twice that of the dearest band that the book publishes (`bends`); where none
    is published a pound costs a pound; of a statutory rule ten times as much; see `allocate.engine.easing`.
    """

    scenario: Scenario
    _found: Found
    plans: Mapping[int, Plan] = field(repr=False)
    """The plan of each way out that there was time to solve, by its number."""
    seconds: float

    @property
    def possible(self) -> bool:
        """Whether a plan exists: nothing clashes."""
        return self._found.possible

    @property
    def law(self) -> bool:
        """Whether the statutory rules clash among themselves; the clashes are then theirs alone."""
        return self._found.law

    @property
    def complete(self) -> bool:
        """Whether these are all minimal clashes and all minimal sets of rules to drop."""
        return self._found.complete

    @property
    def calls(self) -> int:
        """How often the solver was asked whether a plan exists."""
        return self._found.calls

    @property
    def price_unit(self) -> str:
        """What prices are in: pounds, or points of the aim where the book publishes prices."""
        return "points of the agreed aim" if self._found.rates.published else self.scenario.heading.currency

    @property
    def minima(self) -> list[str]:
        return [each.sentence(self.scenario, title) for each in self._found.minima]

    @property
    def clashes(self) -> pd.DataFrame:
        rules = self._rules
        rows = [
            (k, name, rules[name].owner, rules[name].standing, rules[name].sentence(self.scenario))
            for k, names in enumerate(self._found.clashes, 1) for name in names
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=CLASH_COLUMNS)

    @property
    def ways(self) -> pd.DataFrame:
        rows = [row for k, way in enumerate(self._found.ways, 1) for row in self._rows(k, way)]
        return pd.DataFrame(rows, columns=WAY_COLUMNS)

    @property
    def raises(self) -> pd.DataFrame:
        rows = [(way.part, way.amount, dict(way.change), way.sentence) for way in self._found.instead]
        return pd.DataFrame(rows, columns=RAISE_COLUMNS)

    @property
    def change(self) -> dict[str, Any]:
        """The what-if of the cheapest way out, all paths together; empty where there is none."""
        way = next((way for way in self._found.ways if way.kind == "cheapest"), None)
        return dict(way.change or {}) if way is not None else {}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {name: getattr(self, name) for name in ("clashes", "ways", "raises")}

    @property
    def table(self) -> pd.DataFrame:
        """Clashes and ways out as one table, for a spreadsheet: kind ('clash' for a clash), number, then the columns of
        `clashes` and `ways`; a change is written as `--set` takes it."""
        clashes, ways = self.clashes, self.ways
        ways["change"] = [
            "; ".join(f"{path}={value_text(value)}" for path, value in (change or {}).items())
            for change in ways["change"]
        ]
        ways["sentence"] = [rule.sentence(self.scenario) if (rule := self._rules.get(n)) else "" for n in ways["rule"]]
        ways = ways.rename(columns={"way": "number"})
        clashes = clashes.rename(columns={"clash": "number"}).assign(kind="clash")
        columns = ["kind", "number", "rule", "owner", "standing", "sentence", *WAY_COLUMNS[5:]]
        rows = [
            {name: row.get(name) for name in columns} for each in (clashes, ways) for row in each.to_dict("records")
        ]
        return pd.DataFrame(rows, columns=columns)

    @property
    def _rules(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.scenario.rules}

    def _rows(self, k: int, way: Way) -> list[tuple[Any, ...]]:
        """What a way out asks, rule by rule."""
        limits, rules, rows = self._found.problem.limits, self._rules, []
        bought, toll = self._bought(k)
        for name in way.rules:
            mine = [easing for easing in way.easings if limits[easing.limit].owner == name]
            amount = sum(easing.amount for easing in mine) if mine else np.nan
            measure = limits[mine[0].limit].measure if mine else ""
            rule, change = rules.get(name), _of_rule(way, name)
            rows.append((
                k, way.kind, name, rule.owner if rule else "", rule.standing if rule else "", amount,
                self._unit(measure, name), amount if measure == "spend" else np.nan,
                sum(easing.price for easing in mine) if mine else np.nan, change, bought, toll, way.least,
            ))  # fmt: skip
        return rows

    def _unit(self, measure: str, name: str) -> str:
        """The unit in which a rule is eased."""
        if measure in ("spend", ""):
            return self.scenario.heading.currency if measure else ""
        if measure == CHOICE:
            return "choices"
        if measure == "resource":
            table, key = self.scenario.table("resources"), name.removeprefix("resource ")
        else:
            table, key = self.scenario.table("outcomes"), measure
        return str(table.loc[table["id"] == key, "unit"].iloc[0]) if "unit" in table else measure

    # --- in words -----------------------------------------------------------------------------------------------------

    @property
    def sentences(self) -> list[str]:
        """The same in words: what clashes, the ways out, whom to ask, and what they would buy."""
        if self.possible:
            return [HOLD]
        return [*self.minima[:1], *self._clashing(), *self._asking(), *self._dropping(), *self._raising()]

    def _clashing(self) -> list[str]:
        """Each clash: 'These two rules cannot both be kept: ...'. A rule is quoted where it is named first."""
        said, quote = [], {name: f" ({quoted(rule.sentence(self.scenario))})" for name, rule in self._rules.items()}
        if self._found.bare:
            said.append("No plan is possible even without any rule: what lines must spend and the money do not meet.")
        if self.law:
            said.append("The statutory rules clash among themselves, whatever partners agree.")
        for names in self._found.clashes[:MOST]:
            told = "; ".join(title(name) + quote.pop(name, "") for name in names)
            said.append(f"{self._these(len(names))}: {told}.")
        more = len(self._found.clashes) - MOST
        said += [f"And {more} more {'clash' if more == 1 else 'clashes'}."] if more > 0 else []
        if not self.complete:
            said.append("There may be more: time was up before all clashes and ways out were found.")
        return said

    def _these(self, size: int) -> str:
        word, law = ("statutory rule", "") if self.law else ("rule", " and the statutory rules")
        if size == 1:
            return f"This {word} cannot be kept within the money{law}"
        number_ = NUMBERS[size] if size < len(NUMBERS) else str(size)
        return f"These {number_} {word}s cannot {'both' if size == 2 else 'all'} be kept"

    def _asking(self) -> list[str]:
        """The cheapest way out, the fewest concessions and the fairest; those that are one are said as one."""
        said: dict[tuple[Any, ...], list[str]] = {}
        for k, way in enumerate(self._found.ways, 1):
            if way.kind == "drop" or not way.easings:
                continue
            key = tuple((easing.limit, easing.end, round(easing.amount)) for easing in way.easings)
            if key in said:
                said[key].append(ALSO[way.kind])
                continue
            head = KINDS[way.kind] + ("" if way.least else " found in the time")
            said[key] = [f"{head}: {self._asks(way)}.{self._buys(k)}"]
        return [text + (f" It also {' and '.join(also)}." if also else "") for text, *also in said.values()]

    def _asks(self, way: Way) -> str:
        """What is asked of whom: 'ask UHCW to ease Bed floor by £2.0m (amount from £48.0m to £46.0m)'."""
        asked: dict[str, list[str]] = {}
        for name in way.rules:
            rule = self._rules.get(name)
            asked.setdefault(rule.owner if rule else "", []).append(self._eased(way, name))
        return "; ".join(
            f"ask {self.scenario.name_of('partners', who)} to ease {_listed(what)}" if who else f"find {_listed(what)}"
            for who, what in asked.items()
        )

    def _eased(self, way: Way, name: str) -> str:
        """A rule, or a resource, and by how much it gives way."""
        rule, limits = self._rules.get(name), self._found.problem.limits
        mine = [easing for easing in way.easings if limits[easing.limit].owner == name]
        measure, amount = limits[mine[0].limit].measure, sum(easing.amount for easing in mine)
        money = measure == "spend"
        by = (
            pounds(amount, self.scenario.heading.currency) if money else f"{number(amount)} {self._unit(measure, name)}"
        )
        if rule is None:
            return f"{by} more of {self.scenario.name_of('resources', name.removeprefix('resource '))}"
        firm = " (statutory)" if rule.standing == "statutory" else ""
        return f"{title(name)}{firm} by {by}{self._figures(rule, _of_rule(way, name))}"

    def _figures(self, rule: Rule, change: Mapping[str, Any] | None) -> str:
        """A change of a rule's figures in brackets: ' (down from 3% to 5%)'."""
        told = []
        for path, value in (change or {}).items():
            name = path.rpartition(".")[2]
            if name == "in_force":
                told.append("switch it off")
                continue
            now, then = (self._figure(rule, name, each) for each in (getattr(rule, name), value))
            told.append(f"{SAID.get(name, name.replace('_', ' '))} from {now} to {then}")
        return f" ({', '.join(told)})" if told else ""

    def _figure(self, rule: Rule, name: str, value: Any) -> str:
        if is_money(type(rule), name) and getattr(rule, "measure", "spend") == "spend":
            return f"{self.scenario.heading.currency}{value:,.0f}"
        return per_cent(value, places=2) if isinstance(value, float) and abs(value) <= 1 else value_text(value)

    def _bought(self, k: int) -> tuple[float, float]:
        """What the plan of a way out buys, and what bending rules costs it, in units of the aim; blank without one."""
        plan = self.plans.get(k)
        if plan is None:
            return np.nan, np.nan
        toll = bent_cost(plan)
        return plan.value + toll, toll

    def _buys(self, k: int) -> str:
        if k not in self.plans:
            return ""
        (bought, toll), unit = self._bought(k), aim_unit(self.plans[k])
        bends = f", and bends rules at a price of {number(toll)}" if toll > 0 else ""
        return f" The plan then buys {number(bought)} {unit}{bends}."

    def _dropping(self) -> list[str]:
        """The sets of whole rules that would do it if they went."""
        drops = [way.rules for way in self._found.ways if way.kind == "drop"]
        if not drops:
            return []
        several = [_listed([title(name) for name in names]) for names in drops[:MOST]]
        more = f"; or {len(drops) - MOST} more such sets" if len(drops) > MOST else ""
        return [f"Or drop whole rules: {'; or '.join(several)}{more}."]

    def _raising(self) -> list[str]:
        told = [capital(way.sentence) for way in self._found.instead]
        return [f"Or, with every rule as it is: {'; or '.join(told)}."] if told else []


def _of_rule(way: Way, name: str) -> dict[str, Any] | None:
    """The part of a way's change that is of one rule, or of a resource; None where none was tried."""
    if way.change is None:
        return None
    if not name.startswith("resource "):
        return {path: value for path, value in way.change.items() if path.startswith(f"rules.{name}.")}
    return {path: value for part in way.ways if part.rule == name for path, value in part.change.items()}


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
