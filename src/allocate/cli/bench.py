"""`allocate bench`: the benchmarks of a clone, whose own command line this is."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from allocate.cli.output import SCENARIO_WRONG, say


def add(verbs: Any) -> None:
    """The verb `bench`. Its options are the benchmarks' own to read."""
    verb = verbs.add_parser(
        "bench", help="how fast is it, beside other ways? --help lists", add_help=False, prefix_chars="\0"
    )
    verb.add_argument("rest", nargs="*")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run them where there are any."""
    checkout = Path(__file__).resolve().parents[3]
    if not (checkout / "benchmarks" / "__main__.py").is_file():
        say("The benchmarks come with a clone of the repository, not with an installed package: run it from there.")
        return SCENARIO_WRONG
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    return int(import_module("benchmarks.__main__").main(options.rest))
