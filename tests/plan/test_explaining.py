"""A plan in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

import allocate as al
from allocate.plan.explaining import a_little, assurance, binding, changes, explain, headline, next_pound, ties, unspent
from allocate.plan.figures import at_most
from tests.conftest import SCENARIOS
from tests.rules.examples import two_years

TINY = """\
Every rule is met. £1.0m is shared across 2 partners and 2 places, £110,000 more than before. Against today's spending \
it buys +113.4 years (Years of good health).
Spending on Prevention in North must be at least £60,000. Easing it by £1,000 is worth 0.296 years.
£1,000 more would buy, in years: Core money 1; Prevention grant 0.899.
Checked independently of the solver: every rule and envelope holds, to the pound; no plan is better.
Made-up figures for learning and for tests."""


def test_tiny_to_the_word(plan):
    """The whole explanation of the scenario solved by hand."""
    assert explain(plan) == TINY


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.toml")))
def test_every_scenario_is_explained(name):
    """No shipped scenario prints NaN, infinity or an empty sentence, and each ends with its caveat."""
    plan = al.solve(al.read(SCENARIOS / name))
    lines = explain(plan).splitlines()
    assert lines[0].startswith("Every rule is met.")
    assert all(line.strip() == line and line for line in lines)
    words = explain(plan).lower().replace(",", " ").replace(";", " ").split()
    assert not {"nan", "inf", "-inf", "none", "nat"} & {word.strip(".:()£$+%") for word in words}
    assert lines[-1] == plan.scenario.heading.caveat or not plan.scenario.heading.caveat


def test_less_money_is_less(tiny):
    """A smaller envelope is said to be less than before, and what it loses has a minus."""
    said = headline(al.solve(tiny.change({"envelopes.core": 780_000.0, "envelopes.grant": 80_000.0})))
    assert "£860,000 is shared across" in said
    assert "£30,000 less than before" in said


def test_losses_are_said(tiny):
    """Where the plan buys less than today's spending the sentence says so with a real minus."""
    said = headline(al.solve(tiny.change({"rules.steady-care": None, "envelopes.core": 400_000.0})))
    assert "\N{MINUS SIGN}" in said
    assert "less than before" in said


def test_without_a_baseline_nothing_is_compared(tiny):
    """Where nothing was spent before, the headline says what is shared and bought, and compares it with nothing."""
    new = tiny.change({"lines.*.baseline": 0.0, "rules.steady-care": None})
    plan = al.solve(new)
    told = f"It buys {plan.value:,.1f} years (Years of good health)."
    assert headline(plan) == f"Every rule is met. £1.0m is shared across 2 partners and 2 places. {told}"
    ballot = headline(al.solve(al.read(SCENARIOS / "participatory-budget")))
    assert ballot.endswith("It buys 3,525 supporters (Support in the ballot).")


def test_the_binding_rule_is_named_and_the_slack_one_is_not(plan, tiny):
    """What holds the plan is said with its price; a rule with room left is not mentioned."""
    assert [text.split(".")[0] for text in binding(plan)] == [
        "Spending on Prevention in North must be at least £60,000"
    ]
    free = al.solve(tiny.change({"rules.prevention-north": None}))
    assert binding(free) == []
    assert "Easing" not in explain(free)


def test_the_dearest_rule_comes_first(tiny):
    """Rules stand in the order of what easing them is worth, whatever their names."""
    cap = {"kind": "cap", "owner": "board", "where": {"programmes": ["care"], "places": ["north"]}, "amount": 300_000}
    for name in ("a-cap", "z-cap"):
        said = binding(al.solve(tiny.change({f"rules.{name}": cap, "rules.prevention-north.amount": 51_000})))
        worth = [float(text.rsplit(" ", 2)[1]) for text in said]
        assert "at most £300,000" in said[0]
        assert len(said) == 2
        assert worth == sorted(worth, reverse=True)


def test_the_dearest_place_speaks_for_a_rule():
    """A rule that binds in several places is said once, for the dearest of them."""
    said = binding(al.solve(al.read(SCENARIOS / "health-benefits-package")))
    mine = [text for text in said if "Treatment after screening" in text]
    assert len(mine) == 1
    assert "(dearest of 2 where it binds)" in mine[0]


