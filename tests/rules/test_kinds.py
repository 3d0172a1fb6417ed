"""One contract for every kind of rule. Each kind needs an example in `tests/rules/examples.py`; the rest follows."""

from __future__ import annotations

import itertools
import math
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate import cli
from allocate.engine.problem import Problem
from allocate.plan.prices import prices
from allocate.rules.kinds import Binding, Fair, binding_rules
from allocate.rules.limits import chosen, limits
from allocate.rules.tally import Tally
from allocate.scenario.curves import Curves
from allocate.scenario.rulebook import KINDS, covers, kind, record
from tests.conftest import SCENARIOS
from tests.rules.examples import EACH, EXAMPLES, Example, two_years
from tests.scenario.breaking import add

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=str)
every_limit = pytest.mark.parametrize("example", [example for example in EXAMPLES if not example.aims], ids=str)
every_aim = pytest.mark.parametrize("example", [example for example in EXAMPLES if example.aims], ids=str)
WHOLE = ("ring-fence",)
"""Kinds whose figure may be left out, and then asks for all."""
STEP = 0.02
"""How far a figure moves, as a part of the way from eased to tighter, where slopes are taken."""


def best(scenario: al.Scenario) -> float:
    """What no plan can exceed: the optimum, to a billionth of what is at stake; none at all where no plan exists."""
    try:
        return al.solve(scenario).certificate.bound
    except al.NoPlan:
        return -math.inf


def stake(scenario: al.Scenario) -> float:
    return Problem.of(scenario).at_stake


def numeric_limits(scenario: al.Scenario, plan: al.Plan) -> list:
    """The limits of a scenario, answered in numbers by a tally of a plan's spend."""
    spend = plan.spend["spend"].to_numpy()
    curves = Curves.of(scenario)
    moved = plan.routes["moved"].to_numpy()
    return limits(scenario, Tally(scenario, spend, curves.gain(curves.effort(spend)), moved_by_route=moved))


class Noting(Tally):
    """A tally that notes what every aid of a rule is."""

    def __post_init__(self):
        super().__post_init__()
        self.aids, self.pound = {}, Tally(self.scenario).pound

    def aid(self, name, amount, floor=None):
        found = super().aid(name, amount, floor)
        self.aids[name] = found
        return found


def room(scenario: al.Scenario, plan: al.Plan) -> np.ndarray:
    """Per limit, how far a plan stays inside it: below nothing where it does not. A kept amount holds spending down in
    these examples, so it is its upper end that counts."""
    found = numeric_limits(scenario, plan)
    above = np.array([limit.high - limit.body for limit in found])
    below = np.array([limit.body - limit.low for limit in found])
    return np.where([limit.low == limit.high for limit in found], above, np.minimum(below, above))


@pytest.mark.parametrize("name", sorted(name for name, each in KINDS.items() if issubclass(each, Binding | Fair)))
def test_every_kind_has_an_example(name):
    """No kind of rule escapes the contract: each has an example, and each of its figures is one that may move."""
    examples = [example for example in EXAMPLES if example.kind == name]
    assert examples, f"the kind of rule {name!r} has no example: add one to tests/rules/examples.py"
    missing = set(KINDS[name].figures) - {example.figure for example in examples}
    assert not missing, f"no example moves {', '.join(sorted(missing))} of the kind {name!r}"


@every_example
def test_sentence_names_its_figures(example, tiny):
    """The rule says itself in words, figures and names included, and every limit repeats the sentence."""
    scenario = example.scenario(tiny)
    rule = next(rule for rule in scenario.rules if rule.id == "example")
    sentence = rule.sentence(scenario)
    assert [word for word in example.words if word not in sentence] == []
    assert sentence[0].isupper()
    assert not sentence.endswith(".")
    if example.aims:
        assert _own_limits(scenario) == []
    else:
        assert all(limit.label.startswith(sentence) for limit in rule.limits(Tally(scenario)))


@every_example
def test_comes_back_from_its_file(example, tiny, tmp_path):
    """Written to rules.toml and read again it is the same rule of the same scenario."""
    scenario = example.scenario(tiny)
    al.write(scenario, tmp_path / "out")
    again = al.read(tmp_path / "out")
    assert [record(rule) for rule in again.rules] == [record(rule) for rule in scenario.rules]
    assert again.digest == scenario.digest


