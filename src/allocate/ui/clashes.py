"""When the rules cannot all hold: a page, not an error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from allocate.commons.proposing.payoffs import outcome_in_all, weights_of
from allocate.errors import AllocateError, NoPlan
from allocate.plan.clashing import Clashes
from allocate.plan.clashing import clash as look_for
from allocate.plan.explaining import aim_unit
from allocate.plan.figures import number, pounds
from allocate.plan.moves import NOISE
from allocate.plan.plan import Plan
from allocate.plan.words import count, some
from allocate.rules import wording
from allocate.scenario.rulebook import Rule
from allocate.ui import parts, state, tasks
from allocate.ui.desk import View
from allocate.ui.knobs import as_read, label_of, title, words
from allocate.ui.rule_rows import STANDINGS, marked
from allocate.ui.tasks import Task

MOST = 6
"""Of what clashes, or of ways out of one sort, that are shown at once."""
SECONDS = 120.0
"""That the search for every clash may take, unless it is stopped."""
HEADS = {
    "cheapest": "The cheapest way out", "fewest": "The fewest concessions",
    "fairest": "Asks least of any one partner", "drop": "Leave out whole rules",
}  # fmt: skip
ALSO = {"fewest": "It has the fewest concessions too.", "fairest": "It also asks least of any one partner."}
FLOORS = re.compile(r"(?<=floor): |(?<=floors): ")
"""Where the list of floors begins in a sentence of minima."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def clash(view: View) -> None:
    """Why there is no plan, and the ways out, each to be tried with one click."""
    found = view.clash
    if found is None:
        parts.draw(parts.verdict(view.broken, "bad", "No answer can be given."), key="verdict")
        _take_back(view)
        return
    lead = "These rules cannot all be met."
    parts.draw(parts.verdict(_why(found), "bad", lead, _named(view, found)), key="verdict")
    parts.announce(lead)
    _take_back(view)
    whole, ended = _every(view)
    if whole is None:
        _at_once(view, found)
    else:
        _clashing(view, whole, ended)
        _ways_out(view, whole)
        _raises(view, whole)
        _how(whole, ended)
    st.html(parts.paragraph("Prices and charts are not shown while the rules clash: they would mean nothing."))


def _why(found: NoPlan) -> str:
    """Where sums alone say no, the sums; else that it was looked for, or proved."""
    if found.minima:
        return FLOORS.split(found.minima[0])[0].rstrip(".") + (":" if FLOORS.search(found.minima[0]) else ".")
    return "No plan keeps all of these within the money:" if found.together else f"{found.message.partition('. ')[0]}."


def _named(view: View, found: NoPlan) -> list[str]:
    """The floors whose sums say no; else what was proved not to hold together."""
    if found.minima:
        floors = FLOORS.split(found.minima[0])[1:]
        return [f"{title(rule)}{rest}" for rule, rest in map(_split, "".join(floors).rstrip(".").split("; ")) if rule]
    named = [_part(view, path) for path in found.together[:MOST]]
    more = len(found.together) - MOST
    return [*filter(None, named), *([f"And {more} more."] if more > 0 else [])]


def _split(floor: str) -> tuple[str, str]:
    """A floor's rule, and what is said of it."""
    rule = re.match(r"[^\s:]+", floor)
    return (rule[0], floor[rule.end() :]) if rule else ("", floor)


def _part(view: View, path: str) -> str:
    """A rule, or an envelope, that is part of a clash."""
    table, _, key = path.partition(".")
    if table == "rules":
        rule = _rules(view).get(key)
        return f"{title(key)}: {rule.sentence(view.wanted)}." if rule is not None else ""
    if table == "envelopes":
        amount = view.wanted.envelopes.set_index("id")["amount"].loc[[key]].sum()
        return f"{view.wanted.name_of(table, key)} holds {pounds(amount, view.wanted.heading.currency)}."
    return f"{view.wanted.name_of(table, key)} runs out."


