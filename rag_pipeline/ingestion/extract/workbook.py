"""Excel workbooks, read with openpyxl.

Belongs here: cells as a reader of the sheet sees them. Not here: the old ``.xls`` format.

Not through unstructured's partitioner: it prints cells through a pandas frame, which rounds 3.14159265358979 to 3.141593 and
0.000000001 to 0.0 (measured, unstructured 0.27.32), and it loads pandas besides. Numbers are what people look up in workbooks.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rag_pipeline.ingestion.extract.decoding import clean_text
from rag_pipeline.ingestion.extract.delimited import ROWS_PER_ELEMENT
from rag_pipeline.ingestion.extract.office_file import damage_reported, office_archive, safe_xml
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.ingestion.extract.tables import is_header_row, row_text
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_Row = tuple[int, list[str]]


def read_workbook(source: Source) -> Iterator[Element]:
    """Sheet by sheet, each block of rows a table; the sheet's name is the heading above. Pages are sheets.

    Formulas give the values that Excel saved with them. Text in shapes and comments follows the tables of the whole workbook.

    Raises:
        DocumentError: ``damaged`` or ``too_large``.
    """
    import openpyxl

    archive = office_archive(source.stream)
    with damage_reported():
        workbook = openpyxl.load_workbook(archive, read_only=True, data_only=True, keep_links=False)
        source.pages = len(workbook.worksheets)
        for number, sheet in enumerate(workbook.worksheets, 1):
            # The size that a sheet declares may be wrong, in either direction.
            sheet.reset_dimensions()
            yield from _tables(_rows(sheet), number, (clean_text(sheet.title),))
        yield from _texts_outside_cells(archive)


def _rows(sheet: Any) -> Iterator[_Row]:
    """Rows that hold anything: number in the sheet, cells."""
    for cells in sheet.iter_rows():
        filled = [cell for cell in cells if cell.value is not None]
        if filled:
            yield filled[0].row, _cell_texts(filled, len(cells))


def _cell_texts(filled: list[Cell], width: int) -> list[str]:
    texts = [""] * min(width, max(cell.column for cell in filled))
    if len(filled) * 50 < len(texts):  # a few cells, far apart: the void between them says nothing
        return [cell_text(cell) for cell in filled]
    for cell in filled:
        texts[cell.column - 1] = cell_text(cell)
    first = next(index for index, text in enumerate(texts) if text) if any(texts) else 0
    return texts if first < 3 else texts[first:]


def cell_text(cell: Cell) -> str:
    """A cell's value in full: every digit of a number, dates in ISO form, percentages as shown."""
    value = cell.value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if "%" in str(cell.number_format):
            return f"{value * 100:.15g}%"
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return clean_text(str(value))


def _tables(rows: Iterator[_Row], page: int, path: tuple[str, ...]) -> Iterator[Element]:
    """A table for each block of consecutive rows; long blocks in parts."""
    for _, block in groupby(enumerate(rows), key=lambda item: item[1][0] - item[0]):
        yield from _parts([row for _, (_, row) in block], page, path)


def _parts(rows: list[list[str]], page: int, path: tuple[str, ...]) -> Iterator[Element]:
    if all(sum(map(bool, row)) == 1 for row in rows):
        yield Element("NarrativeText", "\n".join(next(filter(None, row)) for row in rows), page=page, heading_path=path)
        return
    header = row_text(rows[0]) if len(rows) > 1 and is_header_row(rows[0], rows[1]) else None
    for start in range(0, len(rows), ROWS_PER_ELEMENT):
        text = "\n".join(row_text(row) for row in rows[start : start + ROWS_PER_ELEMENT])
        yield Element("Table", text, page=page, heading_path=path, table_header=header)


def _texts_outside_cells(file: io.BytesIO) -> Iterator[Element]:
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("xl/drawings/drawing"):
                yield from _texts(archive.read(name), f"{_A}p", f"{_A}t")
            elif name.startswith("xl/comments") and name.endswith(".xml"):
                main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
                yield from _texts(archive.read(name), f"{main}comment", f"{main}t")


def _texts(part: bytes, paragraph_tag: str, text_tag: str) -> Iterator[Element]:
    for paragraph in safe_xml(part).iter(paragraph_tag):
        text = clean_text("".join(run.text or "" for run in paragraph.iter(text_tag))).strip()
        if text:
            yield Element("NarrativeText", text)
