"""Index sets as integers: every member is its position in its set, and labels are looked up only where they must be.

A `Table` is a set with its members in order, each of one or more labels ("parts"). A `Group` is some of its members,
an array of positions, and a `Label` one part of a group: what stands for an index while a rule is read. `Table.place`
turns labels back into positions; where the labels came from that very table, this costs nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from allocate.compiler.errors import CompileError, Unreadable

Array = np.ndarray
SPARSE = 65_536
"""Up to this many keys, and eight for each member, positions are looked up in an array; beyond that by bisection."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Members of a set given as positions in other sets, so that no label is read.

    `rows` has a row for each member and a column for each set named in `of` (1-D where `of` names one). For an indexed
    set the first columns are positions in its index sets, the rest are the member: `of=("PLACES", "LINES")`.
    """

    rows: Array
    of: tuple[str, ...]


class Codes:
    """A number for every label met so far, shared by all sets of a model."""

    def __init__(self) -> None:
        self._number: dict[Hashable, int] = {}

    def of(self, labels: Sequence[Hashable]) -> Array:
        """The numbers of labels, new ones added: (n,)."""
        number = self._number
        new = set(labels).difference(number)
        number.update(zip(new, range(len(number), len(number) + len(new)), strict=True))
        return np.fromiter(map(number.__getitem__, labels), np.intp, len(labels))

    def known(self, label: Hashable) -> int:
        """The number of a label, -1 for one never met."""
        return self._number.get(label, -1)

    def of_numbers(self, values: Array) -> Array:
        """The numbers of labels that are numbers, -1 for those never met; the shape of `values`."""
        distinct, inverse = np.unique(values, return_inverse=True)
        known = np.array([self.known(value) for value in distinct.tolist()], dtype=np.intp)
        return known[inverse].reshape(values.shape)


class Inverse:
    """From values to their positions: whole numbers from 0, all different."""

    def __init__(self, values: Array) -> None:
        top = int(values.max(initial=-1)) + 1
        self._order = None
        if top > 8 * len(values) + SPARSE:
            self._order = np.argsort(values)
            self._sorted = values[self._order]
            self.distinct = bool((np.diff(self._sorted) > 0).all())
        else:
            self._dense = np.full(top, -1, dtype=np.intp)
            self._dense[values] = np.arange(len(values))
            self.distinct = bool((self._dense[values] == np.arange(len(values))).all())

    def __getitem__(self, asked: Array) -> Array:
        """Positions of values, -1 where there is none."""
        if self._order is not None:
            near = np.minimum(np.searchsorted(self._sorted, asked), len(self._sorted) - 1)
            return np.where(self._sorted[near] == asked, self._order[near], -1)
        if not len(self._dense):
            return np.full(np.shape(asked), -1, dtype=np.intp)
        inside = (asked >= 0) & (asked < len(self._dense))
        return self._dense[asked] if inside.all() else np.where(inside, self._dense[np.where(inside, asked, 0)], -1)


class Table:
    """A set: `count` members of `width` labels each. `name` is for messages."""

    def __init__(self, name: str, count: int, width: int) -> None:
        self.name, self.count, self.width = name, count, width

    @cached_property
    def every(self) -> Group:
        return Group(self, np.arange(self.count))

    def is_every(self, places: Array) -> bool:
        """Whether these are the positions of `every`, the very array."""
        return "every" in vars(self) and places is self.every.places

    def place(self, run: Run) -> Array:
        """Positions of the members with these labels, one for each part. Raises CompileError where one is missing."""
        if not self.count:
            return self._checked(np.broadcast_arrays(*(np.minimum(label.codes(), -1) for label in run))[0], run)
        if len(run) != self.width:
            raise CompileError(self.name, f"{self.width} labels to find a member by, not {len(run)}")
        same = _members_of(self, run)
        if same is not None:
            return same
        if any(isinstance(label, Label) and not label.group.count for label in run):
            return np.array([], dtype=np.intp)
        rows = _lifted_by(run)
        return self._find(run) if rows is None else self.place(_origins(run))[rows]

    def labels(self) -> list:
        """The members, as tuples where they have several labels."""
        raise NotImplementedError

    def column(self, part: int) -> Sequence[Hashable]:
        """One label of every member."""
        raise NotImplementedError

    def codes(self, part: int) -> Array:
        raise NotImplementedError

    def up(self, part: int) -> tuple[Table, Array, int] | None:
        """Where a part is a member of another set: that set, the positions in it, and the part there."""
        return None

    def _find(self, run: Run) -> Array:
        raise NotImplementedError

    def _checked(self, places: Array, run: Run) -> Array:
        if places.size and places.min() < 0:
            first = int(np.flatnonzero(np.atleast_1d(places) < 0)[0])
            raise CompileError(self.name, f"a member for every index asked for; number {first} of them is not in it")
        return places


class Labelled(Table):
    """A set whose members are given by their labels."""

    def __init__(self, name: str, labels: Sequence[Hashable], codes: Codes, width: int = 1) -> None:
        width = (len(labels[0]) if isinstance(labels[0], tuple) else 1) if len(labels) else width
        super().__init__(name, len(labels), width)
        self._labels, self._codes = labels, codes
        self._cached: dict[int, Array] = {}

    def labels(self) -> list:
        return list(self._labels)

    def check(self) -> Labelled:
        """Itself. Raises CompileError where a member comes twice."""
        if not isinstance(self._labels, range) and len(set(self._labels)) != self.count:
            raise CompileError(self.name, "members that are all different")
        return self

    @cached_property
    def _columns(self) -> list[Sequence[Hashable]]:
        if self.width == 1 or not self.count:
            return [self._labels] * self.width
        labels: Sequence[Any] = self._labels
        if set(map(type, labels)) != {tuple} or set(map(len, labels)) != {self.width}:
            raise CompileError(self.name, f"members of {self.width} labels each")
        return [list(map(itemgetter(part), labels)) for part in range(self.width)]

    def column(self, part: int) -> Sequence[Hashable]:
        return self._columns[part]

    def codes(self, part: int) -> Array:
        if part not in self._cached:
            self._cached[part] = self._codes.of(self.column(part))
        return self._cached[part]

    def _find(self, run: Run) -> Array:
        inverse, ranks = self._inverse  # first: it makes the labels of this set known
        if not ranks:
            return self._checked(inverse[run[0].codes()], run)
        each = [rank[label.codes()] for rank, label in zip(ranks, run, strict=True)]
        missing = np.logical_or.reduce(np.broadcast_arrays(*(part < 0 for part in each)))
        keys = _ravelled(each, [rank.count for rank in ranks])
        return self._checked(np.where(missing, -1, inverse[keys]), run)

    @cached_property
    def _inverse(self) -> tuple[Inverse, list[Ranks]]:
        codes = [self.codes(part) for part in range(self.width)]
        if self.width == 1:
            return _distinct(self.name, codes[0]), []
        ranks = [Ranks(part) for part in codes]
        keys = _ravelled([rank[part] for rank, part in zip(ranks, codes, strict=True)], [rank.count for rank in ranks])
        return _distinct(self.name, keys), ranks


class Related(Table):
    """A set whose members are positions in other sets, a column for each; or, with no columns, all their pairs."""

    def __init__(self, name: str, parents: Sequence[Table], columns: Sequence[Array] | None) -> None:
        sizes = [parent.count for parent in parents]
        count = len(columns[0]) if columns is not None else int(np.prod(sizes, dtype=np.int64))
        super().__init__(name, count, sum(parent.width for parent in parents))
        self.parents, self._sizes, self.product = list(parents), sizes, columns is None
        self._owner = [(k, part) for k, parent in enumerate(parents) for part in range(parent.width)]
        if columns is not None:
            self.columns = [np.asarray(column, dtype=np.intp) for column in columns]
            for parent, column in zip(parents, self.columns, strict=True):
                # As numbers without a sign, those below 0 are the largest.
                if column.size and column.view(np.uintp).max() >= parent.count:
                    raise CompileError(name, f"positions from 0 to {parent.count - 1} in {parent.name}")

    def check(self) -> Related:
        """Itself. Raises CompileError where a member comes twice."""
        if not (self._own[1:] > self._own[:-1]).all():
            _distinct(self.name, self._own)
        return self

    @cached_property
    def columns(self) -> list[Array]:
        return [np.ravel(column) for column in np.indices(self._sizes, dtype=np.intp)]

    def labels(self) -> list:
        each = [self.column(part) for part in range(self.width)]
        return list(each[0]) if self.width == 1 else list(zip(*each, strict=True))

    def column(self, part: int) -> Sequence[Hashable]:
        owner, inner = self._owner[part]
        labels = self.parents[owner].column(inner)
        return [labels[place] for place in self.columns[owner].tolist()]

    def codes(self, part: int) -> Array:
        owner, inner = self._owner[part]
        return self.parents[owner].codes(inner)[self.columns[owner]]

    def up(self, part: int) -> tuple[Table, Array, int]:
        owner, inner = self._owner[part]
        return self.parents[owner], self.columns[owner], inner

    def _find(self, run: Run) -> Array:
        labels = iter(run)
        keys = self._keys([list(itertools.islice(labels, parent.width)) for parent in self.parents])
        if self.product:
            return keys
        # Most often every member is asked for in turn.
        if np.array_equal(keys, self._own):
            return self.every.places
        return self._checked(self._inverse[keys], run)

    def _keys(self, runs: list[Run]) -> Array:
        """One number for the positions in the first so many parents; outside of a sum as far as it can be."""
        for count in range(len(runs), 1, -1):
            first = [label for run in runs[:count] for label in run]
            rows = _lifted_by(first)
            if rows is not None:
                keys = self._keys([_origins(run) for run in runs[:count]])[rows]
                break
        else:
            count, keys = 1, self.parents[0].place(runs[0])
        rest = slice(count, len(runs))
        each = [parent.place(run) for parent, run in zip(self.parents[rest], runs[rest], strict=True)]
        return _ravelled([keys, *each], [0, *self._sizes[rest]])

    @cached_property
    def _own(self) -> Array:
        """One number for each member."""
        return _ravelled(self.columns, self._sizes)

    @cached_property
    def _inverse(self) -> Inverse:
        return _distinct(self.name, self._own)


class Ranks:
    """From codes to the rank of each among those of one part, -1 for others."""

    def __init__(self, codes: Array) -> None:
        present = np.zeros(int(codes.max(initial=-1)) + 1, dtype=bool)
        present[codes] = True
        self._inverse, self.count = Inverse(np.flatnonzero(present)), int(present.sum())

    def __getitem__(self, codes: Array) -> Array:
        return self._inverse[codes]


class Group:
    """Some members of a table, by position: what an index runs over.

    A group inside a sum repeats one outside (`origin`), a member for each of `rows`; positions are repeated when asked
    for, so that what depends on outer indices alone is looked up outside the sum.
    """

    def __init__(
        self, table: Table, places: Array | None, origin: Group | None = None, rows: Array | None = None
    ) -> None:
        self.table, self.origin, self.rows = table, origin, rows
        if places is not None:
            self.places = places
        self._up: dict[int, Group] = {}

    @cached_property
    def places(self) -> Array:
        assert self.origin is not None
        return self.origin.places[self.rows]

    @property
    def count(self) -> int:
        return len(self.places if self.rows is None else self.rows)

    def lifted(self, rows: Array) -> Group:
        return Group(self.table, None, self, rows)

    def up(self, part: int) -> Label | None:
        """The same label as a part of the set that it comes from; None where it comes from no other."""
        found = self.table.up(part)
        if found is None:
            return None
        parent, column, inner = found
        # One group for all parts of a parent, so that they are seen to be of one member.
        key = id(column)
        if key not in self._up:
            above = self.origin.up(part) if self.origin is not None else None
            lifted = Group(parent, None, above.group, self.rows) if above is not None else None
            self._up[key] = lifted or Group(parent, column if self is self.table.every else column[self.places])
        return Label(self._up[key], inner)


@dataclass(frozen=True, eq=False)
class Label:
    """One part of the members of a group."""

    group: Group
    part: int

    def up(self) -> Label | None:
        """The same label as a part of the set that its own is made from, if it is."""
        return self.group.up(self.part)

    def codes(self) -> Array:
        above = self.up()
        return above.codes() if above is not None else self.group.table.codes(self.part)[self.group.places]

    def numbers(self) -> Array:
        """The labels as numbers. Raises Unreadable where they are not."""
        above = self.up()
        if above is not None:
            return above.numbers()
        labels = self.group.table.column(self.part)
        if not all(isinstance(label, (int, float)) for label in labels):
            raise Unreadable("it reckons with an index that is not a number")
        return np.array(labels, dtype=float)[self.group.places]


@dataclass(frozen=True, eq=False)
class Reckoned:
    """Labels that a rule writes out or reckons: `values` is a number or an array of them, or one label."""

    values: Hashable | Array
    known: Codes

    def up(self) -> None:
        return None

    def codes(self) -> Array:
        if isinstance(self.values, np.ndarray):
            return self.known.of_numbers(self.values)
        return np.array(self.known.known(self.values), dtype=np.intp)


Run = Sequence[Label | Reckoned]
"""The labels by which a member is asked for, one for each part."""


class Family:
    """An indexed set: for each member of `index` the members of its own, which are parts of `table` from `offset`."""

    def __init__(self, index: Table, table: Table, offset: int, owner: Array) -> None:
        self.index, self._table, self.offset = index, table, offset
        self.width = table.width - offset
        counts = np.bincount(owner, minlength=index.count)
        self._start, self._counts = np.concatenate([[0], np.cumsum(counts)]), counts
        ordered = len(owner) < 2 or bool((owner[1:] >= owner[:-1]).all())
        self._order = None if ordered else np.argsort(owner, kind="stable")
        self._owner = owner if self._order is None else owner[self._order]

    def of(self, owners: Array) -> tuple[Group, Array]:
        """The members of each of these owners in turn, and for each the place of its owner in `owners`."""
        if owners is self.index.every.places:
            group = self._table.every
            return group if self._order is None else Group(self._table, self._order), self._owner
        counts = self._counts[owners]
        rows = np.repeat(np.arange(len(owners)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(self._start[owners], counts) + within
        return Group(self._table, places if self._order is None else self._order[places]), rows

    def labels(self) -> dict:
        """Each index with its members."""
        group, rows = self.of(np.arange(self.index.count))
        parts = [self._table.column(part) for part in range(self.offset, self._table.width)]
        found: dict = {label: [] for label in self.index.labels()}
        owners = self.index.labels()
        for row, place in zip(rows.tolist(), group.places.tolist(), strict=True):
            member = tuple(part[place] for part in parts)
            found[owners[row]].append(member if len(member) > 1 else member[0])
        return found


def family(name: str, index: Table, given: Any, tables: dict[str, Table], codes: Codes, width: int = 1) -> Family:
    """An indexed set, from a mapping of index to members, from pairs, from Positions or from what they have become;
    `width` if it is empty."""
    if isinstance(given, Positions):
        given = related(name, given, tables)
    if isinstance(given, Table):
        return _owned(index, given)
    if hasattr(given, "keys") and hasattr(given, "__getitem__"):
        owners = {label: given[label] for label in given.keys()}  # noqa: SIM118
        each = [owners.pop(label, ()) for label in index.labels()]
        if owners:
            raise CompileError(name, f"indices that are in {index.name}, not {next(iter(owners))!r}")
        if any(len(set(members)) != len(members) for members in each):
            raise CompileError(name, "members that are all different")
        owner = np.repeat(np.arange(index.count), [len(members) for members in each])
        return Family(index, Labelled(name, tuple(itertools.chain.from_iterable(each)), codes, width), 0, owner)
    pairs: list = list(given)
    if pairs and any(isinstance(part, tuple) for part in pairs[0]):
        pairs = [_flat(pair) for pair in pairs]
    return _owned(index, Labelled(name, pairs, codes, index.width + width).check())


def _owned(index: Table, table: Table) -> Family:
    if not table.count:
        return Family(index, table, min(index.width, table.width), np.array([], dtype=np.intp))
    return Family(index, table, index.width, index.place([Label(table.every, part) for part in range(index.width)]))


def related(name: str, given: Positions, tables: dict[str, Table]) -> Related:
    """A set given as positions in others."""
    rows = np.asarray(given.rows)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != len(given.of):
        raise CompileError(name, f"positions with {len(given.of)} columns, one for each of {', '.join(given.of)}")
    missing = [parent for parent in given.of if parent not in tables]
    if missing:
        raise CompileError(name, f"positions in sets declared before it, not {missing[0]}")
    return Related(name, [tables[parent] for parent in given.of], list(rows.T)).check()


def _flat(pair: Iterable) -> tuple:
    return tuple(itertools.chain.from_iterable(part if isinstance(part, tuple) else (part,) for part in pair))


def _members_of(table: Table, run: Run) -> Array | None:
    """The positions, where labels are all the parts of members of this very table, or of sets made from it."""
    labels: list[Label | None] = [label if isinstance(label, Label) else None for label in run]
    while labels and labels[0] is not None:
        group = labels[0].group
        if any(label is None or label.group is not group for label in labels):
            return None
        if group.table is table:
            whole = [label.part for label in labels if label is not None] == list(range(table.width))
            return group.places if whole else None
        labels = [label and label.up() for label in labels]
    return None


def _distinct(name: str, values: Array) -> Inverse:
    inverse = Inverse(values)
    if not inverse.distinct:
        raise CompileError(name, "members that are all different")
    return inverse


def _ravelled(each: Sequence[Array], sizes: Sequence[int]) -> Array:
    keys = each[0]
    for part, size in zip(each[1:], sizes[1:], strict=True):
        keys = keys * size
        if np.shape(keys) == np.shape(part):
            keys += part
        else:
            keys = keys + part
    return keys


def _lifted_by(run: Run) -> Array | None:
    """The rows by which all of the labels repeat others, if they are the same rows."""
    groups = [label.group if isinstance(label, Label) else None for label in run]
    rows = groups[0].rows if groups and groups[0] is not None else None
    return rows if all(group is not None and group.rows is rows for group in groups) else None


def _origins(run: Run) -> list[Label]:
    """The labels that those of a run repeat."""
    return [Label(label.group.origin, label.part) for label in run if isinstance(label, Label) and label.group.origin]
