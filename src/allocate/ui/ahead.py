"""What a visitor is likely to ask next, solved and drawn up while he looks at what he has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from allocate.errors import ScenarioError
from allocate.plan.plan import Plan
from allocate.scenario.scenario import Scenario
from allocate.ui import solving, state
from allocate.ui.address import Draft
from allocate.ui.desk import View, assumed
from allocate.ui.panels import switches

Prepare = Callable[[View, Plan], object]


def think_ahead(view: View, prepare: Prepare | None = None) -> None:
    """At the end of a page: solve what one more step of the last lever would ask, and the turn of each rule's switch on
    the panel, while the visitor looks; nothing while the answer that he waits for is still looked for. `prepare` is
    called with what a page would show then; it may draw nothing."""
    moves = state.next_moves(switches(view)) if view.run is None else []
    if moves:
        state.runs().ahead(lambda: _wanted(view, moves, prepare))


def _wanted(view: View, drafts: Iterable[Draft], prepare: Prepare | None) -> Iterator[Scenario]:
    """The scenarios that drafts would solve, whoever takes them solving each before the next; those that cannot be are
    passed over."""
    for draft in drafts:
        with suppress(ScenarioError):
            wanted, again = solving.change(view.agreed, draft.changes), None
            yield wanted
            if changed := assumed(draft):
                yield (again := solving.change(view.agreed, changed))
            plan, rebased = solving.known(wanted), solving.known(again) if again else None
            if prepare is not None and isinstance(plan, Plan):
                rebased = rebased if isinstance(rebased, Plan) else None
                prepare(View(draft, view.book, wanted, view.base, rebased, plan), plan)
