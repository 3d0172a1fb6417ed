"""What a visitor may move: one knob for each figure worth moving, bound to the path that a change of it has.

A knob shows a figure in the unit people say it in (£m, per cent, per cent of what was read) and turns what it is moved
to into the value of a change. Paths without a knob can be changed all the same, on the page of evidence or by address.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd

from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.words import title
from allocate.rules.binding import SHARE
from allocate.rules.kinds import Binding, Measured
from allocate.rules.wording import measure_of
from allocate.scenario.paths import Panel, Path, matches, parse
from allocate.scenario.rulebook import Rule
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import is_money, marks
from allocate.scenario.values import factor, value_text

Unit = Literal["money", "share", "factor", "number", "switch"]
PANELS: tuple[Panel, ...] = ("decision", "rule", "assumption")
SCALES = {1e6: "m", 1e3: "k", 1.0: ""}
"""How sums are said, by how many pounds one of the unit is."""
NAMED = frozenset({"partners", "places", "programmes", "outcomes", "envelopes", "resources"})
STEPS = 20
"""To either side of the figure as it was read."""


@dataclass(frozen=True)
class Knob:
    """One thing to move. `base`, `low`, `high` and `step` are in the unit shown: £m (or £ where sums are small), per
    cent, per cent of the figure as read, or on and off. `label` is plain text."""

    path: str
    panel: Panel
    label: str
    unit: Unit
    base: Any
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    scale: float = 1.0
    """How many of the scenario's own units one of those shown is."""
    sign: str = ""
    help: str = ""

    def shown(self, value: Any) -> Any:
        """A change's value in the unit shown; None where the knob cannot show it, such as a figure taken out."""
        by, is_number = factor(value), isinstance(value, int | float)
        if self.unit == "switch":
            return bool(value) if is_number else None
        if self.unit == "factor":
            return None if by is None else round(by * 100, 6)
        found = self.base * by if by is not None else value / self.scale if is_number else None
        if found is None:
            return None
        return round(found) if self.whole else round(found, 6)

    def told(self, shown: Any) -> Any:
        """What a change would say for a value in the unit shown."""
        if self.unit == "switch":
            return bool(shown)
        if self.unit == "factor":
            return f"x{round(shown / 100, 6):.6g}"
        if self.whole:
            return round(shown)
        value = round(shown * self.scale, 8)
        return float(round(value)) if self.unit == "money" else value

    @property
    def whole(self) -> bool:
        """Whether it counts things, and so has no fractions."""
        return self.unit == "number" and isinstance(self.base, int)

    def on_grid(self, shown: float) -> float:
        """The step nearest to what a slider says: it rounds to the decimals of its step, and so drifts off a base that
        has more."""
        found = self.base + round((shown - self.base) / self.step) * self.step
        return found if self.whole else round(found, 6)

    def at_base(self, shown: Any) -> bool:
        """Whether this is the figure as it was read."""
        return shown == self.base if self.unit == "switch" else math.isclose(shown, self.base, abs_tol=self.step / 1e3)

    @property
    def format(self) -> str:
        """For a slider, printf's way."""
        if self.unit == "money":
            return f"{self.sign}%.{self.places}f{SCALES[self.scale]}"
        return {"share": "%.2f%%" if self.step < 0.1 else "%.1f%%", "factor": "%.0f%%"}.get(self.unit, "%.4g")

    @property
    def typed(self) -> str:
        """For a box to type in, printf's way."""
        if self.whole:
            return "%d"
        return f"%.{max(self.places, 3 if self.scale > 1 else 0)}f" if self.unit == "money" else "%.4g"

    @property
    def places(self) -> int:
        """Decimals that a step needs."""
        return 1 if self.scale > 1 and self.step >= 0.1 else max(0, math.ceil(-math.log10(self.step)))

    @property
    def measured(self) -> str:
        """The unit in words."""
        if self.unit == "money":
            return self.sign + SCALES[self.scale]
        return {"share": "%", "factor": "% of what was read"}.get(self.unit, "")


