"""What caps on inequality between places promise beyond the contract: answers by hand, the audit, the optimum."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import allocate as al
from allocate.rules.inequality import gini, hoover, palma, tail_mean
from allocate.rules.limits import limits
from allocate.rules.tally import Tally
from allocate.scenario.curves import Curves
from tests.engine.making import make
from tests.rules.examples import two_years

CARE = {"programmes": ["care"]}
PREVENTION = {"programmes": ["prevention"]}
MEASURES: dict[str, Callable[..., float]] = {"gini": gini, "hoover": hoover, "palma": palma}
PEOPLE = np.array([4000.0, 6000.0])


def cap(kind: str, at_most: float, where: dict | None = CARE, **fields) -> dict:
    return {"kind": kind, "owner": "board", "at_most": at_most} | ({"where": where} if where else {}) | fields


def three(a: tuple[float, float, float], total: float, **rule) -> al.Plan:
    """The plan for three places of as many people, that gain a √x each, under a rule."""
    lines = [{"place": f"p{k}", "programme": "care"} for k in range(3)]
    curves = [
        line | {"shape": "power", "exponent": 0.5, "reference": 1e5, "slope": each / 1e3}
        for line, each in zip(lines, a, strict=True)
    ]
    return al.solve(make(lines, curves, total, {"cap": cap(where=None, **rule) | {"owner": "body"}}))


def held(plan: al.Plan, programme: str, measure: str = "spend") -> np.ndarray:
    """What each place spends on a programme, or gains by it."""
    table = plan.gains if measure != "spend" else plan.by("programme", "place")
    return table.loc[table["programme"] == programme, "spend" if measure == "spend" else "gain"].to_numpy()


# --- in words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "words"), [
    (cap("gini", 0.05),
     "The Gini index of spending on Care for each person, between the places covered, must be at most 0.05"),
    (cap("gini", 0.05, None, measure="health", by="need"),
     "The Gini index of years of good health gained for each person counted by need, between the places covered, must "
     "be at most 0.05"),
    (cap("hoover", 0.03),
     "Spending on Care must be so even that at most 3% of it would have to move between the places covered to be the "
     "same for each person"),
    (cap("palma", 0.3),
     "Of spending on Care, the best-off 10% of people must hold at most 0.3 times what the worst-off 40% hold (0.25 if "
     "all have the same)"),
    (cap("palma", 1.2, by="need", top=0.2, bottom=0.2),
     "Of spending on Care, the best-off 20% of people counted by need must hold at most 1.2 times what the worst-off "
     "20% hold (1 if all have the same)"),
])  # fmt: skip
def test_wording(fields, words, tiny):
    """Sentences read as minutes would put them."""
    scenario = tiny.change({"rules.example": fields})
    assert next(rule for rule in scenario.rules if rule.id == "example").sentence(scenario) == words


@pytest.mark.parametrize(("fields", "problem"), [
    (cap("gini", 0.1, CARE | {"places": ["north"]}), "example.where: covers one place only"),
    (cap("gini", 1.1), "example.at_most: '1.1' must be a fraction, at most 1"),
    (cap("hoover", 0.0, measure="health"), "example.at_most: '0' must be more than where everybody has the same"),
    (cap("palma", 0.25, measure="health"), "example.at_most: '0.25' must be more than where everybody has the same"),
    (cap("palma", 0.24), "example.at_most: '0.24' is less than where everybody has the same"),
    (cap("palma", 2, top=0.7, bottom=0.4), "example.top: 0.7 and bottom 0.4 overlap: together they are at most 1"),
    (cap("palma", 2, top=0), "example.top: '0' should be greater than 0"),
    (cap("hoover", 0.1, measure="helth"), "example.measure: 'helth' is neither 'spend' nor in outcomes.csv"),
    (cap("gini", 0.1, each="line"), "example.each: 'line' should be 'place'"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(fields, problem, tiny):
    """Each is refused with the rule, the field and the reason."""
    with pytest.raises(al.ScenarioError) as refused:
        tiny.change({"rules.example": fields})
    assert problem in str(refused.value)


@pytest.mark.parametrize("kind", MEASURES)
def test_less_than_nothing_is_nobodys(kind, system):
    """An outcome that counts from today can fall below nothing, of which nobody holds a part: it is refused."""
    with pytest.raises(al.ScenarioError, match=r"example\.measure: 'health' may fall below nothing in \w+"):
        system.scenario.change({"rules.example": cap(kind, 0.5, None, measure="health") | {"owner": "icb"}})


# --- answers by hand --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "north"), [
    # x is 18,000, or 2% of all, above what would be even: two places' Gini is their Hoover.
    (cap("gini", 0.02), 378_000),
    (cap("hoover", 0.02), 378_000),
    # A tenth of people holds x / 4 and two fifths hold 2 y / 3, so x = 0.72 y.
    (cap("palma", 0.27), 900_000 * 0.72 / 1.72),
    # 0.58 of 400 √(x / 100,000) is 0.42 of 1,000 √(y / 500,000).
    (cap("gini", 0.02, measure="health"), 900_000 / (1 + 0.8 * (29 / 21) ** 2)),
    (cap("hoover", 0.02, measure="health"), 900_000 / (1 + 0.8 * (29 / 21) ** 2)),
    # Likewise of gains: they are as 0.72 to 1.
    (cap("palma", 0.27, measure="health"), 900_000 / (1 + 0.8 / 0.72**2)),
    (cap("gini", 0.0), 360_000),
    (cap("hoover", 0.0), 360_000),
    (cap("palma", 0.25), 360_000),
])  # fmt: skip
def test_two_places_by_hand(fields, north, tiny):
    """In tiny, care in North would be best at £400,000: a cap holds it where its formula, solved by hand, says."""
    plan = al.solve(tiny.change({"rules.example": fields}))
    assert held(plan, "care")[0] == pytest.approx(north, abs=2 if fields["at_most"] in (0, 0.25) else 1)
    assert plan.certified
    assert plan.limits.set_index("rule").loc["example", "price"] > 0


@pytest.mark.parametrize(("a", "total", "rule", "expected"), [
    # Slopes 3/4 and 1/2 of the outer two lie as far from the middle one's: √x is 2, 1.6 and 1.
    ((3, 2, 1), 756_000, {"kind": "gini", "at_most": 50 / 189}, (400_000, 256_000, 100_000)),
    # One place above the mean, held at a third and a sixth of all; the others share the rest evenly.
    ((3, 1, 1), 800_000, {"kind": "hoover", "at_most": 1 / 6}, (400_000, 200_000, 200_000)),
    # Slopes of 3/4 and 1/2 lie as 1 to 4 from the middle one's, 0.7: √x is 2, 1 / 0.7 and 1.
    ((3, 2, 1), 345_000, {"kind": "palma", "at_most": 4, "top": 1 / 3, "bottom": 1 / 3}, (196_000, 100_000, 49_000)),
    # All even where nothing else is allowed, though every pair of places then stands at the edge at once.
    ((3, 2, 1), 300_000, {"kind": "gini", "at_most": 0}, (100_000, 100_000, 100_000)),
    ((3, 2, 1), 300_000, {"kind": "palma", "at_most": 0.25}, (100_000, 100_000, 100_000)),
])  # fmt: skip
def test_three_places_by_hand(a, total, rule, expected):
    """Three places that gain a √x each: where a cap binds, slopes differ by what each pays of its price."""
    plan = three(a, total, **rule)
    assert held(plan, "care") == pytest.approx(expected, abs=2)
    assert plan.certified
    assert plan.certificate.branches == 1


# --- the audit --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 1_000_000), min_size=2, max_size=2), st.sampled_from(["spend", "health"]))
@settings(max_examples=30)
@example([300_000, 450_000], "spend")
def test_the_audit_is_the_index(tiny, spend, measure):
    """In numbers a limit's body is the index less the figure, times what the index is divided by: for any spending."""
    curves, spend = Curves.of(tiny), np.array([45_000.0, 45_000.0, *spend])
    gain = curves.gain(curves.effort(spend))
    mine = spend[2:] if measure == "spend" else gain[(tiny.curves["programme"] == "care").to_numpy()]
    for kind, index in MEASURES.items():
        scenario = tiny.change({"rules.example": cap(kind, 0.3, measure=measure)})
        body = next(each.body for each in limits(scenario, Tally(scenario, spend, gain)) if each.owner == "example")
        base = mine.sum() if kind != "palma" else 0.4 * PEOPLE.sum() * tail_mean(mine / PEOPLE, PEOPLE, 0.4)
        if base > 0 and mine.any():
            assert body == pytest.approx((index(mine / PEOPLE, PEOPLE) - 0.3) * base, abs=1e-9 * mine.sum())


