"""Rebuild the figures of the real scenarios from their sources. One method for every system.

    ALLOCATE_DATA=folder python scenarios/rebuild.py [--only ID] [--into FOLDER]

It reads NHS England's practice-level need data from the folder that ALLOCATE_DATA names, and the small tables in
`scenarios/sources/`, which say where each figure comes from. In order:

1. the places of a system, and the need of each, are sums over general practices;
2. envelopes are national money times a system's or a council's share;
3. core money divides among programmes by the need components it is made of;
4. last year's money for a place lies between its fair share by need and an equal share a head (`NEED_WEIGHT`);
5. bodies share each programme in each place by their known roles;
6. what more spending buys comes from published estimates, and the rules from `sources/rules.toml`.

A further system needs rows in systems.csv, places.csv, partners.csv and councils.csv, and roles where it differs.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from allocate.scenario.writing import toml_lines

HERE = Path(__file__).resolve().parent
PRACTICES = "nhse_practices_2025_26.csv"
YEAR = "2025/26"

NEED_WEIGHT = 0.5
"""How far last year's money followed need: 1 is wholly, 0 is an equal amount a head. Opening positions of places are
not published, so this is assumed; the report prints what it implies."""
STEP = 1000
"""Money is rounded to this many pounds: figures as uncertain as these deserve no more."""
NEEDIEST = 0.3
"""The part of a system's places, at least one, that the rule for those in greatest need names."""
CONTINGENCY = 0.005
"""The part of core money that the rule on a contingency would hold back."""

MISSING = f"""Set ALLOCATE_DATA to a folder that holds {PRACTICES}: the practice-level sheet of NHS England's
place-based allocation tool for 2025/26, saved as CSV. See https://www.england.nhs.uk/allocations (Open Government
Licence v3.0). It holds one row for each general practice, and is not part of this project."""

CAVEAT = (
    "An illustration, not a forecast and not NHS England's allocation: last year's spending by place and partner, the"
    " social care money, the split of the pools and every movement limit are assumed."
)


# --- reading -------------------------------------------------------------------------------------------------------


@cache
def source(name: str) -> pd.DataFrame:
    """A table of `sources/`: blanks as empty text, and a column of numbers as numbers with gaps."""
    table = pd.read_csv(HERE / "sources" / f"{name}.csv", dtype=str, keep_default_na=False)
    for column in table:
        numbers = pd.to_numeric(table[column].where(table[column] != ""), errors="coerce")
        if numbers.notna().any() and (numbers.notna() | (table[column] == "")).all():
            table[column] = numbers
    return table


def national(figure: str) -> float:
    """One national figure."""
    return float(source("national").set_index("id").at[figure, "value"])


def practices() -> pd.DataFrame:
    """NHS England's practice-level populations and weighted populations; stops with advice if they are not there."""
    folder = os.environ.get("ALLOCATE_DATA", "")
    path = Path(folder) / PRACTICES
    if not folder or not path.is_file():
        print(MISSING, file=sys.stderr)
        raise SystemExit(2)
    return pd.read_csv(path, encoding="utf-8-sig")


@dataclass(frozen=True)
class System:
    """An integrated care system: its tree of places, its partners, and the need of each place planned for."""

    id: str
    name: str
    about: str
    support: int
    tree: pd.DataFrame
    partners: pd.DataFrame
    places: pd.DataFrame
    """The places money is planned for: who serves them, and the sums over their practices."""
    england: pd.Series
    """The same sums over England."""

    @property
    def root(self) -> str:
        return str(self.tree["id"].iloc[0])

    @property
    def councils(self) -> list[str]:
        return sorted(self.places["council"].unique())

    def of_council(self, council: str) -> pd.DataFrame:
        return self.places[self.places["council"] == council]


def system_of(row: pd.Series, data: pd.DataFrame) -> System:
    """A system from its row of systems.csv and the practice data."""
    tree = source("places").query("system == @row.id").reset_index(drop=True)
    numbers = [column for column in data if column.endswith(" WP")] + ["Population"]
    districts = data[data["ICB"] == row["practice_code"]].groupby("LTLA")[numbers].sum()
    places = tree[tree["districts"] != ""].set_index("id")
    parts = {place: districts.loc[text.split("; ")].sum() for place, text in places["districts"].items()}
    claimed = sum(len(text.split("; ")) for text in places["districts"])
    if claimed != len(districts):
        raise ValueError(f"places.csv names {claimed} districts of {row['id']}, the practice file {len(districts)}")
    partners = source("partners").query("system == @row.id")
    support = int(row["deficit_support"])
    places = places.join(pd.DataFrame(parts).T)
    return System(row["id"], row["name"], row["about"], support, tree, partners, places, data[numbers].sum())


