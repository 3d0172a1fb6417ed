"""Places as clusters of practices: a drawing that exists is a partition, and one that is none is told why."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allocate as al
from tests.places.making import problems, saved, table

draw = al.places.draw
HILLS = [f"A1000{k}" for k in range(1, 6)]
MINE = {"North": ["Upton", "not A10005"], "South": ["E02", "A10005"]}


def held(drawing) -> dict[str, list[str]]:
    """Place to its practices."""
    return {place: sorted(rows.index) for place, rows in drawing.places.groupby(drawing.places)}


# --- by what the file says -------------------------------------------------------------------------------------------


def test_by_district_pcn_and_practice(practices):
    """Each practice is in the place the file says; practices lie in their district."""
    assert held(draw(practices, "QAA")) == {"dale": HILLS[2:4], "upton": [*HILLS[:2], HILLS[4]]}
    assert held(draw(practices, "QAA", "pcn")) == {"mill-pcn": HILLS[:2], "church-pcn": HILLS[2:]}
    one = draw(practices, "Hills and Vale", "practice")
    assert held(one) == {code.lower(): [code] for code in HILLS}
    assert one.names["a10001"] == "THE MILL SURGERY (A10001)"
    assert {one.names[parent] for parent in one.within.values()} == {"Upton", "Dale"}


def test_a_district_in_two_systems_is_told(practices):
    """A place has the practices of its system only, and it is said where a district goes on beyond it."""
    assert draw(practices, "QBB").notes == ("Dale: 1 of its 3 practices is in this system, and counted here.",)


def test_systems_that_plan_together(practices):
    """Several systems are drawn as one, and indices are against their sum."""
    both = draw(practices, ["QAA", "QBB"])
    assert both.system_name == "Hills and Vale with Coast"
    assert held(both)["dale"] == ["A10003", "A10004", "B20003"]
    assert both.notes == ()
    pd.testing.assert_frame_equal(both.indices(), both.indices("england"))


def test_a_file_without_pcns(tmp_path):
    """Where the file names no PCN, or none for some practices, drawing by PCN is refused, unless there is a rest."""
    rows = table()
    none = al.places.read(saved(tmp_path, rows.assign(PCN_Code="", PCN_Name="")))
    assert "names no PCN for any practice of this system" in problems(draw, none, "QAA", "pcn")[0]
    rows.loc[0, ["PCN_Code", "PCN_Name"]] = ""
    some = al.places.read(saved(tmp_path, rows))
    assert "names no PCN for A10001 THE MILL SURGERY" in problems(draw, some, "QAA", "pcn")[0]
    assert held(draw(some, "QAA", "pcn", rest="On its own"))["on-its-own"] == ["A10001"]
    assert problems(draw, some, "QAA", "pcn", rest="Mill PCN")


def test_names_that_two_districts_share(tmp_path):
    """Districts of one name get their codes, so that each is a place of its own."""
    rows = table().assign(LTLA="Upton")
    drawing = draw(al.places.read(saved(tmp_path, rows)), "QAA")
    assert sorted(drawing.names.values()) == ["Upton (E01)", "Upton (E02)"]


# --- by what somebody says -------------------------------------------------------------------------------------------


def test_every_form_of_the_same_drawing(practices, tmp_path):
    """A mapping either way about, TOML, CSV and a session of NHS England's tool draw the same places."""
    want = {"north": HILLS[:2], "south": HILLS[2:]}
    by_code = {code: "North" if code in HILLS[:2] else "South" for code in HILLS}
    toml, csv, session = tmp_path / "a.toml", tmp_path / "a.csv", tmp_path / "a.json"
    toml.write_text('North = ["Upton", "not A10005"]\n[South]\ndistricts = ["E02"]\npractices = ["A10005"]\n')
    csv.write_text("Practice Code,Place\n" + "".join(f"{code},{place}\n" for code, place in by_code.items()))
    names = dict(zip(table()["Practice_Code"], table()["GP_Practice_Name"], strict=True))
    gps = {place: [f"{c}: {names[c]}" for c in by_code if by_code[c] == place] for place in ("North", "South")}
    places = {place: {"gps": listed, "icb": "NHS Hills and Vale ICB"} for place, listed in gps.items()}
    session.write_text(json.dumps(places | {"places": ["North", "South"]}))
    for by in (MINE, by_code, toml, str(csv), session, {"North": {"pcns": ["Mill PCN"]}, "South": ["church pcn"]}):
        assert held(draw(practices, "QAA", by)) == want
    assert held(draw(practices, None, csv)) == want


def test_a_practice_in_two_places_is_refused_by_name(practices, tmp_path):
    """Name, code and both places are told, with the rows; no entry wins because it comes later."""
    path = tmp_path / "mine.csv"
    path.write_text("practice,place\nE01,North\nE02,South\nA10005,South\n")
    (told,) = problems(draw, practices, "QAA", path)
    assert "'A10005 RIVERSIDE' is in two places: North (row 2, through E01) and South (row 4)" in told
    assert 'write "not A10005" in the place that shall not have it' in told
    (told,) = problems(draw, practices, "QAA", {"A": HILLS, "B": ["A10001"], "C": ["A10001"]})
    assert "is in 3 places" in told


