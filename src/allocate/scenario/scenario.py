"""A scenario: everything agreed beforehand, frozen. One that exists has passed every check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from allocate.scenario.rulebook import Rule, record
from allocate.scenario.tables import TABLES, Heading

T = TypeVar("T")


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
    _shared: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What follows from names and keys alone, worked out once for all changes of figures and rules."""

    def table(self, name: str) -> pd.DataFrame:
        """One table by name. Its index is each row's line number in the file."""
        told = self.base is not None and name in ("evidence", "sources")
        return (self._told if told else self._tables)[name].copy(deep=False)

    @cached_property
    def _told(self) -> Mapping[str, pd.DataFrame]:
        """The evidence and the sources of a changed scenario: its own figures' evidence is the change."""
        from allocate.scenario.evidence import changed_evidence

        return changed_evidence(self, self.base) if self.base is not None else {}

    def shared(self, name: Any, make: Callable[[], T]) -> T:
        """What `make` gives, made once for all scenarios that differ from this one in figures and rules alone. It must
        depend on names and keys only, and nobody may write into it."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]

    def groups(self, table: str, column: str) -> tuple[np.ndarray, np.ndarray]:
        """The names that are in a column, in alphabetical order, and for every row which of them it has."""
        return self.shared(
            ("groups", table, column),
            lambda: np.unique(self._tables[table][column].to_numpy(dtype=str), return_inverse=True),
        )

    def key_texts(self, name: str) -> tuple[np.ndarray, ...]:
        """The key columns of a table as they stand in paths. No change touches a key."""
        from allocate.scenario.paths import key_text

        table = self._tables[name]
        return (self.base or self).shared(
            ("keys", name), lambda: tuple(key_text(table[part]) for part in TABLES[name].key)
        )

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name in TABLES:
            return self.table(name).reset_index(drop=True)
        raise AttributeError(f"a scenario has no {name!r}; its tables are {', '.join(TABLES)}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __getstate__(self) -> dict[str, Any]:
        # What is shared can be worked out again.
        return self.__dict__ | {"_shared": {}}

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
        """A fingerprint (sha-256) of the content: the same for the same figures, whatever the order of rows.

        It is taken over the heading, each rule and a fingerprint of each table, evidence and sources included.
        """
        rules = {name: text for name, (_, text) in self._rule_texts.items()}
        content = {"heading": self.heading.model_dump(mode="json"), "rules": rules, "tables": self._fingerprints}
        return hashlib.sha256(_json(content).encode()).hexdigest()

    @cached_property
    def _rule_texts(self) -> dict[str, tuple[Rule, str]]:
        """Each rule by its id, with its text. What stands in the scenario as it was read is not written again."""
        known = self.base._rule_texts if self.base is not None else {}
        texts = {}
        for rule in self.rules:
            old = known.get(rule.id)
            texts[rule.id] = old if old is not None and old[0] is rule else (rule, _json(record(rule)))
        return texts

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        """The sha-256 of each table; a table that was left out has none, so that a new kind of table changes no digest.
        One that is the base's own is not read again."""
        prints = {}
        for name in TABLES:
            table = self.table(name) if name in ("evidence", "sources") else self._tables[name]
            if not len(table) and TABLES[name].optional:
                continue
            same = self.base is not None and table is self.base._tables[name]
            prints[name] = self.base._fingerprints[name] if self.base is not None and same else _fingerprint(table)
        return prints

    @property
    def line_ids(self) -> tuple[str, ...]:
        """One id per row of `lines`: its key joined by dots, as a change's path uses it."""
        return self.shared(
            "line_ids", lambda: tuple(".".join(key) for key in zip(*self.key_texts("lines"), strict=True))
        )

    def codes(self, table: str, column: str) -> tuple[np.ndarray, np.ndarray]:
        """A column of names as numbers: for each row its name's place among the names, and the names in order. Not to
        be written into."""

        def found() -> tuple[np.ndarray, np.ndarray]:
            codes, names = pd.factorize(self._tables[table][column].to_numpy(dtype=object), sort=True)
            return codes, np.asarray(names, dtype=object)

        return self.shared(("codes", table, column), found)

    @property
    def fed(self) -> tuple[np.ndarray, ...]:
        """For each row of `curves`, the rows of `lines` whose spend it adds up."""
        return self.shared("fed", self._find_fed)

    def _find_fed(self) -> tuple[np.ndarray, ...]:
        lines, curves = _numbered(*(
            [self.codes(table, column) for column in ("place", "programme", "year")] for table in ("lines", "curves")
        ))  # fmt: skip
        order = np.argsort(lines, kind="stable")
        first, last = (np.searchsorted(lines[order], curves, side) for side in ("left", "right"))
        return tuple(order[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True))

    @property
    def feeding(self) -> tuple[np.ndarray, np.ndarray]:
        """Which line feeds which curve: two equally long arrays of rows, of `curves` and of `lines`."""
        return self.shared("feeding", self._find_feeding)

    def _find_feeding(self) -> tuple[np.ndarray, np.ndarray]:
        counts = [len(rows) for rows in self.fed]
        return np.repeat(np.arange(len(counts)), counts), np.concatenate([np.array([], dtype=int), *self.fed])

    @property
    def curve_of_line(self) -> dict[tuple[str, str, str], np.ndarray]:
        """Rows of `lines` by (place, programme, year): the efforts that a curve adds up."""
        return self.shared("curve_of_line", self._find_curve_of_line)

    def _find_curve_of_line(self) -> dict[tuple[str, str, str], np.ndarray]:
        columns = [self.codes("lines", column) for column in ("place", "programme", "year")]
        (numbers,) = _numbered(columns)
        order = np.argsort(numbers, kind="stable")
        ends = [*(np.flatnonzero(np.diff(numbers[order])) + 1).tolist(), len(order)] if len(order) else []
        groups = [order[a:b] for a, b in zip([0, *ends], ends, strict=False)]
        rows = np.array([group[0] for group in groups], dtype=int)
        return dict(zip(zip(*(names[codes[rows]] for codes, names in columns), strict=True), groups, strict=True))

    @property
    def _envelope_rows(self) -> dict[tuple[str, str], int]:
        return self.shared("envelope_rows", self._find_envelope_rows)

    def _find_envelope_rows(self) -> dict[tuple[str, str], int]:
        return {key: row for row, key in enumerate(zip(*self.key_texts("envelopes"), strict=True))}

    def envelope_rows(self, names: pd.Series, years: pd.Series) -> np.ndarray:
        """Rows of `envelopes` for pairs of name and year, all of which must be there."""
        return np.fromiter(map(self._envelope_rows.__getitem__, zip(names, years, strict=True)), int, len(names))

    @property
    def envelope_of_line(self) -> np.ndarray:
        """For each row of `lines`, the row of `envelopes` that pays it."""
        return self.shared("envelope_of_line", self._find_envelope_of_line)

    def _find_envelope_of_line(self) -> np.ndarray:
        lines = self.table("lines")
        return self.envelope_rows(lines["envelope"], lines["year"])

    @cached_property
    def route_ends(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row of `routes`, the rows of `envelopes` that it leads from and to."""
        routes = self._tables["routes"]
        years = routes["year"]
        return self.envelope_rows(routes["source"], years), self.envelope_rows(routes["target"], years)

    @cached_property
    def route_high(self) -> np.ndarray:
        """For each row of `routes`, the most that may move along it: its own most, or what a rule opens, if more."""
        high = self._tables["routes"]["high"].to_numpy(dtype=float)
        opened = [found for rule in self.rules if rule.binds and (found := rule.openings(self))]
        if not opened:
            return high
        high = high.copy()
        row = {key: place for place, key in enumerate(zip(*self.key_texts("routes"), strict=True))}
        for key, pounds in (pair for found in opened for pair in found.items()):
            if key in row:
                high[row[key]] = max(high[row[key]], pounds)
        return high

    @cached_property
    def reach(self) -> np.ndarray:
        """For each row of `envelopes`, the most that could ever be in it: its amount and what routes may bring."""
        amount = self._tables["envelopes"]["amount"].to_numpy()
        return amount + np.bincount(self.route_ends[1], self.route_high, minlength=len(amount))

    def _inside(self) -> dict[str, frozenset[str]]:
        """For each place, itself and the places inside it."""
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
        return self.shared("inside", self._inside).get(place, frozenset())

    def name_of(self, table: str, key: str) -> str:
        """The display name of a row, such as `name_of("partners", "uhcw")`."""
        return self.shared("names", self._names)[table].get(key, key)

    def _names(self) -> dict[str, dict[str, str]]:
        tables = ("partners", "places", "programmes", "outcomes", "envelopes", "resources")
        return {name: dict(zip(self.table(name)["id"], self.table(name)["name"], strict=True)) for name in tables}

    def change(self, changes: Mapping[str, Any]) -> Scenario:
        """A new scenario with these paths set to these values, checked as a whole.

        A path is a table, a row's key and a field, joined by dots: `envelopes.core.amount`, `rules.steady-care.down`,
        `lines.uhcw.coventry.elective.high`. The end of a key may be left out where what is left names one row, `*`
        stands for any, and the field may be left out where the table has an obvious one (`envelopes.core`).
        A rule is added by a dict of its fields and taken out by None. The text `x0.8` stands for the figure as it was
        read times 0.8, money in whole pounds. Raises ScenarioError with every problem.
        """
        from allocate.scenario.changes import changed

        return changed(self, changes)


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """A table with None for every blank, fit for JSON."""
    return table.astype(object).where(table.notna(), None)


def _numbered(*tables: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """For each table, given by some of its columns as `Scenario.codes` gives them, a number a row: equal where all
    names are, within a table and across, and in the order of the first table's names."""
    numbers = [np.zeros(len(columns[0][0]), dtype=int) for columns in tables]
    for same in zip(*tables, strict=True):
        known = same[0][1]
        for number, (codes, names) in zip(numbers, same, strict=True):
            places = pd.Index(known).get_indexer(pd.Index(names))
            number *= len(known) + 1
            number += np.where(places < 0, len(known), places)[codes] if len(names) else 0
    return numbers


def _json(content: Any) -> str:
    """JSON that is the same on every machine: keys in order, plain ASCII, no spaces."""
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def _fingerprint(table: pd.DataFrame) -> str:
    """The sha-256 of a table: its columns by name, each a list of values with null for blanks. Row numbers are left
    out."""
    columns = {name: [None if value != value else value for value in column.tolist()] for name, column in table.items()}
    return hashlib.sha256(_json(columns).encode()).hexdigest()
