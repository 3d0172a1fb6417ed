"""Reading a scenario's folder: TOML and CSV to checked tables, with every problem found on the way."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from allocate.errors import Problem, ScenarioError
from allocate.scenario.checks import REFERENCES, Lost, id_of
from allocate.scenario.checks import problems as cross_problems
from allocate.scenario.rulebook import KINDS, SCOPE_TABLE, Rule
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES, Heading, Row, is_number, parts
from allocate.scenario.words import NUMBER, date_advice, id_advice, number_advice, suggestion, year_advice

Model = TypeVar("Model", bound=BaseModel)

BESIDE = ("README.md", "changes.toml")
"""Files a scenario's folder may hold that are not part of the scenario."""


def read(folder: str | Path) -> Scenario:
    """The scenario in a folder. Raises ScenarioError that lists every problem found, structure and sense alike."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ScenarioError(str(folder), [Problem(str(folder), "is not a folder", fix=nearby(folder))])
    found: list[Problem] = list(stray_files(folder))
    lost: Lost = {}
    heading = read_heading(folder, found)
    rules = read_rules(folder, found, lost)
    tables = {name: read_table(folder, row, found, lost) for name, row in TABLES.items()}
    found = [by_name(problem, tables) for problem in found]
    if heading is None or any(len(table) == 0 and not TABLES[name].optional for name, table in tables.items()):
        raise ScenarioError(str(folder), unique(found))
    scenario = Scenario(heading, rules, tables)
    found += cross_problems(scenario, lost)
    if found:
        raise ScenarioError(str(folder), unique(found))
    return scenario


def unique(found: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(found))


def by_name(problem: Problem, tables: Mapping[str, pd.DataFrame], table: str = "", column: str = "") -> Problem:
    """The problem with the id to write, where a name was typed in place of an id."""
    table, column = table or problem.where.partition(".")[0], column or problem.field.rpartition(".")[2]
    targets = {(name, field): target for name, field, target, _ in REFERENCES}
    targets |= {("rules", field): "partners" for field in ("owner", "proposer", "support", "by")}
    targets |= {("rules", part): target for part, (target, key) in SCOPE_TABLE.items() if key == "id"}
    target = targets.get((table, column), "")
    typed = problem.value.isascii() and problem.expected.startswith("is not an id")
    found = id_of(problem.value, tables[target]) if target and typed else ""
    return replace(problem, fix=f"did you mean {found}?") if found else problem


def nearby(folder: Path) -> str:
    beside = [path.name for path in folder.parent.iterdir() if path.is_dir()] if folder.parent.is_dir() else []
    return suggestion(folder.name, beside)


def stray_files(folder: Path) -> Iterator[Problem]:
    """Files that nothing would read: most often a name typed wrong, and then a table silently missing."""
    expected = [f"{name}.csv" for name in TABLES] + ["scenario.toml", "rules.toml"]
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "~$")) or path.name in (*expected, *BESIDE):
            continue
        near = suggestion(path.stem, [*TABLES, "rules", "scenario"])
        fix = near if path.suffix.lower() in (".csv", ".toml") else ""
        if path.stem in TABLES and not (folder / f"{path.stem}.csv").exists():
            fix = f"save it as {path.stem}.csv"
        yield Problem(path.name, "is not a file of a scenario", fix=fix or "move it out of the folder")


def read_text(path: Path, found: list[Problem]) -> str | None:
    """What a file says, or None with the reason added to `found`."""
    fix = "save it from the spreadsheet as 'CSV UTF-8'" if path.suffix == ".csv" else "save it as UTF-8 text"
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        found.append(Problem(path.name, f"byte {error.start + 1} is not UTF-8 text", line, fix=fix))
    except FileNotFoundError:
        found.append(Problem(path.name, "is missing"))
    except OSError as error:
        found.append(Problem(path.name, f"cannot be read: {error.strerror}"))
    else:
        if "\0" not in text:
            return text
        line = text[: text.index("\0")].count("\n") + 1
        found.append(Problem(path.name, "holds a NUL byte: it is not plain text, or it is damaged", line, fix=fix))
    return None


def read_toml(path: Path, found: list[Problem]) -> dict[str, Any] | None:
    text = read_text(path, found)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found.append(not_toml(path.name, text, str(error)))
        return None


def not_toml(name: str, text: str, message: str) -> Problem:
    """A complaint of the TOML reader, with the line it stumbled on."""
    at = re.search(r"\(at line (\d+), column \d+\)", message)
    row = int(at.group(1)) if at else None
    line = text.splitlines()[row - 1].strip() if row and row <= len(text.splitlines()) else ""
    fix = "texts stand in quotes, lists in [ ], and numbers have no commas or signs"
    return Problem(name, f"is not TOML: {message}", row, value=line[:80], fix=fix)


def read_heading(folder: Path, found: list[Problem]) -> Heading | None:
    data = read_toml(folder / "scenario.toml", found)
    return None if data is None else validated(Heading, data, found, "scenario.toml")


def read_rules(folder: Path, found: list[Problem], lost: Lost) -> tuple[Rule, ...]:
    if not (folder / "rules.toml").exists():
        return ()
    data = read_toml(folder / "rules.toml", found)
    rules = [make_rule(name, fields, found) for name, fields in sorted((data or {}).items())]
    if data is None or None in rules:
        lost["rules"] = {"*"}
    return tuple(rule for rule in rules if rule is not None)


def make_rule(name: str, fields: Any, found: list[Problem], where: str = "rules.toml", above: str = "") -> Rule | None:
    """A rule of the kind its fields name, or None with the reasons added to `found`.

    Problems name a field by `above`, the rule's id and the field.
    """
    path = above + name
    if not isinstance(fields, Mapping):
        found.append(Problem(where, "is not a rule: expected a table with a kind", field=path, value=str(fields)))
        return None
    kind = KINDS.get(str(fields.get("kind", "")))
    if kind is None:
        value = str(fields.get("kind", ""))
        fix = suggestion(value, KINDS) or f"known: {', '.join(sorted(KINDS))}"
        found.append(Problem(where, "is not a kind of rule", field=f"{path}.kind", value=value, fix=fix))
        return None
    rest = {key: value for key, value in fields.items() if key != "kind"}
    typed = {key: rest[key] for key in kind.figures if isinstance(rest.get(key), str | bool)}
    wrong = {key: str(value) for key, value in typed.items() if not NUMBER.fullmatch(str(value))}
    for key, text in wrong.items():
        fix = number_advice(text, key)
        found.append(Problem(where, "is not a number", field=f"{path}.{key}", value=text, fix=fix))
    return None if wrong else validated(kind, {"id": name} | rest, found, where, prefix=f"{path}.")


def validated(
    model: type[Model], data: Any, found: list[Problem], where: str, row: int | None = None, prefix: str = ""
) -> Model | None:
    """The model made from data, or None with a Problem for every field that does not fit."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found.extend(unique([as_problem(item, model, where, row, prefix) for item in error.errors()]))
        return None


