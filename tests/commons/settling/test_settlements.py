"""Settlements: known answers for two who divide one purse, and what holds for each on any system."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.commons.apart.ground import Ground
from allocate.commons.settling.bargaining import Table, middle
from allocate.commons.settling.settlements import (
    AGREED,
    BALANCED,
    EVEN,
    LEAST_CHANGE,
    MEANS,
    MIDDLE,
    NO_PLAN,
    NOBODY_GAINS,
    NOT_ALL_GAIN,
    PART,
    SAME,
    STOPPED,
)
from allocate.commons.sharing.consent import with_floors
from allocate.engine.certificate import breaches
from allocate.engine.piece import best, itself
from allocate.engine.watch import Watch
from tests.commons.games import benefit, line, rooted, straight, systems
from tests.engine.making import make

LAST_YEAR = "last year"
FAIR = (EVEN, PART, BALANCED)


def purse(*worths: float, names: str = "abc", before: float = 3e5, left: float = 3e5) -> al.Scenario:
    """Partners that spend £300,000 each of one purse in which £300,000 more is left, each on a service of its own,
    worth so much a pound."""
    mine = list(zip(names, worths, strict=False))
    lines = [line(name, f"service-{name}", before) for name, _ in mine]
    curves = [straight(f"service-{name}", "service", 1.0) for name, _ in mine]
    rows = [benefit(name, "service", worth=worth) for name, worth in mine]
    return make(lines, curves, before * len(mine) + left, {}, {"service": 1.0}, benefits=rows)


def curved(slope: float = 0.25) -> al.Scenario:
    """Two with nothing of £1m yet: a pound is worth £1 to b, and x pounds 4 x slope x £500,000 sqrt(x / £1m) to a."""
    lines = [line("a", "root", 0.0), line("b", "plain", 0.0)]
    curves = [rooted("root", "service", slope, 1e6), straight("plain", "service", 1.0)]
    return make(lines, curves, 1e6, {}, {"service": 1.0}, benefits=[benefit(name, "service") for name in "ab"])


def gains(found: al.Settlements, settlement: str) -> list[float]:
    table = found.settlements
    return table.loc[table["settlement"] == settlement, "gain"].tolist()


def spent(found: al.Settlements, settlement: str, prefers: str = "") -> list[float]:
    table = found.spend
    return table.loc[(table["settlement"] == settlement) & (table["prefers"] == prefers), "spend"].tolist()


def why(found: al.Settlements) -> dict[str, str]:
    return dict(zip(found.summary["settlement"], found.summary["why"], strict=True))


# --- known answers ----------------------------------------------------------------------------------------------------


def test_alike_partners_gain_alike():
    """Where partners are alike all three ways of being fair split what is left equally, and say that they do."""
    for worths in ((1.0, 1.0), (1.0, 1.0, 1.0)):
        found = al.settle(purse(*worths), fallback=LAST_YEAR)
        for name in FAIR:
            assert gains(found, name) == pytest.approx([3e5 / len(worths)] * len(worths), abs=3)
        assert found.preferred["gain"].to_numpy() == pytest.approx([3e5] * len(worths), abs=3)
        assert any("land the same on everybody" in said for said in found.sentences)


def test_two_divide_a_purse_in_straight_lines():
    """Where a pound is worth twice as much to one, balance and equal parts give each half of what is left, even gains
    a third and two thirds."""
    found = al.settle(purse(2.0, 1.0), fallback=LAST_YEAR)
    assert gains(found, BALANCED) == pytest.approx([3e5, 1.5e5], abs=5)
    assert gains(found, PART) == pytest.approx([3e5, 1.5e5], abs=5)
    assert gains(found, EVEN) == pytest.approx([2e5, 2e5], abs=5)
    assert found.summary["gap"].max() < 1e-4


def test_two_divide_a_purse_along_a_root():
    """With nothing to begin with and gains of sqrt(x) / 2 against 1 - x, balance is at a third, equal parts where
    sqrt(x) is 1 - x, even gains where sqrt(x) / 2 is."""
    found = al.settle(curved(), fallback=LAST_YEAR)
    part, even = ((np.sqrt(5) - 1) / 2) ** 2, ((np.sqrt(17) - 1) / 4) ** 2
    for name, share in ((BALANCED, 1 / 3), (PART, part), (EVEN, even)):
        assert spent(found, name) == pytest.approx([1e6 * share, 1e6 * (1 - share)], abs=20)
    assert gains(found, EVEN)[0] == pytest.approx(gains(found, EVEN)[1], abs=5)


def test_only_even_gains_depend_on_the_unit():
    """Who counts a pound ten times as dear gets the same money by balance and by equal parts, and less by even
    gains."""
    plain, dear = (al.settle(purse(worth, 1.0), fallback=LAST_YEAR) for worth in (1.0, 10.0))
    for name in (BALANCED, PART):
        assert spent(dear, name) == pytest.approx(spent(plain, name), abs=5)
    assert spent(dear, EVEN)[0] < spent(plain, EVEN)[0] - 1e5


def test_weights():
    """Who counts twice gains twice as much by any of the three, and its preferred plan is the least change."""
    found = al.settle(purse(1.0, 1.0), fallback=LAST_YEAR, weights={"a": 2.0})
    for name in FAIR:
        assert gains(found, name) == pytest.approx([2e5, 1e5], abs=5)
    assert spent(found, LEAST_CHANGE) == pytest.approx([6e5, 3e5], abs=3)
    assert why(found)[MIDDLE] == SAME
    assert any("by weight" in said for said in found.sentences)


def test_least_change_by_hand():
    """Of three, of whom each would have all that is left, two do not want any line to rise: nothing rises; between two
    any split moves as little, and the one that buys most is taken."""
    found = al.settle(purse(1.0, 1.0, 1.0), fallback=LAST_YEAR)
    assert spent(found, LEAST_CHANGE) == pytest.approx([3e5] * 3, abs=3)
    assert found.settlements["away"].max() <= 3e5 + 5
    two = al.settle(curved(2.0), fallback=LAST_YEAR)
    assert spent(two, LEAST_CHANGE) == pytest.approx(spent(two, AGREED), abs=100)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5)), min_size=1, max_size=6))
def test_the_middle_is_a_weighted_median(pairs):
    """No amount is nearer to all, weights applied, than those from the least to the most of the middle."""
    amounts, weights = np.array(pairs, dtype=float).T
    low, high = middle(amounts, weights / weights.sum())
    away = {float(x): float(weights @ np.abs(amounts - x)) for x in (*range(21), low, high)}
    nearest = min(away.values())
    assert {x for x, far in away.items() if far <= nearest + 1e-9} == {x for x in away if low <= x <= high}


def test_what_all_agree_on():
    """Each line's least is agreed; the part of the money is that of all that is spent, and what differs most comes
    first."""
    found = al.settle(purse(1.0, 1.0), fallback=LAST_YEAR)
    assert found.agreed["least"].to_numpy() == pytest.approx([3e5, 3e5], abs=3)
    assert found.agreed["most"].to_numpy() == pytest.approx([6e5, 6e5], abs=3)
    assert found.alike == pytest.approx(6 / 9, abs=1e-4)
    assert any(said.startswith("You already agree on 66.6% of the money") for said in found.sentences)


# --- no for an answer -------------------------------------------------------------------------------------------------


def test_where_nobody_can_gain():
    """Where all money is spent already, one can gain only what another loses: that is said, and no way of being fair
    has a plan."""
    found = al.settle(purse(1.0, 1.0, left=0.0), fallback=LAST_YEAR)
    assert {name: reason for name, reason in why(found).items() if reason and name != MIDDLE} == dict.fromkeys(
        FAIR, NOBODY_GAINS
    )
    assert "nothing to settle" in found.sentences[0]
    assert any("Payments would not help" in said for said in found.sentences)


def test_where_no_plan_leaves_all_their_fallbacks():
    """Two who could each take all of a purse that nobody spends yet have no plan between them: everything is missing
    and says why."""
    found = al.settle(curved(), fallback="alone")
    assert set(why(found).values()) == {NO_PLAN}
    assert set(found.preferred["why"]) == {NO_PLAN}
    assert not len(found.settlements)
    assert not len(found.spend)
    assert not len(found.agreed)
    assert np.isnan(found.alike)
    assert NO_PLAN in found.sentences[0]
    assert any("Payments would not help" in said for said in found.sentences)


def test_where_only_one_can_gain():
    """Of two that each need all that is left or none of it, either gains but not both: balance has no plan, and the
    others give it to one."""
    lines = [line(name, f"shop-{name}", 0.0) | {"scale": 1e5, "high": 1e5} for name in "ab"]
    curves = [straight(f"shop-{name}", "service", 1.0) for name in "ab"]
    rows = [benefit(name, "service") for name in "ab"]
    found = al.settle(make(lines, curves, 1e5, {}, {"service": 1.0}, benefits=rows), fallback=LAST_YEAR)
    assert why(found)[BALANCED] == NOT_ALL_GAIN
    assert sorted(gains(found, EVEN)) == pytest.approx([0, 1e5], abs=2)
    assert any(NOT_ALL_GAIN in said for said in found.sentences)


def test_nobody_waits():
    """Once nobody wants more plans, those that are not found yet are missing, and say so."""
    told = []
    found = al.settle(
        purse(1.0, 1.0), fallback=LAST_YEAR, tick=lambda done, total: told.append((done, total)) or done < 3
    )  # fmt: skip
    assert told == [(0, 8), (1, 8), (2, 8), (3, 8)]
    assert why(found)[AGREED] == ""
    assert set(list(why(found).values())[1:]) == {STOPPED}
    assert list(found.preferred["why"]) == ["", ""]
    watch = al.Watch()
    watch.stop()
    stopped = al.settle(purse(1.0, 1.0), fallback=LAST_YEAR, watch=watch)
    assert set(why(stopped).values()) == {STOPPED}
    assert STOPPED in stopped.sentences[0]


def test_what_is_refused():
    """Weights are numbers above nothing of partners that decide, and the fallback is one that there is."""
    with pytest.raises(al.ScenarioError) as refused:
        al.settle(purse(1.0, 1.0), weights={"nobody": 1.0, "a": 0.0, "b": float("nan")})
    assert [problem.field for problem in refused.value.problems] == ["weights", "weights.a", "weights.b"]
    with pytest.raises(ValueError, match="'apart', 'last year', 'alone'"):
        al.settle(purse(1.0, 1.0), fallback="none")


# --- on any system ----------------------------------------------------------------------------------------------------


@settings(max_examples=4, deadline=None)
@given(systems((2, 3), everybody=True), st.sampled_from(["apart", LAST_YEAR]))
def test_each_is_the_best_of_its_kind(scenario, fallback):
    """On any system every plan is lawful and leaves nobody below its fallback, nobody has more than in the plan that it
    prefers, and each settlement is the best of all these plans by what it is found for."""
    found = al.settle(scenario, fallback=fallback)
    ground = Ground.of(scenario, fallback=fallback)
    table = Table.of(ground)
    least, spend = ground.fallback.payoffs, found.spend["spend"].to_numpy(dtype=float)
    plans = spend.reshape(-1, len(ground.problem.low))
    payoffs = np.array([ground.payoffs(replace(ground.fallback.stands, spend=each)) for each in plans])
    assert (payoffs >= least - found.noise).all()
    moved = replace(ground.fallback.stands, moved=np.zeros(len(ground.problem.route_high)))
    for each in plans:
        assert not breaches(table.lawful, replace(moved, spend=each), 1e-6)
    ideals = found.preferred["payoff"].to_numpy()
    assert (payoffs <= ideals + found.noise).all()
    hopes = ideals - least
    gain = hopes > np.maximum(10.0, 1e-5 * np.abs(least))
    rows = {name: k for k, name in enumerate(dict.fromkeys(found.settlements["settlement"]))}
    wanted = plans[len(rows) :]
    measures = {
        AGREED: [ground.problem.value(each) for each in plans],
        LEAST_CHANGE: [-np.abs(wanted - each).sum() for each in plans],
        EVEN: (payoffs - least)[:, gain].min(axis=1, initial=np.inf),
        PART: ((payoffs - least) / np.maximum(hopes, 1.0) * hopes.max())[:, gain].min(axis=1, initial=np.inf),
        BALANCED: np.exp(np.log(np.maximum(payoffs - least, 1e-3))[:, gain].mean(axis=1)) if gain.any() else [],
    }
    slack = {AGREED: 1e-3, LEAST_CHANGE: 1e-5 * plans.sum(axis=1).max()}
    for name, measure in measures.items():
        if name in rows:
            assert measure[rows[name]] >= max(measure) - slack.get(name, 3 * found.noise)


@settings(max_examples=3, deadline=None)
@given(systems((2, 2), everybody=True))
def test_nothing_is_left_over(scenario):
    """On any system no plan lands more on somebody, and less on nobody, than any of the three fair settlements."""
    found = al.settle(scenario, fallback=LAST_YEAR)
    ground = Ground.of(scenario, fallback=LAST_YEAR)
    table = Table.of(ground)
    hopes = found.preferred["gain"].to_numpy()
    who = [k for k in table.floored if hopes[k] > 1e3]
    for name in FAIR:
        mine = found.settlements[found.settlements["settlement"] == name]
        if not len(mine):
            continue
        payoffs = mine["payoff"].to_numpy()
        floored = with_floors(table.lawful, ground.benefits, payoffs - found.noise, table.floored)
        around = ground.problem.curves.effort(np.array(spent(found, name)))
        for k in who:
            wanted = replace(floored, weight=ground.benefits.worth[k], around=around)
            most = best(wanted, ground.options, Watch(), itself, settle=False)
            # Beside what the pounds that the others may have less here bring it.
            assert most.certificate.value <= payoffs[k] + 1e-3 * hopes.max() + 200 * found.noise


def test_names_make_no_difference():
    """Partners by other names, and in another order, settle on the same."""
    here, there = (al.settle(purse(*worths, names=names), fallback=LAST_YEAR)
                   for worths, names in (((2.0, 1.0), "ab"), ((1.0, 2.0), "yz")))  # fmt: skip
    for name in FAIR:
        assert gains(here, name) == pytest.approx(gains(there, name)[::-1], abs=3)


def test_tables_and_words():
    """Every table has its columns for every settlement and partner, every settlement its sentence and method, and no
    sentence the words of a textbook."""
    found = al.settle(purse(2.0, 1.0))
    assert list(found.tables()) == ["preferred", "settlements", "summary", "spend", "agreed"]
    assert list(found.summary["settlement"]) == list(MEANS)
    assert found.certified
    said = " ".join(found.sentences).lower()
    for word in ("nash", "kalai", "leximin", "dual", "equilibrium", "median"):
        assert word not in said
    for name in found.settlements["settlement"].unique():
        assert name in said
