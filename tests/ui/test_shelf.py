"""The shelf: what folders, zips and the store offer, and what is said of what they cannot."""

from __future__ import annotations

import io
import os
import random
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allocate as al
from allocate.errors import AllocateError, ScenarioError
from allocate.ui import shelf as shelves
from allocate.ui.shelf import MOST_EACH, MOST_TOML, Book, Missing, Shelf, scenario_zip, unpack
from allocate.ui.store import NotKept, Store, StoreError
from tests.conftest import SCENARIOS

TINY = {path.name: path.read_bytes() for path in sorted((SCENARIOS / "tiny").iterdir())}


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store."""
    return Store(tmp_path / "home")


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """Where temporary folders are made, to see that none is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip as any program makes it: the names as they are given."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def inside(files: Mapping[str, bytes], folder: str = "t/") -> dict[str, bytes]:
    """The same files in a folder."""
    return {folder + name: content for name, content in files.items()}


def special(name: str, mode: int, content: bytes = b"/etc/passwd") -> bytes:
    """A zip of tiny with one more member of a special kind."""
    out = io.BytesIO(zipped(TINY))
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(info, content)
    return out.getvalue()


def refused(data: bytes, filename: str = "plan.zip", **others) -> list[str]:
    """What is said of a zip that is refused, a line a problem; never a path of this machine."""
    with pytest.raises(ScenarioError) as error:
        Shelf([], **others).add_upload(data, filename)
    assert error.value.name == shelves.plain_name(filename)
    assert tempfile.gettempdir() not in str(error.value)
    return [str(problem) for problem in error.value.problems]


def spoil(folder: Path, file: str, old: str, new: str) -> None:
    """Replace a text in a file, and see that it is noticed."""
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


# Folders


def test_what_ships_in_its_order():
    """The two real systems stand first, then the others by name."""
    assert Shelf([SCENARIOS]).names() == [
        ("coventry-warwickshire", "Coventry and Warwickshire"),
        ("greater-manchester", "Greater Manchester"),
        ("health-benefits-package", "Health benefits package"),
        ("participatory-budget", "Participatory budget"),
        ("tiny", "Tiny"),
    ]


def test_a_folder_given_itself_stands_first():
    """Scenarios that were named come before those that were found, in the order given, and once."""
    keys = [key for key, _ in Shelf([SCENARIOS, SCENARIOS / "tiny", SCENARIOS / "participatory-budget"]).names()]
    assert keys == [
        "tiny", "participatory-budget", "coventry-warwickshire", "greater-manchester", "health-benefits-package"
    ]  # fmt: skip


def test_nothing_to_offer(tmp_path):
    """Folders that are empty or missing offer nothing, and a scenario asked of them is missing."""
    empty = Shelf([tmp_path, tmp_path / "none"])
    assert empty.names() == []
    with pytest.raises(Missing, match="No scenario 'tiny' is here"):
        empty.get("tiny")


def test_a_book(tiny):
    """A book has the scenario and the files that it was read from."""
    book = Shelf([SCENARIOS]).get("tiny")
    assert (book.key, book.digest, book.name, book.origin) == ("tiny", tiny.digest, "Tiny", "folder")
    assert book.scenario == tiny
    assert book.files == TINY
    assert book == Book("tiny", tiny.digest, "Tiny", "folder", tiny, {})


def test_names_read_no_tables(monkeypatch):
    """Listing reads no scenario."""
    monkeypatch.setattr(shelves, "read", None)
    assert len(Shelf([SCENARIOS]).names()) == 5


def test_read_once_by_many(folder, monkeypatch):
    """Eight threads that ask at once cause one reading, and get the same book."""
    read, count = shelves.read, []
    monkeypatch.setattr(shelves, "read", lambda path: count.append(path) or read(path))
    shelf = Shelf([folder])
    with ThreadPoolExecutor(8) as pool:
        books = list(pool.map(lambda _: shelf.get("tiny"), range(16)))
    assert len(count) == 1
    assert all(book is books[0] for book in books)


