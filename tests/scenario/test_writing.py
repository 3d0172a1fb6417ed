"""Writing a scenario: `read` takes back exactly what `write` wrote."""

from __future__ import annotations

import pytest

import allocate as al
from allocate.scenario.tables import TABLES
from tests.scenario.breaking import add, put


def test_round_trip(small, tmp_path):
    """What is written reads as the same scenario, and written again gives the same bytes."""
    al.write(small, tmp_path / "one")
    again = al.read(tmp_path / "one")
    assert again.digest == small.digest
    al.write(again, tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_round_trip_of_a_change(tiny, tmp_path):
    """A changed scenario, a new rule and all, is written with the evidence it needs to be read."""
    rule = {
        "kind": "share",
        "owner": "board",
        "where": {"kinds": ["acute"]},
        "of": {"years": ["2026/27"]},
        "at_most": 0.95,
    }
    new = tiny.change(
        {"envelopes.core": 850_000.25, "lines.*.high": 600_000, "rules.shared": rule, "rules.steady-care": None}
    )
    al.write(new, tmp_path)
    assert al.read(tmp_path).digest == new.digest


def test_awkward_text_comes_back(folder, tmp_path):
    """Commas, quotes, line breaks, accents and formulas survive, in tables and in TOML."""
    add("sources.csv", 'awkward,"=1+1, ""quoted"" — ñ",,"one\r\ntwo\ttab"\n')(folder)
    put("scenario.toml", '"Tiny"', r'"Ti\"ny\\ \n\u00e9 \u007f"')(folder)
    scenario = al.read(folder)
    al.write(scenario, tmp_path / "out")
    again = al.read(tmp_path / "out")
    assert again.digest == scenario.digest
    assert again.sources["note"].tolist() == ["one\r\ntwo\ttab", ""]


def test_awkward_numbers_come_back(tiny, tmp_path):
    """A figure is written so that it reads as the very same float."""
    for value in (0.1 + 0.2, 1 / 3, 5e-324, 1e-7, 2.0**40 + 0.5):
        new = tiny.change({"curves.north.care.slope": value, "rules.steady-care.up": min(value, 1.0)})
        al.write(new, tmp_path)
        assert al.read(tmp_path).digest == new.digest


def test_nothing_is_left_of_an_older_scenario(tiny, small, tmp_path):
    """Writing over a folder leaves no table or rule of what stood there before, and touches nothing else."""
    (tmp_path / "README.md").write_text("mine")
    al.write(small, tmp_path)
    al.write(tiny.change({"rules.steady-care": None, "rules.prevention-north": None}), tmp_path)
    assert al.read(tmp_path).rules == ()
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize("name", TABLES)
def test_schema_describes_every_table(name):
    """The published schema has each table's columns."""
    assert list(al.schema()[f"{name}.csv"]["properties"]) == list(TABLES[name].model_fields)


def test_schema_describes_the_rules():
    """The published schema has every kind of rule."""
    assert {"floor", "cap", "share", "band", "growth"} <= set(al.schema()["rules.toml"])
