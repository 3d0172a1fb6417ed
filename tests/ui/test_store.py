"""The store: what is kept comes back, what cannot be is said in words, and threads and restarts lose nothing."""

from __future__ import annotations

import re
import sqlite3
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allocate.errors import AllocateError
from allocate.ui import store as stores
from allocate.ui.store import FILE, Kept, NameTaken, NotKept, Refused, Store, StoreError, default_folder

HOSTILE = [
    "Robert'); DROP TABLE kept;--",
    '" OR ""="',
    "100% of _ and ?1 :name @a $b",
    "👩🏽‍⚕️ wards & café \U0001f3f3️‍🌈",
    "'';\\",
    "القلب 心 ß",
    "<b onclick=alert(1)>bold</b>",
]


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store."""
    return Store(tmp_path / "home")


def keep(store: Store, name: str = "Steady care", **others) -> Kept:
    """A plan kept with what a test does not care about filled in."""
    told = {"author": "Ann", "scenario": "tiny", "base": "b" * 64, "digest": "d" * 64, "changes": {}}
    return store.keep(name=name, **told | others)


def raw(store: Store) -> sqlite3.Connection:
    """The store's file, to look into and to spoil."""
    return sqlite3.connect(store.file)


def test_everything_comes_back(store):
    """A kept plan is read back in full after a restart, its changes in their order."""
    changes = {"rules.z.up": 0.1, "envelopes.core.amount": 950_000, "rules.a": None, "rules.b": {"kind": "cap"}}
    first = keep(store, "First")
    kept = keep(
        store,
        " Counter  offer ",
        author=" Bo ",
        note=" two\r\nlines ",
        changes=changes,
        reasons={"rules.z.up": "they said so"},
        answers=first.id,
        headline={"value": 1.25, "total": 10**13},
    )
    again = Store(store.file.parent).get(kept.id)
    assert again == kept
    assert hash(again) == hash(kept)
    assert list(again.changes.items()) == list(changes.items())
    assert (again.name, again.author, again.note) == ("Counter offer", "Bo", "two\nlines")
    assert (again.answers, again.reasons, again.headline) == (
        first.id,
        {"rules.z.up": "they said so"},
        {"value": 1.25, "total": 10**13},
    )
    assert (again.scenario, again.base, again.digest) == ("tiny", "b" * 64, "d" * 64)
    with pytest.raises(FrozenInstanceError):
        again.name = "other"


def test_ids_and_times(store):
    """Ids are eight small letters and digits; times are UTC to the second."""
    kept = keep(store)
    assert re.fullmatch("[a-z0-9]{8}", kept.id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", kept.kept_at)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(kept.kept_at)).total_seconds()) < 60


def test_newest_first_and_by_scenario(store):
    """Plans are listed newest first, also within one second, and can be asked for by scenario."""
    names = [keep(store, f"Plan {n}", scenario="tiny" if n % 2 else "other").name for n in range(6)]
    assert [each.name for each in store.all()] == names[::-1]
    assert [each.name for each in store.all("tiny")] == ["Plan 5", "Plan 3", "Plan 1"]
    assert store.all("' OR 1=1 --") == []


def test_numbers_of_numpy_are_kept_as_numbers(store):
    """Headlines may hold what numpy computes."""
    kept = keep(store, headline={"value": np.float64(1.5), "lines": np.int64(4)})
    assert kept.headline == {"value": 1.5, "lines": 4}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_is_refused(store, value):
    """What could not be read back is not written, and leaves nothing behind."""
    with pytest.raises((ValueError, TypeError)):
        keep(store, changes={"a": value})
    assert store.all() == []


def plain_text(most: int):
    """Texts of all sorts, of up to `most` characters, that are more than blanks."""
    return st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=most)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(plain_text(80), plain_text(80), plain_text(300), st.dictionaries(st.text(), JSON, max_size=4))