def test_what_is_not_pounds_is_eased_by_a_hundredth():
    """Resources are eased by 1%, since a pound means nothing to them."""
    said = binding(al.solve(al.read(SCENARIOS / "health-benefits-package")))
    assert any(text.startswith("Nurses: at most 26,000,000 minutes in 2026. Easing it by 1% is worth") for text in said)


def test_worth_is_what_solving_again_finds(plan, tiny):
    """The £1,000 of the sentences, tried: the floor lower by it, and each envelope higher by it, to three digits."""
    eased = al.solve(tiny.change({"rules.prevention-north.amount": 59_000.0}))
    assert eased.certificate.bound - plan.certificate.bound == pytest.approx(0.296, rel=0.05)
    for path, worth in (("envelopes.core", 1.0), ("envelopes.grant", 0.899)):
        amount = plan.money.set_index("envelope").loc[path.split(".")[1], "amount"]
        more = al.solve(tiny.change({path: amount + 1_000}))
        assert more.certificate.bound - plan.certificate.bound == pytest.approx(worth, rel=0.05)


@pytest.mark.parametrize(("name", "little"), [
    ("tiny", 1e3), ("health-benefits-package", 1e4), ("coventry-warwickshire", 1e6), ("greater-manchester", 1e6),
])  # fmt: skip
def test_a_little_is_in_proportion(name, little):
    """Prices are told for about a thousandth of the money, so that they hold for what is said."""
    assert a_little(al.solve(al.read(SCENARIOS / name))) == little


def test_envelopes_with_one_answer_are_named_together():
    """Many envelopes whose next pound buys the same are one phrase, in order of worth, with the others counted."""
    said = next_pound(al.solve(al.read(SCENARIOS / "greater-manchester")))
    assert said.startswith("£1m more would buy, in points of the agreed aim: ")
    assert " others " in said
    assert said.count(";") <= 5
    worth = [float(part.rstrip(".").rsplit(" ", 1)[1].replace(",", "")) for part in said.split("; ")]
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) == len(worth)


def test_years_are_told_apart(folder):
    """Over several years an envelope is named with its year."""
    plan = al.solve(two_years(folder))
    assert "Core money 2026/27" in next_pound(plan)
    assert "Core money 2027/28" in next_pound(plan)


def test_no_prices_with_choices():
    """Yes/no choices have no prices: it is said, and no worth of easing or of more money is printed."""
    plan = al.solve(al.read(SCENARIOS / "participatory-budget"))
    assert binding(plan) == [
        "Yes/no choices, or a cap on an outcome, leave no prices: what a rule costs is found by solving without it."
    ]
    assert next_pound(plan) == ""
    assert "Easing" not in explain(plan)
    assert "would buy" not in explain(plan)


def test_what_is_left_is_said(plan):
    """Money left in an envelope is said, envelope by envelope, and nothing is said where none is."""
    assert unspent(al.solve(al.read(SCENARIOS / "participatory-budget"))) == "Left unspent: £25,000 of Ballot money."
    assert unspent(plan) == ""


def test_ties_are_said(plan, tiny):
    """Equally good plans are owned up to, with how this one was picked; nothing is said where there are none."""
    assert ties(plan) == ""
    line = {"shape": "linear", "slope": 0.001, "reference": None, "exponent": None}
    straight = {f"curves.{place}.care.{field}": line[field] for place in ("north", "south") for field in line}
    tied = al.solve(tiny.change(straight))
    assert tied.ties == 2
    assert ties(tied) == ("Other plans are as good: at least 2 lines could be spent otherwise for the same outcome. "
                          "This one changes least from today.")  # fmt: skip
    assert ties(tied) in explain(tied)


