"""The page of the evidence from a seat: figures about it come first, under a heading that says so."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.scenario.evidence import evidence
from allocate.ui.evidence_parts import about_me, told_of
from tests.ui.apping import explorer, said, settle, verdict, visit

pytestmark = pytest.mark.usefixtures("explorer")


def about(scenario: al.Scenario, seat: str) -> set[str]:
    """The figures about a seat."""
    table = evidence(scenario)
    return set(table.loc[about_me(scenario, table, seat), "figure"])


def test_figures_about_a_place(tiny):
    """North's people and need, its lines, what is bought there, the envelopes that pay, and its rules; nothing of
    South's."""
    mine = about(tiny, "places.north")
    assert {"places.north.need", "places.north.population", "envelopes.core.2026/27.amount"} <= mine
    assert "lines.trust.north.care.core.2026/27.baseline" in mine
    assert any(each.startswith("curves.north.care") for each in mine)
    assert any(each.startswith("rules.prevention-north") for each in mine)
    assert not [each for each in mine if "south" in each]


def test_figures_about_a_partner(tiny):
    """The council's own lines and envelope and what those buy, not the trust's; the board's only what it holds."""
    mine = about(tiny, "partners.council")
    assert "envelopes.grant.2026/27.amount" in mine
    assert "envelopes.core.2026/27.amount" not in mine
    assert not [each for each in mine if each.startswith("lines.trust") or ".care." in each]
    assert not [each for each in mine if each.startswith("places.")]
    assert about(tiny, "partners.board") == {"envelopes.core.2026/27.amount"}


def test_the_page_lists_mine_first():
    """The system's sentence stays at the top; then the seat's count, and its figures before all others; filters hold
    for both lists."""
    app = visit("evidence", scenario="tiny", seat="places.north")
    assert verdict(app).startswith("Of ")
    told = said(app)
    assert "North. Of " in told
    assert told.index("figures about North") < told.index("The other ")
    mine, others = (each.value for each in app.dataframe)
    assert mine["figure"].str.contains("north").any()
    assert not others["figure"].str.startswith("lines.trust.north").any()
    assert set(mine["figure"]).isdisjoint(others["figure"])
    app.text_input(key="evidence-search").set_value("population")
    settle(app)
    mine, others = (each.value for each in app.dataframe)
    assert mine["figure"].tolist() == ["places.north.population"]
    assert len(others) == 2


def test_without_a_seat_there_is_one_list():
    """The whole system sees one list of every figure."""
    app = visit("evidence", scenario="tiny")
    assert len(app.dataframe) == 1
    assert "figures about" not in said(app)


def test_counts_are_said_in_a_sentence(tiny):
    """How much rests on judgement is counted; none at all is said, not divided by."""
    table = evidence(tiny)
    assert told_of(table, "figures").endswith("100% rest on judgement.")
    assert told_of(table.head(0), "figures about you") == "There are no figures about you."


__all__ = ["explorer"]
