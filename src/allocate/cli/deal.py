"""`allocate deal`: who would sign the plan together, for what payments, and what each partner's consent costs."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import above_nothing, add_common, read_pairs, read_scenario
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json, told_rows
from allocate.cli.terms_of import answer_terms
from allocate.commons.apart.blocs import by_kind
from allocate.commons.apart.fallbacks import FALLBACKS
from allocate.plan.figures import number, pounds

BLOC = "NAME=PARTNER,PARTNER"
SHOWN = 12
"""Groups on the screen; --format json has all that were asked."""


def add(verbs: Any) -> None:
    """The verb `deal` and its options."""
    verb = verbs.add_parser("deal", help="who would sign the plan together, and for what payments")
    add_common(verb, seconds=60.0, each=" for each solve")
    names = [name.replace(" ", "-") for name in FALLBACKS]
    verb.add_argument("--fallback", choices=names, default=names[0], help=f"what each has without a deal ({names[0]})")
    asked = verb.add_mutually_exclusive_group()
    asked.add_argument(
        "--all-groups", action="store_true", help="two other ways to share beside it, which take every group's value"
    )
    asked.add_argument(
        "--terms", action="store_true", help="rates, matching and open books that make the plan what each would choose"
    )
    asked.add_argument(
        "--paid", metavar="PARTNER.PROGRAMME[.PLACE]", help="what a partner spends there at every rate it could be paid"
    )
    verb.add_argument(
        "--short",
        type=above_nothing,
        metavar="POUNDS",
        help="who goes short, by four rules, if there is so much less to spend",
    )
    verb.add_argument(
        "--bloc", action="append", default=[], metavar=BLOC, help="partners that count as one; may be repeated"
    )
    verb.add_argument("--blocs-by-kind", action="store_true", help="all partners of the same kind count as one")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find the deal, say and show it; a fallback from which somebody would still move is said to be none."""
    from allocate import screen

    if options.terms or options.paid:
        return answer_terms(options)
    scenario = read_scenario(options)
    blocs = read_blocs(scenario, options)
    with screen.progress(f"Asking what groups of {scenario.heading.name} could do by themselves") as tell:
        found = al.deal(
            scenario, fallback=options.fallback.replace("-", " "), all_groups=options.all_groups,
            blocs=blocs, seconds=options.seconds, tick=tell,
        )  # fmt: skip
    short = None if options.short is None else _short(scenario, options.short)
    for sentence in [*found.sentences, *(short.sentences if short else []), scenario.heading.caveat]:
        if sentence:
            say(sentence)
    answer(options.format, partial(deal_to_json, found, short), found.partners, partial(show, found, short))
    return ANSWERED if found.certified else OUR_FAULT


def _short(scenario: al.Scenario, short: float) -> al.Shortage:
    """Who would go short. Raises ScenarioError where not so much is planned."""
    try:
        return al.shortage(scenario, short)
    except ValueError as error:
        raise al.ScenarioError(scenario.id, [al.Problem("--short", str(error))]) from None


