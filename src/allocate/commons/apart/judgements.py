"""The judgements in benefits.csv that may be moved: each figure alone, or with its like, how far, and what follows.

What is bought lands as often as before: where one counts more of what others buy, whoever buys it counts that much less
of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import Benefits
from allocate.plan.figures import number
from allocate.plan.words import quoted
from allocate.scenario.checks import benefits_from
from allocate.scenario.evidence import evidence
from allocate.scenario.scenario import Scenario

Array = np.ndarray
TIMES, PART = "times", "part"
OWN, SHARE, WORTH = "own", "share", "worth"
FEW, MANY = 0.25, 4.0
"""How far a worth is moved down, and what moves together; and every figure up, in times what it is."""
EVERY_WORTH = "every worth"
NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure of benefits.csv, or several that move together.

    key       its path, as changes use it; of several, in words
    field     'own', 'share' or 'worth'
    rows      the rows of benefits.csv
    now       what it is; 1 where several move together, by so many times what each is
    unit      'part', the currency, or 'times'
    lowest    how far down it may go; `highest`, up
    """

    key: str
    name: str
    field: str
    rows: Array
    now: float
    unit: str
    status: str
    lowest: float
    highest: float

    def said(self, value: float) -> str:
        """A value of it as people read it."""
        if self.unit == TIMES:
            return f"{number(value)} times what they are"
        return ("" if self.unit == PART else self.unit) + number(value)


def figures_of(scenario: Scenario, benefits: Benefits, fed: Array) -> tuple[list[Figure], list[Figure]]:
    """The figures of benefits.csv that move together, and every one alone; those of partners that decide. `fed` as
    `allocate.commons.apart.benefits.fed_by` has it."""
    table, cover = scenario.table("benefits"), covered(scenario)
    kinds = dict(zip(scenario.table("partners")["id"], scenario.table("partners")["kind"], strict=True))
    plays = table["partner"].isin(benefits.players).to_numpy()
    kind = table["partner"].map(kinds).fillna("").to_numpy(dtype=object)
    make = partial(_figure, scenario, _buyers(table, benefits, fed, cover), cover, _statuses(scenario))
    several = [
        (f"shares of {each}", f"what {each} partners count of what others buy", SHARE, plays & (kind == each))
        for each in dict.fromkeys(kind[plays]) if each
    ]  # fmt: skip
    several += [
        ("every share", "what everybody counts of what others buy", SHARE, plays),
        ("every own", "what everybody counts of what its own lines buy", OWN, plays),
        (EVERY_WORTH, "what everything is worth to everybody", WORTH, plays),
    ]
    keys = list(zip(*scenario.key_texts("benefits"), strict=True))
    alone = [
        (f"benefits.{'.'.join(keys[row])}.{of}", _name(scenario, table.iloc[row], of), of, np.arange(len(table)) == row)
        for row in np.flatnonzero(plays).tolist() for of in (OWN, SHARE, WORTH)
    ]  # fmt: skip
    many = [make(*each, together=True) for each in several if table.loc[each[3], each[2]].any()]
    return many, [make(*each, together=False) for each in alone]


def _figure(
    scenario: Scenario,
    buys: Array,
    cover: Array,
    statuses: dict[str, Array],
    key: str,
    name: str,
    of: str,
    mine: Array,
    together: bool,
) -> Figure:
    table, rows = scenario.table("benefits"), np.flatnonzero(mine)
    unit = TIMES if together else scenario.heading.currency if of == WORTH else PART
    now = 1.0 if together else float(table[of].iloc[rows[0]])
    status = ", ".join(dict.fromkeys(statuses[of][rows]))
    lowest, highest = _range(table, buys, cover, of, rows, now, together)
    lowest = max(lowest, FEW) if together else lowest
    highest = min(highest, MANY * now) if now > 0 else highest
    return Figure(key, name, of, rows, now, unit, status, float(min(lowest, now)), float(max(highest, now)))


def _name(scenario: Scenario, row: pd.Series, of: str) -> str:
    outcome = scenario.name_of("outcomes", row["outcome"])
    where = f" in {scenario.name_of('places', row['place'])}" if isinstance(row["place"], str) else ""
    what, who = f"{quoted(outcome)}{where}", scenario.name_of("partners", row["partner"])
    if of == WORTH:
        return f"what {what} is worth to {who}"
    return f"what {who} counts of the {what} that {'its own lines' if of == OWN else 'others'} buy"


def _statuses(scenario: Scenario) -> dict[str, Array]:
    """The status of each figure of each row of benefits.csv, by field."""
    said = evidence(scenario)
    status = dict(zip(said["figure"], said["status"], strict=True))
    keys = [".".join(key) for key in zip(*scenario.key_texts("benefits"), strict=True)]
    return {of: np.array([status.get(f"benefits.{key}.{of}", "") for key in keys]) for of in (OWN, SHARE, WORTH)}


