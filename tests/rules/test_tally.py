"""The tally: rows while building, numbers while checking, and the same answer either way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocate as al
from allocate.rules.kinds import Cap
from allocate.rules.limits import definitions, resource_limits
from allocate.rules.tally import Limit, Row, Tally
from allocate.scenario.curves import Curves
from allocate.scenario.rulebook import Scope
from tests.conftest import SCENARIOS
from tests.rules.examples import two_years

factors = st.floats(-1e3, 1e3, allow_nan=False)
rows = st.dictionaries(st.sampled_from(["a", "b", "c"]), factors).map(Row)


def at(row: Row, totals: dict[str, float]) -> float:
    return sum(factor * totals[name] for name, factor in row.terms.items())


@given(rows, rows, factors, st.fixed_dictionaries({name: factors for name in "abc"}))
def test_rows_add_and_scale_like_numbers(one, other, factor, totals):
    """Adding, subtracting, scaling and negating rows is doing the same to what they stand for."""
    a, b = at(one, totals), at(other, totals)
    close = {"rel": 1e-9, "abs": 1e-6}
    assert at(one + other, totals) == pytest.approx(a + b, **close)
    assert at(one - other, totals) == pytest.approx(a - b, **close)
    assert at(factor * one, totals) == at(one * factor, totals) == pytest.approx(factor * a, **close)
    assert at(-one, totals) == pytest.approx(-a, **close)


def test_rows_are_left_alone():
    """Working with a row makes a new one."""
    one, other = Row({"a": 1.0}), Row({"a": 2.0, "b": 1.0})
    assert (one + other).terms == {"a": 3.0, "b": 1.0}
    assert (one.terms, other.terms) == ({"a": 1.0}, {"a": 2.0, "b": 1.0})


@pytest.fixture(scope="module")
def package() -> al.Scenario:
    return al.read(SCENARIOS / "health-benefits-package")


@given(data=st.data())
def test_rows_times_totals_are_numbers(data, package):
    """For any lines and any spend, what is asked in rows comes to what is asked in numbers."""
    lines, curves = len(package.lines), len(package.curves)
    amounts = st.floats(0, 1e9)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=lines, max_size=lines)))
    spend = np.array(data.draw(st.lists(amounts, min_size=lines, max_size=lines)))
    gain = np.array(data.draw(st.lists(amounts, min_size=curves, max_size=curves)))
    rates = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=lines, max_size=lines)))
    building, checking = Tally(package), Tally(package, spend, gain)
    outcome = package.outcomes["id"][0]

    def told(row: Row) -> float:
        totals = {name: t.line_factors @ spend[t.lines] + gain[t.curves].sum() for name, t in building.totals.items()}
        return at(row, totals)

    assert told(building.spend(mask)) == pytest.approx(checking.spend(mask), rel=1e-12)
    assert told(building.use(rates)) == pytest.approx(checking.use(rates), rel=1e-12)
    assert told(building.gain(mask, outcome)) == pytest.approx(checking.gain(mask, outcome), rel=1e-12)
    assert checking.spend(mask) == pytest.approx(spend[mask].sum())


def test_a_total_is_named_once(tiny):
    """The same question twice is the same total; another question is another; nothing at all is no total."""
    tally = Tally(tiny)
    north = tally.covers(Scope(places=("north",)))
    first, again = tally.spend(north), tally.spend(north.copy())
    assert first.terms == again.terms
    assert len(tally.totals) == 1
    gained = tally.gain(north, "health")
    assert len(tally.totals) == 2
    assert set(gained.terms).isdisjoint(first.terms)
    assert tally.spend(np.zeros(4, dtype=bool)).terms == {}
    assert len(tally.totals) == 2


@pytest.mark.parametrize(("scope", "lines"), [
    ({}, 4), ({"places": ("system",)}, 4), ({"places": ("north",)}, 2), ({"kinds": ("acute",)}, 2),
    ({"partners": ("council",), "places": ("south",)}, 1), ({"envelopes": ("core",)}, 2), ({"partners": ("board",)}, 0),
])  # fmt: skip
def test_scopes_cover_lines(scope, lines, tiny):
    """A scope covers the lines that fit every field; a place covers what lies inside it."""
    assert Tally(tiny).covers(Scope(**scope)).sum() == lines


@pytest.mark.parametrize(("each", "names"), [
    (None, [""]), ("place", ["North", "South"]), ("partner", ["The Council", "The Trust"]),
    ("programme", ["Care", "Prevention"]), ("envelope", ["Core money", "Prevention grant"]), ("year", ["2026/27"]),
    ("line", ["The Council, Prevention, North", "The Council, Prevention, South", "The Trust, Care, North",
              "The Trust, Care, South"]),
])  # fmt: skip
def test_parts_split_a_scope(each, names, tiny):
    """The parts of a rule are named, and every line covered is in exactly one of them."""
    parts = list(Tally(tiny).parts(Cap(id="cap", owner="board", amount=1, each=each)))
    assert [part.name for part in parts] == names
    assert (np.sum([part.mask for part in parts], axis=0) == 1).all()


def test_gain_counts_the_curves_its_lines_feed(tiny):
    """The gain of North is what North's curves give, of the outcome asked for and no other."""
    gain = np.array([1.0, 10.0, 100.0, 1000.0])
    tally = Tally(tiny, np.zeros(4), gain)
    curves = tiny.curves
    north = tally.covers(Scope(places=("north",)))
    assert tally.gain(north, "health") == gain[(curves["place"] == "north").to_numpy()].sum()
    assert tally.gain(north, "nothing-such") == 0


