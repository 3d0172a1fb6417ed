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
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

import allocate as al
from allocate.plan.explaining import FINEST, assurance
from allocate.plan.figures import number, pounds
from allocate.plan.prices import NEEDED
from allocate.plan.words import capital, count, title
from allocate.plan.writing import finite, in_the_way, to_csv
from allocate.rules.grammar import book, minute
from allocate.rules.wording import day
from allocate.scenario.paths import Path as Named
from allocate.scenario.paths import parse
from allocate.scenario.rulebook import Rule
from allocate.scenario.scenario import plain
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
    clash = verbs.add_parser("clash", help="which rules cannot hold together, and every way out")
    clash.add_argument("folder", help="a scenario's folder")
    clash.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="sets", help="a change, as solve takes it"
    )
    clash.add_argument("--changes", metavar="FILE", help="a TOML file of changes")
    clash.add_argument("--format", choices=("table", "json", "csv"), default="table", help="what goes to the screen")
    clash.add_argument("--seconds", type=above_nothing, default=10.0, help="time allowed (10)")
    clash.set_defaults(run=run_clash)
    add_rules(verbs)
    add_propose(verbs)
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
    places.add_argument(
        "--pace", choices=("bands", "no-overshoot", "no-cash-loser", "shortfall", "close"),
        help="year by year to fair shares under a policy, and who loses when",
    )  # fmt: skip
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
    if options.sway is not None:
        swayed = stability.sway(drawing, amounts, options.sway)
        tables["sway"] = swayed.reset_index()
        sheets.append(atlas.steadiness(drawing, swayed, options.sway))
    if options.pace and opening is not None:
        years = tables["pace"] = paced(options, opening, drawing.targets(amounts), practices.year)
        sheets.append(atlas.path(drawing, years, options.pace))
    if options.save:
        al.places.write(
            drawing, options.save, amounts or None, opening, dict(named_values("--need", options.need)) or None
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
        "--sway": ("--envelope or --opening", options.sway is not None and not (amounts or options.opening)),
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
    for need, text in named_values("--envelope", [text if "=" in text else f"core={text}" for text in texts]):
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


def named_values(option: str, texts: Sequence[str]) -> list[tuple[str, str]]:
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


# --- clash ------------------------------------------------------------------------------------------------------------


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


# --- rules ------------------------------------------------------------------------------------------------------------


RULE_COLUMNS = (
    "id", "title", "sentence", "minute", "kind", "standing", "state", "level", "owner", "proposer", "support",
    "objections", "since", "review", "authority", "source",
)  # fmt: skip
PRICE_COLUMNS = ("slack", "room", "unit", "worth", "asks", "cost", "how", "helps", "costs", "together", "cost_together")


def add_rules(verbs: Any) -> None:
    """The verb `rules` and its options."""
    verb = verbs.add_parser("rules", help="the rule book, what each rule costs and to whom")
    verb.add_argument("folder", help="a scenario's folder")
    verb.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="sets", help="a change, as in solve"
    )
    verb.add_argument("--changes", metavar="FILE", help="a TOML file of changes, as in solve")
    verb.add_argument("--whole", action="store_true", help="every rule's whole cost, however long that takes")
    verb.add_argument("--format", choices=("table", "json", "csv"), default="table", help="what goes to the screen")
    verb.add_argument(
        "--seconds", type=above_nothing, default=60.0, help="time allowed, and for each with --whole (60)"
    )
    verb.set_defaults(run=run_rules)


def run_rules(options: argparse.Namespace) -> int:
    from allocate import screen

    with screen.progress("Reading"):
        scenario = al.read(options.folder)
        changes = read_changes(options.changes) | read_sets(options.sets)
        scenario = scenario.change(changes) if changes else scenario
    clash = None
    try:
        found = priced_book(scenario, options.seconds, options.whole)
    except al.NoPlan as error:
        found, clash = None, error
    table = rules_table(scenario, found)
    effects = found.effects if found else pd.DataFrame()
    if options.format == "json":
        told = {"scenario": scenario.id, "unit": found.unit if found else "", "rules": as_rows(table)}
        print(json.dumps(told | {"effects": as_rows(effects)}, indent=1, ensure_ascii=False, allow_nan=False))
    elif options.format == "csv":
        print(to_csv(table), end="")
    else:
        show_rules(scenario, table, found)
    sys.stdout.flush()
    if clash is not None:
        say("The rules cannot all hold, so there is no plan, and none of them has a price.")
        raise clash
    return ANSWERED


