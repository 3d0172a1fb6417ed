"""What rules on purposes promise beyond the contract: ring-fence, reach, match, report."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.rules.limits import limits
from allocate.rules.tally import Tally
from tests.rules.examples import two_years


def said(scenario: al.Scenario, fields: dict) -> str:
    """The sentence of a rule laid over a scenario."""
    new = scenario.change({"rules.example": {"owner": "board"} | fields})
    return next(rule for rule in new.rules if rule.id == "example").sentence(new)


CARE, PREVENTION = {"programmes": ["care"]}, {"programmes": ["prevention"]}


@pytest.mark.parametrize(("fields", "words"), [
    ({"kind": "ring-fence", "where": {"envelopes": ["grant"]}, "only": {"places": ["north"]}},
     "All money from the Prevention grant must be spent in North"),
    ({"kind": "ring-fence", "where": {"envelopes": ["grant"], "years": ["2026/27"]}, "only": PREVENTION,
      "at_least": 0.9}, "At least 90% of the money from the Prevention grant in 2026/27 must be spent on Prevention"),
    ({"kind": "ring-fence", "where": {"envelopes": ["core"]}, "only": CARE}, "All of Core money must be spent on Care"),
    ({"kind": "ring-fence", "only": CARE, "at_least": 0.5}, "At least 50% of all money must be spent on Care"),
    ({"kind": "ring-fence", "where": {"partners": ["trust"]}, "only": {"places": ["north"]}},
     "All spending by The Trust must be in North"),
    ({"kind": "ring-fence", "where": {"partners": ["trust"]}, "only": CARE, "each": "place", "at_least": 0.25},
     "In each place, at least 25% of spending by The Trust must be on Care"),
    ({"kind": "reach", "outcome": "health", "where": {"places": ["north"]}, "amount": 120},
     "Years of good health gained in North must reach at least 120"),
    ({"kind": "reach", "outcome": "health", "where": {"places": ["north"]}, "more": 5},
     "Years of good health gained in North must be at least 5 more than today's spending buys"),
    ({"kind": "reach", "outcome": "health", "each": "place", "more": 0},
     "In each place, years of good health gained must be no less than today's spending buys"),
    ({"kind": "match", "of": {"partners": ["trust"], "programmes": ["care"]}, "where": {"partners": ["council"]},
      "at_least": 0.5}, "For every £1 that The Trust spends on Care, The Council must spend at least 50p"),
    ({"kind": "match", "of": {"kinds": ["acute"]}, "where": PREVENTION, "at_least": 0.1},
     "For every £1 that acute bodies spend, at least 10p must be spent on Prevention"),
    ({"kind": "match", "of": PREVENTION, "where": CARE, "at_least": 1.5, "each": "place"},
     "In each place, for every £1 spent on Prevention, at least £1.50 must be spent on Care"),
    ({"kind": "report", "due": "2025-09-30", "what": "its position"},
     "The Board must report its position by 30 September 2025"),
    ({"kind": "report", "due": "2025-09-30", "what": "waiting times", "where": {"partners": ["trust", "council"]}},
     "The Trust and The Council must report waiting times by 30 September 2025"),
])  # fmt: skip
def test_wording(fields, words, tiny):
    """Sentences read as minutes would put them, with every name in its place."""
    assert said(tiny, fields) == words


@pytest.mark.parametrize(("fields", "problem"), [
    ({"kind": "ring-fence", "where": CARE, "only": PREVENTION}, "example.only: covers none of the lines of where"),
    ({"kind": "ring-fence", "where": CARE, "only": {}}, "example.only: must say what the money is for"),
    ({"kind": "ring-fence", "where": CARE}, "example.only: is required"),
    ({"kind": "ring-fence", "only": {"programmes": ["caer"]}}, "example.only.programmes: 'caer' is not in programmes"),
    ({"kind": "reach", "outcome": "health"}, "example: needs amount or more, one of the two"),
    ({"kind": "reach", "outcome": "health", "amount": 1, "more": 1}, "example: needs amount or more, one of the two"),
    ({"kind": "reach", "outcome": "helth", "amount": 1}, "example.outcome: 'helth' is not in outcomes.csv (did you"),
    ({"kind": "match", "where": CARE, "of": {"places": ["north"]}, "at_least": 1},
     "example.of: 'trust.north.care.core.2026/27' covers lines of where too"),
    ({"kind": "match", "where": CARE, "of": PREVENTION, "at_least": 0}, "example.at_least: '0' should be greater"),
    ({"kind": "report", "due": "soon", "what": "x"}, "example.due: 'soon' is not a date: expected such as 2026-03-31"),
    ({"kind": "report", "due": "2026-01-01", "what": ""}, "example.what: "),
    ({"kind": "report", "due": "2026-01-01", "what": "x", "since": "2026-02-01"},
     "example.due: 2026-01-01 is before since 2026-02-01"),
    ({"kind": "report", "due": "2026-01-01", "what": "x", "bends": [{"price": 1}]}, "example.bends: has no meaning"),
    ({"kind": "report", "due": "2026-01-01", "what": "x", "each": "place"}, "example.each: has no meaning here"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(fields, problem, tiny):
    """Each is refused with the rule, the field and the reason."""
    with pytest.raises(al.ScenarioError) as refused:
        said(tiny, fields)
    assert problem in str(refused.value)


def test_an_outcome_that_nothing_buys_there(tiny):
    """A level of an outcome is refused where no curve leads to it."""
    curves = tiny.curves[tiny.curves["programme"] != "prevention"]
    bare = al.Scenario(tiny.heading, tiny.rules, dict(tiny._tables) | {"curves": curves})
    with pytest.raises(al.ScenarioError, match=r"example.more: '5' cannot be reached: no curve of health leads there"):
        said(bare, {"kind": "reach", "outcome": "health", "where": PREVENTION, "more": 5})


def test_a_ring_fence_holds_all_the_money(tiny):
    """With nothing said of a part, not a pound goes elsewhere: the lines outside the purpose are emptied."""
    rule = {"kind": "ring-fence", "owner": "board", "where": {"envelopes": ["grant"]}, "only": {"places": ["north"]}}
    plan = al.solve(tiny.change({"rules.example": rule}))
    spend = plan.spend.query("envelope == 'grant'").set_index("place")["spend"]
    assert spend["south"] == 0
    assert spend["north"] == 100_000
    assert plan.certified


def test_a_ring_fence_holds_in_every_year(folder):
    """Money left in one year does not make up for another."""
    rule = {"kind": "ring-fence", "owner": "board", "where": CARE, "only": {"places": ["south"]}, "at_least": 0.6}
    plan = al.solve(two_years(folder).change({"rules.example": rule}))
    care = plan.by("programme", "place", "year").set_index(["programme", "place", "year"])["spend"]["care"]
    for year in plan.scenario.years:
        assert care["south", year] >= 0.6 * (care["south", year] + care["north", year]) - 1


def test_today_is_what_the_baseline_buys(tiny):
    """So much more than today counts from the curves at the baseline, and follows them when they change."""
    where = {"places": ["south"], "programmes": ["care"]}
    rule = {"kind": "reach", "owner": "board", "outcome": "health", "where": where, "more": 0}
    scenario = tiny.change({"rules.example": rule})

    def least(scenario: al.Scenario) -> float:
        return next(limit.low for limit in limits(scenario, Tally(scenario)) if limit.owner == "example")

    assert least(scenario) == pytest.approx(1_000)
    assert least(scenario.change({"curves.south.care.slope": "x1.1"})) == pytest.approx(1_100)
    assert least(scenario.change({"lines.trust.south.care.baseline": 125_000})) == pytest.approx(500)
    assert least(scenario.change({"rules.example.more": 7})) == pytest.approx(1_007)


def test_a_report_moves_no_money(tiny, plan, folder):
    """A report stands in the book with its date, makes no limit, needs no evidence and changes no plan."""
    rule = {"kind": "report", "owner": "board", "due": "2026-09-30", "what": "its position"}
    scenario = tiny.change({"rules.example": rule})
    assert al.solve(scenario).spend.equals(plan.spend)
    assert "example" not in set(al.solve(scenario).limits["rule"])
    row = al.rules.book(scenario).set_index("id").loc["example"]
    assert (row["Bdir"], row["Cex"], row["in_force"]) == ("its position", "by 30 September 2026", True)
    al.write(scenario, folder / "out")
    assert "due = 2026-09-30" in (folder / "out" / "rules.toml").read_text(encoding="utf-8")
    assert al.read(folder / "out").digest == scenario.digest
    assert scenario.change({"rules.example.due": "2026-10-31"}).rules[0].due.month == 10
