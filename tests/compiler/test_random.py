from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocate.compiler import Compiled
from tests.compiler.reference import assert_same, assert_same_standard_form

LABELS = ["a", "b", "c", "d"]


@st.composite
def declarations(draw):
    """A declaration with random index sets, sparsity, forms of rows, domains and aim; its members and figures."""
    places = LABELS[: draw(st.integers(1, 4))]
    times = list(range(1, draw(st.integers(2, 4)) + 1))
    pairs = draw(st.lists(st.tuples(st.sampled_from(places), st.sampled_from(times)), unique=True, min_size=1))
    families = {place: draw(st.permutations([t for p, t in pairs if p == place])) for place in places}
    forms = draw(st.lists(st.sampled_from(sorted(FORMS)), unique=True, min_size=1))
    m = pyo.AbstractModel()
    m.I, m.T, m.IT, m.LATER = pyo.Set(), pyo.Set(), pyo.Set(dimen=2), pyo.Set()
    m.OF = pyo.Set(m.I)
    m.p, m.q, m.r = (pyo.Param(m.I, mutable=True), pyo.Param(m.IT, mutable=True), pyo.Param(m.T, mutable=True))
    m.s = pyo.Param(mutable=True)
    domain = draw(st.sampled_from([pyo.Reals, pyo.NonNegativeReals, pyo.Integers, pyo.Binary, pyo.PercentFraction]))
    m.x = pyo.Var(m.IT, bounds=lambda m, i, t: (-m.q[i, t], m.r[t] + m.p[i]))
    m.y = pyo.Var(m.I, m.T, domain=domain, bounds=(None, 7))
    m.z = pyo.Var()
    m.v, m.w = pyo.Var(m.I, m.T, m.T, m.I), pyo.Param(m.I, m.T, m.T, m.I, mutable=True)
    m.e = pyo.Expression(m.IT, rule=lambda m, i, t: m.q[i, t] * m.x[i, t] - m.y[i, t] / m.s)
    for name in forms:
        index, rule = FORMS[name](m)
        m.add_component(name, pyo.Constraint(*index, rule=rule))
    aim = draw(st.sampled_from([linear, quadratic]))
    m.aim = pyo.Objective(rule=aim, sense=draw(st.sampled_from([pyo.minimize, pyo.maximize])))
    members = {"I": places, "T": times, "IT": pairs, "OF": families, "LATER": times[1:]}
    sizes = {"p": len(places), "q": len(pairs), "r": len(times), "s": 1, "w": (len(places) * len(times)) ** 2}
    seed = draw(st.integers(0, 2**20))
    return m, members, sizes, seed, bool(draw(st.booleans()))


def linear(m):
    return sum(m.q[i, t] * m.x[i, t] - m.y[i, t] for i, t in m.IT) + m.s * m.z + sum(m.p[i] for i in m.I)


def quadratic(m):
    squares = sum(m.p[i] * (m.y[i, t] - m.r[t]) ** 2 for i in m.I for t in m.T) + m.z * m.z / 2
    return squares + sum(m.e[i, t] * (m.x[i, t] + m.z) for i, t in m.IT)


FORMS = {
    "ragged": lambda m: ([m.I], lambda m, i: sum(m.q[i, t] * m.x[i, t] for t in m.OF[i]) + m.z >= m.p[i] - 3),
    "ranged": lambda m: (
        [m.IT],
        lambda m, i, t: pyo.inequality(-m.s, m.x[i, t] - m.r[t] * m.y[i, t], m.p[i] * m.r[t]),
    ),
    "lagged": lambda m: ([m.I, m.LATER], lambda m, i, t: m.y[i, t] == m.y[i, t - 1] * m.p[i] + t),
    "total": lambda m: ([], lambda m: sum(m.y[i, t] for i in m.I for t in m.T) - sum(m.e[i, t] for i, t in m.IT) <= 9),
    "doubled": lambda m: ([m.I], lambda m, i: sum(m.y[j, 1] + m.p[j] * m.z for j in m.I) - m.y[i, 1] <= m.s),
    "nested": lambda m: (
        [m.T],
        lambda m, t: sum(m.p[i] * sum(m.q[i, k] * m.x[i, k] for k in m.OF[i]) for i in m.I) <= m.z + m.r[t],
    ),
    "figures": lambda m: (
        [m.I],
        lambda m, i: sum(m.q[i, t] * m.r[t] for t in m.OF[i]) * m.y[i, 1] <= sum(m.r[t] for t in m.T),
    ),
    "products": lambda m: (
        [m.T],
        lambda m, t: sum(m.w[i, k, t, j] * m.v[i, t, k, j] for i in m.I for k in m.T for j in m.I) <= m.z,
    ),
    "woven": lambda m: (
        [m.I, m.T],
        lambda m, i, t: (
            sum(m.w[j, t, k, i] * m.v[j, t, k, i] - m.v[i, k, t, j] for j in m.I for k in m.OF[j]) >= m.p[i]
        ),
    ),
    "skipped": lambda m: ([m.I], lambda m, i: pyo.Constraint.Skip if i == "a" else m.y[i, 2] <= m.p[i] * m.s),
}  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(declarations())
def test_random_declarations_compile_to_what_pyomo_makes_of_them(made):
    """Whatever the sets, forms, domains and aim, and however figures then change, arrays are Pyomo's."""
    declaration, members, sizes, seed, whole = made
    random = np.random.default_rng(seed)
    compiled = Compiled.of(declaration, members)
    assert set(compiled.notes) <= {"skipped"}

    def draw(name):
        values = random.integers(0, 5, sizes[name]).astype(float) if whole else random.uniform(0.1, 4, sizes[name])
        return values + (name == "s")

    figures = {name: draw(name) for name in sizes}
    arrays = assert_same(compiled, figures)
    for _ in range(2):
        names = [name for name in sizes if random.random() < 0.5]
        figures = {**figures, **{name: draw(name) for name in names}}
        arrays, _ = compiled.change(arrays, figures, names)
        assert_same(compiled, figures, arrays)
    if arrays.hessian is None:
        assert_same_standard_form(compiled, figures)