# --- sharing out ---------------------------------------------------------------------------------------------------


def pounds(amount: float) -> int:
    """Pounds to the nearest step."""
    return math.floor(amount / STEP + 0.5) * STEP


def whole(parts: Sequence[float], total: int) -> list[int]:
    """Parts scaled to a total and rounded to steps, so that they add up to it exactly (largest remainders)."""
    steps = np.asarray(parts) / np.sum(parts) * (total / STEP)
    down = np.floor(steps)
    short = round(total / STEP - down.sum())
    down[np.argsort(down - steps, kind="stable")[:short]] += 1
    return [int(step) * STEP for step in down]


def mixed(by_need: pd.DataFrame, people: pd.Series) -> pd.DataFrame:
    """Between a division by need and one by heads, programme by programme."""
    by_head = pd.DataFrame(np.outer(people / people.sum(), by_need.sum()), by_need.index, by_need.columns)
    return NEED_WEIGHT * by_need + (1 - NEED_WEIGHT) * by_head


def by_component(places: pd.DataFrame, amounts: pd.Series) -> pd.DataFrame:
    """Programmes' amounts divided among places, each by the need that it follows."""
    need = source("programmes").set_index("id")["need"]
    return pd.DataFrame({p: amount * places[need[p]] / places[need[p]].sum() for p, amount in amounts.items()})


def raked(table: pd.DataFrame, rows: pd.Series) -> pd.DataFrame:
    """The table scaled until its rows have these sums, and its columns keep theirs.

    In core money the place totals follow the final weighted population, which holds what the components leave out:
    inequalities and local costs.
    """
    cells, columns = table.to_numpy(copy=True), table.sum().to_numpy()
    for _ in range(200):
        cells *= (rows.to_numpy() / cells.sum(axis=1))[:, None]
        cells *= columns / cells.sum(axis=0)
    return pd.DataFrame(cells, table.index, table.columns)


def split(kind: str) -> pd.Series:
    """How a kind of envelope divides among programmes: fractions that sum to one, in order of programmes.csv.

    The weight of health inequalities is a weight inside core and not a service: leaving it out of the sum spreads it
    over the rest.
    """
    rows = source("split").query("envelope == @kind")
    weight = rows["component"].map(source("components").set_index("component")["weight"]).fillna(1.0)
    shares = (weight * rows["share"]).groupby(rows["programme"]).sum()
    return (shares / shares.sum()).reindex([p for p in source("programmes")["id"] if p in shares.index])


# --- money ---------------------------------------------------------------------------------------------------------


class Said(NamedTuple):
    """Where a figure comes from."""

    status: str
    source: str
    note: str


@dataclass(frozen=True)
class Envelope:
    """Money one partner holds for some places: this year's amount, and what its lines spent the year before."""

    id: str
    kind: str
    name: str
    holder: str
    amount: int
    baseline: int
    places: pd.DataFrame
    said: Said

    def row(self) -> dict[str, Any]:
        """The row of envelopes.csv."""
        return {
            "id": self.id, "year": YEAR, "name": self.name, "holder": self.holder, "amount": self.amount,
            "purpose": " ".join(split(self.kind).index),
            "recurrent": "no" if self.kind == "deficit-support" else "yes",
            "by_need": "yes" if self.kind == "core" else "no",
        }  # fmt: skip


class Pool(NamedTuple):
    """A council's Better Care Fund pool: what each side puts in, and the least it may come to."""

    own: int
    nhs_before: int
    nhs: int
    minimum: int
    found: bool


def area(council: str) -> str:
    """The short name of a council's area, for ids."""
    return council.removesuffix("-council")


def known(council: str) -> pd.Series:
    """What councils.csv knows of a council."""
    return source("councils").set_index("id").loc[council]


