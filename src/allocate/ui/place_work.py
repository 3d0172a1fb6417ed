"""What Places works out for a visitor: practices, a drawing of them, fair shares, distances and the pace of change,
each as far as the one before it stands."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from allocate import places
from allocate.errors import AllocateError, Problem, ScenarioError
from allocate.places import Drawing, Practices, pace, stability
from allocate.places.practices import short
from allocate.scenario.words import slug
from allocate.ui.asked import SPLIT, Asked
from allocate.ui.serving import PRACTICES
from allocate.ui.solving import Shared
from allocate.ui.tray import Tray, as_path

ROUND = 100e6
"""Pounds that are shared where no sum was given."""
LIMITS = {"bands": ("floor", "ceiling"), "no-overshoot": ("floor", "ceiling"), "no-cash-loser": ("ceiling",)}
"""The limits on growth that a policy takes."""
FILES = {"file": "practice file", "places": "drawing", "opening": "opening positions", "before": "earlier file"}
"""Files that an address may name, in words."""
SHOWN = 30
"""Reasons that are told."""
GONE = "is not here any more: bring it again"

_practices: Shared[Practices | ScenarioError] = Shared(6)
_works: Shared[Work] = Shared(32)


@dataclass(frozen=True, eq=False)
class Work:
    """What is known, as far as it goes: `faults` says by stage (file, drawing, opening, pace, before) why it goes no
    further there.

    system      the code of the one that is drawn, or is to be; '' where none is known
    amounts     pounds by the need that shares them: those that were given, all that places open with, or a round sum
    targets     as `Drawing.targets`; distances as `Drawing.distance`; path as the tables of `places.pace`
    moved       what has changed since an earlier file, as `stability.moved`
    """

    asked: Asked
    practices: Practices | None = None
    system: str = ""
    drawing: Drawing | None = None
    amounts: Mapping[str, float] = field(default_factory=dict)
    targets: pd.DataFrame = field(default_factory=pd.DataFrame)
    opening: pd.Series | None = None
    distances: pd.DataFrame | None = None
    path: pd.DataFrame | None = None
    moved: pd.DataFrame | None = None
    faults: Mapping[str, AllocateError] = field(default_factory=dict)


def given_file() -> Path | None:
    """The practice file that the explorer was given when it was started; None where it was given none."""
    named = os.environ.get(PRACTICES, "")
    return Path(named) if named else None


def reasons(fault: AllocateError) -> list[str]:
    """What is wrong, a line each, the first of them."""
    told = [str(each) for each in getattr(fault, "problems", ())] or [str(fault)]
    return [*told[:SHOWN], *([f"And {len(told) - SHOWN} more."] if len(told) > SHOWN else [])]


def work(asked: Asked, tray: Tray, names: Iterable[str] = ()) -> Work:
    """Everything that is asked. `names` are of the system that is open: its namesake is drawn where none was chosen."""
    practices = practices_of(asked, tray)
    if practices is None or isinstance(practices, ScenarioError):
        return Work(asked, faults={} if practices is None else {"file": practices})
    system = asked.system or likely(practices, names)
    files = [tray.get(key) is not None for key in (asked.places, asked.opening, asked.before)]
    key = (practices.digest, practices.file, replace(asked, look=""), system, *files)
    return _works.made(key, partial(_worked, asked, practices, system, tray))


def practices_of(asked: Asked, tray: Tray, which: str = "file") -> Practices | ScenarioError | None:
    """The practice file that is asked for, or what is wrong with it; None where none is."""
    key, given = getattr(asked, which), given_file()
    if not key and which == "file" and given is not None:
        try:
            stamp = given.stat()
        except OSError as error:
            return ScenarioError(given.name, [Problem(given.name, f"cannot be read: {error.strerror}")])
        return _practices.made((given, stamp.st_mtime_ns, stamp.st_size), partial(_read, given))
    if not key:
        return None
    brought = tray.get(key)
    if brought is None:
        return _gone(which)

    def read() -> Practices | ScenarioError:
        with as_path(brought) as path:
            return _read(path)

    return _practices.made(key, read)


def _read(path: Path) -> Practices | ScenarioError:
    try:
        return places.read(path)
    except ScenarioError as error:
        return error


def _gone(which: str) -> ScenarioError:
    return ScenarioError(which, [Problem(f"The {FILES[which]} of this link", GONE)])


def likely(practices: Practices, names: Iterable[str]) -> str:
    """The only system of a file, or the one that has one of these names; '' where there is neither."""
    codes = {slug(short(str(name))): str(code) for code, name in practices.systems["name"].items()}
    if len(codes) == 1:
        return next(iter(codes.values()))
    return next((codes[slug(name)] for name in names if slug(name) in codes), "")


def _worked(asked: Asked, practices: Practices, system: str, tray: Tray) -> Work:
    faults: dict[str, AllocateError] = {}
    asked_for_file = asked.by == "file"
    if not (system or (asked_for_file and asked.places)) or (asked_for_file and not asked.places):
        return Work(asked, practices, system)
    try:
        drawing = drawn(asked, practices, system, tray)
    except ScenarioError as error:
        return Work(asked, practices, system, faults={"drawing": error})
    opening = None
    if asked.opening:
        try:
            opening = _opening(asked, drawing, tray)
        except ScenarioError as error:
            faults["opening"] = error
    amounts = asked.amounts or {"core": ROUND if opening is None else float(opening.sum())}
    made = Work(asked, practices, drawing.systems[0], drawing, amounts, faults=faults)
    return _shared(made, opening, system, tray)


def _shared(made: Work, opening: pd.Series | None, system: str, tray: Tray) -> Work:
    """Fair shares of a drawing, and what follows from opening positions and from an earlier file."""
    drawing, asked, faults = made.drawing, made.asked, dict(made.faults)
    assert drawing is not None
    found: dict[str, Any] = {"opening": opening}
    try:
        targets = drawing.targets(made.amounts)
    except ScenarioError as error:
        return replace(made, amounts={}, faults=faults | {"money": error})
    if opening is not None:
        try:
            found["distances"] = drawing.distance(opening, made.amounts)
        except ScenarioError as error:
            faults["opening"], found["opening"], opening = error, None, None
    if opening is not None:
        try:
            found["path"] = _paced(asked, drawing, opening)
        except AllocateError as error:
            faults["pace"] = error
    if asked.before:
        try:
            found["moved"] = stability.moved(_earlier(asked, system, tray), drawing, made.amounts)
        except ScenarioError as error:
            faults["before"] = error
    return replace(made, targets=targets, faults=faults, **found)


def drawn(asked: Asked, practices: Practices, system: str, tray: Tray) -> Drawing:
    """The places that are asked for. Raises ScenarioError with everything that is wrong with them."""
    if asked.by == "file":
        brought = tray.get(asked.places)
        if brought is None:
            raise _gone("places")
        with as_path(brought) as path:
            drawing = places.draw(practices, system or None, path, asked.rest)
    else:
        drawing = places.draw(practices, system, asked.by, asked.rest)
    for put in asked.put:
        name, *entries = put.split(SPLIT)
        drawing = drawing.putting(name, entries)
    return drawing


def _opening(asked: Asked, drawing: Drawing, tray: Tray) -> pd.Series:
    brought = tray.get(asked.opening)
    if brought is None:
        raise _gone("opening")
    with as_path(brought) as path:
        return drawing.opening(path)


def _paced(asked: Asked, drawing: Drawing, opening: pd.Series) -> pd.DataFrame:
    """The way to fair shares. Money that was given is that of the first year; else it grows from what places have."""
    first = asked.amounts or {"core": float(opening.sum()) * (1 + asked.growth)}
    targets = drawing.targets(first)
    money = pace.growing(targets["target"].sum(), asked.years, asked.growth, drawing.practices.year)
    limits = {name: value for name in LIMITS.get(asked.pace, ()) if (value := getattr(asked, name)) is not None}
    return pace.POLICIES[asked.pace](opening, targets["share"], money, **limits)


def _earlier(asked: Asked, system: str, tray: Tray) -> Drawing:
    """The same places drawn on an earlier file."""
    before = practices_of(asked, tray, "before")
    if before is None or isinstance(before, ScenarioError):
        raise before or _gone("before")
    return drawn(asked, before, system, tray)
