"""What leaves the explorer and comes back: the link, the command, the files, and scenarios that are brought."""

from __future__ import annotations

import io
import tempfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from hypothesis import given

import allocate as al
from allocate import cli
from allocate.ui import sharing
from allocate.ui.address import Draft
from allocate.ui.store import Store
from tests.conftest import SCENARIOS
from tests.ui.apping import bodies, draft, explorer, keep, press, said, settle, unfold, verdict, visit, words
from tests.ui.test_address import drafts, plainly


@given(drafts())
def test_the_file_of_changes_says_the_same_changes(draft):
    """Whatever was changed and why, `--changes` reads the same from the file, in the same order."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "changes.toml"
        file.write_text(sharing.changes_file(draft, "A scenario"), encoding="utf-8")
        read = cli.read_changes(str(file))
    said = {path: "" if value is None else value for path, value in draft.changes.items()}
    assert plainly(read) == plainly(said), "a blank is a figure taken out"
    assert list(read) == list(draft.changes)


@pytest.mark.parametrize("name", ["Two\nlines", "Hash # and \u2028 more", "A\rb = 1", "\x00"])
def test_no_name_breaks_the_file_of_changes(name):
    """A scenario's name and a reason are comments of the file, whatever is in them."""
    one = Draft("tiny").changed("envelopes.core.amount", 9e5).because("envelopes.core.amount", name)
    assert tomllib.loads(sharing.changes_file(one, name)) == {"envelopes.core.amount": 900_000}


def test_the_tables_hold_the_changes(tiny):
    """The zip of tables is what `--out` writes, and the file of changes with its reasons."""
    changed = Draft("tiny").changed("envelopes.core.amount", 9.2e5).because("envelopes.core.amount", "Growth")
    plan = al.solve(tiny.change(changed.changes))
    with zipfile.ZipFile(io.BytesIO(sharing.tables_zip(plan, changed, "Tiny"))) as made:
        assert made.testzip() is None
        assert {"plan.json", "spend.csv", "changes.toml"} <= set(made.namelist())
        assert b"# Growth" in made.read("changes.toml")


@pytest.mark.usefixtures("explorer")
def test_the_foot_shows_a_link_and_a_command():
    """The foot of a page gives the address of the view and the command that gives the same plan."""
    app = unfold(visit(**{"scenario": "tiny", "envelopes.core.amount": 920_000}))
    shared, command = (each.value for each in app.code)
    assert "scenario=tiny" in shared
    assert "envelopes.core.amount=920000" in shared
    assert command == "allocate solve scenarios/tiny --set envelopes.core.amount=920000"


def zipped(folder: Path) -> bytes:
    """A folder as a zip."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return whole.getvalue()


def bring(app, name: str, data: bytes):
    """Upload a zip."""
    app.file_uploader(key="uploaded").set_value((name, data, "application/zip"))
    return settle(app)


@pytest.mark.usefixtures("explorer")
def test_a_broken_zip_is_refused_in_words(folder):
    """Every problem of a scenario that is brought is told, with its file and row, and nothing is opened."""
    (folder / "places.csv").write_text("id,name\nnorth,North\n", encoding="utf-8")
    app = bring(unfold(visit(scenario="coventry-warwickshire")), "tiny.zip", zipped(folder))
    assert "Nothing was opened." in said(app)
    assert "places.csv" in said(app)
    assert draft(app).scenario == "coventry-warwickshire"
    app = bring(unfold(visit(scenario="tiny")), "no.zip", b"this is no zip")
    assert "is not a zip file, or it is damaged" in said(app)


@pytest.mark.usefixtures("explorer")
def test_a_sound_zip_is_opened_and_kept(folder):
    """A sound scenario that is brought can be opened, changed, kept, and found again by its link."""
    heading = (folder / "scenario.toml").read_text(encoding="utf-8").replace('"tiny"', '"mine"').replace("Tiny", "Mine")
    (folder / "scenario.toml").write_text(heading, encoding="utf-8")
    app = bring(unfold(visit(scenario="tiny")), "mine.zip", zipped(folder))
    assert "Mine is sound." in said(app)
    press(app, "Open it")
    assert verdict(app).startswith("Every rule is met.")
    assert draft(app).scenario == "mine"
    again = visit(scenario="mine", base=draft(app).base)
    assert verdict(again) == verdict(app)


@pytest.mark.usefixtures("explorer")
def test_a_link_without_a_base_opens_what_was_brought(folder):
    """The link of an unchanged scenario that was brought opens it where it is the only one of its name."""
    heading = (folder / "scenario.toml").read_text(encoding="utf-8").replace('"tiny"', '"mine"').replace("Tiny", "Mine")
    (folder / "scenario.toml").write_text(heading, encoding="utf-8")
    app = press(bring(unfold(visit(scenario="tiny")), "mine.zip", zipped(folder)), "Open it")
    assert words(bodies(visit(**dict(app.query_params.items())))[0]).startswith("Mine")


def test_a_store_that_cannot_be_opened_is_said(explorer, monkeypatch, tmp_path):
    """Where nothing can be kept the page says so, and everything else works."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("ALLOCATE_HOME", str(tmp_path / "file"))
    app = visit(scenario="tiny")
    assert "Plans cannot be kept here" in said(app)
    assert verdict(app).startswith("Every rule is met.")
    assert "Kept plans (0)" in said(visit("compare", scenario="tiny"))


def test_what_is_kept_is_what_was_on_the_page(explorer, tmp_path):
    """A kept plan holds the changes, the reasons, the version of the scenario and the figures of the page."""
    app = visit(**{"scenario": "tiny", "envelopes.core.amount": 920_000, "why.envelopes.core.amount": "Growth"})
    keep(app, "Mine")
    [kept] = Store(tmp_path / "home").all()
    scenario = al.read(SCENARIOS / "tiny")
    assert (kept.name, kept.author, kept.scenario, kept.base) == ("Mine", "A. Director", "tiny", scenario.digest)
    assert (kept.changes, kept.reasons) == ({"envelopes.core.amount": 920_000}, {"envelopes.core.amount": "Growth"})
    assert kept.digest == scenario.change(kept.changes).digest
    assert kept.headline["spend"] == pytest.approx(1_020_000)


__all__ = ["explorer"]