def test_read_again_when_files_change(folder):
    """A change to any file is seen at the next asking, names included; a broken one too, and its repair."""
    shelf = Shelf([folder])
    before = shelf.get("tiny")
    spoil(folder, "scenario.toml", '"Tiny"', '"Small"')
    assert shelf.names() == [("tiny", "Small")]
    after = shelf.get("tiny")
    assert (after.name, after.digest != before.digest) == ("Small", True)
    assert after.files["scenario.toml"] == (folder / "scenario.toml").read_bytes()
    (folder / "line.csv").write_text("")
    with pytest.raises(ScenarioError, match="did you mean lines"):
        shelf.get("tiny")
    (folder / "line.csv").unlink()
    assert shelf.get("tiny").digest == after.digest
    os.utime(folder / "lines.csv", ns=(1, 1))
    assert shelf.get("tiny") == after


def test_a_broken_scenario_is_listed_and_says_why(folder, monkeypatch):
    """Words name the file and the row, not the machine's folders; nothing is read again until a file changes."""
    spoil(folder, "lines.csv", "300000", "£300k")
    shelf = Shelf([folder.parent])
    assert shelf.names() == [("tiny", "Tiny")]
    for _ in range(2):
        with pytest.raises(ScenarioError) as error:
            shelf.get("tiny")
        problem = error.value.problems[0]
        assert (problem.where, problem.row, problem.field) == ("lines.csv", 2, "baseline")
        assert str(folder.parent) not in str(error.value)
        monkeypatch.setattr(shelves, "read", None)


@pytest.mark.parametrize(
    "content", [b"id = [", b"\xff", b"id = 3\nname = ' '", b"x = " + b"[" * 9999, b"x = " + b"9" * 5000]
)
def test_a_broken_heading_is_listed_by_its_folder(folder, content):
    """A scenario.toml that cannot be read gives the folder's name, and words when asked for."""
    (folder / "scenario.toml").write_bytes(content)
    shelf = Shelf([folder.parent])
    assert shelf.names() == [("tiny", "tiny")]
    with pytest.raises(ScenarioError):
        shelf.get("tiny")


def test_two_with_one_id(folder):
    """Of two folders with the same id the second is listed as a problem; one that was named hides the others."""
    copy = Path(shutil.copytree(folder, folder.parent / "tiny-again"))
    shelf = Shelf([folder.parent])
    assert [key for key, _ in shelf.names()] == ["tiny", "tiny-again"]
    assert shelf.get("tiny").origin == "folder"
    with pytest.raises(ScenarioError, match="also the id of the scenario in tiny"):
        shelf.get("tiny-again")
    spoil(copy, "scenario.toml", '"Tiny"', '"Mine"')
    assert Shelf([folder.parent, copy]).names() == [("tiny", "Mine")]


# Versions


@pytest.mark.parametrize("length", [12, 40, 64])
def test_a_digest_that_fits(tiny, length):
    """A link with the beginning of the folder's digest opens the folder's."""
    assert Shelf([SCENARIOS]).get("tiny", tiny.digest[:length]).origin == "folder"


def test_another_version_is_said(folder, tiny):
    """A link to a version that is nowhere says which it wants and which is here."""
    shelf = Shelf([folder])
    spoil(folder, "scenario.toml", '"Tiny"', '"Small"')
    here = shelf.get("tiny").digest[:4]
    said = rf"This link was made from another version of Small \({tiny.digest[:4]}…\); here it is {here}…"
    with pytest.raises(Missing, match=said) as missing:
        shelf.get("tiny", tiny.digest[:12])
    assert isinstance(missing.value, AllocateError)


