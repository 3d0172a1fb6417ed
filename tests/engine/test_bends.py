"""Agreed rules that bend: at the published price, in its bands, and not a pound further."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import allocate as al
from allocate.engine.bends import FIRM, Bands, Bends, Stand
from allocate.engine.certificate import Flows, Prices, breaches, upper_bound
from allocate.engine.pool import POOL
from allocate.engine.problem import Problem
from allocate.scenario.rulebook import Bend
from tests.conftest import SCENARIOS
from tests.engine.making import make, spent
from tests.engine.systems import systems

MILLION = 1e6


def pair(rules, slopes=(1.0, 3.0), money=1_000.0, shape="linear", **more):
    """Two places with a line each from one pot, worth so much a pound."""
    extra = {"reference": 400.0, "exponent": 0.5} if shape == "isoelastic" else {}
    return make(
        [{"place": place, "programme": "care", "high": 2_000.0} for place in "ab"],
        [
            {"place": p, "programme": "care", "shape": shape, "slope": s} | extra
            for p, s in zip("ab", slopes, strict=True)
        ],
        money, rules, **more,
    )  # fmt: skip


def floor(amount, *bands, place="a", **more):
    """A floor on one place that bends by these bands of width and price a pound."""
    bends = [{"by": by, "price": price * MILLION} for by, price in bands]
    bends = [{name: value for name, value in bend.items() if value is not None} for bend in bends]
    return {"kind": "floor", "where": {"places": [place]}, "amount": amount, "bends": bends} | more


@pytest.mark.parametrize(("bands", "on_a", "bent", "price", "bend_price"), [
    # A pound on b buys 2 more than on a: worth a price below 2 and no other.
    ([], 600.0, 0.0, 2.0, 0.0),
    ([(100.0, 1.0)], 500.0, 100.0, 2.0, 1.0),
    ([(100.0, 2.5)], 600.0, 0.0, 2.0, 0.0),
    ([(100.0, 1.0), (50.0, 1.5)], 450.0, 150.0, 2.0, 1.5),
    ([(100.0, 1.0), (50.0, 2.5)], 500.0, 100.0, 2.0, 1.0),
    ([(100.0, 1.0), (None, 2.5)], 500.0, 100.0, 2.0, 1.0),
    ([(None, 1.5)], 0.0, 600.0, 1.5, 1.5),
])  # fmt: skip
def test_bends_where_the_money_buys_more_elsewhere(bands, on_a, bent, price, bend_price):
    """One floor, two straight curves: it bends exactly when the price is below what the money buys elsewhere, by
    exactly the band; and its price is what a unit more of it is worth."""
    plan = al.solve(pair({"low": floor(600.0, *bands)}))
    row = plan.limits.iloc[0]
    assert spent(plan) == {"a care": on_a, "b care": 1_000.0 - on_a}
    assert (row["bent"], row["bend_price"], bool(row["binding"])) == (bent, bend_price * MILLION, True)
    assert row["slack"] == -bent
    if bands != [(None, 1.5)]:
        assert row["price"] == pytest.approx(price)
    widths = [(by or np.inf, each) for by, each in bands]
    cost = sum(min(max(bent - sum(w for w, _ in widths[:k]), 0.0), w) * each for k, (w, each) in enumerate(widths))
    assert plan.value == pytest.approx(on_a + 3.0 * (1_000.0 - on_a) - cost)
    assert plan.gains["gain"].sum() == pytest.approx(on_a + 3.0 * (1_000.0 - on_a))
    assert plan.certificate.gap < 1e-9


def test_a_kept_amount_bends_both_ways():
    """A lock bends upwards too: at either end where that end's price is worth it."""
    keep = {"kind": "keep", "where": {"places": ["b"]}, "amount": 300.0, "bends": [{"by": 50.0, "price": 1e6}]}
    assert spent(al.solve(pair({"lock": keep})))["b care"] == 350.0
    assert spent(al.solve(pair({"lock": keep}, slopes=(3.0, 1.0))))["b care"] == 250.0
    assert spent(al.solve(pair({"lock": keep}, slopes=(1.0, 1.5))))["b care"] == 300.0


