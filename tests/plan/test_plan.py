"""A plan's tables: tidy, exact to the pound, recomputed from spend, and nobody's to alter."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest

import allocate as al
from allocate.engine.problem import Problem
from allocate.scenario.curves import Curves
from allocate.scenario.tables import TABLES
from tests.conftest import SCENARIOS
from tests.rules.examples import two_years

COLUMNS = {
    "spend": "partner place programme envelope year baseline low high spend change",
    "gains": "place programme outcome year spend baseline_gain gain change",
    "limits": "rule owner standing part label measure amount low high slack binding price bent bend_price",
    "money": "envelope year holder amount moved_in moved_out spent unspent price",
    "routes": "route year source target high moved",
    "places": "place year population need baseline spend change per_head by_need_before by_need "
    "target distance_before distance_after",
    "facts": "fact value",
}
KEYS = {
    "spend": list(TABLES["lines"].key), "gains": list(TABLES["curves"].key), "limits": ["rule", "part"],
    "money": ["envelope", "year"], "routes": ["route", "year"], "places": ["place", "year"], "facts": ["fact"],
}  # fmt: skip


@pytest.fixture(scope="module")
def routed() -> al.Plan:
    """A plan with routes, a pool, growth rules and ties."""
    return al.solve(al.read(SCENARIOS / "coventry-warwickshire"))


@pytest.fixture(scope="module")
def both(plan, routed) -> tuple[al.Plan, al.Plan]:
    return plan, routed


@pytest.mark.parametrize("name", COLUMNS)
def test_columns(name, both):
    """Every table has the columns its documentation names, in that order, one row a key."""
    for plan in both:
        table = plan.tables()[name]
        assert list(table.columns) == COLUMNS[name].split()
        assert not table.duplicated(KEYS[name]).any()
        pd.testing.assert_frame_equal(table, getattr(plan, name))
        assert list(table.index) == list(range(len(table)))


def test_tables_are_all_tables(plan):
    """`tables` leaves none out, and the class's own words name every column."""
    assert list(plan.tables()) == list(COLUMNS)
    words = al.Plan.__doc__.replace(",", " ").replace("(", " ").replace(")", " ").replace(";", " ").split()
    assert {column for columns in COLUMNS.values() for column in columns.split()} <= set(words)


def test_lines_are_the_scenarios(both):
    """Spend has one row for every line, sorted by key, with the line's own figures and a ceiling for each."""
    for plan in both:
        lines, spend = plan.scenario.lines, plan.spend
        keys = list(TABLES["lines"].key)
        pd.testing.assert_frame_equal(spend[[*keys, "baseline", "low"]], lines[[*keys, "baseline", "low"]])
        given = lines["high"].notna()
        assert (spend["high"][given] <= lines["high"][given]).all()
        assert spend["high"].notna().all()
        assert ((spend["spend"] >= spend["low"]) & (spend["spend"] <= spend["high"])).all()
        np.testing.assert_array_equal(spend["change"], spend["spend"] - spend["baseline"])


def test_whole_pounds_and_no_money_lost(both):
    """Every amount is a whole pound and every envelope adds up exactly: nothing is lost or made."""
    for plan in both:
        money, spend = plan.money, plan.spend
        assert (spend["spend"] % 1 == 0).all()
        assert (plan.routes["moved"] % 1 == 0).all()
        drawn = spend.groupby(["envelope", "year"])["spend"].sum().reindex(
            pd.MultiIndex.from_frame(money[["envelope", "year"]]), fill_value=0.0
        )  # fmt: skip
        np.testing.assert_array_equal(money["spent"], drawn)
        left = money["amount"] + money["moved_in"] - money["moved_out"] - money["spent"]
        np.testing.assert_array_equal(left, money["unspent"])
        assert (money["unspent"] >= 0).all()
        assert money["moved_in"].sum() == money["moved_out"].sum() == plan.routes["moved"].sum()


def test_money_moves_along_its_routes(routed):
    """What enters an envelope is what its routes carry, within what each may."""
    routes, money = routed.routes, routed.money.set_index(["envelope", "year"])
    assert routes["moved"].sum() > 0
    assert ((routes["moved"] >= 0) & (routes["moved"] <= routes["high"])).all()
    for column, side in (("moved_in", "target"), ("moved_out", "source")):
        carried = routes.groupby([side, "year"])["moved"].sum()
        for key, amount in carried.items():
            assert money.loc[key, column] == amount


