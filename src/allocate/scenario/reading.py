"""Reading a scenario's folder: TOML and CSV to checked tables, with every problem found on the way."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from allocate.errors import Problem, ScenarioError
from allocate.scenario.checks import problems as cross_problems
from allocate.scenario.rulebook import KINDS, Rule
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES, Heading, Row, is_number
from allocate.scenario.words import NUMBER, id_advice, number_advice, suggestion

Model = TypeVar("Model", bound=BaseModel)

BESIDE = ("README.md", "changes.toml")
"""Files a scenario's folder may hold that are not part of the scenario."""


def read(folder: str | Path) -> Scenario:
    """The scenario in a folder. Raises ScenarioError that lists every problem found, structure and sense alike."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ScenarioError(str(folder), [Problem(str(folder), "is not a folder", fix=nearby(folder))])
    found: list[Problem] = list(stray_files(folder))
    heading = read_heading(folder, found)
    rules = read_rules(folder, found)
    tables = {name: read_table(folder, row, found) for name, row in TABLES.items()}
    if heading is None or any(len(table) == 0 and not TABLES[name].optional for name, table in tables.items()):
        raise ScenarioError(str(folder), found)
    scenario = Scenario(heading, rules, tables)
    found += cross_problems(scenario)
    if found:
        raise ScenarioError(str(folder), unique(found))
    return scenario


def unique(found: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(found))


def nearby(folder: Path) -> str:
    beside = [path.name for path in folder.parent.iterdir() if path.is_dir()] if folder.parent.is_dir() else []
    return suggestion(folder.name, beside)


def stray_files(folder: Path) -> Iterator[Problem]:
    """Files that nothing would read: most often a name typed wrong, and then a table silently missing."""
    expected = [f"{name}.csv" for name in TABLES] + ["scenario.toml", "rules.toml"]
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "~$")) or path.name in (*expected, *BESIDE):
            continue
        yield Problem(path.name, "is not a file of a scenario", fix=suggestion(path.stem, [*TABLES, "rules", "scenario"]))


def read_text(path: Path, found: list[Problem]) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found.append(
            Problem(
                path.name, f"byte {error.start + 1} is not UTF-8 text",
                fix="save it from the spreadsheet as 'CSV UTF-8'",
            )
        )  # fmt: skip
    except FileNotFoundError:
        found.append(Problem(path.name, "is missing"))
    return None


def read_toml(path: Path, found: list[Problem]) -> dict[str, Any] | None:
    text = read_text(path, found)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found.append(Problem(path.name, f"is not TOML: {error}"))
        return None


def read_heading(folder: Path, found: list[Problem]) -> Heading | None:
    data = read_toml(folder / "scenario.toml", found)
    return None if data is None else validated(Heading, data, found, "scenario.toml")


def read_rules(folder: Path, found: list[Problem]) -> tuple[Rule, ...]:
    if not (folder / "rules.toml").exists():
        return ()
    data = read_toml(folder / "rules.toml", found) or {}
    rules = [make_rule(name, fields, found) for name, fields in sorted(data.items())]
    return tuple(rule for rule in rules if rule is not None)


def make_rule(name: str, fields: Any, found: list[Problem], where: str = "rules.toml") -> Rule | None:
    """A rule of the kind its fields name, or None with the reasons added to `found`."""
    if not isinstance(fields, Mapping):
        found.append(Problem(where, "is not a rule: expected a table with a kind", field=name, value=str(fields)))
        return None
    kind = KINDS.get(str(fields.get("kind", "")))
    if kind is None:
        value = str(fields.get("kind", ""))
        found.append(
            Problem(where, "is not a kind of rule", field=f"{name}.kind", value=value, fix=suggestion(value, KINDS))
        )
        return None
    rest = {key: value for key, value in fields.items() if key != "kind"}
    return validated(kind, {"id": name} | rest, found, where, prefix=f"{name}.")


def validated(
    model: type[Model], data: Any, found: list[Problem], where: str, row: int | None = None, prefix: str = ""
) -> Model | None:
    """The model made from data, or None with a Problem for every field that does not fit."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found.extend(as_problem(item, model, where, row, prefix) for item in error.errors())
        return None