def test_years_and_the_year_before(folder):
    """Lines fall into years; each year's are held against their like in the year before, and the first year's not."""
    scenario = two_years(folder)
    tally, lines = Tally(scenario), scenario.lines
    scope = Scope(programmes=("care",))
    years = dict(tally.years(tally.covers(scope)))
    assert list(years) == ["2026/27", "2027/28"]
    assert tally.year_before(years["2026/27"], scope, None) is None
    assert (tally.year_before(years["2027/28"], scope, None) == years["2026/27"]).all()
    north = years["2027/28"] & (lines["place"] == "north").to_numpy()
    for each in ("line", "place"):
        before = lines[tally.year_before(north, scope, each)]
        assert before[["place", "programme", "year"]].to_numpy().tolist() == [["north", "care", "2026/27"]]
    assert tally.year_before(north, scope, "envelope").sum() == 2


def test_baseline(tiny):
    """The baseline of lines is the sum of theirs."""
    tally = Tally(tiny)
    assert tally.baseline(tally.covers(Scope(envelopes=("core",)))) == 800_000


def test_resources_become_limits(package):
    """A resource in use is a limit of its own unit: its rate times the pounds of every line it fits."""
    spend = np.arange(1.0, 21.0)
    found = {
        limit.owner: limit for limit in resource_limits(package, Tally(package, spend, np.zeros(len(package.curves))))
    }
    uses, lines = package.uses.query("resource == 'nurse-minutes'"), package.lines
    by_hand = 0.0
    for use in uses.itertuples():
        fits = np.ones(len(lines), dtype=bool)
        for column in ("partner", "place", "programme"):
            value = getattr(use, column)
            fits &= (lines[column] == value).to_numpy() if isinstance(value, str) else True
        by_hand += use.rate * spend[fits].sum()
    nurses = found["resource nurse-minutes"]
    assert nurses.body == pytest.approx(by_hand)
    assert by_hand > 0
    assert (nurses.measure, nurses.low, nurses.high) == ("resource", -np.inf, 26_000_000)


def test_name_of_a_limit():
    """A limit is named by its owner, and by its part where it has one."""
    assert Limit("floor", "", 0.0, 0.0, 1.0).name == "floor"
    assert Limit("floor", "", 0.0, 0.0, 1.0, part="north").name == "floor[north]"


