"""Fair shares as Streamlit runs it: the dial, its price, who would feel it, and what stands behind it."""

from __future__ import annotations

import shutil
from functools import cache

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import allocate as al
from allocate.plan.figures import number, pounds
from allocate.plan.moves import Moves
from allocate.ui import fair_charts, fair_work, pictures, tasks
from allocate.ui.fair_parts import given_said, share_said, stops_with
from tests.conftest import SCENARIOS
from tests.ui.apping import changed, draft, explorer, go, press, said, settle, unfold, verdict, visit

pytestmark = pytest.mark.usefixtures("explorer")
WORST = {"kind": "worst-off", "owner": "board", "part": 0.0, "view": "spend", "give_up": 0.01}
AIMED = 'owner = "board", kind = "worst-off", part = 0.0, view = "spend", give_up = 0.01'
AGREED = (
    f"\n[yardstick]\n{AIMED.replace(', ', chr(10))}\nsince = 2026-04-01\nproposer = 'council'\nsupport = ['trust']\n"
)


@cache
def plans() -> tuple[al.Plan, al.Plan]:
    """Tiny's plan with the aim that the tests lay, and its plan of the most benefit."""
    base = al.read(SCENARIOS / "tiny")
    return al.solve(base.change({"rules.aim": WORST})), al.solve(base)


def fair(**query) -> AppTest:
    """A visitor of Fair shares, on tiny."""
    return visit("fair", **{"scenario": "tiny", **query})


def dial(app: AppTest, aim: str | None = None, view: str | None = None, give: float | None = -1.0) -> AppTest:
    """Turn the dial: what fairer means, what is looked at, what may be given up (-1 leaves it)."""
    if aim is not None:
        app.selectbox(key="fair-aim").set_value(aim)
        settle(app)
    if view is not None:
        app.selectbox(key="fair-view").set_value(view)
        settle(app)
    if give != -1.0:
        slider = next(each for each in app.select_slider if each.key == "fair-give")
        slider.set_value(stops_with(give).index(give))
        settle(app)
    return app


# --- the dial --------------------------------------------------------------------------------------------------------


def test_the_dial_lays_a_rule_and_takes_it_off():
    """What fairer means, in which view and at what price, is a rule of the draft and of the address; the most benefit
    takes it off, and nothing of it is left."""
    app = fair()
    assert verdict(app).startswith("No aim between places is in force.")
    dial(app, "place", "spend", 0.02)
    rule = draft(app).changes["rules.aim"]
    assert {name: rule[name] for name in ("kind", "part", "view", "give_up")} == {
        "kind": "worst-off", "part": 0.0, "view": "spend", "give_up": 0.02,
    }  # fmt: skip
    assert "giving up at most 2% of the best gain" in changed(app)
    again = visit("fair", **dict(app.query_params.items()))
    assert verdict(again) == verdict(app)
    dial(app, "place", give=None)
    assert "give_up" not in draft(app).changes["rules.aim"]
    dial(app, fair_work.MOST)
    assert draft(app).changes == {}
    assert verdict(app).startswith("No aim between places is in force.")


def test_an_aim_in_the_book_is_turned_off_and_on_again(tmp_path, explorer):
    """An aim of the agreed book opens the dial where it stands; the most benefit switches it off, and turning back to
    it leaves no change."""
    folder = shutil.copytree(SCENARIOS / "tiny", tmp_path / "tiny")
    with (folder / "rules.toml").open("a", encoding="utf-8") as file:
        file.write(AGREED)
    with (folder / "evidence.csv").open("a", encoding="utf-8") as file:
        file.write("rules.*.give_up,assumed,made-up,\nrules.*.part,assumed,made-up,\n")
    explorer(tmp_path)
    app = visit("fair")
    assert app.selectbox(key="fair-aim").value == "place"
    assert "Changed from base: nothing." in changed(app)
    dial(app, fair_work.MOST)
    assert draft(app).changes == {"rules.yardstick.in_force": False}
    dial(app, "place")
    assert draft(app).changes == {}
    app = unfold(app)
    assert "In force since 1 April 2026" in said(app)
    assert "Agreed by" in said(app)


def test_the_seat_that_turns_the_dial_proposes():
    """A partner who turns the dial from his seat answers for the aim and is named as its proposer, and reads what it
    does to him."""
    app = dial(fair(seat="partners.council"), "fifth")
    rule = draft(app).changes["rules.aim"]
    assert (rule["owner"], rule["proposer"]) == ("council", "council")
    assert "The Council. In all as much money as under the most benefit." in said(app)


