"""`allocate places`: need, fair shares and pace of change by place, from NHS England's file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

import allocate as al
from allocate.cli.options import a_count, a_rate, add_format, read_numbers, read_pairs, refuse
from allocate.cli.output import ANSWERED, answer, say, to_json

BANDED = ("bands", "no-overshoot")
"""Policies with a least and a most growth."""


def add(verbs: Any) -> None:
    """The verb `places` and its options."""
    verb = verbs.add_parser("places", help="need, fair shares and pace of change by place, from NHS England's file")
    verb.add_argument("file", help="NHS England's practice-level weighted populations (.csv or .xlsx)")
    verb.add_argument("--system", action="append", metavar="CODE", help="a system's code or name; may be repeated")
    drawn = verb.add_mutually_exclusive_group()
    drawn.add_argument("--by", choices=("district", "pcn", "practice"), help="a place for each of these (district)")
    drawn.add_argument(
        "--places",
        metavar="FILE",
        help="your own places: .csv of practice and place, .toml, or the tool's .json session",
    )
    verb.add_argument("--rest", default="", metavar="NAME", help="a place for practices that no other place holds")
    verb.add_argument(
        "--envelope", action="append", default=[], metavar="[NEED=]POUNDS",
        help="money to share by core need, or by another: primary=200e6, population=21e6; may be repeated",
    )  # fmt: skip
    verb.add_argument("--opening", metavar="FILE", help="a .csv of place and amount: what each place has today")
    verb.add_argument("--round", choices=("exact", "nhse"), default="exact", help="round as NHS England's tool does")
    verb.add_argument(
        "--pace", choices=("bands", "no-overshoot", "no-cash-loser", "shortfall", "close"),
        help="year by year to fair shares under a policy, and who loses when",
    )  # fmt: skip
    verb.add_argument("--floor", type=a_rate, metavar="RATE", help="least growth of a place in a year, such as 0.01")
    verb.add_argument("--ceiling", type=a_rate, metavar="RATE", help="most growth of a place in a year")
    verb.add_argument("--years", type=a_count, default=5, metavar="N", help="years of --pace (5)")
    verb.add_argument("--growth", type=a_rate, default=0.0, metavar="RATE", help="growth of the money each year (0)")
    verb.add_argument("--sway", type=a_rate, metavar="RATE", help="what an error of this size in need would move")
    verb.add_argument("--against", metavar="FILE", help="an earlier practice file: what changed since")
    verb.add_argument("--save", metavar="DIR", help="write a scenario's tables, the drawing and its figures here")
    verb.add_argument(
        "--need",
        action="append",
        default=[],
        metavar="PROGRAMME=NEED",
        help="programmes of needs.csv, such as urgent=acute",
    )
    add_format(verb)
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show what was asked for of the places of a system; without a system, the systems of the file."""
    from allocate import screen
    from allocate.cli import atlas

    amounts = read_amounts(options.envelope)
    refuse_unmet(options, amounts)
    with screen.progress("Reading"):
        practices = al.places.read(options.file)
    if not options.system and not options.places:
        table = practices.systems.reset_index()
        sheets, words = [atlas.systems(practices)], list(practices.notes)
        answer(options.format, partial(to_json, {"systems": table}), table, partial(atlas.show, sheets, words))
        return ANSWERED
    drawing = drawn(options, practices)
    opening = drawing.opening(options.opening) if options.opening else None
    if opening is not None and not amounts:
        amounts = {"core": float(opening.sum()) * (1 + options.growth if options.pace else 1)}
    tables, sheets, words = figures(options, drawing, amounts, opening)
    if options.save:
        needs = read_pairs("--need", options.need, "PROGRAMME=NEED")
        al.places.write(drawing, options.save, amounts or None, opening, needs or None)
        say(f"Written to {options.save}")
    last = list(tables.values())[-1]
    answer(options.format, partial(to_json, tables), last, partial(atlas.show, sheets, words))
    if options.format != "table":
        for text in (*practices.notes, *drawing.notes):
            say(text)
    return ANSWERED


