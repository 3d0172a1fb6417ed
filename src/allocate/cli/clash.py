"""`allocate clash`: which rules cannot hold together, and every way out."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import pandas as pd

import allocate as al
from allocate.cli.options import add_common, read_scenario
from allocate.cli.output import ANSWERED, NO_PLAN, answer, say, say_changes, to_json
from allocate.plan.figures import number, pounds
from allocate.plan.words import capital, some, title

WAYS = {
    "cheapest": "cheapest", "fewest": "fewest concessions", "fairest": "least asked of any one partner",
    "drop": "whole rules dropped",
}  # fmt: skip


def add(verbs: Any) -> None:
    """The verb `clash` and its options."""
    verb = verbs.add_parser("clash", help="which rules cannot hold together, and every way out")
    add_common(verb, seconds=10.0)
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Say what clashes and the ways out, and show both; nothing clashes where a plan is possible."""
    from allocate import screen

    scenario = read_scenario(options)
    with screen.progress(f"Looking for clashes in {scenario.heading.name}"):
        found = al.clash(scenario, seconds=options.seconds)
    say("\n".join(found.sentences))
    if changes := found.change:
        say_changes("As changes", changes)
    answer(options.format, partial(clashes_to_json, found), found.table, partial(show, found))
    return ANSWERED if found.possible else NO_PLAN


def clashes_to_json(found: al.Clashes) -> str:
    """What was found as JSON: whether a plan exists, and every table."""
    facts = {name: getattr(found, name) for name in ("possible", "law", "complete", "calls", "price_unit", "minima")}
    return to_json(facts | found.tables())


def show(found: al.Clashes) -> None:
    """Clashes, then ways out, as people's tables."""
    from allocate import screen

    if not found.possible:
        say("")
        screen.put_all([clash_sheet(found), way_sheet(found)])


def clash_sheet(found: al.Clashes) -> Any:
    """What cannot hold together, a row a rule of a clash."""
    from allocate import screen

    sheet = screen.Sheet("What cannot hold together", ["Rule", "Clash", "Who answers for it", "Standing"])
    for row in found.clashes.itertuples():
        sheet.rows.append(([title(row.rule), str(row.clash), whose(found, row.owner), row.standing], ""))
    return sheet


def way_sheet(found: al.Clashes) -> Any:
    """The ways out, what each is and buys, and below it what it asks of whom; ways that ask the same are one."""
    from allocate import screen

    currency = found.scenario.heading.currency
    sheet = screen.Sheet(f"Ways out (prices in {found.price_unit})", ["Way", "By at least", "Price", "Plan buys"])
    for k, (kinds, rows) in enumerate(ways(found.ways), 1):
        sheet.rows.append(
            ([f"{k}. {capital(some(kinds, len(kinds)))}", "", "", number(rows["outcome"].iloc[0])], "bold")
        )
        for row in rows.itertuples():
            by = pounds(row.amount, currency) if row.unit == currency else f"{number(row.amount)} {row.unit}".strip()
            ask = f" (ask {whose(found, row.owner)})" if row.owner else ""
            sheet.rows.append(([f"  {title(row.rule)}{ask}", by, number(row.price), ""], ""))
    return sheet


def ways(table: pd.DataFrame) -> list[tuple[list[str], pd.DataFrame]]:
    """Each way out by what it is, several things where several are the same way, and its rows."""
    found: dict[tuple[Any, ...], tuple[list[str], pd.DataFrame]] = {}
    for _, rows in table.groupby("way"):
        kind = str(rows["kind"].iloc[0])
        key = (kind == "drop", *zip(rows["rule"], rows["amount"].fillna(0).round(), strict=True))
        found.setdefault(key, ([], rows))[0].append(WAYS[kind])
    return list(found.values())


def whose(found: al.Clashes, owner: str) -> str:
    """Who answers for a rule; nobody does for a resource."""
    return found.scenario.name_of("partners", owner) if owner else ""
