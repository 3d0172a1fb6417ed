"""The oracle: whether rules can hold together, what each answer teaches, and what bends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import allocate as al
from allocate.engine.clash import clash
from allocate.engine.oracle import Oracle, Over
from allocate.engine.watch import Stopped, Watch
from tests.engine.making import YEAR, make

PLACES = ("a", "b", "c")


def places(rules: dict[str, Any], money: float = 1000.0, curve: dict[str, Any] | None = None, **line: Any):
    """Three places that share a pot."""
    lines = [{"place": place, "programme": "care"} | line for place in PLACES]
    curve = curve or {"shape": "linear", "slope": 1.0}
    return make(lines, [{"place": place, "programme": "care"} | curve for place in PLACES], money, rules)


def floor(place: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"kind": "floor", "where": {"places": [place]}, "amount": amount} | more


def cap(place: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"kind": "cap", "where": {"places": [place]}, "amount": amount} | more


THREE = {"one": floor("a", 600.0), "other": floor("b", 500.0), "quiet": cap("c", 400.0)}


def of(oracle: Oracle, *names: str) -> int:
    return sum(1 << oracle.rules.index(name) for name in names)


def test_any_rules_can_be_asked_about():
    """Rules are whole and in any number: of three, two cannot hold together, whatever the third does."""
    oracle = Oracle(places(THREE), 10.0)
    assert set(oracle.rules) == set(THREE)
    for rules in range(1 << 3):
        both = of(oracle, "one", "other")
        assert oracle.ask(rules).possible == (rules & both != both)


def test_an_answer_teaches_and_is_kept():
    """What cannot hold names those that need each other; what can names all that its plan keeps; nothing is asked
    twice, nor what follows from an answer."""
    oracle = Oracle(places(THREE), 10.0)
    assert oracle.ask(oracle.every).rules == of(oracle, "one", "other")
    asked = oracle.calls
    assert not oracle.ask(of(oracle, "one", "other")).possible
    assert not oracle.ask(oracle.every).possible
    assert oracle.calls == asked
    reply = oracle.ask(of(oracle, "one", "quiet"))
    assert reply.possible
    assert reply.rules & of(oracle, "one", "quiet") == of(oracle, "one", "quiet")
    asked = oracle.calls
    assert oracle.ask(of(oracle, "one")).possible
    assert oracle.ask(of(oracle, "quiet")).possible
    assert oracle.calls == asked


def test_choices_of_nothing_or_enough_are_whole():
    """A floor that half a hall would meet cannot hold where halls cost all the money but a little, twice."""
    halls = {"high": 600.0, "scale": 600.0}
    rules = {"one": floor("a", 100.0), "other": floor("b", 100.0), "free": cap("c", 50.0)}
    oracle = Oracle(places(rules, **halls), 10.0)
    assert oracle.has_integers
    assert not oracle.ask(of(oracle, "one", "other")).possible
    assert oracle.ask(of(oracle, "one", "free")).possible
    found = clash(places(rules, **halls), 10.0)
    assert [set(each) for each in found.clashes] == [{"one", "other"}]


def test_gains_are_judged_on_many_slices():
    """Floors on gains that a square root just meets with all the money hold together; a thousandth more and they
    clash."""
    root = {"shape": "power", "slope": 1.0, "reference": 100.0, "exponent": 0.5}
    scenario = places({}, 300.0, root)
    most = al.solve(scenario).value / 3

    def asked(part: float) -> al.Scenario:
        rules = {f"gain-{place}": floor(place, part * most, measure="health") for place in PLACES}
        return places(rules, 300.0, root)

    assert clash(asked(0.999), 10.0).possible
    found = clash(asked(1.001), 10.0)
    assert [set(each) for each in found.clashes] == [{"gain-a", "gain-b", "gain-c"}]
    assert len(found.ways[0].rules) == 1


def test_a_cap_on_gains_is_not_kept_by_pretending():
    """A place that must spend gains what its spend buys: a cap below that clashes with the floor."""
    rules = {"spend": floor("a", 500.0), "gain": cap("a", 400.0, measure="health")}
    found = clash(places(rules), 10.0)
    assert [set(each) for each in found.clashes] == [{"spend", "gain"}]


def test_what_bends_without_end_never_clashes():
    """Floors of 700 and 500 on 1,000, one of which bends at a price without end: a plan exists."""
    rules = {"one": floor("a", 700.0), "other": floor("b", 500.0, bends=[{"price": 2.0}])}
    assert clash(places(rules), 10.0).possible


def test_beyond_its_bands_a_rule_must_be_eased():
    """Of 200 too much a band of 150 bends; the 50 beyond are asked of somebody, at twice the dearest price."""
    rules = {"one": floor("a", 700.0), "other": floor("b", 500.0, bends=[{"by": 150.0, "price": 2e6}])}
    found = clash(places(rules), 10.0)
    assert [set(each) for each in found.clashes] == [{"one", "other"}]
    cheapest = found.ways[0]
    assert (found.rates.published, found.rates.pound) == (True, 4.0)
    assert [easing.amount for easing in cheapest.easings] == pytest.approx([50.0])
    assert cheapest.price == pytest.approx(2.0 * 150 + 4.0 * 50)


def test_a_clash_of_rules_that_bend_is_proved():
    """The clash beyond all bands is proved by arithmetic, and a rule that bends without end is no part of it."""
    rules = {
        "one": floor("a", 700.0), "other": floor("b", 500.0, bends=[{"by": 150.0, "price": 2e6}]),
        "soft": floor("c", 300.0, bends=[{"price": 1.0}]),
    }  # fmt: skip
    with pytest.raises(al.NoPlan, match="proved independently") as caught:
        al.solve(places(rules))
    assert set(caught.value.together) == {"rules.one", "rules.other", "envelopes.pot"}
    assert sum(way.amount for way in caught.value.ways) == pytest.approx(50.0)
    changed = {path: value for way in caught.value.ways for path, value in way.change.items()}
    plan = al.solve(places(rules).change(changed))
    assert plan.certified


def test_a_rule_with_a_cheap_price_gives_way_first():
    """Of two that could give way, the one that bends more cheaply is eased as far as it bends, and no further."""
    bends = [{"by": 40.0, "price": 1e6}, {"by": 60.0, "price": 3e6}]
    rules = {"one": floor("a", 700.0), "other": floor("b", 500.0, bends=bends)}
    (cheapest, *_) = clash(places(rules), 10.0).ways
    assert sum(easing.amount for easing in cheapest.easings) == pytest.approx(100.0)
    assert cheapest.price == pytest.approx(40 * 1 + 60 * 3 + 100 * 6)


def test_fair_shares_of_what_is_asked():
    """Floors of two partners that ask 200 too much: the fairest way asks each for 100, the cheapest one for 200."""
    lines = [{"place": place, "programme": "care", "partner": place} for place in "ab"]
    curves = [{"place": place, "programme": "care", "shape": "linear", "slope": 1.0} for place in "ab"]
    rules = {f"floor-{p}": floor(p, x, owner=p) for p, x in (("a", 700.0), ("b", 500.0))}
    ways = {way.kind: way for way in clash(make(lines, curves, 1000.0, rules), 10.0).ways}
    assert sorted(x.amount for x in ways["fairest"].easings) == pytest.approx([100.0, 100.0])
    assert [x.amount for x in ways["cheapest"].easings] == pytest.approx([200.0])
    assert ways["fewest"].rules == ways["cheapest"].rules


def test_a_resource_gives_way_where_only_the_law_could():
    """A statutory floor that takes more hours than there are: the hours are asked for, not the law."""
    scenario = make(
        [{"place": place, "programme": "care"} for place in "ab"],
        [{"place": place, "programme": "care", "shape": "linear", "slope": 1.0} for place in "ab"],
        1000.0,
        {"care": {"kind": "floor", "amount": 500.0, "standing": "statutory"}},
        resources=[{"id": "hours", "name": "Hours", "unit": "hours", "year": YEAR, "amount": 40.0}],
        uses=[{"resource": "hours", "partner": None, "place": None, "programme": "care", "rate": 0.1}],
    )
    found = clash(scenario, 10.0)
    assert (found.possible, found.law, found.clashes) == (False, True, (("care",),))
    assert found.ways[0].rules == ("resource hours",)
    assert [easing.amount for easing in found.ways[0].easings] == pytest.approx([10.0])
    assert al.solve(scenario.change(found.ways[0].change)).certified


def test_money_that_cannot_reach_what_lines_must_get():
    """Two envelopes count on the same money: no rule clashes and none can give way, and a sum more is named."""
    routes = [
        {"id": f"to-{name}", "year": YEAR, "source": "bank", "target": name, "high": 100.0, "authority": "agreed"}
        for name in ("left", "right")
    ]
    lines = [{"place": name, "programme": "care", "envelope": name, "low": 150.0} for name in ("left", "right")]
    curves = [{"place": name, "programme": "care", "shape": "linear", "slope": 1.0} for name in ("left", "right")]
    money = {"bank": 80.0, "left": 100.0, "right": 100.0}
    found = clash(make(lines, curves, money, {"cap": cap("left", 160.0)}, routes=routes), 10.0)
    assert (found.possible, found.bare, found.clashes, found.ways) == (False, True, (), ())
    assert {way.part: way.amount for way in found.instead} == {"bank": 20.0, "left": 20.0, "right": 20.0}
    assert (found.minima[0].added, found.minima[0].held) == (300.0, 280.0)


def test_time_and_a_stop_end_it():
    """Out of time it says so; told to stop before anything is known it raises Stopped; a search that ends early is not
    complete."""
    with pytest.raises(al.EngineError, match="out of time"):
        clash(places(THREE), 1e-9)
    watch = Watch()
    watch.stop()
    with pytest.raises(Stopped):
        clash(places(THREE), 10.0, watch)
    oracle = Oracle(places(THREE), 10.0)
    with oracle.within(0.0), pytest.raises(Over):
        oracle.tick()
    oracle.tick()


def test_nothing_is_built_again():
    """Rules are dropped by opening their ends: the model and its coefficients are the first ones throughout."""
    oracle = Oracle(places(THREE), 10.0)
    arrays = oracle.arrays
    for rules in range(1 << 3):
        oracle.ask(rules)
    assert oracle._relaxed.arrays.value is arrays.value
    assert np.array_equal(oracle.arrays.row_lower, arrays.row_lower)