@every_example
def test_easing_never_costs_and_tightening_never_gains(example, tiny):
    """The optimum only falls as the figure is tightened; over the whole way it falls in earnest."""

    @settings(max_examples=2 if example.aims else 8)
    @given(st.lists(st.floats(0, 1), min_size=2, max_size=3))
    def check(parts):
        values = [best(example.scenario(tiny, **{example.figure: example.between(part)})) for part in sorted(parts)]
        assert all(b <= a + 1e-7 * stake(tiny) for a, b in itertools.pairwise(values)), values

    check()
    free = best(example.ground(tiny))
    eased, tighter = (best(example.scenario(tiny, **{example.figure: x})) for x in (example.eased, example.tighter))
    assert tighter < eased - 1e-4 * stake(tiny)
    worst, best_ = (free, tighter) if example.opens else (eased, free)
    assert worst <= best_ + 1e-7 * stake(tiny)


@every_limit
def test_audit_agrees_with_the_solver(example, tiny):
    """Limits answered in numbers equal the plan's table, rows times totals equal both, and all are kept."""
    scenario = example.scenario(tiny)
    plan = al.solve(scenario)
    table, spend = plan.limits, plan.spend["spend"].to_numpy()
    curves = Curves.of(scenario)
    gain = curves.gain(curves.effort(spend))
    asked = Tally(scenario)
    rows = limits(scenario, asked)
    moved, picked = plan.routes["moved"].to_numpy(), chosen(scenario, spend, gain, plan.routes["moved"].to_numpy())
    noting = Noting(scenario, spend, gain, moved_by_route=moved)
    limits(scenario, noting)
    owned = picked | noting.aids
    totals = {
        name: t.line_factors @ spend[t.lines] + gain[t.curves].sum() + moved[t.routes].sum()
        + owned.get(t.choice or t.aid, 0)
        for name, t in asked.totals.items()
    }  # fmt: skip
    by_rows = [sum(factor * totals[name] for name, factor in limit.body.terms.items()) for limit in rows]
    counted = numeric_limits(scenario, plan)
    assert [limit.name for limit in counted] == [limit.name for limit in rows]
    assert [limit.owner for limit in counted] == table["rule"].tolist()
    np.testing.assert_allclose([limit.body for limit in counted], table["amount"], rtol=1e-12, atol=1e-6)
    np.testing.assert_allclose(by_rows, table["amount"], rtol=1e-12, atol=1e-6)
    np.testing.assert_array_equal([(limit.low, limit.high) for limit in counted], table[["low", "high"]])
    assert all(limit.low - 1e-6 <= limit.body <= limit.high + 1e-6 for limit in counted)
    assert table.loc[table["rule"] == "example", "binding"].any() != example.opens


@every_limit
def test_price_is_the_slope_of_the_optimum(example, tiny):
    """What the plan says easing is worth is what re-solving finds it to be worth.

    The optimum is concave in how far a limit is eased, so the price lies between the slopes on either side. Slopes are
    taken over a fiftieth of the figure's way; on these smooth curves their mean is within 1% of the price.
    """
    here = example.scenario(tiny)
    plan, middle = al.solve(here), example.fields[example.figure]
    step = STEP * (example.tighter - example.eased)
    if not plan.has_prices:
        assert plan.limits["price"].isna().all()
        return
    eased, tighter = (example.scenario(tiny, **{example.figure: middle + way * step}) for way in (-1, 1))
    price, value = plan.limits["price"].to_numpy(), plan.certificate.bound
    if example.opens:
        assert best(tighter) < value < best(eased)
        return
    won, expected_won = best(eased) - value, price @ (room(eased, plan) - room(here, plan))
    lost, expected_lost = value - best(tighter), price @ (room(here, plan) - room(tighter, plan))
    slip = 1e-7 * stake(tiny)
    assert won <= expected_won + slip
    assert lost >= expected_lost - slip
    assert won + lost == pytest.approx(expected_won + expected_lost, rel=0.01)
    if not example.opens:
        assert plan.limits.set_index("rule")["price"]["example"].max() > 0