def as_problem(item: ErrorDetails, model: type[BaseModel], where: str, row: int | None, prefix: str) -> Problem:
    """One of the library's complaints in the words of this field."""
    field = ".".join(str(part) for part in item["loc"] if not isinstance(part, int))
    value, fix, context = item["input"], "", item.get("ctx", {})
    if not field:
        return whole_problem(item, model, where, row, prefix)
    if item["type"] == "missing":
        value, expected = "", "is required"
    elif item["type"] == "extra_forbidden":
        value, expected, fix = "", "is not a field here", field_advice(model, field.split("."))
    elif item["type"] == "string_pattern_mismatch":
        text = str(value)
        if "\\d{4}" in context.get("pattern", ""):
            expected, fix = "is not a year: expected such as 2026/27 or 2026", year_advice(text)
        else:
            expected, fix = "is not an id: expected lower-case letters, digits and hyphens", id_advice(text)
    elif item["type"] == "string_type":
        expected, fix = "must be text", f'put it in quotes: "{value}"' if isinstance(value, int | float) else ""
        if field.split(".")[-1] == "years":
            value, fix = "", 'write years as text, such as ["2026"]'
    elif item["type"] == "less_than_equal" and context.get("le") == 1 and field == "exponent":
        expected = "must be above 0 and at most 1, where 1 is a straight line"
    elif item["type"] == "less_than_equal" and context.get("le") == 1:
        expected = "must be a fraction, at most 1"
        fix = f"for {value:g} per cent write {value / 100:g}" if isinstance(value, int | float) else ""
    elif field.rpartition(".")[2] in dates(model) and item["type"] == "value_error":
        expected, fix = "is not a date: expected such as 2026-03-31", date_advice(str(value))
    elif item["type"] == "finite_number":
        expected = "must be a finite number"
    elif item["type"] == "tuple_type":
        expected, fix = "must be a list", f'write ["{value}"]' if isinstance(value, str | int | float) else ""
    elif item["type"] in ("model_type", "model_attributes_type"):
        expected, fix = "must say which lines", 'such as { places = ["north"] }'
    else:
        expected = item["msg"].removeprefix("Input ").removeprefix("Value error, ")
        expected = expected[0].lower() + expected[1:]
    return Problem(where, expected, row, prefix + field, "" if isinstance(value, dict) else str(value), fix)


def whole_problem(item: ErrorDetails, model: type[BaseModel], where: str, row: int | None, prefix: str) -> Problem:
    """What is wrong with several fields at once: it names the first that its words begin with, if any."""
    said = item["msg"].removeprefix("Input ").removeprefix("Value error, ")
    first, _, rest = said.partition(" ")
    if first in model.model_fields:
        return Problem(where, rest, row, prefix + first)
    return Problem(where, said[0].lower() + said[1:], row, prefix.removesuffix("."))


def dates(model: type[BaseModel]) -> set[str]:
    """The fields of a model that hold dates."""
    return {name for name, field in model.model_fields.items() if date in parts(field.annotation)}


