"""The next pound: what a round sum more buys in each place and programme, checked by hand and by solving again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.plan.next_pound import COLUMNS, KEYS
from tests.conftest import SCENARIOS

YEAR = "2026/27"


def row(table: pd.DataFrame, place: str, programme: str) -> pd.Series:
    return table.set_index(["place", "programme"]).loc[(place, programme)]


def kept(plan: al.Plan, rows: np.ndarray, more: float) -> dict[str, dict]:
    """A rule for every line that keeps it as planned, these with so much more between them."""
    spend = plan.spend["spend"].to_numpy() + np.where(np.isin(np.arange(len(plan.spend)), rows), more, 0.0)
    columns = ("partners", "places", "programmes", "envelopes", "years")
    lines = plan.spend[["partner", "place", "programme", "envelope", "year"]].itertuples(index=False, name=None)
    owner = plan.scenario.partners["id"].iloc[0]
    return {
        f"rules.kept-{k}": {
            "kind": "keep", "owner": owner, "amount": amount,
            "where": {name: [key] for name, key in zip(columns, line, strict=True)},
        }
        for k, (line, amount) in enumerate(zip(lines, spend, strict=True))
    }  # fmt: skip


def test_tiny_by_hand(plan):
    """Each row of tiny is what its curves say: the slope at the plan, the whole £10,000, and the envelope's price."""
    table = al.next_pound(plan, 10_000)
    assert list(table.columns) == COLUMNS
    north, south = row(table, "north", "care"), row(table, "south", "prevention")
    assert (north["worth"], north["price"]) == pytest.approx((10.0, 10.0), rel=1e-5)
    assert north["buys"] == pytest.approx(400 * (np.sqrt(4.1) - 2))
    assert (north["room"], north["stop"], north["because"]) == (10_000, "", "")
    assert (north["holder"], north["partner"], north["spend"]) == ("board", "trust", 400_000)
    assert south["worth"] == pytest.approx(20 * np.exp(-0.8))
    assert south["buys"] == pytest.approx(100 * np.exp(-0.8) * (1 - np.exp(-0.2)))
    floor = row(table, "north", "prevention")
    assert (floor["worth"], floor["price"]) == pytest.approx((20 * np.exp(-1.2), 20 * np.exp(-0.8)), rel=1e-4)


def test_a_rule_that_holds_is_named(plan):
    """Of £100,000 more for care in North the band lets £50,000 in, and says so."""
    care = row(al.next_pound(plan, 100_000), "north", "care")
    assert (care["room"], care["stop"], care["id"]) == (50_000, "rule", "steady-care")
    assert care["because"] == "the rule “Steady care” holds it beyond £50,000"


def test_a_line_at_its_own_most(tiny):
    """A line that is at its own most takes nothing more, though its curve would buy something."""
    full = al.solve(tiny.change({"lines.council.south.prevention.grant.high": 40_000}))
    found = row(al.next_pound(full), "south", "prevention")
    assert (found["room"], found["stop"], found["because"]) == (0, "most", "it is at its own most")
    assert found["buys"] > 0


def test_a_cap_on_an_outcome_is_met_on_the_curve(tiny):
    """The room under a cap on what is gained is where the exact curve reaches it, not where its slope would."""
    cap = {"kind": "cap", "owner": "council", "measure": "health", "amount": 75.0,
           "where": {"places": ["north"], "programmes": ["prevention"]}}  # fmt: skip
    found = row(al.next_pound(al.solve(tiny.change({"rules.enough": cap})), 50_000), "north", "prevention")
    assert found["id"] == "enough"
    assert found["room"] == pytest.approx(-50_000 * np.log(0.25) - 60_000, abs=3)


def test_what_is_not_started():
    """Where yes/no choices leave no prices there is none, and what the sum cannot start says what it takes."""
    ballot = al.solve(al.read(SCENARIOS / "participatory-budget"))
    table = al.next_pound(ballot, 10_000)
    assert table["price"].isna().all()
    library = row(table, "centre", "library")
    assert (library["room"], library["stop"], library["because"]) == (0, "start", "it takes £130,000 to start")
    enough = row(al.next_pound(ballot), "centre", "library")
    assert (enough["room"], enough["because"]) == (130_000, "it is at its own most beyond £130,000")


@pytest.mark.parametrize("amount", [0, -1, float("inf"), float("nan")])
def test_an_amount_that_is_none(plan, amount):
    """Only a sum above nothing can be asked about."""
    with pytest.raises(ValueError, match="above 0"):
        al.next_pound(plan, amount)


@settings(max_examples=8)
@given(st.integers(1_000, 90_000), st.sampled_from([0, 2, 3]))
def test_buys_what_solving_again_says(plan, amount, line):
    """With so much more money in its envelope, and all other lines kept, a plan gains what the table said."""
    table, envelope = al.next_pound(plan, amount), plan.spend["envelope"].iloc[line]
    money = {f"envelopes.{envelope}": float(plan.scenario.envelopes.set_index("id").loc[envelope, "amount"]) + amount}
    told = table.set_index(KEYS).loc[tuple(plan.spend[KEYS].iloc[line])]
    again = plan.scenario.change({**money, **kept(plan, np.array([line]), amount)})
    if told["room"] < amount:
        with pytest.raises(al.NoPlan):
            al.solve(again)
    else:
        assert al.solve(again).value - plan.value == pytest.approx(told["buys"], rel=1e-6)


def test_the_price_is_what_more_money_buys(plan):
    """Where nothing else binds, worth is price, and a little more money in the envelope buys that for each pound."""
    table, little = al.next_pound(plan), 1_000
    more = al.solve(plan.scenario.change({"envelopes.core": 900_000 + little})).value - plan.value
    care = table[table["envelope"] == "core"]
    assert care["worth"].to_numpy() == pytest.approx(care["price"].to_numpy(), rel=1e-4)
    assert care["price"].to_numpy() * little / 1e6 == pytest.approx(more, rel=2e-3)


def test_room_of_a_real_system_is_exact(system):
    """In a real system each line may rise by its room and by no more than a few pounds beyond, every other line kept:
    checked on the plan's own limits."""
    from allocate.engine.certificate import Flows, breaches

    table, problem = al.next_pound(system).set_index([*KEYS, "partner"]), system._solved.problem
    index = {key: k for k, key in enumerate(system.spend[[*KEYS, "partner"]].itertuples(index=False, name=None))}
    assert {"", "rule"} == set(table["stop"])
    for key, told in table.iterrows():
        for more, whole in ((told["room"], True), (told["room"] + 20, told["stop"] == "")):
            spend = system._solved.flows.spend.copy()
            spend[index[key]] += more
            found = breaches(problem, Flows(spend, system._solved.flows.moved), 0.5)
            assert (not [each for each in found if "overspent" not in each]) == whole