@pytest.mark.parametrize(("gap", "end"), [
    (0.0, "no plan is better."),
    (3.2e-6, "no plan is better by more than {} years."),
    (0.0123, "a better plan is not ruled out: it could add up to {} years, which is 1.23% of what is at stake and more "
             "than the tolerance of 0.0001."),
])  # fmt: skip
def test_assurance_says_how_good(plan, gap, end):
    """The last word is exactly as sure as the certificate."""
    solved = replace(plan._solved, certificate=replace(plan.certificate, gap=gap))
    most = at_most(gap * plan._solved.problem.at_stake)
    assert assurance(replace(plan, _solved=solved)).endswith(end.format(most))


def test_a_tolerance_too_fine_is_no_contradiction(plan):
    """What is not certified is never said to be the best, however small its gap."""
    solved = replace(plan._solved, certificate=replace(plan.certificate, gap=1e-14))
    said = assurance(replace(plan, _solved=solved, options=replace(plan.options, tolerance=1e-20)))
    assert "no plan is better" not in said
    assert said.endswith("which is 1.0e-14 of what is at stake and more than the tolerance of 1e-20.")


def test_rules_beyond_the_dearest_are_named():
    """Where more rules bind than are told in full, the others are counted and named by their ids."""
    plan = al.solve(al.read(SCENARIOS / "health-benefits-package"))
    every, few = binding(plan, most=99), binding(plan, most=2)
    assert few[:2] == every[:2]
    assert few[2].startswith(f"And {len(every) - 2} more rules bind (")
    assert few[2].endswith("): see the limits table.")
    assert binding(plan, most=len(every) - 1)[-1].startswith("And 1 more rule binds (")
    limits = plan.limits
    held = set(limits.loc[limits["binding"] & (limits["price"] > 0), "rule"])
    assert sum(rule in few[2] for rule in held) == len(every) - 2


@pytest.mark.parametrize(("told", "said"), [
    ({}, ""),
    ({"envelopes.core": 850e3}, "Changed: envelopes.core: 900,000 → 850,000"),
    ({"rules.prevention-north.in_force": False}, "Changed: rules.prevention-north.in_force: yes → no"),
    ({"rules.prevention-north.amount": 5e3}, "Changed: rules.prevention-north.amount: 60,000 → 5,000"),
    ({"rules.steady-care.down": None}, "Changed: rules.steady-care.down: 0.05 → taken out"),
    ({"rules.prevention-north": None}, "Changed: rules.prevention-north: taken out"),
    ({"lines.*.high": 600e3}, "Changed: lines.*.high: 600,000"),
    ({"lines.*.*.prevention.baseline": "*1.02"}, "Changed: lines.*.*.prevention.baseline: \u00d7 1.02"),
    ({"rules.prevention-north.amount": "x0.8"}, "Changed: rules.prevention-north.amount: 60,000 \u00d7 0.8"),
    ({"rules.x": {"kind": "cap", "owner": "board", "amount": 999e3}}, "Changed: rules.x: a new rule"),
    ({"rules.prevention-north.where.places": ["south"]}, "Changed: rules.prevention-north.where.places: north → south"),
    ({"envelopes.core": 850e3, "places.north.name": "Up"},
     "Changed: envelopes.core: 900,000 → 850,000; places.north.name: North → Up"),
])  # fmt: skip
def test_a_what_if_says_what_it_changes(told, said, tiny):
    """Each path that a what-if changes is named with what stood there before, where that is a single value."""
    assert changes(tiny.change(told) if told else tiny) == said


def test_many_changes_are_counted(tiny):
    """A long what-if names its first changes and counts the others."""
    told = {"envelopes.core": 850e3, "places.north.name": "Up", "rules.prevention-north": None}
    assert changes(tiny.change(told), most=1) == "Changed: envelopes.core: 900,000 → 850,000; and 2 more"


def test_currency_is_the_scenarios():
    """Sentences are in the scenario's own currency."""
    said = explain(al.solve(al.read(SCENARIOS / "health-benefits-package")))
    assert "$18.0m is shared" in said
    assert "to the last whole amount" in said
    assert "£" not in said


def test_units_of_a_mixed_aim():
    """Where outcomes differ in unit or weight, prices are in points of the aim."""
    assert "points of the agreed aim" in explain(al.solve(al.read(SCENARIOS / "coventry-warwickshire")))