def test_practices_in_no_place_are_listed(practices):
    """Each practice that no place holds is named, by district; a name for the rest takes them in."""
    told = problems(draw, practices, "QAA", {"North": ["A10001", "A10003"]})
    assert len(told) == 2
    assert "'A10004 THE OLD BAKERY' a practice is in no place" in told[0]
    assert "'A10002 HIGH STREET PRACTICE; A10005 RIVERSIDE' 2 practices of Upton are in no place" in told[1]
    drawing = draw(practices, "QAA", {"North": ["A10001", "A10003"]}, rest="Elsewhere")
    assert held(drawing)["elsewhere"] == ["A10002", "A10004", "A10005"]


def test_what_the_file_does_not_know(practices):
    """An unknown code, one of another system and a district without practices here are refused with what is likely."""
    told = problems(
        draw,
        practices,
        "QAA",
        {"North": [*HILLS[:4], "A1OOO5: Riverside"], "South": ["B20001", "Port, City of", "Uptn"]},
    )
    assert len(told) == 4
    assert "'A1OOO5 Riverside' is no practice, district or PCN of the file" in told[0]
    assert "did you mean A10005, RIVERSIDE?" in told[0]
    assert "'B20001' is HARBOUR MEDICAL CENTRE of Coast, and not in Hills and Vale" in told[1]
    assert "'Port, City of' has no practice in Hills and Vale" in told[2]
    assert "did you mean Upton?" in told[3]
    assert "did you mean A10003, CHURCH LANE?" in problems(draw, practices, "QAA", {"North": ["A1000B", "A10O03"]})[1]


def test_renamed_practices_are_caught_by_code(practices, tmp_path):
    """A practice told by an old name counts, and the change of name is told; spelling alone is no change."""
    path = tmp_path / "old.csv"
    path.write_text(
        "practice,name,place\nA10001,Mill House,North\nA10002,High Street - Practice,North\nE02,,S\nA10005,,S\n"
    )
    drawing = draw(practices, "QAA", path)
    said = "A10001 is THE MILL SURGERY in practices_2025_26.csv, and Mill House in old.csv: matched by code."
    assert drawing.notes == (said,)
    assert held(drawing)["north"] == HILLS[:2]


def test_a_name_that_a_district_and_a_pcn_share(tmp_path):
    """An entry that could be either is refused; a code, or saying which, decides."""
    shared = al.places.read(saved(tmp_path, table().replace({"PCN_Name": {"MILL PCN": "UPTON"}})))
    assert "'Upton' is a district and a PCN" in problems(draw, shared, "QAA", {"A": ["Upton"], "B": ["Dale"]})[0]
    rest = {"B": {"practices": ["A10005"], "districts": ["Dale"]}}
    assert held(draw(shared, "QAA", {"A": {"pcns": ["Upton"]}} | rest))["a"] == HILLS[:2]
    assert held(draw(shared, "QAA", {"A": ["U1"]} | rest))["a"] == HILLS[:2]
    assert held(draw(shared, "QAA", {"A": {"districts": ["Upton"]}, "B": ["Dale"]}))["a"] == [*HILLS[:2], HILLS[4]]


