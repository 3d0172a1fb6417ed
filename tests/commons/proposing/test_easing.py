"""Easier or stricter, for every kind of rule there is: nothing here or in the package knows any of them."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.commons.proposing.easing import at_rest, easier
from tests.rules.examples import EXAMPLES, Example

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=str)


def pair(example: Example, tiny: al.Scenario, value: float) -> tuple[bool, dict[str, str]]:
    """Whether an example's rule with another value of its figure asks less than it does; and what the law says of it
    where the rule is statutory."""
    stands, other = example.scenario(tiny), example.scenario(tiny, **{example.figure: value})
    plan = al.solve(stands)
    old, new = (next(rule for rule in each.rules if rule.id == "example") for each in (stands, other))
    statutory = al.solve(stands.change({"rules.example.standing": "statutory", "rules.example.bends": None}))
    found = al.propose(statutory, {f"rules.example.{example.figure}": value}, by="board")
    return easier(old, new, stands, other, plan), dict(found.barred)


@every_example
def test_easing_is_told_from_tightening(example, tiny):
    """For every kind, its figure eased asks less, and the law bars it; tightened it does not, unless it asks for
    exactly so much, or is an aim: then any other allows what was not allowed."""
    exact = (True, {"example": "eases"})
    assert pair(example, tiny, example.eased) == exact
    assert pair(example, tiny, example.tighter) == (exact if example.kind == "keep" or example.aims else (False, {}))


@every_example
def test_a_rule_of_any_kind_comes_and_goes(example, tiny):
    """For every kind: proposed on the ground without it, it comes in; taken out again, it goes, and undoes that."""
    ground = al.solve(example.ground(tiny))
    fields = {key: value for key, value in example.fields.items() if key != "bends"}
    comes = al.propose(ground, {"rules.example": fields}, by="board", payoff="outcome")
    assert comes.rules.set_index("rule").loc["example", "effect"].startswith("comes in")
    assert comes.sentences
    goes = al.propose(comes.after, {"rules.example": None}, by="board", payoff="outcome")
    assert goes.rules.set_index("rule").loc["example", "effect"] == "goes out"
    assert list(goes.partners["difference"]) == pytest.approx(list(-comes.partners["difference"]), abs=1e-3)


@every_example
def test_a_figure_at_rest(example, tiny):
    """For every kind with limits, a value of its figure is found at which it leaves the plan without it as it is, but
    for a few pounds."""
    if example.opens:
        pytest.skip("what says 'may' never asks anything")
    ground = al.solve(example.ground(tiny))
    scenario = example.scenario(tiny)
    rule = next(rule for rule in scenario.rules if rule.id == "example")
    value = at_rest(ground, scenario, rule, example.figure)
    if value is None:
        pytest.skip("no value of this figure asks nothing")
    rested = al.solve(example.scenario(tiny, **{example.figure: value}))
    assert rested.value == pytest.approx(ground.value, rel=1e-5)
