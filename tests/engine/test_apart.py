"""Solved apart, a problem has the plan that it has in one piece, proved anew."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine import apart, parts
from allocate.engine.certificate import bodies, breaches
from allocate.engine.highs import Impossible
from allocate.engine.optimum import Options, Phantom
from allocate.engine.piece import Solved
from allocate.engine.problem import Problem
from allocate.engine.solving import solve_scenario
from allocate.engine.watch import Stopped, Watch
from tests.engine.making import YEAR, make
from tests.engine.systems import HALLS, systems

TOLERANCE = 1e-4


@contextmanager
def looked_at(many: int = 3):
    """Problems of any size are looked at for parts, and a limit over so many is everybody's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "LEAST", 1)
        patch.setattr(parts, "MANY", many)
        yield


@pytest.fixture(autouse=True)
def few():
    """As in `looked_at`, for every test."""
    with looked_at():
        yield


def solved(scenario: al.Scenario, **options) -> Solved:
    """The plan, in parts where there are any; `scenario` anew, with nothing kept from before."""
    return solve_scenario(replace(scenario, _shared={}), Options(**options))


def in_one_piece(scenario: al.Scenario, **options) -> Solved:
    """The plan in one piece."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "LEAST", 10**9)
        return solved(scenario, **options)


@pytest.fixture
def counted(monkeypatch) -> list[str]:
    """The first line of every part that is solved."""
    seen: list[str] = []
    whole = apart.solved_whole
    monkeypatch.setattr(apart, "solved_whole", lambda problem, *more: seen.append(problem.scenario.line_ids[0]) or
                        whole(problem, *more))  # fmt: skip
    return seen


def whole_pounds(found: Solved) -> bool:
    return bool(found.whole and (found.flows.spend == np.round(found.flows.spend)).all())


# --- nothing shared ------------------------------------------------------------------------------------------------


@given(count=st.integers(2, 4), places=st.integers(1, 3), seed=st.integers(0, 10**6))
@settings(max_examples=8)
def test_apart_is_as_good_as_in_one_piece(count, places, seed):
    """Solved apart, a plan is lawful, in whole pounds, worth what the plan in one piece is, and proved to be best."""
    scenario = systems(count, places, seed)
    problem, found, other = Problem.of(scenario), solved(scenario), in_one_piece(scenario)
    assert found.certificate.value == pytest.approx(other.certificate.value, abs=1e-9 * problem.at_stake)
    assert found.certificate.gap < 1e-6
    assert whole_pounds(found)
    assert breaches(problem, found.flows, 1e-6) == []
    assert found.optimum.status == "optimal"
    np.testing.assert_allclose(found.flows.spend, other.flows.spend, atol=2.0)


def test_each_part_is_solved_on_its_own(counted):
    """Three systems are three problems, each with its own lines; with a shared rule too."""
    solved(systems(3, seed=1))
    assert sorted(counted) == [f"body.s{k:02d}-0.care.s{k:02d}.2026" for k in range(3)]
    counted.clear()
    solved(systems(3, seed=1, rules=HALLS))
    assert len(counted) == 3


def test_prices_of_apart_are_those_of_one_piece():
    """A pound more in an envelope, or off a limit, is worth in the whole what it is worth in its part."""
    scenario = systems(3, seed=6)
    one, other = solved(scenario).optimum.prices, in_one_piece(scenario).optimum.prices
    np.testing.assert_allclose(one.envelope, other.envelope, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(one.limit, other.limit, rtol=1e-5, atol=1e-12)


def test_money_moves_along_routes_inside_a_part():
    """A route joins two of three systems, and what moves along it is what moves in one piece."""
    lines = [{"place": n, "programme": "care", "envelope": n, "high": 400_000.0} for n in "abc"]
    curves = [
        {"place": n, "programme": "care", "shape": "power", "exponent": 0.5, "reference": 1e5, "slope": slope}
        for n, slope in zip("abc", (1e-4, 2e-4, 3e-4), strict=True)
    ]
    route = {"id": "way", "year": YEAR, "source": "b", "target": "c", "high": 90_000.0, "authority": "agreed"}
    scenario = make(lines, curves, dict.fromkeys("abc", 200_000.0), routes=[route])
    found, other = solved(scenario), in_one_piece(scenario)
    assert found.flows.moved.tolist() == other.flows.moved.tolist()
    assert found.flows.moved[0] > 1_000
    assert found.flows.spend.tolist() == other.flows.spend.tolist()


# --- shared limits -------------------------------------------------------------------------------------------------


@given(count=st.integers(3, 5), seed=st.integers(0, 10**6), tight=st.floats(0.75, 1.1))
@settings(max_examples=8)
def test_a_shared_rule_is_kept_exactly_and_proved(count, seed, tight):
    """With a cap over all, the plan keeps it to the pound, is certified within the tolerance and that near the plan in
    one piece."""
    base = systems(count, seed=seed)
    halls = base.lines["programme"].to_numpy() == "halls"
    cap = float(round(tight * in_one_piece(base).flows.spend[halls].sum()))
    cap = max(cap, 1_200_000.0 * count)
    scenario = base.change({"rules.all": HALLS["halls"] | {"owner": "body", "amount": cap}})
    problem, found, other = Problem.of(scenario), solved(scenario), in_one_piece(scenario)
    assert found.flows.spend[halls].sum() <= cap
    assert breaches(problem, found.flows, 1e-6) == []
    assert whole_pounds(found)
    assert found.certificate.gap <= TOLERANCE
    assert abs(found.certificate.value - other.certificate.value) <= TOLERANCE * problem.at_stake
    assert found.certificate.bound >= other.certificate.value - 1e-9 * problem.at_stake


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "floor", "amount": 8_500_000.0, "where": {"programmes": ["halls"]}},
        {"kind": "keep", "amount": 7_777_777.0, "where": {"programmes": ["halls"]}},
        {"kind": "share", "at_least": 0.45, "at_most": 0.46, "where": {"programmes": ["halls"]}},
        {"kind": "floor", "measure": "health", "amount": 150.0},
        {"kind": "cap", "measure": "health", "amount": 290.0, "where": {"programmes": ["care"]}},
        {"kind": "cap", "amount": 7_000_000.0, "where": {"programmes": ["halls"], "places": ["s00-0", "s01-0", "s02-0",
                                                                                              "s03-1"]}},
    ],
    ids=str,
)  # fmt: skip
def test_every_kind_of_shared_rule(rule):
    """Whatever a rule over all systems asks, the plan keeps it and is as good as in one piece, within the tolerance;
    where quotas will not do, it is the plan in one piece."""
    scenario = systems(4, seed=8, rules={"all": rule})
    problem, found, other = Problem.of(scenario), solved(scenario), in_one_piece(scenario)
    assert len(parts.parts(problem)[1]) > 0
    assert breaches(problem, found.flows, 1e-6) == []
    assert found.certificate.gap <= max(TOLERANCE, 1.001 * other.certificate.gap)
    assert abs(found.certificate.value - other.certificate.value) <= TOLERANCE * problem.at_stake
    assert whole_pounds(found) == whole_pounds(other)


def test_a_part_that_a_shared_rule_does_not_count_has_no_quota(monkeypatch):
    """What a shared limit leaves goes to the parts that it counts; others are not held to a quota of nothing."""
    rule = {
        "kind": "cap",
        "amount": 4_000_000.0,
        "where": {"envelopes": ["s00", "s01", "s02"], "programmes": ["halls"]},
    }
    made, asked = systems(4, seed=9, rules={"all": rule}), []
    quotas = apart.with_quotas
    monkeypatch.setattr(apart, "with_quotas", lambda problem, part, *more: asked.append(more) or quotas(
        problem, part, *more))  # fmt: skip
    found = solved(made)
    problem = Problem.of(made)
    row = int(parts.parts(problem)[1][0])
    assert [len(shared) for shared, _, _ in asked] == [1, 1, 1, 0]
    assert sum(float(high.sum()) for _, _, high in asked) == pytest.approx(4_000_000.0)
    assert bodies(problem, found.flows)[row] <= 4_000_000.0


def test_the_price_of_a_shared_rule_is_that_of_one_piece():
    """What a pound on a shared floor costs is told as in one piece, not as one part's price of its quota."""
    scenario = systems(3, seed=3, rules={"halls": HALLS["halls"] | {"kind": "floor", "amount": 5_000_000.0}})
    row = int(parts.parts(Problem.of(scenario))[1][0])
    one, other = (solve(scenario).optimum.prices.limit[row] for solve in (solved, in_one_piece))
    assert other < 0
    assert one == pytest.approx(other, rel=0.02)