def test_another_version_in_the_store(folder, tiny, store):
    """A version that was kept opens after the folder has changed, is broken or is gone, and after a restart."""
    before = Shelf([folder], store).get("tiny")
    store.put_scenario(before.key, before.digest, before.files)
    spoil(folder, "scenario.toml", '"Tiny"', '"Small"')
    again = Shelf([folder], Store(store.file.parent))
    found = again.get("tiny", tiny.digest[:12])
    assert (found.origin, found.digest, found.name, found.files) == ("kept", tiny.digest, "Tiny", before.files)
    assert again.get("tiny", tiny.digest) is found
    assert again.get("tiny").name == "Small"
    (folder / "lines.csv").unlink()
    assert again.get("tiny", tiny.digest[:12]) is found
    with pytest.raises(ScenarioError):
        again.get("tiny", "0" * 12)
    assert Shelf([], store).get("tiny", tiny.digest[:12]).scenario == tiny


@pytest.mark.parametrize("digest", ["1a2b", "x" * 12, "A" * 12, "1" * 65, "%" * 12, "' OR 1=1 --abc"])
def test_a_digest_that_is_none(digest):
    """What is no beginning of a digest is said to be a link that is not whole."""
    with pytest.raises(Missing, match="not whole"):
        Shelf([SCENARIOS]).get("tiny", digest)


@pytest.mark.parametrize(
    ("key", "digest", "said"),
    [
        ("tinny", "", "did you mean tiny"),
        ("atlantis", "", "known: .*tiny"),
        ("atlantis", "1a2b" * 3, r"in the version 1a2b… is here: ask whoever sent"),
        ("x" * 9999, "", "No scenario 'x{60}' is here"),
    ],
)
def test_no_such_scenario(key, digest, said):
    """An id that nothing has is answered with what may have been meant."""
    with pytest.raises(Missing, match=said):
        Shelf([SCENARIOS]).get(key, digest)


def test_several_versions_and_no_folder(store):
    """Without a folder the only version is opened; of several the link must say which."""
    shelf = Shelf([], store)
    first = shelf.add_upload(zipped(TINY), "a.zip")
    assert shelf.get("tiny") is first
    spoilt = TINY | {"scenario.toml": TINY["scenario.toml"].replace(b'"Tiny"', b'"Small"')}
    second = shelf.add_upload(zipped(spoilt), "b.zip")
    for each in (shelf, Shelf([], store)):
        with pytest.raises(Missing, match=f"2 versions of tiny: say which .*{first.digest[:12]}"):
            each.get("tiny")
        assert each.get("tiny", second.digest[:12]).name == "Small"


def test_a_kept_version_that_reads_otherwise(store):
    """Files in the store that do not give the digest they stand under are not passed off as it."""
    store.put_scenario("tiny", "0" * 64, TINY)
    with pytest.raises(Missing, match=r"kept version of Tiny \(0000…\) reads as another one"):
        Shelf([], store).get("tiny", "0" * 12)
    store.put_scenario("tiny", "1" * 64, {"lines.csv": b""})
    with pytest.raises(ScenarioError, match=r"scenario.toml: is missing"):
        Shelf([], store).get("tiny", "1" * 12)


def test_a_kept_version_that_goes_meanwhile(store, monkeypatch):
    """A version that is removed between looking and reading is missing."""

    def gone(digest: str) -> dict[str, bytes]:
        raise NotKept

    store.put_scenario("tiny", "0" * 64, TINY)
    monkeypatch.setattr(store, "scenario_files", gone)
    with pytest.raises(Missing, match="no longer kept"):
        Shelf([], store).get("tiny", "0" * 12)


