"""Places out of general practices: their need, fair shares, distance from them, and the pace of change.

practices = al.places.read("nhse_practices_2025_26.csv")
drawing = al.places.draw(practices, "QWU", by="district")
drawing.indices()
drawing.targets(1_875e6)
"""

from allocate.places import pace
from allocate.places.drawing import Drawing, draw
from allocate.places.headings import COMPONENTS
from allocate.places.practices import Practices, read
from allocate.places.stability import moved, sway
from allocate.places.writing import write

__all__ = ["COMPONENTS", "Drawing", "Practices", "draw", "moved", "pace", "read", "sway", "write"]
