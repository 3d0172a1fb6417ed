"""What rules between places promise beyond the contract: convergence and gaps."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import allocate as al
from tests.rules.examples import two_years

CARE = {"programmes": ["care"]}


def converge(**fields) -> dict:
    return {"kind": "converge", "owner": "board", "where": CARE} | fields


def gap(**fields) -> dict:
    return {"kind": "gap", "owner": "board", "where": CARE} | fields


def care(plan: al.Plan) -> dict[tuple[str, str], float]:
    """Pounds on care by place and year."""
    table = plan.by("programme", "place", "year").set_index(["programme", "place", "year"])["spend"]["care"]
    return table.to_dict()


@pytest.mark.parametrize(("fields", "words"), [
    (converge(pace=0.25), "must close at least 25% of its opening distance from its fair share by need each year and "
                          "must not go past it"),
    (converge(pace=0), "must not move further from its fair share by need and must not go past it"),
    (converge(pace=1, no_cash_loser=True), "must stand at its fair share by need and must not fall below the baseline"),
    (converge(by="2026/27", no_overshoot=False), "must, by the end of 2026/27, reach its fair share by need"),
    (converge(pace=0.2, by="2026/27", no_overshoot=False),
     "must close at least 20% of its opening distance from its fair share by need each year and must reach it by the "
     "end of 2026/27"),
    (gap(within=0.1), "spending on Care for each person must stay within 10% of the average of all places covered"),
    (gap(within=0.1, by="need", measure="health"),
     "years of good health gained on Care for each person counted by need must stay within 10% of the average of all "
     "places covered"),
])  # fmt: skip
def test_wording(fields, words, tiny):
    """Sentences read as minutes would put them, with the pace and the ends that were asked."""
    scenario = tiny.change({"rules.example": fields})
    sentence = next(rule for rule in scenario.rules if rule.id == "example").sentence(scenario)
    assert sentence.startswith("In each place, ")
    assert sentence.endswith(words)


@pytest.mark.parametrize(("fields", "problem"), [
    (converge(), "example: needs pace, by, or both"),
    (converge(by="2030/31"), "example.by: '2030/31' is not one of the scenario's years"),
    (converge(pace=0.5, each="line"), "example.each: 'line' should be 'place'"),
    (converge(pace=0.5, where={"places": ["north"]}), "example.where: covers one place only"),
    (gap(within=0.1, where={"places": ["north"]}), "example.where: covers one place only"),
    (gap(within=0), "example.within: '0' should be greater than 0"),
    (gap(within=0.1, by="heads"), "example.by: 'heads' should be 'population' or 'need'"),
    (gap(within=0.1, measure="helth"), "example.measure: 'helth' is neither 'spend' nor in outcomes.csv"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(fields, problem, tiny):
    """Each is refused with the rule, the field and the reason."""
    with pytest.raises(al.ScenarioError) as refused:
        tiny.change({"rules.example": fields})
    assert problem in str(refused.value)


def test_places_must_be_of_one_level_and_known(tiny):
    """A place with another inside it, or without need, has no fair share beside the others: both are refused."""
    inside = tiny.change({"places.south.parent": "north", "places.*.population": 10_000})
    with pytest.raises(al.ScenarioError, match=r"example.where: 'north' covers lines there and in south, which lies"):
        inside.change({"rules.example": converge(pace=0.5)})
    unknown = {"envelopes.core.by_need": "no", "places.north.need": None}
    with pytest.raises(al.ScenarioError, match=r"example.where: 'north' has no need in places.csv"):
        tiny.change(unknown | {"rules.example": converge(pace=0.5)})
    tiny.change(unknown | {"rules.example": gap(within=0.5)})


def test_convergence_by_hand(folder):
    """North opens 1/6 below its 45% and south above its 55% by as much money; at 40% a year each may be off by 60% and
    then 20% of that, and by the year named by none."""
    base = two_years(folder).change({"rules.steady-care": None, "curves.south.care.*.*.slope": "x9"})
    distance = 300_000 / (0.45 * 800_000) - 1
    assert distance == pytest.approx(-1 / 6)
    for fields, allowed in (
        (converge(pace=0.4), (0.6, 0.2)), (converge(by="2027/28"), (0.5, 0.0)), (converge(pace=0.7), (0.3, 0.0)),
        (converge(pace=0.1, by="2027/28"), (0.9, 0.0)), (converge(by="2026/27"), (0.0, 0.0)),
        (converge(pace=0.4, where=CARE | {"years": ["2027/28"]}), (None, 0.2)),
    ):  # fmt: skip
        spend = care(al.solve(base.change({"rules.example": fields})))
        for year, left in zip(base.years, allowed, strict=True):
            total = spend["north", year] + spend["south", year]
            if left is not None:
                assert spend["north", year] == pytest.approx(0.45 * total * (1 + left * distance), abs=2.1)


def test_no_place_passes_its_fair_share_unless_it_may(tiny):
    """Where money would rather run past the target, it stops there, or goes on if it may; and nobody loses cash if so
    agreed."""
    base = tiny.change({"rules.steady-care": None, "curves.north.care.slope": "x9"})
    held, free, kept = (
        care(al.solve(base.change({"rules.example": converge(pace=0.1, **flags)})))["north", "2026/27"]
        for flags in ({}, {"no_overshoot": False}, {"no_overshoot": False, "no_cash_loser": True})
    )
    assert held == pytest.approx(0.45 * 900_000, abs=1.1)
    assert free > held + 10_000
    assert kept == 400_000


@settings(max_examples=12)
@given(pace=st.floats(0, 1), need=st.integers(1_000, 9_000), overshoot=st.booleans())
def test_no_distance_grows(tiny, pace, need, overshoot):
    """Whatever the pace and the needs, a plan leaves no place further from its fair share than its path allows, nor
    past it where it may not go."""
    base = {"rules.steady-care": None, "places.north.need": need, "places.south.need": 10_000 - need}
    plan = al.solve(tiny.change(base | {"rules.example": converge(pace=pace, no_overshoot=not overshoot)}))
    spend = care(plan)
    total = sum(spend.values())
    for place, baseline, part in (("north", 300_000, need / 10_000), ("south", 500_000, 1 - need / 10_000)):
        opening = baseline / (part * 800_000) - 1
        now = (spend[place, "2026/27"] - part * total) / (part * total)
        slip = 2.1 / (part * total)
        assert now * (1 if opening > 0 else -1) <= (1 - pace) * abs(opening) + slip
        assert overshoot or now * (1 if opening > 0 else -1) >= -slip
    assert plan.certified


@settings(max_examples=12)
@example(within=2 / 3, by="population", measure="spend")
@given(
    within=st.floats(0.01, 1), by=st.sampled_from(["population", "need"]), measure=st.sampled_from(["spend", "health"])
)
def test_no_gap_is_wider(tiny, within, by, measure):
    """Whatever the gap allowed, every place's spending (gain) for each person is that near the average."""
    plan = al.solve(
        tiny.change({"rules.steady-care": None, "rules.example": gap(within=within, by=by, measure=measure)})
    )
    people = plan.scenario.places.set_index("id")[by]
    if measure == "spend":
        amounts = {place: spend for (place, _), spend in care(plan).items()}
    else:
        spend = {place: pounds for (place, _), pounds in care(plan).items()}
        amounts = {"north": 400 * (spend["north"] / 1e5) ** 0.5, "south": 1_000 * (spend["south"] / 5e5) ** 0.5}
    average = sum(amounts.values()) / people[["north", "south"]].sum()
    for place, amount in amounts.items():
        assert abs(amount / people[place] / average - 1) <= within + 1e-5
