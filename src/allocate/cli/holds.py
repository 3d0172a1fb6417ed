"""`allocate holds`: whether the deal holds, rule by rule, and whether self-organising works here."""

from __future__ import annotations

import argparse
import math
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import a_count, a_fraction, add_common, not_below_nothing, read_scenario
from allocate.cli.output import ANSWERED, NO_PLAN, OUR_FAULT, answer, say, to_json, told_rows
from allocate.commons.apart.fallbacks import FALLBACKS
from allocate.plan.figures import number, pounds
from allocate.plan.words import capital, title

SHOWN = 20
"""Temptations on the screen; --format json has every rule with every partner."""


def add(verbs: Any) -> None:
    """The verb `holds` and its options."""
    verb = verbs.add_parser("holds", help="whether the deal holds: who would break which rule, and what keeps them")
    add_common(verb, seconds=60.0, each=" for each solve")
    names = [name.replace(" ", "-") for name in FALLBACKS]
    verb.add_argument("--fallback", choices=names, default=names[0], help=f"what each has without a deal ({names[0]})")
    verb.add_argument(
        "--patience", type=a_fraction, metavar="SHARE",
        help="what a pound next year is worth today, 0 to 1 (0.87: 3.5%% less, and 9 in 10 still partners)",
    )  # fmt: skip
    verb.add_argument(
        "--years", type=a_count, default=3, metavar="N", help="years without the deal for who breaks a rule (3)"
    )
    verb.add_argument("--fine", type=not_below_nothing, metavar="POUNDS", help="what a breach costs besides (nothing)")
    verb.add_argument(
        "--word", type=not_below_nothing, default=0.0, metavar="POUNDS",
        help="what keeping its word is worth to each a year: yours to say, never estimated (0)",
    )  # fmt: skip
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find out, say and show it. An honest no is an answer; a fallback from which somebody would still move is none."""
    from allocate import screen

    scenario = read_scenario(options)
    with screen.progress(f"Asking who would break which rule of {scenario.heading.name}") as tell:
        found = al.holds(
            scenario, fallback=options.fallback.replace("-", " "), patience=options.patience, years=options.years,
            fine=options.fine, word=options.word, seconds=options.seconds, tick=tell,
        )  # fmt: skip
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    answer(options.format, partial(holds_to_json, found), found.rules, partial(show, found))
    if found.clash is not None:
        return NO_PLAN
    return ANSWERED if found.certified else OUR_FAULT


def holds_to_json(found: al.Holds) -> str:
    """What was found as JSON: its sentences, whether it works, what it was judged by, and every table."""
    facts = {
        "scenario": found.scenario.id, "works": found.works, "fallback": found.fallback, "unit": found.unit,
        "patience": found.response.patience, "years": found.response.years, "fine": found.response.fine,
        "word": found.response.word, "certified": found.certified,
    }  # fmt: skip
    return to_json({"sentences": found.sentences} | facts | found.tables())


def show(found: al.Holds) -> None:
    """The six questions, then who is tempted to break which rule and who to leave, as people's tables."""
    from allocate import screen

    say("")
    screen.put_all([questions(found), *([rules(found), leaving(found)] if len(found.leaving) else [])])


def questions(found: al.Holds) -> Any:
    """The six questions and their answers."""
    from allocate import screen

    sheet = screen.Sheet("Does self-organising work here?", ["Question", "Answer"])
    for row in found.check.itertuples():
        sheet.rows.append(([row.question, capital(row.answer)], "bold" if row.answer == "no" else ""))
    return sheet


def rules(found: al.Holds) -> Any:
    """The rules that tempt somebody, the most tempting first."""
    from allocate import screen

    titles = ["Rule", "Tempts", "Would gain a year", "Of that by breaking it", "Patience", "Verdict"]
    spare = (("Of that by breaking it",), ("Patience",))
    sheet = screen.Sheet(f"Who would break which rule (fallback: {found.fallback})", titles, spare=spare)
    for row in told_rows(found.rules[found.rules["temptation"] > 0].head(SHOWN)):
        cells = [title(row.rule), row.name_, _money(found, row.temptation), _money(found, row.adds), *_needed(row)]
        sheet.rows.append((cells, "bold" if row.verdict == "does not hold" else ""))
    return sheet


def leaving(found: al.Holds) -> Any:
    """What leaving the plan would gain each, keeping every rule or only the law's."""
    from allocate import screen

    titles = ["Partner", "Breaks", "Would gain a year", "Loses a year without the deal", "Patience", "Verdict"]
    spare = (("Loses a year without the deal",), ("Patience",))
    sheet = screen.Sheet("Who would leave the plan", titles, spare=spare)
    for row in told_rows(found.leaving[found.leaving["temptation"] > 0]):
        cells = [row.name_, row.breaks, _money(found, row.temptation), _money(found, row.reward - row.fallback)]
        sheet.rows.append(([*cells, *_needed(row)], "bold" if row.verdict == "does not hold" else ""))
    return sheet


def _needed(row: Any) -> list[str]:
    """The patience that a breach asks for, and the verdict."""
    patience = number(math.ceil(1000 * row.patience) / 1000) if math.isfinite(row.patience) else "none is enough"
    return [patience, row.verdict]


def _money(found: al.Holds, amount: float) -> str:
    """Pounds as all tables here show them."""
    return pounds(amount, found.unit, millions=False)
