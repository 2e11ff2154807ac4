"""Workbooks of the formats that openpyxl does not read: Excel's old and binary ones, and OpenDocument's; read with calamine.

Belongs here: their cells, and the texts beside the cells. Not here: ``.xlsx`` (``workbook``), which also keeps how numbers are shown.
"""

from __future__ import annotations

import html
import io
import math
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text, code_page_encoding
from rag_pipeline.ingestion.extract.inside import elements_in_place
from rag_pipeline.ingestion.extract.office.number_formats.binary_files import binary_numbers
from rag_pipeline.ingestion.extract.office.number_formats.codes import in_full
from rag_pipeline.ingestion.extract.office.number_formats.old_files import Numbers, old_numbers, records
from rag_pipeline.ingestion.extract.office.office_file import check_archive
from rag_pipeline.ingestion.extract.office.open_document.walk import check_encryption, open_properties, texts_beside_cells
from rag_pipeline.ingestion.extract.office.package import Package
from rag_pipeline.ingestion.extract.office.parts import core_properties
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.office.short_cells import with_columns
from rag_pipeline.ingestion.extract.office.workbook import calamine_sheets, elements_of_sheets
from rag_pipeline.ingestion.extract.office.workbook_parts import printed_text, texts_outside_cells
from rag_pipeline.ingestion.extract.process.libreoffice import converted
from rag_pipeline.ingestion.extract.source import NO_LIBRARY_ERRORS, Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

_ZIP = b"PK\x03\x04"
_CONTENT = "content.xml"
_BINARY_SHEET = re.compile(r"xl/(?:work|macro|dialog)sheets/[^/]+\.bin", re.IGNORECASE)
_TYPELESS_CELL = re.compile(rb"(<table:table-cell\b)(?![^>]*office:value-type)((?:[^>]*[^/>])?>)(?=\s*<text:p)")
_SHOWN_NUMBER = re.compile(
    rb'(?P<start><table:table-cell\b[^>]*?(?P<type>\boffice:value-type="(?:float|percentage|currency)")[^>]*>)'
    rb"<text:p[^>]*>(?:<text:s[^>]*/>)*(?P<shown>[^<]*[^<\d.,\s-][^<]*)(?:<text:s[^>]*/>)*</text:p>"
)
"""A cell whose number is shown with more than digits. Its value alone would be what calamine takes, for errors as well."""
_VALUE = re.compile(rb'\s*\boffice:value="([^"]*)"')
_LONG_TIME = re.compile(
    rb'office:value-type="time"(?P<between>[^>]*?)\boffice:time-value="(?P<sign>-?)PT(?P<hours>\d{3,}|2[4-9]|[3-9]\d|(?<=-PT)\d\d)'
    rb'H(?P<minutes>\d+)M(?P<seconds>[\d.,]+)S"(?P<rest>[^>]*>)<text:p[^>]*>[^<]*</text:p>'
)
"""A cell with a length of time (ODF 1.3 part 3, 18.2: duration) that no clock shows: calamine gives the value as it is stored."""
_AROUND_NUMBER = re.compile(r"([^\d%]*?)\.?\d(?:[\d.,\s'’]*\d)?(?:[eE][+-]?\d+)?([^\d]*)")
_NO_RESULT = b' office:string-value=""'
"""Of a formula that failed: what went wrong is the cell's text, and calamine prefers this."""
_LINE_BREAK = re.compile(rb"<text:line-break\s*/>")
"""Within a cell (ODF 1.3 part 3, 6.1.5), as Gnumeric writes it: calamine put the words on both sides together."""
_BLANKS_IN_TABLE = re.compile(rb"(?<=>)\s+(?=</?table:)")
_SERIES_TEXT, _HEADER, _FOOTER, _CONTINUE, _TEXT_OBJECT = 0x100D, 0x14, 0x15, 0x3C, 0x01B6
"""Records of the old format that hold text beside the cells (MS-XLS 2.3)."""
_DIMENSIONS, _OLDER_DIMENSIONS_BYTES = 0x0200, 10
_BEGIN, _CODE_PAGE, _VERSION_5 = 0x0809, 0x0042, 0x0500
_TWO_BYTES = (932, 936, 949, 950, 1361)
"""Code pages of East Asia."""
_TEXT_BEGINS = {0x0204: 8, 0x00D6: 8, 0x0207: 2, 0x0085: 6}
"""Where in its record a text stands: LABEL, RSTRING, STRING (of a formula), BOUNDSHEET (MS-XLS 2.3; as Excel 5 wrote them)."""
_CONTROL = re.compile("[\x00-\x1f]")
_MOST_PLACES = 1 << 22
"""Each takes 32 bytes."""