def priced_book(scenario: al.Scenario, seconds: float, whole: bool) -> al.Prices:
    """The price list of a scenario's plan; without `whole`, what could be solved in so many seconds."""
    from allocate import screen

    ends = time.monotonic() + seconds

    def solve(wanted: al.Scenario) -> al.Plan:
        return al.solve(wanted, seconds=seconds if whole else max(ends - time.monotonic(), 0.1))

    with screen.progress(f"Solving {scenario.heading.name}"):
        plan = solve(scenario)
    with screen.progress("Solving without each rule in turn"):
        return al.prices(plan, solve=solve, tick=lambda done, total: whole or time.monotonic() < ends)


def rules_table(scenario: al.Scenario, found: al.Prices | None) -> pd.DataFrame:
    """Every rule of the book, those in force first, the dearest first: what it says, its record, and its price (blank
    for what is not in force, and where there is no plan). `state` is 'in force', 'switched off' or 'recorded'."""
    table = book(scenario)
    table["minute"] = [minute(rule, scenario) for rule in scenario.rules]
    table["state"] = [rule_state(rule) for rule in scenario.rules]
    table = table[list(RULE_COLUMNS)]
    if found is None:
        order, prices = [], pd.DataFrame(columns=["id", *PRICE_COLUMNS])
    else:
        order, prices = found.table["id"].tolist(), found.table[["id", *PRICE_COLUMNS]]
    place = {rule: k for k, rule in enumerate(order)}
    states = ["in force", "switched off", "recorded"]
    keys = [(states.index(row.state), place.get(row.id, 0), row.id) for row in table.itertuples()]
    table = table.iloc[sorted(range(len(keys)), key=lambda k: keys[k])]
    table = table.merge(prices, on="id", how="left").reset_index(drop=True)
    figures = ["room", "worth", "cost", "cost_together"]
    table[figures] = table[figures].astype(float)
    words = [name for name in PRICE_COLUMNS if name not in figures]
    table[words] = table[words].fillna("")
    return table


def rule_state(rule: Rule) -> str:
    """Whether a rule is 'in force', 'switched off', or 'recorded', which binds nothing."""
    return "recorded" if rule.standing == "recorded" else "in force" if rule.in_force else "switched off"


def show_rules(scenario: al.Scenario, table: pd.DataFrame, found: al.Prices | None) -> None:
    """The book in words and tables: what costs, what costs nothing, and what does not bind."""
    from allocate import screen

    for text in rules_said(scenario, table, found):
        say(text)
    say("")
    sys.stderr.flush()
    sheets = [sheet for sheet in rules_sheets(scenario, table, found) if sheet.rows]
    out = screen._console()
    for k, sheet in enumerate(sheets):
        if k:
            out.print()
        # A rule is a few lines: a blank one keeps it apart from the next.
        between = ([""] * len(sheet.titles), "")
        sheet.rows = [row for each in sheet.rows for row in (each, between)][:-1]
        screen.put(sheet, out)


def rules_said(scenario: al.Scenario, table: pd.DataFrame, found: al.Prices | None) -> list[str]:
    """How many rules there are, what the dearest costs, and how to read the tables, a sentence each."""
    force = int((table["state"] == "in force").sum())
    said = [f"{scenario.heading.name}: {count(force, 'rule')} in force, {len(table) - force} in the book besides."]
    if found is None:
        return said
    dear = table[table["cost"] > 0]
    if len(dear):
        top = dear.iloc[0]
        cost = f"{number(top['cost'])} {found.unit} more"
        said.append(f"{len(dear)} cost something. The dearest is “{top['title']}”: without it the plan buys {cost}.")
    if (table["cost"] < 0).any():
        said.append("A cost below nothing is what the plan would lose without the rule.")
    if not found.plan.has_prices:
        said.append("Yes/no choices leave no price at the margin: each cost is found by solving again.")
    needed = int((table["how"] == NEEDED).sum())
    if needed:
        said.append(f"Without {'one' if needed == 1 else f'any of {needed}'} of them no plan is possible.")
    missing = table[(table["state"] == "in force") & table["cost"].isna() & (table["how"] != NEEDED)]
    if len(missing):
        said.append(f"{count(len(missing), 'whole cost')} not solved for in the time: --whole solves for all of them.")
    return said + [f"Not certified: {assurance(found.plan)}"] * (not found.plan.certified)


