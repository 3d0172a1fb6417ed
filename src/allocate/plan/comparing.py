"""Two to four plans side by side: what differs in what was agreed, in the money, and in what it buys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocate.errors import AllocateError
from allocate.plan.aim import aim_unit
from allocate.plan.explaining import before
from allocate.plan.margins import view_of
from allocate.plan.moves import POUND, Moves
from allocate.plan.plan import Plan
from allocate.plan.still import held_by
from allocate.plan.telling import bought, shaping, what_changes
from allocate.plan.words import blank, capital, told
from allocate.scenario.paths import Path, panel, parse
from allocate.scenario.scenario import Scenario
from allocate.scenario.values import factor

AGREED = "as agreed"
NEAR_SHARE = 0.025
"""Places this near their fair share count as on it."""
FEWEST, MOST = 2, 4
TAKEN = frozenset({
    "measure", "unit", "best", "id", "name", "difference", "path", "panel", "partner", "place", "programme", "envelope",
    "year",
})  # fmt: skip
TABLES = {"partner": "partners", "place": "places", "programme": "programmes", "envelope": "envelopes"}


class Unlike(AllocateError):
    """Plans that must not be compared. `reasons` holds all of them, a sentence each."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("these plans cannot be compared" + "".join(f"\n- {reason}" for reason in reasons))


def unlike(one: Plan, other: Plan) -> list[str]:
    """Why two plans must not be compared, a sentence each: other years, places, partners, outcomes or units of them, or
    another currency. [] where they may be."""
    first, second = one.scenario, other.scenario
    found = []
    if first.years != second.years:
        found.append(f"They are for other years: {', '.join(first.years)} and {', '.join(second.years)}.")
    if first.heading.currency != second.heading.currency:
        found.append(f"Their money differs: {first.heading.currency} and {second.heading.currency}.")
    found += [difference for table in ("places", "partners") if (difference := _members(first, second, table))]
    units = [dict(zip(each.outcomes["id"], each.outcomes["unit"], strict=True)) for each in (first, second)]
    found += [difference] if (difference := _members(first, second, "outcomes")) else []
    both = [key for key in units[0] if key in units[1] and units[0][key] != units[1][key]]
    found += [f"{first.name_of('outcomes', key)} is in {units[0][key]} and in {units[1][key]}." for key in both]
    return found


def _members(one: Scenario, other: Scenario, table: str) -> str:
    """Which rows only one of two scenarios has, in a sentence; '' for none."""
    first, second = set(one.table(table)["id"]), set(other.table(table)["id"])
    only = [one.name_of(table, key) for key in sorted(first - second)]
    only += [other.name_of(table, key) for key in sorted(second - first)]
    named = ", ".join(only[:4]) + (f" and {len(only) - 4} more" if len(only) > 4 else "")
    return f"Their {table} differ: {named} {'is' if len(only) == 1 else 'are'} in one only." if only else ""


def notes(one: Plan, other: Plan) -> list[str]:
    """What a reader of two comparable plans should know: that they come from other versions of the scenario, or weigh
    outcomes otherwise."""
    first, second = one.scenario, other.scenario
    found = []
    if (first.base or first).digest != (second.base or second).digest:
        found.append("They were worked out from different versions of the scenario, whose figures may differ.")
    weights = [dict(zip(each.outcomes["id"], each.outcomes["weight"], strict=True)) for each in (first, second)]
    if weights[0] != weights[1]:
        found.append("They count outcomes differently: compare each outcome, not the agreed aim.")
    assumed = [_assumptions(each) for each in (first, second)]
    if assumed[0] != assumed[1]:
        found.append("They rest on different assumptions: part of the difference is evidence, not choice.")
    return found


def _assumptions(scenario: Scenario) -> dict[str, str]:
    return {path: told(value) for path, value in scenario.changes.items() if panel(path) == "assumption"}


