"""A plan that changes nothing says why: what holds every line, and what would be without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import allocate as al
from allocate.plan import comparing, seat_telling, telling
from allocate.plan.freeing import held_still
from allocate.plan.margins import view_of
from allocate.plan.moves import Moves
from allocate.plan.seats import from_seat
from allocate.plan.still import HELD_COLUMNS, also_at_ends, held, held_by, held_lines, holds, stays
from allocate.plan.words import title
from tests.conftest import SCENARIOS
from tests.engine.making import make
from tests.engine.test_oracle import random_curve

FREE = {"rules.prevention-north": None, "envelopes.core": 800e3, "envelopes.grant": 90e3}
"""Tiny with as much money as today, and no floor."""


def placed(lines: list[dict], rules: dict | None = None, money: float = 100e3) -> al.Plan:
    """The plan of lines in places of their own, each with 50,000 today, under curves that flatten alike."""
    lines = [{"programme": "x", "baseline": 50e3} | line for line in lines]
    curves = [
        {"place": line["place"], "programme": "x", "shape": "power", "slope": line.pop("slope", 1e-3),
         "reference": 50e3, "exponent": 0.5}
        for line in lines
    ]  # fmt: skip
    return al.solve(make(lines, curves, money, rules))


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_plan_that_moves_is_not_held(plan):
    """Where anything moves, nothing is said."""
    assert held(plan) == held_still(plan) == []
    assert not stays(view_of(plan))


def test_limits_on_movement_hold_it():
    """Two places, one with a better use of the money, which may move by half a pound: the band holds them, and what
    three times as much movement, and any movement, would buy is told."""
    pace = {"pace": {"kind": "band", "each": "line", "down": 1e-5, "up": 1e-5}}
    said = held_still(placed([{"place": "a", "slope": 4e-3}, {"place": "b"}], pace))
    assert said == [
        "Every line stays at today's spending: all the money is spent as it is now.",
        "The rule “Pace” holds X in A there: easing it by £100 in each part would be worth 0.3 units.",
        "Pot is all spent, and buys no more in any use that is open to it.",
        "With limits on movement three times as loose, £1 would move and the plan would buy 0.003 units more.",
        "Without “Pace”, £44,118 would move and the plan would buy 83.1 units more.",
    ]


def test_even_money_is_the_best_use_of_it():
    """Two places with the same curve and the same money: no rule holds them, and the money buys as much in both."""
    said = held_still(placed([{"place": "a"}, {"place": "b"}]))
    assert said[1:] == [
        "Pot is all spent, and buys as much in X in A and X in B.",
        "No rule holds it there: no move within the money would buy more.",
    ]


def test_an_envelope_with_one_use():
    """One line takes all of its envelope: the money may be used for nothing else."""
    assert held(placed([{"place": "a"}], money=50e3))[1] == "Pot is all spent, and may be used for nothing else."


def test_no_freedom_at_all():
    """Lines whose most is their least are said to be fixed."""
    lines = [{"place": place, "low": 50e3, "high": 50e3} for place in "ab"]
    plan = placed(lines, money=120e3)
    assert held(plan) == [
        "Every line stays at today's spending: £20,000 is left.",
        "X in A and X in B are fixed, their most being their least.",
    ]
    assert held_by(view_of(plan)) == "held by lines' own most and least"


def test_own_bounds_hold_it():
    """The better use is at its own most, the worse at its own least."""
    plan = placed([{"place": "a", "high": 50e3, "slope": 4e-3}, {"place": "b", "low": 50e3}], money=100e3)
    assert "X in A is at its own most." in held(plan)
    assert held_lines(plan)["kind"].tolist()[0] == "most"


def test_money_left_with_nothing_counted():
    """Lines at today's spending whose rise buys nothing counted, under a floor that keeps them."""
    floor = {"keep": {"kind": "floor", "each": "place", "amount": 50e3}}
    plan = placed([{"place": "a", "slope": 0.0}, {"place": "b", "slope": 0.0}], floor, money=150e3)
    assert held(plan) == [
        "Every line stays at today's spending: £50,000 is left.",
        "More of X in A and X in B would buy nothing that is counted.",
        "No rule holds it there: no move within the money would buy more.",
    ]


