"""Apart, told and together: answers worked out by hand, and what must hold on any system."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import allocate as al
from allocate import controls
from allocate.commons.apart.alone import Apart
from allocate.commons.apart.benefits import Benefits
from allocate.commons.apart.regimes import (
    AIMED,
    ALONE,
    APART,
    AT_BEST,
    BEST,
    ONE_SOLVE,
    REPLIES,
    TODAY,
    TOGETHER,
    TOLD,
    WORST,
)
from allocate.engine.optimum import Options
from tests.commons.games import benefit, common_purse, line, rooted, shared_good, systems
from tests.engine.making import make


def values(found: al.Regimes, rule: str = "") -> dict[str, float]:
    table = found.table[found.table["rule"] == rule]
    return dict(zip(table["regime"], table["value"], strict=True))


def said(found: al.Regimes, words: str) -> str:
    """The one sentence that has these words."""
    (sentence,) = [each for each in found.sentences if words in each]
    return sentence


def test_a_shared_good_by_hand():
    """Half of what prevention is worth lands on each of two: apart they spend a quarter of what they would together,
    and that loses £400,000 of £3.6m, as outcome and in pounds."""
    found = al.regimes(shared_good(), told={})
    assert found.how == ONE_SOLVE
    assert found.certified
    assert values(found)[APART] == pytest.approx(3.2e6, abs=30)
    assert values(found)[TOGETHER] == pytest.approx(3.6e6, abs=30)
    assert found.gain == pytest.approx(4e5, abs=60)
    spend = found.spend[found.spend["programme"] == "prevention"].groupby("regime")["spend"].sum()
    assert spend[APART] == pytest.approx(400_000, abs=200)
    assert spend[TOGETHER] == pytest.approx(1_600_000, abs=200)
    table = found.table.set_index("regime")
    assert table["pounds"].to_numpy() == pytest.approx(table["value"].to_numpy())
    assert list(table.loc[[APART, TOGETHER], "reached"]) == pytest.approx([0.0, 1.0])
    assert said(found, "Apart the system buys").endswith(
        "working together is worth 400,000, which lands on partners as +£400,000."
    )
    assert said(found, "assumed") == "What each counts is as benefits.csv has it, where all figures are assumed."


def test_prescription_worse_than_leaving_alone_and_a_floor_that_helps():
    """To keep prevention exactly where it was is worse than leaving partners alone, the same as a floor is not, and a
    higher floor brings them where they would be together: control from above wins, and says so."""
    scenario = shared_good()
    told = {
        "exactly as it was": controls.prescription(scenario, "prevention", 0.0),
        "at least as it was": controls.target(scenario, "prevention", 0.0),
        "eight times as much": controls.target(scenario, "prevention", 7.0),
        "more than there is": controls.prescription(scenario, "service-a", 0.0)
        | controls.target(scenario, "prevention", 6.0),
    }
    found = al.regimes(scenario, told=told)
    exactly = 1.8e6 + 8e5 * np.sqrt(2)
    assert values(found, "exactly as it was") == pytest.approx({TOLD: exactly, AT_BEST: exactly}, abs=5)
    assert values(found, "at least as it was") == pytest.approx({TOLD: 3.2e6, AT_BEST: 3.6e6}, abs=60)
    assert values(found, "eight times as much") == pytest.approx({TOLD: 3.6e6, AT_BEST: 3.6e6}, abs=60)
    assert "worse than leaving partners alone" in said(found, "exactly as it was")
    assert "no better than leaving partners alone" in said(found, "at least as it was")
    assert "Control from above wins over leaving partners alone" in said(found, "eight times as much")
    assert "100% of what together adds" in said(found, "eight times as much")
    assert "no plan is possible under it" in said(found, "more than there is")
    assert np.isnan(values(found, "more than there is")[TOLD])


def test_a_common_purse_that_each_must_balance():
    """Each kept to its own part of a purse, both spend all of it: what balancing alone costs is what moving money
    between them would buy, and what they want is not at odds."""
    found = al.regimes(common_purse(), told={})
    apart = 400 * np.sqrt(3.375) + 1000 * np.sqrt(1.125)
    assert values(found)[APART] == pytest.approx(apart)
    assert values(found)[ALONE] == pytest.approx(apart)
    assert values(found)[TOGETHER] == pytest.approx(1800.0)
    assert values(found)[TODAY] == pytest.approx(400 * np.sqrt(3) + 1000)
    assert "costs 4.49 units" in said(found, "balances alone")
    assert "count what its own lines buy" in said(found, "is taken to count")
    assert found.table["pounds"].isna().all()


def test_what_a_statutory_rule_costs():
    """The cost of a rule in law is what together would gain without it, in the aim and as it lands on partners; what
    was only agreed is not told, and stands for nobody where only the law holds."""
    floor = {"kind": "floor", "amount": 2e5, "where": {"programmes": ["service-a"]}}
    cap = {"kind": "cap", "amount": 1.2e6, "where": {"programmes": ["prevention"]}}
    scenario = shared_good({"by-law": cap | {"standing": "statutory"}, "agreed": floor})
    found = al.regimes(scenario, told={})
    cost = 3.6e6 - (8e5 + 8e5 * np.sqrt(12))
    assert list(found.law["rule"]) == ["by-law"]
    assert found.law["cost"].iloc[0] == pytest.approx(cost, abs=60)
    assert found.law["pounds"].iloc[0] == pytest.approx(cost, abs=60)
    assert "“By law” costs most" in said(found, "in law")
    strict = shared_good({"agreed": {"kind": "cap", "amount": 1e5, "where": {"programmes": ["prevention"]}}})
    assert values(al.regimes(strict, told={}))[APART] < 3.1e6
    assert values(al.regimes(strict, told={}, rules="statutory"))[APART] == pytest.approx(3.2e6, abs=60)
    assert not len(al.regimes(scenario, told={}, law=False).law)


def test_an_aim_between_places():
    """Where partners agreed on an aim, together is still the most that can be bought, and the plan by the aim stands
    beside it with what it gives up; apart nobody follows it."""
    aim = {"kind": "bottom-up", "view": "spend", "where": {"programmes": ["care"]}}
    found, plain = (al.regimes(common_purse(rules), told={}) for rules in ({"fair": aim}, None))
    both = values(found)
    assert {name: both[name] for name in values(plain)} == pytest.approx(values(plain))
    assert both[AIMED] == pytest.approx(400 * np.sqrt(4.5) + 1000 * np.sqrt(0.9))
    assert f"{1800 - both[AIMED]:.3g} less: what it gives up is for fairness" in said(found, "By the aim in force")
    assert not any("aim in force" in each for each in plain.sentences)


def test_many_resting_places():
    """Where the order of moves decides who gets a purse that nobody spends from today, the range is told."""
    scenario = make(
        [line("a", "care", 0.0), line("b", "halls", 0.0)],
        [rooted("care", "health", 1.0, 1e4), rooted("halls", "health", 2.0, 1e4)], 1e5,
    )  # fmt: skip
    found = al.regimes(scenario, told={})
    worst, best = (values(found)[name] for name in (WORST, BEST))
    assert worst == pytest.approx(2e4 * np.sqrt(10))
    assert best > worst
    assert "depends on where they begin" in said(found, "depends")
    assert found.starts["still"].all()


def test_a_tick_that_says_stop():
    """Once nobody wants the rest, further starts and rules are left out, and what must be known is there."""
    scenario = shared_good({"by-law": {"kind": "cap", "amount": 1e6, "standing": "statutory"}})
    scenario = scenario.change({"rules.by-law.where": {"programmes": ["prevention"]}})
    found = al.regimes(scenario, tick=lambda done, total: False)
    assert list(found.starts["start"]) == [ONE_SOLVE, REPLIES]
    assert set(found.table["regime"]) == {TODAY, ALONE, APART, WORST, BEST, TOGETHER}
    assert list(found.law["how"]) == ["not solved"]


def test_what_is_refused():
    """Rules of another name, a control that is no change, and rules that cannot all hold are refused as elsewhere."""
    scenario = shared_good()
    with pytest.raises(ValueError, match="rules must be"):
        al.regimes(scenario, rules="none")
    with pytest.raises(al.ScenarioError, match=r"envelopes\.nowhere"):
        al.regimes(scenario, told={"wrong": {"envelopes.nowhere": 1.0}})
    much = {"kind": "floor", "amount": 1.5e6, "where": {"programmes": ["prevention"]}}
    more = {"kind": "floor", "amount": 6e5, "where": {"programmes": ["service-a"]}}
    with pytest.raises(al.NoPlan):
        al.regimes(shared_good({"much": much, "more": more}))


def test_a_partner_that_counts_everything_is_told_apart_from_one_that_does_not():
    """With all of every outcome landing on each, apart is together: nothing is lost where ends are shared."""
    rows = [benefit(name, outcome, share=1.0) for name in ("a", "b") for outcome in ("service", "health")]
    found = al.regimes(shared_good(benefits=rows), told={})
    assert found.gain <= max(found.noise, 40.0)
    table = found.partners[found.partners["regime"] == APART]
    assert table["payoff"].to_numpy() == pytest.approx([3.6e6, 3.6e6], abs=60)
    assert list(table["unit"]) == ["£", "£"]


@settings(max_examples=12)
@given(systems())
def test_what_holds_on_any_system(scenario):
    """Every plan shown as a resting place is one: no other spending of a partner's own money, drawn by lot, gains it
    more than its regret. Together is never below apart, worst or best found, nor below balancing alone."""
    found = al.regimes(scenario, told={}, law=False)
    value = values(found)
    for name in (APART, WORST, BEST, ALONE, TODAY):
        assert value[name] <= value[TOGETHER] + found.noise + 1e-4 * abs(value[TOGETHER])
    assert value[WORST] <= value[BEST]
    assert (found.starts.loc[found.starts["still"], "regret"] <= 1e-4).all()
    apart = Apart.of(scenario, Benefits.of(scenario), Options())
    end = apart.settled(apart.today)
    drawn = np.random.default_rng(1)
    for player in apart.benefits.players:
        problem = apart.left_to(player, end.profile)
        now = problem.value(end.profile.spend)
        mine = np.flatnonzero(problem.low < problem.high)
        for _ in range(60):
            spend = end.profile.spend.copy()
            spend[mine] *= drawn.uniform(0.0, 2.0, len(mine))
            spend = _within(problem, spend, mine)
            body = problem.bodies(spend, np.zeros(0))
            if ((problem.limit_low <= body) & (body <= problem.limit_high)).all():
                assert problem.value(spend) - now <= end.regrets[player] + 1e-6 * max(end.stakes[player], 1.0)


def _within(problem, spend: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """Spending brought within envelopes and caps by cutting a player's own lines alike."""
    for limit in np.flatnonzero(np.isfinite(problem.limit_high)):
        row = problem.line_rows.dense(np.array([limit]))[0]
        own = row * np.isin(np.arange(len(spend)), mine)
        over, total = row @ spend - problem.limit_high[limit], own @ spend
        if over > 0 and total > 0:
            spend = spend * (1 - own * min(1.0, over / total))
    for envelope, amount in enumerate(problem.amount):
        inside = problem.envelope_of_line == envelope
        own = inside & np.isin(np.arange(len(spend)), mine)
        over, total = spend[inside].sum() - amount, spend[own].sum()
        if over > 0 and total > 0:
            spend = np.where(own, spend * (1 - min(1.0, over / total)), spend)
    return spend


