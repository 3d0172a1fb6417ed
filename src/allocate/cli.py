"""The verbs on the command line. Tables go to stdout, words to stderr; exit 0 answered, 1 our fault (no answer, or one
that could not be certified), 2 the scenario or the command is wrong, 3 no plan is possible."""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import shlex
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

import allocate as al
from allocate.plan.explaining import FINEST, assurance
from allocate.plan.writing import in_the_way, to_csv
from allocate.scenario.paths import Path as Named
from allocate.scenario.paths import parse
from allocate.scenario.values import parse_value, value_text
from allocate.scenario.words import NUMBER, number_advice

ANSWERED, OUR_FAULT, SCENARIO_WRONG, NO_PLAN = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    speak_utf8()
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except al.ScenarioError as error:
        say(str(error))
        return SCENARIO_WRONG
    except al.NoPlan as error:
        say(str(error))
        say_ways(error)
        return NO_PLAN
    except al.AllocateError as error:
        say(f"allocate could not answer: {error}")
        return OUR_FAULT
    except BrokenPipeError:
        # Whoever reads our output has read enough; what is left of it goes nowhere, so that closing down is quiet too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWERED
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
        return OUR_FAULT
    except KeyboardInterrupt:
        say("stopped")
        return OUR_FAULT


def parser() -> argparse.ArgumentParser:
    """The command line, as argparse describes it."""
    top = argparse.ArgumentParser(prog="allocate", description="Share a system's money fairly, together.")
    top.add_argument("--version", action="version", version=f"allocate {version('allocate')}")
    verbs = top.add_subparsers(title="verbs", required=True, metavar="VERB")
    check = verbs.add_parser("check", help="is the scenario sound? Every problem at once")
    check.add_argument("folder", help="a scenario's folder")
    check.set_defaults(run=run_check)
    solve = verbs.add_parser("solve", help="the plan that buys most within the money and the rules")
    solve.add_argument("folder", help="a scenario's folder")
    solve.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="sets",
        help="a change, such as envelopes.core=1850e6 or rules.prevention.in_force=false, or curves.*.slope=x0.8 for "
        "0.8 times what was read; may be repeated",
    )  # fmt: skip
    solve.add_argument("--changes", metavar="FILE", help="a TOML file of changes, as --out writes one")
    solve.add_argument("--out", metavar="DIR", help="write every table of the plan to this folder")
    solve.add_argument("--format", choices=("table", "json", "csv"), default="table", help="what goes to the screen")
    solve.add_argument("--seconds", type=above_nothing, default=60.0, help="time allowed (60)")
    solve.add_argument("--tolerance", type=above_nothing, default=1e-4, help="certified gap to accept (0.0001)")
    solve.set_defaults(run=run_solve)
    explore = verbs.add_parser("explore", help="move a figure and see what becomes of everyone, in a browser")
    explore.add_argument("folders", nargs="*", metavar="FOLDER", help="a scenario's folder, or one above several")
    explore.add_argument(
        "--port", type=a_port, metavar="N", help="where it listens, on this machine alone (8501 or next)"
    )
    explore.add_argument("--no-browser", action="store_true", help="say the address and open nothing")
    explore.set_defaults(run=run_explore)
    add_places(verbs)
    # Its options are the benchmarks' own to read.
    bench = verbs.add_parser(
        "bench", help="how fast is it, beside other ways? --help lists", add_help=False, prefix_chars="\0"
    )
    bench.add_argument("rest", nargs="*")
    bench.set_defaults(run=run_bench)
    schema = verbs.add_parser("schema", help="JSON Schema of every file of a scenario")
    schema.set_defaults(run=run_schema)
    return top