@every_limit
def test_the_impossible_is_refused_in_words(example, tiny):
    """Fields that no plan can meet are refused, by the reader or by the solver, with the rule's sentence or name."""
    with pytest.raises((al.ScenarioError, al.NoPlan)) as refused:
        al.solve(example.ground(tiny).change({"rules.example": example.impossible}))
    said = str(refused.value)
    if isinstance(refused.value, al.NoPlan):
        rules = KINDS[example.kind].model_validate({"id": "example", **_without_kind(example.impossible)})
        other = [rule.sentence(tiny) for rule in binding_rules(example.ground(tiny))]
        assert any(sentence in said for sentence in [rules.sentence(tiny), *other]), said
        assert refused.value.easings
        assert all(easing.startswith("rules.") for easing in refused.value.easings)
    else:
        assert f"example.{example.figure}" in said


@every_aim
def test_an_aim_asks_for_nothing_out_of_reach(example, tiny):
    """An aim alone makes no plan impossible: it owns floors that its plan keeps, each at what the plan gives the place,
    at a price; and what it cannot mean is refused by name before."""
    scenario = example.scenario(tiny)
    plan = al.solve(scenario)
    mine = plan.limits[plan.limits["rule"] == "example"]
    assert len(mine)
    assert (mine["price"] > 0).all()
    assert mine["binding"].all()
    assert mine["label"].str.startswith(_own_rule(scenario).sentence(scenario)).all()
    assert set(mine["part"]) <= {"north", "south"}
    assert plan.aim.rule == _own_rule(scenario)
    assert plan.certified
    with pytest.raises(al.ScenarioError, match=r"example\.where: covers one place only"):
        example.ground(tiny).change({"rules.example": example.impossible})


@every_example
def test_nonsense_is_refused_by_name(example, tiny):
    """A figure nobody can mean is refused with the rule and the field named."""
    with pytest.raises(al.ScenarioError, match=f"example.{example.figure}"):
        example.scenario(tiny, **{example.figure: example.nonsense})


@every_example
def test_a_figure_is_required(example, tiny):
    """A rule without any of its figures is refused."""
    figures = KINDS[example.kind].figures
    bare = {name: value for name, value in example.fields.items() if name not in figures}
    if example.aims:
        assert _own_rule(example.ground(tiny).change({"rules.example": bare})).figures == figures
        return
    if example.kind in WHOLE:
        assert getattr(_own_rule(example.ground(tiny).change({"rules.example": bare})), example.figure) == 1.0
        return
    with pytest.raises(al.ScenarioError) as refused:
        example.ground(tiny).change({"rules.example": bare})
    assert any(figure in str(refused.value) for figure in figures)


@every_example
def test_it_stands_in_the_book(example, tiny):
    """Its row has who, the deontic and aim of its kind, its figure is in the grammar, and minutes hold its words."""
    scenario = example.scenario(tiny)
    rule = _own_rule(scenario)
    said = al.rules.grammar(rule, scenario)
    assert {"A", "D", "I", "Bdir", "Cex"} <= set(said)
    assert (said["D"], said["I"]) == (rule.deontic, rule.aim)
    figure = example.fields[example.figure]
    assert any(f"{part:,.12g}" in said["Cex"] for part in (figure, 100 * figure))
    assert rule.sentence(scenario) in al.rules.minute(rule, scenario)
    row = al.rules.book(scenario).set_index("id").loc["example"]
    assert row["sentence"] == rule.sentence(scenario)
    assert {symbol: row[symbol] for symbol in said} == said


@every_example
def test_taken_out_and_put_back(example, tiny):
    """Without the rule the scenario is what it was, and with it again it is the same scenario with the same plan."""
    with_it = example.scenario(tiny)
    without = with_it.change({"rules.example": None})
    assert without.digest == example.ground(tiny).digest
    back = without.change({"rules.example": record(next(r for r in with_it.rules if r.id == "example"))})
    assert back.digest == with_it.digest
    pd.testing.assert_frame_equal(al.solve(back).spend, al.solve(with_it).spend)


@every_example
@pytest.mark.parametrize("off", [{"in_force": False}, {"standing": "recorded"}], ids=["not in force", "recorded"])
def test_what_is_not_in_force_binds_nothing(example, off, tiny):
    """A rule out of force, or only recorded, stays in the book, makes no limit and moves no pound, however wild."""
    ground = example.ground(tiny)
    for fields in (example.fields, example.impossible):
        scenario = ground.change({"rules.example": fields | off})
        assert "example" in [rule.id for rule in scenario.rules]
        plan = al.solve(scenario)
        assert "example" not in set(plan.limits["rule"])
        assert plan.aim is None
        pd.testing.assert_frame_equal(plan.spend, al.solve(ground).spend)