def test_every_choice_of_the_dial_has_a_plan():
    """Each thing that fairer may mean, in each view that the system has, gives a plan and a sentence on its price."""
    app = fair()
    for aim in list(fair_work.AIMS)[1:]:
        dial(app, aim)
        assert verdict(app).startswith("Fairer costs"), aim
        assert fair_work.chosen(app.session_state["runs"].last.aim.rule) == aim
    for view in app.selectbox(key="fair-view").options:
        key = next(name for name, text in fair_work.SEEN.items() if text == view)
        assert verdict(dial(app, "fifth", key)).startswith("Fairer costs"), view


def test_what_the_page_has_no_word_for_is_kept():
    """An aim with figures of its own stands as such on the dial, and keeps them when its price is changed."""
    app = fair(**{"rules.aim": '{ owner = "board", kind = "worst-off", part = 0.35, give_up = 0.037 }'})
    assert app.selectbox(key="fair-aim").value == fair_work.OWN
    slider = next(each for each in app.select_slider if each.key == "fair-give")
    assert stops_with(0.037)[slider.value] == 0.037
    dial(app, view="spend")
    rule = draft(app).changes["rules.aim"]
    assert (rule["part"], rule["give_up"], rule["view"]) == (0.35, 0.037, "spend")


def test_an_expert_may_ask_for_any_aim():
    """The experts' fold lays kinds that the dial has not, with people counted by need, and says how it is solved."""
    app = unfold(dial(fair(), "fifth"))
    kind = next(each for each in app.selectbox if str(each.key).startswith("expert-kind"))
    kind.set_value("tails")
    settle(app)
    press(app, "Aim for this")
    assert [each["part"] for each in draft(app).changes["rules.aim"]["tails"]] == [0.1, 0.3, 1.0]
    assert "weak duality" in said(app)
    assert verdict(app).startswith("Fairer costs")


# --- what is said ----------------------------------------------------------------------------------------------------


def test_the_price_is_the_plans_own():
    """What fairness costs, in outcome, in part and in money, and who would feel it, are those of the two plans."""
    plan, most = plans()
    sides = fair_work.sides(plan, most, "spend")
    assert sides.cost == pytest.approx(most.value - plan.value, abs=1e-6)
    assert sides.price == pytest.approx(sides.cost / most.money["price"].max())
    told = verdict(dial(fair(), "place", "spend"))
    assert f"{number(sides.cost)} years, {share_said(plan.given_up)} of the gain" in told
    gains = Moves.of(plan, most).sums("place")
    assert pounds(max(after - before for _, before, after in gains), signed=True) in told
    assert sides.table["name"].tolist() == ["South", "North"]
    assert fair_work.sides(most, most, "spend").cost == 0.0


def test_a_plan_of_the_most_benefit_says_who_has_least():
    """Without an aim the page names the worst-off and best-off places and offers no dial of price."""
    app = fair()
    assert "South has least" in said(app)
    assert not app.select_slider
    assert "Worst-off place" in said(app)


def test_the_measures_are_those_of_the_package():
    """The table of measures says what `al.fairness` says of the plan, against the plan of the most benefit."""
    plan, most = plans()
    table = al.fairness(plan, against=most)
    gini = table[(table["view"] == "spend") & (table["measure"] == "gini")].iloc[0]
    app = dial(fair(), "place", "spend")
    assert f"Gini {gini['today']:.4f} {gini['against']:.4f} {gini['value']:.4f} {gini['verdict']}" in said(app)


def test_one_place_alone_is_set_against_none(tmp_path, explorer):
    """Where there are no places to set against one another the page says so, and offers no dial."""
    folder = shutil.copytree(SCENARIOS / "tiny", tmp_path / "tiny")
    for name in ("places", "lines", "curves"):
        rows = (
            (folder / f"{name}.csv").read_text(encoding="utf-8").replace(",10000,10000", ",4000,4500").splitlines(True)
        )
        (folder / f"{name}.csv").write_text("".join(row for row in rows if "south" not in row), encoding="utf-8")
    explorer(tmp_path)
    app = visit("fair")
    assert verdict(app).startswith("Places cannot be set against one another here.")
    assert not [each for each in app.selectbox if each.key == "fair-aim"]


