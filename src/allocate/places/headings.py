"""The columns of NHS England's practice file, known by what they mean: their names differ between years."""

from __future__ import annotations

import re
from collections.abc import Sequence

COMPONENTS = {
    "acute": "General and acute",
    "community": "Community services",
    "mental_health": "Mental health",
    "maternity": "Maternity",
    "prescribing": "Prescribing",
    "inequalities": "Health inequalities",
    "core": "Core, overall",
    "primary_need": "Primary medical care, need",
    "primary": "Primary medical care, overall",
}
"""The need components, each a column of weighted population. `core` and `primary` are the whole formulas, local costs
and health inequalities included; the others are parts of them without local costs."""

NEED = {
    "acute": ("g a", "general and acute", "general acute"),
    "community": ("cs", "community", "community services"),
    "mental_health": ("mh", "mental health"),
    "maternity": ("mat", "maternity"),
    "prescribing": ("prescr", "presc", "prescribing"),
    "inequalities": ("health ineq", "hi", "health inequalities", "health inequality", "am", "avoidable mortality"),
    "core": ("final", "core", "overall", "overall core", "core overall", "final core"),
    "primary_need": ("primary medical care", "primary medical care need", "pmc need"),
    "primary": ("final pmc", "pmc overall", "overall pmc", "primary care", "final primary medical care",
                "primary medical care overall", "overall primary medical care"),
}  # fmt: skip
"""Names of a component with the words that say 'weighted population' taken out."""

LABELS = {
    "code": ("practice code", "gp practice code", "gp code", "practice"),
    "name": ("gp practice name", "practice name"),
    "system": ("icb", "icb code", "ics", "ics code", "stp", "stp code"),
    "system_name": ("icb name", "icbname", "ics name", "icsname", "stp name"),
    "region": ("region", "region name"),
    "district": ("lad", "lad code", "la district code", "local authority district code", "district code"),
    "district_name": ("ltla", "ltla name", "lad name", "ladname", "la district name", "local authority district name",
                      "local authority district", "district", "district name"),
    "pcn": ("pcn code", "pcn"),
    "pcn_name": ("pcn name",),
}  # fmt: skip

PEOPLE = ("population", "pop", "gp pop", "registered population", "gp registered population", "registered patients",
          "patients", "list size")  # fmt: skip
"""Names of the registered population, the likelier first."""

WHERE = {
    "latitude": ("latitude", "lat", "practice latitude"),
    "longitude": ("longitude", "long", "lng", "lon", "practice longitude"),
}
"""Names of where a practice is, in degrees."""

REQUIRED = {
    "code": "the practice's code, such as Practice_Code",
    "name": "the practice's name, such as GP_Practice_Name",
    "system": "the system's code, such as ICB",
    "population": "registered people, such as Population",
    "core": "the overall core weighted population, such as Final WP",
}

WEIGHTED = re.compile(r"\b(wp|weighted|weighting)\b")
PEOPLE_WORDS = re.compile(r"\b(wp|weighted|weighting|population|populations|pop|pops)\b")


def meaning(heading: str) -> str:
    """What a column is about: a component, a label, 'population', where a practice is, or '' for columns that nothing
    here needs."""
    text = _plain(heading)
    if WEIGHTED.search(text):
        bare = _plain(PEOPLE_WORDS.sub(" ", text))
        return next((component for component, names in NEED.items() if bare in names), "")
    if text in PEOPLE:
        return "population"
    return next((label for label, names in (LABELS | WHERE).items() if text in names), "")


def likelihood(heading: str) -> int:
    """How far down the list of names of the registered population this one stands."""
    text = _plain(heading)
    return PEOPLE.index(text) if text in PEOPLE else len(PEOPLE)


def known(cells: Sequence[str]) -> int:
    """How many different meanings a row of headings holds."""
    return len({meaning(cell) for cell in cells} - {""})


def _plain(heading: str) -> str:
    """A heading in small letters and single spaces, without years and other digits."""
    return " ".join(re.sub(r"[^a-z]+", " ", heading.casefold()).split())
