"""What rules on each person's amount promise beyond the contract: the spread between places, and amounts per head."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine.problem import Problem
from allocate.rules.limits import limits
from allocate.rules.tally import Tally
from tests.rules.examples import two_years

CARE = {"programmes": ["care"]}


def ratio(**fields) -> dict:
    return {"kind": "ratio", "owner": "board", "where": CARE} | fields


def per_head(**fields) -> dict:
    return {"kind": "per-head", "owner": "board", "where": CARE} | fields


def heads(plan: al.Plan, programme: str, column: str = "population") -> dict[tuple[str, str], float]:
    """Pounds a person on a programme, by place and year."""
    table, people = plan.by("programme", "place", "year"), plan.scenario.places.set_index("id")[column]
    mine = table[table["programme"] == programme]
    return {(row.place, row.year): row.spend / people[row.place] for row in mine.itertuples()}


@pytest.mark.parametrize(("fields", "words"), [
    (ratio(at_most=1),
     "In each place, spending on Care for each person must be the same as in any other place covered"),
    (ratio(at_most=1.25, by="need"),
     "In each place, spending on Care for each person counted by need must be at most 1.25 times that in any other "
     "place covered"),
    (per_head(at_most=0.25, measure="health"),
     "In each place, years of good health gained on Care for each person must be at most 0.25"),
    (per_head(at_least=80, where=CARE | {"places": ["north"]}),
     "Spending on Care in North for each person must be at least £80"),
])  # fmt: skip
def test_wording(fields, words, tiny):
    """Sentences read as minutes would put them, and speak of each place only where there are several."""
    scenario = tiny.change({"rules.example": fields})
    assert next(rule for rule in scenario.rules if rule.id == "example").sentence(scenario) == words


@pytest.mark.parametrize(("fields", "words"), [
    (ratio(at_most=1.25), "at most 1.25; for each place"),
    (per_head(at_least=80.5, at_most=95),
     "at least £80.50 for each person; at most £95 for each person; for each place"),
    (per_head(at_most=0.25, measure="health"), "at most 0.25 years for each person; for each place"),
])  # fmt: skip
def test_figures_of_the_grammar(fields, words, tiny):
    """The book says of a figure what it is for one person, in pounds and pence or in the outcome's unit."""
    scenario = tiny.change({"rules.example": fields})
    rule = next(rule for rule in scenario.rules if rule.id == "example")
    assert al.rules.grammar(rule, scenario)["Cex"] == words