def _take_back(view: View) -> None:
    """The first way out: the way the visitor came in."""
    if not view.draft.changes:
        return
    last = list(view.draft.changes)[-1]
    with st.container(border=True, key="card-take-back", horizontal=True, vertical_alignment="center"):
        was, now = as_read(view.agreed, last), words(view.agreed, last, view.draft.changes[last])
        arrow = f": {words(view.agreed, last, was)} → {now}" if was is not None else f": {now}"
        said = parts.plain(label_of(view.agreed, last) + arrow)
        head = "<h2 class='al-title'>Take back what you changed last</h2>"
        st.html(f"<div class='al-grow'>{head}<p class='al-text'>{said}</p></div>")
        st.button("Undo the last change", key="undo-last", on_click=state.undo, args=(last,))


def _rules(view: View) -> dict[str, Rule]:
    return {rule.id: rule for rule in view.wanted.rules}


# --- every clash and every way out -----------------------------------------------------------------------------------


def _every(view: View) -> tuple[Clashes | None, bool]:
    """Every clash and way out, and whether the search came to its end; None while it goes on, or where it failed."""
    scenario = view.wanted

    def work(task: Task) -> Clashes | AllocateError:
        try:
            return look_for(scenario, seconds=SECONDS, watch=task.watch)
        except AllocateError as error:
            return error

    found, ended = tasks.ask("clash", scenario.digest, work, "Looking for every clash and every way out")
    return found if isinstance(found, Clashes) and not found.possible else None, ended


def clashing(view: View) -> set[str]:
    """The rules that are known to take part in a clash: in a smallest one where all were looked for, else in what was
    proved. Empty where there is none."""
    if view.clash is None:
        return set()
    found = tasks.known("clash", view.wanted.digest)
    if isinstance(found, Clashes) and not found.clashes.empty:
        return set(found.clashes["rule"])
    return {path.partition(".")[2] for path in view.clash.together if path.startswith("rules.")}


def _clashing(view: View, found: Clashes, ended: bool) -> None:
    """Each smallest set of rules that cannot hold together, as a card."""
    table = found.clashes
    if table.empty:
        return
    note = "Each is as small as can be: without any one of its rules the others can be kept."
    if found.law:
        note = "These are law, and clash whatever partners agree. " + note
    st.html(parts.title("What cannot hold together", note))
    made = [_clash_card(view, rows, found.law) for _, rows in table.groupby("clash", sort=True)]
    more = f"<details class='al-figures'><summary>{len(made) - MOST} more</summary>{_cards(made[MOST:])}</details>"
    parts.draw(_cards(made[:MOST]) + (more if len(made) > MOST else ""), key="clashes")
    if not (found.complete and ended):
        st.html(parts.paragraph("There may be more: the search was ended before all were found."))


def _cards(made: Sequence[str]) -> str:
    return f"<div class='al-cards al-clash-cards'>{''.join(made)}</div>"


def _clash_card(view: View, rows: pd.DataFrame, law: bool) -> str:
    """HTML of one clash: how many rules it is of, each with whose it is."""
    rules, size = _rules(view), len(rows)
    head = "This rule cannot be kept" if size == 1 else f"These {_number(size)} rules cannot {_all(size)} be kept"
    rest = "<p class='al-note'>The law and the money leave no room for it.</p>" if size == 1 and not law else ""
    items = "".join(
        f"<li><strong>{parts.plain(title(row.rule))}</strong> "
        f"<span class='al-tag al-tag-flat'>{STANDINGS[row.standing]}</span> "
        f"<span class='al-who'>{parts.plain(view.wanted.name_of('partners', row.owner))}</span>"
        f"<p>{marked(rules[row.rule], view.wanted)}</p></li>"
        for row in rows.itertuples()
    )
    return f"<section class='al-card'><h3>{head}</h3>{rest}<ul class='al-sides'>{items}</ul></section>"


def _number(size: int) -> str:
    return NUMBERS[size] if size < len(NUMBERS) else str(size)


def _all(size: int) -> str:
    return "both" if size == 2 else "all"


# --- ways out --------------------------------------------------------------------------------------------------------


