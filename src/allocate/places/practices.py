"""NHS England's practice-level file of weighted populations: read, checked, and listed by system."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from allocate.errors import Problem, ScenarioError
from allocate.places.headings import COMPONENTS, LABELS, REQUIRED, WHERE, known, likelihood, meaning
from allocate.places.sheets import Grid, grids
from allocate.scenario.words import NUMBER, THOUSANDS, number_advice

CODE = re.compile(r"[A-Z](?=[A-Z]*\d)[A-Z0-9]{4,7}")
"""A practice's code in the NHS's register of organisations: a letter and mostly five digits."""
YEAR = re.compile(r"(20\d\d)\D{1,3}(?:20)?(\d\d)(?!\d)")
HEADING_WITHIN = 60
"""The row of column names is looked for in so many rows from the top."""
ENGLAND = {"latitude": (49.8, 55.9), "longitude": (-6.5, 1.9)}
"""Degrees between which England lies."""
WHOLE = 2e-3
"""In England as a whole every component's weighted population equals the registered population, as near as this."""


@dataclass(frozen=True, eq=False)
class Practices:
    """Every general practice of a file.

    table   one row a practice, indexed by code: name, system, system_name, region, district, district_name, pcn,
            pcn_name ('' where the file has none), population (people), the components it has (weighted people), and
            latitude and longitude where it has them (degrees; NaN where it says none in England)
    file    the name of the file it was read from, and `digest`, the SHA-256 of its bytes
    year    the year in its name or above its table, such as 2025/26; '' where it says none
    notes   what a reader of the figures should know: blanks counted as nothing, components that are not there
    """

    table: pd.DataFrame
    file: str
    digest: str
    year: str
    notes: tuple[str, ...] = ()

    @property
    def components(self) -> tuple[str, ...]:
        """The need components that the file has, in the order of COMPONENTS."""
        return tuple(name for name in COMPONENTS if name in self.table)

    @property
    def figures(self) -> list[str]:
        """The columns that add up: population and the components."""
        return ["population", *self.components]

    @cached_property
    def england(self) -> pd.Series:
        """Population and weighted populations of England. Where the file holds only a part of England, whose sums
        would say nothing, every weighted population is the population: that is how the formula is scaled."""
        sums = self.table[self.figures].sum()
        return sums if self.whole else pd.Series(sums["population"], index=sums.index)

    @cached_property
    def whole(self) -> bool:
        """Whether the file holds all of England: each component adds up to the registered population."""
        sums = self.table[self.figures].sum()
        return bool((sums - sums["population"]).abs().max() <= WHOLE * sums["population"])

    @cached_property
    def systems(self) -> pd.DataFrame:
        """One row a system, indexed by code: name, practices, population, and need indices against England."""
        groups = self.table.groupby("system")
        sums, base = groups[self.figures].sum(), self.england
        table = pd.DataFrame({"name": groups["system_name"].first(), "practices": groups.size()})
        table["population"] = sums["population"]
        for component in self.components:
            table[component] = sums[component] / sums["population"] / (base[component] / base["population"])
        return table

    def practices(self, system: str | Sequence[str] | None = None) -> pd.DataFrame:
        """The practices of a system or several (codes or names; all where None), as in `table`."""
        if system is None:
            return self.table.copy()
        return self.table[self.table["system"].isin(self.codes(system))].copy()

    def districts(self, system: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Local authority districts by code: name, practices, population; of a system, only its practices."""
        return self._groups("district", system)

    def pcns(self, system: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Primary care networks by code: name, practices, population; no row where the file names none."""
        return self._groups("pcn", system)

    def _groups(self, by: str, system: str | Sequence[str] | None) -> pd.DataFrame:
        rows = self.practices(system)
        groups = rows[rows[by] != ""].groupby(by)
        named = {"name": groups[f"{by}_name"].first(), "practices": groups.size()}
        return pd.DataFrame(named | {"population": groups["population"].sum()})

    def codes(self, system: str | Sequence[str]) -> tuple[str, ...]:
        """The codes of systems given by code or name. Raises ScenarioError with the likeliest one meant."""
        names = self.systems["name"].map(short)
        by_name = {name.casefold(): str(code) for code, name in names.items()}
        found, problems = [], []
        for text in [system] if isinstance(system, str) else list(system):
            code = text.strip().upper()
            code = code if code in names.index else by_name.get(short(text).casefold(), "")
            if code:
                found.append(code)
            else:
                fix = _likeliest(text, names)
                problems.append(Problem(self.file, "is not a system of this file", value=text, fix=fix))
        if problems or not found:
            raise ScenarioError("system", problems or [Problem("system", "name at least one system")])
        return tuple(dict.fromkeys(found))


def _likeliest(text: str, names: pd.Series) -> str:
    """The systems that somebody who typed this most likely meant."""
    plain = {name.casefold(): code for code, name in names.items()}
    near = [plain[name] for name in plain if text.strip() and short(text).casefold() in name]
    near = near or [plain[name] for name in get_close_matches(short(text).casefold(), plain, n=1)]
    near = near or get_close_matches(text.strip().upper(), names.index, n=3)
    told = [f"{code}, {names[code]}" for code in near[:3]]
    return f"did you mean {' or '.join(told)}?" if told else ""


def short(name: str) -> str:
    """A system's name without 'NHS' and 'ICB': Coventry and Warwickshire."""
    return re.sub(r"^nhs\s+|\s+(icb|ics|integrated care board)$", "", name.strip(), flags=re.IGNORECASE)


def read(path: str | Path) -> Practices:
    """The practices in NHS England's file: CSV, or a workbook (.xlsx) whose sheet of practices is found by its columns.

    Lines above the table, columns that nothing needs and footnotes below are passed over. Raises ScenarioError that
    lists every problem: columns missing or told twice, codes that stand twice, figures that are none.
    """
    path = Path(path)
    found: list[Problem] = []
    sheets, raw = grids(path, found)
    grid, top = _table_of(sheets)
    if grid is None:
        if not found:
            needed = "; ".join(REQUIRED.values())
            found.append(Problem(path.name, f"has no row of column names among its first rows: expected {needed}"))
        raise ScenarioError(path.name, found)
    columns = _columns(grid, top, found)
    if found:
        raise ScenarioError(path.name, found)
    notes: list[str] = []
    table = _frame(grid, top, columns, found, notes)
    if found:
        raise ScenarioError(path.name, found)
    told = [path.name, grid.name, *(cell for _, cells in grid.rows[:top] for cell in cells)]
    missing = [label for component, label in COMPONENTS.items() if component not in table]
    if missing:
        notes.append(f"The file has no weighted population for {'; '.join(missing)}.")
    practices = Practices(table, path.name, sha256(raw).hexdigest(), _year(told), tuple(notes))
    if not practices.whole:
        notes.append(
            "The file does not hold all of England: indices against England take each weighted population of England "
            "to equal its registered population, as the formula is scaled."
        )
    return Practices(table, path.name, practices.digest, practices.year, tuple(notes))


def _table_of(sheets: Sequence[Grid]) -> tuple[Grid | None, int]:
    """The sheet and row that hold the column names: the row that knows most of them, on the longest such sheet."""
    best: tuple[int, int, Grid | None, int] = (3, 0, None, 0)
    for grid in sheets:
        for top, (_, cells) in enumerate(grid.rows[:HEADING_WITHIN]):
            if (known(cells), len(grid.rows)) > best[:2]:
                best = (known(cells), len(grid.rows), grid, top)
    return best[2], best[3]


def _columns(grid: Grid, top: int, found: list[Problem]) -> dict[str, int]:
    """Meaning to the position of its column; blank columns are passed over where another means the same."""
    number, headings = grid.rows[top]
    body = grid.rows[top + 1 :]
    claims: dict[str, list[int]] = {}
    for position, heading in enumerate(headings):
        if what := meaning(heading):
            claims.setdefault(what, []).append(position)
    chosen = {}
    for what, positions in claims.items():
        filled = [p for p in positions if any(p < len(cells) and cells[p].strip() for _, cells in body)] or positions
        if what == "population":
            filled = sorted(filled, key=lambda p: likelihood(headings[p]))[:1]
        if len(filled) > 1 and what not in WHERE:
            twice = " and ".join(headings[p].strip() for p in filled)
            fix = "take out, or rename, the one that is not meant"
            found.append(Problem(grid.where, f"two columns mean the same, {_label(what)}", number, "", twice, fix))
        chosen[what] = filled[0]
    strange = [heading.strip() for heading in headings if heading.strip() and not meaning(heading)]
    for what, expected in REQUIRED.items():
        if what not in chosen:
            fix = f"not understood: {', '.join(strange[:12])}" if strange else ""
            found.append(Problem(grid.where, f"has no column for {expected}", number, fix=fix))
    return chosen


def _label(what: str) -> str:
    return COMPONENTS.get(what, _spoken(what)).lower()


def _spoken(what: str) -> str:
    return what.replace("_", " ")


def _frame(grid: Grid, top: int, columns: dict[str, int], found: list[Problem], notes: list[str]) -> pd.DataFrame:
    """The rows of practices as a table; footnotes and rows of totals are left out."""
    figures = ["population", *(name for name in COMPONENTS if name in columns)]
    at = columns["code"]
    codes, cells_of, numbers = [], [], []
    rows: dict[str, int] = {}
    for number, cells in grid.rows[top + 1 :]:
        code = cells[at].strip().upper() if at < len(cells) else ""
        some = any(columns[name] < len(cells) and cells[columns[name]].strip() for name in figures)
        if not CODE.fullmatch(code):
            if some and not _is_total(cells):
                fix = "a letter and five digits, such as M84001"
                found.append(Problem(grid.where, "is not a practice's code", number, "code", code[:40], fix))
            continue
        if code in rows:
            fix = "keep one: a practice that stands twice would count twice"
            found.append(Problem(grid.where, f"stands twice, first in row {rows[code]}", number, "code", code, fix))
            continue
        rows[code] = number
        codes.append(code)
        cells_of.append(cells)
        numbers.append(number)
    if not codes and not found:
        found.append(Problem(grid.where, "has column names and no practices below them", grid.rows[top][0]))
    data: dict[str, object] = {}
    for name in LABELS:
        position = columns.get(name, -1)
        if name != "code":
            texts = [cells[position].strip() if 0 <= position < len(cells) else "" for cells in cells_of]
            data[name] = pd.Series(texts, index=codes, dtype=object)
    for name in figures:
        data[name] = pd.Series(_numbers(grid, name, columns[name], cells_of, numbers, codes, found, notes), index=codes)
    if all(name in columns for name in WHERE):
        data |= _where(columns, cells_of, codes)
    table = pd.DataFrame(data, index=pd.Index(codes, name="practice", dtype=object))
    for code in table.index[table["system"] == ""]:
        found.append(Problem(grid.where, "has no system", rows[code], "system", f"{code} {table.at[code, 'name']}"))
    table["system_name"] = table["system_name"].where(table["system_name"] != "", table["system"])
    for label in ("district", "pcn"):
        # A file may name its districts and give no codes, or the other way about: either stands for both.
        table[label] = table[label].where(table[label] != "", table[f"{label}_name"])
        table[f"{label}_name"] = table[f"{label}_name"].where(table[f"{label}_name"] != "", table[label])
    return table


def _where(columns: dict[str, int], cells_of: Sequence[Sequence[str]], codes: Sequence[str]) -> dict[str, pd.Series]:
    """Latitude and longitude; both NaN where either is none in England, since no figure depends on them."""
    table = pd.DataFrame(index=codes)
    for name, (low, high) in ENGLAND.items():
        at = columns[name]
        texts = pd.Series([cells[at] if at < len(cells) else "" for cells in cells_of], index=codes, dtype=object)
        degrees = pd.to_numeric(texts, errors="coerce").astype(float)
        table[name] = degrees.where(degrees.between(low, high))
    return {name: table[name].where(table.notna().all(axis=1)) for name in table}


def _is_total(cells: Sequence[str]) -> bool:
    """Whether a row with figures and no code gives sums over practices."""
    texts = [cell.strip().casefold() for cell in cells if cell.strip() and not _is_number(cell)]
    return not texts or any(
        re.match(r"(grand |sub-?)?totals?\b|england\b|sum\b|all practices\b", text) for text in texts
    )


def _is_number(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell.strip()) or THOUSANDS.fullmatch(cell.strip()))


