"""`allocate settle --within`: near-best plans that nobody would veto, and how far each thing can go among them."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import a_count
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json, told_rows
from allocate.commons.settling.alternatives import MANY
from allocate.plan.figures import number, pounds
from allocate.plan.words import capital
from allocate.scenario.words import NUMBER

PLANS = 6
"""How many plans are shown unless said."""


def add(verb: argparse.ArgumentParser) -> None:
    """What `allocate settle` takes for near-best plans."""
    about = "instead: plans that nobody would veto and that give up at most so many per cent of what the best one gains"
    verb.add_argument("--within", type=per_cent, metavar="PERCENT", help=about)
    many = partial(a_count, most=MANY)
    verb.add_argument("--plans", type=many, default=PLANS, metavar="N", help=f"of --within: how many at most ({PLANS})")


def per_cent(text: str) -> float:
    """A number from 0 to 100, for argparse."""
    if not NUMBER.fullmatch(text) or not 0 <= float(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 100")
    return float(text)


def run(options: argparse.Namespace, scenario: al.Scenario) -> int:
    """Find the plans, say and show them; ranges that are not proved, or a fallback from which somebody would still
    move, are said to be none."""
    from allocate import screen

    with screen.progress(f"Looking for other plans near the best of {scenario.heading.name}") as tell:
        found = al.alternatives(
            scenario, within=options.within / 100, count=options.plans, fallback=options.fallback.replace("-", " "),
            seconds=options.seconds, tick=tell,
        )  # fmt: skip
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    answer(options.format, partial(alternatives_to_json, found), found.range, partial(show, found))
    return ANSWERED if found.certified else OUR_FAULT


def alternatives_to_json(found: al.Alternatives) -> str:
    """What was found as JSON: its sentences, how near the best, who would veto the agreed plan, and every table."""
    facts = {
        "scenario": found.scenario.id, "fallback": found.fallback, "within": found.within, "gain": found.gain,
        "best": found.best, "reachable": _finite(found.reachable), "vetoed": list(found.vetoed), "unit": found.unit,
        "certified": found.certified,
    }  # fmt: skip
    return to_json({"sentences": found.sentences} | facts | found.tables())


def show(found: al.Alternatives) -> None:
    """Ranges, plans, and who prefers which, as people's tables."""
    from allocate import screen

    say("")
    screen.put_all([ranges(found), plans(found), preferences(found)])


def ranges(found: al.Alternatives) -> Any:
    """What plans near the best may spend on each programme, through each partner and in each place."""
    from allocate import screen

    titles = ["", "Name", "Today", "Least", "Agreed", "Most"]
    sheet, money = screen.Sheet("What plans near the best may spend", titles), _money(found)
    for kind, rows in found.range.groupby("kind", sort=False):
        for row in told_rows(rows):
            cells = [money(each) for each in (row.today, row.least, row.agreed, row.most)]
            sheet.rows.append(([capital(kind), row.name_, *cells], ""))
    return sheet


def plans(found: al.Alternatives) -> Any:
    """The plans that differ most, those that most prefer first."""
    from allocate import screen

    titles = [
        "Plan",
        "Found as",
        f"Agreed outcome ({found.unit})",
        "Gives up",
        "Moves",
        "Prefer it",
        "Prefer the agreed",
    ]
    sheet, money = screen.Sheet("Plans that nobody would veto", titles), _money(found)
    for row in found.plans.itertuples():
        cells = [number(row.value), f"{100 * row.below:.3g}%", money(row.moved), str(row.prefer), str(row.against)]
        sheet.rows.append(([str(row.plan), row.found_as, *cells], ""))
    return sheet


def preferences(found: al.Alternatives) -> Any:
    """What each partner has in each plan more than in the agreed one, or less."""
    from allocate import screen

    names = [str(plan) for plan in found.plans["plan"]]
    titles = ["Partner", *(f"Plan {name}" for name in names)]
    sheet, money = screen.Sheet("More, or less, than in the agreed plan", titles), _money(found, millions=False)
    for name, rows in found.partners.groupby("name", sort=False):
        cells = [money(row.change, signed=True) if row.prefers else "0" for row in rows.itertuples()]
        sheet.rows.append(([name, *cells], ""))
    return sheet


def _finite(amount: float) -> float | None:
    return None if amount != amount else amount


def _money(found: al.Alternatives, millions: bool | None = None) -> Any:
    return partial(pounds, currency=found.scenario.heading.currency, millions=millions)
