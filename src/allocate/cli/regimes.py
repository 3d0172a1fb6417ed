"""`allocate regimes`: what the system buys apart, told and together, and how far figures may move before that turns."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import (
    a_count,
    a_rate,
    add_common,
    read_changes,
    read_numbers,
    read_pairs,
    read_scenario,
    refuse,
)
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json
from allocate.commons.apart.controls import ALIKE, AT_LEAST, EXACTLY
from allocate.commons.apart.regimes import APART, IN_FORCE, STATUTORY, TOGETHER
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.words import capital, title
from allocate.scenario.words import suggestion

FILE, RATE = "NAME=FILE", "PROGRAMME=RATE"
NO_RATE = "is not a rate between -1 and 1: for five per cent write 0.05"
ASKS = {
    EXACTLY: "in each place spending on a programme grows by exactly this rate, such as community=0.05",
    AT_LEAST: "in each place it grows by at least this rate, with freedom above it",
}
"""Rules from above about a programme, and what they ask."""
SHOWN = 20
"""Switch points on the screen; --format json has all."""


def add(verbs: Any) -> None:
    """The verb `regimes` and its options."""
    verb = verbs.add_parser("regimes", help="what the system buys apart, told and together")
    add_common(verb, seconds=60.0, each=" for each solve")
    verb.add_argument(
        "--told", nargs="+", default=[], metavar=FILE,
        help="rules from above to try (TOML files of changes), by what each asks; three of its own if none is",
    )  # fmt: skip
    for kind, asks in ASKS.items():
        verb.add_argument(
            f"--{kind.replace(' ', '-')}", nargs="+", default=[], metavar=RATE, help=f"a rule from above: {asks}"
        )
    verb.add_argument(
        "--alike", nargs="+", type=a_rate, default=[], metavar="RATE",
        help="a rule from above: every partner's spending grows by this rate, or falls where it is below 0",
    )  # fmt: skip
    verb.add_argument(
        "--statutory", action="store_true", help="what was only agreed holds for nobody; powers to move money stay"
    )
    verb.add_argument(
        "--holders", action="store_true", help="money is spent by who holds it in law, not by who runs the lines"
    )
    verb.add_argument("--starts", type=a_count, default=1, metavar="N", help="further starts to draw by lot (1)")
    verb.add_argument(
        "--switch-points", action="store_true",
        help="how far what partners count (benefits.csv) would have to move to turn an answer over, instead",
    )  # fmt: skip
    verb.add_argument("--each", action="store_true", help="with --switch-points, every figure of every row")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find the regimes, say and show them; a plan apart from which somebody would still move is said to be none."""
    from allocate import screen

    files = read_pairs("--told", options.told, FILE)
    told = {name: read_changes(file) for name, file in files.items()}
    _refuse_apart(options)
    scenario = read_scenario(options)
    rules = (told | _in_words(scenario, options)) or None
    if options.switch_points:
        return _switching(scenario, rules, options)
    with screen.progress(f"Solving {scenario.heading.name} apart, told and together"):
        found = al.regimes(
            scenario, told=rules, rules=STATUTORY if options.statutory else IN_FORCE, holders=options.holders,
            others=options.starts, seconds=options.seconds,
        )  # fmt: skip
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    answer(options.format, partial(regimes_to_json, found), found.table, partial(show, found))
    return ANSWERED if found.certified else OUR_FAULT


