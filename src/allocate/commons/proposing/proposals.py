"""A proposal: what a change of rules, weights or envelopes would do to everyone, and who would agree to it.

Every partner's vote is presumed from its payoff: it is for what it gains by, against what it loses by, and objects
where it loses more than the tolerance. What partners have said goes before what is presumed of them: the proposer is
for its own proposal, and an objection in the record of a rule that the proposal brings in is a reasoned one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from allocate.commons.proposing import effects, voting
from allocate.commons.proposing.compensation import Compensation, compensation
from allocate.commons.proposing.easing import easier
from allocate.commons.proposing.nearest import Nearest, nearest
from allocate.commons.proposing.payoffs import PAYOFFS, Payoff
from allocate.commons.proposing.voting import CONSENT, DECIDING, LAW, MAJORITY, UNANIMITY, WEIGHTED
from allocate.errors import NoPlan, Problem, ScenarioError
from allocate.plan.explaining import aim_unit
from allocate.plan.figures import number, per_cent
from allocate.plan.margins import view_of
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.plan.plan import solve as solve_now
from allocate.plan.still import held_by
from allocate.plan.trying import Solve
from allocate.plan.words import capital, quoted, some, title
from allocate.scenario.paths import panel
from allocate.scenario.rulebook import Rule, record
from allocate.scenario.scenario import Scenario
from allocate.scenario.words import suggestion

PASS_COLUMNS = ["rule", "name", "passes", "for", "against", "blocked_by", "why"]
POWER_COLUMNS = ["id", "name", "weight", "share", "shapley_shubik", "banzhaf"]


@dataclass(frozen=True)
class Objection:
    """A partner's objection to a proposal.

    by, name  the partner
    loss      what it loses, in the unit of the payoff; blank (NaN) where there is no plan to tell
    reason    its own words where recorded; otherwise what it loses
    recorded  whether it stands in a rule's record; otherwise it is presumed from the loss
    rule      the rule in whose record it stands, '' where presumed
    """

    by: str
    name: str
    loss: float
    reason: str
    recorded: bool
    rule: str = ""


@dataclass(frozen=True, eq=False)
class Proposal:
    """A change with a proposer, and what would become of everyone.

    before, after  the plan that stands and the plan proposed; after is None where no plan keeps the rules proposed
    scenario       the scenario proposed
    change, by, reason, tolerance, weights   as proposed; weights by partner, for the weighted majority
    payoff         the measure that gains and losses are judged by (`payoff.words` says it)
    clash          the NoPlan raised for the rules proposed, or None
    barred         statutory rules that it eases, switches off or takes out: id to which of these
    total, outcomes, partners, places, rules   tables of before, after and difference: see
                   `allocate.commons.proposing.effects`. partners has besides: vote ('for', 'against', 'neither'),
                   objects (yes or no), basis ('said' or 'presumed', '' for neither)
    objections     who objects: recorded and presumed
    passes         a row for each rule for deciding: rule, name, passes, for, against (partners' names, '' for nobody),
                   blocked_by (names, '' for nobody), why
    compensation   the smallest payments that leave no loser; None where there is no plan
    """

    before: Plan
    after: Plan | None
    scenario: Scenario
    change: Mapping[str, Any]
    by: str
    reason: str
    tolerance: float
    payoff: Payoff
    weights: Mapping[str, float]
    clash: NoPlan | None
    barred: Mapping[str, str]
    total: pd.DataFrame
    outcomes: pd.DataFrame
    partners: pd.DataFrame
    places: pd.DataFrame
    rules: pd.DataFrame
    objections: tuple[Objection, ...]
    passes: pd.DataFrame
    compensation: Compensation | None
    _solve: Solve = field(repr=False)

    @property
    def power(self) -> pd.DataFrame:
        """What a weighted vote is worth, where more than half of all weight decides: id, name, weight, share (of all),
        shapley_shubik, banzhaf (each adds up to 1)."""
        names = self.before.scenario.partners[["id", "name"]]
        names["weight"] = [self.weights.get(key, 0.0) for key in names["id"]]
        names["share"] = names["weight"] / names["weight"].sum()
        for column, index in (("shapley_shubik", voting.shapley_shubik), ("banzhaf", voting.banzhaf)):
            found = index(dict(zip(names["id"], names["weight"].astype(float), strict=True)))
            names[column] = [found[key] for key in names["id"]]
        return names[POWER_COLUMNS]

    @cached_property
    def nearest(self) -> Nearest | None:
        """The version closest to this one at which nobody but its proposer loses more than the tolerance; objections in
        a record stand apart from it. None where there is none, or none is lawful. Takes a dozen or two solves, once;
        see `allocate.commons.proposing.nearest.nearest`."""
        if self.barred:
            return None
        return nearest(self.before, self.scenario, self.change, self.after, self._nobody_loses, self._solve)

    def _nobody_loses(self, plan: Plan) -> bool:
        table = effects.partner_table(self.before, plan, self.payoff)
        return not any(too_much(row, self.tolerance) for row in table.itertuples() if row.id != self.by)

    @property
    def changes_anything(self) -> bool:
        """Whether any partner, place or outcome would see a difference."""
        if self.after is None:
            return True
        tables = (self.outcomes["difference"], self.partners["money_difference"], self.places["money_difference"])
        return any(bool((each != 0).any()) for each in tables)

    def decided_by(self, rule: str) -> bool:
        """Whether it passes under a rule for deciding (its id). Raises KeyError for an unknown one."""
        table = self.passes.set_index("rule")["passes"]
        return bool(table[rule])

    @property
    def verdict(self) -> str:
        """What it does, whom it costs, who says yes and who says no, in one sentence or two."""
        return " ".join([self.answer, *_nearest_in_words(self)])

    @property
    def answer(self) -> str:
        """The verdict without what a nearer version would be, which takes solves to find."""
        return " ".join(_verdict(self))

    @property
    def sentences(self) -> list[str]:
        """The whole of it in words, the verdict first."""
        return [
            self.verdict, *_ways_out(self), *_gainers(self), *_rules_in_words(self), *_objections_in_words(self),
            *([self.compensation.sentence] if self.compensation and self.compensation.losses else []),
            *_power_in_words(self), *_how_counted(self),
        ]  # fmt: skip


def propose(
    plan: Plan | Scenario, change: Mapping[str, Any], *, by: str, reason: str = "", tolerance: float = 0.0,
    payoff: str | Payoff = "money", weights: Mapping[str, float] | None = None, solve: Solve = solve_now,
) -> Proposal:  # fmt: skip
    """What a change of rules, weights or envelopes would do, and under which rules for deciding it passes.

    `plan` is what stands: a plan, or a scenario to solve. `change` is path to value, as for `Scenario.change`. `by` is
    the partner that proposes it. `tolerance` is the part of its payoff that a partner may lose before it objects:
    0.002 for a fifth of a per cent of what it has. `payoff` names what gains and losses are counted in (see
    `allocate.commons.proposing.payoffs`). `weights` are partners' votes in a weighted majority, by default the pounds
    that each holds in law (the envelopes that stand; one each where nobody holds any); who is left out has none.

    A proposal under which no plan is possible is answered all the same, with `clash`. Raises ScenarioError with every
    problem where the change is not sound or an argument is wrong, and NoPlan where what stands has no plan.
    """
    scenario = plan.scenario if isinstance(plan, Plan) else plan
    measure = payoff if isinstance(payoff, Payoff) else PAYOFFS.get(payoff)
    wrong = [*_wrong(scenario, by, tolerance, weights)]
    if measure is None:
        wrong.append(Problem("proposal", f"is not one of {', '.join(PAYOFFS)}", field="payoff", value=str(payoff)))
    if wrong or measure is None:
        raise ScenarioError("proposal", wrong)
    proposed = scenario.change(change)
    before = plan if isinstance(plan, Plan) else solve(plan)
    after, clash = _tried(proposed, solve)
    votes = {**held_in_law(scenario)} if weights is None else dict(weights)
    partners = effects.partner_table(before, after, measure)
    objections = tuple(_objections(before, proposed, partners, tolerance, measure, by))
    _put_votes(partners, objections, by)
    barred = effects.eased_by_law(scenario, proposed, before)
    return Proposal(
        before, after, proposed, dict(change), by, reason, tolerance, measure, votes, clash, barred,
        effects.total_table(before, after), effects.outcome_table(before, after), partners,
        effects.place_table(before, after), effects.rule_table(before, after, proposed, clash), objections,
        _passes(before, proposed, partners, objections, votes, barred, clash, by),
        None if after is None else compensation(partners, measure, before), solve,
    )  # fmt: skip


def _wrong(scenario: Scenario, by: str, tolerance: float, weights: Mapping[str, float] | None):
    """What is wrong with a proposal besides its change."""
    partners = list(scenario.table("partners")["id"])
    if by not in partners:
        yield Problem("proposal", "is not in partners.csv", field="by", value=by, fix=suggestion(by, partners))
    if not 0 <= tolerance <= 1:
        expected = "expected a fraction of what a partner has, 0 to 1"
        yield Problem("proposal", expected, field="tolerance", value=f"{tolerance:g}")
    for name, weight in (weights or {}).items():
        if name not in partners:
            fix = suggestion(name, partners)
            yield Problem("proposal", "is not in partners.csv", field="weights", value=name, fix=fix)
        if not 0 <= weight < np.inf:
            yield Problem("proposal", "expected a number, 0 or more", field=f"weights.{name}", value=f"{weight:g}")
    if weights is not None and not any(weights.values()):
        yield Problem("proposal", "nobody has a weight: expected a number above 0", field="weights")


def _tried(proposed: Scenario, solve: Solve) -> tuple[Plan | None, NoPlan | None]:
    try:
        return solve(proposed), None
    except NoPlan as clash:
        return None, clash


def held_in_law(scenario: Scenario) -> dict[str, float]:
    """Pounds that each partner holds in law, by its id: its envelopes of all years; one each where nobody holds any."""
    envelopes = scenario.table("envelopes")
    sums = envelopes.groupby("holder")["amount"].sum().to_dict()
    partners = list(scenario.table("partners")["id"])
    held = {key: float(sums.get(key, 0.0)) for key in partners}
    return held if any(held.values()) else dict.fromkeys(partners, 1.0)


# --- votes ------------------------------------------------------------------------------------------------------------


def too_much(row: Any, tolerance: float) -> bool:
    """Whether a row of `partners` loses more than the tolerance."""
    return bool(row.difference < 0 and -row.difference > tolerance * abs(row.before))


def _objections(before: Plan, proposed: Scenario, partners: pd.DataFrame, tolerance: float, payoff: Payoff, by: str):
    """Who objects: what stands in the records of rules that the proposal brings in or makes stricter, then losses that
    go beyond the tolerance. The proposer's own loss is no objection."""
    names = dict(zip(partners["id"], partners["name"], strict=True))
    losses = dict(zip(partners["id"], -partners["difference"], strict=True))
    said: set[str] = set()
    for rule in brought_in(before, proposed):
        for each in rule.objections:
            said.add(each.by)
            yield Objection(each.by, names[each.by], losses[each.by], each.reason, True, rule.id)
    for row in partners.itertuples():
        if row.id not in said and row.id != by and too_much(row, tolerance):
            share = f" ({per_cent(row.difference / row.before, signed=True)})" if row.before > 0 else ""
            reason = f"it loses {payoff.said(-row.difference, before)}{share}"
            yield Objection(str(row.id), names[row.id], losses[row.id], reason, False)


def brought_in(before: Plan, proposed: Scenario) -> list[Rule]:
    """Rules that a proposal brings in, or changes without easing them: what was said against them is said against it.
    Who objected to a rule is taken to have nothing against its easing."""
    stands = {rule.id: rule for rule in before.scenario.rules}
    found = []
    for rule in proposed.rules:
        old = stands.get(rule.id)
        if not rule.binds or (old is not None and record(old) == record(rule)):
            continue
        if old is None or not old.binds or not easier(old, rule, before.scenario, proposed, before):
            found.append(rule)
    return found


def _put_votes(partners: pd.DataFrame, objections: tuple[Objection, ...], by: str) -> None:
    """How each partner votes, whether it objects, and whether it said so."""
    recorded = {each.by for each in objections if each.recorded}
    objects = {each.by for each in objections}
    votes, basis = [], []
    for key, change in zip(partners["id"], partners["difference"], strict=True):
        said = key == by or key in recorded
        vote = "for" if key == by or change > 0 else "against" if change < 0 else "neither"
        votes.append("against" if key in recorded else vote)
        basis.append("said" if said else "" if votes[-1] == "neither" else "presumed")
    partners["vote"], partners["basis"] = votes, basis
    partners["objects"] = [key in objects for key in partners["id"]]


def _passes(
    before: Plan, proposed: Scenario, partners: pd.DataFrame, objections: tuple[Objection, ...],
    weights: Mapping[str, float], barred: Mapping[str, str], clash: NoPlan | None, by: str,
) -> pd.DataFrame:  # fmt: skip
    """Whether it passes under each rule for deciding; see `Proposal`."""
    yes, no = (partners[partners["vote"] == vote] for vote in ("for", "against"))
    names = [some(list(each["name"]), len(each)) if len(each) else "" for each in (yes, no)]
    objecting = list(dict.fromkeys(each.name for each in objections))
    why = {
        UNANIMITY: "nobody is against" if not len(no) else f"{names[1]} {_are(no)} against",
        CONSENT: "nobody objects" if not objecting else _objecting(objections),
        MAJORITY: f"{len(yes)} for, {len(no)} against; who neither gains nor loses does not vote",
        WEIGHTED: _by_weight(yes, no, weights),
        LAW: _by_law(before.scenario, barred),
    }
    keys = {name: list(each["id"]) for name, each in (("yes", yes), ("no", no))}
    weigh = weights.get
    passes = {
        UNANIMITY: not len(no),
        CONSENT: not objecting,
        MAJORITY: voting.more_than_half(keys["yes"], keys["no"]),
        WEIGHTED: voting.more_than_half(keys["yes"], keys["no"], lambda key: weigh(key, 0.0)),
        LAW: not barred,
    }
    blocked = dict.fromkeys((UNANIMITY, MAJORITY, WEIGHTED), names[1])
    blocked |= {CONSENT: ", ".join(objecting), LAW: ", ".join(_rule_name(key) for key in barred)}
    rows = []
    for rule, name in DECIDING.items():
        if clash is not None and rule != LAW:
            rows.append([rule, name, False, *names, "", "no plan keeps the rules proposed"])
        else:
            rows.append([rule, name, passes[rule], *names, "" if passes[rule] else blocked[rule], why[rule]])
    return pd.DataFrame(rows, columns=PASS_COLUMNS)


def _are(rows: pd.DataFrame) -> str:
    return "is" if len(rows) == 1 else "are"


def _objecting(objections: tuple[Objection, ...]) -> str:
    """Who objects and why, in words."""
    said = [
        f"{each.name} objects: {quoted(each.reason)}" if each.recorded else f"{each.name} is presumed to: {each.reason}"
        for each in objections
    ]
    return "; ".join(said)


def _by_weight(yes: pd.DataFrame, no: pd.DataFrame, weights: Mapping[str, float]) -> str:
    """How the weight of those who vote is divided."""
    ayes, noes = (sum(weights.get(key, 0.0) for key in each["id"]) for each in (yes, no))
    if not ayes + noes:
        return "nobody who gains or loses has a weight"
    return f"{per_cent(ayes / (ayes + noes))} of the weight of those who vote is for"


def _by_law(stands: Scenario, barred: Mapping[str, str]) -> str:
    """Which statutory rules stand in the way."""
    rules = {rule.id: rule for rule in stands.rules}
    said = []
    for key, does in barred.items():
        rule = rules[key]
        words = quoted(rule.sentence(stands))
        said.append(f"it {does} a statutory rule: {words}" + (f" ({rule.authority})" if rule.authority else ""))
    return "; ".join(said) if said else "no statutory rule is eased"


def _rule_name(key: str) -> str:
    return quoted(title(key))


# --- words ------------------------------------------------------------------------------------------------------------


def _verdict(found: Proposal) -> list[str]:
    """What it does overall, whom it costs, and who says yes and no."""
    barred = [f"{capital(_by_law(found.before.scenario, found.barred))}."] if found.barred else []
    if found.clash is not None:
        return ["This cannot hold: no plan keeps every rule.", *barred]
    if not found.changes_anything:
        return [f"This changes nothing for any partner, place or outcome{_held(found, found.after)}.", *barred]
    row = found.total.iloc[1]
    word = "gains" if row["difference"] > 0 else "costs"
    overall = f"{word} {number(abs(row['difference']))} {row['unit']} overall" if row["difference"] else "buys as much"
    return [f"Passing this {overall}; {_losers(found)}: {_decided(found)}.", *barred]


def _losers(found: Proposal) -> str:
    """Who loses most, and what."""
    rows = found.partners[found.partners["difference"] < 0].sort_values("difference", kind="stable")
    said = [
        f"{name} loses {found.payoff.said(-change, found.before)}"
        for name, change in zip(rows["name"], rows["difference"], strict=True)
    ]
    if len(said) > 3:
        return f"{len(said)} partners lose, most of all {rows['name'].iloc[0]} ({said[0].rpartition(' loses ')[2]})"
    return some(said) if said else "no partner loses"


def _decided(found: Proposal) -> str:
    """Which rules for deciding say yes, and which no: 'a majority says yes, consent says no'."""
    rows = found.passes[found.passes["rule"] != LAW]
    said = []
    for answer, word in ((True, "yes"), (False, "no")):
        names = list(rows.loc[rows["passes"] == answer, "name"])
        if names:
            said.append(f"{some(names, len(names))} {'says' if len(names) == 1 else 'say'} {word}")
    return "; ".join(said)


def _nearest_in_words(found: Proposal) -> list[str]:
    """At which version nobody objects, where some do."""
    objected = any(not each.recorded for each in found.objections)
    if found.barred or not (objected or found.clash is not None):
        return []
    near = found.nearest
    if near is None:
        return ["No version between what stands and this was found to which nobody objects."]
    at = near.said if len(near.values) == 1 else f"{per_cent(near.part)} of the way"
    still = " (but for what is on record)" if any(each.recorded for each in found.objections) else ""
    moved = effects.partner_table(found.before, near.plan, found.payoff)["difference"].any()
    nothing = f", but there it changes nothing for any partner{_held(found, near.plan)}"
    return [f"At {at} nobody objects{still}{'' if moved else nothing}."]


def _held(found: Proposal, plan: Plan | None) -> str:
    """What holds a plan that places every pound as the one that stands does; '' where any moves."""
    if plan is None or (plan.spend["spend"] - found.before.spend["spend"]).abs().max() >= POUND:
        return ""
    return f": every line is as in the plan that stands, {held_by(view_of(plan))}"


def _ways_out(found: Proposal) -> list[str]:
    """Which rules would have to give way for the proposal to hold."""
    ways = found.clash.ways if found.clash else ()
    rules = list(dict.fromkeys(quoted(title(way.rule)) for way in ways if way.rule))
    if not rules:
        return []
    verb = "gives way" if len(rules) == 1 else "give way"
    return [f"To hold, it would take besides that {some(rules, 8)} {verb}."]


def _gainers(found: Proposal) -> list[str]:
    """Who gains most by it; places that lose."""
    said = []
    rows = found.partners[found.partners["difference"] > 0].sort_values("difference", ascending=False, kind="stable")
    if len(rows):
        pairs = zip(rows["name"], rows["difference"], strict=True)
        said.append(f"{some([f'{name} gains {found.payoff.said(each, found.before)}' for name, each in pairs])}.")
    leaves = set(found.before.scenario.table("places")["id"]) - set(
        found.before.scenario.table("places")["parent"].dropna()
    )
    places = found.places[found.places["id"].isin(leaves)]
    for sign, word in ((-1.0, "less"), (1.0, "more")):
        rows = places[sign * places["outcome_difference"] > 0]
        rows = rows.iloc[np.argsort(-sign * rows["outcome_difference"].to_numpy(), kind="stable")]
        unit = aim_unit(found.before)
        named = [
            f"{name} ({number(each, signed=True)})"
            for name, each in zip(rows["name"], rows["outcome_difference"], strict=True)
        ]
        said += [f"By place, {word} is bought for {some(named)}, in {unit}."] if named else []
    return said


def _rules_in_words(found: Proposal) -> list[str]:
    """What becomes of other rules, an effect a sentence."""
    table = found.rules[found.rules["effect"] != ""]
    said = []
    for effect, rows in table.groupby("effect", sort=False):
        names = [_rule_name(key) for key in rows["rule"]]
        verb = str(effect)
        if verb == "clashes":
            said.append(f"These cannot all hold: {some(names, len(names))}.")
        elif verb not in ("is changed",):
            said.append(f"{'Rules' if len(names) > 1 else 'Rule'} that {_plural(verb, len(names))}: {some(names, 4)}.")
    return said


def _plural(effect: str, many: int) -> str:
    """An effect said of one rule or of several: 'newly binds', 'newly bind'."""
    if many == 1:
        return effect
    plurals = {
        "newly binds": "newly bind", "goes slack": "go slack", "eases": "ease", "tightens": "tighten", "bends": "bend",
        "goes out": "go out",
    }  # fmt: skip
    return plurals.get(effect, effect.replace("comes in and", "come in and").replace("binds", "bind"))


def _objections_in_words(found: Proposal) -> list[str]:
    """What stands on record against it."""
    recorded = [each for each in found.objections if each.recorded]
    return [f"On record: {_objecting(tuple(recorded))}."] if recorded else []


def _power_in_words(found: Proposal) -> list[str]:
    """Who decides a weighted vote, where weights differ."""
    table = found.power
    if table["weight"].nunique() == 1 or found.after is None or not found.changes_anything:
        return []
    first = table.loc[table["shapley_shubik"].idxmax()]
    if first["shapley_shubik"] == 1:
        return [
            f"By weight {first['name']} alone decides: with {per_cent(first['share'])} of it, no other vote counts."
        ]
    share, power = per_cent(first["share"]), per_cent(first["shapley_shubik"])
    return [f"By weight {first['name']} has {share} and decides in {power} of the orders in which partners may join."]


def _how_counted(found: Proposal) -> list[str]:
    """The measure of gain and loss, the tolerance, and what a reader should know besides."""
    allowed = f", a loss of up to {per_cent(found.tolerance)} of it allowed" if found.tolerance else ""
    said = [f"Counted for each partner: {found.payoff.words}{allowed}. Votes are presumed from that, not asked."]
    if any(panel(path) == "assumption" for path in found.change):
        said.append("Part of this is an assumption about what is so: a vote decides what is done, not what is known.")
    if any(plan is not None and plan.ties for plan in (found.before, found.after)):
        said.append("Other plans are as good, and may divide gains and losses otherwise.")
    return said


__all__ = ["Objection", "Proposal", "propose"]
