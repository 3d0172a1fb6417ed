"""The sets of a declaration, from the members that a caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyomo.environ as pyo
from pyomo.core.base.global_set import UnindexedComponent_set
from pyomo.core.base.set import SetProduct, SortedScalarSet

from allocate.compiler.errors import CompileError
from allocate.compiler.members import Codes, Family, Labelled, Positions, Related, Table, family, related


class Sets:
    """The tables and families of a declaration's sets, and of the products it indexes by."""

    def __init__(self, declaration: pyo.AbstractModel, members: Mapping[str, Any]) -> None:
        self.codes = Codes()
        self.named: dict[str, Table | Family] = {}
        self._members, self._tables = members, {}  # type: Mapping[str, Any], dict[int, Table]
        # What was given, kept so that nothing else comes to have the same id, and the table made of it.
        self._related: dict[int, tuple[Positions, Related]] = {}
        self._labelled: dict[int, tuple[Any, Labelled]] = {}
        self._scalar = Related("the scalar index", [], None)
        found = {found.local_name: found for found in declaration.component_objects([pyo.Set, pyo.RangeSet])}
        unknown = [name for name in members if name not in found]
        if unknown:
            raise CompileError(unknown[0], "members of a Set of the declaration only")
        for name, component in found.items():
            self.named[name] = self._family(component) if component.is_indexed() else self.table(component)

    def table(self, found: Any) -> Table:
        """The table of a Pyomo set that is not indexed. Raises CompileError where its members are not known."""
        if found is UnindexedComponent_set:
            return self._scalar
        if id(found) not in self._tables:
            self._tables[id(found)] = self._table(found)
        return self._tables[id(found)]

    def data(self) -> dict[str, Any]:
        """The members that were given, as Pyomo's create_instance takes them."""
        found: dict[str, Any] = {}
        for name in self._members:
            members = self.named[name]
            found[name] = members.labels() if isinstance(members, Family) else {None: members.labels()}
        return found

    def _table(self, found: Any) -> Table:
        name = found.local_name
        if name in self._members:
            given = self._members[name]
            if isinstance(found, SortedScalarSet):
                raise CompileError(name, "the order of members in which they are given, not SortedOrder")
            if isinstance(given, Positions):
                return self._placed(name, given)
            table = Labelled(name, _sequence(given), self.codes, _dimen(found)).check()
            self._labelled[id(given)] = given, table
            return table
        if isinstance(found, SetProduct):
            return Related(name, [self.table(part) for part in found.subsets(expand_all_set_operators=False)], None)
        labels = _constant(found)
        if labels is None:
            raise CompileError(name, "its members")
        return Labelled(name, labels, self.codes, _dimen(found))

    def _family(self, found: Any) -> Family:
        name = found.local_name
        if name not in self._members:
            raise CompileError(name, "its members for each index")
        index, given = self.table(found.index_set()), self._members[name]
        if isinstance(given, Positions):
            given = self._placed(name, given)
        elif self._is_flat(given):
            given = self._labelled[id(given)][1]
        return family(name, index, given, self._plain(), self.codes, _dimen(found))

    def _placed(self, name: str, given: Positions) -> Related:
        """The table of a set given as positions: one table for all sets that are given the same."""
        if id(given) not in self._related:
            self._related[id(given)] = given, related(name, given, self._plain())
        return self._related[id(given)][1]

    def _is_flat(self, given: Any) -> bool:
        """Whether these pairs are the members of another set already, and no label of theirs is a tuple."""
        _, table = self._labelled.get(id(given), (None, None))
        if table is None or not table.count or table.width < 2:
            return False
        return not any(isinstance(table.column(part)[0], tuple) for part in range(table.width))

    def _plain(self) -> dict[str, Table]:
        return {name: table for name, table in self.named.items() if isinstance(table, Table)}


def _sequence(given: Any) -> Any:
    if isinstance(given, (list, tuple, range)):
        return given
    return given.tolist() if hasattr(given, "tolist") else tuple(given)


def _constant(found: Any) -> list | None:
    """The members of a set that is declared with them; None where they are not known yet."""
    if found.is_constructed():
        return list(found)
    initial = getattr(getattr(found, "_init_values", None), "_init", None)
    if initial is None or not initial.constant() or getattr(found, "_filter", None) is not None:
        return None
    values = getattr(initial, "val", None)
    return list(values) if isinstance(values, (list, tuple, range, dict)) else None


def _dimen(found: Any) -> int:
    """How many labels a member has, as far as the declaration says; 1 otherwise."""
    initial = getattr(found, "_init_dimen", None)
    value = initial.val if initial is not None and hasattr(initial, "val") else None
    return value if isinstance(value, int) else 1