def pool(system: System, council: str) -> Pool:
    """National contributions by share of need; where a pool's total was found, each side adds half of the rest."""
    share = system.of_council(council)["Final WP"].sum() / system.england["Final WP"]
    grants = pounds(share * (national("pool-council-grant") + national("pool-facilities-grant")))
    minimum = pounds(share * national("pool-nhs-minimum"))
    before = pounds(minimum / (1 + national("pool-growth")))
    total = known(council)["pool_2024_25"]
    extra = 0 if math.isnan(total) else int(total) - grants - before
    own = grants + pounds(extra / 2)
    added = extra - (own - grants)
    return Pool(own, before + added, minimum + added, own + minimum, not math.isnan(total))


def envelopes(system: System) -> Iterator[Envelope]:
    """Every envelope of a system."""
    yield from nhs_envelopes(system, [pool(system, council) for council in system.councils])
    for council in system.councils:
        yield from council_envelopes(system, council)


def nhs_envelopes(system: System, pools: Sequence[Pool]) -> Iterator[Envelope]:
    """The board's envelopes. Core lines start from last year's core less what went into the pools."""
    share = system.places.sum(numeric_only=True) / system.england
    growth = national("core-growth")
    core = pounds(national("core") * (1 + growth) * share["Final WP"])
    yield Envelope(
        "core", "core", "Core services", "icb", core,
        pounds(core / (1 + growth)) - sum(each.nhs_before for each in pools), system.places,
        Said("derived", "core-allocations", f"National core £107.6bn (2024/25) x 1.044 x {share['Final WP']:.3%}, the "
             "share of England's final core weighted population; no convergence, development or specialised money"),
    )  # fmt: skip
    primary = national("primary-medical") * share["Final PMC WP"]
    uplift = national("primary-medical-uplift") * share["Final PMC WP"]
    yield Envelope(
        "primary-medical", "primary-medical", "Primary medical care", "icb", pounds(primary + uplift), pounds(primary),
        system.places,
        Said("derived", "primary-allocations", "National £11.2bn (2024/25) plus the £889m addition for 2025/26, x "
             f"{share['Final PMC WP']:.3%}, the share of England's final primary medical weighted population"),
    )  # fmt: skip
    running = pounds(national("running-costs-per-head") * system.places["Population"].sum())
    yield Envelope(
        "running-costs", "running-costs", "Running costs", "icb", running, running, system.places,
        Said("derived", "running-costs", "£18.76 x registered patients; last year taken as level in cash"),
    )  # fmt: skip
    if system.support:
        yield Envelope(
            "deficit-support", "deficit-support", "Deficit support", "icb", system.support, system.support,
            system.places,
            Said("found", "deficit-support", "Non-recurrent, equal to the largest planned deficit; ends later"),
        )  # fmt: skip


def council_envelopes(system: System, council: str) -> Iterator[Envelope]:
    """A council's own social care money, its public health grant and its pool with the NHS."""
    places, facts, fund = system.of_council(council), known(council), pool(system, council)
    name = facts["area"]

    net, said = social_care(system, council)
    before = pounds(net) - fund.own
    amount = pounds(before * (1 + national("social-care-growth")))
    yield Envelope(
        f"social-care-{area(council)}",
        "social-care",
        f"{name} adult social care",
        council,
        amount,
        before,
        places,
        said,
    )
    grant, said = public_health(system, council)
    before = pounds(grant * national("public-health-before") / national("public-health"))
    yield Envelope(
        f"public-health-{area(council)}",
        "public-health",
        f"{name} public health grant",
        council,
        grant,
        before,
        places,
        said,
    )
    before = fund.own + fund.nhs_before
    note = "The council's own contribution: England's Better Care and Disabled Facilities Grants by share of core need"
    more = f", and half of what the £{before / 1e6:,.0f}m pool holds beyond minimum contributions" if fund.found else ""
    said = Said("derived", facts["pool_reference"] if fund.found else "bcf-2025-26", note + more)
    yield Envelope(
        f"pool-{area(council)}", "pool", f"{name} Better Care Fund pool", council, fund.own, before, places, said
    )


def social_care(system: System, council: str) -> tuple[float, Said]:
    """A council's net social care budget of last year, all of it: what is its own money in the pool comes off later."""
    facts, growth = known(council), national("social-care-growth")
    net, reference = facts["social_care_2024_25"], facts["social_care_reference"]
    grew = f"less the council's own money in the pool, grown by {growth:.0%} (assumed)"
    if not math.isnan(net):
        return net, Said("derived", reference, f"Net budget of about £{net / 1e6:,.0f}m for 2024/25, {grew}")
    per_head = national("social-care-per-head")
    net = per_head * system.of_council(council)["Population"].sum()
    return net, Said("assumed", "method", f"£{per_head:.0f} for each registered patient in 2024/25, {grew}")


