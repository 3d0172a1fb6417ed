"""Where solves begin: kept beside a plan and taken up again, and never a trace of the path."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.engine import parts, starts
from allocate.engine.highs import DUAL, PRIMAL, Solver
from allocate.engine.live import Reference
from allocate.engine.model import Structure
from allocate.engine.optimum import Options
from allocate.engine.pool import POOL
from allocate.engine.problem import Problem
from allocate.engine.session import Session
from allocate.engine.solving import solve_scenario
from allocate.engine.starts import kept_starts, start_of, take_starts
from allocate.engine.watch import Watch
from tests.conftest import SCENARIOS
from tests.engine.systems import systems

REAL = "coventry-warwickshire"


def anew(scenario: al.Scenario) -> al.Scenario:
    """The same scenario as it was read, with nothing kept from before."""
    return replace(scenario, _shared={})


def spend(scenario: al.Scenario) -> list[float]:
    """Pounds by line, solved with nothing in the pool."""
    POOL.clear()
    return solve_scenario(scenario, Options()).flows.spend.tolist()


@pytest.fixture(scope="module")
def real() -> al.Scenario:
    return al.read(SCENARIOS / REAL)


@pytest.fixture(scope="module")
def kept(real) -> str:
    """What a plan of the real system keeps."""
    scenario = anew(real)
    spend(scenario)
    return kept_starts(Problem.of(scenario))


@pytest.fixture
def searched(monkeypatch) -> list[al.Scenario]:
    """The scenarios whose base was searched for."""
    seen: list[al.Scenario] = []
    base = starts._base
    monkeypatch.setattr(starts, "_base", lambda problem, *more: seen.append(problem.scenario) or base(problem, *more))
    return seen


CHANGES = (
    {},
    {"envelopes.core": "x1.01"},
    {"outcomes.*.weight": "x2"},
    {"rules.left-shift.in_force": False},
    {"rules.running-costs-cap.amount": "x1.01"},
    {"rules.new-cap": {"kind": "cap", "owner": "icb", "amount": 470_000_000.0, "where": {"programmes": ["elective"]}}},
)


def changed(scenario: al.Scenario, changes: dict) -> al.Scenario:
    owner = scenario.rules[0].owner
    given = {path: value | {"owner": owner} if isinstance(value, dict) else value for path, value in changes.items()}
    return scenario.change(given)


def test_kept_and_taken_again_a_start_is_the_same(real, kept):
    """What is kept is taken as it was: the same basis, kept again as the same text."""
    scenario = anew(real)
    take_starts(Problem.of(scenario), kept)
    taken = scenario._shared["bases"]
    assert len(taken) == 1
    assert kept_starts(Problem.of(scenario)) == kept
    found = anew(real)
    spend(found)
    for name in ("col_status", "row_status"):
        one, other = (getattr(book[frozenset()].reference.basis, name) for book in (taken, found._shared["bases"]))
        assert one == other
    assert taken[frozenset()].reference.arrays.value.tobytes() == (
        found._shared["bases"][frozenset()].reference.arrays.value.tobytes()
    )


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_start_that_was_taken_makes_no_difference(real, kept, changes, searched):
    """Begun at a start that was kept, the plan of a scenario and of its changes is to the pound what it is without, and
    the base is not searched for."""
    with_it, without = anew(real), anew(real)
    take_starts(Problem.of(with_it), kept)
    found = spend(changed(with_it, changes))
    assert searched == []
    assert found == spend(changed(without, changes))
    assert len(searched) == 1


def test_starts_are_kept_from_any_change(real, kept):
    """A plan of a change keeps the base of the scenario as it was read, the same whatever the change."""
    scenario = anew(real)
    what_if = changed(scenario, CHANGES[3])
    spend(what_if)
    assert kept_starts(Problem.of(what_if)) == kept


@pytest.mark.parametrize(
    "other", [lambda real: al.read(SCENARIOS / "tiny"), lambda real: systems(2), lambda real: replace(
        real.change({"envelopes.core": "x1.001"}), base=None, changes={}),
        lambda real: replace(real.change({"rules.left-shift": None}), base=None, changes={})],
    ids=["tiny", "made", "other figures", "other rules"],
)  # fmt: skip
def test_a_start_of_another_model_is_left(real, kept, other):
    """What was kept for another scenario, or for other figures of this one, is no start here and no error."""
    scenario = anew(other(real))
    take_starts(Problem.of(scenario), kept)
    assert scenario._shared["bases"] == {}


def packed(status: bytes) -> str:
    return base64.b64encode(zlib.compress(status)).decode()


GARBAGE = (
    "", "{", "5", "null", '"text"', "[5]", "[[]]", '[{"ordered": []}]', '["ordered"]', '{"ordered": []}',
    '[{"ordered": 5, "model": "", "basis": ""}]', '[{"ordered": [[]], "model": "", "basis": ""}]',
    '[{"ordered": ["x"], "model": "", "basis": ""}]', "[" * 100_000,
)  # fmt: skip
BASES = (5, None, "", "no base", packed(b""), packed(b"\x01"), "é", packed(bytes(10**7)))


def refused(real: al.Scenario, text: str) -> None:
    """A text that raises ValueError and leaves no trace."""
    scenario = anew(real)
    problem = Problem.of(scenario)
    with pytest.raises(ValueError, match=r"."):
        take_starts(problem, text)
    assert not scenario._shared.get("bases")


@pytest.mark.parametrize("text", GARBAGE, ids=lambda text: text[:30])
def test_other_text_is_refused(real, text):
    """What is not such JSON raises ValueError, and nothing is taken."""
    refused(real, text)


@pytest.mark.parametrize("basis", BASES, ids=lambda basis: str(basis)[:20])
def test_other_bases_are_refused(real, kept, basis):
    """A basis that is none, or of another size, raises ValueError, and nothing is taken."""
    refused(real, json.dumps([json.loads(kept)[0] | {"basis": basis}]))


def test_a_status_that_highs_does_not_know_is_refused(real, kept):
    """A byte that stands for no status is not passed on to HiGHS."""
    found = json.loads(kept)[0]
    status = bytearray(zlib.decompress(base64.b64decode(found["basis"])))
    status[7] = 9
    refused(real, json.dumps([found | {"basis": packed(bytes(status))}]))


def test_garbage_after_what_is_good_takes_neither(real, kept):
    """A text that is good in part is refused as a whole."""
    good = json.loads(kept)[0]
    refused(real, json.dumps([good, {"ordered": [1]}]))
    refused(real, json.dumps([good, "no more"]))
    problem = Problem.of(real)
    other = starts._fingerprint(real, Structure.of(problem, problem.grids, frozenset({1})))
    refused(real, json.dumps([good, {"ordered": [1], "model": other, "basis": "no basis"}]))


@given(data=st.data())
@settings(max_examples=6)
def test_a_basis_that_was_tampered_with_is_no_harm(real, kept, data):
    """Whatever statuses stand in a basis, plans that begin there are lawful and as good: HiGHS makes up for them."""
    found, scenario = json.loads(kept)[0], anew(real)
    count = len(zlib.decompress(base64.b64decode(found["basis"])))
    status = bytes(np.random.default_rng(data.draw(st.integers(0, 99))).choice([0, 1, 2, 3, 4], count).tolist())
    take_starts(Problem.of(scenario), json.dumps([found | {"basis": packed(status)}]))
    solved = solve_scenario(scenario, Options())
    assert solved.certificate.breaches == ()
    assert solved.certificate.gap < 1e-6


def test_a_base_whose_rules_clash_lets_its_changes_solve():
    """Where the scenario as it was read has no plan there is no base to begin at, and its changes have their plans, the
    same in any order."""
    clashing = replace(systems(1).change({"rules.floor-s00.amount": 3_400_000}), base=None, changes={})
    cases = [{"rules.floor-s00.amount": 1_300_000 + 100_000 * k} for k in range(3)]
    alone = [spend(anew(clashing).change(case)) for case in cases]
    scenario = anew(clashing)
    with pytest.raises(al.NoPlan):
        al.solve(scenario)
    assert [spend(scenario.change(case)) for case in reversed(cases)] == alone[::-1]
    assert kept_starts(Problem.of(scenario)) == "[]"


def test_a_base_that_only_just_can_be_kept_leaves_no_path():
    """Where the base needs many slices to have a plan, a what-if begins where it would have alone: whether the base was
    solved before makes no difference to where that is."""
    scenario = systems(1, seed=2)
    most = solve_scenario(scenario.change({"rules.gain": {"kind": "floor", "owner": "body", "measure": "health",
                                           "amount": 1.0}}), Options()).certificate.value  # fmt: skip
    tight = {"rules.gain": {"kind": "floor", "owner": "body", "measure": "health", "amount": most * (1 - 2e-6)}}
    base = replace(scenario.change(tight), base=None, changes={})
    first, second = anew(base), anew(base)
    assert spend(first)
    found = solve_scenario(first, Options()).problem
    assert found.slices is not None
    what_if = {"rules.gain.amount": most * (1 - 3e-6)}
    assert spend(first.change(what_if)) == spend(second.change(what_if))
    assert first._shared["bases"].keys() == second._shared["bases"].keys()


def test_choices_begin_from_nothing():
    """Models with yes/no choices have no base: none is searched for, and none is kept."""
    scenario = anew(systems(1, scale=900_000.0))
    problem = Problem.of(scenario)
    session = Session(problem, problem.grids)
    assert start_of(session, problem, frozenset(), Options(), Watch()) == "nothing"
    spend(scenario)
    assert kept_starts(problem) == "[]"


@pytest.mark.parametrize(
    ("changes", "simplex"), [({"outcomes.health": 2}, PRIMAL), ({"envelopes.s00": 3_400_000}, DUAL)], ids=str
)
def test_what_ifs_go_on_from_the_base_by_the_method_that_fits(changes, simplex, monkeypatch):
    """A what-if of the same structure begins at the base's basis: by the primal method where only costs differ."""
    scenario = anew(systems(1))
    spend(scenario)
    what_if = Problem.of(scenario.change(changes))
    session = Session(what_if, what_if.grids)
    start = start_of(session, what_if, frozenset(), Options(), Watch())
    assert isinstance(start, Reference)
    used, run = [], Solver.run
    monkeypatch.setattr(Solver, "run", lambda *args: used.append(args[-1]) or run(*args))
    session.solve(what_if, what_if.grids, None, 60.0, start)
    assert used == [simplex]


