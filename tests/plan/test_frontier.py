"""What fairness costs, as tables and sentences: ends that are plans, and named plans where they belong."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
from allocate.plan.aim import with_aim
from allocate.plan.frontier import COLUMNS, NAMED
from tests.engine.making import make
from tests.engine.test_frontier import MONEY, PEOPLE, WORST, roots

SPEND = {"kind": "worst-off", "view": "spend"}


@pytest.fixture(scope="module")
def found(tiny) -> al.Frontier:
    return al.frontier(tiny, SPEND, points=5)


def named(found: al.Frontier, name: str) -> dict:
    return found.named.set_index("name").loc[name].to_dict()


def test_ends_are_plans(tiny, found):
    """The first point is the plan of most benefit, the last the fairest, each as solving it alone finds it."""
    assert list(found.table.columns) == COLUMNS
    assert list(found.named.columns) == NAMED
    first, last = found.table.iloc[0], found.table.iloc[-1]
    fairest = al.solve(with_aim(tiny, SPEND))
    assert (first["name"], first["point"], first["given_up"]) == ("most benefit", 0, 0.0)
    assert first["value"] == pytest.approx(al.solve(tiny).value, rel=1e-9)
    assert (last["name"], last["point"]) == ("fairest", 4)
    assert last["value"] == pytest.approx(fairest.value, rel=1e-7)
    assert last["score"] == pytest.approx(fairest.aim.reached, rel=1e-7)
    assert last["given_up"] == pytest.approx(fairest.given_up, rel=1e-4)


def test_points_are_what_giving_up_as_much_solves_to(tiny, found):
    """A point between the ends is the plan that `give_up` asks for."""
    point = found.table.iloc[2]
    plan = al.solve(with_aim(tiny, SPEND | {"give_up": float(point["given_up"])}))
    assert plan.aim.reached == pytest.approx(point["score"], abs=0.01)
    assert plan.value == pytest.approx(point["value"], rel=1e-7)


def test_price_is_what_a_unit_gains(found):
    """The price of a point is the score gained since the one before over the outcome given up, and falls."""
    table = found.table
    assert np.isnan(table["price"].iloc[0])
    gained, given = np.diff(table["score"]), -np.diff(table["value"])
    assert table["price"].iloc[1:].to_numpy() == pytest.approx(gained / given)
    assert (np.diff(table["price"].iloc[1:]) < 0).all()


def test_what_breaks_rules_is_no_plan(found):
    """Today's spending and equal growth break the floor of tiny, which says so; the others keep every rule."""
    today, equal = named(found, "today"), named(found, "equal growth")
    assert (today["where"], today["breaks"], today["score"]) == ("outside", "Prevention north", pytest.approx(86.25))
    assert today["given_up"] == pytest.approx(1.0)
    assert equal["breaks"] == "Prevention north"
    assert np.isnan(equal["short"])
    assert found.growth == pytest.approx(1e6 / 890_000 - 1, rel=1e-2)
    assert set(found.named["where"][2:5]) == {"on"}
    assert named(found, "chosen plan") == named(found, "most benefit")


def test_named_plans_that_keep_the_rules():
    """Of two places that buy 2 and 1 for each root of a pound and have as much today, every split of all the money is
    on the frontier until the worse-off gains as much, and so is equal growth; today, with money left over, is not."""
    base = roots(2.0, 1.0)
    spent = {"lines.body|a|care|pot|2026.baseline": 200_000, "lines.body|b|care|pot|2026.baseline": 200_000}
    scenario = base.change({path.replace("|", "."): amount for path, amount in spent.items()})
    found = al.frontier(scenario, points=21)
    today, equal = named(found, "today"), named(found, "equal growth")
    assert found.growth == pytest.approx(1.5)
    assert today["breaks"] == equal["breaks"] == ""
    assert equal["value"] == pytest.approx(3 * np.sqrt(MONEY / 2))
    gained = 1000 * (np.sqrt(MONEY / 2) - np.sqrt(200_000)) / PEOPLE / 1000
    assert equal["score"] == pytest.approx(gained)
    assert equal["where"] == "on"
    assert today["where"] == "below"
    assert today["score"] == pytest.approx(0.0)
    assert equal["best"] == pytest.approx(found.best(equal["given_up"]))
    assert today["short"] == today["best"] == found.table["score"].iloc[-1]


def test_the_chosen_plan_is_on_it():
    """A plan by an aim that may give up a part lies on that aim's frontier, and below another's."""
    base = roots(2.0, 1.0, aim=WORST | {"give_up": 0.02})
    own, other = al.frontier(base, points=21), al.frontier(base, {"kind": "balanced", "view": "spend"}, points=5)
    chosen = named(own, "chosen plan")
    assert chosen["where"] == "on"
    assert chosen["given_up"] == pytest.approx(0.02, rel=1e-4)
    assert own.aim.give_up is None
    assert own.table["given_up"].iloc[-1] > 0.1
    assert own.plans["chosen plan"].scenario is base
    assert named(other, "chosen plan")["given_up"] == pytest.approx(0.02, rel=1e-4)