def public_health(system: System, council: str) -> tuple[int, Said]:
    """A council's public health grant, from its grant of 2015/16 where that was found."""
    old = known(council)["public_health_2015_16"]
    if not math.isnan(old):
        grant = old * national("public-health") / national("public-health-2015-16")
        note = f"Its £{old / 1e6:.3f}m of 2015/16 grown with England's grant from £2.79bn to £3.858bn"
        return pounds(grant), Said("derived", "public-health-2015-16", note)
    share = system.of_council(council).sum(numeric_only=True) / system.england
    grant = national("public-health") * (share["Health Ineq WP"] + share["Population"]) / 2
    note = "England's £3.858bn, half by inequality need and half a head: within 3% of Greater Manchester's known total"
    return pounds(grant), Said("assumed", "public-health-2025-26", note)


# --- lines ---------------------------------------------------------------------------------------------------------


def last_year(system: System, envelope: Envelope) -> pd.DataFrame:
    """What an envelope's lines spent the year before: places by programmes."""
    amounts = envelope.baseline * split(envelope.kind)
    if envelope.kind == "running-costs":
        return pd.DataFrame([amounts], index=[system.root])
    by_need = by_component(envelope.places, amounts)
    if envelope.kind == "core":
        by_need = raked(by_need, envelope.baseline * envelope.places["Final WP"] / envelope.places["Final WP"].sum())
    return mixed(by_need, envelope.places["Population"])


def roles(system: System, kind: str, programme: str, place: str) -> list[tuple[str, float]]:
    """Who does how much of a programme in a place. The most exact rows win: system and place, then system, then all."""
    rows = source("roles").query("envelope == @kind and programme == @programme")
    for one, where in ((system.id, place), (system.id, "*"), ("*", "*")):
        fit = rows[(rows["system"] == one) & rows["places"].map(lambda text, where=where: where in text.split())]
        if len(fit):
            break
    if not math.isclose(fit["share"].sum(), 1.0, abs_tol=1e-9):
        raise ValueError(f"roles.csv: {kind} {programme} in {place} sums to {fit['share'].sum():g}, not 1")
    bodies = system.places.loc[place] if place in system.places.index else {}
    named = [bodies[who.strip("{}")] if "{" in who else who for who in fit["partner"]]
    return list(zip(named, fit["share"], strict=True))


def lines(system: System, held: Sequence[Envelope]) -> pd.DataFrame:
    """lines.csv: baselines that add up to each envelope's, to the pound. Movement is left to the rules."""
    rows = []
    for envelope in held:
        spent, mine = last_year(system, envelope), []
        for place, row in spent.iterrows():
            for programme, amount in row.items():
                for partner, part in roles(system, envelope.kind, programme, place):
                    mine.append((partner, place, programme, envelope.id, YEAR, amount * part))
        whole_pounds = whole([row[-1] for row in mine], envelope.baseline)
        rows += [(*row[:-1], amount) for row, amount in zip(mine, whole_pounds, strict=True)]
    return pd.DataFrame(rows, columns=["partner", "place", "programme", "envelope", "year", "baseline"])


def opening(system: System, table: pd.DataFrame) -> pd.Series:
    """How far each place's core money of last year stood from its fair share: 0.01 is one per cent above."""
    spent = table[table["envelope"] == "core"].groupby("place")["baseline"].sum().reindex(system.places.index)
    fair = spent.sum() * system.places["Final WP"] / system.places["Final WP"].sum()
    return spent / fair - 1


# --- outcomes ------------------------------------------------------------------------------------------------------


