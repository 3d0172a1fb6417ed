"""The deal as Streamlit runs it: its sentence, apart, told and together, who would sign, whether it holds, seats."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import allocate as al
from allocate.commons.settling.alternatives import alternatives
from allocate.plan.figures import number, pounds
from allocate.scenario.writing import write
from allocate.ui import deal_more, deal_pictures, deal_terms, deal_work
from allocate.ui.address import Draft, from_query
from allocate.ui.deal_parts import control, verdict
from tests.commons.games import majority, shared_good, workshop
from tests.conftest import SCENARIOS
from tests.ui.apping import draft, explorer, heads, said, settle, unfold, visit, words
from tests.ui.apping import verdict as opens

pytestmark = pytest.mark.usefixtures("explorer")


@cache
def deals() -> dict[str, al.Deal]:
    """A deal that holds as it is, one that is moved to hold, and one that nothing holds."""
    return {name: al.deal(made()) for name, made in
            {"shared": shared_good, "workshop": workshop, "majority": majority}.items()}  # fmt: skip


@cache
def ways() -> al.Regimes:
    """Apart, told and together, of a purse that two draw on."""
    return al.regimes(shared_good(), law=False)


def offered(name: str) -> deal_work.Offer:
    found = deals()[name]
    return deal_work.offer_of(found.partners, found.scenario, found.fallback, found.noise, found)


def opened(scenario: al.Scenario, tmp_path: Path, explorer, **query) -> AppTest:
    """A visitor of The deal, on a scenario of the test's own."""
    write(scenario, tmp_path / "made")
    explorer(tmp_path / "made")
    return visit("deal", **query)


# --- the page --------------------------------------------------------------------------------------------------------


def test_a_deal_that_holds_reads_as_one(tmp_path, explorer):
    """Where all gain and no group does better alone, the page opens with what together is worth, says that everybody
    would sign and that it holds, and every fold opens."""
    app = unfold(opened(shared_good(), tmp_path, explorer))
    told = opens(app)
    assert told.startswith("Together is worth £400,000 more to partners than apart.")
    first = ways().table.set_index("regime")["value"]
    assert f"Apart you would buy {number(first['apart'])}" in told
    assert f"together {number(first['together'])}" in told
    assert "As it stands everybody would sign." in told
    assert "no group would do better by itself" in told
    text = said(app)
    assert "2 of 2" in text
    assert "Yes: with these payments no group of partners would do better by itself." in text
    assert "Nash equilibrium" in text


def test_a_deal_that_nothing_holds_says_so(tmp_path, explorer):
    """Where any two of three gain as much as all, the page says that no split keeps every group in, what it would take
    from outside, and why."""
    app = opened(majority(), tmp_path, explorer)
    assert f"that takes {pounds(200_000)} from outside" in opens(app)
    text = said(app)
    assert "No: however it is shared, some group would do better by itself." in text
    assert "those left out stay put" in text


def test_the_fallback_is_chosen_and_stands_in_the_address(tmp_path, explorer):
    """What no deal means is one control; the page, its address and a link of it follow."""
    app = opened(shared_good(), tmp_path, explorer)
    app.selectbox(key="deal-fallback").set_value("last year")
    settle(app)
    assert draft(app).fallback == "last year"
    assert dict(app.query_params)["fallback"] == "last year"
    assert "everybody spends as before" in said(app)
    assert [each.value for each in unfold(app).code if "--fallback last-year" in each.value]
    again = visit("deal", **dict(app.query_params.items()))
    assert opens(again) == opens(app)
    app.selectbox(key="deal-fallback").set_value("apart")
    settle(app)
    assert "fallback" not in app.query_params


def test_an_address_with_another_fallback_is_told():
    """A fallback that there is not means nothing, which is said."""
    assert from_query([("fallback", ["alone"])], "tiny") == (Draft("tiny", fallback="alone"), [])
    none, told = from_query([("fallback", ["none"])], "tiny")
    assert none == Draft("tiny")
    assert told == ["This link says “fallback”, which means nothing here. It was left out."]


