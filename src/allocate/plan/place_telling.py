"""Places in sentences: who opens furthest from a fair share, and who loses on the way to it."""

from __future__ import annotations

import pandas as pd

from allocate.places import Drawing, pace
from allocate.plan.figures import IN_MILLIONS, per_cent, pounds

NEAR = 0.01
"""A place within this part of its target is near it."""
SMALL = 5e6
"""Pounds of which a tenth of a million is too large a part."""
MOST = 4
"""Places named in one sentence; more are counted."""


def shared(drawing: Drawing, targets: pd.DataFrame) -> str:
    """What a fair share comes to where it is furthest from an equal sum a head, above and below."""
    more = beyond_equal(drawing, targets)
    total = targets["target"].sum()
    millions, said = in_millions(targets["target"]), []
    for place, word in ((more.idxmax(), "more"), (more.idxmin(), "less")):
        if abs(more[place]) >= 0.5:
            fair = (
                f"the fair share of {drawing.names[place]} is {pounds(targets.at[place, 'target'], millions=millions)}"
            )
            said.append(f"{fair}, {pounds(abs(more[place]), millions=millions)} {word} than an equal sum a head")
    if not said:
        return f"Of {pounds(total)}, every place's fair share is an equal sum a head."
    return f"Of {pounds(total)}, {', and '.join(said)}."


def in_millions(amounts: pd.Series) -> bool:
    """Whether places' amounts are said in millions: not where most of them are too small for it."""
    return bool(amounts.sum() >= IN_MILLIONS and amounts.median() >= SMALL)


def beyond_equal(drawing: Drawing, targets: pd.DataFrame) -> pd.Series:
    """Pounds by which each place's fair share is beyond an equal sum a head."""
    return targets["target"] - targets["target"].sum() * drawing.shares()["population"]


def apart(drawing: Drawing, distances: pd.DataFrame) -> str:
    """Who opens furthest from a fair share, above and below."""
    total, given = distances["target"].sum(), distances["opening"].sum()
    rates = distances["rate"].fillna(0.0)
    told = []
    for place, word in ((rates.idxmax(), "above"), (rates.idxmin(), "below")):
        row = distances.loc[place]
        if (row["distance"] > 0) == (word == "above") and abs(row["distance"]) >= 0.5:
            told.append(f"{drawing.names[place]} is {pounds(abs(row['distance']))} "
                        f"({per_cent(abs(row['rate']))}) {word} its fair share")  # fmt: skip
    text = f"{' and '.join(told)}: no place is further." if told else "Every place opens at its fair share."
    if abs(given - total) > 0.005 * total:
        text += (
            f" The opening positions add to {pounds(given)} and the money to share is {pounds(total)}, so places stand "
            f"{per_cent(given / total - 1, signed=True)} from target on average before any of it moves."
        )
    return text


def lost(drawing: Drawing, years: pd.DataFrame) -> str:
    """Who loses cash and when, and by when all are near their fair share."""
    rows_lost = pace.losers(years)
    told = [
        f"{drawing.names[place]} in {', '.join(rows['year'])} ({pounds(rows['growth'].sum(), signed=True)})"
        for place, rows in rows_lost.groupby("place", sort=False)
    ]
    more = f" and {len(told) - MOST} more" if len(told) > MOST else ""
    text = f"Places that lose cash: {'; '.join(told[:MOST])}{more}. " if told else "No place loses cash. "
    when = pace.closed(years, NEAR)
    near = f"All places are within {NEAR:.0%} of their fair share from {when}."
    last = years[years["year"] == years["year"].iloc[-1]].set_index("place")["distance_rate"]
    far = last.abs().idxmax()
    return text + (near if when else f"{drawing.names[far]} still ends {per_cent(last[far], signed=True)} from it.")