def cost_per_unit(programme: pd.Series) -> tuple[float, Said]:
    """Pounds for one more unit of the programme's outcome, and where that comes from.

    Several categories act as one: the share of a change in spend that goes to them, over the share of the effect that
    comes from them, times the overall cost.
    """
    if programme["cost"] != "categories":
        row = source("national").set_index("id").loc[programme["cost"]]
        note = f"1 / £{row['value']:,.0f}. {row['note']}. Prices of {row['year']}, not uplifted. {programme['note']}"
        return float(row["value"]), Said("derived", row["reference"], note)
    named = source("categories").loc[source("categories")["programme"] == programme["id"], "category"].astype(str)
    rows = source("claxton").set_index("category").loc[list(named)]
    spend, effect = rows["spend_share"].sum(), rows["effect_share"].sum()
    overall = national("overall-cost-per-qaly")
    cost = spend / effect * overall
    note = (
        f"1 / £{cost:,.0f} = {spend:.2f}% of a change in spend / {effect:.2f}% of its effect x £{overall:,.0f} overall,"
        f" for programme-budget {', '.join(named)}. Prices of 2008/09, not uplifted. {programme['note']}"
    )
    return cost, Said("derived", "claxton-2015", note)


def measured() -> Iterator[pd.Series]:
    """The programmes with outcome evidence."""
    return (row for _, row in source("programmes").iterrows() if row["outcome"])


def curves(system: System) -> pd.DataFrame:
    """curves.csv: isoelastic from the baseline of the lines, one for each place and programme with evidence."""
    return pd.DataFrame(
        {
            "place": place, "programme": row["id"], "outcome": row["outcome"], "year": YEAR, "shape": "isoelastic",
            "slope": f"{1 / cost_per_unit(row)[0]:.10f}", "reference": "", "exponent": row["exponent"],
        }
        for place in system.places.index
        for row in measured()
    )  # fmt: skip


# --- benefits ------------------------------------------------------------------------------------------------------


def benefits(system: System) -> pd.DataFrame:
    """benefits.csv: a kind's share of what others buy is parted among its partners, a council's is of its own places;
    what is left lands on the partner whose lines buy it, so that all that is bought lands once on somebody."""
    told = source("benefits").set_index(["outcome", "kind"])
    kinds = system.partners.set_index("id")["kind"]
    rows = []
    for outcome in source("outcomes")["id"]:
        each = {name: _share(told, outcome, kind, kinds) for name, kind in kinds.items()}
        of_council = told.at[(outcome, "council"), "share"]
        others = sum(share for name, share in each.items() if kinds[name] != "council")
        for name, kind in kinds.items():
            own = 1 - others if kind == "council" else 1 - of_council - (others - each[name])
            mine = system.of_council(name).index if kind == "council" else [""]
            figures = {"own": round(own, 4), "share": each[name], "worth": int(told.at[(outcome, kind), "worth"])}
            rows += [{"partner": name, "outcome": outcome, "place": place} | figures for place in mine]
    return pd.DataFrame(rows)


def _share(told: pd.DataFrame, outcome: str, kind: str, kinds: pd.Series) -> float:
    """One partner's part of its kind's share; a council has all of it in its own places."""
    return round(float(told.at[(outcome, kind), "share"]) / (1 if kind == "council" else (kinds == kind).sum()), 4)


# --- rules ---------------------------------------------------------------------------------------------------------


def baseline_share(rule: Mapping[str, Any], figure: str, table: pd.DataFrame) -> float:
    """The share that a share rule is about, in the baseline: rounded so that the baseline keeps the rule."""
    group = table["programme"].map(source("programmes").set_index("id")["group"])
    fits = (table["programme"].isin(scope.get("programmes", [])) | group.isin(scope.get("groups", []))
            for scope in (rule["where"], rule["of"]))  # fmt: skip
    part, base = (table.loc[mask, "baseline"].sum() for mask in fits)
    round_off = math.floor if figure == "at_least" else math.ceil
    return round_off(10_000 * part / base) / 10_000