def test_curves_that_must_fill_in_order_with_a_shared_rule_are_one_piece(counted):
    """A limit over all and a curve that does not flatten leave no prices to set quotas by: the whole is one piece."""
    key = {"place": "a", "programme": "care", "outcome": "health", "year": YEAR}
    given = [key | {"spend": spend, "gain": gain} for spend, gain in ((0.0, 0.0), (40.0, 2.0), (80.0, 50.0))]
    scenario = make(
        [{"place": place, "programme": "care", "envelope": place, "high": 80.0} for place in "abc"],
        [{"place": "a", "programme": "care", "shape": "points"},
         *({"place": place, "programme": "care", "shape": "linear", "slope": 0.4} for place in "bc")],
        dict.fromkeys("abc", 90.0), {"all": {"kind": "cap", "amount": 100.0}}, curve_points=given,
    )  # fmt: skip
    assert solved(scenario).certificate.value == pytest.approx(58.0)
    assert counted == []


@pytest.mark.parametrize("error", [Impossible(), Phantom(frozenset({0}))], ids=repr)
def test_where_quotas_will_not_do_it_is_one_piece(error, monkeypatch):
    """Where the plan over all is not to be had without more, the whole is solved in one piece."""

    def fails(*_):
        raise error

    scenario = systems(3, seed=3, rules=HALLS)
    monkeypatch.setattr(apart, "nearly", fails)
    assert solved(scenario).flows.spend.tolist() == in_one_piece(scenario).flows.spend.tolist()