def test_rules_in_turn():
    """Two rules that keep the same place: one alone would not free it, so that both are taken away before it moves."""
    rules = {name: {"kind": "floor", "where": {"places": ["b"]}, "amount": 50e3} for name in ("one", "two")}
    plan = placed([{"place": "a", "slope": 4e-3}, {"place": "b"}], rules)
    last = held_still(plan)[-1]
    assert last.startswith("Without “")
    assert "“One”" in last
    assert "“Two”" in last
    assert "would move and the plan would buy" in last


def test_choices_that_cannot_start():
    """Without prices: a line that the money is too short to start is told with the gap, and what would fill it."""
    lines = [
        {"place": "a", "programme": "x", "baseline": 60e3, "low": 60e3, "high": 60e3},
        {"place": "b", "programme": "x", "high": 50e3, "scale": 50e3},
    ]
    curves = [{"place": place, "programme": "x", "shape": "linear", "slope": 1e-3} for place in "ab"]
    plan = al.solve(make(lines, curves, 100e3))
    assert not plan.has_prices
    assert held(plan) == [
        "Every line stays at today's spending: £40,000 is left.",
        "X in A is fixed, its most being its least.",
        "pot is £10,000 short of the minimum start of X in B.",
    ]
    assert held_lines(plan)["id"].tolist() == ["", "pot"]


# --- wherever it is said that nothing changes ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def still(tiny) -> al.Plan:
    return al.solve(tiny.change(FREE | {"rules.steady-care.down": 0.0, "rules.steady-care.up": 0.0}))


def test_every_sentence_names_what_holds(still):
    """The explanation, the cards, the comparison and each seat name the limit that holds it when they say that nothing
    changes."""
    assert "“Steady care” holds Care in North and Care in South" in al.explain(still)
    assert "held by the rule “Steady care”" in telling.what_changes(still)
    assert "“Steady care”" in telling.change_of_mind(still)
    assert "held by the rule “Steady care”" in comparing.difference_in_words(still, still)
    for seat, limit in (("partners.trust", "“Steady care”"), ("partners.council", "Prevention grant")):
        mine = from_seat(still, seat)
        assert limit in mine.summary
        assert limit in seat_telling.what_changes(mine, still)
        assert limit in seat_telling.change_of_mind(mine, still)
        assert limit in seat_telling.against_other(mine, still, still, "the other")


@pytest.mark.parametrize("name", ["coventry-warwickshire", "greater-manchester"])
def test_a_real_system_that_may_not_move(name):
    """A real system whose every line is kept as it is says which rules do it, in sentences of at most thirty words."""
    scenario = al.read(SCENARIOS / name)
    lines = scenario.lines
    rules = {f"rules.{rule.id}.in_force": False for rule in scenario.rules if not rule.openings(scenario)}
    kept = {f"lines.{line}.{end}": money for line, money in zip(scenario.line_ids, lines["baseline"], strict=True)
            for end in ("low", "high")}  # fmt: skip
    plan = al.solve(scenario.change(rules | kept))
    said = held(plan)
    assert f"{len(lines)} lines are fixed" in " ".join(said)
    assert all(len(sentence.split()) <= 30 for sentence in said)


# --- at random -------------------------------------------------------------------------------------------------------


def random_still(seed: int) -> al.Plan | None:
    """A plan that equals today's, held by this and that: rules at today's sums, lines' own bounds, the money, or
    nothing but the curves. None where the draw leaves something to move, or no plan."""
    rng = np.random.default_rng(seed)
    cells = [(p, g) for p in "abc" for g in ("care", "help")][: rng.integers(2, 7)]
    lines, curves, points = [], [], []
    for place, programme in cells:
        now = float(rng.integers(1, 6)) * 100e3
        line: dict[str, Any] = dict(place=place, programme=programme, baseline=now, high=1e6)
        line["envelope"] = "pot" if programme == "care" or rng.random() < 0.5 else "grant"
        if (draw := rng.random()) < 0.25:
            line["high"] = now
        elif draw < 0.35:
            line["low"] = now
        elif draw < 0.45 and seed % 3 == 0:
            line["scale"] = now
        lines.append(line)
        curve, extra = random_curve(rng, place, programme, 1e6)
        if curve["shape"] != "points":
            curves.append(curve)
            points += extra
    pots = {name: sum(line["baseline"] for line in lines if line["envelope"] == name) for name in ("pot", "grant")}
    money = {name: amount + (rng.random() < 0.2) * 50e3 for name, amount in pots.items() if amount}
    if not curves:
        return None
    return _settled(make(lines, curves, money, random_rules(rng, lines), curve_points=points))


