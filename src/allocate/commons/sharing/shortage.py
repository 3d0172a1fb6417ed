"""A shortage: the money falls short of what was planned, and it is asked who goes short by how much.

Each partner claims what it was to spend. Four rules share out what there is (`allocate.commons.sharing.shortfalls`); by
each of them every partner spends at most its award, and the plan is made again, so that every rule is seen with what
the system then buys, beside what it could buy of the same money if nobody shared it out first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.sharing.shortfalls import RULES
from allocate.errors import NoPlan
from allocate.plan.aim import aim_unit
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve
from allocate.plan.words import some
from allocate.scenario.scenario import Scenario

BEST = "what buys most"
TABLE = ["rule", "partner", "name", "claim", "award", "less", "share"]
SUMMARY = ["rule", "value", "lost", "beyond", "why"]


@dataclass(frozen=True, eq=False)
class Shortage:
    """Who goes short, by every rule. Tables are tidy; pounds are those of all years together.

    table   one row a rule and partner: rule, partner, name, claim (pounds it was to spend), award (what it may spend;
            by 'what buys most' what it then spends), less (claim - award), share (less as a part of the claim)
    rules   one row a rule: rule, value (the agreed outcome that can be bought within the awards, less what bending
            rules costs, in units of the aim), lost (against the plan before), beyond (what is lost beyond what must
            be), why (the smallest way out, where no plan keeps all rules within the awards; else '')
    """

    plan: Plan
    short: float
    table: pd.DataFrame
    rules: pd.DataFrame

    @property
    def unit(self) -> str:
        """The unit of value, lost and beyond."""
        return aim_unit(self.plan)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {"table": self.table, "rules": self.rules}

    @property
    def sentences(self) -> list[str]:
        """The answer in words: what the shortage costs at least, which rule costs least beyond it, which cannot be."""
        currency, rules = self.plan.scenario.heading.currency, self.rules.set_index("rule")
        best, shared = rules.loc[BEST], rules.drop(BEST)
        short = pounds(self.short, currency)
        if best["why"]:
            return [f"With {short} less no plan keeps all rules in force."]
        said = [f"With {short} less the system loses {number(best['lost'])} {self.unit} at least."]
        known = shared[shared["why"] == ""].sort_values("beyond", kind="stable")
        if len(known):
            near, far = known.iloc[0], known.iloc[-1]
            said.append(
                f"Shared out first, {near.name} costs least beyond that ({number(near['beyond'])}), "
                f"{far.name} most ({number(far['beyond'])})."
                if len(known) > 1
                else f"Shared out first, {near.name} costs {number(near['beyond'])} beyond that."
            )
        if len(none := shared[shared["why"] != ""]):
            said.append(f"No plan keeps all rules in force by {some(none.index.tolist())}.")
        hit = self.table[self.table["rule"] == BEST].sort_values("share").iloc[-1]
        part = f"{pounds(hit['less'], currency)}, {per_cent(hit['share'], places=1)} of what it was to spend"
        said.append(f"What buys most takes the largest part from {hit['name']}: {part}.")
        return said


def shortage(scenario: Scenario, short: float, *, solve: Solve = solve_now) -> Shortage:
    """Who goes short, and what is then bought, if partners together could spend `short` pounds less than planned, by
    each of `allocate.commons.sharing.shortfalls`' rules and as would buy most. Six solves; `solve` may be one that
    remembers.

    Raises ValueError where `short` is not above 0 and less than all that is planned, NoPlan where there is no plan even
    without a shortage.
    """
    plan = solve(scenario)
    spent = plan.by("partner").set_index("partner")["spend"]
    claims = spent[spent > 0]
    if not 0.0 < short < claims.sum():
        raise ValueError(f"short by {short:,.0f}: expected more than 0 and less than the {claims.sum():,.0f} planned")
    shared = {rule: share(claims.sum() - short, claims) for rule, share in RULES.items()}
    rows, values = [], []
    for rule, awards in {**shared, BEST: None}.items():
        at_most = {None: claims.sum() - short} if awards is None else dict(awards)
        try:
            found = solve(scenario.change(_caps(scenario, at_most)))
        except NoPlan as error:
            values.append([rule, np.nan, "; ".join(error.easings) or error.message])
            awards = claims * np.nan if awards is None else awards
        else:
            values.append([rule, found.value, ""])
            awards = found.by("partner").set_index("partner")["spend"] if awards is None else awards
        for each, claim in claims.items():
            less = claim - awards[each]
            rows.append([rule, each, scenario.name_of("partners", each), claim, awards[each], less, less / claim])
    rules = pd.DataFrame(values, columns=["rule", "value", "why"])
    rules["lost"] = plan.value - rules["value"]
    rules["beyond"] = rules["value"].iloc[-1] - rules["value"]
    return Shortage(plan, short, pd.DataFrame(rows, columns=TABLE), rules[SUMMARY])


def _caps(scenario: Scenario, at_most: Mapping[str | None, float]) -> dict[str, Any]:
    """Changes that let each of some partners spend so much at most; None stands for all together."""
    changes: dict[str, Any] = {}
    for k, (partner, amount) in enumerate(at_most.items()):
        owner = str(scenario.table("partners")["id"].iloc[0]) if partner is None else partner
        where = {} if partner is None else {"partners": [partner]}
        changes[f"rules.short-{k}"] = {"kind": "cap", "owner": owner, "where": where, "amount": amount}
    return changes


__all__ = ["Shortage", "shortage"]