def test_a_limit_a_year(folder):
    """Every year has one limit, by its name; each holds of its own year."""
    scenario = two_years(folder).change({"rules.example": cap("palma", 0.26)})
    plan = al.solve(scenario)
    assert plan.limits.query("rule == 'example'")["part"].tolist() == list(scenario.years)
    by = (
        plan.by("programme", "place", "year")
        .query("programme == 'care'")
        .pivot(columns="year", values="spend", index="place")
    )
    for year in scenario.years:
        assert palma(by[year] / PEOPLE, PEOPLE) == pytest.approx(0.26, abs=1e-5)


# --- the optimum ------------------------------------------------------------------------------------------------------


def places_of(seed: int, count: int, parts: int = 1) -> tuple[al.Scenario, np.ndarray]:
    """So many places with curves of every kind, the first split into so many alike: the scenario, and the people."""
    rng, lines, curves, places = np.random.default_rng(seed), [], [], []
    for k in range(count):
        base, bend, people = float(rng.integers(2e5, 8e5)), float(rng.integers(3e5, 9e5)), float(rng.integers(2e3, 9e3))
        worth, is_power = float(rng.uniform(500, 2500)), rng.random() < 0.5
        of = parts if k == 0 else 1
        for name in (f"p{k}{letter}" for letter in "abc"[:of]):
            lines.append({"place": name, "programme": "care", "baseline": base / of})
            shape = {"shape": "power", "exponent": 0.5, "slope": worth / bend} if is_power else {
                "shape": "saturation", "ceiling": worth / of}  # fmt: skip
            curves.append({"place": name, "programme": "care", "reference": bend / of} | shape)
            places.append({"id": name, "name": name.title(), "population": people / of, "parent": None})
    scenario = make(lines, curves, 5e5 * count, places=places)
    return scenario, np.array([place["population"] for place in places])


