"""The command line: tables to stdout, words to stderr, and an exit code for every end."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

import allocate as al
from allocate import cli, screen
from allocate.plan import plan as plans
from allocate.plan.writing import to_csv
from tests.conftest import SCENARIOS
from tests.scenario.breaking import add, put

TINY = str(SCENARIOS / "tiny")
SHARE = '{kind = "share", owner = "board", where = {programmes = ["care"], places = ["south"]}, at_most = 0.49}'


def run(*arguments: str, **told) -> subprocess.CompletedProcess:
    """The command line in a process of its own, as people run it."""
    command = [sys.executable, "-m", "allocate.cli", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=120, **told)


def solved(capsys, *arguments: str) -> pd.DataFrame:
    """The spend of tiny after `allocate solve` with these arguments, which must be answered in CSV."""
    assert cli.main(["solve", TINY, *arguments, "--format", "csv"]) == 0
    return pd.read_csv(io.StringIO(capsys.readouterr().out))


def refused(capsys, *arguments: str, code: int = 2) -> str:
    """What is said when a command is refused: nothing on stdout, and no traceback."""
    assert cli.main(list(arguments)) == code
    out, words = capsys.readouterr()
    assert out == ""
    assert words
    assert "Traceback" not in words
    return words


# --- check and schema -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.toml")))
def test_check_of_a_sound_scenario(name, capsys):
    """Every shipped scenario is sound, and the figures found, derived and assumed are counted."""
    assert cli.main(["check", str(SCENARIOS / name)]) == 0
    out, words = capsys.readouterr()
    scenario = al.read(SCENARIOS / name)
    assert out.startswith(f"{scenario.heading.name}: sound. {len(scenario.lines)} lines, {len(scenario.rules)} rules")
    counted = [int(part.split()[0]) for part in out.split("figures: ")[1].rstrip(".\n").split(", ")]
    assert sum(counted) == len(al.evidence(scenario))
    assert words == ""


def test_check_says_every_problem(folder, capsys):
    """A spoiled scenario exits 2 with all its problems on stderr and nothing on stdout."""
    put("lines.csv", "trust,north", "trusty,north")(folder)
    put("envelopes.csv", "900000", "900k")(folder)
    add("stray.csv", "x\n")(folder)
    words = refused(capsys, "check", str(folder))
    assert "3 problems" in words
    assert all(
        part in words for part in ("trusty", "did you mean trust?", "900k", "write it in full: 900000", "stray.csv")
    )


def test_check_of_no_folder(capsys):
    """A folder that is not there is the scenario's fault, with what is near."""
    assert "did you mean tiny?" in refused(capsys, "check", str(SCENARIOS / "tinny"))


def test_schema(capsys):
    """The schema is the library's, as JSON."""
    assert cli.main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == al.schema()


# --- what solve prints ----------------------------------------------------------------------------------------------


def test_table(capsys):
    """By default people's tables go to stdout, names and totals included, and the explanation to stderr."""
    assert cli.main(["solve", TINY]) == 0
    out, words = capsys.readouterr()
    assert [title for title in ("By place", "By partner", "By programme") if title not in out] == []
    total = next(line for line in out.splitlines() if line.startswith("Total"))
    assert total.split() == ["Total", "£890,000", "£1,000,000", "+£110,000", "+12.4%"]
    north = next(line for line in out.splitlines() if line.startswith("  North"))
    assert north.split() == ["North", "£345,000", "£460,000", "+£115,000", "+33.3%", "£115", "−16.7%", "−1.2%"]
    said = " ".join(words.split())
    assert said.startswith("Tiny Every rule is met.")
    assert "Every rule" not in out
    assert " ".join(al.explain(al.solve(al.read(TINY))).split()) in said


def test_csv(capsys, tiny):
    """CSV is the plan's spend and nothing else."""
    assert cli.main(["solve", TINY, "--format", "csv"]) == 0
    out, words = capsys.readouterr()
    assert out == to_csv(al.solve(tiny).spend)
    assert words == ""


