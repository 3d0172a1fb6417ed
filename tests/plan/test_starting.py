"""start.json in a plan's folder: another solve begins there, to the same plan; anything else is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import allocate as al
from allocate.engine import starts
from allocate.plan.plan import START
from tests.conftest import SCENARIOS
from tests.engine.making import make


@pytest.fixture(scope="module")
def written(system, tmp_path_factory) -> Path:
    """The folder of a real system's plan."""
    folder = tmp_path_factory.mktemp("starting") / "plan"
    al.write_plan(system, folder)
    return folder


def anew(plan: al.Plan) -> al.Scenario:
    """A plan's scenario with nothing kept from before."""
    return replace(plan.scenario, _shared={})


@pytest.fixture
def searched(monkeypatch) -> list[str]:
    """The scenarios for which a base was searched."""
    seen: list[str] = []
    base = starts._base
    monkeypatch.setattr(
        starts, "_base", lambda problem, *more: seen.append(problem.scenario.id) or base(problem, *more)
    )
    return seen


@pytest.mark.parametrize("changes", [{}, {"envelopes.core": "x1.01"}, {"rules.left-shift.in_force": False}], ids=str)
def test_the_plan_is_the_same_as_without(system, written, changes, searched):
    """Begun in the folder of a plan, a scenario and its changes have the plans, prices and all, that they have without,
    and no base is searched for."""
    found = al.solve(anew(system).change(changes), start=written)
    assert searched == []
    without = al.solve(anew(system).change(changes))
    assert searched == ["coventry-warwickshire"]
    assert found.spend.equals(without.spend)
    assert found.limits.equals(without.limits)
    assert found.money.equals(without.money)


def test_the_folder_of_a_change_will_do(system, tmp_path, searched):
    """A change's plan keeps where its scenario begins: text for text what the scenario's own plan keeps."""
    al.write_plan(al.solve(anew(system).change({"envelopes.core": "x1.02"})), tmp_path / "change")
    al.write_plan(al.solve(anew(system)), tmp_path / "own")
    assert (tmp_path / "change" / START).read_text("utf-8") == (tmp_path / "own" / START).read_text("utf-8")
    searched.clear()
    al.solve(anew(system), start=str(tmp_path / "change"))
    assert searched == []


def test_the_folder_of_another_scenario_is_of_no_use_and_no_harm(plan, written, searched):
    """A start of another model is left unused: the plan is the plan."""
    assert al.solve(anew(plan), start=written).spend.equals(plan.spend)
    assert searched == ["tiny"]


def test_a_plan_of_choices_keeps_no_start(tmp_path):
    """Models with yes/no choices begin from nothing: an empty list is written, and read."""
    scenario = al.read(SCENARIOS / "participatory-budget")
    plan = al.solve(scenario)
    al.write_plan(plan, tmp_path / "ballot")
    assert json.loads((tmp_path / "ballot" / START).read_text("utf-8")) == []
    assert al.solve(scenario, start=tmp_path / "ballot").spend.equals(plan.spend)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b'[{"ordered": [], "model": 5}]', b"[" * 100_000, None],
    ids=lambda content: repr(content)[:20],
)  # fmt: skip
def test_anything_else_is_refused_by_name(plan, tmp_path, content):
    """A folder without start.json, or with another file of that name, raises ValueError with its name, takes nothing,
    and the scenario solves as before."""
    folder, scenario = tmp_path / "other", anew(plan)
    folder.mkdir()
    if content is not None:
        (folder / START).write_bytes(content)
    with pytest.raises(ValueError, match=r"start.json in other cannot be read"):
        al.solve(scenario, start=folder)
    assert not scenario._shared.get("bases")
    assert al.solve(scenario).spend.equals(plan.spend)


def test_a_file_for_a_folder_is_refused(plan, written):
    """The file itself is no folder of a plan."""
    with pytest.raises(ValueError, match=r"start.json in start.json cannot be read"):
        al.solve(anew(plan), start=written / START)


def test_a_plan_written_again_is_written_over_its_start(plan, tmp_path):
    """start.json is part of a plan's folder: a newer plan takes its place without complaint, byte for byte the same."""
    al.write_plan(plan, tmp_path / "out")
    before = (tmp_path / "out" / START).read_bytes()
    al.write_plan(plan, tmp_path / "out")
    assert (tmp_path / "out" / START).read_bytes() == before
    assert json.loads(before)[0].keys() == {"ordered", "model", "basis"}


def test_figures_that_changed_on_file_begin_afresh(tmp_path, searched):
    """A start kept before a figure was edited on file is not where the edited scenario begins: it is left."""

    def pair(money: float) -> al.Scenario:
        lines = [{"place": n, "programme": "care", "high": 900.0} for n in "ab"]
        curves = [{"place": n, "programme": "care", "shape": "linear", "slope": 1.0} for n in "ab"]
        return make(lines, curves, money)

    al.write_plan(al.solve(pair(1_000.0)), tmp_path / "old")
    searched.clear()
    found = al.solve(pair(1_001.0), start=tmp_path / "old")
    assert searched == ["made"]
    assert found.spend.equals(al.solve(pair(1_001.0)).spend)
