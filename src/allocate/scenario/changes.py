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
from allocate.scenario.reading import by_name, fit, frame, make_rule
from allocate.scenario.rulebook import Rule, record
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES, Evidence, Source, is_number
from allocate.scenario.words import suggestion

Tables = Mapping[str, pd.DataFrame]


def changed(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """See `Scenario.change`."""
    found: list[Problem] = []
    tables = {name: scenario.table(name) for name in scenario._tables}
    rules = {rule.id: rule for rule in scenario.rules}
    for text, value in changes.items():
        path = parse(text)
        if isinstance(path, Problem):
            found.append(_likely_table(path, scenario))
        elif path.table == "rules":
            _change_rules(rules, path, value, found, tables)
        else:
            tables[path.table] = _change_rows(tables, path, value, found)
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
        raise ScenarioError("change", [replace(each, where=f"after the change, {each.where}") for each in found])
    return Scenario(new.heading, new.rules, tables, _still_different(told, base, new), base)


def _is_figure(text: str, rules: Mapping[str, Rule]) -> bool:
    """Whether a path names figures alone, or a rule's switch, and so no name or key can have changed."""
    path = parse(text)
    if not isinstance(path, Path):
        return False
    if path.table == "rules":
        named = _rules_named(path, rules)
        return bool(named) and all(path.field in (*rules[name].figures, "in_force") for name in named)
    return is_number(path.row, path.field)


def _likely_table(problem: Problem, scenario: Scenario) -> Problem:
    """A path that begins with no table, with the table left out if its first part is an id of one."""
    first = problem.value
    if not first or problem.field.split(".")[0] != first or first in TABLES:
        return problem
    homes = ["rules"] if first in {rule.id for rule in scenario.rules} else []
    homes = homes or [
        name for name, row in TABLES.items() if row.key[0] == "id" and first in set(scenario.table(name)["id"])
    ]
    return (
        replace(problem, fix=f"did you mean {' or '.join(f'{home}.{first}' for home in homes)}?") if homes else problem
    )


def _change_rows(tables: Tables, path: Path, value: Any, found: list[Problem]) -> pd.DataFrame:
    table = tables[path.table]
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
            wrong = [by_name(problem, tables, path.table, path.field) for problem in wrong]
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


def _rules_named(path: Path, rules: Mapping[str, Rule]) -> list[str]:
    """The ids of the rules that a path names: with *, of those that have the field."""
    if path.keys != ("*",):
        return [name for name in path.keys if name in rules]
    field = path.field.split(".")[0]
    return [name for name, rule in rules.items() if field != "id" and field in type(rule).model_fields]


def _change_rules(rules: dict[str, Rule], path: Path, value: Any, found: list[Problem], tables: Tables) -> None:
    wrong: list[Problem] = []
    if path.keys != ("*",):
        _change_rule(rules, path, path.keys[0] if path.keys else "", value, wrong)
    elif not path.field:
        wrong.append(Problem("change", "names no field", field=path.text, fix="such as rules.*.in_force"))
    elif not (names := _rules_named(path, rules)):
        fields = dict.fromkeys(field for rule in rules.values() for field in type(rule).model_fields if field != "id")
        fix = suggestion(path.field, fields)
        wrong.append(Problem("change", "no rule has this field", field=path.text, fix=fix))
    else:
        for name in names:
            _change_rule(rules, path, name, value, wrong)
    found += [by_name(problem, tables, "rules") for problem in wrong]


def _change_rule(rules: dict[str, Rule], path: Path, name: str, value: Any, found: list[Problem]) -> None:
    if not path.field:
        if _blank(value):
            if rules.pop(name, None) is None:
                found.append(Problem("change", "there is no such rule", field=path.text, fix=suggestion(name, rules)))
        elif (rule := make_rule(name, value, found, "change", "rules.")) is not None:
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
    rule = make_rule(name, fields, found, "change", "rules.")
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
            # With *, only the base's own rules: a rule that a change put in is there for its own path.
            names = rules[0] if path.keys == ("*",) else path.keys
            before, after = ([_inner(each.get(name), path.field) for name in names] for each in rules)
            same = before == after
            if same and not path.field and before == [None]:
                continue
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
        alike = one.keys == other.keys or ("*",) in (one.keys, other.keys)
        return alike and (short == [""] or long[: len(short)] == short)
    table = base.table(one.table)
    return bool((matches(one, table) & matches(other, table)).any())


def _inner(fields: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        fields = fields.get(part) if isinstance(fields, Mapping) else None
    return fields
