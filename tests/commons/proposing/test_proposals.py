"""What a proposal does to everyone and who would agree, against answers worked out by hand in scenarios/tiny."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.commons.proposing.compensation import compensation
from allocate.commons.proposing.payoffs import MONEY, OUTCOME, PAYOFFS, Payoff
from allocate.plan.margins import view_of
from allocate.plan.still import held_by

NORTH = "rules.prevention-north.amount"
SWAP = {"envelopes.core": 910_000.0, "envelopes.grant": 90_000.0}
"""£10,000 from the council's grant to the board's core money, which the trust spends."""
SOUTH = {
    "rules.south": {
        "kind": "floor", "owner": "council", "where": {"programmes": ["prevention"], "places": ["south"]},
        "amount": 50_000.0,
    }
}  # fmt: skip


def prevention(north: float) -> float:
    """What the grant buys with so much in North."""
    return 200 - 100 * math.exp(-north / 50_000) - 100 * math.exp(-(100_000 - north) / 50_000)


def row(table: pd.DataFrame, key: str) -> pd.Series:
    return table.set_index("id").loc[key]


def passing(found: al.Proposal) -> set[str]:
    """The rules for deciding under which a proposal passes."""
    return set(found.passes.loc[found.passes["passes"], "rule"])


def test_a_higher_floor_by_hand(plan):
    """A floor £10,000 higher moves £10,000 from South to North and costs what two exponentials say; no partner's money
    changes, so nobody objects."""
    found = al.propose(plan, {NORTH: 70_000.0}, by="board")
    cost = prevention(70_000) - prevention(60_000)
    total = found.total.set_index("measure")["difference"]
    assert total["The agreed aim"] == pytest.approx(cost, abs=1e-3)
    assert total["Money shared"] == 0
    assert list(found.outcomes["difference"]) == pytest.approx([cost], abs=1e-3)
    assert [row(found.places, key)["money_difference"] for key in ("north", "south", "system")] == [1e4, -1e4, 0]
    assert row(found.places, "system")["outcome_difference"] == pytest.approx(cost, abs=1e-3)
    assert (found.partners["difference"] == 0).all()
    assert passing(found) == {"unanimity", "consent", "majority", "weighted", "law"}
    assert found.nearest is not None
    assert found.nearest.part == 1
    assert found.nearest.change == found.change


def test_counted_in_outcome(plan):
    """Counted in outcome, the council bears the whole cost of a higher floor on its lines, and objects."""
    found = al.propose(plan, {NORTH: 70_000.0}, by="board", payoff="outcome")
    cost = prevention(60_000) - prevention(70_000)
    assert row(found.partners, "council")["difference"] == pytest.approx(-cost, abs=1e-3)
    assert row(found.partners, "council")["before"] == pytest.approx(prevention(60_000), abs=1e-3)
    assert row(found.partners, "trust")["difference"] == 0
    assert [(each.by, each.recorded) for each in found.objections] == [("council", False)]
    assert "presumed" in found.passes.set_index("rule").loc["consent", "why"]
    assert passing(found) == {"weighted", "law"}
    assert found.payoff is OUTCOME


def test_money_between_partners(plan):
    """£10,000 from the council to the trust: the board's two thirds and nine tenths carry it, consent does not; paying
    the council back takes all that the trust gains."""
    found = al.propose(plan, SWAP, by="board")
    assert dict(zip(found.partners["id"], found.partners["difference"], strict=True)) == {
        "board": 0, "council": -10_000, "trust": 10_000,
    }  # fmt: skip
    assert dict(zip(found.partners["id"], found.partners["vote"], strict=True)) == {
        "board": "for", "council": "against", "trust": "for",
    }  # fmt: skip
    assert dict(zip(found.partners["id"], found.partners["basis"], strict=True)) == {
        "board": "said", "council": "presumed", "trust": "presumed",
    }  # fmt: skip
    assert passing(found) == {"majority", "weighted", "law"}
    paid = found.compensation
    assert (paid.losses, paid.gains, paid.shortfall, paid.feasible) == (10_000, 10_000, 0, True)
    assert dict(zip(paid.payments["id"], paid.payments["receives"], strict=True)) == {
        "council": 10_000, "trust": -10_000,
    }  # fmt: skip
    assert "That is all they gain" in paid.sentence
    assert found.verdict.startswith("Passing this ")
    assert "The Council loses £10,000" in found.verdict
    assert "a simple majority and a weighted majority say yes; unanimity and consent say no." in found.verdict


def test_weights(plan):
    """A weighted vote goes by the pounds held in law, or by the weights given; the power of each is told."""
    held = al.propose(plan, SWAP, by="trust")
    assert dict(zip(held.power["id"], held.power["weight"], strict=True)) == {
        "board": 900_000, "council": 100_000, "trust": 0,
    }  # fmt: skip
    assert dict(zip(held.power["id"], held.power["shapley_shubik"], strict=True)) == {
        "board": 1, "council": 0, "trust": 0,
    }  # fmt: skip
    assert not held.decided_by("weighted")
    given = al.propose(plan, SWAP, by="trust", weights={"trust": 2, "council": 1})
    assert given.decided_by("weighted")
    assert given.power["banzhaf"].sum() == pytest.approx(1.0)


def test_tolerance(plan):
    """A partner objects to losing more than the tolerance, not to losing as much; it votes against it all the same."""
    assert not al.propose(plan, SWAP, by="board", tolerance=0.0999).decided_by("consent")
    found = al.propose(plan, SWAP, by="board", tolerance=0.1)
    assert found.decided_by("consent")
    assert not found.decided_by("unanimity")
    assert found.objections == ()


def test_the_proposer_does_not_object(plan):
    """Who proposes what it loses by is for it, and is no loser that blocks it; compensation counts its loss."""
    found = al.propose(plan, SWAP, by="council")
    assert passing(found) == {"unanimity", "consent", "majority", "weighted", "law"}
    assert found.compensation.losses == 10_000


def test_a_recorded_objection(plan):
    """An objection in the record of a rule that comes in is a reasoned one: it blocks consent without any loss, in its
    own words, and not the nearest version."""
    rule = SOUTH["rules.south"] | {"amount": 30_000.0, "objections": [{"by": "trust", "reason": "Who pays for it?"}]}
    found = al.propose(plan, {"rules.south": rule}, by="board")
    assert [(each.by, each.recorded, each.rule, each.reason) for each in found.objections] == [
        ("trust", True, "south", "Who pays for it?")
    ]
    assert not found.decided_by("consent")
    assert not found.decided_by("unanimity")
    assert any("Who pays for it?" in sentence for sentence in found.sentences)
    assert found.nearest.part == 1


def test_an_objection_to_a_rule_is_none_to_easing_it(tiny):
    """What was said against a rule is not held against its easing, but against its tightening."""
    objected = al.solve(tiny.change({"rules.prevention-north.objections": [{"by": "trust", "reason": "Too much"}]}))
    assert al.propose(objected, {NORTH: 55_000.0}, by="board").objections == ()
    assert [each.by for each in al.propose(objected, {NORTH: 65_000.0}, by="board").objections] == ["trust"]


# --- rules and the law ------------------------------------------------------------------------------------------------


def effects(found: al.Proposal) -> dict[str, str]:
    return {row.rule: row.effect for row in found.rules.itertuples() if row.effect}


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({NORTH: 70_000.0}, {"prevention-north": "tightens"}),
        ({NORTH: 55_000.0}, {"prevention-north": "eases"}),
        ({NORTH: 40_000.0}, {"prevention-north": "goes slack"}),
        ({"rules.prevention-north.in_force": False}, {"prevention-north": "goes out"}),
        ({"rules.prevention-north": None}, {"prevention-north": "goes out"}),
        ({"rules.steady-care.up": 0.2}, {"steady-care": "newly binds"}),
        ({"rules.steady-care.up": 0.4}, {"steady-care": "is changed"}),
        ({"rules.south": SOUTH["rules.south"] | {"amount": 30_000.0}}, {"south": "comes in and has room"}),
        ({"envelopes.core": 1_300_000.0}, {"steady-care": "newly binds"}),
    ],
)
def test_what_becomes_of_rules(plan, change, known):
    """Each rule that tightens, eases, goes slack, newly binds, comes or goes is named as such, and no other."""
    assert effects(al.propose(plan, change, by="board")) == known


@pytest.mark.parametrize(
    ("change", "does"),
    [
        ({NORTH: 70_000.0}, None),
        ({NORTH: 60_000.0, "rules.prevention-north.review": "2030-01-01"}, None),
        ({NORTH: 59_000.0}, "eases"),
        ({"rules.prevention-north.where.places": ["north", "south"]}, "eases"),
        ({"rules.prevention-north.in_force": False}, "switches off"),
        ({"rules.prevention-north.standing": "agreed"}, "makes a matter of agreement of"),
        ({"rules.prevention-north": None}, "takes out"),
        ({"rules.steady-care.down": 0.2}, None),
    ],
)
def test_the_law(tiny, change, does):
    """A statutory rule may be tightened; easing it, switching it off or taking it out is barred, and said."""
    statutory = al.solve(tiny.change({"rules.prevention-north.standing": "statutory"}))
    found = al.propose(statutory, change, by="board")
    assert found.barred == ({} if does is None else {"prevention-north": does})
    assert found.decided_by("law") == (does is None)
    if does is not None:
        assert does in found.verdict
        assert found.nearest is None


@pytest.mark.parametrize(("field", "eased", "tighter"), [("down", 0.06, 0.04), ("up", 0.6, 0.4)])
def test_easing_a_band_by_law(tiny, field, eased, tighter):
    """Which way a figure eases a rule is found from its limits, not from the figure's name."""
    statutory = al.solve(tiny.change({"rules.steady-care.standing": "statutory"}))
    assert al.propose(statutory, {f"rules.steady-care.{field}": eased}, by="board").barred == {"steady-care": "eases"}
    assert al.propose(statutory, {f"rules.steady-care.{field}": tighter}, by="board").barred == {}