def random_rules(rng, lines: list[dict]) -> dict:
    """Rules that stand at their ends today."""
    now = {place: sum(line["baseline"] for line in lines if line["place"] == place) for place in "ab"}
    total = sum(line["baseline"] for line in lines)
    book: dict[str, dict] = {
        "pace": dict(kind="band", each="line", up=0.0, down=0.0),
        "pace-of-places": dict(kind="band", each="place", up=0.0, down=float(rng.uniform(0, 0.2))),
        "floor-a": dict(kind="floor", where={"places": ["a"]}, amount=now["a"]),
        "cap-a": dict(kind="cap", where={"places": ["a"]}, amount=now["a"]),
        "twin-a": dict(kind="growth", where={"places": ["a"]}, at_least=0.0),
        "share-a": dict(kind="share", where={"places": ["a"]}, at_least=now["a"] / total),
        "gain-cap": dict(kind="cap", measure="health", amount=float(rng.uniform(200, 900))),
    }
    names = rng.choice(list(book), size=int(rng.integers(0, 4)), replace=False)
    return {name: book[name] for name in names}


def _settled(scenario: al.Scenario) -> al.Plan | None:
    """The plan, once what it spends is called today's; None where that moves again."""
    try:
        plan = al.solve(scenario)
        if Moves.of(plan).any:
            spend = dict(zip(scenario.line_ids, plan.spend["spend"], strict=True))
            plan = al.solve(scenario.change({f"lines.{line}.baseline": amount for line, amount in spend.items()}))
    except al.AllocateError:
        return None
    return None if Moves.of(plan).any else plan


def relaxed(plan: al.Plan) -> al.Scenario:
    """The scenario without what is said to hold the plan, or to stand at its end too: without those rules and own
    bounds of lines, and with a fifth more of that money."""
    table, changes = held_lines(plan), {}
    named = {*zip(table["kind"], table["id"], strict=True), *also_at_ends(plan)}
    bounds = {"most": {"high": None}, "least": {"low": 0.0}, "fixed": {"low": 0.0, "high": None}}
    amounts = plan.scenario.envelopes.set_index("id")["amount"]
    for kind, key in named:
        if kind == "rule":
            changes[f"rules.{key}.in_force"] = False
        if kind in ("money", "start"):
            changes[f"envelopes.{key}.amount"] = 1.2 * amounts[key]
        for line in plan.scenario.line_ids:
            changes |= {f"lines.{line}.{field}": value for field, value in bounds.get(kind, {}).items()}
    return plan.scenario.change(changes) if changes else plan.scenario


def names_worth(plan: al.Plan) -> list[str]:
    """The rules of which it is said that easing them alone would be worth something."""
    said = " ".join(held(plan))
    parts = [part for part in said.split(". ") if "easing it by" in part]
    return [rule.id for rule in plan.scenario.rules if any(f"“{title(rule.id)}”" in part for part in parts)]


@pytest.mark.parametrize("block", range(4))
def test_what_is_named_is_what_holds(block):
    """On random plans that equal today's every line has a holder; with all that is named eased something moves, unless
    nothing more is counted; and a rule whose easing is said to be worth something alone is."""
    tried = 0
    for seed in range(30 * block, 30 * block + 30):
        plan = random_still(seed)
        if plan is None:
            continue
        tried += 1
        table = held_lines(plan)
        assert list(table.columns) == HELD_COLUMNS
        assert tuple(table["line"]) == plan.scenario.line_ids
        said = held(plan)
        assert len(said) > 1, seed
        assert said[1:] == holds(view_of(plan))
        if set(table["kind"]) == {"uncounted"}:
            # Nothing that is counted would be bought: no price, no worth.
            assert not (view_of(plan).worth > 0).any()
        else:
            assert Moves.of(al.solve(relaxed(plan))).any, (seed, said)
        for rule in names_worth(plan):
            assert al.solve(plan.scenario.change({f"rules.{rule}.in_force": False})).value > plan.value, (seed, said)
    assert tried > 5