@pytest.mark.parametrize(("fields", "problem"), [
    (ratio(), "example.at_most: is required"),
    (ratio(at_most=1.2, where={"places": ["north"]}), "example.where: covers one place only"),
    (ratio(at_most=1.2, each="line"), "example.each: 'line' should be 'place'"),
    (ratio(at_most=0.9), "example.at_most: '0.9' should be greater than or equal to 1"),
    (ratio(at_most=1, measure="health"), "example.at_most: '1' must be above 1: whole pounds do not buy"),
    (ratio(at_most=1.2, measure="helth"), "example.measure: 'helth' is neither 'spend' nor in outcomes.csv"),
    (per_head(), "example: needs at_least, at_most, or both"),
    (per_head(at_least=3, at_most=2), "example.at_least: 3 is above at_most 2"),
    (per_head(at_least=0.18, at_most=0.18, measure="health"), "example.at_most: '0.18' must be above at_least"),
    (per_head(at_least=160), "example.at_least: '160' is more than South's lines could ever get (£150.00 for each"),
    (per_head(at_least=1, by="heads"), "example.by: 'heads' should be 'population' or 'need'"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(fields, problem, tiny):
    """Each is refused with the rule, the field and the reason."""
    with pytest.raises(al.ScenarioError) as refused:
        tiny.change({"rules.example": fields})
    assert problem in str(refused.value)


def test_people_must_be_known(tiny):
    """Without need there is nobody to divide by; places inside one another are not held against each other."""
    unknown = {"envelopes.core.by_need": "no", "places.north.need": None}
    inside = {"places.south.parent": "north", "places.*.population": 10_000}
    for rule in (ratio(at_most=1.2, by="need"), per_head(at_least=1, by="need")):
        with pytest.raises(al.ScenarioError, match=r"example.where: 'north' has no need in places.csv"):
            tiny.change(unknown | {"rules.example": rule})
        with pytest.raises(al.ScenarioError, match=r"example.where: 'north' covers lines there and in south"):
            tiny.change(inside | {"rules.example": rule | {"by": "population"}})
        tiny.change(unknown | {"rules.example": rule | {"by": "population"}})


def test_less_than_minima_is_refused(folder):
    """A most for each person below what a place's lines must spend is told before any solve, with that amount."""
    low = two_years(folder)
    base = al.Scenario(low.heading, low.rules, low.change({"lines.trust.north.*.*.*.low": 200_000.0})._tables)
    with pytest.raises(
        al.ScenarioError, match=r"at_most: '40' is less than the minima of North's lines \(£50.00 for each"
    ):
        base.change({"rules.example": per_head(at_most=40)})


@given(st.floats(1, 1.3), st.sampled_from(["population", "need"]))
@settings(max_examples=15)
@example(1.0, "population")
@example(1.0, "need")
@example(1.0 + 1e-9, "need")
@example(1.000005, "population")
def test_no_place_is_further_above_another_than_agreed(tiny, at_most, by):
    """Whatever the figure, whole pounds keep it: exactly where there is room between the two, else to the pound."""
    plan = al.solve(tiny.change({"rules.example": ratio(at_most=at_most, by=by)}))
    assert plan.certified
    most, least = max(heads(plan, "care", by).values()), min(heads(plan, "care", by).values())
    slip = 0.0 if (at_most - 1 / at_most) * 90 > 0.002 else (1 + 1.3) / 4000
    assert most <= at_most * least + slip + 1e-9


def test_at_most_one_is_the_same_for_everybody(tiny):
    """With at_most = 1 spending per head is equal, to the pound, and what it costs is told as the rule's price."""
    plan = al.solve(tiny.change({"rules.example": ratio(at_most=1)}))
    north, south = heads(plan, "care").values()
    assert (north, south) == pytest.approx((90, 90), abs=1 / 4000)
    assert plan.value < al.solve(tiny).value
    assert plan.limits.query("rule == 'example'")["price"].max() > 0


def test_a_real_system_is_evened_out(system):
    """Half of the distance between the best-off and the worst-off place of a real system goes where a rule says so, and
    the worst-off rises where one says how far; both are kept in whole pounds, the first in every ordered pair."""
    before = heads(system, "prescribing", "need")
    low, high = min(before.values()), max(before.values())
    common = {"owner": "icb", "by": "need", "where": {"programmes": ["prescribing"]}}
    freed = system.scenario.change({"rules.movement-other-nhs": None})
    half = round(1 + (high / low - 1) / 2, 4)
    plan = al.solve(freed.change({"rules.even": ratio(at_most=half) | common}))
    after = heads(plan, "prescribing", "need")
    assert max(after.values()) <= half * min(after.values()) + 1e-9
    assert len(plan.limits.query("rule == 'even'")) == len(after) * (len(after) - 1)
    least = round(low + (high - low) / 4, 2)
    plan = al.solve(freed.change({"rules.least": per_head(at_least=least) | common}))
    assert min(heads(plan, "prescribing", "need").values()) >= least - 1e-9


def test_every_ordered_pair_every_year(folder):
    """Each ordered pair of places has a limit in each year, named apart, and says which place stands against which."""
    base = two_years(folder).change({"rules.example": ratio(at_most=1.1)})
    found = [limit for limit in limits(base, Tally(base)) if limit.owner == "example"]
    expected = {f"{a}.to-{b}.{year}" for a, b in itertools.permutations(("north", "south"), 2) for year in base.years}
    assert {limit.part for limit in found} == expected
    assert len(found) == len(expected)
    assert any(limit.label.endswith("North against South in 2027/28") for limit in found)


def test_slack_by_hand(tiny):
    """Today care is £75 a head in North and £83.33 in South, so £5,000 of South's is over 1.1 times North's."""
    scenario = tiny.change({"rules.example": ratio(at_most=1.1), "rules.head": per_head(at_least=80)})
    spend = scenario.lines["baseline"].to_numpy()
    found = {limit.name: limit for limit in limits(scenario, Tally(scenario, spend, Problem.of(scenario).curves.gain(
        Problem.of(scenario).curves.effort(spend))))}  # fmt: skip
    over = found["example[south.to-north]"]
    assert over.body - over.high == pytest.approx(5_000)
    short = found["head[north]"]
    assert (short.body, short.low) == (300_000, 320_000)
    assert found["head[south]"].body > found["head[south]"].low == 480_000


@given(st.floats(70, 95), st.sampled_from(["population", "need"]))
@settings(max_examples=15)
@example(90.0, "population")
def test_one_amount_for_everybody(tiny, amount, by):
    """At least and at most the same amount is kept to the pound, or refused as a clash with the money."""
    scenario = tiny.change(
        {"rules.example": per_head(at_least=amount, at_most=amount, by=by), "rules.steady-care": None}
    )
    if amount > 90:
        with pytest.raises(al.NoPlan, match="for each person"):
            al.solve(scenario)
        return
    plan, people = al.solve(scenario), scenario.places.set_index("id")[by]
    assert plan.certified
    for (place, _), found in heads(plan, "care", by).items():
        assert found * people[place] == pytest.approx(amount * people[place], abs=1 + 1e-6)
