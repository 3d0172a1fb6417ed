"""Where every figure comes from: found, derived or assumed, and the source. No figure stands without it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import cached_property

import numpy as np
import pandas as pd

from allocate.errors import Problem
from allocate.scenario.paths import Path, exactness, parse
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES, Row, is_number

WITHOUT = {"sources", "evidence", "partners", "programmes"}
"""Tables that hold no figures."""


def figures_of(row: type[Row]) -> list[str]:
    """The columns of a table that hold figures in need of evidence."""
    return [name for name in row.model_fields if is_number(row, name) and name not in row.key]


def evidence(scenario: Scenario) -> pd.DataFrame:
    """Every figure with its evidence. One row per figure: figure (its path), value, status, source, note.

    Figures whose evidence is missing have blanks there; a scenario that was read has none.
    """
    figures, given = all_figures(scenario), scenario.table("evidence")
    best = _speaker(Figures(figures), [parse(text) for text in given["figure"]])
    said = best >= 0
    for column in ("status", "source", "note"):
        values = given[column].to_numpy(dtype=object)
        figures[column] = np.where(said, values[np.maximum(best, 0)] if len(values) else "", "")
    return figures


def all_figures(scenario: Scenario, tables: Container[str] = (*TABLES, "rules")) -> pd.DataFrame:
    """Every figure of these tables: its path (`figure`), value, table, field and the parts of its key."""
    rows = [row for name in TABLES if name not in WITHOUT and name in tables for row in _table_figures(scenario, name)]
    rows += _rule_figures(scenario) if "rules" in tables else []
    depth = max((len(key) for *_, key in rows), default=1)
    table = pd.DataFrame(
        {
            "figure": pd.Series([f"{name}.{'.'.join(key)}.{field}" for name, field, _, key in rows], dtype=object),
            "value": np.array([value for _, _, value, _ in rows], dtype=float),
            "table": pd.Series([name for name, *_ in rows], dtype=object),
            "field": pd.Series([field for _, field, *_ in rows], dtype=object),
        }
    )
    for k in range(depth):
        table[f"key{k}"] = pd.Series([key[k] if k < len(key) else None for *_, key in rows], dtype=object)
    return table


class Figures:
    """Figures, to be asked which of them a path fits."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self._columns = table.groupby(["table", "field"]).indices if len(table) else {}

    @cached_property
    def _exact(self) -> dict[str, int]:
        return dict(zip(self.table["figure"], range(len(self.table)), strict=True))

    def fitting(self, path: Path) -> np.ndarray:
        """The numbers of the figures that a path names."""
        if path.table != "rules" and "*" not in path.keys and len(path.keys) == len(path.row.key):
            number = self._exact.get(".".join((path.table, *path.keys, path.field)))
            return np.array([] if number is None else [number], dtype=int)
        rows = self._columns.get((path.table, path.field), np.array([], dtype=int))
        for k, part in enumerate(path.keys):
            if part != "*":
                rows = rows[self.table[f"key{k}"].to_numpy(dtype=object)[rows] == part]
        return rows


def evidence_problems(scenario: Scenario) -> Iterator[Problem]:
    """Figures without evidence (one line per column that lacks it), and evidence that speaks for nothing."""
    table = evidence(scenario)
    figures = Figures(table)
    missing = table[table["status"] == ""]
    for (name, field), group in missing.groupby(["table", "field"]):
        first = group["figure"].iloc[0]
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        fix = f"add a row for {first}, or for {name}.*.{field}"
        yield Problem("evidence.csv", "has no evidence", value=first + more, fix=fix)
    for line, text in scenario.table("evidence")["figure"].items():
        path = parse(text)
        row = int(line) if line > 0 else None
        if isinstance(path, Problem):
            yield Problem("evidence.csv", path.expected, row, "figure", text, path.fix)
        elif not len(figures.fitting(path)):
            yield Problem("evidence.csv", "speaks for no figure", row, "figure", text)


