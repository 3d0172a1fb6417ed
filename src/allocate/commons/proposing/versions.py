"""Versions of the rule book: what was agreed, by whom, on which day, and who dissented. Never changed afterwards.

A folder of versions holds one folder each, `0001-out-of-hospital-share`, `0002-...`, with two files: `version.toml`
(the change, who proposed it and why, who agreed, who dissented and why, how it was decided, fingerprints) and
`rules.toml` (the whole rule book after it: each rule's sentence and record). Each version holds the fingerprint of the
one before it and of the scenario before and after, so that a version that was edited, left out or put in is found out.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.proposing.proposals import Proposal
from allocate.commons.proposing.voting import CONSENT, DECIDING, LAW, MAJORITY, UNANIMITY, WEIGHTED, more_than_half
from allocate.errors import EngineError, Problem, ScenarioError
from allocate.scenario.paths import Path as Named
from allocate.scenario.paths import key_text, named, parse
from allocate.scenario.rulebook import record
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES
from allocate.scenario.words import slug, suggestion
from allocate.scenario.writing import toml_lines, toml_value

VERSION, RULES = "version.toml", "rules.toml"
FOLDER = re.compile(r"(\d{4,})-[a-z0-9-]*")
FIELDS = (
    "number", "by", "reason", "on", "decided_by", "agreed", "dissented", "before", "after", "previous", "digest",
    "change", "figures",
)  # fmt: skip
COMPARED = ["rule", "what", "field", "before", "after", "sentence_before", "sentence_after"]


@dataclass(frozen=True, eq=False)
class Version:
    """One version of the rule book.

    number      1, 2, 3 ...
    change      what was agreed, path to value, with the support and objections that the vote put on record; laid over
                the version before it, it gives this one
    by, reason  who proposed it, and why
    on          the day it was agreed
    decided_by  the rule for deciding under which it was: 'unanimity', 'consent', 'majority' or 'weighted'
    agreed      the partners that agreed
    dissented   the partners that did not, each with its reason
    before, after   fingerprints (digests) of the scenario before and after
    previous    the fingerprint of the version before this one, '' for the first
    digest      the fingerprint of this version: all that stands in its two files
    figures     figures outside the rules that this version or one before it changed: path to what was read and what it
                is now ({"read": 900000, "now": 880000})
    book        the rule book after it: rule to {"sentence": ..., "record": {...}}
    """

    number: int
    change: Mapping[str, Any]
    by: str
    reason: str
    on: date
    decided_by: str
    agreed: tuple[str, ...]
    dissented: Mapping[str, str]
    before: str
    after: str
    previous: str
    digest: str
    figures: Mapping[str, Mapping[str, Any]]
    book: Mapping[str, Mapping[str, Any]]

    def __repr__(self) -> str:
        return f"Version({self.number}, {self.on}, by {self.by}, {self.decided_by}, digest {self.digest[:12]})"


# --- accepting --------------------------------------------------------------------------------------------------------


def accept(
    proposal: Proposal, agreed: Sequence[str], dissented: Mapping[str, str], on: date, folder: str | Path,
    decided_by: str | None = None,
) -> Version:  # fmt: skip
    """Make a proposal the next version in a folder, with who agreed and who dissented and why. Rules that it touches
    take the vote into their record: support from `agreed`, objections from `dissented`.

    `decided_by` is the rule for deciding that the partners go by; the vote must pass it. Left out, it is the strictest
    that the vote passes: unanimity (every partner agreed), consent (nobody dissented), a weighted majority, a simple
    one (more of those who voted). Nothing that is there is overwritten.

    Raises the proposal's own NoPlan where it cannot hold; ScenarioError, with every problem, where the law bars it, the
    vote does not pass, a name is unknown or on both sides, the folder's versions are not sound, or the proposal was
    made from another rule book than the last of them."""
    if proposal.clash is not None:
        raise proposal.clash
    folder = Path(folder)
    earlier = versions(folder)
    passed = _passed(proposal, agreed, dissented)
    wrong = [*_wrong(proposal, agreed, dissented, on, earlier, decided_by, passed)]
    if wrong:
        raise ScenarioError("version", wrong)
    stands = proposal.before.scenario
    change = _with_votes(proposal, tuple(agreed), dissented)
    after = stands.change(change)
    told = {
        "number": len(earlier) + 1, "by": proposal.by, "reason": proposal.reason, "on": on.isoformat(),
        "decided_by": decided_by or passed[0], "agreed": list(agreed), "dissented": dict(dissented),
        "before": stands.digest, "after": after.digest, "previous": earlier[-1].digest if earlier else "",
        "change": change, "figures": _figures(stands, after, change, earlier[-1].figures if earlier else {}),
    }  # fmt: skip
    return _written(told, book_of(after), folder, stands)


def _passed(proposal: Proposal, agreed: Sequence[str], dissented: Mapping[str, str]) -> list[str]:
    """The rules for deciding that a vote passes, the strictest first."""
    everybody = set(proposal.before.scenario.table("partners")["id"])
    found = {
        UNANIMITY: not dissented and set(agreed) == everybody,
        CONSENT: not dissented and bool(agreed),
        WEIGHTED: more_than_half(agreed, list(dissented), lambda key: proposal.weights.get(key, 0.0)),
        MAJORITY: more_than_half(agreed, list(dissented)),
    }
    return [rule for rule, passes in found.items() if passes]


def _wrong(
    proposal: Proposal, agreed: Sequence[str], dissented: Mapping[str, str], on: date, earlier: Sequence[Version],
    decided_by: str | None, passed: Sequence[str],
):  # fmt: skip
    """Everything that stands in the way of a version."""
    partners = list(proposal.before.scenario.table("partners")["id"])
    for field, names in (("agreed", agreed), ("dissented", dissented)):
        for name in names:
            if name not in partners:
                fix = suggestion(name, partners)
                yield Problem("version", "is not in partners.csv", field=field, value=name, fix=fix)
    for name in sorted(set(agreed) & set(dissented)):
        yield Problem("version", "both agreed and dissented", field="agreed", value=name)
    for name, reason in dissented.items():
        if not reason.strip():
            yield Problem("version", "expected a reason: a dissent is recorded with one", field=f"dissented.{name}")
    for rule, does in proposal.barred.items():
        yield Problem("version", f"the law does not allow it: it {does} a statutory rule", field="change", value=rule)
    if decided_by is not None and (decided_by not in DECIDING or decided_by == LAW):
        known = ", ".join(rule for rule in DECIDING if rule != LAW)
        yield Problem("version", f"is not one of {known}", field="decided_by", value=decided_by)
    elif decided_by is not None and decided_by not in passed:
        yield Problem("version", "the vote does not pass it", field="decided_by", value=decided_by)
    elif not passed:
        yield Problem("version", "the vote passes under no rule for deciding", field="agreed", value=", ".join(agreed))
    if earlier and earlier[-1].after != proposal.before.scenario.digest:
        expected = f"was made from another rule book than version {earlier[-1].number}: restore that, and propose again"
        yield Problem("version", expected, field="proposal")
    if earlier and on < earlier[-1].on:
        expected = f"is before version {earlier[-1].number} was agreed, {earlier[-1].on}"
        yield Problem("version", expected, field="on", value=str(on))


def _with_votes(proposal: Proposal, agreed: tuple[str, ...], dissented: Mapping[str, str]) -> dict[str, Any]:
    """The change, with the vote put on the record of the rules that it touches; a new rule's proposer too."""
    stands = {rule.id: record(rule) for rule in proposal.before.scenario.rules}
    change = {path: _plain(value) for path, value in proposal.change.items()}
    for rule in proposal.scenario.rules:
        if stands.get(rule.id) != record(rule):
            change[f"rules.{rule.id}.support"] = list(agreed)
            change[f"rules.{rule.id}.objections"] = [{"by": by, "reason": reason} for by, reason in dissented.items()]
            if rule.id not in stands and rule.proposer is None:
                change[f"rules.{rule.id}.proposer"] = proposal.by
    return change