def capped(scenario: al.Scenario, kind: str, part: float, people: np.ndarray, measure: str = "spend") -> dict:
    """A cap part of the way from the same for all to what is best without it."""
    even = 0.25 if kind == "palma" else 0.0
    best = held(al.solve(scenario), "care", measure)
    free = MEASURES[kind](np.maximum(best, 0.05 * best.mean()) / people, people)
    return cap(kind, even + part * (free - even), None, measure=measure) | {"owner": "body"}


def hyperplanes(kind: str, at_most: float, part: np.ndarray) -> np.ndarray:
    """A cap on spending as rows that are all at most nothing: one for each order of the places, without aids."""
    orders, rows = list(itertools.permutations(range(len(part)))), []
    if kind == "gini":
        for order in orders:
            row = np.full(len(part), -at_most)
            for one, other in itertools.combinations(order, 2):
                row[one] += part[other]
                row[other] -= part[one]
            rows.append(row)
    elif kind == "hoover":
        sides = (np.array(side) for side in itertools.product((0, 1), repeat=len(part)))
        rows = [side - side @ part - at_most for side in sides]
    else:
        best, worst = (np.unique([_tail(order, part, size) for order in orders], axis=0) for size in (0.1, 0.4))
        rows = [one - at_most * other for one in best for other in worst]
    return np.unique(rows, axis=0)


def _tail(order: tuple[int, ...], part: np.ndarray, size: float) -> np.ndarray:
    """What counts of each place where the first `size` of people in this order hold something."""
    row, left = np.zeros(len(part)), size
    for k in order:
        row[k] = min(left, part[k]) / part[k]
        left -= min(left, part[k])
    return row


