"""Minima against money: said in words before any solve, and never a false alarm."""

from __future__ import annotations

import contextlib
import itertools

import numpy as np
import pytest

import allocate as al
from allocate.engine.minima import minima
from allocate.engine.oracle import Oracle, bending, firm
from tests.engine.clashing import Brute, book
from tests.engine.making import YEAR, make

PLACES = ("a", "b", "c", "d", "e")


def found(scenario: al.Scenario):
    problem, book = firm(scenario), {rule.id: rule for rule in scenario.rules}
    return minima(problem, np.array([bending(book.get(limit.owner)) for limit in problem.limits]))


def places(money, rules, **more) -> al.Scenario:
    """A line in each of five places."""
    lines = [{"place": place, "programme": "care"} | more.get(place, {}) for place in PLACES]
    curves = [{"place": place, "programme": "care", "shape": "linear", "slope": 1.0} for place in PLACES]
    return make(lines, curves, money, rules, **{k: v for k, v in more.items() if k not in PLACES})


def floor(place: str, amount: float, **more) -> dict:
    return {"kind": "floor", "where": {"places": [place]}, "amount": amount} | more


def test_the_minima_and_the_budget_in_words():
    """Five floors of £412.0m on £405.0m: said with what is short and all five, agreed before statutory, large first."""
    amounts = {"a": 80e6, "b": 92e6, "c": 70e6, "d": 90e6, "e": 80e6}
    rules = {f"floor-{place}": floor(place, amount) for place, amount in amounts.items()}
    rules["floor-b"]["standing"] = "statutory"
    scenario = places(405e6, rules)
    (one,) = found(scenario)
    assert one.sentence(scenario) == (
        "The minima add to £412.0m, the budget is £405.0m. Raise it by £7.0m or ease one of these five floors: "
        "floor-d: £90.0m; floor-a: £80.0m; floor-e: £80.0m; floor-c: £70.0m; floor-b (statutory): £92.0m."
    )
    assert (one.added, one.held, one.short, one.lines) == (412e6, 405e6, 7e6, 0.0)
    with pytest.raises(al.NoPlan) as caught:
        al.solve(scenario)
    assert str(caught.value).startswith(one.sentence(scenario))
    assert caught.value.minima == (one.sentence(scenario),)


def test_of_floors_that_overlap_the_best_choice_is_added_up():
    """A floor over two places and one on each of them ask £700 together: the two, not the wide one of £600."""
    wide = {"kind": "floor", "where": {"places": ["a", "b"]}, "amount": 600.0}
    scenario = places(650.0, {"wide": wide, "left": floor("a", 300.0), "right": floor("b", 400.0)})
    (one,) = found(scenario)
    assert [least.rule for least in one.floors] == ["right", "left"]
    assert (one.added, one.short) == (700.0, 50.0)
    scenario = places(750.0, {"wide": wide, "left": floor("a", 300.0), "right": floor("c", 200.0)})
    (one,) = found(scenario)
    assert [least.rule for least in one.floors] == ["wide", "right"]


def test_lines_own_minima_count_where_no_floor_covers_them():
    """What a line must get anyway is added, once: £110 by the floor, and £50 that another line must get."""
    lows = {"a": {"low": 100.0}, "b": {"low": 50.0}}
    (one,) = found(scenario := places(155.0, {"floor": floor("a", 110.0)}, **lows))
    assert (one.added, one.lines, [each.rule for each in one.floors]) == (160.0, 50.0, ["floor"])
    assert one.sentence(scenario).endswith("Raise it by £5 or ease this floor: floor: £110.")


def test_money_that_routes_may_bring_counts():
    """What could come by a route is held; beyond that, and for both envelopes together, the minima speak."""
    route = {"id": "path", "year": YEAR, "source": "rich", "target": "poor", "high": 200.0, "authority": "agreed"}
    told = {place: {"envelope": "rich" if place in "ab" else "poor"} for place in PLACES}
    money, more = {"rich": 500.0, "poor": 100.0}, floor("d", 100.0)
    assert found(places(money, {"floor": floor("c", 190.0), "more": more}, routes=[route], **told)) == []
    (one,) = found(places(money, {"floor": floor("c", 210.0), "more": more}, routes=[route], **told))
    assert (one.envelopes, one.held, one.added) == (("poor",), 300.0, 310.0)
    both = {"one": floor("c", 290.0), "other": floor("a", 320.0)}
    (one,) = found(scenario := places(money, both, routes=[route], **told))
    assert (set(one.envelopes), one.held, one.added) == ({"rich", "poor"}, 600.0, 610.0)
    assert one.sentence(scenario).startswith("The minima add to £610, the budget is £600. Raise it by £10 or ease one")


def test_a_rule_that_bends_asks_that_much_less():
    """A floor that bends by £60 at a price asks £60 less; one that bends without end asks nothing."""
    asks = {"one": floor("a", 700.0), "other": floor("b", 350.0)}
    assert found(places(1000.0, asks))[0].short == 50.0
    asks["one"]["bends"] = [{"by": 60.0, "price": 1.0}]
    assert found(places(1000.0, asks)) == []
    asks["one"] |= {"amount": 990.0, "bends": [{"price": 1.0}]}
    assert found(places(1000.0, asks)) == []


@pytest.mark.parametrize("choices", [False, True])
def test_never_a_false_alarm(choices):
    """Whenever the minima speak there is no plan, whatever SciPy is asked; and on many books that clash they do."""
    spoke = 0
    for seed in range(40):
        with contextlib.suppress(al.ScenarioError):
            scenario = book(700_000 + seed, choices)
            if found(scenario):
                spoke += 1
                brute = Brute(scenario)
                assert not brute.holds(brute.rules)
                assert not Oracle(scenario, 10.0).ask(0b0 | (1 << len(brute.rules)) - 1).possible
    assert spoke >= 2


def test_the_choice_is_the_best_there_is():
    """On random books what is added is the most that any limits without a common line ask, by trying all sets."""
    for seed in range(25):
        with contextlib.suppress(al.ScenarioError):
            scenario = book(800_000 + seed).change({"envelopes.jar": 300_000, "envelopes.pot": 300_000})
            problem = firm(scenario)
            for one in found(scenario):
                assert one.added == pytest.approx(_most(problem, one.envelopes))


def _most(problem, envelopes) -> float:
    """The most that limits on lines of these envelopes ask, no two of them of the same line, lines' own included."""
    names = problem.scenario.table("envelopes")["id"].to_numpy()[problem.envelope_of_line]
    inside = set(np.flatnonzero(np.isin(names, envelopes)).tolist())
    asks = []
    for limit, row in zip(problem.limits, problem.line_rows.dense(np.arange(len(problem.limits))), strict=True):
        lines = set(np.flatnonzero(row).tolist())
        if limit.low > 0 and (row >= 0).all() and lines <= inside:
            asks.append((limit.low / row.max(), lines))
    return max(
        (
            sum(asked for asked, _ in some)
            for k in range(len(inside) + 1) for some in itertools.combinations(asks, k)
            if sum(len(lines) for _, lines in some) == len(set().union(*(lines for _, lines in some)))
        ),
        default=0.0,
    )  # fmt: skip
