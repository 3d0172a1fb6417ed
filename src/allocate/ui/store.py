"""The store of kept plans: one SQLite file that survives a restart, with the scenarios that they were made from.

Every operation opens the file, does its work in one transaction and closes it, so that any number of threads and
processes may share a store. What people type is bound as parameters and comes back as it was kept.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from allocate.errors import AllocateError

FILE = "explorer.sqlite3"
NAME_LENGTH, NOTE_LENGTH = 80, 2000
WAIT = 10.0
"""Seconds to wait for others who are writing."""

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # without l, o, 0 and 1, which are misread aloud and on paper
_STRICT = " STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])  # turn text around, or are unseen

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"""CREATE TABLE scenario (
            digest TEXT PRIMARY KEY,
            id TEXT NOT NULL,
            kept_at TEXT NOT NULL
        ){_STRICT}""",
        f"""CREATE TABLE scenario_file (
            digest TEXT NOT NULL REFERENCES scenario (digest) ON DELETE CASCADE,
            name TEXT NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (digest, name)
        ){_STRICT}""",
        f"""CREATE TABLE kept (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL,
            author TEXT NOT NULL,
            note TEXT NOT NULL,
            kept_at TEXT NOT NULL,
            scenario TEXT NOT NULL,
            base TEXT NOT NULL,
            changes TEXT NOT NULL,
            reasons TEXT NOT NULL,
            answers TEXT REFERENCES kept (id) ON DELETE SET NULL,
            headline TEXT NOT NULL,
            digest TEXT NOT NULL,
            UNIQUE (scenario, name_key)
        ){_STRICT}""",
        "CREATE INDEX kept_answers ON kept (answers)",
        "CREATE INDEX scenario_id ON scenario (id)",
    ),
)
"""What takes a store from each version to the next. Add to the end; never edit what stands here."""

_FIELDS = (
    "id, name, author, note, kept_at, scenario, base, changes, reasons, coalesce(answers, '') AS answers, "
    "headline, digest"
)


class StoreError(AllocateError):
    """The store cannot be used: not opened, damaged, full, or made by a newer version. `file` is where it is."""

    def __init__(self, file: Path, message: str) -> None:
        self.file = file
        super().__init__(f"{file.name}: {message}")


class NotKept(AllocateError):
    """What was asked for is not in the store: it was removed, or never there."""


class Refused(AllocateError):
    """A plan cannot be kept as it was typed. `problems` maps each field (name, author, note, answers) to a sentence."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(self.problems.values()))


class NameTaken(Refused):
    """Another plan of the same scenario has this name. `suggestion` is a like name that is free."""

    def __init__(self, name: str, author: str, suggestion: str) -> None:
        self.suggestion = suggestion
        said = f"“{name}” is the name of a plan that {author} kept already. “{suggestion}” is free."
        super().__init__({"name": said})


@dataclass(frozen=True, slots=True)
class Kept:
    """A plan that somebody kept: the changes that make it and who stands behind it, not its figures."""

    id: str
    """Eight small letters and digits, fit for a link."""
    name: str
    author: str
    note: str
    kept_at: str
    """UTC to the second, such as 2026-11-22T09:30:00Z."""
    scenario: str
    """The scenario's id."""
    base: str
    """The digest of the scenario as it was read."""
    changes: dict[str, Any] = field(hash=False)
    """Path to value, in the order in which they are laid over the scenario."""
    reasons: dict[str, str] = field(hash=False)
    """Path to why it was changed."""
    answers: str
    """The id of the kept plan that this one is a counter-offer to, or nothing."""
    headline: dict[str, Any] = field(hash=False)
    """A few figures of the plan as it was when kept."""
    digest: str
    """The digest of the changed scenario."""


def default_folder() -> Path:
    """Where the store is kept: ALLOCATE_HOME, or where this system keeps the data of a user's programs."""
    given = os.environ.get("ALLOCATE_HOME", "").strip()
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "allocate"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "allocate"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "allocate"


