"""Where every figure comes from: found, derived or assumed, and the source. No figure stands without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

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
    found, given = Figures(scenario), scenario.table("evidence")
    figures, best = found.table(), _speaker(found, [parse(text) for text in given["figure"]])
    said = best >= 0
    for column in ("status", "source", "note"):
        values = given[column].to_numpy(dtype=object)
        figures[column] = np.where(said, values[np.maximum(best, 0)] if len(values) else "", "")
    return figures


@dataclass(frozen=True, eq=False)
class Column:
    """The given figures of a column of a table, or of a field of rules, in order: the number of each among all figures,
    its value and the parts of its key."""

    table: str
    field: str
    numbers: np.ndarray
    values: np.ndarray
    keys: tuple[np.ndarray, ...]

    @cached_property
    def paths(self) -> list[str]:
        """The path of each figure."""
        return [f"{self.table}.{'.'.join(key)}.{self.field}" for key in zip(*self.keys, strict=True)]

    @cached_property
    def _exact(self) -> dict[tuple[str, ...], int]:
        return dict(zip(zip(*self.keys, strict=True), self.numbers.tolist(), strict=True))

    def fitting(self, keys: tuple[str, ...]) -> np.ndarray:
        """The numbers of the figures whose keys begin so; `*` fits any part."""
        if "*" not in keys and len(keys) == len(self.keys):
            number = self._exact.get(keys)
            return np.array([] if number is None else [number], dtype=int)
        rows = np.arange(len(self.numbers))
        for part, texts in zip(keys, self.keys, strict=False):
            if part != "*":
                rows = rows[texts[rows] == part]
        return self.numbers[rows]


class Figures:
    """Every figure of a scenario by number: those of the tables column by column, then those of the rules."""

    def __init__(self, scenario: Scenario) -> None:
        found: list[Column] = []
        self.count = 0
        for name in TABLES:
            for column in _columns(scenario, name, self.count) if name not in WITHOUT else ():
                found.append(column)
                self.count += len(column.numbers)
        rules = _rule_figures(scenario)
        for field in dict.fromkeys(field for _, field, *_ in rules):
            mine = [number for number, (_, of, *_) in enumerate(rules) if of == field]
            values, ids = np.array([rules[k][2] for k in mine]), np.array([rules[k][3][0] for k in mine], dtype=object)
            found.append(Column("rules", field, self.count + np.array(mine), values, (ids,)))
        self.count += len(rules)
        self.columns = {(column.table, column.field): column for column in found}

    def fitting(self, path: Path) -> np.ndarray:
        """The numbers of the figures that a path names."""
        column = self.columns.get((path.table, path.field))
        return np.array([], dtype=int) if column is None else column.fitting(path.keys)

    def table(self) -> pd.DataFrame:
        """One row per figure: its path (`figure`), value, table, field and the parts of its key."""
        found = list(self.columns.values())
        numbers = np.concatenate([np.array([], dtype=int), *(column.numbers for column in found)])
        order = np.argsort(numbers, kind="stable")
        depth = max((len(column.keys) for column in found), default=1)

        def joined(parts: Iterable[Iterable[str | None]]) -> pd.Series:
            return pd.Series(np.array(list(chain.from_iterable(parts)), dtype=object)[order], dtype=object)

        table = {
            "figure": joined(column.paths for column in found),
            "value": np.concatenate([np.array([]), *(column.values for column in found)])[order],
            "table": joined([column.table] * len(column.values) for column in found),
            "field": joined([column.field] * len(column.values) for column in found),
        }
        for k in range(depth):
            table[f"key{k}"] = joined(
                column.keys[k] if k < len(column.keys) else [None] * len(column.values) for column in found
            )
        return pd.DataFrame(table)


def evidence_problems(scenario: Scenario) -> Iterator[Problem]:
    """Figures without evidence (one line per column that lacks it), and evidence that speaks for nothing."""
    figures, given = Figures(scenario), scenario.table("evidence")["figure"]
    said = _speaker(figures, [parse(text) for text in given]) >= 0
    for (name, field), column in sorted(figures.columns.items()):
        missing = np.flatnonzero(~said[column.numbers])
        if len(missing):
            first = column.paths[missing[0]]
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            fix = f"add a row for {first}, or for {name}.*.{field}"
            yield Problem("evidence.csv", "has no evidence", value=first + more, fix=fix)
    for line, text in given.items():
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
    was, now = (_rule_texts(scenario) for scenario in (base, new))
    notes |= {name: f"was {was[name]}" if name in was else "" for name, text in now.items() if was.get(name) != text}
    return notes, gone or bool(was.keys() - now.keys())


def _mute(new: Scenario, base: Scenario) -> set[str]:
    """The patterns of the base's evidence that speak for no figure any more."""
    figures = Figures(new)
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


def _columns(scenario: Scenario, name: str, number: int) -> Iterator[Column]:
    """The given figures of a table, column by column, numbered from here on."""
    table, keys = scenario.table(name), scenario.key_texts(name)
    for field in figures_of(TABLES[name]):
        values = table[field].to_numpy(dtype=float)
        rows = np.flatnonzero(~np.isnan(values))
        yield Column(name, field, number + np.arange(len(rows)), values[rows], tuple(texts[rows] for texts in keys))
        number += len(rows)


def _rule_figures(scenario: Scenario) -> list[tuple[str, str, float, tuple[str, ...]]]:
    """The figures of every rule. Its bands of price are one figure, `bends`, told by the first price."""
    bends = [("rules", "bends", rule.bends[0].price, (rule.id,)) for rule in scenario.rules if rule.bends]
    return bends + [
        ("rules", field, getattr(rule, field), (rule.id,))
        for rule in scenario.rules
        for field in rule.figures
        if getattr(rule, field) is not None
    ]


def _rule_texts(scenario: Scenario) -> dict[str, str]:
    """The figures of every rule as text, by path; bands of price with all their widths and prices."""
    texts = {f"rules.{key[0]}.{field}": f"{value:.15g}" for _, field, value, key in _rule_figures(scenario)}
    bends = {f"rules.{rule.id}.bends": rule.bends for rule in scenario.rules if rule.bends}
    return texts | {path: "; ".join(map(str, bands)) for path, bands in bends.items()}


def _speaker(figures: Figures, paths: list[Path | Problem]) -> np.ndarray:
    """For each figure, the number of the most exact pattern that fits it (the later of equals), or -1."""
    best, rank = np.full(figures.count, -1), np.full(figures.count, -1)
    for number, path in enumerate(paths):
        if isinstance(path, Path):
            rows = figures.fitting(path)
            better = rows[rank[rows] <= exactness(path)]
            best[better], rank[better] = number, exactness(path)
    return best
