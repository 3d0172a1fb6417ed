"""What a problem falls into: the components by hand, and parts that are the whole when put together."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine import parts as module
from allocate.engine.certificate import Flows, Prices, bodies
from allocate.engine.parts import Part, joined_flows, joined_prices, parts, with_quotas
from allocate.engine.problem import Problem
from tests.engine.making import YEAR, make
from tests.engine.systems import HALLS, systems

STRAIGHT = {"programme": "care", "shape": "linear", "slope": 1.0}


@pytest.fixture(autouse=True)
def few():
    """Problems of any size are looked at for parts, and a limit over three is everybody's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST", 1)
        patch.setattr(module, "MANY", 3)
        yield


def hand(
    envelopes: str, rules: dict[str, dict[str, Any]] | None = None, share: str = "", **more: list[dict[str, Any]]
) -> Problem:
    """A line and a curve of its own for each of these envelopes, at the place of the same name; those of `share` are
    all at place `both`, under one curve."""
    places = {name: "both" if name in share else name for name in envelopes}
    lines = [{"place": places[name], "programme": "care", "envelope": name, "high": 60.0} for name in envelopes]
    curves = [STRAIGHT | {"place": place} for place in sorted(set(places.values()))]
    return Problem.of(make(lines, curves, dict.fromkeys(envelopes, 100.0), rules, **more))


def told(problem: Problem) -> list[str]:
    """The envelopes of each part, by the names of their lines."""
    envelope = problem.scenario.lines["envelope"].to_numpy()
    return ["".join(sorted(envelope[part.lines])) for part in parts(problem)[0]]


def test_envelopes_that_share_nothing_are_parts():
    """A line, its curve and its envelope hang together, and nothing else does."""
    problem = hand("abc")
    found, shared = parts(problem)
    assert told(problem) == ["a", "b", "c"]
    assert len(shared) == 0
    for part in found:
        assert (len(part.lines), len(part.curves), len(part.envelopes), len(part.routes), len(part.limits)) == (
            1, 1, 1, 0, 0,
        )  # fmt: skip


def test_too_few_lines_and_one_piece_have_no_parts(monkeypatch):
    """A problem in one piece, or with fewer lines than it is worth, has no parts."""
    assert told(hand("a")) == []
    assert told(hand("ab", share="ab")) == []
    monkeypatch.setattr(module, "LEAST", 4)
    assert told(hand("abc")) == []
    assert told(hand("abcd")) == ["a", "b", "c", "d"]


def test_a_route_joins_its_envelopes():
    """Money that can move from one envelope to another makes them one part, and the route is in it."""
    route = {"id": "way", "year": YEAR, "source": "a", "target": "c", "high": 5.0, "authority": "agreed"}
    problem = hand("abc", routes=[route])
    assert told(problem) == ["ac", "b"]
    assert [part.routes.tolist() for part in parts(problem)[0]] == [[0], []]
    inner = parts(problem)[0][0].problem
    assert inner.scenario.envelopes["id"].iloc[[inner.source[0], inner.target[0]]].tolist() == ["a", "c"]


def test_money_that_no_line_can_spend_goes_with_its_route():
    """An envelope without lines belongs to the part that its route leads to."""
    route = {"id": "way", "year": YEAR, "source": "z", "target": "b", "high": 5.0, "authority": "agreed"}
    lines = [{"place": name, "programme": "care", "envelope": name, "high": 60.0} for name in "ab"]
    curves = [STRAIGHT | {"place": name} for name in "ab"]
    problem = Problem.of(make(lines, curves, {"a": 50.0, "b": 50.0, "z": 50.0}, routes=[route]))
    found, _ = parts(problem)
    assert [part.envelopes.tolist() for part in found] == [[0], [1, 2]]


def test_a_rule_over_two_envelopes_joins_them():
    """A limit ties together what it counts, spending or gain, and is in that part alone."""
    where = {"where": {"envelopes": ["a", "b"]}}
    for measure in ("spend", "health"):
        rules = {"both": {"kind": "cap", "amount": 50.0, "measure": measure} | where}
        problem = hand("abc", rules)
        assert told(problem) == ["ab", "c"]
        assert [part.limits.tolist() for part in parts(problem)[0]] == [[0], []]


