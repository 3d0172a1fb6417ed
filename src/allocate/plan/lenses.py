"""Lenses: the same system by several criteria side by side, what each changes, and what they all agree on.

Which criterion is right is for partners to say. What all of them would do is safe to begin with, and where they part is
what there is to talk about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from allocate.engine.frontier import Tick
from allocate.engine.watch import Watch
from allocate.errors import NoPlan, ScenarioError
from allocate.plan.aim import PEOPLE, aim_unit, part_in_words, score_in_words, with_aim
from allocate.plan.fairness import fairness, views
from allocate.plan.figures import per_cent, pounds
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.trying import Solve
from allocate.plan.words import quoted, some
from allocate.rules.kinds import aim_of
from allocate.scenario.scenario import Scenario

Array = np.ndarray
MOST, BALANCED, WORST, BOTTOM, SHARE, SPEND, OWN = (
    "most benefit", "balanced", "worst-off fifth", "bottom up", "towards fair share", "towards equal spending",
    "as agreed",
)  # fmt: skip
KEYS = ["partner", "place", "programme", "envelope", "year"]
SUMMARY = [
    "lens", "sentence", "value", "given_up", "score", "said", "moved", "worst_gain", "worst_spend", "gini_spend",
    "below_share", "lose", "why",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Lenses:
    """The same system by several criteria. Tables are tidy, pounds and fractions; `plans` are the plans by name.

    summary   one row a lens: lens, sentence (its aim in words, '' for the most benefit), value (the agreed outcome),
              given_up (the part of the best plan's gain), score (of its own aim, blank without one), said (the score
              with its unit), moved (£ that lie elsewhere than in the plan of most benefit), worst_gain (what the
              worst-off fifth of people gain since today, for 1,000 of them), worst_spend (what is spent for each of the
              fifth with least), gini_spend (of spending for each person), below_share (how far the furthest place is
              below its fair share; blank where nothing goes by need), lose (places that have less of the agreed outcome
              than today), why (there is no plan; else ''); measures are of the last year
    places    one row a lens and place: lens, place, name, spend, change (since today), per_head (of spend), gain (the
              agreed outcome more than today, for 1,000 people), both a year; blank where no people are counted
    partners  one row a lens and partner: lens, partner, name, spend, change
    agreed    one row a line: partner, place, programme, envelope, year, baseline, least, most (the smallest and the
              largest change that a lens makes), agreed (the part of the change that every lens makes), share (that, of
              what they change on average; blank where none changes anything)
    """

    scenario: Scenario
    plans: Mapping[str, Plan]
    why: Mapping[str, str]
    """Why a lens has no plan, for those without."""

    @cached_property
    def summary(self) -> pd.DataFrame:
        rows = [self._row(name) for name in self.plans] + [{"lens": name, "why": why} for name, why in self.why.items()]
        table = pd.DataFrame(rows, columns=SUMMARY)
        words = ["sentence", "said", "why"]
        table[words] = table[words].fillna("")
        return table

    @cached_property
    def places(self) -> pd.DataFrame:
        return pd.concat([_places(plan).assign(lens=name) for name, plan in self.plans.items()], ignore_index=True)[
            ["lens", "place", "name", "spend", "change", "per_head", "gain"]
        ]

    @cached_property
    def partners(self) -> pd.DataFrame:
        tables = [plan.by("partner").assign(lens=name) for name, plan in self.plans.items()]
        table = pd.concat(tables, ignore_index=True)
        table["name"] = [self.scenario.name_of("partners", partner) for partner in table["partner"]]
        return table[["lens", "partner", "name", "spend", "change"]]

    @cached_property
    def agreed(self) -> pd.DataFrame:
        table = next(iter(self.plans.values()))._spend[[*KEYS, "baseline"]].copy()
        changes = self._changes
        least, most = changes.min(axis=0), changes.max(axis=0)
        table["least"], table["most"] = least, most
        table["agreed"] = np.where(least > 0, least, np.where(most < 0, most, 0.0))
        mean = np.abs(changes).mean(axis=0)
        table["share"] = np.divide(np.abs(table["agreed"]), mean, out=np.full(len(mean), np.nan), where=mean > 0)
        return table

    @property
    def agreed_pounds(self) -> float:
        """The pounds that every lens moves the same way: all lines together, those that rise and those that fall."""
        return float(self.agreed["agreed"].abs().sum())

    @property
    def agreed_share(self) -> float:
        """Those, as a part of what the lenses change on average; 1 where none changes anything."""
        changed = float(np.abs(self._changes).mean(axis=0).sum())
        return self.agreed_pounds / changed if changed > 0 else 1.0

    @property
    def sentences(self) -> list[str]:
        """What the lenses agree on, where they part, what each gives up, and which have no plan."""
        said = [self._agreement(), self._parting(), self._prices()]
        missing = [f"{quoted(name)} has no plan: {why}." for name, why in self.why.items()]
        return [sentence for sentence in (*said, *missing) if sentence]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {name: getattr(self, name) for name in ("summary", "places", "partners", "agreed")}

    # --- rows ---------------------------------------------------------------------------------------------------------

    @property
    def _changes(self) -> Array:
        """The change of each line since today: a row a lens."""
        return np.array([plan._spend["change"].to_numpy() for plan in self.plans.values()])

    def _row(self, name: str) -> dict[str, Any]:
        plan, most = self.plans[name], next(iter(self.plans.values()))
        told = fairness(plan).set_index(["view", "measure"])["value"]
        seen = views(plan).set_index("view")
        share = seen.loc[["fair-share"], "value"].min() - 1.0 if "fair-share" in seen.index else np.nan
        moved = float(np.abs(plan._spend["spend"] - most._spend["spend"]).sum()) / 2
        aim = plan.aim
        return {
            "lens": name, "sentence": "" if aim is None else aim.rule.sentence(plan.scenario), "value": plan.value,
            "given_up": plan.given_up, "score": np.nan if aim is None else aim.reached,
            "said": "" if aim is None else score_in_words(plan, aim.reached), "moved": moved,
            "worst_gain": told.get(("gain", "worst-fifth"), np.nan),
            "worst_spend": told.get(("spend", "worst-fifth"), np.nan),
            "gini_spend": told.get(("spend", "gini"), np.nan), "below_share": share,
            "lose": int((seen.loc[["gain"], "value"] < -1e-9).sum()), "why": "",
        }  # fmt: skip

    # --- words --------------------------------------------------------------------------------------------------------

    def _agreement(self) -> str:
        many, currency = len(self.plans), self.scenario.heading.currency
        if many < 2:
            return ""
        if self.agreed_pounds < POUND:
            return f"The {many} lenses agree on no change from today."
        top = self.agreed.loc[self.agreed["agreed"].abs().sort_values(ascending=False, kind="stable").index[:3]]
        lines = [
            f"{self._line(row)} {pounds(row['agreed'], currency, signed=True)}"
            for row in top[top["agreed"].abs() >= POUND].to_dict("records")
        ]
        share = per_cent(self.agreed_share, places=0)
        return (
            f"All {many} lenses make {pounds(self.agreed_pounds, currency)} of the same changes, {share} of what each "
            f"changes on average: most of all {some(lines)}."
        )

    def _line(self, row: Mapping[str, Any]) -> str:
        name = self.scenario.name_of
        return f"{name('programmes', row['programme'])} in {name('places', row['place'])}"

    def _parting(self) -> str:
        """The place over which lenses differ most."""
        table = self.places.pivot_table(index="place", columns="lens", values="spend", sort=False)
        gap = (table.max(axis=1) - table.min(axis=1)).sort_values(ascending=False, kind="stable")
        if len(self.plans) < 2:
            return ""
        if len(gap) == 0 or gap.iloc[0] < 10 * POUND:
            return "They share the money out between places alike."
        place, currency = str(gap.index[0]), self.scenario.heading.currency
        row = table.loc[place]
        return (
            f"They part most over {self.scenario.name_of('places', place)}: {pounds(row.min(), currency)} by "
            f"{quoted(str(row.idxmin()))}, {pounds(row.max(), currency)} by {quoted(str(row.idxmax()))}."
        )

    def _prices(self) -> str:
        """What each lens gives up of the best gain."""
        told = [f"{quoted(name)} {part_in_words(plan.given_up)}" for name, plan in self.plans.items() if plan.aim]
        if not told:
            return ""
        unit = aim_unit(next(iter(self.plans.values())))
        return f"Of the best gain in {unit}, {some(told, most=len(told))} is given up."


def lenses(
    scenario: Scenario,
    lenses: Mapping[str, Mapping[str, Any] | None] | None = None,
    *,
    give_up: float | None = None,
    solve: Solve = solve_now,
    watch: Watch | None = None,
    tick: Tick | None = None,
) -> Lenses:
    """The same system by several criteria, as `Lenses` has it.

    `lenses` are names to the fields of an aim's rule, such as {"kind": "balanced", "strength": 2.0} (None for the most
    benefit, which is always first); left out, they are six or seven: most benefit, balanced, the worst-off fifth, from
    the bottom up (all three of what each person gains since today, or in the view of the aim in force), from the bottom
    up of fair shares where money goes by need and of spending for each person, and the scenario's own aim. `give_up` is
    the most that those which do not say so may give up. `tick(done, total)` is told how far it is; once it returns
    False, or `watch` is stopped, the lenses left are left out. `solve` may be one that remembers what it has solved.

    A lens that means nothing here (some place could never gain, say) has a reason in place of a plan. Raises NoPlan
    where the rules cannot all hold, and ScenarioError where a lens is no aim of this scenario.
    """
    watch = watch or Watch()
    asked: dict[str, Mapping[str, Any] | None] = {MOST: None}
    asked |= _usual(scenario) if lenses is None else lenses
    more = {} if give_up is None else {"give_up": give_up}
    scenarios = {name: with_aim(scenario, None if aim is None else more | dict(aim)) for name, aim in asked.items()}
    if lenses is None and aim_of(scenario) is not None:
        scenarios[OWN] = scenario
    plans: dict[str, Plan] = {}
    why: dict[str, str] = {}
    for k, (name, each) in enumerate(scenarios.items()):
        if k > 0 and (watch.stopped or (tick is not None and tick(k, len(scenarios)) is False)):
            break
        watch.enter(f"{name}, {k + 1} of {len(scenarios)}")
        try:
            plans[name] = solve(each)
        except (ScenarioError, NoPlan) as error:
            if k == 0:
                raise
            why[name] = _why(error)
    return Lenses(scenario, plans, why)


def _usual(scenario: Scenario) -> dict[str, Mapping[str, Any] | None]:
    """The lenses that are always worth looking through."""
    own = aim_of(scenario)
    view = "gain" if own is None else own.view
    usual: dict[str, Mapping[str, Any] | None] = {
        BALANCED: {"kind": "balanced", "view": view},
        WORST: {"kind": "worst-off", "view": view, "part": 0.2},
        BOTTOM: {"kind": "bottom-up", "view": view},
    }
    if (scenario.table("envelopes")["by_need"] == "yes").any():
        usual[SHARE] = {"kind": "bottom-up", "view": "fair-share"}
    return usual | {SPEND: {"kind": "bottom-up", "view": "spend"}}


def _why(error: ScenarioError | NoPlan) -> str:
    """Why a lens has no plan, in words that go on a sentence."""
    problems = getattr(error, "problems", ())
    return "; ".join(problem.expected for problem in problems) if problems else str(error).rstrip(".")


def _places(plan: Plan) -> pd.DataFrame:
    """Money and gain by place, for those that lines are in; see `Lenses`."""
    scenario = plan.scenario
    table = plan.by("place")[["place", "spend", "change"]]
    table["name"] = [scenario.name_of("places", place) for place in table["place"]]
    weights = dict(zip(scenario.outcomes["id"], scenario.outcomes["weight"], strict=True))
    gains = plan.gains
    gained = (gains["change"] * gains["outcome"].map(weights)).groupby(gains["place"]).sum()
    people = scenario.table("places").set_index("id")["population"].astype(float)
    heads = people.reindex(table["place"]).to_numpy() * len(scenario.years)
    heads = np.where(heads > 0, heads, np.nan)
    table["per_head"] = table["spend"].to_numpy() / heads
    table["gain"] = gained.reindex(table["place"], fill_value=0.0).to_numpy() * PEOPLE / heads
    return table


__all__ = ["Lenses", "lenses"]