def test_from_a_partners_seat(tmp_path, explorer):
    """A partner reads what it has without a deal and with it, its band, its groups, and what its leaving does."""
    app = opened(workshop(), tmp_path, explorer, seat="partners.c")
    text = said(app)
    assert "Without a deal you have £300,000; together, as it stands" in text
    assert "Nobody has less than without a deal as long as you" in text
    assert "No group that you could be in would do better by itself." in text
    assert "If you leave, the others have" in text
    assert "C (you)" in text


def test_from_a_places_seat():
    """A place reads what is spent on it apart and together, and that places do not sign."""
    app = visit("deal", scenario="tiny", seat="places.north")
    assert "would be spent on you" in said(app)
    assert "Places do not sign" in said(app)


def test_without_benefits_the_page_says_what_is_needed():
    """Where nobody's benefits are known in pounds, apart and together stand all the same, and below them the rows that
    are lacking, which make a scenario that has an answer."""
    app = unfold(visit("deal", scenario="tiny"))
    assert "Working together adds nothing here to what each does for itself." in opens(app)
    assert "What is needed to say who would sign" in said(app)
    code = next(each.value for each in app.code if each.value.startswith("partner,"))
    assert {row.split(",")[0] for row in code.splitlines()[1:]} == {"council", "trust"}
    assert not [each for each in app.selectbox if each.key == "deal-fallback"]


def test_the_rows_that_are_asked_for_are_enough(tmp_path, explorer):
    """A scenario with the rows of the page put into its files is read, and gets a deal."""
    app = visit("deal", scenario="tiny")
    folder = tmp_path / "tiny"
    folder.mkdir()
    for file in (SCENARIOS / "tiny").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    rows, evidence = [each.value for each in app.code if each.value.startswith(("partner,", "benefits."))]
    (folder / "benefits.csv").write_text(rows + "\n", encoding="utf-8")
    with (folder / "evidence.csv").open("a", encoding="utf-8") as file:
        file.write(evidence + "\n")
    explorer(folder)
    again = visit("deal")
    assert "Would sign as it stands" in said(again)


def test_one_that_decides_alone_has_nobody_to_deal_with():
    """Where one partner decides all, the page says so instead of asking for figures."""
    app = visit("deal", scenario="participatory-budget")
    assert "there is nobody to make a deal with" in said(app)


def test_rules_that_clash_leave_what_is_needed():
    """Where no plan exists the page shows the clash, and still what it would need."""
    app = visit("deal", scenario="tiny", **{"envelopes.core": 700_000})
    assert "cannot all be met" in opens(app)
    assert "What is needed to say who would sign" in said(app)


# --- what is said ----------------------------------------------------------------------------------------------------


def test_the_sentence_says_what_the_deal_says():
    """Losers, payments and what it takes are those of the package's own deal."""
    lead, text, tone, _ = verdict(ways(), offered("shared"))
    assert "£400,000" in lead
    assert tone == "good"
    worse = offered("majority")
    assert "from outside" in verdict(ways(), worse)[1]
    poor = deal_work.offer_of(
        worse.partners.assign(fallback=worse.partners["together"] + 1e5), worse.scenario, "alone", worse.noise, None
    )
    lead, text, tone, _ = verdict(ways(), poor)
    assert lead == "No payments between partners bring everybody in."
    assert tone == "bad"
    assert "£300,000 more without a deal" in text


def test_control_from_above_is_said_to_win_only_where_it_does():
    """A rule from above that buys more than leaving partners alone wins, by so much; else none does."""
    found = ways()
    told = found.table[found.table["regime"] == "told"]
    assert told["difference"].max() > found.noise
    assert "Control from above wins over leaving partners alone" in control(found)[0]
    assert number(told["difference"].max()) in control(found)[0]
    assert "No rule from above does better" in control(al.regimes(al.read(SCENARIOS / "tiny"), law=False))[0]


