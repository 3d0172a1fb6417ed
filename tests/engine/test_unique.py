"""One best plan or several: what is said to be unique has no ties, and what ties is never said to be unique."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.engine import optimum
from tests.engine.making import make, spent
from tests.engine.systems import systems
from tests.systems import system

HALVES = {"place": "a", "programme": "care", "shape": "saturation", "ceiling": 10.0, "reference": 4000.0}


@pytest.fixture
def said(monkeypatch) -> list[bool]:
    """What is said of each plan in turn."""
    heard, alone = [], optimum._alone
    monkeypatch.setattr(optimum, "_alone", lambda *asked: heard.append(alone(*asked)) or heard[-1])
    return heard


def with_ties_looked_for(scenario: al.Scenario, monkeypatch) -> al.Plan:
    """The plan where nothing is known to be unique, and the solver looks for others as good."""
    monkeypatch.setattr(optimum, "_alone", lambda *asked: False)
    return al.solve(scenario)


@pytest.mark.parametrize("scenario", [
    *(pytest.param(lambda seed=seed: systems(2, 3, seed), id=f"flat curves {seed}") for seed in range(8)),
    *(pytest.param(lambda seed=seed: system(seed).scenario, id=f"drawn {seed}") for seed in (*range(12), 78, 114, 187)),
    pytest.param(lambda: al.read("scenarios/tiny"), id="tiny"),
    pytest.param(lambda: al.read("scenarios/coventry-warwickshire"), id="two ways to bend"),
])  # fmt: skip
def test_where_a_plan_is_said_to_be_unique_none_is_as_good(scenario, said, monkeypatch):
    """Looking for others finds the same plan to the pound and no ties; where some tie, nothing else was said."""
    scenario = scenario()
    try:
        plan = al.solve(scenario)
    except al.NoPlan:
        assert not any(said)
        return
    unique, looked = said[-1], with_ties_looked_for(scenario, monkeypatch)
    assert plan.spend.equals(looked.spend)
    assert plan.ties == looked.ties
    assert not (unique and looked.ties)


def test_curves_that_flatten_settle_where_money_goes(said):
    """One line a curve, each flatter the more it gets: one plan alone is best."""
    al.solve(systems(2, 3))
    assert said == [True]


def test_two_who_share_a_curve_tie(said):
    """What either is paid buys the same, so no plan is the only best one."""
    lines = [
        {"place": "a", "programme": "care", "partner": each, "baseline": 2000.0, "high": 9000.0}
        for each in ("one", "two")
    ]
    al.solve(make(lines, [HALVES], 5000.0))
    assert said == [False]


def test_a_rule_that_binds_settles_what_a_curve_leaves_open(said):
    """The same two, where a cap with a price holds one: the other's part follows."""
    lines = [
        {"place": "a", "programme": "care", "partner": each, "baseline": 2000.0, "high": 9000.0}
        for each in ("one", "two")
    ]
    apart = {"place": "b", "programme": "care", "shape": "saturation", "ceiling": 10.0, "reference": 4000.0}
    lines.append({"place": "b", "programme": "care", "partner": "one", "baseline": 2000.0, "high": 9000.0})
    cap = {"kind": "cap", "amount": 4000.0, "where": {"partners": ["one"]}}
    plan = al.solve(make(lines, [HALVES, apart], 9000.0, {"cap": cap}))
    assert said == [True]
    assert spent(plan)["a care one"] + spent(plan)["b care one"] == 4000.0


def test_money_that_could_go_round_is_not_unique(said):
    """Two ways between envelopes could each carry a pound back: what is moved is settled by the tie-break."""
    lines = [{"place": p, "programme": "care", "envelope": p, "baseline": 1000.0, "high": 5000.0} for p in "ab"]
    curves = [HALVES | {"place": p} for p in "ab"]
    routes = [
        {"id": x + y, "year": "2026", "source": x, "target": y, "high": 5000.0, "authority": "agreed"}
        for x, y in ("ab", "ba")
    ]
    plan = al.solve(make(lines, curves, {"a": 3000.0, "b": 1000.0}, routes=routes))
    assert said == [False]
    assert spent(plan) == {"a care": 2000.0, "b care": 2000.0}
    assert plan.routes["moved"].tolist() == [1000.0, 0.0]
