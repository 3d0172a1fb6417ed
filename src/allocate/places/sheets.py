"""What people save from a spreadsheet, as rows of text: CSV, or the sheets of a workbook."""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from allocate.errors import Problem
from allocate.scenario.reading import numbered, read_text

DAMAGED = (
    zipfile.BadZipFile, zlib.error, ElementTree.ParseError, EOFError, IndexError, KeyError, RuntimeError, ValueError,
)  # fmt: skip
"""What a damaged or encrypted workbook raises on its way; a RuntimeError where a password is asked for."""
LARGEST = 300 << 20
"""Bytes that a part of a workbook may unpack to: England's practices need a few million."""
SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ROW, CELL, VALUE = f"{SPACE}row", f"{SPACE}c", f"{SPACE}v"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class Grid:
    """A sheet: its rows that hold anything as (row number, cells), what to call it in messages, and its name."""

    where: str
    name: str
    rows: list[tuple[int, list[str]]]


def grids(path: Path, found: list[Problem]) -> tuple[list[Grid], bytes]:
    """The sheets of a file and its bytes; one sheet for CSV. What cannot be read is added to `found`."""
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _workbook(path, found)
    if path.suffix.lower() in (".xls", ".xlsb", ".ods"):
        found.append(Problem(path.name, "is of a kind that is not read", fix="save it as .xlsx or as 'CSV UTF-8'"))
        return [], b""
    rows = csv_rows(path, found)
    if rows is None:
        return [], b""
    if all(len(cells) <= 3 for _, cells in rows) and any(re.search(r"(;.*){3}|(\t.*){3}", c[0]) for _, c in rows):
        fix = "save it with commas, as 'CSV UTF-8 (comma delimited)'"
        found.append(Problem(path.name, "has other marks than commas between its columns", rows[0][0], fix=fix))
        return [], b""
    return [Grid(path.name, "", rows)], path.read_bytes()


def csv_rows(path: Path, found: list[Problem]) -> list[tuple[int, list[str]]] | None:
    """The rows of a CSV that hold anything, each with the line it starts on; None with the reason in `found`."""
    text = read_text(path, found)
    try:
        return list(numbered(text)) if text is not None else None
    except csv.Error as error:
        fix = "is a quotation mark opened and never closed?"
        found.append(Problem(path.name, f"is not CSV: {error}", fix=fix))
        return None


def _workbook(path: Path, found: list[Problem]) -> tuple[list[Grid], bytes]:
    """Every sheet of an .xlsx file. Only values are read: what a formula last came to, never the formula."""
    try:
        raw = path.read_bytes()
        with zipfile.ZipFile(path) as book:
            shared = _shared(book)
            made = [
                Grid(f"{path.name}, sheet {name}", name, list(_rows(_part(book, part), shared)))
                for name, part in _sheets(book)
            ]
        return made, raw
    except FileNotFoundError:
        found.append(Problem(path.name, "is missing"))
    except OSError as error:
        found.append(Problem(path.name, f"cannot be read: {error.strerror}"))
    except DAMAGED as error:
        fix = "open it in a spreadsheet and save the sheet of practices as 'CSV UTF-8'"
        found.append(Problem(path.name, f"is not a workbook that can be read: {error}", fix=fix))
    return [], b""


def _part(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if book.getinfo(name).file_size > LARGEST:
        raise ValueError(f"{name} unpacks to more than {LARGEST >> 20} MB")
    text = book.read(name)
    if b"<!DOCTYPE" in text[:2000]:
        raise ValueError(f"{name} declares a document type, which no spreadsheet writes")
    return ElementTree.fromstring(text)


def _sheets(book: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """The name of each sheet and the part of the file that holds it."""
    links = {link.get("Id"): link.get("Target", "") for link in _part(book, "xl/_rels/workbook.xml.rels")}
    for sheet in _part(book, "xl/workbook.xml").iter(f"{SPACE}sheet"):
        target = links[sheet.get(LINK)]
        part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if "worksheets/" in part:
            yield sheet.get("name", ""), part


def _shared(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_text(item) for item in _part(book, "xl/sharedStrings.xml").iter(f"{SPACE}si")]


def _text(item: ElementTree.Element) -> str:
    """The text of a cell, formatted runs joined, without the readings above Asian characters."""
    parts = [*item.findall(f"{SPACE}t"), *item.findall(f"{SPACE}r/{SPACE}t")]
    return "".join(part.text or "" for part in parts)


def _rows(sheet: ElementTree.Element, shared: list[str]) -> Iterator[tuple[int, list[str]]]:
    for count, row in enumerate(sheet.iter(ROW), start=1):
        cells: list[str] = []
        for cell in row.iter(CELL):
            letters = cell.get("r", "").rstrip("0123456789")
            if letters and (at := _position(letters)) > len(cells):
                cells += [""] * (at - len(cells))
            cells.append(_value(cell, shared))
        if any(text.strip() for text in cells):
            yield int(row.get("r", count)), cells


@cache
def _position(letters: str) -> int:
    """The column that a spreadsheet calls by these letters, counted from 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    if not 0 < number <= 16384:
        raise ValueError(f"{letters} is no column")
    return number - 1


def _value(cell: ElementTree.Element, shared: list[str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(VALUE, "")
    if kind == "s":
        return shared[int(value)]
    if kind == "inlineStr":
        inner = cell.find(f"{SPACE}is")
        return "" if inner is None else _text(inner)
    return value