# Zips that are taken


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files,
        lambda files: inside(files, "My plan/"),
        lambda files: inside(files, "tiny\\"),
        lambda files: inside(files, "./"),
        lambda files: {"t/": b""} | inside(files),
        lambda files: inside(files) | {"__MACOSX/t/._lines.csv": b"PK\x03\x04", "t/.DS_Store": b""},
        lambda files: inside(files) | {".DS_Store": b"\0", "t/.git/HEAD": b"", "t/~$x.csv": b""},
        lambda files: {name: content for name, content in files.items() if name != "README.md"},
    ],
)  # fmt: skip
def test_zips_as_programs_make_them(change, tiny, store, temporary):
    """With a folder or without, with what systems leave beside: the scenario is read, kept, and no folder is left."""
    shelf = Shelf([], store)
    book = shelf.add_upload(zipped(change(TINY)), "tiny.zip")
    assert (book.key, book.origin, book.scenario) == ("tiny", "uploaded", tiny)
    assert set(book.files) | {"README.md"} == set(TINY)
    assert shelf.get("tiny", tiny.digest[:12]) is book
    assert store.scenario_files(book.digest) == book.files
    again = Shelf([SCENARIOS], Store(store.file.parent)).get("tiny", tiny.digest[:12])
    assert again.scenario == tiny
    assert list(temporary.iterdir()) == []


def test_an_upload_beside_a_folder(folder, tiny):
    """An upload does not hide the folder's scenario: it is opened by its digest, also without a store."""
    shelf = Shelf([folder])
    spoil(folder, "scenario.toml", '"Tiny"', '"Small"')
    book = shelf.add_upload(zipped(TINY), "tiny.zip")
    assert shelf.get("tiny").name == "Small"
    assert shelf.get("tiny", tiny.digest[:12]) is book
    assert shelf.names() == [("tiny", "Small")]


def test_an_upload_without_its_store(tmp_path, tiny, store, monkeypatch):
    """Where the store fails the upload is open all the same; asked for something else, the failure is said."""
    shelf = Shelf([], store)
    shutil.rmtree(store.file.parent)
    book = shelf.add_upload(zipped(TINY), "tiny.zip")
    assert shelf.get("tiny", tiny.digest[:12]) is book
    with pytest.raises(StoreError):
        shelf.get("tiny", "0" * 12)


def test_only_so_many_are_remembered(monkeypatch, tiny):
    """Uploads without a store do not fill the memory: the oldest is forgotten."""
    monkeypatch.setattr(shelves, "REMEMBERED", 2)
    shelf = Shelf([])
    for name in (b"Tiny", b"A", b"B"):
        files = TINY | {"scenario.toml": TINY["scenario.toml"].replace(b'"Tiny"', b'"%s"' % name)}
        shelf.add_upload(zipped(files), "x.zip")
    with pytest.raises(Missing):
        shelf.get("tiny", tiny.digest[:12])