def test_json(capsys, tiny):
    """JSON is every table of the plan, and the same figures as the library's."""
    assert cli.main(["solve", TINY, "--format", "json"]) == 0
    out, words = capsys.readouterr()
    ours = json.loads(al.to_json(al.solve(tiny)))
    told = json.loads(out)
    told["facts"] = ours["facts"] = [row for row in ours["facts"] if row["fact"] != "seconds"]
    assert told == ours
    assert words == ""


def test_years_and_currency_in_tables(folder, capsys):
    """Tables name the year where there are several, and the scenario's own currency."""
    from tests.rules.examples import two_years

    put("scenario.toml", 'id = "tiny"', 'id = "tiny"\ncurrency = "$"')(folder)
    two_years(folder)
    assert cli.main(["solve", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "2027/28" in out
    assert "$" in out
    assert "£" not in out


def test_names_are_shown_as_written(folder, capsys):
    """A name that looks like the screen's own markup is printed as it stands."""
    put("places.csv", "north,North", "north,[red]North[/]")(folder)
    put("partners.csv", "The Trust", "[/bold] Trust")(folder)
    put("programmes.csv", "care,Care", "care,:warning: [link=x]Care")(folder)
    put("scenario.toml", '"Tiny"', '"[blink]Tiny[/b]"')(folder)
    assert cli.main(["solve", str(folder)]) == 0
    out, words = capsys.readouterr()
    assert all(name in out for name in ("[red]North[/]", "[/bold] Trust", ":warning: [link=x]Care"))
    assert "[blink]Tiny[/b]" in words


def drawn(plan: al.Plan, width: int) -> list[str]:
    """The lines of the three tables on a screen this wide."""
    out = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    for sheet in screen.sheets(plan):
        screen.put(sheet, out)
    return out.file.getvalue().splitlines()


@pytest.fixture(scope="module")
def large() -> al.Plan:
    return al.solve(al.read(SCENARIOS / "coventry-warwickshire"))


@pytest.mark.parametrize("width", [140, 80, 60])
def test_narrow_screens_keep_names_and_amounts(large, width):
    """On a narrow screen names fold, no amount is cut, nothing runs over the edge, and what is left out is said."""
    lines = drawn(large, width)
    text = "\n".join(lines)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(len(line.rstrip()) for line in lines) <= width
    amounts = {part for sheet in screen.sheets(large) for cells, _ in sheet.rows for part in cells[1:5]}
    assert [amount for amount in amounts if amount not in text] == []
    assert all(word in text for word in ("Coventry", "Rugby", "Prescribing", "Total"))
    said = " ".join(text.split())
    assert ("Per head" in text) == (width == 140)
    assert ("Share, now" in text) == (width >= 80)
    assert ("without per head" in said) == (width < 140)


def test_what_is_left_out_first(large):
    """The first column to go is the one per head, then the two against the fair share; nothing else ever goes."""
    places = screen.sheets(large)[0]
    titles = {width: [column.header for column in places.table(width)[1].columns] for width in (200, 80, 60, 20)}
    assert "Per head" in titles[200]
    assert "Per head" not in titles[80]
    assert titles[80][-2:] == ["Share, now", "proposed"]
    assert titles[60] == titles[20] == ["Place", "Now", "Proposed", "Change", "%"]
    assert "without per head: the screen" in places.table(80)[0]
    assert "without per head and share: the screen" in places.table(60)[0]
    assert all("fair share" in places.table(width)[0] for width in (200, 80))
    assert max(len(line) for line in drawn(large, 20) if "Rugby" in line) > 20


def test_places_are_a_tree_that_adds_up(large):
    """Places stand under the place they are in, what is spent on it as a whole beside them, and add up to it."""
    rows = {name: figures for name, figures, _ in screen._tree(large, large.scenario.years[0])}
    assert list(rows) == [
        "Coventry and Warwickshire", "  Coventry and Warwickshire as a whole", "  Coventry", "  Warwickshire",
        "    Rugby", "    South Warwickshire", "    Warwickshire North",
    ]  # fmt: skip
    for depth, whole in enumerate(["Coventry and Warwickshire", "  Warwickshire"]):
        inside = [name for name in rows if len(name) - len(name.lstrip()) == 2 * (depth + 1)]
        for column in ("baseline", "spend", "change"):
            assert sum(rows[name][column] for name in inside) == pytest.approx(rows[whole][column])


def test_places_without_one_root_have_a_total(folder):
    """Where no single place holds all the others a total stands below them, year by year."""
    from tests.rules.examples import two_years

    put("places.csv", "north,North,system", "north,North,")(folder)
    put("places.csv", "south,South,system", "south,South,")(folder)
    two_years(folder)
    plan = al.solve(al.read(folder))
    cells = [row for row, _ in screen.sheets(plan)[0].rows]
    totals = [row for row in cells if row[0] == "Total"]
    assert [row[1] for row in totals] == list(plan.scenario.years)
    for row in totals:
        year = plan.spend[plan.spend["year"] == row[1]]
        assert row[3] == f"£{year['spend'].sum():,.0f}"


@pytest.mark.parametrize(("name", "millions"), [
    ("coventry-warwickshire", True), ("health-benefits-package", False), ("tiny", False),
])  # fmt: skip
def test_one_unit_for_all_tables(name, millions):
    """The tables of a plan are all in millions or all in whole pounds."""
    sheets = screen.sheets(al.solve(al.read(SCENARIOS / name)))
    amounts = [cells[sheet.titles.index("Now")] for sheet in sheets for cells, _ in sheet.rows]
    assert {amount.endswith("m") for amount in amounts} == {millions}


def test_a_what_if_is_said_on_screen(capsys):
    """A plan of a changed scenario says what was changed, before anything else about it; another says nothing."""
    assert cli.main(["solve", TINY, "--set", "envelopes.core=850000"]) == 0
    assert capsys.readouterr().err.split("\n")[1:3] == ["Tiny", "Changed: envelopes.core: 900,000 → 850,000"]
    assert cli.main(["solve", TINY]) == 0
    assert "Changed" not in capsys.readouterr().err


def test_piped_words_are_whole(capsys, tiny):
    """Where words go to a file or a pipe each sentence is one line, with no blanks at its end."""
    assert cli.main(["solve", TINY]) == 0
    words = capsys.readouterr().err
    assert words == f"\nTiny\n{al.explain(al.solve(tiny))}\n\n"


def test_words_come_before_tables():
    """Words and tables sent to one file stand in order: the words, then the tables with a blank line between them."""
    command = [sys.executable, "-m", "allocate.cli", "solve", TINY]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True, timeout=120)
    text = done.stdout.decode("utf-8").replace("\r\n", "\n")
    parts = ["\nTiny\n", "Made-up figures", "\n\nBy place", "\n\nBy partner\n", "\n\nBy programme\n"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize("module", ["allocate", "allocate.cli"])
def test_as_a_module(module):
    """`python -m allocate` is the command line, and says the same."""
    done = subprocess.run([sys.executable, "-m", module, "check", TINY], capture_output=True, check=True, timeout=120)
    assert done.stdout.decode("utf-8").startswith("Tiny: sound.")


def test_what_is_slow_is_not_loaded():
    """Describing the verbs loads no screen and no explorer."""
    slow = "print([name for name in ('rich', 'streamlit', 'benchmarks') if name in sys.modules])"
    code = f"import sys; from allocate import cli; cli.parser(); {slow}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


def test_version(capsys):
    """--version names the package and its version."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"allocate {version('allocate')}\n"


# --- changes --------------------------------------------------------------------------------------------------------


def spend_of(table: pd.DataFrame, place: str, programme: str) -> float:
    return float(table.set_index(["place", "programme"])["spend"][place, programme])


@pytest.mark.parametrize("text", ["800000", "800e3", "800_000", "8.0e5", " 800000 "])
def test_set_a_number(text, capsys):
    """A figure may be written in any of the ways a program writes numbers."""
    table = solved(capsys, "--set", f"envelopes.core.amount={text}")
    assert table.loc[table["envelope"] == "core", "spend"].sum() == 800_000


def test_set_booleans_and_blanks(capsys):
    """false takes a rule out of force, true puts it back, and a blank takes a rule or a figure out."""
    assert spend_of(solved(capsys, "--set", "rules.prevention-north.in_force=false"), "north", "prevention") == 50_000
    assert spend_of(solved(capsys, "--set", "rules.prevention-north.in_force=true"), "north", "prevention") == 60_000
    assert spend_of(solved(capsys, "--set", "rules.prevention-north="), "north", "prevention") == 50_000


def test_set_wildcards_and_several(capsys):
    """A star changes every row it fits, and several changes add up."""
    table = solved(capsys, "--set", "lines.*.north.*.*.*.high=300000", "--set", "rules.prevention-north.amount=70000")
    assert table.set_index(["place", "programme"])["high"].to_dict() == {
        ("north", "prevention"): 100_000, ("south", "prevention"): 100_000, ("north", "care"): 300_000,
        ("south", "care"): 900_000,
    }  # fmt: skip
    assert (spend_of(table, "north", "care"), spend_of(table, "north", "prevention")) == (300_000, 70_000)


@pytest.mark.parametrize("again", ["envelopes.core=2e5", "envelopes.core.amount=800000", " envelopes.core =1"])
def test_set_twice(again, capsys):
    """A path that is told twice, in whatever spelling, is refused."""
    words = refused(capsys, "solve", TINY, "--set", "envelopes.core=800000", "--set", again)
    assert "is told twice: leave one" in words


def test_set_a_rule(capsys):
    """A whole rule, or its list of places, can be told in a line."""
    assert spend_of(solved(capsys, "--set", f"rules.new={SHARE}"), "south", "care") <= 490_000
    table = solved(capsys, "--set", 'rules.prevention-north.where.places=["south"]')
    assert spend_of(table, "south", "prevention") == 60_000


@pytest.mark.parametrize(("told", "words"), [
    ("envelopes.core", "is not PATH=VALUE"),
    ("envelopes.cor=5", "core"),
    ("envelope.core=5", "did you mean envelopes?"),
    ("envelopes.core=lots", "is not a number"),
    ("envelopes.core=nan", "'nan' is not a number"),
    ("envelopes.core=1e999", "must be a finite number"),
    ("envelopes.core=2026-01-01", "'2026-01-01' is not a number"),
    ("envelopes.core=-5", "envelopes.core"),
    ("envelopes.core=900", "given in thousands? write 900000"),
    ("rules.prevention-nort.amount=5", "did you mean prevention-north?"),
    ("rules.prevention-north.amont=5", "did you mean amount?"),
    ("rules.prevention-north.amount=true", "is not a number"),
    ("=5", "is not a table"),
])  # fmt: skip
def test_set_that_cannot_be_meant(told, words, capsys):
    """A change that cannot be meant exits 2, says which and suggests what was likely meant."""
    assert words in refused(capsys, "solve", TINY, "--set", told)


CHANGES = {
    "quoted paths": '"envelopes.core" = 800e3\n"rules.prevention-north.in_force" = false\n',
    "nested tables": "[envelopes]\ncore = 800000\n[rules.prevention-north]\nin_force = false\n",
    "a byte order mark": '\ufeff"envelopes.core" = 800e3\n"rules.prevention-north" = ""\n',
}


@pytest.mark.parametrize("text", CHANGES.values(), ids=CHANGES)
def test_changes_file(text, tmp_path, capsys):
    """A file of changes may be written in paths or in tables."""
    (tmp_path / "changes.toml").write_text(text, encoding="utf-8")
    table = solved(capsys, "--changes", str(tmp_path / "changes.toml"))
    assert table["spend"].sum() == 900_000
    assert spend_of(table, "north", "prevention") == 50_000


def test_set_goes_over_a_changes_file(tmp_path, capsys):
    """Where both speak of one path, --set has the last word."""
    (tmp_path / "changes.toml").write_text('"rules.prevention-north.amount" = 70e3\n')
    table = solved(capsys, "--changes", str(tmp_path / "changes.toml"), "--set", "rules.prevention-north.amount=80e3")
    assert spend_of(table, "north", "prevention") == 80_000


@pytest.mark.parametrize(
    "text", [b"envelopes.core: 5", b'"envelopes.core" = \xff', None], ids=["yaml", "latin", "missing"]
)
def test_changes_that_cannot_be_read(text, tmp_path, capsys):
    """A file of changes that is missing, not TOML or not UTF-8 is refused by name."""
    if text is not None:
        (tmp_path / "mine.toml").write_bytes(text)
    assert "mine.toml" in refused(capsys, "solve", TINY, "--changes", str(tmp_path / "mine.toml"))


# --- ends -----------------------------------------------------------------------------------------------------------


def test_no_plan_says_what_to_ease(capsys, tmp_path):
    """Rules that clash exit 3, name each rule to ease and by how much, and write nothing."""
    cap = '{kind = "cap", owner = "board", where = {programmes = ["prevention"], places = ["north"]}, amount = 45000}'
    words = refused(capsys, "solve", TINY, "--set", f"rules.small={cap}", "--out", str(tmp_path / "out"), code=3)
    assert "£15,000" in words
    assert any(sentence in words for sentence in (
        "rules.prevention-north: lower its minimum by £15,000. "
        "Spending on Prevention in North must be at least £60,000",
        "rules.small: raise its maximum by £15,000. Spending on Prevention in North must be at most £45,000",
    ))  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_easing_as_told_makes_a_plan(capsys):
    """Doing what the message asks for is enough, and a pound less is not."""
    cap = "rules.small={{kind='cap', owner='board', where={{programmes=['prevention'], places=['north']}}, amount={}}}"
    words = refused(capsys, "solve", TINY, "--set", cap.format(45_000), code=3)
    for extra, code in ((0, 0), (1, 3)):
        eased = [cap.format(60_000 - extra)] if "raise its maximum by" in words else [
            cap.format(45_000), f"rules.prevention-north.amount={45_000 + extra}"]  # fmt: skip
        assert (
            cli.main(["solve", TINY, "--format", "csv", *(part for text in eased for part in ("--set", text))]) == code
        )


def test_a_clash_is_told_as_changes_too(capsys):
    """What must give way is said as --set options, and so is each envelope that would do instead: typed, they do."""
    words = refused(capsys, "solve", TINY, "--set", "envelopes.core=700000", code=3)
    sets = {line.split(":")[0]: line.split(": ", 1)[1] for line in words.splitlines() if "--set" in line}
    assert list(sets) == ["As changes", "Or instead"]
    assert sets["Or instead"] == "--set envelopes.core=760000 (Core money is raised by £60,000, to £760,000)"
    solved(capsys, "--set", "envelopes.core=700000", *sets["As changes"].split())
    solved(capsys, *sets["Or instead"].split()[:2])


def test_a_factor(capsys):
    """A change may be a factor of what was read."""
    table = solved(capsys, "--set", "lines.*.*.care.baseline=x1.02", "--set", "rules.prevention-north.amount=*0.5")
    assert table["baseline"].tolist() == [45_000, 45_000, 306_000, 510_000]
    assert spend_of(table, "north", "prevention") == 50_000
    words = refused(capsys, "solve", TINY, "--set", "envelopes.core=x-1")
    assert "not a factor" in words


@pytest.mark.parametrize("arguments", [
    [], ["plan"], ["solve"], ["solve", TINY, "--format", "xml"], ["solve", TINY, "--seconds", "-1"],
    ["solve", TINY, "--seconds", "nan"], ["solve", TINY, "--tolerance", "0"], ["solve", TINY, "--tolerance", "tight"],
])  # fmt: skip
def test_a_command_that_is_wrong(arguments, capsys):
    """A command that makes no sense exits 2 with its usage."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    out, words = capsys.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert "usage: allocate" in words


def test_an_uncertified_plan_is_our_fault(capsys, monkeypatch, tmp_path):
    """A plan whose certificate leaves a gap is shown and written as what it is, said so, and exits 1."""
    solve = plans.solve_scenario

    def gappy(*told):
        found = solve(*told)
        return replace(found, certificate=replace(found.certificate, gap=0.02))

    monkeypatch.setattr(plans, "solve_scenario", gappy)
    for form in ("csv", "json", "table"):
        assert cli.main(["solve", TINY, "--format", form, "--out", str(tmp_path / form)]) == 1
        out, words = capsys.readouterr()
        assert out
        assert "Not certified" in words
        assert "2.00%" in words
        assert "--tolerance" in words
        facts = pd.read_csv(tmp_path / form / "facts.csv").set_index("fact")["value"]
        assert facts["certified"] == "False"
    assert cli.main(["solve", TINY, "--format", "csv", "--tolerance", "0.05"]) == 0


def test_a_plan_that_breaks_a_rule_is_never_shown(capsys, monkeypatch, tmp_path):
    """Where the check finds a breach nothing is printed or written, and the exit is 1."""
    from allocate.engine import piece

    certify = piece.certify
    monkeypatch.setattr(piece, "certify", lambda *told: replace(certify(*told), breaches=("Care is overspent",)))
    optimum = piece.optimum

    def broken(*told):
        found = optimum(*told)
        return replace(found, certificate=replace(found.certificate, breaches=("Care is overspent",)))

    monkeypatch.setattr(piece, "optimum", broken)
    words = refused(capsys, "solve", TINY, "--out", str(tmp_path / "out"), code=1)
    assert "allocate could not answer" in words
    assert "Care is overspent" in words
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written(capsys, monkeypatch, tmp_path):
    """A full disk exits 1 in words, prints no table and leaves nothing."""

    def full(self, *told, **named):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_text", full)
    words = refused(capsys, "solve", TINY, "--out", str(tmp_path / "out"), code=1)
    assert "No space left on device" in words
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_ours_is_refused_before_solving(capsys, monkeypatch, tmp_path):
    """A folder that holds something else, or a file in the way, exits 2 without a plan being sought."""
    monkeypatch.setattr(al, "solve", None)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.doc").write_text("mine")
    words = refused(capsys, "solve", TINY, "--out", str(tmp_path / "mine"))
    assert "mine holds thesis.doc, which is no part of a plan: choose another folder" in words
    words = refused(capsys, "solve", TINY, "--out", str(tmp_path / "mine" / "thesis.doc"))
    assert "thesis.doc is a file: choose another folder" in words


def test_stopping_is_quiet(capsys, monkeypatch):
    """An interrupted solve exits 1 with a word, not a traceback."""

    def interrupted(*told, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(al, "solve", interrupted)
    assert refused(capsys, "solve", TINY, code=1) == "stopped\n"


def test_out(capsys, tmp_path):
    """--out writes the plan, says where on stderr, and the screen shows the same as ever."""
    shown = solved(capsys)
    assert cli.main(["solve", TINY, "--format", "csv", "--out", str(tmp_path / "out")]) == 0
    out, words = capsys.readouterr()
    assert words == f"Written to {tmp_path / 'out'}\n"
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(out)), shown)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "spend.csv"), shown)


