"""When the rules cannot all hold: a page, not an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from allocate.errors import GiveWay, NoPlan
from allocate.plan.figures import pounds
from allocate.rules.kinds import Binding
from allocate.ui import parts, state
from allocate.ui.desk import View
from allocate.ui.knobs import as_read, label_of, title, words

MOST = 6
"""Of what clashes, that is named at once."""


def clash(view: View) -> None:
    """Why there is no plan, and the ways out, each to be tried with one click."""
    found = view.clash
    if found is None:
        parts.draw(parts.verdict(view.broken, "bad", "No answer can be given."), key="verdict")
        _take_back(view)
        return
    lead = "These rules cannot all be met."
    named = [_clashing(view, path) for path in found.together[:MOST]]
    more = len(found.together) - MOST
    named += [f"And {more} more."] if more > 0 else []
    text = "No plan keeps all of these within the money:" if named else found.message.partition(". ")[0] + "."
    parts.draw(parts.verdict(text, "bad", lead, list(filter(None, named))), key="verdict")
    parts.announce(lead)
    _take_back(view)
    if not found.ways and not found.instead:
        st.html(parts.paragraph(found.message) + parts.lines(found.easings))
    _ways(view, found.ways, _needed(found), "way")
    _ways(view, found.instead, "Or one of these, on its own", "instead")
    st.html(parts.paragraph("Prices and charts are not shown while the rules clash: they would mean nothing."))


def _take_back(view: View) -> None:
    """The first way out: the way the visitor came in."""
    if not view.draft.changes:
        return
    last = list(view.draft.changes)[-1]
    with st.container(border=True, key="card-take-back"):
        st.html(parts.title("Take back what you changed last"))
        label = f"Undo the last change: {parts.safe(label_of(view.agreed, last))}"
        st.button(label, key="undo-last", on_click=state.undo, args=(last,))


def _clashing(view: View, path: str) -> str:
    """A rule, or an envelope, that is part of a clash."""
    table, _, key = path.partition(".")
    if table == "rules":
        rule = next((rule for rule in view.wanted.rules if rule.id == key), None)
        return f"{title(key)}: {rule.sentence(view.wanted)}." if isinstance(rule, Binding) else ""
    if table == "envelopes":
        amount = view.wanted.envelopes.set_index("id")["amount"].loc[[key]].sum()
        return f"{view.wanted.name_of(table, key)} holds {pounds(amount, view.wanted.heading.currency)}."
    return f"{view.wanted.name_of(table, key)} runs out."


def _needed(found: NoPlan) -> str:
    return "The smallest way out, in pounds" + (": all of these together" if len(_grouped(found.ways)) > 1 else "")


def _grouped(ways: Sequence[GiveWay]) -> list[list[GiveWay]]:
    """Ways that one change brings about, together."""
    groups: dict[str, list[GiveWay]] = {}
    for way in ways:
        groups.setdefault(f"{way.rule} {dict(way.change)}", []).append(way)
    return list(groups.values())


def _ways(view: View, ways: Sequence[GiveWay], heading: str, key: str) -> None:
    groups = _grouped(ways)
    if not groups:
        return
    with st.container(border=True, key=f"card-{key}"):
        st.html(parts.title(heading))
        for number, group in enumerate(groups):
            with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-{number}"):
                st.html(_told(view, group))
                if key == "instead" or len(groups) == 1:
                    _try(dict(group[0].change), "Try this", f"try-{key}-{number}")
        if key == "way" and len(groups) > 1:
            _try({path: value for way in ways for path, value in way.change.items()}, "Try all of them", "try-all")


def _try(change: dict[str, Any], label: str, key: str) -> None:
    st.button(label, type="primary", key=key, on_click=state.lay, args=(change,))


def _told(view: View, group: Sequence[GiveWay]) -> str:
    """HTML of what gives way, where, and the change that does it."""
    way, rules = group[0], {rule.id: rule for rule in view.wanted.rules}
    rule = rules.get(way.rule)
    said = rule.sentence(view.wanted) if isinstance(rule, Binding) else way.sentence
    places = _places(view, group, said) if isinstance(rule, Binding) else ""
    firm = " <span class='al-tag al-tag-flat'>In law</span>" if way.standing == "statutory" else ""
    asks = "; ".join(
        f"{label_of(view.agreed, path)}: {before(view, path)}{words(view.agreed, path, value)}"
        for path, value in way.change.items()
    )
    strong = f"<strong>{parts.plain(asks)}</strong>{firm}"
    return f"<p class='al-text al-grow'>{strong}<br>{parts.plain(said + '.' + places)}</p>"


def _places(view: View, group: Sequence[GiveWay], said: str) -> str:
    """For whom a rule stands in the way, by how many pounds each, the most first; and how far its easing reaches."""
    order = sorted(group, key=lambda each: -each.amount)
    where = [" ".join(filter(None, (each.sentence.removeprefix(said).lstrip(": "), _by(view, each)))) for each in order]
    if not group[0].part:
        return f" It stands in the way by {_by(view, group[0]).strip('()')}." if _by(view, group[0]) else ""
    more = len(where) - MOST
    named = "; ".join(filter(None, where[:MOST])) + (f"; and {more} more" if more > 0 else "")
    eased = not any(path.endswith(".in_force") for path in group[0].change)
    wide = " This loosens the rule for every line it covers." if eased else ""
    return f" It stands in the way for: {named}.{wide}"


def _by(view: View, way: GiveWay) -> str:
    """By how many pounds a limit gives way, in brackets; '' where it is not of pounds."""
    return f"({pounds(way.amount, view.wanted.heading.currency)})" if way.measure == "spend" else ""


def before(view: View, path: str) -> str:
    """What stands at a path in the draft, with an arrow to what is to come; '' where nothing does."""
    now = as_read(view.wanted, path)
    return "" if now is None else f"{words(view.agreed, path, now)} → "