@every_example
@pytest.mark.parametrize("each", EACH)
def test_each_gives_a_limit_for_every_group(example, each, tiny, folder):
    """A rule for each line, place ... makes one set of limits a group, with the group's name; no two share a name."""
    everywhere = example.everywhere | {"each": each}
    if each not in example.eaches:
        if KINDS[example.kind].model_fields["each"].default == each:
            return
        with pytest.raises(al.ScenarioError, match=r"example\.each"):
            example.scenario(tiny, **everywhere)
        return
    scenario = example.scenario(tiny, **everywhere)
    whole = _own_limits(example.scenario(tiny, **everywhere | {"each": None}))
    parts, covered = _own_limits(scenario), covers(_own_rule(scenario).where, scenario)
    groups = np.array(scenario.line_ids)[covered] if each == "line" else sorted(set(scenario.lines[each][covered]))
    if {"partners", "envelopes"} & set(example.everywhere.get("where", {})):
        groups = sorted(set(scenario.envelopes[{"envelope": "id", "partner": "holder"}[each]]))
    if example.by_line:
        assert {limit.part.split(".")[0] for limit in parts} >= {group.split(".")[0] for group in groups}
        return
    assert len(parts) == len(groups) * len(whole)
    assert [limit.name for limit in parts] == list(dict.fromkeys(limit.name for limit in parts))
    for group in groups:
        name = scenario.name_of(f"{each}s", group) if each not in ("line", "year") else group
        mine = [limit for limit in parts if limit.part.startswith(group)]
        assert len(mine) == len(whole)
        assert each == "line" or all(name in limit.label for limit in mine)
    # Over several years too, where a line belongs to one year and a place to all.
    longer = example.longer(folder).change({"rules.example": example.fields | everywhere})
    names = [limit.name for limit in limits(longer, Tally(longer))]
    assert len(names) == len(set(names)) > len(parts)


def _own_limits(scenario: al.Scenario) -> list:
    return [limit for limit in limits(scenario, Tally(scenario)) if limit.owner == "example"]


def _own_rule(scenario: al.Scenario):
    return next(rule for rule in scenario.rules if rule.id == "example")


def _without_kind(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if name != "kind"}


# --- what single kinds promise beyond the contract ------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "words"), [
    ({"kind": "growth", "at_least": 0.0}, "must not fall"),
    ({"kind": "growth", "at_least": -0.05}, "must not fall by more than 5% a year"),
    ({"kind": "growth", "at_least": 0.0215}, "must grow by at least 2.15% a year"),
    ({"kind": "band", "down": 0.1}, "must not fall by more than 10% from the baseline"),
    ({"kind": "band", "up": 0.1}, "must not rise by more than 10% from the baseline"),
    ({"kind": "share", "where": {"kinds": ["acute"]}, "at_most": 0.95},
     "by acute bodies must be at most 95% of all spending"),
    ({"kind": "cap", "each": "partner", "amount": 900_001}, "For each partner, spending must be at most £900,001"),
    ({"kind": "floor", "measure": "health", "amount": 1.5}, "Years of good health gained must be at least 1.5"),
    ({"kind": "floor", "where": {"places": ["north", "south"], "envelopes": ["core"]}, "amount": 5},
     "Spending in North and South from Core money must be at least £5"),
    ({"kind": "floor", "where": {"partners": ["trust"], "years": ["2026/27"]}, "amount": 5},
     "Spending by The Trust in 2026/27 must be at least £5"),
    ({"kind": "keep", "where": {"partners": ["trust"], "places": ["north"], "programmes": ["care"],
                                "envelopes": ["core"], "years": ["2026/27"]}, "amount": 350_000.5},
     "Spending on Care by The Trust in North from Core money in 2026/27 is kept at £350,001"),
])  # fmt: skip
def test_wording(fields, words, tiny):
    """Sentences read as minutes would put them."""
    scenario = tiny.change({"rules.example": {"owner": "board", **fields}})
    assert next(rule for rule in scenario.rules if rule.id == "example").sentence(scenario).endswith(words)