@settings(max_examples=40)
@example(HOSTILE[0], HOSTILE[1], HOSTILE[2], {HOSTILE[3]: HOSTILE[4]})
@example(HOSTILE[3], HOSTILE[5], HOSTILE[6], {"a\ud800": "\0"})
def test_any_text_comes_back(tmp_path, name, author, note, changes):
    """Whatever is accepted comes back as it was returned, and tidying it again changes nothing."""
    store = Store(tmp_path / "any")
    for old in store.all():
        store.remove(old.id)
    try:
        kept = keep(store, name, author=author, note=note, changes=changes, reasons={"p": note})
    except Refused as refused:
        assert all(refused.problems.values())
        return
    assert store.get(kept.id) == kept == store.all()[0]
    assert kept.changes == changes
    assert kept.reasons == {"p": note}
    assert kept.note == note.strip()
    assert store.rename(kept.id, kept.name) == kept


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(store, text):
    """SQL, mark-up, quotes and emoji are kept to the letter."""
    kept = keep(
        store, text, author=text, note=text, scenario=text, base=text, changes={text: text}, reasons={text: text}
    )
    assert (kept.name, kept.author, kept.note, kept.scenario, kept.base) == (text,) * 5
    assert kept.changes == kept.reasons == {text: text}
    assert store.all(text) == [kept]
    store.put_scenario(text, text, {"lines.csv": text.encode()})
    assert store.scenario_files(text) == {"lines.csv": text.encode()}
    assert store.versions(text) == [text]


def test_texts_are_tidied(store):
    """Control characters and marks that turn text around do not reach the screen."""
    kept = keep(store, "a\x00b\x1b\n\u202ec", author="x\u2066\ty", note="one\r\ntwo\rthree\x00\tfour")
    assert (kept.name, kept.author, kept.note) == ("a b c", "x y", "one\ntwo\nthree\tfour")


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("name", "", "Give the plan a name"),
        ("name", " \t\n", "Give the plan a name"),
        ("name", "\u200b\u200d", "Give the plan a name"),
        ("name", "x" * 81, "has 81 characters: 80 at most"),
        ("name", "half \ud83d", "damaged character"),
        ("author", "  ", "Say who"),
        ("author", "x" * 81, "80 at most"),
        ("note", "x" * 2001, "2,001 characters: 2,000 at most"),
        ("note", "\ud83d", "damaged character"),
        ("answers", "nothere1", "no longer kept"),
    ],
)
def test_what_is_typed_wrong_is_said(store, field, text, said):
    """Each field that will not do is told by its name, and nothing is kept."""
    with pytest.raises(Refused, match=said) as refused:
        keep(store, **{"name": "Fine"} | {field: text})
    assert list(refused.value.problems) == [field]
    assert store.all() == []


def test_every_problem_at_once(store):
    """All fields that will not do are told together."""
    with pytest.raises(Refused) as refused:
        keep(store, "", author="", note="x" * 3000, answers="nothere1")
    assert list(refused.value.problems) == ["name", "author", "note", "answers"]


def test_lengths_at_the_limit(store):
    """Texts of just the length allowed are kept; blanks around them do not count."""
    kept = keep(store, f" {'n' * 80} ", author="a" * 80, note="é" * 2000 + "\n")
    assert (len(kept.name), len(kept.author), len(kept.note)) == (80, 80, 2000)


@pytest.mark.parametrize(
    "name",
    ["final", "FINAL", "Plan Final", "plan_final", "Plan (final)", "final!", "plan-FINAL…", "ｆｉｎａｌ", "x “final”"],
)
def test_nothing_is_final(store, name):
    """A name that says final is refused kindly, when kept and when renamed."""
    with pytest.raises(Refused, match="say what sets this one apart"):
        keep(store, name)
    kept = keep(store, "Fine")
    with pytest.raises(Refused):
        store.rename(kept.id, name)


@pytest.mark.parametrize("name", ["Finally", "Final salaries protected", "Finale", "Semifinal", "Plan 2"])
def test_other_names_stand(store, name):
    """Words that only hold the letters of final are names like any other."""
    assert keep(store, name).name == name


@pytest.mark.parametrize("again", ["Steady care", "steady CARE", "  Steady   care ", "Ｓteady care"])
def test_a_name_is_kept_once(store, again):
    """A name that people would take for the same is refused, with who has it and one that is free."""
    keep(store)
    with pytest.raises(NameTaken, match="Ann kept") as taken:
        keep(store, again, author="Bo")
    assert taken.value.suggestion.endswith(" 2")
    assert keep(store, taken.value.suggestion).name == taken.value.suggestion
    assert keep(store, scenario="other").name == "Steady care"


def test_suggestions_go_on_counting(store):
    """A free name counts on from the number there is, and is never too long."""
    for name in ("Plan 2", "Plan 3", "x" * 80):
        keep(store, name)
    with pytest.raises(NameTaken) as taken:
        keep(store, "plan 2")
    assert taken.value.suggestion == "plan 4"
    with pytest.raises(NameTaken) as taken:
        keep(store, "X" * 80)
    assert taken.value.suggestion == "X" * 78 + " 2"