def rules_sheets(scenario: al.Scenario, table: pd.DataFrame, found: al.Prices | None) -> list[Any]:
    """The tables of the book: rules that cost, rules that cost nothing, rules that do not bind."""
    from allocate import screen

    force = table[table["state"] == "in force"]
    rest = screen.Sheet("In the book, and binding nothing", ["Rule", "State"])
    rest.rows = [([rule_told(row), row.state], "") for row in told_rows(table[table["state"] != "in force"])]
    if found is None:
        book_only = screen.Sheet("In force, and without prices", ["Rule"])
        book_only.rows = [([rule_told(row)], "") for row in told_rows(force)]
        return [book_only, rest]
    free = (force["cost"] == 0) & ~(force["worth"] > 0)
    asks = next(iter(force.loc[force["worth"] > 0, "asks"]), "")
    worth = [f"{asks} of room"] if asks else []
    dear = screen.Sheet(f"What our rules cost, in {found.unit}", ["Rule", "Room left", *worth, "Whole cost"])
    for row in told_rows(force[~free]):
        cells = [rule_told(row, effects_told(found, row.id)), row.slack.removesuffix(" parts")]
        cells += [worth_told(row, asks)] * len(worth)
        unknown = "no plan" if row.how == NEEDED else "not solved"
        dear.rows.append(([*cells, unknown if math.isnan(row.cost) else number(row.cost)], ""))
    kept = screen.Sheet("In force, and costing nothing", ["Rule", "Room left"])
    for row in told_rows(force[free]):
        together = f"Holds together with {row.together}: {number(row.cost_together)} in all." if row.together else ""
        kept.rows.append(([rule_told(row, together), row.slack.removesuffix(" parts")], ""))
    return [dear, kept, rest]


def rule_told(row: Any, more: str = "") -> str:
    """A rule in a cell: its title and sentence, then its standing, who answers for it and since when, then more."""
    told = (("since", row.since), ("review", row.review))
    days = [f"{word} {day(date.fromisoformat(when))}" for word, when in told if when]
    record = "; ".join(filter(None, [standing_told(row), f"{row.owner} answers for it", *days]))
    return "\n".join(filter(None, [f"{row.title}. {row.sentence}.", f"{record}.", more]))


def standing_told(row: Any) -> str:
    return "In law" if row.standing == "statutory" else row.standing.capitalize()


def worth_told(row: Any, asks: str) -> str:
    """What easing is worth, with by how much where that is not what the column says."""
    if not row.worth > 0:
        return ""
    return number(row.worth) if row.asks == asks else f"{number(row.worth)} for {row.asks}"


def effects_told(found: al.Prices, rule: str) -> str:
    """Whom a rule helps and costs most, in pounds: partners, or places where it moves more between them."""
    currency = found.plan.scenario.heading.currency
    mine = found.effects[(found.effects["rule"] == rule) & (found.effects["difference"].abs() >= 1.0)]
    moved = mine["difference"].abs().groupby(mine["who"]).sum()
    told = mine[mine["who"] == ("place" if moved.get("place", 0.0) > moved.get("partner", 0.0) else "partner")]
    gains, pays = told[told["difference"] > 0], told[told["difference"] < 0]
    said = [f"helps {row.name_} ({pounds(row.difference, currency)})" for row in told_rows(gains.head(1))]
    said += [f"costs {row.name_} ({pounds(-row.difference, currency)})" for row in told_rows(pays.tail(1))]
    return capital("; ".join(said)) + "." if said else ""


# --- propose ----------------------------------------------------------------------------------------------------------


