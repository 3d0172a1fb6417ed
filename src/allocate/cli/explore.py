"""`allocate explore`: the explorer in a browser."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from allocate.cli.options import a_count


def add(verbs: Any) -> None:
    """The verb `explore` and its options."""
    verb = verbs.add_parser("explore", help="move a figure and see what becomes of everyone, in a browser")
    verb.add_argument("folders", nargs="*", metavar="FOLDER", help="a scenario's folder, or one above several")
    verb.add_argument(
        "--port", type=partial(a_count, most=65535), metavar="N",
        help="where it listens, on this machine alone (8501 or next)",
    )  # fmt: skip
    verb.add_argument("--practices", metavar="FILE", default="", help="NHS England's practice file, for Places")
    verb.add_argument("--no-browser", action="store_true", help="say the address and open nothing")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve it until it is stopped."""
    from allocate.ui.serving import explore

    return explore(options.folders, options.port, not options.no_browser, options.practices)
