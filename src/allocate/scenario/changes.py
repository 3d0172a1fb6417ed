"""A what-if: a dict of paths to values laid over a scenario, giving a new one checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from allocate.errors import Problem, ScenarioError
from allocate.scenario.checks import figure_problems
from allocate.scenario.checks import problems as cross_problems
from allocate.scenario.evidence import Figures, all_figures
from allocate.scenario.paths import Path, key_text, matches, parse
from allocate.scenario.reading import fit, frame, make_rule
from allocate.scenario.rulebook import Rule, record
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import Evidence, Source, is_number
from allocate.scenario.words import suggestion


def changed(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """See `Scenario.change`."""
    found: list[Problem] = []
    tables = {name: scenario.table(name) for name in scenario._tables}
    rules = {rule.id: rule for rule in scenario.rules}
    for text, value in changes.items():
        path = parse(text)
        if isinstance(path, Problem):
            found.append(path)
        elif path.table == "rules":
            _change_rule(rules, path, value, found)
        else:
            tables[path.table] = _change_rows(tables[path.table], path, value, found)
    if found:
        raise ScenarioError("change", found)
    base = scenario.base or scenario
    # A path told again moves to the end, so that laying `changes` over the base in their order gives this scenario.
    again = [text for text in scenario.changes if text in changes or ".".join(text.split(".")[:2]) in changes]
    told = {text: value for text, value in scenario.changes.items() if text not in again} | dict(changes)
    new = Scenario(scenario.heading, tuple(rules[name] for name in sorted(rules)), tables, told, base)
    tables |= _evidence(base, new)
    only_figures = all(_is_figure(text, {rule.id: rule for rule in scenario.rules}) for text in changes)
    found = figure_problems(new) if only_figures else cross_problems(new)
    if found:
        raise ScenarioError("change", found)
    return Scenario(new.heading, new.rules, tables, _still_different(told, base, new), base)


def _is_figure(text: str, rules: Mapping[str, Rule]) -> bool:
    """Whether a path names figures alone, or a rule's switch, and so no name or key can have changed."""
    path = parse(text)
    if not isinstance(path, Path):
        return False
    if path.table == "rules":
        rule = rules.get(path.keys[0]) if path.keys else None
        return rule is not None and path.field in (*rule.figures, "in_force")
    return is_number(path.row, path.field)


def _change_rows(table: pd.DataFrame, path: Path, value: Any, found: list[Problem]) -> pd.DataFrame:
    mask = matches(path, table)
    rows, key = table[mask], list(path.row.key)
    if not mask.any():
        fix = _likely_key(table, path)
        found.append(Problem("change", f"names no row of {path.table}", field=path.text, fix=fix))
        return table
    if mask.sum() > 1 and "*" not in path.keys:
        choices = ", ".join(".".join(str(part) for part in row) for row in rows[key].to_numpy()[:4])
        expected = f"names {mask.sum()} rows of {path.table}: {choices} ..."
        found.append(Problem("change", expected, field=path.text, fix="name one of them, or use * for all"))
        return table
    for line, row in rows.iterrows():
        cells = {column: cell for column, cell in row.items() if not _blank(cell)} | {path.field: value}
        if value is None or value == "":
            del cells[path.field]
        wrong: list[Problem] = []
        fitted = fit(path.row, cells, wrong, "change", None)
        if fitted is None:
            found += [replace(problem, field=path.text) for problem in wrong]
            return table
        table = table.copy() if line == rows.index[0] else table
        cell = getattr(fitted, path.field)
        table.loc[line, path.field] = np.nan if cell is None and is_number(path.row, path.field) else cell
    return table


def _likely_key(table: pd.DataFrame, path: Path) -> str:
    """Which part of a key that names no row was most likely mistyped, and for what."""
    for part, column in zip(path.keys, path.row.key, strict=False):
        if part != "*":
            known = key_text(table[column])
            if not (known == part).any():
                return f"{column} {part}: {suggestion(part, known.unique()) or 'unknown'}"
            table = table[(known == part).to_numpy()]
    return ""


