"""Plans to files: a folder of tables, whole or not at all, and the changes that reproduce it."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocate.engine.starts import kept_starts
from allocate.plan.plan import START, Plan
from allocate.scenario.scenario import plain
from allocate.scenario.words import NUMBER
from allocate.scenario.writing import toml_value

TABLES = ("spend", "gains", "limits", "money", "routes", "places", "facts")
FILES = frozenset({*(f"{name}.csv" for name in TABLES), "plan.json", "changes.toml", START})
"""What a plan's folder holds."""
WHAT = "a plan"

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_plan(plan: Plan, folder: str | Path) -> None:
    """Write every table as CSV, all of them as plan.json, changes.toml, and start.json for `solve` to
    begin at. The folder appears complete or not at all;
    an older plan in it is replaced, and a folder that holds anything else is refused (FileExistsError)."""
    write_files(plan_files(plan), folder)


def write_files(texts: Mapping[str, str], folder: str | Path, known: Container[str] = FILES, what: str = WHAT) -> None:
    """Write texts by name as the files of a folder, which appears complete or not at all; an older one that holds
    nothing but `known` files is replaced, and any other is refused (FileExistsError)."""
    if refusal := in_the_way(folder, known, what):
        raise FileExistsError(refusal)
    folder = Path(folder).resolve()
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


def in_the_way(folder: str | Path, known: Container[str] = FILES, what: str = WHAT) -> str:
    """Why a plan (or other `known` files) cannot be written to this folder, '' where nothing but one stands there."""
    folder = Path(folder).resolve()
    if not folder.exists():
        return ""
    if not folder.is_dir():
        return f"{folder.name} is a file: choose another folder"
    others = sorted(path.name for path in folder.iterdir() if path.name not in known)
    return f"{folder.name} holds {others[0]}, which is no part of {what}: choose another folder" if others else ""


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
    tables = {f"{name}.csv": to_csv(table) for name, table in _tables(plan).items()}
    start = {START: kept_starts(plan._solved.problem) + "\n"}
    return tables | {"plan.json": to_json(plan), "changes.toml": changes_text(plan.scenario.changes)} | start


def _tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Every table, without what binary arithmetic leaves beyond a millionth of a pound in the limits on money."""
    tables = plan.tables()
    limits, columns = tables["limits"], ["amount", "low", "high", "slack"]
    money = limits["measure"] == "spend"
    limits.loc[money, columns] = limits.loc[money, columns].round(6) + 0.0
    return tables


def to_csv(table: pd.DataFrame) -> str:
    """A table as CSV that a spreadsheet may open: see `safe`; whole numbers have no decimal point."""
    table = safe(table)
    for column in table.select_dtypes("float"):
        table[column] = pd.Series([_figure(value) for value in table[column]], index=table.index, dtype=object)
    return table.to_csv(index=False, lineterminator="\n")


def _figure(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))


def to_json(plan: Plan) -> str:
    """Every table of a plan as JSON: table name to a list of rows, null for blanks and for open ends."""
    tables = {name: plain(finite(table)).to_dict("records") for name, table in _tables(plan).items()}
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
