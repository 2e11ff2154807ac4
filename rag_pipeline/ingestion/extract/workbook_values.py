"""Workbooks of the formats that openpyxl does not read: Excel's old and binary ones, and OpenDocument's; read with calamine.

Belongs here: their cells, and the texts beside the cells. Not here: ``.xlsx`` (``workbook``), which also keeps how numbers are shown.
"""

from __future__ import annotations

import datetime
import struct
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.decoding import clean_text
from rag_pipeline.ingestion.extract.office_file import check_archive
from rag_pipeline.ingestion.extract.open_document import check_encryption, texts_beside_cells
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.ingestion.extract.workbook import Row, printed_text, sheet_elements, texts_outside_cells, unfilled_sheets
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_ZIP = b"PK\x03\x04"
_SERIES_TEXT, _HEADER, _FOOTER, _CONTINUE, _TEXT_OBJECT = 0x100D, 0x14, 0x15, 0x3C, 0x01B6
"""Records of the old format that hold text beside the cells (MS-XLS 2.3)."""


def read_workbook_values(source: Source) -> Iterator[Element]:
    """Sheet by sheet, each block of rows a table, hidden sheets too; then texts of charts, boxes, headers and footers. Pages are sheets.

    Raises:
        DocumentError: ``damaged``, ``too_large``, or ``password_protected``.
    """
    import python_calamine

    zipped = source.stream.read(4) == _ZIP
    source.stream.seek(0)
    if zipped:
        check_encryption(source, check_archive(source.stream))
        source.stream.seek(0)
    try:
        workbook = python_calamine.load_workbook(source.stream)
    except python_calamine.PasswordError:
        raise DocumentError("password_protected", "The workbook is protected with a password. Save a copy without one.") from None
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        message = f"The workbook is damaged or of an unknown form ({error}). Open it in its program and save it as .xlsx."
        raise DocumentError("damaged", message) from None
    names = workbook.sheet_names
    source.pages = len(names)
    empty: list[str] = []
    for number, name in enumerate(names, 1):
        filled = False
        for element in sheet_elements(_rows(workbook.get_sheet_by_name(name)), number, clean_text(name)):
            filled = True
            yield element
        if not filled:
            empty.append(clean_text(name))
    yield from unfilled_sheets(empty, len(names))
    yield from _texts_beside(source.stream, zipped)


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    start = sheet.start
    first = start[0] if start else 0
    for number, values in enumerate(sheet.iter_rows() if start else ()):
        cells = [_shown(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        lead = next((index for index, cell in enumerate(cells) if cell), 0)
        if cells:
            yield first + number, cells if lead < 3 else cells[lead:]


def _shown(value: object) -> str:
    """A value in full: every digit of a number, dates in ISO form."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    return clean_text(str(value))


def _texts_beside(stream: BinaryIO, zipped: bool) -> Iterator[Element]:
    stream.seek(0)
    if not zipped:
        yield from (Element("NarrativeText", text) for text in dict.fromkeys(_old_texts(stream)))
        return
    with zipfile.ZipFile(stream) as archive:
        open_document = "content.xml" in archive.namelist()
    yield from texts_beside_cells(stream) if open_document else texts_outside_cells(stream)


def _old_texts(stream: BinaryIO) -> Iterator[str]:
    """Texts of charts and boxes, headers and footers."""
    import olefile

    with olefile.OleFileIO(stream) as ole:
        name = next((name for name in ("Workbook", "Book") if ole.exists(name)), None)
        content = ole.openstream(name).read() if name else b""
    offset, previous = 0, 0
    while offset + 4 <= len(content):
        kind, size = struct.unpack_from("<HH", content, offset)
        data = content[offset + 4 : offset + 4 + size]
        text = ""
        if kind == _SERIES_TEXT and size > 4:
            text = _characters(data[3:], data[2])
        elif kind in (_HEADER, _FOOTER) and size > 3:
            text = printed_text(_characters(data[2:], int.from_bytes(data[:2], "little")))
        elif kind == _CONTINUE and previous == _TEXT_OBJECT and size > 1:
            text = _characters(data, len(data))
        if text.strip():
            yield clean_text(text).strip()
        offset += 4 + size
        previous = kind


def _characters(data: bytes, count: int) -> str:
    """A string of ``count`` characters after a byte that says how wide they are."""
    wide = data[0] & 1
    return data[1 : 1 + count * 2].decode("utf-16-le", "ignore") if wide else data[1 : 1 + count].decode("cp1252", "replace")