def above_nothing(text: str) -> float:
    """A finite number above 0, for argparse."""
    number = float(text) if NUMBER.fullmatch(text) else math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def a_port(text: str) -> int:
    """A port's number, for argparse."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 65535")
    return int(text)


def run_explore(options: argparse.Namespace) -> int:
    from allocate.ui.serving import explore

    return explore(options.folders, options.port, not options.no_browser)


# --- places ----------------------------------------------------------------------------------------------------------


def add_places(verbs: Any) -> None:
    """The verb `places` and its options."""
    places = verbs.add_parser("places", help="need, fair shares and pace of change by place, from NHS England's file")
    places.add_argument("file", help="NHS England's practice-level weighted populations (.csv or .xlsx)")
    places.add_argument("--system", action="append", metavar="CODE", help="a system's code or name; may be repeated")
    drawn = places.add_mutually_exclusive_group()
    drawn.add_argument("--by", choices=("district", "pcn", "practice"), help="a place for each of these (district)")
    drawn.add_argument(
        "--places",
        metavar="FILE",
        help="your own places: .csv of practice and place, .toml, or the tool's .json session",
    )
    places.add_argument("--rest", default="", metavar="NAME", help="a place for practices that no other place holds")
    places.add_argument(
        "--envelope", action="append", default=[], metavar="[NEED=]POUNDS",
        help="money to share by core need, or by another: primary=200e6, population=21e6; may be repeated",
    )  # fmt: skip
    places.add_argument("--opening", metavar="FILE", help="a .csv of place and amount: what each place has today")
    places.add_argument("--round", choices=("exact", "nhse"), default="exact", help="round as NHS England's tool does")
    places.add_argument("--pace", choices=("bands", "no-overshoot", "no-cash-loser", "shortfall", "close"))
    places.add_argument("--floor", type=a_rate, metavar="RATE", help="least growth of a place in a year, such as 0.01")
    places.add_argument("--ceiling", type=a_rate, metavar="RATE", help="most growth of a place in a year")
    places.add_argument("--years", type=a_count, default=5, metavar="N", help="years of --pace (5)")
    places.add_argument("--growth", type=a_rate, default=0.0, metavar="RATE", help="growth of the money each year (0)")
    places.add_argument("--sway", type=a_rate, metavar="RATE", help="what an error of this size in need would move")
    places.add_argument("--against", metavar="FILE", help="an earlier practice file: what changed since")
    places.add_argument("--save", metavar="DIR", help="write a scenario's tables, the drawing and its figures here")
    places.add_argument(
        "--need",
        action="append",
        default=[],
        metavar="PROGRAMME=NEED",
        help="programmes of needs.csv, such as urgent=acute",
    )
    places.add_argument("--format", choices=("table", "json", "csv"), default="table", help="what goes to the screen")
    places.set_defaults(run=run_places)


def a_rate(text: str) -> float:
    """A rate above -1, for argparse: 0.05 for five per cent."""
    number = float(text) if NUMBER.fullmatch(text) else math.nan
    if not -1 < number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate between -1 and 1: for five per cent write 0.05")
    return number


def a_count(text: str) -> int:
    """A number of years, for argparse."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 50):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 50")
    return int(text)


def run_places(options: argparse.Namespace) -> int:
    from allocate import atlas, screen
    from allocate.places import stability, writing

    amounts = read_amounts(options.envelope)
    refuse_unmet(options, amounts)
    with screen.progress("Reading"):
        practices = al.places.read(options.file)
    if not options.system and not options.places:
        table = practices.systems.reset_index()
        show_tables(options, {"systems": table}, lambda: atlas.show([atlas.systems(practices)], list(practices.notes)))
        return ANSWERED
    by = options.places or options.by or "district"
    drawing = al.places.draw(practices, options.system, by, options.rest)
    opening = drawing.opening(options.opening) if options.opening else None
    if opening is not None and not amounts:
        amounts = {"core": float(opening.sum()) * (1 + options.growth if options.pace else 1)}
    tables = {"places": writing.index_table(drawing, options.round)}
    sheets = [atlas.need(drawing, base, options.round) for base in ("system", "england")]
    distances = years = None
    if amounts:
        tables["targets"] = writing.target_table(drawing, amounts, opening)
        distances = drawing.distance(opening, amounts) if opening is not None else None
        sheets.append(atlas.money(drawing, drawing.targets(amounts), distances))
    if options.against:
        before = al.places.draw(al.places.read(options.against), options.system, by, options.rest)
        held = stability.moved(before, drawing, amounts)
        tables["moved"] = held.reset_index()
        sheets.append(atlas.change(drawing, held, before.practices.year or "before", practices.year or "now"))
    if options.sway:
        swayed = stability.sway(drawing, amounts, options.sway)
        tables["sway"] = swayed.reset_index()
        sheets.append(atlas.steadiness(drawing, swayed, options.sway))
    if options.pace and opening is not None:
        years = tables["pace"] = paced(options, opening, drawing.targets(amounts), practices.year)
        sheets.append(atlas.path(drawing, years, options.pace))
    if options.save:
        al.places.write(
            drawing, options.save, amounts or None, opening, dict(read_pairs("--need", options.need)) or None
        )
        say(f"Written to {options.save}")
    words = list(atlas.sentences(drawing, distances, years))
    show_tables(options, tables, lambda: atlas.show(sheets, words))
    if options.format != "table":
        for text in (*practices.notes, *drawing.notes):
            say(text)
    return ANSWERED


