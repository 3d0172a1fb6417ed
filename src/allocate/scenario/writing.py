"""Writing a scenario as a folder that `read` takes back unchanged."""

from __future__ import annotations

import csv
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from allocate.scenario.rulebook import Rule, record
from allocate.scenario.scenario import Scenario, plain
from allocate.scenario.tables import TABLES, Heading

BARE = re.compile(r"[A-Za-z0-9_-]+")
UNSEEN = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
"""Characters that JSON leaves as they are, but TOML refuses or a reader may take for the end of a line."""


def write(scenario: Scenario, folder: str | Path) -> None:
    """Write every table, the heading and the rules. The folder is made; its files of these names are replaced."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.toml").write_text(toml_lines(scenario.heading.model_dump(mode="json")), encoding="utf-8")
    if scenario.rules:
        text = "\n".join(f"[{rule.id}]\n{toml_lines(record(rule) | _dates(rule))}" for rule in scenario.rules)
        (folder / "rules.toml").write_text(text, encoding="utf-8")
    else:
        (folder / "rules.toml").unlink(missing_ok=True)
    for name, row in TABLES.items():
        table, path = plain(scenario.table(name)), folder / f"{name}.csv"
        if not len(table) and row.optional:
            path.unlink(missing_ok=True)
            continue
        with open(path, "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(table.columns)
            out.writerows([_cell(value) for value in row] for row in table.to_numpy())


def _dates(rule: Rule) -> dict[str, date]:
    """The fields of a rule that are dates, which its record holds as text."""
    return {name: value for name, value in rule if isinstance(value, date)}


def toml_lines(fields: dict[str, Any]) -> str:
    """Flat TOML: one key a line, nested tables inline."""
    return "".join(f"{_toml_key(key)} = {toml_value(value)}\n" for key, value in fields.items())


def toml_value(value: Any) -> str:
    """A value as TOML, on one line. TOML has no word for None: fields of a table that are None are left out."""
    if isinstance(value, dict):
        fields = [f"{_toml_key(key)} = {toml_value(inner)}" for key, inner in value.items() if inner is not None]
        return "{ " + ", ".join(fields) + " }" if fields else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(inner) for inner in value) + "]"
    if isinstance(value, date):
        return value.isoformat()
    # JSON's strings, booleans and finite numbers are TOML's too, but for one control character.
    text = json.dumps(value, ensure_ascii=False)
    return text.translate(UNSEEN) if isinstance(value, str) else text


def _toml_key(key: str) -> str:
    return key if BARE.fullmatch(key) else toml_value(key)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(value)
    return str(value)


def schema() -> dict[str, Any]:
    """JSON Schema of every table's row and of scenario.toml, by file name; kinds of rule under rules.toml."""
    from allocate.scenario.rulebook import KINDS

    files = {f"{name}.csv": row.model_json_schema() for name, row in TABLES.items()}
    rules = {name: kind.model_json_schema() for name, kind in KINDS.items()}
    return {"scenario.toml": Heading.model_json_schema(), **files, "rules.toml": rules}