def drawn(options: argparse.Namespace, practices: al.places.Practices) -> al.places.Drawing:
    """The places that were asked for, out of these practices."""
    return al.places.draw(practices, options.system, options.places or options.by or "district", options.rest)


def figures(
    options: argparse.Namespace, drawing: al.places.Drawing, amounts: Mapping[str, float], opening: pd.Series | None
) -> tuple[dict[str, pd.DataFrame], list[Any], list[str]]:
    """What was asked for: tables by name for programs, sheets for people, and both in words."""
    from allocate.cli import atlas
    from allocate.places import stability, writing

    tables = {"places": writing.index_table(drawing, options.round)}
    sheets = [atlas.need(drawing, base, options.round) for base in ("system", "england")]
    distances = years = None
    if amounts:
        tables["targets"] = writing.target_table(drawing, amounts, opening)
        distances = drawing.distance(opening, amounts) if opening is not None else None
        sheets.append(atlas.money(drawing, drawing.targets(amounts), distances))
    if options.against:
        before = drawn(options, al.places.read(options.against))
        held, now = stability.moved(before, drawing, amounts), drawing.practices.year
        tables["moved"] = held.reset_index()
        sheets.append(atlas.change(drawing, held, before.practices.year or "before", now or "now"))
    if options.sway is not None:
        swayed = stability.sway(drawing, amounts, options.sway)
        tables["sway"] = swayed.reset_index()
        sheets.append(atlas.steadiness(drawing, swayed, options.sway))
    if options.pace and opening is not None:
        years = tables["pace"] = paced(options, opening, drawing.targets(amounts), drawing.practices.year)
        sheets.append(atlas.path(drawing, years, options.pace))
    return tables, sheets, list(atlas.sentences(drawing, distances, years))


def refuse_unmet(options: argparse.Namespace, amounts: Mapping[str, float]) -> None:
    """Raises ScenarioError for every option that wants another which is not there."""
    wants = {
        "--pace": ("--opening", options.pace and not options.opening),
        "--floor": ("--pace bands or no-overshoot", options.floor is not None and options.pace not in BANDED),
        "--ceiling": ("--pace bands, no-overshoot or no-cash-loser",
                      options.ceiling is not None and options.pace not in (*BANDED, "no-cash-loser")),
        "--sway": ("--envelope or --opening", options.sway is not None and not (amounts or options.opening)),
        "--against": ("--envelope or --opening", options.against and not (amounts or options.opening)),
        "--opening": ("--system or --places", options.opening and not (options.system or options.places)),
        "--envelope": ("--system or --places", amounts and not (options.system or options.places)),
        "--save": ("--system or --places", options.save and not (options.system or options.places)),
        "--by": ("--system", options.by and not options.system),
    }  # fmt: skip
    refuse([al.Problem(option, f"needs {other}") for option, (other, unmet) in wants.items() if unmet])


def paced(options: argparse.Namespace, opening: pd.Series, targets: pd.DataFrame, first: str) -> pd.DataFrame:
    """The path of --pace: the money to share grows from the first year on."""
    policy = al.places.pace.POLICIES[options.pace]
    money = al.places.pace.growing(targets["target"].sum(), options.years, options.growth, first)
    limits = {name: value for name in ("floor", "ceiling") if (value := getattr(options, name)) is not None}
    return policy(opening, targets["share"], money, **limits)


def read_amounts(texts: Sequence[str]) -> dict[str, float]:
    """Every --envelope: what shares it, and pounds. A bare number is shared by core need."""
    pairs = [text if "=" in text else f"core={text}" for text in texts]
    told = read_pairs("--envelope", pairs, "[NEED=]POUNDS", again="leave one, or add them up")
    return read_numbers("--envelope", told, "a number of pounds")
