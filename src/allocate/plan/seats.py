"""A plan from one seat: what one partner, or one place, gets, and which rules hold it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocate.errors import AllocateError
from allocate.plan.figures import number, per_cent, pounds
from allocate.plan.margins import View, view_of
from allocate.plan.moves import POUND
from allocate.plan.plan import Plan
from allocate.plan.still import held_by, stays
from allocate.plan.trying import ROUNDING, Solve, Tick, solve_only, without
from allocate.plan.words import capital, quoted, some, title
from allocate.scenario.curves import Curves
from allocate.scenario.rulebook import covers
from allocate.scenario.scenario import Scenario

Array = np.ndarray
FALLBACK = "last year's spending"
SHARED = "A gain that several partners buy together is shared in proportion to what each spends on it."
RULE_COLUMNS = ["rule", "sentence", "standing", "parts", "worth", "asks"]
COST_COLUMNS = ["rule", "sentence", "standing", "mine", "aim", "helps"]


def seats(scenario: Scenario) -> list[tuple[str, str]]:
    """Every seat that has a line: (key, name), partners first, then places with those inside them. A key is
    'partners.<id>' or 'places.<id>'."""
    lines = scenario.table("lines")
    partners, places = set(lines["partner"]), set(lines["place"])
    found = [("partners", key) for key in scenario.table("partners")["id"] if key in partners]
    found += [("places", key) for key in scenario.table("places")["id"] if scenario.within(key) & places]
    return [(f"{table}.{key}", scenario.name_of(table, key)) for table, key in found]


@dataclass(frozen=True, eq=False)
class SeatView:
    """A plan from one seat. Pounds of all years together; `share` is the change as a fraction of today.

    outcomes   id, name, unit, before, after, change: what is bought in the place, or by the partner's lines
    note       how gains are attributed, where that needs saying
    lines      the seat's lines: line, partner, place, programme, envelope, year, baseline, spend, change, share, the
               largest rise first
    rules      rules in force that stand at their end over some of these lines: rule (id), sentence, standing, parts
               (how many), worth (of easing the dearest by what it `asks`, in units of the aim; blank without prices),
               asks; the dearest first
    distance_before, distance_after   how far the money that goes by need is from the place's fair share (fractions,
               last year of the plan); None for partners and where nothing goes by need
    need_share a place's part of all need; the part that a partner meets: each place's need, divided between partners
               as last year's money there was (of the money that goes by need; None where they had none of it)
    money_before, money_after   the seat's part of the money that goes by need; None where nothing goes by need, and
               for partners who had none of it
    more       pounds more than in the plan compared with; None where there is none
    buys, buys_more   what the change on last year buys in units of the aim; and how much more than in the plan compared
               with, None where there is none
    fallback   what the seat gets if nothing is agreed: pounds, called `fallback_name`
    summary    two sentences or three, in the second person
    """

    seat: str
    name: str
    baseline: float
    spend: float
    outcomes: pd.DataFrame
    note: str
    lines: pd.DataFrame
    rules: pd.DataFrame
    distance_before: float | None
    distance_after: float | None
    need_share: float | None
    money_before: float | None
    money_after: float | None
    more: float | None
    buys: float
    buys_more: float | None
    fallback: float
    fallback_name: str
    summary: str

    @property
    def change(self) -> float:
        """Pounds more than today."""
        return self.spend - self.baseline

    @property
    def share(self) -> float:
        """The change as a fraction of today; blank (NaN) where today is nothing."""
        return self.change / self.baseline if self.baseline > 0 else np.nan

    @property
    def place(self) -> bool:
        """Whether it is a place's seat."""
        return self.seat.startswith("places.")

    @property
    def key(self) -> str:
        """The id of the partner or place."""
        return self.seat.partition(".")[2]

    @property
    def from_need(self) -> tuple[float, float] | None:
        """How far the seat's part of the money that goes by need is from its part of need, before and after: fractions;
        None where either is unknown."""
        if not self.need_share or self.money_before is None or self.money_after is None:
            return None
        return self.money_before / self.need_share - 1.0, self.money_after / self.need_share - 1.0


def rows_of(scenario: Scenario, seat: str) -> Array:
    """The rows of a seat's lines: a place's own and those of places inside it. Raises KeyError for a seat that the
    scenario does not have."""
    return _mine(scenario, *_taken(scenario, seat))