# --- clashes -------------------------------------------------------------------------------------------------------


def clash(scenario: al.Scenario, solve) -> al.NoPlan:
    with pytest.raises(al.NoPlan) as told:
        solve(scenario)
    return told.value


@pytest.mark.parametrize("shared", [{}, HALLS], ids=["apart", "quotas"])
def test_a_clash_in_one_part_is_told_as_in_one_piece(shared):
    """A part whose rules clash raises the NoPlan of the whole: the same words, easings and ways out."""
    scenario = systems(3, seed=4, rules=shared).change({"rules.floor-s01.amount": 3_500_000})
    one, other = clash(scenario, solved), clash(scenario, in_one_piece)
    assert str(one) == str(other)
    assert "floor-s01" in str(one)
    assert vars(one) == vars(other)


def test_a_clash_where_curves_must_fill_in_order_is_eased_by_what_spend_can_buy():
    """A curve that is flat at first buys 26 with all the money there is, so a floor of 40 comes down by 14, told alike
    by a part and by the whole."""
    given = [
        {"place": place, "programme": "care", "outcome": "health", "year": YEAR, "spend": spend, "gain": gain}
        for place in "bc" for spend, gain in ((0.0, 0.0), (40.0, 2.0), (80.0, 50.0), (100.0, 52.0))
    ]  # fmt: skip
    scenario = make(
        [{"place": place, "programme": "care", "envelope": place, "high": 100.0} for place in "abc"],
        [{"place": "a", "programme": "care", "shape": "linear", "slope": 1.0},
         *({"place": place, "programme": "care", "shape": "points"} for place in "bc")],
        dict.fromkeys("abc", 60.0),
        {"much": {"kind": "floor", "measure": "health", "amount": 40.0, "where": {"places": ["c"]}}},
        curve_points=given,
    )  # fmt: skip
    one, other = clash(scenario, solved), clash(scenario, in_one_piece)
    assert [way.amount for way in one.ways] == pytest.approx([14.0])
    assert str(one) == str(other)


def test_a_cap_on_gains_that_cannot_be_kept_names_a_way_out():
    """Where rules force more gain than a cap allows, the way out is one that spend can take: not a pretended gain."""
    cap = {"all": {"kind": "cap", "measure": "health", "amount": 60.0, "where": {"programmes": ["care"]}}}
    scenario = systems(3, seed=8, rules=cap)
    for solve in (solved, in_one_piece):
        told = clash(scenario, solve)
        assert told.easings
        assert {way.rule for way in told.ways} <= {"all", "steady-s00", "steady-s01", "steady-s02"}


def test_a_clash_over_all_is_told_as_in_one_piece():
    """A shared rule that nobody can keep is told as in one piece."""
    scenario = systems(3, seed=3, rules={"all": {"kind": "cap", "amount": 3_000_000.0, "where": {
        "programmes": ["halls"]}}})  # fmt: skip
    one, other = clash(scenario, solved), clash(scenario, in_one_piece)
    assert (str(one), vars(one)) == (str(other), vars(other))


# --- yes/no choices ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [2, 3])
def test_choices_in_some_parts(seed):
    """With a minimum viable scale in some systems, what is opened is as good as in one piece, and so proved."""
    base = systems(3, seed=seed, scale=900_000.0)
    scenario = base.change({"lines.*.s02-0.halls.scale": 0, "lines.*.s02-1.halls.scale": 0})
    problem, found, other = Problem.of(scenario), solved(scenario), in_one_piece(scenario)
    assert found.optimum.discrete
    assert [part.problem.choices.any() for part in parts.parts(problem)[0]] == [True, True, False]
    assert breaches(problem, found.flows, 1e-6) == []
    assert whole_pounds(found)
    assert found.certificate.gap <= TOLERANCE
    assert found.certificate.value == pytest.approx(other.certificate.value, abs=TOLERANCE / 10 * problem.at_stake)


