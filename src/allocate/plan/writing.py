"""Plans to files: a folder of tables, whole or not at all, and the changes that reproduce it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from allocate.plan.plan import Plan
from allocate.scenario.writing import toml_value

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def write_plan(plan: Plan, folder: str | Path) -> None:
    """Write every table as CSV, all of them as plan.json, and changes.toml. The folder appears complete or not at all;
    an older plan in it is replaced, and a folder that holds anything else is refused (FileExistsError)."""
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / "plan.json").exists():
        raise FileExistsError(f"{folder} exists and holds no plan: choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".allocate-", dir=folder.parent))
    try:
        for name, table in plan.tables().items():
            safe(table).to_csv(made / f"{name}.csv", index=False, lineterminator="\n")
        (made / "plan.json").write_text(to_json(plan), encoding="utf-8")
        (made / "changes.toml").write_text(changes_text(plan.scenario.changes), encoding="utf-8")
        # mkdtemp makes a private folder; a plan is as open as any file its user makes.
        os.chmod(made, 0o777 & ~_umask())
        if folder.exists():
            shutil.rmtree(folder)
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def to_json(plan: Plan) -> str:
    """Every table of a plan as JSON: table name to a list of rows, null for blanks."""
    tables = {name: json.loads(table.to_json(orient="records")) for name, table in plan.tables().items()}
    return json.dumps(tables, indent=1, ensure_ascii=False) + "\n"


def changes_text(changes: Any) -> str:
    """Changes as TOML, a path a line, for `allocate solve --changes`; what was taken out is blank."""
    blank_for_none = ((path, "" if value is None else value) for path, value in changes.items())
    return "".join(f"{json.dumps(path)} = {toml_value(value)}\n" for path, value in blank_for_none)


def safe(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with texts that a spreadsheet would run as formulas made plain."""
    table = table.copy()
    for column in table.columns[table.dtypes == object]:
        table[column] = [
            "'" + value if isinstance(value, str) and value.startswith(DANGEROUS) else value for value in table[column]
        ]
    return table


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
