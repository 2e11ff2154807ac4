"""Binary workbooks (MS-XLSB 2.4): cells that leave out their column (BrtShortBlank to BrtShortIsst), how numbers are shown, errors."""

import io
import struct
import zipfile
from pathlib import Path

import pytest

from rag_pipeline.ingestion.extract.office.short_cells import with_columns
from rag_pipeline_tests.ingestion.extract.documents import read, texts

ROW, BLANK, NUMBER, TEXT, FORMULA = 0, 1, 5, 6, 9
SHORT_NUMBER, SHORT_TEXT = 16, 17
STYLE = bytes(4)
BEGIN_SHEET = bytes((0x81, 0x01, 0))
"""A record whose kind takes two bytes."""


def size(count: int) -> bytes:
    return bytes((count,)) if count < 128 else bytes((count & 127 | 128, count >> 7))


def record(kind: int, data: bytes) -> bytes:
    return (bytes((kind,)) if kind < 128 else bytes((kind & 127 | 128, kind >> 7))) + size(len(data)) + data


def cell(kind: int, column: int, data: bytes) -> bytes:
    return record(kind, struct.pack("<I", column) + STYLE + data)


def text(words: str) -> bytes:
    return struct.pack("<I", len(words)) + words.encode("utf-16-le")


@pytest.mark.parametrize("words", ["Heron Quay", "A remark that is longer than a size of one byte " * 4])
def test_each_cell_stands_right_of_the_one_before_it(words: str) -> None:
    number = struct.pack("<d", 12400.0)
    short = BEGIN_SHEET + record(ROW, bytes(17)) + cell(TEXT, 2, text("Berth")) + record(SHORT_TEXT, STYLE + text(words))
    short += record(SHORT_NUMBER, STYLE + number) + record(ROW, bytes(17)) + record(SHORT_NUMBER, STYLE + number)
    short += cell(FORMULA, 7, number) + record(SHORT_NUMBER, STYLE + number)
    long = BEGIN_SHEET + record(ROW, bytes(17)) + cell(TEXT, 2, text("Berth")) + cell(TEXT, 3, text(words)) + cell(NUMBER, 4, number)
    long += record(ROW, bytes(17)) + cell(NUMBER, 0, number) + cell(FORMULA, 7, number) + cell(NUMBER, 8, number)
    assert with_columns(short) == long
    assert with_columns(long) is long


RELATIONS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHORT_REAL, ERROR, REAL, FORMULA_REAL, FORMULA_ERROR = 2, 3, 5, 9, 11


def binary_workbook(formats: list[str], cells: list[tuple[int, int, bytes]], since_1904: bool = False) -> bytes:
    """A sheet of one row. Each cell has a kind, the number of its format (0: none), and its value."""
    styles = record(278, b"") + record(615, struct.pack("<I", len(formats)))
    styles += b"".join(record(44, struct.pack("<H", 164 + number) + text(code)) for number, code in enumerate(formats)) + record(616, b"")
    styles += record(617, struct.pack("<I", len(formats) + 1))
    styles += b"".join(record(47, struct.pack("<HH", 0, code) + bytes(12)) for code in (0, *range(164, 164 + len(formats))))
    styles += record(618, b"") + record(279, b"")
    book = record(131, b"") + record(153, struct.pack("<II", int(since_1904), 0) + text(""))
    book += record(143, b"") + record(156, struct.pack("<II", 0, 1) + text("rId1") + text("Fees")) + record(144, b"") + record(132, b"")
    row = b"".join(
        record(kind, struct.pack("<II", column, style) + value + (bytes(10) if kind in (FORMULA_REAL, FORMULA_ERROR) else b""))
        for column, (kind, style, value) in enumerate(cells)
    )
    sheet = record(129, b"") + record(148, struct.pack("<4I", 0, 0, 0, len(cells))) + record(145, b"")
    sheet += record(ROW, bytes(17)) + row + record(146, b"") + record(130, b"")
    relation = '<Relationship Id="rId{}" Type="{}/{}" Target="{}"/>'
    links = relation.format(1, OFFICE, "worksheet", "worksheets/sheet1.bin") + relation.format(2, OFFICE, "styles", "styles.bin")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>")
        archive.writestr("_rels/.rels", RELATIONS.format(relation.format(1, OFFICE, "officeDocument", "xl/workbook.bin")))
        archive.writestr("xl/_rels/workbook.bin.rels", RELATIONS.format(links))
        for name, part in (("workbook.bin", book), ("styles.bin", styles), ("worksheets/sheet1.bin", sheet)):
            archive.writestr(f"xl/{name}", part)
    return buffer.getvalue()


def real(number: float) -> bytes:
    return struct.pack("<d", number)


def test_numbers_are_shown_by_their_formats(tmp_path: Path) -> None:
    formats = ["0.0%", '#,##0.00 "€"', "00000", "yyyy\\-mm\\-dd"]
    cells = [(REAL, 0, real(0.125)), (REAL, 1, real(0.125)), (FORMULA_REAL, 2, real(12.5)), (SHORT_REAL, 3, struct.pack("<I", 42 << 2 | 2))]
    extraction = read(tmp_path, "a.xlsb", binary_workbook(formats, [*cells, (REAL, 4, real(45352.0))]))
    assert texts(extraction) == ["Fees", "0.125 | 12.5% | 12.5 € | 00042 | 2024-03-01"]
    assert extraction.notes == ()


def test_days_of_the_macintosh(tmp_path: Path) -> None:
    cells = [(REAL, 1, real(1.0)), (REAL, 1, real(2.0))]
    assert texts(read(tmp_path, "a.xlsb", binary_workbook(["d/m/yy"], cells, since_1904=True)))[-1] == "1904-01-02 | 1904-01-03"


def test_errors_are_what_cells_show(tmp_path: Path) -> None:
    cells = [(REAL, 0, real(1.0)), (ERROR, 0, b"\x2a"), (FORMULA_ERROR, 0, b"\x07"), (REAL, 0, real(2.0))]
    assert texts(read(tmp_path, "a.xlsb", binary_workbook([], cells)))[-1] == "1 | #N/A | #DIV/0! | 2"