@settings(max_examples=8)
@given(systems(players=(1, 1)))
def test_one_partner_apart_is_together(scenario):
    """With one partner that counts what the system counts, apart buys what together does."""
    alone = al.Scenario(scenario.heading, scenario.rules, dict(scenario._tables) | {
        "benefits": scenario.table("benefits").iloc[:0], "evidence": scenario.table("evidence"),
    })  # fmt: skip
    found = al.regimes(alone, told={}, law=False, others=0)
    assert found.gain <= found.noise + 1e-4 * abs(values(found)[TOGETHER])


@pytest.fixture(scope="module")
def real(system) -> al.Regimes:
    """The regimes of a real system."""
    return al.regimes(system.scenario, solve=lambda s: system if s is system.scenario else al.solve(s))


def test_a_real_system(real):
    """Nobody moves in any plan shown, together is above apart, and told lies below together under every control."""
    assert real.certified
    assert real.starts["still"].all()
    assert real.gain > real.noise
    assert (real.table["value"].dropna() <= values(real)[TOGETHER] + real.noise).all()
    assert set(real.partners["partner"]) == set(real.scenario.partners["id"])
    assert real.spend.groupby(["regime", "rule"]).size().eq(len(real.scenario.lines)).all()


def test_the_same_again(real):
    """The same scenario gives the same tables, whatever was solved in between."""
    again = al.regimes(real.scenario)
    for name, table in again.tables().items():
        other = real.tables()[name]
        assert table.equals(other), name
