"""The shelf: which scenarios the explorer offers, from folders, from zips that are sent to it, and from the store."""

from __future__ import annotations

import io
import re
import stat
import tempfile
import tomllib
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Literal

from allocate.errors import AllocateError, Problem, ScenarioError
from allocate.scenario.reading import BESIDE, read
from allocate.scenario.scenario import Scenario
from allocate.scenario.tables import TABLES
from allocate.scenario.words import suggestion
from allocate.scenario.writing import write
from allocate.ui.store import NotKept, Store, StoreError

FIRST = ("coventry-warwickshire", "greater-manchester")
"""What stands first among the scenarios of a folder."""
HEADING = "scenario.toml"
FILES = frozenset({*(f"{name}.csv" for name in TABLES), HEADING, "rules.toml", *BESIDE})
"""The names of the files that a scenario's folder may hold."""

MOST_FILES, MOST_EACH, MOST_TOTAL = 40, 5_000_000, 20_000_000
"""What a zip may hold: files, bytes of one, bytes of all of them, unpacked."""
MOST_TOML, MOST_DOTS = 250_000, 100
"""Bytes of a TOML file in a zip, and full stops in one of its lines: a key of many parts costs their square."""
MOST_ROWS, MOST_PLACES = 5_000, 2_000
"""Rows of a CSV file in a zip: what a check of them may cost grows faster than they do, most of all for places."""
REMEMBERED = 16
"""Scenarios that are in memory though no folder holds them."""

Origin = Literal["folder", "uploaded", "kept"]
_Stamp = tuple[tuple[str, int, int], ...]


class Missing(AllocateError):
    """No scenario with this id, or no such version of it, is here."""


@dataclass(frozen=True)
class Book:
    """A scenario on the shelf."""

    key: str
    """The scenario's id."""
    digest: str
    name: str
    origin: Origin
    """A folder, a zip sent since the start, or the store."""
    scenario: Scenario = field(repr=False, compare=False)
    files: Mapping[str, bytes] = field(repr=False, compare=False)
    """The files that it was read from, name to content: what the store keeps."""


@dataclass
class _Entry:
    """A folder that holds a scenario.toml, as it is listed."""

    folder: Path
    key: str
    name: str
    problem: Problem | None = None
    """Why it cannot be offered although it may be sound."""


@dataclass
class _Slot:
    """What was last read from a folder, and when its files were last changed."""

    lock: Lock = field(default_factory=Lock)
    stamp: _Stamp = ()
    book: Book | None = None
    problems: list[Problem] = field(default_factory=list)


