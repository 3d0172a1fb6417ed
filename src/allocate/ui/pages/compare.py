"""Compare: kept plans side by side, differences first."""

from allocate.ui import desk, panels, sharing
from allocate.ui.ahead import think_ahead
from allocate.ui.clashes import clash
from allocate.ui.compare_parts import lead_on, show
from allocate.ui.panels import PANELS

lead_on()
view = desk.open_view("Which plan, and what differs?")
if view.plan is None:
    clash(view)
show(view)
panels.aside(view.draft, PANELS, view)
sharing.sharing(view)
think_ahead(view)
