"""Solving: the same plan every time, from every thread and by every path, and the hand answers."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import allocate as al
from allocate.engine.optimum import Options
from allocate.engine.problem import Problem
from allocate.engine.session import Session
from allocate.engine.solving import solve_scenario
from tests.conftest import SCENARIOS
from tests.engine.making import make, spent


def test_tiny_is_solved_as_by_hand(tiny):
    """Core money goes by slope squared times reference, prevention by the floor: to the pound."""
    plan = al.solve(tiny)
    assert spent(plan) == {
        "north care": 400_000, "south care": 500_000, "north prevention": 60_000, "south prevention": 40_000,
    }  # fmt: skip
    assert plan.value == pytest.approx(800 + 1000 + 100 * (1 - math.exp(-1.2)) + 100 * (1 - math.exp(-0.8)), rel=1e-12)
    prices = plan.money.set_index("envelope")["price"]
    assert prices["core"] == pytest.approx(0.001, rel=1e-6)
    floor = plan.limits.set_index("rule").loc["prevention-north", "price"]
    assert floor == pytest.approx(0.002 * (math.exp(-0.8) - math.exp(-1.2)), rel=1e-6)


def test_four_solves_at_once_finish_and_agree(tiny):
    """Four threads solving different what-ifs of one scenario get what each gets alone."""
    cases = [tiny.change({"envelopes.core": 860_000 + 10_000 * k}) for k in range(4)]
    alone = [al.solve(case).spend["spend"].tolist() for case in cases]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(al.solve, cases * 5, timeout=120))
    assert [plan.spend["spend"].tolist() for plan in together] == alone * 5


def test_four_different_structures_at_once_finish():
    """Four threads that each declare a model of their own finish too."""
    names = ["tiny", "participatory-budget", "health-benefits-package", "coventry-warwickshire"]
    scenarios = [al.read(SCENARIOS / name).change({"outcomes.*.weight": 3}) for name in names]
    with ThreadPoolExecutor(4) as threads:
        plans = list(threads.map(al.solve, scenarios, timeout=120))
    assert all(plan.certified for plan in plans)


def test_a_path_of_what_ifs_back_to_the_start_gives_the_same_plan(small):
    """Whatever was solved in between on the same live model, the answer is the first one, price for price."""
    first = al.solve(small)
    amounts = small.envelopes["amount"]
    for factor in (1.1, 0.95, 1.03, 0.99):
        name = small.envelopes["id"].iloc[0]
        try:
            al.solve(small.change({f"envelopes.{name}": float(round(amounts.iloc[0] * factor))}))
        except al.NoPlan:
            continue
    again = al.solve(small)
    assert again.spend.equals(first.spend)
    assert again.limits.equals(first.limits)


def test_a_change_of_figures_does_not_declare_a_new_model(tiny, monkeypatch):
    """What-ifs reuse the live model: declaring again would fail this test."""
    al.solve(tiny)
    monkeypatch.setattr(Session, "__init__", lambda *_: pytest.fail("a model was declared again"))
    for change in ({"envelopes.core": 905_000}, {"rules.prevention-north.amount": 52_000}, {"outcomes.health": 3}):
        assert al.solve(tiny.change(change)).certified


def test_symmetric_places_get_the_same():
    """Two places alike in everything get equal sums: no ordering of names or slices favours one."""
    curve = {"programme": "care", "shape": "saturation", "ceiling": 50.0, "reference": 1e6}
    lines = [{"place": place, "programme": "care", "baseline": 1e6} for place in "abc"]
    plan = al.solve(make(lines, [curve | {"place": place} for place in "abc"], 3_600_000.0))
    assert set(spent(plan).values()) == {1_200_000.0}


@pytest.mark.parametrize(
    ("shape", "figures", "answer"),
    [
        ("power", {"slope": 1e-3, "exponent": 0.5}, (800_000, 200_000)),
        ("isoelastic", {"slope": 1e-3, "exponent": 0.5}, (800_000, 200_000)),
        ("saturation", {"ceiling": 100.0}, (None, None)),
    ],
)
def test_closed_forms_of_each_smooth_shape_are_met_to_the_pound(shape, figures, answer):
    """Two places with weights 2 and 1: equal marginals give x1/x2 = 2^(1/(1-e)); saturation, a difference of b ln 2."""
    curves = [
        {"place": place, "programme": "care", "shape": shape, "reference": 500_000.0} | figures | steeper
        for place, steeper in (
            ("a", {key: value * 2 for key, value in figures.items() if key != "exponent"}), ("b", {}),
        )
    ]  # fmt: skip
    lines = [{"place": place, "programme": "care", "baseline": 500_000.0} for place in "ab"]
    plan = spent(al.solve(make(lines, curves, 1_000_000.0)))
    if shape == "saturation":
        first = 500_000 + 500_000 * math.log(2) / 2
        answer = (round(first), round(1_000_000 - first))
    assert (plan["a care"], plan["b care"]) == answer


def test_curves_that_do_not_flatten_are_climbed_whole():
    """On an S-curve by points the plan goes past the flat start where that pays, and the gain is the curve's own."""

    def points(place, *pairs):
        key = {"place": place, "programme": "care", "outcome": "health", "year": "2026"}
        return [key | {"spend": spend, "gain": gain} for spend, gain in pairs]

    given = points("a", (0.0, 0.0), (40.0, 2.0), (80.0, 50.0), (100.0, 52.0)) + points("b", (0.0, 0.0), (100.0, 55.0))
    plan = al.solve(
        make(
            [{"place": place, "programme": "care", "high": 100.0} for place in "ab"],
            [{"place": place, "programme": "care", "shape": "points"} for place in "ab"],
            100.0, curve_points=given,
        )
    )  # fmt: skip
    assert spent(plan) == {"a care": 80.0, "b care": 20.0}
    assert plan.value == pytest.approx(61.0)
    assert plan.certified


