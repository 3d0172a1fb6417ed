"""Index sets as whole numbers: a member is its position in its set, and labels are looked up only where they must be.

A set whose members have one label each is `Names`; any other is `Tuples`, whose members are positions in other sets.
A `Label` is one part of some members, what stands for an index while a rule is read: `Table.place` turns labels back
into positions, and where they come from that very table this costs nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from allocate.compiler.arrays import SMALL, some
from allocate.compiler.errors import CompileError, Unreadable

Array = np.ndarray
Places = Array | slice
"""Positions in a set: an array, a single one (0-d), or ALL."""
ALL = slice(None)
"""Every member in turn, without an array of positions."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Members of a set given as positions in other sets, so that no label is read. The array is kept, not copied.

    `rows` has a row for each member and a column for each set named in `of` (1-D where `of` names one). For an indexed
    set the first columns are positions in its index sets, the rest are the member: `of=("PLACES", "LINES")`.
    """

    rows: Array
    of: tuple[str, ...]


class Table:
    """A set: `count` members of `width` labels each. `name` is for messages."""

    def __init__(self, name: str, count: int, width: int) -> None:
        self.name, self.count, self.width = name, count, width

    def column(self, part: int) -> Sequence[Hashable]:
        """One label of every member."""
        raise NotImplementedError

    def labels(self) -> list:
        """The members, as tuples where they have several labels."""
        each = [self.column(part) for part in range(self.width)]
        return list(each[0]) if self.width == 1 else list(zip(*each, strict=True))

    def place(self, run: Run) -> Places:
        """Positions of the members with these labels, one for each part. Raises CompileError where one is missing."""
        if not self.count:
            return self._checked(np.full(max((label.count for label in run), default=0), -1))
        if len(run) != self.width:
            raise CompileError(self.name, f"{self.width} labels to find a member by, not {len(run)}")
        return self._found(run)

    def _found(self, run: Run) -> Places:
        raise NotImplementedError

    def _checked(self, places: Array) -> Array:
        if places.size and places.min() < 0:
            first = int(np.flatnonzero(np.atleast_1d(places) < 0)[0])
            raise CompileError(self.name, f"a member for every index asked for; number {first} of them is not in it")
        return places


class Names(Table):
    """A set whose members have one label each."""

    def __init__(self, name: str, labels: Sequence[Hashable]) -> None:
        super().__init__(name, len(labels), 1)
        self._labels = labels

    def column(self, part: int) -> Sequence[Hashable]:
        return self._labels

    @cached_property
    def find(self) -> dict[Hashable, int]:
        """The position of each label."""
        return dict(zip(self._labels, range(self.count), strict=True))

    def _found(self, run: Run) -> Places:
        label = run[0].root()
        if label.table is self or not label.count:
            return label.places
        known = map(self.find.get, label.table.column(0), itertools.repeat(-1))
        return self._checked(np.fromiter(known, np.intp, label.table.count)[label.places])


class Empty(Table):
    """A set without members."""

    def __init__(self, name: str, width: int) -> None:
        super().__init__(name, 0, width)

    def column(self, part: int) -> Sequence[Hashable]:
        return ()


class Tuples(Table):
    """A set whose members are positions in other sets, a column for each; or, with no columns, all their pairs.
    `rising` where each member comes after the one before it in those sets.

    Raises CompileError where a member comes twice.
    """

    def __init__(self, name: str, parents: Sequence[Table], columns: Sequence[Array] | None) -> None:
        sizes = [parent.count for parent in parents]
        count = len(columns[0]) if columns is not None else math.prod(sizes)
        super().__init__(name, count, sum([parent.width for parent in parents]))
        self.parents, self._sizes, self._product, self.rising = parents, sizes, columns is None, True
        if columns is not None:
            self.columns = columns
            if count:
                self._check()

    def _check(self) -> None:
        if math.prod(self._sizes) >= 2**62:
            raise CompileError(self.name, "parts that make fewer than 2 to the power of 62 pairs")
        keys = _ravelled(self.columns, self._sizes)
        self.rising = _rise(keys)
        if not self.rising and not _rise(np.sort(keys)):
            raise CompileError(self.name, "members that are all different")

    @cached_property
    def owner(self) -> list[tuple[int, int]]:
        """For each label of a member the parent that it is of, and which of that one's labels it is."""
        return [(k, part) for k, parent in enumerate(self.parents) for part in range(parent.width)]

    @cached_property
    def _sorted(self) -> tuple[Array, Array | None]:
        """One number for each member, sorted, and the order of the members by it, where that is not their own."""
        keys = _ravelled(self.columns, self._sizes)
        if self.rising:
            return keys, None
        order = np.argsort(keys)
        return keys[order], order

    @cached_property
    def columns(self) -> Sequence[Array]:
        """For each of the parents, the position in it of every member."""
        return [np.ravel(column) for column in np.indices(self._sizes, dtype=np.intp)]

    def column(self, part: int) -> Sequence[Hashable]:
        owner, inner = self.owner[part]
        labels = self.parents[owner].column(inner)
        return [labels[place] for place in self.columns[owner].tolist()]

    def _found(self, run: Run) -> Places:
        above: Run | None = run
        while above and _of_one(above):
            if above[0].table is self and [label.part for label in above] == list(range(self.width)):
                return above[0].places
            above = _raised(above)
        labels, each = iter(run), []
        for parent in self.parents:
            each.append(counted(parent.place(list(itertools.islice(labels, parent.width))), parent.count))
        keys = _ravelled(each, self._sizes)
        if self._product:
            return keys
        own, order = self._sorted
        if order is None and np.array_equal(own, keys):
            return ALL
        near = self._near(each[0], own, keys)
        return self._checked(np.where(own[near] == keys, near if order is None else order[near], -1))

    def _near(self, owners: Array, own: Array, keys: Array) -> Array:
        """Where each key is among the sorted ones, if it is there; `owners` are the first parts of those asked for."""
        if self.rising and keys.size > SMALL and owners.shape == keys.shape:
            # Mostly who asks for one member of an owner asks for all, in this order: so they are found by their owner.
            every = np.arange(self._sizes[0])
            near = (self.columns[0].searchsorted(every) - owners.searchsorted(every)).take(owners)
            near += np.arange(len(near))
            near.clip(0, self.count - 1, out=near)
            if not some(own.take(near) != keys):
                return near
        return np.minimum(own.searchsorted(keys), self.count - 1)


