"""The levers, and what was changed with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import streamlit as st

from allocate.plan.plan import Plan
from allocate.plan.telling import shaping
from allocate.scenario.paths import panel as panel_of
from allocate.scenario.scenario import Scenario
from allocate.ui import parts, sharing, state
from allocate.ui.address import LONGEST, Draft
from allocate.ui.desk import View, shelf
from allocate.ui.knobs import PANELS, Knob, Panel, as_read, knobs, label_of, overtaken, words

SHOWN = 3
"""Levers in a panel before anybody asks for more."""
ABOUT: dict[Panel, tuple[str, str]] = {
    "decision": ("Decisions", "What you may decide"),
    "rule": ("Rules", "What you have agreed"),
    "assumption": ("Assumptions", "What nobody knows for sure"),
}


def aside(draft: Draft, which: Sequence[Panel], view: View | Scenario) -> None:
    """The side of a page: which scenario, whose seat, and the levers of these panels, which take a view of plans."""
    with st.sidebar:
        _scenario(draft)
        if isinstance(view, Scenario):
            _seat(draft, view)
            return
        _seat(draft, view.agreed)
        for panel in which:
            _panel(view, panel)


def _scenario(draft: Draft) -> None:
    names = dict(shelf().names())
    names.setdefault(draft.scenario, draft.scenario)
    with st.popover(parts.safe(names[draft.scenario]), key="scenarios", width="stretch", help="Open another scenario"):
        key = state.seed("scenario-chosen", draft.scenario)
        st.selectbox(
            "Scenario", list(names), format_func=lambda each: names[each], key=key,
            on_change=lambda: state.put(Draft(st.session_state[key])),
        )  # fmt: skip


def _seat(draft: Draft, scenario: Scenario) -> None:
    seats = {"": "The whole system"}
    seats |= {f"partners.{row.id}": row.name for row in scenario.partners.itertuples()}
    seats |= {f"places.{row.id}": f"{row.name} (place)" for row in scenario.places.itertuples()}
    key = state.seed("seat-taken", draft.seat)
    st.selectbox(
        "Your seat", list(seats), format_func=lambda each: seats[each], key=key,
        help="Tells every page from one partner's or place's side.",
        on_change=lambda: state.sit(st.session_state[key]),
    )  # fmt: skip


def _panel(view: View, panel: Panel) -> None:
    name, about = ABOUT[panel]
    st.html(f"<div class='al-panel al-panel-{panel}'><h2>{name}</h2><p>{about}</p></div>")
    every = {path: knob for path, knob in knobs(view.agreed).items() if knob.panel == panel}
    shown = _shown(view, every, panel)
    for path in shown:
        lever(view.draft, every[path], "side", wanted=view.wanted)
    others = [path for path in every if path not in shown]
    if others:
        # In a popover: a box to choose from is slow to draw, and would be drawn anew with every move.
        with st.popover("Change something else", key=f"others-{panel}", width="stretch"):
            key = f"more-{panel}"
            st.selectbox(
                "What else?", others, index=None, format_func=lambda path: every[path].label, key=key,
                placeholder="Choose a figure", on_change=_pin, args=(key,),
            )  # fmt: skip


def _shown(view: View, every: dict[str, Knob], panel: Panel) -> list[str]:
    """The paths of a panel's levers: the weightiest, what was changed, and what was asked for."""
    first = _dearest_rules(view.base, every) if panel == "rule" else list(every)[:SHOWN]
    asked = [path for path in (*view.draft.changes, *view.draft.pinned) if path in every]
    return list(dict.fromkeys([*first, *asked]))


def _dearest_rules(base: Plan | None, every: dict[str, Knob]) -> list[str]:
    """The switches of the rules that shape the plan as agreed most, so that levers stay where they are."""
    names = [path.split(".")[1] for path in every]
    if base is not None and base.has_prices:
        names = [*_shaping(base), *names]
    chosen = list(dict.fromkeys(names))[:SHOWN]
    return [path for name in chosen if (path := f"rules.{name}.in_force") in every]


def switches(view: View) -> list[Knob]:
    """The switches of rules that stand on the panel."""
    every = {path: knob for path, knob in knobs(view.agreed).items() if knob.panel == "rule"}
    return [every[path] for path in _shown(view, every, "rule") if every[path].unit == "switch"]


_known: WeakKeyDictionary[Plan, list[str]] = WeakKeyDictionary()


def _shaping(plan: Plan) -> list[str]:
    """The ids of the rules that shape a plan, the dearest first."""
    if plan not in _known:
        table = shaping(plan)
        _known[plan] = list(table.loc[table["kind"] == "rule", "id"])
    return _known[plan]


def _pin(key: str) -> None:
    """Bring a figure onto its panel."""
    path = st.session_state[key]
    if path:
        state.pin(path)
        st.session_state[key] = None