def _numbers(
    grid: Grid, name: str, position: int, cells_of: Sequence[Sequence[str]], numbers: Sequence[int],
    codes: Sequence[str], found: list[Problem], notes: list[str],
) -> np.ndarray:  # fmt: skip
    """A column of people as floats. Blanks count as nothing, as in NHS England's tool, and that is told."""
    values = np.zeros(len(cells_of))
    blank = []
    for k, cells in enumerate(cells_of):
        text = cells[position].strip() if position < len(cells) else ""
        if NUMBER.fullmatch(text):
            values[k] = float(text)
        elif THOUSANDS.fullmatch(text):
            values[k] = float(text.replace(",", "").replace("_", ""))
        elif not text or text.casefold() in ("nan", "null"):
            blank.append(codes[k])
        else:
            fix = number_advice(text, "population")
            found.append(Problem(grid.where, "is not a number", numbers[k], _label(name), text[:40], fix))
        if values[k] < 0 or not math.isfinite(values[k]):
            found.append(Problem(grid.where, "must be a number of people, 0 or more", numbers[k], _label(name), text))
    if blank:
        more = f" and {len(blank) - 5} more" if len(blank) > 5 else ""
        notes.append(f"{_label(name).capitalize()} is blank, and counted as 0, for {', '.join(blank[:5])}{more}.")
    return values


def _year(texts: Sequence[str]) -> str:
    """The first pair of years that follow each other in these texts, as 2025/26."""
    for text in texts:
        for first, second in YEAR.findall(text):
            if (int(first) + 1) % 100 == int(second):
                return f"{first}/{second}"
    return ""
