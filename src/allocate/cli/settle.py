"""`allocate settle`: what each partner would like best, what all agree on already, and settlements between."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import allocate as al
from allocate.cli import alternatives
from allocate.cli.options import add_common, read_numbers, read_pairs, read_scenario, refuse
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json, told_rows
from allocate.commons.apart.fallbacks import FALLBACKS
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.words import capital, some

SHOWN = 12
"""Lines on the screen; --format json has all."""


def add(verbs: Any) -> None:
    """The verb `settle` and its options."""
    verb = verbs.add_parser("settle", help="plans that partners could settle on where each prefers another")
    add_common(verb, seconds=60.0, each=" for each solve")
    names = [name.replace(" ", "-") for name in FALLBACKS]
    verb.add_argument("--fallback", choices=names, default=names[0], help=f"what each has without a deal ({names[0]})")
    verb.add_argument(
        "--weight", nargs="+", default=[], metavar="PARTNER=NUMBER", help="by how much more a partner counts (1)"
    )
    alternatives.add(verb)
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find the settlements, say and show them; a fallback from which somebody would still move is said to be none. With
    --within, plans near the best instead."""
    from allocate import screen

    if options.within is not None:
        if options.weight:
            refuse([al.Problem("--weight", "belongs to settlements: leave it, or --within")])
        return alternatives.run(options, read_scenario(options))
    weights = read_numbers("--weight", read_pairs("--weight", options.weight, "PARTNER=NUMBER"), "a number")
    scenario = read_scenario(options)
    with screen.progress(f"Looking for settlements in {scenario.heading.name}") as tell:
        found = al.settle(
            scenario, fallback=options.fallback.replace("-", " "), weights=weights, seconds=options.seconds, tick=tell
        )
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    answer(options.format, partial(settlements_to_json, found), found.settlements, partial(show, found))
    return ANSWERED if found.certified else OUR_FAULT


def settlements_to_json(found: al.Settlements) -> str:
    """What was found as JSON: its sentences, what all agree on, what payments could share, and every table."""
    facts = {
        "scenario": found.scenario.id, "fallback": found.fallback, "weights": dict(found.weights), "alike": found.alike,
        "surplus": found.surplus, "below": list(found.below), "unit": found.unit, "certified": found.certified,
    }  # fmt: skip
    return to_json({"sentences": found.sentences} | facts | found.tables())


def show(found: al.Settlements) -> None:
    """What each prefers, the settlements side by side, who gains what, and where plans differ, as people's tables."""
    from allocate import screen

    say("")
    screen.put_all([preferred(found), side_by_side(found), gains(found), at_odds(found)])


def preferred(found: al.Settlements) -> Any:
    """What each could hope for, and what its preferred plan costs the agreed outcome."""
    from allocate import screen

    titles = ["Partner", "Fallback", "Hopes for", "Gain", f"Agreed outcome ({found.unit})", "Moves"]
    sheet, money = screen.Sheet(f"What each prefers (fallback: {found.fallback})", titles), _money(found)
    for row in told_rows(found.preferred):
        cells = [row.why] if row.why else [money(row.payoff), money(row.gain, signed=True)]
        cells += ["", "", ""] if row.why else [number(row.difference, signed=True), _millions(found)(row.moved)]
        sheet.rows.append(([row.name_, money(row.fallback), *cells], ""))
    return sheet


def side_by_side(found: al.Settlements) -> Any:
    """What each settlement buys, moves, and whom it suits best and least."""
    from allocate import screen

    titles = ["Settlement", f"Agreed outcome ({found.unit})", "Moves", "Least gain", "Best for", "Worst for"]
    sheet, money, least = screen.Sheet("Settlements", titles), _money(found), found.settlements.groupby("settlement")
    for row in found.summary.itertuples():
        if row.why:
            sheet.rows.append(([capital(row.settlement), row.why, "", "", "", ""], ""))
            continue
        who = (_names(found, each) for each in (row.best_for, row.worst_for))
        gain = _cleared(found, least.get_group(row.settlement)["gain"].min())
        cells = [number(row.difference, signed=True), _millions(found)(row.moved), money(gain, signed=True)]
        sheet.rows.append(([capital(row.settlement), *cells, *who], ""))
    return sheet


def gains(found: al.Settlements) -> Any:
    """What each gains in each settlement, and what part of what it could hope for that is."""
    from allocate import screen

    table, money = found.settlements, _money(found)
    names = list(dict.fromkeys(table["settlement"]))
    sheet = screen.Sheet("Gain over fallback, and the part of what each could hope for", ["Partner", *names])
    for name, rows in table.groupby("name", sort=False):
        mine = rows.set_index("settlement")
        told = [(_cleared(found, mine.loc[each, "gain"]), mine.loc[each, "share"]) for each in names]
        sheet.rows.append(([name, *[_with_part(money(gain, signed=True), part) for gain, part in told]], ""))
    return sheet


def at_odds(found: al.Settlements) -> Any:
    """The lines on which plans differ most."""
    from allocate import screen

    titles = ["Programme", "Place", "Partner", "Least", "Most", "Together"]
    sheet, name = screen.Sheet("Where plans differ most", titles), found.scenario.name_of
    money = _millions(found)
    for row in found.agreed.head(SHOWN).itertuples():
        about = name("programmes", row.programme), name("places", row.place), name("partners", row.partner)
        sheet.rows.append(([*about, money(row.least), money(row.most), money(row.together)], ""))
    return sheet


def _with_part(gain: str, part: float) -> str:
    said = per_cent(part, places=0)
    return f"{gain} ({said})" if said else gain


def _cleared(found: al.Settlements, gain: float) -> float:
    """A gain; nothing where it is what rounding leaves."""
    return 0.0 if abs(gain) <= found.noise else gain


def _names(found: al.Settlements, partners: tuple[str, ...]) -> str:
    return some([found.scenario.name_of("partners", each) for each in partners], 2) if partners else ""


def _millions(found: al.Settlements) -> Any:
    return partial(pounds, currency=found.scenario.heading.currency)


def _money(found: al.Settlements) -> Any:
    """Pounds as all tables of settlements show them."""
    return partial(pounds, currency=found.scenario.heading.currency, millions=False)