def test_a_cap_on_gains_is_not_met_by_pretending():
    """Where a rule caps a gain and another forces the money out, the plan's gains are still the curves' own."""

    def points(place, *pairs):
        key = {"place": place, "programme": "care", "outcome": "health", "year": "2026"}
        return [key | {"spend": spend, "gain": gain} for spend, gain in pairs]

    scenario = make(
        [{"place": "a", "programme": "care", "high": 50.0}, {"place": "b", "programme": "care", "high": 40.0}],
        [{"place": place, "programme": "care", "shape": "points"} for place in "ab"],
        50.0,
        {
            "cap": {"kind": "cap", "measure": "health", "amount": 14.0, "where": {"places": ["a"]}},
            "spend": {"kind": "floor", "amount": 46.0},
        },
        curve_points=points("a", (0.0, 0.0), (6.0, 12.0), (30.0, 24.0)) + points("b", (0.0, 0.0), (40.0, 20.0)),
    )
    plan = al.solve(scenario)
    assert spent(plan) == {"a care": 10.0, "b care": 40.0}
    assert plan.gains["gain"].tolist() == pytest.approx([14.0, 20.0])
    with pytest.raises(al.NoPlan):
        al.solve(scenario.change({"lines.*.b.care.high": 20}))


def test_more_money_never_buys_less(small):
    """The value of the best plan does not fall as the first envelope grows."""
    name, amount = small.envelopes["id"].iloc[0], small.envelopes["amount"].iloc[0]
    bounds = []
    for factor in (1.0, 1.02, 1.1):
        plan = al.solve(small.change({f"envelopes.{name}": float(round(amount * factor))}))
        bounds.append((plan.value, plan.certificate.bound))
    for (value, _), (_, bound) in itertools.pairwise(bounds):
        assert bound >= value - 1e-9 * abs(value)


def test_time_that_runs_out_is_said_or_the_plan_is_whole():
    """With next to no time the answer is either certified, or owns up to the gap; never silently worse."""
    scenario = al.read(SCENARIOS / "participatory-budget")
    solved = solve_scenario(scenario, Options(seconds=0.02))
    assert not solved.certificate.breaches
    assert solved.optimum.status == "time limit" or solved.certificate.bound >= solved.certificate.value


def test_scaling_all_money_scales_the_plan(tiny):
    """A thousand times the money, references and figures in pounds gives a thousand times the plan."""
    changes = {f"envelopes.{row.id}": row.amount * 1000 for row in tiny.envelopes.itertuples()}
    changes |= {
        f"lines.{key}.baseline": value * 1000 for key, value in zip(tiny.line_ids, tiny.lines["baseline"], strict=True)
    }
    for row in tiny.curves.itertuples():
        path = f"curves.{row.place}.{row.programme}.{row.outcome}.{row.year}"
        changes[f"{path}.reference"] = row.reference * 1000
        if not np.isnan(row.slope):
            changes[f"{path}.slope"] = row.slope / 1000
    changes["rules.prevention-north.amount"] = 60_000_000
    plan, big = al.solve(tiny), al.solve(tiny.change(changes))
    np.testing.assert_allclose(big.spend["spend"], plan.spend["spend"] * 1000, atol=1.0)
    assert big.value == pytest.approx(plan.value, rel=1e-6)


def test_prices_are_left_out_where_choices_are_yes_or_no():
    """With yes/no choices there are no prices: blanks, never zeros."""
    plan = al.solve(al.read(SCENARIOS / "participatory-budget"))
    assert plan.limits["price"].isna().all()
    assert plan.money["price"].isna().all()


def test_the_problem_counts_single_line_limits_as_bounds(tiny):
    """Bands on one line narrow the efforts that slices cover."""
    problem = Problem.of(tiny)
    low, high = problem.bounds
    assert low[2:].tolist() == pytest.approx([285_000.0, 475_000.0])
    assert high[2:].tolist() == pytest.approx([450_000.0, 750_000.0])
