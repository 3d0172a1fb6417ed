"""`allocate next`: what a round sum more would buy in each place and programme, what stops it, and what it costs."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import pandas as pd

import allocate as al
from allocate.cli.options import above_nothing, add_common, read_scenario
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json, told_rows
from allocate.plan.aim import aim_unit
from allocate.plan.explaining import assurance
from allocate.plan.figures import number, pounds, round_sum
from allocate.plan.words import title

OWN = {"most": "its own most", "start": "what it takes to start"}
"""What holds a line other than a rule or resource."""


def add(verbs: Any) -> None:
    """The verb `next` and its options."""
    verb = verbs.add_parser("next", help="what £1m more would buy in each place and programme, and what stops it")
    add_common(verb, seconds=60.0)
    verb.add_argument(
        "--amount", type=above_nothing, default=1e6, metavar="POUNDS", help="how much more, instead of a million"
    )
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Solve, then show what the next pounds would buy, the most first."""
    from allocate import screen

    scenario = read_scenario(options)
    with screen.progress(f"Solving {scenario.heading.name}"):
        plan = al.solve(scenario, seconds=options.seconds)
    table = al.next_pound(plan, options.amount)
    told = {"scenario": scenario.id, "amount": options.amount, "unit": aim_unit(plan), "next": table}
    answer(options.format, partial(to_json, told), table, partial(show, plan, table, options.amount))
    if not plan.certified:
        say(f"Not certified: {assurance(plan)}")
    return ANSWERED if plan.certified else OUR_FAULT


def show(plan: al.Plan, table: pd.DataFrame, amount: float) -> None:
    """Where it buys most, and where rules let it; then every row, the most first."""
    from allocate import screen

    for text in said(plan, table, amount):
        say(text)
    say("")
    scenario = plan.scenario
    currency, several = scenario.heading.currency, len(scenario.years) > 1
    sheet = screen.Sheet(
        f"What {round_sum(amount, currency)} more would buy, in {aim_unit(plan)}",
        ["Where", "Paid from", *["Year"] * several, "Buys", "Costs", "Room", "Held by"],
        spare=(("Paid from",), ("Costs",)),
    )
    for row in told_rows(ranked(table)):
        held = title(row.id) if row.stop == "rule" else scenario.name_of("resources", row.id) or OWN.get(row.stop, "")
        cells = [where(scenario, row), scenario.name_of("envelopes", row.envelope), *[row.year] * several]
        room = "all of it" if row.room >= amount else pounds(row.room, currency) if row.room else "none"
        sheet.rows.append(([*cells, number(row.buys), number(row.price), room, held], ""))
    screen.put_all([sheet])


def said(plan: al.Plan, table: pd.DataFrame, amount: float) -> list[str]:
    """Where the sum would buy most, and where it would of what may take all of it, a sentence each."""
    unit, sum_ = aim_unit(plan), round_sum(amount, plan.scenario.heading.currency)
    best = next(told_rows(ranked(table)))
    held = f", but {best.because}" if best.stop else ", and nothing stops it"
    found = [f"{sum_} more would buy most in {where(plan.scenario, best)}: {number(best.buys)} {unit}{held}."]
    if best.stop and len(free := ranked(table[(table["stop"] == "") & (table["buys"] > 0)])):
        top = next(told_rows(free))
        where_ = f"{where(plan.scenario, top)}: {number(top.buys)} {unit}"
        found.append(f"Of what may take all of it, it would buy most in {where_}.")
    return found


def where(scenario: al.Scenario, row: Any) -> str:
    """What a row is for: 'Prevention in Coventry'."""
    return f"{scenario.name_of('programmes', row.programme)} in {scenario.name_of('places', row.place)}"


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """The rows by what they buy, the most first; those that differ by a rounding error keep their order."""
    by = table["buys"].map(lambda bought: float(f"{bought:.6g}"))
    return table.iloc[(-by).argsort(kind="stable")]