def test_renaming(store):
    """A plan takes another name, or its own in another case; not one that is taken, and not where it is gone."""
    first, second = keep(store, "First"), keep(store, "Second")
    assert store.rename(first.id, " FIRST ").name == "FIRST"
    with pytest.raises(NameTaken):
        store.rename(second.id, "first")
    assert store.get(second.id) == second
    with pytest.raises(NotKept, match="removed"):
        store.rename("nothere1", "Third")


def test_removing(store):
    """What is removed is gone and its name free; what answered it stays, and answers nothing."""
    first = keep(store, "First")
    second = keep(store, "Second", answers=first.id)
    store.remove(first.id)
    assert [each.id for each in store.all()] == [second.id]
    assert store.get(second.id).answers == ""
    for use in (store.get, store.remove):
        with pytest.raises(NotKept, match=first.id):
            use(first.id)
    assert keep(store, "First").id != first.id


def test_scenarios_are_kept_once(store):
    """Files stay as they were first kept under a digest, and are found by its beginning."""
    files = {"scenario.toml": b"id = 'tiny'\n", "lines.csv": b"\x00\xff\r\n", "empty.csv": b""}
    store.put_scenario("tiny", "1a" * 32, files)
    store.put_scenario("tiny", "1a" * 32, {"lines.csv": b"other"})
    store.put_scenario("tiny", "1b" * 32, {"lines.csv": b"new"})
    assert Store(store.file.parent).scenario_files("1a" * 32) == files
    assert store.versions("tiny") == ["1b" * 32, "1a" * 32]
    assert store.versions("tiny", "1a1a") == ["1a" * 32]
    assert store.versions("tiny", "%") == store.versions("other") == []
    with pytest.raises(NotKept, match="ffffffffffff"):
        store.scenario_files("f" * 64)


def test_a_plan_is_kept_with_its_scenario(store):
    """The files given with a plan are kept under its base; where the plan is refused they are not."""
    with pytest.raises(Refused):
        keep(store, "final", files={"lines.csv": b"1"})
    assert store.versions("tiny") == []
    kept = keep(store, files={"lines.csv": b"1"})
    assert store.scenario_files(kept.base) == {"lines.csv": b"1"}


@pytest.mark.parametrize("files", [{}, {"../lines.csv": b""}, {"a/b": b""}, {"a\\b": b""}, {"": b""}, {"..": b""}])
def test_names_of_files_are_names_alone(store, files):
    """A file's name that could reach elsewhere is not kept."""
    with pytest.raises(ValueError, match="file"):
        store.put_scenario("tiny", "d" * 64, files)
    assert store.versions("tiny") == []


def test_many_threads_at_once(tmp_path):
    """Eight threads that keep 25 plans each, on two stores of one file, lose none."""
    both = [Store(tmp_path / "home"), Store(tmp_path / "home")]

    def work(thread: int) -> list[str]:
        return [keep(both[thread % 2], f"Plan {thread}-{n}", files={"a": b"1"}).id for n in range(25)]

    with ThreadPoolExecutor(8) as pool:
        ids = [id for found in pool.map(work, range(8)) for id in found]
    assert len(set(ids)) == 200
    assert {each.id for each in both[0].all()} == set(ids)


