"""`allocate rules`: the book as sentences, with the room, the worth and the whole cost of each rule."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

import allocate as al
from allocate import cli, screen
from allocate.plan.prices import NOT_SOLVED, prices
from tests.cli.test_main import TINY
from tests.conftest import SCENARIOS

COUNCIL = 'rules.by-hand={kind = "cap", owner = "council", standing = "recorded", amount = 1e9}'
CLASH = (
    'rules.too-low={kind = "cap", owner = "council", where = {programmes = ["prevention"], places = ["north"]}, '
    "amount = 50000}"
)


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What `allocate rules` writes to stdout and to stderr."""
    assert cli.main(["rules", *arguments]) == code
    return capsys.readouterr()


def as_json(capsys, *arguments: str, code: int = 0) -> dict:
    return json.loads(told(capsys, *arguments, "--format", "json", code=code)[0])


def test_the_book_of_tiny_as_a_table(capsys):
    """The dearest rule stands first with what it costs and to whom, the rule with room after it, and words go to
    stderr."""
    out, words = told(capsys, TINY)
    assert out.splitlines()[0] == "What our rules cost, in years"
    assert [out.index(part) for part in ("Prevention north.", "1.48", "In force, and costing nothing", "£25,000")] == (
        sorted(out.index(part) for part in ("Prevention north.", "1.48", "In force, and costing nothing", "£25,000"))
    )
    assert "£1,000 of room" in out
    assert "Agreed; The Council answers for it." in out
    assert "Helps North (£10,000); costs South (£10,000)." in out
    assert "2 rules in force, 0 in the book besides." in words
    assert "without it the plan buys 1.48 more years" in words


def test_the_table_is_the_price_list(capsys, plan):
    """JSON and CSV hold every figure of the price list, unrounded, one row a rule; effects are a table of their own."""
    found, said = prices(plan), as_json(capsys, TINY)
    rules = pd.DataFrame(said["rules"]).set_index("id")
    assert said["unit"] == "years"
    listed = found.table.set_index("id")
    for column in ("cost", "worth", "room"):
        assert rules[column].tolist() == pytest.approx(listed[column].tolist())
    assert rules["sentence"].tolist() == listed["sentence"].tolist()
    assert len(said["effects"]) == len(found.effects)
    table = pd.read_csv(io.StringIO(told(capsys, TINY, "--format", "csv")[0])).set_index("id")
    assert table["cost"].tolist() == pytest.approx(listed["cost"].tolist())
    assert table.loc["prevention-north", "minute"].startswith("Agreed: Spending on Prevention in North")


def test_rules_that_do_not_bind_stand_last(capsys):
    """What is recorded or switched off has no price, and is listed after what is in force."""
    rules = as_json(capsys, TINY, "--set", COUNCIL, "--set", "rules.steady-care.in_force=false")["rules"]
    assert [(row["id"], row["state"]) for row in rules] == [
        ("prevention-north", "in force"), ("steady-care", "switched off"), ("by-hand", "recorded"),
    ]  # fmt: skip
    assert [row["cost"] is None for row in rules] == [False, True, True]
    out, _ = told(capsys, TINY, "--set", COUNCIL)
    assert "In the book, and binding nothing" in out


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_clash_prints_the_book_without_prices(capsys, form):
    """Rules that cannot all hold are printed all the same; that they have no prices is said, with what gives way, and
    the exit code is 3."""
    out, words = told(capsys, TINY, "--set", CLASH, "--format", form, code=3)
    assert "Spending on Prevention in North must be at least £60,000" in out
    assert "there is no plan, and none of them has a price" in words
    assert "No plan keeps every rule" in words
    if form == "json":
        assert all(row["cost"] is None and row["worth"] is None for row in json.loads(out)["rules"])


def test_choices_are_priced_by_solving_again(capsys):
    """Where yes/no choices leave no price at the margin that is said, and each whole cost is there."""
    out, words = told(capsys, str(SCENARIOS / "participatory-budget"))
    assert "Yes/no choices leave no price at the margin" in words
    assert "145" in out
    assert " of room" not in out


def test_what_time_does_not_allow_is_said(capsys, monkeypatch):
    """Costs that were not reached in the time are blank and said to be, and --whole looks for them all."""
    package = str(SCENARIOS / "health-benefits-package")
    times = iter([0.0, 0.0, *[1e9] * 20])
    monkeypatch.setattr(cli.rules.time, "monotonic", lambda: next(times))
    out, words = told(capsys, package)
    assert "not solved" in out
    assert "--whole solves for all of them" in words
    monkeypatch.undo()
    rules = as_json(capsys, package, "--whole")["rules"]
    assert not [row for row in rules if row["state"] == "in force" and row["how"] == NOT_SOLVED]


def test_a_real_book_fits_a_hundred_columns(capsys, monkeypatch):
    """The book of a real system keeps within a hundred columns, every rule of it once, in words that a committee could
    have minuted."""
    monkeypatch.setattr(screen, "_console", lambda: screen._Console(width=100))
    folder = SCENARIOS / "coventry-warwickshire"
    out, _ = told(capsys, str(folder))
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 100
    scenario = al.read(folder)
    flat = " ".join(out.split())
    for title in (rule.id.replace("-", " ").capitalize() for rule in scenario.rules):
        assert flat.lower().count(f"{title}.".lower()) == 1, title


def test_a_command_that_is_wrong_is_refused(capsys):
    """A change that does not fit exits 2 with nothing on stdout."""
    out, words = told(capsys, TINY, "--set", "rules.no-such.amount=1", code=2)
    assert out == ""
    assert "no-such" in words
