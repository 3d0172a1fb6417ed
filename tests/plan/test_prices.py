"""The price list: slack, worth, whole cost and who pays it, for every rule in force of whatever kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import allocate as al
from allocate.engine.optimum import Options
from allocate.engine.piece import Clash, Solved, solved_whole
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from allocate.plan.easing import step_of, worth_of_easing
from allocate.plan.margins import view_of
from allocate.plan.prices import (
    CHOICES,
    EFFECT_COLUMNS,
    NEEDED,
    NO_MONEY,
    NOT_SOLVED,
    ROOM,
    SOLVED,
    TABLE_COLUMNS,
    prices,
)
from allocate.plan.trying import in_force, noise_of, without
from tests.conftest import SCENARIOS
from tests.engine.making import make
from tests.engine.test_oracle import random_curve
from tests.plan.test_trying import Counted
from tests.rules.examples import EXAMPLES


@pytest.fixture(scope="module")
def package() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "health-benefits-package"))


@pytest.fixture(scope="module")
def ballot() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "participatory-budget"))


@pytest.fixture(scope="module")
def listed(system):
    """The price list of a real system."""
    return prices(system)


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_price_list_of_tiny(plan):
    """The floor costs 1.4764 years in all and 0.296 a thousand pounds at the margin; the band has room and costs
    nothing, and is not solved without."""
    solver = Counted()
    found = al.prices(plan, solve=solver)
    table = found.table
    assert list(table.columns) == TABLE_COLUMNS
    assert list(table["id"]) == ["prevention-north", "steady-care"]
    assert table["owner"].tolist() == ["council", "trust"]
    assert table["cost"].tolist() == pytest.approx([1.4764, 0.0], abs=1e-4)
    assert table["worth"].tolist() == pytest.approx([0.29627, 0.0], abs=1e-5)
    assert table["slack"].tolist() == ["none", "£25,000"]
    assert table["room"].tolist() == [0.0, 25e3]
    assert set(table["unit"]) == {"£"}
    assert table["how"].tolist() == [SOLVED, ROOM]
    assert (table["helps"][0], table["costs"][0]) == ("North", "South")
    assert solver.times == 1
    assert found.sentences == [
        "Spending on Prevention in North must be at least £60,000. No room is left. Easing it by £1,000 is worth 0.296 "
        "years. Without it the plan would buy 1.48 years more.",
        "For each line, spending on Care must not fall by more than 5% or rise by more than 50% from the baseline. "
        "Room left: £25,000. Without it the plan would be the same.",
    ]


def test_effects_are_tidy(plan):
    """Who pays and who gains stands one row a partner or place, in pounds and in outcome: by hand, £10,000 from South
    to North."""
    effects = prices(plan).effects
    assert list(effects.columns) == EFFECT_COLUMNS
    places = effects[effects["who"] == "place"].set_index("id")
    assert places["difference"].to_dict() == {"north": 10e3, "south": -10e3}
    # By hand: 0.02 years for the root of a pound, in North over 50,000 and in South over 40,000 without the floor.
    assert places["outcome"].sum() == pytest.approx(-1.4764, abs=1e-4)
    assert effects[effects["who"] == "partner"]["outcome"].tolist() == pytest.approx([-1.4764], abs=1e-4)


def test_a_rule_that_only_opens_a_route_brings_what_it_costs_to_close(tiny):
    """A rule with no limit at all has its price too: taking it away lowers the aim, and easing it is worth what money
    buys more at the far end of the route."""
    example = next(each for each in EXAMPLES if each.kind == "open")
    scenario = example.ground(tiny).change({
        "rules.example": dict(example.fields), "envelopes.grant.amount": 90e3, "rules.prevention-north": None,
        "curves.north.prevention.health.2026/27.ceiling": "x5",
    })  # fmt: skip
    plan = al.solve(scenario)
    row = prices(plan).table.set_index("id").loc["example"]
    closed = al.solve(scenario.change({"rules.example.in_force": False}))
    more = al.solve(scenario.change({"rules.example.amount": 11_000.0}))
    assert row["cost"] == pytest.approx(closed.value - plan.value)
    assert row["cost"] < 0
    assert row["slack"] == "none"
    assert row["asks"] == "£100"
    assert 10 * row["worth"] == pytest.approx(more.value - plan.value, rel=0.03)
    assert without(plan, "example").sentences[0].endswith("less.")


@pytest.mark.parametrize(("first", "bent", "rel"), [(260.0, 1_211.0, 1e-3), (100.0, 5_000.0, 0.15)])
def test_a_rule_that_bends(tiny, first, bent, rel):
    """A floor that is bent says by how much, its room is below nothing, and easing it is worth the price of the band
    that it is in, or at a corner what that much more prevention in South buys."""
    bands = [{"by": 5_000, "price": first}, {"price": 500}]
    scenario = tiny.change({"rules.prevention-north": {
        "kind": "floor", "owner": "council", "amount": 60e3, "bends": bands,
        "where": {"programmes": ["prevention"], "places": ["north"]},
    }})  # fmt: skip
    plan = al.solve(scenario)
    row = prices(plan).table.set_index("id").loc["prevention-north"]
    assert row["slack"] == f"bent by £{bent:,.0f}"
    assert row["room"] == -bent
    eased = al.solve(scenario.change({"rules.prevention-north.amount": 59e3}))
    assert row["worth"] == pytest.approx(eased.value - plan.value, rel=rel)
    free = al.solve(scenario.change({"rules.prevention-north.in_force": False}))
    assert row["cost"] == pytest.approx(free.value - plan.value)


def test_rules_that_hold_together():
    """Two floors on the same line: taking either away alone changes nothing, and both together are priced."""
    lines = [{"place": place, "programme": "x"} for place in "ab"]
    curves = [{"place": "a", "programme": "x", "shape": "linear", "slope": 2e-3},
              {"place": "b", "programme": "x", "shape": "linear", "slope": 1e-3}]  # fmt: skip
    rules = {name: {"kind": "floor", "where": {"places": ["b"]}, "amount": 40e3} for name in ("one", "two")}
    found = prices(al.solve(make(lines, curves, 100e3, rules)))
    table = found.table.set_index("id")
    assert table["cost"].tolist() == [0.0, 0.0]
    assert table["worth"].tolist() == [0.0, 0.0]
    assert table["together"].to_dict() == {"one": "two", "two": "one"}
    assert table["cost_together"].tolist() == pytest.approx([40.0, 40.0])
    assert found.sentence("one").endswith(
        "It holds together with “Two”: without all of them the plan would buy 40 units more."
    )


def test_parts_of_one_rule_that_hold_one_another(tiny):
    """Where every line is kept, one line eased alone has no money to rise on: the rule is priced with all of its parts
    eased, as solving again with that much more movement finds."""
    still = {"envelopes.core": 800e3, "envelopes.grant": 90e3, "rules.prevention-north": None,
             "rules.steady-care.down": 0.0, "rules.steady-care.up": 0.0}  # fmt: skip
    plan = al.solve(tiny.change(still))
    row = prices(plan).table.iloc[0]
    pace = {"rules.steady-care.down": 100 / 300e3, "rules.steady-care.up": 100 / 300e3}
    assert row["asks"] == "£100 in each part"
    assert row["worth"] == pytest.approx(al.solve(tiny.change(still | pace)).value - plan.value, rel=1e-3)


# --- on shipped scenarios --------------------------------------------------------------------------------------------


def test_what_is_not_solved_would_have_cost_nothing(package, plan):
    """Rules that are skipped because they have room are worth nothing when they are solved without after all."""
    for each in (plan, package):
        table = prices(each).table.set_index("id")
        for rule in table.index[table["how"] == ROOM]:
            assert without(each, rule).cost == 0
            assert not without(each, rule).changes


def test_the_list_can_be_stopped(package):
    """Once told to stop, the rest of the list is blank and says so; how far it is was told step by step."""
    told = []

    def tick(done: int, total: int) -> bool:
        told.append((done, total))
        return done < 1

    found = prices(package, tick=tick)
    assert told == [(0, 2), (1, 2)]
    blank = found.table["cost"].isna()
    assert blank.sum() == 1
    assert set(found.table.loc[blank, "how"]) == {NOT_SOLVED}
    assert set(found.table.loc[blank, "helps"]) == {""}
    assert prices(package, whole=False).table["cost"].isna().all()


def test_choices_have_whole_costs(ballot):
    """Without prices the whole cost is still found, by solving without, and says that it is all there is."""
    table = prices(ballot).table.set_index("id")
    assert table["worth"].isna().all()
    assert table["how"].str.endswith(CHOICES).all()
    for rule in table.index:
        free = al.solve(ballot.scenario.change({f"rules.{rule}.in_force": False}))
        assert table.loc[rule, "cost"] == pytest.approx(free.value - ballot.value)


def test_the_real_list_adds_up(listed, system):
    """What each rule costs is what its places, and its partners, have less of the outcome because of it, and what rules
    that bend cost more; the pounds of partners and of places come to the same; every rule in force is listed, also
    those that ask for a report; and easing is worth no more than removal."""
    table, effects = listed.table, listed.effects
    assert set(table["id"]) == {rule.id for rule in in_force(system.scenario)}
    assert NO_MONEY in set(table["how"])
    known = table[table["cost"].notna()]
    assert set(table.loc[table["cost"].isna(), "how"]) <= {NEEDED}
    assert (known["worth"] <= known["cost"] + noise_of(system)).all()
    assert known["cost"].is_monotonic_decreasing
    for row in table[table["cost"] > 0].itertuples():
        outcome = -(row.cost + without(system, row.id).bending)
        mine = effects[effects["rule"] == row.id]
        for who in ("partner", "place"):
            told = mine[mine["who"] == who]
            assert told["outcome"].sum() == pytest.approx(outcome, abs=20 * noise_of(system))
        pounds = mine.groupby("who")["difference"].sum()
        assert pounds["partner"] == pytest.approx(pounds["place"], abs=200)


# --- prices at the margin --------------------------------------------------------------------------------------------


def shifted(problem: Problem, limit: int, upper: bool, by: float) -> Problem:
    """The same problem with one end of one limit moved."""
    ends = problem.terms.ends.copy()
    ends[1 if upper else 0, limit] += by
    return replace(problem, terms=replace(problem.terms, ends=ends))


def tried(problem: Problem) -> Solved | None:
    try:
        return solved_whole(problem, Options(), Watch())
    except Clash:
        return None


def assert_between_slopes(plan: al.Plan, limits: np.ndarray, share: float) -> tuple[int, int]:
    """Each limit's price is at least what easing it by a little brings and at most what tightening it costs, per unit,
    from certified values and bounds; and the worth of easing is the former wherever that is known well enough. Returns
    how many were tried, and for how many the slopes agree so well that the price is pinned to a few per cent."""
    view, problem = view_of(plan), plan._solved.problem
    now = plan._solved.optimum.certificate
    pinned = 0
    for limit in limits:
        price, upper = abs(view.limit_price[limit]), view.limit_price[limit] > 0
        by = share * step_of(view, int(limit)) * (1.0 if upper else -1.0)
        eased, tighter = (tried(shifted(problem, int(limit), upper, sign * by)) for sign in (1, -1))
        assert eased is not None
        least = (eased.optimum.certificate.value - now.bound) / abs(by)
        assert price >= least - 1e-6 * price, problem.limits[limit]
        most = np.inf
        if tighter is not None:
            most = (now.bound - tighter.optimum.certificate.value) / abs(by)
            assert price <= most + 1e-6 * price + 1e-12, problem.limits[limit]
        ease_at_most = (eased.optimum.certificate.bound - now.value) / abs(by)
        assert worth_of_easing(view, int(limit)) >= least - 0.02 * price
        assert worth_of_easing(view, int(limit)) <= max(ease_at_most, least) + 0.1 * price
        pinned += bool(most - least <= 0.05 * price)
    return len(limits), pinned


def priced(plan: al.Plan) -> np.ndarray:
    return np.flatnonzero(view_of(plan).limit_price != 0)


@pytest.mark.parametrize("name", ["tiny", "health-benefits-package", "coventry-warwickshire", "greater-manchester"])
def test_prices_are_between_the_slopes(name):
    """Over the limits with a price of the shipped scenarios that have prices: all of them, and of the largest system
    every third."""
    plan = al.solve(al.read(SCENARIOS / name))
    share = 0.1 if len(plan.spend) < 50 else 0.02
    count, pinned = assert_between_slopes(plan, priced(plan)[:: 3 if len(priced(plan)) > 100 else 1], share)
    assert count > 0
    assert pinned >= 0.5 * count


def random_plan(seed: int) -> al.Plan | None:
    """A plan of up to six lines with smooth curves under rules on money, some at the same ends."""
    rng = np.random.default_rng(seed)
    cells = [(p, g) for p in "abc" for g in ("care", "help")][: rng.integers(3, 7)]
    lines, curves = [], []
    for place, programme in cells:
        lines.append(dict(place=place, programme=programme, baseline=float(rng.integers(2, 6)) * 100e3, high=1.5e6))
        curve, points = random_curve(rng, place, programme, 1.5e6)
        curves += [] if points else [curve]
    book: dict[str, dict] = {
        "floor": dict(kind="floor", where={"places": ["a"]}, amount=float(rng.integers(4, 9)) * 100e3),
        "floor-too": dict(kind="floor", where={"places": ["a"]}, amount=600e3),
        "cap": dict(kind="cap", where={"programmes": ["care"]}, amount=float(rng.integers(4, 9)) * 100e3),
        "share": dict(kind="share", where={"places": ["b"]}, at_least=float(rng.uniform(0.2, 0.5))),
        "pace": dict(kind="band", each="line", up=float(rng.uniform(0.05, 0.6)), down=float(rng.uniform(0.05, 0.4))),
        "need": dict(kind="floor", measure="health", where={"places": ["b"]}, amount=float(rng.uniform(100, 400))),
    }
    names = rng.choice(list(book), size=int(rng.integers(2, 5)), replace=False)
    if not curves:
        return None
    money = round(float(sum(line["baseline"] for line in lines) * rng.uniform(0.9, 1.3)))
    try:
        return al.solve(make(lines, curves, money, {name: book[name] for name in names}))
    except (al.NoPlan, al.ScenarioError):
        return None


def test_random_prices_are_between_the_slopes():
    """The same on random plans, among them plans where several rules end at the same place."""
    found = [assert_between_slopes(plan, priced(plan), 0.1) for seed in range(30) if (plan := random_plan(seed))]
    assert sum(count for count, _ in found) > 20
    assert sum(pinned for _, pinned in found) > 10


def test_worth_is_what_a_little_easing_brings():
    """On random plans the worth in the list is what solving again with that rule eased brings, at most."""
    tried_any = 0
    for seed in range(40):
        plan = random_plan(seed)
        if plan is None or not plan.has_prices:
            continue
        found = prices(plan)
        assert (found.table["worth"] <= found.table["cost"] + 1e-9).all()
        for row in found.table[found.table["cost"] == 0].itertuples():
            tried_any += 1
            assert row.worth == 0
    assert tried_any > 10
