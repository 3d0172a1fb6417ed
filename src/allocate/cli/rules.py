"""`allocate rules`: the rule book, what each rule costs and to whom."""

from __future__ import annotations

import argparse
import math
import time
from datetime import date
from functools import partial
from typing import Any

import pandas as pd

import allocate as al
from allocate.cli.options import add_common, read_scenario
from allocate.cli.output import ANSWERED, answer, say, to_json, told_rows
from allocate.plan.explaining import assurance
from allocate.plan.figures import number, pounds
from allocate.plan.prices import NEEDED
from allocate.plan.words import capital, count, quoted, some
from allocate.rules.grammar import book, minute
from allocate.rules.wording import day
from allocate.scenario.rulebook import Rule

RULE_COLUMNS = (
    "id", "title", "sentence", "minute", "kind", "standing", "state", "level", "owner", "proposer", "support",
    "objections", "since", "review", "authority", "source",
)  # fmt: skip
PRICE_COLUMNS = ("slack", "room", "unit", "worth", "asks", "cost", "how", "helps", "costs", "together", "cost_together")


def add(verbs: Any) -> None:
    """The verb `rules` and its options."""
    verb = verbs.add_parser("rules", help="the rule book, what each rule costs and to whom")
    add_common(verb, seconds=60.0, each=", and for each with --whole")
    verb.add_argument("--whole", action="store_true", help="every rule's whole cost, however long that takes")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show the book with its prices; where the rules cannot all hold, the book without them, and what gives way."""
    scenario, clash = read_scenario(options), None
    try:
        found = priced_book(scenario, options.seconds, options.whole)
    except al.NoPlan as error:
        found, clash = None, error
    table = rules_table(scenario, found)
    answer(options.format, partial(rules_to_json, scenario, table, found), table, partial(show, scenario, table, found))
    if clash is not None:
        say("The rules cannot all hold, so there is no plan, and none of them has a price.")
        raise clash
    return ANSWERED


def rules_to_json(scenario: al.Scenario, table: pd.DataFrame, found: al.Prices | None) -> str:
    """The book as JSON: every rule, and what each does to whom."""
    effects = found.effects if found else pd.DataFrame()
    return to_json({"scenario": scenario.id, "unit": found.unit if found else "", "rules": table, "effects": effects})


def priced_book(scenario: al.Scenario, seconds: float, whole: bool) -> al.Prices:
    """The price list of a scenario's plan; without `whole`, what could be solved in so many seconds."""
    from allocate import screen

    ends = time.monotonic() + seconds

    def solve(wanted: al.Scenario, explain: bool = False) -> al.Plan:
        return al.solve(wanted, seconds=seconds if whole else max(ends - time.monotonic(), 0.1), explain=explain)

    with screen.progress(f"Solving {scenario.heading.name}"):
        plan = solve(scenario, explain=True)
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


def show(scenario: al.Scenario, table: pd.DataFrame, found: al.Prices | None) -> None:
    """The book in words and tables: what costs, what costs nothing, and what does not bind."""
    from allocate import screen

    for text in rules_said(scenario, table, found):
        say(text)
    say("")
    sheets = rules_sheets(scenario, table, found)
    for sheet in sheets:
        # A rule is a few lines: a blank one keeps it apart from the next.
        between = ([""] * len(sheet.titles), "")
        sheet.rows = [row for each in sheet.rows for row in (each, between)][:-1]
    screen.put_all(sheets)


def rules_said(scenario: al.Scenario, table: pd.DataFrame, found: al.Prices | None) -> list[str]:
    """How many rules there are, what the dearest costs, and how to read the tables, a sentence each."""
    force = int((table["state"] == "in force").sum())
    said = [f"{scenario.heading.name}: {count(force, 'rule')} in force, {len(table) - force} in the book besides."]
    if found is None:
        return said
    dear = table[table["cost"] > 0]
    if len(dear):
        top = dear.iloc[0]
        cost = f"{number(top['cost'])} more {found.unit}"
        verb = "costs" if len(dear) == 1 else "cost"
        said.append(
            f"{len(dear)} {verb} something. The dearest is {quoted(top['title'])}: without it the plan buys {cost}."
        )
    if (table["cost"] < 0).any():
        said.append("A cost below nothing is what the plan would lose without the rule.")
    if not found.plan.has_prices:
        said.append("Yes/no choices leave no price at the margin: each cost is found by solving again.")
    needed = [quoted(each) for each in table.loc[table["how"] == NEEDED, "title"]]
    if needed:
        said.append(f"Without {'any one of ' * (len(needed) > 1)}{some(needed)} no plan is possible.")
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