# Zips that are refused


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not a zip file"),
        (b"partner,place\n", "is not a zip file"),
        (b"PK\x03\x04" + b"\0" * 100, "is not a zip file"),
        (zipped(TINY)[:-30], "is not a zip file"),
        (zipped({}), "holds no files"),
        (zipped({"a/": b"", ".DS_Store": b""}), "holds no files"),
        (zipped({f"{n}.csv": b"" for n in range(41)}), "holds 41 files: 40 at most"),
        (zipped({f"a/{n}/": b"" for n in range(2000)}), "is too large: 40 files"),
        (zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "save each sheet as 'CSV UTF-8'"),
        (b"\0" * (20_000_001), "is too large: 40 files and 20 MB"),
    ],
)
def test_what_is_no_zip_of_a_scenario(data, said, temporary):
    """The whole zip is refused in one sentence that names it, and nothing is written."""
    problems = refused(data)
    assert len(problems) == 1
    assert problems[0].startswith("plan.zip: ")
    assert said in problems[0]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped(TINY | {"../evil.csv": b""}), "../evil.csv: reaches out"),
        (zipped(TINY | {"a/../../evil.csv": b""}), "a/../../evil.csv: reaches out"),
        (zipped(TINY | {"..\\evil.csv": b""}), "../evil.csv: reaches out"),
        (zipped(TINY | {"/etc/cron.d/evil": b""}), "reaches out"),
        (zipped(TINY | {"C:\\evil.csv": b""}), "reaches out"),
        (zipped(TINY | {"../../.ssh/authorized_keys": b""}), "reaches out"),
        (special("lines2.csv", stat.S_IFLNK | 0o777), "lines2.csv: is a link to another file"),
        (special("pipe.csv", stat.S_IFIFO | 0o666), "pipe.csv: is not a file"),
        (zipped(TINY | {"old.zip": zipped(TINY)}), "old.zip: is itself an archive"),
        (zipped(TINY | {"old.csv": zipped({})}), "old.csv: is itself an archive"),
        (zipped(TINY | {"old/lines.csv": b""}), "old/lines.csv: lies in a folder of its own"),
        (zipped(TINY | {"LINES.csv": b""}), "LINES.csv: is there twice"),
        (zipped(TINY | {"notes.docx": b"words"}), "notes.docx: is not a file of a scenario (move it out"),
        (zipped(TINY | {"line.csv": b"x"}), "line.csv: is not a file of a scenario (did you mean lines?)"),
        (zipped(TINY | {"a\x1b[2Jb.csv": b"x"}), "a?[2Jb.csv: has a name"),
        (zipped(TINY | {"a:b.csv": b"x"}), "reaches out"),
        (zipped(TINY | {"aux:b.csv": b"x"}), "has a name"),
        (zipped(TINY | {"é" * 190: b"x"}), "has a name"),
        (zipped(TINY | {"big.csv": b"0" * (MOST_EACH + 1)}), "big.csv: is larger than 5 MB"),
        (zipped(TINY | {"lines.csv": b"0" * (MOST_EACH + 1)}), "lines.csv: is larger than 5 MB"),
        (zipped(TINY | {"rules.toml": b"#" * (MOST_TOML + 1)}), "rules.toml: is larger than 0.25 MB"),
        (zipped(TINY | {"rules.toml": b"a" + b".a" * 9999 + b"=1"}), "more than 100 full stops"),
        (zipped(TINY | {"rules.toml": b"x = " + b"[" * 99999}), "nested too deep"),
        (zipped(TINY | {"rules.toml": b"[x]\nup = " + b"9" * 5000}), "cannot be read"),
        (zipped(TINY | {"places.csv": b"id\n" + b"x\n" * 2001}), "places.csv: has 2,001 rows: 2,000 at most"),
        (zipped(TINY | {"lines.csv": b"id\r" + b'\t"x"\r' * 5001}), "lines.csv: has 5,001 rows: 5,000 at most"),
        (zipped(TINY, zipfile.ZIP_LZMA), "is packed in an unusual way"),
    ],
)  # fmt: skip
def test_attacks_and_accidents(data, said, temporary, store):
    """A member that will not do is refused by its name; nothing is left behind, written elsewhere or kept."""
    assert any(said in problem for problem in refused(data, store=store))
    assert list(temporary.iterdir()) == []
    assert store.versions("tiny") == []


def patched(data: bytes, local: int, central: int, new: bytes) -> bytes:
    """A zip with every header changed at an offset of the local and of the central kind."""
    out = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        at = out.find(signature)
        while at >= 0:
            out[at + offset : at + offset + len(new)] = new
            at = out.find(signature, at + 4)
    return bytes(out)


def test_a_locked_zip():
    """Every file of a zip with a password is told."""
    problems = refused(patched(zipped(TINY), 6, 8, b"\x01\x00"))
    assert len(problems) == len(TINY)
    assert all("locked with a password" in problem for problem in problems)


def test_a_header_that_lies_about_size():
    """A bomb that says it is small is not unpacked, and is refused."""
    data = zipped({"lines.csv": b"0" * 200_000_000})
    problems = refused(patched(data, 22, 24, (1000).to_bytes(4, "little")))
    assert problems == ["lines.csv: is damaged"]


def test_too_much_together():
    """Files that are each small enough, and together not, are refused."""
    data = zipped({f"{n}.csv": b"0" * (MOST_EACH - 1) for n in range(6)})
    assert len(data) < 50_000
    assert refused(data) == ["plan.zip: holds more than 20 MB (leave out what is not part of the scenario)"]


