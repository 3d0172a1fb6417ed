"""A what-if: a dict of paths to values laid over a scenario, giving a new one checked as a whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from allocate.errors import Problem, ScenarioError
from allocate.scenario.checks import figure_problems
from allocate.scenario.checks import problems as cross_problems
from allocate.scenario.paths import Path, key_text, named, parse
from allocate.scenario.reading import by_name, fit, make_rule
from allocate.scenario.rulebook import Rule, record
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES, is_money, is_number
from allocate.scenario.values import dates_told, factor, factor_text, times
from allocate.scenario.words import suggestion

Tables = Mapping[str, pd.DataFrame]
Array = np.ndarray


def changed(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """See `Scenario.change`."""
    found: list[Problem] = []
    base = scenario.base or scenario
    changes = {text: _as_kept(value) for text, value in changes.items()}
    tables = dict(scenario._tables)
    rules = {rule.id: rule for rule in scenario.rules}
    names_stay = True
    for text, value in changes.items():
        path = parse(text)
        if isinstance(path, Problem):
            found.append(_likely_table(path, scenario))
        elif path.table == "rules":
            _change_rules(rules, path, value, found, base)
        else:
            names_stay &= is_number(path.row, path.field)
            tables[path.table] = _change_rows(tables[path.table], path, value, found, base)
    if found:
        raise ScenarioError("change", found)
    # A path told again moves to the end, so that laying `changes` over the base in their order gives this scenario.
    again = [text for text in scenario.changes if text in changes or ".".join(text.split(".")[:2]) in changes]
    told = {text: value for text, value in scenario.changes.items() if text not in again} | changes
    shared = scenario._shared if names_stay else {}
    new = Scenario(scenario.heading, tuple(rules[name] for name in sorted(rules)), tables, told, base, shared)
    found = figure_problems(new, scenario) if names_stay else cross_problems(new)
    if found:
        raise ScenarioError("change", [replace(each, where=f"after the change, {each.where}") for each in found])
    kept = _still_different(told, base, new)
    return new if len(kept) == len(told) else replace(new, changes=kept)


def _as_kept(value: Any) -> Any:
    """A change's value as `changes` keeps it: factors in one spelling, dates as text."""
    by = factor(value)
    return dates_told(value) if by is None or not math.isfinite(by) else factor_text(by)


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


def _change_rows(table: pd.DataFrame, path: Path, value: Any, found: list[Problem], base: Scenario) -> pd.DataFrame:
    """The table with this value, or with what was read times this factor, in the rows that a path names."""
    rows, key = np.flatnonzero(named(path, base)), list(path.row.key)
    if not len(rows):
        fix = _likely_key(table, path)
        found.append(Problem("change", f"names no row of {path.table}", field=path.text, fix=fix))
        return table
    if len(rows) > 1 and "*" not in path.keys:
        choices = ", ".join(".".join(str(part) for part in row) for row in table[key].to_numpy()[rows[:4]])
        expected = f"names {len(rows)} rows of {path.table}: {choices} ..."
        found.append(Problem("change", expected, field=path.text, fix="name one of them, or use * for all"))
        return table
    by = factor(value)
    cells = _one_cell(table, path, rows, value, found, base) if by is None else _times(path, rows, by, found, base)
    if cells is None:
        return table
    table = table.copy()
    column = table[path.field].to_numpy(copy=True)
    column[rows] = cells
    table[path.field] = pd.Series(column, index=table.index, dtype=column.dtype)
    return table


def _one_cell(table: pd.DataFrame, path: Path, rows: Array, value: Any, found: list[Problem], base: Scenario) -> Any:
    """What stands in a cell to which this value is given, the same in every row; None with the reasons in `found`."""
    row = table.iloc[rows[0]]
    cells = {column: cell for column, cell in row.items() if not _blank(cell)} | {path.field: value}
    if value is None or value == "":
        del cells[path.field]
    wrong: list[Problem] = []
    fitted = fit(path.row, cells, wrong, "change", None)
    if fitted is None:
        wrong = [by_name(problem, base._tables, path.table, path.field) for problem in wrong]
        found += [replace(problem, field=path.text) for problem in wrong]
        return None
    cell = getattr(fitted, path.field)
    if is_number(path.row, path.field):
        return np.array([np.nan if cell is None else cell + 0.0])
    return np.array([cell], dtype=object)


def _times(path: Path, rows: Array, by: float, found: list[Problem], base: Scenario) -> Array | None:
    """The figures of these rows as they were read, times a factor; None with the reason in `found`. Blanks stay."""
    if not is_number(path.row, path.field):
        expected = "is no figure, so nothing can be taken times it"
        found.append(Problem("change", expected, field=path.text, value=factor_text(by)))
        return None
    read, whole = base._tables[path.table][path.field].to_numpy()[rows], is_money(path.row, path.field)
    if wrong := _bad_factor(by, np.isnan(read).all()):
        found.append(Problem("change", wrong, field=path.text, value=factor_text(by)))
        return None
    figures = np.array([figure if np.isnan(figure) else times(figure, by, whole) for figure in read])
    # What a field may hold is a range: if its ends fit, so does all between them.
    for row in {int(np.nanargmin(figures)), int(np.nanargmax(figures))}:
        if _one_cell(base._tables[path.table], path, rows[[row]], float(figures[row]), found, base) is None:
            return None
    return figures