def test_a_clash(plan):
    """A proposal that cannot hold passes under nothing, says which rules clash, and its nearest version is the most
    that can hold: £40,000 in South beside £60,000 in North."""
    found = al.propose(plan, SOUTH, by="board")
    assert found.after is None
    assert isinstance(found.clash, al.NoPlan)
    assert passing(found) == {"law"}
    assert {"prevention-north", "south"} <= {key for key, effect in effects(found).items() if effect == "clashes"}
    assert found.total["after"].isna().all()
    assert found.compensation is None
    assert found.nearest.values == {"rules.south.amount": 40_000}
    assert found.verdict.startswith("This cannot hold")
    assert "At £40,000 nobody objects" in found.verdict


# --- properties -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payoff", sorted(PAYOFFS))
def test_no_proposal(small, payoff):
    """Proposing nothing changes nothing, which says what holds the plan, and nobody is against it."""
    found = al.propose(small, {}, by=small.partners["id"].iloc[0], payoff=payoff)
    assert not found.changes_anything
    for table in (found.total, found.outcomes, found.partners):
        assert (table["difference"] == 0).all()
    assert effects(found) == {}
    assert found.decided_by("unanimity")
    assert found.compensation.losses == 0
    why = held_by(view_of(found.after))
    assert f"changes nothing for any partner, place or outcome: every line is as in the plan that stands, {why}." in (
        found.verdict
    )


