"""The sets of a declaration, from the members that a caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyomo.core.base.global_set import UnindexedComponent_set
from pyomo.core.base.set import SetProduct, SortedScalarSet

from allocate.compiler.errors import CompileError
from allocate.compiler.members import Family, Positions, Table, Tuples, labelled, mapped, placed
from allocate.compiler.outline import SetOutline, dimen


class Sets:
    """The tables and families of a declaration's sets, and of the products it indexes by.

    Raises CompileError for members that make no set, or that are missing.
    """

    def __init__(self, declared: Mapping[str, SetOutline], members: Mapping[str, Any]) -> None:
        self.named: dict[str, Table | Family] = {}
        self._members = members
        self._tables: dict[int, Table] = {id(UnindexedComponent_set): Tuples("the scalar index", [], None)}
        self._products: dict[tuple[int, ...], Table] = {}
        # What was given, kept so that nothing else comes to have the same id, and the table made of it.
        self._given: dict[int, tuple[Any, Table]] = {}
        unknown = [name for name in members if name not in declared]
        if unknown:
            raise CompileError(unknown[0], "members of a Set of the declaration only")
        for name, outline in declared.items():
            if outline.index is None:
                self.named[name] = self._tables[id(outline.found)] = self._table(name, outline.found, outline.dimen)
            else:
                self.named[name] = self._family(name, outline)

    def table(self, found: Any) -> Table:
        """The table of a Pyomo set that is not indexed."""
        table = self._tables.get(id(found))
        if table is None:
            table = self._tables[id(found)] = self._table(found.local_name, found, dimen(found))
        return table

    def data(self) -> dict[str, Any]:
        """The members that were given, as Pyomo's create_instance takes them."""
        found: dict[str, Any] = {}
        for name in self._members:
            members = self.named[name]
            found[name] = members.labels() if isinstance(members, Family) else {None: members.labels()}
        return found

    def _product(self, found: Any) -> Table:
        """One table for all products of the same sets, so that places in one are places in the others."""
        parts = [self.table(part) for part in found.subsets(expand_all_set_operators=False)]
        return self._products.setdefault(tuple(map(id, parts)), Tuples(found.local_name, parts, None))

    def _table(self, name: str, found: Any, width: int) -> Table:
        if name in self._members:
            if isinstance(found, SortedScalarSet):
                raise CompileError(name, "the order of members in which they are given, not SortedOrder")
            return self._made(name, self._members[name], width)
        if isinstance(found, SetProduct):
            return self._product(found)
        labels = _constant(found)
        if labels is None:
            raise CompileError(name, "its members")
        return labelled(name, labels, width)

    def _family(self, name: str, outline: SetOutline) -> Family:
        index = self.table(outline.index)
        if name not in self._members:
            raise CompileError(name, "its members for each index")
        given = self._members[name]
        if isinstance(given, Mapping):
            return Family(index, mapped(name, index, given, outline.dimen))
        return Family(index, self._made(name, given, index.width + outline.dimen))

    def _made(self, name: str, given: Any, width: int) -> Table:
        """The table of members: one for all sets that are given the same object."""
        positions = isinstance(given, Positions)
        _, table = self._given.get(id(given), (None, None))
        # How many labels members have is not seen where there are none.
        if table is None or not (table.count or positions):
            table = placed(name, given, self.named) if positions else labelled(name, given, width)
            self._given[id(given)] = given, table
        return table


def _constant(found: Any) -> list | None:
    """The members of a set that is declared with them; None where they are not known yet."""
    if found.is_constructed():
        return list(found)
    initial = getattr(getattr(found, "_init_values", None), "_init", None)
    if initial is None or not initial.constant() or getattr(found, "_filter", None) is not None:
        return None
    values = getattr(initial, "val", None)
    return list(values) if isinstance(values, (list, tuple, range, dict)) else None
