"""The options that verbs share, and how what is typed after them is read."""

from __future__ import annotations

import argparse
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import allocate as al
from allocate.scenario.paths import Path as Named
from allocate.scenario.paths import parse
from allocate.scenario.values import parse_value
from allocate.scenario.words import NUMBER, number_advice

A_CHANGE = (
    "a change, such as envelopes.core=1850e6 or rules.prevention.in_force=false, or curves.*.slope=x0.8 for 0.8 times "
    "what was read; may be repeated"
)


def add_folder(verb: argparse.ArgumentParser) -> None:
    """The scenario that a verb is about."""
    verb.add_argument("folder", help="a scenario's folder")


def add_common(verb: argparse.ArgumentParser, seconds: float, each: str = "") -> None:
    """What every verb takes that answers a what-if: the folder, --set and --changes, --format, and --seconds with its
    default and what else it stands for."""
    add_folder(verb)
    add_changes(verb)
    add_format(verb)
    verb.add_argument(
        "--seconds", type=above_nothing, default=seconds, metavar="N", help=f"time allowed{each} ({seconds:g})"
    )


def add_changes(verb: argparse.ArgumentParser, option: str = "--set", about: str = A_CHANGE) -> None:
    """Changes one by one, kept in `sets`, and a file of them."""
    verb.add_argument(option, action="append", default=[], metavar="PATH=VALUE", dest="sets", help=about)
    verb.add_argument("--changes", metavar="FILE", help="a TOML file of changes, as solve --out writes one")


def add_format(verb: argparse.ArgumentParser) -> None:
    """What goes to stdout."""
    verb.add_argument("--format", choices=("table", "json", "csv"), default="table", help="what goes to the screen")


# --- one value --------------------------------------------------------------------------------------------------------


def above_nothing(text: str) -> float:
    """A finite number above 0, for argparse."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def not_below_nothing(text: str) -> float:
    """A finite number, 0 or above, for argparse."""
    number = _number(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return number


def a_fraction(text: str) -> float:
    """A number from 0 to 1, for argparse."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number


def a_rate(text: str) -> float:
    """A rate above -1, for argparse: 0.05 for five per cent."""
    number = _number(text)
    if not -1 < number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate between -1 and 1: for five per cent write 0.05")
    return number


def a_count(text: str, most: int = 50) -> int:
    """A whole number from 1 on, for argparse."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most}")
    return int(text)


def _number(text: str) -> float:
    return float(text) if NUMBER.fullmatch(text) else math.nan


# --- names and values -------------------------------------------------------------------------------------------------


def read_pairs(option: str, texts: Sequence[str], form: str, again: str = "leave one") -> dict[str, str]:
    """What an option tells in pairs, `form` says of what (PARTNER=NUMBER): the second of each by the first. Raises
    ScenarioError with all that are no pair, and all names told twice: `again` says what to do about those."""
    pairs = [tuple(part.strip() for part in text.partition("=")) for text in texts]
    wrong = [al.Problem(option, f"is not {form}", value=name + equals) for name, equals, text in pairs if not text]
    names = [name for name, _, _ in pairs]
    twice = dict.fromkeys(name for name in names if names.count(name) > 1)
    refuse([*wrong, *(al.Problem(option, f"is told twice: {again}", value=name) for name in twice)])
    return {name: text for name, _, text in pairs}


def read_numbers(option: str, pairs: Mapping[str, str], what: str) -> dict[str, float]:
    """The same pairs with a number each; `what` is what each should be. Raises ScenarioError with all that are none."""
    refuse([
        al.Problem(option, f"is not {what}", field=name, value=text, fix=number_advice(text, "amount"))
        for name, text in pairs.items() if not NUMBER.fullmatch(text)
    ])  # fmt: skip
    return {name: float(text) for name, text in pairs.items()}


def refuse(problems: Sequence[al.Problem]) -> None:
    """Raises ScenarioError where anything is wrong with what was typed."""
    if problems:
        raise refusal(*problems)


def refusal(*problems: al.Problem) -> al.ScenarioError:
    """The error for a command that is wrong."""
    return al.ScenarioError("command line", list(problems))


# --- changes ----------------------------------------------------------------------------------------------------------


def read_scenario(options: argparse.Namespace) -> al.Scenario:
    """The scenario of a verb with its changes made."""
    from allocate import screen

    with screen.progress("Reading"):
        scenario = al.read(options.folder)
        changes = all_changes(options)
        return scenario.change(changes) if changes else scenario


def all_changes(options: argparse.Namespace, option: str = "--set") -> dict[str, Any]:
    """What the file of changes and the single ones tell, paths to values; where both speak, the single one counts."""
    return read_changes(options.changes) | read_sets(options.sets, option)


def read_sets(texts: Sequence[str], option: str = "--set") -> dict[str, Any]:
    """Every --set (or option of another name), paths to values: numbers, true and false, and TOML lists or tables are
    read; the rest is text. What is told twice, in whatever spelling, is refused."""
    told, seen = {}, set()
    for text in texts:
        path, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise refusal(al.Problem(option, "is not PATH=VALUE", value=text, fix="such as envelopes.core=1850e6"))
        named = parse(path)
        key = (named.table, named.keys, named.field) if isinstance(named, Named) else path
        if key in seen:
            raise refusal(al.Problem(option, "is told twice: leave one", value=path))
        seen.add(key)
        told[path] = parse_value(value)
    return told


def read_changes(file: str | None) -> dict[str, Any]:
    """The changes in a TOML file: paths to values, quoted paths or nested tables alike."""
    if file is None:
        return {}
    try:
        return dict(_flat(tomllib.loads(Path(file).read_text(encoding="utf-8-sig"))))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise al.ScenarioError(file, [al.Problem(file, f"is not TOML: {error}")]) from None
    except OSError as error:
        raise al.ScenarioError(file, [al.Problem(file, f"cannot be read: {error.strerror}")]) from None


def _flat(table: dict[str, Any], above: str = ""):
    """Paths and values. A table is part of a path, but it is a value where it is a rule or stands at a quoted path."""
    for key, value in table.items():
        path = f"{above}.{key}" if above else key
        if isinstance(value, dict) and "kind" not in value and "." not in key:
            yield from _flat(value, path)
        else:
            yield path, value
