"""A drawing to files: tables that a scenario takes, the drawing itself, and its figures."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from allocate.errors import Problem, ScenarioError
from allocate.places.drawing import Drawing
from allocate.places.headings import COMPONENTS
from allocate.places.rounding import PEOPLE, Rounding, half_up
from allocate.places.shares import Amounts
from allocate.scenario.tables import TABLES
from allocate.scenario.words import slug, suggestion

PROGRAMMES = {
    "elective": "acute", "urgent": "acute", "maternity": "maternity", "mental-health": "mental_health",
    "community": "community", "prescribing": "prescribing", "primary-medical": "primary",
}  # fmt: skip
"""The programmes of the shipped systems whose need the file measures, and the component that does."""

FILES = ("places.csv", "needs.csv", "evidence.csv", "sources.csv", "drawing.csv", "indices.csv", "targets.csv")
"""What a drawing's folder holds."""

SOURCE = "nhse-practices"
LINK = "https://www.england.nhs.uk/allocations"


def scenario_tables(drawing: Drawing, programmes: Mapping[str, str] | None = None) -> dict[str, pd.DataFrame]:
    """The tables `places`, `needs`, `evidence` and `sources` of a scenario, as its CSV files have them.

    programmes  programme id to the component whose weighted population is its need (None: PROGRAMMES, those that the
                file has)
    People are whole, halves up, and what lies in a place adds up to it. Need is the core weighted population, which
    holds health inequalities already. Raises ScenarioError for unknown components.
    """
    chosen = _programmes(drawing, programmes)
    sums = drawing.sums("nhse")
    root = slug(drawing.system_name)[:60].strip("-")
    if root in drawing.names:
        root = f"{root[:53]}-system"
    need = pd.DataFrame(
        [(place, programme, sums.at[place, chosen[programme]]) for place in sums.index for programme in chosen],
        columns=["place", "programme", "need"],
    )
    return {
        "places": _tree(drawing, sums, root),
        "needs": need,
        "evidence": _evidence(chosen),
        "sources": pd.DataFrame([_source(drawing)], columns=["id", "title", "link", "note"]),
    }


def _programmes(drawing: Drawing, told: Mapping[str, str] | None) -> dict[str, str]:
    has = drawing.practices.components
    if told is None:
        return {programme: component for programme, component in PROGRAMMES.items() if component in has}
    chosen = {programme: component.replace("-", "_") for programme, component in told.items()}
    wrong = [
        Problem("programmes", "is not a component of need in this file", field=programme, value=component,
                fix=suggestion(component, [name.replace("_", "-") for name in has]) or f"known: {', '.join(has)}")
        for programme, component in chosen.items() if component not in has
    ]  # fmt: skip
    if wrong:
        raise ScenarioError("programmes", wrong)
    return chosen


def _tree(drawing: Drawing, sums: pd.DataFrame, root: str) -> pd.DataFrame:
    """The system, what lies in it, and the places in that; each holds the sums of those inside."""
    parents = pd.Series(dict(drawing.within)).loc[sums.index]
    rows: list[tuple] = [(root, drawing.system_name, None, sums["population"].sum(), sums["core"].sum())]
    for parent in dict.fromkeys(parent for parent in parents if parent):
        inside = sums[(parents == parent).to_numpy()]
        rows.append((parent, drawing.names[parent], root, inside["population"].sum(), inside["core"].sum()))
    for place in sums.index:
        above = drawing.within[place] or root
        rows.append((place, drawing.names[place], above, sums.at[place, "population"], sums.at[place, "core"]))
    return pd.DataFrame(rows, columns=list(TABLES["places"].model_fields))


def _evidence(programmes: Mapping[str, str]) -> pd.DataFrame:
    found = {"places.*.population": "Registered patients of the practices that make up the place"}
    found["places.*.need"] = "Final core weighted population of the practices that make up the place"
    for programme, component in programmes.items():
        label = COMPONENTS[component]
        found[f"needs.*.{programme}.need"] = f"Weighted population: {label[0].lower()}{label[1:]}"
    rows = [(figure, "found", SOURCE, note) for figure, note in found.items()]
    return pd.DataFrame(rows, columns=["figure", "status", "source", "note"])


def _source(drawing: Drawing) -> tuple[str, str, str, str]:
    year = f" {drawing.practices.year}" if drawing.practices.year else ""
    note = (
        "Contains public sector information licensed under the Open Government Licence v3.0. "
        f"Sums over practices of {drawing.practices.file} (SHA-256 {drawing.practices.digest[:16]}), drawn by "
        f"{drawing.by}."
    )
    return SOURCE, f"NHS England place-based allocation tool{year}: practice-level weighted populations", LINK, note


