"""`allocate lenses`: the same system by several criteria side by side."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import a_fraction, add_common, read_scenario, refusal
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json
from allocate.plan.aim import part_in_words
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.words import capital
from allocate.plan.writing import in_the_way, to_csv, write_files

FILES = ("summary.csv", "places.csv", "partners.csv", "agreed.csv")
"""What --out writes."""


def add(verbs: Any) -> None:
    """The verb `lenses` and its options."""
    verb = verbs.add_parser("lenses", help="the same system by several criteria side by side")
    add_common(verb, seconds=60.0, each=" for each lens")
    verb.add_argument(
        "--give-up", type=a_fraction, metavar="X", help="the most of the best gain that a lens may give up (any)"
    )
    verb.add_argument("--out", metavar="DIR", help="write every table to this folder")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Look through every lens, say and show what it changes and what they agree on."""
    from allocate import screen

    if options.out and (why := in_the_way(options.out, FILES, "this")):
        raise refusal(al.Problem("--out", why))
    scenario = read_scenario(options)
    with screen.progress(f"Looking at {scenario.heading.name} through several lenses"):
        found = al.lenses(scenario, give_up=options.give_up, solve=partial(al.solve, seconds=options.seconds))
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    if options.out:
        tables = {f"{name}.csv": to_csv(table) for name, table in found.tables().items()}
        write_files(tables, options.out, FILES, "this")
        say(f"Written to {options.out}")
    answer(options.format, partial(lenses_to_json, found), found.summary, partial(show, found))
    return ANSWERED if all(plan.certified for plan in found.plans.values()) else OUR_FAULT


def lenses_to_json(found: al.Lenses) -> str:
    """What was found as JSON: its sentences, what all agree on, and every table."""
    facts = {"scenario": found.scenario.id, "agreed_pounds": found.agreed_pounds, "agreed_share": found.agreed_share}
    return to_json({"sentences": found.sentences} | facts | found.tables())


def show(found: al.Lenses) -> None:
    """The lenses, then what each place gets by each, as people's tables."""
    from allocate import screen

    say("")
    screen.put_all([in_all(found), by_place(found)])


def in_all(found: al.Lenses) -> Any:
    """What each lens gives up and reaches, a row a lens."""
    from allocate import screen

    sheet = screen.Sheet("Lenses", ["Lens", "Buys", "Given up", "Reaches", "Moves", "Gini of spending"])
    currency = found.scenario.heading.currency
    for row in found.summary.itertuples():
        if row.why:
            cells = ["no plan", "", row.why, "", ""]
        else:
            cells = [number(row.value), part_in_words(max(0.0, row.given_up)), row.said, pounds(row.moved, currency)]
            cells.append(number(row.gini_spend))
        sheet.rows.append(([capital(row.lens), *cells], ""))
    return sheet


def by_place(found: al.Lenses) -> Any:
    """What changes for each place by each lens, as a part of what it has today."""
    from allocate import screen

    table = found.places.assign(part=found.places["change"] / (found.places["spend"] - found.places["change"]))
    wide = table.pivot_table(index="place", columns="lens", values="part", sort=False, dropna=False)
    sheet = screen.Sheet("Spending against today", ["Place", *map(capital, found.plans)])
    for place, row in wide[list(found.plans)].iterrows():
        sheet.rows.append(
            ([found.scenario.name_of("places", str(place)), *(per_cent(part, signed=True) for part in row)], "")
        )
    return sheet
