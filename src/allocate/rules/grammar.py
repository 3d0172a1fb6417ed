"""The grammar of rules: who must, must not or may do what, to what, when, how, or else.

Crawford and Ostrom (A grammar of institutions, American Political Science Review 89, 1995) take a rule apart into
attributes, deontic, aim, conditions and or else; the Institutional Grammar 2.0 (Frantz and Siddiki, Public
Administration 99, 2021) tells objects and two sorts of condition apart, with these symbols:

    A     attributes: the partners the rule is about     Bind  indirect object: for whom, where, out of what base
    D     deontic: must, must not, may                   Cac   activation condition: when the rule holds
    I     aim: what is asked, of a closed list           Cex   execution constraint: how much, how, for each of what
    Bdir  direct object: what is spent, gained or said   O     or else: what follows a breach

All is written from a rule's fields. Its free text is shown and never read.
"""

from __future__ import annotations

import pandas as pd

from allocate.rules import wording
from allocate.rules.binding import HEAD, SHARE
from allocate.scenario.rulebook import Rule, Scope
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import is_money, marks
from allocate.scenario.words import title

SYMBOLS = ("A", "D", "I", "Bdir", "Bind", "Cac", "Cex", "O")
COLUMNS = [
    "id", "title", "sentence", "kind", "standing", "level", *SYMBOLS, "owner", "proposer", "support", "objections",
    "since", "review", "authority", "source", "in_force",
]  # fmt: skip
BRACKETS = str.maketrans({mark: "" for mark in "()[]{}|"})
"""Marks that IG Script keeps for itself."""
STANDINGS = {"statutory": "Required by law", "recorded": "Recorded, and binding nothing"}
SAID = {
    "at_least": "at least {}", "at_most": "at most {}", "amount": "{}", "down": "{} down", "up": "{} up",
    "more": "{} more than today's spending buys", "pace": "{} of the opening distance a year", "within": "within {}",
}  # fmt: skip


def grammar(rule: Rule, scenario: Scenario) -> dict[str, str]:
    """A rule by the symbols of IG 2.0, in their order: those that it has, each in words."""
    found = {
        "A": wording.several(wording.partners(rule.where, scenario) or [wording.partner(rule.owner, scenario)]),
        "D": rule.deontic,
        "I": rule.aim or rule.kind.replace("-", " "),
        "Bdir": _direct(rule, scenario),
        "Bind": _indirect(rule, scenario),
        "Cac": _activation(rule),
        "Cex": _execution(rule, scenario),
        "O": _or_else(rule, scenario),
    }
    return {symbol: words for symbol, words in found.items() if words}


def encoded(rule: Rule, scenario: Scenario) -> str:
    """A rule in IG Script, as the IG Parser reads it: `A(The Board) D(must) I(spend or gain at least) …`.

    Components stand in parentheses. An or else takes a whole statement in braces, so it is one: what a breach brings.
    """
    parts = {symbol: _plain(words) for symbol, words in grammar(rule, scenario).items()}
    consequence = parts.pop("O", "")
    said = [f"{symbol}({words})" for symbol, words in parts.items()]
    return " ".join([*said, f"O{{E(breach) F(brings) P({consequence})}}"] if consequence else said)


def minute(rule: Rule, scenario: Scenario) -> str:
    """A rule as a finance committee would minute it, without the parts that are not given: who agreed and when, the
    sentence, its condition, what bending it costs, what else follows, who objects, and whence it comes."""
    bends = wording.bends_at(rule.bends, wording.measure_of(rule), rule.breach, scenario)
    said = [
        f"{_heading(rule, scenario)}: {rule.sentence(scenario)}.",
        f"Condition: {_ended(rule.when)}" if rule.when else "",
        f"{bends}." if bends else "",
        f"Or else: {_ended(rule.or_else)}" if rule.or_else else "",
        *(f"{wording.capital(wording.partner(o.by, scenario))} objects: {_ended(o.reason)}" for o in rule.objections),
        f"Authority: {_ended(rule.authority)}" if rule.authority else "",
        "Not in force." if not rule.in_force else "",
    ]
    return " ".join(filter(None, said))


def book(scenario: Scenario) -> pd.DataFrame:
    """The rule book: a row a rule in order of ids, with its sentence, standing, grammar and record.

    Columns: id, title, sentence, kind, standing, level, the symbols A, D, I, Bdir, Bind, Cac, Cex and O in words (blank
    where a rule has none), owner, proposer and support (names, support separated by semicolons), objections ('name:
    reason'), since and review (2025-04-01), authority, source (an id), in_force (True or False).
    """
    return pd.DataFrame([_row(rule, scenario) for rule in scenario.rules], columns=COLUMNS)


