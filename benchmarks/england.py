"""England as a scenario, made in memory from NHS England's practice-level need data: for working at national scale.

    england("district")    341 places, the districts of 42 systems, eight programmes and five years: 13,635 lines
    england("practice")    6,348 places, the general practices, as many programmes and years: 253,350 lines

The method is that of scenarios/rebuild.py, cut down to what the file alone can tell: national money reaches a place
half by need and half by heads, then grows; what more buys comes from published estimates, with the published slope
where a place has its fair share. An illustration. ALLOCATE_DATA names the folder that holds the file, which is no part
of this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from scenarios.rebuild import NEED_WEIGHT, cost_per_unit, national, practices, source

import allocate as al
from allocate.scenario.checks import problems
from allocate.scenario.reading import frame, make_rule
from allocate.scenario.tables import TABLES, Heading, is_number

Array = np.ndarray
Level = Literal["district", "practice"]
Book = dict[str, dict[str, Any]]
"""Rules by their ids, as rules.toml has them."""
FIGURES = {"amount", "at_least", "at_most", "up"}
LEVELS = ("england", "system", "district", "practice")
HOSPITAL, OUTSIDE = ("elective", "urgent", "maternity"), ("community", "primary-medical", "prevention")
PROGRAMMES = (*HOSPITAL, *OUTSIDE, "mental-health", "prescribing")
FIRST_YEAR = 2025
GROWTH = 0.044
"""A year, of core and of primary medical money: what national.csv has for core in 2025/26, taken for every year."""
PACE, HOSPITAL_PACE = (0.05, 0.1), (0.03, 0.08)
"""The largest fall and rise of a line in a year, as in the rules of the real scenarios."""
LEAST_NEED = 0.01
"""A place whose share of need for a programme is less than this part of its share of heads has no line for it."""
NEED_A_HEAD = 4.9
"""A scenario takes need for a mistake where it is five times the heads: two practices' need is held just below that."""
STAFFED = 0.015
"""The part of all money by which community services may grow in England: what staff could be found for."""
CAVEAT = "An illustration, not a forecast and not NHS England's allocation: last year's spending by place is assumed."


@dataclass(frozen=True, eq=False)
class Money:
    """By place and programme, pounds of last year: before, and as they would go by need. None where there is no line.

    `places` has the practices' own columns summed up, and the id of the system and the district of each.
    """

    places: pd.DataFrame
    before: Array
    by_need: Array


def england(level: Level, years: int = 5, shared: bool = False, systems: int | None = None) -> al.Scenario:
    """England, or its first so many systems, by district or by practice. With `shared`, two rules that bind all
    systems together. Raises ScenarioError if the figures do not pass the checks of a scenario that is read."""
    data, named = _labelled(practices()), [f"{y}/{(y + 1) % 100:02d}" for y in range(FIRST_YEAR, FIRST_YEAR + years)]
    kept = data[data["system"].isin(sorted(data["system"].unique())[:systems])]
    money = _money(data, kept, level)
    lines = _lines(money, named)
    book = _rules(money, lines, level) | (_shared_rules(lines) if shared else {})
    tables = _tables(kept, lines, level) | _proof(book)
    found: list[al.Problem] = []
    rules = [make_rule(name, fields, found) for name, fields in sorted(book.items())]
    heading = Heading(id=f"england-{level}", name=f"England by {level}", years=tuple(named), caveat=CAVEAT)
    scenario = al.Scenario(heading, tuple(filter(None, rules)), {name: _filled(name, tables) for name in TABLES})
    if found := found or problems(scenario):
        raise al.ScenarioError(heading.id, found)
    return scenario


# --- places and money ----------------------------------------------------------------------------------------------


def _labelled(data: pd.DataFrame) -> pd.DataFrame:
    """The practices with the id and the name of each and of what it lies in, and their need as a scenario takes it."""
    labels = {
        "england": "england", "england name": "England", "system": data["ICB"].str.lower(),
        "system name": data["ICBname"], "district": (data["ICB"] + "-" + data["LAD"]).str.lower(),
        "district name": data["LTLA"] + " (" + data["ICB"] + ")", "practice": data["Practice_Code"].str.lower(),
        "practice name": data["GP_Practice_Name"] + " (" + data["Practice_Code"] + ")",
        "need": data["Final WP"].clip(data["Population"] / NEED_A_HEAD, data["Population"] * NEED_A_HEAD),
    }  # fmt: skip
    return data.assign(**labels)


