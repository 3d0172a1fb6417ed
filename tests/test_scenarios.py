"""Every shipped scenario: sound, solved, certified, exact to the pound, and the same however one comes to it."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import allocate as al
from allocate.engine.pool import POOL
from allocate.scenario.rulebook import record
from allocate.scenario.tables import TABLES
from tests.conftest import SCENARIOS

NAMES = sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.toml"))
REBUILT = ("coventry-warwickshire", "greater-manchester")


@pytest.fixture(scope="module", params=NAMES)
def scenario(request) -> al.Scenario:
    return al.read(SCENARIOS / request.param)


@pytest.fixture(scope="module")
def plan(scenario) -> al.Plan:
    return al.solve(scenario)


def same_plan(one: al.Plan, other: al.Plan) -> None:
    """Two plans that agree in every decision and every figure that follows from it."""
    for name in ("spend", "routes", "gains"):
        pd.testing.assert_frame_equal(one.tables()[name], other.tables()[name])
    pd.testing.assert_frame_equal(one.money.drop(columns="price"), other.money.drop(columns="price"))
    assert one.value == other.value
    assert one.ties == other.ties


def test_there_are_scenarios():
    """The scenarios the README speaks of are here."""
    assert {"tiny", "participatory-budget", "health-benefits-package", *REBUILT} <= set(NAMES)


def test_folder_is_named_after_its_scenario(scenario):
    """A scenario's folder bears its id and tells its story in a README."""
    folder = SCENARIOS / scenario.id
    assert folder.is_dir()
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# ")


def test_certified(plan):
    """Every plan is optimal, in whole pounds, keeps every rule, and no plan is better by more than the tolerance."""
    facts = plan.facts.set_index("fact")["value"]
    assert (facts["status"], facts["whole_pounds"], facts["certified"], facts["breaches"]) == (
        "optimal",
        "True",
        "True",
        "0",
    )
    assert plan.certified
    assert plan.certificate.gap <= 1e-4
    assert plan.certificate.bound >= plan.value - 1e-9 * abs(plan.value)
    assert (plan.limits["slack"] >= -1e-6).all()


def test_money_to_the_pound(plan, scenario):
    """What is spent, left and passed on is what each envelope holds and is given: exactly."""
    money = plan.money
    np.testing.assert_array_equal(
        money["spent"] + money["unspent"] + money["moved_out"] - money["moved_in"], scenario.envelopes["amount"]
    )
    assert plan.spend["spend"].sum() + money["unspent"].sum() == scenario.envelopes["amount"].sum()


def test_every_figure_has_evidence(scenario):
    """Each figure is found, derived or assumed, and names a source the scenario lists."""
    evidence = al.evidence(scenario)
    assert len(evidence) > 0
    assert set(evidence["status"]) <= {"found", "derived", "assumed"}
    assert set(evidence["source"]) <= set(scenario.sources["id"])


def test_twice_is_the_same(plan, scenario):
    """Solved again, on a model that was used before and on one made afresh, the plan is identical."""
    same_plan(al.solve(scenario), plan)
    POOL.clear()
    same_plan(al.solve(al.read(SCENARIOS / scenario.id)), plan)


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_rows_has_no_meaning(seed, scenario, plan, tmp_path):
    """With the rows of every table and the rules of the book shuffled, scenario and plan are the same."""
    folder = Path(shutil.copytree(SCENARIOS / scenario.id, tmp_path / scenario.id))
    shuffle = random.Random(seed).shuffle
    moved = 0
    for path in sorted(folder.glob("*.csv")):
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        before = list(rows)
        shuffle(rows)
        moved += rows != before
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    _write_rules(folder, scenario, list(reversed(scenario.rules)))
    again = al.read(folder)
    assert moved >= 3
    assert again.digest == scenario.digest
    same_plan(al.solve(again), plan)


def _write_rules(folder: Path, scenario: al.Scenario, rules: list) -> None:
    """The rules of a scenario as rules.toml, in this order."""
    al.write(scenario, folder / "out")
    blocks = (folder / "out" / "rules.toml").read_text(encoding="utf-8").split("\n\n")
    by_name = {block.split("]")[0].strip("[\n"): block.strip() for block in blocks}
    shutil.rmtree(folder / "out")
    text = "\n\n".join(by_name[rule.id] for rule in rules) + "\n"
    (folder / "rules.toml").write_text(text, encoding="utf-8")