def changed_evidence(new: Scenario, base: Scenario) -> dict[str, pd.DataFrame]:
    """The evidence and sources of a changed scenario: what was found for a figure does not speak for another value of
    it, so a changed figure is assumed, with the change as its source and what it was as its note."""
    notes, gone = _differences(new, base)
    given, sources = base._tables["evidence"], new._tables["sources"]
    kept = given[~given["figure"].isin(notes)]
    if gone:
        kept = kept[[figure not in _mute(new, base) for figure in kept["figure"]]]
    if notes and "change" not in set(base._tables["sources"]["id"]):
        sources = _added(sources, [("change", "Changed from the scenario as it was read", "", "")])
    return {
        "evidence": _added(kept, [(name, "assumed", "change", note) for name, note in notes.items()]),
        "sources": sources,
    }


def _differences(new: Scenario, base: Scenario) -> tuple[dict[str, str], bool]:
    """The figures that are not as they were read, each with its note; and whether any is there no more."""
    notes: dict[str, str] = {}
    gone = False
    for name in TABLES:
        before, after = base._tables[name], new._tables[name]
        for field in figures_of(TABLES[name]) if name not in WITHOUT and after is not before else ():
            was, now = before[field].to_numpy(dtype=float), after[field].to_numpy(dtype=float)
            gone |= bool((np.isnan(now) & ~np.isnan(was)).any())
            keys = new.key_texts(name)
            for row in np.flatnonzero((was != now) & ~np.isnan(now)):
                figure = ".".join((name, *(key[row] for key in keys), field))
                notes[figure] = "" if np.isnan(was[row]) else f"was {was[row]:.15g}"
    was, now = ({f"rules.{key[0]}.{field}": value for _, field, value, key in _rule_figures(s)} for s in (base, new))
    notes |= {
        name: f"was {was[name]:.15g}" if name in was else "" for name, value in now.items() if was.get(name) != value
    }
    return notes, gone or bool(was.keys() - now.keys())


def _mute(new: Scenario, base: Scenario) -> set[str]:
    """The patterns of the base's evidence that speak for no figure any more."""
    figures = Figures(all_figures(new))
    texts = base._tables["evidence"]["figure"]
    paths = [(text, parse(text)) for text in texts]
    return {text for text, path in paths if isinstance(path, Path) and not len(figures.fitting(path))}


def _added(table: pd.DataFrame, rows: list[tuple[str, ...]]) -> pd.DataFrame:
    """A table with rows that no file holds, in the order of its first column; their line numbers are below zero."""
    if not rows:
        return table
    columns = [[*table[name].tolist(), *values] for name, values in zip(table, zip(*rows, strict=True), strict=True)]
    index = np.array([*table.index, *range(-1, -len(rows) - 1, -1)], dtype="int64")
    order = sorted(range(len(index)), key=columns[0].__getitem__)
    data = {
        name: pd.Series([column[row] for row in order], index=index[order], dtype=object)
        for name, column in zip(table, columns, strict=True)
    }
    return pd.DataFrame(data, index=pd.Index(index[order]))


def _table_figures(scenario: Scenario, name: str) -> Iterator[tuple[str, str, float, tuple[str, ...]]]:
    """The given figures of a table, column by column: table, field, value and key."""
    table, row = scenario.table(name), TABLES[name]
    keys = list(zip(*scenario.key_texts(name), strict=True))
    for field in figures_of(row):
        values = table[field].to_numpy(dtype=float)
        for k in np.flatnonzero(~np.isnan(values)):
            yield name, field, values[k], keys[k]


def _rule_figures(scenario: Scenario) -> list[tuple[str, str, float, tuple[str, ...]]]:
    return [
        ("rules", field, getattr(rule, field), (rule.id,))
        for rule in scenario.rules
        for field in rule.figures
        if getattr(rule, field) is not None
    ]


def _speaker(figures: Figures, paths: list[Path | Problem]) -> np.ndarray:
    """For each figure, the number of the most exact pattern that fits it (the later of equals), or -1."""
    best = np.full(len(figures.table), -1)
    rank = np.full(len(figures.table), -1)
    for number, path in enumerate(paths):
        if isinstance(path, Path):
            rows = figures.fitting(path)
            better = rows[rank[rows] <= exactness(path)]
            best[better], rank[better] = number, exactness(path)
    return best
