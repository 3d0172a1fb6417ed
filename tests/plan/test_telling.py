"""A plan told: what changes, why, what would change our mind, who gains and who loses."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

import allocate as al
from allocate.plan import telling
from allocate.plan.explaining import a_little
from allocate.plan.telling import (
    Moves,
    change_of_mind,
    held,
    losers,
    shaping,
    turn,
    what_changes,
    why,
    winners,
)
from allocate.plan.trying import scaled
from tests.conftest import SCENARIOS
from tests.engine.making import make
from tests.rules.examples import two_years

NAMES = sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.toml"))
NEVER = {"dual", "shadow", "constraint", "constraints", "binding", "nan", "inf", "nash", "nat", "nucleolus"}
YEAR = "2026/27"


@pytest.fixture(scope="module")
def plan(tiny) -> al.Plan:
    return al.solve(tiny)


@pytest.fixture(scope="module", params=NAMES)
def shipped(request) -> al.Plan:
    """The plan of each shipped scenario in turn."""
    return al.solve(al.read(SCENARIOS / request.param))


@pytest.fixture(scope="module")
def ballot() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "participatory-budget"))


@pytest.fixture(scope="module")
def package() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "health-benefits-package"))


@pytest.fixture(scope="module")
def still(tiny) -> al.Plan:
    """Tiny where nothing may move: as much money as today, care lines fixed, prevention already even."""
    return al.solve(tiny.change({
        "envelopes.core": 800e3, "envelopes.grant": 90e3, "rules.prevention-north": None,
        "rules.steady-care.down": 0.0, "rules.steady-care.up": 0.0,
    }))  # fmt: skip


# --- cards -----------------------------------------------------------------------------------------------------------


def test_what_changes_to_the_word(plan):
    """The scenario solved by hand: what got worse comes first, then the money, places, partners and the outcome."""
    assert what_changes(plan) == (
        "Less than today: South −£5,000 (−0.9%). £115,000 is placed differently from today: there is £110,000 more, "
        "and £5,000 moves. By place: most to North +£115,000 (+33.3%); most from South −£5,000 (−0.9%). By partner: "
        "most to The Trust +£100,000 (+12.5%), The Council +£10,000 (+11.1%). Against today it buys +113.4 years "
        "(Years of good health)."
    )


def test_why_to_the_word(plan):
    """Care buys 0.001 a pound until core money is all spent; prevention in North buys less but stands on its floor."""
    assert why(plan) == (
        "Care in South buys most at the margin: 1 years for £1,000 more, and stops because Core money is all spent. "
        "Prevention in North, paid from Prevention grant, buys 0.602, against 0.899 elsewhere, and cannot fall "
        "further: 'prevention-north'."
    )


def test_change_of_mind_to_the_word(plan):
    """Care in North is free, so it responds at once, down to its lower limit (£285,000); prevention in South can get
    nothing from North, whose floor holds it."""
    assert change_of_mind(plan) == (
        "Care in North rises most (£100,000), and responds at once: at 20% weaker about £115,000 would leave it, "
        "holding all else. Prevention in South falls most (£5,000), and gets no more however strong its effect: no "
        "money may come to it."
    )


def test_every_scenario_is_told(shipped):
    """No shipped scenario's words hold a blank number or a solver's word, and every sentence ends."""
    told = [what_changes(shipped), why(shipped), change_of_mind(shipped), *held(shipped)]
    told += [*losers(shipped)["reason"], *winners(shipped)["reason"]]
    for text in told:
        assert text.endswith(".")
        assert text == text.strip()
        assert not NEVER & {word.strip(".,:;()'£$+%") for word in text.lower().split()}
        assert "  " not in text
        assert ".." not in text


def test_the_cards_are_quick():
    """The three cards of the largest scenario take a few hundredths of a second at most, tables and all."""
    plan = al.solve(al.read(SCENARIOS / "greater-manchester"))
    took = []
    for _ in range(5):
        fresh = replace(plan)
        started = time.perf_counter()
        what_changes(fresh), why(fresh), change_of_mind(fresh)
        took.append(time.perf_counter() - started)
    assert min(took) < 0.05


def test_worse_is_said_first(tiny):
    """With less money the outcome, the place and the partner that lose are named before anything else."""
    poorer = al.solve(tiny.change({"envelopes.core": 700e3, "rules.steady-care.down": 0.3}))
    said = what_changes(poorer)
    assert said.startswith("Less than today: Years of good health −")
    first = said.split(". ")[0]
    assert "South" in first
    assert "The Trust" in first


def test_against_another_plan(plan, tiny):
    """Against another plan of the same lines its pounds are the yardstick, and it is called by its name."""
    free = al.solve(tiny.change({"rules.prevention-north": None}))
    said = what_changes(plan, free, "the plan without the floor")
    assert said.startswith("Less than the plan without the floor: Years of good health −1.48 years and South −£10,000")
    assert "£10,000 is placed differently from the plan without the floor, with as much money in all." in said
    assert "By partner" not in said
    assert "No partner's total changes." in said
    assert what_changes(plan, plan, "last week's").startswith(
        "Nothing is placed differently: every line is as in last week's."
    )


def test_moves_add_up(shipped):
    """What rises less what falls is the change in all the money, and outcomes add up to the gains table's."""
    moves = Moves.of(shipped)
    assert moves.rises - moves.falls == pytest.approx(shipped.spend["change"].sum(), abs=1e-3)
    assert moves.moved == max(moves.rises, moves.falls)
    gains = shipped.gains.groupby("outcome")["change"].sum()
    assert moves.outcome == pytest.approx(gains.to_dict())
    for column in ("place", "partner"):
        sums = shipped.by(column).set_index(column)
        for key, before, after in moves.sums(column):
            assert (before, after) == pytest.approx(tuple(sums.loc[key, ["baseline", "spend"]]))


