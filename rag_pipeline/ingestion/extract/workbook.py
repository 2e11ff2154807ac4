"""Excel workbooks, read with openpyxl.

Belongs here: cells as a reader of the sheet sees them. Not here: the old ``.xls`` format.

Not through unstructured's partitioner: it prints cells through a pandas frame, which rounds 3.14159265358979 to 3.141593 and
0.000000001 to 0.0 (measured, unstructured 0.27.32), and it loads pandas besides. Numbers are what people look up in workbooks.
"""

from __future__ import annotations

import datetime
import html
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any, BinaryIO

from rag_pipeline.ingestion.extract.charts import chart_rows
from rag_pipeline.ingestion.extract.decoding import clean_text
from rag_pipeline.ingestion.extract.delimited import ROWS_PER_ELEMENT
from rag_pipeline.ingestion.extract.office_file import damage_reported, office_archive, safe_xml
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.ingestion.extract.tables import is_header_row, row_text, table_element
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_THREADED = "{http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments}"
_PRINT_CODE = re.compile(r'&(?:"[^"]*"|\d+|K[0-9A-Fa-f]{6}|[A-Za-z&])')
"""``&C`` centres, ``&P`` is the page's number, and so on: what headers and footers of sheets hold besides words."""
_HEADER_OR_FOOTER = re.compile(rb"<(?:odd|even|first)(?:Header|Footer)>([^<]+)</")
_END_BYTES = 65536
Row = tuple[int, list[str]]
"""The number of a row in its sheet, and its cells."""


def read_workbook(source: Source) -> Iterator[Element]:
    """Sheet by sheet, each block of rows a table; the sheet's name is the heading above. Pages are sheets.

    Formulas give the values that Excel saved with them. Text in charts, shapes, comments, headers and footers follows the tables.

    Raises:
        DocumentError: ``damaged`` or ``too_large``.
    """
    import openpyxl

    archive = office_archive(source.stream)
    with damage_reported():
        workbook = openpyxl.load_workbook(archive, read_only=True, data_only=True, keep_links=False)
        source.pages = len(workbook.worksheets)
        empty: list[str] = []
        for number, sheet in enumerate(workbook.worksheets, 1):
            # The size that a sheet declares may be wrong, in either direction.
            sheet.reset_dimensions()
            filled = False
            for element in sheet_elements(_rows(sheet), number, clean_text(sheet.title)):
                filled = True
                yield element
            if not filled:
                empty.append(clean_text(sheet.title))
        yield from unfilled_sheets(empty, len(workbook.worksheets))
        yield from texts_outside_cells(archive)


def sheet_elements(rows: Iterator[Row], page: int, name: str) -> Iterator[Element]:
    """The sheet's name as a title, then a table for each block of rows; nothing for a sheet without rows."""
    first = next(rows, None)
    if first is not None:
        yield Element("Title", name, page=page)
        yield from _tables(chain([first], rows), page, (name,))


def unfilled_sheets(names: Sequence[str], sheets: int) -> Iterator[Element]:
    """A line that names the sheets without rows, unless there are no others."""
    if names and len(names) < sheets:
        yield Element("NarrativeText", f"Sheets without rows: {', '.join(names)}")


def _rows(sheet: Any) -> Iterator[Row]:
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


def _tables(rows: Iterable[Row], page: int, path: tuple[str, ...]) -> Iterator[Element]:
    """A table for each block of consecutive rows; long blocks in parts."""
    for _, block in groupby(enumerate(rows), key=lambda item: item[1][0] - item[0]):
        yield from _parts((row for _, (_, row) in block), page, path)


def _parts(rows: Iterator[list[str]], page: int, path: tuple[str, ...]) -> Iterator[Element]:
    header: str | None = None
    for number, part in enumerate(iter(lambda: list(islice(rows, ROWS_PER_ELEMENT)), [])):
        if header is None and all(sum(map(bool, row)) == 1 for row in part):
            yield Element("NarrativeText", "\n".join(next(filter(None, row)) for row in part), page=page, heading_path=path)
            continue
        if number == 0 and len(part) > 1 and is_header_row(part[0], part[1]):
            header = row_text(part[0])
        yield Element("Table", "\n".join(map(row_text, part)), page=page, heading_path=path, table_header=header)


def texts_outside_cells(file: BinaryIO) -> Iterator[Element]:
    """Charts, shapes, comments, headers and footers of a zipped workbook."""
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("xl/charts/chart") and name.endswith(".xml"):
                table = table_element(chart_rows(archive.read(name)))
                yield from [table] if table else []
            elif name.startswith("xl/drawings/drawing") and name.endswith(".xml"):
                yield from _texts(archive.read(name), f"{_A}p", f"{_A}t")
            elif name.startswith("xl/comments") and name.endswith(".xml"):
                yield from _texts(archive.read(name), f"{_MAIN}comment", f"{_MAIN}t", "Comment: ")
            elif name.startswith("xl/threadedComments/"):
                yield from _texts(archive.read(name), f"{_THREADED}threadedComment", f"{_THREADED}text", "Comment: ")
        yield from _headers_and_footers(archive)


def _texts(part: bytes, paragraph_tag: str, text_tag: str, label: str = "") -> Iterator[Element]:
    for paragraph in safe_xml(part).iter(paragraph_tag):
        text = clean_text("".join(run.text or "" for run in paragraph.iter(text_tag))).strip()
        if text and not text.startswith("[Threaded comment]"):  # a note to programs that know no threads
            yield Element("NarrativeText", label + text)


def _headers_and_footers(archive: zipfile.ZipFile) -> Iterator[Element]:
    written: dict[str, None] = {}
    for name in sorted(archive.namelist()):
        if name.startswith("xl/worksheets/sheet") and name.endswith(".xml"):
            for found in _HEADER_OR_FOOTER.finditer(_end_of(archive, name)):
                text = printed_text(html.unescape(found[1].decode("utf-8", "replace")))
                written.update({text: None} if text else {})
    yield from (Element("Header", text) for text in written)


def _end_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """The end of a sheet, where headers and footers are written; the rows before may be hundreds of megabytes."""
    end = b""
    with archive.open(name) as part:
        while block := part.read(_END_BYTES):
            end = (end + block)[-2 * _END_BYTES :]
    return end


def printed_text(code: str) -> str:
    """The words of a header or footer of a sheet, without the codes that place and format them."""
    return " ".join(clean_text(_PRINT_CODE.sub(" ", code)).split())
