"""One visitor's state: the draft, kept in step with the page's address. The only module that owns session keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from allocate.commons.apart.fallbacks import APART
from allocate.errors import AllocateError, Problem, ScenarioError
from allocate.scenario.scenario import Scenario
from allocate.scenario.values import value_text
from allocate.ui import asked as places_asked
from allocate.ui import solving
from allocate.ui.address import DIGITS, Draft, from_query, to_query
from allocate.ui.asked import Asked
from allocate.ui.knobs import Knob

DRAFT, TOLD, RUNS, TURNED, PAGE, SEEDED = "draft", "told", "runs", "turned", "page", "seeded"
KEPT, MOVED, WRITTEN, ASKED = "kept", "moved", "written", "asked"


def draft() -> Draft:
    """The visitor's draft."""
    return st.session_state[DRAFT]


def put(new: Draft) -> None:
    """Replace the draft; the address follows at the next `keep_address`."""
    st.session_state[DRAFT] = new
    st.session_state[MOVED] = True


def asked() -> Asked:
    """What the visitor asks of Places."""
    return st.session_state[ASKED]


def ask(**fields: Any) -> None:
    """Ask something else of Places; the address follows at the next `keep_address`."""
    st.session_state[ASKED] = replace(asked(), **fields)
    st.session_state[MOVED] = True


def ask_as(field: str, key: str, unit: float = 1.0) -> None:
    """Ask of Places what a widget says, in its unit; a number within what may be asked."""
    said = st.session_state[key]
    is_number = field in places_asked.RANGES and said is not None
    ask(**{field: type(said)(places_asked.clamped(field, said * unit)) if is_number else said})


def runs() -> solving.Runs:
    """The visitor's solves."""
    return st.session_state.setdefault(RUNS, solving.Runs())


def begin(first: Callable[[], str]) -> None:
    """At the start of every run of a page: the draft from the address, where there is none yet, or where the visitor
    went back or forward in his browser. `first` gives the scenario to open where the address names none."""
    here = {name: st.query_params.get_all(name) for name in st.query_params}
    # A lever's move may come with the address of the run before: the browser had not yet heard of the newer one.
    walked = bool(here) and not st.session_state.get(MOVED) and here != st.session_state.get(WRITTEN, here)
    if DRAFT not in st.session_state or walked:
        opened, told = from_query(here.items(), first())
        put(opened)
        st.session_state[ASKED], more = places_asked.from_query(here.items())
        tell(*told, *more)


def arrive(page: str) -> None:
    """A page begins. On another page than before every widget is a new one to Streamlit, though its key is the same and
    still has the value of the old one: each must be given its value again."""
    if st.session_state.get(PAGE) != page:
        st.session_state[PAGE], st.session_state[SEEDED] = page, set()


def keep_address(version: bool = False) -> None:
    """Write the draft into the address, if it is not there yet. `version` as in `to_query`."""
    query = to_query(draft(), version) | places_asked.to_query(asked())
    listed = {name: [value] if isinstance(value, str) else value for name, value in query.items()}
    if {name: st.query_params.get_all(name) for name in st.query_params} != listed:
        st.query_params.from_dict(query)
    st.session_state[WRITTEN], st.session_state[MOVED] = listed, False


def tell(*messages: str) -> None:
    """Say something at the top of the page until the visitor moves on."""
    st.session_state[TOLD] = [*st.session_state.get(TOLD, []), *messages]


def told() -> list[str]:
    """What is to be said, once."""
    return st.session_state.pop(TOLD, [])


def fitting(base: Scenario) -> Scenario:
    """The draft's scenario. Changes that cannot be made are taken out of the draft and told, each in words."""
    current = draft()
    good = dict(current.changes)
    try:
        wanted = solving.change(base, good)
    except ScenarioError as error:
        # What the error names by its path is at fault by itself; the rest may stand, and together.
        for path in [path for path in good if any(problem.field == path for problem in error.problems)]:
            _refuse(path, good.pop(path), [problem for problem in error.problems if problem.field == path])
        good = _together(base, good)
        wanted = solving.change(base, good)
    # A figure told to be what it is already is no change.
    good = {path: value for path, value in good.items() if path in wanted.changes}
    if good != current.changes:
        put(replace(current, changes=good, reasons={p: why for p, why in current.reasons.items() if p in good}))
    return wanted


def _together(base: Scenario, changes: dict[str, Any]) -> dict[str, Any]:
    """These changes, without those that cannot be laid over the ones before them, each of which is told."""
    try:
        solving.change(base, changes)
        return changes
    except ScenarioError:
        pass
    good: dict[str, Any] = {}
    for path, value in changes.items():
        try:
            solving.change(base, good | {path: value})
        except ScenarioError as error:
            _refuse(path, value, error.problems)
        else:
            good[path] = value
    return good