@lru_cache(maxsize=32)
def knobs(scenario: Scenario) -> Mapping[str, Knob]:
    """Every knob of a scenario as it was read, by path, the largest sums first within a panel."""
    made = [*_decisions(scenario), *_rules(scenario), *_assumptions(scenario)]
    return {knob.path: knob for knob in made}


def _decisions(scenario: Scenario) -> Iterator[Knob]:
    sign = scenario.heading.currency
    envelopes = scenario.envelopes.sort_values("amount", ascending=False, kind="stable")
    for row in envelopes.itertuples():
        year = f" {row.year}" if len(scenario.years) > 1 else ""
        key = row.id if not year else f"{row.id}.{row.year}"
        note = f"Held in law by {scenario.name_of('partners', row.holder)}."
        yield _money(f"envelopes.{key}.amount", "decision", f"{row.name}{year}", row.amount, sign, note)
    # A route that is shut is for a rule to open: its lever is the rule's.
    routes = scenario.routes[scenario.routes["high"] > 0]
    for row in routes.sort_values("high", ascending=False, kind="stable").itertuples():
        ends = (scenario.name_of("envelopes", each) for each in (row.source, row.target))
        year = f".{row.year}" if len(scenario.years) > 1 else ""
        label = "May move: " + " to ".join(ends)
        yield _money(f"routes.{row.id}{year}.high", "decision", label, row.high, sign, row.authority)
    for row in scenario.outcomes.itertuples():
        if len(scenario.outcomes) > 1:
            note = f"What one {row.unit} counts for in the agreed aim."
            low, high = 0.0, max(3.0, 3 * row.weight)
            yield Knob(
                f"outcomes.{row.id}.weight", "decision", f"Weight of {row.name.lower()}", "number",
                row.weight, low, high, 0.05, help=note,
            )  # fmt: skip


def _rules(scenario: Scenario) -> Iterator[Knob]:
    for rule in scenario.rules:
        if moves(rule):
            yield switch(rule, scenario)
            yield from figures(rule, scenario)


def moves(rule: Rule) -> bool:
    """Whether switching a rule on or off can change a plan: not where it stands in the book only, nor is a report."""
    return rule.standing != "recorded" and (isinstance(rule, Binding) or bool(rule.figures))


def switch(rule: Rule, scenario: Scenario) -> Knob:
    """A rule's switch."""
    said = rule.sentence(scenario)
    return Knob(f"rules.{rule.id}.in_force", "rule", title(rule.id), "switch", rule.in_force, help=said)


SAID = {
    "at_least": "at least", "at_most": "at most", "down": "may fall by", "up": "may rise by",
    "more": "at least this much more", "pace": "of the distance closed a year", "within": "within",
    "give_up": "gives up at most", "part": "part of people",
}  # fmt: skip
"""What the boxes for figures are called, where that is not the name of the field."""


def figures(rule: Rule, scenario: Scenario) -> Iterator[Knob]:
    """A knob for each figure of a rule, by what its type is marked as: an amount of what the rule counts, a fraction,
    or a plain number."""
    measure, said = measure_of(rule), rule.sentence(scenario)
    for field in rule.figures:
        value = getattr(rule, field)
        if value is None or isinstance(value, bool):
            continue
        path, label = f"rules.{rule.id}.{field}", f"{title(rule.id)}: {SAID.get(field, field.replace('_', ' '))}"
        if SHARE in marks(type(rule), field):
            yield _share(path, label, value, _lowest(rule, field), said)
        elif measure == "spend" and (is_money(type(rule), field) or field == "amount" or isinstance(rule, Measured)):
            yield _money(path, "rule", label, value, scenario.heading.currency, said)
        elif isinstance(value, int):
            yield _count(path, label, value, said)
        else:
            yield _number(path, "rule", label, value, said)