def test_large_counts_are_written_in_full():
    """A limit of millions of minutes is said in digits a reader can compare, not as a power of ten."""
    package = al.read(SCENARIOS / "health-benefits-package")
    labels = al.solve(package).limits.set_index("rule")["label"]
    assert labels["resource nurse-minutes"] == "Nurses: at most 26,000,000 minutes in 2026"


def test_a_share_of_its_own_place():
    """A share for each place is of that place's money: a plan that meets it only on the whole does not pass."""
    package = al.read(SCENARIOS / "health-benefits-package")
    plan = al.solve(package)
    by = plan.by("place", "programme").set_index(["place", "programme"])["spend"]
    for place in ("highlands", "lakeside"):
        treated, screened = by[place, "cervical-treatment"], by[place, "cervical-screening"]
        assert treated <= 0.64 * screened + 1e-6
        row = plan.limits.query("rule == 'screen-then-treat' and part == @place").iloc[0]
        assert row["amount"] == pytest.approx(treated - 0.64 * screened)


@pytest.mark.parametrize("each", [None, "line", "place", "partner", "programme", "envelope", "year"])
def test_growth_is_on_the_year_before(each, folder):
    """The first year is held against the baseline and the second against what the plan spends in the first."""
    where = {"programmes": ["prevention"]} if each in (None, "year", "programme", "partner", "envelope") else {
        "programmes": ["prevention"], "places": ["south"]}  # fmt: skip
    rule = {"kind": "growth", "owner": "board", "where": where, "at_least": 0.1}
    scenario = two_years(folder).change({
        "rules.prevention-north": None, "envelopes.grant.2026/27": 120_000.0, "envelopes.grant.2027/28": 120_000.0,
        "rules.fast": rule | ({} if each is None else {"each": each}),
    })  # fmt: skip
    plan = al.solve(scenario)
    mine = plan.spend[plan.spend["programme"] == "prevention"]
    mine = mine[mine["place"] == "south"] if "places" in where else mine
    first, second = (mine.loc[mine["year"] == year, "spend"].sum() for year in scenario.years)
    baseline = mine.loc[mine["year"] == "2026/27", "baseline"].sum()
    assert first >= 1.1 * baseline - 1
    assert second == pytest.approx(max(1.1 * first, second), abs=1)
    assert plan.limits.loc[plan.limits["rule"] == "fast", "amount"].tolist() == pytest.approx(
        [first, second - 1.1 * first]
    )
    assert "2027/28" in plan.limits.loc[plan.limits["rule"] == "fast", "label"].iloc[-1]


def test_growth_in_one_later_year_is_on_the_year_before(folder):
    """A growth rule that names only the second year still looks back at the first."""
    rule = {
        "kind": "growth",
        "owner": "board",
        "where": {"programmes": ["prevention"], "years": ["2027/28"]},
        "at_least": 0.2,
    }
    scenario = two_years(folder).change({"rules.fast": rule, "envelopes.grant.2027/28": 110_000.0})
    plan = al.solve(scenario)
    spend = plan.by("programme", "year").set_index(["programme", "year"])["spend"]["prevention"]
    assert spend["2027/28"] >= 1.2 * spend["2026/27"] - 1
    assert spend["2027/28"] == 110_000
    assert spend["2026/27"] == pytest.approx(110_000 / 1.2, abs=1)


def test_floor_on_a_place_covers_the_places_inside_it(tiny):
    """A rule on the system is a rule on North and South together."""
    plan = al.solve(
        tiny.change(
            {"rules.all": {"kind": "cap", "owner": "board", "where": {"places": ["system"]}, "amount": 900_000}}
        )
    )
    assert plan.spend["spend"].sum() == 900_000
    assert plan.limits.set_index("rule")["price"]["all"] > 0


def test_a_kept_amount_is_kept_to_the_pound(tiny):
    """One line, or several together, spend exactly what is kept, above and below what would be best without."""
    for where in ({"programmes": ["care"], "places": ["north"]}, {"programmes": ["care"]}):
        for amount in (333_333.0, 410_000.4) if "places" in where else (850_001.0, 899_999.5):
            keep = {"kind": "keep", "owner": "board", "where": where, "amount": amount, "reason": "= £5\n'x0.8'"}
            plan = al.solve(tiny.change({"rules.lock": keep, "rules.steady-care": None}))
            row = plan.limits.set_index("rule").loc["lock"]
            assert row["amount"] == row["low"] == row["high"] == math.floor(amount + 0.5)
            assert plan.certified
            assert row["binding"]