def _refuse(path: str, value: Any, problems: Sequence[Problem]) -> None:
    """Tell that a change cannot be made, and why."""
    said = "; ".join(problem.expected + (f" ({problem.fix})" if problem.fix else "") for problem in problems)
    asked = "a new rule" if isinstance(value, dict) else value_text(value)
    tell(f"“{path}” cannot be “{asked}”: {said}. It was left as agreed.")


def seed(key: str, value: Any) -> str:
    """Put a widget's value in place before it is drawn, and return its key."""
    seeded = st.session_state.setdefault(SEEDED, set())
    if key not in seeded or st.session_state.get(key) != value:
        st.session_state[key] = value
        seeded.add(key)
    return key


def turn(knob: Knob, key: str, typed: bool = False) -> None:
    """A knob was moved: lay it over the draft, or take it off where it is back where it was, or was emptied."""
    shown = st.session_state[key]
    if knob.unit != "switch" and not typed:
        shown = knob.on_grid(shown)
    st.session_state[TURNED] = knob
    put(_moved(draft(), knob, shown))


def _moved(current: Draft, knob: Knob, shown: Any) -> Draft:
    """A draft with a knob put somewhere; without it where that is where it was, or nowhere."""
    if shown is None or knob.at_base(shown):
        return current.without(knob.path)
    return current.changed(knob.path, knob.told(shown))


def next_moves(switches: Iterable[Knob] = ()) -> list[Draft]:
    """What the draft would be one step further with the lever that was moved last, either way; then with each of these
    switches turned. [] before anything was moved."""
    last, current = st.session_state.get(TURNED), draft()
    if last is None:
        return []
    now = last.shown(current.changes[last.path]) if last.path in current.changes else last.base
    ways = () if last.unit == "switch" else (now + last.step, now - last.step)
    steps = [_moved(current, last, each) for each in ways if last.low - 1e-9 <= each <= last.high + 1e-9]
    return steps + [_moved(current, each, not current.changes.get(each.path, each.base)) for each in switches]


def explain(path: str, key: str) -> None:
    """A reason was given for a change."""
    put(draft().because(path, st.session_state[key]))


def undo(*paths: str) -> None:
    """Put figures back as they were read."""
    put(draft().without(*paths))


def lay(changes: dict[str, Any], reason: str = "") -> None:
    """Lay several changes over the draft."""
    new = draft()
    for path, value in changes.items():
        new = new.changed(path, value).because(path, reason or new.reasons.get(path, ""))
    put(new)


def instead(changes: dict[str, Any], of: Iterable[str], reason: str = "") -> None:
    """Lay several changes over the draft in the place of others, whose reasons stay with the paths that do."""
    gone = [path for path in of if path not in changes]
    put(draft().without(*gone))
    lay(changes, reason)


def attempt(action: Callable[[], Any]) -> Any:
    """Do something that may be refused, and say the refusal at the top of the page; None where it was."""
    try:
        return action()
    except AllocateError as error:
        tell(str(error))
        return None


def on(digest: str) -> None:
    """The draft stands on this version of the scenario."""
    if draft().base != digest[:DIGITS]:
        put(replace(draft(), base=digest[:DIGITS]))


def sit(seat: str) -> None:
    """Take a seat: `partners.<id>`, `places.<id>`, or '' for the whole system."""
    put(replace(draft(), seat=seat))


def fall_back(key: str) -> None:
    """What no deal is taken to mean was chosen; apart needs no word in the address."""
    chosen = st.session_state[key]
    put(replace(draft(), fallback="" if chosen == APART else chosen))


def pin(path: str) -> None:
    """Bring a figure onto its panel."""
    put(replace(draft(), pinned=tuple(dict.fromkeys([*draft().pinned, path]))))


def compare_with(kept: str) -> None:
    """Lay a kept plan beside the draft for comparison; the last four stay."""
    put(replace(draft(), plans=tuple(dict.fromkeys([*draft().plans, kept]))[-4:]))


def once(name: str, key: str, make: Callable[[], Any]) -> Any:
    """What `make` makes, made again only when the key is another."""
    if st.session_state.get(f"once-{name}", (None,))[0] != key:
        st.session_state[f"once-{name}"] = (key, make())
    return st.session_state[f"once-{name}"][1]


def kept() -> None:
    """A plan was kept."""
    st.session_state[KEPT] = kept_so_far() + 1


def kept_so_far() -> int:
    """Plans that this visitor has kept."""
    return st.session_state.get(KEPT, 0)
