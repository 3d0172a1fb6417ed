"""`allocate regimes`: words to stderr, tables to stdout, and in the exit code whether nobody would move."""

from __future__ import annotations

import csv
import io
import json

import pytest

import allocate as al
from allocate import cli
from allocate.cli.regimes import switch_points_to_json
from allocate.commons.apart.regimes import APART, AT_BEST, TOGETHER, TOLD
from tests.cli.test_main import TINY
from tests.commons.apart.test_switching import neighbour


def told(capsys, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What goes to stdout and to stderr."""
    assert cli.main(["regimes", TINY, *arguments]) == code
    out, words = capsys.readouterr()
    return out, words


@pytest.fixture(scope="module")
def found() -> al.Regimes:
    return al.regimes(al.read(TINY))


def test_words_and_tables(capsys, found):
    """Every sentence and the caveat on stderr; the regimes and what each partner counts on stdout."""
    out, words = told(capsys)
    assert words.splitlines() == [*found.sentences, found.scenario.heading.caveat, ""]
    assert "Apart, told, together (in years)" in out
    assert "What each counts for itself" in out
    assert "The Trust" in out
    assert "To partners" not in out


def test_as_csv_and_json(capsys, found):
    """As CSV one row a regime; as JSON every table, blanks as null."""
    rows = list(csv.DictReader(io.StringIO(told(capsys, "--format", "csv")[0])))
    assert [row["regime"] for row in rows] == list(found.table["regime"])
    told_all = json.loads(told(capsys, "--format", "json")[0])
    assert told_all["certified"] is True
    assert told_all["sentences"] == found.sentences
    assert {name: len(told_all[name]) for name in found.tables()} == {
        name: len(table) for name, table in found.tables().items()
    }
    assert [row["pounds"] for row in told_all["table"]] == [None] * len(found.table)


def test_rules_from_above_in_files(capsys, tmp_path):
    """A file of changes is a rule from above, by the name it is given; one under which nothing is possible says so."""
    (tmp_path / "more.toml").write_text('"rules.prevention-north.amount" = 80000\n')
    (tmp_path / "less.toml").write_text('"envelopes.core" = 700000\n')
    out, _ = told(
        capsys, "--told", f"more in North={tmp_path / 'more.toml'}", f"less money={tmp_path / 'less.toml'}",
        "--format", "csv",
    )  # fmt: skip
    rows = {(row["regime"], row["rule"]): row for row in csv.DictReader(io.StringIO(out))}
    assert float(rows[TOLD, "more in North"]["difference"]) < 0
    assert float(rows[AT_BEST, "more in North"]["difference"]) < 0
    assert "no plan is possible" in rows[TOLD, "less money"]["why"]
    assert float(rows[TOGETHER, ""]["difference"]) == pytest.approx(0, abs=1e-6)


def test_only_the_law(capsys):
    """With --statutory what was only agreed holds for nobody; with --holders those decide who hold the money."""
    both = [
        {row["regime"]: row for row in csv.DictReader(io.StringIO(told(capsys, *how, "--format", "csv")[0]))}
        for how in ((), ("--statutory",))
    ]
    assert float(both[1][APART]["value"]) > float(both[0][APART]["value"]) + 1
    counted = json.loads(told(capsys, "--holders", "--format", "json")[0])["regrets"]
    assert [row["partner"] for row in counted] == ["board", "council"]


def test_what_is_refused(capsys):
    """Names told twice and rules that cannot hold exit as they do for every verb."""
    assert "is told twice" in told(capsys, "--told", "a=x.toml", "a=y.toml", code=2)[1]
    assert "No plan" in told(capsys, "--set", "envelopes.core=700000", code=3)[1]


def test_switch_points(capsys, tmp_path):
    """With --switch-points the nearest ones are shown, and as JSON every table; options that do not go with it are
    refused."""
    al.write(neighbour(), tmp_path / "made")
    assert cli.main(["regimes", str(tmp_path / "made"), "--switch-points", "--alike", "0.0"]) == 0
    out, words = capsys.readouterr()
    assert "The nearest figure that would change who signs is" in words
    assert "Answers as figures are" in out
    assert "Switch points" in out
    nothing = al.switch_points(neighbour(), rows=True, tick=lambda done, total: False)
    told_all = json.loads(switch_points_to_json(nothing))
    assert told_all["complete"] is False
    assert len(told_all["points"]) == 16 * len(told_all["headlines"])
    assert "--each: goes with --switch-points" in told(capsys, "--each", code=2)[1]
    assert "does not go with --switch-points" in told(capsys, "--switch-points", "--statutory", code=2)[1]


def test_rules_from_above_by_a_rate(capsys):
    """Exactly, at least and alike are three different rules, each in its own words; a saving is a rate below 0."""
    asked = ("--exactly", "care=0.02", "--at-least", "care=0.02", "--alike", "-0.05")
    rows = list(csv.DictReader(io.StringIO(told(capsys, *asked, "--format", "csv")[0])))
    assert list(dict.fromkeys(row["rule"] for row in rows if row["rule"])) == [
        "Spending on Care grows by exactly 2.0% in each place",
        "Spending on Care grows by at least 2.0% in each place",
        "Every partner falls by exactly 5.0%",
    ]
    assert "is no programme" in told(capsys, "--exactly", "cares=0.02", code=2)[1]
    assert "is not a rate between -1 and 1" in told(capsys, "--at-least", "care=2", code=2)[1]