@given(st.integers(40_000, 90_000), st.integers(890_000, 950_000))
@settings(max_examples=10)
@pytest.mark.parametrize("payoff", sorted(PAYOFFS))
def test_a_proposal_and_its_reverse(plan, payoff, floor, core):
    """Taking back a proposal undoes each of its differences."""
    there = al.propose(plan, {NORTH: float(floor), "envelopes.core": float(core)}, by="board", payoff=payoff)
    back = al.propose(there.after, {NORTH: 60_000.0, "envelopes.core": 900_000.0}, by="board", payoff=payoff)
    for name in ("total", "outcomes", "partners"):
        one, other = getattr(there, name), getattr(back, name)
        assert np.allclose(one["difference"], -other["difference"])
        assert np.allclose(one["before"], other["after"])
    assert np.allclose(there.places["money_difference"], -back.places["money_difference"])


@given(st.lists(st.integers(-1000, 1000).map(lambda k: 1000.0 * k), min_size=1, max_size=8))
def test_compensation(plan, changes):
    """Payments add up to nothing, nobody who gains is left worse off, and where gains suffice nobody loses and no less
    than all losses is paid; where they do not, what is missing is what all together lose."""
    names = [f"p{k}" for k in range(len(changes))]
    found = compensation(pd.DataFrame({"id": names, "name": names, "difference": changes}), MONEY, plan)
    paid = found.payments
    assert paid["receives"].sum() == pytest.approx(0, abs=1e-6)
    assert (paid.loc[paid["difference"] > 0, "left"] >= -1e-6).all()
    assert paid["receives"].clip(lower=0).sum() == pytest.approx(min(found.losses, found.gains))
    assert found.feasible == (sum(changes) >= 0)
    if found.feasible:
        assert (paid["left"] >= -1e-6).all()
    else:
        assert found.shortfall == pytest.approx(-sum(changes))
        assert found.sentence.endswith(" short.")