def _lowest(rule: Rule, field: str) -> float:
    """The least value the field may have."""
    return min((-1.0 for part in type(rule).model_fields[field].metadata if getattr(part, "ge", 0) == -1), default=0.0)


def _assumptions(scenario: Scenario) -> Iterator[Knob]:
    curves, lines = scenario.curves, scenario.lines
    spent = lines.groupby("programme")["baseline"].sum().sort_values(ascending=False, kind="stable")
    for programme in spent.index:
        mine = curves[curves["programme"] == programme]
        if field := _scaled_by(mine):
            table = "curve_points" if field == "gain" else "curves"
            name = scenario.name_of("programmes", programme)
            note = "What its spending buys, against what the evidence says. 100% is the evidence as read."
            yield _factor(f"{table}.*.{programme}.{field}", f"Effect of {_lower(name)}", note)
    for programme in spent.index:
        powers = curves.loc[curves["programme"] == programme, "exponent"]
        if powers.notna().all() and powers.nunique() == 1:
            name = scenario.name_of("programmes", programme)
            yield Knob(
                f"curves.*.{programme}.exponent", "assumption", f"How little {_lower(name)} flattens", "number",
                float(powers.iloc[0]), 0.1, 1.0, 0.05, help="1 is straight: each pound buys as much as the last.",
            )  # fmt: skip
    for place in scenario.places.itertuples():
        if (lines["place"] == place.id).any() and (lines.loc[lines["place"] == place.id, "baseline"] > 0).any():
            note = "Last year's spending there, against what was read."
            yield _factor(f"lines.*.{place.id}.baseline", f"Last year's spending: {place.name}", note, 25.0, 1.0)


def _lower(name: str) -> str:
    """A name inside a sentence: 'Community services' as 'community services', 'NHS 111' as it stands."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def _scaled_by(curves: pd.DataFrame) -> str:
    """The figure that scales what these curves gain; '' where they have none in common."""
    shapes = set(curves["shape"])
    if not shapes:
        return ""
    if shapes <= {"linear", "power", "isoelastic"}:
        return "slope"
    return {"saturation": "ceiling", "points": "gain"}.get(shapes.pop(), "") if len(shapes) == 1 else ""


def _money(path: str, group: Panel, label: str, value: float, sign: str, note: str) -> Knob:
    scale = 1e6 if value >= 1e6 else 1e3 if value >= 1e4 else 1.0
    base = round(value / scale, 6)
    step = _round_step(base * 0.005) if base else 100.0
    down = min(STEPS, math.floor(base / step + 1e-9))
    low, high = base - down * step, base + STEPS * step
    return Knob(path, group, label, "money", base, low, high, step, scale, sign, note)


def _number(path: str, group: Panel, label: str, value: float, note: str) -> Knob:
    step = _round_step(abs(value) * 0.01) if value else 1.0
    low = value - min(STEPS, math.floor(value / step + 1e-9)) * step
    return Knob(path, group, label, "number", value, low, value + STEPS * step, step, help=note)


def _count(path: str, label: str, value: int, note: str) -> Knob:
    return Knob(path, "rule", label, "number", value, max(0, value - STEPS), value + STEPS, 1, help=note)


def _share(path: str, label: str, value: float, lowest: float, note: str) -> Knob:
    base = round(100 * value, 6)
    step = 0.1 if abs(base) <= 10 else 0.5 if abs(base) <= 50 else 1.0
    down = min(2 * STEPS, math.floor((base - 100 * lowest) / step + 1e-9))
    low, high = base - down * step, base + 2 * STEPS * step
    return Knob(path, "rule", label, "share", base, round(low, 6), round(high, 6), step, 0.01, help=note)


def _factor(path: str, label: str, note: str, reach: float = 50.0, step: float = 5.0) -> Knob:
    return Knob(path, "assumption", label, "factor", 100.0, 100 - reach, 100 + reach, step, help=note)


def _round_step(size: float) -> float:
    """1, 2 or 5 times a power of ten, the nearest below."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(part * power for part in (5.0, 2.0, 1.0) if part * power <= size * (1 + 1e-9))


