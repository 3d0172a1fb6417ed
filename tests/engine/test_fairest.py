"""The fairest plan: answers by hand and in closed form, the degenerate cases, the certificate, what is given up."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

import allocate as al
from allocate.scenario.curves import Curves
from tests.conftest import SCENARIOS
from tests.engine.aiming import PLACES, aim, mixed, places, spent, straight, tail
from tests.engine.making import make

MONEY = 1e9
HALF = {"part": 0.5, "weight": 1.0}
QUARTER, ALL = {"part": 0.25, "weight": 1.0}, {"part": 1.0, "weight": 1.0}
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("balanced", {"strength": 0.5}), ("balanced", {"strength": 1.0}), ("balanced", {"strength": 2.0}),
    ("balanced", {"strength": 10.0}), ("worst-off", {"part": 0.0}), ("worst-off", {"part": 0.2}), ("bottom-up", {}),
    ("weighted", {"aversion": 2.0}), ("tails", {"tails": [{"part": 0.2, "weight": 2.0}, HALF, ALL]}),
]  # fmt: skip
SOME = [KINDS[1], *KINDS[5:]]


def told(found: tuple[str, dict[str, Any]]) -> str:
    return "-".join([found[0], *(f"{value}" for value in found[1].values() if isinstance(value, float))])


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "fields", "parts"), [
    # A person gains s x / n, so x is as n s^(1/strength - 1).
    ("balanced", {"strength": 0.0}, (1, 0)),
    ("balanced", {"strength": 0.5}, (12, 1)),
    ("balanced", {"strength": 1.0}, (3, 1)),
    ("balanced", {"strength": 2.0}, (1.5, 1)),
    ("balanced", {"strength": 10.0}, (3 * 4**-0.9, 1)),
    # Gains are even where x is as n / s.
    ("worst-off", {"part": 0.0}, (0.75, 1)),
    ("worst-off", {"part": 0.2}, (0.75, 1)),
    ("bottom-up", {}, (0.75, 1)),
    # Of the worst-off half as many live in a as in b, where a pound gains a person of a 4/3 of what it does one of b.
    ("worst-off", {"part": 0.5}, (1, 0)),
    ("worst-off", {"part": 1.0}, (1, 0)),
    # Need counts 4 (0.8 / 1.3)^aversion for a, to 1 for b: 1.51, then 0.93.
    ("weighted", {"aversion": 0.0}, (1, 0)),
    ("weighted", {"aversion": 2.0}, (1, 0)),
    ("weighted", {"aversion": 3.0}, (0, 1)),
    # The worst-off quarter is b: 0.625 to 0.5 for a pound in b until gains are even, then 0.4375 to 0.75.
    ("tails", {"tails": [QUARTER, ALL]}, (0.75, 1)),
    ("tails", {"tails": [QUARTER, ALL | {"weight": 3.0}]}, (1, 0)),
    # Half of what each could have at best (Kalai and Smorodinsky); Nash's bargain does not see in what each counts.
    ("bottom-up", {"view": "own-best"}, (1, 1)),
    ("worst-off", {"part": 0.0, "view": "own-best"}, (1, 1)),
    ("balanced", {"strength": 1.0, "view": "own-best"}, (3, 1)),
    ("balanced", {"strength": 1.0, "view": "level"}, (3, 1)),
    ("balanced", {"strength": 2.0, "view": "spend"}, (3, 1)),
    ("bottom-up", {"view": "spend"}, (3, 1)),
    ("bottom-up", {"view": "spend", "by": "need"}, (24, 13)),
    ("bottom-up", {"by": "need"}, (6, 13)),
])  # fmt: skip
def test_two_places_by_hand(kind, fields, parts):
    """Two places gain 4 and 1 a thousand pounds, for 3,000 and 1,000 people: money is parted as the formula says."""
    plan = al.solve(places(straight(4e-3, 1e-3), [3000, 1000], MONEY, aim(kind, **fields), need=[2400, 1300]))
    assert spent(plan) == pytest.approx(MONEY * np.array(parts) / sum(parts), abs=200)
    assert plan.aim.gap < 1e-6
    assert plan.certified


def test_the_most_is_the_default():
    """Without an aim all goes where it gains most; with one that gives up nothing worth the name, as good as all."""
    most = al.solve(places(straight(4e-3, 1e-3), [3000, 1000], MONEY))
    assert spent(most).tolist() == [MONEY, 0]
    assert most.aim is None
    assert most.given_up == 0.0
    near = al.solve(places(straight(4e-3, 1e-3), [3000, 1000], MONEY, aim("bottom-up", give_up=0.0)))
    assert near.value >= most.value * (1 - 1.1e-5)
    assert near.aim.value == pytest.approx(most.value)


@pytest.mark.parametrize(("view", "spend"), [
    # By hand: 4 (x - 0.4) / 3 = (y - 0.4) / 1 and x + y = 1; then 4 x / 3 = y; then x is 24 / 37 by need.
    ("gain", 0.4 + 0.2 * 3 / 7), ("level", 3 / 7), ("fair-share", 24 / 37), ("spend", 3 / 4),
])  # fmt: skip
def test_what_is_had_today_counts_by_the_view(view, spend):
    """From two baselines of two fifths, the lowest is raised from there, from nothing, by need, or by heads."""
    lines = [{"baseline": 0.4 * MONEY}] * 2
    rules = aim("bottom-up", view=view)
    plan = al.solve(places(straight(4e-3, 1e-3), [3000, 1000], MONEY, rules, [2400, 1300], lines))
    assert spent(plan)[0] == pytest.approx(spend * MONEY, abs=100)
    assert plan.aim.gap < 1e-6


@pytest.mark.parametrize(("kind", "fields", "parts"), [
    ("balanced", {"strength": 0.5}, (9, 4, 1)),
    ("balanced", {"strength": 1.0}, (1, 1, 1)),
    ("balanced", {"strength": 2.0}, (3**-0.5, 2**-0.5, 1)),
    ("worst-off", {"part": 0.0}, (1 / 3, 1 / 2, 1)),
    ("bottom-up", {}, (1 / 3, 1 / 2, 1)),
    ("bottom-up", {"view": "own-best"}, (1, 1, 1)),
])  # fmt: skip
def test_three_places_by_hand(kind, fields, parts):
    """Three places of 1,000 people that gain 3, 2 and 1 a thousand pounds; at 0.5 gains are as their squares."""
    parts = np.array([3, 2, 1]) if (kind, fields.get("strength")) == ("balanced", 0.5) else np.array(parts)
    plan = al.solve(places(straight(3e-3, 2e-3, 1e-3), [1000] * 3, MONEY, aim(kind, **fields)))
    assert spent(plan) == pytest.approx(MONEY * parts / parts.sum(), abs=100)


# --- degenerate ladders -----------------------------------------------------------------------------------------------


def linked(links: list[tuple[str, float]], count: int, money: float = 1e10, **fields: Any) -> al.Scenario:
    """Places of 1,000 people that gain 1 a thousand pounds, where those named in a link have so much at most between
    them: the network of Mo and Walrand, with places for routes."""
    rules = {
        f"link-{k}": {"kind": "cap", "amount": capacity, "where": {"places": list(names)}}
        for k, (names, capacity) in enumerate(links)
    }
    return places(straight(*[1e-3] * count), [1000.0] * count, money, rules | aim(**{"kind": "bottom-up"} | fields))


@pytest.mark.parametrize(("links", "expected"), [
    # b can rise by one per cent above a, and c by as much as it likes: to hold all that stand at 5 is wrong.
    ([("a", 5.0), ("b", 5.05), ("c", 9.0)], (5, 5.05, 9)),
    ([("ab", 10.0), ("bc", 10.1), ("cd", 10.1)], (5, 5, 5.05, 5.05)),
    ([("ab", 10.0), ("ac", 30.0)], (5, 5, 25)),
    ([("ab", 10.0), ("bc", 12.0)], (5, 5, 7)),
    ([("abc", 15.0), ("ad", 10.0), ("be", 10.1), ("cf", 40.0)], (5, 5, 5, 5, 5.1, 35)),
    # Two links that hold the same places alike, and one that holds nobody.
    ([("ab", 10.0), ("ab", 10.0), ("abc", 60.0)], (5, 5, 50)),
])  # fmt: skip
def test_what_merely_stands_at_a_level_stays_free(links, expected):
    """Only what a price proves is held on a rung; the rest goes on, one per cent or tenfold."""
    links = [(names, capacity * 1e7) for names, capacity in links]
    plan = al.solve(linked(links, len(expected)))
    assert spent(plan) == pytest.approx(np.array(expected) * 1e7, abs=30)


def leximin(caps: np.ndarray, most: np.ndarray) -> np.ndarray:
    """The leximin of x >= 0 with caps x <= most: rung by rung, holding a place only where it alone cannot be raised."""
    count = caps.shape[1]
    level, free = np.zeros(count), np.ones(count, dtype=bool)
    while free.any():
        rung = np.column_stack([-np.eye(count), free.astype(float)])
        rows = np.vstack([np.column_stack([caps, np.zeros(len(caps))]), rung])
        top = linprog([0.0] * count + [-1.0], rows, np.append(most, np.where(free, 0.0, -level))).x[-1]
        held = np.where(free, top, level) - 1e-9
        for k in np.flatnonzero(free):
            alone = linprog(-np.eye(count)[k], caps, most, bounds=[(low, None) for low in np.maximum(held, 0)])
            if -alone.fun <= top + 1e-7:
                free[k], level[k] = False, top
    return level


@settings(max_examples=6)
@given(st.integers(0, 2**20))
def test_ladders_of_degenerate_networks(seed):
    """On networks of few capacities, where much ties, the ladder ends where trying every place alone does."""
    rng = np.random.default_rng(seed)
    caps = (rng.random((5, 5)) < 0.5).astype(float)
    caps = np.vstack([caps[caps.any(axis=1)], np.ones(5)])
    most = np.append(rng.integers(1, 4, len(caps) - 1) * 1.0, 20.0)
    names = ["".join(PLACES[k] for k in np.flatnonzero(row)) for row in caps]
    plan = al.solve(linked([(name, cap * 1e8) for name, cap in zip(names, most, strict=True)], 5))
    assert np.sort(spent(plan)) == pytest.approx(np.sort(leximin(caps, most)) * 1e8, abs=50)


# --- closed forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0])
@pytest.mark.parametrize(("count", "heads"), [(2, 1000.0), (4, 5000.0)])
def test_bandwidth_is_shared_in_closed_form(strength, count, heads):
    """A long route over L links of capacity C, with a short one over each, gets C n / (n + L^(1/strength)) where it
    serves n times the people of each short one (Mo and Walrand 2000; Massoulié and Roberts 2002)."""
    capacity, names = 1e8, PLACES[1 : count + 1]
    rules = {f"link-{n}": {"kind": "cap", "amount": capacity, "where": {"places": ["a", n]}} for n in names}
    people = [heads, *[1000.0] * count]
    aimed = places(straight(*[1e-3] * (count + 1)), people, 1e9, rules | aim("balanced", strength=strength))
    plan, n = al.solve(aimed), heads / 1000
    long = capacity * n / (n + count ** (1 / strength))
    assert spent(plan) == pytest.approx([long, *[capacity - long] * count], abs=100)
    assert plan.aim.gap < 1e-6
    assert plan.certified


def test_the_ends_of_bandwidth_sharing():
    """The most benefit leaves the long route nothing; from the bottom up it gets half, whatever the links."""
    links = [(f"a{name}", 1e8) for name in "bcde"]
    assert spent(al.solve(linked(links, 5).change({"rules.aim": None})))[0] == 0
    assert spent(al.solve(linked(links, 5))).tolist() == pytest.approx([5e7] * 5, abs=2)


# --- what is given up -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.0, 0.02, 0.1, 0.3])
def test_no_more_is_given_up_than_may_be(part):
    """Two places gain 2 and 1 a thousand pounds: to give up g of 2 buys b 2 g of the money, until both are even."""
    plan = al.solve(places(straight(2e-3, 1e-3), [1000, 1000], MONEY, aim("bottom-up", give_up=part)))
    # Nearer than a hundred-thousandth no aim is weighed.
    assert spent(plan)[1] == pytest.approx(2 * max(part, 1e-5) * MONEY, abs=20)
    assert plan.given_up == pytest.approx(max(part, 1e-5), abs=2e-8)
    even = al.solve(places(straight(2e-3, 1e-3), [1000, 1000], MONEY, aim("bottom-up", give_up=0.9)))
    assert spent(even)[1] == pytest.approx(MONEY * 2 / 3, abs=20)
    assert even.given_up == pytest.approx(1 / 3, abs=1e-8)


@pytest.mark.parametrize("kind", SOME, ids=told)
def test_giving_up_less_is_never_fairer(kind):
    """As less may be given up the score only falls; the total is never below what was to be kept, nor above the most,
    and what is given up, recomputed from spend, is what the plan says."""
    curves, reached = None, []
    for part in (None, 0.1, 0.005):
        scenario = mixed(4, 6, MONEY, aim(kind[0], **kind[1], view="level", give_up=part))
        plan = al.solve(scenario)
        curves = Curves.of(scenario) if curves is None else curves
        gained, today = (
            curves.gain(curves.effort(plan.spend[name].to_numpy())).sum() for name in ("spend", "baseline")
        )
        most = plan.aim.value
        assert most - gained >= -1e-6 * most
        assert plan.given_up == pytest.approx((most - gained) / (most - today), abs=1e-9)
        assert part is None or plan.given_up <= part + 1e-7
        reached.append(plan.aim.reached)
    assert (np.diff(reached) <= 1e-7 * reached[0]).all()


# --- the certificate --------------------------------------------------------------------------------------------------


def score(kind: str, fields: dict[str, Any], values: np.ndarray, people: np.ndarray, need: np.ndarray) -> float:
    """The score of values, from the words of the aim."""
    parts = people / people.sum()
    if kind == "balanced":
        power = 1 - fields["strength"]
        return float(np.exp(parts @ np.log(values)) if power == 0 else (parts @ values**power) ** (1 / power))
    if kind == "weighted":
        weights = people * (need / people) ** fields["aversion"]
        return float(weights @ values / weights.sum())
    if kind == "tails":
        return sum(each["weight"] * tail(values, people, each["part"]) for each in fields["tails"]) / sum(
            each["weight"] for each in fields["tails"]
        )
    return float(values.min()) if not fields.get("part") else tail(values, people, fields["part"])


def figures(scenario: al.Scenario) -> tuple[np.ndarray, np.ndarray]:
    table = scenario.places.set_index("id")
    return table["population"].to_numpy(dtype=float), table["need"].to_numpy(dtype=float)


def solved_apart(scenario: al.Scenario, kind: str, fields: dict[str, Any]) -> float:
    """The best score over spending of all the money, by SciPy's SLSQP, from several starts. The lowest values are
    worths under a tail, each of them a limit: a smooth problem."""
    curves, (people, need) = Curves.of(scenario), figures(scenario)
    high = np.minimum(scenario.lines["high"].to_numpy(dtype=float), MONEY) / MONEY
    parts, count = people / people.sum(), len(people)
    tails = {"worst-off": [(fields.get("part", 0.0), 1.0)], "bottom-up": [(0.0, 1.0)]}.get(
        kind, [(each["part"], each["weight"]) for each in fields.get("tails", [])]
    )
    unit = float((curves.gain(MONEY * high / high.sum()) / people).mean())

    def values(x: np.ndarray) -> np.ndarray:
        return curves.gain(MONEY * np.maximum(x[:count], 1e-9)) / people / unit

    # Beyond spending: an edge for each tail, and how far each place is below it.
    def aimed(x: np.ndarray) -> float:
        if not tails:
            return -score(kind, fields, values(x), people, need)
        more = x[count:].reshape(len(tails), count + 1)
        means = [edge - (parts @ short / part if part else 0.0)
                 for (part, _), (edge, *short) in zip(tails, more, strict=True)]  # fmt: skip
        return -sum(mean * weight for mean, (_, weight) in zip(means, tails, strict=True)) / sum(w for _, w in tails)

    def rows(x: np.ndarray) -> np.ndarray:
        more = x[count:].reshape(len(tails), count + 1)
        return np.concatenate([values(x) + each[1:] - each[0] for each in more])

    limits = [{"type": "ineq", "fun": lambda x: 1 - x[:count].sum()}]
    limits += [{"type": "ineq", "fun": rows}] if tails else []
    begin = high / high.sum()
    ends = [(1e-6, float(end)) for end in high]
    ends += [end for part, _ in tails for end in [(0.0, None), *[(0.0, None if part else 0.0)] * count]]
    start = np.concatenate([begin, *([values(begin).min()] + [0.0] * count for _ in tails)])
    found = minimize(aimed, start, bounds=ends, constraints=limits, method="SLSQP",
                     options={"ftol": 1e-12, "maxiter": 500})  # fmt: skip
    x = np.minimum(found.x[:count], high) / max(1.0, found.x[:count].sum())
    return score(kind, fields, values(x), people, need) * unit


@pytest.mark.parametrize(("seed", "kind"), list(enumerate(KINDS)), ids=map(told, KINDS))
def test_the_bound_brackets_an_independent_solver(kind, seed):
    """What SLSQP reaches is never above the bound, and hardly ever above what the plan reaches."""
    scenario = mixed(seed, 5, MONEY, aim(kind[0], **kind[1], view="level"))
    plan, apart = al.solve(scenario), solved_apart(scenario, *kind)
    assert apart <= plan.aim.bound * (1 + 1e-9)
    assert apart == pytest.approx(plan.aim.reached, rel=2e-4)
    assert plan.aim.reached >= apart * (1 - 1e-6)
    assert plan.aim.gap <= (2e-5 if kind[0] == "tails" else 1e-5)


@pytest.mark.parametrize("view", ["gain", "level", "spend", "fair-share", "own-best"])
@pytest.mark.parametrize("kind", SOME, ids=told)
def test_every_number_is_recomputed_from_spend(kind, view):
    """What the aim reached is its score of what places have, from whole pounds and exact curves; the bound is above it,
    and the floors that the plan shows are what those places have."""
    scenario = mixed(3, 4, MONEY, aim(kind[0], **kind[1], view=view))
    plan, (people, need) = al.solve(scenario), figures(scenario)
    curves, lines = Curves.of(scenario), scenario.lines
    pounds, today = plan.spend["spend"].to_numpy(), lines["baseline"].to_numpy()
    gain, before = curves.gain(curves.effort(pounds)), curves.gain(curves.effort(today))
    heads = need if view == "fair-share" else people
    if view == "own-best":
        # By itself a place spends to its line's end.
        best = curves.gain(curves.effort(np.minimum(lines["high"].to_numpy(dtype=float), MONEY))) - before
        values = (gain - before) / best
    else:
        values = {
            "gain": (gain - before) / people, "level": gain / people, "spend": pounds / people,
            "fair-share": pounds / (pounds.sum() * need / need.sum()),
        }[view]  # fmt: skip
    expected = score(*kind, values, heads, need * heads / people if view == "fair-share" else need)
    if (kind[0], view) != ("weighted", "fair-share"):
        assert plan.aim.reached == pytest.approx(expected, rel=1e-7)
    assert plan.aim.bound >= plan.aim.reached * (1 - 1e-12)
    assert plan.aim.gap <= 1e-5
    held = plan.limits[plan.limits["rule"] == "aim"].set_index("part")["amount"]
    amounts = dict(zip(PLACES, pounds if view in ("spend", "fair-share") else gain, strict=False))
    assert all(amount == pytest.approx(amounts[place], rel=1e-9) for place, amount in held.items())


@pytest.mark.parametrize("view", ["level", "gain"])
@pytest.mark.parametrize("kind", KINDS, ids=told)
def test_twenty_places_are_certified(kind, view):
    """Twenty places with curves of three shapes: every aim is within a hundred-thousandth of what no plan exceeds."""
    plan = al.solve(mixed(1, 20, MONEY, aim(kind[0], **kind[1], view=view)))
    assert 0 <= plan.aim.gap <= 1e-5


# --- properties -------------------------------------------------------------------------------------------------------


@settings(max_examples=2)
@given(st.integers(0, 2**20), st.sampled_from(["level", "gain"]))
@pytest.mark.parametrize("kind", KINDS, ids=told)
def test_to_split_or_rename_places_changes_nothing(kind, seed, view):
    """A place in two halves, each with half its people and half of what its money buys, and other names for all: no
    aim's score changes."""
    rules = aim(kind[0], **kind[1], view=view)
    whole = al.solve(mixed(seed, 3, MONEY, rules))
    for other in (mixed(seed, 3, MONEY, rules, split=True), mixed(seed, 3, MONEY, rules, names="xaq")):
        assert al.solve(other).aim.reached == pytest.approx(whole.aim.reached, rel=3e-6)