def refuse_unmet(options: argparse.Namespace, amounts: Mapping[str, float]) -> None:
    """Raises ScenarioError for every option that wants another which is not there."""
    wants = {
        "--pace": ("--opening", options.pace and not options.opening),
        "--floor": ("--pace bands or no-overshoot", options.floor is not None and options.pace not in BANDED),
        "--ceiling": ("--pace bands, no-overshoot or no-cash-loser",
                      options.ceiling is not None and options.pace not in (*BANDED, "no-cash-loser")),
        "--sway": ("--envelope or --opening", options.sway and not (amounts or options.opening)),
        "--against": ("--envelope or --opening", options.against and not (amounts or options.opening)),
        "--opening": ("--system or --places", options.opening and not (options.system or options.places)),
        "--envelope": ("--system or --places", amounts and not (options.system or options.places)),
        "--save": ("--system or --places", options.save and not (options.system or options.places)),
        "--by": ("--system", options.by and not options.system),
    }  # fmt: skip
    found = [al.Problem(option, f"needs {other}") for option, (other, unmet) in wants.items() if unmet]
    if found:
        raise al.ScenarioError("command line", found)


BANDED = ("bands", "no-overshoot")


def paced(options: argparse.Namespace, opening: pd.Series, targets: pd.DataFrame, first: str) -> pd.DataFrame:
    """The path of --pace: the money to share grows from the first year on."""
    policy = al.places.pace.POLICIES[options.pace]
    start = int(first[:4]) if first else 0
    labels = [f"{start + k}/{(start + k + 1) % 100:02d}" if first else f"year {k + 1}" for k in range(options.years)]
    money = {label: targets["target"].sum() * (1 + options.growth) ** k for k, label in enumerate(labels)}
    limits = {name: value for name in ("floor", "ceiling") if (value := getattr(options, name)) is not None}
    return policy(opening, targets["share"], money, **limits)


def read_amounts(texts: Sequence[str]) -> dict[str, float]:
    """Every --envelope: what shares it, and pounds. A bare number is shared by core need."""
    told, found = {}, []
    for need, text in read_pairs("--envelope", [text if "=" in text else f"core={text}" for text in texts]):
        if need in told:
            found.append(al.Problem("--envelope", "is told twice: leave one, or add them up", value=need))
        elif not NUMBER.fullmatch(text):
            fix = number_advice(text, "amount")
            found.append(al.Problem("--envelope", "is not a number of pounds", field=need, value=text, fix=fix))
        else:
            told[need] = float(text)
    if found:
        raise al.ScenarioError("command line", found)
    return told


def read_pairs(option: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    """NAME=VALUE options, in order."""
    wrong = [al.Problem(option, "is not NAME=VALUE", value=text) for text in texts if "=" not in text]
    if wrong:
        raise al.ScenarioError("command line", wrong)
    return [(name.strip(), value.strip()) for name, _, value in (text.partition("=") for text in texts)]


def show_tables(options: argparse.Namespace, tables: Mapping[str, pd.DataFrame], show: Callable[[], None]) -> None:
    """Tables as asked: for people, all of them as JSON, or the last that was asked for as CSV."""
    from allocate.places import writing

    if options.format == "json":
        named = {name: writing.records(table) for name, table in tables.items()}
        print(json.dumps(named, indent=1, ensure_ascii=False, allow_nan=False))
    elif options.format == "csv":
        print(writing.to_csv(list(tables.values())[-1]), end="")
    else:
        show()


def run_bench(options: argparse.Namespace) -> int:
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / "benchmarks" / "__main__.py").is_file():
        say("The benchmarks come with a clone of the repository, not with an installed package: run it from there.")
        return SCENARIO_WRONG
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    return int(import_module("benchmarks.__main__").main(options.rest))