def _money(data: pd.DataFrame, kept: pd.DataFrame, level: Level) -> Money:
    """The money of the places of the systems kept."""
    columns = source("programmes").set_index("id").loc[list(PROGRAMMES), "need"].tolist()
    places = kept.groupby(["system", "district", level] if level == "practice" else ["system", "district"])
    places = places[sorted({*columns, "Population"})].sum().reset_index()
    share = places[columns].to_numpy() / data[columns].sum().to_numpy()
    heads = (places["Population"] / data["Population"].sum()).to_numpy()[:, None]
    mixed = NEED_WEIGHT * share + (1 - NEED_WEIGHT) * heads
    real = share >= LEAST_NEED * heads
    amounts = pd.Series(_national())[list(PROGRAMMES)].to_numpy()
    before, by_need = (np.where(real, np.round(amounts * part), 0.0) for part in (mixed, share))
    return Money(places.assign(id=places[level]), before, by_need)


def _national() -> dict[str, float]:
    """Last year's national money by programme. Prevention is as much of core as councils' grants; the rest of core goes
    as in split.csv, what that has for other programmes spread over these."""
    rows = source("split").query("envelope == 'core' and programme in @PROGRAMMES")
    weight = rows["share"] * rows["component"].map(source("components").set_index("component")["weight"])
    parts, prevention = weight.groupby(rows["programme"]).sum(), national("public-health-before")
    amounts = {name: part * (national("core") - prevention) for name, part in (parts / parts.sum()).items()}
    return amounts | {"prevention": prevention, "primary-medical": national("primary-medical")}


def _lines(money: Money, years: Sequence[str]) -> pd.DataFrame:
    """lines.csv, with what each line would be by need (fair) and if last year's simply grew (grown)."""
    place, programme = np.nonzero(money.before)
    before, by_need = (np.tile(amount[place, programme], len(years)) for amount in (money.before, money.by_need))
    year = np.repeat(np.arange(len(years)), len(place))
    place, programme = np.tile(place, len(years)), np.tile(programme, len(years))
    fall, rise = np.array([HOSPITAL_PACE if name in HOSPITAL else PACE for name in PROGRAMMES]).T[:, programme]
    system, names = money.places["system"].to_numpy(dtype=object)[place], np.array(PROGRAMMES, dtype=object)
    kind = np.where(names == "primary-medical", "primary-medical-", "core-").astype(object)
    return pd.DataFrame({
        "partner": "icb-" + system, "place": money.places["id"].to_numpy(dtype=object)[place],
        "programme": names[programme], "envelope": kind[programme] + system, "year": np.array(years, object)[year],
        "baseline": np.round(before * (1 + GROWTH) ** year), "low": np.floor(before * (1 - fall) ** (year + 1)),
        "high": np.ceil(before * (1 + rise) ** (year + 1)), "grown": np.round(before * (1 + GROWTH) ** (year + 1)),
        "fair": np.round(by_need * (1 + GROWTH) ** year),
    })  # fmt: skip


# --- tables --------------------------------------------------------------------------------------------------------


def _tables(kept: pd.DataFrame, lines: pd.DataFrame, level: Level) -> dict[str, pd.DataFrame]:
    """Every table but the evidence and its sources; columns that a table does not have are left out by `_filled`."""
    boards = kept.groupby("system")["system name"].first()
    programmes, outcomes = source("programmes"), source("outcomes")
    programmes = programmes[programmes["id"].isin(PROGRAMMES)]
    return {
        "partners": pd.DataFrame({"id": "icb-" + boards.index, "name": boards.to_numpy(), "kind": "icb"}),
        "places": _tree(kept, level),
        "programmes": programmes,
        "outcomes": outcomes[outcomes["id"].isin(programmes["outcome"])],
        "envelopes": _envelopes(lines, boards),
        "lines": lines,
        "curves": _curves(lines),
    }


