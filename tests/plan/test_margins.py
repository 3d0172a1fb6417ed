"""A plan at the margin: when money would turn, checked by solving again."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
from allocate.plan.margins import broken_by, turn, view_of
from allocate.plan.telling import change_of_mind
from allocate.plan.trying import scaled
from tests.conftest import SCENARIOS
from tests.engine.making import make

YEAR = "2026/27"


@pytest.fixture(scope="module")
def package() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "health-benefits-package"))


def test_worths_and_prices_by_hand(plan):
    """What prevention in South buys at £40,000 is the grant's price; the floor in North stops prevention there
    falling."""
    view = view_of(plan)
    rows = {line: row for row, line in enumerate(plan.scenario.line_ids)}
    assert view.worth[rows["council.south.prevention.grant.2026/27"]] == pytest.approx(0.002 * np.exp(-0.8))
    north = rows["council.north.prevention.grant.2026/27"]
    assert view.elsewhere[north] == pytest.approx(0.002 * np.exp(-0.8), rel=1e-4)
    assert view.short(view.fall_stop[north]) == "the rule “Prevention north”"
    assert view_of(plan) is view


def test_a_floor_under_outcomes_is_broken_by_less_than_one_of_them(tiny):
    """£500 less on care in South, which buys 1,000 years for £500,000, breaks a floor of 1,000 years by half a year,
    and a few pence less break nothing."""
    floor = {"kind": "floor", "owner": "board", "measure": "health", "amount": 999.999}
    floor["where"] = {"places": ["south"], "programmes": ["care"]}
    view = view_of(al.solve(tiny.change({"rules.years-south": floor, "envelopes.core.amount": 800_000.0})))
    line = view.problem.scenario.line_ids.index("trust.south.care.core.2026/27")
    broken = broken_by(view, line, -500.0)
    assert broken >= 0
    assert view.problem.limits[broken].owner == "years-south"
    assert broken_by(view, line, -0.05) == -1


def test_without_prices_nothing_turns():
    """Yes/no choices leave no prices to reason from."""
    ballot = al.solve(al.read(SCENARIOS / "participatory-budget"))
    with pytest.raises(ValueError, match="no prices"):
        turn(ballot, "west", "street-trees", YEAR)


def moves_when(plan: al.Plan, key: tuple[str, str, str], factor: float) -> float:
    """Pounds that a programme in a place gains when its effect is multiplied, solved again."""
    rows = plan.scenario.curve_of_line[key]
    after = al.solve(plan.scenario.change(scaled(plan.scenario, key, factor)))
    return float((after.spend["spend"] - plan.spend["spend"]).to_numpy()[rows].sum())


def test_a_rise_at_its_limit_keeps_until_the_threshold(tiny):
    """Care in North held at +20% (£360,000) buys 0.002/sqrt(3.6) a pound against 0.001/sqrt(1.08) in South: its effect
    may be 8.7% weaker, and solving again just inside and just beyond that agrees."""
    capped = al.solve(tiny.change({"rules.steady-care.up": 0.2}))
    found = turn(capped, "north", "care", YEAR)
    exact = (0.001 / np.sqrt(1.08)) / (0.002 / np.sqrt(3.6))
    assert found.factor == pytest.approx(exact, rel=1e-4)
    assert not found.at_once
    assert moves_when(capped, ("north", "care", YEAR), exact * 1.002) == pytest.approx(0.0, abs=5)
    assert moves_when(capped, ("north", "care", YEAR), exact * 0.998) < -100
    assert f"unless its effect is {1 - exact:.1%} weaker than the evidence says" in change_of_mind(capped)


def test_a_free_line_responds_at_once(plan):
    """A line between its limits moves with its effect, and what would leave is where its curve says."""
    found = turn(plan, "north", "care", YEAR)
    assert found.at_once
    assert found.pounds == pytest.approx(400e3 - 285e3, abs=5)
    stronger = turn(plan, "north", "care", YEAR, rising=False)
    assert stronger.pounds == pytest.approx(450e3 - 400e3, abs=5)
    assert moves_when(plan, ("north", "care", YEAR), 0.99) < -1000


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize("place", ["highlands", "lakeside"])
@pytest.mark.parametrize("programme", [
    "cervical-screening", "cervical-treatment", "hiv-treatment", "malnutrition-hospital", "skilled-birth",
])  # fmt: skip
def test_thresholds_are_exact(package, place, programme, rising):
    """With shared limits, resources and straight curves: just inside the threshold nothing moves, just beyond money
    does, and where none is said to move none does."""
    key = (place, programme, "2026")
    found = turn(package, *key, rising=rising)
    if found.factor in (0.0, np.inf):
        assert found.because
        assert moves_when(package, key, 0.02 if rising else 30.0) == pytest.approx(0.0, abs=20)
        return
    step = 0.002 if rising else -0.002
    assert moves_when(package, key, found.factor * (1 + step)) == pytest.approx(0.0, abs=20)
    beyond = moves_when(package, key, found.factor * (1 - step))
    assert beyond < -20 if rising else beyond > 20


def test_thresholds_are_exact_on_a_real_system():
    """The largest rise of a real system, held by a movement limit, solved again just inside and just beyond."""
    plan = al.solve(al.read(SCENARIOS / "coventry-warwickshire"))
    key = ("coventry", "community", "2025/26")
    found = turn(plan, *key)
    assert moves_when(plan, key, found.factor * 1.002) == pytest.approx(0.0, abs=20)
    assert moves_when(plan, key, found.factor * 0.998) < -1000
    with pytest.raises(KeyError):
        turn(plan, "coventry", "maternity", "2025/26")


def test_money_without_another_use_stays():
    """Where an envelope pays for one thing only, its money stays however weak the effect."""
    lines = [{"place": "north", "programme": "care", "baseline": 50.0}]
    curves = [
        {"place": "north", "programme": "care", "shape": "power", "slope": 1.0, "reference": 50.0, "exponent": 0.5}
    ]
    found = turn(al.solve(make(lines, curves, 100.0)), "north", "care", "2026")
    assert found.factor == 0.0
    assert found.because.endswith("its money has no better use")
