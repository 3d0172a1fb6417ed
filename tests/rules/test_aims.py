"""Aims as rules of the book: their sentences, what cannot be meant, how they score, and what their shapes ask for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.rules.aims import Fair, aim_of
from allocate.rules.inequality import equally_distributed, tail_mean
from allocate.rules.tally import Row, Tally
from allocate.rules.views import Seen
from allocate.scenario.rulebook import KINDS
from tests.engine.aiming import mixed, tail

AIMS = sorted(name for name, each in KINDS.items() if issubclass(each, Fair))
TAILS = {"tails": [{"part": 0.2, "weight": 3.0}, {"part": 1.0, "weight": 1.0}]}
FIELDS: dict[str, dict] = {
    "balanced": {"strength": 2.0},
    "worst-off": {"part": 0.2},
    "weighted": {"aversion": 1.5},
    "tails": TAILS,
}


def aim(kind: str, **fields) -> dict:
    return {"kind": kind, "owner": "board"} | FIELDS.get(kind, {}) | fields


def rule_of(tiny: al.Scenario, kind: str, **fields) -> tuple[Fair, al.Scenario]:
    scenario = tiny.change({"rules.aim": aim(kind, **fields)})
    found = aim_of(scenario)
    assert found is not None
    return found, scenario


def seen(people: np.ndarray) -> Seen:
    """A view of places of tiny, by these people."""
    return Seen((), (), np.zeros(len(people)), np.ones(len(people)), people)


# --- in words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "fields", "words"), [
    ("balanced", {"strength": 1.0},
     "What each person gains since today must be balanced between places, in proportion (strength 1)"),
    ("balanced", {"strength": 3.0, "view": "spend", "where": {"programmes": ["care"]}},
     "Spending for each person on Care must be balanced between places (strength 3)"),
    ("worst-off", {"part": 0.0, "view": "level", "by": "need"},
     "What each person has of the agreed outcome counted by need must be as high as it can be in the worst-off place"),
    ("worst-off", {"view": "spend", "by": "need", "give_up": 0.02},
     "Spending for each person counted by need must be as high as it can be for the worst-off 20% of people, giving up "
     "at most 2% of the best gain"),
    ("bottom-up", {"view": "fair-share"},
     "Each place's part of its fair share must be raised from the bottom up: the lowest first, then the next"),
    ("bottom-up", {"view": "own-best"},
     "Each place's part of the most that it could gain must be raised from the bottom up: the lowest first, then the "
     "next"),
    ("weighted", {},
     "What each person gains since today must be as high as it can be on average, counting need to the power of 1.5"),
    ("tails", {},
     "What each person gains since today must be as high as it can be, counting the worst-off 20% of people 3 and the "
     "worst-off 100% of people 1"),
])  # fmt: skip
def test_wording(kind, fields, words, tiny):
    """Sentences read as minutes would put them."""
    rule, scenario = rule_of(tiny, kind, **fields)
    assert rule.sentence(scenario) == words


# --- what cannot be meant ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "problem"), [
    (aim("balanced", strength=-0.1), "aim.strength: '-0.1' should be greater than or equal to 0"),
    (aim("balanced", strength=10.5), "aim.strength: '10.5' should be less than or equal to 10"),
    (aim("worst-off", part=1.5), "aim.part: '1.5'"),
    (aim("bottom-up", give_up=2), "aim.give_up: '2'"),
    (aim("bottom-up", view="gains"), "aim.view: 'gains'"),
    (aim("bottom-up", by="heads"), "aim.by: 'heads'"),
    (aim("bottom-up", each="line"), "aim.each: 'line' should be 'place'"),
    (aim("bottom-up", where={"places": ["north"]}), "aim.where: covers one place only"),
    (aim("tails", tails=[]), "aim.tails"),
    (aim("tails", tails=[{"part": 0.0, "weight": 1.0}]), "aim.tails"),
    (aim("bottom-up", bends=[{"price": 3.0}]), "aim.bends: belongs to rules with limits: an aim has none"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(fields, problem, tiny):
    """Each is refused with the rule, the field and the reason."""
    with pytest.raises(al.ScenarioError) as refused:
        tiny.change({"rules.aim": fields})
    assert problem in str(refused.value)


@pytest.mark.parametrize(("ground", "fields", "problem"), [
    ({"envelopes.*.by_need": "no"}, aim("bottom-up", view="fair-share"),
     "aim.view: 'fair-share' needs money that goes by need: no envelope in envelopes.csv has by_need = yes"),
    ({"lines.*.baseline": 0, "rules.steady-care": None}, aim("bottom-up", view="fair-share"),
     "aim.view: 'fair-share' needs money that goes by need today: those lines have no baseline"),
    ({"places.north.need": 0}, aim("bottom-up", view="spend", by="need"), "aim.where: 'north' has no need"),
    ({"places.north.need": 0}, aim("weighted"),
     "aim.where: 'north' has no need in places.csv, by which the aim weighs"),
])  # fmt: skip
def test_what_the_scenario_gives_no_sense_is_refused(ground, fields, problem, tiny):
    """A view without money by need, and places without people, are refused in words, not by the solver."""
    with pytest.raises(al.ScenarioError) as refused:
        tiny.change(ground | {"rules.aim": fields})
    assert problem in str(refused.value)


def test_a_level_that_counts_from_today_is_refused(system):
    """Outcomes that count from a reference have no level: the change that would do is named."""
    with pytest.raises(al.ScenarioError, match="means nothing where curves count from a reference") as refused:
        system.scenario.change({"rules.aim": aim("bottom-up", view="level") | {"owner": "icb"}})
    assert "use gain, since today" in str(refused.value)


def test_one_aim_at_most_is_in_force(tiny):
    """A second aim is refused by name, unless one of the two is not in force; without any, the most benefit is."""
    assert aim_of(tiny) is None
    both = {"rules.aim": aim("bottom-up"), "rules.other": aim("balanced")}
    with pytest.raises(al.ScenarioError, match=r"other: is a second aim beside aim: set in_force = false"):
        tiny.change(both)
    found = aim_of(tiny.change(both | {"rules.aim.in_force": False}))
    assert found is not None
    assert found.id == "other"


def test_an_aim_no_plan_can_meet_is_refused(tiny):
    """Where no plan leaves a place a gain above nothing, to balance gains means nothing, and it says so."""
    kept = {
        "rules.lock": {"kind": "keep", "owner": "board", "where": {"programmes": ["care"], "places": ["north"]},
                       "amount": 300_000.0},
        "rules.hold": {"kind": "cap", "owner": "board", "where": {"programmes": ["prevention"], "places": ["north"]},
                       "amount": 45_000.0},
        "rules.prevention-north": None,
    }  # fmt: skip
    with pytest.raises(al.ScenarioError, match=r"aim\.view: 'gain' cannot be balanced: no plan leaves every place"):
        al.solve(tiny.change(kept | {"rules.aim": aim("balanced")}))


def test_places_inside_places_are_held_apart(tiny):
    """Lines for the whole system are nobody's: an aim is between the places that have none inside them."""
    rule, scenario = rule_of(tiny, "bottom-up")
    assert [place.id for place in rule.seen(Tally(scenario)).places] == ["north", "south"]


