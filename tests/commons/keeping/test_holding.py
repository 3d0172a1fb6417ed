"""Whether a deal holds: temptations worked out by hand, six answers, and what must hold on any system."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings

import allocate as al
from allocate.commons.apart.alone import kept_to
from allocate.commons.apart.equilibrium import LEAST
from allocate.commons.apart.ground import Ground
from allocate.commons.keeping import holding
from allocate.commons.keeping.holding import PATIENCE, Response
from allocate.commons.keeping.patience import critical, discounted
from allocate.commons.keeping.temptation import tempted
from allocate.engine.piece import solved_whole
from allocate.engine.problem import Problem
from allocate.engine.watch import Watch
from tests.commons.games import benefit, common_purse, line, majority, rooted, shared_good, straight, systems, workshop
from tests.engine.making import YEAR, make

OWN = {"kind": "floor", "amount": 3e5, "each": "partner", "where": {"programmes": ["prevention"]}}


def answers(found: al.Holds) -> list[str]:
    """The six answers."""
    assert list(found.check["line"]) == [1, 2, 3, 4, 5, 6]
    return found.check["answer"].tolist()


def said(found: al.Holds, words: str) -> str:
    """The one sentence that has these words."""
    (sentence,) = [each for each in found.sentences if words in each]
    return sentence


def kept(system: al.Scenario, **told) -> al.Holds:
    """Whether it holds, with every table as it is said to be."""
    found = al.holds(system, **told)
    assert list(found.rules.columns) == holding.RULES
    assert list(found.leaving.columns) == holding.LEAVING
    assert set(found.tables()) == {"rules", "leaving", "check"}
    return found


def test_a_shared_good_by_hand():
    """Whoever leaves the plan saves £800,000 that were worth £468,629 to it, and keeps what the other spends: £331,371
    against £200,000 a year of the deal, which holds where somebody looks eight times out of ten."""
    found = kept(shared_good())
    table = found.leaving.set_index(["breaks", "partner"])
    gain = 8e5 + 4e5 * (sqrt(8) - 4)
    for player in "ab":
        row = table.loc["no rule", player]
        assert row["temptation"] == pytest.approx(gain, abs=2)
        assert row["temptation"] <= row["bound"] <= row["temptation"] + 20
        assert row["reward"] - row["fallback"] == pytest.approx(2e5, abs=30)
        assert row["patience"] == pytest.approx(gain / (gain + 2e5), abs=1e-4)
        assert discounted(row["forgiving"], 3) == pytest.approx(gain / 2e5, abs=1e-3)
        assert row["look"] == pytest.approx(gain / (2e5 * discounted(PATIENCE, 3)), abs=1e-3)
        assert row["verdict"] == "holds if someone looks at least 8 times out of ten"
        assert table.loc["every agreed rule", player].equals(row)
    assert answers(found) == ["yes"] * 6
    assert found.works is True
    assert found.certified
    assert "What was agreed holds if someone looks at least 8 times out of ten." in said(found, "as far as six")
    assert "£331,371 a year" in said(found, "leaving the plan")
    assert "the plan holds if someone looks" in said(found, "leaving the plan")
    assert said(found, "goodwill")
    assert "No agreed rule" in said(found, "covers")


def test_a_rule_by_hand():
    """A rule that each spend £300,000 on prevention holds back £104,721 of what there is to gain: that is what breaking
    it adds, and with the deal worth £120,204 to each nothing makes it hold."""
    found = kept(shared_good({"own": OWN}))
    for row in found.rules.itertuples():
        assert (row.rule, row.standing) == ("own", "agreed")
        assert row.adds == pytest.approx(8e5 + 4e5 * (sqrt(8) - 4) - (5e5 + 4e5 * (sqrt(11) - 4)), abs=2)
        assert row.temptation == pytest.approx(8e5 + 4e5 * (sqrt(8) - 4), abs=2)
        assert row.reward - row.fallback == pytest.approx(18e5 - 7e5 - 4e5 * sqrt(6), abs=60)
        assert row.patience == pytest.approx(critical(row.reward, row.reward + row.temptation, row.fallback))
        assert row.verdict == "does not hold"
        assert row.sentence in said(found, "most tempting")
    assert answers(found) == ["yes", "yes", "yes", "no", "yes", "yes"]
    assert found.works is False
    assert said(found, "does not work in all circumstances").endswith("“Own” (A) and “Own” (B).")
    assert "2 do not hold" in said(found, "Agreed rules")
    assert said(found, "goodwill")


def test_the_law_keeps_its_own():
    """The same rule as law tempts as much, but it is the law that keeps it: what was agreed then holds if watched."""
    found = kept(shared_good({"own": OWN | {"standing": "statutory"}}))
    assert set(found.rules["verdict"]) == {"the law keeps it"}
    assert (found.rules["temptation"] > found.leaving["temptation"].max()).all()
    assert answers(found)[3] == "yes"
    assert "1 rule of the law would tempt somebody" in said(found, "not trust")


def test_what_is_at_stake_decides():
    """A longer loss of the deal, more patience, a fine or a word that is worth something make the same rule hold; no
    fine, and no patience, does not."""

    def verdict(**told) -> str:
        *_, said = Response(**told).to(331_371, 1_800_000, 1_679_796)
        return said

    assert verdict() == verdict(fine=0.0) == verdict(patience=0.0) == verdict(patience=0.95) == "does not hold"
    assert verdict(patience=0.96) == "holds if someone looks at least 10 times out of ten"
    assert verdict(years=8) == "holds if someone looks at least 7 times out of ten"
    assert verdict(fine=4e5) == "holds if someone looks at least 5 times out of ten"
    assert verdict(word=2.5e5) == "holds if someone looks at least 3 times out of ten"
    assert verdict(fine=4e6) == verdict(word=3.2e5) == verdict(word=1e6) == "holds on trust"
    with_word = kept(shared_good({"own": OWN}), word=1e6, patience=0.9)
    assert (with_word.rules["patience"] == 0).all()
    assert (with_word.rules["temptation"] > 3e5).all()
    assert "an assumption" in said(with_word, "Keeping its word")
    assert "assumed" not in said(with_word, "Judged")
    assert with_word.check["fact"].iloc[3] == "What was agreed holds on trust."


def test_nobody_is_tempted():
    """Where nobody has money to spend otherwise everything holds on trust, with payments that leave nobody short."""
    found = kept(workshop())
    assert set(found.leaving["verdict"]) == {"holds on trust"}
    assert (found.leaving["temptation"] == 0).all()
    assert answers(found) == ["yes"] * 6
    assert "payments" in found.check["fact"].iloc[1]
    assert said(found, "Nobody would gain by leaving")
    assert not any("goodwill" in sentence for sentence in found.sentences)


def test_no_stable_deal():
    """Where any two of three gain as much as all no deal is stable, and what it takes from outside is said."""
    found = kept(majority())
    assert answers(found) == ["yes", "yes", "no", "yes", "yes", "yes"]
    assert "£200,000 a year from outside" in found.check["fact"].iloc[2]
    assert found.works is False


def test_nothing_to_gain():
    """Where everybody has its own money for its own ends there is nothing to gain, and that is a no."""
    names = ("a", "b")
    lines = [line(name, f"{what}-{name}", 5e4, f"pot-{name}") for name in names for what in ("one", "two")]
    curves = [rooted(f"{what}-{name}", "health", 1.0, 1e4) for name in names for what in ("one", "two")]
    system = make(lines, curves, {f"pot-{name}": 1e5 for name in names}, benefits=[benefit(n, "health") for n in names])
    found = kept(system)
    assert answers(found) == ["no", "yes", "yes", "yes", "yes", "yes"]
    assert found.works is False


def test_a_loss():
    """Where the plan together lands less on partners than no deal would, no payments leave everybody whole, and nothing
    is at stake that would keep them from leaving."""
    lines = [line("a", "inside", 1e5), line("a", "shown", 0.0), line("b", "other", 1e5, "pot-b")]
    curves = [straight("inside", "care", 1.0), straight("shown", "show", 1.0), straight("other", "care", 1.0)]
    rows = [benefit("a", "care"), benefit("b", "care")]
    system = make(lines, curves, {"pot": 1e5, "pot-b": 1e5}, None, {"care": 1.0, "show": 2.0}, benefits=rows)
    found = kept(system)
    assert answers(found)[:4] == ["no", "no", "no", "no"]
    row = found.leaving.set_index(["partner", "breaks"]).loc["a", "no rule"]
    assert row["temptation"] == pytest.approx(1e5)
    assert row["patience"] == row["forgiving"] == row["look"] == np.inf
    assert row["verdict"] == "does not hold"
    assert "nothing makes keeping to it pay" in said(found, "By leaving")


def test_rules_that_clash():
    """Where rules clash that is the answer, and the rest, but for how many there are, is not known."""
    rows = [benefit(name, "health") for name in ("northern", "southern")]
    rules = {
        "least": {"kind": "floor", "amount": 5e5, "where": {"places": ["north"]}},
        "most": {"kind": "cap", "amount": 4e5, "where": {"places": ["north"]}},
    }
    found = kept(common_purse(rules, benefits=rows))
    assert answers(found) == ["not known"] * 4 + ["no", "yes"]
    assert found.check["fact"].iloc[4] == "No plan keeps every rule: “Least” and “Most” cannot hold together."
    assert found.works is False
    assert not len(found.rules)
    assert found.clash is not None
    assert found.sentences == [
        "Self-organising does not work in all circumstances, and as it stands not here. " + found.check["fact"].iloc[4]
    ]


def test_an_objection_is_a_conflict():
    """A rule that all could keep but somebody objects to is a conflict that is not resolved, if it is in force."""
    against = OWN | {"standing": "agreed", "objections": [{"by": "b", "reason": "Too little"}]}
    found = kept(shared_good({"own": against}))
    assert answers(found)[4] == "no"
    assert "B to “Own”" in found.check["fact"].iloc[4]
    found = kept(shared_good({"own": against | {"in_force": False}}))
    assert answers(found) == ["yes"] * 6


def test_too_many_to_go_through():
    """With more partners than groups can be gone through, equal gain is judged, whether it is stable is not known, and
    that there are many is advice that decides nothing."""
    names = [f"p{k:02}" for k in range(17)]
    lines = [line(name, f"service-{name}", 9e4, f"pot-{name}") for name in names]
    lines += [line(name, "prevention", 1e4, f"pot-{name}") for name in names]
    curves = [straight(f"service-{name}", "service", 1.0) for name in names]
    curves.append(rooted("prevention", "health", 4.0, 1e5))
    rows = [benefit(name, "service") for name in names]
    rows += [benefit(name, "health", own=1 / 17, share=1 / 17) for name in names]
    money = {f"pot-{name}": 1e5 for name in names}
    found = kept(make(lines, curves, money, None, {"service": 1.0, "health": 1.0}, benefits=rows))
    assert answers(found)[:3] == ["yes", "yes", "not known"]
    assert answers(found)[4:] == ["yes", "no"]
    assert "advised" in found.check["fact"].iloc[5]
    gains = (found.leaving["reward"] - found.leaving["fallback"]).to_numpy()
    assert gains == pytest.approx(np.full(34, gains[0]), abs=1e-3)


def test_pounds_are_of_one_year():
    """The same two years running: every pound in every table is that of one, and so is every verdict."""
    years = ("2026", "2027")

    def over(years: tuple[str, ...]) -> al.Scenario:
        lines, curves, pots = [], [], []
        for year in years:
            for name in ("a", "b"):
                pots.append({"id": f"pot-{name}", "year": year, "name": name, "holder": name, "amount": 1e6})
                lines += [line(name, f"service-{name}", 9e5, f"pot-{name}") | {"year": year}]
                lines += [line(name, "prevention", 1e5, f"pot-{name}") | {"year": year}]
                curves.append(straight(f"service-{name}", "service", 1.0) | {"year": year})
            curves.append(rooted("prevention", "health", 4.0, 1e5) | {"year": year})
        rows = [benefit(name, "service") for name in ("a", "b")]
        rows += [benefit(name, "health", own=0.5, share=0.5) for name in ("a", "b")]
        money, worths = {"pot-a": 1e6, "pot-b": 1e6}, {"service": 1.0, "health": 1.0}
        return make(lines, curves, money, None, worths, years, benefits=rows, envelopes=pots)

    one, two = kept(over((YEAR,))), kept(over(years))
    for column in ("temptation", "reward", "fallback", "look"):
        assert two.leaving[column].to_numpy() == pytest.approx(one.leaving[column].to_numpy(), rel=1e-4)
    assert two.check["fact"].iloc[0] == one.check["fact"].iloc[0]


def test_nobody_waits():
    """Whoever stops it is told what is not known by then; whoever waits is told how far it is."""
    found = kept(shared_good({"own": OWN}), tick=lambda done, total: False)
    assert answers(found) == ["yes", "yes", "not known", "not known", "yes", "yes"]
    assert found.works is None
    assert not len(found.rules)
    assert said(found, "not known")
    watch = Watch()
    watch.stop()
    assert answers(kept(shared_good(), watch=watch))[3] == "not known"
    told: list[tuple[int, int]] = []
    kept(shared_good(), tick=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == list(range(len(told)))
    assert {total for _, total in told} == {4}


def test_what_is_refused():
    """Figures that cannot be are refused all at once, and so are an unknown fallback and a scenario without pounds."""
    with pytest.raises(ValueError, match=r"fine: -1, .*; word: nan, .*; patience: 1\.5, .*; years: 0, "):
        al.holds(shared_good(), patience=1.5, years=0, fine=-1, word=np.nan)
    with pytest.raises(ValueError, match="'apart', 'last year', 'alone'"):
        al.holds(shared_good(), fallback="none")
    with pytest.raises(al.ScenarioError):
        al.holds(common_purse())


@settings(max_examples=6)
@given(systems(players=(2, 3), everybody=True))
def test_what_holds_on_any_system(system):
    """No temptation is above its bound or below nothing; breaking everything tempts no less than one agreed rule, or
    leaving, does; and what a rule tempts to is what another solve without that rule finds."""
    system = system.change({"rules.steady": {"kind": "band", "owner": "p0", "each": "line", "down": 0.1, "up": 0.2}})
    ground = Ground.of(system)
    flows = ground.flows(ground.together)
    for player in ground.players:
        found, stake = tempted(ground, player, flows), ground.apart.left_to(player, flows).at_stake
        noise = 4 * LEAST * stake + 1.0
        for each in (found.leaving, found.everything, *found.rules.values()):
            assert 0 <= each.gain <= each.bound + 1e-6 * stake
            assert found.everything.gain >= each.gain - noise
        for rule, each in found.rules.items():
            free = system.change({f"rules.{rule}.in_force": False})
            caps = kept_to(free, ground.apart.money, Problem.of(free), ground.benefits)
            problem = replace(ground.apart, problem=Problem.of(caps)).left_to(player, flows)
            best = solved_whole(problem, ground.options, Watch()).certificate.value - problem.value(flows.spend)
            assert max(each.gain, found.leaving.gain) == pytest.approx(best, abs=noise)
