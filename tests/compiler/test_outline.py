from __future__ import annotations

import pyomo.environ as pyo
import pytest

from allocate.compiler import Compiled, CompileError
from allocate.compiler.outline import Outline


def small() -> pyo.AbstractModel:
    m = pyo.AbstractModel()
    m.I = pyo.Set()
    m.x = pyo.Var(m.I, domain=pyo.NonNegativeReals)
    m.aim = pyo.Objective(rule=lambda m: sum(m.x[i] for i in m.I))
    m.most = pyo.Constraint(m.I, rule=lambda m, i: m.x[i] <= 3)
    return m


def test_what_a_declaration_says_is_asked_once():
    """The outline is the same object for as long as nothing is added, deleted or put in another's place."""
    m = small()
    outline = Outline.of(m)
    assert Outline.of(m) is outline
    assert outline.domain("x") == (0.0, float("inf"), False)
    m.del_component("x")
    m.x = pyo.Var(m.I, domain=pyo.Binary)
    other = Outline.of(m)
    assert other is not outline
    assert other.domain("x") == (0.0, 1.0, True)
    m.del_component("most")
    assert Outline.of(m) is not other


def test_a_row_switched_off_is_left_out_at_once():
    """Whether a Constraint is active is asked whenever the declaration is compiled."""
    m = small()
    m.least = pyo.Constraint(rule=lambda m: sum(m.x[i] for i in m.I) >= 1)
    rows = [len(Compiled.of(m, {"I": [1, 2]}).arrays({}).row_upper)]
    for switch in (m.least.deactivate, m.least.activate):
        switch()
        rows.append(len(Compiled.of(m, {"I": [1, 2]}).arrays({}).row_upper))
    assert rows == [3, 2, 3]


def test_a_kind_that_is_not_known_is_refused_every_time():
    """A declaration with a Block is refused by the Block's name, however often it is tried."""
    m = small()
    m.b = pyo.Block()
    for _ in range(2):
        with pytest.raises(CompileError, match="b: no Block"):
            Outline.of(m)
