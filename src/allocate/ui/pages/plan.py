"""The plan: who gets what, who gains and who loses, and why."""

from allocate.ui import afresh, desk, panels, sharing
from allocate.ui.ahead import think_ahead
from allocate.ui.clashes import clash
from allocate.ui.knobs import PANELS
from allocate.ui.plan_parts import drawing, show

view = desk.open_view("How should the money be shared?", meanwhile=True)
if view.shown is None:
    clash(view)
    panels.strip(view)
else:
    show(view, view.shown)
panels.aside(view.draft, PANELS, view)
sharing.sharing(view)
think_ahead(view, drawing)
afresh.go_on(view)
