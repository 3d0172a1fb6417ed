"""A draft as a proposal: what it does to everyone, who would agree, and the version nobody objects to."""

from __future__ import annotations

import shlex

import pytest

import allocate as al
from allocate import cli
from allocate.ui import proposing
from tests.conftest import SCENARIOS
from tests.ui.apping import bodies, draft, explorer, said, settle, unfold, visit, words

pytestmark = pytest.mark.usefixtures("explorer")
MORE = {"scenario": "coventry-warwickshire", "rules.elective-recovery.at_least": 0.03}
FAR = {"scenario": "coventry-warwickshire", "rules.greatest-need-first.at_least": 0.09}
"""More than everybody would agree to; something between would be."""


def opened(**query):
    """The page of rules with the proposal unfolded."""
    app = visit("rules", **query)
    app.session_state["propose"] = True
    return settle(app)


def test_nothing_is_proposed_before_anything_is_changed():
    """Without a change the page says how to make one; with assumptions alone that nobody votes on them."""
    assert proposing.NOTHING in said(visit("rules", scenario="tiny"))
    assumed = visit("rules", **{"scenario": "tiny", "curves.*.care.slope": "x0.8"})
    assert proposing.ASSUMED in said(assumed)


def test_a_proposal_is_told_seat_by_seat():
    """What it costs in all, what each partner has before and after and how it would vote, and places likewise."""
    app = opened(**MORE)
    told = said(app)
    found = al.propose(
        al.solve(al.read(SCENARIOS / "coventry-warwickshire")), {"rules.elective-recovery.at_least": 0.03}, by="icb"
    )
    assert f"If this is proposed: {found.answer}" in told
    table = next(words(each) for each in bodies(app) if "its vote" in each)
    assert "George Eliot Hospital" in table
    assert "Against, and objects" in table
    assert "For (proposes it)" in table
    assert "Every place: money and what it buys" in table
    assert "Leaving no loser takes" in told
    assert "Decides in" in told


def test_it_says_under_which_rules_it_passes_and_why():
    """Each rule for deciding says yes or no, and why, as `allocate.propose` does."""
    app = opened(**MORE)
    table = next(words(each) for each in bodies(app) if "Decided by" in each)
    for name, answer in (("Unanimity", "No"), ("Consent", "No"), ("A weighted majority", "Yes"), ("The law", "Yes")):
        assert f"{name} {answer}" in table


def test_the_seat_proposes_unless_somebody_else_is_named():
    """The partner whose seat is taken is the proposer; without one, whoever answers for the rule."""
    app = opened(**MORE, seat="partners.geh")
    assert next(each for each in app.selectbox if each.label == "Proposed by").value == "geh"
    app = opened(**MORE)
    asked = next(each for each in app.selectbox if each.label == "Proposed by")
    assert asked.value == "icb"
    asked.set_value("uhcw")
    table = next(words(each) for each in bodies(settle(app)) if "its vote" in each)
    assert "University Hospitals Coventry and Warwickshire" in table
    assert "For (proposes it)" in table


def test_the_nearest_version_is_tried_with_a_press():
    """Where somebody objects the page looks for the nearest version to which nobody does, and trying it puts that in
    the place of what was proposed."""
    app = opened(**FAR)
    found = al.propose(al.solve(al.read(SCENARIOS / "coventry-warwickshire")), dict(draft(app).changes), by="icb")
    near = found.nearest
    assert 0 < near.part < 1
    assert f"Greatest need first: at least: {near.said}" in said(app)
    app.button(key="try-nearest").click()
    settle(app)
    assert draft(app).changes == dict(near.change)
    app.session_state["propose"] = True
    assert "Nobody objects." in said(settle(app))
    assert not [each for each in app.button if each.key == "try-nearest"]


def test_where_no_version_would_do_it_is_said():
    """Where somebody loses all along the way the page says that no version was found."""
    app = opened(**{"scenario": "coventry-warwickshire", "rules.elective-recovery.in_force": "false"})
    assert "None was found between what stands and what is proposed." in said(app)


def test_easing_the_law_is_barred():
    """A proposal that eases a statutory rule says so, and offers no version of it."""
    told = said(opened(**{"scenario": "coventry-warwickshire", "rules.mental-health-standard.at_least": 0.02}))
    assert "eases a statutory rule" in told
    assert "There is none while the proposal eases the law" in told


def test_a_proposal_that_cannot_hold_is_answered_too():
    """Under a clash the proposal says that it cannot hold, and shows no table of nothing."""
    app = opened(**{"scenario": "coventry-warwickshire", "envelopes.core.amount": 1_600_000_000})
    told = said(app)
    assert "If this is proposed: This cannot hold: no plan keeps every rule." in told
    assert "No plan keeps the rules proposed." in told
    assert "its vote" not in told


def test_assumptions_are_no_part_of_it():
    """Where assumptions were changed too, the proposal is set against the plan as agreed under them."""
    app = opened(**MORE, **{"curves.*.elective.slope": "x0.9"})
    told = said(app)
    assert "Part of this is an assumption" not in told
    assert "It takes the assumptions as they were read" in told
    assert "--change rules.elective-recovery.at_least=0.03" in " ".join(each.value for each in app.code)
    assert not any("curves" in each.value for each in app.code)


def test_the_command_and_the_text_say_the_same(capsys, monkeypatch):
    """The command that the page shows runs, and says what the page does; the text for the minutes has it all."""
    app = opened(**{"scenario": "tiny", "rules.prevention-north.amount": 70_000})
    command = next(each.value for each in app.code if "allocate propose" in each.value)
    monkeypatch.chdir(SCENARIOS.parent)
    assert cli.main(shlex.split(command)[1:]) == 0
    heard = capsys.readouterr()
    assert "Passing this costs 4.49 years overall" in heard.err + heard.out
    assert "Passing this costs 4.49 years overall" in said(app)


def test_everything_unfolds():
    """With every fold open the page of a proposal still stands."""
    assert "Would it pass?" in said(unfold(visit("rules", **MORE)))


__all__ = ["explorer"]
