"""Numbers, dates and errors in Excel's binary workbooks as their formats show them, of which calamine tells dates alone.

Belongs here: the records that say them (MS-XLSB 2.4). Not here: what a format means (``codes``), other values.
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Iterator
from typing import BinaryIO
from zipfile import ZipFile

from rag_pipeline.ingestion.extract.office.number_formats.codes import writes_more
from rag_pipeline.ingestion.extract.office.number_formats.dates import value_shown
from rag_pipeline.ingestion.extract.office.number_formats.old_files import ERRORS, Numbers, short_number
from rag_pipeline.ingestion.extract.office.short_cells import records, with_columns

_WORKBOOK, _STYLES = "xl/workbook.bin", "xl/styles.bin"
_ROW, _SHORT_NUMBER, _ERROR, _NUMBER, _FORMULA_NUMBER, _FORMULA_ERROR = 0, 2, 3, 5, 9, 11
_FORMAT, _CELL_FORMAT, _WORKBOOK_PROPERTIES, _SHEET, _CELL_FORMATS_BEGIN, _CELL_FORMATS_END = 44, 47, 153, 156, 617, 618
_STYLE_BITS = 0xFFFFFF


def binary_numbers(stream: BinaryIO) -> dict[str, Numbers]:
    """By the names of sheets; of those cells only whose number alone does not say what they show.

    Raises:
        struct.error, IndexError, KeyError: the workbook is damaged.
    """
    with ZipFile(stream) as archive:
        if _WORKBOOK not in archive.namelist() or _STYLES not in archive.namelist():
            return {}
        codes = _telling_codes(archive.read(_STYLES))
        sheets, since_1904 = _sheets(archive)
        return {name: _numbers(with_columns(archive.read(path)), codes, since_1904) for name, path in sheets if path in archive.namelist()}


def _telling_codes(styles: bytes) -> dict[int, str]:
    """The codes that show more of a number than its digits, by the numbers of cell formats."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

    codes, formats, of_cells = dict(BUILTIN_FORMATS), [], False
    for kind, data in _records(styles):
        if kind == _FORMAT:
            codes[struct.unpack_from("<H", data)[0]] = _string(data, 2)[0]
        elif kind in (_CELL_FORMATS_BEGIN, _CELL_FORMATS_END):
            of_cells = kind == _CELL_FORMATS_BEGIN
        elif kind == _CELL_FORMAT and of_cells:
            formats.append(codes.get(struct.unpack_from("<H", data, 2)[0], ""))
    return {number: code for number, code in enumerate(formats) if is_date_format(code) or writes_more(code)}


def _sheets(archive: ZipFile) -> tuple[list[tuple[str, str]], bool]:
    """Names and parts of the sheets, and whether days are counted from 1904."""
    from lxml import etree

    rels = etree.fromstring(archive.read("xl/_rels/workbook.bin.rels"), etree.XMLParser(resolve_entities=False, no_network=True))
    targets = {one.get("Id", ""): posixpath.normpath(posixpath.join("xl", one.get("Target", ""))).lstrip("/") for one in rels}
    found, since_1904 = [], False
    for kind, data in _records(archive.read(_WORKBOOK)):
        if kind == _WORKBOOK_PROPERTIES:
            since_1904 = bool(data[0] & 1)
        elif kind == _SHEET:
            relation, place = _string(data, 8)
            found.append((_string(data, place)[0], targets.get(relation, "")))
    return found, since_1904


def _numbers(sheet: bytes, codes: dict[int, str], since_1904: bool) -> Numbers:
    found: Numbers = {}
    row = 0
    for kind, data in _records(sheet):
        if kind == _ROW:
            row = struct.unpack_from("<I", data)[0]
        elif kind in (_SHORT_NUMBER, _NUMBER, _FORMULA_NUMBER, _ERROR, _FORMULA_ERROR):
            column, style = struct.unpack_from("<II", data)
            code = codes.get(style & _STYLE_BITS)
            if kind in (_ERROR, _FORMULA_ERROR):
                found.setdefault(row, {})[column] = ERRORS.get(data[8], "#ERROR"), ""
            elif code:
                number = (
                    short_number(struct.unpack_from("<I", data, 8)[0]) if kind == _SHORT_NUMBER else struct.unpack_from("<d", data, 8)[0]
                )
                found.setdefault(row, {})[column] = value_shown(number, code, since_1904), code
    return found


def _records(part: bytes) -> Iterator[tuple[int, bytes]]:
    return ((kind, part[data:end]) for kind, _, data, end in records(part))


def _string(data: bytes, place: int) -> tuple[str, int]:
    """A text behind the number of its characters (XLWideString: MS-XLSB 2.5.169), and the place behind it."""
    end = place + 4 + 2 * struct.unpack_from("<I", data, place)[0]
    return data[place + 4 : end].decode("utf-16-le", "replace"), end
