"""Places from one seat: what is fair for a place, and in which places a partner spends its money."""

from __future__ import annotations

import pandas as pd

from allocate.plan.figures import per_cent, pounds
from allocate.plan.place_telling import beyond_equal
from allocate.plan.words import some
from allocate.scenario.scenario import Scenario
from allocate.scenario.words import slug
from allocate.ui.place_work import ROUND, Work


def told(scenario: Scenario, seat: str, found: Work, own: pd.DataFrame) -> tuple[str, str]:
    """The name of a seat, and what the page has about it. `own` are the scenario's own places, as `own_places` has
    them."""
    table, _, key = seat.partition(".")
    name = scenario.name_of(table, key)
    if table == "partners":
        return name, _partner(scenario, key)
    return name, _drawn(name, found) or _scenario(scenario, key, own)


def _drawn(name: str, found: Work) -> str:
    """What is fair for the drawn place of that name; '' where there is none, or nothing is shared yet."""
    if found.drawing is None or found.targets.empty:
        return ""
    place = next((key for key, drawn in found.drawing.names.items() if slug(drawn) == slug(name)), None)
    if place is None:
        return ""
    row, more = found.targets.loc[place], float(beyond_equal(found.drawing, found.targets)[place])
    said = f"Your fair share is {pounds(row['target'])}, {per_cent(row['share'])} of what is shared"
    said += f": {pounds(abs(more))} {'more' if more > 0 else 'less'} than an equal sum a head."
    if found.distances is not None:
        away = float(found.distances.at[place, "distance"])
        said += f" You open {pounds(abs(away))} {'above' if away > 0 else 'below'} it."
    return said


def _scenario(scenario: Scenario, key: str, own: pd.DataFrame) -> str:
    """What is fair for a place by the need that its scenario has: for all the places inside it."""
    mine = own[own["id"].isin(scenario.within(key))] if not own.empty else own
    if mine.empty:
        return "Your need is not known here, so nothing can be said of your fair share."
    share, people = float(mine["share"].sum()), float(mine["people"].sum() / own["people"].sum())
    said = f"You have {per_cent(people)} of the people and {per_cent(share)} of the need: of each {pounds(ROUND)}, "
    return f"{said}{pounds(share * ROUND)} would be fair for you. That is as the scenario has it, not a practice file."


def _partner(scenario: Scenario, key: str) -> str:
    """Where a partner spends its money."""
    lines = scenario.lines[scenario.lines["partner"] == key]
    sums = lines.groupby("place")["baseline"].sum().sort_values(ascending=False)
    if sums.empty:
        return "You spend no money in these places."
    names = [scenario.name_of("places", str(place)) for place in sums.index]
    total = float(sums.sum())
    where = f"You spend in {some(names)}"
    if len(sums) < 2 or total <= 0:
        return f"{where}. What is fair is worked out for places; your part of it follows from theirs."
    return f"{where}; most of it in {names[0]}, {per_cent(float(sums.iloc[0]) / total)}. What is fair is for places."


__all__ = ["told"]