def read_workbook_values(source: Source) -> Iterator[Element]:
    """Sheet by sheet, each block of rows a table, hidden sheets too; then texts of charts, boxes, headers and footers. Pages are sheets.

    What calamine cannot read is read as LibreOffice saves it, where that is installed.

    Raises:
        DocumentError: ``damaged``, ``too_large``, ``password_protected``, or ``missing_program`` (LibreOffice).
    """
    zipped = source.stream.read(4) == _ZIP
    source.stream.seek(0)
    if zipped:
        check_encryption(source, check_archive(source.stream))
        source.stream.seek(0)
    elif _is_beyond_calamine(source.stream):
        properties = _old_properties(source, source.stream)  # which LibreOffice leaves out of files of Excel 5
        yield from with_properties(properties, elements_as_converted(source), source.name)
        return
    try:
        workbook = _opened(source, zipped)
    except DocumentError as error:
        if error.code != "damaged":
            raise
        yield from elements_as_converted(source, error)
        return
    properties, beside = _around(source, zipped)
    sheets = calamine_sheets(workbook, _numbers(source, zipped))
    yield from with_properties(properties, chain(elements_of_sheets(source, sheets), beside), source.name)


def _opened(source: Source, zipped: bool) -> CalamineWorkbook:
    import python_calamine

    try:
        return python_calamine.load_workbook(_as_calamine_reads_it(source.stream) if zipped else source.stream)
    except python_calamine.PasswordError:
        raise DocumentError("password_protected", "The workbook is protected with a password. Save a copy without one.") from None
    except (MemoryError, *NO_LIBRARY_ERRORS):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the library, which is written in Rust, is no Exception
        message = f"The workbook is damaged or of an unknown form ({error}). Open it in its program and save it as .xlsx."
        raise DocumentError("damaged", message) from None


def elements_as_converted(source: Source, instead_of: DocumentError | None = None) -> Iterator[Element]:
    """A workbook as LibreOffice saves it in the form of today.

    Args:
        source: the workbook.
        instead_of: what is raised where LibreOffice cannot read it either, or is not there.

    Raises:
        DocumentError: ``instead_of``; without, ``missing_program`` or ``unreadable_content``.
    """
    source.stream.seek(0)
    content = source.stream.read()
    try:
        today = converted(content, "xls" if not content.startswith(_ZIP) else "ods" if _CONTENT.encode() in content else "xlsb", "xlsx")
    except DocumentError as error:
        raise (instead_of or error) from None
    yield from elements_in_place(source, today)


def _is_beyond_calamine(stream: BinaryIO) -> bool:
    """Whether calamine would garble a workbook of the old format, or run out of memory.

    Of Excel 5 and 95 it reads characters of two bytes byte by byte (CODEPAGE: MS-XLS 2.4.52). It keeps a place for each cell that could be,
    so two cells in opposite corners are enough; sizes as the sheets declare them (DIMENSIONS: MS-XLS 2.4.90).
    """
    beyond, version, code_page = False, 0, 0
    with suppress(OSError, ValueError, struct.error):  # what is damaged is calamine's to say
        for _, kind, data in records(_old_stream(stream)):
            if kind == _BEGIN:
                version = struct.unpack_from("<H", data)[0]
            elif kind == _CODE_PAGE:
                code_page = struct.unpack_from("<H", data)[0]
            elif kind in _TEXT_BEGINS and version == _VERSION_5 and code_page in _TWO_BYTES:
                beyond = beyond or not data[_TEXT_BEGINS[kind] :].isascii()
            elif kind == _DIMENSIONS:
                top, bottom, left, right = struct.unpack_from("<IIHH" if len(data) > _OLDER_DIMENSIONS_BYTES else "<HHHH", data)
                beyond = beyond or (bottom - top) * (right - left) > _MOST_PLACES
    stream.seek(0)
    return beyond


def _numbers(source: Source, zipped: bool) -> dict[str, Numbers]:
    found: dict[str, Numbers] = {}
    with source.part("How its numbers are shown"):
        source.stream.seek(0)
        found.update(binary_numbers(source.stream) if zipped else old_numbers(_old_stream(source.stream)))
    return found


def _as_calamine_reads_it(stream: BinaryIO) -> BinaryIO:
    """OpenDocument's cells may have a text and no type (ODF 1.3 part 3, 19.385), which calamine takes for empty ones.

    Blanks between rows and cells, which mean nothing (ODF 1.3 part 3, 3.17: as KSpread indents), make it give the workbook up.
    """
    with zipfile.ZipFile(stream) as archive:
        names = list(dict.fromkeys(archive.namelist()))
        better = {name: mend(archive.read(name)) for name in names if (mend := _mending(name))}
        if all(content == archive.read(name) for name, content in better.items()):
            stream.seek(0)
            return stream
        mended = io.BytesIO()
        with zipfile.ZipFile(mended, "w", zipfile.ZIP_DEFLATED) as target:
            for name in names:
                target.writestr(name, better[name] if name in better else archive.read(name))
    mended.seek(0)
    return mended