def _change_rule(rules: dict[str, Rule], path: Path, value: Any, found: list[Problem]) -> None:
    name = path.keys[0] if path.keys else ""
    if not path.field:
        if _blank(value):
            if rules.pop(name, None) is None:
                found.append(Problem("change", "there is no such rule", field=path.text, fix=suggestion(name, rules)))
        elif (rule := make_rule(name, value, found, "change")) is not None:
            rules[name] = rule
        return
    if name not in rules:
        fix = suggestion(name, rules)
        found.append(Problem("change", "there is no such rule", field=path.text, value=name, fix=fix))
        return
    fields = record(rules[name])
    inner = fields
    *above, last = path.field.split(".")
    for part in above:
        inner = inner.setdefault(part, {})
        if not isinstance(inner, dict):
            found.append(Problem("change", "has no fields of its own", field=path.text, value=f"{name}.{part}"))
            return
    if _blank(value):
        inner.pop(last, None)
    else:
        inner[last] = value
    rule = make_rule(name, fields, found, "change")
    if rule is not None:
        rules[name] = rule


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value)) or value == ""


def _evidence(base: Scenario, new: Scenario) -> dict[str, pd.DataFrame]:
    """The evidence of a changed scenario: what was found for a figure does not speak for another value of it."""
    names = {path.table for path in map(parse, new.changes) if isinstance(path, Path)}
    before, after = all_figures(base, names), all_figures(new, names)
    was = dict(zip(before["figure"], before["value"], strict=True))
    now = zip(after["figure"], after["value"], strict=True)
    notes = {name: f"was {was[name]:.15g}" if name in was else "" for name, value in now if was.get(name) != value}
    rows = [Evidence(figure=name, status="assumed", source="change", note=note) for name, note in notes.items()]
    given, sources, figures = base.table("evidence"), new.table("sources"), Figures(after)
    paths = [parse(text) for text in given["figure"]]
    mute = [isinstance(path, Path) and path.table in names and not len(figures.fitting(path)) for path in paths]
    kept = given[~np.array(mute, dtype=bool) & ~given["figure"].isin(notes)]
    if "change" not in set(base.table("sources")["id"]):
        said = [Source(id="change", title="Changed from the scenario as it was read")]
        sources = _added(sources[sources["id"] != "change"], said if rows else [])
    return {"evidence": _added(kept, rows), "sources": sources}


def _added(table: pd.DataFrame, rows: list[Evidence] | list[Source]) -> pd.DataFrame:
    """A table with rows that no file holds: their line numbers are below zero."""
    if not rows:
        return table
    added = pd.concat([table, frame(type(rows[0]), {-number: row for number, row in enumerate(rows, 1)})])
    return added.sort_values(list(type(rows[0]).key), kind="stable")


def _still_different(told: Mapping[str, Any], base: Scenario, new: Scenario) -> dict[str, Any]:
    """The changes that still make a difference: a figure put back is no longer a change, unless it is put back from
    under a wider change that still stands."""
    rules = [{rule.id: record(rule) for rule in scenario.rules} for scenario in (base, new)]
    kept: dict[str, Path] = {}
    for text in told:
        path = parse(text)
        if not isinstance(path, Path):
            continue
        if path.table == "rules":
            before, after = (_inner(each.get(path.keys[0]), path.field) for each in rules)
            same = before == after
        else:
            rows = matches(path, base.table(path.table))
            before, after = (scenario.table(path.table)[path.field][rows] for scenario in (base, new))
            same = before.equals(after)
        if not same or any(_overlap(path, other, base) for other in kept.values()):
            kept[text] = path
    return {text: told[text] for text in kept}


def _overlap(one: Path, other: Path, base: Scenario) -> bool:
    """Whether two paths name a field in common."""
    if one.table != other.table or (one.table != "rules" and one.field != other.field):
        return False
    if one.table == "rules":
        short, long = sorted((one.field.split("."), other.field.split(".")), key=len)
        return one.keys == other.keys and (short == [""] or long[: len(short)] == short)
    table = base.table(one.table)
    return bool((matches(one, table) & matches(other, table)).any())


def _inner(fields: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        fields = fields.get(part) if isinstance(fields, Mapping) else None
    return fields