def _tree(kept: pd.DataFrame, level: Level) -> pd.DataFrame:
    """England, its systems, their districts and, where lines are of practices, the practices in these."""
    parts = []
    for above, here in pairwise(("", *LEVELS[: LEVELS.index(level) + 1])):
        inside = kept.assign(**{"": None}).groupby(here)
        sums = inside[["Population", "need"]].sum().rename(columns={"Population": "population"})
        parts.append(sums.assign(id=sums.index, name=inside[f"{here} name"].first(), parent=inside[above].first()))
    return pd.concat(parts)


def _envelopes(lines: pd.DataFrame, boards: pd.Series) -> pd.DataFrame:
    """envelopes.csv: each board's core and its primary medical money, which is what its lines had before, grown."""
    found = lines.groupby(["envelope", "year", "partner"])["grown"].sum().reset_index()
    found = found.set_axis(["id", "year", "holder", "amount"], axis=1)
    core = found["id"].str.startswith("core-")
    said = np.where(core, "Core services", "Primary medical care") + ", "
    name = said + found["holder"].str.removeprefix("icb-").map(boards)
    return found.assign(name=name, by_need=np.where(core, "yes", "no"))


def _curves(lines: pd.DataFrame) -> pd.DataFrame:
    """curves.csv: isoelastic for each line with outcome evidence, the published slope where it has its fair share."""
    known = source("programmes").set_index("id", drop=False).query("outcome != ''")
    slope = {name: round(1 / cost_per_unit(row)[0], 10) for name, row in known.iterrows()}
    mine = lines[lines["programme"].isin(known.index)].rename(columns={"fair": "reference"})
    what = mine["programme"]
    return mine.assign(
        outcome=what.map(known["outcome"]), shape="isoelastic", slope=what.map(slope),
        exponent=what.map(known["exponent"]),
    )  # fmt: skip