class Store:
    """Kept plans and their scenarios, in one file in `folder`, which is made (for its owner alone) if missing.

    Safe to share between threads. Raises StoreError, when made and from every method, where the file cannot be used.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        try:
            self.file = (Path(folder) if folder is not None else default_folder()) / FILE
        except RuntimeError as error:  # no home folder
            raise StoreError(
                Path(FILE), f"there is nowhere to keep it ({error}): set ALLOCATE_HOME to a folder"
            ) from None
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.file, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreError(self.file, f"cannot be opened: {error.strerror or error}") from error
        with self._open() as connection:
            said = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
        if said != ["ok"]:
            raise StoreError(self.file, _damaged(said[0] if said else ""))

    # Kept plans

    def keep(
        self,
        *,
        name: str,
        author: str,
        scenario: str,
        base: str,
        digest: str,
        changes: Mapping[str, Any],
        note: str = "",
        reasons: Mapping[str, str] | None = None,
        answers: str = "",
        headline: Mapping[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Kept:
        """Keep a plan. `files` (name to content), where given, are the scenario as read, kept with it under `base`.

        Raises Refused with a sentence for every field that will not do, NameTaken where another plan of this scenario
        has the name; ValueError or TypeError where changes or headline hold what JSON cannot.
        """
        name, author, note = _tidy(name), _tidy(author), _tidy_note(note)
        problems = {"name": _name_problem(name), "author": _author_problem(author), "note": _note_problem(note)}
        texts = [_json(each) for each in (changes, reasons or {}, headline or {})]
        with self._write() as connection:
            if answers and not connection.execute("SELECT 1 FROM kept WHERE id = ?", (answers,)).fetchone():
                problems["answers"] = "The plan that this one answers is no longer kept."
            _refuse(problems)
            self._check_free(connection, scenario, name)
            if files:
                _put(connection, scenario, base, files)
            new = _new_id(connection)
            row = (new, name, _key(name), author, note, _now(), scenario, base, *texts, answers or None, digest)
            connection.execute(
                "INSERT INTO kept (id, name, name_key, author, note, kept_at, scenario, base, changes, reasons, "
                "headline, answers, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            return self._get(connection, new)

    def get(self, id: str) -> Kept:
        """The kept plan with this id. Raises NotKept where there is none."""
        with self._open() as connection:
            return self._get(connection, id)

    def all(self, scenario_id: str | None = None) -> list[Kept]:
        """Every kept plan, or those of one scenario, newest first."""
        with self._open() as connection:
            rows = connection.execute(
                f"SELECT {_FIELDS} FROM kept WHERE ?1 IS NULL OR scenario = ?1 ORDER BY number DESC", (scenario_id,)
            )
            return [self._kept(row) for row in rows]

    def rename(self, id: str, name: str) -> Kept:
        """Give a kept plan another name, under the same conditions as in `keep`. Raises NotKept, Refused, NameTaken."""
        name = _tidy(name)
        _refuse({"name": _name_problem(name)})
        with self._write() as connection:
            kept = self._get(connection, id)
            self._check_free(connection, kept.scenario, name, but=id)
            connection.execute("UPDATE kept SET name = ?, name_key = ? WHERE id = ?", (name, _key(name), id))
            return self._get(connection, id)

    def remove(self, id: str) -> None:
        """Forget a kept plan; plans that answered it stay, and answer nothing. Raises NotKept where there is none."""
        with self._write() as connection:
            if not connection.execute("DELETE FROM kept WHERE id = ?", (id,)).rowcount:
                raise _not_kept(id)

    # Scenarios

    def put_scenario(self, scenario_id: str, digest: str, files: Mapping[str, bytes]) -> None:
        """Keep a scenario's files, name to content, under its digest. What is there under this digest already stays.

        Raises ValueError where there are no files, or a name is not that of a file alone.
        """
        with self._write() as connection:
            _put(connection, scenario_id, digest, files)

    def scenario_files(self, digest: str) -> dict[str, bytes]:
        """The files of the scenario with this digest (in full), name to content. Raises NotKept where there is none."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT name, content FROM scenario_file WHERE digest = ? ORDER BY name", (digest,)
            )
            files = {row["name"]: bytes(row["content"]) for row in rows}
        if not files:
            raise NotKept(f"No scenario with the digest {digest[:12]}… is kept.")
        return files

    def versions(self, scenario_id: str, prefix: str = "") -> list[str]:
        """The digests, in full, under which a scenario is kept and which start with `prefix`; newest first."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT digest FROM scenario WHERE id = ? AND substr(digest, 1, ?) = ? ORDER BY rowid DESC",
                (scenario_id, len(prefix), prefix),
            )
            return [row["digest"] for row in rows]

    # The file

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one operation. The database's errors become StoreError in words."""
        try:
            with closing(sqlite3.connect(self.file, timeout=WAIT, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA foreign_keys = ON")
                self._migrate(connection)
                yield connection
        except sqlite3.Error as error:
            raise StoreError(self.file, _in_words(error)) from error

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction that nobody else writes beside: all of it is kept, or nothing."""
        with self._open() as connection, _transaction(connection):
            yield connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring the file to this version's tables; a new file gets all of them."""
        if (version := _version(connection)) == len(MIGRATIONS):
            return
        if version > len(MIGRATIONS):
            raise StoreError(self.file, "was made by a newer version of allocate: use that, or set ALLOCATE_HOME")
        _use_log(connection)
        with _transaction(connection):
            for number in range(_version(connection), len(MIGRATIONS)):  # asked again: another may have been first
                for statement in MIGRATIONS[number]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number + 1:d}")

    def _get(self, connection: sqlite3.Connection, id: str) -> Kept:
        row = connection.execute(f"SELECT {_FIELDS} FROM kept WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise _not_kept(id)
        return self._kept(row)

    def _kept(self, row: sqlite3.Row) -> Kept:
        fields = dict(row)
        try:
            return Kept(**fields | {key: json.loads(fields[key]) for key in ("changes", "reasons", "headline")})
        except ValueError as error:
            raise StoreError(self.file, _damaged(f"plan {fields['id']}")) from error

    def _check_free(self, connection: sqlite3.Connection, scenario: str, name: str, but: str = "") -> None:
        """Raise NameTaken where another plan of the scenario has this name, whatever its case and spaces."""
        rows = connection.execute(
            "SELECT name_key, name, author FROM kept WHERE scenario = ? AND id <> ?", (scenario, but)
        )
        taken = {row["name_key"]: row for row in rows}
        if (same := taken.get(_key(name))) is not None:
            raise NameTaken(same["name"], same["author"], _free(name, set(taken)))


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _use_log(connection: sqlite3.Connection) -> None:
    """Let readers go on beside a writer, where the file system can."""
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):  # another is at it, or reads: it stays a wish
            raise


def _put(connection: sqlite3.Connection, scenario_id: str, digest: str, files: Mapping[str, bytes]) -> None:
    if not files or not digest:
        raise ValueError("a scenario to keep has a digest and at least one file")
    for name in files:
        if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
            raise ValueError(f"{name!r} is not the name of a file")
    row = (digest, scenario_id, _now())
    if connection.execute(
        "INSERT INTO scenario (digest, id, kept_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row
    ).rowcount:
        connection.executemany(
            "INSERT INTO scenario_file (digest, name, content) VALUES (?, ?, ?)",
            [(digest, name, bytes(content)) for name, content in files.items()],
        )


def _new_id(connection: sqlite3.Connection) -> str:
    while True:
        new = "".join(secrets.choice(_LETTERS) for _ in range(8))
        if not connection.execute("SELECT 1 FROM kept WHERE id = ?", (new,)).fetchone():
            return new


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(fields: Mapping[str, Any]) -> str:
    """A dict as JSON in its own order. Numbers of numpy's are numbers."""

    def number(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"{value!r} cannot be kept")

    return json.dumps(dict(fields), allow_nan=False, default=number)


def _tidy(text: str) -> str:
    """One line as it was meant: single spaces, none at the ends, no control characters, nothing that turns text."""
    text = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text.translate(_TURNS))
    return " ".join(text.split())


