"""`allocate solve`: the plan that buys most within the money and the rules."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import above_nothing, add_common, read_scenario, refusal
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say
from allocate.plan.explaining import FINEST, assurance
from allocate.plan.writing import in_the_way


def add(verbs: Any) -> None:
    """The verb `solve` and its options."""
    verb = verbs.add_parser("solve", help="the plan that buys most within the money and the rules")
    add_common(verb, seconds=60.0)
    verb.add_argument("--out", metavar="DIR", help="write every table of the plan to this folder")
    verb.add_argument(
        "--tolerance", type=above_nothing, default=1e-4, metavar="GAP", help="certified gap to accept (0.0001)"
    )
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Solve, write, show; an answer that is not certified is shown and said to be none."""
    from allocate import screen

    if options.out and (why := in_the_way(options.out)):
        raise refusal(al.Problem("--out", why))
    scenario = read_scenario(options)
    with screen.progress(f"Solving {scenario.heading.name}"):
        plan = al.solve(scenario, seconds=options.seconds, tolerance=options.tolerance)
    if options.out:
        al.write_plan(plan, options.out)
        say(f"Written to {options.out}")
    answer(options.format, partial(al.to_json, plan), plan.spend, partial(screen.show, plan))
    if plan.certified:
        return ANSWERED
    done = plan.certificate.gap <= FINEST
    accept = f"Accept it with --tolerance {FINEST:g}, which is as fine as arithmetic goes."
    more = accept if done else "Allow more time with --seconds, or accept it with --tolerance."
    say(f"Not certified: {assurance(plan)} {more}")
    return OUR_FAULT