def _ways_out(view: View, found: Clashes) -> None:
    """The ways out: what eases rules first, then whole rules that could go. Ways that are one are one card."""
    table = found.ways
    if table.empty:
        return
    st.html(parts.title("Ways out", "Each was tried: a plan is possible with it. Trying one changes only your draft."))
    seen: dict[str, list[tuple[str, int, pd.DataFrame]]] = {}
    for key, rows in table.groupby("way", sort=True):
        kind, change = str(rows["kind"].iloc[0]), _change(rows)
        if change:
            seen.setdefault(repr(sorted(change.items())), []).append((kind, int(str(key)), rows))
    easing = [same for same in seen.values() if same[0][0] != "drop"]
    dropping = [same for same in seen.values() if same[0][0] == "drop"]
    with st.container(key="ways", gap="small"):
        for place, same in enumerate(easing):
            _way(view, found, same, f"way-{place}", first=place == 0)
        for place, same in enumerate(dropping[:MOST]):
            _way(view, found, same, f"drop-{place}")
        if len(dropping) > MOST:
            with st.expander(f"{len(dropping) - MOST} more sets of rules to leave out", key="more-drops"):
                for place, same in enumerate(dropping[MOST:], MOST):
                    _way(view, found, same, f"drop-{place}")


def _change(rows: pd.DataFrame) -> dict[str, Any]:
    """All paths of a way together; {} where there was no time to try one."""
    told = [change for change in rows["change"] if isinstance(change, Mapping)]
    return {path: value for change in told for path, value in change.items()}


def _way(
    view: View, found: Clashes, same: Sequence[tuple[str, int, pd.DataFrame]], key: str, first: bool = False
) -> None:
    """One way out: what changes, how much that is, whom to ask, what it buys, and a button that tries it."""
    kind, way, rows = same[0]
    head = HEADS[kind] if kind != "drop" or len(rows) > 1 else "Leave out a whole rule"
    if not rows["least"].all() and kind != "drop":
        head += ", of those found"
    also = " ".join(ALSO[other] for other, _, _ in same[1:] if other in ALSO)
    change = _change(rows)
    items = "".join(f"<li>{_step(view, path, value)}</li>" for path, value in change.items())
    if kind == "drop":
        names = wording.several([title(rule) for rule in rows["rule"]])
        items = f"<li><strong>{parts.plain(names)}</strong></li>"
    facts = " ".join([also, *_facts(view, found, way, rows)]).strip()
    with st.container(border=True, key=f"card-{key}", horizontal=True, vertical_alignment="center"):
        st.html(
            f"<div class='al-grow'><h3 class='al-title'>{head}</h3><ul class='al-steps'>{items}</ul>"
            f"<p class='al-note'>{parts.plain(facts)}</p></div>"
        )
        st.button(
            "Try this", type="primary" if first else "secondary", key=f"try-{key}", on_click=state.lay, args=(change,),
            help=parts.safe(f"{head}: " + "; ".join(label_of(view.agreed, path) for path in change)),
        )  # fmt: skip


def _step(view: View, path: str, value: Any) -> str:
    """HTML of one change of a way out: what, from what, to what, whose it is."""
    rule = _rules(view).get(path.split(".")[1]) if path.startswith("rules.") else None
    law = rule is not None and rule.standing == "statutory"
    firm = " <span class='al-tag al-tag-flat'>In law</span>" if law else ""
    said = f"{parts.plain(label_of(view.agreed, path))}: {parts.plain(before(view, path))}"
    now = parts.plain(words(view.agreed, path, value))
    return f"{said}<strong class='al-fig'>{now}</strong>{firm}"


def _facts(view: View, found: Clashes, way: int, rows: pd.DataFrame) -> list[str]:
    """How much gives way, what that costs where prices are published, whom to ask, and what the plan then buys."""
    sign, scenario, said = view.wanted.heading.currency, view.wanted, []
    asked = rows[rows["owner"] != ""]
    owners = asked.groupby("owner", sort=False)["pounds"].sum().sort_values(ascending=False, kind="stable")
    drop = rows["kind"].iloc[0] == "drop"
    total = float(rows["pounds"].sum())
    if total > 0 and not drop:
        said.append(f"{pounds(total, sign)} gives way, summed over all that the rules cover.")
    price = float(rows["price"].sum())
    if found.price_unit != sign and price > 0 and not drop:
        said.append(f"At published prices that costs {number(price)} {found.price_unit}.")
    if len(owners):
        names = [
            scenario.name_of("partners", owner) + (f" ({pounds(each, sign)})" if len(owners) > 1 and each > 0 else "")
            for owner, each in owners.items()
        ]
        mine = f"partners.{owners.index[0]}" == view.draft.seat and len(owners) == 1
        said.append("Yours to decide." if mine else f"Ask {some(names)}.")
    plan = found.plans.get(way)
    if plan is not None:
        said.append(_bought(plan, view.yardstick))
    return said


