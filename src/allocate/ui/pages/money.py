"""The money: who holds what in law, what may move where, and what does."""

from allocate.ui import desk, panels, sharing
from allocate.ui.ahead import think_ahead
from allocate.ui.clashes import clash
from allocate.ui.money_parts import show

view = desk.open_view("Who holds the money, and what may move?")
if view.plan is None:
    clash(view)
    panels.strip(view)
else:
    show(view, view.plan)
panels.aside(view.draft, ("decision",), view)
sharing.sharing(view)
think_ahead(view)