def test_money_left_names_what_stops_it(tiny, ballot):
    """Unspent money is named with the limit that stops its use, or with what the nearest use lacks."""
    rich = al.solve(tiny.change({"envelopes.core": 1.3e6, "rules.prevention-north": None}))
    assert "£100,000 of Core money is left unspent: the rule 'For each line, spending on Care must" in what_changes(
        rich
    )
    assert what_changes(ballot).endswith(
        "£25,000 of Ballot money is left unspent: the nearest use, Street trees in West, is £20,000 short of its "
        "minimum start."
    )


def test_choices_are_told_without_prices(ballot):
    """With yes/no choices nothing is priced: what is chosen is said, and what comes nearest."""
    said = why(ballot)
    assert "6 of 10 choices are taken." in said
    assert "The nearest is Street trees in West" in said
    assert "yes/no" in change_of_mind(ballot).lower()
    assert shaping(ballot).empty
    with pytest.raises(ValueError, match="no prices"):
        turn(ballot, "west", "street-trees", YEAR)


# --- what would change our mind --------------------------------------------------------------------------------------


def moves_when(plan: al.Plan, key: tuple[str, str, str], factor: float) -> float:
    """Pounds that a programme in a place gains when its effect is multiplied, solved again."""
    rows = plan.scenario.curve_of_line[key]
    after = al.solve(plan.scenario.change(scaled(plan.scenario, key, factor)))
    return float((after.spend["spend"] - plan.spend["spend"]).to_numpy()[rows].sum())


def test_a_rise_at_its_limit_keeps_until_the_threshold(tiny):
    """Care in North held at +20% (£360,000) buys 0.002/sqrt(3.6) a pound against 0.001/sqrt(1.08) in South: its effect
    may be 8.7% weaker, and solving again just inside and just beyond that agrees."""
    capped = al.solve(tiny.change({"rules.steady-care.up": 0.2}))
    found = turn(capped, "north", "care", YEAR)
    exact = (0.001 / np.sqrt(1.08)) / (0.002 / np.sqrt(3.6))
    assert found.factor == pytest.approx(exact, rel=1e-4)
    assert not found.at_once
    assert moves_when(capped, ("north", "care", YEAR), exact * 1.002) == pytest.approx(0.0, abs=5)
    assert moves_when(capped, ("north", "care", YEAR), exact * 0.998) < -100
    assert f"until its effect is {1 - exact:.1%} weaker than the evidence says" in change_of_mind(capped)


