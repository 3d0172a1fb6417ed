"""A small file of made-up practices, shaped as NHS England's, and drawings on it."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
import pytest

import allocate as al

FIGURES = ["Population", "G&A WP", "CS WP", "MH WP", "Mat WP", "Health Ineq WP", "Prescr WP", "Final WP",
           "Primary Medical Care WP", "Final PMC WP"]  # fmt: skip
LABELS = ["Practice_Code", "GP_Practice_Name", "PCN_Code", "PCN_Name", "ICB", "ICBname", "Region", "LAD", "LTLA"]
HILLS, COAST = ("QAA", "NHS Hills and Vale ICB", "North"), ("QBB", "NHS Coast ICB", "South")
UPTON, DALE, PORT = ("E01", "Upton"), ("E02", "Dale"), ("E03", "Port, City of")
ROWS = [
    ("A10001", "THE MILL SURGERY", "U1", "MILL PCN", *HILLS, *UPTON),
    ("A10002", "HIGH STREET PRACTICE", "U1", "MILL PCN", *HILLS, *UPTON),
    ("A10003", "CHURCH LANE", "U2", "CHURCH PCN", *HILLS, *DALE),
    ("A10004", "THE OLD BAKERY", "U2", "CHURCH PCN", *HILLS, *DALE),
    ("A10005", "RIVERSIDE", "U2", "CHURCH PCN", *HILLS, *UPTON),
    ("B20001", "HARBOUR MEDICAL CENTRE", "U3", "HARBOUR PCN", *COAST, *PORT),
    ("B20002", "LIGHTHOUSE SURGERY", "U3", "HARBOUR PCN", *COAST, *PORT),
    ("B20003", "THE MILL SURGERY", "U3", "HARBOUR PCN", *COAST, *DALE),
]  # fmt: skip
PEOPLE = [1000, 3000, 2000, 500, 1500, 4000, 2500, 500]
NEED = [1.2, 0.8, 1.1, 1.5, 0.9, 1.0, 1.04, 0.8]
"""Weighted people for each registered one; over all rows they are the population, as in England."""


def table(people=PEOPLE, need=NEED) -> pd.DataFrame:
    """The made-up practices with their figures; components differ by how they lean on the core need."""
    rows = pd.DataFrame(ROWS, columns=LABELS)
    rows["Population"] = people
    total = rows["Population"].sum()
    for k, name in enumerate(FIGURES[1:]):
        weighted = rows["Population"] * pd.Series(need) ** (1 + (k - 6) / 10)
        rows[name] = weighted * total / weighted.sum()
    return rows


def located(rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """The table with where each practice is: the system of hills to the north of that of the coast."""
    rows = table() if rows is None else rows
    return rows.assign(Latitude=[53.0 - 0.05 * k for k in range(len(rows))],
                       Longitude=[-1.5 + 0.1 * (k % 3) for k in range(len(rows))])  # fmt: skip


def saved(folder: Path, rows: pd.DataFrame | None = None, name: str = "practices_2025_26.csv") -> Path:
    """The table as a file."""
    path = folder / name
    path.write_text((table() if rows is None else rows).to_csv(index=False), encoding="utf-8-sig")
    return path


def workbook(folder: Path, sheets: dict[str, list[list]], name: str = "practices.xlsx") -> Path:
    """Sheets of cells as a workbook, texts shared as spreadsheets share them."""
    texts: list[str] = []
    parts = {"xl/workbook.xml": "", "xl/_rels/workbook.xml.rels": ""}
    for k, (title, rows) in enumerate(sheets.items(), start=1):
        parts["xl/workbook.xml"] += f'<sheet name="{escape(title)}" sheetId="{k}" r:id="rId{k}"/>'
        parts["xl/_rels/workbook.xml.rels"] += f'<Relationship Id="rId{k}" Target="worksheets/sheet{k}.xml"/>'
        parts[f"xl/worksheets/sheet{k}.xml"] = "".join(
            f'<row r="{r}">' + "".join(_cell(c, r, value, texts) for c, value in enumerate(cells)) + "</row>"
            for r, cells in enumerate(rows, start=1)
        )
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    link = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "xl/workbook.xml", f"<workbook {main} {link}><sheets>{parts.pop('xl/workbook.xml')}</sheets></workbook>"
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels", f"<Relationships>{parts.pop('xl/_rels/workbook.xml.rels')}</Relationships>"
        )
        for part, text in parts.items():
            book.writestr(part, f"<worksheet {main}><sheetData>{text}</sheetData></worksheet>")
        items = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
        book.writestr("xl/sharedStrings.xml", f"<sst {main}>{items}</sst>")
    path = folder / name
    path.write_bytes(out.getvalue())
    return path


def _cell(column: int, row: int, value, texts: list[str]) -> str:
    if value is None or value == "":
        return ""
    letters = ("" if column < 26 else chr(64 + column // 26)) + chr(65 + column % 26)
    reference = f"{letters}{row}"
    if isinstance(value, str):
        texts.append(value)
        return f'<c r="{reference}" t="s"><v>{len(texts) - 1}</v></c>'
    return f'<c r="{reference}"><v>{value!r}</v></c>'


def real() -> Path:
    """NHS England's file of 2025/26, where ALLOCATE_DATA names a folder that has it."""
    path = Path(os.environ.get("ALLOCATE_DATA", "")) / "nhse_practices_2025_26.csv"
    if not os.environ.get("ALLOCATE_DATA") or not path.is_file():
        pytest.skip("ALLOCATE_DATA names no folder with NHS England's practice-level data")
    return path


def problems(action, *arguments, **told) -> list[str]:
    """What a call is refused for, a sentence each."""
    with pytest.raises(al.ScenarioError) as caught:
        action(*arguments, **told)
    return [str(problem) for problem in caught.value.problems]
