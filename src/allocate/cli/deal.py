"""`allocate deal`: who would sign the plan together, for what payments, and what each partner's consent costs."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import add_common, read_scenario
from allocate.cli.output import ANSWERED, OUR_FAULT, answer, say, to_json, told_rows
from allocate.cli.terms_of import replies_of, terms_of
from allocate.commons.fallbacks import FALLBACKS
from allocate.plan.figures import number, pounds

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
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find the deal, say and show it; a fallback from which somebody would still move is said to be none."""
    from allocate import screen

    if options.terms or options.paid:
        return terms_of(options) if options.terms else replies_of(options)
    scenario = read_scenario(options)
    with screen.progress(f"Asking what groups of {scenario.heading.name} could do by themselves") as tell:
        found = al.deal(
            scenario, fallback=options.fallback.replace("-", " "), all_groups=options.all_groups,
            seconds=options.seconds, tick=tell,
        )  # fmt: skip
    for sentence in [*found.sentences, scenario.heading.caveat]:
        if sentence:
            say(sentence)
    answer(options.format, partial(deal_to_json, found), found.partners, partial(show, found))
    return ANSWERED if found.certified else OUR_FAULT


def deal_to_json(found: al.Deal) -> str:
    """What was found as JSON: its sentences, whether it holds, what it would take, and every table."""
    facts = {
        "scenario": found.scenario.id, "fallback": found.fallback, "gain": found.gain, "stable": found.stable,
        "top_up": found.top_up, "largest": list(found.largest), "unit": found.unit, "certified": found.certified,
    }  # fmt: skip
    return to_json({"sentences": found.sentences} | facts | found.tables())


def show(found: al.Deal) -> None:
    """What each has, what groups could do by themselves, consent, leaving, and other ways to share, as people's
    tables."""
    from allocate import screen

    say("")
    others = [sharing(found)] if found.sharing["method"].nunique() > 1 else []
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
        name = " + ".join(found.scenario.name_of("partners", each) for each in row.group)
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
    sheet = screen.Sheet("Other ways to share (* some group would do better by itself)", ["Partner", *titles])
    for name, rows in table.groupby("name", sort=False):
        amounts = rows.set_index("method")["amount"]
        sheet.rows.append(([name, *[money(amounts[method]) for method in methods]], ""))
    return sheet


def _money(found: al.Deal) -> Any:
    """Pounds as all tables of a deal show them."""
    return partial(pounds, currency=found.scenario.heading.currency, millions=False)
