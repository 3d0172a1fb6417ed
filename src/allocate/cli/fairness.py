"""`allocate fairness`: how far apart a plan leaves places, by every view and measure."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

import allocate as al
from allocate.cli.options import add_common, not_below_nothing, read_changes, read_scenario, refusal
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json
from allocate.plan.explaining import assurance
from allocate.plan.fairness import OUTCOME, UNLEVEL, fairness_in_words, views
from allocate.plan.figures import number
from allocate.plan.writing import in_the_way, to_csv, write_files

FILES = ("fairness.csv", "views.csv")
"""What --out writes."""


def add(verbs: Any) -> None:
    """The verb `fairness` and its options."""
    verb = verbs.add_parser("fairness", help="how far apart a plan leaves places, by every view and measure")
    add_common(verb, seconds=60.0, each=" for each plan")
    verb.add_argument(
        "--against", metavar="PATH",
        help="another plan to set beside it: a scenario's folder, or a TOML file of changes to this one's",
    )  # fmt: skip
    verb.add_argument("--year", metavar="YEAR", help="the year (the last)")
    verb.add_argument(
        "--aversion", type=not_below_nothing, default=1.0, metavar="X",
        help="the aversion to inequality that Atkinson's measures go by (1)",
    )  # fmt: skip
    verb.add_argument("--out", metavar="DIR", help=f"write {' and '.join(FILES)} to this folder")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Solve, say and show how places fare; against another plan where one is asked for."""
    from allocate import screen

    if options.out and (why := in_the_way(options.out, FILES, "this")):
        raise refusal(al.Problem("--out", why))
    scenario = read_scenario(options)
    if options.year is not None and options.year not in scenario.years:
        years = ", ".join(scenario.years)
        raise refusal(al.Problem("--year", f"is not one of the years {years}", value=options.year))
    other = read_other(options)
    with screen.progress(f"Solving {scenario.heading.name}"):
        plan = al.solve(scenario, seconds=options.seconds)
        against = None if other is None else al.solve(other, seconds=options.seconds)
    try:
        table = al.fairness(plan, against=against, year=options.year, epsilon=options.aversion)
    except al.Unlike as error:
        raise refusal(*(al.Problem("--against", reason) for reason in error.reasons)) from None
    places = seen(plan, against, options.year)
    if options.out:
        write_files(dict(zip(FILES, map(to_csv, (table, places)), strict=True)), options.out, FILES, "this")
        say(f"Written to {options.out}")
    told = {"scenario": scenario.id, "year": options.year or scenario.years[-1], "fairness": table, "views": places}
    words = fairness_in_words(plan, against=against, year=options.year)
    answer(options.format, partial(to_json, told), table, partial(show, scenario, words, table, places))
    for each in filter(None, (plan, against)):
        if not each.certified:
            say(f"Not certified: {assurance(each)}")
    return ANSWERED if all(each.certified for each in (plan, against) if each is not None) else OUR_FAULT


def read_other(options: argparse.Namespace) -> al.Scenario | None:
    """The scenario to set beside it: of a folder, or this one's folder under a file of changes."""
    if options.against is None:
        return None
    if Path(options.against).is_dir():
        return al.read(options.against)
    return al.read(options.folder).change(read_changes(options.against))


def seen(plan: al.Plan, against: al.Plan | None, year: str | None) -> pd.DataFrame:
    """What each place gets in every view; with another plan, what it gets there before what it gets here."""
    table = views(plan, year=year)
    if against is not None:
        theirs = views(against, year=year).set_index(["view", "place"])["value"]
        keys = pd.MultiIndex.from_frame(table[["view", "place"]])
        table.insert(table.columns.get_loc("value"), "against", theirs.reindex(keys).to_numpy())
    return table


def show(scenario: al.Scenario, words: list[str], table: pd.DataFrame, places: pd.DataFrame) -> None:
    """Each view in a sentence, then what places get, and every measure."""
    from allocate import screen

    for text in words:
        say(text)
    say("")
    titles = {"today": "Today", "against": "Other plan", "value": "This plan"}
    sides = [name for name in titles if name in table]
    named = places.assign(name=[scenario.name_of("places", place) for place in places["place"]])
    named["title"] += " (" + named["unit"].str.removesuffix(f" {OUTCOME}") + ")"
    columns = [titles[side] for side in sides]
    got, apart = screen.Sheet("What places get", ["Place", *columns]), screen.Sheet("Measures", ["Measure", *columns])
    apart.titles.append("Which is")
    got.rows, apart.rows = rows(named, sides), rows(table, [*sides, "verdict"])
    screen.put_all([got, apart])


def rows(table: pd.DataFrame, columns: list[str]) -> list[tuple[list[str], str]]:
    """A table's rows, view by view: the view, what it says of each, and why it says no more."""
    found: list[tuple[list[str], str]] = []
    for _, mine in table.groupby("view", sort=False):
        told = mine[mine["value"].notna() & ~mine["reason"].str.contains(UNLEVEL, regex=False)]
        why = dict.fromkeys(mine.loc[mine.index.difference(told.index), "reason"])
        found.append(([mine["title"].iloc[0], *[""] * len(columns)], "bold"))
        for row in told.to_dict("records"):
            cells = [row[name] if name == "verdict" else number(row[name]) for name in columns]
            found.append(([f"  {row['name']}", *cells], ""))
        found += [([f"  {reason}", *[""] * len(columns)], "") for reason in why if reason]
    return found