def test_other_limits_begin_at_the_base_too():
    """With a rule more and another less the statuses of all that is left are the base's, and the new limit's is basic:
    the dual method makes up for the rest."""
    scenario = anew(systems(1))
    spend(scenario)
    rules = {"rules.floor-s00": None, "rules.cap": {"kind": "cap", "owner": "body", "amount": 2_000_000.0,
                                                    "where": {"programmes": ["halls"]}}}  # fmt: skip
    what_if = Problem.of(scenario.change(rules))
    session = Session(what_if, what_if.grids)
    start = start_of(session, what_if, frozenset(), Options(), Watch())
    base = scenario._shared["bases"][frozenset()]
    assert not isinstance(start, (str, Reference))
    assert start.col_status == base.reference.basis.col_status
    mine = dict(zip(session.sets.names["LIMITS"], start.row_status[session.matrix.rows["limit"]], strict=True))
    old = dict(zip(base.limits, base.reference.basis.row_status[base.rows["limit"]], strict=True))
    assert mine.pop("cap") == starts.STATUS.kBasic
    assert mine == {name: old[name] for name in mine}


def test_parts_keep_no_starts(monkeypatch):
    """A problem that falls apart keeps none: its parts are known as they are."""
    monkeypatch.setattr(parts, "LEAST", 1)
    scenario = anew(systems(2))
    spend(scenario)
    assert kept_starts(Problem.of(scenario)) == "[]"


OTHER = """
import sys
import allocate as al
from allocate.engine import starts
folder, start = sys.argv[1:3]
base = starts._base
seen = []
starts._base = lambda *args: seen.append(1) or base(*args)
scenario = al.read(folder).change({"envelopes.core": "x1.01"})
plan = al.solve(scenario, start=start or None)
print(len(seen), plan.spend["spend"].tolist(), plan.limits["price"].fillna(-1.0).tolist())
"""


def test_another_process_begins_where_this_one_did(real, tmp_path):
    """Written with a plan and taken in another process, a start saves that the search for the base, and the plan of a
    what-if is in spend and prices what it is without."""
    al.write_plan(al.solve(real), tmp_path / "plan")
    command = [sys.executable, "-c", OTHER, str(SCENARIOS / REAL)]
    told = [
        subprocess.run([*command, start], capture_output=True, text=True, check=True, timeout=120).stdout
        for start in (str(tmp_path / "plan"), "")
    ]
    assert told[0].split(" ", 1)[0] == "0"
    assert told[1].split(" ", 1)[0] == "1"
    assert told[0].split(" ", 1)[1] == told[1].split(" ", 1)[1]
