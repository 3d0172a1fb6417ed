"""Tables that keep their place in a page: each between a pair of marks of its own."""

from __future__ import annotations

from pathlib import Path


def marks(name: str) -> tuple[str, str]:
    """Where the table of this name begins and ends."""
    return f"<!-- {name} -->", f"<!-- /{name} -->"


def keep(text: str, file: Path, name: str, above: str) -> None:
    """Put a table between its marks in the file, or, with what stands `above` it, below everything where there are
    none."""
    begin, end = marks(name)
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    section = f"{begin}\n{text}\n{end}"
    if begin in old and end in old:
        new = old[: old.index(begin)] + section + old[old.index(end) + len(end) :]
    else:
        new = f"{old.rstrip()}\n\n{above}\n\n{section}\n".lstrip()
    file.write_text(new, encoding="utf-8")
