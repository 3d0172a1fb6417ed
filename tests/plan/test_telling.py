"""A plan told: what changes, why, what would change our mind, who gains and who loses."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

import allocate as al
from allocate.plan import telling
from allocate.plan.explaining import a_little
from allocate.plan.margins import turn_of, view_of
from allocate.plan.moves import Moves
from allocate.plan.still import held
from allocate.plan.telling import change_of_mind, losers, shaping, what_changes, why, winners
from tests.conftest import SCENARIOS
from tests.rules.examples import two_years

NAMES = sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.toml"))
NEVER = {"dual", "shadow", "constraint", "constraints", "binding", "nan", "inf", "nash", "nat", "nucleolus"}
YEAR = "2026/27"


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
        "Less than today: South (£5,000, −0.9%). Spending is £110,000 more than today, and £5,000 moves between lines. "
        "By place, North (£115,000, +33.3%) gains most and South (£5,000, −0.9%) loses most. By partner, The Trust "
        "(£100,000, +12.5%) gains most, then The Council (£10,000, +11.1%). Against today it buys +113.4 years (Years "
        "of good health)."
    )


def test_why_to_the_word(plan):
    """Care buys 0.001 a pound until core money is all spent; prevention in North buys less but stands on its floor."""
    assert why(plan) == (
        "The next £1,000 would buy most in Care in South (1 years), but Core money is all spent. Prevention in North "
        "buys 0.602 years for £1,000, against 0.899 elsewhere, but the rule “Prevention north” keeps it there."
    )


def test_change_of_mind_to_the_word(plan):
    """Care in North is free, so it responds at once, down to its lower limit (£285,000), below where it rose from;
    prevention in South can get nothing from North, whose floor holds it."""
    assert change_of_mind(plan) == (
        "Care in North rises most (£100,000), and responds at once: were its effect 20% weaker, it would lose "
        "all of its rise. Prevention in South falls most (£5,000), and gets no more however strong its effect: no "
        "money may come to it. This holds only while nothing else changes."
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


def test_sentences_of_the_cards_are_short(shipped):
    """No sentence of a card is longer than thirty words, none holds a bare id, and none has a sign before pounds, where
    a line may break."""
    bare = {rule.id for rule in shipped.scenario.rules if "-" in rule.id}
    for text in (what_changes(shipped), why(shipped), change_of_mind(shipped), *held(shipped)):
        assert all(len(sentence.split()) <= 30 for sentence in text.split(". "))
        assert not any(name in text for name in bare)
        assert "'" not in text.replace("'s ", " ")
        assert not any(sign + shipped.scenario.heading.currency in text for sign in ("+", "−"))


def test_the_cards_are_quick():
    """The three cards of the largest scenario take a few hundredths of a second of work at most, tables and all."""
    plan = al.solve(al.read(SCENARIOS / "greater-manchester"))
    took = []
    for _ in range(5):
        fresh = replace(plan)
        started = time.process_time()
        what_changes(fresh), why(fresh), change_of_mind(fresh)
        took.append(time.process_time() - started)
    assert min(took) < 0.05


def test_worse_is_said_first(tiny):
    """With less money the outcome, the place and the partner that lose are named before anything else."""
    poorer = al.solve(tiny.change({"envelopes.core": 700e3, "rules.steady-care.down": 0.3}))
    said = what_changes(poorer)
    assert said.startswith("Less than today: Years of good health (−99.1 years); South")
    first = said.split(". ")[0]
    assert "South" in first
    assert "The Trust" in first


def test_against_another_plan(plan, tiny):
    """Against another plan of the same lines its pounds are the yardstick, and it is called by its name."""
    free = al.solve(tiny.change({"rules.prevention-north": None}))
    said = what_changes(plan, free, "the plan without the floor")
    assert said.startswith(
        "Less than in the plan without the floor: Years of good health (−1.48 years); South (£10,000"
    )
    assert "Compared with the plan without the floor, £10,000 moves between lines, with as much money in all." in said
    assert "By partner" not in said
    assert "No partner's total changes." in said
    assert what_changes(plan, plan, "last week's").startswith(
        "Nothing is placed differently: every line is as in last week's, held by the rule “Prevention north” and the"
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
    assert "Core money has £100,000 left: the rule “Steady care” stops its use." in what_changes(rich)
    assert (
        "Ballot money has £25,000 left: the nearest use, Street trees in West, is £20,000 short of its minimum start."
    ) in what_changes(ballot)


def test_choices_are_told_without_prices(ballot):
    """With yes/no choices nothing is priced: what is chosen is said, and what comes nearest."""
    said = why(ballot)
    assert "Of 10 choices, 6 are taken." in said
    assert "The nearest left out is Street trees in West" in said
    assert "yes/no" in change_of_mind(ballot).lower()
    assert shaping(ballot).empty


def test_no_more_comes_back_than_left(tiny, plan, shipped):
    """A sum is told only below what rose or fell: where local reasoning reaches it, all of it is said to go, without
    one."""
    for each in (shipped, al.solve(tiny.change({"envelopes.core": 790e3, "rules.steady-care.down": 0.3}))):
        if not each.has_prices:
            continue
        view = view_of(each)
        for key, (rows, _) in view.groups.items():
            change = float(view.change[rows].sum())
            if len(rows) and abs(change) >= 1 and view.worth[rows[0]] > 0:
                turn = turn_of(view, key, change > 0)
                said = telling.turned(view, turn) + telling._beyond(view, turn)
                all_of_it = "all of it." in said or "all of its rise" in said
                named = " would leave it" in said or " would come back" in said
                assert not (named and turn.pounds > abs(change))
                assert not (all_of_it and turn.pounds < abs(change) - 10)


def test_changes_too_small_to_show_are_not_told(plan):
    """A place or partner whose change is 0.0% of what it had is no gainer and no loser."""
    moves = Moves.of(plan)
    nudged = replace(moves, before=moves.after + np.array([100.0, -100.0, 0.0, 0.0])[: len(moves.after)])
    assert "0.0%" not in telling.worse(nudged) + telling.by(nudged, "place", "places")
    assert telling.by(nudged, "place", "places") == "No place's total changes by as much as 0.1%."
    assert telling.by(replace(moves, before=moves.after), "place", "places") == "No place's total changes."


def test_ties_are_told(shipped):
    """Where other plans are as good it is said of how many lines, and which of them this one is."""
    said = telling.ties(shipped)
    assert (said == "") == (shipped.ties == 0)
    if shipped.ties:
        lines = f"At least {shipped.ties} lines could be spent otherwise for the same outcome"
        assert said == f"{lines}; this plan changes least from today."


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
    assert raised["council.north.prevention.grant.2026/27"].endswith("the rule “Prevention north” asks for it.")
    assert raised["trust.north.care.core.2026/27"].endswith("Core money is all spent.")
    fallen = losers(package).set_index("line")["reason"]
    assert fallen["ministry.lakeside.hypertension.budget.2026"] == (
        "$10,000 here buys 11 DALYs averted, 23.8 elsewhere; the rule “No sudden closure” stops it falling further."
    )
    assert "the limit “Nurses” stops it" in fallen["ministry.lakeside.skilled-birth.budget.2026"]
    assert (
        "its own most ($1.5m)"
        in winners(package).set_index("line")["reason"]["ministry.lakeside.malaria-nets.budget.2026"]
    )
    out = losers(ballot).set_index("line")["reason"]
    assert out["council.west.street-trees.ballot.2026/27"] == (
        "£20,000 short of its minimum start (£45,000); the rest of Ballot money buys more elsewhere."
    )
    assert set(winners(ballot)["reason"]) == {"Funded whole."}


def test_a_line_at_the_end_of_a_rule_names_it():
    """A line that fell as far as a rule lets it is said to be stopped there, though money is worth as much there."""
    scenario = al.read(SCENARIOS / "coventry-warwickshire").change({"envelopes.core.amount": 1.855e9})
    table = losers(al.solve(scenario)).set_index("line")
    fallen = table.loc["uhcw.south-warwickshire.urgent.core.2025/26"]
    assert fallen["change"] / fallen["baseline"] == pytest.approx(-0.03, abs=1e-5)
    assert fallen["reason"].endswith("as much as its money buys elsewhere; stopped at the rule “Movement hospital”.")
    assert "stopped at" not in table.loc["uhcw.coventry.urgent.core.2025/26", "reason"]


def test_what_a_line_needs_at_least(ballot, plan):
    """The least that a line needs is its minimum start where it has one, or its own least."""
    assert losers(ballot).set_index("line")["least"]["council.west.street-trees.ballot.2026/27"] == 45e3
    assert losers(plan)["least"].tolist() == [0.0]


def test_a_place_that_holds_others_is_named_as_a_whole(shipped):
    """Money spent on a place besides the places inside it is told as the place's as a whole."""
    places, moves = shipped.scenario.table("places"), Moves.of(shipped)
    for key, name in zip(places["id"], places["name"], strict=True):
        assert moves.place(key) == (f"{name} as a whole" if (places["parent"] == key).any() else name)


def test_a_start_that_would_break_a_rule_says_so(ballot):
    """Where the money is there but a rule forbids the start, the rule is named."""
    capped = al.solve(ballot.scenario.change({"rules.not-all-on-streets.at_most": 0.0}))
    reasons = losers(capped)["reason"]
    assert any("would break the rule" in reason or "short of its minimum start" in reason for reason in reasons)


def test_held_names_what_holds(still, plan):
    """Where nothing moves, what holds it is named and what easing it would buy; nothing where anything moves."""
    said = held(still)
    assert said[0] == "Every line stays at today's spending: all the money is spent as it is now."
    assert said[1].startswith(
        "The rule “Steady care” holds Care in North and Care in South there: easing it by £100 in each part would be "
        "worth 0.0155 years."
    )
    assert held(plan) == []
    assert what_changes(still) == (
        "Nothing is placed differently: every line is as today, held by the rule “Steady care” and the amount of "
        "Prevention grant."
    )
    assert change_of_mind(still).startswith("Nothing whose effect is counted rises or falls. The rule")


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