def _mending(name: str) -> Callable[[bytes], bytes] | None:
    return _mended if name == _CONTENT else with_columns if _BINARY_SHEET.fullmatch(name) else None


def _mended(content: bytes) -> bytes:
    lines = _LINE_BREAK.sub(b" ", _BLANKS_IN_TABLE.sub(b"", content).replace(_NO_RESULT, b""))
    typed = _TYPELESS_CELL.sub(rb'\1 office:value-type="string"\2', lines)
    times = rb'office:value-type="string"\g<between>\g<rest><text:p>\g<sign>\g<hours>:\g<minutes>:\g<seconds></text:p>'
    return _SHOWN_NUMBER.sub(_as_shown, _LONG_TIME.sub(times, typed))


def _number(written: bytes) -> float | None:
    """None of what is no number, or none that a workbook can hold: calamine would give up the whole file for it."""
    with suppress(ValueError):
        return number if math.isfinite(number := float(written)) else None
    return None


def _as_shown(cell: re.Match[bytes]) -> bytes:
    """A cell with a number as one with a text: the number in full, with what the cell writes around it; or what it shows for an error."""
    value, shown = _VALUE.search(cell[0]), html.unescape(cell["shown"].decode("utf-8", "replace"))
    around = _AROUND_NUMBER.fullmatch(shown)
    if value is None:
        return cell[0]
    text = shown
    number = _number(value[1])
    if around is not None and number is not None and b'value-type="error"' not in cell[0]:
        size = f"{in_full(abs(number) * 100)}%" if "%" in shown else in_full(abs(number))
        text = f"{'-' if number < 0 else ''}{around[1].strip('-(+ ')}{size}{around[2].rstrip(') ').replace('%', '')}"
    words = html.escape(text, quote=False).encode()
    start = _VALUE.sub(b"", cell["start"]).replace(cell["type"], b'office:value-type="string"')
    return start + b"<text:p>" + words + b"</text:p>"


def _around(source: Source, zipped: bool) -> tuple[dict[str, str], Iterator[Element]]:
    """What the workbook says of itself, and what stands beside its cells."""
    stream = source.stream
    stream.seek(0)
    if not zipped:
        return _old_properties(source, stream), _old_elements(source, stream)
    with zipfile.ZipFile(stream) as archive:
        if _CONTENT in archive.namelist():
            return open_properties(source, archive), texts_beside_cells(source, stream)
    return core_properties(source, Package(stream)), texts_outside_cells(source, stream)


def _old_properties(source: Source, stream: BinaryIO) -> dict[str, str]:
    """MS-OLEPS 3.1."""
    import olefile

    found: dict[str, str] = {}
    with source.part("The document's properties"), olefile.OleFileIO(stream) as ole:
        told: Any = ole.get_metadata()
        code_page = code_page_encoding(told.codepage or 0) or "utf-8"  # a signed number, by which UTF-8 is a negative one
        values = {
            "Title": told.title,
            "Author": told.author,
            "Subject": told.subject,
            "Keywords": told.keywords,
            "Category": told.category,
            "Description": told.comments,
        }
        found.update({name: _stated(value, code_page) for name, value in values.items() if value})
    return found


def _stated(value: str | bytes, code_page: str) -> str:
    """A text of two bytes a character comes decoded (VT_LPWSTR: MS-OLEPS 2.15), and too much of it where its length counts bytes."""
    return _CONTROL.split(value)[0] if isinstance(value, str) else value.decode(code_page, "replace")


def _old_elements(source: Source, stream: BinaryIO) -> Iterator[Element]:
    with source.part("What stands beside the cells"):
        yield from (Element("NarrativeText", text) for text in dict.fromkeys(_old_texts(stream)))


def _old_texts(stream: BinaryIO) -> Iterator[str]:
    """Texts of charts and boxes, headers and footers."""
    previous = 0
    for _, kind, data in records(_old_stream(stream)):
        text = ""
        if kind == _SERIES_TEXT and len(data) > 4:
            text = _characters(data[3:], data[2])
        elif kind in (_HEADER, _FOOTER) and len(data) > 3:
            text = printed_text(_characters(data[2:], int.from_bytes(data[:2], "little")))
        elif kind == _CONTINUE and previous == _TEXT_OBJECT and len(data) > 1:
            text = _characters(data, len(data))
        if text.strip():
            yield clean_text(text).strip()
        previous = kind


def _old_stream(stream: BinaryIO) -> bytes:
    """The records of an old file."""
    import olefile

    with olefile.OleFileIO(stream) as ole:
        name = next((name for name in ("Workbook", "Book") if ole.exists(name)), None)
        return ole.openstream(name).read() if name else b""


def _characters(data: bytes, count: int) -> str:
    """A string of ``count`` characters after a byte that says how wide they are."""
    wide = data[0] & 1
    return data[1 : 1 + count * 2].decode("utf-16-le", "ignore") if wide else data[1 : 1 + count].decode("cp1252", "replace")