def test_gains_are_recomputed_from_spend(both):
    """Every gain is what the curve gives for the pounds its lines spend, written out here by hand."""
    for plan in both:
        curves, gains = plan.scenario.curves, plan.gains
        sums = plan.spend.groupby(["place", "programme", "year"])[["baseline", "spend"]].sum()
        for curve, row in zip(curves.itertuples(), gains.itertuples(), strict=True):
            before, now = sums.loc[(curve.place, curve.programme, curve.year)]
            reference = before if np.isnan(curve.reference) else curve.reference
            assert row.spend == now
            assert row.gain == pytest.approx(_bought(curve, now, reference), rel=1e-12, abs=1e-9)
            assert row.baseline_gain == pytest.approx(_bought(curve, before, reference), rel=1e-12, abs=1e-9)
        np.testing.assert_allclose(gains["change"], gains["gain"] - gains["baseline_gain"])
        weights = plan.scenario.outcomes.set_index("id")["weight"]
        assert plan.value == pytest.approx((gains["gain"] * gains["outcome"].map(weights)).sum(), rel=1e-12)


def _bought(curve, pounds: float, reference: float) -> float:
    if curve.shape == "saturation":
        return curve.ceiling * (1 - np.exp(-pounds / reference))
    if curve.shape == "linear":
        return curve.slope * pounds
    power = curve.slope * reference / curve.exponent * (pounds / reference) ** curve.exponent
    return power - (curve.slope * reference / curve.exponent if curve.shape == "isoelastic" else 0.0)


def test_tiny_is_as_by_hand(plan):
    """The plan of tiny is the one its README works out."""
    spend = plan.spend.set_index(["place", "programme"])["spend"]
    assert spend.to_dict() == {
        ("north", "care"): 400_000, ("south", "care"): 500_000,
        ("north", "prevention"): 60_000, ("south", "prevention"): 40_000,
    }  # fmt: skip
    assert plan.value == pytest.approx(1924.9477, abs=5e-5)
    assert plan.gains["baseline_gain"].sum() == pytest.approx(1811.5064, abs=5e-5)
    price = plan.money.set_index("envelope")["price"]
    assert price["core"] == pytest.approx(0.001, rel=1e-6)
    assert price["grant"] == pytest.approx(0.002 * np.exp(-0.8), rel=1e-6)


def test_limits_speak_of_room(both):
    """Slack is the room to the nearer end, no limit is broken, and only limits that bind have a price."""
    for plan in both:
        limits = plan.limits
        room = np.minimum(limits["amount"] - limits["low"], limits["high"] - limits["amount"])
        np.testing.assert_array_equal(limits["slack"], room)
        assert (limits["slack"] >= -1e-6).all()
        assert (limits.loc[~limits["binding"], "price"] == 0).all()
        assert (limits["price"] >= 0).all()
        priced = limits[limits["price"] > 0]
        assert len(priced)
        assert priced["binding"].all()


def test_price_of_a_limit_on_gain_survives_rounding(tiny):
    """A floor on a gain that rounding leaves a pound's worth of room still binds and has its price."""
    rule = {"kind": "floor", "owner": "board", "measure": "health", "amount": 1_007.77,
            "where": {"places": ["south"], "programmes": ["care"]}}  # fmt: skip
    row = al.solve(tiny.change({"rules.gain": rule})).limits.set_index("rule").loc["gain"]
    assert row["binding"]
    assert row["price"] > 0


def test_places(plan):
    """Money per head, and distances from a fair share by need of the money that goes by need, by hand for tiny."""
    places = plan.places.set_index("place")
    assert places["spend"].to_dict() == {"north": 460_000, "south": 540_000, "system": 1_000_000}
    assert places["baseline"].to_dict() == {"north": 345_000, "south": 545_000, "system": 890_000}
    assert places["per_head"].to_dict() == {"north": 115, "south": 90, "system": 100}
    # Core money goes by need: 45% of it is North's fair share, 55% South's.
    assert places["target"].to_dict() == pytest.approx({"north": 405_000, "south": 495_000, "system": 900_000})
    after = {"north": 400 / 405 - 1, "south": 500 / 495 - 1, "system": 0.0}
    before = {"north": 300 / 360 - 1, "south": 500 / 440 - 1, "system": 0.0}
    assert places["distance_after"].to_dict() == pytest.approx(after)
    assert places["distance_before"].to_dict() == pytest.approx(before)