def covered(scenario: Scenario) -> Array:
    """The curves that each row of benefits.csv covers: booleans, a row a row."""
    return np.array([benefits_from(scenario, row) for row in scenario.table("benefits").itertuples()])


def _buyers(table: pd.DataFrame, benefits: Benefits, fed: Array, cover: Array) -> Array:
    """The curves that a row covers and its partner's lines feed: booleans, a row a row of benefits.csv."""
    number = {player: k for k, player in enumerate(benefits.players)}
    mine = [number.get(partner, -1) for partner in table["partner"]]
    return cover & np.vstack([fed, np.zeros((1, fed.shape[1]), dtype=bool)])[mine]


def _range(
    table: pd.DataFrame, buys: Array, cover: Array, of: str, rows: Array, now: float, together: bool
) -> tuple[float, float]:
    """How far a figure may go down and up."""
    at, own = table[of].to_numpy()[rows], table[OWN].to_numpy()
    if of == WORTH:
        return now * FEW, now * MANY
    step = np.zeros(len(table))
    step[rows] = at if together else 1.0
    moves = step[rows] > 0
    highest = np.min((1.0 - at[moves]) / step[rows][moves], initial=np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        if of == OWN:
            lands = own[:, None] + _others(table, table[SHARE].to_numpy(), cover)
            room = np.where(buys & (step > 0)[:, None], (1.0 - lands) / step[:, None], np.inf)
            return 0.0, now + max(0.0, min(highest, float(room.min(initial=np.inf))))
        taken = np.where(buys, _others(table, step, cover), 0.0)
        lower = np.where(taken > 0, (1.0 - own[:, None]) / taken, np.inf).min(initial=np.inf)
        upper = np.where(taken > 0, own[:, None] / taken, np.inf).min(initial=np.inf)
    lowest = now - lower
    return lowest if lowest > NOTHING else 0.0, now + min(highest, upper)


def _others(table: pd.DataFrame, amount: Array, cover: Array) -> Array:
    """For each row and curve that it covers, what the rows of other partners say of it: the sum of their amounts."""
    said = cover * amount[:, None]
    codes = pd.factorize(table["partner"])[0]
    mine = np.zeros((codes.max(initial=-1) + 1, cover.shape[1]))
    np.add.at(mine, codes, said)
    return np.where(cover, mine.sum(axis=0) - mine[codes], 0.0)


def laid(scenario: Scenario, figure: Figure, value: float, cover: Array) -> pd.DataFrame:
    """benefits.csv with this value of a figure; where that is a share, whoever buys counts what is left of it."""
    table = scenario.table("benefits")
    before = table[figure.field].to_numpy()
    after = before.copy()
    after[figure.rows] = before[figure.rows] * value if figure.unit == TIMES else value
    table = table.assign(**{figure.field: after})
    return table if figure.field != SHARE else _landing_once(scenario, table, after - before, cover)


def _landing_once(scenario: Scenario, table: pd.DataFrame, more: Array, cover: Array) -> pd.DataFrame:
    """The rows where each buyer counts as much less of what it buys as others count more; one row a place where that
    is not the same everywhere."""
    places, taken = scenario.table("curves")["place"].to_numpy(dtype=object), _others(table, more, cover)
    found = []
    for k, row in enumerate(table.to_dict("records")):
        mine = taken[k, cover[k]]
        where = list(dict.fromkeys(places[cover[k]]))
        if np.ptp(mine) <= 1e-12 or any(len(scenario.within(each) & set(where)) > 1 for each in where):
            found.append(row | {OWN: _part(row[OWN] - mine.max())})
        else:
            each = [taken[k, cover[k] & (places == place)][0] for place in where]
            found += [
                row | {"place": place, OWN: _part(row[OWN] - less)} for place, less in zip(where, each, strict=True)
            ]
    return pd.DataFrame(found, columns=table.columns).astype(table.dtypes)


def _part(value: float) -> float:
    return float(min(max(value, 0.0), 1.0))


def said_otherwise(scenario: Scenario, table: pd.DataFrame) -> Scenario:
    """The scenario with another benefits.csv: a what-if of it where the rows are the same, and a new one otherwise."""
    old = scenario.table("benefits")
    if len(table) != len(old):
        return replace(scenario, _tables={**scenario._tables, "benefits": table}, changes={}, base=None, _shared={})
    keys = [".".join(key) for key in zip(*scenario.key_texts("benefits"), strict=True)]
    changes = {
        f"benefits.{key}.{of}": float(value)
        for of in (OWN, SHARE, WORTH)
        for key, value, before in zip(keys, table[of], old[of], strict=True) if value != before
    }  # fmt: skip
    return scenario.change(changes) if changes else scenario


def counted(scenario: Scenario, table: pd.DataFrame) -> Benefits:
    """What partners count by another benefits.csv."""
    shared = scenario._shared if len(table) == len(scenario.table("benefits")) else {}
    return Benefits.of(replace(scenario, _tables={**scenario._tables, "benefits": table}, _shared=shared))