class Shelf:
    """The scenarios on offer: each of `folders` is a scenario itself, or holds several; `store` may have others.

    Safe to share between threads. A folder is read when it is first asked for, and again when its files change.
    """

    def __init__(self, folders: Sequence[str | Path], store: Store | None = None) -> None:
        self._folders = [Path(folder) for folder in folders]
        self._store = store
        self._lock = Lock()
        self._headings: dict[Path, tuple[_Stamp, str, str]] = {}
        self._slots: dict[Path, _Slot] = {}
        self._others: OrderedDict[str, Book] = OrderedDict()

    def names(self) -> list[tuple[str, str]]:
        """The id and the name of every folder's scenario, in the order of offering: folders given as scenarios, the
        first of FIRST, then by name. Reads scenario.toml alone; a broken scenario is listed too."""
        return [(entry.key, entry.name) for entry in self._entries()]

    def get(self, key: str, digest: str = "") -> Book:
        """The scenario with this id; with `digest` (12 or more of its hexadecimal digits) in that version, which may
        be a folder's, one sent as a zip, or one in the store. Without, the folder's, or the only one there is.

        Raises Missing where there is none, ScenarioError where the folder's is wrong, StoreError where the store fails.
        """
        if digest and not re.fullmatch("[0-9a-f]{12,64}", digest):
            raise Missing(f"This link is not whole: {digest[:70]!r} names no version of a scenario.")
        entry = next((entry for entry in self._entries() if entry.key == key), None)
        here: Book | ScenarioError | None = None
        try:
            here = self._from_folder(entry) if entry else None
        except ScenarioError as error:
            here = error
        if isinstance(here, Book) and here.digest.startswith(digest):
            return here
        if isinstance(here, ScenarioError) and not digest:
            raise here
        versions = self._versions(key, digest)
        if len(versions) == 1:
            return self._version(key, versions[0])
        if isinstance(here, ScenarioError):
            raise here
        raise self._missing(key, digest, here, versions)

    def add_upload(self, data: bytes, filename: str) -> Book:
        """The scenario in a zip of its folder. It is kept in the store, if that can be used, so that links to it last.

        Raises ScenarioError with every problem of the zip and of the scenario; the problems name files of the zip.
        """
        filename = plain_name(filename)
        files, problems = unpack(data, filename)
        refused = {problem.where.rpartition("/")[2] for problem in problems}
        if problems and (not files or refused & FILES):
            raise ScenarioError(filename, problems)
        try:
            scenario = read_files(files, filename)
        except ScenarioError as error:
            raise ScenarioError(filename, problems + error.problems) from None
        if problems:
            raise ScenarioError(filename, problems)
        book = _book(scenario, {name: files[name] for name in sorted(files) if name in FILES}, "uploaded")
        self._remember(book)
        if self._store is not None:
            with suppress(StoreError):  # it stays open until the explorer is stopped
                self._store.put_scenario(book.key, book.digest, book.files)
        return book

    def _entries(self) -> list[_Entry]:
        """What the folders hold, each id once, in the order of offering."""
        given = [folder for folder in self._folders if _holds(folder)]
        within = [each for folder in self._folders if folder not in given for each in _inside(folder)]
        order = {key: place for place, key in enumerate(FIRST)}
        explicit = [self._entry(folder) for folder in dict.fromkeys(given)]
        rest = [self._entry(folder) for folder in dict.fromkeys(within) if folder not in given]
        rest.sort(key=lambda entry: (order.get(entry.key, len(order)), entry.name.casefold(), str(entry.folder)))
        return _each_once(explicit, rest)

    def _entry(self, folder: Path) -> _Entry:
        stamp = _stamp([folder / HEADING])
        with self._lock:
            known = self._headings.get(folder)
        if known is None or known[0] != stamp:
            known = (stamp, *_id_and_name(folder))
            with self._lock:
                self._headings[folder] = known
        return _Entry(folder, known[1], known[2])

    def _from_folder(self, entry: _Entry) -> Book:
        """A folder's scenario, read once however many ask."""
        if entry.problem is not None:
            raise ScenarioError(entry.folder.name, [entry.problem])
        with self._lock:
            slot = self._slots.setdefault(entry.folder, _Slot())
        with slot.lock:
            stamp = _stamp(_listed(entry.folder))
            if slot.stamp != stamp or (slot.book is None and not slot.problems):
                slot.stamp, slot.book, slot.problems = _read_settled(entry.folder)
            if slot.book is None:
                raise ScenarioError(entry.folder.name, slot.problems)
            return slot.book

    def _versions(self, key: str, digest: str) -> list[str]:
        """The digests of this scenario's versions that no folder holds."""
        with self._lock:
            held = [each.digest for each in self._others.values() if each.key == key]
        held = [each for each in held if each.startswith(digest)]
        kept = self._store.versions(key, digest) if self._store is not None and not (held and digest) else []
        return list(dict.fromkeys(held + kept))

    def _version(self, key: str, digest: str) -> Book:
        """A version that was remembered, or else from the store."""
        with self._lock:
            book = self._others.get(digest)
        if book is not None:
            return book
        try:
            if self._store is None:
                raise NotKept
            files = self._store.scenario_files(digest)
        except NotKept:
            raise Missing(f"This version of {key} ({digest[:4]}…) is no longer kept.") from None
        scenario = read_files(files, key)
        if scenario.digest != digest:
            raise Missing(
                f"The kept version of {scenario.heading.name} ({digest[:4]}…) reads as another one today "
                f"({scenario.digest[:4]}…): it was kept by another version of allocate, or damaged."
            )
        book = _book(scenario, files, "kept")
        self._remember(book)
        return book

    def _remember(self, book: Book) -> None:
        with self._lock:
            self._others[book.digest] = book
            self._others.move_to_end(book.digest)
            while len(self._others) > REMEMBERED:
                self._others.popitem(last=False)

    def _missing(self, key: str, digest: str, here: Book | None, versions: list[str]) -> Missing:
        """Why there is no such scenario, in words."""
        shown = f"{digest[:4]}…"
        if versions:
            listed = ", ".join(f"{each[:12]}…" for each in versions[:6])
            return Missing(f"There are {len(versions)} versions of {key}: say which ({listed}).")
        if here is not None:
            link = f"This link was made from another version of {here.name} ({shown})"
            return Missing(f"{link}; here it is {here.digest[:4]}….")
        near = suggestion(key[:60], [name for name, _ in self.names()])
        if digest and not near.startswith("did you mean"):
            near = "ask whoever sent the link for the scenario as a zip, and upload that"
        version = f" in the version {shown}" if digest else ""
        return Missing(f"No scenario {key[:60]!r}{version} is here{f': {near}' if near else '.'}")