def _filled(name: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A table as reading its file would give it: its own columns, the usual where none is given, sorted by its key."""
    row = TABLES[name]
    if name not in tables:
        return frame(row, {})
    given, made = tables[name].reset_index(drop=True), {}
    for field, info in row.model_fields.items():
        column = given[field] if field in given else pd.Series([info.get_default()] * len(given), dtype=object)
        made[field] = column.astype(float if is_number(row, field) else object)
        if not is_number(row, field):
            made[field] = made[field].where(column.notna(), None)
    return pd.DataFrame(made).sort_values(list(row.key)).set_axis(range(1, len(given) + 1))


def _proof(book: Book) -> dict[str, pd.DataFrame]:
    """evidence.csv and sources.csv: which figures are derived and which assumed."""
    pace = "A judgement of the real scenarios on how fast services can move in a year, compounded"
    rows = [
        ("places.*.population", "derived", "nhse-practices", "Registered patients, added up"),
        ("places.*.need", "derived", "nhse-practices", f"Final core need, at most {NEED_A_HEAD} a head; added up"),
        ("outcomes.*.weight", "assumed", "method", "One of each counts as one of any other"),
        ("envelopes.*.amount", "assumed", "method", f"What lines had before, grown by {GROWTH:.1%} a year"),
        ("lines.*.baseline", "assumed", "method", "National money of 2024/25, half by need and half a head; grown"),
        ("lines.*.low", "assumed", "method", pace),
        ("lines.*.high", "assumed", "method", pace),
        ("lines.*.scale", "assumed", "method", "Nothing: no line has a minimum viable scale"),
        ("curves.*.slope", "derived", "method", "One over the published cost of a unit, as in the real scenarios"),
        ("curves.*.reference", "derived", "nhse-practices", "National money by share of need, grown"),
        ("curves.*.exponent", "assumed", "method", "How fast returns diminish: a judgement"),
    ]
    said = {f"{name}.{figure}" for name, rule in book.items() for figure in rule.keys() & FIGURES}
    rows += [(f"rules.{each}", "assumed", "method", "Set so that last year's plan, grown, keeps it") for each in said]
    cited = source("references")[lambda known: known["id"].isin(["method", "nhse-practices"])]
    return {"evidence": pd.DataFrame(rows, columns=["figure", "status", "source", "note"]), "sources": cited}


# --- rules ---------------------------------------------------------------------------------------------------------


def _rule(kind: str, programmes: Sequence[str] = (), **fields: Any) -> dict[str, Any]:
    """A rule as rules.toml has it, on these programmes (on all if none is named). The first board answers for it."""
    return {"kind": kind, "owner": "icb-qe1", "where": {"programmes": list(programmes)}} | fields


def _rules(money: Money, lines: pd.DataFrame, level: Level) -> Book:
    """The rules of every system, of every place and of every year: last year's plan, grown, keeps them all."""
    return {
        "mental-health-standard": _rule("growth", ["mental-health"], each="partner", at_least=0.04),
        "maternity-floor": _rule("growth", ["maternity"], each="partner", at_least=0.0215),
        "elective-recovery": _rule("growth", ["elective"], each="partner", at_least=0.0215),
        "urgent-capacity": _rule("growth", ["urgent"], each="partner", at_least=0.0),
        "steady-growth": _rule("growth", each="partner", at_least=0.03),
        "general-practice-holds": _rule("growth", ["primary-medical"], each="place", at_least=0.0),
        "prescribing-cap": _rule("band", ["prescribing"], each="partner", up=0.05),
        "prevention-share": _rule("share", ["prevention"], each="partner", at_least=_shares(lines, ["prevention"])[0]),
        "left-shift": _rule("share", OUTSIDE, each="partner", at_least=_shares(lines, OUTSIDE)[0]),
        "hospital-share": _rule("share", HOSPITAL, each="partner", at_most=_shares(lines, HOSPITAL)[1]),
        "greatest-need-first": _rule("growth", each="partner", at_least=0.042, where={"places": _neediest(money)}),
    } | _places_first(money, level)


def _places_first(money: Money, level: Level) -> Book:
    """No district grows less than three per cent a year: one rule, or one a district where lines are of practices."""
    if level == "district":
        return {"places-first": _rule("growth", each="place", at_least=0.03)}
    names = sorted(money.places["district"].unique())
    return {f"places-first-{name}": _rule("growth", at_least=0.03, where={"places": [name]}) for name in names}


def _neediest(money: Money) -> list[str]:
    """The districts with the most inequality need a head: a third of those of each system, at least one."""
    sums = money.places.groupby(["system", "district"])[["Health Ineq WP", "Population"]].sum()
    rate = sums["Health Ineq WP"] / sums["Population"]
    most = [mine.nlargest(max(1, round(len(mine) / 3))) for _, mine in rate.groupby("system")]
    return sorted(pd.concat(most).index.get_level_values("district"))


def _shares(lines: pd.DataFrame, programmes: Sequence[str]) -> tuple[float, float]:
    """The least and the most that programmes are of a system's money in any year of last year's plan, grown."""
    parts = lines["grown"].where(lines["programme"].isin(programmes), 0.0)
    key = [lines["partner"], lines["year"]]
    share = parts.groupby(key).sum() / lines["grown"].groupby(key).sum()
    return float(np.floor(1000 * share.min()) / 1000), float(np.ceil(1000 * share.max()) / 1000)


def _shared_rules(lines: pd.DataFrame) -> Book:
    """Two rules over all systems together: a floor under mental health in the last year, and no more of all money in a
    year for community services than their share today and STAFFED. Both bind: more is to be had from community services
    and less from mental health than from most."""
    last = lines["year"].max()
    grown = lines.groupby(["programme", "year"])["grown"].sum()
    floor = _rule("floor", amount=float(grown["mental-health", last] // 1e6 * 1e6))
    floor["where"] = {"programmes": ["mental-health"], "years": [last]}
    share = float((grown["community"] / grown.groupby("year").sum()).max())
    return {
        "england-mental-health": floor,
        "england-community": _rule("share", ["community"], at_most=round(share + STAFFED, 4)),
    }
