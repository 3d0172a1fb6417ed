"""Need indices, fair shares and distances: NHS England's figures, known answers, and refusals."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocate as al
from allocate.places.rounding import HEADLINE, INDEX, half_up
from tests.places.making import problems, real, saved, table

TOOL = {
    "acute": "ga", "community": "community", "mental_health": "mental_health", "maternity": "maternity",
    "prescribing": "prescribing", "inequalities": "health_inequalities", "core": "core_overall",
    "primary_need": "pmc_need", "primary": "pmc_overall",
}  # fmt: skip
"""The names of components in the tables of what NHS England's tool gives."""


@pytest.fixture
def hills(practices) -> al.places.Drawing:
    return al.places.draw(practices, "QAA")


# --- what NHS England's tool gives -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("system", "file"), [("QWU", "cw_places.csv"), ("QOP", "gm_places.csv")])
def test_as_the_tool_has_it(england, system, file):
    """Both systems by district: indices against system and England to three decimals, and shares that sum to one."""
    want = pd.read_csv(real().parent / file).set_index("lad_name")
    own = want.loc["ICB total"]
    want = want.drop(index="ICB total")
    drawing = al.places.draw(england, system)
    assert sorted(drawing.names.values()) == sorted(want.index)
    for base, prefix in (("system", "idx_icb"), ("england", "idx_eng")):
        got = drawing.indices(base).rename(index=drawing.names).loc[want.index]
        for component, name in TOOL.items():
            np.testing.assert_allclose(got[component], want[f"{prefix}_{name}"], atol=5.1e-5)
    for component, name in TOOL.items():
        assert drawing.system_indices()[component] == pytest.approx(own[f"idx_eng_{name}"], abs=5.1e-5)
    shares = drawing.shares().rename(index=drawing.names).loc[want.index]
    np.testing.assert_allclose(shares.sum(), 1, atol=1e-12)
    np.testing.assert_allclose(shares["core"], want["share_core_target"], atol=6e-7)
    np.testing.assert_allclose(shares["population"], want["share_population"], atol=6e-7)
    np.testing.assert_allclose(shares["primary"], want["share_pmc_target"], atol=6e-7)
    np.testing.assert_allclose(shares["inequalities"], want["share_health_ineq"], atol=6e-7)
    np.testing.assert_allclose(
        drawing.sums().rename(index=drawing.names).loc[want.index, "population"],
        want["registered_population"],
        atol=0.06,
    )


def test_the_tools_rounding(england):
    """Rounded as the tool does: indices to 0.001, and Stratford's headline 1.03 where the exact figure is 1.0246."""
    drawing = al.places.draw(england, "QWU")
    exact, told = drawing.indices(), drawing.indices(rounding="nhse")
    assert f"{exact.at['stratford-on-avon', 'core']:.4f}" == "1.0246"
    assert told.at["stratford-on-avon", "core"] == 1.025
    assert told.at["stratford-on-avon", "headline_core"] == 1.03
    np.testing.assert_allclose(told[exact.columns], exact, atol=5e-4 + 1e-12)
    assert drawing.sums("nhse").at["coventry", "population"] == 464_867


def test_the_shipped_systems(england):
    """The places and needs of the two real scenarios are those that a drawing gives."""
    from tests.conftest import SCENARIOS

    county = {
        "Coventry": ["Coventry"],
        "Rugby": {"districts": ["Rugby"], "within": "Warwickshire"},
        "South Warwickshire": {"districts": ["Stratford-on-Avon", "Warwick"], "within": "Warwickshire"},
        "Warwickshire North": {"districts": ["North Warwickshire", "Nuneaton and Bedworth"], "within": "Warwickshire"},
    }
    for system, by in (("coventry-warwickshire", county), ("greater-manchester", "district")):
        scenario = al.read(SCENARIOS / system)
        tables = al.places.draw(england, system.replace("-w", " and W").replace("-", " "), by).scenario_tables()
        want = scenario.places.set_index("id").drop(index=system)
        got = tables["places"].set_index("id")
        assert set(got.index) - set(want.index) == {tables["places"]["id"].iloc[0]}
        np.testing.assert_array_equal(got.loc[want.index, ["population", "need"]], want[["population", "need"]])
        needs = scenario.table("needs").set_index(["place", "programme"])["need"]
        for (place, programme), need in tables["needs"].set_index(["place", "programme"])["need"].items():
            assert needs[place, programme] == need


@pytest.mark.parametrize(("value", "step", "want"), [
    (1.0005, INDEX, 1.001), (1.0245, INDEX, 1.025), (0.9994999, INDEX, 0.999), (1.025, HEADLINE, 1.03),
    (2.5, Decimal("1"), 3.0), (-2.5, Decimal("1"), -3.0), (1e-9, INDEX, 0.0),
])  # fmt: skip
def test_half_up(value, step, want):
    """Halves go away from zero, judged on the number as it prints and not as binary arithmetic holds it."""
    assert half_up(value, step) == want


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_indices_by_hand(practices, hills):
    """Weighted people for each registered one, over the system's average or England's."""
    core = table().set_index("Practice_Code")["Final WP"]
    upton, whole = core[["A10001", "A10002", "A10005"]].sum() / 5500, core[:5].sum() / 8000
    assert hills.indices().at["upton", "core"] == pytest.approx(upton / whole)
    assert hills.indices("england").at["upton", "core"] == pytest.approx(upton)
    assert hills.system_indices()["core"] == pytest.approx(whole)
    assert practices.systems.at["QAA", "core"] == pytest.approx(whole)
    assert "is unknown" in problems(hills.indices, "region")[0]