def test_choices_with_a_shared_rule_are_one_piece(counted):
    """Quotas are no way to share what choices take all or nothing of: such a problem is not taken apart."""
    scenario = systems(3, seed=2, scale=900_000.0, rules=HALLS)
    assert solved(scenario).flows.spend.tolist() == in_one_piece(scenario).flows.spend.tolist()
    assert counted == []


def test_held_choices_are_held_in_every_part():
    """Choices of an earlier plan are held part by part: it opens what that did, and says so."""
    scenario = systems(3, seed=2, scale=900_000.0)
    first = solved(scenario)
    opened = first.flows.spend > 0.5
    held = solved(scenario.change({"envelopes.*.amount": "x1.02"}), opened=opened)
    choices = Problem.of(scenario).choices
    assert ((held.flows.spend > 0.5) == opened)[choices].all()
    assert held.optimum.status == "choices held"


# --- what is kept --------------------------------------------------------------------------------------------------


def test_parts_that_are_as_they_were_are_not_solved_again(counted):
    """Of a what-if only the systems that it changes are solved, and going back solves none."""
    scenario = replace(systems(4, seed=1), _shared={})
    first = solve_scenario(scenario, Options())
    assert len(counted) == 4
    counted.clear()
    changed = solve_scenario(scenario.change({"envelopes.s02": 3_210_000}), Options())
    assert counted == ["body.s02-0.care.s02.2026"]
    again = solve_scenario(scenario, Options())
    assert len(counted) == 1
    assert again.flows.spend.tobytes() == first.flows.spend.tobytes()
    assert changed.flows.spend.tolist() == solved(changed.problem.scenario).flows.spend.tolist()


def test_the_parts_asked_for_last_are_the_ones_kept(counted):
    """However many what-ifs change one system, the others are never solved again."""
    scenario = replace(systems(4, seed=1), _shared={})
    for k in range(20):
        solve_scenario(scenario.change({"envelopes.s02": 3_200_000 + 1_000 * k}), Options())
    assert len(counted) == 4 + 19


CHANGES = (
    {"rules.floor-s01.where.programmes": ["care"]},
    {"rules.floor-s01.where.places": ["s01-1"]},
    {"rules.floor-s01.amount": 1_500_000},
    {"rules.steady-s01.down": 0.1},
    {"rules.floor-s01.in_force": False},
    {"envelopes.s01": 2_900_000},
    {"lines.*.s01-0.*.high": 900_000},
    {"lines.*.s01-0.*.baseline": 812_345},
    {"lines.*.s01-1.halls.scale": 1_000_000},
    {"curves.s01-0.care.*.slope": 9e-5},
    {"curves.s01-0.*.*.reference": 650_000},
    {"curves.s01-1.halls.*.ceiling": 60},
    {"outcomes.health.weight": 3},
    {"rules.floor-s01.measure": "health", "rules.floor-s01.amount": 12},
)


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_no_part_is_taken_for_another(changes):
    """Whatever changes in a system, its plan after others is that of a scenario never seen before."""
    scenario = replace(systems(2, seed=1), _shared={})
    first = solve_scenario(scenario, Options())
    changed = scenario.change(changes)
    again, anew = solve_scenario(changed, Options()), solved(changed)
    assert again.flows.spend.tolist() == anew.flows.spend.tolist()
    assert again.certificate.value == anew.certificate.value
    if any(key.split(".")[0] != "outcomes" for key in changes):
        assert breaches(Problem.of(changed), again.flows, 1e-6) == []
    assert len(first.flows.spend) == len(again.flows.spend)


def test_what_ran_out_of_time_is_not_kept(counted, monkeypatch):
    """Plans that more time might better are solved again when there is more time."""
    scenario = replace(systems(2, seed=2, scale=900_000.0), _shared={})
    monkeypatch.setattr(apart.Under, "hurried", True)
    solve_scenario(scenario, Options())
    solve_scenario(scenario, Options())
    assert len(counted) == 4


