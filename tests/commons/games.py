"""Small systems whose partners want different things, for tests of regimes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import allocate as al
from tests.engine.making import YEAR, make

Rows = list[dict[str, Any]]


def line(partner: str, programme: str, baseline: float, envelope: str = "pot", place: str = "town") -> dict[str, Any]:
    return {
        "partner": partner, "place": place, "programme": programme, "envelope": envelope, "baseline": baseline,
        "year": YEAR,
    }  # fmt: skip


def straight(programme: str, outcome: str, slope: float, place: str = "town") -> dict[str, Any]:
    return {"place": place, "programme": programme, "outcome": outcome, "shape": "linear", "slope": slope}


def rooted(programme: str, outcome: str, slope: float, reference: float, place: str = "town") -> dict[str, Any]:
    """A curve that buys 2 x slope x reference x sqrt(x / reference)."""
    return {
        "place": place, "programme": programme, "outcome": outcome, "shape": "power", "slope": slope,
        "reference": reference, "exponent": 0.5,
    }  # fmt: skip


def benefit(partner: str, outcome: str, own: float = 1.0, share: float = 0.0, worth: float = 1.0) -> dict[str, Any]:
    return {"partner": partner, "outcome": outcome, "own": own, "share": share, "worth": worth}


def shared_good(
    rules: dict[str, dict[str, Any]] | None = None, baseline: float = 100_000.0, **more: Rows
) -> al.Scenario:
    """Two partners with £1m each, that spend on a service of their own, at £1 a pound, or on prevention, of whose worth
    half lands on each: 800,000 sqrt(x / 100,000). For both together the last pound of £1.6m is worth £1, for either
    alone that of £400,000."""
    lines = []
    for name in ("a", "b"):
        pot = f"pot-{name}"
        lines += [line(name, f"service-{name}", 9e5, pot), line(name, "prevention", baseline, pot)]
    curves = [straight(f"service-{name}", "service", 1.0) for name in ("a", "b")]
    curves.append(rooted("prevention", "health", 4.0, 100_000.0))
    rows = [benefit(name, "service") for name in ("a", "b")]
    rows += [benefit(name, "health", own=0.5, share=0.5) for name in ("a", "b")]
    rows = more.pop("benefits", rows)
    money = {"pot-a": 1e6, "pot-b": 1e6}
    return make(lines, curves, money, rules, {"service": 1.0, "health": 1.0}, benefits=rows, **more)


def common_purse(rules: dict[str, dict[str, Any]] | None = None, **more: Rows) -> al.Scenario:
    """One purse of £900,000, of which one partner spends £300,000 in the north and another £500,000 in the south: the
    care of scenarios/tiny, whose best split is £400,000 and £500,000."""
    lines = [
        line("northern", "care", 300_000.0, place="north"), line("southern", "care", 500_000.0, place="south")
    ]  # fmt: skip
    curves = [rooted("care", "health", 0.002, 1e5, "north"), rooted("care", "health", 0.001, 5e5, "south")]
    return make(lines, curves, 9e5, rules, **more)


@st.composite
def systems(draw, players: tuple[int, int] = (1, 3), everybody: bool = False) -> al.Scenario:
    """Partners with money of their own and a common purse, spending on services of their own and on what all feed;
    sometimes with a rule, sometimes with benefits (with `everybody`, for all of them)."""
    count = draw(st.integers(*players))
    names = [f"p{k}" for k in range(count)]
    amount = st.integers(2, 30).map(lambda x: x * 1e4)
    lines, curves, money = [], [], {"purse": 0.0}
    for name in names:
        of_pot, of_purse = draw(amount), draw(amount)
        lines += [line(name, f"service-{name}", of_pot, name), line(name, "prevention", of_pot / 2, name)]
        lines += [line(name, "care", of_purse, "purse"), line(name, "prevention", of_purse / 2, "purse")]
        money[name], money["purse"] = 1.6 * of_pot, money["purse"] + 1.6 * of_purse
        curves.append(rooted(f"service-{name}", "service", draw(st.floats(0.2, 4.0)), draw(amount)))
    curves.append(rooted("prevention", "health", draw(st.floats(0.2, 6.0)), draw(amount)))
    curves.append({"place": "town", "programme": "care", "outcome": "health", "shape": "saturation",
                   "ceiling": draw(st.floats(1e4, 1e6)), "reference": draw(amount)})  # fmt: skip
    part = st.floats(0.0, 1.0).map(lambda x: round(x, 4))
    rows = [
        benefit(name, outcome, draw(part), draw(part), draw(st.floats(0.1, 10.0)))
        for name in names if everybody or draw(st.booleans()) for outcome in ("service", "health")
    ]  # fmt: skip
    rules = {"enough": {"kind": "floor", "amount": 2e4, "where": {"programmes": ["care"]}}}
    weights = {"service": draw(st.floats(0.1, 2.0)), "health": 1.0}
    return make(lines, curves, money, rules if draw(st.booleans()) else {}, weights, benefits=rows)


def workshop(most: float = 2e5, rules: dict[str, dict[str, Any]] | None = None, scale: float = 0.0) -> al.Scenario:
    """Three partners with £100,000 each of one purse and a service each that is worth £1 a pound; c has a workshop too,
    worth £3 a pound for £200,000 at most: a left glove, of which either of the others is the right one."""
    names = ("a", "b", "c")
    lines = [line(name, f"service-{name}", 1e5) for name in names]
    shops = [
        line(name, f"workshop-{name}", 0.0) | {"high": most, "scale": scale} for name in ("c" if not scale else names)
    ]
    curves = [straight(f"service-{name}", "service", 1.0) for name in names]
    curves += [straight(each["programme"], "service", 3.0) for each in shops]
    rows = [benefit(name, "service") for name in names]
    return make([*lines, *shops], curves, 3e5, rules, {"service": 1.0}, benefits=rows)


def majority() -> al.Scenario:
    """Three partners with £100,000 each, who may have one workshop among them, of £150,000 at least and £200,000 at
    most: any two can, one cannot, and all three gain no more than two."""
    shops = [f"workshop-{name}" for name in "abc"]
    return workshop(rules={"one": {"kind": "cap", "amount": 2e5, "where": {"programmes": shops}}}, scale=1.5e5)
