"""Opening positions: what each place has today, from a mapping or a file of two columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from allocate.errors import Problem, ScenarioError
from allocate.places.sheets import csv_rows
from allocate.scenario.words import NUMBER, number_advice, slug, suggestion


def openings(told: Mapping[str, float] | pd.Series | str | Path, names: Mapping[str, str], ids: Sequence[str]
             ) -> pd.Series:  # fmt: skip
    """Pounds by place id, in the order of `ids`. Raises ScenarioError: places unknown, missing or told twice, amounts
    that are none."""
    found: list[Problem] = []
    if isinstance(told, str | Path):
        where, rows = Path(told).name, _rows(Path(told), found)
    else:
        where, rows = "opening", [(None, str(place), amount) for place, amount in dict(told).items()]
    amounts: dict[str, float] = {}
    lookup = {slug(names[place]): place for place in ids} | {place: place for place in ids}
    known = not found
    for row, text, amount in rows:
        place = lookup.get(slug(text), "")
        if not place:
            fix = suggestion(text, [slug(names[p]) for p in ids])
            found.append(Problem(where, "is not a place of this drawing", row, "place", text, fix))
            known = False
        elif place in amounts:
            found.append(Problem(where, "stands twice", row, "place", text, "add the amounts up"))
        else:
            amounts[place] = _amount(amount, where, row, text, found)
    missing = [names[place] for place in ids if place not in amounts]
    if missing and known:
        value = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        found.append(Problem(where, "no opening position for these places", value=value))
    if found:
        raise ScenarioError(where, found)
    return pd.Series(amounts, dtype=float).loc[list(ids)].rename_axis("place").rename("opening")


def _amount(amount: object, where: str, row: int | None, place: str, found: list[Problem]) -> float:
    written = isinstance(amount, str) and NUMBER.fullmatch(amount.strip())
    if not written and (isinstance(amount, bool) or not isinstance(amount, int | float | np.number)):
        text = str(amount)
        found.append(Problem(where, "is not a number of pounds", row, "amount", text, number_advice(text, "amount")))
        return math.nan
    value = float(amount)  # type: ignore[arg-type]
    if not (math.isfinite(value) and value >= 0):
        found.append(Problem(where, "must be pounds, 0 or more", row, place, str(amount)))
    return value


def _rows(path: Path, found: list[Problem]) -> list[tuple[int | None, str, object]]:
    """The rows of a CSV with the columns place and amount."""
    lines = csv_rows(path, found)
    if not lines:
        if lines is not None:
            found.append(Problem(path.name, "is empty: expected the columns place and amount"))
        return []
    top, header = lines[0]
    columns = [cell.strip().casefold() for cell in header]
    for column in ("place", "amount"):
        if column not in columns:
            fix = f"the first row has: {', '.join(header)}"
            found.append(Problem(path.name, "this column is missing", top, column, fix=fix))
    if found:
        return []
    at, pounds = columns.index("place"), columns.index("amount")
    return [
        (number, cells[at].strip() if at < len(cells) else "", cells[pounds].strip() if pounds < len(cells) else "")
        for number, cells in lines[1:]
    ]
