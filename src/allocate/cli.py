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
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import allocate as al
from allocate.plan.explaining import FINEST, assurance
from allocate.plan.figures import number, pounds
from allocate.plan.words import title
from allocate.plan.writing import in_the_way, to_csv
from allocate.scenario.paths import Path as Named
from allocate.scenario.paths import parse
from allocate.scenario.values import parse_value, value_text
from allocate.scenario.words import NUMBER

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
    clash = verbs.add_parser("clash", help="which rules cannot hold together, and every way out")
    clash.add_argument("folder", help="a scenario's folder")
    clash.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="sets", help="a change, as solve takes it"
    )
    clash.add_argument("--changes", metavar="FILE", help="a TOML file of changes")
    clash.add_argument("--format", choices=("table", "json", "csv"), default="table", help="what goes to the screen")
    clash.add_argument("--seconds", type=above_nothing, default=10.0, help="time allowed (10)")
    clash.set_defaults(run=run_clash)
    explore = verbs.add_parser("explore", help="move a figure and see what becomes of everyone, in a browser")
    explore.add_argument("folders", nargs="*", metavar="FOLDER", help="a scenario's folder, or one above several")
    explore.add_argument(
        "--port", type=a_port, metavar="N", help="where it listens, on this machine alone (8501 or next)"
    )
    explore.add_argument("--no-browser", action="store_true", help="say the address and open nothing")
    explore.set_defaults(run=run_explore)
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


def run_clash(options: argparse.Namespace) -> int:
    from allocate import screen

    with screen.progress("Reading"):
        scenario = al.read(options.folder)
        changes = read_changes(options.changes) | read_sets(options.sets)
        if changes:
            scenario = scenario.change(changes)
    with screen.progress(f"Looking for clashes in {scenario.heading.name}"):
        found = al.clash(scenario, seconds=options.seconds)
    say("\n".join(found.sentences))
    if changes := found.change:
        say(f"As changes: {as_sets(changes)}")
    if options.format == "json":
        print(clashes_to_json(found), end="")
    elif options.format == "csv":
        print(to_csv(found.table), end="")
    elif not found.possible:
        show_clashes(found)
    return ANSWERED if found.possible else NO_PLAN


def clashes_to_json(found: al.Clashes) -> str:
    """What was found as JSON: whether a plan exists, every table as a list of rows, null for blanks."""
    tables = {
        name: [{k: None if v is None or v != v else v for k, v in row.items()} for row in table.to_dict("records")]
        for name, table in found.tables().items()
    }
    facts = {name: getattr(found, name) for name in ("possible", "law", "complete", "calls", "price_unit", "minima")}
    return json.dumps(facts | tables, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def show_clashes(found: al.Clashes) -> None:
    """Clashes, then ways out, as people's tables."""
    from allocate import screen

    scenario, out = found.scenario, screen._console()
    currency, name_of = scenario.heading.currency, scenario.name_of

    def whose(owner: str) -> str:
        return name_of("partners", owner) if owner else ""

    clashes = screen.Sheet("What cannot hold together", ["Rule", "Clash", "Who answers for it", "Standing"])
    for row in found.clashes.itertuples():
        clashes.rows.append(([title(row.rule), str(row.clash), whose(row.owner), row.standing], ""))
    priced = f"Price, {found.price_unit}"
    ways = screen.Sheet("Ways out", ["Rule", "Way", "Kind", "Whom to ask", "By at least", priced, "Plan buys"])
    for row in found.ways.itertuples():
        by = pounds(row.amount, currency) if row.unit == currency else f"{number(row.amount)} {row.unit}".strip()
        cells = [title(row.rule), str(row.way), row.kind, whose(row.owner), by, number(row.price), number(row.outcome)]
        ways.rows.append((cells, ""))
    for k, sheet in enumerate(each for each in (clashes, ways) if each.rows):
        if k:
            out.print()
        screen.put(sheet, out)
    sys.stdout.flush()


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
