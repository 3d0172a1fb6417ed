"""Places as Streamlit runs it: files brought, places drawn or refused, money shared, and all taken away again."""

from __future__ import annotations

import csv
import io
import shlex
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import allocate as al
from allocate import cli
from allocate.places.writing import drawing_table, to_csv
from allocate.ui import desk, place_file_parts, place_work, state
from allocate.ui.serving import PRACTICES
from tests.places.making import located, real, saved, table
from tests.ui.apping import bodies, explorer, go, press, said, settle, unfold, verdict, visit

pytestmark = pytest.mark.usefixtures("explorer", "alone")
NASTY = '<img src=x onerror=alert(1)> "*A*" [b](http://x.test)'
HILLS = {"drawn.system": "QAA"}
TWICE = "practice,place\nUpton,North\nA10003,South\nA10004,South\nA10003,North\n"
OPENING = "place,amount\nUpton,60e6\nDale,40e6\n"


@pytest.fixture
def alone(monkeypatch):
    """An explorer that was given no practice file, with nothing on its tray."""
    monkeypatch.delenv(PRACTICES, raising=False)
    desk.tray.clear()


@pytest.fixture
def given(tmp_path, monkeypatch) -> Path:
    """The made-up file, given when the explorer was started."""
    path = saved(tmp_path, located())
    monkeypatch.setenv(PRACTICES, str(path))
    return path


def bring(app: AppTest, field: str, name: str, text: str | bytes) -> AppTest:
    """Bring a file into its box."""
    data = text.encode() if isinstance(text, str) else text
    box = next(each for each in app.file_uploader if each.key == f"bring-{field}")
    box.set_value((name, data, "text/csv"))
    return settle(app)


def asked(app: AppTest):
    """What is asked of Places."""
    return app.session_state[state.ASKED]


def places(**query) -> AppTest:
    """A visitor of Places, on the small system of the made-up file."""
    return visit("places", **({"scenario": "tiny"} | HILLS | {f"drawn.{name}": value for name, value in query.items()}))


def drawing(path: Path, by="district") -> al.places.Drawing:
    """What the page should draw."""
    return al.places.draw(al.places.read(path), "QAA", by)


# --- files -----------------------------------------------------------------------------------------------------------


def test_without_a_file_the_page_says_what_to_bring():
    """Before any file is open the page says which one to bring and where it is, and shows the places that are open."""
    app = visit("places", scenario="tiny")
    assert verdict(app).startswith("No practice file is open.")
    assert "england.nhs.uk/allocations" in said(app)
    assert "North 4,000 £45.0m 1.125" in said(app)
    assert unfold(app).query_params["scenario"] == "tiny"


def test_a_file_that_is_brought_is_drawn_and_outlives_a_refresh(tmp_path):
    """A practice file that is brought is read, its only likely system drawn, and the address draws it again; nothing of
    it is left on disk."""
    data = saved(tmp_path, located()).read_bytes()
    app = bring(visit("places", scenario="tiny"), "file", "practices_2025_26.csv", data)
    assert verdict(app).startswith("Choose a system. practices_2025_26.csv has 2 systems and 8 practices.")
    app.selectbox(key="place-system").set_value("QAA")
    settle(app)
    assert verdict(app).startswith("Hills and Vale: every practice is in one place. 5 practices in 2025/26, 2 places.")
    again = visit("places", **dict(app.query_params.items()))
    assert verdict(again) == verdict(app)
    desk.tray.clear()
    gone = visit("places", **dict(app.query_params.items()))
    assert verdict(gone).startswith("This practice file cannot be used.")
    assert "bring it again" in said(gone)


def test_a_broken_file_is_refused_with_every_reason(tmp_path):
    """A practice file with faults is refused with all of them in words, and another can be brought at once."""
    rows = table().astype({"Population": object})
    rows.loc[0, "Population"], rows.loc[1, "Practice_Code"] = "lots", "A10001"
    app = bring(visit("places", scenario="tiny"), "file", "p.csv", rows.to_csv(index=False))
    assert verdict(app).startswith("This practice file cannot be used.")
    assert "stands twice" in said(app)
    assert "is not a number" in said(app)
    assert verdict(bring(app, "file", "p.csv", table().to_csv(index=False))).startswith("Choose a system.")


