"""The page of a clash: what cannot hold together, and the ways out, each to be tried."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.plan.figures import pounds
from allocate.plan.words import title
from allocate.ui.knobs import label_of
from allocate.ui.knobs import words as as_said
from tests.conftest import SCENARIOS
from tests.ui.apping import bodies, explorer, press, said, settle, verdict, visit, words

pytestmark = pytest.mark.usefixtures("explorer")
SUMS = {"scenario": "tiny", "envelopes.core.amount": 700_000}
"""Less than care may fall to."""
MENTAL = {"scenario": "coventry-warwickshire", "rules.mental-health-standard.at_least": 0.3}
"""More than a limit on movement lets it rise."""
MANY = {"scenario": "coventry-warwickshire", "envelopes.core.amount": 1_600_000_000}
"""So little money that several sets of rules clash."""
LAW = {
    "scenario": "coventry-warwickshire", "rules.running-costs-cap.amount": 19_000_000,
}  # fmt: skip
"""A cap in law below a floor in law."""


def looked_for(query):
    """What `allocate.clash` says of the same."""
    changes = {path: value for path, value in query.items() if path != "scenario"}
    return al.clash(al.read(SCENARIOS / query["scenario"]).change(changes))


def test_sums_come_first():
    """Where sums alone say no the page opens with them, the floors named as the page names rules; and what was changed
    last can be taken back before anything else."""
    app = visit("rules", **SUMS)
    assert verdict(app) == (
        "These rules cannot all be met. The minima of Core money add to £760,000, the budget is £700,000. "
        "Raise it by £60,000 or ease this floor: Steady care: £760,000"
    )
    told = said(app)
    assert told.index("Take back what you changed last") < told.index("What cannot hold together")
    assert "Core money: £900,000 → £700,000" in told
    press(app, "Undo the last change")
    assert verdict(app).startswith("Every rule is met.")


def test_a_clash_names_its_rules_and_whose_they_are():
    """Each smallest clash is a card: how many rules it is of, each with its sentence, its standing and its owner."""
    app = visit("rules", **MENTAL)
    card = next(words(each) for each in bodies(app) if "al-clash-cards" in each)
    assert card.startswith(
        "This rule cannot be kept The law and the money leave no room for it. Movement other NHS Agreed"
    )
    assert "NHS Coventry and Warwickshire ICB" in card


def test_several_clashes_are_all_shown():
    """Where several sets clash each has a card, and those rules stand open in the book below, the others folded."""
    app, found = visit("rules", **MANY), looked_for(MANY)
    cards = next(each for each in bodies(app) if "al-clash-cards" in each)
    assert cards.count("<h3>") == found.clashes["clash"].nunique() > 1
    assert "These two rules cannot both be kept" in words(cards)
    told = said(app)
    assert f"Rules that clash ({found.clashes['rule'].nunique()})" in told
    assert not [each for each in app.toggle if each.key == "rules:rules.maternity-floor.in_force"]


def test_ways_out_say_what_changes_whom_to_ask_and_what_is_bought():
    """The cheapest way comes first, then the others; each says from what to what, how many pounds, whom to ask, and
    what the plan would buy; ways that are one are one card."""
    app = visit("rules", **MENTAL)
    told, found = said(app), looked_for(MENTAL)
    [rule] = set(found.ways.loc[found.ways["kind"] == "cheapest", "rule"])
    ((path, value),) = found.ways["change"].iloc[0].items()
    scenario = al.read(SCENARIOS / MENTAL["scenario"])
    assert f"{label_of(scenario, path)}: " in told
    assert f"→ {as_said(scenario, path, value)}" in told
    assert "It has the fewest concessions too. It also asks least of any one partner." in told
    assert f"{pounds(found.ways['pounds'].iloc[0])} gives way, summed over all that the rules cover." in told
    assert "Ask NHS Coventry and Warwickshire ICB." in told
    assert "The plan then buys" in told
    assert told.index("The cheapest way out") < told.index("Leave out a whole rule")
    assert title(rule) in told[told.index("Leave out a whole rule") :]


def test_ways_that_differ_are_told_apart():
    """The cheapest, the fewest concessions, what asks least of any one partner, and rules to leave out, in this
    order."""
    several, found = said(visit("rules", **MANY)), looked_for(MANY)
    changes = {kind: repr(sorted(rows["change"].map(repr))) for kind, rows in found.ways.groupby("kind", sort=False)}
    named = {"fewest": "The fewest concessions", "fairest": "Asks least of any one partner"}
    heads = ["The cheapest way out", *(head for kind, head in named.items() if changes[kind] != changes["cheapest"])]
    order = [several.index(head) for head in [*heads, "Leave out"]]
    assert order == sorted(order)


@pytest.mark.parametrize("query", [SUMS, MENTAL, LAW], ids=["sums", "mental", "law"])
def test_each_way_out_leads_to_a_plan(query):
    """Whatever way is tried, there is a plan."""
    keys = [each.key for each in visit("rules", **query).button if str(each.key).startswith("try-")]
    assert len(keys) >= 2
    for key in keys:
        app = visit("rules", **query)
        app.button(key=key).click()
        settle(app)
        assert "cannot all be met" not in verdict(app), key


def test_law_that_clashes_is_said_to_be_law():
    """Where statutory rules clash among themselves the page says that no agreement helps, and each way out says that it
    touches the law."""
    told = said(visit("rules", **LAW))
    assert "These are law, and clash whatever partners agree." in told
    assert "In law" in told[told.index("Ways out") :]


def test_a_seat_is_told_what_is_its_own_to_decide():
    """To the partner whose rule gives way the page says so."""
    assert "Yours to decide." in said(visit("rules", **SUMS, seat="partners.trust"))


def test_no_price_is_shown_under_a_clash():
    """Prices would mean nothing while rules clash: there are none, nor a button that works them out."""
    app = visit("rules", **MENTAL)
    assert "al-pricebar" not in " ".join(bodies(app))
    assert not [each for each in app.button if each.key == "every-cost"]


__all__ = ["explorer"]
