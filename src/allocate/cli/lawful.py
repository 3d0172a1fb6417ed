"""`allocate lawful`: what may lawfully move where, what stops more, and whose consent would open it."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np

import allocate as al
from allocate.cli.options import a_count, add_common, read_scenario
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json, told_rows
from allocate.plan.figures import number, pounds, round_sum


def add(verbs: Any) -> None:
    """The verb `lawful` and its options."""
    verb = verbs.add_parser("lawful", help="what may lawfully move where, and whose consent would open more")
    add_common(verb, seconds=60.0, each=" for each solve")
    verb.add_argument("--to", metavar="PROGRAMME", help="the most that can reach one programme; all if left out")
    verb.add_argument("--place", help="what is spent in one place; anywhere if left out")
    verb.add_argument(
        "--openings", type=a_count, default=3, metavar="N", help="routes that do not exist to solve with (3)"
    )
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find what is lawful, say and show it."""
    from allocate import screen

    scenario = read_scenario(options)
    with screen.progress(f"Asking what may lawfully move in {scenario.heading.name}") as tell:
        found = al.lawful(
            scenario, to=options.to, place=options.place, openings=options.openings, seconds=options.seconds, tick=tell
        )
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    answer(options.format, partial(lawful_to_json, found), found.reach, partial(show, found))
    return ANSWERED if found.certified else OUR_FAULT


def lawful_to_json(found: al.Lawful) -> str:
    """What was found as JSON: its sentences, whether it is certified, and every table."""
    facts = {
        "scenario": found.scenario.id, "to": found.to, "place": found.place, "unit": found.unit, "step": found.step,
        "certified": found.certified,
    }  # fmt: skip
    return to_json({"sentences": found.sentences} | facts | found.tables())


def show(found: al.Lawful) -> None:
    """What can reach what, the routes there are and those worth opening, as people's tables."""
    from allocate import screen

    say("")
    others = [opened(found)] if len(found.openings) else []
    screen.put_all([reached(found), *([routes(found)] if len(found.routes) else []), *others])


def reached(found: al.Lawful) -> Any:
    """The most that can reach each programme and envelope."""
    from allocate import screen

    titles = ["To", "Today", "Plan", "Most by the rules", "By routes alone", "What stops more"]
    sheet, money = screen.Sheet("The most that can lawfully be spent", titles), _money(found)
    for row in told_rows(found.reach):
        cells = [money(row.today), money(row.plan), money(row.most), money(row.flow), row.stops]
        sheet.rows.append(([row.name_, *cells], ""))
    return sheet


def routes(found: al.Lawful) -> Any:
    """Routes, what moves, whose consent they take, and what they are worth."""
    from allocate import screen

    titles = ["From", "To", "Consent of", "May move", "Today", "Plan", "Without it", "Opened to", "More"]
    titles += ["Could reach without", "Could reach then"] if found.to is not None else []
    sheet, money = screen.Sheet(f"Routes (worth in {found.unit})", titles), _money(found)
    for row in found.routes.itertuples():
        loses = "no plan" if np.isnan(row.without) else number(-row.without, signed=True)
        cells = [_consent(found, row.consent), money(row.high), money(row.today), money(row.plan), loses]
        cells += [money(row.wider), number(row.gain, signed=True)]
        cells += [money(row.reach_without), money(row.reach_wider)] if found.to is not None else []
        sheet.rows.append(([row.from_name, row.to_name, *cells], ""))
    return sheet


def opened(found: al.Lawful) -> Any:
    """Routes that do not exist and would buy most."""
    from allocate import screen

    first = round_sum(found.step, found.scenario.heading.currency)
    titles = ["From", "To", "Consent of", f"First {first} buys", "Open for all, more", "Would move"]
    titles += ["Could reach then"] if found.to is not None else []
    sheet, money = screen.Sheet(f"Routes that do not exist (worth in {found.unit})", titles), _money(found)
    for row in found.openings.itertuples():
        cells = [_consent(found, row.consent), number(row.exactly, signed=True), number(row.gain, signed=True)]
        cells += [money(row.moves), *([money(row.reach)] if found.to is not None else [])]
        sheet.rows.append(([row.from_name, row.to_name, *cells], ""))
    return sheet


def _consent(found: al.Lawful, partners: tuple[str, ...]) -> str:
    return ", ".join(found.scenario.name_of("partners", each) for each in partners)


def _money(found: al.Lawful) -> Any:
    """Pounds as all tables show them."""
    return partial(pounds, currency=found.scenario.heading.currency)