def test_the_file_that_was_given_opens_by_itself(given):
    """The file named at the start opens without being brought; the system that is open is drawn where names agree."""
    assert verdict(places()).startswith("Hills and Vale: every practice is in one place.")
    assert place_work.likely(al.places.read(given), ["The Hills", "hills and vale"]) == "QAA"
    assert place_work.likely(al.places.read(given), ["Tiny"]) == ""
    given.unlink()
    assert verdict(places()).startswith("This practice file cannot be used.")


def test_a_session_brings_a_file_over_the_one_that_was_given(given, tmp_path):
    """A visitor may bring another file for himself, and go back to the one that was given."""
    app = unfold(places())
    rows = table()
    rows["ICBname"] = rows["ICBname"].str.replace("Hills", "Downs")
    bring(app, "file", "other.csv", rows.to_csv(index=False))
    assert verdict(app).startswith("Downs and Vale")
    assert verdict(press(unfold(app), f"Back to {given.name.replace('_', chr(92) + '_')}")).startswith("Hills and Vale")


# --- drawing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["district", "pcn", "practice"])
def test_each_way_of_drawing(given, by):
    """Drawn each way, the page says how many places there are, and its need is the drawing's own."""
    app = unfold(places(by=by))
    drawn = drawing(given, by)
    assert f"{len(drawn.within)} places." in verdict(app)
    need = drawn.indices()["core"]
    for place in drawn.within:
        assert f"{drawn.names[place]}" in said(app)
        assert f"{need[place]:.3f}" in said(app)
    app.selectbox(key="place-by").set_value("district")
    assert "2 places." in verdict(settle(app))


def test_a_practice_in_two_places_is_refused_by_name(given):
    """A file that puts a practice in two places, and leaves others out, is refused with codes and names; put right, it
    is drawn."""
    app = bring(places(by="file"), "places", "mine.csv", TWICE)
    assert verdict(app).startswith("This drawing is refused.")
    assert "A10003 CHURCH LANE" in said(app)
    assert "is in two places: South (row 3) and North (row 5)" in said(app)
    assert "al-tiles" not in " ".join(bodies(app))
    bring(app, "places", "mine.csv", TWICE.removesuffix("A10003,North\n"))
    assert verdict(app).startswith("Hills and Vale: every practice is in one place.")


def test_lost_and_renamed_practices_are_told(given):
    """What a file leaves out is refused by name, or put into a place for the rest; who goes by another name now is
    told."""
    text = "practice,place,name\nA10001,North,OLD NAME\nDale,South,\n"
    app = bring(places(by="file"), "places", "mine.csv", text)
    assert "A10002 HIGH STREET PRACTICE; A10005 RIVERSIDE" in said(app)
    app.text_input(key="place-rest").set_value("Elsewhere")
    settle(app)
    assert verdict(app).startswith("Hills and Vale: every practice is in one place.")
    assert "A10001 is THE MILL SURGERY in practices_2025_26.csv, and OLD NAME in mine.csv" in said(app)
    assert "Elsewhere" in said(app)


def test_changed_by_hand_undone_and_linked(given):
    """Districts and practices are moved into a place of any name; a link has it too; each move can be undone."""
    app = unfold(places())
    move(app, "North", ["E01", "A10003"])
    assert "2 places." in verdict(app)
    assert "Upton (district), A10003 CHURCH LANE → North" in said(app)
    again = visit("places", **dict(app.query_params.items()))
    assert verdict(again) == verdict(app)
    move(app, "North", ["A10004"])
    assert "1 place." in verdict(app)
    app.button(key="unput-1").click()
    assert "2 places." in verdict(settle(app))
    assert asked(app).put == ("North|E01|A10003",)


def move(app: AppTest, into: str, what: list[str]) -> AppTest:
    """Move things by hand."""
    app.multiselect(key="put-what").set_value(what)
    app.text_input(key="put-into").set_value(into)
    return press(app, "Move them")


@pytest.mark.parametrize(("into", "what", "told"), [
    ("", ["E01"], "name the place"), ("North", [], "Choose what to move"),
    ("=1+1", ["E01"], "is not a name for a place"),
])  # fmt: skip
def test_moves_that_cannot_be_are_told(given, into, what, told):
    """A move without a name, without anything to move, or into no name for a place is refused, and nothing changes."""
    app = move(unfold(places()), into, what)
    assert told in said(app)
    assert asked(app).put == ()