def drawing_table(drawing: Drawing) -> pd.DataFrame:
    """The drawing itself, one row a practice: practice, name, place, within. `draw(by=file)` takes it back, and says
    which practices have been renamed, have gone or have come since."""
    names = drawing.practices.table["name"].loc[drawing.places.index]
    place = drawing.places.map(drawing.names)
    above = drawing.places.map(drawing.within).map(lambda parent: drawing.names.get(parent, ""))
    table = pd.DataFrame({"practice": drawing.places.index, "name": names.to_numpy(), "place": place.to_numpy()})
    table["within"] = above.to_numpy()
    order = {name: k for k, name in enumerate(drawing.names[place] for place in drawing.within)}
    return table.sort_values("place", key=lambda column: column.map(order), kind="stable")


def files(
    drawing: Drawing,
    amount: Amounts | None = None,
    opening: Mapping[str, float] | pd.Series | str | Path | None = None,
    programmes: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """What `write` writes, as texts by the name of the file."""
    tables = scenario_tables(drawing, programmes)
    tables["drawing"] = drawing_table(drawing)
    tables["indices"] = index_table(drawing)
    if amount is not None:
        tables["targets"] = target_table(drawing, amount, opening)
    return {f"{name}.csv": to_csv(table) for name, table in tables.items()}


def write(
    drawing: Drawing,
    folder: str | Path,
    amount: Amounts | None = None,
    opening: Mapping[str, float] | pd.Series | str | Path | None = None,
    programmes: Mapping[str, str] | None = None,
) -> None:
    """Write places.csv, needs.csv, evidence.csv and sources.csv (rows for a scenario), drawing.csv (read again by
    `draw`), indices.csv, and targets.csv where there is an amount. A folder that holds anything else is refused
    (ScenarioError), so that no scenario is overwritten; an older drawing in it is replaced."""
    folder = Path(folder)
    others = sorted(path.name for path in folder.iterdir() if path.name not in FILES) if folder.is_dir() else []
    if folder.exists() and (others or not folder.is_dir()):
        expected = f"holds {others[0]}, which is no part of a drawing" if others else "is a file"
        raise ScenarioError(str(folder), [Problem(str(folder), expected, fix="choose another folder")])
    texts = files(drawing, amount, opening, programmes)
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if name in texts:
            (folder / name).write_text(texts[name], encoding="utf-8", newline="")
        else:
            (folder / name).unlink(missing_ok=True)


def index_table(drawing: Drawing, rounding: Rounding = "exact") -> pd.DataFrame:
    """Every place and the system, one row each: id, name, practices, population, then for each component the weighted
    people (`people_`), the index against the system (`system_`) and against England (`england_`), and the share."""
    sums = drawing.sums(rounding)
    components = list(drawing.practices.components)
    table = pd.DataFrame({"name": [drawing.names[place] for place in sums.index]}, index=sums.index)
    table["practices"], table["population"] = drawing.counts(), sums["population"]
    table = table.join(sums[components].add_prefix("people_"))
    for base in ("system", "england"):
        table = table.join(drawing.indices(base, rounding).add_prefix(f"{base}_"))
    table = table.join(drawing.shares().add_prefix("share_")).reset_index()
    return pd.concat([table, _system_row(drawing, table, rounding)], ignore_index=True)


def _system_row(drawing: Drawing, table: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """The system's own row: sums, its indices against England, and 1 for what is relative to itself."""
    own = drawing.system_indices(rounding)
    whole = drawing.sums().sum()
    row: dict[str, object] = {"place": "", "name": drawing.system_name, "practices": len(drawing.places)}
    if rounding == "nhse":
        whole = whole.map(lambda people: half_up(people, PEOPLE))
    row["population"] = whole["population"]
    for column in table.columns[4:]:
        kind, _, component = column.partition("_")
        if kind == "people":
            row[column] = whole[component]
        else:
            row[column] = own[component] if kind == "england" else 1.0
    return pd.DataFrame([row], columns=table.columns)


def target_table(
    drawing: Drawing, amount: Amounts, opening: Mapping[str, float] | pd.Series | str | Path | None = None
) -> pd.DataFrame:
    """Fair shares in pounds by place, with opening positions and distances where they are given: place, name,
    people, a column of pounds for each envelope, target, share, per_head; opening, distance, rate, distance_per_head,
    opening_per_head."""
    table = drawing.targets(amount)
    table.insert(0, "name", [drawing.names[place] for place in table.index])
    table.insert(1, "people", drawing.sums()["population"])
    if opening is not None:
        table = table.join(drawing.distance(opening, amount).drop(columns=["target", "target_per_head"]))
    return table.reset_index()


def to_csv(table: pd.DataFrame) -> str:
    """A table as CSV: whole numbers without a decimal point, blanks for what is not there, and no text that a
    spreadsheet would run as a formula."""
    lines: list[list[str]] = [list(table.columns)]
    lines += [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    return "".join(_line(line) for line in lines)


def records(table: pd.DataFrame) -> list[dict[str, object]]:
    """A table as rows for JSON, None for blanks."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value: object) -> object:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def _cell(value: object) -> str:
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    text = str(value)
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
