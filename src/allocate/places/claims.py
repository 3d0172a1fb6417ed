"""What somebody says is in which place: a mapping, a CSV, a TOML file, or a session of NHS England's tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allocate.errors import Problem
from allocate.places.practices import CODE
from allocate.places.sheets import csv_rows
from allocate.scenario.reading import read_text, read_toml
from allocate.scenario.words import suggestion

COLUMNS = {
    "practice": ("practice", "practice_code", "code", "entry", "gp_practice_code"),
    "place": ("place", "place_name", "locality"),
    "name": ("name", "practice_name", "gp_practice_name"),
    "within": ("within", "parent"),
}
"""The columns of a CSV of places, and other names for them. The first two are needed."""
KINDS = {"members": "", "practices": "practice", "districts": "district", "pcns": "pcn"}
"""The lists that a place told by fields may have, and what their entries are; '' for any."""
LABEL = re.compile(r"([A-Za-z](?=[A-Za-z]*\d)[A-Za-z0-9]{4,7})\s*:\s*(.+)", re.DOTALL)
"""A practice as NHS England's tool names it: M84001: The Surgery."""


@dataclass(frozen=True)
class Claim:
    """One entry of a place: a practice, a district or a PCN that it holds, or (`out`) does not hold. `kind` says which
    of them, '' where the entry itself must."""

    place: str
    entry: str
    where: str
    row: int | None = None
    out: bool = False
    name: str = ""
    within: str = ""
    kind: str = ""

    @property
    def code(self) -> str:
        """The entry as a practice's code would be written; '' where it cannot be one."""
        code = self.entry.upper()
        return code if CODE.fullmatch(code) else ""


def claim(
    place: str, text: str, where: str, row: int | None = None, name: str = "", within: str = "", kind: str = ""
) -> Claim:
    """A claim as it was typed: 'not' takes out, and a code may have a name after a colon."""
    text = text.strip()
    out = text.casefold().startswith("not ")
    text = text[4:].strip() if out else text
    labelled = LABEL.fullmatch(text)
    if labelled:
        text, name = labelled.group(1), labelled.group(2).strip()
    return Claim(place.strip(), text, where, row, out, name.strip(), within.strip(), kind)


def as_claims(told: Mapping, found: list[Problem], where: str = "places") -> list[Claim]:
    """The claims of a mapping, either place to its entries or practice to its place."""
    claims = []
    for key, value in told.items():
        if isinstance(value, str):
            claims.append(claim(value, str(key), where))
        elif isinstance(value, Mapping):
            claims += _described(str(key), value, found, where)
        else:
            claims += _listed(str(key), value, found, where)
    if not claims and not found:
        found.append(Problem(where, "draws no place"))
    return claims


def claims_in(path: Path, found: list[Problem]) -> list[Claim]:
    """The claims of a file, by its kind."""
    kind = path.suffix.lower()
    if path.is_dir():
        return claims_in(path / "drawing.csv", found)
    if kind == ".csv":
        return _of_csv(path, found)
    if kind == ".toml":
        data = read_toml(path, found)
        if data is not None and any(isinstance(value, str) for value in data.values()):
            swapped = [f"{key} = {value!r}" for key, value in data.items() if isinstance(value, str)]
            found.append(Problem(path.name, "must be a list", value=swapped[0], fix='such as North = ["Rugby"]'))
            return []
        return as_claims(data, found, path.name) if data is not None else []
    if kind == ".json":
        return _of_session(path, found)
    found.append(Problem(path.name, "is not a drawing of places", fix="give a .csv, a .toml or a session's .json"))
    return []


def _listed(
    place: str, entries: Any, found: list[Problem], where: str, within: str = "", kind: str = ""
) -> Iterator[Claim]:
    if not isinstance(entries, list | tuple | set | frozenset):
        found.append(Problem(where, "must be a list of practices, districts or PCNs", field=place, value=str(entries)))
        return
    for entry in sorted(entries) if isinstance(entries, set | frozenset) else entries:
        if isinstance(entry, str) and entry.strip():
            yield claim(place, entry, where, within=within, kind=kind)
        else:
            found.append(Problem(where, "is not a code or a name", field=place, value=str(entry)))


def _described(place: str, fields: Mapping, found: list[Problem], where: str) -> Iterator[Claim]:
    """A place told by a table of fields rather than a list."""
    within = fields.get("within", "")
    if not isinstance(within, str):
        found.append(Problem(where, "must be text", field=f"{place}.within", value=str(within)))
        within = ""
    for key, entries in fields.items():
        if key in KINDS:
            yield from _listed(place, entries, found, where, within, KINDS[key])
        elif key != "within":
            fix = suggestion(key, [*KINDS, "within"])
            found.append(Problem(where, "is not a field of a place", field=f"{place}.{key}", fix=fix))


def _of_csv(path: Path, found: list[Problem]) -> list[Claim]:
    lines = csv_rows(path, found)
    if lines is None:
        return []
    if not lines:
        found.append(Problem(path.name, "is empty: expected the columns practice and place"))
        return []
    top, header = lines[0]
    plain = [re.sub(r"[\s_-]+", "_", cell.strip().casefold()) for cell in header]
    at = {}
    for column, names in COLUMNS.items():
        at[column] = next((plain.index(name) for name in names if name in plain), -1)
        if at[column] < 0 and column in ("practice", "place"):
            fix = suggestion(column, plain) if len(plain) > 1 else "save it with commas, as 'CSV UTF-8'"
            fix = fix if fix.startswith("save") else f"the first row has: {', '.join(header)}"
            found.append(Problem(path.name, "this column is missing", top, column, fix=fix))
    if found:
        return []
    claims = []
    for number, cells in lines[1:]:
        told = {c: cells[k].strip() if 0 <= k < len(cells) else "" for c, k in at.items()}
        for column in ("practice", "place"):
            if not told[column]:
                found.append(Problem(path.name, "is blank", number, column, ",".join(cells)[:80]))
        claims.append(claim(told["place"], told["practice"], path.name, number, told["name"], told["within"]))
    if not claims:
        found.append(Problem(path.name, "has no rows"))
    return claims


def _of_session(path: Path, found: list[Problem]) -> list[Claim]:
    """The places of a session that NHS England's tool saved: place to {gps: ["code: name"], icb}, and
    `places`, a list of them."""
    text = read_text(path, found)
    try:
        data = json.loads(text) if text is not None else None
    except json.JSONDecodeError as error:
        found.append(Problem(path.name, f"is not JSON: {error.msg}", error.lineno))
        return []
    places = data.get("places") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(places, list):
        if text is not None:
            found.append(Problem(path.name, "is not a session of NHS England's tool: it has no list of places"))
        return []
    claims: list[Claim] = []
    for place in places:
        fields = data.get(place) if isinstance(place, str) else None
        if not isinstance(fields, dict) or not isinstance(fields.get("gps"), list):
            found.append(Problem(path.name, "has no practices (gps)", value=str(place)))
            continue
        claims += _listed(str(place), fields["gps"], found, path.name)
    return claims
