"""The read-me files keep their word: examples parse, columns are all explained, tables give the files."""

from __future__ import annotations

import csv
import io
import itertools
import re
import tomllib

import numpy as np
import pytest

import allocate as al
from allocate.rules.limits import limits
from allocate.rules.tally import Tally
from allocate.scenario.reading import fit, make_rule, read_cells
from allocate.scenario.rulebook import KINDS, Rule, Scope
from allocate.scenario.tables import TABLES, Heading
from tests.conftest import SCENARIOS
from tests.rules.examples import EXAMPLES

FORMAT = (SCENARIOS / "README.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", FORMAT, re.MULTILINE | re.DOTALL))

SHOWN = (
    "floor", "cap", "keep", "share", "band", "growth", "ring-fence", "reach", "match", "converge", "gap", "ratio",
    "gini", "hoover", "palma",
    "balanced", "worst-off", "bottom-up", "weighted", "tails",
    "per-head", "report", "virement", "reserve", "open", "start", "either", "prerequisite", "moves",
)  # fmt: skip


def blocks(section: str, language: str) -> list[str]:
    """The examples in one language under a heading."""
    return re.findall(rf"```{language}\n(.*?)```", SECTIONS[section], re.DOTALL)


@pytest.mark.parametrize("name", TABLES)
def test_rows_shown_are_sound(name):
    """Every row shown for a table is one that the reader accepts."""
    found: list[al.Problem] = []
    for text in blocks(f"{name}.csv", "csv"):
        for number, cells in read_cells(name, text, TABLES[name], found):
            fit(TABLES[name], cells, found, name, number)
    assert blocks(f"{name}.csv", "csv")
    assert not found


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_explained(name):
    """Each column of a table stands in its section, and no other does."""
    rows = re.findall(r"^\| (`.*?) \|", SECTIONS[f"{name}.csv"].split("| column |")[1], re.MULTILINE)
    assert [column for row in rows for column in re.findall(r"`(\w+)`", row)] == list(TABLES[name].model_fields)


def test_the_heading_shown_is_sound():
    """The example of scenario.toml has every field, and is accepted."""
    fields = tomllib.loads(blocks("scenario.toml", "toml")[0])
    assert list(Heading.model_validate(fields).model_fields_set)
    assert list(fields) == list(Heading.model_fields)


def test_the_rules_shown_are_sound(tiny):
    """Each rule shown is accepted, and can be added to tiny with the route shown; every kind is shown."""
    found: list[al.Problem] = []
    shown = [rule for text in blocks("rules.toml", "toml") for rule in tomllib.loads(text).items()]
    kinds = {make_rule(name, fields, found).kind for name, fields in shown}
    assert not found
    assert kinds >= set(SHOWN)
    routed = next(example for example in EXAMPLES if example.kind == "reserve").ground(tiny)
    assert len(routed.change({f"rules.{name}": fields for name, fields in shown}).rules) == len(shown)


def test_every_field_of_a_rule_is_explained():
    """The section on rules names each field of rules, of scopes and of these kinds."""
    fields = {field for kind in (Rule, Scope, *(KINDS[name] for name in SHOWN)) for field in kind.model_fields} - {"id"}
    assert [field for field in sorted(fields) if not re.search(rf"\b{field}\b", SECTIONS["rules.toml"])] == []


def test_the_paths_shown_name_what_is_said(tiny):
    """The first paths of the section are good for a change."""
    one = "lines.trust.north.care.core.2026/27.high"
    for path, value in (
        (one, 4e5),
        ("lines.trust.north.high", 4e5),
        ("envelopes.core", 8.5e5),
        ("lines.*.north.*.baseline", 5e4),
    ):
        assert tiny.change({path: value}).changes == {path: value}
    with pytest.raises(al.ScenarioError, match=r"lines\.\*\.prevention\.high.*place prevention"):
        tiny.change({"envelopes.core": 850_000, "lines.*.prevention.high": 70_000})


def numbers(row: list[str]) -> list[float]:
    return [float(re.sub(r"[£$,%]", "", cell)) for cell in row]


