"""What a visitor has drafted, and the page's address that says it: the same paths and values as `--set` takes.

An address reads `?scenario=tiny&base=1a2b3c4d5e6f&envelopes.core.amount=950000&why.envelopes.core.amount=Grant+cut`, so
that a link restores the draft on any machine that has the scenario, and can be read by a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from shlex import quote
from typing import Any
from unicodedata import category

from allocate.commons.apart.fallbacks import FALLBACKS
from allocate.scenario.paths import Path, parse
from allocate.scenario.tables import TABLES
from allocate.scenario.values import parse_value, value_text

DIGITS = 12
"""Of a scenario's fingerprint, that a link carries."""
UNSEEN = ("Cc", "Cf", "Co", "Cs")
"""Kinds of letters that are not seen, or turn the direction of what is."""
LONGEST = 300
"""Characters of a reason."""
WORDS = ("scenario", "base", "seat", "answers")
DRAWN = "drawn."
"""What begins so is asked of Places (see `asked`), and no part of the draft."""
LISTS = ("plans", "pinned")
"""What stands as several values under one name."""


@dataclass(frozen=True)
class Draft:
    """One visitor's view: nothing else decides what a page shows.

    `scenario` is its id and `base` the start of its fingerprint; `changes` maps paths to values and `reasons` paths to
    texts; `seat` is `partners.<id>`, `places.<id>` or ''; `plans` are the kept plans under comparison; `pinned` are the
    paths of figures that were brought onto the panels; `answers` is the kept plan that this draft is a reply to;
    `fallback` is what no deal is taken to mean, '' for apart.
    """

    scenario: str
    base: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    seat: str = ""
    plans: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()
    answers: str = ""
    fallback: str = ""

    def changed(self, path: str, value: Any) -> Draft:
        """With one path set to a value, told last."""
        path = spelled(path)
        # A rule told whole, or taken out, leaves nothing of what was told of its figures.
        whole = path.startswith("rules.") and path.count(".") == 1
        rest = {
            told: old
            for told, old in self.changes.items()
            if told != path and not (whole and told.startswith(f"{path}."))
        }
        return replace(self, changes=rest | {path: value})

    def without(self, *paths: str) -> Draft:
        """With these paths as they were read, and the reasons for them gone."""
        return replace(
            self,
            changes={path: value for path, value in self.changes.items() if path not in paths},
            reasons={path: text for path, text in self.reasons.items() if path not in paths},
        )

    def because(self, path: str, reason: str) -> Draft:
        """With a reason for a change; a blank one takes it away."""
        path = spelled(path)
        rest = {told: text for told, text in self.reasons.items() if told != path}
        shown = "".join(letter for letter in reason if letter.isspace() or category(letter) not in UNSEEN)
        text = " ".join(shown.split())[:LONGEST]
        return replace(self, reasons=rest | ({path: text} if text else {}))


def spelled(path: str) -> str:
    """A path with its field: `envelopes.core` as `envelopes.core.amount`, so that a figure has one name in a draft."""
    named = parse(path)
    if not isinstance(named, Path) or named.table == "rules":
        return path
    return ".".join((named.table, *named.keys, named.field))


def to_query(draft: Draft, version: bool = False) -> dict[str, str | list[str]]:
    """A draft as an address's parameters; what is at its default is left out. With `version` it names the version of
    the scenario although nothing depends on it yet: one that was uploaded is found by nothing else."""
    query: dict[str, str | list[str]] = {"scenario": draft.scenario}
    if draft.changes or draft.plans or version:
        query["base"] = draft.base[:DIGITS]
    query |= {name: value for name in ("seat", "answers", "fallback") if (value := getattr(draft, name))}
    query |= {name: list(values) for name in LISTS if (values := getattr(draft, name))}
    query |= {path: value_text(value) for path, value in draft.changes.items()}
    return query | {f"why.{path}": text for path, text in draft.reasons.items() if path in draft.changes}


def from_query(query: Iterable[tuple[str, Sequence[str]]], scenario: str) -> tuple[Draft, list[str]]:
    """The draft that an address asks for, and what in it means nothing, in words. `scenario` where it names none.
    Whether its changes can be made is for the scenario to say."""
    draft, told = Draft(scenario), []
    for name, values in query:
        last = values[-1] if values else ""
        if name in WORDS:
            fields: dict[str, Any] = {name: last}
            draft = replace(draft, **fields)
        elif name == "fallback" and last in FALLBACKS:
            draft = replace(draft, fallback=last)
        elif name in LISTS:
            fields = {name: tuple(dict.fromkeys(values))}
            draft = replace(draft, **fields)
        elif name.startswith(DRAWN):
            continue
        elif name.startswith("why."):
            draft = draft.because(name.removeprefix("why."), last)
        elif name.split(".")[0] in (*TABLES, "rules") and "." in name:
            draft = draft.changed(name, parse_value(last))
        else:
            told.append(f"This link says “{name}”, which means nothing here. It was left out.")
    return replace(draft, reasons={path: why for path, why in draft.reasons.items() if path in draft.changes}), told


def reproduce(draft: Draft, folder: str, verb: str = "solve") -> str:
    """The command line that gives the same plan, or asks something else of it."""
    sets = (f" --set {quote(f'{path}={value_text(value)}')}" for path, value in draft.changes.items())
    return f"allocate {verb} {quote(folder)}" + "".join(sets)