def read_blocs(scenario: al.Scenario, options: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    """The blocs that were named, then those by kind of the partners that are in none."""
    pairs = read_pairs("--bloc", options.bloc, BLOC)
    named = {name: tuple(filter(None, map(str.strip, text.split(",")))) for name, text in pairs.items()}
    return named | (by_kind(scenario, named) if options.blocs_by_kind else {})


def deal_to_json(found: al.Deal, short: al.Shortage | None = None) -> str:
    """What was found as JSON: its sentences, whether it holds, what it would take, and every table."""
    facts = {
        "scenario": found.scenario.id, "fallback": found.fallback, "gain": found.gain, "stable": found.stable,
        "top_up": found.top_up, "largest": list(found.largest), "unit": found.unit, "certified": found.certified,
    }  # fmt: skip
    tables = found.tables()
    if short is not None:
        tables |= {"short": short.table, "short_rules": short.rules}
    return to_json({"sentences": found.sentences} | facts | tables)


def show(found: al.Deal, short: al.Shortage | None = None) -> None:
    """What each has, what groups could do by themselves, consent, leaving, and other ways to share, as people's
    tables."""
    from allocate import screen

    say("")
    others = [sharing(found)] if found.sharing["method"].nunique() > 1 else []
    others += [shortage(short)] if short is not None else []
    others += [blocs(found)] if len(found.blocs) else []
    screen.put_all([partners(found), groups(found), consent(found), leaving(found), *others])


def partners(found: al.Deal) -> Any:
    """What each has without a deal, in the plan and with the deal, and what it pays or receives."""
    from allocate import screen

    titles = ["Partner", "Fallback", "Together", "Change", "Payment", "With the deal", "Gain"]
    sheet, money = screen.Sheet(f"The deal (fallback: {found.fallback})", titles), _money(found)
    for row in told_rows(found.partners):
        cells = [money(row.fallback), money(row.together), money(row.change, signed=True)]
        cells += [money(row.payment, signed=True), money(row.amount), money(row.gain, signed=True)]
        sheet.rows.append(([row.name_, *cells], ""))
    return sheet


def groups(found: al.Deal) -> Any:
    """The groups nearest to walking, or that would."""
    from allocate import screen

    sheet, money = screen.Sheet("Groups by themselves", ["Group", "Have", "In the deal", "Slack"]), _money(found)
    for row in found.groups.head(SHOWN).itertuples():
        name = " + ".join(found.name(each) for each in row.group)
        cells = [money(row.value), money(row.given), money(row.slack, signed=True)]
        sheet.rows.append(([name, *cells], "bold" if row.slack < -found.noise else ""))
    return sheet


def consent(found: al.Deal) -> Any:
    """What each lacks of its fallback in the plan, and what it costs that it insists without payments."""
    from allocate import screen

    titles = ["Partner", "Lacks", f"Alone insisting costs ({found.unit})", "If all insist"]
    sheet, money = screen.Sheet("Consent without payments", titles), _money(found)
    for row in told_rows(found.consent):
        sheet.rows.append(([row.name_, money(row.short), number(row.cost), money(row.insisting)], ""))
    return sheet


def leaving(found: al.Deal) -> Any:
    """What the others have without each partner, and what it would have itself."""
    from allocate import screen

    titles = ["Partner", "Others have", "Less than in the deal", "It has", "Its fallback", "It shifts"]
    sheet, money = screen.Sheet("If one leaves", titles), _money(found)
    for row in told_rows(found.leaving):
        cells = [money(row.rest), money(row.less, signed=True), money(row.acts), money(row.fallback), money(row.shifts)]
        sheet.rows.append(([row.name_, *cells], ""))
    return sheet


def sharing(found: al.Deal) -> Any:
    """What each would have by every way of sharing."""
    from allocate import screen

    table = found.sharing
    methods, money = list(dict.fromkeys(table["method"])), _money(found)
    titles = [method + ("" if table.loc[table["method"] == method, "stable"].all() else " *") for method in methods]
    sheet = screen.Sheet("Other ways to share (* some group would or might do better by itself)", ["Partner", *titles])
    for name, rows in table.groupby("name", sort=False):
        amounts = rows.set_index("method")["amount"]
        sheet.rows.append(([name, *[money(amounts[method]) for method in methods]], ""))
    return sheet


def shortage(found: al.Shortage) -> Any:
    """What each would go short of, by every rule, and what the system would lose."""
    from allocate import screen

    rules, currency = found.rules["rule"].tolist(), found.plan.scenario.heading.currency
    sheet = screen.Sheet(f"Who goes short of {pounds(found.short, currency)}", ["Partner", "To spend", *rules])
    for name, rows in found.table.groupby("name", sort=False):
        less = [pounds(each, currency) if each == each else "" for each in rows["less"]]
        sheet.rows.append(([name, pounds(rows["claim"].iloc[0], currency), *less], ""))
    lost = [number(row.lost) if not row.why else "no plan" for row in found.rules.itertuples()]
    sheet.rows.append(([f"The system loses ({found.unit})", "", *lost], "bold"))
    return sheet


def blocs(found: al.Deal) -> Any:
    """What each in a bloc has where all in it gain the same."""
    from allocate import screen

    titles = ["Bloc", "Partner", "Fallback", "Together", "Payment", "With the deal", "Gain"]
    sheet, money = screen.Sheet("Blocs, where all in one gain the same", titles), _money(found)
    for row in told_rows(found.blocs):
        cells = [money(row.fallback), money(row.together), money(row.payment, signed=True), money(row.amount)]
        sheet.rows.append(([found.name(row.bloc), row.name_, *cells, money(row.gain, signed=True)], ""))
    return sheet


def _money(found: al.Deal) -> Any:
    """Pounds as all tables of a deal show them."""
    return partial(pounds, currency=found.scenario.heading.currency, millions=False)
