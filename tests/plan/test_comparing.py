"""Plans side by side: what differs, which is best at what, and which must not be compared."""

from __future__ import annotations

import numpy as np
import pytest

import allocate as al
from allocate.plan.comparing import AGREED, TAKEN, Unlike, compare, difference_in_words, notes, unlike
from tests.conftest import SCENARIOS
from tests.rules.examples import two_years
from tests.scenario.breaking import put


@pytest.fixture(scope="module")
def free(tiny) -> al.Plan:
    """Tiny without its floor: worth 1.4764 years more, by hand."""
    return al.solve(tiny.change({"rules.prevention-north.in_force": False}))


@pytest.fixture(scope="module")
def both(plan, free):
    return compare({"with": plan, "without": free})


def measure(comparison, name: str, column: str):
    """One cell of the headline."""
    table = comparison.headline.set_index("measure")
    return table.loc[name, column]


def test_headline_is_the_hand_solved_difference(both):
    """The floor costs 1.4764 years (scenarios/tiny), so the plan without it is best, and shares no more money."""
    name = "Years of good health, against today"
    assert list(both.headline.columns) == ["measure", "unit", "with", "without", "best"]
    gained = measure(both, name, "without") - measure(both, name, "with")
    assert gained == pytest.approx(1.4764, abs=1e-4)
    assert measure(both, name, "best") == "without"
    assert measure(both, "The agreed aim", "with") == pytest.approx(1924.9477, abs=1e-4)
    assert measure(both, "Money shared", "with") == measure(both, "Money shared", "without") == 1e6
    assert measure(both, "Money shared", "best") == ""
    assert measure(both, "Lines that get less than today", "with") == 1
    assert measure(both, "Lines that get less than today", "best") == "without"
    assert measure(both, "Rules that shape the plan", "without") == 0


def test_fair_share_is_measured_at_the_leaves(both, plan):
    """Places within 2.5% of their fair share, and the furthest either way, leave out places that hold others."""
    places = plan.places.set_index("place").loc[["north", "south"], "distance_after"]
    assert measure(both, "Places within 2.5% of fair share", "with") == (places.abs() <= 0.025).sum()
    assert measure(both, "Furthest below fair share", "with") == pytest.approx(places.min())
    assert measure(both, "Furthest above fair share", "with") == pytest.approx(places.max())


def test_differences_add_up(both, plan, free):
    """By any column the plans' sums are the plans' own, and the largest difference comes first."""
    for column in ("partner", "place", "programme", "envelope"):
        table = both.by(column)
        assert list(table.columns) == ["id", "name", "with", "without", "difference"]
        assert table["with"].sum() == plan.spend["spend"].sum()
        assert table["difference"].sum() == pytest.approx(0.0, abs=1e-6)
        assert table["difference"].abs().is_monotonic_decreasing
    with pytest.raises(KeyError):
        both.by("outcome")
    assert list(both.lines["with"]) == [60e3, 40e3]
    assert set(both.lines["difference"]) == {-10e3, 10e3}


def test_changes_are_told_where_they_differ(tiny, both):
    """A path that the plans share is left out; one that differs has each plan's value, or says as agreed."""
    assert both.changes.to_dict("records") == [
        {"path": "rules.prevention-north.in_force", "panel": "rule", "with": AGREED, "without": "switched off"}
    ]
    common = {"envelopes.core": 950e3}
    cap = {"kind": "cap", "owner": "board", "where": {"places": ["north"]}, "amount": 900e3}
    plans = {
        "one": al.solve(tiny.change(common | {"rules.cap": cap})),
        "two": al.solve(tiny.change(common | {"rules.cap": cap | {"amount": 800e3}})),
        "three": al.solve(tiny.change(common | {"curves.north.care.slope": 0.003, "rules.prevention-north": None})),
    }
    table = compare(plans).changes.set_index("path")
    assert list(table.index) == ["rules.cap", "rules.prevention-north", "curves.north.care.slope"]
    assert list(table["panel"]) == ["rule", "rule", "assumption"]
    assert table.loc["rules.cap", "one"] == "a new rule: Spending in North must be at most £900,000"
    assert table.loc["rules.cap", "two"] != table.loc["rules.cap", "one"]
    assert table.loc["rules.prevention-north", "three"] == "taken out"
    assert table.loc["curves.north.care.slope", "three"] == "0.003 (agreed: 0.002)"