def test_the_band_keeps_everybody_in():
    """At either end of a partner's band it, or all others together, have just what they have without a deal."""
    made = offered("workshop")
    for row in made.partners.itertuples():
        assert row.together + row.least == pytest.approx(row.fallback)
        others = made.partners[made.partners["partner"] != row.partner]
        assert others["together"].sum() - row.most == pytest.approx(others["fallback"].sum())
        assert row.least - 1 <= row.payment <= row.most + 1
    assert made.partners["payment"].sum() == pytest.approx(0.0, abs=1e-6)
    assert deal_pictures.band_said(made, 2e6, 3e6) == "receives £2.0m to £3.0m"
    assert deal_pictures.band_said(made, -3e6, -2e6) == "pays £2.0m to £3.0m"
    assert deal_pictures.band_said(made, -3e6, 2e6) == "pays up to £3.0m, receives up to £2.0m"


def test_equal_gain_without_groups_is_that_of_the_deal():
    """Where too many decide for groups to be gone through, payments are those of a deal that needs no move."""
    plain = deal_work._from_ground(shared_good(), "apart")
    mine = offered("shared").partners.set_index("partner")
    assert plain.deal is None
    for row in plain.partners.itertuples():
        assert row.payment == pytest.approx(mine.at[row.partner, "payment"], abs=60)


# --- pictures --------------------------------------------------------------------------------------------------------


def test_the_scale_has_every_way_once():
    """Apart, together and each rule from above have a row, told as a range where those differ, all on the scale or said
    to lie beyond it."""
    found = ways()
    rows = deal_pictures.ways(found)
    assert [row["name"] for row in rows if row["kind"] != "told"] == [deal_pictures.LAWFUL, "Apart", "Together"]
    told = found.table[found.table["regime"] == "told"]
    assert sum(row["kind"] == "told" for row in rows) == len(told)
    together = rows[-1]["at"]
    assert all(row["most"] <= together + found.noise for row in rows)
    drawn = deal_pictures.three_ways(found)
    assert len(drawn.table) == len(rows)
    assert drawn.html.count("al-guide-best") == len(rows)


def test_who_signs_has_an_arrow_for_each():
    """Each partner's arrow goes up or down as the plan does to it, names are safe, and without anything to share there
    is no band and no payment."""
    made = offered("majority")
    names = made.partners.assign(name=[f"<{each}>" for each in made.partners["partner"]], change=[-2e5, 1e5, 5e5])
    made = deal_work.Offer(made.scenario, made.fallback, names, made.noise, None)
    drawn = deal_pictures.signing(made, "£", "a")
    assert "<a>" not in drawn.html
    assert drawn.html.count("al-head-fell") == 1
    assert drawn.html.count("al-head-rose") == 2
    assert drawn.html.count("al-deal'") == 3
    poor = deal_work.Offer(made.scenario, "alone", names.assign(change=-1e5), made.noise, None)
    drawn = deal_pictures.signing(poor, "£")
    assert "al-band" not in drawn.html
    assert list(drawn.table.columns) == ["Partner", "Without a deal", "Together, as it stands"]


def test_a_shortage_is_shared_out_when_asked_for():
    """The fold on money that falls short has a column a rule, which are those of the package, and follows its sum."""
    app = unfold(visit("deal", scenario="tiny"))
    next(each for each in app.number_input if each.key == "deal-missing").set_value(0.1)
    text = said(unfold(settle(app)))
    found = al.shortage(al.read(SCENARIOS / "tiny"), 100_000)
    assert all(f"Less: {rule}" in text for rule in found.rules["rule"])
    assert found.sentences[0] in text


# --- further questions -----------------------------------------------------------------------------------------------


def answered(app: AppTest, key: str) -> str:
    """What the page says once a question's fold is opened and its button pressed."""
    app.session_state[f"fold-{key}"] = True
    settle(app)
    app.button(key=f"ask-{key}").click()
    return said(settle(app))