def test_places_inside_others(practices):
    """A place may lie within another; two answers, and a parent that has practices of its own, are refused."""
    told = {
        "North": {"districts": ["Upton"], "within": "The county"},
        "South": {"districts": ["Dale"], "within": "The county"},
    }
    drawing = draw(practices, "QAA", told)
    assert dict(drawing.within) == {"north": "the-county", "south": "the-county"}
    assert drawing.names["the-county"] == "The county"
    told["South"]["within"] = "North"
    assert any("is itself a place with practices" in text for text in problems(draw, practices, "QAA", told))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"North": ["Upton"], "north!": ["Dale"]}, "is too like 'North' to be another place"),
        ({"=cmd": ["Upton", "Dale"]}, "is not a name for a place"),
        ({"North": ["Upton", "Dale"], "South": ["A10001", "not A10001"]}, "'South' has no practice"),
        ({"North": ["Upton", "Dale", "not B20001"]}, "HARBOUR MEDICAL CENTRE of Coast"),
        ({"North": ["Upton", "Dale"], "South": ["not A10001"]}, "is taken out of South, which does not have it"),
        ({"North": 3}, "must be a list of practices"),
        ({"North": [3]}, "is not a code or a name"),
        ({"North": {"distrcts": ["Upton"]}}, "did you mean districts?"),
        ({}, "draws no place"),
    ],
)
def test_drawings_that_are_none(practices, told, said):
    """Names too alike, names that a spreadsheet would run, empty places and wrong shapes are refused in words."""
    assert any(said in text for text in problems(draw, practices, "QAA", told))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "code,town\nA10001,North\n", "a.csv row 1, place: this column is missing"),
        ("a.csv", "", "is empty"),
        ("a.csv", "practice,place\n", "has no rows"),
        ("a.csv", "practice,place\nA10001,\n", "row 2, place: 'A10001,' is blank"),
        ("a.toml", "North = Upton", "is not TOML"),
        ("a.toml", 'North = "Upton"', "must be a list"),
        ("a.json", "{", "is not JSON"),
        ("a.json", "{}", "has no list of places"),
        ("a.json", '{"places": ["North"]}', "'North' has no practices (gps)"),
        ("a.txt", "North", "is not a drawing of places"),
    ],
)
def test_files_that_draw_nothing(practices, tmp_path, name, text, said):
    """A file of the wrong kind or shape is refused with its name and what is expected."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert any(said in told for told in problems(draw, practices, "QAA", tmp_path / name))


def test_words_that_are_no_way_to_draw(practices):
    """A mistyped way, a missing file and a missing system are refused with what is likely."""
    assert "did you mean district?" in problems(draw, practices, "QAA", "districts")[0]
    assert "is missing" in problems(draw, practices, "QAA", "nowhere.csv")[0]
    assert "say which system" in problems(draw, practices, None, "district")[0]
    assert "say which system: QAA, QBB" in problems(draw, practices, None, {"A": ["A10001", "B20001"]})[0]


# --- properties ------------------------------------------------------------------------------------------------------

PARTS = st.lists(st.sampled_from(["One", "Two", "Three"]), min_size=5, max_size=5)


@given(PARTS)
def test_every_drawing_is_a_partition(practices, parts):
    """Whatever goes where, sums over places are the system's, shares sum to one and people are as many."""
    drawing = draw(practices, "QAA", dict(zip(HILLS, parts, strict=True)))
    assert sorted(drawing.places.index) == HILLS
    assert drawing.counts().sum() == 5
    pd.testing.assert_series_equal(drawing.sums().sum(), practices.practices("QAA")[practices.figures].sum())
    assert drawing.shares().sum().sub(1).abs().max() < 1e-12
    weighted = (drawing.indices() * drawing.shares()["population"].to_numpy()[:, None]).sum()
    assert weighted.sub(1).abs().max() < 1e-12


@given(PARTS)
def test_splitting_a_place_leaves_the_others(practices, parts):
    """Drawn finer, the places that stay have the same need, share and money to the last bit that matters."""
    coarse = draw(practices, "QAA", dict(zip(HILLS, parts, strict=True)))
    finer = {code: f"{part} {code}" if part == "One" else part for code, part in zip(HILLS, parts, strict=True)}
    fine = draw(practices, "QAA", finer)
    kept = [place for place in coarse.within if place in fine.within]
    for figures in (
        lambda d: d.indices(),
        lambda d: d.indices("england"),
        lambda d: d.shares(),
        lambda d: d.targets(1e9),
    ):
        pd.testing.assert_frame_equal(figures(coarse).loc[kept], figures(fine).loc[kept], rtol=1e-12)


@given(PARTS, st.randoms(use_true_random=False))
def test_the_order_of_entries_decides_nothing(practices, parts, random):
    """Entries in any order draw the same places."""
    entries = list(zip(HILLS, parts, strict=True))
    drawing = draw(practices, "QAA", dict(entries))
    random.shuffle(entries)
    assert held(draw(practices, "QAA", dict(entries))) == held(drawing)


# --- changed by hand -------------------------------------------------------------------------------------------------


def test_putting_practices_into_a_place(practices):
    """What is put into a place leaves the one it was in, every practice stays in one, and an emptied place is gone."""
    base = draw(practices, "QAA")
    one = base.putting("North", ["A10003", "A10005"])
    assert held(one) == {"dale": ["A10004"], "north": ["A10003", "A10005"], "upton": HILLS[:2]}
    assert one.by == "district, changed by hand"
    two = one.putting("upton", ["Dale"])
    assert held(two) == {"north": ["A10005"], "upton": HILLS[:4]}
    assert two.names["upton"] == "Upton"
    assert two.by == one.by
    assert held(two.putting("All", ["E01", "E02"])) == {"all": HILLS}


def test_putting_keeps_what_places_lie_in(practices):
    """A place stays in what it lay in when others are changed by hand."""
    base = draw(practices, "QAA", {"A": {"members": ["Upton"], "within": "W"}, "B": ["Dale"]})
    changed = base.putting("C", ["A10001"])
    assert dict(changed.within) == {"a": "w", "b": "", "c": ""}
    assert changed.names["w"] == "W"


@pytest.mark.parametrize(("place", "entries", "said"), [
    ("North", ["A99999"], "is no practice, district or PCN"),
    ("North", ["B20001"], "is HARBOUR MEDICAL CENTRE of Coast"),
    ("North", [], "name at least one"), ("=North", ["A10001"], "is not a name for a place"),
    ("", ["A10001"], "is not a name for a place"),
])  # fmt: skip
def test_putting_what_cannot_be(practices, place, entries, said):
    """What is not here cannot be moved, nor into a place without a name."""
    assert said in " ".join(problems(draw(practices, "QAA").putting, place, entries))
