"""Files that visitors bring: in memory, by their fingerprint, and on disk only while they are read."""

from __future__ import annotations

import pytest

from allocate.ui.tray import Brought, Tray, as_path


def test_a_file_is_found_by_what_stands_for_it():
    """The same file has the same key; another name or other bytes have another; an unknown key has none."""
    tray = Tray()
    key = tray.put("a.csv", b"1")
    assert tray.get(key) == Brought("a.csv", b"1")
    assert tray.put("a.csv", b"1") == key
    assert len({key, tray.put("b.csv", b"1"), tray.put("a.csv", b"2")}) == 3
    assert tray.get("nothing") is None


def test_what_was_looked_at_last_stays():
    """Where there is no more room the file goes that was looked at longest ago; the newest always stays."""
    tray = Tray(room=5)
    first, second = tray.put("1", b"aa"), tray.put("2", b"bb")
    tray.get(first)
    third = tray.put("3", b"cc")
    assert [tray.get(key) is not None for key in (first, second, third)] == [True, False, True]
    large = tray.put("4", b"d" * 9)
    assert tray.get(large) is not None
    assert tray.get(first) is None


@pytest.mark.parametrize("name", ["a.csv", "../../a.csv", "C:\\x\\a.csv", "a\x00b?.csv", f"{'x' * 300}.csv", ".csv"])
def test_a_file_lies_on_disk_only_while_it_is_read(name):
    """A file has its own bytes under a name of its own kind, in a folder that is gone afterwards."""
    with as_path(Brought(name, b"1,2")) as path:
        folder = path.parent
        assert path.read_bytes() == b"1,2"
        assert path.suffix == ".csv"
        assert list(folder.iterdir()) == [path]
    assert not folder.exists()
