"""`allocate check`: is the scenario sound?"""

from __future__ import annotations

import argparse
from typing import Any

import allocate as al
from allocate.cli.options import add_folder
from allocate.cli.output import ANSWERED


def add(verbs: Any) -> None:
    """The verb `check`."""
    verb = verbs.add_parser("check", help="is the scenario sound? Every problem at once")
    add_folder(verb)
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Say that it is sound, and how many figures are found, derived and assumed."""
    scenario = al.read(options.folder)
    counts = al.evidence(scenario)["status"].value_counts()
    figures = ", ".join(f"{counts.get(status, 0)} {status}" for status in ("found", "derived", "assumed"))
    print(
        f"{scenario.heading.name}: sound. {len(scenario.lines)} lines, {len(scenario.rules)} rules; figures: {figures}."
    )
    return ANSWERED