def _bought(plan: Plan, stands: Plan | None) -> str:
    """What a plan buys, against the one as agreed where there is one; and what bending rules costs it."""
    unit, weights = aim_unit(plan), weights_of(plan)
    bought = outcome_in_all(plan, weights)
    toll = bought - plan.value
    bent = f", and bends rules at a price of {number(toll)} {unit}" if toll > NOISE * abs(bought) else ""
    if stands is None:
        return f"The plan then buys {number(bought)} {unit}{bent}."
    more = bought - outcome_in_all(stands, weights)
    if abs(more) < NOISE * abs(bought):
        return f"The plan then buys as much as the plan as agreed{bent}."
    much = f"{number(abs(more))} {unit} {'more' if more > 0 else 'less'}"
    return f"The plan then buys {much} than the plan as agreed{bent}."


def _raises(view: View, found: Clashes) -> None:
    """Single envelopes that would do it alone."""
    table = found.raises
    if table.empty:
        return
    st.html(parts.title("Or more money", "Every rule as it is; one of these alone would do."))
    with st.container(key="raises", gap="small"):
        for place, row in enumerate(table.itertuples()):
            with st.container(border=True, key=f"card-instead-{place}", horizontal=True, vertical_alignment="center"):
                items = "".join(f"<li>{_step(view, path, value)}</li>" for path, value in row.change.items())
                st.html(f"<ul class='al-steps al-grow'>{items}</ul>")
                st.button("Try this", key=f"try-instead-{place}", on_click=state.lay, args=(dict(row.change),))


def _how(found: Clashes, ended: bool) -> None:
    """How the clashes were found, folded."""
    said = [
        f"The solver was asked {count(found.calls, 'time')} whether a plan exists under some of the rules"
        + ("." if found.law else "; rules in law held throughout."),
        "All smallest clashes and all smallest sets of rules to leave out were found." if found.complete and ended
        else "The search was ended early: there may be more.",
        "What gives way is priced at what rules publish for bending them; where none does, a pound costs a pound, and "
        "a pound of a rule in law ten.",
    ]  # fmt: skip
    body = "".join(parts.paragraph(each) for each in said)
    st.html(f"<details class='al-figures'><summary>Exactly how</summary>{body}</details>")


# --- until all is found ----------------------------------------------------------------------------------------------


def _at_once(view: View, found: NoPlan) -> None:
    """The smallest way out that came with the answer, while all are looked for."""
    if not found.ways and not found.instead:
        st.html(parts.paragraph(found.message) + parts.lines(found.easings))
    groups = [
        ("card-way", "The smallest way out found so far", {p: v for way in found.ways for p, v in way.change.items()}),
        *((f"card-instead-{k}", "Or more money", dict(way.change)) for k, way in enumerate(found.instead)),
    ]  # fmt: skip
    for key, head, change in groups:
        if change:
            with st.container(border=True, key=key, horizontal=True, vertical_alignment="center"):
                items = "".join(f"<li>{_step(view, path, value)}</li>" for path, value in change.items())
                st.html(f"<div class='al-grow'><h2 class='al-title'>{head}</h2><ul class='al-steps'>{items}</ul></div>")
                name = key.replace("card", "try")
                st.button("Try this", type="primary", key=name, on_click=state.lay, args=(change,))


def before(view: View, path: str) -> str:
    """What stands at a path in the draft, with an arrow to what is to come; '' where nothing does."""
    now = as_read(view.wanted, path)
    return "" if now is None else f"{words(view.agreed, path, now)} → "


__all__ = ["before", "clash"]
