"""Keeping a line as it is: a rule like any other, that everybody sees."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from allocate.plan.figures import pounds
from allocate.plan.words import some
from allocate.rules.kinds import Keep
from allocate.scenario.rulebook import covers
from allocate.ui import parts, state
from allocate.ui.desk import View
from allocate.ui.words import line_name

KEY = ["partner", "place", "programme", "envelope", "year"]
"""Of a line."""


def lock(view: View) -> None:
    """Keep one line as it is, with a reason and a name: a rule like any other, that everybody sees."""
    plan = view.plan or view.base
    if plan is None:
        return
    with st.expander("Keep a line as it is", key="lock"):
        st.html(
            parts.paragraph(
                "It becomes a rule in the book, with its price. Where it clashes with another, both are named."
            )
        )
        lines = plan.spend
        names = {
            line: line_name(plan.scenario, row)
            for line, row in zip(plan.scenario.line_ids, lines.itertuples(), strict=True)
        }
        line = st.selectbox(
            "Line",
            list(names),
            index=None,
            format_func=lambda each: names[each],
            key="lock-line",
            placeholder="Choose a line",
        )
        row = lines.iloc[plan.scenario.line_ids.index(line)] if line in names else None
        with st.form("lock-form", border=False):
            now = float(row["spend"]) if row is not None else 0.0
            amount = st.number_input(
                f"Keep it at ({plan.scenario.heading.currency})", 0.0, value=now, step=1000.0, format="%.0f"
            )
            reason = st.text_input("Why", max_chars=300)
            by = st.text_input("Your name", max_chars=80)
            if st.form_submit_button("Keep it so", type="primary"):
                _keep_line(view, row, amount, reason, by)


def _keep_line(view: View, row: pd.Series | None, amount: float, reason: str, by: str) -> None:
    missing = [
        word
        for word, given in (("a line", row is not None), ("a reason", reason.strip()), ("your name", by.strip()))
        if not given
    ]
    if missing or row is None:
        st.html(parts.verdict(f"Give {some(missing)}.", "bad", "Not kept yet."))
        return
    if (twin := _kept_already(view, row)) is not None:
        by = twin.by or view.wanted.name_of("partners", twin.owner)
        now = pounds(twin.kept, view.wanted.heading.currency)
        text = f"This line is already kept by {by}, at {now}. Change that rule's figure, or take it out first."
        st.html(parts.verdict(text, "bad", "Not kept again."))
        return
    taken = {rule.id for rule in view.wanted.rules}
    name = next(f"keep-{n}" for n in range(1, 1000) if f"keep-{n}" not in taken)
    where = {f"{column}s": [row[column]] for column in KEY}
    rule = {
        "kind": "keep", "owner": row["partner"], "where": where, "amount": round(amount), "reason": reason.strip(),
        "by": by.strip(), "authority": "Kept in the explorer",
    }  # fmt: skip
    state.lay({f"rules.{name}": rule}, reason)
    st.rerun()


def _kept_already(view: View, row: pd.Series) -> Keep | None:
    """The rule that keeps this very line, and no other, as it is."""
    here = (view.wanted.lines[KEY] == row[KEY]).all(axis=1).to_numpy()
    rules = (rule for rule in view.wanted.rules if isinstance(rule, Keep) and rule.binds)
    return next((rule for rule in rules if (covers(rule.where, view.wanted) == here).all()), None)