def markdown(text: str, first: str) -> list[list[str]]:
    """The rows of the table in a markdown text whose first column has this heading."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    start = next(k for k, row in enumerate(rows) if row[0] == first)
    return list(itertools.takewhile(lambda row: len(row) == len(rows[start]), rows[start + 2 :]))


def test_health_benefits_package_follows_from_its_table():
    """Lines, curves and uses are the worked table of the read-me, row by row."""
    folder = SCENARIOS / "health-benefits-package"
    scenario = al.read(folder)
    lines = scenario.lines.set_index(["programme", "place"])
    slopes = scenario.curves.set_index(["programme", "place"])["slope"]
    rates = scenario.uses.set_index(["resource", "programme"])["rate"]
    table = markdown((folder / "README.md").read_text(encoding="utf-8"), "intervention")
    assert {row[0] for row in table} == set(scenario.programmes["id"])
    for name, *cells in table:
        cost, effect_h, effect_l, need_h, need_l, nurse, clinician, covered = numbers(cells)
        for place, effect, need in (("highlands", effect_h, need_h), ("lakeside", effect_l, need_l)):
            assert lines.loc[(name, place), "high"] == cost * need
            assert lines.loc[(name, place), "baseline"] == pytest.approx(covered / 100 * cost * need)
            assert slopes[name, place] == pytest.approx(effect / cost)
            assert rates.get((f"malnourished-{place}", name), 1 / cost) == 1 / cost
        assert rates["nurse-minutes", name] == nurse / cost if nurse else ("nurse-minutes", name) not in rates
        assert (
            rates["clinician-minutes", name] == clinician / cost
            if clinician
            else ("clinician-minutes", name) not in rates
        )


def test_health_benefits_package_begins_within_its_rules():
    """Today's spending breaks no rule, resource or envelope, so that a plan exists."""
    scenario = al.read(SCENARIOS / "health-benefits-package")
    tally = Tally(scenario, scenario.lines["baseline"].to_numpy(), np.zeros(len(scenario.curves)))
    assert [limit.name for limit in limits(scenario, tally) if not limit.low <= limit.body <= limit.high] == []
    spent = scenario.lines.groupby("envelope")["baseline"].sum()
    assert (spent <= scenario.envelopes.set_index("id")["amount"]).all()


def best_ballot(scenario: al.Scenario, *rules: str) -> tuple[float, float]:
    """The most support that any of the 1,024 ballots within the money and these rules has, and what it costs."""
    cost = scenario.lines["high"].to_numpy()
    support = scenario.curve_points.groupby(["place", "programme"])["gain"].max()
    votes = support.loc[list(zip(scenario.lines["place"], scenario.lines["programme"], strict=True))].to_numpy()
    best = (-1.0, 0.0)
    for choice in itertools.product((0, 1), repeat=len(cost)):
        spend = cost * choice
        if spend.sum() <= scenario.envelopes["amount"][0] and votes @ choice > best[0]:
            found = limits(scenario, Tally(scenario, spend, votes * choice))
            if all(limit.low <= limit.body <= limit.high for limit in found if limit.owner in rules):
                best = (float(votes @ choice), float(spend.sum()))
    return best


def test_participatory_budget_answers():
    """Trying every ballot gives the answers of the read-me, with each rule, with both and with none."""
    folder = SCENARIOS / "participatory-budget"
    scenario = al.read(folder)
    table = markdown((folder / "README.md").read_text(encoding="utf-8"), "rules in force")
    rules = [(), ("every-district",), ("not-all-on-streets",), ("every-district", "not-all-on-streets")]
    for named, row in zip(rules, table, strict=True):
        assert best_ballot(scenario, *named) == tuple(numbers([cell.strip("*") for cell in row[1:3]]))


def test_participatory_budget_table_is_the_scenario():
    """The projects listed are the lines, at their cost."""
    folder = SCENARIOS / "participatory-budget"
    table = markdown((folder / "README.md").read_text(encoding="utf-8"), "project")
    listed = {(row[1].lower(), row[0].replace(" ", "-"), *numbers(row[2:])) for row in table}
    lines, points = al.read(folder).lines, al.read(folder).curve_points
    support = points.groupby(["place", "programme"])["gain"].max()
    assert listed == {(x.place, x.programme, x.high, support[x.place, x.programme]) for x in lines.itertuples()}
    assert (lines["scale"] == lines["high"]).all()


def test_tables_written_by_hand_have_no_stray_cells():
    """Every row of the small scenarios has as many cells as its header."""
    for path in SCENARIOS.glob("*/*.csv"):
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
        assert {len(row) for row in rows} == {len(rows[0])}, path
