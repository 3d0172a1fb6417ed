"""`allocate propose`: what a change would do to everyone, and who would agree to it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any

import allocate as al
from allocate.cli.options import (
    a_fraction,
    add_changes,
    add_folder,
    add_format,
    all_changes,
    read_changes,
    read_numbers,
    read_pairs,
    refusal,
    refuse,
)
from allocate.cli.output import ANSWERED, NO_PLAN, answer, say, to_json, told_rows
from allocate.plan.figures import number, pounds
from allocate.plan.words import capital, title

EXAMPLE = "such as rules.prevention.amount=60e6"


def add(verbs: Any) -> None:
    """The verb `propose` and its options."""
    verb = verbs.add_parser("propose", help="what a change would do to everyone, and who would agree to it")
    add_folder(verb)
    about = f"what is proposed, {EXAMPLE} or rules.steady.in_force=false; may be repeated"
    add_changes(verb, "--change", about)
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
    add_format(verb)
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Try the proposal, say and show what it does; with --accept, make it the next version of the book."""
    from allocate import screen

    vote = read_vote(options)
    with screen.progress("Reading"):
        scenario = al.read(options.folder)
        if options.accept or options.book:
            scenario = al.restore(scenario, options.accept or options.book)
        changes = all_changes(options, "--change")
        rivals = {
            name: read_changes(file) for name, file in read_pairs("--rivals", options.rivals, "NAME=FILE").items()
        }
        weights = read_weights(options.weights)
    if not changes:
        raise refusal(al.Problem("--change", "nothing is proposed", fix=EXAMPLE))
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
    answer(options.format, partial(proposal_to_json, found, beside), found.partners, partial(show, found, beside))
    return NO_PLAN if found.clash is not None else ANSWERED


def read_vote(options: argparse.Namespace) -> tuple[list[str], dict[str, str], date] | None:
    """Who agreed, who dissented and why, and on which day; None where nothing is to be accepted."""
    if not options.accept:
        only = ("agreed", "dissented", "on", "decided_by")
        told = [f"--{name.replace('_', '-')}" for name in only if getattr(options, name)]
        refuse([al.Problem(name, "belongs to --accept DIR, which is not given") for name in told])
        return None
    if not options.on:
        raise refusal(al.Problem("--on", "is needed to accept", fix="the day it was agreed, such as 2026-11-22"))
    try:
        day = date.fromisoformat(options.on)
    except ValueError:
        raise refusal(al.Problem("--on", "is not a day", value=options.on, fix="such as 2026-11-22")) from None
    agreed = [name.strip() for name in options.agreed.split(",") if name.strip()]
    return agreed, read_pairs("--dissented", options.dissented, "PARTNER=REASON"), day


def read_weights(texts: Sequence[str]) -> dict[str, float] | None:
    """Every --weight, partner to number; None where there is none."""
    return read_numbers("--weight", read_pairs("--weight", texts, "PARTNER=NUMBER"), "a number") or None


def proposal_to_json(found: al.Proposal, beside: al.Rivals | None) -> str:
    """A proposal as JSON: its sentences and every table; with rivals, how each fares against each."""
    names = ("passes", "total", "outcomes", "partners", "places", "rules", "power")
    told: dict[str, Any] = {"sentences": found.sentences} | {name: getattr(found, name) for name in names}
    if found.compensation is not None:
        told["compensation"] = found.compensation.payments
    return to_json(told | ({"rivals": beside.table} if beside else {}))


def show(found: al.Proposal, beside: al.Rivals | None) -> None:
    """Who says yes, then before and after in all, by partner and by place, the rules that are touched, rivals."""
    from allocate import screen

    say("")
    partners = [(row.name_, row) for row in told_rows(found.partners)]
    screen.put_all([
        deciding(found),
        in_all(found),
        before_and_after(found, "Partner", partners, votes=True),
        before_and_after(found, "Place", list(place_rows(found))),
        touched(found),
        *([each_against_each(beside)] if beside else []),
    ])  # fmt: skip


def deciding(found: al.Proposal) -> Any:
    """Which rules for deciding it passes, and by how many partners' votes."""
    from allocate import screen

    sheet = screen.Sheet("Who says yes", ["Decided by", "Passes", "For", "Against"])
    votes = [str(list(found.partners["vote"]).count(vote)) for vote in ("for", "against")]
    for row in told_rows(found.passes):
        counted = ["", ""] if row.rule == "law" else votes
        sheet.rows.append(([capital(row.name_), "yes" if row.passes else "no", *counted], ""))
    return sheet


def in_all(found: al.Proposal) -> Any:
    """Money and outcomes before and after."""
    from allocate import screen

    currency = found.before.scenario.heading.currency
    sheet = screen.Sheet("In all", ["Measure", "Before", "After", "Change", "Unit"])
    for row in told_rows(found.total):
        is_money = row.unit == currency
        cells = [pounds(x, currency) if is_money else number(x) for x in (row.before, row.after)]
        change = pounds(row.difference, currency, True) if is_money else number(row.difference, True)
        sheet.rows.append(([row.measure, *cells, change, "" if is_money else row.unit], ""))
    return sheet


def before_and_after(found: al.Proposal, who: str, rows: Sequence[tuple[str, Any]], votes: bool = False) -> Any:
    """Money and outcome before and after, a row a partner or place by its name; with votes, how each votes."""
    from allocate import screen

    currency = found.before.scenario.heading.currency
    titles = [who, "Before", "After", "Change", "Outcome", *(["Vote"] if votes else [])]
    sheet = screen.Sheet(f"By {who.lower()}", titles, spare=(("Before",),))
    for name, row in rows:
        cells = [pounds(x, currency) for x in (row.money_before, row.money_after)]
        cells += [pounds(row.money_difference, currency, True), number(row.outcome_difference, True)]
        cells += [row.vote + (", objects" if row.objects else "")] if votes else []
        sheet.rows.append(([name, *cells], ""))
    return sheet


def place_rows(found: al.Proposal) -> Iterator[tuple[str, Any]]:
    """Places' names and rows, each before those inside it, which are set in: those inside add up to it."""
    rows = {row.id: row for row in told_rows(found.places)}
    places = found.before.scenario.table("places")
    inside: dict[str, list[str]] = {}
    for place, parent in zip(places["id"], places["parent"], strict=True):
        inside.setdefault(parent if isinstance(parent, str) else "", []).append(place)

    def below(parent: str, depth: int) -> Iterator[tuple[str, Any]]:
        for place in inside.get(parent, []):
            yield "  " * depth + rows[place].name_, rows[place]
            yield from below(place, depth + 1)

    return below("", 0)


def touched(found: al.Proposal) -> Any:
    """The rules that it changes, or that bind otherwise for it."""
    from allocate import screen

    sheet = screen.Sheet("Rules that are touched", ["Rule", "Before", "After", "Effect"])
    rows = [row for row in told_rows(found.rules) if row.effect]
    sheet.rows += [([title(row.rule), row.before, row.after, row.effect], "") for row in rows]
    return sheet


def each_against_each(beside: al.Rivals) -> Any:
    """How many partners prefer each of two rivals, for every two."""
    from allocate import screen

    sheet = screen.Sheet("Each against each", ["One", "Other", "Prefer one", "Prefer other", "More prefer"])
    for row in told_rows(beside.table):
        cells = [row.one, row.other, str(row.prefer_one), str(row.prefer_other), row.winner or "a tie"]
        sheet.rows.append((cells, ""))
    return sheet