# --- scores -----------------------------------------------------------------------------------------------------------


def test_scores_by_hand(tiny):
    """Of 1 and 4 for 4,000 and 6,000 people: means of powers, of tails, by need, and the lowest."""
    values, people = np.array([1.0, 4.0]), np.array([4000.0, 6000.0])

    def score(kind: str, **fields) -> float:
        rule, scenario = rule_of(tiny, kind, **fields)
        return rule.score(values, rule.seen(Tally(scenario)), scenario)

    assert score("balanced", strength=0.0) == pytest.approx(2.8)
    assert score("balanced", strength=0.5) == pytest.approx((0.4 + 0.6 * 2) ** 2)
    assert score("balanced", strength=1.0) == pytest.approx(4**0.6)
    assert score("balanced", strength=2.0) == pytest.approx(1 / (0.4 + 0.6 / 4))
    assert score("worst-off", part=0.0) == score("bottom-up") == 1.0
    assert score("worst-off", part=0.2) == pytest.approx(1.0)
    assert score("worst-off", part=0.5) == pytest.approx((0.4 + 0.1 * 4) / 0.5)
    assert score("worst-off", part=1.0) == pytest.approx(2.8)
    assert score("tails") == pytest.approx((3 * 1 + 2.8) / 4)
    heavy, light = 0.4 * (4500 / 4000) ** 1.5, 0.6 * (5500 / 6000) ** 1.5
    assert score("weighted") == pytest.approx((heavy + 4 * light) / (heavy + light))
    assert people.sum() == 10_000


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(0.01, 100), st.floats(1, 1e6)), min_size=2, max_size=6),
    st.floats(0.05, 0.95), st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]), st.floats(0, 1),
)  # fmt: skip
def test_scores_do_not_see_how_people_are_cut_into_places(rows, cut, strength, part):
    """A place in two with the same value, and places in another order, score the same; money in other units scales the
    score; what each place is sure to have is never above what it has."""
    tiny = mixed(0, 2, 1e9, {})
    values, people = np.array(rows).T
    split = np.append(values, values[0]), np.append(people[:1] * cut, [*people[1:], people[0] * (1 - cut)])
    turned = values[::-1], people[::-1]
    fields = {"balanced": {"strength": strength}, "worst-off": {"part": part}, "bottom-up": {}, "tails": TAILS}
    for kind, more in fields.items():
        rule = KINDS[kind].model_validate({"id": "aim", "owner": "body"} | more)
        assert isinstance(rule, Fair)
        score = rule.score(values, seen(people), tiny)
        for other, heads in (split, turned):
            assert rule.score(other, seen(heads), tiny) == pytest.approx(score, rel=1e-9)
        assert rule.score(1e6 * values, seen(people), tiny) == pytest.approx(1e6 * score, rel=1e-9)
        assert values.min() * (1 - 1e-9) <= score <= values.max() * (1 + 1e-9)
        assert rule.least(score, people / people.sum()) <= values.min() * (1 + 1e-9)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(1, 1e6)), min_size=1, max_size=6), st.floats(0.01, 1))