def test_rules_that_clash_leave_the_dial():
    """Where no plan exists the page shows the clash, and the dial to turn back."""
    app = fair(**{"envelopes.core": 700_000, "rules.aim": f"{{ {AIMED} }}"})
    assert "cannot all be met" in verdict(app)
    assert app.selectbox(key="fair-aim").value == "place"
    assert "Shaping" not in said(app)


# --- what takes a row of solves --------------------------------------------------------------------------------------


def test_the_frontier_and_the_lenses_are_worked_out_while_one_reads():
    """The price of fairness is drawn from end to end with this plan on it, and ideas of fairness stand side by side
    with this plan's own column; moving the dial's price solves neither anew."""
    app = unfold(dial(fair(), "place", "spend"))
    assert app.get("vega_lite_chart")
    assert "This plan" in said(app)
    assert "Towards equal spending" in said(app)
    known = set(tasks._found._kept)
    dial(app, give=0.05)
    assert {key for key in tasks._found._kept if key[0] in ("frontier", "ideas")} <= known
    assert "Towards equal spending" in said(app)


def test_the_curve_names_the_plans_on_it():
    """The curve runs from the most benefit to the fairest, in percent of the gain; the plan looked at hides a twin."""
    plan, most = plans()
    found = al.frontier(most.scenario, {"kind": "worst-off", "part": 0.0, "view": "spend"}, points=5)
    chart = fair_charts.price_of_fairness(found, plan)
    curve, dots = chart.spec["layer"][0]["data"]["values"], chart.spec["layer"][2]["data"]["values"]
    assert curve[0]["x"] == pytest.approx(0.0, abs=1e-3)
    assert curve[-1]["x"] == pytest.approx(100 * found.table["given_up"].iloc[-1])
    mine = next(each for each in dots if each["Plan"] == "This plan")
    assert (mine["x"], mine["y"]) == pytest.approx((100 * plan.given_up, plan.aim.reached))
    fairest = fair_charts.price_of_fairness(found, found.plans["fairest"]).spec["layer"][2]["data"]["values"]
    assert [each["Plan"] for each in fairest if each["x"] > 0.9 * curve[-1]["x"]] == ["This plan"]
    assert len(chart.table) == len(found.table)


# --- other pages -----------------------------------------------------------------------------------------------------


def test_other_pages_follow_the_aim():
    """The plan says which aim it followed and what it gave up; the rules have it as a minute, first of those that
    shape the plan, with what was given up for it."""
    app = visit("plan", scenario="tiny", **{"rules.aim": f"{{ {AIMED} }}"})
    assert "as high as it can be in the worst-off place" in verdict(app)
    assert "of the best plan's gain" in verdict(app)
    rules = said(go(app, "rules"))
    assert "given up for it" in rules
    assert "as high as it can be in the worst-off place" in rules
    assert verdict(go(app, "compare"))


# --- parts -----------------------------------------------------------------------------------------------------------


def test_the_stops_of_the_dial_hold_what_stands_between_them():
    """A price that is no stop is one while it stands; any price at all is the last."""
    assert stops_with(0.037)[-1] is None
    assert 0.037 in stops_with(0.037)
    assert stops_with(None) == stops_with(0.01)
    assert [given_said(each) for each in (0.0, 0.01, None)] == ["nothing", "1%", "any of it"]
    assert [share_said(each) for each in (0.02, 0.0042, 0.00011)] == ["2.0%", "0.42%", "0.011%"]


def test_a_journey_has_a_mark_for_each_plan():
    """A place's row has today, the most benefit and the plan, said in its own unit; twins have one mark, and blank rows
    are left out."""
    rows = [
        {"name": "<North>", "today": 10.0, "most": 12.0, "fair": 14.0},
        {"name": "Blank", "today": np.nan, "most": 1.0, "fair": 1.0},
    ]
    drawn = pictures.journey(rows, lambda value: f"£{value:.0f}", ("Today", "Most", "Plan"))
    assert "&lt;North&gt;" in drawn.html
    assert "<North>" not in drawn.html
    assert drawn.table.to_dict("records") == [{"Name": "<North>", "Today": "£10", "Most": "£12", "Plan": "£14"}]
    assert "al-key-most" in drawn.html
    twins = pictures.journey([{**rows[0], "fair": 12.0}], str, ("Today", "Most", "Plan"))
    assert "al-key-most" not in twins.html
    assert pictures.journey([], str, ("Today", "Most", "Plan")).table.empty


__all__ = ["explorer"]