def best_by_order(scenario: al.Scenario, rows: np.ndarray, pieces: int = 80, rounds: int = 6) -> float:
    """The optimum by scipy: straight slices drawn together round it, and a row for each order."""
    curves, money = Curves.of(scenario), float(scenario.envelopes["amount"].sum())
    grids, best = [np.linspace(0, money, pieces)] * len(curves), -math.inf
    for _ in range(rounds):
        gains = [np.array([curves.gain(np.full(len(curves), x))[k] for x in grid]) for k, grid in enumerate(grids)]
        widths = [np.diff(grid) for grid in grids]
        owner = np.repeat(np.arange(len(curves)), [len(width) for width in widths])
        slope = np.concatenate([np.diff(gain) / width for gain, width in zip(gains, widths, strict=True)])
        wide = np.concatenate(widths) / 1e3
        matrix = np.vstack([np.ones(len(owner)), rows[:, owner]])
        found = linprog(
            -slope, matrix, np.append(money / 1e3, np.zeros(len(rows))), bounds=np.array([0 * wide, wide]).T
        )
        at = 1e3 * np.bincount(owner, found.x, minlength=len(curves))
        best = max(best, float(curves.gain(at).sum()))
        near = [int(np.clip(np.searchsorted(grid, x), 2, len(grid) - 3)) for grid, x in zip(grids, at, strict=True)]
        grids = [
            np.unique([grid[0], *np.linspace(grid[k - 2], grid[k + 2], pieces), grid[-1]])
            for grid, k in zip(grids, near, strict=True)
        ]
    return best


@pytest.mark.parametrize("kind", MEASURES)
@given(st.integers(0, 1000), st.floats(0.02, 0.9))
@settings(max_examples=4)
def test_the_optimum_agrees_with_an_independent_program(kind, seed, part):
    """Four places: the certified optimum is that of a linear programme with a row for every order of the places."""
    scenario, people = places_of(seed, 4)
    rule = capped(scenario, kind, part, people)
    plan = al.solve(scenario.change({"rules.cap": rule}))
    best = best_by_order(scenario, hyperplanes(kind, rule["at_most"], people / people.sum()))
    stake = plan._solved.problem.at_stake
    assert plan.certificate.bound == pytest.approx(best, abs=1e-6 * stake)
    assert plan.value == pytest.approx(best, abs=1e-5 * stake)
    assert MEASURES[kind](held(plan, "care") / people, people) <= rule["at_most"] + 1e-12


@pytest.mark.parametrize("measure", ["spend", "health"])
@pytest.mark.parametrize("kind", MEASURES)
def test_a_place_split_in_two_changes_nothing(kind, measure):
    """Three alike in place of one, a third of its people, curve and money each: the plan is worth the same."""
    (one, people), (split, more) = places_of(7, 3), places_of(7, 3, parts=3)
    rule = capped(one, kind, 0.4, people, measure)
    plans = [al.solve(scenario.change({"rules.cap": rule})) for scenario in (one, split)]
    stake = plans[0]._solved.problem.at_stake
    assert plans[1].certificate.bound == pytest.approx(plans[0].certificate.bound, abs=1e-6 * stake)
    first, second = held(plans[0], "care"), held(plans[1], "care")
    assert [second[:3].sum(), *second[3:]] == pytest.approx(first, abs=200)
    # The index is flat where the plan is best: a few pounds make no difference.
    assert MEASURES[kind](held(plans[1], "care", measure) / more, more) <= rule["at_most"] + 1e-12


@pytest.mark.parametrize("measure", ["spend", "health"])
@given(st.integers(0, 1000), st.sampled_from(sorted(MEASURES)), st.lists(st.floats(0.05, 1), min_size=3, max_size=3))
@settings(max_examples=5)
def test_a_tighter_cap_never_raises_the_total(measure, seed, kind, parts):
    """However many places, spending or outcome: the tighter, the less; and each plan keeps its own cap."""
    scenario, people = places_of(seed, 5)
    values = []
    for part in sorted(parts):
        rule = capped(scenario, kind, part, people, measure)
        plan = al.solve(scenario.change({"rules.cap": rule}))
        values.append(plan.certificate.bound)
        assert MEASURES[kind](held(plan, "care", measure) / people, people) <= rule["at_most"] + 1e-12
        assert plan.certified
    stake = plan._solved.problem.at_stake
    assert all(tight <= loose + 1e-7 * stake for tight, loose in itertools.pairwise(values))


