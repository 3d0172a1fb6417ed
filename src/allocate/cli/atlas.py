"""Places on the terminal: sentences to stderr, tables to stdout, for people who know money better than formulas."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from allocate.cli.output import say
from allocate.places import Drawing, Practices
from allocate.places.practices import short
from allocate.places.rounding import HEADLINE, PEOPLE, Rounding, half_up
from allocate.plan.figures import IN_MILLIONS, per_cent, pounds
from allocate.plan.place_telling import apart, lost
from allocate.screen import Sheet, put_all

HEADS = {
    "core": "Core", "primary": "Primary", "acute": "Acute", "community": "Commun.", "mental_health": "Mental",
    "maternity": "Matern.", "prescribing": "Prescr.", "inequalities": "Inequal.", "primary_need": "Prim. need",
    "headline_core": "Core, 2 dp", "headline_primary": "Primary, 2 dp",
}  # fmt: skip
"""Columns of indices: the whole formulas first, then their parts."""
SPARE = (("Prim. need",), ("Matern.", "Prescr."), ("Practices",), ("Commun.", "Mental"))


def show(sheets: list[Sheet], words: list[str]) -> None:
    """Print sentences, then tables."""
    for text in words:
        say(text)
    if words:
        say("")
    put_all(sheets)


def systems(practices: Practices) -> Sheet:
    """The systems of a file, with their need against England."""
    sheet = Sheet(f"Systems in {practices.file} (need a head, England = 1)", ["System", "Code", "Practices", "People"])
    sheet.titles += [HEADS[name] for name in HEADS if name in practices.components]
    sheet.spare = SPARE
    for code, row in practices.systems.sort_values("name").iterrows():
        cells = [short(row["name"]), str(code), f"{row['practices']:,}", f"{half_up(row['population'], PEOPLE):,.0f}"]
        cells += [_index(row[name]) for name in HEADS if name in practices.components]
        sheet.rows.append((cells, ""))
    return sheet


def need(drawing: Drawing, relative_to: str, rounding: Rounding) -> Sheet:
    """Need a head by place and component, against the system or against England."""
    base = drawing.system_name if relative_to == "system" else "England"
    table, counts = drawing.indices(relative_to, rounding), drawing.counts()
    people = drawing.sums("nhse")["population"]
    shown = [name for name in HEADS if name in table and (relative_to == "system" or "headline" not in name)]
    titles = ["Place", "Practices", "People", *(HEADS[name] for name in shown)]
    sheet = Sheet(f"Need a head, {base} = 1", titles, spare=SPARE)
    for place, row in table.iterrows():
        cells = [drawing.names[str(place)], f"{counts[place]:,}", f"{people[place]:,.0f}"]
        sheet.rows.append(([*cells, *(_index(row[name], name) for name in shown)], ""))
    own = drawing.system_indices(rounding)
    whole = half_up(drawing.sums()["population"].sum(), PEOPLE)
    ends = ["1.00" if "headline" in name else "1.000" for name in shown]
    ends = ends if relative_to == "system" else [_index(own[name]) for name in shown]
    sheet.rows.append(([drawing.system_name, f"{counts.sum():,}", f"{whole:,.0f}", *ends], "bold"))
    return sheet


def _index(value: float, name: str = "") -> str:
    if math.isnan(value):
        return ""
    return f"{half_up(value, HEADLINE):.2f}" if "headline" in name else f"{value:.3f}"


def money(drawing: Drawing, targets: pd.DataFrame, distances: pd.DataFrame | None) -> Sheet:
    """Fair shares in pounds; with opening positions, how far each place opens from its own."""
    millions = bool(targets["target"].sum() >= IN_MILLIONS)
    people = drawing.sums()["population"]
    titles = ["Place", "People %", "Fair share %", "Fair share", "a head"]
    titles += ["Opening", "Distance", "%", "a head "] if distances is not None else []
    sheet = Sheet("Fair shares", titles, spare=(("People %",), ("a head",)))
    rows = [(str(place), drawing.names[str(place)], "") for place in targets.index]
    for place, name, style in [*rows, ("", drawing.system_name, "bold")]:
        pick = [place] if place else list(targets.index)
        target, heads = targets.loc[pick, "target"].sum(), people[pick].sum()
        cells = [name, per_cent(heads / people.sum(), places=2), per_cent(target / targets["target"].sum(), places=2)]
        cells += [pounds(target, millions=millions), pounds(_over(target, heads), millions=False)]
        if distances is not None:
            opening = distances.loc[pick, "opening"].sum()
            gap = opening - target
            cells += [pounds(opening, millions=millions), pounds(gap, signed=True, millions=millions)]
            cells += [per_cent(_over(gap, target), signed=True), pounds(_over(gap, heads), signed=True, millions=False)]
        sheet.rows.append((cells, style))
    return sheet


def _over(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def path(drawing: Drawing, years: pd.DataFrame, policy: str) -> Sheet:
    """Pace of change, a row for each place: its amounts and growth year by year, and where it ends."""
    millions = bool(years.groupby("year")["amount"].sum().max() >= IN_MILLIONS)
    told = list(dict.fromkeys(years["year"]))
    titles = ["Place", "Opens", *(title for year in told for title in (year, f"+% {year}")), "Ends at", "Loses cash in"]
    spare = tuple((f"+% {year}",) for year in told[:-1])
    sheet = Sheet(f"Pace of change: {policy} (ends at: distance from fair share)", titles, spare=spare)
    tables = dict(iter(years.groupby("place", sort=False)))
    tables[drawing.system_name] = years.groupby("year", sort=False)[["before", "amount", "target"]].sum().reset_index()
    for place, rows in tables.items():
        whole = place == drawing.system_name
        cells = [str(place) if whole else drawing.names[str(place)]]
        cells.append(pounds(rows["before"].iloc[0], millions=millions))
        for before, amount in zip(rows["before"], rows["amount"], strict=True):
            cells += [pounds(amount, millions=millions), per_cent(_over(amount - before, before), signed=True)]
        last = rows.iloc[-1]
        cells.append("" if whole else per_cent(_over(last["amount"] - last["target"], last["target"]), signed=True))
        cells.append("" if whole else ", ".join(rows.loc[rows["loses"], "year"]))
        sheet.rows.append((cells, "bold" if whole else ""))
    return sheet


def steadiness(drawing: Drawing, table: pd.DataFrame, by: float) -> Sheet:
    """How far fair shares would move if need were measured a little differently."""
    millions = bool(table["target"].sum() >= IN_MILLIONS)
    titles = ["Place", "Fair share", "own need up", "others' up", "each practice off", "%"]
    sheet = Sheet(f"What an error of {per_cent(by)} in need would move", titles)
    for place, row in table.iterrows():
        cells = [drawing.names[str(place)], pounds(row["target"], millions=millions)]
        cells += [
            pounds(row["own"], signed=True, millions=millions),
            pounds(-row["others"], signed=True, millions=millions),
        ]
        cells += [f"±{pounds(row['noise'], millions=millions)}", f"±{per_cent(row['noise_rate'], places=2)}"]
        sheet.rows.append((cells, ""))
    return sheet


def change(drawing: Drawing, table: pd.DataFrame, before: str, after: str) -> Sheet:
    """How far fair shares move from one file of need data to another, with the money held."""
    millions = bool(table["after"].sum() >= IN_MILLIONS)
    titles = ["Place", before, after, "Change", "%", "by people", "by need"]
    sheet = Sheet("Fair shares from one file to the next, the money held", titles)
    for place, row in table.iterrows():
        cells = [drawing.names[str(place)], *(pounds(row[name], millions=millions) for name in ("before", "after"))]
        cells += [pounds(row["change"], signed=True, millions=millions)]
        cells += [per_cent(row[name], signed=True, places=2) for name in ("rate", "population_rate", "need_rate")]
        sheet.rows.append((cells, ""))
    return sheet


def sentences(drawing: Drawing, distances: pd.DataFrame | None, years: pd.DataFrame | None) -> Iterator[str]:
    """What the tables say, in words."""
    people, own = drawing.sums()["population"].sum(), drawing.system_indices()
    year = f" in {drawing.practices.year}" if drawing.practices.year else ""
    yield (
        f"{drawing.system_name}{year}: {len(drawing.places):,} practices, {people:,.0f} registered people, "
        f"{len(drawing.within):,} places. Every practice is in one place. Core need a head is {own['core']:.3f} of "
        f"England's. An index against the system cannot be compared with one against England."
    )
    yield from drawing.practices.notes
    yield from drawing.notes
    if distances is not None:
        yield apart(drawing, distances)
    if years is not None:
        yield lost(drawing, years)