def _bad_factor(by: float, blank: bool) -> str:
    """Why nothing can be multiplied by this factor, or ''."""
    if blank:
        return "is blank as it was read: there is nothing to multiply"
    return "" if 0 <= by < np.inf else "is not a factor: expected a finite number, 0 or more, such as x0.8"


def _likely_key(table: pd.DataFrame, path: Path) -> str:
    """Which part of a key that names no row was most likely mistyped, and for what."""
    for part, column in zip(path.keys, path.row.key, strict=False):
        if part != "*":
            known = key_text(table[column])
            if not (known == part).any():
                return f"{column} {part}: {suggestion(part, dict.fromkeys(known)) or 'unknown'}"
            table = table[known == part]
    return ""


def _rules_named(path: Path, rules: Mapping[str, Rule]) -> list[str]:
    """The ids of the rules that a path names: with *, of those that have the field."""
    if path.keys != ("*",):
        return [name for name in path.keys if name in rules]
    field = path.field.split(".")[0]
    return [name for name, rule in rules.items() if field != "id" and field in type(rule).model_fields]


def _change_rules(rules: dict[str, Rule], path: Path, value: Any, found: list[Problem], base: Scenario) -> None:
    wrong: list[Problem] = []
    by = factor(value)
    if path.keys == ("*",) and not path.field:
        wrong.append(Problem("change", "names no field", field=path.text, fix="such as rules.*.in_force"))
    elif path.keys == ("*",) and not _rules_named(path, rules):
        fields = dict.fromkeys(field for rule in rules.values() for field in type(rule).model_fields if field != "id")
        fix = suggestion(path.field, fields)
        wrong.append(Problem("change", "no rule has this field", field=path.text, fix=fix))
    elif by is not None and path.field:
        _times_rules(rules, path, by, wrong, base)
    else:
        names = _rules_named(path, rules) if path.keys == ("*",) else [path.keys[0] if path.keys else ""]
        for name in names:
            _change_rule(rules, path, name, value, wrong)
    found += [by_name(problem, base._tables, "rules") for problem in wrong]


def _times_rules(rules: dict[str, Rule], path: Path, by: float, found: list[Problem], base: Scenario) -> None:
    """The figure of the rules that a path names, as it was read, times a factor. With *, of the rules that were read,
    and what was blank is blank."""
    read = {rule.id: rule for rule in base.rules}
    if path.keys != ("*",) and path.keys[0] not in rules:
        _change_rule(rules, path, path.keys[0], None, found)
        return
    figures = {name: _figure(read.get(name), path.field) for name in _rules_named(path, rules)}
    if all(figure is None for figure in figures.values()):
        expected = "is no figure of a rule that was read: there is nothing to multiply"
        found.append(Problem("change", expected, field=path.text, value=factor_text(by)))
        return
    if wrong := _bad_factor(by, False):
        found.append(Problem("change", wrong, field=path.text, value=factor_text(by)))
        return
    for name, figure in figures.items():
        if name in read and path.field in type(read[name]).figures:
            whole = is_money(type(read[name]), path.field) and getattr(read[name], "measure", "spend") == "spend"
            value = None if figure is None else times(figure, by, whole)
            _change_rule(rules, path, name, value, found)


def _figure(rule: Rule | None, field: str) -> float | None:
    """A figure of a rule; None where there is no such rule, the field is no figure, or it is blank."""
    return getattr(rule, field) if rule is not None and field in rule.figures else None


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


def _still_different(told: Mapping[str, Any], base: Scenario, new: Scenario) -> dict[str, Any]:
    """The changes that still make a difference: a figure put back is no longer a change, unless it is put back from
    under a wider change that still stands."""
    kept: dict[str, Path] = {}
    for text in told:
        path = parse(text)
        if not isinstance(path, Path):
            continue
        if path.table == "rules":
            same, nothing = _same_rules(path, base, new)
            if nothing:
                continue
        else:
            rows = named(path, base)
            before, after = (scenario._tables[path.table][path.field][rows] for scenario in (base, new))
            same = before.equals(after)
        if not same or any(_overlap(path, other, base) for other in kept.values()):
            kept[text] = path
    return {text: told[text] for text in kept}


def _same_rules(path: Path, base: Scenario, new: Scenario) -> tuple[bool, bool]:
    """Whether what a path names in the rules is the same in both, and whether it is a rule that neither has."""
    books = [{rule.id: rule for rule in scenario.rules} for scenario in (base, new)]
    # With *, only the base's own rules: a rule that a change put in is there for its own path.
    names = books[0] if path.keys == ("*",) else path.keys
    before, after = (
        [_inner(record(book[name]) if name in book else None, path.field) for name in names] for book in books
    )
    return before == after, before == after == [None] and not path.field


def _overlap(one: Path, other: Path, base: Scenario) -> bool:
    """Whether two paths name a field in common."""
    if one.table != other.table or (one.table != "rules" and one.field != other.field):
        return False
    if one.table == "rules":
        short, long = sorted((one.field.split("."), other.field.split(".")), key=len)
        alike = one.keys == other.keys or ("*",) in (one.keys, other.keys)
        return alike and (short == [""] or long[: len(short)] == short)
    return bool((named(one, base) & named(other, base)).any())


def _inner(fields: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        fields = fields.get(part) if isinstance(fields, Mapping) else None
    return fields
