"""Files that visitors bring to be looked at: kept in this process's memory alone, and gone with it."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

DIGITS = 16
"""Of a file's fingerprint, that stand for it."""
ROOM = 100 << 20
"""Bytes of files that are kept, the last that were looked at."""


@dataclass(frozen=True)
class Brought:
    """A file as it was brought: the name it had, and its bytes."""

    name: str
    data: bytes


class Tray:
    """The files that were looked at last, by the start of their fingerprints: whoever knows that may see the file."""

    def __init__(self, room: int = ROOM) -> None:
        self._lock, self._room = threading.Lock(), room
        self._files: OrderedDict[str, Brought] = OrderedDict()

    def put(self, name: str, data: bytes) -> str:
        """Take a file in, and say what stands for it. Another name is another file: what is told of it names it."""
        key = sha256(name.encode() + b"\0" + data).hexdigest()[:DIGITS]
        with self._lock:
            self._files[key] = Brought(name, data)
            self._files.move_to_end(key)
            while len(self._files) > 1 and sum(len(each.data) for each in self._files.values()) > self._room:
                self._files.popitem(last=False)
        return key

    def get(self, key: str) -> Brought | None:
        """The file that this stands for; None where it is gone, or never was here."""
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
            return self._files.get(key)


@contextmanager
def as_path(brought: Brought) -> Iterator[Path]:
    """A file where readers look for one, under its own name, for as long as they read."""
    name = re.sub(r'[\x00-\x1f<>:"|?*]', "_", re.split(r"[/\\]", brought.name)[-1])
    stem, dot, ending = name.rpartition(".")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{stem[:80].strip(' .') or 'file'}{dot}{ending[:8]}"
        path.write_bytes(brought.data)
        yield path