def compare(plans: Mapping[str, Plan]) -> Comparison:
    """Two to four plans, by name, side by side. Raises Unlike, with every reason, where they must not be compared, and
    ValueError for another number of plans or a name that a column of the tables already has."""
    if not FEWEST <= len(plans) <= MOST:
        raise ValueError(f"{len(plans)} plans: two to four can be compared")
    if taken := [name for name in plans if name in TAKEN]:
        raise ValueError(f"a plan cannot be called {taken[0]!r}: a column of the tables is")
    first, *others = plans.values()
    reasons = dict.fromkeys(reason for other in others for reason in unlike(first, other))
    if reasons:
        raise Unlike(list(reasons))
    return Comparison(dict(plans))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Comparable plans by name, as tables with a column a plan. Each access works its table out anew."""

    plans: Mapping[str, Plan]

    @property
    def names(self) -> list[str]:
        """What the plans are called, in order."""
        return list(self.plans)

    @property
    def notes(self) -> list[str]:
        """What a reader should know before comparing, a sentence each."""
        first, *others = self.plans.values()
        return list(dict.fromkeys(note for other in others for note in notes(first, other)))

    @property
    def headline(self) -> pd.DataFrame:
        """The measures that plans are judged by. Columns: measure, unit, one a plan, best (the names of the best plans,
        '' where none is better or better means nothing).

        Money shared (£); each outcome's gain against today (its unit); the agreed aim; places within 2.5% of their fair
        share, and the furthest below and above it (as fractions; not where nothing goes by need); lines that get less
        than today; rules that shape the plan (blank without prices)."""
        columns = {name: _measures(plan) for name, plan in self.plans.items()}
        rows = []
        for measure, (unit, _, better) in next(iter(columns.values())).items():
            values = {name: found[measure][1] for name, found in columns.items()}
            rows.append({"measure": measure, "unit": unit, **values, "best": _best(values, better)})
        return pd.DataFrame(rows)

    def by(self, column: str) -> pd.DataFrame:
        """Pounds by partner, place, programme or envelope: id, name, one column a plan, difference (the last less the
        first), the largest difference first. Raises KeyError for any other column."""
        if column not in TABLES:
            raise KeyError(f"{column!r} is not one of {', '.join(TABLES)}")
        sums = {name: plan.by(column).set_index(column)["spend"] for name, plan in self.plans.items()}
        table = pd.DataFrame(sums).fillna(0.0).rename_axis("id").reset_index()
        table.insert(1, "name", [self._name(TABLES[column], key) for key in table["id"]])
        return self._sorted(table)

    @property
    def lines(self) -> pd.DataFrame:
        """Pounds on every line that gets another sum in some plan: partner, place, programme, envelope, year, one
        column a plan (blank where it has no such line), difference, the largest difference first."""
        keys = ["partner", "place", "programme", "envelope", "year"]
        table = pd.DataFrame({name: plan.spend.set_index(keys)["spend"] for name, plan in self.plans.items()})
        filled = table.fillna(0.0)
        moved = (filled.max(axis=1) - filled.min(axis=1) >= POUND).to_numpy() | table.isna().any(axis=1).to_numpy()
        return self._sorted(table[moved].reset_index())

    @property
    def changes(self) -> pd.DataFrame:
        """What was changed from the scenario as it was read, where the plans differ: path, panel ('decision', 'rule' or
        'assumption'), one column a plan with the value in words, or 'as agreed'."""
        paths = dict.fromkeys(path for plan in self.plans.values() for path in plan.scenario.changes)
        rows = []
        for path in paths:
            said = {name: _said(plan.scenario, path) for name, plan in self.plans.items()}
            if len(set(said.values())) > 1:
                rows.append({"path": path, "panel": panel(path), **said})
        order = {"decision": 0, "rule": 1, "assumption": 2}
        rows.sort(key=lambda row: (order[row["panel"]], row["path"]))
        return pd.DataFrame(rows, columns=["path", "panel", *self.names])

    def _name(self, table: str, key: str) -> str:
        """A row's name in the first plan that has it."""
        return next((name for p in self.plans.values() if (name := p.scenario.name_of(table, key)) != key), key)

    def _sorted(self, table: pd.DataFrame) -> pd.DataFrame:
        """With the difference between the last plan and the first, the largest first."""
        first, last = self.names[0], self.names[-1]
        table["difference"] = table[last].fillna(0.0) - table[first].fillna(0.0)
        order = np.argsort(-table["difference"].abs().to_numpy(), kind="stable")
        return table.iloc[order].reset_index(drop=True)


