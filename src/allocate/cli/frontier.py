"""`allocate frontier`: what fairness costs, by one aim."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import pandas as pd

import allocate as al
from allocate.cli.options import a_count, a_fraction, add_common, not_below_nothing, read_scenario, refusal
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json, told_rows
from allocate.plan.aim import part_in_words
from allocate.plan.figures import number
from allocate.plan.frontier import MANY, POINTS
from allocate.plan.words import capital
from allocate.plan.writing import in_the_way, to_csv, write_files
from allocate.rules.aims import SUBJECTS
from allocate.rules.kinds import Fair
from allocate.scenario.rulebook import KINDS

FILES = ("frontier.csv", "named.csv")
"""What --out writes."""
FIELDS = ("kind", "view", "part", "strength", "aversion", "by")
"""The options that say an aim."""
LARGEST = 1e-4
"""Points further than this from their bound, as a part of what there is to reach, are not certified."""


def add(verbs: Any) -> None:
    """The verb `frontier` and its options."""
    verb = verbs.add_parser("frontier", help="what fairness costs: benefit against an aim's score")
    add_common(verb, seconds=60.0, each=" for each plan, and for the points")
    kinds = sorted(name for name, kind in KINDS.items() if issubclass(kind, Fair) and name != "tails")
    verb.add_argument("--kind", choices=kinds, help="the aim (the scenario's own if left out)")
    verb.add_argument("--view", choices=sorted(SUBJECTS), help="what each place is seen to have (gain)")
    verb.add_argument("--part", type=a_fraction, metavar="X", help="of worst-off: the part of people (0.2)")
    verb.add_argument("--strength", type=not_below_nothing, metavar="X", help="of balanced: how strongly (1)")
    verb.add_argument("--aversion", type=not_below_nothing, metavar="X", help="of weighted: how much more need counts")
    verb.add_argument("--by", choices=("population", "need"), help="how people are counted (population)")
    verb.add_argument(
        "--points", type=partial(a_count, most=MANY), default=POINTS, metavar="N", help=f"how many points ({POINTS})"
    )
    verb.add_argument("--out", metavar="DIR", help=f"write {' and '.join(FILES)} to this folder")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find the frontier, say and show it; a point that is not certified is said to be none."""
    from allocate import screen

    if options.out and (why := in_the_way(options.out, FILES, "this")):
        raise refusal(al.Problem("--out", why))
    if options.points < 2:
        raise refusal(al.Problem("--points", "must be 2 or more: a frontier has two ends", value=str(options.points)))
    aim = read_aim(options)
    scenario = read_scenario(options)
    solve = partial(al.solve, seconds=options.seconds)
    with screen.progress(f"Finding what fairness costs in {scenario.heading.name}"):
        try:
            found = al.frontier(scenario, aim, points=options.points, seconds=options.seconds, solve=solve)
        except ValueError as error:
            raise refusal(al.Problem("--kind", str(error))) from None
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    if options.out:
        write_files(dict(zip(FILES, map(to_csv, (found.table, found.named)), strict=True)), options.out, FILES, "this")
        say(f"Written to {options.out}")
    answer(options.format, partial(frontier_to_json, found), found.table, partial(show, found))
    sure = (found.table["gap"].iloc[1:] <= LARGEST).all() and all(plan.certified for plan in found.plans.values())
    return ANSWERED if sure else OUR_FAULT


def read_aim(options: argparse.Namespace) -> dict[str, Any] | None:
    """The aim that was typed, as a rule's fields; None for the scenario's own."""
    told = {name: value for name in FIELDS if (value := getattr(options, name)) is not None}
    if told and "kind" not in told:
        raise refusal(*(al.Problem(f"--{name}", "says something of an aim: say which with --kind") for name in told))
    return told or None


def frontier_to_json(found: al.Frontier) -> str:
    """What was found as JSON: its sentences, its aim, and both tables."""
    facts: dict[str, Any] = {
        "scenario": found.scenario.id,
        "aim": found.aim.sentence(found.scenario),
        "unit": found.unit,
    }
    facts |= {"growth": found.growth, "whole": found.whole}
    return to_json({"sentences": found.sentences} | facts | found.tables())


def show(found: al.Frontier) -> None:
    """The points, and the plans held against them, as people's tables."""
    from allocate import screen

    say("")
    screen.put_all([points(found), held(found)])


def points(found: al.Frontier) -> Any:
    """The frontier, a row a point."""
    from allocate import screen

    sheet = screen.Sheet(
        f"What fairness costs (buys in {found.unit})", ["Given up", "Buys", "Score", "Gains for a unit"]
    )
    for row in told_rows(found.table):
        cells = [part_in_words(row.given_up), number(row.value), found.said(row.score), each(found, row.price)]
        sheet.rows.append((cells, "bold" if row.name_ else ""))
    return sheet


def each(found: al.Frontier, price: float) -> str:
    """A price in words; '' for blanks."""
    return "" if pd.isna(price) else found.said(price).split(" ")[0]


def held(found: al.Frontier) -> Any:
    """The plans that are held against it."""
    from allocate import screen

    sheet = screen.Sheet("Against it", ["Plan", "Given up", "Score", "Could be", "Is"])
    for row in told_rows(found.named):
        best = "" if pd.isna(row.best) else found.said(row.best)
        where = f"no plan: breaks {row.breaks}" if row.breaks else f"{row.where} the frontier"
        sheet.rows.append(
            ([capital(row.name_), part_in_words(max(0.0, row.given_up)), found.said(row.score), best, where], "")
        )
    return sheet
