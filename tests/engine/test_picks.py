"""Choices that rules own: as good as trying every combination, and nobody's word is taken for what was chosen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine.certificate import Case, Flows, Prices, bodies, breaches, upper_bound
from allocate.engine.problem import Problem
from tests.engine.making import make, spent

PLACES = "abc"
A, B, C = ({"places": [place]} for place in PLACES)


def three(rules, slopes=(1.0, 2.0, 3.0), shape="linear", money=600.0, baseline=(200.0, 200.0, 200.0), **line):
    """Three places with a line each from one pot."""
    extra = {"reference": 200.0, "exponent": 0.5} if shape == "isoelastic" else {}
    lines = [
        {"place": place, "programme": "care", "baseline": b, "high": 500.0} | line
        for place, b in zip(PLACES, baseline, strict=True)
    ]
    curves = [
        {"place": place, "programme": "care", "shape": shape, "slope": slope} | extra
        for place, slope in zip(PLACES, slopes, strict=True)
    ]
    return make(lines, curves, money, rules)


def plain(kind, where, amount):
    return {"kind": kind, "where": where, "amount": float(amount)}


def alternatives(rule):
    """What a rule with choices allows, each way as ordinary rules."""
    if rule["kind"] == "start":
        return [[plain("cap", rule["where"], 0)], [plain("floor", rule["where"], rule["amount"])]]
    if rule["kind"] == "prerequisite":
        return [[plain("cap", rule["where"], 0)], [plain("floor", rule["needs"], rule["amount"])]]
    if rule["kind"] == "either":
        one, other = rule["where"], rule["other"]
        ways = [[plain("floor", one, rule["amount"])], [plain("floor", other, rule["other_amount"])]]
        if rule.get("only_one"):
            ways = [[*ways[0], plain("cap", other, 0)], [*ways[1], plain("cap", one, 0)]]
        return ways
    stays = [
        [plain("floor", where, max(0.0, 200.0 - rule["beyond"])), plain("cap", where, 200.0 + rule["beyond"])]
        for where in (A, B, C)
    ]
    keep = len(PLACES) - min(rule["at_most"], len(PLACES))
    return [[limit for each in few for limit in each] for few in itertools.combinations(stays, keep)]


def best_by_trying(book, **told):
    """The greatest value over every combination of what the rules allow, each an ordinary scenario; None for none."""
    found = []
    for ways in itertools.product(*map(alternatives, book)):
        rules = {f"rule-{k}": rule for k, rule in enumerate(itertools.chain(*ways))}
        try:
            found.append(al.solve(three(rules, **told)).value)
        except (al.NoPlan, al.ScenarioError):
            continue
    return max(found, default=None)


places = st.sampled_from([A, B, C])
pounds = st.integers(1, 420).map(float)
kinds = st.one_of(
    st.fixed_dictionaries({"kind": st.just("start"), "where": places, "amount": pounds}),
    st.fixed_dictionaries({"kind": st.just("prerequisite"), "where": places, "needs": places, "amount": pounds}),
    st.permutations([A, B, C]).flatmap(lambda two: st.fixed_dictionaries({
        "kind": st.just("either"), "where": st.just(two[0]), "other": st.just(two[1]), "amount": pounds,
        "other_amount": pounds, "only_one": st.booleans(),
    })),
    st.fixed_dictionaries({"kind": st.just("moves"), "at_most": st.integers(0, 3), "beyond": st.sampled_from(
        [0.0, 15.0, 120.0])}),
)  # fmt: skip
slopes = st.tuples(*[st.floats(0.2, 4.0)] * 3)


@pytest.mark.parametrize("shape", ["linear", "isoelastic"])
@settings(max_examples=8)
@given(slopes=slopes, book=st.lists(kinds, min_size=1, max_size=3))
def test_as_good_as_every_combination(shape, slopes, book):
    """On random books the plan is worth what the best of all combinations is, certified, and the audit finds no
    breach; where no combination has a plan, neither has the book."""
    told = {"slopes": slopes, "shape": shape}
    expected = best_by_trying(book, **told)
    scenario = three({f"rule-{k}": rule for k, rule in enumerate(book)}, **told)
    if expected is None:
        with pytest.raises(al.NoPlan):
            al.solve(scenario)
        return
    plan = al.solve(scenario)
    stake = Problem.of(scenario).at_stake
    assert plan.value == pytest.approx(expected, rel=1e-6, abs=1e-5 * stake)
    assert plan.certified
    assert not plan.has_prices
    assert plan.limits["price"].isna().all()
    problem = Problem.of(scenario)
    assert breaches(problem, plan._solved.flows, 1e-6) == []
    np.testing.assert_allclose(bodies(problem, plan._solved.flows), plan.limits["amount"])


@pytest.mark.parametrize(("rules", "expected"), [
    # 500 at most on c, the rest on b.
    ({}, (0.0, 100.0, 500.0)),
    ({"r": {"kind": "start", "where": B, "amount": 150.0}}, (0.0, 150.0, 450.0)),
    ({"r": {"kind": "start", "where": B, "amount": 250.0}}, (100.0, 0.0, 500.0)),
    ({"r": {"kind": "either", "where": A, "amount": 50.0, "other": B, "other_amount": 300.0}}, (50.0, 50.0, 500.0)),
    ({"r": {"kind": "either", "where": A, "amount": 300.0, "other": B, "other_amount": 120.0}}, (0.0, 120.0, 480.0)),
    ({"r": {"kind": "either", "where": C, "amount": 5.0, "other": B, "other_amount": 5.0, "only_one": True}},
     (100.0, 0.0, 500.0)),
    ({"r": {"kind": "prerequisite", "where": C, "needs": A, "amount": 80.0}}, (80.0, 20.0, 500.0)),
    ({"r": {"kind": "prerequisite", "where": C, "needs": A, "amount": 450.0}}, (100.0, 500.0, 0.0)),
    ({"r": {"kind": "moves", "at_most": 2}}, (0.0, 200.0, 400.0)),
    ({"r": {"kind": "moves", "at_most": 2, "beyond": 30.0}}, (0.0, 170.0, 430.0)),
    ({"r": {"kind": "moves", "at_most": 0, "beyond": 30.0}}, (170.0, 200.0, 230.0)),
    ({"r": {"kind": "start", "each": "place", "amount": 250.0}}, (0.0, 250.0, 350.0)),
])  # fmt: skip
def test_known_answers(rules, expected):
    """By hand: a pound is worth 1 in a, 2 in b and 3 in c."""
    plan = al.solve(three(rules))
    assert tuple(spent(plan).values()) == expected
    assert plan.certificate.gap < 1e-9


def test_what_was_chosen_is_recomputed_from_spend():
    """Choices follow from pounds by the rules' own words: a plan a pound short of its start is a breach."""
    problem = Problem.of(three({"r": {"kind": "start", "where": B, "amount": 150.0}}))
    none = np.zeros(0)
    for pounds, yes, kept in ((0.0, 0.0, True), (150.0, 1.0, True), (149.0, 1.0, False), (500.0, 1.0, True)):
        spend = np.array([0.0, pounds, 0.0])
        assert problem.picks(spend, none).tolist() == [yes]
        assert (breaches(problem, Flows(spend, none), 1e-6) == []) == kept