def test_a_rule_for_each_joins_nothing():
    """A rule that holds for each envelope on its own leaves them apart, each with its own limit."""
    problem = hand("abc", {"each": {"kind": "cap", "amount": 50.0, "each": "envelope"}})
    assert told(problem) == ["a", "b", "c"]
    assert [part.limits.tolist() for part in parts(problem)[0]] == [[0], [1], [2]]


def test_a_curve_fed_from_two_envelopes_joins_them():
    """Lines that add up under one curve are in one part, whosever money pays them."""
    assert told(hand("abcd", share="bd")) == ["a", "bd", "c"]


def test_growth_joins_two_years():
    """Years are apart until growth holds one against the other."""
    years = ("2026", "2027")
    lines = [{"place": "a", "programme": "care", "year": year, "baseline": 40.0, "high": 60.0} for year in years]
    curves = [STRAIGHT | {"place": "a", "year": year} for year in years]
    envelopes = [
        {"id": "pot", "year": year, "name": "pot", "holder": "body", "amount": 100.0} for year in years
    ]  # fmt: skip
    growth = {"grow": {"kind": "growth", "at_least": 0.02}}
    made = [make(lines, curves, 0.0, rules, years=years, envelopes=envelopes) for rules in ({}, growth)]
    assert [len(parts(Problem.of(scenario))[0]) for scenario in made] == [2, 0]


def test_a_limit_over_many_is_everybodys():
    """From so many envelopes on a limit ties nothing together: it is left between the parts, in none of them."""
    rules = {"all": {"kind": "cap", "amount": 150.0}, "two": {"kind": "cap", "amount": 50.0} | {
        "where": {"envelopes": ["a", "b"]}}}  # fmt: skip
    problem = hand("abcd", rules)
    found, shared = parts(problem)
    assert told(problem) == ["ab", "c", "d"]
    assert [problem.limits[row].name for row in shared] == ["all"]
    assert [part.limits.tolist() for part in found] == [[1], [], []]


def test_a_limit_on_gains_over_many_is_everybodys():
    """Gains of many envelopes' curves count as spending does."""
    problem = hand("abcd", {"all": {"kind": "cap", "amount": 150.0, "measure": "health"}})
    assert told(problem) == ["a", "b", "c", "d"]
    assert parts(problem)[1].tolist() == [0]


CASES = {
    "plain": systems(3, seed=1),
    "choices": systems(2, seed=2, scale=900_000.0),
    "shared": systems(3, seed=3, rules=HALLS),
    "two tied": systems(3, seed=4, rules={"tie": {"kind": "share", "at_least": 0.3} | {
        "where": {"envelopes": ["s00", "s02"], "programmes": ["care"]}, "of": {"envelopes": ["s00", "s02"]}}}),
    "gains": systems(4, seed=5, rules={"all": {"kind": "floor", "measure": "health", "amount": 20.0},
                                       "one": {"kind": "cap", "measure": "health", "amount": 90.0,
                                               "where": {"envelopes": ["s01"]}}}),
}  # fmt: skip


@cache
def fallen(name: str) -> tuple[Problem, list[Part], np.ndarray]:
    """A problem and its parts."""
    problem = Problem.of(CASES[name])
    return problem, *parts(problem)


