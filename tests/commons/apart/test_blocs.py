"""Partners that count as one: what they count, whose lines they decide, and a deal among blocs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.commons.apart.benefits import Benefits, fed_by
from allocate.commons.apart.blocs import by_kind
from tests.commons.games import benefit, line, shared_good, straight, systems, workshop
from tests.engine.making import make


def many(count: int = 17) -> al.Scenario:
    """So many partners of two kinds, each with £100,000 and a service of its own; the first has another worth £2 a
    pound, and its kind's envelope holds the money of all."""
    names = [f"p{k}" for k in range(count)]
    lines = [line(name, f"service-{name}", 1e5, "pot") for name in names] + [line("p0", "better", 0.0) | {"high": 2e5}]
    curves = [straight(f"service-{name}", "health", 1.0) for name in names] + [straight("better", "health", 2.0)]
    partners = [{"id": name, "name": name.upper(), "kind": "odd" if k % 2 else "even"} for k, name in enumerate(names)]
    partners.append({"id": "body", "name": "Body", "kind": "odd"})
    return make(lines, curves, 1e5 * count, benefits=[benefit(name, "health") for name in names], partners=partners)


@settings(max_examples=8, deadline=None)
@given(systems(players=(2, 3), everybody=True), st.data())
def test_a_bloc_counts_what_its_partners_count(scenario, data):
    """What a bloc counts is the sum of what those in it do, whatever is gained; it decides all their lines; who is in
    none counts as before."""
    benefits = Benefits.of(scenario)
    together = data.draw(st.lists(st.sampled_from(benefits.players), min_size=1, unique=True))
    merged = benefits.merged({"bloc": together})
    gain = np.array(data.draw(st.lists(st.floats(0, 1e6), min_size=(n := benefits.worth.shape[1]), max_size=n)))
    each, all_of = (dict(zip(b.players, b.payoffs(gain), strict=True)) for b in (benefits, merged))
    assert all_of["bloc"] == pytest.approx(sum(each[name] for name in together))
    assert {name: all_of[name] for name in each if name not in together} == pytest.approx(
        {name: each[name] for name in each if name not in together}
    )
    number = merged.players.index("bloc")
    assert [k == number for k in merged.decides] == [benefits.players[k] in together for k in benefits.decides]
    assert list(merged.numbers([*together, "nobody"])) == [number] * len(together) + [-1]
    assert fed_by(scenario, merged)[number].any()


def test_two_right_gloves_in_one():
    """Two right gloves that go together cannot be played off against each other: they have half of the £200,000 that
    all gain, a quarter each, where alone neither has any."""
    found = al.deal(workshop(), blocs={"rights": ["a", "b"]})
    assert found.partners["name"].tolist() == ["Rights (2)", "C"]
    assert found.partners["gain"].to_numpy() == pytest.approx([1e5, 1e5], abs=60)
    assert found.stable is True
    inside = found.blocs
    assert inside["partner"].tolist() == ["a", "b"]
    assert inside["gain"].to_numpy() == pytest.approx([5e4, 5e4], abs=60)
    assert inside["fallback"].to_numpy() == pytest.approx([1e5, 1e5], abs=60)
    assert inside["payment"].sum() == pytest.approx(found.partners["payment"].iloc[0], abs=1e-6)
    assert any("Rights (2): A, B" in said for said in found.sentences)


@pytest.mark.parametrize("fallback", ["apart", "last year", "alone"])
def test_what_is_divided_adds_up(fallback):
    """With any fallback, what partners of a bloc have adds up to what it has: before, in the plan, with the deal."""
    found = al.deal(workshop(), fallback=fallback, blocs={"rights": ["a", "b"]})
    bloc = found.partners.iloc[0]
    for column in ("fallback", "together", "amount", "gain", "payment"):
        assert found.blocs[column].sum() == pytest.approx(bloc[column], abs=1e-6)


def test_a_bloc_of_one_changes_nothing():
    """A partner that is a bloc by itself has the deal it had."""
    alone, bloc = al.deal(shared_good()), al.deal(shared_good(), blocs={"only": ["a"]})
    assert bloc.partners["amount"].to_numpy() == pytest.approx(alone.partners["amount"].to_numpy(), rel=1e-9)
    assert not len(bloc.blocs)


def test_more_than_sixteen():
    """Seventeen partners are refused with the way out named, and by kind there is a deal: two blocs share what the
    better service gains."""
    with pytest.raises(al.ScenarioError, match="--blocs-by-kind"):
        al.deal(many())
    scenario = many()
    blocs = by_kind(scenario)
    assert {name: len(members) for name, members in blocs.items()} == {"even": 9, "odd": 8}
    found = al.deal(scenario, blocs=blocs)
    assert found.stable is True
    assert found.partners["name"].tolist() == ["Even (9)", "Odd (8)"]
    assert len(found.blocs) == 17


def test_kinds_beside_named_blocs():
    """By kind only those are made one that stand in no bloc yet, and no bloc takes the name of a partner."""
    scenario = many(5)
    assert by_kind(scenario, {"odd": ["p0", "p2"]}) == {"odd-2": ("p1", "p3")}


def test_what_is_refused():
    """Everything that is wrong with blocs is told at once."""
    with pytest.raises(al.ScenarioError) as refused:
        al.deal(workshop(), blocs={"c": ["a", "nobody"], "none": [], "twice": ["a", "body"]})
    told = [(problem.field, problem.value) for problem in refused.value.problems]
    assert told == [("c", ""), ("c", "nobody"), ("none", ""), ("twice", "body"), ("", "a")]
    with pytest.raises(al.ScenarioError, match="between two partners"):
        al.deal(workshop(), blocs={"all": ["a", "b", "c"]})