def test_a_free_line_responds_at_once(plan):
    """A line between its limits moves with its effect, and what would leave is where its curve says."""
    found = turn(plan, "north", "care", YEAR)
    assert found.at_once
    assert found.pounds == pytest.approx(400e3 - 285e3, abs=5)
    stronger = turn(plan, "north", "care", YEAR, rising=False)
    assert stronger.pounds == pytest.approx(450e3 - 400e3, abs=5)
    assert moves_when(plan, ("north", "care", YEAR), 0.99) < -1000


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize("place", ["highlands", "lakeside"])
@pytest.mark.parametrize("programme", [
    "cervical-screening", "cervical-treatment", "hiv-treatment", "malnutrition-hospital", "skilled-birth",
])  # fmt: skip
def test_thresholds_are_exact(package, place, programme, rising):
    """With shared limits, resources and straight curves: just inside the threshold nothing moves, just beyond money
    does, and where none is said to move none does."""
    key = (place, programme, "2026")
    found = turn(package, *key, rising=rising)
    if found.factor in (0.0, np.inf):
        assert found.because
        assert moves_when(package, key, 0.02 if rising else 30.0) == pytest.approx(0.0, abs=20)
        return
    step = 0.002 if rising else -0.002
    assert moves_when(package, key, found.factor * (1 + step)) == pytest.approx(0.0, abs=20)
    beyond = moves_when(package, key, found.factor * (1 - step))
    assert beyond < -20 if rising else beyond > 20


def test_thresholds_are_exact_on_a_real_system():
    """The largest rise of a real system, held by a movement limit, solved again just inside and just beyond."""
    plan = al.solve(al.read(SCENARIOS / "coventry-warwickshire"))
    key = ("coventry", "community", "2025/26")
    found = turn(plan, *key)
    assert moves_when(plan, key, found.factor * 1.002) == pytest.approx(0.0, abs=20)
    assert moves_when(plan, key, found.factor * 0.998) < -1000
    with pytest.raises(KeyError):
        turn(plan, "coventry", "maternity", "2025/26")


def test_money_without_another_use_stays():
    """Where an envelope pays for one thing only, its money stays however weak the effect."""
    lines = [{"place": "north", "programme": "care", "baseline": 50.0}]
    curves = [
        {"place": "north", "programme": "care", "shape": "power", "slope": 1.0, "reference": 50.0, "exponent": 0.5}
    ]
    found = turn(al.solve(make(lines, curves, 100.0)), "north", "care", "2026")
    assert found.factor == 0.0
    assert found.because.endswith("its money has no better use")


# --- tables ----------------------------------------------------------------------------------------------------------


def test_losers_of_tiny(plan):
    """One line of tiny falls, by £5,000, to where a pound buys what the grant's price is."""
    table = losers(plan)
    assert list(table.columns) == telling.LINE_COLUMNS
    assert list(table["line"]) == ["council.south.prevention.grant.2026/27"]
    row = table.iloc[0]
    assert (row["baseline"], row["spend"], row["change"]) == (45e3, 40e3, -5e3)
    assert row["worth"] == pytest.approx(1e6 * 0.002 * np.exp(-0.8))
    assert row["elsewhere"] == pytest.approx(row["worth"])


def test_losers_and_winners_are_the_lines_that_move(shipped):
    """A line that falls by a pound, or gets nothing though it could, is a loser; one that rises by a pound a winner."""
    spend = shipped.spend
    down, up = losers(shipped), winners(shipped)
    nothing = (spend["spend"] < 1) & (spend["high"] >= 1)
    assert len(down) == ((spend["change"] <= -1) | nothing).sum()
    assert len(up) == (spend["change"] >= 1).sum()
    assert down["change"].is_monotonic_increasing
    assert up["change"].is_monotonic_decreasing
    assert set(down["line"]) | set(up["line"]) <= set(shipped.scenario.line_ids)
    assert not set(down["line"]) & set(up["line"])
    assert (down["worth"].notna() == shipped.has_prices).all()


