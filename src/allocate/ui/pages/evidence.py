"""Evidence: every figure with its source, and a way to put in a better one."""

from allocate.ui import desk, panels, sharing
from allocate.ui.ahead import think_ahead
from allocate.ui.clashes import clash
from allocate.ui.evidence_parts import show

view = desk.open_view("Where does every figure come from?")
if view.plan is None:
    clash(view)
show(view)
panels.aside(view.draft, (), view)
sharing.sharing(view)
think_ahead(view)
