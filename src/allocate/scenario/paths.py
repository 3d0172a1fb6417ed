"""Paths: how a change, the command line, a link and the evidence name a figure.

`table.key.field`, where the key's parts stand in the order of the table's key, `*` fits anything, the end of a key may
be left out, and so may the field where the table has an obvious one. `rules.name.field` names a rule's figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from allocate.errors import Problem
from allocate.scenario.tables import TABLES, Row, is_number
from allocate.scenario.words import suggestion

if TYPE_CHECKING:
    from allocate.scenario.scenario import Scenario


@dataclass(frozen=True)
class Path:
    """A path taken apart: `keys` may be shorter than the table's key."""

    text: str
    table: str
    keys: tuple[str, ...]
    field: str

    @property
    def row(self) -> type[Row]:
        return TABLES[self.table]


@lru_cache(maxsize=10_000)
def parse(text: str) -> Path | Problem:
    """The path in a text, or what is wrong with it. Rules (`rules.…`) keep the rest of the path in `keys`."""
    table, *rest = text.split(".")
    if table == "rules":
        return Path(text, table, tuple(rest[:1]), ".".join(rest[1:]))
    if table not in TABLES:
        known = [*TABLES, "rules"]
        return Problem("change", "is not a table of a scenario", field=text, value=table, fix=suggestion(table, known))
    row = TABLES[table]
    figures = [field for field in row.model_fields if field not in row.key]
    if rest and rest[-1] in figures:
        keys, field = rest[:-1], rest[-1]
    elif row.default and (len(rest) <= len(row.key) or is_number(row, row.key[-1])):
        keys, field = rest, row.default
    else:
        last = rest[-1] if rest else ""
        return Problem("change", f"is not a field of {table}", field=text, value=last, fix=suggestion(last, figures))
    if len(keys) > len(row.key) and is_number(row, row.key[-1]):
        keys = [*keys[: len(row.key) - 1], ".".join(keys[len(row.key) - 1 :])]
    if not keys or len(keys) > len(row.key):
        expected = f"does not name a row: expected {table}.{'.'.join(row.key)}"
        return Problem("change", expected, field=text, value=".".join(keys))
    return Path(text, table, tuple(keys), field)


def matches(path: Path, table: pd.DataFrame) -> np.ndarray:
    """Which rows of its table a path names: booleans, one per row."""
    return _fitting(path, [key_text(table[column]) for column in path.row.key], len(table))


def named(path: Path, scenario: Scenario) -> np.ndarray:
    """Which rows of its table in this scenario a path names: booleans, one per row."""
    return _fitting(path, scenario.key_texts(path.table), len(scenario._tables[path.table]))


def _fitting(path: Path, keys: Sequence[np.ndarray], count: int) -> np.ndarray:
    mask = np.ones(count, dtype=bool)
    for part, texts in zip(path.keys, keys, strict=False):
        if part != "*":
            mask &= texts == part
    return mask


def key_text(column: pd.Series) -> np.ndarray:
    """A key column as it stands in a path: whole amounts without a decimal point, blanks as ''."""
    values = column.tolist()
    if column.dtype == "float64":
        return np.array([f"{value:.15g}" for value in values], dtype=object)
    return np.array(["" if value is None else str(value) for value in values], dtype=object)


Panel = Literal["decision", "rule", "assumption"]


def panel(text: str) -> Panel:
    """Whose a path is: what partners decide (envelopes, routes, what outcomes count for), the rules they agreed, or an
    assumption, which is everything else. A text that is no path goes by the table that it begins with."""
    path = parse(text)
    table = text.split(".")[0]
    if table == "rules":
        return "rule"
    weight = isinstance(path, Path) and path.table == "outcomes" and path.field == "weight"
    return "decision" if weight or table in ("envelopes", "routes") else "assumption"


def exactness(path: Path) -> int:
    """How exact a pattern is: the number of key parts it names."""
    return sum(part != "*" for part in path.keys)
