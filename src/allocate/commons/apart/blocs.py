"""Blocs: partners that go together and count as one, where there are too many to go through every group of them.

Partners of a bloc decide as one and count what they count together. What a bloc pays or receives is its own to divide;
left to itself it is divided so that each of them gains the same over what it has where the bloc has its fallback.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from allocate.commons.apart.benefits import Benefits
from allocate.errors import Problem as Wrong
from allocate.plan.words import title
from allocate.scenario.scenario import Scenario
from allocate.scenario.words import suggestion

Array = np.ndarray
Blocs = Mapping[str, Sequence[str]]
"""A name to the ids of its partners."""
COLUMNS = ["bloc", "partner", "name", "fallback", "together", "amount", "gain", "payment"]


def by_kind(scenario: Scenario, besides: Blocs | None = None) -> dict[str, tuple[str, ...]]:
    """Blocs of all partners that decide and are of the same kind, where several are; `besides` are blocs that stand
    already, whose partners are left out."""
    table = scenario.table("partners")
    taken = {partner for partners in (besides or {}).values() for partner in partners}
    mine = [key for key in Benefits.of(scenario).players if key not in taken]
    kinds = dict(zip(table["id"], table["kind"], strict=True))
    found: dict[str, list[str]] = {}
    for key in mine:
        found.setdefault(kinds[key], []).append(key)
    known = {*kinds, *(besides or {})}
    return {
        next(name for name in (kind, *(f"{kind}-{k}" for k in range(2, len(known) + 3))) if name not in known): each
        for kind, partners in found.items() if len(each := tuple(partners)) > 1
    }  # fmt: skip


def bloc_faults(scenario: Scenario, players: Sequence[str], blocs: Blocs) -> Iterator[Wrong]:
    """Everything that is wrong with blocs of these players."""
    partners = set(scenario.table("partners")["id"])
    for name, members in blocs.items():
        if not members:
            yield Wrong("blocs", "names no partner", field=name)
        if name in partners and name not in members:
            yield Wrong("blocs", "is the id of a partner outside it: give the bloc another name", field=name)
        for partner in members:
            if partner not in partners:
                yield Wrong(
                    "blocs", "is not in partners.csv", field=name, value=partner, fix=suggestion(partner, partners)
                )
            elif partner not in players:
                yield Wrong("blocs", "decides no line of lines.csv", field=name, value=partner)
    counts = Counter(partner for members in blocs.values() for partner in members)
    for partner, times in counts.items():
        if times > 1:
            yield Wrong("blocs", "is in more than one bloc, or twice in one", value=partner)


def bloc_name(scenario: Scenario, blocs: Blocs, player: str) -> str:
    """What a player is called: a bloc by its name and how many are in it."""
    if player in blocs:
        return f"{title(player)} ({len(blocs[player])})"
    return scenario.name_of("partners", player)


def divided(scenario: Scenario, benefits: Benefits, stands: Array, lands: Array, table: pd.DataFrame) -> pd.DataFrame:
    """What each partner of a bloc has where its bloc divides what it pays or receives so that all in it gain the same.

    `stands` and `lands` are the gains of all curves without a deal, and in the plan together; `table` has what each
    player has with the deal (`amount`) and without (`fallback`). A row a partner of a bloc: bloc, partner, name,
    fallback (what it counts where everybody stands without a deal; where that gives the bloc less or more than its
    fallback, an equal part of the difference with it), together, amount, gain (amount - fallback), payment (amount -
    together).
    """
    single, bloc = benefits.single, benefits.bloc
    if single is None or bloc is None:
        return pd.DataFrame(columns=COLUMNS)
    size = np.bincount(bloc)
    least, lie = single.payoffs(stands), single.payoffs(lands)
    has, amount = (table.set_index("partner")[column].loc[list(benefits.players)].to_numpy() for column in
                   ("fallback", "amount"))  # fmt: skip
    least = least + ((has - np.bincount(bloc, least)) / size)[bloc]
    gain = ((amount - has) / size)[bloc]
    rows = [
        [benefits.players[bloc[k]], partner, scenario.name_of("partners", partner), least[k], lie[k],
         least[k] + gain[k], gain[k], least[k] + gain[k] - lie[k]]
        for k, partner in sorted(enumerate(single.players), key=lambda each: int(bloc[each[0]])) if size[bloc[k]] > 1
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


__all__ = ["Blocs", "bloc_faults", "bloc_name", "by_kind", "divided"]
