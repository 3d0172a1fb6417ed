"""`allocate schema`: the JSON Schema of every file of a scenario."""

from __future__ import annotations

import argparse
import json
from typing import Any

import allocate as al
from allocate.cli.output import ANSWERED


def add(verbs: Any) -> None:
    """The verb `schema`."""
    verb = verbs.add_parser("schema", help="JSON Schema of every file of a scenario")
    verb.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print it."""
    print(json.dumps(al.schema(), indent=1))
    return ANSWERED