def test_places_without_need_have_no_target():
    """Where nothing goes by need, targets and distances are blank rather than nought."""
    places = al.solve(al.read(SCENARIOS / "participatory-budget")).places
    assert places[["target", "distance_before", "distance_after"]].isna().all(axis=None)
    assert places["spend"].notna().all()


def test_places_count_the_places_inside_them(routed):
    """A place with places inside it has the sum of theirs and of its own lines."""
    parents = routed.scenario.places.set_index("id")["parent"]
    spend, own = routed.places.set_index("place")["spend"], routed.by("place").set_index("place")["spend"]
    for place in parents.index:
        inside = spend[parents[parents == place].index].sum() + own.get(place, 0.0)
        assert spend[place] == inside
    assert spend["coventry-warwickshire"] == routed.spend["spend"].sum()


def test_by_sums(both):
    """`by` sums the same money over any columns."""
    for plan in both:
        total = plan.spend[["baseline", "spend", "change"]].sum()
        for columns in (["partner"], ["place", "programme"], ["envelope", "year"]):
            sums = plan.by(*columns)
            assert list(sums.columns) == [*columns, "baseline", "spend", "change"]
            pd.testing.assert_series_equal(sums[["baseline", "spend", "change"]].sum(), total)
            assert sums[columns].sort_values(columns).equals(sums[columns])


def test_facts(tiny):
    """The facts say what was solved, by what, and how good it is."""
    changed = tiny.change({"envelopes.core": 850_000.0, "rules.prevention-north.amount": 55_000.0})
    plan = al.solve(changed, seconds=12.5, tolerance=1e-3)
    facts = plan.facts.set_index("fact")["value"]
    assert facts["scenario"] == "tiny"
    assert facts["digest"] == changed.digest
    assert facts["changes"] == "envelopes.core = 850000.0; rules.prevention-north.amount = 55000.0"
    assert (facts["status"], facts["certified"], facts["breaches"]) == ("optimal", "True", "0")
    assert (facts["time_limit"], facts["tolerance"], facts["whole_pounds"]) == ("12.5", "0.001", "True")
    assert float(facts["value"]) == plan.value
    assert float(facts["bound"]) == plan.certificate.bound
    assert float(facts["gap"]) == plan.certificate.gap
    assert {name: facts[name] for name in ("allocate", "pyomo", "highspy", "numpy", "pandas")} == {
        name: version(name) for name in ("allocate", "pyomo", "highspy", "numpy", "pandas")
    }
    assert facts["caveat"] == tiny.heading.caveat
    assert set(facts.index) >= {"seconds", "mip_gap", "seed", "threads", "solver_unit", "python", "ties", "cases"}
    assert not plan.facts["value"].isin(["nan", "None", "NaN"]).any()


@pytest.mark.parametrize("name", COLUMNS)
def test_what_is_handed_out_changes_nothing(name, tiny):
    """Whatever somebody does to a table, the plan and its scenario stay as they were."""
    plan = al.solve(tiny)
    before, digest, value = plan.tables(), tiny.digest, plan.value
    table = getattr(plan, name)
    for column in table.columns:
        table.loc[:, column] = table[column].iloc[::-1].to_numpy()
        array = table[column].to_numpy()
        if array.flags.writeable and array.dtype == float:
            array[:] = -1.0
    for column in list(table.columns):
        del table[column]
    for key, again in plan.tables().items():
        pd.testing.assert_frame_equal(again, before[key])
    assert (plan.value, tiny.digest) == (value, digest)


def test_a_plan_is_frozen(plan):
    """A plan's own fields cannot be set."""
    with pytest.raises(AttributeError):
        plan.scenario = None
    with pytest.raises(AttributeError):
        plan.spend = None


def test_repr(plan):
    """A plan says in a line what it is and how good."""
    assert repr(plan).startswith("Plan('tiny', value 1,924.95, gap ")


def test_no_prices_with_choices():
    """Yes/no choices leave prices blank, never nought."""
    plan = al.solve(al.read(SCENARIOS / "participatory-budget"))
    assert not plan.has_prices
    assert plan.limits["price"].isna().all()
    assert plan.money["price"].isna().all()
    assert plan.limits["binding"].dtype == bool


def test_certified_is_within_the_tolerance(plan):
    """`certified` is the tolerance asked for: not a plan further from its bound, and not one that breaks a rule."""
    assert plan.certified
    for told in ({"gap": 2e-4}, {"breaches": ("a rule",)}):
        solved = replace(plan._solved, certificate=replace(plan.certificate, **told))
        assert not replace(plan, _solved=solved).certified