# --- levelling down ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "least"), [("gini", 0.159278), ("hoover", 0.159278), ("palma", 0.475877)])
def test_no_cap_is_kept_by_pretending(kind, least, tiny):
    """Prevention in North must get £60,000, and then South can come no nearer than £40,000 brings it: the cap holds
    just above that index, and just below there is no plan, though one that pretends to gain less in North would do."""
    where = {"where": PREVENTION, "measure": "health"}
    plan = al.solve(tiny.change({"rules.example": cap(kind, least + 1e-4, **where)}))
    gains = held(plan, "prevention", "health")
    assert gains == pytest.approx([100 * -math.expm1(-1.2), 100 * -math.expm1(-0.8)])
    assert least < MEASURES[kind](gains / PEOPLE, PEOPLE) <= least + 1e-4
    assert plan.certified
    with pytest.raises(al.NoPlan) as refused:
        al.solve(tiny.change({"rules.example": cap(kind, least - 1e-4, **where)}))
    assert any("rules.example" in easing for easing in refused.value.easings)


# --- with everything else ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MEASURES)
def test_a_loose_cap_leaves_everything_as_it_was(kind, system):
    """A cap that does not bind on a real system, with its routes and its ties, changes no pound anywhere."""
    plan = al.solve(
        system.scenario.change({"rules.loose": cap(kind, 0.9, {"programmes": ["prescribing"]}) | {"owner": "icb"}})
    )
    assert plan.spend["spend"].tolist() == system.spend["spend"].tolist()
    assert plan.routes["moved"].tolist() == system.routes["moved"].tolist()
    assert plan.money[["moved_in", "moved_out", "unspent"]].equals(system.money[["moved_in", "moved_out", "unspent"]])
    row = plan.limits.set_index("rule").loc["loose"]
    assert (row["price"], row["binding"]) == (0, False)


@pytest.mark.parametrize("kind", MEASURES)
def test_a_real_system_is_evened_out(kind, system):
    """Half of the inequality of a real system goes where a rule says so, in whole pounds, and the plan can be told."""
    needs = system.scenario.places.set_index("id")["need"]
    rows = system.by("programme", "place").query("programme == 'prescribing'").set_index("place")["spend"]
    people, even = needs[rows.index], 0.25 if kind == "palma" else 0.0
    half = round(even + (MEASURES[kind](rows / people, people) - even) / 2, 5)
    rule = cap(kind, half, {"programmes": ["prescribing"]}, by="need") | {"owner": "icb"}
    plan = al.solve(system.scenario.change({"rules.movement-other-nhs": None, "rules.even": rule}))
    assert MEASURES[kind](held(plan, "prescribing") / people, people) == pytest.approx(half, abs=1e-6)
    assert plan.certificate.gap < 1e-7
    assert plan._solved.whole
    assert plan.limits.set_index("rule").loc["even", "price"] > 0


def test_it_bends_at_its_price(tiny):
    """An agreed cap gives way along its bands: by hand, until a pound more of it is worth what the band costs."""
    bends = [{"by": 4_000.0, "price": 60.0}, {"by": 50_000.0, "price": 120.0}]
    plan = al.solve(tiny.change({"rules.example": cap("gini", 0.01, bends=bends)}))
    row = plan.limits.set_index("rule").loc["example"]
    assert (row["bent"], row["bend_price"]) == (pytest.approx(4_000, abs=1), 60.0)
    assert held(plan, "care")[0] == pytest.approx(360_000 + 9_000 + 4_000, abs=1)
    assert plan.certified


def test_beside_choices(tiny):
    """With a rule of yes or no beside it, a cap is kept, and the plan is proved best."""
    start = {"kind": "start", "owner": "board", "where": CARE | {"places": ["north"]}, "amount": 370_000.0}
    plan = al.solve(tiny.change({"rules.example": cap("gini", 0.015), "rules.start": start}))
    assert held(plan, "care").tolist() == [373_500, 526_500]
    assert plan.certified
    with pytest.raises(al.NoPlan, match="lower its minimum by £6,500"):
        al.solve(tiny.change({"rules.example": cap("gini", 0.015), "rules.start": start | {"amount": 380_000.0}}))