def _plain(value: Any) -> Any:
    """A value as TOML keeps it: blank for nothing, no NumPy, days as text."""
    if value is None:
        return ""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items() if inner is not None}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _figures(
    stands: Scenario, after: Scenario, change: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What was read and what is now at every path outside the rules that a change, or one before it, touches."""
    rows = {path: value for text in change for path, value in _cells(stands, text).items()}
    found = {path: {"read": known[path]["read"] if path in known else was} for path, was in rows.items()}
    found = {path: dict(both) for path, both in known.items()} | found
    return {path: both | {"now": _cells(after, path)[path]} for path, both in found.items()}


def _cells(scenario: Scenario, text: str) -> dict[str, Any]:
    """The values that a path outside the rules names, by their whole paths; '' for blanks."""
    path = parse(text)
    if not isinstance(path, Named) or path.table == "rules":
        return {}
    table = scenario._tables[path.table]
    keys = [key_text(table[part]) for part in TABLES[path.table].key]
    values = table[path.field].tolist()
    return {
        ".".join((path.table, *(str(key[row]) for key in keys), path.field)): (
            "" if values[row] is None or values[row] != values[row] else values[row]
        )
        for row in np.flatnonzero(named(path, scenario))
    }


def book_of(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """The rule book of a scenario: rule to its sentence and its record."""
    return {rule.id: {"sentence": rule.sentence(scenario), "record": record(rule)} for rule in scenario.rules}


# --- files ------------------------------------------------------------------------------------------------------------


def _written(told: dict[str, Any], book: Mapping[str, Any], folder: Path, stands: Scenario) -> Version:
    """Write a version, whole or not at all, and read it back. A folder of its name is never written over."""
    texts = {VERSION: _version_text(told), RULES: _rules_text(book)}
    head, rules = tomllib.loads(texts[VERSION]), tomllib.loads(texts[RULES])
    texts[VERSION] = f'digest = "{_digest(head, rules)}"\n{texts[VERSION]}'
    if stands.change(head["change"]).digest != told["after"]:
        raise EngineError(f"version {told['number']} does not read back as it was agreed: it was not written")
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{told['number']:04d}-{_called(told['change'])}"
    made = Path(tempfile.mkdtemp(prefix=".allocate-", dir=folder))
    try:
        for name, text in texts.items():
            (made / name).write_text(text, encoding="utf-8", newline="")
        made.chmod(0o755)
        # A folder takes the place of an empty one silently: nothing may stand there.
        if place.exists():
            raise FileExistsError(f"{place.name} is there already")
        os.rename(made, place)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return versions(folder)[-1]


def _called(change: Mapping[str, Any]) -> str:
    """What a version's folder is called after its number: what is changed first."""
    first = next(iter(change), "nothing").split(".")
    return slug(" ".join(first[1:2] or first))[:40].strip("-") or "all"


def _version_text(told: Mapping[str, Any]) -> str:
    """version.toml but for its fingerprint: flat, the change and the figures a path a line."""
    head = toml_lines({key: value for key, value in told.items() if key not in ("change", "figures")})
    tables = [
        f"\n[{name}]\n" + "".join(f"{json.dumps(path)} = {toml_value(value)}\n" for path, value in told[name].items())
        for name in ("change", "figures")
    ]
    return head + "".join(tables)


def _rules_text(book: Mapping[str, Mapping[str, Any]]) -> str:
    """rules.toml of a version: each rule's sentence, then its record."""
    parts = [
        f"[{rule}]\n{toml_lines({'sentence': each['sentence']})}\n[{rule}.record]\n{toml_lines(dict(each['record']))}"
        for rule, each in book.items()
    ]
    return "\n".join(parts)


def _digest(head: Mapping[str, Any], rules: Mapping[str, Any]) -> str:
    """The fingerprint (sha-256) of a version: what its files say, not how they are laid out."""
    content = [{key: value for key, value in head.items() if key != "digest"}, rules]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def versions(folder: str | Path) -> list[Version]:
    """Every version in a folder, the first first; [] where there is none. Raises ScenarioError with every problem where
    a file is missing or cannot be read, a number is missing or twice there, or a fingerprint is not what it should be:
    of what a version says, of the version before it, or of the scenario that it starts from."""
    folder = Path(folder)
    if not folder.exists():
        return []
    wrong: list[Problem] = []
    found: list[Version] = []
    for place in sorted(each for each in folder.iterdir() if FOLDER.fullmatch(each.name) and each.is_dir()):
        version = _read(place, wrong)
        if version is not None:
            found.append(version)
    wrong += [] if wrong else _broken(found)
    if wrong:
        raise ScenarioError(folder.name, wrong)
    return found


def _read(place: Path, wrong: list[Problem]) -> Version | None:
    """One version from its folder; None with the reasons in `wrong`."""
    texts = {}
    for name in (VERSION, RULES):
        where = f"{place.name}/{name}"
        try:
            texts[name] = tomllib.loads((place / name).read_text(encoding="utf-8-sig"))
        except OSError as error:
            wrong.append(Problem(where, f"cannot be read: {error.strerror}"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            wrong.append(Problem(where, f"is not TOML: {error}"))
    if len(texts) < 2:
        return None
    head, rules = texts[VERSION], texts[RULES]
    where = f"{place.name}/{VERSION}"
    if missing := [name for name in FIELDS if name not in head]:
        wrong += [Problem(where, "is missing", field=name) for name in missing]
        return None
    if head["digest"] != _digest(head, rules):
        expected = "is not the fingerprint of what stands here: it was edited after it was agreed"
        wrong.append(Problem(where, expected, field="digest", value=str(head["digest"])[:12]))
        return None
    fields = {name: head[name] for name in FIELDS} | {"on": date.fromisoformat(head["on"]), "book": rules}
    return Version(**fields | {"agreed": tuple(head["agreed"])})


def _broken(found: Sequence[Version]) -> list[Problem]:
    """Where a chain of versions, each sound by itself, is broken."""
    wrong: list[Problem] = []
    for place, version in enumerate(found, 1):
        where = f"version {version.number}"
        if version.number != place:
            expected = f"expected version {place}: one is missing, or there twice"
            return [*wrong, Problem(where, expected, field="number", value=str(version.number))]
        earlier = found[place - 2] if place > 1 else None
        if version.previous != (earlier.digest if earlier else ""):
            expected = "is not the fingerprint of the version before it"
            wrong.append(Problem(where, expected, field="previous", value=version.previous[:12]))
        if earlier and version.before != earlier.after:
            expected = f"is not the rule book that version {earlier.number} left"
            wrong.append(Problem(where, expected, field="before", value=version.before[:12]))
    return wrong


# --- going back, and comparing ----------------------------------------------------------------------------------------


def restore(scenario: Scenario, folder: str | Path, number: int | None = None) -> Scenario:
    """The scenario as a version left it (the last one by default), from the scenario that the first was made from; that
    scenario itself for 0 or where there are none. Raises ScenarioError where the versions are not sound, there is no
    such number, or a fingerprint shows that the scenario is another one."""
    found = versions(folder)
    number = len(found) if number is None else number
    if not 0 <= number <= len(found):
        problem = Problem("versions", f"expected 0 to {len(found)}", field="number", value=str(number))
        raise ScenarioError(Path(folder).name, [problem])
    for version in found[:number]:
        if scenario.digest != version.before:
            expected = "was made from another scenario than this one: its files were changed since"
            problem = Problem(f"version {version.number}", expected, field="before", value=version.before[:12])
            raise ScenarioError(Path(folder).name, [problem])
        scenario = scenario.change(version.change)
    if number and scenario.digest != found[number - 1].after:
        expected = "is not what its change gives: it was agreed with another release of allocate, or edited"
        problem = Problem(f"version {number}", expected, field="after", value=found[number - 1].after[:12])
        raise ScenarioError(Path(folder).name, [problem])
    return scenario


def compare_versions(one: Version | Scenario, other: Version | Scenario) -> pd.DataFrame:
    """What differs between two versions (or a version and a scenario): rule ('' for a figure outside the rules), what
    ('added', 'taken out', 'changed'), field (of a rule, or the whole path), before, after (as values; '' for a blank),
    sentence_before, sentence_after ('' where there is none). One row a rule added or taken out, and a row a field that
    changed. Figures outside the rules are those that some version changed; versions must be of one folder."""
    books = [book_of(each) if isinstance(each, Scenario) else each.book for each in (one, other)]
    rows = [
        row for key in sorted({*books[0], *books[1]}) for row in _rule_rows(key, books[0].get(key), books[1].get(key))
    ]
    known = {
        path: both["read"] for each in (one, other) if isinstance(each, Version) for path, both in each.figures.items()
    }
    for path in sorted(known):
        was, now = (_now(each, path, known[path]) for each in (one, other))
        if was != now:
            rows.append(["", "changed", path, was, now, "", ""])
    return pd.DataFrame(rows, columns=COMPARED)


def _now(each: Version | Scenario, path: str, read: Any) -> Any:
    """What a figure outside the rules is in a version or a scenario, given what it was when first read."""
    if isinstance(each, Scenario):
        return _cells(each, path).get(path, "")
    return each.figures[path]["now"] if path in each.figures else read


def _rule_rows(key: str, was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[list[Any]]:
    """What became of a rule, a row a field."""
    said = ["" if each is None else each["sentence"] for each in (was, now)]
    if was is None or now is None:
        return [[key, "added" if was is None else "taken out", "", "", "", *said]]
    old, new = was["record"], now["record"]
    changed = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    return [[key, "changed", name, old.get(name, ""), new.get(name, ""), *said] for name in changed]


__all__ = ["Version", "accept", "book_of", "compare_versions", "restore", "versions"]