def test_a_loop_of_what_ifs_fills_no_memory():
    """After a hundred what-ifs no more plans of parts, and no more bases, are kept than after a few."""
    lines = [{"place": n, "programme": "care", "envelope": n, "high": 900.0} for n in "ab"]
    curves = [{"place": n, "programme": "care", "shape": "linear", "slope": 1.0} for n in "ab"]
    scenario, sizes = make(lines, curves, {"a": 1_000.0, "b": 1_000.0}), []
    for k in range(100):
        solve_scenario(scenario.change({"envelopes.a": 200 + k}), Options())
        if k in (10, 99):
            sizes.append((len(scenario._shared["plans of parts"]), len(scenario._shared.get("bases", {})),
                          len(scenario._shared)))  # fmt: skip
    assert sizes[0] == sizes[1]
    assert sizes[1][0] <= 2 * apart.SETS


# --- watches and threads -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [{}, HALLS], ids=["apart", "quotas"])
@pytest.mark.parametrize("after", range(0, 40, 6))
def test_a_stop_midway_ends_with_a_plan_or_says_there_is_none(after, shared):
    """Wherever among a solve's questions the stop comes, what comes out keeps every rule, and is not kept for later."""

    class Soon(Watch):
        asked = 0

        @property
        def stopped(self) -> bool:
            self.asked += 1
            return super().stopped or self.asked > after

    scenario = replace(systems(3, seed=3, rules=shared), _shared={})
    problem = Problem.of(scenario)
    try:
        found = solve_scenario(scenario, Options(), Soon())
    except Stopped:
        pass
    else:
        assert breaches(problem, found.flows, 0.01) == []
        assert found.optimum.status in ("stopped", "optimal")
    later = solve_scenario(scenario, Options())
    assert later.flows.spend.tolist() == solved(scenario).flows.spend.tolist()


def test_the_watch_of_a_part_hears_the_whole():
    """A part is stopped and abandoned with the whole; stopped itself, it stops nothing else."""
    whole = Watch()
    one, other = apart.Under(whole), apart.Under(apart.Under(whole))
    one.stop()
    assert (one.stopped, whole.stopped, other.stopped) == (True, False, False)
    whole.stop()
    assert other.stopped
    assert other.left() > 0
    whole.abandon()
    for asked in (other.left, lambda: other.enter("solving")):
        with pytest.raises(Stopped):
            asked()


def test_an_abandoned_solve_ends():
    """Abandoned from another thread before it is done, a solve of many parts raises Stopped in all of them."""
    entered, watch = threading.Event(), Watch()

    class Slow(apart.Under):
        def enter(self, stage: str) -> None:
            entered.set()
            time.sleep(0.01)
            super().enter(stage)

    scenario = systems(6, seed=3)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as other:
        patch.setattr(apart, "Under", Slow)
        running = other.submit(solve_scenario, replace(scenario, _shared={}), Options(), watch)
        assert entered.wait(30)
        watch.abandon()
        with pytest.raises(Stopped):
            running.result(timeout=30)


def test_all_parts_share_the_time_of_the_whole(monkeypatch):
    """A part that begins late has what is left of the seconds, not as many again."""
    seen = []
    whole = apart.solved_whole

    def slow(problem, options, watch):
        seen.append((options.seconds, watch.left()))
        time.sleep(0.05)
        return whole(problem, options, watch)

    monkeypatch.setattr(apart, "solved_whole", slow)
    monkeypatch.setattr(apart.os, "cpu_count", lambda: 1)
    solved(systems(4, seed=3), seconds=30.0)
    assert len(seen) == 4
    for number, (seconds, left) in enumerate(seen):
        assert max(seconds, left) <= 30.0 - 0.05 * number


def test_two_threads_at_once_get_what_each_gets_alone():
    """Threads solving what-ifs of one scenario in parts, over and over, get what each gets alone."""
    scenario = replace(systems(3, seed=7), _shared={})
    cases = [scenario.change({f"envelopes.s{k % 3:02d}": 3_000_000 + 50_000 * k}) for k in range(4)]
    alone = [solved(case).flows.spend.tolist() for case in cases]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda case: solve_scenario(case, Options()), cases * 5, timeout=120))
    assert [found.flows.spend.tolist() for found in together] == alone * 5


def test_what_rules_with_aids_hold_is_one_piece():
    """A cap on inequality may be anybody's: with one in force, even over one system, all is solved together."""
    for where in ({"programmes": ["care"]}, {"programmes": ["care"], "places": ["s00-0", "s00-1"]}):
        found = solved(systems(4, rules={"even": {"kind": "hoover", "where": where, "at_most": 0.02}}))
        assert found.parts == 1
        assert whole_pounds(found)
        assert found.certificate.gap < 1e-6