def test_equal_growth_needs_something_to_grow():
    """Where nothing is spent today there is no equal growth; where lines have a most of their own, it ends there."""
    assert "equal growth" not in set(al.frontier(roots(2.0, 1.0), points=2).named["name"])
    capped = {
        f"lines.body.{place}.care.pot.2026.{field}": amount
        for place in "ab" for field, amount in (("baseline", 300_000), ("high", 450_000))
    }  # fmt: skip
    found = al.frontier(roots(2.0, 1.0).change(capped), points=2)
    assert found.growth == pytest.approx(0.5)
    assert named(found, "equal growth")["where"] == "on"


def test_money_that_cannot_be_moved():
    """Spending that no route can pay for is no plan."""
    lines = [
        {"place": name, "programme": "care", "envelope": name, "baseline": amount}
        for name, amount in (("a", 60_000.0), ("b", 20_000.0))
    ]
    curves = [
        {"place": name, "programme": "care", "shape": "power", "slope": 1e-3, "reference": 1e5, "exponent": 0.5}
        for name in "ab"
    ]  # fmt: skip
    found = al.frontier(make(lines, curves, {"a": 50_000.0, "b": 50_000.0}), WORST, points=3)
    today = named(found, "today")
    assert today["where"] == "outside"
    assert "no moves bring the money" in today["breaks"]


def test_sentences(found):
    """What fairness costs, then where today, equal growth and the chosen plan lie, then how sure that is."""
    ends, steps, today, equal, chosen, nearest, sure = found.sentences
    assert ends.startswith("Spending for each person: £90.00 a head for the worst-off 20% of people in the plan that")
    assert "£100.00 a head at most, where 3.6% of the best gain (4.14 years) is given up." in ends
    assert steps.startswith("1% given up lifts the worst-off 20% of people by £")
    assert steps.endswith("3.6% by £10.00.")
    assert today == "Today's spending comes to £86.25 a head, but is no plan: it breaks Prevention north."
    assert equal.startswith("Equal growth (+12.4% on every line) comes to £96.91 a head, but is no plan")
    assert chosen.startswith("The chosen plan is on the frontier, at £90.00 a head, giving up nothing")
    assert nearest.startswith("The plan nearest to fair shares is below the frontier, at £")
    assert sure.startswith("No plan that gives up as little as a point is fairer by over 0.00")


def test_sentences_where_nothing_is_to_be_given_up():
    """Where the plan that buys most is the fairest, one sentence says so in place of a price."""
    said = al.frontier(roots(1.0, 1.0), points=3).sentences
    assert "is already the fairest by this aim" in said[0]
    assert not any("given up lifts" in sentence for sentence in said)


def test_what_is_refused(tiny):
    """No aim at all, too few points and fields that are no aim are refused; the scenario's own is taken where it has
    one."""
    with pytest.raises(ValueError, match="there is no aim"):
        al.frontier(tiny)
    with pytest.raises(ValueError, match="points must be from 2 to 201"):
        al.frontier(tiny, SPEND, points=1)
    with pytest.raises(al.ScenarioError, match="part"):
        al.frontier(tiny, SPEND | {"part": 2})
    assert al.frontier(roots(2.0, 1.0), points=2).aim.kind == "worst-off"
    with pytest.raises(al.NoPlan):
        al.frontier(tiny.change({"envelopes.core": 700_000}), SPEND)


def test_solve_that_remembers(tiny):
    """Named plans are asked of the `solve` that is handed in."""
    asked: list[str] = []

    def solve(scenario: al.Scenario) -> al.Plan:
        asked.append(scenario.digest)
        return al.solve(scenario)

    found = al.frontier(tiny, SPEND, points=2, solve=solve)
    assert asked[:2] == [tiny.digest, found.scenario.digest]
    assert {name: plan.scenario.digest for name, plan in found.plans.items()} == {
        "most benefit": asked[0], "fairest": asked[1], "chosen plan": asked[0], "fair shares": asked[2],
    }  # fmt: skip


def test_fair_shares_and_plans_that_are_given_are_held_against_it(tiny):
    """The plan nearest to fair shares stands among the named ones, and so does one that is handed in."""
    other = al.solve(tiny.change({"rules.steady-care.in_force": False}))
    found = al.frontier(tiny, SPEND, points=2, others={"told": other})
    nearest = al.solve(with_aim(tiny, {"kind": "bottom-up", "view": "fair-share"}))
    assert named(found, "fair shares")["value"] == pytest.approx(nearest.value)
    assert named(found, "told")["value"] == pytest.approx(other.value)
    assert any("“told”" in sentence for sentence in found.sentences)