@pytest.mark.parametrize(("fields", "said"), [
    ({"amount": 1_000_001}, "lock.amount: '1000001' is more than its lines could ever get (£1,000,000)"),
    ({"where": {"places": ["north"], "programmes": ["care"]}, "amount": 199_999}, "less than its lines' minima (£200,"),
    ({"amount": 5, "reason": "x" * 501}, "lock.reason: "),
    ({"amount": 5, "by": "x" * 121}, "lock.by: "),
    ({"amount": 5, "where": {"places": ["north"], "programmes": ["car"]}}, "did you mean care?"),
])  # fmt: skip
def test_a_lock_that_cannot_be_meant(fields, said, tiny):
    """An amount out of reach, or below what lines must spend, and words without end are refused."""
    base = al.Scenario(tiny.heading, tiny.rules, tiny.change({"lines.trust.north.low": 200_000})._tables)
    with pytest.raises(al.ScenarioError) as caught:
        base.change({"rules.lock": {"kind": "keep", "owner": "board"} | fields})
    assert said in str(caught.value)


# --- prices on the shipped scenarios --------------------------------------------------------------------------------

PRICED = [
    ("tiny", "prevention-north", "amount", 60_000.0, -100.0),
    ("tiny", "steady-care", "up", 0.5, 0.3),
    ("health-benefits-package", "screen-then-treat", "at_most", 0.64, 0.005),
    ("health-benefits-package", "no-sudden-closure", "down", 0.5, 0.002),
    ("coventry-warwickshire", "running-costs-floor", "at_least", 0.0, -0.02),
    ("coventry-warwickshire", "maternity-floor", "at_least", 0.0215, -0.005),
    ("coventry-warwickshire", "pool-social-care", "at_least", 0.039, -0.002),
    ("coventry-warwickshire", "mental-health-standard", "at_least", 0.044, -0.002),
    ("coventry-warwickshire", "movement-other-nhs", "up", 0.1, 0.002),
]


@pytest.mark.parametrize(
    ("name", "rule", "figure", "value", "step"), PRICED, ids=[f"{row[0]}-{row[1]}" for row in PRICED]
)
def test_prices_bracket_what_easing_is_worth(name, rule, figure, value, step):
    """On real scenarios: easing a rule wins no more than its price says and tightening it costs no less.

    This holds for every step, ties and corners included, since the optimum is concave. Bounds are compared, which
    are within 1e-6 of the outcome at stake; the plans themselves are rounded to whole pounds.
    """
    here = al.read(SCENARIOS / name)
    path = f"rules.{rule}.{figure}"
    eased, tighter = here.change({path: value + step}), here.change({path: value - step})
    plan = al.solve(here)
    price, value_here = plan.limits["price"].to_numpy(), plan.certificate.bound
    slip = 1e-6 * stake(here)
    won, lost = best(eased) - value_here, value_here - best(tighter)
    expected = price @ (room(eased, plan) - room(here, plan))
    assert -slip <= won <= expected + slip
    assert lost >= price @ (room(here, plan) - room(tighter, plan)) - slip
    if expected > 10 * slip:
        assert won == pytest.approx(expected, rel=0.1, abs=2 * slip)


def test_price_of_the_floor_by_hand(tiny):
    """The floor in tiny costs 0.000296270 years a pound and the whole of it 1.4764 years, as its README works out."""
    plan = al.solve(tiny)
    rows = plan.limits.set_index("rule")
    assert rows.loc["prevention-north", "price"] == pytest.approx(0.002 * (math.exp(-0.8) - math.exp(-1.2)), rel=1e-6)
    assert (rows.loc["steady-care", "price"] == 0).all()
    without = al.solve(tiny.change({"rules.prevention-north": None}))
    assert without.value - plan.value == pytest.approx(1.4764, abs=5e-5)


# --- one place to extend --------------------------------------------------------------------------------------------