def test_a_rule_without_bands_and_a_statutory_one_are_firm():
    """Without bands, and where the law says so, nothing bends; a statutory rule may not even name a price."""
    problem = Problem.of(pair({"low": floor(600.0)}))
    assert problem.bends is FIRM
    with pytest.raises(al.ScenarioError, match="statutory"):
        pair({"low": floor(600.0, (100.0, 1.0), standing="statutory")})
    off = Problem.of(pair({"low": floor(600.0, (100.0, 1.0), in_force=False)}))
    assert off.bends is FIRM


def test_an_outcome_is_priced_by_its_own_unit():
    """A floor on gains bends by units of the outcome, each at its price."""
    rule = {"kind": "floor", "where": {"places": ["a"]}, "measure": "health", "amount": 600.0}
    plan = al.solve(pair({"low": rule | {"bends": [{"by": 40.0, "price": 1.0}, {"price": 2.5}]}}))
    assert spent(plan) == {"a care": 560.0, "b care": 440.0}
    assert plan.limits.iloc[0][["bent", "bend_price"]].tolist() == [40.0, 1.0]
    assert plan.certificate.gap < 1e-9


def test_a_rule_on_moves_bends():
    """Money moved beyond an agreed most costs its price, and the value counts it."""
    scenario = make(
        [{"place": place, "programme": "care", "envelope": pot} for place, pot in (("a", "one"), ("b", "two"))],
        [{"place": p, "programme": "care", "shape": "linear", "slope": s} for p, s in (("a", 1.0), ("b", 3.0))],
        {"one": 500.0, "two": 100.0},
        {"few": {"kind": "virement", "amount": 50.0, "bends": [{"by": 70.0, "price": 1.5e6}, {"price": 2.5e6}]}},
        routes=[{"id": "r", "year": "2026", "source": "one", "target": "two", "high": 400.0, "authority": "agreed"}],
    )
    plan = al.solve(scenario)
    assert plan.routes["moved"].tolist() == [120.0]
    assert plan.value == pytest.approx(380.0 + 3 * 220.0 - 70 * 1.5)
    assert plan.certificate.gap < 1e-9


def test_beyond_its_bands_it_is_firm():
    """A breach beyond the last band is a breach, in words, and a plan within the bands is none."""
    problem = Problem.of(pair({"low": floor(600.0, (100.0, 1.0))}))
    none = np.zeros(0)
    assert breaches(problem, Flows(np.array([500.0, 500.0]), none), 1e-6) == []
    [said] = breaches(problem, Flows(np.array([499.0, 501.0]), none), 1e-6)
    assert "must be at least" in said


def test_money_that_cannot_reach_bends_a_rule_instead_of_clashing():
    """Floors that add up to more than the money bend where they may, the cheaper one first."""
    rules = {"one": floor(700.0, (200.0, 5.0)), "two": floor(600.0, (None, 9.0), place="b")}
    assert spent(al.solve(pair(rules))) == {"a care": 500.0, "b care": 500.0}
    with pytest.raises(al.NoPlan):
        al.solve(pair({"one": floor(700.0, (200.0, 5.0)), "two": floor(600.0, place="b")}))


@given(st.lists(st.floats(-6, 6), min_size=4, max_size=4))
def test_no_prices_whatever_give_a_bound_below_the_best(numbers):
    """Weak duality holds with bands too, with and without an end, for any prices at all."""
    rules = {"low": floor(600.0, (100.0, 1.0), (50.0, 1.5)), "top": floor(500.0, (None, 0.5), place="b")}
    plan = al.solve(pair(rules))
    prices = Prices(np.array(numbers[:1]), np.array(numbers[1:3]), np.full(2, numbers[3]))
    assert upper_bound(plan._solved.problem, prices) >= plan.value - 1e-9


