"""Plans to files: a folder of tables, whole or not at all, and the changes that reproduce it."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocate.plan.plan import Plan
from allocate.scenario.scenario import plain
from allocate.scenario.words import NUMBER
from allocate.scenario.writing import toml_value

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_plan(plan: Plan, folder: str | Path) -> None:
    """Write every table as CSV, all of them as plan.json, and changes.toml. The folder appears complete or not at all;
    an older plan in it is replaced, and a folder that holds anything else is refused (FileExistsError)."""
    folder = Path(folder).resolve()
    texts = plan_files(plan)
    others = sorted(path.name for path in folder.iterdir() if path.name not in texts) if folder.exists() else []
    if others:
        raise FileExistsError(f"{folder.name} holds {others[0]}, which is no part of a plan: choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".allocate-", dir=folder.parent))
    try:
        for name, text in texts.items():
            (made / name).write_text(text, encoding="utf-8", newline="")
        # mkdtemp makes a private folder; a plan is as open as any file its user makes.
        os.chmod(made, 0o777 & ~_umask())
        _put_in_place(made, folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _put_in_place(made: Path, folder: Path) -> None:
    """Rename a folder to its place. What stood there is only taken away once the new one stands, or is put back."""
    if not folder.exists():
        made.rename(folder)
        return
    old = made.with_name(made.name + ".old")
    folder.rename(old)
    try:
        made.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def plan_files(plan: Plan) -> dict[str, str]:
    """What `write_plan` writes: file name to text."""
    tables = {
        f"{name}.csv": safe(table).to_csv(index=False, lineterminator="\n") for name, table in plan.tables().items()
    }
    return tables | {"plan.json": to_json(plan), "changes.toml": changes_text(plan.scenario.changes)}


def to_json(plan: Plan) -> str:
    """Every table of a plan as JSON: table name to a list of rows, null for blanks and for open ends."""
    tables = {name: plain(finite(table)).to_dict("records") for name, table in plan.tables().items()}
    return json.dumps(tables, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def changes_text(changes: Any) -> str:
    """Changes as TOML, a path a line, for `allocate solve --changes`; what was taken out is blank."""
    return "".join(f"{json.dumps(path)} = {toml_value(_as_typed(value))}\n" for path, value in changes.items())


def _as_typed(value: Any) -> Any:
    """A change's value as somebody would type it: blank for nothing, and a plain number for one of NumPy's."""
    if value is None:
        return ""
    return value.item() if isinstance(value, np.generic) else value


def safe(table: pd.DataFrame) -> pd.DataFrame:
    """The same table as a spreadsheet may open it: texts that it would run as formulas made plain, open ends blank."""
    table = finite(table)
    for column in table.columns:
        if not pd.api.types.is_numeric_dtype(table[column]):
            table[column] = [_plain_text(value) for value in table[column]]
    return table


def _plain_text(value: Any) -> Any:
    dangerous = isinstance(value, str) and value.startswith(DANGEROUS) and not NUMBER.fullmatch(value)
    return "'" + value if dangerous else value


def finite(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with blanks for open ends."""
    return table.replace([math.inf, -math.inf], math.nan)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
