"""A partner's own problem: what it may decide, with whose money, and that nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest

from allocate.commons.apart import alone
from allocate.commons.apart.alone import Apart, own_money, today
from allocate.commons.apart.benefits import Benefits
from allocate.engine.optimum import Options
from allocate.engine.pool import POOL
from allocate.engine.problem import Problem
from tests.commons.games import common_purse, line, rooted, shared_good, straight
from tests.engine.making import make

OPTIONS = Options()


def apart(scenario) -> Apart:
    return Apart.of(scenario, Benefits.of(scenario), OPTIONS)


def test_own_money_of_a_common_purse():
    """Of a purse that nobody has spent whole, each has the part that its lines take today."""
    scenario = common_purse()
    problem = Problem.of(scenario)
    flows = today(problem, OPTIONS)
    assert list(flows.spend) == [300_000, 500_000]
    money = own_money(problem, flows, Benefits.of(scenario))
    assert money == {(0, 0): 337_500.0, (1, 0): 562_500.0}


def test_today_made_lawful_is_the_nearest(system):
    """On a real system nothing falls and only what rules ask for rises, less than in the plan together, and the same
    whatever was solved before."""
    problem = Problem.of(system.scenario)
    found = today(problem, OPTIONS)
    rise = found.spend - problem.baseline
    assert rise.min() >= 0
    assert rise.sum() < np.abs(system._solved.flows.spend - problem.baseline).sum() / 2
    POOL.clear()
    assert np.array_equal(today(Problem.of(system.scenario), OPTIONS).spend, found.spend)


def test_a_purse_of_ones_own_needs_no_cap():
    """An envelope from which one partner alone spends is its own, and one that nobody spends from is anybody's."""
    assert apart(shared_good()).money == {}
    scenario = make(
        [line("a", "care", 0.0), line("b", "halls", 0.0)],
        [rooted("care", "health", 1.0, 1e4), rooted("halls", "health", 1.0, 1e4)], 1e5,
    )  # fmt: skip
    first = apart(scenario)
    assert first.money == {}
    assert list(first.settled(first.today).profile.spend) == [100_000, 0]
    assert list(first.settled(first.today, backwards=True).profile.spend) == [0, 100_000]


def test_todays_plan_keeps_the_rules():
    """Today's spending is made lawful with the least change."""
    scenario = shared_good({"more": {"kind": "floor", "amount": 3e5, "where": {"programmes": ["prevention"]}}})
    spend = dict(zip(scenario.line_ids, today(Problem.of(scenario), OPTIONS).spend, strict=True))
    assert sum(pounds for name, pounds in spend.items() if "prevention" in name) == 300_000
    assert sum(pounds for name, pounds in spend.items() if "service" in name) <= 1_700_000


def test_a_reply_moves_only_its_own_lines():
    """A partner's reply leaves every other line where it stands, gains what it says, and no less than was possible."""
    scenario = shared_good()
    found = apart(scenario)
    reply = found.reply("a", found.today)
    theirs = (scenario.lines["partner"] == "b").to_numpy()
    assert (reply.profile.spend[theirs] == found.today.spend[theirs]).all()
    # Alone it brings prevention to £400,000: 100,000 are there from b.
    moved = dict(zip(scenario.lines["programme"][~theirs], reply.profile.spend[~theirs], strict=True))
    assert moved["prevention"] == pytest.approx(300_000, abs=1)
    assert reply.gain == pytest.approx(reply.most, abs=1.0)
    assert reply.gain == pytest.approx(8e5 * (2 - np.sqrt(2)) / 2 - 200_000, abs=1.0)


def test_money_moves_as_it_does_today():
    """No partner draws on another's envelope by a route that is open: what today's plan moves stays."""
    lines = [line("a", "care", 5e4, "rich"), line("b", "halls", 5e4, "poor")]
    curves = [straight("care", "health", 0.1), rooted("halls", "health", 1.0, 1e5)]
    route = {"id": "pooled", "year": "2026", "source": "rich", "target": "poor", "high": 5e4, "authority": "agreed"}
    scenario = make(lines, curves, {"rich": 1e5, "poor": 5e4}, routes=[route])
    found = apart(scenario)
    end = found.settled(found.today, backwards=True)
    assert end.still
    assert list(end.profile.moved) == [0]
    assert list(end.profile.spend) == [100_000, 50_000]


def test_nobody_bends_further_than_stands():
    """A rule that bends for a plan of all is kept by each alone as today's plan leaves it."""
    floor = {"kind": "floor", "amount": 9e5, "where": {"programmes": ["service-a"]}, "bends": [{"price": 1000.0}]}
    scenario = shared_good({"stays": floor})
    found = apart(scenario)
    spend = dict(zip(scenario.lines["programme"], found.settled(found.today).profile.spend, strict=True))
    assert spend["service-a"] == pytest.approx(900_000, abs=1)


def test_a_reply_that_cannot_be_found(monkeypatch):
    """Where slices miss a floor on an outcome that only just holds, a partner stays where it is, and its regret is what
    it could gain at most without that floor."""
    health = {"kind": "floor", "measure": "health", "amount": 9e5, "where": {"programmes": ["prevention"]}}
    found = apart(shared_good({"enough": health}))
    solve, asked = alone.solved_whole, []

    def missed(problem, *more):
        asked.append(problem)
        if np.isfinite(problem.terms.ends[0, problem.gain_rows.rows]).any():
            raise alone.Clash
        return solve(problem, *more)

    monkeypatch.setattr(alone, "solved_whole", missed)
    reply = found.reply("a", found.today)
    assert len(asked) == 2
    assert (reply.profile, reply.gain) == (found.today, 0.0)
    monkeypatch.undo()
    assert reply.most >= found.reply("a", found.today).most > 0


def test_choices_are_replied_to():
    """A partner with a project that is funded in full or not at all opens it where that gains it most."""
    lines = [line("a", "care", 1e5), line("a", "centre", 0.0) | {"scale": 8e4, "high": 8e4}, line("b", "halls", 1e5)]
    curves = [straight("care", "health", 1.0), straight("centre", "health", 3.0), straight("halls", "health", 1.0)]
    scenario = make(lines, curves, 2e5)
    found = apart(scenario)
    end = found.settled(found.today)
    assert end.still
    assert dict(zip(scenario.lines["programme"], end.profile.spend, strict=True)) == {
        "care": 20_000, "centre": 80_000, "halls": 100_000,
    }  # fmt: skip
