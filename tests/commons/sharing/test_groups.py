"""What groups could do by themselves, on any system."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from allocate.commons.apart.alone import Apart
from allocate.commons.apart.benefits import Benefits
from allocate.commons.apart.fallbacks import Fallback
from allocate.commons.sharing.groups import Groups
from allocate.engine.certificate import breaches
from allocate.engine.optimum import Options
from allocate.engine.problem import Problem
from tests.commons.games import line, straight, systems
from tests.engine.making import YEAR, make


def groups_of(scenario) -> Groups:
    benefits, options = Benefits.of(scenario), Options()
    apart = Apart.of(scenario, benefits, options)
    return Groups(Problem.of(scenario), benefits, Fallback.of("apart", apart).stands, apart.today, options)


@settings(max_examples=8)
@given(systems(players=(2, 3), everybody=True))
def test_what_groups_do(scenario):
    """Whoever is outside stays as it is; a group breaks no rule, has no less than before, no more than its bound says
    (which others that are asked make tighter), and one alone, where nobody moves, has what it had."""
    groups = groups_of(scenario)
    players = len(groups.benefits.players)
    groups.price(groups.stands)
    now, bounds = groups.payoffs(groups.stands), [groups.at_most(group) for group in range(2**players - 1)]
    for group in range(1, 2**players - 1):
        found, members = groups.alone(group), np.array([group >> k & 1 for k in range(players)], dtype=bool)
        outside = ~members[groups.benefits.decides]
        assert found.flows.spend[outside] == pytest.approx(groups.stands.spend[outside], abs=0.1)
        assert not breaches(groups.problem, found.flows, 1.0)
        assert found.value >= now[members].sum() - 1e-9
        assert found.value <= groups.at_most(group) <= bounds[group]
        if members.sum() == 1:
            assert found.value == pytest.approx(now[members].sum())


def test_money_moves_where_a_group_holds_both_ends():
    """A route is for a group that has the holders of both its ends: they move money to where it is worth more, one
    alone cannot, nor can the two who hold but one end."""
    names = ("a", "b", "c")
    lines = [line(name, f"service-{name}", 1e5, f"pot-{name}") for name in names]
    curves = [straight(f"service-{name}", "service", float(k)) for k, name in enumerate(names, 1)]
    rows = [{"partner": name, "outcome": "service", "own": 1.0, "share": 0.0, "worth": 1.0} for name in names]
    pots = [{"id": f"pot-{n}", "year": YEAR, "name": n, "holder": n, "amount": 1e5} for n in names]
    routes = [{"id": "over", "source": "pot-a", "target": "pot-b", "high": 5e4, "year": YEAR, "authority": "made up"}]
    scenario = make(lines, curves, 0.0, None, {"service": 1.0}, benefits=rows, envelopes=pots, routes=routes)
    groups = groups_of(scenario)
    has = {group: groups.alone(group).value for group in (1, 2, 3, 5, 6)}
    assert has == pytest.approx({1: 1e5, 2: 2e5, 3: 3.5e5, 5: 4e5, 6: 5e5}, abs=20)