def facts(system: System, held: Sequence[Envelope], table: pd.DataFrame) -> dict[str, Any]:
    """What rules.toml may name with an equals sign."""
    far = opening(system, table)
    unequal = (system.places["Health Ineq WP"] / system.places["Population"]).sort_values(ascending=False)
    trusts = system.partners.loc[system.partners["income"].notna(), "kind"]
    return {
        "running-costs": next(envelope.amount for envelope in held if envelope.kind == "running-costs"),
        "pools": [envelope.id for envelope in held if envelope.kind == "pool"],
        "under-target": sorted(far.index[far < 0]),
        "most-unequal": sorted(unequal.index[: max(1, round(NEEDIEST * len(unequal)))]),
        "trusts": sorted(trusts.unique()),
        "public-health": [envelope.id for envelope in held if envelope.kind == "public-health"],
        "social-care": [envelope.id for envelope in held if envelope.kind == "social-care"],
        "social-care-match": social_care_match(held, table),
        "running-costs-route": running_costs_route(system),
        "virement": math.floor(sum(pool_route(system, council) for council in system.councils) / 1e6) * 1_000_000,
        "contingency": pounds(next(envelope.amount for envelope in held if envelope.kind == "core") * CONTINGENCY),
    } | {
        f"{fact}-{area(council)}": amount
        for council in system.councils
        for fact, amount in (
            ("pool-minimum", pool(system, council).minimum), ("pool-route", pool_route(system, council)),
        )
    }  # fmt: skip


def pool_route(system: System, council: str) -> int:
    """The most that core money may put into a council's pool, in pounds."""
    return pounds(pool(system, council).nhs * national("pool-route-high"))


def running_costs_route(system: System) -> int:
    """The most that an underspend on running costs may pay for services, in pounds."""
    return pounds(national("running-costs-per-head") * system.places["Population"].sum() / 10)


def social_care_match(held: Sequence[Envelope], table: pd.DataFrame) -> float:
    """The councils' own social care money for each pound of social care from the pools, in the baseline."""
    social = table[table["programme"] == "social-care"]
    own, pooled = (
        social.loc[social["envelope"].isin([each.id for each in held if each.kind == kind]), "baseline"].sum()
        for kind in ("social-care", "pool")
    )
    return math.floor(100 * own / pooled) / 100