def _now(knob: Knob, wanted: Scenario | None) -> Any:
    """Where a knob stands that no change names: as it was read, or where a wider change has put it; None where its rule
    was taken out."""
    if wanted is None or knob.unit == "factor":
        return knob.base
    if knob.panel == "rule" and all(rule.id != knob.path.split(".")[1] for rule in wanted.rules):
        return None
    figure = as_read(wanted, knob.path)
    return knob.base if figure is None else knob.shown(figure)


def lever(
    draft: Draft, knob: Knob, area: str, label: str | None = None, typed: bool = False, wanted: Scenario | None = None,
    bare: bool = False,
) -> None:  # fmt: skip
    """One knob, and once it was moved a box for the reason. `area` tells apart the places a knob may be shown in; with
    `typed` the figure is typed instead of slid; `wanted` is the draft's scenario, where a wider change may have moved
    the figure. `bare`: a switch without its words, a box without its help, and no reason, for where these stand
    elsewhere."""
    key = f"{area}:{knob.path}"
    value: Any = knob.shown(draft.changes[knob.path]) if knob.path in draft.changes else _now(knob, wanted)
    if value is None:
        text = f"{label or knob.label}: another change holds this. Undo that to move it here."
        st.html(parts.paragraph(text, "text"))
        if not bare:
            reason(draft, knob.path, area, knob.label)
        return
    state.seed(key, value)
    said = parts.safe(label or knob.label)
    help = parts.safe(knob.help) if knob.help and not bare else None
    call = {"key": key, "on_change": state.turn, "args": (knob, key, typed), "help": help}
    if knob.unit == "switch":
        st.toggle(said, label_visibility="collapsed" if bare else "visible", **call)
    elif typed:
        wide: Any = "stretch" if bare else 220
        st.number_input(said, value=None, step=knob.step, format=knob.typed, width=wide, **call)
    else:
        low, high = min(knob.low, value), max(knob.high, value)
        st.slider(said, low, high, step=knob.step, format=knob.format, **call)
    if knob.path in draft.changes and not bare:
        reason(draft, knob.path, area, knob.label)


def reason(draft: Draft, path: str, area: str, label: str) -> None:
    """The box for the reason of a change."""
    key = state.seed(f"why:{area}:{path}", draft.reasons.get(path, ""))
    st.text_input(
        f"Why change {parts.safe(label)}?", key=key, placeholder="Why? Printed with the plan", max_chars=LONGEST,
        label_visibility="collapsed", on_change=state.explain, args=(path, key),
    )  # fmt: skip


def strip(view: View) -> None:
    """What differs from the plan as agreed, always on the page, each with its reason and a way back."""
    draft, agreed = view.draft, view.agreed
    with st.container(key="changed"):
        count = len(draft.changes)
        said = f"{count} {'change' if count == 1 else 'changes'}" if count else "nothing. This is the plan as agreed."
        past = overtaken(agreed, draft.changes)
        with st.container(horizontal=True, vertical_alignment="center", key="changed-head"):
            st.html(f"<p class='al-text al-grow'><strong>Changed from base:</strong> {said}</p>")
            if count > 1:
                st.button("Undo all", on_click=state.undo, args=tuple(draft.changes), key="undo-all")
            sharing.keeping(view)
        for path, value in draft.changes.items():
            with st.container(horizontal=True, vertical_alignment="center", key=f"change-{path}"):
                why = draft.reasons.get(path, "")
                why = f"{why} (does nothing now: a later change covers it)".strip() if path in past else why
                st.html(change_said(agreed, path, value, why, view.wanted))
                st.button(
                    "Undo", key=f"undo:{path}", on_click=state.undo, args=(path,),
                    help=f"Put back: {parts.safe(label_of(agreed, path))}",
                )  # fmt: skip


def change_said(agreed: Scenario, path: str, value: Any, why: str = "", wanted: Scenario | None = None) -> str:
    """HTML of one change: whose it is, what, from what to what, and why. A new rule is said in full where `wanted`, the
    scenario that has it, is given."""
    panel = panel_of(path)
    was, now = as_read(agreed, path), words(agreed, path, value)
    rule = next((each for each in wanted.rules if path == f"rules.{each.id}"), None) if wanted else None
    if rule is not None:
        now = rule.sentence(agreed)
    before = f"{words(agreed, path, was)} → " if was is not None and rule is None else ""
    reason = f" <em>{parts.plain(why)}</em>" if why else ""
    return (
        f"<p class='al-text al-change'><span class='al-tag al-tag-{panel}'>{panel.capitalize()}</span> "
        f"{parts.plain(label_of(agreed, path))}: <strong>{parts.plain(before + now)}</strong>{reason}</p>"
    )


__all__ = ["PANELS", "aside", "change_said", "lever", "reason", "strip"]
