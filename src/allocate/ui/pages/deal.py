"""The deal: is it worth signing, who might walk, and what would keep everybody in."""

from allocate.ui import desk, panels, sharing
from allocate.ui.ahead import think_ahead
from allocate.ui.clashes import clash
from allocate.ui.deal_parts import needs, show

view = desk.open_view("Is it worth signing, and who might walk?")
if view.plan is None:
    clash(view)
    needs(view)
    panels.strip(view)
else:
    show(view, view.plan)
panels.aside(view.draft, (), view)
sharing.sharing(view)
think_ahead(view)