def _tidy_note(text: str) -> str:
    """Lines as they were meant: ends of lines alike, no other control characters but tabs, no blanks at the ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc").strip()


def _key(name: str) -> str:
    """What two names have in common that people would take for the same."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _refuse(problems: Mapping[str, str]) -> None:
    if said := {each: problem for each, problem in problems.items() if problem}:
        raise Refused(said)


def _line_problem(text: str, empty: str, what: str) -> str:
    if not any(letter.isprintable() and not letter.isspace() for letter in text):
        return empty
    if len(text) > NAME_LENGTH:
        return f"{what} has {len(text)} characters: {NAME_LENGTH} at most."
    return _letters_problem(text, what)


def _letters_problem(text: str, what: str) -> str:
    """Half a character, which some programs leave behind, cannot be stored."""
    halves = any(unicodedata.category(letter) == "Cs" for letter in text)
    return f"{what} holds a damaged character: type it again." if halves else ""


def _name_problem(name: str) -> str:
    if problem := _line_problem(name, "Give the plan a name.", "The name"):
        return problem
    if re.split(r"[\W_]+", _key(name).rstrip("\u200d .,:;!?)]}'\"”’"))[-1] == "final":
        return "No plan is final before everybody has agreed, and then others follow: say what sets this one apart."
    return ""


def _author_problem(author: str) -> str:
    return _line_problem(author, "Say who keeps the plan.", "The author")


def _note_problem(note: str) -> str:
    if len(note) > NOTE_LENGTH:
        return f"The note has {len(note):,} characters: {NOTE_LENGTH:,} at most."
    return _letters_problem(note, "The note")


def _free(name: str, taken: set[str]) -> str:
    """The name with the first number after it that no plan has."""
    counted = re.fullmatch(r"(.*\S) (\d{1,3})", name)
    stem, number = (counted[1], int(counted[2])) if counted else (name, 1)
    while True:
        number += 1
        new = f"{stem[: NAME_LENGTH - len(str(number)) - 1].rstrip()} {number}"
        if _key(new) not in taken:
            return new


def _not_kept(id: str) -> NotKept:
    return NotKept(f"No plan is kept under {id[:20]!r}: it was removed, or the link to it is not whole.")


def _damaged(what: str) -> str:
    about = f" ({what})" if what else ""
    return f"is damaged{about}: move it to another place, and a new one is begun; or put a copy of it back"


def _in_words(error: sqlite3.Error) -> str:
    """What the database says, as something to do."""
    said = str(error)
    if "locked" in said or "busy" in said:
        return "others are writing to it and did not finish: try again"
    if "full" in said:
        return "there is no room left on the disk"
    if "readonly" in said:
        return "cannot be written to: ask for the right to, or set ALLOCATE_HOME to another folder"
    if "unable to open" in said:
        return "cannot be opened: is its folder still there, and yours to write to?"
    if "not a database" in said:
        return _damaged("it is not a database")
    if "malformed" in said or "corrupt" in said:
        return _damaged("its pages do not fit together")
    return f"cannot be used: {said}"