@settings(max_examples=15)
@given(st.integers(200, 900), st.floats(0.1, 4.0), st.floats(0.2, 3.0))
def test_dearer_bends_less_and_lies_between_firm_and_none(amount, price, more):
    """A dearer price never bends more; the value lies between that of the firm rule and that of none at all."""
    plans = [
        al.solve(pair({"low": floor(float(amount), (120.0, p), (None, p + 2.0))}, shape="isoelastic"))
        for p in (price, price + more)
    ]
    bent = [plan.limits["bent"].iloc[0] for plan in plans]
    assert bent[1] <= bent[0] + 1.0
    firm, free = (al.solve(pair(rules, shape="isoelastic")).value for rules in ({"low": floor(float(amount))}, {}))
    slip = 1e-6 * plans[0]._solved.problem.at_stake
    assert firm - slip <= plans[1].value <= plans[0].value + slip
    assert plans[0].value <= free + slip
    assert all(plan._solved.optimum.certificate.gap < 1e-8 for plan in plans)


def test_a_grid_finds_no_better_plan():
    """Over every whole pound of a tiny problem, none beats the plan: curves that flatten, two rules that bend."""
    rules = {"low": floor(60.0, (10.0, 0.2), (20.0, 0.9)), "top": {
        "kind": "cap", "where": {"places": ["b"]}, "amount": 30.0, "bends": [{"by": 15.0, "price": 0.4e6}],
    }}  # fmt: skip
    scenario = pair(rules, slopes=(1.0, 2.5), money=100.0, shape="isoelastic")
    plan, problem = al.solve(scenario), Problem.of(scenario)
    best = max(
        problem.value(spend)
        for a, b in itertools.product(range(101), repeat=2) if a + b <= 100
        if not breaches(problem, Flows(spend := np.array([a, b], dtype=float), np.zeros(0)), 1e-6)
    )  # fmt: skip
    assert plan.value == pytest.approx(best, rel=1e-12)


bands = st.lists(st.tuples(st.integers(5, 80), st.floats(0.05, 2.0)), max_size=3)


@settings(max_examples=40)
@given(
    st.lists(st.floats(0.2, 4.0), min_size=3, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400), bands, st.booleans()), min_size=1, max_size=4),
)
def test_random_books_agree_with_an_independent_program(slopes, told):
    """Straight curves, floors and caps that bend: the optimum is that of scipy's linear program, written from
    scratch."""
    rules = {}
    for k, (place, amount, found, is_floor) in enumerate(told):
        rising = itertools.accumulate(found, lambda before, band: (band[0], before[1] + band[1]))
        bends = [{"by": float(by), "price": price * MILLION} for by, price in rising]
        rules[f"rule-{k}"] = {"kind": "floor" if is_floor else "cap", "where": {"places": ["abc"[place]]},
                              "amount": float(amount), "bends": bends}  # fmt: skip
    lines = [{"place": place, "programme": "care", "high": 500.0} for place in "abc"]
    curves = [
        {"place": p, "programme": "care", "shape": "linear", "slope": s} for p, s in zip("abc", slopes, strict=True)
    ]
    expected = independent(slopes, rules)
    try:
        plan = al.solve(make(lines, curves, 600.0, rules))
    except al.NoPlan:
        assert expected is None
        return
    assert plan.value == pytest.approx(expected, rel=1e-7, abs=1e-4)
    assert plan.certificate.gap < 1e-6


def independent(slopes, rules):
    """The best value by scipy: spend on a, b and c, then a column for each band."""
    cost, upper, rows, ends = [-s for s in slopes], [500.0] * 3, [[1.0] * 3], [600.0]
    for rule in rules.values():
        sign = -1.0 if rule["kind"] == "floor" else 1.0
        row = [sign * ("abc"[k] in rule["where"]["places"]) for k in range(3)] + [0.0] * (len(cost) - 3)
        for bend in rule["bends"]:
            cost.append(bend["price"] / MILLION)
            upper.append(bend["by"])
            row.append(-1.0)
        rows.append(row)
        ends.append(sign * rule["amount"])
    matrix = np.array([row + [0.0] * (len(cost) - len(row)) for row in rows])
    found = linprog(cost, A_ub=matrix, b_ub=ends, bounds=[(0.0, top) for top in upper])
    return -found.fun if found.status == 0 else None