@dataclass(eq=False, slots=True)
class Label:
    """One part of some members of a table."""

    table: Table
    part: int
    places: Places

    @property
    def count(self) -> int:
        return self.table.count if isinstance(self.places, slice) else self.places.size

    def root(self) -> Label:
        """The same label as a member of the set that it comes from."""
        label = self
        while isinstance(label.table, Tuples):
            owner, part = label.table.owner[label.part]
            label = Label(label.table.parents[owner], part, label.table.columns[owner][label.places])
        return label

    def numbers(self) -> Array:
        """The labels as numbers. Raises Unreadable where they are not."""
        root = self.root()
        labels = root.table.column(0)
        if not all(isinstance(label, (int, float)) for label in labels):
            raise Unreadable("it reckons with an index that is not a number")
        return np.array(labels, dtype=float)[root.places]


Run = list[Label]
"""The labels by which a member is asked for, one for each part."""


def reckoned(values: Any) -> Label:
    """A label that a rule writes out, or labels that it reckons: one, or an array of numbers."""
    if not isinstance(values, np.ndarray):
        return Label(Names("a label", [values]), 0, np.array(0))
    distinct, places = np.unique(values, return_inverse=True)
    return Label(Names("numbers", distinct.tolist()), 0, places.reshape(values.shape))


def counted(places: Places, count: int) -> Array:
    """Positions in a set of so many as an array."""
    return np.arange(count) if isinstance(places, slice) else places