def difference_in_words(one: Plan, other: Plan, names: tuple[str, str] = ("the first plan", "the second plan")) -> str:
    """What the other plan does that the first does not, in a few sentences: what got worse first, the money that lies
    elsewhere, who gains and loses, what it buys. Raises Unlike where they must not be compared."""
    if reasons := unlike(one, other):
        raise Unlike(reasons)
    moves = Moves.of(other, one)
    if not moves.any:
        same = all(abs(change) < 1e-9 * max(1.0, abs(other.value)) for change in moves.outcome.values())
        first = f"{capital(names[1])} places every pound as {names[0]} does, {held_by(view_of(other))}"
        return f"{first}." if same else f"{first}; only what it is taken to buy differs. {bought(moves)}"
    return what_changes(other, one, names[0])


Better = Callable[[list[float]], float] | None


def _measures(plan: Plan) -> dict[str, tuple[str, float, Better]]:
    """Measure to its unit, its value, and which value is best (None where none is)."""
    scenario, moves = plan.scenario, Moves.of(plan)
    unit = dict(zip(scenario.outcomes["id"], scenario.outcomes["unit"], strict=True))
    currency = scenario.heading.currency
    found: dict[str, tuple[str, float, Better]] = {"Money shared": (currency, float(moves.after.sum()), None)}
    for key in scenario.outcomes["id"]:
        gain = moves.outcome.get(key, 0.0)
        found[f"{scenario.name_of('outcomes', key)}, against today"] = (unit[key], gain, max)
    found["The agreed aim"] = (aim_unit(plan), plan.value, max)
    found |= _distances(plan)
    fewer = int((moves.change <= -POUND).sum())
    found["Lines that get less than today"] = ("lines", float(fewer), min)
    table = shaping(plan)
    rules = float((table["kind"] == "rule").sum()) if plan.has_prices else np.nan
    return found | {"Rules that shape the plan": ("rules", rules, None)}


def _distances(plan: Plan) -> dict[str, tuple[str, float, Better]]:
    """How near places without smaller ones are to their fair share, in the last year."""
    places, scenario = plan.places, plan.scenario
    leaves = ~places["place"].isin(set(scenario.places["parent"].dropna()))
    here = places.loc[leaves & (places["year"] == scenario.years[-1]), "distance_after"].dropna()
    if here.empty:
        return {}
    near = float((here.abs() <= NEAR_SHARE).sum())
    share = "of fair share"
    return {
        f"Places within {NEAR_SHARE:.1%} of fair share": ("places", near, max),
        "Furthest below fair share": (share, float(min(here.min(), 0.0)), max),
        "Furthest above fair share": (share, float(max(here.max(), 0.0)), min),
    }


def _best(values: Mapping[str, float], better: Better) -> str:
    """The names of the best, '' where none is better than another."""
    known = {name: value for name, value in values.items() if not np.isnan(value)}
    if better is None or len(known) < 2:
        return ""
    best = better(list(known.values()))
    near = 1e-9 * max(1.0, *(abs(value) for value in known.values()))
    names = [name for name, value in known.items() if abs(value - best) <= near]
    return ", ".join(names) if len(names) < len(known) else ""


def _said(scenario: Scenario, text: str) -> str:
    """What a path stands at in a scenario, in words: 'as agreed' where it was not changed."""
    if text not in scenario.changes:
        return AGREED
    value, path, base = scenario.changes[text], parse(text), scenario.base or scenario
    if blank(value):
        return "taken out"
    if not isinstance(path, Path):
        return told(value)
    if path.table == "rules" and not path.field:
        stood = any(rule.id == path.keys[0] for rule in base.rules)
        rule = next((rule for rule in scenario.rules if rule.id == path.keys[0]), None)
        words = rule.sentence(scenario) if rule is not None else told(value)
        return f"{'another rule' if stood else 'a new rule'}: {words}"
    if path.field == "in_force":
        return "in force" if value else "switched off"
    was, by = before(base, path), factor(value)
    now = told(value) if by is None else f"times {told(by)}"
    return now if was is None else f"{now} (agreed: {told(was)})"
