"""Fair shares: what fairer means, what it costs, and who would feel it."""

from allocate.ui import desk, panels, sharing
from allocate.ui.ahead import think_ahead
from allocate.ui.clashes import clash
from allocate.ui.fair_parts import controls, show

view = desk.open_view("What would fairer cost, and who would feel it?")
if view.plan is None:
    clash(view)
    controls(view)
    panels.strip(view)
else:
    show(view, view.plan)
panels.aside(view.draft, (), view)
sharing.sharing(view)
think_ahead(view)