class Rows:
    """Entries row by row: row k has those from `starts[k]` up to `starts[k + 1]`. Mostly that is all that is needed:
    then nothing is as long as the entries."""

    def __init__(self, starts: Array) -> None:
        self.starts, self.count, self.size = starts, len(starts) - 1, int(starts[-1])

    @classmethod
    def long(cls, lengths: Array) -> Rows:
        """Rows of these lengths."""
        starts = np.zeros(len(lengths) + 1, dtype=np.intp)
        lengths.cumsum(out=starts[1:])
        rows = cls(starts)
        rows.lengths = lengths
        return rows

    @classmethod
    def sorted(cls, of: Array, count: int) -> Rows:
        """From the row, of `count`, that each entry belongs to."""
        return cls.long(np.bincount(of, minlength=count))

    @cached_property
    def lengths(self) -> Array:
        """How many entries each row has."""
        return self.starts[1:] - self.starts[:-1]

    @cached_property
    def of(self) -> Array:
        """The row of each entry."""
        return np.arange(self.count).repeat(self.lengths)

    @cached_property
    def single(self) -> bool:
        """Whether every row has one entry."""
        return self.size == self.count and bool((self.lengths == 1).all())

    def lifted(self, places: Places) -> Places:
        """What each row has, for its entries."""
        if isinstance(places, slice):
            return places if self.single else self.of
        return places if self.single or not places.ndim else places.repeat(self.lengths)

    def within(self, outer: Rows) -> Rows:
        """The entries by the rows of others, whose entries these rows are."""
        return Rows(self.starts[outer.starts])

    def taken(self, rows: Array) -> tuple[Places, Rows]:
        """Some of the rows, in any order and any number of times: their entries, and those as rows of their own."""
        taken = Rows.long(self.lengths[rows])
        further = self.starts[rows] - taken.starts[:-1]
        # Where a row without entries is does not matter.
        if taken.size == self.size and not some(further * taken.lengths):
            return ALL, taken
        entries = further.repeat(taken.lengths)
        entries += np.arange(taken.size)
        return entries, taken


class Family:
    """An indexed set: for each member of `index` the members of its own. `table` has both, the index first; where it is
    empty there is nothing to ask for."""

    def __init__(self, index: Table, table: Table) -> None:
        self.index, self.table, self._order = index, table, None
        self.width = max(table.width - index.width, 1)
        if not table.count:
            return
        if isinstance(table, Tuples) and table.parents[:1] == [index]:
            owner, rising = table.columns[0], table.rising
        else:
            labels = [Label(table, part, ALL) for part in range(index.width)]
            owner, rising = counted(index.place(labels), index.count), False
        if not rising and some(owner[1:] < owner[:-1]):
            self._order = np.argsort(owner, kind="stable")
            owner = owner[self._order]
        self._rows = Rows.sorted(owner, index.count)

    def of(self, owners: Places) -> tuple[Places, Rows]:
        """The members of each of these owners in turn, as places in the table, and for each the place of its owner."""
        if isinstance(owners, slice):
            return ALL if self._order is None else self._order, self._rows
        places, rows = self._rows.taken(owners)
        return places if self._order is None else self._order[places], rows

    def labels(self) -> dict:
        """Each index with its members."""
        owners = self.index.labels()
        found: dict = {label: [] for label in owners}
        if self.table.count:
            places = counted(self.of(ALL)[0], self.table.count).tolist()
            parts = [self.table.column(part) for part in range(self.index.width, self.table.width)]
            for row, place in zip(self._rows.of.tolist(), places, strict=True):
                member = tuple(part[place] for part in parts)
                found[owners[row]].append(member if len(member) > 1 else member[0])
        return found


