"""Cases that once went wrong: each a promise that an independent reviewer broke."""

from __future__ import annotations

import pytest

import allocate as al
from tests.engine.making import make, spent


def line(place, **more):
    return {"place": place, "programme": "care"} | more


def linear(place, slope=1.0, **more):
    return {"place": place, "programme": "care", "shape": "linear", "slope": slope} | more


def saturation(place, ceiling=10.0, reference=1000.0, **more):
    shape = {"shape": "saturation", "ceiling": ceiling, "reference": reference}
    return {"place": place, "programme": "care"} | shape | more


@pytest.mark.parametrize("high", [{}, {"high": 5000.0}])
def test_an_envelope_that_one_line_takes_whole_keeps_its_price(high):
    """A line that takes all the money does not take the money's price with it."""
    alone = al.solve(make([line("a", baseline=900.0, **high)], [linear("a", 2.0)], 1000.0))
    assert alone.money["price"].tolist() == pytest.approx([2.0])
    lines = [line("a", baseline=500.0, **high), line("b", baseline=400.0)]
    assert al.solve(make(lines, [linear("a", 2.0), linear("b")], 1000.0)).money["price"].tolist() == pytest.approx(
        [2.0]
    )


def test_a_floor_on_gains_that_only_just_holds_is_met():
    """Slices that lie below their curve do not make a plan impossible that the curve allows."""
    rules = {f"f{p}": {"kind": "floor", "measure": "health", "amount": 81.0, "where": {"places": [p]}} for p in "ab"}
    curves = [saturation(p, 100.0, 3e5) for p in "ab"]
    plan = al.solve(make([line(p, baseline=5e5) for p in "ab"], curves, 1e6, rules))
    assert plan.certified
    assert (plan.gains["gain"] >= 81.0 - 1e-6).all()


def test_gain_rules_where_no_curve_leads_hold_or_are_refused():
    """A cap on a gain that cannot be holds by itself; a floor on one is refused in words."""
    lines = [line("a", baseline=50.0), line("b", baseline=50.0)]
    cap = {"kind": "cap", "measure": "health", "amount": 60.0, "each": "place"}
    assert spent(al.solve(make(lines, [linear("a")], 100.0, {"c": cap})))["a care"] == 60.0
    with pytest.raises(al.ScenarioError, match="no curve of health leads there, in B"):
        make(lines, [linear("a")], 100.0, {"f": cap | {"kind": "floor", "amount": 10.0}})


def test_money_does_not_move_without_need():
    """Of plans alike in spending, the one that moves least money is given."""
    lines = [line("a", envelope="e1"), line("b", envelope="e2")]
    routes = [
        {"id": name, "year": "2026", "source": a, "target": b, "high": 500.0, "authority": "x"}
        for name, a, b in (("r1", "e1", "e2"), ("r2", "e2", "e1"))
    ]
    plan = al.solve(make(lines, [linear("a"), linear("b")], {"e1": 1000.0, "e2": 1000.0}, routes=routes))
    assert plan.routes["moved"].tolist() == [0.0, 0.0]


def test_an_outcome_that_counts_for_nothing_takes_no_prices_away():
    """With a weight of 0 on one outcome the prices of the other stay, as with a weight next to 0."""
    curves = [saturation("a"), saturation("b", 11.0)]
    curves += [saturation(p, 5.0, 300.0, outcome="joy") for p in "ab"]
    lines = [line("a", baseline=1000.0, high=1500.0), line("b", baseline=2000.0, high=1500.0)]
    for weight in (0.0, 1e-9, 1e-3):
        plan = al.solve(make(lines, curves, 2400.0, outcomes={"health": 1.0, "joy": weight}))
        assert plan.has_prices
        assert plan.certified


def test_least_and_minimum_viable_scale_do_not_contradict():
    """A least above nothing with a larger minimum viable scale is refused, not silently dropped."""
    with pytest.raises(al.ScenarioError, match="already rules out nothing"):
        make([line("a", low=100.0, scale=500.0, high=600.0)], [linear("a")], 1000.0)


def test_equal_choices_by_value_are_settled_by_least_change():
    """Projects whose values only differ by a rounding error count as ties."""
    costs, slopes = [1e3, 2e3, 3e3, 4e3, 5e3, 3e3, 3e3], [1, 1.5, 1, 0.1, 0.1, 0.5, 0.3]
    baselines = [0, 0, 3e3, 0, 0, 0, 0]
    lines = [
        {"place": f"p{k}", "programme": "hall", "high": c, "scale": c, "baseline": float(b)}
        for k, (c, b) in enumerate(zip(costs, baselines, strict=True))
    ]
    curves = [
        {"place": f"p{k}", "programme": "hall", "shape": "linear", "slope": float(s)} for k, s in enumerate(slopes)
    ]
    plan = al.solve(make(lines, curves, 4550.0))
    assert plan.value == pytest.approx(4000.0)
    assert {key for key, pounds in spent(plan).items() if pounds} == {"p0 hall", "p2 hall"}