def test_a_tail_is_counted_person_by_person(rows, part):
    """The mean of the worst-off is what counting people from the lowest up gives."""
    values, people = np.array(rows).T
    assert tail_mean(values, people, part) == pytest.approx(tail(values, people, part), rel=1e-9)


@given(st.floats(0.01, 10), st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 10.0]))
def test_what_is_worth_so_much_scores_so_much(amount, strength):
    """The score of what an amount is worth to all is that amount; of what is worth more than any could be, no end."""
    rule = KINDS["balanced"].model_validate({"id": "aim", "owner": "body", "strength": strength})
    assert isinstance(rule, Fair)
    power = 1 - strength
    worth = amount if strength == 0 else np.log(amount) if power == 0 else (amount**power - 1) / power
    assert rule.score_of(float(worth)) == pytest.approx(amount, rel=1e-6)
    assert equally_distributed([amount, amount], [1, 2], strength) == pytest.approx(amount)
    if strength > 1:
        assert rule.score_of(-1 / power) == rule.score_of(9.0) == np.inf
    if 0 < strength < 1:
        assert rule.score_of(-1 / power) == rule.score_of(-9.0) == 0.0


# --- shapes -----------------------------------------------------------------------------------------------------------


class Numbers:
    """A kit that answers in numbers: what a shape is worth where every amount that it may choose is the best."""

    def __init__(self, values: np.ndarray, people: np.ndarray) -> None:
        self.values = tuple(Row({f"v{k}": 1.0}) for k in range(len(values)))
        self.parts = people / people.sum()
        self.rows: list[Row] = []
        self.worths: list[tuple[Row, float, float]] = []
        self.rungs, self.count = False, 0

    def amount(self) -> Row:
        self.count += 1
        return Row({f"m{self.count}": 1.0})

    def at_least(self, row: Row) -> None:
        self.rows.append(row)

    def worth(self, row: Row, weight: float = 1.0, aversion: float = 0.0) -> None:
        self.worths.append((row, weight, aversion))

    def ladder(self) -> None:
        self.rungs = True


@pytest.mark.parametrize("kind", AIMS)
def test_a_shape_says_what_the_score_says(kind, tiny):
    """What a shape asks of its kit, worked out for given values, is worth what the aim scores."""
    rule, scenario = rule_of(tiny, kind)
    values, view = np.array([2.0, 0.5]), rule.seen(Tally(scenario))
    kit = Numbers(values, view.people)
    rule.shape(kit, view, scenario)
    if kit.rungs:
        assert rule.score(values, view, scenario) == 0.5
        return
    known = {"v0": 2.0, "v1": 0.5}

    def worth(edges: tuple[float, ...]) -> float:
        """With these edges of tails, and shortfalls that follow."""
        told = dict(known)
        each = iter(edges)
        for row in kit.rows:
            # value + short - edge is at or above nothing
            value, edge = (next(name for name in row.terms if name in names) for names in (known, edge_names))
            told.setdefault(edge, next(each) if edge not in told else told[edge])
            short = [name for name in row.terms if name not in (value, edge)]
            told |= {name: max(0.0, told[edge] - told[value]) for name in short}
        total = 0.0
        for row, weight, aversion in kit.worths:
            amount = sum(factor * told[name] for name, factor in row.terms.items())
            power = 1 - aversion
            total += weight * (amount if not aversion else np.log(amount) if not power else (amount**power - 1) / power)
        return total

    edge_names = {name for row in kit.rows for name, factor in row.terms.items() if factor < 0}
    best = max(worth(edges) for edges in np.array(np.meshgrid(*[values] * max(len(edge_names), 1))).T.reshape(
        -1, max(len(edge_names), 1)))  # fmt: skip
    assert rule.score_of(best) == pytest.approx(rule.score(values, view, scenario))