def test_pounds_moved_are_asked_for_by_routes(tiny):
    """Routes are counted as lines are: a total in rows, a sum in numbers, nothing where none are asked for, and the
    totals of lines keep their names."""
    building = Tally(tiny)
    row = building.moved(np.array([2, 0]))
    [(name, total)] = building.totals.items()
    assert row.terms == {name: 1.0}
    assert (total.routes.tolist(), len(total.lines), len(total.curves), total.measure) == ([2, 0], 0, 0, "spend")
    assert building.moved(np.array([], dtype=int)).terms == {}
    assert building.moved(np.array([True, False, True])).terms != building.spend(np.array([0, 2])).terms
    checking = Tally(tiny, np.zeros(4), np.zeros(4), moved_by_route=np.array([5.0, 7.0, 11.0]))
    assert checking.moved(np.array([2, 0])) == 16.0
    assert Tally(tiny, np.zeros(4), np.zeros(4)).moved(np.array([0])) == 0.0


def test_a_choice_is_a_total_of_its_own_and_answers_for_itself(tiny):
    """In rows a choice is one total, the same whenever it is asked for; in numbers it is what its rule says of the
    spending, worth 1 or 0, and is written down."""
    building = Tally(tiny)
    never = pytest.fail
    one, again, other = (building.choice(name, lambda: never("not asked in rows")) for name in ("a", "a", "b"))
    assert one.terms == again.terms != other.terms
    assert sorted(total.choice for total in building.totals.values()) == ["a", "b"]
    checking = Tally(tiny, np.array([3.0, 0.0, 0.0, 0.0]), np.zeros(4))
    answers = [checking.choice(f"line {k}", lambda k=k: checking.spend(np.array([k])) > 0) for k in range(2)]
    assert answers == [1.0, 0.0]
    assert checking.chosen == {"line 0": True, "line 1": False}


# --- aids -------------------------------------------------------------------------------------------------------------


def test_an_aid_is_what_its_rule_says(tiny):
    """In numbers an aid is the rule's own word, and never below nothing; an excess is what an amount has above it."""
    numbers = Tally(tiny, tiny.lines["baseline"].to_numpy(), np.zeros(4))
    assert (numbers.aid("one", lambda: 5.0), numbers.aid("two", lambda: -5.0)) == (5.0, 0.0)
    assert (numbers.excess("three", 7.0), numbers.excess("four", -7.0)) == (7.0, 0.0)
    assert numbers.pound("health") == numbers.pound("spend") == 1.0


def test_what_an_aid_is_has_no_owner(tiny):
    """While a model is built each aid has a total and a route of its own after the scenario's, and what holds it up is
    a limit that nobody owns; an aid that is free has none. Problems of one scenario share them."""
    tally = Tally(tiny)
    above = tally.spend(np.array([0])) - 0.5 * tally.spend(np.array([1]))
    excess, free = tally.excess("excess", above), tally.aid("free", lambda: 0.0)
    (limit,) = definitions(tiny, tally)
    assert (limit.owner, limit.part, limit.low, limit.high) == ("", "excess", 0.0, math.inf)
    assert limit.body.terms == (excess - above).terms
    routes = {total.aid: total.routes.tolist() for total in tally.totals.values() if total.aid}
    assert routes == {"excess": [0], "free": [1]}
    assert set(free.terms) < set(tally.totals)


def test_no_aid_is_more_than_all_the_money(tiny):
    """A pound of an aid is of an outcome what all the money buys at most, over the money: no place gains more."""
    table = tiny.change({"lines.*.high": 400_000.0})
    curves = Curves.of(table)
    most = curves.gain(curves.effort(np.array([100_000.0, 100_000.0, 400_000.0, 400_000.0]))).sum()
    assert Tally(table).pound("health") == pytest.approx(most / 1_000_000)
    assert Tally(table).pound("spend") == 1.0