@pytest.mark.parametrize("name", CASES)
def test_everything_is_in_one_part(name):
    """Every line, curve, envelope and limit but the shared is in exactly one part, and in order there."""
    problem, found, shared = fallen(name)
    assert len(found) > 1
    for kind, count in (("lines", len(problem.low)), ("curves", len(problem.curves)), ("envelopes",
                        len(problem.amount)), ("routes", len(problem.route_high))):  # fmt: skip
        mine = [getattr(part, kind) for part in found]
        assert sorted(np.concatenate(mine).tolist()) == list(range(count))
        assert all(np.array_equal(each, np.sort(each)) for each in mine)
    limits = np.concatenate([*(part.limits for part in found), shared])
    assert sorted(limits.tolist()) == list(range(len(problem.limits)))


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
@settings(max_examples=15)
def test_parts_add_up_to_the_whole(name, data):
    """For any spend, values and limits' bodies of the parts, shared ones by quotas, add up to the whole's; what is left
    in each envelope, the bounds, curves and the outcome at stake are the whole's too."""
    problem, found, shared = fallen(name)
    share = data.draw(st.lists(st.floats(0, 1), min_size=len(problem.low), max_size=len(problem.low)))
    spend = np.array(share) * problem.high
    open_ends = np.full((2, len(shared)), [[-np.inf], [np.inf]])
    each = [with_quotas(problem, part, shared, *open_ends) for part in found]
    value, body = 0.0, np.zeros(len(problem.limits))
    for part in each:
        value += part.problem.value(spend[part.lines])
        still = Flows(spend[part.lines], np.zeros(len(part.routes)))
        np.add.at(body, part.limits, bodies(part.problem, still))
        inner = part.problem
        assert [limit.name for limit in inner.limits] == [problem.limits[row].name for row in part.limits]
        left = Flows(spend[part.lines], np.zeros(len(part.routes))).unspent(inner)
        whole = Flows(spend, np.zeros(len(problem.route_high))).unspent(problem)
        np.testing.assert_allclose(left, whole[part.envelopes], atol=1e-6)
        assert inner.scenario.line_ids == tuple(problem.scenario.line_ids[row] for row in part.lines)
    assert value == pytest.approx(problem.value(spend), rel=1e-12, abs=1e-12)
    whole = Flows(spend, np.zeros(len(problem.route_high)))
    np.testing.assert_allclose(body, bodies(problem, whole), rtol=1e-12, atol=1e-6)
    assert sum(part.problem.at_stake for part in found) == pytest.approx(problem.at_stake, rel=1e-12)


def test_quotas_are_limits_of_the_part():
    """A part with quotas has its own limits as they were, and the shared ones between its own ends."""
    problem, found, shared = fallen("shared")
    part = with_quotas(problem, found[1], shared, np.array([5.0]), np.array([9.0]))
    own = len(found[1].limits)
    assert part.limits.tolist() == [*found[1].limits.tolist(), *shared.tolist()]
    assert part.problem.terms.ends[:, own:].tolist() == [[5.0], [9.0]]
    np.testing.assert_array_equal(part.problem.terms.ends[:, :own], found[1].problem.terms.ends)
    halls = problem.scenario.lines["programme"].to_numpy()[part.lines] == "halls"
    assert (part.problem.line_rows.dense(np.array([own]))[0] == halls).all()


@given(data=st.data())
@settings(max_examples=15)
def test_flows_and_prices_are_put_where_they_belong(data):
    """What is taken apart and joined again is what it was."""
    problem, found, _ = fallen("plain")

    def numbers(count: int) -> np.ndarray:
        return np.array(data.draw(st.lists(st.floats(0, 9), min_size=count, max_size=count)))

    flows = Flows(numbers(len(problem.low)), numbers(len(problem.route_high)))
    prices = Prices(numbers(len(problem.amount)), numbers(len(problem.limits)), numbers(len(problem.curves)))
    again = joined_flows(problem, [(p, Flows(flows.spend[p.lines], flows.moved[p.routes])) for p in found])
    told = [(p, Prices(prices.envelope[p.envelopes], prices.limit[p.limits], prices.effort[p.curves])) for p in found]
    np.testing.assert_array_equal(again.spend, flows.spend)
    joined = joined_prices(problem, told)
    for name in ("envelope", "limit", "effort"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(prices, name))


def test_parts_are_the_same_whatever_the_figures():
    """A change of figures leaves every part what it was; a rule that ties two together makes them one."""
    scenario = systems(3, seed=1)
    before, after = (parts(Problem.of(each))[0] for each in (scenario, scenario.change({"envelopes.s01": 3_500_000})))
    assert [part.lines.tolist() for part in before] == [part.lines.tolist() for part in after]
    tied = scenario.change({"rules.tie": {"kind": "cap", "owner": "body", "amount": 9_000_000.0,
                                          "where": {"envelopes": ["s01", "s02"]}}})  # fmt: skip
    assert isinstance(tied, al.Scenario)
    assert len(parts(Problem.of(tied))[0]) == 2
