"""`allocate deal --terms` and `--paid`: rates, matching and open books that make the plan what each partner would
choose itself, and one contract looked at closely."""

from __future__ import annotations

import argparse
import math
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import read_scenario
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json, told_rows
from allocate.plan.figures import per_cent, pounds

SHOWN = 12
"""Rates and untruths on the screen, the largest; --format csv has every rate, json everything."""


def answer_terms(options: argparse.Namespace) -> int:
    """Whichever is asked. Raises ScenarioError for options of the deal that say nothing here."""
    given = {"--short": options.short is not None, "--bloc": options.bloc, "--blocs-by-kind": options.blocs_by_kind}
    mine, expected = "--terms" if options.terms else "--paid", "cannot go with"
    if faults := [al.Problem(name, f"{expected} {mine}") for name, asked in given.items() if asked]:
        raise al.ScenarioError("allocate deal", faults)
    return terms_of(options) if options.terms else replies_of(options)


def terms_of(options: argparse.Namespace) -> int:
    """Find the terms, say and show them; a fallback from which somebody would still move is said to be none."""
    from allocate import screen

    scenario = read_scenario(options)
    with screen.progress(f"Asking what each partner of {scenario.heading.name} would choose") as tell:
        found = al.terms(scenario, fallback=options.fallback.replace("-", " "), seconds=options.seconds, tick=tell)
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    answer(options.format, partial(terms_to_json, found), found.rates, partial(show, found))
    return ANSWERED if found.certified else OUR_FAULT


def terms_to_json(found: al.Terms) -> str:
    """What was found as JSON: its sentences and every table."""
    facts = {
        "scenario": found.scenario.id, "fallback": found.fallback, "gain": found.gain, "short": found.short,
        "overstate": found.overstate, "whole": found.whole, "certified": found.certified,
    }  # fmt: skip
    return to_json({"sentences": found.sentences} | facts | found.tables())


def show(found: al.Terms) -> None:
    """Who would leave the plan under which terms, what payments keep everybody in, rates, and what untruths pay."""
    from allocate import screen

    say("")
    screen.put_all([alignment(found), partners(found), rates(found), untruths(found)])


def alignment(found: al.Terms) -> Any:
    """What each could still gain by leaving the plan alone, scheme by scheme."""
    from allocate import screen

    table, money = found.alignment, _money(found)
    schemes = list(dict.fromkeys(table["scheme"]))
    sheet = screen.Sheet(
        "What each could gain by leaving the plan", ["Partner", *[each.capitalize() for each in schemes]]
    )
    for name, rows in table.groupby("name", sort=False):
        cells = [money(row.regret) if not row.still else "nothing" for row in rows.itertuples()]
        sheet.rows.append(([name, *cells], "" if rows["still"].all() else "bold"))
    return sheet


def partners(found: al.Terms) -> Any:
    """The payments that keep everybody in, and the same by matching and by open books."""
    from allocate import screen

    titles = ["Partner", "Must receive", "Others could pay", "Equal gain", "Pool pays", "It contributes", "Fixed sum"]
    sheet, money = screen.Sheet("Payments that keep everybody in", titles), _money(found)
    for row in told_rows(found.partners):
        cells = [money(row.least, signed=True), money(row.most, signed=True), money(row.payment, signed=True)]
        cells += [money(row.matched), money(row.contributes), money(row.fixed, signed=True)]
        sheet.rows.append(([row.name_, *cells], ""))
    return sheet


def rates(found: al.Terms) -> Any:
    """The rates that move most money."""
    from allocate import screen

    titles = ["Partner", "Place", "Programme", "Unpaid", "Plan", "Rate", "Paid so", "Pool pays"]
    sheet, money = screen.Sheet("Rates for a pound off plan (those that move most)", titles), _money(found)
    table = found.rates.merge(found.matching[["partner", "place", "programme", "year", "match"]])
    moved = (table["alone"] - table["plan"]).abs().sort_values(ascending=False, kind="stable")
    for row in told_rows(table.loc[moved.index].head(SHOWN)):
        rate = f"{found.scenario.heading.currency}{row.rate:,.2f}"
        place, programme = (found.scenario.name_of(*each) for each in (("places", row.place),
                                                                     ("programmes", row.programme)))  # fmt: skip
        cells = [money(row.alone), money(row.plan), rate, money(row.reply), per_cent(row.match)]
        sheet.rows.append(([row.name_, place, programme, *cells], "" if row.matches else "bold"))
    return sheet


def untruths(found: al.Terms) -> Any:
    """What misstating pays most."""
    from allocate import screen

    titles = ["Partner", "States", "By", "Gains", "Others", "Notices"]
    sheet, money = screen.Sheet("If one misstates its figures", titles), _money(found)
    for row in told_rows(found.gaming.sort_values("gains", ascending=False, na_position="last").head(SHOWN)):
        notices = found.scenario.name_of("partners", row.notices) if row.notices else ""
        cells = [row.stated, per_cent(row.by, signed=True, places=0)]
        gains = [money(row.gains, signed=True), money(row.others, signed=True)]
        sheet.rows.append(([row.name_, *cells, *gains, notices], ""))
    return sheet


def replies_of(options: argparse.Namespace) -> int:
    """Find, say and show what a partner spends at every rate for one thing."""
    from allocate import screen

    scenario = read_scenario(options)
    partner, programme, place = _paid(options.paid)
    with screen.progress(f"Asking what {partner} would spend") as tell:
        found = al.replies(
            scenario, partner, programme, place=place, fallback=options.fallback.replace("-", " "),
            seconds=options.seconds, tick=tell,
        )  # fmt: skip
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    facts = {"scenario": scenario.id, "partner": partner, "programme": programme, "place": place,
             "planned": found.planned, "at": None if math.isnan(found.at) else found.at}  # fmt: skip
    as_json = partial(to_json, {"sentences": found.sentences} | facts | found.tables())
    answer(options.format, as_json, found.rates, partial(show_replies, found))
    return ANSWERED


def _paid(text: str) -> tuple[str, str, str | None]:
    """A partner, a programme and perhaps a place. Raises ScenarioError for any other text."""
    partner, programme, place, *more = (*text.split("."), "", "")
    if not partner or not programme or any(more):
        expected = "expected PARTNER.PROGRAMME or PARTNER.PROGRAMME.PLACE"
        raise al.ScenarioError("--paid", [al.Problem("--paid", expected, value=text)])
    return partner, programme, place or None


def show_replies(found: al.Replies) -> None:
    """What it spends between rates, as a table for people."""
    from allocate import screen

    say("")
    sheet, money = screen.Sheet("What it spends", ["From", "To", "At least", "At most", "Between"]), _money(found)
    for row in found.between.itertuples():
        cells = [f"{rate:,.4f}" for rate in (row.low, row.high)]
        sheet.rows.append(([*cells, money(row.least), money(row.most), row.between], ""))
    screen.put_all([sheet])


def _money(found: al.Terms | al.Replies) -> Any:
    """Pounds as all tables show them."""
    return partial(pounds, currency=found.scenario.heading.currency, millions=False)