def label_of(scenario: Scenario, path: str) -> str:
    """What a change's path is about, in plain words, whether it has a knob or not. `scenario` is the one as read."""
    if (knob := knobs(scenario).get(path)) is not None:
        return knob.label
    named = parse(path)
    if not isinstance(named, Path):
        return path
    if named.table == "rules":
        field = named.field.replace("_", " ")
        return f"{title(named.keys[0]) if named.keys else 'Rules'}{': ' + field if field else ''}"
    columns = zip(named.keys, named.row.key, strict=False)
    parts = [
        _name(scenario, named.table if column == "id" else f"{column}s", part)
        for part, column in columns
        if part != "*"
    ]
    return f"{', '.join(parts) or 'All ' + named.table}: {named.field.replace('_', ' ')}"


def _name(scenario: Scenario, table: str, key: str) -> str:
    """The name of a row that has one; the key itself otherwise."""
    return scenario.name_of(table, key) if table in NAMED else key


def words(scenario: Scenario, path: str, value: Any) -> str:
    """A change's value as people say it: £1,850.0m, 4.4%, 80% of what was read, switched off."""
    knob = knobs(scenario).get(path)
    if isinstance(value, bool) or (knob and knob.unit == "switch" and isinstance(value, int | float)):
        return "in force" if value else "switched off"
    if (by := factor(value)) is not None:
        return f"{by * 100:.6g}% of what was read"
    if isinstance(value, Mapping):
        return "a new rule" if path.count(".") == 1 else value_text(value)
    if value is None or value == "":
        return "taken out"
    if isinstance(value, str) or not isinstance(value, int | float):
        return str(value)
    unit = knob.unit if knob else _unit_of(path)
    if unit == "money":
        return pounds(value, scenario.heading.currency)
    return per_cent(value, places=_decimals(value, knob)) if unit == "share" else number(value)


def _decimals(share: float, knob: Knob | None) -> int:
    """Of a per cent: two where one would not say it."""
    return 2 if (knob and knob.step < 0.1) or abs(round(100 * share, 1) - 100 * share) > 1e-9 else 1


def _unit_of(path: str) -> Unit:
    named = parse(path)
    money = isinstance(named, Path) and named.field in ("amount", "high", "low", "baseline", "scale", "reference")
    share = isinstance(named, Path) and named.table == "rules" and not money
    return "money" if money else "share" if share else "number"


def as_read(scenario: Scenario, path: str) -> Any:
    """What stood at a path in the scenario as it was read; None where it names no single value."""
    named = parse(path)
    if not isinstance(named, Path):
        return None
    if named.table == "rules":
        rule = next((rule for rule in scenario.rules if named.keys and rule.id == named.keys[0]), None)
        found = getattr(rule, named.field, None) if named.field and rule else None
        return found if isinstance(found, str | int | float) else None
    table = scenario.table(named.table)
    values = table.loc[matches(named, table), named.field]
    return values.iloc[0] if len(values) == 1 and not pd.isna(values.iloc[0]) else None


def overtaken(scenario: Scenario, changes: Mapping[str, Any]) -> set[str]:
    """The changes that a later and wider one has taken the place of: they still stand in the draft, and do nothing."""
    paths = {text: named for text in changes if isinstance(named := parse(text), Path) and named.table != "rules"}
    masks = {text: matches(path, scenario.table(path.table)) for text, path in paths.items()}
    found, told = set(), list(paths)
    for place, text in enumerate(told):
        mine = paths[text]
        later = [
            masks[other]
            for other in told[place + 1 :]
            if (paths[other].table, paths[other].field) == (mine.table, mine.field)
        ]
        if later and not (masks[text] & ~np.logical_or.reduce(later)).any():
            found.add(text)
    return found