def add_propose(verbs: Any) -> None:
    """The verb `propose` and its options."""
    verb = verbs.add_parser("propose", help="what a change would do to everyone, and who would agree to it")
    verb.add_argument("folder", help="a scenario's folder")
    verb.add_argument(
        "--change", action="append", default=[], metavar="PATH=VALUE", dest="sets",
        help="what is proposed, such as rules.prevention.amount=60e6 or rules.steady.in_force=false; may be repeated",
    )  # fmt: skip
    verb.add_argument("--changes", metavar="FILE", help="a TOML file of changes that are proposed")
    verb.add_argument("--by", required=True, metavar="PARTNER", help="the partner that proposes it")
    verb.add_argument("--reason", default="", metavar="TEXT", help="why")
    verb.add_argument(
        "--payoff", choices=("money", "outcome"), default="money",
        help="what partners' gains and losses are counted in: the money on their own lines, or what it buys (money)",
    )  # fmt: skip
    verb.add_argument(
        "--tolerance", type=a_fraction, default=0.0, metavar="X",
        help="the part of what it has that a partner may lose before it objects: 0.002 is a fifth of a per cent (0)",
    )  # fmt: skip
    verb.add_argument(
        "--weight", action="append", default=[], metavar="PARTNER=NUMBER", dest="weights",
        help="a vote in the weighted majority, instead of the money held in law; may be repeated",
    )  # fmt: skip
    verb.add_argument(
        "--rivals", nargs="+", default=[], metavar="NAME=FILE", help="rival changes (TOML files) to set beside it"
    )
    verb.add_argument("--agreed", default="", metavar="P1,P2", help="the partners that agreed to it")
    verb.add_argument(
        "--dissented", nargs="+", default=[], metavar="PARTNER=REASON", help="partners that did not, each with why"
    )
    verb.add_argument("--accept", metavar="DIR", help="make it the next version of the rule book in this folder")
    verb.add_argument("--book", metavar="DIR", help="propose to the last version in this folder (--accept does so too)")
    verb.add_argument("--on", metavar="DATE", help="the day it was agreed, such as 2026-11-22")
    verb.add_argument("--decided-by", metavar="RULE", help="unanimity, consent, weighted or majority (the strictest)")
    verb.add_argument("--format", choices=("table", "json", "csv"), default="table", help="what goes to the screen")
    verb.set_defaults(run=run_propose)


def a_fraction(text: str) -> float:
    """A number from 0 to 1, for argparse."""
    number = float(text) if NUMBER.fullmatch(text) else math.nan
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number


def run_propose(options: argparse.Namespace) -> int:
    from allocate import screen

    vote = read_vote(options)
    with screen.progress("Reading"):
        scenario = al.read(options.folder)
        if options.accept or options.book:
            scenario = al.restore(scenario, options.accept or options.book)
        changes = read_changes(options.changes) | read_sets(options.sets)
        rivals = {name: read_changes(file) for name, file in read_pairs("--rivals", options.rivals).items()}
        weights = read_weights(options.weights)
    if not changes:
        raise al.ScenarioError("command line", [al.Problem("--change", "nothing is proposed")])
    asked = {"payoff": options.payoff, "tolerance": options.tolerance, "weights": weights}
    with screen.progress(f"Trying it on {scenario.heading.name}"):
        found = al.propose(scenario, changes, by=options.by, reason=options.reason, **asked)
        said = found.sentences
        beside = al.pairwise({"this proposal": changes} | rivals, found.before, **asked) if rivals else None
    version = al.accept(found, *vote, options.accept, options.decided_by) if vote and found.clash is None else None
    for text in [*said, *(beside.sentences if beside else [])]:
        say(text)
    if version is not None:
        say(f"This is version {version.number} of the rule book, decided by {version.decided_by}.")
    elif vote is not None:
        say("It was not accepted: what cannot hold is no version.")
    tables = proposal_tables(found, beside)
    if options.format == "json":
        written = {name: as_rows(table) for name, table in tables.items()}
        print(json.dumps({"sentences": said} | written, indent=1, ensure_ascii=False, allow_nan=False))
    elif options.format == "csv":
        print(to_csv(found.partners), end="")
    else:
        show_proposal(found, beside)
    return NO_PLAN if found.clash is not None else ANSWERED


def read_vote(options: argparse.Namespace) -> tuple[list[str], dict[str, str], date] | None:
    """Who agreed, who dissented and why, and on which day; None where nothing is to be accepted."""
    wrong = []
    if not options.accept:
        told = {"--agreed": options.agreed, "--dissented": options.dissented, "--on": options.on,
                "--decided-by": options.decided_by}  # fmt: skip
        wrong = [
            al.Problem(name, "belongs to --accept DIR, which is not given") for name, value in told.items() if value
        ]
    elif not options.on:
        wrong = [al.Problem("--on", "is needed to accept", fix="the day it was agreed, such as 2026-11-22")]
    if wrong:
        raise al.ScenarioError("command line", wrong)
    if not options.accept:
        return None
    try:
        day = date.fromisoformat(options.on)
    except ValueError:
        problem = al.Problem("--on", "is not a day", value=options.on, fix="such as 2026-11-22")
        raise al.ScenarioError("command line", [problem]) from None
    agreed = [name.strip() for name in options.agreed.split(",") if name.strip()]
    return agreed, read_pairs("--dissented", options.dissented), day


