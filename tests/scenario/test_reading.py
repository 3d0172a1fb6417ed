"""Reading a folder: what is accepted, and a corpus of spoilt input with what is said about each."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from tests.conftest import SCENARIOS, SMALL
from tests.scenario.breaking import Edit, add, both, encode, every, put, remove, rename


@dataclass(frozen=True)
class Fault:
    """A way to spoil the tiny scenario, and what must stand together in one of the problems reported."""

    name: str
    edit: Edit
    said: tuple[str, ...]
    count: int = 1
    """How many problems it may cause: no fault may drown in its own consequences."""


LINES, PLACES, CURVES, RULES = "lines.csv", "places.csv", "curves.csv", "rules.toml"

FILES = [
    Fault(
        "latin-1",
        both(put(PLACES, "North", "Nörth"), encode(PLACES, "latin-1")),
        ("places.csv row 3", "byte", "not UTF-8", "CSV UTF-8"),
    ),
    Fault("utf-16", encode(PLACES, "utf-16"), ("places.csv row 1", "not UTF-8", "CSV UTF-8")),
    Fault(
        "latin-1 in toml",
        both(put("scenario.toml", "Tiny", "Tïny"), encode("scenario.toml", "latin-1")),
        ("scenario.toml row 2", "not UTF-8", "UTF-8 text"),
    ),
    Fault(
        "nul byte in a table", put("sources.csv", "Chosen", "Cho\0sen"), ("sources.csv row 2", "NUL byte", "damaged")
    ),
    Fault("nul byte in toml", put("scenario.toml", "Tiny", "Ti\0ny"), ("scenario.toml row 2", "NUL byte")),
    Fault(
        "semicolons", every(PLACES, ",", ";"), ("places.csv row 1", "one column", "expected commas", "comma delimited")
    ),
    Fault("tabs", every(PLACES, ",", "\t"), ("places.csv row 1", "one column", "expected commas")),
    Fault("missing table", remove("outcomes.csv"), ("outcomes.csv", "is missing")),
    Fault("missing heading", remove("scenario.toml"), ("scenario.toml", "is missing")),
    Fault("missing evidence table", remove("evidence.csv"), ("evidence.csv", "is missing")),
    Fault(
        "file name mistyped",
        rename("outcomes.csv", "outcome.csv"),
        ("outcome.csv", "not a file of a scenario", "did you mean outcomes?"),
        2,
    ),
    Fault(
        "file name in capitals",
        rename("rules.toml", "Rules.toml"),
        ("Rules.toml", "not a file of a scenario", "did you mean rules?"),
        4,
    ),
    Fault(
        "workbook beside the tables",
        add("lines.xlsx", "x"),
        ("lines.xlsx", "not a file of a scenario", "move it out of the folder"),
    ),
    Fault("notes", add("notes.txt", "x"), ("notes.txt", "not a file of a scenario (move it out of the folder)")),
    Fault(
        "workbook in place of a table",
        rename("outcomes.csv", "outcomes.xlsx"),
        ("outcomes.xlsx", "not a file of a scenario", "save it as outcomes.csv"),
        2,
    ),
    Fault(
        "years as numbers",
        put("scenario.toml", '["2026/27"]', "[2026, 2027]"),
        ("scenario.toml, years", "must be text", 'write years as text, such as ["2026"]'),
        2,
    ),
    Fault("empty file", lambda folder: (folder / PLACES).write_text(""), ("places.csv", "has no rows")),
    Fault(
        "only a header",
        lambda folder: (folder / PLACES).write_text("id,name,parent,population,need\n"),
        ("places.csv", "has no rows"),
    ),
    Fault(
        "a folder for a file",
        both(remove(PLACES), lambda folder: (folder / PLACES).mkdir()),
        ("places.csv", "cannot be read"),
    ),
    Fault(
        "quotation mark never closed",
        put("sources.csv", "Chosen", '"Chosen'),
        ("sources.csv", "not CSV", "never closed"),
    ),
]

COLUMNS = [
    Fault(
        "missing column",
        both(
            put(PLACES, "population,", ""),
            put(PLACES, ",10000,10000", ",10000"),
            put(PLACES, "4000,", ""),
            put(PLACES, "6000,", ""),
        ),
        ("places.csv row 1, population", "this column is missing", "add it"),
    ),
    Fault(
        "mistyped column",
        put(LINES, "baseline", "basline"),
        ("lines.csv row 1", "'basline'", "did you mean baseline?"),
        2,
    ),
    Fault(
        "column with an underscore mistyped",
        put("envelopes.csv", "by_need", "by need"),
        ("envelopes.csv row 1", "'by need'", "did you mean by_need?"),
    ),
    Fault("column in capitals", put(PLACES, "need", "Need"), ("places.csv row 1", "'Need'", "did you mean need?")),
    Fault("duplicate column", put(LINES, "low,high", "low,low"), ("lines.csv row 1", "'low'", "stands twice")),
    Fault(
        "column without a name",
        both(put(PLACES, "population,need", "population,need,"), put(PLACES, "4500", "4500,x")),
        ("places.csv row 1", "a column has no name"),
    ),
    Fault(
        "amount with a thousands comma",
        put(LINES, "300000", "300,000"),
        ("lines.csv row 2", "10 cells for 9 columns", "300,000", "without commas"),
    ),
    Fault(
        "amount with a thousands comma before blanks",
        put(LINES, "45000,0,,", "45,000,0,,"),
        ("lines.csv row 4", "10 cells for 9 columns", "without commas"),
    ),
    Fault(
        "file cut off",
        lambda folder: (folder / LINES).write_text((folder / LINES).read_text()[:-9]),
        ("lines.csv row 5", "6 cells for 9 columns", "cut off"),
    ),
]


def amount(name: str, typed: str, *said: str) -> Fault:
    """A fault in the amount of the second envelope."""
    where = ("envelopes.csv row 3, amount", repr(typed))
    return Fault(name, put("envelopes.csv", "100000", f'"{typed}"' if "," in typed else typed), (*where, *said))


NUMBERS = [
    amount("pound sign", "£100000", "is not a number", "write it without signs and commas: 100000"),
    amount("dollars and commas, quoted", "$100,000", "is not a number", "commas: 100000"),
    amount("millions", "1.2m", "is not a number", "write it in full: 1200000"),
    amount("pounds in millions", "£0.1m", "is not a number", "write it in full: 100000"),
    amount("thousands with k", "100k", "is not a number", "write it in full: 100000"),
    amount("per cent", "5%", "is not a number", "the amount itself, not a per cent"),
    amount("brackets", "(500)", "is not a number", "brackets", "cannot be negative"),
    amount("brackets with pounds and commas", "(£1,500)", "is not a number", "brackets", "cannot be negative"),
    amount("underscore", "100_000", "is not a number", "commas: 100000"),
    amount("space", "100 000", "is not a number", "commas: 100000"),
    amount("decimal comma", "100000,5", "is not a number", "write a point for decimals: 100000.5"),
    amount("unicode minus", "−5", "is not a number", "cannot be negative"),
    amount("digits of another script", "\u0661\u0660\u0660", "is not a number"),
    amount("full-width digits", "１００", "is not a number"),
    amount("nan", "nan", "is not a number"),
    amount("NaN", "NaN", "is not a number"),
    amount("inf", "inf", "is not a number"),
    amount("hexadecimal", "0x10", "is not a number"),
    amount("accountant's dash", "-", "is not a number", "write 0"),
    amount("formula", "=SUM(A1:A9)", "is not a number", "paste the values"),
    amount("formula's error", "#REF!", "is not a number", "paste the values"),
    amount("text", "to be confirmed", "is not a number"),
    Fault(
        "too large to be a number",
        put("envelopes.csv", "100000", "1e400"),
        ("envelopes.csv row 3, amount", "'inf'", "finite number"),
    ),
    Fault(
        "larger than all money",
        put("envelopes.csv", "100000", "1e20"),
        ("envelopes.csv row 3, amount", "less than or equal"),
    ),
    Fault(
        "negative",
        put("envelopes.csv", "100000", "-100000"),
        ("envelopes.csv row 3, amount", "-100000", "greater than or equal to 0"),
    ),
    Fault(
        "blank where a figure is required",
        put("envelopes.csv", "100000", ""),
        ("envelopes.csv row 3, amount", "is required"),
    ),
    Fault(
        "exponent above one",
        put(CURVES, "100000,0.5", "100000,50"),
        ("curves.csv row 2, exponent", "above 0 and at most 1, where 1 is a straight line"),
    ),
]

IDS = [
    Fault("blank id", put(PLACES, "north,North", ",North"), ("places.csv row 3, id", "is required"), 1),
    Fault(
        "trailing space",
        put(LINES, "trust,north", "trust ,north"),
        ("lines.csv row 2, partner", "'trust '", "remove the space", "trust)"),
    ),
    Fault(
        "upper case",
        put(PLACES, "north,North", "North,North"),
        ("places.csv row 3, id", "'North'", "did you mean north?"),
    ),
    Fault(
        "underscore in an id",
        put("programmes.csv", "care,Care", "care_home,Care"),
        ("programmes.csv row 2, id", "'care_home'", "did you mean care-home?"),
        1,
    ),
    Fault(
        "look-alike letter",
        put(LINES, "trust,north", "trust,n\u043erth"),
        ("lines.csv row 2, place", "cyrillic small letter o", "looks like 'o'"),
    ),
    Fault(
        "accent in an id",
        put(LINES, "trust,north", "trust,nörth"),
        ("lines.csv row 2, place", "latin small letter o with diaeresis"),
    ),
    Fault(
        "zero-width character in an id",
        put(LINES, "trust,north", "trust,nor\u200bth"),
        ("lines.csv row 2, place", "zero width space"),
    ),
    Fault(
        "id that is too long",
        put("programmes.csv", "care,Care", "c" * 61 + ",Care"),
        ("programmes.csv row 2, id", "60 characters"),
        1,
    ),
    Fault(
        "bad year format",
        put("envelopes.csv", "grant,2026/27", "grant,2026-27"),
        ("envelopes.csv row 3, year", "'2026-27'", "expected such as 2026/27"),
    ),
    Fault(
        "year as a date",
        put("envelopes.csv", "grant,2026/27", "grant,01/04/2026"),
        ("envelopes.csv row 3, year", "expected such as 2026/27"),
    ),
    Fault(
        "yes or no",
        put("envelopes.csv", "yes,yes", "yes,maybe"),
        ("envelopes.csv row 2, by_need", "'maybe'", "'yes' or 'no'"),
    ),
    Fault("unknown shape", put(CURVES, "power", "log"), ("curves.csv row 2, shape", "'log'", "'saturation'")),
    Fault(
        "unknown evidence status",
        put("evidence.csv", "assumed", "guessed"),
        ("evidence.csv row 2, status", "'guessed'", "'found', 'derived' or 'assumed'"),
    ),
]

TOML = [
    Fault(
        "toml syntax",
        put(RULES, "amount = 60000", "amount = 60,000"),
        ("rules.toml row 5", "'amount = 60,000'", "not TOML", "no commas"),
    ),
    Fault(
        "toml text without quotes",
        put(RULES, 'kind = "floor"', "kind = floor"),
        ("rules.toml row 2", "'kind = floor'", "quotes"),
    ),
    Fault(
        "toml key twice",
        put(RULES, "amount = 60000", "amount = 60000\namount = 50000"),
        ("rules.toml row 6", "not TOML", "overwrite"),
    ),
    Fault(
        "heading without years",
        put("scenario.toml", 'years = ["2026/27"]', ""),
        ("scenario.toml, years", "is required"),
    ),
    Fault(
        "heading field mistyped",
        put("scenario.toml", "caveat", "caveats"),
        ("scenario.toml, caveats", "not a field", "did you mean caveat?"),
    ),
    Fault(
        "years not a list",
        put("scenario.toml", '["2026/27"]', '"2026/27"'),
        ("scenario.toml, years", "must be a list", '["2026/27"]'),
    ),
    Fault(
        "unknown rule kind",
        put(RULES, '"floor"', '"flor"'),
        ("rules.toml, prevention-north.kind", "'flor'", "did you mean floor?"),
    ),
    Fault(
        "rule without a kind",
        put(RULES, 'kind = "floor"\n', ""),
        ("rules.toml, prevention-north.kind", "not a kind of rule", "floor"),
    ),
    Fault(
        "rule field mistyped",
        put(RULES, "amount", "amout"),
        ("rules.toml, prevention-north.amout", "not a field", "did you mean amount?"),
        2,
    ),
    Fault(
        "scope field mistyped",
        put(RULES, "places =", "place ="),
        ("rules.toml, prevention-north.where.place", "did you mean places?"),
    ),
    Fault(
        "scope not a list",
        put(RULES, '["north"]', '"north"'),
        ("rules.toml, prevention-north.where.places", "must be a list", '["north"]'),
    ),
    Fault(
        "scope not a table",
        put(RULES, 'where = { programmes = ["care"] }', 'where = "care"'),
        ("rules.toml, steady-care.where", "'care'", "which lines"),
    ),
    Fault(
        "rule's figure with commas",
        put(RULES, "60000", '"60,000"'),
        ("prevention-north.amount", "'60,000'", "commas: 60000"),
    ),
    Fault(
        "rule's figure as yes", put(RULES, "60000", "true"), ("prevention-north.amount", "'True'", "is not a number")
    ),
    Fault("rule's figure infinite", put(RULES, "60000", "inf"), ("prevention-north.amount", "finite number")),
    Fault("rule's figure nan", put(RULES, "60000", "nan"), ("prevention-north.amount", "finite number")),
    Fault(
        "fraction as per cent",
        put(RULES, "down = 0.05", "down = 5"),
        ("rules.toml, steady-care.down", "'5", "for 5 per cent write 0.05"),
    ),
    Fault(
        "unknown each", put(RULES, '"line"', '"district"'), ("rules.toml, steady-care.each", "'district'", "'place'")
    ),
    Fault(
        "rule id in capitals",
        put(RULES, "[steady-care]", "[Steady_Care]"),
        ("rules.toml, Steady_Care.id", "did you mean steady-care?"),
    ),
    Fault(
        "figure outside a rule",
        lambda folder: put(RULES, "[prev", "amount = 5\n[prev")(folder),
        ("rules.toml, amount", "expected a table"),
    ),
]

CORPUS = FILES + COLUMNS + NUMBERS + IDS + TOML


@pytest.mark.parametrize("fault", CORPUS, ids=lambda fault: fault.name)
def test_fault_is_reported(folder, fault):
    """Every kind of spoilt file gives one ScenarioError that names place, value and repair, and no noise."""
    fault.edit(folder)
    with pytest.raises(al.ScenarioError) as error:
        al.read(folder)
    said = [str(problem) for problem in error.value.problems]
    assert any(all(part in text for part in fault.said) for text in said), said
    assert len(said) == fault.count, said


def test_several_faults_come_at_once(folder):
    """Faults of different files, rows and kinds are all in one error."""
    for edit in (
        put("envelopes.csv", "100000", "£100k"),
        put(LINES, "45000", "n/a"),
        put(RULES, "down = 0.05", "down = 5"),
        put(PLACES, "4500", "4.5k"),
        put("evidence.csv", "assumed", "guess"),
        put(LINES, "trust,south", "trsut,south"),
    ):
        edit(folder)
    with pytest.raises(al.ScenarioError) as error:
        al.read(folder)
    assert str(error.value).startswith(f"{folder}: 6 problems\n- ")
    for part in ("£100k", "n/a", "steady-care.down", "4.5k", "guess", "did you mean trust?"):
        assert part in str(error.value)


def test_a_row_that_cannot_be_read_causes_no_other_complaint(folder):
    """Names in a row with a fault of its own still count as known, and sums over its table are not judged."""
    put(PLACES, "4000,4500", "4000,many")(folder)
    put("envelopes.csv", "900000", "900k")(folder)
    with pytest.raises(al.ScenarioError) as error:
        al.read(folder)
    assert [problem.value for problem in error.value.problems] == ["many", "900k"]


def test_every_bad_cell_of_a_row_is_named(folder):
    """Two bad cells in one row are two problems."""
    put(PLACES, "4000,4500", "4k,5k")(folder)
    with pytest.raises(al.ScenarioError) as error:
        al.read(folder)
    assert [(p.row, p.field) for p in error.value.problems] == [(3, "population"), (3, "need")]


ACCEPTED = {
    "byte-order mark in a table": encode(PLACES, "utf-8-sig"),
    "byte-order mark in toml": encode("scenario.toml", "utf-8-sig"),
    "windows line ends": both(*(every(file, "\n", "\r\n") for file in (PLACES, LINES, RULES, "scenario.toml"))),
    "no line end at the end": lambda folder: (folder / PLACES).write_text((folder / PLACES).read_text().rstrip("\n")),
    "empty rows below, as spreadsheets leave them": add(LINES, ",,,,,,,,\n" * 1600),
    "blank lines between rows": put(LINES, "\ntrust,south", "\n\n\ntrust,south"),
    "empty columns to the right": both(every(PLACES, "\n", ",,\n")),
    "every cell in quotes": lambda folder: (folder / PLACES).write_text(
        "\n".join(",".join(f'"{c}"' for c in row.split(",")) for row in (folder / PLACES).read_text().splitlines())
    ),
    "scientific notation": put("envelopes.csv", "100000", "1e5"),
    "capital E": put("envelopes.csv", "100000", "1E+5"),
    "plus sign": put("envelopes.csv", "100000", "+100000"),
    "pence of nought": put("envelopes.csv", "100000", "100000.00"),
    "space around a number": put("envelopes.csv", "100000", " 100000 "),
    "underscore in toml, which allows it": put(RULES, "60000", "60_000"),
    "a number in quotes in toml": put(RULES, "60000", '"60000"'),
    "spaces in the header": put(PLACES, "id,name,parent", "id, name, parent"),
    "blank cells left out at the end of a row": put(LINES, "500000,0,,", "500000,0"),
    "columns in another order": lambda folder: (folder / "programmes.csv").write_text(
        "name,group,id\nPrevention,,prevention\nCare,,care\n"
    ),
    "an optional column left out": lambda folder: (folder / "programmes.csv").write_text(
        "id,name\ncare,Care\nprevention,Prevention\n"
    ),
    "a read-me and a hidden file beside": both(add("README.md", "x"), add(".DS_Store", "x"), add("~$lines.csv", "x")),
    "an empty optional table": add("routes.csv", "id,year,source,target,high,authority\n"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_harmless_variation_is_accepted(folder, tiny, name):
    """What means the same is read as the same: the digest does not change."""
    ACCEPTED[name](folder)
    assert al.read(folder).digest == tiny.digest


MEANT = {
    "a line break in a note": put("sources.csv", "by hand,,", 'by hand,,"first line\nsecond line"'),
    "accents in a name": put(PLACES, "North", "Nörth"),
    "a comma in a quoted name": put(PLACES, "North", '"North, and beyond"'),
    "a name like a missing value": put(PLACES, "North", "NA"),
    "a name like a formula": put(PLACES, "North", "=1+1"),
}


@pytest.mark.parametrize("name", MEANT)
def test_legitimate_text_is_accepted(folder, tiny, name):
    """Text that trips naive readers is text."""
    MEANT[name](folder)
    assert al.read(folder).digest != tiny.digest


def test_row_numbers_count_lines_of_the_file(folder):
    """After a cell with a line break, a problem still names the line an editor shows."""
    put("sources.csv", "by hand,,", 'by hand,,"first\nsecond"\nBad Id,Title,,')(folder)
    with pytest.raises(al.ScenarioError) as error:
        al.read(folder)
    assert [problem.row for problem in error.value.problems] == [4]


def test_unknown_folder(tmp_path):
    """A folder that is not there is a problem with the likeliest name beside it."""
    (tmp_path / "coventry").mkdir()
    with pytest.raises(al.ScenarioError, match=r"is not a folder \(did you mean coventry\?\)"):
        al.read(tmp_path / "coventy")


def test_folder_may_be_a_string():
    """A path may be given as text."""
    assert al.read(str(SCENARIOS / "tiny")).id == "tiny"


@pytest.mark.parametrize("name", SMALL)
def test_shipped_scenarios_are_sound(name):
    """Each small scenario passes every check, and is named as its folder is."""
    scenario = al.read(SCENARIOS / name)
    assert scenario.id == name
    assert scenario.heading.caveat


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(SMALL))
def test_order_of_rows_has_no_meaning(tmp_path_factory, seed, name):
    """Shuffling the rows of every table, and the order of the rules, keeps the digest."""
    folder, rng = tmp_path_factory.mktemp("shuffled"), np.random.default_rng(seed)
    for path in (SCENARIOS / name).iterdir():
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            top, *rows = text.splitlines()
            text = "\n".join([top, *rng.permutation(rows)]) + "\n"
        elif path.name == "rules.toml":
            text = "\n".join(rng.permutation(re.split(r"(?m)^(?=\[)", text)))
        (folder / path.name).write_text(text, encoding="utf-8")
    assert al.read(folder).digest == al.read(SCENARIOS / name).digest
