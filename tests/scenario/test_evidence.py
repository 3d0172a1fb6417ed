"""Evidence: every figure has one speaker, the most exact."""

from __future__ import annotations

import pytest

import allocate as al
from tests.scenario.breaking import add


def test_every_figure_has_evidence(small):
    """A scenario that was read has evidence, with a known source, for every figure."""
    table = al.evidence(small)
    assert set(table["status"]) <= {"found", "derived", "assumed"}
    assert set(table["source"]) <= set(small.sources["id"])
    assert table["figure"].is_unique


def test_figures_are_those_of_the_tables(tiny):
    """Each given figure stands once, with its value; a blank is no figure."""
    values = al.evidence(tiny).set_index("figure")["value"]
    assert values["lines.trust.north.care.core.2026/27.baseline"] == 300_000
    assert values["envelopes.core.2026/27.amount"] == 900_000
    assert values["rules.steady-care.down"] == 0.05
    assert not [figure for figure in values.index if figure.endswith(".high")]
    assert values.notna().all()


@pytest.mark.parametrize(
    "rows",
    [
        ["lines.trust.*.baseline,found,made-up,exact", "lines.*.*.*.core.baseline,derived,made-up,equal"],
        ["lines.trust.north.*.baseline,found,made-up,exact", "lines.trust.*.baseline,derived,made-up,less"],
        [
            "lines.trust.north.care.core.2026/27.baseline,found,made-up,exact",
            "lines.*.north.care.core.2026/27.baseline,derived,made-up,less",
        ],
        ["lines.trust.north.baseline,found,made-up,exact", "lines.trust.*.care.baseline,derived,made-up,equal"],
    ],
)
def test_the_most_exact_row_speaks(folder, rows):
    """The row that names most of the key speaks, whatever the order; of equals, the later in the alphabet."""
    add("evidence.csv", "".join(f"{row}\n" for row in reversed(rows)))(folder)
    table = al.evidence(al.read(folder)).set_index("figure")
    assert table.loc["lines.trust.north.care.core.2026/27.baseline", "note"] == "exact"
    assert table.loc["lines.council.north.prevention.grant.2026/27.baseline", "note"] == ""


def test_changed_figures_are_assumed(tiny):
    """What was found for one value does not speak for another: the note says what it was."""
    table = al.evidence(tiny.change({"envelopes.core": 850_000})).set_index("figure")
    row = table.loc["envelopes.core.2026/27.amount"]
    assert (row["status"], row["source"], row["note"]) == ("assumed", "change", "was 900000")
    assert table.loc["envelopes.grant.2026/27.amount", "source"] == "made-up"


def test_evidence_of_a_rule_goes_with_it(tiny):
    """Evidence for a rule taken out speaks for nothing, and goes too."""
    without = tiny.change({"rules.prevention-north": None})
    assert "rules.prevention-north.amount" not in set(without.evidence["figure"])
    assert "change" not in set(without.sources["id"])