def _in_words(scenario: al.Scenario, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The rules from above that are asked for by a rate, what each asks to its changes."""
    programmes, told = scenario.programmes["id"].tolist(), dict[str, dict[str, Any]]()
    for kind in ASKS:
        option = f"--{kind.replace(' ', '-')}"
        rates = read_numbers(option, read_pairs(option, getattr(options, kind.replace(" ", "_")), RATE), "a rate")
        wrong = [
            al.Problem(option, "is no programme", value=name, fix=suggestion(name, programmes))
            for name in rates if name not in programmes
        ]  # fmt: skip
        far = [(name, rate) for name, rate in rates.items() if not -1 < rate < 1]
        refuse(wrong + [al.Problem(option, NO_RATE, field=name, value=f"{rate:g}") for name, rate in far])
        for programme, rate in rates.items():
            told |= al.controls.in_words(scenario, kind, rate, programme)
    for rate in options.alike:
        told |= al.controls.in_words(scenario, ALIKE, rate)
    return told


def _refuse_apart(options: argparse.Namespace) -> None:
    """Raises ScenarioError for options that do not go together."""
    goes = {"--statutory": options.statutory, "--holders": options.holders, "--starts": options.starts != 1}
    if options.switch_points:
        refuse([al.Problem(name, "does not go with --switch-points: leave one out") for name, on in goes.items() if on])
    elif options.each:
        refuse([al.Problem("--each", "goes with --switch-points", fix="add --switch-points")])


def _switching(scenario: al.Scenario, told: dict[str, dict[str, Any]] | None, options: argparse.Namespace) -> int:
    """Find the switch points, say and show them."""
    from allocate import screen

    with screen.progress(f"Moving what partners of {scenario.heading.name} count") as tell:
        found = al.switch_points(scenario, told=told, rows=options.each, seconds=options.seconds, tick=tell)
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    answer(options.format, partial(switch_points_to_json, found), found.points, partial(show_points, found))
    return ANSWERED if found.certified else OUR_FAULT


def switch_points_to_json(found: al.SwitchPoints) -> str:
    """What was found as JSON: its sentences, whether nobody moves as figures are, and every table."""
    facts = {"scenario": found.scenario.id, "fallback": found.fallback, "certified": found.certified}
    return to_json({"sentences": found.sentences} | facts | {"complete": found.complete} | found.tables())


def show_points(found: al.SwitchPoints) -> None:
    """The answers, and the switch points nearest to what figures are, as people's tables."""
    from allocate import screen

    say("")
    screen.put_all([answers(found), nearest(found)])


def answers(found: al.SwitchPoints) -> Any:
    """Each answer as figures are, with its margin."""
    from allocate import screen

    sheet = screen.Sheet("Answers as figures are", ["Answer", "So", "Margin", "Must exceed"])
    for row in found.headlines.itertuples():
        said = partial(amount, unit=row.unit, currency=found.scenario.heading.currency)
        cells = [capital(row.headline), "yes" if row.answer else "no", said(row.margin, signed=True)]
        sheet.rows.append(([*cells, said(row.least, signed=True)], ""))
    return sheet


def nearest(found: al.SwitchPoints) -> Any:
    """The switch points, the nearest first."""
    from allocate import screen

    points = found.nearest.head(SHOWN)
    titles = ["Figure", "Now", "Is", "Answer that turns", "To", "At", "Times"]
    left = len(found.nearest) - len(points)
    title = f"Switch points (the {SHOWN} nearest of {len(found.nearest)})" if left else "Switch points"
    sheet = screen.Sheet(title, titles)
    for row in points.itertuples():
        figure = found.figures[row.figure]
        cells = [capital(figure.name), figure.said(row.now), row.status, row.headline, "no" if row.answer else "yes"]
        sheet.rows.append(([*cells, figure.said(row.value), number(row.factor)], ""))
    return sheet


def regimes_to_json(found: al.Regimes) -> str:
    """What was found as JSON: its sentences, whether nobody moves, how that was found, and every table."""
    facts = {"scenario": found.scenario.id, "unit": found.unit, "certified": found.certified, "how": found.how}
    return to_json({"sentences": found.sentences} | facts | found.tables())


def show(found: al.Regimes) -> None:
    """The regimes, what each partner has of them, and what the law costs, as people's tables."""
    from allocate import screen

    say("")
    screen.put_all([in_all(found), by_partner(found), by_law(found)])


def in_all(found: al.Regimes) -> Any:
    """What each regime buys, a row a regime."""
    from allocate import screen

    currency, lands = found.scenario.heading.currency, bool(found.table["pounds"].notna().any())
    titles = ["Regime", "Buys", "From apart", "Reached", "Largest regret", *(["To partners"] if lands else [])]
    sheet = screen.Sheet(f"Apart, told, together (in {found.unit})", titles)
    for row in found.table.itertuples():
        name = capital(row.regime) + (f": {row.rule}" if row.rule else "")
        cells = ["no plan" if row.why else number(row.value), number(row.difference, signed=True)]
        cells += [per_cent(row.reached, places=0), per_cent(row.regret, places=4)]
        cells += [pounds(row.pounds, currency)] if lands else []
        sheet.rows.append(([name, *cells], "bold" if row.regime in (APART, TOGETHER) and not row.rule else ""))
    return sheet


def by_partner(found: al.Regimes) -> Any:
    """What each partner counts apart and together, and the most that it could gain apart by moving alone."""
    from allocate import screen

    titles = ["Partner", "Apart", "Together", "Change", "Regret apart"]
    sheet = screen.Sheet("What each counts for itself", titles)
    payoffs = found.partners[found.partners["rule"] == ""].set_index(["regime", "partner"])
    for row in found.regrets.itertuples():
        apart, together = (payoffs.loc[(regime, row.partner)] for regime in (APART, TOGETHER))
        said = partial(amount, unit=row.unit, currency=found.scenario.heading.currency)
        cells = [said(apart["payoff"]), said(together["payoff"]), said(together["difference"], signed=True)]
        name = found.scenario.name_of("partners", row.partner)
        sheet.rows.append(([name, *cells, said(row.regret)], ""))
    return sheet


def amount(value: float, unit: str, currency: str, signed: bool = False) -> str:
    """A payoff with its unit: money, or points."""
    return pounds(value, currency, signed) if unit == currency else number(value, signed)


def by_law(found: al.Regimes) -> Any:
    """What each statutory rule costs, those that cost anything."""
    from allocate import screen

    sheet = screen.Sheet(f"What the law costs together (in {found.unit})", ["Rule", "Costs", "To partners"])
    for row in found.law[found.law["cost"].abs() > found.noise].itertuples():
        lands = pounds(row.pounds, found.scenario.heading.currency, signed=True)
        sheet.rows.append(([title(row.rule), number(row.cost), lands], ""))
    return sheet