def run_schema(_: argparse.Namespace) -> int:
    print(json.dumps(al.schema(), indent=1))
    return ANSWERED


def run_check(options: argparse.Namespace) -> int:
    scenario = al.read(options.folder)
    evidence = al.evidence(scenario)
    counts = evidence["status"].value_counts()
    figures = ", ".join(f"{counts.get(status, 0)} {status}" for status in ("found", "derived", "assumed"))
    print(
        f"{scenario.heading.name}: sound. {len(scenario.lines)} lines, {len(scenario.rules)} rules; figures: {figures}."
    )
    return ANSWERED


def run_solve(options: argparse.Namespace) -> int:
    from allocate import screen

    if options.out and (refusal := in_the_way(options.out)):
        raise al.ScenarioError("command line", [al.Problem("--out", refusal)])
    with screen.progress("Reading"):
        scenario = al.read(options.folder)
        changes = read_changes(options.changes) | read_sets(options.sets)
        if changes:
            scenario = scenario.change(changes)
    with screen.progress(f"Solving {scenario.heading.name}"):
        plan = al.solve(scenario, seconds=options.seconds, tolerance=options.tolerance)
    if options.out:
        al.write_plan(plan, options.out)
        say(f"Written to {options.out}")
    if options.format == "json":
        print(al.to_json(plan), end="")
    elif options.format == "csv":
        print(to_csv(plan.spend), end="")
    else:
        screen.show(plan)
    if not plan.certified:
        sys.stdout.flush()
        done = plan.certificate.gap <= FINEST
        accept = f"Accept it with --tolerance {FINEST:g}, which is as fine as arithmetic goes."
        more = accept if done else "Allow more time with --seconds, or accept it with --tolerance."
        say(f"Not certified: {assurance(plan)} {more}")
        return OUR_FAULT
    return ANSWERED


def read_sets(texts: Sequence[str]) -> dict[str, Any]:
    """Every --set, paths to values. What is told twice, in whatever spelling, is refused."""
    told, seen = {}, set()
    for path, value in map(parse_set, texts):
        named = parse(path)
        key = (named.table, named.keys, named.field) if isinstance(named, Named) else path
        if key in seen:
            raise al.ScenarioError("command line", [al.Problem("--set", "is told twice: leave one", value=path)])
        seen.add(key)
        told[path] = value
    return told


def parse_set(text: str) -> tuple[str, Any]:
    """A --set as (path, value): numbers, true and false, and TOML lists or tables are read; the rest is text."""
    path, equals, value = text.partition("=")
    if not equals:
        problem = al.Problem("--set", "is not PATH=VALUE", value=text, fix="such as envelopes.core=1850e6")
        raise al.ScenarioError("command line", [problem])
    return path.strip(), parse_value(value.strip())


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


def say_ways(error: al.NoPlan) -> None:
    """What gives way as changes to type, and the envelopes that would do instead."""
    if changes := {path: value for way in error.ways for path, value in way.change.items()}:
        say(f"As changes: {as_sets(changes)}")
    for way in error.instead:
        say(f"Or instead: {as_sets(way.change)} ({way.sentence})")


def as_sets(changes: Mapping[str, Any]) -> str:
    """Changes as options that a shell takes."""
    return " ".join(f"--set {shlex.quote(f'{path}={value_text(value)}')}" for path, value in changes.items())


def say(text: str) -> None:
    print(text, file=sys.stderr)


def speak_utf8() -> None:
    """What goes to a file or a pipe is UTF-8 on every system, as the files we read and write are."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
