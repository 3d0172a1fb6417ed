"""Tiny with a rule book of every sort: bent, objected to, a permission, a report, recorded, and with its minutes."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.conftest import SCENARIOS

RULES = """
[prevention-north]
kind = "floor"
owner = "council"
where = { programmes = ["prevention"], places = ["north"] }
amount = 60000
authority = "agreed for this example"
source = "made-up"
proposer = "council"
support = ["council", "board"]
objections = [{ by = "trust", reason = "Wards would have to close" }]
since = 2026-04-01
review = 2027-03-31
when = "the grant is paid in full"
or_else = "the board reports to both councils"
bends = [{ by = 20000, price = 100 }, { price = 5000 }]
text = "Not less than sixty thousand pounds shall go to prevention in the North."

[steady-care]
kind = "band"
owner = "trust"
standing = "statutory"
where = { programmes = ["care"] }
each = "line"
down = 0.05
up = 0.5
authority = "agreed for this example"

[grant-to-care]
kind = "open"
owner = "board"
route = "lend"
amount = 5000
authority = "a memorandum between the two"

[quarterly]
kind = "report"
owner = "board"
due = 2026-09-30
what = "what was spent on prevention in each place"

[old-promise]
kind = "floor"
owner = "trust"
standing = "recorded"
where = { programmes = ["care"], places = ["south"] }
amount = 400000
authority = "minutes of a meeting"

[few-moves]
kind = "moves"
owner = "board"
in_force = false
at_most = 3
"""


def booked(folder: Path) -> Path:
    """A copy of tiny in a folder, with this book and a route that is shut."""
    place = Path(shutil.copytree(SCENARIOS / "tiny", folder / "tiny"))
    (place / "rules.toml").write_text(RULES, encoding="utf-8")
    (place / "routes.csv").write_text(
        "id,year,source,target,high,authority\nlend,2026/27,grant,core,0,none yet\n", encoding="utf-8"
    )
    evidence = (place / "evidence.csv").read_text(encoding="utf-8")
    more = ["routes.*.high", "rules.prevention-north.bends", "rules.grant-to-care.amount", "rules.few-moves.at_most",
            "rules.few-moves.beyond", "rules.old-promise.amount"]  # fmt: skip
    (place / "evidence.csv").write_text(evidence + "".join(f"{each},assumed,made-up,\n" for each in more))
    return place


__all__ = ["RULES", "booked"]