def test_parts_bend_as_the_whole(monkeypatch):
    """Systems solved apart bend their rules as in one piece."""
    rules = {"halls": {"kind": "cap", "where": {"programmes": ["halls"]}, "each": "envelope", "amount": 100_000.0,
                       "bends": [{"by": 50_000.0, "price": 1.0}, {"price": 20.0}]}}  # fmt: skip
    scenario = systems(3, seed=5, rules=rules)
    whole = al.solve(scenario)
    monkeypatch.setattr("allocate.engine.parts.LEAST", 1)
    apart = al.solve(scenario.change({"envelopes.*.amount": "x1"}))
    assert apart._solved.parts == 3
    assert whole._solved.parts == 1
    assert (whole.limits["bent"] > 0).any()
    assert apart.value == pytest.approx(whole.value, rel=1e-7)
    np.testing.assert_allclose(apart.limits["bent"], whole.limits["bent"], atol=30.0)


@pytest.mark.parametrize("price", [1e-9, 0.02, 0.2, 2.0, 50.0])
def test_a_real_book_that_bends_is_certified(price):
    """Coventry and Warwickshire with every agreed rule open to bending, at prices from nothing to out of reach: the
    gap closes within the tolerance and the plan is worth no less than the firm one."""
    base = al.read(SCENARIOS / "coventry-warwickshire")
    agreed = [rule.id for rule in base.rules if rule.standing == "agreed" and rule.binds]
    bends = [{"by": 2e6, "price": price}, {"by": 5e6, "price": 3 * price}]
    scenario = base.change({f"rules.{name}.bends": bends for name in agreed})
    plan, firm = al.solve(scenario), al.solve(base)
    assert plan.certified
    assert plan.certificate.gap < 1e-6
    assert plan.value >= firm.value - 1e-6 * Problem.of(base).at_stake
    table = plan.limits
    assert ((table["bent"] > 0) == (table["bend_price"] > 0)).all()
    assert table.loc[table["bent"] > 0, "binding"].all()
    if price < 0.1:
        assert (table["bent"] > 0).any()


def test_the_path_of_what_ifs_leaves_no_trace():
    """With a rule that bends taken out, or another's bands moved, the plan is that of a book never seen before: a solve
    begins at the first book's basis, its bands found again by their limits."""
    base = al.read(SCENARIOS / "coventry-warwickshire")
    several = sorted(rule.id for rule in base.rules if rule.standing == "agreed" and rule.binds)[:4]
    bends = [{"by": 2e6, "price": 2.0}, {"by": 5e6, "price": 20.0}]
    book = base.change({f"rules.{name}.bends": bends for name in several})
    read = al.Scenario(book.heading, book.rules, book._tables)
    changes = (
        {f"rules.{several[0]}": None},
        {f"rules.{several[1]}.bends": bends[:1]},
        {f"rules.{several[2]}.bends": []},
    )
    after = [al.solve(read.change(change)) for change in changes]
    POOL.clear()
    anew = al.Scenario(book.heading, book.rules, book._tables)
    for change, plan in reversed(list(zip(changes, after, strict=True))):
        pd.testing.assert_frame_equal(al.solve(anew.change(change)).spend, plan.spend)
        assert plan.certified


@pytest.mark.parametrize(("short", "band"), [(1, 0), (4_000, 0), (2_000_000, -1)])
def test_a_sum_that_is_rounded_bends_nothing(short, band):
    """A floor of 1.5 thousand million that its sum misses by what rounding leaves stands as kept; by half a pound, as
    bent."""
    bends, end = Bends(Bands.of([(0, [Bend(price=1.0)], 1.0)]), Bands.of(())), np.array([1.5e9])
    body = end - short * np.spacing(end)
    assert Stand.of(bends, np.array([end, [np.inf]]), body).band.tolist() == [band]


def test_without_bends_nothing_is_carried():
    """Rules without bands make no bands, and the bands of a limit follow its finite ends."""
    problem = Problem.of(pair({"low": floor(600.0, (100.0, 1.0))}))
    assert (len(problem.bends.under), len(problem.bends.over)) == (1, 0)
    assert not Bends.of(problem.limits, [])