def test_ties_to_spending_are_as_tight_as_can_be():
    """What ties a choice to spending is the most that its lines could get: their own most, or the money's."""
    rows = {}
    for money in (600.0, 300.0):
        problem = Problem.of(three({"r": {"kind": "start", "where": B, "amount": 150.0}}, money=money))
        rows[money] = problem.pick_rows.values.tolist()
    assert rows == {600.0: [-150.0, -500.0], 300.0: [-150.0, -300.0]}


def test_what_ties_them_follows_the_money(tiny):
    """After a change of the money, and of what a rule opens, the ties are those of a scenario never seen before."""
    base = three({"r": {"kind": "start", "where": B, "amount": 150.0}})
    Problem.of(base)
    less = base.change({"envelopes.pot": 300.0})
    assert Problem.of(less).pick_rows.values.tolist() == [-150.0, -300.0]
    assert Problem.of(base).pick_rows.values.tolist() == [-150.0, -500.0]


@given(st.lists(st.floats(-6, 6), min_size=6, max_size=6))
def test_no_prices_whatever_give_a_bound_below_the_best(numbers):
    """Weak duality holds with choices free, and in each case with one made."""
    rules = {"r": {"kind": "start", "where": B, "amount": 250.0}}
    plan = al.solve(three(rules))
    problem = plan._solved.problem
    prices = Prices(np.array(numbers[:1]), np.array(numbers[1:3]), np.array(numbers[3:]))
    whole = upper_bound(problem, prices)
    assert whole >= plan.value - 1e-9
    case = Case.whole(problem)
    made = [
        upper_bound(problem, prices, Case(case.opened, case.closed, case.low, case.high, (end, end)))
        for end in case.picks
    ]
    assert max(made) == pytest.approx(whole)