@pytest.fixture
def toy():
    """A kind of rule that lives for one test: a line may hold at most so many times the pounds of another place's."""

    @kind
    class Toy(Binding):
        """At most so many pounds a head in the places covered."""

        kind: ClassVar = "toy"
        figures: ClassVar = ("pounds",)
        pounds: float

        def limits(self, tally):
            people = tally.scenario.places.set_index("id")["population"]
            for part in tally.parts(self):
                yield self._limit(tally, part, tally.spend(part.mask), -math.inf, self.pounds * people[part.id])

        def sentence(self, scenario):
            return f"{self._subject(scenario)} must be at most £{self.pounds:,.0f} a head"

    yield Toy
    del KINDS["toy"]


def test_a_new_kind_is_one_class(toy, folder, capsys, tmp_path):
    """A class with `@kind` is read from a file, changed by --set, listed with its price, audited and written; its
    figure needs evidence, it stands in the book and the price list, and a clash names it."""
    rule = 'kind = "toy"\nowner = "board"\nwhere = { programmes = ["care"] }\neach = "place"\npounds = 90\n'
    add("rules.toml", f"\n[a-head]\n{rule}")(folder)
    with pytest.raises(al.ScenarioError, match=r"rules\.a-head\.pounds' has no evidence"):
        al.read(folder)
    add("evidence.csv", "rules.a-head.pounds,assumed,made-up,\n")(folder)
    scenario = al.read(folder)
    plan = al.solve(scenario)
    row = plan.limits.query("rule == 'a-head' and part == 'north'").iloc[0]
    assert row["label"] == "In each place, spending on Care must be at most £90 a head: North"
    assert (row["amount"], row["high"], row["binding"]) == (360_000, 360_000, True)
    assert row["price"] > 0
    assert "£90 a head" in al.explain(plan)
    assert cli.main(["solve", str(folder), "--set", "rules.a-head.pounds=80", "--format", "csv"]) == 0
    assert "trust,north,care,core,2026/27,300000,0,900000,320000,20000" in capsys.readouterr().out
    al.write(scenario, tmp_path / "again")
    assert al.read(tmp_path / "again").digest == scenario.digest
    assert "pounds" in al.schema()["rules.toml"]["toy"]["properties"]
    with pytest.raises(al.ScenarioError, match=r"a-head\.pound"):
        scenario.change({"rules.a-head.pound": 3})
    audited = {limit.name: limit for limit in numeric_limits(scenario, plan)}
    assert (audited["a-head[north]"].body, audited["a-head[north]"].high) == (360_000, 360_000)
    assert prices(plan).table.set_index("id").loc["a-head", "cost"] > 0
    said = al.rules.book(scenario).set_index("id").loc["a-head"]
    assert said[["A", "D", "I", "Bdir", "Cex"]].tolist() == [
        "The Board", "must", "toy", "spending on Care", "pounds 90; for each place",
    ]  # fmt: skip
    assert "A(The Board) D(must) I(toy)" in al.rules.encoded(scenario.rules[0], scenario)
    assert said["sentence"] in al.rules.minute(scenario.rules[0], scenario)
    evidence = al.evidence(scenario).set_index("figure").loc["rules.a-head.pounds"]
    assert (evidence["value"], evidence["status"]) == (90, "assumed")


def test_a_clash_names_a_new_kind(toy, tiny):
    """The clash finder knows a new kind from its class alone: it names it, says its sentence and eases its figure."""
    rule = {"kind": "toy", "owner": "board", "where": {"programmes": ["care"]}, "each": "place", "pounds": 10}
    with pytest.raises(al.NoPlan) as refused:
        al.solve(tiny.change({"rules.a-head": rule, "rules.steady-care.standing": "statutory"}))
    assert "rules.a-head" in refused.value.together
    assert "must be at most £10 a head" in str(refused.value)
    assert any("rules.a-head.pounds" in way.change for way in refused.value.ways)


def test_a_kind_without_an_example_fails_the_suite(toy):
    """The contract notices a kind nobody gave an example for, and says what to do."""
    with pytest.raises(AssertionError, match=r"'toy' has no example: add one to tests/rules/examples\.py"):
        test_every_kind_has_an_example("toy")


def test_an_example_is_told_apart():
    """Every example has its own name, so that a failure names the rule."""
    assert len({str(example) + repr(example.fields) for example in EXAMPLES}) == len(EXAMPLES)
    assert all(isinstance(example, Example) and example.kind in KINDS for example in EXAMPLES)