def from_seat(plan: Plan, seat: str, against: Plan | None = None) -> SeatView:
    """The plan from a seat ('partners.<id>' or 'places.<id>'), against today; and, in pounds, against another plan of
    the same lines where one is given. Raises KeyError for a seat that the scenario does not have."""
    table, key = _taken(plan.scenario, seat)
    view, mine = view_of(plan), _mine(plan.scenario, table, key)
    before, after = float(view.problem.baseline[mine].sum()), float(view.spend[mine].sum())
    outcomes = _outcomes(view, mine, table == "places")
    distances = _distances(plan, key) if table == "places" else (None, None)
    shares = _place_shares(plan, key) if table == "places" else _partner_shares(view, mine)
    other = None if against is plan else against
    more = None if other is None else after - _spent(other, table, key)
    buys, has = (_weighed(plan, outcomes, column) for column in ("change", "after"))
    buys_more = None if other is None else has - _weighed(other, _bought(other, seat), "after")
    rules = _rules(view, mine)
    summary = _summary(view, mine, before, after, outcomes, distances, more, rules)
    return SeatView(
        seat, plan.scenario.name_of(table, key), before, after, outcomes, SHARED if table == "partners" else "",
        _lines(view, mine), rules, *distances, *shares, more, buys, buys_more, before, FALLBACK, summary,
    )  # fmt: skip


def costs_me(plan: Plan, seat: str, solve: Solve = solve_only, tick: Tick | None = None) -> pd.DataFrame:
    """What each rule that binds a seat costs it, and buys the system: the plan solved without each in turn.

    Columns: rule, sentence, standing, mine (my pounds without it less with it), aim (the agreed aim without it less
    with it), helps (the names of those who get more because of it, '' for nobody), what costs me most first.
    `tick(done, total)` is told how far it is; once it returns False, or a solve fails, the rest is left blank. Raises
    KeyError for a seat that the scenario does not have."""
    table, key = _taken(plan.scenario, seat)
    view = view_of(plan)
    mine = _mine(plan.scenario, table, key)
    now, rows, stopped = float(view.spend[mine].sum()), [], False
    rules = _rules(view, mine)
    for done, row in enumerate(rules.itertuples()):
        stopped = stopped or (tick is not None and tick(done, len(rules)) is False)
        found = (np.nan, np.nan, "") if stopped else _cost(plan, str(row.rule), (table, key), now, solve)
        rows.append([row.rule, row.sentence, row.standing, *found])
    if tick is not None and not stopped:
        tick(len(rules), len(rules))
    return pd.DataFrame(rows, columns=COST_COLUMNS).sort_values(
        "mine", ascending=False, kind="stable", ignore_index=True
    )


def _cost(plan: Plan, rule: str, seat: tuple[str, str], now: float, solve: Solve) -> tuple[float, float, str]:
    try:
        found = without(plan, rule, solve)
    except AllocateError:
        return np.nan, np.nan, ""
    more = _spent(found.plan, *seat) - now
    return more if abs(more) >= ROUNDING else 0.0, found.cost, ", ".join(found.helps)


def _taken(scenario: Scenario, seat: str) -> tuple[str, str]:
    """The table and id of a seat."""
    table, _, key = seat.partition(".")
    if table not in ("partners", "places") or key not in set(scenario.table(table)["id"]):
        raise KeyError(f"no seat {seat!r}")
    return table, key


def _mine(scenario: Scenario, table: str, key: str) -> Array:
    """The rows of a seat's lines: a place's own and those of places inside it."""
    lines = scenario.table("lines")
    found = lines["partner"] == key if table == "partners" else lines["place"].isin(scenario.within(key))
    return np.flatnonzero(found.to_numpy())


def _spent(plan: Plan, table: str, key: str) -> float:
    return float(plan._solved.flows.spend[_mine(plan.scenario, table, key)].sum())


def bought_at(plan: Plan, seat: str) -> tuple[dict[str, float], dict[str, float]]:
    """Per outcome (its id), what a seat's lines buy of it today and in the plan; see `SeatView.note`."""
    table = _bought(plan, seat)
    before, after = (dict(zip(table["id"], table[column], strict=True)) for column in ("before", "after"))
    return before, after


def _bought(plan: Plan, seat: str) -> pd.DataFrame:
    return _outcomes(view_of(plan), rows_of(plan.scenario, seat), seat.startswith("places."))


def _weighed(plan: Plan, outcomes: pd.DataFrame, column: str) -> float:
    """A column of outcomes in units of the aim."""
    table = plan.scenario.table("outcomes")
    weights = dict(zip(table["id"].tolist(), table["weight"].tolist(), strict=True))
    rows = zip(outcomes["id"].tolist(), outcomes[column].tolist(), strict=True)
    return float(sum(weights[key] * value for key, value in rows))