def test_unlike_plans_are_refused(plan, folder):
    """Other years, places, partners, outcomes, units or money: every reason is named, and comparing raises them."""
    package = al.solve(al.read(SCENARIOS / "health-benefits-package"))
    reasons = " ".join(unlike(plan, package))
    for word in ("years", "money", "places", "partners", "DALYs averted"):
        assert word in reasons
    assert unlike(plan, plan) == []
    with pytest.raises(Unlike) as raised:
        compare({"one": plan, "two": package})
    assert raised.value.reasons == unlike(plan, package)
    longer = al.solve(two_years(folder))
    assert unlike(plan, longer) == ["They are for other years: 2026/27 and 2026/27, 2027/28."]


def test_other_versions_are_a_note(plan, tiny, folder):
    """Another version of the same scenario may be compared, with a note; so may other weights and assumptions."""
    put("envelopes.csv", "900000", "900001")(folder)
    other = al.solve(al.read(folder))
    assert unlike(plan, other) == []
    assert len(compare({"one": plan, "two": other}).notes) == 1
    assert "versions" in notes(plan, other)[0]
    weighed = al.solve(tiny.change({"outcomes.health.weight": 2.0}))
    assert any("count outcomes differently" in note for note in notes(plan, weighed))
    believed = al.solve(tiny.change({"curves.north.care.slope": 0.003}))
    assert any("assumptions" in note for note in notes(plan, believed))


@pytest.mark.parametrize("count", [1, 5])
def test_two_to_four(plan, count):
    """One plan cannot be compared, nor can five, nor one named like a column."""
    with pytest.raises(ValueError, match="two to four"):
        compare({f"plan {k}": plan for k in range(count)})
    with pytest.raises(ValueError, match="called"):
        compare({"difference": plan, "other": plan})
    assert {"measure", "difference", "id"} <= TAKEN


def test_equal_plans_have_no_best(plan):
    """A plan against itself: nothing is best, no line differs, and it is said that every pound is the same."""
    same = compare({"one": plan, "two": plan})
    assert set(same.headline["best"]) == {""}
    assert same.lines.empty
    assert same.changes.empty
    assert difference_in_words(plan, plan, ("One", "two")) == (
        "Two places every pound as One does, held by the rule “Prevention north” and the amounts of Prevention grant "
        "and Core money."
    )


def test_difference_in_words(plan, free):
    """What the second plan does that the first does not, worst first, in the first plan's name."""
    said = difference_in_words(free, plan, ("the free plan", "the agreed plan"))
    assert said.startswith("Less than in the free plan: Years of good health (−1.48 years)")
    assert "North (£10,000, +2.2%) gains most" in said


def test_four_real_plans():
    """Four plans of a real system: a column each, and the best is never one that is worse than another."""
    base = al.read(SCENARIOS / "coventry-warwickshire")
    steps = {"agreed": {}, "a": {"rules.elective-recovery.in_force": False}, "b": {"rules.movement-hospital.up": 0.1},
             "c": {"envelopes.running-costs": 20_930_000.0, "rules.running-costs-cap": None}}  # fmt: skip
    found = compare({name: al.solve(base.change(step) if step else base) for name, step in steps.items()})
    table = found.headline
    assert list(table.columns) == ["measure", "unit", *steps, "best"]
    aim = table.set_index("measure").loc["The agreed aim", list(steps)].astype(float)
    assert table.set_index("measure").loc["The agreed aim", "best"] == aim.index[np.argmax(aim)]
    assert len(found.changes) == 4
