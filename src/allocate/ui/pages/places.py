"""Places: drawn from practices, checked, mapped, and what is fair for each."""

from allocate.ui import desk, panels
from allocate.ui.places_parts import show

draft, book, wanted = desk.open_page("Which places are ours, and what is fair for each?")
show(wanted, draft.seat)
panels.aside(draft, (), book.scenario)