def _outcomes(view: View, mine: Array, whole: bool) -> pd.DataFrame:
    """What a seat's lines buy of each outcome; of what others pay for too, its part by spending unless `whole`."""
    curves, scenario = view.problem.curves, view.scenario
    only = np.zeros(len(view.spend))
    only[mine] = 1.0
    touched = curves.effort(only) > 0
    outcomes = scenario.table("outcomes")
    keys = {key: row for row, key in enumerate(outcomes["id"].tolist())}
    row_of = np.array([keys[each] for each in scenario.table("curves")["outcome"].tolist()], dtype=int)
    before, after = (
        np.bincount(row_of, _parts(curves, spend, only, touched, whole), len(keys))
        for spend in (view.problem.baseline, view.spend)
    )
    reached = np.flatnonzero(np.bincount(row_of, touched, len(keys)))
    words = {name: outcomes[name].to_numpy(dtype=object)[reached] for name in ("id", "name", "unit")}
    return pd.DataFrame(
        {**words, "before": before[reached], "after": after[reached], "change": (after - before)[reached]}
    )


def _parts(curves: Curves, spend: Array, only: Array, touched: Array, whole: bool) -> Array:
    """Of each curve's gain, what a seat's lines buy."""
    effort = curves.effort(spend)
    if whole:
        return curves.gain(effort) * touched
    return curves.gain(effort) * np.divide(
        curves.effort(spend * only), effort, out=np.zeros(len(effort)), where=effort > 0
    )


def _distances(plan: Plan, place: str) -> tuple[float | None, float | None]:
    """How far a place is from its fair share, before and after, in the last year."""
    places = plan._places
    row = places[(places["place"] == place) & (places["year"] == plan.scenario.years[-1])].iloc[0]
    before, after = (
        None if np.isnan(row[name]) else float(row[name]) for name in ("distance_before", "distance_after")
    )
    return before, after


Shares = tuple[float | None, float | None, float | None]
"""A seat's part of need, and of the money that goes by need: last year, and in the plan."""


def _place_shares(plan: Plan, place: str) -> Shares:
    scenario, places = plan.scenario, plan._places
    last = (places["year"] == scenario.years[-1]).to_numpy()
    leaf = ~places["place"].isin(set(scenario.table("places")["parent"].dropna())).to_numpy()
    mine = last & (places["place"] == place).to_numpy()
    before, after = (_part(places[column].to_numpy(), mine, last & leaf) for column in ("by_need_before", "by_need"))
    return _part(places["need"].to_numpy(dtype=float), mine, last & leaf), before, after


def _part(values: Array, mine: Array, every: Array) -> float | None:
    """What my rows are of the sum of these; None where there is nothing."""
    total, own = float(np.nansum(values[every])), float(values[mine].sum())
    return own / total if total > 0 and not np.isnan(own) else None


def _partner_shares(view: View, mine: Array) -> Shares:
    """The part of need that a partner meets, where each place's is divided as last year's money there was."""
    scenario, shared = view.scenario, _by_need(view.scenario)
    own = np.zeros(len(shared), dtype=bool)
    own[mine] = True
    before, after = view.problem.baseline * shared, view.spend * shared
    if not (before[own].any() and after.any()):
        return None, None, None
    names, where = scenario.groups("lines", "place")
    need = scenario.table("places").set_index("id")["need"].reindex(names).to_numpy(dtype=float)
    pots, parts = np.bincount(where, before), np.bincount(where, before * own)
    there = (pots > 0) & ~np.isnan(need)
    total = float(need[there].sum())
    met = float((need[there] * parts[there] / pots[there]).sum()) / total if total > 0 else None
    return met, float(before[own].sum() / before.sum()), float(after[own].sum() / after.sum())


def _by_need(scenario: Scenario) -> Array:
    """Which lines of the last year spend money that goes by need, in places without smaller ones inside."""
    lines, envelopes, places = (scenario.table(name) for name in ("lines", "envelopes", "places"))
    paid = lines["envelope"].isin(envelopes.loc[envelopes["by_need"] == "yes", "id"])
    leaf = ~lines["place"].isin(set(places["parent"].dropna()))
    return (paid & leaf & (lines["year"] == scenario.years[-1])).to_numpy()