def test_first_use_by_many_at_once(tmp_path):
    """A new file that eight threads open together is made once."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: keep(Store(tmp_path / "home"), f"Plan {n}"), range(8)))
    assert len(Store(tmp_path / "home").all()) == len(made)


def test_one_name_for_many_at_once(store):
    """Of eight who keep the same name at the same time one does, and seven are told."""

    def attempt(_: int) -> str:
        try:
            return keep(store).id
        except NameTaken:
            return ""

    with ThreadPoolExecutor(8) as pool:
        assert len([id for id in pool.map(attempt, range(8)) if id]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_file_is_its_owners_alone(store):
    """Others on the machine cannot look into the folder or the file."""
    assert stat.S_IMODE(store.file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.file.stat().st_mode) == 0o600


def test_the_file_keeps_its_rules(store):
    """Tables are strict, references hold, readers go on beside a writer, and the version is written."""
    with raw(store) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(stores.MIGRATIONS),)
        strict = connection.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict").fetchall()
        assert {"kept", "scenario", "scenario_file"} <= {name for (name,) in strict}
        connection.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO scenario_file VALUES ('none', 'a', x'00')")
    connection.close()


def test_migrations_run_once_and_keep_what_is_there(store, monkeypatch):
    """A step added at the end is taken by an older file, whose plans stay; a file with a later step is refused."""
    kept = keep(store)
    later = (*stores.MIGRATIONS, ("CREATE TABLE more (a TEXT)", "INSERT INTO more VALUES ('x')"))
    with monkeypatch.context() as patch:
        patch.setattr(stores, "MIGRATIONS", later)
        for _ in range(2):
            assert Store(store.file.parent).get(kept.id) == kept
        with raw(store) as connection:
            assert connection.execute("SELECT count(*) FROM more").fetchone() == (1,)
        connection.close()
    with pytest.raises(StoreError, match="newer version of allocate"):
        store.all()


def test_a_migration_that_fails_leaves_the_file(store, monkeypatch):
    """A step is taken whole or not at all."""
    kept = keep(store)
    with monkeypatch.context() as patch:
        patch.setattr(stores, "MIGRATIONS", (*stores.MIGRATIONS, ("CREATE TABLE more (a TEXT)", "nonsense")))
        with pytest.raises(StoreError):
            store.all()
    assert store.all() == [kept]


@pytest.mark.parametrize("content", [b"not a database at all, but a note" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database(tmp_path, content):
    """What is no database is said in words with the file's name, and left as it is."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StoreError, match=rf"^{FILE}: .*move it to another place") as error:
        Store(tmp_path)
    assert isinstance(error.value, AllocateError)
    assert error.value.file == tmp_path / FILE
    assert str(tmp_path) not in str(error.value)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_damaged_file(store):
    """Pages that were overwritten are noticed when the store is opened."""
    for n in range(50):
        keep(store, f"Plan {n}", note="x" * 2000)
    with raw(store) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(store.file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8192] = b"\xa5" * 8192
    store.file.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        Store(store.file.parent)


def test_a_row_that_somebody_edited(store):
    """A plan whose changes are no longer JSON is said to be damaged, by its id."""
    kept = keep(store)
    with raw(store) as connection:
        connection.execute("UPDATE kept SET changes = '{'")
    connection.close()
    with pytest.raises(StoreError, match=kept.id):
        store.get(kept.id)


def test_a_folder_that_cannot_be(tmp_path):
    """A file where the folder should be, and a folder where the file should be, are said in words."""
    (tmp_path / "taken").write_text("")
    (tmp_path / "odd" / FILE).mkdir(parents=True)
    for folder in ("taken", "taken/below", "odd"):
        with pytest.raises(StoreError, match=f"^{FILE}: cannot be opened"):
            Store(tmp_path / folder)


def test_a_file_that_goes_away(store):
    """A file that was deleted is begun anew; a folder that was is an error in words."""
    keep(store)
    for path in store.file.parent.iterdir():
        path.unlink()
    assert store.all() == []
    for path in store.file.parent.iterdir():
        path.unlink()
    store.file.parent.rmdir()
    with pytest.raises(StoreError, match="is its folder still there"):
        store.all()


def test_others_who_do_not_finish(store, monkeypatch):
    """A file that stays locked is an error in words, not a wait without end."""
    monkeypatch.setattr(stores, "WAIT", 0.05)
    other = raw(store)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="try again"):
        keep(store)
    assert store.all() == []
    other.close()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("database or disk is full", "no room left"),
        ("attempt to write a readonly database", "cannot be written to"),
        ("database disk image is malformed", "damaged"),
        ("something else", "cannot be used: something else"),
    ],
)
def test_the_database_speaks_in_words(said, words):
    """What the database complains of is told as something to do."""
    assert words in stores._in_words(sqlite3.OperationalError(said))


def test_where_it_is_kept(monkeypatch, tmp_path):
    """ALLOCATE_HOME names the folder; without it the system's own place for such data is taken."""
    monkeypatch.setenv("ALLOCATE_HOME", str(tmp_path / "named"))
    assert Store().file == tmp_path / "named" / FILE
    monkeypatch.delenv("ALLOCATE_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for platform, folder in (("linux", "data"), ("win32", "local"), ("darwin", "Library/Application Support")):
        monkeypatch.setattr(sys, "platform", platform)
        assert default_folder() == tmp_path / folder / "allocate"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_folder() == tmp_path / ".local" / "share" / "allocate"


def test_no_home(monkeypatch):
    """A user without a home folder is told to name one."""

    def none() -> Path:
        raise RuntimeError("no home")

    for name in ("ALLOCATE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", none)
    with pytest.raises(StoreError, match="set ALLOCATE_HOME"):
        Store()


def test_fields_of_a_kept_plan():
    """The record has what the pages were promised."""
    names = "id name author note kept_at scenario base changes reasons answers headline digest"
    assert [each.name for each in fields(Kept)] == names.split()
