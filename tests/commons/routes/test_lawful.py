"""What may lawfully move where: by hand, against an independent linear program, and on any system with routes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import allocate as al
from allocate.commons.apart.alone import today
from allocate.commons.routes.lawful import LAW, RULES
from allocate.engine.optimum import Options
from allocate.engine.problem import Problem
from tests.commons.games import line, rooted, straight
from tests.engine.making import YEAR, make


def route(source: str, target: str, high: float, name: str = "") -> dict[str, Any]:
    return {
        "id": name or f"{source}-{target}", "year": YEAR, "source": source, "target": target, "high": high,
        "authority": "a power",
    }  # fmt: skip


def held(amounts: dict[str, float], **holders: str) -> list[dict[str, Any]]:
    return [
        {"id": key, "year": YEAR, "name": key.title(), "holder": holders.get(key, "body"), "amount": amount}
        for key, amount in amounts.items()
    ]  # fmt: skip


def two_pots(rules: dict[str, dict[str, Any]] | None = None, routes: list[dict[str, Any]] | None = None) -> al.Scenario:
    """£1m of an acute trust's, worth £1 a pound on care, and £500,000 of a council's, worth £3 on prevention (of which
    the trust pays some too); £200,000 may move to the council."""
    lines = [line("acute", "care", 9e5, "core"), line("council", "prevention", 5e5, "grant")]
    lines.append(line("acute", "prevention", 1e5, "core") | {"high": 1e5})
    curves = [straight("care", "health", 1.0), straight("prevention", "health", 3.0)]
    envelopes = held({"core": 1e6, "grant": 5e5}, core="acute", grant="council")
    moves = [route("core", "grant", 2e5)] if routes is None else routes
    return make(lines, curves, 0.0, rules, envelopes=envelopes, routes=moves)


def row_of(table, **wanted) -> Any:
    for column, value in wanted.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_by_hand():
    """Prevention can have the council's £500,000, what may move and the trust's own most: £800,000, by the law and by
    the rules; those three stop more."""
    found = al.lawful(two_pots())
    row = row_of(found.reach, kind="programme", id="prevention")
    assert (row["today"], row["plan"]) == (6e5, 8e5)
    assert (row["most"], row["flow"]) == pytest.approx((8e5, 8e5))
    assert found.certified
    stops = found.stops[(found.stops["id"] == "prevention") & (found.stops["by"] == LAW)]
    assert dict(zip(stops["what"], stops["amount"], strict=True)) == {"envelope": 5e5, "route": 2e5, "line": 1e5}
    stops = found.stops[(found.stops["id"] == "prevention") & (found.stops["by"] == RULES)]
    assert dict(zip(stops["what"], stops["price"], strict=True)) == pytest.approx(
        {"envelope": 1.0, "route": 1.0, "line": 1.0}
    )
    assert row_of(found.reach, kind="envelope", id="grant")["most"] == pytest.approx(7e5)
    assert any("all that can lawfully reach them" in said for said in found.sentences)


def test_a_rule_that_stops_more():
    """Under a cap of £650,000 that is the most by the rules, and the rule is named; the law alone lets £800,000."""
    cap = {"enough": {"kind": "cap", "amount": 6.5e5, "where": {"programmes": ["prevention"]}}}
    found = al.lawful(two_pots(cap), to="prevention")
    row = row_of(found.reach, kind="programme")
    assert (row["most"], row["flow"]) == pytest.approx((6.5e5, 8e5))
    assert row["stops"] == "the rule “Enough”"
    assert any("At most £650,000 can lawfully reach Prevention" in said for said in found.sentences)


def test_what_a_consent_is_worth():
    """Each of the £200,000 that moves buys 2 more: without the route the outcome loses 400,000, and with twice as much
    gains as much again; £600,000 and £1m can reach prevention then. Both holders must agree."""
    found = al.lawful(two_pots(), to="prevention")
    row = row_of(found.routes, route="core-grant")
    assert row["consent"] == ("acute", "council")
    assert (row["high"], row["plan"], row["wider"]) == (2e5, 2e5, 4e5)
    assert (row["without"], row["gain"]) == pytest.approx((4e5, 4e5), rel=1e-6)
    assert (row["reach_without"], row["reach_wider"]) == pytest.approx((6e5, 1e6), rel=1e-6)
    said = " ".join(found.sentences)
    assert "400,000 units less without it" in said
    assert "if £400,000 may move, at most £1.0m can" in said


def test_a_rule_that_opens_a_route():
    """A route that only a rule opens is shut with the rule, whose owner must agree too; where a floor needs it there is
    no plan without it, and it says so."""
    rules = {"open": {"kind": "open", "route": "core-grant", "amount": 2e5, "owner": "body"}}
    closed = [route("core", "grant", 0.0)]
    row = row_of(al.lawful(two_pots(rules, closed)).routes, route="core-grant")
    assert (row["rule"], row["consent"]) == ("open", ("acute", "council", "body"))
    assert row["without"] == pytest.approx(4e5, rel=1e-6)
    rules["least"] = {"kind": "floor", "amount": 6e5, "where": {"envelopes": ["grant"]}}
    found = al.lawful(two_pots(rules, closed))
    row = row_of(found.routes, route="core-grant")
    assert np.isnan(row["without"])
    assert any("without it the rules cannot all hold" in said for said in found.sentences)


def test_a_route_that_nobody_opened():
    """A route that is shut is tried with all there is to move, and one that does not exist is found by its prices; a
    statutory ring-fence keeps its money where it is."""
    row = row_of(al.lawful(two_pots(routes=[route("core", "grant", 0.0)])).routes, route="core-grant")
    assert (row["wider"], row["without"]) == (1e6, 0)
    assert row["gain"] == pytest.approx(1.8e6, rel=1e-6)
    found = al.lawful(two_pots(routes=[]))
    opened = row_of(found.openings, source="core", target="grant")
    assert opened["consent"] == ("acute", "council")
    assert opened["first"] == pytest.approx(2 * found.step)
    assert opened["exactly"] == pytest.approx(2 * found.step, rel=1e-4)
    assert (opened["gain"], opened["moves"]) == pytest.approx((1.8e6, 9e5), rel=1e-6)
    assert any("Of routes that do not exist" in said for said in found.sentences)
    opened = row_of(al.lawful(two_pots(routes=[]), to="prevention").openings, source="core", target="grant")
    assert opened["reach"] == pytest.approx(1.5e6, rel=1e-6)
    fence = {"fence": {"kind": "ring-fence", "standing": "statutory", "where": {"envelopes": ["core"]},
                       "only": {"programmes": ["care", "prevention"]}}}  # fmt: skip
    assert not len(al.lawful(two_pots(fence, [])).openings)


def test_a_place_and_what_is_none():
    """What can reach a programme in one place; what is no programme or place, or has no line, is refused."""
    lines = [line("body", "care", 5e4, place="north"), line("body", "care", 5e4, place="south") | {"low": 2e4}]
    curves = [rooted("care", "health", 1.0, 1e5, each) for each in ("north", "south")]
    scenario = make(lines, curves, 1e5)
    found = al.lawful(scenario, to="care", place="north")
    assert found.reach["name"].tolist() == ["Care in North"]
    assert found.reach[["most", "flow"]].to_numpy() == pytest.approx(np.array([[8e4, 8e4]]))
    with pytest.raises(al.ScenarioError, match=r"programmes\.csv") as wrong:
        al.lawful(scenario, to="car", place="west")
    assert len(wrong.value.problems) == 2


def test_it_can_be_stopped():
    """Once nobody waits, what was found by then is given, and what is not is left out."""
    found = al.lawful(two_pots(), tick=lambda done, total: done < 1)
    assert len(found.reach) == 1
    assert not len(found.routes)
    watch = al.Watch()
    watch.stop()
    assert not len(al.lawful(two_pots(), watch=watch).reach)


def test_yes_no_choices():
    """With a line that is nothing or £300,000, the most is exact, and openings are not judged for want of prices."""
    lines = [line("body", "care", 4e5), line("body", "scheme", 0.0) | {"high": 3e5, "scale": 3e5}]
    found = al.lawful(make(lines, [straight("care", "health", 1.0), straight("scheme", "health", 0.5)], 5e5))
    assert row_of(found.reach, id="scheme")["most"] == pytest.approx(3e5)
    assert not found.priced
    assert any("not judged" in said for said in found.sentences)


# --- on any system ----------------------------------------------------------------------------------------------------


@st.composite
def routed(draw) -> al.Scenario:
    """A few envelopes with routes between some, lines from each on several programmes, sometimes a cap and a limit on
    what moves."""
    count = draw(st.integers(2, 4))
    pots = [f"pot-{k}" for k in range(count)]
    amount = st.integers(2, 30).map(lambda x: x * 1e4)
    lines, money = [], {}
    for pot in pots:
        mine = draw(st.lists(st.sampled_from(["care", "prevention", "support"]), min_size=1, max_size=3, unique=True))
        for programme in mine:
            before = draw(amount)
            low = round(before * draw(st.floats(0, 0.8)))
            high = draw(st.none() | st.floats(1.0, 3.0).map(lambda x, before=before: round(x * before)))
            lines.append(line(pot, programme, before, pot) | {"low": low, "high": high})
        money[pot] = float(sum(each["baseline"] for each in lines if each["envelope"] == pot))
    named = sorted({each["programme"] for each in lines})
    curves = [rooted(each, "health", draw(st.floats(0.2, 4.0)), draw(amount)) for each in named]
    pairs = [(a, b) for a in pots for b in pots if a != b]
    routes = [route(a, b, draw(amount)) for a, b in draw(st.lists(st.sampled_from(pairs), max_size=4, unique=True))]
    rules: dict[str, dict[str, Any]] = {}
    if draw(st.booleans()):
        total = sum(each["baseline"] for each in lines if each["programme"] == named[0])
        rules["cap"] = {"kind": "cap", "amount": 1.2 * total, "where": {"programmes": [named[0]]}}
    if routes and draw(st.booleans()):
        rules["moves"] = {"kind": "virement", "amount": draw(amount)}
    return make(lines, curves, money, rules, routes=routes)


def most_by_hand(scenario: al.Scenario, programme: str) -> float:
    """The most on a programme by a linear program written from the tables."""
    lines, envelopes, routes = (scenario.table(name) for name in ("lines", "envelopes", "routes"))
    money = np.zeros((len(envelopes), len(lines) + len(routes)))
    ids = envelopes["id"].tolist()
    for k, pot in enumerate(lines["envelope"]):
        money[ids.index(pot), k] = 1.0
    for k, (source, target) in enumerate(zip(routes["source"], routes["target"], strict=True), len(lines)):
        money[ids.index(source), k] += 1.0
        money[ids.index(target), k] -= 1.0
    rows, ends = [*money], envelopes["amount"].tolist()
    for rule in scenario.rules:
        among = np.append(lines["programme"].isin(rule.where.programmes), np.zeros(len(routes)))
        rows.append(among if rule.kind == "cap" else np.arange(money.shape[1]) >= len(lines))
        ends.append(rule.amount)
    high = [None if np.isnan(each) else each for each in lines["high"]]
    bounds = [*zip(lines["low"], high, strict=True), *((0.0, each) for each in routes["high"])]
    asked = np.append(lines["programme"] == programme, np.zeros(len(routes)))
    return -linprog(-asked, np.array(rows, dtype=float), ends, bounds=bounds).fun


@settings(max_examples=10, deadline=None)
@given(routed())
def test_on_any_system(scenario):
    """The most is that of an independent linear program; the plan and lawful spending of today are within it, and it
    within what envelopes and routes let through; money leaves an envelope along its routes alone."""
    found = al.lawful(scenario, openings=1)
    plan, lawful = found.together, today(Problem.of(scenario), Options()).spend
    programme, paid = scenario.table("lines")["programme"].to_numpy(), scenario.envelope_of_line
    for row in found.reach[found.reach["kind"] == "programme"].itertuples():
        assert row.most == pytest.approx(most_by_hand(scenario, row.id), rel=1e-6)
        assert row.plan <= row.most + 1
        assert lawful[programme == row.id].sum() <= row.most + 1
        assert row.most <= row.flow + 1
    moves = plan.routes
    table = scenario.table("envelopes")
    for e, pot in enumerate(table["id"]):
        into = moves.loc[moves["target"] == pot, "moved"].sum() - moves.loc[moves["source"] == pot, "moved"].sum()
        assert plan.spend["spend"].to_numpy()[paid == e].sum() <= table["amount"].iloc[e] + into + 1e-6
    assert (moves["moved"] <= moves["high"] + 1e-6).all()
    assert found.certified


@settings(max_examples=6, deadline=None)
@given(routed())
def test_opening_never_lowers_the_outcome(scenario):
    """Shutting a route never gains and opening one, known or new, never loses; nor does it take from what can reach a
    programme."""
    programme = scenario.table("lines")["programme"].iloc[0]
    found = al.lawful(scenario, to=programme, openings=2)
    most = found.reach["most"].iloc[0]
    table = found.routes[found.routes["why"] == ""]
    value = found.together._solved.optimum.certificate.value
    for row in table.itertuples():
        wide = al.solve(scenario.change({f"routes.{row.route}.high": row.wider}))._solved.optimum.certificate.value
        assert wide - value == pytest.approx(row.gain, abs=max(2 * found.noise, 1e-6 * abs(value)))
    assert (table["reach_without"].dropna() <= most + 1).all()
    assert (table["reach_wider"].dropna() >= most - 1).all()
    assert (found.openings[["exactly", "gain"]].to_numpy() >= 0).all()
    assert (found.openings["gain"] >= found.openings["exactly"] - found.noise).all()