def test_reasons_name_what_stands_in_the_way(plan, ballot, package):
    """A floor asks for a rise, a limit stops a fall, a start is short by so much, a ceiling is a line's own."""
    raised = winners(plan).set_index("line")["reason"]
    assert raised["council.north.prevention.grant.2026/27"].endswith(
        "the rule 'Spending on Prevention in North must be at least £60,000' asks for it."
    )
    assert raised["trust.north.care.core.2026/27"].endswith("Core money is all spent.")
    fallen = losers(package).set_index("line")["reason"]
    assert fallen["ministry.lakeside.hypertension.budget.2026"] == (
        "$10,000 here buys 11 DALYs averted, 23.8 elsewhere; the rule 'For each line, spending must fall by at most "
        "50% from the baseline' stops it falling further."
    )
    assert "Nurses: at most" in fallen["ministry.lakeside.skilled-birth.budget.2026"]
    assert (
        "its own most ($1.5m)"
        in winners(package).set_index("line")["reason"]["ministry.lakeside.malaria-nets.budget.2026"]
    )
    out = losers(ballot).set_index("line")["reason"]
    assert out["council.west.street-trees.ballot.2026/27"] == (
        "£20,000 short of its minimum start (£45,000): the rest of Ballot money buys more elsewhere."
    )
    assert set(winners(ballot)["reason"]) == {"Funded whole."}


def test_a_start_that_would_break_a_rule_says_so(ballot):
    """Where the money is there but a rule forbids the start, the rule is named."""
    capped = al.solve(ballot.scenario.change({"rules.not-all-on-streets.at_most": 0.0}))
    reasons = losers(capped)["reason"]
    assert any("would break the rule" in reason or "short of its minimum start" in reason for reason in reasons)


def test_held_names_what_holds(still, plan):
    """Where nothing moves, what holds it is named and what easing it would buy; nothing where anything moves."""
    said = held(still)
    assert said[0] == "Every line stays at today's spending: all the money is spent as it is now."
    assert "The rule 'For each line, spending on Care must fall by at most 0%" in said[1]
    assert held(plan) == []
    assert what_changes(still) == "Nothing is placed differently: every line is as today."
    assert change_of_mind(still).startswith("Nothing whose effect is counted rises or falls: the rule")


def test_shaping_is_what_solving_again_finds(plan, tiny):
    """Worth is what easing by what is asked buys; rules, envelopes and resources stand by worth."""
    table = shaping(plan)
    assert list(table.columns) == telling.SHAPING_COLUMNS
    assert list(table["id"]) == ["core", "grant", "prevention-north"]
    assert list(table["kind"]) == ["envelope", "envelope", "rule"]
    assert set(table["asks"]) == {"£1,000"}
    eased = al.solve(tiny.change({"rules.prevention-north.amount": 60e3 - a_little(plan)}))
    assert eased.value - plan.value == pytest.approx(table["worth"].iloc[2], rel=0.06)


def test_shaping_agrees_with_the_limits(shipped):
    """Every rule or resource with a priced limit at its end is there once, with how many of its limits are."""
    if not shipped.has_prices:
        return
    table, limits = shaping(shipped), shipped.limits
    noise = 1e-9 * limits["price"].max()
    counts = limits[limits["price"] > noise].groupby("rule").size()
    mine = table[table["kind"] != "envelope"]
    names = np.where(mine["kind"] == "resource", "resource " + mine["id"], mine["id"])
    assert dict(zip(names, mine["count"], strict=True)) == counts.to_dict()
    worth = table["worth"].map(lambda value: float(f"{value:.6g}"))
    assert worth.is_monotonic_decreasing
    assert not table.duplicated(["kind", "id"]).any()


def test_years_are_told_apart(folder):
    """Over several years what buys most is named with its year."""
    plan = al.solve(two_years(folder))
    assert " in 2026/27" in why(plan) or " in 2027/28" in why(plan)
    assert set(shaping(plan).query("kind == 'envelope'")["where"]) <= {"2026/27", "2027/28"}