def test_a_long_question_waits_to_be_asked(tmp_path, explorer):
    """A fold of a long question says what it would find, and works it out only once its button is pressed; then it has
    the package's own answer, for the fallback that is chosen."""
    app = opened(shared_good(), tmp_path, explorer, fallback="last year")
    app.session_state["fold-holds"] = True
    assert "how patient it must be" in said(settle(app))
    found = al.holds(shared_good(), fallback="last year")
    text = answered(app, "holds")
    assert all(row.question in text and row.fact in text for row in found.check.itertuples())
    assert not [each for each in app.button if each.key == "ask-holds"]


def test_other_plans_stand_side_by_side(tmp_path, explorer):
    """Plans nearly as good are listed with who is for and against, and how far each could go is drawn."""
    text = answered(opened(shared_good(), tmp_path, explorer), "alternatives")
    found = alternatives(shared_good(), within=deal_more.NEAR)
    assert found.sentences[0] in text
    assert "How far each programme could go" in text


def test_the_law_has_its_price_when_asked_for():
    """What each statutory rule costs is worked out on asking; where there is none that is said."""
    assert "No statutory rule is in force." in answered(visit("deal", scenario="tiny"), "law")


def test_partners_of_a_kind_may_go_together():
    """Where too many decide the page says how many it takes, and what each kind would pay if kinds decided as one."""
    scenario = workshop()
    found = al.deal(scenario, blocs={"pair": ("a", "b")})
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deal_more.st, "html", drawn.append)
        deal_more.go_together(found, offered("workshop"), "a")
    assert "Pair (2)" in drawn[0]
    assert "How each kind could divide it" in drawn[0]
    assert drawn[0].count("al-mark") == 1


def test_what_may_lawfully_move_is_asked_on_the_money():
    """The page of the money says, when asked, the most that can lawfully reach each programme, as the package does."""
    text = answered(visit("money", scenario="tiny"), "lawful")
    found = al.lawful(al.read(SCENARIOS / "tiny"))
    assert found.sentences[0] in text
    assert "The most that can lawfully reach each programme" in text


def test_settlements_are_a_short_list_with_a_picture(tmp_path, explorer):
    """Without payments the page lists the package's settlements, what each means, and what each lands on partners."""
    scenario = shared_good()
    text = answered(opened(scenario, tmp_path, explorer, seat="partners.a"), "settle")
    found = al.settle(scenario)
    assert found.sentences[0] in text
    for name in found.summary.loc[found.summary["why"] == "", "settlement"]:
        assert f"{name[:1].upper()}{name[1:]}:" in text
    drawn = deal_pictures.settled(found.settlements, "£", "a")
    assert len(drawn.table) == 2
    assert drawn.html.count("al-way ") == len(found.settlements)
    assert "(you)" in drawn.html


def test_terms_say_who_would_still_leave_under_which(tmp_path, explorer):
    """Every scheme has a column, with what each partner could gain by leaving; rates and untruths stand below."""
    scenario = shared_good()
    text = answered(opened(scenario, tmp_path, explorer, seat="partners.a"), "terms")
    found = al.terms(scenario)
    assert found.sentences[0] in text
    assert all(name in text for name in deal_terms.SCHEMES.values())
    assert "Rates that matter most" in text
    assert "What an untruth would gain" in text


def test_switch_points_are_told_nearest_first():
    """Each point that was found has a row, the nearest first, with what the answer would then be."""
    point = {"name": "shares", "unit": "part", "now": 0.1, "status": "assumed", "headline": "Would A sign?",
             "answer": True, "down": np.nan, "up": 0.3, "factor_down": np.nan, "factor_up": 3.0}  # fmt: skip
    worth = point | {"name": "worth", "unit": "times", "now": 1.0, "answer": False, "down": 0.8, "up": np.nan}
    points = pd.DataFrame([point, worth | {"factor_down": 0.8, "factor_up": np.nan}])
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deal_terms.st, "html", drawn.append)
        deal_terms.turning(SimpleNamespace(points=points, sentences=["First."]))
    rows = heads(drawn[0], "row")
    assert rows == ["Worth", "Shares"]
    assert words(drawn[0]).index("0.8 times Would A sign? yes") < words(drawn[0]).index("0.3 Would A sign? no")


__all__ = ["explorer"]
