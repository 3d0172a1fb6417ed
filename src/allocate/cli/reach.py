"""`allocate reach`: the least more money that reaches a target."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import add_common, read_scenario, read_sets, refusal
from allocate.cli.output import ANSWERED, answer, say, say_changes, to_json, told_rows
from allocate.plan.figures import pounds
from allocate.plan.writing import in_the_way

EXAMPLE = 'such as \'rules.goal={kind = "reach", outcome = "health", amount = 2000}\''


def add(verbs: Any) -> None:
    """The verb `reach` and its options."""
    verb = verbs.add_parser("reach", help="the least more money that reaches a target, and the plan with it")
    add_common(verb, seconds=60.0)
    verb.add_argument(
        "--target", action="append", default=[], metavar="PATH=RULE", dest="targets",
        help=f"a rule to keep, {EXAMPLE}; may be repeated",
    )  # fmt: skip
    verb.add_argument(
        "--envelope", action="append", default=[], metavar="ID", dest="envelopes",
        help="an envelope that may get more money (any may); may be repeated",
    )  # fmt: skip
    verb.add_argument("--in-proportion", action="store_true", help="add to envelopes in proportion to what they hold")
    verb.add_argument("--out", metavar="DIR", help="write every table of the plan to this folder")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search, write, say what it takes, and show which envelopes get it."""
    from allocate import screen

    if not options.targets:
        raise refusal(al.Problem("--target", "nothing is to be reached", fix=EXAMPLE))
    if options.out and (why := in_the_way(options.out)):
        raise refusal(al.Problem("--out", why))
    scenario, targets = read_scenario(options), read_sets(options.targets, "--target")
    asked = {"envelopes": options.envelopes or None, "in_proportion": options.in_proportion}
    with screen.progress(f"Looking for the least money in {scenario.heading.name}"):
        found = al.reach(scenario, targets, seconds=options.seconds, **asked)
    if options.out:
        al.write_plan(found.plan, options.out)
        say(f"Written to {options.out}")
    answer(options.format, partial(goal_to_json, found), found.money, partial(show, found))
    return ANSWERED


def goal_to_json(found: al.Goal) -> str:
    """What was found as JSON: the sums, where they go, the what-if, and what the plan spends."""
    facts = {name: getattr(found, name) for name in ("amount", "bound", "sentence", "change", "money")}
    return to_json({"scenario": found.plan.scenario.id, **facts, "spend": found.plan.spend})


def show(found: al.Goal) -> None:
    """What it takes in words, as changes to type, and by envelope."""
    from allocate import screen

    say(found.sentence)
    say_changes("As changes", found.change)
    say("")
    scenario = found.plan.scenario
    currency, several = scenario.heading.currency, len(scenario.years) > 1
    sheet = screen.Sheet("By envelope", ["Envelope", *["Year"] * several, "Now", "More", "Then"])
    for row in told_rows(found.money):
        sums = (row.amount, row.more, row.amount + row.more)
        told = [pounds(each, currency, millions=False) for each in sums]
        sheet.rows.append(([scenario.name_of("envelopes", row.envelope), *[row.year] * several, *told], ""))
    screen.put_all([sheet])