def _row(rule: Rule, scenario: Scenario) -> dict[str, object]:
    def name(key: str) -> str:
        return scenario.name_of("partners", key)

    return dict.fromkeys(SYMBOLS, "") | grammar(rule, scenario) | {
        "id": rule.id, "title": title(rule.id), "sentence": rule.sentence(scenario), "kind": rule.kind,
        "standing": rule.standing, "level": rule.level, "owner": name(rule.owner),
        "proposer": name(rule.proposer) if rule.proposer else "",
        "support": "; ".join(name(key) for key in rule.support),
        "objections": "; ".join(f"{name(each.by)}: {each.reason}" for each in rule.objections),
        "since": rule.since.isoformat() if rule.since else "",
        "review": rule.review.isoformat() if rule.review else "",
        "authority": rule.authority, "source": rule.source or "", "in_force": rule.in_force,
    }  # fmt: skip


def _direct(rule: Rule, scenario: Scenario) -> str:
    thing, things = rule.thing(scenario), wording.things(rule.where, scenario)
    return thing or (f"spending on {wording.listed(things, 'on')}" if things else "spending")


def _indirect(rule: Rule, scenario: Scenario) -> str:
    """Where, for which programmes where an outcome is counted, and every other scope, such as a share's base."""
    on = wording.things(rule.where, scenario) if rule.thing(scenario) else []
    within = wording.places(rule.where, scenario)
    said = [f"on {wording.listed(on, 'on')}"] if on else []
    said += [f"in {wording.listed(within, 'in')}"] if within else []
    said += [f"{field} {_scope(scope, scenario)}" for field, scope in rule.scopes if field != "where"]
    return "; ".join(said)


def _scope(scope: Scope, scenario: Scenario) -> str:
    return f"spending{wording.named(scope, scenario)}" if scope else "all spending"


def _activation(rule: Rule) -> str:
    said = [
        f"from {wording.day(rule.since)}" if rule.since else "",
        f"in {wording.listed(rule.where.years)}" if rule.where.years else "",
        rule.when,
    ]
    return "; ".join(filter(None, said))


def _execution(rule: Rule, scenario: Scenario) -> str:
    """The figures, what the rule's kind adds in fields of its own, for each of what, and from which envelopes."""
    said = [_figure(rule, name, scenario) for name in rule.figures if getattr(rule, name) is not None]
    said += [f"by {wording.day(value)}" for name, value in rule if name == "due"]
    said += [name.replace("_", " ") for name, value in rule if value is True and name != "in_force"]
    said += [f"for each {rule.each}"] if rule.each else []
    said += [f"from {wording.purses(rule.where, scenario)}"] if rule.where.envelopes else []
    return "; ".join(said)


def _figure(rule: Rule, name: str, scenario: Scenario) -> str:
    """A figure in words: 'at least 54%', '£60,000', '9 pounds'."""
    value, measure = getattr(rule, name), wording.measure_of(rule)
    if SHARE in marks(type(rule), name):
        text = wording.per_cent(value) if abs(value) <= 1 else f"{wording.number(value)} times"
    elif is_money(type(rule), name) or name == "amount":
        text = wording.measured(value, measure, scenario)
    elif HEAD in marks(type(rule), name):
        text = f"{wording.measured(value, measure, scenario)} for each person"
    else:
        text = wording.number(value)
    return SAID[name].format(text) if name in SAID else f"{name.replace('_', ' ')} {text}"


def _or_else(rule: Rule, scenario: Scenario) -> str:
    bends = wording.bent(rule.bends, wording.measure_of(rule), rule.breach, scenario)
    return "; ".join(filter(None, (rule.or_else, bends)))


def _heading(rule: Rule, scenario: Scenario) -> str:
    """'Agreed by X and Y on a proposal of Z, in force from 1 April 2025, to be reviewed by 31 March 2026'."""
    proposer = wording.partner(rule.proposer, scenario) if rule.proposer else ""
    by = wording.listed([wording.partner(name, scenario) for name in rule.support], "by")
    if rule.standing == "agreed" and not rule.in_force:
        said = f"Proposed by {proposer}" if proposer else "Proposed"
        said += f", supported by {by}" if by else ""
    elif rule.standing == "agreed":
        said = "Agreed" + (f" by {by}" if by else "") + (f" on a proposal of {proposer}" if proposer else "")
    else:
        said = STANDINGS[rule.standing] + (f", supported by {by}" if by else "")
        said += f", on a proposal of {proposer}" if proposer else ""
    said += f", in force from {wording.day(rule.since)}" if rule.since and rule.in_force else ""
    return said + (f", to be reviewed by {wording.day(rule.review)}" if rule.review else "")


def _ended(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."


def _plain(text: str) -> str:
    """A text without the marks of IG Script, on one line."""
    return " ".join(text.translate(BRACKETS).split())