def test_display_names_have_no_meaning(scenario, plan):
    """With every display name changed, and their alphabet turned round, the same lines get the same money."""
    names = {}
    for table in ("partners", "places", "programmes", "outcomes", "envelopes", "resources"):
        rows = (
            scenario.table(table)[list(TABLES[table].key)].agg(".".join, axis=1) if len(scenario.table(table)) else []
        )
        names |= {f"{table}.{key}.name": f"{table} {len(rows) - k:04d}" for k, key in enumerate(rows)}
    renamed = scenario.change(names)
    assert renamed.digest != scenario.digest
    same_plan(al.solve(renamed), plan)


def test_a_path_that_leads_back(scenario, plan):
    """After several what-ifs, each solved, the scenario put back is the same scenario with the same plan."""
    here = scenario
    for changes, back in _what_ifs(scenario):
        here = here.change(changes)
        with contextlib.suppress(al.NoPlan):
            assert al.solve(here).scenario.changes
        here = here.change(back)
    assert here.digest == scenario.digest
    assert not here.changes
    same_plan(al.solve(here), plan)


def test_a_straight_path_and_a_winding_one(scenario):
    """A scenario reached by one change, or by way of others that were undone, has one digest and one plan."""
    what_ifs = _what_ifs(scenario)
    straight, _ = what_ifs[0]
    winding = scenario
    for changes, back in what_ifs[1:]:
        winding = winding.change(changes).change(back)
    winding = winding.change(straight)
    one, other = scenario.change(straight), winding
    assert one.digest == other.digest != scenario.digest
    same_plan(al.solve(one), al.solve(other))


def _what_ifs(scenario: al.Scenario) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Changes to money, a rule, the aim and the structure of the model, each with what undoes it."""
    envelope = scenario.envelopes.iloc[0]
    money = f"envelopes.{envelope['id']}.{envelope['year']}.amount"
    rule = next(rule for rule in scenario.rules if rule.in_force)
    outcome = scenario.outcomes.iloc[0]
    owner = scenario.partners["id"][0]
    new = {"kind": "floor", "owner": owner, "amount": 1.0}
    return [
        ({money: envelope["amount"] + 12_345}, {money: envelope["amount"]}),
        ({f"rules.{rule.id}": None}, {f"rules.{rule.id}": record(rule)}),
        ({f"outcomes.{outcome['id']}": 2 * outcome["weight"]}, {f"outcomes.{outcome['id']}": outcome["weight"]}),
        ({"rules.another": new}, {"rules.another": None}),
        ({f"rules.{rule.id}.in_force": False, "rules.another": new},
         {f"rules.{rule.id}.in_force": True, "rules.another": None}),
    ]  # fmt: skip


def test_more_money_is_never_worse(scenario, plan):
    """A thousand pounds more in an envelope (each of the first eight) never lowers what can be had."""
    stake = max(plan.certificate.bound - plan.gains["baseline_gain"].sum(), 1.0)
    for envelope in scenario.envelopes.head(8).itertuples():
        path = f"envelopes.{envelope.id}.{envelope.year}"
        assert al.solve(scenario.change({path: envelope.amount + 1_000})).certificate.bound >= plan.value - 1e-6 * stake


# --- rebuilt from sources -------------------------------------------------------------------------------------------


def test_rebuilding_gives_the_same_bytes(tmp_path):
    """From the published data and the tables in scenarios/sources, the committed folders come out byte for byte."""
    if not os.environ.get("ALLOCATE_DATA"):
        pytest.skip("ALLOCATE_DATA names no folder with NHS England's practice-level data")
    script = SCENARIOS / "rebuild.py"
    subprocess.run([sys.executable, str(script), "--into", str(tmp_path)], capture_output=True, check=True, timeout=300)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(REBUILT)
    for name in REBUILT:
        made = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        kept = {path.name: path.read_bytes() for path in (SCENARIOS / name).iterdir() if path.name != "README.md"}
        assert made.keys() == kept.keys()
        assert [file for file in made if made[file] != kept[file]] == []


def test_rebuilding_without_data_says_what_is_missing(tmp_path):
    """Without the data the script says which file to fetch and from where, and writes nothing."""
    told = os.environ | {"ALLOCATE_DATA": str(tmp_path)}
    script = [sys.executable, str(SCENARIOS / "rebuild.py"), "--into", str(tmp_path / "out")]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=300, env=told)
    assert done.returncode == 2
    assert "england.nhs.uk" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