def scenario_zip(what: Book | Scenario | Mapping[str, bytes]) -> bytes:
    """A scenario as a zip that `add_upload` and `read` (unpacked) take back; the same bytes for the same content.

    A book's files are as they were read; a scenario, as a changed one, is written anew; else files by name.
    """
    files = what.files if isinstance(what, Book) else written(what) if isinstance(what, Scenario) else what
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(info, files[name])
    return out.getvalue()


def written(scenario: Scenario) -> dict[str, bytes]:
    """The files of a scenario, name to content, as `write` writes them."""
    with tempfile.TemporaryDirectory() as folder:
        write(scenario, folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def read_files(files: Mapping[str, bytes], name: str) -> Scenario:
    """The scenario in these files, name to content. Raises ScenarioError, under this name, with every problem."""
    with tempfile.TemporaryDirectory() as folder:
        for each, content in files.items():
            # Of a file that is no scenario's only the name is of interest: `read` refuses it.
            (Path(folder) / each).write_bytes(content if each in FILES else b"")
        return _read(Path(folder), name)


def _read(folder: Path, name: str) -> Scenario:
    """As `read`, with problems told under a name; what breaks the readers of TOML and CSV is told in words too."""
    try:
        return read(folder)
    except ScenarioError as error:
        raise ScenarioError(name, error.problems) from None
    except (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        said = "it is nested too deep" if isinstance(error, RecursionError) else str(error).replace(str(folder), name)
        raise ScenarioError(name, [Problem(name, f"cannot be read: {said[:200]}")]) from error


def _book(scenario: Scenario, files: Mapping[str, bytes], origin: Origin) -> Book:
    return Book(scenario.id, scenario.digest, scenario.heading.name, origin, scenario, files)


# Folders


def _holds(folder: Path) -> bool:
    try:
        return (folder / HEADING).is_file()
    except OSError:
        return False


def _inside(folder: Path) -> list[Path]:
    """The scenarios that a folder holds."""
    return [each for each in _listed(folder) if not each.name.startswith(".") and _holds(each)]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _stamp(paths: Iterable[Path]) -> _Stamp:
    """What changes when files do: names, times and sizes."""
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((path.name, status.st_mtime_ns, status.st_size))
    return tuple(found)


def _id_and_name(folder: Path) -> tuple[str, str]:
    """What scenario.toml says, or the folder's name where it does not."""
    try:
        heading = tomllib.loads((folder / HEADING).read_text(encoding="utf-8-sig"))
    except (OSError, RecursionError, ValueError):
        heading = {}
    key, name = heading.get("id"), heading.get("name")
    key = key if isinstance(key, str) and key else folder.resolve().name
    return key, name if isinstance(name, str) and name.strip() else key


def _each_once(explicit: Sequence[_Entry], rest: Sequence[_Entry]) -> list[_Entry]:
    """One entry an id. A folder that was given hides others; where two lie side by side the second is listed by its
    folder's name, as a problem."""
    found: dict[str, _Entry] = {}
    for entry in explicit:
        found.setdefault(entry.key, entry)
    hidden = set(found)
    for entry in rest:
        if entry.key in hidden:
            continue
        if entry.key in found:
            said = f"is also the id of the scenario in {found[entry.key].folder.name}"
            problem = Problem(HEADING, said, field="id", value=entry.key, fix="give each an id of its own")
            entry = replace(entry, key=entry.folder.name, problem=problem)
        found.setdefault(entry.key, entry)
    return list(found.values())


def _read_settled(folder: Path) -> tuple[_Stamp, Book | None, list[Problem]]:
    """A folder's scenario and files, or its problems; again, twice, where somebody changed files meanwhile."""
    for _ in range(3):
        stamp, name = _stamp(_listed(folder)), folder.resolve().name
        found: tuple[_Stamp, Book | None, list[Problem]]
        try:
            scenario = _read(folder, name)
            files = {path.name: path.read_bytes() for path in _listed(folder) if path.name in FILES}
            found = stamp, _book(scenario, files, "folder"), []
        except ScenarioError as error:
            found = stamp, None, error.problems
        except OSError as error:
            found = stamp, None, [Problem(name, f"cannot be read: {error.strerror or 'it changes'}")]
        if _stamp(_listed(folder)) == stamp:
            break
    return found


# Zips


def plain_name(filename: str) -> str:
    """The last part of a file's name, fit to be shown."""
    last = re.split(r"[/\\]", filename)[-1].strip()
    return "".join(letter if letter.isprintable() else "?" for letter in last)[:80] or "the zip"


def unpack(data: bytes, filename: str) -> tuple[dict[str, bytes], list[Problem]]:
    """The files at the top of a zip (or in its only folder), name to content, and everything wrong with it.

    Nothing is written anywhere, and no more is unpacked than a scenario may hold, whatever the zip says of itself.
    """
    try:
        if len(data) > MOST_TOTAL or data.count(b"PK\x01\x02") > 25 * MOST_FILES:
            raise _Unfit(f"is too large: {MOST_FILES} files and {MOST_TOTAL // 10**6} MB at most")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _unpacked(archive, filename)
    except _Unfit as unfit:
        return {}, [Problem(filename, unfit.said, fix=unfit.fix)]
    except _BROKEN:
        fix = "zip the scenario's folder and send that"
        return {}, [Problem(filename, "is not a zip file, or it is damaged", fix=fix)]


class _Unfit(Exception):
    """The whole zip is refused."""

    def __init__(self, said: str, fix: str = "zip the scenario's folder, and nothing else") -> None:
        self.said, self.fix = said, fix
        super().__init__(said)


_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
"""What zipfile raises on damaged and on hostile zips; NotImplementedError is a RuntimeError."""


def _unpacked(archive: zipfile.ZipFile, filename: str) -> tuple[dict[str, bytes], list[Problem]]:
    members = [_Member(info) for info in archive.infolist()]
    members = [member for member in members if not member.ignored]
    if any(member.info.filename == "[Content_Types].xml" for member in members):
        raise _Unfit("is an Office document, not a zip", "save each sheet as 'CSV UTF-8', and zip the folder of them")
    if not members:
        raise _Unfit("holds no files")
    if len(members) > MOST_FILES:
        raise _Unfit(f"holds {len(members)} files: {MOST_FILES} at most")
    _strip_top(members)
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    seen: set[str] = set()
    total = 0
    for member in members:
        said = member.problem or ("is there twice" if member.name.casefold() in seen else "")
        content = b""
        if not said:
            content, said = _content(archive, member)
            total += len(content)
        if total > MOST_TOTAL:
            raise _Unfit(f"holds more than {MOST_TOTAL // 10**6} MB", "leave out what is not part of the scenario")
        seen.add(member.name.casefold())
        if said:
            problems.append(Problem(member.shown, said, fix=member.fix))
        else:
            files[member.name] = content
    return files, problems


class _Member:
    """A file in a zip: its parts are its folders and its name, however they were written."""

    def __init__(self, info: zipfile.ZipInfo) -> None:
        self.info = info
        self.path = info.orig_filename.replace("\\", "/")
        self.parts = [part for part in self.path.split("/") if part not in ("", ".")]
        self.fix = ""
        self.problem = self._problem()

    @property
    def ignored(self) -> bool:
        """What systems leave in zips, and folders themselves; but nothing that reaches out of the folder."""
        if self.problem and self.problem != _LINK:
            return False
        hidden = any(part.startswith((".", "~$")) or part == "__MACOSX" for part in self.parts)
        return hidden or not self.parts or self.path.endswith("/")

    @property
    def name(self) -> str:
        """The name without folders; a problem where there are any left."""
        return "/".join(self.parts)

    @property
    def shown(self) -> str:
        """The name, fit to be shown."""
        return "".join(letter if letter.isprintable() else "?" for letter in self.name or self.path)[:80]

    def _problem(self) -> str:
        if self.path.startswith("/") or re.match("[A-Za-z]:", self.path) or ".." in self.parts:
            return "reaches out of its folder"
        kind = stat.S_IFMT(self.info.external_attr >> 16)
        if kind == stat.S_IFLNK:
            return _LINK
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            return "is not a file"
        if re.search(r'[<>:"|?*]', self.path) or not self.path.isprintable() or len(self.path.encode()) > 200:
            return "has a name that is no file's of a scenario"
        return ""


_LINK = "is a link to another file, not a file"


def _strip_top(members: Sequence[_Member]) -> None:
    """Take off the folder that everything lies in, if there is one; files in other folders are a problem."""
    sound = [member for member in members if not member.problem]
    tops = {member.parts[0] if len(member.parts) > 1 else "" for member in sound}
    for member in sound:
        if len(tops) == 1 and "" not in tops:
            member.parts = member.parts[1:]
        if len(member.parts) > 1:
            member.problem = "lies in a folder of its own"
            member.fix = "a zip holds one scenario, whose files lie side by side"


def _content(archive: zipfile.ZipFile, member: _Member) -> tuple[bytes, str]:
    """A file's bytes, or why they are not taken."""
    info, most = member.info, MOST_TOML if member.name.endswith(".toml") else MOST_EACH
    large = f"is larger than {most / 10**6:g} MB"
    if info.flag_bits & 0x41:
        return b"", "is locked with a password: zip it without one"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return b"", "is packed in an unusual way: zip it in the ordinary one"
    if info.file_size > most:
        return b"", large
    try:
        with archive.open(info) as file:
            content = file.read(most + 1)
    except _BROKEN:
        return b"", "is damaged"
    if len(content) > most:
        return b"", large
    return content, _kind_problem(member.name, content)


def _kind_problem(name: str, content: bytes) -> str:
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b")):
        return "is itself an archive: take out what is in it"
    if name.endswith(".toml") and any(line.count(b".") > MOST_DOTS for line in re.split(rb"[\r\n]", content)):
        return f"has a line with more than {MOST_DOTS} full stops: break it up"
    most = MOST_PLACES if name == "places.csv" else MOST_ROWS
    if name.endswith(".csv") and (rows := len(re.findall(rb"[^\s,\"][^\r\n]*", content)) - 1) > most:
        return f"has {rows:,} rows: {most:,} at most"
    return ""
