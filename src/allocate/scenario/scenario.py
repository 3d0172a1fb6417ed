"""A scenario: everything agreed beforehand, frozen. One that exists has passed every check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from allocate.scenario.rulebook import Rule, record
from allocate.scenario.tables import TABLES, Heading


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything agreed beforehand. Made by `read`, or from another by `change`; never edited.

    The tables (`partners`, `places`, `lines` ... see `allocate.scenario.tables` for their columns) are DataFrames,
    sorted by their keys so that the order of rows in a file has no meaning; each access hands out a copy.
    """

    heading: Heading
    rules: tuple[Rule, ...]
    _tables: Mapping[str, pd.DataFrame] = field(repr=False)
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What was laid over the scenario as it was read: path to value."""
    base: Scenario | None = field(default=None, repr=False)
    """The scenario as it was read, where this one is a change of it."""

    def table(self, name: str) -> pd.DataFrame:
        """One table by name. Its index is each row's line number in the file."""
        return self._tables[name].copy(deep=False)

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name in TABLES:
            return self.table(name).reset_index(drop=True)
        raise AttributeError(f"a scenario has no {name!r}; its tables are {', '.join(TABLES)}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Scenario({self.heading.id!r}, {len(self.table('lines'))} lines, digest {self.digest[:12]})"

    @property
    def id(self) -> str:
        return self.heading.id

    @property
    def years(self) -> tuple[str, ...]:
        return self.heading.years

    @cached_property
    def digest(self) -> str:
        """A fingerprint (sha-256) of the content: the same for the same figures, whatever the order of rows."""
        content = {
            "heading": self.heading.model_dump(mode="json"),
            "rules": {rule.id: record(rule) for rule in self.rules},
            "tables": {name: plain(table).to_dict("split", index=False) for name, table in self._tables.items()},
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def line_ids(self) -> tuple[str, ...]:
        """One id per row of `lines`: its key joined by dots, as a change's path uses it."""
        lines = self.table("lines")
        return tuple(lines[list(TABLES["lines"].key)].agg(".".join, axis=1)) if len(lines) else ()

    @cached_property
    def curve_of_line(self) -> dict[tuple[str, str, str], np.ndarray]:
        """Rows of `lines` by (place, programme, year): the efforts that a curve adds up."""
        lines = self.table("lines").reset_index(drop=True)
        groups = lines.groupby(["place", "programme", "year"]).indices
        return {key: np.sort(rows) for key, rows in groups.items()}

    @cached_property
    def _envelope_rows(self) -> dict[tuple[str, str], int]:
        table = self.table("envelopes")
        return {key: row for row, key in enumerate(zip(table["id"], table["year"], strict=True))}

    def envelope_rows(self, names: pd.Series, years: pd.Series) -> np.ndarray:
        """Rows of `envelopes` for pairs of name and year, all of which must be there."""
        return np.array([self._envelope_rows[key] for key in zip(names, years, strict=True)], dtype=int)

    @cached_property
    def envelope_of_line(self) -> np.ndarray:
        """For each row of `lines`, the row of `envelopes` that pays it."""
        lines = self.table("lines")
        return self.envelope_rows(lines["envelope"], lines["year"])

    @cached_property
    def reach(self) -> np.ndarray:
        """For each row of `envelopes`, the most that could ever be in it: its amount and what routes may bring."""
        routes, amount = self.table("routes"), self.table("envelopes")["amount"].to_numpy()
        target = self.envelope_rows(routes["target"], routes["year"])
        return amount + np.bincount(target, routes["high"].to_numpy(), minlength=len(amount))

    @cached_property
    def _inside(self) -> dict[str, frozenset[str]]:
        places = self.table("places")
        inside: dict[str, set[str]] = {place: {place} for place in places["id"]}
        parent = dict(zip(places["id"], places["parent"], strict=True))
        for place in places["id"]:
            above, seen = parent[place], {place}
            while isinstance(above, str) and above in inside and above not in seen:
                inside[above].add(place)
                seen.add(above)
                above = parent[above]
        return {place: frozenset(below) for place, below in inside.items()}

    def within(self, place: str) -> frozenset[str]:
        """The ids of a place and of every place inside it; empty for an unknown place."""
        return self._inside.get(place, frozenset())

    def name_of(self, table: str, key: str) -> str:
        """The display name of a row, such as `name_of("partners", "uhcw")`."""
        return self._names[table].get(key, key)

    @cached_property
    def _names(self) -> dict[str, dict[str, str]]:
        tables = ("partners", "places", "programmes", "outcomes", "envelopes", "resources")
        return {name: dict(zip(self.table(name)["id"], self.table(name)["name"], strict=True)) for name in tables}

    def change(self, changes: Mapping[str, Any]) -> Scenario:
        """A new scenario with these paths set to these values, checked as a whole.

        A path is a table, a row's key and a field, joined by dots: `envelopes.core.amount`, `rules.steady-care.down`,
        `lines.uhcw.coventry.elective.high`. The end of a key may be left out where what is left names one row, `*`
        stands for any, and the field may be left out where the table has an obvious one (`envelopes.core`).
        A rule is added by a dict of its fields and taken out by None. Raises ScenarioError with every problem.
        """
        from allocate.scenario.changes import changed

        return changed(self, changes)


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """A table with None for every blank, fit for JSON."""
    return table.astype(object).where(table.notna(), None)
