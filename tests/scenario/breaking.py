"""Small ways to spoil a scenario's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Edit = Callable[[Path], None]


def put(file: str, old: str, new: str) -> Edit:
    """Replace the first occurrence of a text in a file."""

    def edit(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8", newline="")

    return edit


def every(file: str, old: str, new: str) -> Edit:
    """Replace every occurrence of a text in a file."""

    def edit(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        (folder / file).write_text(text.replace(old, new), encoding="utf-8", newline="")

    return edit


def add(file: str, text: str) -> Edit:
    """Add lines at the foot of a file, which is made if it is not there."""

    def edit(folder: Path) -> None:
        path = folder / file
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(before + text, encoding="utf-8", newline="")

    return edit


def encode(file: str, encoding: str) -> Edit:
    """Save a file in another encoding."""

    def edit(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        (folder / file).write_bytes(text.encode(encoding))

    return edit


def rename(file: str, name: str) -> Edit:
    return lambda folder: (folder / file).rename(folder / name) and None


def remove(file: str) -> Edit:
    return lambda folder: (folder / file).unlink()


def both(*edits: Edit) -> Edit:
    """Several edits, one after another."""

    def edit(folder: Path) -> None:
        for one in edits:
            one(folder)

    return edit