def as_problem(item: ErrorDetails, model: type[BaseModel], where: str, row: int | None, prefix: str) -> Problem:
    """One of the library's complaints in the words of this field."""
    field = ".".join(str(part) for part in item["loc"] if not isinstance(part, int))
    name, context = str(item["loc"][0]) if item["loc"] else "", item.get("ctx", {})
    value, fix = item["input"], ""
    if item["type"] == "missing":
        value, expected = "", "is required"
    elif item["type"] == "extra_forbidden":
        value, expected = "", "is not a field here"
        fix = suggestion(field.split(".")[-1].replace("_", "-"), [f.replace("_", "-") for f in model.model_fields])
        fix = fix.replace("-", "_")
    elif item["type"] == "string_pattern_mismatch":
        text = str(value)
        if "\\d{4}" in context.get("pattern", ""):
            expected = "is not a year: expected such as 2026/27 or 2026"
        else:
            expected, fix = "is not an id: expected lower-case letters, digits and hyphens", id_advice(text)
    elif item["type"] == "less_than_equal" and context.get("le") == 1:
        expected = "must be a fraction, at most 1"
        fix = f"for {value:g} per cent write {value / 100:g}" if isinstance(value, int | float) else ""
    elif item["type"] == "finite_number":
        expected = "must be a finite number"
    else:
        expected = item["msg"][0].lower() + item["msg"][1:].replace("Input should", "should").replace("Value error, ", "")
        expected = expected.removeprefix("input ").removeprefix("value error, ")
    return Problem(where, expected, row, prefix + field, "" if isinstance(value, dict) else str(value), fix)


def read_table(folder: Path, row: type[Row], found: list[Problem]) -> pd.DataFrame:
    """One table of the scenario, sorted by its key; rows that do not fit are left out and reported."""
    path = folder / f"{row.table}.csv"
    if row.optional and not path.exists():
        return frame(row, {})
    text = read_text(path, found)
    rows: dict[int, Row] = {}
    for number, cells in read_cells(path.name, text or "", row, found):
        fitted = fit(row, cells, found, path.name, number)
        if fitted is not None:
            rows[number] = fitted
    if text is not None and not rows and not row.optional:
        found.append(Problem(path.name, "has no usable rows"))
    return frame(row, rows)


def read_cells(name: str, text: str, row: type[Row], found: list[Problem]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV as (line number, column to text), blanks left out; problems of shape are reported."""
    try:
        lines = list(numbered(text))
    except csv.Error as error:
        found.append(Problem(name, f"is not CSV: {error}"))
        return
    if not lines:
        return
    _, header = lines[0]
    columns = [cell.strip() for cell in header]
    fields = row.model_fields
    if len(columns) == 1 and (";" in header[0] or "\t" in header[0]):
        found.append(Problem(name, "has one column: expected commas between columns", 1, value=header[0][:60]))
        return
    for column in columns:
        if column not in fields:
            found.append(Problem(name, "is not a column here", 1, "", column, suggestion(column, fields)))
        elif columns.count(column) > 1:
            found.append(Problem(name, "stands twice among the columns", 1, "", column))
    for field, info in fields.items():
        if info.is_required() and field not in columns:
            found.append(Problem(name, "this column is missing", 1, field))
    if any(column not in fields for column in columns):
        return
    for number, cells in lines[1:]:
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            found.append(
                Problem(
                    name, f"has {len(cells)} cells for {len(columns)} columns", number,
                    value=",".join(cells)[:80], fix="quote a text that holds a comma; write amounts without commas",
                )
            )  # fmt: skip
            continue
        yield number, {c: cell for c, cell in zip(columns, cells, strict=False) if cell.strip()}


def numbered(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV that hold anything, each with the line it starts on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield start, cells
        start = reader.line_num + 1


def fit(row: type[Row], cells: Mapping[str, Any], found: list[Problem], where: str, number: int | None) -> Row | None:
    """A row made from what was typed: numbers are read strictly, so that no slip passes as a figure."""
    values: dict[str, Any] = {}
    good = True
    for column, cell in cells.items():
        if not is_number(row, column) or not isinstance(cell, str):
            values[column] = cell
        elif NUMBER.fullmatch(cell.strip()):
            values[column] = float(cell)
        else:
            good = False
            found.append(Problem(where, "is not a number", number, column, cell, number_advice(cell)))
    if not good:
        return None
    return validated(row, values, found, where, number)


def frame(row: type[Row], rows: Mapping[int, Row]) -> pd.DataFrame:
    """Rows as a table: every field a column, floats for figures, indexed by line number, sorted by key."""
    columns = {
        field: pd.Series(
            [getattr(item, field) for item in rows.values()],
            dtype="float64" if is_number(row, field) else object,
            index=list(rows),
        )
        for field in row.model_fields
    }
    table = pd.DataFrame(columns, index=pd.Index(list(rows), dtype="int64"))
    # Keys may hold blanks (a use that fits any partner), which do not compare with text.
    order = table[list(row.key)].fillna("").sort_values(list(row.key), kind="stable").index if len(table) else table.index
    return table.loc[order]