def test_names_are_never_more_than_text(tmp_path, monkeypatch):
    """Whatever a file calls its systems, places and practices stays text in every part of the page."""
    rows = located()
    rows["LTLA"], rows["ICBname"], rows["GP_Practice_Name"] = NASTY, f"NHS {NASTY} ICB", NASTY
    rows["LTLA"] += rows["LAD"]
    monkeypatch.setenv(PRACTICES, str(saved(tmp_path, rows)))
    app = unfold(places(look="x"))
    assert "<img" not in " ".join(bodies(app))
    assert "&lt;img" in " ".join(bodies(app))
    assert all("<img" not in each.label for each in app.expander)


# --- money -----------------------------------------------------------------------------------------------------------


def test_fair_shares_of_a_sum(given):
    """A sum in millions is shared by core need, others by their own, and the address has pounds."""
    app = unfold(places())
    assert "Of £100.0m" in verdict(app)
    app.number_input(key="place-core").set_value(200.0)
    settle(app)
    target = drawing(given).targets(200e6)["target"]
    assert f"Dale £{target['dale'] / 1e6:.1f}m" in said(app)
    app.number_input(key="place-primary").set_value(10.0)
    settle(app)
    both = drawing(given).targets({"core": 200e6, "primary": 10e6})["target"]
    assert f"Dale £{both['dale'] / 1e6:.1f}m" in said(app)
    assert (app.query_params["drawn.core"], app.query_params["drawn.primary"]) == ("200000000", "10000000")


def test_distance_and_pace(given):
    """Opening positions say how far each place opens, and each policy how it gets there, who loses, and when."""
    app = bring(places(), "opening", "opening.csv", OPENING)
    drawn = drawing(given)
    far = drawn.distance({"Upton": 60e6, "Dale": 40e6})
    assert "no place is further" in verdict(app)
    assert f"{far.at['upton', 'rate']:+.1%}".replace("-", "\N{MINUS SIGN}") in said(app)
    assert "Places that lose cash: " in said(app)
    app.selectbox(key="place-pace").set_value("no-cash-loser")
    settle(app)
    assert "No place loses cash." in said(app)
    app.number_input(key="place-growth").set_value(3.0)
    settle(app)
    assert "within 1% of their fair share" in said(app) or "still ends" in said(app)
    app.selectbox(key="place-pace").set_value("bands")
    settle(app)
    app.number_input(key="place-floor").set_value(10.0)
    settle(app)
    assert "This pace cannot be kept." in said(app)
    assert asked(app).growth == pytest.approx(0.03)


@pytest.mark.parametrize(("text", "told"), [
    ("place,amount\nUpton,60e6\n", "no opening position for these places"),
    ("place,amount\nUpton,60\nDale,-4\n", "must be pounds, 0 or more"),
    ("place,amount\nUpton,0\nDale,0\n", ""),
    ("who,what\n", "this column is missing"),
])  # fmt: skip
def test_opening_positions_that_will_not_do(given, text, told):
    """Opening positions with faults are refused in words, and fair shares stay; none at all break nothing."""
    app = unfold(bring(places(), "opening", "opening.csv", text))
    assert verdict(app).startswith("Hills and Vale: every practice is in one place.")
    assert told in said(app)
    assert ("These opening positions are refused." in said(app)) == bool(told)


def test_what_has_changed_since_an_earlier_file(given):
    """The same places on an earlier file say what moved; one without them is refused in words."""
    app = unfold(places())
    before = table(people=[900, 3000, 2100, 500, 1500, 4000, 2500, 500])
    assert "from one file to the next" in said(bring(app, "before", "p_2024_25.csv", before.to_csv(index=False)))
    other = table().assign(ICB="QZZ", ICBname="Elsewhere")
    assert "cannot be drawn on it" in said(bring(app, "before", "o.csv", other.to_csv(index=False)))


# --- the map ---------------------------------------------------------------------------------------------------------


def test_the_map_and_what_stands_for_it(given, tmp_path):
    """Where the file has coordinates there is a map with words in its place; where it has none that is said, and bars
    are drawn."""
    app = places()
    chart = app.get("vega_lite_chart")[0]
    assert "Hills and Vale: 5 practices by place." in chart.proto.alt
    app.selectbox(key="place-look").set_value("upton")
    settle(app)
    assert "al-mark" in " ".join(bodies(app))
    assert "The practices of Upton (3)" in said(unfold(app))
    saved(tmp_path, table())
    app = places()
    assert not app.get("vega_lite_chart")
    assert "has no latitude and longitude" in said(app)
    assert "al-picture" in " ".join(bodies(app))


