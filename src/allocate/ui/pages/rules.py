"""The rules: the book as sentences with a switch, a figure and a price."""

from allocate.ui import desk, panels, sharing
from allocate.ui.ahead import think_ahead
from allocate.ui.clashes import clash
from allocate.ui.rule_parts import show

view = desk.open_view("What have we agreed, and what does it cost?")
if view.plan is None:
    clash(view)
show(view)
panels.aside(view.draft, (), view)
sharing.sharing(view)
think_ahead(view)