def labelled(name: str, members: Iterable, width: int) -> Table:
    """A set from its labels; of `width` parts if it is empty. Raises CompileError where a member comes twice."""
    if isinstance(members, range) and width == 1:
        return Names(name, members)
    members = members.tolist() if hasattr(members, "tolist") else members
    given: Sequence = members if isinstance(members, (list, tuple, range)) else list(members)
    if not any(isinstance(member, tuple) for member in given[:1]):
        if not given and width > 1:
            return Empty(name, width)
        if len(set(given)) != len(given):
            raise CompileError(name, "members that are all different")
        return Names(name, given)
    if any(isinstance(part, tuple) for part in given[0]):
        given = [flat(member) for member in given]
    if set(map(type, given)) != {tuple} or set(map(len, given)) != {len(given[0])}:
        raise CompileError(name, f"members of {len(given[0])} labels each")
    parts = [_distinct(name, list(map(itemgetter(part), given))) for part in range(len(given[0]))]
    return Tuples(name, [names for names, _ in parts], [places for _, places in parts])


def _distinct(name: str, labels: Sequence[Hashable]) -> tuple[Names, Array]:
    """The labels that are different, and for each of all its position among them."""
    names = Names(name, list(dict.fromkeys(labels)))
    return names, np.fromiter(map(names.find.__getitem__, labels), np.intp, len(labels))


def mapped(name: str, index: Table, given: Mapping, width: int) -> Table:
    """The members of an indexed set by a mapping from index to members, with the index before each."""
    owners = dict(given)
    pairs = [flat((owner, member)) for owner in index.labels() for member in owners.pop(owner, ())]
    if owners:
        raise CompileError(name, f"indices that are in {index.name}, not {next(iter(owners))!r}")
    return labelled(name, pairs, index.width + width)


def placed(name: str, given: Positions, tables: Mapping[str, Table | Family]) -> Table:
    """A set given as positions in others. Raises CompileError where they are none of theirs."""
    rows = np.asarray(given.rows)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != len(given.of) or (rows.size and rows.dtype.kind not in "iu"):
        raise CompileError(name, f"positions with {len(given.of)} columns, one for each of {', '.join(given.of)}")
    parents = [table for table in map(tables.get, given.of) if isinstance(table, Table)]
    if len(parents) < len(given.of):
        raise CompileError(name, f"positions in sets declared before it, all of {', '.join(given.of)}")
    if not rows.size:
        return Empty(name, sum([parent.width for parent in parents]))
    columns = list((rows if rows.dtype == np.intp else rows.astype(np.intp)).T)
    for parent, column in zip(parents, columns, strict=True):
        # Without a sign, those below 0 are the largest.
        signless = column.view(np.uintp)
        if some(signless >= parent.count) if signless.size < SMALL else signless.max() >= parent.count:
            raise CompileError(name, f"positions from 0 to {parent.count - 1} in {parent.name}")
    return Tuples(name, parents, columns)


def flat(member: Any) -> tuple:
    """A member with tuples in it as one tuple."""
    return tuple(itertools.chain.from_iterable(map(flat, member))) if isinstance(member, tuple) else (member,)


def _of_one(run: Run) -> bool:
    """Whether labels are parts of the same members."""
    table, places = run[0].table, run[0].places
    return len(run) == 1 or all(label.table is table and label.places is places for label in run)


def _raised(run: Run) -> Run | None:
    """Labels of the same members as parts of the one set that these are positions in, if they are."""
    table, places = run[0].table, run[0].places
    if not isinstance(table, Tuples):
        return None
    owner = table.owner[run[0].part][0]
    if len(run) > 1 and any(table.owner[label.part][0] != owner for label in run):
        return None
    above = table.columns[owner][places]
    return [Label(table.parents[owner], table.owner[label.part][1], above) for label in run]


def _rise(keys: Array) -> bool:
    return not some(keys[1:] <= keys[:-1])


def _ravelled(each: Sequence[Array], sizes: Sequence[int]) -> Array:
    """One number for the positions in several sets."""
    if not each:
        return np.array(0)
    keys = each[0]
    for part, size in zip(each[1:], sizes[1:], strict=True):
        keys = keys * size
        keys = np.add(keys, part, out=keys) if keys.ndim and keys.shape == np.shape(part) else keys + part
    return keys