def _lines(view: View, mine: Array) -> pd.DataFrame:
    """A seat's lines, the largest rise first."""
    order = mine[np.lexsort((mine, -view.change[mine]))]
    keys = ["partner", "place", "programme", "envelope", "year", "baseline"]
    table = view.scenario.table("lines").iloc[order][keys]
    table.insert(0, "line", [view.scenario.line_ids[row] for row in order])
    table["spend"], table["change"] = view.spend[order], view.change[order]
    table["share"] = table["change"] / table["baseline"].where(table["baseline"] > 0)
    return table.reset_index(drop=True)


def _rules(view: View, mine: Array) -> pd.DataFrame:
    """The rules that stand at their end over some of these lines."""
    only = np.zeros(len(view.spend), dtype=bool)
    only[mine] = True
    touched = _touched(view, only)
    rows: dict[str, list] = {}
    for i in np.flatnonzero((view.ends[0] | view.ends[1]) & touched):
        limit = view.problem.limits[i]
        rule = view.rules.get(limit.owner)
        if rule is None or not (covers(rule.where, view.scenario) & only).any():
            continue
        end = limit.high if view.limit_price[i] > 0 else limit.low
        pounds_asked = limit.measure == "spend"
        worth = abs(view.limit_price[i]) * (view.little if pounds_asked else 0.01 * abs(end)) if view.priced else np.nan
        row = rows.setdefault(rule.id, [rule.id, view.sentence(rule.id), rule.standing, 0, worth, ""])
        row[3] += 1
        row[4] = max(row[4], worth) if view.priced else np.nan
        row[5] = view.asked if pounds_asked else "1%"
    table = pd.DataFrame(list(rows.values()), columns=RULE_COLUMNS)
    return table.sort_values(["worth", "rule"], ascending=[False, True], kind="stable", ignore_index=True)


def _touched(view: View, only: Array) -> Array:
    """Which limits count any of these lines, by what they spend or by what they gain."""
    problem = view.problem
    rows = problem.line_rows.rows[only[problem.line_rows.columns] & (problem.line_rows.values != 0)]
    fed = problem.curves.effort(only.astype(float)) > 0
    gains = problem.gain_rows.rows[fed[problem.gain_rows.columns]]
    touched = np.zeros(len(problem.limits), dtype=bool)
    touched[rows] = touched[gains] = True
    return touched


def _summary(
    view: View, mine: Array, before: float, after: float, outcomes: pd.DataFrame,
    distances: tuple[float | None, float | None], more: float | None, rules: pd.DataFrame,
) -> str:  # fmt: skip
    """What the plan means for a seat, in the second person."""
    currency, change = view.currency, after - before
    first = f"You get {pounds(after, currency)}"
    if before > 0:
        share = per_cent(change / before, signed=True)
        word = "more" if change > 0 else "less"
        first += f", {pounds(abs(change), currency)} ({share}) {word} than last year"
        held = f", {held_by(view, mine)}" if stays(view, mine) else ""
        first = f"You get {pounds(after, currency)}, the same as last year{held}" if abs(change) < POUND else first
    if more is not None and abs(more) >= ROUNDING:
        first += f", and {pounds(abs(more), currency)} {'more' if more > 0 else 'less'} than in the plan as agreed"
    names = [f" ({name})" if len(outcomes) > 1 else "" for name in outcomes["name"]]
    rows = zip(outcomes["change"], outcomes["unit"], names, strict=True)
    said = [f"{number(change, signed=True)} {unit}{name}" for change, unit, name in rows if change]
    second = [f"it buys {some(said)} against last year"] if said and before > 0 else []
    old, new = distances
    if old is not None and new is not None and max(abs(old), abs(new)) >= 5e-4:
        second.append(f"against your fair share you go from {_from_share(old)} to {_from_share(new)}")
    if len(rules):
        verb = "rule holds" if len(rules) == 1 else "rules hold"
        second.append(f"{len(rules)} {verb} some of your lines" + (f", {_dearest(rules)}" if view.priced else ""))
    told = "; ".join(second)
    return f"{first}." + (f" {capital(told)}." if told else "")


def _dearest(rules: pd.DataFrame) -> str:
    dearest = quoted(title(rules["rule"].iloc[0]))
    return dearest if len(rules) == 1 else f"the dearest {dearest}"


def _from_share(distance: float) -> str:
    """'3.7% below', '0.6% above', 'level'."""
    size = per_cent(abs(distance))
    return "level" if float(size.rstrip("%")) == 0 else f"{size} {'above' if distance > 0 else 'below'}"


__all__ = ["SeatView", "bought_at", "costs_me", "from_seat", "rows_of", "seats"]
