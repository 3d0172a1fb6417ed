from __future__ import annotations

import builtins
import gc
import threading
import time
import weakref

import numpy as np
import pyomo.environ as pyo

from allocate.compiler import Compiled
from tests.compiler.declarations import CASES, ragged
from tests.compiler.reference import assert_same, dense


def test_other_threads_notice_nothing():
    """While one thread compiles, others sum and iterate over Sets as ever, and `sum` is the one it always was."""
    concrete = pyo.ConcreteModel()
    concrete.I = pyo.Set(initialize=range(7))
    ours, iterate = builtins.sum, type(concrete.I).__iter__
    done, wrong, rounds = threading.Event(), [], []

    def hammer() -> None:
        count = 0
        while not done.is_set():
            count += 1
            good = sum(k for k in ()) == 0 and sum(k for k in concrete.I) == 21 and list(concrete.I) == list(range(7))
            if not good or builtins.sum is not ours or type(concrete.I).__iter__ is not iterate:
                wrong.append(count)
        rounds.append(count)

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        for case in CASES:
            declaration, members, _ = case()
            Compiled.of(declaration, members)
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(rounds) == 3
    assert min(rounds) > 0


def test_several_threads_compile_the_same_declaration_at_once():
    """One declaration compiled by four threads at the same time gives each of them the same arrays."""
    for case in CASES:
        declaration, members, figures = case()
        expected = dense(Compiled.of(declaration, members).arrays(figures))
        found: list[dict] = []

        def work(given=(declaration, members), values=figures, into=found) -> None:
            for _ in range(3):
                into.append(dense(Compiled.of(*given).arrays(values)))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 12
        for each in found:
            for name, value in expected.items():
                np.testing.assert_array_equal(each[name], value)


def test_each_rule_is_called_once_for_good():
    """A rule that can be read is called a single time in the life of its declaration, whatever the members."""
    calls: list[str] = []
    declaration, members, figures = ragged()
    for name in ("effort", "effect"):
        rule = declaration.component(name).rule
        rule._fcn = _counted(rule._fcn, name, calls)
    Compiled.of(declaration, members)
    assert_same(Compiled.of(declaration, members), figures)
    calls.clear()
    more = {**members, "LINES": [*"abcdef"], "CURVES": [*"pqrs"]}
    longer = {**figures, "low": np.zeros(6), "high": np.arange(6.0), "start": [1, 1, 1, 0]}
    compiled = Compiled.of(declaration, more)
    assert calls == []
    assert_same(compiled, longer)


def test_rules_are_read_again_where_the_declaration_has_changed():
    """What was read holds no longer once a component, a plain attribute, or the width of a set is another."""
    m = pyo.AbstractModel()
    m.I = pyo.Set()
    m.x = pyo.Var(m.I, bounds=(0, 1))
    m.rate = 2.0
    m.aim = pyo.Objective(rule=lambda m: sum(m.rate * m.x[i] for i in m.I))
    assert Compiled.of(m, {"I": ["a"]}).arrays({}).cost.tolist() == [2]
    m.rate = 3.0
    assert Compiled.of(m, {"I": ["a"]}).arrays({}).cost.tolist() == [3]
    assert Compiled.of(m, {"I": [("a", 1), ("b", 2)]}).arrays({}).cost.tolist() == [3, 3]
    m.y = pyo.Var()
    m.del_component(m.aim)
    m.aim = pyo.Objective(rule=lambda m: m.y)
    assert Compiled.of(m, {"I": ["a"]}).arrays({}).cost.tolist() == [0, 1]


def test_a_declaration_is_not_kept_alive():
    """What was read of a declaration goes when the declaration does."""
    declaration, members, _ = ragged()
    Compiled.of(declaration, members)
    gone = weakref.ref(declaration)
    del declaration
    gc.collect()
    assert gone() is None


def _counted(rule, name, calls):
    def counted(m, *index):
        calls.append(name)
        return rule(m, *index)

    return counted


def total(m, i):
    return sum(m.q[i, t] * m.x[i, t] for t in m.T)


def test_functions_that_a_rule_calls_are_read_too():
    """`sum` in a helper of the module, in a closure and in a nested function is templated; labels may be written."""
    m = pyo.AbstractModel()
    m.I, m.T = pyo.Set(), pyo.Set()
    m.q = pyo.Param(m.I, m.T, mutable=True)
    m.x = pyo.Var(m.I, m.T)
    m.rate = 4

    def twice(m, i):
        def inner(t):
            return 2 * m.x[i, t]

        return sum(inner(t) for t in m.T)

    m.aim = pyo.Objective(rule=lambda m: sum(total(m, i) for i in m.I))
    m.one = pyo.Constraint(m.I, rule=lambda m, i: total(m, i) <= m.rate)
    m.two = pyo.Constraint(m.I, rule=lambda m, i: sum([twice(m, i), m.x["a", 1]]) >= 1)
    m.three = pyo.Constraint(m.I, rule=lambda m, i: sum(m.x[i, t] for t in (1, 2)) + sum(m.x[i, t] for t in m.T) == 1)
    m.four = pyo.Constraint(m.I, rule=lambda m, i: sum(m.x[i, t] * k for k in (1, 3) for t in (1, 2)) == 3)
    compiled = Compiled.of(m, {"I": ["a", "b"], "T": [1, 2, 3]})
    assert compiled.notes == {}
    assert_same(compiled, {"q": np.arange(6.0)})
