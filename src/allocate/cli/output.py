"""What verbs say and print: words to stderr, an answer to stdout in the format that was asked for, exit codes."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from allocate.plan.writing import finite, to_csv
from allocate.scenario.scenario import plain
from allocate.scenario.values import value_text

ANSWERED, OUR_FAULT, SCENARIO_WRONG, NO_PLAN = 0, 1, 2, 3


def say(text: str) -> None:
    """Words to stderr. On a screen no word is cut at its edge; a file or a pipe gets each sentence whole."""
    print(folded(text) if sys.stderr.isatty() else text, file=sys.stderr)


def folded(text: str) -> str:
    """A text in lines that a screen is wide enough for; what goes on from an item of a list is set in."""
    width = shutil.get_terminal_size().columns
    return "\n".join(
        textwrap.fill(
            line, width, subsequent_indent="  " * line.startswith("- "), break_long_words=False, break_on_hyphens=False
        )
        for line in text.split("\n")
    )


def say_changes(lead: str, changes: Mapping[str, Any], more: str = "") -> None:
    """Changes as options to type, on one line that can be copied."""
    print(f"{lead}: {as_sets(changes)}" + (f" ({more})" if more else ""), file=sys.stderr)


def as_sets(changes: Mapping[str, Any]) -> str:
    """Changes as options that a shell takes."""
    return " ".join(f"--set {shlex.quote(f'{path}={value_text(value)}')}" for path, value in changes.items())


def answer(form: str, as_json: Callable[[], str], table: pd.DataFrame, show: Callable[[], None]) -> None:
    """Print an answer in the format of --format: everything as JSON, one table as CSV, or tables for people."""
    if form == "json":
        print(as_json(), end="")
    elif form == "csv":
        print(to_csv(table), end="")
    else:
        show()
    sys.stdout.flush()


def to_json(told: Mapping[str, Any]) -> str:
    """Facts and tables as JSON: a table is a list of rows, null for blanks and for open ends."""
    written = {name: as_rows(each) if isinstance(each, pd.DataFrame) else each for name, each in told.items()}
    return json.dumps(written, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON has it: a list of rows, None for blanks."""
    return plain(finite(table)).to_dict("records")


def told_rows(table: pd.DataFrame) -> Any:
    """A table's rows by the names of its columns; `name` as `name_`."""
    return table.rename(columns={"name": "name_"}).itertuples()


def speak_utf8() -> None:
    """What goes to a file or a pipe is UTF-8 on every system, as the files we read and write are."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8")