def test_two_years(folder):
    """Over two years every table keeps them apart, and each year's money is its own."""
    plan = al.solve(two_years(folder))
    assert plan.money.set_index(["envelope", "year"])["unspent"].eq(0).all()
    assert plan.by("year").set_index("year")["spend"].to_dict() == {"2026/27": 1_000_000, "2027/28": 1_050_000}
    assert plan.places.groupby("year")["spend"].max().to_dict() == {"2026/27": 1_000_000, "2027/28": 1_050_000}
    care = plan.spend[plan.spend["programme"] == "care"].set_index(["place", "year"])["spend"]
    assert care["north", "2026/27"] == 400_000
    # A twentieth more is more than the band lets North have, were it not for the split by s² b: 4/9 to 5/9.
    assert care["north", "2027/28"] == 420_000
    assert care["south", "2027/28"] == 525_000


def test_the_curves_are_the_scenarios(plan):
    """The plan's gains are those of the scenario's own curves at its spend."""
    curves = Curves.of(plan.scenario)
    np.testing.assert_array_equal(plan.gains["gain"], curves.gain(curves.effort(plan.spend["spend"].to_numpy())))


@pytest.mark.parametrize("name", ["tiny", "health-benefits-package", "coventry-warwickshire", "greater-manchester"])
def test_prices_account_for_every_pound(name):
    """On every line the next pound buys what its envelope and its limits cost, unless the line's own bounds hold it.

    So no rule that holds a line back goes without its price, and no price is made up. Prices are of the exact plan and
    buying power is taken at whole pounds, which differs by less than a ten-thousandth.
    """
    plan = al.solve(al.read(SCENARIOS / name))
    curves, spend, limits, money = Curves.of(plan.scenario), plan.spend, plan.limits, plan.money
    problem = Problem.of(plan.scenario)
    weight = plan.gains["outcome"].map(plan.scenario.outcomes.set_index("id")["weight"]).to_numpy()
    nearer_top = limits["high"] - limits["amount"] < limits["amount"] - limits["low"]
    paid = np.where(nearer_top, 1.0, -1.0) * limits["price"]
    effort = curves.effort(spend["spend"].to_numpy())
    bought = np.asarray(weight * curves.marginal(effort)) @ problem.feeds
    price = money.set_index(["envelope", "year"])["price"]
    cost = (
        price.loc[list(zip(spend["envelope"], spend["year"], strict=True))].to_numpy()
        + np.asarray(paid) @ problem.line_rows
    )
    left = bought - cost
    slip = 1e-4 * price.max()
    at_least, at_most = spend["spend"] <= spend["low"] + 1, spend["spend"] >= spend["high"] - 1
    assert (np.abs(left) <= slip)[~at_least & ~at_most].all()
    assert (left >= -slip)[~at_least].all()
    assert (left <= slip)[~at_most].all()


def test_choices_are_kept_and_the_gap_says_how_far_from_the_best():
    """With an earlier plan's choices the same lines are funded, lawfully, and the best plan lies within the gap."""
    agreed = al.solve(al.read(SCENARIOS / "participatory-budget"))
    wanted = agreed.scenario.change({"envelopes.ballot.amount": 1.1e6})
    held, best = al.solve(wanted, choices=agreed), al.solve(wanted)
    assert (held.spend["spend"] > 0).tolist() == (agreed.spend["spend"] > 0).tolist()
    assert held.facts.set_index("fact")["value"]["status"] == "choices held"
    assert held.certificate.breaches == ()
    assert held.value < best.value <= held.certificate.bound
    assert not held.certified


def test_choices_that_cannot_be_kept_are_made_afresh():
    """With too little money for the choices as they were the plan is the best one all the same."""
    agreed = al.solve(al.read(SCENARIOS / "participatory-budget"))
    wanted = agreed.scenario.change({"envelopes.ballot.amount": 8e5})
    held, best = al.solve(wanted, choices=agreed), al.solve(wanted)
    assert held.spend.equals(best.spend)
    assert held.certified


def test_choices_come_from_a_plan_over_the_same_lines(plan):
    """The choices of another scenario's plan are refused."""
    with pytest.raises(ValueError, match="same lines"):
        al.solve(al.read(SCENARIOS / "participatory-budget"), choices=plan)