# --- what is asked for ------------------------------------------------------------------------------------------------


def test_weights_of_outcomes(plan):
    """A proposal may change what outcomes count for: gains and losses are still counted at the weights that stand, and
    the aim at the weights proposed is told beside it."""
    found = al.propose(plan, {"outcomes.health.weight": 2.0}, by="board", payoff="outcome")
    total = found.total.set_index("measure")
    assert total.loc["The agreed aim", "difference"] == 0
    assert total.loc["The aim at the weights proposed", "before"] == pytest.approx(2 * plan.value)
    assert (found.partners["difference"] == 0).all()


def test_an_assumption_is_said_to_be_one(plan):
    """A proposal on evidence is tried, and said to be no matter for a vote."""
    found = al.propose(plan, {"curves.north.care.health.slope": "x1.1"}, by="board")
    assert any("assumption" in sentence for sentence in found.sentences)


def test_a_payoff_of_ones_own(plan):
    """Another measure of gain and loss is one object."""
    lines = Payoff("lines", "the number of its lines", lambda plan, weights: {"board": 1, "council": 2, "trust": 2},
                   lambda before, after: 0.5, False)  # fmt: skip
    found = al.propose(plan, SWAP, by="board", payoff=lines)
    assert (found.partners["difference"] == 0).all()
    assert any("the number of its lines" in sentence for sentence in found.sentences)


def test_a_scenario_is_solved_first(tiny, plan):
    """What stands may be a scenario, and the solver one that remembers."""
    solved = []

    def solve(scenario):
        solved.append(scenario)
        return al.solve(scenario)

    found = al.propose(tiny, {NORTH: 70_000.0}, by="board", solve=solve)
    assert [each.digest for each in solved] == [tiny.digest, found.scenario.digest]
    assert found.total.equals(al.propose(plan, {NORTH: 70_000.0}, by="board").total)


def test_refused(plan):
    """Everything that is wrong with a proposal is said at once; a change that is not sound, as `change` says it."""
    with pytest.raises(al.ScenarioError) as error:
        al.propose(plan, {}, by="bord", tolerance=2.0, payoff="joy", weights={"trusty": -1.0, "board": 0.0})
    assert [each.field for each in error.value.problems] == [
        "by", "tolerance", "weights", "weights.trusty", "payoff",
    ]  # fmt: skip
    assert "did you mean board?" in str(error.value)
    with pytest.raises(al.ScenarioError, match="no such rule"):
        al.propose(plan, {"rules.prevention-nort.amount": 1.0}, by="board")


def test_a_real_system(system):
    """On a real system: partners' money adds up to the total, and the sentences name who loses most."""
    firm = al.solve(system.scenario.change({"rules.out-of-hospital-share.bends": None}))
    found = al.propose(firm, {"rules.out-of-hospital-share.at_least": 0.28}, by="icb")
    moved = found.partners["money_after"].sum() - found.partners["money_before"].sum()
    assert found.total.set_index("measure").loc["Money shared", "difference"] == pytest.approx(moved)
    assert found.rules.set_index("rule").loc["out-of-hospital-share", "effect"] == "newly binds"
    assert "University Hospitals Coventry and Warwickshire loses £2.5m" in found.verdict