@pytest.mark.parametrize("kind", SOME, ids=told)
def test_what_money_is_counted_in_changes_nothing(kind):
    """Ten times the pounds for the same outcome: the same score of gains, and each place has the same part of all."""
    rules = aim(kind[0], **kind[1], view="level")
    one, ten = (al.solve(mixed(5, 4, money, rules)) for money in (MONEY, 10 * MONEY))
    assert ten.aim.reached == pytest.approx(one.aim.reached, rel=1e-6)
    assert ten.aim.gap <= 1e-5
    assert spent(ten) / 10 == pytest.approx(spent(one), abs=2e-3 * MONEY)


# --- yes or no --------------------------------------------------------------------------------------------------------


def projects(seed: int, rules: dict[str, dict[str, Any]]) -> tuple[al.Scenario, np.ndarray, np.ndarray, float]:
    """Three places with two projects each, done whole or not at all; costs, gains for each person, and the money."""
    rng = np.random.default_rng(seed)
    cost, gain = rng.integers(2, 9, 6) * 1e6, rng.integers(1, 9, 6) * 1e3
    keys = [{"place": PLACES[k // 2], "programme": ("care", "halls")[k % 2]} for k in range(6)]
    lines = [key | {"scale": float(c), "high": float(c)} for key, c in zip(keys, cost, strict=True)]
    curves = [key | {"shape": "linear", "slope": float(g / c)} for key, g, c in zip(keys, gain, cost, strict=True)]
    money = float(round(cost.sum() * 0.6))
    return make(lines, curves, money, rules), cost, gain / 1e3, money


@pytest.mark.parametrize("seed", range(4))
def test_choices_from_the_bottom_up(seed):
    """With projects done whole or not at all, what places end with is the best by brute force: lowest first, then the
    next, and as much as can be then."""
    scenario, cost, gain, money = projects(seed, aim("bottom-up", view="level"))
    plan = al.solve(scenario)
    options = [np.array(each) for each in itertools.product((0, 1), repeat=6) if np.array(each) @ cost <= money]
    best = max(tuple(np.sort((each * gain).reshape(3, 2).sum(axis=1))) for each in options)
    reached = plan.gains.groupby("place")["gain"].sum().to_numpy() / 1e3
    assert np.sort(reached) == pytest.approx(best, abs=1e-9)
    assert plan.aim.reached == pytest.approx(best[0])


@pytest.mark.parametrize("kind", [("worst-off", {"part": 0.5}), ("balanced", {"strength": 2.0})], ids=told)
def test_choices_by_other_aims(kind):
    """With projects done whole or not at all, the score is the best of all by brute force."""
    scenario, cost, gain, money = projects(7, aim(kind[0], **kind[1], view="level"))
    plan, heads = al.solve(scenario), np.full(3, 1000.0)
    options = [np.array(each) for each in itertools.product((0, 1), repeat=6) if np.array(each) @ cost <= money]
    values = [(each * gain).reshape(3, 2).sum(axis=1) for each in options]
    best = max(score(*kind, each, heads, heads) for each in values if kind[0] != "balanced" or each.min() > 0)
    assert plan.aim.reached == pytest.approx(best, rel=1e-6)
    assert plan.aim.bound >= best * (1 - 1e-9)


@pytest.mark.parametrize("kind", ["start", "either", "moves", "prerequisite"])
def test_beside_a_rule_of_yes_or_no(kind, tiny):
    """An aim and a rule that owns a choice, in one book: the plan keeps both, and scores no more than without it."""
    north, south = ({"programmes": ["prevention"], "places": [name]} for name in ("north", "south"))
    rule = {"owner": "board", "kind": kind} | {
        "start": {"where": south, "amount": 42_000.0},
        "either": {"where": north, "amount": 65_000.0, "other": south, "other_amount": 90_000.0},
        "moves": {"at_most": 3},
        "prerequisite": {"where": {"programmes": ["care"], "places": ["south"]}, "needs": north, "amount": 65_000.0},
    }[kind]
    alone = tiny.change({"rules.aim": {"kind": "bottom-up", "owner": "board", "give_up": 0.05}})
    plan = al.solve(alone.change({"rules.example": rule}))
    assert plan.aim.reached <= al.solve(alone).aim.bound * (1 + 1e-6) + 1e-9
    assert plan.given_up <= 0.05 + 1e-6
    assert set(plan.limits["rule"]) >= {"example"} - ({"example"} if kind == "moves" else set())


# --- real systems -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("view", "kind"), [("spend", "bottom-up"), ("gain", "worst-off")])
def test_a_real_system(view, kind, system):
    """Coventry and Warwickshire with two per cent to give up: kept to whole pounds, certified, fairer than the most."""
    rules = {"rules.aim": {"kind": kind, "owner": "icb", "view": view, "give_up": 0.02}}
    plan = al.solve(system.scenario.change(rules))
    assert plan.aim.gap <= 1e-4
    assert plan.certificate.gap <= 1e-4
    assert 0 <= plan.given_up <= 0.02 + 1e-6
    assert plan.aim.value == pytest.approx(system.value, rel=1e-6)
    assert plan._solved.whole


def test_the_largest_shipped_system_in_time():
    """Greater Manchester from the bottom up, on spending, with a twentieth to give up, is done and nearly exact."""
    base = al.read(SCENARIOS / "greater-manchester")
    rules = {"kind": "bottom-up", "owner": base.partners["id"].iloc[0], "view": "spend", "give_up": 0.05}
    plan = al.solve(base.change({"rules.aim": rules}))
    assert np.isfinite(plan.aim.bound)
    assert plan.aim.gap <= 1e-4
    assert plan.given_up <= 0.05 + 1e-6


def test_a_rule_that_must_bend_bends_for_an_aim_as_well():
    """A cap that a floor bends leaves an aim as much room as the plan of most benefit takes: it is no clash, and the
    fairest plan has all that room."""
    places = [{"place": name, "programme": "care", "baseline": spent} for name, spent in (("a", 3e5), ("b", 5e5))]
    curves = [
        {"place": name, "programme": "care", "shape": "power", "slope": slope, "reference": about, "exponent": 0.5}
        for name, slope, about in (("a", 0.002, 1e5), ("b", 0.001, 5e5))
    ]
    rules = {
        "cap": {"kind": "cap", "amount": 2e5, "where": {"places": ["a"]}, "standing": "agreed",
                "bends": [{"price": 100.0}]},
        "least": {"kind": "floor", "amount": 3e5, "where": {"places": ["a"]}},
        "aim": {"kind": "worst-off", "view": "spend"},
    }  # fmt: skip
    scenario = make(places, curves, 9e5, rules)
    plan, most = al.solve(scenario), al.solve(scenario.change({"rules.aim.in_force": False}))
    assert plan.certified
    assert plan.by("place")["spend"].iloc[0] == pytest.approx(most.by("place")["spend"].iloc[0], abs=2)
    assert most.limits.set_index("rule")["bent"]["cap"] > 1e5
