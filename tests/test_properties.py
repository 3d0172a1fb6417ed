"""What must hold on any system, whatever is in it: each property on the same systems drawn by lot (`tests.systems`).

Two more belong to what comes later: a ledger's balances, and the nested optimum. Closer looks at parts of these are in
`tests/commons` and `tests/engine`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

import allocate as al
from allocate import controls
from allocate.commons.apart.alone import Apart
from allocate.commons.apart.benefits import Benefits
from allocate.commons.apart.equilibrium import LEAST, TOLERANCE
from allocate.commons.apart.ground import Ground
from allocate.commons.apart.regimes import APART
from allocate.commons.settling.settlements import AGREED, EVEN
from allocate.commons.sharing.deal import EQUAL, NUCLEOLUS, SHAPLEY
from allocate.commons.sharing.games import Game, core, rows
from allocate.commons.sharing.nucleolus import least_core
from allocate.commons.sharing.stability import equal_gain
from allocate.engine.certificate import Flows, breaches
from allocate.engine.optimum import Options
from allocate.engine.problem import Problem
from allocate.rules.kinds import aim_of
from tests.second_opinion import Second, bought
from tests.systems import ALIKE, System, clashing, system

SEEDS = (0, 6, 23, 25, 27, 32, 36)
on_any_system = pytest.mark.parametrize("seed", SEEDS)


@cache
def planned(seed: int) -> al.Plan | None:
    """The plan of a system, where there is one."""
    try:
        return al.solve(system(seed).scenario)
    except al.NoPlan:
        return None


@cache
def ground(seed: int) -> Ground:
    return Ground.of(planned(seed).scenario, solve=_known(seed))


@cache
def regimes(seed: int) -> al.Regimes:
    return al.regimes(planned(seed).scenario, solve=_known(seed))


@cache
def deal(seed: int) -> al.Deal:
    return al.deal(planned(seed).scenario, all_groups=True, solve=_known(seed))


def _known(seed: int):
    """`al.solve`, but for the plan that is known."""
    plan = planned(seed)
    return lambda scenario: plan if scenario is plan.scenario else al.solve(scenario)


def needs_plan(seed: int) -> al.Plan:
    """The plan of a system; what has none is looked at among clashes."""
    plan = planned(seed)
    if plan is None:
        pytest.skip("no plan keeps its rules")
    return plan


def plain(scenario: al.Scenario) -> al.Scenario:
    """A scenario without an aim between places."""
    aim = aim_of(scenario)
    return scenario if aim is None else scenario.change({f"rules.{aim.id}.in_force": False})


def best(scenario: al.Scenario) -> al.Plan:
    """The plan that buys the most."""
    return al.solve(plain(scenario))


# --- 1 ----------------------------------------------------------------------------------------------------------------


@on_any_system
def test_together_is_never_below_a_regime_that_keeps_its_rules(seed):
    """Every plan of every regime keeps the rules in force, so none buys more than together is proved to; nor, with
    consent floors at what each has apart, does the voluntary plan buy less than apart."""
    needs_plan(seed)
    found, shared = regimes(seed), deal(seed)
    most = found.together.certificate
    values = found.table["value"].dropna()
    assert (values <= most.bound + 1e-9 * abs(most.bound)).all()
    apart = found.table.set_index("regime").loc[APART, "value"]
    assert apart - found.noise - 1e-7 * abs(apart) <= shared.insisting <= most.bound + 1e-9 * abs(most.bound)
    assert (shared.consent["insisting"] >= shared.consent["fallback"] - _slip(shared.consent["fallback"])).all()
    stands = ground(seed).fallback.stands
    assert not breaches(ground(seed).problem, stands, 1.0)


def _slip(amounts: pd.Series) -> pd.Series:
    return 1.0 + 1e-6 * amounts.abs()


# --- 2 ----------------------------------------------------------------------------------------------------------------


@on_any_system
def test_an_equilibrium_has_no_more_regret_than_it_says(seed):
    """Each partner's own problem, written down anew and given to SciPy, gains it no more than the regret that is shown,
    which is next to nothing wherever a plan, told or not, is shown as a resting place."""
    needs_plan(seed)
    found, here = regimes(seed), ground(seed)
    told = found.regrets.set_index("partner")
    assert here.fallback.stands.spend == pytest.approx(_spent(found, APART), abs=1e-6)
    assert (found.starts.loc[found.starts["still"], "regret"] <= TOLERANCE).all()
    for row in found.table[found.table["regret"].notna()].itertuples():
        assert row.regret <= TOLERANCE or not row.still
        apart = here.apart if not row.rule else _told(found, row.rule)
        stands = Flows(_spent(found, row.regime, row.rule), apart.today.moved)
        for player in here.players:
            stake = apart.left_to(player, stands).at_stake
            gained, size = otherwise(apart, player, stands)
            assert gained <= row.regret * stake + 1e-7 * size + 1e-9
            if row.regime == APART:
                assert gained <= told.loc[player, "regret"] + 1e-7 * size + 1e-9


def _told(found: al.Regimes, rule: str) -> Apart:
    """Partners apart under a control from above."""
    scenario = found.scenario.change(controls.standard(found.together)[rule])
    return Apart.of(scenario, Benefits.of(scenario), Options())


def _spent(found: al.Regimes, regime: str, rule: str = "") -> np.ndarray:
    mine = found.spend[(found.spend["regime"] == regime) & (found.spend["rule"] == rule)]
    return mine["spend"].to_numpy()


def otherwise(apart: Apart, player: str, flows: Flows) -> tuple[float, float]:
    """What SciPy finds that a partner could gain by spending its own money otherwise, and its payoff's size; nothing
    where rules choose or bend."""
    problem, k = apart.problem, apart.benefits.players.index(player)
    worth, mine = apart.benefits.worth[k], apart.benefits.decides == k

    def payoff(spend: np.ndarray) -> float:
        return float(worth @ bought(problem.scenario, spend))

    own = problem.own_moves(flows.moved)
    body, held = problem.bodies(flows.spend, flows.moved), np.where(problem.aids, problem.route_high, 0.0)
    entered, left = (
        np.bincount(ends[: len(own)], own, len(problem.amount)) for ends in (problem.target, problem.source)
    )
    moved = np.append(own, np.zeros(len(held) - len(own)))
    ends = np.array([np.minimum(problem.limit_low, body), np.maximum(problem.limit_high, body)])
    second = Second(replace(
        problem,
        low=np.where(mine, np.minimum(problem.low, flows.spend), flows.spend),
        high=np.where(mine, np.maximum(problem.high, flows.spend), flows.spend),
        scale=np.where(mine, problem.scale, 0.0),
        amount=problem.amount + entered - left + 1e-6, route_high=held,
        terms=replace(problem.terms, ends=ends - problem.route_rows @ moved),
    ))  # fmt: skip
    now = payoff(flows.spend)
    if not second.fits:
        return 0.0, abs(now)
    spend = second.best(worth)
    return (0.0 if spend is None else payoff(spend) - now), abs(now)


# --- 3 ----------------------------------------------------------------------------------------------------------------


@on_any_system
def test_a_rule_more_never_buys_more(seed):
    """Without any one of its rules a system buys no less, and no plan that SciPy finds beats what is proved."""
    needs_plan(seed)
    most = best(planned(seed).scenario)
    scenario, found = most.scenario, most.certificate
    for rule in scenario.rules:
        if rule.binds and rule.deontic != "may":
            without = al.solve(scenario.change({f"rules.{rule.id}.in_force": False})).certificate
            assert without.bound >= found.value - 1e-9 * abs(found.value)
    second = Second(Problem.of(scenario))
    if second.fits:
        other = second.best(second.problem.weight)
        if other is not None:
            assert second.problem.weight @ bought(scenario, other) <= found.bound + 1e-6 * second.problem.at_stake


# --- 4 ----------------------------------------------------------------------------------------------------------------


@on_any_system
def test_nobody_signs_for_less_than_its_fallback(seed):
    """In a deal that there is something to gain by, everybody has at least its fallback; payments add up to nothing, or
    with the top-up to that, and then no group does better by itself."""
    needs_plan(seed)
    found = deal(seed)
    table, size = found.partners, 1e-9 * float(found.partners["together"].abs().sum()) + 1e-6
    assert abs(table["payment"].sum()) <= size
    for _, way in found.sharing.groupby("method"):
        assert abs(way["payment"].sum()) <= size
    if found.gain >= 0:
        assert (table["gain"] >= -found.noise).all()
    game, least = played(found), table.set_index("partner")["fallback"]
    shared = equal_gain(game.topped_up(found.top_up + 2 * found.noise), least)
    assert shared.stable
    assert (shared.amounts >= least - 1e-6 * least.abs() - 1e-6).all()
    paid = shared.amounts.to_numpy() - table["together"].to_numpy()
    assert paid.sum() == pytest.approx(found.top_up + 2 * found.noise, abs=size)
    if found.stable:
        assert (found.groups["slack"] >= -found.noise).all()


def played(found: al.Deal) -> Game:
    """The game of a deal for which every group was asked."""
    partners = tuple(found.partners["partner"])
    values = np.zeros(2 ** len(partners))
    for group, value in zip(found.groups["group"], found.groups["value"], strict=True):
        values[sum(1 << partners.index(each) for each in group)] = value
    values[-1] = found.partners["together"].sum()
    return Game(partners, values)


@pytest.mark.parametrize("seed", [11, 23, 36])
def test_settlements_are_for_everybody(seed):
    """Without payments too: no preferred plan and no settlement leaves anybody below its fallback, or lands more on a
    partner than what it prefers; none is better for all; and what is most even is, and what is agreed buys most."""
    found = al.settle(planned(seed).scenario, solve=_known(seed))
    table, slip = found.settlements, 20.0 + 2e-5 * float(found.settlements["fallback"].abs().max())
    assert (table["gain"] >= -slip).all()
    assert (table["payoff"] <= table["ideal"] + slip + 1e-4 * table["ideal"].abs()).all()
    gains = table.pivot(index="settlement", columns="partner", values="gain")
    for one in gains.to_numpy():
        assert not (gains.to_numpy() > one + slip).all(axis=1).any()
    if EVEN in gains.index:
        assert gains.loc[EVEN].min() >= gains.min(axis=1).max() - slip - 1e-4 * gains.abs().to_numpy().max()
    value = found.summary.set_index("settlement")["value"].dropna()
    assert value.max() <= value[AGREED] + 1e-4 * planned(seed)._solved.problem.at_stake


# --- 5 and 6 ----------------------------------------------------------------------------------------------------------


@on_any_system
def test_fair_averages_add_up_and_treat_alike_alike(seed):
    """The average contribution and the split whose least content group is as content as can be share out what all have;
    partners that add the same to every group get the same, and one that adds only what it has alone gets that."""
    needs_plan(seed)
    found = deal(seed)
    game, count, total = played(found), len(found.partners), found.partners["together"].sum()
    ways = {name: way.set_index("partner")["amount"] for name, way in found.sharing.groupby("method")}
    assert set(ways) >= {EQUAL, SHAPLEY, NUCLEOLUS}
    for way in ways.values():
        assert way.sum() == pytest.approx(total, rel=1e-9, abs=1e-6)
    values, groups = game.table(), np.arange(2**count)
    for i, one in enumerate(game.partners):
        others = groups[groups >> i & 1 == 0]
        beyond = np.abs(values[others | 1 << i] - values[others] - values[1 << i]).max()
        assert abs(ways[SHAPLEY][one] - values[1 << i]) <= beyond + 1e-6
        for j, other in enumerate(game.partners[:i]):
            neither = others[others >> j & 1 == 0]
            unlike = np.abs(values[neither | 1 << i] - values[neither | 1 << j]).max()
            assert abs(ways[SHAPLEY][one] - ways[SHAPLEY][other]) <= unlike + 1e-6
            if unlike <= 1e-6 * np.abs(values).max():
                assert ways[NUCLEOLUS][one] == pytest.approx(ways[NUCLEOLUS][other], abs=count * unlike + 1e-3)


@on_any_system
def test_a_stable_split_exists_exactly_where_the_least_core_says(seed):
    """Where SciPy finds a split that no group objects to, the least core lacks nothing, the split whose least content
    group is as content as can be is one, and the deal needs no top-up; else all say so."""
    needs_plan(seed)
    found = deal(seed)
    game = played(found)
    values, size = game.table(), max(float(np.abs(game.table()).max()), 1.0)
    members = rows(np.arange(1, game.everybody), len(game.partners))
    program = linprog(
        np.append(np.zeros(members.shape[1]), 1.0),
        A_ub=np.hstack([-members, -np.ones((len(members), 1))]), b_ub=-values[1:-1] / size,
        A_eq=np.append(np.ones(members.shape[1]), 0.0)[None, :], b_eq=[values[-1] / size], bounds=(None, None),
    )  # fmt: skip
    short = least_core(game).short
    assert short == pytest.approx(program.fun * size, abs=1e-7 * size)
    split = found.sharing[found.sharing["method"] == NUCLEOLUS].set_index("partner")["amount"]
    held = core(game, split)
    assert held.groups["slack"].iloc[0] == pytest.approx(-short, abs=1e-6 * size)
    if short <= 0:
        assert held.groups["slack"].iloc[0] >= -1e-6 * size
    if short > found.noise:
        assert not found.stable
        assert found.top_up > 0


# --- 7 ----------------------------------------------------------------------------------------------------------------


@on_any_system
def test_a_clash_cannot_hold_and_any_member_less_can(seed):
    """SciPy finds a plan exactly where none of the clashes stands whole, and for each without any one of its rules; the
    cheapest way out makes the book possible, and costs what SciPy finds to be the least."""
    scenario = clashing(seed).scenario
    found, second = al.clash(scenario, seconds=30.0), Second(Problem.of(scenario))
    standing = {rule.id: rule.standing for rule in scenario.rules}
    assert found.possible == second.holds(set(standing))
    if found.possible:
        return
    aside = set(standing) if found.law else {name for name, kind in standing.items() if kind != "statutory"}
    firm = set(standing) - aside
    assert found.complete
    for _, clash in found.clashes.groupby("clash"):
        names = set(clash["rule"])
        assert not second.holds(names | firm)
        for name in names & aside:
            assert second.holds((names | firm) - {name})
    assert not al.solve(scenario.change(found.change)).certificate.breaches
    cheapest = found.ways[found.ways["kind"] == "cheapest"]
    price = {name: 10.0 if standing[name] == "statutory" else 1.0 for name in aside}
    assert cheapest["price"].sum() == pytest.approx(second.easing(price), rel=1e-5, abs=1.0)


# --- 9 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [*SEEDS, 64])
def test_names_change_nothing(seed):
    """With partners of other names, in the same order of names or against it, and tables in another order, the same is
    spent, lands, is paid and is agreed; of what is alike in everything the names say which is which. In the last of
    them a floor under gains takes a little more of slices than of curves."""
    plan = needs_plan(seed)
    before = system(seed)
    names = _renamed(before.partners)
    again = al.solve(before.named(names).scenario)
    assert _by_line(again, {}) == _by_line(plan, names)
    names = _renamed(_turned(before.partners))
    renamed = before.named(names).scenario
    again = al.solve(renamed)
    assert again.value == pytest.approx(plan.value, rel=1e-9)
    assert _alike(again) == pytest.approx(_alike(plan), abs=2.0 * len(plan.spend))
    both = [found.table.set_index(["regime", "rule"])["value"] for found in (regimes(seed), al.regimes(renamed))]
    assert both[1].to_dict() == pytest.approx(both[0].to_dict(), rel=1e-4, nan_ok=True)
    mine, theirs = deal(seed), al.deal(renamed)
    for column in ("fallback", "together", "amount"):
        one = mine.partners.set_index("partner")[column].rename(names).sort_index()
        other = theirs.partners.set_index("partner")[column].sort_index()
        assert other.to_numpy() == pytest.approx(one.to_numpy(), rel=1e-5, abs=mine.noise)


def _renamed(partners: list[str]) -> dict[str, str]:
    """New names that stand in this order."""
    return {name: f"{chr(ord('a') + k)}-{name}" for k, name in enumerate(partners)}


def _turned(partners: list[str]) -> list[str]:
    """Partners in the opposite order, but for two that may be alike in everything."""
    order = sorted(partners, reverse=True)
    later, sooner = (order.index(name) for name in ALIKE)
    order[later], order[sooner] = ALIKE[::-1]
    return order


def _alike(plan: al.Plan) -> dict[tuple, float]:
    """Pounds on all lines that are alike but for whose they are."""
    columns = ["place", "programme", "envelope", "year", "baseline", "low", "high"]
    return plan.spend.groupby(columns)["spend"].sum().to_dict()


def _by_line(plan: al.Plan, names: dict[str, str]) -> dict[tuple[str, ...], float]:
    table = plan.spend
    keys = zip(
        (names.get(name, name) for name in table["partner"]), table["place"], table["programme"], table["envelope"],
        table["year"], strict=True,
    )  # fmt: skip
    return dict(zip(keys, table["spend"], strict=True))


# --- 10 ---------------------------------------------------------------------------------------------------------------


@on_any_system
def test_pounds_a_thousand_times_as_many(seed):
    """Where everything costs a thousand times as much, a thousand times as much is spent, lands and is paid, and the
    same outcome is bought, apart, told and together; indices and shares are the same, and so is how patient each must
    be to keep its rules, and how often somebody must look."""
    plan = needs_plan(seed)
    dearer = system(seed).times(1000.0).scenario
    again = al.solve(dearer)
    stake = plan._solved.problem.at_stake
    assert again.value == pytest.approx(plan.value, abs=2e-4 * stake)
    one, other = (found.table.set_index(["regime", "rule"])["value"] for found in (regimes(seed), al.regimes(dearer)))
    same = [key for key in one.index if key in other.index]
    assert other[same].to_numpy() == pytest.approx(one[same].to_numpy(), abs=1e-3 * stake, nan_ok=True)
    mine, theirs = deal(seed), al.deal(dearer)
    close = 1000.0 * mine.noise * len(mine.partners)
    for column in ("fallback", "together", "amount"):
        assert theirs.partners[column].to_numpy() == pytest.approx(1000 * mine.partners[column].to_numpy(), abs=close)
    indices = [al.fairness(each).set_index(["measure", "view"]) for each in (plan, again)]
    for index in ("gini", "hoover"):
        one, other = (each.loc[index, "value"].to_numpy() for each in indices)
        assert other == pytest.approx(one, abs=1e-3, nan_ok=True)
    holding = al.holds(plan.scenario, solve=_known(seed)), al.holds(dearer)
    for table, key in (("rules", "rule"), ("leaving", "breaks")):
        one, other = (getattr(each, table).set_index([key, "partner"])[["patience", "look"]] for each in holding)
        pd.testing.assert_frame_equal(other.sort_index(), one.sort_index(), rtol=0, atol=1e-3)


# --- 12 ---------------------------------------------------------------------------------------------------------------


@on_any_system
def test_an_open_book_makes_the_best_for_all_the_best_for_each(seed):
    """Where everybody has a fixed sum and a share, above nothing, of all that is bought, nobody gains by leaving the
    plan that buys the most: no more than what that may be short of the best."""
    needs_plan(seed)
    most = best(planned(seed).scenario)
    scenario, shares = most.scenario, 0.05 + np.random.default_rng(seed).dirichlet(np.ones(9))
    weight = scenario.outcomes.set_index("id")["weight"]
    tables = dict(scenario._tables)
    tables["benefits"] = pd.DataFrame(
        [[name, outcome, None, share, share, 1e4 * weight[outcome]]
         for name, share in zip(scenario.partners["id"], shares, strict=False) for outcome in weight.index],
        columns=scenario.table("benefits").columns, index=range(2, 2 + len(scenario.partners) * len(weight)),
    )  # fmt: skip
    open_book = al.Scenario(scenario.heading, scenario.rules, tables)
    apart = Apart.of(open_book, Benefits.of(open_book), Options())
    flows = most._solved.flows
    aids = len(apart.problem.route_high) - len(flows.moved)
    flows = Flows(flows.spend, np.append(flows.moved, np.zeros(aids)))
    short = most.certificate.bound - most.certificate.value
    for k, player in enumerate(apart.benefits.players):
        reply, share = apart.reply(player, flows), float(apart.benefits.worth[k].max())
        scale = share / float(weight.max())
        assert reply.gain <= scale * short + 1e-9 * abs(scale * most.value)
        assert reply.most <= scale * short + 2 * LEAST * reply.stake + 1e-9
        gained, size = otherwise(apart, player, flows)
        assert gained <= scale * short + 1e-7 * size


# --- 13 ---------------------------------------------------------------------------------------------------------------


@on_any_system
def test_a_place_in_two_halves_is_as_fair(seed):
    """A place that falls in two, each with half its people and half of everything, changes no index of fairness of the
    same spending; nor how fair the fairest plan is."""
    plan = needs_plan(seed)
    whole = _pinned(system(seed), plan)
    place = whole.tables["places"][0]["id"]
    one, two = (al.fairness(al.solve(each.scenario)) for each in (whole, whole.halved(place)))
    keys = ["measure", "view"]
    both = one.merge(two, on=keys, suffixes=("", "_halves"))
    assert len(both) == len(one) == len(two)
    for column in ("today", "value"):
        assert both[f"{column}_halves"].to_numpy() == pytest.approx(
            both[column].to_numpy(), rel=1e-7, abs=1e-9, nan_ok=True
        )
    aim = {name: rule for name, rule in system(seed).rules.items() if name == "aim"}
    if aim and len(plan.scenario.places) > 1:
        free = replace(system(seed), rules=aim)
        found, halves = (al.solve(each.scenario).aim for each in (free, free.halved(place)))
        slip = 1e-4 * max(abs(found.reached), abs(found.reached - found.otherwise))
        assert halves.reached <= found.bound + slip
        assert found.reached <= halves.bound + slip


def _pinned(found: System, plan: al.Plan) -> System:
    """A system with nothing left to decide: what the plan spends, in even pounds, and no rule."""
    key = ["partner", "place", "programme", "envelope", "year"]
    spent = plan.spend.set_index(key)["spend"]
    lines = []
    for row in found.tables["lines"]:
        pounds = 2.0 * round(float(spent[tuple(row[name] for name in key)]) / 2)
        today = min(max(2.0 * round(row["baseline"] / 2), pounds), 3.0 * pounds)
        lines.append({name: row[name] for name in key} | {"baseline": today, "low": pounds, "high": pounds})
    there = [
        row | {"amount": max(sum(line["high"] for line in lines if _pays(row, line)), 1.0)}
        for row in found.tables["envelopes"]
    ]
    return replace(found, tables=dict(found.tables) | {"lines": lines, "envelopes": there, "routes": []}, rules={})


def _pays(envelope: dict, line: dict) -> bool:
    return (envelope["id"], envelope["year"]) == (line["envelope"], line["year"])


# --- 14 ---------------------------------------------------------------------------------------------------------------


@on_any_system
def test_more_money_never_buys_less(seed):
    """With more in any envelope no less is bought; read again in another order a system has the same digest and the
    same plan; and what spending gains, by the formulas as documented, is what is told."""
    plan = needs_plan(seed)
    most = best(plan.scenario)
    for row in plan.scenario.envelopes.itertuples():
        path = f"envelopes.{row.id}.{row.year}.amount" if len(plan.scenario.years) > 1 else f"envelopes.{row.id}"
        try:
            richer = al.solve(most.scenario.change({path: row.amount * 1.1 + 1000.0}))
        except al.ScenarioError:
            continue
        assert richer.certificate.bound >= most.value - 1e-9 * abs(most.value)
    same = {name: name for name in system(seed).partners}
    again = system(seed).named(same).scenario
    assert again.digest == plan.scenario.digest
    assert al.solve(again).spend.equals(plan.spend)
    assert plan.gains["gain"].to_numpy() == pytest.approx(
        bought(plan.scenario, plan.spend["spend"]), rel=1e-9, abs=1e-9
    )
    assert plan.certificate.value <= plan.certificate.bound + 1e-9 * abs(plan.certificate.bound)


# --- and --------------------------------------------------------------------------------------------------------------


@on_any_system
def test_no_sentence_that_nobody_would_say(seed):
    """Whatever a system is, all that is said of it is said in figures that mean something."""
    needs_plan(seed)
    for found in (regimes(seed), deal(seed)):
        for sentence in found.sentences:
            words = sentence.lower().replace(",", " ").replace(".", " ").split()
            assert not {"nan", "inf", "-inf", "none", "£nan", "-0", "−0", "£-0", "£inf"} & set(words), sentence