def read_pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Each NAME=TEXT of an option, by name. What is no pair, or told twice, is refused."""
    pairs = [text.partition("=") for text in texts]
    wrong = [al.Problem(option, "is not NAME=TEXT", value=name + equals) for name, equals, text in pairs if not text]
    names = [name.strip() for name, _, _ in pairs]
    wrong += [al.Problem(option, "is told twice: leave one", value=name) for name in names if names.count(name) > 1]
    if wrong:
        raise al.ScenarioError("command line", wrong)
    return {name: text for name, (_, _, text) in zip(names, pairs, strict=True)}


def read_weights(texts: Sequence[str]) -> dict[str, float] | None:
    """Every --weight, partner to number; None where there is none."""
    pairs = read_pairs("--weight", texts)
    wrong = [al.Problem("--weight", "is not a number", value=f"{name}={text}")
             for name, text in pairs.items() if not NUMBER.fullmatch(text)]  # fmt: skip
    if wrong:
        raise al.ScenarioError("command line", wrong)
    return {name: float(text) for name, text in pairs.items()} or None


def proposal_tables(found: al.Proposal, beside: al.Rivals | None) -> dict[str, pd.DataFrame]:
    """Every table of a proposal by name; with rivals, how each fares against each."""
    names = ("passes", "total", "outcomes", "partners", "places", "rules", "power")
    tables = {name: getattr(found, name) for name in names}
    if found.compensation is not None:
        tables["compensation"] = found.compensation.payments
    return tables | ({"rivals": beside.table} if beside else {})


def as_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as JSON has it: a list of rows, null for blanks."""
    return plain(finite(table)).to_dict("records")


def show_proposal(found: al.Proposal, beside: al.Rivals | None) -> None:
    """Who says yes, then before and after in all, by partner and by place, the rules that are touched, rivals."""
    from allocate import screen

    currency = found.before.scenario.heading.currency
    deciding = screen.Sheet("Who says yes", ["Decided by", "Passes", "For", "Against"])
    for row in told_rows(found.passes):
        votes = [] if row.rule == "law" else [list(found.partners["vote"]).count(vote) for vote in ("for", "against")]
        cells = ["yes" if row.passes else "no", *([str(vote) for vote in votes] or ["", ""])]
        deciding.rows.append(([capital(row.name_), *cells], ""))
    total = screen.Sheet("In all", ["Measure", "Before", "After", "Change", "Unit"])
    for row in told_rows(found.total):
        is_money = row.unit == currency
        cells = [pounds(x, currency) if is_money else number(x) for x in (row.before, row.after)]
        change = pounds(row.difference, currency, True) if is_money else number(row.difference, True)
        total.rows.append(([row.measure, *cells, change, "" if is_money else row.unit], ""))
    sheets = [deciding, total]
    for heading, table in (("By partner", found.partners), ("By place", found.places)):
        sheets.append(before_and_after(heading, table, currency))
    touched = screen.Sheet("Rules that are touched", ["Rule", "Before", "After", "Effect"])
    rows = [row for row in told_rows(found.rules) if row.effect]
    touched.rows += [([row.rule, row.before, row.after, row.effect], "") for row in rows]
    sheets += [touched] if rows else []
    if beside:
        pairs = screen.Sheet("Each against each", ["One", "Other", "Prefer one", "Prefer other", "More prefer"])
        pairs.rows += [([row.one, row.other, str(row.prefer_one), str(row.prefer_other), row.winner or "a tie"], "")
                       for row in told_rows(beside.table)]  # fmt: skip
        sheets.append(pairs)
    out = screen._console()
    for k, sheet in enumerate(sheets):
        if k:
            out.print()
        screen.put(sheet, out)


def before_and_after(title: str, table: pd.DataFrame, currency: str) -> Any:
    """Money and outcome before and after, a row a partner or place; with votes where the table has them."""
    from allocate import screen

    votes = ["Vote"] if "vote" in table else []
    sheet = screen.Sheet(title, [title[3:].capitalize(), "Before", "After", "Change", "Outcome", *votes],
                         spare=(("Before",),))  # fmt: skip
    for row in told_rows(table):
        cells = [pounds(x, currency) for x in (row.money_before, row.money_after)]
        cells += [pounds(row.money_difference, currency, True), number(row.outcome_difference, True)]
        cells += [row.vote + (", objects" if row.objects else "")] if votes else []
        sheet.rows.append(([row.name_, *cells], ""))
    return sheet


def told_rows(table: pd.DataFrame) -> Any:
    """A table's rows by the names of its columns; `name` as `name_`."""
    return table.rename(columns={"name": "name_"}).itertuples()


# ----------------------------------------------------------------------------------------------------------------------


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