def test_damage_within():
    """A file whose bytes were changed is told by its name."""
    data = bytearray(zipped(TINY, zipfile.ZIP_STORED))
    at = data.index(b"300000")
    data[at : at + 1] = b"9"
    assert refused(bytes(data)) == ["lines.csv: is damaged"]


def test_every_problem_at_once():
    """What is wrong with the zip, with its files and with their rows is told together."""
    files = TINY | {
        "../evil": b"",
        "old.zip": zipped({}),
        "line.csv": b"",
        "lines.csv": TINY["lines.csv"].replace(b"300000", b"lots"),
        "places.csv": TINY["places.csv"].replace(b"north,", b"North,"),
    }
    problems = refused(zipped(files))
    for said in (
        "../evil: ",
        "old.zip: ",
        "line.csv: ",
        "lines.csv row 2, baseline: 'lots' is not",
        "places.csv row 3, id",
    ):
        assert any(problem.startswith(said) for problem in problems), (said, problems)


def test_a_file_that_was_refused_is_not_missing_too():
    """Where a file of the scenario itself is refused nothing is said of what follows from that."""
    assert refused(zipped(TINY | {"lines.csv": zipped({})})) == [
        "lines.csv: is itself an archive: take out what is in it"
    ]


@pytest.mark.parametrize(
    ("filename", "shown"),
    [("C:\\Users\\Ann\\plan.zip", "plan.zip"), ("../../x.zip", "x.zip"), ("", "the zip"), ("a\x1bb\n.zip", "a?b?.zip")],
)
def test_names_of_zips_are_shown_plainly(filename, shown):
    """Only the last part of the zip's name is told, without what a terminal would obey."""
    assert refused(b"", filename)[0].startswith(f"{shown}: is not a zip")


@given(st.binary(max_size=300))
def test_any_bytes(data):
    """Whatever is sent, the answer is words."""
    files, problems = unpack(data, "x.zip")
    assert problems
    assert not files


@given(st.integers(0, 10**9))
@settings(max_examples=60)
def test_any_damage(seed):
    """A zip with bytes changed anywhere is taken or refused in words, and what is taken is what was sent."""
    rng, data = random.Random(seed), bytearray(zipped(TINY))
    for _ in range(rng.choice((1, 3, 30))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    try:
        book = Shelf([]).add_upload(bytes(data), "x.zip")
    except ScenarioError as error:
        assert error.problems
    else:
        assert all(TINY[name] == content for name, content in book.files.items())


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5, unique=True))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_any_names(names):
    """Whatever members are called, all that is unpacked has a plain name."""
    try:
        data = zipped({name: b"x" for name in names})
    except (ValueError, IndexError):  # half characters, and names that begin with NUL, cannot be put in a zip
        return
    files, _ = unpack(data, "x.zip")
    assert all(name not in ("", ".", "..") and not set(name) & set("/\\\0:") for name in files)


# Zips for downloads


def test_a_book_as_a_zip(tmp_path):
    """A folder's files come as they are, in the same bytes each time, and are taken back."""
    book = Shelf([SCENARIOS]).get("tiny")
    data = scenario_zip(book)
    assert data == scenario_zip(dict(reversed(TINY.items()))) == scenario_zip(book.files)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == TINY
        archive.extractall(tmp_path)
    assert al.read(tmp_path) == book.scenario
    assert Shelf([]).add_upload(data, "x.zip").digest == book.digest


def test_a_changed_scenario_as_a_zip(tiny, temporary):
    """A changed scenario is written anew, in the same bytes each time, and reads as itself."""
    changed = tiny.change({"envelopes.core": 950_000})
    data = scenario_zip(changed)
    assert data == scenario_zip(changed)
    assert Shelf([]).add_upload(data, "x.zip").scenario == changed
    assert list(temporary.iterdir()) == []