def field_advice(model: type[BaseModel], path: list[str]) -> str:
    """The field that somebody who typed the last part of this path most likely meant."""
    for part in path[:-1]:
        inner = parts(model.model_fields[part].annotation) if part in model.model_fields else ()
        model = next((kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)), model)
    return suggestion(path[-1].replace("_", "-"), [f.replace("_", "-") for f in model.model_fields]).replace("-", "_")


def read_table(folder: Path, row: type[Row], found: list[Problem], lost: Lost) -> pd.DataFrame:
    """One table of the scenario, sorted by its key; rows that do not fit are reported, and noted in `lost`."""
    path = folder / f"{row.table}.csv"
    if row.optional and not path.exists():
        return frame(row, {})
    before, rows = len(found), {}
    text = read_text(path, found)
    for number, cells in read_cells(path.name, text or "", row, found):
        if not cells:
            lost.setdefault(row.table, set()).add("*")
            continue
        so_far = len(found)
        fitted = fit(row, cells, found, path.name, number)
        if fitted is not None:
            rows[number] = fitted
        else:
            sound = "id" in cells and "id" not in {problem.field for problem in found[so_far:]}
            lost.setdefault(row.table, set()).add(cells["id"] if sound else "*")
    if not rows and len(found) == before and not row.optional:
        found.append(Problem(path.name, "has no rows"))
    if not rows and len(found) > before:
        lost[row.table] = {"*"}
    return frame(row, rows)


def read_cells(name: str, text: str, row: type[Row], found: list[Problem]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV as (line number, column to text), blanks left out. Problems of shape are reported; a row that
    has the wrong shape is given as an empty one."""
    try:
        lines = list(numbered(text))
    except csv.Error as error:
        found.append(Problem(name, f"is not CSV: {error}", fix="is a quotation mark opened and never closed?"))
        return
    if not lines:
        return
    top, header = lines[0]
    columns = [cell.strip() for cell in header]
    while not columns[-1] and not any(any(cell.strip() for cell in cells[len(columns) - 1 :]) for _, cells in lines):
        columns.pop()
    fields, good = row.model_fields, True
    if len(columns) == 1 and (";" in header[0] or "\t" in header[0]):
        fix = "save it with commas, as 'CSV UTF-8 (comma delimited)'"
        found.append(Problem(name, "has one column: expected commas between columns", top, "", header[0][:60], fix))
        return
    for column in columns:
        if not column:
            found.append(Problem(name, "a column has no name", top))
        elif column not in fields:
            found.append(Problem(name, "is not a column here", top, "", column, column_advice(column, fields)))
        elif columns.count(column) > 1:
            found.append(Problem(name, "stands twice among the columns", top, "", column, "take one of them out"))
        else:
            continue
        good = False
    for field, info in fields.items():
        if info.is_required() and field not in columns:
            good = False
            found.append(Problem(name, "this column is missing", top, field, "", "add it to the first row"))
    for number, cells in lines[1:] if good else ():
        # Spreadsheets may leave out blank cells at the end of a row, but not its line end.
        cut_off = len(cells) < len(columns) and number == lines[-1][0] and not text.endswith(("\n", "\r"))
        if cut_off or len(cells) > len(header):
            fix = "quote a text that holds a comma; write amounts without commas"
            expected = f"has {len(cells)} cells for {len(columns)} columns"
            fix = "the file ends here: is it cut off?" if cut_off else fix
            found.append(Problem(name, expected, number, value=",".join(cells)[:80], fix=fix))
            yield number, {}
        else:
            yield number, {c: cell for c, cell in zip(columns, cells, strict=False) if cell.strip()}


def column_advice(column: str, fields: Iterable[str]) -> str:
    """The column that somebody who typed this name most likely meant."""
    return suggestion(column, [field.replace("_", "-") for field in fields]).replace("-", "_")


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
        if not is_number(row, column) or not isinstance(cell, str | bool):
            values[column] = cell
        elif isinstance(cell, str) and NUMBER.fullmatch(cell.strip()):
            values[column] = float(cell) + 0.0
        else:
            cell = str(cell)
            good = False
            found.append(Problem(where, "is not a number", number, column, cell, number_advice(cell, column)))
    if not good:
        return None
    return validated(row, values, found, where, number)


def frame(row: type[Row], rows: Mapping[int, Row]) -> pd.DataFrame:
    """Rows as a table: every field a column, floats for figures, indexed by line number, sorted by key."""

    def key(number: int) -> list:
        # Keys may hold blanks (a use that fits any partner), which do not compare with text.
        found = (getattr(rows[number], part) for part in row.key)
        return ["" if value is None else value for value in found]

    order = sorted(rows, key=key)
    # One index for all columns: pandas then has nothing to align.
    index = pd.Index(order, dtype="int64")
    return pd.DataFrame({
        field: pd.Series(
            [getattr(rows[number], field) for number in order],
            dtype="float64" if is_number(row, field) else object,
            index=index,
        )
        for field in row.model_fields
    }, index=index)  # fmt: skip