def test_targets_by_hand(hills):
    """Each envelope goes by its own need, `population` by heads, and the columns add up to the money."""
    amounts = {"core": 8e6, "primary": 1e6, "population": 80_000}
    table = hills.targets(amounts)
    share = hills.shares()
    assert list(table) == ["core", "primary", "population", "target", "share", "per_head"]
    np.testing.assert_allclose(table["core"], 8e6 * share["core"])
    assert table.at["upton", "population"] == pytest.approx(80_000 * 5500 / 8000)
    assert table["target"].sum() == pytest.approx(9_080_000)
    assert table["share"].sum() == pytest.approx(1)
    np.testing.assert_allclose(table["per_head"] * hills.sums()["population"], table["target"])
    pd.testing.assert_series_equal(hills.targets(8e6)["core"], table["core"])
    pd.testing.assert_frame_equal(hills.targets({"mental-health": 5.0}), hills.targets({"mental_health": 5.0}))


def test_index_times_people_is_share(hills):
    """The index against the system times the share of people is the share of weighted people."""
    shares = hills.shares()
    product = hills.indices().mul(shares["population"], axis=0)
    pd.testing.assert_frame_equal(product, shares[product.columns])


def test_distance_by_hand(hills):
    """Opening less target, in pounds, as a part of the target and a head; by default over what all open with."""
    opening = {"Upton": 6e6, "dale": 3e6}
    table = hills.distance(opening, 10e6)
    target = hills.targets(10e6)["target"]
    assert list(table["opening"]) == [3e6, 6e6]
    assert table.at["upton", "distance"] == pytest.approx(6e6 - target["upton"])
    assert table.at["upton", "rate"] == pytest.approx(6e6 / target["upton"] - 1)
    assert table.at["upton", "distance_per_head"] == pytest.approx((6e6 - target["upton"]) / 5500)
    assert hills.distance(opening)["distance"].sum() == pytest.approx(0, abs=1e-6)


def test_openings_in_another_unit(hills):
    """Opening positions in thousands beside money in pounds are refused with both sums."""
    (told,) = problems(hills.distance, {"Upton": 6000, "Dale": 3000}, 10e6)
    assert "adds to £9,000, and the money to share is £10,000,000" in told


def test_nobody_registered(tmp_path):
    """A place where nobody is registered has no index and no sum a head, but its share; nothing fails."""
    rows = table()
    rows.loc[[2, 3], "Population"] = 0
    drawing = al.places.draw(al.places.read(saved(tmp_path, rows)), "QAA")
    assert np.isnan(drawing.indices().at["dale", "core"])
    assert drawing.targets(1e6).at["dale", "target"] > 0
    assert np.isnan(drawing.indices(rounding="nhse").at["dale", "headline_core"])


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ({"cores": 1.0}, "did you mean core?"),
        ({"mental-health": 1.0, "mental_health": 2.0}, "is told twice"),
        ({"core": -1.0}, "must be pounds, 0 or more"),
        (float("nan"), "must be pounds, 0 or more"),
        ({}, "holds no amount"),
    ],
)
def test_amounts_that_are_none(hills, amount, said):
    """Unknown needs, amounts told twice and amounts that are none are refused in words."""
    assert any(said in text for text in problems(hills.targets, amount))


def test_openings_that_are_none(hills, tmp_path):
    """Places unknown, missing and told twice, and amounts that are none, come all at once with their rows."""
    path = tmp_path / "opening.csv"
    path.write_text("place,amount\nUptown,5m\nUpton,£5m\nupton,3\n")
    told = problems(hills.opening, path)
    assert "opening.csv row 2, place: 'Uptown' is not a place of this drawing (did you mean upton?)" in told[0]
    assert "row 3, amount: '£5m' is not a number of pounds (write it in full: 5000000)" in told[1]
    assert "row 4, place: 'upton' stands twice" in told[2]
    assert "no opening position" in problems(hills.opening, {"Upton": 1.0})[0]
    assert "must be pounds, 0 or more" in problems(hills.opening, {"Upton": 1.0, "Dale": -1.0})[0]
    path.write_text("town,amount\nUpton,5\n")
    assert "place: this column is missing" in problems(hills.opening, path)[0]
    path.write_text("")
    assert "is empty" in problems(hills.opening, path)[0]


@given(st.floats(0, 1e11), st.floats(0, 1e11))
def test_targets_are_linear_in_money(hills, one, other):
    """Twice the money is twice the target, and envelopes by one need add up as their sum."""
    sums = hills.targets(one)["target"] + hills.targets(other)["target"]
    np.testing.assert_allclose(sums, hills.targets(one + other)["target"], rtol=1e-9, atol=1e-6)