# --- taking it away --------------------------------------------------------------------------------------------------


def test_everything_is_a_scenarios_tables_and_the_drawing_again(given, tmp_path, monkeypatch):
    """The zip has a scenario's places, needs and evidence, need and targets; its drawing, brought back, is the same."""
    app = unfold(
        bring(places(put="North|A10001|A10003"), "opening", "o.csv", "place,amount\nUpton,6\nDale,4\nNorth,3\n")
    )
    found = place_work.work(asked(app), desk.tray())
    with zipfile.ZipFile(io.BytesIO(place_file_parts.everything(found, found.drawing))) as whole:
        files = {name: whole.read(name).decode() for name in whole.namelist()}
    assert set(files) == {f"{name}.csv" for name in (
        "places", "needs", "evidence", "sources", "drawing", "indices", "targets")}  # fmt: skip
    assert [row["name"] for row in csv.DictReader(io.StringIO(files["places.csv"]))] == [
        "Hills and Vale", *(found.drawing.names[place] for place in found.drawing.within)
    ]  # fmt: skip
    assert "opening" in files["targets.csv"]
    again = bring(places(by="file"), "places", "drawing.csv", files["drawing.csv"])
    same = place_work.work(asked(again), desk.tray()).drawing
    assert same.places.equals(found.drawing.places)
    assert same.notes == ()


@pytest.mark.parametrize("query", [
    {}, {"by": "pcn", "core": 2e8, "primary": 1e7}, {"put": "North|A10001", "nhse": "True"},
    {"pace": "bands", "floor": 0.0, "growth": 0.02}, {"pace": "no-cash-loser", "floor": 0.01},
])  # fmt: skip
def test_the_command_gives_the_same(given, tmp_path, monkeypatch, capsys, query):
    """The command that the page shows runs, on the files that the page gives, and says the same sentences."""
    app = places(**query)
    found = place_work.work(asked(app), desk.tray())
    opening = pd.DataFrame({"place": list(found.drawing.within), "amount": 1e6})
    if "pace" in query:
        bring(app, "opening", "opening.csv", to_csv(opening))
    unfold(app)
    command = next(each.value for each in app.code if each.value.startswith("allocate"))
    (tmp_path / "drawing.csv").write_text(to_csv(drawing_table(found.drawing)), encoding="utf-8")
    (tmp_path / "opening.csv").write_text(to_csv(opening), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(shlex.split(command)[1:]) == 0, command
    out, words = capsys.readouterr()
    if "pace" in query:
        lost = next(line for line in words.splitlines() if "cash" in line)
        assert " ".join(lost.split())[:30] in said(app)
    assert found.drawing.system_name in out


def test_other_pages_keep_what_was_drawn(given):
    """Going to another page and back leaves the drawing, the sums and the address as they were."""
    app = places(by="pcn", core=2e8)
    before = verdict(app)
    go(app, "rules")
    assert app.query_params["drawn.by"] == "pcn"
    assert verdict(go(app, "places")) == before


def test_a_link_that_means_nothing_is_told(given):
    """What a link asks for in vain is said at the top, and the rest of it stands."""
    app = visit("places", **{"scenario": "tiny", "drawn.by": "ward", **HILLS})
    assert asked(app).system == "QAA"
    app = places(system="QXX")
    assert "is not a system of this file" in said(app)


# --- the real file ---------------------------------------------------------------------------------------------------


def test_coventry_and_warwickshire(monkeypatch):
    """On NHS England's file the system that is open is drawn by itself, with the need of its districts to three
    decimals and every practice on the map."""
    monkeypatch.setenv(PRACTICES, str(real()))
    app = visit("places", scenario="coventry-warwickshire")
    assert verdict(app).startswith(
        "Coventry and Warwickshire: every practice is in one place. 120 practices in 2025/26"
    )
    told = pd.read_csv(real().with_name("cw_places.csv")).set_index("lad_name")["idx_icb_core_overall"]
    drawn = al.places.draw(al.places.read(real()), "QWU")
    need = drawn.indices()["core"].rename(drawn.names)
    assert need.to_numpy() == pytest.approx(told[need.index].to_numpy(), abs=6e-5)
    assert all(f"{each:.3f}" in said(app) for each in need)
    assert "120 practices by place" in app.get("vega_lite_chart")[0].proto.alt
    assert "without coordinates" not in said(app)


__all__ = ["explorer"]