def filled(value: Any, known_facts: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    """A value of rules.toml with {names} and =facts put in."""
    if isinstance(value, dict):
        return {key: filled(inner, known_facts, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, known_facts, names) for inner in value]
    if not isinstance(value, str):
        return value
    for name, text in names.items():
        value = value.replace("{" + name + "}", text)
    return known_facts[value[1:]] if value.startswith("=") and value[1:] in known_facts else value


def rules(system: System, held: Sequence[Envelope], table: pd.DataFrame) -> tuple[dict[str, dict], dict[str, Said]]:
    """The rules of a system as rules.toml holds them, and what is said for the figures of each."""
    book = tomllib.loads((HERE / "sources" / "rules.toml").read_text(encoding="utf-8"))
    known_facts, found, said = facts(system, held, table), {}, {}
    for name, rule in (book["common"] | book.get(system.id, {})).items():
        fields = dict(rule)
        evidence = Said(**fields.pop("evidence"))
        each = system.councils if fields.pop("for", "") == "council" else [""]
        for council in each:
            made = filled(fields, known_facts, {"council": council, "area": area(council)})
            if [] in made.get("where", {}).values():
                continue  # a rule about no place: an empty list in a scope would mean any
            for figure, value in made.items():
                if isinstance(value, str) and value.startswith("=baseline-share"):
                    more = float(value.partition("+")[2] or 0)
                    made[figure] = round(baseline_share(made, figure, table) + more, 4)
            key = f"{name}-{area(council)}" if council else name
            found[key], said[key] = made, evidence
    return found, said


# --- the rest of the tables ----------------------------------------------------------------------------------------


def places(system: System) -> pd.DataFrame:
    """places.csv: the tree, people registered and people weighted by need; a parent holds the sums of its children."""
    people = {place: round(value) for place, value in system.places["Population"].items()}
    need = {place: round(value) for place, value in system.places["Final WP"].items()}
    for place in reversed([place for place in system.tree["id"] if place not in people]):
        children = system.tree.loc[system.tree["parent"] == place, "id"]
        people[place] = sum(people[child] for child in children)
        need[place] = sum(need[child] for child in children)
    table = system.tree[["id", "name", "parent"]].copy()
    return table.assign(population=table["id"].map(people), need=table["id"].map(need))


def needs(system: System) -> pd.DataFrame:
    """needs.csv: weighted population by place and programme."""
    rows = source("programmes").query("need != ''")
    return pd.DataFrame(
        {"place": place, "programme": row["id"], "need": round(values[row["need"]])}
        for place, values in system.places.iterrows()
        for _, row in rows.iterrows()
    )


def routes(system: System) -> pd.DataFrame:
    """routes.csv: core money may enter each pool, and running costs not needed pay for services. All are closed until a
    rule opens them."""
    pools = [f"pool-{area(council)}" for council in system.councils]
    ends = [("core", pool, "Section 75 of the NHS Act 2006: pooled fund hosted by the council") for pool in pools]
    ends.append(("running-costs", "core", "Running cost allowance: an underspend may pay for services"))
    return pd.DataFrame(
        {"id": f"{source}-to-{target}", "year": YEAR, "source": source, "target": target, "high": 0, "authority": why}
        for source, target, why in ends
    )


LINE_NOTES = {
    "core": "Core of last year (this year's / 1.044, less NHS money in the pools) by programme as in split.csv",
    "primary-medical": "The primary medical allocation of 2024/25",
    "running-costs": "Level in cash with this year",
    "deficit-support": "Level with this year, so that support which only keeps services going counts as no gain",
    "social-care": "The council's social care budget of 2024/25, less its own money in the pool",
    "public-health": "This year's grant scaled back to England's grant of 2024/25, £3.660bn",
    "pool": "Both sides' contributions of 2024/25, split between social care and community services as in split.csv",
}


BENDS_NOTE = "A judgement: £1m of core money buys about 145 points at the margin, so a small breach costs about that"
BENEFIT_NOTES = {
    "own": "What is left of an outcome once others have their shares: all that is bought lands once on somebody",
    "share": "What a kind of body counts of what others buy, parted among its bodies: a judgement",
    "worth": "The lower end of NICE's £20,000 to £30,000 a QALY, for every outcome and partner alike: a judgement",
}
ASSUMED = {
    "routes.*.high": "Nothing: a route is closed until a rule opens it, so that what it brings can be priced",
    "lines.*.low": "Nothing: limits on movement are rules, so that they can be priced",
    "lines.*.scale": "Nothing: no line has a minimum viable scale",
}


def evidence(held: Sequence[Envelope], book: Mapping[str, dict], said_of_rules: Mapping[str, Said]) -> pd.DataFrame:
    """evidence.csv: where every figure comes from."""
    rows = {figure: Said("assumed", "method", note) for figure, note in ASSUMED.items()}
    rows["places.*.population"] = Said(
        "found", "nhse-practices", "Registered patients of the practices that stand in it"
    )
    rows["places.*.need"] = Said(
        "found", "nhse-practices", "Final core weighted population of the practices that stand in it"
    )
    for _, row in source("outcomes").iterrows():
        rows[f"outcomes.{row['id']}.weight"] = Said(row["status"], row["reference"], row["note"])
    for _, row in source("programmes").query("need != ''").iterrows():
        rows[f"needs.*.{row['id']}.need"] = Said(row["need_status"], "nhse-practices", row["need_note"])
    for envelope in held:
        rows[f"envelopes.{envelope.id}.{YEAR}.amount"] = envelope.said
        note = LINE_NOTES[envelope.kind]
        if envelope.kind != "running-costs":
            note += f"; by place {NEED_WEIGHT:.0%} by need and the rest a head; by partner as in roles.csv"
        rows[f"lines.*.*.*.{envelope.id}.{YEAR}.baseline"] = Said("assumed", "method", note)
    for row in measured():
        path = f"curves.*.{row['id']}.{row['outcome']}.{YEAR}"
        rows[f"{path}.slope"] = cost_per_unit(row)[1]
        low, high = row["exponent_low"], row["exponent_high"]
        rows[f"{path}.exponent"] = Said(
            "assumed", "method", f"How fast returns diminish, {low:g} to {high:g}: a judgement"
        )
    rows |= {f"benefits.*.{figure}": Said("assumed", "method", note) for figure, note in BENEFIT_NOTES.items()}
    for name, rule in book.items():
        for figure in ("amount", "at_least", "at_most", "down", "up", "pace"):
            if figure in rule:
                rows[f"rules.{name}.{figure}"] = said_of_rules[name]
        if rule["kind"] == "ring-fence":
            rows[f"rules.{name}.at_least"] = said_of_rules[name]
        if "bends" in rule:
            rows[f"rules.{name}.bends"] = Said("assumed", "method", BENDS_NOTE)
    return pd.DataFrame(
        [(figure, *said) for figure, said in rows.items()], columns=["figure", "status", "source", "note"]
    )


# --- a whole scenario ----------------------------------------------------------------------------------------------


def build(system: System) -> tuple[dict[str, pd.DataFrame], dict[str, dict], list[Envelope]]:
    """Every table of a scenario, its rules and its envelopes."""
    held = list(envelopes(system))
    table = lines(system, held)
    book, said = rules(system, held, table)
    proof = evidence(held, book, said)
    quoted = {rule["source"] for rule in book.values() if "source" in rule}
    tables = {
        "partners": system.partners[["id", "name", "kind"]],
        "places": places(system),
        "programmes": source("programmes")[["id", "name", "group"]],
        "outcomes": source("outcomes")[["id", "name", "unit", "weight"]],
        "envelopes": pd.DataFrame(envelope.row() for envelope in held),
        "routes": routes(system),
        "lines": table,
        "curves": curves(system),
        "needs": needs(system),
        "benefits": benefits(system),
        "evidence": proof,
        "sources": source("references")[lambda cited: cited["id"].isin([*proof["source"], *quoted])],
    }
    return tables, book, held


def write(system: System, tables: Mapping[str, pd.DataFrame], book: Mapping[str, dict], folder: Path) -> None:
    """Write the folder; a README.md in it is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    heading = {"id": system.id, "name": system.name, "years": [YEAR], "about": system.about, "caveat": CAVEAT}
    note = "# Written by scenarios/rebuild.py from scenarios/sources/rules.toml: change it there to keep the change.\n"
    text = "".join(f"\n[{name}]\n{toml_lines(rule)}" for name, rule in book.items())
    (folder / "scenario.toml").write_bytes(toml_lines(heading).encode())
    (folder / "rules.toml").write_bytes((note + text).encode())
    for name, table in tables.items():
        (folder / f"{name}.csv").write_bytes(table.to_csv(index=False, lineterminator="\n").encode())


def report(system: System, tables: Mapping[str, pd.DataFrame], held: Sequence[Envelope]) -> None:
    """Print what was built, and what it implies."""
    table = tables["lines"]
    print(f"\n{system.name}: {len(system.partners)} partners, {len(table)} lines, {len(tables['curves'])} curves")
    print(f"\n  {'envelopes, £m':34}{YEAR:>12}{'lines before':>14}")
    for kind in dict.fromkeys(envelope.kind for envelope in held):
        ours = [envelope for envelope in held if envelope.kind == kind]
        amount, before = (sum(getattr(each, field) for each in ours) / 1e6 for field in ("amount", "baseline"))
        name = kind if len(ours) == 1 else f"{kind} ({len(ours)} councils)"
        print(f"  {name:34}{amount:12,.1f}{before:14,.1f}")
    print(f"  {'in all':34}{sum(e.amount for e in held) / 1e6:12,.1f}{sum(e.baseline for e in held) / 1e6:14,.1f}")
    print(f"\n  opening distance from fair share of core that NEED_WEIGHT = {NEED_WEIGHT} implies")
    for place, distance in opening(system, table).items():
        print(f"  {system.places.at[place, 'name']:34}{distance:+12.1%}")
    print("\n  trusts: lines against income, which also holds specialised, out-of-area, training and other money")
    ours = table.groupby("partner")["baseline"].sum() / 1e6
    for _, row in system.partners[system.partners["income"].notna()].iterrows():
        mine, income = ours[row["id"]], row["income"] / 1e6
        verdict = f"{'within' if abs(mine / income - 1) <= 0.2 else 'outside'} 20% (income {row['income_status']})"
        print(f"  {row['id']:14}£{mine:6,.0f}m of £{income:6,.0f}m{mine / income:6.0%}  {verdict}")


def main() -> None:
    """Rebuild every system, or one."""
    parser = argparse.ArgumentParser(description="Rebuild the figures of the real scenarios from their sources.")
    systems = source("systems").set_index("id", drop=False)
    parser.add_argument("--only", choices=list(systems.index), help="one system; every one if left out")
    parser.add_argument(
        "--into", type=Path, default=HERE, help="where the scenario folders go; beside this script if left out"
    )
    chosen = parser.parse_args()
    data = practices()
    for name in [chosen.only] if chosen.only else systems.index:
        system = system_of(systems.loc[name], data)
        tables, book, held = build(system)
        write(system, tables, book, chosen.into / name)
        report(system, tables, held)


if __name__ == "__main__":
    main()