# --- as a process ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "code"), [
    (["check", TINY], 0),
    (["solve", TINY], 0),
    (["check", TINY + "-not"], 2),
    (["solve", TINY, "--seconds", "x"], 2),
    (["solve", TINY, "--set", 'rules.x={kind="cap", owner="board", amount=100}'], 3),
])  # fmt: skip
def test_exit_codes_of_the_process(arguments, code):
    """The process ends with the code, without a traceback, tables on stdout only where there is an answer."""
    done = run(*arguments)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert bool(done.stdout) == (code == 0)


@pytest.mark.parametrize("form", ["csv", "json", "table"])
@pytest.mark.skipif(sys.platform == "win32", reason="pipes close differently on Windows")
def test_a_reader_that_stops_early(form, tmp_path):
    """`| head -1` gets its line; the plan is still written, and nothing complains."""
    command = [sys.executable, "-m", "allocate.cli", "solve", str(SCENARIOS / "greater-manchester")]
    with subprocess.Popen(
        [*command, "--format", form, "--out", str(tmp_path / "out")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.read(1)
        process.stdout.close()
        words = process.stderr.read()
        assert process.wait(timeout=120) == 0, words
    assert b"Traceback" not in words
    assert b"Broken" not in words
    assert b"Exception" not in words
    assert (tmp_path / "out" / "plan.json").exists()


def test_output_is_utf8_everywhere():
    """What is piped is UTF-8 whatever the terminal's encoding, so that pounds and minuses survive."""
    for form in ("table", "json"):
        done = run("solve", TINY, "--format", form, env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
        assert done.returncode == 0, done.stderr
        assert "£60,000" in (done.stdout + done.stderr).decode("utf-8")


def test_progress_is_silent_where_nobody_watches(capsys):
    """No spinner reaches a file or a pipe."""
    with screen.progress("Solving [bold]all[/]"):
        pass
    assert capsys.readouterr() == ("", "")