def test_choices_of_an_earlier_plan_are_held():
    """Given an earlier plan, what it chose is chosen, as its spending tells: quick, and honest about the gap."""
    rules = {"r": {"kind": "start", "where": B, "amount": 250.0}}
    none, scenario = al.solve(three(rules)), three(rules, slopes=(1.0, 2.0, 1.0))
    held = al.solve(scenario, choices=none)
    assert spent(none)["b care"] == spent(held)["b care"] == 0.0
    assert held._solved.optimum.status == "choices held"
    free = al.solve(scenario)
    assert spent(free)["b care"] == 500.0
    assert held.certificate.bound >= free.value - 1e-9
    again = al.solve(scenario, choices=free)
    assert spent(again) == spent(free)


def test_with_lines_of_their_own_choices_and_rules_that_bend():
    """Rules' choices stand beside those of lines (nothing, or their scale) and beside rules that bend."""
    low = {"kind": "floor", "where": A, "amount": 100.0, "bends": [{"by": 40.0, "price": 1.5e6}, {"price": 9e6}]}
    rules = {"r": {"kind": "start", "where": B, "amount": 150.0}, "low": low}
    plan = al.solve(three(rules, scale=10.0, money=550.0))
    # A pound on a is 1 and costs 1.5 to take beneath the floor; c buys 3, so 40 go there.
    assert tuple(spent(plan).values()) == (60.0, 0.0, 490.0)
    assert plan.limits.set_index("rule").loc["low", "bent"] == 40.0
    assert plan.certificate.gap < 1e-9


@pytest.mark.parametrize(("fields", "said"), [
    ({"kind": "start", "where": A, "amount": 0.0}, "r.amount: '0' asks for nothing"),
    ({"kind": "start", "where": A, "amount": 501.0}, "more than its lines could ever get (£500)"),
    ({"kind": "either", "where": A, "amount": 5.0, "other": A, "other_amount": 5.0, "only_one": True}, "shares lines"),
    ({"kind": "either", "where": A, "amount": 5.0, "other": {"places": ["x"]}, "other_amount": 5.0}, "r.other.places"),
    ({"kind": "prerequisite", "where": A, "amount": 5.0, "needs": {"places": ["x"]}}, "r.needs.places"),
    ({"kind": "prerequisite", "where": A, "amount": 501.0, "needs": B}, "more than its lines could ever get (£500)"),
    ({"kind": "moves", "at_most": 1.5}, "r.at_most"),
    ({"kind": "start", "where": A, "amount": 5.0, "bends": [{"price": 1.0}]}, "has no price by the pound"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(fields, said):
    """Amounts of nothing or out of reach, names that there are not, and half a line, are refused by name."""
    with pytest.raises(al.ScenarioError) as caught:
        three({"r": fields})
    assert said in str(caught.value)


@pytest.mark.parametrize(("fields", "words"), [
    ({"kind": "start", "where": A, "amount": 50.0}, "Spending in A must be nothing, or at least £50"),
    ({"kind": "start", "each": "place", "amount": 50.0}, "In each place, spending must be nothing, or at least £50"),
    ({"kind": "either", "where": A, "amount": 50.0, "other": B, "other_amount": 60.0},
     "Either spending in A must be at least £50, or spending in B at least £60"),
    ({"kind": "either", "where": A, "amount": 50.0, "other": B, "other_amount": 60.0, "only_one": True},
     "Either spending in A must be at least £50, or spending in B at least £60, and only one of the two may be funded"),
    ({"kind": "prerequisite", "where": A, "needs": B, "amount": 60.0},
     "Spending in A is allowed only once spending in B is at least £60"),
    ({"kind": "moves", "at_most": 1, "beyond": 20.0}, "At most 1 line may change by more than £20 from the baseline"),
    ({"kind": "moves", "at_most": 2, "where": A}, "At most 2 lines of spending in A may change from the baseline"),
])  # fmt: skip
def test_wording(fields, words):
    """Sentences that a finance committee could minute."""
    scenario = three({"r": fields})
    assert scenario.rules[0].sentence(scenario) == words
